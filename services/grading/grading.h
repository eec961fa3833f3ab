/* What grading can be asked beside what it says by itself. */
#ifndef GRADING_GRADING_H
#define GRADING_GRADING_H

#include "common/core.h"
#include "liandong/v1/grade.pb-c.h"

/* What grading would say of an open incident now, whether it has changed or not: causation is 0,
 * previous is as it is. The messages' parts live in the arena and borrow from core and plan: valid
 * until the core's next event. false: no such incident, or it is closed. */
bool grading_explain(const struct sv_core *core, const char *incident, struct ld_arena *arena,
                     Liandong__V1__Grade *grade, Liandong__V1__Warning *warning);

#endif
