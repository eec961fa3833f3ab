/* The ZeroMQ context of a loop, and the defaults of its sockets. */
#include "socket.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { CONTEXT_ZERO_COPY_RECEIVE = 10 }; /* zmq.h has the name for drafts only */

#ifdef __SANITIZE_THREAD__
/* libzmq is not built with the sanitizer, so its locks and lock-free pipes are not seen; nor is
 * what libsodium writes for it when it decrypts a message. */
LD_EXPORT const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:libzmq.so\ncalled_from_lib:libzmq.so\ncalled_from_lib:libsodium.so\n";
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
        .handshake_ms = 10000,
        .reconnect_ms = 20,
        .reconnect_max_ms = 1000,
        .domain = "liandong",
    };
}

/* ---- the context ---- */

static void *context_new(struct ld_error *error)
{
    void *context = zmq_ctx_new();
    if (context == NULL) {
        ld_fail(error, LD_NOMEM, "cannot create a ZeroMQ context: %s", zmq_strerror(errno));
        return NULL;
    }
    zmq_ctx_set(context, ZMQ_MAX_SOCKETS, 65535);
    /* Else a message of 40 bytes keeps the 18 KiB of the buffer that it was received in. */
    zmq_ctx_set(context, CONTEXT_ZERO_COPY_RECEIVE, 0);
    return context;
}

static void context_end(void *context)
{
    while (zmq_ctx_term(context) != 0 && errno == EINTR)
        continue;
}

/* The process's shared context, and how many have it. A child process has no threads of ZeroMQ's,
 * so it forgets its parent's. */
static struct {
    pthread_mutex_t mutex;
    pthread_once_t once;
    void *context;
    size_t users;
} shared = {.mutex = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void forget_in_child(void)
{
    pthread_mutex_init(&shared.mutex, NULL);
    shared.context = NULL;
    shared.users = 0;
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, forget_in_child);
}

static void *shared_take(struct ld_error *error)
{
    pthread_once(&shared.once, watch_forks);
    pthread_mutex_lock(&shared.mutex);
    if (shared.users == 0)
        shared.context = context_new(error);
    void *context = shared.context;
    shared.users += context != NULL;
    pthread_mutex_unlock(&shared.mutex);
    return context;
}

/* Ending it waits for what closed sockets still have to send; nobody else has to wait for that. */
static void shared_give_back(void *context)
{
    pthread_mutex_lock(&shared.mutex);
    bool last = context == shared.context && --shared.users == 0;
    pthread_mutex_unlock(&shared.mutex);
    if (last)
        context_end(context);
}

/* ---- open and close ---- */

static int open_with(uv_loop_t *loop, void *context, bool is_shared, struct zuv **out,
                     struct ld_error *error)
{
    struct zuv *zuv = calloc(1, sizeof *zuv);
    if (zuv == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a ZeroMQ context");
    *zuv = (struct zuv){.loop = loop, .context = context, .shared = is_shared};
    *out = zuv;
    return LD_OK;
}

int zuv_open(uv_loop_t *loop, struct zuv **out, struct ld_error *error)
{
    void *context = context_new(error);
    if (context == NULL)
        return LD_NOMEM;
    int code = open_with(loop, context, false, out, error);
    if (code != LD_OK)
        context_end(context);
    return code;
}

int zuv_open_shared(uv_loop_t *loop, struct zuv **out, struct ld_error *error)
{
    void *context = shared_take(error);
    if (context == NULL)
        return LD_NOMEM;
    int code = open_with(loop, context, true, out, error);
    if (code != LD_OK)
        shared_give_back(context);
    return code;
}

void zuv_close(struct zuv *zuv)
{
    if (zuv == NULL)
        return;
    assert(zuv->socket_count == 0);
    if (zuv->shared)
        shared_give_back(zuv->context);
    else
        context_end(zuv->context);
    free(zuv);
}
