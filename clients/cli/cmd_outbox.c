/* liandong outbox: events that wait in a file until the log has them, and those it refused. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "keeping.h"
#include "picture/event_json.h"
#include "picture/picture.h"

/* ---- list ---- */

struct listing {
    const struct cli *cli;
    struct cli_table *table;
    struct picture picture; /* decodes */
    bool refused_only;
};

static void list_json(struct listing *listing, const struct ld_outbox_item *item)
{
    char time[EVENT_TIME_SIZE];
    struct picture_event event;
    json_t *json = json_object();
    if (item->record != NULL) {
        picture_apply(&listing->picture, item->record, &event);
        json_t *shown = event_json(item->record, event.message, NULL);
        json_object_del(shown, "sequence"); /* which it has none of yet */
        json_object_del(shown, "time");
        json_object_set_new(json, "event", shown);
    }
    json_object_set_new(json, "producer_sequence",
                        json_integer((json_int_t)item->producer_sequence));
    json_object_set_new(json, "put", json_string(event_time(time, item->put_us)));
    json_object_set_new(json, "code", json_string(ld_code_name(item->code)));
    json_object_set_new(json, "reason", json_string(item->reason));
    cli_print_json(json);
}

static void list_item(const struct ld_outbox_item *item, void *data)
{
    struct listing *listing = data;
    char sequence[24], time[CLI_TIME_SIZE], topic[LD_TOPIC_SIZE_MAX + 1] = "?";
    if (listing->refused_only && item->code == LD_OK)
        return;
    if (listing->cli->json) {
        list_json(listing, item);
        return;
    }
    snprintf(sequence, sizeof sequence, "%" PRIu64, item->producer_sequence);
    if (item->record != NULL)
        snprintf(topic, sizeof topic, "%.*s", (int)item->record->topic_size, item->record->topic);
    const char *cells[] = {sequence, cli_time(time, item->put_us), topic,
                           item->code == LD_OK ? cli_say(listing->cli, "待发", "waits")
                                               : ld_code_name(item->code),
                           item->reason};
    cli_table_row(listing->table, cells);
}

static void list_head(const struct cli *cli, const struct ld_outbox_state *state)
{
    char time[CLI_TIME_SIZE];
    printf(cli_say(cli, "%s：待发 %llu 条（最早 %s），拒收 %llu 条，共 %llu 字节%s\n",
                   "%s: %llu wait (the oldest since %s), %llu are refused, %llu bytes%s\n"),
           state->producer, (unsigned long long)state->waiting, cli_time(time, state->oldest_us),
           (unsigned long long)state->refused, (unsigned long long)state->bytes,
           state->bound ? "" : cli_say(cli, "；尚未见过路由器", "; it has met no router yet"));
}

static int outbox_list(struct cli *cli, int argc, char **argv)
{
    static const struct cli_column COLUMNS[] = {{.name = {"序号", "SEQUENCE"}, .right = true},
                                                {.name = {"存入", "PUT"}},
                                                {.name = {"主题", "TOPIC"}},
                                                {.name = {"状态", "STATE"}},
                                                {.name = {"原因", "REASON"}, .wrap = true}};
    struct listing listing = {.cli = cli};
    const struct cli_option options[] = {{"refused",
                                          'r',
                                          CLI_FLAG,
                                          &listing.refused_only,
                                          NULL,
                                          {"只列被拒收的", "only those that were refused"}},
                                         {.name = NULL}};
    const struct cli_usage usage = {
        "outbox list [OPTION]… FILE",
        {"发件箱里有什么。程序正在使用该文件时也可以看。",
         "What is in an outbox. A program may be using the file meanwhile."},
        options,
        "  liandong outbox list /var/lib/office/outbox\n"};
    struct ld_outbox_state state;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    int code = ld_outbox_list(argv[0], NULL, NULL, &state, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    if (!cli->json) {
        list_head(cli, &state);
        listing.table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    }
    picture_init(&listing.picture);
    code = ld_outbox_list(argv[0], list_item, &listing, NULL, &error);
    if (!cli->json)
        cli_table_print(listing.table);
    picture_free(&listing.picture);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

/* ---- send ---- */

static int outbox_send(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {
        "outbox send [OPTION]… FILE",
        {"把发件箱里待发的全部发出。--as 为存入时的单位。",
         "Publishes what waits in an outbox; --as names the unit that it belongs to."},
        NULL,
        "  liandong outbox send --as 330302.health /var/lib/office/outbox\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    return status >= 0 ? status : keeping_send(cli, argv[0]);
}

/* ---- retry, drop, rebind ---- */

static bool parse_sequence(const struct cli *cli, const char *text, uint64_t *sequence)
{
    char *end;
    *sequence = strtoull(text, &end, 10);
    if (*sequence != 0 && *end == '\0' && text[0] != '-')
        return true;
    cli_complain(cli, "应为序号（见 outbox list），实为 \"%s\"",
                 "expected a sequence (see outbox list), found \"%s\"", text);
    return false;
}

static int amend(const struct cli *cli, const char *path, enum ld_outbox_amendment what,
                 uint64_t sequence)
{
    struct ld_error error;
    size_t count = 0;
    if (ld_outbox_amend(path, what, sequence, &count, &error) != LD_OK)
        return cli_fail(cli, &error);
    if (cli->json)
        cli_print_json(json_pack("{s:I}", "events", (json_int_t)count));
    else if (what == LD_OUTBOX_REBIND)
        puts(cli_say(cli, "将发往下次遇到的日志", "publishes to the log that it meets next"));
    else if (what == LD_OUTBOX_RETRY)
        printf(cli_say(cli, "%zu 条重新待发\n", "%zu wait again\n"), count);
    else
        printf(cli_say(cli, "已删除 %zu 条\n", "%zu deleted\n"), count);
    return CLI_OK;
}

static int amend_refused(struct cli *cli, int argc, char **argv, const struct cli_usage *usage,
                         const bool *all, enum ld_outbox_amendment what)
{
    uint64_t sequence = 0;
    int count;
    int status = cli_parse(cli, usage, argc, argv, 1, 2, &count);
    if (status >= 0)
        return status;
    if ((count == 2) == *all) {
        cli_complain(cli, "应给出一个序号或 --all", "expected either a sequence or --all");
        return CLI_USAGE;
    }
    if (count == 2 && !parse_sequence(cli, argv[1], &sequence))
        return CLI_USAGE;
    return amend(cli, argv[0], what, sequence);
}

static int outbox_retry(struct cli *cli, int argc, char **argv)
{
    bool all = false;
    const struct cli_option options[] = {
        {"all", 'a', CLI_FLAG, &all, NULL, {"全部被拒收的", "all that were refused"}},
        {.name = NULL}};
    const struct cli_usage usage = {"outbox retry [OPTION]… FILE [SEQUENCE]",
                                    {"被拒收的再发一次，排在其余之后。使用该文件的程序须已停止。",
                                     "Lets a refused event wait again, behind all others. Stop the "
                                     "program that uses the file."},
                                    options,
                                    "  liandong outbox retry --all /var/lib/office/outbox\n"};
    return amend_refused(cli, argc, argv, &usage, &all, LD_OUTBOX_RETRY);
}

static int outbox_drop(struct cli *cli, int argc, char **argv)
{
    bool all = false;
    const struct cli_option options[] = {
        {"all", 'a', CLI_FLAG, &all, NULL, {"全部被拒收的", "all that were refused"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "outbox drop [OPTION]… FILE [SEQUENCE]",
        {"删除被拒收的。要留底，先用 outbox list --refused --json。",
         "Deletes a refused event. To keep a copy: outbox list --refused --json before."},
        options,
        "  liandong outbox drop /var/lib/office/outbox 5123\n"};
    return amend_refused(cli, argc, argv, &usage, &all, LD_OUTBOX_DROP);
}

static int outbox_rebind(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {
        "outbox rebind [OPTION]… FILE",
        {"路由器换了日志、且确实如此时：待发的改发往新日志。",
         "For when the router has another log than before, rightly: what waits goes to that one."},
        NULL,
        "  liandong outbox rebind /var/lib/office/outbox\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    return status >= 0 ? status : amend(cli, argv[0], LD_OUTBOX_REBIND, 0);
}

int cmd_outbox(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"list", outbox_list, {"列出", "what is in it"}},
        {"send", outbox_send, {"发出待发的", "publish what waits"}},
        {"retry", outbox_retry, {"被拒收的再发", "try refused events again"}},
        {"drop", outbox_drop, {"删除被拒收的", "delete refused events"}},
        {"rebind", outbox_rebind, {"改用新日志", "publish to another log"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"发件箱：路由器不在时报告存放的文件。",
                                             "The file in which reports wait for the router."};
    return cli_dispatch(cli, "outbox", SUMMARY, COMMANDS, argc, argv);
}
