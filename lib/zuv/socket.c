/*
 * One ZeroMQ socket on a libuv loop.
 *
 * ZeroMQ's descriptor does not say "a message is there". It says "a command came in", once, and
 * any call on the socket (a send, too) may take that command and with it the wake-up. So four
 * handles work together on each turn of the loop:
 *
 *   prepare  before the loop sleeps: asks ZMQ_EVENTS; if there is something to do, starts idle
 *   idle     does nothing; while it is active the loop does not sleep
 *   poll     does nothing but end the sleep when the descriptor becomes readable
 *   check    after the sleep: delivers up to turn_messages messages, then writable()
 *
 * Asking costs a system call, and a loop may have many sockets of which few have something to do.
 * So prepare and check pass over a socket that is not `touched`: one that was asked, had nothing,
 * and was not called since. No wake-up can have been taken from it; its descriptor will tell. Every
 * call on a socket touches it and keeps the loop awake for one turn, as it may come after prepare
 * (from another prepare handle, or from outside of the loop).
 *
 * A signal may interrupt any call on a socket, also between taking the wake-up and the answer, and
 * between two frames of one message. Such calls are simply made again.
 *
 * Writable. A DEALER's ZMQ_POLLOUT is exact. A ROUTER's is set while any peer has room, which
 * would spin for ever beside one stuck peer; there a turn that woke by the descriptor or received
 * something counts as a hint, and because a send may have taken that wake-up, a slow timer backs
 * it up.
 *
 * Several frames, all or none. ZeroMQ refuses at the first frame or takes the whole message, but
 * for a DEALER whose connection dies in between: then a later frame says EAGAIN and ZeroMQ has
 * rolled back the first ones. So all but the last frame are sent as copies (small ones inline,
 * large ones by reference) and the caller's stay whole.
 *
 * Closing: callbacks stop at once, handles and socket are closed, and when libuv has let go of
 * the last handle the closed callback is made and the memory freed.
 */
#include "guard.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_HEAD_BYTES = 9, ROUTER_RETRY_MS = 20 };

/* ---- turn ---- */

static short socket_events(const struct zuv_socket *socket)
{
    int events = 0, failed;
    size_t size = sizeof events;
    do
        failed = zmq_getsockopt(socket->socket, ZMQ_EVENTS, &events, &size);
    while (failed && errno == EINTR);
    return failed ? 0 : (short)events; /* else: terminating */
}

static bool has_work(const struct zuv_socket *socket)
{
    short events = socket_events(socket);
    if (events & ZMQ_POLLIN)
        return true;
    if (!socket->want_writable)
        return false;
    return socket->kind == ZUV_ROUTER ? socket->woken : (events & ZMQ_POLLOUT) != 0;
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle;
}

static void stay_awake(struct zuv_socket *socket)
{
    if (!uv_is_active((uv_handle_t *)&socket->idle))
        uv_idle_start(&socket->idle, on_idle);
}

void socket_touch(struct zuv_socket *socket)
{
    socket->touched = true;
    stay_awake(socket);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct zuv_socket *socket = handle->data;
    if (socket->touched)
        socket->touched = has_work(socket);
    if (socket->touched)
        stay_awake(socket);
    else
        uv_idle_stop(&socket->idle);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct zuv_socket *socket = handle->data;
    (void)status;
    (void)events;
    socket->woken = socket->touched = true;
}

static void on_retry(uv_timer_t *handle)
{
    struct zuv_socket *socket = handle->data;
    socket->woken = socket->touched = true;
}

static int receive_frame(struct zuv_socket *socket, zmq_msg_t *frame)
{
    int size;
    do
        size = zmq_msg_recv(frame, socket->socket, ZMQ_DONTWAIT);
    while (size < 0 && errno == EINTR);
    return size;
}

/* Takes and drops what is left of a message that has too many frames. */
static void drop_rest(struct zuv_socket *socket)
{
    zmq_msg_t frame;
    int more = 1;
    while (more) {
        zmq_msg_init(&frame);
        int size = receive_frame(socket, &frame);
        more = size >= 0 && zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
}

enum received { RECEIVED_NOTHING, RECEIVED_MESSAGE, RECEIVED_MALFORMED };

static enum received receive(struct zuv_socket *socket, struct zuv_message *message)
{
    int more = 1;
    message->count = 0;
    while (more) {
        if (message->count == ZUV_FRAMES_MAX) {
            zuv_link_cut(socket, zuv_link_of(socket, message));
            drop_rest(socket);
            zuv_message_drop(message);
            return RECEIVED_MALFORMED;
        }
        zmq_msg_t *frame = zuv_raw(&message->frames[message->count]);
        zmq_msg_init(frame);
        int size = receive_frame(socket, frame);
        if (size < 0) {
            bool first = message->count == 0;
            zmq_msg_close(frame);
            zuv_message_drop(message);
            return first ? RECEIVED_NOTHING : RECEIVED_MALFORMED;
        }
        message->count++;
        socket->stats.received_bytes += (size_t)size;
        more = zmq_msg_more(frame);
    }
    return RECEIVED_MESSAGE;
}

static void deliver(struct zuv_socket *socket, struct zuv_message *message)
{
    socket->stats.received++;
    if (socket->options.message != NULL)
        socket->options.message(socket, message, socket->options.data);
    zuv_message_drop(message);
}

/* Delivers what is there, at most one turn's worth. Returns how many messages were taken. */
static int deliver_turn(struct zuv_socket *socket)
{
    struct zuv_message message;
    int taken = 0;
    while (!socket->closing && taken < socket->options.turn_messages) {
        enum received received = receive(socket, &message);
        if (received == RECEIVED_NOTHING) {
            socket->touched = false; /* ZeroMQ has looked at all that came in to say so */
            socket->confused = false;
            break;
        }
        taken++;
        if (received == RECEIVED_MESSAGE && xpub_understands(socket, &message)) {
            deliver(socket, &message);
            continue;
        }
        socket->stats.malformed++;
        zuv_message_drop(&message);
        return socket->options.turn_messages; /* it may have been of many frames */
    }
    return taken;
}

/* Asking may take the wake-up of a message that has come since the socket was found empty. */
static bool has_room(struct zuv_socket *socket)
{
    short events = socket_events(socket);
    if (events & ZMQ_POLLIN)
        socket_touch(socket);
    return (events & ZMQ_POLLOUT) != 0;
}

static void tell_writable(struct zuv_socket *socket, bool hint)
{
    if (socket->kind == ZUV_ROUTER ? !hint : !has_room(socket))
        return;
    socket->want_writable = false;
    uv_timer_stop(&socket->retry);
    if (socket->options.writable != NULL)
        socket->options.writable(socket, socket->options.data);
}

static void on_check(uv_check_t *handle)
{
    struct zuv_socket *socket = handle->data;
    if (!socket->touched)
        return;
    uint64_t start_ns = uv_hrtime();
    bool woken = socket->woken;
    socket->woken = false;
    int taken = deliver_turn(socket);
    if (!socket->closing && taken == socket->options.turn_messages)
        stay_awake(socket); /* also tells who embeds the loop by uv_backend_timeout */
    if (!socket->closing && socket->want_writable)
        tell_writable(socket, woken || taken > 0);
    int64_t turn_us = (int64_t)((uv_hrtime() - start_ns) / 1000);
    if (turn_us > socket->stats.turn_us_max)
        socket->stats.turn_us_max = turn_us;
}

/* ---- sending ---- */

static int send_failed(struct zuv_socket *socket)
{
    if (errno == EHOSTUNREACH) {
        socket->stats.unreachable++;
        return LD_UNREACHABLE;
    }
    socket->stats.busy++;
    if (!socket->want_writable && socket->kind == ZUV_ROUTER)
        uv_timer_start(&socket->retry, on_retry, ROUTER_RETRY_MS, ROUTER_RETRY_MS);
    socket->want_writable = true;
    return LD_BUSY;
}

static int send_frame(struct zuv_socket *socket, zmq_msg_t *frame, int flags)
{
    int sent;
    do
        sent = zmq_msg_send(frame, socket->socket, flags);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* Sends all frames but the last as copies, so that a failure leaves the caller's whole. */
static int send_copies(struct zuv_socket *socket, struct zuv_message *message)
{
    for (size_t i = 0; i + 1 < message->count; i++) {
        zmq_msg_t copy;
        zmq_msg_init(&copy);
        if (zmq_msg_copy(&copy, zuv_raw(&message->frames[i])) != 0)
            abort(); /* out of memory */
        if (send_frame(socket, &copy, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) {
            int reason = errno;
            zmq_msg_close(&copy);
            errno = reason;
            return send_failed(socket);
        }
    }
    return LD_OK;
}

static size_t message_bytes(const struct zuv_message *message)
{
    size_t bytes = 0;
    for (size_t i = 0; i < message->count; i++)
        bytes += zuv_frame_size(&message->frames[i]);
    return bytes;
}

int zuv_send(struct zuv_socket *socket, struct zuv_message *message)
{
    assert(!socket->closing && message->count > 0 && message->count <= ZUV_FRAMES_MAX);
    size_t bytes = message_bytes(message);
    int code = send_copies(socket, message);
    if (code == LD_OK) {
        zmq_msg_t *last = zuv_raw(&message->frames[message->count - 1]);
        if (send_frame(socket, last, ZMQ_DONTWAIT) < 0)
            code = send_failed(socket);
    }
    if (code == LD_OK) {
        zuv_message_drop(message);
        socket->stats.sent++;
        socket->stats.sent_bytes += bytes;
    }
    socket_touch(socket);
    return code;
}

/* ---- opening ---- */

static int start_handles(struct zuv_socket *socket, uv_loop_t *loop, struct ld_error *error)
{
    int descriptor;
    size_t size = sizeof descriptor;
    if (zmq_getsockopt(socket->socket, ZMQ_FD, &descriptor, &size) != 0)
        return ld_fail(error, LD_IO, "no descriptor for a socket: %s", zmq_strerror(errno));
    int status = uv_poll_init(loop, &socket->poll, descriptor);
    if (status != 0)
        return ld_fail(error, LD_IO, "cannot watch a socket: %s", uv_strerror(status));
    uv_prepare_init(loop, &socket->prepare);
    uv_idle_init(loop, &socket->idle);
    uv_check_init(loop, &socket->check);
    uv_timer_init(loop, &socket->retry);
    socket->handle_count = 5;
    socket->poll.data = socket->prepare.data = socket->idle.data = socket;
    socket->check.data = socket->retry.data = socket;
    uv_poll_start(&socket->poll, UV_READABLE, on_poll);
    uv_prepare_start(&socket->prepare, on_prepare);
    uv_check_start(&socket->check, on_check);
    socket_touch(socket);
    return LD_OK;
}

/* They are the caller's, who may end them after the call. */
static void forget_keys(struct zuv_options *options)
{
    options->server_secret = options->server_key = NULL;
    options->own_key = options->own_secret = NULL;
}

static int start_watching(struct zuv_socket *socket, const struct zuv_options *options,
                          struct ld_error *error)
{
    struct zuv *zuv = socket->zuv;
    int code = LD_OK;
    assert(options->connections_max == 0 || !options->tells_joining); /* a socket has one monitor */
    if (options->connections_max > 0)
        code = guard_open(zuv, socket->socket, options, &socket->guard, error);
    else if (options->tells_joining)
        code = joining_open(zuv, socket->socket, &socket->joining, error);
    return code;
}

int zuv_socket_open(struct zuv *zuv, enum zuv_kind kind, const struct zuv_options *options,
                    struct zuv_socket **out, struct ld_error *error)
{
    int code;
    if ((options->server_secret || options->server_key) && !zmq_has("curve"))
        return ld_fail(error, LD_INVALID, "this libzmq was built without CURVE: use another one");
    struct zuv_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a socket");
    socket->zuv = zuv;
    socket->kind = kind;
    socket->options = *options;
    forget_keys(&socket->options);
    socket->socket = configure_open(zuv->context, kind);
    if (socket->socket == NULL) {
        code =
            ld_fail(error, LD_IO, "cannot open a socket: %s (too many open files? see ulimit -n)",
                    zmq_strerror(errno));
        goto allocated;
    }
    configure_set(socket->socket, kind, options);
    code = start_watching(socket, options, error);
    if (code != LD_OK)
        goto opened;
    code = start_handles(socket, zuv->loop, error);
    if (code != LD_OK)
        goto guarded;
    zuv->socket_count++;
    *out = socket;
    return LD_OK;
guarded:
    joining_close(socket->joining);
    if (socket->guard)
        guard_close(socket->guard, NULL, NULL);
opened:
    zmq_close(socket->socket);
allocated:
    free(socket);
    return code;
}

/* ---- endpoints ---- */

static void remember_endpoint(struct zuv_socket *socket)
{
    size_t size = sizeof socket->endpoint;
    if (zmq_getsockopt(socket->socket, ZMQ_LAST_ENDPOINT, socket->endpoint, &size) != 0)
        socket->endpoint[0] = '\0';
}

int zuv_bind(struct zuv_socket *socket, const char *endpoint, struct ld_error *error)
{
    assert(!socket->closing);
    if (!endpoint_port_is_valid(endpoint, true))
        return endpoint_failed("bind", endpoint, EINVAL, error);
    if (endpoint_in_use(endpoint))
        return endpoint_failed("bind", endpoint, EADDRINUSE, error);
    socket_touch(socket);
    if (zmq_bind(socket->socket, endpoint) != 0)
        return endpoint_failed("bind", endpoint, errno, error);
    remember_endpoint(socket);
    return LD_OK;
}

int zuv_connect(struct zuv_socket *socket, const char *endpoint, struct ld_error *error)
{
    assert(!socket->closing);
    if (!endpoint_port_is_valid(endpoint, false))
        return endpoint_failed("connect to", endpoint, EINVAL, error);
    socket_touch(socket);
    if (zmq_connect(socket->socket, endpoint) != 0)
        return endpoint_failed("connect to", endpoint, errno, error);
    remember_endpoint(socket);
    return LD_OK;
}

const char *zuv_endpoint(const struct zuv_socket *socket)
{
    return socket->endpoint;
}

int zuv_subscribe(struct zuv_socket *socket, const void *prefix, size_t size,
                  struct ld_error *error)
{
    assert(socket->kind == ZUV_SUB && !socket->closing);
    socket_touch(socket);
    if (zmq_setsockopt(socket->socket, ZMQ_SUBSCRIBE, prefix, size) != 0)
        return ld_fail(error, LD_IO, "cannot subscribe: %s", zmq_strerror(errno));
    return LD_OK;
}

void zuv_set_linger(struct zuv_socket *socket, int linger_ms)
{
    assert(!socket->closing);
    configure_int(socket->socket, ZMQ_LINGER, linger_ms);
}

/* ---- closing ---- */

static void part_closed(void *part)
{
    struct zuv_socket *socket = part;
    if (--socket->handle_count > 0)
        return;
    void (*closed)(void *) = socket->closed;
    void *data = socket->closed_data;
    socket->zuv->socket_count--;
    free(socket);
    if (closed != NULL)
        closed(data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void zuv_socket_close(struct zuv_socket *socket, void (*closed)(void *data), void *data)
{
    assert(!socket->closing);
    socket->closing = true;
    socket->closed = closed;
    socket->closed_data = data;
    uv_close((uv_handle_t *)&socket->poll, on_handle_closed);
    uv_close((uv_handle_t *)&socket->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&socket->idle, on_handle_closed);
    uv_close((uv_handle_t *)&socket->check, on_handle_closed);
    uv_close((uv_handle_t *)&socket->retry, on_handle_closed);
    joining_close(socket->joining);
    if (socket->guard) {
        socket->handle_count++;
        guard_close(socket->guard, part_closed, socket);
    }
    zmq_close(socket->socket);
}

/* ---- connections ---- */

struct zuv_link zuv_link_of(struct zuv_socket *socket, const struct zuv_message *message)
{
    if (!socket->guard || message->count == 0)
        return (struct zuv_link){.descriptor = -1};
    /* Of the last frame: ZeroMQ does not always say it of a peer's name. */
    return guard_find(socket->guard, frame_descriptor(&message->frames[message->count - 1]));
}

bool zuv_link_is_there(struct zuv_socket *socket, struct zuv_link link)
{
    return socket->guard && guard_has(socket->guard, link);
}

void zuv_link_heard(struct zuv_socket *socket, struct zuv_link link,
                    const struct zuv_message *message)
{
    /* On the wire; of a ROUTER's message a little less, by its first frame. */
    if (socket->guard)
        guard_heard(socket->guard, link,
                    message_bytes(message) + FRAME_HEAD_BYTES * message->count);
}

void zuv_link_keep(struct zuv_socket *socket, struct zuv_link link)
{
    if (socket->guard)
        guard_keep(socket->guard, link);
}

void zuv_link_leave(struct zuv_socket *socket, struct zuv_link link)
{
    if (socket->guard)
        guard_leave(socket->guard, link);
}

void zuv_link_cut(struct zuv_socket *socket, struct zuv_link link)
{
    if (socket->guard)
        guard_cut(socket->guard, link);
}

enum zuv_joined zuv_joined(struct zuv_socket *socket)
{
    assert(socket->joining);
    return joining_state(socket->joining);
}

void zuv_get_guard_stats(const struct zuv_socket *socket, struct zuv_guard_stats *stats)
{
    *stats = (struct zuv_guard_stats){0};
    if (socket->guard)
        guard_get_stats(socket->guard, stats);
}

void zuv_get_stats(const struct zuv_socket *socket, struct zuv_stats *stats)
{
    *stats = socket->stats;
}
