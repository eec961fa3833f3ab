/* evlog: commits in the caller's own thread, where that is quicker, and only there. */
#include "evlog_world.h"

static atomic_llong step_us, clock_us; /* time that passes whenever it is asked for */
static atomic_uint told;

static int64_t stepping(void *self)
{
    (void)self;
    return atomic_fetch_add(&clock_us, atomic_load(&step_us));
}

static void count_told(void *data)
{
    (void)data;
    atomic_fetch_add(&told, 1);
}

static void begin(struct world *world, int64_t sync_us)
{
    world->context.monotonic_us = stepping;
    atomic_store(&step_us, sync_us);
    world->options.segment_bytes = 1 << 20;
    world->options.buffer_bytes = 1 << 20;
    world_open(world);
}

static bool commit_here(struct world *world)
{
    bool done = false;
    assert_ok(evlog_commit_here(world->log, &done, &test_error));
    return done;
}

static void commit_quickly(struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        world_append(world, 1, 1);
}

static uint64_t commits_here(struct world *world)
{
    struct evlog_stats stats;
    evlog_get_stats(world->log, &stats);
    return stats.commits_here;
}

static void test_after_quick_syncs(void **state)
{
    struct world *world = *state;
    begin(world, 1000);
    commit_quickly(world, EVLOG_QUICK_SYNCS - 1);
    world_stage(world, 1, 1);
    assert_false(commit_here(world));
    assert_ok(evlog_commit(world->log, &test_error));
    assert_false(commit_here(world)); /* nothing is staged */
    atomic_store(&told, 0);
    evlog_on_committed(world->log, count_told, NULL);
    uint64_t last = world_stage(world, 1, 3);
    assert_true(commit_here(world));
    assert_int_equal(evlog_durable(world->log), last);
    assert_int_equal(atomic_load(&told), 0);
    assert_int_equal(commits_here(world), 1);
    world_append(world, 1, 1); /* and in the thread again */
    world_close(world);
    assert_int_equal(atomic_load(&told), 1);
    world_open(world);
    assert_int_equal(world_read_all(world, 1, 10000), EVLOG_QUICK_SYNCS + 4);
}

static void test_not_after_a_slow_sync(void **state)
{
    struct world *world = *state;
    begin(world, 1000);
    commit_quickly(world, EVLOG_QUICK_SYNCS);
    atomic_store(&step_us, 1001);
    world_stage(world, 1, 1);
    assert_true(commit_here(world));
    atomic_store(&step_us, 0);
    for (int i = 0; i < EVLOG_QUICK_SYNCS; i++) {
        world_stage(world, 1, 1);
        assert_false(commit_here(world));
        assert_ok(evlog_commit(world->log, &test_error));
    }
    world_stage(world, 1, 1);
    assert_true(commit_here(world));
}

static void test_not_what_is_large_or_begins_a_segment(void **state)
{
    struct world *world = *state;
    begin(world, 0);
    commit_quickly(world, EVLOG_QUICK_SYNCS);
    for (uint64_t before = evlog_durable(world->log); evlog_staged(world->log) < before + 250;)
        world_stage(world, 1, 1);
    assert_false(commit_here(world));
    assert_ok(evlog_commit(world->log, &test_error));
    do
        world_stage(world, 1, 1);
    while (commit_here(world));
    assert_ok(evlog_commit(world->log, &test_error)); /* the second segment */
    world_close(world);
    world_open(world);
    assert_int_equal(world->recovery.segments, 2);
}

static void test_not_while_a_commit_runs(void **state)
{
    struct world *world = *state;
    bool started;
    begin(world, 0);
    commit_quickly(world, EVLOG_QUICK_SYNCS);
    pthread_mutex_lock(&world->gate);
    atomic_store(&world->gated, true);
    world_stage(world, 1, 1);
    assert_ok(evlog_commit_begin(world->log, &started, &test_error));
    assert_true(started);
    world_stage(world, 1, 1);
    assert_false(commit_here(world));
    atomic_store(&world->gated, false);
    pthread_mutex_unlock(&world->gate);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), evlog_staged(world->log));
}

static int refuse_sync(void *self, int fd, struct ld_error *error)
{
    (void)self, (void)fd;
    return ld_fail(error, LD_IO, "the disk says no");
}

static void test_a_failure_is_final(void **state)
{
    struct world *world = *state;
    bool done;
    begin(world, 0);
    commit_quickly(world, EVLOG_QUICK_SYNCS);
    uint64_t durable = evlog_durable(world->log);
    world_stage(world, 1, 1);
    world->context.files.sync = refuse_sync;
    assert_int_equal(evlog_commit_here(world->log, &done, &test_error), LD_IO);
    assert_int_equal(evlog_durable(world->log), durable);
    assert_int_equal(evlog_commit_here(world->log, &done, &test_error), LD_IO);
    world->context.files.sync = world_sync;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREADED(test_after_quick_syncs),
        THREADED(test_not_after_a_slow_sync),
        THREADED(test_not_what_is_large_or_begins_a_segment),
        THREADED(test_not_while_a_commit_runs),
        THREADED(test_a_failure_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
