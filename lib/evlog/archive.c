/*
 * Moving sealed segments away and bringing them back (docs/log-format.md, 12).
 *
 * Archiving, of each segment from the oldest on: walk it with every checksum (its hash), compress
 * it, read the compressed file back and compare the hash, list it, in the archive and in the log's
 * directory, and only then remove it; each file is synced, renamed, and its directory synced before
 * the next step. Restoring, of each from the newest on: decompress under a temporary name, pad with
 * zeros to its size, compare the hash, sync, rename, sync the directory, read it back, and only
 * then take it from the list. So whenever the power goes, a segment is in the log's directory, or
 * listed and in the archive; if it is both, it counts as being there. Whatever fails stops the work
 * before anything is removed. Where a router has the log open, it is asked to let go of each
 * segment that is listed (retire.c), and everything else is done beside it. What a legal hold
 * covers is not moved (13): the holds are read under their own lock, which is kept to the end, so
 * that none can be placed in between.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "chain.h"
#include "holds.h"
#include "index.h"
#include "log.h"
#include "recovery.h"

enum { PIECE_BYTES = 64 << 10 };

struct archiving {
    const struct ld_context *context;
    const char *directory, *archive;
    struct archived archived;
    struct evlog_holds holds;
    const struct evlog_archive_rule *rule; /* NULL: it restores */
    struct evlog_archive_report *report;
    int lock_fd;
};

static int take_lock(struct archiving *archiving, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    mark_path(path, sizeof path, archiving->directory);
    int code = disk_open(archiving->context, path, LD_OPEN_LOCK, &archiving->lock_fd, error);
    if (code == LD_LOCKED)
        return ld_fail(error, code, "the log in %s is in use: stop the router first",
                       archiving->directory);
    return code;
}

/* ---- archiving ---- */

/* Walks the whole segment: its entry, but for the packed size. */
static int measure(const struct archiving *archiving, const struct extent *extent,
                   struct archived_entry *entry, struct ld_error *error)
{
    struct segment_walk walk;
    struct ld_record record = {0};
    int code = walk_open(&walk, archiving->context, archiving->directory, extent->number, error);
    if (code != LD_OK)
        return code;
    while (code == LD_OK && walk.next.sequence <= extent->last) {
        bool first = walk.next.sequence == extent->base;
        code = walk_next(&walk, &record, error);
        if (first)
            entry->first_time_us = record.time_us;
    }
    entry->link =
        (struct evlog_link){.number = extent->number, .base = extent->base, .last = extent->last};
    entry->size_bytes = extent->size_bytes;
    entry->end = walk.next.offset;
    entry->last_time_us = record.time_us;
    walk_hash(&walk, entry->link.hash);
    walk_close(&walk);
    return code;
}

/* What is not archived has to be what restoring puts there. */
static int check_zeros(const struct archiving *archiving, const struct archived_entry *entry,
                       struct ld_error *error)
{
    struct evlog_segment *segment;
    int code = segment_map(archiving->context, archiving->directory, entry->link.number,
                           entry->size_bytes, &segment, error);
    if (code != LD_OK)
        return code;
    uint8_t any = 0;
    for (uint64_t i = entry->end; i < entry->size_bytes; i++)
        any |= segment->view[i];
    segment_drop(segment);
    if (any != 0)
        return ld_fail(error, LD_CORRUPT, "there are bytes behind the last event");
    return LD_OK;
}

static int check_packed(const struct archiving *archiving, const struct archived_entry *entry,
                        struct ld_error *error)
{
    struct evlog_link found;
    int code = chain_walk(archiving->context, NULL, archiving->archive, entry->link.number,
                          entry->link.last, &found, NULL, error);
    if (code == LD_OK && memcmp(found.hash, entry->link.hash, EVLOG_HASH_SIZE) != 0)
        return ld_fail(error, LD_CORRUPT, "the archived file is not what was compressed");
    return code;
}

static int list(struct archiving *archiving, const struct archived_entry *entry,
                struct ld_error *error)
{
    if (archiving->archived.count >= entry->link.number)
        archiving->archived.count = (size_t)entry->link.number - 1; /* it was brought back since */
    if (!archived_add(&archiving->archived, entry))
        return ld_fail(error, LD_NOMEM, "no memory for the list of archived segments");
    int code = archived_write(archiving->context, archiving->archive, &archiving->archived, error);
    if (code == LD_OK)
        code =
            archived_write(archiving->context, archiving->directory, &archiving->archived, error);
    return code;
}

/* By whoever has the log open, if somebody has. */
static int remove_segment(const struct archiving *archiving, const struct archived_entry *entry,
                          struct ld_error *error)
{
    const struct evlog_archive_rule *rule = archiving->rule;
    return rule->retire ? rule->retire(&entry->link, rule->data, error)
                        : evlog_retire_remove(archiving->context, archiving->directory,
                                              entry->link.number, error);
}

static int archive_one(struct archiving *archiving, const struct extent *extent,
                       const struct archived_entry *measured, struct ld_error *error)
{
    struct archived_entry entry = *measured;
    int code = check_zeros(archiving, &entry, error);
    if (code == LD_OK)
        code = pack_segment(archiving->context, archiving->directory, extent->number, entry.end,
                            archiving->archive, &entry.packed_bytes, error);
    if (code == LD_OK)
        code = check_packed(archiving, &entry, error);
    if (code == LD_OK)
        code = list(archiving, &entry, error);
    if (code == LD_OK)
        code = remove_segment(archiving, &entry, error);
    if (code != LD_OK)
        return code;
    archiving->report->segments++;
    archiving->report->segment_bytes += entry.size_bytes;
    archiving->report->packed_bytes += entry.packed_bytes;
    archiving->report->first = extent->last + 1;
    return LD_OK;
}

/* May it go, by the rule and the holds? The report says if a hold or a need keeps it. */
static bool may_go(const struct archiving *archiving, const struct evlog_archive_rule *rule,
                   const struct archived_entry *entry)
{
    const struct evlog_link *link = &entry->link;
    const struct evlog_hold *hold = evlog_holds_on(&archiving->holds, link->base, link->last,
                                                   entry->first_time_us, entry->last_time_us);
    if (entry->last_time_us >= rule->before_us)
        return false;
    if (rule->needed_from > 0 && link->last >= rule->needed_from) {
        archiving->report->needed = true;
        return false;
    }
    if (hold)
        archiving->report->held_by = hold->number;
    return !hold;
}

static int archive_all(struct archiving *archiving, const struct evlog *log,
                       const struct evlog_archive_rule *rule, struct ld_error *error)
{
    archiving->report->first = evlog_first(log);
    for (size_t i = 0; i + 1 < log->extent_count && log->extent_count - 1 - i > rule->keep; i++) {
        const struct extent *extent = &log->extents[i];
        struct archived_entry entry = {0};
        int code = measure(archiving, extent, &entry, error);
        if (code == LD_OK && !may_go(archiving, rule, &entry))
            return LD_OK;
        if (code == LD_OK)
            code = archive_one(archiving, extent, &entry, error);
        if (code == LD_CORRUPT)
            return log_corrupt(archiving->directory, extent->number, extent->base, error);
        if (code != LD_OK)
            return code;
    }
    return LD_OK;
}

static int open_log(const struct archiving *archiving, struct evlog **log, struct ld_error *error)
{
    struct evlog_options options;
    evlog_options_init(&options);
    options.read_only = true;
    return evlog_open(archiving->context, archiving->directory, &options, log, NULL, error);
}

static int make_archive(const struct archiving *archiving, struct ld_error *error)
{
    int code = disk_make_directory(archiving->context, archiving->archive, error);
    return code == LD_OK ? segment_sync_parent(archiving->context, archiving->archive, error)
                         : code;
}

static int archive_locked(struct archiving *archiving, const struct evlog_archive_rule *rule,
                          struct ld_error *error)
{
    struct evlog *log;
    int code = open_log(archiving, &log, error);
    if (code != LD_OK)
        return code;
    code = holds_read_own(archiving->context, archiving->directory, log->pattern.id,
                          &archiving->holds, error);
    if (code == LD_OK)
        code = archived_read(archiving->context, archiving->directory, &archiving->archived, NULL,
                             error);
    memcpy(archiving->archived.id, log->pattern.id, EVLOG_ID_SIZE);
    if (code == LD_OK)
        code = make_archive(archiving, error);
    if (code == LD_OK)
        code = archive_all(archiving, log, rule, error);
    archived_free(&archiving->archived);
    evlog_holds_free(&archiving->holds);
    evlog_close(log);
    return code;
}

int evlog_archive(const struct ld_context *context, const char *directory, const char *archive,
                  const struct evlog_archive_rule *rule, struct evlog_archive_report *report,
                  struct ld_error *error)
{
    struct archiving archiving = {.context = context,
                                  .directory = directory,
                                  .archive = archive,
                                  .rule = rule,
                                  .report = report,
                                  .lock_fd = -1};
    *report = (struct evlog_archive_report){0};
    int code = rule->retire ? LD_OK : take_lock(&archiving, error);
    if (code != LD_OK)
        return code;
    int holds_fd;
    code = holds_lock(context, directory, &holds_fd, error);
    if (code == LD_OK) {
        code = archive_locked(&archiving, rule, error);
        disk_close(context, holds_fd);
    }
    disk_close(context, archiving.lock_fd);
    return code;
}

/* ---- restoring ---- */

/* The bytes that were compressed, into an open file, with zeros behind them; hashed on the way. */
static int unpack_all(struct archiving *archiving, const struct archived_entry *entry, int fd,
                      struct unpacker *unpacker, struct ld_error *error)
{
    static uint8_t piece[PIECE_BYTES];
    uint8_t hash[EVLOG_HASH_SIZE];
    crypto_generichash_state state;
    uint64_t offset = 0;
    size_t size;
    crypto_generichash_init(&state, NULL, 0, sizeof hash);
    do {
        int code = unpack_read(unpacker, piece, sizeof piece, &size, error);
        if (code == LD_OK && offset + size > entry->end)
            code = ld_fail(error, LD_CORRUPT, "the archived file has more than its segment had");
        if (code == LD_OK)
            code = disk_write(archiving->context, fd, offset, piece, size, error);
        if (code != LD_OK)
            return code;
        crypto_generichash_update(&state, piece, size);
        offset += size;
    } while (size == sizeof piece);
    crypto_generichash_final(&state, hash, sizeof hash);
    if (offset != entry->end || memcmp(hash, entry->link.hash, sizeof hash) != 0)
        return ld_fail(error, LD_CORRUPT, "the archived file is not the segment that was archived");
    int code = segment_zero(archiving->context, fd, entry->end, entry->size_bytes, error);
    return code == LD_OK ? disk_sync(archiving->context, fd, error) : code;
}

static int unpack_to(struct archiving *archiving, const struct archived_entry *entry,
                     const char *path, struct ld_error *error)
{
    struct unpacker unpacker;
    int fd;
    int code =
        unpack_open(&unpacker, archiving->context, archiving->archive, entry->link.number, error);
    if (code != LD_OK)
        return code;
    (void)disk_remove(archiving->context, path, NULL); /* of an attempt that was cut off */
    code = disk_open(archiving->context, path, LD_OPEN_CREATE, &fd, error);
    if (code == LD_OK) {
        code = unpack_all(archiving, entry, fd, &unpacker, error);
        disk_close(archiving->context, fd);
    }
    unpack_close(&unpacker);
    return code;
}

static int read_back(const struct archiving *archiving, const struct archived_entry *entry,
                     struct ld_error *error)
{
    struct evlog_link found;
    int code = chain_walk(archiving->context, archiving->directory, NULL, entry->link.number,
                          entry->link.last, &found, NULL, error);
    if (code == LD_OK && memcmp(found.hash, entry->link.hash, EVLOG_HASH_SIZE) != 0)
        return ld_fail(error, LD_IO, "the segment that was restored does not read back");
    return code;
}

static int restore_one(struct archiving *archiving, const struct archived_entry *entry,
                       struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE], temporary[SEGMENT_PATH_SIZE + sizeof ".tmp"];
    segment_path(path, archiving->directory, entry->link.number);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int code = segment_space(archiving->context, archiving->directory, entry->size_bytes, 0, error);
    if (code == LD_OK)
        code = unpack_to(archiving, entry, temporary, error);
    if (code == LD_OK)
        code = disk_rename(archiving->context, temporary, path, error);
    else
        (void)disk_remove(archiving->context, temporary, NULL);
    if (code == LD_OK)
        code = disk_sync_directory(archiving->context, archiving->directory, error);
    if (code == LD_OK)
        code = read_back(archiving, entry, error);
    if (code != LD_OK)
        return code;
    archiving->report->segments++;
    archiving->report->segment_bytes += entry->size_bytes;
    archiving->report->packed_bytes += entry->packed_bytes;
    archiving->report->first = entry->link.base;
    archiving->archived.count = (size_t)entry->link.number - 1;
    return archived_write(archiving->context, archiving->directory, &archiving->archived, error);
}

/* From the one before the first that is here down to the one with sequence from. */
static int restore_all(struct archiving *archiving, uint64_t first_number, uint64_t from,
                       struct ld_error *error)
{
    for (uint64_t number = first_number - 1; number >= 1; number--) {
        const struct archived_entry *entry = archived_find(&archiving->archived, number);
        if (!entry)
            return ld_fail(error, LD_NOTFOUND,
                           "nothing in %s or %s says what segment %" PRIu64 " was",
                           archiving->directory, archiving->archive, number);
        if (entry->link.last < from)
            return LD_OK;
        struct archived_entry copy = *entry;
        int code = restore_one(archiving, &copy, error);
        if (code != LD_OK)
            return ld_wrap(error, code, "segment %" PRIu64, number);
    }
    return LD_OK;
}

/* The list, or its copy in the archive if it is lost. first: the oldest segment here, or NULL. */
static int read_list(struct archiving *archiving, const struct catalog_entry *first,
                     struct ld_error *error)
{
    uint64_t wanted = first ? first->number - 1 : 1;
    int code =
        archived_read(archiving->context, archiving->directory, &archiving->archived, NULL, error);
    if (code == LD_OK && archiving->archived.count < wanted) {
        archived_free(&archiving->archived);
        code = archived_read(archiving->context, archiving->archive, &archiving->archived, NULL,
                             error);
    }
    if (code == LD_OK && !first && archiving->archived.count == 0)
        return ld_fail(error, LD_NOTFOUND, "there is no log in %s", archiving->directory);
    if (code == LD_OK && archiving->archived.count > 0 && first && first->state != HEADER_BAD &&
        memcmp(first->header.id, archiving->archived.id, EVLOG_ID_SIZE) != 0)
        return ld_fail(error, LD_INVALID, "what is archived in %s is of another log",
                       archiving->archive);
    return code;
}

static int restore_locked(struct archiving *archiving, uint64_t from, struct ld_error *error)
{
    struct catalog catalog;
    int code = catalog_read(archiving->context, archiving->directory, &catalog, error);
    const struct catalog_entry *first = catalog.count > 0 ? &catalog.entries[0] : NULL;
    if (code == LD_OK)
        code = read_list(archiving, first, error);
    if (code == LD_OK) {
        archiving->report->first = first ? first->header.base : 0;
        code = restore_all(archiving, first ? first->number : archiving->archived.count + 1, from,
                           error);
    }
    archived_free(&archiving->archived);
    catalog_free(&catalog);
    return code;
}

int evlog_unarchive(const struct ld_context *context, const char *directory, const char *archive,
                    uint64_t from, struct evlog_archive_report *report, struct ld_error *error)
{
    struct archiving archiving = {
        .context = context, .directory = directory, .archive = archive, .report = report};
    *report = (struct evlog_archive_report){0};
    int code = take_lock(&archiving, error);
    if (code != LD_OK)
        return code;
    code = restore_locked(&archiving, from, error);
    disk_close(context, archiving.lock_fd);
    return code;
}
