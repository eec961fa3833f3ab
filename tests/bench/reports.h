/* Streams of reports as a city makes them, for what is measured without a bus. */
#ifndef LIANDONG_BENCH_REPORTS_H
#define LIANDONG_BENCH_REPORTS_H

#include "common/sim.h"

struct shape { /* of a stream of reports */
    const char *name;
    unsigned late_percent, corrected_percent, counties;
    const char *hazard;
    double target; /* events/s, 0: none */
};

void reports_adopt(struct sv_sim *sim); /* the plan that they fall under */
/* The number-th report (from 1), now; late ones up to a day. *random is moved on. */
void reports_publish(struct sv_sim *sim, const struct shape *shape, unsigned *random,
                     size_t number);

#endif
