/*
 * The indexer thread.
 *
 * Happy path: the log says which segments are sealed; each is looked at once, from the oldest on:
 * if its index is there and good, nothing; else it is made. The loop thread only ever stores a
 * number and posts a semaphore, so it never waits for a thread of lower priority.
 * Failures cost speed and nothing else: a segment that cannot be read, or a full disk, leaves the
 * segment without an index, to be tried again at the next open. Stop is seen within a block.
 */
#include "indexer.h"

#include <errno.h>
#include <string.h>
#include <sched.h>

static bool asked_to_stop(void *data)
{
    struct indexer *indexer = data;
    return atomic_load(&indexer->stop);
}

/* What the headers of a segment and the next one say of it. */
static int look_up(struct indexer *indexer, uint64_t number, struct index_of *of)
{
    uint64_t bases[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct segment_header header;
        int code =
            segment_read_header(indexer->context, indexer->directory, number + i, &header, NULL);
        if (code != LD_OK)
            return code;
        bases[i] = header.base;
    }
    *of = (struct index_of){.number = number, .base = bases[0], .last = bases[1] - 1};
    memcpy(of->id, indexer->id, EVLOG_ID_SIZE);
    return LD_OK;
}

/* A segment that the writer has let go of comes into the page cache again by being read here. */
static void let_go(struct indexer *indexer, uint64_t number)
{
    char path[SEGMENT_PATH_SIZE];
    int fd;
    segment_path(path, indexer->directory, number);
    if (number + 1 >= atomic_load(&indexer->sealed) ||
        disk_open(indexer->context, path, LD_OPEN_READ, &fd, NULL) != LD_OK)
        return;
    disk_uncache(indexer->context, fd);
    disk_close(indexer->context, fd);
}

static int make(struct indexer *indexer, const struct index_of *of)
{
    struct segment_index index;
    int code = index_read(indexer->context, indexer->directory, of, &index, NULL);
    if (code == LD_OK) {
        index_discard(&index);
        return LD_OK;
    }
    code =
        index_make(indexer->context, indexer->directory, of, asked_to_stop, indexer, &index, NULL);
    let_go(indexer, of->number);
    if (code != LD_OK)
        return code;
    code = index_write(indexer->context, indexer->directory, &index, NULL);
    index_discard(&index);
    atomic_fetch_add(&indexer->made, code == LD_OK);
    return code;
}

static void look_at(struct indexer *indexer, uint64_t number)
{
    struct index_of of;
    int code = look_up(indexer, number, &of);
    if (code == LD_OK)
        code = make(indexer, &of);
    if (code != LD_OK && code != LD_CANCELLED)
        atomic_fetch_add(&indexer->failed, 1);
    atomic_fetch_add(&indexer->looked, 1);
}

/* Of this thread; right also without. It gives way at once to whatever else wants to run. */
static void take_idle_time_only(void)
{
    const struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &none);
}

static void *run(void *data)
{
    struct indexer *indexer = data;
    uint64_t next = indexer->first;
    take_idle_time_only();
    while (!atomic_load(&indexer->stop)) {
        if (next <= atomic_load(&indexer->sealed))
            look_at(indexer, next++);
        else
            while (sem_wait(&indexer->wake) != 0 && errno == EINTR) {
            }
    }
    return NULL;
}

bool indexer_start(struct indexer *indexer, const struct ld_context *context, const char *directory,
                   const uint8_t id[EVLOG_ID_SIZE], uint64_t first)
{
    indexer->context = context;
    indexer->directory = directory;
    memcpy(indexer->id, id, EVLOG_ID_SIZE);
    indexer->first = first;
    atomic_init(&indexer->looked, 1);
    sem_init(&indexer->wake, 0, 0);
    if (pthread_create(&indexer->thread, NULL, run, indexer) == 0)
        return true;
    sem_destroy(&indexer->wake);
    return false;
}

void indexer_stop(struct indexer *indexer)
{
    atomic_store(&indexer->stop, true);
    sem_post(&indexer->wake);
    pthread_join(indexer->thread, NULL);
    sem_destroy(&indexer->wake);
}

void indexer_sealed(struct indexer *indexer, uint64_t number)
{
    atomic_store(&indexer->sealed, number);
    sem_post(&indexer->wake);
}

uint64_t indexer_generation(const struct indexer *indexer)
{
    return atomic_load(&indexer->looked);
}

void indexer_get_stats(const struct indexer *indexer, struct evlog_stats *stats)
{
    stats->indexes_made = atomic_load(&indexer->made);
    stats->indexes_failed = atomic_load(&indexer->failed);
    stats->indexes_looked = atomic_load(&indexer->looked) - 1;
}
