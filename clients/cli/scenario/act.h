/* What a step does on the bus. */
#ifndef SCENARIO_ACT_H
#define SCENARIO_ACT_H

#include "run.h"

struct scenario_run {
    const struct scenario *scenario;
    const struct scenario_options *options;
    struct scenario_result *result;
    struct picture picture;
    struct picture_incident *incident; /* the newest that this run opened; NULL: none yet */
    uint64_t *published;               /* by the step under way */
    size_t published_count, published_capacity;
    struct scenario_said { /* a decision that has an id, in order of being published */
        const char *id;
        uint64_t sequence;
    } * said;
    size_t said_count, said_capacity;
    bool nothing_to_do;    /* a reply that no order fits */
    struct ld_arena arena; /* of the step under way */
};

int act_step(struct scenario_run *run, const struct scenario_step *step,
             struct ld_error *error) LD_MUST_USE;

#endif
