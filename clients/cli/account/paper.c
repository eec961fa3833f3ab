/*
 * The account as a paper, section by section: summary, 7-1-7, what happened, what was in force,
 * clocks, orders, notices, supplies. What there was nothing of is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "picture/kinds.h"
#include "account/show.h"
#include "telling.h"
#include "timefmt.h"

#define COLUMNS(array) array, sizeof(array) / sizeof(array)[0]

struct writing {
    const struct cli *cli;
    const struct account *account;
    struct paper *paper;
};

static const char *say(const struct writing *writing, const char *zh, const char *en)
{
    return cli_say(writing->cli, zh, en);
}

static const char *unit_name(const struct writing *writing, const char *id)
{
    return cli_text(writing->cli, plan_unit_name(writing->account->plan, id));
}

static const char *area_name(const struct writing *writing, const char *code)
{
    return cli_text(writing->cli, plan_area_name(writing->account->plan, code));
}

static const char *text_of(const struct writing *writing, const Liandong__V1__Text *text)
{
    return text == NULL ? "" : say(writing, text->zh, text->en);
}

static const char *duration(char text[LD_TIME_TEXT_SIZE], int64_t length_us)
{
    return length_us > 0 ? ld_duration_format(text, length_us) : "0s";
}

/* As cli_time, "" for none. */
static const char *when(char text[CLI_TIME_SIZE], int64_t time_us)
{
    return time_us != 0 ? cli_time(text, time_us) : "";
}

static const char *number(char text[24], size_t value)
{
    snprintf(text, 24, "%zu", value);
    return text;
}

/* ---- summary ---- */

static int gravest(const struct account *account)
{
    return account->incident->grade != NULL ? (int)account->incident->grade->level : PLAN_NONE;
}

static void write_counties(const struct writing *writing)
{
    const Liandong__V1__Incident *last = writing->account->incident->last;
    struct ld_buffer names = {0};
    for (size_t i = 0; i < last->n_counties; i++)
        ld_buffer_format(&names, "%s%s", i > 0 ? say(writing, "、", ", ") : "",
                         area_name(writing, last->counties[i]));
    if (last->n_counties > 0)
        paper_line(writing->paper, CLI_PLAIN, say(writing, "波及：%s", "counties affected: %s"),
                   ld_buffer_string(&names));
    ld_buffer_free(&names);
}

static void write_totals(const struct writing *writing)
{
    const struct plan *plan = writing->account->plan;
    struct ld_buffer totals = {0};
    for (size_t i = 0; i < plan->measure_count; i++) {
        double total = picture_total(writing->account->incident, plan->measures[i].id);
        if (plan->measures[i].kind == PLAN_COUNT_MEASURE && total != 0)
            ld_buffer_format(&totals, "%s%s %g", totals.size > 0 ? say(writing, "，", ", ") : "",
                             cli_text(writing->cli, plan->measures[i].name), total);
    }
    paper_line(writing->paper, CLI_PLAIN, say(writing, "报告 %u 份。累计：%s", "%u reports; %s"),
               HASH_COUNT(writing->account->incident->reports),
               totals.size > 0 ? ld_buffer_string(&totals)
                               : say(writing, "无", "no figures that add up"));
    ld_buffer_free(&totals);
}

static void write_summary(const struct writing *writing)
{
    const struct account *account = writing->account;
    const struct picture_incident *incident = account->incident;
    int hazard = plan_find_hazard(account->plan, incident->last->hazard);
    char opened[CLI_TIME_SIZE], closed[CLI_TIME_SIZE];
    paper_line(writing->paper, CLI_PLAIN, "%s%s%s", area_name(writing, incident->last->area),
               say(writing, "，", ", "),
               hazard >= 0 ? cli_text(writing->cli, account->plan->hazards[hazard].name)
                           : incident->last->hazard);
    paper_line(writing->paper, CLI_PLAIN,
               say(writing, "预案：%s（%s，%s，%.12s）", "plan: %s (%s, %s, %.12s)"),
               cli_text(writing->cli, account->plan->title), account->plan->id,
               account->plan->document, account->plan->hash);
    paper_line(writing->paper, CLI_PLAIN, say(writing, "立案 %s，%s%s", "opened %s, %s%s"),
               when(opened, account->opened_us),
               incident->closed ? say(writing, "结案 ", "closed ") : "",
               incident->closed ? when(closed, incident->closed_at_us)
                                : say(writing, "进行中", "still open"));
    write_counties(writing);
    write_totals(writing);
    int level = gravest(account);
    bool any = level != PLAN_NONE;
    paper_line(writing->paper, cli_level_style(level), "%s%s%s%s%s",
               say(writing, "最高分级：", "gravest grade: "), cli_level(writing->cli, level),
               any ? say(writing, "（", " (") : "",
               any ? cli_text(writing->cli, plan_level_grade(level)) : "",
               any ? say(writing, "）", ")") : "");
}

/* ---- 7-1-7 ---- */

static const struct plan_text STEPS[ACCOUNT_STEPS] = {
    {"发现：首次发生到报告单位获知", "detect: first onset to being learned of"},
    {"报告：获知到首份报告入账", "notify: learned of to the first report on the log"},
    {"处置：首份报告到首次响应的任务全部办结",
     "respond: first report to all orders of the first response done"}};

static void write_step(const struct writing *writing, int which, const struct account_step *step)
{
    char from[CLI_TIME_SIZE], to[CLI_TIME_SIZE], took[LD_TIME_TEXT_SIZE], target[LD_TIME_TEXT_SIZE];
    bool known = step->from_us != 0 && step->to_us != 0;
    const char *cells[] = {cli_text(writing->cli, STEPS[which]),
                           when(from, step->from_us),
                           when(to, step->to_us),
                           known ? duration(took, step->to_us - step->from_us) : "",
                           ld_duration_format(target, step->target_us),
                           step->met ? say(writing, "达到", "met")
                           : known   ? say(writing, "未达到", "not met")
                                     : say(writing, "未完成", "not complete")};
    paper_row(writing->paper, step->met ? CLI_GREEN : CLI_RED, cells);
}

static void write_717(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"步骤", "STEP"}},
                                             {.name = {"自", "FROM"}},
                                             {.name = {"至", "TO"}},
                                             {.name = {"用时", "TOOK"}, .right = true},
                                             {.name = {"目标", "TARGET"}, .right = true},
                                             {.name = {"结果", "RESULT"}}};
    struct account_717 figures = account_717(writing->account);
    paper_heading(writing->paper, "7-1-7");
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (int i = 0; i < ACCOUNT_STEPS; i++)
        write_step(writing, i, &figures.steps[i]);
    char seen[CLI_TIME_SIZE];
    if (figures.early > 0)
        paper_line(writing->paper, CLI_PLAIN,
                   say(writing, "首次响应下达任务 %zu 项，确认 %zu 项（最后 %s），办结 %zu 项。",
                       "The first response issued %zu orders; %zu were acknowledged (the last %s), "
                       "%zu done."),
                   figures.early, figures.early_seen, cli_time(seen, figures.last_seen_us),
                   figures.early_done);
    else
        paper_line(writing->paper, CLI_PLAIN,
                   say(writing, "没有启动响应。", "No response was in force."));
}

/* ---- what happened, what was in force ---- */

static void write_timeline(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"时间", "TIME"}},
                                             {.name = {"序号", "EVENT"}, .right = true},
                                             {.name = {"经过", "WHAT HAPPENED"}}};
    paper_heading(writing->paper, say(writing, "经过", "What happened"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < writing->account->line_count; i++) {
        const struct account_line *line = &writing->account->lines[i];
        char time[CLI_TIME_SIZE], event[24];
        const char *cells[] = {when(time, line->time_us), number(event, line->sequence),
                               say(writing, line->zh, line->en)};
        paper_row(writing->paper, line->alarming ? CLI_RED : cli_level_style(line->level), cells);
    }
}

static void write_forces(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"地区", "AREA"}},
                                             {.name = {"响应", "RESPONSE"}},
                                             {.name = {"自", "FROM"}},
                                             {.name = {"至", "UNTIL"}},
                                             {.name = {"历时", "LASTED"}, .right = true},
                                             {.name = {"决定", "BY"}},
                                             {.name = {"依据", "SECTION"}}};
    const struct account *account = writing->account;
    if (account->force_count == 0)
        return;
    paper_heading(writing->paper,
                  say(writing, "响应：启动、调整、终止", "Response: start, adjustments, end"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < account->force_count; i++) {
        const struct account_force *force = &account->forces[i];
        char since[CLI_TIME_SIZE], until[CLI_TIME_SIZE], lasted[LD_TIME_TEXT_SIZE];
        bool ended = force->until_us != 0;
        const char *cells[] = {area_name(writing, force->area),
                               cli_level(writing->cli, force->level),
                               when(since, force->since_us),
                               ended ? when(until, force->until_us)
                                     : say(writing, "仍生效", "in force"),
                               ended ? duration(lasted, force->until_us - force->since_us) : "",
                               unit_name(writing, force->by),
                               force->section};
        paper_row(writing->paper, cli_level_style(force->level), cells);
    }
}

/* ---- clocks ---- */

static void write_clock_sums(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"时限", "CLOCK"}},
                                             {.name = {"单位", "UNIT"}},
                                             {.name = {"按时", "IN TIME"}, .right = true},
                                             {.name = {"迟到", "LATE"}, .right = true},
                                             {.name = {"最迟", "LATEST BY"}, .right = true},
                                             {.name = {"超时未办", "MISSED"}, .right = true},
                                             {.name = {"未到期", "RUNNING"}, .right = true},
                                             {.name = {"依据", "SECTION"}},
                                             {.name = {"内容", "WHAT"}}};
    size_t count;
    struct account_clock *clocks = account_clocks(writing->account, &count);
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < count; i++) {
        const struct account_clock *clock = &clocks[i];
        char met[24], late[24], missed[24], running[24], latest[LD_TIME_TEXT_SIZE];
        const char *cells[] = {clock->last->clock,
                               unit_name(writing, clock->last->responsible),
                               number(met, clock->met),
                               number(late, clock->late),
                               clock->late > 0 ? duration(latest, clock->latest_us) : "",
                               number(missed, clock->missed),
                               number(running, clock->running),
                               clock->last->section,
                               text_of(writing, clock->last->text)};
        paper_row(writing->paper, clock->late + clock->missed > 0 ? CLI_RED : CLI_PLAIN, cells);
    }
    free(clocks);
}

/* Each that was not met in time. */
static void write_late_clocks(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"超时的时限", "CLOCK NOT MET IN TIME"}},
                                             {.name = {"单位", "UNIT"}},
                                             {.name = {"到期", "DUE"}},
                                             {.name = {"满足", "MET"}},
                                             {.name = {"迟", "LATE BY"}, .right = true}};
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (const struct picture_clock *at = writing->account->incident->clocks; at != NULL;
         at = at->hh.next) {
        const Liandong__V1__Clock *clock = at->last;
        char due[CLI_TIME_SIZE], met[CLI_TIME_SIZE], late[LD_TIME_TEXT_SIZE];
        bool missed = clock->state == LIANDONG__V1__CLOCK__STATE__MISSED;
        if (!missed && clock->late_us == 0)
            continue;
        const char *cells[] = {clock->clock, unit_name(writing, clock->responsible),
                               when(due, clock->due_at_us),
                               missed ? say(writing, "未办", "never") : when(met, clock->met_at_us),
                               missed ? "" : duration(late, clock->late_us)};
        paper_row(writing->paper, CLI_RED, cells);
    }
}

static void write_clocks(const struct writing *writing)
{
    if (writing->account->incident->clocks == NULL)
        return;
    paper_heading(writing->paper, say(writing, "时限", "Clocks"));
    write_clock_sums(writing);
    write_late_clocks(writing);
}

/* ---- orders ---- */

static void write_units(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"单位", "UNIT"}},
                                             {.name = {"任务", "ORDERS"}, .right = true},
                                             {.name = {"确认", "ACKNOWLEDGED"}, .right = true},
                                             {.name = {"中位", "MEDIAN"}, .right = true},
                                             {.name = {"最长", "LONGEST"}, .right = true},
                                             {.name = {"办结", "DONE"}, .right = true},
                                             {.name = {"中位", "MEDIAN"}, .right = true},
                                             {.name = {"最长", "LONGEST"}, .right = true},
                                             {.name = {"逾期", "OVERDUE"}, .right = true},
                                             {.name = {"督办", "ESCALATED"}, .right = true},
                                             {.name = {"撤销", "WITHDRAWN"}, .right = true},
                                             {.name = {"未结", "OPEN"}, .right = true}};
    size_t count;
    struct account_unit *units = account_units(writing->account, &count);
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < count; i++) {
        const struct account_unit *unit = &units[i];
        char numbers[7][24], times[4][LD_TIME_TEXT_SIZE];
        const struct account_times *seen = &unit->to_acknowledge, *done = &unit->to_done;
        const char *cells[] = {unit_name(writing, unit->id),
                               number(numbers[0], unit->issued),
                               number(numbers[1], unit->acknowledged),
                               seen->count > 0 ? duration(times[0], seen->median_us) : "",
                               seen->count > 0 ? duration(times[1], seen->longest_us) : "",
                               number(numbers[2], unit->done),
                               done->count > 0 ? duration(times[2], done->median_us) : "",
                               done->count > 0 ? duration(times[3], done->longest_us) : "",
                               number(numbers[3], unit->overdue),
                               number(numbers[4], unit->escalated),
                               number(numbers[5], unit->ended),
                               number(numbers[6], unit->open)};
        paper_row(writing->paper, unit->overdue > 0 ? CLI_RED : CLI_PLAIN, cells);
    }
    free(units);
}

static const char *late_for(const struct writing *writing, const char *what)
{
    if (strcmp(what, "done") == 0)
        return say(writing, "办结", "done");
    return strcmp(what, "problem") == 0 ? say(writing, "问题协调", "problem settled")
                                        : say(writing, "确认", "acknowledged");
}

static void write_overdue(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {{.name = {"逾期的任务", "ORDER OVERDUE"}},
                                             {.name = {"单位", "UNIT"}},
                                             {.name = {"下达", "ISSUED"}},
                                             {.name = {"逾期自", "OVERDUE SINCE"}},
                                             {.name = {"未", "NOT"}},
                                             {.name = {"上报督办", "ESCALATED TO"}},
                                             {.name = {"确认", "ACKNOWLEDGED"}},
                                             {.name = {"办结", "DONE"}},
                                             {.name = {"内容", "WHAT"}}};
    const struct account *account = writing->account;
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < account->issue_count; i++) {
        const struct account_issue *issue = &account->issues[i];
        char issued[CLI_TIME_SIZE], overdue[CLI_TIME_SIZE], seen[CLI_TIME_SIZE],
            done[CLI_TIME_SIZE];
        if (issue->overdue_us == 0)
            continue;
        const char *cells[] = {issue->order->duty,
                               unit_name(writing, issue->order->unit),
                               when(issued, issue->issued_us),
                               when(overdue, issue->overdue_us),
                               late_for(writing, issue->late_for),
                               issue->escalated ? unit_name(writing, issue->escalated_to) : "",
                               when(seen, issue->acknowledged_us),
                               when(done, issue->done_us),
                               text_of(writing, issue->order->text)};
        paper_row(writing->paper, CLI_RED, cells);
    }
}

static void write_orders(const struct writing *writing)
{
    if (writing->account->issue_count == 0)
        return;
    paper_heading(writing->paper, say(writing, "各单位任务", "Orders of each unit"));
    write_units(writing);
    write_overdue(writing);
}

/* ---- notices, supplies ---- */

static void write_notices(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {
        {.name = {"时间", "TIME"}},   {.name = {"种类", "KIND"}},
        {.name = {"级别", "LEVEL"}},  {.name = {"单位", "UNITS"}, .right = true},
        {.name = {"公众", "PUBLIC"}}, {.name = {"内容", "WHAT"}}};
    size_t count;
    if (writing->account->incident->notice_count == 0)
        return;
    struct account_notice *notices = account_notices(writing->account, &count);
    paper_heading(writing->paper, say(writing, "通知", "Notices"));
    paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
    for (size_t i = 0; i < count; i++) {
        const Liandong__V1__Notice *notice = notices[i].first;
        char time[CLI_TIME_SIZE], units[24];
        const char *cells[] = {when(time, notice->sent_at_us),
                               cli_text(writing->cli, kind_of_notice((int)notice->kind)),
                               cli_level(writing->cli, (int)notice->level),
                               number(units, notices[i].units),
                               notices[i].to_public ? say(writing, "是", "yes") : "",
                               text_of(writing, notice->headline)};
        paper_row(writing->paper, cli_level_style((int)notice->level), cells);
    }
    free(notices);
}

/* A holder is a unit, or "transit" or "world". */
static void write_movement(const struct writing *writing, const struct picture_movement *at)
{
    const Liandong__V1__SupplyMovement *movement = at->movement;
    const struct plan *plan = writing->account->plan;
    int item = plan_find_item(plan, movement->item);
    char time[CLI_TIME_SIZE], quantity[24];
    snprintf(quantity, sizeof quantity, "%lld", (long long)movement->quantity);
    const char *cells[] = {when(time, at->time_us),
                           cli_text(writing->cli, kind_of_movement((int)movement->kind)),
                           item >= 0 ? cli_text(writing->cli, plan->items[item].name)
                                     : movement->item,
                           quantity,
                           unit_name(writing, movement->from),
                           unit_name(writing, movement->to)};
    paper_row(writing->paper, CLI_PLAIN, cells);
}

static void write_supplies(const struct writing *writing)
{
    static const struct cli_column HEAD[] = {
        {.name = {"时间", "TIME"}}, {.name = {"种类", "KIND"}},
        {.name = {"物资", "ITEM"}}, {.name = {"数量", "QUANTITY"}, .right = true},
        {.name = {"自", "FROM"}},   {.name = {"至", "TO"}}};
    const struct account *account = writing->account;
    bool any = false;
    for (size_t i = 0; i < account->picture.movement_count; i++) {
        const struct picture_movement *at = &account->picture.movements[i];
        if (!account_has_movement(account, at))
            continue;
        if (!any) {
            paper_heading(writing->paper, say(writing, "物资", "Supplies"));
            paper_table(writing->paper, writing->cli, COLUMNS(HEAD));
        }
        any = true;
        write_movement(writing, at);
    }
}

struct paper *account_paper(const struct cli *cli, const struct account *account)
{
    char *title =
        keep_format(cli_say(cli, "事后评估记录：%s%s", "After-action account: %s%s"), account->id,
                    account->exercise ? cli_say(cli, "（演练）", " (exercise)") : "");
    struct writing writing = {cli, account, paper_open(title)};
    free(title);
    write_summary(&writing);
    write_717(&writing);
    write_timeline(&writing);
    write_forces(&writing);
    write_clocks(&writing);
    write_orders(&writing);
    write_notices(&writing);
    write_supplies(&writing);
    return writing.paper;
}
