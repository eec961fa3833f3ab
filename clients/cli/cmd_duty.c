/*
 * liandong duty: a unit's answers to its orders. The orders are read from the log; an answer
 * carries the world (actual or exercise) of the order it is for.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd_duty.h"
#include "message.h"
#include "picture/picture.h"

struct duty_options {
    const char *incident, *reason, *help_from, *person;
    bool all;
};

static void take(const struct ld_record *record, void *data)
{
    struct picture_event event;
    picture_apply(data, record, &event);
}

/* The unit's own orders. */
static int read_orders(const struct cli *cli, struct ld_client *client, struct picture *picture,
                       struct ld_error *error)
{
    char filter[LD_TOPIC_SIZE_MAX];
    const char *filters[] = {filter};
    int code = duty_topics(cli->identity, filter, error);
    if (code != LD_OK)
        return code;
    struct bus_read read = {.filters = filters, .filter_count = 1, .each = take, .data = picture};
    return bus_read(cli, client, &read, error);
}

/* ---- answers ---- */

struct answers {
    const struct cli *cli;
    const struct duty_options *own;
    Liandong__V1__DutyReply__Action action;
    struct ld_arena arena;
    struct bus_event *events;
    size_t count, capacity;
};

static void add_answer(struct answers *answers, const char *order, uint16_t flags)
{
    const char *unit = answers->cli->identity, *dot = strchr(unit, '.');
    Liandong__V1__DutyReply *reply = ld_arena_alloc(&answers->arena, sizeof *reply);
    liandong__v1__duty_reply__init(reply);
    const char *incident = ld_arena_string(&answers->arena, order, strcspn(order, "/"));
    reply->context = message_context(answers->cli, &answers->arena, incident);
    reply->order = ld_arena_string(&answers->arena, order, strlen(order));
    reply->action = answers->action;
    reply->reason = message_text(answers->own->reason);
    reply->help_from = message_text(answers->own->help_from);
    reply->person = message_text(answers->own->person);
    answers->events = reallocarray(answers->events, answers->count + 1, sizeof *answers->events);
    if (answers->events == NULL)
        abort();
    answers->events[answers->count++] =
        (struct bus_event){.topic = ld_arena_format(&answers->arena, "reply/%.*s/%s/%s",
                                                    (int)(dot - unit), unit, dot + 1, reply->order),
                           .message = &reply->base,
                           .flags = flags};
}

static bool wanted(const struct answers *answers, const struct picture_incident *incident,
                   const struct picture_order *order)
{
    bool acknowledge = answers->action == LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE;
    bool delivered = answers->action == LIANDONG__V1__DUTY_REPLY__ACTION__DELIVERED;
    return (answers->own->incident == NULL || strcmp(answers->own->incident, incident->id) == 0) &&
           picture_order_open(order->last) && (!acknowledge || order->acknowledged_at_us == 0) &&
           (!delivered || (order->acknowledged_at_us == 0 && order->last->delivered_at_us == 0));
}

static void add_all(struct answers *answers, const struct picture *picture)
{
    for (const struct picture_incident *incident = picture->incidents; incident != NULL;
         incident = incident->hh.next)
        for (const struct picture_order *at = incident->orders; at != NULL; at = at->hh.next)
            if (wanted(answers, incident, at))
                add_answer(answers, at->last->order, incident->exercise ? LD_RECORD_EXERCISE : 0);
}

/* An order of either world by its number; unknown ones are sent too, for the service to refuse. */
static void add_named(struct answers *answers, const struct picture *picture, const char *order,
                      uint16_t flags)
{
    for (const struct picture_incident *incident = picture->incidents; incident != NULL;
         incident = incident->hh.next)
        for (const struct picture_order *at = incident->orders; at != NULL; at = at->hh.next)
            if (strcmp(at->last->order, order) == 0)
                flags = incident->exercise ? LD_RECORD_EXERCISE : flags;
    add_answer(answers, order, flags);
}

static int send_answers(struct answers *answers, char **orders, int order_count)
{
    const struct cli *cli = answers->cli;
    struct ld_client *client = NULL;
    struct picture picture;
    struct ld_error error;
    int status = CLI_OK;
    picture_init(&picture);
    int code = bus_open(cli, &client, &error);
    if (code == LD_OK)
        code = read_orders(cli, client, &picture, &error);
    for (int i = 0; i < order_count && code == LD_OK; i++)
        add_named(answers, &picture, orders[i], bus_flags(cli, client));
    if (answers->own->all && code == LD_OK)
        add_all(answers, &picture);
    if (code != LD_OK)
        status = cli_fail(cli, &error);
    else if (answers->count > 0)
        status = bus_publish_and_tell(cli, client, answers->events, answers->count);
    bus_close(client);
    picture_free(&picture);
    return status;
}

static int answer(struct cli *cli, int argc, char **argv, Liandong__V1__DutyReply__Action action,
                  const char *line)
{
    struct duty_options own = {0};
    const struct cli_option options[] = {
        {"all",
         'a',
         CLI_FLAG,
         &own.all,
         NULL,
         {"本单位全部可答复的任务", "all of one's own open orders"}},
        {"incident",
         'I',
         CLI_TEXT,
         &own.incident,
         "ID",
         {"配合 --all：只限这一事件", "with --all: of this incident only"}},
        {"reason", 'r', CLI_TEXT, &own.reason, "TEXT", {"理由或说明", "the reason, or a remark"}},
        {"help-from",
         0,
         CLI_TEXT,
         &own.help_from,
         "UNIT",
         {"请哪个单位协助", "whom to ask for help"}},
        {"person", 'p', CLI_TEXT, &own.person, "NAME", {"经办人", "who acts for the unit"}},
        {"exercise", 'x', CLI_FLAG, &cli->exercise, NULL, {"演练", "an exercise"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        line,
        {"以本单位身份答复任务（任务号形如 事件/职责）。退出码 4：被拒收。",
         "Answers orders (INCIDENT/DUTY) as the unit that --as names. Exit status 4: refused."},
        options,
        "  liandong duty acknowledge --as 3303.health --all\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 1000, &count);
    if (status >= 0)
        return status;
    if (count == 0 && !own.all) {
        cli_complain(cli, "缺任务号，或用 --all", "name an order, or use --all");
        return CLI_USAGE;
    }
    struct answers answers = {.cli = cli, .own = &own, .action = action};
    status = send_answers(&answers, argv, count);
    free(answers.events);
    ld_arena_free(&answers.arena);
    return status;
}

static int duty_delivered(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__DELIVERED,
                  "duty delivered [OPTION]… ORDER…");
}

static int duty_acknowledge(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE,
                  "duty acknowledge [OPTION]… ORDER…");
}

static int duty_accept(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__ACCEPT,
                  "duty accept [OPTION]… ORDER…");
}

static int duty_decline(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__DECLINE,
                  "duty decline --reason TEXT [OPTION]… ORDER…");
}

static int duty_progress(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__PROGRESS,
                  "duty progress [OPTION]… ORDER…");
}

static int duty_done(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__DONE,
                  "duty done [OPTION]… ORDER…");
}

static int duty_help(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__ASK_HELP,
                  "duty ask-help --help-from UNIT --reason TEXT [OPTION]… ORDER…");
}

static int duty_problem(struct cli *cli, int argc, char **argv)
{
    return answer(cli, argc, argv, LIANDONG__V1__DUTY_REPLY__ACTION__PROBLEM,
                  "duty problem --reason TEXT [OPTION]… ORDER…");
}

int cmd_duty(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"matrix", duty_matrix, {"各单位与任务对照", "units against orders"}},
        {"list", duty_list, {"列出任务", "list orders"}},
        {"delivered",
         duty_delivered,
         {"已送达本单位系统，无人看过", "has reached the unit's system; nobody has seen it yet"}},
        {"acknowledge", duty_acknowledge, {"确认收到", "seen"}},
        {"accept", duty_accept, {"接受", "accept"}},
        {"decline", duty_decline, {"拒绝，须说明理由", "decline, with a reason"}},
        {"progress", duty_progress, {"报告进行中", "in progress"}},
        {"done", duty_done, {"办结", "done"}},
        {"ask-help", duty_help, {"请求协助", "ask another unit for help"}},
        {"problem", duty_problem, {"反映问题，须说明", "raise a problem, with what it is"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {
        "各单位的任务和答复。不写命令即 matrix。",
        "Orders and answers to them. Without a command: matrix."};
    bool explain = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    if (argc == 1 || (argv[1][0] == '-' && !explain))
        return duty_matrix(cli, argc, argv);
    return cli_dispatch(cli, "duty", SUMMARY, COMMANDS, argc, argv);
}
