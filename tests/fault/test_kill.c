/*
 * SIGKILL under load. Four authors publish, each with a window under way; two listeners stream.
 * Again and again, at a random moment, the router, an author or the second listener is killed and
 * started again; now and then the router once more while it starts. The first listener lives
 * throughout. Every few kills, while the router is dead, and at the end the log is checked against
 * all that was ever told (ledger.h), and by `liandong log verify`.
 *
 * LIANDONG_TESTS=full: 1,000 kills. The seed is printed; LIANDONG_SEED gives it.
 */
#include "world.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include "chance.h"

enum {
    AUTHORS = 4,
    LISTENERS = 2,
    BETWEEN_KILLS = 150, /* answers at most */
    STARTING_MS = 30,
    CHECKS = 10,
    KILLS_FULL = 1000,
    KILLS = 25,
    KILLS_SANITIZED = 10
};

struct deaths {
    struct world world;
    unsigned kills, router_kills;
    struct harness_process *authors[AUTHORS], *listeners[LISTENERS];
};

static uint64_t seed;

/* Small segments: many kills fall into their making and beginning. */
static void deaths_open(struct deaths *deaths)
{
    static const char *const OPTIONS[] = {"--segment-bytes", "131072", "--tick-seconds", "1", NULL};
    static const unsigned WINDOWS[AUTHORS] = {1, 8, 16, 40};
    *deaths = (struct deaths){.kills = 0};
    world_open(&deaths->world, seed);
    world_start_router(&deaths->world, OPTIONS);
    for (unsigned author = 0; author < AUTHORS; author++)
        deaths->authors[author] = world_start_author(&deaths->world, WINDOWS[author], 0);
    for (unsigned listener = 0; listener < LISTENERS; listener++)
        deaths->listeners[listener] = world_start_listeners(&deaths->world, 1);
}

static void some_answers_later(struct deaths *deaths)
{
    struct world *world = &deaths->world;
    world_await_answers(world, 1 + chance_below(&world->chance, BETWEEN_KILLS));
}

static void kill_one(struct deaths *deaths, struct harness_process *process)
{
    int status = harness_signal(process, SIGKILL);
    deaths->kills++;
    if (!WIFSIGNALED(status)) {
        harness_show_messages(&deaths->world.harness);
        fail_msg("%s had ended by itself with status %#x", process->name, (unsigned)status);
    }
}

static void kill_router(struct deaths *deaths, bool check_now)
{
    struct world *world = &deaths->world;
    struct ledger_totals totals;
    kill_one(deaths, world->router);
    deaths->router_kills++;
    if (check_now)
        world_check(world, &totals);
    harness_relaunch(&world->harness, world->router);
    if (chance_below(&world->chance, 4) == 0 &&
        !harness_ready_within(world->router, (int)chance_below(&world->chance, STARTING_MS))) {
        kill_router(deaths, check_now);
        return;
    }
    if (world->router->ready[0] == '\0')
        harness_ready(world->router);
}

static void kill_somebody(struct deaths *deaths, bool check_now)
{
    unsigned choice = (unsigned)chance_below(&deaths->world.chance, 8);
    struct harness_process *victim =
        choice < AUTHORS ? deaths->authors[choice] : deaths->listeners[LISTENERS - 1];
    if (choice > AUTHORS || check_now) {
        kill_router(deaths, check_now);
        return;
    }
    kill_one(deaths, victim);
    harness_relaunch(&deaths->world.harness, victim);
}

static void kills_lose_and_double_nothing(void **state)
{
    struct deaths deaths;
    struct ledger_totals totals;
    unsigned wanted = world_rounds(KILLS_FULL, KILLS, KILLS_SANITIZED);
    time_t began = time(NULL);
    (void)state;
    deaths_open(&deaths);
    for (unsigned checked = 0; deaths.kills < wanted;) {
        some_answers_later(&deaths);
        bool check_now = deaths.kills * CHECKS / wanted > checked;
        checked += check_now;
        kill_somebody(&deaths, check_now);
    }
    some_answers_later(&deaths);
    world_settle(&deaths.world, &totals);
    world_close(&deaths.world);
    print_message("%u kills, %u of the router, in %lld s: %" PRIu64 " events, %" PRIu64
                  " answered, %" PRIu64 " seen\n",
                  deaths.kills, deaths.router_kills, (long long)(time(NULL) - began), totals.events,
                  totals.answered, totals.seen);
}

int main(void)
{
    seed = world_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kills_lose_and_double_nothing),
    };
    return cmocka_run_group_tests_name("fault.kill", tests, NULL, NULL);
}
