/*
 * The router: orders events, makes them durable, streams them out (docs/protocol.md).
 *
 * It knows nothing about emergencies, plans or payloads. It runs on the caller's uv loop and is
 * used from that loop's thread only; nothing in it blocks but opening and the end of closing.
 *
 * Happy path: router_options_init -> router_open -> (the loop runs) -> router_stop -> stopped().
 * router_open has no side effect when it fails, but for a log that it may have created.
 */
#ifndef LIANDONG_ROUTER_H
#define LIANDONG_ROUTER_H

#include <liandong/record.h>
#include <uv.h>
#include "context.h"

struct router;

/* What the router lets itself be asked for. Whatever comes from outside has a bound here. */
struct router_limits {
    size_t connections;            /* with and without a session: 1280 */
    size_t tap_connections;        /* 256 */
    uint64_t tap_behind;           /* further behind the tap skips events: 65536 */
    size_t memory_bytes;           /* more of its own, and unfinished messages are cut: 48 MiB */
    size_t sessions;               /* 1024 */
    size_t sessions_per_identity;  /* 256 */
    size_t streams;                /* of all sessions: 4096 */
    size_t streams_per_session;    /* 64 */
    size_t producers;              /* names ever seen in this log: 100000 */
    size_t producers_per_identity; /* of these names: 10000 */
    size_t claims_per_identity;    /* producers open in all its sessions: 20000 */
    size_t batch_bytes;            /* body of a PUBLISH: 2 MiB */
    size_t credit_bytes;           /* outstanding per stream: 512 KiB */
    size_t chunk_bytes;            /* body of a CHUNK: 128 KiB */
    size_t copied_bytes;           /* chunks for filtered streams, in memory: 16 MiB */
    size_t waiting_bytes;          /* requests waiting for the log, all sessions: 24 MiB */
    size_t waiting_session_bytes;  /* the same, one session: 8 MiB */
    size_t answers;                /* answers waiting for durability: 65536 */
    size_t outbox_messages;        /* answers to a session that does not read: 1024 */
    size_t unread_bytes;           /* bytes of these: 4 MiB */
    size_t finds_per_session;      /* FIND requests that wait: 4 */
    int64_t allowance_us;          /* for requests that move no events, at most: 50 ms, */
    int64_t allowance_share;       /* refilled with one part in so many of the time: 10 */
    size_t held_messages;          /* that wait for it, one connection: 256 */
    size_t held_bytes;             /* the same, all connections: 4 MiB */
    size_t advances;               /* ADVANCE requests under way: 16 */
    uint64_t advance_ticks;        /* ticks of one ADVANCE: 1000000 */
};

struct router_options {
    const char *directory;        /* of the log; required; its parent must be there */
    const char *const *endpoints; /* required */
    size_t endpoint_count;
    const char *keys;    /* directory of the router's key and the list of those let in
                          * (docs/security.md); NULL: everybody is let in, and believed */
    const char *tap;     /* endpoint of the tap, NULL for none */
    const char *metrics; /* address of the metrics (metrics/http.h), NULL for none */
    int64_t tick_us;     /* 60 s */
    bool drill;          /* a drill: own clock, everything is an exercise */
    int64_t drill_start_us;
    uint64_t segment_bytes;      /* 0: the log's default */
    size_t buffer_bytes;         /* 0: the log's default */
    bool commit_here;            /* in the loop's thread, where that is quicker: true */
    uint32_t heartbeat_ms;       /* 1000 */
    uint32_t silence_heartbeats; /* a session that says nothing for so long is dropped: 10 */
    struct router_limits limits;
    /* Optional: one line for the operator, without newline; borrowed. */
    void (*note)(const char *line, void *data);
    /* Optional: called once, last of all, when the router is gone: LD_OK after router_stop, else
     * why it could not go on. */
    void (*stopped)(int code, const char *reason, void *data);
    void *data;
};
void router_options_init(struct router_options *options);

/* Opens the log, then the sockets. Options' texts are copied. Errors: those of evlog_open
 * (LD_LOCKED names the directory) and zuv_bind (LD_ADDRINUSE names the endpoint). */
int router_open(const struct ld_context *context, uv_loop_t *loop,
                const struct router_options *options, struct router **out,
                struct ld_error *error) LD_MUST_USE;

/* As bound, "tcp://…:*" resolved; NULL beyond the last. Borrowed. */
const char *router_endpoint(const struct router *router, size_t index);
const char *router_tap_endpoint(const struct router *router);
const char *router_metrics_address(const struct router *router);
uint64_t router_durable(const struct router *router);

/* Stops cleanly: takes nothing new, finishes the commit, answers it, says goodbye, frees, calls
 * stopped(). A second call does nothing. */
void router_stop(struct router *router);

#endif
