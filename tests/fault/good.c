/* Good clients beside bad ones: see good.h. */
#include "good.h"

#include <liandong.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { WINDOW = 64, MS_NS = 1000000 };
#define MINUTE_US 60000000

struct listener {
    struct world *world;
    struct ld_client *client;
    uint64_t next; /* number of the event it has to hear next */
};

struct world {
    struct good *good;
    uv_loop_t loop;
    uv_timer_t pace, deadline;
    struct ld_client *author;
    struct ld_producer *producer;
    struct listener *listeners;
    size_t opened;
    uint64_t given, answered, target;
    bool ending;
};

static void end(struct world *world, const char *why)
{
    if (world->ending)
        return;
    world->ending = true;
    if (why)
        snprintf(world->good->failure, sizeof world->good->failure, "%s", why);
    uv_close((uv_handle_t *)&world->pace, NULL);
    uv_close((uv_handle_t *)&world->deadline, NULL);
    for (size_t i = 0; i < world->good->listeners; i++)
        ld_client_close(world->listeners[i].client, NULL, NULL);
    ld_client_close(world->author, NULL, NULL);
}

static void publish_more(struct world *world);

static void check_end(struct world *world)
{
    struct good *good = world->good;
    if (world->ending || good->heard < world->target * good->listeners ||
        world->answered < world->target)
        return;
    if (!good->enough || good->enough(good->data)) {
        end(world, NULL);
        return;
    }
    world->target += good->events;
    publish_more(world);
}

static void on_published(const struct ld_published *published, void *data)
{
    struct world *world = data;
    if (published->code != LD_OK && published->code != LD_DUPLICATE &&
        published->code != LD_CANCELLED) {
        end(world, published->reason);
        return;
    }
    world->answered++;
    world->good->published++;
    publish_more(world);
    check_end(world);
}

static bool publish_one(struct world *world)
{
    struct ld_error error;
    char payload[GOOD_PAYLOAD_BYTES] = {0};
    uint64_t number = world->given + 1, now_ns = uv_hrtime();
    memcpy(payload, &number, sizeof number);
    memcpy(payload + sizeof number, &now_ns, sizeof now_ns);
    struct ld_event event = {
        .topic = "good/3303/x", .payload = payload, .payload_size = sizeof payload};
    int code = ld_publish(world->producer, &event, on_published, world, &error);
    if (code == LD_OK)
        world->given++;
    else if (code != LD_BUSY)
        end(world, error.text);
    return code == LD_OK;
}

static void publish_more(struct world *world)
{
    while (!world->ending && world->good->pace_ms == 0 && world->given < world->target &&
           world->given - world->answered < WINDOW && publish_one(world))
        continue;
}

static void on_pace(uv_timer_t *timer)
{
    struct world *world = timer->data;
    if (world->given < world->target)
        publish_one(world);
}

static void begin(struct world *world)
{
    if (world->opened < world->good->listeners || !world->producer)
        return;
    publish_more(world);
    if (world->good->pace_ms > 0)
        uv_timer_start(&world->pace, on_pace, 0, world->good->pace_ms);
}

static void on_producer(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    struct world *world = data;
    (void)last;
    if (code != LD_OK) {
        end(world, "the producer was refused");
        return;
    }
    world->producer = producer;
    begin(world);
}

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct listener *listener = data;
    (void)stream, (void)from, (void)head;
    if (listener->next > 0)
        return; /* a new session of the same stream */
    listener->next = 1;
    listener->world->opened++;
    begin(listener->world);
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct listener *listener = data;
    struct world *world = listener->world;
    struct good *good = world->good;
    uint64_t number, sent_ns;
    (void)stream;
    if (!world->producer || world->ending || record->producer != ld_producer_id_of(world->producer))
        return;
    memcpy(&number, record->payload, sizeof number);
    memcpy(&sent_ns, record->payload + sizeof number, sizeof sent_ns);
    if (number != listener->next++) {
        end(world, "a listener missed an event, or heard one twice");
        return;
    }
    if (good->times_ns && good->heard < good->events * good->listeners)
        good->times_ns[good->heard] = (int64_t)(uv_hrtime() - sent_ns);
    good->heard++;
    check_end(world);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    end(((struct listener *)data)->world, error->text);
}

static void on_deadline(uv_timer_t *timer)
{
    struct world *world = timer->data;
    char why[128];
    snprintf(why, sizeof why, "deadline: %zu opened, %llu given, %llu answered, %zu heard",
             world->opened, (unsigned long long)world->given, (unsigned long long)world->answered,
             world->good->heard);
    end(world, why);
}

static int client_open(struct world *world, const char *identity, struct ld_client **client,
                       struct ld_error *error)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = world->good->endpoint;
    options.identity = identity;
    options.loop = &world->loop;
    return ld_client_open(&options, client, error);
}

static int listener_open(struct world *world, size_t index, struct ld_error *error)
{
    static const char *const FILTERS[] = {"good/>"};
    struct listener *listener = &world->listeners[index];
    struct ld_stream_options options;
    struct ld_stream *stream;
    listener->world = world;
    int code = client_open(world, "good.listener", &listener->client, error);
    if (code != LD_OK)
        return code;
    ld_stream_options_init(&options);
    options.from = LD_FROM_NOW;
    options.filters = FILTERS;
    options.filter_count = index % 2;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = listener;
    return ld_stream_open(listener->client, &options, &stream, error);
}

static int open_all(struct world *world, struct ld_error *error)
{
    struct ld_producer *producer;
    int code = client_open(world, "good.author", &world->author, error);
    if (code == LD_OK)
        code = ld_producer_open(world->author, "good.author", on_producer, world, &producer, error);
    for (size_t i = 0; code == LD_OK && i < world->good->listeners; i++)
        code = listener_open(world, i, error);
    return code;
}

bool good_run(struct good *good)
{
    struct ld_error error;
    struct world world = {.good = good, .target = good->events};
    good->heard = good->published = 0;
    good->failure[0] = '\0';
    world.listeners = calloc(good->listeners, sizeof *world.listeners);
    if (!world.listeners || uv_loop_init(&world.loop) != 0)
        abort();
    uv_timer_init(&world.loop, &world.pace);
    uv_timer_init(&world.loop, &world.deadline);
    world.pace.data = world.deadline.data = &world;
    uv_timer_start(&world.deadline, on_deadline, (uint64_t)good->deadline_s * 1000, 0);
    if (open_all(&world, &error) != LD_OK) {
        fprintf(stderr, "good: %s\n", error.text);
        abort();
    }
    uv_run(&world.loop, UV_RUN_DEFAULT);
    uv_loop_close(&world.loop);
    free(world.listeners);
    return good->failure[0] == '\0';
}

/* ---- status ---- */

struct question {
    struct ld_client *client;
    char *json;
};

static void on_status(int code, const char *json, void *data)
{
    struct question *question = data;
    if (code == LD_OK)
        question->json = strdup(json);
    ld_client_stop(question->client);
}

char *good_status(const char *endpoint)
{
    struct question question = {0};
    struct ld_client_options options;
    struct ld_error error;
    ld_client_options_init(&options);
    options.endpoint = endpoint;
    options.identity = "good.asker";
    if (ld_client_open(&options, &question.client, &error) != LD_OK)
        return NULL;
    if (ld_client_status(question.client, on_status, &question, &error) == LD_OK)
        ld_client_run(question.client, MINUTE_US);
    ld_client_close(question.client, NULL, NULL);
    return question.json;
}
