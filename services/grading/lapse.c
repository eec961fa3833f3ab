/*
 * Lapsing: windows slide with the latest onset, so marks leave a window one after the other. A sum
 * lapses with the mark that takes it below its lower bound; a number of counties or places with the
 * last mark of that one of them which would leave too few. Readings that must be recent lapse when
 * they are not any more; a mean then is of the others. Facts, readings of any age and what is
 * counted since the incident was opened do not lapse by time.
 */
#include "lapse.h"

#include <math.h>
#include <stdlib.h>

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- sums ---- */

static int64_t sum_lapses(const struct incident *incident, const struct tally *tally,
                          const struct series *series, double sum, const struct plan_bounds *bounds)
{
    struct cursor cursor = series_after(series, tally_from(tally, incident->as_of_us));
    const struct mark *mark;
    for (; (mark = series_at(series, cursor)) != NULL; series_next(series, &cursor)) {
        sum -= mark->value;
        if (!plan_bounds_hold(bounds, sum))
            return tally_gone_at(tally, mark->time_us);
    }
    return LAPSE_NEVER;
}

/* Holds as long as it holds in one of them. */
static int64_t in_any_county(const struct incident *incident, const struct tally *tally,
                             const struct plan_bounds *bounds)
{
    int64_t last_us = INT64_MIN;
    for (size_t area = 0; area < incident->areas.count && area < tally->area_capacity; area++) {
        double sum = tally->by_area[area];
        if (incident->is_county[area] && plan_bounds_hold(bounds, sum))
            last_us =
                later(last_us, sum_lapses(incident, tally, &tally->in_area[area], sum, bounds));
    }
    return last_us == INT64_MIN ? LAPSE_NEVER : last_us;
}

static int64_t count_lapses(const struct incident *incident, const struct node *node)
{
    const struct tally *tally = &incident->tallies[node->slot];
    const struct plan_bounds *bounds = &node->condition->bounds;
    return node->condition->over != PLAN_OVER_COUNTY
               ? sum_lapses(incident, tally, &tally->marks, tally->total, bounds)
               : in_any_county(incident, tally, bounds);
}

/* ---- distinct counties and places ---- */

static int newest_first(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left > right ? -1 : left < right;
}

/* When each counts no more, in onsets_us, newest first; how many. */
static size_t last_onsets(const struct series *lists, const double *sums, const bool *wanted,
                          size_t count, int64_t *onsets_us)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct mark *last = series_last(&lists[i]);
        if (sums[i] >= 1 && last && (!wanted || wanted[i]))
            onsets_us[found++] = last->time_us;
    }
    if (found > 0)
        qsort(onsets_us, found, sizeof *onsets_us, newest_first);
    return found;
}

static int64_t distinct_lapses(const struct incident *incident, const struct node *node)
{
    const struct tally *tally = &incident->tallies[node->slot];
    const struct plan_bounds *bounds = &node->condition->bounds;
    bool places = node->condition->kind == PLAN_PLACES;
    size_t count = places ? tally->place_capacity : tally->area_capacity;
    double needed = bounds->low_open ? floor(bounds->low) + 1 : ceil(bounds->low);
    if (!places && count > incident->areas.count)
        count = incident->areas.count;
    if (!bounds->has_low || needed < 1)
        return LAPSE_NEVER;
    int64_t *onsets_us = malloc((count + 1) * sizeof *onsets_us);
    if (!onsets_us)
        abort();
    size_t found =
        places ? last_onsets(tally->in_place, tally->by_place, NULL, count, onsets_us)
               : last_onsets(tally->in_area, tally->by_area, incident->is_county, count, onsets_us);
    int64_t lapses_us = LAPSE_NEVER;
    if ((double)found >= needed)
        lapses_us = tally_gone_at(tally, onsets_us[(size_t)needed - 1]);
    free(onsets_us);
    return lapses_us;
}

/* ---- readings ---- */

static int64_t old_at(const struct plan_condition *condition, const struct mark *mark)
{
    return mark->time_us > INT64_MAX - condition->window_us ? INT64_MAX
                                                            : mark->time_us + condition->window_us;
}

/* Holds as long as it holds in one of them. */
static int64_t readings_lapse(const struct incident *incident, const struct node *node)
{
    const struct plan_condition *condition = node->condition;
    int64_t last_us = INT64_MIN;
    for (size_t area = 0; area < incident->areas.count; area++) {
        const struct mark *mark = readings_in_area(&incident->readings, node->slot, area);
        if (judge_is_recent(incident, condition, mark) &&
            judge_reads_area(incident, condition, area) &&
            plan_bounds_hold(&condition->bounds, judge_rounded(condition, mark->value)))
            last_us = later(last_us, old_at(condition, mark));
    }
    return last_us == INT64_MIN ? LAPSE_NEVER : last_us;
}

static int oldest_first(const void *a, const void *b)
{
    int64_t left = ((const struct mark *)a)->time_us, right = ((const struct mark *)b)->time_us;
    return left < right ? -1 : left > right;
}

/* The oldest readings fall out of the mean one after the other. */
static int64_t mean_lapses(const struct incident *incident, const struct node *node)
{
    const struct plan_condition *condition = node->condition;
    struct mark *marks = malloc((incident->places.count + 1) * sizeof *marks);
    if (!marks)
        abort();
    size_t count = 0;
    double sum = 0;
    for (size_t place = 0; place < incident->places.count; place++) {
        const struct mark *mark = readings_at_place(&incident->readings, node->slot, place);
        if (judge_is_recent(incident, condition, mark)) {
            marks[count++] = *mark;
            sum += mark->value;
        }
    }
    qsort(marks, count, sizeof *marks, oldest_first);
    int64_t lapses_us = LAPSE_NEVER;
    for (size_t i = 0; i < count && lapses_us == LAPSE_NEVER; i++) {
        bool together = i + 1 < count && marks[i + 1].time_us == marks[i].time_us;
        size_t left = count - i - 1;
        sum -= marks[i].value;
        double mean = left > 0 ? judge_rounded(condition, sum / (double)left) : 0;
        if (!together && (left == 0 || !plan_bounds_hold(&condition->bounds, mean)))
            lapses_us = old_at(condition, &marks[i]);
    }
    free(marks);
    return lapses_us;
}

static int64_t gauge_lapses(const struct incident *incident, const struct node *node)
{
    if (node->condition->window != PLAN_WINDOW_FIXED)
        return LAPSE_NEVER;
    return node->condition->over == PLAN_OVER_MEAN ? mean_lapses(incident, node)
                                                   : readings_lapse(incident, node);
}

/* ---- the whole ---- */

int64_t lapse_of(const struct incident *incident, const struct node *node, int level)
{
    const struct node *children = incident->rules->nodes + node->first_child;
    enum plan_condition_kind kind = node->condition->kind;
    if (kind == PLAN_COUNT)
        return count_lapses(incident, node);
    if (kind == PLAN_AREAS || kind == PLAN_PLACES)
        return distinct_lapses(incident, node);
    if (kind == PLAN_GAUGE)
        return gauge_lapses(incident, node);
    if (kind != PLAN_ALL && kind != PLAN_ANY)
        return LAPSE_NEVER;
    int64_t lapses_us = kind == PLAN_ALL ? LAPSE_NEVER : INT64_MIN;
    for (size_t i = 0; i < node->child_count; i++) {
        if (!judge_holds(incident, &children[i], level, false))
            continue;
        int64_t one_us = lapse_of(incident, &children[i], level);
        lapses_us = kind == PLAN_ALL ? sooner(lapses_us, one_us) : later(lapses_us, one_us);
    }
    return lapses_us == INT64_MIN ? LAPSE_NEVER : lapses_us;
}

int64_t lapse_of_suggested(const struct incident *incident)
{
    const struct rules *rules = incident->rules;
    int64_t last_us = INT64_MIN;
    for (size_t i = 0; i < rules->grading_count; i++) {
        const struct rule *rule = &rules->all[i];
        int level = rule->criterion->level;
        if (level != incident->suggested || !incident->verdicts[i].holds ||
            incident->verdicts[i].late)
            continue;
        last_us = later(last_us, lapse_of(incident, &rules->nodes[rule->root], level));
    }
    return last_us == INT64_MIN ? LAPSE_NEVER : last_us;
}
