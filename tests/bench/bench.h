/* What the benchmarks of the bus share: the clock, medians, the bare figures beside ours. */
#ifndef LIANDONG_BENCH_H
#define LIANDONG_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_PAYLOAD_BYTES = 256, BENCH_CONSUMERS = 62, BENCH_WINDOW = 4096 };

struct latency {
    double p50_us, p99_us;
};

int64_t bench_now_ns(void);
/* Waits until then, and makes it the next millisecond. */
void bench_pace(int64_t *next_ns);
void bench_die(const char *what, const char *why) __attribute__((noreturn));
/* What is being measured. Whatever takes longer than two minutes is stuck, and named. */
void bench_phase(const char *name);
void *bench_allocate(size_t size);                                /* zeros; dies without memory */
double bench_median(double *values, size_t count);                /* sorts them */
struct latency bench_latency(int64_t *nanoseconds, size_t count); /* sorts them */

/* The disk: 4 KiB written and synced into a file that was written with zeros before. */
struct latency bare_sync(const char *directory, size_t count);
/* libzmq over loopback TCP, BENCH_PAYLOAD_BYTES a message. */
struct latency bare_round_trip(size_t count);
double bare_acked(size_t count); /* DEALER to ROUTER, messages/s */
/* PUB to 62 SUB, delivered/s; apart: each subscriber with a context of its own, as if it were a
 * process of its own. */
double bare_fan_out(size_t count, bool apart);
struct latency bare_fan_out_paced(size_t count, bool apart); /* the same at 1,000/s */

#endif
