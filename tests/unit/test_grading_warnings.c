/* grading: readings of several places, plans without grades, warnings that are issued as one. */
#include "grading_rig.h"

static const Liandong__V1__Count *first_count(const Liandong__V1__Criterion *criterion)
{
    assert_true(criterion->n_counts > 0);
    return criterion->counts[0];
}

/* ---- readings ---- */

static void adopt_mean(struct rig *rig)
{
    static const struct world_edit edits[] = {
        {"gauge: {measure: excess-over-5y-mean, over: county, at_least: 1}",
         "gauge: {measure: excess-over-5y-mean, over: mean, within: 1d, round: up, at_least: 2, "
         "less_than: 4}"}};
    rig_adopt(rig, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", edits, 1, "wenzhou-phe");
}

static size_t read_at(struct rig *rig, int county, const char *place, double reading, int hour)
{
    return tell(rig, (struct telling){.county = county,
                                      .place = place,
                                      .gauge = "excess-over-5y-mean",
                                      .reading = reading,
                                      .onset_us = hour * LD_US_HOUR});
}

/* The mean of 1.5 at one place is 1.5, rounded up 2; with 0.2 elsewhere 0.85, rounded up 1; what a
 * place reads later takes the place of what it read before; what is a day old counts no more. */
static void mean_over_places(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "3303-measles-20260101-1", "measles");
    adopt_mean(&rig);
    read_at(&rig, LUCHENG, "north", 1.5, 0);
    assert_grade(&rig, PLAN_III, PLAN_III, "3.3(3)");
    const Liandong__V1__Count *count = first_count(grade_now(&rig)->holding[0]);
    assert_true(count->mean && count->rounded_up && count->value == 2);
    assert_string_equal(count->area, "3303");
    assert_int_equal(count->to_us - count->from_us, LD_US_DAY);
    assert_int_equal(count->lapses_us, rig.start_us + LD_US_DAY);
    read_at(&rig, LUCHENG, "south", 0.2, 1);
    assert_grade(&rig, PLAN_III, PLAN_NONE, NULL);
    read_at(&rig, LONGWAN, "", 3.4, 2); /* (1.5 + 0.2 + 3.4) / 3 = 1.7 */
    assert_grade(&rig, PLAN_III, PLAN_III, "3.3(3)");
    assert_int_equal(grade_now(&rig)->holding[0]->report_count, 3);
    read_at(&rig, LUCHENG, "north", 0, 3); /* 3.6 / 3 = 1.2 */
    read_at(&rig, LONGWAN, "", 2.2, 4);    /* 2.4 / 3 = 0.8 */
    assert_grade(&rig, PLAN_III, PLAN_NONE, NULL);
    read_at(&rig, OUHAI, "", 9, 26); /* the others but the last two are a day old: 11.2 / 3 = 3.7 */
    assert_grade(&rig, PLAN_III, PLAN_NONE, NULL);
    read_at(&rig, OUHAI, "", 3, 28); /* all others are a day old */
    assert_grade(&rig, PLAN_III, PLAN_III, "3.3(3)");
    assert_int_equal(grade_now(&rig)->holding[0]->report_count, 1);
    rig_close(&rig);
}

/* A reading taken back lets the one before it count again. */
static void reading_taken_back(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "3303-measles-20260101-1", "measles");
    adopt_mean(&rig);
    tell(&rig, (struct telling){
                   .county = LUCHENG, .gauge = "excess-over-5y-mean", .reading = 1.5, .id = "a"});
    tell(&rig, (struct telling){.county = LUCHENG,
                                .gauge = "excess-over-5y-mean",
                                .reading = 0.1,
                                .onset_us = LD_US_HOUR,
                                .id = "b"});
    assert_grade(&rig, PLAN_III, PLAN_NONE, NULL);
    tell(&rig, (struct telling){
                   .county = LUCHENG, .onset_us = 2 * LD_US_HOUR, .id = "c", .revises = "b"});
    assert_grade(&rig, PLAN_III, PLAN_III, "3.3(3)");
    rig_close(&rig);
}

/* ---- a response that follows its warning ---- */

/* Nothing is graded, and the warning says all. */
static void no_grade(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, "3303-respiratory-20260101-1", "respiratory");
    rig_adopt(&rig, LIANDONG_SOURCE "/tests/unit/data/plan/special.yaml", NULL, 0, "special");
    size_t index = tell(&rig, (struct telling){.county = LUCHENG, .cases = 3});
    assert_null(grade_after(&rig, index));
    const Liandong__V1__Warning *warning = warning_after(&rig, index, 0);
    assert_non_null(warning);
    assert_int_equal(warning->level, PLAN_III);
    assert_string_equal(warning->holding[0]->section, "5.1(3)");
    assert_string_equal(warning->missing[0]->section, "5.1(2)");
    assert_int_equal(warning->merged, PLAN_NONE);
    assert_string_equal(warning->merge_section, "");
    index = tell(&rig, (struct telling){.county = LONGWAN, .cases = 9});
    assert_null(grade_after(&rig, index));
    assert_int_equal(warning_after(&rig, index, 0)->level, PLAN_II);
    rig_close(&rig);
}

/* ---- merging ---- */

/* Speaks of another incident of the same city from now on. */
static void turn_to(struct rig *rig, const char *incident, bool opened)
{
    rig->incident = incident;
    rig->opened = opened;
}

static void adopt_merging(struct rig *rig)
{
    static const struct world_edit edits[] = {
        {"  criteria:\n    - {id: red",
         "  merge: {section: \"5.9\"}\n  county: {section: \"5.8\"}\n  criteria:\n    - {id: red"}};
    rig_adopt(rig, LIANDONG_SOURCE "/tests/unit/data/plan/special.yaml", edits, 1, "special");
}

static void assert_merged(const Liandong__V1__Warning *warning, int level, int merged,
                          const char *with)
{
    assert_non_null(warning);
    assert_int_equal(warning->level, level);
    assert_int_equal(warning->merged, merged);
    assert_string_equal(warning->merge_section, merged == PLAN_NONE ? "" : "5.9");
    assert_string_equal(warning->county_section, "5.8");
    assert_int_equal(warning->n_merged_with, with != NULL);
    if (with)
        assert_string_equal(warning->merged_with[0], with);
}

#define FIRST  "3303-respiratory-20260101-1"
#define SECOND "3303-respiratory-20260101-2"

static void merged_warnings(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, FIRST, "respiratory");
    adopt_merging(&rig);
    size_t index = tell(&rig, (struct telling){.county = LUCHENG, .cases = 3});
    assert_merged(warning_after(&rig, index, 0), PLAN_III, PLAN_III, NULL);
    turn_to(&rig, SECOND, false);
    index = tell(&rig, (struct telling){.county = LONGWAN, .cases = 12});
    assert_merged(warning_after(&rig, index, 0), PLAN_II, PLAN_II, FIRST);
    /* The first is issued together with it now, though its own colour is what it was. */
    const Liandong__V1__Warning *first = warning_after(&rig, index, 1);
    assert_merged(first, PLAN_III, PLAN_II, SECOND);
    assert_string_equal(first->context->incident, FIRST);
    assert_int_equal(first->previous, PLAN_III);
    assert_int_equal(world_count_after(&rig.world, index, SV_WARNING), 2);
    /* The first overtakes the second. */
    turn_to(&rig, FIRST, true);
    index = tell(&rig, (struct telling){.county = LUCHENG, .sign = "spreading"});
    assert_merged(warning_after(&rig, index, 0), PLAN_I, PLAN_I, SECOND);
    assert_merged(warning_after(&rig, index, 1), PLAN_II, PLAN_I, FIRST);
    /* What changes nothing for the others is said of one alone. */
    turn_to(&rig, SECOND, true);
    index = tell(&rig, (struct telling){.county = LONGWAN, .onset_us = 9 * LD_US_DAY, .cases = 1});
    assert_merged(warning_after(&rig, index, 0), PLAN_III, PLAN_I, FIRST);
    assert_int_equal(world_count_after(&rig.world, index, SV_WARNING), 1);
    rig_close(&rig);
}

static size_t close_told(struct rig *rig, const char *incident)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    context.plan_hash = sv_borrow(rig->plan->hash);
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    message.context = &context;
    message.action = LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    message.area = sv_borrow("3303");
    message.hazard = sv_borrow(rig->hazard);
    snprintf(topic, sizeof topic, "incident/3303/%s", incident);
    return world_publish(&rig->world, "reporting", topic, &message.base, 0);
}

static void merged_until_closed(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, FIRST, "respiratory");
    adopt_merging(&rig);
    tell(&rig, (struct telling){.county = LUCHENG, .cases = 12});
    turn_to(&rig, SECOND, false);
    size_t index = tell(&rig, (struct telling){.county = LONGWAN, .cases = 1});
    assert_merged(warning_after(&rig, index, 0), PLAN_III, PLAN_II, FIRST);
    assert_int_equal(world_count_after(&rig.world, index, SV_WARNING), 1);
    index = close_told(&rig, FIRST);
    assert_merged(warning_after(&rig, index, 0), PLAN_III, PLAN_III, NULL);
    assert_int_equal(world_count_after(&rig.world, index, SV_WARNING), 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_over_places),
        cmocka_unit_test(reading_taken_back),
        cmocka_unit_test(no_grade),
        cmocka_unit_test(merged_warnings),
        cmocka_unit_test(merged_until_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
