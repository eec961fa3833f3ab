/* Random streams of reports about incidents of one hazard, and what grading said of them: what
 * test_grading_random.c tells and grading_compare.c compares. */
#ifndef TESTS_GRADING_STREAM_H
#define TESTS_GRADING_STREAM_H

#include "world.h"

#include "slow_grading.h"
#include "liandong/v1/grade.pb-c.h"

enum { STEPS = 48, INCIDENTS = 3, LEAVES_MAX = 256 };

struct counts { /* printed at the end */
    unsigned long streams, events, past, corrections, figures;
};
extern struct counts counts;

struct told { /* an incident, and what grading said of it last */
    struct slow slow;
    char id[80];
    bool open;
    const Liandong__V1__Grade *grade;
    const Liandong__V1__Warning *warning;
};
struct stream {
    struct world *world;
    const struct plan *plan;
    size_t hazard;
    unsigned seed, random;
    const struct plan_condition *leaves[LEAVES_MAX]; /* of criteria that concern the hazard */
    size_t leaf_count;
    struct told told[INCIDENTS];
    size_t opened, step, seen; /* seen: records of the world */
    char ids[STEPS][8];
};

/* After an event about this incident: what grading would say of it, and what it said last of all,
 * is as the slow one finds it. */
void compare(struct stream *stream, const struct told *told);

#endif
