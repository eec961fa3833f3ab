/*
 * liandong: one program for operators. Chooses the subcommand; everything else is in cmd_*.c.
 */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "timefmt.h"

static const struct cli_command COMMANDS[] = {
    {"status", cmd_status, {"总线、服务和事件的现状", "the bus, the services, the incidents"}},
    {"top", cmd_top, {"路由器实时情况", "the router, live"}},
    {"report", cmd_report, {"报告", "report what happened"}},
    {"bulletin",
     cmd_bulletin,
     {"评估、地图、发布、会商、总结", "assessment, map, press, meeting, summary"}},
    {"decide",
     cmd_decide,
     {"建议、评估、决定、批准、报备", "propose, assess, decide, approve, file"}},
    {"duty", cmd_duty, {"任务：列出和答复", "orders: list and answer them"}},
    {"notice", cmd_notice, {"通知和 CAP 报文", "notices and their CAP messages"}},
    {"cap", cmd_cap, {"检查、受理 CAP 报文", "check CAP messages, take foreign ones"}},
    {"supply", cmd_supply, {"应急物资", "supplies"}},
    {"outbox", cmd_outbox, {"发件箱", "reports that wait for the router"}},
    {"keys", cmd_keys, {"密钥", "keys: who is let in"}},
    {"tail", cmd_tail, {"跟随事件", "follow the events"}},
    {"story", cmd_story, {"讲述经过", "tell what happened"}},
    {"explain", cmd_explain, {"为何定为这一级", "why an incident has its grade"}},
    {"account", cmd_account, {"事后评估记录", "the account after the action"}},
    {"sim", cmd_sim, {"在本进程内推演情景", "play a scenario here, without a bus"}},
    {"play", cmd_play, {"在总线上推演情景", "play a scenario on a live bus"}},
    {"replay", cmd_replay, {"重算日志并逐位比较", "derive a log again and compare"}},
    {"whatif", cmd_whatif, {"换一种规则会怎样", "a log under other rules"}},
    {"log", cmd_log, {"磁盘上的日志", "the log on disk"}},
    {"plan", cmd_plan, {"应急预案", "emergency plans"}},
    {"route", cmd_route, {"主题和过滤器", "topics and filters"}},
    {NULL, NULL, {NULL, NULL}},
};

static bool speaks_chinese(void)
{
    static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const char *value = getenv(NAMES[i]);
        if (value != NULL && value[0] != '\0')
            return strncmp(value, "zh", 2) == 0;
    }
    return false;
}

static const char *from_environment(const char *name, const char *missing)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : missing;
}

int main(int argc, char **argv)
{
    static const struct plan_text SUMMARY = {
        "联动：突发事件中把各部门连在一起的消息总线，操作员用的命令。",
        "Liandong links government agencies in an emergency; this is the operators' command."};
    const char *no_color = getenv("NO_COLOR");
    if (setlocale(LC_CTYPE, "") == NULL || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8"); /* widths of Chinese text in tables */
    struct cli cli = {
        .context = ld_context_system(),
        .zh = speaks_chinese(),
        .terminal = isatty(STDOUT_FILENO) == 1,
        .endpoint = from_environment("LIANDONG_ENDPOINT", CLI_DEFAULT_ENDPOINT),
        .identity = from_environment("LIANDONG_IDENTITY", CLI_DEFAULT_IDENTITY),
        .keys = from_environment("LIANDONG_KEYS", NULL),
        .timeout_us = 10 * LD_US_SECOND,
    };
    setvbuf(stdout, NULL, _IOLBF,
            0); /* who reads along through a pipe sees each line as it comes */
    cli.color = cli.terminal && (no_color == NULL || no_color[0] == '\0');
    return cli_dispatch(&cli, "", SUMMARY, COMMANDS, argc, argv);
}
