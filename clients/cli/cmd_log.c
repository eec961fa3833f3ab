/* liandong log: the log on disk, without a router: figures, verification, export. */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "cmd_log.h"
#include "picture/event_json.h"
#include "picture/picture.h"

/* ---- stat ---- */

struct family_count {
    uint64_t events, bytes;
};

struct counting {
    struct family_count families[SV_FAMILY_COUNT];
    uint64_t events, exercises;
    int64_t first_us, last_us;
};

static void count_record(const struct ld_record *record, void *data)
{
    struct counting *counting = data;
    struct family_count *family =
        &counting->families[sv_family_of(record->topic, record->topic_size)];
    family->events++;
    family->bytes += record->size;
    counting->events++;
    counting->exercises += (record->flags & LD_RECORD_EXERCISE) != 0;
    if (counting->first_us == 0)
        counting->first_us = record->time_us;
    counting->last_us = record->time_us;
}

static void hex_id(const struct evlog *log, char text[2 * EVLOG_ID_SIZE + 1])
{
    const uint8_t *id = evlog_id(log);
    for (int i = 0; i < EVLOG_ID_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static void print_stat_json(const struct evlog *log, const struct evlog_recovery *recovery,
                            const struct counting *counting)
{
    char id[2 * EVLOG_ID_SIZE + 1], first[EVENT_TIME_SIZE], last[EVENT_TIME_SIZE];
    json_t *families = json_object();
    hex_id(log, id);
    for (int i = 0; i < SV_FAMILY_COUNT; i++)
        if (counting->families[i].events > 0)
            json_object_set_new(families, sv_family_name((enum sv_family)i),
                                json_pack("{s:I,s:I}", "events",
                                          (json_int_t)counting->families[i].events, "bytes",
                                          (json_int_t)counting->families[i].bytes));
    cli_print_json(json_pack(
        "{s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:s,s:s,s:o}", "id", id, "drill", evlog_is_drill(log),
        "segments", (json_int_t)recovery->segments, "first", (json_int_t)recovery->first_sequence,
        "head", (json_int_t)recovery->head, "torn_bytes", (json_int_t)recovery->torn_bytes,
        "events", (json_int_t)counting->events, "exercises", (json_int_t)counting->exercises,
        "first_time", event_time(first, counting->first_us), "last_time",
        event_time(last, counting->last_us), "families", families));
}

static void print_stat(const struct cli *cli, const struct evlog *log,
                       const struct evlog_recovery *recovery, const struct counting *counting)
{
    static const struct cli_column COLUMNS[] = {{.name = {"类别", "FAMILY"}},
                                                {.name = {"事件", "EVENTS"}, .right = true},
                                                {.name = {"字节", "BYTES"}, .right = true}};
    char id[2 * EVLOG_ID_SIZE + 1], first[CLI_TIME_SIZE], last[CLI_TIME_SIZE];
    hex_id(log, id);
    printf(cli_say(cli, "日志 %s%s：%llu 段，第 %llu 至 %llu 号，%s 至 %s，演练 %llu 条\n",
                   "log %s%s: %llu segments, sequences %llu to %llu, %s to %s, %llu exercises\n"),
           id, evlog_is_drill(log) ? cli_say(cli, "（演练）", " (drill)") : "",
           (unsigned long long)recovery->segments, (unsigned long long)recovery->first_sequence,
           (unsigned long long)recovery->head, cli_time(first, counting->first_us),
           cli_time(last, counting->last_us), (unsigned long long)counting->exercises);
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (int i = 0; i < SV_FAMILY_COUNT; i++) {
        char events[24], bytes[24];
        if (counting->families[i].events == 0)
            continue;
        snprintf(events, sizeof events, "%llu", (unsigned long long)counting->families[i].events);
        snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)counting->families[i].bytes);
        const char *cells[] = {sv_family_name((enum sv_family)i), events, bytes};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

static int log_stat(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {"log stat [OPTION]… DIR",
                                    {"日志目录的概况。", "What is in a log folder."},
                                    NULL,
                                    "  liandong log stat run/data/log\n"};
    struct counting counting = {0};
    struct evlog_options options;
    struct evlog_recovery recovery;
    struct evlog *log = NULL;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    evlog_options_init(&options);
    options.read_only = true;
    options.writer_thread = false;
    int code = evlog_open(cli->context, argv[0], &options, &log, &recovery, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    struct bus_read read = {.each = count_record, .data = &counting};
    code = bus_source(cli, argv[0], &read, &error);
    if (code == LD_OK && cli->json)
        print_stat_json(log, &recovery, &counting);
    else if (code == LD_OK)
        print_stat(cli, log, &recovery, &counting);
    evlog_close(log);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

/* ---- verify ---- */

void log_print_finding(const char *segment, uint64_t sequence, const char *text, void *data)
{
    const struct cli *cli = data;
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:I,s:s}", "segment", segment, "sequence",
                                 (json_int_t)sequence, "finding", text));
    else
        printf("%s%s: %llu: %s%s\n", cli_on(cli, CLI_RED), segment, (unsigned long long)sequence,
               text, cli_off(cli));
}

static void print_counts(const struct cli *cli, const struct evlog_verify_counts *counts, bool good)
{
    if (cli->json)
        cli_print_json(json_pack(
            "{s:b,s:I,s:I,s:I,s:I,s:I}", "good", good, "segments", (json_int_t)counts->segments,
            "events", (json_int_t)counts->events, "bytes", (json_int_t)counts->bytes, "torn_bytes",
            (json_int_t)counts->torn_bytes, "findings", (json_int_t)counts->findings));
    else
        printf(cli_say(cli, "%llu 段 %llu 个事件 %llu 字节，发现 %llu 处\n",
                       "%llu segments, %llu events, %llu bytes, %llu findings\n"),
               (unsigned long long)counts->segments, (unsigned long long)counts->events,
               (unsigned long long)counts->bytes, (unsigned long long)counts->findings);
}

static int log_verify(struct cli *cli, int argc, char **argv)
{
    const char *head = NULL, *key = NULL, *archive = NULL;
    const struct cli_option options[] = {
        {"head",
         'H',
         CLI_TEXT,
         &head,
         "FILE",
         {"与 log head 写下的日志头比对", "compare with what log head wrote"}},
        {"archive",
         'a',
         CLI_TEXT,
         &archive,
         "FOLDER",
         {"--head 时：已归档的段所在目录（默认 DIR/archive）",
          "with --head: where archived segments are (default: DIR/archive)"}},
        {"key",
         'k',
         CLI_TEXT,
         &key,
         "FILE",
         {"日志头须由这一公钥的主人签署",
          "the head has to be signed by the owner of this public key"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "log verify [OPTION]… DIR",
        {"逐字节核对日志的全部校验和。加 --head 则证明到该日志头为止一字未改，校验和\n"
         "重算过的改动也能发现。退出码 5：有损坏或有改动。",
         "Checks every checksum of a log. With --head, shows that nothing up to the head was "
         "changed\n"
         "since, not even with new checksums. Exit status 5: it is damaged, or was changed."},
        options,
        "  liandong log verify run/data/log\n"
        "  liandong log verify --head head-2026-11-22.json --key head.key.pub run/data/log\n"};
    struct evlog_verify_counts counts = {0};
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (head != NULL)
        return log_compare_head(cli, argv[0], archive, head, key);
    int code = evlog_verify(cli->context, argv[0], log_print_finding, cli, &counts, &error);
    print_counts(cli, &counts, code == LD_OK);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

/* ---- export ---- */

static void export_record(const struct ld_record *record, void *data)
{
    struct picture *picture = data;
    struct picture_event event;
    picture_apply(picture, record, &event);
    json_t *json =
        event_json(record, event.message, picture_producer_name(picture, record->producer));
    if (event.fault != NULL)
        json_object_set_new(json, "fault", json_string(event.fault));
    cli_print_json(json);
}

static int log_export(struct cli *cli, int argc, char **argv)
{
    int64_t from = 0;
    const struct cli_option options[] = {
        {"from", 'f', CLI_NUMBER, &from, "SEQ", {"从这一序号开始", "from this sequence on"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "log export [OPTION]… DIR [FILTER…]",
        {"把日志写成 JSON 行（标准输出）。", "Writes a log as JSON lines to standard output."},
        options,
        "  liandong log export run/data/log 'grade/>' 'response/>'\n"};
    struct picture picture;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 60, &count);
    if (status >= 0)
        return status;
    picture_init(&picture);
    struct bus_read read = {.filters = (const char *const *)(argv + 1),
                            .filter_count = (size_t)(count - 1),
                            .from = from > 0 ? (uint64_t)from : 0,
                            .each = export_record,
                            .data = &picture};
    int code = bus_source(cli, argv[0], &read, &error);
    picture_free(&picture);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

int cmd_log(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"stat", log_stat, {"概况", "what is in it"}},
        {"verify", log_verify, {"核对全部校验和", "check every checksum"}},
        {"repair", log_repair, {"把损坏之后的部分移开", "set what is damaged aside"}},
        {"export", log_export, {"导出 JSON 行", "as JSON lines"}},
        {"archive", log_archive, {"把早的段压缩移走", "move old segments away, compressed"}},
        {"restore", log_restore, {"恢复已归档的段", "bring them back"}},
        {"hold", log_hold, {"法定保全：不得移走的事件", "events that must not be moved away"}},
        {"head", log_head, {"日志头：涵盖全部字节的一个哈希", "one hash over all of it"}},
        {"key", log_key, {"生成签署日志头的密钥", "make a key to sign heads with"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"磁盘上的日志，不需要路由器。",
                                             "The log on disk; needs no router."};
    return cli_dispatch(cli, "log", SUMMARY, COMMANDS, argc, argv);
}
