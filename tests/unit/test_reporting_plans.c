/* reporting: which of several adopted plans governs a report. */
#include "reporting_rig.h"

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

static struct filing about(const char *hazard, const char *area, const char *unit)
{
    struct filing f = filing();
    f.hazard = hazard;
    f.area = area;
    f.unit = unit;
    return f;
}

/* The plan by which the report is taken. */
static const char *governed_by(struct world *world, struct filing f)
{
    const Liandong__V1__Receipt *receipt = receipt_after(world, file(world, f));
    if (!receipt->accepted)
        fail_msg("%s: %s", receipt->code, receipt->reason->en);
    return receipt->context->plan;
}

#define COVID   "respiratory.covid-19"
#define LUCHENG "330302", "330302.health"
#define NANHU   "330402", "330402.health"

/* What goes by a plan of its own is not taken by the general one: the reporter learns which. */
static void deferred_to_a_plan_not_adopted(void **state)
{
    const Liandong__V1__Receipt *receipt = refused(*state, about(COVID, LUCHENG), "no-plan");
    assert_string_equal(receipt->reason->en,
                        "by wenzhou-phe 1.3 respiratory.covid-19 goes by the plan wenzhou-ari, "
                        "which is not in force: adopt it");
    assert_non_null(strstr(receipt->reason->zh, "依照预案 wenzhou-ari 处置"));
    assert_string_equal(governed_by(*state, about("cholera", LUCHENG)), "wenzhou-phe");
}

static void several_plans_of_one_city(void **state)
{
    struct world *world = *state;
    world_adopt(world, LIANDONG_SOURCE "/plans/wenzhou-ari.yaml", NULL, 0);
    assert_string_equal(governed_by(world, about(COVID, LUCHENG)), "wenzhou-ari");
    assert_string_equal(governed_by(world, about("cholera", LUCHENG)), "wenzhou-phe");
    assert_string_equal(governed_by(world, about("plague.pneumonic", LUCHENG)), "wenzhou-ari");
    assert_string_equal(governed_by(world, about("plague.bubonic", LUCHENG)), "wenzhou-phe");
    refused(world, about("food", LUCHENG), "no-plan");
}

/* Each city goes by its own plans, whatever the order in which they were adopted. */
static void plans_of_two_cities(void **state)
{
    struct world *world = *state;
    refused(world, about("cholera", NANHU), "unknown-area");
    world_adopt(world, LIANDONG_SOURCE "/plans/jiaxing-phe.yaml", NULL, 0);
    assert_string_equal(governed_by(world, about("cholera", NANHU)), "jiaxing-phe");
    assert_string_equal(governed_by(world, about("cholera", LUCHENG)), "wenzhou-phe");
    refused(world, about(COVID, NANHU), "no-plan");
    world_adopt(world, LIANDONG_SOURCE "/plans/jiaxing-ari.yaml", NULL, 0);
    assert_string_equal(governed_by(world, about(COVID, NANHU)), "jiaxing-ari");
    refused(world, about(COVID, LUCHENG), "no-plan");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(deferred_to_a_plan_not_adopted),
        TEST(several_plans_of_one_city),
        TEST(plans_of_two_cities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
