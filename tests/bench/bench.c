/*
 * What all benchmarks share: the clock, medians, giving up, and the bare disk.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SYNC_BYTES = 4096, SYNC_FILE_BYTES = 8 << 20, PHASE_SECONDS = 120 };

int64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void bench_pace(int64_t *next_ns)
{
    const struct timespec until = {*next_ns / 1000000000, *next_ns % 1000000000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    *next_ns += 1000000;
}

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
    exit(1);
}

static const char *volatile phase_now;

static void on_alarm(int number)
{
    static const char BEHIND[] = ": no end in sight, given up\n";
    (void)number;
    bool told = write(STDERR_FILENO, phase_now, strlen(phase_now)) > 0 &&
                write(STDERR_FILENO, BEHIND, sizeof BEHIND - 1) > 0;
    _exit(told ? 1 : 2);
}

void bench_phase(const char *name)
{
    phase_now = name;
    signal(SIGALRM, on_alarm);
    alarm(PHASE_SECONDS);
}

static int by_double(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static int by_int64(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_double);
    return values[count / 2];
}

struct latency bench_latency(int64_t *nanoseconds, size_t count)
{
    qsort(nanoseconds, count, sizeof *nanoseconds, by_int64);
    return (struct latency){(double)nanoseconds[count / 2] / 1e3,
                            (double)nanoseconds[count * 99 / 100] / 1e3};
}

void *bench_allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        bench_die("memory", strerror(errno));
    return memory;
}

static int open_zeros(const char *directory)
{
    char path[4096];
    static const char ZEROS[SYNC_FILE_BYTES];
    snprintf(path, sizeof path, "%s/sync", directory);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0 || pwrite(fd, ZEROS, sizeof ZEROS, 0) != (ssize_t)sizeof ZEROS || fsync(fd) != 0)
        bench_die(path, strerror(errno));
    unlink(path);
    return fd;
}

struct latency bare_sync(const char *directory, size_t count)
{
    static const char BLOCK[SYNC_BYTES] = "x";
    int64_t *times_ns = bench_allocate(count * sizeof *times_ns);
    int fd = open_zeros(directory);
    for (size_t i = 0; i < count; i++) {
        int64_t start_ns = bench_now_ns();
        off_t offset = (off_t)(i * SYNC_BYTES % SYNC_FILE_BYTES);
        if (pwrite(fd, BLOCK, sizeof BLOCK, offset) != (ssize_t)sizeof BLOCK || fdatasync(fd) != 0)
            bench_die("sync", strerror(errno));
        times_ns[i] = bench_now_ns() - start_ns;
    }
    close(fd);
    struct latency latency = bench_latency(times_ns, count);
    free(times_ns);
    return latency;
}
