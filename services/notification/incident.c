/* Incidents as notices tell of them: plan, grade, and counts of what was accepted so far. */
#include "notification.h"

#include <stdlib.h>
#include <string.h>

struct incident *incident_find(struct sv_core *core, const char *id)
{
    struct incident *incident = NULL;
    HASH_FIND_STR(core->incidents, id, incident);
    return incident;
}

static struct incident *incident_add(struct sv_core *core, char *id)
{
    struct incident *incident = calloc(1, sizeof *incident);
    if (incident == NULL || id == NULL) {
        abort();
    }
    incident->id = id;
    HASH_ADD_KEYPTR(hh, core->incidents, incident->id, strlen(incident->id), incident);
    return incident;
}

void incidents_free(struct sv_core *core)
{
    struct incident *incident, *next;
    HASH_ITER(hh, core->incidents, incident, next)
    {
        HASH_DEL(core->incidents, incident);
        sv_names_free(&incident->reports);
        free(incident->counted);
        free(incident->id);
        free(incident);
    }
}

static void counted_reserve(struct incident *incident, size_t needed)
{
    size_t capacity = incident->counted_capacity ? incident->counted_capacity : 16;
    if (needed <= incident->counted_capacity) {
        return;
    }
    while (capacity < needed) {
        capacity *= 2;
    }
    incident->counted = realloc(incident->counted, capacity * sizeof *incident->counted);
    if (incident->counted == NULL) {
        abort();
    }
    incident->counted_capacity = capacity;
}

static struct counted *report_at(struct incident *incident, const char *reporter, const char *id)
{
    char key[SV_PAIR_SIZE];
    size_t before = incident->reports.count;
    size_t number = sv_names_add(&incident->reports, key, sv_names_pair(key, reporter, id));
    counted_reserve(incident, number + 1);
    if (number == before) {
        incident->counted[number] = (struct counted){0};
    }
    return &incident->counted[number];
}

static double measured(const Liandong__V1__Report *report, const char *measure)
{
    double sum = 0;
    for (size_t i = 0; i < report->n_measures; i++) {
        if (strcmp(report->measures[i]->measure, measure) == 0) {
            sum += report->measures[i]->value;
        }
    }
    return sum;
}

static void count(struct incident *incident, struct counted *counted, double cases, double deaths)
{
    incident->cases += cases - counted->cases;
    incident->deaths += deaths - counted->deaths;
    counted->cases = cases;
    counted->deaths = deaths;
}

void incident_take(struct sv_core *core, const Liandong__V1__Incident *message)
{
    const char *id = message->context->incident;
    struct incident *incident = incident_find(core, id);
    if (incident == NULL) {
        incident = incident_add(core, strdup(id));
        incident->plan = sv_plans_pinned(core->plans, message->context->plan_hash);
    }
    const Liandong__V1__Report *report = message->report;
    if (report == NULL || message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED) {
        return;
    }
    if (*report->revises != '\0') {
        count(incident, report_at(incident, message->reporter, report->revises), 0, 0);
    }
    count(incident, report_at(incident, message->reporter, report->id), measured(report, "cases"),
          measured(report, "deaths"));
}

static void visit_reports(struct incident *incident, struct sv_codec *codec)
{
    sv_names_visit(&incident->reports, codec);
    counted_reserve(incident, incident->reports.count);
    for (size_t i = 0; i < incident->reports.count; i++) {
        sv_code_double(codec, &incident->counted[i].cases);
        sv_code_double(codec, &incident->counted[i].deaths);
    }
}

void incidents_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t incident_count = HASH_COUNT(core->incidents);
    sv_code_count(codec, &incident_count);
    struct incident *incident = core->incidents;
    for (size_t i = 0; i < incident_count && !sv_codec_failed(codec); i++) {
        char *id = sv_codec_loading(codec) ? NULL : incident->id;
        sv_code_string(codec, &id);
        if (sv_codec_loading(codec)) {
            if (id == NULL) {
                return;
            }
            incident = incident_add(core, id);
        }
        sv_code_plan(codec, &incident->plan);
        sv_code_double(codec, &incident->cases);
        sv_code_double(codec, &incident->deaths);
        sv_code_int(codec, &incident->grade);
        visit_reports(incident, codec);
        incident = incident->hh.next;
    }
}
