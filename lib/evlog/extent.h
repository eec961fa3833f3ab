/*
 * Extents: what is known about each segment file, its shared view and its sparse index. Private to
 * evlog; extents belong to the loop thread, views are counted and may be released anywhere.
 */
#ifndef LD_EVLOG_EXTENT_H
#define LD_EVLOG_EXTENT_H

#include <stdatomic.h>
#include "segment.h"

#define INDEX_STEP_BYTES UINT64_C(65536)

/* A mapped segment file. Lives as long as somebody holds it. */
struct evlog_segment {
    const struct ld_context *context;
    const uint8_t *view;
    size_t size_bytes;
    uint64_t walked_bytes; /* since it was mapped; the loop thread's */
    atomic_uint holders;
};

struct position {
    uint64_t sequence;
    uint64_t offset;
};

struct index_entry {
    struct position at;
    int64_t time_us;
};

struct extent {
    uint64_t number;
    uint64_t base;
    uint64_t last;       /* last durable sequence, base - 1 if none */
    uint64_t size_bytes; /* of the file */
    int64_t first_time_us;
    bool first_time_known;
    struct evlog_segment *segment; /* NULL unless mapped and kept */
    struct index_entry *index;     /* about one per INDEX_STEP_BYTES, up to frontier */
    size_t index_count, index_capacity;
    struct position frontier; /* first record that the index has not seen */
    bool indexed;             /* its file has an index, so that none is kept here */
    uint64_t index_missed;    /* generation (indexer.h) at which it had none; 0: not looked yet */
    struct position hints[2]; /* beginning and end of the latest span */
};

void extent_init(struct extent *extent, uint64_t number, uint64_t base, uint64_t last,
                 uint64_t size_bytes);
void extent_free(struct extent *extent);

void extent_note_new(struct extent *extent, struct position at, int64_t time_us,
                     uint64_t next_offset);
/* Tells the index that a record is at a position; ignored unless it is the frontier. */
static inline void extent_note(struct extent *extent, struct position at, int64_t time_us,
                               uint64_t next_offset)
{
    if (at.sequence == extent->frontier.sequence && !extent->indexed)
        extent_note_new(extent, at, time_us, next_offset);
}
/* The segment's index file takes over: forgets the index here. */
void extent_forget_index(struct extent *extent);
/* Where to begin looking for sequence: the nearest known record at or before it. */
struct position extent_near(const struct extent *extent, uint64_t sequence);
/* The nearest indexed record whose time is before time_us, or the first record. */
struct position extent_before_time(const struct extent *extent, int64_t time_us);

/* Maps a segment file: one holder. */
int segment_map(const struct ld_context *context, const char *directory, uint64_t number,
                uint64_t size_bytes, struct evlog_segment **out,
                struct ld_error *error) LD_MUST_USE;
void segment_hold(struct evlog_segment *segment);
void segment_drop(struct evlog_segment *segment); /* NULL is legal */

/* Decodes the record at a position and checks that it is the one expected there.
 * LD_OK or LD_CORRUPT with the reason. */
int segment_record(const struct evlog_segment *segment, struct position at,
                   struct ld_record *record, struct ld_error *error) LD_MUST_USE;

#endif
