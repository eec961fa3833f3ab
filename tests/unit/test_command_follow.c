/* command: counties that follow the city, and responses that follow the warning. */
#include "command_world.h"

/* ---- counties ---- */

static int setup_following(void **state)
{
    static const struct world_edit edits[] = {
        {"  county:\n    section: \"6.1.5\"\n",
         "  county:\n    section: \"6.1.5\"\n    follows_city: true\n"}};
    int code = setup(state);
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", edits, 1);
    return code;
}

static int teardown_saved(void **state)
{
    world_survives_snapshots(&world, &command_class);
    return teardown(state);
}

/* The responses that came into force, changed or ended after index: "area level started-by". */
static const char *changes(size_t index)
{
    static char text[1024];
    const response *message;
    text[0] = 0;
    for (size_t i = 0; (message = (const void *)world_after(&world, index, SV_RESPONSE, i)); i++) {
        if (message->state < STATE(ACTIVE) || message->state > STATE(TERMINATED))
            continue;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s %s%s\n", message->area,
                 plan_level_name((int)message->in_force), message->started_by,
                 message->state == STATE(TERMINATED) ? " ended" : "");
    }
    return text;
}

#define SECOND "330381" /* the other county that command_world.h says is affected */

static void counties_follow(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    assert_string_equal(changes(play(incident, "P3 A3 D3")),
                        "3303 III 3303.gov\n330302 III 3303.gov\n330381 III 3303.gov\n");
    size_t index = play(incident, "P2 A2 D2");
    assert_string_equal(changes(index),
                        "3303 II 3303.gov\n330302 II 3303.gov\n330381 II 3303.gov\n");
    const response *county = (const void *)world_after(&world, index, SV_RESPONSE, 2);
    assert_string_equal(county->area, COUNTY);
    assert_string_equal(county->section, "6.1.5");
    assert_int_equal(county->previous, PLAN_III);
    assert_string_equal(changes(play(incident, "P0 A0 D0")),
                        "3303 none 3303.gov ended\n330302 none 3303.gov ended\n"
                        "330381 none 3303.gov ended\n");
}

static void a_county_goes_its_own_way(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3 D3");
    size_t index = decide(
        incident,
        (struct act){.act = PLAN_DECIDE, .level = PLAN_II, .unit = "330302.gov", .area = COUNTY});
    assert_string_equal(changes(index), "330302 II 330302.gov\n");
    assert_string_equal(changes(play(incident, "P1 A1 D1 F1")),
                        "3303 I 3303.gov\n330381 I 3303.gov\n");
    assert_string_equal(changes(play(incident, "P0 A0 D0 F0")),
                        "3303 none 3303.gov ended\n330381 none 3303.gov ended\n");
    index = decide(
        incident,
        (struct act){.act = PLAN_DECIDE, .level = PLAN_NONE, .unit = "330302.gov", .area = COUNTY});
    assert_string_equal(changes(index), "330302 none 330302.gov ended\n");
    /* It has ended: the next response is followed again. */
    assert_string_equal(changes(play(incident, "P3 A3 D3")),
                        "3303 III 3303.gov\n330302 III 3303.gov\n330381 III 3303.gov\n");
}

/* What is demanded of a county holds whatever the city's level is. */
static void a_demand_comes_first(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    decide(incident,
           (struct act){.act = PLAN_ORDER, .level = PLAN_II, .unit = "33.gov", .area = SECOND});
    assert_string_equal(changes(play(incident, "P3 A3 D3")),
                        "3303 III 3303.gov\n330302 III 3303.gov\n");
}

/* Down to what is demanded, no further; and up again. */
static void not_below_a_demand(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3 D3");
    decide(incident,
           (struct act){.act = PLAN_ORDER, .level = PLAN_IV, .unit = "33.gov", .area = SECOND});
    assert_string_equal(changes(play(incident, "P0 A0 D0")),
                        "3303 none 3303.gov ended\n330302 none 3303.gov ended\n"
                        "330381 IV 33.gov\n");
    assert_string_equal(changes(play(incident, "P2 A2 D2")),
                        "3303 II 3303.gov\n330302 II 3303.gov\n330381 II 3303.gov\n");
}

/* A county that is affected while a response is in force follows at once. */
static void a_new_county(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3 D3");
    char third[] = "330303", *counties[] = {third};
    Liandong__V1__Context context = context_of(incident, "reporting");
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    message.context = &context;
    message.action = LIANDONG__V1__INCIDENT__ACTION__JOINED;
    message.area = sv_borrow(CITY);
    message.hazard = sv_borrow(HAZARD);
    message.counties = counties;
    message.n_counties = 1;
    char topic[256];
    snprintf(topic, sizeof topic, "incident/%s/%s", CITY, incident);
    size_t index = world_publish(&world, "reporting", topic, &message.base, 0);
    assert_string_equal(changes(index), "330303 III 3303.gov\n");
}

/* ---- warnings ---- */

static int setup_special(void **state)
{
    int code = setup(state);
    world_adopt(&world, LIANDONG_SOURCE "/tests/unit/data/plan/special.yaml", NULL, 0);
    plan_of_incidents = "special";
    return code;
}

static int teardown_special(void **state)
{
    plan_of_incidents = "wenzhou-phe";
    return teardown_saved(state);
}

static void refused_at(const char *incident, const char *word, const char *reason)
{
    const receipt *answer = receipt_after(decide(incident, act_of(word)));
    assert_false(answer->accepted);
    assert_string_equal(answer->code, "grade-not-reached");
    assert_string_equal(answer->reason->en, reason);
}

/* The health commission suggests, then issues what was suggested; the index of the second. */
static size_t issue(const char *incident, int colour)
{
    size_t index = 0;
    for (int act = PLAN_SUGGEST; act <= PLAN_ISSUE; act += PLAN_ISSUE - PLAN_SUGGEST) {
        index = decide(
            incident,
            (struct act){.act = act, .level = colour, .unit = "3303.health", .of_warning = true});
        assert_true(receipt_after(index)->accepted);
    }
    return index;
}

static void response_follows_warning(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I); /* a grade that this plan does not go by */
    say_warning(incident, SUGGESTED, PLAN_II, PLAN_NONE);
    refused_at(incident, "D3h", /* suggested is not issued */
               "The warning is of no level, which responses follow; nobody may decide level III "
               "before it is reached");
    assert_string_equal(changes(issue(incident, PLAN_III)), "3303 III 3303.health\n");
    refused_at(incident, "D2h",
               "The warning is yellow (III), which responses follow; nobody may decide level II "
               "before it is reached");
    assert_string_equal(changes(issue(incident, PLAN_II)), "3303 II 3303.health\n");
    assert_string_equal(changes(play(incident, "D3h")), "3303 III 3303.health\n");
    assert_string_equal(changes(play(incident, "D2h")), "3303 II 3303.health\n");
    assert_string_equal(changes(issue(incident, PLAN_III)), "3303 III 3303.health\n");
    assert_string_equal(changes(issue(incident, PLAN_NONE)), "3303 none 3303.health ended\n");
}

/* An order from above stands until it is relaxed; a graver warning goes before it. Level I is only
 * ever started by order. */
static void orders_and_warnings(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
    assert_string_equal(changes(issue(incident, PLAN_III)), "3303 III 3303.health\n");
    assert_string_equal(changes(issue(incident, PLAN_I)), "");
    assert_string_equal(
        changes(
            decide(incident, (struct act){.act = PLAN_ORDER, .level = PLAN_I, .unit = "33.gov"})),
        "3303 I 33.gov\n");
    assert_string_equal(changes(issue(incident, PLAN_III)), "");
    assert_string_equal(changes(issue(incident, PLAN_NONE)), "");
}

static void grade_counts_where_it_leads(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_IV);
    say_warning(incident, SUGGESTED, PLAN_I, PLAN_NONE);
    assert_string_equal(receipt_after(decide(incident, act_of("P2")))->code, "grade-not-reached");
}

int main(void)
{
#define FOLLOWING(name) cmocka_unit_test_setup_teardown(name, setup_following, teardown_saved)
    const struct CMUnitTest tests[] = {
        FOLLOWING(counties_follow),
        FOLLOWING(a_county_goes_its_own_way),
        FOLLOWING(a_demand_comes_first),
        FOLLOWING(not_below_a_demand),
        FOLLOWING(a_new_county),
        FOLLOWING(grade_counts_where_it_leads),
        cmocka_unit_test_setup_teardown(response_follows_warning, setup_special, teardown_special),
        cmocka_unit_test_setup_teardown(orders_and_warnings, setup_special, teardown_special),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
