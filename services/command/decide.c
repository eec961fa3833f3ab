/*
 * An act from outside (decision/…): checked step by step until one check refuses or all allow,
 * then done. Exactly one receipt answers it; when it is taken, the events about the response or
 * the warning follow.
 */
#include "command.h"

#include <string.h>

typedef enum refusal check_fn(struct inquiry *inquiry);

static enum refusal check_message(struct inquiry *inquiry)
{
    inquiry->found = inquiry->event->fault;
    return inquiry->decision ? ALLOWED : REFUSED_MALFORMED;
}

/* Topic: decision/<area>/<incident>/<unit>. */
static enum refusal check_topic(struct inquiry *inquiry)
{
    const struct sv_event *event = inquiry->event;
    const Decision *decision = inquiry->decision;
    if (event->segment_count != 4)
        return REFUSED_WRONG_TOPIC;
    inquiry->area = event->segment[1];
    if (*decision->area && strcmp(decision->area, inquiry->area) != 0)
        return REFUSED_WRONG_TOPIC;
    const char *incident = decision->context ? decision->context->incident : "";
    return *incident && strcmp(incident, event->segment[2]) != 0 ? REFUSED_WRONG_TOPIC : ALLOWED;
}

static enum refusal check_author(struct inquiry *inquiry)
{
    const Decision *decision = inquiry->decision;
    inquiry->author = inquiry->event->segment[3];
    inquiry->found = decision->context ? decision->context->author : "";
    return strcmp(inquiry->found, inquiry->author) == 0 ? ALLOWED : REFUSED_WRONG_AUTHOR;
}

static enum refusal check_incident(struct inquiry *inquiry)
{
    inquiry->found = inquiry->event->segment[2];
    inquiry->incident = command_incident_find(inquiry->core, inquiry->found);
    if (!inquiry->incident)
        return REFUSED_UNKNOWN_INCIDENT;
    return inquiry->incident->closed ? REFUSED_INCIDENT_CLOSED : ALLOWED;
}

static enum refusal check_unit(struct inquiry *inquiry)
{
    inquiry->found = inquiry->author;
    return plan_find_unit(inquiry->incident->plan, inquiry->author) < 0 ? REFUSED_UNKNOWN_UNIT
                                                                        : ALLOWED;
}

/* The incident's city, or a county of it. */
static enum refusal check_area(struct inquiry *inquiry)
{
    const struct plan *plan = inquiry->incident->plan;
    const char *city = inquiry->incident->area;
    inquiry->found = inquiry->area;
    inquiry->of_county = strcmp(inquiry->area, city) != 0;
    int area = plan_find_area(plan, inquiry->area);
    if (area < 0 || strncmp(inquiry->area, city, strlen(city)) != 0)
        return REFUSED_UNKNOWN_AREA;
    return ALLOWED;
}

static struct response_list *list_of(const struct inquiry *inquiry)
{
    return inquiry->of_warning ? &inquiry->incident->warnings : &inquiry->incident->responses;
}

void command_find_response(struct inquiry *inquiry, bool add)
{
    inquiry->response = command_response_find(list_of(inquiry), inquiry->area);
    if (!inquiry->response && add)
        inquiry->response = command_response_add(list_of(inquiry), inquiry->area);
}

static enum refusal check_subject(struct inquiry *inquiry)
{
    int subject = (int)inquiry->decision->subject;
    inquiry->found = ld_arena_format(sv_arena(inquiry->out), "%d", subject);
    if (subject != LIANDONG__V1__DECISION__SUBJECT__RESPONSE &&
        subject != LIANDONG__V1__DECISION__SUBJECT__WARNING)
        return REFUSED_UNKNOWN_SUBJECT;
    inquiry->of_warning = subject == LIANDONG__V1__DECISION__SUBJECT__WARNING;
    command_find_response(inquiry, false);
    return ALLOWED;
}

static enum refusal check_act(struct inquiry *inquiry)
{
    int act = (int)inquiry->decision->act;
    inquiry->found = ld_arena_format(sv_arena(inquiry->out), "%d", act);
    if (act < PLAN_PROPOSE || act > ACT_WITHDRAW)
        return REFUSED_UNKNOWN_ACT;
    inquiry->act = act;
    return ALLOWED;
}

static enum refusal check_length(struct inquiry *inquiry)
{
    enum { NAME_MAX_BYTES = 200, OPINION_MAX_BYTES = 16384 };
    const Decision *decision = inquiry->decision;
    const char *const names[] = {decision->person, decision->filed_with};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(inquiry->found = names[i]) > NAME_MAX_BYTES)
            return REFUSED_TOO_LONG;
    inquiry->found = decision->opinion;
    return strlen(decision->opinion) > OPINION_MAX_BYTES ? REFUSED_TOO_LONG : ALLOWED;
}

static enum refusal check_level(struct inquiry *inquiry)
{
    int level = (int)inquiry->decision->level;
    inquiry->found = ld_arena_format(sv_arena(inquiry->out), "%d", level);
    if (level < PLAN_NONE || level > PLAN_IV)
        return REFUSED_UNKNOWN_LEVEL;
    inquiry->level = level;
    return ALLOWED;
}

enum refusal command_judge_plan(struct inquiry *inquiry)
{
    if (inquiry->of_warning)
        return command_judge_warning(inquiry);
    if (inquiry->act == PLAN_DESIGNATE)
        return command_judge_designation(inquiry);
    if (inquiry->act == PLAN_ORDER)
        return command_judge_order(inquiry);
    return inquiry->of_county ? command_judge_county(inquiry) : command_judge_city(inquiry);
}

static enum refusal check_plan(struct inquiry *inquiry)
{
    return inquiry->act == ACT_WITHDRAW ? ALLOWED : command_judge_plan(inquiry);
}

static enum refusal judge(struct inquiry *inquiry)
{
    static check_fn *const checks[] = {
        check_message, check_topic, check_author, check_incident, check_unit,          check_area,
        check_subject, check_act,   check_level,  check_length,   command_judge_ahead, check_plan};
    enum refusal refusal = ALLOWED;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !refusal; i++)
        refusal = checks[i](inquiry);
    return refusal;
}

void command_carry_out(struct inquiry *inquiry)
{
    if (inquiry->act == PLAN_DESIGNATE)
        return; /* grading takes it into account */
    command_find_response(inquiry, true);
    if (inquiry->of_warning)
        command_act_warning(inquiry);
    else if (inquiry->act == PLAN_ORDER)
        command_act_order(inquiry);
    else if (inquiry->of_county)
        command_act_county(inquiry);
    else
        command_act_city(inquiry);
}

void command_on_decision(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct inquiry inquiry = {.core = core, .event = event, .out = out};
    inquiry.decision = (const Decision *)event->message;
    enum refusal refusal = judge(&inquiry);
    if (refusal) {
        command_refuse(&inquiry, refusal);
        return;
    }
    sv_accept(out, event, inquiry.incident->id, inquiry.incident->plan);
    if (inquiry.ahead)
        command_ahead_drop(&inquiry);
    if (command_is_ahead(&inquiry))
        command_ahead_keep(&inquiry);
    else if (inquiry.act != ACT_WITHDRAW)
        command_carry_out(&inquiry);
}

/* ---- designations ---- */

static bool concerns(const struct plan *plan, const struct plan_criterion *criterion, int hazard)
{
    for (size_t i = 0; i < criterion->hazard_count; i++)
        if ((int)criterion->hazards[i] == hazard)
            return true;
    if (criterion->hazard_count > 0 || hazard < 0)
        return false;
    char class_code = plan->hazards[hazard].class_code;
    return !*criterion->classes || (class_code && strchr(criterion->classes, class_code));
}

struct designators {
    const char **units;
    size_t count, capacity;
};

static void add_designators(struct designators *list, const struct plan *plan,
                            const struct plan_condition *condition)
{
    for (size_t i = 0; i < condition->unit_count && list->count < list->capacity; i++)
        list->units[list->count++] = plan->units[condition->units[i]].id;
    for (size_t i = 0; i < condition->child_count; i++)
        add_designators(list, plan, &condition->children[i]);
}

enum refusal command_judge_designation(struct inquiry *inquiry)
{
    enum { DESIGNATORS_MAX = 64 };
    const struct plan *plan = inquiry->incident->plan;
    int hazard = plan_find_hazard(plan, inquiry->incident->hazard);
    const char **units = ld_arena_alloc(sv_arena(inquiry->out), DESIGNATORS_MAX * sizeof *units);
    struct designators list = {units, 0, DESIGNATORS_MAX};
    for (size_t i = 0; i < plan->criterion_count; i++) {
        const struct plan_criterion *criterion = &plan->criteria[i];
        if ((int)criterion->level != inquiry->level || !concerns(plan, criterion, hazard))
            continue;
        size_t before = list.count;
        add_designators(&list, plan, &criterion->when);
        if (before == 0 && list.count > 0)
            inquiry->section = criterion->section;
    }
    command_inquiry_who(inquiry, list.units, list.count);
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.units[i], inquiry->author) == 0)
            return ALLOWED;
    return list.count > 0 ? REFUSED_NOT_DESIGNATOR : REFUSED_NO_DESIGNATION;
}

/* ---- answers to orders that nobody issued ---- */

void command_on_stray_reply(struct sv_core *core, const struct sv_event *event,
                            struct sv_outputs *out)
{
    const char *unit = "";
    if (event->segment_count >= 3)
        unit = ld_arena_format(sv_arena(out), "%s.%s", event->segment[1], event->segment[2]);
    if (command_unit_has_instance(core, unit))
        return; /* the unit's own instance of duty answers */
    struct inquiry inquiry = {.core = core, .event = event, .out = out, .found = unit};
    command_refuse(&inquiry, REFUSED_NO_INSTANCE);
}
