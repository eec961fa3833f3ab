/* liandong plan: check a plan, show what is in it, put it in force. */
#include <stdlib.h>
#include <string.h>

#include "liandong/v1/plan.pb-c.h"
#include "message.h"
#include "plan_diff.h"
#include "plan_show.h"
#include "versions.h"

/* ---- check ---- */

static void print_finding(const struct cli *cli, const struct plan_finding *finding)
{
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:i,s:i,s:s}", "file", finding->file, "line", finding->line,
                                 "column", finding->column, "text", finding->text));
    else
        printf("%s%s:%d:%d:%s %s\n", cli_on(cli, CLI_RED), finding->file, finding->line,
               finding->column, cli_off(cli), finding->text);
}

static void print_verdict(const struct cli *cli, const struct plan *plan)
{
    if (cli->json) {
        cli_print_json(json_pack("{s:b,s:s,s:s}", "good", 1, "plan", plan->id, "hash", plan->hash));
        return;
    }
    printf(cli_say(cli,
                   "%s 无误：%zu 条分级标准，%zu 条预警标准，%zu 个成员单位，%zu 项职责，"
                   "%zu 个时限（%.12s）\n",
                   "%s is in order: %zu criteria of grades, %zu of warnings, %zu member units, %zu "
                   "duties, "
                   "%zu clocks (%.12s)\n"),
           plan->id, plan->criterion_count, plan->warning_count, plan->member_count,
           plan->duty_count, plan->clock_count, plan->hash);
}

static int check_file(const struct cli *cli, const char *path)
{
    struct plan_findings findings = {0};
    struct plan_bundle bundle = {0};
    struct plan *plan = NULL;
    struct ld_error error;
    int code = plan_bundle_read(cli->context, path, &bundle, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    code = plan_load(bundle.files, bundle.count, &plan, &findings, &error);
    for (size_t i = 0; i < findings.count; i++)
        print_finding(cli, &findings.all[i]);
    if (findings.more)
        cli_complain(cli, "还有更多", "there are more");
    if (code == LD_OK)
        print_verdict(cli, plan);
    else if (findings.count == 0)
        (void)cli_fail(cli, &error);
    plan_free(plan);
    plan_findings_free(&findings);
    plan_bundle_free(&bundle);
    return code == LD_OK ? CLI_OK : CLI_FAILED;
}

static int plan_check(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {"plan check [OPTION]… FILE…",
                                    {"检查预案文件，错误逐条指出文件、行、原因。退出码 1：有错。",
                                     "Checks plans; each mistake with file, line and reason. Exit "
                                     "status 1: there are mistakes."},
                                    NULL,
                                    "  liandong plan check plans/wenzhou-phe.yaml\n"};
    int count, worst = CLI_OK;
    int status = cli_parse(cli, &usage, argc, argv, 1, 100, &count);
    for (int i = 0; status < 0 && i < count; i++) {
        int one = check_file(cli, argv[i]);
        worst = one > worst ? one : worst;
    }
    return status >= 0 ? status : worst;
}

/* ---- show ---- */

static int plan_show(struct cli *cli, int argc, char **argv)
{
    struct plan_show_options own = {0};
    const struct cli_option options[] = {
        {"units",
         'u',
         CLI_FLAG,
         &own.units,
         NULL,
         {"成员单位，每行一个", "the member units, one a line"}},
        {"criteria",
         'c',
         CLI_FLAG,
         &own.criteria,
         NULL,
         {"分级和预警标准", "the criteria of grades and warnings"}},
        {"duties", 'd', CLI_TEXT, &own.duties_of, "UNIT", {"一个单位的职责", "a unit's duties"}},
        {"procedure",
         'p',
         CLI_FLAG,
         &own.procedure,
         NULL,
         {"各级响应和预警程序：谁做什么", "who does what at which level, for warnings too"}},
        {"clocks",
         'k',
         CLI_FLAG,
         &own.clocks,
         NULL,
         {"时限和终止后的工作", "the time limits, and what is owed after the end"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "plan show [OPTION]… FILE",
        {"显示预案内容；不加选项为概况。", "Shows what is in a plan; an overview by default."},
        options,
        "  liandong plan show plans/wenzhou-phe.yaml --duties 3303.health\n"};
    struct plan_bundle bundle = {0};
    struct plan *plan = NULL;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    int code = plan_bundle_read(cli->context, argv[0], &bundle, &error);
    if (code == LD_OK)
        code = plan_load(bundle.files, bundle.count, &plan, NULL, &error);
    status = code == LD_OK ? plan_show_print(cli, plan, &own) : cli_fail(cli, &error);
    plan_free(plan);
    plan_bundle_free(&bundle);
    return status;
}

/* ---- adopt ---- */

static void fill_files(struct ld_arena *arena, const struct plan_bundle *bundle,
                       Liandong__V1__PlanAdoption *adoption)
{
    adoption->files = ld_arena_alloc(arena, (bundle->count + 1) * sizeof *adoption->files);
    for (size_t i = 0; i < bundle->count; i++) {
        Liandong__V1__PlanAdoption__File *file = ld_arena_alloc(arena, sizeof *file);
        liandong__v1__plan_adoption__file__init(file);
        file->name = message_text(bundle->files[i].name);
        file->content.data = (uint8_t *)message_text(bundle->files[i].content);
        file->content.len = bundle->files[i].size;
        adoption->files[adoption->n_files++] = file;
    }
}

static int adopt(const struct cli *cli, const struct plan *plan, const struct plan_bundle *bundle)
{
    struct ld_arena arena = {0};
    struct ld_client *client = NULL;
    struct ld_error error;
    Liandong__V1__PlanAdoption adoption;
    liandong__v1__plan_adoption__init(&adoption);
    adoption.context = message_context(cli, &arena, "");
    adoption.context->plan = message_text(plan->id);
    adoption.context->plan_hash = message_text(plan->hash);
    fill_files(&arena, bundle, &adoption);
    int status;
    if (bus_open(cli, &client, &error) == LD_OK) {
        struct bus_event event = {.topic = ld_arena_format(&arena, "plan/%s", plan->id),
                                  .message = &adoption.base,
                                  .flags = bus_flags(cli, client)};
        status = bus_publish_and_tell(cli, client, &event, 1);
        bus_close(client);
    } else {
        status = cli_fail(cli, &error);
    }
    ld_arena_free(&arena);
    return status;
}

/* So that a start which adopts its plans does not write them to the log each time. */
static bool is_in_force(const struct cli *cli, const struct plan *plan)
{
    struct versions versions = {0};
    struct ld_error error;
    bool found = false;
    if (cli->exercise || versions_read(cli, NULL, &versions, &error) != LD_OK)
        return false;
    for (size_t i = 0; i < versions.count && !found; i++) {
        const struct version *version = &versions.all[i];
        found = version->actual && strcmp(version->hash, plan->hash) == 0 &&
                versions_in_force(&versions, version);
    }
    versions_free(&versions);
    return found;
}

static int adopt_unless_in_force(const struct cli *cli, const struct plan *plan,
                                 const struct plan_bundle *bundle)
{
    if (!is_in_force(cli, plan))
        return adopt(cli, plan, bundle);
    printf(cli_say(cli, "%s 的这一版本（%.12s）已在施行，日志不变\n",
                   "this version of %s (%.12s) is in force already; the log stays as it is\n"),
           plan->id, plan->hash);
    return 0;
}

static int plan_adopt(struct cli *cli, int argc, char **argv)
{
    const struct cli_option options[] = {
        {"exercise", 'x', CLI_FLAG, &cli->exercise, NULL, {"只在演练中采用", "for exercises only"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "plan adopt [OPTION]… FILE",
        {"检查并采用预案：全文连同词汇写入日志。再次采用同一版本不起变化。",
         "Checks a plan and puts it in force: it is published whole, with its vocabulary. "
         "Adopting\n"
         "the same version again changes nothing."},
        options,
        "  liandong plan adopt plans/wenzhou-phe.yaml --as 3303.gov\n"};
    struct plan_bundle bundle = {0};
    struct plan *plan = NULL;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    int code = plan_bundle_read(cli->context, argv[0], &bundle, &error);
    if (code == LD_OK)
        code = plan_load(bundle.files, bundle.count, &plan, NULL, &error);
    status = code == LD_OK ? adopt_unless_in_force(cli, plan, &bundle) : cli_fail(cli, &error);
    plan_free(plan);
    plan_bundle_free(&bundle);
    return status;
}

int cmd_plan(struct cli *cli, int argc, char **argv)
{
    static const struct cli_command COMMANDS[] = {
        {"check", plan_check, {"检查", "check it"}},
        {"show", plan_show, {"显示内容", "show what is in it"}},
        {"adopt", plan_adopt, {"采用", "put it in force"}},
        {"list", plan_list, {"日志中的版本", "the versions on the log"}},
        {"diff", plan_diff, {"两个版本的差别", "what differs between two versions"}},
        {NULL, NULL, {NULL, NULL}}};
    static const struct plan_text SUMMARY = {"应急预案。", "Emergency plans."};
    return cli_dispatch(cli, "plan", SUMMARY, COMMANDS, argc, argv);
}
