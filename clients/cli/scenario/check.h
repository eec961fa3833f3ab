/* Comparing an expectation with the picture. */
#ifndef SCENARIO_CHECK_H
#define SCENARIO_CHECK_H

#include "picture/picture.h"
#include "scenario.h"

struct check {
    const struct picture *picture;
    const struct picture_incident *incident; /* NULL: there is none */
    const uint64_t *published;               /* sequences of the step's events */
    size_t published_count;
    struct ld_buffer expected, found; /* texts for people, when it does not hold */
};

/* Does it hold? Otherwise expected and found say what. */
bool check_expectation(struct check *check, const struct scenario_expectation *expectation);
const char *check_name(enum scenario_kind kind); /* "grade", … as in the file */
/* Was every event of the step taken, with exactly one receipt? */
bool check_accepted(struct check *check);

#endif
