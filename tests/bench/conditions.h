/* Forty conditions and the reports that they are tried on, the same for every engine. */
#ifndef LIANDONG_BENCH_CONDITIONS_H
#define LIANDONG_BENCH_CONDITIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { RULES = 40, RULE_CONDITIONS = 3, RULE_FIELDS = 15, RULE_REPORTS = 20000 };

struct comparison {
    unsigned field;
    bool above; /* at least the bound; else at most */
    int bound;
};
struct numbered_rule { /* holds if all its conditions do */
    int level;
    struct comparison all[RULE_CONDITIONS];
};
struct rule_set {
    struct numbered_rule rules[RULES];
    int figures[RULE_REPORTS][RULE_FIELDS];
};

/* CLIPS: seconds for all reports, 0 if it was not built in; *held: conditions that held. */
double rules_clips(const struct rule_set *set, size_t *held);

#endif
