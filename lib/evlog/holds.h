/*
 * Legal holds: events that must stay in the log's directory until somebody releases them
 * (docs/log-format.md, 13). They are in the file `holds` beside the log; released ones stay in it,
 * as history. Works beside a running router; archiving looks at them and stops at the first segment
 * that one of them covers.
 *
 * Private lock: placing, releasing and archiving exclude each other (LD_LOCKED). Every function
 * blocks on the disk; a hold is durable when placing returns LD_OK.
 */
#ifndef LD_EVLOG_HOLDS_H
#define LD_EVLOG_HOLDS_H

#include "evlog.h"

#define HOLDS_FILE_NAME "holds"
#define HOLDS_LOCK_NAME "holds.lock"
enum { EVLOG_HOLDS_MAX = 4096, EVLOG_HOLD_NAME_SIZE = 128, EVLOG_HOLD_REASON_SIZE = 512 };

/* Covers the events with from <= sequence <= to and from_us <= time <= to_us; these need not have
 * happened yet. */
struct evlog_hold {
    uint64_t number;        /* 1, 2, 3, … in the order placed; never used again */
    uint64_t from, to;      /* 0 and UINT64_MAX: no bound */
    int64_t from_us, to_us; /* INT64_MIN and INT64_MAX: no bound */
    int64_t placed_us;      /* when */
    int64_t released_us;    /* 0: in force */
    char by[EVLOG_HOLD_NAME_SIZE], reason[EVLOG_HOLD_REASON_SIZE];
    char released_by[EVLOG_HOLD_NAME_SIZE], release_reason[EVLOG_HOLD_REASON_SIZE];
};

/* Zero-initialise; free with evlog_holds_free. */
struct evlog_holds {
    uint8_t id[EVLOG_ID_SIZE]; /* of the log */
    struct evlog_hold *all;    /* owned */
    size_t count;
};

/* All, released ones too; none if there is no file. LD_CORRUPT: the file is damaged, and so it is
 * not known what is held; LD_NOMEM, LD_IO. */
int evlog_holds_read(const struct ld_context *context, const char *directory,
                     struct evlog_holds *holds, struct ld_error *error) LD_MUST_USE;
void evlog_holds_free(struct evlog_holds *holds);

/* Places a hold: its range, by and reason are the caller's, number and time are filled in.
 * LD_INVALID (an empty range, no name, no reason), LD_NOTFOUND (no log there), LD_LOCKED,
 * LD_CORRUPT, LD_TOOBIG (EVLOG_HOLDS_MAX), LD_NOSPACE, LD_IO: nothing was placed, or with LD_IO it
 * is uncertain. */
int evlog_hold_place(const struct ld_context *context, const char *directory,
                     struct evlog_hold *hold, struct ld_error *error) LD_MUST_USE;
/* Releases one; by and reason are copied. Errors as above; LD_NOTFOUND: no such hold in force. */
int evlog_hold_release(const struct ld_context *context, const char *directory, uint64_t number,
                       const char *by, const char *reason, struct ld_error *error) LD_MUST_USE;

/* The first hold in force on any event of these, NULL if there is none. */
const struct evlog_hold *evlog_holds_on(const struct evlog_holds *holds, uint64_t first,
                                        uint64_t last, int64_t first_us, int64_t last_us);

/* The same as evlog_holds_read, and LD_INVALID if they are of another log than the one with id. */
int holds_read_own(const struct ld_context *context, const char *directory,
                   const uint8_t id[EVLOG_ID_SIZE], struct evlog_holds *holds,
                   struct ld_error *error) LD_MUST_USE;
/* The lock, for archiving. LD_LOCKED, LD_IO. */
int holds_lock(const struct ld_context *context, const char *directory, int *fd,
               struct ld_error *error) LD_MUST_USE;

#endif
