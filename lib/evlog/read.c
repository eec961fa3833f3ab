/*
 * Reading: spans of whole records, borrowed from a view of the segment file.
 *
 * Happy path: find the extent, map it if it is not, begin at the nearest known position, walk to
 * the sequence, walk on until the span is large enough, check every header on the way. The span
 * holds the view, so it stays good when the log drops or closes it; the last holder unmaps.
 * Failures: a header that is damaged or not the expected one is LD_CORRUPT with segment and
 * sequence. Reading does not depend on writing: it works on after a failed write.
 */
#include "log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { FETCH_RECORDS = 16 };

int log_corrupt(const char *directory, uint64_t number, uint64_t sequence, struct ld_error *error)
{
    char name[SEGMENT_NAME_SIZE];
    char reason[LD_ERROR_TEXT_SIZE / 2];
    segment_name(name, number);
    snprintf(reason, sizeof reason, "%.240s", error && error->text[0] ? error->text : "damaged");
    return ld_fail(error, LD_CORRUPT,
                   "segment %s, sequence %" PRIu64
                   ": %s; run `liandong log verify %s`, then `liandong log repair`",
                   name, sequence, reason, directory);
}

struct extent *log_find_extent(const struct evlog *log, uint64_t sequence)
{
    size_t low = 0, high = log->extent_count; /* bases before low are at or before sequence */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (log->extents[middle].base <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low > 0);
    return &log->extents[low - 1];
}

/* ---- views ---- */

static void drop_view(struct evlog *log, uint64_t number)
{
    uint64_t first = log->extents[0].number;
    if (number < first)
        return;
    struct extent *extent = &log->extents[number - first];
    segment_drop(extent->segment);
    extent->segment = NULL;
}

/* The view of number was used: it goes first in the list of those that are kept. */
static void keep_view(struct evlog *log, uint64_t number)
{
    size_t at = 0;
    while (at < KEPT_VIEWS - 1 && log->kept[at] != number)
        at++;
    if (log->kept[at] != number)
        drop_view(log, log->kept[at]);
    for (; at > 0; at--)
        log->kept[at] = log->kept[at - 1];
    log->kept[0] = number;
}

int log_view(struct evlog *log, struct extent *extent, struct evlog_segment **segment,
             struct ld_error *error)
{
    if (!extent->segment) {
        int code = segment_map(log->context, log->directory, extent->number, extent->size_bytes,
                               &extent->segment, error);
        if (code == LD_CORRUPT || code == LD_NOTFOUND)
            return log_corrupt(log->directory, extent->number, extent->base, error);
        if (code != LD_OK)
            return code;
    }
    keep_view(log, extent->number);
    *segment = extent->segment;
    return LD_OK;
}

void log_view_walked(struct extent *extent, uint64_t bytes)
{
    extent->segment->walked_bytes += bytes;
    if (extent->segment->walked_bytes < VIEW_WALK_BYTES)
        return;
    segment_drop(extent->segment);
    extent->segment = NULL;
}

/* ---- walking ---- */

/* Headers lie too far apart for the processor to see what comes next; records in a row are often of
 * one size, so the guess is good. */
static void fetch_ahead(const struct evlog_segment *segment, uint64_t offset)
{
    if (offset + LD_RECORD_HEADER_SIZE > segment->size_bytes)
        return;
    const uint8_t *header = segment->view + offset;
    __builtin_prefetch(header);
    __builtin_prefetch(header + LD_RECORD_HEADER_SIZE - 1); /* it may lie across two lines */
}

/* Checks the record at a position and moves on; its size is returned through at. */
static int step(struct evlog *log, struct extent *extent, struct evlog_segment *segment,
                struct position *at, struct ld_error *error)
{
    struct ld_record record;
    struct ld_error reason;
    if (segment_record(segment, *at, &record, &reason) != LD_OK) {
        int code = log_corrupt(log->directory, extent->number, at->sequence, &reason);
        return error ? ld_fail(error, code, "%s", reason.text) : code;
    }
    fetch_ahead(segment, at->offset + FETCH_RECORDS * (uint64_t)record.size);
    extent_note(extent, *at, record.time_us, at->offset + record.size);
    at->sequence++;
    at->offset += record.size;
    return LD_OK;
}

int log_walk(struct evlog *log, struct extent *extent, struct evlog_segment *segment,
             struct position *at, uint64_t sequence, struct ld_error *error)
{
    while (at->sequence < sequence) {
        int code = step(log, extent, segment, at, error);
        if (code != LD_OK)
            return code;
    }
    return LD_OK;
}

/* From a record on, as many as fit into max_bytes, at least one. */
static int walk_span(struct evlog *log, struct extent *extent, struct evlog_segment *segment,
                     struct position begin, size_t max_bytes, struct position *end,
                     struct ld_error *error)
{
    *end = begin;
    while (end->sequence <= extent->last) {
        struct position next = *end;
        int code = step(log, extent, segment, &next, error);
        if (code != LD_OK)
            return end->sequence > begin.sequence ? LD_OK : code;
        if (next.offset - begin.offset > max_bytes && end->sequence > begin.sequence)
            return LD_OK;
        *end = next;
    }
    return LD_OK;
}

int evlog_read(struct evlog *log, uint64_t sequence, size_t max_bytes, struct evlog_span *span,
               struct ld_error *error)
{
    *span = (struct evlog_span){0};
    if (sequence < evlog_first(log))
        return ld_fail(error, LD_NOTFOUND,
                       "sequence %" PRIu64 " is not here, the log begins with %" PRIu64
                       ": what was before is archived, `liandong log restore` brings it back",
                       sequence, evlog_first(log));
    if (sequence > log->durable)
        return LD_OK;
    struct extent *extent = log_find_extent(log, sequence);
    struct evlog_segment *segment;
    int code = log_view(log, extent, &segment, error);
    if (code != LD_OK)
        return code;
    struct position end, near = extent_near(extent, sequence);
    near = log_index_near(log, extent, segment, near, sequence);
    struct position begin = near;
    code = log_walk(log, extent, segment, &begin, sequence, error);
    if (code == LD_OK)
        code = walk_span(log, extent, segment, begin, max_bytes, &end, error);
    if (code != LD_OK)
        return code;
    assert(end.sequence > begin.sequence);
    extent->hints[0] = begin;
    extent->hints[1] = end;
    segment_hold(segment);
    *span = (struct evlog_span){.data = segment->view + begin.offset,
                                .size = (size_t)(end.offset - begin.offset),
                                .first = begin.sequence,
                                .last = end.sequence - 1,
                                .owner = segment};
    log_view_walked(extent, end.offset - near.offset);
    return LD_OK;
}

void evlog_span_retain(const struct evlog_span *span)
{
    if (span->owner)
        segment_hold(span->owner);
}

void evlog_span_release(const struct evlog_span *span)
{
    segment_drop(span->owner);
}
