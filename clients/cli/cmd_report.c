/* liandong report: an agency reports what happened. */
#include <stdlib.h>
#include <string.h>

#include "keeping.h"
#include "liandong/v1/report.pb-c.h"
#include "message.h"
#include "timefmt.h"

struct report_options {
    const char *area, *hazard, *kind, *means, *place, *revises, *narrative, *channel, *id;
    int64_t occurred_us, received_us;
    struct cli_list measures, signs, lifted;
};

static void string_list(struct ld_arena *arena, const struct cli_list *list, size_t *count,
                        char ***to)
{
    *count = list->count;
    *to = ld_arena_alloc(arena, (list->count + 1) * sizeof **to);
    for (size_t i = 0; i < list->count; i++)
        (*to)[i] = message_text(list->all[i]);
}

/* "cases=3" to a measure. */
static bool add_measure(const struct cli *cli, struct ld_arena *arena, const char *text,
                        Liandong__V1__Report *report)
{
    char *end;
    const char *equals = strchr(text, '=');
    Liandong__V1__Measure *measure = ld_arena_alloc(arena, sizeof *measure);
    liandong__v1__measure__init(measure);
    if (equals != NULL)
        measure->value = strtod(equals + 1, &end);
    if (equals == NULL || equals == text || end == equals + 1 || *end != '\0') {
        cli_complain(cli, "--measure：应为 指标=数字，如 cases=3，实为 \"%s\"",
                     "--measure: expected MEASURE=NUMBER such as cases=3, found \"%s\"", text);
        return false;
    }
    measure->measure = ld_arena_string(arena, text, (size_t)(equals - text));
    report->measures[report->n_measures++] = measure;
    return true;
}

static bool fill_measures(const struct cli *cli, struct ld_arena *arena,
                          const struct cli_list *list, Liandong__V1__Report *report)
{
    report->measures = ld_arena_alloc(arena, (list->count + 1) * sizeof *report->measures);
    for (size_t i = 0; i < list->count; i++)
        if (!add_measure(cli, arena, list->all[i], report))
            return false;
    return true;
}

static bool fill(const struct cli *cli, struct ld_arena *arena,
                 const struct report_options *options, Liandong__V1__Report *report)
{
    int kind = message_enum(cli, &liandong__v1__report__kind__descriptor, "--kind", options->kind);
    int means =
        message_enum(cli, &liandong__v1__report__means__descriptor, "--means", options->means);
    if (kind < 0 || means < 0)
        return false;
    liandong__v1__report__init(report);
    report->kind = (Liandong__V1__Report__Kind)kind;
    report->means = (Liandong__V1__Report__Means)means;
    report->context = message_context(cli, arena, "");
    report->area =
        options->area != NULL ? message_text(options->area) : message_area_of(arena, cli->identity);
    report->hazard = message_text(options->hazard);
    report->place = message_text(options->place);
    report->revises = message_text(options->revises);
    report->narrative = message_text(options->narrative);
    report->channel = message_text(options->channel);
    string_list(arena, &options->signs, &report->n_signs, &report->signs);
    string_list(arena, &options->lifted, &report->n_signs_lifted, &report->signs_lifted);
    return fill_measures(cli, arena, &options->measures, report);
}

static int send(const struct cli *cli, struct ld_arena *arena, const struct report_options *options,
                Liandong__V1__Report *report)
{
    struct ld_client *client = NULL;
    struct ld_error error;
    if (bus_open(cli, &client, &error) != LD_OK)
        return cli_fail(cli, &error);
    int64_t now_us = bus_now(client);
    report->occurred_at_us = options->occurred_us != 0 ? options->occurred_us : now_us;
    report->received_at_us = options->received_us != 0 ? options->received_us : now_us;
    report->id =
        options->id != NULL ? message_text(options->id) : message_number(cli, arena, now_us);
    return keeping_say(
        cli, client,
        ld_arena_format(arena, "report/%s/%s/%s", report->area, report->hazard, cli->identity),
        &report->base);
}

static const struct plan_text SUMMARY = {
    "以本单位身份报告一起事件。等到入库且业务服务答复为止。\n退出码 4：被拒收，并说明原因。",
    "Reports, as the unit that --as names, that something happened; waits until it is durable\n"
    "and the service has answered. Exit status 4: refused, with the reason."};

/* The command line into own and cli; the status to end with, or -1. */
static int take_options(struct cli *cli, int argc, char **argv, struct report_options *own)
{
    const struct cli_option options[] = {
        {"area",
         'a',
         CLI_TEXT,
         &own->area,
         "CODE",
         {"发生地（默认本单位所在地）", "where it happened (default: the unit's own area)"}},
        {"kind",
         'k',
         CLI_TEXT,
         &own->kind,
         "KIND",
         {"initial、progress、final、zero", "initial, progress, final or zero"}},
        {"means",
         0,
         CLI_TEXT,
         &own->means,
         "MEANS",
         {"telephone、written、network", "telephone, written or network"}},
        {"measure",
         'm',
         CLI_LIST,
         &own->measures,
         "M=N",
         {"指标，可多次：cases=3", "a figure, repeatable: cases=3"}},
        {"sign", 's', CLI_LIST, &own->signs, "SIGN", {"情形，可多次", "a fact, repeatable"}},
        {"lift",
         0,
         CLI_LIST,
         &own->lifted,
         "SIGN",
         {"不再成立的情形", "a fact that is no longer true"}},
        {"place", 0, CLI_TEXT, &own->place, "PLACE", {"地点", "a named place in the area"}},
        {"occurred",
         'o',
         CLI_TIME,
         &own->occurred_us,
         "TIME",
         {"发病或发生时间（默认现在）", "onset (default: now)"}},
        {"received",
         0,
         CLI_TIME,
         &own->received_us,
         "TIME",
         {"得知时间（默认现在）", "when the reporter learned of it (default: now)"}},
        {"id", 0, CLI_TEXT, &own->id, "ID", {"报告编号", "the reporter's own number"}},
        {"revises", 0, CLI_TEXT, &own->revises, "ID", {"订正哪份报告", "the report it replaces"}},
        {"narrative", 'n', CLI_TEXT, &own->narrative, "TEXT", {"说明", "in words"}},
        {"channel", 'c', CLI_TEXT, &own->channel, "ID", {"来源渠道", "where it comes from"}},
        KEEPING_OPTIONS(cli),
        {.name = NULL}};
    const struct cli_usage usage = {
        "report [OPTION]… HAZARD", SUMMARY, options,
        "  liandong report cholera --as 330302.health -m cases=1 -m deaths=0 -c clinician\n"};
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    own->hazard = status < 0 ? argv[0] : NULL;
    return status;
}

int cmd_report(struct cli *cli, int argc, char **argv)
{
    struct report_options own = {.kind = "initial", .means = "network"};
    struct ld_arena arena = {0};
    Liandong__V1__Report report;
    int status = take_options(cli, argc, argv, &own);
    if (status < 0)
        status = fill(cli, &arena, &own, &report) ? send(cli, &arena, &own, &report) : CLI_USAGE;
    ld_arena_free(&arena);
    return status;
}
