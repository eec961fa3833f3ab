/* A plan that takes sections from a general one: what arrives, how it is cited, what falls out, and
 * where mistakes are told. */
#include "plan_sample.h"

#include <timefmt.h>

static struct plan_bundle bundle;
static struct plan *special;
static struct ld_buffer found;

static int set_up(void **state)
{
    (void)state;
    bundle = sample_read(SAMPLE_FOLDER "special.yaml");
    assert_ok(plan_load(bundle.files, bundle.count, &special, NULL, &test_error));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plan_free(special);
    plan_bundle_free(&bundle);
    ld_buffer_free(&found);
    return 0;
}

static void test_bundle(void **state)
{
    (void)state;
    assert_int_equal(bundle.count, 10);
    assert_string_equal(bundle.files[7].name, "vocabulary/units.yaml");
    assert_string_equal(bundle.files[8].name, "sample.yaml");
    assert_string_equal(bundle.files[9].name, "special.yaml");
}

static void test_what_is_taken(void **state)
{
    (void)state;
    assert_string_equal(special->id, "special");
    assert_string_equal(special->general, "sample");
    assert_string_equal(special->general_section, "1.4");
    assert_string_equal(special->reporting_section, "sample 5.2.2");
    assert_string_equal(special->clocks[0].section, "sample 5.2.3");
    assert_string_equal(special->groups[0].section, "sample 4.2.2(2)");
    assert_string_equal(special->orders.section, "sample 4.4.1(4)");
    assert_string_equal(special->supplies.section, "sample 8.3.2");
    assert_string_equal(special->aftercare[0].section, "sample 7.1");
    assert_string_equal(special->organisation[PLAN_II].section, "sample 6.2.3");
    assert_string_equal(special->organisation[PLAN_II].press.section, "sample 6.3.1(8)");
    /* and what is not */
    assert_string_equal(special->scope_section, "1.3");
    assert_string_equal(special->notices.section, "6.4");
    assert_string_equal(special->procedure.lower[0].section, "6.2");
    assert_string_equal(special->warnings[0].section, "5.1(1)");
}

static void test_duties_are_cited(void **state)
{
    (void)state;
    static const char *const SECTIONS[] = {"sample annex row 1",
                                           "sample annex row 2",
                                           "sample annex row 2",
                                           "sample annex row 3",
                                           "6.5",
                                           "sample 4.2.2(2)",
                                           "sample 4.2.2(9)"};
    /* a.1.2 is for plague, which this plan does not have: it falls out. own.1 is its own, and
     * stands for the measures of the general plan. */
    assert_int_equal(special->duty_count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(special->duties[i].section, SECTIONS[i]);
        assert_string_not_equal(special->duties[i].id, "a.1.2");
    }
    const struct plan_member *health = &special->members[plan_find_member(special, "3303.health")];
    assert_int_equal(health->duty_count, 4);
}

/* The general plan has a level IV, this one has not: level III then inherits from its entry. */
static void test_levels(void **state)
{
    (void)state;
    assert_int_equal(special->levels, 1 << PLAN_I | 1 << PLAN_II | 1 << PLAN_III);
    assert_int_equal(special->clocks[1].levels, special->levels);
    assert_string_equal(special->organisation[PLAN_III].commander.en, "Deputy mayor");
    assert_string_equal(special->organisation[PLAN_IV].section, "");
    assert_int_equal(special->duties[0].from, PLAN_IV);
}

static void test_follows_warning(void **state)
{
    (void)state;
    assert_true(special->procedure.follows_warning);
    assert_int_equal(special->criterion_count, 0);
    assert_int_equal(special->warning_count, 3);
    assert_null(plan_rule_for(special->procedure.start, special->procedure.start_count, PLAN_I));
}

/* ---- mistakes ---- */

static void check_told(const char *name, const char *find, const char *replace,
                       const char *expected)
{
    char *edited = sample_replace(sample_file(&bundle, name)->content, find, replace);
    int code = sample_check_with(&bundle, name, edited, strlen(edited), &found);
    assert_string_equal(ld_buffer_string(&found), expected);
    assert_int_equal(code, *expected ? LD_INVALID : LD_OK);
    free(edited);
}

static void test_mistakes_here(void **state)
{
    (void)state;
    static const char SECTIONS[] = "[reporting, organisation,";
    check_told("special.yaml", SECTIONS, "[scope, reporting, organisation,",
               "special.yaml:12:14: sections: found \"scope\"; expected one of: warnings, "
               "reporting, organisation, groups, duties, orders, notices, supplies, aftercare\n");
    check_told("special.yaml", SECTIONS, "[reporting, reporting, organisation,",
               "special.yaml:12:25: sections: \"reporting\" stands twice\n");
    check_told("special.yaml", SECTIONS, "[reporting, notices, organisation,",
               "special.yaml:37:3: notices: given here, but also taken from the general plan; "
               "keep one\n");
    check_told("special.yaml", "section: \"6.5\"", "row: 9, section: \"6.5\"",
               "special.yaml:35:5: row: the rows are taken from the general plan; what is given "
               "beside them are measures, without row\n");
    check_told("special.yaml", "id: own.1", "id: a.1.1",
               "special.yaml:35:64: duty \"a.1.1\" stands twice\n");
    check_told("special.yaml", SECTIONS, "[organisation,",
               "special.yaml:3:1: missing key \"reporting\"\n");
    check_told("special.yaml", "  section: \"1.4\"\n", "",
               "special.yaml:10:3: missing key \"section\"\n");
    check_told(
        "special.yaml", "  plan: sample\n", "  plans: sample\n",
        "special.yaml:10:3: unknown key \"plans\"; expected one of: plan, section, sections, "
        "reading\n"
        "special.yaml:10:3: missing key \"plan\"\n");
    check_told("special.yaml", "  plan: sample\n", "  plan: general\n",
               "sample.yaml:1:1: no file of the vocabulary; expected areas, channels, hazards, "
               "items, measures, reserves, signs, units (.yaml), or the general plan's\n"
               "special.yaml:10:9: the file \"general.yaml\" of the general plan is missing; it "
               "stands beside this one\n");
}

static void test_mistakes_there(void **state)
{
    (void)state;
    check_told("sample.yaml", "plan: sample\n", "plan: simple\n",
               "sample.yaml:2:7: plan: expected \"sample\", as the file is named\n");
    check_told("sample.yaml", "area: \"3303\"", "area: \"3304\"",
               "sample.yaml:6:7: area: a general plan is of the same area as the plan that takes "
               "from it\n");
    check_told("sample.yaml", "title: {zh: 样例预案", "general: {}\ntitle: {zh: 样例预案",
               "sample.yaml:3:10: general: a general plan has no general plan itself\n");
    check_told("sample.yaml", "escalate_to: 3303.gov", "escalate_to: 3303.mayor",
               "sample.yaml:177:16: unknown unit \"3303.mayor\"; vocabulary/units.yaml lists what "
               "there is\n");
    check_told("sample.yaml", "aftercare:\n", "afterwards:\n",
               "special.yaml:12:73: sections: the general plan has no section \"aftercare\"\n");
    check_told("sample.yaml", "grading:\n", "grades:\n", ""); /* is not read */
}

/* ---- a response that follows its warning ---- */

static void test_without_grade(void **state)
{
    (void)state;
    check_told("special.yaml", "  follows: warning\n", "",
               "special.yaml:3:1: missing key \"grading\"\n");
    check_told("special.yaml", "  follows: warning\n", "  follows: grade\n",
               "special.yaml:3:1: missing key \"grading\"\n");
    check_told("special.yaml", "level: III, section: \"5.1(3)\"", "level: II, section: \"5.1(3)\"",
               "special.yaml:19:5: no criterion for level III\n");
    check_told("special.yaml", "levels: [I], by: [33.gov]", "levels: [II], by: [33.gov]",
               "special.yaml:29:5: start: no rule for level I\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle),           cmocka_unit_test(test_what_is_taken),
        cmocka_unit_test(test_duties_are_cited), cmocka_unit_test(test_levels),
        cmocka_unit_test(test_follows_warning),  cmocka_unit_test(test_mistakes_here),
        cmocka_unit_test(test_mistakes_there),   cmocka_unit_test(test_without_grade),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
