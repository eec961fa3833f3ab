/*
 * What the tests of zuv share: a world with a loop and two ends. No sleeps: run_until turns the
 * loop until a condition holds, with a generous deadline.
 */
#ifndef LD_TEST_ZUV_WORLD_H
#define LD_TEST_ZUV_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>
#include "zuv/zuv.h"

enum { DEADLINE_MS = 60000 };

/* One test's world: a loop, a context, up to two ends and what they saw. */
struct end {
    struct world *world;
    struct zuv_socket *socket;
    uint64_t received;
    uint64_t next; /* number expected in the next message */
    bool out_of_order;
    uint64_t to_send; /* flooding: this many more */
    uint64_t sent;
    uint64_t writable;
    int turn_count; /* messages delivered in the current turn */
    int turn_max;
    bool closed;
    char last[64];
    struct zuv_message peer; /* identity of the last sender, one frame */
};

struct world {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool late;
    struct zuv *zuv;
    struct end left, right;
};

static inline void on_deadline(uv_timer_t *timer)
{
    struct world *world = timer->data;
    world->late = true;
}

static inline int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->deadline);
    world->deadline.data = world;
    world->left.world = world->right.world = world;
    assert_int_equal(zuv_open(&world->loop, &world->zuv, NULL), LD_OK);
    *state = world;
    return 0;
}

static inline void run_until(struct world *world, bool (*done)(struct world *))
{
    world->late = false;
    uv_timer_start(&world->deadline, on_deadline, DEADLINE_MS, 0);
    while (!done(world)) {
        uv_run(&world->loop, UV_RUN_ONCE);
        if (world->late)
            fail_msg("the condition did not come true within %d ms", DEADLINE_MS);
    }
    uv_timer_stop(&world->deadline);
}

static inline void on_closed(void *data)
{
    struct end *end = data;
    assert_false(end->closed);
    end->closed = true;
    end->socket = NULL;
}

static inline bool both_closed(struct world *world)
{
    return world->left.socket == NULL && world->right.socket == NULL;
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    struct end *ends[] = {&world->left, &world->right};
    for (int i = 0; i < 2; i++) {
        zuv_message_drop(&ends[i]->peer);
        if (ends[i]->socket != NULL)
            zuv_socket_close(ends[i]->socket, on_closed, ends[i]);
    }
    run_until(world, both_closed);
    uv_close((uv_handle_t *)&world->deadline, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    zuv_close(world->zuv);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    free(world);
    return 0;
}

static inline void open_end(struct end *end, enum zuv_kind kind, struct zuv_options *options)
{
    options->data = end;
    assert_int_equal(zuv_socket_open(end->world->zuv, kind, options, &end->socket, NULL), LD_OK);
    end->closed = false;
}

static inline void join(struct world *world)
{
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    assert_int_equal(zuv_connect(world->right.socket, zuv_endpoint(world->left.socket), NULL),
                     LD_OK);
}

static inline void put_text(struct zuv_message *message, const char *text)
{
    zuv_frame_copy(&message->frames[message->count++], text, strlen(text));
}

static inline void send_text(struct end *end, const char *text)
{
    struct zuv_message message = {.count = 0};
    put_text(&message, text);
    assert_int_equal(zuv_send(end->socket, &message), LD_OK);
    assert_int_equal(message.count, 0);
}

/* Remembers the last frame's text and, if there are more frames, the first as peer. */
static inline void remember(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct end *end = data;
    assert_ptr_equal(socket, end->socket);
    const struct zuv_frame *last = &message->frames[message->count - 1];
    size_t size = zuv_frame_size(last);
    if (size >= sizeof end->last)
        size = sizeof end->last - 1;
    memcpy(end->last, zuv_frame_data(last), size);
    end->last[size] = '\0';
    end->received++;
    if (message->count > 1 && end->peer.count == 0) {
        zuv_frame_take(&end->peer.frames[0], &message->frames[0]);
        end->peer.count = 1;
    }
}

static inline void echo(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct end *end = data;
    end->received++;
    assert_int_equal(zuv_send(socket, message), LD_OK);
}

static inline bool right_received(struct world *world)
{
    return world->right.received > 0;
}

static inline bool left_received(struct world *world)
{
    return world->left.received > 0;
}

static inline bool right_writable(struct world *world)
{
    return world->right.writable > 0;
}

#endif
