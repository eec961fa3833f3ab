/* To whom a response is told: the member units of the city's plan, or all units of a county that
 * has a response of its own; and the public. */
#include "notification.h"

#include <string.h>

static struct audience audience_of(const struct plan_unit *unit)
{
    return (struct audience){
        .id = unit->id, .slug = unit->slug, .area = unit->area, .name = unit->name};
}

static void each_member(const struct plan *plan, audience_fn *each, void *data)
{
    for (size_t i = 0; i < plan->member_count; i++) {
        struct audience audience = audience_of(&plan->units[plan->members[i].unit]);
        each(&audience, data);
    }
}

static void each_unit_of(const struct plan *plan, const char *area, audience_fn *each, void *data)
{
    for (size_t i = 0; i < plan->unit_count; i++) {
        if (strcmp(plan->units[i].area, area) == 0) {
            struct audience audience = audience_of(&plan->units[i]);
            each(&audience, data);
        }
    }
}

void audience_each(const struct plan *plan, const char *area, bool public_too, audience_fn *each,
                   void *data)
{
    if (strcmp(area, plan->area) == 0) {
        each_member(plan, each, data);
    } else {
        each_unit_of(plan, area, each, data);
    }
    if (public_too) {
        struct audience everybody = {
            .id = "public", .slug = "public", .area = area, .name = {"公众", "the public"}};
        each(&everybody, data);
    }
}
