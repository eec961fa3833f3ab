/*
 * Writes a log as a router and all services would have written it, from reports, for what is
 * measured on an old log (T9): every event that follows from them is there, and every tick.
 *
 *     bench_history DIRECTORY EVENTS
 *
 * Prints the number of events. The simulator derives them; the log gives checkpoints of its own a
 * place where a segment begins, so the simulator is told to leave one out there too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <inttypes.h>
#include "bench.h"
#include "buffer.h"
#include "context.h"
#include "evlog/evlog.h"
#include "reports.h"
#include "timefmt.h"

enum { REPORT_EVERY_S = 20 };

struct history {
    struct evlog *log;
    struct ld_buffer raw;
    uint64_t last; /* of the simulator */
    bool skip;
};

static void keep(const struct ld_record *record, void *data)
{
    struct history *history = data;
    struct ld_error error;
    uint64_t sequence;
    history->last = record->sequence;
    if (history->skip)
        return;
    history->raw.size = 0;
    uint8_t *raw = ld_buffer_reserve(&history->raw, record->size);
    ld_record_encode(raw, record);
    int code;
    while ((code = evlog_stage(history->log, raw, record->time_us, record->flags, &sequence,
                               &error)) == LD_BUSY)
        if (evlog_commit(history->log, &error) != LD_OK)
            bench_die("commit", error.text);
    if (code != LD_OK)
        bench_die("stage", error.text);
}

/* The simulator's next place is the log's again. */
static void catch_up(struct history *history, struct sv_sim *sim)
{
    struct ld_error error;
    history->skip = true;
    while (history->last < evlog_staged(history->log))
        if (sv_sim_publish(sim, "router", "sys/checkpoint", "", 0, 0, NULL, &error) != LD_OK)
            bench_die("simulator", error.text);
    history->skip = false;
}

static void write_history(struct history *history, uint64_t events)
{
    static const struct shape SHAPE = {"history", 5, 0, 10, "cholera", 0};
    unsigned random = 1;
    int64_t start_us = 0;
    if (ld_time_parse("2020-01-01T00:00:00Z", 0, &start_us, NULL) != LD_OK)
        bench_die("clock", "no time");
    struct sv_sim *sim = sv_sim_open(start_us, keep, history);
    sv_host_add_all(sv_sim_host(sim));
    catch_up(history, sim);
    reports_adopt(sim);
    for (size_t i = 1; history->last < events; i++) {
        reports_publish(sim, &SHAPE, &random, i);
        catch_up(history, sim);
        sv_sim_advance(sim, sv_sim_now(sim) + REPORT_EVERY_S * LD_US_SECOND);
        catch_up(history, sim);
    }
    sv_sim_close(sim);
}

int main(int argc, char **argv)
{
    struct history history = {0};
    struct evlog_options options;
    struct ld_error error;
    if (argc != 3)
        bench_die("usage", "bench_history DIRECTORY EVENTS");
    evlog_options_init(&options);
    if (evlog_open(ld_context_system(), argv[1], &options, &history.log, NULL, &error) != LD_OK)
        bench_die(argv[1], error.text);
    write_history(&history, strtoull(argv[2], NULL, 10));
    if (evlog_commit(history.log, &error) != LD_OK)
        bench_die("commit", error.text);
    printf("%" PRIu64 "\n", evlog_durable(history.log));
    evlog_close(history.log);
    ld_buffer_free(&history.raw);
    return 0;
}
