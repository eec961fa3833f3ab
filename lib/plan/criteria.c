/*
 * Grading and warnings: lists of criteria, sorted gravest first (in the order of the file within a
 * level). Criteria with mistakes stay out of the cross-checks.
 */
#include "walk.h"

#include <stdlib.h>
#include <string.h>

struct numbered {
    struct plan_criterion criterion;
    const struct node *node;
    size_t order;
};

static const char *load_classes(struct loading *loading, const struct node *map)
{
    const struct node *list = walk_list(loading, map, "classes", 3);
    char *classes = ld_arena_alloc(loading->arena, 4);
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        bool known =
            node->kind == NODE_TEXT && strlen(node->text) == 1 && strchr("ABC", node->text[0]);
        if (!known || strchr(classes, node->text[0])) {
            walk_report(loading, node, "classes: expected A, B or C, each once");
            continue;
        }
        classes[strlen(classes)] = node->text[0];
    }
    return classes;
}

/* False if it has a mistake that makes it useless for cross-checks. */
static bool load_criterion(struct loading *loading, const struct node *node,
                           struct plan_criterion *out)
{
    if (!walk_keys(loading, node, "id level section hazards? classes? text reading? when")) {
        return false;
    }
    *out = (struct plan_criterion){
        .id = walk_id(loading, node, "id"),
        .section = walk_section(loading, node),
        .reading = walk_reading(loading, node),
        .level = walk_level(loading, node, "level"),
        .text = walk_text(loading, node, "text"),
        .classes = load_classes(loading, node),
        .line = node->line,
    };
    out->hazards = walk_hazards(loading, node, "hazards", &out->hazard_count);
    bool hazards_good = !tree_get(node, "hazards") || out->hazard_count > 0; /* else no criterion */
    const struct node *when = tree_get(node, "when");
    bool when_good = when && load_condition(loading, when, 1, &out->when);
    return when_good && hazards_good && *out->id && out->level != PLAN_NONE;
}

static int by_gravity(const void *a, const void *b)
{
    const struct numbered *left = a, *right = b;
    if (left->criterion.level != right->criterion.level) {
        return left->criterion.level < right->criterion.level ? -1 : 1;
    }
    return left->order < right->order ? -1 : 1;
}

static const struct plan_criterion *sort_criteria(struct loading *loading,
                                                  struct numbered *numbered, size_t count)
{
    qsort(numbered, count, sizeof *numbered, by_gravity);
    struct plan_criterion *criteria = ld_arena_alloc(loading->arena, count * sizeof *criteria);
    const struct node **nodes = ld_arena_alloc(loading->scratch, count * sizeof *nodes);
    for (size_t i = 0; i < count; i++) {
        criteria[i] = numbered[i].criterion;
        nodes[i] = numbered[i].node;
    }
    lint_criteria(loading, criteria, count, nodes);
    return criteria;
}

static const struct plan_criterion *load_criteria(struct loading *loading, const struct node *list,
                                                  size_t *count)
{
    struct index ids = {.arena = loading->scratch};
    struct numbered *numbered = ld_arena_alloc(loading->scratch, list->count * sizeof *numbered);
    *count = 0;
    for (const struct node *node = list->first; node; node = node->next) {
        struct numbered *next = &numbered[*count];
        bool good = load_criterion(loading, node, &next->criterion);
        if (good && walk_unique(loading, node, &ids, next->criterion.id, *count, "criterion")) {
            next->node = node;
            next->order = (*count)++;
        }
    }
    index_free(&ids);
    return sort_criteria(loading, numbered, *count);
}

/* Each level of the plan needs a criterion: as written, also if that one has mistakes. */
static void check_levels(struct loading *loading, const struct node *list)
{
    unsigned found = 0;
    for (const struct node *node = list->first; node; node = node->next) {
        const struct node *level = tree_get(node, "level");
        int named = level && level->kind == NODE_TEXT ? plan_level_parse(level->text) : -1;
        found |= named < 0 ? 0 : level_bit(named);
    }
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        if ((loading->plan->levels & level_bit(level)) && !(found & level_bit(level))) {
            walk_report(loading, list, "no criterion for level %s", plan_level_name(level));
        }
    }
}

void load_grading(struct loading *loading)
{
    if (loading->plan->procedure.follows_warning && tree_get(loading->root, "grading")) {
        walk_report(loading, tree_get(loading->root, "grading"),
                    "grading: has no meaning where the response follows the warning");
        return;
    }
    const struct node *list = walk_list(loading, loading->root, "grading", PLAN_CRITERIA_MAX);
    if (list) {
        check_levels(loading, list);
        loading->plan->criteria = load_criteria(loading, list, &loading->plan->criterion_count);
    }
}

/* ---- warnings ---- */

/* One of several warnings' rules that only have a section; "" if it is not there. */
static const char *load_cited(struct loading *loading, const struct node *warnings, const char *key)
{
    const struct node *node = tree_get(warnings, key);
    return walk_keys(loading, node, "section reading?") ? walk_section(loading, node) : "";
}

static void load_colours(struct loading *loading, const struct node *warnings)
{
    struct plan *plan = loading->plan;
    bool follows = plan->procedure.follows_warning;
    plan->warning_from_grade = walk_flag(loading, warnings, "from_grade");
    if (plan->warning_from_grade && follows) {
        walk_report(loading, tree_get(warnings, "from_grade"),
                    "from_grade: the response follows the warning, so there is no grade");
    } else if (plan->warning_from_grade == (tree_get(warnings, "criteria") != NULL)) {
        walk_report(loading, warnings, "expected either from_grade: true or criteria: […]");
    }
    const struct node *list = walk_list(loading, warnings, "criteria", PLAN_CRITERIA_MAX);
    if (list && follows) {
        check_levels(loading, list);
    }
    if (list) {
        plan->warnings = load_criteria(loading, list, &plan->warning_count);
    }
}

void load_warnings(struct loading *loading, const struct node *warnings)
{
    struct plan *plan = loading->plan;
    plan->warning_section = plan->warning_merge_section = plan->warning_county_section = "";
    if (!warnings && plan->procedure.follows_warning && !takes_section(loading, "warnings")) {
        walk_report(loading, NULL,
                    "missing key \"warnings\", which the response follows (procedure: follows)");
    }
    if (!walk_keys(loading, warnings,
                   "section from_grade? criteria? merge? county? issue? reading?")) {
        return;
    }
    plan->warning_section = walk_section(loading, warnings);
    plan->warning_merge_section = load_cited(loading, warnings, "merge");
    plan->warning_county_section = load_cited(loading, warnings, "county");
    load_colours(loading, warnings);
    load_issue(loading, warnings);
    check_startable(loading, warnings);
}
