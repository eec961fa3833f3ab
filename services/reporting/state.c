/* Reporting's state: growing it, snapshots of it, letting it go. */
#include "reporting.h"

#include <liandong/topic.h>
#include <stdlib.h>
#include <string.h>

void *reporting_room(void *array, size_t *capacity, size_t needed, size_t element_size)
{
    if (needed <= *capacity)
        return array;
    size_t more = *capacity ? *capacity * 2 : 16;
    while (more < needed)
        more *= 2;
    void *grown = realloc(array, more * element_size);
    if (!grown)
        abort();
    memset((char *)grown + *capacity * element_size, 0, (more - *capacity) * element_size);
    *capacity = more;
    return grown;
}

size_t word_of(struct sv_core *core, const char *text)
{
    return sv_names_add(&core->words, text, strlen(text));
}

const char *word_text(const struct sv_core *core, size_t word)
{
    return sv_names_text(&core->words, word);
}

static void code_size(struct sv_codec *codec, size_t *value)
{
    uint64_t wide = *value;
    sv_code_u64(codec, &wide);
    *value = (size_t)wide;
}

/* An index below limit, or NOTHING. */
static void code_index(struct sv_codec *codec, size_t *value, size_t limit, bool may_be_nothing)
{
    size_t shifted = *value + 1;
    code_size(codec, &shifted);
    *value = shifted - 1;
    if (sv_codec_failed(codec))
        *value = 0;
    else if (*value >= limit && !(may_be_nothing && *value == NOTHING))
        sv_codec_fail(codec);
}

static void visit_filed(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = core->reports.count;
    core->filed = reporting_room(core->filed, &core->filed_capacity, count, sizeof *core->filed);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct filed *filed = &core->filed[i];
        sv_code_u64(codec, &filed->sequence);
        sv_code_i64(codec, &filed->time_us);
        sv_code_i64(codec, &filed->occurred_us);
        sv_code_i64(codec, &filed->received_us);
        code_index(codec, &filed->incident, core->ids.count, true);
        code_index(codec, &filed->area, core->words.count, false);
        code_index(codec, &filed->reporter, core->words.count, false);
        code_index(codec, &filed->revised_by, count, true);
        sv_code_int(codec, &filed->means);
        sv_code_int(codec, &filed->kind);
    }
}

static void *visited_list(void *list, size_t *count, size_t element_size, struct sv_codec *codec)
{
    sv_code_count(codec, count);
    if (!sv_codec_loading(codec))
        return list;
    void *fresh = calloc(*count + 1, element_size);
    if (!fresh)
        abort();
    return fresh;
}

static void visit_incident_lists(struct sv_core *core, struct incident *incident,
                                 struct sv_codec *codec)
{
    incident->counties = visited_list(incident->counties, &incident->county_count,
                                      sizeof *incident->counties, codec);
    for (size_t i = 0; i < incident->county_count; i++)
        code_index(codec, &incident->counties[i], core->words.count, false);
    incident->responses = visited_list(incident->responses, &incident->response_count,
                                       sizeof *incident->responses, codec);
    for (size_t i = 0; i < incident->response_count; i++) {
        code_index(codec, &incident->responses[i].area, core->words.count, false);
        sv_code_int(codec, &incident->responses[i].level);
    }
    incident->runs =
        visited_list(incident->runs, &incident->run_count, sizeof *incident->runs, codec);
    for (size_t i = 0; i < incident->run_count; i++)
        code_index(codec, &incident->runs[i], core->run_count, false);
}

static void visit_incident(struct sv_core *core, struct incident *incident, struct sv_codec *codec)
{
    sv_code_string(codec, &incident->id);
    sv_code_string(codec, &incident->hazard);
    sv_code_plan(codec, &incident->plan);
    sv_code_bool(codec, &incident->open);
    sv_code_bool(codec, &incident->final);
    sv_code_u64(codec, &incident->final_sequence);
    sv_code_i64(codec, &incident->opened_us);
    sv_code_int(codec, &incident->level);
    if (!incident->id || !incident->hazard || !incident->plan ||
        plan_find_hazard(incident->plan, incident->hazard) < 0 || incident->level < PLAN_NONE ||
        incident->level >= PLAN_LEVELS)
        sv_codec_fail(codec);
    visit_incident_lists(core, incident, codec);
}

static void visit_run(struct sv_core *core, struct run *run, struct sv_codec *codec)
{
    int state = (int)run->state;
    code_index(codec, &run->incident, core->ids.count, false);
    code_size(codec, &run->clock);
    code_index(codec, &run->area, core->words.count, false);
    code_index(codec, &run->unit, core->words.count, true);
    sv_code_int(codec, &state);
    sv_code_i64(codec, &run->started_us);
    sv_code_i64(codec, &run->due_us);
    sv_code_i64(codec, &run->next_us);
    sv_code_i64(codec, &run->heard_us);
    sv_code_int(codec, &run->missed);
    run->state = (enum run_state)state;
    if (state < RUN_WAITING || state > RUN_CANCELLED)
        sv_codec_fail(codec);
}

static void visit_runs(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = core->run_count;
    sv_code_count(codec, &count);
    core->runs = reporting_room(core->runs, &core->run_capacity, count, sizeof *core->runs);
    core->run_count = count;
    for (size_t i = 0; i < count; i++)
        visit_run(core, &core->runs[i], codec);
}

static void visit_incidents(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = core->ids.count;
    core->incidents =
        reporting_room(core->incidents, &core->incident_capacity, count, sizeof *core->incidents);
    for (size_t i = 0; i < count; i++) {
        visit_incident(core, &core->incidents[i], codec);
        if (!sv_codec_failed(codec) &&
            strcmp(core->incidents[i].id, sv_names_text(&core->ids, i)) != 0)
            sv_codec_fail(codec);
    }
}

static void visit_subjects(struct sv_core *core, struct sv_codec *codec)
{
    sv_names_visit(&core->subjects, codec);
    core->open_by_subject = reporting_room(core->open_by_subject, &core->subject_capacity,
                                           core->subjects.count, sizeof *core->open_by_subject);
    for (size_t i = 0; i < core->subjects.count; i++)
        code_index(codec, &core->open_by_subject[i], core->ids.count, true);
    sv_names_visit(&core->days, codec);
    core->ordinals = reporting_room(core->ordinals, &core->day_capacity, core->days.count,
                                    sizeof *core->ordinals);
    for (size_t i = 0; i < core->days.count; i++)
        code_size(codec, &core->ordinals[i]);
}

/* Clocks must be those of their incident's plan. */
static void check_runs(const struct sv_core *core, struct sv_codec *codec)
{
    for (size_t i = 0; i < core->run_count && !sv_codec_failed(codec); i++) {
        if (core->runs[i].clock >= core->incidents[core->runs[i].incident].plan->clock_count)
            sv_codec_fail(codec);
    }
}

/* Words and incidents become segments of topics. */
static void check_names(const struct sv_names *names, struct sv_codec *codec)
{
    for (size_t i = 0; i < names->count && !sv_codec_failed(codec); i++) {
        const char *text = sv_names_text(names, i);
        if (ld_topic_check(text, strlen(text), NULL) != LD_OK)
            sv_codec_fail(codec);
    }
}

void reporting_visit(struct sv_core *core, struct sv_codec *codec)
{
    sv_names_visit(&core->words, codec);
    sv_names_visit(&core->ids, codec);
    check_names(&core->words, codec);
    check_names(&core->ids, codec);
    sv_names_visit(&core->reports, codec);
    visit_filed(core, codec);
    visit_runs(core, codec);
    visit_incidents(core, codec);
    visit_subjects(core, codec);
    sv_timers_visit(&core->timers, codec);
    check_runs(core, codec);
}

void reporting_clear(struct sv_core *core)
{
    for (size_t i = 0; i < core->ids.count && i < core->incident_capacity; i++) {
        free(core->incidents[i].id);
        free(core->incidents[i].hazard);
        free(core->incidents[i].counties);
        free(core->incidents[i].responses);
        free(core->incidents[i].runs);
    }
    sv_names_free(&core->words);
    sv_names_free(&core->reports);
    sv_names_free(&core->ids);
    sv_names_free(&core->subjects);
    sv_names_free(&core->days);
    sv_timers_free(&core->timers);
    free(core->filed);
    free(core->incidents);
    free(core->open_by_subject);
    free(core->ordinals);
    free(core->runs);
}
