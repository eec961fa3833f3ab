/* Levels and their times, answers, orders, clocks, notices: a table each, if anything differs. */
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "timefmt.h"

#define COLUMNS(array) array, sizeof(array) / sizeof(array)[0]
enum { CELL_SIZE = 200 };

static const char *say(const struct whatif_paper *writing, const char *zh, const char *en)
{
    return cli_say(writing->cli, zh, en);
}

static const struct course_item *either(const struct whatif_row *row)
{
    return row->was != NULL ? row->was : row->now;
}

static const char *unit_name(const struct whatif_paper *writing, const char *id)
{
    const struct plan *names = course_names(&writing->whatif->now);
    return names != NULL ? cli_text(writing->cli, plan_unit_name(names, id)) : id;
}

static const char *area_name(const struct whatif_paper *writing, const char *code)
{
    const struct plan *names = course_names(&writing->whatif->now);
    return names != NULL && code[0] != '\0' ? cli_text(writing->cli, plan_area_name(names, code))
                                            : code;
}

static const char *text_of(const struct whatif_paper *writing, const struct course_item *item)
{
    return say(writing, item->zh, item->en);
}

/* ---- levels and their times ---- */

static const struct plan_text MOMENTS[] = {
    [COURSE_CLOSED] = {"结案", "closed"},
    [COURSE_GRADE] = {"分级", "grade"},
    [COURSE_SUGGESTED] = {"建议预警", "warning suggested"},
    [COURSE_ISSUED] = {"发布预警", "warning issued"},
    [COURSE_RESPONSE] = {"响应生效", "response in force"},
    [COURSE_ENDED] = {"响应终止", "response ended"},
};

static const char *moment_cell(char cell[CELL_SIZE], const struct course_item *item)
{
    char time[CLI_TIME_SIZE];
    if (item == NULL)
        return "–";
    snprintf(cell, CELL_SIZE, "%s%s%s", cli_time(time, item->time_us),
             item->section[0] != '\0' ? "  § " : "", item->section);
    return cell;
}

static const char *moved_cell(const struct whatif_paper *writing, char cell[CELL_SIZE],
                              const struct whatif_row *row)
{
    char length[LD_TIME_TEXT_SIZE];
    if (row->was == NULL)
        return say(writing, "只在假设中", "only what if");
    if (row->now == NULL)
        return say(writing, "不再发生", "no longer");
    int64_t later_us = row->now->time_us - row->was->time_us;
    if (later_us == 0)
        return say(writing, "依据不同", "on other grounds");
    ld_duration_format(length, later_us > 0 ? later_us : -later_us);
    snprintf(cell, CELL_SIZE,
             later_us > 0 ? say(writing, "晚 %s", "%s later") : say(writing, "早 %s", "%s earlier"),
             length);
    return cell;
}

static void write_moment(const struct whatif_paper *writing, const struct whatif_row *row)
{
    const struct course_item *item = either(row);
    char was[CELL_SIZE], now[CELL_SIZE], moved[CELL_SIZE];
    const char *cells[] = {item->incident,
                           cli_text(writing->cli, MOMENTS[item->kind]),
                           item->level != PLAN_NONE ? cli_level(writing->cli, item->level) : "",
                           area_name(writing, item->who),
                           moment_cell(was, row->was),
                           moment_cell(now, row->now),
                           moved_cell(writing, moved, row)};
    paper_row(writing->paper, cli_level_style(item->level), cells);
}

static void write_moments(const struct whatif_paper *writing)
{
    static const struct cli_column HEAD[] = {
        {.name = {"事件", "INCIDENT"}},  {.name = {"什么", "WHAT"}},
        {.name = {"级别", "LEVEL"}},     {.name = {"地区", "AREA"}},
        {.name = {"原样", "AS IT WAS"}}, {.name = {"假设", "WHAT IF"}},
        {.name = {"差别", "DIFFERENCE"}}};
    size_t count = 0;
    for (int kind = COURSE_CLOSED; kind <= COURSE_ENDED; kind++)
        count += writing->whatif->rows[kind].count;
    if (count == 0)
        return;
    paper_heading(writing->paper, say(writing, "级别：何时首次达到", "Levels, when first reached"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (int kind = COURSE_GRADE; kind <= COURSE_ENDED + 1; kind++) {
        int shown = kind <= COURSE_ENDED ? kind : COURSE_CLOSED;
        for (size_t i = 0; i < writing->whatif->rows[shown].count; i++)
            write_moment(writing, &writing->whatif->rows[shown].all[i]);
    }
}

/* ---- answers ---- */

struct answers { /* of units to the same end: one row */
    const struct whatif_row *first;
    size_t count;
    UT_hash_handle hh;
    char *key;
};

static const char *answer_cell(const struct whatif_paper *writing, char cell[CELL_SIZE],
                               const struct course_item *item)
{
    if (item == NULL)
        return say(writing, "没有此事件", "not there");
    if (!item->answered)
        return say(writing, "无答复", "no answer");
    if (item->accepted && strcmp(item->code, "accepted") == 0)
        return say(writing, "受理", "taken");
    snprintf(cell, CELL_SIZE, "%s (%s%s%s)",
             item->accepted ? say(writing, "受理", "taken") : say(writing, "拒绝", "refused"),
             item->code, item->section[0] != '\0' ? ", " : "", item->section);
    return cell;
}

/* Why it is refused; where it never is, what was said. */
static const char *reason_of(const struct whatif_paper *writing, const struct whatif_row *row)
{
    if (row->now != NULL && row->now->answered && !row->now->accepted)
        return text_of(writing, row->now);
    if (row->was != NULL && row->was->answered && !row->was->accepted)
        return text_of(writing, row->was);
    return row->now != NULL ? text_of(writing, row->now) : "";
}

static const char *family_word(const struct whatif_paper *writing, enum sv_family family)
{
    static const struct plan_text WORDS[SV_FAMILY_COUNT] = {
        [SV_REPORT] = {"报告", "report"},        [SV_DECISION] = {"决定", "decision"},
        [SV_REPLY] = {"任务回复", "reply"},      [SV_NEED] = {"物资", "supplies"},
        [SV_PLAN] = {"采用预案", "plan"},        [SV_BULLETIN] = {"通报", "bulletin"},
        [SV_CONTACT] = {"联系方式", "contacts"}, [SV_NOTIFY] = {"通知回执", "notice"},
    };
    const char *word = WORDS[family].en != NULL ? cli_text(writing->cli, WORDS[family]) : "?";
    return word;
}

static const char *act_word(const struct whatif_paper *writing, const char *act)
{
    static const char *const ACTS[][2] = {
        {"propose", "提出建议"}, {"assess", "专家评估"},  {"decide", "决定"},
        {"approve", "批准"},     {"file", "报备"},        {"order", "责令启动"},
        {"designate", "认定"},   {"acknowledge", "确认"}, {"accept", "接受"},
        {"decline", "拒绝"},     {"progress", "进展"},    {"done", "办结"},
        {"ask-help", "求助"},    {"initial", "首报"},     {"final", "结案"},
        {"zero", "零报告"},      {"stock-take", "盘点"},  {"request", "申请"}};
    for (size_t i = 0; writing->cli->zh && i < sizeof ACTS / sizeof ACTS[0]; i++)
        if (strcmp(ACTS[i][0], act) == 0)
            return ACTS[i][1];
    return act;
}

static void write_answer(const struct whatif_paper *writing, const struct answers *answers)
{
    const struct course_item *item = either(answers->first);
    char was[CELL_SIZE], now[CELL_SIZE], sequence[24], count[24];
    snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)item->sequence);
    snprintf(count, sizeof count, "%zu", answers->count);
    char *what = keep_format("%s: %s%s%s", family_word(writing, item->family),
                             act_word(writing, item->say_en), item->level != PLAN_NONE ? " " : "",
                             item->level != PLAN_NONE ? plan_level_name(item->level) : "");
    const char *cells[] = {item->sequence != 0 ? sequence : say(writing, "新增", "added"),
                           count,
                           unit_name(writing, item->who),
                           what,
                           answer_cell(writing, was, answers->first->was),
                           answer_cell(writing, now, answers->first->now),
                           reason_of(writing, answers->first)};
    bool lost = answers->first->was != NULL && answers->first->was->accepted &&
                answers->first->now != NULL && !answers->first->now->accepted;
    paper_row(writing->paper, lost ? CLI_RED : CLI_PLAIN, cells);
    free(what);
}

static const char *code_of(const struct course_item *item)
{
    return item != NULL ? item->code : "-";
}

/* Replies are many and alike; everything else stands alone. */
static char *answers_key(const struct whatif_row *row)
{
    const struct course_item *item = either(row);
    return item->family == SV_REPLY
               ? keep_format("%s %s %s", item->say_en, code_of(row->was), code_of(row->now))
               : keep_format("%s", item->key);
}

static void add_answer(struct answers **all, const struct whatif_row *row)
{
    char *key = answers_key(row);
    struct answers *found;
    HASH_FIND_STR(*all, key, found);
    if (found == NULL) {
        found = keep_zeroed(sizeof *found);
        found->key = key;
        found->first = row;
        HASH_ADD_KEYPTR(hh, *all, found->key, strlen(found->key), found);
    } else {
        free(key);
    }
    found->count++;
}

static void write_answers(const struct whatif_paper *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"序号", "SEQUENCE"}, .right = true},
                                             {.name = {"个", "EVENTS"}, .right = true},
                                             {.name = {"谁（首个）", "WHO (FIRST)"}},
                                             {.name = {"什么", "WHAT"}},
                                             {.name = {"原样", "AS IT WAS"}},
                                             {.name = {"假设", "WHAT IF"}},
                                             {.name = {"理由", "REASON"}}};
    const struct whatif_rows *rows = &writing->whatif->rows[COURSE_ANSWER];
    struct answers *all = NULL, *at, *next;
    if (rows->count == 0)
        return;
    for (size_t i = 0; i < rows->count; i++)
        add_answer(&all, &rows->all[i]);
    paper_heading(writing->paper,
                  say(writing, "外来事件得到的答复", "Answers to events from outside"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    HASH_ITER(hh, all, at, next)
    {
        write_answer(writing, at);
        HASH_DEL(all, at);
        free(at->key);
        free(at);
    }
}

/* ---- orders ---- */

static size_t count_in(const struct course_item *item, int index)
{
    return item != NULL ? item->count[index] : 0;
}

struct unit_sum {
    size_t issued[2], late[2]; /* as it was, what if */
    size_t gained, lost;
};

static void add_orders(struct unit_sum *sum, const struct whatif_row *row)
{
    size_t was = count_in(row->was, COURSE_ISSUES), now = count_in(row->now, COURSE_ISSUES);
    sum->gained += now > was ? now - was : 0;
    sum->lost += was > now ? was - now : 0;
}

static void add_course(struct unit_sum *sum, const struct course *course, int side,
                       const struct course_item *owner)
{
    for (const struct course_item *at = course->items; at != NULL; at = at->hh.next) {
        if (at->kind != COURSE_ORDERS || strcmp(at->who, owner->who) != 0 ||
            strcmp(at->incident, owner->incident) != 0)
            continue;
        sum->issued[side] += at->count[COURSE_ISSUES];
        sum->late[side] += at->count[COURSE_LATE];
    }
}

static bool same_owner(const struct whatif_row *a, const struct whatif_row *b)
{
    return strcmp(either(a)->who, either(b)->who) == 0 &&
           strcmp(either(a)->incident, either(b)->incident) == 0;
}

static void write_unit(const struct whatif_paper *writing, const struct course_item *item,
                       const struct unit_sum *sum)
{
    char numbers[6][24];
    snprintf(numbers[0], 24, "%zu", sum->issued[0]);
    snprintf(numbers[1], 24, "%zu", sum->issued[1]);
    snprintf(numbers[2], 24, "+%zu", sum->gained);
    snprintf(numbers[3], 24, "−%zu", sum->lost);
    snprintf(numbers[4], 24, "%zu", sum->late[0]);
    snprintf(numbers[5], 24, "%zu", sum->late[1]);
    const char *cells[] = {item->incident,
                           unit_name(writing, item->who),
                           numbers[0],
                           numbers[1],
                           sum->gained > 0 ? numbers[2] : "",
                           sum->lost > 0 ? numbers[3] : "",
                           numbers[4],
                           numbers[5]};
    paper_row(writing->paper, sum->late[1] > sum->late[0] ? CLI_RED : CLI_PLAIN, cells);
}

/* Rows are in order of incident and unit. */
static void write_units(const struct whatif_paper *writing)
{
    static const struct cli_column HEAD[] = {
        {.name = {"事件", "INCIDENT"}},
        {.name = {"单位", "UNIT"}},
        {.name = {"任务原样", "ORDERS AS IT WAS"}, .right = true},
        {.name = {"假设", "WHAT IF"}, .right = true},
        {.name = {"增加", "GAINED"}, .right = true},
        {.name = {"减少", "LOST"}, .right = true},
        {.name = {"逾期原样", "OVERDUE AS IT WAS"}, .right = true},
        {.name = {"假设", "WHAT IF"}, .right = true}};
    const struct whatif_rows *rows = &writing->whatif->rows[COURSE_ORDERS];
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < rows->count;) {
        const struct course_item *item = either(&rows->all[i]);
        struct unit_sum sum = {0};
        size_t first = i;
        add_course(&sum, &writing->whatif->was, 0, item);
        add_course(&sum, &writing->whatif->now, 1, item);
        for (; i < rows->count && same_owner(&rows->all[first], &rows->all[i]); i++)
            add_orders(&sum, &rows->all[i]);
        write_unit(writing, item, &sum);
    }
}

static void write_orders(const struct whatif_paper *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"单位", "UNIT"}},
                                             {.name = {"增减", "CHANGE"}},
                                             {.name = {"职责", "DUTY"}},
                                             {.name = {"依据", "SECTION"}},
                                             {.name = {"内容", "WHAT"}}};
    const struct whatif_rows *rows = &writing->whatif->rows[COURSE_ORDERS];
    if (rows->count == 0)
        return;
    paper_heading(writing->paper, say(writing, "各单位任务", "Orders of each unit"));
    paper_line(writing->paper, CLI_PLAIN, "%s",
               say(writing, "各单位的回复是当时的回复：另外下达的任务没有人回复，会逾期。",
                   "Replies are those that were given then: orders issued otherwise stay "
                   "unanswered and become overdue."));
    write_units(writing);
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < rows->count; i++) {
        const struct course_item *item = either(&rows->all[i]);
        size_t was = count_in(rows->all[i].was, COURSE_ISSUES);
        size_t now = count_in(rows->all[i].now, COURSE_ISSUES);
        char change[24];
        if (was == now)
            continue; /* overdue more or less often: in the sum of the unit */
        snprintf(change, sizeof change, "%s%zu", now > was ? "+" : "−",
                 now > was ? now - was : was - now);
        const char *cells[] = {unit_name(writing, item->who), change, item->what, item->section,
                               text_of(writing, item)};
        paper_row(writing->paper, CLI_PLAIN, cells);
    }
}

/* ---- clocks and notices ---- */

static const char *clock_cell(const struct whatif_paper *writing, char cell[CELL_SIZE],
                              const struct course_item *item)
{
    if (item == NULL)
        return "–";
    snprintf(cell, CELL_SIZE,
             say(writing, "%zu：按时 %zu，迟 %zu，超时 %zu", "%zu: %zu met, %zu late, %zu missed"),
             item->count[COURSE_RUNNING], item->count[COURSE_MET], item->count[COURSE_MET_LATE],
             item->count[COURSE_MISSED]);
    return cell;
}

static void write_clocks(const struct whatif_paper *writing)
{
    static const struct cli_column HEAD[] = {
        {.name = {"时限", "CLOCK"}},     {.name = {"单位", "UNIT"}},
        {.name = {"原样", "AS IT WAS"}}, {.name = {"假设", "WHAT IF"}},
        {.name = {"依据", "SECTION"}},   {.name = {"内容", "WHAT"}}};
    const struct whatif_rows *rows = &writing->whatif->rows[COURSE_CLOCK];
    if (rows->count == 0)
        return;
    paper_heading(writing->paper, say(writing, "时限", "Clocks"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < rows->count; i++) {
        const struct course_item *item = either(&rows->all[i]);
        char was[CELL_SIZE], now[CELL_SIZE];
        const char *cells[] = {item->what,
                               unit_name(writing, item->who),
                               clock_cell(writing, was, rows->all[i].was),
                               clock_cell(writing, now, rows->all[i].now),
                               item->section,
                               text_of(writing, item)};
        bool worse =
            count_in(rows->all[i].now, COURSE_MISSED) > count_in(rows->all[i].was, COURSE_MISSED);
        paper_row(writing->paper, worse ? CLI_RED : CLI_PLAIN, cells);
    }
}

static const char *notice_cell(char cell[CELL_SIZE], const struct course_item *item)
{
    char time[CLI_TIME_SIZE];
    if (item == NULL)
        return "–";
    snprintf(cell, CELL_SIZE, "%zu, %s", item->count[COURSE_ISSUES], cli_time(time, item->time_us));
    return cell;
}

static void write_notices(const struct whatif_paper *writing)
{
    static const struct cli_column HEAD[] = {
        {.name = {"对象", "TO"}},        {.name = {"种类", "KIND"}},    {.name = {"级别", "LEVEL"}},
        {.name = {"原样", "AS IT WAS"}}, {.name = {"假设", "WHAT IF"}}, {.name = {"内容", "WHAT"}}};
    static const struct plan_text TO[] = {{"各单位", "units"}, {"公众", "the public"}};
    const struct whatif_rows *rows = &writing->whatif->rows[COURSE_NOTICE];
    if (rows->count == 0)
        return;
    paper_heading(writing->paper, say(writing, "通知", "Notices"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < rows->count; i++) {
        const struct course_item *item = either(&rows->all[i]);
        char was[CELL_SIZE], now[CELL_SIZE];
        const char *cells[] = {cli_text(writing->cli, TO[strcmp(item->who, "public") == 0]),
                               item->what,
                               cli_level(writing->cli, item->level),
                               notice_cell(was, rows->all[i].was),
                               notice_cell(now, rows->all[i].now),
                               text_of(writing, item)};
        paper_row(writing->paper, cli_level_style(item->level), cells);
    }
}

void tables_write(const struct whatif_paper *writing)
{
    write_moments(writing);
    write_answers(writing);
    write_orders(writing);
    write_clocks(writing);
    write_notices(writing);
}
