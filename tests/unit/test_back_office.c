/*
 * The example of an agency's back office, as the agency would run it: a process of its own, on the
 * real router. It answers each order once, whatever happens to it or to the router.
 */
#include "bus_world.h"

#include <liandong.h>
#include <liandong/v1/duty.pb-c.h>
#include <signal.h>
#include <string.h>

enum { ORDERS_MAX = 64 };

struct world {
    struct bus bus;
    struct ld_client *client;
    struct ld_producer *producer;
    struct ld_stream *replies;
    bool closed;
    char position[96];
    uv_process_t process;
    bool running;
    int64_t exit_status;
    int exit_signal;
    unsigned published, replied, answered[ORDERS_MAX], exercises;
    int action; /* that every answer says */
};

/* ---- the duty service's part ---- */

static void publish_order(struct world *world, unsigned number, uint16_t flags)
{
    char order_id[64], topic[128], zh[] = "开展流行病学调查", en[] = "Investigate the outbreak";
    char unit[] = "3303.health", section[] = "4.2.2", incident[] = "3303-cholera-20261011-1";
    uint8_t payload[1024];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Text text = LIANDONG__V1__TEXT__INIT;
    Liandong__V1__DutyOrder order = LIANDONG__V1__DUTY_ORDER__INIT;
    snprintf(order_id, sizeof order_id, "%s/a1.29.%u", incident, number);
    snprintf(topic, sizeof topic, "duty/3303/health/%s", order_id);
    context.incident = incident;
    text.zh = zh;
    text.en = en;
    order.context = &context;
    order.order = order_id;
    order.unit = unit;
    order.section = section;
    order.text = &text;
    order.level = LIANDONG__V1__LEVEL__LEVEL_II;
    order.state = LIANDONG__V1__DUTY_ORDER__STATE__ISSUED;
    order.acknowledge_by_us = 1800000000000000;
    size_t size = liandong__v1__duty_order__pack(&order, payload);
    struct ld_event event = {
        .topic = topic, .payload = payload, .payload_size = size, .flags = flags};
    assert_int_equal(ld_publish(world->producer, &event, NULL, NULL, NULL), LD_OK);
    world->published++;
}

static void on_reply(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct world *world = data;
    unsigned number = 0;
    (void)stream;
    Liandong__V1__DutyReply *reply =
        liandong__v1__duty_reply__unpack(NULL, record->payload_size, record->payload);
    assert_non_null(reply);
    assert_int_equal(reply->action, world->action);
    assert_string_equal(reply->context->author, "3303.health");
    assert_int_equal(sscanf(reply->order, "3303-cholera-20261011-1/a1.29.%u", &number), 1);
    assert_in_range(number, 0, ORDERS_MAX - 1);
    assert_memory_equal(record->topic, "reply/3303/health/3303-cholera-20261011-1/a1.29.", 48);
    world->answered[number]++;
    world->replied++;
    world->exercises += (record->flags & LD_RECORD_EXERCISE) != 0;
    liandong__v1__duty_reply__free_unpacked(reply, NULL);
}

static void open_duty(struct world *world)
{
    struct ld_client_options options;
    struct ld_stream_options replies;
    const char *filter = "reply/3303/health/>";
    ld_client_options_init(&options);
    options.endpoint = world->bus.endpoint;
    options.identity = "duty";
    options.loop = &world->bus.loop;
    assert_int_equal(ld_client_open(&options, &world->client, NULL), LD_OK);
    assert_int_equal(
        ld_producer_open(world->client, "duty#3303.health", NULL, NULL, &world->producer, NULL),
        LD_OK);
    ld_stream_options_init(&replies);
    replies.filters = &filter;
    replies.filter_count = 1;
    replies.event = on_reply;
    replies.data = world;
    assert_int_equal(ld_stream_open(world->client, &replies, &world->replies, NULL), LD_OK);
}

/* ---- the back office ---- */

static void on_office_exit(uv_process_t *process, int64_t exit_status, int signal)
{
    struct world *world = process->data;
    world->running = false;
    world->exit_status = exit_status;
    world->exit_signal = signal;
    uv_close((uv_handle_t *)process, NULL);
}

static void start_office(struct world *world, const char *orders)
{
    bool seen = world->action == LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE;
    char program[] = BACK_OFFICE;
    char *arguments[] = {program,
                         (char[]){"--unit"},
                         (char[]){"3303.health"},
                         (char[]){"--endpoint"},
                         world->bus.endpoint,
                         (char[]){"--position"},
                         world->position,
                         (char[]){"--orders"},
                         strdup(orders),
                         seen ? (char[]){"--acknowledge"} : NULL,
                         NULL};
    uv_process_options_t options = {.exit_cb = on_office_exit, .file = program, .args = arguments};
    world->process.data = world;
    assert_int_equal(uv_spawn(&world->bus.loop, &world->process, &options), 0);
    world->running = true;
    free(arguments[8]);
}

static bool office_ended(void *data)
{
    const struct world *world = data;
    return !world->running;
}

static bool all_replied(void *data)
{
    const struct world *world = data;
    return world->replied == world->published;
}

static bool some_replied(void *data)
{
    const struct world *world = data;
    return world->replied > 0;
}

static bool client_closed(void *data)
{
    const struct world *world = data;
    return world->closed;
}

static void on_closed(void *data)
{
    struct world *world = data;
    world->closed = true;
}

/* ---- tests ---- */

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world->action = LIANDONG__V1__DUTY_REPLY__ACTION__DELIVERED;
    bus_open(&world->bus, false);
    snprintf(world->position, sizeof world->position, "%s.position", world->bus.directory);
    open_duty(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->running)
        uv_process_kill(&world->process, SIGKILL);
    bus_run_until(&world->bus, office_ended, world);
    ld_client_close(world->client, on_closed, world);
    bus_run_until(&world->bus, client_closed, world);
    bus_close(&world->bus);
    unlink(world->position);
    char beside[128]; /* left by a kill between writing and renaming */
    snprintf(beside, sizeof beside, "%s.new", world->position);
    unlink(beside);
    free(world);
    return 0;
}

static void assert_each_once(const struct world *world)
{
    for (unsigned i = 0; i < world->published; i++)
        assert_int_equal(world->answered[i], 1);
}

static void answers_all(struct world *world)
{
    for (unsigned i = 0; i < 5; i++)
        publish_order(world, i, LD_RECORD_EXERCISE);
    start_office(world, "5");
    bus_run_until(&world->bus, all_replied, world);
    bus_run_until(&world->bus, office_ended, world);
    assert_int_equal(world->exit_status, 0);
    assert_each_once(world);
    assert_int_equal(world->exercises, 5); /* inherited */
}

static void test_orders_are_delivered(void **state)
{
    answers_all(*state);
}

static void test_orders_are_acknowledged(void **state)
{
    struct world *world = *state;
    world->action = LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE;
    answers_all(world);
}

static void test_a_unit_that_was_away_gets_everything(void **state)
{
    struct world *world = *state;
    publish_order(world, 0, 0);
    start_office(world, "1");
    bus_run_until(&world->bus, office_ended, world);
    for (unsigned i = 1; i < ORDERS_MAX; i++) /* while nobody listens */
        publish_order(world, i, i % 2 ? LD_RECORD_EXERCISE : 0);
    start_office(world, "63");
    bus_run_until(&world->bus, office_ended, world);
    bus_run_until(&world->bus, all_replied, world);
    assert_int_equal(world->exit_status, 0);
    assert_each_once(world);
    assert_int_equal(world->exercises, 32);
}

static void test_signal_ends_it_cleanly(void **state)
{
    struct world *world = *state;
    publish_order(world, 0, 0);
    start_office(world, "0");
    bus_run_until(&world->bus, all_replied, world);
    uv_process_kill(&world->process, SIGTERM);
    bus_run_until(&world->bus, office_ended, world);
    assert_int_equal(world->exit_signal, 0);
    assert_int_equal(world->exit_status, 0);
    assert_int_equal(access(world->position, R_OK), 0);
}

static void test_killed_and_restarted_it_repeats_nothing(void **state)
{
    struct world *world = *state;
    unsigned number = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 10; i++)
            publish_order(world, number++, 0);
        world->replied = 0;
        start_office(world, "0");
        bus_run_until(&world->bus, some_replied, world);
        if (round == 2) {
            bus_stop_router(&world->bus);
            bus_start_router(&world->bus);
        }
        uv_process_kill(&world->process, SIGKILL);
        bus_run_until(&world->bus, office_ended, world);
    }
    unsigned total = 0;
    for (unsigned i = 0; i < number; i++)
        total += world->answered[i];
    world->replied = total;
    start_office(world, "0");
    bus_run_until(&world->bus, all_replied, world);
    assert_each_once(world);
}

/* A position of another log must not be taken for one of this. */
static void test_position_of_another_log_is_refused(void **state)
{
    struct world *world = *state;
    FILE *file = fopen(world->position, "w");
    assert_non_null(file);
    fprintf(file, "00112233445566778899aabbccddeeff 77\n");
    fclose(file);
    publish_order(world, 0, 0);
    start_office(world, "1");
    bus_run_until(&world->bus, office_ended, world);
    assert_int_equal(world->exit_status, 1);
    assert_int_equal(world->replied, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_orders_are_delivered),
        TEST(test_orders_are_acknowledged),
        TEST(test_a_unit_that_was_away_gets_everything),
        TEST(test_signal_ends_it_cleanly),
        TEST(test_killed_and_restarted_it_repeats_nothing),
        TEST(test_position_of_another_log_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
