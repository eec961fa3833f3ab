/* What is done to every system under measure: publish pipelined, one at a time and paced; consume
 * live and from history. */
#ifndef LIANDONG_LOAD_H
#define LIANDONG_LOAD_H

#include <pthread.h>
#include "bench.h"
#include "series.h"

enum { LOAD_PUBLISHERS_MAX = 128 };

struct load {
    const struct series *series;
    const char *endpoint;
    size_t payload_size; /* BENCH_PAYLOAD_BYTES */
    size_t window;       /* published and not answered, shared by all publishers; BENCH_WINDOW */
    size_t publisher_count;
    void *publishers[LOAD_PUBLISHERS_MAX];
    size_t sent[LOAD_PUBLISHERS_MAX], answered[LOAD_PUBLISHERS_MAX];
    size_t published; /* by load_pipelined */
    uint32_t phase;   /* each measurement has its own, so that what is left of another is known */
    struct consumers consumers;
    pthread_t thread;
};

void load_open(struct load *load, const struct series *series, const char *endpoint,
               size_t publishers);
void load_close(struct load *load);

/* Publishes for so long or so many, waits for all answers; events/s. *count: how many. */
double load_pipelined(struct load *load, double seconds, size_t max, size_t *count);
/* One at a time, for so many or so long. */
struct latency load_single(struct load *load, size_t max, double seconds, size_t *count);
/* One consumer reads what load_pipelined has just published; events/s from the first on. */
double load_history(struct load *load);
/* To so many consumers, never far ahead of the slowest; delivered/s. */
double load_fan_out(struct load *load, size_t consumers, double seconds);
/* The same at 1,000/s; from publish to each consumer. */
struct latency load_paced(struct load *load, size_t consumers, size_t events);

/* So many consumers that stop reading at the first event of what load_pipelined publishes next. */
void load_stuck_begin(struct load *load, size_t consumers);
void load_stuck_end(struct load *load);

#endif
