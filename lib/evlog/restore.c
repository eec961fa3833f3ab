/*
 * Doing what recovery has decided, or making a new log.
 *
 * Happy path: remove what is worthless (temporary files; segments above the last one, from the
 * top, so that a crash in between leaves no gap), sync the names, cut the torn tail, write the last
 * commit again, sync the last segment - what a killed process left in memory becomes durable before
 * anybody can see it - and write the mark, so that from now on damage to any of it is known to be
 * damage. Failures are those of the disk; every step can be repeated by the next open.
 */
#include "recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- changing files ---- */

static int remove_temporary(const char *name, void *data)
{
    const struct evlog *log = data;
    char path[SEGMENT_PATH_SIZE];
    if (segment_is_temporary(name) &&
        snprintf(path, sizeof path, "%s/%s", log->directory, name) < (int)sizeof path)
        (void)disk_remove(log->context, path, NULL);
    return 0;
}

/* The names of the segments and of the log itself: a process that was killed while it made them may
 * have left them unsynced, and what is appended from now on must not vanish with a name. */
static int sync_names(struct evlog *log, struct ld_error *error)
{
    int code = disk_sync_directory(log->context, log->directory, error);
    return code == LD_OK ? segment_sync_parent(log->context, log->directory, error) : code;
}

static int remove_worthless(struct evlog *log, const struct recovery_plan *plan,
                            struct ld_error *error)
{
    const struct catalog *catalog = &plan->catalog;
    int code = LD_OK;
    if (catalog->temporary_count > 0)
        code = disk_list(log->context, log->directory, remove_temporary, log, error);
    for (size_t i = catalog->count; i > plan->kept && code == LD_OK; i--) {
        char path[SEGMENT_PATH_SIZE];
        segment_path(path, log->directory, catalog->entries[i - 1].number);
        code = disk_remove(log->context, path, error);
    }
    return code;
}

/* A sync that failed may have left the last commit in memory only, where no later sync looks for it
 * (Linux takes the pages for written): what no mark speaks for is written once more. */
static int rewrite_last_commit(struct evlog *log, const struct recovery_plan *plan, int fd,
                               struct ld_error *error)
{
    const struct scan *tail = &plan->tail;
    uint64_t begin = tail->commit.offset;
    if (begin == 0 || tail->mark >= tail->at.sequence - 1)
        return LD_OK;
    if (begin == SEGMENT_HEADER_SIZE)
        begin = 0; /* the header was part of it */
    return disk_write(log->context, fd, begin, plan->view->view + begin,
                      (size_t)(tail->at.offset - begin), error);
}

static int repair_tail(struct evlog *log, const struct recovery_plan *plan, int fd,
                       struct ld_error *error)
{
    const struct scan *tail = &plan->tail;
    int code = LD_OK;
    if (plan->cut)
        code = segment_zero(log->context, fd, tail->at.offset, tail->rest_end, error);
    if (code == LD_OK)
        code = rewrite_last_commit(log, plan, fd, error);
    if (code == LD_OK)
        code = disk_sync(log->context, fd, error);
    if (code != LD_OK)
        return code;
    /* also if it says so already: a repair that was killed may have lowered it in memory only */
    code = mark_write(log->context, log->lock_fd, log->pattern.id, tail->at.sequence - 1, error);
    return code == LD_NOSPACE ? LD_OK : code; /* never needed: a full disk is no reason to stop */
}

static int open_segment(struct evlog *log, uint64_t number, int *fd, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    segment_path(path, log->directory, number);
    return disk_open(log->context, path, LD_OPEN_WRITE, fd, error);
}

static int restore_files(struct evlog *log, const struct recovery_plan *plan,
                         struct recovered *recovered, struct ld_error *error)
{
    const struct catalog_entry *last = &plan->catalog.entries[plan->used - 1];
    int code = remove_worthless(log, plan, error);
    if (code == LD_OK)
        code = sync_names(log, error);
    if (code == LD_OK)
        code = open_segment(log, last->number, &recovered->fd, error);
    if (code == LD_OK)
        code = repair_tail(log, plan, recovered->fd, error);
    if (code != LD_OK || plan->kept == plan->used)
        return code;
    recovered->spare_number = last->number + 1;
    return open_segment(log, recovered->spare_number, &recovered->spare_fd, error);
}

/* ---- the log's state ---- */

static int restore_extents(struct evlog *log, struct recovery_plan *plan, struct ld_error *error)
{
    for (size_t i = 0; i < plan->used; i++) {
        const struct segment_header *header = &plan->catalog.entries[i].header;
        uint64_t next =
            i + 1 < plan->used ? plan->catalog.entries[i + 1].header.base : plan->tail.at.sequence;
        if (!log_reserve_extent(log))
            return ld_fail(error, LD_NOMEM, "no memory for %zu segments", plan->used);
        log_add_extent(log, header->number, header->base, next - 1, header->size_bytes);
    }
    uint64_t last = log_last_extent(log)->last;
    *log_last_extent(log) = plan->tail_extent; /* with its index */
    log_last_extent(log)->last = last;
    plan->tail_extent = (struct extent){0};
    return LD_OK;
}

static int restore_state(struct evlog *log, struct recovery_plan *plan, struct ld_error *error)
{
    log->tail = plan->tail.at;
    log->durable = plan->tail.at.sequence - 1;
    log->last_time_us = plan->tail.last_time_us;
    return restore_extents(log, plan, error);
}

static void fill_report(const struct evlog *log, const struct recovery_plan *plan,
                        struct evlog_recovery *report)
{
    uint64_t torn = plan->cut ? plan->tail.rest_end - plan->tail.at.offset : 0;
    *report = (struct evlog_recovery){.segments = log->extent_count,
                                      .first_sequence = log->extents[0].base,
                                      .head = log->durable,
                                      .torn_bytes = torn + plan->dropped_bytes};
}

/* ---- a new log ---- */

static int create(struct evlog *log, struct evlog_recovery *report, struct recovered *recovered,
                  struct ld_error *error)
{
    if (log->options.read_only)
        return ld_fail(error, LD_NOTFOUND, "there is no log in %s", log->directory);
    log->context->random(log->context->self, log->pattern.id, EVLOG_ID_SIZE);
    log->pattern.drill = log->options.drill;
    struct segment_header header = log->pattern;
    header.number = 1;
    header.base = 1;
    if (!log_reserve_extent(log))
        return ld_fail(error, LD_NOMEM, "no memory for a log");
    int code = segment_make(log->context, log->directory, &header, SEGMENT_WRITTEN,
                            log->options.reserve_bytes, NULL, NULL, &recovered->fd, error);
    if (code == LD_OK)
        code = segment_sync_parent(log->context, log->directory, error);
    if (code != LD_OK)
        return code;
    log_add_extent(log, header.number, header.base, 0, header.size_bytes);
    log->tail = (struct position){.sequence = 1, .offset = SEGMENT_HEADER_SIZE};
    *report = (struct evlog_recovery){.segments = 1, .first_sequence = 1, .created = true};
    return LD_OK;
}

static int restore(struct evlog *log, struct recovery_plan *plan, struct evlog_recovery *report,
                   struct recovered *recovered, struct ld_error *error)
{
    int code = recovery_decide(log, plan, error);
    if (code == LD_OK && !log->options.read_only)
        code = restore_files(log, plan, recovered, error);
    if (code == LD_OK)
        code = restore_state(log, plan, error);
    if (code == LD_OK)
        fill_report(log, plan, report);
    return code;
}

int recovery_run(struct evlog *log, struct evlog_recovery *report, struct recovered *recovered,
                 struct ld_error *error)
{
    struct recovery_plan plan = {0};
    *recovered = (struct recovered){.fd = -1, .spare_fd = -1};
    int code = catalog_read(log->context, log->directory, &plan.catalog, error);
    if (code == LD_OK && plan.catalog.count == 0 && plan.catalog.archived.count > 0)
        code = ld_fail(error, LD_CORRUPT,
                       "%s has no segments, but a list of archived ones (up to sequence %" PRIu64
                       "): put the segments back, or `liandong log restore`",
                       log->directory,
                       plan.catalog.archived.entries[plan.catalog.archived.count - 1].link.last);
    else if (code == LD_OK && plan.catalog.count == 0)
        code = create(log, report, recovered, error);
    else if (code == LD_OK)
        code = restore(log, &plan, report, recovered, error);
    recovery_plan_free(&plan);
    if (code == LD_OK)
        return LD_OK;
    disk_close(log->context, recovered->fd);
    disk_close(log->context, recovered->spare_fd);
    return code;
}
