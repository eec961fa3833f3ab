/* The views of supplies: questions to the read model, and tables, a chart of their answers. */
#include "supply/views.h"

#include <stdio.h>
#include <string.h>

#include "liandong/v1/supply.pb-c.h"
#include "picture/enum_name.h"
#include "picture/kinds.h"
#include "timefmt.h"

enum { SHOWN_MAX = 12, CELL_SIZE = 160 };

enum shown {
    TEXT,
    NUMBER,
    TIME,
    DAY,      /* of an expiry: the last on which it may be used */
    DAYS,     /* from now until then */
    KIND,     /* of a movement */
    YUAN,     /* from fen */
    EXERCISE, /* nothing, or that it is one */
    LOAN,     /* a loan, or a requisition */
    BELOW,    /* short, or kept */
    REASON    /* in the language of the screen */
};
struct view {
    const char *name;
    struct plan_text title;
    const char *question;
    struct {
        const char *column;
        struct plan_text name;
        enum shown shown;
    } columns[SHOWN_MAX]; /* up to one without name */
};

#define OF_ITEM "(:item IS NULL OR item = :item)"
#define IS_IT   "(:incident IS NULL OR incident = :incident)"

const struct view VIEW_STOCK = {
    "stock",
    {"库存", "Stock"},
    "SELECT b.exercise, b.item, b.holder, b.quantity, b.lasts_until_us,"
    " (SELECT ifnull(sum(quantity) FILTER (WHERE kind IN ('ALLOCATED', 'REQUISITIONED')), 0)"
    "  - ifnull(sum(quantity) FILTER (WHERE kind = 'RELEASED' OR kind = 'DISPATCHED' AND requester "
    "<> "
    "''), 0)"
    "  FROM supply_movement m WHERE m.exercise = b.exercise AND m.item = b.item"
    "  AND m.\"from\" = b.holder) AS set_aside,"
    " (SELECT min(expires_at_us) FROM supply_batch x WHERE x.exercise = b.exercise"
    "  AND x.item = b.item AND x.holder = b.holder AND expires_at_us > 0) AS expires_at_us"
    " FROM supply_balance b WHERE holder NOT IN ('world', 'donated') AND " OF_ITEM
    " AND (:unit IS NULL OR holder = :unit) ORDER BY exercise, item, holder LIKE '%.%' DESC, "
    "holder",
    {{"item", {"物资", "ITEM"}, TEXT},
     {"holder", {"持有者", "HOLDER"}, TEXT},
     {"exercise", {"", ""}, EXERCISE},
     {"quantity", {"数量", "QUANTITY"}, NUMBER},
     {"set_aside", {"已预留", "SET ASIDE"}, NUMBER},
     {"lasts_until_us", {"可用天数", "DAYS LEFT"}, DAYS},
     {"expires_at_us", {"最早有效期至", "FIRST EXPIRY"}, DAY}}};

const struct view VIEW_BATCHES = {
    "batches",
    {"批次", "Batches"},
    "SELECT * FROM supply_batch WHERE holder NOT IN ('world', 'donated') AND " OF_ITEM
    " AND (:unit IS NULL OR holder = :unit)"
    " ORDER BY exercise, item, holder, expires_at_us = 0, expires_at_us, lot, donation",
    {{"item", {"物资", "ITEM"}, TEXT},
     {"holder", {"持有者", "HOLDER"}, TEXT},
     {"exercise", {"", ""}, EXERCISE},
     {"quantity", {"数量", "QUANTITY"}, NUMBER},
     {"expires_at_us", {"有效期至", "EXPIRY"}, DAY},
     {"lot", {"批号", "LOT"}, TEXT},
     {"donation", {"捐赠", "DONATION"}, TEXT}}};

const struct view VIEW_REQUESTS = {
    "requests",
    {"申请", "Requests"},
    "SELECT *, max(0, asked - cancelled - set_aside - under_way - arrived"
    "  - requisition * lost) AS missing FROM supply_request WHERE " OF_ITEM
    " AND (:unit IS NULL OR requester = :unit)"
    " AND (:incident IS NULL OR EXISTS (SELECT 1 FROM supply_movement m WHERE"
    "  m.exercise = supply_request.exercise AND m.sequence = supply_request.sequence"
    "  AND m.incident = :incident)) ORDER BY exercise, sequence",
    {{"time_us", {"时间", "TIME"}, TIME},
     {"exercise", {"", ""}, EXERCISE},
     {"requester", {"申请单位", "REQUESTER"}, TEXT},
     {"request", {"编号", "REQUEST"}, TEXT},
     {"item", {"物资", "ITEM"}, TEXT},
     {"to", {"送到", "TO"}, TEXT},
     {"asked", {"申请", "ASKED"}, NUMBER},
     {"arrived", {"收到", "ARRIVED"}, NUMBER},
     {"under_way", {"在途", "UNDER WAY"}, NUMBER},
     {"set_aside", {"已预留", "SET ASIDE"}, NUMBER},
     {"missing", {"尚缺", "MISSING"}, NUMBER}}};

const struct view VIEW_MOVEMENTS = {
    "movements",
    {"流水", "Movements"},
    "SELECT * FROM supply_movement WHERE " OF_ITEM " AND " IS_IT
    " AND (:unit IS NULL OR :unit IN (\"from\", \"to\", requester, sender, receiver))"
    " ORDER BY sequence, exercise",
    {{"time_us", {"时间", "TIME"}, TIME},
     {"exercise", {"", ""}, EXERCISE},
     {"item", {"物资", "ITEM"}, TEXT},
     {"kind", {"类型", "KIND"}, KIND},
     {"quantity", {"数量", "QUANTITY"}, NUMBER},
     {"from", {"从", "FROM"}, TEXT},
     {"to", {"到", "TO"}, TEXT},
     {"request", {"申请", "REQUEST"}, TEXT},
     {"reason", {"说明", "REASON"}, REASON}}};

const struct view VIEW_OWED = {
    "owed",
    {"借用与征用补偿", "Loans, and compensation for requisitions"},
    "SELECT *, owed - given_back - compensated AS outstanding FROM supply_debt WHERE " OF_ITEM
    " AND (:unit IS NULL OR :unit IN (creditor, debtor)) ORDER BY exercise, sequence",
    {{"time_us", {"时间", "TIME"}, TIME},
     {"exercise", {"", ""}, EXERCISE},
     {"loan", {"类型", "KIND"}, LOAN},
     {"id", {"编号", "ID"}, TEXT},
     {"item", {"物资", "ITEM"}, TEXT},
     {"creditor", {"应还给", "OWED TO"}, TEXT},
     {"debtor", {"由谁还", "OWED BY"}, TEXT},
     {"owed", {"应还", "OWED"}, NUMBER},
     {"given_back", {"已还", "GIVEN BACK"}, NUMBER},
     {"compensated", {"已补偿", "COMPENSATED"}, NUMBER},
     {"amount_fen", {"金额（元）", "CNY"}, YUAN},
     {"outstanding", {"未了", "OUTSTANDING"}, NUMBER}}};

const struct view VIEW_DONATIONS = {
    "donations",
    {"捐赠", "Donations"},
    "SELECT * FROM supply_donation WHERE " OF_ITEM " AND " IS_IT
    " AND (:unit IS NULL OR receiver = :unit) ORDER BY exercise, sequence",
    {{"time_us", {"时间", "TIME"}, TIME},
     {"exercise", {"", ""}, EXERCISE},
     {"donor", {"捐赠者", "DONOR"}, TEXT},
     {"item", {"物资", "ITEM"}, TEXT},
     {"receiver", {"接收单位", "RECEIVER"}, TEXT},
     {"given", {"数量", "GIVEN"}, NUMBER},
     {"used", {"已用", "USED"}, NUMBER},
     {"held", {"现存", "HELD"}, NUMBER},
     {"expired", {"过期", "EXPIRED"}, NUMBER},
     {"lost", {"损失", "LOST"}, NUMBER}}};

const struct view VIEW_RESERVES = {
    "reserves",
    {"常备储备", "Standing reserves"},
    "SELECT r.*, CASE WHEN kinds_percent > 0 THEN kinds_held || '/' || kinds ELSE '' END AS held,"
    " ifnull((SELECT group_concat(item, ', ') FROM supply_lacking l WHERE l.exercise = r.exercise"
    "  AND l.holder = r.holder AND l.rule = r.rule AND" OF_ITEM "), '') AS lacking,"
    " (SELECT group_concat(value, ', ') FROM json_each(act)) AS who FROM supply_reserve r"
    " WHERE (:unit IS NULL OR r.holder = :unit)"
    " AND (:item IS NULL OR EXISTS (SELECT 1 FROM supply_lacking l WHERE l.exercise = r.exercise"
    "  AND l.holder = r.holder AND l.rule = r.rule AND l.item = :item))"
    " ORDER BY exercise, below DESC, r.holder, r.rule",
    {{"holder", {"持有者", "HOLDER"}, TEXT},
     {"exercise", {"", ""}, EXERCISE},
     {"category", {"类别", "CATEGORY"}, TEXT},
     {"below", {"状态", "STATE"}, BELOW},
     {"held", {"种类", "KINDS"}, TEXT},
     {"days", {"应备天数", "DAYS"}, NUMBER},
     {"lacking", {"不足", "LACKING"}, TEXT},
     {"who", {"由谁补充", "WHO ACTS"}, TEXT},
     {"section", {"依据", "SECTION"}, TEXT}}};

const char *view_name(const struct view *view)
{
    return view->name;
}

json_t *view_ask(const struct view *view, struct model *model, const struct model_filter *filter,
                 struct ld_error *error)
{
    return model_ask(model, view->question, filter, error);
}

/* ---- cells ---- */

static const char *days_cell(char cell[CELL_SIZE], const json_t *row, const char *name,
                             int64_t now_us)
{
    int64_t until_us = model_number(row, name), left_us = until_us - now_us;
    if (until_us == 0) {
        return "";
    }
    snprintf(cell, CELL_SIZE, "%lld", (long long)(left_us > 0 ? left_us / LD_US_DAY : 0));
    return cell;
}

static const char *day_cell(char cell[CELL_SIZE], const json_t *row, const char *name)
{
    char date[LD_TIME_TEXT_SIZE];
    int64_t time_us = model_number(row, name);
    if (time_us == 0) {
        return "";
    }
    snprintf(cell, CELL_SIZE, "%s",
             ld_date_format(date, time_us - LD_US_SECOND, LD_CHINA_OFFSET_MINUTES));
    return cell;
}

static const char *number_cell(char cell[CELL_SIZE], int64_t number)
{
    snprintf(cell, CELL_SIZE, "%lld", (long long)number);
    return cell;
}

static const char *yuan_cell(char cell[CELL_SIZE], int64_t fen)
{
    snprintf(cell, CELL_SIZE, "%lld.%02lld", (long long)(fen / 100), (long long)(fen % 100));
    return cell;
}

static const char *cell_of(const struct cli *cli, const json_t *row, const char *name,
                           enum shown shown, int64_t now_us, char cell[CELL_SIZE])
{
    const ProtobufCEnumDescriptor *kinds = &liandong__v1__supply_movement__kind__descriptor;
    switch (shown) {
    case NUMBER:
        return number_cell(cell, model_number(row, name));
    case TIME:
        return cli_time(cell, model_number(row, name));
    case DAY:
        return day_cell(cell, row, name);
    case DAYS:
        return days_cell(cell, row, name, now_us);
    case KIND:
        return cli_text(cli, kind_of_movement(enum_value(kinds, model_text(row, name))));
    case YUAN:
        return yuan_cell(cell, model_number(row, name));
    case EXERCISE:
        return model_number(row, name) != 0 ? cli_say(cli, "演练", "exercise") : "";
    case LOAN:
        return model_number(row, name) != 0 ? cli_say(cli, "借用", "loan")
                                            : cli_say(cli, "征用", "requisition");
    case BELOW:
        return model_number(row, name) != 0 ? cli_say(cli, "不足", "BELOW")
                                            : cli_say(cli, "足", "kept");
    case REASON:
        return model_text(row, cli->zh ? "reason_zh" : "reason_en");
    default:
        return model_text(row, name);
    }
}

static bool is_number(enum shown shown)
{
    return shown == NUMBER || shown == DAYS || shown == YUAN;
}

void view_put(const struct cli *cli, const struct view *view, const json_t *rows, int64_t now_us,
              struct paper *paper)
{
    struct cli_column columns[SHOWN_MAX] = {0};
    size_t count = 0, index;
    json_t *row;
    for (; count < SHOWN_MAX && view->columns[count].column != NULL; count++) {
        columns[count].name = view->columns[count].name;
        columns[count].right = is_number(view->columns[count].shown);
        columns[count].wrap = view->columns[count].shown == REASON;
    }
    if (json_array_size(rows) == 0) {
        return;
    }
    paper_heading(paper, cli_text(cli, view->title));
    paper_table(paper, cli, columns, count);
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        char texts[SHOWN_MAX][CELL_SIZE];
        const char *cells[SHOWN_MAX];
        for (size_t i = 0; i < count; i++) {
            cells[i] = cell_of(cli, row, view->columns[i].column, view->columns[i].shown, now_us,
                               texts[i]);
        }
        paper_row(paper, model_number(row, "below") != 0 ? CLI_RED : CLI_PLAIN, cells);
    }
}

/* ---- the chart ---- */

static enum cli_style style_of(int64_t days)
{
    return days < 10 ? CLI_RED : days < 30 ? CLI_ORANGE : CLI_GREEN;
}

void view_chart(const struct cli *cli, const json_t *stock, int64_t now_us, struct paper *paper)
{
    static const int64_t SHOWN_DAYS = 60;
    size_t index, shown = 0;
    json_t *row;
    json_array_foreach((json_t *)(uintptr_t)stock, index, row)
    {
        char name[CELL_SIZE], label[32], hint[CELL_SIZE + 40];
        int64_t until_us = model_number(row, "lasts_until_us"),
                days = (until_us - now_us) / LD_US_DAY;
        if (until_us <= now_us) {
            continue;
        }
        if (shown++ == 0) {
            paper_heading(paper, cli_say(cli, "现有库存可用到何时", "Until when stock lasts"));
            paper_chart(paper, now_us, now_us + SHOWN_DAYS * LD_US_DAY);
        }
        snprintf(name, sizeof name, "%s %s", model_text(row, "holder"), model_text(row, "item"));
        snprintf(label, sizeof label, cli_say(cli, "%lld天", "%lldd"), (long long)days);
        snprintf(hint, sizeof hint, "%s: %s", name, label);
        paper_chart_row(paper, name);
        int64_t end_us = now_us + SHOWN_DAYS * LD_US_DAY;
        paper_chart_span(paper,
                         &(struct paper_span){.style = style_of(days),
                                              .height = 2,
                                              .label = label,
                                              .hint = hint,
                                              .from_us = now_us,
                                              .until_us = until_us < end_us ? until_us : end_us});
    }
}
