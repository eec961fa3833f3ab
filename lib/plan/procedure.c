/*
 * Who may do what: rules for starting (and raising), lowering, terminating, direct orders from
 * above, and a county's own response; and who takes which step of a warning. Each list of rules
 * names a level at most once.
 */
#include "walk.h"

enum { RULES_MAX = 64, STEPS_MAX = 32, ACTS_MAX = 8 };

/* What the steps of a rule may be: acts by position of their names. */
struct step_kind {
    const char *names;
    enum plan_act acts[ACTS_MAX];
    enum plan_act needed;
    const char *nobody; /* what is said if that act is missing */
    unsigned with;      /* acts that say with whom */
    const char *with_names;
};
static const struct step_kind DECISION = {
    .names = "propose assess decide approve file",
    .acts = {PLAN_PROPOSE, PLAN_ASSESS, PLAN_DECIDE, PLAN_APPROVE, PLAN_FILE},
    .needed = PLAN_DECIDE,
    .nobody = "nobody decides; expected a step of act decide",
    .with = 1u << PLAN_FILE,
    .with_names = "file",
};
static const struct step_kind WARNING = {
    .names = "suggest verify assess approve sign file inform issue",
    .acts = {PLAN_SUGGEST, PLAN_VERIFY, PLAN_ASSESS, PLAN_APPROVE, PLAN_SIGN_OFF, PLAN_FILE,
             PLAN_INFORM, PLAN_ISSUE},
    .needed = PLAN_ISSUE,
    .nobody = "nobody issues the warning; expected a step of act issue",
    .with = 1u << PLAN_FILE | 1u << PLAN_INFORM,
    .with_names = "file or inform",
};

/* ---- steps ---- */

static void check_with(struct loading *loading, const struct node *node,
                       const struct step_kind *kind, enum plan_act act)
{
    const struct node *with = tree_get(node, "with");
    bool needed = kind->with & 1u << act;
    if (needed && !with) {
        walk_report(loading, node,
                    "%s: missing key \"with\": with whom it is filed, or who is told",
                    plan_act_name((int)act));
    } else if (!needed && with) {
        walk_report(loading, node, "with: only stands in a step of act %s", kind->with_names);
    }
}

static void load_step(struct loading *loading, const struct node *node,
                      const struct step_kind *kind, struct plan_step *out)
{
    if (!walk_keys(loading, node, "act by with? reading?")) {
        return;
    }
    int act = walk_choice(loading, node, "act", kind->names);
    out->act = act < 0 ? PLAN_ACT_NONE : kind->acts[act];
    out->by = walk_patterns(loading, node, "by", &out->by_count);
    out->with = walk_patterns(loading, node, "with", &out->with_count);
    if (act >= 0) {
        check_with(loading, node, kind, out->act);
    }
}

/* Each act once, and the one that is needed. */
static void check_steps(struct loading *loading, const struct node *list,
                        const struct step_kind *kind, const struct plan_step *steps)
{
    unsigned acts = 0;
    const struct plan_step *step = steps;
    for (const struct node *node = list->first; node; node = node->next, step++) {
        unsigned act = 1u << step->act;
        if (step->act != PLAN_ACT_NONE && (acts & act)) {
            walk_report(loading, node, "act %s stands twice in the steps",
                        plan_act_name((int)step->act));
        }
        acts |= act;
    }
    if (!(acts & (1u << kind->needed))) {
        walk_report(loading, list, "steps: %s", kind->nobody);
    }
}

static void load_steps(struct loading *loading, const struct node *map,
                       const struct step_kind *kind, struct plan_rule *rule)
{
    const struct node *list = walk_list(loading, map, "steps", STEPS_MAX);
    if (!list) {
        return;
    }
    struct plan_step *steps = ld_arena_alloc(loading->arena, list->count * sizeof *steps);
    for (const struct node *node = list->first; node; node = node->next) {
        load_step(loading, node, kind, &steps[rule->step_count++]);
    }
    check_steps(loading, list, kind, steps);
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

/* kind NULL: direct orders. */
static void load_rule(struct loading *loading, const struct node *node,
                      const struct step_kind *kind, unsigned *levels, struct plan_rule *rule)
{
    rule->section = "";
    if (!walk_keys(loading, node,
                   kind ? "levels section steps reading?" : "levels section by reading?")) {
        return;
    }
    rule->levels = walk_levels(loading, node, "levels", false) & loading->plan->levels;
    rule->section = walk_section(loading, node);
    if (kind) {
        load_steps(loading, node, kind, rule);
    } else {
        load_order_step(loading, node, rule);
    }
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        if (rule->levels & *levels & level_bit(level)) {
            walk_report(loading, node, "level %s has a rule already", plan_level_name(level));
        }
    }
    *levels |= rule->levels;
}

/* needed: the levels for which there must be a rule. */
static const struct plan_rule *load_rules(struct loading *loading, const struct node *map,
                                          const char *key, const struct step_kind *kind,
                                          unsigned needed, size_t *count)
{
    const struct node *list = walk_list(loading, map, key, RULES_MAX);
    if (needed && !tree_get(map, key)) {
        walk_report(loading, map, "missing key \"%s\"", key);
    }
    if (!list) {
        return NULL;
    }
    unsigned levels = 0;
    struct plan_rule *rules = ld_arena_alloc(loading->arena, list->count * sizeof *rules);
    for (const struct node *node = list->first; node; node = node->next) {
        load_rule(loading, node, kind, &levels, &rules[(*count)++]);
    }
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        if (needed & ~levels & level_bit(level)) {
            walk_report(loading, list, "%s: no rule for level %s", key, plan_level_name(level));
        }
    }
    return rules;
}

void load_issue(struct loading *loading, const struct node *warnings)
{
    loading->plan->issue =
        load_rules(loading, warnings, "issue", &WARNING, 0, &loading->plan->issue_count);
}

static void load_county(struct loading *loading, const struct node *node)
{
    struct plan_procedure *procedure = &loading->plan->procedure;
    procedure->county_section = "";
    if (!walk_keys(loading, node, "section follows_city? decide must_follow? reading?")) {
        return;
    }
    procedure->county_section = walk_section(loading, node);
    procedure->county_follows_city = walk_flag(loading, node, "follows_city");
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

/* The levels that a list of rules names. */
static unsigned levels_of(const struct plan_rule *rules, size_t count)
{
    unsigned levels = 0;
    for (size_t i = 0; i < count; i++) {
        levels |= rules[i].levels;
    }
    return levels;
}

void load_procedure(struct loading *loading, const struct node *procedure)
{
    struct plan_procedure *out = &loading->plan->procedure;
    unsigned levels = loading->plan->levels;
    unsigned lowered = levels & ~lowest_level(levels);
    out->county_section = "";
    if (!walk_keys(loading, procedure,
                   "start? direct? lower? terminate? follows? county? reading?")) {
        return;
    }
    out->follows_warning = walk_choice(loading, procedure, "follows", "grade warning") == 1;
    out->direct = load_rules(loading, procedure, "direct", NULL, 0, &out->direct_count);
    unsigned started = levels & ~levels_of(out->direct, out->direct_count);
    out->start = load_rules(loading, procedure, "start", &DECISION, started, &out->start_count);
    out->lower = load_rules(loading, procedure, "lower", &DECISION, lowered, &out->lower_count);
    out->terminate =
        load_rules(loading, procedure, "terminate", &DECISION, levels, &out->terminate_count);
    load_county(loading, tree_get(procedure, "county"));
}
