/*
 * Who may do what: rules for starting (and raising), lowering, terminating, direct orders from
 * above, and a county's own response. Each list of rules names a level at most once.
 */
#include "walk.h"

enum { RULES_MAX = 64, STEPS_MAX = 32 };

/* ---- steps ---- */

static void load_step(struct loading *loading, const struct node *node, struct plan_step *out)
{
    if (!walk_keys(loading, node, "act by with? reading?")) {
        return;
    }
    int act = walk_choice(loading, node, "act", "propose assess decide approve file");
    out->act = act < 0 ? PLAN_ACT_NONE : (enum plan_act)(act + PLAN_PROPOSE);
    out->by = walk_patterns(loading, node, "by", &out->by_count);
    out->with = walk_patterns(loading, node, "with", &out->with_count);
    if (act >= 0 && (out->act == PLAN_FILE) != (tree_get(node, "with") != NULL)) {
        walk_report(loading, node,
                    out->act == PLAN_FILE ? "file: missing key \"with\": with whom it is filed"
                                          : "with: only stands in a step of act file");
    }
}

/* Each act once, and one that decides. */
static void check_steps(struct loading *loading, const struct node *list,
                        const struct plan_step *steps)
{
    unsigned acts = 0;
    const struct plan_step *step = steps;
    for (const struct node *node = list->first; node; node = node->next, step++) {
        unsigned act = 1u << step->act;
        if (step->act != PLAN_ACT_NONE && (acts & act)) {
            walk_report(loading, node, "act %s stands twice in the steps",
                        plan_act_name(step->act));
        }
        acts |= act;
    }
    if (!(acts & (1u << PLAN_DECIDE))) {
        walk_report(loading, list, "steps: nobody decides; expected a step of act decide");
    }
}

static void load_steps(struct loading *loading, const struct node *map, struct plan_rule *rule)
{
    const struct node *list = walk_list(loading, map, "steps", STEPS_MAX);
    if (!list) {
        return;
    }
    struct plan_step *steps = ld_arena_alloc(loading->arena, list->count * sizeof *steps);
    for (const struct node *node = list->first; node; node = node->next) {
        load_step(loading, node, &steps[rule->step_count++]);
    }
    check_steps(loading, list, steps);
    rule->steps = steps;
}

/* The one step of a direct order: by whom. */
static void load_order_step(struct loading *loading, const struct node *map, struct plan_rule *rule)
{
    struct plan_step *step = ld_arena_alloc(loading->arena, sizeof *step);
    step->act = PLAN_ORDER;
    step->by = walk_patterns(loading, map, "by", &step->by_count);
    rule->steps = step;
    rule->step_count = 1;
}

/* ---- rules ---- */

static void load_rule(struct loading *loading, const struct node *node, bool direct,
                      unsigned *levels, struct plan_rule *rule)
{
    rule->section = "";
    if (!walk_keys(loading, node,
                   direct ? "levels section by reading?" : "levels section steps reading?")) {
        return;
    }
    rule->levels = walk_levels(loading, node, "levels", false);
    rule->section = walk_string(loading, node, "section");
    if (direct) {
        load_order_step(loading, node, rule);
    } else {
        load_steps(loading, node, rule);
    }
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        if (rule->levels & *levels & level_bit(level)) {
            walk_report(loading, node, "level %s has a rule already", plan_level_name(level));
        }
    }
    *levels |= rule->levels;
}

/* needed: the levels for which there must be a rule. */
static const struct plan_rule *load_rules(struct loading *loading, const struct node *procedure,
                                          const char *key, unsigned needed, size_t *count)
{
    const struct node *list = walk_list(loading, procedure, key, RULES_MAX);
    if (!list) {
        return NULL;
    }
    bool direct = needed == 0;
    unsigned levels = 0;
    struct plan_rule *rules = ld_arena_alloc(loading->arena, list->count * sizeof *rules);
    for (const struct node *node = list->first; node; node = node->next) {
        load_rule(loading, node, direct, &levels, &rules[(*count)++]);
    }
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        if (needed & ~levels & level_bit(level)) {
            walk_report(loading, list, "%s: no rule for level %s", key, plan_level_name(level));
        }
    }
    return rules;
}

static void load_county(struct loading *loading, const struct node *node)
{
    struct plan_procedure *procedure = &loading->plan->procedure;
    procedure->county_section = "";
    if (!walk_keys(loading, node, "section decide must_follow? reading?")) {
        return;
    }
    procedure->county_section = walk_string(loading, node, "section");
    procedure->county_decide =
        walk_patterns(loading, node, "decide", &procedure->county_decide_count);
    procedure->county_must_follow =
        walk_patterns(loading, node, "must_follow", &procedure->county_must_follow_count);
}

/* The level from which a response can only end. */
static unsigned lowest_level(unsigned levels)
{
    unsigned lowest = 0;
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        lowest = levels & level_bit(level) ? level_bit(level) : lowest;
    }
    return lowest;
}

void load_procedure(struct loading *loading, const struct node *procedure)
{
    struct plan_procedure *out = &loading->plan->procedure;
    unsigned levels = loading->plan->levels;
    unsigned lowered = levels & ~lowest_level(levels);
    out->county_section = "";
    if (!walk_keys(loading, procedure, "start direct? lower? terminate county? reading?")) {
        return;
    }
    if (lowered && !tree_get(procedure, "lower")) {
        walk_report(loading, procedure, "missing key \"lower\"");
    }
    out->start = load_rules(loading, procedure, "start", levels, &out->start_count);
    out->lower = load_rules(loading, procedure, "lower", lowered, &out->lower_count);
    out->terminate = load_rules(loading, procedure, "terminate", levels, &out->terminate_count);
    out->direct = load_rules(loading, procedure, "direct", 0, &out->direct_count);
    load_county(loading, tree_get(procedure, "county"));
}
