/*
 * Staging: events into the buffer that the next commit writes.
 *
 * Happy path: the record is copied behind what is staged, gets the floor of its batch, its
 * sequence, time and flags (one header checksum), and its producer's position moves. When it does
 * not fit into the segment any more, a new run begins: header block, checkpoint, then the record;
 * the segment's number and base are settled here, its file is taken by the writer.
 * Failures have no side effects: buffer full (LD_BUSY), disk full (LD_NOSPACE, checked when a
 * segment is needed that is not prepared yet, and while a commit waits for space), record
 * larger than a segment or a buffer can hold (LD_TOOBIG), the log has failed (LD_IO).
 */
#include "log.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include "bytes.h"

/* Fields of a record that staging needs (record.h). */
enum { AT_CHECKSUM = 8, AT_SIZE = 12, AT_PRODUCER = 40, AT_PRODUCER_SEQUENCE = 48, AT_FLOOR = 56 };

static int check_writable(const struct evlog *log, struct ld_error *error)
{
    if (!log->writable)
        return ld_fail(error, LD_INVALID, "the log was opened read-only");
    if (log->failed)
        return ld_fail(error, LD_IO, "the log has failed and must be reopened: %s",
                       log->failure.text);
    return LD_OK;
}

static int check_record(const uint8_t *raw, uint16_t flags, struct ld_error *error)
{
    uint32_t size = ld_get_u32(raw + AT_SIZE);
    if (ld_get_u32(raw) != LD_RECORD_MAGIC || size < LD_RECORD_HEADER_SIZE ||
        size > LD_RECORD_SIZE_MAX || size % LD_RECORD_ALIGN != 0)
        return ld_fail(error, LD_INVALID, "not a record (size %u)", size);
    if (flags & ~LD_RECORD_FLAGS)
        return ld_fail(error, LD_INVALID, "unknown record flags %#x", (unsigned)flags);
    return LD_OK;
}

static uint64_t segments_to_make(const struct batch *batch)
{
    uint64_t count = 0;
    for (size_t i = batch ? batch->runs_done : 0; batch && i < batch->run_count; i++)
        count += batch->runs[i].file_offset == 0;
    return count;
}

static int check_space(struct evlog *log, uint64_t segments, struct ld_error *error)
{
    return segment_space(log->context, log->directory, segments * log->pattern.size_bytes,
                         log->options.reserve_bytes, error);
}

/* While a commit waits for space: refuse until there is some. */
static int check_retained(struct evlog *log, struct ld_error *error)
{
    return log->retained ? check_space(log, 1, error) : LD_OK;
}

static int check_roll_space(struct evlog *log, uint64_t number, struct ld_error *error)
{
    uint64_t waiting = segments_to_make(log->retained) + segments_to_make(log->filling);
    if (waiting == 0 && preparer_has(&log->preparer, number))
        return LD_OK;
    return check_space(log, waiting + 1, error);
}

static int check_buffer(const struct batch *batch, size_t size, struct ld_error *error)
{
    if (batch->size + size <= batch->capacity && batch->run_count < BATCH_RUNS_MAX)
        return LD_OK;
    return ld_fail(error, LD_BUSY, "staging buffer full: %zu of %zu bytes", batch->size,
                   batch->capacity);
}

/* ---- appending ---- */

static struct run *current_run(struct evlog *log)
{
    struct batch *batch = log->filling;
    uint64_t number = log_last_extent(log)->number;
    if (batch->run_count > 0 && batch->runs[batch->run_count - 1].number == number)
        return &batch->runs[batch->run_count - 1];
    struct run *run = &batch->runs[batch->run_count++];
    *run =
        (struct run){.number = number, .file_offset = log->tail.offset, .data_offset = batch->size};
    return run;
}

/* Gives the record at the end of the batch (size bytes, not counted yet) its place. */
static void place_record(struct evlog *log, uint8_t *raw, size_t size, uint16_t flags)
{
    struct run *run = current_run(log);
    if (log->pattern.drill)
        flags |= LD_RECORD_EXERCISE;
    ld_put_u64(raw + AT_FLOOR, log->filling->floor);
    ld_record_stamp(raw, log->tail.sequence, log->stamp_us, flags);
    extent_note(log_last_extent(log), log->tail, log->stamp_us, log->tail.offset + size);
    log->last_time_us = log->stamp_us;
    run->last = log->tail.sequence;
    run->size += size;
    log->filling->size += size;
    log->tail.sequence++;
    log->tail.offset += size;
    log->stats.events_staged++;
    log->stats.bytes_staged += size;
}

static void begin_batch(struct evlog *log)
{
    if (log->filling->run_count == 0)
        log->filling->floor = log->tail.sequence - 1;
}

/* ---- rolling over ---- */

static void place_checkpoint(uint8_t *raw, size_t size, void *data)
{
    place_record(data, raw, size, 0);
}

static void append_header(struct evlog *log, uint64_t number)
{
    struct batch *batch = log->filling;
    struct segment_header header = log->pattern;
    header.number = number;
    header.base = log->tail.sequence;
    segment_header_encode(batch->data + batch->size, &header);
    batch->runs[batch->run_count++] =
        (struct run){.number = number, .data_offset = batch->size, .size = SEGMENT_HEADER_SIZE};
    batch->size += SEGMENT_HEADER_SIZE;
}

static int check_roll(struct evlog *log, uint64_t number, size_t size, struct ld_error *error)
{
    bool empty = log->tail.sequence == log_last_extent(log)->base;
    if (empty || size > log->pattern.size_bytes || size > log->filling->capacity)
        return ld_fail(error, LD_TOOBIG,
                       "event with checkpoint needs %zu bytes, a segment has %" PRIu64
                       " and a staging buffer %zu",
                       size, log->pattern.size_bytes, log->filling->capacity);
    int code = check_buffer(log->filling, size, error);
    return code == LD_OK ? check_roll_space(log, number, error) : code;
}

/* Begins the next segment. record_size is what has to fit into it besides the checkpoint. */
static int roll(struct evlog *log, size_t record_size, struct ld_error *error)
{
    uint64_t number = log_last_extent(log)->number + 1;
    size_t checkpoint_bytes = checkpoint_size(producers_count(&log->producers));
    int code = check_roll(log, number, SEGMENT_HEADER_SIZE + checkpoint_bytes + record_size, error);
    if (code == LD_NOSPACE)
        log->stats.refused_nospace++;
    if (code != LD_OK)
        return code;
    if (!log_reserve_extent(log))
        return ld_fail(error, LD_NOMEM, "no memory for segment %" PRIu64, number);
    begin_batch(log);
    append_header(log, number);
    log_add_extent(log, number, log->tail.sequence, log->tail.sequence - 1,
                   log->pattern.size_bytes);
    log->tail.offset = SEGMENT_HEADER_SIZE;
    checkpoint_encode(&log->producers, log->filling->data + log->filling->size, place_checkpoint,
                      log);
    return LD_OK;
}

static int make_room(struct evlog *log, size_t size, struct ld_error *error)
{
    int code = check_retained(log, error);
    if (code != LD_OK) {
        log->stats.refused_nospace++;
        return code;
    }
    if (log->tail.offset + size > log_last_extent(log)->size_bytes)
        return roll(log, size, error);
    if (size > log->filling->capacity)
        return ld_fail(error, LD_TOOBIG, "event of %zu bytes, a staging buffer has %zu", size,
                       log->filling->capacity);
    return check_buffer(log->filling, size, error);
}

int evlog_stage(struct evlog *log, const uint8_t *raw, int64_t now_us, uint16_t flags,
                uint64_t *sequence, struct ld_error *error)
{
    int code = check_writable(log, error);
    if (code == LD_OK)
        code = check_record(raw, flags, error);
    if (code != LD_OK)
        return code;
    size_t size = ld_get_u32(raw + AT_SIZE);
    log->stamp_us = now_us > log->last_time_us ? now_us : log->last_time_us;
    code = make_room(log, size, error);
    if (code == LD_BUSY)
        log->stats.refused_busy++;
    if (code != LD_OK)
        return code;
    struct evlog_position position = {ld_get_u64(raw + AT_PRODUCER_SEQUENCE),
                                      ld_get_u32(raw + AT_CHECKSUM), true};
    if (!producers_raise(&log->producers, ld_get_u64(raw + AT_PRODUCER), position))
        return ld_fail(error, LD_NOMEM, "no memory for another producer");
    begin_batch(log);
    uint8_t *place = log->filling->data + log->filling->size;
    memcpy(place, raw, size);
    *sequence = log->tail.sequence;
    place_record(log, place, size, flags);
    return LD_OK;
}
