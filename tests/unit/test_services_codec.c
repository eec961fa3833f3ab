/* Families, decoding hostile bytes, the codec both ways and damaged, timers, names. */
#include "world.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/inside.h"
#include "common/names.h"
#include "common/utf8.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"

/* ---- families ---- */

static enum sv_family family(const char *topic)
{
    return sv_family_of(topic, strlen(topic));
}

static void families(void **state)
{
    (void)state;
    assert_int_equal(family("report/330302/cholera/330302.health"), SV_REPORT);
    assert_int_equal(family("plan/wenzhou-phe"), SV_PLAN);
    assert_int_equal(family("sys/tick"), SV_TICK);
    assert_int_equal(family("sys/ticks"), SV_OTHER);
    assert_int_equal(family("reports/330302"), SV_OTHER);
    assert_int_equal(family("repor"), SV_OTHER);
    assert_ptr_equal(sv_family_descriptor(SV_GRADE), &liandong__v1__grade__descriptor);
    assert_null(sv_family_descriptor(SV_TICK));
    assert_string_equal(sv_family_name(SV_NEED), "need");
}

/* ---- decoding ---- */

static int decode(enum sv_family family, const void *bytes, size_t size, struct ld_error *error)
{
    struct ld_arena arena = {0};
    ProtobufCMessage *message = NULL;
    int code = sv_decode(family, bytes, size, &arena, &message, error);
    assert_int_equal(code == LD_OK, message != NULL);
    ld_arena_free(&arena);
    return code;
}

#define assert_refused(family, bytes)                                                              \
    assert_int_equal(decode(family, bytes, sizeof bytes - 1, NULL), LD_PROTOCOL)

static void hostile_bytes(void **state)
{
    (void)state;
    assert_int_equal(decode(SV_REPORT, "", 0, NULL), LD_OK);
    assert_refused(SV_REPORT, "\x0a"); /* length missing */
    assert_refused(SV_REPORT, "\x0a\x05"
                              "abcd"); /* longer than there is */
    assert_refused(SV_REPORT, "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"); /* 2^64 - 1 */
    assert_refused(SV_REPORT, "\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
    assert_refused(SV_REPORT, "\x00\x00");     /* field 0 */
    assert_refused(SV_REPORT, "\x0b\x0c");     /* a group */
    assert_refused(SV_REPORT, "\x18\x80");     /* number cut short */
    assert_refused(SV_REPORT, "\x41\x00");     /* 8 bytes expected */
    assert_refused(SV_REPORT, "\x12\x01\xff"); /* id is not UTF-8 */
    assert_refused(SV_REPORT, "\x12\x03"
                              "a\0b");             /* nor may it hold a zero */
    assert_refused(SV_REPORT, "\x0a\x00\x0a\x00"); /* context twice */
    assert_refused(SV_REPORT, "\x10\x01");         /* id as a number */
    assert_refused(SV_REPORT, "\x0a\x02\x0a\x7f"); /* wrong inside the context */
    assert_int_equal(decode(SV_TICK, "", 0, NULL), LD_PROTOCOL);
    /* an unknown field is no harm: later versions may add some */
    assert_int_equal(decode(SV_REPORT, "\xfa\x3f\x01x", 4, NULL), LD_OK);
}

static void decoding_is_bounded(void **state)
{
    (void)state;
    size_t size = 300 << 10;
    uint8_t *bytes = malloc(size);
    struct ld_error error = {0};
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i += 2) {
        bytes[i] = 0x5a; /* signs, each empty */
        bytes[i + 1] = 0;
    }
    assert_int_equal(decode(SV_REPORT, bytes, 16384 * 2, &error), LD_OK);
    assert_int_equal(decode(SV_REPORT, bytes, 16385 * 2, &error), LD_TOOBIG);
    assert_int_equal(decode(SV_REPORT, bytes, (256 << 10) + 2, &error), LD_TOOBIG);
    assert_non_null(strstr(error.text, "report"));
    free(bytes);
}

static void forget_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
        void *place = (char *)message + field->offset;
        ProtobufCMessage **parts = repeated ? *(ProtobufCMessage ***)place : place;
        size_t count =
            repeated ? *(size_t *)(void *)((char *)message + field->quantifier_offset) : 1;
        for (size_t k = 0; k < count; k++) {
            if (parts[k])
                forget_unknown(parts[k]);
        }
    }
}

static void *arena_alloc(void *arena, size_t size)
{
    return ld_arena_alloc(arena, size);
}

static void arena_free(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/* What we take, protobuf-c takes too, and reads the same from it. */
static void assert_like_protobuf_c(enum sv_family family, const uint8_t *bytes, size_t size)
{
    static uint8_t ours[8192], theirs[8192];
    struct ld_arena arena = {0};
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &arena};
    ProtobufCMessage *message = NULL;
    if (sv_decode(family, bytes, size, &arena, &message, NULL) == LD_OK) {
        ProtobufCMessage *other =
            protobuf_c_message_unpack(sv_family_descriptor(family), &allocator, size, bytes);
        assert_non_null(other);
        forget_unknown(other);
        assert_true(protobuf_c_message_get_packed_size(message) <= sizeof ours);
        size_t packed = protobuf_c_message_pack(message, ours);
        assert_int_equal(protobuf_c_message_pack(other, theirs), packed);
        assert_memory_equal(ours, theirs, packed);
    }
    ld_arena_free(&arena);
}

static void survives_damage(enum sv_family family, uint8_t *bytes, size_t size)
{
    assert_int_equal(decode(family, bytes, size, NULL), LD_OK);
    for (size_t i = 0; i < size; i++) {
        assert_like_protobuf_c(family, bytes, i);
        for (unsigned change = 0; change < 256; change++) {
            bytes[i] ^= (uint8_t)change;
            assert_like_protobuf_c(family, bytes, size);
            bytes[i] ^= (uint8_t)change;
        }
    }
}

/* Every single-byte change and every cut of a real message is either decoded or refused. */
static void any_damage_is_survived(void **state)
{
    (void)state;
    Liandong__V1__Text text = LIANDONG__V1__TEXT__INIT;
    text.zh = sv_borrow("霍乱");
    text.en = sv_borrow("Cholera");
    Liandong__V1__Count count = LIANDONG__V1__COUNT__INIT, *counts = &count;
    count.measure = sv_borrow("cases");
    count.value = 13;
    count.holds = true;
    uint64_t reports[] = {1, 300, UINT64_MAX, 4, 5, 6};
    Liandong__V1__Criterion criterion = LIANDONG__V1__CRITERION__INIT, *criteria = &criterion;
    criterion.text = &text;
    criterion.n_counts = 1;
    criterion.counts = &counts;
    criterion.n_reports = 6;
    criterion.report_count = UINT32_MAX;
    criterion.reports = reports;
    Liandong__V1__Grade grade = LIANDONG__V1__GRADE__INIT;
    grade.level = LIANDONG__V1__LEVEL__LEVEL_III;
    grade.as_of_us = -5;
    grade.n_holding = 1;
    grade.holding = &criteria;
    uint8_t bytes[512];
    size_t size = liandong__v1__grade__pack(&grade, bytes);
    survives_damage(SV_GRADE, bytes, size);
    uint8_t content[] = {0, 1, 0xff};
    Liandong__V1__PlanAdoption__File file = LIANDONG__V1__PLAN_ADOPTION__FILE__INIT, *files[6];
    file.name = sv_borrow("areas.yaml");
    file.content = (ProtobufCBinaryData){sizeof content, content};
    for (size_t i = 0; i < 6; i++) /* more than the first room for an array */
        files[i] = &file;
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    adoption.n_files = 6;
    adoption.files = files;
    size = liandong__v1__plan_adoption__pack(&adoption, bytes);
    survives_damage(SV_PLAN, bytes, size);
}

/* Numbers, texts in both scripts, and lists longer than their first room. */
static void a_report_is_read_whole(void **state)
{
    (void)state;
    uint8_t bytes[512];
    char *signs[9];
    Liandong__V1__Measure measure = LIANDONG__V1__MEASURE__INIT, *measures[9];
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    measure.measure = sv_borrow("cases");
    measure.value = -2.5;
    for (size_t i = 0; i < 9; i++) {
        signs[i] = sv_borrow(i % 2 ? "confirmed" : "五马街一二三四五");
        measures[i] = &measure;
    }
    report.id = sv_borrow("12345678");
    report.occurred_at_us = INT64_MIN;
    report.received_at_us = INT64_MAX;
    report.n_signs = report.n_measures = 9;
    report.signs = signs;
    report.measures = measures;
    size_t size = liandong__v1__report__pack(&report, bytes);
    survives_damage(SV_REPORT, bytes, size);
}

static void utf8(void **state)
{
    static const char *const good[] = {"",
                                       "plain text of some length",
                                       "霍乱",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "aaaaaaa霍"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xe9\x9c",
                                      "aaaaaaaa\xff",
                                      "\xc3("};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(sv_utf8_valid((const uint8_t *)good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(sv_utf8_valid((const uint8_t *)bad[i], strlen(bad[i])));
    assert_false(sv_utf8_valid((const uint8_t *)"seven b\0", 8));
    assert_false(sv_utf8_valid((const uint8_t *)"0123456\0\x80", 8));
}

/* ---- codec ---- */

struct everything {
    uint64_t u64[4];
    int64_t i64[4];
    int number;
    bool yes, no;
    double real[3];
    char *text, *empty, *none;
    size_t count;
};

static void visit_everything(struct everything *all, struct sv_codec *codec)
{
    for (size_t i = 0; i < 4; i++) {
        sv_code_u64(codec, &all->u64[i]);
        sv_code_i64(codec, &all->i64[i]);
    }
    sv_code_int(codec, &all->number);
    sv_code_bool(codec, &all->yes);
    sv_code_bool(codec, &all->no);
    for (size_t i = 0; i < 3; i++)
        sv_code_double(codec, &all->real[i]);
    sv_code_count(codec, &all->count);
    sv_code_string(codec, &all->text);
    sv_code_string(codec, &all->empty);
    sv_code_string(codec, &all->none);
}

static void free_everything(struct everything *all)
{
    free(all->text);
    free(all->empty);
    free(all->none);
}

static struct ld_buffer everything_saved(void)
{
    struct ld_buffer buffer = {0};
    struct sv_codec codec = {.into = &buffer};
    struct everything all = {.u64 = {0, 127, 128, UINT64_MAX},
                             .i64 = {0, -1, INT64_MIN, INT64_MAX},
                             .number = -77,
                             .yes = true,
                             .real = {-0.5, DBL_MAX, INFINITY},
                             .text = sv_borrow("霍乱 text"),
                             .empty = sv_borrow(""),
                             .count = 3};
    visit_everything(&all, &codec);
    assert_false(sv_codec_failed(&codec));
    return buffer;
}

static void codec_both_ways(void **state)
{
    (void)state;
    struct ld_buffer buffer = everything_saved();
    struct sv_codec codec = {.from = buffer.data, .size = buffer.size};
    struct everything all = {0};
    visit_everything(&all, &codec);
    assert_false(sv_codec_failed(&codec));
    assert_int_equal(codec.at, codec.size);
    assert_true(all.u64[0] == 0 && all.u64[1] == 127 && all.u64[2] == 128);
    assert_true(all.u64[3] == UINT64_MAX && all.i64[1] == -1);
    assert_true(all.i64[2] == INT64_MIN && all.i64[3] == INT64_MAX);
    assert_true(all.number == -77 && all.yes && !all.no && all.count == 3);
    assert_true(all.real[0] == -0.5 && all.real[1] == DBL_MAX && isinf(all.real[2]));
    assert_string_equal(all.text, "霍乱 text");
    assert_string_equal(all.empty, "");
    assert_null(all.none);
    free_everything(&all);
    ld_buffer_free(&buffer);
}

static void codec_cut_short_fails_as_a_whole(void **state)
{
    (void)state;
    struct ld_buffer buffer = everything_saved();
    for (size_t size = 0; size < buffer.size; size++) {
        struct sv_codec codec = {.from = buffer.data, .size = size};
        struct everything all = {0};
        visit_everything(&all, &codec);
        assert_true(sv_codec_failed(&codec));
        assert_null(all.none);
        uint64_t more = 5;
        sv_code_u64(&codec, &more);
        assert_int_equal(more, 0);
        free_everything(&all);
    }
    ld_buffer_free(&buffer);
}

static void codec_bounds_counts(void **state)
{
    (void)state;
    struct ld_buffer buffer = {0};
    struct sv_codec saving = {.into = &buffer};
    size_t huge = SIZE_MAX;
    sv_code_count(&saving, &huge);
    struct sv_codec loading = {.from = buffer.data, .size = buffer.size};
    sv_code_count(&loading, &huge);
    assert_true(sv_codec_failed(&loading));
    assert_int_equal(huge, 0);
    ld_buffer_free(&buffer);
}

/* ---- timers and names ---- */

static void timers_fire_in_order(void **state)
{
    (void)state;
    struct sv_timers timers = {0};
    struct sv_timer timer;
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d", i);
        sv_timers_set(&timers, (i * 7919) % 100, key, i);
    }
    assert_false(sv_timers_pop(&timers, -1, &timer));
    struct ld_buffer buffer = {0};
    struct sv_codec saving = {.into = &buffer};
    sv_timers_visit(&timers, &saving);
    struct sv_timers loaded = {0};
    struct sv_codec loading = {.from = buffer.data, .size = buffer.size};
    sv_timers_visit(&loaded, &loading);
    assert_false(sv_codec_failed(&loading));
    int64_t last_due_us = 0;
    int last_what = -1;
    for (size_t i = 0; i < 1000; i++) {
        struct sv_timer twin;
        assert_true(sv_timers_pop(&timers, 99, &timer));
        assert_true(sv_timers_pop(&loaded, 99, &twin));
        assert_true(timer.due_us > last_due_us ||
                    (timer.due_us == last_due_us && timer.what > last_what));
        assert_true(timer.due_us == twin.due_us && timer.what == twin.what);
        assert_string_equal(timer.key, twin.key);
        last_due_us = timer.due_us;
        last_what = timer.what;
        free(timer.key);
        free(twin.key);
    }
    assert_false(sv_timers_pop(&timers, INT64_MAX, &timer));
    sv_timers_set(&timers, 5, "left", 0);
    sv_timers_free(&timers);
    sv_timers_free(&loaded);
    ld_buffer_free(&buffer);
}

static void names_are_numbered_in_order(void **state)
{
    (void)state;
    struct sv_names names = {0};
    char text[32];
    assert_true(sv_names_find(&names, "x", 1) == SV_NO_NAME);
    for (size_t i = 0; i < 5000; i++) {
        size_t size = (size_t)snprintf(text, sizeof text, "%zu%c%zu", i % 70, 0, i / 70);
        assert_int_equal(sv_names_add(&names, text, size), i);
        assert_int_equal(sv_names_add(&names, text, size), i);
    }
    struct ld_buffer buffer = {0};
    struct sv_codec saving = {.into = &buffer};
    sv_names_visit(&names, &saving);
    struct sv_names loaded = {0};
    struct sv_codec loading = {.from = buffer.data, .size = buffer.size};
    sv_names_visit(&loaded, &loading);
    assert_false(sv_codec_failed(&loading));
    for (size_t i = 0; i < 5000; i++) {
        size_t size = (size_t)snprintf(text, sizeof text, "%zu%c%zu", i % 70, 0, i / 70);
        assert_int_equal(sv_names_find(&loaded, text, size), i);
    }
    assert_true(sv_names_find(&loaded, "71", 2) == SV_NO_NAME);
    assert_string_equal(sv_names_text(&loaded, 1), "1");
    sv_names_free(&names);
    sv_names_free(&loaded);
    ld_buffer_free(&buffer);
}

static void a_name_given_twice_is_damage(void **state)
{
    (void)state;
    for (size_t again = 0; again < 40; again++) {
        struct ld_buffer buffer = {0};
        struct sv_codec saving = {.into = &buffer};
        size_t count = 41, size = 1;
        sv_code_count(&saving, &count);
        for (size_t i = 0; i <= count; i++) { /* what follows would do for the last */
            uint8_t letter = (uint8_t)('0' + (i == 40 ? again : i)), *bytes = &letter;
            sv_code_bytes(&saving, &bytes, &size);
        }
        struct sv_names loaded = {0};
        struct sv_codec loading = {.from = buffer.data, .size = buffer.size};
        sv_names_visit(&loaded, &loading);
        assert_true(sv_codec_failed(&loading));
        sv_names_free(&loaded);
        ld_buffer_free(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families),
        cmocka_unit_test(hostile_bytes),
        cmocka_unit_test(decoding_is_bounded),
        cmocka_unit_test(any_damage_is_survived),
        cmocka_unit_test(a_report_is_read_whole),
        cmocka_unit_test(utf8),
        cmocka_unit_test(codec_both_ways),
        cmocka_unit_test(codec_cut_short_fails_as_a_whole),
        cmocka_unit_test(codec_bounds_counts),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(names_are_numbered_in_order),
        cmocka_unit_test(a_name_given_twice_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
