/* How often what took how long: counts by bucket, with fixed bounds from 100 us to 5 s. */
#ifndef LD_BASE_HISTOGRAM_H
#define LD_BASE_HISTOGRAM_H

#include <stdint.h>

enum { LD_HISTOGRAM_BOUNDS = 15, LD_HISTOGRAM_100_MS = 9 }; /* index of that bound */

/* Upper bounds in microseconds, inclusive, rising. */
extern const int64_t LD_HISTOGRAM_US[LD_HISTOGRAM_BOUNDS];

/* Zero-initialise to begin. */
struct ld_histogram {
    uint64_t counts[LD_HISTOGRAM_BOUNDS + 1]; /* of each bucket by itself; the last: longer */
    int64_t sum_us, max_us;
};
void ld_histogram_add(struct ld_histogram *histogram, int64_t took_us);
uint64_t ld_histogram_count(const struct ld_histogram *histogram);
/* How many were longer than the bound. */
uint64_t ld_histogram_above(const struct ld_histogram *histogram, int bound);

#endif
