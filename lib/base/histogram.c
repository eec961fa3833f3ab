#include "histogram.h"

const int64_t LD_HISTOGRAM_US[LD_HISTOGRAM_BOUNDS] = {100,    200,    500,     1000,    2000,
                                                      5000,   10000,  20000,   50000,   100000,
                                                      200000, 500000, 1000000, 2000000, 5000000};

void ld_histogram_add(struct ld_histogram *histogram, int64_t took_us)
{
    int bucket = 0;
    while (bucket < LD_HISTOGRAM_BOUNDS && took_us > LD_HISTOGRAM_US[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->sum_us += took_us;
    if (took_us > histogram->max_us)
        histogram->max_us = took_us;
}

uint64_t ld_histogram_above(const struct ld_histogram *histogram, int bound)
{
    uint64_t count = 0;
    for (int bucket = bound + 1; bucket <= LD_HISTOGRAM_BOUNDS; bucket++)
        count += histogram->counts[bucket];
    return count;
}

uint64_t ld_histogram_count(const struct ld_histogram *histogram)
{
    return ld_histogram_above(histogram, -1);
}
