/* The router: ticks, drills, the tap. */
#include "router_rig.h"

#include <stdio.h>

static const int64_t START_US = INT64_C(1795312800) * 1000000; /* 2026-11-22T10:00:00+08:00 */

struct ticks {
    int64_t times_us[2000];
    uint64_t producer_sequences[2000];
    size_t count;
    uint16_t flags;
};

static void collect_tick(const struct ld_record *record, void *data)
{
    struct ticks *ticks = data;
    assert_true(ticks->count < COUNT(ticks->times_us));
    assert_int_equal(record->payload_size, 0);
    assert_true(record->producer == ld_producer_id("router", 6));
    ticks->times_us[ticks->count] = record->time_us;
    ticks->producer_sequences[ticks->count] = record->producer_sequence;
    ticks->flags = record->flags;
    if (ticks->count > 0)
        assert_true(record->producer_sequence > ticks->producer_sequences[ticks->count - 1]);
    ticks->count++;
}

static void test_actual_ticks(void **state)
{
    struct rig *rig = *state;
    rig->options.tick_us = 2000;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint64_t stream = stream_begin(&peer, 1, 100000, "sys/tick");
    int64_t last_us = 0;
    uint64_t covered = 0;
    for (int i = 0; i < 5; i++) {
        const struct heard *chunk = peer_expect(&peer, WIRE_CHUNK);
        assert_int_equal(chunk->head.id, stream);
        assert_int_equal(chunk->head.a, covered + 1);
        covered = chunk->head.b;
        struct ld_record record;
        if (chunk->size == 0)
            continue;
        assert_ok(ld_record_decode(chunk->body, chunk->size, &record, &test_error));
        assert_int_equal(record.time_us % 2000, 0);
        assert_true(record.time_us > last_us);
        assert_int_equal(record.flags, 0);
        last_us = record.time_us;
    }
    assert_true(last_us > 0);
    peer_close(&peer);
}

struct place {
    int64_t time_us;
    uint16_t flags;
};

static void note_place(const struct ld_record *record, void *data)
{
    struct place *place = data;
    place->time_us = record->time_us;
    place->flags = record->flags;
}

/* A tick comes before any event that is later than it, however late the timer is. */
static void test_tick_before_later_events(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    uint64_t before = publish_one(&peer, "a", 1, "t", "");
    rig_move_clock(3 * LD_US_DAY + 5); /* three boundaries: the last one is told */
    assert_int_equal(publish_one(&peer, "a", 2, "t", ""), before + 2);
    struct ticks ticks = {.count = 0};
    read_events(&peer, before, before + 2, "sys/tick", collect_tick, &ticks);
    assert_int_equal(ticks.count, 1);
    assert_int_equal(ticks.times_us[0] % LD_US_DAY, 0);
    peer_close(&peer);
}

static int64_t time_of_next(struct peer *peer, uint64_t producer_sequence)
{
    struct place place;
    uint64_t sequence = publish_one(peer, "a", producer_sequence, "t", "");
    read_events(peer, sequence, sequence, NULL, note_place, &place);
    return place.time_us;
}

static size_t count_ticks(struct peer *peer, uint64_t from, uint64_t to)
{
    struct ticks ticks = {.count = 0};
    read_events(peer, from, to, "sys/tick", collect_tick, &ticks);
    for (size_t i = 1; i < ticks.count; i++)
        assert_true(ticks.times_us[i] > ticks.times_us[i - 1]);
    for (size_t i = 0; i < ticks.count; i++)
        assert_int_equal(ticks.times_us[i] % LD_US_DAY, 0);
    return ticks.count;
}

/* Set back by two days, time goes on from where it was, a little slower, until the machine's clock
 * has caught up; ticks neither stop nor come again. Set forward, one tick says so. */
static void test_time_goes_on_when_the_clock_is_set_back(void **state)
{
    struct rig *rig = *state;
    rig->options.silence_heartbeats = UINT32_MAX; /* days pass between two words */
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    int64_t before_us = time_of_next(&peer, 1);
    rig_set_wall(-2 * LD_US_DAY);
    int64_t back_us = time_of_next(&peer, 2);
    assert_in_range(back_us, before_us, before_us + LD_US_MINUTE);
    uint64_t from = publish_one(&peer, "a", 3, "t", "");
    rig_move_clock(16 * LD_US_DAY); /* passes: 15 for the router, and a day is caught up */
    int64_t later_us = time_of_next(&peer, 4);
    assert_in_range(later_us - before_us, 15 * LD_US_DAY, 15 * LD_US_DAY + LD_US_MINUTE);
    rig_move_clock(LD_US_DAY);
    uint64_t to = publish_one(&peer, "a", 5, "t", "");
    assert_int_equal(count_ticks(&peer, from, to), 2);
    rig_move_clock(16 * LD_US_DAY); /* now the machine's clock leads again */
    int64_t expected_us = rig_context()->wall_us(NULL);
    assert_in_range(time_of_next(&peer, 6), expected_us, expected_us + LD_US_MINUTE);
    rig_set_wall(0);
    to = publish_one(&peer, "a", 7, "t", "");
    assert_int_equal(count_ticks(&peer, from, to), 4);
    peer_close(&peer);
}

/* A log from a machine whose clock was ahead: time goes on from its last event. */
static void test_time_goes_on_from_the_last_event(void **state)
{
    struct rig *rig = *state;
    rig->options.silence_heartbeats = UINT32_MAX; /* days pass between two words */
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    rig_set_wall(5 * LD_US_DAY);
    int64_t last_us = time_of_next(&peer, 1);
    peer_close(&peer);
    rig_stop_router(rig);
    rig_set_wall(0);
    rig_start_router(rig);
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    assert_in_range(time_of_next(&peer, 2), last_us, last_us + LD_US_MINUTE);
    uint64_t from = publish_one(&peer, "a", 3, "t", "");
    rig_move_clock(2 * LD_US_DAY);
    uint64_t to = publish_one(&peer, "a", 4, "t", "");
    assert_int_equal(count_ticks(&peer, from, to), 1);
    peer_close(&peer);
}

static void test_actual_clock_is_not_advanced(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint64_t id = peer_say(&peer, WIRE_ADVANCE, (uint64_t)START_US, 0, NULL);
    peer_expect_error(&peer, id, LD_REFUSED);
    peer_close(&peer);
}

/* ---- drills ---- */

static void start_drill(struct rig *rig)
{
    rig->options.drill = true;
    rig->options.drill_start_us = START_US;
    rig->options.tick_us = LD_US_MINUTE;
    rig_start_router(rig);
}

static uint64_t advance(struct peer *peer, int64_t time_us)
{
    uint64_t id = peer_say(peer, WIRE_ADVANCE, (uint64_t)time_us, 0, NULL);
    const struct heard *heard = peer_expect(peer, WIRE_ADVANCED);
    assert_int_equal(heard->head.id, id);
    assert_true(heard->head.a == (uint64_t)time_us);
    return heard->head.b;
}

static void test_drill_clock(void **state)
{
    struct rig *rig = *state;
    start_drill(rig);
    struct peer peer;
    peer_open(rig, &peer);
    peer_say(&peer, WIRE_HELLO, 0, 0, "a");
    const struct heard *heard = peer_expect(&peer, WIRE_WELCOME);
    struct wire_welcome welcome;
    assert_ok(wire_welcome_decode(heard->body, heard->size, &welcome, &test_error));
    assert_int_equal(welcome.flags, WIRE_DRILL);
    assert_true(welcome.time_us == START_US);
    peer_producer(&peer, "a");
    uint64_t sequence = publish_one(&peer, "a", 1, "t", ""); /* not marked by its author */
    struct place place;
    read_events(&peer, sequence, sequence, NULL, note_place, &place);
    assert_true(place.time_us == START_US);
    assert_int_equal(place.flags, LD_RECORD_EXERCISE);

    uint64_t head = advance(&peer, START_US + 30 * LD_US_SECOND); /* no boundary passed */
    assert_int_equal(head, sequence);
    head = advance(&peer, START_US + 1000 * LD_US_MINUTE + 1);
    assert_int_equal(head, sequence + 1000);
    struct ticks ticks = {.count = 0};
    read_events(&peer, 1, head, "sys/tick", collect_tick, &ticks);
    assert_int_equal(ticks.count, 1000);
    assert_int_equal(ticks.flags, LD_RECORD_EXERCISE);
    for (size_t i = 0; i < ticks.count; i++)
        assert_true(ticks.times_us[i] == START_US + (int64_t)(i + 1) * LD_US_MINUTE);
    sequence = publish_one(&peer, "a", 2, "t", "");
    read_events(&peer, sequence, sequence, NULL, note_place, &place);
    assert_true(place.time_us == START_US + 1000 * LD_US_MINUTE + 1);
    assert_int_equal(advance(&peer, START_US + 1000 * LD_US_MINUTE + 1), sequence);
    peer_close(&peer);
}

static void test_drill_refusals(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.advance_ticks = 100;
    start_drill(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    static const int64_t BAD_US[] = {START_US - 1, 0,         -1,
                                     INT64_MIN,    INT64_MAX, START_US + 102 * LD_US_MINUTE};
    for (size_t i = 0; i < COUNT(BAD_US); i++)
        peer_expect_error(&peer, peer_say(&peer, WIRE_ADVANCE, (uint64_t)BAD_US[i], 0, NULL),
                          LD_INVALID);
    advance(&peer, START_US + 100 * LD_US_MINUTE);
    peer_close(&peer);
}

static void test_many_advances_at_once(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.advances = 3;
    start_drill(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    rig_set_held(true);
    uint64_t ids[4];
    for (int i = 0; i < 3; i++)
        ids[i] = peer_say(&peer, WIRE_ADVANCE,
                          (uint64_t)(START_US + (3 - i) * 100000 * LD_US_MINUTE), 0, NULL);
    peer_sync(&peer, &peer);
    rig_set_held(false);
    for (int i = 0; i < 3; i++) { /* in order; the clock never goes back for a later one */
        const struct heard *heard = peer_expect(&peer, WIRE_ADVANCED);
        assert_int_equal(heard->head.id, ids[i]);
        assert_true(heard->head.a == (uint64_t)(START_US + 300000 * LD_US_MINUTE));
        assert_true(heard->head.b >= 300000);
    }
    peer_close(&peer);
}

static void test_drill_restarts_where_it_was(void **state)
{
    struct rig *rig = *state;
    start_drill(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint64_t head = advance(&peer, START_US + 5 * LD_US_MINUTE);
    peer_close(&peer);
    rig_stop_router(rig);

    rig->options.drill = false; /* a drill's log is one for ever */
    assert_int_equal(rig_open_router(rig), LD_INVALID);
    start_drill(rig);
    peer_hello(rig, &peer, "a");
    assert_int_equal(advance(&peer, START_US + 7 * LD_US_MINUTE), head + 2);
    struct ticks ticks = {.count = 0};
    read_events(&peer, 1, head + 2, "sys/tick", collect_tick, &ticks);
    assert_int_equal(ticks.count, 7);
    peer_close(&peer);
}

static void test_actual_log_takes_no_drill(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    rig_stop_router(rig);
    rig->options.drill = true;
    assert_int_equal(rig_open_router(rig), LD_INVALID);
    rig->options.drill = false;
    rig_start_router(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_actual_ticks),
        WITH_RIG(test_tick_before_later_events),
        WITH_RIG(test_time_goes_on_when_the_clock_is_set_back),
        WITH_RIG(test_time_goes_on_from_the_last_event),
        WITH_RIG(test_actual_clock_is_not_advanced),
        WITH_RIG(test_drill_clock),
        WITH_RIG(test_drill_refusals),
        WITH_RIG(test_many_advances_at_once),
        WITH_RIG(test_drill_restarts_where_it_was),
        WITH_RIG(test_actual_log_takes_no_drill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
