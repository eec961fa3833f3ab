/* liandong supply count FILE: a stock-take from a CSV file, all of it or nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keeping.h"
#include "message.h"
#include "supply/count.h"
#include "supply/supply.h"
#include "versions.h"

struct take_options {
    const char *area, *id, *incident, *log;
    bool check;
};

/* As much as may be, and a byte more if there is more. The caller's; NULL after saying why. */
static char *read_whole(const struct cli *cli, const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        cli_complain(cli, "打不开 %s：%s", "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(COUNT_BYTES_MAX + 1);
    if (text == NULL)
        abort();
    *size = fread(text, 1, COUNT_BYTES_MAX + 1, file);
    fclose(file);
    return text;
}

/* ---- the catalogue ---- */

static bool covers(const struct plan *plan, const char *area)
{
    return strncmp(area, plan->area, strlen(plan->area)) == 0;
}

/* A plan in force where the unit is; NULL if there is none. The caller's. */
static struct plan *catalogue(const struct versions *versions, const char *area)
{
    for (size_t i = 0; i < versions->count; i++) {
        size_t count;
        struct plan *plan = NULL;
        struct ld_error error;
        if (!versions_in_force(versions, &versions->all[i]))
            continue;
        struct plan_file *files = version_files(&versions->all[i], &count);
        int code = plan_load(files, count, &plan, NULL, &error);
        free(files);
        if (code == LD_OK && covers(plan, area))
            return plan;
        plan_free(plan);
    }
    return NULL;
}

/* ---- the act ---- */

static int tell_findings(const struct cli *cli, const char *path, const struct count *count)
{
    for (size_t i = 0; i < count->finding_count; i++) {
        const struct count_finding *finding = &count->findings[i];
        fprintf(stderr, "%s:%d: %s\n", path, finding->line, cli_text(cli, finding->text));
    }
    cli_complain(cli, "%zu 处有误，什么也没有记账；改正后再来",
                 "%zu mistakes, nothing was taken; put them right and come again",
                 count->finding_count);
    return CLI_USAGE;
}

static int publish(const struct cli *cli, struct ld_arena *arena, const struct take_options *own,
                   const struct count *count)
{
    Liandong__V1__SupplyAct act;
    struct ld_client *client = NULL;
    struct ld_error error;
    if (bus_open(cli, &client, &error) != LD_OK)
        return cli_fail(cli, &error);
    liandong__v1__supply_act__init(&act);
    act.verb = LIANDONG__V1__SUPPLY_ACT__VERB__STOCK_TAKE;
    act.context = message_context(cli, arena, message_text(own->incident));
    act.id = own->id != NULL ? message_text(own->id) : message_number(cli, arena, bus_now(client));
    act.area = own->area != NULL ? message_text(own->area) : message_area_of(arena, cli->identity);
    act.batches = count->batches;
    act.n_batches = count->batch_count;
    return keeping_say(
        cli, client, ld_arena_format(arena, "need/%s/all/%s", act.area, cli->identity), &act.base);
}

static int run(const struct cli *cli, struct ld_arena *arena, const struct take_options *own,
               const char *path)
{
    struct versions versions = {0};
    struct ld_error error;
    struct count count;
    size_t size;
    char *text = read_whole(cli, path, &size);
    if (text == NULL)
        return CLI_USAGE;
    int status = CLI_OK;
    if (versions_read(cli, own->log, &versions, &error) != LD_OK)
        status = cli_fail(cli, &error);
    if (status == CLI_OK) {
        struct plan *plan = catalogue(&versions, message_area_of(arena, cli->identity));
        count_read(arena, text, size, plan, &count);
        plan_free(plan);
        if (count.finding_count > 0)
            status = tell_findings(cli, path, &count);
        else if (own->check)
            printf(cli_say(cli, "%zu 批，没有错误\n", "%zu batches, no mistakes\n"),
                   count.batch_count);
        else
            status = publish(cli, arena, own, &count);
    }
    versions_free(&versions);
    free(text);
    return status;
}

int supply_count(struct cli *cli, int argc, char **argv)
{
    struct take_options own = {0};
    const struct cli_option options[] = {
        {"area",
         'a',
         CLI_TEXT,
         &own.area,
         "CODE",
         {"区划（默认本单位所在地）", "area (default: the unit's own)"}},
        {"id", 0, CLI_TEXT, &own.id, "ID", {"编号", "the author's own number"}},
        {"incident", 'I', CLI_TEXT, &own.incident, "ID", {"事件", "the incident it is for"}},
        {"check", 'n', CLI_FLAG, &own.check, NULL, {"只检查，不记账", "only check the file"}},
        {"log",
         'L',
         CLI_TEXT,
         &own.log,
         "DIR",
         {"检查时读日志目录而不连总线", "to check: read a log folder instead of the bus"}},
        {"exercise", 'x', CLI_FLAG, &cli->exercise, NULL, {"演练", "an exercise"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "supply count [OPTION]… FILE",
        {"按 CSV 文件盘点：首行为列名 "
         "item,quantity,expires,lot（后两列可无），每行一批。所列物资以\n"
         "文件为准，未列的不变；有一处错误就什么都不记账，每处错误都指出行号。",
         "A stock-take from a CSV file: the first line names the columns "
         "item,quantity,expires,lot\n"
         "(the last two may be left out), then a line for each batch. The items listed are from\n"
         "then on what the file says, others stay. With one mistake nothing is taken; each is "
         "told\n"
         "with its line."},
        options,
        "  liandong supply count stock.csv --as 3303.depot\n"};
    struct ld_arena arena = {0};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status < 0)
        status = run(cli, &arena, &own, argv[0]);
    ld_arena_free(&arena);
    return status;
}
