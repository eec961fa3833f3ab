/*
 * duty: a member unit's own instance turns a response into the unit's orders and follows each of
 * them to its end.
 *
 * Happy path: the response becomes active for the city; the unit's duties at that level are issued
 * as orders; the unit acknowledges, accepts, works, and says done. Time being up is found on the
 * next event or tick, told to the supervisor and, if it stays so, to the next higher office.
 * Refused answers get a receipt and change nothing. When the incident is closed, what is left is
 * withdrawn and forgotten. One unit's instance knows nothing of another's, but for help that is
 * asked of it by name.
 *
 * An instance is one of many in a process and sees every event of its families: each handler looks
 * first whether the event is for its unit.
 */
#include "duty.h"

#include <stdlib.h>

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

static void core_apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct work work = {core, event, out};
    const struct sv_timers *timers = &core->timers;
    if (timers->count > 0 && timers->heap[0].due_us <= event->record->time_us)
        duty_orders_tick(&work);
    switch (event->family) {
    case SV_INCIDENT:
        duty_on_incident(&work);
        break;
    case SV_RESPONSE:
        duty_on_response(&work);
        break;
    case SV_DUTY:
        duty_on_duty(&work);
        break;
    case SV_REPLY:
        duty_on_reply(&work);
        break;
    default:
        break;
    }
}

static const char *const filters[] = {"incident/>", "response/>", "duty/>",
                                      "reply/>",    "sys/tick",   NULL};

const struct sv_class duty_class = {
    .name = "duty",
    .families = SV_BIT(SV_INCIDENT) | SV_BIT(SV_RESPONSE) | SV_BIT(SV_DUTY) | SV_BIT(SV_REPLY) |
                SV_BIT(SV_TICK),
    .per_unit = true,
    .filters = filters,
    .create = core_create,
    .destroy = core_destroy,
    .apply = core_apply,
    .visit = duty_state_visit,
    .state_version = 3,
};
