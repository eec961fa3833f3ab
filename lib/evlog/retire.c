/*
 * Retiring: an open log lets go of its oldest segment, which was archived beside it (archive.c)
 * (docs/log-format.md, 12).
 *
 * Happy path: check says that the segment is sealed, listed, and under no legal hold; the caller
 * makes durable what it has to say about it; evlog_retire forgets it, so that the log begins with
 * the next one; evlog_retire_remove removes the file, in any thread. Spans that are held stay good,
 * as their view lives on until the last one is released.
 * Failures: check changes nothing. A file that cannot be removed, or a cut before it is, leaves the
 * segment in the directory: the log begins with it again when it is opened the next time.
 */
#include <inttypes.h>
#include <string.h>
#include "archived.h"
#include "holds.h"
#include "index.h"
#include "log.h"

static int check_extent(const struct evlog *log, uint64_t last, struct ld_error *error)
{
    const struct extent *oldest = &log->extents[0], *next = oldest + 1;
    if (!log->writable)
        return ld_fail(error, LD_INVALID, "the log was opened read-only");
    if (oldest->last != last)
        return ld_fail(error, LD_INVALID,
                       "event %" PRIu64 " is not the last of the oldest segment, that is %" PRIu64,
                       last, oldest->last);
    if (log->extent_count < 2 || next->last < next->base)
        return ld_fail(error, LD_INVALID, "the last segment stays");
    return LD_OK;
}

static int check_list(const struct evlog *log, struct archived_entry *entry, struct ld_error *error)
{
    const struct extent *oldest = &log->extents[0];
    struct archived archived = {0};
    int code = archived_read(log->context, log->directory, &archived, NULL, error);
    const struct archived_entry *found =
        code == LD_OK && memcmp(archived.id, log->pattern.id, EVLOG_ID_SIZE) == 0
            ? archived_find(&archived, oldest->number)
            : NULL;
    if (code == LD_OK &&
        (!found || found->link.base != oldest->base || found->link.last != oldest->last))
        code = ld_fail(error, LD_REFUSED, "segment %" PRIu64 " is not listed as archived",
                       oldest->number);
    if (code == LD_OK)
        *entry = *found;
    archived_free(&archived);
    return code;
}

static int check_holds(const struct evlog *log, const struct archived_entry *entry,
                       struct ld_error *error)
{
    struct evlog_holds holds = {0};
    int code = holds_read_own(log->context, log->directory, log->pattern.id, &holds, error);
    const struct evlog_hold *hold = evlog_holds_on(&holds, entry->link.base, entry->link.last,
                                                   entry->first_time_us, entry->last_time_us);
    if (code == LD_OK && hold)
        code = ld_fail(error, LD_REFUSED, "legal hold %" PRIu64 " covers segment %" PRIu64,
                       hold->number, entry->link.number);
    evlog_holds_free(&holds);
    return code;
}

int evlog_retire_check(const struct evlog *log, uint64_t last, struct evlog_link *link,
                       struct ld_error *error)
{
    struct archived_entry entry;
    int code = check_extent(log, last, error);
    if (code == LD_OK)
        code = check_list(log, &entry, error);
    if (code == LD_OK)
        code = check_holds(log, &entry, error);
    if (code == LD_OK)
        *link = entry.link;
    return code;
}

void evlog_retire(struct evlog *log)
{
    struct extent *oldest = &log->extents[0];
    log_drop_index(log, oldest);
    extent_free(oldest);
    log->extent_count--;
    memmove(oldest, oldest + 1, log->extent_count * sizeof *oldest);
}

int evlog_retire_remove(const struct ld_context *context, const char *directory, uint64_t number,
                        struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    index_path(path, directory, number);
    (void)disk_remove(context, path, NULL);
    segment_path(path, directory, number);
    int code = disk_remove(context, path, error);
    if (code != LD_OK)
        return code;
    return disk_sync_directory(context, directory, error);
}
