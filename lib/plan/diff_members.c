/* Who has which duties in one version of a plan and not in the other. */
#include <assert.h>
#include <arena.h>
#include <buffer.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

static const struct plan_member *member_of(const struct plan *plan, const char *unit)
{
    int index = plan_find_member(plan, unit);
    return index < 0 ? NULL : &plan->members[index];
}

static bool has_duty(const struct plan *plan, const struct plan_member *member, const char *id)
{
    for (size_t i = 0; member && i < member->duty_count; i++) {
        if (strcmp(plan->duties[member->duties[i]].id, id) == 0)
            return true;
    }
    return false;
}

/* The duties that a member has here and not there. */
static const char *only_here(struct ld_arena *arena, const struct plan *here,
                             const struct plan *there, const char *unit, size_t *count)
{
    struct ld_buffer buffer = {0};
    const struct plan_member *member = member_of(here, unit), *other = member_of(there, unit);
    *count = 0;
    for (size_t i = 0; member && i < member->duty_count; i++) {
        const char *id = here->duties[member->duties[i]].id;
        if (!has_duty(there, other, id))
            ld_buffer_format(&buffer, "%s%s", (*count)++ > 0 ? " " : "", id);
    }
    const char *text = ld_arena_string(arena, ld_buffer_string(&buffer), buffer.size);
    ld_buffer_free(&buffer);
    return text;
}

static void add(struct plan_member_changes *changes, const struct plan *old_plan,
                const struct plan *new_plan, const char *unit)
{
    struct ld_arena *arena = changes->owner;
    struct plan_member_change change = {.unit = ld_arena_string(arena, unit, strlen(unit)),
                                        .joined = plan_find_member(old_plan, unit) < 0,
                                        .left = plan_find_member(new_plan, unit) < 0};
    change.gained = only_here(arena, new_plan, old_plan, unit, &change.gained_count);
    change.lost = only_here(arena, old_plan, new_plan, unit, &change.lost_count);
    if (change.joined || change.left || change.gained_count + change.lost_count > 0)
        changes->all[changes->count++] = change;
}

void plan_diff_members(const struct plan *old_plan, const struct plan *new_plan,
                       struct plan_member_changes *changes)
{
    size_t most = old_plan->member_count + new_plan->member_count + 1;
    *changes = (struct plan_member_changes){.all = calloc(most, sizeof *changes->all),
                                            .owner = calloc(1, sizeof(struct ld_arena))};
    assert(changes->all && changes->owner);
    for (size_t i = 0; i < old_plan->member_count; i++)
        add(changes, old_plan, new_plan, old_plan->units[old_plan->members[i].unit].id);
    for (size_t i = 0; i < new_plan->member_count; i++) {
        const char *unit = new_plan->units[new_plan->members[i].unit].id;
        if (plan_find_member(old_plan, unit) < 0)
            add(changes, old_plan, new_plan, unit);
    }
}

void plan_diff_members_free(struct plan_member_changes *changes)
{
    if (changes->owner)
        ld_arena_free(changes->owner);
    free(changes->owner);
    free(changes->all);
    *changes = (struct plan_member_changes){0};
}
