/* Merged warnings, found by looking at every incident: done only where a colour changes. */
#include "merge.h"

#include <string.h>

bool merge_includes(const struct incident *incident, const struct plan *plan, const char *city)
{
    return incident && strcmp(incident->plan->id, plan->id) == 0 &&
           strcmp(incident->city, city) == 0;
}

int merge_colour(struct merge merge, const struct plan *plan, const char *city)
{
    int gravest = PLAN_NONE;
    for (size_t i = 0; i < merge.count; i++) {
        const struct incident *other = merge.all[i];
        if (merge_includes(other, plan, city) && plan_level_reaches(other->colour, gravest))
            gravest = other->colour;
    }
    return gravest;
}

void merge_explain(struct merge merge, struct ld_arena *arena, const struct incident *incident,
                   Liandong__V1__Warning *warning)
{
    const struct plan *plan = incident->plan;
    if (!*plan->warning_merge_section || incident->colour == PLAN_NONE)
        return;
    warning->merge_section = sv_borrow(plan->warning_merge_section);
    warning->merged = (Liandong__V1__Level)merge_colour(merge, plan, incident->city);
    warning->merged_with = ld_arena_alloc(arena, MERGED_MAX * sizeof *warning->merged_with);
    for (size_t i = 0; i < merge.count && warning->n_merged_with < MERGED_MAX; i++) {
        const struct incident *other = merge.all[i];
        if (other != incident && merge_includes(other, plan, incident->city) &&
            other->colour != PLAN_NONE)
            warning->merged_with[warning->n_merged_with++] = other->id;
    }
}
