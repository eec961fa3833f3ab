/*
 * duty: a member unit's own instance turns a response into the unit's orders and follows each of
 * them to its end.
 *
 * Happy path: the response becomes active for the city; the unit's duties at that level are issued
 * as orders; the unit acknowledges, accepts, works, and says done. Time being up is found on the
 * next event or tick, told to the supervisor and, if it stays so, to the next higher office.
 * Refused answers get a receipt and change nothing. When the incident is closed, what is left is
 * withdrawn and forgotten. One unit's instance knows nothing of another's, but for what it is told
 * about help (help.c).
 *
 * An instance is one of many in a process: what concerns no unit at all is kept from them, and what
 * is for one unit is passed over by all others.
 */
#include "duty.h"

#include <liandong/v1/report.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include "common/names.h"

enum { KNOWN_MAX = 10000 }; /* events about incidents that are remembered */

static struct sv_core *core_create(const struct sv_setup *setup)
{
    struct sv_core *core = calloc(1, sizeof *core);
    if (!core)
        abort();
    core->plans = setup->plans;
    duty_unit_set(core, setup->unit);
    return core;
}

static void core_destroy(struct sv_core *core)
{
    if (!core)
        return;
    duty_state_free(core);
    free(core);
}

/* <family>/<area>/<slug>/… */
static bool is_for_unit(const struct sv_core *core, const struct sv_event *event)
{
    return event->segment_count >= 3 && strcmp(event->segment[2], core->slug) == 0 &&
           strcmp(event->segment[1], core->area) == 0;
}

static void fire_due(struct work *work)
{
    const struct sv_timers *timers = &work->core->timers;
    if (timers->count > 0 && timers->heap[0].due_us <= work->event->record->time_us)
        duty_orders_tick(work);
}

static void core_apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct work work = {core, event, out};
    fire_due(&work);
    switch (event->family) {
    case SV_INCIDENT:
        duty_on_incident(&work);
        break;
    case SV_RESPONSE:
        duty_on_response(&work);
        break;
    case SV_WARNING:
        duty_on_warning(&work);
        break;
    case SV_HELP:
        if (is_for_unit(core, event))
            duty_on_help(&work);
        break;
    case SV_REPLY:
        if (is_for_unit(core, event))
            duty_on_reply(&work);
        break;
    default:
        break;
    }
    fire_due(&work); /* what was taken up after its time is late at once */
}

struct said { /* texts with their zeros, end to end */
    char bytes[2048];
    size_t size; /* more than there is room for: not all are there */
};

static void say(struct said *said, const char *text)
{
    size_t size = strlen(text) + 1;
    if (said->size + size <= sizeof said->bytes)
        memcpy(said->bytes + said->size, text, size);
    said->size += size;
}

/* Of the events about an incident only those say something to a unit that close it, tell of signs,
 * or name counties that it was not known to have reached. */
static bool incident_concerns(struct sv_names *known, const Liandong__V1__Incident *message,
                              const char *topic)
{
    const Liandong__V1__Report *report = message->report;
    bool closed = message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    if (closed || known->count > KNOWN_MAX)
        sv_names_free(known);
    if (closed || (report && report->n_signs + report->n_signs_lifted > 0))
        return true;
    struct said said; /* its bytes are written as they come */
    said.size = 0;
    say(&said, topic);
    say(&said, message->area);
    say(&said, message->hazard);
    say(&said, message->context->incident);
    say(&said, message->context->plan_hash);
    for (size_t i = 0; i < message->n_counties; i++)
        say(&said, message->counties[i]);
    size_t before = known->count;
    return said.size > sizeof said.bytes || sv_names_add(known, said.bytes, said.size) == before;
}

static bool concerns(struct sv_names *known, const struct sv_event *event)
{
    if (event->family == SV_TICK)
        return false;
    if (event->family == SV_WARNING)
        return event->message && duty_warning_changes((const void *)event->message);
    if (event->family == SV_INCIDENT)
        return event->message &&
               incident_concerns(known, (const void *)event->message, event->topic);
    return true;
}

static int64_t due_us(const struct sv_core *core)
{
    return core->timers.count > 0 ? core->timers.heap[0].due_us : INT64_MAX;
}

static const char *const filters[] = {"incident/>", "response/>", "warning/>", "sys/tick", NULL};
static const char *const own[] = {"help", "reply", NULL};

const struct sv_class duty_class = {
    .name = "duty",
    .families = SV_BIT(SV_INCIDENT) | SV_BIT(SV_RESPONSE) | SV_BIT(SV_WARNING) | SV_BIT(SV_HELP) |
                SV_BIT(SV_REPLY) | SV_BIT(SV_TICK),
    .per_unit = true,
    .filters = filters,
    .own = own,
    .create = core_create,
    .destroy = core_destroy,
    .apply = core_apply,
    .visit = duty_state_visit,
    .state_version = 6,
    .concerns = concerns,
    .due_us = due_us,
};
