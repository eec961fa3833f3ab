/* Random workloads on a log, cut at every step. */
#ifndef LIANDONG_WORKLOAD_H
#define LIANDONG_WORKLOAD_H

#include "cuts.h"

/* Adds what was done to total's counters. Without threads all follows from the seed. */
void workload_run(uint64_t seed, bool threads, struct cuts *total);
/* Runs workloads, from LIANDONG_SEED (that one alone) or 1, until so many power cuts are done:
 * fifty times as many in the full run, a tenth under sanitizers. */
void workload_runs(uint64_t cuts_wanted, bool threads);

#endif
