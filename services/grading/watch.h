/*
 * Which rules of an incident the latest report may have changed. A rule changes only where one of
 * the numbers that its conditions compare passes a bound; most reports move none so far. So a
 * report costs what its numbers cost, not what the criteria do.
 */
#ifndef GRADING_WATCH_H
#define GRADING_WATCH_H

#include "rules.h"

struct incident;

struct extent {         /* of what an input's conditions compare */
    double least, most; /* one number, or those of all areas that count; NaN: none */
};
struct reached { /* how many of an input's bounds are reached; without a number none, and all */
    size_t by_most, by_least;
    bool none; /* there is no number */
};
struct watch {
    struct reached *inputs; /* by rules.inputs */
    uint32_t *stale;        /* of rules.all: to be judged anew */
    size_t stale_count;
    bool *is_stale; /* by rules.all */
    uint32_t *met;  /* by rules.all: how many of its conditions are, as long as it has all_met */
};

void watch_open(struct watch *watch, const struct rules *rules);
void watch_free(struct watch *watch);
/* Every rule is stale: something else than a report has changed. */
void watch_all(struct watch *watch, const struct rules *rules);
/* Adds the rules that the latest report may have changed; late: in the windows that hold it, too.
 */
void watch_moves(struct incident *incident, bool late);
/* All have been judged: none is stale but those that hold only for this late report. */
void watch_settle(struct incident *incident);

/* Of the latest window, or the windows that hold the late report. */
struct extent watch_extent(const struct incident *incident, const struct input *input, bool late);

#endif
