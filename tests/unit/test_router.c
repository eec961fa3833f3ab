/* The router: sessions, producers, status, its end. On a real log, by raw messages. */
#include "router_rig.h"

#include <jansson.h>
#include <stdio.h>

/* ---- sessions ---- */

static void test_hello(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_open(rig, &peer);
    uint64_t id = peer_say(&peer, WIRE_HELLO, 0, 0, "3303.health");
    const struct heard *heard = peer_expect(&peer, WIRE_WELCOME);
    assert_int_equal(heard->head.id, id);
    assert_true(heard->head.a != 0);
    struct wire_welcome welcome;
    assert_ok(wire_welcome_decode(heard->body, heard->size, &welcome, &test_error));
    assert_int_equal(welcome.first_sequence, 1);
    assert_int_equal(welcome.record_size_max, LD_RECORD_SIZE_MAX);
    assert_int_equal(welcome.batch_size_max, 2 << 20);
    assert_int_equal(welcome.heartbeat_ms, 20);
    assert_int_equal(welcome.flags, 0);
    assert_true(welcome.time_us > 1700000000 * LD_US_SECOND);
    peer_close(&peer);
}

static void test_hello_refused(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_open(rig, &peer);
    static const char LONG[] =
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    assert_int_equal(strlen(LONG), 101);
    static const char *const BAD[] = {"", "Health", "a b", "a#b", "a/b", "\xe6\xb8\xa9", LONG};
    for (size_t i = 0; i < COUNT(BAD); i++)
        peer_expect_error(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, BAD[i]), LD_INVALID);
    peer_expect_error(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "router"), LD_DENIED);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    peer_say(&peer, WIRE_HELLO, 0, 0, LONG + 1);
    peer_expect(&peer, WIRE_WELCOME);
    peer_close(&peer);
}

static void test_no_session(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_open(rig, &peer);
    static const enum wire_operation OPERATIONS[] = {WIRE_PRODUCER, WIRE_PUBLISH, WIRE_OPEN,
                                                     WIRE_CREDIT,   WIRE_CLOSE,   WIRE_PING,
                                                     WIRE_STATUS,   WIRE_ADVANCE, WIRE_FIND, WIRE_RETIRE};
    for (size_t i = 0; i < COUNT(OPERATIONS); i++)
        peer_expect_error(&peer, peer_say(&peer, OPERATIONS[i], 1, 1, "x"), LD_NOSESSION);
    peer_say(&peer, WIRE_GOODBYE, 0, 0, NULL);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    peer_close(&peer);
}

static void test_goodbye_ends_the_session(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_say(&peer, WIRE_GOODBYE, 0, 0, NULL);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    peer_close(&peer);
}

static void test_hello_again_begins_anew(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    uint64_t stream = stream_begin(&peer, WIRE_FROM_NOW, 1000, NULL);
    peer_say(&peer, WIRE_HELLO, 0, 0, "a");
    peer_expect(&peer, WIRE_WELCOME);
    struct batch batch = {0};
    batch_add(&batch, "a", 1, "t", "");
    expect_run(&peer, batch_send(&peer, &batch), 1, LD_DENIED); /* not opened in this session */
    peer_producer(&peer, "a");
    publish_one(&peer, "a", 1, "t", "");
    struct wire_head credit = {WIRE_CREDIT, stream, 1000, 0}; /* of a stream that is gone */
    peer_say_head(&peer, &credit, NULL, 0);
    peer_sync(&peer, &peer);
    peer_close(&peer);
}

static void test_session_limit(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.sessions = 2;
    rig_start_router(rig);
    struct peer peers[3];
    peer_hello(rig, &peers[0], "a");
    peer_hello(rig, &peers[1], "b");
    peer_open(rig, &peers[2]);
    peer_expect_error(&peers[2], peer_say(&peers[2], WIRE_HELLO, 0, 0, "c"), LD_BUSY);
    peer_say(&peers[0], WIRE_GOODBYE, 0, 0, NULL);
    peer_expect_error(&peers[0], peer_say(&peers[0], WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    peer_say(&peers[2], WIRE_HELLO, 0, 0, "c");
    peer_expect(&peers[2], WIRE_WELCOME);
    for (size_t i = 0; i < COUNT(peers); i++)
        peer_close(&peers[i]);
}

static bool two_pongs(void *data)
{
    return ((struct peer *)data)->pongs >= 2;
}

static void test_heartbeat_carries_the_head(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    uint64_t sequence = publish_one(&peer, "a", 1, "t", "");
    peer.pongs = 0;
    rig_wait(rig, two_pongs, &peer);
    assert_int_equal(peer.head, sequence);
    peer_close(&peer);
}

static bool said_silent(void *data)
{
    return strstr(ld_buffer_string(&((struct rig *)data)->notes), "silent") != NULL;
}

static void test_silence_ends_the_session(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    rig_move_clock(101 * LD_US_SECOND); /* 5000 heartbeats of 20 ms are 100 s */
    rig_wait(rig, said_silent, rig);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    peer_close(&peer);
}

/* ---- garbage ---- */

static void say_raw(struct peer *peer, const void *first, size_t size, size_t frames)
{
    struct zuv_message message = {.count = frames};
    for (size_t i = 0; i < frames; i++)
        zuv_frame_copy(&message.frames[i], first, size);
    peer_send(peer, &message);
}

static void test_garbage(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    uint8_t raw[WIRE_HEAD_SIZE + 1] = {0};
    for (size_t size = 0; size <= sizeof raw; size++) {
        say_raw(&peer, raw, size, 1);
        peer_expect_error(&peer, 0, LD_PROTOCOL);
    }
    struct wire_head head = {WIRE_PING, 77, 0, 0};
    wire_head_encode(raw, &head);
    say_raw(&peer, raw, WIRE_HEAD_SIZE, 3);
    peer_expect_error(&peer, 77, LD_PROTOCOL);
    raw[4] = 2;
    say_raw(&peer, raw, WIRE_HEAD_SIZE, 1);
    peer_expect_error(&peer, 77, LD_VERSION);
    raw[4] = WIRE_VERSION;
    raw[5] = 200;
    say_raw(&peer, raw, WIRE_HEAD_SIZE, 1);
    peer_expect_error(&peer, 77, LD_PROTOCOL);
    static const enum wire_operation ROUTERS[] = {
        WIRE_WELCOME, WIRE_PRODUCER_OK, WIRE_RESULT,   WIRE_OPENED, WIRE_CLOSED, WIRE_CHUNK,
        WIRE_PONG,    WIRE_STATUS_OK,   WIRE_ADVANCED, WIRE_ERROR,  WIRE_FOUND};
    for (size_t i = 0; i < COUNT(ROUTERS); i++)
        peer_expect_error(&peer, peer_say(&peer, ROUTERS[i], 1, 1, "x"), LD_PROTOCOL);
    peer_sync(&peer, &peer);
    assert_non_null(strstr(ld_buffer_string(&rig->notes), "none of ours"));
    peer_close(&peer);
}

/* ---- producers ---- */

static void count_names(const struct ld_record *record, void *data)
{
    char topic[64], expected[64];
    snprintf(topic, sizeof topic, "%.*s", record->topic_size, record->topic);
    snprintf(
        expected, sizeof expected, "sys/producer/%016llx",
        (unsigned long long)ld_producer_id((const char *)record->payload, record->payload_size));
    assert_string_equal(topic, expected);
    assert_true(record->producer == ld_producer_id("router", 6));
    ++*(size_t *)data;
}

static void test_producer_names(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "duty");
    char longest[WIRE_NAME_SIZE_MAX + 2];
    memset(longest, 'x', sizeof longest);
    memcpy(longest, "duty#", 5);
    longest[WIRE_NAME_SIZE_MAX + 1] = 0;
    static const char *const DENIED[] = {"dut", "dutyx", "router", "duty.x", "grading"};
    static const char *const INVALID[] = {"", "duty#", "duty#a b", "duty#\xe6", "duty#a#b"};
    for (size_t i = 0; i < COUNT(DENIED); i++)
        peer_expect_error(&peer, peer_say(&peer, WIRE_PRODUCER, 0, 0, DENIED[i]), LD_DENIED);
    for (size_t i = 0; i < COUNT(INVALID); i++)
        peer_expect_error(&peer, peer_say(&peer, WIRE_PRODUCER, 0, 0, INVALID[i]), LD_INVALID);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PRODUCER, 0, 0, longest), LD_INVALID);
    longest[WIRE_NAME_SIZE_MAX] = 0;
    assert_int_equal(peer_producer(&peer, longest), 0);
    assert_int_equal(peer_producer(&peer, "duty"), 0);
    assert_int_equal(peer_producer(&peer, "duty#3303.health"), 0);
    assert_int_equal(peer_producer(&peer, "duty"), 0); /* again: no new name */
    size_t names = 0;
    read_events(&peer, 1, router_durable(rig->router), "sys/producer/*", count_names, &names);
    assert_int_equal(names, 3);
    peer_close(&peer);
}

static void test_producer_limits(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.producers_per_identity = 2;
    rig->options.limits.producers = 2;
    rig_start_router(rig);
    struct peer a, b;
    peer_hello(rig, &a, "a");
    peer_hello(rig, &b, "b");
    peer_producer(&a, "a#1");
    peer_producer(&a, "a#2");
    peer_expect_error(&a, peer_say(&a, WIRE_PRODUCER, 0, 0, "a#3"), LD_REFUSED);
    peer_producer(&a, "a#2");
    peer_expect_error(&b, peer_say(&b, WIRE_PRODUCER, 0, 0, "b"), LD_REFUSED);
    peer_close(&a);
    peer_close(&b);
}

/* Over all sessions of the identity; what a session that ends had open is free again. */
static void test_open_producer_limit(void **state)
{
    struct rig *rig = *state;
    rig->options.limits.claims_per_identity = 3;
    rig_start_router(rig);
    struct peer first, second, other;
    peer_hello(rig, &first, "a");
    peer_hello(rig, &second, "a");
    peer_hello(rig, &other, "b");
    peer_producer(&first, "a#1");
    peer_producer(&first, "a#2");
    peer_producer(&second, "a#1"); /* taken over: the first session still knows of it */
    peer_expect_error(&second, peer_say(&second, WIRE_PRODUCER, 0, 0, "a#3"), LD_BUSY);
    peer_producer(&first, "a#2"); /* again: no more than before */
    peer_producer(&other, "b");
    peer_say(&first, WIRE_GOODBYE, 0, 0, NULL);
    peer_producer(&second, "a#2");
    peer_producer(&second, "a#3");
    peer_expect_error(&second, peer_say(&second, WIRE_PRODUCER, 0, 0, "a#4"), LD_BUSY);
    peer_close(&first);
    peer_close(&second);
    peer_close(&other);
}

static void test_newest_session_fences(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer old, new;
    struct batch batch = {0};
    peer_hello(rig, &old, "grading");
    peer_hello(rig, &new, "grading");
    peer_producer(&old, "grading");
    publish_one(&old, "grading", 5, "t", "");
    assert_int_equal(peer_producer(&new, "grading"), 5);
    batch_add(&batch, "grading", 6, "t", "");
    expect_run(&old, batch_send(&old, &batch), 1, LD_FENCED);
    publish_one(&new, "grading", 6, "t", "");
    assert_int_equal(peer_producer(&old, "grading"), 6); /* by its own wish it is the newest */
    batch_add(&batch, "grading", 7, "t", "");
    expect_run(&new, batch_send(&new, &batch), 1, LD_FENCED);
    peer_say(&old, WIRE_GOODBYE, 0, 0, NULL);
    batch_add(&batch, "grading", 7, "t", "");
    expect_run(&new, batch_send(&new, &batch), 1, LD_FENCED); /* still: it has to open it again */
    assert_int_equal(peer_producer(&new, "grading"), 6);
    publish_one(&new, "grading", 7, "t", "");
    peer_close(&old);
    peer_close(&new);
}

/* Claims the name, as claimant in a round; code is what the router has to say. */
static void claim(struct peer *peer, uint64_t claimant, uint64_t round, int code)
{
    uint64_t id = peer_say(peer, WIRE_PRODUCER, claimant, round, "grading");
    if (code == LD_OK)
        assert_int_equal(peer_expect(peer, WIRE_PRODUCER_OK)->head.id, id);
    else
        peer_expect_error(peer, id, code);
}

/* A late claim of an earlier connection is no new one, and who comes back to find another client
 * under his name has lost it. A claim in round 0 is always new. */
static void test_late_claims_are_refused(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer left, back, other;
    peer_hello(rig, &left, "grading");
    peer_hello(rig, &back, "grading");
    peer_hello(rig, &other, "grading");
    claim(&left, 7, 0, LD_OK);
    claim(&back, 7, 1, LD_OK);
    claim(&left, 7, 0, LD_FENCED);
    publish_one(&back, "grading", 1, "t", "");
    claim(&other, 9, 0, LD_OK);
    claim(&back, 7, 2, LD_FENCED);
    publish_one(&other, "grading", 2, "t", "");
    claim(&back, 7, 0, LD_OK); /* opened anew: on purpose */
    claim(&other, 0, 0, LD_OK);
    claim(&back, 7, 3, LD_FENCED);
    peer_close(&left);
    peer_close(&back);
    peer_close(&other);
}

/* ---- the end ---- */

static void test_stop_finishes_what_is_under_way(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_open(rig, &peer);
    peer_say(&peer, WIRE_HELLO, 0, 0, "a");
    uint64_t incarnation = peer_expect(&peer, WIRE_WELCOME)->head.a;
    peer_producer(&peer, "a");
    rig_set_held(true);
    batch_add(&batch, "a", 1, "t", "");
    uint64_t id = batch_send(&peer, &batch);
    peer_sync(&peer, &peer);
    router_stop(rig->router);
    router_stop(rig->router);
    rig_set_held(false);
    uint64_t sequence = expect_run(&peer, id, 1, LD_OK);
    assert_int_equal(peer_expect(&peer, WIRE_GOODBYE)->head.b, sequence);
    rig_wait(rig, rig_is_stopped, rig);
    assert_int_equal(rig->stop_code, LD_OK);
    assert_int_equal(rig->stopped, 1);
    peer_close(&peer);

    rig_start_router(rig);
    assert_int_equal(router_durable(rig->router), sequence);
    peer_open(rig, &peer);
    peer_say(&peer, WIRE_HELLO, 0, 0, "a");
    assert_true(peer_expect(&peer, WIRE_WELCOME)->head.a != incarnation);
    assert_int_equal(peer_producer(&peer, "a"), 1);
    assert_int_equal(router_durable(rig->router), sequence); /* the name was known */
    batch_add(&batch, "a", 1, "t", "");
    expect_run(&peer, batch_send(&peer, &batch), 1, LD_DUPLICATE);
    peer_close(&peer);
}

static void test_second_router_on_the_same_log(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct router *second = NULL;
    struct router_options options = rig->options;
    options.stopped = NULL;
    struct ld_error error;
    assert_int_equal(router_open(rig_context(), &rig->loop, &options, &second, &error), LD_LOCKED);
    assert_non_null(strstr(error.text, rig->directory));
    struct peer peer;
    peer_hello(rig, &peer, "a"); /* the first is as it was */
    peer_producer(&peer, "a");
    publish_one(&peer, "a", 1, "t", "");
    peer_close(&peer);
}

static void test_port_in_use(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct router *second = NULL;
    struct router_options options = rig->options;
    char directory[96], endpoint[64];
    snprintf(directory, sizeof directory, "%s/second", rig->directory);
    snprintf(endpoint, sizeof endpoint, "%s", router_endpoint(rig->router, 0));
    const char *endpoints[] = {endpoint};
    options.directory = directory;
    options.endpoints = endpoints;
    options.stopped = NULL;
    struct ld_error error;
    assert_int_equal(router_open(rig_context(), &rig->loop, &options, &second, &error),
                     LD_ADDRINUSE);
    assert_non_null(strstr(error.text, endpoint));
    options.endpoint_count = 0;
    assert_int_equal(router_open(rig_context(), &rig->loop, &options, &second, &error), LD_INVALID);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_close(&peer);
}

/* ---- status ---- */

static json_int_t integer(const json_t *json, const char *object, const char *name)
{
    const json_t *value = json_object_get(object ? json_object_get(json, object) : json, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void test_status(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    uint64_t first = publish_one(&peer, "a", 1, "t", "");
    batch_add(&batch, "a", 1, "t", "");
    batch_add(&batch, "a", 2, "T", "");
    peer_expect((batch_send(&peer, &batch), &peer), WIRE_RESULT);
    stream_begin(&peer, first, 1000, "t\nu/33*/>");
    peer_expect(&peer, WIRE_CHUNK);
    uint64_t id = peer_say(&peer, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(&peer, WIRE_STATUS_OK);
    assert_int_equal(heard->head.id, id);
    json_t *json = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    assert_non_null(json);
    assert_int_equal(integer(json, NULL, "head"), first);
    assert_int_equal(integer(json, NULL, "producers"), 1);
    assert_int_equal(integer(json, "log", "first"), 1);
    assert_true(integer(json, "log", "syncs") >= 2);
    const json_t *records = json_object_get(json_object_get(json, "counters"), "records");
    assert_int_equal(integer(records, NULL, "OK"), 1);
    assert_int_equal(integer(records, NULL, "DUPLICATE"), 1);
    assert_int_equal(integer(records, NULL, "INVALID"), 1);
    const json_t *stream = json_array_get(json_object_get(json, "streams"), 0);
    assert_string_equal(json_string_value(json_object_get(stream, "identity")), "a");
    assert_int_equal(json_array_size(json_object_get(stream, "filters")), 2);
    assert_int_equal(integer(stream, NULL, "lag"), 1);
    assert_int_equal(integer(stream, NULL, "outstanding_bytes"), 72);
    assert_int_equal(json_array_size(json_object_get(json, "sessions")), 1);
    json_decref(json);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_hello),
        WITH_RIG(test_hello_refused),
        WITH_RIG(test_no_session),
        WITH_RIG(test_goodbye_ends_the_session),
        WITH_RIG(test_hello_again_begins_anew),
        WITH_RIG(test_session_limit),
        WITH_RIG(test_heartbeat_carries_the_head),
        WITH_RIG(test_silence_ends_the_session),
        WITH_RIG(test_garbage),
        WITH_RIG(test_producer_names),
        WITH_RIG(test_producer_limits),
        WITH_RIG(test_open_producer_limit),
        WITH_RIG(test_newest_session_fences),
        WITH_RIG(test_late_claims_are_refused),
        WITH_RIG(test_stop_finishes_what_is_under_way),
        WITH_RIG(test_second_router_on_the_same_log),
        WITH_RIG(test_port_in_use),
        WITH_RIG(test_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
