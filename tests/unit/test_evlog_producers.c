/* evlog: where each producer is, and whose its last event is, through segments and restarts. */
#include "evlog_world.h"

#include "bytes.h"
#include "evlog/producers.h"

enum { PRODUCERS = 40, EVENTS = 400 };

static void check_positions(struct world *world, const uint64_t *sequences)
{
    for (uint64_t id = 1; id <= PRODUCERS; id++) {
        struct event event;
        struct evlog_position position = evlog_producer_position(world->log, id);
        event_make(&event, id, sequences[id]);
        assert_int_equal(position.sequence, sequences[id]);
        assert_int_equal(position.checksum, ld_get_u32(event.raw + 8));
        assert_true(position.checksum_known);
    }
    assert_int_equal(evlog_producer_position(world->log, PRODUCERS + 1).sequence, 0);
    assert_false(evlog_producer_position(world->log, PRODUCERS + 1).checksum_known);
}

/* Some publish all the time, others are only in checkpoints soon. */
static void test_last_events_are_known_for_ever(void **state)
{
    struct world *world = *state;
    uint64_t sequences[PRODUCERS + 1] = {0};
    world->options.segment_bytes = 65536;
    world_open(world);
    for (uint64_t id = 1; id <= PRODUCERS; id++)
        world_append(world, id, sequences[id] = id % 3 + 1);
    for (uint64_t i = 0; i < EVENTS; i++) {
        world_append(world, 1 + i % 5, 1);
        sequences[1 + i % 5]++;
    }
    check_positions(world, sequences);
    world_close(world);
    world_open(world);
    assert_true(world->recovery.segments > 2);
    check_positions(world, sequences);
}

/* ---- checkpoints of both versions ---- */

struct checkpoint {
    uint8_t payload[CHECKPOINT_HEAD_SIZE + 2 * CHECKPOINT_ENTRY_SIZE];
    struct ld_record record;
};

static void checkpoint_make(struct checkpoint *checkpoint, uint32_t version, size_t entry_size)
{
    *checkpoint = (struct checkpoint){
        .record = {.topic = EVLOG_TOPIC_CHECKPOINT,
                   .topic_size = sizeof EVLOG_TOPIC_CHECKPOINT - 1,
                   .payload = checkpoint->payload,
                   .payload_size = (uint32_t)(CHECKPOINT_HEAD_SIZE + 2 * entry_size)}};
    ld_put_u32(checkpoint->payload, version);
    ld_put_u32(checkpoint->payload + 4, 2);
    for (size_t i = 0; i < 2; i++) {
        ld_put_u64(checkpoint->payload + CHECKPOINT_HEAD_SIZE + i * entry_size, 7 + i);
        ld_put_u64(checkpoint->payload + CHECKPOINT_HEAD_SIZE + i * entry_size + 8, 70 + i);
    }
}

static void check_position(const struct producers *producers, uint64_t id,
                           struct evlog_position expected)
{
    struct evlog_position found = producers_get(producers, id);
    assert_int_equal(found.sequence, expected.sequence);
    assert_int_equal(found.checksum, expected.checksum);
    assert_int_equal(found.checksum_known, expected.checksum_known);
}

static void test_old_checkpoints_know_no_checksums(void **state)
{
    struct producers producers = {0};
    struct checkpoint checkpoint;
    struct checkpoint_part part;
    (void)state;
    checkpoint_make(&checkpoint, 1, 16);
    assert_ok(checkpoint_apply(&checkpoint.record, &producers, &part, &test_error));
    check_position(&producers, 7, (struct evlog_position){70, 0, false});
    check_position(&producers, 8, (struct evlog_position){71, 0, false});
    assert_true(producers_raise(&producers, 8, (struct evlog_position){72, 0xabc, true}));
    check_position(&producers, 8, (struct evlog_position){72, 0xabc, true});
    producers_free(&producers);
}

static void test_checkpoints_of_this_version(void **state)
{
    struct producers producers = {0};
    struct checkpoint checkpoint;
    struct checkpoint_part part;
    (void)state;
    checkpoint_make(&checkpoint, CHECKPOINT_VERSION, CHECKPOINT_ENTRY_SIZE);
    ld_put_u32(checkpoint.payload + CHECKPOINT_HEAD_SIZE + 16, 0xabc);
    ld_put_u32(checkpoint.payload + CHECKPOINT_HEAD_SIZE + 20, 1);
    assert_ok(checkpoint_apply(&checkpoint.record, &producers, &part, &test_error));
    check_position(&producers, 7, (struct evlog_position){70, 0xabc, true});
    check_position(&producers, 8, (struct evlog_position){71, 0, false});
    checkpoint.record.payload_size -= 8; /* as of version 1 in part */
    assert_int_equal(checkpoint_apply(&checkpoint.record, &producers, &part, &test_error),
                     LD_CORRUPT);
    checkpoint_make(&checkpoint, CHECKPOINT_VERSION + 1, CHECKPOINT_ENTRY_SIZE);
    assert_int_equal(checkpoint_apply(&checkpoint.record, &producers, &part, &test_error),
                     LD_VERSION);
    producers_free(&producers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INLINE(test_last_events_are_known_for_ever),
        cmocka_unit_test(test_old_checkpoints_know_no_checksums),
        cmocka_unit_test(test_checkpoints_of_this_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
