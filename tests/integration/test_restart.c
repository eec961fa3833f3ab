/*
 * Killed at a random moment and started again: a service's death changes nothing in the log but
 * places; the router's death loses nothing acknowledged. The seed is printed and can be given as
 * LIANDONG_SEED; LIANDONG_TESTS=full makes more rounds.
 */
#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#define SCENARIO LIANDONG_SOURCE "/tests/scenarios/broad-street.yaml"

#define TICK_SECONDS "600" /* of 62,000 ticks most are like the one before */

static unsigned seed;

static unsigned random_below(unsigned bound)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % bound;
}

static struct harness_process *start_play(struct harness *harness)
{
    return harness_start(harness, "play", "liandong", "play", SCENARIO, "--endpoint",
                         harness->endpoint, NULL);
}

/* Reads the player's lines; at line kill_at the victim is killed and started again. Returns how
 * many lines there were. */
static size_t play_with_a_death(struct harness *harness, const char *victim, size_t kill_at)
{
    struct harness_process *player = start_play(harness);
    size_t lines = 1;
    char line[1024];
    do {
        if (victim != NULL && lines == kill_at) {
            struct harness_process *process = harness_find(harness, victim);
            harness_signal(process, SIGKILL);
            harness_restart(harness, process);
        }
        lines++;
    } while (harness_line(player, line, sizeof line));
    int status = harness_wait(player);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        harness_show_messages(harness);
        fail_msg("the exercise ended with status %#x", (unsigned)status);
    }
    return lines - 1;
}

static void stop_all(struct harness *harness)
{
    for (size_t i = harness->process_count; i-- > 0;) {
        if (harness->process[i].pid != 0) {
            harness_signal(&harness->process[i], SIGTERM);
        }
    }
}

/* A service that reads again what it has answered already does not publish that again. */
static void expect_no_repetition(struct harness *harness)
{
    char *figures = harness_scrape(harness, harness->metrics);
    assert_true(harness_value(figures, "liandong_records_total{code=\"OK\"}") > 0);
    assert_null(strstr(figures, "\nliandong_records_total{code=\"DUPLICATE\"}"));
    free(figures);
}

static char *log_of_a_run(const char *victim, size_t kill_at, size_t *lines)
{
    struct harness harness;
    harness_open(&harness);
    harness_start_drill(&harness, TICK_SECONDS);
    harness_start_services(&harness);
    size_t counted = play_with_a_death(&harness, victim, kill_at);
    if (lines != NULL) {
        *lines = counted;
    }
    if (victim == NULL || strcmp(victim, "router") != 0) {
        expect_no_repetition(&harness);
    }
    stop_all(&harness);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "log", "verify", harness.data, NULL),
                     0);
    assert_int_equal(harness_run(&harness, NULL, "liandong", "replay", harness.data, NULL), 0);
    char *log = harness_canonical_log(&harness);
    harness_close(&harness);
    return log;
}

/* Each victim once; slow builds two of them, which differ from run to run. */
static unsigned rounds_wanted(void)
{
    const char *mode = getenv("LIANDONG_TESTS");
    if (mode != NULL && strcmp(mode, "full") == 0) {
        return 70;
    }
#ifdef LIANDONG_SANITIZED
    return 2;
#else
    return 7;
#endif
}

static void a_killed_process_changes_nothing(void **state)
{
    (void)state;
    static const char *const VICTIMS[] = {"reporting",    "grading",  "command", "duty",
                                          "notification", "supplies", "router"};
    unsigned rounds = rounds_wanted(), first = random_below(7);
    size_t lines = 0;
    char *undisturbed = log_of_a_run(NULL, 0, &lines);
    for (unsigned round = 0; round < rounds; round++) {
        const char *victim = VICTIMS[(first + round) % (sizeof VICTIMS / sizeof *VICTIMS)];
        size_t kill_at = 1 + random_below((unsigned)lines - 1);
        print_message("round %u: %s killed at line %zu of %zu\n", round, victim, kill_at, lines);
        char *log = log_of_a_run(victim, kill_at, NULL);
        harness_expect_same(undisturbed, log);
        free(log);
    }
    free(undisturbed);
}

int main(void)
{
    const char *given = getenv("LIANDONG_SEED");
    seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
    print_message("LIANDONG_SEED=%u\n", seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_changes_nothing),
    };
    return cmocka_run_group_tests_name("integration.restart", tests, NULL, NULL);
}
