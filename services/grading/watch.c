/*
 * Watching (see watch.h). Of each input it is known how many of its bounds, which are sorted, its
 * most and its least have reached: while they stay between the same two, one comparison on either
 * side says that nothing changes, however many conditions read the input; what they pass is judged
 * anew.
 *
 * Always judged anew: where a number comes or goes altogether, every rule that reads it; where some
 * areas lie below and some above, the rules that ask for one between, as the least and the most do
 * not tell.
 */
#include "watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "judge.h"

/* ---- extents ---- */

static void widen(struct extent *extent, double value)
{
    if (!(extent->least <= value))
        extent->least = value;
    if (!(extent->most >= value))
        extent->most = value;
}

static void widen_by_counties(const struct incident *incident, const struct tally *tally,
                              struct extent *extent)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t area = 0; area < incident->areas.count; area++) {
        if (!incident->is_county[area])
            continue;
        double sum = tally_sum(tally, area);
        least = sum < least ? sum : least;
        most = sum > most ? sum : most;
    }
    if (least <= most)
        *extent = (struct extent){least, most};
}

/* The latest of each area that counts, if it is recent enough. */
static void widen_by_readings(const struct incident *incident, const struct input *input,
                              struct extent *extent)
{
    const struct plan_condition *condition = input->condition;
    const struct readings *readings = &incident->readings;
    double least = INFINITY, most = -INFINITY;
    for (size_t area = 0; area < incident->areas.count; area++) {
        const struct mark *mark = readings_in_area(readings, input->slot, area);
        if (!judge_is_recent(incident, condition, mark) ||
            !judge_reads_area(incident, condition, area))
            continue;
        double value = judge_rounded(condition, mark->value);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    if (least <= most)
        *extent = (struct extent){least, most};
}

static void widen_by_count(const struct incident *incident, const struct input *input, bool late,
                           struct extent *extent)
{
    const struct tally *tally = &incident->tallies[input->slot];
    const struct figures *past = late ? incident_late(incident, input->slot) : NULL;
    if (input->condition->kind == PLAN_AREAS)
        widen(extent, late ? past->areas.value : (double)tally->areas);
    else if (input->condition->kind == PLAN_PLACES)
        widen(extent, late ? past->places.value : (double)tally->places);
    else if (input->condition->over != PLAN_OVER_COUNTY)
        widen(extent, late ? past->total.value : tally->total);
    else if (!late)
        widen_by_counties(incident, tally, extent);
    else if (incident->is_county[incident->late_area])
        widen(extent, past->area.value);
}

/* The same for readings that are compared as they are, however old: nearly all. */
static inline struct extent of_readings(const struct incident *incident, const struct input *input)
{
    const struct readings *readings = &incident->readings;
    size_t each = readings->measure_count, count = readings->area_count;
    const struct mark *mark = readings->by_area + input->slot;
    double least = INFINITY, most = -INFINITY;
    count = incident->areas.count < count ? incident->areas.count : count;
    for (size_t area = 0; area < count; area++, mark += each) {
        if (mark->report == 0 || !incident->is_county[area])
            continue;
        least = mark->value < least ? mark->value : least;
        most = mark->value > most ? mark->value : most;
    }
    return least <= most ? (struct extent){least, most} : (struct extent){NAN, NAN};
}

struct extent watch_extent(const struct incident *incident, const struct input *input, bool late)
{
    struct extent extent = {NAN, NAN};
    const struct plan_condition *condition = input->condition;
    int64_t to_us = 0;
    if (condition->kind == PLAN_SIGN) {
        for (size_t i = 0; i < incident->standing_count; i++) {
            if (incident->standing[i].sign == condition->sign)
                widen(&extent, 1);
        }
    } else if (condition->kind != PLAN_GAUGE) {
        widen_by_count(incident, input, late, &extent);
    } else if (condition->over == PLAN_OVER_MEAN) {
        widen(&extent, judge_mean(incident, condition, input->slot, &to_us));
    } else {
        widen_by_readings(incident, input, &extent);
    }
    return extent;
}

/* ---- stale rules ---- */

static void *allocated(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

void watch_open(struct watch *watch, const struct rules *rules)
{
    watch->inputs = allocated(calloc(rules->input_count + 1, sizeof *watch->inputs));
    watch->stale = allocated(calloc(rules->count + 1, sizeof *watch->stale));
    watch->met = allocated(calloc(rules->count + 1, sizeof *watch->met));
    for (size_t i = 0; i < rules->input_count; i++)
        watch->inputs[i] = (struct reached){0, rules->inputs[i].of_least.count, true};
    watch->is_stale = allocated(calloc(rules->count + 1, sizeof *watch->is_stale));
    watch_all(watch, rules);
}

void watch_free(struct watch *watch)
{
    free(watch->inputs);
    free(watch->stale);
    free(watch->is_stale);
    free(watch->met);
}

static void add_stale(struct watch *watch, uint32_t rule)
{
    if (!watch->is_stale[rule])
        watch->stale[watch->stale_count++] = rule;
    watch->is_stale[rule] = true;
}

void watch_all(struct watch *watch, const struct rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++)
        add_stale(watch, i);
}

void watch_settle(struct incident *incident)
{
    struct watch *watch = &incident->watch;
    size_t kept = 0;
    for (size_t i = 0; i < watch->stale_count; i++) {
        uint32_t rule = watch->stale[i];
        watch->is_stale[rule] = incident->verdicts[rule].late;
        if (watch->is_stale[rule])
            watch->stale[kept++] = rule;
    }
    watch->stale_count = kept;
}

/* ---- bounds ---- */

/* What is truer now can only make a rule hold that did not, what is less true only end it. late: it
 * is not so now, but was in the windows that hold the late report. */
static void cross(struct incident *incident, const struct bound *bound, bool reached, bool late)
{
    struct watch *watch = &incident->watch;
    uint32_t rule = bound->rule, all_met = incident->rules->all[rule].all_met;
    int truer = reached ? bound->helps : -bound->helps;
    bool holds = incident->verdicts[rule].now;
    if (!late)
        watch->met[rule] += (uint32_t)truer;
    if (truer == 0 ||
        ((truer > 0) != holds && (late || !all_met || holds || watch->met[rule] == all_met)))
        add_stale(watch, rule);
}

/* Lies the value between the bound reached last and the next? (Not a number lies nowhere.) */
static inline bool stays(const struct bounds *bounds, size_t reached, double value)
{
    const struct bound *last = bounds->all + reached;
    return last[0].at <= value && value < last[1].at;
}

/* From where so many bounds were reached to this value. */
static size_t walk(struct incident *incident, const struct bounds *bounds, size_t reached,
                   double value, bool late)
{
    for (; reached < bounds->count && bounds->all[reached + 1].at <= value; reached++)
        cross(incident, &bounds->all[reached + 1], true, late);
    for (; reached > 0 && bounds->all[reached].at > value; reached--)
        cross(incident, &bounds->all[reached], false, late);
    return reached;
}

static struct reached move(struct incident *incident, const struct input *input,
                           struct reached from, const struct extent *to, bool late)
{
    bool none = isnan(to->most);
    for (size_t i = 0; none != from.none && i < input->reader_count; i++)
        add_stale(&incident->watch, input->readers[i]);
    return (struct reached){
        walk(incident, &input->of_most, from.by_most, none ? -INFINITY : to->most, late),
        walk(incident, &input->of_least, from.by_least, none ? INFINITY : to->least, late),
        none,
    };
}

/* Where some areas lie below and some above, any report may bring one between. */
static void straddle(struct watch *watch, const struct input *input, const struct extent *extent)
{
    for (size_t i = 0; i < input->range_count; i++) {
        const struct range *range = &input->ranges[i];
        if (extent->least < range->low && extent->most > range->high)
            add_stale(watch, range->rule);
    }
}

static void watch_now(struct incident *incident, size_t index)
{
    const struct input *input = &incident->rules->inputs[index];
    struct extent *extent = &incident->extents[2 * index];
    struct reached *reached = &incident->watch.inputs[index];
    *extent = input->plain ? of_readings(incident, input) : watch_extent(incident, input, false);
    straddle(&incident->watch, input, extent);
    if (!stays(&input->of_most, reached->by_most, extent->most) ||
        !stays(&input->of_least, reached->by_least, extent->least) || reached->none)
        *reached = move(incident, input, *reached, extent, false);
}

/* In the windows of the past only what is counted differs from now. */
static void watch_past(struct incident *incident, size_t index)
{
    const struct input *input = &incident->rules->inputs[index];
    struct extent *extent = &incident->extents[2 * index + 1];
    *extent = incident->extents[2 * index];
    if (input->condition->kind == PLAN_GAUGE || input->condition->kind == PLAN_SIGN)
        return;
    *extent = watch_extent(incident, input, true);
    (void)move(incident, input, incident->watch.inputs[index], extent, true);
}

void watch_moves(struct incident *incident, bool late)
{
    for (size_t i = 0; i < incident->rules->input_count; i++)
        watch_now(incident, i);
    for (size_t i = 0; late && i < incident->rules->input_count; i++)
        watch_past(incident, i);
}
