/* Shares: what one peer may use up of what all have, the router's time first of all. */
#include "router_rig.h"

#include <sys/resource.h>
#include "internal.h"

/* ---- STATUS has a tenth of the time ---- */

#define MS INT64_C(1000)

struct asking {
    int64_t now_us, next_us; /* the router's clock; not before */
    int64_t taken_us;        /* in all */
    int64_t waited_us;
};

/* Asked again as soon as answered; each answer takes take_us. */
static void ask(struct asking *asking, unsigned times, int64_t take_us)
{
    for (unsigned i = 0; i < times; i++) {
        int64_t wait_us = asking->next_us - asking->now_us;
        if (wait_us > 0) {
            asking->now_us += wait_us;
            asking->waited_us += wait_us;
        }
        int64_t begin_us = asking->now_us;
        asking->now_us += take_us;
        asking->taken_us += take_us;
        asking->next_us = status_next_us(asking->next_us, begin_us, asking->now_us);
    }
}

static void a_hundred_questions_in_a_row_wait_for_nothing(void **state)
{
    struct asking asking = {.now_us = 3600 * 1000 * MS};
    (void)state;
    ask(&asking, 100, 1 * MS);
    assert_int_equal(asking.waited_us, 0);
    asking.now_us += 3600 * 1000 * MS; /* what is not used is kept for a second, not for an hour */
    ask(&asking, 112, 1 * MS);
    assert_int_equal(asking.waited_us, 0);
    ask(&asking, 1, 1 * MS);
    assert_true(asking.waited_us > 0);
}

static void questions_without_end_take_a_tenth_of_the_time(void **state)
{
    static const int64_t TAKES_US[] = {10, 1 * MS, 70 * MS, 3000 * MS};
    (void)state;
    for (size_t i = 0; i < COUNT(TAKES_US); i++) {
        const int64_t begin_us = 3600 * 1000 * MS;
        struct asking asking = {.now_us = begin_us};
        ask(&asking, (unsigned)(600 * 1000 * MS / TAKES_US[i]), TAKES_US[i]);
        int64_t passed_us = asking.next_us - begin_us; /* until the next may be answered */
        assert_int_equal(10 * asking.taken_us, passed_us + 1000 * MS);
    }
}

/* A question that has taken very long is followed by a long pause, in which all else goes on. */
static void a_long_answer_is_followed_by_a_pause(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    rig_start_router(rig);
    peer_hello(rig, &peer, "a");
    for (int i = 0; i < 3; i++) {
        peer_say(&peer, WIRE_STATUS, 0, 0, NULL);
        peer_expect(&peer, WIRE_STATUS_OK);
    }
    rig_set_slow_us(50 * LD_US_SECOND);
    peer_say(&peer, WIRE_STATUS, 0, 0, NULL);
    peer_expect(&peer, WIRE_STATUS_OK);
    rig_set_slow_us(0);
    peer_say(&peer, WIRE_STATUS, 0, 0, NULL);
    for (uint64_t beats = peer.pongs + 3; peer.pongs < beats;)
        peer_sync(&peer, &peer);
    assert_null(peer.inbox);
    peer_close(&peer);
}

/* ---- streams ---- */

static void an_identity_leaves_streams_for_others(void **state)
{
    struct rig *rig = *state;
    struct peer greedy[2], other;
    rig->options.limits.streams = 16;
    rig_start_router(rig);
    peer_hello(rig, &greedy[0], "a");
    peer_hello(rig, &greedy[1], "a");
    peer_hello(rig, &other, "b");
    for (size_t i = 0; i < 8; i++) /* of both its sessions together */
        stream_begin(&greedy[i % 2], WIRE_FROM_NOW, 1, NULL);
    for (size_t i = 0; i < 2; i++)
        peer_expect_error(&greedy[i], peer_say(&greedy[i], WIRE_OPEN, WIRE_FROM_NOW, 1, NULL),
                          LD_BUSY);
    for (size_t i = 0; i < 4; i++)
        stream_begin(&other, WIRE_FROM_NOW, 1, NULL);
    peer_expect_error(&other, peer_say(&other, WIRE_OPEN, WIRE_FROM_NOW, 1, NULL), LD_BUSY);
    peer_say(&greedy[0], WIRE_GOODBYE, 0, 0, NULL);
    peer_expect_error(&greedy[0], peer_say(&greedy[0], WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    stream_begin(&other, WIRE_FROM_NOW, 1, NULL);
    stream_begin(&other, WIRE_FROM_NOW, 1, NULL);
    peer_expect_error(&other, peer_say(&other, WIRE_OPEN, WIRE_FROM_NOW, 1, NULL), LD_BUSY);
    peer_close(&greedy[0]);
    peer_close(&greedy[1]);
    peer_close(&other);
}

/* ---- history beside what is new ---- */

/* STEP_BYTES: what one stream may look at before its budget is asked for again. */
enum { BACKLOG = 20000, READERS = 8, BATCH = 500, STEP_BYTES = 2 * SCAN_BYTES };

static void publish_backlog(struct peer *peer)
{
    struct batch batch = {0};
    peer_producer(peer, "writer");
    for (uint64_t i = 1; i <= BACKLOG; i++) {
        batch_add(&batch, "writer", i, i % 3 ? "old/3303/x" : "old/3304/y",
                  "a payload of some length, so that the log has a few MiB: 0123456789 0123456789 "
                  "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789");
        if (batch.count < BATCH)
            continue;
        batch_send(peer, &batch);
        assert_int_equal(run_of(peer_expect(peer, WIRE_RESULT), 0).code, LD_OK);
    }
}

static const struct stream *stream_of(const struct rig *rig, const char *identity)
{
    const struct session *session = rig->router->sessions;
    while (session && strcmp(session->identity, identity) != 0)
        session = session->hh.next;
    assert_non_null(session);
    return session->streams;
}

/* One turn of the loop: how much of the log was looked at, and what was new is sent. */
static void check_turn(struct rig *rig, const struct stream *live)
{
    uint64_t durable = evlog_durable(rig->router->log);
    uint64_t bytes = rig->router->looked_at_bytes;
    uv_run(&rig->loop, UV_RUN_NOWAIT);
    bytes = rig->router->looked_at_bytes - bytes;
    if (bytes > SERVE_HISTORY_BYTES + STEP_BYTES)
        fail_msg("%llu bytes of history in one turn", (unsigned long long)bytes);
    assert_true(live->sent >= durable);
}

/* No time passes: of the two bounds of a turn it is that in bytes. */
static void what_is_new_does_not_wait_for_history(void **state)
{
    struct rig *rig = *state;
    struct peer writer, listener, readers[READERS];
    struct batch batch = {0};
    rig_stop_clock();
    rig_start_router(rig);
    peer_hello(rig, &writer, "writer");
    publish_backlog(&writer);
    peer_hello(rig, &listener, "listener");
    stream_begin(&listener, WIRE_FROM_NOW, 1 << 20, NULL);
    const struct stream *live = stream_of(rig, "listener");
    for (size_t i = 0; i < READERS; i++)
        peer_hello(rig, &readers[i], "reader");
    for (size_t i = 0; i < READERS; i++)
        peer_say(&readers[i], WIRE_OPEN, WIRE_FROM_FIRST, 1 << 20, i % 2 ? "old/3303/>" : NULL);
    uint64_t sequence = BACKLOG, before = rig->router->counters.chunk_bytes;
    while (rig->router->streams_by_state[STREAM_NO_CREDIT] < READERS) {
        batch_add(&batch, "writer", ++sequence, "new/3303/x", "");
        batch_send(&writer, &batch);
        check_turn(rig, live);
    }
    assert_true(rig->router->counters.chunk_bytes - before > READERS * (400 << 10));
    assert_true(live->sent > BACKLOG);
    peer_close(&writer);
    peer_close(&listener);
    for (size_t i = 0; i < READERS; i++)
        peer_close(&readers[i]);
}

/* ---- identities ---- */

static void hello_refused(struct rig *rig, struct peer *peer, const char *identity)
{
    peer_open(rig, peer);
    peer_expect_error(peer, peer_say(peer, WIRE_HELLO, 0, 0, identity), LD_BUSY);
}

static void one_identity_leaves_sessions_for_others(void **state)
{
    struct rig *rig = *state;
    struct peer first, second, third, other;
    rig->options.limits.sessions_per_identity = 2;
    rig_start_router(rig);
    peer_hello(rig, &first, "a");
    peer_hello(rig, &second, "a");
    hello_refused(rig, &third, "a");
    peer_hello(rig, &other, "ab"); /* another one, though it begins like it */
    peer_say(&first, WIRE_GOODBYE, 0, 0, NULL);
    peer_expect_error(&first, peer_say(&first, WIRE_PING, 0, 0, NULL), LD_NOSESSION);
    peer_say(&third, WIRE_HELLO, 0, 0, "a");
    peer_expect(&third, WIRE_WELCOME);
    peer_close(&first);
    peer_close(&second);
    peer_close(&third);
    peer_close(&other);
}

static void claim_refused(struct peer *peer, const char *name)
{
    peer_expect_error(peer, peer_say(peer, WIRE_PRODUCER, 0, 0, name), LD_REFUSED);
}

/* For ever: names are in the log, and counted again from there. */
static void one_identity_leaves_names_for_others(void **state)
{
    struct rig *rig = *state;
    struct peer peer, other;
    rig->options.limits.producers_per_identity = 2;
    rig_start_router(rig);
    for (int start = 0; start < 2; start++) {
        peer_hello(rig, &peer, "a");
        peer_hello(rig, &other, "ab");
        peer_producer(&peer, "a");
        peer_producer(&peer, "a#1");
        claim_refused(&peer, "a#2");
        peer_producer(&other, start == 0 ? "ab" : "ab#1");
        peer_close(&peer);
        peer_close(&other);
        rig_stop_router(rig);
        if (start == 0)
            rig_start_router(rig);
    }
}

/* ---- copies for filtered streams ---- */

/* One who has none may always have one; else no more than is left for the others. */
static void copies_are_shared_out(void **state)
{
    static const struct {
        size_t used, own;
        bool may;
    } CASES[] = {{0, 0, true},      {1000, 0, true},   {400, 400, true},
                 {500, 500, true},  {501, 501, false}, {900, 100, true},
                 {901, 100, false}, {1000, 1, false},  {1200, 1, false}};
    struct router router = {.options.limits.copied_bytes = 1000};
    struct unread unread = {.copied = 0};
    struct session session = {.router = &router, .unread = &unread};
    (void)state;
    for (size_t i = 0; i < COUNT(CASES); i++) {
        atomic_store(&router.copied_bytes, CASES[i].used);
        atomic_store(&unread.copied, CASES[i].own);
        if (chunk_may_copy(&session) != CASES[i].may)
            fail_msg("with %zu used, %zu of them its own: %d", CASES[i].used, CASES[i].own,
                     !CASES[i].may);
    }
}

/* ---- descriptors ---- */

static void descriptors_are_reserved_or_it_says_how_many(void **state)
{
    struct router_options options;
    struct rlimit before, few, after;
    (void)state;
    router_options_init(&options);
    getrlimit(RLIMIT_NOFILE, &before);
    few = (struct rlimit){.rlim_cur = 100, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    assert_ok(connections_reserve(&options.limits, &test_error));
    getrlimit(RLIMIT_NOFILE, &after);
    assert_int_equal(after.rlim_cur, 2304); /* docs/protocol.md, 7 */
    assert_ok(connections_reserve(&options.limits, &test_error));
    options.limits.connections = before.rlim_max;
    assert_int_equal(connections_reserve(&options.limits, &test_error), LD_INVALID);
    assert_non_null(strstr(test_error.text, "LimitNOFILE="));
    getrlimit(RLIMIT_NOFILE, &after);
    assert_int_equal(after.rlim_cur, 2304);
    setrlimit(RLIMIT_NOFILE, &before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_questions_in_a_row_wait_for_nothing),
        cmocka_unit_test(questions_without_end_take_a_tenth_of_the_time),
        WITH_RIG(a_long_answer_is_followed_by_a_pause),
        WITH_RIG(one_identity_leaves_sessions_for_others),
        WITH_RIG(one_identity_leaves_names_for_others),
        cmocka_unit_test(copies_are_shared_out),
        cmocka_unit_test(descriptors_are_reserved_or_it_says_how_many),
        WITH_RIG(an_identity_leaves_streams_for_others),
        WITH_RIG(what_is_new_does_not_wait_for_history),
    };
    return cmocka_run_group_tests_name("unit.router_shares", tests, NULL, NULL);
}
