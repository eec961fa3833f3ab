/*
 * Producers: names under which sequences strictly increase, and the answers to what was published.
 *
 * An event goes into its producer's last batch at once, encoded. The batch leaves in the same turn
 * of the loop (output.c) and stays in the queue until the router's RESULT, which completes its
 * events in order. Several batches may be under way.
 *
 * When a session is lost, all that is not answered is sent again, in order, under the same
 * sequences. The router drops what it has already and says DUPLICATE. That is our own event, so
 * the caller hears LD_OK (with sequence 0 when the router does not say it). LD_DUPLICATE is for
 * events that were in the log before this producer was opened here: those up to first_last.
 *
 * BUSY from the router: the refused events and all behind them wait until every PUBLISH under way
 * is answered, then for LDC_RETRY_MS, and are sent again in order. Never before: a later event
 * that got in first would make the earlier one a duplicate of nothing.
 *
 * NOSPACE and CORRUPT are the caller's to hear, but the router then refuses all that was sent in
 * ignorance of it: nothing more is sent until every PUBLISH under way is answered.
 *
 * UNKNOWN from the router (its log has failed) is no answer for the caller either: what it concerns
 * waits for the next session and is sent again there.
 *
 * Before the first PRODUCER_OK the log's last sequence is not known: events without a sequence get
 * theirs then. Another client that takes over the name (FENCED) ends the producer.
 */
#include "client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

enum { RECORD_PRODUCER_SEQUENCE = 48, BATCH_LIMIT_UNKNOWN = 128 << 10, QUEUE_BATCHES = 8 };

/* ---- opening ---- */

static int check_name(const struct ld_client *client, const char *name, struct ld_error *error)
{
    size_t size = strlen(name), identity_size = strlen(client->identity);
    if (size > WIRE_NAME_SIZE_MAX)
        return ld_fail(error, LD_INVALID, "producer name of %zu bytes, at most %d are allowed",
                       size, WIRE_NAME_SIZE_MAX);
    if (strncmp(name, client->identity, identity_size) != 0 ||
        (name[identity_size] != '\0' && name[identity_size] != '#'))
        return ld_fail(error, LD_INVALID, "producer \"%s\": expected \"%s\" or \"%s#instance\"",
                       name, client->identity, client->identity);
    const struct ld_producer *other;
    DL_FOREACH(client->producers, other)
    {
        if (other->dead == LD_OK && strcmp(other->name, name) == 0)
            return ld_fail(error, LD_INVALID, "producer \"%s\" is open already", name);
    }
    return LD_OK;
}

int ld_producer_open(struct ld_client *client, const char *name, ld_producer_fn *ready, void *data,
                     struct ld_producer **out, struct ld_error *error)
{
    int code = ldc_check(client, error);
    if (code == LD_OK)
        code = check_name(client, name, error);
    if (code != LD_OK)
        return code;
    struct ld_producer *producer = calloc(1, sizeof *producer);
    if (producer == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a producer");
    if (uv_random(NULL, NULL, &producer->claimant, sizeof producer->claimant, 0, NULL) != 0) {
        free(producer);
        return ld_fail(error, LD_IO, "no random number for a producer");
    }
    producer->claimant |= 1; /* never 0 */
    producer->client = client;
    producer->id = ld_producer_id(name, strlen(name));
    producer->ready = ready;
    producer->ready_data = data;
    memcpy(producer->name, name, strlen(name) + 1);
    DL_APPEND(client->producers, producer);
    ldc_want_output(client);
    *out = producer;
    return LD_OK;
}

uint64_t ld_producer_id_of(const struct ld_producer *producer)
{
    return producer->id;
}

/* ---- publishing ---- */

static int check_event(const struct ld_producer *producer, const struct ld_event *event,
                       size_t topic_size, struct ld_error *error)
{
    const struct ld_client *client = producer->client;
    int code = ld_topic_check(event->topic, topic_size, error);
    if (code != LD_OK)
        return code;
    size_t size = ld_record_size(topic_size, event->payload_size);
    if (event->payload_size > LD_PAYLOAD_SIZE_MAX)
        return ld_fail(error, LD_TOOBIG, "payload of %zu bytes, at most %u are allowed",
                       event->payload_size, LD_PAYLOAD_SIZE_MAX);
    if (client->welcomed && size > client->welcome.record_size_max)
        return ld_fail(error, LD_TOOBIG, "event of %zu bytes, the router takes at most %" PRIu32,
                       size, client->welcome.record_size_max);
    if (event->flags & ~LD_RECORD_FLAGS)
        return ld_fail(error, LD_INVALID, "unknown flags %#x", (unsigned)event->flags);
    if (client->queued_bytes > 0 && client->queued_bytes + size > client->options.queue_bytes)
        return ld_fail(error, LD_BUSY,
                       "%zu bytes wait for their answer, at most %zu may; try "
                       "again when some have come",
                       client->queued_bytes, client->options.queue_bytes);
    return LD_OK;
}

static int check_sequence(const struct ld_producer *producer, uint64_t sequence,
                          struct ld_error *error)
{
    if (sequence == 0)
        return producer->last < UINT64_MAX
                   ? LD_OK
                   : ld_fail(error, LD_INVALID, "producer %s has used its last sequence",
                             producer->name);
    if (producer->auto_waiting)
        return ld_fail(error, LD_INVALID,
                       "sequence %" PRIu64 " given behind events that wait for theirs: wait until "
                       "producer %s is ready",
                       sequence, producer->name);
    if (sequence <= producer->given)
        return ld_fail(error, LD_INVALID,
                       "sequence %" PRIu64 " of producer %s: expected more than %" PRIu64, sequence,
                       producer->name, producer->given);
    return LD_OK;
}

static size_t batch_limit(const struct ld_client *client)
{
    size_t limit = client->welcomed ? client->welcome.batch_size_max : BATCH_LIMIT_UNKNOWN;
    size_t share = client->options.queue_bytes / QUEUE_BATCHES;
    return limit < share ? limit : share;
}

static void append_batch(struct ld_producer *producer, struct ldc_batch *batch)
{
    if (producer->tail != NULL)
        producer->tail->next = batch;
    else
        producer->head = batch;
    producer->tail = batch;
}

/* The batch that takes size more bytes; NULL when out of memory. */
static struct ldc_batch *open_batch(struct ld_producer *producer, size_t size)
{
    struct ldc_batch *tail = producer->tail;
    if (tail != NULL && !tail->sealed && tail->size + size <= batch_limit(producer->client))
        return tail;
    struct ldc_batch *batch = ldc_batch_new(size);
    if (batch == NULL)
        return NULL;
    if (tail != NULL)
        tail->sealed = true;
    append_batch(producer, batch);
    return batch;
}

/* The sequence of an event, 0 while it is not known. */
static uint64_t give_sequence(struct ld_producer *producer, uint64_t wanted)
{
    uint64_t sequence = wanted;
    if (sequence == 0 && !producer->answered) {
        producer->auto_waiting = true;
        return 0;
    }
    if (sequence == 0)
        sequence = producer->last + 1;
    producer->given = sequence;
    if (producer->last < sequence)
        producer->last = sequence;
    return sequence;
}

int ld_publish(struct ld_producer *producer, const struct ld_event *event,
               ld_published_fn *published, void *data, struct ld_error *error)
{
    struct ld_client *client = producer->client;
    int code = ldc_check(client, error);
    if (code != LD_OK)
        return code;
    if (producer->dead != LD_OK)
        return ld_fail(error, producer->dead, "%s", producer->dead_reason);
    size_t topic_size = strlen(event->topic);
    code = check_event(producer, event, topic_size, error);
    if (code == LD_OK)
        code = check_sequence(producer, event->producer_sequence, error);
    if (code != LD_OK)
        return code;
    size_t size = ld_record_size(topic_size, event->payload_size);
    struct ldc_batch *batch = open_batch(producer, size);
    uint8_t *raw = batch != NULL ? ldc_batch_reserve(batch, size) : NULL;
    if (raw == NULL)
        return ld_fail(error, LD_NOMEM, "cannot keep an event of %zu bytes", size);
    struct ldc_entry entry = {
        .published = published,
        .data = data,
        .producer_sequence = give_sequence(producer, event->producer_sequence),
        .published_us = client->options.give_up_us > 0 ? ldc_now_us() : 0,
        .size = (uint32_t)size,
    };
    struct ld_record record = {
        .topic = event->topic,
        .topic_size = (uint16_t)topic_size,
        .payload = event->payload,
        .payload_size = (uint32_t)event->payload_size,
        .flags = event->flags,
        .producer = producer->id,
        .producer_sequence = entry.producer_sequence,
    };
    ld_record_encode(raw, &record);
    ldc_batch_add(batch, &entry);
    client->queued_bytes += size;
    client->unanswered++;
    ldc_want_output(client);
    return LD_OK;
}

/* ---- completing ---- */

/* Completes the batch's next event. */
static void complete(struct ld_producer *producer, struct ldc_batch *batch, int code,
                     uint64_t sequence, const char *reason)
{
    struct ld_client *client = producer->client;
    const struct ldc_entry entry = batch->entries[batch->done];
    batch->done++;
    batch->done_bytes += entry.size;
    client->queued_bytes -= entry.size;
    client->unanswered--;
    if (code != LD_UNKNOWN)
        producer->lost = 0;
    if (entry.published == NULL)
        return;
    struct ld_published answer = {
        .code = code,
        .sequence = sequence,
        .producer_sequence = entry.producer_sequence,
        .reason = reason,
    };
    entry.published(&answer, entry.data);
}

static void drop_done(struct ld_producer *producer)
{
    struct ldc_batch **link = &producer->head;
    struct ldc_batch *last = NULL;
    while (*link != NULL) {
        struct ldc_batch *batch = *link;
        if (batch->done == batch->count && batch->request == 0) {
            *link = batch->next;
            ldc_batch_release(batch);
        } else {
            last = batch;
            link = &batch->next;
        }
    }
    producer->tail = last;
}

void ldc_producer_kill(struct ld_producer *producer, int code, const char *reason)
{
    if (producer->dead != LD_OK)
        return;
    producer->dead = code;
    snprintf(producer->dead_reason, sizeof producer->dead_reason, "producer %s: %s", producer->name,
             reason[0] != '\0' ? reason : ld_code_text(code));
    for (struct ldc_batch *batch = producer->head; batch != NULL; batch = batch->next) {
        batch->sealed = true;
        batch->request = 0;
        while (batch->done < batch->count)
            complete(producer, batch, code, 0, reason);
    }
    producer->under_way = 0;
    drop_done(producer);
    if (producer->answered)
        return;
    producer->answered = true;
    if (producer->ready != NULL)
        producer->ready(producer, code, 0, producer->ready_data);
}

/* ---- answers to PRODUCER ---- */

/* Gives the waiting events their sequences, in their records too. */
static void assign_sequences(struct ld_producer *producer)
{
    producer->auto_waiting = false;
    for (struct ldc_batch *batch = producer->head; batch != NULL; batch = batch->next) {
        uint8_t *raw = batch->bytes + batch->done_bytes;
        for (size_t i = batch->done; i < batch->count; i++) {
            struct ldc_entry *entry = &batch->entries[i];
            if (entry->producer_sequence == 0) {
                entry->producer_sequence = producer->given = ++producer->last;
                ld_put_u64(raw + RECORD_PRODUCER_SEQUENCE, entry->producer_sequence);
                ld_record_stamp(raw, 0, 0, ld_get_u16(raw + 22));
            }
            raw += entry->size;
        }
    }
}

void ldc_producer_register(struct ld_producer *producer, uint64_t id, uint64_t last)
{
    if (producer->dead != LD_OK)
        return;
    if (id != producer->id) {
        ldc_producer_kill(producer, LD_PROTOCOL, "the router computes another id for this name");
        return;
    }
    if (producer->answered && last > producer->last) {
        ldc_producer_kill(producer, LD_FENCED, "another client has published under this name");
        return;
    }
    producer->registered = true;
    ldc_want_output(producer->client);
    if (producer->answered)
        return;
    producer->answered = true;
    producer->first_last = last;
    if (producer->last < last)
        producer->last = last;
    assign_sequences(producer);
    if (producer->ready != NULL)
        producer->ready(producer, LD_OK, last, producer->ready_data);
}

void ldc_producer_restart(struct ld_producer *producer)
{
    if (producer->request != 0)
        producer->round++;
    producer->request = 0;
    producer->registered = false;
    producer->retrying = producer->draining = producer->next_session_only = false;
    producer->under_way = 0;
    for (struct ldc_batch *batch = producer->head; batch != NULL; batch = batch->next)
        batch->request = 0;
    drop_done(producer);
}

/* ---- answers to PUBLISH ---- */

static struct ldc_batch *find_batch(struct ld_producer *producer, uint64_t id)
{
    struct ldc_batch *batch = producer->head;
    while (batch != NULL && batch->request != id)
        batch = batch->next;
    return batch;
}

static struct ld_producer *find_producer(struct ld_client *client, uint64_t id,
                                         struct ldc_batch **batch)
{
    struct ld_producer *producer;
    if (id == 0)
        return NULL;
    DL_FOREACH(client->producers, producer)
    {
        *batch = find_batch(producer, id);
        if (*batch != NULL)
            return producer;
    }
    return NULL;
}

static void on_retry(uv_timer_t *timer)
{
    ldc_producer_retry(timer->data);
}

static void start_retry(const struct ld_producer *producer)
{
    struct ld_client *client = producer->client;
    if (!producer->next_session_only && !client->closing &&
        !uv_is_active((uv_handle_t *)&client->retry))
        uv_timer_start(&client->retry, on_retry, LDC_RETRY_MS, 0);
}

void ldc_producer_retry(struct ld_client *client)
{
    struct ld_producer *producer;
    DL_FOREACH(client->producers, producer)
    {
        if (producer->under_way == 0 && !producer->next_session_only)
            producer->retrying = false;
    }
    ldc_want_output(client);
}

/* BUSY: after a pause. UNKNOWN: the router's log has failed; its next start will know. */
static void send_again(struct ld_producer *producer, int code)
{
    producer->retrying = true;
    if (code == LD_UNKNOWN)
        producer->next_session_only = true;
}

/* Refused for now: what follows must not be sent before all such refusals are known. */
static void drain_after(struct ld_producer *producer, int code)
{
    if (code == LD_NOSPACE || code == LD_CORRUPT)
        producer->draining = true;
}

/* One run of answers, from entry *index of the batch on. */
static void apply_run(struct ld_producer *producer, struct ldc_batch *batch, size_t *index,
                      const struct wire_run *run, const char *reason)
{
    if (run->code == LD_BUSY || run->code == LD_UNKNOWN) {
        send_again(producer, (int)run->code);
        return;
    }
    drain_after(producer, (int)run->code);
    for (uint32_t i = 0; i < run->count; i++, (*index)++) {
        if (*index < batch->done)
            continue; /* given up */
        int code = (int)run->code;
        uint64_t producer_sequence = batch->entries[*index].producer_sequence;
        if (code == LD_DUPLICATE && producer_sequence > producer->first_last)
            code = LD_OK;
        uint64_t sequence = run->code == LD_OK ? run->first + i : 0;
        complete(producer, batch, code, sequence, reason);
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
    batch->request = 0;
    assert(producer->under_way > 0);
    producer->under_way--;
}

static void after_answer(struct ld_producer *producer)
{
    drop_done(producer);
    if (producer->retrying && producer->under_way == 0)
        start_retry(producer);
    ldc_want_output(producer->client);
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
    struct ldc_batch *batch;
    struct ld_error error;
    struct ld_producer *producer = find_producer(client, head->id, &batch);
    if (producer == NULL)
        return; /* of an earlier session */
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
    answered(producer, batch);
    batch->references++; /* stays while its callbacks run */
    /* Answers behind a retry are not used: those events come again, and stay in order. */
    for (uint64_t i = 0; i < head->b && !producer->retrying; i++) {
        struct wire_run run;
        wire_run_decode(body + i * WIRE_RUN_SIZE, &run);
        if (run.code == LD_FENCED)
            dead = LD_FENCED;
        apply_run(producer, batch, &index, &run, reason_for(&run, &reason_code, reason));
    }
    ldc_batch_release(batch);
    after_answer(producer);
    if (dead != LD_OK)
        ldc_producer_kill(producer, dead, reason);
}

static void batch_error(struct ld_producer *producer, struct ldc_batch *batch, int code,
                        const char *reason)
{
    answered(producer, batch);
    if (code == LD_BUSY || code == LD_UNKNOWN) {
        send_again(producer, code);
    } else {
        drain_after(producer, code);
        while (batch->done < batch->count)
            complete(producer, batch, code, 0, reason);
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
    send_again(producer, code);
    start_retry(producer);
    return true;
}

bool ldc_producer_error(struct ld_client *client, uint64_t id, int code, const char *reason)
{
    struct ldc_batch *batch;
    struct ld_producer *producer = find_producer(client, id, &batch);
    if (producer != NULL) {
        batch_error(producer, batch, code, reason);
        return true;
    }
    DL_FOREACH(client->producers, producer)
    {
        if (id != 0 && producer->request == id)
            return producer_error(producer, code, reason);
    }
    return false;
}

/* ---- giving up ---- */

/* Gives up the batch's events published before before_us. True: none is left. */
static bool give_up_batch(struct ld_producer *producer, struct ldc_batch *batch, int64_t before_us)
{
    while (batch->done < batch->count && batch->entries[batch->done].published_us <= before_us) {
        if (producer->lost == 0)
            producer->lost = batch->entries[batch->done].producer_sequence;
        complete(producer, batch, LD_UNKNOWN, 0, "");
    }
    return batch->done == batch->count;
}

/* Once nothing waits any more, the caller may repeat what was given up, under the same sequences.
 */
void ldc_producer_give_up(struct ld_producer *producer, int64_t before_us)
{
    struct ldc_batch *batch = producer->head;
    if (batch == NULL)
        return;
    producer->tail->sealed = true; /* what its callbacks publish comes into the next */
    while (batch != NULL && give_up_batch(producer, batch, before_us))
        batch = batch->next;
    drop_done(producer);
    if (batch == NULL && producer->lost != 0)
        producer->given = producer->lost - 1;
}

void ldc_producer_free(struct ld_producer *producer)
{
    while (producer->head != NULL) {
        struct ldc_batch *batch = producer->head;
        producer->head = batch->next;
        ldc_batch_release(batch);
    }
    free(producer);
}
