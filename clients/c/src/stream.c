/*
 * Streams: every matching event from a sequence on, in order, without gaps.
 *
 *   WANTED ── OPEN sent ──> OPENING ── OPENED ──> OPEN ── ld_stream_close ──> CLOSED
 *      ^                                           │
 *      └──────── new session ──────────────────────┤ refused, damaged or out of order: FAILED
 *
 * A chunk says which range of the log it covers. It must begin right behind the one before
 * (covered + 1), its records must lie in its range in rising order, and both checksums of each
 * must hold; anything else fails the stream rather than hiding a loss. Each OPEN has an id of its
 * own, so chunks of an earlier one are recognised and dropped.
 *
 * Credit is given back when events are processed: when their callback has returned or, with
 * confirm_by_hand, when ld_stream_confirm has passed the last event of their chunk. It is sent once
 * a quarter of the grant has come together, and otherwise after a quiet moment, so that the router
 * knows how far the stream is.
 *
 * The stream may be closed from inside its own callback: the loop over the chunk's records looks
 * at the state after each, and the memory is freed later (output.c).
 */
#include "client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ldc_held {
    struct ldc_held *prev, *next;
    uint64_t last; /* sequence of the chunk's last event */
    uint64_t to;   /* what the chunk covers; behind last nothing matches */
    uint64_t bytes;
};

/* ---- opening ---- */

void ld_stream_options_init(struct ld_stream_options *options)
{
    *options = (struct ld_stream_options){.from = LD_FROM_FIRST, .credit_bytes = (size_t)4 << 20};
}

static int check_options(const struct ld_stream_options *options, struct ld_error *error)
{
    if (options->event == NULL)
        return ld_fail(error, LD_INVALID, "a stream needs an event callback");
    if (options->credit_bytes == 0)
        return ld_fail(error, LD_INVALID, "a stream without credit receives nothing");
    if (options->filter_count > WIRE_FILTERS_MAX)
        return ld_fail(error, LD_INVALID, "%zu filters, at most %d are allowed",
                       options->filter_count, WIRE_FILTERS_MAX);
    for (size_t i = 0; i < options->filter_count; i++) {
        const char *filter = options->filters[i];
        int code = ld_filter_check(filter, strlen(filter), error);
        if (code != LD_OK)
            return ld_wrap(error, code, "filter \"%s\"", filter);
    }
    return LD_OK;
}

/* One filter a line; no filter is "everything". */
static char *join_filters(const struct ld_stream_options *options, size_t *size)
{
    const char *everything = ">";
    const char *const *filters = options->filter_count > 0 ? options->filters : &everything;
    size_t count = options->filter_count > 0 ? options->filter_count : 1;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += strlen(filters[i]) + 1;
    char *text = malloc(total);
    if (text == NULL)
        return NULL;
    char *end = text;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(filters[i]);
        memcpy(end, filters[i], length);
        end[length] = '\n';
        end += length + 1;
    }
    *size = total - 1; /* no newline behind the last */
    return text;
}

int ld_stream_open(struct ld_client *client, const struct ld_stream_options *options,
                   struct ld_stream **out, struct ld_error *error)
{
    int code = ldc_check(client, error);
    if (code == LD_OK)
        code = check_options(options, error);
    if (code != LD_OK)
        return code;
    struct ld_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a stream");
    stream->filter_text = join_filters(options, &stream->filter_size);
    if (stream->filter_text == NULL) {
        free(stream);
        return ld_fail(error, LD_NOMEM, "cannot allocate a stream's filters");
    }
    stream->client = client;
    stream->options = *options;
    stream->options.filters = NULL;
    stream->from = options->from;
    DL_APPEND(client->streams, stream);
    ldc_want_output(client);
    *out = stream;
    return LD_OK;
}

struct ld_stream *ldc_stream_find(struct ld_client *client, uint64_t id)
{
    struct ld_stream *stream;
    DL_FOREACH(client->streams, stream)
    {
        bool answers = stream->state == LDC_STREAM_OPENING || stream->state == LDC_STREAM_OPEN;
        if (answers && stream->id == id)
            return stream;
    }
    return NULL;
}

/* ---- failing ---- */

void ldc_stream_fail(struct ld_stream *stream, int code, const char *format, ...)
{
    struct ld_error error = {.code = code};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    stream->close_wanted = stream->state == LDC_STREAM_OPENING || stream->state == LDC_STREAM_OPEN;
    stream->state = LDC_STREAM_FAILED;
    ldc_want_output(stream->client);
    if (stream->options.failed != NULL)
        stream->options.failed(stream, &error, stream->options.data);
}

/* ---- the router's answer to OPEN ---- */

/* What the stream asked for must be what it gets; the first OPEN may leave the choice open. */
static bool right_start(const struct ld_stream *stream, const struct wire_head *head)
{
    if (!stream->started && (stream->from == LD_FROM_FIRST || stream->from == LD_FROM_NOW))
        return true;
    return head->a == stream->from;
}

void ldc_stream_opened(struct ld_stream *stream, const struct wire_head *head)
{
    if (stream->state != LDC_STREAM_OPENING) {
        ldc_stream_fail(stream, LD_PROTOCOL, "opened twice");
        return;
    }
    if (!right_start(stream, head) || head->a == 0) {
        ldc_stream_fail(stream, LD_NOTFOUND,
                        "asked for events from %" PRIu64 ", the router begins at %" PRIu64,
                        stream->from, head->a);
        return;
    }
    if (stream->started && head->b + 1 < stream->from) {
        ldc_stream_fail(stream, LD_CORRUPT,
                        "events up to %" PRIu64 " were delivered, the router's log now ends at "
                        "%" PRIu64,
                        stream->from - 1, head->b);
        return;
    }
    if (head->b > stream->client->head)
        stream->client->head = head->b;
    stream->state = LDC_STREAM_OPEN;
    stream->started = true;
    stream->from = head->a;
    stream->covered = head->a - 1;
    if (stream->options.opened != NULL)
        stream->options.opened(stream, head->a, head->b, stream->options.data);
}

void ldc_stream_restart(struct ld_stream *stream, bool other_log)
{
    stream->close_wanted = false;
    if (stream->state != LDC_STREAM_OPENING && stream->state != LDC_STREAM_OPEN)
        return;
    if (stream->started)
        stream->from = stream->covered + 1;
    stream->other_log = stream->started && other_log;
    stream->state = LDC_STREAM_WANTED;
}

static struct ld_stream *find_other_log(struct ld_client *client)
{
    struct ld_stream *stream;
    DL_FOREACH(client->streams, stream)
    {
        if (stream->other_log)
            return stream;
    }
    return NULL;
}

/* From the head each time: the callback may close any stream. */
void ldc_stream_fail_other_log(struct ld_client *client)
{
    struct ld_stream *stream;
    while ((stream = find_other_log(client)) != NULL) {
        stream->other_log = false;
        ldc_stream_fail(stream, LD_REFUSED,
                        "the router now serves another log: position %" PRIu64
                        " means nothing there",
                        stream->covered);
    }
}

/* ---- credit ---- */

uint64_t ldc_stream_credit(const struct ld_stream *stream)
{
    uint64_t credit = stream->options.credit_bytes;
    uint32_t most = stream->client->welcome.credit_max;
    if (most > 0 && credit > most)
        credit = most;
    return credit > stream->held_bytes ? credit - stream->held_bytes : 0;
}

bool ldc_stream_credit_due(const struct ld_stream *stream, bool tick)
{
    if (stream->state != LDC_STREAM_OPEN || stream->owed_bytes == 0)
        return false;
    return tick || stream->owed_bytes >= stream->granted_bytes / 4;
}

static void give_back(struct ld_stream *stream, uint64_t bytes)
{
    stream->owed_bytes += bytes;
    if (ldc_stream_credit_due(stream, false))
        ldc_want_output(stream->client);
    else
        ldc_tell_soon(stream->client);
}

/* Chunks with events wait for the hand that confirms; *last is 0 for one without. */
static void hold(struct ld_stream *stream, uint64_t last, uint64_t to, uint64_t bytes)
{
    struct ldc_held *held = malloc(sizeof *held);
    if (held == NULL)
        abort(); /* bounded by credit: a few bytes a chunk */
    *held = (struct ldc_held){.last = last, .to = to, .bytes = bytes};
    DL_APPEND(stream->held, held);
    stream->held_bytes += bytes;
}

static void release_confirmed(struct ld_stream *stream)
{
    struct ldc_held *held, *next;
    DL_FOREACH_SAFE(stream->held, held, next)
    {
        if (held->last > stream->processed)
            return;
        if (held->to > stream->processed)
            stream->processed = held->to;
        DL_DELETE(stream->held, held);
        stream->held_bytes -= held->bytes;
        give_back(stream, held->bytes);
        free(held);
    }
}

void ld_stream_confirm(struct ld_stream *stream, uint64_t sequence)
{
    if (ldc_check(stream->client, NULL) != LD_OK || !stream->options.confirm_by_hand ||
        sequence <= stream->processed)
        return;
    stream->processed = sequence < stream->covered ? sequence : stream->covered;
    release_confirmed(stream);
    if (stream->state == LDC_STREAM_WANTED)
        ldc_want_output(stream->client);
}

/* ---- chunks ---- */

static bool check_range(struct ld_stream *stream, const struct wire_head *head)
{
    if (head->a == stream->covered + 1 && head->b >= head->a - 1)
        return true;
    ldc_stream_fail(stream, LD_PROTOCOL,
                    "gap: a chunk covers %" PRIu64 " to %" PRIu64 ", expected it to begin at "
                    "%" PRIu64,
                    head->a, head->b, stream->covered + 1);
    return false;
}

/* Decodes and checks the record at raw. False: the stream has failed. */
static bool check_record(struct ld_stream *stream, const struct wire_head *head, const uint8_t *raw,
                         size_t available, struct ld_record *record)
{
    struct ld_error error;
    int code = ld_record_decode(raw, available, record, &error);
    if (code == LD_OK)
        code = ld_record_check(record, &error);
    if (code != LD_OK) {
        ldc_stream_fail(stream, LD_CORRUPT, "damaged event behind %" PRIu64 ": %s", stream->covered,
                        error.text);
        return false;
    }
    if (record->sequence <= stream->covered || record->sequence > head->b) {
        ldc_stream_fail(stream, LD_PROTOCOL,
                        "event %" PRIu64 " out of order: expected one of %" PRIu64 " to %" PRIu64,
                        record->sequence, stream->covered + 1, head->b);
        return false;
    }
    return true;
}

/* Delivers the chunk's records; *last is the last one's sequence, 0 for none. False: the stream was
 * closed or has failed, or the client is being closed. */
static bool deliver(struct ld_stream *stream, const struct wire_head *head, const uint8_t *body,
                    size_t size, uint64_t *last)
{
    size_t offset = 0;
    *last = 0;
    while (offset < size) {
        struct ld_record record;
        if (!check_record(stream, head, body + offset, size - offset, &record))
            return false;
        offset += record.size;
        stream->covered = *last = record.sequence;
        stream->options.event(stream, &record, stream->options.data);
        if (stream->state != LDC_STREAM_OPEN || stream->client->closing)
            return false;
    }
    return true;
}

void ldc_stream_chunk(struct ld_stream *stream, const struct wire_head *head, const uint8_t *body,
                      size_t size)
{
    uint64_t last;
    if (stream->state != LDC_STREAM_OPEN) {
        ldc_stream_fail(stream, LD_PROTOCOL, "events before the stream was opened");
        return;
    }
    if (!check_range(stream, head))
        return;
    stream->any_chunk = true;
    if (!deliver(stream, head, body, size, &last))
        return;
    stream->covered = head->b;
    if (head->b > stream->client->head)
        stream->client->head = head->b;
    if (!stream->options.confirm_by_hand) {
        stream->processed = head->b;
        give_back(stream, size);
        return;
    }
    if (last > stream->processed)
        hold(stream, last, head->b, size);
    else
        give_back(stream, size);
    if (stream->held == NULL)
        stream->processed = stream->covered;
}

uint64_t ld_stream_position(const struct ld_stream *stream)
{
    return stream->any_chunk ? stream->covered : 0;
}

/* ---- closing ---- */

void ld_stream_close(struct ld_stream *stream)
{
    struct ld_client *client = stream->client;
    int code = ldc_check(client, NULL);
    if (code == LD_FORKED)
        return;
    if (stream->state == LDC_STREAM_OPENING || stream->state == LDC_STREAM_OPEN)
        stream->close_wanted = true;
    stream->state = LDC_STREAM_CLOSED;
    DL_DELETE(client->streams, stream);
    DL_APPEND(client->closed_streams, stream);
    ldc_want_output(client);
}

void ldc_stream_free(struct ld_stream *stream)
{
    struct ldc_held *held, *next;
    DL_FOREACH_SAFE(stream->held, held, next)
    free(held);
    free(stream->filter_text);
    free(stream);
}
