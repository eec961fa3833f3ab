/*
 * Sending to peers.
 *
 * Answers must arrive (R8): when a peer's socket queue is full they wait in its session's outbox,
 * in order, and go out when the socket has room again. What a peer has not read is bounded, in
 * answers and in bytes, those in ZeroMQ's queue included: a session that does not read is cut off,
 * its outcomes are then unknown and safe to repeat. Chunks do not wait
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

/* ---- what a peer has not read ---- */

enum { COUNTED_BYTES = 256 }; /* smaller bodies are bounded by the number of messages */

struct counted {
    struct unread *unread;
    size_t size;
    uint8_t bytes[];
};

struct unread *unread_new(void)
{
    struct unread *unread = calloc(1, sizeof *unread);
    if (!unread)
        abort();
    atomic_init(&unread->references, 1);
    return unread;
}

void unread_release(struct unread *unread)
{
    if (atomic_fetch_sub_explicit(&unread->references, 1, memory_order_acq_rel) == 1)
        free(unread);
}

/* On any thread. */
static void counted_release(void *data, void *hint)
{
    struct counted *counted = hint;
    (void)data;
    atomic_fetch_sub_explicit(&counted->unread->bytes, counted->size, memory_order_relaxed);
    unread_release(counted->unread);
    free(counted);
}

static void frame_body(struct session *session, struct zuv_frame *frame, const void *body,
                       size_t size)
{
    if (size < COUNTED_BYTES) {
        zuv_frame_copy(frame, body, size);
        return;
    }
    struct counted *counted = malloc(sizeof *counted + size);
    if (!counted)
        abort();
    counted->unread = session->unread;
    counted->size = size;
    memcpy(counted->bytes, body, size);
    atomic_fetch_add_explicit(&session->unread->references, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&session->unread->bytes, size, memory_order_relaxed);
    zuv_frame_share(frame, counted->bytes, size, counted_release, counted);
}

size_t send_unread_bytes(const struct session *session)
{
    return session->outbox_bytes +
           atomic_load_explicit(&session->unread->bytes, memory_order_relaxed);
}

/* ---- answers ---- */

static struct outgoing *outbox_take(struct session *session)
{
    struct outgoing *outgoing = session->outbox;
    session->outbox = outgoing->next;
    session->outbox_count--;
    session->outbox_bytes -= outgoing->size;
    session->router->outbox_count--;
    session->router->outbox_bytes -= outgoing->size;
    return outgoing;
}

static void outbox_append(struct session *session, const struct wire_head *head, const void *body,
                          size_t size)
{
    struct outgoing *outgoing = malloc(sizeof *outgoing + size);
    if (!outgoing)
        abort();
    *outgoing = (struct outgoing){.head = *head, .size = size};
    if (size > 0)
        memcpy(outgoing->body, body, size);
    if (session->outbox)
        session->outbox_last->next = outgoing;
    else
        session->outbox = outgoing;
    session->outbox_last = outgoing;
    session->outbox_count++;
    session->outbox_bytes += size;
    session->router->outbox_count++;
    session->router->outbox_bytes += size;
    set_busy(session);
}

static int answer_try(struct session *session, const struct wire_head *head, const void *body,
                      size_t size)
{
    struct zuv_message message = message_to(session->peer, session->peer_size, head);
    if (size > 0)
        frame_body(session, &message.frames[message.count++], body, size);
    int code = zuv_send(session->router->front, &message);
    if (code != LD_OK)
        zuv_message_drop(&message);
    return code;
}

/* One answer is always allowed. */
static bool reads_answers(const struct session *session, size_t size)
{
    const struct router_limits *limits = &session->router->options.limits;
    size_t unread = send_unread_bytes(session);
    return session->outbox_count < limits->outbox_messages &&
           (unread == 0 || unread + size <= limits->unread_bytes);
}

void send_answer(struct session *session, const struct wire_head *head, const void *body,
                 size_t size)
{
    if (session->gone)
        return;
    if (!reads_answers(session, size)) {
        session->router->counters.sessions_overflowed++;
        session_cut(session, "it does not read its answers");
        return;
    }
    int code = session->outbox ? LD_BUSY : answer_try(session, head, body, size);
    if (code == LD_BUSY)
        outbox_append(session, head, body, size);
    else if (code != LD_OK)
        session_drop(session, NULL);
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
    session->chunks_sent += code == LD_OK;
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
        int code = answer_try(session, &outgoing->head, outgoing->body, outgoing->size);
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
    while (session->outbox)
        free(outbox_take(session));
}
