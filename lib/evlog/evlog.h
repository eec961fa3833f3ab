/*
 * evlog: the durable, totally ordered event log (docs/log-format.md). One directory, one writer.
 *
 * Happy path of the writer:
 *     evlog_open -> [evlog_stage …  evlog_commit_begin -> (writer thread: write, sync) ->
 *     committed callback -> evlog_commit_finish]* -> evlog_close
 * Two buffers: what is staged while one commit runs goes into the next one. No timer. Nothing is
 * readable, and evlog_durable does not move, before its bytes are synced.
 *
 * Threads: all functions are called by the thread that opened the log. The committed callback runs
 * on the writer thread and may only wake that thread (uv_async_send). Spans may be released from
 * any thread.
 *
 * Failures: a full disk refuses staging (LD_NOSPACE) and heals when space returns; the first
 * failed write or sync is final (LD_IO from everything that writes; reading goes on). Recovery at
 * open is a decision table (recovery.c); damage other than a proven torn tail refuses to open
 * with LD_CORRUPT and names the tool.
 */
#ifndef LD_EVLOG_H
#define LD_EVLOG_H

#include <liandong/record.h>
#include "context.h"
#include "histogram.h"

struct evlog;

enum { EVLOG_ID_SIZE = 16 };

struct evlog_options {
    uint64_t
        segment_bytes; /* size of a segment file; 64 MiB; multiple of 4 KiB from 64 KiB to 4 GiB */
    uint64_t reserve_bytes; /* free space below which staging answers LD_NOSPACE; 16 MiB */
    size_t buffer_bytes;    /* of each of the two staging buffers; 8 MiB */
    bool drill;             /* a new log becomes a drill log: all its events are exercises */
    bool read_only;         /* inspect: takes no lock, changes nothing, stage is refused */
    bool writer_thread;     /* commit in a thread of its own (true); false: in commit_begin */
    bool index;             /* make missing indexes of sealed segments in a thread (true); an index
                               that is there is used in any case */
};
void evlog_options_init(struct evlog_options *options);

/* What opening found and did, for the operator. */
struct evlog_recovery {
    uint64_t segments;
    uint64_t first_sequence; /* oldest event still here; 1 in a whole log */
    uint64_t head;           /* last durable sequence, 0 if none */
    uint64_t torn_bytes;     /* cut from the tail because proven torn, 0 as a rule */
    bool created;
};

/* Opens or creates the log in directory. Errors: LD_LOCKED (another process has it), LD_CORRUPT,
 * LD_VERSION, LD_NOSPACE, LD_IO, LD_INVALID (a drill log opened as actual or the reverse: the
 * option must agree with what is on disk, unless read_only). */
int evlog_open(const struct ld_context *context, const char *directory,
               const struct evlog_options *options, struct evlog **out,
               struct evlog_recovery *recovery, struct ld_error *error) LD_MUST_USE;

/* Waits for a running commit, makes what is staged durable if it can, frees. NULL is legal. */
void evlog_close(struct evlog *log);

const uint8_t *evlog_id(const struct evlog *log); /* EVLOG_ID_SIZE random bytes, fixed at birth */
bool evlog_is_drill(const struct evlog *log);
uint64_t evlog_first(const struct evlog *log);       /* oldest sequence readable, 1 if empty */
uint64_t evlog_durable(const struct evlog *log);     /* last durable sequence, 0 if none */
uint64_t evlog_staged(const struct evlog *log);      /* last staged sequence, >= durable */
int64_t evlog_last_time_us(const struct evlog *log); /* time of the last staged event */

/* ---- writing ---- */

/* Copies an encoded record into the staging buffer and gives it the next sequence and a time of
 * max(now_us, last time). flags replace the record's; in a drill log LD_RECORD_EXERCISE is added.
 * The caller has checked the record (ld_record_decode, ld_record_check, topic) and decided on
 * duplicates with evlog_producer. Where a segment begins, its checkpoint takes a sequence before
 * the event, so *sequence may be more than one above the last.
 * Errors: LD_BUSY (buffer full: finish a commit first), LD_NOSPACE (heals by itself; go on calling
 * evlog_commit_begin), LD_TOOBIG (more than a segment or buffer holds), LD_INVALID (not a record,
 * unknown flags, read-only), LD_NOMEM, LD_IO (log has failed). */
int evlog_stage(struct evlog *log, const uint8_t *raw, int64_t now_us, uint16_t flags,
                uint64_t *sequence, struct ld_error *error) LD_MUST_USE;

/* Called when a commit is done, on the writer thread (or inside commit_begin without one). */
typedef void evlog_committed_fn(void *data);
void evlog_on_committed(struct evlog *log, evlog_committed_fn *fn, void *data);

/* Starts making all that is staged durable. LD_OK also when nothing is staged or a commit runs;
 * *started says whether one was started. LD_IO once the log has failed. */
int evlog_commit_begin(struct evlog *log, bool *started, struct ld_error *error) LD_MUST_USE;
/* After the callback: moves evlog_durable; LD_OK and nothing when no commit is done. LD_NOSPACE if
 * the disk was full: the events stay staged, and the next commit_begin tries again. LD_IO if that
 * write or sync failed (final). */
int evlog_commit_finish(struct evlog *log, struct ld_error *error) LD_MUST_USE;
/* Makes what is staged durable in the caller's thread, without a callback, where that costs less
 * than to have it done: at most EVLOG_QUICK_BYTES, in a segment that is begun, and each of the last
 * EVLOG_QUICK_SYNCS syncs took a millisecond at most. A sync that takes long nevertheless holds the
 * caller up, once. *done false: there was nothing staged, or it is one for evlog_commit_begin.
 * Errors: those of evlog_commit_finish. */
enum { EVLOG_QUICK_BYTES = 64 << 10, EVLOG_QUICK_SYNCS = 32 };
int evlog_commit_here(struct evlog *log, bool *done, struct ld_error *error) LD_MUST_USE;
/* Begin, wait, finish, until nothing is staged: for tools and tests. */
int evlog_commit(struct evlog *log, struct ld_error *error) LD_MUST_USE;

/* ---- producers (R3: kept in checkpoints, rebuilt from the log) ---- */

/* Where a producer is: its event with the highest sequence, 0 if it has none. */
struct evlog_position {
    uint64_t sequence;
    uint32_t checksum;   /* of that event's topic and payload */
    bool checksum_known; /* not of one before the last segment of a log from version 1 */
};
struct evlog_position evlog_producer_position(const struct evlog *log, uint64_t producer);
/* Highest staged sequence of a producer, 0 if it has none. */
uint64_t evlog_producer(const struct evlog *log, uint64_t producer);
size_t evlog_producer_count(const struct evlog *log);

/* ---- reading ---- */

/* A run of whole records of one segment: raw bytes, borrowed until evlog_span_release (any
 * thread). Records are [first, last]; header checksums have been verified, payloads not. */
struct evlog_span {
    const uint8_t *data;
    size_t size;
    uint64_t first, last;
    struct evlog_segment *owner; /* private */
};

/* Durable events from sequence on, at most max_bytes (but at least one record), not beyond one
 * segment. *span is empty (size 0) when sequence > durable. Errors: LD_NOTFOUND (older than
 * evlog_first), LD_CORRUPT (names segment and sequence), LD_IO. */
int evlog_read(struct evlog *log, uint64_t sequence, size_t max_bytes, struct evlog_span *span,
               struct ld_error *error) LD_MUST_USE;
void evlog_span_retain(const struct evlog_span *span);
void evlog_span_release(const struct evlog_span *span);

/* The time of an event, for telling how old it is: exact where the log's index reaches, which is
 * all that was written or read since it was opened; else of an event before it in the same segment.
 * Reads at most 64 KiB. LD_NOTFOUND (not durable, or older than evlog_first), LD_CORRUPT, LD_IO. */
int evlog_time_near(struct evlog *log, uint64_t sequence, int64_t *time_us,
                    struct ld_error *error) LD_MUST_USE;

/* First sequence whose time is >= time_us; evlog_durable + 1 if there is none. With the segment's
 * index file that is one look into it and at one block of events; without, the segment is read
 * once: LD_BUSY after max_bytes of it, the same call again then goes on. LD_CORRUPT, LD_IO. */
int evlog_find_time(struct evlog *log, int64_t time_us, uint64_t max_bytes, uint64_t *sequence,
                    struct ld_error *error) LD_MUST_USE;

/* ---- skipping by topic (docs/log-format.md, 10) ---- */

struct evlog_filter {
    const char *text; /* checked (ld_filter_check) */
    size_t size;
};

enum { EVLOG_SEEK_SEGMENTS = 4, EVLOG_SELECTION_BYTES = 128 };

/* Filters, and what the index of one segment says of them. Fill in filters (borrowed) and count,
 * zero the rest; belongs to one log. */
struct evlog_selection {
    const struct evlog_filter *filters;
    size_t count;
    uint64_t number;                       /* private */
    uint8_t blocks[EVLOG_SELECTION_BYTES]; /* private */
};

/* Where to go on reading: no event from sequence up to the one returned matches a filter. Within
 * *max_bytes (for evlog_read) from there on there may be some; SIZE_MAX where nothing is known. 0:
 * EVLOG_SEEK_SEGMENTS segments were skipped, call again with what was returned, if it is durable.
 * Damage in what is skipped is not noticed. */
uint64_t evlog_seek(struct evlog *log, struct evlog_selection *selection, uint64_t sequence,
                    size_t *max_bytes);

/* ---- figures ---- */
struct evlog_stats {
    uint64_t events_staged, bytes_staged, commits, segments_created;
    uint64_t commits_here; /* of these commits: evlog_commit_here */
    uint64_t refused_nospace, refused_busy;
    struct ld_histogram syncs; /* how long they took */
    int64_t sync_us_last;
    uint64_t segments, bytes_on_disk;          /* in use */
    uint64_t bytes_waiting, bytes_waiting_max; /* staged and not durable; what has room */
    uint64_t indexes_made;                     /* since the log was opened */
    uint64_t indexes_failed;                   /* segments that stay without one: disk or damage */
    uint64_t indexes_looked; /* sealed segments of which it is known: there, made, failed */
    bool failed;             /* a write or sync failed: final */
};
void evlog_get_stats(const struct evlog *log, struct evlog_stats *stats);

/* ---- offline tools ---- */

/* Reads the whole log, every checksum, without the lock. finding() is called once per finding
 * (sequence 0 if it belongs to none); LD_OK if all is good (a torn tail is not damage), else
 * LD_CORRUPT. counts may be NULL. */
struct evlog_verify_counts {
    uint64_t segments, events, bytes, torn_bytes, findings;
};
typedef void evlog_finding_fn(const char *segment, uint64_t sequence, const char *text, void *data);
int evlog_verify(const struct ld_context *context, const char *directory, evlog_finding_fn *finding,
                 void *data, struct evlog_verify_counts *counts,
                 struct ld_error *error) LD_MUST_USE;

/* Sets damage aside that the log refuses to open with, for the operator who has decided to go on
 * without it: keeps the longest undamaged beginning, and moves or copies everything from the first
 * damage on into a new folder set-aside-N in directory. Deletes nothing; takes the lock; leaves a
 * good log alone. Interrupted at any moment, it can be called again. LD_LOCKED, LD_NOTFOUND (no
 * log), LD_VERSION, LD_NOSPACE, LD_IO. */

/* A producer with events behind the first damage: its last producer sequence in what is kept (0:
 * none), and the last one found behind. */
typedef void evlog_set_aside_fn(uint64_t producer, uint64_t kept, uint64_t last, void *data);
struct evlog_repair_options {
    bool look_only;               /* finds and tells, takes no lock, changes nothing */
    evlog_set_aside_fn *producer; /* called for each; may be NULL */
    void *data;
};
struct evlog_repair_report {
    bool damaged;            /* else there was nothing to do, and of the rest only head counts */
    uint64_t segment;        /* number of the segment with the first damage */
    uint64_t sequence;       /* first event that is not kept */
    uint64_t head;           /* last event that is */
    uint64_t last;           /* last event that is known to have been there */
    uint64_t readable;       /* events behind the damage that are whole */
    uint64_t segments_moved; /* whole files in the folder, besides the copy of the damaged one */
    char folder[64];         /* its name; empty if nothing was changed */
    char reason[256];        /* what was damaged */
};
/* options may be NULL: repair, tell nobody. */
int evlog_repair(const struct ld_context *context, const char *directory,
                 const struct evlog_repair_options *options, struct evlog_repair_report *report,
                 struct ld_error *error) LD_MUST_USE;

/* ---- heads (docs/log-format.md, 11) ---- */

enum { EVLOG_HASH_SIZE = 32, EVLOG_HEAD_MESSAGE_SIZE = 80 };

struct evlog_link { /* a segment up to last */
    uint64_t number, base, last;
    uint8_t hash[EVLOG_HASH_SIZE];
};
struct evlog_head {
    uint8_t id[EVLOG_ID_SIZE];
    uint64_t sequence;
    int64_t time_us; /* of that event */
    uint8_t chain[EVLOG_HASH_SIZE];
    struct evlog_link *links; /* owned */
    size_t count;
};

/* The head at sequence; 0: at the last event that is certainly durable. Free it with
 * evlog_head_free. LD_NOTFOUND (no log, or it ends before), and the errors of evlog_open. */
int evlog_head(const struct ld_context *context, const char *directory, uint64_t sequence,
               struct evlog_head *head, struct ld_error *error) LD_MUST_USE;
void evlog_head_free(struct evlog_head *head);
/* The bytes that a signature of the head is over. */
void evlog_head_message(const struct evlog_head *head, uint8_t message[EVLOG_HEAD_MESSAGE_SIZE]);

/* Reads every byte up to the head's sequence: is it what it was? Segments that are not in directory
 * are read from archive (may be NULL). finding() is called for each
 * segment that is not. LD_OK; LD_CORRUPT with findings; LD_INVALID: the head is of another log or
 * is not what its own hash says. */
int evlog_head_compare(const struct ld_context *context, const char *directory, const char *archive,
                       const struct evlog_head *head, evlog_finding_fn *finding, void *data,
                       struct ld_error *error) LD_MUST_USE;

/* ---- archives (docs/log-format.md, 12) ---- */

/* Asked to take away a segment that is archived and listed: LD_OK once it is gone. */
typedef int evlog_retire_fn(const struct evlog_link *link, void *data, struct ld_error *error);

struct evlog_archive_rule {
    uint64_t keep;           /* of the newest sealed segments, so many stay */
    int64_t before_us;       /* only segments whose events are all before; INT64_MAX: any */
    uint64_t needed_from;    /* events from this sequence on stay; 0: no such rule */
    evlog_retire_fn *retire; /* whoever has the log open; NULL: nobody has, and the lock is taken */
    void *data;
};
struct evlog_archive_report {
    uint64_t segments, segment_bytes, packed_bytes; /* moved; on the disk before; as compressed */
    uint64_t first;                                 /* oldest sequence that is here now */
    uint64_t held_by; /* number of the legal hold that it stopped at (holds.h); 0: none */
    bool needed;      /* it stopped at needed_from */
};

/* Moves sealed segments, from the oldest on, compressed into the folder archive (made if absent),
 * each read back and compared before it is removed. Interrupted anywhere, the log opens and nothing
 * is lost; call it again. Stops at the first segment that a legal hold covers. LD_LOCKED,
 * LD_CORRUPT (a segment is damaged: stays; or the list of holds is: nothing is moved), LD_INVALID
 * (that list is of another log), LD_NOSPACE, LD_IO. */
int evlog_archive(const struct ld_context *context, const char *directory, const char *archive,
                  const struct evlog_archive_rule *rule, struct evlog_archive_report *report,
                  struct ld_error *error) LD_MUST_USE;
/* For who has the log open: may its oldest segment, with this last event, be taken away? LD_OK:
 * link says what it is. LD_INVALID (not the oldest, or the last one), LD_REFUSED (not listed as
 * archived, or a legal hold covers it), LD_CORRUPT (it is not known what is held), LD_IO. */
int evlog_retire_check(const struct evlog *log, uint64_t last, struct evlog_link *link,
                       struct ld_error *error) LD_MUST_USE;
/* Forgets the oldest segment: check has said LD_OK. The log begins with the next one. */
void evlog_retire(struct evlog *log);
/* Removes the file of a segment that is archived and not in use; any thread. */
int evlog_retire_remove(const struct ld_context *context, const char *directory, uint64_t number,
                        struct ld_error *error) LD_MUST_USE;
/* Takes the lock. Brings back the segments from the one with sequence from on (0: all), bit for
 * bit. The archive keeps its files. LD_LOCKED, LD_NOTFOUND (not archived, or not in that folder),
 * LD_CORRUPT (the archive's file is not what it was), LD_NOSPACE, LD_IO. */
int evlog_unarchive(const struct ld_context *context, const char *directory, const char *archive,
                    uint64_t from, struct evlog_archive_report *report,
                    struct ld_error *error) LD_MUST_USE;

/* The names of the log's own events. */
#define EVLOG_TOPIC_CHECKPOINT "sys/checkpoint"

#endif
