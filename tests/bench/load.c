/*
 * The loads. A payload begins with a mark: when it was sent, which measurement it belongs to, and
 * whether it is the last: a consumer is done when it has heard the last.
 *
 * Publishers move in the calling thread; the consumers of a measurement have one thread of their
 * own (a library may use more). The publisher of a fan-out stays at most LAG events ahead of the
 * slowest consumer: what is measured is a steady flow, not a queue that grows.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LAG = 16384, TURN = 256, PAYLOAD_MAX = 1 << 16 };

struct mark {
    int64_t sent_ns;
    uint32_t phase;
    uint32_t last;
};

struct meeting {
    pthread_barrier_t ready;
    pthread_mutex_t lock; /* held while those who are stuck are to be */
};

static double seconds_since(int64_t start_ns)
{
    return (double)(bench_now_ns() - start_ns) / 1e9;
}

/* ---- publishing ---- */

void load_open(struct load *load, const struct series *series, const char *endpoint,
               size_t publishers)
{
    *load = (struct load){.series = series,
                          .endpoint = endpoint,
                          .payload_size = BENCH_PAYLOAD_BYTES,
                          .window = BENCH_WINDOW,
                          .publisher_count = publishers};
    for (size_t i = 0; i < publishers; i++)
        load->publishers[i] = series->publisher_open(endpoint);
}

void load_close(struct load *load)
{
    for (size_t i = 0; i < load->publisher_count; i++)
        load->series->publisher_close(load->publishers[i]);
}

static void publish(struct load *load, size_t index, bool last)
{
    static char payload[PAYLOAD_MAX];
    const struct mark mark = {bench_now_ns(), load->phase, last};
    memcpy(payload, &mark, sizeof mark);
    load->series->publish(load->publishers[index], payload, load->payload_size);
    load->sent[index]++;
}

static void take_answers(struct load *load, size_t index, size_t wanted)
{
    load->answered[index] = load->series->answered(load->publishers[index], wanted);
}

static void take_all_answers(struct load *load)
{
    for (size_t i = 0; i < load->publisher_count; i++)
        take_answers(load, i, load->sent[i]);
}

static size_t share_of(const struct load *load)
{
    return load->window / load->publisher_count;
}

static size_t unanswered(const struct load *load, size_t index)
{
    return load->sent[index] - load->answered[index];
}

/* Until half of the publisher's share is answered. Before it waits all send what they have:
 * elsewhere they are programs of their own, and none waits there for what another is answered. */
static void make_room(struct load *load, size_t index)
{
    take_answers(load, index, 0);
    if (unanswered(load, index) <= share_of(load) / 2)
        return;
    for (size_t i = 0; i < load->publisher_count; i++)
        take_answers(load, i, 0);
    take_answers(load, index, (load->answered[index] + load->sent[index] + 1) / 2);
}

/* Publishes one more, by the publishers in turn, when there is room for it: once its share of the
 * window is full, not before half of that is answered, so that it is not woken for each answer. */
static void publish_next(struct load *load, size_t number, bool last)
{
    size_t index = number % load->publisher_count;
    if (unanswered(load, index) >= share_of(load))
        make_room(load, index);
    publish(load, index, last);
    if (number % TURN == 0)
        take_answers(load, index, 0);
}

static size_t slowest(struct consumers *consumers)
{
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < consumers->count; i++) {
        size_t heard = atomic_load_explicit(&consumers->heard[i], memory_order_relaxed);
        least = heard < least ? heard : least;
    }
    return least;
}

static void wait_for_consumers(struct load *load, size_t published)
{
    const struct timespec pause = {0, 100000};
    while (slowest(&load->consumers) + LAG < published) {
        for (size_t i = 0; i < load->publisher_count; i++)
            take_answers(load, i, 0);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
}

/* For so long or so many; the last one says so. */
static size_t publish_many(struct load *load, double seconds, size_t max, bool heard)
{
    size_t count = 0;
    for (int64_t start_ns = bench_now_ns(); count + 1 < max; count++) {
        if (count % TURN == 0 && heard)
            wait_for_consumers(load, count);
        if (count % TURN == 0 && seconds_since(start_ns) >= seconds)
            break;
        publish_next(load, count, false);
    }
    publish_next(load, count, true);
    take_all_answers(load);
    return count + 1;
}

double load_pipelined(struct load *load, double seconds, size_t max, size_t *count)
{
    load->phase += !load->consumers.stuck;
    int64_t start_ns = bench_now_ns();
    *count = load->published = publish_many(load, seconds, max, false);
    return (double)*count / seconds_since(start_ns);
}

struct latency load_single(struct load *load, size_t max, double seconds, size_t *count)
{
    int64_t *times_ns = bench_allocate(max * sizeof *times_ns), begin_ns = bench_now_ns();
    load->phase++;
    for (*count = 0; *count < max && seconds_since(begin_ns) < seconds; ++*count) {
        int64_t start_ns = bench_now_ns();
        publish(load, 0, false);
        take_all_answers(load);
        times_ns[*count] = bench_now_ns() - start_ns;
    }
    struct latency latency = bench_latency(times_ns, *count);
    free(times_ns);
    return latency;
}

/* ---- consuming ---- */

void consumers_ready(struct consumers *consumers)
{
    pthread_barrier_wait(&consumers->meeting->ready);
}

bool consumers_over(struct consumers *consumers)
{
    return atomic_load(&consumers->finished) == consumers->count;
}

void consumers_take(struct consumers *consumers, size_t index, const void *payload, size_t size)
{
    struct mark mark;
    if (size < sizeof mark)
        return; /* a system's own event */
    memcpy(&mark, payload, sizeof mark);
    if (mark.phase != consumers->phase)
        return;
    if (consumers->stuck) {
        pthread_mutex_lock(&consumers->meeting->lock);
        pthread_mutex_unlock(&consumers->meeting->lock);
        return;
    }
    size_t heard = atomic_load_explicit(&consumers->heard[index], memory_order_relaxed);
    if (heard == 0)
        consumers->first_ns = bench_now_ns();
    if (consumers->times_ns && heard < consumers->events)
        consumers->times_ns[index * consumers->events + heard] = bench_now_ns() - mark.sent_ns;
    atomic_store_explicit(&consumers->heard[index], heard + 1, memory_order_relaxed);
    if (!mark.last)
        return;
    consumers->done_ns = bench_now_ns();
    atomic_fetch_add(&consumers->finished, 1);
}

static void *run_consumers(void *data)
{
    struct consumers *consumers = data;
    consumers->series->consume(consumers);
    return NULL;
}

/* Returns when all of them are connected. */
static void consumers_start(struct load *load, size_t count, bool history, int64_t *times_ns,
                            size_t events)
{
    struct consumers *consumers = &load->consumers;
    *consumers = (struct consumers){.series = load->series,
                                    .endpoint = load->endpoint,
                                    .count = count,
                                    .history = history,
                                    .times_ns = times_ns,
                                    .events = events,
                                    .phase = load->phase,
                                    .heard = bench_allocate(count * sizeof(size_t)),
                                    .meeting = bench_allocate(sizeof(struct meeting))};
    pthread_mutex_init(&consumers->meeting->lock, NULL);
    pthread_barrier_init(&consumers->meeting->ready, NULL, 2);
    if (pthread_create(&load->thread, NULL, run_consumers, consumers) != 0)
        bench_die("thread", strerror(errno));
    pthread_barrier_wait(&consumers->meeting->ready);
}

/* Waits until all have heard all; what each has heard must be the same. */
static void consumers_finish(struct load *load, size_t published)
{
    pthread_join(load->thread, NULL);
    if (slowest(&load->consumers) < published)
        bench_die(load->series->name, "a consumer has not heard all");
    pthread_barrier_destroy(&load->consumers.meeting->ready);
    pthread_mutex_destroy(&load->consumers.meeting->lock);
    free(load->consumers.meeting);
    free(load->consumers.heard);
}

double load_history(struct load *load)
{
    consumers_start(load, 1, true, NULL, 0);
    consumers_finish(load, load->published);
    int64_t taken_ns = load->consumers.done_ns - load->consumers.first_ns;
    return (double)load->published / ((double)taken_ns / 1e9);
}

double load_fan_out(struct load *load, size_t consumers, double seconds)
{
    load->phase++;
    consumers_start(load, consumers, false, NULL, 0);
    int64_t start_ns = bench_now_ns();
    size_t count = publish_many(load, seconds, SIZE_MAX, true);
    consumers_finish(load, count);
    return (double)(count * consumers) / ((double)(load->consumers.done_ns - start_ns) / 1e9);
}

struct latency load_paced(struct load *load, size_t consumers, size_t events)
{
    int64_t *times_ns = bench_allocate(consumers * events * sizeof *times_ns);
    load->phase++;
    consumers_start(load, consumers, false, times_ns, events);
    int64_t next_ns = bench_now_ns();
    for (size_t i = 0; i < events; i++) {
        bench_pace(&next_ns);
        publish(load, 0, i + 1 == events);
        take_answers(load, 0, 0);
    }
    take_all_answers(load);
    consumers_finish(load, events);
    struct latency latency = bench_latency(times_ns, consumers * events);
    free(times_ns);
    return latency;
}

void load_stuck_begin(struct load *load, size_t consumers)
{
    load->phase++;
    consumers_start(load, consumers, false, NULL, 0);
    load->consumers.stuck = true;
    pthread_mutex_lock(&load->consumers.meeting->lock);
}

void load_stuck_end(struct load *load)
{
    load->consumers.finished = load->consumers.count;
    pthread_mutex_unlock(&load->consumers.meeting->lock);
    consumers_finish(load, 0);
}
