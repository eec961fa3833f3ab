/* The time limits that status tells of: which, in what order, on wide and narrow screens; and in
 * which order the matrix has its units. */
#include "projection_rig.h"

#include <locale.h>

#include "capture.h"
#include "cli.h"
#include "late.h"
#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "matrix.h"
#include "timefmt.h"

#define INCIDENT     "3303-plague-20260101-1"
#define CLOCK(name)  LIANDONG__V1__CLOCK__STATE__##name
#define ORDER(name)  LIANDONG__V1__DUTY_ORDER__STATE__##name
#define UNTIL(hours) ((int64_t)(hours)*LD_US_HOUR)

static struct cli cli = {.endpoint = "", .identity = ""};
static struct model *model;
static uint64_t sequence;

static void take(const char *topic, const ProtobufCMessage *message, int hour, bool exercise)
{
    struct ld_error error = {0};
    uint8_t payload[1024];
    struct ld_record record = {.sequence = ++sequence,
                               .time_us = UNTIL(hour),
                               .flags = exercise ? LD_RECORD_EXERCISE : 0,
                               .topic = topic,
                               .topic_size = (uint16_t)strlen(topic),
                               .payload = payload};
    record.payload_size = (uint32_t)protobuf_c_message_pack(message, payload);
    TRY(model_take(model, &record, &error));
}

/* Hours; each clock began at hour 1. */
struct word {
    const char *clock, *unit;
    int state, due, silent, row, hour;
    bool exercise;
};

static void say(struct word word)
{
    char topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Text text;
    Liandong__V1__Clock clock = LIANDONG__V1__CLOCK__INIT;
    liandong__v1__text__init(&text);
    text.zh = sv_borrow("日报告");
    text.en = sv_borrow("Report");
    context.incident = sv_borrow(INCIDENT);
    clock.context = &context;
    clock.clock = sv_borrow(word.clock);
    clock.responsible = sv_borrow(word.unit);
    clock.state = (Liandong__V1__Clock__State)word.state;
    clock.text = &text;
    clock.section = sv_borrow("5.2");
    clock.started_at_us = UNTIL(1);
    clock.due_at_us = UNTIL(word.due);
    clock.silent_since_us = UNTIL(word.silent);
    clock.missed_in_a_row = (uint32_t)word.row;
    snprintf(topic, sizeof topic, "clock/%.6s/" INCIDENT "/%s", word.unit, word.clock);
    take(topic, &clock.base, word.hour, word.exercise);
}

static void close_at(int hour)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Incident incident = LIANDONG__V1__INCIDENT__INIT;
    context.incident = sv_borrow(INCIDENT);
    incident.context = &context;
    incident.action = LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    take("incident/3303/" INCIDENT, &incident.base, hour, false);
}

static void order(const char *unit, const char *duty, int state, const char *late_for, int hour)
{
    char number[96], topic[128];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__DutyOrder message = LIANDONG__V1__DUTY_ORDER__INIT;
    context.incident = sv_borrow(INCIDENT);
    message.context = &context;
    snprintf(number, sizeof number, INCIDENT "/%s", duty);
    message.order = number;
    message.unit = sv_borrow(unit);
    message.duty = sv_borrow(duty);
    message.state = (Liandong__V1__DutyOrder__State)state;
    message.late_for = sv_borrow(late_for);
    snprintf(topic, sizeof topic, "duty/3303/x/%s", number);
    take(topic, &message.base, hour, false);
}

static int open_model(void **state)
{
    struct ld_error error = {0};
    (void)state;
    sequence = 0;
    TRY(model_open_empty(&model, &error));
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    model_close(model);
    return 0;
}

/* ---- time limits ---- */

static json_t *asked(const struct model_filter *filter)
{
    struct ld_error error = {0};
    TRY(model_hold(model, &error));
    json_t *rows = late_ask(model, filter, &error);
    assert_non_null(rows);
    return rows;
}

static void expect_late(const char *columns, const struct model_filter *filter,
                        const char *expected)
{
    struct model_about about;
    struct ld_error error = {0};
    char text[4096];
    json_t *rows = asked(filter);
    TRY(model_look(model, &about, &error));
    setenv("COLUMNS", columns, 1);
    struct capture capture = capture_begin();
    late_print(&cli, &about, rows);
    capture_end(&capture, text, sizeof text);
    json_decref(rows);
    assert_string_equal(text, expected);
}

static const struct model_filter ANY = {.any_level = true};

static void say_all(void)
{
    say((struct word){"written", "330302.health", CLOCK(STARTED), 9, 0, 0, 1, false});
    say((struct word){"written", "330302.gov", CLOCK(MISSED), 5, 0, 0, 5, false});
    say((struct word){"daily", "330302.gov", CLOCK(MISSED), 9, 1, 1, 9, false});
    say((struct word){"daily", "330303.gov", CLOCK(WARNED), 60, 0, 0, 9, false});
    say((struct word){"daily", "330304.gov", CLOCK(MISSED), 9, 3, 1, 9, true});
    say((struct word){"daily", "330305.gov", CLOCK(MISSED), 9, 3, 1, 9, false});
    say((struct word){"daily", "330305.gov", CLOCK(MET), 9, 0, 0, 58, false});
}

static void missed_first_on_a_narrow_screen(void **state)
{
    (void)state;
    say_all();
    cli.zh = cli.color = false;
    expect_late("100", &ANY,
                "330302.gov daily missed 1970-01-01 17:00 (2d), silent 2d, 1 in a row\n"
                "  " INCIDENT ": Report\n"
                "330304.gov daily missed 1970-01-01 17:00 (2d), silent 2d, 1 in a row\n"
                "  " INCIDENT " exercise: Report\n"
                "330302.gov written missed 1970-01-01 13:00 (2d)\n"
                "  " INCIDENT ": Report\n"
                "330303.gov daily due soon 1970-01-03 20:00 (2h)\n"
                "  " INCIDENT ": Report\n");
    cli.zh = cli.color = true;
    expect_late("100", &(struct model_filter){.any_level = true, .area = "330303"},
                "\033[33m330303.gov daily\033[0m 将到期 1970-01-03 20:00 (2时)\n"
                "  " INCIDENT ": 日报告\n");
    expect_late("100", &(struct model_filter){.any_level = true, .unit = "330302.gov"},
                "\033[31m330302.gov daily\033[0m 超时 1970-01-01 17:00 (2天)，失联 2天，连续 1 次\n"
                "  " INCIDENT ": 日报告\n"
                "\033[31m330302.gov written\033[0m 超时 1970-01-01 13:00 (2天)\n"
                "  " INCIDENT ": 日报告\n");
    expect_late("100", &(struct model_filter){.any_level = true, .incident = "other"}, "");
}

static void a_table_on_a_wide_screen(void **state)
{
    (void)state;
    say_all();
    cli.zh = cli.color = false;
    expect_late("200", &(struct model_filter){.any_level = true, .area = "33030"},
                "UNIT       LIMIT            DUE              BY SILENT         INCIDENT"
                "                        WHAT\n"
                "330302.gov daily   missed   1970-01-01 17:00 2d 2d, 1 in a row " INCIDENT
                "          Report\n"
                "330304.gov daily   missed   1970-01-01 17:00 2d 2d, 1 in a row " INCIDENT
                " exercise Report\n"
                "330302.gov written missed   1970-01-01 13:00 2d                " INCIDENT
                "          Report\n"
                "330303.gov daily   due soon 1970-01-03 20:00 2h                " INCIDENT
                "          Report\n");
}

/* What was due before the closing is nobody's any more; after it the after-care is owed. */
static void after_the_closing(void **state)
{
    (void)state;
    say_all();
    close_at(30);
    say((struct word){"summary", "330302.gov", CLOCK(MISSED), 40, 0, 0, 58, false});
    cli.zh = cli.color = false;
    expect_late("100", &(struct model_filter){.any_level = true, .unit = "330302.gov"},
                "330302.gov summary missed 1970-01-03 00:00 (18h)\n"
                "  " INCIDENT ": Report\n");
}

static void as_json(void **state)
{
    (void)state;
    say_all();
    json_t *rows = asked(&(struct model_filter){.any_level = true, .area = "330304"});
    json_t *all = late_json(rows);
    char *text = json_dumps(all, JSON_COMPACT);
    assert_string_equal(
        text, "[{\"incident\":\"" INCIDENT "\",\"exercise\":true,\"clock\":\"daily\",\"area\":"
              "\"330304\",\"responsible\":\"330304.gov\",\"state\":\"MISSED\",\"due_at\":"
              "\"1970-01-01T17:00:00+08:00\",\"silent_since\":\"1970-01-01T11:00:00+08:00\","
              "\"missed_in_a_row\":1,\"section\":\"5.2\",\"text\":{\"zh\":\"日报告\",\"en\":"
              "\"Report\"}}]");
    free(text);
    json_decref(all);
    json_decref(rows);
}

/* ---- the order of units ---- */

static void expect_matrix(bool busy_only, const char *expected)
{
    struct model_about about;
    struct model_filter filter = {.any_level = true};
    struct ld_error error = {0};
    char text[4096];
    TRY(model_hold(model, &error));
    TRY(model_look(model, &about, &error));
    struct matrix_view view = {.by = MATRIX_STATES, .about = &about, .busy_only = busy_only};
    json_t *rows = orders_ask(model, &filter, &error);
    setenv("COLUMNS", "200", 1);
    struct capture capture = capture_begin();
    matrix_print(&cli, &view, rows);
    capture_end(&capture, text, sizeof text);
    json_decref(rows);
    assert_string_equal(text, expected);
}

static void what_asks_for_most_comes_first(void **state)
{
    (void)state;
    cli.zh = cli.color = false;
    order("3303.a", "d", ORDER(DONE), "", 1);
    order("3303.b", "d", ORDER(ACCEPTED), "", 2);
    order("3303.c", "d", ORDER(ISSUED), "", 9);
    order("3303.d", "d", ORDER(DELIVERED), "", 3);
    order("3303.e", "d", ORDER(DECLINED), "", 4);
    order("3303.f", "d", ORDER(OVERDUE), "acknowledge", 8);
    order("3303.g", "d", ORDER(IN_PROGRESS), "done", 5);
    order("3303.h", "d", ORDER(ESCALATED), "done", 5);
    order("3303.h", "e", ORDER(DONE), "", 0);
    order("3303.i", "d", ORDER(WITHDRAWN), "", 10);
    expect_matrix(
        true, INCIDENT
        "\n"
        "UNIT   NAME issued delivered accepted declined in-progress done  overdue escalated\n"
        "3303.g                                         d 5h\n"
        "3303.h                                                     e 10h         d 5h\n"
        "3303.f                                                           d 2h\n"
        "3303.e                                d 6h\n"
        "3303.d             d 7h\n"
        "3303.c      d 1h\n"
        "3303.b                       d 8h\n"
        "units with nothing open: 2\n");
}

static void nobody_has_anything_open(void **state)
{
    (void)state;
    order("3303.a", "d", ORDER(DONE), "", 1);
    expect_matrix(true, INCIDENT "\nunits with nothing open: 1\n");
    expect_matrix(false, INCIDENT "\nUNIT   NAME done\n3303.a      d 0m\n");
}

int main(void)
{
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_model, close_model)
    const struct CMUnitTest tests[] = {
        TEST(missed_first_on_a_narrow_screen),
        TEST(a_table_on_a_wide_screen),
        TEST(after_the_closing),
        TEST(as_json),
        TEST(what_asks_for_most_comes_first),
        TEST(nobody_has_anything_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
