/* liandong decide: a person in office takes a step of a response or of a warning. */
#include <string.h>

#include "keeping.h"
#include "liandong/v1/command.pb-c.h"
#include "message.h"

struct decide_options {
    const char *area, *opinion, *filed_with, *person;
    int64_t at_us, amends;
    bool against, warning;
};

static int send(const struct cli *cli, Liandong__V1__Decision *decision, struct ld_arena *arena)
{
    struct ld_client *client = NULL;
    struct ld_error error;
    if (bus_open(cli, &client, &error) != LD_OK)
        return cli_fail(cli, &error);
    return keeping_say(cli, client,
                       ld_arena_format(arena, "decision/%s/%s/%s", decision->area,
                                       decision->context->incident, cli->identity),
                       &decision->base);
}

static int run(const struct cli *cli, const struct decide_options *own, char **arguments,
               int argument_count, struct ld_arena *arena)
{
    const char *incident = arguments[0];
    Liandong__V1__Decision decision;
    liandong__v1__decision__init(&decision);
    int act = message_enum(cli, &liandong__v1__decision__act__descriptor, "ACT", arguments[1]);
    int level = argument_count < 3
                    ? 0
                    : message_enum(cli, &liandong__v1__level__descriptor, "LEVEL", arguments[2]);
    if (act < 0 || level < 0)
        return CLI_USAGE;
    decision.context = message_context(cli, arena, incident);
    decision.act = (Liandong__V1__Decision__Act)act;
    decision.level = (Liandong__V1__Level)level;
    decision.area = own->area != NULL ? message_text(own->area) : message_city_of(arena, incident);
    decision.in_favour = !own->against;
    decision.opinion = message_text(own->opinion);
    decision.filed_with = message_text(own->filed_with);
    decision.person = message_text(own->person);
    decision.effective_at_us = own->at_us;
    decision.amends = own->amends > 0 ? (uint64_t)own->amends : 0;
    decision.subject = own->warning ? LIANDONG__V1__DECISION__SUBJECT__WARNING
                                    : LIANDONG__V1__DECISION__SUBJECT__RESPONSE;
    return send(cli, &decision, arena);
}

static const char ABOUT_ZH[] =
    "按预案程序对事件作出一步：ACT 为 "
    "propose、assess、decide、approve、file、order、designate，\n"
    "预警为 suggest、verify、assess、approve、sign、file、issue、inform；撤回预先作出的行为用 "
    "withdraw-act；\n"
    "LEVEL 为 I、II、III、IV，终止响应用 none。退出码 4：预案不许，并指出哪一节。";
static const char ABOUT_EN[] =
    "One step of the plan's procedure for an incident. ACT: propose, assess, decide, "
    "approve,\n"
    "file, order or designate; of a warning: suggest, verify, assess, approve, sign, file,\n"
    "issue or inform; withdraw-act takes back an act made ahead. LEVEL: I, II, III, IV, or\n"
    "none to end the response.\n"
    "Exit status 4: the plan does not allow it; the section says who may.";
static const char EXAMPLES[] =
    "  liandong decide 3303-cholera-20261011-1 propose II --as 3303.health\n"
    "  liandong decide 3303-cholera-20261011-1 decide none --as 3303.gov\n"
    "  liandong decide --warning 3303-cholera-20261011-1 suggest III --as 3303.cdc\n";

int cmd_decide(struct cli *cli, int argc, char **argv)
{
    struct decide_options own = {0};
    const struct cli_option options[] = {
        {"area",
         'a',
         CLI_TEXT,
         &own.area,
         "CODE",
         {"响应范围（默认事件所在市）", "where the response is (default: the incident's city)"}},
        {"against",
         0,
         CLI_FLAG,
         &own.against,
         NULL,
         {"评估（预警还有核实、批准、签发）意见为不同意",
          "with assess, of a warning also verify, approve, sign: against it"}},
        {"warning",
         'w',
         CLI_FLAG,
         &own.warning,
         NULL,
         {"对象是预警：LEVEL 为预警级别，none 为解除",
          "about the warning: LEVEL is its colour, none lifts it"}},
        {"opinion", 'o', CLI_TEXT, &own.opinion, "TEXT", {"意见", "in words"}},
        {"filed-with",
         'f',
         CLI_TEXT,
         &own.filed_with,
         "UNIT",
         {"报备、报告对象", "with file and inform: whom"}},
        {"person", 'p', CLI_TEXT, &own.person, "NAME", {"经办人或职务", "who acts for the unit"}},
        {"at",
         0,
         CLI_TIME,
         &own.at_us,
         "TIME",
         {"届时生效（默认立即）", "takes effect then (default: at once)"}},
        {"amends",
         0,
         CLI_NUMBER,
         &own.amends,
         "SEQUENCE",
         {"替换（withdraw-act：撤回）自己预先作出的第几号行为",
          "the act made ahead that this one replaces or, with withdraw-act, takes back"}},
        KEEPING_OPTIONS(cli),
        {.name = NULL}};
    const struct cli_usage usage = {
        "decide [OPTION]… INCIDENT ACT [LEVEL]", {ABOUT_ZH, ABOUT_EN}, options, EXAMPLES};
    struct ld_arena arena = {0};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 2, 3, &count);
    if (status < 0)
        status = run(cli, &own, argv, count, &arena);
    ld_arena_free(&arena);
    return status;
}
