/*
 * Working groups, the member-unit table, and measures of levels (rows without number). Every duty
 * lands in plan.duties: the table's first, in order of rows, then the groups'; members.c then tells
 * each unit which are its own.
 */
#include "walk.h"

#include <string.h>

static const char DUTY_KEYS[] =
    "id section? from? until? text hazards? signs? areas? during? deadline? repeat? reading?";

/* ---- duties ---- */

static const size_t *load_duty_signs(struct loading *loading, const struct node *map, size_t *count)
{
    const struct node *list = walk_list(loading, map, "signs", PLAN_CONDITION_CHILDREN_MAX);
    if (!list) {
        return NULL;
    }
    size_t *signs = ld_arena_alloc(loading->arena, list->count * sizeof *signs);
    for (const struct node *node = list->first; node; node = node->next) {
        int sign =
            walk_reference(loading, node, &loading->store->signs, "sign", "vocabulary/signs.yaml");
        if (sign >= 0) {
            signs[(*count)++] = (size_t)sign;
        }
    }
    return signs;
}

/* Levels at which a duty applies: its own, or those of the row or group. */
static void load_duty_levels(struct loading *loading, const struct node *node,
                             const struct plan_duty *owner, bool level_given, struct plan_duty *out)
{
    if (tree_get(node, "from")) {
        out->from = walk_level(loading, node, "from");
    } else if (owner->from == PLAN_NONE && !level_given) {
        walk_report(loading, node,
                    "missing key \"from\": the lowest level at which the duty applies");
    }
    if (owner->from != PLAN_NONE && owner->group >= 0 && out->from > owner->from) {
        walk_report(loading, tree_get(node, "from"),
                    "from: level %s, but the group only works from level %s",
                    plan_level_name(out->from), plan_level_name(owner->from));
    }
    out->until = walk_level(loading, node, "until");
    if (out->from != PLAN_NONE && out->until > out->from) {
        walk_report(loading, tree_get(node, "until"),
                    "until: level %s, but the duty only applies from level %s",
                    plan_level_name(out->until), plan_level_name(out->from));
    }
}

/* Whether the event has reached the county: of the duty itself, or of its row. */
static void load_duty_areas(struct loading *loading, const struct node *map, struct plan_duty *duty)
{
    const struct node *node = tree_get(map, "areas");
    int areas = node ? walk_choice_of(loading, node, "areas", "all affected unaffected") : -1;
    if (areas >= 0) {
        duty->areas = (enum plan_areas)areas;
    }
    if (node && duty->group >= 0) {
        walk_report(loading, node, "areas: a group works for the city; only a row has areas");
    }
}

/* From when: the response, or the warning already. Of the duty itself, or of its row. */
static void load_duty_during(struct loading *loading, const struct node *map,
                             struct plan_duty *duty)
{
    const struct node *node = tree_get(map, "during");
    int during = node ? walk_choice_of(loading, node, "during", "response warning") : -1;
    if (during >= 0) {
        duty->in_warning = during == 1;
    }
    if (node && duty->group >= 0) {
        walk_report(loading, node, "during: a group works for a response; only a row has during");
    } else if (during == 1 && loading->plan->issue_count == 0) {
        walk_report(loading, node, "during: no warning is issued by this plan (warnings: issue)");
    }
}

/* owner: section and level that hold where the duty names none of its own; level_given: whether
 * the owner names a level, right or wrong. */
static void load_duty(struct loading *loading, const struct node *node,
                      const struct plan_duty *owner, bool level_given, struct plan_duty *out)
{
    *out = *owner;
    out->id = walk_id(loading, node, "id");
    out->text = walk_text(loading, node, "text");
    out->deadline_us = walk_duration(loading, node, "deadline");
    out->repeat_us = walk_duration(loading, node, "repeat");
    out->hazards = walk_hazards(loading, node, "hazards", &out->hazard_count);
    if (tree_get(node, "section")) {
        out->section = walk_section(loading, node);
    }
    load_duty_levels(loading, node, owner, level_given, out);
    load_duty_areas(loading, node, out);
    load_duty_during(loading, node, out);
    out->signs = load_duty_signs(loading, node, &out->sign_count);
}

/* A duty of the general plan whose hazards are none of this plan's is none of its duties. */
static bool falls_out(const struct loading *loading, const struct node *node,
                      const struct plan_duty *duty)
{
    return is_taken(loading, node) && tree_get(node, "hazards") && duty->hazard_count == 0;
}

/* The duties of a row or group. */
static struct duty_range load_list(struct loading *loading, const struct node *map,
                                   struct index *ids, const struct plan_duty *owner)
{
    struct plan *plan = loading->plan;
    struct duty_range range = {.first = plan->duty_count};
    const struct node *list = walk_list(loading, map, "duties", PLAN_DUTIES_MAX);
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        struct plan_duty *duty = &loading->duties[plan->duty_count];
        if (!walk_keys(loading, node, DUTY_KEYS)) {
            continue;
        }
        load_duty(loading, node, owner, tree_get(map, "from") != NULL, duty);
        bool unique = walk_unique(loading, node, ids, duty->id, plan->duty_count, "duty");
        plan->duty_count += unique && !falls_out(loading, node, duty);
    }
    range.count = plan->duty_count - range.first;
    return range;
}

static size_t count_duties(const struct node *list)
{
    size_t count = 0;
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        const struct node *duties = tree_get(node, "duties");
        count += duties ? duties->count : 0;
    }
    return count;
}

/* ---- groups ---- */

/* A level without a lead of its own has that of the next less grave one. */
static void load_leads(struct loading *loading, const struct node *leads, struct plan_group *group)
{
    if (leads && leads->kind != NODE_MAP) {
        walk_report(loading, leads,
                    "leads: expected a map of levels, such as {III: {zh: …, en: …}}");
        return;
    }
    for (const struct node *node = leads ? leads->first : NULL; node; node = node->next) {
        int level = walk_level_key(loading, node);
        if (level > (int)group->from && group->from != PLAN_NONE) {
            walk_report(loading, node, "leads: the group only works from level %s",
                        plan_level_name(group->from));
        } else if (level > PLAN_NONE) {
            group->leads[level] = walk_text_of(loading, node);
        }
    }
    for (int level = PLAN_III; level >= PLAN_I; level--) {
        if (!group->leads[level].zh[0]) {
            group->leads[level] = group->leads[level + 1];
        }
    }
}

static void load_group(struct loading *loading, const struct node *node, struct plan_group *group)
{
    group->id = walk_id(loading, node, "id");
    group->section = walk_section(loading, node);
    group->from = walk_level(loading, node, "from");
    group->name = walk_text(loading, node, "name");
    group->members = walk_units(loading, node, "members", &group->member_count);
    for (int level = 0; level < PLAN_LEVELS; level++) {
        group->leads[level] = (struct plan_text){"", ""};
    }
    load_leads(loading, tree_get(node, "leads"), group);
}

static void load_groups(struct loading *loading, const struct node *list, struct index *ids)
{
    struct plan *plan = loading->plan;
    struct plan_group *groups = ld_arena_alloc(loading->arena, list->count * sizeof *groups);
    const struct node **nodes = ld_arena_alloc(loading->scratch, list->count * sizeof *nodes);
    loading->group_duties =
        ld_arena_alloc(loading->scratch, list->count * sizeof *loading->group_duties);
    loading->group_nodes = nodes;
    plan->groups = groups;
    for (const struct node *node = list->first; node; node = node->next) {
        size_t position = plan->group_count;
        struct plan_group *group = &groups[position];
        if (!walk_keys(loading, node, "id section from name leads? members duties? reading?")) {
            continue;
        }
        load_group(loading, node, group);
        struct plan_duty owner = {
            .section = group->section, .from = group->from, .group = (int)position};
        loading->group_duties[position] = load_list(loading, node, ids, &owner);
        nodes[position] = node;
        plan->group_count +=
            walk_unique(loading, node, &loading->store->groups, group->id, position, "group");
    }
}

/* ---- rows ---- */

static bool is_others(const struct node *units)
{
    return units && units->kind == NODE_LIST && units->count == 1 &&
           units->first->kind == NODE_TEXT && strcmp(units->first->text, "others") == 0;
}

static void check_units_of(struct loading *loading, const struct node *map,
                           const struct table_row *row)
{
    const struct plan *plan = loading->plan;
    const struct node *node = tree_get(map, "areas");
    for (size_t i = 0; node && i < row->unit_count; i++) {
        const struct plan_unit *unit = &plan->units[row->units[i]];
        int area = plan_find_area(plan, unit->area);
        if (area < 0 || plan->areas[area].level != PLAN_COUNTY) {
            walk_report(loading, node,
                        "areas: unit \"%s\" is of no county; give it a row of its own", unit->id);
            return;
        }
    }
    if (node && row->others) {
        walk_report(loading, node, "areas: \"others\" are of no county");
    }
}

/* areas: at the row and its duties, only of units of counties. */
static void check_row_areas(struct loading *loading, const struct node *map,
                            const struct table_row *row)
{
    const struct node *duties = tree_get(map, "duties");
    check_units_of(loading, map, row);
    for (const struct node *node = duties ? duties->first : NULL; node; node = node->next) {
        check_units_of(loading, node, row);
    }
}

static void load_row(struct loading *loading, const struct node *node, struct index *ids,
                     struct table_row *row)
{
    row->node = node;
    row->number = walk_integer(loading, node, "row", 1, 100000);
    if (row->number > 0 && takes_section(loading, "duties") && !is_taken(loading, node)) {
        walk_report(loading, node,
                    "row: the rows are taken from the general plan; what is given beside them are "
                    "measures, without row");
    }
    row->others = is_others(tree_get(node, "units"));
    if (row->others && !tree_get(node, "row")) {
        walk_report(loading, node, "missing key \"row\": only a row has duties of \"others\"");
    }
    if (!row->others) {
        row->units = row->number > 0 ? walk_units(loading, node, "units", &row->unit_count)
                                     : walk_county_units(loading, node, "units", &row->unit_count);
    }
    struct plan_duty owner = {
        .section = walk_section(loading, node), .group = -1, .row = row->number};
    if (tree_get(node, "from")) {
        owner.from = walk_level(loading, node, "from");
    }
    load_duty_areas(loading, node, &owner);
    load_duty_during(loading, node, &owner);
    row->duties = load_list(loading, node, ids, &owner);
    check_row_areas(loading, node, row);
}

struct table { /* what must be unique in all that is read */
    struct index ids, numbers;
    bool others;
};

/* The measures that this plan gives beside the rows that it takes; NULL if there are none. */
static const struct node *measures_beside(const struct loading *loading)
{
    return takes_section(loading, "duties") ? tree_get(loading->root, "duties") : NULL;
}

/* A plan that has measures of its own takes the rows alone. */
static bool gives_way(const struct loading *loading, const struct node *node)
{
    return is_taken(loading, node) && !tree_get(node, "row") && measures_beside(loading);
}

static void load_rows(struct loading *loading, const struct node *home, struct table *table)
{
    const struct node *list = walk_list(loading, home, "duties", PLAN_ROWS_MAX);
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        if (!walk_keys(loading, node, "row? section units areas? during? from? duties reading?") ||
            gives_way(loading, node)) {
            continue;
        }
        struct table_row *row = &loading->rows[loading->row_count++];
        load_row(loading, node, &table->ids, row);
        char *number = ld_arena_format(loading->scratch, "%d", row->number);
        if (row->number > 0) {
            (void)walk_unique(loading, node, &table->numbers, number, 0, "row");
        }
        if (row->others && table->others) {
            walk_report(loading, node, "a second row of \"others\"");
        }
        table->others |= row->others;
    }
}

void load_duties(struct loading *loading, const struct node *groups, const struct node *rows)
{
    const struct node *beside = measures_beside(loading);
    size_t count = count_duties(groups) + count_duties(rows) + count_duties(beside);
    size_t row_count = (rows ? rows->count : 0) + (beside ? beside->count : 0);
    if (count > PLAN_DUTIES_MAX) {
        walk_report(loading, rows, "%zu duties, at most %d are possible", count, PLAN_DUTIES_MAX);
        return;
    }
    struct table table = {{.arena = loading->scratch}, {.arena = loading->scratch}, false};
    loading->duties = ld_arena_alloc(loading->arena, (count + 1) * sizeof *loading->duties);
    loading->plan->duties = loading->duties;
    loading->rows = ld_arena_alloc(loading->scratch, (row_count + 1) * sizeof *loading->rows);
    load_rows(loading, home_of(loading, "duties"), &table);
    if (beside) {
        load_rows(loading, loading->root, &table);
    }
    const struct node *group_list =
        walk_list(loading, home_of(loading, "groups"), "groups", PLAN_GROUPS_MAX);
    if (group_list) {
        load_groups(loading, group_list, &table.ids);
    }
    index_free(&table.ids);
    index_free(&table.numbers);
}
