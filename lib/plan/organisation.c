/*
 * Organisation by level. Each level lists what is its own; what it leaves out is taken from the
 * next less grave level of the plan, so that a reader of the plan finds every level complete.
 */
#include "walk.h"

static const struct plan_organisation NO_ORGANISATION = {
    .section = "", .commander = {"", ""}, .office = {"", ""}, .press_by = "", .press_section = ""};

static void load_press(struct loading *loading, const struct node *node,
                       struct plan_organisation *out)
{
    if (!walk_keys(loading, node, "every by section reading?")) {
        return;
    }
    out->press_every_us = walk_duration(loading, node, "every");
    out->press_by = walk_unit(loading, node, "by");
    out->press_section = walk_string(loading, node, "section");
}

/* out holds what the level below has. */
static void load_level(struct loading *loading, const struct node *node,
                       struct plan_organisation *out)
{
    out->section = walk_string(loading, node, "section");
    if (tree_get(node, "commander")) {
        out->commander = walk_text(loading, node, "commander");
    }
    if (tree_get(node, "office")) {
        out->office = walk_text(loading, node, "office");
    }
    if (tree_get(node, "daily_report")) {
        out->daily_report = walk_flag(loading, node, "daily_report");
    }
    load_press(loading, tree_get(node, "press"), out);
}

static void sort_entries(struct loading *loading, const struct node *list,
                         const struct node *entries[PLAN_LEVELS])
{
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        if (!walk_keys(loading, node,
                       "level section commander? office? press? daily_report? reading?")) {
            continue;
        }
        enum plan_level level = walk_level(loading, node, "level");
        if (level != PLAN_NONE && entries[level]) {
            walk_report(loading, node, "level %s stands twice", plan_level_name(level));
        }
        entries[level] = node;
    }
}

static void check_whole(struct loading *loading, const struct node *node, int level,
                        const struct plan_organisation *organisation)
{
    if (!tree_get(node, "commander") && !*organisation->commander.zh) {
        walk_report(loading, node, "level %s has no commander, nor has any level below it",
                    plan_level_name(level));
    }
    if (!tree_get(node, "office") && !*organisation->office.zh) {
        walk_report(loading, node, "level %s has no office, nor has any level below it",
                    plan_level_name(level));
    }
}

void load_organisation(struct loading *loading, const struct node *organisation)
{
    const struct node *entries[PLAN_LEVELS] = {NULL};
    struct plan_organisation *levels = loading->plan->organisation;
    struct plan_organisation below = NO_ORGANISATION;
    if (!organisation) {
        return;
    }
    levels[PLAN_NONE] = NO_ORGANISATION;
    sort_entries(loading, walk_list(loading, loading->root, "organisation", PLAN_LEVELS), entries);
    for (int level = PLAN_IV; level >= PLAN_I; level--) {
        levels[level] = NO_ORGANISATION;
        if (!(loading->plan->levels & level_bit(level))) {
            continue;
        }
        if (!entries[level]) {
            walk_report(loading, organisation, "organisation: no entry for level %s",
                        plan_level_name(level));
            continue;
        }
        load_level(loading, entries[level], &below);
        check_whole(loading, entries[level], level, &below);
        levels[level] = below;
    }
}
