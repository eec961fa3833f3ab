/*
 * Requests that need the log.
 *
 *   received ──> work ──> answered (refused at once)
 *      │          │ └───> answer_later ──(durable up to its sequence)──> answered
 *      │          │ its slice is used up, log full, names not read yet
 *      └──> FIFO of the session <┘
 *            └──(each turn, after each commit)──> work …
 *
 * A FIFO keeps the order of its session's requests. Sessions take turns, a slice each, so that one
 * who asks for much does not keep the others waiting. All FIFOs together are bounded in bytes; a
 * session may have as much as it leaves free for the others, and no more than its own limit;
 * beyond it a request is refused with BUSY. A turn of the loop works on a bounded number of bytes.
 * Claims and refused records are paid for out of the allowance; the latter after they were made, so
 * the session that has had some waits with what follows while nothing is left.
 * When the session ends, its requests are dropped: unknown to the client, safe to repeat.
 */
#include "internal.h"

/* ---- requests ---- */

static void request_free(struct request *request)
{
    zuv_frame_drop(&request->body);
    ld_buffer_free(&request->runs);
    session_release(request->session);
    free(request);
}

void request_pay(struct request *request, int64_t price_us)
{
    allowance_spend(request->session->router, price_us);
    request->session->owes = true;
}

static void refuse(struct request *request, int code, const char *reason)
{
    if (request->head.operation == WIRE_PUBLISH)
        publish_refuse(request, code, reason);
    else
        answer_error_later(request->session, request->head.id, code, reason);
}

static enum request_state request_work(struct request *request)
{
    struct router *router = request->session->router;
    router->slice_end = router->turn_bytes + REQUEST_SLICE_BYTES;
    if (request->session->gone) {
        router->counters.requests_dropped++;
        return REQUEST_DONE;
    }
    bool claims = request->head.operation == WIRE_PRODUCER;
    if ((claims || request->session->owes) && !allowance_is_left(router))
        return REQUEST_OWES;
    request->session->owes = false;
    if (request->refused) {
        refuse(request, LD_BUSY, "too much is waiting for the log: try again in a moment");
        return REQUEST_DONE;
    }
    return request->head.operation == WIRE_PUBLISH ? publish_work(request) : producer_work(request);
}

/* parts: how many times the limit counts; refused requests may use it a second time. */
static bool fifo_has_room(const struct session *session, size_t size, size_t parts)
{
    const struct router *router = session->router;
    const struct router_limits *limits = &router->options.limits;
    size_t after = router->requests_bytes + size, own = session->waiting_bytes + size;
    size_t all = parts * limits->waiting_bytes;
    return after <= all && own <= parts * limits->waiting_session_bytes &&
           (own <= all - after || session->waiting_bytes == 0);
}

/* What one request holds: bytes of the message and of the struct. */
static size_t request_cost(const struct request *request)
{
    return zuv_frame_size(&request->body) + sizeof *request;
}

static void working_add(struct session *session)
{
    struct router *router = session->router;
    DL_APPEND2(router->working, session, working_prev, working_next);
    router->working_count++;
    router->requests_poor = false;
}

static void working_remove(struct session *session)
{
    struct router *router = session->router;
    DL_DELETE2(router->working, session, working_prev, working_next);
    router->working_count--;
}

static void fifo_append(struct request *request)
{
    struct session *session = request->session;
    struct router *router = session->router;
    size_t cost = request_cost(request);
    router->request_count++;
    router->requests_bytes += cost;
    session->waiting_bytes += cost;
    router->counters.requests_waited++;
    if (session->requests)
        session->requests_last->next = request;
    else
        working_add(session);
    if (!session->requests)
        session->requests = request;
    session->requests_last = request;
}

/* The session loses its place among those that work; it may come back at the end. */
static void fifo_pop(struct session *session)
{
    struct router *router = session->router;
    struct request *request = session->requests;
    size_t cost = request_cost(request);
    assert(router->requests_bytes >= cost && session->waiting_bytes >= cost);
    router->request_count--;
    router->requests_bytes -= cost;
    session->waiting_bytes -= cost;
    session->requests = request->next;
    if (!session->requests) {
        session->overflow_bytes = 0;
        working_remove(session);
    }
    request_free(request); /* and maybe the session */
}

static void fifo_rotate(struct router *router)
{
    struct session *session = router->working;
    working_remove(session);
    working_add(session);
}

static struct request *request_new(struct session *session, const struct wire_head *head,
                                   struct zuv_frame *body)
{
    struct request *request = calloc(1, sizeof *request);
    if (!request)
        abort();
    request->session = session_retain(session);
    request->head = *head;
    zuv_frame_take(&request->body, body);
    return request;
}

/* Goes on though its refusals are not paid for, or though so much was refused for want of room as
 * no client has under way that waits for answers. */
static bool floods(const struct session *session, size_t size)
{
    size_t limit = 2 * session->router->options.limits.waiting_session_bytes;
    return session->owes || session->overflow_bytes > limit || !fifo_has_room(session, size, 2);
}

/* There is no room: only the refusal waits for its turn, so that answers keep their order. A
 * session that goes on without reading them is dropped. */
static void make_refused(struct request *request)
{
    struct session *session = request->session;
    session->overflow_bytes += request_cost(request);
    if (request->head.operation == WIRE_PUBLISH && !session->owes)
        publish_hold(request, LD_BUSY);
    request->refused = true;
    session->router->counters.requests_refused++;
    zuv_frame_drop(&request->body);
    zuv_frame_copy(&request->body, "", 0);
    if (floods(session, request_cost(request)))
        session_cut(session, "it floods the router");
}

void request_receive(struct session *session, const struct wire_head *head, struct zuv_frame *body)
{
    struct router *router = session->router;
    struct request *request = request_new(session, head, body);
    bool wait =
        session->requests || router->requests_blocked || router->turn_bytes >= REQUEST_TURN_BYTES;
    if (!wait && request_work(request) == REQUEST_DONE) {
        request_free(request);
        return;
    }
    if (request->index == 0 && !fifo_has_room(session, request_cost(request), 1))
        make_refused(request);
    fifo_append(request);
}

void request_turn(struct router *router)
{
    size_t poor = 0; /* in a row */
    router->turn_bytes = 0;
    router->requests_blocked = false;
    while (poor < router->working_count && router->turn_bytes < REQUEST_TURN_BYTES) {
        struct session *session = session_retain(router->working);
        enum request_state state = request_work(session->requests);
        poor = state == REQUEST_OWES ? poor + 1 : 0;
        if (state == REQUEST_DONE)
            fifo_pop(session);
        if (session->requests)
            fifo_rotate(router);
        session_release(session);
        if (state == REQUEST_WAITS) {
            router->requests_blocked = true;
            return;
        }
    }
    router->requests_poor = poor > 0 && poor == router->working_count;
}

void request_drop_all(struct router *router)
{
    while (router->working)
        fifo_pop(router->working);
}

void request_fail_all(struct router *router, const char *reason)
{
    while (router->working) {
        struct session *session = session_retain(router->working);
        struct request *request = session->requests;
        /* What a batch had staged before it waited shares the fate of the commit. */
        int code = request->index > 0 ? LD_UNKNOWN : LD_IO;
        if (!session->gone)
            refuse(request, code, reason);
        fifo_pop(session);
        session_release(session);
    }
}
