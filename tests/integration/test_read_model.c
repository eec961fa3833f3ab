/*
 * The read model of a running system: killed again and again it holds what one that was never
 * killed holds, and the commands answer the same from it as from the bus.
 */
#include "harness.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../unit/read_model_dump.h"

#define SCENARIO LIANDONG_SOURCE "/tests/scenarios/plague.yaml"
enum { KILLS = 6, DEADLINE_SECONDS = 60 };

static sqlite3 *open_model(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 2000);
    return db;
}

static int64_t position_of(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(
        sqlite3_prepare_v2(db, "SELECT position FROM read_model", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t position = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return position;
}

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Until it has gone so far, or the process has ended. */
static void wait_for(sqlite3 *db, int64_t position, const struct harness_process *unless)
{
    int64_t deadline = now_s() + DEADLINE_SECONDS;
    siginfo_t ended = {.si_pid = 0};
    while (position_of(db) < position && ended.si_pid == 0) {
        if (unless != NULL)
            (void)waitid(P_PID, (id_t)unless->pid, &ended, WEXITED | WNOHANG | WNOWAIT);
        if (now_s() > deadline)
            fail_msg("the read model does not get to %lld", (long long)position);
    }
}

static struct harness_process *start_projection(struct harness *harness, const char *path)
{
    return harness_start(harness, path, "liandong-projection", "--db", path, "--endpoint",
                         harness->endpoint, NULL);
}

/* Kills the projection while the exercise goes on. */
static void play_with_kills(struct harness *harness, struct harness_process *projection,
                            const char *path)
{
    struct harness_process *player =
        harness_launch(harness, "player", "liandong", "play", SCENARIO, "--quiet", "--endpoint",
                       harness->endpoint, NULL);
    sqlite3 *db = open_model(path);
    int64_t before = position_of(db);
    for (int kills = 0; kills < KILLS; kills++) {
        wait_for(db, before + 300, player);
        assert_true(WIFSIGNALED(harness_signal(projection, SIGKILL)));
        before = position_of(db);
        harness_restart(harness, projection);
    }
    sqlite3_close(db);
    int status = harness_wait(player);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        harness_show_messages(harness);
        fail_msg("the exercise ended with status %#x", (unsigned)status);
    }
}

static char *run(struct harness *harness, const char *a, const char *b, const char *db)
{
    char *text = NULL;
    int status = harness_run(harness, &text, "liandong", a, b, "--json", "--endpoint",
                             harness->endpoint, db != NULL ? "--db" : NULL, db, NULL);
    if (status != 0)
        fail_msg("liandong %s %s: exit %d", a, b, status);
    return text;
}

struct answers {
    char *status, *matrix, *list;
};

static struct answers answers_of(struct harness *harness, const char *db)
{
    return (struct answers){.status = run(harness, "status", "--json", db),
                            .matrix = run(harness, "duty", "matrix", db),
                            .list = run(harness, "duty", "--json", db)};
}

static void free_answers(struct answers *answers)
{
    free(answers->status);
    free(answers->matrix);
    free(answers->list);
}

static json_t *parsed(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

/* Who is connected, only the router knows: it is not there without it. */
static void forget_links(json_t *status)
{
    size_t i, k;
    json_t *incident, *unit;
    json_array_foreach(json_object_get(status, "incidents"), i, incident)
    {
        json_array_foreach(json_object_get(incident, "units"), k, unit)
        {
            json_object_del(unit, "connected");
        }
    }
}

static void same_answers(const struct answers *left, const struct answers *right, bool links)
{
    assert_string_equal(left->matrix, right->matrix);
    assert_string_equal(left->list, right->list);
    json_t *one = parsed(left->status), *other = parsed(right->status);
    assert_true(json_array_size(json_object_get(one, "incidents")) > 0);
    if (!links) {
        forget_links(one);
        forget_links(other);
    }
    assert_true(json_equal(json_object_get(one, "incidents"), json_object_get(other, "incidents")));
    assert_true(json_array_size(json_object_get(one, "limits")) > 0);
    assert_true(json_equal(json_object_get(one, "limits"), json_object_get(other, "limits")));
    assert_true(
        json_equal(json_object_get(one, "procedures"), json_object_get(other, "procedures")));
    json_t *from = json_object_get(one, "read_model"), *at = json_object_get(other, "read_model");
    assert_true(json_equal(json_object_get(from, "position"), json_object_get(at, "position")));
    assert_true(json_equal(json_object_get(from, "time"), json_object_get(at, "time")));
    json_decref(one);
    json_decref(other);
}

static void expect_source(const char *status, const char *source)
{
    json_t *json = parsed(status);
    json_t *model = json_object_get(json, "read_model");
    assert_string_equal(json_string_value(json_object_get(model, "from")), source);
    json_decref(json);
}

/* A file that was never killed, filled by --rebuild over something else. */
static void compare_with_rebuilt(struct harness *harness, const char *path)
{
    char other[128];
    sqlite3 *db = open_model(path);
    snprintf(other, sizeof other, "%s/other.db", harness->folder);
    struct harness_process *projection =
        harness_start(harness, "other", "liandong-projection", "--rebuild", "--db", other,
                      "--endpoint", harness->endpoint, NULL);
    sqlite3 *rebuilt = open_model(other);
    wait_for(rebuilt, position_of(db), NULL);
    char *expected = dump_model(rebuilt, ""), *found = dump_model(db, "");
    assert_non_null(strstr(found, "-- duty_order\n1|"));
    assert_string_equal(found, expected);
    free(expected);
    free(found);
    sqlite3_close(rebuilt);
    sqlite3_close(db);
    assert_int_equal(harness_signal(projection, SIGTERM), 0);
}

static void killed_or_asked_another_way_it_says_the_same(void **state)
{
    (void)state;
    static struct harness harness;
    char path[128], hidden[128];
    harness_open(&harness);
    snprintf(path, sizeof path, "%s/read-model.db", harness.folder);
    snprintf(hidden, sizeof hidden, "%s/hidden.db", harness.folder);
    harness_start(&harness, "router", "liandong-router", "--data", harness.data, "--endpoint",
                  harness.endpoint, "--drill", "2026-03-01", NULL);
    harness_start_services(&harness);
    struct harness_process *projection = start_projection(&harness, path);
    play_with_kills(&harness, projection, path);
    struct answers kept = answers_of(&harness, NULL);
    expect_source(kept.status, path);
    compare_with_rebuilt(&harness, path);
    struct answers named = answers_of(&harness, path);
    assert_int_equal(harness_signal(projection, SIGTERM), 0);
    assert_int_equal(rename(path, hidden), 0);
    struct answers bus = answers_of(&harness, NULL);
    expect_source(bus.status, "bus");
    same_answers(&kept, &bus, true);
    same_answers(&kept, &named, false);
    free_answers(&kept);
    free_answers(&named);
    free_answers(&bus);
    harness_close(&harness);
}

/* What was acknowledged is seen by who asks next, by either way. */
static void a_report_is_seen_at_once(void **state)
{
    (void)state;
    static struct harness harness;
    char path[128];
    harness_open(&harness);
    snprintf(path, sizeof path, "%s/read-model.db", harness.folder);
    harness_start_router(&harness);
    harness_start_services(&harness);
    start_projection(&harness, path);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "plan", "adopt",
                                 LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", "--as", "3303.gov",
                                 "-e", harness.endpoint, NULL),
                     0);
    for (int reports = 1; reports <= 5; reports++) {
        assert_int_equal(harness_run(&harness, NULL, "liandong", "report", "cholera", "--as",
                                     "330302.health", "-m", "cases=1", "-e", harness.endpoint,
                                     NULL),
                         0);
        char *status = run(&harness, "status", "--json", NULL);
        json_t *json = parsed(status);
        json_t *incident = json_array_get(json_object_get(json, "incidents"), 0);
        expect_source(status, path);
        assert_int_equal(json_integer_value(json_object_get(incident, "reports")), reports);
        json_decref(json);
        free(status);
    }
    harness_close(&harness);
}

static void a_file_of_another_log_is_refused(void **state)
{
    (void)state;
    static struct harness harness;
    char path[128], log[128];
    harness_open(&harness);
    snprintf(path, sizeof path, "%s/read-model.db", harness.folder);
    snprintf(log, sizeof log, "%s/another", harness.folder);
    harness_start_router(&harness);
    struct harness_process *projection = start_projection(&harness, path);
    assert_int_equal(harness_signal(projection, SIGTERM), 0);
    assert_int_equal(harness_signal(harness_find(&harness, "router"), SIGTERM), 0);
    harness_start(&harness, "router 2", "liandong-router", "--data", log, "--endpoint",
                  harness.endpoint, NULL);
    assert_int_equal(harness_run(&harness, NULL, "liandong-projection", "--db", path, "--endpoint",
                                 harness.endpoint, NULL),
                     1);
    char *messages = harness_messages(&harness);
    assert_non_null(strstr(messages, "is of another log"));
    free(messages);
    harness_close(&harness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_or_asked_another_way_it_says_the_same),
        cmocka_unit_test(a_report_is_seen_at_once),
        cmocka_unit_test(a_file_of_another_log_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
