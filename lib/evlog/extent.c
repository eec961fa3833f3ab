/*
 * Extents, views and the sparse index.
 *
 * The index grows at its frontier only: while events are staged, and while records are walked for
 * the first time. So it is always dense up to the frontier and nothing is read just to build it.
 * When memory ends an entry is left out, which only makes a later search longer. A view is mapped
 * when somebody reads and unmapped when the last holder lets go, on whichever thread that is.
 */
#include "extent.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void extent_init(struct extent *extent, uint64_t number, uint64_t base, uint64_t last,
                 uint64_t size_bytes)
{
    struct position first = {.sequence = base, .offset = SEGMENT_HEADER_SIZE};
    *extent = (struct extent){.number = number,
                              .base = base,
                              .last = last,
                              .size_bytes = size_bytes,
                              .frontier = first,
                              .hints = {first, first}};
}

void extent_free(struct extent *extent)
{
    segment_drop(extent->segment);
    free(extent->index);
    extent->segment = NULL;
    extent->index = NULL;
}

static bool index_reserve(struct extent *extent)
{
    if (extent->index_count < extent->index_capacity)
        return true;
    size_t capacity = extent->index_capacity ? 2 * extent->index_capacity : 16;
    struct index_entry *grown = realloc(extent->index, capacity * sizeof *grown);
    if (!grown)
        return false;
    extent->index = grown;
    extent->index_capacity = capacity;
    return true;
}

static void index_add(struct extent *extent, struct position at, int64_t time_us)
{
    if (extent->index_count > 0 &&
        at.offset < extent->index[extent->index_count - 1].at.offset + INDEX_STEP_BYTES)
        return;
    if (index_reserve(extent))
        extent->index[extent->index_count++] = (struct index_entry){.at = at, .time_us = time_us};
}

void extent_note_new(struct extent *extent, struct position at, int64_t time_us,
                     uint64_t next_offset)
{
    assert(at.offset == extent->frontier.offset && next_offset > at.offset);
    if (at.sequence == extent->base) {
        extent->first_time_us = time_us;
        extent->first_time_known = true;
    }
    index_add(extent, at, time_us);
    extent->frontier = (struct position){.sequence = at.sequence + 1, .offset = next_offset};
}

void extent_forget_index(struct extent *extent)
{
    free(extent->index);
    extent->index = NULL;
    extent->index_count = extent->index_capacity = 0;
    extent->frontier = (struct position){.sequence = extent->base, .offset = SEGMENT_HEADER_SIZE};
    extent->indexed = true;
}

static struct position later_of(struct position best, struct position other, uint64_t sequence)
{
    return other.sequence <= sequence && other.sequence > best.sequence ? other : best;
}

struct position extent_near(const struct extent *extent, uint64_t sequence)
{
    size_t low = 0, high = extent->index_count; /* entries before low are at or before sequence */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (extent->index[middle].at.sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    struct position best = {.sequence = extent->base, .offset = SEGMENT_HEADER_SIZE};
    if (low > 0)
        best = extent->index[low - 1].at;
    best = later_of(best, extent->frontier, sequence);
    best = later_of(best, extent->hints[0], sequence);
    return later_of(best, extent->hints[1], sequence);
}

struct position extent_before_time(const struct extent *extent, int64_t time_us)
{
    size_t low = 0, high = extent->index_count; /* entries before low are before time_us */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (extent->index[middle].time_us < time_us)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0)
        return extent->index[low - 1].at;
    return (struct position){.sequence = extent->base, .offset = SEGMENT_HEADER_SIZE};
}

/* ---- views ---- */

static int check_file_size(const struct ld_context *context, int fd, uint64_t size_bytes,
                           struct ld_error *error)
{
    uint64_t found;
    int code = disk_size(context, fd, &found, error);
    if (code != LD_OK || found == size_bytes)
        return code;
    return ld_fail(error, LD_CORRUPT, "file has %" PRIu64 " bytes, expected %" PRIu64, found,
                   size_bytes);
}

int segment_map(const struct ld_context *context, const char *directory, uint64_t number,
                uint64_t size_bytes, struct evlog_segment **out, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    int fd;
    segment_path(path, directory, number);
    struct evlog_segment *segment = calloc(1, sizeof *segment);
    if (!segment)
        return ld_fail(error, LD_NOMEM, "no memory to map %s", path);
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        goto free_segment;
    code = check_file_size(context, fd, size_bytes, error);
    if (code == LD_OK)
        code = disk_map(context, fd, (size_t)size_bytes, &segment->view, error);
    disk_close(context, fd);
    if (code != LD_OK)
        goto free_segment;
    segment->context = context;
    segment->size_bytes = (size_t)size_bytes;
    atomic_init(&segment->holders, 1);
    *out = segment;
    return LD_OK;

free_segment:
    free(segment);
    return code;
}

void segment_hold(struct evlog_segment *segment)
{
    unsigned before = atomic_fetch_add_explicit(&segment->holders, 1, memory_order_relaxed);
    assert(before > 0);
    (void)before;
}

void segment_drop(struct evlog_segment *segment)
{
    if (!segment)
        return;
    unsigned before = atomic_fetch_sub_explicit(&segment->holders, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before > 1)
        return;
    disk_unmap(segment->context, segment->view, segment->size_bytes);
    free(segment);
}

int segment_record(const struct evlog_segment *segment, struct position at,
                   struct ld_record *record, struct ld_error *error)
{
    if (at.offset + LD_RECORD_HEADER_SIZE > segment->size_bytes)
        return ld_fail(error, LD_CORRUPT, "the segment ends at offset %" PRIu64, at.offset);
    int code =
        ld_record_decode(segment->view + at.offset, segment->size_bytes - at.offset, record, error);
    if (code != LD_OK)
        return ld_wrap(error, LD_CORRUPT, "offset %" PRIu64, at.offset);
    if (record->sequence != at.sequence)
        return ld_fail(error, LD_CORRUPT, "offset %" PRIu64 " has sequence %" PRIu64, at.offset,
                       record->sequence);
    return LD_OK;
}
