/*
 * NATS JetStream, file store. Consumers are ordered ones: the client keeps the position and asks
 * again behind a gap, as ours does; no acknowledgements, flow control on.
 */
#include <nats/nats.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "load.h"

enum { DELIVERY_THREADS = 2 };

/* The library sends what is published up to a millisecond later, unless told to send each at once,
 * which costs a system call each. A program that waits for each answer would choose the one, a
 * program with much to say the other: the publisher has both, and takes the first when nothing is
 * under way. */
enum way { AT_ONCE, LATER, WAYS };

struct publisher {
    natsConnection *connections[WAYS];
    jsCtx *streams[WAYS];
    size_t sent;
    pthread_mutex_t lock;
    pthread_cond_t enough;
    size_t answered, wanted, seen;
};

static void check(const char *what, natsStatus status)
{
    if (status != NATS_OK)
        bench_die(what,
                  nats_GetLastError(NULL) ? nats_GetLastError(NULL) : natsStatus_GetText(status));
}

static natsConnection *connection_open(const char *endpoint, bool shared_threads, bool at_once)
{
    natsOptions *options;
    natsConnection *connection;
    check("options", natsOptions_Create(&options));
    check("url", natsOptions_SetURL(options, endpoint));
    check("threads", natsOptions_UseGlobalMessageDelivery(options, shared_threads));
    check("sending", natsOptions_SetSendAsap(options, at_once));
    check(endpoint, natsConnection_Connect(&connection, options));
    natsOptions_Destroy(options);
    return connection;
}

static void reset(const char *endpoint, bool place)
{
    (void)place;
    static const char *SUBJECTS[] = {"bench"};
    natsConnection *connection = connection_open(endpoint, false, false);
    jsCtx *stream;
    jsStreamConfig config;
    jsErrCode code;
    check("jetstream", natsConnection_JetStream(&stream, connection, NULL));
    js_DeleteStream(stream, "bench", NULL, &code); /* an error when there is none */
    jsStreamConfig_Init(&config);
    config.Name = "bench";
    config.Subjects = SUBJECTS;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    check("stream", js_AddStream(NULL, stream, &config, NULL, &code));
    jsCtx_Destroy(stream);
    natsConnection_Destroy(connection);
}

/* ---- publishing ---- */

static void on_acked(jsCtx *stream, natsMsg *message, jsPubAck *ack, jsPubAckErr *error, void *data)
{
    (void)stream;
    (void)ack;
    struct publisher *publisher = data;
    if (error)
        bench_die("publish", error->ErrText ? error->ErrText : natsStatus_GetText(error->Err));
    natsMsg_Destroy(message);
    pthread_mutex_lock(&publisher->lock);
    if (++publisher->answered == publisher->wanted)
        pthread_cond_signal(&publisher->enough);
    pthread_mutex_unlock(&publisher->lock);
}

static void *publisher_open(const char *endpoint)
{
    struct publisher *publisher = bench_allocate(sizeof *publisher);
    jsOptions options;
    pthread_mutex_init(&publisher->lock, NULL);
    pthread_cond_init(&publisher->enough, NULL);
    jsOptions_Init(&options);
    options.PublishAsync.AckHandler = on_acked;
    options.PublishAsync.AckHandlerClosure = publisher;
    for (int way = 0; way < WAYS; way++) {
        publisher->connections[way] = connection_open(endpoint, false, way == AT_ONCE);
        check("jetstream", natsConnection_JetStream(&publisher->streams[way],
                                                    publisher->connections[way], &options));
    }
    return publisher;
}

static void publish(void *data, const void *payload, size_t size)
{
    struct publisher *publisher = data;
    enum way way = publisher->sent++ == publisher->seen ? AT_ONCE : LATER;
    check("publish", js_PublishAsync(publisher->streams[way], "bench", payload, (int)size, NULL));
}

/* The library sends and reads in threads of its own. */
static size_t answered(void *data, size_t wanted)
{
    struct publisher *publisher = data;
    pthread_mutex_lock(&publisher->lock);
    publisher->wanted = wanted;
    while (publisher->answered < wanted)
        pthread_cond_wait(&publisher->enough, &publisher->lock);
    publisher->seen = publisher->answered;
    pthread_mutex_unlock(&publisher->lock);
    return publisher->seen;
}

static void publisher_close(void *data)
{
    struct publisher *publisher = data;
    for (int way = 0; way < WAYS; way++) {
        jsCtx_Destroy(publisher->streams[way]);
        natsConnection_Destroy(publisher->connections[way]);
    }
    pthread_cond_destroy(&publisher->enough);
    pthread_mutex_destroy(&publisher->lock);
    free(publisher);
}

/* ---- consuming ---- */

struct consumer {
    struct consumers *consumers;
    size_t index;
    natsConnection *connection;
    jsCtx *stream;
    natsSubscription *subscription;
};

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *data)
{
    (void)connection;
    (void)subscription;
    struct consumer *consumer = data;
    consumers_take(consumer->consumers, consumer->index, natsMsg_GetData(message),
                   (size_t)natsMsg_GetDataLength(message));
    natsMsg_Destroy(message);
}

static void consumer_open(struct consumer *consumer)
{
    const struct consumers *consumers = consumer->consumers;
    jsSubOptions options;
    jsErrCode code;
    consumer->connection = connection_open(consumers->endpoint, true, false);
    check("jetstream", natsConnection_JetStream(&consumer->stream, consumer->connection, NULL));
    jsSubOptions_Init(&options);
    options.Stream = "bench";
    options.Ordered = true;
    options.Config.DeliverPolicy = consumers->history ? js_DeliverAll : js_DeliverNew;
    check("subscribe", js_Subscribe(&consumer->subscription, consumer->stream, "bench", on_message,
                                    consumer, NULL, &options, &code));
    check("limits", natsSubscription_SetPendingLimits(consumer->subscription, -1, -1));
}

static void consumer_close(struct consumer *consumer)
{
    natsSubscription_Unsubscribe(consumer->subscription);
    natsSubscription_Destroy(consumer->subscription);
    jsCtx_Destroy(consumer->stream);
    natsConnection_Destroy(consumer->connection);
}

static void consume(struct consumers *consumers)
{
    const struct timespec pause = {0, 1000000};
    struct consumer *each = bench_allocate(consumers->count * sizeof *each);
    check("threads", nats_SetMessageDeliveryPoolSize(DELIVERY_THREADS));
    for (size_t i = 0; i < consumers->count; i++) {
        each[i] = (struct consumer){.consumers = consumers, .index = i};
        consumer_open(&each[i]);
    }
    consumers_ready(consumers);
    while (!consumers_over(consumers))
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    for (size_t i = 0; i < consumers->count; i++)
        consumer_close(&each[i]);
    free(each);
}

const struct series series_nats = {"nats",   reset,           publisher_open, publish,
                                   answered, publisher_close, consume,        NULL};
const struct series series_nats_synced = {"nats-synced", reset,           publisher_open, publish,
                                          answered,      publisher_close, consume,        NULL};
