/* The read model's clocks: a row for each round and area, who is silent and until when, and what
 * stays missed; the picture that stories and accounts are made of has the same. And reminders of
 * orders, which change nothing. */
#include "projection_rig.h"

#include "liandong/v1/common.pb-c.h"
#include "picture/picture.h"

#define INCIDENT    "3303-plague-20260101-1"
#define STATE(name) LIANDONG__V1__CLOCK__STATE__##name

static struct projection *projection;
static struct picture picture;
static uint64_t sequence;

static int setup(void **state)
{
    struct ld_error error = {0};
    (void)state;
    sequence = 0;
    picture_init(&picture);
    TRY(projection_open_memory(&projection, &error));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    projection_close(projection);
    picture_free(&picture);
    return 0;
}

/* Times in seconds; silent since 0: not said. */
struct word {
    const char *area, *clock;
    int started, state, silent, row;
};

static void say(struct word word)
{
    struct ld_error error = {0};
    char topic[128];
    uint8_t payload[512];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Clock clock = LIANDONG__V1__CLOCK__INIT;
    context.incident = sv_borrow(INCIDENT);
    clock.context = &context;
    clock.clock = sv_borrow(word.clock);
    clock.responsible = sv_borrow("3303.health");
    clock.state = (Liandong__V1__Clock__State)word.state;
    clock.started_at_us = word.started * 1000000;
    clock.due_at_us = (word.started + 10) * 1000000;
    clock.silent_since_us = word.silent * 1000000;
    clock.missed_in_a_row = (uint32_t)word.row;
    snprintf(topic, sizeof topic, "clock/%s/" INCIDENT "/%s", word.area, word.clock);
    struct ld_record record = {.sequence = ++sequence,
                               .time_us = (int64_t)sequence * 1000000,
                               .topic = topic,
                               .topic_size = (uint16_t)strlen(topic),
                               .payload = payload};
    record.payload_size = (uint32_t)liandong__v1__clock__pack(&clock, payload);
    TRY(projection_take(projection, &record, &error));
    struct picture_event event;
    picture_apply(&picture, &record, &event);
}

static void expect_picture(void)
{
    static const char *const NAMES[] = {"?", "STARTED", "WARNED", "MET", "MISSED", "CANCELLED"};
    const struct picture_incident *incident = picture_find(&picture, false, INCIDENT);
    unsigned counts[6] = {0};
    assert_non_null(incident);
    for (const struct picture_clock *at = incident->clocks; at != NULL; at = at->hh.next)
        counts[at->last->state]++;
    for (int i = 1; i < 6; i++) {
        char found[16], expected[16];
        snprintf(expected, sizeof expected, "%u\n", counts[i]);
        ask(projection_database(projection), found, sizeof found,
            "SELECT count(*) FROM clock WHERE state = %Q", NAMES[i]);
        assert_string_equal(found, expected);
    }
}

static void expect_rows(const char *expected)
{
    char found[1024];
    ask(projection_database(projection), found, sizeof found,
        "SELECT clock, area, started_at_us / 1000000, state, silent_since_us / 1000000,"
        " missed_in_a_row, sequence FROM clock ORDER BY 1, 2, 3");
    assert_string_equal(found, expected);
    expect_picture();
}

static void a_row_for_each_area_and_round(void **state)
{
    (void)state;
    say((struct word){"330302", "daily", 100, STATE(STARTED), 0, 0});
    say((struct word){"330303", "daily", 100, STATE(STARTED), 0, 0});
    say((struct word){"330303", "daily", 100, STATE(MET), 0, 0});
    say((struct word){"330303", "daily", 200, STATE(STARTED), 0, 0});
    expect_rows("daily|330302|100|STARTED|NULL|0|1\n"
                "daily|330303|100|MET|NULL|0|3\n"
                "daily|330303|200|STARTED|NULL|0|4\n");
}

static void silent_until_heard(void **state)
{
    (void)state;
    say((struct word){"330302", "daily", 100, STATE(MISSED), 50, 1});
    say((struct word){"330303", "daily", 100, STATE(MISSED), 60, 1});
    say((struct word){"330302", "press", 100, STATE(MISSED), 70, 1});
    say((struct word){"330302", "daily", 200, STATE(STARTED), 0, 0});
    expect_rows("daily|330302|100|MISSED|50|1|1\n" /* its next day has begun: still silent */
                "daily|330302|200|STARTED|NULL|0|4\n"
                "daily|330303|100|MISSED|60|1|2\n"
                "press|330302|100|MISSED|70|1|3\n");
    say((struct word){"330302", "daily", 200, STATE(WARNED), 0, 0});
    say((struct word){"330302", "daily", 200, STATE(MISSED), 50, 2});
    expect_rows("daily|330302|100|MISSED|NULL|1|1\n"
                "daily|330302|200|MISSED|50|2|6\n"
                "daily|330303|100|MISSED|60|1|2\n"
                "press|330302|100|MISSED|70|1|3\n");
    say((struct word){"330302", "daily", 300, STATE(MET), 0, 0});
    expect_rows("daily|330302|100|MISSED|NULL|1|1\n"
                "daily|330302|200|MISSED|NULL|2|6\n"
                "daily|330302|300|MET|NULL|0|7\n"
                "daily|330303|100|MISSED|60|1|2\n"
                "press|330302|100|MISSED|70|1|3\n");
}

static void silent_until_met_late_or_no_longer_asked_for(void **state)
{
    (void)state;
    say((struct word){"330302", "daily", 100, STATE(MISSED), 50, 1});
    say((struct word){"330303", "daily", 100, STATE(MISSED), 60, 1});
    say((struct word){"330302", "daily", 100, STATE(MET), 0, 0});
    say((struct word){"330303", "daily", 100, STATE(CANCELLED), 0, 0});
    expect_rows("daily|330302|100|MET|NULL|0|3\n"
                "daily|330303|100|MISSED|NULL|1|2\n");
    say((struct word){"330303", "daily", 200, STATE(STARTED), 0, 0});
    say((struct word){"330303", "daily", 200, STATE(CANCELLED), 0, 0});
    expect_rows("daily|330302|100|MET|NULL|0|3\n"
                "daily|330303|100|MISSED|NULL|1|2\n"
                "daily|330303|200|CANCELLED|NULL|0|6\n");
}

static void reminders_change_nothing(void **state)
{
    (void)state;
    change_order(projection, 7, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    change_order(projection, 8, LIANDONG__V1__DUTY_ORDER__STATE__ACKNOWLEDGED, 0);
    char *before = dump_model(projection_database(projection), "");
    order_reminder = true;
    change_order(projection, 9, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED, 0);
    order_reminder = false;
    char *after = dump_model(projection_database(projection), "");
    assert_string_equal(after, before);
    assert_int_equal(projection_position(projection), 9);
    free(before);
    free(after);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_row_for_each_area_and_round),
        TEST(silent_until_heard),
        TEST(silent_until_met_late_or_no_longer_asked_for),
        TEST(reminders_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
