/* liandong log archive and restore: sealed segments moved away, compressed, and brought back. */
#include <string.h>

#include "cmd_log.h"

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
        cli_print_json(json_pack("{s:I,s:I,s:I,s:I,s:s}", "segments", (json_int_t)report->segments,
                                 "segment_bytes", (json_int_t)report->segment_bytes, "packed_bytes",
                                 (json_int_t)report->packed_bytes, "first",
                                 (json_int_t)report->first, "archive", archive));
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

int log_archive(struct cli *cli, int argc, char **argv)
{
    const char *to = "";
    int64_t before_us = INT64_MAX, keep = 0;
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
        {.name = NULL}};
    const struct cli_usage usage = {
        "log archive [OPTION]… DIR",
        {"把最早的已写满的段压缩（zstd）移走：压缩、回读核对、登记，然后才删除原文件。随时中断都\n"
         "不会丢失，可再次执行。路由器须已停止。log restore 恢复。",
         "Moves the oldest full segments away, compressed (zstd): compressed, read back, listed, "
         "and "
         "only\nthen removed. Can be interrupted at any time and done again. Stop the router "
         "first. "
         "log restore\nbrings them back."},
        options,
        "  liandong log archive --keep 16 --to /mnt/tape/log run/data/log\n"};
    struct evlog_archive_report report;
    struct ld_error error;
    char archive[4096];
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    const struct evlog_archive_rule rule = {.keep = keep > 0 ? (uint64_t)keep : 0,
                                            .before_us = before_us};
    archive_of(archive, sizeof archive, argv[0], to);
    int code = evlog_archive(cli->context, argv[0], archive, &rule, &report, &error);
    if (code == LD_OK || report.segments > 0)
        print_report(cli, &report, archive, true);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
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
