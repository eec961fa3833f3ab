/*
 * Grading once more, slowly: nothing is kept but the list of what was told of an incident, and
 * every figure is counted anew from it, as "How the plans' words are to be read" has it. Shares
 * nothing with services/grading but the loaded plan.
 */
#ifndef TESTS_SLOW_GRADING_H
#define TESTS_SLOW_GRADING_H

#include <stdbool.h>
#include <stddef.h>
#include "plan/plan.h"

enum { SLOW_REPORTS = 96, SLOW_MEASURES = 4, SLOW_CRITERIA = 128 };

struct slow_report {
    const char *reporter, *id, *revises, *area, *place; /* revises: "" if nothing */
    int64_t onset_us;
    struct {
        const char *id;
        double value;
    } measures[SLOW_MEASURES];
    size_t measure_count;
    const char *sign, *lifted; /* NULL: none */
};
struct slow {
    const struct plan *plan;
    size_t hazard;
    const char *city;
    struct slow_report reports[SLOW_REPORTS]; /* as told */
    bool replaced[SLOW_REPORTS];              /* by a later one, when judged last */
    size_t report_count;
    struct {
        const char *unit;
        int level;
    } designations[SLOW_REPORTS];
    size_t designation_count;
    int level, suggested, colour;
    /* By plan.criteria, then plan.warnings: what slow_judge found; past: only in windows that hold
     * the late report just told. */
    bool concerned[SLOW_CRITERIA], holds[SLOW_CRITERIA], past[SLOW_CRITERIA];
};

/* What a condition without parts finds. */
struct slow_figure {
    double value;
    bool holds;
};

/* The criterion with this number, counted through criteria and warnings. */
const struct plan_criterion *slow_criterion(const struct plan *plan, size_t number);
size_t slow_criteria(const struct plan *plan);
/* Judges anew; told: the last report has just been told (else a designation has). */
void slow_judge(struct slow *slow, bool told);
struct slow_figure slow_figure_of(const struct slow *slow, const struct plan_condition *condition,
                                  int level, bool past);
/* Is the area a county of the vocabulary? */
bool slow_is_county(const struct slow *slow, const char *area);

#endif
