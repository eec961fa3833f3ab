/*
 * notification: tells every member unit and the public what is in force, responses and warnings.
 *
 * Happy path: a Response ACTIVE, ADJUSTED or TERMINATED, or a Warning ISSUED, ADJUSTED or LIFTED
 * arrives; for every audience one Notice is
 * put out, with its CAP 1.2 message: ALERT first, UPDATE with references to all live predecessors
 * after, CANCEL at the end. Counts come from the accepted reports (incident/), grades from grade/.
 * What is told is never changed; each notice has an identifier of its own.
 *
 * Steps of a procedure that change nothing in force are not told. Events about incidents or plans
 * that are not known (a log that begins later) are passed over.
 */
#include "notification.h"
#include "liandong/v1/report.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sv_core *create(const struct sv_setup *setup)
{
    struct sv_core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        abort();
    }
    core->plans = setup->plans;
    return core;
}

static void incident_free(struct sv_core *core, struct incident *incident)
{
    sv_names_free(&incident->reports);
    free(incident->counted);
    HASH_DEL(core->incidents, incident);
    free(incident->id);
    free(incident);
}

static void series_free(struct sv_core *core, struct series *series)
{
    HASH_DEL(core->series, series);
    free(series->key);
    free(series->sent);
    free(series);
}

static void destroy(struct sv_core *core)
{
    struct incident *incident, *next_incident;
    HASH_ITER(hh, core->incidents, incident, next_incident)
    {
        incident_free(core, incident);
    }
    struct series *series, *next_series;
    HASH_ITER(hh, core->series, series, next_series)
    {
        series_free(core, series);
    }
    free(core);
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

static struct series *series_add(struct sv_core *core, char *key)
{
    struct series *series = calloc(1, sizeof *series);
    if (series == NULL || key == NULL) {
        abort();
    }
    series->key = key;
    HASH_ADD_KEYPTR(hh, core->series, series->key, strlen(series->key), series);
    return series;
}

static struct incident *incident_find(struct sv_core *core, const char *id)
{
    struct incident *incident = NULL;
    HASH_FIND_STR(core->incidents, id, incident);
    return incident;
}

/* ---- counts ---- */

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

static void on_incident(struct sv_core *core, const Liandong__V1__Incident *message)
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

/* ---- telling ---- */

struct telling {
    const struct announcement *announcement;
    struct sv_outputs *out;
};

/* Its own live predecessors: those that this audience was told. */
static void refer(struct ld_arena *arena, const struct announcement *announcement,
                  const struct audience *audience, Liandong__V1__Notice *notice)
{
    const struct series *series = announcement->series;
    notice->references = ld_arena_alloc(arena, (series->count + 1) * sizeof *notice->references);
    for (size_t i = 0; i < series->count; i++) {
        if (series->sent[i].to & audience->as) {
            notice->references[notice->n_references++] =
                cap_identifier(arena, announcement, i, audience->id);
        }
    }
}

static struct plan_text body_for(const struct announcement *announcement, unsigned as)
{
    if (as == TO_PUBLIC) {
        return announcement->public_body;
    }
    return as == TO_NEIGHBOURS ? announcement->neighbour_body : announcement->body;
}

static char *arena_copy(struct ld_arena *arena, const char *text)
{
    return ld_arena_string(arena, text, strlen(text));
}

static void tell(const struct audience *audience, void *data)
{
    const struct telling *telling = data;
    const struct announcement *announcement = telling->announcement;
    struct sv_outputs *out = telling->out;
    struct ld_arena *arena = sv_arena(out);
    const struct incident *incident = announcement->incident;
    bool everybody = audience->as == TO_PUBLIC;
    Liandong__V1__Notice notice = LIANDONG__V1__NOTICE__INIT;
    notice.context = sv_context(out, announcement->event, incident->id, incident->plan);
    notice.identifier =
        cap_identifier(arena, announcement, announcement->series->count, audience->id);
    notice.audience = arena_copy(arena, audience->id);
    refer(arena, announcement, audience, &notice);
    notice.kind = notice.n_references == 0 ? LIANDONG__V1__NOTICE__KIND__ALERT : announcement->kind;
    notice.scope =
        everybody ? LIANDONG__V1__NOTICE__SCOPE__PUBLIC : LIANDONG__V1__NOTICE__SCOPE__PRIVATE;
    notice.level = announcement->response->in_force;
    notice.headline = sv_text_of(out, announcement->headline);
    notice.body = sv_text_of(out, body_for(announcement, audience->as));
    notice.signer = sv_text_of(out, announcement->signer);
    notice.sent_at_us = announcement->event->record->time_us;
    notice.section =
        arena_copy(arena, audience->as == TO_NEIGHBOURS
                              ? announcement->incident->plan->notices.neighbours.section
                              : announcement->section);
    notice.of_warning = announcement->warning != NULL;
    notice.area = announcement->response->area;
    notice.cap = cap_write(arena, announcement, audience, &notice);
    sv_emit(out, &notice.base, "notice/%s/%s/%s", audience->area, audience->slug, incident->id);
}

static struct series *series_of(struct sv_core *core, const Liandong__V1__Response *response,
                                const Liandong__V1__Warning *warning)
{
    char key[512];
    snprintf(key, sizeof key, "%s %s%s", response->area, response->context->incident,
             warning != NULL ? " warning" : "");
    struct series *series = NULL;
    HASH_FIND_STR(core->series, key, series);
    return series != NULL ? series : series_add(core, strdup(key));
}

static void series_note(struct series *series, struct sent sent)
{
    struct sent *grown = realloc(series->sent, (series->count + 1) * sizeof *grown);
    if (grown == NULL) {
        abort();
    }
    series->sent = grown;
    series->sent[series->count++] = sent;
    series->to = sent.to; /* those before among them */
}

/* The notice of the end counts too. */
static void series_end(struct series *series)
{
    series->ended += series->count + 1;
    series->count = 0;
    series->to = 0;
}

/* Who is told: a county that follows the city says nothing that the city's notices do not say, but
 * to its own units that are no members. Who was told once hears of it to the end. */
static unsigned told_to(const struct series *series, const struct announcement *announcement)
{
    const struct plan_notices *notices = &announcement->incident->plan->notices;
    int level = announcement->level;
    if (announcement->response->follows_city) {
        return series->to | TO_OTHERS;
    }
    unsigned to = series->to | TO_MEMBERS | TO_OTHERS;
    if (plan_level_reaches(level, (int)notices->public_from)) {
        to |= TO_PUBLIC;
    }
    if (announcement->warning == NULL && *notices->neighbours.section &&
        plan_level_reaches(level, (int)notices->neighbours.from)) {
        to |= TO_NEIGHBOURS;
    }
    return to;
}

static Liandong__V1__Notice__Kind kind_of(const Liandong__V1__Response *response)
{
    return response->state == LIANDONG__V1__RESPONSE__STATE__TERMINATED
               ? LIANDONG__V1__NOTICE__KIND__CANCEL
               : LIANDONG__V1__NOTICE__KIND__UPDATE;
}

static void words_of(struct ld_arena *arena, struct announcement *announcement)
{
    const struct incident *incident = announcement->incident;
    const struct plan *plan = incident->plan;
    const struct plan_notices *notices = &plan->notices;
    bool ended = announcement->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
#define FILL(pattern)                                                                              \
    template_fill(arena, plan, incident, announcement->response, announcement->level, (pattern))
    announcement->headline = FILL(ended ? notices->ended_headline : notices->headline);
    announcement->body = FILL(ended ? notices->ended_body : notices->body);
    announcement->public_body = FILL(ended ? notices->ended_body : notices->public_body);
    announcement->neighbour_body = FILL(ended ? notices->ended_body : notices->neighbours.text);
#undef FILL
    announcement->signer = notices->signer[announcement->level];
    announcement->section = notices->section;
    announcement->area_name = plan_area_name(plan, announcement->response->area);
}

/* What the plan's templates are for responses; whoever issued the warning signs it. */
static void words_of_warning(struct ld_arena *arena, struct announcement *announcement)
{
    static const struct plan_text HEADLINE = {"{area}{hazard}{colour}预警（{level}级）",
                                              "{area}: {colour} warning (level {level}), {hazard}"};
    static const struct plan_text BODY = {
        "{area}发布{hazard}{colour}预警（{level}级）。请各成员单位按职责做好应对准备。",
        "{area} has a {colour} warning (level {level}) in force: {hazard}. Members are to prepare "
        "for what they would have to do."};
    static const struct plan_text PUBLIC = {
        "{area}发布{hazard}{colour}预警（{level}级）。请留意政府发布的信息和防护建议。",
        "{area} has a {colour} warning (level {level}) in force: {hazard}. Please follow what the "
        "authorities say and advise."};
    static const struct plan_text LIFTED = {"{area}解除{hazard}预警",
                                            "{area}: the warning is lifted, {hazard}"};
    const struct plan *plan = announcement->incident->plan;
    const Liandong__V1__Warning *warning = announcement->warning;
    bool lifted = announcement->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
#define FILL(pattern)                                                                              \
    template_fill(arena, plan, announcement->incident, announcement->response,                     \
                  announcement->level, (pattern))
    announcement->headline = FILL(lifted ? LIFTED : HEADLINE);
    announcement->body = FILL(lifted ? LIFTED : BODY);
    announcement->public_body = FILL(lifted ? LIFTED : PUBLIC);
#undef FILL
    announcement->signer = plan_unit_name(plan, warning->issued_by);
    announcement->section = warning->section;
    announcement->area_name = plan_area_name(plan, warning->area);
}

/* warning: what the response stands for; NULL: nothing else. */
static void tell_change(struct sv_core *core, const struct sv_event *event,
                        const Liandong__V1__Response *response,
                        const Liandong__V1__Warning *warning, struct sv_outputs *out)
{
    bool ended = response->state == LIANDONG__V1__RESPONSE__STATE__TERMINATED;
    bool told = ended || response->state == LIANDONG__V1__RESPONSE__STATE__ACTIVE ||
                response->state == LIANDONG__V1__RESPONSE__STATE__ADJUSTED;
    struct incident *incident = told ? incident_find(core, response->context->incident) : NULL;
    int level = (int)(ended ? response->previous : response->in_force);
    if (incident == NULL || incident->plan == NULL || level <= PLAN_NONE || level >= PLAN_LEVELS) {
        return;
    }
    struct series *series = series_of(core, response, warning);
    struct announcement announcement = {.event = event,
                                        .response = response,
                                        .warning = warning,
                                        .incident = incident,
                                        .series = series,
                                        .kind = kind_of(response),
                                        .level = level};
    if (warning != NULL) {
        words_of_warning(sv_arena(out), &announcement);
    } else {
        words_of(sv_arena(out), &announcement);
    }
    unsigned to = ended ? series->to : told_to(series, &announcement);
    struct telling telling = {&announcement, out};
    audience_each(incident->plan, response->area, to, tell, &telling);
    if (ended) {
        series_end(series);
    } else {
        series_note(series, (struct sent){event->record->time_us, to});
    }
}

/* A warning that is issued, adjusted or gone is told as a response is that starts, moves, ends; one
 * that is issued as one with others, at the colour of all. */
static void on_warning(struct sv_core *core, const struct sv_event *event,
                       const Liandong__V1__Warning *warning, struct sv_outputs *out)
{
    static const Liandong__V1__Response__State LIKE[] = {
        [LIANDONG__V1__WARNING__STATE__ISSUED] = LIANDONG__V1__RESPONSE__STATE__ACTIVE,
        [LIANDONG__V1__WARNING__STATE__ADJUSTED] = LIANDONG__V1__RESPONSE__STATE__ADJUSTED,
        [LIANDONG__V1__WARNING__STATE__LIFTED] = LIANDONG__V1__RESPONSE__STATE__TERMINATED,
        [LIANDONG__V1__WARNING__STATE__LAPSED] = LIANDONG__V1__RESPONSE__STATE__TERMINATED,
        [LIANDONG__V1__WARNING__STATE__MERGED] = LIANDONG__V1__RESPONSE__STATE__ADJUSTED};
    if ((size_t)warning->state >= sizeof LIKE / sizeof *LIKE || LIKE[warning->state] == 0 ||
        warning->context == NULL) {
        return;
    }
    if (warning->state == LIANDONG__V1__WARNING__STATE__MERGED &&
        warning->merged == warning->previous) {
        return; /* others came or went, and the colour is the same */
    }
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    response.context = warning->context;
    response.area = warning->area;
    response.state = LIKE[warning->state];
    response.previous = warning->previous;
    response.in_force =
        (Liandong__V1__Level)plan_level_graver((int)warning->merged, (int)warning->in_force);
    response.counties = warning->counties;
    response.n_counties = warning->n_counties;
    response.hazard = warning->hazard;
    tell_change(core, event, &response, warning, out);
}

static void apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    if (event->message == NULL) {
        return;
    }
    switch (event->family) {
    case SV_INCIDENT:
        on_incident(core, (const Liandong__V1__Incident *)event->message);
        break;
    case SV_GRADE: {
        const Liandong__V1__Grade *grade = (const Liandong__V1__Grade *)event->message;
        struct incident *incident = incident_find(core, grade->context->incident);
        if (incident != NULL) {
            incident->grade = (int)grade->level;
        }
        break;
    }
    case SV_RESPONSE:
        tell_change(core, event, (const Liandong__V1__Response *)event->message, NULL, out);
        break;
    case SV_WARNING:
        on_warning(core, event, (const Liandong__V1__Warning *)event->message, out);
        break;
    default:
        break;
    }
}

/* ---- snapshots ---- */

static void visit_reports(struct incident *incident, struct sv_codec *codec)
{
    sv_names_visit(&incident->reports, codec);
    counted_reserve(incident, incident->reports.count);
    for (size_t i = 0; i < incident->reports.count; i++) {
        sv_code_double(codec, &incident->counted[i].cases);
        sv_code_double(codec, &incident->counted[i].deaths);
    }
}

static void visit_incidents(struct sv_core *core, struct sv_codec *codec)
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

static void visit_sent(struct series *series, struct sv_codec *codec)
{
    size_t sent_count = series->count;
    sv_code_count(codec, &sent_count);
    for (size_t i = 0; i < sent_count && !sv_codec_failed(codec); i++) {
        struct sent sent = sv_codec_loading(codec) ? (struct sent){0} : series->sent[i];
        uint64_t to = sent.to;
        sv_code_i64(codec, &sent.at_us);
        sv_code_u64(codec, &to);
        sent.to = (unsigned)to;
        if (sv_codec_loading(codec)) {
            series_note(series, sent);
        }
    }
}

static void visit_series(struct sv_core *core, struct sv_codec *codec)
{
    size_t series_count = HASH_COUNT(core->series);
    sv_code_count(codec, &series_count);
    struct series *series = core->series;
    for (size_t i = 0; i < series_count && !sv_codec_failed(codec); i++) {
        char *key = sv_codec_loading(codec) ? NULL : series->key;
        sv_code_string(codec, &key);
        if (sv_codec_loading(codec)) {
            if (key == NULL) {
                return;
            }
            series = series_add(core, key);
        }
        sv_code_u64(codec, &series->ended);
        visit_sent(series, codec);
        series = series->hh.next;
    }
}

static void visit(struct sv_core *core, struct sv_codec *codec)
{
    visit_incidents(core, codec);
    visit_series(core, codec);
}

static const char *const FILTERS[] = {"incident/>", "grade/>", "warning/>",
                                      "response/>", "plan/>",  NULL};

const struct sv_class notification_class = {
    .name = "notification",
    .state_version = 3,
    .families = SV_BIT(SV_INCIDENT) | SV_BIT(SV_GRADE) | SV_BIT(SV_WARNING) | SV_BIT(SV_RESPONSE) |
                SV_BIT(SV_PLAN),
    .filters = FILTERS,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .visit = visit,
};
