/*
 * Requests that need the log, and answers that wait for it.
 *
 *   received ──> work ──> answered (refused at once)
 *      │          │ └───> answer_later ──(durable up to its sequence)──> answered
 *      │          │ log full, names not read yet
 *      └──> FIFO <┘
 *            └──(each turn, after each commit)──> work …
 *
 * The FIFO keeps the order of each session's requests. It is bounded in bytes, for all and for
 * each session; beyond it a request is refused with BUSY. A turn works on a bounded number of
 * bytes. When the session ends, its requests are dropped: unknown to the client, safe to repeat.
 */
#include "internal.h"

/* ---- answers ---- */

void answer_later(struct session *session, const struct wire_head *head, const void *body,
                  size_t size)
{
    struct router *router = session->router;
    struct answer *answer = malloc(sizeof *answer + size);
    if (!answer)
        abort();
    *answer = (struct answer){.session = session_retain(session),
                              .head = *head,
                              .sequence = evlog_staged(router->log),
                              .body = (uint8_t *)(answer + 1),
                              .size = size};
    if (size > 0)
        memcpy(answer->body, body, size);
    assert(!router->answers || router->answers_last->sequence <= answer->sequence);
    if (router->answers)
        router->answers_last->next = answer;
    else
        router->answers = answer;
    router->answers_last = answer;
    router->answer_count++;
    router->answer_bytes += size;
    answer_durable(router);
}

void answer_error_later(struct session *session, uint64_t id, int code, const char *reason)
{
    router_count_error(session->router, code);
    struct wire_head head = {WIRE_ERROR, id, (uint64_t)code, 0};
    answer_later(session, &head, reason, strlen(reason));
}

static struct answer *answer_pop(struct router *router)
{
    struct answer *answer = router->answers;
    router->answers = answer->next;
    router->answer_count--;
    router->answer_bytes -= answer->size;
    return answer;
}

static void answer_free(struct answer *answer)
{
    session_release(answer->session);
    free(answer);
}

/* The durable head is a in RESULT and b in everything else. */
static void put_head(struct wire_head *head, uint64_t durable)
{
    if (head->operation == WIRE_RESULT)
        head->a = durable;
    else if (head->operation == WIRE_ADVANCED)
        head->b = durable;
}

void answer_durable(struct router *router)
{
    uint64_t durable = evlog_durable(router->log);
    while (router->answers && router->answers->sequence <= durable) {
        struct answer *answer = answer_pop(router);
        put_head(&answer->head, durable);
        send_answer(answer->session, &answer->head, answer->body, answer->size);
        answer_free(answer);
    }
}

/* What was called durable or duplicate is not known to be. */
static void unknown_runs(struct answer *answer)
{
    for (uint64_t i = 0; i < answer->head.b; i++) {
        struct wire_run run;
        wire_run_decode(answer->body + i * WIRE_RUN_SIZE, &run);
        if (run.code == LD_OK || run.code == LD_DUPLICATE)
            run = (struct wire_run){.count = run.count, .code = LD_UNKNOWN};
        wire_run_encode(answer->body + i * WIRE_RUN_SIZE, &run);
    }
}

/* The log has failed: whether these are on disk is not known before the next start. */
void answer_fail_all(struct router *router, const char *reason)
{
    while (router->answers) {
        struct answer *answer = answer_pop(router);
        if (answer->head.operation == WIRE_RESULT) {
            unknown_runs(answer);
            put_head(&answer->head, evlog_durable(router->log));
            send_answer(answer->session, &answer->head, answer->body, answer->size);
        } else if (answer->head.operation == WIRE_ERROR) {
            send_answer(answer->session, &answer->head, answer->body, answer->size);
        } else {
            send_error(answer->session, answer->head.id, LD_UNKNOWN, reason);
        }
        answer_free(answer);
    }
}

void answer_drop_all(struct router *router)
{
    while (router->answers)
        answer_free(answer_pop(router));
}

/* ---- requests ---- */

static void request_free(struct request *request)
{
    zuv_frame_drop(&request->body);
    ld_buffer_free(&request->runs);
    session_release(request->session);
    free(request);
}

static void refuse(struct request *request, int code, const char *reason)
{
    if (request->head.operation == WIRE_PUBLISH)
        publish_refuse(request, code, reason);
    else
        answer_error_later(request->session, request->head.id, code, reason);
}

static bool request_work(struct request *request)
{
    if (request->session->gone) {
        request->session->router->counters.requests_dropped++;
        return true;
    }
    if (request->refused) {
        refuse(request, LD_BUSY, "too much is waiting for the log: try again in a moment");
        return true;
    }
    return request->head.operation == WIRE_PUBLISH ? publish_work(request) : producer_work(request);
}

/* parts: how many times the limit counts; refused requests may use it a second time. */
static bool fifo_has_room(const struct session *session, size_t size, size_t parts)
{
    const struct router *router = session->router;
    const struct router_limits *limits = &router->options.limits;
    return router->requests_bytes + size <= parts * limits->waiting_bytes &&
           session->waiting_bytes + size <= parts * limits->waiting_session_bytes;
}

/* What one request holds: bytes of the message and of the struct. */
static size_t request_cost(const struct request *request)
{
    return zuv_frame_size(&request->body) + sizeof *request;
}

static void fifo_append(struct request *request)
{
    struct router *router = request->session->router;
    size_t cost = request_cost(request);
    router->request_count++;
    router->requests_bytes += cost;
    request->session->waiting_bytes += cost;
    router->counters.requests_waited++;
    if (router->requests)
        router->requests_last->next = request;
    else
        router->requests = request;
    router->requests_last = request;
}

static struct request *fifo_pop(struct router *router)
{
    struct request *request = router->requests;
    size_t cost = request_cost(request);
    assert(router->requests_bytes >= cost && request->session->waiting_bytes >= cost);
    router->request_count--;
    router->requests_bytes -= cost;
    request->session->waiting_bytes -= cost;
    router->requests = request->next;
    return request;
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

/* There is no room: only the refusal waits for its turn, so that answers keep their order. A
 * session that goes on without reading them is dropped. */
static void make_refused(struct request *request)
{
    if (request->head.operation == WIRE_PUBLISH)
        publish_hold(request, LD_BUSY);
    request->refused = true;
    request->session->router->counters.requests_refused++;
    zuv_frame_drop(&request->body);
    zuv_frame_copy(&request->body, "", 0);
    if (!fifo_has_room(request->session, request_cost(request), 2))
        session_cut(request->session, "it floods the router");
}

void request_receive(struct session *session, const struct wire_head *head, struct zuv_frame *body)
{
    struct router *router = session->router;
    struct request *request = request_new(session, head, body);
    bool wait = router->requests || router->turn_bytes >= REQUEST_TURN_BYTES;
    if (!wait && request_work(request)) {
        request_free(request);
        return;
    }
    if (request->index == 0 && !fifo_has_room(session, request_cost(request), 1))
        make_refused(request);
    fifo_append(request);
}

void request_turn(struct router *router)
{
    router->turn_bytes = 0;
    router->requests_blocked = false;
    while (router->requests && router->turn_bytes < REQUEST_TURN_BYTES) {
        if (!request_work(router->requests)) {
            router->requests_blocked = true;
            return;
        }
        request_free(fifo_pop(router));
    }
}

void request_drop_all(struct router *router)
{
    while (router->requests)
        request_free(fifo_pop(router));
}

void request_fail_all(struct router *router, const char *reason)
{
    while (router->requests) {
        struct request *request = fifo_pop(router);
        /* What a batch had staged before it waited shares the fate of the commit. */
        int code = request->index > 0 ? LD_UNKNOWN : LD_IO;
        if (!request->session->gone)
            refuse(request, code, reason);
        request_free(request);
    }
}
