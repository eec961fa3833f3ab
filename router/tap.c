/*
 * The tap: every durable event once to every plain SUB socket, as [topic][record]. Live and at
 * most once: ZeroMQ drops for a listener that is too slow, and a router that is far ahead of the
 * tap skips; a listener sees either as a gap in the sequences and can fetch it by a stream.
 *
 * Without subscriptions it costs nothing. A turn sends a bounded number of bytes.
 */
#include "internal.h"

enum {
    TAP_TURN_BYTES = 64 << 10,
    TAP_BEHIND_MAX = 65536,
    TAP_TURN_MESSAGES = 16,                     /* subscriptions taken in one turn */
    TAP_SUBSCRIPTIONS = 256,                    /* said by one listener in all, */
    TAP_SUBSCRIPTION_BYTES = 8 << 10,           /* and how long they are: each byte is a node */
    TAP_SEND_MESSAGES = 1000,                   /* a listener may be so far behind */
    TAP_MESSAGE_BYTES = LD_TOPIC_SIZE_MAX + 32, /* a subscription: a command and a prefix */
};

/* ZeroMQ says each prefix once when the first listener wants it and once when the last is gone. */
static void subscription(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct router *router = data;
    struct zuv_link link = zuv_link_of(socket, message);
    zuv_link_keep(socket, link);
    zuv_link_heard(socket, link, message);
    if (zuv_frame_size(&message->frames[0]) == 0)
        return;
    uint8_t kind = *zuv_frame_data(&message->frames[0]);
    if (kind == 1 && router->tap_subscriptions++ == 0)
        router->tap_next = evlog_durable(router->log) + 1;
    else if (kind == 0 && router->tap_subscriptions > 0)
        router->tap_subscriptions--;
}

int tap_open(struct router *router, struct ld_error *error)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = subscription;
    options.data = router;
    options.max_message_bytes = TAP_MESSAGE_BYTES;
    options.send_messages = TAP_SEND_MESSAGES;
    options.receive_messages = 1; /* ZeroMQ reads on as long as there is more, whoever waits */
    options.turn_messages = TAP_TURN_MESSAGES;
    options.messages_max = TAP_SUBSCRIPTIONS;
    options.bytes_max = TAP_SUBSCRIPTION_BYTES;
    connections_limit(router, router->options.limits.tap_connections, &options);
    int code = zuv_socket_open(router->zuv, ZUV_XPUB, &options, &router->tap, error);
    if (code != LD_OK)
        return code;
    router->sockets_open++;
    return zuv_bind(router->tap, router->options.tap, error);
}

bool tap_work_left(const struct router *router)
{
    return router->tap_subscriptions > 0 && router->tap_next <= evlog_durable(router->log);
}

/* The record is not copied: listeners that do not read hold pieces of the log, not of memory. */
static void tap_send(struct router *router, struct chunk *chunk, const uint8_t *raw)
{
    struct peek peek = record_peek(raw);
    struct zuv_message message = {.count = 2};
    zuv_frame_copy(&message.frames[0], peek.topic, peek.topic_size);
    chunk_frame_part(chunk, raw, peek.size, &message.frames[1]);
    if (zuv_send(router->tap, &message) == LD_OK)
        router->counters.tap_sent++;
    else
        zuv_message_drop(&message);
}

void tap_turn(struct router *router)
{
    if (!tap_work_left(router))
        return;
    uint64_t behind = evlog_durable(router->log) + 1 - router->tap_next;
    if (behind > TAP_BEHIND_MAX) {
        router->counters.tap_skipped += behind;
        router->tap_next += behind;
        return;
    }
    struct chunk *chunk;
    struct ld_error error;
    if (chunk_of_log(router, router->tap_next, TAP_TURN_BYTES, &chunk, &error) != LD_OK) {
        note_limited(router, NOTE_STREAM, "the tap skips what cannot be read: %s", error.text);
        router->counters.tap_skipped += behind;
        router->tap_next += behind;
        return;
    }
    if (!chunk)
        return;
    for (size_t at = 0; at < chunk->size; at += record_peek(chunk->bytes + at).size)
        tap_send(router, chunk, chunk->bytes + at);
    router->tap_next = chunk->to + 1;
    chunk_release(chunk);
}
