/*
 * T11: the cost of an event as the work grows tenfold and a hundredfold: events in the log, bytes
 * of payload, producers, consumers. Two costs: the time that passes, all programs together, and the
 * CPU time that the server alone spends. Flat is good.
 */
#include <stdio.h>
#include "bus.h"

enum { READ_EVENTS = 200000, PEER_LOG_EVENTS = 1000000, NAME_SIZE = 64 };

static void note(struct bench *bench, const struct server *server, const char *axis, size_t at,
                 const char *what, double value)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s_%zu_%s", axis, at, what);
    bus_note(bench, server, name, value);
}

/* Publishes pipelined for a while; notes both costs. */
static void publish(struct bench *bench, const struct server *server, struct load *load,
                    const char *axis, size_t at)
{
    size_t count;
    bus_phase(server, axis);
    double cpu_s = server_usage(server).cpu_s;
    double rate = load_pipelined(load, bench->seconds, READ_EVENTS * 5, &count);
    note(bench, server, axis, at, "publish_us", 1e6 / rate);
    note(bench, server, axis, at, "publish_cpu_us",
         (server_usage(server).cpu_s - cpu_s) * 1e6 / (double)count);
}

static void grow_log(struct bench *bench, const struct server *server)
{
    struct load load;
    size_t count, total = 0, most = server->series == &series_liandong ? 10000000 : PEER_LOG_EVENTS;
    server->series->reset(server->endpoint, true);
    load_open(&load, server->series, server->endpoint, 1);
    for (size_t size = 10000; size <= most; size *= 10) {
        bus_phase(server, "filling the log");
        while (total < size) {
            load_pipelined(&load, 10, size - total > 2 ? size - total : 2, &count);
            total += count;
        }
        publish(bench, server, &load, "log", size);
        total += load.published;
        if (load.published > READ_EVENTS / 10)
            note(bench, server, "log", size, "read_us", 1e6 / load_history(&load));
    }
    load_close(&load);
}

static void grow_payload(struct bench *bench, const struct server *server)
{
    struct load load;
    for (size_t bytes = 32; bytes <= 32768; bytes *= bytes == 32 ? 8 : bytes == 256 ? 8 : 16) {
        server->series->reset(server->endpoint, true);
        load_open(&load, server->series, server->endpoint, 1);
        load.payload_size = bytes;
        publish(bench, server, &load, "payload", bytes);
        load_close(&load);
    }
}

static void grow_producers(struct bench *bench, const struct server *server)
{
    struct load load;
    for (size_t producers = 1; producers <= 100; producers *= 10) {
        server->series->reset(server->endpoint, true);
        load_open(&load, server->series, server->endpoint, producers);
        publish(bench, server, &load, "producers", producers);
        load_close(&load);
    }
}

static void grow_consumers(struct bench *bench, const struct server *server)
{
    struct load load;
    for (size_t consumers = 1; consumers <= 100; consumers *= 10) {
        bus_phase(server, "consumers");
        server->series->reset(server->endpoint, false);
        load_open(&load, server->series, server->endpoint, 1);
        double cpu_s = server_usage(server).cpu_s;
        double rate = load_fan_out(&load, consumers, bench->seconds);
        double delivered = (double)(load.sent[0] * consumers);
        note(bench, server, "consumers", consumers, "deliver_us", 1e6 / rate);
        note(bench, server, "consumers", consumers, "deliver_cpu_us",
             (server_usage(server).cpu_s - cpu_s) * 1e6 / delivered);
        load_close(&load);
    }
}

void growth_measure(struct bench *bench, const struct server *server)
{
    grow_log(bench, server); /* first: ours cannot be emptied */
    grow_payload(bench, server);
    grow_producers(bench, server);
    grow_consumers(bench, server);
}
