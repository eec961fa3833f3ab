/* Reports and decisions as agencies publish them, for what is measured on a bus. */
#ifndef LIANDONG_BENCH_ACTING_H
#define LIANDONG_BENCH_ACTING_H

#include <liandong.h>
#include "plan/plan.h"

/* A hazard of which each first report opens an incident of its own. */
#define ACTING_HAZARD "poisoning.occupational"

struct acting_report {
    const char *unit; /* who reports */
    const char *county;
    const char *id;
    const char *incident; /* NULL: a new one */
    const char *measure;
    double value;
    int64_t time_us;
};

/* published and data as of ld_publish. What cannot be published ends the program. */
void acting_report(struct ld_producer *producer, const struct acting_report *report);
void acting_decide(struct ld_producer *producer, const char *unit, const char *city,
                   const char *incident, int act); /* PLAN_PROPOSE, …: at level II */

/* How many orders a response at level II gives for the hazard in the county. */
size_t acting_orders(const struct plan *plan, const char *county);
/* Dies if the plan cannot be read. */
struct plan *acting_plan(const char *path);

#endif
