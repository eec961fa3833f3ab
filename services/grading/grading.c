/*
 * grading: how grave is each incident, and why.
 *
 * A function of incident/ (what reporting accepted), decision/ (designations) and the plan that
 * each incident is pinned to. Every report is counted; when the grade, what is suggested, the
 * criteria that hold or the counties change, a Grade event says so with its reason; when the
 * colour of the warning changes, a Warning is suggested.
 *
 * What it cannot use (a malformed event, an incident that was never opened or is closed, a
 * designation by a stranger) it ignores: refusing is reporting's and command's part. A closed
 * incident is forgotten but for its name.
 */
#include "grading.h"
#include "explain.h"
#include "merge.h"

#include <stdlib.h>
#include <string.h>
#include "liandong/v1/command.pb-c.h"

struct sv_core {
    const struct sv_plans *plans;
    struct sv_names ids;         /* of incidents */
    struct incident **incidents; /* by number of id; NULL once closed */
    size_t incident_capacity;
    struct rules **rules; /* made so far */
    size_t rules_count;
};

/* ---- life ---- */

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
    for (size_t i = 0; i < core->ids.count; i++)
        incident_free(core->incidents[i]);
    for (size_t i = 0; i < core->rules_count; i++)
        rules_free(core->rules[i]);
    free(core->incidents);
    free(core->rules);
    sv_names_free(&core->ids);
    free(core);
}

static const struct rules *rules_for(struct sv_core *core, const struct plan *plan, size_t hazard)
{
    for (size_t i = 0; i < core->rules_count; i++) {
        if (core->rules[i]->plan == plan && core->rules[i]->hazard == hazard)
            return core->rules[i];
    }
    struct rules **all = realloc(core->rules, (core->rules_count + 1) * sizeof *all);
    if (!all)
        abort();
    core->rules = all;
    return all[core->rules_count++] = rules_make(plan, hazard);
}

/* ---- incidents ---- */

static struct incident **place_for(struct sv_core *core, const char *id)
{
    size_t number = sv_names_add(&core->ids, id, strlen(id));
    if (number >= core->incident_capacity) {
        size_t capacity = core->incident_capacity ? core->incident_capacity * 2 : 16;
        struct incident **more = realloc(core->incidents, capacity * sizeof *more);
        if (!more)
            abort();
        memset(more + core->incident_capacity, 0,
               (capacity - core->incident_capacity) * sizeof *more);
        core->incidents = more;
        core->incident_capacity = capacity;
    }
    return &core->incidents[number];
}

static struct incident *find(const struct sv_core *core, const char *id)
{
    size_t number = sv_names_find(&core->ids, id, strlen(id));
    return number == SV_NO_NAME ? NULL : core->incidents[number];
}

static struct incident *open_incident(struct sv_core *core, const Liandong__V1__Incident *message)
{
    const struct plan *plan = sv_plans_pinned(core->plans, message->context->plan_hash);
    int hazard = plan ? plan_find_hazard(plan, message->hazard) : -1;
    const char *id = message->context->incident;
    if (hazard < 0 || sv_names_find(&core->ids, id, strlen(id)) != SV_NO_NAME)
        return NULL;
    struct incident **place = place_for(core, id);
    *place = incident_new(id, message->area, message->hazard, plan,
                          rules_for(core, plan, (size_t)hazard));
    return *place;
}

/* ---- telling ---- */

static void emit_grade(const struct sv_event *event, const struct incident *incident,
                       const struct changes *changes, struct sv_outputs *out)
{
    Liandong__V1__Grade grade = LIANDONG__V1__GRADE__INIT;
    grade.context = sv_context(out, event, incident->id, incident->plan);
    grade.previous = (Liandong__V1__Level)changes->level_before;
    explain_grade(sv_arena(out), incident, &grade);
    sv_emit(out, &grade.base, "grade/%s/%s", incident->city, incident->id);
}

static struct merge merge_of(const struct sv_core *core)
{
    return (struct merge){core->incidents, core->ids.count};
}

static void emit_warning(const struct sv_core *core, const struct sv_event *event,
                         struct incident *incident, int previous, struct sv_outputs *out)
{
    Liandong__V1__Warning warning = LIANDONG__V1__WARNING__INIT;
    warning.context = sv_context(out, event, incident->id, incident->plan);
    warning.previous = (Liandong__V1__Level)previous;
    explain_warning(sv_arena(out), incident, &warning);
    merge_explain(merge_of(core), sv_arena(out), incident, &warning);
    incident->merged = (int)warning.merged;
    sv_emit(out, &warning.base, "warning/%s/%s", incident->city, incident->id);
}

/* Warnings that are issued as one with that of an incident of this plan and city, and which have
 * another colour together now, say so. */
static void tell_merged(const struct sv_core *core, const struct sv_event *event,
                        const struct plan *plan, const char *city, struct sv_outputs *out)
{
    if (!*plan->warning_merge_section)
        return;
    int merged = merge_colour(merge_of(core), plan, city);
    for (size_t i = 0; i < core->ids.count; i++) {
        struct incident *other = core->incidents[i];
        if (merge_includes(other, plan, city) && other->colour != PLAN_NONE &&
            other->merged != merged)
            emit_warning(core, event, other, other->colour, out);
    }
}

static void judge_and_tell(const struct sv_core *core, const struct sv_event *event,
                           struct incident *incident, bool late, struct sv_outputs *out)
{
    struct moment moment = {event->record->time_us, event->record->sequence};
    struct changes changes = judge(incident, moment, late);
    bool graded = incident->plan->criterion_count > 0; /* else its response follows the warning */
    if (graded && (changes.level || changes.suggested || changes.holding || changes.counties))
        emit_grade(event, incident, &changes, out);
    if (changes.colour || changes.warnings)
        emit_warning(core, event, incident, changes.colour_before, out);
    if (changes.colour)
        tell_merged(core, event, incident->plan, incident->city, out);
}

/* ---- events ---- */

/* Its warning no longer counts among those that are issued as one. */
static void close_incident(struct sv_core *core, const struct sv_event *event, const char *id,
                           struct sv_outputs *out)
{
    size_t number = sv_names_find(&core->ids, id, strlen(id));
    struct incident *incident = number == SV_NO_NAME ? NULL : core->incidents[number];
    if (!incident)
        return;
    core->incidents[number] = NULL;
    if (incident->colour != PLAN_NONE)
        tell_merged(core, event, incident->plan, incident->city, out);
    incident_free(incident);
}

/* What is said must be said on its own topic, whose segments are fit for ours. */
static bool named_by_topic(const struct sv_event *event, const Liandong__V1__Incident *message)
{
    return message->context && event->segment_count == 3 &&
           strcmp(event->segment[1], message->area) == 0 &&
           strcmp(event->segment[2], message->context->incident) == 0;
}

static void apply_incident(struct sv_core *core, const struct sv_event *event,
                           struct sv_outputs *out)
{
    const Liandong__V1__Incident *message = (const void *)event->message;
    if (!named_by_topic(event, message))
        return;
    if (message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED) {
        close_incident(core, event, message->context->incident, out);
        return;
    }
    struct incident *incident = message->action == LIANDONG__V1__INCIDENT__ACTION__OPENED
                                    ? open_incident(core, message)
                                    : find(core, message->context->incident);
    if (!incident || !message->report)
        return;
    bool late =
        incident_count(incident, message->report, message->reporter, message->report_sequence);
    judge_and_tell(core, event, incident, late, out);
}

static void designate(struct incident *incident, struct designation designation)
{
    for (size_t i = 0; i < incident->designation_count; i++) {
        if (incident->designations[i].unit == designation.unit &&
            incident->designations[i].level == designation.level)
            return;
    }
    struct designation *all =
        realloc(incident->designations, (incident->designation_count + 1) * sizeof *all);
    if (!all)
        abort();
    incident->designations = all;
    all[incident->designation_count++] = designation;
}

static void apply_decision(struct sv_core *core, const struct sv_event *event,
                           struct sv_outputs *out)
{
    const Liandong__V1__Decision *message = (const void *)event->message;
    if (message->act != LIANDONG__V1__DECISION__ACT__DESIGNATE || !message->context ||
        message->effective_at_us != 0 || event->segment_count != 4 ||
        strcmp(event->segment[3], message->context->author) != 0)
        return;
    struct incident *incident = find(core, message->context->incident);
    int unit = incident ? plan_find_unit(incident->plan, message->context->author) : -1;
    if (unit < 0)
        return;
    designate(incident,
              (struct designation){(size_t)unit, (int)message->level, event->record->sequence});
    watch_all(&incident->watch, incident->rules);
    judge_and_tell(core, event, incident, false, out);
}

static void apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    if (!event->message)
        return;
    if (event->family == SV_INCIDENT)
        apply_incident(core, event, out);
    else if (event->family == SV_DECISION)
        apply_decision(core, event, out);
}

/* ---- asking ---- */

static Liandong__V1__Context *context_of(struct ld_arena *arena, const struct incident *incident)
{
    Liandong__V1__Context *context = ld_arena_alloc(arena, sizeof *context);
    liandong__v1__context__init(context);
    context->incident = incident->id;
    context->plan = sv_borrow(incident->plan->id);
    context->plan_hash = sv_borrow(incident->plan->hash);
    context->author = sv_borrow(grading_class.name);
    return context;
}

bool grading_explain(const struct sv_core *core, const char *id, struct ld_arena *arena,
                     Liandong__V1__Grade *grade, Liandong__V1__Warning *warning)
{
    const struct incident *incident = find(core, id);
    if (!incident)
        return false;
    liandong__v1__grade__init(grade);
    liandong__v1__warning__init(warning);
    grade->context = warning->context = context_of(arena, incident);
    explain_grade(arena, incident, grade);
    explain_warning(arena, incident, warning);
    merge_explain(merge_of(core), arena, incident, warning);
    grade->previous = grade->level;
    warning->previous = warning->level;
    return true;
}

/* ---- snapshots ---- */

static void visit_incident(struct sv_core *core, struct incident **place, const char *id,
                           struct sv_codec *codec)
{
    bool open = *place != NULL;
    sv_code_bool(codec, &open);
    if (!open)
        return;
    char *city = *place ? (*place)->city : NULL, *hazard = *place ? (*place)->hazard : NULL;
    const struct plan *plan = *place ? (*place)->plan : NULL;
    sv_code_string(codec, &city);
    sv_code_string(codec, &hazard);
    sv_code_plan(codec, &plan);
    if (sv_codec_loading(codec)) {
        int index = plan && hazard ? plan_find_hazard(plan, hazard) : -1;
        if (index >= 0 && city)
            *place = incident_new(id, city, hazard, plan, rules_for(core, plan, (size_t)index));
        else
            sv_codec_fail(codec);
        free(city);
        free(hazard);
    }
    if (*place)
        incident_visit(*place, codec);
}

static void visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = core->ids.count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        char *id = sv_codec_loading(codec) ? NULL : sv_borrow(sv_names_text(&core->ids, i));
        sv_code_string(codec, &id);
        if (id && sv_codec_loading(codec) && find(core, id)) {
            sv_codec_fail(codec); /* given twice */
        } else if (id) {
            struct incident **place = place_for(core, id); /* makes the name while loading */
            visit_incident(core, place, sv_names_text(&core->ids, i), codec);
        }
        if (sv_codec_loading(codec))
            free(id);
    }
}

static const char *const filters[] = {"incident/>", "decision/>", NULL};

const struct sv_class grading_class = {
    .name = "grading",
    .families = SV_BIT(SV_INCIDENT) | SV_BIT(SV_DECISION),
    .filters = filters,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .visit = visit,
    .state_version = 4,
};
