/* liandong status: is everything up, and what is going on. */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "health.h"
#include "picture/picture.h"
#include "telling.h"
#include "timefmt.h"

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

static void print_incidents(const struct cli *cli, const struct picture *picture)
{
    static const struct cli_column COLUMNS[] = {{.name = {"事件", "INCIDENT"}},
                                                {.name = {"", ""}},
                                                {.name = {"分级", "GRADE"}},
                                                {.name = {"响应", "RESPONSE"}},
                                                {.name = {"单位", "UNITS"}, .right = true},
                                                {.name = {"任务", "ORDERS"}, .right = true},
                                                {.name = {"未结", "OPEN"}, .right = true},
                                                {.name = {"未确认", "UNSEEN"}, .right = true},
                                                {.name = {"逾期", "OVERDUE"}, .right = true}};
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (const struct picture_incident *at = picture->incidents; at != NULL; at = at->hh.next) {
        const Liandong__V1__Response *response = picture_response_of(at, NULL);
        struct picture_matrix matrix;
        char figures[5][24];
        picture_count(at, NULL, &matrix);
        const size_t values[5] = {matrix.units, matrix.orders, matrix.open,
                                  matrix.states[LIANDONG__V1__DUTY_ORDER__STATE__ISSUED] +
                                      matrix.states[LIANDONG__V1__DUTY_ORDER__STATE__DELIVERED],
                                  matrix.late};
        for (int i = 0; i < 5; i++)
            snprintf(figures[i], sizeof figures[i], "%zu", values[i]);
        const char *cells[] = {at->id,
                               at->closed     ? cli_say(cli, "已结案", "closed")
                               : at->exercise ? cli_say(cli, "演练", "exercise")
                                              : "",
                               cli_level(cli, at->grade != NULL ? (int)at->grade->level : 0),
                               cli_level(cli, response != NULL ? (int)response->in_force : 0),
                               figures[0],
                               figures[1],
                               figures[2],
                               figures[3],
                               figures[4]};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
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

static void print_all(const struct cli *cli, json_t *status, const struct picture *picture)
{
    if (cli->json) {
        json_t *incidents = json_array();
        for (const struct picture_incident *at = picture->incidents; at != NULL; at = at->hh.next)
            json_array_append_new(incidents, telling_incident_json(at));
        json_t *all = json_object();
        json_object_set(all, "router", status);
        json_object_set_new(all, "services", services_json(status));
        json_object_set_new(all, "incidents", incidents);
        cli_print_json(all);
        return;
    }
    print_router(cli, status);
    print_services(cli, status);
    if (picture->plans == NULL)
        puts(cli_say(cli, "还没有采用任何预案：liandong plan adopt FILE",
                     "no plan has been adopted yet: liandong plan adopt FILE"));
    for (const struct picture_plan *at = picture->plans; at != NULL; at = at->hh.next)
        printf(cli_say(cli, "预案 %s %.12s%s\n", "plan %s %.12s%s\n"), at->plan, at->hash,
               at->exercise ? cli_say(cli, "（演练）", " (exercise)") : "");
    if (picture->incidents != NULL)
        print_incidents(cli, picture);
}

static void take(const struct ld_record *record, void *data)
{
    struct picture_event event;
    picture_apply(data, record, &event);
}

static bool all_up(json_t *status)
{
    struct health health;
    for (int i = 0; i < HEALTH_SERVICES; i++) {
        health_of(status, HEALTH_NAMES[i], &health);
        if (!is_up(&health))
            return false;
    }
    return true;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
    static const char *const FILTERS[] = {"plan/>", "incident/>", "grade/>", "response/>",
                                          "duty/>"};
    const struct cli_usage usage = {
        "status [OPTION]…",
        {"路由器和各服务是否在线，有哪些事件，分级、响应和任务情况。退出码 1：有服务不在线。",
         "Whether the router and the services are up; the incidents with grade, response and\n"
         "orders. Exit status 1: a service is down."},
        NULL,
        NULL};
    struct ld_client *client = NULL;
    struct picture picture;
    struct ld_error error;
    json_t *status_json = NULL;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    picture_init(&picture);
    struct bus_read read = {.filters = FILTERS,
                            .filter_count = sizeof FILTERS / sizeof FILTERS[0],
                            .each = take,
                            .data = &picture};
    int code = bus_open(cli, &client, &error);
    if (code == LD_OK)
        code = bus_status(cli, client, &status_json, &error);
    if (code == LD_OK)
        code = bus_read(cli, client, &read, &error);
    if (code == LD_OK)
        print_all(cli, status_json, &picture);
    status = code != LD_OK ? cli_fail(cli, &error) : all_up(status_json) ? CLI_OK : CLI_FAILED;
    bus_close(client);
    json_decref(status_json);
    picture_free(&picture);
    return status;
}
