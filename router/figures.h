/*
 * What the router knows about itself, in one place: STATUS (status.c) and metrics (metrics.c) are
 * two ways to write these figures down. Each figure is read here and nowhere else.
 */
#ifndef ROUTER_FIGURES_H
#define ROUTER_FIGURES_H

#include "internal.h"
#include "metrics/text.h"

enum figure_unit { FIGURE_NUMBER, FIGURE_US, FIGURE_FLAG };

struct figure {
    const char *section; /* object of STATUS that has it; NULL: at the top */
    const char *field;   /* its name there */
    const char *metric;  /* its name in metrics; NULL: not there */
    enum metrics_kind kind;
    enum figure_unit unit;
    const char *help;
    uint64_t value; /* FIGURE_US: signed */
};

enum { FIGURES_MAX = 100, FIGURES_STREAMS = 256, FIGURES_QUEUES = 11 };

/* The sections that have the same figures of each socket. */
#define FIGURES_SOCKET     "socket"
#define FIGURES_TAP_SOCKET "tap_socket"

struct stream_figures {
    const struct stream *stream;
    uint64_t position, lag_events;
    int64_t lag_us; /* age of the first event not processed; 0 without lag */
    int64_t outstanding_bytes;
};

/* Limits of 0: there is none in that unit. */
struct queue_figures {
    const char *name;
    uint64_t length, length_limit;
    uint64_t bytes, bytes_limit;
    uint64_t dropped; /* refused for want of room, or dropped */
};

struct figures {
    struct evlog_stats log;
    struct figure all[FIGURES_MAX];
    size_t count;
    struct stream_figures streams[FIGURES_STREAMS]; /* the oldest ones */
    size_t stream_count;
    struct stream_figures others; /* of the rest: largest lag; position is 0 */
    uint64_t others_count, others_events, others_bytes;
    struct queue_figures queues[FIGURES_QUEUES];
    int64_t wall_offset_us; /* wall clock minus monotonic */
};
void figures_take(struct router *router, struct figures *figures);

extern const char *const FIGURES_STREAM_STATES[STREAM_STATES];

/* When a producer was last heard of, microseconds since 1970. */
static inline int64_t figures_seen_us(const struct figures *figures,
                                      const struct producer_tally *tally)
{
    return tally->seen_us + figures->wall_offset_us;
}

#endif
