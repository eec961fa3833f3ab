/* What zuv's own files share; nobody else includes it. */
#ifndef LD_ZUV_SOCKET_H
#define LD_ZUV_SOCKET_H

#include "zuv.h"
#include <zmq.h>

struct zuv {
    uv_loop_t *loop;
    void *context;
    size_t socket_count; /* open or still closing */
};

static inline zmq_msg_t *zuv_raw(struct zuv_frame *frame)
{
    return (zmq_msg_t *)(void *)frame->opaque;
}

#endif
