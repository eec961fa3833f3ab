/* The log in normal use: writing, rolling, reading, finding, reopening. */
#include "evlog_world.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- writing and reading ---- */

static void test_new_log_is_empty(void **state)
{
    struct world *world = *state;
    world_open(world);
    assert_true(world->recovery.created);
    assert_int_equal(world->recovery.segments, 1);
    assert_int_equal(world->recovery.first_sequence, 1);
    assert_int_equal(world->recovery.head, 0);
    assert_int_equal(evlog_first(world->log), 1);
    assert_int_equal(evlog_durable(world->log), 0);
    assert_int_equal(evlog_staged(world->log), 0);
    assert_int_equal(evlog_producer(world->log, 7), 0);
    struct evlog_span span;
    assert_ok(evlog_read(world->log, 1, 4096, &span, &test_error));
    assert_int_equal(span.size, 0);
    assert_int_equal(evlog_read(world->log, 0, 4096, &span, &test_error), LD_NOTFOUND);
    bool started = true;
    assert_ok(evlog_commit_begin(world->log, &started, &test_error));
    assert_false(started);
}

static void test_round_trip(void **state)
{
    struct world *world = *state;
    world_open(world);
    assert_int_equal(world_append(world, 7, 3), 3);
    assert_int_equal(world_append(world, 8, 1), 4);
    assert_int_equal(world_read_all(world, 1, 1 << 20), 4);
    struct evlog_span span;
    assert_ok(evlog_read(world->log, 3, 1, &span, &test_error));
    assert_int_equal(span.first, 3);
    assert_int_equal(span.last, 3);
    struct ld_record record;
    assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
    assert_int_equal(record.producer, 7);
    assert_int_equal(record.producer_sequence, 3);
    assert_int_equal(record.time_us, world_now(world));
    assert_int_equal(record.flags, 0);
    evlog_span_release(&span);
    assert_int_equal(evlog_producer(world->log, 7), 3);
    assert_int_equal(evlog_producer(world->log, 8), 1);
    assert_int_equal(evlog_producer_count(world->log), 2);
}

static void check_segment_starts(struct world *world, uint64_t *segments)
{
    uint64_t next = 1;
    *segments = 0;
    while (next <= evlog_durable(world->log)) {
        struct evlog_span span;
        struct ld_record record;
        assert_ok(evlog_read(world->log, next, SIZE_MAX, &span, &test_error));
        assert_true(span.size <= WORLD_SEGMENT_BYTES - WORLD_HEADER_BYTES);
        assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
        assert_int_equal(is_checkpoint(&record), next > 1);
        next = span.last + 1;
        (*segments)++;
        evlog_span_release(&span);
    }
}

static void test_rolls_over(void **state)
{
    struct world *world = *state;
    uint64_t segments;
    world_open(world);
    world_append(world, 1, 2000); /* several rolls within one buffer */
    for (size_t i = 0; i < 500; i++)
        world_append(world, 2 + i % 3, 1);
    check_segment_starts(world, &segments);
    assert_true(segments > 10);
    struct evlog_stats stats;
    evlog_get_stats(world->log, &stats);
    assert_int_equal(stats.segments_created, segments - 1);
    assert_int_equal(stats.bytes_on_disk, segments * WORLD_SEGMENT_BYTES);
    assert_int_equal(stats.events_staged, evlog_durable(world->log));
    assert_int_equal(evlog_durable(world->log), 2500 + segments - 1);
    static const size_t SPANS[] = {1, 700, 4096, 65536, SIZE_MAX};
    for (size_t i = 0; i < COUNT(SPANS); i++)
        world_read_all(world, 1, SPANS[i]);
    for (uint64_t from = 1; from <= evlog_durable(world->log); from += 97)
        world_read_all(world, from, 16384);
}

static void check_any_order(struct world *world)
{
    uint64_t head = evlog_durable(world->log);
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t sequence = 1 + i * 7919 % head;
        struct evlog_span span;
        assert_ok(evlog_read(world->log, sequence, 1 + i % 3000, &span, &test_error));
        assert_int_equal(span.first, sequence);
        span_check(&span);
        evlog_span_release(&span);
    }
}

static void test_reads_in_any_order(void **state)
{
    static const uint64_t SEGMENTS[] = {WORLD_SEGMENT_BYTES, 1u << 20}; /* the index has many */
    struct world *world = *state;
    for (size_t i = 0; i < COUNT(SEGMENTS); i++) {
        world_empty_directory(world);
        world->options.segment_bytes = SEGMENTS[i];
        world_open(world);
        world_append(world, 1, 6000);
        check_any_order(world); /* with the index as staging has built it */
        world_close(world);
        world_open(world);
        check_any_order(world); /* built by reading */
        world_read_all(world, 1, 50000);
        check_any_order(world);
        world_close(world);
    }
}

static void test_reopens(void **state)
{
    struct world *world = *state;
    uint8_t id[EVLOG_ID_SIZE];
    world_open(world);
    memcpy(id, evlog_id(world->log), sizeof id);
    for (uint64_t round = 1; round <= 12; round++) {
        world_append(world, 100 + round, 1 + round * 20);
        world_append(world, 7, 1);
        uint64_t head = evlog_durable(world->log);
        world_close(world);
        world_open(world);
        assert_false(world->recovery.created);
        assert_int_equal(world->recovery.torn_bytes, 0);
        assert_int_equal(world->recovery.head, head);
        assert_int_equal(evlog_durable(world->log), head);
        assert_memory_equal(id, evlog_id(world->log), sizeof id);
        assert_int_equal(evlog_producer(world->log, 7), round);
        assert_int_equal(evlog_producer_count(world->log), round + 1);
        for (uint64_t past = 1; past <= round; past++)
            assert_int_equal(evlog_producer(world->log, 100 + past), 1 + past * 20);
    }
    assert_true(world->recovery.segments > 5);
    world_read_all(world, 1, 10000);
}

static void test_many_producers_cross_a_roll(void **state)
{
    enum { PRODUCERS = 70000 }; /* more than two checkpoint records hold */
    struct world *world = *state;
    world->options.segment_bytes = 16u << 20;
    world->options.buffer_bytes = 8u << 20;
    world_open(world);
    for (uint64_t i = 1; i <= PRODUCERS; i++)
        world_stage(world, i, 1);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_true(evlog_durable(world->log) > PRODUCERS); /* rolled over at least once */
    world_close(world);
    world_open(world);
    assert_true(world->recovery.segments > 1);
    assert_int_equal(evlog_producer_count(world->log), PRODUCERS);
    for (uint64_t i = 1; i <= PRODUCERS; i++)
        assert_int_equal(evlog_producer(world->log, i), 1);
}

static void test_clock_backwards(void **state)
{
    struct world *world = *state;
    world_open(world);
    int64_t begin_us = world_now(world);
    world_append(world, 1, 1);
    atomic_store(&world->now_us, begin_us - 5000000);
    world_append(world, 1, 1);
    assert_int_equal(evlog_last_time_us(world->log), begin_us);
    world_close(world);
    world_open(world);
    assert_int_equal(evlog_last_time_us(world->log), begin_us);
    world_append(world, 1, 1);
    assert_int_equal(evlog_last_time_us(world->log), begin_us);
    atomic_store(&world->now_us, begin_us + 1);
    world_append(world, 1, 1);
    assert_int_equal(evlog_last_time_us(world->log), begin_us + 1);
}

static void test_failed_stage_changes_nothing(void **state)
{
    struct world *world = *state;
    struct event event;
    uint64_t sequence = 0;
    world_open(world);
    world_append(world, 1, 1);
    int64_t last_us = evlog_last_time_us(world->log);
    event_make(&event, 9, 1);
    assert_int_equal(evlog_stage(world->log, event.raw, last_us + 9, 1u << 15, &sequence, NULL),
                     LD_INVALID);
    ld_put_u32(event.raw + 12, 63);
    assert_int_equal(evlog_stage(world->log, event.raw, last_us + 9, 0, &sequence, &test_error),
                     LD_INVALID);
    assert_int_equal(evlog_last_time_us(world->log), last_us);
    assert_int_equal(evlog_staged(world->log), 1);
    assert_int_equal(evlog_producer_count(world->log), 1);
}

static void test_too_big(void **state)
{
    struct world *world = *state;
    uint8_t *payload = calloc(1, 70000);
    uint8_t *raw = malloc(ld_record_size(1, 70000));
    struct ld_record record = {.topic = "t",
                               .topic_size = 1,
                               .payload = payload,
                               .payload_size = 70000,
                               .producer = 5,
                               .producer_sequence = 1};
    uint64_t sequence = 0;
    ld_record_encode(raw, &record);
    world_open(world);
    world_append(world, 1, 3);
    assert_int_equal(evlog_stage(world->log, raw, 1, 0, &sequence, &test_error), LD_TOOBIG);
    assert_int_equal(world_append(world, 1, 1), 4);
    free(raw);
    free(payload);
}

static void test_full_buffer_is_busy(void **state)
{
    struct world *world = *state;
    uint64_t sequence = 0;
    int code = LD_OK;
    world->options.segment_bytes = 1u << 20;
    world_open(world);
    while (code == LD_OK)
        code = world_try_stage(world, 1, &sequence);
    assert_int_equal(code, LD_BUSY);
    assert_int_equal(evlog_staged(world->log), sequence);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), sequence);
    assert_ok(world_try_stage(world, 1, &sequence));
    struct evlog_stats stats;
    evlog_get_stats(world->log, &stats);
    assert_int_equal(stats.refused_busy, 1);
}

static void test_spans_outlive_the_log(void **state)
{
    struct world *world = *state;
    struct evlog_span span;
    world_open(world);
    world_append(world, 1, 600);
    assert_ok(evlog_read(world->log, 10, 10000, &span, &test_error));
    evlog_span_retain(&span);
    evlog_span_release(&span);
    world_read_all(world, 1, 10000); /* the log lets go of this segment's view */
    world_close(world);
    span_check(&span);
    evlog_span_release(&span);
    struct evlog_span empty = {0};
    evlog_span_retain(&empty);
    evlog_span_release(&empty);
}

/* Three events share each time: the first of them is found, and the first behind them. */
static void check_find_time(struct world *world)
{
    uint64_t sequence, head = evlog_durable(world->log);
    for (uint64_t at = 1; at <= head; at += 5) {
        struct evlog_span span;
        struct ld_record record;
        assert_ok(evlog_read(world->log, at, 1, &span, &test_error));
        assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
        assert_ok(evlog_find_time(world->log, record.time_us, UINT64_MAX, &sequence, &test_error));
        assert_true(sequence <= at && at - sequence <= 3);
        assert_ok(
            evlog_find_time(world->log, record.time_us + 1, UINT64_MAX, &sequence, &test_error));
        assert_true(sequence > at && sequence - at <= 4);
        evlog_span_release(&span);
    }
    assert_ok(
        evlog_find_time(world->log, world_now(world) + 1, UINT64_MAX, &sequence, &test_error));
    assert_int_equal(sequence, head + 1);
}

/* Exact where the index reaches; after opening again, before anything was read, not later than it
 * was. */
static void test_time_near(void **state)
{
    struct world *world = *state;
    int64_t begin_us = world_now(world), time_us = 0;
    world->options.segment_bytes = 4u << 20;
    world_open(world);
    for (int64_t i = 0; i < 3000; i++) {
        atomic_store(&world->now_us, begin_us + i * 1000);
        world_stage(world, 1, 1);
    }
    assert_int_equal(evlog_time_near(world->log, 3000, &time_us, &test_error), LD_NOTFOUND);
    assert_ok(evlog_commit(world->log, &test_error));
    for (int64_t i = 0; i < 3000; i += 7) {
        assert_ok(evlog_time_near(world->log, (uint64_t)i + 1, &time_us, &test_error));
        assert_int_equal(time_us, begin_us + i * 1000);
    }
    assert_int_equal(evlog_time_near(world->log, 0, &time_us, &test_error), LD_NOTFOUND);
    assert_int_equal(evlog_time_near(world->log, 3001, &time_us, &test_error), LD_NOTFOUND);
    world_close(world);
    world_open(world);
    for (int64_t i = 0; i < 3000; i += 7) {
        assert_ok(evlog_time_near(world->log, (uint64_t)i + 1, &time_us, &test_error));
        assert_true(time_us >= begin_us && time_us <= begin_us + i * 1000);
    }
    struct evlog_span span;
    assert_ok(evlog_read(world->log, 1500, 1, &span, &test_error));
    evlog_span_release(&span);
    assert_ok(evlog_time_near(world->log, 1501, &time_us, &test_error));
    assert_int_equal(time_us, begin_us + 1500 * 1000);
}

static void test_find_time(void **state)
{
    static const uint64_t SEGMENTS[] = {WORLD_SEGMENT_BYTES, 1u << 20};
    struct world *world = *state;
    uint64_t sequence = 0;
    int64_t begin_us = world_now(world);
    for (size_t k = 0; k < COUNT(SEGMENTS); k++) {
        world_empty_directory(world);
        world->options.segment_bytes = SEGMENTS[k];
        world_open(world);
        assert_ok(evlog_find_time(world->log, begin_us, UINT64_MAX, &sequence, &test_error));
        assert_int_equal(sequence, 1);
        for (size_t i = 0; i < 3000; i++) {
            atomic_store(&world->now_us, begin_us + (int64_t)(i / 3) * 1000);
            world_stage(world, 1, 1);
        }
        assert_ok(evlog_commit(world->log, &test_error));
        check_find_time(world);
        world_close(world);
        world_open(world);
        check_find_time(world);
        assert_ok(evlog_find_time(world->log, begin_us - 1, UINT64_MAX, &sequence, &test_error));
        assert_int_equal(sequence, 1);
        world_close(world);
    }
}

static void test_find_time_ignores_what_is_only_staged(void **state)
{
    struct world *world = *state;
    uint64_t sequence = 0;
    world->options.segment_bytes = 1u << 20;
    world_open(world);
    world_append(world, 1, 3);
    world_stage(world, 1, 400);
    assert_ok(
        evlog_find_time(world->log, world_now(world) + 1, UINT64_MAX, &sequence, &test_error));
    assert_int_equal(sequence, 4);
}

/* ---- drills, read-only, locks ---- */

static void test_drill_marks_everything(void **state)
{
    struct world *world = *state;
    world->options.drill = true;
    world_open(world);
    assert_true(evlog_is_drill(world->log));
    world_append(world, 1, 400);
    for (uint64_t at = 1; at <= evlog_durable(world->log); at++) {
        struct evlog_span span;
        struct ld_record record;
        assert_ok(evlog_read(world->log, at, 1, &span, &test_error));
        assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
        assert_int_equal(record.flags, LD_RECORD_EXERCISE);
        evlog_span_release(&span);
    }
    world_close(world);
    world->options.drill = false;
    assert_int_equal(world_try_open(world), LD_INVALID);
    world->options.read_only = true;
    world_open(world);
    assert_true(evlog_is_drill(world->log));
}

static void test_read_only(void **state)
{
    struct world *world = *state;
    struct world inspect = *world;
    uint64_t sequence = 0;
    bool started;
    inspect.context.self = &inspect;
    inspect.options.read_only = true;
    assert_int_equal(world_try_open(&inspect), LD_NOTFOUND);
    world_open(world);
    world_append(world, 1, 300);
    world_open(&inspect); /* beside the writer */
    assert_int_equal(evlog_durable(inspect.log), evlog_durable(world->log));
    assert_int_equal(evlog_producer(inspect.log, 1), 300);
    world_read_all(&inspect, 1, 5000);
    assert_int_equal(world_try_stage(&inspect, 1, &sequence), LD_INVALID);
    assert_int_equal(evlog_commit_begin(inspect.log, &started, &test_error), LD_INVALID);
    world_close(&inspect);
}

static void test_one_writer(void **state)
{
    struct world *world = *state;
    struct world second = *world;
    second.context.self = &second;
    world_open(world);
    world_append(world, 1, 1);
    assert_int_equal(world_try_open(&second), LD_LOCKED);
    world_close(world);
    world_open(&second);
    world_close(&second);
}

static void test_options_are_checked(void **state)
{
    struct world *world = *state;
    struct evlog_options good = world->options;
    world->options.segment_bytes = 4096;
    assert_int_equal(world_try_open(world), LD_INVALID);
    world->options.segment_bytes = (1u << 20) + 8;
    assert_int_equal(world_try_open(world), LD_INVALID);
    world->options = good;
    world->options.buffer_bytes = 100;
    assert_int_equal(world_try_open(world), LD_INVALID);
    world->options = good;
    world->directory[strlen(world->directory)] = 0;
    struct evlog *log = NULL;
    assert_int_equal(evlog_open(&world->context, "", &good, &log, NULL, NULL), LD_INVALID);
    assert_int_equal(evlog_open(&world->context, "/proc/none/log", &good, &log, NULL, NULL),
                     LD_NOTFOUND);
    assert_null(log);
    evlog_close(NULL);
}

static void test_segment_size_may_change(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_append(world, 1, 400);
    world_close(world);
    world->options.segment_bytes = 2 * WORLD_SEGMENT_BYTES;
    world_open(world);
    world_append(world, 1, 1000);
    world_close(world);
    world->options.segment_bytes = WORLD_SEGMENT_BYTES;
    world_open(world);
    world_append(world, 1, 400);
    world_close(world);
    world_open(world);
    assert_int_equal(evlog_producer(world->log, 1), 1800);
    world_read_all(world, 1, 100000);
}

/* ---- commits ---- */

static bool sync_is_waiting(void *data)
{
    struct world *world = data;
    return atomic_load(&world->waiting) > 0;
}

static void count_callback(void *data)
{
    atomic_fetch_add((atomic_uint *)data, 1);
}

static bool is_counted(void *data)
{
    return atomic_load((atomic_uint *)data) > 0;
}

static void test_what_comes_during_a_sync_shares_the_next(void **state)
{
    struct world *world = *state;
    struct evlog_stats stats;
    struct evlog_span span;
    atomic_uint called = 0;
    bool started = false;
    world->options.segment_bytes = 1u << 20;
    world_open(world);
    evlog_on_committed(world->log, count_callback, &called);
    world_stage(world, 1, 1);
    pthread_mutex_lock(&world->gate);
    atomic_store(&world->gated, true);
    assert_ok(evlog_commit_begin(world->log, &started, &test_error));
    assert_true(started);
    wait_until(sync_is_waiting, world);
    world_stage(world, 1, 50);
    assert_ok(evlog_commit_begin(world->log, &started, &test_error));
    assert_false(started); /* one runs */
    assert_ok(evlog_commit_finish(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), 0); /* not before its sync */
    assert_ok(evlog_read(world->log, 1, 4096, &span, &test_error));
    assert_int_equal(span.size, 0);
    assert_int_equal(atomic_load(&called), 0);
    atomic_store(&world->gated, false);
    pthread_mutex_unlock(&world->gate);
    wait_until(is_counted, &called);
    assert_ok(evlog_commit_finish(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), 1);
    assert_ok(evlog_commit(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), 51);
    evlog_get_stats(world->log, &stats);
    assert_int_equal(stats.commits, 2);
    assert_int_equal(ld_histogram_count(&stats.syncs), 2);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.events_staged, 51);
}

static void test_callback_without_thread(void **state)
{
    struct world *world = *state;
    atomic_uint called = 0;
    bool started = false;
    world_open(world);
    evlog_on_committed(world->log, count_callback, &called);
    world_stage(world, 1, 1);
    assert_ok(evlog_commit_begin(world->log, &started, &test_error));
    assert_true(started);
    assert_int_equal(atomic_load(&called), 1);
    assert_int_equal(evlog_durable(world->log), 0);
    assert_ok(evlog_commit_finish(world->log, &test_error));
    assert_int_equal(evlog_durable(world->log), 1);
}

static void test_close_makes_durable(void **state)
{
    struct world *world = *state;
    bool started;
    world_open(world);
    world_stage(world, 1, 10);
    assert_ok(evlog_commit_begin(world->log, &started, &test_error));
    world_stage(world, 1, 10);
    world_close(world); /* with one running and more staged */
    world_open(world);
    assert_int_equal(evlog_durable(world->log), 20);
}

static bool next_is_prepared(void *data)
{
    return world_has_file(data, "0000000000000002.ldlog");
}

static void test_next_segment_is_prepared_ahead(void **state)
{
    struct world *world = *state;
    struct evlog_stats stats;
    world_open(world);
    world_append(world, 1, 60); /* more than a quarter */
    assert_int_equal(world->recovery.segments, 1);
    wait_until(next_is_prepared, world);
    world_close(world);
    world_open(world); /* finds it and uses it */
    assert_int_equal(world->recovery.segments, 1);
    assert_true(next_is_prepared(world));
    world_append(world, 1, 200);
    evlog_get_stats(world->log, &stats);
    assert_true(stats.segments_created >= 1);
    world_read_all(world, 1, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_new_log_is_empty),
        BOTH(test_round_trip),
        BOTH(test_rolls_over),
        BOTH(test_reads_in_any_order),
        BOTH(test_reopens),
        INLINE(test_many_producers_cross_a_roll),
        BOTH(test_clock_backwards),
        INLINE(test_failed_stage_changes_nothing),
        INLINE(test_too_big),
        BOTH(test_full_buffer_is_busy),
        BOTH(test_spans_outlive_the_log),
        INLINE(test_time_near),
        INLINE(test_find_time),
        INLINE(test_find_time_ignores_what_is_only_staged),
        INLINE(test_drill_marks_everything),
        BOTH(test_read_only),
        BOTH(test_one_writer),
        INLINE(test_options_are_checked),
        BOTH(test_segment_size_may_change),
        THREADED(test_what_comes_during_a_sync_shares_the_next),
        INLINE(test_callback_without_thread),
        BOTH(test_close_makes_durable),
        THREADED(test_next_segment_is_prepared_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
