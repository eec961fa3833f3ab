/*
 * An explanation on the screen: what holds and why, then what raised it if that holds no more, what
 * is missing for the next grade, what would lapse; the same for the warning.
 */
#include <string.h>

#include "words.h"

struct printing {
    const struct cli *cli;
    const struct why *why;
    struct ld_buffer line;
};

static void put_line(struct printing *printing, int indent, enum cli_style style)
{
    const struct cli *cli = printing->cli;
    printf("%*s%s%s%s\n", indent, "", cli_on(cli, style), ld_buffer_string(&printing->line),
           cli_off(cli));
    ld_buffer_clear(&printing->line);
}

/* "III yellow (fairly grave)" */
static void put_level(struct printing *printing, int level)
{
    const struct cli *cli = printing->cli;
    struct plan_text grade = plan_level_grade(level);
    ld_buffer_text(&printing->line, cli_level(cli, level));
    if (level != PLAN_NONE)
        ld_buffer_format(&printing->line, cli_say(cli, "（%s）", " (%s)"), cli_text(cli, grade));
}

static void put_since(struct printing *printing, int64_t since_us, uint64_t event)
{
    char time[CLI_TIME_SIZE];
    if (event != 0)
        ld_buffer_format(
            &printing->line,
            cli_say(printing->cli, "，自 %s 起（第 %llu 号）", ", since %s (event %llu)"),
            cli_time(time, since_us), (unsigned long long)event);
}

/* ---- one criterion ---- */

struct walk { /* over a criterion's parts */
    const Liandong__V1__Criterion *criterion;
    size_t part, count;
};

static void print_figure(struct printing *printing, struct walk *walk, int indent)
{
    const struct cli *cli = printing->cli;
    if (walk->count == walk->criterion->n_counts)
        return;
    const Liandong__V1__Count *count = walk->criterion->counts[walk->count];
    const struct plan_condition *condition =
        words_condition(printing->why->plan, walk->criterion->id, walk->count++);
    if (condition == NULL)
        return;
    ld_buffer_text(&printing->line, count->holds ? "✓ " : "✗ ");
    words_count(&printing->line, cli, printing->why->plan, condition, count);
    put_line(printing, indent, count->holds ? CLI_GREEN : CLI_PLAIN);
}

static void print_part(struct printing *printing, struct walk *walk, int indent)
{
    static const struct plan_text WORDS[] = {
        [LIANDONG__V1__PART__KIND__ALL] = {"须全部满足：", "all of these:"},
        [LIANDONG__V1__PART__KIND__ANY] = {"满足任一即可：", "any of these:"},
        [LIANDONG__V1__PART__KIND__NOT] = {"且不得：", "and this not:"}};
    if (walk->part == walk->criterion->n_parts)
        return;
    const Liandong__V1__Part *part = walk->criterion->parts[walk->part++];
    if (part->parts == 0) {
        print_figure(printing, walk, indent);
        return;
    }
    ld_buffer_text(&printing->line, part->holds ? "✓ " : "✗ ");
    ld_buffer_text(&printing->line, cli_text(printing->cli, WORDS[part->kind]));
    put_line(printing, indent, CLI_PLAIN);
    for (uint32_t i = 0; i < part->parts; i++)
        print_part(printing, walk, indent + 2);
}

static void print_inputs(struct printing *printing, const Liandong__V1__Criterion *criterion,
                         int indent)
{
    const struct cli *cli = printing->cli;
    if (criterion->report_count == 0)
        return;
    ld_buffer_format(&printing->line,
                     cli_say(cli, "依据的报告和认定：%u 份", "reports and designations: %u"),
                     criterion->report_count);
    if (criterion->n_reports < criterion->report_count)
        ld_buffer_format(&printing->line, cli_say(cli, "，最新 %zu 份", ", the newest %zu"),
                         criterion->n_reports);
    put_line(printing, indent, CLI_PLAIN);
    for (size_t i = 0; i < criterion->n_reports; i++) {
        const struct why_input *input = why_input_of(printing->why, criterion->reports[i]);
        if (input == NULL)
            continue;
        words_input(&printing->line, cli, printing->why->plan, input);
        put_line(printing, indent + 2, CLI_DIM);
    }
}

static const char *reading_of(const struct plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->criterion_count; i++)
        if (strcmp(plan->criteria[i].id, id) == 0)
            return plan->criteria[i].reading;
    for (size_t i = 0; i < plan->warning_count; i++)
        if (strcmp(plan->warnings[i].id, id) == 0)
            return plan->warnings[i].reading;
    return "";
}

static void print_lapse(struct printing *printing, int64_t lapses_us, int indent)
{
    const struct cli *cli = printing->cli;
    char time[CLI_TIME_SIZE];
    if (lapses_us == 0)
        ld_buffer_text(&printing->line, cli_say(cli, "不随时间失效", "does not lapse by time"));
    else
        ld_buffer_format(&printing->line,
                         cli_say(cli, "如不再报告新情况，发生时间到 %s 时不再满足",
                                 "lapses with an onset of %s, if nothing new is reported"),
                         cli_time(time, lapses_us));
    put_line(printing, indent, CLI_PLAIN);
}

static void print_heading(struct printing *printing, const Liandong__V1__Criterion *criterion)
{
    const struct cli *cli = printing->cli;
    const char *reading = reading_of(printing->why->plan, criterion->id);
    ld_buffer_format(&printing->line, cli_say(cli, "第%s条 %s，%s", "%s %s, %s"),
                     criterion->section, criterion->id, cli_level(cli, (int)criterion->level));
    put_since(printing, criterion->since_us, criterion->since_event);
    put_line(printing, 4, cli_level_style((int)criterion->level));
    ld_buffer_text(&printing->line, cli_say(cli, criterion->text->zh, criterion->text->en));
    put_line(printing, 6, CLI_PLAIN);
    if (reading[0] != '\0') {
        ld_buffer_format(&printing->line, cli_say(cli, "读法：%s", "read as: %s"), reading);
        put_line(printing, 6, CLI_DIM);
    }
}

static void print_criterion(struct printing *printing, const Liandong__V1__Criterion *criterion,
                            bool now)
{
    const struct cli *cli = printing->cli;
    struct walk walk = {.criterion = criterion};
    print_heading(printing, criterion);
    print_part(printing, &walk, 6);
    print_inputs(printing, criterion, 6);
    if (criterion->past) {
        ld_buffer_text(&printing->line,
                       cli_say(cli, "在过去的一个时间窗内满足（迟报），最近的时间窗内不满足",
                               "held in a window of the past, filled by a late report; not in the "
                               "latest"));
        put_line(printing, 6, CLI_PLAIN);
    } else if (now && criterion->since_event != 0) {
        print_lapse(printing, criterion->lapses_us, 6);
    }
}

static void print_criteria(struct printing *printing, Liandong__V1__Criterion **all, size_t count,
                           bool now)
{
    for (size_t i = 0; i < count; i++)
        print_criterion(printing, all[i], now);
}

static void print_title(struct printing *printing, const char *zh, const char *en)
{
    ld_buffer_text(&printing->line, cli_say(printing->cli, zh, en));
    put_line(printing, 2, CLI_BOLD);
}

/* ---- the incident ---- */

static void print_head(struct printing *printing)
{
    const struct cli *cli = printing->cli;
    const struct why *why = printing->why;
    struct ld_buffer *line = &printing->line;
    int hazard = plan_find_hazard(why->plan, why->grade.hazard);
    char time[CLI_TIME_SIZE], onset[CLI_TIME_SIZE];
    ld_buffer_format(
        line, "%s%s  %s%s%s%s%s", why->id,
        why->exercise ? cli_say(cli, "（演练）", " (exercise)") : "",
        cli_text(cli, plan_area_name(why->plan, why->grade.area)), cli_say(cli, "，", ", "),
        hazard >= 0 ? cli_text(cli, why->plan->hazards[hazard].name) : why->grade.hazard,
        cli_say(cli, "，", ", "),
        why->world->closed_at_us != 0 ? cli_say(cli, "已结案", "closed")
                                      : cli_say(cli, "进行中", "open"));
    put_line(printing, 0, CLI_BOLD);
    ld_buffer_format(line,
                     cli_say(cli, "截至第 %llu 号（%s）；最近发生时间 %s",
                             "as of event %llu (%s); latest onset %s"),
                     (unsigned long long)why->sequence, cli_time(time, why->time_us),
                     cli_time(onset, why->grade.as_of_us));
    put_line(printing, 2, CLI_PLAIN);
    for (size_t i = 0; i < why->grade.n_counties; i++)
        ld_buffer_format(line, "%s%s",
                         i == 0 ? cli_say(cli, "波及：", "counties affected: ")
                                : cli_say(cli, "、", ", "),
                         cli_text(cli, plan_area_name(why->plan, why->grade.counties[i])));
    if (why->grade.n_counties > 0)
        put_line(printing, 2, CLI_PLAIN);
    ld_buffer_format(line, cli_say(cli, "预案：%s（%s，%.12s）", "plan: %s (%s, %.12s)"),
                     cli_text(cli, why->plan->title), why->plan->id, why->plan->hash);
    put_line(printing, 2, CLI_PLAIN);
}

/* Where the log has something else than what follows from it. */
static void print_said(struct printing *printing)
{
    const struct cli *cli = printing->cli;
    const struct why_said *said = &printing->why->world->said;
    const Liandong__V1__Grade *grade = &printing->why->grade;
    if (said->grade == NULL)
        ld_buffer_text(&printing->line, cli_say(cli, "日志中还没有分级：分级服务尚未处理",
                                                "no grade is on the log yet: grading is behind"));
    else if (said->grade->level != grade->level || said->grade->suggested != grade->suggested)
        ld_buffer_format(&printing->line,
                         cli_say(cli, "日志中的分级为 %s（第 %llu 号）：分级服务落后或版本不同",
                                 "the grade on the log is %s (event %llu): grading is behind, or "
                                 "of another version"),
                         cli_level(cli, (int)said->grade->level),
                         (unsigned long long)said->sequence);
    else
        return;
    put_line(printing, 2, CLI_RED);
}

static void print_raised(struct printing *printing)
{
    const struct why_said *raised = &printing->why->world->raised;
    const Liandong__V1__Grade *grade = &printing->why->grade;
    if (grade->level == grade->suggested || raised->grade == NULL)
        return;
    print_title(printing, "当时定级的依据：", "what raised it, as it was then:");
    for (size_t i = 0; i < raised->grade->n_holding; i++)
        if (raised->grade->holding[i]->level == grade->level)
            print_criterion(printing, raised->grade->holding[i], false);
}

static void print_suggested(struct printing *printing)
{
    const struct cli *cli = printing->cli;
    const Liandong__V1__Grade *grade = &printing->why->grade;
    if (grade->level == grade->suggested)
        return;
    ld_buffer_text(&printing->line, cli_say(cli, "按现有数字建议降为 ",
                                            "by the figures now a lower one is suggested: "));
    put_level(printing, (int)grade->suggested);
    put_line(printing, 2, cli_level_style((int)grade->suggested));
}

/* When lower than what is suggested now would be suggested. */
static void print_lower(struct printing *printing)
{
    const struct cli *cli = printing->cli;
    const Liandong__V1__Grade *grade = &printing->why->grade;
    if (grade->suggested == LIANDONG__V1__LEVEL__LEVEL_NONE)
        return;
    char time[CLI_TIME_SIZE];
    ld_buffer_format(&printing->line, cli_say(cli, "低于 %s：", "lower than %s: "),
                     cli_level(cli, (int)grade->suggested));
    if (grade->lapses_us == 0)
        ld_buffer_text(&printing->line,
                       cli_say(cli, "须情形解除或报告更正，因为该级标准中有不随时间失效的",
                               "only by a fact lifted or a report corrected: a criterion of that "
                               "grade does not lapse by time"));
    else
        ld_buffer_format(
            &printing->line,
            cli_say(cli, "该级标准全部失效，即发生时间到 %s 仍无新情况",
                    "when all criteria of that grade have lapsed: with an onset of %s, "
                    "if nothing new is reported"),
            cli_time(time, grade->lapses_us));
    put_line(printing, 2, CLI_PLAIN);
}

static void print_missing(struct printing *printing, Liandong__V1__Criterion **all, size_t count,
                          const char *zh, const char *en)
{
    if (count == 0)
        return;
    ld_buffer_text(&printing->line, cli_say(printing->cli, zh, en));
    put_level(printing, (int)all[0]->level);
    ld_buffer_text(&printing->line,
                   cli_say(printing->cli, "，满足任一即可：", ", by any one of these:"));
    put_line(printing, 2, CLI_BOLD);
    print_criteria(printing, all, count, true);
}

static void print_grade(struct printing *printing)
{
    const Liandong__V1__Grade *grade = &printing->why->grade;
    ld_buffer_text(&printing->line, cli_say(printing->cli, "分级 ", "grade "));
    put_level(printing, (int)grade->level);
    put_since(printing, grade->since_us, grade->since_event);
    put_line(printing, 0, cli_level_style((int)grade->level));
    print_said(printing);
    print_suggested(printing);
    if (grade->n_holding > 0)
        print_title(printing, "现在满足：", "what holds:");
    else
        print_title(printing, "现在没有满足的标准", "no criterion holds now");
    print_criteria(printing, grade->holding, grade->n_holding, true);
    print_raised(printing);
    print_lower(printing);
    print_missing(printing, grade->missing, grade->n_missing, "再上一级：", "next grade up: ");
}

/* With which others the warning is issued as one, and at what colour. */
static void print_merged(struct printing *printing, const Liandong__V1__Warning *warning)
{
    const struct cli *cli = printing->cli;
    if (warning->n_merged_with == 0)
        return;
    ld_buffer_format(
        &printing->line,
        cli_say(cli, "按 %s 合并为%s发布，一并的事件：", "by %s issued as one at %s with: "),
        warning->merge_section, cli_level(cli, (int)warning->merged));
    for (size_t i = 0; i < warning->n_merged_with; i++)
        ld_buffer_format(&printing->line, "%s%s", i > 0 ? cli_say(cli, "、", ", ") : "",
                         warning->merged_with[i]);
    put_line(printing, 2, CLI_PLAIN);
}

static void print_warning(struct printing *printing)
{
    const struct cli *cli = printing->cli;
    const struct plan *plan = printing->why->plan;
    const Liandong__V1__Warning *warning = &printing->why->warning;
    ld_buffer_format(&printing->line, cli_say(cli, "建议预警 %s", "warning suggested: %s"),
                     cli_level(cli, (int)warning->level));
    put_since(printing, warning->since_us, warning->since_event);
    if (plan->warning_from_grade)
        ld_buffer_format(&printing->line, cli_say(cli, "（随分级，%s）", " (as the grade, %s)"),
                         warning->section);
    put_line(printing, 0, cli_level_style((int)warning->level));
    print_merged(printing, warning);
    if (plan->warning_from_grade)
        return;
    if (warning->n_holding > 0)
        print_title(printing, "现在满足：", "what holds:");
    print_criteria(printing, warning->holding, warning->n_holding, true);
    print_missing(printing, warning->missing, warning->n_missing, "再上一色：", "next colour up: ");
}

void why_print(const struct cli *cli, const struct why *why)
{
    struct printing printing = {.cli = cli, .why = why};
    print_head(&printing);
    if (why->plan->criterion_count > 0) /* else the response follows the warning */
        print_grade(&printing);
    print_warning(&printing);
    why_print_warnings(cli, why);
    ld_buffer_free(&printing.line);
}
