/* One socket of each kind at most is open at a time; a closed one goes in the loop's next turn. */
#include "zuv_memory.h"

#include <stdlib.h>
#include <string.h>

struct zuv {
    uv_loop_t *loop;
};

struct zuv_socket {
    enum zuv_kind kind;
    struct zuv_options options;
    uv_idle_t closing; /* makes closing asynchronous */
    void (*closed)(void *data);
    void *closed_data;
};

enum { KINDS = ZUV_SUB + 1 };
static struct zuv_socket *open_sockets[KINDS];
static zuv_memory_sent_fn *on_sent;
static void *on_sent_data;

void zuv_memory_on_sent(zuv_memory_sent_fn *sent, void *data)
{
    on_sent = sent;
    on_sent_data = data;
}

bool zuv_memory_deliver(enum zuv_kind kind, const struct zuv_memory_frame *frames, size_t count)
{
    struct zuv_socket *socket = open_sockets[kind];
    if (socket == NULL || socket->options.message == NULL)
        return false;
    struct zuv_message message = {.count = count};
    for (size_t i = 0; i < count; i++)
        zuv_frame_copy(&message.frames[i], frames[i].data, frames[i].size);
    socket->options.message(socket, &message, socket->options.data);
    zuv_message_drop(&message);
    return true;
}

void zuv_memory_writable(enum zuv_kind kind)
{
    struct zuv_socket *socket = open_sockets[kind];
    if (socket != NULL && socket->options.writable != NULL)
        socket->options.writable(socket, socket->options.data);
}

/* ---- zuv.h ---- */

void zuv_options_init(struct zuv_options *options)
{
    *options = (struct zuv_options){.max_message_bytes = (size_t)4 << 20};
}

int zuv_open(uv_loop_t *loop, struct zuv **out, struct ld_error *error)
{
    (void)error;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        abort();
    (*out)->loop = loop;
    return LD_OK;
}

int zuv_open_shared(uv_loop_t *loop, struct zuv **out, struct ld_error *error)
{
    return zuv_open(loop, out, error);
}

void zuv_close(struct zuv *zuv)
{
    free(zuv);
}

int zuv_socket_open(struct zuv *zuv, enum zuv_kind kind, const struct zuv_options *options,
                    struct zuv_socket **out, struct ld_error *error)
{
    (void)error;
    struct zuv_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        abort();
    socket->kind = kind;
    socket->options = *options;
    uv_idle_init(zuv->loop, &socket->closing);
    socket->closing.data = socket;
    open_sockets[kind] = socket;
    *out = socket;
    return LD_OK;
}

int zuv_bind(struct zuv_socket *socket, const char *endpoint, struct ld_error *error)
{
    (void)socket, (void)endpoint, (void)error;
    return LD_OK;
}

int zuv_connect(struct zuv_socket *socket, const char *endpoint, struct ld_error *error)
{
    (void)socket, (void)endpoint, (void)error;
    return LD_OK;
}

const char *zuv_endpoint(const struct zuv_socket *socket)
{
    (void)socket;
    return "inproc://memory";
}

int zuv_subscribe(struct zuv_socket *socket, const void *prefix, size_t size,
                  struct ld_error *error)
{
    (void)socket, (void)prefix, (void)size, (void)error;
    return LD_OK;
}

void zuv_subscription_apply(struct zuv_socket *socket, const struct zuv_message *message)
{
    (void)socket, (void)message;
}

void zuv_set_linger(struct zuv_socket *socket, int linger_ms)
{
    (void)socket, (void)linger_ms;
}

int zuv_send(struct zuv_socket *socket, struct zuv_message *message)
{
    (void)socket;
    int code = on_sent != NULL ? on_sent(message, on_sent_data) : LD_OK;
    if (code == LD_OK)
        zuv_message_drop(message);
    return code;
}

static void socket_gone(uv_handle_t *handle)
{
    struct zuv_socket *socket = handle->data;
    if (socket->closed != NULL)
        socket->closed(socket->closed_data);
    free(socket);
}

void zuv_socket_close(struct zuv_socket *socket, void (*closed)(void *data), void *data)
{
    socket->closed = closed;
    socket->closed_data = data;
    if (open_sockets[socket->kind] == socket)
        open_sockets[socket->kind] = NULL;
    uv_close((uv_handle_t *)&socket->closing, socket_gone);
}

void zuv_get_stats(const struct zuv_socket *socket, struct zuv_stats *stats)
{
    (void)socket;
    *stats = (struct zuv_stats){0};
}

/* ---- connections: there are none ---- */

struct zuv_link zuv_link_of(struct zuv_socket *socket, const struct zuv_message *message)
{
    (void)socket, (void)message;
    return (struct zuv_link){.descriptor = -1};
}

bool zuv_link_is_there(struct zuv_socket *socket, struct zuv_link link)
{
    (void)socket, (void)link;
    return true;
}

/* There are no keys here. */
int zuv_admission_open(struct zuv *zuv, zuv_admit_fn *admit, void *data, struct zuv_admission **out,
                       struct ld_error *error)
{
    (void)zuv, (void)admit, (void)data, (void)out;
    return ld_fail(error, LD_INVALID, "no keys in memory");
}

void zuv_admission_close(struct zuv_admission *admission, void (*closed)(void *data), void *data)
{
    (void)admission;
    closed(data);
}

const char *zuv_message_user(const struct zuv_message *message)
{
    (void)message;
    return NULL;
}

enum zuv_joined zuv_joined(struct zuv_socket *socket)
{
    (void)socket;
    return ZUV_JOINED;
}

void zuv_link_heard(struct zuv_socket *socket, struct zuv_link link,
                    const struct zuv_message *message)
{
    (void)message;
    (void)socket, (void)link;
}

void zuv_link_keep(struct zuv_socket *socket, struct zuv_link link)
{
    (void)socket, (void)link;
}

void zuv_link_leave(struct zuv_socket *socket, struct zuv_link link)
{
    (void)socket, (void)link;
}

void zuv_link_cut(struct zuv_socket *socket, struct zuv_link link)
{
    (void)socket, (void)link;
}

void zuv_get_guard_stats(const struct zuv_socket *socket, struct zuv_guard_stats *stats)
{
    (void)socket;
    *stats = (struct zuv_guard_stats){0};
}
