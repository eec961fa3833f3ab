/* liandong sim: a scenario through all cores in this process, in no time. */
#include "playing.h"
#include "recording.h"

static int play_and_record(struct playing *playing, const char *directory)
{
    const struct cli *cli = playing->cli;
    struct ld_error error;
    if (directory != NULL &&
        recording_open(cli->context, directory, &playing->recording, &error) != LD_OK)
        return cli_fail(cli, &error);
    struct scenario_bus *bus = scenario_memory_open();
    int status = playing_run(playing, bus);
    scenario_memory_close(bus);
    if (recording_close(playing->recording, &error) != LD_OK)
        return cli_fail(cli, &error);
    return status;
}

int cmd_sim(struct cli *cli, int argc, char **argv)
{
    struct playing playing = {.cli = cli};
    const char *directory = NULL;
    const struct cli_option options[] = {
        {"events",
         'E',
         CLI_FLAG,
         &playing.events,
         NULL,
         {"逐个显示全部事件", "show every event instead of the story"}},
        {"quiet",
         'q',
         CLI_FLAG,
         &playing.quiet,
         NULL,
         {"只显示不符之处和结论", "show only failures and the verdict"}},
        {"start",
         's',
         CLI_TIME,
         &playing.start_us,
         "TIME",
         {"从这一刻开始（默认按文件）", "start then (default: as the file says)"}},
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"把全部事件写成演练日志（新目录）", "write all events as a drill's log (a new folder)"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "sim [OPTION]… FILE",
        {"在本进程内用全部业务核心推演一个情景文件，不需要总线。全部为演练。\n"
         "退出码：0 全部符合预期，1 有不符，2 文件有误。",
         "Plays a scenario file through all cores in this process, without a bus, as an exercise.\n"
         "Exit status: 0 all as expected, 1 something is not, 2 the file is wrong."},
        options,
        "  liandong sim tests/scenarios/broad-street.yaml\n"
        "  liandong sim --json --events tests/scenarios/broad-street.yaml | jq .message\n"
        "  liandong sim --log /tmp/drill tests/scenarios/broad-street.yaml\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    playing.path = argv[0];
    return play_and_record(&playing, directory);
}
