/* What differs between two versions of a plan, to be shown. */
#ifndef CLI_PLAN_CHANGES_H
#define CLI_PLAN_CHANGES_H

#include "cli.h"
#include "plan/diff.h"

struct plan_version { /* borrowed */
    const struct plan_file *files;
    size_t count;
    const struct plan *plan; /* loaded from them */
};
struct plan_changes {
    const struct plan *old_plan, *new_plan; /* borrowed */
    struct plan_diff diff;
    struct plan_member_changes members;
};
/* LD_OK, or plan_diff_make's code: then there is nothing to free. */
int plan_changes_make(const struct plan_version *old_version,
                      const struct plan_version *new_version, struct plan_changes *changes,
                      struct ld_error *error) LD_MUST_USE;
void plan_changes_free(struct plan_changes *changes);
void plan_changes_print(const struct cli *cli, const struct plan_changes *changes);
json_t *plan_changes_json(const struct plan_changes *changes);

#endif
