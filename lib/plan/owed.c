/*
 * What nobody could do, though every word of it is known: a clock owed by who may not report, a
 * rhythm by who does not speak for the plan's area, daily reports that no clock waits for, a level
 * that no warning can start.
 */
#include "walk.h"

#include <string.h>

/* ---- clocks ---- */

static const char *first_stranger(const struct plan *plan, const char *pattern)
{
    for (size_t i = 0; i < plan->unit_count; i++) {
        const char *unit = plan->units[i].id;
        if (plan_unit_in(plan, unit, &pattern, 1, NULL) &&
            !plan_unit_in(plan, unit, plan->reporters, plan->reporter_count, NULL)) {
            return unit;
        }
    }
    return NULL;
}

void check_owers(struct loading *loading, const struct node *clock)
{
    const struct plan *plan = loading->plan;
    const struct node *list = tree_get(clock, "by");
    if (plan->reporter_count == 0 || !list || list->kind != NODE_LIST) {
        return;
    }
    for (const struct node *node = list->first; node; node = node->next) {
        const char *stranger = node->kind == NODE_TEXT ? first_stranger(plan, node->text) : NULL;
        if (stranger) {
            walk_report(loading, node,
                        "by: \"%s\" owes a report, but is none of those who report (units of "
                        "reporting)",
                        stranger);
        }
    }
}

/* ---- rhythms ---- */

/* The bulletin that meets it is about the plan's area: its unit's own, or a part of it. */
void check_speaker(struct loading *loading, const struct node *rhythm, const char *unit)
{
    const struct plan *plan = loading->plan;
    int index = plan_find_unit(plan, unit);
    const char *area = index >= 0 ? plan->units[index].area : plan->area;
    if (*plan->area && strncmp(plan->area, area, strlen(area)) != 0 && strcmp(area, "cn") != 0) {
        walk_report(loading, tree_get(rhythm, "by"),
                    "by: \"%s\" speaks for area %s only, not for the plan's area %s", unit, area,
                    plan->area);
    }
}

void check_daily(struct loading *loading, const struct node *entry, int level)
{
    const struct plan *plan = loading->plan;
    if (plan->reporter_count == 0) {
        return; /* told already */
    }
    for (size_t i = 0; i < plan->clock_count; i++) {
        if (plan->clocks[i].starts == PLAN_DAILY && (plan->clocks[i].levels & level_bit(level))) {
            return;
        }
    }
    walk_report(loading, entry, "level %s has daily reports, but no clock that starts daily",
                plan_level_name(level));
}

/* ---- warnings ---- */

void check_startable(struct loading *loading, const struct node *warnings)
{
    const struct plan *plan = loading->plan;
    const struct plan_procedure *procedure = &plan->procedure;
    for (int level = PLAN_I; procedure->follows_warning && level <= PLAN_IV; level++) {
        if ((plan->levels & level_bit(level)) &&
            !plan_rule_for(procedure->direct, procedure->direct_count, level) &&
            !plan_rule_for(plan->issue, plan->issue_count, level)) {
            walk_report(loading, warnings,
                        "issue: nobody issues the warning of level %s, which its response follows",
                        plan_level_name(level));
        }
    }
}
