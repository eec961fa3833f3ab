/* The log on a full disk, which heals, and on a failing one, which is final. */
#include "evlog_world.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- a failing disk ---- */

static void test_full_disk_refuses_and_heals(void **state)
{
    struct world *world = *state;
    uint64_t sequence = 0;
    int code = LD_OK;
    world_open(world);
    atomic_store(&world->free_bytes, world->options.reserve_bytes + WORLD_SEGMENT_BYTES - 1);
    while (code == LD_OK)
        code = world_try_stage(world, 1, &sequence);
    assert_int_equal(code, LD_NOSPACE);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), sequence);
    assert_int_equal(world_try_stage(world, 1, &sequence), LD_NOSPACE);
    world_read_all(world, 1, 4096);
    struct evlog_stats stats;
    evlog_get_stats(world->log, &stats);
    assert_int_equal(stats.refused_nospace, 2);
    assert_false(stats.failed);
    atomic_store(&world->free_bytes, UINT64_C(1) << 30);
    world_append(world, 1, 300);
    world_read_all(world, 1, 4096);
    uint64_t head = evlog_durable(world->log);
    world_close(world);
    world_open(world);
    assert_int_equal(evlog_durable(world->log), head);
}

static void test_full_disk_opens_and_reads(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_append(world, 1, 300);
    world_close(world);
    atomic_store(&world->free_bytes, 0);
    world_open(world);
    world_read_all(world, 1, 4096);
}

static void test_full_disk_cannot_create(void **state)
{
    struct world *world = *state;
    atomic_store(&world->free_bytes, 1000);
    assert_int_equal(world_try_open(world), LD_NOSPACE);
    atomic_store(&world->free_bytes, UINT64_C(1) << 30);
    world_open(world);
}

/* The disk turns out to be full while a commit is written: the commit waits, nothing is lost. */
static void test_full_disk_during_commit_heals(void **state)
{
    struct world *world = *state;
    uint64_t sequence = 0;
    world_open(world);
    world_append(world, 1, 2);
    world_stage(world, 1, 3);
    atomic_store(&world->fail_code, LD_NOSPACE);
    atomic_store(&world->write_fails_in, 0);
    assert_int_equal(evlog_commit(world->log, &test_error), LD_NOSPACE);
    assert_int_equal(evlog_durable(world->log), 2);
    atomic_store(&world->free_bytes, 0);
    assert_int_equal(world_try_stage(world, 1, &sequence), LD_NOSPACE);
    atomic_store(&world->free_bytes, UINT64_C(1) << 30);
    world_stage(world, 1, 2);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), 7);
    world_read_all(world, 1, 4096);
    world_close(world);
    world_open(world);
    assert_int_equal(evlog_durable(world->log), 7);
    assert_int_equal(evlog_producer(world->log, 1), 7);
}

/* The same between the runs of one commit: what was synced is durable, the rest waits. */
static void test_full_disk_between_runs_heals(void **state)
{
    struct world *world = *state;
    world->options.writer_thread = false;
    world_open(world);
    world_stage(world, 1, 300); /* needs two new segments */
    uint64_t staged = evlog_staged(world->log);
    atomic_store(&world->free_bytes, 0);
    assert_int_equal(evlog_commit(world->log, &test_error), LD_NOSPACE);
    uint64_t durable = evlog_durable(world->log);
    assert_true(durable > 0 && durable < staged);
    world_read_all(world, 1, 4096);
    atomic_store(&world->free_bytes, UINT64_C(1) << 30);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), staged);
    world_read_all(world, 1, 4096);
}

static void check_failed_for_good(struct world *world, uint64_t durable)
{
    struct evlog_stats stats;
    uint64_t sequence = 0;
    bool started = true;
    assert_int_equal(evlog_commit(world->log, &test_error), LD_IO);
    assert_int_equal(evlog_durable(world->log), durable);
    assert_int_equal(world_try_stage(world, 1, &sequence), LD_IO);
    assert_int_equal(evlog_commit_begin(world->log, &started, &test_error), LD_IO);
    assert_false(started);
    assert_int_equal(evlog_commit_finish(world->log, &test_error), LD_IO);
    evlog_get_stats(world->log, &stats);
    assert_true(stats.failed);
    world_read_all(world, 1, 4096);
}

static void test_failed_write_is_final(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_append(world, 1, 2);
    world_stage(world, 1, 3);
    atomic_store(&world->write_fails_in, 0);
    check_failed_for_good(world, 2);
    world_close(world);
    world_open(world);
    assert_int_equal(evlog_durable(world->log), 2);
    world_append(world, 1, 1);
}

static void test_failed_sync_is_final(void **state)
{
    struct world *world = *state;
    static const int CODES[] = {LD_IO, LD_NOSPACE}; /* no sync is tried again */
    for (size_t i = 0; i < COUNT(CODES); i++) {
        world_empty_directory(world);
        world_open(world);
        world_append(world, 1, 2);
        world_stage(world, 1, 3);
        atomic_store(&world->fail_code, CODES[i]);
        atomic_store(&world->sync_fails_in, 0);
        check_failed_for_good(world, 2);
        world_close(world);
        world_open(world); /* what was written is there, and synced by opening */
        assert_int_equal(evlog_durable(world->log), 5);
        world_close(world);
    }
}

/* Whatever fails first while opening, appending and rolling: the next open has all that was
 * durable, and in order. */
static void check_after_fault(struct world *world, atomic_int *countdown, int fails_in)
{
    uint64_t durable = 0;
    world_empty_directory(world);
    atomic_store(countdown, fails_in);
    if (world_try_open(world) == LD_OK) {
        uint64_t sequence;
        int code = LD_OK;
        for (size_t i = 0; i < 60 && code == LD_OK; i++) {
            code = world_try_stage(world, 1, &sequence);
            for (size_t more = 0; more < 8 && code == LD_OK; more++)
                code = world_try_stage(world, 1, &sequence);
            if (code == LD_OK)
                code = evlog_commit(world->log, &test_error);
        }
        durable = evlog_durable(world->log);
        world_close(world);
    }
    atomic_store(countdown, NEVER);
    world_open(world);
    assert_true(evlog_durable(world->log) >= durable);
    world_read_all(world, 1, 65536);
    world_close(world);
}

static void test_every_fault_position(void **state)
{
    struct world *world = *state;
    static const int CODES[] = {LD_IO, LD_NOSPACE};
    for (size_t i = 0; i < COUNT(CODES); i++) {
        atomic_store(&world->fail_code, CODES[i]);
        for (int fails_in = 0; fails_in < 80; fails_in++) {
            check_after_fault(world, &world->write_fails_in, fails_in);
            check_after_fault(world, &world->sync_fails_in, fails_in);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_full_disk_refuses_and_heals),
        BOTH(test_full_disk_opens_and_reads),
        BOTH(test_full_disk_cannot_create),
        BOTH(test_full_disk_during_commit_heals),
        THREADED(test_full_disk_between_runs_heals),
        BOTH(test_failed_write_is_final),
        BOTH(test_failed_sync_is_final),
        BOTH(test_every_fault_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
