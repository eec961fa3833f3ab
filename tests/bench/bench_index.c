/*
 * A consumer of a rare topic over a long log: reading all of it beside what the indexes of sealed
 * segments leave to be read, in turns; and finding a time, after opening, with indexes and without.
 *
 *     bench_index [--events N] [--directory DIR]
 */
#include <getopt.h>
#include <liandong/topic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <liandong/record.h>
#include "context.h"
#include "evlog/evlog.h"

enum { PAYLOAD_BYTES = 256, ROUNDS = 5, STEP_BYTES = 256 << 10, RARE_EVERY = 100000, TIMES = 20 };

static const char FILTER[] = "duty/3303/health/>";

struct bench {
    const struct ld_context *context;
    char directory[512];
    uint64_t events;
    struct evlog *log;
};

static void must(int code, const char *what, const struct ld_error *error)
{
    if (code == LD_OK)
        return;
    fprintf(stderr, "bench_index: %s: %s\n", what, error->text);
    exit(1);
}

static double seconds_since(const struct bench *bench, int64_t begin_us)
{
    return (double)(ld_monotonic_us(bench->context) - begin_us) / 1e6;
}

static void open_log(struct bench *bench, bool index)
{
    struct evlog_options options;
    struct ld_error error = {0};
    evlog_options_init(&options);
    options.index = index;
    must(evlog_open(bench->context, bench->directory, &options, &bench->log, NULL, &error), "open",
         &error);
}

static size_t encode(uint8_t *raw, uint64_t i)
{
    static uint8_t payload[PAYLOAD_BYTES];
    char topic[64];
    int size = i % RARE_EVERY == 0
                   ? snprintf(topic, sizeof topic, "duty/3303/health/%u", (unsigned)i)
                   : snprintf(topic, sizeof topic, "report/3303%02u/cholera", (unsigned)(i % 90));
    struct ld_record record = {.topic = topic,
                               .topic_size = (uint16_t)size,
                               .payload = payload,
                               .payload_size = sizeof payload,
                               .producer = 7,
                               .producer_sequence = i};
    ld_record_encode(raw, &record);
    return ld_record_size(record.topic_size, sizeof payload);
}

static void fill(struct bench *bench)
{
    struct ld_error error = {0};
    uint8_t raw[512];
    uint64_t sequence;
    for (uint64_t i = 1; i <= bench->events; i++) {
        (void)encode(raw, i);
        int code;
        while ((code = evlog_stage(bench->log, raw, (int64_t)i, 0, &sequence, &error)) == LD_BUSY)
            must(evlog_commit(bench->log, &error), "commit", &error);
        must(code, "stage", &error);
    }
    must(evlog_commit(bench->log, &error), "commit", &error);
}

/* ---- the consumer ---- */

static uint64_t count_matching(const struct evlog_span *span)
{
    struct ld_record record;
    uint64_t count = 0;
    for (size_t at = 0; at < span->size; at += record.size) {
        struct ld_error error;
        must(ld_record_decode(span->data + at, span->size - at, &record, &error), "decode", &error);
        count += ld_filter_matches(FILTER, sizeof FILTER - 1, record.topic, record.topic_size);
    }
    return count;
}

static uint64_t consume(struct bench *bench, bool seek, uint64_t *bytes)
{
    const struct evlog_filter filter = {FILTER, sizeof FILTER - 1};
    struct evlog_selection selection = {.filters = &filter, .count = 1};
    struct ld_error error = {0};
    uint64_t found = 0, next = 1;
    for (*bytes = 0; next <= evlog_durable(bench->log);) {
        struct evlog_span span;
        size_t step_bytes = STEP_BYTES;
        if (seek)
            next = evlog_seek(bench->log, &selection, next, &step_bytes);
        if (step_bytes == 0)
            continue;
        if (step_bytes > STEP_BYTES)
            step_bytes = STEP_BYTES;
        must(evlog_read(bench->log, next, step_bytes, &span, &error), "read", &error);
        found += count_matching(&span);
        *bytes += span.size;
        next = span.last + 1;
        evlog_span_release(&span);
    }
    return found;
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void bench_consumer(struct bench *bench)
{
    double seconds[2][ROUNDS];
    uint64_t bytes[2], found[2];
    for (int round = 0; round < ROUNDS; round++) {
        for (int seek = 0; seek < 2; seek++) {
            int64_t begin_us = ld_monotonic_us(bench->context);
            found[seek] = consume(bench, seek == 1, &bytes[seek]);
            seconds[seek][round] = seconds_since(bench, begin_us);
        }
        if (found[0] != found[1] || found[0] == 0) {
            fprintf(stderr, "bench_index: %llu events found, with indexes %llu\n",
                    (unsigned long long)found[0], (unsigned long long)found[1]);
            exit(1);
        }
    }
    for (int seek = 0; seek < 2; seek++) {
        qsort(seconds[seek], ROUNDS, sizeof seconds[seek][0], by_value);
        printf("%-44s %14.1f ms, %.1f MB read\n",
               seek ? "  the same with indexes" : "consumer of a rare topic, all read",
               seconds[seek][ROUNDS / 2] * 1e3, (double)bytes[seek] / 1e6);
    }
    printf("%-44s %14.0f x; %llu of %llu events\n", "  ratio of the medians",
           seconds[0][ROUNDS / 2] / seconds[1][ROUNDS / 2], (unsigned long long)found[0],
           (unsigned long long)bench->events);
}

/* ---- the whole ---- */

static void wait_for_indexes(struct bench *bench)
{
    struct evlog_stats stats;
    int64_t begin_us = ld_monotonic_us(bench->context);
    do {
        sched_yield();
        evlog_get_stats(bench->log, &stats);
    } while (stats.indexes_looked + 1 < stats.segments);
    printf("%-44s %14.1f ms, %llu segments\n", "making the indexes",
           seconds_since(bench, begin_us) * 1e3, (unsigned long long)stats.indexes_made);
}

static void bench_find(struct bench *bench, const char *name)
{
    struct ld_error error = {0};
    uint64_t sequence;
    int64_t begin_us = ld_monotonic_us(bench->context);
    for (uint64_t i = 1; i <= TIMES; i++)
        must(evlog_find_time(bench->log, (int64_t)(bench->events / (TIMES + 1) * i), UINT64_MAX,
                             &sequence, &error),
             "find", &error);
    printf("%-44s %14.2f ms\n", name, seconds_since(bench, begin_us) * 1e3 / TIMES);
}

static int remove_name(const char *name, void *data)
{
    const struct bench *bench = data;
    char path[800];
    snprintf(path, sizeof path, "%s/%s", bench->directory, name);
    return unlink(path) == 0 ? 0 : 1;
}

static void parse(struct bench *bench, int argc, char **argv)
{
    static const struct option options[] = {
        {"events", required_argument, NULL, 'e'}, {"directory", required_argument, NULL, 'd'}, {0}};
    const char *parent = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'e')
            bench->events = strtoull(optarg, NULL, 10);
        else if (c == 'd')
            parent = optarg;
        else
            exit(2);
    }
    snprintf(bench->directory, sizeof bench->directory, "%.400s/liandong-bench-XXXXXX", parent);
    if (!mkdtemp(bench->directory)) {
        perror(bench->directory);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static struct bench bench = {.events = 10000000};
    struct ld_error error = {0};
    bench.context = ld_context_system();
    parse(&bench, argc, argv);
    open_log(&bench, false);
    fill(&bench);
    evlog_close(bench.log);
    open_log(&bench, false);
    bench_find(&bench, "finding a time, no indexes, first");
    evlog_close(bench.log);
    open_log(&bench, true);
    wait_for_indexes(&bench);
    bench_find(&bench, "finding a time, indexes");
    bench_consumer(&bench);
    evlog_close(bench.log);
    must(bench.context->files.list(bench.context->self, bench.directory, remove_name, &bench,
                                   &error),
         "clean up", &error);
    rmdir(bench.directory);
    return 0;
}
