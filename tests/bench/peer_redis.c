/*
 * Redis Streams. Two series on one server: consumers that keep their position themselves (XREAD,
 * as ours do), and consumer groups that keep it in the server (XREADGROUP, XACK).
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "load.h"

enum { TAKE_AT_ONCE = 1024, ID_SIZE = 64, COMMAND_SIZE = 256 };

struct publisher {
    redisContext *redis;
    char *command; /* XADD with room for one payload */
    size_t command_size, answered;
};

static redisContext *redis_open(const char *endpoint)
{
    char host[64];
    int port;
    if (sscanf(endpoint, "%63[^:]:%d", host, &port) != 2)
        bench_die(endpoint, "expected HOST:PORT");
    redisContext *redis = redisConnect(host, port);
    if (!redis || redis->err)
        bench_die(endpoint, redis ? redis->errstr : "no memory");
    return redis;
}

static void *reply_checked(const redisContext *redis, redisReply *reply)
{
    if (!reply)
        bench_die("redis", redis->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        bench_die("redis", reply->str);
    return reply;
}

static void reset(const char *endpoint, bool place)
{
    (void)place;
    redisContext *redis = redis_open(endpoint);
    freeReplyObject(reply_checked(redis, redisCommand(redis, "FLUSHALL")));
    redisFree(redis);
}

/* Sends all that is queued. */
static void flush(redisContext *redis)
{
    for (int done = 0; !done;)
        if (redisBufferWrite(redis, &done) != REDIS_OK)
            bench_die("redis", redis->errstr);
}

/* A reply that has already come, or NULL. */
static redisReply *next_reply(redisContext *redis)
{
    void *reply = NULL;
    if (redisGetReplyFromReader(redis, &reply) != REDIS_OK)
        bench_die("redis", redis->errstr);
    return reply ? reply_checked(redis, reply) : NULL;
}

/* ---- publishing ---- */

static void *publisher_open(const char *endpoint)
{
    struct publisher *publisher = bench_allocate(sizeof *publisher);
    publisher->redis = redis_open(endpoint);
    return publisher;
}

static void publish(void *data, const void *payload, size_t size)
{
    static const char HEAD[] = "*5\r\n$4\r\nXADD\r\n$5\r\nbench\r\n$1\r\n*\r\n$1\r\nd\r\n";
    struct publisher *publisher = data;
    size_t needed = sizeof HEAD + 32 + size;
    if (publisher->command_size < needed) {
        free(publisher->command);
        publisher->command = bench_allocate(needed);
        publisher->command_size = needed;
    }
    size_t at = (size_t)snprintf(publisher->command, needed, "%s$%zu\r\n", HEAD, size);
    memcpy(publisher->command + at, payload, size);
    memcpy(publisher->command + at + size, "\r\n", 2);
    if (redisAppendFormattedCommand(publisher->redis, publisher->command, at + size + 2) !=
        REDIS_OK)
        bench_die("redis", publisher->redis->errstr);
}

static size_t answered(void *data, size_t wanted)
{
    struct publisher *publisher = data;
    struct pollfd poll_fd = {.fd = publisher->redis->fd, .events = POLLIN};
    flush(publisher->redis);
    while (poll(&poll_fd, 1, publisher->answered < wanted ? -1 : 0) > 0) {
        if (redisBufferRead(publisher->redis) != REDIS_OK)
            bench_die("redis", publisher->redis->errstr);
        for (redisReply *reply; (reply = next_reply(publisher->redis));) {
            publisher->answered++;
            freeReplyObject(reply);
        }
    }
    return publisher->answered;
}

static void publisher_close(void *data)
{
    struct publisher *publisher = data;
    redisFree(publisher->redis);
    free(publisher->command);
    free(publisher);
}

/* ---- consuming ---- */

struct consumer {
    redisContext *redis;
    size_t index;
    bool grouped;
    char group[ID_SIZE];
    char last[ID_SIZE]; /* position */
};

static void find_last(struct consumer *consumer)
{
    redisReply *reply = reply_checked(consumer->redis,
                                      redisCommand(consumer->redis, "XREVRANGE bench + - COUNT 1"));
    snprintf(consumer->last, sizeof consumer->last, "%s",
             reply->elements ? reply->element[0]->element[0]->str : "0-0");
    freeReplyObject(reply);
}

static void group_create(struct consumer *consumer)
{
    redisReply *reply = redisCommand(consumer->redis, "XGROUP DESTROY bench %s", consumer->group);
    if (reply) /* an error when there is no stream yet */
        freeReplyObject(reply);
    freeReplyObject(reply_checked(
        consumer->redis, redisCommand(consumer->redis, "XGROUP CREATE bench %s %s MKSTREAM",
                                      consumer->group, consumer->last)));
}

static void ask(struct consumer *consumer)
{
    int code = consumer->grouped
                   ? redisAppendCommand(consumer->redis,
                                        "XREADGROUP GROUP %s c COUNT %d BLOCK 0 STREAMS bench >",
                                        consumer->group, TAKE_AT_ONCE)
                   : redisAppendCommand(consumer->redis, "XREAD COUNT %d BLOCK 0 STREAMS bench %s",
                                        TAKE_AT_ONCE, consumer->last);
    if (code != REDIS_OK)
        bench_die("redis", consumer->redis->errstr);
}

static void consumer_open(struct consumer *consumer, const struct consumers *consumers,
                          bool grouped)
{
    consumer->redis = redis_open(consumers->endpoint);
    consumer->grouped = grouped;
    snprintf(consumer->group, sizeof consumer->group, "g%zu", consumer->index);
    snprintf(consumer->last, sizeof consumer->last, "0-0");
    if (!consumers->history)
        find_last(consumer);
    if (grouped)
        group_create(consumer);
    ask(consumer);
    flush(consumer->redis);
}

static void acknowledge(struct consumer *consumer, const redisReply *events)
{
    static const char *words[TAKE_AT_ONCE + 3] = {"XACK", "bench"};
    words[2] = consumer->group;
    for (size_t i = 0; i < events->elements; i++)
        words[3 + i] = events->element[i]->element[0]->str;
    if (redisAppendCommandArgv(consumer->redis, (int)events->elements + 3, words, NULL) != REDIS_OK)
        bench_die("redis", consumer->redis->errstr);
}

/* [[stream, [[id, [field, value]], …]]] */
static void take_events(struct consumer *consumer, struct consumers *consumers,
                        const redisReply *events)
{
    for (size_t i = 0; i < events->elements; i++) {
        const redisReply *value = events->element[i]->element[1]->element[1];
        consumers_take(consumers, consumer->index, value->str, (size_t)value->len);
    }
    snprintf(consumer->last, sizeof consumer->last, "%s",
             events->element[events->elements - 1]->element[0]->str);
    if (consumer->grouped)
        acknowledge(consumer, events);
    ask(consumer);
}

static void consumer_read(struct consumer *consumer, struct consumers *consumers)
{
    if (redisBufferRead(consumer->redis) != REDIS_OK)
        bench_die("redis", consumer->redis->errstr);
    for (redisReply *reply; (reply = next_reply(consumer->redis)); freeReplyObject(reply))
        if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1)
            take_events(consumer, consumers, reply->element[0]->element[1]);
    flush(consumer->redis);
}

static void consume_as(struct consumers *consumers, bool grouped)
{
    struct consumer *each = bench_allocate(consumers->count * sizeof *each);
    struct pollfd *polls = bench_allocate(consumers->count * sizeof *polls);
    for (size_t i = 0; i < consumers->count; i++) {
        each[i].index = i;
        consumer_open(&each[i], consumers, grouped);
        polls[i] = (struct pollfd){.fd = each[i].redis->fd, .events = POLLIN};
    }
    consumers_ready(consumers);
    while (!consumers_over(consumers)) {
        if (poll(polls, consumers->count, -1) < 0 && errno != EINTR)
            bench_die("poll", strerror(errno));
        for (size_t i = 0; i < consumers->count; i++)
            if (polls[i].revents)
                consumer_read(&each[i], consumers);
    }
    for (size_t i = 0; i < consumers->count; i++)
        redisFree(each[i].redis);
    free(polls);
    free(each);
}

static void consume(struct consumers *consumers)
{
    consume_as(consumers, false);
}

static void consume_grouped(struct consumers *consumers)
{
    consume_as(consumers, true);
}

const struct series series_redis = {"redis",  reset,           publisher_open, publish,
                                    answered, publisher_close, consume,        NULL};
const struct series series_redis_groups = {"redis-groups",  reset,    publisher_open,
                                           publish,         answered, publisher_close,
                                           consume_grouped, NULL};
