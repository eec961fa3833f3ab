/* liandong bulletin: a unit lets the others know: an assessment, a map, press, a meeting held. */
#include <string.h>

#include "keeping.h"
#include "liandong/v1/bulletin.pb-c.h"
#include "message.h"

struct bulletin_options {
    const char *area, *english, *link, *entry;
    int64_t from_us, to_us;
};

/* The unit's own area; the incident's city for a unit above it. */
static char *default_area(const struct cli *cli, struct ld_arena *arena, const char *incident)
{
    char *own = message_area_of(arena, cli->identity), *city = message_city_of(arena, incident);
    return strncmp(own, city, strlen(city)) == 0 ? own : city;
}

static int send(const struct cli *cli, Liandong__V1__Bulletin *bulletin, const char *area,
                struct ld_arena *arena)
{
    struct ld_client *client = NULL;
    struct ld_error error;
    if (bus_open(cli, &client, &error) != LD_OK)
        return cli_fail(cli, &error);
    return keeping_say(cli, client,
                       ld_arena_format(arena, "bulletin/%s/%s/%s", area,
                                       bulletin->context->incident, cli->identity),
                       &bulletin->base);
}

static int run(const struct cli *cli, const struct bulletin_options *own, char **arguments,
               int argument_count, struct ld_arena *arena)
{
    const char *incident = arguments[0];
    Liandong__V1__Bulletin bulletin;
    Liandong__V1__Text text;
    liandong__v1__bulletin__init(&bulletin);
    liandong__v1__text__init(&text);
    int kind = message_enum(cli, &liandong__v1__bulletin__kind__descriptor, "KIND", arguments[1]);
    if (kind < 0)
        return CLI_USAGE;
    text.zh = message_text(argument_count > 2 ? arguments[2] : NULL);
    text.en = message_text(own->english);
    bulletin.context = message_context(cli, arena, incident);
    bulletin.kind = (Liandong__V1__Bulletin__Kind)kind;
    bulletin.text = &text;
    bulletin.link = message_text(own->link);
    bulletin.entry = message_text(own->entry);
    bulletin.from_us = own->from_us;
    bulletin.to_us = own->to_us;
    const char *area = own->area != NULL ? own->area : default_area(cli, arena, incident);
    return send(cli, &bulletin, area, arena);
}

int cmd_bulletin(struct cli *cli, int argc, char **argv)
{
    struct bulletin_options own = {0};
    const struct cli_option options[] = {
        {"area",
         'a',
         CLI_TEXT,
         &own.area,
         "CODE",
         {"所述区划（默认本单位所在地）", "which area it is about (default: the unit's own)"}},
        {"english", 0, CLI_TEXT, &own.english, "TEXT", {"英文文字", "the text in English"}},
        {"link", 0, CLI_TEXT, &own.link, "URL", {"文件链接", "where the document is"}},
        {"from", 0, CLI_TIME, &own.from_us, "TIME", {"所述时段开始", "the period begins"}},
        {"to", 0, CLI_TIME, &own.to_us, "TIME", {"所述时段结束", "the period ends"}},
        {"entry",
         0,
         CLI_TEXT,
         &own.entry,
         "ID",
         {"总结、评估所答复的善后事项", "which entry of the after-care a summary answers"}},
        KEEPING_OPTIONS(cli),
        {.name = NULL}};
    const struct cli_usage usage = {
        "bulletin [OPTION]… INCIDENT KIND [TEXT]",
        {"告知其他单位：KIND 为 "
         "assessment（风险评估）、map（风险地图）、press（新闻发布）、\n"
         "meeting（会商）、daily（日报告，无新情况也报）、summary（总结）、evaluation（评估）、\n"
         "notice（通报）。\n"
         "退出码 4：被拒收，并说明原因。",
         "Lets the others know. KIND: assessment or map (of the risk), press, meeting (that was\n"
         "held), daily (a daily report, also that there is nothing new), summary, evaluation or\n"
         "notice. Exit status 4: refused, with the reason."},
        options,
        "  liandong bulletin 3303-cholera-20261011-1 press 举行新闻发布会 --as 3303.publicity\n"};
    struct ld_arena arena = {0};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 2, 3, &count);
    if (status < 0)
        status = run(cli, &own, argv, count, &arena);
    ld_arena_free(&arena);
    return status;
}
