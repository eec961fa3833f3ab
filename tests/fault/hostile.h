/*
 * Hostile and slow peers, each in a thread of its own, for the functional tests and for the
 * benchmark. A peer that is cut off comes back; it goes on until it is stopped.
 */
#ifndef TESTS_FAULT_HOSTILE_H
#define TESTS_FAULT_HOSTILE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hostile;

/* One kind of bad behaviour. open may be NULL; step is called again and again. */
struct hostile_kind {
    const char *name;
    const char *what;                                    /* in a table */
    size_t peers;                                        /* connections it has at once */
    bool tap;                                            /* it is a listener at the tap */
    int (*open)(struct hostile *hostile, size_t index);  /* a connection, or -1 */
    bool (*step)(struct hostile *hostile, size_t index); /* false: the connection has ended */
    int pause_ms;                                        /* after a step of each */
};
extern const struct hostile_kind HOSTILE_KINDS[];
extern const size_t HOSTILE_KIND_COUNT;
const struct hostile_kind *hostile_kind(const char *name);

struct hostile {
    const struct hostile_kind *kind;
    const char *endpoint;
    uint64_t seed;
    int *peers;
    uint64_t *ids;
    uint8_t *scratch;
    pthread_t thread;
    int wake[2];
    atomic_bool stop;
    atomic_uint_least64_t steps;    /* done so far */
    atomic_uint_least64_t failures; /* connections that ended, or could not be made */
    atomic_uint_least64_t open;     /* connections that stand */
};
/* endpoint: the router's or the tap's, as the kind says; borrowed. */
void hostile_start(struct hostile *hostile, const struct hostile_kind *kind, const char *endpoint,
                   uint64_t seed);
void hostile_stop(struct hostile *hostile);

#endif
