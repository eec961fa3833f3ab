/*
 * A real router on a system that misbehaves (shim.h): a sync fails, the machine's clock is set back
 * and forth, while authors publish and a listener streams.
 */
#include "world.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { WINDOW = 8, PACE_MS = 5, SOME = 100, SECOND_US = 1000000, STEPS = 4 };

static uint64_t seed;

static void world_begin(struct world *world)
{
    static const char *const OPTIONS[] = {"--tick-seconds", "1", NULL};
    world_open(world, seed);
    world_add_shim(world);
    world_start_router(world, OPTIONS);
    world_start_author(world, WINDOW, PACE_MS);
    world_start_author(world, 1, PACE_MS);
    world_start_listeners(world, 1);
    world_await_answers_each(world, SOME);
}

/* ---- a sync fails ---- */

static void expect_said(struct world *world, const char *needle)
{
    char *said = harness_messages(&world->harness);
    if (strstr(said, needle) == NULL)
        fail_msg("expected \"%s\" in:\n%s", needle, said);
    free(said);
}

/* The router stops and says why; its next start finds all that was acknowledged, and what was not
 * answered is published again. */
static void the_first_failed_sync_stops_the_router(void **state)
{
    static const int FAILURES[] = {EIO, ENOSPC};
    struct world world;
    struct ledger_totals totals;
    (void)state;
    world_begin(&world);
    for (size_t i = 0; i < sizeof FAILURES / sizeof *FAILURES; i++) {
        atomic_store(&world.shim->sync_errno, FAILURES[i]);
        int status = harness_wait(world.router);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        expect_said(&world, "the log failed, the router stops: cannot make events durable: cannot "
                            "sync: ");
        expect_said(&world, strerror(FAILURES[i]));
        world_check(&world, &totals);
        atomic_store(&world.shim->sync_errno, 0);
        harness_restart(&world.harness, world.router);
        world_await_answers_each(&world, SOME);
    }
    world_settle(&world, &totals);
    world_close(&world);
}

/* ---- the clock ---- */

struct times {
    uint64_t ticks;
    int64_t last_us, last_tick_us;
};

/* Times never run backwards; ticks are whole seconds, each later than the one before. */
static void take_time(const struct seen_entry *entry, struct times *times)
{
    assert_true(entry->time_us >= times->last_us);
    times->last_us = entry->time_us;
    if (entry->producer != ld_producer_id("router", strlen("router")) || entry->payload_size != 0)
        return;
    assert_int_equal(entry->time_us % SECOND_US, 0);
    assert_true(entry->time_us > times->last_tick_us);
    times->last_tick_us = entry->time_us;
    times->ticks++;
}

static void read_times(const struct world *world, struct times *times)
{
    struct seen_entry entry;
    char path[CONTENT_PATH_SIZE];
    *times = (struct times){0};
    content_seen_path(path, world->told, 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fread(&entry, sizeof entry, 1, file) == 1)
        take_time(&entry, times);
    fclose(file);
}

struct more_ticks {
    const struct world *world;
    uint64_t wanted;
};

static uint64_t ticks_to_come(void *data)
{
    const struct more_ticks *more = data;
    struct times times;
    read_times(more->world, &times);
    return more->wanted > times.ticks ? more->wanted - times.ticks : 0;
}

static void await_ticks(struct world *world, uint64_t count)
{
    struct times times;
    read_times(world, &times);
    struct more_ticks more = {world, times.ticks + count};
    await_folder(&world->harness, world->told, ticks_to_come, &more, "ticks");
}

static int64_t monotonic_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Each of the first ticks may be one that was due at once; the second has come by itself. */
static void time_neither_runs_back_nor_stops_nor_floods(void **state)
{
    static const int64_t WRONG_S[STEPS] = {3600, -7200, 90000, 0};
    struct world world;
    struct times times;
    struct ledger_totals totals;
    int64_t began_s = monotonic_s();
    (void)state;
    world_begin(&world);
    for (size_t i = 0; i < STEPS; i++) {
        atomic_store(&world.shim->wall_us, WRONG_S[i] * SECOND_US);
        await_ticks(&world, 2);
        if (i == 1) { /* and a router that starts behind its log's last event */
            world_stop(&world, world.router);
            harness_restart(&world.harness, world.router);
            await_ticks(&world, 2);
        }
    }
    world_await_answers_each(&world, SOME);
    world_settle(&world, &totals);
    read_times(&world, &times);
    assert_in_range(times.ticks, 2 * STEPS, monotonic_s() - began_s + STEPS + 2);
    world_close(&world);
}

int main(void)
{
    seed = world_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_failed_sync_stops_the_router),
        cmocka_unit_test(time_neither_runs_back_nor_stops_nor_floods),
    };
    return cmocka_run_group_tests_name("fault.shim", tests, NULL, NULL);
}
