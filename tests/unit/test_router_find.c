/* The router: FIND, where in the log a time is. */
#include "router_rig.h"

#include <jansson.h>
#include <string.h>

static const int64_t START_US = INT64_C(1795312800) * 1000000; /* 2026-11-22T10:00:00+08:00 */

enum { TIMES_MAX = 2000, LARGE_BYTES = 60000, LARGE_EVENTS = 50 };

/* The times of all events, by their place. */
struct times {
    int64_t of[TIMES_MAX];
    uint64_t head;
};

static void note_time(const struct ld_record *record, void *data)
{
    struct times *times = data;
    assert_int_equal(record->sequence, times->head + 1);
    assert_true(times->head < TIMES_MAX);
    times->of[times->head++] = record->time_us;
}

static void read_times(struct peer *peer, uint64_t head, struct times *times)
{
    times->head = 0;
    read_events(peer, 1, head, NULL, note_time, times);
}

static uint64_t expected_at(const struct times *times, int64_t time_us)
{
    uint64_t sequence = 1;
    while (sequence <= times->head && times->of[sequence - 1] < time_us)
        sequence++;
    return sequence;
}

static void check_find(struct peer *peer, const struct times *times, int64_t time_us)
{
    uint64_t id = peer_say(peer, WIRE_FIND, (uint64_t)time_us, 0, NULL);
    const struct heard *heard = peer_expect(peer, WIRE_FOUND);
    assert_int_equal(heard->head.id, id);
    assert_int_equal(heard->head.a, expected_at(times, time_us));
    assert_int_equal(heard->head.b, times->head);
    assert_int_equal(heard->size, 0);
}

static void check_all(struct peer *peer, const struct times *times)
{
    for (uint64_t i = 0; i < times->head; i++)
        for (int64_t off_us = -1; off_us <= 1; off_us++)
            check_find(peer, times, times->of[i] + off_us);
    static const int64_t FAR_US[] = {INT64_MIN, -1, 0, INT64_MAX};
    for (size_t i = 0; i < COUNT(FAR_US); i++)
        check_find(peer, times, FAR_US[i]);
}

static void test_finds(void **state)
{
    struct rig *rig = *state;
    struct times times = {.head = 0};
    struct peer peer;
    uint64_t head = 0;
    rig_start_router(rig);
    peer_hello(rig, &peer, "a");
    check_all(&peer, &times); /* of an empty log */
    peer_producer(&peer, "a");
    for (uint64_t i = 1; i <= 20; i++) {
        rig_move_clock(LD_US_HOUR);
        head = publish_one(&peer, "a", i, "t", "");
    }
    read_times(&peer, head, &times);
    check_all(&peer, &times);
    peer_close(&peer);
}

static void test_finds_a_drills_time(void **state)
{
    struct rig *rig = *state;
    struct times times;
    struct peer peer;
    rig->options.drill = true;
    rig->options.drill_start_us = START_US;
    rig->options.tick_us = LD_US_MINUTE;
    rig_start_router(rig);
    peer_hello(rig, &peer, "a");
    peer_say(&peer, WIRE_ADVANCE, (uint64_t)(START_US + 30 * LD_US_MINUTE), 0, NULL);
    read_times(&peer, peer_expect(&peer, WIRE_ADVANCED)->head.b, &times);
    assert_true(times.head >= 30);
    check_all(&peer, &times);
    peer_close(&peer);
}

/* Started again on a segment that has no index yet. */
static void start_unread(struct rig *rig, struct peer *peer, struct times *times)
{
    struct batch batch = {0};
    char payload[LARGE_BYTES + 1];
    uint64_t head = 0;
    memset(payload, 'x', LARGE_BYTES);
    payload[LARGE_BYTES] = '\0';
    rig_start_router(rig);
    peer_hello(rig, peer, "a");
    peer_producer(peer, "a");
    for (uint64_t i = 1; i <= LARGE_EVENTS; i++) {
        rig_move_clock(LD_US_SECOND);
        batch_add(&batch, "a", i, "t", payload);
        head = expect_run(peer, batch_send(peer, &batch), 1, LD_OK);
    }
    read_times(peer, head, times);
    peer_close(peer);
    rig_stop_router(rig);
    rig_start_router(rig);
    peer_hello(rig, peer, "a");
}

static bool has_heard(void *data)
{
    return ((const struct peer *)data)->inbox != NULL;
}

static enum wire_operation next_operation(struct peer *peer)
{
    rig_wait(peer->rig, has_heard, peer);
    return peer->inbox->head.operation;
}

/* More than it takes at once are refused, each by itself; the others are answered, in order. */
static void test_many_at_once(void **state)
{
    enum { ASKED = 60 };
    struct rig *rig = *state;
    struct times times;
    struct peer peer;
    uint64_t ids[ASKED], found = 0, refused = 0;
    start_unread(rig, &peer, &times);
    for (int i = 0; i < ASKED; i++)
        ids[i] = peer_say(&peer, WIRE_FIND, (uint64_t)times.of[LARGE_EVENTS / 2], 0, NULL);
    uint64_t last_found = 0;
    while (found + refused < ASKED) {
        if (next_operation(&peer) == WIRE_ERROR) {
            peer_expect_error(&peer, peer.inbox->head.id, LD_BUSY);
            refused++;
            continue;
        }
        const struct heard *heard = peer_expect(&peer, WIRE_FOUND);
        assert_true(heard->head.id > last_found && heard->head.id <= ids[ASKED - 1]);
        assert_int_equal(heard->head.a, expected_at(&times, times.of[LARGE_EVENTS / 2]));
        last_found = heard->head.id;
        found++;
    }
    assert_true(found >= 4 && refused > 0);
    check_all(&peer, &times);
    peer_close(&peer);
}

static json_t *status_of(struct peer *peer)
{
    peer_say(peer, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(peer, WIRE_STATUS_OK);
    json_t *json = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    assert_non_null(json);
    return json;
}

/* Who has gone is not answered, and keeps nobody waiting. */
static void test_dropped_with_the_session(void **state)
{
    struct rig *rig = *state;
    struct times times;
    struct peer gone, peer;
    start_unread(rig, &gone, &times);
    peer_hello(rig, &peer, "b");
    for (int i = 0; i < 4; i++)
        peer_say(&gone, WIRE_FIND, 1, 0, NULL);
    peer_say(&gone, WIRE_GOODBYE, 0, 0, NULL);
    uint64_t ping = peer_say(&gone, WIRE_PING, 0, 0, NULL);
    while (next_operation(&gone) == WIRE_FOUND) /* before it went */
        peer_expect(&gone, WIRE_FOUND);
    peer_expect_error(&gone, ping, LD_NOSESSION);
    check_find(&peer, &times, times.of[3]);
    json_t *json = status_of(&peer), *queue;
    queue = json_object_get(json_object_get(json, "queues"), "finds");
    assert_int_equal(json_integer_value(json_object_get(queue, "length")), 0);
    assert_int_equal(json_integer_value(json_object_get(queue, "length_limit")), 4096);
    json_t *received = json_object_get(json_object_get(json, "counters"), "received");
    assert_int_equal(json_integer_value(json_object_get(received, "FIND")), 5);
    json_decref(json);
    for (int i = 0; i < 4; i++) /* and the router may stop amid it */
        peer_say(&peer, WIRE_FIND, 1, 0, NULL);
    peer_close(&gone);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_finds),
        WITH_RIG(test_finds_a_drills_time),
        WITH_RIG(test_many_at_once),
        WITH_RIG(test_dropped_with_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
