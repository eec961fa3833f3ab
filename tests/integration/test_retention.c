/*
 * Retention beside a running router: segments are archived by the operator's tool while clients
 * publish and listen; nobody misses an event, and everything can be brought back.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "fault/good.h"
#include "harness.h"

enum { LISTENERS = 4, EVENTS = 1500, DEADLINE_S = 100 };

static void start_router(struct harness *harness)
{
    harness_start(harness, "router", "liandong-router", "--data", harness->data, "--endpoint",
                  harness->endpoint, "--segment-bytes", "65536", NULL);
}

static void publish_and_hear(const struct harness *harness)
{
    struct good good = {.endpoint = harness->endpoint,
                        .listeners = LISTENERS,
                        .events = EVENTS,
                        .deadline_s = DEADLINE_S};
    if (!good_run(&good))
        fail_msg("%s", good.failure);
    assert_int_equal(good.heard, good.published * LISTENERS);
}

static json_int_t first_of(const struct harness *harness)
{
    char *text = good_status(harness->endpoint);
    json_t *status = json_loads(text ? text : "", 0, NULL);
    json_int_t first = json_integer_value(json_object_get(json_object_get(status, "log"), "first"));
    json_decref(status);
    free(text);
    return first;
}

static json_int_t verified_events(struct harness *harness)
{
    char *text;
    assert_int_equal(
        harness_run(harness, &text, "liandong", "log", "verify", harness->data, "--json", NULL), 0);
    json_t *json = json_loads(text, 0, NULL);
    json_int_t events = json_integer_value(json_object_get(json, "events"));
    json_decref(json);
    free(text);
    return events;
}

static void test_archived_amid_traffic(void **state)
{
    struct harness harness;
    (void)state;
    harness_open(&harness);
    start_router(&harness);
    publish_and_hear(&harness);
    assert_int_equal(first_of(&harness), 1);
    struct harness_process *archiving =
        harness_launch(&harness, "archive", "liandong", "log", "archive", harness.data,
                       "--endpoint", harness.endpoint, "--keep", "1", NULL);
    publish_and_hear(&harness);
    int status = harness_wait(archiving);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(first_of(&harness) > EVENTS / 2);
    harness_signal(harness_find(&harness, "router"), SIGKILL);
    harness_restart(&harness, harness_find(&harness, "router"));
    assert_true(first_of(&harness) > EVENTS / 2);
    publish_and_hear(&harness);
    harness_signal(harness_find(&harness, "router"), SIGTERM);
    json_int_t left = verified_events(&harness);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "log", "restore", harness.data, NULL),
                     0);
    json_int_t all = verified_events(&harness);
    assert_true(all > 3 * EVENTS && left < all - EVENTS / 2);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_archived_amid_traffic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
