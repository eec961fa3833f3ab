/* liandong cap take: a foreign CAP message becomes a report on the bus. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "cap_file.h"
#include "cap_take.h"
#include "cmd_cap.h"
#include "message.h"
#include "timefmt.h"

struct taking {
    struct cli *cli;
    const char *rules, *area, *reply;
    struct cap *cap; /* once it is known to be good */
    struct ld_arena arena;
    Liandong__V1__Report report;
    bool exercise, updates;
    int64_t expires_us; /* 0: not said */
};

/* Reads, checks and translates; LD_OK, or why not. */
static int translate(struct taking *taking, const char *path, struct ld_error *error)
{
    struct cap_rules *rules = NULL;
    struct cap_findings findings = {0};
    int code = cap_rules_open(taking->rules, &rules, error);
    if (code == LD_OK)
        code = cap_file_read(path, &taking->cap, error);
    if (code == LD_OK)
        cap_check(taking->cap, &findings);
    if (code == LD_OK && findings.of_weight[CAP_SCHEMA] + findings.of_weight[CAP_RULE] > 0)
        code = ld_fail(error, LD_INVALID, "%s: no good CAP message; liandong cap check says why",
                       path);
    if (code == LD_OK)
        code = cap_take(rules, taking->cap, taking->area, &taking->arena, &taking->report, error);
    if (code == LD_OK) {
        taking->exercise = strcmp(cap_text(taking->cap, "status"), "Exercise") == 0;
        taking->updates = strcmp(cap_text(taking->cap, "msgType"), "Update") == 0;
        const char *expires = cap_info_text(taking->cap, 0, "expires");
        if (ld_time_parse(expires, 0, &taking->expires_us, NULL) != LD_OK)
            taking->expires_us = 0; /* not said */
    }
    cap_findings_free(&findings);
    cap_rules_free(rules);
    return code;
}

/* An Ack when it was taken, an Error with the reason when a service refused it. */
static int write_reply(const struct taking *taking, const struct bus_event *event, int64_t now_us)
{
    const struct cli *cli = taking->cli;
    struct ld_arena arena = {0};
    struct ld_buffer xml = {0};
    struct cap_answer answer = {
        .sender = cli->identity,
        .identifier = ld_arena_format(&arena, "%s.reply.%s", cli->identity,
                                      message_number(cli, &arena, now_us)),
        .sent_at_us = now_us,
        .refused = !event->accepted,
        .note = event->accepted ? ld_arena_format(&arena, "%s %s", event->answer, event->topic)
                                : ld_arena_format(&arena, "%s: %s", event->answer, event->reason)};
    FILE *file = fopen(taking->reply, "w");
    cap_reply(taking->cap, &answer, &xml);
    bool good = file != NULL && fwrite(xml.data, 1, xml.size, file) == xml.size;
    good = file != NULL && fclose(file) == 0 && good;
    if (!good)
        cli_complain(cli, "%s：无法写入：%s", "%s: cannot be written: %s", taking->reply,
                     strerror(errno));
    ld_arena_free(&arena);
    ld_buffer_free(&xml);
    return good ? CLI_OK : CLI_FAILED;
}

/* An update of what was never taken here is taken as new. */
static int publish(struct taking *taking, struct ld_client **client)
{
    const struct cli *cli = taking->cli;
    struct ld_error error;
    struct bus_event event = {
        .topic = ld_arena_format(&taking->arena, "report/%s/%s/%s", taking->report.area,
                                 taking->report.hazard, cli->identity),
        .message = &taking->report.base,
        .flags = (uint16_t)(bus_flags(cli, *client) | (taking->exercise ? LD_RECORD_EXERCISE : 0))};
    const struct bus_event unsent = event;
    int code = bus_publish(cli, *client, &event, 1, &error);
    if (code == LD_OK && taking->updates && strcmp(event.answer, "unknown-revised") == 0) {
        taking->report.revises = message_text("");
        bus_close(*client); /* a client publishes once */
        *client = NULL;
        event = unsent;
        code = bus_open(cli, client, &error);
        if (code == LD_OK)
            code = bus_publish(cli, *client, &event, 1, &error);
    }
    int status = bus_tell(cli, &event, 1);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    int replied =
        taking->reply != NULL ? write_reply(taking, &event, taking->report.received_at_us) : CLI_OK;
    return status != CLI_OK ? status : replied;
}

static int take(struct taking *taking, const char *path)
{
    const struct cli *cli = taking->cli;
    struct ld_client *client = NULL;
    struct ld_error error;
    int code = translate(taking, path, &error);
    if (code == LD_OK)
        code = bus_open(cli, &client, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    int64_t now_us = bus_now(client);
    int status;
    if (taking->expires_us != 0 && taking->expires_us <= now_us) {
        cli_complain(cli, "%s：已过期，不再受理", "%s: it has expired: nothing to act on", path);
        status = CLI_FAILED;
    } else {
        taking->report.context = message_context(cli, &taking->arena, "");
        taking->report.received_at_us = now_us;
        status = publish(taking, &client);
    }
    bus_close(client);
    return status;
}

int cap_take_file(struct cli *cli, int argc, char **argv)
{
    struct taking taking = {.cli = cli, .rules = "deploy/cap-intake.yaml"};
    const struct cli_option options[] = {
        {"rules",
         'r',
         CLI_TEXT,
         &taking.rules,
         "FILE",
         {"对应规则（默认 deploy/cap-intake.yaml）",
          "what messages mean here (default: deploy/cap-intake.yaml)"}},
        {"area",
         'a',
         CLI_TEXT,
         &taking.area,
         "CODE",
         {"区划（默认按报文）", "where (default: as it says)"}},
        {"reply",
         0,
         CLI_TEXT,
         &taking.reply,
         "FILE",
         {"把给发送方的 Ack 或 Error 写入此文件", "write an Ack or Error for the sender there"}},
        {"exercise", 'x', CLI_FLAG, &cli->exercise, NULL, {"演练", "an exercise"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "cap take [OPTION]… FILE",
        {"把外来 CAP 报文（气象、邻市等；\"-\" 为标准输入）作为本单位的报告发上总线。\n"
         "重复的拒收；Update、Cancel 取代所指的报告。退出码 1：不合格；4：被拒收。",
         "Reports what a foreign CAP message says (weather service, neighbouring city; \"-\":\n"
         "standard input), as the unit that --as names. One that was taken before is refused; an\n"
         "Update or Cancel takes the place of what it refers to. Exit status 4: refused."},
        options,
        "  liandong cap take haze.xml --as 3304.meteorology\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status < 0)
        status = take(&taking, argv[0]);
    cap_free(taking.cap);
    ld_arena_free(&taking.arena);
    return status;
}
