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
 * What the answers to PUBLISH do: answer.c.
 *
 * Before the first PRODUCER_OK the log's last sequence is not known: events without a sequence get
 * theirs then. Another client that takes over the name (FENCED) ends the producer.
 */
#include "client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

enum {
    RECORD_CHECKSUM = 8,
    RECORD_PRODUCER_SEQUENCE = 48,
    BATCH_LIMIT_UNKNOWN = 128 << 10,
    QUEUE_BATCHES = 8
};

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
    ldc_producer_wants(producer);
    *out = producer;
    return LD_OK;
}

uint64_t ld_producer_id_of(const struct ld_producer *producer)
{
    return producer->id;
}

void ldc_producer_wants(struct ld_producer *producer)
{
    struct ld_client *client = producer->client;
    ldc_want_output(client);
    if (producer->eager)
        return;
    producer->eager = true;
    DL_APPEND2(client->eager, producer, eager_prev, eager_next);
}

/* ---- publishing ---- */

int ldc_check_event(const struct ld_client *client, const struct ld_event *event, size_t topic_size,
                    struct ld_error *error)
{
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
    return LD_OK;
}

static int check_room(const struct ld_client *client, size_t size, struct ld_error *error)
{
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
    struct ldc_batch *batch = ldc_batch_new(&producer->client->spares, size);
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
    size_t size = ld_record_size(topic_size, event->payload_size);
    code = ldc_check_event(client, event, topic_size, error);
    if (code == LD_OK)
        code = check_room(client, size, error);
    if (code == LD_OK)
        code = check_sequence(producer, event->producer_sequence, error);
    if (code != LD_OK)
        return code;
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
    ldc_producer_wants(producer);
    return LD_OK;
}

/* ---- completing ---- */

void ldc_producer_complete(struct ld_producer *producer, struct ldc_batch *batch, int code,
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
    producer->completing_size = entry.size;
    struct ld_published answer = {
        .code = code,
        .sequence = sequence,
        .producer_sequence = entry.producer_sequence,
        .reason = reason,
    };
    entry.published(&answer, entry.data);
}

void ldc_producer_drop_done(struct ld_producer *producer)
{
    struct ldc_batch **link = &producer->head;
    struct ldc_batch *last = NULL;
    while (*link != NULL) {
        struct ldc_batch *batch = *link;
        if (batch->done == batch->count && batch->request == 0) {
            *link = batch->next;
            ldc_batch_drop(&producer->client->spares, batch);
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
        ldc_batch_answered(batch);
        while (batch->done < batch->count)
            ldc_producer_complete(producer, batch, code, 0, reason);
    }
    producer->under_way = 0;
    ldc_producer_drop_done(producer);
    if (producer->outbox != NULL)
        ldc_outbox_orphan(producer->outbox, code, producer->dead_reason);
    if (producer->answered)
        return;
    producer->answered = true;
    if (producer->ready != NULL)
        producer->ready(producer, code, 0, producer->ready_data);
}

void ldc_batch_answered(struct ldc_batch *batch)
{
    if (batch->request == 0)
        return;
    batch->request = 0;
    DL_DELETE2(batch->producer->client->sent, batch, sent_prev, sent_next);
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

/* The record of an event that is not answered; NULL: not among them. */
static const uint8_t *find_record(const struct ld_producer *producer, uint64_t sequence)
{
    for (const struct ldc_batch *batch = producer->head; batch != NULL; batch = batch->next) {
        const uint8_t *raw = batch->bytes + batch->done_bytes;
        for (size_t i = batch->done; i < batch->count; raw += batch->entries[i++].size)
            if (batch->entries[i].producer_sequence == sequence)
                return raw;
    }
    return NULL;
}

/* What the log has under a sequence that was given here may be another client's: one that had the
 * name meanwhile, before the router was started again and forgot it. */
static bool is_overtaken(const struct ld_producer *producer, uint64_t last,
                         const uint32_t *checksum)
{
    const uint8_t *raw = checksum != NULL ? find_record(producer, last) : NULL;
    return last > producer->last || (raw != NULL && ld_get_u32(raw + RECORD_CHECKSUM) != *checksum);
}

void ldc_producer_register(struct ld_producer *producer, uint64_t id, uint64_t last,
                           const uint32_t *checksum)
{
    if (producer->dead != LD_OK)
        return;
    if (id != producer->id) {
        ldc_producer_kill(producer, LD_PROTOCOL, "the router computes another id for this name");
        return;
    }
    if (producer->outbox != NULL)
        ldc_outbox_contact(producer->outbox, last);
    else if (producer->answered && is_overtaken(producer, last, checksum))
        ldc_producer_kill(producer, LD_FENCED, "another client has published under this name");
    else
        ldc_producer_admit(producer, last);
}

void ldc_producer_admit(struct ld_producer *producer, uint64_t last)
{
    producer->registered = true;
    ldc_producer_wants(producer);
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
    producer->retrying = producer->draining = producer->next_session_only = producer->slow = false;
    producer->under_way = 0;
    for (struct ldc_batch *batch = producer->head; batch != NULL; batch = batch->next)
        ldc_batch_answered(batch);
    ldc_producer_drop_done(producer);
    ldc_producer_wants(producer);
}

/* ---- giving up ---- */

/* Gives up the batch's events published before before_us. True: none is left. */
static bool give_up_batch(struct ld_producer *producer, struct ldc_batch *batch, int64_t before_us)
{
    while (batch->done < batch->count && batch->entries[batch->done].published_us <= before_us) {
        if (producer->lost == 0)
            producer->lost = batch->entries[batch->done].producer_sequence;
        ldc_producer_complete(producer, batch, LD_UNKNOWN, 0, "");
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
    ldc_producer_drop_done(producer);
    if (batch == NULL && producer->lost != 0)
        producer->given = producer->lost - 1;
}

void ldc_producer_free(struct ld_producer *producer)
{
    while (producer->head != NULL) {
        struct ldc_batch *batch = producer->head;
        producer->head = batch->next;
        ldc_batch_drop(&producer->client->spares, batch);
    }
    free(producer);
}
