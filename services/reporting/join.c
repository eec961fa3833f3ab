/*
 * Joining: an accepted report gets its number, joins its incident or opens one, and may close it.
 *
 * An epidemic has one open incident a hazard and city; an accident opens its own unless the report
 * names one. An incident stays pinned to the plan (and hash) that governed it when it was opened.
 * A final report closes it, at once or when the last response ends; a later report with news takes
 * the final one back.
 */
#include "reporting.h"

#include <stdlib.h>
#include <string.h>
#include "timefmt.h"

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

size_t report_number(const struct sv_core *core, const char *reporter, const char *id)
{
    char key[SV_PAIR_SIZE];
    return sv_names_find(&core->reports, key, sv_names_pair(key, reporter, id));
}

void report_ahead(const struct sv_core *core, const char *reporter, const char *id)
{
    char key[SV_PAIR_SIZE];
    sv_names_ahead(&core->reports, key, sv_names_pair(key, reporter, id));
}

size_t incident_number(const struct sv_core *core, const char *id)
{
    return sv_names_find(&core->ids, id, strlen(id));
}

size_t open_incident_for(const struct sv_core *core, const char *city, const char *hazard)
{
    char key[SV_PAIR_SIZE];
    size_t subject = sv_names_find(&core->subjects, key, sv_names_pair(key, city, hazard));
    return subject == SV_NO_NAME ? NOTHING : core->open_by_subject[subject];
}

static void set_open(struct sv_core *core, const char *city, const char *hazard, size_t incident)
{
    char key[SV_PAIR_SIZE];
    size_t subject = sv_names_add(&core->subjects, key, sv_names_pair(key, city, hazard));
    core->open_by_subject = reporting_room(core->open_by_subject, &core->subject_capacity,
                                           core->subjects.count, sizeof *core->open_by_subject);
    core->open_by_subject[subject] = incident;
}

/* ---- opening ---- */

/* "3303-cholera-20261011-1": the ordinal counts the incidents of that city, hazard and day. */
static const char *new_id(const struct intake *intake)
{
    struct sv_core *core = intake->core;
    const Liandong__V1__Report *report = intake->report;
    struct ld_arena *arena = sv_arena(intake->out);
    char date[LD_TIME_TEXT_SIZE];
    ld_date_format(date, report->occurred_at_us, LD_CHINA_OFFSET_MINUTES);
    char *day = ld_arena_format(arena, "%s-%s-%.4s%.2s%.2s", intake->plan->area, report->hazard,
                                date, date + 5, date + 8);
    size_t before = core->days.count;
    size_t number = sv_names_add(&core->days, day, strlen(day));
    core->ordinals = reporting_room(core->ordinals, &core->day_capacity, core->days.count,
                                    sizeof *core->ordinals);
    if (number == before)
        core->ordinals[number] = 0;
    return ld_arena_format(arena, "%s-%zu", day, ++core->ordinals[number]);
}

static size_t open_incident(const struct intake *intake)
{
    struct sv_core *core = intake->core;
    const struct plan *plan = intake->plan;
    const char *id = new_id(intake);
    size_t number = sv_names_add(&core->ids, id, strlen(id));
    core->incidents = reporting_room(core->incidents, &core->incident_capacity, core->ids.count,
                                     sizeof *core->incidents);
    core->incidents[number] = (struct incident){.id = must(strdup(id)),
                                                .hazard = must(strdup(intake->report->hazard)),
                                                .plan = plan,
                                                .open = true,
                                                .opened_us = intake->event->record->time_us};
    int hazard = plan_find_hazard(plan, intake->report->hazard);
    if (plan->hazards[hazard].kind == PLAN_EPIDEMIC)
        set_open(core, plan->area, intake->report->hazard, number);
    return number;
}

static void note_county(struct incident *incident, const struct plan *plan, const char *area,
                        size_t word)
{
    int index = plan_find_area(plan, area);
    if (index < 0 || plan->areas[index].level != PLAN_COUNTY)
        return;
    for (size_t i = 0; i < incident->county_count; i++) {
        if (incident->counties[i] == word)
            return;
    }
    size_t size = (incident->county_count + 1) * sizeof *incident->counties;
    incident->counties = must(realloc(incident->counties, size));
    incident->counties[incident->county_count++] = word;
}

/* ---- telling ---- */

static Liandong__V1__Incident *message_of(struct sv_core *core, const struct sv_event *event,
                                          struct sv_outputs *out, const struct incident *incident)
{
    Liandong__V1__Incident *message = ld_arena_alloc(sv_arena(out), sizeof *message);
    liandong__v1__incident__init(message);
    message->context = sv_context(out, event, incident->id, incident->plan);
    message->area = sv_borrow(incident->plan->area);
    message->hazard = sv_borrow(incident->hazard);
    message->opened_at_us = incident->opened_us;
    message->n_counties = incident->county_count;
    message->counties =
        ld_arena_alloc(sv_arena(out), (incident->county_count + 1) * sizeof *message->counties);
    for (size_t i = 0; i < incident->county_count; i++)
        message->counties[i] = sv_borrow(word_text(core, incident->counties[i]));
    return message;
}

/* The report as accepted: without its context, with the times that it left open. */
static Liandong__V1__Report *accepted(const struct intake *intake, const struct filed *filed)
{
    Liandong__V1__Report *copy = ld_arena_alloc(sv_arena(intake->out), sizeof *copy);
    *copy = *intake->report;
    copy->base.n_unknown_fields = 0;
    copy->context = NULL;
    copy->occurred_at_us = filed->occurred_us;
    copy->received_at_us = filed->received_us;
    return copy;
}

static void tell(const struct intake *intake, size_t number, bool opened)
{
    struct sv_core *core = intake->core;
    const struct filed *filed = &core->filed[number];
    const struct incident *incident = &core->incidents[filed->incident];
    Liandong__V1__Incident *message = message_of(core, intake->event, intake->out, incident);
    message->action =
        opened ? LIANDONG__V1__INCIDENT__ACTION__OPENED : LIANDONG__V1__INCIDENT__ACTION__JOINED;
    message->report = accepted(intake, filed);
    message->report_sequence = filed->sequence;
    message->reporter = sv_borrow(intake->report->context->author);
    sv_emit(intake->out, &message->base, "incident/%s/%s", incident->plan->area, incident->id);
}

/* ---- taking ---- */

static size_t file_report(const struct intake *intake)
{
    struct sv_core *core = intake->core;
    const Liandong__V1__Report *report = intake->report;
    int64_t now_us = intake->event->record->time_us;
    const char *reporter = report->context->author;
    char key[SV_PAIR_SIZE];
    size_t number = sv_names_add(&core->reports, key, sv_names_pair(key, reporter, report->id));
    core->filed = reporting_room(core->filed, &core->filed_capacity, core->reports.count,
                                 sizeof *core->filed);
    core->filed[number] = (struct filed){
        .sequence = intake->event->record->sequence,
        .time_us = now_us,
        .occurred_us = report->occurred_at_us ? report->occurred_at_us : now_us,
        .received_us = report->received_at_us ? report->received_at_us : now_us,
        .incident = intake->incident,
        .area = word_of(core, report->area),
        .reporter = word_of(core, reporter),
        .revised_by = NOTHING,
        .means = (int)report->means,
        .kind = (int)report->kind,
    };
    if (intake->revised != NOTHING)
        core->filed[intake->revised].revised_by = number;
    return number;
}

static bool has_news(const Liandong__V1__Report *report)
{
    return report->kind == LIANDONG__V1__REPORT__KIND__INITIAL ||
           report->kind == LIANDONG__V1__REPORT__KIND__PROGRESS;
}

static void note_final(const struct intake *intake, struct incident *incident)
{
    if (has_news(intake->report))
        incident->final = false;
    if (intake->report->kind != LIANDONG__V1__REPORT__KIND__FINAL)
        return;
    incident->final = true;
    incident->final_sequence = intake->event->record->sequence;
}

void join_report(struct intake *intake)
{
    struct sv_core *core = intake->core;
    bool opens = intake->incident == NOTHING && has_news(intake->report);
    if (opens)
        intake->incident = open_incident(intake);
    size_t number = file_report(intake);
    if (intake->incident == NOTHING) {
        sv_accept(intake->out, intake->event, NULL, intake->plan);
        return;
    }
    struct incident *incident = &core->incidents[intake->incident];
    if (!incident->open) {
        sv_accept(intake->out, intake->event, incident->id, incident->plan);
        clocks_afterwards(core, intake->event, intake->out, number);
        return;
    }
    note_county(incident, incident->plan, intake->report->area, core->filed[number].area);
    note_final(intake, incident);
    sv_accept(intake->out, intake->event, incident->id, incident->plan);
    tell(intake, number, opens);
    clocks_report(core, intake->event, intake->out, number);
    join_close(core, intake->event, intake->out, intake->incident);
}

/* ---- closing ---- */

static bool response_in_force(const struct incident *incident)
{
    for (size_t i = 0; i < incident->response_count; i++) {
        if (incident->responses[i].level != PLAN_NONE)
            return true;
    }
    return false;
}

void join_close(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                size_t number)
{
    struct incident *incident = &core->incidents[number];
    if (!incident->open || !incident->final || response_in_force(incident))
        return;
    incident->open = false;
    if (open_incident_for(core, incident->plan->area, incident->hazard) == number)
        set_open(core, incident->plan->area, incident->hazard, NOTHING);
    Liandong__V1__Incident *message = message_of(core, event, out, incident);
    message->action = LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    message->report_sequence = incident->final_sequence;
    sv_emit(out, &message->base, "incident/%s/%s", incident->plan->area, incident->id);
    clocks_close(core, event, out, number);
}
