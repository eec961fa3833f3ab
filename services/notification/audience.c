/* To whom a response is told: the member units of the city's plan, or all units of a county that
 * has a response of its own; units of neighbouring areas; and the public. */
#include "notification.h"

#include <string.h>

struct round { /* one change while it is told */
    const struct plan *plan;
    unsigned to;
    audience_fn *each;
    void *data;
};

static void tell_unit(const struct round *round, const struct plan_unit *unit, unsigned as)
{
    struct audience audience = {.id = unit->id, .slug = unit->slug, .area = unit->area, .as = as};
    if (round->to & as) {
        round->each(&audience, round->data);
    }
}

static void each_member(const struct round *round)
{
    const struct plan *plan = round->plan;
    for (size_t i = 0; i < plan->member_count; i++) {
        tell_unit(round, &plan->units[plan->members[i].unit], TO_MEMBERS);
    }
}

static void each_unit_of(const struct round *round, const char *area)
{
    const struct plan *plan = round->plan;
    for (size_t i = 0; i < plan->unit_count; i++) {
        const struct plan_unit *unit = &plan->units[i];
        if (strcmp(unit->area, area) == 0) {
            tell_unit(round, unit, plan_find_member(plan, unit->id) >= 0 ? TO_MEMBERS : TO_OTHERS);
        }
    }
}

static void each_neighbour(const struct round *round, const char *area)
{
    const struct plan *plan = round->plan;
    const struct plan_told *told = &plan->notices.neighbours;
    int index = plan_find_area(plan, area);
    size_t count = index >= 0 ? plan->areas[index].neighbour_count : 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < told->count; k++) {
            int unit = plan_neighbour_unit(plan, plan->areas[index].neighbours[i], told->slugs[k]);
            if (unit >= 0) {
                tell_unit(round, &plan->units[unit], TO_NEIGHBOURS);
            }
        }
    }
}

void audience_each(const struct plan *plan, const char *area, unsigned to, audience_fn *each,
                   void *data)
{
    struct round round = {plan, to, each, data};
    if (strcmp(area, plan->area) == 0) {
        each_member(&round);
    } else {
        each_unit_of(&round, area);
    }
    each_neighbour(&round, area);
    if (to & TO_PUBLIC) {
        struct audience everybody = {
            .id = "public", .slug = "public", .area = area, .as = TO_PUBLIC};
        each(&everybody, data);
    }
}
