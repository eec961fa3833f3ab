/* The router: publishing. Every outcome, and what a full or failing disk does to it. */
#include "router_rig.h"

#include <stdlib.h>
#include "bytes.h"
#include "evlog/evlog.h"

struct collected {
    uint64_t producer_sequences[1024];
    uint64_t first;
    uint16_t flags;
    size_t count;
    int64_t time_us;
};

static void collect(const struct ld_record *record, void *data)
{
    struct collected *collected = data;
    assert_true(collected->count < COUNT(collected->producer_sequences));
    if (collected->count == 0)
        collected->first = record->sequence;
    collected->flags = record->flags;
    collected->producer_sequences[collected->count++] = record->producer_sequence;
    assert_true(record->time_us >= collected->time_us);
    collected->time_us = record->time_us;
}

static void test_publish_and_read_back(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    struct batch batch = {0};
    for (uint64_t i = 1; i <= 100; i++)
        batch_add(&batch, "a", i * 3, "report/3303/x", "payload");
    uint64_t first = expect_run(&peer, batch_send(&peer, &batch), 100, LD_OK);
    assert_true(first > 1);
    struct collected got = {0};
    read_events(&peer, 1, first + 99, "report/>", collect, &got);
    assert_int_equal(got.count, 100);
    assert_int_equal(got.first, first);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(got.producer_sequences[i], (i + 1) * 3);
    assert_int_equal(got.flags, 0);
    assert_int_equal(peer_producer(&peer, "a"), 300);
    peer_close(&peer);
}

static void test_exercise_flag_is_kept(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    struct ld_record record = {.producer = ld_producer_id("a", 1),
                               .producer_sequence = 1,
                               .topic = "t",
                               .topic_size = 1,
                               .flags = LD_RECORD_EXERCISE};
    batch_add_record(&batch, &record);
    uint64_t sequence = expect_run(&peer, batch_send(&peer, &batch), 1, LD_OK);
    struct collected got = {0};
    read_events(&peer, sequence, sequence, NULL, collect, &got);
    assert_int_equal(got.flags, LD_RECORD_EXERCISE);
    peer_close(&peer);
}

static void stamp_flags(uint8_t *raw, uint16_t flags)
{
    ld_record_stamp(raw, 0, 0, flags);
}

/* Every outcome in one batch; what is refused is not in the log, what is not is. */
static void test_each_record_is_judged(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    peer_producer(&peer, "a#2");
    publish_one(&peer, "a", 10, "t", "");
    batch_add(&batch, "a", 10, "t", "");                      /* DUPLICATE */
    batch_add(&batch, "a", 9, "t", "");                       /* DUPLICATE */
    batch_add(&batch, "a", 11, "t", "");                      /* OK */
    batch_add(&batch, "a", 12, "t/", "");                     /* INVALID: topic */
    batch_add(&batch, "a", 13, "sys/tick", "");               /* DENIED */
    batch_add(&batch, "a", 13, "sys", "");                    /* DENIED */
    batch_add(&batch, "b", 1, "t", "");                       /* DENIED: producer */
    batch_add(&batch, "a", 0, "t", "");                       /* INVALID: sequence */
    stamp_flags(batch_add(&batch, "a", 13, "t", ""), 0x8000); /* INVALID: flags */
    batch_add(&batch, "a", 13, "system/x", "");               /* OK */
    batch_add(&batch, "a", 14, "t", "");                      /* OK */
    batch_add(&batch, "a#2", 1, "t", "damaged")[64] ^= 1;     /* CORRUPT: payload */
    batch_add(&batch, "a#2", 2, "t", "behind it");            /* CORRUPT: must not overtake */
    batch_add(&batch, "a", 15, "t", "");                      /* OK */
    const struct heard *heard;
    uint64_t id = batch_send(&peer, &batch);
    heard = peer_expect(&peer, WIRE_RESULT);
    assert_int_equal(heard->head.id, id);
    static const struct wire_run EXPECTED[] = {
        {2, LD_DUPLICATE, 0}, {1, LD_OK, 0}, {1, LD_INVALID, 0}, {3, LD_DENIED, 0},
        {2, LD_INVALID, 0},   {2, LD_OK, 1}, {2, LD_CORRUPT, 0}, {1, LD_OK, 3},
    };
    assert_int_equal(heard->head.b, COUNT(EXPECTED));
    uint64_t first = run_of(heard, 1).first;
    for (size_t i = 0; i < COUNT(EXPECTED); i++) {
        struct wire_run run = run_of(heard, i);
        assert_int_equal(run.count, EXPECTED[i].count);
        assert_int_equal(run.code, EXPECTED[i].code);
        assert_int_equal(run.first, run.code == LD_OK ? first + EXPECTED[i].first : 0);
    }
    assert_string_equal(reason_of(heard), "segment 2 of the topic is empty");
    struct collected got = {0};
    read_events(&peer, first, first + 3, NULL, collect, &got);
    static const uint64_t IN_LOG[] = {11, 13, 14, 15};
    assert_int_equal(got.count, COUNT(IN_LOG));
    assert_memory_equal(got.producer_sequences, IN_LOG, sizeof IN_LOG);
    assert_int_equal(router_durable(rig->router), first + 3);
    publish_one(&peer, "a#2", 1, "t", "sound");
    publish_one(&peer, "a#2", 2, "t", "behind it");
    peer_close(&peer);
}

static void test_damaged_header_holds_what_follows(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    batch_add(&batch, "a", 1, "t", "")[48] ^= 1;
    batch_add(&batch, "a", 2, "t", "");
    uint64_t refused = batch_send_seen(&peer, &batch, 1);
    batch_add(&batch, "a", 3, "t", ""); /* sent before the answer was seen */
    uint64_t unseen = batch_send_seen(&peer, &batch, 1);
    expect_run(&peer, refused, 2, LD_CORRUPT);
    expect_run(&peer, unseen, 1, LD_CORRUPT);
    batch_add(&batch, "a", 1, "t", "");
    batch_add(&batch, "a", 2, "t", "");
    expect_run(&peer, batch_send_seen(&peer, &batch, unseen), 2, LD_OK);
    peer_close(&peer);
}

static void expect_batch_refused(struct peer *peer, uint64_t count, const struct ld_buffer *body,
                                 int code)
{
    struct wire_head head = {WIRE_PUBLISH, peer->next_id++, count, 0};
    peer_say_head(peer, &head, body->data, body->size);
    if (count == 0 || count > 2 << 20)
        peer_expect_error(peer, head.id, code);
    else
        expect_run(peer, head.id, count, code);
}

static void test_malformed_batches(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    struct ld_buffer zeros = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    batch_add(&batch, "a", 1, "t", "");
    batch_add(&batch, "a", 2, "t", "");
    struct ld_buffer bytes = batch.bytes;
    expect_batch_refused(&peer, 1, &bytes, LD_PROTOCOL);
    expect_batch_refused(&peer, 3, &bytes, LD_PROTOCOL);
    expect_batch_refused(&peer, 0, &bytes, LD_PROTOCOL);
    expect_batch_refused(&peer, UINT64_MAX, &bytes, LD_PROTOCOL);
    for (bytes.size = 0; bytes.size < batch.bytes.size; bytes.size += 8)
        expect_batch_refused(&peer, 2, &bytes, LD_PROTOCOL);
    static const uint32_t SIZES[] = {0, 8, 64, 73, 160, UINT32_MAX, UINT32_MAX - 7};
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        ld_put_u32(batch.bytes.data + 72 + 12, SIZES[i]);
        expect_batch_refused(&peer, 2, &batch.bytes, LD_PROTOCOL);
    }
    memset(ld_buffer_reserve(&zeros, (2 << 20) + 8), 0, (2 << 20) + 8);
    zeros.size = (2 << 20) + 8;
    expect_batch_refused(&peer, 2, &zeros, LD_TOOBIG);
    publish_one(&peer, "a", 1, "t", "");
    ld_buffer_free(&batch.bytes);
    ld_buffer_free(&zeros);
    peer_close(&peer);
}

static void check_place(const struct ld_record *record, void *data)
{
    const uint64_t *places = data;
    assert_int_equal(places[record->producer_sequence], record->sequence);
}

/* A new segment begins with events of the log's own: a run ends there, and each event is where the
 * answer says. */
static void test_runs_name_each_place(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    static uint64_t places[40001];
    uint64_t answered = 0, runs = 0;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    for (uint64_t next = 1; next <= 40000;) {
        for (int i = 0; i < 4000; i++)
            batch_add(&batch, "a", next++, "t",
                      "some hundred bytes of payload to fill the log with"
                      " and to see where a segment ends, and the next");
        batch_send(&peer, &batch);
        const struct heard *heard = peer_expect(&peer, WIRE_RESULT);
        for (uint64_t i = 0; i < heard->head.b; i++, runs++) {
            struct wire_run run = run_of(heard, i);
            assert_int_equal(run.code, LD_OK);
            for (uint64_t j = 0; j < run.count; j++)
                places[++answered] = run.first + j;
        }
    }
    assert_int_equal(answered, 40000);
    assert_true(runs > 10); /* a segment ended within a batch */
    read_events(&peer, 1, router_durable(rig->router), "t", check_place, places);
    peer_close(&peer);
}

static void test_largest_record(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    char *payload = malloc(LD_PAYLOAD_SIZE_MAX + 1);
    memset(payload, 'x', LD_PAYLOAD_SIZE_MAX);
    payload[LD_PAYLOAD_SIZE_MAX] = 0;
    batch_add(&batch, "a", 1, "t", payload);
    uint64_t sequence = expect_run(&peer, batch_send(&peer, &batch), 1, LD_OK);
    struct collected got = {0};
    read_events(&peer, sequence, sequence, NULL, collect, &got); /* with far less credit */
    assert_int_equal(got.count, 1);
    free(payload);
    peer_close(&peer);
}

/* ---- durability ---- */

static void test_nothing_is_answered_before_it_is_durable(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    uint64_t before = publish_one(&peer, "a", 1, "t", "");
    uint64_t stream = stream_begin(&peer, before + 1, 1000, NULL);
    rig_set_held(true);
    uint64_t ids[3];
    for (size_t i = 0; i < COUNT(ids); i++) {
        batch_add(&batch, "a", 2, "t", "");
        ids[i] = batch_send(&peer, &batch); /* the same event three times */
    }
    for (int i = 0; i < 20; i++)
        peer_sync(&peer, &peer); /* would hear an early answer or chunk instead */
    assert_int_equal(router_durable(rig->router), before);
    rig_set_held(false);
    uint64_t sequence = expect_run(&peer, ids[0], 1, LD_OK);
    assert_int_equal(sequence, before + 1);
    expect_run(&peer, ids[1], 1, LD_DUPLICATE);
    expect_run(&peer, ids[2], 1, LD_DUPLICATE);
    const struct heard *chunk = peer_expect(&peer, WIRE_CHUNK);
    assert_int_equal(chunk->head.id, stream);
    assert_int_equal(chunk->head.b, sequence);
    peer_close(&peer);
}

static void fill_batch(struct batch *batch, uint64_t first, uint64_t count)
{
    char payload[1001];
    memset(payload, 'x', sizeof payload);
    payload[1000] = 0;
    for (uint64_t i = 0; i < count; i++)
        batch_add(batch, "a", first + i, "t", payload);
}

/* More than both buffers of the log hold, while the disk hangs: everything waits, nothing is lost.
 */
static void test_full_buffers_hold_back(void **state)
{
    struct rig *rig = *state;
    rig->options.buffer_bytes = 64 << 10;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    rig_set_held(true);
    uint64_t ids[30];
    for (size_t i = 0; i < COUNT(ids); i++) {
        fill_batch(&batch, 1 + i * 20, 20);
        ids[i] = batch_send(&peer, &batch);
    }
    peer_sync(&peer, &peer);
    rig_set_held(false);
    size_t events = 0;
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct heard *heard = peer_expect(&peer, WIRE_RESULT);
        assert_int_equal(heard->head.id, ids[i]);
        for (uint64_t j = 0; j < heard->head.b; j++) {
            assert_int_equal(run_of(heard, j).code, LD_OK);
            events += run_of(heard, j).count;
        }
    }
    assert_int_equal(events, 600);
    struct collected got = {0};
    read_events(&peer, 1, router_durable(rig->router), "t", collect, &got);
    assert_int_equal(got.count, 600);
    for (size_t i = 0; i < 600; i++)
        assert_int_equal(got.producer_sequences[i], i + 1);
    peer_close(&peer);
}

/* Beyond what may wait there is BUSY; nothing sent in ignorance of it gets past it. */
static void test_busy_is_not_overtaken(void **state)
{
    struct rig *rig = *state;
    rig->options.buffer_bytes = 64 << 10;
    rig->options.limits.waiting_session_bytes = 256 << 10;
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    rig_set_held(true);
    uint64_t ids[30];
    for (size_t i = 0; i < COUNT(ids); i++) {
        fill_batch(&batch, 1 + i * 20, 20);
        ids[i] = batch_send_seen(&peer, &batch, 1);
    }
    peer_sync(&peer, &peer);
    rig_set_held(false);
    size_t taken = 0;
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct heard *heard = peer_expect(&peer, WIRE_RESULT);
        assert_int_equal(heard->head.id, ids[i]); /* in order, refusals too */
        bool busy = run_of(heard, 0).code == LD_BUSY;
        assert_true(busy || taken == i);
        taken += !busy;
    }
    assert_true(taken > 3 && taken < COUNT(ids) - 3);
    fill_batch(&batch, 1 + (taken + 1) * 20, 20); /* skips one, still in ignorance */
    expect_run(&peer, batch_send_seen(&peer, &batch, ids[taken - 1]), 20, LD_BUSY);
    fill_batch(&batch, 1 + taken * 20, 40);
    expect_run(&peer, batch_send_seen(&peer, &batch, ids[COUNT(ids) - 1]), 40, LD_OK);
    peer_close(&peer);
}

/* One event; its code, sent by a client that has seen the answers up to seen. */
static uint32_t code_of(struct peer *peer, uint64_t sequence, bool damaged, uint64_t seen,
                        uint64_t *id)
{
    struct batch batch = {0};
    uint8_t *raw = batch_add(&batch, "a", sequence, "t", "payload");
    raw[LD_RECORD_HEADER_SIZE + 1] ^= damaged;
    *id = batch_send_seen(peer, &batch, seen);
    return run_of(peer_expect(peer, WIRE_RESULT), 0).code;
}

/* A client that knows of the first refusal only may send the refused ones again, in order, but
 * nothing that would overtake the second. */
static void test_refusals_hold_until_the_last_is_known(void **state)
{
    struct rig *rig = *state;
    rig_start_router(rig);
    struct peer peer;
    uint64_t first, second, third, id;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    assert_int_equal(code_of(&peer, 1, true, 2, &first), LD_CORRUPT);
    assert_int_equal(code_of(&peer, 2, false, 2, &second), LD_CORRUPT);
    assert_int_equal(code_of(&peer, 3, false, first, &third), LD_CORRUPT);
    assert_int_equal(code_of(&peer, 1, false, first, &id), LD_OK);
    assert_int_equal(code_of(&peer, 3, false, first, &third), LD_CORRUPT);
    assert_int_equal(code_of(&peer, 2, false, first, &id), LD_OK);
    assert_int_equal(code_of(&peer, 4, false, second, &third), LD_CORRUPT);
    assert_int_equal(code_of(&peer, 4, false, third, &id), LD_OK);
    peer_close(&peer);
}

/* ---- disks that fail, met by the log's thread or by the loop's own ---- */

static void commit_here(struct rig *rig)
{
    rig->options.commit_here = true;
    rig_stop_clock(); /* no sync takes long */
}

static uint64_t commits_here(struct peer *peer)
{
    static const char FIELD[] = "\"commits_here\":";
    peer_say(peer, WIRE_STATUS, 0, 0, NULL);
    struct heard *heard = peer_expect(peer, WIRE_STATUS_OK);
    const char *found = memmem(heard->body, heard->size, FIELD, sizeof FIELD - 1);
    assert_non_null(found);
    return strtoull(found + sizeof FIELD - 1, NULL, 10);
}

/* As many as it takes until the loop commits by itself, if it may; returns the last sequence. */
static uint64_t publish_quickly(struct peer *peer)
{
    uint64_t last = 0;
    while (last < EVLOG_QUICK_SYNCS + 5)
        publish_one(peer, "a", ++last, "t", "");
    uint64_t here = commits_here(peer);
    assert_true(peer->rig->options.commit_here ? here > 0 : here == 0);
    return last;
}

static void check_full_disk(struct rig *rig)
{
    rig_start_router(rig);
    struct peer peer;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    uint64_t last = publish_quickly(&peer), before = publish_one(&peer, "a", ++last, "t", "");
    rig_set_codes(LD_NOSPACE, LD_OK);
    batch_add(&batch, "a", last + 1, "t", ""); /* accepted, then found that it cannot be written */
    uint64_t waiting = batch_send(&peer, &batch);
    uint64_t id;
    const struct heard *heard;
    do {
        batch_add(&batch, "a", last + 2, "t", "");
        id = peer_say(&peer, WIRE_STATUS, 0, 0, NULL);
        heard = peer_expect(&peer, WIRE_STATUS_OK);
    } while (!strstr(ld_buffer_string(&rig->notes), "no space"));
    assert_int_equal(heard->head.id, id);
    ld_buffer_free(&batch.bytes);
    batch.count = 0;
    batch_add(&batch, "a", last + 2, "t", "");
    uint64_t refused = batch_send(&peer, &batch);
    struct collected got = {0}; /* reading goes on */
    uint64_t stream = stream_begin(&peer, before, 1000, NULL);
    assert_int_equal(peer_expect(&peer, WIRE_CHUNK)->head.id, stream);
    rig_set_codes(LD_OK, LD_OK);
    assert_int_equal(expect_run(&peer, waiting, 1, LD_OK), before + 1);
    expect_run(&peer, refused, 1, LD_NOSPACE);
    assert_int_equal(peer_expect(&peer, WIRE_CHUNK)->head.b, before + 1);
    publish_one(&peer, "a", last + 2, "t", "");
    assert_int_equal(got.count, 0);
    peer_close(&peer);
}

static void test_full_disk_refuses_and_heals(void **state)
{
    check_full_disk(*state);
}

static void test_full_disk_found_by_the_loop(void **state)
{
    commit_here(*state);
    check_full_disk(*state);
}

static void check_failed_sync(struct rig *rig)
{
    rig_start_router(rig);
    struct peer peer, other;
    struct batch batch = {0};
    peer_hello(rig, &peer, "a");
    peer_hello(rig, &other, "b");
    peer_producer(&peer, "a");
    uint64_t last = publish_quickly(&peer), before = publish_one(&peer, "a", ++last, "t", "");
    rig_set_codes(LD_OK, LD_IO);
    batch_add(&batch, "a", last + 1, "t", "");
    expect_run(&peer, batch_send(&peer, &batch), 1, LD_UNKNOWN);
    peer_expect_error(&peer, 0, LD_IO);
    peer_expect(&peer, WIRE_GOODBYE);
    peer_expect_error(&other, 0, LD_IO);
    peer_expect(&other, WIRE_GOODBYE);
    rig_wait(rig, rig_is_stopped, rig);
    assert_int_equal(rig->stop_code, LD_IO);
    assert_non_null(strstr(ld_buffer_string(&rig->notes), "the log failed"));
    rig_set_codes(LD_OK, LD_OK);
    rig_start_router(rig);
    assert_true(router_durable(rig->router) >= before);
    peer_close(&peer);
    peer_close(&other);
}

static void test_failed_sync_is_final(void **state)
{
    check_failed_sync(*state);
}

static void test_failed_sync_of_the_loop_is_final(void **state)
{
    commit_here(*state);
    check_failed_sync(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_publish_and_read_back),
        WITH_RIG(test_exercise_flag_is_kept),
        WITH_RIG(test_each_record_is_judged),
        WITH_RIG(test_damaged_header_holds_what_follows),
        WITH_RIG(test_malformed_batches),
        WITH_RIG(test_runs_name_each_place),
        WITH_RIG(test_largest_record),
        WITH_RIG(test_nothing_is_answered_before_it_is_durable),
        WITH_RIG(test_full_buffers_hold_back),
        WITH_RIG(test_busy_is_not_overtaken),
        WITH_RIG(test_refusals_hold_until_the_last_is_known),
        WITH_RIG(test_full_disk_refuses_and_heals),
        WITH_RIG(test_full_disk_found_by_the_loop),
        WITH_RIG(test_failed_sync_is_final),
        WITH_RIG(test_failed_sync_of_the_loop_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
