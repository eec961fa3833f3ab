/*
 * libliandong in a plain program: a loop of its own, waiting calls, the descriptor. The fake router
 * runs in a thread of its own, as these calls block.
 */
#include "client_world.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

/* A router thread: started, told to stop, joined. Its fields are touched only when it is not
 * running, but for the endpoint, which is set before start returns. */
struct server {
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_sem_t started;
    struct fake fake;
    enum fake_publish publish;
};

struct plain {
    struct server server;
    struct world world; /* its counters and callbacks; its loop is not used */
};

static void on_stop(uv_async_t *async)
{
    struct server *server = async->data;
    fake_close(&server->fake);
    uv_close((uv_handle_t *)async, NULL);
}

static void *serve(void *data)
{
    struct server *server = data;
    uv_loop_init(&server->loop);
    uv_async_init(&server->loop, &server->stop, on_stop);
    server->stop.data = server;
    fake_open(&server->fake, &server->loop, "tcp://127.0.0.1:*");
    server->fake.publish = server->publish;
    for (int i = 0; i < 100; i++)
        fake_append(&server->fake, "duty/3303/health/1", "text");
    uv_sem_post(&server->started);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    return NULL;
}

static void start_server(struct plain *plain)
{
    uv_sem_init(&plain->server.started, 0);
    assert_int_equal(pthread_create(&plain->server.thread, NULL, serve, &plain->server), 0);
    uv_sem_wait(&plain->server.started);
}

static void open_plain(struct plain *plain)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = plain->server.fake.endpoint;
    options.identity = "3303.health";
    options.link_changed = on_link;
    options.data = &plain->world;
    assert_int_equal(ld_client_open(&options, &plain->world.client, NULL), LD_OK);
}

static int setup_plain(void **state)
{
    *state = calloc(1, sizeof(struct plain));
    return 0;
}

static int teardown_plain(void **state)
{
    struct plain *plain = *state;
    ld_client_close(plain->world.client, on_closed,
                    &plain->world); /* runs to the end; NULL is fine */
    assert_null(plain->world.client);
    uv_async_send(&plain->server.stop);
    pthread_join(plain->server.thread, NULL);
    uv_sem_destroy(&plain->server.started);
    fake_free(&plain->server.fake);
    free(plain);
    return 0;
}

static void test_wait_publish_flush_close(void **state)
{
    struct plain *plain = *state;
    struct world *world = &plain->world;
    size_t unanswered = 99;
    start_server(plain);
    open_plain(plain);
    assert_int_equal(ld_client_wait_up(world->client, 60000000, NULL), LD_OK);
    open_producer(world);
    publish_many(world, "a/b", 100);
    assert_int_equal(ld_client_flush(world->client, 60000000, &unanswered), LD_OK);
    assert_int_equal(unanswered, 0);
    assert_int_equal(world->answered[LD_OK], 100);
    assert_int_equal(ld_client_flush(world->client, 0, &unanswered), LD_OK);
}

static void test_flush_has_a_deadline(void **state)
{
    struct plain *plain = *state;
    struct world *world = &plain->world;
    size_t unanswered = 0;
    plain->server.publish = FAKE_HOLD;
    start_server(plain);
    open_plain(plain);
    open_producer(world);
    publish_many(world, "a/b", 10);
    assert_int_equal(ld_client_flush(world->client, 50000, &unanswered), LD_TIMEOUT);
    assert_int_equal(unanswered, 10);
    ld_client_close(world->client, on_closed, world);
    assert_true(world->closed);
    assert_int_equal(world->answered[LD_CANCELLED], 10);
}

static void test_wait_up_has_a_deadline(void **state)
{
    struct plain *plain = *state;
    struct ld_error error;
    struct ld_client_options options;
    start_server(plain);
    ld_client_options_init(&options);
    options.endpoint = "tcp://127.0.0.1:1";
    options.identity = "3303.health";
    assert_int_equal(ld_client_open(&options, &plain->world.client, NULL), LD_OK);
    assert_int_equal(ld_client_wait_up(plain->world.client, 30000, &error), LD_TIMEOUT);
    assert_non_null(strstr(error.text, "tcp://127.0.0.1:1"));
}

static void stop_at_last(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct world *world = data;
    on_event(stream, record, data);
    if (world->events == 100) {
        assert_int_equal(ld_client_run(world->client, 0), LD_INVALID); /* not from a callback */
        assert_int_equal(ld_client_flush(world->client, 0, NULL), LD_INVALID);
        ld_client_stop(world->client);
    }
}

static void open_plain_stream(struct world *world,
                              void (*event)(struct ld_stream *, const struct ld_record *, void *))
{
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.event = event;
    options.data = world;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, NULL), LD_OK);
}

static void test_run_until_stopped(void **state)
{
    struct plain *plain = *state;
    struct world *world = &plain->world;
    start_server(plain);
    open_plain(plain);
    open_plain_stream(world, stop_at_last);
    assert_int_equal(ld_client_run(world->client, -1), LD_OK);
    assert_int_equal(world->events, 100);
    assert_int_equal(ld_client_run(world->client, 0), LD_TIMEOUT);
    assert_int_equal(ld_client_run(world->client, 1000), LD_TIMEOUT);
}

static void test_close_from_event_inside_run(void **state)
{
    struct plain *plain = *state;
    struct world *world = &plain->world;
    start_server(plain);
    open_plain(plain);
    world->close_client_at = 10;
    open_plain_stream(world, on_event);
    assert_int_equal(ld_client_run(world->client, -1), LD_CLOSED);
    assert_true(world->closed);
    assert_int_equal(world->events, 10);
}

/* Nothing but poll on the descriptor and ld_client_run(…, 0): publishing, waiting and timers. */
static void test_descriptor(void **state)
{
    struct plain *plain = *state;
    struct world *world = &plain->world;
    start_server(plain);
    open_plain(plain);
    struct pollfd descriptor = {.fd = ld_client_fd(world->client), .events = POLLIN};
    assert_true(descriptor.fd >= 0);
    open_producer(world);
    open_plain_stream(world, on_event);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(publish(world, "a/b"), LD_OK);
        while (world->answers < world->published) {
            assert_int_equal(poll(&descriptor, 1, DEADLINE_MS), 1);
            assert_int_equal(ld_client_run(world->client, 0), LD_TIMEOUT);
        }
    }
    while (world->events < 300) {
        assert_int_equal(poll(&descriptor, 1, DEADLINE_MS), 1);
        assert_int_equal(ld_client_run(world->client, 0), LD_TIMEOUT);
    }
    assert_int_equal(world->answered[LD_OK], 200);
}

/* What a callback asked for is sent without waiting for anything else to happen. */
static void test_descriptor_knows_of_work_left(void **state)
{
    struct plain *plain = *state;
    struct world *world = &plain->world;
    start_server(plain);
    open_plain(plain);
    struct pollfd descriptor = {.fd = ld_client_fd(world->client), .events = POLLIN};
    open_producer(world);
    world->publish_from_event = true;
    open_plain_stream(world, on_event);
    while (world->events == 0) {
        assert_int_equal(poll(&descriptor, 1, DEADLINE_MS), 1);
        assert_int_equal(ld_client_run(world->client, 0), LD_TIMEOUT);
    }
    assert_int_equal(poll(&descriptor, 1, 0), 1);
}

/* Without a router there are timers only: the descriptor is quiet between them. */
static void test_descriptor_follows_timers(void **state)
{
    struct plain *plain = *state;
    struct ld_client_options options;
    start_server(plain);
    ld_client_options_init(&options);
    options.endpoint = "tcp://127.0.0.1:1";
    options.identity = "3303.health";
    assert_int_equal(ld_client_open(&options, &plain->world.client, NULL), LD_OK);
    struct pollfd descriptor = {.fd = ld_client_fd(plain->world.client), .events = POLLIN};
    for (int i = 0; i < 2; i++) {
        int rounds = 0;
        do {
            assert_int_equal(poll(&descriptor, 1, DEADLINE_MS), 1);
            assert_int_equal(ld_client_run(plain->world.client, 0), LD_TIMEOUT);
            assert_in_range(++rounds, 1, 1000);
        } while (poll(&descriptor, 1, 0) == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_plain, teardown_plain)
        TEST(test_wait_publish_flush_close),
        TEST(test_flush_has_a_deadline),
        TEST(test_wait_up_has_a_deadline),
        TEST(test_run_until_stopped),
        TEST(test_close_from_event_inside_run),
        TEST(test_descriptor),
        TEST(test_descriptor_knows_of_work_left),
        TEST(test_descriptor_follows_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
