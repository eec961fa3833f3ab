/*
 * The matrix of units against orders as it is printed, whole: Chinese text in columns, colours, a
 * screen too narrow for a table; the filters; and rows as JSON.
 */
#include "projection_rig.h"

#include <locale.h>

#include "capture.h"
#include "cli.h"
#include "matrix.h"
#include "timefmt.h"

static struct cli cli = {.endpoint = "", .identity = ""};
static struct model *model;
static uint64_t sequence;

/* ---- some orders ---- */

struct change {
    const char *unit, *zh, *en, *duty;
    int level, state, hour;
    bool exercise;
    const char *late_for;
};

static char *plain(const char *text)
{
    union {
        const char *constant;
        char *plain;
    } either = {text};
    return either.plain;
}

static void put(const struct change *change)
{
    struct ld_error error = {0};
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Text name = LIANDONG__V1__TEXT__INIT;
    Liandong__V1__DutyOrder order = LIANDONG__V1__DUTY_ORDER__INIT;
    char number[128];
    uint8_t payload[512];
    snprintf(number, sizeof number, "3303-cholera-20260101-1/%s", change->duty);
    context.incident = plain("3303-cholera-20260101-1");
    name.zh = plain(change->zh);
    name.en = plain(change->en);
    order.context = &context;
    order.order = number;
    order.unit = plain(change->unit);
    order.unit_name = &name;
    order.duty = plain(change->duty);
    order.group = plain(change->duty[0] == 'g' ? "control" : "");
    order.level = (Liandong__V1__Level)change->level;
    order.state = (Liandong__V1__DutyOrder__State)change->state;
    order.late_for = plain(change->late_for);
    struct ld_record record = {.sequence = ++sequence,
                               .time_us = change->hour * LD_US_HOUR,
                               .flags = change->exercise ? LD_RECORD_EXERCISE : 0,
                               .topic = "duty/3303/x/i/d",
                               .topic_size = 15,
                               .payload = payload};
    record.payload_size = (uint32_t)liandong__v1__duty_order__pack(&order, payload);
    TRY(model_take(model, &record, &error));
}

#define STATE(name) LIANDONG__V1__DUTY_ORDER__STATE__##name
#define HEALTH      "3303.health", "市卫生健康委", "Health Commission"
#define POLICE      "3303.police", "市公安局", "Police"
#define COUNTY      "330302.gov", "鹿城区政府", "Lucheng Government"

static int open_model(void **state)
{
    static const struct change CHANGES[] = {
        {HEALTH, "a1.29.1", 3, STATE(ISSUED), 1, false, ""},
        {HEALTH, "a1.29.2", 3, STATE(DONE), 2, false, ""},
        {HEALTH, "g.control.1", 3, STATE(OVERDUE), 3, false, ""},
        {HEALTH, "g.control.2", 2, STATE(ISSUED), 49, false, ""},
        {POLICE, "a1.5.1", 3, STATE(IN_PROGRESS), 40, false, "done"},
        {COUNTY, "a1.29.1", 4, STATE(ISSUED), 50, true, ""},
    };
    struct ld_error error = {0};
    (void)state;
    TRY(model_open_empty(&model, &error));
    for (size_t i = 0; i < sizeof CHANGES / sizeof *CHANGES; i++)
        put(&CHANGES[i]);
    TRY(model_hold(model, &error));
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    model_close(model);
    return 0;
}

/* ---- printing ---- */

static json_t *orders_of(const struct order_options *own)
{
    struct model_filter filter;
    struct ld_error error = {0};
    assert_true(orders_filter(&cli, own, &filter));
    json_t *rows = orders_ask(model, &filter, &error);
    if (rows == NULL)
        fail_msg("%s", error.text);
    return rows;
}

/* What is printed, with the spaces that end lines left out. */
static void print(char *text, size_t size, enum matrix_by by, const struct order_options *own)
{
    struct model_about about;
    struct ld_error error = {0};
    TRY(model_look(model, &about, &error));
    struct matrix_view view = {.by = by, .about = &about};
    json_t *rows = orders_of(own);
    struct capture capture = capture_begin();
    matrix_print(&cli, &view, rows);
    capture_end(&capture, text, size);
    json_decref(rows);
}

static void expect(enum matrix_by by, const struct order_options *own, const char *expected)
{
    char text[4096];
    print(text, sizeof text, by, own);
    assert_string_equal(text, expected);
}

static void screen_is(bool zh, bool color, const char *columns)
{
    cli.zh = zh;
    cli.color = color;
    setenv("COLUMNS", columns, 1);
}

static void chinese_stands_in_columns(void **state)
{
    (void)state;
    screen_is(true, false, "120");
    expect(MATRIX_COUNTS, &(struct order_options){.unit = NULL},
           "3303-cholera-20260101-1\n"
           "单位        名称         联系 已下达  办理中   已办结  逾期\n"
           "3303.health 市卫生健康委 从未 2 (2天)          1 (2天) 1 (1天)\n"
           "3303.police 市公安局     从未         1 (10时)\n"
           "3303-cholera-20260101-1（演练）\n"
           "单位       名称       联系 已下达\n"
           "330302.gov 鹿城区政府 从未 1 (0分)\n");
}

static void cells_hold_orders_by_state_or_by_level(void **state)
{
    (void)state;
    screen_is(false, false, "120");
    expect(MATRIX_STATES, &(struct order_options){.unit = "3303.health"},
           "3303-cholera-20260101-1\n"
           "UNIT        NAME              issued         done       overdue\n"
           "3303.health Health Commission a1.29.1 2d     a1.29.2 2d g.control.1 1d\n"
           "                              g.control.2 1h\n");
    expect(MATRIX_LEVELS, &(struct order_options){.area = "3303", .group = "control"},
           "3303-cholera-20260101-1\n"
           "UNIT        NAME              II orange             III yellow\n"
           "3303.health Health Commission g.control.2 issued 1h g.control.1 overdue 1d\n");
}

static void a_narrow_screen_gets_paragraphs(void **state)
{
    (void)state;
    screen_is(true, false, "30");
    expect(MATRIX_STATES, &(struct order_options){.unit = "3303.health"},
           "3303-cholera-20260101-1\n"
           "3303.health 市卫生健康委\n"
           "  已下达 a1.29.1 2天,\n"
           "         g.control.2 1时\n"
           "  已办结 a1.29.2 2天\n"
           "  逾期 g.control.1 1天\n");
}

static void states_have_colours(void **state)
{
    (void)state;
    screen_is(false, true, "30");
    expect(MATRIX_STATES, &(struct order_options){.unit = "3303.health", .overdue = true},
           "\033[1m3303-cholera-20260101-1\033[0m\n"
           "\033[1m3303.health\033[0m Health Commission\n"
           "  \033[31moverdue\033[0m g.control.1 1d\n");
    expect(MATRIX_STATES, &(struct order_options){.unit = "3303.police"}, /* late, and at work */
           "\033[1m3303-cholera-20260101-1\033[0m\n"
           "\033[1m3303.police\033[0m Police\n"
           "  \033[31min-progress\033[0m a1.5.1 10h\n");
}

static void expect_filtered(const struct order_options *own, const char *expected)
{
    char found[256] = "";
    size_t index;
    json_t *row, *rows = orders_of(own);
    json_array_foreach(rows, index, row)
    {
        size_t at = strlen(found);
        snprintf(found + at, sizeof found - at, "%s%s ",
                 model_number(row, "exercise") != 0 ? "x:" : "", model_text(row, "duty"));
    }
    json_decref(rows);
    assert_string_equal(found, expected);
}

static void filters_choose(void **state)
{
    (void)state;
    expect_filtered(&(struct order_options){.unit = NULL},
                    "a1.29.1 a1.29.2 g.control.1 g.control.2 a1.5.1 x:a1.29.1 ");
    expect_filtered(&(struct order_options){.unit = "3303.police"}, "a1.5.1 ");
    expect_filtered(&(struct order_options){.group = "control"}, "g.control.1 g.control.2 ");
    expect_filtered(&(struct order_options){.level = "II"}, "g.control.2 ");
    expect_filtered(&(struct order_options){.state = "in-progress"}, "a1.5.1 ");
    expect_filtered(&(struct order_options){.area = "330302"}, "x:a1.29.1 ");
    expect_filtered(&(struct order_options){.overdue = true}, "g.control.1 ");
    expect_filtered(&(struct order_options){.open = true, .state = "done"}, "");
    expect_filtered(&(struct order_options){.incident = "3303-cholera-20260101-2"}, "");
    struct model_filter filter;
    cli.zh = false;
    assert_false(orders_filter(&cli, &(struct order_options){.state = "sleeping"}, &filter));
    assert_false(orders_filter(&cli, &(struct order_options){.level = "V"}, &filter));
    assert_false(orders_filter(&cli, &(struct order_options){.incident = "a/b"}, &filter));
}

static void rows_are_told_as_events_are(void **state)
{
    (void)state;
    json_t *rows = orders_of(&(struct order_options){.unit = "3303.police"});
    json_t *order = orders_public(json_array_get(rows, 0));
    char *text = json_dumps(order, JSON_COMPACT);
    assert_string_equal(text,
                        "{\"context\":{\"incident\":\"3303-cholera-20260101-1\",\"causation\":0},"
                        "\"order\":\"3303-cholera-20260101-1/a1.5.1\",\"unit\":\"3303.police\","
                        "\"duty\":\"a1.5.1\",\"level\":\"LEVEL_III\",\"state\":\"IN_PROGRESS\","
                        "\"before\":\"STATE_UNSPECIFIED\",\"late_for\":\"done\",\"unit_name\":{"
                        "\"zh\":\"市公安局\",\"en\":\"Police\"},"
                        "\"exercise\":false,\"ever_overdue\":false,\"ever_escalated\":false,"
                        "\"acknowledged_at\":\"1970-01-03T00:00:00+08:00\","
                        "\"changed_at\":\"1970-01-03T00:00:00+08:00\",\"issues\":0,\"changes\":1}");
    free(text);
    json_decref(order);
    json_decref(rows);
}

int main(void)
{
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chinese_stands_in_columns),
        cmocka_unit_test(cells_hold_orders_by_state_or_by_level),
        cmocka_unit_test(a_narrow_screen_gets_paragraphs),
        cmocka_unit_test(states_have_colours),
        cmocka_unit_test(filters_choose),
        cmocka_unit_test(rows_are_told_as_events_are),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
