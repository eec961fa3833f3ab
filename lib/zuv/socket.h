/* What zuv's own files share; nobody else includes it. */
#ifndef LD_ZUV_SOCKET_H
#define LD_ZUV_SOCKET_H

#include "zuv.h"
#include <zmq.h>

struct guard;
struct joining;

struct zuv {
    uv_loop_t *loop;
    void *context;
    bool shared;
    size_t socket_count; /* open or still closing */
};

enum { ENDPOINT_SIZE = 512 };

struct zuv_socket {
    struct zuv *zuv;
    void *socket;
    enum zuv_kind kind;
    struct zuv_options options;
    struct zuv_stats stats;
    struct guard *guard;     /* NULL: nobody watches */
    struct joining *joining; /* NULL: nobody asks */
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_poll_t poll;
    uv_check_t check;
    uv_timer_t retry; /* a ROUTER's backup for writable hints */
    int handle_count; /* handles that libuv still holds */
    bool touched;     /* called since it was last asked and had nothing */
    bool woken;       /* the descriptor fired or the retry timer did: ROUTER hint */
    bool want_writable;
    bool confused; /* an XPUB that may not know who said what (xpub.c) */
    bool closing;
    void (*closed)(void *data);
    void *closed_data;
    char endpoint[ENDPOINT_SIZE];
};

static inline zmq_msg_t *zuv_raw(struct zuv_frame *frame)
{
    return (zmq_msg_t *)(void *)frame->opaque;
}

const char *frame_user(const struct zuv_frame *frame); /* NULL: nobody was asked */
int frame_descriptor(const struct zuv_frame *frame);   /* it came from, -1: none */

/* ---- configure.c ---- */

void *configure_open(void *context, enum zuv_kind kind); /* NULL: errno */
void configure_set(void *raw, enum zuv_kind kind, const struct zuv_options *options);
void configure_int(void *raw, int option, int value); /* of our own: it cannot fail */

/* ---- joining.c ---- */

int joining_open(struct zuv *zuv, void *watched, struct joining **out,
                 struct ld_error *error) LD_MUST_USE;
void joining_close(struct joining *joining); /* before the watched socket is; NULL is legal */
enum zuv_joined joining_state(struct joining *joining);

/* After a call of ZeroMQ's on it: that may have taken its wake-up (socket.c). */
void socket_touch(struct zuv_socket *socket);

/* ---- xpub.c ---- */

/* False: not a subscription, or nobody knows whose; its sender is cut off. True of other kinds. */
bool xpub_understands(struct zuv_socket *socket, const struct zuv_message *message);

/* ---- endpoint.c ---- */

/* Fails with the code that fits errno and a text that says what to do. */
int endpoint_failed(const char *verb, const char *endpoint, int reason, struct ld_error *error);
bool endpoint_in_use(const char *endpoint); /* an ipc endpoint on which somebody listens */
bool endpoint_port_is_valid(const char *endpoint, bool to_bind);

#endif
