/* liandong account: the after-action account of an incident. */
#include "account/show.h"
#include "bus.h"

static int show(const struct cli *cli, const struct account *account, const char *path)
{
    if (cli->json)
        cli_print_json(account_json(account));
    if (cli->json && path == NULL)
        return CLI_OK;
    struct paper *paper = account_paper(cli, account);
    int status = paper_put(cli, paper, path);
    paper_close(paper);
    return status;
}

static int run(const struct cli *cli, const char *directory, const char *incident, const char *path)
{
    enum { FORMATS = 8 };
    static const char *const FORMAT[FORMATS] = {"incident/*/%s", "grade/*/%s",     "warning/*/%s",
                                                "response/*/%s", "clock/*/%s/*",   "duty/*/*/%s/*",
                                                "notice/*/*/%s", "bulletin/*/%s/*"};
    struct ld_arena arena = {0};
    struct ld_error error;
    struct account account;
    const char *filters[FORMATS + 3] = {"plan/*", "supply/>", "receipt/>"};
    for (int i = 0; i < FORMATS; i++)
        filters[i + 3] = ld_arena_format(&arena, FORMAT[i], incident);
    account_open(&account, incident);
    struct bus_read read = {.filters = filters,
                            .filter_count = sizeof filters / sizeof filters[0],
                            .each = account_take,
                            .data = &account};
    int code = bus_source(cli, directory, &read, &error);
    if (code == LD_OK)
        code = account_finish(&account, &error);
    int status = code == LD_OK ? show(cli, &account, path) : cli_fail(cli, &error);
    account_close(&account);
    ld_arena_free(&arena);
    return status;
}

int cmd_account(struct cli *cli, int argc, char **argv)
{
    const char *directory = NULL, *path = NULL;
    const struct cli_option options[] = {
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {"html",
         'H',
         CLI_TEXT,
         &path,
         "FILE",
         {"写成一个可打印的网页文件", "write it as one HTML file, to be printed"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "account [OPTION]… INCIDENT",
        {"事后评估记录：经过、响应的启动调整终止、时限按时与超时、各单位任务的确认和办结用时、\n"
         "逾期与督办、通知、物资，以及 7-1-7 指标。",
         "The after-action account: what happened, what was in force, clocks met and missed, each\n"
         "unit's orders with times to acknowledge and to be done, what was overdue and escalated,\n"
         "notices, supplies, and the 7-1-7 figures."},
        options,
        "  liandong account 3303-cholera-20261011-1 --html account.html --lang zh\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (!cli_check_incident(cli, argv[0]))
        return CLI_USAGE;
    return run(cli, directory, argv[0], path);
}
