/*
 * What is issued, on the screen: for the city and each county with a warning, the colour in force,
 * who issued it, the steps that led to it with their authors, and what is waited for.
 */
#include <string.h>

#include "picture/steps.h"
#include "words.h"

struct telling {
    const struct cli *cli;
    const struct why *why;
    struct ld_buffer line;
};

static void put_line(struct telling *telling, int indent, enum cli_style style)
{
    const struct cli *cli = telling->cli;
    printf("%*s%s%s%s\n", indent, "", cli_on(cli, style), ld_buffer_string(&telling->line),
           cli_off(cli));
    ld_buffer_clear(&telling->line);
}

static const char *unit(const struct telling *telling, const char *id)
{
    return cli_text(telling->cli, plan_unit_name(telling->why->plan, id));
}

static const char *text_of(const struct cli *cli, const Liandong__V1__Text *text)
{
    return text == NULL ? "" : cli_say(cli, text->zh, text->en);
}

/* ---- the steps ---- */

/* Who it was, and what was thought of it. */
static void put_act(struct telling *telling, const struct why_step *step)
{
    const struct cli *cli = telling->cli;
    const Liandong__V1__Decision *act = why_act_of(telling->why, step);
    if (act == NULL)
        return;
    if (act->person[0] != '\0')
        ld_buffer_format(&telling->line, cli_say(cli, "（%s）", " (%s)"), act->person);
    if (act->filed_with[0] != '\0')
        ld_buffer_format(&telling->line, cli_say(cli, "，向%s", ", with %s"),
                         unit(telling, act->filed_with));
    if (act->opinion[0] != '\0')
        ld_buffer_format(&telling->line, cli_say(cli, "：%s", ": %s"), act->opinion);
}

static void print_step(struct telling *telling, const struct why_step *step)
{
    const struct cli *cli = telling->cli;
    const Liandong__V1__Warning *warning = step->warning;
    char time[CLI_TIME_SIZE];
    ld_buffer_format(&telling->line, cli_say(cli, "%s 第 %llu 号 %s", "%s, event %llu: %s"),
                     cli_time(time, step->time_us), (unsigned long long)step->sequence,
                     cli_text(cli, steps_warning_word((int)warning->state)));
    if (warning->level != LIANDONG__V1__LEVEL__LEVEL_NONE)
        ld_buffer_format(&telling->line, " %s", cli_level(cli, (int)warning->level));
    if (warning->by[0] != '\0')
        ld_buffer_format(&telling->line, cli_say(cli, "，%s", ", %s"), unit(telling, warning->by));
    put_act(telling, step);
    if (warning->n_merged_with > 0)
        ld_buffer_format(&telling->line,
                         cli_say(cli, "；与其他 %zu 起合并为%s", "; with %zu others as one at %s"),
                         warning->n_merged_with, cli_level(cli, (int)warning->merged));
    if (warning->reason != NULL)
        ld_buffer_format(&telling->line, cli_say(cli, "：%s", ": %s"),
                         text_of(cli, warning->reason));
    put_line(telling, 4, CLI_PLAIN);
}

static void print_next(struct telling *telling, const Liandong__V1__Warning *last)
{
    const struct cli *cli = telling->cli;
    if (last->next[0] == '\0')
        return;
    ld_buffer_format(&telling->line, cli_say(cli, "下一步：%s，由：", "next: %s, by: "),
                     cli_say(cli, steps_act_zh(last->next), last->next));
    for (size_t i = 0; i < last->n_next_by; i++)
        ld_buffer_format(&telling->line, "%s%s", i > 0 ? cli_say(cli, "、", ", ") : "",
                         unit(telling, last->next_by[i]));
    put_line(telling, 2, CLI_BOLD);
}

/* ---- what is in force ---- */

/* The criteria of the colour that was issued, as the figures had them then. */
static void print_figures(struct telling *telling, const struct why_step *issued)
{
    const struct cli *cli = telling->cli;
    const Liandong__V1__Warning *figures = issued->figures;
    for (size_t i = 0; figures != NULL && i < figures->n_holding; i++) {
        const Liandong__V1__Criterion *criterion = figures->holding[i];
        if (!plan_level_reaches((int)criterion->level, (int)issued->warning->level))
            continue;
        ld_buffer_format(&telling->line, cli_say(cli, "依据（%s）%s", "on (%s) %s"),
                         criterion->section, text_of(cli, criterion->text));
        put_line(telling, 4, CLI_PLAIN);
        for (size_t k = 0; k < criterion->n_counts; k++) {
            const struct plan_condition *condition =
                words_condition(telling->why->plan, criterion->id, k);
            if (condition == NULL || !criterion->counts[k]->holds)
                continue;
            words_count(&telling->line, cli, telling->why->plan, condition, criterion->counts[k]);
            put_line(telling, 6, CLI_PLAIN);
        }
    }
}

static void print_in_force(struct telling *telling, const char *area, const struct why_step *issued)
{
    const struct cli *cli = telling->cli;
    const char *name = cli_text(cli, plan_area_name(telling->why->plan, area));
    char time[CLI_TIME_SIZE];
    if (issued == NULL) {
        ld_buffer_format(&telling->line,
                         cli_say(cli, "%s没有已发布的预警", "no warning is in force in %s"), name);
        put_line(telling, 0, CLI_BOLD);
        return;
    }
    const Liandong__V1__Warning *warning = issued->warning;
    ld_buffer_format(
        &telling->line,
        cli_say(cli, "%s已发布预警 %s，自 %s 起（第 %llu 号），发布单位：%s（%s）",
                "warning in force in %s: %s, since %s (event %llu), issued by %s (%s)"),
        name, cli_level(cli, (int)warning->in_force), cli_time(time, issued->time_us),
        (unsigned long long)issued->sequence, unit(telling, warning->issued_by), warning->section);
    put_line(telling, 0, cli_level_style((int)warning->in_force));
    print_figures(telling, issued);
}

static void print_area(struct telling *telling, const char *area)
{
    const struct why_world *world = telling->why->world;
    const Liandong__V1__Warning *last = NULL;
    print_in_force(telling, area, why_issued(telling->why, area));
    ld_buffer_text(&telling->line, cli_say(telling->cli, "经过：", "how it came about:"));
    put_line(telling, 2, CLI_BOLD);
    for (size_t i = 0; i < world->step_count; i++) {
        if (strcmp(world->steps[i].warning->area, area) != 0)
            continue;
        last = world->steps[i].warning;
        print_step(telling, &world->steps[i]);
    }
    print_next(telling, last);
}

static bool told_before(const struct why_world *world, size_t step)
{
    for (size_t i = 0; i < step; i++)
        if (strcmp(world->steps[i].warning->area, world->steps[step].warning->area) == 0)
            return true;
    return false;
}

void why_print_warnings(const struct cli *cli, const struct why *why)
{
    struct telling telling = {.cli = cli, .why = why};
    for (size_t i = 0; i < why->world->step_count; i++)
        if (!told_before(why->world, i))
            print_area(&telling, why->world->steps[i].warning->area);
    ld_buffer_free(&telling.line);
}
