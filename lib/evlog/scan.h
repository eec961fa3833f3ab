/*
 * Scanning one segment: its good records, what follows them, and what that proves. Private to
 * evlog; used by recovery and by the offline tools.
 */
#ifndef LD_EVLOG_SCAN_H
#define LD_EVLOG_SCAN_H

#include "catalog.h"
#include "extent.h"
#include "producers.h"

struct scan {
    /* in */
    const struct evlog_segment *segment;
    struct extent *extent;       /* its index grows; may be NULL */
    struct producers *producers; /* raised by every good record; may be NULL */
    bool expects_checkpoint;
    uint64_t mark;      /* last sequence that the mark says was durable */
    struct position at; /* first record; then: behind the last good one */
    /* out */
    int64_t last_time_us;
    struct position commit; /* first good record of the last commit here; offset 0: none */
    uint64_t floor;         /* of that commit */
    bool begun;             /* the checkpoint is complete, or none is expected */
    enum body_state rest;
    uint64_t rest_end;     /* behind the last byte that is not zero, at.offset if none */
    uint64_t proof;        /* the sequence that proves a lost event durable, 0 if none */
    struct ld_error error; /* why the record at `at` is not good */
    uint64_t repeated;     /* first event whose producer sequence does not increase, 0 if none */
    uint64_t backward;     /* first event whose time is before the one before it, 0 if none */
};

/* Walks the records with both checksums and judges the rest. LD_OK also when something is wrong;
 * LD_CORRUPT, LD_VERSION or LD_NOMEM when a checkpoint cannot be applied. */
int scan_segment(struct scan *scan, struct ld_error *error) LD_MUST_USE;

/* What the bytes from `at` (a record's place) on are, and rest_end, proof. */
void scan_rest(struct scan *scan);

/* What is in a segment that is not in use, where the log would go on with sequence. */
int scan_unused(const struct ld_context *context, const char *directory,
                const struct catalog_entry *entry, uint64_t sequence, uint64_t mark,
                struct scan *scan, struct ld_error *error) LD_MUST_USE;

/* For tools: moves `at` behind the damage, to the next record that can belong there, and counts on
 * from it. False if there is none. */
bool scan_resume(struct scan *scan);

#endif
