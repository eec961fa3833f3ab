/* reporting: every clock of every plan comes to life. A scenario is made from the plan itself for
 * each clock, rhythm and entry of the after-care that has a limit: it is started, met in time,
 * warned, missed, met late and cancelled by who owes it. How many there are is printed. */
#include "bulletin_rig.h"

static const char *const PLANS[] = {"wenzhou-phe",   "wenzhou-ari",  "jiaxing-phe", "jiaxing-ari",
                                    "jiaxing-water", "jiaxing-crop", "jiaxing-air"};

static int setup(void **state)
{
    static struct world world;
    world_open(&world, &reporting_class);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_survives_snapshots(*state, &reporting_class);
    world_close(*state);
    return 0;
}

/* ---- what the plan offers ---- */

struct stage {
    struct world *world;
    const struct plan *plan;
    const struct plan_clock *clock;
    const char *county, *hazard, *witness; /* witness: may report, and does not owe it */
    const char *incident;
    int level;       /* at which the clock runs */
    size_t reported; /* index of the first report */
};

static const char *first_county(const struct plan *plan)
{
    size_t size = strlen(plan->area);
    for (size_t i = 0; i < plan->area_count; i++) {
        if (plan->areas[i].level == PLAN_COUNTY &&
            strncmp(plan->areas[i].code, plan->area, size) == 0)
            return plan->areas[i].code;
    }
    fail_msg("%s has no county", plan->id);
    return NULL;
}

static const char *first_hazard(const struct world *world, const struct plan *plan,
                                const char *county)
{
    const struct sv_plans *plans = sv_host_plans(sv_sim_host(world->sim), false);
    for (size_t i = 0; i < plan->hazard_count; i++) {
        if (sv_plans_governing(plans, county, plan->hazards[i].id) == plan)
            return plan->hazards[i].id;
    }
    fail_msg("%s governs no hazard", plan->id);
    return NULL;
}

static const char *find_witness(const struct stage *stage)
{
    const struct plan *plan = stage->plan;
    for (size_t i = 0; i < plan->unit_count; i++) {
        const char *unit = plan->units[i].id;
        if (plan_unit_in(plan, unit, plan->reporters, plan->reporter_count, NULL) &&
            !plan_unit_in(plan, unit, stage->clock->by, stage->clock->by_count, stage->county))
            return unit;
    }
    fail_msg("%s %s: everybody owes it", plan->id, stage->clock->id);
    return NULL;
}

/* ---- what happens ---- */

static void until(struct stage *stage, int64_t us)
{
    sv_sim_advance(stage->world->sim, us);
}

static size_t report_by(struct stage *stage, const char *unit, int kind)
{
    struct filing f = filing();
    f.unit = unit;
    f.area = stage->county;
    f.hazard = stage->hazard;
    f.incident = stage->incident;
    f.measure = NULL;
    f.kind = kind;
    size_t index = file(stage->world, f);
    const Liandong__V1__Receipt *receipt = receipt_after(stage->world, index);
    if (!receipt->accepted)
        fail_msg("%s %s: report by %s: %s", stage->plan->id, stage->clock->id, unit,
                 receipt->reason->en);
    stage->incident = receipt->context->incident;
    return index;
}

static void graded_at(struct stage *stage, int level)
{
    uint64_t report = stage->world->all[stage->reported].record.sequence;
    if (stage->plan->procedure.follows_warning)
        warned(stage->world, stage->incident, level, report);
    else
        graded(stage->world, stage->incident, level, report);
}

static bool of_grade(const struct plan_clock *clock)
{
    return clock->starts == PLAN_FROM_RECEIVED || clock->starts == PLAN_FROM_OCCURRED;
}

/* The n-th word of the clock since the first report; its unit is the first that is told of. */
static const Liandong__V1__Clock *word(const struct stage *stage, int state)
{
    const char *unit = NULL;
    const Liandong__V1__Clock *found = NULL;
    for (size_t i = stage->reported + 1; i < stage->world->count; i++) {
        const Liandong__V1__Clock *at = (const void *)stage->world->all[i].message;
        if (stage->world->all[i].family != SV_CLOCK || strcmp(at->clock, stage->clock->id) != 0 ||
            strcmp(at->context->incident, stage->incident) != 0)
            continue;
        unit = unit ? unit : at->responsible;
        if ((int)at->state == state && strcmp(unit, at->responsible) == 0)
            found = at;
    }
    return found;
}

static const Liandong__V1__Clock *expect(const struct stage *stage, int state)
{
    static const char *const STATES[] = {"?", "started", "warned", "met", "missed", "cancelled"};
    const Liandong__V1__Clock *found = word(stage, state);
    if (!found)
        fail_msg("%s %s was never %s", stage->plan->id, stage->clock->id, STATES[state]);
    assert_string_equal(found->section, stage->clock->section);
    return found;
}

/* ---- scenes ---- */

static int64_t next_midnight(int64_t now_us)
{
    int64_t local_us = now_us + LD_CHINA_OFFSET_MINUTES * LD_US_MINUTE;
    return now_us + LD_US_DAY - local_us % LD_US_DAY;
}

static const Liandong__V1__Clock *begin(struct stage *stage)
{
    stage->incident = NULL;
    stage->reported = report_by(stage, stage->witness, LIANDONG__V1__REPORT__KIND__INITIAL);
    if (of_grade(stage->clock))
        graded_at(stage, stage->level);
    else
        responded(stage->world, stage->incident, stage->level);
    if (stage->clock->starts == PLAN_FROM_END)
        responded(stage->world, stage->incident, 0);
    if (!word(stage, LIANDONG__V1__CLOCK__STATE__STARTED)) /* the day's time may be over: the next
                                                              one begins */
        until(stage, next_midnight(sv_sim_now(stage->world->sim)));
    return expect(stage, LIANDONG__V1__CLOCK__STATE__STARTED);
}

static int kind_of_report(enum plan_clock_met met_by)
{
    return met_by == PLAN_MET_FINAL  ? LIANDONG__V1__REPORT__KIND__FINAL
           : met_by == PLAN_MET_ZERO ? LIANDONG__V1__REPORT__KIND__ZERO
                                     : LIANDONG__V1__REPORT__KIND__PROGRESS;
}

static int kind_of_bulletin(enum plan_clock_met met_by)
{
    return met_by == PLAN_MET_PRESS        ? LIANDONG__V1__BULLETIN__KIND__PRESS
           : met_by == PLAN_MET_ASSESSMENT ? LIANDONG__V1__BULLETIN__KIND__ASSESSMENT
           : met_by == PLAN_MET_MAP        ? LIANDONG__V1__BULLETIN__KIND__MAP
           : met_by == PLAN_MET_MEETING    ? LIANDONG__V1__BULLETIN__KIND__MEETING
                                           : LIANDONG__V1__BULLETIN__KIND__EVALUATION;
}

static void meet_it(struct stage *stage, const char *unit)
{
    enum plan_clock_met met_by = stage->clock->met_by;
    if (met_by <= PLAN_MET_FINAL) {
        report_by(stage, unit, kind_of_report(met_by));
        return;
    }
    bool in_county = strncmp(unit, stage->county, strlen(stage->county)) == 0;
    size_t index =
        bulletin(stage->world,
                 (struct issue){.unit = unit,
                                .area = in_county ? stage->county : stage->plan->area,
                                .incident = stage->incident,
                                .zh = "信息",
                                .entry = met_by == PLAN_MET_AFTERCARE ? stage->clock->id : NULL,
                                .kind = kind_of_bulletin(met_by)});
    const Liandong__V1__Receipt *receipt = receipt_after(stage->world, index);
    if (!receipt->accepted)
        fail_msg("%s %s: bulletin by %s: %s", stage->plan->id, stage->clock->id, unit,
                 receipt->reason->en);
}

/* So that the next scene opens an incident of its own. */
static void close_it(struct stage *stage)
{
    responded(stage->world, stage->incident, 0);
    struct filing f = filing();
    f.unit = stage->witness;
    f.area = stage->county;
    f.hazard = stage->hazard;
    f.incident = stage->incident;
    f.measure = NULL;
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    file(stage->world, f);
}

static void in_time(struct stage *stage)
{
    const Liandong__V1__Clock *started = begin(stage);
    meet_it(stage, started->responsible);
    const Liandong__V1__Clock *met = expect(stage, LIANDONG__V1__CLOCK__STATE__MET);
    assert_int_equal(met->late_us, 0);
    assert_int_equal(met->due_at_us, started->due_at_us);
    close_it(stage);
}

static void too_late(struct stage *stage)
{
    const Liandong__V1__Clock *started = begin(stage);
    until(stage, started->due_at_us - stage->clock->warn_before_us);
    if (stage->clock->warn_before_us > 0) {
        expect(stage, LIANDONG__V1__CLOCK__STATE__WARNED);
        assert_null(word(stage, LIANDONG__V1__CLOCK__STATE__MISSED));
    }
    until(stage, started->due_at_us);
    expect(stage, LIANDONG__V1__CLOCK__STATE__MISSED);
    until(stage, started->due_at_us + 5 * LD_US_MINUTE);
    meet_it(stage, started->responsible);
    const Liandong__V1__Clock *met = expect(stage, LIANDONG__V1__CLOCK__STATE__MET);
    assert_int_equal(met->late_us, 5 * LD_US_MINUTE);
    close_it(stage);
}

static void no_longer(struct stage *stage)
{
    begin(stage);
    if (of_grade(stage->clock))
        graded_at(stage, 0);
    else
        responded(stage->world, stage->incident,
                  stage->clock->starts == PLAN_FROM_END ? stage->level : 0);
    expect(stage, LIANDONG__V1__CLOCK__STATE__CANCELLED);
    close_it(stage);
}

/* ---- plans ---- */

static void play(struct stage stage)
{
    stage.witness = find_witness(&stage);
    for (int level = PLAN_IV; level >= PLAN_I; level--) {
        if (stage.clock->levels & 1u << level)
            stage.level = level;
    }
    in_time(&stage);
    too_late(&stage);
    no_longer(&stage);
}

static void every_clock(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < sizeof PLANS / sizeof PLANS[0]; i++) {
        char path[256];
        snprintf(path, sizeof path, LIANDONG_SOURCE "/plans/%s.yaml", PLANS[i]);
        world_adopt(world, path, NULL, 0);
        const struct plan *plan =
            sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), PLANS[i]);
        const char *county = first_county(plan);
        struct stage stage = {.world = world,
                              .plan = plan,
                              .county = county,
                              .hazard = first_hazard(world, plan, county)};
        size_t rhythms = 0, aftercare = 0;
        for (size_t k = 0; k < plan->clock_count; k++) {
            stage.clock = &plan->clocks[k];
            play(stage);
            rhythms += stage.clock->starts == PLAN_EVERY;
            aftercare += stage.clock->met_by == PLAN_MET_AFTERCARE;
        }
        assert_true(plan->clock_count > 0);
        print_message("%s: %zu clocks, of these %zu rhythms and %zu of the after-care\n", plan->id,
                      plan->clock_count, rhythms, aftercare);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_clock, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
