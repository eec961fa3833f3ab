/*
 * Conditions of criteria: `when:` as a tree of plan_condition. Each condition is a map with one
 * key. What one condition or one `all` makes impossible by itself is reported here, where the node
 * is at hand; what several criteria say about each other is lint.c's.
 */
#include "walk.h"

#include <string.h>

static bool load_children(struct loading *loading, const struct node *list, int depth,
                          struct plan_condition *out)
{
    struct plan_condition *children =
        ld_arena_alloc(loading->arena, list->count * sizeof *children);
    bool good = true;
    for (const struct node *node = list->first; node; node = node->next) {
        good &= load_condition(loading, node, depth, &children[out->child_count]);
        out->child_count++;
    }
    out->children = children;
    return good;
}

static bool children_agree(struct loading *loading, const struct node *node,
                           const struct plan_condition *all)
{
    for (size_t i = 0; i < all->child_count; i++) {
        for (size_t j = i + 1; j < all->child_count; j++) {
            if (lint_excludes(&all->children[i], &all->children[j])) {
                walk_report(loading, node,
                            "all: can never hold: conditions %zu and %zu exclude each other", i + 1,
                            j + 1);
                return false;
            }
        }
    }
    return true;
}

static bool load_all_or_any(struct loading *loading, const struct node *map, const char *key,
                            int depth, struct plan_condition *out)
{
    const struct node *list = walk_list(loading, map, key, PLAN_CONDITION_CHILDREN_MAX);
    if (!list || !load_children(loading, list, depth + 1, out)) {
        return false;
    }
    return out->kind != PLAN_ALL || children_agree(loading, list, out);
}

static bool load_not(struct loading *loading, const struct node *node, int depth,
                     struct plan_condition *out)
{
    struct plan_condition *child = ld_arena_alloc(loading->arena, sizeof *child);
    out->children = child;
    out->child_count = 1;
    return load_condition(loading, node, depth + 1, child);
}

/* ---- measures, windows, bounds ---- */

static bool load_measure(struct loading *loading, const struct node *map,
                         struct plan_condition *out)
{
    const struct node *node = tree_get(map, "measure");
    int measure = walk_reference(loading, node, &loading->store->measures, "measure",
                                 "vocabulary/measures.yaml");
    if (measure < 0) {
        return false;
    }
    out->measure = (size_t)measure;
    bool gauge = loading->plan->measures[measure].kind == PLAN_GAUGE_MEASURE;
    if (gauge != (out->kind == PLAN_GAUGE)) {
        walk_report(loading, node, "measure \"%s\" is a %s; %s", node->text,
                    gauge ? "gauge" : "count",
                    gauge ? "it can only stand in gauge: {…}" : "it cannot stand in gauge: {…}");
        return false;
    }
    return true;
}

/* How old a reading may be: as long as it counts, or so long (a period of the incident says nothing
 * about a reading). */
static bool load_age(struct loading *loading, const struct node *map, struct plan_condition *out)
{
    const struct node *node = tree_get(map, "within");
    out->window = node ? PLAN_WINDOW_FIXED : PLAN_WINDOW_NONE;
    out->window_us = walk_duration_of(loading, node);
    return !node || out->window_us > 0;
}

static bool load_window(struct loading *loading, const struct node *map, struct plan_condition *out)
{
    const struct node *node = tree_get(map, "within");
    if (!node) {
        return false; /* the key is needed, and reported as missing */
    }
    if (node->kind == NODE_TEXT && strcmp(node->text, "incubation") == 0) {
        out->window = PLAN_WINDOW_INCUBATION;
        return true;
    }
    if (node->kind == NODE_TEXT && strcmp(node->text, "incident") == 0) {
        out->window = PLAN_WINDOW_INCIDENT;
        return true;
    }
    out->window = PLAN_WINDOW_FIXED;
    out->window_us = walk_duration_of(loading, node);
    return out->window_us > 0;
}

/* One of two keys for a bound, open and closed: false (reported) if both are there or wrong. */
static bool load_bound(struct loading *loading, const struct node *map, const char *closed_key,
                       const char *open_key, bool *has, bool *open, double *value)
{
    bool closed = tree_get(map, closed_key) != NULL;
    *open = tree_get(map, open_key) != NULL;
    *has = closed || *open;
    if (closed && *open) {
        walk_report(loading, tree_get(map, open_key), "%s and %s both stand; keep one", closed_key,
                    open_key);
        return false;
    }
    return !*has || walk_number(loading, map, *open ? open_key : closed_key, value);
}

static bool is_whole(double value)
{
    return value >= 0 && value == (double)(long long)value;
}

static bool load_bounds(struct loading *loading, const struct node *map, struct plan_condition *out)
{
    struct plan_bounds *bounds = &out->bounds;
    bool low = load_bound(loading, map, "at_least", "more_than", &bounds->has_low,
                          &bounds->low_open, &bounds->low);
    bool high = load_bound(loading, map, "at_most", "less_than", &bounds->has_high,
                           &bounds->high_open, &bounds->high);
    if (!low || !high) {
        return false;
    }
    if (!bounds->has_low && !bounds->has_high) {
        walk_report(loading, map, "no bound; expected at_least, more_than, at_most or less_than");
        return false;
    }
    if (out->kind != PLAN_GAUGE && (!is_whole(bounds->low) || !is_whole(bounds->high))) {
        walk_report(loading, map, "a count is compared with whole numbers from 0");
        return false;
    }
    if (lint_bounds_empty(out)) {
        walk_report(loading, map, "can never hold: the bounds exclude each other");
        return false;
    }
    return true;
}

/* What it is when left out differs. Areas and places are of the whole city. */
static void load_over(struct loading *loading, const struct node *map, struct plan_condition *out)
{
    bool gauge = out->kind == PLAN_GAUGE;
    int over = walk_choice(loading, map, "over", gauge ? "county city any mean" : "county city");
    enum plan_over otherwise = out->kind == PLAN_COUNT ? PLAN_OVER_CITY : PLAN_OVER_COUNTY;
    out->over = over < 0 ? otherwise : (enum plan_over)over;
    out->round_up = walk_choice(loading, map, "round", "up") == 0;
}

static bool load_figure(struct loading *loading, const struct node *map, const char *keys,
                        struct plan_condition *out)
{
    if (!walk_keys(loading, map, keys)) {
        return false;
    }
    load_over(loading, map, out);
    bool measure = load_measure(loading, map, out);
    bool window =
        out->kind == PLAN_GAUGE ? load_age(loading, map, out) : load_window(loading, map, out);
    bool bounds = load_bounds(loading, map, out);
    return measure && window && bounds;
}

/* ---- all kinds ---- */

static bool load_sign(struct loading *loading, const struct node *node, struct plan_condition *out)
{
    int sign =
        walk_reference(loading, node, &loading->store->signs, "sign", "vocabulary/signs.yaml");
    out->sign = sign < 0 ? 0 : (size_t)sign;
    return sign >= 0;
}

static bool load_designated(struct loading *loading, const struct node *map,
                            struct plan_condition *out)
{
    out->units = walk_units(loading, map, "designated", &out->unit_count);
    return out->unit_count > 0;
}

#define BOUND_KEYS " at_least? more_than? at_most? less_than?"

static bool load_kind(struct loading *loading, const struct node *map, int depth,
                      struct plan_condition *out)
{
    const struct node *value = map->first;
    switch (out->kind) {
    case PLAN_ALL:
    case PLAN_ANY:
        return load_all_or_any(loading, map, value->key, depth, out);
    case PLAN_NOT:
        return load_not(loading, value, depth, out);
    case PLAN_COUNT:
        return load_figure(loading, value, "measure within over?" BOUND_KEYS, out);
    case PLAN_GAUGE:
        return load_figure(loading, value, "measure over? within? round?" BOUND_KEYS, out);
    case PLAN_AREAS:
    case PLAN_PLACES:
        return load_figure(loading, value, "measure within" BOUND_KEYS, out);
    case PLAN_SIGN:
        return load_sign(loading, value, out);
    case PLAN_DESIGNATED:
        return load_designated(loading, map, out);
    }
    return false;
}

/* In the order of enum plan_condition_kind. */
static const char *const CONDITION_NAMES[] = {"all",   "any",    "not",  "count",     "gauge",
                                              "areas", "places", "sign", "designated"};

static int kind_of(const char *key)
{
    for (int kind = PLAN_ALL; kind <= PLAN_DESIGNATED; kind++) {
        if (strcmp(key, CONDITION_NAMES[kind]) == 0) {
            return kind;
        }
    }
    return -1;
}

bool load_condition(struct loading *loading, const struct node *node, int depth,
                    struct plan_condition *out)
{
    if (node->kind != NODE_MAP || node->count != 1) {
        walk_report(loading, node,
                    "expected one condition: a map with one key of all, any, not, count, gauge, "
                    "areas, places, sign, designated");
        return false;
    }
    if (depth > PLAN_CONDITION_DEPTH_MAX) {
        walk_report(loading, node, "conditions nest deeper than %d", PLAN_CONDITION_DEPTH_MAX);
        return false;
    }
    int kind = kind_of(node->first->key);
    if (kind < 0) {
        walk_report(loading, node->first,
                    "unknown condition \"%s\"; expected one of: all, any, not, count, gauge, "
                    "areas, places, sign, designated",
                    node->first->key);
        return false;
    }
    out->kind = (enum plan_condition_kind)kind;
    return load_kind(loading, node, depth, out);
}
