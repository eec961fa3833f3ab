/* liandong supply stock, requests, movements, owed, donations, reserves, page: what the read model
 * says of supplies, as a table, JSON or one HTML page. */
#include "supply/supply.h"

#include "bus.h"
#include "supply/views.h"

struct show_options {
    const char *item, *unit, *incident, *db, *log, *html;
    bool batches;
};

static struct model_filter filter_of(const struct show_options *own)
{
    return (struct model_filter){
        .item = own->item, .unit = own->unit, .incident = own->incident, .any_level = true};
}

/* A row for people's programs, what is yes or no as a boolean. */
static json_t *public_row(json_t *row)
{
    static const char *const FLAGS[][2] = {{"exercise", "exercise?"},
                                           {"loan", "loan?"},
                                           {"below", "below?"},
                                           {"entry", "entry?"},
                                           {"requisition", "requisition?"}};
    json_t *named = json_copy(row);
    for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
        json_t *value = json_object_get(row, FLAGS[i][0]);
        if (value != NULL) {
            json_object_del(named, FLAGS[i][0]);
            json_object_set(named, FLAGS[i][1], value);
        }
    }
    json_t *object = model_public(named);
    json_decref(named);
    return object;
}

static json_t *public_rows(const json_t *rows)
{
    json_t *all = json_array(), *row;
    size_t index;
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        json_array_append_new(all, public_row(row));
    }
    return all;
}

/* The views, one after the other; as JSON an object with an array for each. */
static int show_views(const struct cli *cli, struct model_found *found,
                      const struct show_options *own, const struct view *const *views,
                      size_t view_count)
{
    struct model_filter filter = filter_of(own);
    struct paper *paper = paper_open(cli_say(cli, "应急物资", "Emergency supplies"));
    json_t *all = json_object();
    struct ld_error error;
    int status = CLI_OK;
    for (size_t i = 0; i < view_count && status == CLI_OK; i++) {
        json_t *rows = view_ask(views[i], found->model, &filter, &error);
        if (rows == NULL) {
            status = cli_fail(cli, &error);
            break;
        }
        if (views[i] == &VIEW_STOCK && own->html != NULL) {
            view_chart(cli, rows, found->about.time_us, paper);
        }
        view_put(cli, views[i], rows, found->about.time_us, paper);
        if (view_count == 1 && json_array_size(rows) == 0) {
            paper_line(paper, CLI_PLAIN, "%s", cli_say(cli, "无", "none"));
        }
        json_object_set_new(all, view_name(views[i]), public_rows(rows));
        json_decref(rows);
    }
    if (status == CLI_OK && cli->json) {
        cli_print_json(json_incref(all));
    }
    if (status == CLI_OK && (!cli->json || own->html != NULL)) {
        status = paper_put(cli, paper, own->html);
    }
    json_decref(all);
    paper_close(paper);
    return status;
}

static int show(const struct cli *cli, const struct show_options *own,
                const struct view *const *views, size_t view_count)
{
    static const char *const TOPICS[] = {"supply/>", "reserve/>"};
    struct model_source source = {.db = own->db,
                                  .log = own->log,
                                  .topics = TOPICS,
                                  .topic_count = sizeof TOPICS / sizeof TOPICS[0]};
    struct model_found found;
    struct ld_error error;
    int code = model_find(cli, &source, &found, &error);
    int status =
        code == LD_OK ? show_views(cli, &found, own, views, view_count) : cli_fail(cli, &error);
    model_found_free(&found);
    return status;
}

static int show_command(struct cli *cli, int argc, char **argv, const struct cli_usage *about,
                        const struct view *const *views, size_t view_count)
{
    struct show_options own = {0};
    const struct cli_option options[] = {
        {"item", 'I', CLI_TEXT, &own.item, "ITEM", {"只看这种物资", "of this item only"}},
        {"unit", 'u', CLI_TEXT, &own.unit, "UNIT", {"只看这个单位", "of this unit only"}},
        {"incident", 'i', CLI_TEXT, &own.incident, "ID", {"只看这起事件", "of this incident only"}},
        {"log",
         'L',
         CLI_TEXT,
         &own.log,
         "DIR",
         {"读日志目录而不连总线", "read a log folder instead of the bus"}},
        {"db", 0, CLI_TEXT, &own.db, "FILE", {"读这个读模型", "ask this read model"}},
        {"html",
         'H',
         CLI_TEXT,
         &own.html,
         "FILE",
         {"写成一个可打印的网页文件", "write it as one HTML file, to be printed"}},
        {.name = NULL}};
    struct cli_usage usage = *about;
    int count;
    usage.options = options;
    int status = cli_parse(cli, &usage, argc, argv, 0, 0, &count);
    return status >= 0 ? status : show(cli, &own, views, view_count);
}

#define SHOW(function, line_of, zh, en, ...)                                                       \
    int function(struct cli *cli, int argc, char **argv)                                           \
    {                                                                                              \
        static const struct view *const VIEWS[] = {__VA_ARGS__};                                   \
        static const struct cli_usage USAGE = {line_of, {zh, en}, NULL, NULL};                     \
        return show_command(cli, argc, argv, &USAGE, VIEWS, sizeof VIEWS / sizeof VIEWS[0]);       \
    }

SHOW(supply_stock, "supply stock [OPTION]…", "各处现有多少、已预留多少、还够用几天、最早何时过期。",
     "What is where, how much of it is set aside, for how many days it lasts, what expires first.",
     &VIEW_STOCK)
SHOW(supply_batches, "supply batches [OPTION]…", "各处的批次。", "What is where, by batches.",
     &VIEW_BATCHES)
SHOW(supply_requests, "supply requests [OPTION]…", "申请与征用：已收到、在途、已预留、尚缺。",
     "Requests and requisitions: what has arrived, is under way, set aside, missing.",
     &VIEW_REQUESTS)
SHOW(supply_movements, "supply movements [OPTION]…", "物资流水。", "How supplies moved.",
     &VIEW_MOVEMENTS)
SHOW(supply_owed, "supply owed [OPTION]…", "借用，以及征用的补偿账。",
     "Loans, and the account of compensation for what was requisitioned.", &VIEW_OWED)
SHOW(supply_donations, "supply donations [OPTION]…", "捐赠账：谁捐了什么，用到哪里。",
     "The account of donations: who gave what, and what has become of it.", &VIEW_DONATIONS)
SHOW(supply_reserves, "supply reserves [OPTION]…", "常备储备：谁不足、缺什么、由谁补充。",
     "Standing reserves: who is below, what is lacking, who has to act.", &VIEW_RESERVES)
SHOW(supply_page, "supply page [OPTION]…", "以上全部，一页。", "All of these on one page.",
     &VIEW_RESERVES, &VIEW_STOCK, &VIEW_REQUESTS, &VIEW_OWED, &VIEW_DONATIONS, &VIEW_MOVEMENTS)
