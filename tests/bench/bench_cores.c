/*
 * Cores in one process, without a bus: T5 (all cores over a log) and T6 (grading alone), and time
 * passing. The log is made by the simulator before measuring; each figure is the median of several
 * passes over it with a fresh host, on one core.
 *
 *   bench_cores [--json] [--reports N] [--rounds N] [--only I]
 *
 * --only: one of the streams of reports, from 0; 5 the ticks, 6 all cores.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench.h"
#include "timefmt.h"
#include "reports.h"

enum { ROUNDS = 5, ROUNDS_MAX = 1000, REPORTS = 100000, TICKS = 300000 };
enum { SHAPES = 5, ONLY_TICKS = SHAPES, ONLY_ALL };

struct log { /* records end to end */
    struct ld_buffer bytes;
    size_t count;
};

static bool as_json;
static size_t report_count = REPORTS, round_count = ROUNDS, only = SIZE_MAX;

static bool wanted(size_t part)
{
    return only == SIZE_MAX || only == part;
}

/* Of this core, whatever else runs on the machine. */
static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void print_rate(const char *name, double rate, double target)
{
    if (as_json)
        printf("{\"bench\":\"cores\",\"name\":\"%s\",\"value\":%.6g,\"target\":%.6g,"
               "\"unit\":\"events/s\"}\n",
               name, rate, target);
    else if (target > 0)
        printf("%-52s %14.0f events/s   target %.0f\n", name, rate, target);
    else
        printf("%-52s %14.0f events/s\n", name, rate);
}

/* ---- making a log ---- */

static void keep(const struct ld_record *record, void *data)
{
    struct log *log = data;
    ld_record_encode(ld_buffer_reserve(&log->bytes, record->size), record);
    log->bytes.size += record->size;
    log->count++;
}

static struct log make_log(const struct shape *shape, size_t reports,
                           void (*add)(struct sv_host *host))
{
    struct log log = {0};
    int64_t start_us = 0;
    if (ld_time_parse("2026-01-01T00:00:00Z", 0, &start_us, NULL) != LD_OK)
        bench_die("clock", "no time");
    struct sv_sim *sim = sv_sim_open(start_us, keep, &log);
    add(sv_sim_host(sim));
    reports_adopt(sim);
    unsigned random = 1;
    for (size_t i = 1; i <= reports; i++) {
        reports_publish(sim, shape, &random, i);
        sv_sim_advance(sim, sv_sim_now(sim) + 20 * LD_US_SECOND);
    }
    sv_sim_close(sim);
    return log;
}

/* ---- passing over it ---- */

static double pass(const struct log *log, void (*add)(struct sv_host *host), unsigned families,
                   size_t *applied)
{
    struct sv_host *host = sv_host_open();
    struct ld_record record;
    struct ld_error error;
    double spent = 0;
    *applied = 0;
    add(host);
    for (size_t at = 0; at < log->bytes.size; at += record.size) {
        if (ld_record_decode(log->bytes.data + at, log->bytes.size - at, &record, &error) != LD_OK)
            bench_die("record", error.text);
        enum sv_family family = sv_family_of(record.topic, record.topic_size);
        bool plan = family == SV_PLAN;
        if (!plan && !(families & SV_BIT(family)))
            continue;
        if (*applied == 0 && !plan)
            spent = seconds();
        if (sv_host_apply(host, &record, &error) != LD_OK)
            bench_die("apply", error.text);
        *applied += !plan;
    }
    spent = seconds() - spent;
    sv_host_close(host);
    return spent;
}

static double rate_over(const struct log *log, void (*add)(struct sv_host *host), unsigned families)
{
    double rates[ROUNDS_MAX];
    for (size_t i = 0; i < round_count; i++) {
        size_t applied = 0;
        double spent = pass(log, add, families, &applied);
        rates[i] = (double)applied / spent;
    }
    qsort(rates, round_count, sizeof rates[0], by_size);
    return rates[round_count / 2];
}

static void add_grading(struct sv_host *host)
{
    sv_host_add(host, &grading_class, NULL);
}

static void add_both(struct sv_host *host)
{
    sv_host_add(host, &reporting_class, NULL);
    sv_host_add(host, &grading_class, NULL);
}

static void measure_grading(void)
{
    static const struct shape shapes[SHAPES] = {
        {"T6  grading, reports in order, 10 counties", 0, 0, 10, "cholera", 1e6},
        {"T6  grading, 10 % late, 10 counties", 10, 0, 10, "cholera", 1e6},
        {"T6  grading, 10 % late, 10 % corrected, 1 county", 10, 10, 1, "cholera", 1e6},
        {"T6  grading, hazard with places and incubation", 10, 0, 10, "plague.bubonic", 1e6},
        {"T6  grading, accidents, each its own incident", 0, 0, 10, "poisoning", 0},
    };
    for (size_t i = 0; i < SHAPES; i++) {
        if (!wanted(i))
            continue;
        struct log log = make_log(&shapes[i], report_count, add_both);
        print_rate(shapes[i].name, rate_over(&log, add_grading, SV_BIT(SV_INCIDENT)),
                   shapes[i].target);
        ld_buffer_free(&log.bytes);
    }
}

/* All that reports lead to, through all cores: inputs, derived events and ticks as in the log. */
static void measure_all(void)
{
    static const struct shape shape = {"T5", 5, 0, 10, "cholera", 1e6};
    struct log log = make_log(&shape, report_count / 4, sv_host_add_all);
    print_rate("T5  all cores over a log", rate_over(&log, sv_host_add_all, ~0u), shape.target);
    print_rate("    of that, reporting", rate_over(&log, add_both, SV_BIT(SV_REPORT)), 0);
    ld_buffer_free(&log.bytes);
}

static void measure_ticks(void)
{
    static const struct shape shape = {"ticks", 0, 0, 10, "cholera", 3e6};
    struct log log = make_log(&shape, 100, sv_host_add_all);
    struct ld_record record, tick = {.topic = "sys/tick", .topic_size = 8};
    struct ld_error error;
    double rates[2];
    void (*const add[])(struct sv_host *) = {add_both, sv_host_add_all};
    for (size_t i = 0; i < 2; i++) {
        struct sv_host *host = sv_host_open();
        add[i](host);
        for (size_t at = 0; at < log.bytes.size; at += record.size) {
            if (ld_record_decode(log.bytes.data + at, log.bytes.size - at, &record, &error) !=
                    LD_OK ||
                sv_host_apply(host, &record, &error) != LD_OK)
                bench_die("tick", error.text);
        }
        double start = seconds();
        for (size_t k = 0; k < TICKS; k++) {
            tick.sequence = record.sequence + 1 + k;
            tick.time_us = record.time_us + (int64_t)k;
            if (sv_host_apply(host, &tick, &error) != LD_OK)
                bench_die("tick", error.text);
        }
        rates[i] = TICKS / (seconds() - start);
        sv_host_close(host);
    }
    print_rate("ticks through reporting and grading", rates[0], shape.target);
    print_rate("ticks through all cores, duty for every unit", rates[1], 0);
    ld_buffer_free(&log.bytes);
}

int main(int argc, char **argv)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"reports", required_argument, NULL, 'r'},
                                          {"rounds", required_argument, NULL, 'n'},
                                          {"only", required_argument, NULL, 'o'},
                                          {NULL, 0, NULL, 0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'j')
            as_json = true;
        else if (option == 'o' && (only = strtoul(optarg, NULL, 10)) <= ONLY_ALL)
            continue;
        else if (option == 'n' && (round_count = strtoul(optarg, NULL, 10)) >= 1 &&
                 round_count <= ROUNDS_MAX)
            continue;
        else if (option == 'r' && (report_count = strtoul(optarg, NULL, 10)) >= 100)
            continue;
        else
            bench_die("options", "expected [--json] [--reports N] [--rounds N] [--only I], at "
                                 "least 100 reports, 1 to 1000 rounds, I from 0 to 6");
    }
    measure_grading();
    if (wanted(ONLY_TICKS))
        measure_ticks();
    if (wanted(ONLY_ALL))
        measure_all();
    return 0;
}
