/*
 * Which incident a report counts for: reporting and grading together against a list. An epidemic
 * adds up in its city, an accident counts by itself, a correction goes where the report went that
 * it replaces, a named incident must be of the same hazard and city, and what is refused counts
 * nowhere. Random reports about both cities; after each, grade, suggestion, colour and all that
 * holds are as the slow grading (slow_grading.h) finds them in the list.
 *
 * LIANDONG_SEED=n runs that seed alone; LIANDONG_TESTS=full runs 200.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "grading/grading.h"
#include "slow_grading.h"
#include "timefmt.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"

enum { REPORTS = 600, GROUPS = 400, RECENT = 12 };

struct candidate { /* a report before it is known whether it is taken */
    struct slow_report report;
    const char *hazard, *city, *named; /* named: an incident, "" if none */
    bool final;
};
struct group { /* an incident as it should be */
    struct slow slow;
    char id[80];
    bool open;
};
struct accepted {
    size_t group;
    bool revised;
    const char *reporter;
};
struct pipeline {
    struct world world;
    unsigned random;
    struct group *groups;
    size_t group_count;
    struct accepted accepted[REPORTS]; /* by number of the report; reporter NULL: refused */
    struct candidate told[REPORTS];
    char ids[REPORTS][8];
    size_t count, joined, refused;
};
enum { REFUSED = -1, OPENS = -2 };

static unsigned chance(struct pipeline *pipeline, unsigned of)
{
    pipeline->random = pipeline->random * 1664525u + 1013904223u;
    return (pipeline->random >> 12) % of;
}

/* ---- where it should go ---- */

static bool fits(const struct group *group, const struct candidate *candidate)
{
    const struct plan *plan = group->slow.plan;
    return group->open && strcmp(plan->area, candidate->city) == 0 &&
           strcmp(plan->hazards[group->slow.hazard].id, candidate->hazard) == 0;
}

static int group_named(const struct pipeline *pipeline, const char *id)
{
    for (size_t i = 0; i < pipeline->group_count; i++) {
        if (strcmp(pipeline->groups[i].id, id) == 0)
            return (int)i;
    }
    return REFUSED;
}

/* The report that is to be replaced, if this reporter may replace it. */
static int revised_by(const struct pipeline *pipeline, const struct candidate *candidate)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        const struct accepted *old = &pipeline->accepted[i];
        if (old->reporter && strcmp(pipeline->ids[i], candidate->report.revises) == 0)
            return strcmp(old->reporter, candidate->report.reporter) == 0 && !old->revised
                       ? (int)i
                       : REFUSED;
    }
    return REFUSED;
}

static int expected_group(const struct pipeline *pipeline, const struct candidate *candidate,
                          const struct plan *plan)
{
    int old = *candidate->report.revises ? revised_by(pipeline, candidate) : OPENS;
    int group = OPENS;
    bool neighbour = strncmp(candidate->report.reporter, "3304", 4) != 0;
    if (old == REFUSED || (strcmp(candidate->city, "3304") == 0 && neighbour))
        return REFUSED; /* Jiaxing takes no reports of others; Wenzhou does */
    if (*candidate->named)
        group = group_named(pipeline, candidate->named);
    else if (old >= 0)
        group = (int)pipeline->accepted[old].group;
    if (group == REFUSED || (group >= 0 && !fits(&pipeline->groups[group], candidate)))
        return REFUSED;
    bool epidemic = plan->hazards[plan_find_hazard(plan, candidate->hazard)].kind == PLAN_EPIDEMIC;
    for (size_t i = 0; group == OPENS && epidemic && i < pipeline->group_count; i++) {
        if (fits(&pipeline->groups[i], candidate))
            group = (int)i;
    }
    return group == OPENS && candidate->final ? REFUSED : group;
}

/* ---- telling ---- */

static size_t publish(struct pipeline *pipeline, const struct candidate *candidate)
{
    const struct slow_report *from = &candidate->report;
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Measure measures[SLOW_MEASURES], *list[SLOW_MEASURES];
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    for (size_t i = 0; i < from->measure_count; i++) {
        liandong__v1__measure__init(list[i] = &measures[i]);
        measures[i].measure = sv_borrow(from->measures[i].id);
        measures[i].value = from->measures[i].value;
    }
    context.author = sv_borrow(from->reporter);
    context.incident = sv_borrow(candidate->named);
    report.context = &context;
    report.id = sv_borrow(from->id);
    report.revises = sv_borrow(from->revises);
    report.kind =
        candidate->final ? LIANDONG__V1__REPORT__KIND__FINAL : LIANDONG__V1__REPORT__KIND__PROGRESS;
    report.means = LIANDONG__V1__REPORT__MEANS__NETWORK;
    report.area = sv_borrow(from->area);
    report.hazard = sv_borrow(candidate->hazard);
    report.place = sv_borrow(from->place);
    report.occurred_at_us = report.received_at_us = from->onset_us;
    report.n_measures = from->measure_count;
    report.measures = list;
    snprintf(topic, sizeof topic, "report/%s/%s/%s", from->area, candidate->hazard, from->reporter);
    return world_publish(&pipeline->world, from->reporter, topic, &report.base, 0);
}

/* One of the last; mostly as its own reporter would. */
static void revise(struct pipeline *pipeline, struct candidate *made)
{
    size_t old = pipeline->count - 1 - chance(pipeline, RECENT) % pipeline->count;
    made->report.revises = pipeline->ids[old];
    if (!chance(pipeline, 4))
        return;
    made->report.reporter = pipeline->told[old].report.reporter;
    made->report.area = pipeline->told[old].report.area;
    made->hazard = pipeline->told[old].hazard;
    made->city = pipeline->told[old].city;
}

static struct candidate random_candidate(struct pipeline *pipeline)
{
    static const char *const hazards[] = {"cholera",   "cholera",   "measles",
                                          "poisoning", "poisoning", "vaccination-reaction"};
    static const char *const areas[2][3] = {{"330302", "330303", "3303"},
                                            {"330402", "330411", "3304"}};
    static const char *const reporters[2][2] = {{"330302.health", "3303.health"},
                                                {"330402.health", "3304.health"}};
    unsigned city = chance(pipeline, 2), other = chance(pipeline, 12) ? city : 1 - city;
    snprintf(pipeline->ids[pipeline->count], sizeof pipeline->ids[0], "%zu", pipeline->count);
    struct candidate made = {.report = {.reporter = reporters[other][chance(pipeline, 2)],
                                        .id = pipeline->ids[pipeline->count],
                                        .revises = "",
                                        .area = areas[city][chance(pipeline, 3)],
                                        .place = chance(pipeline, 2) ? "market" : "",
                                        .onset_us = sv_sim_now(pipeline->world.sim) -
                                                    (int64_t)chance(pipeline, 120) * 6 * LD_US_HOUR,
                                        .measures = {{"cases", 1 + chance(pipeline, 12)},
                                                     {"deaths", chance(pipeline, 2)}},
                                        .measure_count = 2},
                             .hazard = hazards[chance(pipeline, 6)],
                             .city = city ? "3304" : "3303",
                             .named = "",
                             .final = !chance(pipeline, 60)};
    if (!chance(pipeline, 3) && pipeline->count > 0)
        revise(pipeline, &made);
    if (!chance(pipeline, 5) && pipeline->group_count > 0)
        made.named = pipeline->groups[chance(pipeline, (unsigned)pipeline->group_count)].id;
    if (!chance(pipeline, 40))
        made.named = "3303-nothing-20260101-1";
    return made;
}

/* ---- comparing ---- */

static struct group *opened(struct pipeline *pipeline, const struct plan *plan, const char *hazard)
{
    assert_true(pipeline->group_count < GROUPS);
    struct group *group = &pipeline->groups[pipeline->group_count++];
    *group = (struct group){.slow = {.plan = plan,
                                     .hazard = (size_t)plan_find_hazard(plan, hazard),
                                     .city = plan->area},
                            .open = true};
    return group;
}

static void compare(const struct pipeline *pipeline, const struct group *group)
{
    const struct sv_host *host = sv_sim_host(pipeline->world.sim);
    const struct slow *slow = &group->slow;
    struct ld_arena arena = {0};
    Liandong__V1__Grade grade;
    Liandong__V1__Warning warning;
    assert_true(grading_explain(sv_host_core(host, &grading_class, false), group->id, &arena,
                                &grade, &warning));
    assert_int_equal(grade.level, slow->level);
    assert_int_equal(grade.suggested, slow->suggested);
    assert_int_equal(warning.level, slow->colour);
    size_t at = 0;
    for (size_t i = 0; i < slow->plan->criterion_count; i++) {
        if (!slow->holds[i])
            continue;
        assert_true(at < grade.n_holding);
        assert_string_equal(grade.holding[at++]->id, slow_criterion(slow->plan, i)->id);
    }
    assert_int_equal(at, grade.n_holding);
    ld_arena_free(&arena);
}

static void count_for(struct pipeline *pipeline, struct group *group,
                      const struct candidate *candidate, size_t index)
{
    const Liandong__V1__Incident *incident =
        (const void *)world_after(&pipeline->world, index, SV_INCIDENT, 0);
    assert_non_null(incident);
    bool opens = group->slow.report_count == 0;
    assert_int_equal(incident->action, opens ? LIANDONG__V1__INCIDENT__ACTION__OPENED
                                             : LIANDONG__V1__INCIDENT__ACTION__JOINED);
    if (opens) {
        assert_int_equal(group_named(pipeline, incident->context->incident), REFUSED);
        snprintf(group->id, sizeof group->id, "%s", incident->context->incident);
    }
    assert_string_equal(incident->context->incident, group->id);
    if (candidate->final) { /* nothing is in force, so it closes */
        group->open = false;
        return;
    }
    assert_true(group->slow.report_count < SLOW_REPORTS);
    group->slow.reports[group->slow.report_count++] = candidate->report;
    slow_judge(&group->slow, true);
    compare(pipeline, group);
}

static void step(struct pipeline *pipeline)
{
    struct candidate candidate = random_candidate(pipeline);
    const struct plan *plan =
        sv_plans_governing(sv_host_plans(sv_sim_host(pipeline->world.sim), false),
                           candidate.report.area, candidate.hazard);
    assert_non_null(plan);
    int expected = expected_group(pipeline, &candidate, plan);
    int old = *candidate.report.revises ? revised_by(pipeline, &candidate) : REFUSED;
    size_t index = publish(pipeline, &candidate);
    pipeline->told[pipeline->count] = candidate;
    const Liandong__V1__Receipt *receipt =
        (const void *)world_after(&pipeline->world, index, SV_RECEIPT, 0);
    if ((bool)receipt->accepted != (expected != REFUSED))
        fail_msg("report %zu: %s, expected %d", pipeline->count, receipt->reason->en, expected);
    if (expected != REFUSED) {
        struct group *group = expected == OPENS ? opened(pipeline, plan, candidate.hazard)
                                                : &pipeline->groups[expected];
        count_for(pipeline, group, &candidate, index);
        pipeline->accepted[pipeline->count].reporter = candidate.report.reporter;
        pipeline->accepted[pipeline->count].group = (size_t)(group - pipeline->groups);
        pipeline->joined += expected >= 0;
        if (old >= 0)
            pipeline->accepted[old].revised = true;
    } else {
        pipeline->refused++;
    }
    pipeline->count++;
}

static void add_both(struct sv_host *host)
{
    sv_host_add(host, &reporting_class, NULL);
    sv_host_add(host, &grading_class, NULL);
}

static void run(unsigned seed)
{
    struct pipeline *pipeline = calloc(1, sizeof *pipeline);
    assert_non_null(pipeline);
    pipeline->random = seed;
    pipeline->groups = calloc(GROUPS, sizeof *pipeline->groups);
    assert_non_null(pipeline->groups);
    world_open(&pipeline->world, NULL);
    world_adopt(&pipeline->world, LIANDONG_SOURCE "/plans/jiaxing-phe.yaml", NULL, 0);
    while (pipeline->count < REPORTS)
        step(pipeline);
    print_message("seed %u: %zu reports, %zu incidents, %zu joined one, %zu refused\n", seed,
                  pipeline->count, pipeline->group_count, pipeline->joined, pipeline->refused);
    world_close(&pipeline->world);
    free(pipeline->groups);
    free(pipeline);
}

static void each_report_finds_its_incident(void **state)
{
    const char *one = getenv("LIANDONG_SEED"), *mode = getenv("LIANDONG_TESTS");
    unsigned first = one ? (unsigned)strtoul(one, NULL, 10) : 1, count = one ? 1 : 5;
    (void)state;
    if (!one && mode && strcmp(mode, "full") == 0)
        count = 200;
    world_add_all = add_both;
    for (unsigned seed = first; seed < first + count; seed++)
        run(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_report_finds_its_incident)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
