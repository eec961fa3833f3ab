/*
 * Answers to PUBLISH: each event completes with its outcome, in order; or it is sent again.
 *
 * BUSY from the router: the refused events and all behind them wait until every PUBLISH under way
 * is answered, then for LDC_RETRY_MS, and are sent again in order. Never before: a later event
 * that got in first would make the earlier one a duplicate of nothing.
 *
 * NOSPACE and CORRUPT are the caller's to hear. The router then refuses all that was sent in
 * ignorance of it, so all that was published in ignorance of it, sent or not, is refused to the
 * caller at once: nothing may get in before he has published the refused event again. Nothing more
 * is sent until every PUBLISH under way is answered.
 *
 * UNKNOWN from the router (its log has failed) is no answer for the caller either: what it concerns
 * waits for the next session and is sent again there.
 *
 * The events of an outbox wait for everything that may pass, NOSPACE too: nobody is there to
 * publish them again.
 */
#include "client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* Answers come nearly in the order of sending, so it stands near the front. */
static struct ldc_batch *find_batch(const struct ld_client *client, uint64_t id)
{
    struct ldc_batch *batch = client->sent;
    while (batch != NULL && batch->request != id)
        batch = batch->sent_next;
    return batch;
}

static void on_retry(uv_timer_t *timer)
{
    ldc_producer_retry(timer->data, false);
}

static void start_retry(const struct ld_producer *producer)
{
    struct ld_client *client = producer->client;
    if (!producer->next_session_only && !producer->slow && !client->closing &&
        !uv_is_active((uv_handle_t *)&client->retry))
        uv_timer_start(&client->retry, on_retry, LDC_RETRY_MS, 0);
}

void ldc_producer_retry(struct ld_client *client, bool slow_too)
{
    struct ld_producer *producer;
    DL_FOREACH(client->producers, producer)
    {
        if (producer->under_way > 0 || producer->next_session_only || (producer->slow && !slow_too))
            continue;
        producer->retrying = producer->slow = false;
    }
    ldc_want_output(client);
}

/* No answer for the caller: it is sent again. An outbox waits for whatever may pass. */
static bool is_passing(const struct ld_producer *producer, int code)
{
    if (code == LD_BUSY || code == LD_UNKNOWN)
        return true;
    return producer->outbox != NULL &&
           (ld_code_blame(code) == LD_BLAME_RETRY || code == LD_IO || code == LD_NOMEM);
}

/* BUSY: after a pause. NOSPACE: after a longer one. UNKNOWN: the router's log has failed; its next
 * start will know. */
static void send_again(struct ld_producer *producer, int code)
{
    producer->retrying = true;
    if (code == LD_UNKNOWN || code == LD_IO)
        producer->next_session_only = true;
    else if (code != LD_BUSY)
        producer->slow = true;
}

/* The highest sequence that was published before the caller heard of a refusal; 0: none was. */
struct ignorance {
    uint64_t to;
    int code;
};

/* Refused for now: what follows must not be sent before all such refusals are known, and what the
 * caller has published so far was published in ignorance of it. */
static void drain_after(struct ld_producer *producer, int code, struct ignorance *ignorance)
{
    if (producer->draining || (code != LD_NOSPACE && code != LD_CORRUPT))
        return;
    producer->draining = true;
    if (producer->outbox == NULL)
        *ignorance = (struct ignorance){.to = producer->given, .code = code};
}

/* False: what follows was published later. */
static bool refuse_batch(struct ld_producer *producer, struct ldc_batch *batch,
                         const struct ignorance *ignorance, const char *reason)
{
    batch->sealed = true; /* what the callbacks publish comes into another */
    while (batch->done < batch->count) {
        if (batch->entries[batch->done].producer_sequence > ignorance->to)
            return false;
        ldc_producer_complete(producer, batch, ignorance->code, 0, reason);
    }
    return true;
}

static void refuse_ignorant(struct ld_producer *producer, const struct ignorance *ignorance,
                            const char *reason)
{
    struct ldc_batch *batch = ignorance->to != 0 ? producer->head : NULL;
    while (batch != NULL && refuse_batch(producer, batch, ignorance, reason))
        batch = batch->next;
}

/* One run of answers, from entry *index of the batch on. */
static void apply_run(struct ld_producer *producer, struct ldc_batch *batch, size_t *index,
                      const struct wire_run *run, const char *reason, struct ignorance *ignorance)
{
    if (is_passing(producer, (int)run->code)) {
        send_again(producer, (int)run->code);
        return;
    }
    drain_after(producer, (int)run->code, ignorance);
    for (uint32_t i = 0; i < run->count; i++, (*index)++) {
        if (*index < batch->done)
            continue; /* given up */
        int code = (int)run->code;
        uint64_t producer_sequence = batch->entries[*index].producer_sequence;
        if (code == LD_DUPLICATE && producer_sequence > producer->first_last)
            code = LD_OK;
        uint64_t sequence = run->code == LD_OK ? run->first + i : 0;
        ldc_producer_complete(producer, batch, code, sequence, reason);
    }
}

/* LD_OK when the body is whole: runs that cover exactly what was sent. */
static int check_result(const struct wire_head *head, const uint8_t *body, size_t size,
                        size_t expected, struct ld_error *error)
{
    uint64_t covered = 0;
    if (head->b > size / WIRE_RUN_SIZE)
        return ld_fail(error, LD_PROTOCOL, "RESULT of %zu bytes with %" PRIu64 " runs", size,
                       head->b);
    for (uint64_t i = 0; i < head->b; i++) {
        struct wire_run run;
        wire_run_decode(body + i * WIRE_RUN_SIZE, &run);
        covered += run.count;
    }
    if (covered != expected)
        return ld_fail(error, LD_PROTOCOL, "RESULT for %" PRIu64 " events where %zu were published",
                       covered, expected);
    return LD_OK;
}

/* The batch's answer is here: it is not under way any more. */
static void answered(struct ld_producer *producer, struct ldc_batch *batch)
{
    producer->client->answered_id = batch->request;
    ldc_batch_answered(batch);
    assert(producer->under_way > 0);
    producer->under_way--;
}

static void after_answer(struct ld_producer *producer)
{
    ldc_producer_drop_done(producer);
    if (producer->retrying && producer->under_way == 0)
        start_retry(producer);
    ldc_producer_wants(producer);
}

/* The reason belongs to the first refusal; others of the same code share it. */
static const char *reason_for(const struct wire_run *run, int *reason_code, const char *reason)
{
    if (run->code == LD_OK || run->code == LD_DUPLICATE)
        return "";
    if (*reason_code == LD_OK)
        *reason_code = (int)run->code;
    if (*reason_code == (int)run->code && reason[0] != '\0')
        return reason;
    return ld_code_text((int)run->code);
}

void ldc_producer_result(struct ld_client *client, const struct wire_head *head,
                         const uint8_t *body, size_t size)
{
    struct ldc_batch *batch = find_batch(client, head->id);
    struct ld_error error;
    if (batch == NULL)
        return; /* of an earlier session */
    struct ld_producer *producer = batch->producer;
    if (check_result(head, body, size, batch->count - batch->sent_from, &error) != LD_OK) {
        ldc_link_broken(client, "%s", error.text);
        return;
    }
    if (head->a > client->head)
        client->head = head->a;
    size_t runs_size = (size_t)head->b * WIRE_RUN_SIZE, index = batch->sent_from;
    char reason[LDC_REASON_SIZE];
    snprintf(reason, sizeof reason, "%.*s",
             (int)(size - runs_size < sizeof reason ? size - runs_size : sizeof reason - 1),
             (const char *)(body + runs_size));
    int reason_code = LD_OK, dead = LD_OK;
    struct ignorance ignorance = {0};
    answered(producer, batch);
    batch->references++; /* stays while its callbacks run */
    /* Answers behind a retry are not used: those events come again, and stay in order. */
    for (uint64_t i = 0; i < head->b && !producer->retrying; i++) {
        struct wire_run run;
        wire_run_decode(body + i * WIRE_RUN_SIZE, &run);
        if (run.code == LD_FENCED)
            dead = LD_FENCED;
        apply_run(producer, batch, &index, &run, reason_for(&run, &reason_code, reason),
                  &ignorance);
    }
    ldc_batch_drop(&producer->client->spares, batch);
    refuse_ignorant(producer, &ignorance, reason);
    after_answer(producer);
    if (dead != LD_OK)
        ldc_producer_kill(producer, dead, reason);
}

static void batch_error(struct ld_producer *producer, struct ldc_batch *batch, int code,
                        const char *reason)
{
    struct ignorance ignorance = {0};
    answered(producer, batch);
    if (is_passing(producer, code)) {
        send_again(producer, code);
    } else {
        drain_after(producer, code, &ignorance);
        while (batch->done < batch->count)
            ldc_producer_complete(producer, batch, code, 0, reason);
        refuse_ignorant(producer, &ignorance, reason);
    }
    after_answer(producer);
    if (code == LD_FENCED)
        ldc_producer_kill(producer, code, reason);
}

static bool producer_error(struct ld_producer *producer, int code, const char *reason)
{
    if (ld_code_blame(code) != LD_BLAME_RETRY) {
        ldc_producer_kill(producer, code, reason);
        return true;
    }
    producer->client->answered_id = producer->request;
    producer->request = 0;
    producer->registered = false;
    ldc_producer_wants(producer);
    send_again(producer, code);
    start_retry(producer);
    return true;
}

bool ldc_producer_error(struct ld_client *client, uint64_t id, int code, const char *reason)
{
    struct ldc_batch *batch = find_batch(client, id);
    struct ld_producer *producer;
    if (batch != NULL) {
        batch_error(batch->producer, batch, code, reason);
        return true;
    }
    DL_FOREACH(client->producers, producer)
    {
        if (id != 0 && producer->request == id)
            return producer_error(producer, code, reason);
    }
    return false;
}
