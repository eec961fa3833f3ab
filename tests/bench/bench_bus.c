/*
 * T1 to T4: the bus as a client sees it, beside bare libzmq and the bare disk, and beside the peers
 * when a script has started them. Rounds are interleaved (ours, peer A, peer B, …, bare, ours, …);
 * the table shows medians of ours and the bare figures, --raw keeps each figure of everybody.
 *
 *     bench_bus [--rounds N] [--seconds S] [--events N] [--json] [--raw FILE]
 *               [--router PROGRAM] [--directory DIR]    a router is started here
 *               [--server NAME=ENDPOINT[,GROUP[,PAGE]]]… is measured instead, in this order
 *     and instead of T1 to T4:
 *               --slow-us N,N,…  T1, T2 and T3 at 1,000/s with each sync slower by N; the servers
 *                                run under slow_sync
 *               --growth         T11: cost per event as the work grows
 *               --memory         T8: memory with 62 stuck consumers
 *               --fill           publishes only, for T9
 *
 * Whatever takes longer than two minutes is stuck, and named.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bus.h"

enum {
    BARE_EVENTS = 500000,
    HISTORY_MIN = 20000, /* fewer are read too soon to be timed */
    NAME_SIZE = 64
};

/* ---- one system, one round ---- */

void bus_note(struct bench *bench, const struct server *server, const char *name, double value)
{
    figures_note(&bench->figures, server->series->name, name, value);
}

void bus_note_latency(struct bench *bench, const struct server *server, const char *p50,
                      const char *p99, struct latency latency)
{
    bus_note(bench, server, p50, latency.p50_us);
    bus_note(bench, server, p99, latency.p99_us);
}

void bus_phase(const struct server *server, const char *name)
{
    static char text[NAME_SIZE];
    snprintf(text, sizeof text, "%s, %s", name, server->series->name);
    bench_phase(text);
}

void bus_publish(struct bench *bench, const struct server *server, struct load *load)
{
    size_t count;
    bus_phase(server, "T1");
    double syncs = server_syncs(server);
    bus_note(bench, server, "t1_per_s",
             load_pipelined(load, bench->seconds, bench->events, &count));
    if (syncs >= 0)
        bus_note(bench, server, "t1_syncs", (server_syncs(server) - syncs) / (double)count);
}

void bus_single(struct bench *bench, const struct server *server, struct load *load)
{
    size_t count;
    bus_phase(server, "T2");
    double syncs = server_syncs(server);
    struct latency latency = load_single(load, SINGLE_EVENTS, bench->seconds, &count);
    bus_note_latency(bench, server, "t2_p50_us", "t2_p99_us", latency);
    if (syncs >= 0)
        bus_note(bench, server, "t2_syncs", (server_syncs(server) - syncs) / (double)count);
}

void bus_paced(struct bench *bench, const struct server *server, struct load *load)
{
    bus_phase(server, "T3 at 1,000/s");
    bus_note_latency(bench, server, "t3_p50_us", "t3_p99_us",
                     load_paced(load, BENCH_CONSUMERS, PACED_EVENTS));
}

void bus_measure(struct bench *bench, const struct server *server)
{
    struct load load;
    bus_phase(server, "reset");
    server->series->reset(server->endpoint, true);
    load_open(&load, server->series, server->endpoint, 1);
    bus_publish(bench, server, &load);
    if (load.published >= HISTORY_MIN) {
        bus_phase(server, "T4");
        bus_note(bench, server, "t4_per_s", load_history(&load));
    }
    bus_single(bench, server, &load);
    bus_phase(server, "reset");
    server->series->reset(server->endpoint, false);
    bus_phase(server, "T3");
    bus_note(bench, server, "t3_per_s", load_fan_out(&load, BENCH_CONSUMERS, bench->seconds));
    bus_paced(bench, server, &load);
    load_close(&load);
}

/* ---- rounds ---- */

static void note_bare(struct bench *bench, const char *name, double value)
{
    figures_note(&bench->figures, "bare", name, value);
}

static void note_bare_latency(struct bench *bench, const char *p50, const char *p99,
                              struct latency latency)
{
    note_bare(bench, p50, latency.p50_us);
    note_bare(bench, p99, latency.p99_us);
}

static void measure_bare(struct bench *bench)
{
    bench_phase("the bare disk");
    note_bare_latency(bench, "sync_p50_us", "sync_p99_us",
                      bare_sync(bench->directory, SINGLE_EVENTS));
    bench_phase("bare libzmq");
    note_bare(bench, "t1_per_s", bare_acked(BARE_EVENTS));
    note_bare_latency(bench, "trip_p50_us", "trip_p99_us", bare_round_trip(SINGLE_EVENTS));
    note_bare(bench, "t3_per_s", bare_fan_out(BARE_EVENTS / 20, false));
    note_bare(bench, "t3_apart_per_s", bare_fan_out(BARE_EVENTS / 20, true));
    note_bare_latency(bench, "t3_p50_us", "t3_p99_us", bare_fan_out_paced(PACED_EVENTS, false));
    note_bare_latency(bench, "t3_apart_p50_us", "t3_apart_p99_us",
                      bare_fan_out_paced(PACED_EVENTS, true));
}

static void run_round(struct bench *bench)
{
    for (size_t i = 0; i < bench->server_count; i++) {
        server_continue(&bench->servers[i]);
        bench->measure(bench, &bench->servers[i]);
        server_pause(&bench->servers[i]);
    }
    if (bench->measure == bus_measure)
        measure_bare(bench);
}

/* ---- the table ---- */

struct row {
    const char *what, *unit;
    double ours, bare;
    const char *bare_what, *target;
};

static void print_row(const struct bench *bench, const struct row *row)
{
    if (bench->json)
        printf("{\"what\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,\"bare\":%.6g,\"bare_what\":\"%s\","
               "\"target\":\"%s\"}\n",
               row->what, row->unit, row->ours, row->bare, row->bare_what, row->target);
    else
        printf("%-42s %12.5g %-7s %12.5g %-34s %s\n", row->what, row->ours, row->unit, row->bare,
               row->bare_what, row->target);
}

#define OURS(name) figures_median(&bench->figures, "liandong", name)
#define BARE(name) figures_median(&bench->figures, "bare", name)

static void print_table(const struct bench *bench)
{
    const struct row ROWS[] = {
        {"T1 durable publish, pipelined", "M/s", OURS("t1_per_s") / 1e6, BARE("t1_per_s") / 1e6,
         "DEALER to ROUTER, acked", ">= 2 M/s"},
        {"   syncs per event", "", OURS("t1_syncs"), 0, "", "far below 1"},
        {"T2 one at a time, p50", "us", OURS("t2_p50_us"),
         BARE("sync_p50_us") + BARE("trip_p50_us"), "sync + round trip",
         "<= 1.5 x sync + round trip"},
        {"   p99", "us", OURS("t2_p99_us"), OURS("t2_p50_us"), "p50 of ours", "<= 2 x p50"},
        {"   of which sync into a written file", "us", BARE("sync_p50_us"), BARE("sync_p99_us"),
         "p99", ""},
        {"   of which DEALER-ROUTER round trip", "us", BARE("trip_p50_us"), BARE("trip_p99_us"),
         "p99", ""},
        {"T3 1 to 62 stream consumers, delivered", "M/s", OURS("t3_per_s") / 1e6,
         BARE("t3_per_s") / 1e6, "PUB to 62 SUB, one context", ">= 7 M/s"},
        {"", "", OURS("t3_per_s") / 1e6, BARE("t3_apart_per_s") / 1e6, "PUB to 62 SUB, 62 contexts",
         ""},
        {"   at 1,000/s, p50", "us", OURS("t3_p50_us"), BARE("t3_p50_us"),
         "PUB to 62 SUB, one context", "<= 400 us"},
        {"", "us", OURS("t3_p50_us"), BARE("t3_apart_p50_us"), "PUB to 62 SUB, 62 contexts", ""},
        {"   at 1,000/s, p99", "us", OURS("t3_p99_us"), BARE("t3_p99_us"),
         "PUB to 62 SUB, one context", "<= 1000 us"},
        {"", "us", OURS("t3_p99_us"), BARE("t3_apart_p99_us"), "PUB to 62 SUB, 62 contexts", ""},
        {"T4 one consumer reads history", "M/s", OURS("t4_per_s") / 1e6, BARE("t1_per_s") / 1e6,
         "DEALER to ROUTER, acked", ">= 5 M/s"},
    };
    if (!bench->json)
        printf("%-42s %12s %-7s %12s %-34s %s\n", "medians, 256-byte payloads", "ours", "", "bare",
               "", "target");
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        print_row(bench, &ROWS[i]);
}

/* Each with its median, in the order of the first round. */
static void print_figures(const struct bench *bench)
{
    for (size_t i = 0; i < bench->figures.count && bench->figures.all[i].round == 0; i++)
        printf("%-42s %12.5g\n", bench->figures.all[i].name,
               figures_median(&bench->figures, bench->figures.all[i].series,
                              bench->figures.all[i].name));
}

/* ---- options ---- */

static double number_option(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max))
        bench_die(text, "not a number in range");
    return value;
}

static void add_server(struct bench *bench, const char *text)
{
    if (bench->server_count == SERVERS_MAX)
        bench_die(text, "too many servers");
    server_parse(&bench->servers[bench->server_count++], text);
}

static void set_delays(struct bench *bench, const char *text)
{
    for (const char *at = text; *at && bench->delay_count < DELAYS_MAX;) {
        char *end;
        bench->delays_us[bench->delay_count++] = strtoul(at, &end, 10);
        if (end == at || (*end && *end != ','))
            bench_die(text, "expected microseconds, separated by commas");
        at = *end ? end + 1 : end;
    }
    bench->measure = slow_measure;
    bench->figures.part = "slow";
}

static void set_raw(struct bench *bench, const char *path)
{
    bench->figures.raw = fopen(path, "ae");
    if (!bench->figures.raw)
        bench_die(path, strerror(errno));
}

static void take_option(struct bench *bench, int option, const char *value)
{
    switch (option) {
    case 'r':
        bench->program = value;
        break;
    case 'd':
        bench->directory = value;
        break;
    case 'n':
        bench->rounds = (size_t)number_option(value, 1, 1000);
        break;
    case 'e':
        bench->events = (size_t)number_option(value, 2, 1e9);
        break;
    case 's':
        bench->seconds = number_option(value, 0.01, 60);
        break;
    case 'j':
        bench->json = true;
        break;
    case 'v':
        add_server(bench, value);
        break;
    case 'l':
        set_delays(bench, value);
        break;
    case 'g':
        bench->measure = growth_measure;
        bench->figures.part = "growth";
        break;
    case 'm':
        bench->measure = memory_measure;
        bench->figures.part = "memory";
        break;
    case 'f':
        bench->measure = fill_measure;
        bench->figures.part = "restart";
        break;
    case 'w':
        set_raw(bench, value);
        break;
    default:
        exit(2);
    }
}

static void parse(struct bench *bench, int argc, char **argv)
{
    static const struct option OPTIONS[] = {{"router", required_argument, NULL, 'r'},
                                            {"directory", required_argument, NULL, 'd'},
                                            {"rounds", required_argument, NULL, 'n'},
                                            {"events", required_argument, NULL, 'e'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"server", required_argument, NULL, 'v'},
                                            {"slow-us", required_argument, NULL, 'l'},
                                            {"raw", required_argument, NULL, 'w'},
                                            {"growth", no_argument, NULL, 'g'},
                                            {"memory", no_argument, NULL, 'm'},
                                            {"fill", no_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    *bench = (struct bench){.program = LIANDONG_ROUTER,
                            .directory = "/var/tmp",
                            .rounds = 3,
                            .seconds = 1,
                            .events = SIZE_MAX,
                            .measure = bus_measure,
                            .figures = {.part = "bus"}};
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;)
        take_option(bench, option, optarg);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    parse(&bench, argc, argv);
    bool own = bench.server_count == 0;
    if (own)
        server_start_router(&bench.servers[bench.server_count++], bench.program, bench.directory);
    for (size_t i = 0; i < bench.server_count; i++)
        server_pause(&bench.servers[i]);
    for (; bench.figures.round < bench.rounds; bench.figures.round++)
        run_round(&bench);
    for (size_t i = 0; i < bench.server_count; i++)
        server_continue(&bench.servers[i]);
    if (own)
        server_stop_router(&bench.servers[0]);
    if (own && bench.measure == bus_measure)
        print_table(&bench);
    if (own && bench.measure != bus_measure)
        print_figures(&bench);
    figures_free(&bench.figures);
    return 0;
}
