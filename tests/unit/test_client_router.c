/*
 * libliandong and the real router, in one process on one loop, on a real log in a folder of its
 * own: the two ends agree about the protocol, through restarts too.
 */
#include "bus_world.h"

#include <liandong.h>
#include <string.h>

struct world {
    struct bus bus;
    struct ld_client *client, *other;
    struct ld_producer *producer;
    struct ld_stream *stream;
    unsigned clients;
    uint64_t published, answers, ok, duplicates, fenced, last_sequence;
    uint64_t events, last_event, opened;
    bool out_of_order;
    int failed_code;
    int status_code, advance_code, ready_code;
    char text[LD_ERROR_TEXT_SIZE];
};

/* ---- callbacks ---- */

static void on_closed(void *data)
{
    struct world *world = data;
    world->clients--;
}

static void on_published(const struct ld_published *published, void *data)
{
    struct world *world = data;
    world->answers++;
    world->ok += published->code == LD_OK;
    world->duplicates += published->code == LD_DUPLICATE;
    world->fenced += published->code == LD_FENCED;
    if (published->code == LD_OK && published->sequence != 0) {
        if (published->sequence <= world->last_sequence)
            world->out_of_order = true;
        world->last_sequence = published->sequence;
    }
    snprintf(world->text, sizeof world->text, "%s", published->reason);
}

static void on_ready(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    struct world *world = data;
    (void)producer;
    (void)last;
    world->ready_code = code;
}

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct world *world = data;
    (void)stream;
    (void)from;
    (void)head;
    world->opened++;
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct world *world = data;
    (void)stream;
    if (record->sequence <= world->last_event)
        world->out_of_order = true;
    world->last_event = record->sequence;
    world->events++;
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct world *world = data;
    (void)stream;
    world->failed_code = error->code;
    snprintf(world->text, sizeof world->text, "%s", error->text);
}

static void on_status(int code, const char *json, void *data)
{
    struct world *world = data;
    world->status_code = code;
    snprintf(world->text, sizeof world->text, "%s", json != NULL ? json : "");
}

static void on_advanced(int code, int64_t time_us, uint64_t head, const char *reason, void *data)
{
    struct world *world = data;
    (void)time_us;
    (void)head;
    world->advance_code = code;
    snprintf(world->text, sizeof world->text, "%s", reason);
}

/* ---- the world ---- */

static void run_until(struct world *world, bool (*done)(void *world))
{
    bus_run_until(&world->bus, done, world);
}

static bool is_answered(void *data)
{
    const struct world *world = data;
    return world->answers == world->published;
}

static bool no_clients(void *data)
{
    const struct world *world = data;
    return world->clients == 0;
}

static struct ld_client *open_client(struct world *world)
{
    struct ld_client_options options;
    struct ld_client *client;
    ld_client_options_init(&options);
    options.endpoint = world->bus.endpoint;
    options.identity = "3303.health";
    options.loop = &world->bus.loop;
    assert_int_equal(ld_client_open(&options, &client, NULL), LD_OK);
    world->clients++;
    return client;
}

static void open_producer(struct world *world, struct ld_client *client)
{
    world->ready_code = -1;
    assert_int_equal(
        ld_producer_open(client, "3303.health#desk", on_ready, world, &world->producer, NULL),
        LD_OK);
}

static void open_stream(struct world *world, uint64_t from, const char *filter)
{
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.from = from;
    options.filters = &filter;
    options.filter_count = 1;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = world;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, NULL), LD_OK);
}

/* Publishes count events, turning the loop whenever the queue is full. */
static void publish(struct world *world, uint64_t count)
{
    char payload[200];
    memset(payload, 'p', sizeof payload);
    struct ld_event event = {
        .topic = "report/330302/cholera", .payload = payload, .payload_size = sizeof payload};
    for (uint64_t i = 0; i < count; i++) {
        int code;
        while ((code = ld_publish(world->producer, &event, on_published, world, NULL)) == LD_BUSY)
            uv_run(&world->bus.loop, UV_RUN_ONCE);
        assert_int_equal(code, LD_OK);
        world->published++;
    }
}

static int setup_with(void **state, bool drill)
{
    struct world *world = calloc(1, sizeof *world);
    bus_open(&world->bus, drill);
    *state = world;
    return 0;
}

static int setup(void **state)
{
    return setup_with(state, false);
}

static int setup_drill(void **state)
{
    return setup_with(state, true);
}

static int teardown(void **state)
{
    struct world *world = *state;
    ld_client_close(world->client, on_closed, world);
    ld_client_close(world->other, on_closed, world);
    run_until(world, no_clients);
    bus_close(&world->bus);
    free(world);
    return 0;
}

/* ---- tests ---- */

static bool all_events(void *data)
{
    const struct world *world = data;
    return world->events >= world->published;
}

static void test_publish_and_stream(void **state)
{
    struct world *world = *state;
    world->client = open_client(world);
    open_producer(world, world->client);
    open_stream(world, LD_FROM_FIRST, "report/>");
    publish(world, 100000);
    run_until(world, is_answered);
    run_until(world, all_events);
    assert_int_equal(world->ok, 100000);
    assert_int_equal(world->events, 100000);
    assert_false(world->out_of_order);
    assert_int_equal(world->last_event, world->last_sequence);
}

static bool some_answers(void *data)
{
    const struct world *world = data;
    return world->answers + 1990 > world->published;
}

static void test_restarts_lose_and_double_nothing(void **state)
{
    struct world *world = *state;
    world->client = open_client(world);
    open_producer(world, world->client);
    open_stream(world, LD_FROM_FIRST, "report/>");
    for (int i = 0; i < 5; i++) {
        publish(world, 2000);
        run_until(world, some_answers); /* in the middle of it */
        bus_stop_router(&world->bus);
        publish(world, 10);
        bus_start_router(&world->bus);
    }
    run_until(world, is_answered);
    run_until(world, all_events);
    assert_int_equal(world->ok, 10050);
    assert_int_equal(world->events, 10050);
    assert_false(world->out_of_order);
    struct ld_client_state now;
    ld_client_get_state(world->client, &now);
    assert_int_equal(now.reconnects, 5);
}

static void test_duplicates(void **state)
{
    struct world *world = *state;
    struct ld_event event = {.topic = "a/b", .producer_sequence = 5};
    world->client = open_client(world);
    for (int i = 0; i < 2; i++) {
        open_producer(world, world->client);
        assert_int_equal(ld_publish(world->producer, &event, on_published, world, NULL), LD_OK);
        world->published++;
        run_until(world, is_answered);
        ld_client_close(world->client, on_closed, world);
        run_until(world, no_clients);
        world->client = open_client(world);
    }
    assert_int_equal(world->ok, 1);
    assert_int_equal(world->duplicates, 1);
}

static bool is_ready(void *data)
{
    const struct world *world = data;
    return world->ready_code != -1;
}

static void test_newer_client_fences_the_older(void **state)
{
    struct world *world = *state;
    world->client = open_client(world);
    open_producer(world, world->client);
    run_until(world, is_ready);
    struct ld_producer *older = world->producer;
    world->other = open_client(world);
    open_producer(world, world->other);
    run_until(world, is_ready);
    publish(world, 1);
    run_until(world, is_answered);
    assert_int_equal(world->ok, 1);
    struct ld_event event = {.topic = "a/b"};
    assert_int_equal(ld_publish(older, &event, on_published, world, NULL), LD_OK);
    world->published++;
    run_until(world, is_answered);
    assert_int_equal(world->fenced, 1);
    assert_int_equal(ld_publish(older, &event, on_published, world, NULL), LD_FENCED);
}

/* Another client has the name while the first is away, and the router that knew of it ends: what
 * the first one then repeats is not what the log has under that sequence. */
static void test_overtaken_while_the_router_was_restarted(void **state)
{
    struct world *world = *state;
    char elsewhere[sizeof world->bus.endpoint];
    snprintf(elsewhere, sizeof elsewhere, "ipc://%s/elsewhere", world->bus.directory);
    world->client = open_client(world);
    open_producer(world, world->client);
    run_until(world, is_ready);
    publish(world, 1);
    run_until(world, is_answered);
    bus_stop_router(&world->bus);
    struct ld_event own = {.topic = "report/3303/x", .payload = "mine", .payload_size = 4};
    assert_int_equal(ld_publish(world->producer, &own, on_published, world, NULL), LD_OK);
    struct ld_producer *first = world->producer;

    char here[sizeof world->bus.endpoint];
    memcpy(here, world->bus.endpoint, sizeof here);
    memcpy(world->bus.endpoint, elsewhere, sizeof elsewhere);
    bus_start_router(&world->bus);
    world->other = open_client(world);
    open_producer(world, world->other);
    publish(world, 1);
    run_until(world, is_answered);
    assert_int_equal(world->ok, 2);
    bus_stop_router(&world->bus);
    memcpy(world->bus.endpoint, here, sizeof here);
    bus_start_router(&world->bus);

    world->published++; /* the first one's */
    run_until(world, is_answered);
    assert_int_equal(world->fenced, 1);
    assert_int_equal(world->ok, 2);
    assert_int_equal(ld_publish(first, &own, on_published, world, NULL), LD_FENCED);
}

static bool has_failed(void *data)
{
    const struct world *world = data;
    return world->failed_code != LD_OK;
}

static void test_refusals_are_told(void **state)
{
    struct world *world = *state;
    struct ld_event event = {.topic = "sys/tick"};
    world->client = open_client(world);
    open_producer(world, world->client);
    assert_int_equal(ld_publish(world->producer, &event, on_published, world, NULL), LD_OK);
    world->published++;
    run_until(world, is_answered);
    assert_int_equal(world->ok, 0);
    assert_non_null(strstr(world->text, "sys/"));
    open_stream(world, 1000000, ">");
    run_until(world, has_failed);
    assert_int_equal(world->failed_code, LD_NOTFOUND);
}

static bool status_came(void *data)
{
    const struct world *world = data;
    return world->status_code != -1 && world->advance_code != -1;
}

static void test_status_and_no_advance_outside_a_drill(void **state)
{
    struct world *world = *state;
    world->status_code = -1;
    world->client = open_client(world);
    assert_int_equal(ld_client_status(world->client, on_status, world, NULL), LD_OK);
    run_until(world, status_came);
    assert_int_equal(world->status_code, LD_OK);
    assert_int_equal(world->text[0], '{');
    world->advance_code = -1;
    assert_int_equal(ld_client_advance(world->client, 5, on_advanced, world, NULL), LD_OK);
    run_until(world, status_came);
    assert_int_equal(world->advance_code, LD_REFUSED);
}

static bool has_ticks(void *data)
{
    const struct world *world = data;
    return world->events >= 3;
}

static void test_advance_in_a_drill(void **state)
{
    struct world *world = *state;
    world->client = open_client(world);
    open_stream(world, LD_FROM_FIRST, "sys/tick");
    world->advance_code = -1;
    assert_int_equal(ld_client_advance(world->client, INT64_C(240000000), on_advanced, world, NULL),
                     LD_OK);
    run_until(world, status_came);
    assert_int_equal(world->advance_code, LD_OK);
    run_until(world, has_ticks);
    struct ld_client_state now;
    ld_client_get_state(world->client, &now);
    assert_true(now.drill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_publish_and_stream),
        TEST(test_restarts_lose_and_double_nothing),
        TEST(test_duplicates),
        TEST(test_newer_client_fences_the_older),
        TEST(test_overtaken_while_the_router_was_restarted),
        TEST(test_refusals_are_told),
        TEST(test_status_and_no_advance_outside_a_drill),
        cmocka_unit_test_setup_teardown(test_advance_in_a_drill, setup_drill, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
