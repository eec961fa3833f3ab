/*
 * Recovery: what opening a log finds, decides and does.
 *
 * Happy path: read the headers of all segments, check their chain, scan the last one in use (its
 * checkpoint gives the producers' positions up to there), sync it, write the mark, go on behind its
 * last record in the segment that is already prepared.
 *
 * Everything is decided before anything is changed. What follows from what, and why:
 *
 *  A. header of a segment          a later segment in use     none later in use
 *     ------------------------     ----------------------     -----------------
 *     in use                       use                        use
 *     prepared                     REFUSE (header rolled back) see C
 *     bad (checksum, number, size) REFUSE                      see C
 *     other log, drill differs,    REFUSE                      REFUSE
 *     number or base out of order
 *
 *  B. last segment in use,         rest is   bytes without    bytes or mark that prove a
 *     behind its last good record  zeros     proof            missing event durable
 *     ------------------------     -------   -------------    --------------------------
 *     has its checkpoint           use       cut              REFUSE
 *     checkpoint incomplete        drop      drop             REFUSE
 *
 *     A segment is in use from the first commit written to it, and that commit holds the whole
 *     checkpoint: without it nothing in the segment was ever acknowledged, and the file goes. Then
 *     the segment before it is the last, and must be whole (a run is synced before the next is
 *     written): its last record right before the dropped base and zeros behind, else REFUSE.
 *
 *  C. above the last one in use    body zeros   bytes without proof   proof
 *     ------------------------     ----------   -------------------   ------
 *     prepared                     reuse        drop                  REFUSE
 *     bad header                   drop         REFUSE                REFUSE
 *
 *  Temporary files were being made: removed. No segment in use at all: a new log if the directory
 *  has no segment files, else REFUSE. What proof is, is told in scan.c.
 *
 * Failures leave the directory as it was, but for LD_IO and LD_NOSPACE while repairing: those
 * repeat safely at the next open, as each step only removes what was decided to be worthless.
 */
#include "recovery.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static int refuse(const struct evlog *log, const struct catalog_entry *entry, uint64_t sequence,
                  int code, struct ld_error *error)
{
    if (code != LD_CORRUPT) {
        char name[SEGMENT_NAME_SIZE];
        segment_name(name, entry->number);
        return ld_wrap(error, code, "segment %s", name);
    }
    return log_corrupt(log->directory, entry->number, sequence, error);
}

/* ---- deciding ---- */

static int check_catalog(const struct evlog *log, const struct catalog *catalog, size_t used,
                         struct ld_error *error)
{
    for (size_t i = 0; i < catalog->count; i++) {
        const struct catalog_entry *entry = &catalog->entries[i];
        const struct catalog_entry *before = i > 0 ? entry - 1 : NULL;
        int code = i < used ? catalog_check(catalog, i, error)
                            : catalog_check_spare(entry, used > 0 ? before : NULL, error);
        if (code != LD_OK)
            return refuse(log, entry, entry->header.base, code, error);
    }
    return LD_OK;
}

static int check_options(struct evlog *log, const struct segment_header *header,
                         struct ld_error *error)
{
    if (!log->options.read_only && header->drill != log->options.drill)
        return ld_fail(error, LD_INVALID, "%s is %s log, but was opened as %s log", log->directory,
                       header->drill ? "a drill" : "an actual",
                       log->options.drill ? "a drill" : "an actual");
    memcpy(log->pattern.id, header->id, EVLOG_ID_SIZE);
    log->pattern.drill = header->drill;
    return LD_OK;
}

/* Scans entry, which becomes the plan's tail. */
static int scan_entry(struct evlog *log, struct recovery_plan *plan,
                      const struct catalog_entry *entry, struct ld_error *error)
{
    segment_drop(plan->view);
    plan->view = NULL;
    extent_free(&plan->tail_extent);
    producers_free(&log->producers);
    extent_init(&plan->tail_extent, entry->number, entry->header.base, entry->header.base - 1,
                entry->file_bytes);
    int code = segment_map(log->context, log->directory, entry->number, entry->file_bytes,
                           &plan->view, error);
    if (code != LD_OK)
        return refuse(log, entry, entry->header.base, code, error);
    plan->tail = (struct scan){
        .segment = plan->view,
        .extent = &plan->tail_extent,
        .producers = &log->producers,
        .expects_checkpoint = entry->number > 1,
        .mark = catalog_mark_at(&plan->catalog, (size_t)(entry - plan->catalog.entries)),
        .at = {.sequence = entry->header.base, .offset = SEGMENT_HEADER_SIZE},
    };
    code = scan_segment(&plan->tail, error);
    return code == LD_OK ? LD_OK : refuse(log, entry, plan->tail.at.sequence, code, error);
}

static int refuse_tail(const struct evlog *log, const struct recovery_plan *plan,
                       const struct catalog_entry *entry, struct ld_error *error)
{
    const struct scan *tail = &plan->tail;
    if (tail->proof > 0)
        (void)ld_fail(error, LD_CORRUPT, "%.200s, though event %" PRIu64 " proves it was durable",
                      tail->error.text, tail->proof);
    else
        (void)ld_fail(error, LD_CORRUPT, "%.200s, though a later segment was begun",
                      tail->error.text);
    return log_corrupt(log->directory, entry->number, tail->at.sequence, error);
}

/* The segment above was dropped: this one must be whole. */
static int decide_before_dropped(struct evlog *log, struct recovery_plan *plan,
                                 uint64_t dropped_base, struct ld_error *error)
{
    const struct catalog_entry *entry = &plan->catalog.entries[plan->used - 1];
    int code = scan_entry(log, plan, entry, error);
    if (code != LD_OK)
        return code;
    bool complete = plan->tail.begun && plan->tail.at.sequence == dropped_base;
    if (decide_sealed(complete, plan->tail.rest) == RECOVERY_USE)
        return LD_OK;
    return refuse_tail(log, plan, entry, error);
}

static int decide_last(struct evlog *log, struct recovery_plan *plan, struct ld_error *error)
{
    const struct catalog_entry *entry = &plan->catalog.entries[plan->used - 1];
    int code = scan_entry(log, plan, entry, error);
    if (code != LD_OK)
        return code;
    switch (decide_tail(plan->tail.begun, plan->tail.rest)) {
    case RECOVERY_USE:
        return LD_OK;
    case RECOVERY_CUT:
        plan->cut = true;
        return LD_OK;
    case RECOVERY_DROP:
        assert(plan->used > 1); /* the first segment needs no checkpoint */
        plan->dropped_bytes += plan->tail.rest_end - SEGMENT_HEADER_SIZE;
        plan->used--;
        return decide_before_dropped(log, plan, entry->header.base, error);
    case RECOVERY_REFUSE:
        break;
    }
    return refuse_tail(log, plan, entry, error);
}

static int decide_one_spare(struct evlog *log, struct recovery_plan *plan, size_t i,
                            struct ld_error *error)
{
    const struct catalog_entry *entry = &plan->catalog.entries[i];
    struct scan scan;
    int code = scan_unused(log->context, log->directory, entry, plan->tail.at.sequence,
                           catalog_mark_at(&plan->catalog, i), &scan, error);
    if (code != LD_OK)
        return refuse(log, entry, plan->tail.at.sequence, code, error);
    switch (decide_spare(entry->state, scan.rest)) {
    case RECOVERY_USE:
        if (i == plan->used && entry->file_bytes == log->pattern.size_bytes)
            plan->kept = plan->used + 1;
        return LD_OK;
    case RECOVERY_DROP:
        plan->dropped_bytes += scan.rest_end - SEGMENT_HEADER_SIZE;
        return LD_OK;
    case RECOVERY_CUT:
    case RECOVERY_REFUSE:
        break;
    }
    (void)ld_fail(error, LD_CORRUPT, "%s, but the segment is not empty",
                  entry->state == HEADER_BAD ? entry->reason : "marked as not in use");
    return log_corrupt(log->directory, entry->number, plan->tail.at.sequence, error);
}

/* used_before: how many were in use before one may have been dropped. */
static int decide_spares(struct evlog *log, struct recovery_plan *plan, size_t used_before,
                         struct ld_error *error)
{
    plan->kept = plan->used;
    for (size_t i = used_before; i < plan->catalog.count; i++) {
        int code = decide_one_spare(log, plan, i, error);
        if (code != LD_OK)
            return code;
    }
    return LD_OK;
}

int recovery_decide(struct evlog *log, struct recovery_plan *plan, struct ld_error *error)
{
    plan->used = catalog_used(&plan->catalog);
    size_t used_before = plan->used;
    int code = check_catalog(log, &plan->catalog, plan->used, error);
    if (code == LD_OK)
        code = check_options(log, &plan->catalog.entries[0].header, error);
    if (code == LD_OK)
        code = decide_last(log, plan, error);
    if (code == LD_OK)
        code = decide_spares(log, plan, used_before, error);
    return code;
}

void recovery_plan_free(struct recovery_plan *plan)
{
    segment_drop(plan->view);
    extent_free(&plan->tail_extent);
    catalog_free(&plan->catalog);
}
