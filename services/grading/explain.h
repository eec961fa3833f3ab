/* The reason for a grade or a colour, as messages in the outputs' arena. */
#ifndef GRADING_EXPLAIN_H
#define GRADING_EXPLAIN_H

#include "judge.h"
#include "liandong/v1/grade.pb-c.h"

enum explain_part {
    EXPLAIN_HOLDING, /* grading criteria that hold */
    EXPLAIN_MISSING, /* those of the next grade up */
    EXPLAIN_WARNING  /* warning criteria that hold */
};
Liandong__V1__Criterion **explain(struct sv_outputs *out, const struct incident *incident,
                                  enum explain_part part, size_t *count);
/* Codes of the counties affected, in order of appearance. */
char **explain_counties(struct sv_outputs *out, const struct incident *incident, size_t *count);

#endif
