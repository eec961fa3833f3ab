/* The router with keys: who is let in, as whom, what the others are told, and what they try. */
#include "router_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>
#include "internal.h"
#include "keys/keys.h"

enum { STRANGERS = 45 };

static char directory[96];
static struct keys_pair router_keys, health, police, stranger;

static void make(const char *name, struct keys_pair *pair)
{
    assert_ok(keys_make(name, 0, pair, &test_error));
}

static void enrol(const struct keys_pair *pair)
{
    assert_ok(
        keys_enrol(directory, &pair->open, ld_wall_us(ld_context_system()), 0, -1, &test_error));
}

static void shut_out(const char *name)
{
    assert_ok(keys_revoke(directory, name, NULL, "lost in a taxi", ld_wall_us(ld_context_system()),
                          NULL, &test_error));
}

static int setup_keys(void **state)
{
    if (rig_setup(state) != 0)
        return -1;
    struct rig *rig = *state;
    snprintf(directory, sizeof directory, "%s/keys", rig->directory);
    make(KEYS_ROUTER, &router_keys);
    make("330302.health", &health);
    make("3303.police", &police);
    make("stranger", &stranger);
    assert_ok(keys_save(directory, &router_keys, false, &test_error));
    enrol(&health);
    enrol(&police);
    rig->options.keys = directory;
    rig_start_router(rig);
    return 0;
}

static void open_as(struct rig *rig, struct peer *peer, const struct keys_pair *pair)
{
    struct zuv_options keys = {.own_key = pair->open.bus,
                               .own_secret = pair->bus_secret,
                               .server_key = router_keys.open.bus};
    peer_open_with(rig, peer, rig->zuv, &keys);
}

static void expect_denied(struct peer *peer, uint64_t id, const char *why)
{
    peer_expect_error(peer, id, LD_DENIED);
    const char *said = (const char *)peer->rig->last->body;
    if (!strstr(said, why))
        fail_msg("expected \"%s\", heard \"%s\"", why, said);
}

static void say_hello(struct peer *peer, const char *name)
{
    peer_say(peer, WIRE_HELLO, 0, 0, name);
    peer_expect(peer, WIRE_WELCOME);
}

/* ---- who is let in ---- */

static void test_let_in(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    open_as(rig, &peer, &health);
    say_hello(&peer, "330302.health");
    peer_producer(&peer, "330302.health");
    publish_one(&peer, "330302.health", 1, "report/330302/x", "hello");
    assert_int_equal(rig->router->counters.impostors, 0);
    peer_close(&peer);
}

static void test_own_name_only(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    open_as(rig, &peer, &health);
    expect_denied(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "3303.police"),
                  "this is the key of 330302.health; it cannot be 3303.police");
    expect_denied(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "330302.health2"), "it cannot be");
    expect_denied(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "330302.healt"), "it cannot be");
    assert_int_equal(HASH_COUNT(rig->router->sessions), 0);
    assert_int_equal(rig->router->counters.impostors, 3);
    say_hello(&peer, "330302.health");
    peer_close(&peer);
}

static bool one_cut(void *data)
{
    struct zuv_guard_stats stats;
    zuv_get_guard_stats(((struct rig *)data)->router->front, &stats);
    return stats.cut_asked == 1;
}

/* Told why; whatever else it says ends the connection. */
static void test_stranger(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    char fingerprint[KEYS_FINGERPRINT_SIZE];
    open_as(rig, &peer, &stranger);
    keys_fingerprint(fingerprint, stranger.open.bus);
    expect_denied(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "330302.health"), fingerprint);
    expect_denied(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "stranger"), "unknown key");
    peer_say(&peer, WIRE_STATUS, 0, 0, NULL);
    rig_wait(rig, one_cut, rig);
    assert_null(peer.inbox);
    peer_close(&peer);
}

static void test_before_hello(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    open_as(rig, &peer, &health);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PRODUCER, 0, 0, "330302.health"), LD_NOSESSION);
    peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, 0, 1 << 16, ">"), LD_NOSESSION);
    peer_expect_error(&peer, peer_say(&peer, WIRE_STATUS, 0, 0, NULL), LD_NOSESSION);
    peer_close(&peer);
}

static void test_enrolled_meanwhile(void **state)
{
    struct rig *rig = *state;
    struct peer before, after;
    open_as(rig, &before, &stranger);
    expect_denied(&before, peer_say(&before, WIRE_HELLO, 0, 0, "stranger"), "unknown key");
    enrol(&stranger);
    open_as(rig, &after, &stranger);
    say_hello(&after, "stranger");
    peer_close(&before);
    peer_close(&after);
}

static void test_revoked(void **state)
{
    struct rig *rig = *state;
    struct peer peer, other, again;
    open_as(rig, &peer, &health);
    open_as(rig, &other, &police);
    say_hello(&peer, "330302.health");
    say_hello(&other, "3303.police");
    shut_out("330302.health");
    expect_denied(&peer, 0, "is revoked on ");
    assert_int_equal(HASH_COUNT(rig->router->sessions), 1);
    peer_expect_error(&peer, peer_say(&peer, WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    expect_denied(&peer, peer_say(&peer, WIRE_HELLO, 0, 0, "330302.health"), "lost in a taxi");
    open_as(rig, &again, &health);
    expect_denied(&again, peer_say(&again, WIRE_HELLO, 0, 0, "330302.health"), "lost in a taxi");
    peer_sync(&other, &other);
    peer_close(&peer);
    peer_close(&other);
    peer_close(&again);
}

/* The old key and the new one, in the overlap. */
static void test_both_in_overlap(void **state)
{
    struct rig *rig = *state;
    struct keys_pair next;
    struct peer old, new;
    make("330302.health", &next);
    assert_ok(keys_enrol(directory, &next.open, ld_wall_us(ld_context_system()), 0, LD_US_HOUR,
                         &test_error));
    open_as(rig, &old, &health);
    open_as(rig, &new, &next);
    say_hello(&old, "330302.health");
    say_hello(&new, "330302.health");
    peer_close(&old);
    peer_close(&new);
}

/* ---- what is tried ---- */

static bool all_considered(void *data)
{
    struct admission_stats stats;
    admission_get_stats(((struct rig *)data)->router->admission, &stats);
    return stats.unknown >= STRANGERS;
}

/* Many strangers: some are told, the others turned away unheard; who belongs is let in. */
static void test_many_strangers(void **state)
{
    struct rig *rig = *state;
    static struct peer strangers[STRANGERS];
    struct admission_stats stats;
    struct peer peer;
    for (size_t i = 0; i < STRANGERS; i++)
        open_as(rig, &strangers[i], &stranger);
    rig_wait(rig, all_considered, rig);
    admission_get_stats(rig->router->admission, &stats);
    assert_true(stats.untold > 0 && stats.untold < STRANGERS);
    open_as(rig, &peer, &health);
    say_hello(&peer, "330302.health");
    for (size_t i = 0; i < STRANGERS; i++)
        peer_close(&strangers[i]);
    peer_close(&peer);
}

struct raw {
    void *context, *socket;
};

/* A client that names itself to ZeroMQ, as a hostile one may. */
static void raw_open(struct raw *raw, const struct rig *rig, const struct keys_pair *pair)
{
    int none = 0;
    raw->context = zmq_ctx_new();
    raw->socket = zmq_socket(raw->context, ZMQ_DEALER);
    assert_int_equal(zmq_setsockopt(raw->socket, ZMQ_ROUTING_ID, "victim", 6), 0);
    zmq_setsockopt(raw->socket, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(raw->socket, ZMQ_CURVE_SERVERKEY, router_keys.open.bus, KEYS_BYTES);
    zmq_setsockopt(raw->socket, ZMQ_CURVE_PUBLICKEY, pair->open.bus, KEYS_BYTES);
    zmq_setsockopt(raw->socket, ZMQ_CURVE_SECRETKEY, pair->bus_secret, KEYS_BYTES);
    assert_int_equal(zmq_connect(raw->socket, router_endpoint(rig->router, 0)), 0);
}

static void raw_say(struct raw *raw, enum wire_operation operation, const char *body)
{
    uint8_t head[WIRE_HEAD_SIZE];
    wire_head_encode(head, &(struct wire_head){.operation = operation, .id = 1});
    assert_int_equal(zmq_send(raw->socket, head, sizeof head, ZMQ_SNDMORE), sizeof head);
    assert_int_equal(zmq_send(raw->socket, body, strlen(body), 0), strlen(body));
}

static void raw_close(struct raw *raw)
{
    zmq_close(raw->socket);
    zmq_ctx_term(raw->context);
}

static bool one_session(void *data)
{
    return HASH_COUNT(((struct rig *)data)->router->sessions) == 1;
}

static bool no_connection(void *data)
{
    struct zuv_guard_stats stats;
    zuv_get_guard_stats(((struct rig *)data)->router->front, &stats);
    return stats.connections == 0;
}

static bool one_impostor(void *data)
{
    return ((struct rig *)data)->router->counters.impostors == 1;
}

/* The victim's connection breaks; before the router drops its session, somebody else who is let in
 * takes its name in ZeroMQ and goes on in its session. */
static void test_session_taken_over(void **state)
{
    struct rig *rig = *state;
    struct raw victim, attacker;
    rig_stop_router(rig);
    rig->options.heartbeat_ms = 60000; /* by which it would find out */
    rig->options.silence_heartbeats = 1;
    rig_start_router(rig);
    raw_open(&victim, rig, &health);
    raw_say(&victim, WIRE_HELLO, "330302.health");
    rig_wait(rig, one_session, rig);
    raw_close(&victim);
    rig_wait(rig, no_connection, rig);
    assert_true(one_session(rig));
    raw_open(&attacker, rig, &police);
    raw_say(&attacker, WIRE_PRODUCER, "330302.health");
    rig_wait(rig, one_impostor, rig);
    assert_null(rig->router->sessions->claims);
    raw_close(&attacker);
}

/* ---- the tap ---- */

struct listener {
    struct zuv_socket *socket;
    size_t heard;
};

static void count_heard(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    (void)socket, (void)message;
    ((struct listener *)data)->heard++;
}

static void listen_as(struct rig *rig, struct listener *listener, const struct keys_pair *pair)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = count_heard;
    options.data = listener;
    options.tells_joining = true;
    options.own_key = pair->open.bus;
    options.own_secret = pair->bus_secret;
    options.server_key = router_keys.open.bus;
    assert_ok(zuv_socket_open(rig->zuv, ZUV_SUB, &options, &listener->socket, &test_error));
    rig_own_socket(rig, listener->socket);
    assert_ok(zuv_subscribe(listener->socket, "", 0, &test_error));
    assert_ok(zuv_connect(listener->socket, router_tap_endpoint(rig->router), &test_error));
}

static struct zuv_guard_stats tap_guard(const struct rig *rig)
{
    struct tap_stats stats;
    tap_get_stats(rig->router->tap, &stats);
    return stats.guard;
}

static bool one_listens(void *data)
{
    return tap_guard(data).kept == 1;
}

static bool none_listens(void *data)
{
    return tap_guard(data).kept == 0;
}

static bool is_turned_away(void *data)
{
    return zuv_joined(((struct listener *)data)->socket) == ZUV_TURNED_AWAY;
}

static bool has_heard(void *data)
{
    return ((struct listener *)data)->heard > 0;
}

static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

static void test_tap(void **state)
{
    struct rig *rig = *state;
    struct listener friend = {0}, foe = {0};
    struct peer peer;
    static uv_timer_t look; /* how far a socket got wakes no loop */
    rig_stop_router(rig);
    rig->options.tap = "tcp://127.0.0.1:*";
    rig_start_router(rig);
    uv_timer_init(&rig->loop, &look);
    uv_timer_start(&look, on_look, 5, 5);
    listen_as(rig, &friend, &health);
    listen_as(rig, &foe, &stranger);
    rig_wait(rig, one_listens, rig);
    rig_wait(rig, is_turned_away, &foe);
    open_as(rig, &peer, &police);
    say_hello(&peer, "3303.police");
    peer_producer(&peer, "3303.police");
    publish_one(&peer, "3303.police", 1, "report/3303/x", "hello");
    rig_wait(rig, has_heard, &friend);
    assert_int_equal(foe.heard, 0);
    shut_out("330302.health");
    rig_wait(rig, none_listens, rig);
    uv_close((uv_handle_t *)&look, NULL);
    rig_close_socket(rig, friend.socket);
    rig_close_socket(rig, foe.socket);
    peer_close(&peer);
}

/* ---- files ---- */

static void test_damaged_list_changes_nothing(void **state)
{
    struct rig *rig = *state;
    struct peer peer, other;
    char path[128];
    snprintf(path, sizeof path, "%s/enrolled", directory);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, "what?\n", 6) == 6 && close(fd) == 0);
    open_as(rig, &other, &stranger);
    expect_denied(&other, peer_say(&other, WIRE_HELLO, 0, 0, "stranger"), "unknown key");
    open_as(rig, &peer, &health);
    say_hello(&peer, "330302.health");
    assert_non_null(strstr(ld_buffer_string(&rig->notes), "the keys let in stay those of before"));
    peer_close(&peer);
    peer_close(&other);
}

static void test_no_router_key(void **state)
{
    struct rig *rig = *state;
    char path[128];
    rig_stop_router(rig);
    snprintf(path, sizeof path, "%s/router.key", directory);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(rig_open_router(rig), LD_DENIED);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(
        router_open(rig_context(), &rig->loop, &rig->options, &rig->router, &test_error),
        LD_NOTFOUND);
    assert_non_null(strstr(test_error.text, "liandong keys new router"));
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, setup_keys, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(test_let_in),
        WITH_KEYS(test_own_name_only),
        WITH_KEYS(test_stranger),
        WITH_KEYS(test_before_hello),
        WITH_KEYS(test_enrolled_meanwhile),
        WITH_KEYS(test_revoked),
        WITH_KEYS(test_both_in_overlap),
        WITH_KEYS(test_many_strangers),
        WITH_KEYS(test_session_taken_over),
        WITH_KEYS(test_tap),
        WITH_KEYS(test_damaged_list_changes_nothing),
        WITH_KEYS(test_no_router_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
