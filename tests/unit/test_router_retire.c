/* The router lets go of segments that were archived beside it, and says so on the log. */
#include "router_rig.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "context.h"
#include "evlog/evlog.h"

enum { EVENTS = 3000, SEGMENT_BYTES = 65536 };
#define ARCHIVE "/mnt/tape"

/* ---- the rig: a log of some segments, and who archives it ---- */

static void fill(struct rig *rig, struct peer *peer)
{
    struct batch batch = {0};
    uint64_t sequence = 0;
    rig->options.segment_bytes = SEGMENT_BYTES;
    rig->options.buffer_bytes = 4 * SEGMENT_BYTES;
    rig_start_router(rig);
    peer_hello(rig, peer, "operator");
    peer_producer(peer, "operator");
    while (sequence < EVENTS) {
        for (int i = 0; i < 100; i++)
            batch_add(&batch, "operator", ++sequence, "a/b", "x");
        peer_expect((batch_send(peer, &batch), peer), WIRE_RESULT);
    }
}

static int archive(struct rig *rig, evlog_retire_fn *retire, void *data)
{
    char folder[128];
    struct evlog_archive_rule rule = {.before_us = INT64_MAX, .retire = retire, .data = data};
    struct evlog_archive_report report;
    snprintf(folder, sizeof folder, "%s/archive", rig->directory);
    return evlog_archive(ld_context_system(), rig->directory, folder, &rule, &report, &test_error);
}

/* Listed, and then somebody else asks the router. */
static int only_list(const struct evlog_link *link, void *data, struct ld_error *error)
{
    *(struct evlog_link *)data = *link;
    return ld_fail(error, LD_BUSY, "not now");
}

static struct evlog_link list_oldest(struct rig *rig)
{
    struct evlog_link link = {0};
    assert_int_equal(archive(rig, only_list, &link), LD_BUSY);
    assert_true(link.last > 0);
    return link;
}

static uint64_t first_of(struct peer *peer)
{
    uint64_t first;
    peer_say(peer, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(peer, WIRE_STATUS_OK);
    json_t *status = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    assert_int_equal(json_unpack(status, "{s:{s:I}}", "log", "first", (json_int_t *)&first), 0);
    json_decref(status);
    return first;
}

/* ---- what the log says of it ---- */

struct said {
    size_t count;
    struct evlog_link last;
};

static void check_event(const struct ld_record *record, void *data)
{
    struct said *said = data;
    json_int_t segment, first, last;
    const char *hash, *where, *by;
    char topic[64];
    json_t *json = json_loadb((const char *)record->payload, record->payload_size, 0, NULL);
    assert_int_equal(json_unpack(json, "{s:I,s:I,s:I,s:s,s:s,s:s!}", "segment", &segment, "first",
                                 &first, "last", &last, "hash", &hash, "archive", &where, "by",
                                 &by),
                     0);
    snprintf(topic, sizeof topic, "sys/archive/%lld", (long long)segment);
    assert_int_equal(record->topic_size, strlen(topic));
    assert_memory_equal(record->topic, topic, record->topic_size);
    assert_int_equal(segment, ++said->count);
    assert_int_equal(first, said->last.last + 1);
    assert_int_equal(strlen(hash), 64);
    assert_string_equal(where, ARCHIVE);
    assert_string_equal(by, "operator");
    said->last.last = (uint64_t)last;
    json_decref(json);
}

/* ---- tests ---- */

static int ask(const struct evlog_link *link, void *data, struct ld_error *error)
{
    struct peer *peer = data;
    uint64_t id = peer_say(peer, WIRE_RETIRE, link->last, 0, ARCHIVE);
    const struct heard *heard = peer_expect(peer, WIRE_RETIRED);
    (void)error;
    assert_int_equal(heard->head.id, id);
    assert_int_equal(heard->head.a, link->last + 1);
    return LD_OK;
}

static void test_segments_go_beside_a_running_router(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    struct said said = {0};
    fill(rig, &peer);
    assert_int_equal(first_of(&peer), 1);
    assert_ok(archive(rig, ask, &peer));
    uint64_t first = first_of(&peer), head = router_durable(rig->router);
    assert_true(first > 1);
    read_events(&peer, first, head, "sys/archive/>", check_event, &said);
    assert_true(said.count >= 2);
    assert_int_equal(said.last.last, first - 1);
    peer_expect_error(&peer, peer_say(&peer, WIRE_OPEN, first - 1, 1000, NULL), LD_NOTFOUND);
    publish_one(&peer, "operator", EVENTS + 1, "a/b", "x");
    rig_stop_router(rig);
    rig_start_router(rig);
    peer_close(&peer);
    peer_hello(rig, &peer, "operator");
    assert_int_equal(first_of(&peer), first);
    assert_int_equal(peer_producer(&peer, "operator"), EVENTS + 1);
    peer_close(&peer);
}

static void test_what_must_not_go(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    char long_name[WIRE_ARCHIVE_SIZE_MAX + 2];
    fill(rig, &peer);
    peer_expect_error(&peer, peer_say(&peer, WIRE_RETIRE, 7, 0, ARCHIVE), LD_INVALID);
    struct evlog_link link = list_oldest(rig);
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    peer_expect_error(&peer, peer_say(&peer, WIRE_RETIRE, link.last, 0, ""), LD_INVALID);
    peer_expect_error(&peer, peer_say(&peer, WIRE_RETIRE, link.last, 0, long_name), LD_INVALID);
    peer_expect_error(&peer, peer_say(&peer, WIRE_RETIRE, link.last, 0, "\xff"), LD_INVALID);
    peer_expect_error(&peer, peer_say(&peer, WIRE_RETIRE, link.last + 1, 0, ARCHIVE), LD_INVALID);
    assert_int_equal(first_of(&peer), 1);
    assert_ok(ask(&link, &peer, NULL));
    assert_ok(ask(&link, &peer, NULL)); /* again: it is gone */
    peer_expect_error(&peer, peer_say(&peer, WIRE_RETIRE, link.last + 1, 0, ARCHIVE), LD_INVALID);
    assert_int_equal(first_of(&peer), link.last + 1);
    peer_close(&peer);
}

/* Nothing is forgotten before the log says so durably; then also for nobody. */
static bool has_gone(void *data)
{
    return strstr(ld_buffer_string(&((struct rig *)data)->notes), "is gone") != NULL;
}

static void test_waits_until_it_is_said(void **state)
{
    struct rig *rig = *state;
    struct peer peer, other;
    fill(rig, &peer);
    peer_hello(rig, &other, "other");
    struct evlog_link link = list_oldest(rig);
    rig_set_held(true);
    peer_say(&peer, WIRE_RETIRE, link.last, 0, ARCHIVE);
    peer_sync(&peer, &other);
    peer_expect_error(&other, peer_say(&other, WIRE_RETIRE, link.last, 0, ARCHIVE), LD_BUSY);
    assert_int_equal(first_of(&other), 1);
    peer_close(&peer);
    rig_set_held(false);
    rig_wait(rig, has_gone, rig);
    assert_int_equal(first_of(&other), link.last + 1);
    peer_close(&other);
}

static void test_stops_amid_it(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    fill(rig, &peer);
    struct evlog_link link = list_oldest(rig);
    peer_say(&peer, WIRE_RETIRE, link.last, 0, ARCHIVE);
    rig_stop_router(rig);
    assert_int_equal(rig->stop_code, LD_OK);
    rig_start_router(rig);
    peer_close(&peer);
    peer_hello(rig, &peer, "operator");
    assert_ok(ask(&link, &peer, NULL));
    assert_int_equal(first_of(&peer), link.last + 1);
    peer_close(&peer);
}

/* A stream that had not read it is told. */
static void test_a_reader_of_it_is_told(void **state)
{
    struct rig *rig = *state;
    struct peer peer;
    fill(rig, &peer);
    struct evlog_link link = list_oldest(rig);
    uint64_t stream = stream_begin(&peer, 1, 100, NULL);
    peer_expect(&peer, WIRE_CHUNK);
    assert_ok(ask(&link, &peer, NULL));
    struct wire_head credit = {WIRE_CREDIT, stream, 1000, 0};
    peer_say_head(&peer, &credit, NULL, 0);
    peer_expect_error(&peer, stream, LD_NOTFOUND);
    peer_close(&peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_segments_go_beside_a_running_router),
        WITH_RIG(test_what_must_not_go),
        WITH_RIG(test_waits_until_it_is_said),
        WITH_RIG(test_stops_amid_it),
        WITH_RIG(test_a_reader_of_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
