/* Tables of a plan's parts, as text or as one JSON line each. */
#include "plan_show.h"

#include <string.h>

#include "buffer.h"
#include "picture/event_json.h"
#include "timefmt.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- overview ---- */

/* "; press / 7d": what comes round while a level is in force. */
static void print_rhythm(const char *what, const struct plan_rhythm *rhythm)
{
    char every[LD_TIME_TEXT_SIZE];
    if (rhythm->every_us > 0)
        printf("; %s / %s", what, ld_duration_format(every, rhythm->every_us));
}

/* What the plan leaves to others: to its general plan, to the warning, to plans of their own. */
static void print_relations(const struct cli *cli, const struct plan *plan)
{
    if (*plan->general)
        printf(cli_say(cli, "  未尽事宜按 %s（%s）\n", "  what it leaves open: by %s (%s)\n"),
               plan->general, plan->general_section);
    if (plan->procedure.follows_warning)
        puts(cli_say(cli, "  响应随预警启动", "  the response follows the warning"));
    for (size_t i = 0; i < plan->deferral_count; i++)
        printf(cli_say(cli, "  另按 %s（%s）：%zu 种\n", "  by %s (%s): %zu hazards\n"),
               plan->deferrals[i].to, plan->deferrals[i].section, plan->deferrals[i].hazard_count);
}

static void print_overview(const struct cli *cli, const struct plan *plan)
{
    if (cli->json) {
        cli_print_json(json_pack(
            "{s:s,s:o,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "plan", plan->id, "title",
            event_text(plan->title), "document", plan->document, "issued", plan->issued, "area",
            plan->area, "hash", plan->hash, "criteria", (json_int_t)plan->criterion_count,
            "warnings", (json_int_t)plan->warning_count, "members", (json_int_t)plan->member_count,
            "groups", (json_int_t)plan->group_count, "duties", (json_int_t)plan->duty_count,
            "clocks", (json_int_t)plan->clock_count));
        return;
    }
    struct plan_text area = plan_area_name(plan, plan->area);
    printf("%s%s%s (%s)\n", cli_on(cli, CLI_BOLD), cli_text(cli, plan->title), cli_off(cli),
           plan->id);
    printf("  %s, %s, %s %s\n  %s\n", plan->document, plan->issued, plan->area, cli_text(cli, area),
           plan->hash);
    printf(
        cli_say(
            cli,
            "  %zu 条分级标准，%zu 条预警标准，%zu 个成员单位，%zu 个工作组，%zu 项职责，"
            "%zu 个时限\n",
            "  %zu criteria of grades, %zu of warnings, %zu member units, %zu groups, %zu duties, "
            "%zu clocks\n"),
        plan->criterion_count, plan->warning_count, plan->member_count, plan->group_count,
        plan->duty_count, plan->clock_count);
    print_relations(cli, plan);
    for (int level = PLAN_I; level <= PLAN_IV; level++) {
        const struct plan_organisation *organisation = &plan->organisation[level];
        if (!(plan->levels & (1u << level)))
            continue;
        printf("  %s%-10s%s %s; %s", cli_on(cli, cli_level_style(level)), cli_level(cli, level),
               cli_off(cli), cli_text(cli, organisation->commander),
               cli_text(cli, organisation->office));
        print_rhythm(cli_say(cli, "评估", "assessment"), &organisation->assessment);
        print_rhythm(cli_say(cli, "风险地图", "risk map"), &organisation->map);
        print_rhythm(cli_say(cli, "会商", "meeting"), &organisation->meeting);
        print_rhythm(cli_say(cli, "发布会", "press"), &organisation->press);
        putchar('\n');
    }
}

/* ---- units and duties ---- */

static void print_units(const struct cli *cli, const struct plan *plan)
{
    for (size_t i = 0; i < plan->member_count; i++) {
        const struct plan_unit *unit = &plan->units[plan->members[i].unit];
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:o,s:b,s:I}", "unit", unit->id, "name",
                                     event_text(unit->name), "named", plan->members[i].named,
                                     "duties", (json_int_t)plan->members[i].duty_count));
        else
            puts(unit->id);
    }
}

static int print_duties(const struct cli *cli, const struct plan *plan, const char *unit)
{
    static const struct cli_column COLUMNS[] = {{.name = {"职责", "DUTY"}},
                                                {.name = {"起自", "FROM"}},
                                                {.name = {"出处", "SECTION"}},
                                                {.name = {"期限", "WITHIN"}},
                                                {.name = {"内容", "WHAT"}, .wrap = true}};
    int member = plan_find_member(plan, unit);
    if (member < 0) {
        cli_complain(cli, "%s 不是本预案的成员单位", "%s is no member unit of this plan", unit);
        return CLI_USAGE;
    }
    struct cli_table *table = cli->json ? NULL : cli_table_open(cli, COLUMNS, COUNT(COLUMNS));
    for (size_t i = 0; i < plan->members[member].duty_count; i++) {
        const struct plan_duty *duty = &plan->duties[plan->members[member].duties[i]];
        char within[LD_TIME_TEXT_SIZE] = "", levels[24];
        if (duty->deadline_us > 0)
            ld_duration_format(within, duty->deadline_us);
        snprintf(levels, sizeof levels, "%s%s%s", plan_level_name((int)duty->from),
                 duty->until != PLAN_NONE ? "–" : "",
                 duty->until != PLAN_NONE ? plan_level_name((int)duty->until) : "");
        const char *cells[] = {duty->id, levels, duty->section, within, cli_text(cli, duty->text)};
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:s,s:s,s:s,s:o}", "duty", duty->id, "from",
                                     plan_level_name((int)duty->from), "until",
                                     plan_level_name((int)duty->until), "section", duty->section,
                                     "text", event_text(duty->text)));
        else
            cli_table_row(table, cells);
    }
    if (table != NULL)
        cli_table_print(table);
    return CLI_OK;
}

/* ---- criteria, clocks, procedure ---- */

static void add_criteria(const struct cli *cli, struct cli_table *table, bool warnings,
                         const struct plan_criterion *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct plan_criterion *at = &all[i];
        const char *of = warnings ? cli_say(cli, "预警", "warning") : cli_say(cli, "分级", "grade");
        const char *cells[] = {of,     cli_level(cli, (int)at->level), at->section,
                               at->id, cli_text(cli, at->text),        at->reading};
        if (cli->json)
            cli_print_json(json_pack(
                "{s:s,s:s,s:s,s:s,s:o,s:s}", "of", warnings ? "warning" : "grade", "level",
                plan_level_name((int)at->level), "section", at->section, "criterion", at->id,
                "text", event_text(at->text), "reading", at->reading));
        else
            cli_table_row(table, cells);
    }
}

static void print_criteria(const struct cli *cli, const struct plan *plan)
{
    static const struct cli_column COLUMNS[] = {{.name = {"用于", "OF"}},
                                                {.name = {"级别", "LEVEL"}},
                                                {.name = {"出处", "SECTION"}},
                                                {.name = {"标准", "CRITERION"}},
                                                {.name = {"内容", "WHAT"}, .wrap = true},
                                                {.name = {"读法", "READING"}, .wrap = true}};
    struct cli_table *table = cli->json ? NULL : cli_table_open(cli, COLUMNS, COUNT(COLUMNS));
    add_criteria(cli, table, false, plan->criteria, plan->criterion_count);
    add_criteria(cli, table, true, plan->warnings, plan->warning_count);
    if (table != NULL)
        cli_table_print(table);
}

static const char *join(struct ld_buffer *buffer, const char *const *all, size_t count)
{
    ld_buffer_clear(buffer);
    for (size_t i = 0; i < count; i++)
        ld_buffer_format(buffer, "%s%s", i > 0 ? " " : "", all[i]);
    return ld_buffer_string(buffer);
}

static const char *levels_text(char text[24], unsigned levels)
{
    size_t used = 0;
    text[0] = '\0';
    for (int level = PLAN_I; level <= PLAN_IV; level++)
        if (levels & (1u << level))
            used += (size_t)snprintf(text + used, 24 - used, "%s%s", used > 0 ? " " : "",
                                     plan_level_name(level));
    return text;
}

/* What is owed once the response has ended, with or without a time for it. */
static void add_aftercare(const struct cli *cli, struct cli_table *table, const struct plan *plan)
{
    struct ld_buffer by = {0};
    for (size_t i = 0; i < plan->aftercare_count; i++) {
        const struct plan_aftercare *at = &plan->aftercare[i];
        char within[LD_TIME_TEXT_SIZE] = "";
        if (at->within_us > 0)
            ld_duration_format(within, at->within_us);
        const char *cells[] = {at->id,      cli_say(cli, "终止后", "ended"),
                               within,      join(&by, at->by, at->by_count),
                               at->section, cli_text(cli, at->text)};
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:s,s:s,s:s,s:o}", "aftercare", at->id, "within", within,
                                     "by", cells[3], "section", at->section, "text",
                                     event_text(at->text)));
        else
            cli_table_row(table, cells);
    }
    ld_buffer_free(&by);
}

static void print_clocks(const struct cli *cli, const struct plan *plan)
{
    static const struct cli_column COLUMNS[] = {
        {.name = {"时限", "CLOCK"}},   {.name = {"级别", "LEVELS"}},
        {.name = {"期限", "WITHIN"}},  {.name = {"谁", "WHO"}},
        {.name = {"出处", "SECTION"}}, {.name = {"内容", "WHAT"}, .wrap = true}};
    static const char *const STARTS[] = {"received", "occurred", "response",
                                         "daily",    "ended",    "every"};
    struct ld_buffer by = {0};
    struct cli_table *table = cli->json ? NULL : cli_table_open(cli, COLUMNS, COUNT(COLUMNS));
    for (size_t i = 0; i < plan->clock_count; i++) {
        const struct plan_clock *at = &plan->clocks[i];
        if (at->met_by == PLAN_MET_AFTERCARE)
            continue; /* shown with the rest of the after-care */
        char levels[24], within[LD_TIME_TEXT_SIZE];
        if (at->starts == PLAN_DAILY)
            snprintf(within, sizeof within, "%02d:%02d", at->at_minute / 60, at->at_minute % 60);
        else
            ld_duration_format(within, at->within_us);
        (void)join(&by, at->by, at->by_count);
        if (at->each && !cli->json)
            ld_buffer_text(&by, cli_say(cli, "（各自）", " (each)"));
        const char *cells[] = {at->id,      levels_text(levels, at->levels),
                               within,      ld_buffer_string(&by),
                               at->section, cli_text(cli, at->text)};
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:s,s:o}", "clock", at->id, "levels",
                                     levels, "starts", STARTS[at->starts], "within", within, "by",
                                     cells[3], "each", at->each, "section", at->section, "text",
                                     event_text(at->text)));
        else
            cli_table_row(table, cells);
    }
    add_aftercare(cli, table, plan);
    if (table != NULL)
        cli_table_print(table);
    ld_buffer_free(&by);
}

struct procedure_part {
    const char *name;
    const struct plan_rule *rules;
    size_t count;
};

static void print_rule(const struct cli *cli, struct cli_table *table, const char *part,
                       const struct plan_rule *rule)
{
    struct ld_buffer by = {0}, with = {0};
    char levels[24];
    for (size_t i = 0; i < rule->step_count; i++) {
        const struct plan_step *step = &rule->steps[i];
        const char *cells[] = {part,
                               levels_text(levels, rule->levels),
                               plan_act_name((int)step->act),
                               join(&by, step->by, step->by_count),
                               join(&with, step->with, step->with_count),
                               rule->section};
        if (cli->json)
            cli_print_json(json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "part", part, "levels", levels,
                                     "act", cells[2], "by", cells[3], "with", cells[4], "section",
                                     rule->section));
        else
            cli_table_row(table, cells);
    }
    ld_buffer_free(&with);
    ld_buffer_free(&by);
}

static void print_procedure(const struct cli *cli, const struct plan *plan)
{
    static const struct cli_column COLUMNS[] = {
        {.name = {"程序", "PROCEDURE"}}, {.name = {"级别", "LEVELS"}},
        {.name = {"步骤", "ACT"}},       {.name = {"谁", "WHO"}},
        {.name = {"向谁", "WITH"}},      {.name = {"出处", "SECTION"}}};
    const struct plan_procedure *procedure = &plan->procedure;
    const struct procedure_part PARTS[] = {
        {"warning", plan->issue, plan->issue_count},
        {"start", procedure->start, procedure->start_count},
        {"direct", procedure->direct, procedure->direct_count},
        {"lower", procedure->lower, procedure->lower_count},
        {"terminate", procedure->terminate, procedure->terminate_count}};
    struct cli_table *table = cli->json ? NULL : cli_table_open(cli, COLUMNS, COUNT(COLUMNS));
    for (size_t i = 0; i < COUNT(PARTS); i++)
        for (size_t k = 0; k < PARTS[i].count; k++)
            print_rule(cli, table, PARTS[i].name, &PARTS[i].rules[k]);
    if (table != NULL)
        cli_table_print(table);
}

int plan_show_print(const struct cli *cli, const struct plan *plan,
                    const struct plan_show_options *options)
{
    if (options->units)
        print_units(cli, plan);
    if (options->criteria)
        print_criteria(cli, plan);
    if (options->procedure)
        print_procedure(cli, plan);
    if (options->clocks)
        print_clocks(cli, plan);
    if (options->duties_of != NULL)
        return print_duties(cli, plan, options->duties_of);
    if (!options->units && !options->criteria && !options->procedure && !options->clocks)
        print_overview(cli, plan);
    return CLI_OK;
}
