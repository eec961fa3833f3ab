/*
 * The preparer thread: one segment ahead.
 *
 * Happy path: the writer requests the next segment when a quarter of the current one is used; the
 * thread makes it; the writer takes it at the roll. If making fails (disk full), the state is
 * FAILED; whoever takes tries again itself and gets the error, so nothing is lost by a failure in
 * the background and a healed disk heals the log. On stop, work under way is given up between two
 * chunks and its temporary file removed; a segment that is ready stays for the next open.
 */
#include "preparer.h"

#include <assert.h>

enum { RETRY_US = 1000000 };

static bool asked_to_stop(void *data)
{
    struct preparer *preparer = data;
    pthread_mutex_lock(&preparer->mutex);
    bool stop = preparer->stop;
    pthread_mutex_unlock(&preparer->mutex);
    return stop;
}

static int make(struct preparer *preparer, uint64_t number, enum segment_body body, int *fd,
                struct ld_error *error)
{
    struct segment_header header = preparer->header;
    header.number = number;
    return segment_make(preparer->context, preparer->directory, &header, body,
                        preparer->reserve_bytes, asked_to_stop, preparer, fd, error);
}

/* Called and returns with the mutex held. */
static void work_once(struct preparer *preparer)
{
    uint64_t number = preparer->header.number;
    enum segment_body body = preparer->body;
    int fd = -1;
    pthread_mutex_unlock(&preparer->mutex);
    int code = make(preparer, number, body, &fd, NULL);
    int64_t now_us = ld_monotonic_us(preparer->context);
    pthread_mutex_lock(&preparer->mutex);
    preparer->fd = fd;
    preparer->state = code == LD_OK ? PREPARER_READY : PREPARER_FAILED;
    preparer->retry_at_us = now_us + RETRY_US;
    pthread_cond_broadcast(&preparer->changed);
}

static void *run(void *data)
{
    struct preparer *preparer = data;
    pthread_mutex_lock(&preparer->mutex);
    while (!preparer->stop) {
        if (preparer->state == PREPARER_WORKING)
            work_once(preparer);
        else
            pthread_cond_wait(&preparer->changed, &preparer->mutex);
    }
    pthread_mutex_unlock(&preparer->mutex);
    return NULL;
}

int preparer_start(struct preparer *preparer, const struct ld_context *context,
                   const char *directory, const struct segment_header *header,
                   uint64_t reserve_bytes, bool threaded, struct ld_error *error)
{
    *preparer = (struct preparer){.context = context,
                                  .directory = directory,
                                  .header = *header,
                                  .reserve_bytes = reserve_bytes,
                                  .threaded = threaded,
                                  .state = PREPARER_IDLE,
                                  .fd = -1};
    pthread_mutex_init(&preparer->mutex, NULL);
    pthread_cond_init(&preparer->changed, NULL);
    if (!threaded || pthread_create(&preparer->thread, NULL, run, preparer) == 0)
        return LD_OK;
    pthread_cond_destroy(&preparer->changed);
    pthread_mutex_destroy(&preparer->mutex);
    return ld_fail(error, LD_NOMEM, "cannot start the thread that prepares log segments");
}

void preparer_stop(struct preparer *preparer)
{
    pthread_mutex_lock(&preparer->mutex);
    preparer->stop = true;
    pthread_cond_broadcast(&preparer->changed);
    pthread_mutex_unlock(&preparer->mutex);
    if (preparer->threaded)
        pthread_join(preparer->thread, NULL);
    disk_close(preparer->context, preparer->fd);
    pthread_cond_destroy(&preparer->changed);
    pthread_mutex_destroy(&preparer->mutex);
}

void preparer_adopt(struct preparer *preparer, uint64_t number, int fd)
{
    pthread_mutex_lock(&preparer->mutex);
    assert(preparer->state == PREPARER_IDLE);
    preparer->header.number = number;
    preparer->fd = fd;
    preparer->state = PREPARER_READY;
    pthread_mutex_unlock(&preparer->mutex);
}

static bool may_begin(struct preparer *preparer)
{
    if (preparer->state == PREPARER_FAILED)
        return ld_monotonic_us(preparer->context) >= preparer->retry_at_us;
    return preparer->state == PREPARER_IDLE;
}

void preparer_request(struct preparer *preparer, uint64_t number, enum segment_body body)
{
    pthread_mutex_lock(&preparer->mutex);
    if (may_begin(preparer)) {
        preparer->header.number = number;
        preparer->body = body;
        preparer->state = PREPARER_WORKING;
        if (preparer->threaded)
            pthread_cond_broadcast(&preparer->changed);
        else
            work_once(preparer);
    }
    pthread_mutex_unlock(&preparer->mutex);
}

bool preparer_has(struct preparer *preparer, uint64_t number)
{
    pthread_mutex_lock(&preparer->mutex);
    bool has = preparer->state == PREPARER_READY && preparer->header.number == number;
    pthread_mutex_unlock(&preparer->mutex);
    return has;
}

int preparer_take(struct preparer *preparer, uint64_t number, int *fd, struct ld_error *error)
{
    pthread_mutex_lock(&preparer->mutex);
    while (preparer->state == PREPARER_WORKING)
        pthread_cond_wait(&preparer->changed, &preparer->mutex);
    bool ready = preparer->state == PREPARER_READY;
    assert(!ready || preparer->header.number == number); /* segments are made in order */
    *fd = preparer->fd;
    preparer->fd = -1;
    preparer->state = PREPARER_IDLE;
    pthread_mutex_unlock(&preparer->mutex);
    return ready ? LD_OK : make(preparer, number, SEGMENT_ALLOCATED, fd, error);
}
