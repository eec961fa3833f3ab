/* reporting: the plan's clocks, from start to met, missed, late and cancelled (wenzhou-phe 5.2.3
 * and 6.2.3). */
#include "forge.h"
#include "reporting_rig.h"

#define INCIDENT "3303-cholera-20260101-1"
#define STARTED  LIANDONG__V1__CLOCK__STATE__STARTED
#define WARNED   LIANDONG__V1__CLOCK__STATE__WARNED
#define MET      LIANDONG__V1__CLOCK__STATE__MET
#define MISSED   LIANDONG__V1__CLOCK__STATE__MISSED
#define STOPPED  LIANDONG__V1__CLOCK__STATE__CANCELLED

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

static void wait(struct world *world, int64_t us)
{
    sv_sim_advance(world->sim, sv_sim_now(world->sim) + us);
}

/* The n-th event of this clock and state after index; NULL if there are fewer. */
static const Liandong__V1__Clock *clock_after(const struct world *world, size_t index,
                                              const char *id, int state, size_t n)
{
    for (size_t i = index + 1; i < world->count; i++) {
        const Liandong__V1__Clock *clock = (const void *)world->all[i].message;
        if (world->all[i].family == SV_CLOCK && strcmp(clock->clock, id) == 0 &&
            (int)clock->state == state && n-- == 0)
            return clock;
    }
    return NULL;
}

static struct filing by_telephone(void)
{
    struct filing f = filing();
    f.means = LIANDONG__V1__REPORT__MEANS__TELEPHONE;
    return f;
}

/* The county's government reports like its health bureau, which filing() is. */
static struct filing of_government(struct filing f)
{
    f.unit = "330302.gov";
    return f;
}

/* A hospital saw it; nobody who owes the report has made it. */
static struct filing by_hospital(void)
{
    struct filing f = filing();
    f.unit = "330302.hospital";
    return f;
}

static uint64_t sequence_at(const struct world *world, size_t index)
{
    return world->all[index].record.sequence;
}

static void general_event(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.occurred_us = -LD_US_HOUR;
    size_t index = file(world, f);
    assert_int_equal(world_count_after(world, index, SV_CLOCK), 0); /* no grade yet */
    graded(world, INCIDENT, 4, sequence_at(world, index));
    const Liandong__V1__Clock *started = clock_after(world, index, "first-general", STARTED, 0);
    assert_int_equal(started->started_at_us, sv_sim_now(world->sim) - LD_US_HOUR);
    assert_int_equal(started->due_at_us, sv_sim_now(world->sim) + LD_US_HOUR);
    assert_string_equal(started->responsible, "330302.gov");
    assert_string_equal(started->section, "5.2.3");
    const Liandong__V1__Clock *met = clock_after(world, index, "first-general", MET, 0);
    assert_int_equal(met->met_at_us, sv_sim_now(world->sim));
    assert_int_equal(met->late_us, 0);
    assert_null(clock_after(world, index, "telephone-grave", STARTED, 0));
}

static void grave_event_met_by_two_means(void **state)
{
    struct world *world = *state;
    size_t index = file(world, by_hospital());
    graded(world, INCIDENT, 3, sequence_at(world, index));
    assert_non_null(clock_after(world, index, "telephone-grave", STARTED, 0));
    assert_non_null(clock_after(world, index, "written-grave", STARTED, 0));
    assert_null(clock_after(world, index, "telephone-grave", MET, 0));
    wait(world, 20 * LD_US_MINUTE);
    file(world, of_government(by_telephone()));
    size_t call = file(world, by_telephone());
    assert_non_null(clock_after(world, call, "telephone-grave", MET, 0));
    assert_null(clock_after(world, call, "written-grave", MET, 0));
    wait(world, 60 * LD_US_MINUTE);
    assert_non_null(clock_after(world, call, "written-grave", WARNED, 0));
    size_t letter = file(world, filing());
    const Liandong__V1__Clock *met = clock_after(world, letter, "written-grave", MET, 0);
    assert_int_equal(met->met_at_us - met->started_at_us, 80 * LD_US_MINUTE);
    assert_null(clock_after(world, index, "telephone-grave", WARNED, 0));
    assert_null(clock_after(world, index, "telephone-grave", MISSED, 0));
}

static void missed_then_late(void **state)
{
    struct world *world = *state;
    size_t index = file(world, by_hospital());
    graded(world, INCIDENT, 2, sequence_at(world, index));
    wait(world, 59 * LD_US_MINUTE);
    assert_non_null(clock_after(world, index, "telephone-grave", WARNED, 0));
    assert_null(clock_after(world, index, "telephone-grave", MISSED, 0));
    wait(world, LD_US_MINUTE);
    assert_non_null(clock_after(world, index, "telephone-grave", MISSED, 0));
    wait(world, 30 * LD_US_MINUTE);
    size_t call = file(world, by_telephone());
    assert_int_equal(clock_after(world, call, "telephone-grave", MET, 0)->late_us,
                     30 * LD_US_MINUTE);
    assert_null(clock_after(world, index, "telephone-grave", MISSED, 2));
    call = file(world, by_telephone());
    assert_int_equal(world_count_after(world, call, SV_CLOCK), 0); /* met once is met */
}

static void starts_back_in_time(void **state)
{
    struct world *world = *state;
    struct filing f = by_hospital();
    f.received_us = -3 * LD_US_HOUR;
    size_t index = file(world, f);
    index = graded(world, INCIDENT, 3, sequence_at(world, index));
    assert_int_equal(clock_after(world, index, "written-grave", STARTED, 0)->started_at_us,
                     sv_sim_now(world->sim) - 3 * LD_US_HOUR);
    assert_int_equal(clock_after(world, index, "written-grave", MISSED, 0)->late_us, LD_US_HOUR);
    assert_int_equal(clock_after(world, index, "telephone-grave", MISSED, 0)->late_us,
                     2 * LD_US_HOUR);
}

static void report_before_the_grade_counts(void **state)
{
    struct world *world = *state;
    size_t index = file(world, by_hospital());
    wait(world, 10 * LD_US_MINUTE);
    file(world, filing());
    wait(world, 10 * LD_US_MINUTE);
    size_t grade = graded(world, INCIDENT, 3, sequence_at(world, index));
    const Liandong__V1__Clock *met = clock_after(world, grade, "written-grave", MET, 0);
    assert_int_equal(met->met_at_us - met->started_at_us, 10 * LD_US_MINUTE);
}

/* The graver grade comes with a later report about an onset that was told in time. */
static void report_before_the_graver_one_counts(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.occurred_us = -10 * LD_US_MINUTE;
    size_t first = file(world, f);
    f = of_government(filing());
    f.occurred_us = -10 * LD_US_MINUTE;
    file(world, f);
    int64_t told_us = sv_sim_now(world->sim);
    wait(world, 3 * LD_US_HOUR);
    f = by_hospital();
    f.occurred_us = -(3 * LD_US_HOUR + 10 * LD_US_MINUTE);
    size_t second = file(world, f);
    size_t grade = graded(world, INCIDENT, 4, sequence_at(world, second));
    const Liandong__V1__Clock *met = clock_after(world, grade, "first-general", MET, 0);
    assert_int_equal(met->met_at_us, told_us);
    assert_int_equal(met->late_us, 0);
    assert_null(clock_after(world, first, "first-general", MISSED, 0));
}

static void report_before_the_clock_does_not_count(void **state)
{
    struct world *world = *state;
    file(world, filing());
    wait(world, LD_US_MINUTE);
    size_t second = file(world, by_hospital()); /* received now, after the first report */
    size_t grade = graded(world, INCIDENT, 3, sequence_at(world, second));
    assert_non_null(clock_after(world, grade, "written-grave", STARTED, 0));
    assert_null(clock_after(world, grade, "written-grave", MET, 0));
}

static void graver_level_cancels_the_general_clock(void **state)
{
    struct world *world = *state;
    size_t index = file(world, by_hospital());
    graded(world, INCIDENT, 4, sequence_at(world, index));
    assert_non_null(clock_after(world, index, "first-general", STARTED, 0));
    size_t second = file(world, by_hospital());
    size_t grade = graded(world, INCIDENT, 3, sequence_at(world, second));
    assert_non_null(clock_after(world, grade, "first-general", STOPPED, 0));
    assert_non_null(clock_after(world, grade, "telephone-grave", STARTED, 0));
    grade = graded(world, INCIDENT, 2, sequence_at(world, second));
    assert_int_equal(world_count_after(world, grade, SV_CLOCK), 0); /* they run already */
}

static void each_county_owes_its_own(void **state)
{
    struct world *world = *state;
    size_t index = file(world, filing());
    graded(world, INCIDENT, 3, sequence_at(world, index));
    struct filing f = by_hospital();
    f.unit = "330303.hospital";
    f.area = "330303";
    size_t other = file(world, f);
    assert_string_equal(clock_after(world, other, "written-grave", STARTED, 0)->responsible,
                        "330303.gov");
    size_t wrong = file(world, filing()); /* the first county's report meets nothing here */
    assert_null(clock_after(world, wrong, "written-grave", MET, 0));
    f = filing();
    f.unit = "330303.gov";
    f.area = "330303";
    size_t right = file(world, f);
    assert_non_null(clock_after(world, right, "written-grave", MET, 0));
}

static void closing_cancels(void **state)
{
    struct world *world = *state;
    size_t index = file(world, by_hospital());
    graded(world, INCIDENT, 3, sequence_at(world, index));
    struct filing f = by_hospital();
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    f.measure = NULL;
    size_t end = file(world, f);
    assert_non_null(clock_after(world, end, "telephone-grave", STOPPED, 0));
    assert_non_null(clock_after(world, end, "written-grave", STOPPED, 0));
    size_t before = world->count;
    wait(world, 5 * LD_US_HOUR);
    assert_int_equal(world_count_after(world, before - 1, SV_CLOCK), 0);
}

/* Midnight UTC is eight in the morning in Wenzhou. */
static void daily_report(void **state)
{
    struct world *world = *state;
    file(world, filing());
    size_t index = responded(world, INCIDENT, 2);
    const Liandong__V1__Clock *started = clock_after(world, index, "daily-report", STARTED, 0);
    assert_int_equal(started->due_at_us, sv_sim_now(world->sim) + 9 * LD_US_HOUR);
    wait(world, 8 * LD_US_HOUR);
    assert_non_null(clock_after(world, index, "daily-report", WARNED, 0));
    wait(world, LD_US_HOUR);
    assert_non_null(clock_after(world, index, "daily-report", MISSED, 0));
    wait(world, 7 * LD_US_HOUR);
    assert_non_null(clock_after(world, index, "daily-report", STARTED, 1));
    struct filing f = filing();
    f.kind = LIANDONG__V1__REPORT__KIND__ZERO;
    f.measure = NULL;
    f.means = LIANDONG__V1__REPORT__MEANS__NETWORK;
    size_t zero = file(world, f);
    assert_non_null(clock_after(world, zero, "daily-report", MET, 0));
    wait(world, 24 * LD_US_HOUR);
    assert_null(clock_after(world, index, "daily-report", MISSED, 1));
    assert_non_null(clock_after(world, index, "daily-report", STARTED, 2));
    size_t over = responded(world, INCIDENT, 0);
    assert_non_null(clock_after(world, over, "daily-report", STOPPED, 0));
    size_t before = world->count;
    wait(world, 48 * LD_US_HOUR);
    assert_int_equal(world_count_after(world, before - 1, SV_CLOCK), 0);
}

static void daily_report_of_a_new_county_and_after_hours(void **state)
{
    struct world *world = *state;
    file(world, filing());
    wait(world, 10 * LD_US_HOUR); /* six in the evening: today's hour has passed */
    size_t index = responded(world, INCIDENT, 1);
    assert_null(clock_after(world, index, "daily-report", STARTED, 0));
    wait(world, 6 * LD_US_HOUR);
    assert_non_null(clock_after(world, index, "daily-report", STARTED, 0));
    struct filing f = filing();
    f.unit = "330303.cdc";
    f.area = "330303";
    size_t other = file(world, f);
    assert_string_equal(clock_after(world, other, "daily-report", STARTED, 0)->responsible,
                        "330303.gov");
    size_t lower = responded(world, INCIDENT, 3); /* level III asks for no daily report */
    assert_non_null(clock_after(world, lower, "daily-report", STOPPED, 1));
    size_t raised = responded(world, INCIDENT, 2);
    assert_non_null(clock_after(world, raised, "daily-report", STARTED, 1));
}

static void forged_snapshots(void **state)
{
    struct world *world = *state;
    size_t index = file(world, filing());
    graded(world, INCIDENT, 3, sequence_at(world, index));
    responded(world, INCIDENT, 2);
    struct filing f = filing();
    f.hazard = "poisoning";
    file(world, f);
    survives_forgery(world, &reporting_class);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(general_event),
        TEST(grave_event_met_by_two_means),
        TEST(missed_then_late),
        TEST(starts_back_in_time),
        TEST(report_before_the_grade_counts),
        TEST(report_before_the_graver_one_counts),
        TEST(report_before_the_clock_does_not_count),
        TEST(graver_level_cancels_the_general_clock),
        TEST(each_county_owes_its_own),
        TEST(closing_cancels),
        TEST(daily_report),
        TEST(daily_report_of_a_new_county_and_after_hours),
        TEST(forged_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
