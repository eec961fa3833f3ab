/*
 * liandong log repair: the way out for the operator of a log that the router refuses.
 *
 * Happy path: every damaged place is named (verify); then what is kept and what is set aside, and
 * which producers have events in it, so that they can be asked for them; with --yes it is done.
 * Failures: the log is in use, there is none, the disk. Nothing is ever deleted.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "bus.h"
#include "cmd_log.h"
#include "picture/picture.h"

struct lost {
    uint64_t producer, kept, last;
};

struct losses {
    struct lost *lost;
    size_t count, capacity;
};

static void note_lost(uint64_t producer, uint64_t kept, uint64_t last, void *data)
{
    struct losses *losses = data;
    if (losses->count == losses->capacity) {
        size_t capacity = losses->capacity > 0 ? 2 * losses->capacity : 64;
        struct lost *grown = realloc(losses->lost, capacity * sizeof *grown);
        if (grown == NULL)
            return; /* the list is shorter, the repair as good */
        losses->lost = grown;
        losses->capacity = capacity;
    }
    losses->lost[losses->count++] = (struct lost){producer, kept, last};
}

/* ---- telling ---- */

static void learn(const struct ld_record *record, void *data)
{
    struct picture_event event;
    picture_apply(data, record, &event);
}

static void print_losses(const struct cli *cli, const char *directory, const struct losses *losses)
{
    struct picture names;
    struct ld_error error;
    picture_init(&names);
    struct bus_read read = {.each = learn, .data = &names};
    int code = bus_source(cli, directory, &read, &error);
    (void)code; /* whom it does not name has a number */
    for (size_t i = 0; i < losses->count; i++) {
        const struct lost *lost = &losses->lost[i];
        const char *known = picture_producer_name(&names, lost->producer);
        char number[32];
        snprintf(number, sizeof number, "%016" PRIx64, lost->producer);
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:I,s:I}", "producer", known ? known : number, "kept",
                                     (json_int_t)lost->kept, "set_aside", (json_int_t)lost->last));
        else
            printf(cli_say(cli, "  %s：保留至其第 %llu 条，移出至其第 %llu 条\n",
                           "  %s: kept up to its %llu, set aside up to its %llu\n"),
                   known ? known : number, (unsigned long long)lost->kept,
                   (unsigned long long)lost->last);
    }
    picture_free(&names);
}

static void print_json(const struct evlog_repair_report *report)
{
    cli_print_json(json_pack("{s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:s,s:s}", "damaged", report->damaged,
                             "repaired", report->folder[0] != 0, "head", (json_int_t)report->head,
                             "sequence", (json_int_t)report->sequence, "last",
                             (json_int_t)report->last, "readable", (json_int_t)report->readable,
                             "segments_moved", (json_int_t)report->segments_moved, "folder",
                             report->folder, "reason", report->reason));
}

static void print_report(const struct cli *cli, const struct evlog_repair_report *report)
{
    bool done = report->folder[0] != 0;
    unsigned long long head = report->head, sequence = report->sequence, last = report->last;
    if (!report->damaged) {
        puts(cli_say(cli, "日志没有需要修复的损坏，未作改动",
                     "there is no damage to repair; nothing was changed"));
        return;
    }
    puts(report->reason);
    printf(done ? cli_say(cli, "日志现止于第 %llu 号。\n", "The log now ends with %llu.\n")
                : cli_say(cli, "修复后日志将止于第 %llu 号。加 --yes 执行。\n",
                          "Repaired, it would end with %llu. Do it with --yes.\n"),
           head);
    if (last >= sequence)
        printf(cli_say(cli, "移出第 %llu 至 %llu 号事件，其中 %llu 个可读。\n",
                       "Set aside: events %llu to %llu, %llu of them readable.\n"),
               sequence, last, (unsigned long long)report->readable);
    if (done)
        printf(cli_say(cli, "移出部分在 %s，未删除任何数据。\n",
                       "What is set aside is in %s; nothing was deleted.\n"),
               report->folder);
}

/* ---- the command ---- */

static int repair(struct cli *cli, const char *directory, bool yes)
{
    struct losses losses = {0};
    struct evlog_repair_report report = {0};
    struct evlog_repair_options options = {
        .look_only = !yes, .producer = note_lost, .data = &losses};
    struct ld_error error;
    int found = LD_OK;
    if (!yes)
        found = evlog_verify(cli->context, directory, log_print_finding, cli, NULL, &error);
    int code = found;
    if (found == LD_OK || found == LD_CORRUPT)
        code = evlog_repair(cli->context, directory, &options, &report,
                            found == LD_OK ? &error : NULL);
    if (code == LD_OK && cli->json)
        print_json(&report);
    else if (code == LD_OK)
        print_report(cli, &report);
    if (code == LD_OK)
        print_losses(cli, directory, &losses);
    free(losses.lost);
    return code == LD_OK && found == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

int log_repair(struct cli *cli, int argc, char **argv)
{
    bool yes = false;
    const struct cli_option options[] = {
        {"yes", 'y', CLI_FLAG, &yes, NULL, {"确实要做", "really do it"}}, {.name = NULL}};
    const struct cli_usage usage = {
        "log repair --yes [OPTION]… DIR",
        {"日志损坏、路由器拒绝启动，而决定不要损坏之后的部分时用：保留完好的开头，其余移入\n"
         "目录 set-aside-<编号>，不删除任何东西，并列出移出的事件属于谁。不加 --yes 只核对、\n"
         "只说明会怎样，退出码 5：有损坏。路由器须已停止。",
         "For a log that the router refuses to open, once it has been decided to go on without "
         "what\n"
         "is behind the damage: keeps the undamaged beginning, moves the rest into a folder\n"
         "set-aside-<number>, deletes nothing, and names the producers that have events in it.\n"
         "Without --yes it only verifies and says what would be done; exit status 5: it is "
         "damaged.\nStop the router first."},
        options,
        "  liandong log repair run/data/log; liandong log repair --yes run/data/log\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    return status >= 0 ? status : repair(cli, argv[0], yes);
}
