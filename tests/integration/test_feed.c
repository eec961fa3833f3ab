/* A drill's log fed to a second drill, with all its services: they write the same again. */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define SCENARIO LIANDONG_SOURCE "/tests/scenarios/two-cities.yaml"
#define PLAN     LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"

static void start_drill(struct harness *harness, const char *start)
{
    harness_start(harness, "router", "liandong-router", "--data", harness->data, "--endpoint",
                  harness->endpoint, "--drill", start, NULL);
}

static void stop_all(struct harness *harness)
{
    for (size_t i = harness->process_count; i > 0; i--)
        assert_int_equal(harness_signal(&harness->process[i - 1], SIGTERM), 0);
}

static struct harness played; /* a drill that is over: its log is there */

static int play(void **state)
{
    struct harness *harness = &played;
    (void)state;
    harness_open(harness);
    start_drill(harness, "2026-03-01");
    harness_start_services(harness);
    assert_int_equal(harness_run(harness, NULL, "liandong", "play", "--quiet", SCENARIO,
                                 "--endpoint", harness->endpoint, NULL),
                     0);
    stop_all(harness);
    assert_int_equal(
        harness_run(harness, NULL, "liandong", "replay", "--complete", harness->data, NULL), 0);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    harness_close(&played);
    return 0;
}

/* What feeding said as JSON: {"whole", "events", "there_before", "fed"}. */
struct told {
    bool whole;
    long long events, there_before, fed;
};

static int feed(struct harness *from, struct harness *to, const char *lines, const char *speed,
                struct told *told)
{
    char command[1024], *output = NULL;
    snprintf(command, sizeof command,
             "%s " LIANDONG_BIN "/liandong replay %s --to %s --speed %s --json --lang en", lines,
             from->data, to->endpoint, speed);
    int status = harness_run(to, &output, "/bin/sh", "-c", command, NULL);
    json_t *json = json_loads(output, 0, NULL);
    *told = (struct told){0};
    if (json != NULL)
        *told =
            (struct told){.whole = json_is_true(json_object_get(json, "whole")),
                          .events = json_integer_value(json_object_get(json, "events")),
                          .there_before = json_integer_value(json_object_get(json, "there_before")),
                          .fed = json_integer_value(json_object_get(json, "fed"))};
    json_decref(json);
    free(output);
    return status;
}

static void a_log_fed_to_another_drill_comes_out_the_same(void **state)
{
    struct harness to;
    struct told told;
    (void)state;
    harness_open(&to);
    start_drill(&to, "2026-03-01");
    harness_start_services(&to);
    /* Three lines are three events; the end of the input stops it. */
    assert_int_equal(feed(&played, &to, "printf '\\n\\n\\n' |", "step", &told), 1);
    assert_false(told.whole);
    assert_int_equal(told.there_before, 0);
    assert_int_equal(told.fed, 3);
    assert_int_equal(feed(&played, &to, "", "max", &told), 0);
    assert_true(told.whole);
    assert_int_equal(told.there_before, 3);
    assert_int_equal(told.fed, told.events - 3);
    assert_int_equal(feed(&played, &to, "", "x1000", &told), 0);
    assert_int_equal(told.there_before, told.events);
    assert_int_equal(told.fed, 0);
    stop_all(&to);
    char *original = harness_canonical_log(&played), *again = harness_canonical_log(&to);
    assert_string_equal(original, again);
    free(original);
    free(again);
    assert_int_equal(harness_run(&to, NULL, "liandong", "replay", "--complete", to.data, NULL), 0);
    harness_close(&to);
}

static void expect_refused(struct harness *from, struct harness *to, const char *reason)
{
    struct told told;
    char *before = harness_messages(to);
    assert_int_equal(feed(from, to, "", "max", &told), 4);
    char *after = harness_messages(to);
    if (strstr(after + strlen(before), reason) == NULL)
        fail_msg("not said: %s; but: %s", reason, after + strlen(before));
    free(before);
    free(after);
}

static size_t count_of(const char *text, const char *needle)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, needle)) != NULL; at += strlen(needle))
        count++;
    return count;
}

/* Its log holds two events from outside, one of them a plan, which nobody has marked as a drill. */
static void what_was_actual_becomes_an_exercise(void **state)
{
    struct harness from, to;
    struct told told;
    char *exported = NULL;
    (void)state;
    harness_open(&from);
    harness_start_router(&from);
    harness_start_services(&from);
    assert_int_equal(harness_run(&from, NULL, "liandong", "plan", "adopt", PLAN, "--as", "3303.gov",
                                 "--endpoint", from.endpoint, NULL),
                     0);
    assert_int_equal(harness_run(&from, NULL, "liandong", "report", "cholera", "--as",
                                 "330302.health", "-m", "cases=3", "--endpoint", from.endpoint,
                                 NULL),
                     0);
    expect_refused(&from, &from, "is not in a drill");
    harness_open(&to);
    start_drill(&to, "2026-01-01");
    assert_int_equal(feed(&from, &to, "", "max", &told), 0); /* without any service */
    assert_int_equal(told.fed, 2);
    assert_int_equal(harness_run(&to, &exported, "liandong", "log", "export", to.data, NULL), 0);
    assert_int_equal(count_of(exported, "\"exercise\":false"), 0);
    assert_int_equal(count_of(exported, "\"topic\":\"report/330302/cholera/330302.health\""), 1);
    free(exported);
    harness_close(&from);
    harness_close(&to);
}

static void a_router_with_another_log_is_refused(void **state)
{
    struct harness late, other;
    (void)state;
    harness_open(&late);
    start_drill(&late, "2026-03-03");
    expect_refused(&played, &late, "past the next event of the log at 2026-03-02");
    harness_close(&late);
    harness_open(&other);
    start_drill(&other, "2026-03-01");
    assert_int_equal(harness_run(&other, NULL, "liandong", "report", "cholera", "--as",
                                 "330302.health", "-m", "cases=3", "--timeout", "1s", "--endpoint",
                                 other.endpoint, NULL),
                     3); /* durable; no service answers */
    expect_refused(&played, &other, "holds events that are not this log's");
    harness_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_fed_to_another_drill_comes_out_the_same),
        cmocka_unit_test(what_was_actual_becomes_an_exercise),
        cmocka_unit_test(a_router_with_another_log_is_refused),
    };
    return cmocka_run_group_tests_name("integration.feed", tests, play, drop);
}
