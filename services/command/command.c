/*
 * command: takes a response and a warning through the plan's procedure.
 *
 * Incidents, their grades and the colour suggested for the warning are learnt from what reporting
 * and grading put out; acts of persons in office come as decision/… and are judged by the plan that
 * the incident is pinned to. Each gets one receipt, each step and each change of what is in force
 * one event about the response or the warning. command also answers plan adoptions, and replies to
 * orders by units that no adopted plan knows.
 *
 * Happy path: incident opened, graded; proposed, assessed, decided (filed); in force. Refusals
 * change no state (command.h lists them). Only acts made ahead wait for time (ahead.c).
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>
#include <liandong/v1/report.pb-c.h>

typedef Liandong__V1__Incident Incident;
typedef Liandong__V1__Grade Grade;

static struct sv_core *core_create(const struct sv_setup *setup)
{
    struct sv_core *core = calloc(1, sizeof *core);
    if (!core)
        abort();
    core->plans = setup->plans;
    return core;
}

static void core_destroy(struct sv_core *core)
{
    if (!core)
        return;
    command_state_free(core);
    free(core);
}

static struct incident *incident_learn(struct sv_core *core, const Incident *message)
{
    if (!message->context || !*message->context->incident)
        return NULL;
    struct incident *incident = command_incident_find(core, message->context->incident);
    if (incident)
        return incident;
    const struct plan *plan = sv_plans_pinned(core->plans, message->context->plan_hash);
    if (!plan)
        return NULL;
    return command_incident_add(core, message->context->incident, message->area, message->hazard,
                                plan);
}

/* A county that is affected only now follows the city's response too. */
static void follow_in_force(struct sv_core *core, const struct sv_event *event,
                            struct sv_outputs *out, struct incident *incident)
{
    struct response *city = command_response_find(&incident->responses, incident->area);
    if (!city || city->in_force == PLAN_NONE)
        return;
    struct inquiry inquiry = {.core = core,
                              .event = event,
                              .out = out,
                              .incident = incident,
                              .response = city,
                              .area = incident->area,
                              .author = city->started_by,
                              .level = city->in_force};
    command_counties_follow(&inquiry);
}

static void close_incident(struct sv_core *core, const struct sv_event *event,
                           struct sv_outputs *out, struct incident *incident)
{
    incident->closed = true;
    command_ahead_close(core, event, out, incident);
    command_warnings_lapse(core, event, out, incident);
}

static void on_incident(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const Incident *message = (const Incident *)event->message;
    struct incident *incident = incident_learn(core, message);
    if (!incident)
        return;
    size_t before = incident->county_count;
    for (size_t i = 0; i < message->n_counties; i++)
        command_incident_add_county(incident, message->counties[i]);
    if (incident->county_count > before)
        follow_in_force(core, event, out, incident);
    if (message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED)
        close_incident(core, event, out, incident);
}

static void on_grade(struct sv_core *core, const struct sv_event *event)
{
    const Grade *message = (const Grade *)event->message;
    struct incident *incident =
        message->context ? command_incident_find(core, message->context->incident) : NULL;
    if (incident && message->level <= LIANDONG__V1__LEVEL__LEVEL_IV)
        incident->grade = (int)message->level;
}

static void on_plan(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const struct plan *plan = event->plan;
    if (plan) {
        command_plan_remember(core, plan);
        if (event->plan_is_new)
            sv_accept_as(out, event, NULL, plan, "accepted", "预案已采用",
                         "the plan is adopted and in force");
        else
            sv_accept_as(out, event, NULL, plan, "no-change", "该版本预案已在实施，没有变化",
                         "this version of the plan is in force already; nothing changes");
        return;
    }
    struct inquiry inquiry = {.core = core, .event = event, .out = out, .found = event->fault};
    command_refuse(&inquiry, REFUSED_PLAN_REFUSED);
}

static void core_apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    switch (event->family) {
    case SV_TICK:
        command_ahead_due(core, event, out);
        break;
    case SV_DECISION:
        command_on_decision(core, event, out);
        break;
    case SV_REPLY:
        command_on_stray_reply(core, event, out);
        break;
    case SV_PLAN:
        on_plan(core, event, out);
        break;
    case SV_INCIDENT:
        if (event->message)
            on_incident(core, event, out);
        break;
    case SV_GRADE:
        if (event->message)
            on_grade(core, event);
        break;
    case SV_WARNING:
        if (event->message)
            command_on_suggestion(core, (const Warning *)event->message);
        break;
    default:
        break;
    }
}

static const char *const filters[] = {"incident/>", "grade/>", "warning/>", "decision/>",
                                      "reply/>",    "plan/>",  "sys/tick",  NULL};

const struct sv_class command_class = {
    .name = "command",
    .families = SV_BIT(SV_INCIDENT) | SV_BIT(SV_GRADE) | SV_BIT(SV_WARNING) | SV_BIT(SV_DECISION) |
                SV_BIT(SV_REPLY) | SV_BIT(SV_PLAN) | SV_BIT(SV_TICK),
    .filters = filters,
    .create = core_create,
    .destroy = core_destroy,
    .apply = core_apply,
    .visit = command_state_visit,
    .state_version = 4,
};
