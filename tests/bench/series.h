/*
 * One system under measure, seen by its clients: liandong itself or a peer. Every system is driven
 * by the same code (load.h) with the same payload and the same window.
 *
 * Threads: reset and the publisher's functions are called by one thread, consume by another.
 * Whatever fails ends the program (bench_die): a figure without the promise is none.
 */
#ifndef LIANDONG_SERIES_H
#define LIANDONG_SERIES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consumers;

struct series {
    const char *name;
    /* Forgets all before. place: and makes one place that keeps what is published from now on, for
     * systems that keep nothing unless somebody is to read it. */
    void (*reset)(const char *endpoint, bool place);
    void *(*publisher_open)(const char *endpoint);
    /* Queues one; the library may send it at once or later. */
    void (*publish)(void *publisher, const void *payload, size_t size);
    /* Sends what is queued and takes answers; how many were answered in all, each with success.
     * Not before so many are as are wanted (0: without waiting). */
    size_t (*answered)(void *publisher, size_t wanted);
    void (*publisher_close)(void *publisher);
    /* Opens consumers->count consumers, calls consumers_ready once all are sure to hear what is
     * published from then on, hands each event to consumers_take until consumers_over, closes. */
    void (*consume)(struct consumers *consumers);
    double (*syncs)(const char *endpoint); /* made so far, as the system says; NULL: it does not */
};

/* Consumers of one measurement. A consumer is one connection, as if a program of its own. */
struct consumers {
    const struct series *series;
    const char *endpoint;
    size_t count;      /* of consumers */
    bool history;      /* all since reset, not only what comes after they are ready */
    bool stuck;        /* the first event that comes stops all that this thread reads */
    int64_t *times_ns; /* from publish to consumer, count times events; NULL: not taken */
    size_t events;     /* each; for times_ns */
    struct load *load;
    /* From here on: load.c. */
    uint32_t phase;
    _Atomic size_t *heard; /* by each */
    _Atomic size_t finished;
    _Atomic int64_t first_ns, done_ns; /* events came: the first of any, the last of all */
    struct meeting *meeting;
};

/* From the consuming thread(s): the connections stand. */
void consumers_ready(struct consumers *consumers);
/* One event has come to the consumer of this index (one thread an index). */
void consumers_take(struct consumers *consumers, size_t index, const void *payload, size_t size);
bool consumers_over(struct consumers *consumers); /* each has heard the last event */

extern const struct series series_liandong;
extern const struct series series_nats, series_nats_synced;
extern const struct series series_redis, series_redis_groups;
extern const struct series series_mosquitto;
extern const struct series series_rabbitmq;

#endif
