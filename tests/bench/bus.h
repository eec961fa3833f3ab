/* What bench_bus measures in turn, and where it notes it. */
#ifndef LIANDONG_BENCH_BUS_H
#define LIANDONG_BENCH_BUS_H

#include "figures.h"
#include "load.h"
#include "server.h"

enum { SERVERS_MAX = 16, DELAYS_MAX = 8, SINGLE_EVENTS = 2000, PACED_EVENTS = 1000 };

struct bench {
    const char *program, *directory;
    size_t rounds, events;
    double seconds;
    bool json;
    void (*measure)(struct bench *bench, const struct server *server); /* one round of one */
    struct server servers[SERVERS_MAX];
    size_t server_count;
    uint64_t delays_us[DELAYS_MAX];
    size_t delay_count;
    struct figures figures;
};

void bus_note(struct bench *bench, const struct server *server, const char *name, double value);
void bus_note_latency(struct bench *bench, const struct server *server, const char *p50,
                      const char *p99, struct latency latency);
void bus_phase(const struct server *server, const char *name);
void bus_publish(struct bench *bench, const struct server *server, struct load *load); /* T1 */
void bus_single(struct bench *bench, const struct server *server, struct load *load);  /* T2 */
void bus_paced(struct bench *bench, const struct server *server, struct load *load);

/* What may be measured. */
void bus_measure(struct bench *bench, const struct server *server);    /* T1 to T4 */
void slow_measure(struct bench *bench, const struct server *server);   /* on slow disks */
void growth_measure(struct bench *bench, const struct server *server); /* T11 */
void memory_measure(struct bench *bench, const struct server *server); /* T8 */
void fill_measure(struct bench *bench, const struct server *server);   /* events for T9 */

#endif
