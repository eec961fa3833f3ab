/* zuv: sockets that strangers connect to. Too many of them, silent ones, messages without end. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "fault/zmtp.h"
#include "zuv_world.h"

enum {
    CONNECTIONS_MAX = 8,
    STRANGERS = 40,
    FRAME_BYTES = 1 << 16,
    HEARTBEATS_MS = 500,
    LOOK_MS = 5
};

static struct zuv_guard_stats guard_stats(struct world *world)
{
    struct zuv_guard_stats stats;
    zuv_get_guard_stats(world->left.socket, &stats);
    return stats;
}

/* Keeps everybody that says something, and answers. */
static void keep(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct zuv_link link = zuv_link_of(socket, message);
    zuv_link_heard(socket, link, message);
    zuv_link_keep(socket, link);
    ((struct end *)data)->received++;
    int code = zuv_send(socket, message);
    assert_true(code == LD_OK || code == LD_UNREACHABLE); /* it may have gone */
}

static void open_guarded(struct world *world, struct zuv_options *options)
{
    options->message = keep;
    options->connections_max = CONNECTIONS_MAX;
    open_end(&world->left, ZUV_ROUTER, options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
}

static void open_friend(struct world *world)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    assert_int_equal(zuv_connect(world->right.socket, zuv_endpoint(world->left.socket), NULL),
                     LD_OK);
    send_text(&world->right, "hello");
    run_until(world, right_received);
}

/* The friend is still there, over the same connection. */
static void check_friend(struct world *world)
{
    uint64_t kept = guard_stats(world).kept;
    world->right.received = 0;
    send_text(&world->right, "again");
    run_until(world, right_received);
    assert_int_equal(guard_stats(world).kept, kept);
}

static void connect_strangers(struct world *world, int strangers[STRANGERS])
{
    for (size_t i = 0; i < STRANGERS; i++) {
        strangers[i] = zmtp_connect(zuv_endpoint(world->left.socket));
        assert_true(strangers[i] >= 0);
    }
}

static void close_strangers(const int strangers[STRANGERS])
{
    for (size_t i = 0; i < STRANGERS; i++)
        close(strangers[i]);
}

static bool all_accepted_few_left(struct world *world)
{
    struct zuv_guard_stats stats = guard_stats(world);
    return stats.accepted == STRANGERS + 1 && stats.connections <= CONNECTIONS_MAX;
}

static void test_too_many_connections_are_cut_off(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    int strangers[STRANGERS];
    zuv_options_init(&options);
    open_guarded(world, &options);
    open_friend(world);
    connect_strangers(world, strangers);
    run_until(world, all_accepted_few_left);
    struct zuv_guard_stats stats = guard_stats(world);
    assert_int_equal(stats.connections, CONNECTIONS_MAX);
    assert_int_equal(stats.cut_excess, STRANGERS + 1 - CONNECTIONS_MAX);
    assert_int_equal(stats.kept, 1);
    check_friend(world);
    close_strangers(strangers);
}

static bool talker_is_gone(struct world *world)
{
    return guard_stats(world).cut_talker == 1 && guard_stats(world).kept == 1;
}

static void check_talker(struct world *world, struct zuv_options *options)
{
    open_guarded(world, options);
    open_friend(world);
    int talker = zmtp_session(zuv_endpoint(world->left.socket), "talker");
    assert_true(talker >= 0);
    for (int i = 0; i < 10; i++)
        zmtp_frame(talker, 0, "a word", 6);
    run_until(world, talker_is_gone);
    check_friend(world);
    close(talker);
}

static void test_who_says_too_much_has_to_go(void **state)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.messages_max = 10;
    check_talker(*state, &options);
}

static void test_who_says_too_much_at_once_has_to_go(void **state)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.bytes_max = 200;
    check_talker(*state, &options);
}

/* Reads what the listener says until it ends the connection. */
static bool is_cut_off(int peer)
{
    struct pollfd poll_peer = {.fd = peer, .events = POLLIN};
    char bytes[256];
    ssize_t size;
    do {
        if (poll(&poll_peer, 1, DEADLINE_MS) != 1)
            return false;
        size = recv(peer, bytes, sizeof bytes, 0);
    } while (size > 0);
    return true;
}

/* ZMTP 1.0 has no greeting, 2.0 one with revision 1. Closing while their first message comes in
 * would end the process. */
static void test_old_protocols_are_refused(void **state)
{
    static const char FIRST[] = "\x05\x00peer\x02\x00x";
    static const char SECOND[] = "\xff\0\0\0\0\0\0\0\x01\x7f\x01\x05\0\x04peer\0\x01x";
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.handshake_ms = 0; /* it is not the time that they take */
    open_guarded(world, &options);
    open_friend(world);
    int peers[2] = {zmtp_connect(zuv_endpoint(world->left.socket)),
                    zmtp_connect(zuv_endpoint(world->left.socket))};
    assert_true(zmtp_write(peers[0], FIRST, sizeof FIRST - 1));
    assert_true(zmtp_write(peers[1], SECOND, sizeof SECOND - 1));
    assert_true(is_cut_off(peers[0]));
    assert_true(is_cut_off(peers[1]));
    check_friend(world);
    close(peers[0]);
    close(peers[1]);
}

/* The end has come through to the peers, too: the first ones read it. */
static bool strangers_gone(struct world *world)
{
    return guard_stats(world).cut_stranger == STRANGERS;
}

static void test_strangers_have_to_go(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    int strangers[STRANGERS];
    uint8_t byte;
    zuv_options_init(&options);
    options.stranger_ms = 50;
    options.connections_max = 100;
    options.message = keep;
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    open_friend(world);
    connect_strangers(world, strangers);
    run_until(world, strangers_gone);
    for (size_t i = 0; i < STRANGERS; i++) {
        ssize_t received;
        while ((received = recv(strangers[i], &byte, 1, 0)) != 0)
            assert_true(received == 1 || errno == EAGAIN || errno == EINTR);
    }
    check_friend(world);
    close_strangers(strangers);
}

static bool one_unfinished(struct world *world)
{
    return guard_stats(world).cut_unfinished == 1;
}

/* Frames without a last one. ZeroMQ keeps them all, for a message that never comes. */
static void check_endless(struct world *world, size_t frame_bytes)
{
    static uint8_t bytes[FRAME_BYTES];
    struct zuv_options options;
    zuv_options_init(&options);
    options.max_message_bytes = FRAME_BYTES;
    options.receive_messages = 4;
    open_guarded(world, &options);
    open_friend(world);
    int endless = zmtp_connect(zuv_endpoint(world->left.socket));
    assert_int_equal(zmtp_greet(endless, "DEALER"), 0);
    uint64_t sent = 0;
    world->late = false;
    uv_timer_start(&world->deadline, on_deadline, DEADLINE_MS, 0);
    while (!one_unfinished(world) && !world->late) {
        if (zmtp_frame(endless, ZMTP_MORE, bytes, frame_bytes))
            sent++;
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    uv_timer_stop(&world->deadline);
    assert_false(world->late);
    assert_true(sent > 0);
    check_friend(world);
    close(endless);
}

static void test_endless_message_is_cut_off(void **state)
{
    check_endless(*state, FRAME_BYTES);
}

static void test_endless_message_of_small_frames_is_cut_off(void **state)
{
    check_endless(*state, 5000);
}

static bool two_unheard(struct world *world)
{
    struct zuv_guard_stats stats = guard_stats(world);
    return stats.unheard >= 2 && stats.connections == 1;
}

static void test_ends_without_a_word_are_counted(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.handshake_ms = 50;
    open_guarded(world, &options);
    open_friend(world);
    int wrong = zmtp_connect(zuv_endpoint(world->left.socket));
    zmtp_greet(wrong, "PUB");
    int silent = zmtp_connect(zuv_endpoint(world->left.socket));
    run_until(world, two_unheard);
    check_friend(world);
    close(wrong);
    close(silent);
}

static void on_later(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Gives ZeroMQ's thread time for some heartbeats while nobody reads the socket. */
static void let_pass(uint64_t ms)
{
    uv_loop_t loop;
    uv_timer_t timer;
    assert_int_equal(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_later, ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
}

/* Sends until nothing more has been taken for a while. */
static void fill(int peer)
{
    static uint8_t bytes[FRAME_BYTES];
    struct pollfd room = {.fd = peer, .events = POLLOUT};
    zmtp_frame(peer, 0, bytes, sizeof bytes);
    while (poll(&room, 1, 50) == 1 && send(peer, bytes, 1, MSG_NOSIGNAL) > 0)
        send(peer, bytes, sizeof bytes, MSG_NOSIGNAL);
}

static void reset(int peer)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(peer);
}

/* ZeroMQ asserts when it has a heartbeat to send on a connection that broke with its queue full. */
static void test_reset_with_a_full_queue_does_no_harm(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.receive_messages = 2;
    open_guarded(world, &options);
    int peer = zmtp_connect(zuv_endpoint(world->left.socket));
    assert_int_equal(zmtp_greet(peer, "DEALER"), 0);
    fill(peer);
    reset(peer);
    let_pass(HEARTBEATS_MS);
    open_friend(world);
    check_friend(world);
}

static int listener;

static void listen_by_hand(char *endpoint, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &address_size), 0);
    snprintf(endpoint, size, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
}

/* The loop turns meanwhile: the socket reads, and learns that its connection is gone. */
static int accept_by_hand(struct world *world)
{
    struct pollfd coming = {.fd = listener, .events = POLLIN};
    for (int waited_ms = 0; poll(&coming, 1, LOOK_MS) == 0; waited_ms += LOOK_MS) {
        assert_true(waited_ms < DEADLINE_MS);
        uv_run(&world->loop, UV_RUN_NOWAIT);
    }
    int peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    assert_int_equal(zmtp_greet(peer, "ROUTER"), 0);
    return peer;
}

/* The same for one that connects: a client whose program is busy when its router goes. */
static void test_reset_by_the_router_does_no_harm(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    char endpoint[32];
    listen_by_hand(endpoint, sizeof endpoint);
    zuv_options_init(&options);
    options.receive_messages = 2;
    options.message = remember;
    open_end(&world->right, ZUV_DEALER, &options);
    assert_int_equal(zuv_connect(world->right.socket, endpoint, NULL), LD_OK);
    int peer = accept_by_hand(world);
    fill(peer);
    reset(peer);
    let_pass(HEARTBEATS_MS);
    peer = accept_by_hand(world);
    world->right.received = 0;
    zmtp_frame(peer, 0, "again", 5);
    run_until(world, right_received);
    close(peer);
    close(listener);
}

/* ---- who was cut off for what it did ---- */

static void cut_at_once(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    ((struct end *)data)->received++;
    zuv_link_cut(socket, zuv_link_of(socket, message));
}

static bool left_received_once(struct world *world)
{
    return world->left.received == 1;
}

static bool left_received_twice(struct world *world)
{
    return world->left.received == 2;
}

/* It is let in again after a second; zmtp_connect does not wait for so long. */
static void test_who_was_cut_off_is_kept_out_for_a_while(void **state)
{
    struct world *world = *state;
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = cut_at_once;
    options.connections_max = CONNECTIONS_MAX;
    open_end(&world->left, ZUV_ROUTER, &options);
    assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
    world->left.received = 0;
    int peer = zmtp_connect(zuv_endpoint(world->left.socket));
    assert_int_equal(zmtp_greet(peer, "DEALER"), 0);
    assert_true(zmtp_frame(peer, 0, "bad", 3));
    run_until(world, left_received_once);
    assert_int_equal(zmtp_connect(zuv_endpoint(world->left.socket)), -1);
    assert_int_equal(guard_stats(world).kept_out, 1);
    close(peer);
    struct zuv_socket *again;
    zuv_options_init(&options);
    options.linger_ms = 10000;
    assert_int_equal(zuv_socket_open(world->zuv, ZUV_DEALER, &options, &again, NULL), LD_OK);
    assert_int_equal(zuv_connect(again, zuv_endpoint(world->left.socket), NULL), LD_OK);
    struct zuv_message message = {.count = 0};
    put_text(&message, "again");
    assert_int_equal(zuv_send(again, &message), LD_OK);
    run_until(world, left_received_twice);
    zuv_socket_close(again, NULL, NULL);
}

/* ---- subscriptions that are judged ---- */

static void apply(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    zuv_subscription_apply(socket, message);
    ((struct end *)data)->received++;
}

/* The one who says what is no subscription is cut off; the other is heard, or cut off, too. */
static bool both_are_judged(struct world *world)
{
    uint64_t cut = guard_stats(world).cut_asked;
    return cut >= 1 && cut + world->left.received >= 2;
}

static int listen_to(struct world *world, const char *prefix, size_t size)
{
    int peer = zmtp_connect(zuv_endpoint(world->left.socket));
    assert_int_equal(zmtp_greet(peer, "SUB"), 0);
    if (*prefix > 1) /* what comes first is no subscription */
        assert_true(zmtp_frame(peer, 0, prefix++, 1));
    assert_true(zmtp_frame(peer, 0, prefix, size));
    return peer;
}

/* All that it hears up to "end", or until it is cut off. */
static void check_hears_no(int peer, const char *text)
{
    char heard[4096] = "";
    size_t size = 0;
    struct pollfd more = {.fd = peer, .events = POLLIN};
    while (!memmem(heard, size, "end", 3)) {
        assert_int_equal(poll(&more, 1, DEADLINE_MS), 1);
        ssize_t received = recv(peer, heard + size, sizeof heard - size, 0);
        if (received <= 0)
            break;
        size += (size_t)received;
    }
    assert_null(memmem(heard, size, text, strlen(text)));
}

static void test_nobody_hears_what_another_asked_for(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 20; i++) {
        struct zuv_options options;
        zuv_options_init(&options);
        options.message = apply;
        options.connections_max = CONNECTIONS_MAX;
        open_end(&world->left, ZUV_XPUB, &options);
        world->left.received = 0;
        assert_int_equal(zuv_bind(world->left.socket, "tcp://127.0.0.1:*", NULL), LD_OK);
        int bad = listen_to(world, "\5\1duty/", 6), good = listen_to(world, "\1report/", 8);
        run_until(world, both_are_judged);
        send_text(&world->left, "duty/secret");
        send_text(&world->left, "report/end");
        zuv_set_linger(world->left.socket, 1000);
        zuv_socket_close(world->left.socket, on_closed, &world->left);
        run_until(world, both_closed);
        check_hears_no(good, "duty/");
        close(bad);
        close(good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_too_many_connections_are_cut_off),
        TEST(test_who_says_too_much_has_to_go),
        TEST(test_who_says_too_much_at_once_has_to_go),
        TEST(test_old_protocols_are_refused),
        TEST(test_strangers_have_to_go),
        TEST(test_endless_message_is_cut_off),
        TEST(test_endless_message_of_small_frames_is_cut_off),
        TEST(test_ends_without_a_word_are_counted),
        TEST(test_reset_with_a_full_queue_does_no_harm),
        TEST(test_reset_by_the_router_does_no_harm),
        TEST(test_who_was_cut_off_is_kept_out_for_a_while),
        TEST(test_nobody_hears_what_another_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
