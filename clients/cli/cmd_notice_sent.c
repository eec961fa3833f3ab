/* liandong notice sent: each delivery of each notice, with every attempt and what became of it. */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "cmd_notice.h"
#include "liandong/v1/notice.pb-c.h"
#include "picture/enum_name.h"
#include "picture/event_json.h"

struct showing {
    const struct cli *cli;
    const char *identifier, *audience;
    struct cli_table *table;
};

static bool is_wanted(const struct showing *showing, const char *identifier, const char *audience)
{
    return (showing->identifier == NULL || strcmp(showing->identifier, identifier) == 0) &&
           (showing->audience == NULL || strcmp(showing->audience, audience) == 0);
}

static void show_row(const struct showing *showing, const struct ld_record *record,
                     const char *identifier, const char *what, const char *about,
                     const char *detail)
{
    const struct cli *cli = showing->cli;
    char time[CLI_TIME_SIZE];
    bool exercise = (record->flags & LD_RECORD_EXERCISE) != 0;
    const char *cells[] = {cli_time(time, record->time_us),
                           exercise ? cli_say(cli, "演练", "exercise") : "",
                           identifier,
                           what,
                           about,
                           detail};
    cli_table_row(showing->table, cells);
}

static void show_json(const ProtobufCMessage *message, const struct ld_record *record)
{
    json_t *json = event_json_message(message);
    json_object_set_new(json, "exercise", json_boolean((record->flags & LD_RECORD_EXERCISE) != 0));
    cli_print_json(json);
}

static void take_delivery(const struct showing *showing, const struct ld_record *record)
{
    Liandong__V1__Delivery *delivery =
        liandong__v1__delivery__unpack(NULL, record->payload_size, record->payload);
    char state[ENUM_WORD_SIZE], why[ENUM_WORD_SIZE], about[300] = "";
    if (delivery == NULL)
        return;
    const Liandong__V1__Contact *contact = delivery->contact;
    if (contact != NULL)
        snprintf(about, sizeof about, "%s, %s, %s", contact->name, contact->channel,
                 contact->address);
    enum_word(state, &liandong__v1__delivery__state__descriptor, (int)delivery->state);
    enum_word(why, &liandong__v1__delivery__why__descriptor, (int)delivery->why);
    if (is_wanted(showing, delivery->identifier, delivery->audience)) {
        if (showing->cli->json)
            show_json(&delivery->base, record);
        else
            show_row(showing, record, contact != NULL ? delivery->id : delivery->identifier, state,
                     *about != '\0' ? about : delivery->by, why);
    }
    liandong__v1__delivery__free_unpacked(delivery, NULL);
}

/* The audience that the topic names: notify/<area>/<slug>/…. */
static const char *audience_in(char text[LD_TOPIC_SIZE_MAX + 1], const struct ld_record *record)
{
    snprintf(text, LD_TOPIC_SIZE_MAX + 1, "%.*s", (int)record->topic_size, record->topic);
    char *rest = text;
    (void)strsep(&rest, "/");
    char *area = strsep(&rest, "/"), *slug = strsep(&rest, "/");
    if (slug == NULL || strcmp(slug, "public") == 0)
        return "public";
    slug[-1] = '.';
    return area;
}

static void take_act(const struct showing *showing, const struct ld_record *record)
{
    Liandong__V1__NoticeAct *act =
        liandong__v1__notice_act__unpack(NULL, record->payload_size, record->payload);
    char word[ENUM_WORD_SIZE], topic[LD_TOPIC_SIZE_MAX + 1], about[300];
    if (act == NULL)
        return;
    enum_word(word, &liandong__v1__notice_act__act__descriptor, (int)act->act);
    snprintf(about, sizeof about, "%s%s%s", act->context != NULL ? act->context->author : "",
             *act->person != '\0' ? ", " : "", act->person);
    if (is_wanted(showing, act->identifier, audience_in(topic, record))) {
        if (showing->cli->json)
            show_json(&act->base, record);
        else
            show_row(showing, record, *act->delivery != '\0' ? act->delivery : act->identifier,
                     word, about, act->detail);
    }
    liandong__v1__notice_act__free_unpacked(act, NULL);
}

static void take(const struct ld_record *record, void *data)
{
    if (record->topic_size > 9 && memcmp(record->topic, "delivery/", 9) == 0)
        take_delivery(data, record);
    else
        take_act(data, record);
}

static int show_all(struct showing *showing, const char *directory)
{
    static const char *const FILTERS[] = {"delivery/>", "notify/>"};
    static const struct cli_column COLUMNS[] = {
        {.name = {"时间", "TIME"}},   {.name = {"", ""}},
        {.name = {"通知", "NOTICE"}}, {.name = {"情况", "WHAT"}},
        {.name = {"谁", "WHO"}},      {.name = {"说明", "DETAIL"}, .wrap = true}};
    struct bus_read read = {.filters = FILTERS, .filter_count = 2, .each = take, .data = showing};
    struct ld_error error;
    if (!showing->cli->json)
        showing->table = cli_table_open(showing->cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    int code = bus_source(showing->cli, directory, &read, &error);
    if (showing->table != NULL)
        cli_table_print(showing->table);
    return code == LD_OK ? CLI_OK : cli_fail(showing->cli, &error);
}

int notice_sent(struct cli *cli, int argc, char **argv)
{
    struct showing showing = {.cli = cli};
    const char *directory = NULL;
    const struct cli_option options[] = {
        {"audience",
         'a',
         CLI_TEXT,
         &showing.audience,
         "UNIT",
         {"单位或 public", "a unit, or public"}},
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "notice sent [OPTION]… [IDENTIFIER]",
        {"列出发送、重发、转呈、失败、送达、签收的记录。",
         "Lists what was sent, repeated, passed on, failed, delivered and acknowledged."},
        options,
        NULL};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 1, &count);
    showing.identifier = status < 0 && count == 1 ? argv[0] : NULL;
    return status >= 0 ? status : show_all(&showing, directory);
}
