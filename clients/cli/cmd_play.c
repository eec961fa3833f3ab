/* liandong play: a scenario on a live bus, with the services and units as they run. */
#include "live.h"
#include "playing.h"
#include "timefmt.h"

#define PLAY_TIMEOUT_US (30 * LD_US_SECOND)

int cmd_play(struct cli *cli, int argc, char **argv)
{
    struct playing playing = {.cli = cli};
    const struct cli_option options[] = {
        {"external-replies",
         'R',
         CLI_FLAG,
         &playing.external_replies,
         NULL,
         {"确认任务由各单位自己的程序来做，这里只等",
          "units acknowledge through their own programs; only wait for that"}},
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
        {.name = NULL}};
    const struct cli_usage usage = {
        "play [OPTION]… FILE",
        {"在演练中的总线上推演情景：以各单位身份发布，拨动演练时钟，核对预期。\n"
         "路由器须以 --drill 启动。退出码同 sim，另有 3 连不上，4 被拒。",
         "Plays a scenario on a live bus in a drill: publishes as each unit, moves the drill's\n"
         "clock, compares with what is expected. The router must run with --drill.\n"
         "Exit status as sim, and 3: cannot reach, 4: refused."},
        options,
        "  liandong play tests/scenarios/broad-street.yaml --endpoint ipc://run/demo/bus\n"};
    int count;
    cli->timeout_us = PLAY_TIMEOUT_US; /* a service that was killed is missed only after 10 s */
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    playing.path = argv[0];
    struct scenario_bus *bus = live_open(cli);
    status = playing_run(&playing, bus);
    live_close(bus);
    return status;
}
