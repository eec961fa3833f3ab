/*
 * The link: one DEALER socket, one session on it.
 *
 *              HELLO sent              WELCOME
 *      NONE ──────────────> ASKED ───────────────> OPEN
 *       ^                    │  ^                   │
 *       │ message that makes │  └───────────────────┤ NOSESSION (router restarted, ZeroMQ has
 *       │ no sense: again at │                      │ reconnected by itself), new incarnation
 *       │ the next heartbeat │ silence: new socket, │
 *       └────────────────────┘ HELLO again          │ silence of 3 heartbeats: new socket, HELLO
 *                                                   v
 * A session lives and dies with its connection: the router knows the client by an identity that
 * ZeroMQ makes anew for each. That is why sending everything unanswered again is safe: either
 * nothing after a loss arrives, or nothing was lost. A new socket forgets what ZeroMQ still had.
 *
 * Silence. After one heartbeat without a word from the router it is asked (PING), after three the
 * link is stale. A process that was itself stopped gets one heartbeat of grace.
 */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

int ldc_heartbeat_ms(const struct ld_client *client)
{
    if (!client->welcomed)
        return LDC_HEARTBEAT_MS;
    uint32_t heartbeat_ms = client->welcome.heartbeat_ms;
    if (heartbeat_ms < 2)
        return 2;
    return heartbeat_ms > 60000 ? 60000 : (int)heartbeat_ms;
}

static int open_socket(struct ld_client *client, struct ld_error *error)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.max_message_bytes = (size_t)16 << 20;
    options.turn_messages = 64;
    options.reconnect_max_ms = 250;
    ldc_keys_set(client, &options);
    options.message = ldc_link_message;
    options.writable = ldc_link_writable;
    options.data = client;
    int code = zuv_socket_open(client->zuv, ZUV_DEALER, &options, &client->socket, error);
    if (code != LD_OK)
        return code;
    client->open_count++;
    client->blocked = false;
    return LD_OK;
}

static void close_socket(struct ld_client *client)
{
    if (client->socket == NULL)
        return;
    zuv_socket_close(client->socket, ldc_count_closed, client);
    client->socket = NULL;
}

static void ask(struct ld_client *client)
{
    client->session = LDC_SESSION_ASKED;
    client->hello_wanted = true;
    client->hello_id = client->next_id++;
    client->asked_us = ldc_now_us();
    ldc_want_output(client);
}

int ldc_link_open(struct ld_client *client, struct ld_error *error)
{
    snprintf(client->reason, sizeof client->reason, "connecting to %s", client->endpoint);
    int code = open_socket(client, error);
    if (code != LD_OK)
        return code;
    code = zuv_connect(client->socket, client->endpoint, error);
    if (code != LD_OK) {
        close_socket(client); /* the caller waits until open_count says that it is gone */
        return code;
    }
    client->ticked_us = ldc_now_us();
    ask(client);
    return LD_OK;
}

void ldc_link_close(struct ld_client *client)
{
    if (client->socket == NULL)
        return;
    if (client->session == LDC_SESSION_OPEN) {
        struct zuv_message goodbye = {.count = 1};
        wire_head_encode(zuv_frame_alloc(&goodbye.frames[0], WIRE_HEAD_SIZE),
                         &(struct wire_head){.operation = WIRE_GOODBYE});
        zuv_set_linger(client->socket, LDC_GOODBYE_MS);
        if (zuv_send(client->socket, &goodbye) != LD_OK)
            zuv_message_drop(&goodbye); /* the router notices the silence */
    }
    client->session = LDC_SESSION_NONE;
    close_socket(client);
}

/* ---- losing and finding the router ---- */

/* A new connection. If the socket cannot be opened (descriptors used up), the next tick tries. */
static void reconnect(struct ld_client *client)
{
    struct ld_error error;
    close_socket(client);
    client->session = LDC_SESSION_NONE;
    if (open_socket(client, &error) != LD_OK) {
        ldc_set_link(client, LD_LINK_CONNECTING, "%s", error.text);
        return;
    }
    if (zuv_connect(client->socket, client->endpoint, &error) != LD_OK) {
        close_socket(client);
        ldc_set_link(client, LD_LINK_CONNECTING, "%s", error.text);
        return;
    }
    ask(client);
}

void ldc_link_broken(struct ld_client *client, const char *format, ...)
{
    va_list arguments;
    char reason[LDC_REASON_SIZE];
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    client->session = LDC_SESSION_NONE;
    close_socket(client);
    ldc_set_link(client, LD_LINK_CONNECTING, "%s", reason);
}

static void session_lost(struct ld_client *client, const char *reason)
{
    if (client->session != LDC_SESSION_OPEN)
        return; /* asked again already: these are answers to what was sent before */
    ask(client);
    ldc_set_link(client, LD_LINK_CONNECTING, "%s", reason);
}

static void begin_session(struct ld_client *client, bool other_log)
{
    struct ld_producer *producer;
    DL_FOREACH(client->producers, producer)
    ldc_producer_restart(producer);
    struct ld_stream *stream;
    DL_FOREACH(client->streams, stream)
    ldc_stream_restart(stream, other_log);
    struct ldc_request *request;
    DL_FOREACH(client->requests, request)
    request->sent = false;
    ldc_stream_fail_other_log(client);
    ldc_outbox_restart(client);
    ldc_want_output(client);
}

static void set_heartbeat(struct ld_client *client)
{
    uint64_t period_ms = (uint64_t)ldc_heartbeat_ms(client) / 2;
    if (uv_timer_get_repeat(&client->tick) == period_ms)
        return;
    uv_timer_set_repeat(&client->tick, period_ms);
    uv_timer_again(&client->tick);
}

static void on_welcome(struct ld_client *client, const struct wire_head *head, const uint8_t *body,
                       size_t size)
{
    struct wire_welcome welcome;
    struct ld_error error;
    if (client->session != LDC_SESSION_ASKED || head->id != client->hello_id)
        return;
    if (wire_welcome_decode(body, size, &welcome, &error) != LD_OK) {
        ldc_link_broken(client, "%s", error.text);
        return;
    }
    bool other_log = client->welcomed &&
                     memcmp(client->welcome.log_id, welcome.log_id, sizeof welcome.log_id) != 0;
    client->welcome = welcome;
    client->welcomed = true;
    client->incarnation = head->a;
    client->head = head->b;
    client->sessions++;
    client->session = LDC_SESSION_OPEN;
    client->refused = LD_OK;
    client->turned_away = 0;
    set_heartbeat(client);
    begin_session(client, other_log);
    ldc_set_link(client, LD_LINK_UP, "connected to %s", client->endpoint);
}

/* ---- heartbeats ---- */

static void tick_session(struct ld_client *client, int64_t now_us, int64_t heartbeat_us)
{
    int64_t silent_us = now_us - client->heard_us;
    if (silent_us >= LDC_SILENCES * heartbeat_us) {
        ldc_set_link(client, LD_LINK_STALE, "no word from the router at %s for %lld ms",
                     client->endpoint, (long long)(silent_us / 1000));
        reconnect(client);
        return;
    }
    if (silent_us >= heartbeat_us || now_us - client->said_us >= heartbeat_us) {
        client->ping_wanted = true;
        ldc_want_output(client);
    }
}

static void give_up(struct ld_client *client, int64_t now_us)
{
    struct ld_producer *producer;
    if (client->options.give_up_us <= 0)
        return;
    DL_FOREACH(client->producers, producer)
    {
        if (producer->outbox == NULL) /* which never gives up */
            ldc_producer_give_up(producer, now_us - client->options.give_up_us);
    }
}

void ldc_link_tick(struct ld_client *client)
{
    int64_t now_us = ldc_now_us();
    int64_t heartbeat_us = (int64_t)ldc_heartbeat_ms(client) * 1000;
    if (client->closing)
        return;
    if (now_us - client->ticked_us > 2 * heartbeat_us) { /* we were stopped: hear first */
        int64_t grace_us = now_us - (LDC_SILENCES - 1) * heartbeat_us;
        client->heard_us = client->heard_us > grace_us ? client->heard_us : grace_us;
        client->asked_us = client->asked_us > grace_us ? client->asked_us : grace_us;
    }
    client->ticked_us = now_us;
    client->tick_credit = true;
    if (client->session == LDC_SESSION_OPEN)
        tick_session(client, now_us, heartbeat_us);
    else if (ldc_keys_turned_away(client) || client->session == LDC_SESSION_NONE ||
             now_us - client->asked_us >= LDC_SILENCES * heartbeat_us)
        reconnect(client);
    give_up(client, now_us);
    ldc_producer_retry(client, true);
    ldc_outbox_tick(client);
}

static void on_pong(struct ld_client *client, const struct wire_head *head)
{
    if (client->session != LDC_SESSION_OPEN)
        return;
    if (head->a != client->incarnation)
        session_lost(client, "the router was restarted");
    else if (head->b > client->head)
        client->head = head->b;
}

/* ---- messages ---- */

static void on_error(struct ld_client *client, const struct wire_head *head, const uint8_t *body,
                     size_t size)
{
    char reason[LDC_REASON_SIZE];
    int code = head->a > 0 && head->a < 1000 ? (int)head->a : LD_PROTOCOL;
    snprintf(reason, sizeof reason, "%.*s", (int)(size < sizeof reason ? size : sizeof reason - 1),
             size > 0 ? (const char *)body : "");
    if (reason[0] == '\0')
        snprintf(reason, sizeof reason, "%s", ld_code_text(code));
    if (code == LD_NOSESSION) {
        session_lost(client, "the router was restarted or has dropped this session");
        return;
    }
    if (code == LD_DENIED && head->id == 0) { /* its key is valid no more */
        session_lost(client, reason);
        return;
    }
    if (client->session == LDC_SESSION_ASKED && head->id == client->hello_id) {
        client->refused = code == LD_DENIED ? code : LD_OK;
        ldc_set_link(client, LD_LINK_CONNECTING, "the router at %s refuses %s: %s",
                     client->endpoint, client->identity, reason);
        return;
    }
    struct ld_stream *stream = ldc_stream_find(client, head->id);
    if (stream != NULL)
        ldc_stream_fail(stream, code, "%s", reason);
    else if (!ldc_producer_error(client, head->id, code, reason))
        (void)ldc_request_error(client, head->id, code, reason); /* else: of an earlier session */
}

static void on_producer_ok(struct ld_client *client, const struct wire_head *head,
                           const uint8_t *body, size_t size)
{
    uint32_t checksum = size == WIRE_CHECKSUM_SIZE ? ld_get_u32(body) : 0;
    struct ld_producer *producer;
    DL_FOREACH2(client->eager, producer, eager_next)
    {
        if (producer->request == head->id && !producer->registered) {
            client->answered_id = head->id;
            ldc_producer_register(producer, head->a, head->b,
                                  size == WIRE_CHECKSUM_SIZE ? &checksum : NULL);
            return;
        }
    }
}

static void on_stream(struct ld_client *client, const struct wire_head *head, const uint8_t *body,
                      size_t size)
{
    struct ld_stream *stream = ldc_stream_find(client, head->id);
    if (stream == NULL)
        return; /* of a stream closed or opened anew meanwhile */
    if (head->operation == WIRE_OPENED)
        ldc_stream_opened(stream, head);
    else if (head->operation == WIRE_CHUNK)
        ldc_stream_chunk(stream, head, body, size);
    else
        ldc_stream_fail(stream, LD_CLOSED, "the router has closed the stream");
}

static void dispatch(struct ld_client *client, const struct wire_head *head, const uint8_t *body,
                     size_t size)
{
    switch (head->operation) {
    case WIRE_WELCOME:
        on_welcome(client, head, body, size);
        break;
    case WIRE_PONG:
        on_pong(client, head);
        break;
    case WIRE_PRODUCER_OK:
        on_producer_ok(client, head, body, size);
        break;
    case WIRE_RESULT:
        ldc_producer_result(client, head, body, size);
        break;
    case WIRE_OPENED:
    case WIRE_CHUNK:
    case WIRE_CLOSED:
        on_stream(client, head, body, size);
        break;
    case WIRE_STATUS_OK:
    case WIRE_ADVANCED:
    case WIRE_FOUND:
    case WIRE_RETIRED:
        ldc_request_answer(client, head, body, size);
        break;
    case WIRE_GOODBYE:
        ldc_link_broken(client, "the router at %s is stopping", client->endpoint);
        break;
    case WIRE_ERROR:
        on_error(client, head, body, size);
        break;
    default:
        break; /* a client's operation: not for us */
    }
}

void ldc_link_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct ld_client *client = data;
    struct wire_head head;
    struct ld_error error;
    (void)socket;
    if (client->closing)
        return;
    const struct zuv_frame *first = &message->frames[0];
    if (message->count > 2)
        error.code = ld_fail(&error, LD_PROTOCOL, "message of %zu frames", message->count);
    else
        error.code = wire_head_decode(zuv_frame_data(first), zuv_frame_size(first), &head, &error);
    if (error.code != LD_OK) {
        ldc_link_broken(client, "what answers at %s is no router of this protocol: %s",
                        client->endpoint, error.text);
        return;
    }
    client->heard_us = ldc_now_us();
    const struct zuv_frame *body = message->count == 2 ? &message->frames[1] : NULL;
    dispatch(client, &head, body ? zuv_frame_data(body) : NULL, body ? zuv_frame_size(body) : 0);
}

void ldc_link_writable(struct zuv_socket *socket, void *data)
{
    struct ld_client *client = data;
    (void)socket;
    client->blocked = false;
    ldc_want_output(client);
}
