/*
 * Sending to peers.
 *
 * Answers must arrive (R8): when a peer's socket queue is full they wait in its session's outbox,
 * in order, and go out when the socket has room again. The outbox is bounded: a session that lets
 * it overflow is dropped, its outcomes are then unknown and safe to repeat. Chunks do not wait
 * here: their stream tries again. A peer that is gone loses its session.
 */
#include "internal.h"

static void frame_head(struct zuv_frame *frame, const struct wire_head *head)
{
    wire_head_encode(zuv_frame_alloc(frame, WIRE_HEAD_SIZE), head);
}

static struct zuv_message message_to(const uint8_t *peer, size_t peer_size,
                                     const struct wire_head *head)
{
    struct zuv_message message = {.count = 2};
    zuv_frame_copy(&message.frames[0], peer, peer_size);
    frame_head(&message.frames[1], head);
    return message;
}

static void set_busy(struct session *session)
{
    if (session->busy)
        return;
    session->busy = true;
    session->router->busy_count++;
    DL_APPEND2(session->router->busy, session, busy_prev, busy_next);
}

static void clear_busy(struct session *session)
{
    if (!session->busy)
        return;
    session->busy = false;
    session->router->busy_count--;
    DL_DELETE2(session->router->busy, session, busy_prev, busy_next);
}

static size_t message_bytes(const struct zuv_message *message)
{
    size_t bytes = 0;
    for (size_t i = 0; i < message->count; i++)
        bytes += zuv_frame_size(&message->frames[i]);
    return bytes;
}

static struct outgoing *outbox_take(struct session *session)
{
    struct outgoing *outgoing = session->outbox;
    LL_DELETE(session->outbox, outgoing);
    session->outbox_count--;
    session->router->outbox_count--;
    session->router->outbox_bytes -= outgoing->bytes;
    return outgoing;
}

static void outbox_append(struct session *session, struct zuv_message *message)
{
    struct router *router = session->router;
    if (session->outbox_count >= router->options.limits.outbox_messages) {
        zuv_message_drop(message);
        router->counters.sessions_overflowed++;
        session_cut(session, "it does not read its answers");
        return;
    }
    struct outgoing *outgoing = calloc(1, sizeof *outgoing);
    if (!outgoing)
        abort();
    outgoing->message = *message;
    outgoing->bytes = message_bytes(message);
    LL_APPEND(session->outbox, outgoing);
    session->outbox_count++;
    router->outbox_count++;
    router->outbox_bytes += outgoing->bytes;
    set_busy(session);
}

void send_answer(struct session *session, const struct wire_head *head, const void *body,
                 size_t size)
{
    if (session->gone)
        return;
    struct zuv_message message = message_to(session->peer, session->peer_size, head);
    if (size > 0)
        zuv_frame_copy(&message.frames[message.count++], body, size);
    if (session->outbox) {
        outbox_append(session, &message);
        return;
    }
    switch (zuv_send(session->router->front, &message)) {
    case LD_OK:
        break;
    case LD_BUSY:
        outbox_append(session, &message);
        break;
    default:
        zuv_message_drop(&message);
        session_drop(session, NULL);
    }
}

void send_error(struct session *session, uint64_t id, int code, const char *text)
{
    router_count_error(session->router, code);
    struct wire_head head = {WIRE_ERROR, id, (uint64_t)code, 0};
    send_answer(session, &head, text, strlen(text));
}

void send_peer_error(struct router *router, const struct zuv_frame *peer, uint64_t id, int code,
                     const char *text)
{
    router_count_error(router, code);
    struct wire_head head = {WIRE_ERROR, id, (uint64_t)code, 0};
    struct zuv_message message = message_to(zuv_frame_data(peer), zuv_frame_size(peer), &head);
    zuv_frame_copy(&message.frames[message.count++], text, strlen(text));
    if (zuv_send(router->front, &message) != LD_OK)
        zuv_message_drop(&message);
}

void send_now(struct session *session, const struct wire_head *head)
{
    if (session->gone || session->busy)
        return;
    struct zuv_message message = message_to(session->peer, session->peer_size, head);
    int code = zuv_send(session->router->front, &message);
    if (code == LD_OK)
        return;
    zuv_message_drop(&message);
    if (code == LD_UNREACHABLE)
        session_drop(session, NULL);
}

int send_chunk(struct session *session, const struct wire_head *head, struct zuv_frame *body)
{
    if (session->busy) {
        zuv_frame_drop(body);
        return LD_BUSY;
    }
    struct zuv_message message = message_to(session->peer, session->peer_size, head);
    zuv_frame_take(&message.frames[message.count++], body);
    int code = zuv_send(session->router->front, &message);
    if (code == LD_OK)
        return LD_OK;
    zuv_message_drop(&message);
    if (code == LD_BUSY) {
        set_busy(session);
        return LD_BUSY;
    }
    session_drop(session, NULL);
    return LD_UNREACHABLE;
}

/* True when the outbox is empty and the session still there. */
static bool outbox_flush(struct session *session)
{
    while (session->outbox) {
        struct outgoing *outgoing = session->outbox;
        int code = zuv_send(session->router->front, &outgoing->message);
        if (code == LD_BUSY)
            return false;
        if (code != LD_OK) {
            session_drop(session, NULL);
            return false;
        }
        free(outbox_take(session));
    }
    return true;
}

void send_retry_busy(struct router *router)
{
    /* Whoever is busy again goes to the end of the list: one look at each. */
    size_t count;
    struct session *session;
    DL_COUNT2(router->busy, session, count, busy_next);
    for (size_t i = 0; i < count && router->busy; i++) {
        session = session_retain(router->busy);
        if (outbox_flush(session)) {
            clear_busy(session);
            stream_not_busy(session);
        } else if (!session->gone) {
            clear_busy(session);
            set_busy(session);
        }
        session_release(session);
    }
}

void send_outbox_free(struct session *session)
{
    clear_busy(session);
    while (session->outbox) {
        struct outgoing *outgoing = outbox_take(session);
        zuv_message_drop(&outgoing->message);
        free(outgoing);
    }
}
