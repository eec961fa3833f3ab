/* The ZeroMQ context of a loop, and the defaults of its sockets. */
#include "socket.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { CONTEXT_ZERO_COPY_RECEIVE = 10 }; /* zmq.h has the name for drafts only */

#ifdef __SANITIZE_THREAD__
/* libzmq is not built with the sanitizer, so its locks and lock-free pipes are not seen. */
LD_EXPORT const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libzmq.so\ncalled_from_lib:libzmq.so\n";
}
#endif

void zuv_options_init(struct zuv_options *options)
{
    *options = (struct zuv_options){
        .max_message_bytes = (size_t)4 << 20,
        .send_messages = 1000,
        .receive_messages = 1000,
        .linger_ms = 0,
        .turn_messages = 256,
        .heartbeat_ms = 2000,
        .handshake_ms = 10000,
        .reconnect_ms = 20,
        .reconnect_max_ms = 1000,
    };
}

int zuv_open(uv_loop_t *loop, int io_threads, struct zuv **out, struct ld_error *error)
{
    struct zuv *zuv = calloc(1, sizeof *zuv);
    if (zuv == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a ZeroMQ context");
    zuv->loop = loop;
    zuv->context = zmq_ctx_new();
    if (zuv->context == NULL) {
        int reason = errno;
        free(zuv);
        return ld_fail(error, LD_NOMEM, "cannot create a ZeroMQ context: %s", zmq_strerror(reason));
    }
    zmq_ctx_set(zuv->context, ZMQ_IO_THREADS, io_threads);
    zmq_ctx_set(zuv->context, ZMQ_MAX_SOCKETS, 65535);
    /* Else a message of 40 bytes keeps the 18 KiB of the buffer that it was received in. */
    zmq_ctx_set(zuv->context, CONTEXT_ZERO_COPY_RECEIVE, 0);
    *out = zuv;
    return LD_OK;
}

void zuv_close(struct zuv *zuv)
{
    if (zuv == NULL)
        return;
    assert(zuv->socket_count == 0);
    while (zmq_ctx_term(zuv->context) != 0 && errno == EINTR)
        continue;
    free(zuv);
}
