/*
 * liandong plan list, plan diff: the versions of plans on a log, and what differs between two of
 * them, on the log or in files.
 */
#include "plan_diff.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "picture/event_json.h"
#include "plan_changes.h"
#include "versions.h"

/* ---- list ---- */

static void list_json(const struct versions *versions, const struct version *version)
{
    char time[EVENT_TIME_SIZE];
    const Liandong__V1__Context *context = version->adoption->context;
    cli_print_json(
        json_pack("{s:s,s:s,s:I,s:s,s:s,s:I,s:b,s:b}", "plan", context != NULL ? context->plan : "",
                  "hash", version->hash, "sequence", (json_int_t)version->sequence, "time",
                  event_time(time, version->time_us), "by", context != NULL ? context->author : "",
                  "adoptions", (json_int_t)version->adoptions, "in_force",
                  versions_in_force(versions, version), "exercise", !version->actual));
}

static void list_text(const struct cli *cli, const struct versions *versions)
{
    static const struct cli_column COLUMNS[] = {{.name = {"预案", "PLAN"}},
                                                {.name = {"版本", "VERSION"}},
                                                {.name = {"采用", "ADOPTED"}},
                                                {.name = {"序号", "EVENT"}, .right = true},
                                                {.name = {"采用者", "BY"}},
                                                {.name = {"次数", "TIMES"}, .right = true},
                                                {.name = {"", ""}},
                                                {.name = {"", ""}}};
    struct cli_table *table = cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    for (size_t i = 0; i < versions->count; i++) {
        const struct version *version = &versions->all[i];
        const Liandong__V1__Context *context = version->adoption->context;
        char time[CLI_TIME_SIZE], event[24], times[24], hash[13];
        snprintf(event, sizeof event, "%llu", (unsigned long long)version->sequence);
        snprintf(times, sizeof times, "%zu", version->adoptions);
        snprintf(hash, sizeof hash, "%.12s", version->hash);
        const char *cells[] = {
            context != NULL ? context->plan : "",
            hash,
            cli_time(time, version->time_us),
            event,
            context != NULL ? context->author : "",
            times,
            versions_in_force(versions, version) ? cli_say(cli, "实施中", "in force") : "",
            version->actual ? "" : cli_say(cli, "演练", "exercise")};
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

int plan_list(struct cli *cli, int argc, char **argv)
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
    const struct cli_usage usage = {"plan list [OPTION]…",
                                    {"日志中的预案版本，按首次采用的先后。",
                                     "The versions of plans on the log, in order of "
                                     "first adoption."},
                                    options,
                                    NULL};
    struct versions versions;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    int code = versions_read(cli, directory, &versions, &error);
    for (size_t i = 0; code == LD_OK && cli->json && i < versions.count; i++)
        list_json(&versions, &versions.all[i]);
    if (code == LD_OK && !cli->json)
        list_text(cli, &versions);
    versions_free(&versions);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

/* ---- two versions ---- */

struct side { /* one of the two */
    const char *name;
    struct plan_bundle bundle; /* of a file */
    struct plan_file *files;   /* of a version on the log: the array is ours */
    size_t count;
    struct plan *plan;
};

static bool is_file(const char *name)
{
    return strchr(name, '/') != NULL || strchr(name, '.') != NULL || access(name, F_OK) == 0;
}

static int read_side(const struct cli *cli, const struct versions *versions, struct side *side,
                     struct ld_error *error)
{
    const struct version *version = NULL;
    int code;
    if (is_file(side->name)) {
        code = plan_bundle_read(cli->context, side->name, &side->bundle, error);
        side->count = side->bundle.count;
    } else {
        code = versions_find(versions, side->name, &version, error);
        if (code == LD_OK)
            side->files = version_files(version, &side->count);
    }
    const struct plan_file *files = side->files != NULL ? side->files : side->bundle.files;
    if (code == LD_OK)
        code = plan_load(files, side->count, &side->plan, NULL, error);
    return code;
}

static void free_side(struct side *side)
{
    plan_free(side->plan);
    plan_bundle_free(&side->bundle);
    free(side->files);
}

static struct plan_version version_of(const struct side *side)
{
    return (struct plan_version){side->files != NULL ? side->files : side->bundle.files,
                                 side->count, side->plan};
}

static int show(const struct cli *cli, const struct side sides[2], struct ld_error *error)
{
    struct plan_version old_version = version_of(&sides[0]), new_version = version_of(&sides[1]);
    struct plan_changes changes;
    int code = plan_changes_make(&old_version, &new_version, &changes, error);
    if (code != LD_OK)
        return code;
    if (cli->json)
        cli_print_json(plan_changes_json(&changes));
    else
        plan_changes_print(cli, &changes);
    plan_changes_free(&changes);
    return LD_OK;
}

static int compare_sides(const struct cli *cli, struct side sides[2], const char *directory,
                         struct ld_error *error)
{
    struct versions versions = {0};
    int code = LD_OK;
    if (!is_file(sides[0].name) || !is_file(sides[1].name))
        code = versions_read(cli, directory, &versions, error);
    for (int i = 0; code == LD_OK && i < 2; i++)
        code = read_side(cli, &versions, &sides[i], error);
    if (code == LD_OK)
        code = show(cli, sides, error);
    free_side(&sides[0]);
    free_side(&sides[1]);
    versions_free(&versions);
    return code;
}

int plan_diff(struct cli *cli, int argc, char **argv)
{
    const char *directory = NULL;
    const struct cli_option options[] = {
        {"log",
         'L',
         CLI_TEXT,
         &directory,
         "DIR",
         {"版本取自日志目录而不连总线", "versions from a log folder instead of the bus"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "plan diff [OPTION]… OLD NEW",
        {"两个版本的差别：标准、时限、程序、工作组、成员单位、职责，各附新旧值；只是文字不同的另列"
         "。\n"
         "OLD、NEW：预案文件，或日志中的版本：哈希开头（至少 8 位）、预案编号（最新版）、编号~1"
         "（前一版）。",
         "What differs between two versions: criteria, clocks, procedure, groups, members, "
         "duties,\n"
         "with the old and the new value; what differs in texts only is listed apart. OLD and NEW\n"
         "are files, or versions on the log: the beginning of a hash (8 digits or more), a plan's\n"
         "id (its newest version), or id~1 (the one before)."},
        options,
        "  liandong plan diff wenzhou-phe plans/wenzhou-phe.yaml\n"
        "  liandong plan diff wenzhou-phe~1 wenzhou-phe --log run/data/log\n"};
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 2, 2, &count);
    if (status >= 0)
        return status;
    struct side sides[2] = {{.name = argv[0]}, {.name = argv[1]}};
    return compare_sides(cli, sides, directory, &error) == LD_OK ? CLI_OK : cli_fail(cli, &error);
}
