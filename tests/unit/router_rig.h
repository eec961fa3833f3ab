/*
 * A router in this process, on a real log in a folder of its own, and raw peers that speak the
 * wire. Disk and clock can be held, failed and moved. Everything waits for a condition on the loop.
 */
#ifndef LIANDONG_ROUTER_RIG_H
#define LIANDONG_ROUTER_RIG_H

#include "test.h"

#include <liandong/record.h>
#include "buffer.h"
#include "router.h"
#include "timefmt.h"
#include "wire/wire.h"
#include "zuv/zuv.h"

#define COUNT(array)   (sizeof(array) / sizeof(array)[0])
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

/* ---- a disk and a clock that can be meddled with ---- */

void rig_set_held(bool held);                      /* syncs wait until it is false again */
void rig_set_codes(int write_code, int sync_code); /* LD_NOSPACE: also no free space */
void rig_move_clock(int64_t by_us);                /* time passes */
void rig_stop_clock(void);                         /* and from now on only like this */
void rig_set_wall(int64_t by_us); /* the machine's clock is so much wrong, and passes as ever */
void rig_set_slow_us(int64_t slow_us); /* so long takes asking for the free space, as STATUS does */
const struct ld_context *rig_context(void);

/* ---- the rig ---- */

struct heard {
    struct heard *next;
    struct wire_head head;
    uint8_t *body;
    size_t size;
};

struct rig {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool expired;
    char directory[64];
    struct router_options options;
    const char *endpoint;
    struct router *router;
    int stopped; /* times */
    int stop_code;
    struct ld_buffer notes;
    struct zuv *zuv;
    struct zuv_socket *sockets[64]; /* of peers, open ones; NULL: free place */
    unsigned closed;
    struct heard *last; /* what peer_expect returned */
};

struct peer {
    struct rig *rig;
    struct zuv_socket *socket;
    struct heard *inbox;
    uint64_t next_id;
    uint64_t pongs; /* unasked ones are only counted */
    uint64_t head;
};

typedef bool rig_condition(void *data);
void rig_wait(struct rig *rig, rig_condition *condition, void *data);
bool rig_is_stopped(void *data);
int rig_open_router(struct rig *rig);
void rig_start_router(struct rig *rig);
void rig_stop_router(struct rig *rig);
int rig_setup(void **state);
int rig_teardown(void **state);

/* Sockets that the rig closes if the test fails before it does. */
void rig_own_socket(struct rig *rig, struct zuv_socket *socket);
void rig_close_socket(struct rig *rig, struct zuv_socket *socket);

/* ---- peers ---- */

/* keys: those of these options, NULL for none. */
void peer_open_with(struct rig *rig, struct peer *peer, struct zuv *zuv,
                    const struct zuv_options *keys);
void peer_open_on(struct rig *rig, struct peer *peer, struct zuv *zuv);
void peer_open(struct rig *rig, struct peer *peer);
void peer_close(struct peer *peer);
void peer_send(struct peer *peer, struct zuv_message *message);
void peer_say_head(struct peer *peer, const struct wire_head *head, const void *body, size_t size);

/* Returns the request's id. */
uint64_t peer_say(struct peer *peer, enum wire_operation operation, uint64_t a, uint64_t b,
                  const char *body);

/* The next message, which must be of that operation. Valid until the next call. */
struct heard *peer_expect(struct peer *peer, enum wire_operation operation);
void peer_expect_error(struct peer *peer, uint64_t id, int code);

/* What was sent before has been worked on, and its answers are in the inbox. */
void peer_sync(struct peer *peer, struct peer *through);
void peer_hello(struct rig *rig, struct peer *peer, const char *identity);

/* ---- publishing ---- */

uint64_t peer_producer(struct peer *peer, const char *name);

struct batch {
    struct ld_buffer bytes;
    uint64_t count;
};

/* Adds a record; returns its bytes, good until the next one is added. */
uint8_t *batch_add_record(struct batch *batch, const struct ld_record *record);

uint8_t *batch_add(struct batch *batch, const char *producer, uint64_t sequence, const char *topic,
                   const char *payload);

/* Sends and empties it; seen is PUBLISH.b. */
uint64_t batch_send_seen(struct peer *peer, struct batch *batch, uint64_t seen);
uint64_t batch_send(struct peer *peer, struct batch *batch);
struct wire_run run_of(const struct heard *heard, uint64_t index);
const char *reason_of(const struct heard *heard);

/* One RESULT of one run; returns its first sequence. */
uint64_t expect_run(struct peer *peer, uint64_t id, uint64_t count, int code);

/* Publishes one event and waits for its place. */
uint64_t publish_one(struct peer *peer, const char *producer, uint64_t sequence, const char *topic,
                     const char *payload);

/* ---- listening ---- */

/* Opens a stream; returns its id. */
uint64_t stream_begin(struct peer *peer, uint64_t from, uint64_t credit, const char *filters);

typedef void event_fn(const struct ld_record *record, void *data);

/* Reads [from, to] by a stream of its own: contiguous, checked, every credit given back. */
void read_events(struct peer *peer, uint64_t from, uint64_t to, const char *filters, event_fn *each,
                 void *data);

#endif
