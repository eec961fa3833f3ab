/*
 * liandong under measure: the client library as any program uses it. Consumers are clients of
 * their own on one loop in one thread; each keeps its position itself.
 */
#include <liandong.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include "load.h"

#define WAIT_US 60000000

struct publisher {
    struct ld_client *client;
    struct ld_producer *producer;
    size_t answered, wanted;
};

static uint64_t reset_head; /* the log is never emptied: history begins behind this */

static struct ld_client *client_open(const char *endpoint, const char *identity, uv_loop_t *loop)
{
    struct ld_client_options options;
    struct ld_client *client;
    struct ld_error error;
    ld_client_options_init(&options);
    options.endpoint = endpoint;
    options.identity = identity;
    options.loop = loop;
    if (ld_client_open(&options, &client, &error) != LD_OK)
        bench_die(endpoint, error.text);
    return client;
}

static void wait_up(struct ld_client *client, const char *endpoint)
{
    struct ld_error error;
    if (ld_client_wait_up(client, WAIT_US, &error) != LD_OK)
        bench_die(endpoint, error.text);
}

static void reset(const char *endpoint, bool place)
{
    (void)place;
    struct ld_client_state state;
    struct ld_client *client = client_open(endpoint, "bench", NULL);
    wait_up(client, endpoint);
    ld_client_get_state(client, &state);
    reset_head = state.head;
    ld_client_close(client, NULL, NULL);
}

struct question {
    struct ld_client *client;
    double syncs;
};

static void on_status(int code, const char *json, void *data)
{
    struct question *question = data;
    const char *at = code == LD_OK ? strstr(json, "\"syncs\":") : NULL;
    if (at)
        question->syncs = strtod(at + strlen("\"syncs\":"), NULL);
    ld_client_stop(question->client);
}

static double syncs(const char *endpoint)
{
    struct question question = {client_open(endpoint, "bench", NULL), -1};
    struct ld_error error;
    wait_up(question.client, endpoint);
    if (ld_client_status(question.client, on_status, &question, &error) != LD_OK ||
        ld_client_run(question.client, WAIT_US) != LD_OK || question.syncs < 0)
        bench_die("status", "no answer");
    ld_client_close(question.client, NULL, NULL);
    return question.syncs;
}

/* ---- publishing ---- */

static void on_producer(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    (void)producer;
    (void)last;
    struct publisher *publisher = data;
    if (code != LD_OK)
        bench_die("producer", ld_code_text(code));
    ld_client_stop(publisher->client);
}

static void *publisher_open(const char *endpoint)
{
    static unsigned instances;
    char name[32];
    struct ld_error error;
    struct publisher *publisher = bench_allocate(sizeof *publisher);
    snprintf(name, sizeof name, "bench#%u", instances++ % LOAD_PUBLISHERS_MAX);
    publisher->client = client_open(endpoint, "bench", NULL);
    wait_up(publisher->client, endpoint);
    if (ld_producer_open(publisher->client, name, on_producer, publisher, &publisher->producer,
                         &error) != LD_OK)
        bench_die(endpoint, error.text);
    if (ld_client_run(publisher->client, WAIT_US) != LD_OK)
        bench_die(endpoint, "the producer was not answered");
    return publisher;
}

static void on_published(const struct ld_published *published, void *data)
{
    struct publisher *publisher = data;
    if (published->code != LD_OK)
        bench_die("publish", published->reason);
    if (++publisher->answered == publisher->wanted)
        ld_client_stop(publisher->client);
}

static void publish(void *data, const void *payload, size_t size)
{
    struct publisher *publisher = data;
    struct ld_error error;
    struct ld_event event = {.topic = "bench/3303/x", .payload = payload, .payload_size = size};
    int code;
    while ((code = ld_publish(publisher->producer, &event, on_published, publisher, &error)) ==
           LD_BUSY) {
        publisher->wanted = publisher->answered + 1;
        if (ld_client_run(publisher->client, WAIT_US) != LD_OK)
            bench_die("publish", "no answer");
    }
    if (code != LD_OK)
        bench_die("publish", error.text);
}

static size_t answered(void *data, size_t wanted)
{
    struct publisher *publisher = data;
    publisher->wanted = wanted;
    if (publisher->answered >= wanted)
        ld_client_run(publisher->client, 0);
    while (publisher->answered < wanted)
        if (ld_client_run(publisher->client, WAIT_US) != LD_OK)
            bench_die("publish", "no answer");
    return publisher->answered;
}

static void publisher_close(void *data)
{
    struct publisher *publisher = data;
    ld_client_close(publisher->client, NULL, NULL);
    free(publisher);
}

/* ---- consuming ---- */

struct group;

struct consumer {
    struct group *group;
    struct ld_client *client;
};

struct group {
    struct consumers *consumers;
    struct consumer *each;
    size_t opened;
};

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    (void)stream;
    (void)from;
    (void)head;
    struct group *group = ((struct consumer *)data)->group;
    if (++group->opened == group->consumers->count)
        consumers_ready(group->consumers);
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    (void)stream;
    const struct consumer *consumer = data;
    const struct group *group = consumer->group;
    consumers_take(group->consumers, (size_t)(consumer - group->each), record->payload,
                   record->payload_size);
    if (consumers_over(group->consumers))
        for (size_t i = 0; i < group->consumers->count; i++)
            ld_client_close(group->each[i].client, NULL, NULL);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    (void)data;
    bench_die("stream", error->text);
}

static void consumer_open(struct consumer *consumer, uv_loop_t *loop)
{
    const struct consumers *consumers = consumer->group->consumers;
    struct ld_stream_options options;
    struct ld_stream *stream;
    struct ld_error error;
    ld_stream_options_init(&options);
    options.from = consumers->history ? reset_head + 1 : LD_FROM_NOW;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = consumer;
    consumer->client = client_open(consumers->endpoint, "consumer", loop);
    if (ld_stream_open(consumer->client, &options, &stream, &error) != LD_OK)
        bench_die("consumer", error.text);
}

static void consume(struct consumers *consumers)
{
    struct group group = {consumers, bench_allocate(consumers->count * sizeof *group.each), 0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    for (size_t i = 0; i < consumers->count; i++) {
        group.each[i].group = &group;
        consumer_open(&group.each[i], &loop);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    free(group.each);
}

const struct series series_liandong = {"liandong", reset,           publisher_open, publish,
                                       answered,   publisher_close, consume,        syncs};
