/*
 * reporting: from a report to its incident.
 *
 * Each report from outside is checked (check.c) and gets one receipt: refused with a reason, or
 * taken; then it joins its incident or opens one (join.c), and starts, meets or misses the clocks
 * of the plan (clocks.c). Grades (or warnings, where the response follows them) say which levels'
 * clocks apply, responses which daily clocks run and when a final report may close an incident.
 * Time passes by the time of whatever event comes.
 *
 * A bulletin (bulletin.c) is checked and answered likewise.
 * Grades, warnings and responses that make no sense here (unknown or closed incident) are ignored.
 */
#include "reporting.h"

#include <stdlib.h>
#include <string.h>
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"

static struct sv_core *create(const struct sv_setup *setup)
{
    struct sv_core *core = calloc(1, sizeof *core);
    if (!core)
        abort();
    core->plans = setup->plans;
    return core;
}

static void destroy(struct sv_core *core)
{
    reporting_clear(core);
    free(core);
}

static void apply_report(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct intake intake = {
        .core = core, .event = event, .out = out, .report = (const void *)event->message};
    if (intake.report)
        report_ahead(core, intake.report->context->author, intake.report->id);
    if (check_report(&intake))
        join_report(&intake);
}

static size_t named_incident(const struct sv_core *core, const Liandong__V1__Context *context)
{
    size_t number = context ? incident_number(core, context->incident) : NOTHING;
    return number != NOTHING && core->incidents[number].open ? number : NOTHING;
}

static bool is_level(int level)
{
    return level >= PLAN_NONE && level < PLAN_LEVELS;
}

/* ---- grades, warnings ---- */

/* The accepted report with this sequence; they are numbered in order of sequence. */
static size_t filed_as(const struct sv_core *core, uint64_t sequence)
{
    size_t low = 0, high = core->reports.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (core->filed[middle].sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < core->reports.count && core->filed[low].sequence == sequence;
    return found ? low : NOTHING;
}

/* The newest report among those that made the grade. */
static size_t trigger_of(const struct sv_core *core, Liandong__V1__Criterion *const *holding,
                         size_t holding_count, int level, size_t incident)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < holding_count; i++) {
        const Liandong__V1__Criterion *criterion = holding[i];
        for (size_t k = 0; k < criterion->n_reports; k++) {
            if ((int)criterion->level == level && criterion->reports[k] > newest)
                newest = criterion->reports[k];
        }
    }
    size_t number = filed_as(core, newest);
    bool ours = number != NOTHING && core->filed[number].incident == incident;
    return ours ? number : NOTHING;
}

static void apply_grade(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const Liandong__V1__Grade *grade = (const void *)event->message;
    size_t number = named_incident(core, grade->context);
    int level = (int)grade->level;
    if (number == NOTHING || !is_level(level) || core->incidents[number].level == level)
        return;
    core->incidents[number].level = level;
    clocks_level(core, event, out, number,
                 trigger_of(core, grade->holding, grade->n_holding, level, number));
}

/* Where the response follows the warning, so do the clocks. */
static void apply_warning(struct sv_core *core, const struct sv_event *event,
                          struct sv_outputs *out)
{
    const Liandong__V1__Warning *warning = (const void *)event->message;
    size_t number = named_incident(core, warning->context);
    int level = (int)warning->level;
    if (number == NOTHING || !is_level(level) || core->incidents[number].level == level ||
        warning->state != LIANDONG__V1__WARNING__STATE__SUGGESTED ||
        !core->incidents[number].plan->procedure.follows_warning)
        return;
    core->incidents[number].level = level;
    clocks_level(core, event, out, number,
                 trigger_of(core, warning->holding, warning->n_holding, level, number));
}

/* ---- responses ---- */

static void set_in_force(struct incident *incident, struct in_force in_force)
{
    for (size_t i = 0; i < incident->response_count; i++) {
        if (incident->responses[i].area == in_force.area) {
            incident->responses[i].level = in_force.level;
            return;
        }
    }
    struct in_force *all =
        realloc(incident->responses, (incident->response_count + 1) * sizeof *all);
    if (!all)
        abort();
    incident->responses = all;
    all[incident->response_count++] = in_force;
}

static void apply_response(struct sv_core *core, const struct sv_event *event,
                           struct sv_outputs *out)
{
    const Liandong__V1__Response *response = (const void *)event->message;
    size_t number = named_incident(core, response->context);
    int level = (int)response->in_force;
    if (number == NOTHING || !is_level(level))
        return;
    size_t area = word_of(core, response->area);
    struct incident *incident = &core->incidents[number];
    int before = clocks_response_level(incident);
    set_in_force(incident, (struct in_force){area, level});
    clocks_response(core, event, out, number);
    if (before != PLAN_NONE && clocks_response_level(incident) == PLAN_NONE)
        clocks_ended(core, event, out, number, before);
    join_close(core, event, out, number);
}

/* ---- events ---- */

static void apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    clocks_fire(core, event, out);
    if (event->family == SV_REPORT)
        apply_report(core, event, out);
    else if (event->family == SV_BULLETIN)
        take_bulletin(core, event, out);
    else if (event->family == SV_GRADE && event->message)
        apply_grade(core, event, out);
    else if (event->family == SV_WARNING && event->message)
        apply_warning(core, event, out);
    else if (event->family == SV_RESPONSE && event->message)
        apply_response(core, event, out);
    clocks_fire(core, event, out); /* what started back in time may be due already */
}

static const char *const filters[] = {"report/>",   "bulletin/>", "grade/>", "warning/>",
                                      "response/>", "sys/tick",   NULL};

const struct sv_class reporting_class = {
    .name = "reporting",
    .families = SV_BIT(SV_REPORT) | SV_BIT(SV_BULLETIN) | SV_BIT(SV_GRADE) | SV_BIT(SV_WARNING) |
                SV_BIT(SV_RESPONSE) | SV_BIT(SV_TICK),
    .filters = filters,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .visit = reporting_visit,
    .state_version = 3,
};
