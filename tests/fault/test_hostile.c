/*
 * R5: whatever a hostile or slow peer does, the others go on. For each kind of them: good clients
 * publish and hear events, gapless, until the bad one has done its worst; then STATUS has counted
 * it, the router's memory is bounded, and what it wrote for the operator is, too.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "good.h"
#include "hostile.h"
#include "integration/harness.h"

enum {
    LISTENERS = 6,
    PEERS_ENOUGH = 1300, /* one more than the router takes, and some */
    EVENTS = 200,
    DEADLINE_S = 100,
    MEMORY_KIB = 128 << 10, /* its own; the bounds of all queues together are far below */
    NOTES_PER_SECOND = 10
};

/* What STATUS has to show of the bad peer: counters/… above 0. */
static const struct expected {
    const char *kind, *object, *counter;
} EXPECTED[] = {
    {"status", "errors", "BUSY"},
    {"open", "received", "CLOSE"},
    {"producer", "errors", "DENIED"},
    {"refused", "records", "DENIED"},
    {"find", "errors", "BUSY"},
    {"credit", "received", "CREDIT"},
    {"ping", "received", "PING"},
    {"fuzz", "socket", "malformed"},
    {"noise", "socket", "unheard"},
    {"types", "socket", "unheard"},
    {"endless", "socket", "cut_unfinished"},
    {"frames", "socket", "malformed"},
    {"silent", "socket", "cut_excess"},
    {"sessions", "errors", "BUSY"},
    {"subscribe", "tap_socket", "cut_talker"},
    {"unsubscribe", "tap_socket", "cut_talker"},
    {"oversized", "socket", "unheard"},
    {"prefix", "tap_socket", "unheard"},
};

struct trial {
    struct harness harness;
    struct hostile hostile;
    char endpoint[128], tap[128];
};

static json_int_t counter(const char *endpoint, const struct expected *expected)
{
    char *text = good_status(endpoint);
    json_t *status = text ? json_loads(text, 0, NULL) : NULL;
    json_t *object = json_object_get(json_object_get(status, "counters"), expected->object);
    json_int_t value = json_integer_value(json_object_get(object, expected->counter));
    json_decref(status);
    free(text);
    return value;
}

static const struct expected *expected_of(const struct hostile_kind *kind)
{
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++)
        if (strcmp(EXPECTED[i].kind, kind->name) == 0)
            return &EXPECTED[i];
    return NULL;
}

/* Each of its connections has been tried, or as many as are let in, and what has to be counted is.
 */
static bool has_done_its_worst(void *data)
{
    struct trial *trial = data;
    const struct expected *expected = expected_of(trial->hostile.kind);
    const struct hostile *hostile = &trial->hostile;
    size_t tried = hostile->steps + hostile->failures + hostile->open;
    if (tried < hostile->kind->peers && tried < PEERS_ENOUGH)
        return false;
    return !expected || counter(trial->harness.endpoint, expected) > 0;
}

static void start_router(struct trial *trial)
{
    char path[128], line[1024];
    struct harness *harness = &trial->harness;
    harness_open(harness);
    snprintf(path, sizeof path, "%s/ready", harness->folder);
    struct harness_process *router =
        harness_launch(harness, "router", "liandong-router", "--data", harness->data, "--endpoint",
                       "tcp://127.0.0.1:*", "--endpoint", harness->endpoint, "--tap",
                       "tcp://127.0.0.1:*", "--segment-bytes", "4194304", NULL);
    assert_true(harness_line(router, line, sizeof line));
    assert_int_equal(sscanf(line, "ready %127s %*s tap %127s", trial->endpoint, trial->tap), 2);
}

static size_t own_memory_kib(pid_t pid)
{
    char path[64], line[256];
    size_t kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %zu", &kib) == 1)
            break;
    fclose(status);
    return kib;
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        count++;
    return count;
}

static void check_notes(const struct trial *trial, time_t seconds)
{
    char *notes = harness_messages(&trial->harness);
    size_t lines = count_lines(notes);
    if (lines > (size_t)(seconds + 2) * NOTES_PER_SECOND)
        fail_msg("%zu lines in %ld s:\n%.2000s", lines, (long)seconds, notes);
    assert_null(strstr(notes, "\nliandong-router: all is well")); /* a peer's words stay its own */
    free(notes);
}

static void try_kind(const struct hostile_kind *kind)
{
    static struct trial trial;
    struct timespec began, ended;
    memset(&trial, 0, sizeof trial);
    clock_gettime(CLOCK_MONOTONIC, &began);
    start_router(&trial);
    hostile_start(&trial.hostile, kind, kind->tap ? trial.tap : trial.endpoint, 1);
    /* Of this machine, while the bad one's address may be kept out. */
    struct good good = {.endpoint = trial.harness.endpoint,
                        .listeners = LISTENERS,
                        .events = EVENTS,
                        .deadline_s = DEADLINE_S,
                        .enough = has_done_its_worst,
                        .data = &trial};
    bool all_well = good_run(&good);
    size_t memory_kib = own_memory_kib(trial.harness.process[0].pid);
    hostile_stop(&trial.hostile);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (!all_well) {
        harness_show_messages(&trial.harness);
        fail_msg("beside %s: %s", kind->what, good.failure);
    }
    assert_int_equal(good.heard, good.published * LISTENERS);
#ifndef LIANDONG_SANITIZED
    if (memory_kib > MEMORY_KIB)
        fail_msg("beside %s the router has %zu KiB", kind->what, memory_kib);
#else
    (void)memory_kib;
#endif
    check_notes(&trial, ended.tv_sec - began.tv_sec);
    harness_close(&trial.harness);
}

static void test_kind(void **state)
{
    try_kind(*state);
}

static void raise_descriptors(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[64] = {{0}};
    size_t count = 0;
    raise_descriptors();
    for (size_t i = 0; i < HOSTILE_KIND_COUNT; i++) {
        const struct hostile_kind *kind = &HOSTILE_KINDS[i];
        if (argc > 1 && strcmp(argv[1], kind->name) != 0)
            continue;
        tests[count++] = (struct CMUnitTest){
            .name = kind->name, .test_func = test_kind, .initial_state = (void *)(uintptr_t)kind};
    }
    return _cmocka_run_group_tests("hostile", tests, count, NULL, NULL);
}
