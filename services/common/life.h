/*
 * The shell's insides: the program (shell.c), one life of it on the bus (life.c), what it has still
 * to publish (outbox.c), and its snapshot file (keep.c). All on one libuv loop.
 */
#ifndef SV_LIFE_H
#define SV_LIFE_H

#include <liandong.h>
#include <uv.h>
#include "context.h"
#include "histogram.h"
#include "host.h"
#include "uthash.h"

struct shell_options {
    const char *endpoint;
    const char *snapshot;     /* path, NULL: none */
    uint64_t snapshot_events; /* events between snapshots, at least */
    const char *unit;         /* duty: the one unit, NULL: all */
    const char *metrics;      /* address (metrics/http.h), NULL: none */
};

/* ---- outbox.c: outputs on their way, and the inputs that wait for them ---- */
struct waiting; /* an output that has not been handed to the client yet */
struct input;   /* an event whose outputs are not all durable yet */
struct life;
struct sender { /* a producer of ours */
    UT_hash_handle hh;
    uint64_t id;
    struct life *life;
    struct ld_producer *producer;
    bool ready;
    uint64_t last_sequence; /* in the log when it got ready */
    struct waiting *first, **last;
    struct sender *prev, *next; /* of those that have something waiting */
};
struct outbox {
    struct sender *senders; /* by id of producer */
    struct sender *full;    /* those that have something waiting */
    struct input *first, **last;
};
void outbox_open(struct outbox *outbox);
void outbox_close(struct outbox *outbox); /* forgets everything; no completion may come after */
/* Takes the host's outputs of the event just applied; confirms what is done. */
void outbox_take(struct life *life, uint64_t sequence);
bool outbox_empty(const struct outbox *outbox);

/* ---- keep.c: the snapshot file ---- */
struct keep {
    const struct ld_context *context;
    const char *path;
    uint8_t log_id[16];
    struct ld_buffer image; /* of the state at image_position; empty: none */
    uint64_t image_position;
    size_t image_bytes;            /* of the last one, written or restored */
    uint64_t events, events_bytes; /* applied since */
    bool writing;
    uv_work_t work;
    struct ld_error error;
    int code;
    void (*done)(void *data);
    void *data;
};
/* Restores the host from the file, if it is there, whole, and of this log; says what it did. */
void keep_restore(struct keep *keep, struct sv_host *host, uint64_t head);
void keep_applied(struct keep *keep, uint64_t event_bytes);
/* Is it time for an image: after so many events, and when they have as many bytes as the last one?
 */
bool keep_due(const struct keep *keep, uint64_t events_min);
/* Takes an image of the host, to be written once keep_write is called. */
void keep_take(struct keep *keep, const struct sv_host *host);
/* Writes the image in a thread of its own; done is called afterwards, on the loop. */
void keep_write(struct keep *keep, uv_loop_t *loop, void (*done)(void *data), void *data);

/* ---- life.c ---- */
enum life_end {
    LIFE_RUNNING,
    LIFE_STOPPED, /* asked to */
    LIFE_AGAIN,   /* something that passes: start over from the last snapshot */
    LIFE_FAILED
};
struct life {
    uv_loop_t *loop;
    const struct shell_options *options;
    const struct sv_class *class;
    struct sv_host *host;
    struct ld_client *client;
    struct ld_stream *stream;
    struct outbox outbox;
    struct keep keep;
    uint64_t confirmed;
    struct ld_histogram applies; /* how long each event took */
    enum life_end end;
    bool leaving, closing, announced;
    char name[160];
    void (*ended)(struct life *life);
    void *data;
};
/* False, with the reason said, if the client cannot be opened. Otherwise ended is called once. */
bool life_begin(struct life *life);
void life_leave(struct life *life); /* asked to stop: publishes what is left, keeps the state */
void life_finish(struct life *life, enum life_end end); /* at once */
void life_confirm(struct life *life, uint64_t sequence);
/* Appends the figures of the life, which is data. */
void life_figures(struct ld_buffer *buffer, void *data);
/* A line on standard error, with the service's name before it. */
void life_say(const struct life *life, const char *format, ...) LD_PRINTF(2, 3);

#endif
