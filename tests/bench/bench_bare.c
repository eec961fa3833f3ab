/*
 * The bare figures: what libzmq does without us, on this machine, in this run. Each
 * libzmq measurement has its peer in a second thread with sockets of its own.
 */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

enum { ACK_EVERY = 256, ENDPOINT_SIZE = 128 };

struct pair {
    void *context;
    void *contexts[BENCH_CONSUMERS]; /* of the subscribers, if each is to have one of its own */
    void *socket;
    char endpoint[ENDPOINT_SIZE];
    size_t count;
    int64_t *times_ns;
    pthread_barrier_t ready;
};

static void *socket_open(void *context, int kind)
{
    void *socket = zmq_socket(context, kind);
    int zero = 0;
    if (!socket)
        bench_die("socket", zmq_strerror(errno));
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(socket, ZMQ_SNDHWM, &zero, sizeof zero);
    zmq_setsockopt(socket, ZMQ_RCVHWM, &zero, sizeof zero);
    return socket;
}

static void pair_open(struct pair *pair, int kind, size_t count)
{
    size_t size = sizeof pair->endpoint;
    *pair = (struct pair){.context = zmq_ctx_new(), .count = count};
    pair->socket = socket_open(pair->context, kind);
    if (zmq_bind(pair->socket, "tcp://127.0.0.1:*") != 0 ||
        zmq_getsockopt(pair->socket, ZMQ_LAST_ENDPOINT, pair->endpoint, &size) != 0)
        bench_die("bind", zmq_strerror(errno));
    pthread_barrier_init(&pair->ready, NULL, 2);
}

static void pair_close(struct pair *pair)
{
    zmq_close(pair->socket);
    for (size_t i = 0; i < BENCH_CONSUMERS && pair->contexts[i]; i++)
        zmq_ctx_term(pair->contexts[i]);
    zmq_ctx_term(pair->context);
    pthread_barrier_destroy(&pair->ready);
}

static void *connect_from(const struct pair *pair, void *context, int kind)
{
    void *socket = socket_open(context, kind);
    if (kind == ZMQ_SUB)
        zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    if (zmq_connect(socket, pair->endpoint) != 0)
        bench_die("connect", zmq_strerror(errno));
    return socket;
}

static void *connect_to(const struct pair *pair, int kind)
{
    return connect_from(pair, pair->context, kind);
}

static void *echo(void *data)
{
    struct pair *pair = data;
    char peer[64], message[BENCH_PAYLOAD_BYTES];
    for (size_t i = 0; i < pair->count; i++) {
        int peer_size = zmq_recv(pair->socket, peer, sizeof peer, 0);
        int size = zmq_recv(pair->socket, message, sizeof message, 0);
        zmq_send(pair->socket, peer, (size_t)peer_size, ZMQ_SNDMORE);
        zmq_send(pair->socket, message, (size_t)size, 0);
    }
    return NULL;
}

struct latency bare_round_trip(size_t count)
{
    struct pair pair;
    pthread_t thread;
    char message[BENCH_PAYLOAD_BYTES] = {0};
    int64_t *times_ns = bench_allocate(count * sizeof *times_ns);
    pair_open(&pair, ZMQ_ROUTER, count);
    void *dealer = connect_to(&pair, ZMQ_DEALER);
    pthread_create(&thread, NULL, echo, &pair);
    for (size_t i = 0; i < count; i++) {
        int64_t start_ns = bench_now_ns();
        zmq_send(dealer, message, sizeof message, 0);
        zmq_recv(dealer, message, sizeof message, 0);
        times_ns[i] = bench_now_ns() - start_ns;
    }
    pthread_join(thread, NULL);
    zmq_close(dealer);
    pair_close(&pair);
    struct latency latency = bench_latency(times_ns, count);
    free(times_ns);
    return latency;
}

/* Acknowledges what has come, every 256 messages or at the last. */
static void *acknowledge(void *data)
{
    struct pair *pair = data;
    char peer[64], message[BENCH_PAYLOAD_BYTES];
    for (size_t i = 1; i <= pair->count; i++) {
        int peer_size = zmq_recv(pair->socket, peer, sizeof peer, 0);
        zmq_recv(pair->socket, message, sizeof message, 0);
        if (i % ACK_EVERY != 0 && i != pair->count)
            continue;
        zmq_send(pair->socket, peer, (size_t)peer_size, ZMQ_SNDMORE);
        zmq_send(pair->socket, &i, sizeof i, 0);
    }
    return NULL;
}

double bare_acked(size_t count)
{
    struct pair pair;
    pthread_t thread;
    char message[BENCH_PAYLOAD_BYTES] = {0};
    size_t sent = 0, acked = 0;
    pair_open(&pair, ZMQ_ROUTER, count);
    void *dealer = connect_to(&pair, ZMQ_DEALER);
    pthread_create(&thread, NULL, acknowledge, &pair);
    int64_t start_ns = bench_now_ns();
    while (acked < count) {
        while (sent < count && sent - acked < BENCH_WINDOW) {
            zmq_send(dealer, message, sizeof message, 0);
            sent++;
        }
        zmq_recv(dealer, &acked, sizeof acked, 0);
    }
    double rate = (double)count / ((double)(bench_now_ns() - start_ns) / 1e9);
    pthread_join(thread, NULL);
    zmq_close(dealer);
    pair_close(&pair);
    return rate;
}

static bool take(void *socket, size_t *heard, int64_t *times_ns)
{
    char message[BENCH_PAYLOAD_BYTES];
    int64_t sent_ns;
    if (zmq_recv(socket, message, sizeof message, ZMQ_DONTWAIT) < 0)
        return false;
    if (message[sizeof sent_ns]) /* the first ones only tell that the connection stands */
        return true;
    memcpy(&sent_ns, message, sizeof sent_ns);
    if (times_ns)
        times_ns[*heard] = bench_now_ns() - sent_ns;
    ++*heard;
    return true;
}

/* Reads all subscribers until each has heard everything. */
static void *subscribe(void *data)
{
    struct pair *pair = data;
    zmq_pollitem_t items[BENCH_CONSUMERS] = {0};
    char first[BENCH_PAYLOAD_BYTES];
    size_t heard = 0, expected = pair->count * BENCH_CONSUMERS;
    for (size_t i = 0; i < BENCH_CONSUMERS; i++)
        items[i] = (zmq_pollitem_t){
            connect_from(pair, pair->contexts[i] ? pair->contexts[i] : pair->context, ZMQ_SUB), 0,
            ZMQ_POLLIN, 0};
    for (size_t i = 0; i < BENCH_CONSUMERS; i++)
        zmq_recv(items[i].socket, first, sizeof first, 0);
    pthread_barrier_wait(&pair->ready);
    while (heard < expected) {
        zmq_poll(items, BENCH_CONSUMERS, -1);
        for (size_t i = 0; i < BENCH_CONSUMERS; i++)
            for (int turn = 0; turn < 256 && items[i].revents; turn++)
                if (!take(items[i].socket, &heard, pair->times_ns))
                    break;
    }
    for (size_t i = 0; i < BENCH_CONSUMERS; i++)
        zmq_close(items[i].socket);
    return NULL;
}

static void publish(struct pair *pair, bool first)
{
    char message[BENCH_PAYLOAD_BYTES] = {0};
    int64_t now_ns = bench_now_ns();
    memcpy(message, &now_ns, sizeof now_ns);
    message[sizeof now_ns] = first;
    zmq_send(pair->socket, message, sizeof message, 0);
}

/* Publishes until all 62 have heard something. */
struct greeter {
    struct pair *pair;
    volatile bool heard;
};

static void *wait_ready(void *data)
{
    struct greeter *greeter = data;
    pthread_barrier_wait(&greeter->pair->ready);
    greeter->heard = true;
    return NULL;
}

static void greet(struct pair *pair)
{
    struct greeter greeter = {pair, false};
    pthread_t thread;
    const struct timespec pause = {0, 1000000};
    pthread_create(&thread, NULL, wait_ready, &greeter);
    while (!greeter.heard) {
        publish(pair, true);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    pthread_join(thread, NULL);
}

/* Returns the seconds it took. */
static double fan_out(struct pair *pair, size_t count, bool apart, int64_t *times_ns)
{
    pthread_t thread;
    pair_open(pair, ZMQ_PUB, count);
    for (size_t i = 0; i < BENCH_CONSUMERS && apart; i++)
        pair->contexts[i] = zmq_ctx_new();
    pair->times_ns = times_ns;
    pthread_create(&thread, NULL, subscribe, pair);
    greet(pair);
    int64_t start_ns = bench_now_ns(), next_ns = start_ns;
    for (size_t i = 0; i < count; i++) {
        if (times_ns)
            bench_pace(&next_ns);
        publish(pair, false);
    }
    pthread_join(thread, NULL);
    double seconds = (double)(bench_now_ns() - start_ns) / 1e9;
    pair_close(pair);
    return seconds;
}

double bare_fan_out(size_t count, bool apart)
{
    struct pair pair;
    return (double)(count * BENCH_CONSUMERS) / fan_out(&pair, count, apart, NULL);
}

struct latency bare_fan_out_paced(size_t count, bool apart)
{
    struct pair pair;
    int64_t *times_ns = bench_allocate(count * BENCH_CONSUMERS * sizeof *times_ns);
    fan_out(&pair, count, apart, times_ns);
    struct latency latency = bench_latency(times_ns, count * BENCH_CONSUMERS);
    free(times_ns);
    return latency;
}
