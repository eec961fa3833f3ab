/*
 * command: what the response events say, step by step; counties, orders from above, decisions
 * against; drills beside the real thing; and a core that is saved and loaded at every event.
 */
#include "command_world.h"
#include "rerun.h"

/* ---- what the responses say ---- */

static const char *const state_names[] = {"",           "PROPOSED",   "ASSESSED", "DECIDED",
                                          "APPROVED",   "FILED",      "ACTIVE",   "ADJUSTED",
                                          "TERMINATED", "NOT_STARTED"};

static void append_list(char *line, size_t size, const char *name, char **items, size_t count)
{
    size_t used = strlen(line);
    used += (size_t)snprintf(line + used, size - used, "; %s", name);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(line + used, size - used, "%c%s", i ? ',' : '=', items[i]);
}

/* The whole message in one line; the context and the affected counties are checked here. */
static void line_of_response(char *line, size_t size, const response *message, size_t index)
{
    assert_string_equal(message->context->author, "command");
    assert_string_equal(message->context->plan, "wenzhou-phe");
    assert_int_equal(strlen(message->context->plan_hash), PLAN_HASH_HEX);
    assert_int_equal(message->context->causation, world.all[index].record.sequence);
    assert_string_equal(message->hazard, HAZARD);
    assert_int_equal(message->n_counties, 2);
    bool now = message->in_force_since_us == world.all[index].record.time_us;
    snprintf(line, size, "%s %s: %s was %s in force %s%s by=%s started=%s [%s] commander=%s",
             message->area, state_names[message->state], plan_level_name((int)message->level),
             plan_level_name((int)message->previous), plan_level_name((int)message->in_force),
             message->in_force_since_us == 0 ? ""
             : now                           ? " (now)"
                                             : " (before)",
             message->by, message->started_by, message->section,
             message->commander ? message->commander->en : "");
    append_list(line, size, "groups", message->groups, message->n_groups);
    append_list(line, size, message->next, message->next_by, message->n_next_by);
}

static void expect_responses(size_t index, const char *const *expected)
{
    size_t count = 0;
    for (; expected[count]; count++) {
        const response *message = (const void *)world_after(&world, index, SV_RESPONSE, count);
        assert_non_null(message);
        char line[1024];
        line_of_response(line, sizeof line, message, index);
        assert_string_equal(line, expected[count]);
    }
    assert_int_equal(world_count_after(&world, index, SV_RESPONSE), count);
}
#define EXPECT(index, ...) expect_responses(index, (const char *const[]){__VA_ARGS__, NULL})

#define ALL_GROUPS "; groups=office,control,medical,publicity,supplies,supervision"
#define NOBODY     "commander=; groups"
#define FOURTH     "commander=Deputy mayor in charge; groups"
#define DEPUTY     "commander=Deputy mayor in charge" ALL_GROUPS
#define EXECUTIVE  "commander=Executive deputy mayor" ALL_GROUPS
#define MAYOR      "commander=Mayor" ALL_GROUPS

static void test_responses(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    EXPECT(play(incident, "A3"), "3303 ASSESSED: III was none in force none by=3303.health-experts "
                                 "started= [6.1, 6.1.3] " NOBODY "; propose=3303.health");
    EXPECT(play(incident, "P3"),
           "3303 PROPOSED: III was none in force none by=3303.health started= [6.1, 6.1.3] " NOBODY
           "; decide=3303.gov");
    EXPECT(play(incident, "D3"),
           "3303 DECIDED: III was none in force none by=3303.gov started= [6.1, 6.1.3] " NOBODY
           "; ",
           "3303 ACTIVE: III was none in force III (now) by=3303.gov started=3303.gov [6.1, "
           "6.1.3] " DEPUTY "; ");
    minute_passes();
    EXPECT(play(incident, "P1"),
           "3303 PROPOSED: I was III in force III (before) by=3303.health started=3303.gov [6.1, "
           "6.1.1] " DEPUTY "; assess=3303.health-experts");
    EXPECT(play(incident, "A1"),
           "3303 ASSESSED: I was III in force III (before) by=3303.health-experts started=3303.gov "
           "[6.1, 6.1.1] " DEPUTY "; decide=3303.gov");
    EXPECT(play(incident, "D1"), "3303 DECIDED: I was III in force III (before) by=3303.gov "
                                 "started=3303.gov [6.1, 6.1.1] " DEPUTY "; file=3303.gov");
    EXPECT(
        play(incident, "F1"),
        "3303 FILED: I was III in force III (before) by=3303.gov started=3303.gov [6.1, "
        "6.1.1] " DEPUTY "; ",
        "3303 ADJUSTED: I was III in force I (now) by=3303.gov started=3303.gov [6.1, 6.1.1] " MAYOR
        "; ");
    minute_passes();
    EXPECT(play(incident, "P4"),
           "3303 PROPOSED: IV was I in force I (before) by=3303.health started=3303.gov [6.4.1, "
           "6.4.3(1)] " MAYOR "; assess=3303.health-experts");
    EXPECT(play(incident, "a4"),
           "3303 NOT_STARTED: IV was I in force I (before) by=3303.health-experts started=3303.gov "
           "[6.4.1, 6.4.3(1)] " MAYOR "; ");
    EXPECT(play(incident, "P4 A4 D4"),
           "3303 DECIDED: IV was I in force I (before) by=3303.gov started=3303.gov [6.4.1, "
           "6.4.3(1)] " MAYOR "; file=3303.gov");
    EXPECT(play(incident, "F4"),
           "3303 FILED: IV was I in force I (before) by=3303.gov started=3303.gov [6.4.1, "
           "6.4.3(1)] " MAYOR "; ",
           "3303 ADJUSTED: IV was I in force IV (now) by=3303.gov started=3303.gov [6.4.1, "
           "6.4.3(1)] " FOURTH "; ");
    EXPECT(play(incident, "A0"),
           "3303 ASSESSED: none was IV in force IV (now) by=3303.health-experts started=3303.gov "
           "[6.4.2, 6.4.3(3)] " FOURTH "; decide=3303.health");
    EXPECT(play(incident, "D0h"),
           "3303 DECIDED: none was IV in force IV (now) by=3303.health started=3303.gov [6.4.2, "
           "6.4.3(3)] " FOURTH "; file=3303.health");
    EXPECT(play(incident, "F0h"),
           "3303 FILED: none was IV in force IV (now) by=3303.health started=3303.gov [6.4.2, "
           "6.4.3(3)] " FOURTH "; ",
           "3303 TERMINATED: none was IV in force none by=3303.health started=3303.gov [6.4.2, "
           "6.4.3(3)] " NOBODY "; ");
}
struct county_case {
    struct act act;
    const char *code;
    const char *lines[3];
};

static const struct county_case county_cases[] = {
    {{.act = PLAN_DECIDE, .level = PLAN_IV, .unit = "330302.gov", .area = COUNTY},
     "accepted",
     {"330302 DECIDED: IV was none in force none by=330302.gov started= [6.1.5] " NOBODY "; ",
      "330302 ACTIVE: IV was none in force IV (now) by=330302.gov started=330302.gov "
      "[6.1.5] " NOBODY "; "}},
    {{.act = PLAN_ORDER, .level = PLAN_III, .unit = "3303.gov", .area = COUNTY},
     "accepted",
     {"330302 ADJUSTED: III was IV in force III (now) by=3303.gov started=3303.gov [6.1.5] " NOBODY
      "; "}},
    {{.act = PLAN_DECIDE, .level = PLAN_IV, .unit = "330302.gov", .area = COUNTY},
     "below-demanded",
     {NULL}},
    {{.act = PLAN_DECIDE, .level = PLAN_NONE, .unit = "330302.gov", .area = COUNTY},
     "below-demanded",
     {NULL}},
    {{.act = PLAN_ORDER, .level = PLAN_IV, .unit = "33.gov", .area = COUNTY},
     "below-demanded",
     {NULL}},
    {{.act = PLAN_DECIDE, .level = PLAN_II, .unit = "330302.gov", .area = COUNTY},
     "accepted",
     {"330302 DECIDED: II was III in force III (before) by=330302.gov started=3303.gov "
      "[6.1.5] " NOBODY "; ",
      "330302 ADJUSTED: II was III in force II (now) by=330302.gov started=330302.gov "
      "[6.1.5] " NOBODY "; "}},
    {{.act = PLAN_DECIDE, .level = PLAN_III, .unit = "330302.gov", .area = COUNTY},
     "accepted",
     {"330302 DECIDED: III was II in force II (before) by=330302.gov started=330302.gov "
      "[6.1.5] " NOBODY "; ",
      "330302 ADJUSTED: III was II in force III (now) by=330302.gov started=330302.gov "
      "[6.1.5] " NOBODY "; "}},
    {{.act = PLAN_ORDER, .level = PLAN_III, .unit = "3303.gov", .area = COUNTY},
     "already-in-force",
     {NULL}},
    {{.act = PLAN_ORDER, .level = PLAN_NONE, .unit = "3303.gov", .area = COUNTY},
     "accepted",
     {NULL}},
    {{.act = PLAN_ORDER, .level = PLAN_NONE, .unit = "3303.gov", .area = COUNTY},
     "started-by-other",
     {NULL}},
    {{.act = PLAN_DECIDE, .level = PLAN_NONE, .unit = "330302.gov", .area = COUNTY},
     "accepted",
     {"330302 DECIDED: none was III in force III (before) by=330302.gov started=330302.gov "
      "[6.1.5] " NOBODY "; ",
      "330302 TERMINATED: none was III in force none by=330302.gov started=330302.gov "
      "[6.1.5] " NOBODY "; "}},
    {{.act = PLAN_ORDER, .level = PLAN_II, .unit = "33.gov", .area = COUNTY},
     "accepted",
     {"330302 ACTIVE: II was none in force II (now) by=33.gov started=33.gov [6.1.5] " NOBODY
      "; "}},
    {{.act = PLAN_ORDER, .level = PLAN_III, .unit = "33.gov", .area = COUNTY},
     "accepted",
     {"330302 ADJUSTED: III was II in force III (now) by=33.gov started=33.gov [6.1.5] " NOBODY
      "; "}},
    {{.act = PLAN_ORDER, .level = PLAN_NONE, .unit = "33.gov", .area = COUNTY},
     "accepted",
     {"330302 TERMINATED: none was III in force none by=33.gov started=33.gov [6.1.5] " NOBODY
      "; "}},
};

/* A county decides for itself, but not below what is demanded of it (6.1.5). */
static void test_county(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_NONE);
    for (size_t i = 0; i < sizeof county_cases / sizeof *county_cases; i++) {
        minute_passes();
        size_t index = decide(incident, county_cases[i].act);
        assert_string_equal(receipt_after(index)->code, county_cases[i].code);
        expect_responses(index, county_cases[i].lines);
    }
}

/* What a higher level orders starts at once, and is theirs to adjust and end (6.1, 6.4.2). */
static void test_orders(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_IV);
    play(incident, "A4 D4h");
    EXPECT(play(incident, "O1"),
           "3303 ACTIVE: I was none in force I (now) by=33.gov started=33.gov [6.1] " MAYOR "; ");
    minute_passes();
    EXPECT(play(incident, "O3"), "3303 ADJUSTED: III was I in force III (now) by=33.gov "
                                 "started=33.gov [6.4.1, 6.4.3(1)] " DEPUTY "; ");
    say_grade(incident, PLAN_II, 0);
    EXPECT(play(incident, "P2 A2 D2"),
           "3303 DECIDED: II was III in force III (now) by=3303.gov started=33.gov [6.1, "
           "6.1.2] " DEPUTY "; ",
           "3303 ADJUSTED: II was III in force II (now) by=3303.gov started=3303.gov [6.1, "
           "6.1.2] " EXECUTIVE "; ");
    EXPECT(play(incident, "P0 A0 D0"),
           "3303 DECIDED: none was II in force II (now) by=3303.gov started=3303.gov [6.4.2, "
           "6.4.3(2)] " EXECUTIVE "; ",
           "3303 TERMINATED: none was II in force none by=3303.gov started=3303.gov [6.4.2, "
           "6.4.3(2)] " NOBODY "; ");
    EXPECT(play(incident, "O1"),
           "3303 ACTIVE: I was none in force I (now) by=33.gov started=33.gov [6.1] " MAYOR "; ");
    EXPECT(play(incident, "O0"), "3303 TERMINATED: none was I in force none by=33.gov "
                                 "started=33.gov [6.4.2, 6.4.3(1)] " NOBODY "; ");
}

/* A decision for the level as it is goes against what is under way. */
static void test_decided_against(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    EXPECT(play(incident, "P2 A2 D0"),
           "3303 NOT_STARTED: II was none in force none by=3303.gov started= [6.1, 6.1.2] " NOBODY
           "; ");
    EXPECT(play(incident, "P3 A3 D3"),
           "3303 DECIDED: III was none in force none by=3303.gov started= [6.1, 6.1.3] " NOBODY
           "; ",
           "3303 ACTIVE: III was none in force III (now) by=3303.gov started=3303.gov [6.1, "
           "6.1.3] " DEPUTY "; ");
    EXPECT(play(incident, "P2 A2 D3"), "3303 NOT_STARTED: II was III in force III (now) "
                                       "by=3303.gov started=3303.gov [6.1, 6.1.2] " DEPUTY "; ");
    EXPECT(play(incident, "P2 a2"),
           "3303 NOT_STARTED: II was III in force III (now) by=3303.health-experts "
           "started=3303.gov [6.1, 6.1.2] " DEPUTY "; ");
    EXPECT(play(incident, "P0 a0"),
           "3303 NOT_STARTED: none was III in force III (now) by=3303.health-experts "
           "started=3303.gov [6.4.2, 6.4.3(2)] " DEPUTY "; ");
}

/* Being against one level leaves what is under way for another. */
static void test_against_another(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "A2 a3 P2 D2");
}

/* ---- drills, and what is left of it all ---- */

/* The same incident in a drill and in earnest: neither knows the other. */
static void test_drill_beside_actual(void **state)
{
    (void)state;
    const char *incident = open_flagged(PLAN_II, LD_RECORD_EXERCISE);
    struct act act = act_of("P2");
    assert_string_equal(receipt_after(decide(incident, act))->code, "unknown-incident");
    act.flags = LD_RECORD_EXERCISE;
    size_t index = decide(incident, act);
    assert_true(receipt_after(index)->accepted);
    for (size_t i = index; i < world.count; i++)
        assert_int_equal(world.all[i].record.flags, LD_RECORD_EXERCISE);
    say_incident(incident, LIANDONG__V1__INCIDENT__ACTION__OPENED, 0);
    say_grade(incident, PLAN_II, 0);
    play(incident, "P2 A2 D2");
    act = act_of("D2");
    act.flags = LD_RECORD_EXERCISE;
    assert_string_equal(receipt_after(decide(incident, act))->code, "out-of-order");
}

static void test_snapshots(void **state)
{
    (void)state;
    const char *incident = open_incident(PLAN_I);
    play(incident, "P3 A3 D3 P1 A1 D1 F1 P2 A2 D2 F2 P0 A0 D0 O1 O2 O0 P3");
    for (size_t i = 0; i < sizeof county_cases / sizeof *county_cases; i++)
        decide(incident, county_cases[i].act);
    play(open_flagged(PLAN_I, 0), "A4 D4h V4 A0 D0h");
    decide(open_flagged(PLAN_III, LD_RECORD_EXERCISE), act_of("P3"));
    rerun_with_snapshots(&world, &command_class, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_responses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decided_against, setup, teardown),
        cmocka_unit_test_setup_teardown(test_against_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_county, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drill_beside_actual, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshots, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
