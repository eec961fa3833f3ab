/*
 * What differs as a paper: what was changed, the sum, a chart of grade and response, when what was
 * reached, answers, orders, clocks, notices, and both stories side by side. What there is no
 * difference in is left out.
 */
#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "timefmt.h"
#include "whatif/tables.h"

static const char *say(const struct whatif_paper *writing, const char *zh, const char *en)
{
    return cli_say(writing->cli, zh, en);
}

/* ---- what was changed ---- */

static void write_plans(const struct whatif_paper *writing)
{
    const struct whatif_changes *changes = writing->whatif->changes;
    for (size_t i = 0; i < changes->plan_count; i++) {
        const struct whatif_plan *plan = &changes->plans[i];
        paper_line(
            writing->paper, CLI_PLAIN,
            plan->replaces
                ? say(writing, "预案 %s 换成 %s（%.12s）", "plan %s replaced by %s (%.12s)")
                : say(writing, "先采用预案 %s：%s（%.12s）", "plan %s adopted first: %s (%.12s)"),
            plan->plan->id, plan->path, plan->plan->hash);
    }
}

static void write_changes(const struct whatif_paper *writing)
{
    const struct whatif *whatif = writing->whatif;
    paper_line(writing->paper, CLI_PLAIN, say(writing, "日志：%s", "log: %s"), whatif->log);
    write_plans(writing);
    if (whatif->changes->until != 0)
        paper_line(writing->paper, CLI_PLAIN,
                   say(writing, "第 %llu 号之后再无外来事件，时间照走",
                       "nothing from outside behind event %llu; time goes on"),
                   (unsigned long long)whatif->changes->until);
    for (size_t i = 0; i < whatif->drops->count; i++)
        paper_line(writing->paper, CLI_PLAIN, say(writing, "去掉外来事件 %s", "without event %s"),
                   whatif->drops->all[i]);
    if (whatif->add != NULL)
        paper_line(writing->paper, CLI_PLAIN, say(writing, "加上 %s", "with %s"), whatif->add);
}

/* ---- the sum ---- */

static void count_orders(const struct whatif *whatif, size_t *gained, size_t *lost)
{
    *gained = *lost = 0;
    for (size_t i = 0; i < whatif->rows[COURSE_ORDERS].count; i++) {
        const struct whatif_row *row = &whatif->rows[COURSE_ORDERS].all[i];
        size_t was = row->was != NULL ? row->was->count[COURSE_ISSUES] : 0;
        size_t now = row->now != NULL ? row->now->count[COURSE_ISSUES] : 0;
        *gained += now > was ? now - was : 0;
        *lost += was > now ? was - now : 0;
    }
}

static void write_sum(const struct whatif_paper *writing)
{
    const struct whatif *whatif = writing->whatif;
    size_t gained, lost, moments = 0;
    count_orders(whatif, &gained, &lost);
    for (int kind = COURSE_CLOSED; kind <= COURSE_ENDED; kind++)
        moments += whatif->rows[kind].count;
    if (!whatif_differs(whatif)) {
        paper_line(writing->paper, CLI_GREEN, "%s",
                   say(writing, "没有差别。", "Nothing would have been different."));
        return;
    }
    paper_line(writing->paper, CLI_ORANGE,
               say(writing,
                   "差别：级别和时刻 %zu 处，答复 %zu 处，任务 +%zu −%zu，时限 %zu 处，通知 %zu 处",
                   "Different: %zu levels or their times, %zu answers, orders +%zu −%zu, %zu "
                   "clocks, %zu kinds of notice"),
               moments, whatif->rows[COURSE_ANSWER].count, gained, lost,
               whatif->rows[COURSE_CLOCK].count, whatif->rows[COURSE_NOTICE].count);
}

/* ---- incidents, with their charts ---- */

static void write_row(const struct whatif_paper *writing, const struct course *course,
                      const char *incident, bool response, const char *name)
{
    paper_chart_row(writing->paper, name);
    for (size_t i = 0; i < course->span_count; i++) {
        const struct course_span *span = &course->spans[i];
        char from[CLI_TIME_SIZE], until[CLI_TIME_SIZE];
        if (span->response != response || strcmp(span->incident, incident) != 0)
            continue;
        char *hint = keep_format("%s, %s – %s", cli_level(writing->cli, span->level),
                                 cli_time(from, span->from_us),
                                 span->until_us != 0 ? cli_time(until, span->until_us) : "");
        const struct paper_span shown = {.style = cli_level_style(span->level),
                                         .height = PLAN_LEVELS - span->level,
                                         .label = plan_level_name(span->level),
                                         .hint = hint,
                                         .from_us = span->from_us,
                                         .until_us = span->until_us};
        paper_chart_span(writing->paper, &shown);
        free(hint);
    }
}

static bool has_spans(const struct course *course, const char *incident)
{
    for (size_t i = 0; i < course->span_count; i++)
        if (strcmp(course->spans[i].incident, incident) == 0)
            return true;
    return false;
}

static void write_chart(const struct whatif_paper *writing, const struct whatif_row *row)
{
    const struct whatif *whatif = writing->whatif;
    const struct course_item *item = row->was != NULL ? row->was : row->now;
    int64_t until_us =
        whatif->was.last_us > whatif->now.last_us ? whatif->was.last_us : whatif->now.last_us;
    if (!has_spans(&whatif->was, item->incident) && !has_spans(&whatif->now, item->incident))
        return;
    paper_chart(writing->paper, item->time_us, until_us);
    write_row(writing, &whatif->was, item->incident, false,
              say(writing, "分级 · 原样", "grade · as it was"));
    write_row(writing, &whatif->now, item->incident, false,
              say(writing, "分级 · 假设", "grade · what if"));
    write_row(writing, &whatif->was, item->incident, true,
              say(writing, "响应 · 原样", "response · as it was"));
    write_row(writing, &whatif->now, item->incident, true,
              say(writing, "响应 · 假设", "response · what if"));
}

static void write_pinned(const struct whatif_paper *writing, const struct whatif_row *row)
{
    const struct course_item *was = row->was, *now = row->now;
    char time[CLI_TIME_SIZE];
    if (was == NULL || now == NULL) {
        paper_line(writing->paper, CLI_PLAIN,
                   was != NULL ? say(writing, "只在原样中立案，依 %s（%.12s），%s",
                                     "opened only as it was, under %s (%.12s), %s")
                               : say(writing, "只在假设中立案，依 %s（%.12s），%s",
                                     "opened only what if, under %s (%.12s), %s"),
                   was != NULL ? was->what : now->what, was != NULL ? was->by : now->by,
                   cli_time(time, was != NULL ? was->time_us : now->time_us));
        return;
    }
    bool same = strcmp(was->by, now->by) == 0;
    if (same)
        paper_line(writing->paper, CLI_PLAIN, say(writing, "依 %s（%.12s）", "under %s (%.12s)"),
                   was->what, was->by);
    else
        paper_line(writing->paper, CLI_PLAIN,
                   say(writing, "原样依 %s（%.12s），假设依 %s（%.12s）",
                       "as it was under %s (%.12s), what if under %s (%.12s)"),
                   was->what, was->by, now->what, now->by);
}

static bool has_difference(const struct whatif *whatif, const char *incident)
{
    for (int kind = COURSE_CLOSED; kind < COURSE_KINDS; kind++) {
        for (size_t i = 0; i < whatif->rows[kind].count; i++) {
            const struct whatif_row *row = &whatif->rows[kind].all[i];
            const struct course_item *item = row->was != NULL ? row->was : row->now;
            if (strcmp(item->incident, incident) == 0)
                return true;
        }
    }
    return false;
}

/* Each incident in which something differs. */
static void write_incidents(const struct whatif_paper *writing)
{
    const struct whatif_rows *rows = &writing->whatif->rows[COURSE_OPENED];
    size_t same = 0;
    for (size_t i = 0; i < rows->count; i++) {
        const struct whatif_row *row = &rows->all[i];
        const char *incident = row->was != NULL ? row->was->incident : row->now->incident;
        if (row->was != NULL && row->now != NULL && !has_difference(writing->whatif, incident)) {
            same++;
            continue;
        }
        paper_heading(writing->paper, incident);
        write_pinned(writing, row);
        write_chart(writing, row);
    }
    if (same > 0)
        paper_line(writing->paper, CLI_PLAIN,
                   say(writing, "没有差别的事件：%zu 起", "incidents without any difference: %zu"),
                   same);
}

/* ---- the stories ---- */

static void write_line(const struct course_line *was, const struct course_line *now, void *data)
{
    const struct whatif_paper *writing = data;
    const struct course_line *const lines[] = {was, now};
    char time[CLI_TIME_SIZE];
    struct paper_lane lane = {.time = cli_time(time, was != NULL ? was->time_us : now->time_us)};
    for (int i = 0; i < 2; i++) {
        if (lines[i] == NULL)
            continue;
        lane.style[i] = lines[i]->alarming ? CLI_RED : cli_level_style(lines[i]->level);
        lane.text[i] = cli_say(writing->cli, lines[i]->zh, lines[i]->en);
    }
    paper_lane(writing->paper, &lane);
}

static void write_stories(struct whatif_paper *writing)
{
    if (!whatif_differs(writing->whatif))
        return;
    paper_heading(writing->paper, say(writing, "经过", "What happened"));
    paper_lanes(writing->paper, say(writing, "原样", "As it was"), say(writing, "假设", "What if"),
                say(writing, "条相同", "the same"));
    whatif_lines(writing->whatif, write_line, writing);
}

struct paper *whatif_paper(const struct cli *cli, const struct whatif *whatif)
{
    struct whatif_paper writing = {
        cli, whatif, paper_open(cli_say(cli, "假设推演（演练）", "What if (exercise)"))};
    write_changes(&writing);
    write_sum(&writing);
    write_incidents(&writing);
    tables_write(&writing);
    write_stories(&writing);
    return writing.paper;
}
