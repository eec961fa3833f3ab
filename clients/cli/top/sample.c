/* Reading STATUS (docs/protocol.md, 3.6), and what changed between two answers. */
#include "top.h"

#include <stdlib.h>
#include <string.h>

static uint64_t number(const json_t *json, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(json, name));
    return value > 0 ? (uint64_t)value : 0;
}

static int64_t micros(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static void text(char *to, size_t size, const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    snprintf(to, size, "%s", value != NULL ? value : "");
}

static double rate(uint64_t now, uint64_t before, int64_t elapsed_us)
{
    return now > before && elapsed_us > 0 ? (double)(now - before) * 1e6 / (double)elapsed_us : 0;
}

/* ---- the router ---- */

/* Everything published that is neither in the log now nor was before. */
static uint64_t refused(const json_t *outcomes)
{
    const char *code;
    json_t *count;
    uint64_t sum = 0;
    json_object_foreach((json_t *)(uintptr_t)outcomes, code, count)
    {
        if (strcmp(code, "OK") != 0 && strcmp(code, "DUPLICATE") != 0)
            sum += (uint64_t)json_integer_value(count);
    }
    return sum;
}

static void read_router(struct top_router *router, json_t *status)
{
    const json_t *log = json_object_get(status, "log");
    const json_t *loop = json_object_get(status, "loop");
    const json_t *counters = json_object_get(status, "counters");
    *router = (struct top_router){
        .drill = json_is_true(json_object_get(status, "drill")),
        .failed = json_is_true(json_object_get(log, "failed")),
        .head = number(status, "head"),
        .delivered = number(counters, "chunk_events"),
        .commits = number(log, "commits"),
        .sessions = number(status, "session_count"),
        .streams = number(status, "stream_count"),
        .refused = refused(json_object_get(counters, "records")),
        .stalls = number(loop, "stalls"),
        .disk_bytes = number(log, "bytes_on_disk"),
        .free_bytes = number(log, "free_bytes"),
        .resident_bytes = number(json_object_get(status, "process"), "resident_bytes"),
        .time_us = micros(status, "time_us"),
        .sync_us = micros(log, "sync_us_last"),
        .sync_us_max = micros(log, "sync_us_max"),
        .turn_us_recent = micros(loop, "turn_us_recent"),
        .turn_us_max = micros(status, "turn_us_max"),
    };
    text(router->incarnation, sizeof router->incarnation, status, "incarnation");
    text(router->directory, sizeof router->directory, log, "directory");
}

/* ---- lists ---- */

static void read_filters(char to[TOP_FILTERS_SIZE], const json_t *filters)
{
    size_t index, used = 0;
    json_t *filter;
    to[0] = '\0';
    json_array_foreach((json_t *)(uintptr_t)filters, index, filter)
    {
        const char *value = json_string_value(filter);
        int size = snprintf(to + used, TOP_FILTERS_SIZE - used, "%s%s", index > 0 ? " " : "",
                            value != NULL ? value : "");
        used += size > 0 ? (size_t)size : 0;
        if (used >= TOP_FILTERS_SIZE)
            return;
    }
    if (used == 0)
        snprintf(to, TOP_FILTERS_SIZE, ">");
}

static void read_consumers(struct top_sample *sample, const json_t *streams)
{
    size_t index;
    json_t *stream;
    json_array_foreach((json_t *)(uintptr_t)streams, index, stream)
    {
        if (sample->consumer_count == TOP_LISTED)
            return;
        struct top_consumer *consumer = &sample->consumers[sample->consumer_count++];
        *consumer = (struct top_consumer){.session = number(stream, "session"),
                                          .stream = number(stream, "id"),
                                          .position = number(stream, "position"),
                                          .lag = number(stream, "lag"),
                                          .lag_us = micros(stream, "lag_us"),
                                          .events = number(stream, "sent_events"),
                                          .bytes = number(stream, "sent_bytes")};
        text(consumer->identity, sizeof consumer->identity, stream, "identity");
        text(consumer->state, sizeof consumer->state, stream, "state");
        read_filters(consumer->filters, json_object_get(stream, "filters"));
    }
}

static void read_producers(struct top_sample *sample, const json_t *publishers)
{
    size_t index;
    json_t *publisher;
    json_array_foreach((json_t *)(uintptr_t)publishers, index, publisher)
    {
        if (sample->producer_count == TOP_LISTED)
            return;
        const json_t *outcomes = json_object_get(publisher, "outcomes");
        struct top_producer *producer = &sample->producers[sample->producer_count++];
        *producer = (struct top_producer){.sequence = number(publisher, "sequence"),
                                          .events = number(outcomes, "OK"),
                                          .duplicates = number(outcomes, "DUPLICATE"),
                                          .refused = refused(outcomes),
                                          .silent_us = micros(publisher, "silent_ms") * 1000,
                                          .open = json_is_true(json_object_get(publisher, "open"))};
        text(producer->name, sizeof producer->name, publisher, "name");
    }
}

static void read_queues(struct top_sample *sample, json_t *queues)
{
    const char *name;
    json_t *json;
    json_object_foreach(queues, name, json)
    {
        if (sample->queue_count == TOP_QUEUES)
            return;
        struct top_queue *queue = &sample->queues[sample->queue_count++];
        *queue = (struct top_queue){.length = number(json, "length"),
                                    .length_limit = number(json, "length_limit"),
                                    .bytes = number(json, "bytes"),
                                    .bytes_limit = number(json, "bytes_limit"),
                                    .dropped = number(json, "dropped")};
        snprintf(queue->name, sizeof queue->name, "%s", name);
    }
}

/* ---- rates ---- */

static void rate_consumers(struct top_sample *sample, const struct top_sample *before,
                           int64_t elapsed_us)
{
    for (size_t i = 0; i < sample->consumer_count; i++) {
        struct top_consumer *now = &sample->consumers[i];
        for (size_t k = 0; k < before->consumer_count; k++) {
            const struct top_consumer *was = &before->consumers[k];
            if (was->session != now->session || was->stream != now->stream)
                continue;
            now->events_rate = rate(now->events, was->events, elapsed_us);
            now->bytes_rate = rate(now->bytes, was->bytes, elapsed_us);
        }
    }
}

static void rate_producers(struct top_sample *sample, const struct top_sample *before,
                           int64_t elapsed_us)
{
    for (size_t i = 0; i < sample->producer_count; i++) {
        struct top_producer *now = &sample->producers[i];
        for (size_t k = 0; k < before->producer_count; k++)
            if (strcmp(before->producers[k].name, now->name) == 0)
                now->events_rate = rate(now->events, before->producers[k].events, elapsed_us);
    }
}

static void rate_all(struct top_sample *sample, const struct top_sample *before)
{
    struct top_router *router = &sample->router;
    int64_t elapsed_us = sample->taken_us - before->taken_us;
    if (before->taken_us == 0 || strcmp(router->incarnation, before->router.incarnation) != 0)
        return; /* another start of the router: its counters began anew */
    router->in_rate = rate(router->head, before->router.head, elapsed_us);
    router->delivered_rate = rate(router->delivered, before->router.delivered, elapsed_us);
    router->commits_rate = rate(router->commits, before->router.commits, elapsed_us);
    rate_consumers(sample, before, elapsed_us);
    rate_producers(sample, before, elapsed_us);
}

void top_sample_read(struct top_sample *sample, json_t *status, int64_t taken_us,
                     const struct top_sample *before)
{
    *sample = (struct top_sample){.taken_us = taken_us};
    read_router(&sample->router, status);
    read_consumers(sample, json_object_get(status, "streams"));
    read_producers(sample, json_object_get(status, "publishers"));
    read_queues(sample, json_object_get(status, "queues"));
    sample->others_count = number(json_object_get(status, "other_streams"), "count");
    rate_all(sample, before);
}

/* ---- order ---- */

static int compare(double a, double b)
{
    return a < b ? 1 : a > b ? -1 : 0; /* the largest first */
}

static int consumers_by_name(const void *a, const void *b)
{
    const struct top_consumer *left = a, *right = b;
    int order = strcmp(left->identity, right->identity);
    return order != 0 ? order : -compare((double)left->session, (double)right->session);
}

static int consumers_by_lag(const void *a, const void *b)
{
    const struct top_consumer *left = a, *right = b;
    int order = compare((double)left->lag_us, (double)right->lag_us);
    return order != 0 ? order : consumers_by_name(a, b);
}

static int consumers_by_rate(const void *a, const void *b)
{
    const struct top_consumer *left = a, *right = b;
    int order = compare(left->events_rate, right->events_rate);
    return order != 0 ? order : consumers_by_name(a, b);
}

static int producers_by_name(const void *a, const void *b)
{
    const struct top_producer *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static int producers_by_rate(const void *a, const void *b)
{
    const struct top_producer *left = a, *right = b;
    int order = compare(left->events_rate, right->events_rate);
    if (order == 0)
        order = compare((double)left->events, (double)right->events);
    return order != 0 ? order : producers_by_name(a, b);
}

void top_sample_sort(struct top_sample *sample, enum top_sort sort)
{
    static int (*const CONSUMERS[TOP_SORTS])(const void *, const void *) = {
        consumers_by_lag, consumers_by_name, consumers_by_rate};
    qsort(sample->consumers, sample->consumer_count, sizeof sample->consumers[0], CONSUMERS[sort]);
    qsort(sample->producers, sample->producer_count, sizeof sample->producers[0],
          sort == TOP_BY_NAME ? producers_by_name : producers_by_rate);
}

/* ---- JSON ---- */

static json_t *router_json(const struct top_router *router)
{
    return json_pack(
        "{s:I,s:I,s:b,s:b,s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "head",
        (json_int_t)router->head, "time_us", (json_int_t)router->time_us, "drill", router->drill,
        "failed", router->failed, "in_per_second", router->in_rate, "delivered_per_second",
        router->delivered_rate, "commits_per_second", router->commits_rate, "sync_us",
        (json_int_t)router->sync_us, "sync_us_max", (json_int_t)router->sync_us_max, "disk_bytes",
        (json_int_t)router->disk_bytes, "free_bytes", (json_int_t)router->free_bytes,
        "resident_bytes", (json_int_t)router->resident_bytes, "sessions",
        (json_int_t)router->sessions, "streams", (json_int_t)router->streams, "refused",
        (json_int_t)router->refused, "turn_us_recent", (json_int_t)router->turn_us_recent,
        "turn_us_max", (json_int_t)router->turn_us_max, "stalls", (json_int_t)router->stalls);
}

static json_t *consumers_json(const struct top_sample *sample)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sample->consumer_count; i++) {
        const struct top_consumer *consumer = &sample->consumers[i];
        json_array_append_new(
            list,
            json_pack("{s:s,s:I,s:I,s:s,s:I,s:I,s:I,s:f,s:f,s:s}", "identity", consumer->identity,
                      "session", (json_int_t)consumer->session, "stream",
                      (json_int_t)consumer->stream, "state", consumer->state, "position",
                      (json_int_t)consumer->position, "lag", (json_int_t)consumer->lag, "lag_us",
                      (json_int_t)consumer->lag_us, "events_per_second", consumer->events_rate,
                      "bytes_per_second", consumer->bytes_rate, "filters", consumer->filters));
    }
    return list;
}

static json_t *producers_json(const struct top_sample *sample)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sample->producer_count; i++) {
        const struct top_producer *producer = &sample->producers[i];
        json_array_append_new(
            list,
            json_pack("{s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:f}", "name", producer->name, "open",
                      producer->open, "sequence", (json_int_t)producer->sequence, "events",
                      (json_int_t)producer->events, "duplicates", (json_int_t)producer->duplicates,
                      "refused", (json_int_t)producer->refused, "silent_us",
                      (json_int_t)producer->silent_us, "events_per_second", producer->events_rate));
    }
    return list;
}

static json_t *queues_json(const struct top_sample *sample)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sample->queue_count; i++) {
        const struct top_queue *queue = &sample->queues[i];
        json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "name", queue->name,
                                              "length", (json_int_t)queue->length, "length_limit",
                                              (json_int_t)queue->length_limit, "bytes",
                                              (json_int_t)queue->bytes, "bytes_limit",
                                              (json_int_t)queue->bytes_limit, "dropped",
                                              (json_int_t)queue->dropped));
    }
    return list;
}

json_t *top_sample_json(const struct top_sample *sample)
{
    json_t *json = json_object();
    json_object_set_new(json, "router", router_json(&sample->router));
    json_object_set_new(json, "consumers", consumers_json(sample));
    json_object_set_new(json, "other_consumers", json_integer((json_int_t)sample->others_count));
    json_object_set_new(json, "producers", producers_json(sample));
    json_object_set_new(json, "queues", queues_json(sample));
    return json;
}
