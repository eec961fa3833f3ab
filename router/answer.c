/*
 * Answers that wait until the log is durable up to a sequence; then they go out in the order in
 * which they were given. When the log fails, what they call durable is told as unknown.
 */
#include "internal.h"

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
