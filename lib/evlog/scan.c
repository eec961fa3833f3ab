/*
 * Scanning one segment.
 *
 * A record is good when header and payload checksum hold and it has the sequence that is due.
 * Behind the last good one there are zeros, or bytes. Bytes are torn if nothing among them proves
 * that the event which is missing had been durable: every record carries the floor of its commit,
 * the last sequence that was durable before the commit was written, so a later record whose floor
 * reaches the missing sequence is such a proof; so is the mark. Records of the same commit prove
 * nothing: a disk may write the parts of one commit in any order before the sync returns.
 */
#include "scan.h"

#include <string.h>
#include "bytes.h"

enum { AT_FLOOR = 56 };

/* The next record if it is good. */
static bool next_good(struct scan *scan, struct ld_record *record)
{
    return segment_record(scan->segment, scan->at, record, &scan->error) == LD_OK &&
           ld_record_check(record, &scan->error) == LD_OK;
}

static void accept(struct scan *scan, const struct ld_record *record)
{
    uint64_t next_offset = scan->at.offset + record->size;
    uint64_t floor = ld_get_u64(scan->segment->view + scan->at.offset + AT_FLOOR);
    if (scan->commit.offset == 0 || floor != scan->floor) {
        scan->commit = scan->at;
        scan->floor = floor;
    }
    if (record->time_us < scan->last_time_us && scan->backward == 0)
        scan->backward = record->sequence;
    if (scan->extent)
        extent_note(scan->extent, scan->at, record->time_us, next_offset);
    scan->last_time_us = record->time_us;
    scan->at = (struct position){.sequence = scan->at.sequence + 1, .offset = next_offset};
}

/* The checkpoint's records. Checksums hold, so anything wrong with them is no torn write. */
static int scan_checkpoint(struct scan *scan, struct ld_error *error)
{
    struct producers nowhere = {0};
    struct producers *producers = scan->producers ? scan->producers : &nowhere;
    struct ld_record record;
    int code = LD_OK;
    while (code == LD_OK && !scan->begun && next_good(scan, &record)) {
        struct checkpoint_part part = {0};
        code = checkpoint_is(&record)
                   ? checkpoint_apply(&record, producers, &part, error)
                   : ld_fail(error, LD_CORRUPT, "no checkpoint at the beginning of the segment");
        if (code == LD_OK)
            accept(scan, &record);
        scan->begun = code == LD_OK && part.remaining == 0;
    }
    producers_free(&nowhere);
    return code;
}

static bool raise_producer(struct scan *scan, const struct ld_record *record)
{
    if (!scan->producers || record->producer == 0)
        return true;
    if (scan->repeated == 0 &&
        producers_get(scan->producers, record->producer).sequence >= record->producer_sequence)
        scan->repeated = record->sequence;
    struct evlog_position position = {record->producer_sequence, record->payload_crc, true};
    return producers_raise(scan->producers, record->producer, position);
}

static int scan_events(struct scan *scan, struct ld_error *error)
{
    struct ld_record record;
    while (next_good(scan, &record)) {
        if (!raise_producer(scan, &record))
            return ld_fail(error, LD_NOMEM, "no memory for the log's producers");
        accept(scan, &record);
    }
    return LD_OK;
}

int scan_segment(struct scan *scan, struct ld_error *error)
{
    scan->begun = !scan->expects_checkpoint;
    int code = scan_checkpoint(scan, error);
    if (code == LD_OK && scan->begun)
        code = scan_events(scan, error);
    if (code != LD_OK)
        return code;
    scan_rest(scan);
    return LD_OK;
}

/* ---- the rest ---- */

static uint64_t end_of_bytes(const uint8_t *view, uint64_t begin, uint64_t end)
{
    while (end >= begin + sizeof(uint64_t) && ld_get_u64(view + end - sizeof(uint64_t)) == 0)
        end -= sizeof(uint64_t);
    while (end > begin && view[end - 1] == 0)
        end--;
    return end;
}

/* Could a record that is found at offset have been written there, behind the missing one? */
static bool plausible(const struct scan *scan, const struct ld_record *record, uint64_t offset)
{
    uint64_t records_max = (offset - scan->at.offset) / LD_RECORD_HEADER_SIZE;
    return record->sequence > scan->at.sequence &&
           record->sequence - scan->at.sequence <= records_max;
}

/* The next place at or behind offset that has a record which could have been written there; the
 * end of the rest if there is none. Records that are whole are stepped over by the caller. */
static uint64_t find_record(const struct scan *scan, uint64_t offset, struct ld_record *record)
{
    const uint8_t *view = scan->segment->view;
    for (; offset + LD_RECORD_HEADER_SIZE <= scan->rest_end; offset += LD_RECORD_ALIGN) {
        if (ld_get_u32(view + offset) == LD_RECORD_MAGIC &&
            ld_record_decode(view + offset, scan->segment->size_bytes - offset, record, NULL) ==
                LD_OK &&
            plausible(scan, record, offset))
            return offset;
    }
    return scan->rest_end;
}

/* Where to look on: behind the record at `at` if its header tells where that is. */
static uint64_t behind_damage(const struct scan *scan)
{
    struct ld_record record;
    bool header_good = segment_record(scan->segment, scan->at, &record, NULL) == LD_OK;
    return scan->at.offset + (header_good ? record.size : LD_RECORD_ALIGN);
}

/* The first record in the rest whose floor covers the missing sequence; 0 if there is none.
 * Stepping over whole records keeps what events carry inside from proving anything. */
static uint64_t find_proof(const struct scan *scan)
{
    struct ld_record record;
    uint64_t offset = find_record(scan, behind_damage(scan), &record);
    while (offset < scan->rest_end) {
        uint64_t floor = ld_get_u64(scan->segment->view + offset + AT_FLOOR);
        if (floor >= scan->at.sequence && floor < record.sequence)
            return record.sequence;
        offset = find_record(scan, offset + record.size, &record);
    }
    return 0;
}

bool scan_resume(struct scan *scan)
{
    struct ld_record record;
    uint64_t offset = find_record(scan, behind_damage(scan), &record);
    if (offset >= scan->rest_end)
        return false;
    scan->at = (struct position){.sequence = record.sequence, .offset = offset};
    return true;
}

void scan_rest(struct scan *scan)
{
    const uint8_t *view = scan->segment->view;
    scan->rest_end = end_of_bytes(view, scan->at.offset, scan->segment->size_bytes);
    scan->proof = scan->mark >= scan->at.sequence ? scan->mark : find_proof(scan);
    if (scan->proof > 0)
        scan->rest = BODY_PROVEN;
    else
        scan->rest = scan->rest_end > scan->at.offset ? BODY_UNPROVEN : BODY_ZERO;
}

int scan_unused(const struct ld_context *context, const char *directory,
                const struct catalog_entry *entry, uint64_t sequence, uint64_t mark,
                struct scan *scan, struct ld_error *error)
{
    struct evlog_segment *view;
    *scan = (struct scan){
        .mark = mark,
        .at = {.sequence = sequence, .offset = SEGMENT_HEADER_SIZE},
        .rest = BODY_UNPROVEN, /* a file shorter than a segment is none of ours */
        .rest_end = SEGMENT_HEADER_SIZE,
    };
    if (entry->file_bytes <= SEGMENT_HEADER_SIZE)
        return LD_OK;
    int code = segment_map(context, directory, entry->number, entry->file_bytes, &view, error);
    if (code != LD_OK)
        return code;
    scan->segment = view;
    scan_rest(scan);
    segment_drop(view);
    scan->segment = NULL;
    return LD_OK;
}
