/*
 * The preparer: makes the next segment in a thread of its own before it is needed, so that
 * rolling over is a write and never waits for a disk to fill a new file. Private to evlog.
 * request, state, take may be called from different threads.
 */
#ifndef LD_EVLOG_PREPARER_H
#define LD_EVLOG_PREPARER_H

#include <pthread.h>
#include "segment.h"

/*
 *            request             done
 *   IDLE ───────────> WORKING ────────> READY ── take ──> IDLE
 *    ^                   │ failed
 *    └── take, request ──┴─> FAILED (take and, after a second, request try again)
 */
enum preparer_state { PREPARER_IDLE, PREPARER_WORKING, PREPARER_READY, PREPARER_FAILED };

struct preparer {
    const struct ld_context *context;
    const char *directory;        /* borrowed */
    struct segment_header header; /* of the segment being made; base 0 */
    enum segment_body body;       /* of the same */
    uint64_t reserve_bytes;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    pthread_t thread;
    bool threaded, stop;
    enum preparer_state state;
    int fd; /* when READY */
    int64_t retry_at_us;
};

/* header is the pattern for all segments (id, drill, size). Without a thread, request does the
 * work before it returns. */
int preparer_start(struct preparer *preparer, const struct ld_context *context,
                   const char *directory, const struct segment_header *header,
                   uint64_t reserve_bytes, bool threaded, struct ld_error *error) LD_MUST_USE;
/* Gives up what is under way (its file is removed), joins, closes. */
void preparer_stop(struct preparer *preparer);

/* A segment that was found prepared at open; fd passes to the preparer. */
void preparer_adopt(struct preparer *preparer, uint64_t number, int fd);
/* Starts making segment number unless it is there, under way, or failed less than 1 s ago. */
void preparer_request(struct preparer *preparer, uint64_t number, enum segment_body body);
/* Is segment number ready, so that take(number) cannot find the disk full? */
bool preparer_has(struct preparer *preparer, uint64_t number);
/* Hands out the segment, made here and now if need be. LD_NOSPACE, LD_IO. */
int preparer_take(struct preparer *preparer, uint64_t number, int *fd,
                  struct ld_error *error) LD_MUST_USE;

#endif
