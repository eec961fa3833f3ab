/* Feeding grading: one incident, told report by report as reporting passes them on. */
#ifndef TESTS_GRADING_RIG_H
#define TESTS_GRADING_RIG_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"

#define INCIDENT "3303-cholera-20260101-1"
enum { LUCHENG = 0, LONGWAN = 1, OUHAI = 2 };
static const char *const COUNTIES[] = {"330302", "330303", "330304", "330327"};

struct rig {
    struct world world;
    const struct plan *plan;
    int64_t start_us;
    const char *incident, *hazard;
    bool opened;
    unsigned next_id;
    uint64_t sequence; /* of the report told last, as its own number */
};

static inline void rig_open(struct rig *rig, const char *incident, const char *hazard)
{
    *rig = (struct rig){.incident = incident, .hazard = hazard};
    world_open(&rig->world, &grading_class);
    rig->plan = sv_plans_current(sv_host_plans(sv_sim_host(rig->world.sim), false), "wenzhou-phe");
    assert_non_null(rig->plan);
    rig->start_us = sv_sim_now(rig->world.sim);
}

/* Another version of a plan, or another plan, from now on. */
static inline void rig_adopt(struct rig *rig, const char *path, const struct world_edit *edits,
                             size_t edit_count, const char *id)
{
    world_adopt(&rig->world, path, edits, edit_count);
    rig->plan = sv_plans_current(sv_host_plans(sv_sim_host(rig->world.sim), false), id);
}

static inline void rig_close(struct rig *rig)
{
    world_survives_snapshots(&rig->world, &grading_class);
    world_close(&rig->world);
}

/* One report, as reporting passes it on. */
struct telling {
    int county;       /* of COUNTIES, -1: the city */
    int64_t onset_us; /* since the start */
    double cases, deaths;
    const char *gauge;
    double reading;
    const char *place, *sign, *lifted, *id, *revises;
};

static inline size_t tell(struct rig *rig, struct telling telling)
{
    char id[24], topic[128], reporter[] = "330302.cdc";
    snprintf(id, sizeof id, "%u", ++rig->next_id);
    Liandong__V1__Measure measures[3], *list[3];
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    const char *names[] = {"cases", "deaths", telling.gauge};
    double values[] = {telling.cases, telling.deaths, telling.reading};
    for (size_t i = 0; i < 3; i++) {
        if (!names[i] || (i < 2 && values[i] == 0))
            continue;
        list[report.n_measures] = &measures[report.n_measures];
        liandong__v1__measure__init(list[report.n_measures]);
        list[report.n_measures]->measure = sv_borrow(names[i]);
        list[report.n_measures++]->value = values[i];
    }
    char *sign = sv_borrow(telling.sign), *lifted = sv_borrow(telling.lifted);
    report.measures = list;
    report.n_signs = telling.sign != NULL;
    report.signs = &sign;
    report.n_signs_lifted = telling.lifted != NULL;
    report.signs_lifted = &lifted;
    report.id = telling.id ? sv_borrow(telling.id) : id;
    report.revises = sv_borrow(telling.revises);
    report.place = sv_borrow(telling.place);
    report.area = sv_borrow(telling.county < 0 ? "3303" : COUNTIES[telling.county]);
    report.hazard = sv_borrow(rig->hazard);
    report.occurred_at_us = rig->start_us + telling.onset_us;
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(rig->incident);
    context.plan_hash = sv_borrow(rig->plan->hash);
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    message.context = &context;
    message.action = rig->opened ? LIANDONG__V1__INCIDENT__ACTION__JOINED
                                 : LIANDONG__V1__INCIDENT__ACTION__OPENED;
    message.area = sv_borrow("3303");
    message.hazard = sv_borrow(rig->hazard);
    message.report = &report;
    message.report_sequence = ++rig->sequence;
    message.reporter = reporter;
    rig->opened = true;
    snprintf(topic, sizeof topic, "incident/3303/%s", rig->incident);
    return world_publish(&rig->world, "reporting", topic, &message.base, 0);
}

static inline size_t designate(struct rig *rig, const char *unit, int level)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(rig->incident);
    context.author = sv_borrow(unit);
    Liandong__V1__Decision decision = LIANDONG__V1__DECISION__INIT;
    decision.context = &context;
    decision.act = LIANDONG__V1__DECISION__ACT__DESIGNATE;
    decision.level = (Liandong__V1__Level)level;
    snprintf(topic, sizeof topic, "decision/3303/%s/%s", rig->incident, unit);
    return world_publish(&rig->world, unit, topic, &decision.base, 0);
}

static inline const Liandong__V1__Grade *grade_after(const struct rig *rig, size_t index)
{
    return (const void *)world_after(&rig->world, index, SV_GRADE, 0);
}

/* The grade that the incident has now: the last one said. */
static inline const Liandong__V1__Grade *grade_now(const struct rig *rig)
{
    const Liandong__V1__Grade *last = NULL;
    for (size_t i = 0; i < rig->world.count; i++) {
        if (rig->world.all[i].family == SV_GRADE)
            last = (const void *)rig->world.all[i].message;
    }
    return last;
}

static inline const Liandong__V1__Warning *warning_after(const struct rig *rig, size_t index,
                                                         size_t n)
{
    return (const void *)world_after(&rig->world, index, SV_WARNING, n);
}

static inline void assert_grade(const struct rig *rig, int level, int suggested,
                                const char *section)
{
    const Liandong__V1__Grade *grade = grade_now(rig);
    assert_non_null(grade);
    assert_int_equal(grade->level, level);
    assert_int_equal(grade->suggested, suggested);
    if (section) {
        assert_true(grade->n_holding > 0);
        assert_string_equal(grade->holding[0]->section, section);
    } else {
        assert_int_equal(grade->n_holding, 0);
    }
}

#endif
