/* Frames: a thin, typed cover over zmq_msg_t. Ownership as zuv.h says. */
#include "socket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(zmq_msg_t) <= sizeof(struct zuv_frame), "a frame holds a zmq_msg_t");

static zmq_msg_t *raw_const(const struct zuv_frame *frame)
{
    /* libzmq's getters take a plain pointer but change nothing. */
    union {
        const struct zuv_frame *in;
        struct zuv_frame *out;
    } pointer = {.in = frame};
    return zuv_raw(pointer.out);
}

uint8_t *zuv_frame_alloc(struct zuv_frame *frame, size_t size)
{
    if (zmq_msg_init_size(zuv_raw(frame), size) != 0)
        abort(); /* out of memory: every size is bounded by its caller */
    return zmq_msg_data(zuv_raw(frame));
}

void zuv_frame_copy(struct zuv_frame *frame, const void *data, size_t size)
{
    uint8_t *bytes = zuv_frame_alloc(frame, size);
    if (size > 0)
        memcpy(bytes, data, size);
}

void zuv_frame_share(struct zuv_frame *frame, const void *data, size_t size,
                     void (*release)(void *data, void *hint), void *hint)
{
    union {
        const void *in;
        void *out;
    } bytes = {.in = data};
    if (zmq_msg_init_data(zuv_raw(frame), bytes.out, size, release, hint) != 0)
        abort(); /* out of memory */
}

const uint8_t *zuv_frame_data(const struct zuv_frame *frame)
{
    return zmq_msg_data(raw_const(frame));
}

size_t zuv_frame_size(const struct zuv_frame *frame)
{
    return zmq_msg_size(raw_const(frame));
}

int frame_descriptor(const struct zuv_frame *frame)
{
    return zmq_msg_get(raw_const(frame), ZMQ_SRCFD);
}

const char *frame_user(const struct zuv_frame *frame)
{
    return zmq_msg_gets(raw_const(frame), "User-Id");
}

void zuv_frame_drop(struct zuv_frame *frame)
{
    int closed = zmq_msg_close(zuv_raw(frame));
    assert(closed == 0); /* fails only for a frame that was never initialised */
}

void zuv_frame_take(struct zuv_frame *to, struct zuv_frame *from)
{
    zmq_msg_init(zuv_raw(to));
    int moved = zmq_msg_move(zuv_raw(to), zuv_raw(from));
    assert(moved == 0);
}

void zuv_message_drop(struct zuv_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        zuv_frame_drop(&message->frames[i]);
    message->count = 0;
}
