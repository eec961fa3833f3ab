/*
 * Recovery: from the files of a directory to the state of a log. Private to evlog.
 * recovery.c decides and changes nothing on disk; restore.c does what was decided.
 */
#ifndef LD_EVLOG_RECOVERY_H
#define LD_EVLOG_RECOVERY_H

#include "catalog.h"
#include "log.h"
#include "scan.h"

/* What was decided, before it is done. Zero-initialise; read the catalog into it first. */
struct recovery_plan {
    struct catalog catalog;
    size_t used;                /* entries in use, after dropping */
    size_t kept;                /* entries kept: used, and one if a spare can be used */
    struct evlog_segment *view; /* of the last one in use */
    struct extent tail_extent;  /* of the last one in use, with its index */
    struct scan tail;           /* of the last one in use */
    bool cut;
    uint64_t dropped_bytes; /* in removed segments, proven worthless */
};

/* The catalog has at least one entry. Fills in the log's id, drill and producers.
 * LD_CORRUPT, LD_VERSION, LD_INVALID, LD_NOMEM, LD_IO. */
int recovery_decide(struct evlog *log, struct recovery_plan *plan,
                    struct ld_error *error) LD_MUST_USE;
void recovery_plan_free(struct recovery_plan *plan);

/* Files that recovery leaves open for writing. */
struct recovered {
    int fd;       /* of the last segment in use; -1 when read-only */
    int spare_fd; /* of a prepared segment, -1 if there is none */
    uint64_t spare_number;
};

/* Opens the log: decides, repairs what the decision tables say, syncs; or makes a new one. Fills in
 * the log's pattern, extents, tail, durable, last time and producers. Nothing on disk is changed
 * when it fails with LD_CORRUPT. The log's options, directory and context are set; the caller holds
 * the lock and frees the log also on failure. */
int recovery_run(struct evlog *log, struct evlog_recovery *report, struct recovered *recovered,
                 struct ld_error *error) LD_MUST_USE;

#endif
