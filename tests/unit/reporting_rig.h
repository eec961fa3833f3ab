/* Feeding reporting: reports with one thing wrong at a time, grades and responses. */
#ifndef TESTS_REPORTING_RIG_H
#define TESTS_REPORTING_RIG_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"

extern const struct sv_class reporting_class;

/* A report that is fine; tests change what they are about. */
struct filing {
    const char *unit, *author, *area, *hazard, *topic;
    const char *id, *incident, *revises, *place, *channel, *sign, *lifted, *measure, *measure2;
    int kind, means;
    double value;
    int64_t occurred_us, received_us; /* relative to now */
    bool no_onset;
    size_t narrative_size;
    uint16_t flags;
};

static inline struct filing filing(void)
{
    static unsigned next;
    static char ids[4096][12];
    char *id = ids[next++ % 4096];
    snprintf(id, sizeof ids[0], "n%u", next);
    return (struct filing){.unit = "330302.health",
                           .area = "330302",
                           .hazard = "cholera",
                           .id = id,
                           .measure = "cases",
                           .value = 1,
                           .kind = LIANDONG__V1__REPORT__KIND__INITIAL,
                           .means = LIANDONG__V1__REPORT__MEANS__WRITTEN};
}

static inline size_t file(struct world *world, struct filing f)
{
    char topic[256];
    int64_t now_us = sv_sim_now(world->sim);
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.author = sv_borrow(f.author ? f.author : f.unit);
    context.incident = sv_borrow(f.incident);
    Liandong__V1__Measure measures[2] = {LIANDONG__V1__MEASURE__INIT, LIANDONG__V1__MEASURE__INIT};
    Liandong__V1__Measure *list[2] = {&measures[0], &measures[1]};
    measures[0].measure = sv_borrow(f.measure);
    measures[0].value = measures[1].value = f.value;
    measures[1].measure = sv_borrow(f.measure2);
    char *sign = sv_borrow(f.sign), *lifted = sv_borrow(f.lifted);
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    report.context = &context;
    report.id = sv_borrow(f.id);
    report.kind = (Liandong__V1__Report__Kind)f.kind;
    report.means = (Liandong__V1__Report__Means)f.means;
    report.area = sv_borrow(f.area);
    report.hazard = sv_borrow(f.hazard);
    report.place = sv_borrow(f.place);
    report.occurred_at_us = f.no_onset ? 0 : now_us + f.occurred_us;
    report.received_at_us = now_us + f.received_us;
    report.n_measures = (f.measure ? 1u : 0u) + (f.measure2 ? 1u : 0u);
    report.measures = list;
    report.n_signs = f.sign != NULL;
    report.signs = &sign;
    report.n_signs_lifted = f.lifted != NULL;
    report.signs_lifted = &lifted;
    report.revises = sv_borrow(f.revises);
    report.channel = sv_borrow(f.channel);
    char *narrative = calloc(1, f.narrative_size + 1);
    assert_non_null(narrative);
    memset(narrative, 'x', f.narrative_size);
    report.narrative = narrative;
    snprintf(topic, sizeof topic, "report/%s/%s/%s", f.area, f.hazard, f.unit);
    size_t index = world_publish(world, f.unit, f.topic ? f.topic : topic, &report.base, f.flags);
    free(narrative);
    return index;
}

/* Grade and response events, as grading and command publish them. */
static inline size_t graded(struct world *world, const char *incident, int level, uint64_t report)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    Liandong__V1__Criterion criterion = LIANDONG__V1__CRITERION__INIT, *list = &criterion;
    criterion.level = (Liandong__V1__Level)level;
    criterion.n_reports = 1;
    criterion.reports = &report;
    Liandong__V1__Grade grade = LIANDONG__V1__GRADE__INIT;
    grade.context = &context;
    grade.level = (Liandong__V1__Level)level;
    grade.n_holding = 1;
    grade.holding = &list;
    snprintf(topic, sizeof topic, "grade/3303/%s", incident);
    return world_publish(world, "grading", topic, &grade.base, 0);
}

static inline size_t warned(struct world *world, const char *incident, int level, uint64_t report)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    Liandong__V1__Criterion criterion = LIANDONG__V1__CRITERION__INIT, *list = &criterion;
    criterion.level = (Liandong__V1__Level)level;
    criterion.n_reports = 1;
    criterion.reports = &report;
    Liandong__V1__Warning warning = LIANDONG__V1__WARNING__INIT;
    warning.context = &context;
    warning.state = LIANDONG__V1__WARNING__STATE__SUGGESTED;
    warning.level = (Liandong__V1__Level)level;
    warning.n_holding = 1;
    warning.holding = &list;
    snprintf(topic, sizeof topic, "warning/3303/%s", incident);
    return world_publish(world, "grading", topic, &warning.base, 0);
}

static inline size_t responded(struct world *world, const char *incident, int level)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    response.context = &context;
    response.area = sv_borrow("3303");
    response.in_force = (Liandong__V1__Level)level;
    response.state =
        level ? LIANDONG__V1__RESPONSE__STATE__ACTIVE : LIANDONG__V1__RESPONSE__STATE__TERMINATED;
    snprintf(topic, sizeof topic, "response/3303/%s", incident);
    return world_publish(world, "command", topic, &response.base, 0);
}

static inline const Liandong__V1__Receipt *receipt_after(const struct world *world, size_t index)
{
    assert_int_equal(world_count_after(world, index, SV_RECEIPT), 1);
    return (const void *)world_after(world, index, SV_RECEIPT, 0);
}

static inline const Liandong__V1__Incident *incident_after(const struct world *world, size_t index,
                                                           size_t n)
{
    return (const void *)world_after(world, index, SV_INCIDENT, n);
}

static inline const char *accepted(struct world *world, struct filing f)
{
    size_t index = file(world, f);
    const Liandong__V1__Receipt *receipt = receipt_after(world, index);
    if (!receipt->accepted)
        fail_msg("refused: %s: %s", receipt->code, receipt->reason->en);
    return receipt->context->incident;
}

/* Refused with the code, and nothing else follows; both texts are there. */
static inline const Liandong__V1__Receipt *refused(struct world *world, struct filing f,
                                                   const char *code)
{
    size_t index = file(world, f);
    const Liandong__V1__Receipt *receipt = receipt_after(world, index);
    assert_false(receipt->accepted);
    assert_string_equal(receipt->code, code);
    assert_true(strlen(receipt->reason->zh) > 10 && strlen(receipt->reason->en) > 10);
    assert_int_equal(receipt->context->causation, world->all[index].record.sequence);
    assert_int_equal(world->count, index + 2);
    return receipt;
}

#endif
