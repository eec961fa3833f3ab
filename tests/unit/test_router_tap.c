/* The tap: what plain SUB sockets hear, and that nobody waits for them. */
#include "router_rig.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "fault/zmtp.h"

/* ---- the tap ---- */

struct listener {
    struct zuv_socket *socket;
    uint64_t heard, last;
    bool gap;
};

static void on_tap(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    (void)socket;
    struct listener *listener = data;
    struct ld_record record;
    assert_int_equal(message->count, 2);
    assert_ok(ld_record_decode(zuv_frame_data(&message->frames[1]),
                               zuv_frame_size(&message->frames[1]), &record, &test_error));
    assert_ok(ld_record_check(&record, &test_error));
    assert_int_equal(zuv_frame_size(&message->frames[0]), record.topic_size);
    assert_memory_equal(zuv_frame_data(&message->frames[0]), record.topic, record.topic_size);
    listener->gap |= listener->last != 0 && record.sequence != listener->last + 1;
    listener->last = record.sequence;
    listener->heard++;
}

static void listener_open(struct rig *rig, struct listener *listener, const char *prefix)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = on_tap;
    options.data = listener;
    *listener = (struct listener){.heard = 0};
    assert_ok(zuv_socket_open(rig->zuv, ZUV_SUB, &options, &listener->socket, &test_error));
    rig_own_socket(rig, listener->socket);
    assert_ok(zuv_connect(listener->socket, router_tap_endpoint(rig->router), &test_error));
    assert_ok(zuv_subscribe(listener->socket, prefix, strlen(prefix), &test_error));
}

static bool heard_something(void *data)
{
    return ((struct listener *)data)->heard > 0;
}

struct heard_to {
    const struct listener *listener;
    uint64_t sequence;
};

static bool heard_up_to(void *data)
{
    const struct heard_to *wait = data;
    return wait->listener->last >= wait->sequence;
}

/* Nobody says when a subscription has arrived: publish until something is heard, then wait for the
 * last of it. */
static void publish_until_heard(struct peer *peer, struct listener *listener, uint64_t *sequence,
                                const char *topic)
{
    struct heard_to wait = {listener, 0};
    while (!heard_something(listener)) {
        wait.sequence = publish_one(peer, "a", ++*sequence, topic, "x");
        uv_run(&peer->rig->loop, UV_RUN_NOWAIT);
    }
    rig_wait(peer->rig, heard_up_to, &wait);
}

static void test_tap(void **state)
{
    struct rig *rig = *state;
    rig->options.tap = "tcp://127.0.0.1:*";
    rig_start_router(rig);
    struct peer peer;
    struct listener all, some;
    uint64_t sequence = 0, last = 0;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    listener_open(rig, &all, "");
    listener_open(rig, &some, "duty/3303");
    publish_until_heard(&peer, &all, &sequence, "x");
    assert_int_equal(some.heard, 0);
    publish_until_heard(&peer, &some, &sequence, "duty/3303/a");
    uint64_t some_before = some.heard;
    for (int i = 0; i < 100; i++)
        last = publish_one(&peer, "a", ++sequence, i % 2 ? "duty/3303/a" : "x", "y");
    struct heard_to wait_all = {&all, last}, wait_some = {&some, last};
    rig_wait(rig, heard_up_to, &wait_all);
    rig_wait(rig, heard_up_to, &wait_some);
    assert_false(all.gap);
    assert_int_equal(some.heard, some_before + 50);
    rig_close_socket(rig, all.socket);
    rig_close_socket(rig, some.socket);
    peer_close(&peer);
}

/* ---- who asks, and who is too slow ---- */

static json_int_t tap_figure(struct peer *peer, const char *object, const char *name)
{
    uint64_t id = peer_say(peer, WIRE_STATUS, 0, 0, NULL);
    struct heard *heard = peer_expect(peer, WIRE_STATUS_OK);
    assert_int_equal(heard->head.id, id);
    json_t *status = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    assert_non_null(status);
    json_t *counters = json_object_get(status, "counters");
    json_t *from = object ? json_object_get(counters, object) : counters;
    assert_true(json_is_integer(json_object_get(from, name)));
    json_int_t value = json_integer_value(json_object_get(from, name));
    json_decref(status);
    return value;
}

/* Whoever says the same again is one listener, and none when it has gone. */
static void test_nothing_is_sent_when_nobody_listens(void **state)
{
    struct rig *rig = *state;
    rig->options.tap = "tcp://127.0.0.1:*";
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    int listener = zmtp_connect(router_tap_endpoint(rig->router));
    assert_int_equal(zmtp_greet(listener, "SUB"), 0);
    for (int i = 0; i < 10; i++)
        assert_true(zmtp_frame(listener, 0, "\001x", 2));
    uint64_t sequence = 0;
    while (tap_figure(&peer, NULL, "tap_sent") == 0)
        publish_one(&peer, "a", ++sequence, "x", "x");
    close(listener);
    while (tap_figure(&peer, "tap_socket", "connections") > 0)
        continue;
    publish_one(&peer, "a", ++sequence, "x", "x");
    json_int_t sent = tap_figure(&peer, NULL, "tap_sent");
    for (int i = 0; i < 10; i++)
        publish_one(&peer, "a", ++sequence, "x", "x");
    assert_int_equal(tap_figure(&peer, NULL, "tap_sent"), sent);
    assert_int_equal(tap_figure(&peer, NULL, "tap_skipped"), 0);
    peer_close(&peer);
}

static void test_too_far_behind_is_skipped(void **state)
{
    enum { BATCH = 10 };
    struct rig *rig = *state;
    rig->options.tap = "tcp://127.0.0.1:*";
    rig->options.limits.tap_behind = 2;
    rig_start_router(rig);
    struct peer peer;
    struct listener all;
    struct batch batch = {.count = 0};
    uint64_t sequence = 0;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    listener_open(rig, &all, "");
    publish_until_heard(&peer, &all, &sequence, "x");
    uint64_t before = all.heard;
    for (int i = 0; i < BATCH; i++)
        batch_add(&batch, "a", ++sequence, "x", "x");
    uint64_t first = expect_run(&peer, batch_send(&peer, &batch), BATCH, LD_OK);
    struct heard_to last = {&all, publish_one(&peer, "a", ++sequence, "x", "x")};
    rig_wait(rig, heard_up_to, &last);
    assert_int_equal(last.sequence, first + BATCH);
    assert_int_equal(all.heard, before + 1);
    assert_true(all.gap);
    assert_int_equal(tap_figure(&peer, NULL, "tap_skipped"), BATCH);
    rig_close_socket(rig, all.socket);
    peer_close(&peer);
}

/* More than there is room for between the threads, and an end in the midst of it. */
static void test_closes_amid_events(void **state)
{
    enum { BATCH = 2000, BATCHES = 20 };
    struct rig *rig = *state;
    rig->options.tap = "tcp://127.0.0.1:*";
    rig_start_router(rig);
    struct peer peer;
    struct listener all;
    struct batch batch = {.count = 0};
    uint64_t sequence = 0;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    listener_open(rig, &all, "");
    publish_until_heard(&peer, &all, &sequence, "x");
    for (int i = 0; i < BATCHES; i++) {
        for (int k = 0; k < BATCH; k++)
            batch_add(&batch, "a", ++sequence, "x", "x");
        expect_run(&peer, batch_send(&peer, &batch), BATCH, LD_OK);
    }
    rig_stop_router(rig);
    assert_int_equal(rig->stop_code, LD_OK);
    rig_close_socket(rig, all.socket);
    peer_close(&peer);
}

static void test_endpoint_in_use(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct rig second = {.options = rig->options};
    char directory[80];
    snprintf(directory, sizeof directory, "%s/second", rig->directory);
    const char *anywhere[] = {"tcp://127.0.0.1:*"};
    second.options.directory = directory;
    second.options.endpoints = anywhere;
    second.options.tap = router_endpoint(rig->router, 0);
    second.options.stopped = NULL;
    struct router *router;
    assert_int_equal(
        router_open(ld_context_system(), &rig->loop, &second.options, &router, &test_error),
        LD_ADDRINUSE);
    uv_run(&rig->loop, UV_RUN_NOWAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_tap),
        WITH_RIG(test_nothing_is_sent_when_nobody_listens),
        WITH_RIG(test_too_far_behind_is_skipped),
        WITH_RIG(test_closes_amid_events),
        WITH_RIG(test_endpoint_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
