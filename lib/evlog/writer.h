/*
 * Batches (what is staged for one commit) and the writer that makes them durable. Private to
 * evlog. A batch belongs to the loop thread, but while a commit runs to the writer.
 */
#ifndef LD_EVLOG_WRITER_H
#define LD_EVLOG_WRITER_H

#include "histogram.h"
#include "preparer.h"

#define BATCH_RUNS_MAX 64u

/* A part of a batch that goes into one segment as one write. */
struct run {
    uint64_t number;      /* of the segment */
    uint64_t last;        /* last sequence in it */
    uint64_t file_offset; /* 0 for a new segment: the header block is part of the run */
    size_t data_offset;
    size_t size;
};

struct batch {
    uint8_t *data;
    size_t size, capacity;
    struct run runs[BATCH_RUNS_MAX];
    size_t run_count;
    size_t runs_done; /* durable; a commit that found the disk full goes on from here */
    uint64_t floor;   /* last sequence before the batch: durable before the batch is written */
};

enum writer_state { WRITER_IDLE, WRITER_RUNNING, WRITER_HERE, WRITER_DONE };

struct writer_stats {
    uint64_t segments_created;
    struct ld_histogram syncs;
    int64_t sync_us_last;
    uint64_t quick_syncs; /* in a row, up to the last one */
};

struct writer {
    const struct ld_context *context;
    struct preparer *preparer; /* borrowed */
    evlog_committed_fn *committed;
    void *committed_data;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool threaded, stop;
    enum writer_state state;
    struct batch *batch; /* borrowed while RUNNING and DONE */
    int code;            /* when DONE */
    struct ld_error error;
    /* the writer thread's own while RUNNING, else the loop thread's */
    int fd;
    int sealed_fd;   /* the one before, -1: none since the log was opened */
    uint64_t number; /* segment that fd is */
    uint64_t size_bytes;
    uint64_t written_bytes, written_syncs; /* to it, since it is ours */
    struct writer_stats stats;
};

/* Goes on writing in an open segment; fd passes to the writer also when starting fails. */
int writer_start(struct writer *writer, const struct ld_context *context, struct preparer *preparer,
                 int fd, uint64_t number, uint64_t size_bytes, bool threaded,
                 struct ld_error *error) LD_MUST_USE;
void writer_stop(struct writer *writer); /* waits for a running commit; no callback after it */

void writer_on_committed(struct writer *writer, evlog_committed_fn *fn, void *data);
bool writer_is_idle(struct writer *writer);
/* The writer is idle. Without a thread the commit is done on return. */
void writer_begin(struct writer *writer, struct batch *batch);
/* The same in the caller's thread, done on return; calls nobody back. */
void writer_commit_here(struct writer *writer, struct batch *batch);
/* If a commit is done: its batch and result, and the writer is idle again; else NULL. */
struct batch *writer_finish(struct writer *writer, int *code, struct ld_error *error);
void writer_wait(struct writer *writer); /* until no commit runs */

#endif
