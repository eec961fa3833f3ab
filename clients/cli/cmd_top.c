/* liandong top: the router live: how much, how fast, who is behind. */
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "timefmt.h"
#include "top/top.h"
#include "top/watch.h"

static bool sort_named(const char *name, enum top_sort *sort)
{
    static const char *const NAMES[TOP_SORTS] = {"lag", "name", "rate"};
    for (int i = 0; i < TOP_SORTS; i++)
        if (strcmp(name, NAMES[i]) == 0) {
            *sort = (enum top_sort)i;
            return true;
        }
    return false;
}

static void print_table(const struct cli *cli, const struct top_table *from)
{
    struct cli_table *table = cli_table_open(cli, from->columns, from->column_count);
    for (size_t row = 0; row < from->row_count; row++) {
        const char *cells[TOP_COLUMNS_MAX];
        for (size_t column = 0; column < from->column_count; column++)
            cells[column] = from->rows[row].cells[column];
        cli_table_row(table, cells);
    }
    cli_table_print(table);
}

static void print_sample(const struct cli *cli, const struct top_sample *sample)
{
    static struct top_table tables[TOP_TABLES];
    char lines[TOP_HEAD_LINES][TOP_LINE_SIZE];
    if (cli->json) {
        cli_print_json(top_sample_json(sample));
        return;
    }
    top_head(cli, sample, lines);
    for (int line = 0; line < TOP_HEAD_LINES; line++)
        puts(lines[line]);
    top_tables_fill(cli, sample, tables);
    for (int table = 0; table < TOP_TABLES; table++) {
        putchar('\n');
        print_table(cli, &tables[table]);
    }
}

static int take_sample(const struct cli *cli, struct ld_client *client, struct top_sample *sample,
                       const struct top_sample *before, struct ld_error *error)
{
    json_t *status = NULL;
    int code = bus_status(cli, client, &status, error);
    if (code == LD_OK)
        top_sample_read(sample, status, ld_monotonic_us(cli->context), before);
    json_decref(status);
    return code;
}

/* Two answers a second apart: rates need both. */
static int once(const struct cli *cli, enum top_sort sort)
{
    static struct top_sample samples[2];
    struct ld_client *client = NULL;
    struct ld_error error;
    int code = bus_open(cli, &client, &error);
    if (code == LD_OK)
        code = take_sample(cli, client, &samples[0], &samples[1], &error);
    if (code == LD_OK) {
        (void)ld_client_run(client, LD_US_SECOND);
        code = take_sample(cli, client, &samples[1], &samples[0], &error);
    }
    if (code == LD_OK) {
        top_sample_sort(&samples[1], sort);
        print_sample(cli, &samples[1]);
    }
    int status = code == LD_OK ? CLI_OK : cli_fail(cli, &error);
    bus_close(client);
    return status;
}

int cmd_top(struct cli *cli, int argc, char **argv)
{
    static bool just_once;
    static const char *order = "lag";
    static const struct cli_option OPTIONS[] = {
        {"once", '1', CLI_FLAG, &just_once, NULL, {"显示一次就结束", "show it once"}},
        {"sort",
         's',
         CLI_TEXT,
         &order,
         "ORDER",
         {"排序：lag 落后（默认）、name 名称、rate 速率", "order: lag (default), name, rate"}},
        {0}};
    const struct cli_usage usage = {
        "top [OPTION]…",
        {"路由器实时情况：写入和送出的速度、落盘、磁盘，每个消费者落后多少，生产者，队列。\n"
         "键：q 退出，s 排序，p 或空格 暂停。--json 只显示一次。",
         "The router, live: events in and delivered, syncs, disk; how far each consumer is\n"
         "behind; producers; queues. Keys: q quit, s sort, p or space pause. With --json: once."},
        OPTIONS,
        "  liandong top\n  liandong top --once --sort rate\n  liandong top --json | jq "
        ".consumers\n"};
    enum top_sort sort;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    if (!sort_named(order, &sort)) {
        cli_complain(cli, "--sort：应为 lag、name 或 rate", "--sort: expected lag, name or rate");
        return CLI_USAGE;
    }
    if (just_once || cli->json)
        return once(cli, sort);
    if (!cli->terminal) {
        cli_complain(cli, "不是终端；用 --once 或 --json", "not a terminal; use --once or --json");
        return CLI_USAGE;
    }
    return top_watch(cli, sort);
}
