/* Chunks of marks: a full one is split in half; one that runs empty is taken out. */
#include "series.h"

#include <stdlib.h>
#include <string.h>

enum { MARKS_MAX = 256, MARKS_FIRST = 4 };

static bool before(const struct mark *mark, int64_t time_us, uint64_t report)
{
    return mark->time_us != time_us ? mark->time_us < time_us : mark->report < report;
}

static void *resized(void *memory, size_t count, size_t element_size)
{
    void *more = realloc(memory, count * element_size);
    if (!more)
        abort();
    return more;
}

/* ---- finding ---- */

static bool ends_before(const struct chunk *chunk, int64_t time_us, uint64_t report)
{
    return chunk->last_us != time_us ? chunk->last_us < time_us : chunk->last_report < report;
}

static void note_last(struct chunk *chunk)
{
    if (chunk->count == 0)
        return;
    chunk->last_us = chunk->marks[chunk->count - 1].time_us;
    chunk->last_report = chunk->marks[chunk->count - 1].report;
}

static size_t chunk_from(const struct series *series, int64_t time_us, uint64_t report)
{
    size_t low = 0, high = series->chunk_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ends_before(&series->chunks[middle], time_us, report))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t index_from(const struct chunk *chunk, int64_t time_us, uint64_t report)
{
    size_t low = 0, high = chunk->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (before(&chunk->marks[middle], time_us, report))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct cursor series_from(const struct series *series, int64_t time_us, uint64_t report)
{
    struct cursor cursor = {.chunk = chunk_from(series, time_us, report)};
    if (cursor.chunk < series->chunk_count)
        cursor.index = index_from(&series->chunks[cursor.chunk], time_us, report);
    return cursor;
}

struct cursor series_after(const struct series *series, int64_t time_us)
{
    if (time_us == INT64_MAX)
        return (struct cursor){.chunk = series->chunk_count};
    return series_from(series, time_us + 1, 0);
}

const struct mark *series_at(const struct series *series, struct cursor cursor)
{
    return cursor.chunk < series->chunk_count ? &series->chunks[cursor.chunk].marks[cursor.index]
                                              : NULL;
}

void series_next(const struct series *series, struct cursor *cursor)
{
    if (++cursor->index < series->chunks[cursor->chunk].count)
        return;
    cursor->chunk++;
    cursor->index = 0;
}

const struct mark *series_back(const struct series *series, struct cursor *cursor)
{
    if (cursor->index == 0) {
        if (cursor->chunk == 0)
            return NULL;
        cursor->chunk--;
        cursor->index = series->chunks[cursor->chunk].count;
    }
    cursor->index--;
    return series_at(series, *cursor);
}

const struct mark *series_last(const struct series *series)
{
    if (series->chunk_count == 0)
        return NULL;
    const struct chunk *chunk = &series->chunks[series->chunk_count - 1];
    return &chunk->marks[chunk->count - 1];
}

/* ---- figures ---- */

static void find_most(struct chunk *chunk, unsigned figure)
{
    const double *figures = chunk->figures[figure];
    double most = figures[0];
    for (uint32_t i = 1; i < chunk->count; i++)
        most = figures[i] > most ? figures[i] : most;
    chunk->most[figure] = most;
}

static void find_all_most(const struct series *series, struct chunk *chunk)
{
    for (unsigned figure = 0; figure < series->figure_count && chunk->count > 0; figure++)
        find_most(chunk, figure);
}

double series_figure(const struct series *series, struct cursor cursor, unsigned figure)
{
    const struct chunk *chunk = &series->chunks[cursor.chunk];
    return chunk->figures[figure][cursor.index] + chunk->owed[figure];
}

/* The part of a chunk that lies before a time, from an index on. */
static size_t end_before(const struct chunk *chunk, int64_t to_us)
{
    return chunk->last_us < to_us ? chunk->count : index_from(chunk, to_us, 0);
}

static void raise_part(struct chunk *chunk, size_t from, size_t end, unsigned figure, double by)
{
    double *figures = chunk->figures[figure], most = chunk->most[figure];
    for (size_t i = from; i < end; i++) {
        figures[i] += by;
        most = figures[i] > most ? figures[i] : most;
    }
    chunk->most[figure] = most;
    if (by < 0)
        find_most(chunk, figure);
}

void series_raise(struct series *series, int64_t from_us, int64_t to_us, unsigned figure, double by)
{
    struct cursor cursor = series_from(series, from_us, 0);
    for (; cursor.chunk < series->chunk_count; cursor.chunk++, cursor.index = 0) {
        struct chunk *chunk = &series->chunks[cursor.chunk];
        size_t end = end_before(chunk, to_us);
        if (cursor.index >= end)
            return;
        if (cursor.index == 0 && end == chunk->count)
            chunk->owed[figure] += by;
        else
            raise_part(chunk, cursor.index, end, figure, by);
    }
}

static double greatest(const struct chunk *chunk, size_t from, size_t end, unsigned figure)
{
    const double *figures = chunk->figures[figure];
    double most = chunk->most[figure];
    if (from > 0 || end < chunk->count) {
        most = figures[from];
        for (size_t i = from + 1; i < end; i++)
            most = figures[i] > most ? figures[i] : most;
    }
    return most + chunk->owed[figure];
}

void series_most(const struct series *series, int64_t from_us, int64_t to_us, unsigned figure,
                 double *most, int64_t *at_us)
{
    const struct chunk *best = NULL;
    size_t first = 0;
    struct cursor cursor = series_from(series, from_us, 0);
    for (; cursor.chunk < series->chunk_count; cursor.chunk++, cursor.index = 0) {
        const struct chunk *chunk = &series->chunks[cursor.chunk];
        size_t end = end_before(chunk, to_us);
        if (cursor.index >= end)
            break;
        if (chunk->most[figure] + chunk->owed[figure] <= *most)
            continue;
        double value = greatest(chunk, cursor.index, end, figure);
        if (value > *most) {
            *most = value;
            best = chunk;
            first = cursor.index;
        }
    }
    if (!best)
        return;
    while (best->figures[figure][first] + best->owed[figure] != *most)
        first++;
    *at_us = best->marks[first].time_us;
}

/* ---- changing ---- */

static void add_chunk(struct series *series, size_t at, struct chunk chunk)
{
    if (series->chunk_count == series->chunk_capacity) {
        size_t capacity = series->chunk_capacity ? series->chunk_capacity * 2 : 4;
        series->chunks = resized(series->chunks, capacity, sizeof *series->chunks);
        series->chunk_capacity = capacity;
    }
    memmove(series->chunks + at + 1, series->chunks + at,
            (series->chunk_count - at) * sizeof *series->chunks);
    series->chunks[at] = chunk;
    series->chunk_count++;
}

static void make_room(const struct series *series, struct chunk *chunk, uint32_t needed)
{
    if (needed <= chunk->capacity)
        return;
    uint32_t capacity = chunk->capacity ? chunk->capacity * 2 : MARKS_FIRST;
    while (capacity < needed)
        capacity *= 2;
    chunk->marks = resized(chunk->marks, capacity, sizeof *chunk->marks);
    for (unsigned figure = 0; figure < series->figure_count; figure++)
        chunk->figures[figure] =
            resized(chunk->figures[figure], capacity, sizeof *chunk->figures[figure]);
    chunk->capacity = capacity;
}

/* Moves the upper half of a full chunk to a new one behind it. */
static void split(struct series *series, size_t at)
{
    enum { HALF = MARKS_MAX / 2 };
    struct chunk *chunk = &series->chunks[at];
    struct chunk upper = {.count = 0};
    make_room(series, &upper, MARKS_MAX);
    upper.count = chunk->count = HALF;
    memcpy(upper.marks, chunk->marks + HALF, HALF * sizeof *upper.marks);
    for (unsigned figure = 0; figure < series->figure_count; figure++) {
        memcpy(upper.figures[figure], chunk->figures[figure] + HALF,
               HALF * sizeof *upper.figures[figure]);
        upper.owed[figure] = chunk->owed[figure];
    }
    find_all_most(series, chunk);
    find_all_most(series, &upper);
    note_last(chunk);
    note_last(&upper);
    add_chunk(series, at + 1, upper);
}

/* Where to put it: at the end of the last chunk, or where it belongs in a chunk with room. */
static struct cursor room_for(struct series *series, const struct mark *mark)
{
    const struct mark *last = series_last(series);
    bool at_end = !last || before(last, mark->time_us, mark->report);
    struct cursor cursor = at_end ? (struct cursor){.chunk = series->chunk_count}
                                  : series_from(series, mark->time_us, mark->report);
    if (at_end && (!last || series->chunks[cursor.chunk - 1].count == MARKS_MAX)) {
        add_chunk(series, cursor.chunk, (struct chunk){.count = 0});
        make_room(series, &series->chunks[cursor.chunk], last ? MARKS_MAX : MARKS_FIRST);
        return cursor;
    }
    if (at_end) {
        cursor.chunk--;
        cursor.index = series->chunks[cursor.chunk].count;
    } else if (series->chunks[cursor.chunk].count == MARKS_MAX) {
        split(series, cursor.chunk);
        return room_for(series, mark);
    }
    return cursor;
}

static void put_figures(const struct series *series, struct chunk *chunk, size_t index,
                        const double *figures)
{
    size_t behind = chunk->count - index;
    for (unsigned figure = 0; figure < series->figure_count; figure++) {
        double *place = chunk->figures[figure] + index;
        double value = figures[figure] - chunk->owed[figure];
        if (behind > 0)
            memmove(place + 1, place, behind * sizeof *place);
        *place = value;
        if (chunk->count == 0 || value > chunk->most[figure])
            chunk->most[figure] = value;
    }
}

void series_insert(struct series *series, const struct mark *mark, const double *figures)
{
    struct cursor cursor = room_for(series, mark);
    struct chunk *chunk = &series->chunks[cursor.chunk];
    make_room(series, chunk, chunk->count + 1);
    put_figures(series, chunk, cursor.index, figures);
    if (cursor.index < chunk->count)
        memmove(chunk->marks + cursor.index + 1, chunk->marks + cursor.index,
                (chunk->count - cursor.index) * sizeof *chunk->marks);
    chunk->marks[cursor.index] = *mark;
    chunk->count++;
    note_last(chunk);
    series->count++;
}

static void free_chunk(struct chunk *chunk)
{
    free(chunk->marks);
    for (unsigned figure = 0; figure < SERIES_FIGURES; figure++)
        free(chunk->figures[figure]);
}

static void drop_chunk(struct series *series, size_t at)
{
    free_chunk(&series->chunks[at]);
    series->chunk_count--;
    memmove(series->chunks + at, series->chunks + at + 1,
            (series->chunk_count - at) * sizeof *series->chunks);
}

static void take_out(const struct series *series, struct chunk *chunk, size_t index)
{
    chunk->count--;
    size_t behind = chunk->count - index;
    memmove(chunk->marks + index, chunk->marks + index + 1, behind * sizeof *chunk->marks);
    for (unsigned figure = 0; figure < series->figure_count; figure++) {
        double *place = chunk->figures[figure] + index;
        memmove(place, place + 1, behind * sizeof *place);
    }
    find_all_most(series, chunk);
    note_last(chunk);
}

bool series_remove(struct series *series, int64_t time_us, uint64_t report, struct mark *mark)
{
    struct cursor cursor = series_from(series, time_us, report);
    const struct mark *found = series_at(series, cursor);
    if (!found || found->time_us != time_us || found->report != report)
        return false;
    *mark = *found;
    struct chunk *chunk = &series->chunks[cursor.chunk];
    take_out(series, chunk, cursor.index);
    series->count--;
    if (chunk->count == 0)
        drop_chunk(series, cursor.chunk);
    return true;
}

void series_free(struct series *series)
{
    for (size_t i = 0; i < series->chunk_count; i++)
        free_chunk(&series->chunks[i]);
    free(series->chunks);
    *series = (struct series){.figure_count = series->figure_count};
}

/* ---- snapshots ---- */

void series_visit_place(struct mark *mark, struct sv_codec *codec)
{
    uint64_t area = mark->area, place = mark->place;
    sv_code_i64(codec, &mark->time_us);
    sv_code_u64(codec, &mark->report);
    sv_code_u64(codec, &area);
    sv_code_u64(codec, &place);
    mark->area = (uint32_t)area;
    mark->place = (uint32_t)place;
}

void series_visit(struct series *series, struct sv_codec *codec,
                  void (*add)(const struct mark *mark, void *data), void *data)
{
    size_t count = series->count;
    sv_code_count(codec, &count);
    struct cursor cursor = {0};
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct mark mark = {0};
        if (!sv_codec_loading(codec)) {
            mark = *series_at(series, cursor);
            series_next(series, &cursor);
        }
        series_visit_place(&mark, codec);
        sv_code_double(codec, &mark.value);
        if (sv_codec_loading(codec) && !sv_codec_failed(codec))
            add(&mark, data);
    }
}
