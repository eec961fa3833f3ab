/*
 * grading: the Broad Street outbreak whole, each boundary of the classes, windows to the
 * microsecond, counties, late and corrected reports, designations.
 */
#include "forge.h"
#include "grading_rig.h"

#include <math.h>

/* ---- the outbreak ---- */

static const int BROAD_STREET[] = {1,  1,  1,  0,  1,  1,  0,  1, 1, 1, 1, 8, 56, 143, 116,
                                   54, 46, 36, 20, 28, 12, 11, 5, 5, 1, 3, 0, 1,  4,   2,
                                   3,  0,  0,  2,  1,  1,  1,  1, 1, 1, 0, 0, 0};

static void broad_street(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    int level_of_day[43], suggested_of_day[43];
    for (int day = 0; day < 43; day++) {
        tell(&rig, (struct telling){.onset_us = day * LD_US_DAY, .cases = BROAD_STREET[day]});
        level_of_day[day] = (int)grade_now(&rig)->level;
        suggested_of_day[day] = (int)grade_now(&rig)->suggested;
        if (day == 0)
            assert_grade(&rig, 4, 4, "3.4(1)");
        if (day == 11)
            assert_grade(&rig, 3, 3, "3.3(2)");
        if (day == 12)
            assert_grade(&rig, 2, 2, "3.2(2)");
    }
    for (int day = 0; day < 43; day++)
        assert_int_equal(level_of_day[day], day < 11 ? 4 : day < 12 ? 3 : 2);
    assert_int_equal(suggested_of_day[23], 2); /* 117 cases in the week to day 24 */
    assert_int_equal(suggested_of_day[25], 2); /* 37: days 20 to 26 */
    assert_int_equal(suggested_of_day[42], 4); /* 3 in the last week */
    rig_close(&rig);
}

static void reason_is_complete(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    for (int day = 0; day < 11; day++)
        tell(&rig, (struct telling){.onset_us = day * LD_US_DAY, .cases = BROAD_STREET[day]});
    size_t index = tell(&rig, (struct telling){.onset_us = 11 * LD_US_DAY, .cases = 8});
    const Liandong__V1__Grade *grade = grade_after(&rig, index);
    assert_int_equal(grade->previous, 4);
    assert_string_equal(grade->context->incident, INCIDENT);
    assert_string_equal(grade->context->author, "grading");
    assert_string_equal(grade->context->plan_hash, rig.plan->hash);
    assert_int_equal(grade->context->causation, rig.world.all[index].record.sequence);
    assert_int_equal(grade->n_counties, 1);
    assert_string_equal(grade->counties[0], "330302");
    assert_int_equal(grade->as_of_us, rig.start_us + 11 * LD_US_DAY);
    const Liandong__V1__Criterion *criterion = grade->holding[0];
    const Liandong__V1__Count *count = criterion->counts[0];
    assert_true(count->value == 13 && count->holds && count->at_least == 10);
    assert_true(count->has_at_most && count->at_most == 29);
    assert_string_equal(count->measure, "cases");
    assert_string_equal(count->area, "330302");
    assert_int_equal(count->to_us, rig.start_us + 11 * LD_US_DAY);
    assert_int_equal(count->from_us, rig.start_us + 4 * LD_US_DAY);
    /* days 6, 8, 9, 10, 11 and 12; day 5 lies on the open edge, day 7 had none */
    const uint64_t reports[] = {6, 8, 9, 10, 11, 12};
    assert_int_equal(criterion->report_count, 6);
    assert_int_equal(criterion->n_reports, 6);
    assert_memory_equal(criterion->reports, reports, sizeof reports);
    assert_true(grade->n_missing > 0);
    for (size_t i = 0; i < grade->n_missing; i++)
        assert_int_equal(grade->missing[i]->level, 2);
    assert_string_equal(grade->missing[0]->section, "3.2(2)");
    assert_true(grade->missing[0]->counts[0]->value == 13);
    assert_true(grade->missing[0]->counts[0]->at_least == 30);
    assert_false(grade->missing[0]->counts[0]->holds);
    const Liandong__V1__Warning *warning =
        (const void *)world_after(&rig.world, index, SV_WARNING, 0);
    assert_int_equal(warning->state, LIANDONG__V1__WARNING__STATE__SUGGESTED);
    assert_int_equal(warning->level, 3);
    assert_int_equal(warning->previous, 4);
    rig_close(&rig);
}

static void newest_reports_are_listed(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    for (int i = 0; i < 29; i++)
        tell(&rig, (struct telling){.onset_us = i, .cases = 1});
    for (int i = 0; i < 100; i++)
        tell(&rig, (struct telling){.county = LONGWAN, .onset_us = i, .cases = 1});
    const Liandong__V1__Criterion *criterion = grade_now(&rig)->holding[0];
    assert_string_equal(criterion->section, "3.2(2)");
    assert_true(criterion->report_count >= 30 && criterion->n_reports <= 64);
    rig_close(&rig);
}

/* ---- boundaries ---- */

static void class_boundaries(void **state)
{
    static const struct {
        int cases, level;
        const char *section;
    } classes[] = {{1, 4, "3.4(1)"},  {9, 4, "3.4(1)"},  {10, 3, "3.3(2)"},
                   {29, 3, "3.3(2)"}, {30, 2, "3.2(2)"}, {1000, 2, "3.2(2)"}};
    (void)state;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        struct rig rig;
        rig_open(&rig, INCIDENT, "cholera");
        tell(&rig, (struct telling){.cases = classes[i].cases});
        assert_grade(&rig, classes[i].level, classes[i].level, classes[i].section);
        rig_close(&rig);
    }
}

static void window_is_seven_days_sharp(void **state)
{
    static const struct {
        int64_t second_us;
        int level;
    } cases[] = {{7 * LD_US_DAY - 1, 3}, {7 * LD_US_DAY, 4}, {7 * LD_US_DAY + 1, 4}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct rig rig;
        rig_open(&rig, INCIDENT, "cholera");
        tell(&rig, (struct telling){.cases = 5});
        tell(&rig, (struct telling){.onset_us = cases[i].second_us, .cases = 5});
        assert_int_equal(grade_now(&rig)->level, cases[i].level);
        rig_close(&rig);
    }
}

static void two_counties(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.county = LUCHENG, .cases = 1});
    size_t second =
        tell(&rig, (struct telling){.county = LONGWAN, .onset_us = 7 * LD_US_DAY, .cases = 1});
    assert_grade(&rig, 4, 4, "3.4(1)"); /* never both in one week */
    assert_int_equal(grade_after(&rig, second)->n_counties, 2);
    tell(&rig, (struct telling){.county = LUCHENG, .onset_us = 8 * LD_US_DAY, .cases = 1});
    assert_grade(&rig, 3, 3, "3.3(2)");
    rig_close(&rig);
}

static void counts_are_per_county(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    for (int i = 0; i < 3; i++)
        tell(&rig, (struct telling){.county = i, .cases = 9});
    /* 27 in the city: III by two counties, no county has 10 */
    const Liandong__V1__Grade *grade = grade_now(&rig);
    assert_int_equal(grade->level, 3);
    assert_false(grade->holding[0]->counts[0]->holds);
    assert_true(grade->holding[0]->counts[0]->value == 9);
    tell(&rig, (struct telling){.county = -1, .cases = 3}); /* the city's own: no county, but 30 */
    assert_grade(&rig, 2, 2, "3.2(2)");
    assert_int_equal(grade_now(&rig)->n_counties, 3);
    rig_close(&rig);
}

/* ---- going up and down ---- */

static void level_never_falls_by_itself(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.cases = 30});
    size_t index = tell(&rig, (struct telling){.onset_us = 7 * LD_US_DAY, .cases = 9});
    const Liandong__V1__Grade *grade = grade_after(&rig, index);
    assert_int_equal(grade->level, 2);
    assert_int_equal(grade->suggested, 4);
    index = tell(&rig, (struct telling){.onset_us = 20 * LD_US_DAY});
    grade = grade_after(&rig, index);
    assert_int_equal(grade->level, 2);
    assert_int_equal(grade->suggested, 0);
    assert_int_equal(grade->n_holding, 0);
    assert_int_equal(world_count_after(&rig.world, index, SV_WARNING), 0);
    rig_close(&rig);
}

static void silent_when_nothing_changes(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.cases = 1});
    size_t index = tell(&rig, (struct telling){.onset_us = 1, .cases = 1});
    assert_int_equal(world_count_after(&rig.world, index, SV_GRADE), 0);
    index = tell(&rig, (struct telling){.county = OUHAI, .onset_us = 2});
    assert_int_equal(world_count_after(&rig.world, index, SV_GRADE), 1); /* a county more */
    rig_close(&rig);
}

static void late_report_fills_a_window_of_the_past(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.onset_us = 0, .cases = 9});
    tell(&rig, (struct telling){.onset_us = 5 * LD_US_DAY, .cases = 9});
    tell(&rig, (struct telling){.onset_us = 30 * LD_US_DAY, .cases = 1});
    assert_grade(&rig, 3, 4, "3.4(1)");
    /* day 3: with days 0 and 5 that makes 30 in one week, long ago */
    size_t index = tell(&rig, (struct telling){.onset_us = 3 * LD_US_DAY, .cases = 12});
    const Liandong__V1__Grade *grade = grade_after(&rig, index);
    assert_int_equal(grade->level, 2);
    assert_int_equal(grade->suggested, 4);
    assert_string_equal(grade->holding[0]->section, "3.2(2)");
    assert_true(grade->holding[0]->counts[0]->value == 30);
    assert_int_equal(grade->holding[0]->counts[0]->to_us, rig.start_us + 5 * LD_US_DAY);
    assert_int_equal(grade->as_of_us, rig.start_us + 30 * LD_US_DAY);
    rig_close(&rig);
}

static void correction_replaces(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.id = "a", .cases = 30});
    assert_grade(&rig, 2, 2, "3.2(2)");
    tell(&rig, (struct telling){.id = "b", .revises = "a", .cases = 3});
    assert_grade(&rig, 2, 4, "3.4(1)");
    tell(&rig, (struct telling){.id = "c", .onset_us = 1, .cases = 7});
    assert_grade(&rig, 2, 3, "3.3(2)");
    tell(&rig, (struct telling){.id = "d", .onset_us = 1, .revises = "c"});
    assert_grade(&rig, 2, 4, "3.4(1)");
    rig_close(&rig);
}

/* ---- facts ---- */

static void designation_by_the_right_unit_only(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.cases = 1});
    designate(&rig, "3303.education", 3);
    designate(&rig, "3303.gov", 2); /* II is for the province to designate */
    assert_grade(&rig, 4, 4, "3.4(1)");
    designate(&rig, "3303.gov", 3);
    const Liandong__V1__Grade *grade = grade_now(&rig);
    assert_int_equal(grade->level, 3);
    assert_string_equal(grade->holding[0]->section, "3.3(7)");
    designate(&rig, "33.gov", 2);
    assert_string_equal(grade_now(&rig)->holding[0]->section, "3.2(10)");
    rig_close(&rig);
}

static void signs_stand_until_lifted(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "3303-unknown-illness-20260101-1", "unknown-illness");
    tell(&rig, (struct telling){.cases = 1});
    assert_grade(&rig, 3, 3, "3.3(4)");
    tell(&rig, (struct telling){.onset_us = 1, .sign = "spreading"});
    assert_grade(&rig, 1, 1, "3.1(2)");
    assert_int_equal(grade_now(&rig)->n_missing, 0);
    tell(&rig, (struct telling){.county = LONGWAN, .onset_us = 2, .lifted = "spreading"});
    assert_grade(&rig, 1, 1, "3.1(2)"); /* another county cannot lift it */
    tell(&rig, (struct telling){.onset_us = 3, .lifted = "spreading"});
    assert_int_equal(grade_now(&rig)->suggested, 3);
    rig_close(&rig);
}

static void incubation_and_places(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "3303-plague.bubonic-20260101-1", "plague.bubonic");
    tell(&rig, (struct telling){.cases = 10, .place = "east quay"});
    assert_grade(&rig, 2, 2, "3.2(1)");
    tell(&rig, (struct telling){.onset_us = 6 * LD_US_DAY - 1, .cases = 10, .place = "east quay"});
    assert_grade(&rig, 2, 2, "3.2(1)"); /* 20, but at one place */
    tell(&rig, (struct telling){.onset_us = 6 * LD_US_DAY - 1, .cases = 1, .place = "west quay"});
    assert_grade(&rig, 1, 1, "3.1(1)");
    rig_close(&rig);
}

static void gauges_count_by_their_latest(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "3303-measles-20260101-1", "measles");
    tell(&rig, (struct telling){.cases = 1, .gauge = "excess-over-5y-mean", .reading = 0.9});
    assert_grade(&rig, 0, 0, NULL);
    tell(&rig, (struct telling){.onset_us = 5, .gauge = "excess-over-5y-mean", .reading = 1});
    assert_grade(&rig, 3, 3, "3.3(3)");
    size_t index = tell(&rig, (struct telling){.onset_us = 4, .gauge = "excess-over-5y-mean"});
    assert_int_equal(world_count_after(&rig.world, index, SV_GRADE), 0); /* an older reading */
    tell(&rig, (struct telling){.onset_us = 6, .gauge = "excess-over-5y-mean", .reading = 0.2});
    assert_grade(&rig, 3, 0, NULL);
    rig_close(&rig);
}

/* ---- what it must ignore ---- */

static void nonsense_changes_nothing(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    size_t index = designate(&rig, "3303.gov", 1); /* no incident yet */
    rig.opened = true;
    tell(&rig, (struct telling){.cases = 5}); /* joined, but never opened */
    Liandong__V1__Incident empty = LIANDONG__V1__INCIDENT__INIT;
    world_publish(&rig.world, "reporting", "incident/3303/x", &empty.base, 0);
    assert_int_equal(
        sv_sim_publish(rig.world.sim, "reporting", "incident/3303/x", "\xff\xff", 2, 0, NULL, NULL),
        LD_OK);
    assert_int_equal(world_count_after(&rig.world, index, SV_GRADE), 0);
    rig.opened = false;
    tell(&rig, (struct telling){.cases = NAN});
    tell(&rig, (struct telling){.cases = -5});
    tell(&rig, (struct telling){.cases = 1e300});
    tell(&rig, (struct telling){.cases = 2.5});
    assert_grade(&rig, 0, 0, NULL);
    rig_close(&rig);
}

static void forged_snapshots(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, "3303-plague.bubonic-20260101-1", "plague.bubonic");
    for (int i = 0; i < 20; i++)
        tell(&rig, (struct telling){.county = i % 3,
                                    .onset_us = i * 20 * LD_US_HOUR,
                                    .cases = i,
                                    .place = "quay",
                                    .sign = i == 3 ? "imported" : NULL});
    designate(&rig, "3303.gov", 3);
    survives_forgery(&rig.world, &grading_class);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broad_street),
        cmocka_unit_test(reason_is_complete),
        cmocka_unit_test(newest_reports_are_listed),
        cmocka_unit_test(class_boundaries),
        cmocka_unit_test(window_is_seven_days_sharp),
        cmocka_unit_test(two_counties),
        cmocka_unit_test(counts_are_per_county),
        cmocka_unit_test(level_never_falls_by_itself),
        cmocka_unit_test(silent_when_nothing_changes),
        cmocka_unit_test(late_report_fills_a_window_of_the_past),
        cmocka_unit_test(correction_replaces),
        cmocka_unit_test(designation_by_the_right_unit_only),
        cmocka_unit_test(signs_stand_until_lifted),
        cmocka_unit_test(incubation_and_places),
        cmocka_unit_test(gauges_count_by_their_latest),
        cmocka_unit_test(nonsense_changes_nothing),
        cmocka_unit_test(forged_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
