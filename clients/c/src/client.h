/*
 * libliandong inside. Nothing here is exported.
 *
 *   client.c    open and close, the API's own checks, cancelling
 *   run.c       a loop of its own: run, stop, descriptor, waiting
 *   link.c      the session: HELLO, WELCOME, heartbeats, loss; hands messages out
 *   output.c    what is to be sent, sent once per turn of the loop
 *   producer.c  producers: names, sequences      batch.c  their queues of records
 *   answer.c    the router's answers to what was published
 *   outbox.c    outboxes: what is kept in a file until the log has it
 *               outbox_job.c: what is done with its file, aside; outbox_file.c, outbox_rows.c: the
 *               file; outbox_tool.c: looking into it and amending it
 *   stream.c    streams: chunks, order, credit
 *   request.c   STATUS, ADVANCE and FIND
 *
 * The rule that keeps it simple: nothing is sent by the call that asks for it. State says what is
 * to be sent ("this stream is to be opened"), ldc_want_output notes that there is something, and
 * ldc_output, before the loop sleeps, sends whatever the state asks for until ZeroMQ is full. A new
 * session sets the state back, and the same code says it all again.
 */
#ifndef LIANDONG_CLIENT_H
#define LIANDONG_CLIENT_H

#include <liandong.h>
#include "keys/keys.h"
#include <stdatomic.h>
#include <pthread.h>
#include <utlist.h>
#include "outbox_file.h"
#include "wire/wire.h"
#include "zuv/zuv.h"

enum {
    LDC_HEARTBEAT_MS = 1000, /* until the router has said its own */
    LDC_SILENCES = 3,        /* heartbeats missed before the link is stale */
    LDC_RETRY_MS = 20,       /* pause after the router said BUSY to records */
    LDC_GOODBYE_MS = 200,    /* what closing waits for the last message to leave */
    LDC_IDENTITY_MAX = 100,
    LDC_REASON_SIZE = 256,
    LDC_BATCH_FIRST = 4096, /* bytes a new batch starts with */
};

/* ---- batches (batch.c) ---- */

/* One event of a batch, until its completion. */
struct ldc_entry {
    ld_published_fn *published;
    void *data;
    uint64_t producer_sequence; /* 0: given when the producer is ready */
    int64_t published_us;
    uint32_t size; /* of its record */
};

/*
 * Records end to end, as they go out in one PUBLISH. Grows while it is the last of its producer
 * and not sent; from then on its bytes stand still, as ZeroMQ's thread reads them.
 */
struct ldc_batch {
    struct ldc_batch *next;
    atomic_int references;                   /* one of the queue, one for each frame under way */
    uint64_t request;                        /* id of the PUBLISH under way, 0: none */
    struct ld_producer *producer;            /* while one is under way */
    struct ldc_batch *sent_prev, *sent_next; /* of client->sent */
    bool sealed;
    uint8_t *bytes;
    size_t size, capacity;
    struct ldc_entry *entries;
    size_t count, entry_capacity;
    size_t done, done_bytes; /* leading entries completed */
    size_t sent_from;        /* first entry of the PUBLISH under way */
};
/* Batches that are empty again, for the next events: their memory is warm, fresh memory is not. */
struct ldc_spares {
    struct ldc_batch *list;
    size_t bytes, max_bytes;
};
/* NULL: out of memory. */
struct ldc_batch *ldc_batch_new(struct ldc_spares *spares, size_t first_bytes);
/* Lets go of it on the client's thread; the last one to let go keeps it as a spare. */
void ldc_batch_drop(struct ldc_spares *spares, struct ldc_batch *batch);
void ldc_spares_free(struct ldc_spares *spares);
/* Room for one record of size bytes, NULL when out of memory. Counts once ldc_batch_add is called.
 */
uint8_t *ldc_batch_reserve(struct ldc_batch *batch, size_t size);
void ldc_batch_add(struct ldc_batch *batch, const struct ldc_entry *entry);
void ldc_batch_frame(struct ldc_batch *batch, struct zuv_frame *frame); /* what is not done */

/* ---- producers (producer.c) ---- */

struct ld_producer {
    struct ld_producer *prev, *next;
    struct ld_producer *eager_prev, *eager_next; /* of client->eager */
    bool eager;
    struct ld_client *client;
    char name[WIRE_NAME_SIZE_MAX + 1];
    uint64_t id;
    uint64_t claimant, round; /* who claims the name: random, and in which session of its */
    ld_producer_fn *ready;
    void *ready_data;
    bool answered; /* ready was called */
    int dead;      /* LD_OK, or why it is of no more use */
    char dead_reason[LDC_REASON_SIZE];
    uint64_t request;       /* id of the PRODUCER under way, 0: none */
    bool registered;        /* in this session */
    uint64_t first_last;    /* last sequence the log had when it was opened */
    uint64_t given;         /* highest sequence an event got here */
    uint64_t last;          /* the same or what the log has, the higher */
    uint64_t lost;          /* first sequence given up since the router answered last; 0: none */
    bool auto_waiting;      /* events wait for ready to get their sequence */
    bool retrying;          /* the router said BUSY: wait for all answers, pause, send again */
    bool draining;          /* the router refused what may pass: wait for all answers */
    bool next_session_only; /* no pause is long enough: the router's log has failed */
    bool slow;              /* it has no space: try again at the next tick only */
    struct ldc_batch *head, *tail;
    size_t under_way;         /* batches with a PUBLISH under way */
    uint32_t completing_size; /* of the record whose completion is under way */
    struct ld_outbox *outbox; /* whose events these are; NULL: nobody's */
};
/* LD_OK, or what is wrong with the event by itself. */
int ldc_check_event(const struct ld_client *client, const struct ld_event *event, size_t topic_size,
                    struct ld_error *error);
/* The outbox has nothing against the log that answered: publishes from now on. */
void ldc_producer_admit(struct ld_producer *producer, uint64_t last);
/* PRODUCER_OK; checksum: of the event with the last sequence, NULL: not known. */
void ldc_producer_register(struct ld_producer *producer, uint64_t id, uint64_t last,
                           const uint32_t *checksum);
/* No more use: completes everything with code. */
void ldc_producer_kill(struct ld_producer *producer, int code, const char *reason);
void ldc_producer_restart(struct ld_producer *producer); /* a new session */
/* It has something to send. */
void ldc_producer_wants(struct ld_producer *producer);
/* The batch's PUBLISH is under way no more. */
void ldc_batch_answered(struct ldc_batch *batch);
/* The outcome of the batch's next event; then, of all batches: those that are done are let go. */
void ldc_producer_complete(struct ld_producer *producer, struct ldc_batch *batch, int code,
                           uint64_t sequence, const char *reason);
void ldc_producer_drop_done(struct ld_producer *producer);
void ldc_producer_give_up(struct ld_producer *producer, int64_t before_us);
void ldc_producer_free(struct ld_producer *producer);

/* ---- answers to PUBLISH (answer.c) ---- */

void ldc_producer_result(struct ld_client *client, const struct wire_head *head,
                         const uint8_t *body, size_t size);
/* ERROR with this id: true if it belonged to a producer or one of its batches. */
bool ldc_producer_error(struct ld_client *client, uint64_t id, int code, const char *reason);
void ldc_producer_retry(struct ld_client *client, bool slow_too); /* after the pause */

/* ---- outboxes (outbox.c) ---- */

void ldc_outbox_pump(struct ld_client *client); /* begins what is to be done with the files */
void ldc_outbox_tick(struct ld_client *client);
void ldc_outbox_restart(struct ld_client *client); /* a new session */
/* PRODUCER_OK: the outbox says ldc_producer_admit, or holds. */
void ldc_outbox_contact(struct ld_outbox *outbox, uint64_t last);
void ldc_outbox_orphan(struct ld_outbox *outbox, int code, const char *reason);
void ldc_outbox_close(struct ld_client *client);

/* ---- streams (stream.c) ---- */

enum ldc_stream_state {
    LDC_STREAM_WANTED,  /* OPEN is to be sent */
    LDC_STREAM_OPENING, /* sent */
    LDC_STREAM_OPEN,
    LDC_STREAM_FAILED,
    LDC_STREAM_CLOSED /* by the caller; freed when CLOSE was sent */
};

struct ldc_held; /* a chunk that waits for ld_stream_confirm */

struct ld_stream {
    struct ld_stream *prev, *next;
    struct ld_client *client;
    struct ld_stream_options options; /* filters are in filter_text */
    char *filter_text;
    size_t filter_size;
    enum ldc_stream_state state;
    uint64_t id;      /* of the OPEN under way or open; a new one for each OPEN */
    bool started;     /* was open once: from is known for good */
    uint64_t from;    /* first sequence to ask for */
    uint64_t covered; /* everything before from .. covered was delivered */
    bool any_chunk;
    uint64_t processed; /* by ld_stream_confirm, or as covered */
    uint64_t granted_bytes;
    uint64_t owed_bytes;   /* credit to give back */
    uint64_t held_bytes;   /* of chunks not confirmed */
    struct ldc_held *held; /* list */
    bool close_wanted;     /* CLOSE is to be sent */
    bool other_log;        /* to be failed: the router serves another log now */
};
struct ld_stream *ldc_stream_find(struct ld_client *client, uint64_t id);
void ldc_stream_opened(struct ld_stream *stream, const struct wire_head *head);
void ldc_stream_chunk(struct ld_stream *stream, const struct wire_head *head, const uint8_t *body,
                      size_t size);
void ldc_stream_fail(struct ld_stream *stream, int code, const char *format, ...) LD_PRINTF(3, 4);
void ldc_stream_restart(struct ld_stream *stream, bool other_log);
void ldc_stream_fail_other_log(struct ld_client *client);
bool ldc_stream_credit_due(const struct ld_stream *stream, bool tick);
uint64_t ldc_stream_credit(const struct ld_stream *stream); /* to ask for in OPEN */
void ldc_stream_free(struct ld_stream *stream);

/* ---- requests (request.c) ---- */

struct ldc_request {
    struct ldc_request *prev, *next;
    bool sent;   /* in this session */
    uint64_t id; /* once sent */
    enum wire_operation operation;
    uint64_t a;
    ld_status_fn *status;
    ld_advanced_fn *advanced;
    ld_found_fn *found; /* or ld_retired_fn */
    char *text;         /* body, NULL: none; owned */
    void *data;
};
void ldc_request_answer(struct ld_client *client, const struct wire_head *head, const uint8_t *body,
                        size_t size);
bool ldc_request_error(struct ld_client *client, uint64_t id, int code, const char *reason);
void ldc_request_cancel_all(struct ld_client *client);

/* ---- the client ---- */

enum ldc_session { LDC_SESSION_NONE, LDC_SESSION_ASKED, LDC_SESSION_OPEN };

struct ldc_run; /* run.c: what a loop of its own needs */

/* Its own key, and those that the router may have: the one in use and, around a change, the next
 * (router.pub.next). */
struct ldc_keys {
    struct keys_pair own;
    struct keys_public router[2];
    size_t router_count, router_tried;
};

struct ld_client {
    struct ldc_keys *keys; /* NULL: none */
    int refused;           /* LD_DENIED: the router does not let this client in; else LD_OK */
    unsigned turned_away;  /* times in a row that it was found so */
    struct ld_client_options options; /* texts are copies */
    char *endpoint, *identity;
    uv_loop_t *loop;
    struct ldc_run *run; /* NULL with the caller's loop */
    pthread_t thread;
    unsigned forks;
    struct zuv *zuv;
    struct zuv_socket *socket; /* NULL while closing */
    uv_prepare_t prepare;      /* sends */
    uv_idle_t idle;            /* what is due later without the network: cancelling */
    uv_timer_t tick;           /* heartbeats, giving up */
    uv_timer_t retry;          /* after BUSY */
    uint64_t tell_by_ms;       /* at the latest, by the loop's clock */
    uv_timer_t tell_soon;      /* shortly after events were processed: gives credit back */
    size_t open_count;         /* handles and sockets that are not closed yet */
    /* session */
    enum ldc_session session;
    enum ld_link link;
    char reason[LDC_REASON_SIZE];
    uint64_t next_id;
    uint64_t hello_id;
    uint64_t answered_id; /* the last PRODUCER or PUBLISH whose answer was seen */
    int64_t asked_us, heard_us, said_us, ticked_us;
    bool ping_wanted;
    bool hello_wanted;
    bool welcomed; /* ever */
    struct wire_welcome welcome;
    uint64_t incarnation, head, sessions;
    /* output */
    bool output_wanted;
    bool blocked; /* ZeroMQ is full: wait for writable */
    bool tick_credit;
    bool pump_wanted; /* outboxes have something to do */
    /* members */
    struct ld_producer *producers;
    struct ld_producer *eager; /* of these, those that have something to send or to wait for */
    struct ldc_batch *sent;    /* PUBLISHes under way, in order of sending */
    struct ld_stream *streams, *closed_streams;
    struct ldc_request *requests;
    struct ld_outbox *outboxes;
    size_t queued_bytes, unanswered;
    struct ldc_spares spares;
    /* closing */
    bool closing;
    void (*closed)(void *data);
    void *closed_data;
};

/* LD_OK, LD_FORKED or LD_CLOSED. */
int ldc_check(const struct ld_client *client, struct ld_error *error);
int64_t ldc_now_us(void);
void ldc_set_link(struct ld_client *client, enum ld_link link, const char *format, ...)
    LD_PRINTF(3, 4);
int ldc_heartbeat_ms(const struct ld_client *client);
void ldc_tell_soon(struct ld_client *client); /* what streams owe is told soon */

/* link.c */
int ldc_link_open(struct ld_client *client, struct ld_error *error);
void ldc_link_close(struct ld_client *client); /* says goodbye, closes the socket */
void ldc_link_tick(struct ld_client *client);
/* The router makes no sense: a new connection at the next heartbeat. */
void ldc_link_broken(struct ld_client *client, const char *format, ...) LD_PRINTF(2, 3);
void ldc_link_message(struct zuv_socket *socket, struct zuv_message *message, void *data);
void ldc_link_writable(struct zuv_socket *socket, void *data);

/* keys.c */
int ldc_keys_load(struct ld_client *client, struct ld_error *error) LD_MUST_USE;
void ldc_keys_free(struct ld_client *client);
void ldc_keys_set(const struct ld_client *client, struct zuv_options *options);
/* Asked while there is no session. True: the router (or who sits there) turned it away; then the
 * link has said so, and the next try is with the router's other key, if there is one. */
bool ldc_keys_turned_away(struct ld_client *client);

/* output.c */
void ldc_want_output(struct ld_client *client);
void ldc_output(struct ld_client *client);

/* client.c: one handle or socket is gone. */
void ldc_count_closed(void *client);
/* run.c */
int ldc_run_open(struct ld_client *client, struct ld_error *error);
void ldc_run_wake(struct ld_client *client); /* there is output: the descriptor has to say so */
void ldc_run_end(struct ld_client *client);  /* everything is closed: leave the loop */
bool ldc_run_inside(const struct ld_client *client);
/* Turns the client's own loop until done(client). LD_OK, LD_TIMEOUT, LD_CLOSED (the client is
 * gone), LD_INVALID (not from here). */
int ldc_run_until(struct ld_client *client, int64_t timeout_us,
                  bool (*done)(const struct ld_client *client), struct ld_error *error);
void ldc_run_until_closed(struct ld_client *client); /* then frees the client */
void ldc_run_free(struct ldc_run *run);
void ldc_client_free(struct ld_client *client);

#endif
