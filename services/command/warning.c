/*
 * Warnings: what the figures suggest (grading), and what is issued, adjusted and lifted by the
 * plan's steps (procedure.c judges them).
 *
 * Happy path: a colour is suggested; the steps of its rule are taken, each a Warning event; with
 * the step of act issue it is in force, and where the plan says so the response starts, moves or
 * ends with it; steps that the rule puts after it follow. A colour is only ever raised to what is
 * suggested by then. With its incident closed a warning lapses. Where warnings are issued as one,
 * the others in force say MERGED when what they are issued as has changed. A response that was
 * ordered from above is not lowered or ended by a warning, and one whose start the plan leaves to
 * an order is not started by it.
 */
#include "command.h"

#include <assert.h>
#include <string.h>

enum { MERGED_MAX = 64 }; /* other incidents that a warning names */

/* ---- what is suggested ---- */

/* Warnings that are issued as one count at their common colour. */
void command_on_suggestion(struct sv_core *core, const Warning *message)
{
    struct incident *incident =
        message->context ? command_incident_find(core, message->context->incident) : NULL;
    if (!incident || message->state != LIANDONG__V1__WARNING__STATE__SUGGESTED ||
        message->level > LIANDONG__V1__LEVEL__LEVEL_IV ||
        message->merged > LIANDONG__V1__LEVEL__LEVEL_IV)
        return;
    incident->colour = plan_level_graver((int)message->merged, (int)message->level);
}

/* ---- what is in force ---- */

int command_city_colour(const struct incident *incident)
{
    return command_level_in_force(command_response_find(&incident->warnings, incident->area));
}

/* Is the other's warning issued as one with the incident's? */
static bool merges(const struct incident *incident, const struct incident *other)
{
    return *incident->plan->warning_merge_section && other != incident && !other->closed &&
           strcmp(other->plan->id, incident->plan->id) == 0 &&
           strcmp(other->area, incident->area) == 0 && command_city_colour(other) != PLAN_NONE;
}

int command_colour_in_force(const struct sv_core *core, const struct incident *incident)
{
    int colour = command_city_colour(incident);
    const struct incident *other = core->incidents;
    for (; other; other = other->hh.next)
        if (merges(incident, other))
            colour = plan_level_graver(command_city_colour(other), colour);
    return colour;
}

/* ---- announcing ---- */

static void fill_merged(const struct inquiry *inquiry, Warning *message)
{
    const struct incident *incident = inquiry->incident;
    if (inquiry->of_county || !*incident->plan->warning_merge_section ||
        inquiry->response->in_force == PLAN_NONE)
        return;
    message->merge_section = sv_borrow(incident->plan->warning_merge_section);
    message->merged = (Liandong__V1__Level)command_colour_in_force(inquiry->core, incident);
    message->merged_with =
        ld_arena_alloc(sv_arena(inquiry->out), MERGED_MAX * sizeof *message->merged_with);
    const struct incident *other = inquiry->core->incidents;
    for (; other && message->n_merged_with < MERGED_MAX; other = other->hh.next)
        if (merges(incident, other))
            message->merged_with[message->n_merged_with++] = other->id;
}

void command_announce_warning(const struct inquiry *inquiry, Liandong__V1__Warning__State state,
                              int previous)
{
    const struct incident *incident = inquiry->incident;
    const struct response *warning = inquiry->response;
    Warning message = LIANDONG__V1__WARNING__INIT;
    message.context = sv_context(inquiry->out, inquiry->event, incident->id, incident->plan);
    message.state = state;
    message.level = (Liandong__V1__Level)inquiry->level;
    message.previous = (Liandong__V1__Level)previous;
    message.in_force = (Liandong__V1__Level)warning->in_force;
    message.area = warning->area;
    message.counties = incident->counties;
    message.n_counties = incident->county_count;
    message.hazard = incident->hazard;
    if (inquiry->ahead) {
        message.scheduled_act = inquiry->ahead->sequence;
        message.effective_at_us = inquiry->ahead->due_us;
    }
    if (inquiry->reason.zh)
        message.reason = sv_text_of(inquiry->out, inquiry->reason);
    message.section = sv_borrow(inquiry->section);
    message.county_section = sv_borrow(incident->plan->warning_county_section);
    message.by = sv_borrow(inquiry->author);
    message.issued_by = sv_borrow(warning->started_by);
    message.since_us = warning->since_us;
    command_next(inquiry, &message.next, &message.next_by, &message.n_next_by);
    fill_merged(inquiry, &message);
    sv_emit(inquiry->out, &message.base, "warning/%s/%s", warning->area, incident->id);
}

/* What the others in force are issued as has changed: the colour, or with whom. */
static void tell_merged(const struct inquiry *cause, int merged_before, bool joined_or_left)
{
    struct incident *other = cause->core->incidents;
    for (; other && !cause->of_county; other = other->hh.next) {
        if (!merges(cause->incident, other))
            continue;
        int merged = command_colour_in_force(cause->core, other);
        if (merged == merged_before && !joined_or_left)
            continue;
        struct inquiry inquiry = {.core = cause->core,
                                  .event = cause->event,
                                  .out = cause->out,
                                  .incident = other,
                                  .response = command_response_find(&other->warnings, other->area),
                                  .area = other->area,
                                  .author = cause->author,
                                  .of_warning = true,
                                  .section = other->plan->warning_merge_section};
        inquiry.level = inquiry.response->in_force;
        command_announce_warning(&inquiry, LIANDONG__V1__WARNING__STATE__MERGED, merged_before);
    }
}

static Liandong__V1__Warning__State effect_of(int colour, int previous)
{
    if (colour == PLAN_NONE)
        return LIANDONG__V1__WARNING__STATE__LIFTED;
    return previous == PLAN_NONE ? LIANDONG__V1__WARNING__STATE__ISSUED
                                 : LIANDONG__V1__WARNING__STATE__ADJUSTED;
}

static void take_effect(struct inquiry *inquiry, Liandong__V1__Warning__State state)
{
    struct response *warning = inquiry->response;
    int previous = warning->in_force;
    int merged_before = command_colour_in_force(inquiry->core, inquiry->incident);
    warning->in_force = inquiry->level;
    warning->since_us = inquiry->level == PLAN_NONE ? 0 : inquiry->event->record->time_us;
    if (inquiry->level != PLAN_NONE)
        command_text_set(&warning->started_by, inquiry->author);
    command_announce_warning(inquiry, state, previous);
    if (inquiry->level == PLAN_NONE)
        command_text_set(&warning->started_by, NULL);
    tell_merged(inquiry, merged_before, (inquiry->level == PLAN_NONE) != (previous == PLAN_NONE));
}

/* ---- the incident is closed ---- */

void command_warnings_lapse(struct sv_core *core, const struct sv_event *event,
                            struct sv_outputs *out, struct incident *incident)
{
    struct inquiry inquiry = {.core = core,
                              .event = event,
                              .out = out,
                              .incident = incident,
                              .level = PLAN_NONE,
                              .of_warning = true,
                              .section = incident->plan->warning_section,
                              .reason = {"事件已结案，预警随之失效",
                                         "The incident is closed, and its warning lapses with it"}};
    for (struct response *warning = incident->warnings.first; warning; warning = warning->next) {
        command_pending_clear(&warning->pending);
        inquiry.response = warning;
        inquiry.area = warning->area;
        inquiry.of_county = strcmp(warning->area, incident->area) != 0;
        if (warning->in_force != PLAN_NONE)
            take_effect(&inquiry, LIANDONG__V1__WARNING__STATE__LAPSED);
    }
}

/* ---- what follows the city's warning ---- */

/* A county's own warning is never below the city's. */
static void lift_counties(const struct inquiry *city)
{
    struct response *warning = city->incident->warnings.first;
    for (; warning && *city->incident->plan->warning_county_section; warning = warning->next) {
        if (warning == city->response || warning->in_force == PLAN_NONE ||
            plan_level_reaches(warning->in_force, city->level) || city->level == PLAN_NONE)
            continue;
        struct inquiry inquiry = *city;
        inquiry.response = warning;
        inquiry.area = warning->area;
        inquiry.of_county = true;
        inquiry.section = city->incident->plan->warning_county_section;
        take_effect(&inquiry, effect_of(inquiry.level, warning->in_force));
    }
}

static void response_follows(const struct inquiry *warning)
{
    struct incident *incident = warning->incident;
    struct response *response = command_response_find(&incident->responses, incident->area);
    int in_force = command_level_in_force(response);
    struct inquiry inquiry = *warning;
    inquiry.of_warning = false;
    inquiry.kind = command_kind_towards(inquiry.level, in_force);
    inquiry.rule = command_rule_of(incident->plan, inquiry.kind, inquiry.level, in_force);
    bool starts = inquiry.kind == STARTING;
    bool ordered = response && response->ordered && !starts;
    if (inquiry.level == in_force || !inquiry.rule || ordered)
        return;
    inquiry.response =
        response ? response : command_response_add(&incident->responses, incident->area);
    inquiry.section = inquiry.rule->section;
    command_take_effect(&inquiry, starts ? inquiry.author : NULL, false);
}

/* ---- acts ---- */

static Liandong__V1__Warning__State step_state(int act)
{
    static const Liandong__V1__Warning__State states[PLAN_INFORM + 1] = {
        [PLAN_SUGGEST] = LIANDONG__V1__WARNING__STATE__PROPOSED,
        [PLAN_VERIFY] = LIANDONG__V1__WARNING__STATE__VERIFIED,
        [PLAN_ASSESS] = LIANDONG__V1__WARNING__STATE__ASSESSED,
        [PLAN_APPROVE] = LIANDONG__V1__WARNING__STATE__APPROVED,
        [PLAN_SIGN_OFF] = LIANDONG__V1__WARNING__STATE__SIGNED,
        [PLAN_FILE] = LIANDONG__V1__WARNING__STATE__FILED,
        [PLAN_INFORM] = LIANDONG__V1__WARNING__STATE__INFORMED,
    };
    assert(states[act] != 0);
    return states[act];
}

/* These steps judge, and may be against it. */
static bool is_against(const struct inquiry *inquiry)
{
    bool judges = inquiry->act == PLAN_VERIFY || inquiry->act == PLAN_ASSESS ||
                  inquiry->act == PLAN_APPROVE || inquiry->act == PLAN_SIGN_OFF;
    return judges && !inquiry->decision->in_favour;
}

static void issue(struct inquiry *inquiry)
{
    take_effect(inquiry, effect_of(inquiry->level, inquiry->response->in_force));
    if (inquiry->of_county)
        return;
    lift_counties(inquiry);
    if (inquiry->incident->plan->procedure.follows_warning)
        response_follows(inquiry);
}

void command_act_warning(struct inquiry *inquiry)
{
    struct response *warning = inquiry->response;
    if (inquiry->of_county) {
        issue(inquiry);
        return;
    }
    if (is_against(inquiry)) {
        command_pending_clear(&warning->pending);
        command_announce_warning(inquiry, LIANDONG__V1__WARNING__STATE__NOT_ISSUED,
                                 warning->in_force);
        return;
    }
    command_step_taken(inquiry);
    if (inquiry->act == PLAN_ISSUE)
        issue(inquiry);
    else
        command_announce_warning(inquiry, step_state(inquiry->act), warning->in_force);
    if (!command_step_waited_for(inquiry->rule, warning->pending.done))
        command_pending_clear(&warning->pending);
}
