/* liandong whatif: a log's events from outside under other rules, beside the run as it was. */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "picture/keep.h"
#include "replay/feed.h"
#include "whatif/whatif.h"

struct asked {
    struct cli_list plans, drops;
    int64_t until;
    const char *add, *world, *html;
};

/* ---- what is changed ---- */

static int read_plan(const struct cli *cli, const char *path, struct whatif_plan *plan,
                     struct ld_error *error)
{
    plan->path = path;
    int code = plan_bundle_read(cli->context, path, &plan->bundle, error);
    return code == LD_OK
               ? plan_load(plan->bundle.files, plan->bundle.count, &plan->plan, NULL, error)
               : code;
}

static int read_plans(const struct cli *cli, const struct asked *asked,
                      struct whatif_changes *changes, struct ld_error *error)
{
    int code = LD_OK;
    changes->plans = keep_zeroed((asked->plans.count + 1) * sizeof *changes->plans);
    while (code == LD_OK && changes->plan_count < asked->plans.count) {
        struct whatif_plan *plan = &changes->plans[changes->plan_count];
        code = read_plan(cli, asked->plans.all[changes->plan_count++], plan, error);
        for (size_t i = 0; code == LD_OK && i + 1 < changes->plan_count; i++)
            if (strcmp(changes->plans[i].plan->id, plan->plan->id) == 0)
                code = ld_fail(error, LD_INVALID, "%s and %s are both plan %s: name one",
                               changes->plans[i].path, plan->path, plan->plan->id);
    }
    return code;
}

/* "12", "12..20", "12.." */
static bool parse_range(const char *text, struct whatif_range *range)
{
    char *end;
    range->from = range->until = strtoull(text, &end, 10);
    if (end == text || text[0] == '-' || range->from == 0)
        return false;
    if (strcmp(end, "..") == 0) {
        range->until = UINT64_MAX;
        return true;
    }
    if (strncmp(end, "..", 2) == 0) {
        const char *second = end + 2;
        range->until = strtoull(second, &end, 10);
        return end != second && *end == '\0' && second[0] != '-' && range->until >= range->from;
    }
    return *end == '\0';
}

static bool has_event(const struct log_inputs *inputs, const struct whatif_range *range)
{
    for (size_t i = 0; i < inputs->count; i++) {
        uint64_t sequence = inputs->all[i].record.sequence;
        if (!inputs->all[i].tick && sequence >= range->from && sequence <= range->until)
            return true;
    }
    return false;
}

static int read_drops(const struct asked *asked, const struct log_inputs *inputs,
                      struct whatif_changes *changes, struct ld_error *error)
{
    struct whatif_range *drops = keep_zeroed((asked->drops.count + 1) * sizeof *drops);
    changes->drops = drops;
    for (size_t i = 0; i < asked->drops.count; i++) {
        const char *text = asked->drops.all[i];
        if (!parse_range(text, &drops[i]))
            return ld_fail(error, LD_INVALID,
                           "--drop: expected a sequence or a range (12, 12..20, 12..), found "
                           "\"%s\"",
                           text);
        if (!has_event(inputs, &drops[i]))
            return ld_fail(error, LD_INVALID,
                           "--drop %s: nothing came from outside there; liandong log export shows "
                           "what did",
                           text);
        changes->drop_count++;
    }
    return LD_OK;
}

static int read_added(const struct cli *cli, const char *path, struct scenario **scenario,
                      struct ld_error *error)
{
    struct ld_buffer findings = {0};
    int code = scenario_read_part(cli->context, path, scenario, &findings, error);
    if (code != LD_OK && findings.size > 0)
        fputs(ld_buffer_string(&findings), stderr);
    ld_buffer_free(&findings);
    return code;
}

static void free_changes(struct whatif_changes *changes)
{
    for (size_t i = 0; i < changes->plan_count; i++) {
        plan_free(changes->plans[i].plan);
        plan_bundle_free(&changes->plans[i].bundle);
    }
    free(changes->plans);
    free((void *)(uintptr_t)changes->drops);
}

/* ---- running and showing ---- */

static int show(const struct cli *cli, const struct whatif *whatif, const char *path)
{
    if (cli->json)
        cli_print_json(whatif_json(whatif));
    if (cli->json && path == NULL)
        return CLI_OK;
    struct paper *paper = whatif_paper(cli, whatif);
    int status = paper_put(cli, paper, path);
    paper_close(paper);
    return status;
}

static int run_both(const struct cli *cli, const struct log_inputs *inputs,
                    struct whatif_changes *changes, const struct asked *asked,
                    const char *directory)
{
    struct whatif whatif = {
        .log = directory, .changes = changes, .add = asked->add, .drops = &asked->drops};
    struct ld_error error;
    course_open(&whatif.was);
    course_open(&whatif.now);
    int code = whatif_run(cli->context, inputs, NULL, &whatif.was, &error);
    if (code == LD_OK)
        code = whatif_run(cli->context, inputs, changes, &whatif.now, &error);
    if (code == LD_OK)
        whatif_compare(&whatif);
    int status = code == LD_OK ? show(cli, &whatif, asked->html) : cli_fail(cli, &error);
    whatif_free(&whatif);
    return status;
}

static int run(const struct cli *cli, const struct asked *asked, enum log_world world,
               const char *directory)
{
    struct log_inputs inputs;
    struct whatif_changes changes = {.until = (uint64_t)asked->until};
    struct scenario *added = NULL;
    struct ld_error error;
    log_inputs_open(&inputs);
    struct bus_read read = {.each = log_inputs_take, .data = &inputs};
    int code = read_plans(cli, asked, &changes, &error);
    if (code == LD_OK && asked->add != NULL)
        code = read_added(cli, asked->add, &added, &error);
    changes.add = added;
    if (code == LD_OK)
        code = bus_source(cli, directory, &read, &error);
    if (code == LD_OK)
        code = log_inputs_end(&inputs, world, &error);
    if (code == LD_OK)
        code = read_drops(asked, &inputs, &changes, &error);
    int status =
        code == LD_OK ? run_both(cli, &inputs, &changes, asked, directory) : cli_fail(cli, &error);
    log_inputs_free(&inputs);
    scenario_free(added);
    free_changes(&changes);
    return status;
}

static const struct plan_text SUMMARY = {
    "换一种规则会怎样：把日志里的外来事件在本进程内推演两遍，一遍照旧，一遍按所改，\n"
    "列出差别：何时何级、预警、响应，哪些决定不再允许，各单位任务的增减，时限，通知。\n"
    "编号与日志中某预案相同的，处处代替它；编号不同的，先于一切采用。全部按演练推演。",
    "What another rule would have done: runs what came into a log from outside twice in this\n"
    "process, once as it was and once as changed, and shows what differs: grades and when,\n"
    "warnings, responses, decisions no longer allowed, orders gained and lost by each unit,\n"
    "clocks, notices. A plan whose id is on the log takes that one's place wherever it was\n"
    "adopted; another one is adopted before everything else. All is run as an exercise."};

int cmd_whatif(struct cli *cli, int argc, char **argv)
{
    struct asked asked = {0};
    enum log_world world = LOG_WORLD_ANY;
    const struct cli_option options[] = {
        {"plan",
         'p',
         CLI_LIST,
         &asked.plans,
         "FILE",
         {"换上这个预案（可多次）", "under this plan (repeatable)"}},
        {"until",
         'u',
         CLI_NUMBER,
         &asked.until,
         "SEQ",
         {"此号之后再无外来事件，时间照走",
          "nothing from outside behind this event; time goes on"}},
        {"drop",
         'd',
         CLI_LIST,
         &asked.drops,
         "SEQ",
         {"去掉这个外来事件，或 12..20、12..（可多次）",
          "without this event, or 12..20, or 12.. (repeatable)"}},
        {"add",
         'a',
         CLI_TEXT,
         &asked.add,
         "FILE",
         {"加上情景文件里的各步", "with the steps of this scenario file"}},
        {"world",
         'w',
         CLI_TEXT,
         &asked.world,
         "WORLD",
         {"日志中两者都有时：actual 或 exercise", "of a log that has both: actual or exercise"}},
        {"html",
         'H',
         CLI_TEXT,
         &asked.html,
         "FILE",
         {"写成一个网页文件", "write it as one HTML file"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "whatif [OPTION]… DIR", SUMMARY, options,
        "  liandong whatif run/data/log --plan plans/wenzhou-ari.yaml --html whatif.html\n"
        "  liandong whatif run/data/log --drop 120..140 --add late-report.yaml\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (asked.world != NULL && !feed_world(asked.world, &world)) {
        cli_complain(cli, "--world：应为 actual 或 exercise，现为“%s”",
                     "--world: expected actual or exercise, found \"%s\"", asked.world);
        return CLI_USAGE;
    }
    if (asked.plans.count + asked.drops.count == 0 && asked.until <= 0 && asked.add == NULL) {
        cli_complain(cli, "没有说改什么：用 --plan、--until、--drop 或 --add",
                     "nothing is changed: use --plan, --until, --drop or --add");
        return CLI_USAGE;
    }
    return run(cli, &asked, world, argv[0]);
}
