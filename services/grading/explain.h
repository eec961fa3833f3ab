/* The reason for a grade or a colour, as messages in an arena. */
#ifndef GRADING_EXPLAIN_H
#define GRADING_EXPLAIN_H

#include "judge.h"
#include "liandong/v1/grade.pb-c.h"

enum explain_part {
    EXPLAIN_HOLDING,       /* grading criteria that hold */
    EXPLAIN_MISSING,       /* those of the next grade up */
    EXPLAIN_WARNING,       /* warning criteria that hold */
    EXPLAIN_MISSING_COLOUR /* those of the next colour up */
};
Liandong__V1__Criterion **explain(struct ld_arena *arena, const struct incident *incident,
                                  enum explain_part part, size_t *count);
/* All of a message but its context and what was before. */
void explain_grade(struct ld_arena *arena, const struct incident *incident,
                   Liandong__V1__Grade *grade);
void explain_warning(struct ld_arena *arena, const struct incident *incident,
                     Liandong__V1__Warning *warning);

#endif
