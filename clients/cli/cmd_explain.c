/* liandong explain: why an incident has its grade, and what would change it. */
#include <ctype.h>
#include <string.h>

#include "bus.h"
#include "explain/why.h"
#include "timefmt.h"

/* A sequence (digits) or a time. */
static bool parse_at(const struct cli *cli, const char *text, struct why_limit *limit)
{
    struct ld_error error;
    char *end;
    unsigned long long number = strtoull(text, &end, 10);
    if (isdigit((unsigned char)text[0]) && *end == '\0') {
        limit->sequence = number;
        return true;
    }
    if (ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, &limit->time_us, &error) == LD_OK)
        return true;
    cli_complain(cli, "--at：应为序号或时间（2026-11-22T10:00）",
                 "--at: expected a sequence or a time (2026-11-22T10:00)");
    return false;
}

static int explain(const struct cli *cli, const char *directory, const char *incident,
                   struct why_limit limit)
{
    char of_incident[160], of_grade[160], of_decision[160], of_warning[160];
    struct ld_error error;
    struct why why;
    snprintf(of_incident, sizeof of_incident, "incident/*/%s", incident);
    snprintf(of_grade, sizeof of_grade, "grade/*/%s", incident);
    snprintf(of_decision, sizeof of_decision, "decision/*/%s/*", incident);
    snprintf(of_warning, sizeof of_warning, "warning/*/%s", incident);
    const char *const filters[] = {"plan/*", of_incident, of_grade, of_decision, of_warning};
    why_open(&why, incident, limit);
    struct bus_read read = {.filters = filters,
                            .filter_count = sizeof filters / sizeof filters[0],
                            .stop = &why.beyond,
                            .each = why_take,
                            .data = &why};
    int code = bus_source(cli, directory, &read, &error);
    if (code == LD_OK)
        code = why_ask(&why, &error);
    if (code == LD_OK && cli->json)
        cli_print_json(why_json(&why));
    else if (code == LD_OK)
        why_print(cli, &why);
    why_close(&why);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

int cmd_explain(struct cli *cli, int argc, char **argv)
{
    const char *directory = NULL, *at = NULL;
    const struct cli_option options[] = {
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {"at",
         'a',
         CLI_TEXT,
         &at,
         "SEQ|TIME",
         {"当时的情况：到这一序号或时刻为止", "as it was then: up to this sequence or time"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "explain [OPTION]… INCIDENT",
        {"说明一个事件为何定为这一级：满足哪条标准，自何时起，依据哪些报告；距上一级还差什么；\n"
         "什么失效后建议降级；预警颜色同样，并说明已发布的预警：谁在何时建议、核实、评估、签发，\n"
         "依据当时的哪些数字。",
         "Why an incident has its grade: which criterion of the plan holds, since when, by which\n"
         "reports; what is missing for the next grade up; what would have to lapse for a lower "
         "one\n"
         "to be suggested. The same for the colour of the warning, and of what is issued: who\n"
         "suggested, verified, assessed and signed it, when, and on which figures."},
        options,
        "  liandong explain 3303-cholera-20261011-1\n"
        "  liandong explain 3303-cholera-20261011-1 --log run/data/log --at 2026-10-12T08:00\n"};
    struct why_limit limit = {UINT64_MAX, INT64_MAX};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (!cli_check_incident(cli, argv[0]) || (at != NULL && !parse_at(cli, at, &limit)))
        return CLI_USAGE;
    return explain(cli, directory, argv[0], limit);
}
