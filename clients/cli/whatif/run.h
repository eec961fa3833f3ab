/*
 * What came into a log from outside, run through all cores in this process: as it was, or with
 * something changed: another plan, events left out, events added.
 */
#ifndef CLI_WHATIF_RUN_H
#define CLI_WHATIF_RUN_H

#include "replay/inputs.h"
#include "scenario/scenario.h"
#include "whatif/course.h"

struct whatif_range { /* of sequences in the log, both included */
    uint64_t from, until;
};
struct whatif_plan {
    const char *path;
    struct plan_bundle bundle;
    struct plan *plan;
    bool replaces; /* the log adopts the plan; else it is adopted first */
};
struct whatif_changes {
    struct whatif_plan *plans;
    size_t plan_count;
    const struct whatif_range *drops;
    size_t drop_count;
    uint64_t until;             /* nothing from outside behind this sequence; 0: all */
    const struct scenario *add; /* NULL: nothing */
};

/* changes NULL: as it was. The course is open and is ended. LD_OK, or why it cannot run. */
int whatif_run(const struct ld_context *context, const struct log_inputs *inputs,
               struct whatif_changes *changes, struct course *course,
               struct ld_error *error) LD_MUST_USE;

#endif
