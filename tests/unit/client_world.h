/*
 * What the client's tests share: a loop with a fake router and one client on it, and a count of
 * everything the client said. run_until turns the loop until a condition holds.
 */
#ifndef LD_TEST_CLIENT_WORLD_H
#define LD_TEST_CLIENT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <liandong.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fake_router.h"

enum { DEADLINE_MS = 60000, CODES = LD_CORRUPT + 1 };
/* A heartbeat for tests that count sessions: no pause of a busy machine is a silence of three. */
enum { UNHURRIED_MS = 10000 };

struct world {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool late;
    struct fake fake;
    struct ld_client *client;
    struct ld_producer *producer;
    struct ld_stream *stream;
    bool closed;
    /* link */
    enum ld_link link;
    uint64_t link_changes[LD_LINK_CLOSED + 1];
    char link_reason[256];
    /* producer */
    int ready_count, ready_code;
    uint64_t ready_last;
    /* completions */
    uint64_t published; /* asked for */
    uint64_t answers;   /* in all */
    uint64_t answered[CODES];
    uint64_t last_answered; /* producer sequence of the last answer */
    bool answers_out_of_order;
    uint64_t last_sequence; /* of the last LD_OK */
    char reason[256];
    /* stream */
    int opened_count, failed_count, failed_code;
    uint64_t opened_from, opened_head;
    char failed_text[LD_ERROR_TEXT_SIZE];
    uint64_t events, last_event;
    bool events_out_of_order;
    char last_topic[256];
    uint64_t close_stream_at, close_client_at; /* events after which the callback closes */
    bool publish_from_event;
};

static inline void on_link(struct ld_client *client, enum ld_link link, const char *reason,
                           void *data)
{
    struct world *world = data;
    (void)client;
    world->link = link;
    world->link_changes[link]++;
    snprintf(world->link_reason, sizeof world->link_reason, "%s", reason);
}

static inline void on_closed(void *data)
{
    struct world *world = data;
    assert_false(world->closed);
    world->closed = true;
    world->client = NULL;
}

static inline void on_ready(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    struct world *world = data;
    (void)producer;
    world->ready_count++;
    world->ready_code = code;
    world->ready_last = last;
}

static inline void on_published(const struct ld_published *published, void *data)
{
    struct world *world = data;
    assert_false(world->closed);
    world->answers++;
    world->answered[published->code]++;
    if (published->producer_sequence <= world->last_answered && world->last_answered != 0)
        world->answers_out_of_order = true;
    world->last_answered = published->producer_sequence;
    if (published->code == LD_OK)
        world->last_sequence = published->sequence;
    else
        assert_int_equal(published->sequence, 0);
    snprintf(world->reason, sizeof world->reason, "%s", published->reason);
}

static inline int publish_at(struct world *world, const char *topic, uint64_t sequence,
                             ld_published_fn *published, void *data)
{
    struct ld_event event = {
        .topic = topic, .payload = "payload", .payload_size = 7, .producer_sequence = sequence};
    int code = ld_publish(world->producer, &event, published, data, NULL);
    if (code == LD_OK)
        world->published++;
    return code;
}

static inline int publish(struct world *world, const char *topic)
{
    return publish_at(world, topic, 0, on_published, world);
}

static inline void publish_many(struct world *world, const char *topic, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(publish(world, topic), LD_OK);
}

static inline void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct world *world = data;
    assert_ptr_equal(stream, world->stream);
    world->opened_count++;
    world->opened_from = from;
    world->opened_head = head;
}

static inline void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct world *world = data;
    assert_ptr_equal(stream, world->stream);
    assert_false(world->closed);
    if (record->sequence <= world->last_event)
        world->events_out_of_order = true;
    world->last_event = record->sequence;
    world->events++;
    snprintf(world->last_topic, sizeof world->last_topic, "%.*s", (int)record->topic_size,
             record->topic);
    if (world->publish_from_event)
        assert_int_equal(publish(world, "reply/3303/health"), LD_OK);
    if (world->events == world->close_stream_at) {
        world->stream = NULL;
        ld_stream_close(stream);
    }
    if (world->events == world->close_client_at)
        ld_client_close(world->client, on_closed, world);
}

static inline void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct world *world = data;
    assert_ptr_equal(stream, world->stream);
    world->failed_count++;
    world->failed_code = error->code;
    snprintf(world->failed_text, sizeof world->failed_text, "%s", error->text);
}

/* ---- the loop ---- */

static inline void on_deadline(uv_timer_t *timer)
{
    struct world *world = timer->data;
    world->late = true;
}

static inline void run_until(struct world *world, bool (*done)(struct world *))
{
    world->late = false;
    uv_timer_start(&world->deadline, on_deadline, DEADLINE_MS, 0);
    while (!done(world)) {
        uv_run(&world->loop, UV_RUN_ONCE);
        if (world->late)
            fail_msg("the condition did not come true within %d ms", DEADLINE_MS);
    }
    uv_timer_stop(&world->deadline);
}

static inline bool is_up(struct world *world)
{
    return world->link == LD_LINK_UP;
}

static inline bool is_stale(struct world *world)
{
    return world->link_changes[LD_LINK_STALE] > 0;
}

static inline bool is_ready(struct world *world)
{
    return world->ready_count > 0;
}

static inline bool is_answered(struct world *world)
{
    return world->answers == world->published;
}

static inline bool is_closed(struct world *world)
{
    return world->closed;
}

static inline bool fake_is_closed(struct world *world)
{
    return world->fake.closed;
}

static inline bool stream_is_open(struct world *world)
{
    return world->opened_count > 0;
}

static inline bool stream_has_failed(struct world *world)
{
    return world->failed_count > 0;
}

static inline bool has_all_events(struct world *world)
{
    return world->last_event == world->fake.head;
}

static inline bool records_came(struct world *world)
{
    return world->fake.records >= 10;
}

/* ---- life ---- */

static inline void client_options(struct world *world, struct ld_client_options *options)
{
    ld_client_options_init(options);
    options->endpoint = world->fake.endpoint;
    options->identity = "3303.health";
    options->loop = &world->loop;
    options->link_changed = on_link;
    options->data = world;
}

static inline void open_client(struct world *world)
{
    struct ld_client_options options;
    client_options(world, &options);
    assert_int_equal(ld_client_open(&options, &world->client, NULL), LD_OK);
    world->closed = false;
}

static inline void open_producer(struct world *world)
{
    assert_int_equal(ld_producer_open(world->client, "3303.health#desk-1", on_ready, world,
                                      &world->producer, NULL),
                     LD_OK);
}

static inline void open_stream(struct world *world, uint64_t from, const char *filter)
{
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.from = from;
    options.filters = &filter;
    options.filter_count = filter != NULL ? 1 : 0;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = world;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, NULL), LD_OK);
}

static inline int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    uv_timer_init(&world->loop, &world->deadline);
    world->deadline.data = world;
    fake_open(&world->fake, &world->loop, "tcp://127.0.0.1:*");
    *state = world;
    return 0;
}

static inline void close_client(struct world *world)
{
    ld_client_close(world->client, on_closed, world);
    run_until(world, is_closed);
}

static inline void stop_fake(struct world *world)
{
    fake_close(&world->fake);
    run_until(world, fake_is_closed);
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    if (world->client != NULL)
        close_client(world);
    if (!world->fake.closed)
        stop_fake(world);
    fake_free(&world->fake);
    uv_close((uv_handle_t *)&world->deadline, NULL);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    free(world);
    return 0;
}

#endif
