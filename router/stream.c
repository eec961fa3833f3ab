/*
 * Streams: every matching event from a sequence on, in order, without gaps (R4).
 *
 *           OPEN / OPENED
 *                │
 *                v        nothing more        commit
 *             READY ─────────────────> AT_HEAD ──────> READY
 *               │ ^
 *     no credit │ │ CREDIT            socket full: BUSY, until it has room
 *               v │
 *            NO_CREDIT          CLOSE / CLOSED, session gone, log damaged / ERROR: freed
 *
 * Ready streams are served in turns, one chunk each and one stream of each session, from two lists:
 * those near the head first, then some of those reading history, at least one. A turn is bounded in
 * time, for history also in bytes: what is new waits behind no more than that.
 * What a stream has under way is bounded by its credit; a slow one waits in NO_CREDIT or BUSY and
 * costs nothing (R5).
 */
#include "internal.h"

#include <inttypes.h>

/* ---- lists ---- */

static struct stream **list_of(struct router *router, const struct stream *stream)
{
    if (stream->state == STREAM_READY)
        return stream->live ? &router->ready_live : &router->ready_history;
    return stream->state == STREAM_AT_HEAD ? &router->waiting : NULL;
}

static void set_state(struct stream *stream, enum stream_state state)
{
    struct router *router = stream->session->router;
    struct stream **list = list_of(router, stream);
    if (list)
        DL_DELETE(*list, stream);
    router->streams_by_state[stream->state]--;
    router->streams_by_state[state]++;
    stream->state = state;
    if (state == STREAM_AT_HEAD && stream->told == stream->scanned)
        stream->caught_up = true;
    stream->live = evlog_durable(router->log) - stream->scanned <= STREAM_LIVE_EVENTS;
    list = list_of(router, stream);
    if (list)
        DL_APPEND(*list, stream);
}

static enum stream_state state_now(const struct stream *stream)
{
    if (stream->scanned >= evlog_durable(stream->session->router->log))
        return STREAM_AT_HEAD;
    if (stream->credit_bytes <= 0)
        return STREAM_NO_CREDIT;
    if (!stream->filters->everything && !chunk_may_copy(stream->session))
        return STREAM_NO_CREDIT;
    return stream->session->busy ? STREAM_BUSY : STREAM_READY;
}

static struct stream *stream_find(const struct session *session, uint64_t id)
{
    struct stream *stream;
    HASH_FIND(hh, session->streams, &id, sizeof id, stream);
    return stream;
}

static void stream_free(struct stream *stream)
{
    struct router *router = stream->session->router;
    set_state(stream, STREAM_NO_CREDIT);
    HASH_DEL(stream->session->streams, stream);
    filter_set_put(router, stream->filters);
    router->stream_count--;
    --*identity_streams(router, stream->session->identity);
    router->streams_by_state[STREAM_NO_CREDIT]--;
    free(stream);
}

static void stream_fail(struct stream *stream, int code, const char *reason)
{
    struct session *session = stream->session;
    uint64_t id = stream->id;
    note_limited(session->router, NOTE_STREAM, "stream %" PRIu64 " of %s failed: %s: %s", id,
                 session->identity, ld_code_name(code), reason);
    stream_free(stream);
    send_error(session, id, code, reason);
}

void stream_drop_all(struct session *session)
{
    struct stream *stream, *next;
    HASH_ITER(hh, session->streams, stream, next)
    stream_free(stream);
}

/* ---- requests ---- */

static int first_sequence(const struct router *router, uint64_t asked, uint64_t *from,
                          struct ld_error *error)
{
    uint64_t first = evlog_first(router->log), durable = evlog_durable(router->log);
    *from = asked;
    if (asked == WIRE_FROM_FIRST)
        *from = first;
    else if (asked == WIRE_FROM_NOW)
        *from = durable + 1;
    else if (asked < first)
        return ld_fail(error, LD_NOTFOUND,
                       "event %" PRIu64 " is no longer here, the oldest is %" PRIu64
                       ": what was before is archived (liandong log restore)",
                       asked, first);
    else if (asked > durable + 1)
        return ld_fail(error, LD_NOTFOUND,
                       "event %" PRIu64 " does not exist yet, the last is %" PRIu64
                       ": is this the log that you read before?",
                       asked, durable);
    return LD_OK;
}

static int open_check(const struct session *session, const struct wire_head *head, uint64_t *from,
                      struct ld_error *error)
{
    const struct router_limits *limits = &session->router->options.limits;
    size_t open = session->router->stream_count;
    size_t own = *identity_streams(session->router, session->identity);
    if (open >= limits->streams)
        return ld_fail(error, LD_BUSY, "%zu streams are open, that is all: try again later",
                       limits->streams);
    if (own > 0 && own >= limits->streams - open)
        return ld_fail(error, LD_BUSY,
                       "%s has %zu streams open, no more than that are left for the others: try "
                       "again later",
                       session->identity, own);
    if (HASH_COUNT(session->streams) >= limits->streams_per_session)
        return ld_fail(error, LD_REFUSED, "a session may have %zu streams",
                       limits->streams_per_session);
    if (head->b == 0)
        return ld_fail(error, LD_INVALID, "a stream cannot be opened without credit");
    return first_sequence(session->router, head->a, from, error);
}

static struct stream *stream_new(struct session *session, const struct wire_head *head,
                                 uint64_t from, struct filter_set *filters)
{
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    uint64_t credit_max = session->router->options.limits.credit_bytes;
    *stream = (struct stream){
        .session = session,
        .filters = filters,
        .id = head->id,
        .state = STREAM_NO_CREDIT,
        .scanned = from - 1,
        .told = from - 1,
        .sent = from - 1,
        .processed = from - 1,
        .credit_bytes = (int64_t)(head->b < credit_max ? head->b : credit_max),
    };
    stream->window_bytes = stream->credit_bytes;
    HASH_ADD(hh, session->streams, id, sizeof stream->id, stream);
    session->router->stream_count++;
    ++*identity_streams(session->router, session->identity);
    session->router->streams_by_state[STREAM_NO_CREDIT]++;
    session->router->counters.streams_opened++;
    return stream;
}

void stream_open(struct session *session, const struct wire_head *head, const char *filters,
                 size_t size)
{
    struct stream *before = stream_find(session, head->id);
    if (before) {
        stream_fail(before, LD_INVALID, "a stream with this id was open already: both are closed");
        return;
    }
    struct ld_error error;
    struct filter_set *set = NULL;
    uint64_t from = 0;
    int code = open_check(session, head, &from, &error);
    if (code == LD_OK)
        code = filter_set_get(session->router, filters, size, &set, &error);
    if (code != LD_OK) {
        note_limited(session->router, NOTE_REFUSED, "stream of %s refused: %s", session->identity,
                     error.text);
        send_error(session, head->id, code, error.text);
        return;
    }
    struct stream *stream = stream_new(session, head, from, set);
    struct wire_head opened = {WIRE_OPENED, head->id, from, evlog_durable(session->router->log)};
    session_retain(session);
    send_answer(session, &opened, NULL, 0);
    if (!session->gone)
        set_state(stream, state_now(stream));
    session_release(session);
}

void stream_credit(struct session *session, const struct wire_head *head)
{
    struct stream *stream = stream_find(session, head->id);
    if (!stream)
        return; /* crossed with our ERROR or its CLOSE */
    uint64_t credit_max = session->router->options.limits.credit_bytes;
    uint64_t add = head->a < credit_max ? head->a : credit_max;
    stream->credit_bytes += (int64_t)add;
    if (stream->credit_bytes > (int64_t)credit_max)
        stream->credit_bytes = (int64_t)credit_max;
    if (stream->credit_bytes > stream->window_bytes)
        stream->window_bytes = stream->credit_bytes;
    uint64_t processed = head->b < stream->told ? head->b : stream->told;
    if (processed > stream->processed)
        stream->processed = processed;
    if (stream->state == STREAM_NO_CREDIT)
        set_state(stream, state_now(stream));
}

void stream_close(struct session *session, const struct wire_head *head)
{
    struct stream *stream = stream_find(session, head->id);
    if (stream)
        stream_free(stream);
    struct wire_head closed = {WIRE_CLOSED, head->id, 0, 0};
    send_answer(session, &closed, NULL, 0);
}

uint64_t stream_position(const struct stream *stream)
{
    return stream->processed >= stream->sent ? stream->scanned : stream->processed;
}

/* ---- what wakes them ---- */

void stream_committed(struct router *router)
{
    struct stream *stream, *next;
    DL_FOREACH_SAFE(router->waiting, stream, next)
    {
        enum stream_state state = state_now(stream);
        if (state != STREAM_AT_HEAD)
            set_state(stream, state);
    }
}

void stream_not_busy(struct session *session)
{
    struct stream *stream, *next;
    HASH_ITER(hh, session->streams, stream, next)
    if (stream->state == STREAM_BUSY)
        set_state(stream, state_now(stream));
}

/* ---- serving ---- */

/* Sends the chunk that follows. The session, and with it the stream, may be gone afterwards. */
static void send_events(struct stream *stream, struct chunk *chunk)
{
    struct session *session = stream->session;
    struct router *router = session->router;
    struct wire_head head = {WIRE_CHUNK, stream->id, stream->told + 1, chunk->to};
    struct zuv_frame body;
    chunk_frame(chunk, session, &body);
    int code = send_chunk(session, &head, &body);
    if (code == LD_UNREACHABLE)
        return;
    if (code == LD_OK) {
        stream->scanned = stream->told = stream->sent = chunk->to;
        stream->credit_bytes -= (int64_t)chunk->size;
        stream->events_bytes += chunk->size;
        stream->events_sent += chunk->events;
        router->counters.chunks_sent++;
        router->counters.chunk_bytes += chunk->size;
        router->counters.chunk_events += chunk->events;
    }
    set_state(stream, state_now(stream));
}

/* Says how far the log has been looked at. False: the session went, and the stream with it. */
static bool tell(struct stream *stream)
{
    if (stream->scanned == stream->told || stream->session->busy)
        return true;
    struct wire_head head = {WIRE_CHUNK, stream->id, stream->told + 1, stream->scanned};
    struct zuv_frame body;
    zuv_frame_copy(&body, "", 0);
    int code = send_chunk(stream->session, &head, &body);
    if (code == LD_OK)
        stream->told = stream->scanned;
    return code != LD_UNREACHABLE;
}

/* Nothing matches up to there. Who has read all of history waits for that: it hears it at once. */
static void pass_over(struct stream *stream, uint64_t to)
{
    stream->scanned = to;
    set_state(stream, state_now(stream));
    if (stream->state != STREAM_AT_HEAD || stream->caught_up)
        return;
    stream->caught_up = true;
    (void)tell(stream); /* the stream may be gone */
}

static void serve(struct stream *stream)
{
    struct router *router = stream->session->router;
    assert(stream->state == STREAM_READY && stream->credit_bytes > 0);
    enum stream_state state = state_now(stream);
    if (state != STREAM_READY) { /* other streams of the session have used up its copies */
        set_state(stream, state);
        return;
    }
    size_t allowed = router->options.limits.chunk_bytes;
    if ((uint64_t)stream->credit_bytes < allowed)
        allowed = (size_t)stream->credit_bytes;
    struct chunk *chunk;
    struct ld_error error;
    int code = chunk_get(router, stream->filters, stream->scanned + 1, allowed, &chunk, &error);
    if (code != LD_OK) {
        stream_fail(stream, code, error.text);
        return;
    }
    assert(chunk && chunk->to > stream->scanned);
    if (chunk->size > 0)
        send_events(stream, chunk);
    else
        pass_over(stream, chunk->to);
    chunk_release(chunk);
}

/* What is left of a turn for one of the lists. */
struct budget {
    int64_t end_us;
    uint64_t end_bytes; /* as router->looked_at_bytes counts */
};

static bool is_over(const struct router *router, const struct budget *budget)
{
    return router->looked_at_bytes >= budget->end_bytes ||
           ld_monotonic_us(router->context) >= budget->end_us;
}

/* One stream of each session. False when the budget is used up. */
static bool serve_pass(struct router *router, struct stream **list, const struct budget *budget)
{
    struct stream *stream;
    size_t count;
    uint64_t pass = ++router->stream_pass;
    DL_COUNT(*list, stream, count);
    for (; count > 0 && *list; count--) {
        stream = *list;
        if (stream->session->served_pass == pass) {
            DL_DELETE(*list, stream);
            DL_APPEND(*list, stream);
            continue;
        }
        stream->session->served_pass = pass;
        serve(stream);
        if (is_over(router, budget))
            return false;
    }
    return true;
}

static void serve_list(struct router *router, struct stream **list, int64_t time_us, uint64_t bytes)
{
    struct budget budget = {
        .end_us = ld_monotonic_us(router->context) + time_us,
        .end_bytes = bytes < UINT64_MAX ? router->looked_at_bytes + bytes : UINT64_MAX,
    };
    while (*list && serve_pass(router, list, &budget))
        continue;
}

void stream_serve_turn(struct router *router)
{
    serve_list(router, &router->ready_live, SERVE_LIVE_US, UINT64_MAX);
    serve_list(router, &router->ready_history, SERVE_HISTORY_US, SERVE_HISTORY_BYTES);
}

bool stream_work_left(const struct router *router)
{
    return router->ready_live || router->ready_history;
}

/* A client that matches little would read all of it again after a reconnect: an empty chunk tells
 * it how far the log has been looked at. */
void stream_tell_all(struct session *session)
{
    struct stream *stream, *next;
    HASH_ITER(hh, session->streams, stream, next)
    {
        if (stream->state == STREAM_NO_CREDIT)
            set_state(stream, state_now(stream)); /* there may be room for copies again */
        if (!tell(stream))
            return; /* the session went, and its streams with it */
    }
}
