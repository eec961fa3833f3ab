/* Scenario files: what they say when they are wrong, and that every expectation can fail. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "scenario/run.h"
#include "timefmt.h"

#define HEAD                                                                                       \
    "scenario: s\nplan: " LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml\nstart: 2026-03-02\n"       \
    "area: \"330302\"\nhazard: cholera\nreporter: 330302.health\n"
enum { HEAD_LINES = 6 };

/* ---- mistakes ---- */

static char *findings_of(const char *text)
{
    struct scenario *scenario = NULL;
    struct ld_buffer findings = {0};
    struct ld_error error;
    int code = scenario_parse("f", text, strlen(text), &scenario, &findings, &error);
    if (code == LD_OK) {
        scenario_free(scenario);
        ld_buffer_clear(&findings);
    }
    char *copy = strdup(ld_buffer_string(&findings));
    ld_buffer_free(&findings);
    return copy;
}

static const struct {
    const char *text, *finding;
} MISTAKES[] = {
    {"", "f:1: the file is empty\n"},
    {"a: [1", "f:2: not YAML: did not find expected ',' or ']', while parsing a flow sequence\n"},
    {"a: &x 1\nb: *x\n", "f:1: anchors are not allowed here\n"},
    {"a: !!str 1\n", "f:1: tags are not allowed here\n"},
    {"a: 1\n---\nb: 2\n", "f:2: one document is expected, a second one begins here\n"},
    {"[1, 2]\n", "f:1: a scenario: expected keys and values, found a list\n"},
    {"scenario: s\nplan: p\narea: a\n", "f:1: \"steps\" is missing\n"},
    {"scenario: s\narea: a\nsteps: []\n", "f:1: \"plan\" is missing\n"},
    {HEAD "steps: []\nas: real\n",
     "f:8: as: a scenario is always played as \"exercise\", found \"real\"\n"},
    {HEAD "step: []\nsteps: []\n",
     "f:7: unknown key \"step\"; expected one of: scenario, title, plan, "
     "start, area, as, hazard, reporter, steps, expect\n"},
    {HEAD "steps: []\narea: a\n", "f:8: \"area\" is given twice\n"},
    {HEAD "steps:\n  - at: noon\n",
     "f:8: expected \"day 3 08:00\", \"+30m\", \"-2h\" or a date, found \"noon\"\n"},
    {HEAD "steps:\n  - at: day 0\n",
     "f:8: expected \"day 3 08:00\", \"+30m\", \"-2h\" or a date, found \"day 0\"\n"},
    {HEAD "steps:\n  - at: -1h\n", "f:8: this is before the start\n"},
    {HEAD "steps:\n  - report: {kind: sudden}\n",
     "f:8: expected one of initial, progress, final, zero, found \"sudden\"\n"},
    {HEAD "steps:\n  - report: {measures: {cases: many}}\n",
     "f:8: expected a number, found \"many\"\n"},
    {HEAD "steps:\n  - report: {}\n    decision: {by: u, act: propose}\n",
     "f:9: a step does one thing: put \"decision\" in a step of its own\n"},
    {HEAD "steps:\n  - decision: {act: propose}\n", "f:8: \"by\" is missing\n"},
    {HEAD "steps:\n  - decision: {by: u, act: shout}\n",
     "f:8: expected one of propose, assess, decide, approve, file, order, designate, suggest, "
     "verify, sign, issue, inform, withdraw-act, found "
     "\"shout\"\n"},
    {HEAD "steps:\n  - decision: {by: u, act: decide, amends: first}\n",
     "f:8: amends: no decision above has the id \"first\"\n"},
    {HEAD "steps:\n  - decision: {by: u, act: decide, id: first}\n"
          "  - decision: {by: u, act: decide, withdraw: first, effective: +1h}\n",
     "f:9: \"act\" does not go with \"withdraw\"\n"
     "f:9: \"effective\" does not go with \"withdraw\"\n"},
    {HEAD "steps:\n  - reply: {units: [a, b], action: done, order: x}\n",
     "f:8: \"order\" goes with exactly one unit\n"},
    {HEAD "steps:\n  - raw: {by: u, topic: A b}\n", NULL},
    {HEAD "steps:\n  - raw: {by: u, topic: a/b, hex: 0g}\n", "f:8: expected pairs of hex digits\n"},
    {HEAD "steps:\n  - series: {report: {}}\n",
     "f:8: expected either \"values\" (with \"columns\") or \"times\"\n"},
    {HEAD "steps:\n  - series:\n      report: {}\n      columns: [cases, deaths]\n"
          "      values: [[1]]\n",
     "f:11: expected 2 values, one for each column, found 1\n"},
    {HEAD "steps:\n  - repeat: {times: 0}\n",
     "f:8: expected a whole number from 1 to 20000, found \"0\"\n"},
    {HEAD "steps:\n  - series: {report: {}, times: 1e300}\n",
     "f:8: expected a whole number from 1 to 20000, found \"1e300\"\n"},
    {HEAD "steps:\n  - supply: {by: u, verb: stock-take, item: i, quantity: 5e107}\n",
     "f:8: expected a whole number from -1000000000000000 to 1000000000000000, found \"5e107\"\n"},
    {HEAD "steps:\n  - supply: {by: u, verb: stock-take, item: i, quantity: 2.5}\n",
     "f:8: expected a whole number from -1000000000000000 to 1000000000000000, found \"2.5\"\n"},
    {HEAD "steps:\n  - expect: {weather: fine}\n",
     "f:8: unknown expectation \"weather\"; expected one of: grade, warning, response, orders, "
     "refused, receipts, clocks, overdue, escalated, notices, incident, balances, movements\n"},
    {HEAD "steps:\n  - expect: {grade: V}\n",
     "f:8: expected one of none, I, II, III, IV, found \"V\"\n"},
    {HEAD "steps:\n  - expect: {orders: {count: few}}\n",
     "f:8: expected a number, \">= n\" or \"<= n\", found \"few\"\n"},
    {HEAD "steps:\n  - expect: {orders: {states: {lost: 1}}}\n",
     "f:8: expected one of issued, delivered, acknowledged, accepted, declined, in-progress, done, "
     "overdue, escalated, superseded, withdrawn, found \"lost\"\n"},
    {HEAD "steps:\n  - expect: {incident: lost}\n",
     "f:8: expected open, closed or none, found \"lost\"\n"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof MISTAKES / sizeof MISTAKES[0]; i++) {
        char *found = findings_of(MISTAKES[i].text);
        if (MISTAKES[i].finding != NULL)
            assert_string_equal(found, MISTAKES[i].finding);
        else
            assert_true(found[0] != '\0');
        free(found);
    }
}

static void test_all_mistakes_at_once(void **state)
{
    (void)state;
    char *found =
        findings_of(HEAD "steps:\n  - at: noon\n  - report: {kind: sudden}\n  - silly: 1\n");
    assert_string_equal(
        found, "f:8: expected \"day 3 08:00\", \"+30m\", \"-2h\" or a date, found \"noon\"\n"
               "f:9: expected one of initial, progress, final, zero, found \"sudden\"\n"
               "f:10: unknown key \"silly\"; expected one of: at, note, report, bulletin, series, "
               "decision, "
               "reply, supply, adopt, raw, silence, advance, repeat, expect\n");
    free(found);
}

static void test_deep_and_endless(void **state)
{
    (void)state;
    char deep[200] = "a: ";
    for (int i = 0; i < 60; i++)
        strncat(deep, "[", sizeof deep - strlen(deep) - 1);
    char *found = findings_of(deep);
    assert_string_equal(found, "f:1: nested too deep\n");
    free(found);
    found = findings_of(HEAD "steps:\n  - repeat: {times: 20000}\n  - at: +1m\n");
    assert_string_equal(found, "f:9: more than 20000 steps\n");
    free(found);
}

static void test_files(void **state)
{
    struct scenario *scenario = NULL;
    (void)state;
    assert_int_equal(
        scenario_read(ld_context_system(), "/no/such/file", &scenario, NULL, &test_error),
        LD_NOTFOUND);
    assert_int_equal(scenario_read(ld_context_system(), "/dev/null", &scenario, NULL, &test_error),
                     LD_INVALID);
    scenario_free(NULL);
}

/* ---- what is read ---- */

static struct scenario *parsed(const char *text)
{
    struct scenario *scenario = NULL;
    assert_ok(scenario_parse("folder/f", text, strlen(text), &scenario, NULL, &test_error));
    return scenario;
}

static void test_times_and_order(void **state)
{
    (void)state;
    struct scenario *s = parsed(HEAD "steps:\n"
                                     "  - at: day 2 08:00\n"
                                     "  - at: +30m\n"
                                     "  - at: day 1 09:00\n"
                                     "  - silence: 2h\n"
                                     "  - at: 2026-03-02T10:00\n");
    const int64_t hours[] = {9, 10, 11, 32};
    assert_int_equal(s->step_count, 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(s->steps[i].at_us, hours[i] * LD_US_HOUR);
    assert_int_equal(s->steps[4].at_us, 32 * LD_US_HOUR + 30 * LD_US_MINUTE);
    assert_int_equal(s->steps[0].line, 10);
    assert_false(s->start_is_relative);
    assert_string_equal(s->steps[0].note.zh, "");
    scenario_free(s);
}

static void test_relative_start(void **state)
{
    (void)state;
    struct scenario *s =
        parsed("scenario: s\nplan: p.yaml\nstart: today -42d\narea: \"33\"\nsteps: []\n");
    assert_true(s->start_is_relative);
    assert_int_equal(s->start_us, -42 * LD_US_DAY);
    assert_string_equal(s->plan, "folder/p.yaml");
    scenario_free(s);
}

static void test_series(void **state)
{
    (void)state;
    struct scenario *s =
        parsed(HEAD "steps:\n  - at: day 1 16:00\n    series:\n      zero: true\n"
                    "      report: {kind: progress, occurred: -1h}\n"
                    "      first: {kind: initial, id: one}\n      columns: [cases, deaths]\n"
                    "      values: [[3, 1], [0, 0], [0, 2]]\n"
                    "  - repeat: {every: 12h, times: 2}\n    reply: {units: all, action: done}\n");
    assert_int_equal(s->step_count, 5);
    const Liandong__V1__Report *first = s->steps[0].report, *second = s->steps[1].report;
    assert_int_equal(first->kind, LIANDONG__V1__REPORT__KIND__INITIAL);
    assert_string_equal(first->id, "one");
    assert_int_equal(first->n_measures, 2);
    assert_string_equal(first->measures[1]->measure, "deaths");
    assert_true(first->measures[0]->value == 3 && first->measures[1]->value == 1);
    assert_int_equal(s->steps[0].occurred.us, 15 * LD_US_HOUR);
    assert_int_equal(second->kind, LIANDONG__V1__REPORT__KIND__ZERO);
    assert_int_equal(s->steps[1].at_us, LD_US_DAY + 16 * LD_US_HOUR);
    assert_int_equal(s->steps[2].report->kind, LIANDONG__V1__REPORT__KIND__PROGRESS);
    assert_int_equal(s->steps[3].action, SCENARIO_REPLY);
    assert_int_equal(s->steps[4].at_us - s->steps[3].at_us, 12 * LD_US_HOUR);
    scenario_free(s);
}

static void test_numbers(void **state)
{
    (void)state;
    const struct scenario_number none = {.relation = '='}, three = {true, '=', 3},
                                 most = {true, '<', 3}, least = {true, '>', 3};
    assert_true(scenario_number_holds(&none, 17));
    assert_true(scenario_number_holds(&three, 3) && !scenario_number_holds(&three, 2));
    assert_true(scenario_number_holds(&most, 3) && !scenario_number_holds(&most, 4));
    assert_true(scenario_number_holds(&least, 3) && !scenario_number_holds(&least, 2));
}

/* ---- running ---- */

struct outcome {
    struct scenario_result result;
    int code;
    char what[40], expected[400], found[400];
    int line;
};

static void keep_failure(const struct scenario_failure *failure, void *data)
{
    struct outcome *outcome = data;
    outcome->line = failure->line;
    snprintf(outcome->what, sizeof outcome->what, "%s", failure->what);
    snprintf(outcome->expected, sizeof outcome->expected, "%s", failure->expected);
    snprintf(outcome->found, sizeof outcome->found, "%s", failure->found);
}

static struct outcome run_on(const char *text, struct scenario_bus *bus, bool external)
{
    struct outcome outcome = {0};
    struct scenario *scenario = parsed(text);
    struct scenario_options options = {.context = ld_context_system(),
                                       .bus = bus,
                                       .external_replies = external,
                                       .failed = keep_failure,
                                       .data = &outcome};
    outcome.code = scenario_run(scenario, &options, &outcome.result, &test_error);
    scenario_free(scenario);
    return outcome;
}

static struct outcome run(const char *text)
{
    struct scenario_bus *bus = scenario_memory_open();
    struct outcome outcome = run_on(text, bus, false);
    scenario_memory_close(bus);
    assert_int_equal(outcome.code, LD_OK);
    return outcome;
}

#define STORY                                                                                      \
    HEAD "steps:\n"                                                                                \
         "  - at: day 1 08:00\n    supply: {by: 330302.depot, verb: stock-take, item: ors, "       \
         "quantity: 300, from: 330302.depot}\n"                                                    \
         "  - at: day 1 10:00\n    report: {kind: initial, means: telephone, measures: "           \
         "{cases: 40, deaths: 2}}\n"                                                               \
         "  - decision: {by: 3303.health, act: propose, level: II}\n"                              \
         "  - decision: {by: 3303.health-experts, act: assess, level: II}\n"                       \
         "  - decision: {by: 3303.gov, act: decide, level: II}\n"                                  \
         "  - at: +5m\n    reply: {units: all, action: acknowledge, except: [3303.sports]}\n"      \
         "  - at: +2h\n    expect: {"
enum { STORY_EXPECT_LINE = HEAD_LINES + 12 };

/* What holds after the story, and what does not: text as shown. */
static const struct {
    const char *expect, *what, *expected, *found;
} EXPECTATIONS[] = {
    {"grade: II", NULL, NULL, NULL},
    {"grade: III", "grade", "level III", "level II"},
    {"grade: {level: II, section: \"3.2(2)\", criteria: cholera-week-30, counts: {cases: 40}}",
     NULL, NULL, NULL},
    {"grade: {section: \"3.3(2)\"}", "grade", "section 3.3(2)", "section 3.2(2)"},
    {"grade: {criteria: [x]}", "grade", "criterion x", "criterion cholera-week-30"},
    {"grade: {counts: {cases: 41}}", "grade", "cases 41", "cases 40"},
    {"grade: {counts: [{measure: cases, area: \"3303\", value: \">= 40\"}]}", NULL, NULL, NULL},
    {"grade: {suggested: I}", "grade", "suggested I", "suggested II"},
    {"warning: {level: II, state: suggested}", NULL, NULL, NULL},
    {"warning: IV", "warning", "level IV", "level II"},
    {"warning: {state: lifted}", "warning", "a warning", "no warning"},
    {"warning: {merged: none}", NULL, NULL, NULL},
    {"warning: {merged: I, merged_with: [x]}", "warning", "merged I, with x", "merged none"},
    {"response: {level: II, state: active, by: 3303.gov, section: \"6.1, 6.1.2\", groups: medical}",
     NULL, NULL, NULL},
    {"response: III", "response", "level III", "level II"},
    {"response: {by: 3303.health}", "response", NULL, NULL},
    {"response: {area: \"330302\"}", "response", "a response", "no response"},
    {"response: {groups: [clowns]}", "response", "group clowns", NULL},
    {"response: {next: assess}", "response", NULL, NULL},
    {"orders: {units: 90}", NULL, NULL, NULL},
    {"orders: 3", "orders", "orders 3", "orders 1397"},
    {"orders: {unit: 3303.sports, states: {acknowledged: 0}}", NULL, NULL, NULL},
    {"orders: {unit: 3303.sports, states: {open: 0}}", "orders", NULL, NULL},
    {"orders: {duty: a1.29.*, count: \">= 1\"}", NULL, NULL, NULL},
    {"orders: {duty: a1.29.1, count: 2}", "orders", "orders 2", "orders 1"},
    {"orders: {each: [3303.health, 3303.sports], count: \">= 1\"}", NULL, NULL, NULL},
    {"orders: {each: [3303.health, 3303.circus], count: \">= 1\"}", "orders",
     "3303.circus, orders >= 1", "3303.circus, orders 0"},
    {"overdue: 1", NULL, NULL, NULL},
    {"overdue: [3303.sports]", NULL, NULL, NULL},
    {"overdue: 2", "overdue", "units 2", "units 1"},
    {"overdue: [3303.health]", "overdue", "3303.health, in all 1", "not 3303.health, in all 1"},
    {"escalated: [3303.sports]", NULL, NULL, NULL},
    {"escalated: 0", "escalated", "units 0", "units 1"},
    {"notices: {audience: public, kind: alert, level: II, count: 1}", NULL, NULL, NULL},
    {"notices: {audience: units, count: 96}", NULL, NULL, NULL},
    {"notices: {audience: 3303.health, count: 2}", "notices", "to 3303.health, notices 2",
     "to 3303.health, notices 1"},
    {"notices: {kind: cancel}", "notices", "notices >= 1", "notices 0"},
    {"incident: open", NULL, NULL, NULL},
    {"incident: closed", "incident", "closed", "open"},
    {"incident: {reports: 1, totals: {cases: 40, deaths: 2}}", NULL, NULL, NULL},
    {"incident: {reports: 2, totals: {cases: 4}}", "incident", "reports 2, cases 4",
     "reports 1, cases 40"},
    {"incident: {incident: nowhere, state: open}", "incident", "open", "no incident"},
    {"clocks: {clock: telephone-grave, state: met, late: false}", NULL, NULL, NULL},
    {"clocks: {clock: written-grave, state: warned}", "clocks", NULL, NULL},
    {"clocks: never", "clocks", NULL, NULL},
    {"balances: {item: ors, holder: 330302.depot, quantity: 300}", NULL, NULL, NULL},
    {"balances: {item: ors, holder: 330302.depot, quantity: 3}", "balances", "330302.depot 3",
     "330302.depot 300"},
    {"movements: {item: ors, kind: stock-set, to: 330302.depot, quantity: 300}", NULL, NULL, NULL},
    {"movements: 7", "movements", "movements 7", "movements 1"},
    {"refused: any", "refused", "a refusal", "nothing was published in this step"},
    {"receipts: 1", "receipts", "accepted 1", "accepted 0"},
    {"receipts: {accepted: 0, refused: 0}", NULL, NULL, NULL},
};

static void test_expectations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof EXPECTATIONS / sizeof EXPECTATIONS[0]; i++) {
        char text[4000];
        snprintf(text, sizeof text, "%s%s}\n", STORY, EXPECTATIONS[i].expect);
        struct outcome outcome = run(text);
        bool holds = EXPECTATIONS[i].what == NULL;
        if ((outcome.result.failures == 0) != holds)
            fail_msg("%s: %s %s; %s", EXPECTATIONS[i].expect, outcome.what, outcome.expected,
                     outcome.found);
        assert_int_equal(outcome.result.expectations, 1);
        if (holds)
            continue;
        assert_int_equal(outcome.line, STORY_EXPECT_LINE);
        assert_string_equal(outcome.what, EXPECTATIONS[i].what);
        if (EXPECTATIONS[i].expected != NULL)
            assert_string_equal(outcome.expected, EXPECTATIONS[i].expected);
        if (EXPECTATIONS[i].found != NULL)
            assert_string_equal(outcome.found, EXPECTATIONS[i].found);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    struct outcome outcome = run(
        HEAD
        "steps:\n  - report: {measures: {dragons: 1}}\n    expect: {refused: unknown-measure}\n");
    assert_int_equal(outcome.result.failures, 0);
    outcome =
        run(HEAD "steps:\n  - report: {measures: {dragons: 1}}\n    expect: {refused: too-late}\n");
    assert_string_equal(outcome.expected, "code too-late");
    assert_string_equal(outcome.found, "code unknown-measure");
    outcome = run(HEAD "steps:\n  - report: {measures: {cases: 1}}\n    expect: {refused: any}\n");
    assert_string_equal(outcome.found, "accepted");
    outcome = run(HEAD "steps:\n  - report: {measures: {dragons: 1}}\n");
    assert_int_equal(outcome.result.failures, 1);
    assert_string_equal(outcome.what, "answer");
    assert_int_equal(outcome.line, 8);
    outcome = run(HEAD "steps:\n  - reply: {units: all, action: done}\n");
    assert_string_equal(outcome.what, "reply");
    assert_string_equal(outcome.expected, "an order that this reply fits");
}

static void test_same_again(void **state)
{
    (void)state;
    const char *text = STORY "grade: II}\n";
    struct outcome first = run(text), second = run(text);
    assert_int_equal(first.result.derived, second.result.derived);
    assert_int_equal(first.result.published, second.result.published);
    assert_true(first.result.derived > 1000);
}

/* ---- a bus that misbehaves ---- */

struct bad_bus {
    struct scenario_bus bus;
    struct scenario_bus *good;
    int publishes_left, waits;
};

static int bad_start(void *self, int64_t *start_us, bool may_move, scenario_record_fn *each,
                     void *data, struct ld_error *error)
{
    struct bad_bus *bad = self;
    return bad->good->start(bad->good->self, start_us, may_move, each, data, error);
}

static int bad_publish(void *self, const char *author, const char *topic, const void *payload,
                       size_t payload_size, uint64_t *sequence, struct ld_error *error)
{
    struct bad_bus *bad = self;
    if (bad->publishes_left-- == 0)
        return ld_fail(error, LD_NOSPACE, "disk full");
    return bad->good->publish(bad->good->self, author, topic, payload, payload_size, sequence,
                              error);
}

static int bad_settle(void *self, struct ld_error *error)
{
    (void)self;
    (void)error;
    return LD_OK;
}

static int bad_advance(void *self, int64_t time_us, struct ld_error *error)
{
    struct bad_bus *bad = self;
    return bad->good->advance(bad->good->self, time_us, error);
}

static int bad_wait(void *self, bool (*done)(void *data), void *data, const char *what,
                    struct ld_error *error)
{
    struct bad_bus *bad = self;
    bad->waits++;
    return done(data) ? LD_OK : ld_fail(error, LD_TIMEOUT, "nobody: %s", what);
}

static void bad_open(struct bad_bus *bad, int publishes)
{
    *bad = (struct bad_bus){.bus = {.self = bad,
                                    .start = bad_start,
                                    .publish = bad_publish,
                                    .settle = bad_settle,
                                    .advance = bad_advance,
                                    .wait = bad_wait},
                            .good = scenario_memory_open(),
                            .publishes_left = publishes};
}

static void test_bus_fails(void **state)
{
    (void)state;
    for (int publishes = 0; publishes < 5; publishes++) {
        struct bad_bus bad;
        bad_open(&bad, publishes);
        struct outcome outcome = run_on(STORY "grade: II}\n", &bad.bus, false);
        assert_int_equal(outcome.code, LD_NOSPACE);
        assert_non_null(strstr(test_error.text, "disk full"));
        scenario_memory_close(bad.good);
    }
}

static void test_external_replies(void **state)
{
    (void)state;
    struct bad_bus bad;
    bad_open(&bad, 1000000);
    struct outcome outcome = run_on(STORY "grade: II}\n", &bad.bus, true);
    assert_int_equal(bad.waits, 1); /* nobody acknowledges, so the wait ends the run */
    assert_int_equal(outcome.code, LD_TIMEOUT);
    scenario_memory_close(bad.good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mistakes),         cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_deep_and_endless), cmocka_unit_test(test_files),
        cmocka_unit_test(test_times_and_order),  cmocka_unit_test(test_relative_start),
        cmocka_unit_test(test_series),           cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_expectations),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_same_again),       cmocka_unit_test(test_bus_fails),
        cmocka_unit_test(test_external_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
