/* The router's allowance for what moves no events (docs/protocol.md, 7.1), with a clock that only
 * the test moves. */
#include "internal.h"
#include "router_rig.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* What they cost. */
enum { HELLO_US = 20, PING_US = 4, CLAIM_US = 5, OPEN_US = 10, REFUSED_US = 1, SHARE = 10 };

/* No time passes any more, and so much may be asked until it does. */
static void start_with(struct rig *rig, int64_t allowance_us)
{
    rig_stop_clock();
    rig->options.limits.allowance_us = allowance_us;
    rig_start_router(rig);
}

static void refill(int64_t price_us)
{
    rig_move_clock(price_us * SHARE);
}

static void say_pings(struct peer *peer, int count)
{
    for (int i = 0; i < count; i++)
        peer_say(peer, WIRE_PING, 0, 0, NULL);
}

static void expect_pongs(struct peer *peer, int count)
{
    for (int i = 0; i < count; i++)
        peer_expect(peer, WIRE_PONG);
}

/* Publishing is free and answered in order with what was said before: nothing else was. */
static void expect_only(struct peer *peer, const char *producer, uint64_t sequence)
{
    assert_null(peer->inbox);
    publish_one(peer, producer, sequence, "t", "");
    assert_null(peer->inbox);
}

static void test_waits(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    start_with(rig, HELLO_US + CLAIM_US + 3 * PING_US);
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    say_pings(&peer, 10);
    expect_pongs(&peer, 3);
    expect_only(&peer, "a", 1);
    refill(2 * PING_US - 1); /* the last one overdraws it by 1 */
    expect_pongs(&peer, 2);
    expect_only(&peer, "a", 2);
    refill(1); /* pays that */
    expect_only(&peer, "a", 3);
    refill(1000);
    expect_pongs(&peer, 5);
    expect_only(&peer, "a", 4);
    peer_close(&peer);
}

/* One that asks for much, one that asks once: that one has the second turn. */
static void test_peers_take_turns(void **state)
{
    struct rig *rig = *state;
    struct peer greedy, modest;
    start_with(rig, 2 * (HELLO_US + CLAIM_US));
    peer_hello(rig, &greedy, "a");
    peer_hello(rig, &modest, "b");
    peer_producer(&greedy, "a");
    peer_producer(&modest, "b");
    say_pings(&greedy, 100);
    expect_only(&greedy, "a", 1);
    say_pings(&modest, 1);
    expect_only(&modest, "b", 1);
    refill(2 * PING_US);
    expect_pongs(&greedy, 1);
    expect_pongs(&modest, 1);
    expect_only(&greedy, "a", 2);
    peer_close(&greedy);
    peer_close(&modest);
}

/* Also who has no session yet comes in turn. */
static bool three_more_wait(void *data)
{
    return ((struct rig *)data)->router->held_count == 103;
}

static void test_hello_waits(void **state)
{
    struct rig *rig = *state;
    struct peer greedy, late;
    start_with(rig, HELLO_US + CLAIM_US);
    peer_hello(rig, &greedy, "a");
    peer_producer(&greedy, "a");
    say_pings(&greedy, 100);
    expect_only(&greedy, "a", 1);
    peer_open(rig, &late);
    peer_say(&late, WIRE_HELLO, 0, 0, "b");
    peer_say(&late, WIRE_PRODUCER, 1, 0, "b#with-its-name");
    uint64_t ping = peer_say(&late, WIRE_PING, 0, 0, NULL);
    rig_wait(rig, three_more_wait, rig);
    assert_null(late.inbox);
    refill(PING_US);
    expect_pongs(&greedy, 1);
    refill(1); /* that it overdraws */
    peer_expect(&late, WIRE_WELCOME);
    refill(HELLO_US);
    expect_pongs(&greedy, 1);
    expect_only(&greedy, "a", 2);
    refill(HELLO_US);
    assert_int_equal(peer_expect(&late, WIRE_PONG)->head.id, ping);
    uint64_t id = ld_producer_id("b#with-its-name", strlen("b#with-its-name"));
    assert_true(peer_expect(&late, WIRE_PRODUCER_OK)->head.a == id); /* when it is durable */
    peer_close(&late);
    peer_close(&greedy);
}

static json_t *status_of(struct peer *peer)
{
    peer_say(peer, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(peer, WIRE_STATUS_OK);
    json_t *json = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    assert_non_null(json);
    return json;
}

static json_int_t counter_of(struct peer *peer, const char *name)
{
    json_t *json = status_of(peer);
    json_int_t value = json_integer_value(json_object_get(json_object_get(json, "counters"), name));
    json_decref(json);
    return value;
}

static bool was_cut(void *data)
{
    return strstr(ld_buffer_string(&((struct rig *)data)->notes), "it asks for too much") != NULL;
}

static void check_warned_and_cut(struct rig *rig, struct peer *peer)
{
    const struct heard *warning = peer_expect(peer, WIRE_ERROR);
    assert_int_equal(warning->head.id, 0);
    assert_int_equal(warning->head.a, LD_BUSY);
    /* 4 pings of 4 us, and what was overdrawn, at a tenth of the time */
    assert_string_equal((const char *)warning->body,
                        "too much at once: 4 requests of this connection wait, with 8 it is "
                        "closed; go on in 1 ms");
    assert_false(was_cut(rig));
    say_pings(peer, 4); /* they fit */
    say_pings(peer, 1);
    rig_wait(rig, was_cut, rig);
}

static void test_who_goes_on_is_cut(void **state)
{
    struct rig *rig = *state;
    struct peer greedy, other;
    rig->options.limits.held_messages = 8;
    start_with(rig, 2 * HELLO_US);
    peer_hello(rig, &greedy, "a");
    peer_hello(rig, &other, "b");
    say_pings(&greedy, 4);
    check_warned_and_cut(rig, &greedy);
    refill(1000);
    assert_int_equal(counter_of(&other, "cut_askers"), 1);
    assert_int_equal(counter_of(&other, "requests_held"), 8);
    peer_close(&greedy);
    peer_close(&other);
}

static void test_stranger_is_cut(void **state)
{
    struct rig *rig = *state;
    struct peer stranger, other;
    rig->options.limits.held_messages = 8;
    start_with(rig, HELLO_US);
    peer_hello(rig, &other, "b");
    peer_open(rig, &stranger);
    say_pings(&stranger, 4);
    check_warned_and_cut(rig, &stranger);
    peer_close(&stranger);
    peer_close(&other);
}

static void say_nonsense(struct peer *peer)
{
    struct zuv_message message = {.count = 1};
    zuv_frame_copy(&message.frames[0], "x", 1);
    peer_send(peer, &message);
}

static bool one_was_cut(void *data)
{
    struct zuv_guard_stats stats;
    const struct router *router = ((struct rig *)data)->router;
    zuv_get_guard_stats(router->front, &stats);
    return router->counters.cut_askers == 1 && stats.cut_asked == 1;
}

static void test_nonsense_is_cut(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    start_with(rig, HELLO_US + 1);
    peer_hello(rig, &peer, "a");
    say_nonsense(&peer);
    peer_expect_error(&peer, 0, LD_PROTOCOL);
    say_nonsense(&peer);
    rig_wait(rig, one_was_cut, rig);
    peer_close(&peer);
}

/* Batches with refused records wait, good ones of others do not. */
static bool one_request_waits(void *data)
{
    return ((struct rig *)data)->router->request_count == 1;
}

static bool some_requests_wait(void *data)
{
    return ((struct rig *)data)->router->requests_bytes > 32 << 10;
}

static void test_refusals_wait(void **state)
{
    enum { REFUSED = 50 };
    struct rig *rig = *state;
    struct peer bad, good;
    struct batch batch = {0};
    start_with(rig, 2 * (HELLO_US + CLAIM_US) + 1);
    peer_hello(rig, &bad, "a");
    peer_hello(rig, &good, "b");
    peer_producer(&bad, "a");
    peer_producer(&good, "b");
    for (uint64_t i = 1; i <= REFUSED; i++)
        batch_add(&batch, "nobody", i, "t", "");
    expect_run(&bad, batch_send(&bad, &batch), REFUSED, LD_DENIED);
    batch_add(&batch, "a", 1, "t", "");
    uint64_t waits = batch_send(&bad, &batch);
    rig_wait(rig, one_request_waits, rig);
    for (uint64_t i = 1; i <= 20; i++)
        publish_one(&good, "b", i, "t", "");
    refill(REFUSED * REFUSED_US - 1); /* that it owes */
    publish_one(&good, "b", 21, "t", "");
    assert_null(bad.inbox);
    refill(1);
    expect_run(&bad, waits, 1, LD_OK);
    peer_close(&bad);
    peer_close(&good);
}

static bool floods(void *data)
{
    return strstr(ld_buffer_string(&((struct rig *)data)->notes), "it floods the router") != NULL;
}

/* Who has refusals to pay for and sends more than may wait is cut; while no more waits than that it
 * is not. */
static void test_refusals_without_end_are_cut(void **state)
{
    enum { REFUSED = 50, WAITING_BYTES = 64 << 10, RECORD_BYTES = 80 };
    struct rig *rig = *state;
    struct peer bad;
    struct batch batch = {0};
    rig->options.limits.waiting_session_bytes = WAITING_BYTES;
    start_with(rig, HELLO_US + 1);
    peer_hello(rig, &bad, "a");
    for (uint64_t i = 1; i <= REFUSED; i++)
        batch_add(&batch, "nobody", i, "t", "");
    expect_run(&bad, batch_send(&bad, &batch), REFUSED, LD_DENIED);
    for (size_t bytes = 0; bytes < WAITING_BYTES / 2; bytes += REFUSED * RECORD_BYTES) {
        for (uint64_t i = 1; i <= REFUSED; i++)
            batch_add(&batch, "nobody", i, "t", "");
        batch_send(&bad, &batch);
    }
    rig_wait(rig, some_requests_wait, rig);
    assert_false(floods(rig));
    for (size_t bytes = 0; bytes <= WAITING_BYTES; bytes += REFUSED * RECORD_BYTES) {
        for (uint64_t i = 1; i <= REFUSED; i++)
            batch_add(&batch, "nobody", i, "t", "");
        batch_send(&bad, &batch);
    }
    rig_wait(rig, floods, rig);
    assert_int_equal(rig->router->counters.requests_refused, 1);
    peer_close(&bad);
}

/* A CREDIT for each CHUNK is free; what is beyond costs. */
static void test_credit_for_chunks_is_free(void **state)
{
    enum { EVENTS = 30 };
    struct rig *rig = *state;
    struct peer peer;
    start_with(rig, HELLO_US + CLAIM_US + OPEN_US + PING_US);
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    struct wire_head credit = {WIRE_CREDIT, stream_begin(&peer, WIRE_FROM_NOW, 1000, NULL), 0, 0};
    struct batch batch = {0};
    for (uint64_t i = 1; i <= EVENTS; i++) {
        batch_add(&batch, "a", i, "t", "");
        uint64_t id = batch_send(&peer, &batch);
        expect_run(&peer, id, 1, LD_OK);
        credit.a = peer_expect(&peer, WIRE_CHUNK)->size;
        peer_say_head(&peer, &credit, NULL, 0);
    }
    say_pings(&peer, 1);
    expect_pongs(&peer, 1); /* all of it was left for that one */
    credit.a = 0;
    peer_say_head(&peer, &credit, NULL, 0);
    say_pings(&peer, 1);
    refill(PING_US);
    publish_one(&peer, "a", EVENTS + 1, "t", "");
    peer_expect(&peer, WIRE_CHUNK);
    assert_null(peer.inbox);
    refill(1);
    expect_pongs(&peer, 1);
    peer_close(&peer);
}

/* ---- what honest clients do at once, with the limits as they are ---- */

enum { CLIENTS = 60, STREAMS = 4 };

static bool has_heard(void *data)
{
    return ((struct peer *)data)->inbox != NULL;
}

static void expect_at_last(struct peer *peer, enum wire_operation operation)
{
    enum wire_operation heard;
    do {
        rig_wait(peer->rig, has_heard, peer);
        heard = peer->inbox->head.operation;
        assert_int_not_equal(heard, WIRE_ERROR);
        peer_expect(peer, heard);
    } while (heard != operation);
}

static void test_return_of_all_is_not_held(void **state)
{
    struct rig *rig = *state;
    static struct peer peers[CLIENTS];
    char name[32];
    rig_stop_clock();
    rig_start_router(rig);
    for (size_t i = 0; i < CLIENTS; i++) {
        snprintf(name, sizeof name, "unit-%zu", i);
        peer_open(rig, &peers[i]);
        peer_say(&peers[i], WIRE_HELLO, 0, 0, name);
        peer_say(&peers[i], WIRE_PRODUCER, 1, 0, name);
        for (int j = 0; j < STREAMS; j++)
            peer_say(&peers[i], WIRE_OPEN, 0, 1 << 20, "duty/3303/>\nwarning/33*/>");
        say_pings(&peers[i], 2);
        peer_say(&peers[i], WIRE_STATUS, 0, 0, NULL);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        expect_at_last(&peers[i], WIRE_STATUS_OK);
    assert_int_equal(rig->router->counters.requests_held, 0);
    for (size_t i = 0; i < CLIENTS; i++)
        peer_close(&peers[i]);
}

static void test_publishing_is_not_held(void **state)
{
    enum { BATCHES = 200, RECORDS = 100 };
    struct rig *rig = *state;
    struct peer peer;
    struct batch batch = {0};
    rig_stop_clock();
    rig_start_router(rig);
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    for (uint64_t again = 0; again < 2; again++) { /* the second time all are duplicates */
        for (uint64_t i = 0; i < BATCHES; i++) {
            for (uint64_t j = 1; j <= RECORDS; j++)
                batch_add(&batch, "a", i * RECORDS + j, "report/3303/x", "text");
            batch_send(&peer, &batch);
        }
        for (uint64_t i = 0; i < BATCHES; i++)
            assert_int_equal(run_of(peer_expect(&peer, WIRE_RESULT), 0).count, RECORDS);
    }
    assert_int_equal(counter_of(&peer, "requests_held"), 0);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_waits),
        WITH_RIG(test_peers_take_turns),
        WITH_RIG(test_hello_waits),
        WITH_RIG(test_who_goes_on_is_cut),
        WITH_RIG(test_stranger_is_cut),
        WITH_RIG(test_nonsense_is_cut),
        WITH_RIG(test_refusals_wait),
        WITH_RIG(test_refusals_without_end_are_cut),
        WITH_RIG(test_credit_for_chunks_is_free),
        WITH_RIG(test_return_of_all_is_not_held),
        WITH_RIG(test_publishing_is_not_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
