/* liandong tail: follows the log as text or JSON lines. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "picture/event_json.h"
#include "picture/picture.h"
#include "timefmt.h"

struct tail {
    const struct cli *cli;
    struct picture names; /* only for producers' names and decoding */
    int64_t since_us;     /* NO_TIME: not asked for */
    int64_t limit, shown;
    bool quiet_ticks;
};

#define NO_TIME INT64_MIN

static volatile sig_atomic_t interrupted;
static bool stop;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

/* The message in one line, without its context and a plan's files. */
static char *summary(const ProtobufCMessage *message)
{
    if (message == NULL)
        return NULL;
    json_t *json = event_json_message(message);
    json_object_del(json, "context");
    json_object_del(json, "files");
    json_object_del(json, "cap");
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void print_text(const struct tail *tail, const struct ld_record *record,
                       const struct picture_event *event)
{
    const struct cli *cli = tail->cli;
    char time[CLI_TIME_SIZE];
    char *text = summary(event->message);
    printf("%s%s %8llu%s %s%s%.*s%s %s\n", cli_on(cli, CLI_DIM), cli_time(time, record->time_us),
           (unsigned long long)record->sequence, cli_off(cli),
           record->flags & LD_RECORD_EXERCISE ? cli_say(cli, "【演练】", "[exercise] ") : "",
           cli_on(cli, CLI_BOLD), (int)record->topic_size, record->topic, cli_off(cli),
           event->fault != NULL ? event->fault
           : text != NULL       ? text
                                : "");
    free(text);
}

static void show(struct tail *tail, const struct ld_record *record)
{
    struct picture_event event;
    picture_apply(&tail->names, record, &event);
    if (!tail->cli->json) {
        print_text(tail, record, &event);
    } else {
        const char *producer = picture_producer_name(&tail->names, record->producer);
        json_t *json = event_json(record, event.message, producer);
        if (event.fault != NULL)
            json_object_set_new(json, "fault", json_string(event.fault));
        cli_print_json(json);
    }
    if (!tail->cli->terminal)
        fflush(stdout);
}

static void take(const struct ld_record *record, void *data)
{
    struct tail *tail = data;
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    stop = stop || interrupted;
    /* Before since_us: when that is in the future. */
    if (record->time_us < tail->since_us || (tail->quiet_ticks && family == SV_TICK) || stop)
        return;
    show(tail, record);
    tail->shown++;
    stop = tail->limit > 0 && tail->shown >= tail->limit;
}

static bool parse_from(const struct cli *cli, const char *text, uint64_t *from)
{
    char *end;
    if (strcmp(text, "first") == 0) {
        *from = LD_FROM_FIRST;
        return true;
    }
    if (strcmp(text, "now") == 0) {
        *from = LD_FROM_NOW;
        return true;
    }
    *from = strtoull(text, &end, 10);
    if (end != text && *end == '\0' && text[0] != '-')
        return true;
    cli_complain(cli, "--from：应为序号、first 或 now", "--from: expected a number, first or now");
    return false;
}

/* What is both at or after --since and after --from. */
static int begin_at_time(const struct tail *tail, struct ld_client *client, uint64_t *from,
                         struct ld_error *error)
{
    uint64_t sequence;
    int code = bus_find_time(tail->cli, client, tail->since_us, &sequence, error);
    if (code == LD_OK && sequence > *from)
        *from = sequence;
    return code;
}

static int run(struct tail *tail, uint64_t from, bool until_head, char **filters, int filter_count)
{
    struct ld_client *client = NULL;
    struct ld_error error;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct bus_read read = {.filters = (const char *const *)filters,
                            .filter_count = (size_t)filter_count,
                            .from = from,
                            .follow = !until_head,
                            .stop = &stop,
                            .interrupted = &interrupted,
                            .each = take,
                            .data = tail};
    tail->quiet_ticks = filter_count == 0;
    int code = bus_open(tail->cli, &client, &error);
    if (code == LD_OK && tail->since_us != NO_TIME)
        code = begin_at_time(tail, client, &read.from, &error);
    if (code == LD_OK)
        code = bus_read(tail->cli, client, &read, &error);
    bus_close(client);
    return code == LD_OK ? CLI_OK : cli_fail(tail->cli, &error);
}

int cmd_tail(struct cli *cli, int argc, char **argv)
{
    struct tail tail = {.cli = cli, .since_us = NO_TIME};
    const char *from_text = NULL;
    bool until_head = false;
    const struct cli_option options[] = {
        {"from",
         'f',
         CLI_TEXT,
         &from_text,
         "SEQ",
         {"从序号、first 或 now 开始（默认 now）", "from a sequence, first or now (default: now)"}},
        {"since",
         's',
         CLI_TIME,
         &tail.since_us,
         "TIME",
         {"从这一时刻开始", "from the first event at or after this time"}},
        {"until-head",
         'u',
         CLI_FLAG,
         &until_head,
         NULL,
         {"到当前末尾为止", "stop at the head instead of following"}},
        {"count",
         'n',
         CLI_NUMBER,
         &tail.limit,
         "N",
         {"只显示这么多条", "stop after so many events"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "tail [OPTION]… [FILTER…]",
        {"跟随总线上的事件。过滤器按段匹配：* 配一段，末段 > 配其余。不加过滤器时不显示时钟滴答。",
         "Follows the events on the bus. Filters match whole segments: * one, a last > the rest.\n"
         "Without a filter, ticks are left out."},
        options,
        "  liandong tail 'warning/33*/>' 'response/>'\n"
        "  liandong tail --json --from first --until-head > log.jsonl\n"};
    uint64_t from = LD_FROM_NOW;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 60, &count);
    if (status >= 0)
        return status;
    if (tail.since_us != NO_TIME)
        from = LD_FROM_FIRST;
    if (from_text != NULL && !parse_from(cli, from_text, &from))
        return CLI_USAGE;
    picture_init(&tail.names);
    status = run(&tail, from, until_head, argv, count);
    picture_free(&tail.names);
    return status;
}
