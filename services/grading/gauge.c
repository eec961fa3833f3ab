/* A series in order of onset, and two tables of its latest marks, kept up with every change. */
#include "gauge.h"

#include <stdlib.h>
#include <string.h>

void gauge_free(struct gauge *gauge)
{
    series_free(&gauge->readings);
    free(gauge->by_area);
    free(gauge->by_place);
    *gauge = (struct gauge){0};
}

static struct mark *longer(struct mark *marks, size_t *count, size_t index)
{
    if (index < *count)
        return marks;
    size_t needed = index + 8;
    struct mark *more = realloc(marks, needed * sizeof *marks);
    if (!more)
        abort();
    memset(more + *count, 0, (needed - *count) * sizeof *more);
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

static void keep_latest(struct mark *latest, const struct mark *mark)
{
    if (is_later(mark, latest))
        *latest = *mark;
}

void gauge_add(struct gauge *gauge, const struct mark *mark)
{
    series_insert(&gauge->readings, mark, NULL);
    gauge->by_area = longer(gauge->by_area, &gauge->area_count, mark->area);
    keep_latest(&gauge->by_area[mark->area], mark);
    if (!gauge->places)
        return;
    gauge->by_place = longer(gauge->by_place, &gauge->place_count, mark->place);
    keep_latest(&gauge->by_place[mark->place], mark);
}

/* What was the latest is gone: the one before it takes its place. */
static void look_back(struct gauge *gauge, struct mark gone, struct mark *latest, bool of_area)
{
    struct cursor cursor = series_from(&gauge->readings, gone.time_us, gone.report);
    const struct mark *mark;
    *latest = (struct mark){0};
    while ((mark = series_back(&gauge->readings, &cursor)) != NULL) {
        if (of_area ? mark->area == gone.area : mark->place == gone.place) {
            *latest = *mark;
            return;
        }
    }
}

void gauge_take_back(struct gauge *gauge, int64_t time_us, uint64_t report)
{
    struct mark gone;
    if (!series_remove(&gauge->readings, time_us, report, &gone))
        return;
    if (gauge->by_area[gone.area].report == report)
        look_back(gauge, gone, &gauge->by_area[gone.area], true);
    if (gauge->places && gauge->by_place[gone.place].report == report)
        look_back(gauge, gone, &gauge->by_place[gone.place], false);
}

static const struct mark *latest_of(const struct mark *marks, size_t count, size_t index)
{
    return index < count && marks[index].report != 0 ? &marks[index] : NULL;
}

const struct mark *gauge_in_area(const struct gauge *gauge, size_t area)
{
    return latest_of(gauge->by_area, gauge->area_count, area);
}

const struct mark *gauge_at_place(const struct gauge *gauge, size_t place)
{
    return latest_of(gauge->by_place, gauge->place_count, place);
}
