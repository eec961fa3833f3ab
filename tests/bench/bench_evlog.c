/*
 * The log by itself, beside what the disk can do: durable append throughput, one commit at a time
 * against a bare pwrite and fdatasync into a file written with zeros (interleaved, round by round),
 * reading, reopening. Prints a table, or JSON lines with --json.
 *
 *     bench_evlog [--events N] [--directory DIR] [--json]
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <liandong/record.h>
#include "context.h"
#include "evlog/evlog.h"

enum { PAYLOAD_BYTES = 256, LATENCY_ROUNDS = 2000, BARE_BYTES = 4096 };

struct bench {
    const struct ld_context *context;
    char directory[512];
    uint64_t events;
    bool json;
    struct evlog *log;
    uint8_t raw[512];
    size_t raw_size;
    uint64_t producer_sequence;
};

static void die(const char *what, const struct ld_error *error)
{
    fprintf(stderr, "bench_evlog: %s: %s\n", what, error->text);
    exit(1);
}

static void row(const struct bench *bench, const char *name, double value, const char *unit)
{
    if (bench->json)
        printf("{\"bench\":\"evlog\",\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", name,
               value, unit);
    else
        printf("%-44s %14.1f %s\n", name, value, unit);
}

static double seconds_since(const struct bench *bench, int64_t begin_us)
{
    return (double)(ld_monotonic_us(bench->context) - begin_us) / 1e6;
}

static void open_log(struct bench *bench, bool writer_thread)
{
    struct evlog_options options;
    struct ld_error error = {0};
    evlog_options_init(&options);
    options.writer_thread = writer_thread;
    if (evlog_open(bench->context, bench->directory, &options, &bench->log, NULL, &error) != LD_OK)
        die("open", &error);
}

static void make_event(struct bench *bench)
{
    static const char topic[] = "report/330302/cholera";
    static uint8_t payload[PAYLOAD_BYTES];
    struct ld_record record = {.topic = topic,
                               .topic_size = sizeof topic - 1,
                               .payload = payload,
                               .payload_size = sizeof payload,
                               .producer = 7,
                               .producer_sequence = ++bench->producer_sequence};
    memset(payload, 'x', sizeof payload);
    bench->raw_size = ld_record_size(record.topic_size, sizeof payload);
    ld_record_encode(bench->raw, &record);
}

/* ---- throughput ---- */

/* Stages as a router does: while one commit runs the next one fills. */
static void append_all(struct bench *bench)
{
    struct ld_error error = {0};
    uint64_t sequence;
    bool started;
    for (uint64_t i = 0; i < bench->events;) {
        int code = evlog_stage(bench->log, bench->raw, 0, 0, &sequence, &error);
        i += code == LD_OK;
        if (code != LD_OK && code != LD_BUSY)
            die("stage", &error);
        if (code == LD_OK && i % 256 != 0)
            continue;
        if (evlog_commit_finish(bench->log, &error) != LD_OK ||
            evlog_commit_begin(bench->log, &started, &error) != LD_OK)
            die("commit", &error);
    }
    if (evlog_commit(bench->log, &error) != LD_OK)
        die("commit", &error);
}

static void bench_append(struct bench *bench)
{
    struct evlog_stats stats;
    open_log(bench, true);
    int64_t begin_us = ld_monotonic_us(bench->context);
    append_all(bench);
    double seconds = seconds_since(bench, begin_us);
    evlog_get_stats(bench->log, &stats);
    row(bench, "append, durable, pipelined", (double)bench->events / seconds, "events/s");
    row(bench, "append, durable, pipelined", (double)stats.bytes_staged / seconds / 1e6, "MB/s");
    row(bench, "syncs per 1000 events",
        1000.0 * (double)ld_histogram_count(&stats.syncs) / (double)bench->events, "");
    row(bench, "longest sync", (double)stats.syncs.max_us, "us");
    evlog_close(bench->log);
}

/* Staging alone, into memory, without a commit. */
static void bench_stage(struct bench *bench)
{
    struct ld_error error = {0};
    uint64_t sequence, count = 0;
    double seconds = 0;
    open_log(bench, true);
    for (int round = 0; round < 8; round++) {
        int64_t begin_us = ld_monotonic_us(bench->context);
        while (evlog_stage(bench->log, bench->raw, 0, 0, &sequence, &error) == LD_OK)
            count++;
        seconds += seconds_since(bench, begin_us);
        if (evlog_commit(bench->log, &error) != LD_OK)
            die("commit", &error);
    }
    row(bench, "stage only", (double)count / seconds, "events/s");
    evlog_close(bench->log);
}

/* ---- latency ---- */

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void latency_rows(const struct bench *bench, const char *name, double *micros)
{
    char label[80];
    qsort(micros, LATENCY_ROUNDS, sizeof *micros, by_value);
    snprintf(label, sizeof label, "%s, p50", name);
    row(bench, label, micros[LATENCY_ROUNDS / 2], "us");
    snprintf(label, sizeof label, "%s, p99", name);
    row(bench, label, micros[LATENCY_ROUNDS * 99 / 100], "us");
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int open_bare(const struct bench *bench)
{
    char path[600];
    static const uint8_t zeros[1 << 20];
    snprintf(path, sizeof path, "%s/bare", bench->directory);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    for (off_t at = 0; at < 16 << 20; at += (off_t)sizeof zeros) {
        if (fd < 0 || pwrite(fd, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros)
            abort();
    }
    if (fsync(fd) != 0)
        abort();
    unlink(path);
    return fd;
}

static double bare_round(int fd, int i)
{
    static const uint8_t block[BARE_BYTES] = {1};
    double begin_us = now_us();
    if (pwrite(fd, block, sizeof block, (off_t)i * BARE_BYTES) != BARE_BYTES || fdatasync(fd) != 0)
        abort();
    return now_us() - begin_us;
}

static double commit_round(struct bench *bench)
{
    struct ld_error error = {0};
    uint64_t sequence;
    double begin_us = now_us();
    if (evlog_stage(bench->log, bench->raw, 0, 0, &sequence, &error) != LD_OK ||
        evlog_commit(bench->log, &error) != LD_OK)
        die("commit", &error);
    return now_us() - begin_us;
}

/* One event at a time, each beside one bare write and sync. */
static void bench_latency(struct bench *bench, bool writer_thread, const char *name)
{
    static double commits[LATENCY_ROUNDS], bares[LATENCY_ROUNDS];
    int fd = open_bare(bench);
    open_log(bench, writer_thread);
    for (int i = 0; i < LATENCY_ROUNDS; i++) {
        bares[i] = bare_round(fd, i);
        commits[i] = commit_round(bench);
    }
    latency_rows(bench, name, commits);
    latency_rows(bench, "  beside it: bare 4 KiB pwrite + fdatasync", bares);
    row(bench, "  ratio of the medians", commits[LATENCY_ROUNDS / 2] / bares[LATENCY_ROUNDS / 2],
        "x");
    evlog_close(bench->log);
    close(fd);
}

/* ---- reading ---- */

static uint64_t read_all(struct bench *bench, bool payloads)
{
    struct ld_error error = {0};
    uint64_t next = 1;
    for (;;) {
        struct evlog_span span;
        struct ld_record record;
        if (evlog_read(bench->log, next, 65536, &span, &error) != LD_OK)
            die("read", &error);
        if (span.size == 0)
            return next - 1;
        for (size_t at = 0; payloads && at < span.size; at += record.size) {
            if (ld_record_decode(span.data + at, span.size - at, &record, &error) != LD_OK ||
                ld_record_check(&record, &error) != LD_OK)
                die("check", &error);
        }
        next = span.last + 1;
        evlog_span_release(&span);
    }
}

static void bench_read(struct bench *bench)
{
    int64_t begin_us = ld_monotonic_us(bench->context);
    open_log(bench, true);
    row(bench, "reopen", seconds_since(bench, begin_us) * 1e3, "ms");
    row(bench, "  log of", (double)evlog_durable(bench->log), "events");
    begin_us = ld_monotonic_us(bench->context);
    double events = (double)read_all(bench, false);
    row(bench, "read, headers checked, 64 KiB spans, first",
        events / seconds_since(bench, begin_us), "events/s");
    begin_us = ld_monotonic_us(bench->context);
    events = (double)read_all(bench, false);
    row(bench, "read, headers checked, 64 KiB spans, again",
        events / seconds_since(bench, begin_us), "events/s");
    begin_us = ld_monotonic_us(bench->context);
    events = (double)read_all(bench, true);
    row(bench, "read, consumer decodes, both checksums", events / seconds_since(bench, begin_us),
        "events/s");
    evlog_close(bench->log);
}

/* ---- the whole ---- */

static int remove_name(const char *name, void *data)
{
    struct bench *bench = data;
    char path[800];
    snprintf(path, sizeof path, "%s/%s", bench->directory, name);
    return unlink(path) == 0 ? 0 : 1;
}

static void clean(struct bench *bench)
{
    struct ld_error error = {0};
    const struct ld_files *files = &bench->context->files;
    if (files->list(bench->context->self, bench->directory, remove_name, bench, &error) != LD_OK)
        die("clean up", &error);
}

static void parse(struct bench *bench, int argc, char **argv)
{
    static const struct option options[] = {{"events", required_argument, NULL, 'e'},
                                            {"directory", required_argument, NULL, 'd'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    const char *parent = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'e')
            bench->events = strtoull(optarg, NULL, 10);
        else if (c == 'd')
            parent = optarg;
        else if (c == 'j')
            bench->json = true;
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
    static struct bench bench = {.events = 1000000};
    bench.context = ld_context_system();
    parse(&bench, argc, argv);
    make_event(&bench);
    bench_append(&bench);
    bench_read(&bench);
    clean(&bench);
    bench_stage(&bench);
    clean(&bench);
    bench_latency(&bench, false, "commit of one event, in the caller");
    clean(&bench);
    bench_latency(&bench, true, "commit of one event, writer thread");
    clean(&bench);
    rmdir(bench.directory);
    return 0;
}
