/* Base: error texts, records, topics and filters, buffers, arenas, times. */
#include "test.h"

#include <liandong/record.h>
#include <liandong/topic.h>
#include <stdlib.h>
#include "arena.h"
#include "buffer.h"
#include "bytes.h"
#include "timefmt.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- errors ---- */

static void test_codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(ld_code_name(LD_OK), "OK");
    assert_string_equal(ld_code_name(LD_CORRUPT), "CORRUPT");
    assert_string_equal(ld_code_text(LD_DENIED), "not allowed for this identity");
    assert_int_equal(ld_code_blame(LD_BUSY), LD_BLAME_RETRY);
    assert_int_equal(ld_code_blame(LD_IO), LD_BLAME_FATAL);
    assert_int_equal(ld_code_blame(LD_OK), LD_BLAME_NONE);
    static const int UNKNOWN[] = {-1, LD_CORRUPT + 1, 1 << 30};
    for (size_t i = 0; i < COUNT(UNKNOWN); i++) {
        assert_string_equal(ld_code_name(UNKNOWN[i]), "CODE?");
        assert_non_null(ld_code_text(UNKNOWN[i]));
    }
}

static void test_errors_wrap(void **state)
{
    (void)state;
    struct ld_error error;
    assert_int_equal(ld_fail(&error, LD_IO, "byte %d", 7), LD_IO);
    assert_int_equal(ld_wrap(&error, error.code, "segment %s", "a"), LD_IO);
    assert_int_equal(ld_wrap(&error, error.code, "log"), LD_IO);
    assert_int_equal(error.code, LD_IO);
    assert_string_equal(error.text, "log: segment a: byte 7");
    assert_int_equal(ld_fail(&error, LD_BUSY, "was: %s", error.text), LD_BUSY);
    assert_string_equal(error.text, "was: log: segment a: byte 7");
    assert_int_equal(ld_fail(NULL, LD_BUSY, "nobody asks"), LD_BUSY);
    assert_int_equal(ld_wrap(NULL, LD_BUSY, "nobody asks"), LD_BUSY);
}

static void test_long_errors_are_cut(void **state)
{
    (void)state;
    char longest[LD_ERROR_TEXT_SIZE * 2];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = 0;
    struct ld_error error;
    ld_fail(&error, LD_IO, "%s", longest);
    assert_int_equal(strlen(error.text), LD_ERROR_TEXT_SIZE - 1);
    ld_wrap(&error, LD_IO, "front");
    assert_int_equal(strlen(error.text), LD_ERROR_TEXT_SIZE - 1);
    assert_memory_equal(error.text, "front: xxx", 10);
    ld_wrap(&error, LD_IO, "%s", longest);
    assert_int_equal(strlen(error.text), LD_ERROR_TEXT_SIZE - 1);
}

/* ---- checksums ---- */

static void test_crc32c_vectors(void **state)
{
    (void)state;
    uint8_t bytes[32];
    assert_int_equal(ld_crc32c(0, "", 0), 0);
    assert_int_equal(ld_crc32c(0, "123456789", 9), 0xe3069283u);
    memset(bytes, 0, sizeof bytes); /* RFC 3720, B.4 */
    assert_int_equal(ld_crc32c(0, bytes, sizeof bytes), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(ld_crc32c(0, bytes, sizeof bytes), 0x62a8ab43u);
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    assert_int_equal(ld_crc32c(0, bytes, sizeof bytes), 0x46dd794eu);
    assert_int_equal(ld_crc32c(ld_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
}

static void test_producer_ids(void **state)
{
    (void)state;
    /* BLAKE2b-128, first 8 bytes: hashlib.blake2b(b"router", digest_size=16) */
    assert_true(ld_producer_id("router", 6) == UINT64_C(0x4b5b907677756947));
    assert_true(ld_producer_id("router", 6) != ld_producer_id("router", 5));
    assert_true(ld_producer_id("", 0) != 0);
}

/* ---- records ---- */

static const struct ld_record SAMPLE = {
    .sequence = 0x1122334455667788,
    .time_us = 1700000000123456,
    .producer = 0x8877665544332211,
    .producer_sequence = 42,
    .topic = "duty/3303/health",
    .payload = (const uint8_t *)"hello",
    .payload_size = 5,
    .topic_size = 16,
    .flags = LD_RECORD_EXERCISE,
};

static void assert_same_record(const struct ld_record *got, const struct ld_record *expected)
{
    assert_true(got->sequence == expected->sequence);
    assert_true(got->time_us == expected->time_us);
    assert_true(got->producer == expected->producer);
    assert_true(got->producer_sequence == expected->producer_sequence);
    assert_int_equal(got->flags, expected->flags);
    assert_int_equal(got->topic_size, expected->topic_size);
    assert_memory_equal(got->topic, expected->topic, expected->topic_size);
    assert_int_equal(got->payload_size, expected->payload_size);
    if (expected->payload_size)
        assert_memory_equal(got->payload, expected->payload, expected->payload_size);
    assert_int_equal(got->size, ld_record_size(expected->topic_size, expected->payload_size));
}

static void test_record_round_trip(void **state)
{
    (void)state;
    uint8_t *payload = calloc(1, LD_PAYLOAD_SIZE_MAX);
    static const uint32_t SIZES[] = {0, 1, 7, 8, 9, 4096, LD_PAYLOAD_SIZE_MAX};
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        struct ld_record record = SAMPLE;
        record.payload = payload;
        record.payload_size = SIZES[i];
        size_t size = ld_record_size(record.topic_size, record.payload_size);
        assert_int_equal(size % LD_RECORD_ALIGN, 0);
        assert_true(size <= LD_RECORD_SIZE_MAX);
        uint8_t *raw = malloc(size);
        memset(raw, 0xee, size);
        ld_record_encode(raw, &record);
        struct ld_record got;
        assert_ok(ld_record_decode(raw, size, &got, &test_error));
        assert_same_record(&got, &record);
        assert_ok(ld_record_check(&got, &test_error));
        free(raw);
    }
    free(payload);
}

/* The layout is the specification's, byte by byte. */
static void test_record_layout(void **state)
{
    (void)state;
    uint8_t raw[88];
    assert_int_equal(ld_record_size(SAMPLE.topic_size, SAMPLE.payload_size), sizeof raw);
    ld_record_encode(raw, &SAMPLE);
    static const uint8_t HEADER[] = {
        88,   0,    0,    0,    5,    0,    0,    0,    16,   0,    1,    0,    0x88,
        0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x40, 0x22, 0x20, 0x18, 0x24, 0x0a,
        0x06, 0,    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 42,   0,    0,
        0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    };
    assert_memory_equal(raw, "LDR1", 4);
    assert_int_equal(ld_get_u32(raw + 4), ld_crc32c(0, raw + 8, 56));
    assert_int_equal(ld_get_u32(raw + 8), ld_crc32c(0, "duty/3303/healthhello", 21));
    assert_memory_equal(raw + 12, HEADER, sizeof HEADER);
    assert_memory_equal(raw + 64, "duty/3303/healthhello\0\0\0", 24);
}

static void test_record_stamp(void **state)
{
    (void)state;
    uint8_t raw[88];
    ld_record_encode(raw, &SAMPLE);
    ld_record_stamp(raw, 9, -5, 0);
    struct ld_record got, expected = SAMPLE;
    expected.sequence = 9;
    expected.time_us = -5;
    expected.flags = 0;
    assert_ok(ld_record_decode(raw, sizeof raw, &got, &test_error));
    assert_same_record(&got, &expected);
    assert_ok(ld_record_check(&got, &test_error));
}

static void test_record_any_flipped_bit_is_found(void **state)
{
    (void)state;
    uint8_t raw[88];
    ld_record_encode(raw, &SAMPLE);
    size_t used = LD_RECORD_HEADER_SIZE + 21; /* the padding carries nothing */
    for (size_t bit = 0; bit < used * 8; bit++) {
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct ld_record got;
        int code = ld_record_decode(raw, sizeof raw, &got, NULL);
        if (code == LD_OK)
            code = ld_record_check(&got, NULL);
        assert_int_not_equal(code, LD_OK);
        raw[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Puts a 32 or 16 bit field in place and makes the header checksum fit again. */
static int decode_with(size_t offset, size_t field_size, uint32_t value, size_t available)
{
    uint8_t raw[88];
    ld_record_encode(raw, &SAMPLE);
    if (field_size == 2)
        ld_put_u16(raw + offset, (uint16_t)value);
    else if (field_size == 4)
        ld_put_u32(raw + offset, value);
    if (offset != 4)
        ld_put_u32(raw + 4, ld_crc32c(0, raw + 8, 56));
    struct ld_record got = {.sequence = 77};
    int code = ld_record_decode(raw, available, &got, &test_error);
    if (code != LD_OK) {
        assert_true(got.sequence == 77); /* untouched by a failure */
        assert_int_equal(test_error.code, code);
        assert_true(strlen(test_error.text) > 10);
    }
    return code;
}

static void test_record_malformed(void **state)
{
    (void)state;
    assert_int_equal(decode_with(12, 0, 0, 88), LD_OK);
    for (size_t available = 0; available < 88; available++)
        assert_int_equal(decode_with(12, 0, 0, available), LD_PROTOCOL);
    assert_int_equal(decode_with(0, 4, 0x4c4c4c4c, 88), LD_PROTOCOL);  /* magic */
    assert_int_equal(decode_with(4, 4, 0, 88), LD_CORRUPT);            /* header checksum */
    assert_int_equal(decode_with(12, 4, 80, 88), LD_PROTOCOL);         /* too short */
    assert_int_equal(decode_with(12, 4, 96, 200), LD_PROTOCOL);        /* too long */
    assert_int_equal(decode_with(12, 4, UINT32_MAX, 88), LD_PROTOCOL); /* absurd */
    assert_int_equal(decode_with(16, 4, LD_PAYLOAD_SIZE_MAX + 1, 88), LD_TOOBIG);
    assert_int_equal(decode_with(16, 4, UINT32_MAX, 88), LD_TOOBIG);
    assert_int_equal(decode_with(20, 2, LD_TOPIC_SIZE_MAX + 1, 88), LD_TOOBIG);
    assert_int_equal(decode_with(16, 4, 4, 88), LD_OK); /* same size rounded: the payload check */
}

/* ---- topics ---- */

static char *text_of(size_t size, size_t segments)
{
    char *text = malloc(size + 1);
    memset(text, 'a', size);
    for (size_t i = 1; i < segments; i++)
        text[2 * i - 1] = '/';
    text[size] = 0;
    return text;
}

static int topic(const char *text)
{
    return ld_topic_check(text, strlen(text), &test_error);
}

static int filter(const char *text)
{
    return ld_filter_check(text, strlen(text), &test_error);
}

static void test_topic_check(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"a", "sys/tick", "duty/3303/health/330302-cholera-1.12",
                                       "a_b/c.d/e-f/0", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p"};
    static const char *const BAD[] = {"",    "/",   "/a", "a/",  "a//b",   "A", "a b",
                                      "a/*", "a/>", ">",  "*",   "a/b*/c", "å", "a,",
                                      "a\n", "a+b", "#",  "a\\", "a\x7f"};
    for (size_t i = 0; i < COUNT(GOOD); i++)
        assert_int_equal(topic(GOOD[i]), LD_OK);
    for (size_t i = 0; i < COUNT(BAD); i++)
        assert_int_equal(topic(BAD[i]), LD_INVALID);
    assert_int_equal(ld_topic_check("a\0b", 3, &test_error), LD_INVALID);
    assert_int_equal(topic("duty/33O3"), LD_INVALID);
    assert_string_equal(test_error.text, "'O' at position 8 in segment 2 of the topic; "
                                         "allowed are a-z 0-9 . - _");
}

static void test_topic_limits(void **state)
{
    (void)state;
    static const struct {
        size_t size, segments;
        int code;
    } CASES[] = {{255, 1, LD_OK},       {256, 1, LD_INVALID}, {255, 16, LD_OK},
                 {255, 17, LD_INVALID}, {31, 16, LD_OK},      {33, 17, LD_INVALID}};
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char *text = text_of(CASES[i].size, CASES[i].segments);
        assert_int_equal(topic(text), CASES[i].code);
        assert_int_equal(filter(text), CASES[i].code);
        free(text);
    }
}

static void test_filter_check(void **state)
{
    (void)state;
    static const char *const GOOD[] = {">", "*", "duty/>", "duty/33*/>", "*/*/health", "a*", "a/b"};
    static const char *const BAD[] = {"",   ">/a", "a>",  "a/b>", ">>",   "**", "a/**",
                                      "*a", "a*b", "a//", "/>",   "a/>/", "A*", "a/>b"};
    for (size_t i = 0; i < COUNT(GOOD); i++)
        assert_int_equal(filter(GOOD[i]), LD_OK);
    for (size_t i = 0; i < COUNT(BAD); i++)
        assert_int_equal(filter(BAD[i]), LD_INVALID);
}

static void test_filter_matches(void **state)
{
    (void)state;
    static const struct {
        const char *filter, *topic;
        bool matches;
    } CASES[] = {
        {"duty/3303", "duty/3303", true},
        {"duty/3303", "duty/33030", false},
        {"duty/33030", "duty/3303", false},
        {"duty/3303", "duty/3303/health", false},
        {"duty/3303/health", "duty/3303", false},
        {"duty/33*", "duty/3303", true},
        {"duty/33*", "duty/33", true},
        {"duty/33*", "duty/3", false},
        {"duty/33*", "duty/3403", false},
        {"duty/33*", "duty/3303/health", false},
        {"duty/33*/>", "duty/3303/health", true},
        {"duty/33*/>", "duty/330302/health/a/b", true},
        {"duty/33*/>", "duty/3303", false},
        {"duty/33*/health", "duty/3303/health", true},
        {"duty/33*/health", "duty/3303/police", false},
        {"*", "duty", true},
        {"*", "duty/3303", false},
        {"*/3303/*", "grade/3303/x", true},
        {"*/3303/*", "grade/3303", false},
        {">", "duty", true},
        {">", "duty/3303/a/b/c", true},
        {"duty/>", "duty", false},
        {"duty/>", "duty/3303", true},
        {"duty/>", "dut/3303", false},
        {"duty", "dut", false},
        {"a*", "a", true},
        {"a*/b*", "ax/by", true},
        {"a*/b*", "ax/cy", false},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_int_equal(filter(CASES[i].filter), LD_OK);
        assert_int_equal(topic(CASES[i].topic), LD_OK);
        if (ld_filter_matches(CASES[i].filter, strlen(CASES[i].filter), CASES[i].topic,
                              strlen(CASES[i].topic)) != CASES[i].matches)
            fail_msg("filter %s, topic %s", CASES[i].filter, CASES[i].topic);
    }
}

/* ---- buffers and arenas ---- */

static void test_buffer(void **state)
{
    (void)state;
    struct ld_buffer buffer = {0};
    assert_string_equal(ld_buffer_string(&buffer), "");
    ld_buffer_append(&buffer, NULL, 0);
    for (int i = 0; i < 1000; i++)
        ld_buffer_format(&buffer, "%d,", i);
    ld_buffer_text(&buffer, "end");
    assert_int_equal(buffer.size, 10 * 2 + 90 * 3 + 900 * 4 + 3);
    assert_memory_equal(buffer.data, "0,1,2,3,4,5,6,7,8,9,10,", 23);
    assert_string_equal(ld_buffer_string(&buffer) + buffer.size - 7, "999,end");
    memcpy(ld_buffer_reserve(&buffer, 1 << 20), "!", 1);
    assert_true(buffer.capacity >= (1u << 20) + buffer.size);
    ld_buffer_clear(&buffer);
    assert_string_equal(ld_buffer_string(&buffer), "");
    ld_buffer_free(&buffer);
    assert_null(buffer.data);
    ld_buffer_free(&buffer);
    ld_buffer_free(NULL);
}

static void test_arena(void **state)
{
    (void)state;
    struct ld_arena arena = {0};
    uint8_t *pieces[200];
    for (size_t i = 0; i < COUNT(pieces); i++) {
        pieces[i] = ld_arena_alloc(&arena, i * 13);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < i * 13; j++)
            assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], (int)i, i * 13);
    }
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (size_t j = 0; j < i * 13; j++)
            assert_int_equal(pieces[i][j], i);
    assert_string_equal(ld_arena_format(&arena, "%d-%s", 7, "x"), "7-x");
    assert_string_equal(ld_arena_string(&arena, "abcdef", 3), "abc");
    assert_string_equal(ld_arena_string(&arena, NULL, 0), "");
    ld_arena_reset(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_int_equal(*(uint8_t *)ld_arena_alloc(&arena, 64), 0);
    ld_arena_free(&arena);
    ld_arena_free(&arena);
    ld_arena_free(NULL);
}

/* ---- times ---- */

static void test_time_round_trip(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int offset_minutes;
        int64_t seconds;
    } CASES[] = {
        {"1970-01-01T00:00:00+00:00", 0, 0},
        {"1970-01-01T08:00:00+08:00", 480, 0},
        {"1969-12-31T23:59:59+00:00", 0, -1},
        {"1969-12-31T19:30:00-04:30", -270, 0},
        {"2000-02-29T12:00:00+00:00", 0, 951825600},
        {"2024-02-29T00:00:00+08:00", 480, 1709136000},
        {"2024-03-01T00:00:00+08:00", 480, 1709222400},
        {"2100-02-28T23:59:59+00:00", 0, 4107542399},
        {"2100-03-01T00:00:00+00:00", 0, 4107542400},
        {"2026-11-22T10:00:00+08:00", 480, 1795312800},
        {"1854-08-19T00:00:00+00:00", 0, -3640723200},
        {"0001-01-01T00:00:00+00:00", 0, -62135596800},
        {"9999-12-31T23:59:59+00:00", 0, 253402300799},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        char text[LD_TIME_TEXT_SIZE];
        int64_t time_us;
        assert_ok(ld_time_parse(CASES[i].text, 123, &time_us, &test_error));
        assert_true(time_us == CASES[i].seconds * LD_US_SECOND);
        assert_string_equal(ld_time_format(text, time_us, CASES[i].offset_minutes), CASES[i].text);
    }
}

static void test_time_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } CASES[] = {
        {"1970-01-02", LD_US_DAY - 8 * LD_US_HOUR},
        {"1970-01-02Z", LD_US_DAY},
        {"1970-01-02+01:30", LD_US_DAY - 90 * LD_US_MINUTE},
        {"1970-01-01T10:00", 2 * LD_US_HOUR},
        {"1970-01-01T10:00Z", 10 * LD_US_HOUR},
        {"1970-01-01T10:00:05", 2 * LD_US_HOUR + 5 * LD_US_SECOND},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.123456-01:00", LD_US_HOUR + 123456},
        {"1969-12-31T23:59:59.999999Z", -1},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        int64_t time_us;
        assert_ok(ld_time_parse(CASES[i].text, LD_CHINA_OFFSET_MINUTES, &time_us, &test_error));
        assert_true(time_us == CASES[i].us);
    }
    char text[LD_TIME_TEXT_SIZE];
    assert_string_equal(ld_time_format(text, -1, 0), "1969-12-31T23:59:59+00:00");
    assert_string_equal(ld_date_format(text, 17 * LD_US_HOUR, 480), "1970-01-02");
    assert_string_equal(ld_date_format(text, 15 * LD_US_HOUR, 480), "1970-01-01");
    assert_non_null(ld_time_format(text, INT64_MIN, 0));
    assert_non_null(ld_time_format(text, INT64_MAX, 0));
}

static void test_time_malformed(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",
        "now",
        "2026",
        "2026-11",
        "2026-1-2",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-01-32",
        "2026-02-29",
        "2100-02-29",
        "1900-02-29",
        "2026-04-31",
        "0000-01-01",
        "2026-11-22T",
        "2026-11-22T10",
        "2026-11-22T24:00",
        "2026-11-22T10:60",
        "2026-11-22T10:00:60",
        "2026-11-22 10:00",
        "2026-11-22T10:00:00.",
        "2026-11-22T10:00:00.1234567",
        "2026-11-22T10:00:00+8",
        "2026-11-22T10:00:00+0800",
        "2026-11-22T10:00:00+08:60",
        "2026-11-22T10:00:00+19:00",
        "2026-11-22T10:00:00Zx",
        "2026-11-22x",
        " 2026-11-22",
        "-026-11-22",
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        int64_t time_us = 77;
        if (ld_time_parse(BAD[i], 0, &time_us, &test_error) != LD_INVALID || time_us != 77)
            fail_msg("'%s' was taken", BAD[i]);
    }
}

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
        const char *formatted;
    } CASES[] = {
        {"0s", 0, "0s"},
        {"90s", 90 * LD_US_SECOND, "1m30s"},
        {"30m", 30 * LD_US_MINUTE, "30m"},
        {"2h", 2 * LD_US_HOUR, "2h"},
        {"7d", 7 * LD_US_DAY, "7d"},
        {"1h30m", 90 * LD_US_MINUTE, "1h30m"},
        {"1d2h3m4s", LD_US_DAY + 2 * LD_US_HOUR + 3 * LD_US_MINUTE + 4 * LD_US_SECOND, "1d2h3m4s"},
        {"48h", 2 * LD_US_DAY, "2d"},
    };
    static const char *const BAD[] = {"",    "s",           "5",    "5x",        "5 s",
                                      "-5s", "5s5s",        "5s1m", "1h2h",      "1.5h",
                                      "s5",  "1234567890s", "1h30", "999999999d"};
    int64_t us = 77;
    char text[LD_TIME_TEXT_SIZE];
    for (size_t i = 0; i < COUNT(BAD); i++)
        if (ld_duration_parse(BAD[i], &us, &test_error) != LD_INVALID || us != 77)
            fail_msg("'%s' was taken", BAD[i]);
    for (size_t i = 0; i < COUNT(CASES); i++) {
        assert_ok(ld_duration_parse(CASES[i].text, &us, &test_error));
        assert_true(us == CASES[i].us);
        assert_string_equal(ld_duration_format(text, us), CASES[i].formatted);
    }
    assert_string_equal(ld_duration_format(text, 999999), "0s");
    assert_string_equal(ld_duration_format(text, -90 * LD_US_MINUTE), "-1h30m");
    assert_non_null(ld_duration_format(text, INT64_MIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_have_names),
        cmocka_unit_test(test_errors_wrap),
        cmocka_unit_test(test_long_errors_are_cut),
        cmocka_unit_test(test_crc32c_vectors),
        cmocka_unit_test(test_producer_ids),
        cmocka_unit_test(test_record_round_trip),
        cmocka_unit_test(test_record_layout),
        cmocka_unit_test(test_record_stamp),
        cmocka_unit_test(test_record_any_flipped_bit_is_found),
        cmocka_unit_test(test_record_malformed),
        cmocka_unit_test(test_topic_check),
        cmocka_unit_test(test_topic_limits),
        cmocka_unit_test(test_filter_check),
        cmocka_unit_test(test_filter_matches),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_time_round_trip),
        cmocka_unit_test(test_time_forms),
        cmocka_unit_test(test_time_malformed),
        cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
