/* Rows of readings in order of onset, and two tables of the latest, kept up with every change. */
#include "readings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

static void *resized(void *memory, size_t count, size_t element_size)
{
    void *more = realloc(memory, count * element_size);
    if (!more)
        abort();
    return more;
}

void readings_open(struct readings *readings, size_t measure_count, bool places)
{
    assert(measure_count <= UINT16_MAX);
    *readings = (struct readings){.measure_count = measure_count, .places = places};
}

void readings_free(struct readings *readings)
{
    series_free(&readings->rows);
    free(readings->values);
    free(readings->slots);
    free(readings->by_area);
    free(readings->by_place);
    *readings = (struct readings){.measure_count = readings->measure_count};
}

/* ---- the latest ---- */

/* Room for the measures of an area (place), and of some more. */
static struct mark *longer(const struct readings *readings, struct mark *latest, size_t *count,
                           size_t index)
{
    if (index < *count)
        return latest;
    size_t needed = index + 8, each = readings->measure_count;
    struct mark *more = resized(latest, needed * each, sizeof *more);
    memset(more + *count * each, 0, (needed - *count) * each * sizeof *more);
    *count = needed;
    return more;
}

/* Of two readings with the same onset, the one reported later counts. */
static bool is_later(const struct mark *mark, const struct mark *than)
{
    if (than->report == 0 || mark->time_us != than->time_us)
        return than->report == 0 || mark->time_us > than->time_us;
    return mark->report >= than->report;
}

/* Field by field: what was just written in parts is slow to read whole. */
static inline void take(const struct readings *readings, const struct mark *row, size_t i,
                        struct mark *reading)
{
    reading->time_us = row->time_us;
    reading->report = row->report;
    reading->value = readings->values[row->first + i];
    reading->area = row->area;
    reading->place = row->place;
}

static void keep_latest(const struct readings *readings, const struct mark *row,
                        struct mark *latest)
{
    for (size_t i = 0; i < row->count; i++) {
        struct mark *kept = &latest[readings->slots[row->first + i]];
        if (is_later(row, kept))
            take(readings, row, i, kept);
    }
}

/* ---- coming ---- */

void readings_grow(struct readings *readings)
{
    readings->capacity = readings->capacity ? readings->capacity * 2 : CAPACITY_FIRST;
    readings->values = resized(readings->values, readings->capacity, sizeof *readings->values);
    readings->slots = resized(readings->slots, readings->capacity, sizeof *readings->slots);
    assert(readings->capacity <= UINT32_MAX);
}

void readings_add(struct readings *readings, const struct mark *report)
{
    size_t each = readings->measure_count;
    struct mark row = *report;
    row.first = (uint32_t)readings->row;
    row.count = (uint32_t)(readings->size - readings->row);
    readings->row = readings->size;
    if (row.count == 0)
        return;
    series_insert(&readings->rows, &row, NULL);
    readings->by_area = longer(readings, readings->by_area, &readings->area_count, row.area);
    keep_latest(readings, &row, &readings->by_area[row.area * each]);
    if (!readings->places)
        return;
    readings->by_place = longer(readings, readings->by_place, &readings->place_count, row.place);
    keep_latest(readings, &row, &readings->by_place[row.place * each]);
}

/* ---- going ---- */

/* What was the latest is gone: the one before it takes its place. */
static void look_back(const struct readings *readings, const struct mark *gone, size_t slot,
                      bool of_area, struct mark *latest)
{
    struct cursor cursor = series_from(&readings->rows, gone->time_us, gone->report);
    const struct mark *row;
    while ((row = series_back(&readings->rows, &cursor)) != NULL) {
        if (of_area ? row->area != gone->area : row->place != gone->place)
            continue;
        for (size_t i = row->count; i > 0; i--) {
            if (readings->slots[row->first + i - 1] != slot)
                continue;
            take(readings, row, i - 1, latest);
            return;
        }
    }
    *latest = (struct mark){0};
}

static void forget(const struct readings *readings, const struct mark *gone, struct mark *latest,
                   bool of_area)
{
    for (size_t i = 0; i < gone->count; i++) {
        size_t slot = readings->slots[gone->first + i];
        if (latest[slot].report == gone->report)
            look_back(readings, gone, slot, of_area, &latest[slot]);
    }
}

void readings_take_back(struct readings *readings, int64_t time_us, uint64_t report)
{
    size_t each = readings->measure_count;
    struct mark gone;
    if (!series_remove(&readings->rows, time_us, report, &gone))
        return;
    forget(readings, &gone, &readings->by_area[gone.area * each], true);
    if (readings->places)
        forget(readings, &gone, &readings->by_place[gone.place * each], false);
}

/* ---- snapshots ---- */

static void visit_figures(struct readings *readings, const struct mark *row, struct sv_codec *codec)
{
    size_t count = row->count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        bool loading = sv_codec_loading(codec);
        uint64_t slot = loading ? 0 : readings->slots[row->first + i];
        double value = loading ? 0 : readings->values[row->first + i];
        sv_code_u64(codec, &slot);
        sv_code_double(codec, &value);
        if (loading && slot >= readings->measure_count)
            sv_codec_fail(codec);
        else if (loading)
            readings_put(readings, (size_t)slot, value);
    }
}

void readings_visit(struct readings *readings, struct sv_codec *codec,
                    bool (*is_sound)(const struct mark *report, const void *data), const void *data)
{
    size_t count = readings->rows.count;
    sv_code_count(codec, &count);
    struct cursor cursor = {0};
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct mark row = {0};
        if (!sv_codec_loading(codec)) {
            row = *series_at(&readings->rows, cursor);
            series_next(&readings->rows, &cursor);
        }
        series_visit_place(&row, codec);
        visit_figures(readings, &row, codec);
        if (!sv_codec_loading(codec))
            continue;
        if (sv_codec_failed(codec) || readings->size == readings->row || !is_sound(&row, data))
            sv_codec_fail(codec);
        else
            readings_add(readings, &row);
    }
}
