/*
 * Rules: the criteria of a plan that concern one hazard, prepared for counting. Made once for each
 * plan and hazard, at first use, so that a report costs the same however many criteria there are
 * for other hazards.
 */
#ifndef GRADING_RULES_H
#define GRADING_RULES_H

#include "common/core.h"

#define GRADING_ALL_TIME INT64_MAX /* a window since the incident was opened */

struct node {         /* a condition; its children stand together, behind it */
    double low, high; /* its bounds, both closed; infinite where there is none */
    enum plan_condition_kind kind;
    uint32_t input; /* of rules.inputs: what it compares; unless it has children or is designated */
    size_t first_child, child_count;
    size_t slot; /* of rules.tallies (count, areas, places) or rules.measures (gauge) */
    const struct plan_condition *condition;
};
struct bound { /* a condition changes where the most (the least) of an input gets to this or below
                */
    double at;
    uint32_t rule; /* of rules.all: whose condition */
    int helps;     /* to hold, where it is reached: 1; where it is not: -1; 0: no telling */
};
struct bounds {
    struct bound *all; /* ascending, between two that no number passes: -infinity and infinity */
    size_t count;      /* without these two */
};
struct range { /* of a condition between two bounds */
    double low, high;
    uint32_t rule; /* of rules.all */
};
struct input { /* what conditions compare, perhaps several with bounds of their own */
    const struct plan_condition *condition; /* one of them */
    size_t slot;
    bool plain; /* readings of each county as they are, of any age */
    struct bounds of_most, of_least;
    struct range *ranges;
    size_t range_count;
    uint32_t *readers; /* of rules.all: whose conditions it is compared by */
    size_t reader_count;
};
struct tally_kind { /* a measure counted in a window */
    size_t measure; /* of rules.measures */
    int64_t window_us;
    bool places; /* distinct places are asked for */
};
struct rule {
    uint32_t root;    /* of rules.nodes */
    uint32_t all_met; /* it holds when so many of its conditions are met; 0: that does not tell */
    const struct plan_criterion *criterion;
};
struct rules {
    const struct plan *plan;
    size_t hazard;    /* of plan.hazards */
    struct rule *all; /* of grading, gravest first; then those of warnings */
    size_t grading_count, count;
    struct node *nodes;
    size_t node_count;
    struct input *inputs;
    size_t input_count;
    struct tally_kind *tallies;
    size_t tally_count;
    size_t *measures; /* of plan.measures: all that are counted or read */
    size_t measure_count;
    bool places;          /* distinct places are asked for, or a mean over them */
    int *slot_of_measure; /* by plan's measure: index of rules.measures, -1 if never asked for */
};

struct rules *rules_make(const struct plan *plan, size_t hazard);
void rules_free(struct rules *rules);

#endif
