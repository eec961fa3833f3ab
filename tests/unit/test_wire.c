/* The wire: heads, WELCOME and runs, as bytes and back, and what is not accepted. */
#include "test.h"

#include "wire/wire.h"

static void test_head_layout(void **state)
{
    (void)state;
    struct wire_head head = {WIRE_PUBLISH, 0x0102030405060708, 3, UINT64_MAX};
    uint8_t raw[WIRE_HEAD_SIZE];
    wire_head_encode(raw, &head);
    static const uint8_t EXPECTED[WIRE_HEAD_SIZE] = {
        'L', 'D', 'W', '1', 1, 5, 0, 0, 8,    7,    6,    5,    4,    3,    2,    1,
        3,   0,   0,   0,   0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_memory_equal(raw, EXPECTED, sizeof raw);
}

static void test_head_round_trip(void **state)
{
    (void)state;
    for (int operation = WIRE_HELLO; operation <= WIRE_LAST; operation++) {
        struct wire_head head = {(enum wire_operation)operation, 1u << operation, 2, 3}, got;
        uint8_t raw[WIRE_HEAD_SIZE];
        wire_head_encode(raw, &head);
        assert_ok(wire_head_decode(raw, sizeof raw, &got, &test_error));
        assert_int_equal(got.operation, operation);
        assert_true(got.id == head.id && got.a == 2 && got.b == 3);
        assert_string_not_equal(wire_operation_name(got.operation), "?");
    }
    assert_string_equal(wire_operation_name(WIRE_STATUS_OK), "STATUS_OK");
    assert_string_equal(wire_operation_name((enum wire_operation)0), "?");
    assert_string_equal(wire_operation_name((enum wire_operation)200), "?");
}

static int decode_with(size_t offset, uint8_t value)
{
    struct wire_head head = {WIRE_HELLO, 1, 0, 0}, got = {.id = 77};
    uint8_t raw[WIRE_HEAD_SIZE];
    wire_head_encode(raw, &head);
    raw[offset] = value;
    int code = wire_head_decode(raw, sizeof raw, &got, &test_error);
    assert_true(code == LD_OK || got.id == 77);
    return code;
}

static void test_head_malformed(void **state)
{
    (void)state;
    uint8_t raw[WIRE_HEAD_SIZE + 1] = {0};
    struct wire_head got;
    for (size_t size = 0; size <= sizeof raw; size++)
        assert_int_equal(wire_head_decode(raw, size, &got, &test_error), LD_PROTOCOL);
    assert_int_equal(decode_with(0, 'L'), LD_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(decode_with(i, 'x'), LD_PROTOCOL);
    assert_int_equal(decode_with(4, 0), LD_VERSION);
    assert_int_equal(decode_with(4, 2), LD_VERSION);
    assert_string_equal(test_error.text, "protocol version 2, this side speaks 1");
    assert_int_equal(decode_with(5, 0), LD_PROTOCOL);
    assert_int_equal(decode_with(5, WIRE_LAST + 1), LD_PROTOCOL);
    assert_int_equal(decode_with(5, 255), LD_PROTOCOL);
    assert_int_equal(decode_with(6, 1), LD_PROTOCOL);
    assert_int_equal(decode_with(7, 1), LD_PROTOCOL);
}

static void test_welcome(void **state)
{
    (void)state;
    struct wire_welcome welcome = {.log_id = {1, 2, 3, 16},
                                   .first_sequence = 5,
                                   .record_size_max = 6,
                                   .batch_size_max = 7,
                                   .credit_max = 8,
                                   .chunk_size_max = 9,
                                   .heartbeat_ms = 10,
                                   .flags = WIRE_DRILL,
                                   .time_us = -12};
    uint8_t raw[WIRE_WELCOME_SIZE + 1];
    wire_welcome_encode(raw, &welcome);
    static const uint8_t TAIL[] = {5, 0, 0, 0, 0,    0,    0,    0,    6,    0,    0,    0,   7, 0,
                                   0, 0, 8, 0, 0,    0,    9,    0,    0,    0,    10,   0,   0, 0,
                                   1, 0, 0, 0, 0xf4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_memory_equal(raw, welcome.log_id, 16);
    assert_memory_equal(raw + 16, TAIL, sizeof TAIL);
    struct wire_welcome got;
    assert_ok(wire_welcome_decode(raw, WIRE_WELCOME_SIZE, &got, &test_error));
    assert_memory_equal(&got, &welcome, sizeof got);
    for (size_t size = 0; size < WIRE_WELCOME_SIZE; size++)
        assert_int_equal(wire_welcome_decode(raw, size, &got, &test_error), LD_PROTOCOL);
    assert_int_equal(wire_welcome_decode(raw, sizeof raw, &got, &test_error), LD_PROTOCOL);
}

static void test_run(void **state)
{
    (void)state;
    struct wire_run run = {0x01020304, LD_DUPLICATE, 0x1122334455667788}, got;
    uint8_t raw[WIRE_RUN_SIZE];
    wire_run_encode(raw, &run);
    static const uint8_t EXPECTED[] = {4,    3,    2,    1,    1,    0,    0,    0,
                                       0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    assert_memory_equal(raw, EXPECTED, sizeof raw);
    wire_run_decode(raw, &got);
    assert_memory_equal(&got, &run, sizeof got);
}

/* The worked example of docs/protocol.md, section 9. */
static void test_worked_example(void **state)
{
    (void)state;
    static const uint8_t EXPECTED[88] = {
        0x4c, 0x44, 0x52, 0x31, 0x7b, 0xb0, 0x9f, 0x5c, 0x49, 0x2e, 0x2c, 0x53, 0x58, 0x00,
        0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf1, 0x92,
        0x7a, 0xa1, 0x0b, 0x41, 0xf7, 0x59, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x72, 0x65, 0x70, 0x6f, 0x72, 0x74,
        0x2f, 0x33, 0x33, 0x30, 0x33, 0x2f, 0x78, 0x68, 0x65, 0x6c, 0x6c, 0x6f};
    struct ld_record record = {.producer = ld_producer_id("3303.health", 11),
                               .producer_sequence = 1,
                               .topic = "report/3303/x",
                               .topic_size = 13,
                               .payload = (const uint8_t *)"hello",
                               .payload_size = 5};
    uint8_t raw[sizeof EXPECTED];
    assert_int_equal(ld_record_size(13, 5), sizeof raw);
    ld_record_encode(raw, &record);
    assert_memory_equal(raw, EXPECTED, sizeof raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_head_layout),
        cmocka_unit_test(test_head_round_trip),
        cmocka_unit_test(test_head_malformed),
        cmocka_unit_test(test_welcome),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_worked_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
