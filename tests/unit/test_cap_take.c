/* Foreign CAP messages as reports: which rule, where, what, and what replaces what. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "buffer.h"
#include "cap_take.h"

static char rules_path[] = "/tmp/liandong-rules-XXXXXX";

static const char RULES[] =
    "geocodes: [GB/T 2260]\n"
    "intake:\n"
    "  - sender: \"3304.*\"\n"
    "    code: 11B19\n"
    "    hazard: air.heavy-pollution\n"
    "    measures: {aqi-forecast: AQI}\n"
    "  - {sender: \"*\", event: \"*流感*\", hazard: respiratory.influenza,\n"
    "     channel: department, signs: [cases-in-province, spreading]}\n";

static int write_rules(const char *text)
{
    FILE *file = fopen(rules_path, "w");
    return file == NULL || fputs(text, file) < 0 || fclose(file) != 0;
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(rules_path);
    return fd < 0 || close(fd) != 0 || write_rules(RULES);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(rules_path);
}

struct message {
    const char *sender, *type, *references, *event, *code, *parameter, *geocodes, *status;
};

static struct cap *cap_of(const struct message *message)
{
    struct ld_buffer text = {0};
    struct cap *cap;
    ld_buffer_format(
        &text,
        "<alert xmlns='" CAP_NAMESPACE "'><identifier>7</identifier><sender>%s</sender>"
        "<sent>2026-11-22T10:00:00+08:00</sent><status>%s</status><msgType>%s</msgType>"
        "<scope>Public</scope><references>%s</references><info><category>Env</category>"
        "<event>%s</event><urgency>Expected</urgency><severity>Severe</severity>"
        "<certainty>Likely</certainty><eventCode><valueName>x</valueName><value>%s</value>"
        "</eventCode><headline>头条</headline><description>内容</description><parameter>"
        "<valueName>AQI</valueName><value>%s</value></parameter><area><areaDesc>a</areaDesc>",
        message->sender, message->status, message->type, message->references, message->event,
        message->code, message->parameter);
    char *codes = strdup(message->geocodes);
    for (char *rest = codes, *code; (code = strsep(&rest, " ")) != NULL;)
        ld_buffer_format(
            &text, "<geocode><valueName>GB/T 2260</valueName><value>%s</value></geocode>", code);
    free(codes);
    ld_buffer_text(&text, "</area></info></alert>");
    assert_ok(cap_read(text.data, text.size, &cap, &test_error));
    ld_buffer_free(&text);
    return cap;
}

/* The report as one line of text, or why it is none. */
static const char *taken(const struct message *message, const char *area)
{
    static struct ld_buffer line;
    struct cap_rules *rules;
    struct ld_arena arena = {0};
    Liandong__V1__Report report;
    struct cap *cap = cap_of(message);
    assert_ok(cap_rules_open(rules_path, &rules, &test_error));
    ld_buffer_clear(&line);
    if (cap_take(rules, cap, area, &arena, &report, &test_error) != LD_OK)
        ld_buffer_text(&line, test_error.text);
    else
        ld_buffer_format(&line, "%d %s %s id=%s revises=%s via=%s", (int)report.kind, report.area,
                         report.hazard, report.id, report.revises, report.channel);
    for (size_t i = 0; i < report.n_measures; i++)
        ld_buffer_format(&line, " %s=%g", report.measures[i]->measure, report.measures[i]->value);
    for (size_t i = 0; i < report.n_signs; i++)
        ld_buffer_format(&line, " +%s", report.signs[i]);
    for (size_t i = 0; i < report.n_signs_lifted; i++)
        ld_buffer_format(&line, " -%s", report.signs_lifted[i]);
    cap_free(cap);
    cap_rules_free(rules);
    ld_arena_free(&arena);
    return ld_buffer_string(&line);
}

#define HAZE                                                                                       \
    .sender = "3304.meteorology", .type = "Alert", .references = "", .event = "霾",                \
    .code = "11B19", .parameter = "320", .geocodes = "330400", .status = "Actual"
#define EXPECT(text, area, ...)                                                                    \
    assert_string_equal(taken(&(const struct message){HAZE, __VA_ARGS__}, area), text)
#pragma GCC diagnostic ignored "-Woverride-init"

static void the_first_rule_that_fits_says_what_it_is(void **state)
{
    (void)state;
    EXPECT("1 3304 air.heavy-pollution id=3304.meteorology,7 revises= via= aqi-forecast=320", NULL,
           .status = "Actual");
    EXPECT("1 3509 respiratory.influenza id=3509.command,7 revises= via=department "
           "+cases-in-province +spreading",
           NULL, .sender = "3509.command", .event = "甲型流感", .geocodes = "350900000000");
    EXPECT("no rule fits sender 3304.meteorology, event 大风: add one to the rules", NULL,
           .code = "11B06", .event = "大风");
    EXPECT("expected a parameter AQI with a number for aqi-forecast, found \"high\"", NULL,
           .parameter = "high");
    EXPECT("expected status Actual or Exercise, found Test: nothing to act on", NULL,
           .status = "Test");
    EXPECT("expected Alert, Update or Cancel, found Ack", NULL, .type = "Ack");
}

static void the_area_holds_all_geocodes(void **state)
{
    (void)state;
#define AT(area, codes)                                                                            \
    EXPECT("1 " area " air.heavy-pollution id=3304.meteorology,7 revises= via= aqi-forecast=320",  \
           NULL, .geocodes = codes)
    AT("330402", "330402");
    AT("330402", "330402000000");
    AT("3304", "330402 330411");
    AT("33", "330402 330302");
    EXPECT("expected a geocode that the rules know; say where with --area", NULL, .geocodes = "x");
    EXPECT("1 3304 air.heavy-pollution id=3304.meteorology,7 revises= via= aqi-forecast=320",
           "3304", .geocodes = "x");
}

static void updates_and_cancels_replace_the_latest(void **state)
{
    (void)state;
#define OLD "a,1,2026-11-22T08:00:00+08:00"
#define NEW "a,2,2026-11-22T09:00:00+08:00"
    EXPECT("2 3304 air.heavy-pollution id=3304.meteorology,7 revises=a,2 via= aqi-forecast=320",
           NULL, .type = "Update", .references = NEW " " OLD);
    EXPECT("2 3304 air.heavy-pollution id=3304.meteorology,7 revises=a,1 via=", NULL,
           .type = "Cancel", .references = OLD);
    EXPECT("2 3304 respiratory.influenza id=a,7 revises=a,2 via=department -cases-in-province "
           "-spreading",
           NULL, .type = "Cancel", .references = OLD " " NEW, .sender = "a", .event = "流感");
}

static void rules_that_are_wrong_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } WRONG[] = {
        {"intake: []\n", ":1: expected geocodes: and intake:, each a list"},
        {"geocodes: [a]\nintake:\n  - {sender: a}\n",
         ":3: expected sender and hazard, each a text"},
        {"geocodes: [a]\nintake:\n  - {sender: a, hazard: b, sing: [c]}\n",
         ":3: unknown key: sender, code, event, hazard, channel, measures and signs are known"},
        {"geocodes: [a]\nintake:\n  - a\n", ":3: expected a rule: sender, code, event, hazard, …"},
        {"geocodes: [a]\nintake:\n  - {sender: a, hazard: b, measures: c}\n",
         ":3: measures: expected a map MEASURE: PARAMETER"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++) {
        struct cap_rules *rules;
        assert_int_equal(write_rules(WRONG[i].text), 0);
        assert_int_equal(cap_rules_open(rules_path, &rules, &test_error), LD_INVALID);
        assert_null(rules);
        assert_string_equal(test_error.text + strlen(rules_path), WRONG[i].said);
    }
    assert_int_equal(write_rules(RULES), 0);
}

static void our_own_rules_are_good(void **state)
{
    (void)state;
    struct cap_rules *rules;
    assert_ok(cap_rules_open(LIANDONG_SOURCE "/deploy/cap-intake.yaml", &rules, &test_error));
    cap_rules_free(rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_fits_says_what_it_is),
        cmocka_unit_test(the_area_holds_all_geocodes),
        cmocka_unit_test(updates_and_cancels_replace_the_latest),
        cmocka_unit_test(rules_that_are_wrong_are_refused),
        cmocka_unit_test(our_own_rules_are_good),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
