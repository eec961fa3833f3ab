/*
 * liandong log hold: events that must stay in the log's directory until somebody releases them
 * (docs/log-format.md, 13). Places one, lists all, or releases one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd_log.h"
#include "evlog/holds.h"
#include "picture/event_json.h"
#include "timefmt.h"
#include "common/utf8.h"

enum { DATE_LENGTH = 10 };
static const int64_t DAY_US = INT64_C(86400) * 1000000;

struct hold_request {
    const char *from, *to, *reason, *by;
    int64_t release;
    bool list;
};

/* ---- showing ---- */

static json_t *bound_json(uint64_t sequence, int64_t time_us, bool first)
{
    char text[EVENT_TIME_SIZE];
    if (sequence != (first ? 0 : UINT64_MAX))
        return json_integer((json_int_t)sequence);
    if (time_us != (first ? INT64_MIN : INT64_MAX))
        return json_string(event_time(text, time_us));
    return json_null();
}

static json_t *hold_json(const struct evlog_hold *hold)
{
    char text[EVENT_TIME_SIZE];
    json_t *json =
        json_pack("{s:I,s:o,s:o,s:s,s:s,s:s,s:b}", "number", (json_int_t)hold->number, "from",
                  bound_json(hold->from, hold->from_us, true), "to",
                  bound_json(hold->to, hold->to_us, false), "by", hold->by, "reason", hold->reason,
                  "placed", event_time(text, hold->placed_us), "in_force", hold->released_us == 0);
    if (hold->released_us != 0)
        json_object_update_new(json, json_pack("{s:s,s:s,s:s}", "released",
                                               event_time(text, hold->released_us), "released_by",
                                               hold->released_by, "release_reason",
                                               hold->release_reason));
    return json;
}

enum { BOUND_SIZE = 32 };
static const char *bound_text(char text[BOUND_SIZE], uint64_t sequence, int64_t time_us, bool first)
{
    if (sequence != (first ? 0 : UINT64_MAX))
        snprintf(text, BOUND_SIZE, "%" PRIu64, sequence);
    else if (time_us != (first ? INT64_MIN : INT64_MAX))
        cli_time(text, time_us);
    else
        snprintf(text, BOUND_SIZE, "…");
    return text;
}

static void add_row(struct cli_table *table, const struct evlog_hold *hold)
{
    char number[24], from[BOUND_SIZE], to[BOUND_SIZE], placed[CLI_TIME_SIZE];
    char released[CLI_TIME_SIZE];
    snprintf(number, sizeof number, "%" PRIu64, hold->number);
    const char *cells[] = {number,
                           bound_text(from, hold->from, hold->from_us, true),
                           bound_text(to, hold->to, hold->to_us, false),
                           hold->by,
                           cli_time(placed, hold->placed_us),
                           hold->reason,
                           cli_time(released, hold->released_us),
                           hold->released_by,
                           hold->release_reason};
    cli_table_row(table, cells);
}

static int list(const struct cli *cli, const char *directory)
{
    static const struct cli_column COLUMNS[] = {{.name = {"编号", "HOLD"}, .right = true},
                                                {.name = {"自", "FROM"}},
                                                {.name = {"至", "TO"}},
                                                {.name = {"设置人", "BY"}},
                                                {.name = {"设置时间", "PLACED"}},
                                                {.name = {"事由", "REASON"}, .wrap = true},
                                                {.name = {"解除时间", "RELEASED"}},
                                                {.name = {"解除人", "BY"}},
                                                {.name = {"解除事由", "WHY"}, .wrap = true}};
    struct evlog_holds holds;
    struct ld_error error;
    int code = evlog_holds_read(cli->context, directory, &holds, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    struct cli_table *table =
        cli->json ? NULL : cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < holds.count; i++) {
        if (cli->json)
            cli_print_json(hold_json(&holds.all[i]));
        else
            add_row(table, &holds.all[i]);
    }
    if (!cli->json)
        cli_table_print(table);
    evlog_holds_free(&holds);
    return CLI_OK;
}

/* ---- placing and releasing ---- */

/* A sequence, or else a time; as the end of a hold a day is all of that day. */
static int parse_bound(const char *text, bool end, uint64_t *sequence, int64_t *time_us,
                       struct ld_error *error)
{
    char *rest;
    if (*text == 0)
        return LD_OK;
    if (strspn(text, "0123456789") == strlen(text)) {
        errno = 0;
        *sequence = strtoull(text, &rest, 10);
        return errno == 0 ? LD_OK
                          : ld_fail(error, LD_INVALID, "'%s' is beyond all sequences", text);
    }
    int code = ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, time_us, error);
    if (code == LD_OK && end && strlen(text) == DATE_LENGTH)
        *time_us += DAY_US - 1;
    return code;
}

static int copy_text(char *into, size_t size, const char *text, const char *option,
                     struct ld_error *error)
{
    size_t length = strlen(text);
    if (length == 0)
        return ld_fail(error, LD_INVALID, "%s is missing", option);
    if (length >= size)
        return ld_fail(error, LD_INVALID, "%s has %zu bytes, at most %zu are kept", option, length,
                       size - 1);
    if (!sv_utf8_valid((const uint8_t *)text, length))
        return ld_fail(error, LD_INVALID, "%s is not UTF-8", option);
    memcpy(into, text, length + 1);
    return LD_OK;
}

static int place(struct cli *cli, const char *directory, const struct hold_request *request)
{
    struct evlog_hold hold = {.to = UINT64_MAX, .from_us = INT64_MIN, .to_us = INT64_MAX};
    struct ld_error error;
    int code = parse_bound(request->from, false, &hold.from, &hold.from_us, &error);
    if (code == LD_OK)
        code = parse_bound(request->to, true, &hold.to, &hold.to_us, &error);
    if (code == LD_OK)
        code = copy_text(hold.by, sizeof hold.by, request->by, "--by", &error);
    if (code == LD_OK)
        code = copy_text(hold.reason, sizeof hold.reason, request->reason, "--reason", &error);
    if (code == LD_OK)
        code = evlog_hold_place(cli->context, directory, &hold, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    if (cli->json)
        cli_print_json(hold_json(&hold));
    else
        printf(cli_say(cli, "已设置保全 %llu\n", "hold %llu is in force\n"),
               (unsigned long long)hold.number);
    return CLI_OK;
}

static int release(struct cli *cli, const char *directory, const struct hold_request *request)
{
    char by[EVLOG_HOLD_NAME_SIZE], reason[EVLOG_HOLD_REASON_SIZE];
    struct ld_error error;
    int code = copy_text(by, sizeof by, request->by, "--by", &error);
    if (code == LD_OK)
        code = copy_text(reason, sizeof reason, request->reason, "--reason", &error);
    if (code == LD_OK)
        code = evlog_hold_release(cli->context, directory, (uint64_t)request->release, by, reason,
                                  &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    if (cli->json)
        cli_print_json(json_pack("{s:I}", "released", (json_int_t)request->release));
    else
        printf(cli_say(cli, "已解除保全 %lld\n", "hold %lld is released\n"),
               (long long)request->release);
    return CLI_OK;
}

static bool is_clear(const struct cli *cli, const struct hold_request *request)
{
    bool range = *request->from != 0 || *request->to != 0;
    bool releases = request->release > 0;
    if ((request->list ? !range && !releases : range != releases))
        return true;
    cli_complain(cli, "log hold：须且只能使用 --list、--release N、或 --from/--to 之一",
                 "log hold: give either --list, or --release N, or --from and/or --to");
    return false;
}

int log_hold(struct cli *cli, int argc, char **argv)
{
    struct hold_request request = {.from = "", .to = "", .reason = "", .by = ""};
    const struct cli_option options[] = {
        {"from",
         'f',
         CLI_TEXT,
         &request.from,
         "SEQ|TIME",
         {"自此序号或时刻起（含；默认最早）", "from this event or time on (default: the oldest)"}},
        {"to",
         't',
         CLI_TEXT,
         &request.to,
         "SEQ|TIME",
         {"至此为止（含；日期为当日全天；默认持续至解除）",
          "up to and with it; a date: all of that day (default: what is to come too)"}},
        {"reason", 'r', CLI_TEXT, &request.reason, "TEXT", {"事由", "why"}},
        {"by", 'b', CLI_TEXT, &request.by, "NAME", {"设置人或解除人", "who places or releases it"}},
        {"list",
         0,
         CLI_FLAG,
         &request.list,
         NULL,
         {"列出全部，含已解除的", "all, also those released"}},
        {"release", 0, CLI_NUMBER, &request.release, "N", {"解除第 N 号", "release this one"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "log hold [OPTION]… DIR",
        {"设置、列出、解除法定保全：所涵盖的事件在解除前留在日志目录，log archive 不移走。\n"
         "记录持久保存，解除的也保留（何人、何时、何因）。可在路由器运行时执行。",
         "Legal hold: the events it covers stay in the log until it is released; log archive does "
         "not move\nthem. Recorded durably, released ones too (who, when, why). Works beside a "
         "running router."},
        options,
        "  liandong log hold --from 2026-11-20 --to 2026-11-22 --by 监察室 --reason 案件17 "
        "run/data/log\n"
        "  liandong log hold --list run/data/log\n"
        "  liandong log hold --release 1 --by 监察室 --reason 结案 run/data/log\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (!is_clear(cli, &request))
        return CLI_USAGE;
    if (request.list)
        return list(cli, argv[0]);
    return request.release > 0 ? release(cli, argv[0], &request) : place(cli, argv[0], &request);
}
