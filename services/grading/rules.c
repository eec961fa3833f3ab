/* Picks the criteria for a hazard and finds what has to be counted for them. */
#include "rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *longer(void *array, size_t count, size_t element_size)
{
    void *more = realloc(array, (count + 1) * element_size);
    if (!more)
        abort();
    return more;
}

static bool concerns(const struct plan *plan, const struct plan_criterion *criterion, size_t hazard)
{
    for (size_t i = 0; i < criterion->hazard_count; i++) {
        if (criterion->hazards[i] == hazard)
            return true;
    }
    if (criterion->hazard_count > 0)
        return false;
    char class_code = plan->hazards[hazard].class_code;
    bool any_class = !criterion->classes || !*criterion->classes;
    return any_class || (class_code && strchr(criterion->classes, class_code));
}

/* ---- what is counted ---- */

static size_t measure_slot(struct rules *rules, size_t measure)
{
    if (rules->slot_of_measure[measure] < 0) {
        rules->measures = longer(rules->measures, rules->measure_count, sizeof *rules->measures);
        rules->slot_of_measure[measure] = (int)rules->measure_count;
        rules->measures[rules->measure_count++] = measure;
    }
    return (size_t)rules->slot_of_measure[measure];
}

/* A hazard without a known incubation period is counted since the incident was opened: rather too
 * much than too little. */
static int64_t window_of(const struct rules *rules, const struct plan_condition *condition)
{
    int64_t incubation_us = rules->plan->hazards[rules->hazard].incubation_us;
    if (condition->window == PLAN_WINDOW_FIXED)
        return condition->window_us;
    if (condition->window == PLAN_WINDOW_INCUBATION && incubation_us > 0)
        return incubation_us;
    return GRADING_ALL_TIME;
}

static size_t tally_slot(struct rules *rules, const struct plan_condition *condition)
{
    size_t measure = measure_slot(rules, condition->measure);
    int64_t window_us = window_of(rules, condition);
    size_t i = 0;
    while (i < rules->tally_count &&
           (rules->tallies[i].measure != measure || rules->tallies[i].window_us != window_us))
        i++;
    if (i == rules->tally_count) {
        rules->tallies = longer(rules->tallies, rules->tally_count, sizeof *rules->tallies);
        rules->tallies[rules->tally_count++] =
            (struct tally_kind){.measure = measure, .window_us = window_us};
    }
    if (condition->kind == PLAN_PLACES)
        rules->tallies[i].places = rules->places = true;
    return i;
}

static size_t slot_for(struct rules *rules, const struct plan_condition *condition)
{
    switch (condition->kind) {
    case PLAN_COUNT:
    case PLAN_AREAS:
    case PLAN_PLACES:
        return tally_slot(rules, condition);
    case PLAN_GAUGE:
        rules->places |= condition->over == PLAN_OVER_MEAN;
        return measure_slot(rules, condition->measure);
    default:
        return 0;
    }
}

/* ---- bounds ---- */

static void open_bounds(struct bounds *bounds)
{
    bounds->all = longer(NULL, 1, sizeof *bounds->all);
    bounds->all[0] = (struct bound){.at = -INFINITY};
    bounds->all[1] = (struct bound){.at = INFINITY};
}

/* In order. */
static void add_bound(struct bounds *bounds, struct bound bound)
{
    bounds->all = longer(bounds->all, bounds->count + 2, sizeof *bounds->all);
    size_t i = bounds->count++ + 2;
    for (; bounds->all[i - 1].at >= bound.at; i--)
        bounds->all[i] = bounds->all[i - 1];
    bounds->all[i] = bound;
}

/* ---- inputs ---- */

static bool reads_the_same(const struct plan_condition *a, const struct plan_condition *b)
{
    bool recent = a->kind == PLAN_GAUGE && a->window == PLAN_WINDOW_FIXED;
    return a->kind == b->kind && a->over == b->over && a->round_up == b->round_up &&
           a->sign == b->sign &&
           (a->kind != PLAN_GAUGE ||
            (a->window == b->window && (!recent || a->window_us == b->window_us)));
}

static size_t input_for(struct rules *rules, const struct plan_condition *condition, size_t slot)
{
    for (size_t i = 0; i < rules->input_count; i++) {
        if (rules->inputs[i].slot == slot && reads_the_same(rules->inputs[i].condition, condition))
            return i;
    }
    rules->inputs = longer(rules->inputs, rules->input_count, sizeof *rules->inputs);
    struct input *input = &rules->inputs[rules->input_count];
    *input = (struct input){.condition = condition, .slot = slot};
    input->plain = condition->kind == PLAN_GAUGE && condition->over == PLAN_OVER_COUNTY &&
                   condition->window != PLAN_WINDOW_FIXED && !condition->round_up;
    open_bounds(&input->of_most);
    open_bounds(&input->of_least);
    return rules->input_count++;
}

/* ---- nodes ---- */

/* An open bound is a closed one at the next number. */
static struct node node_of(struct rules *rules, const struct plan_condition *condition)
{
    const struct plan_bounds *bounds = &condition->bounds;
    struct node node = {.low = -INFINITY,
                        .high = INFINITY,
                        .kind = condition->kind,
                        .slot = slot_for(rules, condition),
                        .condition = condition};
    if (bounds->has_low)
        node.low = bounds->low_open ? nextafter(bounds->low, INFINITY) : bounds->low;
    if (bounds->has_high)
        node.high = bounds->high_open ? nextafter(bounds->high, -INFINITY) : bounds->high;
    if (condition->child_count == 0 && condition->kind != PLAN_DESIGNATED)
        node.input = (uint32_t)input_for(rules, condition, node.slot);
    return node;
}

static size_t add_nodes(struct rules *rules, const struct plan_condition *conditions, size_t count)
{
    size_t first = rules->node_count;
    for (size_t i = 0; i < count; i++) {
        rules->nodes = longer(rules->nodes, rules->node_count, sizeof *rules->nodes);
        rules->nodes[rules->node_count++] = node_of(rules, &conditions[i]);
    }
    for (size_t i = 0; i < count; i++) {
        size_t child = add_nodes(rules, conditions[i].children, conditions[i].child_count);
        rules->nodes[first + i].first_child = child;
        rules->nodes[first + i].child_count = conditions[i].child_count;
    }
    return first;
}

static void add_criteria(struct rules *rules, const struct plan_criterion *criteria, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!concerns(rules->plan, &criteria[i], rules->hazard))
            continue;
        size_t root = add_nodes(rules, &criteria[i].when, 1);
        rules->all = longer(rules->all, rules->count, sizeof *rules->all);
        rules->all[rules->count++] =
            (struct rule){.root = (uint32_t)root, .criterion = &criteria[i]};
    }
}

/* ---- what changes a rule ---- */

/* A condition holds if the most is at least its low and the least at most its high: that is, not
 * above it. Between two bounds it matters also whether all are. */
static void note_bounds(struct input *input, uint32_t rule, const struct node *node, int helps)
{
    bool low = isfinite(node->low), high = isfinite(node->high);
    double above = nextafter(node->high, INFINITY);
    input->readers = longer(input->readers, input->reader_count, sizeof *input->readers);
    input->readers[input->reader_count++] = rule;
    if (low && high) {
        input->ranges = longer(input->ranges, input->range_count, sizeof *input->ranges);
        input->ranges[input->range_count++] = (struct range){node->low, node->high, rule};
        add_bound(&input->of_most, (struct bound){above, rule, 0});
        add_bound(&input->of_least, (struct bound){node->low, rule, 0});
    }
    if (low)
        add_bound(&input->of_most, (struct bound){node->low, rule, helps});
    if (high)
        add_bound(&input->of_least, (struct bound){above, rule, -helps});
}

/* helps: 1, or -1 below an odd number of nots. */
static void note_all_bounds(struct rules *rules, uint32_t rule, size_t at, int helps)
{
    const struct node *node = &rules->nodes[at];
    bool leaf = node->kind != PLAN_ALL && node->kind != PLAN_ANY && node->kind != PLAN_NOT;
    if (leaf && node->kind != PLAN_DESIGNATED)
        note_bounds(&rules->inputs[node->input], rule, node, helps);
    for (size_t i = 0; i < node->child_count; i++)
        note_all_bounds(rules, rule, node->first_child + i,
                        node->kind == PLAN_NOT ? -helps : helps);
}

static bool has_one_bound(const struct node *node)
{
    bool leaf = node->child_count == 0 && node->kind > PLAN_NOT && node->kind < PLAN_DESIGNATED;
    return leaf && isfinite(node->low) != isfinite(node->high);
}

/* Of a rule all of whose conditions must hold, each of which has one bound. */
static uint32_t all_met(const struct rules *rules, const struct rule *rule)
{
    const struct node *root = &rules->nodes[rule->root];
    if (has_one_bound(root))
        return 1;
    for (size_t i = 0; i < root->child_count; i++) {
        if (!has_one_bound(&rules->nodes[root->first_child + i]))
            return 0;
    }
    return root->kind == PLAN_ALL ? (uint32_t)root->child_count : 0;
}

struct rules *rules_make(const struct plan *plan, size_t hazard)
{
    struct rules *rules = calloc(1, sizeof *rules);
    if (!rules)
        abort();
    rules->plan = plan;
    rules->hazard = hazard;
    rules->slot_of_measure = longer(NULL, plan->measure_count, sizeof *rules->slot_of_measure);
    for (size_t i = 0; i < plan->measure_count; i++)
        rules->slot_of_measure[i] = -1;
    add_criteria(rules, plan->criteria, plan->criterion_count);
    rules->grading_count = rules->count;
    if (!plan->warning_from_grade)
        add_criteria(rules, plan->warnings, plan->warning_count);
    for (uint32_t i = 0; i < rules->count; i++) {
        rules->all[i].all_met = all_met(rules, &rules->all[i]);
        note_all_bounds(rules, i, rules->all[i].root, 1);
    }
    return rules;
}

void rules_free(struct rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->input_count; i++) {
        free(rules->inputs[i].of_most.all);
        free(rules->inputs[i].of_least.all);
        free(rules->inputs[i].readers);
        free(rules->inputs[i].ranges);
    }
    free(rules->all);
    free(rules->nodes);
    free(rules->inputs);
    free(rules->tallies);
    free(rules->measures);
    free(rules->slot_of_measure);
    free(rules);
}
