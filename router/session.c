/*
 * Sessions: who is there.
 *
 *              HELLO / WELCOME            any message            HELLO: begins anew
 *   (none) ──────────────────────> open ───────────────> open ───────────────> open
 *      ^                             │
 *      └── GOODBYE, silence, peer ───┘
 *          unreachable; does not read or floods: cut off
 *
 * A session is known by the peer's ZeroMQ identity; what a new connection without a HELLO says is
 * answered with NOSESSION. Ending a session ends its streams and gives up its producers at once;
 * requests and answers under way hold a reference and find session->gone.
 */
#include "internal.h"

struct session *session_find(struct router *router, const struct zuv_frame *peer)
{
    struct session *session;
    HASH_FIND(hh, router->sessions, zuv_frame_data(peer), zuv_frame_size(peer), session);
    return session;
}

struct session *session_retain(struct session *session)
{
    assert(session->references > 0);
    session->references++;
    return session;
}

void session_release(struct session *session)
{
    assert(session->references > 0);
    if (--session->references > 0)
        return;
    assert(session->gone && !session->streams && !session->claims && !session->outbox);
    unread_release(session->unread);
    free(session);
}

void session_drop(struct session *session, const char *reason)
{
    if (session->gone)
        return;
    if (reason)
        note_limited(session->router, NOTE_SESSION, "session of %s dropped: %s", session->identity,
                     reason);
    session->gone = true;
    zuv_link_leave(session->router->front, session->link);
    HASH_DEL(session->router->sessions, session);
    stream_drop_all(session);
    producer_release_claims(session);
    identity_session_ended(session->router, session->identity);
    send_outbox_free(session);
    session_release(session);
}

void session_cut(struct session *session, const char *reason)
{
    struct router *router = session->router;
    struct zuv_link link = session->link;
    if (session->gone)
        return;
    waiting_forget(router, session->peer, session->peer_size);
    session_drop(session, reason);
    zuv_link_cut(router->front, link);
}

static bool identity_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' ||
           byte == '-' || byte == '_';
}

static int identity_check(const char *identity, size_t size, struct ld_error *error)
{
    if (size == 0 || size > IDENTITY_SIZE_MAX)
        return ld_fail(error, LD_INVALID, "an identity has 1 to %d bytes, this one %zu",
                       IDENTITY_SIZE_MAX, size);
    for (size_t i = 0; i < size; i++)
        if (!identity_byte(identity[i]))
            return ld_fail(error, LD_INVALID,
                           "byte 0x%02x at position %zu of the identity; allowed are a-z 0-9 . - _",
                           (unsigned char)identity[i], i + 1);
    if (size == strlen("router") && memcmp(identity, "router", size) == 0)
        return ld_fail(error, LD_DENIED, "the identity \"router\" is the router's own");
    return LD_OK;
}

static struct session *session_new(const struct incoming *incoming, const char *identity,
                                   size_t size)
{
    struct router *router = incoming->router;
    const struct zuv_frame *peer = incoming->peer;
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        abort();
    session->router = router;
    session->references = 1;
    session->unread = unread_new();
    session->peer_size = zuv_frame_size(peer);
    memcpy(session->peer, zuv_frame_data(peer), session->peer_size);
    memcpy(session->identity, identity, size);
    memcpy(session->key, incoming->key, strlen(incoming->key) + 1);
    session->link = incoming->link;
    zuv_link_keep(router->front, session->link);
    identity_session_opened(router, session->identity);
    HASH_ADD(hh, router->sessions, peer, session->peer_size, session);
    session->number = ++router->counters.sessions_opened;
    return session;
}

static void welcome(struct session *session, uint64_t id)
{
    struct router *router = session->router;
    const struct router_limits *limits = &router->options.limits;
    struct wire_welcome body = {
        .first_sequence = evlog_first(router->log),
        .record_size_max = LD_RECORD_SIZE_MAX,
        .batch_size_max = (uint32_t)limits->batch_bytes,
        .credit_max = (uint32_t)limits->credit_bytes,
        .chunk_size_max = (uint32_t)limits->chunk_bytes,
        .heartbeat_ms = router->options.heartbeat_ms,
        .flags = router->options.drill ? WIRE_DRILL : 0,
        .time_us = clock_take_us(router),
    };
    memcpy(body.log_id, evlog_id(router->log), sizeof body.log_id);
    uint8_t raw[WIRE_WELCOME_SIZE];
    wire_welcome_encode(raw, &body);
    struct wire_head head = {WIRE_WELCOME, id, router->incarnation, evlog_durable(router->log)};
    send_answer(session, &head, raw, sizeof raw);
}

void session_hello(const struct incoming *incoming)
{
    struct router *router = incoming->router;
    const char *identity = (const char *)zuv_frame_data(incoming->body);
    size_t size = zuv_frame_size(incoming->body);
    struct session *before = session_find(router, incoming->peer);
    if (before)
        session_drop(before, NULL);
    struct ld_error error;
    int code = identity_check(identity, size, &error);
    if (code == LD_OK && HASH_COUNT(router->sessions) >= router->options.limits.sessions)
        code = ld_fail(&error, LD_BUSY, "%zu sessions are open, that is all: try again later",
                       router->options.limits.sessions);
    if (code == LD_OK &&
        identity_sessions(router, identity, size) >= router->options.limits.sessions_per_identity)
        code = ld_fail(&error, LD_BUSY, "%.*s has %zu sessions open, that is all: try again later",
                       (int)size, identity, router->options.limits.sessions_per_identity);
    if (code != LD_OK) {
        note_limited(router, NOTE_REFUSED, "session refused: %s", error.text);
        send_peer_error(router, incoming->peer, incoming->head.id, code, error.text);
        return;
    }
    struct session *session = session_new(incoming, identity, size);
    session->heard_us = ld_monotonic_us(router->context);
    welcome(session, incoming->head.id);
}

void session_heartbeat_all(struct router *router)
{
    int64_t silence_us =
        (int64_t)router->options.heartbeat_ms * 1000 * router->options.silence_heartbeats;
    int64_t now_us = ld_monotonic_us(router->context);
    struct wire_head pong = {WIRE_PONG, 0, router->incarnation, evlog_durable(router->log)};
    struct session *session, *next;
    HASH_ITER(hh, router->sessions, session, next)
    {
        session_retain(session);
        if (now_us - session->heard_us > silence_us) {
            router->counters.sessions_silent++;
            session_drop(session, "silent for too long");
        }
        send_now(session, &pong);
        stream_tell_all(session);
        session_release(session);
    }
}

void session_check_keys(struct router *router)
{
    char reason[LD_ERROR_TEXT_SIZE];
    struct session *session, *next;
    HASH_ITER(hh, router->sessions, session, next)
    {
        if (admission_is_valid(router->admission, session->key, reason, sizeof reason))
            continue;
        session_retain(session);
        send_error(session, 0, LD_DENIED, reason);
        session_drop(session, reason);
        session_release(session);
    }
}

void session_goodbye_all(struct router *router, int code, const char *reason)
{
    struct wire_head head = {WIRE_GOODBYE, 0, 0, evlog_durable(router->log)};
    struct session *session, *next;
    HASH_ITER(hh, router->sessions, session, next)
    {
        session_retain(session);
        if (code != LD_OK)
            send_error(session, 0, code, reason);
        send_answer(session, &head, NULL, 0);
        session_release(session);
    }
}

void session_drop_all(struct router *router)
{
    struct session *session, *next;
    HASH_ITER(hh, router->sessions, session, next)
    session_drop(session, NULL);
}
