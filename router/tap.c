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
    TAP_MESSAGE_BYTES = LD_TOPIC_SIZE_MAX + 32, /* a subscription: a command and a prefix */
};

/* ZeroMQ says each prefix once when the first listener wants it and once when the last is gone. */
static void subscription(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    (void)socket;
    struct router *router = data;
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

static void tap_send(struct router *router, const uint8_t *raw)
{
    struct peek peek = record_peek(raw);
    struct zuv_message message = {.count = 2};
    zuv_frame_copy(&message.frames[0], peek.topic, peek.topic_size);
    zuv_frame_copy(&message.frames[1], raw, peek.size);
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
    struct evlog_span span;
    struct ld_error error;
    if (evlog_read(router->log, router->tap_next, TAP_TURN_BYTES, &span, &error) != LD_OK) {
        note_limited(router, NOTE_STREAM, "the tap skips what cannot be read: %s", error.text);
        router->counters.tap_skipped += behind;
        router->tap_next += behind;
        return;
    }
    for (size_t offset = 0; offset < span.size; offset += record_peek(span.data + offset).size)
        tap_send(router, span.data + offset);
    if (span.size > 0) {
        router->tap_next = span.last + 1;
        evlog_span_release(&span);
    }
}
