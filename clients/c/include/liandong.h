/*
 * libliandong: the one way onto the bus, for services and agencies alike.
 *
 * Ownership: producers, outboxes and streams belong to their client and go with it; a stream also
 * with ld_stream_close. Texts and arrays in options are copied.
 *
 * Threads: a client and all that belongs to it are used by the thread that opened it. Use from
 * another thread or after fork answers LD_FORKED. Callbacks are made from ld_client_run or, when
 * a uv loop was given, from that loop; never from inside the call that asked for them.
 *
 * Two ways to run:
 *   - plain program: leave options.loop NULL and call ld_client_run (or poll ld_client_fd and call
 *     ld_client_run with 0);
 *   - libuv program: set options.loop to your uv_loop_t and run it as ever.
 *
 * From any callback all functions here are legal but ld_client_run, ld_client_flush and
 * ld_client_wait_*. Closing cancels everything (LD_CANCELLED, one completion each), then makes the
 * closed callback, after which nothing comes.
 *
 * The client reconnects by itself for ever: streams resume behind the last event delivered;
 * events published but not yet answered are sent again (the router drops duplicates).
 */
#ifndef LIANDONG_H
#define LIANDONG_H

#include <liandong/error.h>
#include <liandong/record.h>
#include <liandong/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ld_client;
struct ld_producer;
struct ld_outbox;
struct ld_stream;

enum ld_link {
    LD_LINK_CONNECTING, /* never yet, or lost: trying */
    LD_LINK_UP,         /* heard from the router within its heartbeat */
    LD_LINK_STALE,      /* three heartbeats missed; still trying */
    LD_LINK_CLOSED
};

struct ld_client_options {
    const char *endpoint; /* "tcp://127.0.0.1:7501" or "ipc:///path"; required */
    const char *identity; /* who this is, e.g. "3303.health"; required, at most 100 bytes */
    const char *keys;     /* directory with NAME.key of the identity and router.pub (made by
                           * liandong keys); NULL: $LIANDONG_KEYS; neither, or "": no keys,
                           * which only a router that asks for none takes */
    void *loop;           /* uv_loop_t * of the caller, or NULL for a loop of its own */
    size_t queue_bytes;   /* published and not answered; beyond it publish says LD_BUSY; 12 MiB */
    int64_t give_up_us;   /* an event unanswered this long completes as LD_UNKNOWN; 0 = never */
    /* Optional: the link's state changed. since_us: monotonic time of the change. */
    void (*link_changed)(struct ld_client *client, enum ld_link link, const char *reason,
                         void *data);
    void *data;
};
LD_EXPORT void ld_client_options_init(struct ld_client_options *options);

LD_EXPORT int ld_client_open(const struct ld_client_options *options, struct ld_client **out,
                             struct ld_error *error) LD_MUST_USE;
/* Asynchronous; closed (may be NULL) is called once at the end and the client is freed. With a
 * loop of its own, ld_client_close runs that loop until done. NULL is legal. */
LD_EXPORT void ld_client_close(struct ld_client *client, void (*closed)(void *data), void *data);

/* Runs the client's own loop for at most timeout_us (0: what is ready; -1: until ld_client_stop).
 * LD_OK, or LD_TIMEOUT when the time ended without ld_client_stop. LD_INVALID with a foreign loop.
 */
LD_EXPORT int ld_client_run(struct ld_client *client, int64_t timeout_us);
LD_EXPORT void ld_client_stop(struct ld_client *client);
LD_EXPORT int ld_client_fd(const struct ld_client *client); /* readable: call ld_client_run(c, 0) */

/* What the router said last. Valid once the link has been up; times are 0 before. */
struct ld_client_state {
    enum ld_link link;
    uint64_t incarnation; /* changes with every start of the router */
    uint64_t head;        /* last durable sequence heard of */
    uint64_t first_sequence;
    uint8_t log_id[16];
    bool drill;             /* the router runs on drill time and marks all as exercise */
    int64_t router_time_us; /* the router's clock at WELCOME */
    uint64_t reconnects;
    size_t unanswered; /* events published, not yet answered */
};
LD_EXPORT void ld_client_get_state(const struct ld_client *client, struct ld_client_state *state);
/* Plain programs: runs until the link is up. LD_OK; LD_DENIED with what the router has against this
 * identity or its key (the client goes on trying: it may be enrolled meanwhile); or LD_TIMEOUT with
 * the reason. */
LD_EXPORT int ld_client_wait_up(struct ld_client *client, int64_t timeout_us,
                                struct ld_error *error) LD_MUST_USE;

/* ---- publishing ---- */

/* A producer: a name under which sequences strictly increase, for ever. name begins with the
 * client's identity, optionally followed by '#' and an instance ("3303.health#desk-1"). ready is
 * called once with LD_OK and the last sequence that the log has from it (0: none). */
typedef void ld_producer_fn(struct ld_producer *producer, int code, uint64_t last_sequence,
                            void *data);
LD_EXPORT int ld_producer_open(struct ld_client *client, const char *name, ld_producer_fn *ready,
                               void *data, struct ld_producer **out,
                               struct ld_error *error) LD_MUST_USE;
LD_EXPORT uint64_t ld_producer_id_of(const struct ld_producer *producer);

/* One answer per event, always later: LD_OK (durable, sequence is its place), LD_DUPLICATE (was
 * there already), LD_UNKNOWN, LD_CANCELLED or why it was refused, with the reason.
 *
 * LD_DUPLICATE: the log had it before this producer was opened here. An event whose first answer
 * was lost with the connection is this client's own and is answered LD_OK, with sequence 0 when the
 * router does not repeat its place. LD_FENCED: another client has opened this producer; it is dead
 * here until opened again. LD_NOSPACE, LD_CORRUPT: so is every other event that was published here
 * before this answer was given and is not answered yet, with the same code; publish them again, in
 * order, and none has overtaken another. After LD_UNKNOWN, and while nothing else of the producer
 * waits, the event may be published again under its producer sequence. */
struct ld_published {
    int code;
    uint64_t sequence; /* place in the log; 0 unless LD_OK and known */
    uint64_t producer_sequence;
    const char *reason; /* borrowed for the call; "" unless refused */
};
typedef void ld_published_fn(const struct ld_published *published, void *data);

struct ld_event {
    const char *topic; /* zero-terminated */
    const void *payload;
    size_t payload_size;
    uint16_t flags;             /* LD_RECORD_EXERCISE */
    uint64_t producer_sequence; /* 0: the next one; else greater than all before */
};
/* Copies the event. LD_OK: published (may be NULL) will be called exactly once. Otherwise it will
 * not: LD_BUSY (queue full), LD_TOOBIG, LD_INVALID (topic, sequence), LD_CLOSED, LD_FORKED, or why
 * the producer is dead (LD_FENCED, LD_DENIED). */
LD_EXPORT int ld_publish(struct ld_producer *producer, const struct ld_event *event,
                         ld_published_fn *published, void *data,
                         struct ld_error *error) LD_MUST_USE;
/* Plain programs: runs until every event is answered or the time ends; *unanswered (may be NULL)
 * is what is left. LD_OK or LD_TIMEOUT. */
LD_EXPORT int ld_client_flush(struct ld_client *client, int64_t timeout_us, size_t *unanswered);

/* ---- publishing that outlives this program and the router's absence ---- */

/*
 * An outbox is a file (SQLite) in which events wait until the log has them: the program may crash,
 * the machine lose its power, the router be away for hours. docs/outbox.md has the exact words.
 *
 * Two moments count, so there are two callbacks:
 *   kept     once per ld_outbox_put: LD_OK when the event is in the file and synced. From then on
 *            it reaches the log exactly once, in the order of putting, whatever happens here.
 *   settled  once per event when it leaves: in the log (LD_OK, LD_DUPLICATE), or refused for good
 *            (any other code, with the reason). What is refused stays in the file, apart, until
 *            somebody looks (ld_outbox_list, ld_outbox_amend) and stops nothing behind it. Events
 *            of earlier runs are settled too: they are known by their producer sequence.
 *
 * Syncing is done aside, never on the loop. What is put during one sync goes into the next: many
 * puts cost one.
 */
struct ld_outbox_options {
    const char *path;         /* the file, made when absent; required */
    uint64_t events_max;      /* that may be in it, refused ones counted; 100,000 */
    uint64_t bytes_max;       /* of their records; 256 MiB */
    ld_published_fn *settled; /* may be NULL */
    /* Optional: nothing is published at present though the link is up, and why; or LD_OK: going on.
     * LD_REFUSED: the router has another log than the one this outbox publishes to (see
     * ld_outbox_amend). LD_FENCED: a copy of the file is in use elsewhere. LD_IO, LD_CORRUPT: the
     * file has failed; nothing more is kept either. Else why the router refuses the producer. */
    void (*held)(struct ld_outbox *outbox, int code, const char *reason, void *data);
    void *data;
};
LD_EXPORT void ld_outbox_options_init(struct ld_outbox_options *options);
/* Reads and checks the file before it returns. LD_LOCKED (another process has it open), LD_REFUSED
 * (it belongs to another identity), LD_INVALID (no outbox), LD_VERSION (made by a newer version),
 * LD_CORRUPT, LD_NOSPACE, LD_IO (e.g. not writable). A file that is refused is left untouched. */
LD_EXPORT int ld_outbox_open(struct ld_client *client, const struct ld_outbox_options *options,
                             struct ld_outbox **out, struct ld_error *error) LD_MUST_USE;

/* Copies the event; its producer_sequence must be 0. LD_OK: kept (may be NULL) will be called
 * exactly once, also when the client is closed meanwhile: with LD_OK, or with why the event is
 * not in the file (LD_NOSPACE, LD_BUSY: it may be put again; LD_IO, LD_CORRUPT). Otherwise it will
 * not: LD_BUSY (the outbox is full, or what is not yet synced), LD_TOOBIG, LD_INVALID, LD_CLOSED,
 * LD_FORKED, LD_IO, LD_CORRUPT. */
LD_EXPORT int ld_outbox_put(struct ld_outbox *outbox, const struct ld_event *event,
                            ld_published_fn *kept, void *data, struct ld_error *error) LD_MUST_USE;
/* Plain programs: runs until all that was put is kept or refused, or the time ends. LD_OK,
 * LD_TIMEOUT, or the code of the first put since the last call that was not kept. */
LD_EXPORT int ld_outbox_wait_kept(struct ld_outbox *outbox, int64_t timeout_us,
                                  struct ld_error *error) LD_MUST_USE;

struct ld_outbox_state {
    char producer[128]; /* the name that the events have in the log */
    bool bound;         /* it publishes to the log log_id; false before the first contact */
    uint8_t log_id[16];
    uint64_t unkept;   /* put, not yet kept */
    uint64_t waiting;  /* kept, not yet settled */
    uint64_t refused;  /* kept apart */
    uint64_t bytes;    /* of all records */
    int64_t oldest_us; /* when the oldest waiting event was put, since 1970 UTC; 0: none */
    int held;          /* as told by the held callback */
    char held_reason[LD_ERROR_TEXT_SIZE];
};
LD_EXPORT void ld_outbox_get_state(const struct ld_outbox *outbox, struct ld_outbox_state *state);

/* What is in a file. May be called from any thread, without a client, also while a program has the
 * file open: it only reads. each (may be NULL) gets every event in the order of putting; all is
 * borrowed for the call. code: LD_OK waiting, else why it was refused. state may be NULL. */
struct ld_outbox_item {
    uint64_t producer_sequence;
    int64_t put_us; /* since 1970 UTC */
    int code;
    const char *reason;
    const struct ld_record *record;
};
typedef void ld_outbox_item_fn(const struct ld_outbox_item *item, void *data);
LD_EXPORT int ld_outbox_list(const char *path, ld_outbox_item_fn *each, void *data,
                             struct ld_outbox_state *state, struct ld_error *error) LD_MUST_USE;

enum ld_outbox_amendment {
    LD_OUTBOX_RETRY, /* a refused event waits again, behind all others */
    LD_OUTBOX_DROP,  /* a refused event is deleted */
    LD_OUTBOX_REBIND /* publish to whichever log is met next; sequence means nothing */
};
/* producer_sequence: of one refused event, or 0: of all. *count (may be NULL): how many. LD_LOCKED
 * while a program has the file open, LD_NOTFOUND (no such event or file), or as ld_outbox_open. */
LD_EXPORT int ld_outbox_amend(const char *path, enum ld_outbox_amendment what,
                              uint64_t producer_sequence, size_t *count,
                              struct ld_error *error) LD_MUST_USE;

/* ---- listening ---- */

#define LD_FROM_FIRST UINT64_C(0) /* from the oldest event */
#define LD_FROM_NOW   UINT64_MAX  /* only what comes after the head */

struct ld_stream_options {
    uint64_t from;              /* sequence, LD_FROM_FIRST (default) or LD_FROM_NOW */
    const char *const *filters; /* NULL or none: everything */
    size_t filter_count;        /* at most 64 */
    size_t credit_bytes;        /* how much may be under way; 4 MiB */
    bool confirm_by_hand;       /* false: an event is processed when the callback returns; true:
                                 * when ld_stream_confirm says so. Credit goes back only then. */
    /* opened: answered, "from sequence S, head H" (again after each reconnect). */
    void (*opened)(struct ld_stream *stream, uint64_t from, uint64_t head, void *data);
    /* event: borrowed for the call; checked against both checksums. Required. */
    void (*event)(struct ld_stream *stream, const struct ld_record *record, void *data);
    /* failed: the router refused it or data was damaged; the stream is dead, close it. */
    void (*failed)(struct ld_stream *stream, const struct ld_error *error, void *data);
    void *data;
};
LD_EXPORT void ld_stream_options_init(struct ld_stream_options *options);
LD_EXPORT int ld_stream_open(struct ld_client *client, const struct ld_stream_options *options,
                             struct ld_stream **out, struct ld_error *error) LD_MUST_USE;
/* With confirm_by_hand: all events up to sequence are processed. */
LD_EXPORT void ld_stream_confirm(struct ld_stream *stream, uint64_t sequence);
/* Covered so far: every matching event up to here was delivered (inside the event callback: up to
 * that event). 0 before the first chunk. */
LD_EXPORT uint64_t ld_stream_position(const struct ld_stream *stream);
LD_EXPORT void ld_stream_close(struct ld_stream *stream); /* no event after this call; frees */

/* ---- questions ---- */

/* Answered once: json is the router's statistics (docs/protocol.md), NULL unless LD_OK. */
typedef void ld_status_fn(int code, const char *json, void *data);
LD_EXPORT int ld_client_status(struct ld_client *client, ld_status_fn *answer, void *data,
                               struct ld_error *error) LD_MUST_USE;
/* Moves a drill's clock forward to time_us; the router appends the ticks between. LD_REFUSED from
 * a router that is not in a drill. head: last durable sequence, ticks included. */
typedef void ld_advanced_fn(int code, int64_t time_us, uint64_t head, const char *reason,
                            void *data);
LD_EXPORT int ld_client_advance(struct ld_client *client, int64_t time_us, ld_advanced_fn *answer,
                                void *data, struct ld_error *error) LD_MUST_USE;
/* Where a stream of what happened at time_us (microseconds since 1970; in a drill the drill's) or
 * later begins: the sequence of the first such event, head + 1 if there is none yet, the oldest
 * event's if all are later. head: last durable sequence. Without LD_OK both are 0 and reason says
 * why: LD_PROTOCOL from a router too old to know (1.0 in docs/protocol.md), LD_BUSY (four are not
 * answered yet), LD_CORRUPT, LD_CANCELLED (closed). */
typedef void ld_found_fn(int code, uint64_t sequence, uint64_t head, const char *reason,
                         void *data);
LD_EXPORT int ld_client_find_time(struct ld_client *client, int64_t time_us, ld_found_fn *answer,
                                  void *data, struct ld_error *error) LD_MUST_USE;
/* For the operator's tools: the router is to take its log's oldest segment away, the one that ends
 * with event last, which was archived and listed beside it (docs/log-format.md, 12). archive:
 * where, 1 to 512 bytes, for the event that says so; copied. first: the oldest event that is left.
 * LD_INVALID (not the oldest segment, or the last one), LD_REFUSED (not listed, or on legal hold),
 * LD_BUSY (another one is being taken away), LD_PROTOCOL (a router from before 1.2), LD_CANCELLED,
 * LD_IO. */
typedef void ld_retired_fn(int code, uint64_t first, uint64_t head, const char *reason, void *data);
LD_EXPORT int ld_client_retire(struct ld_client *client, uint64_t last, const char *archive,
                               ld_retired_fn *answer, void *data,
                               struct ld_error *error) LD_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
