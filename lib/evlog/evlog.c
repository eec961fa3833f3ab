/*
 * Opening, committing, closing, figures: the parts of evlog put together.
 *
 * Happy path: open takes the lock, recovers (recovery.c), starts preparer and writer; stage.c
 * fills a batch; commit_begin hands it to the writer and staging goes on in the other one;
 * commit_finish moves what is durable. Close commits what is staged, writes the mark, joins the
 * threads and lets go of the lock last; spans that are still held stay good.
 * Failures: a commit that found the disk full is retained and goes first the next time; any other
 * failed commit sets `failed` for good, and only reading goes on.
 */
#include "evlog.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "recovery.h"

enum { DIRECTORY_SIZE_MAX = SEGMENT_PATH_SIZE - 64, BUFFER_BYTES_MIN = 65536 };

void evlog_options_init(struct evlog_options *options)
{
    *options = (struct evlog_options){.segment_bytes = UINT64_C(64) << 20,
                                      .reserve_bytes = UINT64_C(16) << 20,
                                      .buffer_bytes = (size_t)8 << 20,
                                      .writer_thread = true,
                                      .index = true};
}

/* ---- extents ---- */

bool log_reserve_extent(struct evlog *log)
{
    if (log->extent_count < log->extent_capacity)
        return true;
    size_t capacity = log->extent_capacity ? 2 * log->extent_capacity : 64;
    struct extent *grown = realloc(log->extents, capacity * sizeof *grown);
    if (!grown)
        return false;
    log->extents = grown;
    log->extent_capacity = capacity;
    return true;
}

struct extent *log_add_extent(struct evlog *log, uint64_t number, uint64_t base, uint64_t last,
                              uint64_t size_bytes)
{
    assert(log->extent_count < log->extent_capacity);
    assert(log->extent_count == 0 || number == log_last_extent(log)->number + 1);
    struct extent *extent = &log->extents[log->extent_count++];
    extent_init(extent, number, base, last, size_bytes);
    return extent;
}

/* ---- open ---- */

static int check_options(const char *directory, const struct evlog_options *options,
                         struct ld_error *error)
{
    if (strlen(directory) == 0 || strlen(directory) > DIRECTORY_SIZE_MAX)
        return ld_fail(error, LD_INVALID, "log directory has %zu characters, expected 1 to %d",
                       strlen(directory), DIRECTORY_SIZE_MAX);
    if (options->segment_bytes < SEGMENT_BYTES_MIN || options->segment_bytes > SEGMENT_BYTES_MAX ||
        options->segment_bytes % SEGMENT_HEADER_SIZE != 0)
        return ld_fail(error, LD_INVALID,
                       "segment size %" PRIu64 ", expected a multiple of 4096 from %" PRIu64
                       " to %" PRIu64,
                       options->segment_bytes, SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
    if (options->buffer_bytes < BUFFER_BYTES_MIN)
        return ld_fail(error, LD_INVALID, "staging buffer of %zu bytes, expected at least %d",
                       options->buffer_bytes, BUFFER_BYTES_MIN);
    return LD_OK;
}

static int take_lock(struct evlog *log, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    int code = disk_make_directory(log->context, log->directory, error);
    if (code != LD_OK)
        return code;
    mark_path(path, sizeof path, log->directory);
    code = disk_open(log->context, path, LD_OPEN_LOCK, &log->lock_fd, error);
    if (code == LD_LOCKED)
        return ld_fail(error, LD_LOCKED, "the log in %s is in use by another process",
                       log->directory);
    return code;
}

static int make_buffers(struct evlog *log, struct ld_error *error)
{
    for (size_t i = 0; i < 2; i++) {
        log->batches[i].capacity = log->options.buffer_bytes;
        log->batches[i].data = malloc(log->options.buffer_bytes);
        if (!log->batches[i].data)
            return ld_fail(error, LD_NOMEM, "no memory for staging buffers of %zu bytes",
                           log->options.buffer_bytes);
    }
    log->filling = &log->batches[0];
    return LD_OK;
}

/* Takes over the recovered files also when it fails. */
static int start_writing(struct evlog *log, const struct recovered *recovered,
                         struct ld_error *error)
{
    bool threaded = log->options.writer_thread;
    int code = make_buffers(log, error);
    if (code != LD_OK)
        goto close_files;
    code = preparer_start(&log->preparer, log->context, log->directory, &log->pattern,
                          log->options.reserve_bytes, threaded, error);
    if (code != LD_OK)
        goto close_files;
    if (recovered->spare_fd >= 0)
        preparer_adopt(&log->preparer, recovered->spare_number, recovered->spare_fd);
    const struct extent *last = log_last_extent(log);
    code = writer_start(&log->writer, log->context, &log->preparer, recovered->fd, last->number,
                        last->size_bytes, threaded, error);
    if (code != LD_OK)
        preparer_stop(&log->preparer);
    log->writable = code == LD_OK;
    return code;

close_files:
    disk_close(log->context, recovered->fd);
    disk_close(log->context, recovered->spare_fd);
    return code;
}

/* All but the last segment are sealed; the indexer finds out which have no index. */
static void start_indexing(struct evlog *log)
{
    log->indexing = indexer_start(&log->indexer, log->context, log->directory, log->pattern.id,
                                  log->extents[0].number);
    if (log->indexing)
        indexer_sealed(&log->indexer, log_last_extent(log)->number - 1);
}

static int open_log(struct evlog *log, struct evlog_recovery *report, struct ld_error *error)
{
    struct recovered recovered;
    bool read_only = log->options.read_only;
    int code = read_only ? LD_OK : take_lock(log, error);
    if (code == LD_OK)
        code = recovery_run(log, report, &recovered, error);
    if (code == LD_OK && !read_only)
        code = start_writing(log, &recovered, error);
    if (code == LD_OK && !read_only && log->options.index)
        start_indexing(log);
    return code;
}

static void free_log(struct evlog *log)
{
    for (size_t i = 0; i < KEPT_INDEXES; i++)
        index_discard(&log->indexes[i].index);
    for (size_t i = 0; i < log->extent_count; i++)
        extent_free(&log->extents[i]);
    free(log->extents);
    free(log->batches[0].data);
    free(log->batches[1].data);
    producers_free(&log->producers);
    disk_close(log->context, log->lock_fd);
    free(log->directory);
    free(log);
}

int evlog_open(const struct ld_context *context, const char *directory,
               const struct evlog_options *options, struct evlog **out,
               struct evlog_recovery *recovery, struct ld_error *error)
{
    struct evlog_recovery report = {0};
    int code = check_options(directory, options, error);
    if (code != LD_OK)
        return code;
    struct evlog *log = calloc(1, sizeof *log);
    if (!log)
        return ld_fail(error, LD_NOMEM, "no memory for a log");
    log->context = context;
    log->options = *options;
    log->lock_fd = -1;
    log->pattern.size_bytes = options->segment_bytes;
    log->directory = strdup(directory);
    code = log->directory ? open_log(log, &report, error)
                          : ld_fail(error, LD_NOMEM, "no memory for a log");
    if (code != LD_OK) {
        free_log(log);
        return code;
    }
    if (recovery)
        *recovery = report;
    *out = log;
    return LD_OK;
}

/* ---- close ---- */

/* Makes durable what can be. Without the mark the next open can prove less, no more than that. */
static void finish_writing(struct evlog *log)
{
    int code = evlog_commit(log, NULL);
    writer_wait(&log->writer);
    if (code == LD_OK && evlog_staged(log) == log->durable)
        code = mark_write(log->context, log->lock_fd, log->pattern.id, log->durable, NULL);
    (void)code; /* who has to know has called evlog_commit before */
}

void evlog_close(struct evlog *log)
{
    if (!log)
        return;
    if (log->indexing)
        indexer_stop(&log->indexer);
    log->indexing = false;
    if (log->writable) {
        finish_writing(log);
        writer_stop(&log->writer);
        preparer_stop(&log->preparer);
    }
    free_log(log);
}

/* ---- committing ---- */

void evlog_on_committed(struct evlog *log, evlog_committed_fn *fn, void *data)
{
    if (log->writable)
        writer_on_committed(&log->writer, fn, data);
}

void log_advance(struct evlog *log, const struct batch *batch)
{
    uint64_t first = log->extents[0].number;
    for (size_t i = 0; i < batch->runs_done; i++) {
        log->extents[batch->runs[i].number - first].last = batch->runs[i].last;
        log->durable = batch->runs[i].last;
        if (log->indexing && batch->runs[i].file_offset == 0)
            indexer_sealed(&log->indexer, batch->runs[i].number - 1);
    }
}

static int check_commit(const struct evlog *log, struct ld_error *error)
{
    if (!log->writable)
        return ld_fail(error, LD_INVALID, "the log was opened read-only");
    if (log->failed)
        return ld_fail(error, LD_IO, "the log has failed and must be reopened: %s",
                       log->failure.text);
    return LD_OK;
}

/* What the next commit writes; NULL if nothing is staged. */
static struct batch *next_batch(struct evlog *log)
{
    struct batch *batch = log->retained;
    log->retained = NULL;
    if (batch)
        return batch;
    if (log->filling->run_count == 0)
        return NULL;
    batch = log->filling;
    log->filling = batch == &log->batches[0] ? &log->batches[1] : &log->batches[0];
    assert(log->filling->run_count == 0);
    return batch;
}

int evlog_commit_begin(struct evlog *log, bool *started, struct ld_error *error)
{
    *started = false;
    int code = check_commit(log, error);
    if (code != LD_OK || !writer_is_idle(&log->writer))
        return code;
    struct batch *batch = next_batch(log);
    if (!batch)
        return LD_OK;
    *started = true;
    writer_begin(&log->writer, batch);
    return LD_OK;
}

/* Worth it: little to write, into the segment at hand, and the disk has been quick for a while. */
static bool is_quick(struct evlog *log)
{
    const struct batch *batch = log->filling;
    return !log->retained && batch->run_count == 1 && batch->runs[0].file_offset > 0 &&
           batch->size <= EVLOG_QUICK_BYTES && writer_is_idle(&log->writer) &&
           log->writer.stats.quick_syncs >= EVLOG_QUICK_SYNCS;
}

int evlog_commit_here(struct evlog *log, bool *done, struct ld_error *error)
{
    *done = false;
    int code = check_commit(log, error);
    if (code != LD_OK || !is_quick(log))
        return code;
    *done = true;
    log->stats.commits_here++;
    writer_commit_here(&log->writer, next_batch(log));
    return evlog_commit_finish(log, error);
}

static void batch_clear(struct batch *batch)
{
    batch->size = 0;
    batch->run_count = 0;
    batch->runs_done = 0;
}

static void count_commit(struct evlog *log, int code)
{
    const struct writer_stats *stats = &log->writer.stats;
    log->stats.commits += code == LD_OK;
    log->stats.syncs = stats->syncs;
    log->stats.segments_created = stats->segments_created;
    log->stats.sync_us_last = stats->sync_us_last;
}

int evlog_commit_finish(struct evlog *log, struct ld_error *error)
{
    int code = LD_OK;
    struct ld_error reason;
    struct batch *batch = log->writable ? writer_finish(&log->writer, &code, &reason) : NULL;
    if (!batch)
        return check_commit(log, error);
    log_advance(log, batch);
    count_commit(log, code);
    if (code == LD_OK) {
        batch_clear(batch);
        return LD_OK;
    }
    if (code == LD_NOSPACE) {
        log->retained = batch;
        return ld_fail(error, code, "%s", reason.text);
    }
    log->failed = true;
    log->failure = reason;
    return ld_fail(error, LD_IO, "cannot make events durable: %s", reason.text);
}

int evlog_commit(struct evlog *log, struct ld_error *error)
{
    bool started = true;
    int code = check_commit(log, error);
    while (code == LD_OK && started) {
        writer_wait(&log->writer);
        code = evlog_commit_finish(log, error);
        if (code == LD_OK)
            code = evlog_commit_begin(log, &started, error);
    }
    return code;
}

/* ---- figures ---- */

const uint8_t *evlog_id(const struct evlog *log)
{
    return log->pattern.id;
}

bool evlog_is_drill(const struct evlog *log)
{
    return log->pattern.drill;
}

uint64_t evlog_first(const struct evlog *log)
{
    return log->extents[0].base;
}

uint64_t evlog_durable(const struct evlog *log)
{
    return log->durable;
}

uint64_t evlog_staged(const struct evlog *log)
{
    return log->tail.sequence - 1;
}

int64_t evlog_last_time_us(const struct evlog *log)
{
    return log->last_time_us;
}

struct evlog_position evlog_producer_position(const struct evlog *log, uint64_t producer)
{
    return producers_get(&log->producers, producer);
}

uint64_t evlog_producer(const struct evlog *log, uint64_t producer)
{
    return producers_get(&log->producers, producer).sequence;
}

size_t evlog_producer_count(const struct evlog *log)
{
    return producers_count(&log->producers);
}

void evlog_get_stats(const struct evlog *log, struct evlog_stats *stats)
{
    *stats = log->stats;
    stats->failed = log->failed;
    stats->segments = log->extent_count;
    if (log->indexing)
        indexer_get_stats(&log->indexer, stats);
    for (int i = 0; i < 2; i++) {
        stats->bytes_waiting += log->batches[i].size;
        stats->bytes_waiting_max += log->batches[i].capacity;
    }
    for (size_t i = 0; i < log->extent_count; i++)
        stats->bytes_on_disk += log->extents[i].size_bytes;
}
