/*
 * Every member unit of a plan as a process of its own, all at once: one activation gives each its
 * orders, whoever else is dead.
 *
 * The same exercise is played twice. First one process has all units' instances and nothing is
 * disturbed. Then each unit has its own process: some are stopped before the activation, some are
 * killed in its midst, at an order chosen at random; the others' orders must all come while those
 * are away. All are started again, some are killed while orders are acknowledged, one unit helps
 * another, and in the end both logs must say the same. A back office that was away gets every order
 * when it comes.
 *
 * The seed is printed and can be given as LIANDONG_SEED; LIANDONG_TESTS=full makes more rounds.
 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../fault/chance.h"

#define PLAN          LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"
#define SCENARIO      LIANDONG_SOURCE "/tests/scenarios/every-unit.yaml"
#define AWAY          "3303.red-cross" /* its back office comes late */
#define HELPER        "3303.health"
#define AWAY_TOPICS   "duty/3303/red-cross/"
#define HELPER_TOPICS "duty/3303/health/"

enum { AWAY_ORDERS = 6 };
enum { UNITS_MAX = 100, LINE_SIZE = 16384, NAME_SIZE = 48, ABSENT = 4, STRUCK = 4, AGAIN = 4 };

static uint64_t chance;

struct unit {
    char name[NAME_SIZE];         /* "3303.health" */
    char topics[NAME_SIZE + 8];   /* "duty/3303/health/" */
    size_t issued, expected;      /* orders: seen in this run, in the undisturbed one */
    struct harness_process *duty; /* NULL: one process has all */
    bool victim;
};

struct run {
    struct harness harness;
    struct harness_process *tail; /* each change of an order, as it comes */
    struct unit units[UNITS_MAX];
    size_t unit_count;
};

/* ---- units ---- */

static void read_units(struct run *run)
{
    char *units = NULL;
    assert_int_equal(
        harness_run(&run->harness, &units, "liandong", "plan", "show", PLAN, "--units", NULL), 0);
    for (char *rest = units, *name; (name = strsep(&rest, "\n")) != NULL;) {
        if (*name == '\0') {
            continue;
        }
        assert_true(run->unit_count < UNITS_MAX);
        struct unit *unit = &run->units[run->unit_count++];
        const char *dot = strchr(name, '.');
        assert_non_null(dot);
        snprintf(unit->name, sizeof unit->name, "%s", name);
        snprintf(unit->topics, sizeof unit->topics, "duty/%.*s/%s/", (int)(dot - name), name,
                 dot + 1);
    }
    free(units);
    assert_true(run->unit_count >= 65);
}

static void start_units(struct run *run)
{
    struct harness *harness = &run->harness;
    for (size_t i = 0; i < run->unit_count; i++) {
        struct unit *unit = &run->units[i];
        unit->duty = harness_launch(harness, unit->name, "liandong-duty", "--endpoint",
                                    harness->endpoint, "--unit", unit->name, NULL);
    }
    for (size_t i = 0; i < run->unit_count; i++) {
        harness_ready(run->units[i].duty);
    }
}

/* ---- what comes ---- */

static struct unit *unit_of(struct run *run, const char *line)
{
    for (size_t i = 0; i < run->unit_count; i++) {
        if (strstr(line, run->units[i].topics) != NULL) {
            return &run->units[i];
        }
    }
    fail_msg("an order of no unit: %s", line);
    return NULL;
}

/* The next change of an order. Returns its unit if it has just been issued, otherwise NULL. */
static struct unit *next_change(struct run *run)
{
    char line[LINE_SIZE];
    assert_true(harness_line(run->tail, line, sizeof line));
    struct unit *unit = unit_of(run, line);
    if (strstr(line, "\"state\":\"ISSUED\"") == NULL) {
        return NULL;
    }
    unit->issued++;
    return unit;
}

static size_t total_issued(const struct run *run)
{
    size_t total = 0;
    for (size_t i = 0; i < run->unit_count; i++) {
        total += run->units[i].issued;
    }
    return total;
}

static size_t total_expected(const struct run *run)
{
    size_t total = 0;
    for (size_t i = 0; i < run->unit_count; i++) {
        total += run->units[i].expected;
    }
    return total;
}

static bool all_others_have_theirs(const struct run *run)
{
    for (size_t i = 0; i < run->unit_count; i++) {
        const struct unit *unit = &run->units[i];
        if (!unit->victim && unit->issued < unit->expected) {
            return false;
        }
    }
    return true;
}

/* ---- ending processes ---- */

static void end_one(struct run *run, int signal)
{
    struct unit *unit;
    do {
        unit = &run->units[chance_below(&chance, run->unit_count)];
    } while (unit->victim);
    unit->victim = true;
    int status = harness_signal(unit->duty, signal);
    assert_int_equal(status, signal == SIGKILL ? SIGKILL : 0);
    print_message("  %s is %s, %zu orders are there\n", unit->name,
                  signal == SIGKILL ? "killed" : "stopped", total_issued(run));
}

static void bring_back(struct run *run)
{
    for (size_t i = 0; i < run->unit_count; i++) {
        if (run->units[i].victim) {
            harness_relaunch(&run->harness, run->units[i].duty);
        }
    }
    for (size_t i = 0; i < run->unit_count; i++) {
        if (run->units[i].victim) {
            harness_ready(run->units[i].duty);
            run->units[i].victim = false;
        }
    }
}

/* Kills one after another, each after some more orders; then waits for all others' orders. */
static void strike_while_orders_come(struct run *run)
{
    size_t between = total_expected(run) / (2 * STRUCK);
    for (int i = 0; i < STRUCK; i++) {
        size_t until = total_issued(run) + 1 + chance_below(&chance, between);
        while (total_issued(run) < until) {
            (void)next_change(run);
        }
        end_one(run, SIGKILL);
    }
    while (!all_others_have_theirs(run)) {
        (void)next_change(run);
    }
    harness_expect_running(&run->harness);
}

static void strike_while_they_are_acknowledged(struct run *run)
{
    for (int i = 0; i < AGAIN; i++) {
        for (uint64_t changes = 1 + chance_below(&chance, 200); changes > 0; changes--) {
            (void)next_change(run);
        }
        end_one(run, SIGKILL);
    }
}

/* ---- a run ---- */

static void open_run(struct run *run, bool apart)
{
    static const char *const OTHERS[] = {"reporting", "grading", "command", "notification",
                                         "supplies"};
    struct harness *harness = &run->harness;
    *run = (struct run){.unit_count = 0};
    harness_open(harness);
    harness_start_drill(harness, "600");
    read_units(run);
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        harness_start_service(harness, OTHERS[i]);
    }
    if (apart) {
        start_units(run);
    } else {
        harness_start_service(harness, "duty");
    }
}

static void follow_orders(struct run *run)
{
    run->tail = harness_launch(&run->harness, "tail", "liandong", "tail", "--from", "first",
                               "--endpoint", run->harness.endpoint, "duty/>", NULL);
}

static struct harness_process *start_play(struct run *run)
{
    return harness_launch(&run->harness, "play", "liandong", "play", SCENARIO, "--quiet",
                          "--endpoint", run->harness.endpoint, NULL);
}

static void end_play(struct run *run, struct harness_process *player)
{
    int status = harness_wait(player);
    if (status != 0) {
        char line[LINE_SIZE];
        while (harness_line(player, line, sizeof line)) {
            print_error("%s\n", line);
        }
        harness_show_messages(&run->harness);
        fail_msg("the exercise ended with status %#x", (unsigned)status);
    }
}

/* Waits for an order of the unit in this state; its number, the caller's to free. */
static char *order_of(struct run *run, const char *topics, const char *state)
{
    char line[LINE_SIZE];
    do {
        assert_true(harness_line(run->tail, line, sizeof line));
    } while (strstr(line, topics) == NULL || strstr(line, state) == NULL);
    const char *number = strstr(line, topics) + strlen(topics);
    return strndup(number, strcspn(number, " \""));
}

/* The back office that was away is given every order, and each is said to be delivered. Returns the
 * number of the last, the caller's to free. */
static char *office_comes_back(struct run *run, size_t orders)
{
    struct harness *harness = &run->harness;
    char count[24], position[128], *last = NULL;
    snprintf(count, sizeof count, "%zu", orders);
    snprintf(position, sizeof position, "%s/position", harness->folder);
    assert_int_equal(harness_run(harness, NULL, "back_office", "--unit", AWAY, "--endpoint",
                                 harness->endpoint, "--position", position, "--orders", count,
                                 NULL),
                     0);
    for (size_t delivered = 0; delivered < orders; delivered++) {
        free(last);
        last = order_of(run, AWAY_TOPICS, "\"state\":\"DELIVERED\"");
    }
    return last;
}

/* The office that came back is helped by another unit: that crosses from one instance to another's
 * and back. */
static void another_helps(struct run *run, const char *order)
{
    const char *endpoint = run->harness.endpoint;
    assert_int_equal(harness_run(&run->harness, NULL, "liandong", "duty", "ask-help", "--as", AWAY,
                                 "--help-from", HELPER, "--reason", "short of hands", "--endpoint",
                                 endpoint, order, NULL),
                     0);
    char *help = order_of(run, HELPER_TOPICS, "\"state\":\"ISSUED\"");
    assert_int_equal(harness_run(&run->harness, NULL, "liandong", "duty", "accept", "--as", HELPER,
                                 "--endpoint", endpoint, help, NULL),
                     0);
    free(order_of(run, AWAY_TOPICS, HELPER " has taken up the help"));
    free(help);
}

static void end_of_run(struct run *run)
{
    char *order = office_comes_back(run, AWAY_ORDERS);
    another_helps(run, order);
    free(order);
}

static char *close_run(struct run *run)
{
    struct harness *harness = &run->harness;
    char *figures = harness_scrape(harness, harness->metrics);
    assert_null(strstr(figures, "\nliandong_records_total{code=\"DUPLICATE\"}"));
    free(figures);
    for (size_t i = harness->process_count; i-- > 0;) {
        if (harness->process[i].pid != 0) {
            harness_signal(&harness->process[i], SIGTERM);
        }
    }
    assert_int_equal(harness_run(harness, NULL, "liandong", "log", "verify", harness->data, NULL),
                     0);
    assert_int_equal(harness_run(harness, NULL, "liandong", "replay", harness->data, NULL), 0);
    char *log = harness_canonical_log(harness);
    harness_close(harness);
    return log;
}

static char *undisturbed(struct run *run)
{
    open_run(run, false);
    end_play(run, start_play(run));
    follow_orders(run);
    end_of_run(run);
    return close_run(run);
}

static char *disturbed(struct run *run, const struct run *model)
{
    open_run(run, true);
    for (size_t i = 0; i < run->unit_count; i++) {
        run->units[i].expected = model->units[i].expected;
    }
    for (int i = 0; i < ABSENT; i++) {
        end_one(run, SIGTERM);
    }
    follow_orders(run);
    struct harness_process *player = start_play(run);
    strike_while_orders_come(run);
    bring_back(run);
    strike_while_they_are_acknowledged(run);
    bring_back(run);
    end_play(run, player);
    end_of_run(run);
    return close_run(run);
}

/* How many orders of its own each unit has, from the log. */
static void count_orders(struct run *run, const char *log)
{
    char *lines = strdup(log);
    for (char *rest = lines, *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (strstr(line, "\"duty/") != NULL && strstr(line, "\"state\":\"ISSUED\"") != NULL &&
            strstr(line, "-for-") == NULL) {
            unit_of(run, line)->expected++;
        }
    }
    free(lines);
    for (size_t i = 0; i < run->unit_count; i++) {
        assert_true(run->units[i].expected > 0);
    }
}

static void units_die_alone_and_lose_nothing(void **state)
{
    (void)state;
    static struct run model, run;
    const char *mode = getenv("LIANDONG_TESTS");
    int rounds = mode != NULL && strcmp(mode, "full") == 0 ? 20 : 1;
    char *expected = undisturbed(&model);
    count_orders(&model, expected);
    for (int round = 0; round < rounds; round++) {
        print_message("round %d\n", round);
        char *found = disturbed(&run, &model);
        harness_expect_same(expected, found);
        free(found);
    }
    free(expected);
}

int main(void)
{
    const char *given = getenv("LIANDONG_SEED");
    chance = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("LIANDONG_SEED=%llu\n", (unsigned long long)chance);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_die_alone_and_lose_nothing),
    };
    return cmocka_run_group_tests_name("integration.units", tests, NULL, NULL);
}
