/* libliandong's streams on the caller's loop: order, gaps, damage, credit, resuming, closing. */
#include "client_world.h"

static void fill(struct world *world, int count)
{
    for (int i = 0; i < count; i++)
        fake_append(&world->fake, i % 2 ? "duty/3303/health/1" : "duty/3303/police/1", "text");
}

static void test_all_events_from_the_first(void **state)
{
    struct world *world = *state;
    fill(world, 1000);
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, has_all_events);
    assert_int_equal(world->events, 1000);
    assert_false(world->events_out_of_order);
    assert_int_equal(world->opened_from, 1);
    assert_int_equal(world->opened_head, 1000);
    assert_int_equal(ld_stream_position(world->stream), 1000);
    fake_append(&world->fake, "a/b", "live");
    run_until(world, has_all_events);
    assert_int_equal(world->events, 1001);
}

static bool is_covered(struct world *world)
{
    return ld_stream_position(world->stream) == world->fake.head;
}

static void test_filters_and_positions(void **state)
{
    struct world *world = *state;
    fill(world, 9);
    open_client(world);
    open_stream(world, 4, "duty/*/health/>");
    assert_int_equal(ld_stream_position(world->stream), 0);
    run_until(world, is_covered);
    assert_int_equal(world->events, 3); /* 4, 6, 8 */
    assert_int_equal(world->last_event, 8);
    assert_int_equal(ld_stream_position(world->stream), 9);
}

static void test_from_now(void **state)
{
    struct world *world = *state;
    fill(world, 10);
    open_client(world);
    open_stream(world, LD_FROM_NOW, NULL);
    run_until(world, stream_is_open);
    assert_int_equal(world->opened_from, 11);
    fill(world, 2);
    run_until(world, has_all_events);
    assert_int_equal(world->events, 2);
}

static void test_wrong_options(void **state)
{
    struct world *world = *state;
    struct ld_stream_options options;
    struct ld_error error;
    const char *bad = "duty/33*03";
    open_client(world);
    ld_stream_options_init(&options);
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, &error), LD_INVALID);
    options.event = on_event;
    options.filters = &bad;
    options.filter_count = 1;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, &error), LD_INVALID);
    assert_non_null(strstr(error.text, bad));
    options.filter_count = 65;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, &error), LD_INVALID);
}

/* ---- resuming ---- */

static void test_resumes_without_loss_or_repetition(void **state)
{
    struct world *world = *state;
    fill(world, 100);
    open_client(world);
    open_stream(world, LD_FROM_FIRST, "duty/3303/health/>");
    run_until(world, has_all_events);
    stop_fake(world);
    fake_open_again(&world->fake);
    fill(world, 100);
    run_until(world, has_all_events);
    assert_int_equal(world->events, 100);
    assert_false(world->events_out_of_order);
    assert_int_equal(world->opened_count, 2);
    assert_int_equal(world->opened_from, 101);
}

static void test_resumes_after_many_losses(void **state)
{
    struct world *world = *state;
    fill(world, 10);
    world->fake.chunk_records = 3;
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    for (int i = 0; i < 10; i++) {
        run_until(world, has_all_events);
        fake_forget_sessions(&world->fake);
        fill(world, 10);
    }
    run_until(world, has_all_events);
    assert_int_equal(world->events, 110);
    assert_false(world->events_out_of_order);
}

static void test_other_log_is_noticed(void **state)
{
    struct world *world = *state;
    fill(world, 10);
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, has_all_events);
    world->fake.log_byte = 8;
    fake_forget_sessions(&world->fake);
    run_until(world, stream_has_failed);
    assert_int_equal(world->failed_code, LD_REFUSED);
    assert_int_equal(world->events, 10);
}

static void test_shorter_log_is_noticed(void **state)
{
    struct world *world = *state;
    fill(world, 10);
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, has_all_events);
    world->fake.head = 5;
    world->fake.log.size = world->fake.offsets[5];
    fake_forget_sessions(&world->fake);
    run_until(world, stream_has_failed);
    assert_int_equal(world->failed_code, LD_CORRUPT);
}

/* ---- damage ---- */

static void test_damage_and_disorder_fail_the_stream(void **state)
{
    const struct {
        enum fake_chunk kind;
        int code;
        uint64_t events;
    } cases[] = {
        {FAKE_CHUNK_PAYLOAD, LD_CORRUPT, 0}, {FAKE_CHUNK_HEADER, LD_CORRUPT, 0},
        {FAKE_CHUNK_GAP, LD_PROTOCOL, 0},    {FAKE_CHUNK_ORDER, LD_PROTOCOL, 1},
        {FAKE_CHUNK_CUT, LD_CORRUPT, 1},
    };
    struct world *world = *state;
    world->fake.chunk_records = 2;
    fake_append(&world->fake, "duty/1", "same size");
    fake_append(&world->fake, "duty/2", "same size");
    open_client(world);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world->failed_count = 0;
        world->events = world->last_event = 0;
        world->fake.chunk = cases[i].kind;
        open_stream(world, LD_FROM_FIRST, NULL);
        run_until(world, stream_has_failed);
        assert_int_equal(world->failed_count, 1);
        assert_int_equal(world->failed_code, cases[i].code);
        assert_int_equal(world->events, cases[i].events);
        assert_true(world->failed_text[0] != '\0');
        ld_stream_close(world->stream);
    }
    world->events = world->last_event = 0;
    open_stream(world, LD_FROM_FIRST, NULL); /* the link is as good as before */
    run_until(world, has_all_events);
    assert_int_equal(world->events, 2);
    assert_int_equal(world->link_changes[LD_LINK_UP], 1);
}

static void test_refused_stream(void **state)
{
    struct world *world = *state;
    world->fake.refuse_open = LD_DENIED;
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, stream_has_failed);
    assert_int_equal(world->failed_code, LD_DENIED);
    assert_string_equal(world->failed_text, "because");
    ld_stream_close(world->stream);
}

/* ---- credit ---- */

static void open_with_credit(struct world *world, size_t credit, bool by_hand)
{
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.credit_bytes = credit;
    options.confirm_by_hand = by_hand;
    options.event = on_event;
    options.opened = on_opened;
    options.failed = on_failed;
    options.data = world;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, NULL), LD_OK);
}

static void test_credit_keeps_a_stream_flowing(void **state)
{
    struct world *world = *state;
    fill(world, 5000);
    world->fake.chunk_records = 7;
    open_client(world);
    open_with_credit(world, 1000, false);
    run_until(world, has_all_events);
    assert_int_equal(world->events, 5000);
    assert_true(world->fake.credits > 100);
    assert_false(world->events_out_of_order);
}

static bool credit_is_used_up(struct world *world)
{
    const struct fake_stream *stream = &world->fake.streams[0];
    return stream->open && stream->credit == 0 && world->last_event == stream->next - 1;
}

static bool processed_is_told(struct world *world)
{
    return world->fake.streams[0].processed >= 3;
}

static void test_confirming_by_hand_holds_the_credit(void **state)
{
    struct world *world = *state;
    fill(world, 1000);
    world->fake.chunk_records = 1;
    open_client(world);
    open_with_credit(world, 1000, true);
    run_until(world, credit_is_used_up);
    uint64_t before = world->events;
    for (int i = 0; i < 10; i++)
        uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_int_equal(world->events, before); /* nothing more without confirming */
    ld_stream_confirm(world->stream, 3);
    run_until(world, processed_is_told);
    assert_int_equal(world->fake.streams[0].processed, 3);
    while (world->last_event < 1000) {
        ld_stream_confirm(world->stream, world->last_event);
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_int_equal(world->events, 1000);
    assert_false(world->events_out_of_order);
}

/* All credit is held by events not confirmed when the session is lost: the stream is opened again
 * once some are. */
static void test_reopening_waits_for_confirmation(void **state)
{
    struct world *world = *state;
    fill(world, 100);
    world->fake.chunk_records = 1;
    world->fake.heartbeat_ms = UNHURRIED_MS;
    open_client(world);
    open_with_credit(world, 500, true);
    run_until(world, credit_is_used_up);
    fake_forget_sessions(&world->fake);
    open_producer(world);
    publish_many(world, "a/b", 1);
    run_until(world, is_answered); /* the new session is there, and has said what it wants */
    assert_int_equal(world->fake.hellos, 2);
    assert_int_equal(world->fake.opens, 1);
    while (world->last_event < 100) {
        ld_stream_confirm(world->stream, world->last_event);
        uv_run(&world->loop, UV_RUN_ONCE);
    }
    assert_false(world->events_out_of_order);
}

static bool one_is_told(struct world *world)
{
    return world->fake.streams[0].processed == 1;
}

/* Far less than a quarter of the credit: told at the next heartbeat, for the router's statistics.
 */
static void test_heartbeat_tells_what_is_processed(void **state)
{
    struct world *world = *state;
    fill(world, 1);
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, one_is_told);
}

/* ---- callbacks and closing ---- */

static void test_publish_from_event(void **state)
{
    struct world *world = *state;
    fill(world, 50);
    world->publish_from_event = true;
    open_client(world);
    open_producer(world);
    open_stream(world, LD_FROM_FIRST, "duty/>");
    run_until(world, is_covered);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 50);
}

static bool close_came(struct world *world)
{
    return world->fake.closes > 0;
}

static void test_close_from_own_event(void **state)
{
    struct world *world = *state;
    fill(world, 50);
    world->close_stream_at = 5;
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, close_came);
    assert_int_equal(world->events, 5);
}

static void test_close_client_from_event(void **state)
{
    struct world *world = *state;
    fill(world, 50);
    world->close_client_at = 5;
    open_client(world);
    open_stream(world, LD_FROM_FIRST, NULL);
    run_until(world, is_closed);
    assert_int_equal(world->events, 5);
}

static void test_close_stream_at_every_step(void **state)
{
    struct world *world = *state;
    bool (*const steps[])(struct world *) = {NULL, is_up, stream_is_open, has_all_events};
    fill(world, 10);
    open_client(world);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        world->events = world->last_event = 0;
        world->opened_count = 0;
        open_stream(world, LD_FROM_FIRST, NULL);
        if (steps[i] != NULL)
            run_until(world, steps[i]);
        uint64_t before = world->events;
        ld_stream_close(world->stream);
        for (int turn = 0; turn < 5; turn++)
            uv_run(&world->loop, UV_RUN_NOWAIT);
        assert_int_equal(world->events, before);
    }
    open_stream(world, LD_FROM_FIRST, NULL);
    world->events = world->last_event = 0;
    run_until(world, has_all_events);
}

static void close_from_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    on_failed(stream, error, data);
    ld_stream_close(stream);
}

static void test_close_from_failed(void **state)
{
    struct world *world = *state;
    struct ld_stream_options options;
    world->fake.refuse_open = LD_DENIED;
    open_client(world);
    ld_stream_options_init(&options);
    options.event = on_event;
    options.failed = close_from_failed;
    options.data = world;
    assert_int_equal(ld_stream_open(world->client, &options, &world->stream, NULL), LD_OK);
    run_until(world, stream_has_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_all_events_from_the_first),
        TEST(test_filters_and_positions),
        TEST(test_from_now),
        TEST(test_wrong_options),
        TEST(test_resumes_without_loss_or_repetition),
        TEST(test_resumes_after_many_losses),
        TEST(test_other_log_is_noticed),
        TEST(test_shorter_log_is_noticed),
        TEST(test_damage_and_disorder_fail_the_stream),
        TEST(test_refused_stream),
        TEST(test_credit_keeps_a_stream_flowing),
        TEST(test_confirming_by_hand_holds_the_credit),
        TEST(test_reopening_waits_for_confirmation),
        TEST(test_heartbeat_tells_what_is_processed),
        TEST(test_publish_from_event),
        TEST(test_close_from_own_event),
        TEST(test_close_client_from_event),
        TEST(test_close_stream_at_every_step),
        TEST(test_close_from_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
