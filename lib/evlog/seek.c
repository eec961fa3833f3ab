/*
 * Seeking: what the indexes of sealed segments save from being read (docs/log-format.md, 10).
 *
 * Happy path: the segment's index is among those that are kept, or is read and checked; a set of
 * filters is asked once per segment which blocks it may match, then only bits are looked at.
 * A segment without a good index is read like any other: nothing depends on an index but time.
 */
#include "log.h"

#include <assert.h>
#include <string.h>

static bool is_sealed(const struct evlog *log, const struct extent *extent)
{
    const struct extent *next = extent + 1;
    return extent != log_last_extent(log) && next->last >= next->base;
}

/* ---- indexes that are kept ---- */

static struct kept_index *least_used(struct evlog *log)
{
    struct kept_index *least = &log->indexes[0];
    for (size_t i = 1; i < KEPT_INDEXES; i++)
        if (log->indexes[i].used < least->used)
            least = &log->indexes[i];
    return least;
}

static const struct segment_index *find_kept(struct evlog *log, uint64_t number)
{
    for (size_t i = 0; i < KEPT_INDEXES; i++) {
        struct kept_index *kept = &log->indexes[i];
        if (kept->index.bytes && kept->index.of.number == number) {
            kept->used = ++log->index_uses;
            return &kept->index;
        }
    }
    return NULL;
}

static const struct segment_index *read_index(struct evlog *log, struct extent *extent)
{
    struct index_of of = {.number = extent->number, .base = extent->base, .last = extent->last};
    struct segment_index index;
    memcpy(of.id, log->pattern.id, EVLOG_ID_SIZE);
    if (index_read(log->context, log->directory, &of, &index, NULL) != LD_OK) {
        extent->indexed = false;
        extent->index_missed = log_index_generation(log);
        return NULL;
    }
    struct kept_index *kept = least_used(log);
    index_discard(&kept->index);
    *kept = (struct kept_index){.index = index, .used = ++log->index_uses};
    extent_forget_index(extent);
    return &kept->index;
}

uint64_t log_index_generation(const struct evlog *log)
{
    return log->indexing ? indexer_generation(&log->indexer) : 1;
}

const struct segment_index *log_index(struct evlog *log, struct extent *extent)
{
    if (!is_sealed(log, extent))
        return NULL;
    const struct segment_index *kept = find_kept(log, extent->number);
    if (kept || extent->index_missed == log_index_generation(log))
        return kept;
    return read_index(log, extent);
}

void log_drop_index(struct evlog *log, struct extent *extent)
{
    for (size_t i = 0; i < KEPT_INDEXES; i++)
        if (log->indexes[i].index.of.number == extent->number)
            index_discard(&log->indexes[i].index);
    extent->indexed = false;
    extent->index_missed = log_index_generation(log);
}

struct position log_index_near(struct evlog *log, struct extent *extent,
                               const struct evlog_segment *segment, struct position near,
                               uint64_t sequence)
{
    struct ld_record record;
    if (sequence == near.sequence || sequence <= extent->frontier.sequence)
        return near;
    const struct segment_index *index = log_index(log, extent);
    if (!index)
        return near;
    struct position at = index_get_block(index, index_block_of(index, sequence)).at;
    if (at.sequence <= near.sequence)
        return near;
    if (segment_record(segment, at, &record, NULL) == LD_OK)
        return at;
    log_drop_index(log, extent);
    return near;
}

/* ---- filters ---- */

static bool has_bit(const uint8_t *blocks, uint32_t i)
{
    return (blocks[i / 8] >> i % 8 & 1) != 0;
}

static bool is_empty(const uint8_t blocks[BLOCK_BITMAP_BYTES])
{
    uint8_t any = 0;
    for (size_t i = 0; i < BLOCK_BITMAP_BYTES; i++)
        any |= blocks[i];
    return any == 0;
}

/* Asks the index of the extent, unless it has been asked; false if there is none. */
static bool select_blocks(struct evlog *log, struct evlog_selection *selection,
                          struct extent *extent)
{
    if (selection->number == extent->number)
        return true;
    const struct segment_index *index = log_index(log, extent);
    if (!index)
        return false;
    memset(selection->blocks, 0, sizeof selection->blocks);
    for (size_t i = 0; i < selection->count; i++)
        index_select(index, selection->filters[i].text, selection->filters[i].size,
                     selection->blocks);
    selection->number = extent->number;
    return true;
}

/* The first selected blocks from sequence on, without a gap; false if there are none. */
static bool find_run(const struct segment_index *index, const uint8_t *blocks, uint64_t *sequence,
                     size_t *max_bytes)
{
    uint32_t begin = index_block_of(index, *sequence);
    while (begin < index->block_count && !has_bit(blocks, begin))
        begin++;
    if (begin == index->block_count)
        return false;
    uint32_t end = begin;
    while (end < index->block_count && has_bit(blocks, end))
        end++;
    struct index_block first = index_get_block(index, begin);
    uint64_t end_offset =
        end < index->block_count ? index_get_block(index, end).at.offset : index->end;
    if (first.at.sequence > *sequence)
        *sequence = first.at.sequence;
    *max_bytes = (size_t)(end_offset - first.at.offset);
    return true;
}

uint64_t evlog_seek(struct evlog *log, struct evlog_selection *selection, uint64_t sequence,
                    size_t *max_bytes)
{
    static_assert(sizeof selection->blocks == BLOCK_BITMAP_BYTES, "one bit a block");
    *max_bytes = SIZE_MAX;
    if (sequence < evlog_first(log))
        return sequence;
    for (int i = 0; i < EVLOG_SEEK_SEGMENTS && sequence <= log->durable; i++) {
        struct extent *extent = log_find_extent(log, sequence);
        if (!is_sealed(log, extent) || !select_blocks(log, selection, extent))
            return sequence;
        if (!is_empty(selection->blocks)) {
            const struct segment_index *index = log_index(log, extent);
            if (!index || find_run(index, selection->blocks, &sequence, max_bytes))
                return sequence;
        }
        sequence = extent->last + 1;
    }
    *max_bytes = 0;
    return sequence;
}
