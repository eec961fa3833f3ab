/*
 * Offline verification: every header, every record, both checksums, the chain of segments, and the
 * order of times and producer sequences. Takes no lock and changes nothing, so it may run beside a
 * router; a torn tail, or one that is being written, is counted and is no finding.
 *
 * Happy path: read the catalog, scan each segment in use, compare its end with the base of the
 * next. Behind damage it looks for the next record and goes on, so that one run names all of it.
 */
#include "recovery.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct verify {
    const struct ld_context *context;
    const char *directory;
    evlog_finding_fn *finding;
    void *data;
    struct evlog_verify_counts counts;
    struct catalog catalog;
    size_t used;
    struct producers producers;
    int64_t last_time_us;
    uint64_t next_sequence; /* that the log goes on with; 0: not known, the next segment is bad */
};

static void report(struct verify *verify, uint64_t number, uint64_t sequence, const char *format,
                   ...) LD_PRINTF(4, 5);

static void report(struct verify *verify, uint64_t number, uint64_t sequence, const char *format,
                   ...)
{
    char name[SEGMENT_NAME_SIZE], text[LD_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    segment_name(name, number);
    verify->counts.findings++;
    if (verify->finding)
        verify->finding(name, sequence, text, verify->data);
}

/* ---- one segment ---- */

static void report_order(struct verify *verify, uint64_t number, const struct scan *scan)
{
    if (scan->repeated > 0)
        report(verify, number, scan->repeated, "producer sequence does not increase");
    if (scan->backward > 0)
        report(verify, number, scan->backward, "time runs backwards");
}

/* Scans from scan->at to the next damage or the end; false if the segment cannot be read on. */
static bool scan_on(struct verify *verify, uint64_t number, struct scan *scan)
{
    struct ld_error error = {0};
    uint64_t first = scan->at.sequence;
    uint64_t begin = scan->at.offset;
    scan->repeated = scan->backward = 0;
    int code = scan_segment(scan, &error);
    verify->counts.events += scan->at.sequence - first;
    verify->counts.bytes += scan->at.offset - begin;
    report_order(verify, number, scan);
    if (code == LD_OK)
        return true;
    report(verify, number, scan->at.sequence, "%s", error.text);
    return false;
}

/* At the end of the good records: is that where the segment ends? */
static bool ends_well(struct verify *verify, const struct scan *scan, bool last)
{
    uint64_t next = verify->next_sequence;
    bool complete = scan->begun && (next == 0 || scan->at.sequence == next);
    if (!last)
        return decide_sealed(complete, scan->rest) == RECOVERY_USE;
    enum recovery_action action = decide_tail(scan->begun, scan->rest);
    if (action == RECOVERY_CUT || action == RECOVERY_DROP)
        verify->counts.torn_bytes += scan->rest_end - scan->at.offset;
    return action != RECOVERY_REFUSE;
}

static void report_damage(struct verify *verify, uint64_t number, const struct scan *scan,
                          uint64_t damaged)
{
    uint64_t next = scan->at.sequence;
    if (next > damaged + 1)
        report(verify, number, damaged, "%s (readable again from %" PRIu64 ")", scan->error.text,
               next);
    else
        report(verify, number, damaged, "%s", scan->error.text);
}

static void verify_records(struct verify *verify, uint64_t number, struct scan *scan, bool last)
{
    while (scan_on(verify, number, scan) && !ends_well(verify, scan, last)) {
        uint64_t damaged = scan->at.sequence;
        bool more = scan_resume(scan);
        report_damage(verify, number, scan, damaged);
        if (!more)
            return;
        scan->expects_checkpoint = false;
    }
}

static int verify_segment(struct verify *verify, size_t i, struct ld_error *error)
{
    const struct catalog_entry *entry = &verify->catalog.entries[i];
    bool last = i + 1 == verify->used;
    struct evlog_segment *view;
    int code = segment_map(verify->context, verify->directory, entry->number, entry->file_bytes,
                           &view, error);
    if (code != LD_OK)
        return code;
    struct scan scan = {
        .segment = view,
        .producers = &verify->producers,
        .expects_checkpoint = entry->number > 1,
        .mark = catalog_mark_at(&verify->catalog, i),
        .at = {.sequence = entry->header.base, .offset = SEGMENT_HEADER_SIZE},
        .last_time_us = verify->last_time_us,
    };
    verify->next_sequence = catalog_next_base(&verify->catalog, i);
    verify_records(verify, entry->number, &scan, last);
    verify->last_time_us = scan.last_time_us;
    if (last)
        verify->next_sequence = scan.at.sequence;
    verify->counts.segments++;
    segment_drop(view);
    return LD_OK;
}

/* ---- the chain ---- */

static bool verify_entry(struct verify *verify, size_t i)
{
    const struct catalog_entry *entry = &verify->catalog.entries[i];
    const struct catalog_entry *before = i > 0 ? entry - 1 : NULL;
    struct ld_error error = {0};
    int code = i < verify->used
                   ? catalog_check(&verify->catalog, i, &error)
                   : catalog_check_spare(entry, verify->used > 0 ? before : NULL, &error);
    if (code != LD_OK)
        report(verify, entry->number, 0, "%s", error.text);
    return entry->state == HEADER_IN_USE && i < verify->used;
}

/* A segment above the last one in use. */
static int verify_spare(struct verify *verify, size_t i, struct ld_error *error)
{
    const struct catalog_entry *entry = &verify->catalog.entries[i];
    struct scan scan;
    int code = scan_unused(verify->context, verify->directory, entry, verify->next_sequence,
                           catalog_mark_at(&verify->catalog, i), &scan, error);
    if (code == LD_OK && decide_spare(entry->state, scan.rest) == RECOVERY_REFUSE)
        report(verify, entry->number, verify->next_sequence, "%s, but the segment is not empty",
               entry->state == HEADER_BAD ? entry->reason : "marked as not in use");
    return code;
}

static int verify_all(struct verify *verify, struct ld_error *error)
{
    int code = catalog_read(verify->context, verify->directory, &verify->catalog, error);
    if (code == LD_OK && verify->catalog.count == 0)
        code = ld_fail(error, LD_NOTFOUND, "there is no log in %s", verify->directory);
    verify->used = catalog_used(&verify->catalog);
    for (size_t i = 0; i < verify->catalog.count && code == LD_OK; i++) {
        if (verify_entry(verify, i))
            code = verify_segment(verify, i, error);
        else if (i >= verify->used && verify->used > 0)
            code = verify_spare(verify, i, error);
    }
    return code;
}

int evlog_verify(const struct ld_context *context, const char *directory, evlog_finding_fn *finding,
                 void *data, struct evlog_verify_counts *counts, struct ld_error *error)
{
    struct verify verify = {.context = context,
                            .directory = directory,
                            .finding = finding,
                            .data = data,
                            .last_time_us = INT64_MIN};
    int code = verify_all(&verify, error);
    if (counts)
        *counts = verify.counts;
    catalog_free(&verify.catalog);
    producers_free(&verify.producers);
    if (code == LD_OK && verify.counts.findings > 0)
        return ld_fail(error, LD_CORRUPT,
                       "%" PRIu64 " findings in %s; `liandong log repair` sets the damage aside",
                       verify.counts.findings, directory);
    return code;
}
