/* liandong status: is everything up, and what is going on. */
#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "liandong/v1/duty.pb-c.h"
#include "late.h"
#include "matrix.h"
#include "pending.h"
#include "picture/enum_name.h"
#include "picture/event_json.h"
#include "picture/picture.h"
#include "telling.h"

/* ---- services ---- */

static bool is_up(const struct health *health)
{
    return health->streams > 0 && health->alive > 0;
}

static json_t *services_json(json_t *status)
{
    json_t *services = json_array();
    for (int i = 0; i < HEALTH_SERVICES; i++) {
        struct health health;
        health_of(status, HEALTH_NAMES[i], &health);
        json_array_append_new(services,
                              json_pack("{s:s,s:b,s:i,s:I}", "service", HEALTH_NAMES[i], "up",
                                        is_up(&health), "streams", (int)health.streams, "lag",
                                        (json_int_t)health.lag));
    }
    return services;
}

static void print_services(const struct cli *cli, json_t *status)
{
    static const struct cli_column COLUMNS[] = {{.name = {"服务", "SERVICE"}},
                                                {.name = {"状态", "STATE"}},
                                                {.name = {"流", "STREAMS"}, .right = true},
                                                {.name = {"落后", "LAG"}, .right = true}};
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (int i = 0; i < HEALTH_SERVICES; i++) {
        struct health health;
        char streams[24], lag[24];
        health_of(status, HEALTH_NAMES[i], &health);
        snprintf(streams, sizeof streams, "%zu", health.streams);
        snprintf(lag, sizeof lag, "%llu", (unsigned long long)health.lag);
        const char *state = is_up(&health)       ? cli_say(cli, "在线", "up")
                            : health.streams > 0 ? cli_say(cli, "无声", "SILENT")
                                                 : cli_say(cli, "不在线", "DOWN");
        const char *cells[] = {HEALTH_NAMES[i], state, streams, lag};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

/* ---- incidents ---- */

static const char INCIDENTS[] =
    "SELECT i.*, ifnull(g.level, 0) AS level, ifnull(r.in_force, 0) AS in_force,"
    " ifnull(w.in_force, 0) AS colour,"
    " o.units, o.orders, o.open, o.late_now, o.seen, o.late, o.told,"
    " (SELECT json_group_object(state, n) FROM (SELECT state, count(*) AS n FROM duty_order d"
    "  WHERE d.exercise = i.exercise AND d.incident = i.incident GROUP BY state)) AS states,"
    " (SELECT count(*) FROM notice n WHERE n.exercise = i.exercise AND n.incident = i.incident)"
    "  AS notices, c.met, c.tardy, c.missed, c.running, c.silent "
    "FROM incident i LEFT JOIN grade g USING(exercise, incident)"
    " LEFT JOIN response r ON r.exercise = i.exercise AND r.incident = i.incident"
    "  AND r.area = i.area"
    " LEFT JOIN warning w ON w.exercise = i.exercise AND w.incident = i.incident"
    "  AND w.area = i.area AND w.by_figures = 0 "
    "LEFT JOIN (SELECT exercise, incident, count(*) AS units, sum(orders) AS orders,"
    "  sum(open) AS open, sum(late_now) AS late_now, sum(seen) AS seen, sum(late) AS late, "
    "sum(told) AS told"
    "  FROM (SELECT exercise, incident, unit, count(*) AS orders,"
    "   sum(state NOT IN ('DONE', 'SUPERSEDED', 'WITHDRAWN')) AS open,"
    "   sum(state NOT IN ('DONE', 'SUPERSEDED', 'WITHDRAWN') AND late_for <> '') AS late_now,"
    "   min(acknowledged_at_us IS NOT NULL) AS seen, max(ever_overdue) AS late,"
    "   max(ever_escalated) AS told FROM duty_order GROUP BY exercise, incident, unit)"
    "  GROUP BY exercise, incident) o USING(exercise, incident) "
    "LEFT JOIN (SELECT exercise, incident, sum(state = 'MET' AND late_us = 0) AS met,"
    "  sum(state = 'MET' AND late_us > 0) AS tardy, sum(state = 'MISSED') AS missed,"
    "  sum(state IN ('STARTED', 'WARNED')) AS running,"
    "  sum(silent_since_us IS NOT NULL) AS silent FROM clock GROUP BY exercise, incident) c"
    "  USING(exercise, incident) "
    "WHERE :incident IS NULL OR i.incident = :incident ORDER BY i.opened_sequence";
static const char PLANS[] = "SELECT * FROM plan ORDER BY exercise, plan";

/* What the commands know of the model at one moment. */
struct answers {
    json_t *plans, *incidents, *procedures, *limits, *orders;
};

static int ask(struct model *model, const struct model_filter *filter, struct answers *answers,
               struct ld_error *error)
{
    answers->plans = model_ask(model, PLANS, filter, error);
    if (answers->plans != NULL)
        answers->incidents = model_ask(model, INCIDENTS, filter, error);
    if (answers->incidents != NULL)
        answers->procedures = pending_ask(model, filter, error);
    if (answers->procedures != NULL)
        answers->limits = late_ask(model, filter, error);
    if (answers->limits != NULL)
        answers->orders = orders_ask(model, filter, error);
    return answers->orders != NULL ? LD_OK : error->code;
}

static int64_t state_count(const json_t *states, const char *state)
{
    return json_integer_value(json_object_get(states, state));
}

static void add_incident(const struct cli *cli, struct cli_table *table, const json_t *row)
{
    json_t *states = json_loads(model_text(row, "states"), 0, NULL);
    const int64_t values[5] = {model_number(row, "units"), model_number(row, "orders"),
                               model_number(row, "open"),
                               state_count(states, "ISSUED") + state_count(states, "DELIVERED"),
                               model_number(row, "late_now")};
    char figures[5][24];
    for (int i = 0; i < 5; i++)
        snprintf(figures[i], sizeof figures[i], "%lld", (long long)values[i]);
    const char *cells[] = {model_text(row, "incident"),
                           model_number(row, "closed_at_us") != 0 ? cli_say(cli, "已结案", "closed")
                           : model_number(row, "exercise") != 0 ? cli_say(cli, "演练", "exercise")
                                                                : "",
                           cli_level(cli, (int)model_number(row, "level")),
                           cli_level(cli, (int)model_number(row, "colour")),
                           cli_level(cli, (int)model_number(row, "in_force")),
                           figures[0],
                           figures[1],
                           figures[2],
                           figures[3],
                           figures[4]};
    cli_table_row(table, cells);
    json_decref(states);
}

static void print_incidents(const struct cli *cli, json_t *incidents)
{
    static const struct cli_column COLUMNS[] = {{.name = {"事件", "INCIDENT"}},
                                                {.name = {"", ""}},
                                                {.name = {"分级", "GRADE"}},
                                                {.name = {"预警", "WARNING"}},
                                                {.name = {"响应", "RESPONSE"}},
                                                {.name = {"单位", "UNITS"}, .right = true},
                                                {.name = {"任务", "ORDERS"}, .right = true},
                                                {.name = {"未结", "OPEN"}, .right = true},
                                                {.name = {"未确认", "UNSEEN"}, .right = true},
                                                {.name = {"逾期", "OVERDUE"}, .right = true}};
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    size_t index;
    json_t *row;
    json_array_foreach(incidents, index, row) add_incident(cli, table, row);
    cli_table_print(table);
}

static json_t *states_json(const json_t *row)
{
    char word[ENUM_WORD_SIZE];
    const ProtobufCEnumDescriptor *states = &liandong__v1__duty_order__state__descriptor;
    json_t *counts = json_loads(model_text(row, "states"), 0, NULL), *all = json_object();
    for (int state = 1; state < PICTURE_STATES; state++) {
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(states, state);
        json_object_set_new(all, enum_word(word, states, state),
                            json_integer(value != NULL ? state_count(counts, value->name) : 0));
    }
    json_decref(counts);
    return all;
}

static json_t *orders_json(const json_t *row)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "units", model_number(row, "units"), "orders",
                     model_number(row, "orders"), "open", model_number(row, "open"),
                     "acknowledged_units", model_number(row, "seen"), "overdue_units",
                     model_number(row, "late"), "escalated_units", model_number(row, "told"),
                     "states", states_json(row));
}

static json_t *clocks_json(const json_t *row)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "met", model_number(row, "met"), "late",
                     model_number(row, "tardy"), "missed", model_number(row, "missed"), "running",
                     model_number(row, "running"), "silent", model_number(row, "silent"));
}

static json_t *incident_json(const json_t *row, const struct matrix_view *view, json_t *orders)
{
    bool exercise = model_number(row, "exercise") != 0;
    const char *incident = model_text(row, "incident");
    return json_pack("{s:s,s:b,s:b,s:s,s:s,s:s,s:I,s:o,s:I,s:o,s:s,s:s,s:o}", "incident", incident,
                     "exercise", exercise, "closed", model_number(row, "closed_at_us") != 0,
                     "grade", plan_level_name((int)model_number(row, "level")), "warning",
                     plan_level_name((int)model_number(row, "colour")), "response",
                     plan_level_name((int)model_number(row, "in_force")), "reports",
                     model_number(row, "reports"), "orders", orders_json(row), "notices",
                     model_number(row, "notices"), "clocks", clocks_json(row), "area",
                     model_text(row, "area"), "hazard", model_text(row, "hazard"), "units",
                     matrix_counts(view, orders, incident, exercise));
}

/* The matrix of what is still going on; of what is over only when it is asked for by name. */
static json_t *orders_to_show(const struct answers *answers, bool closed_too)
{
    json_t *shown = json_array(), *order, *incident;
    size_t i, k;
    json_array_foreach(answers->orders, i, order)
    {
        bool closed = false;
        json_array_foreach(answers->incidents, k, incident)
        {
            closed |= model_number(incident, "closed_at_us") != 0 &&
                      model_number(incident, "exercise") == model_number(order, "exercise") &&
                      strcmp(model_text(incident, "incident"), model_text(order, "incident")) == 0;
        }
        if (!closed || closed_too)
            json_array_append(shown, order);
    }
    return shown;
}

static void print_router(const struct cli *cli, json_t *status)
{
    char time[CLI_TIME_SIZE];
    json_t *log = json_object_get(status, "log");
    bool drill = json_is_true(json_object_get(status, "drill"));
    const char *directory = json_string_value(json_object_get(log, "directory"));
    cli_time(time, json_integer_value(json_object_get(status, "time_us")));
    printf(cli_say(cli, "路由器 %s%s：第 %lld 号，%s，日志 %s（%lld 字节）%s\n",
                   "router %s%s: sequence %lld, %s, log %s (%lld bytes)%s\n"),
           cli->endpoint, drill ? cli_say(cli, "（演练）", " (drill)") : "",
           (long long)json_integer_value(json_object_get(status, "head")), time,
           directory != NULL ? directory : "?",
           (long long)json_integer_value(json_object_get(log, "bytes_on_disk")),
           json_is_true(json_object_get(log, "failed"))
               ? cli_say(cli, "；日志写入失败，须人工处理", "; WRITING THE LOG HAS FAILED")
               : "");
}

/* ---- the read model ---- */

static json_t *model_json(const struct model_found *found)
{
    char time[EVENT_TIME_SIZE];
    struct health health = {0};
    json_t *json = json_pack(
        "{s:s,s:I,s:s}", "from", found->about.path != NULL ? found->about.path : "bus", "position",
        (json_int_t)found->about.position, "time", event_time(time, found->about.time_us));
    if (found->status == NULL)
        return json;
    health_of(found->status, "projection", &health);
    json_object_set_new(json, "up", json_boolean(is_up(&health)));
    json_object_set_new(json, "lag", json_integer((json_int_t)health.lag));
    return json;
}

static void print_model(const struct cli *cli, const struct model_found *found)
{
    char time[CLI_TIME_SIZE];
    struct health health = {0};
    cli_time(time, found->about.time_us);
    if (found->about.path != NULL)
        printf(cli_say(cli, "读模型 %s：第 %llu 号，%s", "read model %s: sequence %llu, %s"),
               found->about.path, (unsigned long long)found->about.position, time);
    else
        printf("%s", cli_say(cli, "读模型：未用，以下来自总线",
                             "read model: not used, what follows is from the bus"));
    if (found->status != NULL)
        health_of(found->status, "projection", &health);
    if (is_up(&health))
        printf(cli_say(cli, "；projection 落后 %llu", "; projection lags %llu behind"),
               (unsigned long long)health.lag);
    putchar('\n');
}

/* ---- all of it ---- */

static void print_json(const struct model_found *found, const struct matrix_view *view,
                       const struct answers *answers)
{
    json_t *incidents = json_array(), *all = json_object(), *row;
    size_t index;
    json_array_foreach(answers->incidents, index, row)
    {
        json_array_append_new(incidents, incident_json(row, view, answers->orders));
    }
    if (found->status != NULL) {
        json_object_set(all, "router", found->status);
        json_object_set_new(all, "services", services_json(found->status));
    }
    json_object_set_new(all, "read_model", model_json(found));
    json_object_set_new(all, "incidents", incidents);
    json_object_set_new(all, "procedures", pending_json(answers->procedures));
    json_object_set_new(all, "limits", late_json(answers->limits));
    cli_print_json(all);
}

static void print_text(const struct cli *cli, const struct model_found *found,
                       const struct matrix_view *view, const struct answers *answers,
                       bool closed_too)
{
    size_t index;
    json_t *row;
    if (found->status != NULL) {
        print_router(cli, found->status);
        print_services(cli, found->status);
    }
    print_model(cli, found);
    if (json_array_size(answers->plans) == 0)
        puts(cli_say(cli, "还没有采用任何预案：liandong plan adopt FILE",
                     "no plan has been adopted yet: liandong plan adopt FILE"));
    json_array_foreach(answers->plans, index, row)
    {
        printf(cli_say(cli, "预案 %s %.12s%s\n", "plan %s %.12s%s\n"), model_text(row, "plan"),
               model_text(row, "hash"),
               model_number(row, "exercise") != 0 ? cli_say(cli, "（演练）", " (exercise)") : "");
    }
    if (json_array_size(answers->incidents) > 0)
        print_incidents(cli, answers->incidents);
    pending_print(cli, &found->about, answers->procedures);
    late_print(cli, &found->about, answers->limits);
    json_t *shown = orders_to_show(answers, closed_too);
    matrix_print(cli, view, shown);
    json_decref(shown);
}

static bool all_up(json_t *status)
{
    struct health health;
    for (int i = 0; status != NULL && i < HEALTH_SERVICES; i++) {
        health_of(status, HEALTH_NAMES[i], &health);
        if (!is_up(&health))
            return false;
    }
    return true;
}

static int answer(const struct cli *cli, const struct order_options *own,
                  const struct model_filter *filter)
{
    struct model_found found = {0};
    struct answers answers = {NULL};
    struct ld_error error;
    struct model_source source = {.db = own->db};
    int code = model_find(cli, &source, &found, &error);
    if (code == LD_OK)
        code = ask(found.model, filter, &answers, &error);
    struct matrix_view view = {.by = MATRIX_COUNTS,
                               .about = &found.about,
                               .status = found.status,
                               .busy_only = own->unit == NULL && own->state == NULL};
    if (code == LD_OK && cli->json)
        print_json(&found, &view, &answers);
    else if (code == LD_OK)
        print_text(cli, &found, &view, &answers, own->incident != NULL);
    int status = code != LD_OK ? cli_fail(cli, &error) : all_up(found.status) ? CLI_OK : CLI_FAILED;
    json_decref(answers.plans);
    json_decref(answers.incidents);
    json_decref(answers.procedures);
    json_decref(answers.limits);
    json_decref(answers.orders);
    model_found_free(&found);
    return status;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
    struct order_options own = {.db = NULL};
    const struct cli_option options[] = {ORDER_OPTIONS(&own), {.name = NULL}};
    const struct cli_usage usage = {
        "status [OPTION]…",
        {"路由器和各服务是否在线，有哪些事件，分级、响应和任务情况，各单位任务状态对照表。\n"
         "退出码 1：有服务不在线。",
         "Whether the router and the services are up; the incidents with grade, response and\n"
         "orders; each unit's orders by state. Exit status 1: a service is down."},
        options,
        "  liandong status --area 330302 --overdue\n"};
    struct model_filter filter;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    return orders_filter(cli, &own, &filter) ? answer(cli, &own, &filter) : CLI_USAGE;
}
