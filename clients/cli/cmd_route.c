/* liandong route: does a filter match a topic? */
#include <string.h>

#include <liandong/topic.h>

#include "cli.h"

static int route_test(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {
        "route test [OPTION]… FILTER TOPIC",
        {"过滤器是否匹配主题。退出码 0 匹配，1 不匹配，2 写法有误。",
         "Does the filter match the topic? Exit status 0: yes, 1: no, 2: not well formed."},
        NULL,
        "  liandong route test 'warning/33*/>' warning/330302/3303-cholera-20261011-1\n"};
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 2, 2, &count);
    if (status >= 0)
        return status;
    if (ld_filter_check(argv[0], strlen(argv[0]), &error) != LD_OK ||
        ld_topic_check(argv[1], strlen(argv[1]), &error) != LD_OK)
        return cli_fail(cli, &error);
    bool matches = ld_filter_matches(argv[0], strlen(argv[0]), argv[1], strlen(argv[1]));
    if (cli->json)
        cli_print_json(json_pack("{s:b}", "matches", matches));
    else
        puts(matches ? cli_say(cli, "匹配", "matches") : cli_say(cli, "不匹配", "does not match"));
    return matches ? CLI_OK : CLI_FAILED;
}

int cmd_route(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"test", route_test, {"过滤器是否匹配主题", "does a filter match a topic"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"主题和过滤器。", "Topics and filters."};
    return cli_dispatch(cli, "route", SUMMARY, COMMANDS, argc, argv);
}
