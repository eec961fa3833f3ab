/*
 * The open log: what evlog's files share. Private to evlog; everything here belongs to the loop
 * thread, but for the batch that the writer has while a commit runs.
 */
#ifndef LD_EVLOG_LOG_H
#define LD_EVLOG_LOG_H

#include "extent.h"
#include "indexer.h"
#include "mark.h"
#include "producers.h"
#include "writer.h"

#define KEPT_VIEWS      2u
#define KEPT_INDEXES    8u
#define VIEW_WALK_BYTES (UINT64_C(2) << 20) /* after so much a view is dropped and mapped anew */

struct kept_index {
    struct segment_index index; /* bytes NULL: none */
    uint64_t used;              /* when last */
};

struct evlog {
    const struct ld_context *context;
    char *directory;
    struct evlog_options options;
    struct segment_header pattern; /* id, drill and size of every new segment */
    int lock_fd;                   /* -1 when read-only */

    struct extent *extents; /* one per segment in use, oldest first, at least one */
    size_t extent_count, extent_capacity;
    struct position tail; /* where the next staged record goes, in the last extent */
    uint64_t durable;
    int64_t last_time_us; /* of the last staged event */
    int64_t stamp_us;     /* of the event that is being staged */
    struct producers producers;

    /* writing; not there when read-only */
    bool writable;
    struct preparer preparer;
    struct writer writer;
    struct batch batches[2];
    struct batch *filling;  /* what stage appends to */
    struct batch *retained; /* NULL, or a batch that found the disk full and waits */
    bool failed;
    struct ld_error failure; /* when failed */

    bool indexing;
    struct indexer indexer; /* when indexing */
    struct kept_index indexes[KEPT_INDEXES];
    uint64_t index_uses;

    uint64_t kept[KEPT_VIEWS]; /* numbers of the extents whose view is kept, 0: none */
    struct evlog_stats stats;
};

static inline struct extent *log_last_extent(const struct evlog *log)
{
    return &log->extents[log->extent_count - 1];
}

/* Makes room for one more extent. */
bool log_reserve_extent(struct evlog *log);
/* Appends one; there is room. */
struct extent *log_add_extent(struct evlog *log, uint64_t number, uint64_t base, uint64_t last,
                              uint64_t size_bytes);

/* The extent that has sequence (first <= sequence). */
struct extent *log_find_extent(const struct evlog *log, uint64_t sequence);
/* The extent's view, mapped if need be; borrowed. */
int log_view(struct evlog *log, struct extent *extent, struct evlog_segment **segment,
             struct ld_error *error) LD_MUST_USE;
/* Tells that so much of the view was read. Pages that were read count as the process's memory until
 * they are unmapped, so a view is not kept for long; who holds a span keeps its view. */
void log_view_walked(struct extent *extent, uint64_t bytes);
/* Walks from a known position up to sequence (at most last + 1), checking every header. */
int log_walk(struct evlog *log, struct extent *extent, struct evlog_segment *segment,
             struct position *at, uint64_t sequence, struct ld_error *error) LD_MUST_USE;
/* LD_CORRUPT with segment, sequence, the reason that is in error and what to do. */
int log_corrupt(const char *directory, uint64_t number, uint64_t sequence, struct ld_error *error);

/* The index of a sealed extent, NULL if it has no good one; borrowed until the next call. */
const struct segment_index *log_index(struct evlog *log, struct extent *extent);
/* It says what is not so: goes on without it. */
void log_drop_index(struct evlog *log, struct extent *extent);
/* Changes when there may be indexes that were missing. */
uint64_t log_index_generation(const struct evlog *log);
/* A record at or before sequence that is at least as near to it as near, by the index if it helps.
 */
struct position log_index_near(struct evlog *log, struct extent *extent,
                               const struct evlog_segment *segment, struct position near,
                               uint64_t sequence);

/* Moves what is durable, after a commit: the runs of the batch that are done. */
void log_advance(struct evlog *log, const struct batch *batch);

#endif
