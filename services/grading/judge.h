/* Which criteria hold for an incident, and what follows from that. */
#ifndef GRADING_JUDGE_H
#define GRADING_JUDGE_H

#include <math.h>
#include "incident.h"

#define NO_AREA UINT32_MAX

/* What a condition without children finds. */
struct reading {
    double value;
    int64_t to_us; /* end of the window, 0 if it has none */
    uint32_t area; /* where; NO_AREA: the city */
    bool holds;
};
/* late: in the windows that hold the late report just counted, else in the latest window. */
struct reading judge_read(const struct incident *incident, const struct node *node, int level,
                          bool late);

/* Is the area the city itself? */
bool judge_is_city(const struct incident *incident, size_t area);

/* Is the reading recent enough to count (mark may be NULL)? */
static inline bool judge_is_recent(const struct incident *incident,
                                   const struct plan_condition *condition, const struct mark *mark)
{
    return mark && (condition->window != PLAN_WINDOW_FIXED ||
                    mark->time_us > incident->as_of_us - condition->window_us);
}

/* What it is compared as. */
static inline double judge_rounded(const struct plan_condition *condition, double value)
{
    return condition->round_up ? ceil(value) : value;
}

/* Does the condition read this area? */
static inline bool judge_reads_area(const struct incident *incident,
                                    const struct plan_condition *condition, size_t area)
{
    if (condition->over == PLAN_OVER_CITY)
        return judge_is_city(incident, area);
    return condition->over == PLAN_OVER_ANY || incident->is_county[area];
}

/* The mean of the latest recent readings of all places; NaN if there are none. *to_us: when the
 * newest was taken. */
double judge_mean(const struct incident *incident, const struct plan_condition *condition,
                  size_t slot, int64_t *to_us);

struct changes {
    bool level, suggested, holding, counties, colour, warnings;
    int level_before, colour_before;
};
/* Judges anew because of an event and keeps the result in the incident; what changed since the last
 * time. */
struct changes judge(struct incident *incident, struct moment moment, bool late);
/* Does a condition, with all its parts, hold? As judge_read. */
bool judge_holds(const struct incident *incident, const struct node *node, int level, bool late);
/* The next graver level (colour) than the incident's that has criteria (for warnings); PLAN_NONE if
 * there is none. */
int judge_next_level(const struct incident *incident);
int judge_next_colour(const struct incident *incident);

#endif
