/*
 * The difference between two versions of a plan, for people to review and for programs.
 *
 * Compared are the files as trees, so nothing that a plan can say is missed: sections taken from a
 * general plan as if they stood in the plan's own file, entries by their ids, rules level by level,
 * lists of words as sets, durations by their length. Comments, quoting and order do not count, but
 * for the order of a procedure's steps.
 */
#ifndef LD_PLAN_DIFF_H
#define LD_PLAN_DIFF_H

#include "plan.h"

enum plan_change_kind { PLAN_ADDED, PLAN_REMOVED, PLAN_CHANGED };

/* No string is NULL. All belong to the difference. */
struct plan_change {
    enum plan_change_kind kind;
    const char *section;  /* of the file: "grading", "duties", …, "vocabulary/units" */
    const char *path;     /* what in it: "cholera-week-10 when any count(cases) at_least" */
    const char *cite;     /* section of the plan that the nearest entry comes from; "" if none */
    const char *old_text; /* the value in YAML's flow style; "" where there was none */
    const char *new_text;
    bool acts; /* changes what is done; false: only what is said (texts, readings, citations) */
};

struct plan_diff {
    struct plan_change *all; /* in the order of the format, then of the old version, then the new */
    size_t count;
    size_t acting; /* how many of them act */
    void *owner;
};

/* LD_OK, or LD_INVALID if a file is no YAML, with the file's name. */
int plan_diff_make(const struct plan_file *old_files, size_t old_count,
                   const struct plan_file *new_files, size_t new_count, struct plan_diff *diff,
                   struct ld_error *error) LD_MUST_USE;
void plan_diff_free(struct plan_diff *diff);

/* What that means for one unit: the duties that it may have, in rows, groups and measures. */
struct plan_member_change {
    const char *unit;
    bool joined, left;         /* it had none before; it has none any more */
    const char *gained, *lost; /* ids of duties, with blanks between */
    size_t gained_count, lost_count;
};
struct plan_member_changes { /* in the old version's order of units, then the new one's */
    struct plan_member_change *all;
    size_t count;
    void *owner;
};
void plan_diff_members(const struct plan *old_plan, const struct plan *new_plan,
                       struct plan_member_changes *changes);
void plan_diff_members_free(struct plan_member_changes *changes);

#endif
