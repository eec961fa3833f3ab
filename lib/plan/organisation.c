/*
 * Organisation by level. Each level lists what is its own; what it leaves out is taken from the
 * next less grave level of the plan, so that a reader of the plan finds every level complete.
 */
#include "walk.h"

static const struct plan_organisation NO_ORGANISATION = {.section = "",
                                                         .commander = {"", ""},
                                                         .office = {"", ""},
                                                         .press = {0, "", ""},
                                                         .assessment = {0, "", ""},
                                                         .map = {0, "", ""},
                                                         .meeting = {0, "", ""}};

static void load_rhythm(struct loading *loading, const struct node *node, struct plan_rhythm *out)
{
    if (walk_keys(loading, node, "every by section reading?")) {
        *out = (struct plan_rhythm){.every_us = walk_duration(loading, node, "every"),
                                    .by = walk_unit(loading, node, "by"),
                                    .section = walk_section(loading, node)};
        check_speaker(loading, node, out->by);
    }
}

/* out holds what the level below has. */
static void load_level(struct loading *loading, const struct node *node,
                       struct plan_organisation *out)
{
    out->section = walk_section(loading, node);
    if (tree_get(node, "commander")) {
        out->commander = walk_text(loading, node, "commander");
    }
    if (tree_get(node, "office")) {
        out->office = walk_text(loading, node, "office");
    }
    if (tree_get(node, "daily_report")) {
        out->daily_report = walk_flag(loading, node, "daily_report");
    }
    load_rhythm(loading, tree_get(node, "press"), &out->press);
    load_rhythm(loading, tree_get(node, "assessment"), &out->assessment);
    load_rhythm(loading, tree_get(node, "map"), &out->map);
    load_rhythm(loading, tree_get(node, "meeting"), &out->meeting);
}

static void sort_entries(struct loading *loading, const struct node *list,
                         const struct node *entries[PLAN_LEVELS])
{
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        if (!walk_keys(loading, node,
                       "level section commander? office? press? assessment? map? meeting? "
                       "daily_report? reading?")) {
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
    sort_entries(loading,
                 walk_list(loading, home_of(loading, "organisation"), "organisation", PLAN_LEVELS),
                 entries);
    for (int level = PLAN_IV; level >= PLAN_I; level--) {
        levels[level] = NO_ORGANISATION;
        bool had = loading->plan->levels & level_bit(level);
        if (had && !entries[level]) {
            walk_report(loading, organisation, "organisation: no entry for level %s",
                        plan_level_name(level));
        }
        if (entries[level]) {
            load_level(loading, entries[level], &below);
        }
        if (had && entries[level]) {
            check_whole(loading, entries[level], level, &below);
            if (below.daily_report) {
                check_daily(loading, entries[level], level);
            }
            levels[level] = below;
        }
    }
}
