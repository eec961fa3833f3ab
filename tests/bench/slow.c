/*
 * Slow disks: the same with each sync of the server delayed by slow_sync. Without delay it counts
 * the syncs of those who do not count them themselves.
 */
#include <stdio.h>
#include "bus.h"

enum { PROBE_EVENTS = 64, WINDOW_MIN = 64, NAME_SIZE = 64 };

/* What syncs each event on its own needs minutes for a full window on a slow disk, and gains
 * nothing from it: the window is what it answers in a second. */
static size_t window_for(struct load *load)
{
    size_t count;
    double per_second = load_pipelined(load, 1, PROBE_EVENTS, &count);
    return per_second >= BENCH_WINDOW ? BENCH_WINDOW
           : per_second > WINDOW_MIN  ? (size_t)per_second
                                      : WINDOW_MIN;
}

static void measure_at(struct bench *bench, const struct server *server, uint64_t delay_us)
{
    struct load load;
    static char part[NAME_SIZE];
    snprintf(part, sizeof part, "slow%llu", (unsigned long long)delay_us);
    bench->figures.part = part;
    bus_phase(server, "reset");
    server->series->reset(server->endpoint, true);
    server->page->delay_us = delay_us;
    load_open(&load, server->series, server->endpoint, 1);
    load.window = window_for(&load);
    bus_publish(bench, server, &load);
    bus_single(bench, server, &load);
    server->page->delay_us = 0;
    server->series->reset(server->endpoint, false);
    server->page->delay_us = delay_us;
    if (load.window == BENCH_WINDOW)
        bus_paced(bench, server, &load);
    server->page->delay_us = 0;
    load_close(&load);
}

void slow_measure(struct bench *bench, const struct server *server)
{
    if (!server->page)
        bench_die(server->series->name, "does not run under slow_sync");
    for (size_t i = 0; i < bench->delay_count; i++)
        measure_at(bench, server, bench->delays_us[i]);
    double unseen = 0;
    for (int kind = SLOW_SYNC_BLIND; kind < SLOW_SYNC_KINDS; kind++)
        unseen += (double)server->page->calls[kind];
    bus_note(bench, server, "unseen", unseen);
    if (unseen > 0)
        fprintf(stderr, "%s: files opened with O_DSYNC, or io_uring: not every sync is seen\n",
                server->series->name);
}
