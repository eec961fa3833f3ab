/* Warnings that a plan issues as one: those of its incidents in one city that are in force at once,
 * at the gravest colour. */
#ifndef GRADING_MERGE_H
#define GRADING_MERGE_H

#include "incident.h"
#include "liandong/v1/grade.pb-c.h"

enum { MERGED_MAX = 64 }; /* other incidents that a warning names */

struct merge { /* borrowed: every incident of grading, NULL where one is closed */
    struct incident *const *all;
    size_t count;
};

/* Is it an incident of the plan (of any version) and the city? */
bool merge_includes(const struct incident *incident, const struct plan *plan, const char *city);
/* The colour of all of them; PLAN_NONE: none is in force. */
int merge_colour(struct merge merge, const struct plan *plan, const char *city);
/* Fills in what an incident's warning says of the others. */
void merge_explain(struct merge merge, struct ld_arena *arena, const struct incident *incident,
                   Liandong__V1__Warning *warning);

#endif
