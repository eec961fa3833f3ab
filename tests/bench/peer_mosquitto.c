/*
 * Mosquitto, MQTT QoS 1. The broker keeps an event only for sessions that want it: the place that
 * keeps what is published is a session that has subscribed and gone away; consumers are sessions
 * that outlive their connection.
 */
#include <errno.h>
#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"

enum { ID_SIZE = 64, KEEPALIVE_SECONDS = 600, TURN_PACKETS = 1000, TURN_MS = 100 };

static const char PLACE[] = "bench-place", TOPIC[] = "bench/3303/x";

struct client {
    struct mosquitto *mqtt;
    struct consumers *consumers;
    size_t index, answered;
    bool subscribed, gone;
};

static void check(const char *what, int code)
{
    if (code != MOSQ_ERR_SUCCESS)
        bench_die(what, code == MOSQ_ERR_ERRNO ? strerror(errno) : mosquitto_strerror(code));
}

static void on_published(struct mosquitto *mqtt, void *data, int id)
{
    (void)mqtt;
    (void)id;
    ((struct client *)data)->answered++;
}

static void on_subscribed(struct mosquitto *mqtt, void *data, int id, int count, const int *granted)
{
    (void)mqtt;
    (void)id;
    struct client *client = data;
    if (count != 1 || granted[0] != 1)
        bench_die("subscribe", "QoS 1 was not granted");
    client->subscribed = true;
}

static void on_connected(struct mosquitto *mqtt, void *data, int code)
{
    (void)mqtt;
    (void)data;
    if (code != 0)
        bench_die("connect", mosquitto_connack_string(code));
}

static void on_disconnected(struct mosquitto *mqtt, void *data, int code)
{
    (void)mqtt;
    (void)code;
    ((struct client *)data)->gone = true;
}

static void on_message(struct mosquitto *mqtt, void *data, const struct mosquitto_message *message)
{
    (void)mqtt;
    struct client *client = data;
    if (client->consumers)
        consumers_take(client->consumers, client->index, message->payload,
                       (size_t)message->payloadlen);
}

static void client_open(struct client *client, const char *endpoint, const char *id, bool forget)
{
    char host[64];
    int port;
    if (sscanf(endpoint, "%63[^:]:%d", host, &port) != 2)
        bench_die(endpoint, "expected HOST:PORT");
    mosquitto_lib_init();
    client->mqtt = mosquitto_new(id, forget, client);
    if (!client->mqtt)
        bench_die("mosquitto", strerror(errno));
    mosquitto_publish_callback_set(client->mqtt, on_published);
    mosquitto_subscribe_callback_set(client->mqtt, on_subscribed);
    mosquitto_connect_callback_set(client->mqtt, on_connected);
    mosquitto_disconnect_callback_set(client->mqtt, on_disconnected);
    mosquitto_message_callback_set(client->mqtt, on_message);
    check("window", mosquitto_max_inflight_messages_set(client->mqtt, 0)); /* ours limits it */
    check("no delay", mosquitto_int_option(client->mqtt, MOSQ_OPT_TCP_NODELAY, 1));
    check(endpoint, mosquitto_connect(client->mqtt, host, port, KEEPALIVE_SECONDS));
}

static void client_subscribe(struct client *client)
{
    check("subscribe", mosquitto_subscribe(client->mqtt, NULL, TOPIC, 1));
    while (!client->subscribed)
        check("subscribe", mosquitto_loop(client->mqtt, TURN_MS, 1));
}

static void client_close(struct client *client)
{
    mosquitto_disconnect(client->mqtt);
    while (!client->gone && mosquitto_loop(client->mqtt, TURN_MS, 1) == MOSQ_ERR_SUCCESS)
        ;
    mosquitto_destroy(client->mqtt);
}

/* The broker forgets the session, and what it keeps for it. */
static void forget(const char *endpoint, const char *id)
{
    struct client client = {0};
    client_open(&client, endpoint, id, true);
    client_subscribe(&client); /* so that the broker has surely taken the connection */
    client_close(&client);
}

static void reset(const char *endpoint, bool place)
{
    struct client client = {0};
    forget(endpoint, PLACE);
    if (!place)
        return;
    client_open(&client, endpoint, PLACE, false);
    client_subscribe(&client);
    client_close(&client);
}

/* ---- publishing ---- */

static void *publisher_open(const char *endpoint)
{
    struct client *client = bench_allocate(sizeof *client);
    client_open(client, endpoint, NULL, true);
    check("connect", mosquitto_loop(client->mqtt, TURN_MS, 1));
    return client;
}

static void publish(void *data, const void *payload, size_t size)
{
    struct client *client = data;
    check("publish", mosquitto_publish(client->mqtt, NULL, TOPIC, (int)size, payload, 1, false));
}

static void turn(struct client *client, int wait_ms)
{
    struct pollfd poll_fd = {.fd = mosquitto_socket(client->mqtt), .events = POLLIN};
    bool writes = mosquitto_want_write(client->mqtt);
    poll_fd.events = (short)(POLLIN | (writes ? POLLOUT : 0));
    if (poll(&poll_fd, 1, wait_ms) < 0 && errno != EINTR)
        bench_die("poll", strerror(errno));
    if (poll_fd.revents & POLLIN)
        check("read", mosquitto_loop_read(client->mqtt, TURN_PACKETS));
    if (mosquitto_want_write(client->mqtt))
        check("write", mosquitto_loop_write(client->mqtt, TURN_PACKETS));
    check("keepalive", mosquitto_loop_misc(client->mqtt));
}

static size_t answered(void *data, size_t wanted)
{
    struct client *client = data;
    do
        turn(client, client->answered < wanted ? TURN_MS : 0);
    while (client->answered < wanted);
    return client->answered;
}

static void publisher_close(void *data)
{
    client_close(data);
    free(data);
}

/* ---- consuming ---- */

static void session_name(const struct consumers *consumers, size_t index, char *name)
{
    if (consumers->history)
        snprintf(name, ID_SIZE, "%s", PLACE);
    else
        snprintf(name, ID_SIZE, "bench-%zu", index);
}

static void consumer_open(struct client *client, struct consumers *consumers, size_t index)
{
    char name[ID_SIZE];
    session_name(consumers, index, name);
    *client = (struct client){.consumers = consumers, .index = index};
    if (!consumers->history)
        forget(consumers->endpoint, name);
    client_open(client, consumers->endpoint, name, false);
    if (!consumers->history)
        client_subscribe(client);
}

static void consumers_close(struct consumers *consumers, struct client *each)
{
    char name[ID_SIZE];
    for (size_t i = 0; i < consumers->count; i++) {
        client_close(&each[i]);
        session_name(consumers, i, name);
        if (!consumers->history)
            forget(consumers->endpoint, name);
    }
}

static void consume(struct consumers *consumers)
{
    struct client *each = bench_allocate(consumers->count * sizeof *each);
    struct pollfd *polls = bench_allocate(consumers->count * sizeof *polls);
    for (size_t i = 0; i < consumers->count; i++) {
        consumer_open(&each[i], consumers, i);
        polls[i] = (struct pollfd){.fd = mosquitto_socket(each[i].mqtt), .events = POLLIN};
    }
    consumers_ready(consumers);
    while (!consumers_over(consumers)) {
        if (poll(polls, consumers->count, TURN_MS) < 0 && errno != EINTR)
            bench_die("poll", strerror(errno));
        for (size_t i = 0; i < consumers->count; i++)
            if (polls[i].revents || mosquitto_want_write(each[i].mqtt))
                turn(&each[i], 0);
    }
    consumers_close(consumers, each);
    free(polls);
    free(each);
}

const struct series series_mosquitto = {"mosquitto", reset,           publisher_open, publish,
                                        answered,    publisher_close, consume,        NULL};
