/* liandong notice: what was told to whom, and its CAP 1.2 message. */
#include <string.h>

#include "bus.h"
#include "cmd_notice.h"
#include "picture/enum_name.h"
#include "picture/event_json.h"
#include "picture/picture.h"

static const char *kind_of(const struct cli *cli, char word[ENUM_WORD_SIZE], int kind)
{
    static const char *const KINDS_ZH[] = {"?", "首发", "更新", "终止"};
    if (cli->zh && kind >= 0 && kind < (int)(sizeof KINDS_ZH / sizeof *KINDS_ZH))
        return KINDS_ZH[kind];
    return enum_word(word, &liandong__v1__notice__kind__descriptor, kind);
}

static void take(const struct ld_record *record, void *data)
{
    struct picture_event event;
    picture_apply(data, record, &event);
}

static int read_notices(const struct cli *cli, const char *directory, struct picture *picture,
                        struct ld_error *error)
{
    static const char *const FILTERS[] = {"notice/>"};
    struct bus_read read = {.filters = FILTERS, .filter_count = 1, .each = take, .data = picture};
    picture_init(picture);
    return bus_source(cli, directory, &read, error);
}

static void show_notice(const struct cli *cli, struct cli_table *table,
                        const struct picture_incident *incident, const Liandong__V1__Notice *notice)
{
    char word[ENUM_WORD_SIZE], time[CLI_TIME_SIZE];
    if (cli->json) {
        json_t *json = event_json_message(&notice->base);
        json_object_set_new(json, "exercise", json_boolean(incident->exercise));
        cli_print_json(json);
        return;
    }
    const Liandong__V1__Text *headline = notice->headline;
    const char *cells[] = {cli_time(time, notice->sent_at_us),
                           incident->exercise ? cli_say(cli, "演练", "exercise") : "",
                           notice->audience,
                           kind_of(cli, word, (int)notice->kind),
                           cli_level(cli, (int)notice->level),
                           notice->identifier,
                           headline == NULL ? ""
                           : cli->zh        ? headline->zh
                                            : headline->en};
    cli_table_row(table, cells);
}

static int notice_list(struct cli *cli, int argc, char **argv)
{
    static const struct cli_column COLUMNS[] = {{.name = {"时间", "SENT"}},
                                                {.name = {"", ""}},
                                                {.name = {"对象", "AUDIENCE"}},
                                                {.name = {"类型", "KIND"}},
                                                {.name = {"级别", "LEVEL"}},
                                                {.name = {"标识", "IDENTIFIER"}},
                                                {.name = {"标题", "HEADLINE"}, .wrap = true}};
    const char *audience = NULL, *id = NULL, *directory = NULL;
    const struct cli_option options[] = {
        {"audience", 'a', CLI_TEXT, &audience, "UNIT", {"单位或 public", "a unit, or public"}},
        {"incident", 'I', CLI_TEXT, &id, "ID", {"只看这一事件", "of this incident only"}},
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {.name = NULL}};
    const struct cli_usage usage = {"notice list [OPTION]…",
                                    {"列出通知。", "Lists notices."},
                                    options,
                                    "  liandong notice list --audience public\n"};
    struct picture picture;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    int code = read_notices(cli, directory, &picture, &error);
    struct cli_table *table =
        cli->json || code != LD_OK
            ? NULL
            : cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (const struct picture_incident *at = picture.incidents; at != NULL && code == LD_OK;
         at = at->hh.next)
        for (size_t i = 0; i < at->notice_count; i++)
            if ((id == NULL || strcmp(at->id, id) == 0) &&
                (audience == NULL || strcmp(at->notices[i].notice->audience, audience) == 0))
                show_notice(cli, table, at, at->notices[i].notice);
    if (table != NULL)
        cli_table_print(table);
    picture_free(&picture);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

static const Liandong__V1__Notice *find_notice(const struct picture *picture, const char *id)
{
    for (const struct picture_incident *at = picture->incidents; at != NULL; at = at->hh.next)
        for (size_t i = 0; i < at->notice_count; i++)
            if (strcmp(at->notices[i].notice->identifier, id) == 0)
                return at->notices[i].notice;
    return NULL;
}

static int notice_cap(struct cli *cli, int argc, char **argv)
{
    const char *directory = NULL;
    const struct cli_option options[] = {
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "notice cap [OPTION]… IDENTIFIER",
        {"输出一份通知的 CAP 1.2 报文（XML）。", "Shows a notice's CAP 1.2 message (XML)."},
        options,
        NULL};
    struct picture picture;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    int code = read_notices(cli, directory, &picture, &error);
    const Liandong__V1__Notice *notice = code == LD_OK ? find_notice(&picture, argv[0]) : NULL;
    if (code == LD_OK && notice == NULL)
        (void)ld_fail(&error, code = LD_NOTFOUND, "there is no notice \"%s\"", argv[0]);
    if (notice != NULL && cli->json)
        cli_print_json(json_pack("{s:s,s:s}", "identifier", argv[0], "cap", notice->cap));
    else if (notice != NULL)
        puts(notice->cap);
    picture_free(&picture);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

int cmd_notice(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"list", notice_list, {"列出通知", "list notices"}},
        {"cap", notice_cap, {"一份通知的 CAP 报文", "a notice's CAP message"}},
        {"contact", notice_contact, {"登记联系方式", "whom to reach for an audience"}},
        {"sent", notice_sent, {"发送、送达和签收记录", "what became of notices on their way"}},
        {"seen", notice_seen, {"已看到", "the unit has seen one"}},
        {"acknowledge", notice_acknowledge, {"签收", "the unit acknowledges one"}},
        {"repeat", notice_repeat, {"再发一次", "send one once more"}},
        {"correct", notice_correct, {"更正", "take back what was told"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"对各单位和公众的通知。",
                                             "Notices to units and to the public."};
    return cli_dispatch(cli, "notice", SUMMARY, COMMANDS, argc, argv);
}
