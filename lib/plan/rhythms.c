/*
 * What a plan asks for again and again, and after the end, as clocks beside those of reporting:
 * the rhythms of organisation (press, assessment, map, meeting) and the entries of after-care that
 * have a limit. Levels that have a rhythm alike share one clock, so that moving between them does
 * not begin it anew.
 */
#include "walk.h"

#include <string.h>
#include "timefmt.h"

enum { RHYTHMS = 4 };

static const struct rhythm {
    const char *id;
    enum plan_clock_met met_by;
    struct plan_text text;
} rhythms[RHYTHMS] = {
    {"press", PLAN_MET_PRESS, {"定期新闻发布", "Tell the press and the public"}},
    {"assessment", PLAN_MET_ASSESSMENT, {"定期风险评估", "Assess the risk"}},
    {"map", PLAN_MET_MAP, {"定期更新风险地图", "Map the risk"}},
    {"meeting", PLAN_MET_MEETING, {"定期会商", "Meet and confer"}},
};

static const struct plan_rhythm *rhythm_at(const struct plan *plan, int level, int which)
{
    const struct plan_organisation *organisation = &plan->organisation[level];
    const struct plan_rhythm *all[RHYTHMS] = {&organisation->press, &organisation->assessment,
                                              &organisation->map, &organisation->meeting};
    return all[which];
}

bool rhythm_is(const char *id)
{
    for (int i = 0; i < RHYTHMS; i++) {
        if (strcmp(rhythms[i].id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* A quarter of the time, at most a day. */
static int64_t warn_before(int64_t within_us)
{
    return within_us / 4 < LD_US_DAY ? within_us / 4 : LD_US_DAY;
}

/* ---- rhythms ---- */

static struct plan_clock *find_alike(struct plan_clock *clocks, size_t count, const char *id,
                                     const struct plan_rhythm *rhythm)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(clocks[i].id, id) == 0 && clocks[i].within_us == rhythm->every_us &&
            strcmp(clocks[i].by[0], rhythm->by) == 0) {
            return &clocks[i];
        }
    }
    return NULL;
}

static struct plan_clock made_of(struct loading *loading, const struct rhythm *kind,
                                 const struct plan_rhythm *rhythm)
{
    const char **by = ld_arena_alloc(loading->arena, sizeof *by);
    *by = rhythm->by;
    return (struct plan_clock){.id = kind->id,
                               .section = rhythm->section,
                               .starts = PLAN_EVERY,
                               .met_by = kind->met_by,
                               .within_us = rhythm->every_us,
                               .warn_before_us = warn_before(rhythm->every_us),
                               .by = by,
                               .by_count = 1,
                               .text = kind->text};
}

/* The rhythm of a level, added to the clock of a level below that has it alike. */
static void add_level(struct loading *loading, struct plan_clock *clocks, size_t *count, int level,
                      int which)
{
    const struct plan_rhythm *rhythm = rhythm_at(loading->plan, level, which);
    if (rhythm->every_us == 0) {
        return;
    }
    struct plan_clock *clock = find_alike(clocks, *count, rhythms[which].id, rhythm);
    if (!clock) {
        clock = &clocks[(*count)++];
        *clock = made_of(loading, &rhythms[which], rhythm);
    } else if (!strstr(clock->section, rhythm->section)) {
        clock->section = ld_arena_format(loading->arena, "%s, %s", clock->section, rhythm->section);
    }
    clock->levels |= level_bit(level);
}

/* ---- after-care ---- */

static struct plan_clock clock_of(const struct plan *plan, const struct plan_aftercare *entry)
{
    return (struct plan_clock){.id = entry->id,
                               .section = entry->section,
                               .levels = plan->levels,
                               .starts = PLAN_FROM_END,
                               .met_by = PLAN_MET_AFTERCARE,
                               .within_us = entry->within_us,
                               .warn_before_us = warn_before(entry->within_us),
                               .by = entry->by,
                               .by_count = entry->by_count,
                               .text = entry->text};
}

void load_rhythms(struct loading *loading)
{
    struct plan *plan = loading->plan;
    size_t room = plan->clock_count + RHYTHMS * PLAN_LEVELS + plan->aftercare_count;
    struct plan_clock *clocks = ld_arena_alloc(loading->arena, room * sizeof *clocks);
    size_t count = plan->clock_count;
    for (size_t i = 0; i < count; i++) {
        clocks[i] = plan->clocks[i];
    }
    for (int which = 0; which < RHYTHMS; which++) {
        for (int level = PLAN_IV; level >= PLAN_I; level--) {
            add_level(loading, clocks, &count, level, which);
        }
    }
    for (size_t i = 0; i < plan->aftercare_count; i++) {
        if (plan->aftercare[i].within_us > 0) {
            clocks[count++] = clock_of(plan, &plan->aftercare[i]);
        }
    }
    plan->clocks = clocks;
    plan->clock_count = count;
}
