/* Inside reporting's clocks: what can be done with one run (runs.c). */
#ifndef REPORTING_RUNS_H
#define REPORTING_RUNS_H

#include "liandong/v1/common.pb-c.h"
#include "reporting.h"

enum { TIMER_WARN, TIMER_DUE, TIMER_NEXT };

const struct plan_clock *run_clock(const struct sv_core *core, const struct run *run);
void run_tell(const struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
              const struct run *run, Liandong__V1__Clock__State state, int64_t met_us);

/* Does the clock run for each affected county? Else for the city. */
bool run_per_county(const struct plan_clock *clock);
struct run *run_find(struct sv_core *core, const struct incident *incident, size_t clock,
                     size_t area, size_t unit);

struct debtors { /* words of units; one NOTHING: any of the clock's */
    size_t *all;
    size_t count;
};
/* In the order in which the plan names them. */
struct debtors run_debtors(struct sv_core *core, struct sv_outputs *out, const struct plan *plan,
                           const struct plan_clock *clock, size_t area);

/* Moves all runs: pointers to others end here. */
struct run *run_add(struct sv_core *core, struct run run);
void run_timer(struct sv_core *core, const struct run *run, int64_t due_us, int what);
int64_t run_warn_us(const struct sv_core *core, const struct run *run);
/* From started_us to due_us, which are set. */
void run_start(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
               struct run *run);
void run_cancel(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                struct run *run);

#endif
