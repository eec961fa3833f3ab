/* liandong story: the account of what happened, from the bus or from a log folder. */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "telling.h"

struct telling {
    struct picture picture;
    struct story *story;
};

static void take(const struct ld_record *record, void *data)
{
    struct telling *telling = data;
    struct picture_event event;
    picture_apply(&telling->picture, record, &event);
    story_take(telling->story, record, &event);
}

static void summaries(const struct cli *cli, const struct telling *telling, const char *incident)
{
    for (const struct picture_incident *at = telling->picture.incidents; at != NULL;
         at = at->hh.next) {
        if (incident != NULL && strcmp(at->id, incident) != 0)
            continue;
        if (cli->json)
            cli_print_json(telling_incident_json(at));
        else
            telling_incident(cli, at, story_names(telling->story));
    }
}

int cmd_story(struct cli *cli, int argc, char **argv)
{
    static const char *const FILTERS[] = {"plan/>",     "incident/>", "grade/>",  "warning/>",
                                          "response/>", "duty/>",     "clock/>",  "notice/>",
                                          "supply/>",   "bulletin/>", "receipt/>"};
    const char *directory = NULL, *incident = NULL;
    bool all = false;
    const struct cli_option options[] = {
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {"incident", 'I', CLI_TEXT, &incident, "ID", {"只讲这一事件", "of this incident only"}},
        {"all", 'a', CLI_FLAG, &all, NULL, {"连同每份报告", "with every single report"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "story [OPTION]…",
        {"讲述经过：何时为何定为哪一级，谁建议、评估、决定，多少单位得到多少任务，谁确认，谁逾期。",
         "Tells what happened: when which grade and why; who proposed, assessed, decided; how "
         "many\n"
         "units got how many orders, who acknowledged, what was overdue, told and escalated."},
        options,
        "  liandong story --log run/data/log --lang zh\n"};
    struct telling telling;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    picture_init(&telling.picture);
    telling.story = story_open(all ? STORY_ALL : STORY_USUAL, incident, telling_line, cli);
    struct bus_read read = {.filters = FILTERS,
                            .filter_count = sizeof FILTERS / sizeof FILTERS[0],
                            .each = take,
                            .data = &telling};
    int code = bus_source(cli, directory, &read, &error);
    story_flush(telling.story);
    if (code == LD_OK)
        summaries(cli, &telling, incident);
    story_close(telling.story);
    picture_free(&telling.picture);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}
