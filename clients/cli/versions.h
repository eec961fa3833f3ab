/* The versions of plans that a log has: each hash once, in order of first adoption. One that is
 * adopted again, after another, is in force again. */
#ifndef CLI_VERSIONS_H
#define CLI_VERSIONS_H

#include <liandong/record.h>

#include "cli.h"
#include "liandong/v1/plan.pb-c.h"
#include "plan/plan.h"

struct version {
    Liandong__V1__PlanAdoption *adoption;
    char hash[PLAN_HASH_HEX + 1]; /* of the bundle itself */
    uint64_t sequence;            /* first adopted by this event */
    int64_t time_us;
    uint64_t last; /* sequence of the event that adopted it last */
    size_t adoptions;
    bool actual; /* not only in an exercise */
};
struct versions {
    struct version *all;
    size_t count, capacity;
};

/* Reads the log in a folder, or the bus (directory NULL). */
int versions_read(const struct cli *cli, const char *directory, struct versions *versions,
                  struct ld_error *error) LD_MUST_USE;
void versions_free(struct versions *versions);

/* Is it the one of its plan that was adopted last? */
bool versions_in_force(const struct versions *versions, const struct version *version);
/* A version by the beginning of its hash (8 digits at least), or by the plan's id: the one in
 * force, or with "~n" behind it the n-th before that. LD_INVALID with what there is. */
int versions_find(const struct versions *versions, const char *name, const struct version **found,
                  struct ld_error *error) LD_MUST_USE;
/* Its files, in an array of *count that is the caller's; the contents are the version's. */
struct plan_file *version_files(const struct version *version, size_t *count);

#endif
