/*
 * What conditions say about each other: which exclude each other, and which imply which. From this,
 * criteria that can never matter: no hazard in scope, or hidden by a graver criterion that holds
 * whenever they do; and those that always hold. The answers are safe, not complete: "implies" and
 * "excludes" are only said where it is certain, so a sound plan is never refused.
 */
#include "walk.h"

#include <math.h>
#include <string.h>

/* Steps of comparing conditions; enough for every pair of criteria of any real plan. Beyond it the
 * answer is "not certain". */
enum { COMPARE_STEPS_MAX = 5000000 };

/* ---- bounds ---- */

static bool counts_wholes(const struct plan_condition *condition)
{
    return condition->kind != PLAN_GAUGE;
}

/* A reading that is rounded is a whole number too, but may be less than 0: more than 2.5 is at
 * least 3. */
static struct plan_bounds rounded_bounds(const struct plan_condition *condition)
{
    struct plan_bounds bounds = condition->bounds;
    bounds.low = bounds.low_open ? floor(bounds.low) + 1 : ceil(bounds.low);
    bounds.high = bounds.high_open ? ceil(bounds.high) - 1 : floor(bounds.high);
    bounds.low_open = false;
    bounds.high_open = false;
    return bounds;
}

/* Bounds over whole numbers from 0 as closed ones: more than 2 is at least 3. */
static struct plan_bounds closed_bounds(const struct plan_condition *condition)
{
    struct plan_bounds bounds = condition->bounds;
    if (!counts_wholes(condition)) {
        return condition->round_up ? rounded_bounds(condition) : bounds;
    }
    if (!bounds.has_low) {
        bounds.low = 0;
    }
    bounds.has_low = true;
    bounds.low += bounds.low_open;
    bounds.high -= bounds.high_open;
    bounds.low_open = false;
    bounds.high_open = false;
    return bounds;
}

static bool is_empty(const struct plan_bounds *bounds)
{
    if (!bounds->has_low || !bounds->has_high) {
        return false;
    }
    return bounds->low > bounds->high ||
           (bounds->low == bounds->high && (bounds->low_open || bounds->high_open));
}

bool lint_bounds_empty(const struct plan_condition *condition)
{
    struct plan_bounds bounds = closed_bounds(condition);
    return is_empty(&bounds);
}

static struct plan_bounds intersect(const struct plan_bounds *a, const struct plan_bounds *b)
{
    struct plan_bounds both = *a;
    if (b->has_low && (!a->has_low || b->low > a->low || (b->low == a->low && b->low_open))) {
        both.has_low = true;
        both.low = b->low;
        both.low_open = b->low_open;
    }
    if (b->has_high &&
        (!a->has_high || b->high < a->high || (b->high == a->high && b->high_open))) {
        both.has_high = true;
        both.high = b->high;
        both.high_open = b->high_open;
    }
    return both;
}

static bool is_inside(const struct plan_bounds *inner, const struct plan_bounds *outer)
{
    struct plan_bounds both = intersect(inner, outer);
    return both.has_low == inner->has_low && both.has_high == inner->has_high &&
           (!both.has_low || (both.low == inner->low && both.low_open == inner->low_open)) &&
           (!both.has_high || (both.high == inner->high && both.high_open == inner->high_open));
}

/* ---- equal, exclude ---- */

static bool has_children(const struct plan_condition *condition)
{
    return condition->kind <= PLAN_NOT;
}

static bool same_figure(const struct plan_condition *a, const struct plan_condition *b)
{
    return a->kind == b->kind && a->measure == b->measure && a->over == b->over &&
           a->window == b->window && a->window_us == b->window_us && a->round_up == b->round_up;
}

static bool same_sign(const struct plan_condition *a, const struct plan_condition *b)
{
    return a->kind == PLAN_SIGN && b->kind == PLAN_SIGN && a->sign == b->sign;
}

/* One figure for the whole incident, not one of many counties: it has one value at a time. */
static bool is_single(const struct plan_condition *condition)
{
    return condition->kind == PLAN_AREAS || condition->kind == PLAN_PLACES ||
           condition->over == PLAN_OVER_CITY || condition->over == PLAN_OVER_MEAN;
}

bool lint_excludes(const struct plan_condition *a, const struct plan_condition *b)
{
    if (a->kind == PLAN_NOT) {
        return same_sign(&a->children[0], b);
    }
    if (b->kind == PLAN_NOT) {
        return same_sign(&b->children[0], a);
    }
    if (!is_single(a) || !same_figure(a, b)) {
        return false;
    }
    struct plan_bounds bounds_a = closed_bounds(a), bounds_b = closed_bounds(b);
    struct plan_bounds both = intersect(&bounds_a, &bounds_b);
    return is_empty(&both);
}

/* ---- imply ---- */

static bool window_within(const struct plan_condition *inner, const struct plan_condition *outer)
{
    return inner->window == outer->window && inner->window_us <= outer->window_us;
}

/* A reading of one area is one of any, and one that is recent enough also is for a longer time; of
 * a mean neither is said. */
static bool reading_within(const struct plan_condition *a, const struct plan_condition *b)
{
    bool longer = b->window == PLAN_WINDOW_NONE ||
                  (a->window == PLAN_WINDOW_FIXED && a->window_us <= b->window_us);
    return a->over != PLAN_OVER_MEAN && a->round_up == b->round_up && longer &&
           (b->over == a->over || b->over == PLAN_OVER_ANY);
}

static bool leaf_implies(const struct plan_condition *a, const struct plan_condition *b)
{
    if (same_sign(a, b)) {
        return true;
    }
    if (a->kind < PLAN_COUNT || a->kind > PLAN_PLACES || a->kind != b->kind ||
        a->measure != b->measure) {
        return false;
    }
    struct plan_bounds bounds_a = closed_bounds(a), bounds_b = closed_bounds(b);
    if (!is_inside(&bounds_a, &bounds_b)) {
        return false;
    }
    if (same_figure(a, b)) {
        return true;
    }
    if (a->kind == PLAN_GAUGE) {
        return reading_within(a, b);
    }
    /* A wider window or the whole city only adds: that matters to an upper bound alone. */
    return !b->bounds.has_high && window_within(a, b) &&
           (b->over == PLAN_OVER_CITY || a->over == b->over);
}

static bool implies(const struct plan_condition *a, const struct plan_condition *b, int *steps);

static bool each_child_implied(const struct plan_condition *a, const struct plan_condition *b,
                               int *steps)
{
    for (size_t i = 0; i < b->child_count; i++) {
        if (!implies(a, &b->children[i], steps)) {
            return false;
        }
    }
    return true;
}

static bool some_child_implied(const struct plan_condition *a, const struct plan_condition *b,
                               int *steps)
{
    for (size_t i = 0; i < b->child_count; i++) {
        if (implies(a, &b->children[i], steps)) {
            return true;
        }
    }
    return false;
}

static bool each_child_implies(const struct plan_condition *a, const struct plan_condition *b,
                               int *steps)
{
    for (size_t i = 0; i < a->child_count; i++) {
        if (!implies(&a->children[i], b, steps)) {
            return false;
        }
    }
    return true;
}

static bool some_child_implies(const struct plan_condition *a, const struct plan_condition *b,
                               int *steps)
{
    for (size_t i = 0; i < a->child_count; i++) {
        if (implies(&a->children[i], b, steps)) {
            return true;
        }
    }
    return false;
}

/* Does b hold whenever a does? Only true where that is certain. */
static bool implies(const struct plan_condition *a, const struct plan_condition *b, int *steps)
{
    if (--*steps < 0) {
        return false;
    }
    if (a->kind == PLAN_ANY) {
        return each_child_implies(a, b, steps);
    }
    if (b->kind == PLAN_ALL) {
        return each_child_implied(a, b, steps);
    }
    if (b->kind == PLAN_ANY && some_child_implied(a, b, steps)) {
        return true;
    }
    if (a->kind == PLAN_ALL) {
        return some_child_implies(a, b, steps);
    }
    if (a->kind == PLAN_NOT && b->kind == PLAN_NOT) {
        return implies(&b->children[0], &a->children[0], steps);
    }
    return !has_children(a) && !has_children(b) && leaf_implies(a, b);
}

/* ---- criteria ---- */

/* For every criterion, by hazard: does it cover it? Rows of hazard_count. */
static const bool *coverage(struct loading *loading, const struct plan_criterion *criteria,
                            size_t count)
{
    const struct plan *plan = loading->plan;
    bool *rows = ld_arena_alloc(loading->scratch, count * plan->hazard_count + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t hazard = 0; hazard < plan->hazard_count; hazard++) {
            rows[i * plan->hazard_count + hazard] =
                plan_criterion_covers(plan, &criteria[i], hazard);
        }
    }
    return rows;
}

static bool covers_all_of(const bool *outer, const bool *inner, size_t hazard_count)
{
    for (size_t hazard = 0; hazard < hazard_count; hazard++) {
        if (inner[hazard] && !outer[hazard]) {
            return false;
        }
    }
    return true;
}

/* Criteria are sorted gravest first, so only those before can hide one. */
static void check_hidden(struct loading *loading, const struct plan_criterion *criteria,
                         size_t position, const struct node *node, const bool *covered, int *steps)
{
    const struct plan_criterion *criterion = &criteria[position];
    size_t hazards = loading->plan->hazard_count;
    for (size_t i = 0; i < position && criteria[i].level < criterion->level; i++) {
        if (implies(&criterion->when, &criteria[i].when, steps) &&
            covers_all_of(&covered[i * hazards], &covered[position * hazards], hazards)) {
            walk_report(loading, node,
                        "criterion \"%s\" never decides: whenever it holds, \"%s\" of level %s "
                        "holds too",
                        criterion->id, criteria[i].id, plan_level_name(criteria[i].level));
            return;
        }
    }
}

static bool uses_incubation(const struct plan_condition *condition)
{
    for (size_t i = 0; i < condition->child_count; i++) {
        if (uses_incubation(&condition->children[i])) {
            return true;
        }
    }
    return condition->window == PLAN_WINDOW_INCUBATION;
}

static void check_incubation(struct loading *loading, const struct plan_criterion *criterion,
                             const struct node *node, const bool *covered)
{
    const struct plan *plan = loading->plan;
    for (size_t hazard = 0; hazard < plan->hazard_count; hazard++) {
        if (covered[hazard] && plan->hazards[hazard].incubation_us == 0) {
            walk_report(loading, node,
                        "criterion \"%s\" counts within the incubation period, but hazard \"%s\" "
                        "has none in vocabulary/hazards.yaml",
                        criterion->id, plan->hazards[hazard].id);
            return;
        }
    }
}

/* Does it hold of an incident of which nothing is reported? Only counts are looked at: what is said
 * to be the case, or not to be, is told apart by who reads it. */
static bool holds_of_nothing(const struct plan_condition *condition)
{
    size_t holding = 0;
    for (size_t i = 0; i < condition->child_count; i++) {
        holding += holds_of_nothing(&condition->children[i]);
    }
    switch (condition->kind) {
    case PLAN_ALL:
        return holding == condition->child_count;
    case PLAN_ANY:
        return holding > 0;
    case PLAN_COUNT:
    case PLAN_AREAS:
    case PLAN_PLACES:
        return plan_bounds_hold(&condition->bounds, 0);
    default:
        return false;
    }
}

void lint_criteria(struct loading *loading, const struct plan_criterion *criteria, size_t count,
                   const struct node *const *nodes)
{
    size_t hazards = loading->plan->hazard_count;
    const bool *covered = coverage(loading, criteria, count);
    int steps = COMPARE_STEPS_MAX;
    for (size_t i = 0; i < count; i++) {
        if (!memchr(&covered[i * hazards], true, hazards) && !is_taken(loading, nodes[i])) {
            walk_report(loading, nodes[i],
                        "criterion \"%s\" can never hold: it covers no hazard in scope",
                        criteria[i].id);
            continue;
        }
        if (uses_incubation(&criteria[i].when)) {
            check_incubation(loading, &criteria[i], nodes[i], &covered[i * hazards]);
        }
        if (holds_of_nothing(&criteria[i].when)) {
            walk_report(loading, nodes[i],
                        "criterion \"%s\" holds before anything is reported: a count without lower "
                        "bound is met by none",
                        criteria[i].id);
        }
        check_hidden(loading, criteria, i, nodes[i], covered, &steps);
    }
}
