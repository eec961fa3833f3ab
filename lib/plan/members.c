/*
 * Who has which duties: a member is a unit named by a row of the table, by a measure of a level, or
 * by a group (without a row of its own, it has that of "others"). Members come in order of rows;
 * the duties of each, own rows and measures first, then its groups'.
 */
#include "walk.h"

#include <string.h>

/* Positions of members by unit, -1 none; and how many duties each gets. */
struct roster {
    int *by_unit;
    bool *grouped; /* by unit: is it in a group? */
    struct plan_member *members;
    size_t count;
};

/* The member for a unit, added if it is none yet; NULL if there are too many. */
static struct plan_member *enrol(struct roster *roster, size_t unit)
{
    if (roster->by_unit[unit] < 0) {
        if (roster->count == PLAN_MEMBERS_MAX) {
            return NULL;
        }
        roster->by_unit[unit] = (int)roster->count;
        roster->members[roster->count++] = (struct plan_member){.unit = unit};
    }
    return &roster->members[roster->by_unit[unit]];
}

static const struct table_row *find_others(const struct loading *loading)
{
    for (size_t i = 0; i < loading->row_count; i++) {
        if (loading->rows[i].others) {
            return &loading->rows[i];
        }
    }
    return NULL;
}

static void enrol_rows(struct loading *loading, struct roster *roster)
{
    for (size_t i = 0; i < loading->row_count; i++) {
        const struct table_row *row = &loading->rows[i];
        for (size_t j = 0; j < row->unit_count; j++) {
            struct plan_member *member = enrol(roster, row->units[j]);
            if (!member) {
                walk_report(loading, row->node, "more than %d member units", PLAN_MEMBERS_MAX);
                return;
            }
            member->named |= row->number > 0;
            member->duty_count += row->duties.count;
        }
    }
}

/* Group members that no row names: they take the row of "others", without one it is a mistake. */
static void enrol_groups(struct loading *loading, struct roster *roster,
                         const struct table_row *others)
{
    const struct plan *plan = loading->plan;
    for (size_t i = 0; i < plan->group_count; i++) {
        const struct plan_group *group = &plan->groups[i];
        for (size_t j = 0; j < group->member_count; j++) {
            struct plan_member *member = enrol(roster, group->members[j]);
            if (!member) {
                walk_report(loading, loading->group_nodes[i], "more than %d member units",
                            PLAN_MEMBERS_MAX);
                return;
            }
            bool other = !member->named && !roster->grouped[group->members[j]];
            roster->grouped[group->members[j]] = true;
            if (other && !others) {
                walk_report(loading, loading->group_nodes[i],
                            "unit \"%s\" of group \"%s\" has no row, and there is no row of "
                            "\"others\"",
                            plan->units[group->members[j]].id, group->id);
            }
            member->duty_count += other && others ? others->duties.count : 0;
            member->duty_count += loading->group_duties[i].count;
        }
    }
}

/* ---- filling in ---- */

static void give(struct plan_member *member, size_t *duties, const struct duty_range *range)
{
    for (size_t i = 0; i < range->count; i++) {
        duties[member->duty_count++] = range->first + i;
    }
}

static void allot(struct loading *loading, struct roster *roster)
{
    for (size_t i = 0; i < roster->count; i++) {
        struct plan_member *member = &roster->members[i];
        member->duties =
            ld_arena_alloc(loading->arena, (member->duty_count + 1) * sizeof *member->duties);
        member->duty_count = 0;
    }
}

/* The lists were made by allot, and are only const for readers of the plan. */
static size_t *list_of(const struct plan_member *member)
{
    return (size_t *)(uintptr_t)member->duties;
}

static void fill_rows(struct loading *loading, struct roster *roster)
{
    for (size_t i = 0; i < loading->row_count; i++) {
        const struct table_row *row = &loading->rows[i];
        for (size_t j = 0; j < row->unit_count; j++) {
            struct plan_member *member = &roster->members[roster->by_unit[row->units[j]]];
            give(member, list_of(member), &row->duties);
        }
    }
}

static void fill_others(struct roster *roster, const struct table_row *others)
{
    for (size_t i = 0; others && i < roster->count; i++) {
        struct plan_member *member = &roster->members[i];
        if (!member->named && roster->grouped[member->unit]) {
            give(member, list_of(member), &others->duties);
        }
    }
}

static void fill_groups(struct loading *loading, struct roster *roster)
{
    const struct plan *plan = loading->plan;
    for (size_t i = 0; i < plan->group_count; i++) {
        const struct plan_group *group = &plan->groups[i];
        for (size_t j = 0; j < group->member_count; j++) {
            struct plan_member *member = &roster->members[roster->by_unit[group->members[j]]];
            give(member, list_of(member), &loading->group_duties[i]);
        }
    }
}

/* Only for a table without findings so far: then every unit fits. */
static void fill_in(struct loading *loading, struct roster *roster, const struct table_row *others)
{
    allot(loading, roster);
    fill_rows(loading, roster);
    fill_others(roster, others);
    fill_groups(loading, roster);
    for (size_t i = 0; i < roster->count; i++) {
        const char *id = loading->plan->units[roster->members[i].unit].id;
        (void)index_add(&loading->store->members, id, i);
    }
}

void load_members(struct loading *loading)
{
    struct plan *plan = loading->plan;
    struct roster roster = {
        .by_unit = ld_arena_alloc(loading->scratch, (plan->unit_count + 1) * sizeof(int)),
        .grouped = ld_arena_alloc(loading->scratch, plan->unit_count + 1),
        .members = ld_arena_alloc(loading->arena, PLAN_MEMBERS_MAX * sizeof(struct plan_member)),
    };
    memset(roster.by_unit, 0xff, (plan->unit_count + 1) * sizeof(int));
    const struct table_row *others = find_others(loading);
    enrol_rows(loading, &roster);
    enrol_groups(loading, &roster, others);
    if (loading->findings->count == 0) {
        fill_in(loading, &roster, others);
    }
    plan->members = roster.members;
    plan->member_count = roster.count;
}
