#include "words.h"

#include <string.h>

#include "timefmt.h"

static const char *area_of(const struct cli *cli, const struct plan *plan, const char *code)
{
    return cli_text(cli, plan_area_name(plan, code));
}

/* ---- counts ---- */

static const char *measure_name(const struct cli *cli, const struct plan *plan, const char *id)
{
    int index = plan_find_measure(plan, id);
    return index >= 0 ? cli_text(cli, plan->measures[index].name) : id;
}

static bool is_fact(const struct plan_condition *condition)
{
    return condition->kind == PLAN_SIGN || condition->kind == PLAN_DESIGNATED;
}

static void put_authorities(struct ld_buffer *buffer, const struct cli *cli,
                            const struct plan *plan, const struct plan_condition *condition)
{
    ld_buffer_text(buffer, cli_say(cli, "认定（", "designation by "));
    for (size_t i = 0; i < condition->unit_count; i++)
        ld_buffer_format(buffer, "%s%s", i > 0 ? cli_say(cli, "、", " or ") : "",
                         cli_text(cli, plan->units[condition->units[i]].name));
    ld_buffer_text(buffer, cli_say(cli, "）", ""));
}

static void put_subject(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                        const struct plan_condition *condition)
{
    const char *measure = cli_text(cli, plan->measures[condition->measure].name);
    switch (condition->kind) {
    case PLAN_AREAS:
        ld_buffer_format(buffer, cli_say(cli, "有%s的县（市、区）", "counties with %s"), measure);
        break;
    case PLAN_PLACES:
        ld_buffer_format(buffer, cli_say(cli, "有%s的地点", "places with %s"), measure);
        break;
    case PLAN_SIGN:
        ld_buffer_text(buffer, cli_text(cli, plan->signs[condition->sign].name));
        break;
    default:
        ld_buffer_text(buffer, measure);
        if (condition->kind == PLAN_GAUGE && condition->over == PLAN_OVER_MEAN)
            ld_buffer_text(buffer, cli_say(cli, "（各点平均）", " (mean of the places)"));
    }
}

static void put_bounds(struct ld_buffer *buffer, const struct cli *cli,
                       const Liandong__V1__Count *count)
{
    const char *low = count->more_than ? cli_say(cli, "超过 %g", "more than %g")
                                       : cli_say(cli, "%g 以上", "at least %g");
    const char *high = count->less_than ? cli_say(cli, "不到 %g", "less than %g")
                                        : cli_say(cli, "%g 以下", "at most %g");
    ld_buffer_text(buffer, cli_say(cli, "（要求：", " ("));
    if (count->has_at_least)
        ld_buffer_format(buffer, low, count->at_least);
    if (count->has_at_least && count->has_at_most)
        ld_buffer_text(buffer, cli_say(cli, "、", " and "));
    if (count->has_at_most)
        ld_buffer_format(buffer, high, count->at_most);
    ld_buffer_text(buffer, cli_say(cli, "）", ")"));
}

static void put_lack(struct ld_buffer *buffer, const struct cli *cli,
                     const Liandong__V1__Count *count, bool fact)
{
    if (count->holds || (!fact && count->lacks == 0 && !count->has_at_most))
        return;
    if (fact)
        ld_buffer_text(buffer, cli_say(cli, "：未报告", ": not stated"));
    else if (count->lacks > 0)
        ld_buffer_format(buffer, cli_say(cli, "：还差 %g", ": %g more needed"), count->lacks);
    else
        ld_buffer_text(buffer, cli_say(cli, "：已超出", ": beyond it"));
}

void words_count(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                 const struct plan_condition *condition, const Liandong__V1__Count *count)
{
    char window[LD_TIME_TEXT_SIZE], until[CLI_TIME_SIZE];
    if (condition->kind == PLAN_DESIGNATED) {
        put_authorities(buffer, cli, plan, condition);
    } else {
        ld_buffer_format(buffer, "%s%s", area_of(cli, plan, count->area), cli_say(cli, "，", ", "));
        put_subject(buffer, cli, plan, condition);
    }
    if (!is_fact(condition)) {
        ld_buffer_format(buffer, " %g", count->value);
        if (count->rounded_up)
            ld_buffer_text(buffer, cli_say(cli, "（进位取整）", " (rounded up)"));
        put_bounds(buffer, cli, count);
    }
    if (count->from_us != 0)
        ld_buffer_format(buffer, cli_say(cli, "，%s 内（截至 %s）", ", within %s until %s"),
                         ld_duration_format(window, count->to_us - count->from_us),
                         cli_time(until, count->to_us));
    put_lack(buffer, cli, count, is_fact(condition));
}

/* Counts stand in the order of the conditions without children. */
static const struct plan_condition *leaf(const struct plan_condition *condition, size_t *index)
{
    if (condition->child_count == 0)
        return (*index)-- == 0 ? condition : NULL;
    for (size_t i = 0; i < condition->child_count; i++) {
        const struct plan_condition *found = leaf(&condition->children[i], index);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static const struct plan_condition *leaf_of(const struct plan_criterion *criteria, size_t count,
                                            const char *id, size_t index)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(criteria[i].id, id) == 0)
            return leaf(&criteria[i].when, &index);
    return NULL;
}

const struct plan_condition *words_condition(const struct plan *plan, const char *criterion,
                                             size_t index)
{
    const struct plan_condition *found =
        leaf_of(plan->criteria, plan->criterion_count, criterion, index);
    return found != NULL ? found : leaf_of(plan->warnings, plan->warning_count, criterion, index);
}

/* ---- reports and designations ---- */

static void put_figures(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                        const Liandong__V1__Report *report)
{
    const char *between = cli_say(cli, "，", ", ");
    bool first = true;
    for (size_t i = 0; i < report->n_measures; i++, first = false)
        ld_buffer_format(buffer, "%s%s %g", first ? "" : between,
                         measure_name(cli, plan, report->measures[i]->measure),
                         report->measures[i]->value);
    for (size_t i = 0; i < report->n_signs; i++, first = false) {
        int sign = plan_find_sign(plan, report->signs[i]);
        ld_buffer_format(buffer, "%s%s", first ? "" : between,
                         sign >= 0 ? cli_text(cli, plan->signs[sign].name) : report->signs[i]);
    }
    if (first)
        ld_buffer_text(buffer, cli_say(cli, "无数字", "no figures"));
}

static void put_report(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                       const Liandong__V1__Incident *incident)
{
    const Liandong__V1__Report *report = incident->report;
    char onset[CLI_TIME_SIZE];
    ld_buffer_text(buffer, area_of(cli, plan, report->area));
    if (report->place[0] != '\0')
        ld_buffer_format(buffer, "%s%s", cli_say(cli, "，", ", "), report->place);
    ld_buffer_format(buffer, cli_say(cli, "，发生 %s，%s（%s）：", ", onset %s, by %s (%s): "),
                     cli_time(onset, report->occurred_at_us),
                     cli_text(cli, plan_unit_name(plan, incident->reporter)), report->id);
    put_figures(buffer, cli, plan, report);
}

void words_input(struct ld_buffer *buffer, const struct cli *cli, const struct plan *plan,
                 const struct why_input *input)
{
    ld_buffer_format(buffer, cli_say(cli, "第 %llu 号：", "event %llu: "),
                     (unsigned long long)input->sequence);
    if (input->incident != NULL)
        put_report(buffer, cli, plan, input->incident);
    else
        ld_buffer_format(buffer, cli_say(cli, "%s认定为 %s", "%s designated it %s"),
                         cli_text(cli, plan_unit_name(plan, input->decision->context->author)),
                         cli_level(cli, (int)input->decision->level));
}
