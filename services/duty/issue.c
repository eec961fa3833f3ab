/*
 * Issuing and withdrawing: which of its duties a unit has under the response in force: the city's,
 * or for a unit of a county the graver of the city's and its own county's. Duties of warnings apply
 * by the colour that is issued, too.
 *
 * A duty applies when the level in force reaches the lowest level of the duty (and of its group)
 * and does not pass the gravest at which it is meant, the incident's hazard is one of the duty's,
 * all of its signs stand, and the unit's county is affected or not as the duty asks. When the
 * response moves or a sign changes, the unit's duties are gone through in the plan's order: what
 * begins to apply is issued, what still holds stays as it is, what ceases to is withdrawn.
 */
#include "duty.h"

#include <liandong/v1/command.pb-c.h>
#include <liandong/v1/report.pb-c.h>
#include <string.h>

typedef Liandong__V1__Response Response;
typedef Liandong__V1__Incident Incident;

/* ---- which duties apply ---- */

static bool hazard_matches(const struct plan_duty *duty, int hazard)
{
    for (size_t i = 0; i < duty->hazard_count; i++)
        if ((int)duty->hazards[i] == hazard)
            return true;
    return duty->hazard_count == 0;
}

static bool signs_stand(const struct incident *incident, const struct plan_duty *duty)
{
    for (size_t i = 0; i < duty->sign_count; i++)
        if (!duty_sign_stands(incident, (int)duty->signs[i]))
            return false;
    return true;
}

int duty_level(const struct incident *incident, const struct plan_duty *duty)
{
    int colour = plan_level_graver(incident->city_colour, incident->county_colour);
    return duty->in_warning ? plan_level_graver(incident->level, colour) : incident->level;
}

static bool duty_applies(const struct incident *incident, const struct plan_duty *duty)
{
    const struct plan *plan = incident->plan;
    int level = duty_level(incident, duty);
    if (!plan_level_reaches(level, (int)duty->from))
        return false;
    if (duty->until != PLAN_NONE && level < (int)duty->until)
        return false;
    if (duty->group >= 0 && !plan_level_reaches(level, (int)plan->groups[duty->group].from))
        return false;
    if (duty->areas != PLAN_AREAS_ALL && (duty->areas == PLAN_AREAS_AFFECTED) != incident->affected)
        return false;
    return hazard_matches(duty, incident->hazard_index) && signs_stand(incident, duty);
}

void duty_order_withdraw(struct work *work, struct order *order, const char *reason)
{
    order->applies = false;
    duty_order_move(work, order, ON_WITHDRAW, &(struct remark){.reason = reason});
}

/* The unit's first order for the duty; NULL if its topic cannot be formed. */
static struct order *order_new(struct work *work, struct incident *incident, size_t duty)
{
    const char *id = ld_arena_format(sv_arena(work->out), "%s/%s", incident->id,
                                     incident->plan->duties[duty].id);
    if (!duty_order_fits(work->core, id))
        return NULL;
    return duty_order_add(incident, id, (int)duty, NULL);
}

/* Makes the unit's orders what the response and the signs ask for; reason: for what ends. */
static void duties_follow(struct work *work, struct incident *incident, const char *reason)
{
    const struct plan *plan = incident->plan;
    const struct plan_member *member = &plan->members[incident->member];
    for (size_t i = 0; i < member->duty_count; i++) {
        size_t duty = member->duties[i];
        struct order *order = incident->own[i];
        bool wanted = duty_applies(incident, &plan->duties[duty]);
        if (wanted && !order)
            order = order_new(work, incident, duty);
        if (order && wanted && !order->applies)
            duty_order_move(work, order, ON_ISSUE, NULL);
        else if (order && !wanted && order->applies)
            duty_order_withdraw(work, order, reason);
    }
}

/* ---- the response ---- */

static bool changes_force(const Response *message)
{
    return message->state == LIANDONG__V1__RESPONSE__STATE__ACTIVE ||
           message->state == LIANDONG__V1__RESPONSE__STATE__ADJUSTED ||
           message->state == LIANDONG__V1__RESPONSE__STATE__TERMINATED;
}

static const char *reason_of(struct work *work, int level)
{
    if (level == PLAN_NONE)
        return "响应已终止 / the response has ended";
    return ld_arena_format(
        sv_arena(work->out),
        "响应调整为%s级，本职责不再适用 / the response is now at level %s, at which "
        "this duty does not apply",
        plan_level_name(level), plan_level_name(level));
}

/* Is the message about the incident and area that its topic names? */
static bool names_agree(const struct sv_event *event, const char *incident, const char *area)
{
    return event->segment_count == 3 && strcmp(event->segment[1], area) == 0 &&
           strcmp(event->segment[2], incident) == 0;
}

void duty_on_response(struct work *work)
{
    const Response *message = (const Response *)work->event->message;
    if (!message || !changes_force(message) || !message->context ||
        !names_agree(work->event, message->context->incident, message->area))
        return;
    struct incident *incident = duty_incident_learn(work->core, message->context->incident,
                                                    message->hazard, message->context->plan_hash);
    if (!incident || message->in_force > LIANDONG__V1__LEVEL__LEVEL_IV)
        return;
    if (strcmp(incident->plan->area, message->area) == 0)
        incident->city_level = (int)message->in_force;
    else if (strcmp(work->core->area, message->area) == 0)
        incident->county_level = (int)message->in_force;
    else
        return;
    incident->level = plan_level_graver(incident->city_level, incident->county_level);
    duties_follow(work, incident, reason_of(work, incident->level));
}

/* ---- the warning ---- */

bool duty_warning_changes(const Liandong__V1__Warning *message)
{
    return message->state == LIANDONG__V1__WARNING__STATE__ISSUED ||
           message->state == LIANDONG__V1__WARNING__STATE__ADJUSTED ||
           message->state == LIANDONG__V1__WARNING__STATE__LIFTED ||
           message->state == LIANDONG__V1__WARNING__STATE__LAPSED;
}

static const char *reason_of_warning(struct work *work, int colour)
{
    if (colour == PLAN_NONE)
        return "预警已解除 / the warning is in force no more";
    struct plan_text name = plan_level_colour(colour);
    return ld_arena_format(
        sv_arena(work->out),
        "预警调整为%s，本职责不再适用 / the warning is now %s, at which this duty "
        "does not apply",
        name.zh, name.en);
}

/* A warning that ends may do so with its incident, which is forgotten then. */
static struct incident *incident_of(struct work *work, const Liandong__V1__Warning *message)
{
    if (message->in_force == LIANDONG__V1__LEVEL__LEVEL_NONE)
        return duty_incident_find(work->core, message->context->incident);
    return duty_incident_learn(work->core, message->context->incident, message->hazard,
                               message->context->plan_hash);
}

void duty_on_warning(struct work *work)
{
    const Liandong__V1__Warning *message = (const Liandong__V1__Warning *)work->event->message;
    if (!message || !duty_warning_changes(message) || !message->context ||
        message->in_force > LIANDONG__V1__LEVEL__LEVEL_IV ||
        !names_agree(work->event, message->context->incident, message->area))
        return;
    struct incident *incident = incident_of(work, message);
    if (!incident)
        return;
    if (strcmp(incident->plan->area, message->area) == 0)
        incident->city_colour = (int)message->in_force;
    else if (strcmp(work->core->area, message->area) == 0)
        incident->county_colour = (int)message->in_force;
    else
        return;
    duties_follow(work, incident, reason_of_warning(work, (int)message->in_force));
}

/* ---- signs, and the end ---- */

static void signs_learn(struct incident *incident, const char *area, char *const *names,
                        size_t count, bool stand)
{
    for (size_t i = 0; i < count; i++) {
        int sign = plan_find_sign(incident->plan, names[i]);
        if (sign >= 0)
            duty_sign_set(incident, area, sign, stand);
    }
}

static bool anything_in_force(const struct incident *incident)
{
    return incident->level != PLAN_NONE || incident->city_colour != PLAN_NONE ||
           incident->county_colour != PLAN_NONE;
}

static void on_signs(struct work *work, const Incident *message)
{
    const Liandong__V1__Report *report = message->report;
    struct incident *incident = duty_incident_learn(work->core, message->context->incident,
                                                    message->hazard, message->context->plan_hash);
    if (!incident)
        return;
    signs_learn(incident, report->area, report->signs, report->n_signs, true);
    signs_learn(incident, report->area, report->signs_lifted, report->n_signs_lifted, false);
    if (anything_in_force(incident))
        duties_follow(work, incident,
                      "所依据的情形已解除 / the sign that this duty depends on stands no more");
}

static bool reaches(const Incident *message, const char *area)
{
    for (size_t i = 0; i < message->n_counties; i++)
        if (strcmp(message->counties[i], area) == 0)
            return true;
    return false;
}

/* The incident has reached the unit's own county: what prepared for that ends. */
static void on_affected(struct work *work, const Incident *message)
{
    struct incident *incident = duty_incident_learn(work->core, message->context->incident,
                                                    message->hazard, message->context->plan_hash);
    if (!incident || incident->affected)
        return;
    incident->affected = true;
    if (anything_in_force(incident))
        duties_follow(work, incident,
                      "本地已受波及，改按事发地任务办理 / the event has reached this county, which "
                      "now has the duties of affected areas");
}

static void on_closed(struct work *work, const char *id)
{
    struct incident *incident = duty_incident_find(work->core, id);
    if (!incident)
        return;
    for (struct order *order = incident->orders; order; order = order->hh.next)
        if (order->applies)
            duty_order_withdraw(work, order, "事件已结案 / the incident is closed");
    duty_incident_drop(work->core, incident);
}

void duty_on_incident(struct work *work)
{
    const Incident *message = (const Incident *)work->event->message;
    if (!message || !message->context)
        return;
    bool closed = message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    bool signs = message->report && message->report->n_signs + message->report->n_signs_lifted > 0;
    bool reached = reaches(message, work->core->area);
    if ((!closed && !signs && !reached) ||
        !names_agree(work->event, message->context->incident, message->area))
        return;
    if (closed)
        on_closed(work, message->context->incident);
    else if (reached)
        on_affected(work, message);
    if (signs && !closed)
        on_signs(work, message);
}
