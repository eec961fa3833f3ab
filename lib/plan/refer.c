/*
 * The walk over references: what names a unit, a hazard or another word of the vocabulary. A name
 * that means nothing is reported where it stands, with the file that lists what there is.
 */
#include "walk.h"

#include <string.h>

static const char *reference_text(struct loading *loading, const struct node *node)
{
    if (node->kind == NODE_TEXT) {
        return node->text;
    }
    walk_report(loading, node, "expected a name, found a %s",
                node->kind == NODE_LIST ? "list" : "map");
    return NULL;
}

int walk_reference(struct loading *loading, const struct node *node, const struct index *index,
                   const char *what, const char *where)
{
    const char *text = node ? reference_text(loading, node) : NULL;
    if (!text) {
        return -1;
    }
    int position = index_find(index, text);
    if (position < 0) {
        walk_report(loading, node, "unknown %s \"%s\"; %s lists what there is", what, text, where);
    }
    return position;
}

int walk_unit_of(struct loading *loading, const struct node *node)
{
    return walk_reference(loading, node, &loading->store->units, "unit", "vocabulary/units.yaml");
}

const char *walk_unit(struct loading *loading, const struct node *map, const char *key)
{
    int unit = walk_unit_of(loading, tree_get(map, key));
    return unit < 0 ? "" : loading->plan->units[unit].id;
}

static bool is_listed(const size_t *list, size_t count, size_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == value) {
            return true;
        }
    }
    return false;
}

static void add_unit(struct loading *loading, const struct node *node, const char *key,
                     size_t *units, size_t *count)
{
    int unit = walk_unit_of(loading, node);
    if (unit < 0) {
        return;
    }
    if (is_listed(units, *count, (size_t)unit)) {
        walk_report(loading, node, "%s: unit \"%s\" stands twice", key, node->text);
        return;
    }
    units[(*count)++] = (size_t)unit;
}

const size_t *walk_units(struct loading *loading, const struct node *map, const char *key,
                         size_t *count)
{
    *count = 0;
    const struct node *list = walk_list(loading, map, key, PLAN_MEMBERS_MAX);
    if (!list) {
        return NULL;
    }
    size_t *units = ld_arena_alloc(loading->arena, list->count * sizeof *units);
    for (const struct node *node = list->first; node; node = node->next) {
        add_unit(loading, node, key, units, count);
    }
    return units;
}

static bool is_of_a_county(const struct plan *plan, const struct plan_unit *unit)
{
    int area = plan_find_area(plan, unit->area);
    return area >= 0 && plan->areas[area].level == PLAN_COUNTY &&
           strncmp(unit->area, plan->area, strlen(plan->area)) == 0;
}

/* The units with this slug of all counties that are not in the list yet; how many now are. */
static size_t add_of_counties(struct loading *loading, const struct node *node, const char *slug,
                              size_t *units, size_t count)
{
    const struct plan *plan = loading->plan;
    size_t found = 0;
    for (size_t i = 0; i < plan->unit_count; i++) {
        const struct plan_unit *unit = &plan->units[i];
        if (strcmp(unit->slug, slug) == 0 && is_of_a_county(plan, unit)) {
            found++;
            if (!is_listed(units, count, i)) {
                units[count++] = i;
            }
        }
    }
    if (found == 0) {
        walk_report(loading, node, "unknown unit \"%s\"; vocabulary/units.yaml lists what there is",
                    node->text);
    }
    return count;
}

const size_t *walk_county_units(struct loading *loading, const struct node *map, const char *key,
                                size_t *count)
{
    static const char COUNTY[] = "{county}.";
    *count = 0;
    const struct node *list = walk_list(loading, map, key, PLAN_MEMBERS_MAX);
    size_t *units = ld_arena_alloc(loading->arena, (loading->plan->unit_count + 1) * sizeof *units);
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        if (node->kind == NODE_TEXT && strncmp(node->text, COUNTY, sizeof COUNTY - 1) == 0) {
            *count = add_of_counties(loading, node, node->text + sizeof COUNTY - 1, units, *count);
        } else {
            add_unit(loading, node, key, units, count);
        }
    }
    return units;
}

/* ---- patterns ---- */

static bool means_a_unit(const struct plan *plan, const char *pattern)
{
    for (size_t i = 0; i < plan->unit_count; i++) {
        if (plan_unit_in(plan, plan->units[i].id, &pattern, 1, NULL)) {
            return true;
        }
    }
    return false;
}

/* The pattern in the plan's memory; NULL (reported) if it means no unit at all. */
static const char *pattern_of(struct loading *loading, const struct node *node)
{
    const char *text = reference_text(loading, node);
    if (!text) {
        return NULL;
    }
    int unit = plan_find_unit(loading->plan, text);
    if (unit >= 0) {
        return loading->plan->units[unit].id;
    }
    if (++loading->pattern_count > PLAN_PATTERNS_MAX) {
        walk_report(loading, node, "more than %d unit patterns", PLAN_PATTERNS_MAX);
        return NULL;
    }
    if (!means_a_unit(loading->plan, text)) {
        walk_report(loading, node, "unknown unit \"%s\"; vocabulary/units.yaml lists what there is",
                    text);
        return NULL;
    }
    return ld_arena_string(loading->arena, text, strlen(text));
}

const char *const *walk_patterns(struct loading *loading, const struct node *map, const char *key,
                                 size_t *count)
{
    *count = 0;
    const struct node *list = walk_list(loading, map, key, PLAN_MEMBERS_MAX);
    if (!list) {
        return NULL;
    }
    const char **patterns = ld_arena_alloc(loading->arena, list->count * sizeof *patterns);
    for (const struct node *node = list->first; node; node = node->next) {
        const char *pattern = pattern_of(loading, node);
        if (pattern) {
            patterns[(*count)++] = pattern;
        }
    }
    return patterns;
}

/* ---- hazards ---- */

bool walk_cover(struct loading *loading, const struct node *node, bool *marks)
{
    const char *text = reference_text(loading, node);
    if (!text) {
        return false;
    }
    size_t size = strlen(text);
    bool found = false;
    for (size_t i = 0; i < loading->plan->hazard_count; i++) {
        const char *id = loading->plan->hazards[i].id;
        if (strncmp(id, text, size) == 0 && (id[size] == 0 || id[size] == '.')) {
            marks[i] = true;
            found = true;
        }
    }
    if (!found) {
        walk_report(loading, node,
                    "unknown hazard \"%s\"; vocabulary/hazards.yaml lists what there is", text);
    }
    return found;
}

/* Marks what a reference covers within the scope; reports it if that is nothing. */
static void cover_in_scope(struct loading *loading, const struct node *node, bool *marks)
{
    const struct plan *plan = loading->plan;
    bool covered[PLAN_HAZARDS_MAX] = {false};
    if (!walk_cover(loading, node, covered)) {
        return;
    }
    bool inside = false;
    for (size_t i = 0; i < plan->hazard_count; i++) {
        bool both = covered[i] && plan->in_scope[i];
        marks[i] |= both;
        inside |= both;
    }
    if (!inside && !is_taken(loading, node)) {
        walk_report(loading, node, "hazard \"%s\" is outside the plan's scope: this never applies",
                    node->text);
    }
}

const size_t *walk_hazards(struct loading *loading, const struct node *map, const char *key,
                           size_t *count)
{
    *count = 0;
    const struct plan *plan = loading->plan;
    const struct node *list = walk_list(loading, map, key, PLAN_HAZARDS_MAX);
    if (!list) {
        return NULL;
    }
    bool marks[PLAN_HAZARDS_MAX] = {false};
    for (const struct node *node = list->first; node; node = node->next) {
        cover_in_scope(loading, node, marks);
    }
    size_t marked = 0;
    for (size_t i = 0; i < plan->hazard_count; i++) {
        marked += marks[i];
    }
    size_t *hazards = ld_arena_alloc(loading->arena, marked * sizeof *hazards);
    for (size_t i = 0; i < plan->hazard_count; i++) {
        if (marks[i]) {
            hazards[(*count)++] = i;
        }
    }
    return hazards;
}

bool walk_unique(struct loading *loading, const struct node *node, struct index *index,
                 const char *id, size_t position, const char *what)
{
    if (*id == 0) {
        return false;
    }
    if (!index_add(index, id, position)) {
        walk_report(loading, node, "%s \"%s\" stands twice", what, id);
        return false;
    }
    return true;
}
