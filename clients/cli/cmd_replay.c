/* liandong replay: does every service's output follow from the log, bit by bit? */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "picture/event_json.h"
#include "timefmt.h"

struct verifying {
    const struct cli *cli;
    struct replay *replay;
    int64_t shown, limit;
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

/* Pretty JSON split into its lines: side by side, differing lines marked. */
static void print_side_by_side(const struct cli *cli, json_t *logged, json_t *derived)
{
    enum { WIDTH = 60 };
    char *left = json_dumps(logged, JSON_INDENT(1) | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *right = json_dumps(derived, JSON_INDENT(1) | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    const char *a = left != NULL ? left : "", *b = right != NULL ? right : "";
    printf("  %-*s | %s\n", WIDTH, cli_say(cli, "日志中", "logged"),
           cli_say(cli, "重算得", "derived"));
    while (*a != '\0' || *b != '\0') {
        int length_a = (int)strcspn(a, "\n"), length_b = (int)strcspn(b, "\n");
        bool same = length_a == length_b && strncmp(a, b, (size_t)length_a) == 0;
        printf("%s%c %-*.*s %c %.*s%s\n", same ? "" : cli_on(cli, CLI_RED), same ? ' ' : '!', WIDTH,
               length_a, a, same ? '|' : '!', length_b, b, same ? "" : cli_off(cli));
        a += length_a + (a[length_a] == '\n');
        b += length_b + (b[length_b] == '\n');
    }
    free(left);
    free(right);
}

static void show(const struct replay_difference *difference, void *data)
{
    struct verifying *verifying = data;
    const struct cli *cli = verifying->cli;
    if (verifying->shown++ >= verifying->limit)
        return;
    json_t *logged = side(difference->logged, difference->producer);
    json_t *derived = side(difference->derived, difference->producer);
    const struct ld_record *record =
        difference->logged != NULL ? difference->logged : difference->derived;
    if (cli->json) {
        cli_print_json(json_pack("{s:s,s:s,s:I,s:o,s:o}", "kind", KIND_NAMES[difference->kind],
                                 "producer", difference->producer, "sequence",
                                 (json_int_t)record->sequence, "logged", logged, "derived",
                                 derived));
        return;
    }
    printf(cli_say(cli, "%s%s%s：%s，第 %llu 号（由第 %llu 号引起），%.*s\n",
                   "%s%s%s: %s, sequence %llu (from %llu), %.*s\n"),
           cli_on(cli, CLI_BOLD), KIND_NAMES[difference->kind], cli_off(cli), difference->producer,
           (unsigned long long)record->sequence,
           (unsigned long long)(record->producer_sequence >> 16), (int)record->topic_size,
           record->topic);
    print_side_by_side(cli, logged, derived);
    json_decref(logged);
    json_decref(derived);
}

static void take(const struct ld_record *record, void *data)
{
    struct verifying *verifying = data;
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
        code = ld_fail(&error, LD_CORRUPT, "%s", verifying->error.text);
    replay_get_counts(verifying->replay, &counts);
    if (code == LD_OK)
        print_counts(cli, &counts, ld_monotonic_us(cli->context) - began_us);
    replay_close(verifying->replay);
    sv_host_close(host);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    return counts.different + counts.missing + counts.unknown == 0 ? CLI_OK : CLI_FAILED;
}

int cmd_replay(struct cli *cli, int argc, char **argv)
{
    struct verifying verifying = {.cli = cli, .limit = 1};
    const struct cli_option options[] = {
        {"show",
         'n',
         CLI_NUMBER,
         &verifying.limit,
         "N",
         {"最多显示几处不同（默认 1）", "differences to show at most (default: 1)"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "replay [OPTION]… DIR",
        {"用日志重算各服务的全部输出，与日志逐位比较。日志末尾尚未发布的输出算待发，不算错。\n"
         "退出码：0 一致，1 不一致，5 日志损坏。",
         "Derives every service's output again from the log and compares it with what was logged,\n"
         "bit by bit. Outputs that were not yet published when the log ended count as pending.\n"
         "Exit status: 0 all as logged, 1 not, 5 the log is damaged."},
        options,
        "  liandong replay run/data/log\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    return status >= 0 ? status : verify(&verifying, argv[0]);
}
