/* The router: streams. Where they begin, what they deliver, credit, slow and stuck readers. */
#include "router_rig.h"

#include <jansson.h>
#include <liandong/topic.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const TOPICS[] = {"duty/3303/health", "duty/330302/health",
                                     "duty/33030/x",     "report/3303/cholera",
                                     "grade/3303/a",     "duty/3403/health"};

/* Publishes count events whose topics go round; returns the first one's sequence. */
static uint64_t publish_many(struct peer *peer, const char *name, uint64_t count,
                             size_t payload_size)
{
    struct batch batch = {0};
    char *payload = calloc(1, payload_size + 1);
    memset(payload, 'x', payload_size);
    uint64_t last = peer_producer(peer, name), first = 0;
    for (uint64_t i = 0; i < count; i++) {
        batch_add(&batch, name, last + 1 + i, TOPICS[i % COUNT(TOPICS)], payload);
        if (batch.bytes.size < 500000 && i + 1 < count)
            continue;
        uint64_t id = batch_send(peer, &batch);
        const struct heard *heard = peer_expect(peer, WIRE_RESULT);
        assert_int_equal(heard->head.id, id);
        for (uint64_t run = 0; run < heard->head.b; run++)
            assert_int_equal(run_of(heard, run).code, LD_OK);
        if (first == 0)
            first = run_of(heard, 0).first;
    }
    free(payload);
    return first;
}

static void say_credit(struct peer *peer, uint64_t stream, uint64_t bytes, uint64_t processed)
{
    struct wire_head head = {WIRE_CREDIT, stream, bytes, processed};
    peer_say_head(peer, &head, NULL, 0);
}

static void test_where_streams_begin(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint64_t early = peer_say(&peer, WIRE_OPEN, 1, 1000, NULL); /* an empty log: behind its head */
    assert_int_equal(peer_expect(&peer, WIRE_OPENED)->head.a, 1);
    struct wire_head close = {WIRE_CLOSE, early, 0, 0};
    peer_say_head(&peer, &close, NULL, 0);
    peer_expect(&peer, WIRE_CLOSED);
    publish_many(&peer, "a", 3, 10);
    peer_say(&peer, WIRE_GOODBYE, 0, 0, NULL);
    peer_close(&peer);

    peer_hello(rig, &peer, "a");
    uint64_t head = router_durable(rig->router);
    const struct {
        uint64_t asked, begins;
    } CASES[] = {{WIRE_FROM_FIRST, 1},     {1, 1}, {2, 2}, {head, head}, {head + 1, head + 1},
                 {WIRE_FROM_NOW, head + 1}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        uint64_t id = peer_say(&peer, WIRE_OPEN, CASES[i].asked, 1000000, ">");
        const struct heard *heard = peer_expect(&peer, WIRE_OPENED);
        assert_int_equal(heard->head.id, id);
        assert_int_equal(heard->head.a, CASES[i].begins);
        assert_int_equal(heard->head.b, head);
        for (uint64_t next = CASES[i].begins; next <= head;) {
            heard = peer_expect(&peer, WIRE_CHUNK);
            assert_int_equal(heard->head.id, id);
            assert_int_equal(heard->head.a, next);
            next = heard->head.b + 1;
        }
    }
    uint64_t id = peer_say(&peer, WIRE_OPEN, head + 2, 1000, NULL);
    peer_expect_error(&peer, id, LD_NOTFOUND);
    peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, 1, 0, NULL), LD_INVALID);
    peer_close(&peer);
}

static void test_filters_refused(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    static const char *const BAD[] = {"a//b", "A", "a\n\nb", "\n", "a>", "a\nb*c", " "};
    for (size_t i = 0; i < COUNT(BAD); i++)
        peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, 1, 1000, BAD[i]), LD_INVALID);
    struct ld_buffer many = {0};
    for (int i = 0; i < WIRE_FILTERS_MAX; i++)
        ld_buffer_format(&many, "t%d\n", i);
    stream_begin(&peer, 1, 1000, ld_buffer_string(&many));
    ld_buffer_text(&many, "more");
    peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, 1, 1000, ld_buffer_string(&many)),
                      LD_INVALID);
    memset(ld_buffer_reserve(&many, 1 << 20), 'a', 1 << 20);
    many.size += 1 << 20;
    peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, 1, 1000, ld_buffer_string(&many)),
                      LD_INVALID);
    ld_buffer_free(&many);
    peer_close(&peer);
}

static void test_stream_limits(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.streams_per_session = 2;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint64_t first = stream_begin(&peer, 1, 1000, NULL);
    uint64_t second = stream_begin(&peer, 1, 1000, NULL);
    peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, 1, 1000, NULL), LD_REFUSED);
    struct wire_head head = {WIRE_CLOSE, first, 0, 0};
    for (int i = 0; i < 2; i++) { /* closing is answered also when there is nothing to close */
        peer_say_head(&peer, &head, NULL, 0);
        assert_int_equal(peer_expect(&peer, WIRE_CLOSED)->head.id, first);
    }
    head = (struct wire_head){WIRE_OPEN, second, 1, 1000}; /* an id that is in use: both end */
    peer_say_head(&peer, &head, NULL, 0);
    peer_expect_error(&peer, second, LD_INVALID);
    stream_begin(&peer, 1, 1000, NULL);
    stream_begin(&peer, 1, 1000, NULL);
    peer_close(&peer);
}

/* ---- what is delivered ---- */

struct expected {
    const char *filters[3];
    uint64_t seen, sequence;
};

static bool wanted(const struct expected *expected, const char *topic, size_t size)
{
    if (!expected->filters[0])
        return true;
    for (size_t i = 0; i < COUNT(expected->filters) && expected->filters[i]; i++)
        if (ld_filter_matches(expected->filters[i], strlen(expected->filters[i]), topic, size))
            return true;
    return false;
}

static void check_wanted(const struct ld_record *record, void *data)
{
    struct expected *expected = data;
    assert_true(wanted(expected, record->topic, record->topic_size));
    assert_true(record->sequence > expected->sequence);
    expected->sequence = record->sequence;
    expected->seen++;
}

/* Several segments of history: every filter gets what it matches, in order, and nothing else. */
static void test_history_is_complete(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    enum { EVENTS = 30000 };
    peer_hello(rig, &peer, "a");
    uint64_t first = publish_many(&peer, "a", EVENTS, 300);
    uint64_t head = router_durable(rig->router);
    assert_true(EVENTS * 300 > 2 * rig->options.segment_bytes);
    const struct {
        const char *text;
        struct expected expected;
        uint64_t share; /* of the topics */
    } CASES[] = {
        {"duty/33*/>", {.filters = {"duty/33*/>"}}, 3},
        {"duty/3303/*\ngrade/>", {.filters = {"duty/3303/*", "grade/>"}}, 2},
        {"duty/3303/health\n*/3303/*\nduty/3303/>", {.filters = {"duty/3303/>", "*/3303/*"}}, 3},
        {"duty/3303", {.filters = {"duty/3303"}}, 0},
        {"*/*/*", {.filters = {"*/*/*"}}, COUNT(TOPICS)},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct expected expected = CASES[i].expected;
        peer_say(&peer, WIRE_PING, 0, 0, NULL);
        peer_expect(&peer, WIRE_PONG);
        read_events(&peer, first, head, CASES[i].text, check_wanted, &expected);
        assert_int_equal(expected.seen, EVENTS / COUNT(TOPICS) * CASES[i].share);
    }
    struct expected everything = {.seen = 0};
    read_events(&peer, 1, head, ">", check_wanted, &everything);
    assert_int_equal(everything.seen, head); /* one total order without gaps */
    peer_close(&peer);
}

static void test_live_events_come(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer writer, readers[10];
    peer_hello(rig, &writer, "a");
    publish_many(&writer, "a", 1, 10);
    uint64_t head = router_durable(rig->router);
    for (size_t i = 0; i < COUNT(readers); i++) {
        peer_hello(rig, &readers[i], "b");
        stream_begin(&readers[i], WIRE_FROM_NOW, 100000, i % 2 ? "duty/3303/*" : NULL);
    }
    for (uint64_t i = 1; i <= 20; i++) {
        publish_one(&writer, "a", 10 + i, "duty/3303/health", "x");
        for (size_t j = 0; j < COUNT(readers); j++) {
            const struct heard *chunk = peer_expect(&readers[j], WIRE_CHUNK);
            assert_int_equal(chunk->head.a, head + i);
            assert_int_equal(chunk->head.b, head + i);
            struct ld_record record;
            assert_ok(ld_record_decode(chunk->body, chunk->size, &record, &test_error));
            assert_int_equal(record.producer_sequence, 10 + i);
        }
    }
    for (size_t j = 0; j < COUNT(readers); j++)
        peer_close(&readers[j]);
    peer_close(&writer);
}

/* What matches nothing still moves the reader on, so that a reconnect need not read it again. */
static void test_empty_chunks_tell_the_position(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer, writer; /* of its own: the stream's chunks may come before a RESULT */
    peer_hello(rig, &peer, "b");
    peer_hello(rig, &writer, "a");
    uint64_t stream = stream_begin(&peer, 1, 1000, "nothing/at/all");
    publish_many(&writer, "a", 5, 10);
    uint64_t head = router_durable(rig->router);
    for (uint64_t next = 1; next <= head;) {
        const struct heard *chunk = peer_expect(&peer, WIRE_CHUNK);
        assert_int_equal(chunk->head.id, stream);
        assert_int_equal(chunk->head.a, next);
        assert_int_equal(chunk->size, 0);
        next = chunk->head.b + 1;
    }
    peer_close(&peer);
    peer_close(&writer);
}

/* Who reads history to its end is not left waiting for a heartbeat to hear that this was all. */
static void test_the_end_of_history_is_told_at_once(void **state)
{
    struct rig *rig = *state;
    rig->options.heartbeat_ms = 60000;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    publish_many(&peer, "a", 5, 10);
    uint64_t head = router_durable(rig->router);
    stream_begin(&peer, 1, 1000, "nothing/at/all");
    const struct heard *chunk = peer_expect(&peer, WIRE_CHUNK);
    assert_int_equal(chunk->head.a, 1);
    assert_int_equal(chunk->head.b, head);
    assert_int_equal(chunk->size, 0);
    peer_close(&peer);
}

static void ignore(const struct ld_record *record, void *data)
{
    (void)record;
    ++*(uint64_t *)data;
}

/* Long stretches without a match are covered all the same (read_events checks each range). */
static void test_rare_matches_leave_no_gap(void **state)
{
    struct rig *rig = *state;
    rig->options.heartbeat_ms = 60000; /* no empty chunks that would hide it */
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a#rare");
    uint64_t first = publish_one(&peer, "a#rare", 1, "rare", "");
    for (uint64_t i = 2; i < 5; i++) {
        publish_many(&peer, "a", 3000, 500);
        publish_one(&peer, "a#rare", i, "rare", "");
    }
    uint64_t seen = 0;
    read_events(&peer, first, router_durable(rig->router), "rare", ignore, &seen);
    assert_int_equal(seen, 4);
    peer_close(&peer);
}

/* ---- credit ---- */

static json_int_t stream_figure(struct peer *peer, const char *name)
{
    peer_say(peer, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(peer, WIRE_STATUS_OK);
    json_t *json = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    json_t *figure = json_object_get(json_array_get(json_object_get(json, "streams"), 0), name);
    json_int_t value = json_integer_value(figure);
    assert_true(json_is_integer(figure));
    json_decref(json);
    return value;
}

static void test_credit(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer writer, reader;
    peer_hello(rig, &writer, "a");
    peer_hello(rig, &reader, "b");
    uint64_t first = publish_many(&writer, "a", 10, 100);
    uint64_t head = router_durable(rig->router);
    uint64_t size = ld_record_size(strlen(TOPICS[0]), 100);
    uint64_t stream = stream_begin(&reader, first, size + 1, NULL);
    for (uint64_t i = 0; i < 2; i++) { /* the second overdraws by less than one event */
        const struct heard *chunk = peer_expect(&reader, WIRE_CHUNK);
        assert_int_equal(chunk->head.a, first + i);
        assert_int_equal(chunk->head.b, first + i);
    }
    peer_sync(&reader, &reader); /* nothing else came */
    assert_int_equal(stream_figure(&reader, "position"), first - 1);
    assert_int_equal(stream_figure(&reader, "lag"), head - first + 1);
    say_credit(&reader, stream, 0, first);
    assert_int_equal(stream_figure(&reader, "position"), first);
    say_credit(&reader, stream, size, first + 1);
    assert_int_equal(peer_expect(&reader, WIRE_CHUNK)->head.b, first + 2);
    say_credit(&reader, stream, UINT64_MAX, UINT64_MAX); /* absurd: as much as there may be */
    for (uint64_t next = first + 3; next <= head;)
        next = peer_expect(&reader, WIRE_CHUNK)->head.b + 1;
    say_credit(&reader, stream, 0, UINT64_MAX);
    assert_int_equal(stream_figure(&reader, "position"), head);
    assert_int_equal(stream_figure(&reader, "lag"), 0);
    say_credit(&reader, 12345, 1, 1); /* of no stream */
    peer_sync(&reader, &reader);
    peer_close(&writer);
    peer_close(&reader);
}

static void test_unmatched_events_do_not_lag(void **state)
{
    struct rig *rig = *state;
    rig->options.heartbeat_ms = 60000;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint64_t first = publish_many(&peer, "a", 12, 10);
    uint64_t head = router_durable(rig->router);
    uint64_t stream = stream_begin(&peer, first, 100000, "grade/>");
    assert_int_equal(peer_expect(&peer, WIRE_CHUNK)->head.b, head);
    say_credit(&peer, stream, 0, head - 1); /* behind all that was delivered */
    assert_int_equal(stream_figure(&peer, "lag"), 1);
    say_credit(&peer, stream, 0, head);
    assert_int_equal(stream_figure(&peer, "lag"), 0);
    publish_one(&peer, "a", 100, "x", "");
    assert_int_equal(stream_figure(&peer, "lag"), 0); /* nothing of that is for it */
    peer_close(&peer);
}

/* ---- slow, stuck, gone ---- */

/* A peer whose loop does not run, with streams that want everything, costs the others nothing. */
static void test_stuck_reader_is_bounded(void **state)
{
    struct rig *rig = *state;
    enum { STREAMS = 8, EVENTS = 20000 };
    rig_start_router(rig);
    struct peer writer, stuck;
    uv_loop_t still;
    struct zuv *zuv;
    struct rig other = {.zuv = NULL};
    assert_int_equal(uv_loop_init(&still), 0);
    assert_ok(zuv_open(&still, &zuv, &test_error));
    other.router = rig->router;
    peer_open_on(&other, &stuck, zuv);
    peer_say(&stuck, WIRE_HELLO, 0, 0, "stuck");
    for (int i = 0; i < STREAMS; i++)
        peer_say(&stuck, WIRE_OPEN, 1, UINT64_MAX, i % 2 ? "duty/>" : NULL);
    peer_hello(rig, &writer, "a");
    uint64_t first = publish_many(&writer, "a", EVENTS, 500);
    struct expected everything = {.seen = 0};
    read_events(&writer, first, router_durable(rig->router), "*/*/*", check_wanted, &everything);
    assert_int_equal(everything.seen, EVENTS);
    peer_say(&writer, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(&writer, WIRE_STATUS_OK);
    json_t *json = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    const json_t *streams = json_object_get(json, "streams");
    assert_int_equal(json_array_size(streams), STREAMS);
    for (size_t i = 0; i < STREAMS; i++) {
        const json_t *stream = json_array_get(streams, i);
        assert_true(json_integer_value(json_object_get(stream, "outstanding_bytes")) <=
                    (json_int_t)rig->options.limits.credit_bytes + 1000);
        assert_string_equal(json_string_value(json_object_get(stream, "state")), "no-credit");
    }
    assert_true(json_integer_value(json_object_get(json, "copied_bytes")) <=
                (json_int_t)((STREAMS + 1) * rig->options.limits.credit_bytes));
    json_decref(json);
    zuv_socket_close(stuck.socket, NULL, NULL);
    uv_run(&still, UV_RUN_DEFAULT);
    zuv_close(zuv);
    assert_int_equal(uv_loop_close(&still), 0);
    peer_close(&writer);
}

struct asker {
    struct rig *rig;
    struct zuv_socket *socket;
};

/* Asks once more, unless the router has said that it is enough. */
static bool is_dropped_or_asks(void *data)
{
    struct asker *asker = data;
    if (strstr(ld_buffer_string(&asker->rig->notes), "does not read"))
        return true;
    struct zuv_message message = {.count = 1};
    struct wire_head head = {WIRE_STATUS, 1, 0, 0};
    wire_head_encode(zuv_frame_alloc(&message.frames[0], WIRE_HEAD_SIZE), &head);
    if (zuv_send(asker->socket, &message) != LD_OK)
        zuv_message_drop(&message);
    return false;
}

/* A peer that asks and asks and reads nothing is dropped when its outbox is full. */
static void test_unread_answers_end_the_session(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.outbox_messages = 10;
    rig->options.limits.allowance_us = INT64_C(1) << 40; /* what else would end it */
    rig_start_router(rig);
    struct peer stuck, other_peer;
    uv_loop_t still;
    struct zuv *zuv;
    struct rig other = {.router = rig->router};
    assert_int_equal(uv_loop_init(&still), 0);
    assert_ok(zuv_open(&still, &zuv, &test_error));
    peer_open_on(&other, &stuck, zuv);
    peer_hello(rig, &other_peer, "b");
    peer_say(&stuck, WIRE_HELLO, 0, 0, "stuck");
    rig_wait(rig, is_dropped_or_asks, &(struct asker){rig, stuck.socket});
    peer_sync(&other_peer, &other_peer);
    zuv_socket_close(stuck.socket, NULL, NULL);
    uv_run(&still, UV_RUN_DEFAULT);
    zuv_close(zuv);
    assert_int_equal(uv_loop_close(&still), 0);
    peer_close(&other_peer);
}

static void test_readers_leave_in_the_middle(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer writer, reader;
    peer_hello(rig, &writer, "a");
    publish_many(&writer, "a", 5000, 500);
    for (int i = 0; i < 12; i++) {
        peer_hello(rig, &reader, "b");
        for (int j = 0; j < 4; j++)
            peer_say(&reader, WIRE_OPEN, 1, UINT64_MAX, j % 2 ? "duty/>" : NULL);
        peer_expect(&reader, WIRE_OPENED);
        if (i % 3 == 0)
            peer_say(&reader, WIRE_GOODBYE, 0, 0, NULL);
        else if (i % 3 == 1)
            peer_say(&reader, WIRE_HELLO, 0, 0, "b");
        peer_close(&reader);
    }
    peer_sync(&writer, &writer);
    publish_many(&writer, "a", 10, 10);
    peer_close(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_where_streams_begin),
        WITH_RIG(test_filters_refused),
        WITH_RIG(test_stream_limits),
        WITH_RIG(test_history_is_complete),
        WITH_RIG(test_live_events_come),
        WITH_RIG(test_empty_chunks_tell_the_position),
        WITH_RIG(test_the_end_of_history_is_told_at_once),
        WITH_RIG(test_rare_matches_leave_no_gap),
        WITH_RIG(test_credit),
        WITH_RIG(test_unmatched_events_do_not_lag),
        WITH_RIG(test_stuck_reader_is_bounded),
        WITH_RIG(test_unread_answers_end_the_session),
        WITH_RIG(test_readers_leave_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
