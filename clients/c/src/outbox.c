/*
 * Outboxes on the loop. The file is touched only by jobs in libuv's workers, one at a time per
 * outbox; its events go to the log through an ordinary producer of the client.
 *
 *            ld_outbox_put            job: write, sync            ld_publish             RESULT
 *   (caller) ─────────────> put list ─────────────────> in the file ──────────> under way ──────┐
 *                                          │  kept              ^ job: read, what did           │
 *                                          v                    │ not fit into memory           v
 *                                       callback                └──────────        settled:
 * callback, next job deletes it
 *
 * Four sequences, each at most the one before: given (put), fed (handed to the producer), settled
 * (its outcome is known), removed (and no longer in the file). "more": the file has events behind
 * fed that are not in memory.
 *
 * Never published before it is synced: after a crash its sequence would be given to another event,
 * and that one be taken for a duplicate.
 *
 * Fails: a job that may succeed later (full disk) rests until the next put or tick; what was put is
 * refused, what was settled is written later. Any other failure of the file is final: no more puts,
 * what is under way is still published. A producer that dies leaves its events in the file; a new
 * one is opened for them in the next session, or, if a copy of the file was at work, at the next
 * tick. Closing: the last job writes what was put and closes the file, then all kept callbacks
 * are made; what is not settled stays for the next opening.
 */
#include "outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "context.h"

/* Opening leaps ahead by up to so many sequences: two copies of a file never give the same. */
enum { LEAP_MASK = 0xffffff };

void ld_outbox_options_init(struct ld_outbox_options *options)
{
    *options = (struct ld_outbox_options){.events_max = 100000, .bytes_max = (uint64_t)256 << 20};
}

void ldo_want(struct ld_outbox *outbox)
{
    outbox->client->pump_wanted = true;
    ldc_want_output(outbox->client);
}

/* ---- what holds it up ---- */

void ldo_hold(struct ld_outbox *outbox, int code, const char *reason)
{
    struct ld_outbox_state *state = &outbox->state;
    if (state->held == code && strcmp(state->held_reason, reason) == 0)
        return;
    state->held = code;
    snprintf(state->held_reason, sizeof state->held_reason, "%s", reason);
    if (outbox->options.held != NULL)
        outbox->options.held(outbox, code, state->held_reason, outbox->options.data);
}

void ldo_free_refusals(struct outbox_refusal *list)
{
    while (list != NULL) {
        struct outbox_refusal *refusal = list;
        list = list->next;
        free(refusal);
    }
}

/* ---- outcomes ---- */

void ldo_add_refusal(struct ld_outbox *outbox, struct outbox_refusal *refusal)
{
    *outbox->refusals_end = refusal;
    outbox->refusals_end = &refusal->next;
    outbox->state.waiting--;
    outbox->state.refused++;
    ldo_want(outbox);
}

void ldo_tell_settled(struct ld_outbox *outbox, const struct ld_published *published)
{
    if (outbox->options.settled != NULL)
        outbox->options.settled(published, outbox->options.data);
}

/* False: out of memory, nothing is settled. */
static bool refuse(struct ld_outbox *outbox, const struct ld_published *published)
{
    struct outbox_refusal *refusal = calloc(1, sizeof *refusal);
    if (refusal == NULL)
        return false;
    refusal->sequence = published->producer_sequence;
    refusal->code = published->code;
    snprintf(refusal->reason, sizeof refusal->reason, "%s",
             published->reason[0] != '\0' ? published->reason : ld_code_text(published->code));
    ldo_add_refusal(outbox, refusal);
    return true;
}

/* Codes that say nothing about the event: it stays and is published again. */
static bool says_nothing(int code)
{
    return code == LD_CANCELLED || code == LD_CLOSED || code == LD_FENCED || code == LD_IO ||
           code == LD_NOMEM || ld_code_blame(code) == LD_BLAME_RETRY;
}

static void on_published(const struct ld_published *published, void *data)
{
    struct ld_outbox *outbox = data;
    bool in_log = published->code == LD_OK || published->code == LD_DUPLICATE;
    if (outbox->adrift)
        return;
    if (says_nothing(published->code) || outbox->producer->dead != LD_OK) {
        outbox->adrift = true; /* nothing behind it may be settled either */
        return;
    }
    if (!in_log && !refuse(outbox, published)) {
        outbox->adrift = true;
        return;
    }
    outbox->settled = published->producer_sequence;
    if (in_log) {
        outbox->answered = published->producer_sequence;
        outbox->state.waiting--;
        outbox->state.bytes -= outbox->producer->completing_size;
    }
    ldo_want(outbox);
    ldo_tell_settled(outbox, published);
}

/* ---- to the log ---- */

void ldo_open_producer(struct ld_outbox *outbox)
{
    struct ld_error error;
    if (ld_producer_open(outbox->client, outbox->state.producer, NULL, NULL, &outbox->producer,
                         &error) != LD_OK) {
        ldo_hold(outbox, error.code, error.text);
        return;
    }
    outbox->producer->outbox = outbox;
    outbox->adrift = outbox->fenced = false;
    outbox->fed = outbox->settled;
    outbox->more = outbox->state.waiting > 0;
    ldo_want(outbox);
}

void ldc_outbox_orphan(struct ld_outbox *outbox, int code, const char *reason)
{
    outbox->producer = NULL;
    outbox->contact_wanted = false;
    outbox->fenced = code == LD_FENCED;
    if (code != LD_CANCELLED && !outbox->failed)
        ldo_hold(outbox, code, reason);
}

size_t ldo_room(const struct ld_outbox *outbox)
{
    const struct ld_client *client = outbox->client;
    size_t share = client->options.queue_bytes / 2; /* the rest is for other producers */
    return client->queued_bytes < share ? share - client->queued_bytes : 0;
}

static int publish(struct ld_outbox *outbox, const struct outbox_item *item, struct ld_error *error)
{
    char topic[LD_TOPIC_SIZE_MAX + 1];
    struct ld_record record;
    int code = ld_record_decode(item->record, item->size, &record, error);
    if (code != LD_OK)
        return code;
    snprintf(topic, sizeof topic, "%.*s", (int)record.topic_size, record.topic);
    struct ld_event event = {.topic = topic,
                             .payload = record.payload,
                             .payload_size = record.payload_size,
                             .flags = record.flags,
                             .producer_sequence = item->sequence};
    return ld_publish(outbox->producer, &event, on_published, outbox, error);
}

/* Hands the event to the producer. False: not now, it has to be read again. */
static bool feed(struct ld_outbox *outbox, const struct outbox_item *item)
{
    struct ld_error error;
    if (item->sequence <= outbox->fed)
        return true;
    if (outbox->producer == NULL || outbox->adrift || ldo_room(outbox) == 0)
        return false;
    int code = publish(outbox, item, &error);
    if (code != LD_OK && (says_nothing(code) || code == LD_FORKED))
        return false;
    struct ld_published refused = {
        .code = code, .producer_sequence = item->sequence, .reason = error.text};
    if (code != LD_OK && !refuse(outbox, &refused))
        return false;
    outbox->fed = item->sequence;
    if (outbox->admitted && outbox->exposed < outbox->fed)
        outbox->exposed = outbox->fed;
    if (code != LD_OK)
        ldo_tell_settled(outbox, &refused);
    return true;
}

void ldo_feed(struct ld_outbox *outbox, const struct outbox_item *list)
{
    for (; list != NULL && !outbox->more; list = list->next)
        outbox->more = !feed(outbox, list);
}

/* ---- what the client says ---- */

void ldc_outbox_contact(struct ld_outbox *outbox, uint64_t last)
{
    outbox->contact_wanted = true;
    outbox->contact_last = last;
    ldo_want(outbox);
}

void ldc_outbox_restart(struct ld_client *client)
{
    struct ld_outbox *outbox;
    DL_FOREACH(client->outboxes, outbox)
    {
        if (outbox->producer == NULL && !outbox->failed)
            ldo_open_producer(outbox);
    }
}

static void tick(struct ld_outbox *outbox)
{
    outbox->resting = false;
    if (outbox->adrift && outbox->producer != NULL)
        ldc_producer_kill(outbox->producer, LD_CANCELLED, "");
    if (outbox->producer == NULL && !outbox->failed && (outbox->fenced || outbox->adrift))
        ldo_open_producer(outbox);
    ldo_want(outbox);
}

void ldc_outbox_tick(struct ld_client *client)
{
    struct ld_outbox *outbox;
    DL_FOREACH(client->outboxes, outbox)
    tick(outbox);
}

void ldc_outbox_close(struct ld_client *client)
{
    struct ld_outbox *outbox;
    DL_FOREACH(client->outboxes, outbox)
    {
        outbox->closing = true;
        ldo_pump(outbox);
    }
}

void ldc_outbox_pump(struct ld_client *client)
{
    struct ld_outbox *outbox;
    if (!client->pump_wanted || client->closing)
        return;
    client->pump_wanted = false;
    DL_FOREACH(client->outboxes, outbox)
    ldo_pump(outbox);
}

void ldo_free(struct ld_outbox *outbox)
{
    struct ld_client *client = outbox->client;
    DL_DELETE(client->outboxes, outbox);
    ldo_free_refusals(outbox->refusals);
    free(outbox);
    ldc_count_closed(client);
}

/* ---- what callers do ---- */

static void begin(struct ld_outbox *outbox, const struct outbox_head *head)
{
    const struct ld_context *context = ld_context_system();
    struct ld_outbox_state *state = &outbox->state;
    uint32_t leap;
    context->random(context->self, &leap, sizeof leap);
    memcpy(state->producer, head->producer, sizeof state->producer);
    state->bound = head->bound;
    memcpy(state->log_id, head->log_id, sizeof state->log_id);
    state->waiting = head->waiting;
    state->refused = head->refused;
    state->bytes = head->bytes;
    state->oldest_us = head->oldest_us;
    outbox->exposed = head->given;
    outbox->given = head->given + (leap & LEAP_MASK);
    outbox->answered = head->answered;
    outbox->puts_end = &outbox->puts;
    outbox->refusals_end = &outbox->refusals;
}

int ld_outbox_open(struct ld_client *client, const struct ld_outbox_options *options,
                   struct ld_outbox **out, struct ld_error *error)
{
    struct outbox_head head;
    struct outbox_file *file = NULL;
    int code = ldc_check(client, error);
    if (code == LD_OK)
        code = outbox_file_open(options->path, OUTBOX_PUBLISH, client->identity, &file, error);
    if (code == LD_OK)
        code = outbox_file_head(file, &head, error);
    struct ld_outbox *outbox = code == LD_OK ? calloc(1, sizeof *outbox) : NULL;
    if (code == LD_OK && outbox == NULL)
        code = ld_fail(error, LD_NOMEM, "cannot allocate an outbox");
    if (code != LD_OK) {
        outbox_file_close(file);
        return code;
    }
    outbox->client = client;
    outbox->file = file;
    outbox->options = *options;
    outbox->options.path = NULL;
    begin(outbox, &head);
    DL_APPEND(client->outboxes, outbox);
    client->open_count++;
    ldo_open_producer(outbox);
    *out = outbox;
    return LD_OK;
}

static int check_space(const struct ld_outbox *outbox, size_t size, struct ld_error *error)
{
    const struct ld_outbox_state *state = &outbox->state;
    uint64_t events = state->unkept + state->waiting + state->refused;
    if (events >= outbox->options.events_max || state->bytes + size > outbox->options.bytes_max)
        return ld_fail(error, LD_BUSY,
                       "the outbox is full: %llu events wait and %llu are refused, %llu bytes; at "
                       "most %llu events and %llu bytes may be",
                       (unsigned long long)(state->unkept + state->waiting),
                       (unsigned long long)state->refused, (unsigned long long)state->bytes,
                       (unsigned long long)outbox->options.events_max,
                       (unsigned long long)outbox->options.bytes_max);
    size_t queue_bytes = outbox->client->options.queue_bytes;
    if (outbox->put_bytes > 0 && outbox->put_bytes + size > queue_bytes)
        return ld_fail(error, LD_BUSY,
                       "%zu bytes wait to be synced, at most %zu may; try again when some are kept",
                       outbox->put_bytes, queue_bytes);
    return LD_OK;
}

static int check_put(const struct ld_outbox *outbox, const struct ld_event *event,
                     size_t topic_size, struct ld_error *error)
{
    int code = ldc_check_event(outbox->client, event, topic_size, error);
    if (code != LD_OK)
        return code;
    if (event->producer_sequence != 0)
        return ld_fail(error, LD_INVALID,
                       "producer sequence %llu given: an outbox gives them itself, expected 0",
                       (unsigned long long)event->producer_sequence);
    if (outbox->failed)
        return ld_fail(error, outbox->state.held, "%s", outbox->state.held_reason);
    return check_space(outbox, ld_record_size(topic_size, event->payload_size), error);
}

static void encode(struct ld_outbox *outbox, struct outbox_item *item, const struct ld_event *event,
                   size_t topic_size)
{
    struct ld_record record = {
        .topic = event->topic,
        .topic_size = (uint16_t)topic_size,
        .payload = event->payload,
        .payload_size = (uint32_t)event->payload_size,
        .flags = event->flags,
        .producer = ld_producer_id(outbox->state.producer, strlen(outbox->state.producer)),
        .producer_sequence = item->sequence,
    };
    ld_record_encode(item->record, &record);
}

int ld_outbox_put(struct ld_outbox *outbox, const struct ld_event *event, ld_published_fn *kept,
                  void *data, struct ld_error *error)
{
    int code = ldc_check(outbox->client, error);
    if (code != LD_OK)
        return code;
    size_t topic_size = strlen(event->topic);
    code = check_put(outbox, event, topic_size, error);
    if (code != LD_OK)
        return code;
    size_t size = ld_record_size(topic_size, event->payload_size);
    struct outbox_item *item = outbox_item_new(size);
    if (item == NULL)
        return ld_fail(error, LD_NOMEM, "cannot keep an event of %zu bytes", size);
    item->sequence = ++outbox->given;
    item->put_us = ld_wall_us(ld_context_system());
    item->kept = kept;
    item->data = data;
    encode(outbox, item, event, topic_size);
    *outbox->puts_end = item;
    outbox->puts_end = &item->next;
    outbox->put_bytes += size;
    outbox->state.bytes += size;
    outbox->state.unkept++;
    ldo_want(outbox);
    return LD_OK;
}

void ld_outbox_get_state(const struct ld_outbox *outbox, struct ld_outbox_state *state)
{
    *state = outbox->state;
}

static bool all_kept(const struct ld_client *client)
{
    const struct ld_outbox *outbox;
    DL_FOREACH(client->outboxes, outbox)
    {
        if (outbox->state.unkept > 0)
            return false;
    }
    return true;
}

int ld_outbox_wait_kept(struct ld_outbox *outbox, int64_t timeout_us, struct ld_error *error)
{
    int code = ldc_run_until(outbox->client, timeout_us, all_kept, error);
    if (code == LD_TIMEOUT)
        return ld_fail(error, code, "%llu events are not yet synced",
                       (unsigned long long)outbox->state.unkept);
    if (code == LD_CLOSED)
        return ld_fail(error, code, "the client has been closed");
    if (code == LD_OK && outbox->kept_code != LD_OK)
        code = ld_fail(error, outbox->kept_code, "%s", outbox->kept_reason);
    if (code == LD_OK || outbox->kept_code != LD_OK)
        outbox->kept_code = LD_OK;
    return code;
}
