/* zuv: re-entry from callbacks, closing at every step, bad messages and bad endpoints. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>

#include "zuv_world.h"

/* ---- re-entry ---- */

static void close_from_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct end *end = data;
    (void)message;
    end->received++;
    zuv_socket_close(socket, on_closed, end);
}

static bool left_closed(struct world *world)
{
    return world->left.closed;
}

static void test_close_from_message(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = close_from_message;
    open_end(&world->left, ZUV_ROUTER, &options);
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    for (int i = 0; i < 50; i++)
        send_text(&world->right, "x");
    run_until(world, left_closed);
    assert_int_equal(world->left.received, 1); /* nothing after close */
}

/* Opens, uses and abandons another socket from inside a message callback, then answers. */
static void open_from_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct end *end = data;
    struct zuv_options options;
    struct zuv_socket *other;
    zuv_options_init(&options);
    options.message = remember;
    options.data = &end->world->right;
    assert_int_equal(zuv_socket_open(end->world->zuv, ZUV_DEALER, &options, &other, NULL), LD_OK);
    assert_int_equal(zuv_connect(other, zuv_endpoint(socket), NULL), LD_OK);
    zuv_socket_close(other, NULL, NULL);
    end->received++;
    assert_int_equal(zuv_send(socket, message), LD_OK);
}

static void test_open_and_send_from_message(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = open_from_message;
    open_end(&world->left, ZUV_ROUTER, &options);
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    send_text(&world->right, "ping");
    run_until(world, right_received);
    assert_string_equal(world->right.last, "ping");
}

static void close_from_writable(struct zuv_socket *socket, void *data)
{
    struct end *end = data;
    end->writable++;
    zuv_socket_close(socket, on_closed, end);
}

static void test_close_from_writable(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.send_messages = 10;
    options.message = remember;
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    options.writable = close_from_writable;
    open_end(&world->right, ZUV_DEALER, &options);
    while (true) {
        struct zuv_message message = {.count = 0};
        put_text(&message, "x");
        int code = zuv_send(world->right.socket, &message);
        zuv_message_drop(&message);
        if (code == LD_BUSY)
            break;
    }
    assert_int_equal(zuv_connect(world->right.socket, zuv_endpoint(world->left.socket), NULL),
                     LD_OK);
    run_until(world, right_writable);
    assert_int_equal(world->right.writable, 1);
}

/*
 * A send from somebody else's prepare handle, called after zuv's own, may take the wake-up of a
 * message that came in: the loop must not rest over it. The handle sends for 30 ms, as
 * ZeroMQ looks for commands in a send once per millisecond at most.
 */
struct meddler {
    uv_prepare_t prepare;
    struct end *end;
    void *peer;
    bool armed;
};

static void meddle(uv_prepare_t *handle)
{
    struct meddler *meddler = handle->data;
    if (!meddler->armed)
        return;
    meddler->armed = false;
    assert_int_equal(zmq_send(meddler->peer, "second", 6, 0), 6);
    uint64_t start_ns = uv_hrtime(), sent_ns = 0;
    while (uv_hrtime() - start_ns < 30000000) {
        if (uv_hrtime() - sent_ns < 2000000)
            continue;
        sent_ns = uv_hrtime();
        send_text(meddler->end, "tick");
    }
}

static bool left_received_two(struct world *world)
{
    return world->left.received >= 2;
}

static void test_send_from_prepare_loses_no_wake_up(void **state)
{
    struct world *world = *state;
    struct meddler meddler = {.end = &world->left};
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = remember;
    uv_prepare_init(&world->loop, &meddler.prepare);
    uv_prepare_start(&meddler.prepare, meddle); /* first started, last called */
    meddler.prepare.data = &meddler;
    open_end(&world->left, ZUV_DEALER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    void *context = zmq_ctx_new();
    meddler.peer = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_connect(meddler.peer, zuv_endpoint(world->left.socket)), 0);
    assert_int_equal(zmq_send(meddler.peer, "first", 5, 0), 5);
    run_until(world, left_received);
    meddler.armed = true;
    run_until(world, left_received_two);
    assert_string_equal(world->left.last, "second");
    zmq_close(meddler.peer);
    uv_close((uv_handle_t *)&meddler.prepare, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    zmq_ctx_term(context);
}

/* ---- closing at every step ---- */

static void test_close_at_every_step(void **state)
{
    struct world *world = *state;
    for (int step = 0; step < 5; step++) {
        struct zuv_options options;
        zuv_options_init(&options);
        options.message = echo;
        open_end(&world->left, ZUV_ROUTER, &options);
        options.message = remember;
        open_end(&world->right, ZUV_DEALER, &options);
        world->left.received = world->right.received = 0;
        if (step > 0)
            join(world);
        if (step > 1)
            send_text(&world->right, "x");
        if (step > 2)
            run_until(world, left_received);
        if (step > 3)
            run_until(world, right_received);
        zuv_socket_close(world->left.socket, on_closed, &world->left);
        zuv_socket_close(world->right.socket, on_closed, &world->right);
        run_until(world, both_closed);
    }
}

/* ---- bad input ---- */

static bool left_malformed(struct world *world)
{
    struct zuv_stats stats;
    zuv_get_stats(world->left.socket, &stats);
    return stats.malformed > 0 && world->left.received > 0;
}

static void test_too_many_frames_are_dropped(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = remember;
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    void *context = zmq_ctx_new();
    void *peer = zmq_socket(context, ZMQ_DEALER);
    assert_int_equal(zmq_connect(peer, zuv_endpoint(world->left.socket)), 0);
    for (int i = 0; i < 9; i++)
        assert_int_equal(zmq_send(peer, "f", 1, i < 8 ? ZMQ_SNDMORE : 0), 1);
    assert_int_equal(zmq_send(peer, "good", 4, 0), 4);
    run_until(world, left_malformed);
    assert_string_equal(world->left.last, "good");
    assert_int_equal(world->left.received, 1);
    zmq_close(peer);
    zmq_ctx_term(context);
}

static void send_after(uv_timer_t *timer)
{
    send_text(timer->data, "after");
}

static void test_oversized_message_is_dropped(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.max_message_bytes = 1000;
    options.message = remember;
    open_end(&world->left, ZUV_ROUTER, &options);
    open_end(&world->right, ZUV_DEALER, &options);
    join(world);
    send_text(&world->right, "before");
    run_until(world, left_received);
    struct zuv_message big = {.count = 1};
    memset(zuv_frame_alloc(&big.frames[0], 1001), 'b', 1001);
    assert_int_equal(zuv_send(world->right.socket, &big), LD_OK);
    /* Arrives over the connection made anew; the first ones may be lost with the old one. */
    uv_timer_t again;
    uv_timer_init(&world->loop, &again);
    again.data = &world->right;
    uv_timer_start(&again, send_after, 0, 20);
    run_until(world, left_received_two);
    uv_close((uv_handle_t *)&again, NULL);
    uv_run(&world->loop, UV_RUN_NOWAIT);
    assert_string_equal(world->left.last, "after");
}

static void test_bind_errors(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    struct ld_error error;
    char path[64], endpoint[80];
    zuv_options_init(&options);
    open_end(&world->left, ZUV_ROUTER, &options);
    open_end(&world->right, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", &error), LD_OK);
    const char *used = zuv_endpoint(world->left.socket);
    assert_int_equal(zuv_bind(world->right.socket, used, &error), LD_ADDRINUSE);
    assert_non_null(strstr(error.text, used));
    snprintf(path, sizeof path, "/tmp/zuv-test-%d.sock", (int)getpid());
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    assert_int_equal(zuv_bind(world->left.socket, endpoint, &error), LD_OK);
    assert_int_equal(zuv_bind(world->right.socket, endpoint, &error), LD_ADDRINUSE);
    const char *bad[] = {"nonsense", "tcp://", "tcp://127.0.0.1:99999", "http://127.0.0.1:80", ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(zuv_bind(world->right.socket, bad[i], &error), LD_INVALID);
        assert_int_equal(zuv_connect(world->right.socket, bad[i], &error), LD_INVALID);
    }
    assert_int_equal(zuv_bind(world->right.socket, "ipc:///no/such/directory/s", &error),
                     LD_NOTFOUND);
    unlink(path);
}

/* A socket file that a killed process left behind is no reason to refuse. */
static void test_stale_ipc_file_is_replaced(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    char path[64], endpoint[80];
    zuv_options_init(&options);
    snprintf(path, sizeof path, "/tmp/zuv-stale-%d.sock", (int)getpid());
    snprintf(endpoint, sizeof endpoint, "ipc://%s", path);
    FILE *left_behind = fopen(path, "w");
    assert_non_null(left_behind);
    fclose(left_behind);
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, endpoint, NULL), LD_OK);
    unlink(path);
}

/* ---- wake-ups ---- */

/* Called once, when a socket has been found empty. */
static void (*on_empty)(void *socket);

/* In front of libzmq's. */
int zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    static int (*receive)(zmq_msg_t *, void *, int);
    if (receive == NULL)
        *(void **)&receive = dlsym(RTLD_NEXT, "zmq_msg_recv");
    int size = receive(message, socket, flags);
    void (*tell)(void *) = on_empty;
    if (size >= 0 || tell == NULL)
        return size;
    on_empty = NULL;
    tell(socket);
    errno = EAGAIN;
    return size;
}

static void *peer_by_hand;

/* A message comes in, and the socket's descriptor says so. */
static void send_second(void *socket)
{
    struct pollfd wake = {.events = POLLIN};
    size_t size = sizeof wake.fd;
    assert_int_equal(zmq_getsockopt(socket, ZMQ_FD, &wake.fd, &size), 0);
    assert_int_equal(zmq_send(peer_by_hand, "second", 6, 0), 6);
    assert_int_equal(poll(&wake, 1, DEADLINE_MS), 1);
}

static void ignore_writable(struct zuv_socket *socket, void *data)
{
    (void)socket, (void)data;
}

/* Until neither its queue nor the kernel takes any more. */
static void fill_up(struct end *end)
{
    for (int full = 0; full < 3;) {
        struct zuv_message message = {.count = 1};
        zuv_frame_alloc(&message.frames[0], 1 << 20);
        int code = zuv_send(end->socket, &message);
        zuv_message_drop(&message);
        full = code == LD_BUSY ? full + 1 : 0;
        if (code == LD_BUSY)
            (void)poll(NULL, 0, 20);
    }
}

static bool second_received(struct world *world)
{
    return strcmp(world->right.last, "second") == 0;
}

/* Whether there is room is asked of a socket that was just found empty; what came in between has
 * no other wake-up than the one that this takes. */
static void test_asking_for_room_takes_no_wake_up(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.send_messages = 1;
    options.message = remember;
    options.writable = ignore_writable;
    void *context = zmq_ctx_new();
    peer_by_hand = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(peer_by_hand, ZMQ_RCVHWM, &(int){1}, sizeof(int));
    zmq_setsockopt(peer_by_hand, ZMQ_LINGER, &(int){0}, sizeof(int));
    assert_int_equal(zmq_bind(peer_by_hand, "tcp://127.0.0.1:*"), 0);
    char endpoint[64];
    size_t size = sizeof endpoint;
    assert_int_equal(zmq_getsockopt(peer_by_hand, ZMQ_LAST_ENDPOINT, endpoint, &size), 0);
    open_end(&world->right, ZUV_DEALER, &options);
    assert_int_equal(zuv_connect(world->right.socket, endpoint, NULL), LD_OK);
    fill_up(&world->right);
    on_empty = send_second;
    assert_int_equal(zmq_send(peer_by_hand, "first", 5, 0), 5);
    run_until(world, second_received);
    zmq_close(peer_by_hand);
    zmq_ctx_term(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_close_from_message),
        TEST(test_open_and_send_from_message),
        TEST(test_close_from_writable),
        TEST(test_send_from_prepare_loses_no_wake_up),
        TEST(test_asking_for_room_takes_no_wake_up),
        TEST(test_close_at_every_step),
        TEST(test_too_many_frames_are_dropped),
        TEST(test_oversized_message_is_dropped),
        TEST(test_bind_errors),
        TEST(test_stale_ipc_file_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
