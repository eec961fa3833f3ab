/*
 * RabbitMQ, quorum queues. A fanout exchange copies each event into one durable queue a consumer;
 * an event is confirmed once every one of them has it on disk.
 */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "load.h"

enum { CHANNEL = 1, NAME_SIZE = 64, ACK_EVERY = 256, RING = 65536, TURN_MS = 100 };

static const char PLACE[] = "bench-place", EXCHANGE[] = "bench";

static void check(const char *what, amqp_rpc_reply_t reply)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
        reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = reply.reply.decoded;
        fprintf(stderr, "%.*s\n", (int)close->reply_text.len, (char *)close->reply_text.bytes);
    }
    bench_die(what, amqp_error_string2(reply.library_error));
}

static amqp_connection_state_t connection_open(const char *endpoint)
{
    char host[64];
    int port;
    if (sscanf(endpoint, "%63[^:]:%d", host, &port) != 2)
        bench_die(endpoint, "expected HOST:PORT");
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(connection);
    if (!socket || amqp_socket_open(socket, host, port) != AMQP_STATUS_OK)
        bench_die(endpoint, "cannot connect");
    check("login",
          amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"));
    amqp_channel_open(connection, CHANNEL);
    check("channel", amqp_get_rpc_reply(connection));
    return connection;
}

static void connection_close(amqp_connection_state_t connection)
{
    amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection);
}

static void queue_delete(amqp_connection_state_t connection, const char *name)
{
    amqp_queue_delete(connection, CHANNEL, amqp_cstring_bytes(name), 0, 0);
    check("delete queue", amqp_get_rpc_reply(connection));
}

static void queue_make(amqp_connection_state_t connection, const char *name)
{
    amqp_table_entry_t entry = {.key = amqp_cstring_bytes("x-queue-type")};
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes("quorum");
    const amqp_table_t arguments = {1, &entry};
    queue_delete(connection, name);
    amqp_queue_declare(connection, CHANNEL, amqp_cstring_bytes(name), 0, 1, 0, 0, arguments);
    check("declare queue", amqp_get_rpc_reply(connection));
    amqp_queue_bind(connection, CHANNEL, amqp_cstring_bytes(name), amqp_cstring_bytes(EXCHANGE),
                    amqp_empty_bytes, amqp_empty_table);
    check("bind queue", amqp_get_rpc_reply(connection));
}

static void reset(const char *endpoint, bool place)
{
    amqp_connection_state_t connection = connection_open(endpoint);
    amqp_exchange_declare(connection, CHANNEL, amqp_cstring_bytes(EXCHANGE),
                          amqp_cstring_bytes("fanout"), 0, 1, 0, 0, amqp_empty_table);
    check("declare exchange", amqp_get_rpc_reply(connection));
    if (place)
        queue_make(connection, PLACE);
    else
        queue_delete(connection, PLACE);
    connection_close(connection);
}

/* ---- publishing ---- */

struct publisher {
    amqp_connection_state_t connection;
    uint64_t low; /* first tag not confirmed */
    bool confirmed[RING];
    size_t answered;
};

static void *publisher_open(const char *endpoint)
{
    struct publisher *publisher = bench_allocate(sizeof *publisher);
    publisher->connection = connection_open(endpoint);
    publisher->low = 1;
    amqp_confirm_select(publisher->connection, CHANNEL);
    check("confirms", amqp_get_rpc_reply(publisher->connection));
    return publisher;
}

static void publish(void *data, const void *payload, size_t size)
{
    struct publisher *publisher = data;
    const amqp_basic_properties_t properties = {._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                                .delivery_mode = AMQP_DELIVERY_PERSISTENT};
    amqp_bytes_t body = amqp_bytes_malloc(size);
    memcpy(body.bytes, payload, size);
    int code = amqp_basic_publish(publisher->connection, CHANNEL, amqp_cstring_bytes(EXCHANGE),
                                  amqp_empty_bytes, 0, 0, &properties, body);
    amqp_bytes_free(body);
    if (code != AMQP_STATUS_OK)
        bench_die("publish", amqp_error_string2(code));
}

static void confirm(struct publisher *publisher, uint64_t tag, bool and_before)
{
    for (uint64_t at = and_before ? publisher->low : tag; at <= tag; at++) {
        publisher->answered += !publisher->confirmed[at % RING];
        publisher->confirmed[at % RING] = true;
    }
    for (; publisher->confirmed[publisher->low % RING]; publisher->low++)
        publisher->confirmed[publisher->low % RING] = false;
}

/* One frame, if there is one within this time. */
static bool take_frame(struct publisher *publisher, int wait_ms)
{
    amqp_frame_t frame;
    const struct timeval wait = {0, wait_ms * 1000};
    int code = amqp_simple_wait_frame_noblock(publisher->connection, &frame, &wait);
    if (code == AMQP_STATUS_TIMEOUT)
        return false;
    if (code != AMQP_STATUS_OK)
        bench_die("confirm", amqp_error_string2(code));
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
        bench_die("confirm", "the event was not confirmed");
    const amqp_basic_ack_t *ack = frame.payload.method.decoded;
    confirm(publisher, ack->delivery_tag, ack->multiple);
    return true;
}

static size_t answered(void *data, size_t wanted)
{
    struct publisher *publisher = data;
    do
        while (take_frame(publisher, publisher->answered < wanted ? TURN_MS : 0))
            ;
    while (publisher->answered < wanted);
    amqp_maybe_release_buffers(publisher->connection);
    return publisher->answered;
}

static void publisher_close(void *data)
{
    struct publisher *publisher = data;
    connection_close(publisher->connection);
    free(publisher);
}

/* ---- consuming ---- */

struct consumer {
    amqp_connection_state_t connection;
    size_t index;
    uint64_t taken, acked; /* tags */
};

static void queue_name(const struct consumers *consumers, size_t index, char *name)
{
    if (consumers->history)
        snprintf(name, NAME_SIZE, "%s", PLACE);
    else
        snprintf(name, NAME_SIZE, "bench-%zu", index);
}

static void consumer_open(struct consumer *consumer, const struct consumers *consumers)
{
    char name[NAME_SIZE];
    queue_name(consumers, consumer->index, name);
    consumer->connection = connection_open(consumers->endpoint);
    if (!consumers->history)
        queue_make(consumer->connection, name);
    amqp_basic_qos(consumer->connection, CHANNEL, 0, BENCH_WINDOW, 0);
    check("window", amqp_get_rpc_reply(consumer->connection));
    amqp_basic_consume(consumer->connection, CHANNEL, amqp_cstring_bytes(name), amqp_empty_bytes, 0,
                       0, 0, amqp_empty_table);
    check("consume", amqp_get_rpc_reply(consumer->connection));
}

static void acknowledge(struct consumer *consumer)
{
    if (consumer->acked == consumer->taken)
        return;
    int code = amqp_basic_ack(consumer->connection, CHANNEL, consumer->taken, 1);
    if (code != AMQP_STATUS_OK)
        bench_die("ack", amqp_error_string2(code));
    consumer->acked = consumer->taken;
}

/* All that has come; confirmed in portions, and when there is no more. */
static void consumer_read(struct consumer *consumer, struct consumers *consumers)
{
    const struct timeval now = {0, 0};
    amqp_envelope_t envelope;
    amqp_rpc_reply_t reply;
    while ((reply = amqp_consume_message(consumer->connection, &envelope, &now, 0)).reply_type ==
           AMQP_RESPONSE_NORMAL) {
        consumers_take(consumers, consumer->index, envelope.message.body.bytes,
                       envelope.message.body.len);
        consumer->taken = envelope.delivery_tag;
        amqp_destroy_envelope(&envelope);
        amqp_maybe_release_buffers(consumer->connection);
        if (consumer->taken - consumer->acked >= ACK_EVERY)
            acknowledge(consumer);
    }
    if (reply.reply_type != AMQP_RESPONSE_LIBRARY_EXCEPTION ||
        reply.library_error != AMQP_STATUS_TIMEOUT)
        check("consume", reply);
    acknowledge(consumer);
}

static void consumer_close(struct consumer *consumer, const struct consumers *consumers)
{
    char name[NAME_SIZE];
    queue_name(consumers, consumer->index, name);
    connection_close(consumer->connection);
    if (consumers->history)
        return;
    amqp_connection_state_t connection = connection_open(consumers->endpoint);
    queue_delete(connection, name);
    connection_close(connection);
}

static void consume(struct consumers *consumers)
{
    struct consumer *each = bench_allocate(consumers->count * sizeof *each);
    struct pollfd *polls = bench_allocate(consumers->count * sizeof *polls);
    for (size_t i = 0; i < consumers->count; i++) {
        each[i].index = i;
        consumer_open(&each[i], consumers);
        polls[i] = (struct pollfd){.fd = amqp_get_sockfd(each[i].connection), .events = POLLIN};
    }
    consumers_ready(consumers);
    for (size_t i = 0; i < consumers->count; i++)
        consumer_read(&each[i], consumers); /* what came with the answers above */
    while (!consumers_over(consumers)) {
        if (poll(polls, consumers->count, TURN_MS) < 0 && errno != EINTR)
            bench_die("poll", strerror(errno));
        for (size_t i = 0; i < consumers->count; i++)
            if (polls[i].revents)
                consumer_read(&each[i], consumers);
    }
    for (size_t i = 0; i < consumers->count; i++)
        consumer_close(&each[i], consumers);
    free(polls);
    free(each);
}

const struct series series_rabbitmq = {"rabbitmq", reset,           publisher_open, publish,
                                       answered,   publisher_close, consume,        NULL};
