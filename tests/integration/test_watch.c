/* A running system watched: metrics over real HTTP, `liandong top`, `liandong tail`. */
#include "harness.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLAN LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"

static void start_all(struct harness *harness, char *address)
{
    harness_open(harness);
    snprintf(address, 128, "unix:%s/metrics", harness->folder);
    harness_start(harness, "router", "liandong-router", "--data", harness->data, "--endpoint",
                  harness->endpoint, "--metrics", address, NULL);
    harness_start_services(harness);
    assert_int_equal(harness_run(harness, NULL, "liandong", "plan", "adopt", PLAN, "--as",
                                 "3303.gov", "-e", harness->endpoint, NULL),
                     0);
}

static void curl_reads_what_the_router_counts(void **state)
{
    (void)state;
    static struct harness harness;
    char address[128];
    start_all(&harness, address);
    char *text = harness_scrape(&harness, address);
    assert_int_equal(harness_value(text, "liandong_topic_events_total{family=\"plan\"}"), 1);
    assert_int_equal(harness_value(text, "liandong_streams{state=\"busy\"}"), 0);
    assert_int_equal(harness_value(text, "liandong_log_failed"), 0);
    assert_true(harness_value(text, "liandong_log_durable_sequence") >= 1);
    assert_true(harness_value(text, "process_open_fds") > 8);
    assert_true(harness_value(text, "process_resident_memory_bytes") > 1e6);
    assert_true(harness_value(text, "process_start_time_seconds") > 1.7e9);
    assert_true(harness_value(text, "liandong_log_sync_seconds_count") >= 1);
    free(text);
    harness_close(&harness);
    assert_int_equal(access(address + strlen("unix:"), F_OK), -1);
}

static void a_service_tells_its_own_figures(void **state)
{
    (void)state;
    static struct harness harness;
    char address[128];
    harness_open(&harness);
    harness_start_router(&harness);
    snprintf(address, sizeof address, "unix:%s/grading", harness.folder);
    harness_start(&harness, "grading", "liandong-grading", "--endpoint", harness.endpoint,
                  "--metrics", address, NULL);
    char *text = harness_scrape(&harness, address);
    assert_int_equal(harness_value(text, "liandong_service_up"), 1);
    assert_int_equal(harness_value(text, "liandong_service_outputs_unanswered"), 0);
    assert_int_equal(harness_value(text, "liandong_service_apply_seconds_count"), 0);
    assert_non_null(strstr(text, "liandong_build_info{program=\"grading\","));
    free(text);
    assert_int_equal(harness_run(&harness, NULL, "liandong-grading", "--metrics", "nonsense", NULL),
                     1);
    harness_close(&harness);
}

static void top_shows_a_running_system_once(void **state)
{
    (void)state;
    static struct harness harness;
    char address[128], *text = NULL;
    start_all(&harness, address);
    assert_int_equal(harness_run(&harness, &text, "liandong", "top", "--once", "--json", "--sort",
                                 "name", "-e", harness.endpoint, NULL),
                     0);
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(json);
    static const char *const SERVICES[] = {"command",      "duty",      "grading",
                                           "notification", "reporting", "supplies"};
    json_t *consumers = json_object_get(json, "consumers");
    assert_int_equal(json_array_size(consumers), 6);
    for (size_t i = 0; i < 6; i++) {
        json_t *consumer = json_array_get(consumers, i);
        assert_string_equal(json_string_value(json_object_get(consumer, "identity")), SERVICES[i]);
    }
    json_t *router = json_object_get(json, "router");
    assert_int_equal(json_integer_value(json_object_get(router, "sessions")), 7); /* and top */
    assert_true(json_integer_value(json_object_get(router, "free_bytes")) > 0);
    assert_int_equal(json_array_size(json_object_get(json, "queues")), 11);
    json_decref(json);
    assert_int_equal(harness_run(&harness, &text, "liandong", "top", "--once", "--lang", "zh", "-e",
                                 harness.endpoint, NULL),
                     0);
    assert_non_null(strstr(text, "消费者"));
    assert_non_null(strstr(text, "待落盘"));
    free(text);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "top", "-e", harness.endpoint, NULL),
                     2); /* not a terminal */
    assert_int_equal(harness_run(&harness, NULL, "liandong", "top", "--once", "-t", "1s", "-e",
                                 "ipc:///nowhere/bus", NULL),
                     3);
    harness_close(&harness);
}

/* ---- tail from a time ---- */

/* What a tail to the head shows as lines of JSON; malloc'ed. */
static char *tail_of(struct harness *harness, const char *option, const char *value)
{
    char *text = NULL;
    assert_int_equal(harness_run(harness, &text, "liandong", "tail", "--json", "--until-head", "-e",
                                 harness->endpoint, option, value, ">", NULL),
                     0);
    return text;
}

struct place {
    json_int_t sequence;
    char time[64];
};

/* Of the event on a line. */
static struct place place_of(const char *line)
{
    struct place place;
    json_t *json = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
    const char *time = json_string_value(json_object_get(json, "time"));
    assert_non_null(time);
    snprintf(place.time, sizeof place.time, "%s", time);
    place.sequence = json_integer_value(json_object_get(json, "sequence"));
    json_decref(json);
    return place;
}

/* For each time there is: a tail since then begins with the first event of that time. */
static size_t check_times(struct harness *harness, const char *all)
{
    struct place place, last = {.time = ""};
    size_t times = 0;
    for (const char *line = all; *line != '\0'; line = strchr(line, '\n') + 1) {
        place = place_of(line);
        if (strcmp(place.time, last.time) != 0) {
            char *since = tail_of(harness, "--since", place.time);
            assert_int_equal(place_of(since).sequence, place.sequence);
            free(since);
            times++;
        }
        last = place;
    }
    return times;
}

static void a_tail_begins_at_a_time(void **state)
{
    (void)state;
    static struct harness harness;
    char address[128];
    start_all(&harness, address);
    char *all = tail_of(&harness, "--from", "first");
    assert_true(check_times(&harness, all) >= 2);
    char *early = tail_of(&harness, "--since", "1970-01-01T00:00:00Z");
    char *late = tail_of(&harness, "--since", "2200-01-01T00:00:00Z");
    assert_memory_equal(early, all, strlen(all));
    assert_string_equal(late, "");
    free(late);
    free(early);
    free(all);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curl_reads_what_the_router_counts),
        cmocka_unit_test(a_service_tells_its_own_figures),
        cmocka_unit_test(top_shows_a_running_system_once),
        cmocka_unit_test(a_tail_begins_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
