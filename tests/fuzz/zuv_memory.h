/*
 * lib/zuv without a network: sockets whose messages are put in and taken out by the test. Linked
 * instead of socket.c and zuv.c; frames are the real ones.
 */
#ifndef LIANDONG_FUZZ_ZUV_MEMORY_H
#define LIANDONG_FUZZ_ZUV_MEMORY_H

#include "zuv/zuv.h"

/* Called for each message sent; it is dropped afterwards. Returns what zuv_send answers: LD_OK, or
 * LD_BUSY or LD_UNREACHABLE. */
typedef int zuv_memory_sent_fn(struct zuv_message *message, void *data);
void zuv_memory_on_sent(zuv_memory_sent_fn *sent, void *data);

/* Delivers frames to the open socket of that kind, as if they had come from the network. False:
 * there is none. */
struct zuv_memory_frame {
    const uint8_t *data;
    size_t size;
};
bool zuv_memory_deliver(enum zuv_kind kind, const struct zuv_memory_frame *frames, size_t count);
void zuv_memory_writable(enum zuv_kind kind);

#endif
