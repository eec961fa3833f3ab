/* The outbreak on the real bus: every process as in production. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO LIANDONG_SOURCE "/tests/scenarios/broad-street.yaml"

static void expect_run(struct harness *harness, int status, char **output, const char *a,
                       const char *b, const char *c, const char *d, const char *e)
{
    int found = harness_run(harness, output, "liandong", a, b, c, d, e, NULL);
    if (found != status) {
        harness_show_messages(harness);
        fail_msg("liandong %s %s: exit %d instead of %d", a, b, found, status);
    }
}

static void play(struct harness *harness)
{
    expect_run(harness, 0, NULL, "play", SCENARIO, "--endpoint", harness->endpoint, NULL);
}

/* The incident that the story tells of; freed by the caller. */
static char *incident_in(const char *story)
{
    const char *at = strstr(story, "3303-cholera-");
    assert_non_null(at);
    return strndup(at, strcspn(at, "\"\\ "));
}

/* What is read over the bus is what the folder has. */
static void both_ways_say_the_same(struct harness *harness, const char *command,
                                   const char *argument)
{
    char *bus = NULL, *folder = NULL;
    assert_int_equal(harness_run(harness, &bus, "liandong", command, argument, "--endpoint",
                                 harness->endpoint, NULL),
                     0);
    assert_int_equal(
        harness_run(harness, &folder, "liandong", command, argument, "--log", harness->data, NULL),
        0);
    assert_string_equal(bus, folder);
    assert_true(strlen(bus) > 50);
    free(bus);
    free(folder);
}

static void explained_and_accounted_for(struct harness *harness, const char *story)
{
    char *incident = incident_in(story);
    both_ways_say_the_same(harness, "explain", incident);
    both_ways_say_the_same(harness, "account", incident);
    both_ways_say_the_same(harness, "plan", "list");
    free(incident);
}

static void outbreak_comes_out_as_the_plan_says(void **state)
{
    (void)state;
    struct harness harness;
    harness_open(&harness);
    harness_start_drill(&harness, "60");
    harness_start_services(&harness);
    play(&harness);

    char *story = NULL;
    expect_run(&harness, 0, &story, "story", "--json", "--endpoint", harness.endpoint, NULL);
    assert_non_null(strstr(story, "3.4(1)"));
    assert_non_null(strstr(story, "3.3(2)"));
    assert_non_null(strstr(story, "3.2(2)"));
    explained_and_accounted_for(&harness, story);
    free(story);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outbreak_comes_out_as_the_plan_says),
    };
    return cmocka_run_group_tests_name("integration.outbreak", tests, NULL, NULL);
}
