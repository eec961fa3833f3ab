/*
 * SIGKILL under load. Four authors publish, each with a window under way; two listeners stream.
 * Again and again, at a random moment, the router, an author or the second listener is killed and
 * started again; now and then the router once more while it starts. The first listener lives
 * throughout. Every few kills, while the router is dead, and at the end the log is checked against
 * all that was ever told (ledger.h), and by `liandong log verify`.
 *
 * LIANDONG_TESTS=full: 1,000 kills. The seed is printed; LIANDONG_SEED gives it.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include "../unit/test.h"
#include "../integration/harness.h"
#include "await.h"
#include "chance.h"
#include "content.h"
#include "ledger.h"

enum {
    AUTHORS = 4,
    LISTENERS = 2,
    WINDOW = 16,
    BETWEEN_KILLS = 150, /* answers at most */
    STARTING_MS = 30,
    CHECKS = 10,
    KILLS_FULL = 1000,
    KILLS = 40,
    KILLS_SANITIZED = 10
};

struct world {
    struct harness harness;
    struct ledger ledger;
    char told[CONTENT_PATH_SIZE];
    uint64_t chance;
    uint64_t goal; /* answers to wait for */
    unsigned kills, router_kills;
    struct harness_process *router, *authors[AUTHORS], *listeners[LISTENERS];
};

static uint64_t seed;

static unsigned kills_wanted(void)
{
    const char *mode = getenv("LIANDONG_TESTS");
    if (mode != NULL && strcmp(mode, "full") == 0)
        return KILLS_FULL;
#ifdef LIANDONG_SANITIZED
    return KILLS_SANITIZED;
#else
    return KILLS;
#endif
}

/* ---- the world ---- */

static struct harness_process *start_author(struct world *world, unsigned author)
{
    char name[CONTENT_NAME_SIZE], seed_text[24], author_text[12], window[12];
    snprintf(name, sizeof name, "author-%u", author);
    snprintf(seed_text, sizeof seed_text, "%" PRIu64, world->ledger.seed);
    snprintf(author_text, sizeof author_text, "%u", author);
    snprintf(window, sizeof window, "%u", author == 0 ? 1 : WINDOW * author);
    return harness_launch(&world->harness, name, FAULT_PEER, "publish", world->harness.endpoint,
                          world->told, seed_text, author_text, window, NULL);
}

static struct harness_process *start_listener(struct world *world, unsigned listener)
{
    char name[CONTENT_NAME_SIZE], number[12];
    snprintf(name, sizeof name, "listener-%u", listener);
    snprintf(number, sizeof number, "%u", listener);
    return harness_launch(&world->harness, name, FAULT_PEER, "stream", world->harness.endpoint,
                          world->told, number, "1", NULL);
}

/* Small segments: many kills fall into their making and beginning. */
static void world_open(struct world *world)
{
    memset(world, 0, sizeof *world);
    harness_open(&world->harness);
    snprintf(world->told, sizeof world->told, "%s/told", world->harness.folder);
    assert_int_equal(mkdir(world->told, 0700), 0);
    world->chance = seed;
    world->ledger = (struct ledger){.log = world->harness.data,
                                    .folder = world->told,
                                    .seed = seed,
                                    .authors = AUTHORS,
                                    .listeners = LISTENERS};
    world->router = harness_start(&world->harness, "router", "liandong-router", "--data",
                                  world->harness.data, "--endpoint", world->harness.endpoint,
                                  "--segment-bytes", "131072", "--tick-seconds", "1", NULL);
    for (unsigned author = 0; author < AUTHORS; author++)
        world->authors[author] = start_author(world, author);
    for (unsigned listener = 0; listener < LISTENERS; listener++)
        world->listeners[listener] = start_listener(world, listener);
}

static bool goal_reached(void *data)
{
    const struct world *world = data;
    return ledger_answers(&world->ledger) >= world->goal;
}

static void some_answers_later(struct world *world)
{
    world->goal = ledger_answers(&world->ledger) + 1 + chance_below(&world->chance, BETWEEN_KILLS);
    await_folder(world->told, goal_reached, world, "answers to the authors");
}

/* ---- killing ---- */

static void check(struct world *world, struct ledger_totals *totals)
{
    ledger_check(&world->ledger, totals);
    int status =
        harness_run(&world->harness, NULL, "liandong", "log", "verify", world->harness.data, NULL);
    if (status != 0) {
        harness_show_messages(&world->harness);
        fail_msg("liandong log verify: exit %d after %u kills", status, world->kills);
    }
}

static void kill_one(struct world *world, struct harness_process *process)
{
    int status = harness_signal(process, SIGKILL);
    world->kills++;
    if (!WIFSIGNALED(status)) {
        harness_show_messages(&world->harness);
        fail_msg("%s had ended by itself with status %#x", process->name, (unsigned)status);
    }
}

static void kill_router(struct world *world, bool check_now)
{
    struct ledger_totals totals;
    kill_one(world, world->router);
    world->router_kills++;
    if (check_now)
        check(world, &totals);
    harness_relaunch(&world->harness, world->router);
    if (chance_below(&world->chance, 4) == 0 &&
        !harness_ready_within(world->router, (int)chance_below(&world->chance, STARTING_MS))) {
        kill_router(world, check_now);
        return;
    }
    if (world->router->ready[0] == '\0')
        harness_ready(world->router);
}

static void kill_somebody(struct world *world, bool check_now)
{
    unsigned choice = (unsigned)chance_below(&world->chance, 8);
    struct harness_process *victim =
        choice < AUTHORS ? world->authors[choice] : world->listeners[LISTENERS - 1];
    if (choice > AUTHORS || check_now) {
        kill_router(world, check_now);
        return;
    }
    kill_one(world, victim);
    harness_relaunch(&world->harness, victim);
}

static bool all_seen(void *data)
{
    const struct world *world = data;
    return ledger_all_seen(&world->ledger, world->goal);
}

static void stop(struct world *world, struct harness_process *process)
{
    int status = harness_signal(process, SIGTERM);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        harness_show_messages(&world->harness);
        fail_msg("%s: SIGTERM ended it with status %#x", process->name, (unsigned)status);
    }
}

/* Authors get all their answers and listeners see all there is; then nothing must be missing. */
static void end(struct world *world, struct ledger_totals *totals)
{
    for (unsigned author = 0; author < AUTHORS; author++)
        stop(world, world->authors[author]);
    stop(world, world->router);
    check(world, totals);
    world->goal = totals->events;
    harness_restart(&world->harness, world->router);
    await_folder(world->told, all_seen, world, "the last events at the listeners");
    stop(world, world->router);
    check(world, totals);
    assert_int_equal(totals->answered, totals->written);
    assert_true(totals->seen >= LISTENERS * world->goal);
    harness_close(&world->harness);
}

static void kills_lose_and_double_nothing(void **state)
{
    struct world world;
    struct ledger_totals totals;
    unsigned wanted = kills_wanted();
    time_t began = time(NULL);
    (void)state;
    world_open(&world);
    for (unsigned checked = 0; world.kills < wanted;) {
        some_answers_later(&world);
        bool check_now = world.kills * CHECKS / wanted > checked;
        checked += check_now;
        kill_somebody(&world, check_now);
    }
    some_answers_later(&world);
    end(&world, &totals);
    print_message("%u kills, %u of the router, in %lld s: %" PRIu64 " events, %" PRIu64
                  " answered, %" PRIu64 " seen\n",
                  world.kills, world.router_kills, (long long)(time(NULL) - began), totals.events,
                  totals.answered, totals.seen);
}

int main(void)
{
    const char *given = getenv("LIANDONG_SEED");
    seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("LIANDONG_SEED=%" PRIu64 "\n", seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_lose_and_double_nothing),
    };
    return cmocka_run_group_tests_name("fault.kill", tests, NULL, NULL);
}
