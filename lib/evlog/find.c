/*
 * Finding the time of an event: from the nearest record that the index knows, a bounded walk.
 *
 * Finding an event by time: times never run backwards in the log, so this is a binary search over
 * the segments' first events, then over the index of one segment, then a short walk. A segment that
 * has no index file is walked once, as much of it a call as the caller allows; that completes the
 * sparse index in memory, so the next call goes on where this one ended.
 */
#include "log.h"

#include <assert.h>
#include <inttypes.h>

/* The time of an extent's first event; looked up once. */
static int first_time(struct evlog *log, struct extent *extent, int64_t *time_us,
                      struct ld_error *error)
{
    if (!extent->first_time_known) {
        struct evlog_segment *segment;
        struct ld_record record;
        struct position at = {.sequence = extent->base, .offset = SEGMENT_HEADER_SIZE};
        int code = log_view(log, extent, &segment, error);
        if (code != LD_OK)
            return code;
        if (segment_record(segment, at, &record, error) != LD_OK)
            return log_corrupt(log->directory, extent->number, at.sequence, error);
        extent->first_time_us = record.time_us;
        extent->first_time_known = true;
    }
    *time_us = extent->first_time_us;
    return LD_OK;
}

static size_t durable_extents(const struct evlog *log)
{
    size_t count = log->extent_count;
    while (count > 0 && log->extents[count - 1].last < log->extents[count - 1].base)
        count--;
    return count;
}

/* How many of the first count extents begin before time_us. */
static int extents_before(struct evlog *log, size_t count, int64_t time_us, size_t *before,
                          struct ld_error *error)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int64_t begins_us = 0;
        int code = first_time(log, &log->extents[middle], &begins_us, error);
        if (code != LD_OK)
            return code;
        if (begins_us < time_us)
            low = middle + 1;
        else
            high = middle;
    }
    *before = low;
    return LD_OK;
}

/* A record before time_us and near to it, by the extent's index file; false if there is none. */
static bool near_by_file(struct evlog *log, struct extent *extent, struct evlog_segment *segment,
                         int64_t time_us, struct position *at)
{
    struct ld_record record;
    const struct segment_index *index = log_index(log, extent);
    if (!index)
        return false;
    *at = index_get_block(index, index_block_before(index, time_us)).at;
    bool good = segment_record(segment, *at, &record, NULL) == LD_OK;
    if (!good)
        log_drop_index(log, extent);
    return good;
}

/* The same by the index in memory, which is completed first. LD_BUSY: max_bytes were walked for
 * that and there is more. */
static int near_by_memory(struct evlog *log, struct extent *extent, struct evlog_segment *segment,
                          int64_t time_us, uint64_t max_bytes, struct position *at,
                          struct ld_error *error)
{
    assert(!extent->indexed);
    struct position begin = extent->frontier, walked = begin;
    int code = LD_OK;
    while (code == LD_OK && walked.sequence <= extent->last) {
        if (walked.offset - begin.offset >= max_bytes)
            return ld_fail(error, LD_BUSY, "there is more to look at");
        code = log_walk(log, extent, segment, &walked, walked.sequence + 1, error);
    }
    *at = extent_before_time(extent, time_us);
    return code;
}

/* From a record before time_us, or the first, to the first that is not. */
static int walk_to_time(struct evlog *log, const struct extent *extent,
                        const struct evlog_segment *segment, int64_t time_us, struct position at,
                        uint64_t *sequence, struct ld_error *error)
{
    while (at.sequence <= extent->last) {
        struct ld_record record;
        if (segment_record(segment, at, &record, error) != LD_OK)
            return log_corrupt(log->directory, extent->number, at.sequence, error);
        if (record.time_us >= time_us)
            break;
        at.sequence++;
        at.offset += record.size;
    }
    /* The index also knows what is staged and not durable yet. */
    *sequence = at.sequence <= extent->last ? at.sequence : extent->last + 1;
    return LD_OK;
}

/* First sequence of the extent at or after time_us, or the one behind its last. */
static int find_in_extent(struct evlog *log, struct extent *extent, int64_t time_us,
                          uint64_t max_bytes, uint64_t *sequence, struct ld_error *error)
{
    struct evlog_segment *segment;
    struct position at;
    uint64_t frontier = extent->frontier.offset;
    int code = log_view(log, extent, &segment, error);
    if (code != LD_OK)
        return code;
    if (!near_by_file(log, extent, segment, time_us, &at))
        code = near_by_memory(log, extent, segment, time_us, max_bytes, &at, error);
    if (code == LD_OK)
        code = walk_to_time(log, extent, segment, time_us, at, sequence, error);
    uint64_t walked =
        extent->frontier.offset > frontier ? extent->frontier.offset - frontier : INDEX_STEP_BYTES;
    log_view_walked(extent, walked);
    return code;
}

int evlog_find_time(struct evlog *log, int64_t time_us, uint64_t max_bytes, uint64_t *sequence,
                    struct ld_error *error)
{
    size_t before = 0;
    int code = extents_before(log, durable_extents(log), time_us, &before, error);
    if (code != LD_OK)
        return code;
    if (before == 0) {
        *sequence = evlog_first(log);
        return LD_OK;
    }
    return find_in_extent(log, &log->extents[before - 1], time_us, max_bytes, sequence, error);
}

int evlog_time_near(struct evlog *log, uint64_t sequence, int64_t *time_us, struct ld_error *error)
{
    if (sequence < evlog_first(log) || sequence > log->durable)
        return ld_fail(error, LD_NOTFOUND, "sequence %" PRIu64 " is not here", sequence);
    struct extent *extent = log_find_extent(log, sequence);
    struct evlog_segment *segment;
    int code = log_view(log, extent, &segment, error);
    if (code != LD_OK)
        return code;
    struct position begin = extent_near(extent, sequence);
    begin = log_index_near(log, extent, segment, begin, sequence);
    struct position at = begin;
    struct ld_record record;
    while (at.sequence <= sequence && at.offset - begin.offset <= INDEX_STEP_BYTES) {
        code = segment_record(segment, at, &record, error);
        if (code != LD_OK)
            return log_corrupt(log->directory, extent->number, at.sequence, error);
        *time_us = record.time_us;
        at.sequence++;
        at.offset += record.size;
    }
    log_view_walked(extent, at.offset - begin.offset);
    return LD_OK;
}
