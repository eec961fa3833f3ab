/* What zuv's own files share; nobody else includes it. */
#ifndef LD_ZUV_SOCKET_H
#define LD_ZUV_SOCKET_H

#include "zuv.h"
#include <zmq.h>

struct zuv {
    uv_loop_t *loop;
    void *context;
    bool shared;
    size_t socket_count; /* open or still closing */
};

static inline zmq_msg_t *zuv_raw(struct zuv_frame *frame)
{
    return (zmq_msg_t *)(void *)frame->opaque;
}

int frame_descriptor(const struct zuv_frame *frame); /* it came from, -1: none */

/* ---- endpoint.c ---- */

/* Fails with the code that fits errno and a text that says what to do. */
int endpoint_failed(const char *verb, const char *endpoint, int reason, struct ld_error *error);
bool endpoint_in_use(const char *endpoint); /* an ipc endpoint on which somebody listens */
bool endpoint_port_is_valid(const char *endpoint, bool to_bind);

#endif
