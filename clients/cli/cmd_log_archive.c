/* liandong log archive and restore: sealed segments moved away, compressed, and brought back. */
#include <sched.h>
#include <string.h>

#include "bus.h"
#include "cmd_log.h"
#include "common/kept.h"

/* DIR/archive unless another folder is named. */
static const char *archive_of(char *text, size_t size, const char *directory, const char *given)
{
    snprintf(text, size, "%s", given);
    if (*given == '\0')
        snprintf(text, size, "%s/archive", directory);
    return text;
}

static void print_report(const struct cli *cli, const struct evlog_archive_report *report,
                         const char *archive, bool archived)
{
    if (cli->json)
        cli_print_json(json_pack(
            "{s:I,s:I,s:I,s:I,s:s,s:I,s:b}", "segments", (json_int_t)report->segments,
            "segment_bytes", (json_int_t)report->segment_bytes, "packed_bytes",
            (json_int_t)report->packed_bytes, "first", (json_int_t)report->first, "archive",
            archive, "held_by", (json_int_t)report->held_by, "needed", report->needed));
    else
        printf(
            archived
                ? cli_say(cli,
                          "已将 %llu 段（%llu 字节，压缩后 %llu）移入 %s；日志现自第 %llu 号起\n",
                          "moved %llu segments (%llu bytes, %llu compressed) to %s; the log "
                          "now begins with %llu\n")
                : cli_say(
                      cli,
                      "已恢复 %llu 段（%llu 字节，压缩后 %llu），来自 %s；日志现自第 %llu 号起\n",
                      "brought back %llu segments (%llu bytes, %llu compressed) from %s; "
                      "the log now begins with %llu\n"),
            (unsigned long long)report->segments, (unsigned long long)report->segment_bytes,
            (unsigned long long)report->packed_bytes, archive, (unsigned long long)report->first);
}

/* Why there it stopped, if it was not the rule's end. */
static void print_stop(const struct cli *cli, const struct evlog_archive_report *report,
                       const char *directory)
{
    if (cli->json)
        return;
    if (report->held_by > 0)
        printf(cli_say(cli, "保全 %llu 涵盖下一段，留在原处（liandong log hold --list %s）\n",
                       "hold %llu covers the next segment: it stays (liandong log hold --list "
                       "%s)\n"),
               (unsigned long long)report->held_by, directory);
    if (report->needed)
        printf("%s", cli_say(cli, "下一段仍有人需要，留在原处\n",
                             "the next segment is still needed: it stays\n"));
}

/* The earlier of the two rules on age. */
static int64_t earlier(const struct cli *cli, int64_t before_us, int64_t keep_days)
{
    const int64_t day_us = INT64_C(86400) * 1000000;
    int64_t now_us = ld_wall_us(cli->context);
    if (keep_days < 0)
        return before_us;
    int64_t kept_us = keep_days > now_us / day_us ? 0 : now_us - keep_days * day_us;
    return kept_us < before_us ? kept_us : before_us;
}

/* *needed_from, or what the oldest of the services' snapshots in a folder reads on from, if that is
 * before; the folder may be empty text: none. */
static int find_needed(const struct cli *cli, const char *directory, const char *state,
                       uint64_t *needed_from, struct ld_error *error)
{
    struct evlog_options options;
    struct evlog *log;
    uint64_t position;
    if (*state == '\0')
        return LD_OK;
    evlog_options_init(&options);
    options.read_only = true;
    options.writer_thread = false;
    int code = evlog_open(cli->context, directory, &options, &log, NULL, error);
    if (code != LD_OK)
        return code;
    code = kept_oldest(cli->context, state, evlog_id(log), &position, error);
    evlog_close(log);
    if (code != LD_OK)
        return ld_wrap(error, code, "what the services need is not known, nothing is moved");
    if (*needed_from == 0 || position + 1 < *needed_from)
        *needed_from = position + 1;
    return LD_OK;
}

/* ---- beside a running router ---- */

struct beside {
    const struct cli *cli;
    struct ld_client *client;
    const char *archive;
};

static int ask_router(const struct evlog_link *link, void *data, struct ld_error *error)
{
    const struct beside *beside = data;
    return bus_retire(beside->cli, beside->client, link->last, beside->archive, error);
}

/* The router has the log open: it takes away what is archived here. Reading and compressing has the
 * time that nobody else wants. */
static int archive_beside(const struct cli *cli, const char *directory, const char *archive,
                          const struct evlog_archive_rule *rule,
                          struct evlog_archive_report *report, struct ld_error *error)
{
    const struct sched_param none = {0};
    struct beside beside = {.cli = cli, .archive = archive};
    struct evlog_archive_rule asking = *rule;
    int code = bus_open(cli, &beside.client, error);
    if (code != LD_OK)
        return ld_wrap(error, code, "the log is in use, and so its router has to be asked");
    (void)sched_setscheduler(0, SCHED_IDLE, &none);
    asking.retire = ask_router;
    asking.data = &beside;
    code = evlog_archive(cli->context, directory, archive, &asking, report, error);
    bus_close(beside.client);
    return code;
}

/* Archives by this rule, with what the snapshots in state need added to it. */
static int archive_by(const struct cli *cli, const char *directory, const char *to,
                      const char *state, struct evlog_archive_rule *rule)
{
    struct evlog_archive_report report;
    struct ld_error error;
    char archive[4096];
    int code = find_needed(cli, directory, state, &rule->needed_from, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    archive_of(archive, sizeof archive, directory, to);
    code = evlog_archive(cli->context, directory, archive, rule, &report, &error);
    if (code == LD_LOCKED)
        code = archive_beside(cli, directory, archive, rule, &report, &error);
    if (code == LD_OK || report.segments > 0)
        print_report(cli, &report, archive, true);
    print_stop(cli, &report, directory);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

int log_archive(struct cli *cli, int argc, char **argv)
{
    const char *to = "", *state = "";
    int64_t before_us = INT64_MAX, keep = 0, keep_days = -1, needed_from = 0;
    const struct cli_option options[] = {
        {"to",
         't',
         CLI_TEXT,
         &to,
         "FOLDER",
         {"移入的目录（默认 DIR/archive）", "where to (default: DIR/archive)"}},
        {"before",
         'b',
         CLI_TIME,
         &before_us,
         "TIME",
         {"只移走全部事件早于此时的段", "only segments whose events are all before"}},
        {"keep",
         'k',
         CLI_NUMBER,
         &keep,
         "N",
         {"保留最新的 N 个已写满的段", "so many of the newest full segments stay"}},
        {"keep-days",
         'd',
         CLI_NUMBER,
         &keep_days,
         "N",
         {"保留最近 N 天的事件", "the events of so many last days stay"}},
        {"needed-from",
         'n',
         CLI_NUMBER,
         &needed_from,
         "SEQ",
         {"此序号起仍有人需要，不移走", "from this event on they are still needed, and stay"}},
        {"state",
         's',
         CLI_TEXT,
         &state,
         "FOLDER",
         {"服务快照目录：最旧快照之后的事件不移走",
          "services' snapshots: what the oldest reads on from stays"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "log archive [OPTION]… DIR",
        {"把最早的已写满的段压缩（zstd）移走：压缩、回读核对、登记，然后才删除原文件。随时中断都\n"
         "不会丢失，可再次执行。法定保全（log "
         "hold）涵盖的段不移走。路由器运行时由其移除已归档的段\n"
         "（--endpoint）。log restore 恢复。",
         "Moves the oldest full segments away, compressed (zstd): compressed, read back, listed, "
         "and only\n"
         "then removed. Can be interrupted at any time and done again. Beside a running router "
         "that takes\n"
         "them away, and says so on the log (--endpoint). log restore brings them back. Stops at a "
         "segment\n"
         "under legal hold (log hold)."},
        options,
        "  liandong log archive --keep 16 --to /mnt/tape/log run/data/log\n"
        "  liandong log archive --keep-days 90 --state run/data/snapshots run/data/log\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    struct evlog_archive_rule rule = {.keep = keep > 0 ? (uint64_t)keep : 0,
                                      .before_us = earlier(cli, before_us, keep_days),
                                      .needed_from = needed_from > 0 ? (uint64_t)needed_from : 0};
    return archive_by(cli, argv[0], to, state, &rule);
}

int log_restore(struct cli *cli, int argc, char **argv)
{
    const char *from_folder = "";
    int64_t since = 0;
    const struct cli_option options[] = {
        {"from",
         'f',
         CLI_TEXT,
         &from_folder,
         "FOLDER",
         {"从这一目录恢复（默认 DIR/archive）", "where from (default: DIR/archive)"}},
        {"since",
         's',
         CLI_NUMBER,
         &since,
         "SEQ",
         {"只恢复到含这一序号的段为止（默认全部）", "only as far as this sequence (default: all)"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "log restore [OPTION]… DIR",
        {"把已归档的段逐字节恢复到日志目录，核对哈希。归档文件保留。路由器须已停止。",
         "Brings archived segments back, bit for bit, with their hashes checked. The archive keeps "
         "its\nfiles. Stop the router first."},
        options,
        "  liandong log restore --since 120000 --from /mnt/tape/log run/data/log\n"};
    struct evlog_archive_report report;
    struct ld_error error;
    char archive[4096];
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    archive_of(archive, sizeof archive, argv[0], from_folder);
    int code = evlog_unarchive(cli->context, argv[0], archive, since > 0 ? (uint64_t)since : 0,
                               &report, &error);
    if (code == LD_OK || report.segments > 0)
        print_report(cli, &report, archive, false);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}
