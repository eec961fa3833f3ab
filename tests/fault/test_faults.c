/* The log on a full disk, which heals, and on a failing one, which is final. */
#include "rig.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PLENTY       (UINT64_C(1) << 40)

/* So much is free from now on. */
static void set_free(struct rig *rig, uint64_t bytes)
{
    storage_capacity(rig->storage, storage_used(rig->storage) + bytes);
}

/* ---- a full disk ---- */

static void test_full_disk_refuses_and_heals(void **state)
{
    struct rig *rig = *state;
    struct evlog_stats stats;
    int code = LD_OK;
    rig_open(rig);
    set_free(rig, rig->options.reserve_bytes + SEGMENT_BYTES - 1);
    while (code == LD_OK)
        code = rig_try_stage(rig, 1);
    assert_int_equal(code, LD_NOSPACE);
    assert_ok(evlog_commit(rig->log, &test_error));
    assert_int_equal(evlog_durable(rig->log), rig->history.count);
    assert_int_equal(rig_try_stage(rig, 1), LD_NOSPACE);
    history_check(&rig->history, rig->log, rig->history.count);
    evlog_get_stats(rig->log, &stats);
    assert_int_equal(stats.refused_nospace, 2);
    assert_false(stats.failed);
    storage_capacity(rig->storage, PLENTY);
    rig_append(rig, 1, 300);
    history_check(&rig->history, rig->log, rig->history.count);
    rig_close(rig);
    rig_open(rig);
    assert_int_equal(evlog_durable(rig->log), rig->history.count);
}

static void test_full_disk_opens_and_reads(void **state)
{
    struct rig *rig = *state;
    rig_open(rig);
    uint64_t head = rig_append(rig, 1, 300);
    rig_close(rig);
    set_free(rig, 0);
    rig_open(rig);
    history_check(&rig->history, rig->log, head);
}

static void test_full_disk_cannot_create(void **state)
{
    struct rig *rig = *state;
    set_free(rig, 1000);
    assert_int_equal(rig_try_open(rig), LD_NOSPACE);
    storage_capacity(rig->storage, PLENTY);
    rig_open(rig);
}

/* The disk turns out to be full while a commit is written: the commit waits, nothing is lost. */
static void test_full_disk_during_commit_heals(void **state)
{
    struct rig *rig = *state;
    rig_open(rig);
    rig_append(rig, 1, 2);
    rig_stage(rig, 1, 3);
    storage_fail(rig->storage, STORAGE_WRITE, 0, LD_NOSPACE);
    assert_int_equal(evlog_commit(rig->log, &test_error), LD_NOSPACE);
    assert_int_equal(evlog_durable(rig->log), 2);
    set_free(rig, 0);
    assert_int_equal(rig_try_stage(rig, 1), LD_NOSPACE);
    storage_capacity(rig->storage, PLENTY);
    rig_stage(rig, 1, 2);
    assert_ok(evlog_commit(rig->log, &test_error));
    assert_int_equal(evlog_durable(rig->log), 7);
    history_check(&rig->history, rig->log, 7);
    rig_end(rig, STORAGE_NOTHING, 1);
    rig_open(rig);
    assert_int_equal(evlog_durable(rig->log), 7);
}

/* The same between the runs of one commit: what was synced is durable, the rest waits. */
static void test_full_disk_between_runs_heals(void **state)
{
    struct rig *rig = *state;
    rig_open(rig);
    rig_stage(rig, 1, 500); /* needs more than one new segment */
    uint64_t staged = evlog_staged(rig->log);
    set_free(rig, 0);
    assert_int_equal(evlog_commit(rig->log, &test_error), LD_NOSPACE);
    uint64_t durable = evlog_durable(rig->log);
    assert_true(durable > 0 && durable < staged);
    history_check(&rig->history, rig->log, durable);
    storage_capacity(rig->storage, PLENTY);
    assert_ok(evlog_commit(rig->log, &test_error));
    assert_int_equal(evlog_durable(rig->log), staged);
    rig_end(rig, STORAGE_NOTHING, 1);
    rig_open(rig);
    assert_int_equal(evlog_durable(rig->log), staged);
}

/* ---- a failing disk ---- */

static void check_failed_for_good(struct rig *rig, uint64_t durable)
{
    struct evlog_stats stats;
    bool started = true;
    assert_int_equal(evlog_commit(rig->log, &test_error), LD_IO);
    assert_int_equal(evlog_durable(rig->log), durable);
    assert_int_equal(rig_try_stage(rig, 1), LD_IO);
    assert_int_equal(evlog_commit_begin(rig->log, &started, &test_error), LD_IO);
    assert_false(started);
    assert_int_equal(evlog_commit_finish(rig->log, &test_error), LD_IO);
    evlog_get_stats(rig->log, &stats);
    assert_true(stats.failed);
    history_check(&rig->history, rig->log, durable);
}

static void test_failed_write_is_final(void **state)
{
    struct rig *rig = *state;
    rig_open(rig);
    rig_append(rig, 1, 2);
    rig_stage(rig, 1, 3);
    storage_fail(rig->storage, STORAGE_WRITE, 0, LD_IO);
    check_failed_for_good(rig, 2);
    rig_close(rig);
    rig_open(rig);
    assert_in_range(evlog_durable(rig->log), 2, 5);
    rig_append(rig, 1, 1);
}

/* The failed commit is in memory, where the next process finds it, and only partly on the disk. */
static void test_failed_sync_is_final(void **state)
{
    struct rig *rig = *state;
    static const int CODES[] = {LD_IO, LD_NOSPACE}; /* no sync is tried again */
    for (uint64_t seed = 0; seed < 40; seed++) {
        rig_renew(rig, seed);
        rig_open(rig);
        rig_append(rig, 1, 2);
        rig_stage(rig, 1, 3);
        storage_fail(rig->storage, STORAGE_SYNC, 0, CODES[seed % COUNT(CODES)]);
        check_failed_for_good(rig, 2);
        rig_close(rig);
        rig_open(rig);
        assert_int_equal(evlog_durable(rig->log), 5);
        rig_end(rig, STORAGE_NOTHING, seed);
        rig_open(rig); /* it was shown, so it stays */
        assert_int_equal(evlog_durable(rig->log), 5);
    }
}

/* A torn commit is cut, the sync of that fails, and the next process sees zeros that are not on the
 * disk. The same events come again, one a commit; the old ones must not come back behind them. */
static void test_failed_sync_of_a_cut(void **state)
{
    struct rig *rig = *state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        rig_renew(rig, seed);
        place_set("seed %" PRIu64, seed);
        rig_open(rig);
        rig_append(rig, 1, 2);
        rig_stage(rig, 1, 40);
        storage_fail(rig->storage, STORAGE_SYNC, 0, LD_IO);
        assert_int_equal(evlog_commit(rig->log, &test_error), LD_IO);
        rig_end(rig, STORAGE_NOTHING, seed);
        storage_fail(rig->storage, STORAGE_SYNC, 0, LD_IO);
        if (rig_try_open(rig) != LD_OK)
            rig_end(rig, ENDING_KILL, seed);
        storage_fail(rig->storage, 0, 0, 0);
        rig_close(rig);
        rig_open(rig);
        for (uint64_t i = seed % 40; i > 0; i--)
            rig_append(rig, 1, 1);
        rig_end(rig, STORAGE_NOTHING, seed);
        rig_open(rig);
        assert_int_equal(evlog_durable(rig->log), rig->history.count);
    }
}

/* ---- each step ---- */

/* What the log had told when it took no more; the disk then works again. */
static uint64_t drive(struct rig *rig)
{
    uint64_t durable = 0;
    if (rig_try_open(rig) == LD_OK) {
        int code = LD_OK;
        for (size_t i = 0; i < 60 && code == LD_OK; i++) {
            for (size_t more = 0; more < 9 && code == LD_OK; more++)
                code = rig_try_stage(rig, 1);
            if (code == LD_OK)
                code = evlog_commit(rig->log, &test_error);
        }
        durable = evlog_durable(rig->log);
    }
    storage_fail(rig->storage, 0, 0, 0);
    return durable;
}

/* Whatever fails first while opening, appending and rolling: the next open has all that was
 * durable, and in order, also after a power cut. */
static void test_every_fault_position(void **state)
{
    struct rig *rig = *state;
    static const int CODES[] = {LD_IO, LD_NOSPACE};
    static const unsigned KINDS[] = {STORAGE_WRITE, STORAGE_SYNC, STORAGE_CHANGES, STORAGE_ANY};
    uint64_t failed = 1, n = 0;
    for (n = 0; failed > 0; n++) {
        failed = 0;
        for (size_t i = 0; i < COUNT(CODES) * COUNT(KINDS); i++) {
            place_set("step %" PRIu64 " of kinds %#x fails with %d", n, KINDS[i / 2], CODES[i % 2]);
            rig_renew(rig, n);
            storage_fail(rig->storage, KINDS[i / 2], n, CODES[i % 2]);
            uint64_t durable = drive(rig);
            failed += storage_failed(rig->storage);
            rig_end(rig, i / 2 % 2 ? (unsigned)STORAGE_NOTHING : ENDING_KILL, n);
            rig_open(rig);
            history_check(&rig->history, rig->log, durable);
        }
    }
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_BOTH(test_full_disk_refuses_and_heals),    RIG_BOTH(test_full_disk_opens_and_reads),
        RIG_BOTH(test_full_disk_cannot_create),        RIG_BOTH(test_full_disk_during_commit_heals),
        RIG_INLINE(test_full_disk_between_runs_heals), RIG_BOTH(test_failed_write_is_final),
        RIG_INLINE(test_failed_sync_is_final),         RIG_INLINE(test_failed_sync_of_a_cut),
        RIG_BOTH(test_every_fault_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
