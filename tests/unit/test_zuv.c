/* zuv: messages flow; flooding both ways, signals, wake-ups, stalled peers, shared frames, XPUB. */
#include "zuv_world.h"

#include <poll.h>
#include <signal.h>
#include <sys/time.h>

enum { FLOOD_MESSAGES = 100000, SEND_LOOKS_NS = 20000000 };

static void test_echo(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = echo;
    open_end(&world->left, ZUV_ROUTER, &options);
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    send_text(&world->right, "hello");
    run_until(world, right_received);
    assert_string_equal(world->right.last, "hello");
    struct zuv_stats stats;
    zuv_get_stats(world->right.socket, &stats);
    assert_int_equal(stats.sent, 1);
    assert_int_equal(stats.received, 1);
    assert_int_equal(stats.sent_bytes, 5);
    assert_int_equal(stats.received_bytes, 5);
}

/* ---- flooding ---- */

static void put_number(struct zuv_message *message, uint64_t number)
{
    zuv_frame_copy(&message->frames[message->count++], &number, sizeof number);
}

static void flood(struct end *end)
{
    int code = LD_OK;
    while (code == LD_OK && end->sent < end->to_send && end->peer.count > 0) {
        struct zuv_message message = {.count = 0};
        const struct zuv_frame *peer = &end->peer.frames[0];
        if (zuv_frame_size(peer) > 0)
            zuv_frame_copy(&message.frames[message.count++], zuv_frame_data(peer),
                           zuv_frame_size(peer));
        put_number(&message, end->sent);
        code = zuv_send(end->socket, &message);
        if (code == LD_OK)
            end->sent++;
        zuv_message_drop(&message);
    }
    assert_true(code == LD_OK || code == LD_BUSY);
}

static void flood_writable(struct zuv_socket *socket, void *data)
{
    struct end *end = data;
    (void)socket;
    end->writable++;
    flood(end);
}

static void flood_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct end *end = data;
    uint64_t number;
    (void)socket;
    assert_int_equal(zuv_frame_size(&message->frames[message->count - 1]), sizeof number);
    memcpy(&number, zuv_frame_data(&message->frames[message->count - 1]), sizeof number);
    if (number != end->next)
        end->out_of_order = true;
    end->next = number + 1;
    end->received++;
    end->turn_count++;
    if (message->count > 1 && end->peer.count == 0) {
        zuv_frame_take(&end->peer.frames[0], &message->frames[0]);
        end->peer.count = 1;
        flood(end);
    }
}

static bool both_flooded(struct world *world)
{
    struct end *ends[] = {&world->left, &world->right};
    for (int i = 0; i < 2; i++) {
        if (ends[i]->turn_count > ends[i]->turn_max)
            ends[i]->turn_max = ends[i]->turn_count;
        ends[i]->turn_count = 0;
    }
    return world->left.received == FLOOD_MESSAGES && world->right.received == FLOOD_MESSAGES;
}

static void test_flood_both_ways(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.turn_messages = 100;
    options.message = flood_message;
    options.writable = flood_writable;
    open_end(&world->left, ZUV_ROUTER, &options);
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    world->left.to_send = world->right.to_send = FLOOD_MESSAGES;
    zuv_frame_copy(&world->right.peer.frames[0], "", 0);
    world->right.peer.count = 1;
    flood(&world->right);
    run_until(world, both_flooded);
    assert_false(world->left.out_of_order);
    assert_false(world->right.out_of_order);
    assert_in_range(world->left.turn_max, 1, 100);
    assert_in_range(world->right.turn_max, 1, 100);
}

/* ---- signals ---- */

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* Sends [number][number] until full: a frame that is lost or sent twice shows as disorder. */
static void flood_pairs(struct end *end)
{
    int code = LD_OK;
    while (code == LD_OK && end->sent < end->to_send) {
        struct zuv_message message = {.count = 0};
        put_number(&message, end->sent);
        put_number(&message, end->sent);
        code = zuv_send(end->socket, &message);
        if (code == LD_OK)
            end->sent++;
        zuv_message_drop(&message);
    }
}

static void pairs_writable(struct zuv_socket *socket, void *data)
{
    (void)socket;
    flood_pairs(data);
}

static void check_pair(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct end *end = data;
    (void)socket;
    assert_int_equal(message->count, 3);
    for (size_t i = 1; i < 3; i++) {
        assert_int_equal(zuv_frame_size(&message->frames[i]), sizeof end->next);
        assert_memory_equal(zuv_frame_data(&message->frames[i]), &end->next, sizeof end->next);
    }
    end->next++;
    end->received++;
}

static bool all_pairs(struct world *world)
{
    return world->left.received == FLOOD_MESSAGES;
}

static void test_signals_tear_no_message(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    struct sigaction action = {.sa_handler = count_signal}, before;
    const struct itimerval often = {{0, 20}, {0, 20}}, never = {{0, 0}, {0, 0}};
    zuv_options_init(&options);
    options.message = check_pair;
    open_end(&world->left, ZUV_ROUTER, &options);
    options.message = NULL;
    options.writable = pairs_writable;
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &often, NULL);
    world->right.to_send = FLOOD_MESSAGES;
    flood_pairs(&world->right);
    run_until(world, all_pairs);
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_true(signals > 0);
}

/* ---- wake-ups ---- */

static void wait_for_wake_up(uv_handle_t *handle, void *data)
{
    struct pollfd item = {.events = POLLIN};
    (void)data;
    if (handle->type != UV_POLL)
        return;
    assert_int_equal(uv_fileno(handle, &item.fd), 0);
    assert_int_equal(poll(&item, 1, DEADLINE_MS), 1);
}

struct late {
    uv_prepare_t prepare;
    struct world *world;
    void *peer;
};

/* Runs behind the socket's own prepare: a message comes in, and a send takes its wake-up. */
static void take_wake_up(uv_prepare_t *prepare)
{
    struct late *late = prepare->data;
    if (late->world->left.received == 0)
        return;
    uv_prepare_stop(prepare);
    assert_int_equal(zmq_send(late->peer, "x", 1, 0), 1);
    uv_walk(&late->world->loop, wait_for_wake_up, NULL);
    uint64_t start_ns = uv_hrtime();
    while (uv_hrtime() - start_ns < SEND_LOOKS_NS) /* ZeroMQ looks only so often when it sends */
        continue;
    struct zuv_message message = {.count = 1};
    zuv_frame_copy(&message.frames[0], zuv_frame_data(&late->world->left.peer.frames[0]),
                   zuv_frame_size(&late->world->left.peer.frames[0]));
    put_text(&message, "y");
    assert_int_equal(zuv_send(late->world->left.socket, &message), LD_OK);
}

static bool left_received_twice(struct world *world)
{
    return world->left.received == 2;
}

static void test_a_send_before_the_sleep_takes_no_wake_up(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    struct late late = {.world = world};
    uv_prepare_init(&world->loop, &late.prepare); /* libuv runs what was started first last */
    late.prepare.data = &late;
    zuv_options_init(&options);
    options.message = remember;
    uv_prepare_start(&late.prepare, take_wake_up);
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    void *context = zmq_ctx_new();
    late.peer = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_connect(late.peer, zuv_endpoint(world->left.socket)), 0);
    assert_int_equal(zmq_send(late.peer, "first", 5, 0), 5);
    run_until(world, left_received_twice);
    uv_close((uv_handle_t *)&late.prepare, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    zmq_setsockopt(late.peer, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_close(late.peer);
    zmq_ctx_term(context);
}

static bool may_sleep(struct world *world)
{
    return uv_backend_timeout(&world->loop) != 0;
}

/* A send keeps the loop awake for a turn, not for ever. */
static void test_a_quiet_socket_lets_the_loop_sleep(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = echo;
    open_end(&world->left, ZUV_ROUTER, &options);
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    send_text(&world->right, "hello");
    assert_int_equal(uv_backend_timeout(&world->loop), 0);
    run_until(world, right_received);
    run_until(world, may_sleep);
}

/* ---- a stalled peer ---- */

static void count_writable(struct zuv_socket *socket, void *data)
{
    struct end *end = data;
    (void)socket;
    end->writable++;
}

static uint64_t fill(struct end *end)
{
    uint64_t filled = 0;
    for (;;) {
        struct zuv_message message = {.count = 0};
        put_text(&message, "one");
        put_text(&message, "two");
        int code = zuv_send(end->socket, &message);
        if (code != LD_OK) {
            assert_int_equal(code, LD_BUSY);
            assert_int_equal(message.count, 2); /* still ours, whole */
            assert_int_equal(zuv_frame_size(&message.frames[0]), 3);
            assert_int_equal(zuv_frame_size(&message.frames[1]), 3);
            zuv_message_drop(&message);
            return filled;
        }
        filled++;
    }
}

static void test_stalled_dealer_becomes_writable(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.send_messages = options.receive_messages = 10;
    options.writable = count_writable;
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    /* Nobody listens yet: only the queue's own 10 fit. */
    char endpoint[80];
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/zuv-stalled-%d.sock", (int)getpid());
    assert_int_equal(zuv_connect(world->right.socket, endpoint, NULL), LD_OK);
    assert_int_equal(fill(&world->right), 10);
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, endpoint, NULL), LD_OK);
    run_until(world, right_writable);
    struct zuv_stats stats;
    zuv_get_stats(world->right.socket, &stats);
    assert_int_equal(stats.busy, 1);
    send_text(&world->right, "more");
    unlink(endpoint + sizeof "ipc://" - 1);
}

static uint64_t fill_peer(struct end *end)
{
    uint64_t filled = 0;
    for (;;) {
        struct zuv_message message = {.count = 0};
        zuv_frame_copy(&message.frames[message.count++], zuv_frame_data(&end->peer.frames[0]),
                       zuv_frame_size(&end->peer.frames[0]));
        memset(zuv_frame_alloc(&message.frames[message.count++], 100000), 'x', 100000);
        int code = zuv_send(end->socket, &message);
        zuv_message_drop(&message);
        if (code != LD_OK) {
            assert_int_equal(code, LD_BUSY);
            return filled;
        }
        filled++;
    }
}

static bool left_hinted(struct world *world)
{
    return world->left.writable > 0;
}

/* A ROUTER whose only busy peer reads nothing: hints come slowly, not on every turn. */
static void test_stalled_peer_of_router(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.send_messages = options.receive_messages = 5;
    options.writable = count_writable;
    options.message = remember;
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    void *context = zmq_ctx_new();
    void *peer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(peer, ZMQ_RCVHWM, &(int){5}, sizeof(int));
    assert_int_equal(zmq_connect(peer, zuv_endpoint(world->left.socket)), 0);
    assert_int_equal(zmq_send(peer, "hi", 2, 0), 2);
    run_until(world, left_received);
    assert_true(fill_peer(&world->left) >= 5);
    run_until(world, left_hinted);
    char byte;
    while (zmq_recv(peer, &byte, 1, ZMQ_DONTWAIT) >= 0)
        continue;
    world->left.writable = 0;
    fill_peer(&world->left);
    run_until(world, left_hinted);
    zmq_setsockopt(peer, ZMQ_LINGER, &(int){0}, sizeof(int));
    zmq_close(peer);
    zmq_ctx_term(context);
}

static void test_unknown_peer_is_unreachable(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    struct zuv_message message = {.count = 0};
    put_text(&message, "nobody");
    put_text(&message, "text");
    assert_int_equal(zuv_send(world->left.socket, &message), LD_UNREACHABLE);
    assert_int_equal(message.count, 2);
    assert_int_equal(zuv_frame_size(&message.frames[1]), 4);
    zuv_message_drop(&message);
}

/* ---- shared frames ---- */

static atomic_int released;

static void count_release(void *data, void *hint)
{
    (void)data;
    assert_ptr_equal(hint, &released);
    atomic_fetch_add(&released, 1);
}

static bool released_three(struct world *world)
{
    (void)world;
    return atomic_load(&released) == 3;
}

static void keep_turning(uv_idle_t *handle)
{
    (void)handle;
}

static bool left_has_big(struct world *world)
{
    return world->left.received == 1;
}

static void test_shared_frames_are_released_once(void **state)
{
    static uint8_t bytes[100000];
    struct world *world = *state;
    struct zuv_options options;
    atomic_store(&released, 0);
    zuv_options_init(&options);
    options.message = remember;
    open_end(&world->left, ZUV_ROUTER, &options);
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    struct zuv_message sent = {.count = 0}, dropped = {.count = 0};
    zuv_frame_share(&dropped.frames[dropped.count++], bytes, sizeof bytes, count_release,
                    &released);
    zuv_message_drop(&dropped);
    assert_int_equal(atomic_load(&released), 1);
    for (int i = 0; i < 2; i++)
        zuv_frame_share(&sent.frames[sent.count++], bytes, sizeof bytes, count_release, &released);
    assert_int_equal(zuv_send(world->right.socket, &sent), LD_OK);
    run_until(world, left_has_big);
    /* A received message is released by another thread a moment later. */
    uv_idle_t idle;
    uv_idle_init(&world->loop, &idle);
    uv_idle_start(&idle, keep_turning);
    run_until(world, released_three);
    uv_close((uv_handle_t *)&idle, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
}

/* ---- publish and subscribe ---- */

static bool left_received_once(struct world *world)
{
    return world->left.received == 1;
}

static void judge(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    remember(socket, message, data);
    const struct end *end = data;
    if (strcmp(end->last, "\1secret/") != 0)
        zuv_subscription_apply(socket, message);
}

static void test_xpub_sub(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = judge;
    open_end(&world->left, ZUV_XPUB, &options);
    open_end(&world->right, ZUV_SUB, &options);
    join(world);
    assert_int_equal(zuv_subscribe(world->right.socket, "duty/3303/", 10, NULL), LD_OK);
    run_until(world, left_received_once);
    assert_string_equal(world->left.last, "\1duty/3303/");
    assert_int_equal(zuv_subscribe(world->right.socket, "secret/", 7, NULL), LD_OK);
    run_until(world, left_received_twice);
    send_text(&world->left, "secret/not for this one");
    send_text(&world->left, "duty/3304/not for this one");
    send_text(&world->left, "duty/3303/health");
    run_until(world, right_received);
    assert_string_equal(world->right.last, "duty/3303/health");
    assert_int_equal(world->right.received, 1);
    zuv_socket_close(world->right.socket, on_closed, &world->right);
    world->left.received = 0;
    run_until(world, left_received_twice);
    assert_int_equal(world->left.last[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_echo),
        TEST(test_flood_both_ways),
        TEST(test_signals_tear_no_message),
        TEST(test_a_send_before_the_sleep_takes_no_wake_up),
        TEST(test_a_quiet_socket_lets_the_loop_sleep),
        TEST(test_stalled_dealer_becomes_writable),
        TEST(test_stalled_peer_of_router),
        TEST(test_unknown_peer_is_unreachable),
        TEST(test_shared_frames_are_released_once),
        TEST(test_xpub_sub),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
