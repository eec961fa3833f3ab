/* Events as JSON: whole values compared. */
#include "test.h"

#include <stdlib.h>

#include "picture/enum_name.h"
#include "picture/event_json.h"

#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"

static void assert_json(json_t *found, const char *expected_text)
{
    json_error_t error;
    json_t *expected = json_loads(expected_text, 0, &error);
    if (expected == NULL)
        fail_msg("the test's own JSON: %s", error.text);
    if (!json_equal(found, expected)) {
        char *text = json_dumps(found, JSON_INDENT(1) | JSON_ENCODE_ANY);
        fail_msg("expected %s\nfound %s", expected_text, text);
    }
    json_decref(found);
    json_decref(expected);
}

static char zh[] = "霍乱", en[] = "cholera", cases[] = "cases", area[] = "330302", id[] = "c";

static void test_message(void **state)
{
    (void)state;
    Liandong__V1__Text text = LIANDONG__V1__TEXT__INIT;
    Liandong__V1__Count count = LIANDONG__V1__COUNT__INIT, *counts[] = {&count};
    Liandong__V1__Criterion criterion = LIANDONG__V1__CRITERION__INIT, *holding[] = {&criterion};
    Liandong__V1__Grade grade = LIANDONG__V1__GRADE__INIT;
    uint64_t reports[] = {7, UINT64_C(1) << 40};
    char *counties[] = {area};
    text.zh = zh;
    text.en = en;
    count.measure = cases;
    count.value = 12.5;
    count.holds = true;
    count.from_us = 1763776800000000;
    count.to_us = 1763776800250000;
    criterion.id = id;
    criterion.level = LIANDONG__V1__LEVEL__LEVEL_IV;
    criterion.text = &text;
    criterion.counts = counts;
    criterion.n_counts = 1;
    criterion.reports = reports;
    criterion.n_reports = 2;
    grade.level = LIANDONG__V1__LEVEL__LEVEL_II;
    grade.holding = holding;
    grade.n_holding = 1;
    grade.counties = counties;
    grade.n_counties = 1;
    assert_json(
        event_json_message(&grade.base),
        "{\"level\":\"LEVEL_II\",\"previous\":\"LEVEL_NONE\",\"suggested\":\"LEVEL_NONE\","
        "\"counties\":[\"330302\"],\"holding\":[{\"id\":\"c\",\"level\":\"LEVEL_IV\","
        "\"text\":{\"zh\":\"霍乱\",\"en\":\"cholera\"},\"reports\":[7,1099511627776],"
        "\"report_count\":0,\"counts\":[{\"measure\":\"cases\",\"value\":12.5,"
        "\"at_least\":0.0,\"at_most\":0.0,\"has_at_least\":false,\"has_at_most\":false,"
        "\"from\":\"2025-11-22T10:00:00+08:00\",\"to\":\"2025-11-22T10:00:00.250000+08:00\","
        "\"holds\":true,\"more_than\":false,\"less_than\":false,\"lacks\":0.0,\"mean\":false,"
        "\"rounded_up\":false}],"
        "\"since_event\":0,\"past\":false}],\"since_event\":0}");
    json_t *nothing = event_json_message(NULL);
    assert_true(json_is_null(nothing));
    json_decref(nothing);
}

static void test_duration_stays_a_number(void **state)
{
    (void)state;
    Liandong__V1__Clock clock = LIANDONG__V1__CLOCK__INIT;
    clock.late_us = 90;
    clock.due_at_us = -1;
    assert_json(event_json_message(&clock.base),
                "{\"state\":\"STATE_UNSPECIFIED\",\"late_us\":90,"
                "\"due_at\":\"1970-01-01T07:59:59.999999+08:00\",\"missed_in_a_row\":0}");
}

static void test_bytes_and_unknown_values(void **state)
{
    (void)state;
    Liandong__V1__PlanAdoption__File file = LIANDONG__V1__PLAN_ADOPTION__FILE__INIT;
    uint8_t text[] = "a: 1", raw[] = {0xff, 0x00, 0x7f};
    file.content = (ProtobufCBinaryData){4, text};
    assert_json(event_json_message(&file.base), "{\"content\":\"a: 1\"}");
    file.content = (ProtobufCBinaryData){3, raw};
    assert_json(event_json_message(&file.base), "{\"content\":\"ff007f\"}");
    Liandong__V1__DutyReply reply = LIANDONG__V1__DUTY_REPLY__INIT;
    reply.action = (Liandong__V1__DutyReply__Action)99;
    assert_json(event_json_message(&reply.base), "{\"action\":99}");
}

static void test_record(void **state)
{
    (void)state;
    Liandong__V1__DutyReply reply = LIANDONG__V1__DUTY_REPLY__INIT;
    struct ld_record record = {.sequence = 9,
                               .time_us = 1763776800000000,
                               .producer = 0xab,
                               .producer_sequence = 3,
                               .topic = "reply/3303/health/i/d",
                               .topic_size = 21,
                               .payload_size = 5,
                               .flags = LD_RECORD_EXERCISE};
    assert_json(event_json(&record, &reply.base, "3303.health#x"),
                "{\"sequence\":9,\"time\":\"2025-11-22T10:00:00+08:00\","
                "\"topic\":\"reply/3303/health/i/d\",\"family\":\"reply\",\"exercise\":true,"
                "\"producer\":\"3303.health#x\",\"producer_sequence\":3,\"payload_bytes\":5,"
                "\"message\":{\"action\":\"ACTION_UNSPECIFIED\"}}");
    record.flags = 0;
    assert_json(event_json(&record, NULL, NULL),
                "{\"sequence\":9,\"time\":\"2025-11-22T10:00:00+08:00\","
                "\"topic\":\"reply/3303/health/i/d\",\"family\":\"reply\",\"exercise\":false,"
                "\"producer\":\"00000000000000ab\",\"producer_sequence\":3,"
                "\"payload_bytes\":5}");
}

static void test_words(void **state)
{
    (void)state;
    const ProtobufCEnumDescriptor *levels = &liandong__v1__level__descriptor,
                                  *states = &liandong__v1__duty_order__state__descriptor;
    char word[ENUM_WORD_SIZE], words[64];
    assert_string_equal(enum_word(word, levels, 4), "IV");
    assert_string_equal(enum_word(word, levels, 0), "none");
    assert_string_equal(enum_word(word, levels, 9), "?");
    assert_string_equal(enum_word(word, states, 6), "in-progress");
    assert_string_equal(enum_word(word, states, 0), "none");
    assert_int_equal(enum_value(levels, "iv"), 4);
    assert_int_equal(enum_value(levels, "LEVEL_IV"), 4);
    assert_int_equal(enum_value(levels, "V"), -1);
    assert_int_equal(enum_value(states, "in-progress"), 6);
    assert_int_equal(enum_value(states, "STATE_UNSPECIFIED"), -1);
    assert_string_equal(enum_words(words, sizeof words, levels), "none, I, II, III, IV");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message),
        cmocka_unit_test(test_duration_stays_a_number),
        cmocka_unit_test(test_bytes_and_unknown_values),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
