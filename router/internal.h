/*
 * The router's parts, as its files share them. One struct router, one thread.
 *
 *   peer ──> dispatch ──┬─> waiting   what the allowance has nothing left for
 *                       ├─> session   HELLO, PING, GOODBYE, silence
 *                       ├─> request ──┬─> publish   check, stage
 *                       │   (FIFO)    └─> producer  claim, fence, name
 *                       ├─> stream    OPEN, CREDIT, CLOSE; chunks from the log
 *                       ├─> clock     ADVANCE, ticks
 *                       ├─> find      FIND
 *                       ├─> retire    RETIRE
 *                       └─> status
 *   commit done ──> answers (FIFO by sequence), streams woken, tap (a thread of its own)
 *
 * Sessions are counted references: requests and answers under way keep theirs alive after it is
 * gone (session->gone); what is then to be sent to it is dropped.
 */
#ifndef ROUTER_INTERNAL_H
#define ROUTER_INTERNAL_H

#include <assert.h>
#include <liandong/topic.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>
#include "admission.h"
#include "buffer.h"
#include "bytes.h"
#include "evlog/evlog.h"
#include "histogram.h"
#include "notes.h"
#include "router.h"
#include "wire/wire.h"
#include "zuv/zuv.h"

enum {
    ROUTER_CODES = LD_CORRUPT + 1,
    ROUTER_ENDPOINTS_MAX = 8,
    PEER_SIZE_MAX = 255,
    IDENTITY_SIZE_MAX = 100,
    SERVE_LIVE_US = 2000,            /* time per turn for streams near the head */
    SERVE_HISTORY_US = 250,          /* and for the others, */
    SERVE_HISTORY_BYTES = 512 << 10, /* and how much of the log these may look at */
    STREAM_LIVE_EVENTS = 4096,       /* how near is near */
    REQUEST_TURN_BYTES = 2 << 20,    /* requests worked on per turn */
    REQUEST_SLICE_BYTES = 256 << 10, /* of these, before another session has its turn */
    REQUEST_REFUSED_BYTES = 4 << 10, /* what a refusal counts for: words cost time, */
    REQUEST_REFUSED_US = 1,          /* of the allowance, too, */
    BATCH_REFUSED_US = 50,           /* as for that of a whole batch, */
    PRODUCER_US = 5,                 /* and for a claim */
    STATUS_WAITING = 4,              /* STATUS requests of a session that wait */
    SCAN_BYTES = 256 << 10,          /* log scanned in one step for a filtered stream */
    SEEK_COST_BYTES = 64 << 10,      /* what skipping counts as */
};

/* ---- descriptors and connections (connections.c) ---- */

/* Sees to it that the process may open as many descriptors as the limits ask for. */
int connections_reserve(const struct router_limits *limits, struct ld_error *error) LD_MUST_USE;
void connections_limit(const struct router *router, size_t count, struct zuv_options *socket);
/* Says what was refused since the last time, once a heartbeat. */
void connections_note(struct router *router);

/* ---- identities (identity.c) ---- */

struct identity {
    UT_hash_handle hh; /* by name */
    size_t size;
    size_t sessions, producers, streams, claims;
    char name[IDENTITY_SIZE_MAX + 1];
};
size_t identity_sessions(const struct router *router, const char *name, size_t size);
void identity_session_opened(struct router *router, const char *name);
void identity_session_ended(struct router *router, const char *name);
/* Of the identity that a producer's name begins with. */
size_t identity_producers(const struct router *router, const char *name, size_t size);
void identity_producer_added(struct router *router, const char *name, size_t size);
/* Only of identities with a session. */
size_t *identity_streams(const struct router *router, const char *name);
size_t *identity_claims(const struct router *router, const char *name);
void identity_free_all(struct router *router);

/* ---- the allowance (allowance.c), messages that wait for it (waiting.c) ---- */

struct allowance {
    int64_t left_us;   /* below 0: overdrawn */
    int64_t filled_us; /* monotonic: up to when it was refilled */
    int64_t turn_us;   /* spent in this turn of the loop */
};
void allowance_open(struct router *router);
void allowance_begin_turn(struct router *router);
bool allowance_is_left(struct router *router); /* in this turn */
void allowance_spend(struct router *router, int64_t price_us);
/* Until that price could be paid at once and something were left. */
int64_t allowance_wait_us(const struct router *router, int64_t price_us);
/* False also while all who want some have to wait; then a timer wakes the loop. */
bool allowance_work_left(struct router *router);

/* A message that was understood. */
struct incoming {
    struct router *router;
    struct session *session; /* NULL without one */
    const struct zuv_frame *peer;
    struct zuv_link link;
    const char *key; /* fingerprint; "" where none is asked for */
    struct wire_head head;
    struct zuv_frame *body; /* empty if there was none */
};
/* True: it is paid for, handle it. False: it waits, or its peer was cut off. */
bool waiting_pass(const struct incoming *incoming);
void waiting_turn(struct router *router);
void waiting_forget(struct router *router, const uint8_t *peer, size_t size);
void waiting_drop_all(struct router *router);

/* ---- sessions (session.c) ---- */

/* An answer that its session's socket queue had no room for. */
struct outgoing {
    struct outgoing *next;
    struct wire_head head;
    size_t size;
    uint8_t body[];
};

/* Bytes that ZeroMQ has and the peer has not taken; outlives the session. */
struct unread {
    atomic_uint references;
    atomic_size_t bytes;  /* answers */
    atomic_size_t copied; /* chunks that are copies */
};

struct session {
    UT_hash_handle hh; /* by peer */
    struct router *router;
    unsigned references;
    bool gone;
    bool busy; /* its socket queue is full; then in router->busy */
    struct session *busy_next, *busy_prev;
    uint64_t number; /* of sessions since the start */
    uint8_t peer[PEER_SIZE_MAX];
    size_t peer_size;
    struct zuv_link link;
    char identity[IDENTITY_SIZE_MAX + 1];
    char key[KEYS_FINGERPRINT_SIZE]; /* its connection's; "" where none is asked for */
    int64_t heard_us;                /* monotonic */
    struct outgoing *outbox, *outbox_last;
    size_t outbox_count, outbox_bytes;
    struct unread *unread;
    struct request *requests, *requests_last; /* its FIFO */
    struct session *working_next, *working_prev;
    size_t waiting_bytes;   /* of its requests in the FIFO */
    size_t overflow_bytes;  /* of those refused since there was none in it */
    size_t status_count;    /* STATUS requests waiting */
    size_t find_count;      /* FIND requests waiting */
    struct stream *streams; /* hash by id */
    struct claim *claims;   /* hash by producer id */
    uint64_t served_pass;   /* of the streams in which one of its was served */
    uint64_t events_published, events_refused;
    uint64_t chunks_sent, credits_taken; /* a CREDIT for each CHUNK is free */
    bool owes;                           /* its last requests had something to pay for */
    uint64_t held_request; /* PUBLISH with a record too damaged to know whose it was; 0: none */
};
struct session *session_find(struct router *router, const struct zuv_frame *peer);
void session_hello(const struct incoming *incoming);
/* Ends those whose key is valid no more; they are told why. */
void session_check_keys(struct router *router);
struct session *session_retain(struct session *session);
void session_release(struct session *session);
/* Ends it: streams and claims go at once, memory with the last reference. reason may be NULL. */
void session_drop(struct session *session, const char *reason);
/* The same, and ends its connection: what ZeroMQ still holds for it goes, too. */
void session_cut(struct session *session, const char *reason);
void session_heartbeat_all(struct router *router);
void session_goodbye_all(struct router *router, int code, const char *reason);
void session_drop_all(struct router *router);

/* ---- sending (send.c) ---- */

/* An answer: sent, or kept in the session's outbox; a session that lets its outbox overflow is
 * dropped. body may be NULL. */
void send_answer(struct session *session, const struct wire_head *head, const void *body,
                 size_t size);
void send_error(struct session *session, uint64_t id, int code, const char *text);
/* The same to a peer without a session; lost if it does not read. */
void send_peer_error(struct router *router, const struct zuv_frame *peer, uint64_t id, int code,
                     const char *text);
/* Of use only now: lost when the queue is full. */
void send_now(struct session *session, const struct wire_head *head);
/* LD_OK: sent, body gone. LD_BUSY: body dropped, try when the session is not busy any more.
 * LD_UNREACHABLE: body dropped, session dropped. */
int send_chunk(struct session *session, const struct wire_head *head, struct zuv_frame *body);
void send_retry_busy(struct router *router);
void send_outbox_free(struct session *session);
struct unread *unread_new(void);
void unread_release(struct unread *unread);
size_t send_unread_bytes(const struct session *session); /* of answers, in outbox and ZeroMQ */

/* ---- requests that need the log (request.c), answers that wait for it (answer.c) ---- */

struct request {
    struct request *next;
    struct session *session;
    struct wire_head head;
    struct zuv_frame body;
    bool refused;   /* there was no room for it */
    int64_t now_us; /* of this turn's work on it: what is taken together gets one time */
    /* PUBLISH: how far it is */
    size_t offset, index;
    struct ld_buffer runs;
    struct wire_run run; /* the one being extended; count 0: none */
    struct ld_error reason;
};
/* Does it, or puts it in the FIFO; body is taken. */
void request_receive(struct session *session, const struct wire_head *head, struct zuv_frame *body);
void request_turn(struct router *router); /* goes on with the FIFO */
/* What it cost is taken from the allowance; while that is used up, its session's requests wait. */
void request_pay(struct request *request, int64_t price_us);
void request_drop_all(struct router *router);
void request_fail_all(struct router *router, const char *reason); /* the log has failed */

/* An answer that waits until the log is durable up to sequence. */
struct answer {
    struct answer *next;
    struct session *session;
    struct wire_head head; /* the durable head is put in when it is sent */
    uint64_t sequence;
    uint8_t *body;
    size_t size;
};
/* Copies body. */
void answer_later(struct session *session, const struct wire_head *head, const void *body,
                  size_t size);
void answer_error_later(struct session *session, uint64_t id, int code, const char *reason);
void answer_durable(struct router *router);
void answer_fail_all(struct router *router, const char *reason);
void answer_drop_all(struct router *router);

enum request_state {
    REQUEST_DONE,   /* answered, or answer_later */
    REQUEST_WAITS,  /* for a commit, or for the names: so must all others */
    REQUEST_YIELDS, /* its slice is used up */
    REQUEST_OWES    /* its refusals have to be paid for first */
};
enum request_state publish_work(struct request *request);
enum request_state producer_work(struct request *request);

/* Answers the whole batch with one code. */
void publish_refuse(struct request *request, int code, const char *reason);
/* The whole batch is going to be refused: none of its events may be overtaken. */
void publish_hold(struct request *request, int code);

/* ---- producers (producer.c) ---- */

struct producer {
    UT_hash_handle hh; /* by id */
    uint64_t id;
    struct session *owner;        /* borrowed; NULL: nobody publishes under this name now */
    struct producer_tally *tally; /* NULL: none of its own */
    bool claimed;                 /* since the router was started: by */
    uint64_t claimant, round;
    char name[WIRE_NAME_SIZE_MAX + 1];
};

struct claim {
    UT_hash_handle hh; /* by id */
    uint64_t id;
    struct producer *producer;
    struct producer_tally *tally; /* where its events are counted */
    struct family_tally *family;  /* of its latest event */
    bool fenced;
    /* A refusal that may be retried holds back what follows it (protocol.md, "Order"). */
    uint64_t held_sequence;           /* the next that may come again; 0: not held */
    uint64_t held_from, held_request; /* the first and the last request refused */
    int held_code;
};
struct claim *producer_claim(const struct session *session, uint64_t id);
void producer_release_claims(struct session *session);
/* Reads the names out of the log, a bounded piece a call, until router->names_known. */
void producer_scan_turn(struct router *router);
void producer_free_all(struct router *router);

/* ---- counting (tally.c) ---- */

#define TALLY_OTHER "other"
enum { TALLY_PRODUCERS = 256, TALLY_FAMILIES = 64, TALLY_NAME_SIZE = 63 };

struct producer_tally {
    struct producer *producer; /* NULL: a free place, or the others (place 0) */
    unsigned claims;
    int64_t seen_us; /* monotonic */
    uint64_t bytes;  /* of what is in the log */
    uint64_t outcomes[ROUTER_CODES];
};
struct family_tally {
    char name[TALLY_NAME_SIZE + 1];
    size_t size; /* 0: the others (place 0) */
    uint64_t events, bytes;
};
/* Others count only once there are any. */
static inline bool tally_is_used(const struct producer_tally *tally)
{
    return tally->producer || tally->seen_us != 0;
}
/* The claim gets the place of its producer; releases it. */
void tally_claim(struct session *session, struct claim *claim);
void tally_release(struct claim *claim);
/* Counts an event in its family; *latest is kept by the caller between its events. */
void tally_event(struct router *router, struct family_tally **latest, const char *topic,
                 size_t topic_size, uint64_t bytes);
/* Counts a record that was judged, and its event if it was taken. */
void tally_record(struct session *session, struct claim *claim, const struct ld_record *record,
                  int code);

/* ---- filters and chunks (filter.c, chunk.c) ---- */

enum { FILTER_CHUNKS = 4 };

/* The filters of one or more streams; equal ones share it and the chunks built for it. */
struct filter_set {
    UT_hash_handle hh; /* by text */
    unsigned references;
    bool everything;
    size_t count;
    struct evlog_filter filters[WIRE_FILTERS_MAX];
    struct evlog_selection selection;
    struct chunk *chunks[FILTER_CHUNKS]; /* the last ones, for the next stream */
    size_t next_chunk;
    size_t text_size;
    char text[]; /* filters joined by newlines */
};
int filter_set_get(struct router *router, const char *text, size_t size, struct filter_set **out,
                   struct ld_error *error) LD_MUST_USE;
void filter_set_put(struct router *router, struct filter_set *set);
bool filter_set_matches(const struct filter_set *set, const char *topic, size_t topic_size);
void filter_forget_chunks(struct router *router); /* frees what no stream is using */

/* All matching events of [from, to]; bytes are the log's own or a copy. Shared by reference, also
 * with ZeroMQ's thread. */
struct chunk {
    atomic_uint references;
    uint64_t from, to;
    uint64_t events;
    const uint8_t *bytes;
    size_t size;
    struct evlog_span span; /* of bytes, unless copied */
    atomic_size_t *copied_bytes;
    uint8_t *copy;
};
/* LD_OK with a chunk that the caller releases; *out NULL at the end of what is durable. At most
 * max_bytes, but at least one record. The chunk may be empty (size 0): nothing matched up to to. */
int chunk_get(struct router *router, struct filter_set *set, uint64_t from, size_t max_bytes,
              struct chunk **out, struct ld_error *error) LD_MUST_USE;
/* Both take a reference of their own. A copy counts as the session's until it is sent. */
void chunk_frame(struct chunk *chunk, struct session *session, struct zuv_frame *frame);
void chunk_frame_part(struct chunk *chunk, const uint8_t *bytes, size_t size,
                      struct zuv_frame *frame);
bool chunk_may_copy(const struct session *session);
/* A piece of the log itself; *out NULL at the end of what is durable. */
int chunk_of_log(struct router *router, uint64_t from, size_t max_bytes, struct chunk **out,
                 struct ld_error *error) LD_MUST_USE;
void chunk_release(struct chunk *chunk);

/* The fields that are needed of a record whose header the log has verified. */
struct peek {
    uint32_t size;
    const char *topic;
    uint16_t topic_size;
};
static inline struct peek record_peek(const uint8_t *raw)
{
    return (struct peek){ld_get_u32(raw + 12), (const char *)raw + LD_RECORD_HEADER_SIZE,
                         ld_get_u16(raw + 20)};
}

/* ---- streams (stream.c) ---- */

enum stream_state { STREAM_READY, STREAM_AT_HEAD, STREAM_NO_CREDIT, STREAM_BUSY, STREAM_STATES };

struct stream {
    UT_hash_handle hh; /* of its session, by id */
    struct stream *next, *prev;
    struct session *session;
    struct filter_set *filters;
    uint64_t id;
    enum stream_state state;
    bool live;             /* which ready list it is in */
    bool caught_up;        /* it has been told that it has read all of history */
    uint64_t scanned;      /* looked at up to here */
    uint64_t told;         /* the client knows up to here */
    uint64_t sent;         /* end of the last chunk that had events */
    uint64_t processed;    /* the client says it has processed up to here */
    int64_t credit_bytes;  /* may be sent; below 0 by less than one record */
    int64_t window_bytes;  /* the most it has been */
    uint64_t events_bytes; /* sent in all */
    uint64_t events_sent;
};
void stream_open(struct session *session, const struct wire_head *head, const char *filters,
                 size_t size);
void stream_credit(struct session *session, const struct wire_head *head);
void stream_close(struct session *session, const struct wire_head *head);
void stream_drop_all(struct session *session);
void stream_committed(struct router *router);  /* there is more to read */
void stream_not_busy(struct session *session); /* its socket takes messages again */
void stream_serve_turn(struct router *router);
bool stream_work_left(const struct router *router);
void stream_tell_all(struct session *session);         /* how far it has scanned without a match */
uint64_t stream_position(const struct stream *stream); /* processed, as shown in STATUS */

/* ---- clock (clock.c), times (find.c), segments that go (retire.c), tap (tap.c), status (status.c)
 * ---- */

struct advance {
    struct advance *next;
    struct session *session;
    uint64_t id;
    int64_t target_us;
};
void clock_open(struct router *router);
int64_t clock_now_us(const struct router *router);
int64_t clock_take_us(struct router *router); /* for an event: never less than taken before */
/* Stages the tick that is due at now_us, before anything else gets that time. LD_OK or
 * evlog_stage's. */
int clock_stage_due(struct router *router, int64_t now_us, struct ld_error *error);
void clock_advance(struct session *session, const struct wire_head *head);
void clock_advance_turn(struct router *router);
void clock_drop_advances(struct router *router);
enum { OWN_PAYLOAD_SIZE_MAX = 4096 };
/* Stages one of the router's own events. */
int clock_stage_own(struct router *router, int64_t time_us, const char *topic, const void *payload,
                    size_t size, struct ld_error *error);

/* The same now, behind the tick that is due. */
int clock_stage_now(struct router *router, const char *topic, const void *payload, size_t size,
                    struct ld_error *error);

struct retiring;
void retire_ask(struct session *session, const struct wire_head *head, const char *archive,
                size_t size);
void retire_turn(struct router *router); /* something has become durable */
void retire_drop(struct router *router); /* but for what another thread is at */

void find_ask(struct session *session, const struct wire_head *head);
void find_turn(struct router *router); /* a bounded step towards the next answer */
void find_drop_all(struct router *router);

struct tap;
/* Binds the tap and starts its thread. */
int tap_open(struct router *router, const struct router_options *options, struct tap **out,
             struct ld_error *error) LD_MUST_USE;
/* Ends its thread; then calls closed(data). */
void tap_close(struct tap *tap, void (*closed)(void *data), void *data);
/* Hands over what has become durable, as much as there is room for; NULL: no tap. */
void tap_turn(struct tap *tap);
const char *tap_endpoint(const struct tap *tap); /* NULL without one */
struct tap_stats {
    struct zuv_stats socket;
    struct zuv_guard_stats guard;
    uint64_t skipped;              /* events that it was too far behind for, or could not read */
    uint64_t waiting, waiting_max; /* pieces of the log that are handed over */
};
void tap_get_stats(struct tap *tap, struct tap_stats *stats); /* of a moment ago */

int metrics_open(struct router *router, const char *address, struct ld_error *error);

/* Answered soon, once for all that ask meanwhile. */
void status_ask(struct session *session, const struct wire_head *head);
/* From when on it may be put together again: next_us was what this said before. */
int64_t status_next_us(int64_t next_us, int64_t begin_us, int64_t end_us);
void status_due(uv_timer_t *timer);
void status_drop_all(struct router *router);

/* ---- all of it (router.c, dispatch.c) ---- */

struct router_counters {
    uint64_t received[WIRE_LAST + 1]; /* by operation; 0: garbage */
    uint64_t records[ROUTER_CODES];   /* outcome of each published record */
    uint64_t errors[ROUTER_CODES];    /* ERROR messages by code */
    uint64_t sessions_opened, sessions_silent, sessions_overflowed;
    uint64_t requests_waited, requests_refused, requests_dropped;
    uint64_t requests_held; /* waited for the allowance */
    uint64_t cut_askers;    /* connections closed because they asked for too much */
    uint64_t chunks_sent, chunks_shared, chunk_bytes, chunk_events, streams_opened;
    uint64_t ticks;
    uint64_t impostors; /* said to be somebody whose key they have not */
};

enum router_phase { ROUTER_OPEN, ROUTER_STOPPING, ROUTER_CLOSING };

struct router {
    const struct ld_context *context;
    struct router_options options; /* texts are copies */
    char *endpoints[ROUTER_ENDPOINTS_MAX];
    char *directory;
    uv_loop_t *loop;
    enum router_phase phase;
    int stop_code;
    struct ld_error stop_reason;

    struct evlog *log;
    bool committing;
    bool commit_paused; /* no space: tried again with the next heartbeat */
    bool failed;        /* the log has: nothing is accepted any more */
    uint64_t incarnation;
    uint64_t own_id; /* of the producer "router" */

    struct zuv *zuv;
    struct zuv_socket *front;
    struct tap *tap;              /* NULL: none */
    struct metrics_http *metrics; /* NULL: none */
    struct admission *admission;  /* NULL: everybody is let in, and believed */
    size_t sockets_open;
    uv_async_t committed;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t heartbeat, ticker, asked, allowed;
    size_t handles_open;
    size_t turn_first;        /* who has the allowance first */
    uint64_t looked_at_bytes; /* of the log, for streams */
    int64_t turn_end_us;
    uint64_t turn_idle_ns;
    struct ld_histogram turns;
    int64_t turn_us_recent, turn_us_before; /* longest in this window, and in the one before */
    int64_t turn_window_us;                 /* when this window began */
    int64_t started_us;                     /* wall clock */

    struct session *sessions;    /* hash by peer */
    struct identity *identities; /* hash by name */
    struct session *busy;        /* list */
    struct producer *producers;  /* hash by id */
    struct allowance allowance;
    struct waiter *waiters; /* hash by peer, in turn */
    size_t held_count, held_bytes;
    struct session *working; /* list: those with requests in their FIFOs */
    size_t working_count;
    size_t request_count, requests_bytes;
    bool requests_poor;    /* all that are left have refusals to pay for */
    bool requests_blocked; /* they wait for a commit or for the names */
    size_t turn_bytes, slice_end;
    struct answer *answers, *answers_last;
    size_t answer_count, answer_bytes;
    size_t busy_count, outbox_count, outbox_bytes;       /* of all sessions */
    struct filter_set *filter_sets;                      /* hash by text */
    struct stream *ready_live, *ready_history, *waiting; /* lists */
    size_t stream_count, streams_by_state[STREAM_STATES];
    uint64_t stream_pass;
    atomic_size_t copied_bytes; /* of chunks that are copies */

    bool names_known;
    uint64_t names_next, names_end;
    struct evlog_selection names;

    int64_t drill_us; /* a drill's clock */
    int64_t clock_us; /* the actual clock when it was taken last, at this monotonic time */
    int64_t clock_taken_us;
    bool clock_behind; /* noted that the machine's clock is */
    int64_t tick_last_us;
    struct advance *advances;
    size_t advance_count;
    struct status_request *status_requests;
    struct find *finds;
    struct retiring *retiring; /* NULL: no segment is being taken away */
    size_t find_count;
    int64_t status_next_us; /* STATUS is not put together before */
    bool advance_blocked;   /* until a commit ends */

    struct note_limit note_limits[NOTE_KINDS];
    struct zuv_guard_stats noted; /* of both sockets, as of the last note */
    struct router_counters counters;
    struct producer_tally producer_tallies[1 + TALLY_PRODUCERS];
    struct family_tally family_tallies[1 + TALLY_FAMILIES];
    size_t family_count;
    struct family_tally *own_family; /* of the router's latest event */
};

void dispatch(struct zuv_socket *socket, struct zuv_message *message, void *data);
/* A message that has waited and is paid for. */
void dispatch_held(const struct incoming *incoming, const uint8_t *body, size_t size);
/* One of those that keep the router in memory has ended: a handle, or work in another thread. */
void router_part_ended(struct router *router);
void router_count_error(struct router *router, int code);

#endif
