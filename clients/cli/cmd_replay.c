/* liandong replay: does every service's output follow from the log, bit by bit? */
#include "replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "picture/event_json.h"
#include "picture/keep.h"
#include "replay/feed.h"
#include "replay/fields.h"
#include "timefmt.h"

#define FEED_TIMEOUT_US (30 * LD_US_SECOND)

struct verifying {
    const struct cli *cli;
    struct replay *replay;
    int64_t shown, limit;
    bool complete; /* nothing may be pending */
    bool begun;
    int code;
    struct ld_error error;
};

/* A record's message as JSON; the payload in hex when it cannot be decoded. */
static json_t *decoded(const struct ld_record *record, const char *producer)
{
    struct ld_arena arena = {0};
    struct ld_error error;
    ProtobufCMessage *message = NULL;
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    if (sv_family_descriptor(family) != NULL &&
        sv_decode(family, record->payload, record->payload_size, &arena, &message, &error) != LD_OK)
        message = NULL;
    json_t *json = event_json(record, message, producer);
    if (sv_family_descriptor(family) != NULL && message == NULL)
        json_object_set_new(json, "not_decoded", json_string(error.text));
    json_object_del(json, "sequence");
    json_object_del(json, "time");
    ld_arena_free(&arena);
    return json;
}

static json_t *side(const struct ld_record *record, const char *producer)
{
    return record != NULL ? decoded(record, producer) : json_null();
}

static const char *const KIND_NAMES[] = {"different", "missing", "unknown"};
static const struct plan_text KIND_TEXTS[] = {
    {"不同", "different"}, {"缺失", "missing"}, {"多出", "unknown"}};

/* Where the bytes of two payloads part, 8 bytes of each from there in hex. */
static void mark_bytes(json_t *json, const struct ld_record *record, const struct ld_record *other)
{
    char hex[17] = "", key[40];
    size_t at = 0;
    if (record == NULL || other == NULL)
        return;
    while (at < record->payload_size && at < other->payload_size &&
           record->payload[at] == other->payload[at])
        at++;
    if (at == record->payload_size && at == other->payload_size)
        return;
    for (size_t i = 0; i < 8 && at + i < record->payload_size; i++)
        snprintf(hex + 2 * i, 3, "%02x", record->payload[at + i]);
    snprintf(key, sizeof key, "payload_from_byte_%zu", at);
    json_object_set_new(json, key, json_string(hex));
}

static void print_side_by_side(const struct cli *cli, const struct fields *fields)
{
    static const struct cli_column HEAD[] = {{.name = {"", ""}},
                                             {.name = {"字段", "FIELD"}},
                                             {.name = {"日志中", "LOGGED"}, .wrap = true},
                                             {.name = {"重算得", "DERIVED"}, .wrap = true}};
    struct cli_table *table = cli_table_open(cli, HEAD, sizeof HEAD / sizeof HEAD[0]);
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->all[i];
        const char *cells[] = {field->same ? "" : "!", field->path,
                               field->left != NULL ? field->left : "-",
                               field->right != NULL ? field->right : "-"};
        cli_table_row_in(table, field->same ? CLI_PLAIN : CLI_RED, cells);
    }
    cli_table_print(table);
}

static void print_difference_json(const struct replay_difference *difference,
                                  const struct ld_record *record, json_t *logged, json_t *derived,
                                  const struct fields *fields)
{
    cli_print_json(json_pack("{s:s,s:s,s:I,s:I,s:O,s:O,s:o}", "kind", KIND_NAMES[difference->kind],
                             "producer", difference->producer, "sequence",
                             (json_int_t)record->sequence, "from",
                             (json_int_t)(record->producer_sequence >> 16), "logged", logged,
                             "derived", derived, "differing", fields_differing(fields)));
}

static void print_difference(const struct cli *cli, const struct replay_difference *difference,
                             const struct ld_record *record, const struct fields *fields)
{
    char at[40];
    snprintf(at, sizeof at, "%llu", (unsigned long long)record->sequence);
    printf(cli_say(cli, "%s%s%s：%s，第 %s 号（由第 %llu 号引起），%.*s\n",
                   "%s%s%s: %s, sequence %s (from %llu), %.*s\n"),
           cli_on(cli, CLI_BOLD), cli_text(cli, KIND_TEXTS[difference->kind]), cli_off(cli),
           difference->producer, difference->logged != NULL ? at : "-",
           (unsigned long long)(record->producer_sequence >> 16), (int)record->topic_size,
           record->topic);
    print_side_by_side(cli, fields);
}

static void show(const struct replay_difference *difference, void *data)
{
    struct verifying *verifying = data;
    struct fields fields;
    if (verifying->shown++ >= verifying->limit)
        return;
    json_t *logged = side(difference->logged, difference->producer);
    json_t *derived = side(difference->derived, difference->producer);
    mark_bytes(logged, difference->logged, difference->derived);
    mark_bytes(derived, difference->derived, difference->logged);
    fields_compare(&fields, logged, derived);
    const struct ld_record *record =
        difference->logged != NULL ? difference->logged : difference->derived;
    if (verifying->cli->json)
        print_difference_json(difference, record, logged, derived, &fields);
    else
        print_difference(verifying->cli, difference, record, &fields);
    fields_free(&fields);
    json_decref(logged);
    json_decref(derived);
}

static void take(const struct ld_record *record, void *data)
{
    struct verifying *verifying = data;
    if (verifying->code == LD_OK && record->sequence > 1 && !verifying->begun)
        verifying->code =
            ld_fail(&verifying->error, LD_INVALID,
                    "the log begins with event %llu, and what follows depends on those before: "
                    "liandong log restore brings them back",
                    (unsigned long long)record->sequence);
    verifying->begun = true;
    if (verifying->code == LD_OK)
        verifying->code = replay_take(verifying->replay, record, &verifying->error);
}

static void print_counts(const struct cli *cli, const struct replay_counts *counts, int64_t took_us)
{
    bool good = counts->different + counts->missing + counts->unknown == 0;
    if (cli->json) {
        cli_print_json(json_pack(
            "{s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "kind", "verdict", "good", good, "records",
            (json_int_t)counts->records, "inputs", (json_int_t)counts->inputs, "same",
            (json_int_t)counts->same, "different", (json_int_t)counts->different, "missing",
            (json_int_t)counts->missing, "unknown", (json_int_t)counts->unknown, "pending",
            (json_int_t)counts->pending, "took_us", (json_int_t)took_us));
        return;
    }
    printf(cli_say(cli,
                   "%s%s%s：%llu 条记录，其中输入 %llu；派生一致 %llu，不同 %llu，缺失 %llu，"
                   "多出 %llu，待发 %llu（%.2f 秒）\n",
                   "%s%s%s: %llu records, %llu of them inputs; derived: %llu the same, "
                   "%llu different, %llu missing, %llu unknown, %llu pending (%.2f s)\n"),
           cli_on(cli, good ? CLI_GREEN : CLI_RED),
           good ? cli_say(cli, "重算一致", "replayed, all as logged")
                : cli_say(cli, "重算不一致", "NOT as logged"),
           cli_off(cli), (unsigned long long)counts->records, (unsigned long long)counts->inputs,
           (unsigned long long)counts->same, (unsigned long long)counts->different,
           (unsigned long long)counts->missing, (unsigned long long)counts->unknown,
           (unsigned long long)counts->pending, (double)took_us / (double)LD_US_SECOND);
}

static void print_pending(const struct cli *cli, const struct replay *replay)
{
    const char *producer = "";
    const struct ld_record *first = replay_first_pending(replay, &producer);
    if (cli->json)
        return;
    printf(cli_say(cli,
                   "待发的最早一个：%s 由第 %llu 号引起的 %.*s；若各服务当时都已跟上，用 "
                   "--complete 把待发算作缺失\n",
                   "the earliest pending: %s, from %llu, %.*s; if all services had caught up by "
                   "the log's end, --complete counts pending as missing\n"),
           producer, (unsigned long long)(first->producer_sequence >> 16), (int)first->topic_size,
           first->topic);
}

static int verify(struct verifying *verifying, const char *directory)
{
    const struct cli *cli = verifying->cli;
    struct replay_counts counts;
    struct ld_error error;
    struct sv_host *host = sv_host_open();
    int64_t began_us = ld_monotonic_us(cli->context);
    sv_host_add_all(host);
    verifying->replay = replay_open(host, show, verifying);
    struct bus_read read = {.each = take, .data = verifying};
    int code = bus_source(cli, directory, &read, &error);
    if (code == LD_OK && verifying->code != LD_OK)
        code = ld_fail(&error, verifying->code, "%s", verifying->error.text);
    if (code == LD_OK && verifying->complete)
        replay_end(verifying->replay);
    replay_get_counts(verifying->replay, &counts);
    if (code == LD_OK)
        print_counts(cli, &counts, ld_monotonic_us(cli->context) - began_us);
    if (code == LD_OK && counts.pending > 0)
        print_pending(cli, verifying->replay);
    replay_close(verifying->replay);
    sv_host_close(host);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    return counts.different + counts.missing + counts.unknown == 0 ? CLI_OK : CLI_FAILED;
}

/* What feeding needs from the options; CLI_OK or CLI_USAGE. */
static int feed_options(const struct cli *cli, const char *speed, const char *world,
                        struct feed_options *feed)
{
    if (speed != NULL && !feed_speed(speed, feed)) {
        cli_complain(cli, "--speed：应为 original、x60、max 或 step，现为“%s”",
                     "--speed: expected original, x60, max or step, found \"%s\"", speed);
        return CLI_USAGE;
    }
    if (world != NULL && !feed_world(world, &feed->world)) {
        cli_complain(cli, "--world：应为 actual 或 exercise，现为“%s”",
                     "--world: expected actual or exercise, found \"%s\"", world);
        return CLI_USAGE;
    }
    return CLI_OK;
}

static const struct plan_text SUMMARY = {
    "用日志重算各服务的全部输出，与日志逐位比较。日志末尾尚未发布的输出算待发，不算错。\n"
    "加 --to：把日志里的外来事件按原来的次序和时刻送入另一台演练中的路由器，一律为演练；\n"
    "中断后再运行会接着送。退出码：0 一致（全部送入），1 不一致（中途停止），4 被拒，5 日志损坏。",
    "Derives every service's output again from the log and compares it with what was logged,\n"
    "bit by bit. Outputs that were not yet published when the log ended count as pending.\n"
    "With --to: feeds what came into the log from outside to another router, in a drill, in the\n"
    "same order at the same times, all as an exercise; run again, it goes on where it stopped.\n"
    "Exit status: 0 all as logged (all fed), 1 not (stopped), 4 refused, 5 the log is damaged."};

int cmd_replay(struct cli *cli, int argc, char **argv)
{
    struct verifying verifying = {.cli = cli, .limit = 1};
    struct feed_options feed = {0};
    const char *to = NULL, *speed = NULL, *world = NULL;
    const struct cli_option options[] = {
        {"show",
         'n',
         CLI_NUMBER,
         &verifying.limit,
         "N",
         {"最多显示几处不同（默认 1）", "differences to show at most (default: 1)"}},
        {"complete",
         'c',
         CLI_FLAG,
         &verifying.complete,
         NULL,
         {"各服务都已跟上：待发算缺失", "services had caught up: what is pending is missing"}},
        {"to",
         'T',
         CLI_TEXT,
         &to,
         "ENDPOINT",
         {"把外来事件送入这台演练路由器", "feed it to this router, which is in a drill"}},
        {"speed",
         's',
         CLI_TEXT,
         &speed,
         "SPEED",
         {"original 原速、x60 六十倍、max 最快（默认）、step 逐个回车",
          "original, x60, max (the default), or step: Enter for each event"}},
        {"world",
         'w',
         CLI_TEXT,
         &world,
         "WORLD",
         {"日志中两者都有时：actual 或 exercise", "of a log that has both: actual or exercise"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "replay [OPTION]… DIR", SUMMARY, options,
        "  liandong replay run/data/log\n"
        "  liandong replay run/data/log --to ipc://run/drill/bus --speed x60\n"};
    int count;
    cli->timeout_us = FEED_TIMEOUT_US; /* a service that was killed is missed only after 10 s */
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status < 0 && feed_options(cli, speed, world, &feed) != CLI_OK)
        status = CLI_USAGE;
    if (status >= 0)
        return status;
    if (to == NULL)
        return verify(&verifying, argv[0]);
    cli->endpoint = to;
    feed.directory = argv[0];
    return feed_run(cli, &feed);
}
