/*
 * T8 and the events for T9.
 *
 * T8: what a server keeps in memory for those who do not read. 62 consumers stop reading at the
 * first event; then events are published for a time or a number. What peers keep grows with what
 * they have taken, so the figures stand beside the number of events.
 */
#include "bus.h"

void memory_measure(struct bench *bench, const struct server *server)
{
    struct load load;
    size_t count;
    bus_phase(server, "T8");
    server->series->reset(server->endpoint, false);
    load_open(&load, server->series, server->endpoint, 1);
    load_stuck_begin(&load, BENCH_CONSUMERS);
    struct usage before = server_usage(server);
    load_pipelined(&load, bench->seconds, bench->events, &count);
    struct usage after = server_usage(server);
    bus_note(bench, server, "t8_events", (double)count);
    bus_note(bench, server, "t8_anon_mib", after.anon_mib);
    bus_note(bench, server, "t8_file_mib", after.file_mib);
    bus_note(bench, server, "t8_bytes_per_event",
             (after.anon_mib - before.anon_mib) * 1048576 / (double)count);
    load_stuck_end(&load);
    load_close(&load);
}

void fill_measure(struct bench *bench, const struct server *server)
{
    struct load load;
    size_t count;
    bus_phase(server, "T9");
    server->series->reset(server->endpoint, true);
    load_open(&load, server->series, server->endpoint, 1);
    load_pipelined(&load, bench->seconds, bench->events, &count);
    bus_note(bench, server, "t9_events", (double)count);
    load_close(&load);
}
