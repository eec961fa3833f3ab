/* The steps that status says are waited for: of responses and warnings, by whom and for how long.
 */
#include "projection_rig.h"

#include <locale.h>

#include "capture.h"
#include "cli.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "pending.h"
#include "timefmt.h"

#define INCIDENT       "3303-plague-20260101-1"
#define HOUR(hour)     ((int64_t)(hour)*LD_US_HOUR)
#define RESPONSE(name) LIANDONG__V1__RESPONSE__STATE__##name
#define WARNING(name)  LIANDONG__V1__WARNING__STATE__##name

static struct cli cli = {.endpoint = "", .identity = ""};
static struct model *model;
static uint64_t sequence;

static void take(const char *topic, const ProtobufCMessage *message, int hour)
{
    struct ld_error error = {0};
    uint8_t payload[1024];
    struct ld_record record = {.sequence = ++sequence,
                               .time_us = HOUR(hour),
                               .topic = topic,
                               .topic_size = (uint16_t)strlen(topic),
                               .payload = payload};
    record.payload_size = (uint32_t)protobuf_c_message_pack(message, payload);
    TRY(model_take(model, &record, &error));
}

static void incident(int action, int hour)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    context.incident = sv_borrow(INCIDENT);
    message.context = &context;
    message.area = sv_borrow("3303");
    message.action = (Liandong__V1__Incident__Action)action;
    take("incident/3303/" INCIDENT, &message.base, hour);
}

static void response(const char *area, int state, int level, const char *next, const char *by,
                     int hour)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Response message = LIANDONG__V1__RESPONSE__INIT;
    char topic[128], *units[] = {sv_borrow(by), sv_borrow("33.gov")};
    context.incident = sv_borrow(INCIDENT);
    message.context = &context;
    message.area = sv_borrow(area);
    message.state = (Liandong__V1__Response__State)state;
    message.level = (Liandong__V1__Level)level;
    message.next = sv_borrow(next);
    message.next_by = units;
    message.n_next_by = *next ? 2 : 0;
    message.section = sv_borrow("6.1");
    snprintf(topic, sizeof topic, "response/%s/" INCIDENT, area);
    take(topic, &message.base, hour);
}

static void warning(int state, int level, const char *next, int hour)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Warning message = LIANDONG__V1__WARNING__INIT;
    char *units[] = {sv_borrow("3303.health")};
    context.incident = sv_borrow(INCIDENT);
    message.context = &context;
    message.area = sv_borrow("3303");
    message.state = (Liandong__V1__Warning__State)state;
    message.level = (Liandong__V1__Level)level;
    message.next = sv_borrow(next);
    message.next_by = units;
    message.n_next_by = *next ? 1 : 0;
    message.section = sv_borrow("5.4");
    take("warning/3303/" INCIDENT, &message.base, hour);
}

static int open_model(void **state)
{
    struct ld_error error = {0};
    (void)state;
    sequence = 0;
    TRY(model_open_empty(&model, &error));
    incident(LIANDONG__V1__INCIDENT__ACTION__OPENED, 1);
    warning(WARNING(SUGGESTED), 1, "", 1);
    response("3303", RESPONSE(PROPOSED), 2, "assess", "3303.experts", 3);
    warning(WARNING(SIGNED), 0, "issue", 2);
    response("330302", RESPONSE(ACTIVE), 4, "", "", 4); /* waits for nothing */
    return 0;
}

static int close_model(void **state)
{
    (void)state;
    model_close(model);
    return 0;
}

static json_t *asked(const struct model_filter *filter)
{
    struct ld_error error = {0};
    json_t *rows = pending_ask(model, filter, &error);
    if (rows == NULL)
        fail_msg("%s", error.text);
    return rows;
}

static void expect(bool zh, const struct model_filter *filter, const char *expected)
{
    struct model_about about = {.time_us = HOUR(5)};
    char text[2048];
    cli.zh = zh;
    json_t *rows = asked(filter);
    struct capture capture = capture_begin();
    pending_print(&cli, &about, rows);
    capture_end(&capture, text, sizeof text);
    json_decref(rows);
    assert_string_equal(text, expected);
}

#define LIFTING                                                                                    \
    "waited for: " INCIDENT " 3303 the lifting of the warning: issue, by 3303.health, for 3h "     \
    "(5.4)\n"
#define STARTING                                                                                   \
    "waited for: " INCIDENT " 3303 response II orange: assess, by 3303.experts, 33.gov, for 2h "   \
    "(6.1)\n"

static void the_longest_first(void **state)
{
    (void)state;
    expect(false, &(struct model_filter){.unit = NULL}, LIFTING STARTING);
    expect(true, &(struct model_filter){.unit = NULL},
           "等待办理 " INCIDENT " 3303 解除预警：发布，由 3303.health，已等 3时（5.4）\n"
           "等待办理 " INCIDENT
           " 3303 响应 II 橙：评估，由 3303.experts、33.gov，已等 2时（6.1）\n");
}

static void who_may_take_it(void **state)
{
    (void)state;
    expect(false, &(struct model_filter){.unit = "33.gov"}, STARTING);
    expect(false, &(struct model_filter){.unit = "3303.gov"}, "");
    expect(false, &(struct model_filter){.area = "330302"}, "");
}

static void taken_or_closed(void **state)
{
    (void)state;
    warning(WARNING(LIFTED), 0, "", 5);
    expect(false, &(struct model_filter){.unit = NULL}, STARTING);
    incident(LIANDONG__V1__INCIDENT__ACTION__CLOSED, 5);
    expect(false, &(struct model_filter){.unit = NULL}, "");
}

static void as_json(void **state)
{
    (void)state;
    json_t *rows = asked(&(struct model_filter){.unit = "33.gov"}), *all = pending_json(rows);
    char *text = json_dumps(all, JSON_COMPACT);
    assert_string_equal(text,
                        "[{\"incident\":\"" INCIDENT "\",\"exercise\":false,\"area\":\"3303\","
                        "\"matter\":\"response\",\"level\":\"II\",\"next\":\"assess\",\"by\":["
                        "\"3303.experts\",\"33.gov\"],\"since\":\"1970-01-01T11:00:00+08:00\","
                        "\"section\":\"6.1\"}]");
    free(text);
    json_decref(all);
    json_decref(rows);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_model, close_model)
    setlocale(LC_ALL, "C.UTF-8");
    const struct CMUnitTest tests[] = {CASE(the_longest_first), CASE(who_may_take_it),
                                       CASE(taken_or_closed), CASE(as_json)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
