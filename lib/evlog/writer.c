/*
 * The writer: makes batches durable, one at a time, in a thread of its own if asked to.
 *
 * Happy path: begin hands over a batch; for each of its runs the writer takes the prepared segment
 * if the run begins one, writes, syncs; then it is done, calls back, and the loop thread collects
 * the result with finish. A run is synced before the next run is written, so a segment that is in
 * use proves that the one before it is complete.
 * Failures: a disk that is full before anything was synced wrongly (LD_NOSPACE while writing or
 * making a segment) leaves the batch as it was, to be begun again from the first run that is not
 * durable. Any other failure, and every failure of a sync, is reported as LD_IO: final.
 * Stop waits for a running commit and joins.
 */
#include "writer.h"

#include <assert.h>

enum {
    PREPARE_AT_FRACTION = 4,         /* ask for the next segment when a quarter is used */
    QUICK_SYNC_US = 1000,            /* is no reason to have another thread wait for it */
    SMALL_COMMIT_BYTES = 64 * 1024u, /* up to here, on average, writing zeros ahead pays */
};

/* The segment before the last one leaves the page cache: who follows the head has read it. A log
 * that kept all that it ever wrote in memory would push out everything else, and taking fresh pages
 * from the machine costs more than writing them does. */
static int take_segment(struct writer *writer, uint64_t number, struct ld_error *error)
{
    int fd;
    int code = preparer_take(writer->preparer, number, &fd, error);
    if (code != LD_OK)
        return code;
    disk_uncache(writer->context, writer->sealed_fd);
    disk_close(writer->context, writer->sealed_fd);
    writer->sealed_fd = writer->fd;
    writer->fd = fd;
    writer->number = number;
    writer->size_bytes = writer->preparer->header.size_bytes;
    writer->written_bytes = 0;
    writer->written_syncs = 0;
    writer->stats.segments_created++;
    return LD_OK;
}

static int sync_timed(struct writer *writer, struct ld_error *error)
{
    int64_t before_us = ld_monotonic_us(writer->context);
    int code = disk_sync(writer->context, writer->fd, error);
    int64_t took_us = ld_monotonic_us(writer->context) - before_us;
    struct writer_stats *stats = &writer->stats;
    writer->written_syncs++;
    stats->sync_us_last = took_us;
    stats->quick_syncs = took_us <= QUICK_SYNC_US ? stats->quick_syncs + 1 : 0;
    ld_histogram_add(&stats->syncs, took_us);
    return code;
}

/* A full disk can be tried again; everything else is final. */
static int final_unless_full(int code)
{
    return code == LD_OK || code == LD_NOSPACE ? code : LD_IO;
}

static int write_run(struct writer *writer, const struct batch *batch, const struct run *run,
                     struct ld_error *error)
{
    if (run->number != writer->number) {
        assert(run->number == writer->number + 1 && run->file_offset == 0);
        int code = take_segment(writer, run->number, error);
        if (code != LD_OK)
            return final_unless_full(code);
    }
    assert(run->file_offset + run->size <= writer->size_bytes);
    int code = disk_write(writer->context, writer->fd, run->file_offset,
                          batch->data + run->data_offset, run->size, error);
    if (code != LD_OK)
        return final_unless_full(code);
    writer->written_bytes += run->size;
    return sync_timed(writer, error) == LD_OK ? LD_OK : LD_IO;
}

/* A commit into a segment that was only allocated has to make the change of the file's blocks
 * durable as well, which costs about as much time as writing 64 KiB more. So many small commits
 * want zeros that were written ahead, and few large ones are better off without. */
static void request_next(struct writer *writer)
{
    bool small = writer->written_bytes / writer->written_syncs <= SMALL_COMMIT_BYTES;
    preparer_request(writer->preparer, writer->number + 1,
                     small ? SEGMENT_WRITTEN : SEGMENT_ALLOCATED);
}

static int write_batch(struct writer *writer, struct batch *batch, struct ld_error *error)
{
    while (batch->runs_done < batch->run_count) {
        const struct run *run = &batch->runs[batch->runs_done];
        int code = write_run(writer, batch, run, error);
        if (code != LD_OK)
            return code;
        batch->runs_done++;
        if (run->file_offset + run->size > writer->size_bytes / PREPARE_AT_FRACTION)
            request_next(writer);
    }
    return LD_OK;
}

/* Called and returns with the mutex held. */
static void work(struct writer *writer)
{
    struct ld_error error = {0};
    pthread_mutex_unlock(&writer->mutex);
    int code = write_batch(writer, writer->batch, &error);
    pthread_mutex_lock(&writer->mutex);
    writer->code = code;
    writer->error = error;
    writer->state = WRITER_DONE;
}

static void commit(struct writer *writer)
{
    work(writer);
    pthread_cond_broadcast(&writer->changed);
    evlog_committed_fn *committed = writer->committed;
    void *data = writer->committed_data;
    pthread_mutex_unlock(&writer->mutex);
    if (committed)
        committed(data);
    pthread_mutex_lock(&writer->mutex);
}

static void *run_thread(void *data)
{
    struct writer *writer = data;
    pthread_mutex_lock(&writer->mutex);
    while (!writer->stop || writer->state == WRITER_RUNNING) {
        if (writer->state == WRITER_RUNNING)
            commit(writer);
        else
            pthread_cond_wait(&writer->changed, &writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

int writer_start(struct writer *writer, const struct ld_context *context, struct preparer *preparer,
                 int fd, uint64_t number, uint64_t size_bytes, bool threaded,
                 struct ld_error *error)
{
    *writer = (struct writer){.context = context,
                              .preparer = preparer,
                              .threaded = threaded,
                              .state = WRITER_IDLE,
                              .fd = fd,
                              .sealed_fd = -1,
                              .number = number,
                              .size_bytes = size_bytes};
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->changed, NULL);
    if (!threaded || pthread_create(&writer->thread, NULL, run_thread, writer) == 0)
        return LD_OK;
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
    disk_close(context, fd);
    return ld_fail(error, LD_NOMEM, "cannot start the thread that writes the log");
}

void writer_stop(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stop = true;
    pthread_cond_broadcast(&writer->changed);
    pthread_mutex_unlock(&writer->mutex);
    if (writer->threaded)
        pthread_join(writer->thread, NULL);
    disk_close(writer->context, writer->fd);
    disk_close(writer->context, writer->sealed_fd);
    pthread_cond_destroy(&writer->changed);
    pthread_mutex_destroy(&writer->mutex);
}

void writer_on_committed(struct writer *writer, evlog_committed_fn *fn, void *data)
{
    pthread_mutex_lock(&writer->mutex);
    writer->committed = fn;
    writer->committed_data = data;
    pthread_mutex_unlock(&writer->mutex);
}

bool writer_is_idle(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    bool idle = writer->state == WRITER_IDLE;
    pthread_mutex_unlock(&writer->mutex);
    return idle;
}

void writer_begin(struct writer *writer, struct batch *batch)
{
    assert(batch->run_count > batch->runs_done);
    pthread_mutex_lock(&writer->mutex);
    assert(writer->state == WRITER_IDLE);
    writer->batch = batch;
    writer->state = WRITER_RUNNING;
    if (writer->threaded)
        pthread_cond_broadcast(&writer->changed);
    else
        commit(writer);
    pthread_mutex_unlock(&writer->mutex);
}

void writer_commit_here(struct writer *writer, struct batch *batch)
{
    assert(batch->run_count > batch->runs_done);
    pthread_mutex_lock(&writer->mutex);
    assert(writer->state == WRITER_IDLE);
    writer->batch = batch;
    writer->state = WRITER_HERE;
    work(writer);
    pthread_mutex_unlock(&writer->mutex);
}

struct batch *writer_finish(struct writer *writer, int *code, struct ld_error *error)
{
    struct batch *batch = NULL;
    pthread_mutex_lock(&writer->mutex);
    if (writer->state == WRITER_DONE) {
        batch = writer->batch;
        *code = writer->code;
        *error = writer->error;
        writer->batch = NULL;
        writer->state = WRITER_IDLE;
    }
    pthread_mutex_unlock(&writer->mutex);
    return batch;
}

void writer_wait(struct writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    while (writer->state == WRITER_RUNNING)
        pthread_cond_wait(&writer->changed, &writer->mutex);
    pthread_mutex_unlock(&writer->mutex);
}
