/*
 * Messages that wait for the allowance, each with its peer, whether that has a session or not.
 *
 *   message ──> free, or allowance left and nobody waits ──> handled
 *                 │ else
 *                 v
 *               waits ──(its peer's turn, when there is allowance again)──> handled
 *                 │ half of its peer's places taken: ERROR BUSY says when to go on
 *                 └ all of them: its peer is cut off
 *
 * Peers take turns, one message each, so that one who asks for much keeps nobody else waiting; a
 * peer's messages keep their order. All together are bounded in bytes; a peer may have as many as
 * it leaves free for the others. What waits is dropped with GOODBYE, when its peer is cut off, and
 * when the router closes; when a session ends otherwise, it is answered with NOSESSION.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    PRICE_HELLO_US = 20,
    PRICE_OPEN_US = 10,
    PRICE_ADVANCE_US = 20,
    PRICE_RETIRE_US = 200,
    PRICE_OTHER_US = 4,
    FILTERS_BYTES_PER_US = 64,
    FILTERS_BYTES_MAX = WIRE_FILTERS_MAX * (LD_TOPIC_SIZE_MAX + 1),
};

struct held {
    struct held *next;
    struct wire_head head;
    int64_t price_us;
    size_t size;
    uint8_t body[];
};

struct waiter {
    UT_hash_handle hh; /* by peer, also in turn */
    struct zuv_link link;
    struct held *first, *last;
    size_t count, bytes;
    char key[KEYS_FINGERPRINT_SIZE];
    size_t peer_size;
    uint8_t peer[PEER_SIZE_MAX];
};

/* ---- prices ---- */

/* Each CHUNK pays for one CREDIT; PUBLISH and PRODUCER are paid for when they are worked on. */
static bool is_free(struct session *session, enum wire_operation operation)
{
    if (!session)
        return false;
    if (operation == WIRE_CREDIT && session->credits_taken < session->chunks_sent) {
        session->credits_taken++;
        return true;
    }
    return operation == WIRE_PUBLISH || operation == WIRE_PRODUCER || operation == WIRE_GOODBYE;
}

static int64_t price_of(struct session *session, enum wire_operation operation, size_t size)
{
    if (is_free(session, operation))
        return 0;
    switch (operation) {
    case WIRE_HELLO:
        return PRICE_HELLO_US;
    case WIRE_OPEN:
        size = size < FILTERS_BYTES_MAX ? size : FILTERS_BYTES_MAX;
        return PRICE_OPEN_US + (int64_t)(size / FILTERS_BYTES_PER_US);
    case WIRE_RETIRE:
        return PRICE_RETIRE_US;
    case WIRE_ADVANCE:
        return PRICE_ADVANCE_US;
    default:
        return PRICE_OTHER_US;
    }
}

/* ---- who waits ---- */

static struct waiter *waiter_find(const struct router *router, const uint8_t *peer, size_t size)
{
    struct waiter *waiter;
    HASH_FIND(hh, router->waiters, peer, size, waiter);
    return waiter;
}

static struct held *held_pop(struct router *router, struct waiter *waiter)
{
    struct held *held = waiter->first;
    size_t bytes = sizeof *held + held->size;
    assert(waiter->count > 0 && waiter->bytes >= bytes && router->held_bytes >= bytes);
    waiter->first = held->next;
    waiter->count--;
    waiter->bytes -= bytes;
    router->held_count--;
    router->held_bytes -= bytes;
    return held;
}

static void waiter_free(struct router *router, struct waiter *waiter)
{
    while (waiter->count > 0)
        free(held_pop(router, waiter));
    HASH_DEL(router->waiters, waiter);
    free(waiter);
}

static struct waiter *waiter_get(struct router *router, const struct incoming *incoming)
{
    const uint8_t *peer = zuv_frame_data(incoming->peer);
    size_t size = zuv_frame_size(incoming->peer);
    struct waiter *waiter = waiter_find(router, peer, size);
    if (waiter && strcmp(waiter->key, incoming->key) == 0)
        return waiter;
    if (waiter) /* of a connection before this one, which had the same name in ZeroMQ */
        waiter_free(router, waiter);
    waiter = calloc(1, sizeof *waiter);
    if (!waiter)
        abort();
    waiter->link = incoming->link;
    memcpy(waiter->key, incoming->key, strlen(incoming->key) + 1);
    waiter->peer_size = size;
    memcpy(waiter->peer, peer, size);
    HASH_ADD(hh, router->waiters, peer, waiter->peer_size, waiter);
    return waiter;
}

void waiting_forget(struct router *router, const uint8_t *peer, size_t size)
{
    struct waiter *waiter = waiter_find(router, peer, size);
    if (waiter)
        waiter_free(router, waiter);
}

void waiting_drop_all(struct router *router)
{
    while (router->waiters)
        waiter_free(router, router->waiters);
}

/* ---- too many ---- */

static bool has_room(const struct router *router, const struct waiter *waiter, size_t bytes)
{
    const struct router_limits *limits = &router->options.limits;
    size_t all = router->held_bytes + bytes;
    return waiter->count < limits->held_messages && all <= limits->held_bytes &&
           (waiter->bytes == 0 || waiter->bytes + bytes <= limits->held_bytes - all);
}

static void warn(const struct incoming *incoming, const struct waiter *waiter)
{
    char text[160];
    struct router *router = incoming->router;
    int64_t owed_us = 0;
    for (const struct held *held = waiter->first; held; held = held->next)
        owed_us += held->price_us;
    snprintf(text, sizeof text,
             "too much at once: %zu requests of this connection wait, with %zu it is closed; "
             "go on in %" PRId64 " ms",
             waiter->count, router->options.limits.held_messages,
             1 + allowance_wait_us(router, owed_us) / 1000);
    send_peer_error(router, incoming->peer, 0, LD_BUSY, text);
}

static void cut(const struct incoming *incoming, struct waiter *waiter)
{
    struct router *router = incoming->router;
    struct zuv_link link = waiter->link;
    router->counters.cut_askers++;
    waiter_free(router, waiter);
    if (incoming->session) {
        session_cut(incoming->session, "it asks for too much");
        return;
    }
    note_limited(router, NOTE_SESSION, "connection closed: it asks for too much without a session");
    zuv_link_cut(router->front, link);
}

/* ---- waiting ---- */

static void wait(const struct incoming *incoming, int64_t price_us)
{
    struct router *router = incoming->router;
    struct waiter *waiter = waiter_get(router, incoming);
    size_t size = zuv_frame_size(incoming->body);
    if (!has_room(router, waiter, sizeof(struct held) + size)) {
        cut(incoming, waiter);
        return;
    }
    struct held *held = malloc(sizeof *held + size);
    if (!held)
        abort();
    *held = (struct held){.head = incoming->head, .price_us = price_us, .size = size};
    if (size > 0)
        memcpy(held->body, zuv_frame_data(incoming->body), size);
    if (waiter->count > 0)
        waiter->last->next = held;
    else
        waiter->first = held;
    waiter->last = held;
    waiter->count++;
    waiter->bytes += sizeof *held + size;
    router->held_count++;
    router->held_bytes += sizeof *held + size;
    router->counters.requests_held += router->allowance.left_us <= 0; /* else: for a turn */
    if (waiter->count == router->options.limits.held_messages / 2)
        warn(incoming, waiter);
}

/* A CREDIT must not overtake the OPEN or CLOSE of its stream; who publishes or goes may. */
static bool may_pass(const struct incoming *incoming, int64_t price_us)
{
    struct router *router = incoming->router;
    if (price_us > 0)
        return !router->waiters && allowance_is_left(router);
    return incoming->head.operation != WIRE_CREDIT ||
           !waiter_find(router, zuv_frame_data(incoming->peer), zuv_frame_size(incoming->peer));
}

bool waiting_pass(const struct incoming *incoming)
{
    struct router *router = incoming->router;
    enum wire_operation operation = incoming->head.operation;
    int64_t price_us = price_of(incoming->session, operation, zuv_frame_size(incoming->body));
    if (!may_pass(incoming, price_us)) {
        wait(incoming, price_us);
        return false;
    }
    if (operation == WIRE_GOODBYE)
        waiting_forget(router, zuv_frame_data(incoming->peer), zuv_frame_size(incoming->peer));
    allowance_spend(router, price_us);
    return true;
}

void waiting_turn(struct router *router)
{
    while (router->waiters && allowance_is_left(router)) {
        struct waiter *waiter = router->waiters;
        struct zuv_frame peer;
        struct incoming incoming = {.router = router, .peer = &peer, .link = waiter->link};
        char key[KEYS_FINGERPRINT_SIZE];
        struct held *held = held_pop(router, waiter);
        zuv_frame_copy(&peer, waiter->peer, waiter->peer_size);
        incoming.key = memcpy(key, waiter->key, sizeof key);
        incoming.head = held->head;
        HASH_DEL(router->waiters, waiter); /* its next one comes after everybody else's */
        if (waiter->count > 0)
            HASH_ADD(hh, router->waiters, peer, waiter->peer_size, waiter);
        else
            free(waiter);
        allowance_spend(router, held->price_us);
        dispatch_held(&incoming, held->body, held->size);
        zuv_frame_drop(&peer);
        free(held);
    }
}
