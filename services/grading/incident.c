/*
 * Counting a report: the window's end moves to its onset if that is the latest, the numbers it
 * replaces go out, its own come in, its signs stand or fall.
 */
#include "incident.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double COUNT_MAX = 1e9; /* of one report; sums stay exact */

static void *allocated(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- life ---- */

static void prepare(struct incident *incident, const struct rules *rules)
{
    incident->rules = rules;
    incident->tallies = allocated(calloc(rules->tally_count + 1, sizeof *incident->tallies));
    incident->extents = allocated(calloc(2 * rules->input_count + 1, sizeof *incident->extents));
    incident->verdicts = allocated(calloc(rules->count + 1, sizeof *incident->verdicts));
    watch_open(&incident->watch, rules);
    readings_open(&incident->readings, rules->measure_count, rules->places);
    for (size_t i = 0; i < rules->tally_count; i++)
        tally_open(&incident->tallies[i], rules->tallies[i].window_us, rules->tallies[i].places);
}

struct incident *incident_new(const char *id, const char *city, const char *hazard,
                              const struct plan *plan, const struct rules *rules)
{
    struct incident *incident = allocated(calloc(1, sizeof *incident));
    incident->id = allocated(strdup(id));
    incident->city = allocated(strdup(city));
    incident->hazard = allocated(strdup(hazard));
    incident->plan = plan;
    incident->as_of_us = INT64_MIN;
    incident->version = 1;
    incident->counties_told = SIZE_MAX; /* the first judgement is told whatever it is */
    prepare(incident, rules);
    return incident;
}

void incident_free(struct incident *incident)
{
    if (!incident)
        return;
    readings_free(&incident->readings);
    for (size_t i = 0; i < incident->rules->tally_count; i++)
        tally_free(&incident->tallies[i]);
    sv_names_free(&incident->reports);
    sv_names_free(&incident->areas);
    sv_names_free(&incident->places);
    free(incident->id);
    free(incident->city);
    free(incident->hazard);
    free(incident->told);
    free(incident->is_county);
    free(incident->tallies);
    free(incident->extents);
    watch_free(&incident->watch);
    free(incident->standing);
    free(incident->designations);
    free(incident->verdicts);
    free(incident);
}

/* ---- areas and places ---- */

struct ground incident_ground(const struct incident *incident)
{
    return (struct ground){incident->is_county, incident->areas.count, incident->places.count};
}

static bool county(const struct incident *incident, const char *area)
{
    int index = plan_find_area(incident->plan, area);
    return index >= 0 && incident->plan->areas[index].level == PLAN_COUNTY;
}

static void note_area(struct incident *incident, size_t area)
{
    if (area >= incident->is_county_capacity) {
        size_t capacity = area + 8;
        incident->is_county = allocated(realloc(incident->is_county, capacity * sizeof(bool)));
        incident->is_county_capacity = capacity;
    }
    incident->is_county[area] = county(incident, sv_names_text(&incident->areas, area));
    incident->county_count += incident->is_county[area];
}

static void note_areas(struct incident *incident)
{
    for (size_t i = 0; i < incident->areas.count; i++)
        note_area(incident, i);
}

static uint32_t area_of(struct incident *incident, const char *area)
{
    size_t before = incident->areas.count;
    size_t number = sv_names_add(&incident->areas, area, strlen(area));
    if (number == before)
        note_area(incident, number);
    return (uint32_t)number;
}

/* An area without named place counts as one place. */
static uint32_t place_of(struct incident *incident, uint32_t area, const char *place)
{
    char key[256];
    if (!incident->rules->places)
        return 0;
    size_t size = strlen(place);
    if (size > sizeof key - sizeof area)
        size = sizeof key - sizeof area;
    memcpy(key, &area, sizeof area);
    memcpy(key + sizeof area, place, size);
    return (uint32_t)sv_names_add(&incident->places, key, sizeof area + size);
}

/* ---- revisions ---- */

static void remember(struct incident *incident, const char *key, size_t size, struct told told)
{
    size_t number = sv_names_add(&incident->reports, key, size);
    if (number >= incident->told_capacity) {
        size_t capacity = incident->told_capacity ? incident->told_capacity * 2 : 16;
        incident->told = allocated(realloc(incident->told, capacity * sizeof *incident->told));
        incident->told_capacity = capacity;
    }
    incident->told[number] = told;
}

static void take_back(struct incident *incident, const char *reporter, const char *id)
{
    char key[SV_PAIR_SIZE];
    size_t size = sv_names_pair(key, reporter, id);
    size_t number = sv_names_find(&incident->reports, key, size);
    if (number == SV_NO_NAME)
        return;
    struct told told = incident->told[number];
    struct ground ground = incident_ground(incident);
    readings_take_back(&incident->readings, told.onset_us, told.report);
    for (size_t i = 0; i < incident->rules->tally_count; i++)
        tally_take_back(&incident->tallies[i], &ground, told.onset_us, told.report,
                        incident->as_of_us);
}

/* ---- numbers ---- */

static void advance(struct incident *incident, int64_t onset_us)
{
    if (onset_us <= incident->as_of_us)
        return;
    struct ground ground = incident_ground(incident);
    for (size_t i = 0; i < incident->rules->tally_count; i++)
        tally_advance(&incident->tallies[i], &ground, incident->as_of_us, onset_us);
    incident->as_of_us = onset_us;
}

static void count_mark(struct incident *incident, size_t measure, const struct mark *mark)
{
    struct ground ground = incident_ground(incident);
    for (size_t i = 0; i < incident->rules->tally_count; i++) {
        if (incident->rules->tallies[i].measure == measure)
            tally_add(&incident->tallies[i], &ground, mark, incident->as_of_us);
    }
}

/* A count must be a whole number, and adds nothing when it is 0; a reading counts as it is. */
static bool countable(bool is_gauge, double value)
{
    if (!isfinite(value))
        return false;
    return is_gauge || (value > 0 && value <= COUNT_MAX && floor(value) == value);
}

static struct heard measure_called(const struct incident *incident, const char *id)
{
    const struct plan *plan = incident->plan;
    int index = plan_find_measure(plan, id);
    if (index < 0)
        return (struct heard){.slot = -1};
    const struct plan_measure *measure = &plan->measures[index];
    return (struct heard){.id = measure->id,
                          .slot = incident->rules->slot_of_measure[index],
                          .is_gauge = measure->kind == PLAN_GAUGE_MEASURE};
}

/* Reports list the same measures in the same order, mostly: the one that stood there last is tried
 * before it is looked up. */
static struct heard measure_at(struct incident *incident, size_t place, const char *id)
{
    if (place >= LISTED)
        return measure_called(incident, id);
    struct heard *heard = &incident->heard[place];
    if (!heard->id || strcmp(heard->id, id) != 0)
        *heard = measure_called(incident, id);
    return *heard;
}

/* True if anything was counted that windows may hold. */
static bool count_measures(struct incident *incident, const Liandong__V1__Report *report,
                           struct mark mark)
{
    bool counted = false;
    for (size_t i = 0; i < report->n_measures; i++) {
        struct heard heard = measure_at(incident, i, report->measures[i]->measure);
        mark.value = report->measures[i]->value;
        if (heard.slot < 0 || !countable(heard.is_gauge, mark.value))
            continue;
        if (heard.is_gauge) {
            readings_put(&incident->readings, (size_t)heard.slot, mark.value);
            continue;
        }
        count_mark(incident, (size_t)heard.slot, &mark);
        counted = true;
    }
    readings_add(&incident->readings, &mark);
    return counted;
}

/* ---- signs ---- */

static void lift(struct incident *incident, size_t sign, uint32_t area)
{
    for (size_t i = 0; i < incident->standing_count; i++) {
        if (incident->standing[i].sign != sign || incident->standing[i].area != area)
            continue;
        incident->standing_count--;
        memmove(incident->standing + i, incident->standing + i + 1,
                (incident->standing_count - i) * sizeof *incident->standing);
        return;
    }
}

static void stand(struct incident *incident, struct standing standing)
{
    lift(incident, standing.sign, standing.area);
    size_t size = (incident->standing_count + 1) * sizeof *incident->standing;
    incident->standing = allocated(realloc(incident->standing, size));
    incident->standing[incident->standing_count++] = standing;
}

static void note_signs(struct incident *incident, const Liandong__V1__Report *report, uint32_t area,
                       uint64_t sequence)
{
    for (size_t i = 0; i < report->n_signs; i++) {
        int sign = plan_find_sign(incident->plan, report->signs[i]);
        if (sign >= 0)
            stand(incident, (struct standing){(size_t)sign, area, sequence});
    }
    for (size_t i = 0; i < report->n_signs_lifted; i++) {
        int sign = plan_find_sign(incident->plan, report->signs_lifted[i]);
        if (sign >= 0)
            lift(incident, (size_t)sign, area);
    }
}

const struct figures *incident_late(const struct incident *incident, size_t tally)
{
    struct tally *asked = &incident->tallies[tally];
    struct ground ground = incident_ground(incident);
    if (asked->late_version != incident->version)
        tally_look_back(asked, &ground, incident->late_us, incident->late_area);
    asked->late_version = incident->version;
    return &asked->late;
}

bool incident_count(struct incident *incident, const Liandong__V1__Report *report,
                    const char *reporter, uint64_t sequence)
{
    uint32_t area = area_of(incident, report->area);
    struct mark mark = {.time_us = report->occurred_at_us,
                        .report = sequence,
                        .area = area,
                        .place = place_of(incident, area, report->place)};
    bool late = mark.time_us < incident->as_of_us;
    incident->version++;
    char key[SV_PAIR_SIZE];
    size_t size = sv_names_pair(key, reporter, report->id);
    sv_names_ahead(&incident->reports, key, size);
    if (*report->revises)
        take_back(incident, reporter, report->revises);
    advance(incident, mark.time_us);
    bool counted = count_measures(incident, report, mark);
    note_signs(incident, report, area, sequence);
    remember(incident, key, size, (struct told){mark.time_us, sequence});
    incident->late_us = mark.time_us;
    incident->late_area = area;
    return late && counted;
}

/* ---- snapshots ---- */

static void visit_told(struct incident *incident, struct sv_codec *codec)
{
    sv_names_visit(&incident->reports, codec);
    size_t count = incident->reports.count;
    if (sv_codec_loading(codec)) {
        incident->told = allocated(calloc(count + 1, sizeof *incident->told));
        incident->told_capacity = count + 1;
    }
    for (size_t i = 0; i < count; i++) {
        sv_code_i64(codec, &incident->told[i].onset_us);
        sv_code_u64(codec, &incident->told[i].report);
    }
}

static void visit_standing(struct incident *incident, struct sv_codec *codec)
{
    size_t count = incident->standing_count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count; i++) {
        struct standing standing = {0};
        if (!sv_codec_loading(codec))
            standing = incident->standing[i];
        uint64_t sign = standing.sign, area = standing.area;
        sv_code_u64(codec, &sign);
        sv_code_u64(codec, &area);
        sv_code_u64(codec, &standing.report);
        standing.sign = (size_t)sign;
        standing.area = (uint32_t)area;
        if (sv_codec_loading(codec) && area < incident->areas.count)
            stand(incident, standing);
    }
}

static void visit_designations(struct incident *incident, struct sv_codec *codec)
{
    sv_code_count(codec, &incident->designation_count);
    size_t count = incident->designation_count;
    if (sv_codec_loading(codec))
        incident->designations = allocated(calloc(count + 1, sizeof *incident->designations));
    for (size_t i = 0; i < count; i++) {
        struct designation *designation = &incident->designations[i];
        uint64_t unit = designation->unit;
        sv_code_u64(codec, &unit);
        designation->unit = (size_t)unit;
        sv_code_int(codec, &designation->level);
        sv_code_u64(codec, &designation->decision);
    }
}

struct reader {
    struct incident *incident;
    struct sv_codec *codec;
    struct tally *tally;
    int64_t as_of_us;
};

/* A mark must lie in an area and place that are there. */
static bool is_sound(const struct mark *mark, const void *data)
{
    const struct incident *incident = data;
    size_t places = incident->rules->places ? incident->places.count : 1;
    return mark->area < incident->areas.count && mark->time_us <= incident->as_of_us &&
           mark->place < places;
}

/* Nor may it come before the one before it. */
static void read_mark(const struct mark *mark, void *data)
{
    struct reader *reader = data;
    struct ground ground = incident_ground(reader->incident);
    if (!is_sound(mark, reader->incident) || mark->time_us < reader->as_of_us) {
        sv_codec_fail(reader->codec);
        return;
    }
    tally_advance(reader->tally, &ground, reader->as_of_us, mark->time_us);
    reader->as_of_us = mark->time_us;
    tally_add(reader->tally, &ground, mark, mark->time_us);
}

static void visit_marks(struct incident *incident, struct sv_codec *codec)
{
    struct ground ground = incident_ground(incident);
    readings_visit(&incident->readings, codec, is_sound, incident);
    for (size_t i = 0; i < incident->rules->tally_count; i++) {
        struct tally *tally = &incident->tallies[i];
        struct reader reader = {incident, codec, tally, INT64_MIN};
        series_visit(&tally->marks, codec, read_mark, &reader);
        if (sv_codec_loading(codec))
            tally_advance(tally, &ground, reader.as_of_us, incident->as_of_us);
    }
}

static void visit_moment(struct moment *moment, struct sv_codec *codec)
{
    sv_code_i64(codec, &moment->time_us);
    sv_code_u64(codec, &moment->sequence);
}

static void visit_verdicts(struct incident *incident, struct sv_codec *codec)
{
    uint64_t counties = incident->counties_told;
    sv_code_u64(codec, &counties);
    incident->counties_told = (size_t)counties;
    for (size_t i = 0; i < incident->rules->count; i++) {
        sv_code_bool(codec, &incident->verdicts[i].now);
        sv_code_bool(codec, &incident->verdicts[i].late);
        incident->verdicts[i].holds = incident->verdicts[i].now || incident->verdicts[i].late;
        visit_moment(&incident->verdicts[i].since, codec);
    }
}

/* What the report told last was; and what conditions compare since then. */
static void visit_late(struct incident *incident, struct sv_codec *codec)
{
    uint64_t area = incident->late_area;
    sv_code_i64(codec, &incident->late_us);
    sv_code_u64(codec, &area);
    incident->late_area = (uint32_t)area;
    if (!sv_codec_loading(codec) || sv_codec_failed(codec))
        return;
    if (area < incident->areas.count)
        watch_moves(incident, true);
    else if (incident->areas.count > 0)
        sv_codec_fail(codec);
}

void incident_visit(struct incident *incident, struct sv_codec *codec)
{
    sv_code_int(codec, &incident->level);
    sv_code_int(codec, &incident->suggested);
    sv_code_int(codec, &incident->colour);
    sv_code_int(codec, &incident->merged);
    visit_moment(&incident->level_since, codec);
    visit_moment(&incident->colour_since, codec);
    sv_code_i64(codec, &incident->as_of_us);
    visit_told(incident, codec);
    sv_names_visit(&incident->areas, codec);
    sv_names_visit(&incident->places, codec);
    if (sv_codec_loading(codec))
        note_areas(incident);
    visit_marks(incident, codec);
    visit_standing(incident, codec);
    visit_designations(incident, codec);
    visit_verdicts(incident, codec);
    visit_late(incident, codec);
}
