/* Scope, and reporting: who is bound to report, and the clocks. */
#include "walk.h"

#include <string.h>

/* ---- scope ---- */

static bool is_all(const struct node *hazards)
{
    return hazards && hazards->kind == NODE_TEXT && strcmp(hazards->text, "all") == 0;
}

static void load_scope_hazards(struct loading *loading, const struct node *scope, bool *in_scope)
{
    if (is_all(tree_get(scope, "hazards"))) {
        memset(in_scope, true, loading->plan->hazard_count);
        return;
    }
    const struct node *list = walk_list(loading, scope, "hazards", PLAN_HAZARDS_MAX);
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        (void)walk_cover(loading, node, in_scope);
    }
}

/* A deferred hazard leaves the scope, though the list of hazards may cover it. */
static void load_deferral(struct loading *loading, const struct node *node, bool *in_scope,
                          struct plan_deferral *out)
{
    const struct plan *plan = loading->plan;
    out->to = "";
    out->section = "";
    if (!walk_keys(loading, node, "hazards to section reading?")) {
        return;
    }
    bool marks[PLAN_HAZARDS_MAX] = {false};
    const struct node *list = walk_list(loading, node, "hazards", PLAN_HAZARDS_MAX);
    for (const struct node *hazard = list ? list->first : NULL; hazard; hazard = hazard->next) {
        (void)walk_cover(loading, hazard, marks);
    }
    size_t *hazards = ld_arena_alloc(loading->arena, plan->hazard_count * sizeof *hazards);
    for (size_t i = 0; i < plan->hazard_count; i++) {
        if (marks[i]) {
            hazards[out->hazard_count++] = i;
            in_scope[i] = false;
        }
    }
    out->hazards = hazards;
    out->to = walk_id(loading, node, "to");
    out->section = walk_section(loading, node);
}

void load_scope(struct loading *loading, const struct node *scope)
{
    struct plan *plan = loading->plan;
    bool *in_scope = ld_arena_alloc(loading->arena, plan->hazard_count + 1);
    plan->in_scope = in_scope;
    plan->scope_section = walk_section(loading, scope);
    if (!walk_keys(loading, scope, "section hazards defers? reading?")) {
        return;
    }
    load_scope_hazards(loading, scope, in_scope);
    const struct node *list = walk_list(loading, scope, "defers", PLAN_HAZARDS_MAX);
    if (!list) {
        return;
    }
    struct plan_deferral *deferrals =
        ld_arena_alloc(loading->arena, list->count * sizeof *deferrals);
    for (const struct node *node = list->first; node; node = node->next) {
        load_deferral(loading, node, in_scope, &deferrals[plan->deferral_count++]);
    }
    plan->deferrals = deferrals;
}

/* ---- clocks ---- */

/* A daily clock ends at a time of day, every other after a duration. */
static void load_limit(struct loading *loading, const struct node *node, struct plan_clock *clock)
{
    bool daily = clock->starts == PLAN_DAILY;
    const char *needed = daily ? "at" : "within";
    const char *useless = daily ? "within" : "at";
    if (!tree_get(node, needed)) {
        walk_report(loading, node, "a clock without limit: missing key \"%s\"", needed);
    }
    if (tree_get(node, useless)) {
        walk_report(loading, tree_get(node, useless), "%s: has no meaning where starts is %s",
                    useless, daily ? "daily" : "not daily");
    }
    clock->within_us = walk_duration(loading, node, "within");
    clock->at_minute = walk_minute(loading, node, "at");
    clock->warn_before_us = walk_duration(loading, node, "warn_before");
    if (clock->within_us > 0 && clock->warn_before_us >= clock->within_us) {
        walk_report(loading, tree_get(node, "warn_before"),
                    "warn_before: as long as the clock itself or longer");
    }
}

static void load_clock(struct loading *loading, const struct node *node, struct plan_clock *clock)
{
    *clock = (struct plan_clock){
        .id = walk_id(loading, node, "id"),
        .section = walk_section(loading, node),
        .levels = walk_levels(loading, node, "levels", false),
        .text = walk_text(loading, node, "text"),
    };
    if (rhythm_is(clock->id)) {
        walk_report(loading, tree_get(node, "id"),
                    "id: \"%s\" is the clock of a rhythm of organisation; take another", clock->id);
    }
    if (!tree_get(node, "levels")) {
        clock->levels = loading->plan->levels;
    }
    clock->levels &= loading->plan->levels;
    int starts = walk_choice(loading, node, "starts", "received occurred response daily ended");
    int met = walk_choice(loading, node, "met_by", "telephone written any zero final");
    clock->starts = starts < 0 ? PLAN_FROM_RECEIVED : (enum plan_clock_start)starts;
    clock->met_by = met < 0 ? PLAN_MET_ANY : (enum plan_clock_met)met;
    clock->by = walk_patterns(loading, node, "by", &clock->by_count);
    clock->each = walk_flag(loading, node, "each");
    check_owers(loading, node);
    if (starts >= 0) {
        load_limit(loading, node, clock);
    }
}

static void load_clocks(struct loading *loading, const struct node *list)
{
    struct plan *plan = loading->plan;
    struct index ids = {.arena = loading->scratch};
    struct plan_clock *clocks = ld_arena_alloc(loading->arena, list->count * sizeof *clocks);
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_clock *clock = &clocks[plan->clock_count];
        if (!walk_keys(loading, node,
                       "id section levels? starts within? at? met_by by each? warn_before? "
                       "text reading?")) {
            continue;
        }
        load_clock(loading, node, clock);
        plan->clock_count +=
            walk_unique(loading, node, &ids, clock->id, plan->clock_count, "clock");
    }
    plan->clocks = clocks;
    index_free(&ids);
}

void load_reporting(struct loading *loading, const struct node *reporting)
{
    struct plan *plan = loading->plan;
    plan->reporting_section = walk_section(loading, reporting);
    if (!walk_keys(loading, reporting, "units section clocks? reading?")) {
        return;
    }
    plan->reporters = walk_patterns(loading, reporting, "units", &plan->reporter_count);
    const struct node *list = walk_list(loading, reporting, "clocks", PLAN_WORDS_MAX);
    if (list) {
        load_clocks(loading, list);
    }
}
