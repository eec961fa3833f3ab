/*
 * The acts of a step: messages are completed (author, incident, times, numbers made unique by the
 * day the run starts), packed and published through the unit's own producer.
 */
#include "act.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "timefmt.h"

/* ---- publishing ---- */

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

static int publish_bytes(struct scenario_run *run, const char *author, const char *topic,
                         const void *payload, size_t size, struct ld_error *error)
{
    struct scenario_bus *bus = run->options->bus;
    uint64_t sequence = 0;
    int code = bus->publish(bus->self, author, topic, payload, size, &sequence, error);
    if (code != LD_OK)
        return ld_wrap(error, code, "publishing %s", topic);
    run->published = keep_room(run->published, run->published_count, &run->published_capacity,
                               sizeof *run->published);
    run->published[run->published_count++] = sequence;
    run->result->published++;
    return LD_OK;
}

static int publish(struct scenario_run *run, const char *author, const char *topic,
                   const ProtobufCMessage *message, struct ld_error *error)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *payload = ld_arena_alloc(&run->arena, size + 1);
    protobuf_c_message_pack(message, payload);
    return publish_bytes(run, author, topic, payload, size, error);
}

static Liandong__V1__Context *context(struct scenario_run *run, const char *author,
                                      const char *incident)
{
    Liandong__V1__Context *made = ld_arena_alloc(&run->arena, sizeof *made);
    liandong__v1__context__init(made);
    made->author = borrowed(author);
    made->incident = borrowed(incident);
    return made;
}

/* The incident that a step names; "last" and none mean the newest of this run. */
static const char *incident_id(const struct scenario_run *run, const Liandong__V1__Context *named)
{
    if (named != NULL && strcmp(named->incident, "last") != 0)
        return named->incident;
    return run->incident != NULL ? run->incident->id : "none";
}

/* A number of the file, unique for its author: the same scenario may run on another day again. */
static char *numbered(struct scenario_run *run, const char *id)
{
    char day[LD_TIME_TEXT_SIZE];
    if (id[0] == '\0' || run->scenario->plan == NULL) /* of a part: as the log has them */
        return borrowed(id);
    ld_date_format(day, run->result->start_us, LD_CHINA_OFFSET_MINUTES);
    return ld_arena_format(&run->arena, "%s-%s", day, id);
}

static int64_t absolute(const struct scenario_run *run, const struct scenario_time *time)
{
    return time->absolute ? time->us : run->result->start_us + time->us;
}

/* ---- reports, decisions, supplies ---- */

static int act_report(struct scenario_run *run, const struct scenario_step *step,
                      struct ld_error *error)
{
    Liandong__V1__Report report = *step->report;
    const char *named = report.context != NULL ? incident_id(run, report.context) : "";
    report.context = context(run, step->author, named);
    report.id = numbered(run, report.id);
    report.revises = numbered(run, report.revises);
    report.occurred_at_us = absolute(run, &step->occurred);
    report.received_at_us = absolute(run, &step->received);
    const char *topic =
        ld_arena_format(&run->arena, "report/%s/%s/%s", report.area, report.hazard, step->author);
    return publish(run, step->author, topic, &report.base, error);
}

static int act_bulletin(struct scenario_run *run, const struct scenario_step *step,
                        struct ld_error *error)
{
    Liandong__V1__Bulletin bulletin = *step->bulletin;
    const char *incident = incident_id(run, bulletin.context);
    bulletin.context = context(run, step->author, incident);
    bulletin.from_us = step->occurred.set ? absolute(run, &step->occurred) : 0;
    bulletin.to_us = step->received.set ? absolute(run, &step->received) : 0;
    const char *topic =
        ld_arena_format(&run->arena, "bulletin/%s/%s/%s", step->area, incident, step->author);
    return publish(run, step->author, topic, &bulletin.base, error);
}

/* The newest decision of that id; 0 if it has not been published (its step comes later). */
static uint64_t sequence_of(const struct scenario_run *run, const char *id)
{
    for (size_t i = run->said_count; id != NULL && i-- > 0;)
        if (strcmp(run->said[i].id, id) == 0)
            return run->said[i].sequence;
    return 0;
}

static void note_said(struct scenario_run *run, const char *id)
{
    run->said = keep_room(run->said, run->said_count, &run->said_capacity, sizeof *run->said);
    run->said[run->said_count++] =
        (struct scenario_said){id, run->published[run->published_count - 1]};
}

static int act_decision(struct scenario_run *run, const struct scenario_step *step,
                        struct ld_error *error)
{
    Liandong__V1__Decision decision = *step->decision;
    const char *incident = incident_id(run, decision.context);
    decision.context = context(run, step->author, incident);
    decision.effective_at_us = step->occurred.set ? absolute(run, &step->occurred) : 0;
    decision.amends = sequence_of(run, step->amends);
    if (step->amends != NULL && decision.amends == 0)
        return ld_fail(error, LD_INVALID, "line %d: the decision \"%s\" comes after this step",
                       step->line, step->amends);
    const char *topic =
        ld_arena_format(&run->arena, "decision/%s/%s/%s", decision.area, incident, step->author);
    int code = publish(run, step->author, topic, &decision.base, error);
    if (code == LD_OK && step->id != NULL)
        note_said(run, step->id);
    return code;
}

static int act_supply(struct scenario_run *run, const struct scenario_step *step,
                      struct ld_error *error)
{
    Liandong__V1__SupplyAct act = *step->supply;
    act.context = context(run, step->author, run->incident != NULL ? run->incident->id : "");
    act.id = numbered(run, act.id);
    act.request = numbered(run, act.request);
    act.needed_by_us = step->occurred.set ? absolute(run, &step->occurred) : 0;
    const char *topic =
        ld_arena_format(&run->arena, "need/%s/%s/%s", act.area, act.item, step->author);
    return publish(run, step->author, topic, &act.base, error);
}

/* ---- plans ---- */

static int adopt_bundle(struct scenario_run *run, const char *author, struct plan *plan,
                        const struct plan_bundle *bundle, struct ld_error *error)
{
    Liandong__V1__PlanAdoption adoption;
    liandong__v1__plan_adoption__init(&adoption);
    adoption.context = context(run, author, "");
    adoption.context->plan = borrowed(plan->id);
    adoption.context->plan_hash = plan->hash;
    adoption.files = ld_arena_alloc(&run->arena, (bundle->count + 1) * sizeof *adoption.files);
    for (size_t i = 0; i < bundle->count; i++) {
        Liandong__V1__PlanAdoption__File *file = ld_arena_alloc(&run->arena, sizeof *file);
        liandong__v1__plan_adoption__file__init(file);
        file->name = borrowed(bundle->files[i].name);
        file->content.data = (uint8_t *)borrowed(bundle->files[i].content);
        file->content.len = bundle->files[i].size;
        adoption.files[adoption.n_files++] = file;
    }
    const char *topic = ld_arena_format(&run->arena, "plan/%s", plan->id);
    return publish(run, author, topic, &adoption.base, error);
}

static int act_adopt(struct scenario_run *run, const struct scenario_step *step,
                     struct ld_error *error)
{
    const char *path = step->plan_from_run ? run->scenario->plan : step->plan;
    struct plan_bundle bundle = {0};
    struct plan *plan = NULL;
    if (path == NULL)
        return ld_fail(error, LD_INVALID, "adopt: again: this file has no plan; name one");
    int code = plan_bundle_read(run->options->context, path, &bundle, error);
    if (code != LD_OK)
        return ld_wrap(error, code, "plan %s", path);
    code = plan_load(bundle.files, bundle.count, &plan, NULL, error);
    if (code == LD_OK)
        code = adopt_bundle(run, step->author, plan, &bundle, error);
    plan_free(plan);
    plan_bundle_free(&bundle);
    return code;
}

/* ---- replies ---- */

static bool listed(const struct scenario_strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->all[i], text) == 0)
            return true;
    return false;
}

static bool addressed(const struct scenario_reply *reply, const DutyOrder *order)
{
    return (reply->all || listed(&reply->units, order->unit)) &&
           !listed(&reply->except, order->unit) &&
           (reply->duties.count == 0 || listed(&reply->duties, order->duty));
}

/* Does the action make sense for the order as it stands? */
static bool fits(const struct picture_order *order, Liandong__V1__DutyReply__Action action)
{
    const DutyOrder *last = order->last;
    bool seen = order->acknowledged_at_us != 0;
    bool taken = last->state == LIANDONG__V1__DUTY_ORDER__STATE__ACCEPTED ||
                 last->state == LIANDONG__V1__DUTY_ORDER__STATE__IN_PROGRESS;
    bool declined = last->state == LIANDONG__V1__DUTY_ORDER__STATE__DECLINED;
    if (!picture_order_open(last))
        return false;
    switch (action) {
    case LIANDONG__V1__DUTY_REPLY__ACTION__DELIVERED:
        return !seen && last->delivered_at_us == 0;
    case LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE:
        return !seen;
    case LIANDONG__V1__DUTY_REPLY__ACTION__ACCEPT:
    case LIANDONG__V1__DUTY_REPLY__ACTION__DECLINE:
        return seen && !taken && !declined;
    case LIANDONG__V1__DUTY_REPLY__ACTION__PROGRESS:
    case LIANDONG__V1__DUTY_REPLY__ACTION__DONE:
        return seen && !declined;
    default:
        return true;
    }
}

static int reply_to(struct scenario_run *run, const struct scenario_reply *reply, const char *unit,
                    const char *order, struct ld_error *error)
{
    const char *dot = strchr(unit, '.');
    if (dot == NULL)
        return ld_fail(error, LD_INVALID, "expected a unit such as 3303.health, found \"%s\"",
                       unit);
    Liandong__V1__DutyReply message;
    liandong__v1__duty_reply__init(&message);
    message.context =
        context(run, unit, ld_arena_format(&run->arena, "%.*s", (int)strcspn(order, "/"), order));
    message.order = borrowed(order);
    message.action = reply->action;
    message.reason = borrowed(reply->reason);
    message.help_from = borrowed(reply->help_from);
    message.person = borrowed(reply->person);
    const char *topic =
        ld_arena_format(&run->arena, "reply/%.*s/%s/%s", (int)(dot - unit), unit, dot + 1, order);
    return publish(run, unit, topic, &message.base, error);
}

struct target {
    const char *unit, *order;
};

/* The orders a reply is for. Copies: the picture moves on while replies are published. */
static size_t find_targets(struct scenario_run *run, const struct scenario_reply *reply,
                           struct target **targets)
{
    size_t count = 0;
    if (run->incident == NULL)
        return 0;
    size_t all = HASH_COUNT(run->incident->orders);
    *targets = ld_arena_alloc(&run->arena, (all + 1) * sizeof **targets);
    for (const struct picture_order *at = run->incident->orders; at != NULL; at = at->hh.next) {
        const DutyOrder *last = at->last;
        if (!addressed(reply, last) || !fits(at, reply->action))
            continue;
        (*targets)[count++] =
            (struct target){ld_arena_string(&run->arena, last->unit, strlen(last->unit)),
                            ld_arena_string(&run->arena, last->order, strlen(last->order))};
    }
    return count;
}

struct waiting {
    struct scenario_run *run;
    const struct scenario_reply *reply;
};

static bool all_acknowledged(void *data)
{
    const struct waiting *waiting = data;
    const struct picture_incident *incident = waiting->run->incident;
    const struct picture_order *first = incident != NULL ? incident->orders : NULL;
    for (const struct picture_order *at = first; at != NULL; at = at->hh.next)
        if (addressed(waiting->reply, at->last) && picture_order_open(at->last) &&
            at->acknowledged_at_us == 0)
            return false;
    return true;
}

static int act_reply(struct scenario_run *run, const struct scenario_step *step,
                     struct ld_error *error)
{
    const struct scenario_reply *reply = step->reply;
    struct scenario_bus *bus = run->options->bus;
    struct target *targets = NULL;
    if (run->options->external_replies && bus->wait != NULL && reply->external) {
        struct waiting waiting = {run, reply};
        return bus->wait(bus->self, all_acknowledged, &waiting,
                         "units that acknowledge their orders", error);
    }
    if (reply->order != NULL)
        return reply_to(run, reply, reply->units.all[0],
                        ld_arena_format(&run->arena, "%s/%s", incident_id(run, NULL), reply->order),
                        error);
    size_t count = find_targets(run, reply, &targets);
    run->nothing_to_do = count == 0 && !run->options->external_replies;
    for (size_t i = 0; i < count; i++) {
        int code = reply_to(run, reply, targets[i].unit, targets[i].order, error);
        if (code != LD_OK)
            return code;
    }
    return LD_OK;
}

/* ---- the whole ---- */

int act_step(struct scenario_run *run, const struct scenario_step *step, struct ld_error *error)
{
    ld_arena_reset(&run->arena);
    switch (step->action) {
    case SCENARIO_WAIT:
        return LD_OK;
    case SCENARIO_REPORT:
        return act_report(run, step, error);
    case SCENARIO_BULLETIN:
        return act_bulletin(run, step, error);
    case SCENARIO_DECISION:
        return act_decision(run, step, error);
    case SCENARIO_REPLY:
        return act_reply(run, step, error);
    case SCENARIO_SUPPLY:
        return act_supply(run, step, error);
    case SCENARIO_ADOPT:
        return act_adopt(run, step, error);
    case SCENARIO_RAW:
        return publish_bytes(run, step->author, step->raw->topic, step->raw->payload,
                             step->raw->payload_size, error);
    }
    return LD_OK;
}
