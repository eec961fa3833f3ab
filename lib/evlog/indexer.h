/*
 * The indexer: makes the indexes of sealed segments in a thread of its own, of the lowest priority,
 * so that it takes what the others leave. Private to evlog.
 */
#ifndef LD_EVLOG_INDEXER_H
#define LD_EVLOG_INDEXER_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include "index.h"

struct indexer {
    const struct ld_context *context;
    const char *directory; /* borrowed */
    uint8_t id[EVLOG_ID_SIZE];
    uint64_t first; /* segment to begin with */
    pthread_t thread;
    sem_t wake;
    atomic_bool stop;
    atomic_ullong sealed; /* number of the last sealed segment, 0 if there is none */
    atomic_ullong looked; /* how many segments have been looked at: 1 more than that */
    atomic_ullong made, failed;
};

/* Begins with segment first; false: no memory for a thread, the log does without. */
bool indexer_start(struct indexer *indexer, const struct ld_context *context, const char *directory,
                   const uint8_t id[EVLOG_ID_SIZE], uint64_t first);
/* Gives up what is under way, joins. */
void indexer_stop(struct indexer *indexer);
/* All segments up to number are sealed. Never waits. */
void indexer_sealed(struct indexer *indexer, uint64_t number);
void indexer_get_stats(const struct indexer *indexer, struct evlog_stats *stats);
/* Changes when there may be an index that was not there before; never 0. */
uint64_t indexer_generation(const struct indexer *indexer);

#endif
