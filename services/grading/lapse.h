/* When what holds would hold no more. */
#ifndef GRADING_LAPSE_H
#define GRADING_LAPSE_H

#include "judge.h"

#define LAPSE_NEVER INT64_MAX /* not by time alone */

/* The onset of a next report from which a condition that holds in the latest window holds no more
 * if that report, and any before it, tells nothing else. */
int64_t lapse_of(const struct incident *incident, const struct node *node, int level);
/* The same for the grade suggested now: when its last criterion has lapsed. */
int64_t lapse_of_suggested(const struct incident *incident);

#endif
