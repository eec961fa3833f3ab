/*
 * grading against a slow second implementation (slow_grading.h): every hazard of all seven plans,
 * and a plan with a condition of every form. Random reports about three incidents at once (late,
 * out of order, at the same onset, corrected, of counties, the city and elsewhere), signs raised
 * and lifted, designations by right and wrong units, incidents that close: after each event both
 * must say the same, figure by figure, and what was said last must still be so.
 *
 * LIANDONG_SEED=n runs the streams of that seed alone; LIANDONG_TESTS=full those of 40 seeds.
 */
#include "grading_stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/report.pb-c.h"

struct counts counts;

static unsigned chance(struct stream *stream, unsigned of)
{
    stream->random = stream->random * 1664525u + 1013904223u;
    return (stream->random >> 12) % of;
}

/* ---- telling ---- */

static void publish(struct stream *stream, const struct told *told,
                    Liandong__V1__Incident__Action action, Liandong__V1__Report *report,
                    const char *reporter)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    context.incident = sv_borrow(told->id);
    context.plan_hash = sv_borrow(stream->plan->hash);
    message.context = &context;
    message.action = action;
    message.area = sv_borrow(stream->plan->area);
    message.hazard = sv_borrow(stream->plan->hazards[stream->hazard].id);
    message.report = report;
    message.report_sequence = stream->world->count + 1;
    message.reporter = sv_borrow(reporter);
    snprintf(topic, sizeof topic, "incident/%s/%s", stream->plan->area, told->id);
    world_publish(stream->world, "reporting", topic, &message.base, 0);
}

static void tell(struct stream *stream, struct told *told, const struct slow_report *from)
{
    Liandong__V1__Measure measures[SLOW_MEASURES], *list[SLOW_MEASURES];
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    char *sign = sv_borrow(from->sign), *lifted = sv_borrow(from->lifted);
    for (size_t i = 0; i < from->measure_count; i++) {
        liandong__v1__measure__init(list[i] = &measures[i]);
        measures[i].measure = sv_borrow(from->measures[i].id);
        measures[i].value = from->measures[i].value;
    }
    report.n_measures = from->measure_count;
    report.measures = list;
    report.n_signs = from->sign != NULL;
    report.signs = &sign;
    report.n_signs_lifted = from->lifted != NULL;
    report.signs_lifted = &lifted;
    report.id = sv_borrow(from->id);
    report.revises = sv_borrow(from->revises);
    report.place = sv_borrow(from->place);
    report.area = sv_borrow(from->area);
    report.hazard = sv_borrow(stream->plan->hazards[stream->hazard].id);
    report.occurred_at_us = from->onset_us;
    publish(stream, told,
            told->slow.report_count == 0 ? LIANDONG__V1__INCIDENT__ACTION__OPENED
                                         : LIANDONG__V1__INCIDENT__ACTION__JOINED,
            &report, from->reporter);
}

static void designate(struct stream *stream, const struct told *told, const char *unit, int level)
{
    char topic[160];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Decision decision = LIANDONG__V1__DECISION__INIT;
    context.incident = sv_borrow(told->id);
    context.author = sv_borrow(unit);
    decision.context = &context;
    decision.act = LIANDONG__V1__DECISION__ACT__DESIGNATE;
    decision.level = (Liandong__V1__Level)level;
    snprintf(topic, sizeof topic, "decision/%s/%s/%s", stream->plan->area, told->id, unit);
    world_publish(stream->world, unit, topic, &decision.base, 0);
}

/* ---- at random ---- */

static const struct plan_condition *random_leaf(struct stream *stream)
{
    return stream->leaves[chance(stream, (unsigned)stream->leaf_count)];
}

/* At the bounds, beside them, or small. */
static double random_value(struct stream *stream, const struct plan_condition *leaf)
{
    static const double beside[] = {-1, -0.5, 0, 0.5, 1}, odd[] = {-1, 1.5, 2e9, NAN, INFINITY, 0};
    const struct plan_bounds *bounds = &leaf->bounds;
    bool high = bounds->has_high && (!bounds->has_low || chance(stream, 2));
    double bound = high ? bounds->high : bounds->low;
    if (!chance(stream, 30))
        return odd[chance(stream, sizeof odd / sizeof odd[0])];
    if (leaf->kind == PLAN_GAUGE)
        return chance(stream, 4) ? bound + beside[chance(stream, 5)] : chance(stream, 40) * 0.25;
    if (!chance(stream, 4) && leaf->kind == PLAN_COUNT)
        return bound + chance(stream, 3) - 1;
    return 1 + chance(stream, chance(stream, 3) ? 3 : 12);
}

static void add_measure(struct slow_report *report, const char *id, double value)
{
    for (size_t i = 0; i < report->measure_count; i++) {
        if (strcmp(report->measures[i].id, id) == 0)
            return; /* reporting takes each once */
    }
    report->measures[report->measure_count].id = id;
    report->measures[report->measure_count++].value = value;
}

static void random_content(struct stream *stream, struct slow_report *report)
{
    for (size_t i = 0; i < SLOW_MEASURES; i++) {
        const struct plan_condition *leaf = random_leaf(stream);
        const struct plan *plan = stream->plan;
        if (leaf->kind == PLAN_SIGN && chance(stream, 3))
            report->sign = plan->signs[leaf->sign].id;
        else if (leaf->kind == PLAN_SIGN)
            report->lifted = plan->signs[leaf->sign].id;
        else if (leaf->kind != PLAN_DESIGNATED)
            add_measure(report, plan->measures[leaf->measure].id, random_value(stream, leaf));
    }
    if (!chance(stream, 8)) {
        const struct plan_measure *any =
            &stream->plan->measures[chance(stream, (unsigned)stream->plan->measure_count)];
        if (report->measure_count < SLOW_MEASURES)
            add_measure(report, any->id, 1);
    }
}

static int64_t random_onset(struct stream *stream, const struct slow *slow)
{
    int64_t start_us = INT64_C(1767225600) * LD_US_SECOND, latest_us = start_us;
    for (size_t i = 0; i < slow->report_count; i++)
        latest_us = slow->reports[i].onset_us > latest_us ? slow->reports[i].onset_us : latest_us;
    if (chance(stream, 3))
        return latest_us + (int64_t)chance(stream, 4) * 6 * LD_US_HOUR;
    if (!chance(stream, 12))
        return latest_us + (int64_t)chance(stream, 20) * 24 * LD_US_HOUR;
    if (slow->report_count == 0)
        return start_us;
    int64_t near_us = slow->reports[chance(stream, (unsigned)slow->report_count)].onset_us;
    return near_us + ((int64_t)chance(stream, 5) - 2) * 6 * LD_US_HOUR;
}

static const char *random_area(struct stream *stream)
{
    static const char *const wenzhou[] = {"330302", "330303", "330304", "330327"};
    static const char *const jiaxing[] = {"330402", "330411", "330421", "330424"};
    bool of_wenzhou = strcmp(stream->plan->area, "3303") == 0;
    unsigned which = chance(stream, 14);
    if (which == 13)
        return of_wenzhou ? jiaxing[0] : wenzhou[0]; /* a neighbour's county */
    if (which == 12)
        return "999999";
    if (which > 8)
        return stream->plan->area;
    return (of_wenzhou ? wenzhou : jiaxing)[which % 4];
}

/* The number of an earlier report of this or another incident, or of none. */
static const char *random_revised(struct stream *stream, const struct slow *slow)
{
    unsigned which = chance(stream, 10);
    if (which == 0)
        return "unknown";
    if (which == 1 || slow->report_count == 0)
        return stream->step > 0 ? stream->ids[chance(stream, (unsigned)stream->step)] : "";
    return slow->reports[chance(stream, (unsigned)slow->report_count)].id;
}

static struct slow_report random_report(struct stream *stream, const struct slow *slow)
{
    static const char *const places[] = {"", "", "market", "quay", "school"};
    static const char *const reporters[] = {"330302.cdc", "330302.cdc", "330302.cdc",
                                            "3303.health"};
    snprintf(stream->ids[stream->step], sizeof stream->ids[0], "r%zu", stream->step);
    struct slow_report report = {.reporter = reporters[chance(stream, 4)],
                                 .id = stream->ids[stream->step],
                                 .revises = "",
                                 .area = random_area(stream),
                                 .place = places[chance(stream, 5)],
                                 .onset_us = random_onset(stream, slow)};
    random_content(stream, &report);
    if (!chance(stream, 5)) {
        report.revises = random_revised(stream, slow);
        counts.corrections += *report.revises != 0;
    }
    return report;
}

static void step_report(struct stream *stream, struct told *told)
{
    struct slow_report report = random_report(stream, &told->slow);
    tell(stream, told, &report);
    if (!told->open)
        return;
    struct slow *slow = &told->slow;
    slow->reports[slow->report_count++] = report;
    slow_judge(slow, true);
    for (size_t i = 0; i < slow_criteria(slow->plan); i++)
        counts.past += slow->past[i];
}

static void step_designation(struct stream *stream, struct told *told)
{
    const struct plan_condition *leaf = random_leaf(stream);
    const struct plan *plan = stream->plan;
    const char *unit = plan->units[chance(stream, (unsigned)plan->unit_count)].id;
    int level = 1 + (int)chance(stream, 4);
    if (leaf->kind == PLAN_DESIGNATED && leaf->unit_count > 0)
        unit = plan->units[leaf->units[chance(stream, (unsigned)leaf->unit_count)]].id;
    bool stranger = !chance(stream, 8);
    designate(stream, told, stranger ? "3303.nobody" : unit, level);
    if (!told->open || stranger)
        return; /* nothing is judged anew */
    struct slow *slow = &told->slow;
    slow->designations[slow->designation_count].unit = unit;
    slow->designations[slow->designation_count++].level = level;
    slow_judge(slow, false);
}

static void step_close(struct stream *stream, struct told *told)
{
    publish(stream, told, LIANDONG__V1__INCIDENT__ACTION__CLOSED, NULL, "");
    told->open = false;
}

static struct told *random_told(struct stream *stream)
{
    size_t which = chance(stream, INCIDENTS);
    if (which < stream->opened)
        return &stream->told[which];
    struct told *told = &stream->told[stream->opened];
    *told = (struct told){
        .slow = {.plan = stream->plan, .hazard = stream->hazard, .city = stream->plan->area},
        .open = true};
    snprintf(told->id, sizeof told->id, "%s-%s-%s-%u-%zu", stream->plan->area, stream->plan->id,
             stream->plan->hazards[stream->hazard].id, stream->seed, stream->opened++);
    return told;
}

static void step(struct stream *stream)
{
    struct told *told = random_told(stream);
    if (told->slow.report_count > 0 && !chance(stream, 9))
        step_designation(stream, told);
    else if (told->slow.report_count > 0 && told->open && !chance(stream, 40))
        step_close(stream, told);
    else
        step_report(stream, told);
    compare(stream, told);
}

static void find_leaves(struct stream *stream, const struct plan_condition *condition)
{
    for (size_t i = 0; i < condition->child_count; i++)
        find_leaves(stream, &condition->children[i]);
    if (condition->child_count == 0 && stream->leaf_count < LEAVES_MAX)
        stream->leaves[stream->leaf_count++] = condition;
}

static void random_stream(struct world *world, const struct plan *plan, size_t hazard,
                          unsigned seed)
{
    struct stream *stream = calloc(1, sizeof *stream);
    assert_non_null(stream);
    *stream = (struct stream){.world = world, .plan = plan, .hazard = hazard, .seed = seed};
    stream->random = seed * 2654435761u + (unsigned)hazard * 40503u + (unsigned)plan->area[3];
    stream->seen = world->count;
    struct slow probe = {.plan = plan, .hazard = hazard, .city = plan->area};
    slow_judge(&probe, false);
    for (size_t i = 0; i < slow_criteria(plan); i++) {
        if (probe.concerned[i])
            find_leaves(stream, &slow_criterion(plan, i)->when);
    }
    assert_true(stream->leaf_count > 0);
    for (; stream->step < STEPS; stream->step++)
        step(stream);
    for (size_t i = 0; i < stream->opened; i++) {
        if (stream->told[i].open)
            step_close(stream, &stream->told[i]);
        compare(stream, &stream->told[i]);
    }
    counts.streams++;
    free(stream);
}

/* ---- all plans ---- */

static unsigned seeds(unsigned *first)
{
    const char *one = getenv("LIANDONG_SEED"), *mode = getenv("LIANDONG_TESTS");
    *first = one ? (unsigned)strtoul(one, NULL, 10) : 1;
    return !one && mode && strcmp(mode, "full") == 0 ? 40 : 1;
}

static void every_hazard(struct world *world, const char *id, unsigned seed)
{
    const struct sv_plans *plans = sv_host_plans(sv_sim_host(world->sim), false);
    const struct plan *plan = sv_plans_current(plans, id);
    assert_non_null(plan);
    for (size_t hazard = 0; hazard < plan->hazard_count; hazard++) {
        if (plan->in_scope[hazard])
            random_stream(world, plan, hazard, seed);
    }
}

static void all_plans_like_the_slow_one(void **state)
{
    static const char *const ids[] = {"wenzhou-phe",   "wenzhou-ari",  "jiaxing-phe", "jiaxing-ari",
                                      "jiaxing-water", "jiaxing-crop", "jiaxing-air"};
    unsigned first, count = seeds(&first);
    (void)state;
    for (unsigned seed = first; seed < first + count; seed++) {
        struct world world;
        char path[256];
        world_open(&world, &grading_class);
        for (size_t i = 1; i < sizeof ids / sizeof ids[0]; i++) {
            snprintf(path, sizeof path, LIANDONG_SOURCE "/plans/%s.yaml", ids[i]);
            world_adopt(&world, path, NULL, 0);
        }
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
            every_hazard(&world, ids[i], seed);
        world_close(&world);
    }
    print_message("%lu streams, %lu events, %lu corrections, %lu held only in the past, %lu "
                  "figures compared\n",
                  counts.streams, counts.events, counts.corrections, counts.past, counts.figures);
}

/* ---- every form of a condition ---- */

static const struct {
    const char *level, *when;
} forms[] = {
    {"I", "places: {measure: cases, within: 1d, more_than: 2}"},
    {"II", "count: {measure: cases, within: 2d, over: county, more_than: 4, less_than: 8}"},
    {"II", "areas: {measure: deaths, within: 3d, at_least: 2, at_most: 3}"},
    {"III", "count: {measure: cases, within: incubation, over: county, at_least: 6}"},
    {"III", "all: [{count: {measure: cases, within: 6d, over: city, at_least: 3}}, "
            "{count: {measure: deaths, within: incubation, over: county, at_most: 1}}]"},
    {"III", "all: [{not: {count: {measure: deaths, within: 5d, over: city, at_least: 1}}}, {any: "
            "[{sign: spreading}, {places: {measure: deaths, within: incident, at_least: 2}}]}]"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: county, within: 3d, at_least: 2.5}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: county, at_least: 1, less_than: 1.5}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: city, at_least: 1.5}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: city, within: 1d, less_than: 0.5}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: any, within: 2d, at_least: 2.9}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: any, round: up, less_than: 1}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: mean, at_least: 1.5, at_most: 1.75}"},
    {"IV", "gauge: {measure: excess-over-5y-mean, over: mean, within: 4d, round: up, at_least: 2}"},
};

/* Wenzhou's plan with each of these as a criterion for two hazards. */
static void adopt_every_form(struct world *world)
{
    char text[8192] = "\n";
    size_t size = 1;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        int added = snprintf(text + size, sizeof text - size,
                             "  - {id: x-%zu, level: %s, section: \"0\", hazards: [measles, "
                             "plague.bubonic], text: {zh: 测, en: measured}, when: {%s}}\n",
                             i, forms[i].level, forms[i].when);
        size += (size_t)added;
    }
    snprintf(text + size, sizeof text - size, "warnings:\n");
    const struct world_edit edit = {"\nwarnings:\n", text};
    world_adopt(world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", &edit, 1);
}

static void every_form_like_the_slow_one(void **state)
{
    unsigned first, count = 6 * seeds(&first);
    struct world world;
    (void)state;
    world_open(&world, &grading_class);
    adopt_every_form(&world);
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world.sim), false), "wenzhou-phe");
    for (unsigned seed = first; seed < first + count; seed++) {
        random_stream(&world, plan, (size_t)plan_find_hazard(plan, "measles"), seed);
        random_stream(&world, plan, (size_t)plan_find_hazard(plan, "plague.bubonic"), seed);
    }
    world_survives_snapshots(&world, &grading_class);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_like_the_slow_one),
                                       cmocka_unit_test(all_plans_like_the_slow_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
