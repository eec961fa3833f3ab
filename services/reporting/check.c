/*
 * Checking a report: everything that can be wrong with it, one function a rule, in the order in
 * which a reporter would want to know. The first rule broken answers with a stable code and says in
 * both languages what was found, what was expected and what to do. Nothing is changed here.
 */
#include "reporting.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include "timefmt.h"

enum {
    ID_MAX_BYTES = 100,
    PLACE_MAX_BYTES = 200,
    NARRATIVE_MAX_BYTES = 16384,
    LIST_MAX = 64,
    SHOWN_MAX_BYTES = 80
};
static const int64_t TOLERANCE_US = 5 * LD_US_MINUTE;
static const double COUNT_MAX = 1e9;

/* ---- answering ---- */

static bool no(struct intake *intake, const char *code, const char *zh, const char *en)
{
    const char *section = intake->plan ? intake->plan->reporting_section : NULL;
    sv_refuse(intake->out, intake->event, code, section, zh, en);
    return false;
}

/* A stranger's text as it may be shown: cut at a character, marked if cut. */
const char *reporting_shown(struct sv_outputs *out, const char *text)
{
    size_t size = strnlen(text, SHOWN_MAX_BYTES + 1);
    if (size <= SHOWN_MAX_BYTES)
        return text;
    for (size = SHOWN_MAX_BYTES; size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80;)
        size--;
    return ld_arena_format(sv_arena(out), "%.*s…", (int)size, text);
}

static const char *shown(const struct intake *intake, const char *text)
{
    return reporting_shown(intake->out, text);
}

#define SAY(...) ld_arena_format(sv_arena(intake->out), __VA_ARGS__)

/* ---- the envelope ---- */

static bool check_envelope(struct intake *intake)
{
    const struct sv_event *event = intake->event;
    if (!event->message)
        return no(intake, "malformed", SAY("报文无法解析：%s", event->fault),
                  SAY("cannot be decoded: %s", event->fault));
    if (event->segment_count != 4)
        return no(intake, "bad-topic",
                  SAY("主题是 %s，应为 report/<区划>/<事件种类>/<单位>", event->topic),
                  SAY("topic is %s, expected report/<area>/<hazard>/<unit>", event->topic));
    return true;
}

static bool check_names(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    const char *const *topic = intake->event->segment;
    const char *author = report->context ? report->context->author : "";
    if (strcmp(author, topic[3]) != 0)
        return no(
            intake, "wrong-author",
            SAY("报告署名 %s，但主题中的单位是 %s，二者须一致", shown(intake, author), topic[3]),
            SAY("author is '%s', but the topic names %s: they must be the same",
                shown(intake, author), topic[3]));
    if (strcmp(report->area, topic[1]) != 0 || strcmp(report->hazard, topic[2]) != 0)
        return no(intake, "topic-mismatch",
                  SAY("报告内容为 %s/%s，主题为 %s/%s，二者须一致", shown(intake, report->area),
                      shown(intake, report->hazard), topic[1], topic[2]),
                  SAY("report is about '%s/%s', its topic about %s/%s: they must be the same",
                      shown(intake, report->area), shown(intake, report->hazard), topic[1],
                      topic[2]));
    return true;
}

static bool too_long(struct intake *intake, const char *field, size_t size, size_t limit)
{
    return no(intake, "too-long", SAY("字段 %s 有 %zu 字节，最多 %zu", field, size, limit),
              SAY("field %s has %zu bytes, at most %zu", field, size, limit));
}

static bool check_sizes(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    const struct {
        const char *field, *text;
        size_t limit;
    } texts[] = {{"id", report->id, ID_MAX_BYTES},
                 {"revises", report->revises, ID_MAX_BYTES},
                 {"place", report->place, PLACE_MAX_BYTES},
                 {"narrative", report->narrative, NARRATIVE_MAX_BYTES}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t size = strlen(texts[i].text);
        if (size > texts[i].limit)
            return too_long(intake, texts[i].field, size, texts[i].limit);
    }
    if (report->n_measures > LIST_MAX || report->n_signs > LIST_MAX ||
        report->n_signs_lifted > LIST_MAX)
        return no(intake, "too-many", SAY("一份报告最多 %d 项指标、%d 种情形", LIST_MAX, LIST_MAX),
                  SAY("a report has at most %d measures and %d signs", LIST_MAX, LIST_MAX));
    return true;
}

static bool check_id(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    const char *reporter = report->context->author;
    if (!*report->id)
        return no(intake, "missing-id", "缺少报告编号（id），请由报告单位编号",
                  "id is empty: give the report a number of your own");
    if (report_number(intake->core, reporter, report->id) == NOTHING)
        return true;
    return no(intake, "duplicate-id",
              SAY("%s 已用过报告编号 %s；请另编号，如为更正请填 revises", reporter, report->id),
              SAY("%s has used id %s before: use a new one, and revises to correct the old",
                  reporter, report->id));
}

/* ---- where and what ---- */

static bool check_area(struct intake *intake)
{
    const char *area = intake->report->area;
    const struct plan *any = sv_plans_any(intake->core->plans, area);
    if (!any)
        return no(intake, "unknown-area",
                  SAY("没有在用预案覆盖区划 %s；请核对代码或先发布预案", area),
                  SAY("no plan in force covers area %s: check the code or adopt a plan", area));
    if (plan_find_area(any, area) < 0)
        return no(intake, "unknown-area", SAY("区划 %s 不在词汇表中，请核对代码", area),
                  SAY("area %s is not in the vocabulary: check the code", area));
    return true;
}

static bool check_hazard(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    const struct plan *any = sv_plans_any(intake->core->plans, report->area);
    if (plan_find_hazard(any, report->hazard) < 0)
        return no(intake, "unknown-hazard", SAY("事件种类 %s 不在词汇表中，请核对", report->hazard),
                  SAY("hazard %s is not in the vocabulary: check its name", report->hazard));
    intake->plan = sv_plans_governing(intake->core->plans, report->area, report->hazard);
    const struct plan *by = NULL;
    const struct plan_deferral *deferral =
        intake->plan ? NULL
                     : sv_plans_deferral(intake->core->plans, report->area, report->hazard, &by);
    if (deferral)
        return no(intake, "no-plan",
                  SAY("按 %s %s，%s 依照预案 %s 处置，而该预案未在用；请先发布该预案", by->id,
                      deferral->section, report->hazard, deferral->to),
                  SAY("by %s %s %s goes by the plan %s, which is not in force: adopt it", by->id,
                      deferral->section, report->hazard, deferral->to));
    if (!intake->plan)
        return no(intake, "no-plan",
                  SAY("区划 %s 没有管 %s 的在用预案；请发布相应预案", report->area, report->hazard),
                  SAY("no plan in force governs %s in %s: adopt the one that does", report->hazard,
                      report->area));
    return true;
}

static bool check_reporter(struct intake *intake)
{
    const struct plan *plan = intake->plan;
    const char *unit = intake->report->context->author;
    if (plan_find_unit(plan, unit) < 0)
        return no(intake, "unknown-unit", SAY("单位 %s 不在词汇表中", unit),
                  SAY("unit %s is not in the vocabulary", unit));
    if (plan_unit_in(plan, unit, plan->reporters, plan->reporter_count, NULL))
        return true;
    struct plan_text name = plan_unit_name(plan, unit);
    return no(intake, "not-a-reporter",
              SAY("%s不是本预案的责任报告单位，请转本地卫生健康部门报告", name.zh),
              SAY("%s (%s) is not a reporting unit of this plan: tell the local health authority",
                  name.en, unit));
}

/* ---- which incident ---- */

static bool check_revised(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    if (!*report->revises)
        return true;
    size_t number = report_number(intake->core, report->context->author, report->revises);
    if (number == NOTHING)
        return no(
            intake, "unknown-revised",
            SAY("要更正的报告 %s 不存在：只能更正本单位已受理的报告", report->revises),
            SAY("revises names %s, which is no accepted report of this unit", report->revises));
    const struct filed *old = &intake->core->filed[number];
    if (old->revised_by != NOTHING) {
        const char *key = sv_names_text(&intake->core->reports, old->revised_by);
        const char *newer = key + strlen(key) + 1;
        return no(intake, "already-revised",
                  SAY("报告 %s 已由 %s 更正，请更正后者", report->revises, newer),
                  SAY("report %s was replaced by %s: revise that one", report->revises, newer));
    }
    intake->revised = number;
    return true;
}

static bool check_open(struct intake *intake, size_t number, const char *id)
{
    const struct incident *incident = &intake->core->incidents[number];
    const Liandong__V1__Report *report = intake->report;
    bool owed = report->kind == LIANDONG__V1__REPORT__KIND__FINAL &&
                clocks_wait_for(intake->core, number, report->context->author, report->area);
    if (!incident->open && !owed)
        return no(intake, "incident-closed", SAY("事件 %s 已结案", shown(intake, id)),
                  SAY("incident %s is closed", shown(intake, id)));
    if (strcmp(incident->hazard, report->hazard) != 0 ||
        strncmp(report->area, incident->plan->area, strlen(incident->plan->area)) != 0)
        return no(intake, "other-incident",
                  SAY("事件 %s 是 %s 的 %s，与本报告不符", incident->id, incident->plan->area,
                      incident->hazard),
                  SAY("incident %s is about %s in %s, this report is not", incident->id,
                      incident->hazard, incident->plan->area));
    intake->incident = number;
    intake->plan = incident->plan;
    return true;
}

static bool check_named_incident(struct intake *intake, const char *id)
{
    size_t number = incident_number(intake->core, id);
    if (number == NOTHING)
        return no(intake, "unknown-incident",
                  SAY("没有事件 %s；如为新事件请不要填写", shown(intake, id)),
                  SAY("there is no incident '%s': leave it empty to open one", shown(intake, id)));
    return check_open(intake, number, id);
}

/* The one it names, else that of the report it replaces, else the open one of an epidemic. */
static bool check_incident(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    if (*report->context->incident)
        return check_named_incident(intake, report->context->incident);
    if (intake->revised != NOTHING) {
        size_t number = intake->core->filed[intake->revised].incident;
        if (number == NOTHING)
            return true;
        return check_open(intake, number, intake->core->incidents[number].id);
    }
    size_t number = open_incident_for(intake->core, intake->plan->area, report->hazard);
    return number == NOTHING || check_open(intake, number, intake->core->incidents[number].id);
}

static bool check_kind(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    if (report->kind < LIANDONG__V1__REPORT__KIND__INITIAL ||
        report->kind > LIANDONG__V1__REPORT__KIND__ZERO)
        return no(intake, "bad-kind", "缺少报告种类：首报、续报、结案或零报告",
                  "kind is missing: initial, progress, final or zero");
    if (report->means < LIANDONG__V1__REPORT__MEANS__MEANS_UNSPECIFIED ||
        report->means > LIANDONG__V1__REPORT__MEANS__NETWORK)
        return no(intake, "bad-means", SAY("报送方式 %d 未知", (int)report->means),
                  SAY("means %d is unknown: telephone, written or network", (int)report->means));
    if (report->kind == LIANDONG__V1__REPORT__KIND__FINAL && intake->incident == NOTHING)
        return no(intake, "no-open-incident", "结案报告没有对应的未结案事件，请在报告中指明事件",
                  "a final report needs an open incident: name it in context.incident");
    return true;
}

/* ---- when ---- */

static bool check_time(struct intake *intake, const char *field, int64_t time_us)
{
    char then[LD_TIME_TEXT_SIZE], now[LD_TIME_TEXT_SIZE];
    int64_t now_us = intake->event->record->time_us;
    if (time_us <= now_us + TOLERANCE_US)
        return true;
    ld_time_format(then, time_us, LD_CHINA_OFFSET_MINUTES);
    ld_time_format(now, now_us, LD_CHINA_OFFSET_MINUTES);
    return no(intake, "from-the-future", SAY("%s 为 %s，晚于现在 %s；请核对时钟", field, then, now),
              SAY("%s is %s, later than now, %s: check the clock", field, then, now));
}

static bool check_times(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    bool zero = report->kind == LIANDONG__V1__REPORT__KIND__ZERO;
    if (report->occurred_at_us < 0 || (report->occurred_at_us == 0 && !zero))
        return no(intake, "missing-onset", "缺少发生时间（occurred_at_us），按发病或发生时刻填写",
                  "occurred_at_us is missing: give the time of onset");
    if (report->received_at_us < 0)
        return no(intake, "bad-time", "接报时间（received_at_us）无效",
                  "received_at_us is no valid time");
    return check_time(intake, "occurred_at_us", report->occurred_at_us) &&
           check_time(intake, "received_at_us", report->received_at_us);
}

/* ---- numbers and facts ---- */

static bool check_count(struct intake *intake, const char *id, double value)
{
    if (value < 0)
        return no(intake, "negative-count",
                  SAY("%s 为 %g；计数不得为负，更正请用 revises", id, value),
                  SAY("%s is %g: a count is not negative; use revises to correct one", id, value));
    if (floor(value) != value || value > COUNT_MAX)
        return no(intake, "not-a-count", SAY("%s 为 %g，应为 0 至 1000000000 的整数", id, value),
                  SAY("%s is %g, expected a whole number from 0 to 1000000000", id, value));
    if (value > 0 && intake->report->kind == LIANDONG__V1__REPORT__KIND__ZERO)
        return no(intake, "zero-with-numbers", SAY("零报告中 %s 为 %g；请改报续报", id, value),
                  SAY("a zero report says %s is %g: send a progress report instead", id, value));
    return true;
}

static bool repeated(const Liandong__V1__Report *report, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(report->measures[i]->measure, report->measures[index]->measure) == 0)
            return true;
    }
    return false;
}

static bool check_measure(struct intake *intake, size_t i)
{
    const char *id = intake->report->measures[i]->measure;
    double value = intake->report->measures[i]->value;
    int index = plan_find_measure(intake->plan, id);
    if (index < 0)
        return no(intake, "unknown-measure", SAY("指标 %s 不在词汇表中", shown(intake, id)),
                  SAY("measure '%s' is not in the vocabulary", shown(intake, id)));
    if (repeated(intake->report, i))
        return no(intake, "repeated-measure", SAY("指标 %s 出现了两次", id),
                  SAY("measure %s is there twice", id));
    if (!isfinite(value))
        return no(intake, "not-a-number", SAY("指标 %s 不是数", id),
                  SAY("measure %s is not a number", id));
    if (intake->plan->measures[index].kind == PLAN_COUNT_MEASURE)
        return check_count(intake, id, value);
    return true;
}

static bool check_measures(struct intake *intake)
{
    for (size_t i = 0; i < intake->report->n_measures; i++) {
        if (!check_measure(intake, i))
            return false;
    }
    return true;
}

static bool check_sign(struct intake *intake, const char *sign)
{
    if (plan_find_sign(intake->plan, sign) >= 0)
        return true;
    return no(intake, "unknown-sign", SAY("情形 %s 不在词汇表中", shown(intake, sign)),
              SAY("sign '%s' is not in the vocabulary", shown(intake, sign)));
}

static bool check_signs(struct intake *intake)
{
    const Liandong__V1__Report *report = intake->report;
    for (size_t i = 0; i < report->n_signs; i++) {
        if (!check_sign(intake, report->signs[i]))
            return false;
        for (size_t k = 0; k < report->n_signs_lifted; k++) {
            if (strcmp(report->signs[i], report->signs_lifted[k]) == 0)
                return no(intake, "contradiction",
                          SAY("情形 %s 既报为有又报为无", report->signs[i]),
                          SAY("sign %s is said to stand and to be lifted", report->signs[i]));
        }
    }
    for (size_t i = 0; i < report->n_signs_lifted; i++) {
        if (!check_sign(intake, report->signs_lifted[i]))
            return false;
    }
    return true;
}

static bool check_channel(struct intake *intake)
{
    const char *channel = intake->report->channel;
    if (!*channel || plan_find_channel(intake->plan, channel) >= 0)
        return true;
    return no(intake, "unknown-channel", SAY("信息来源 %s 不在词汇表中", shown(intake, channel)),
              SAY("channel '%s' is not in the vocabulary", shown(intake, channel)));
}

bool check_report(struct intake *intake)
{
    static bool (*const rules[])(struct intake *) = {
        check_envelope, check_names,    check_sizes,   check_area,     check_hazard,
        check_reporter, check_id,       check_revised, check_incident, check_kind,
        check_times,    check_measures, check_signs,   check_channel};
    intake->incident = intake->revised = NOTHING;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!rules[i](intake))
            return false;
    }
    return true;
}
