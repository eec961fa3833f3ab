/*
 * Judging: a rule that the latest report may have changed (watch.h) is evaluated in the latest
 * window and, after a late report, once more in the windows of the past that hold it. Conditions
 * need not see every area: the least and the greatest figure of what they read, found once for each
 * report, decide nearly all. The grade is the gravest that ever held; what is suggested is the
 * gravest that holds in the latest window.
 */
#include "judge.h"

#include <math.h>
#include <string.h>

/* ---- conditions without children ---- */

static struct reading of_figure(const struct figure *figure, uint32_t area,
                                const struct plan_bounds *bounds)
{
    return (struct reading){figure->value, figure->to_us, area,
                            plan_bounds_hold(bounds, figure->value)};
}

static bool better(const struct reading *a, const struct reading *b)
{
    return a->holds != b->holds ? a->holds : a->value > b->value;
}

/* The county with most, of those that meet the bounds or of all; NO_AREA if there is none. */
static struct reading county_with_most(const struct incident *incident, const struct tally *tally,
                                       const struct plan_bounds *bounds)
{
    struct reading most = {.to_us = incident->as_of_us, .area = NO_AREA};
    for (uint32_t area = 0; area < incident->areas.count; area++) {
        double sum = tally_sum(tally, area);
        bool more = incident->is_county[area] && (most.area == NO_AREA || sum > most.value);
        if (more && (!bounds || plan_bounds_hold(bounds, sum))) {
            most.area = area;
            most.value = sum;
        }
    }
    return most;
}

/* If the one with most does not meet the bounds, another can only if they end above. */
static struct reading in_counties(const struct incident *incident, const struct tally *tally,
                                  const struct plan_bounds *bounds)
{
    struct reading most = county_with_most(incident, tally, NULL);
    most.holds = most.area != NO_AREA && plan_bounds_hold(bounds, most.value);
    if (most.holds || !bounds->has_high)
        return most;
    struct reading within = county_with_most(incident, tally, bounds);
    within.holds = within.area != NO_AREA;
    return within.holds ? within : most;
}

static struct reading read_count(const struct incident *incident, const struct node *node,
                                 bool late)
{
    const struct tally *tally = &incident->tallies[node->slot];
    const struct plan_condition *condition = node->condition;
    if (!late && condition->over == PLAN_OVER_COUNTY)
        return in_counties(incident, tally, &condition->bounds);
    if (late && condition->over == PLAN_OVER_COUNTY) {
        struct reading reading = of_figure(&incident_late(incident, node->slot)->area,
                                           incident->late_area, &condition->bounds);
        reading.holds = reading.holds && incident->is_county[incident->late_area];
        return reading;
    }
    struct figure now = {tally->total, incident->as_of_us};
    return of_figure(late ? &incident_late(incident, node->slot)->total : &now, NO_AREA,
                     &condition->bounds);
}

static struct reading read_distinct(const struct incident *incident, const struct node *node,
                                    bool late)
{
    const struct tally *tally = &incident->tallies[node->slot];
    bool places = node->condition->kind == PLAN_PLACES;
    struct figure figure = {(double)(places ? tally->places : tally->areas), incident->as_of_us};
    if (late) {
        const struct figures *past = incident_late(incident, node->slot);
        figure = places ? past->places : past->areas;
    }
    return of_figure(&figure, NO_AREA, &node->condition->bounds);
}

/* ---- readings ---- */

static struct reading of_mark(const struct mark *mark, const struct plan_condition *condition)
{
    double value = judge_rounded(condition, mark->value);
    return (struct reading){value, mark->time_us, mark->area,
                            plan_bounds_hold(&condition->bounds, value)};
}

bool judge_is_city(const struct incident *incident, size_t area)
{
    return strcmp(sv_names_text(&incident->areas, area), incident->city) == 0;
}

/* The best of the latest readings of the areas that count. */
static struct reading best_reading(const struct incident *incident, const struct node *node)
{
    const struct plan_condition *condition = node->condition;
    struct reading best = {.area = NO_AREA};
    for (uint32_t area = 0; area < incident->areas.count; area++) {
        const struct mark *mark = readings_in_area(&incident->readings, node->slot, area);
        if (!judge_is_recent(incident, condition, mark) ||
            !judge_reads_area(incident, condition, area))
            continue;
        struct reading reading = of_mark(mark, condition);
        if (best.area == NO_AREA || better(&reading, &best))
            best = reading;
    }
    return best;
}

double judge_mean(const struct incident *incident, const struct plan_condition *condition,
                  size_t slot, int64_t *to_us)
{
    double sum = 0, count = 0;
    for (size_t place = 0; place < incident->places.count; place++) {
        const struct mark *mark = readings_at_place(&incident->readings, slot, place);
        if (!judge_is_recent(incident, condition, mark))
            continue;
        sum += mark->value;
        *to_us = count++ == 0 || mark->time_us > *to_us ? mark->time_us : *to_us;
    }
    return count > 0 ? judge_rounded(condition, sum / count) : NAN;
}

static struct reading mean_reading(const struct incident *incident, const struct node *node)
{
    struct reading mean = {.area = NO_AREA};
    double value = judge_mean(incident, node->condition, node->slot, &mean.to_us);
    if (!isnan(value)) {
        mean.value = value;
        mean.holds = plan_bounds_hold(&node->condition->bounds, value);
    }
    return mean;
}

/* ---- facts ---- */

static struct reading read_sign(const struct incident *incident, const struct node *node)
{
    struct reading reading = {.area = NO_AREA};
    for (size_t i = 0; i < incident->standing_count; i++) {
        if (incident->standing[i].sign == node->condition->sign)
            reading = (struct reading){1, 0, incident->standing[i].area, true};
    }
    return reading;
}

static bool may_designate(const struct plan_condition *condition, size_t unit)
{
    for (size_t i = 0; i < condition->unit_count; i++) {
        if (condition->units[i] == unit)
            return true;
    }
    return false;
}

static struct reading read_designation(const struct incident *incident, const struct node *node,
                                       int level)
{
    struct reading reading = {.area = NO_AREA};
    for (size_t i = 0; i < incident->designation_count; i++) {
        const struct designation *designation = &incident->designations[i];
        if (designation->level == level && may_designate(node->condition, designation->unit))
            reading = (struct reading){1, 0, NO_AREA, true};
    }
    return reading;
}

struct reading judge_read(const struct incident *incident, const struct node *node, int level,
                          bool late)
{
    switch (node->condition->kind) {
    case PLAN_COUNT:
        return read_count(incident, node, late);
    case PLAN_AREAS:
    case PLAN_PLACES:
        return read_distinct(incident, node, late);
    case PLAN_GAUGE:
        return node->condition->over == PLAN_OVER_MEAN ? mean_reading(incident, node)
                                                       : best_reading(incident, node);
    case PLAN_SIGN:
        return read_sign(incident, node);
    case PLAN_DESIGNATED:
        return read_designation(incident, node, level);
    default:
        return (struct reading){.area = NO_AREA};
    }
}

/* ---- rules ---- */

/* Some area below and some above say nothing of those between. */
static bool leaf_holds(const struct incident *incident, const struct node *node, int level,
                       bool late)
{
    if (node->kind == PLAN_DESIGNATED)
        return read_designation(incident, node, level).holds;
    const struct extent *extent = &incident->extents[2 * node->input + late];
    if (!(extent->most >= node->low && extent->least <= node->high))
        return false;
    return extent->least >= node->low || extent->most <= node->high ||
           judge_read(incident, node, level, late).holds;
}

bool judge_holds(const struct incident *incident, const struct node *node, int level, bool late)
{
    const struct node *children = incident->rules->nodes + node->first_child;
    enum plan_condition_kind kind = node->kind;
    if (node->child_count == 0 && kind != PLAN_ALL && kind != PLAN_ANY)
        return leaf_holds(incident, node, level, late);
    if (kind == PLAN_NOT)
        return !judge_holds(incident, children, level, late);
    for (size_t i = 0; i < node->child_count; i++) {
        if (judge_holds(incident, &children[i], level, late) == (kind == PLAN_ANY))
            return kind == PLAN_ANY;
    }
    return kind == PLAN_ALL;
}

/* Does it hold, now or in the windows that hold the late report? True if that is news. */
static bool judge_rule(struct incident *incident, size_t index, struct moment moment, bool late,
                       struct changes *changes)
{
    const struct rule *rule = &incident->rules->all[index];
    const struct node *root = &incident->rules->nodes[rule->root];
    struct verdict *verdict = &incident->verdicts[index], before = *verdict;
    int level = rule->criterion->level;
    verdict->now = judge_holds(incident, root, level, false);
    verdict->late = !verdict->now && late && judge_holds(incident, root, level, true);
    verdict->holds = verdict->now || verdict->late;
    if (verdict->holds != before.holds) {
        bool warning = index >= incident->rules->grading_count;
        *(warning ? &changes->warnings : &changes->holding) = true;
        verdict->since = moment; /* means nothing where it does not hold */
    }
    return verdict->holds != before.holds || verdict->now != before.now;
}

/* What follows from all verdicts together. */
static void conclude(struct incident *incident, struct moment moment, struct changes *changes)
{
    int ever = incident->level, latest = PLAN_NONE, colour = PLAN_NONE;
    for (size_t i = 0; i < incident->rules->count; i++) {
        const struct verdict *verdict = &incident->verdicts[i];
        int level = incident->rules->all[i].criterion->level;
        bool warning = i >= incident->rules->grading_count;
        if (warning && verdict->holds)
            colour = plan_level_graver(colour, level);
        if (!warning && verdict->holds)
            ever = plan_level_graver(ever, level);
        if (!warning && verdict->now)
            latest = plan_level_graver(latest, level);
    }
    if (incident->plan->warning_from_grade)
        colour = ever;
    changes->level = ever != incident->level;
    changes->suggested = latest != incident->suggested;
    changes->colour = colour != incident->colour;
    if (changes->level)
        incident->level_since = moment;
    if (changes->colour)
        incident->colour_since = moment;
    incident->level = ever;
    incident->suggested = latest;
    incident->colour = colour;
}

struct changes judge(struct incident *incident, struct moment moment, bool late)
{
    struct changes changes = {.level_before = incident->level, .colour_before = incident->colour};
    struct watch *watch = &incident->watch;
    bool news = false;
    watch_moves(incident, late);
    for (size_t i = 0; i < watch->stale_count; i++)
        news |= judge_rule(incident, watch->stale[i], moment, late, &changes);
    if (news)
        conclude(incident, moment, &changes);
    watch_settle(incident);
    changes.counties = incident->county_count != incident->counties_told;
    incident->counties_told = incident->county_count;
    return changes;
}

/* The least grave level above this one among rules [from, to). */
static int next_above(const struct incident *incident, int level, size_t from, size_t to)
{
    int next = PLAN_NONE;
    for (size_t i = from; i < to; i++) {
        int at = incident->rules->all[i].criterion->level;
        bool above = level == PLAN_NONE || at < level;
        if (above && at > next)
            next = at;
    }
    return next;
}

int judge_next_level(const struct incident *incident)
{
    return next_above(incident, incident->level, 0, incident->rules->grading_count);
}

int judge_next_colour(const struct incident *incident)
{
    const struct rules *rules = incident->rules;
    return next_above(incident, incident->colour, rules->grading_count, rules->count);
}
