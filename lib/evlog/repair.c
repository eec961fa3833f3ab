/*
 * Repair: sets aside what recovery refuses, for the operator who has decided to go on without it.
 *
 * Happy path: take the lock, find the first damage, copy the damaged segment and move all later
 * ones into a new folder set-aside-N, overwrite the damaged segment from there on with zeros, and
 * lower the mark. What is left is the longest undamaged beginning of the log, which opens; nothing
 * is deleted. A log without damage is left alone. What is set aside is read before, to tell whose
 * events are in it.
 * Every step can be repeated: interrupted anywhere, the log still refuses or already opens, and the
 * copies in the first folder are complete before anything is overwritten.
 */
#include "recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct repair {
    const struct ld_context *context;
    const char *directory;
    const struct evlog_repair_options *options; /* may be NULL */
    int lock_fd;                                /* -1: only looking */
    struct catalog catalog;
    size_t used;
    struct evlog_repair_report *report;
    size_t damaged;     /* entry with the first damage; catalog.count if there is none */
    struct position at; /* where it begins in that segment; offset 0: the whole file */
    uint8_t id[EVLOG_ID_SIZE];
    uint64_t folder_number;
    char folder[SEGMENT_PATH_SIZE];
    struct producers kept, aside;
};

/* ---- finding the first damage ---- */

static void found(struct repair *repair, size_t i, uint64_t sequence, uint64_t offset,
                  const char *reason)
{
    repair->damaged = i;
    repair->at = (struct position){.sequence = sequence, .offset = offset};
    snprintf(repair->report->reason, sizeof repair->report->reason, "%.200s", reason);
}

static bool segment_is_good(const struct repair *repair, size_t i, const struct scan *scan)
{
    uint64_t next = catalog_next_base(&repair->catalog, i);
    bool complete = scan->begun && (next == 0 || scan->at.sequence == next);
    if (i + 1 < repair->used)
        return decide_sealed(complete, scan->rest) == RECOVERY_USE;
    return decide_tail(scan->begun, scan->rest) != RECOVERY_REFUSE;
}

static int scan_entry(struct repair *repair, size_t i, struct ld_error *error)
{
    const struct catalog_entry *entry = &repair->catalog.entries[i];
    struct evlog_segment *view;
    int code = segment_map(repair->context, repair->directory, entry->number, entry->file_bytes,
                           &view, error);
    if (code != LD_OK)
        return code;
    struct scan scan = {
        .segment = view,
        .producers = &repair->kept,
        .expects_checkpoint = entry->number > 1,
        .mark = catalog_mark_at(&repair->catalog, i),
        .at = {.sequence = entry->header.base, .offset = SEGMENT_HEADER_SIZE},
    };
    struct ld_error reason = {0};
    code = scan_segment(&scan, &reason);
    if (code == LD_CORRUPT)
        found(repair, i, entry->header.base, 0, reason.text);
    else if (code == LD_OK && !segment_is_good(repair, i, &scan))
        found(repair, i, scan.begun ? scan.at.sequence : entry->header.base,
              scan.begun ? scan.at.offset : 0, scan.error.text);
    repair->report->head = scan.begun ? scan.at.sequence - 1 : entry->header.base - 1;
    segment_drop(view);
    return code == LD_CORRUPT ? LD_OK : code;
}

/* A header that cannot stay: the segment goes as a whole. */
static int check_entry(struct repair *repair, size_t i, struct ld_error *error)
{
    const struct catalog_entry *entry = &repair->catalog.entries[i];
    const struct catalog_entry *before = i > 0 ? entry - 1 : NULL;
    struct ld_error reason = {0};
    int code = i < repair->used
                   ? catalog_check(&repair->catalog, i, &reason)
                   : catalog_check_spare(entry, repair->used > 0 ? before : NULL, &reason);
    if (code == LD_VERSION)
        return ld_fail(error, code, "%s", reason.text);
    if (code != LD_OK)
        found(repair, i, repair->report->head + 1, 0, reason.text);
    return LD_OK;
}

static int check_spare(struct repair *repair, size_t i, struct ld_error *error)
{
    uint64_t next = repair->report->head + 1;
    const struct catalog_entry *entry = &repair->catalog.entries[i];
    struct scan scan;
    int code = scan_unused(repair->context, repair->directory, entry, next,
                           catalog_mark_at(&repair->catalog, i), &scan, error);
    if (code == LD_OK && decide_spare(entry->state, scan.rest) == RECOVERY_REFUSE)
        found(repair, i, next, 0, "not in use, but not empty");
    return code;
}

static int find_damage(struct repair *repair, struct ld_error *error)
{
    int code = LD_OK;
    repair->damaged = repair->catalog.count;
    for (size_t i = 0; i < repair->catalog.count && code == LD_OK; i++) {
        code = check_entry(repair, i, error);
        if (code == LD_OK && repair->damaged > i)
            code = i < repair->used ? scan_entry(repair, i, error) : check_spare(repair, i, error);
        if (repair->damaged <= i)
            break;
    }
    return code;
}

/* ---- what is behind it ---- */

/* Where the records of entry i begin that are not kept; sequence 0: nobody knows. */
static struct position aside_from(const struct repair *repair, size_t i,
                                  const struct evlog_segment *view)
{
    struct position at = {.sequence = repair->catalog.entries[i].header.base,
                          .offset = SEGMENT_HEADER_SIZE};
    struct ld_record first;
    if (i == repair->damaged && repair->at.offset > 0)
        return repair->at;
    if (at.sequence == 0 && view->size_bytes > at.offset &&
        ld_record_decode(view->view + at.offset, view->size_bytes - at.offset, &first, NULL) ==
            LD_OK)
        at.sequence = first.sequence;
    return at;
}

static int survey_records(struct repair *repair, struct scan *scan, struct ld_error *error)
{
    struct evlog_repair_report *report = repair->report;
    int code;
    do {
        uint64_t first = scan->at.sequence;
        code = scan_segment(scan, error);
        report->readable += scan->at.sequence - first;
        if (scan->at.sequence > first && scan->at.sequence - 1 > report->last)
            report->last = scan->at.sequence - 1;
    } while (code == LD_OK && scan_resume(scan));
    return code;
}

static int survey_entry(struct repair *repair, size_t i, struct ld_error *error)
{
    const struct catalog_entry *entry = &repair->catalog.entries[i];
    struct evlog_segment *view;
    if (entry->file_bytes <= SEGMENT_HEADER_SIZE)
        return LD_OK;
    int code = segment_map(repair->context, repair->directory, entry->number, entry->file_bytes,
                           &view, error);
    if (code != LD_OK)
        return code;
    struct scan scan = {
        .segment = view, .producers = &repair->aside, .at = aside_from(repair, i, view)};
    if (scan.at.sequence > 0)
        code = survey_records(repair, &scan, error);
    segment_drop(view);
    return code;
}

static void tell_producer(uint64_t id, uint64_t sequence, void *data)
{
    struct repair *repair = data;
    const struct evlog_repair_options *options = repair->options;
    uint64_t kept = producers_get(&repair->kept, id).sequence;
    if (sequence > kept)
        options->producer(id, kept, sequence, options->data);
}

/* Fills in the report, and tells of the producers. */
static int survey(struct repair *repair, struct ld_error *error)
{
    struct evlog_repair_report *report = repair->report;
    const struct mark *mark = &repair->catalog.mark;
    int code = LD_OK;
    report->damaged = true;
    report->segment = repair->catalog.entries[repair->damaged].number;
    report->sequence = repair->at.sequence;
    report->head = report->last = repair->at.sequence - 1;
    for (size_t i = repair->damaged; i < repair->catalog.count && code == LD_OK; i++)
        code = survey_entry(repair, i, error);
    if (memcmp(mark->id, repair->id, EVLOG_ID_SIZE) == 0 && mark->durable > report->last)
        report->last = mark->durable;
    if (code == LD_OK && repair->options && repair->options->producer)
        producers_each(&repair->aside, tell_producer, repair);
    return code;
}

/* ---- setting aside ---- */

static const char FOLDER[] = "set-aside-";

/* Keeps the number above those of the folders that are there. */
static int note_folder(const char *name, void *data)
{
    struct repair *repair = data;
    uint64_t number = 0;
    if (strncmp(name, FOLDER, sizeof FOLDER - 1) == 0)
        number = strtoull(name + sizeof FOLDER - 1, NULL, 10);
    if (number >= repair->folder_number)
        repair->folder_number = number + 1;
    return 0;
}

/* A new one, named after the time as a rule: what is in another is never touched. */
static int make_folder(struct repair *repair, struct ld_error *error)
{
    struct evlog_repair_report *report = repair->report;
    repair->folder_number = (uint64_t)(ld_wall_us(repair->context) / 1000000);
    int code = disk_list(repair->context, repair->directory, note_folder, repair, error);
    if (code != LD_OK)
        return code;
    snprintf(report->folder, sizeof report->folder, "%s%" PRIu64, FOLDER, repair->folder_number);
    snprintf(repair->folder, sizeof repair->folder, "%s/%s", repair->directory, report->folder);
    code = disk_make_directory(repair->context, repair->folder, error);
    return code == LD_OK ? disk_sync_directory(repair->context, repair->directory, error) : code;
}

static int copy_bytes(const struct ld_context *context, int from, int to, struct ld_error *error)
{
    static uint8_t chunk[1 << 20];
    size_t size_read = sizeof chunk;
    int code = LD_OK;
    for (uint64_t offset = 0; code == LD_OK && size_read == sizeof chunk; offset += size_read) {
        code = disk_read(context, from, offset, chunk, sizeof chunk, &size_read, error);
        if (code == LD_OK)
            code = disk_write(context, to, offset, chunk, size_read, error);
    }
    return code == LD_OK ? disk_sync(context, to, error) : code;
}

static int copy_segment(struct repair *repair, uint64_t number, int from, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    int to;
    segment_path(path, repair->folder, number);
    int code = disk_open(repair->context, path, LD_OPEN_CREATE, &to, error);
    if (code != LD_OK)
        return code;
    code = copy_bytes(repair->context, from, to, error);
    disk_close(repair->context, to);
    return code == LD_OK ? disk_sync_directory(repair->context, repair->folder, error) : code;
}

/* Copies the damaged segment, then overwrites it from the damage on. */
static int cut_damaged(struct repair *repair, struct ld_error *error)
{
    const struct catalog_entry *entry = &repair->catalog.entries[repair->damaged];
    char path[SEGMENT_PATH_SIZE];
    int fd;
    segment_path(path, repair->directory, entry->number);
    int code = disk_open(repair->context, path, LD_OPEN_WRITE, &fd, error);
    if (code != LD_OK)
        return code;
    code = copy_segment(repair, entry->number, fd, error);
    if (code == LD_OK)
        code = segment_zero(repair->context, fd, repair->at.offset, entry->file_bytes, error);
    if (code == LD_OK)
        code = disk_sync(repair->context, fd, error);
    disk_close(repair->context, fd);
    return code;
}

static int move_segments(struct repair *repair, size_t first, struct ld_error *error)
{
    int code = LD_OK;
    for (size_t i = repair->catalog.count; i > first && code == LD_OK; i--) {
        char from[SEGMENT_PATH_SIZE], to[SEGMENT_PATH_SIZE];
        segment_path(from, repair->directory, repair->catalog.entries[i - 1].number);
        segment_path(to, repair->folder, repair->catalog.entries[i - 1].number);
        code = disk_rename(repair->context, from, to, error);
        repair->report->segments_moved += code == LD_OK;
    }
    if (code == LD_OK)
        code = disk_sync_directory(repair->context, repair->folder, error);
    return code == LD_OK ? disk_sync_directory(repair->context, repair->directory, error) : code;
}

static int set_aside(struct repair *repair, struct ld_error *error)
{
    bool whole = repair->at.offset == 0;
    int code = make_folder(repair, error);
    if (code == LD_OK)
        code = move_segments(repair, repair->damaged + (whole ? 0 : 1), error);
    if (code == LD_OK && !whole)
        code = cut_damaged(repair, error);
    if (code == LD_OK)
        code =
            mark_write(repair->context, repair->lock_fd, repair->id, repair->report->head, error);
    return code;
}

/* ---- the whole ---- */

static int run(struct repair *repair, struct ld_error *error)
{
    int code = catalog_read(repair->context, repair->directory, &repair->catalog, error);
    if (code == LD_OK && repair->catalog.count == 0)
        code = ld_fail(error, LD_NOTFOUND, "there is no log in %s", repair->directory);
    if (code != LD_OK)
        return code;
    repair->used = catalog_used(&repair->catalog);
    memcpy(repair->id, repair->catalog.entries[0].header.id, EVLOG_ID_SIZE);
    code = find_damage(repair, error);
    if (code != LD_OK || repair->damaged == repair->catalog.count)
        return code;
    code = survey(repair, error);
    if (code != LD_OK || repair->lock_fd < 0)
        return code;
    return set_aside(repair, error);
}

static int take_lock(struct repair *repair, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    mark_path(path, sizeof path, repair->directory);
    int code = disk_open(repair->context, path, LD_OPEN_LOCK, &repair->lock_fd, error);
    if (code == LD_LOCKED)
        return ld_fail(error, code, "the log in %s is in use: stop the router first",
                       repair->directory);
    return code;
}

int evlog_repair(const struct ld_context *context, const char *directory,
                 const struct evlog_repair_options *options, struct evlog_repair_report *report,
                 struct ld_error *error)
{
    struct repair repair = {.context = context,
                            .directory = directory,
                            .options = options,
                            .lock_fd = -1,
                            .report = report};
    *report = (struct evlog_repair_report){0};
    int code = options && options->look_only ? LD_OK : take_lock(&repair, error);
    if (code == LD_OK)
        code = run(&repair, error);
    catalog_free(&repair.catalog);
    producers_free(&repair.kept);
    producers_free(&repair.aside);
    disk_close(context, repair.lock_fd);
    return code;
}
