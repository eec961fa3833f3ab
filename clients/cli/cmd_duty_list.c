/* liandong duty, duty list: who must do what, and how far it is. Asked of the read model, or of the
 * bus where there is none; nothing is changed. */
#include <stdlib.h>
#include <string.h>

#include "cmd_duty.h"
#include "liandong/v1/duty.pb-c.h"
#include "matrix.h"
#include "picture/event_json.h"
#include "telling.h"

struct duty_list_options {
    struct order_options orders;
    bool everybody;
    const char *by;
};

int duty_topics(const char *unit, char filter[LD_TOPIC_SIZE_MAX], struct ld_error *error)
{
    const char *dot = unit != NULL ? strchr(unit, '.') : NULL;
    snprintf(filter, LD_TOPIC_SIZE_MAX, "duty/>");
    if (unit == NULL)
        return LD_OK;
    if (dot == NULL)
        return ld_fail(error, LD_INVALID,
                       "expected a unit such as 3303.health, found \"%s\" (--as, --unit)", unit);
    snprintf(filter, LD_TOPIC_SIZE_MAX, "duty/%.*s/%s/>", (int)(dot - unit), unit, dot + 1);
    return LD_OK;
}

/* Finds a read model and the orders in it; the caller's both. */
static int find_orders(const struct cli *cli, const struct order_options *own,
                       const struct model_filter *filter, struct model_found *found, json_t **rows,
                       struct ld_error *error)
{
    char topic[LD_TOPIC_SIZE_MAX];
    const char *topics[] = {topic};
    struct model_source source = {.db = own->db, .topics = topics, .topic_count = 1};
    int code = duty_topics(filter->unit, topic, error);
    if (code == LD_OK)
        code = model_find(cli, &source, found, error);
    if (code != LD_OK)
        return code;
    *rows = orders_ask(found->model, filter, error);
    return *rows != NULL ? LD_OK : error->code;
}

/* ---- list ---- */

static void add_row(const struct cli *cli, struct cli_table *table, const json_t *row)
{
    char word[ENUM_WORD_SIZE], due[CLI_TIME_SIZE], issued[CLI_TIME_SIZE];
    bool seen = model_number(row, "acknowledged_at_us") != 0;
    const char *cells[] = {
        model_text(row, "unit"),
        model_text(row, "order_id"),
        cli_level(cli, (int)model_number(row, "level")),
        order_state(cli, word, orders_state(row)),
        cli_time(issued, model_number(row, "issued_at_us")),
        cli_time(due, model_number(row, seen ? "done_by_us" : "acknowledge_by_us")),
        model_text(row, "working_group"),
        model_text(row, cli->zh ? "text_zh" : "text_en")};
    cli_table_row(table, cells);
}

static void print_list(const struct cli *cli, json_t *rows)
{
    static const struct cli_column COLUMNS[] = {
        {.name = {"单位", "UNIT"}},    {.name = {"任务", "ORDER"}},
        {.name = {"级别", "LEVEL"}},   {.name = {"状态", "STATE"}},
        {.name = {"下达", "ISSUED"}},  {.name = {"期限", "DUE"}},
        {.name = {"工作组", "GROUP"}}, {.name = {"内容", "WHAT"}, .wrap = true}};
    size_t index;
    json_t *row;
    struct cli_table *table =
        cli->json ? NULL : cli_table_open(cli, COLUMNS, sizeof COLUMNS / sizeof COLUMNS[0]);
    json_array_foreach(rows, index, row)
    {
        if (cli->json)
            cli_print_json(orders_public(row));
        else
            add_row(cli, table, row);
    }
    if (table != NULL)
        cli_table_print(table);
}

int duty_list(struct cli *cli, int argc, char **argv)
{
    struct duty_list_options own = {.orders = {.db = NULL}};
    const struct cli_option options[] = {
        ORDER_OPTIONS(&own.orders),
        {"everybody",
         'A',
         CLI_FLAG,
         &own.everybody,
         NULL,
         {"全部单位（默认本单位）", "of all units (default: one's own)"}},
        {.name = NULL}};
    const struct cli_usage usage = {"duty list [OPTION]…",
                                    {"列出任务。", "Lists orders."},
                                    options,
                                    "  liandong duty list --as 3303.health --open\n"
                                    "  liandong duty list --everybody --overdue\n"};
    struct model_found found = {0};
    struct model_filter filter;
    struct ld_error error;
    json_t *rows = NULL;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    if (!orders_filter(cli, &own.orders, &filter))
        return CLI_USAGE;
    if (filter.unit == NULL && !own.everybody)
        filter.unit = cli->identity;
    int code = find_orders(cli, &own.orders, &filter, &found, &rows, &error);
    if (code == LD_OK)
        print_list(cli, rows);
    json_decref(rows);
    model_found_free(&found);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}

/* ---- matrix ---- */

static void print_matrix(const struct cli *cli, const struct matrix_view *view, json_t *rows)
{
    size_t index;
    json_t *incident;
    if (!cli->json) {
        matrix_print(cli, view, rows);
        return;
    }
    json_t *incidents = matrix_orders(rows);
    json_array_foreach(incidents, index, incident) cli_print_json(json_incref(incident));
    json_decref(incidents);
}

static bool parse_by(const struct cli *cli, const char *text, enum matrix_by *by)
{
    *by = text != NULL && strcmp(text, "level") == 0 ? MATRIX_LEVELS : MATRIX_STATES;
    if (text == NULL || *by == MATRIX_LEVELS || strcmp(text, "state") == 0)
        return true;
    cli_complain(cli, "--by 应为 state 或 level，现为“%s”",
                 "expected --by state or --by level, found \"%s\"", text);
    return false;
}

int duty_matrix(struct cli *cli, int argc, char **argv)
{
    struct duty_list_options own = {.orders = {.db = NULL}};
    const struct cli_option options[] = {
        ORDER_OPTIONS(&own.orders),
        {"by",
         'b',
         CLI_TEXT,
         &own.by,
         "state|level",
         {"各列是状态（默认）还是级别", "columns are states (default) or levels"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "duty matrix [OPTION]…",
        {"各单位与任务对照：每行一个单位，各列是状态或级别，格内是职责编号和已持续的时间。",
         "Units against orders: a row for each unit, columns are states or levels; in the cells\n"
         "the duties and for how long they have been so."},
        options,
        "  liandong duty --overdue\n"
        "  liandong duty --incident 3303-cholera-20261011-1 --by level\n"};
    struct model_found found = {0};
    struct model_filter filter;
    struct matrix_view view = {.about = &found.about};
    struct ld_error error;
    json_t *rows = NULL;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    if (status >= 0)
        return status;
    if (!orders_filter(cli, &own.orders, &filter) || !parse_by(cli, own.by, &view.by))
        return CLI_USAGE;
    int code = find_orders(cli, &own.orders, &filter, &found, &rows, &error);
    view.status = found.status;
    if (code == LD_OK)
        print_matrix(cli, &view, rows);
    json_decref(rows);
    model_found_free(&found);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}
