/* Sliding sums (see tally.h). Values are whole numbers, so that sums are exact in any order. */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum { TOTAL, AREAS, PLACES }; /* figures of tally.marks */
enum { AREA_SUM };             /* of tally.in_area */

void tally_open(struct tally *tally, int64_t window_us, bool count_places)
{
    bool slides = window_us != GRADING_ALL_TIME;
    *tally = (struct tally){.window_us = window_us,
                            .count_places = count_places,
                            .oldest_us = INT64_MAX,
                            .marks.figure_count = !slides        ? 0
                                                  : count_places ? PLACES + 1
                                                                 : PLACES};
}

void tally_free(struct tally *tally)
{
    for (size_t i = 0; i < tally->area_capacity; i++)
        series_free(&tally->in_area[i]);
    for (size_t i = 0; i < tally->place_capacity; i++)
        series_free(&tally->in_place[i]);
    series_free(&tally->marks);
    free(tally->by_area);
    free(tally->by_place);
    free(tally->in_area);
    free(tally->in_place);
}

static bool slides(const struct tally *tally)
{
    return tally->window_us != GRADING_ALL_TIME;
}

int64_t tally_from(const struct tally *tally, int64_t to_us)
{
    if (!slides(tally) || to_us < INT64_MIN + tally->window_us)
        return INT64_MIN;
    return to_us - tally->window_us;
}

int64_t tally_gone_at(const struct tally *tally, int64_t time_us)
{
    return time_us > INT64_MAX - tally->window_us ? INT64_MAX : time_us + tally->window_us;
}

/* ---- the latest window ---- */

static void *longer(void *array, size_t from, size_t to, size_t element_size)
{
    char *grown = realloc(array, to * element_size);
    if (!grown)
        abort();
    memset(grown + from * element_size, 0, (to - from) * element_size);
    return grown;
}

static void make_room(double **sums, struct series **lists, unsigned figure_count, size_t *capacity,
                      size_t needed)
{
    if (needed <= *capacity)
        return;
    size_t more = *capacity ? *capacity * 2 : 4;
    while (more < needed)
        more *= 2;
    *sums = longer(*sums, *capacity, more, sizeof **sums);
    *lists = longer(*lists, *capacity, more, sizeof **lists);
    for (size_t i = *capacity; i < more; i++)
        (*lists)[i].figure_count = figure_count;
    *capacity = more;
}

static void know_ground(struct tally *tally, const struct ground *ground)
{
    make_room(&tally->by_area, &tally->in_area, 1, &tally->area_capacity, ground->area_count);
    if (tally->count_places)
        make_room(&tally->by_place, &tally->in_place, 0, &tally->place_capacity,
                  ground->place_count);
}

/* Adds to a sum; +1 or -1 if it now counts or no longer counts as at least one, else 0. */
static int change(double *sum, double by)
{
    bool before = *sum >= 1;
    *sum += by;
    return (int)(*sum >= 1) - (int)before;
}

/* A mark enters (1) or leaves (-1) the latest window. */
static void shift(struct tally *tally, const struct ground *ground, const struct mark *mark,
                  int direction)
{
    double by = direction * mark->value;
    tally->total += by;
    int step = change(&tally->by_area[mark->area], by);
    if (ground->is_county[mark->area])
        tally->areas += (size_t)(ptrdiff_t)step;
    if (tally->count_places)
        tally->places += (size_t)(ptrdiff_t)change(&tally->by_place[mark->place], by);
}

void tally_advance(struct tally *tally, const struct ground *ground, int64_t was_us, int64_t to_us)
{
    int64_t from_us = tally_from(tally, to_us);
    if (tally->oldest_us > from_us)
        return;
    struct cursor cursor = series_after(&tally->marks, tally_from(tally, was_us));
    const struct mark *mark;
    while ((mark = series_at(&tally->marks, cursor)) != NULL && mark->time_us <= from_us) {
        shift(tally, ground, mark, -1);
        series_next(&tally->marks, &cursor);
    }
    tally->oldest_us = mark ? mark->time_us : INT64_MAX;
}

static void shift_if_inside(struct tally *tally, const struct ground *ground,
                            const struct mark *mark, int direction, int64_t as_of_us)
{
    if (mark->time_us <= tally_from(tally, as_of_us))
        return;
    shift(tally, ground, mark, direction);
    if (mark->time_us < tally->oldest_us)
        tally->oldest_us = mark->time_us;
}

/* ---- windows of the past ---- */

/* Is this mark the last of its list up to a time? */
static bool is_last_until(const struct series *list, const struct mark *mark, int64_t until_us)
{
    const struct mark *next = series_at(list, series_from(list, mark->time_us, mark->report + 1));
    return !next || next->time_us > until_us;
}

/* What the window that ends at a time adds up to: as at the mark before, less what has gone since.
 */
static void figures_at(const struct tally *tally, const struct ground *ground, int64_t to_us,
                       double figures[SERIES_FIGURES])
{
    struct cursor cursor = series_after(&tally->marks, to_us);
    const struct mark *last = series_back(&tally->marks, &cursor);
    for (unsigned i = 0; i < SERIES_FIGURES; i++)
        figures[i] =
            last && i < tally->marks.figure_count ? series_figure(&tally->marks, cursor, i) : 0;
    if (!last || last->time_us == to_us)
        return;
    cursor = series_after(&tally->marks, tally_from(tally, last->time_us));
    const struct mark *mark;
    for (; (mark = series_at(&tally->marks, cursor)) != NULL && mark->time_us <= last->time_us &&
           mark->time_us <= tally_from(tally, to_us);
         series_next(&tally->marks, &cursor)) {
        figures[TOTAL] -= mark->value;
        if (ground->is_county[mark->area] &&
            is_last_until(&tally->in_area[mark->area], mark, last->time_us))
            figures[AREAS]--;
        if (tally->count_places &&
            is_last_until(&tally->in_place[mark->place], mark, last->time_us))
            figures[PLACES]--;
    }
}

/* The same in one area. */
static double area_sum_at(const struct tally *tally, uint32_t area, int64_t to_us)
{
    if (area >= tally->area_capacity)
        return 0;
    const struct series *list = &tally->in_area[area];
    struct cursor cursor = series_after(list, to_us);
    const struct mark *last = series_back(list, &cursor);
    if (!last)
        return 0;
    double sum = series_figure(list, cursor, AREA_SUM);
    if (last->time_us == to_us)
        return sum;
    cursor = series_after(list, tally_from(tally, last->time_us));
    const struct mark *mark;
    for (; (mark = series_at(list, cursor)) != NULL && mark->time_us <= tally_from(tally, to_us);
         series_next(list, &cursor))
        sum -= mark->value;
    return sum;
}

struct stretch {
    int64_t from_us, to_us;
};

/* The windows that a mark at this time is alone in, among the marks of a list without it. */
static struct stretch alone(const struct tally *tally, const struct series *list, int64_t time_us)
{
    struct stretch stretch = {time_us, tally_gone_at(tally, time_us)};
    struct cursor cursor = series_after(list, time_us);
    const struct mark *next = series_at(list, cursor);
    const struct mark *last = series_back(list, &cursor);
    if (next && next->time_us < stretch.to_us)
        stretch.to_us = next->time_us;
    if (last && tally_gone_at(tally, last->time_us) > time_us)
        stretch.from_us = tally_gone_at(tally, last->time_us);
    return stretch;
}

static void raise_distinct(struct tally *tally, const struct series *list, int64_t time_us,
                           unsigned figure, int direction)
{
    struct stretch stretch = alone(tally, list, time_us);
    if (stretch.from_us < stretch.to_us)
        series_raise(&tally->marks, stretch.from_us, stretch.to_us, figure, direction);
}

static void raise_all(struct tally *tally, const struct ground *ground, const struct mark *mark,
                      int direction)
{
    int64_t from_us = mark->time_us, to_us = tally_gone_at(tally, mark->time_us);
    double by = direction * mark->value;
    series_raise(&tally->marks, from_us, to_us, TOTAL, by);
    series_raise(&tally->in_area[mark->area], from_us, to_us, AREA_SUM, by);
    if (ground->is_county[mark->area])
        raise_distinct(tally, &tally->in_area[mark->area], from_us, AREAS, direction);
    if (tally->count_places)
        raise_distinct(tally, &tally->in_place[mark->place], from_us, PLACES, direction);
}

/* ---- coming and going ---- */

/* The newest mark of all: its figures are those of the latest window. */
static void append(struct tally *tally, const struct mark *mark)
{
    const double figures[SERIES_FIGURES] = {tally->total, (double)tally->areas,
                                            (double)tally->places};
    series_insert(&tally->marks, mark, figures);
    if (!slides(tally))
        return;
    series_insert(&tally->in_area[mark->area], mark, &tally->by_area[mark->area]);
    if (tally->count_places)
        series_insert(&tally->in_place[mark->place], mark, NULL);
}

/* Figures as they are without it, then raised over the windows that hold it; the lists of area and
 * place must not have it yet when it is asked where it is alone. */
static void insert(struct tally *tally, const struct ground *ground, const struct mark *mark)
{
    double figures[SERIES_FIGURES];
    figures_at(tally, ground, mark->time_us, figures);
    double area_sum = area_sum_at(tally, mark->area, mark->time_us);
    series_insert(&tally->marks, mark, figures);
    raise_all(tally, ground, mark, 1);
    area_sum += mark->value;
    series_insert(&tally->in_area[mark->area], mark, &area_sum);
    if (tally->count_places)
        series_insert(&tally->in_place[mark->place], mark, NULL);
}

void tally_add(struct tally *tally, const struct ground *ground, const struct mark *mark,
               int64_t as_of_us)
{
    know_ground(tally, ground);
    shift_if_inside(tally, ground, mark, 1, as_of_us);
    const struct mark *last = series_last(&tally->marks);
    bool newest = mark->time_us == as_of_us && (!last || last->time_us < mark->time_us);
    if (newest || !slides(tally))
        append(tally, mark);
    else
        insert(tally, ground, mark);
}

void tally_take_back(struct tally *tally, const struct ground *ground, int64_t time_us,
                     uint64_t report, int64_t as_of_us)
{
    struct mark mark;
    if (!series_remove(&tally->marks, time_us, report, &mark))
        return;
    shift_if_inside(tally, ground, &mark, -1, as_of_us);
    if (!slides(tally))
        return;
    series_remove(&tally->in_area[mark.area], time_us, report, &mark);
    if (tally->count_places)
        series_remove(&tally->in_place[mark.place], time_us, report, &mark);
    raise_all(tally, ground, &mark, -1);
}

/* ---- looking back ---- */

static struct figure most(const struct series *series, int64_t from_us, int64_t to_us,
                          unsigned figure, double at_onset)
{
    struct figure found = {at_onset, from_us};
    series_most(series, from_us, to_us, figure, &found.value, &found.to_us);
    return found;
}

static void look_at_all(struct tally *tally, uint32_t area)
{
    double sum = area < tally->area_capacity ? tally->by_area[area] : 0;
    tally->late = (struct figures){{tally->total, INT64_MAX},
                                   {sum, INT64_MAX},
                                   {(double)tally->areas, INT64_MAX},
                                   {(double)tally->places, INT64_MAX}};
}

void tally_look_back(struct tally *tally, const struct ground *ground, int64_t onset_us,
                     uint32_t area)
{
    if (!slides(tally)) { /* every window is the same one */
        look_at_all(tally, area);
        return;
    }
    double figures[SERIES_FIGURES];
    int64_t to_us = tally_gone_at(tally, onset_us);
    double sum = area_sum_at(tally, area, onset_us);
    figures_at(tally, ground, onset_us, figures);
    tally->late.total = most(&tally->marks, onset_us, to_us, TOTAL, figures[TOTAL]);
    tally->late.areas = most(&tally->marks, onset_us, to_us, AREAS, figures[AREAS]);
    if (tally->count_places)
        tally->late.places = most(&tally->marks, onset_us, to_us, PLACES, figures[PLACES]);
    tally->late.area = (struct figure){sum, onset_us};
    if (area < tally->area_capacity)
        tally->late.area = most(&tally->in_area[area], onset_us, to_us, AREA_SUM, sum);
}
