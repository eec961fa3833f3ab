/* Sliding sums (see tally.h). Values are whole numbers, so that sums are exact in any order. */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

int64_t tally_from(const struct tally *tally, int64_t to_us)
{
    if (tally->window_us == GRADING_ALL_TIME || to_us < INT64_MIN + tally->window_us)
        return INT64_MIN;
    return to_us - tally->window_us;
}

static void make_room(double **sums, size_t *capacity, size_t needed)
{
    if (needed <= *capacity)
        return;
    size_t more = *capacity ? *capacity * 2 : 4;
    while (more < needed)
        more *= 2;
    double *grown = realloc(*sums, more * sizeof *grown);
    if (!grown)
        abort();
    memset(grown + *capacity, 0, (more - *capacity) * sizeof *grown);
    *sums = grown;
    *capacity = more;
}

/* Adds to a sum; +1 or -1 if it now counts or no longer counts as at least one, else 0. */
static int change(double *sum, double by)
{
    bool before = *sum >= 1;
    *sum += by;
    return (int)(*sum >= 1) - (int)before;
}

static void shift(struct tally *tally, const struct ground *ground, const struct mark *mark,
                  int direction)
{
    double by = direction * mark->value;
    tally->total += by;
    make_room(&tally->by_area, &tally->area_capacity, ground->area_count);
    int step = change(&tally->by_area[mark->area], by);
    if (ground->is_county[mark->area])
        tally->areas += (size_t)(ptrdiff_t)step;
    if (!tally->count_places)
        return;
    make_room(&tally->by_place, &tally->place_capacity, ground->place_count);
    tally->places += (size_t)(ptrdiff_t)change(&tally->by_place[mark->place], by);
}

/* Takes out what the window leaves behind when its start moves from was to to. */
static void expire(struct tally *tally, const struct series *series, const struct ground *ground,
                   int64_t was_us, int64_t to_us)
{
    struct cursor cursor = series_after(series, was_us);
    const struct mark *mark;
    while ((mark = series_at(series, cursor)) != NULL && mark->time_us <= to_us) {
        shift(tally, ground, mark, -1);
        series_next(series, &cursor);
    }
    tally->oldest_us = mark ? mark->time_us : INT64_MAX;
}

void tally_advance(struct tally *tally, const struct series *series, const struct ground *ground,
                   int64_t was_us, int64_t to_us)
{
    if (tally->oldest_us <= tally_from(tally, to_us) && tally->window_us != GRADING_ALL_TIME)
        expire(tally, series, ground, tally_from(tally, was_us), tally_from(tally, to_us));
}

void tally_count(struct tally *tally, const struct ground *ground, const struct mark *mark,
                 int direction, int64_t as_of_us)
{
    if (mark->time_us <= tally_from(tally, as_of_us))
        return;
    shift(tally, ground, mark, direction);
    if (mark->time_us < tally->oldest_us)
        tally->oldest_us = mark->time_us;
}

/* ---- late reports ---- */

static void raise(struct figure *figure, double value, int64_t to_us)
{
    if (value > figure->value || figure->to_us == INT64_MIN)
        *figure = (struct figure){value, to_us};
}

static void keep_greatest(struct figures *figures, const struct tally *slider, uint32_t area,
                          int64_t to_us)
{
    raise(&figures->total, slider->total, to_us);
    raise(&figures->area, area < slider->area_capacity ? slider->by_area[area] : 0, to_us);
    raise(&figures->areas, (double)slider->areas, to_us);
    raise(&figures->places, (double)slider->places, to_us);
}

/* Slides on to the next onset: all marks of one time at once. False at the end. */
static bool slide(struct tally *slider, const struct series *series, const struct ground *ground,
                  struct cursor *next, int64_t *to_us)
{
    const struct mark *mark = series_at(series, *next);
    if (!mark)
        return false;
    int64_t was_us = *to_us;
    *to_us = mark->time_us;
    tally_advance(slider, series, ground, was_us, *to_us);
    for (; mark && mark->time_us == *to_us; mark = series_at(series, *next)) {
        tally_count(slider, ground, mark, 1, *to_us);
        series_next(series, next);
    }
    return true;
}

void tally_look_back(struct tally *tally, const struct series *series, const struct ground *ground,
                     int64_t onset_us, uint32_t area)
{
    static const struct figure none = {0, INT64_MIN};
    struct tally slider = {.window_us = tally->window_us, .count_places = tally->count_places};
    struct figures late = {none, none, none, none};
    tally->late_area = area;
    if (tally->window_us == GRADING_ALL_TIME) { /* every window is the same one */
        keep_greatest(&late, tally, area, INT64_MAX);
        tally->late = late;
        return;
    }
    tally_rebuild(&slider, series, ground, onset_us);
    keep_greatest(&late, &slider, area, onset_us);
    struct cursor next = series_after(series, onset_us);
    int64_t to_us = onset_us;
    while (slide(&slider, series, ground, &next, &to_us) && (tally_from(tally, to_us) < onset_us))
        keep_greatest(&late, &slider, area, to_us);
    tally->late = late;
    tally_free(&slider);
}

void tally_rebuild(struct tally *tally, const struct series *series, const struct ground *ground,
                   int64_t as_of_us)
{
    tally->oldest_us = INT64_MAX;
    struct cursor cursor = series_after(series, tally_from(tally, as_of_us));
    const struct mark *mark;
    while ((mark = series_at(series, cursor)) != NULL && mark->time_us <= as_of_us) {
        tally_count(tally, ground, mark, 1, as_of_us);
        series_next(series, &cursor);
    }
}

void tally_free(struct tally *tally)
{
    free(tally->by_area);
    free(tally->by_place);
    tally->by_area = tally->by_place = NULL;
    tally->area_capacity = tally->place_capacity = 0;
}
