/*
 * The tap: every durable event once to every plain SUB socket, as [topic][record]. Live and at most
 * once. It has a thread, a loop and a ZeroMQ of its own, for ZeroMQ does what listeners ask for
 * (each subscription, each event to each of them) in the thread that owns the socket; whatever they
 * do, the router does not wait for them.
 *
 *   router ──tap_turn──> pieces of the log (ring, at most TAP_PIECES) ──> the tap's thread ──> XPUB
 *      ^                                                                      │
 *      └────────────── room again, if it has waited for some; ended ──────────┘
 *
 * When the ring is full the router goes on without the tap and hands over larger pieces later; what
 * is more than limits.tap_behind events behind is skipped and counted. ZeroMQ drops for a listener
 * that is too slow. Either is a gap in the sequences, which a listener can fetch by a stream.
 * Without listeners it costs nothing. Pieces are the log's own bytes, not copies: listeners that do
 * not read hold pieces of the log, not of memory.
 *
 * Closing: the thread closes the socket, lets ZeroMQ give back what it holds of the log, and ends;
 * the router hears it, joins it, and drops what was left in the ring.
 */
#include "internal.h"

enum {
    TAP_PIECES = 64,
    TAP_PIECE_BYTES = 64 << 10,
    TAP_TURN_MESSAGES = 16,                     /* subscriptions taken in one turn */
    TAP_SUBSCRIPTIONS = 256,                    /* said by one listener in all, */
    TAP_SUBSCRIPTION_BYTES = 8 << 10,           /* and how long they are: each byte is a node */
    TAP_SEND_MESSAGES = 1000,                   /* a listener may be so far behind */
    TAP_HANDSHAKE_BYTES = 1024,                 /* CURVE's largest command, and room */
    TAP_MESSAGE_BYTES = LD_TOPIC_SIZE_MAX + 32, /* a subscription: a command and a prefix */
};

struct known_listener {
    struct zuv_link link;
    char key[KEYS_FINGERPRINT_SIZE];
};

struct tap {
    /* the router's */
    struct router *router;
    uint64_t next;    /* event to be handed over */
    uint64_t skipped; /* events */
    uv_async_t heard; /* there is room, or the thread has ended */
    uv_thread_t thread;
    char *endpoint;
    void (*closed)(void *data);
    void *closed_data;
    /* both sides' */
    struct chunk *pieces[TAP_PIECES];
    atomic_size_t given, taken;
    atomic_size_t listeners;
    atomic_bool waits; /* the router, for room */
    atomic_bool stopping, ended;
    uv_async_t wake; /* the thread */
    uv_mutex_t mutex;
    struct tap_stats stats; /* as of the thread's last turn; under mutex */
    /* the thread's */
    uv_loop_t loop;
    uv_prepare_t turn;
    struct zuv *zuv;
    struct zuv_socket *socket;
    struct admission *admission; /* NULL: everybody may listen */
    struct known_listener *known;
    size_t known_count, known_max;
};

/* ---- the tap's thread: who listens ---- */

/* Remembers whose connection it is, for when its key is valid no more. */
static void remember(struct tap *tap, struct zuv_link link, const char *key)
{
    size_t kept = 0;
    for (size_t i = 0; i < tap->known_count; i++) {
        const struct known_listener *known = &tap->known[i];
        bool same = known->link.descriptor == link.descriptor;
        if (!same && zuv_link_is_there(tap->socket, known->link))
            tap->known[kept++] = *known;
    }
    assert(kept < tap->known_max); /* there are no more connections */
    struct known_listener *known = &tap->known[kept];
    known->link = link;
    memcpy(known->key, key, sizeof known->key);
    tap->known_count = kept + 1;
}

/* A second after they were changed, and when some have expired. */
static void keys_changed(void *data)
{
    struct tap *tap = data;
    char reason[LD_ERROR_TEXT_SIZE];
    if (!tap->socket)
        return;
    for (size_t i = 0; i < tap->known_count; i++)
        if (!admission_is_valid(tap->admission, tap->known[i].key, reason, sizeof reason))
            zuv_link_cut(tap->socket, tap->known[i].link);
}

static bool is_let_in(struct tap *tap, struct zuv_link link, const struct zuv_message *message)
{
    char name[KEYS_NAME_MAX + 1], key[KEYS_FINGERPRINT_SIZE];
    if (!tap->admission)
        return true;
    if (admission_who(message, name, key, NULL) != LD_OK) {
        zuv_link_cut(tap->socket, link);
        return false;
    }
    remember(tap, link, key);
    return true;
}

/* Nothing takes effect before it was judged here, by what is asked for and by who asks. No topic is
 * longer than that. */
static bool may_listen(const struct zuv_message *message)
{
    return zuv_frame_size(&message->frames[0]) - 1 <= LD_TOPIC_SIZE_MAX;
}

static void subscription(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct tap *tap = data;
    struct zuv_link link = zuv_link_of(socket, message);
    if (!is_let_in(tap, link, message))
        return;
    zuv_link_keep(socket, link);
    zuv_link_heard(socket, link, message);
    if (may_listen(message))
        zuv_subscription_apply(socket, message);
}

/* ---- the tap's thread: events ---- */

static void send_event(struct tap *tap, struct chunk *piece, const uint8_t *raw)
{
    struct peek peek = record_peek(raw);
    struct zuv_message message = {.count = 2};
    zuv_frame_copy(&message.frames[0], peek.topic, peek.topic_size);
    chunk_frame_part(piece, raw, peek.size, &message.frames[1]);
    if (zuv_send(tap->socket, &message) != LD_OK)
        zuv_message_drop(&message);
}

static struct chunk *take_piece(struct tap *tap)
{
    size_t taken = atomic_load(&tap->taken);
    if (taken == atomic_load(&tap->given))
        return NULL;
    struct chunk *piece = tap->pieces[taken % TAP_PIECES];
    atomic_store(&tap->taken, taken + 1);
    if (atomic_exchange(&tap->waits, false))
        uv_async_send(&tap->heard);
    return piece;
}

static void send_pieces(struct tap *tap)
{
    for (struct chunk *piece; (piece = take_piece(tap)) != NULL; chunk_release(piece))
        for (size_t at = 0; at < piece->size; at += record_peek(piece->bytes + at).size)
            send_event(tap, piece, piece->bytes + at);
}

static void handles_close(void *data)
{
    struct tap *tap = data;
    uv_close((uv_handle_t *)&tap->turn, NULL);
    uv_close((uv_handle_t *)&tap->wake, NULL);
}

static void side_closed(void *data)
{
    struct tap *tap = data;
    if (tap->admission)
        admission_close(tap->admission, handles_close, tap);
    else
        handles_close(tap);
}

static void woken(uv_async_t *async)
{
    struct tap *tap = async->data;
    if (!tap->socket)
        return;
    if (!atomic_load(&tap->stopping)) {
        send_pieces(tap);
        return;
    }
    zuv_socket_close(tap->socket, side_closed, tap);
    tap->socket = NULL;
}

static void turn_ends(uv_prepare_t *prepare)
{
    struct tap *tap = prepare->data;
    if (!tap->socket)
        return;
    uv_mutex_lock(&tap->mutex);
    zuv_get_stats(tap->socket, &tap->stats.socket);
    zuv_get_guard_stats(tap->socket, &tap->stats.guard);
    uv_mutex_unlock(&tap->mutex);
    atomic_store(&tap->listeners, tap->stats.guard.kept);
}

static void run(void *data)
{
    struct tap *tap = data;
    uv_run(&tap->loop, UV_RUN_DEFAULT);
    zuv_close(tap->zuv);
    atomic_store(&tap->ended, true);
    uv_async_send(&tap->heard);
}

/* ---- the router's side: handing over ---- */

static bool has_room(const struct tap *tap)
{
    return atomic_load(&tap->given) - atomic_load(&tap->taken) < TAP_PIECES;
}

/* True: there is room; else the thread will say so. */
static bool wait_for_room(struct tap *tap)
{
    if (has_room(tap))
        return true;
    atomic_store(&tap->waits, true);
    return has_room(tap);
}

static void skip(struct tap *tap, uint64_t events)
{
    tap->skipped += events;
    tap->next += events;
}

static bool hand_over(struct tap *tap, uint64_t behind)
{
    struct chunk *piece;
    struct ld_error error;
    if (chunk_of_log(tap->router, tap->next, TAP_PIECE_BYTES, &piece, &error) != LD_OK) {
        note_limited(tap->router, NOTE_STREAM, "the tap skips what cannot be read: %s", error.text);
        skip(tap, behind);
        return false;
    }
    tap->next = piece->to + 1;
    size_t given = atomic_load(&tap->given);
    tap->pieces[given % TAP_PIECES] = piece;
    atomic_store(&tap->given, given + 1);
    return true;
}

void tap_turn(struct tap *tap)
{
    if (!tap || atomic_load(&tap->stopping))
        return;
    uint64_t end = evlog_durable(tap->router->log) + 1;
    if (atomic_load(&tap->listeners) == 0)
        tap->next = end;
    if (end - tap->next > tap->router->options.limits.tap_behind)
        skip(tap, end - tap->next);
    bool given = false;
    while (tap->next < end && wait_for_room(tap))
        given |= hand_over(tap, end - tap->next);
    if (given)
        uv_async_send(&tap->wake);
}

const char *tap_endpoint(const struct tap *tap)
{
    return tap ? tap->endpoint : NULL;
}

void tap_get_stats(struct tap *tap, struct tap_stats *stats)
{
    *stats = (struct tap_stats){.waiting_max = TAP_PIECES};
    if (!tap)
        return;
    uv_mutex_lock(&tap->mutex);
    *stats = tap->stats;
    uv_mutex_unlock(&tap->mutex);
    stats->skipped = tap->skipped;
    stats->waiting = atomic_load(&tap->given) - atomic_load(&tap->taken);
    stats->waiting_max = TAP_PIECES;
}

/* ---- the router's side: opening and closing ---- */

static void tap_free(struct tap *tap)
{
    for (struct chunk *piece; (piece = take_piece(tap)) != NULL;)
        chunk_release(piece);
    int closed = uv_loop_close(&tap->loop);
    assert(closed == 0);
    uv_mutex_destroy(&tap->mutex);
    free(tap->known);
    free(tap->endpoint);
    free(tap);
}

static void gone(uv_handle_t *handle)
{
    struct tap *tap = handle->data;
    void (*closed)(void *) = tap->closed;
    void *data = tap->closed_data;
    tap_free(tap);
    if (closed)
        closed(data);
}

static void heard(uv_async_t *async)
{
    struct tap *tap = async->data;
    if (!atomic_load(&tap->ended))
        return; /* there is room: the router's turn follows */
    uv_thread_join(&tap->thread);
    uv_close((uv_handle_t *)async, gone);
}

void tap_close(struct tap *tap, void (*closed)(void *data), void *data)
{
    tap->closed = closed;
    tap->closed_data = data;
    atomic_store(&tap->stopping, true);
    uv_async_send(&tap->wake);
}

static int open_admission(struct tap *tap, const char *keys, struct ld_error *error)
{
    struct admission_options options = {
        .context = tap->router->context, .directory = keys, .changed = keys_changed, .data = tap};
    /* As many as may be accepted before the guard looks again. */
    tap->known_max = 2 * tap->router->options.limits.tap_connections + 1024;
    tap->known = calloc(tap->known_max, sizeof *tap->known);
    if (!tap->known)
        abort();
    return admission_open(tap->zuv, &tap->loop, &options, &tap->admission, error);
}

/* The thread's side of it, by the thread that opens it. */
static int open_socket(struct tap *tap, const struct router_options *router, struct ld_error *error)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = subscription;
    options.data = tap;
    options.max_message_bytes = TAP_MESSAGE_BYTES;
    options.send_messages = TAP_SEND_MESSAGES;
    options.receive_messages = 1; /* ZeroMQ reads on as long as there is more, whoever waits */
    options.turn_messages = TAP_TURN_MESSAGES;
    options.messages_max = TAP_SUBSCRIPTIONS;
    options.bytes_max = TAP_SUBSCRIPTION_BYTES;
    connections_limit(tap->router, tap->router->options.limits.tap_connections, &options);
    int code = zuv_open(&tap->loop, &tap->zuv, error);
    if (code == LD_OK && router->keys)
        code = open_admission(tap, router->keys, error);
    if (tap->admission) {
        options.server_secret = admission_secret(tap->admission);
        options.max_message_bytes = TAP_HANDSHAKE_BYTES;
        options.receive_messages = 2; /* with 1, ZeroMQ never goes on after asking who it is */
    }
    if (code == LD_OK)
        code = zuv_socket_open(tap->zuv, ZUV_XPUB, &options, &tap->socket, error);
    if (code == LD_OK)
        code = zuv_bind(tap->socket, router->tap, error);
    if (code == LD_OK && tap->admission)
        admission_bound(tap->admission);
    return code;
}

static struct tap *tap_new(struct router *router)
{
    struct tap *tap = calloc(1, sizeof *tap);
    if (!tap || uv_mutex_init(&tap->mutex) != 0 || uv_loop_init(&tap->loop) != 0 ||
        uv_async_init(&tap->loop, &tap->wake, woken) != 0)
        abort(); /* out of memory or descriptors, which connections_reserve has seen to */
    uv_prepare_init(&tap->loop, &tap->turn);
    uv_prepare_start(&tap->turn, turn_ends);
    tap->wake.data = tap->turn.data = tap->heard.data = tap;
    tap->router = router;
    tap->next = evlog_durable(router->log) + 1;
    return tap;
}

/* What the thread would do at its end. */
static void close_side(struct tap *tap)
{
    if (tap->socket)
        zuv_socket_close(tap->socket, side_closed, tap);
    else
        side_closed(tap);
    tap->socket = NULL;
    uv_run(&tap->loop, UV_RUN_DEFAULT);
    zuv_close(tap->zuv);
}

int tap_open(struct router *router, const struct router_options *options, struct tap **out,
             struct ld_error *error)
{
    struct tap *tap = tap_new(router);
    int failed, code = open_socket(tap, options, error);
    if (code != LD_OK)
        goto fail_side;
    tap->endpoint = strdup(zuv_endpoint(tap->socket));
    if (!tap->endpoint)
        abort();
    failed = uv_async_init(router->loop, &tap->heard, heard);
    if (failed) {
        code = ld_fail(error, LD_IO, "cannot make a wake-up: %s", uv_strerror(failed));
        goto fail_side;
    }
    failed = uv_thread_create(&tap->thread, run, tap);
    if (failed) {
        code = ld_fail(error, LD_IO, "cannot start the tap's thread: %s", uv_strerror(failed));
        goto fail_heard;
    }
    *out = tap;
    return LD_OK;
fail_heard:
    close_side(tap);
    uv_close((uv_handle_t *)&tap->heard, gone);
    return code;
fail_side:
    close_side(tap);
    tap_free(tap);
    return code;
}
