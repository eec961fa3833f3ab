/*
 * notification: tells every member unit and the public what is in force, responses and warnings.
 *
 * Happy path: a Response ACTIVE, ADJUSTED or TERMINATED, or a Warning ISSUED, ADJUSTED or LIFTED
 * arrives; for every audience one Notice is put out, with its CAP 1.2 message: ALERT first, UPDATE
 * with references to all live predecessors after, CANCEL at the end. Counts come from the accepted
 * reports (incident/), grades from grade/. What is told is never changed; each notice has an
 * identifier of its own. Where an audience has contacts, dispatch.c sends it to them, until it is
 * acknowledged.
 *
 * Steps of a procedure that change nothing in force are not told, nor is the end of what was never
 * told. Events about incidents or plans that are not known (a log that begins later) are passed
 * over.
 */
#include "notification.h"

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

static void destroy(struct sv_core *core)
{
    incidents_free(core);
    series_all_free(core);
    contacts_free(core);
    dispatch_free(core);
    free(core);
}

/* ---- telling ---- */

struct telling {
    struct sv_core *core;
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
    bool ends = announcement->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
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
    if (everybody && !ends) {
        notice.correction = sv_text_of(out, announcement->correction);
    }
    notice.cap = cap_write(arena, announcement, audience, &notice);
    sv_emit(out, &notice.base, "notice/%s/%s/%s", audience->area, audience->slug, incident->id);
    const int64_t *within_us = incident->plan->orders.acknowledge_within_us;
    dispatch_begin(telling->core, announcement->event, audience, announcement->series, &notice,
                   everybody || ends ? 0 : within_us[announcement->level], out);
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

/* warning: what the response stands for; NULL: nothing else. correction: NULL, or what takes the
 * place of what was told. */
static void tell_all(struct sv_core *core, const struct sv_event *event,
                     const Liandong__V1__Response *response, const Liandong__V1__Warning *warning,
                     const struct plan_text *correction, struct sv_outputs *out)
{
    bool ended = response->state == LIANDONG__V1__RESPONSE__STATE__TERMINATED;
    const struct incident *incident = incident_find(core, response->context->incident);
    int level = (int)(ended ? response->previous : response->in_force);
    if (incident == NULL || incident->plan == NULL || level <= PLAN_NONE || level >= PLAN_LEVELS) {
        return;
    }
    struct series *series =
        series_of(core, response->area, response->context->incident, warning != NULL);
    struct announcement announcement = {.event = event,
                                        .response = response,
                                        .warning = warning,
                                        .incident = incident,
                                        .series = series,
                                        .kind = kind_of(response),
                                        .corrects = correction != NULL,
                                        .level = level};
    words_fill(sv_arena(out), &announcement, correction);
    struct telling telling = {core, &announcement, out};
    unsigned to = ended ? series->to : told_to(series, &announcement);
    audience_each(incident->plan, response->area, to, tell, &telling);
    if (ended) {
        series_end(series);
        return;
    }
    series_note(series, (struct sent){event->record->time_us, to});
    series_about(series, warning != NULL ? &warning->base : &response->base);
}

static void on_response(struct sv_core *core, const struct sv_event *event,
                        const Liandong__V1__Response *response, struct sv_outputs *out)
{
    if (response->context != NULL &&
        (response->state == LIANDONG__V1__RESPONSE__STATE__TERMINATED ||
         response->state == LIANDONG__V1__RESPONSE__STATE__ACTIVE ||
         response->state == LIANDONG__V1__RESPONSE__STATE__ADJUSTED)) {
        tell_all(core, event, response, NULL, NULL, out);
    }
}

/* A warning that is issued, adjusted or gone in a response's words: as one that starts, moves,
 * ends; one that is issued as one with others, at the colour of all. */
static Liandong__V1__Response as_response(const Liandong__V1__Warning *warning,
                                          Liandong__V1__Response__State state)
{
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    response.context = warning->context;
    response.area = warning->area;
    response.state = state;
    response.previous = warning->previous;
    response.in_force =
        (Liandong__V1__Level)plan_level_graver((int)warning->merged, (int)warning->in_force);
    response.counties = warning->counties;
    response.n_counties = warning->n_counties;
    response.hazard = warning->hazard;
    return response;
}

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
    Liandong__V1__Response response = as_response(warning, LIKE[warning->state]);
    tell_all(core, event, &response, warning, NULL, out);
}

bool notification_correct(struct sv_core *core, const struct sv_event *event, struct series *series,
                          struct plan_text words, struct sv_outputs *out)
{
    if (series->count == 0 || series->about == NULL) {
        return false;
    }
    Liandong__V1__Warning *warning = NULL;
    Liandong__V1__Response *response = NULL;
    if (series->of_warning) {
        warning = liandong__v1__warning__unpack(NULL, series->about_size, series->about);
    } else {
        response = liandong__v1__response__unpack(NULL, series->about_size, series->about);
    }
    if (warning != NULL) {
        Liandong__V1__Response stands_for =
            as_response(warning, LIANDONG__V1__RESPONSE__STATE__ADJUSTED);
        tell_all(core, event, &stands_for, warning, &words, out);
        liandong__v1__warning__free_unpacked(warning, NULL);
    } else if (response != NULL) {
        tell_all(core, event, response, NULL, &words, out);
        liandong__v1__response__free_unpacked(response, NULL);
    }
    return true;
}

/* ---- events ---- */

static void on_incident(struct sv_core *core, const Liandong__V1__Incident *message)
{
    incident_take(core, message);
    if (message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED) {
        dispatch_close(core, message->context->incident);
    }
}

static void on_grade(struct sv_core *core, const Liandong__V1__Grade *grade)
{
    struct incident *incident = incident_find(core, grade->context->incident);
    if (incident != NULL) {
        incident->grade = (int)grade->level;
    }
}

static void apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const ProtobufCMessage *message = event->message;
    dispatch_due(core, event, out);
    if (event->family == SV_CONTACT) {
        contacts_take(core, event, out);
    } else if (event->family == SV_NOTIFY) {
        act_take(core, event, out);
    }
    if (message == NULL) {
        return;
    }
    switch (event->family) {
    case SV_INCIDENT:
        on_incident(core, (const Liandong__V1__Incident *)message);
        break;
    case SV_GRADE:
        on_grade(core, (const Liandong__V1__Grade *)message);
        break;
    case SV_RESPONSE:
        on_response(core, event, (const Liandong__V1__Response *)message, out);
        break;
    case SV_WARNING:
        on_warning(core, event, (const Liandong__V1__Warning *)message, out);
        break;
    default:
        break;
    }
}

static void visit(struct sv_core *core, struct sv_codec *codec)
{
    incidents_visit(core, codec);
    series_all_visit(core, codec);
    contacts_visit(core, codec);
    dispatch_visit(core, codec);
}

static const char *const FILTERS[] = {"incident/>", "grade/>",  "warning/>", "response/>", "plan/>",
                                      "contact/>",  "notify/>", "sys/tick",  NULL};

const struct sv_class notification_class = {
    .name = "notification",
    .state_version = 4,
    .families = SV_BIT(SV_INCIDENT) | SV_BIT(SV_GRADE) | SV_BIT(SV_WARNING) | SV_BIT(SV_RESPONSE) |
                SV_BIT(SV_PLAN) | SV_BIT(SV_CONTACT) | SV_BIT(SV_NOTIFY) | SV_BIT(SV_TICK),
    .filters = FILTERS,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .visit = visit,
};
