/* libliandong when things go wrong: lost sessions and answers, restarts, silence, fencing. */
#include "client_world.h"

/* ---- loss ---- */

static void test_lost_session_is_made_good(void **state)
{
    struct world *world = *state;
    world->fake.batch_size_max = 2000;
    world->fake.cut_after = 500;
    world->fake.heartbeat_ms = UNHURRIED_MS;
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    publish_many(world, "a/b", 2000);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 2000);
    assert_false(world->answers_out_of_order);
    assert_int_equal(world->fake.head, 2000); /* nothing twice */
    assert_true(world->fake.nosessions > 0);
    assert_true(world->fake.records > 2000 - 500);
    struct ld_client_state state_now;
    ld_client_get_state(world->client, &state_now);
    assert_int_equal(state_now.reconnects, 1);
}

/* The answers are lost with the router: the events are there, and OK is the truth. */
static void test_lost_answers_become_ok(void **state)
{
    struct world *world = *state;
    world->fake.publish = FAKE_KEEP_SILENT;
    open_client(world);
    open_producer(world);
    publish_many(world, "a/b", 10);
    run_until(world, records_came);
    stop_fake(world);
    world->fake.publish = FAKE_ACCEPT;
    fake_open_again(&world->fake);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 10);
    assert_int_equal(world->fake.head, 10);
    assert_false(world->answers_out_of_order);
}

static bool was_published(struct world *world)
{
    return world->fake.publishes > 0 && world->fake.pings > 0;
}

/* The router's log has failed: what it could not answer is sent again to its next start. */
static void test_unknown_outcomes_wait_for_the_next_session(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    world->fake.publish = FAKE_REFUSE;
    world->fake.refuse_code = LD_UNKNOWN;
    publish_many(world, "a/b", 5);
    run_until(world, was_published);
    assert_int_equal(world->answers, 0);
    assert_int_equal(world->fake.publishes, 1);
    world->fake.publish = FAKE_ACCEPT;
    fake_forget_sessions(&world->fake);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 5);
    assert_int_equal(world->fake.head, 5);
}

static void test_restarted_router_is_found_again(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    publish_many(world, "a/b", 3);
    run_until(world, is_answered);
    stop_fake(world);
    publish_many(world, "a/b", 3);
    fake_open_again(&world->fake);
    run_until(world, is_answered);
    assert_int_equal(world->fake.head, 6);
    struct ld_client_state state_now;
    ld_client_get_state(world->client, &state_now);
    assert_int_equal(state_now.incarnation, 2);
    assert_int_equal(state_now.reconnects, 1);
    assert_true(world->link_changes[LD_LINK_UP] >= 2);
    assert_int_equal(world->ready_count, 1); /* ready is called once only */
}

static void test_silence_is_stale_and_heals(void **state)
{
    struct world *world = *state;
    open_client(world);
    run_until(world, is_up);
    world->fake.mute = true;
    run_until(world, is_stale);
    assert_non_null(strstr(world->link_reason, "no word from the router"));
    world->fake.mute = false;
    run_until(world, is_up);
}

static void test_malformed_answers_end_the_session_only(void **state)
{
    const enum fake_publish kinds[] = {FAKE_SHORT_RESULT, FAKE_GARBAGE};
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    for (int i = 0; i < 2; i++) {
        run_until(world, is_up);
        uint64_t downs = world->link_changes[LD_LINK_CONNECTING];
        world->fake.publish = kinds[i];
        publish_many(world, "a/b", 5);
        while (world->link_changes[LD_LINK_CONNECTING] == downs)
            uv_run(&world->loop, UV_RUN_ONCE);
        world->fake.publish = FAKE_ACCEPT;
        run_until(world, is_answered);
    }
    assert_int_equal(world->answered[LD_OK], 10);
    assert_int_equal(world->fake.head, 10);
}

static void test_stray_messages_are_ignored(void **state)
{
    struct world *world = *state;
    open_client(world);
    run_until(world, is_up);
    for (int operation = WIRE_HELLO; operation <= WIRE_ERROR; operation++) {
        struct wire_head head = {(enum wire_operation)operation, 123456, 1, 1};
        uint8_t raw[WIRE_HEAD_SIZE];
        wire_head_encode(raw, &head);
        if (operation != WIRE_PONG)
            fake_send_raw(&world->fake, raw, sizeof raw);
    }
    open_producer(world);
    publish_many(world, "a/b", 5);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 5);
    assert_int_equal(world->link_changes[LD_LINK_UP], 1);
}

static void test_giving_up(void **state)
{
    struct world *world = *state;
    struct ld_client_options options;
    client_options(world, &options);
    options.give_up_us = 1;
    world->fake.publish = FAKE_HOLD;
    assert_int_equal(ld_client_open(&options, &world->client, NULL), LD_OK);
    open_producer(world);
    run_until(world, is_ready);
    publish_many(world, "a/b", 5);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_UNKNOWN], 5);
    world->last_answered = 0;
    assert_int_equal(publish_at(world, "a/b", 1, on_published, world), LD_OK); /* repeated */
    run_until(world, is_answered);
    assert_int_equal(world->answers, 6);
}

/* ---- fencing and refusal of producers ---- */

static void test_fenced_producer_is_dead(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    world->fake.publish = FAKE_REFUSE;
    world->fake.refuse_code = LD_FENCED;
    publish_many(world, "a/b", 5);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_FENCED], 5);
    world->fake.publish = FAKE_ACCEPT;
    assert_int_equal(publish(world, "a/b"), LD_FENCED);
    open_producer(world); /* opening it again is the deliberate way to take it over */
    assert_int_equal(publish(world, "a/b"), LD_OK);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_OK], 1);
}

/* While we were away somebody else published under our name. */
static void test_overtaken_producer_is_fenced(void **state)
{
    struct world *world = *state;
    open_client(world);
    open_producer(world);
    publish_many(world, "a/b", 3);
    run_until(world, is_answered);
    world->fake.producers[0].last = 10;
    fake_forget_sessions(&world->fake);
    publish_many(world, "a/b", 2);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_FENCED], 2);
}

/* The router has to tell who comes back from who is new, and the newer of two connections. */
static void test_claims_are_counted(void **state)
{
    struct world *world = *state;
    const struct fake_producer *claim = &world->fake.producers[0];
    open_client(world);
    open_producer(world);
    run_until(world, is_ready);
    uint64_t claimant = claim->claimant;
    assert_true(claimant != 0);
    assert_int_equal(claim->round, 0);
    for (uint64_t round = 1; round <= 2; round++) {
        fake_forget_sessions(&world->fake);
        publish_many(world, "a/b", 1);
        run_until(world, is_answered);
        assert_true(claim->claimant == claimant);
        assert_int_equal(claim->round, round);
    }
}

static void test_refused_producer(void **state)
{
    struct world *world = *state;
    struct ld_producer *other;
    struct ld_error error;
    world->fake.refuse_producer = LD_DENIED;
    open_client(world);
    assert_int_equal(ld_producer_open(world->client, "3304.health", NULL, NULL, &other, &error),
                     LD_INVALID);
    assert_int_equal(ld_producer_open(world->client, "3303.healthy", NULL, NULL, &other, &error),
                     LD_INVALID);
    open_producer(world);
    assert_int_equal(
        ld_producer_open(world->client, "3303.health#desk-1", NULL, NULL, &other, &error),
        LD_INVALID);
    publish_many(world, "a/b", 2);
    run_until(world, is_answered);
    assert_int_equal(world->answered[LD_DENIED], 2);
    assert_int_equal(world->ready_code, LD_DENIED);
    assert_int_equal(world->ready_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_lost_session_is_made_good),
        TEST(test_lost_answers_become_ok),
        TEST(test_unknown_outcomes_wait_for_the_next_session),
        TEST(test_restarted_router_is_found_again),
        TEST(test_silence_is_stale_and_heals),
        TEST(test_malformed_answers_end_the_session_only),
        TEST(test_stray_messages_are_ignored),
        TEST(test_giving_up),
        TEST(test_fenced_producer_is_dead),
        TEST(test_overtaken_producer_is_fenced),
        TEST(test_claims_are_counted),
        TEST(test_refused_producer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
