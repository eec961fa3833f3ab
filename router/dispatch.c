/*
 * From a message to who handles it. A message is [peer][head] or [peer][head][body]; whatever else
 * comes is garbage: counted, answered where it can be, and forgotten. Nothing here is asserted
 * about what a peer sent.
 *
 * Between the two stands the allowance: what there is none left for waits (waiting.c), and comes
 * back by dispatch_held; garbage that there is none left for ends its connection.
 */
#include "internal.h"

enum { GARBAGE_US = 10 };

static const char *body_text(const struct incoming *incoming)
{
    return (const char *)zuv_frame_data(incoming->body);
}

static void on_hello(const struct incoming *incoming)
{
    session_hello(incoming);
}

static void on_request(const struct incoming *incoming)
{
    request_receive(incoming->session, &incoming->head, incoming->body);
}

static void on_open(const struct incoming *incoming)
{
    stream_open(incoming->session, &incoming->head, body_text(incoming),
                zuv_frame_size(incoming->body));
}

static void on_credit(const struct incoming *incoming)
{
    stream_credit(incoming->session, &incoming->head);
}

static void on_close(const struct incoming *incoming)
{
    stream_close(incoming->session, &incoming->head);
}

static void on_ping(const struct incoming *incoming)
{
    struct router *router = incoming->router;
    struct wire_head pong = {WIRE_PONG, incoming->head.id, router->incarnation,
                             evlog_durable(router->log)};
    send_answer(incoming->session, &pong, NULL, 0);
}

static void on_status(const struct incoming *incoming)
{
    status_ask(incoming->session, &incoming->head);
}

static void on_advance(const struct incoming *incoming)
{
    clock_advance(incoming->session, &incoming->head);
}

static void on_find(const struct incoming *incoming)
{
    find_ask(incoming->session, &incoming->head);
}

static void on_retire(const struct incoming *incoming)
{
    retire_ask(incoming->session, &incoming->head, body_text(incoming),
               zuv_frame_size(incoming->body));
}

static void on_goodbye(const struct incoming *incoming)
{
    session_drop(incoming->session, NULL);
}

typedef void handler_fn(const struct incoming *incoming);

static handler_fn *const HANDLERS[WIRE_LAST + 1] = {
    [WIRE_HELLO] = on_hello,     [WIRE_PRODUCER] = on_request, [WIRE_PUBLISH] = on_request,
    [WIRE_OPEN] = on_open,       [WIRE_CREDIT] = on_credit,    [WIRE_CLOSE] = on_close,
    [WIRE_PING] = on_ping,       [WIRE_STATUS] = on_status,    [WIRE_ADVANCE] = on_advance,
    [WIRE_GOODBYE] = on_goodbye, [WIRE_FIND] = on_find,        [WIRE_RETIRE] = on_retire,
};

void router_count_error(struct router *router, int code)
{
    router->counters.errors[code]++;
}

static void garbage(struct router *router, const struct zuv_message *message, uint64_t id, int code,
                    const char *reason)
{
    router->counters.received[0]++;
    note_limited(router, NOTE_GARBAGE, "message that is none of ours: %s", reason);
    if (!allowance_is_left(router)) {
        router->counters.cut_askers++;
        zuv_link_cut(router->front, zuv_link_of(router->front, message));
        return;
    }
    allowance_spend(router, GARBAGE_US);
    send_peer_error(router, &message->frames[0], id, code, reason);
}

/* The request's id, as far as one can be made out of a head that is not good. */
static uint64_t guess_id(const uint8_t *raw, size_t size)
{
    return size >= 16 ? ld_get_u64(raw + 8) : 0;
}

static int decode(struct incoming *incoming, const struct zuv_message *message,
                  struct ld_error *error)
{
    if (message->count < 2 || message->count > 3)
        return ld_fail(error, LD_PROTOCOL, "message of %zu frames, expected a head and a body",
                       message->count - 1);
    const struct zuv_frame *head = &message->frames[1];
    int code = wire_head_decode(zuv_frame_data(head), zuv_frame_size(head), &incoming->head, error);
    if (code == LD_OK && !HANDLERS[incoming->head.operation])
        return ld_fail(error, LD_PROTOCOL, "%s is said by the router only",
                       wire_operation_name(incoming->head.operation));
    return code;
}

static void handle(struct incoming *incoming)
{
    struct router *router = incoming->router;
    enum wire_operation operation = incoming->head.operation;
    if (!incoming->session && operation == WIRE_GOODBYE)
        return;
    if (!incoming->session && operation != WIRE_HELLO) {
        send_peer_error(router, incoming->peer, incoming->head.id, LD_NOSESSION,
                        "no session: say HELLO first");
        return;
    }
    if (!incoming->session) {
        HANDLERS[operation](incoming);
        return;
    }
    struct session *session = session_retain(incoming->session);
    HANDLERS[operation](incoming);
    session_release(session);
}

/* ---- whose message it is ---- */

/* Refusals cost the router something, too; who goes on when there is none left for them is cut off,
 * and so is who says anything but HELLO. */
static void deny(const struct incoming *incoming, const char *reason)
{
    struct router *router = incoming->router;
    note_limited(router, NOTE_KEYS, "%s refused: %s", wire_operation_name(incoming->head.operation),
                 reason);
    if (incoming->head.operation != WIRE_HELLO || !allowance_is_left(router)) {
        zuv_link_cut(router->front, incoming->link);
        return;
    }
    allowance_spend(router, GARBAGE_US);
    send_peer_error(router, incoming->peer, incoming->head.id, LD_DENIED, reason);
}

/* Who has the key of one name is that one: in HELLO, and in a session. */
static int check_name(const struct incoming *incoming, const char *name, struct ld_error *error)
{
    char reason[LD_ERROR_TEXT_SIZE / 2];
    size_t size = zuv_frame_size(incoming->body);
    const struct session *session = incoming->session;
    if (incoming->head.operation != WIRE_HELLO)
        return !session || strcmp(session->key, incoming->key) == 0
                   ? LD_OK
                   : ld_fail(error, LD_DENIED, "%s speaks in a session of %s", name,
                             session->identity);
    if (size != strlen(name) || memcmp(body_text(incoming), name, size) != 0)
        return ld_fail(error, LD_DENIED, "this is the key of %s; it cannot be %.*s", name,
                       (int)(size < IDENTITY_SIZE_MAX ? size : IDENTITY_SIZE_MAX),
                       body_text(incoming));
    if (!admission_is_valid(incoming->router->admission, incoming->key, reason, sizeof reason))
        return ld_fail(error, LD_DENIED, "%s", reason);
    return LD_OK;
}

/* False: it is nobody's, and was dealt with. */
static bool authenticate(struct incoming *incoming, const struct zuv_message *message,
                         char key[KEYS_FINGERPRINT_SIZE])
{
    char name[KEYS_NAME_MAX + 1];
    struct ld_error error;
    incoming->key = key;
    int code = admission_who(message, name, key, &error);
    if (code == LD_OK) {
        code = check_name(incoming, name, &error);
        incoming->router->counters.impostors += code != LD_OK;
    }
    if (code != LD_OK)
        deny(incoming, error.text);
    return code == LD_OK;
}

static void receive(struct incoming *incoming, const struct zuv_message *message)
{
    struct router *router = incoming->router;
    char key[KEYS_FINGERPRINT_SIZE];
    router->counters.received[incoming->head.operation]++;
    incoming->session = session_find(router, incoming->peer);
    incoming->link = incoming->session && !router->admission ? incoming->session->link
                                                             : zuv_link_of(router->front, message);
    zuv_link_heard(router->front, incoming->link, message);
    if (router->admission && !authenticate(incoming, message, key))
        return;
    if (incoming->session)
        incoming->session->heard_us = ld_monotonic_us(router->context);
    if (waiting_pass(incoming))
        handle(incoming);
}

void dispatch(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    (void)socket;
    struct router *router = data;
    const struct zuv_frame *peer = &message->frames[0];
    if (router->phase != ROUTER_OPEN || message->count == 0 || zuv_frame_size(peer) == 0 ||
        zuv_frame_size(peer) > PEER_SIZE_MAX)
        return;
    struct zuv_frame none;
    zuv_frame_copy(&none, "", 0);
    struct incoming incoming = {.router = router, .peer = peer, .key = "", .body = &none};
    struct ld_error error;
    int code = decode(&incoming, message, &error);
    if (message->count == 3)
        incoming.body = &message->frames[2];
    if (code == LD_OK) {
        receive(&incoming, message);
    } else {
        uint64_t id = 0;
        if (message->count >= 2)
            id = guess_id(zuv_frame_data(&message->frames[1]), zuv_frame_size(&message->frames[1]));
        garbage(router, message, id, code, error.text);
    }
    zuv_frame_drop(&none);
}

void dispatch_held(const struct incoming *incoming, const uint8_t *body, size_t size)
{
    struct zuv_frame frame;
    struct incoming again = *incoming;
    struct session *session = session_find(incoming->router, incoming->peer);
    zuv_frame_copy(&frame, body, size);
    again.body = &frame;
    /* Of a connection before it with the same name in ZeroMQ? */
    again.session = session && strcmp(session->key, incoming->key) == 0 ? session : NULL;
    handle(&again);
    zuv_frame_drop(&frame);
}
