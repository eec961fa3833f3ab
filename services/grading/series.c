/* Chunks of marks: a full one is split in half; one that runs empty is taken out. */
#include "series.h"

#include <stdlib.h>
#include <string.h>

enum { MARKS_MAX = 256, MARKS_FIRST = 4 };

static bool before(const struct mark *mark, int64_t time_us, uint64_t report)
{
    return mark->time_us != time_us ? mark->time_us < time_us : mark->report < report;
}

static void *allocated(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- finding ---- */

/* The first place whose mark is not before (time, report). */
static struct cursor lower_bound(const struct series *series, int64_t time_us, uint64_t report)
{
    size_t low = 0, high = series->chunk_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct chunk *chunk = &series->chunks[middle];
        if (before(&chunk->marks[chunk->count - 1], time_us, report))
            low = middle + 1;
        else
            high = middle;
    }
    struct cursor cursor = {.chunk = low};
    if (low == series->chunk_count)
        return cursor;
    const struct chunk *chunk = &series->chunks[low];
    size_t first = 0, last = chunk->count;
    while (first < last) {
        size_t middle = (first + last) / 2;
        if (before(&chunk->marks[middle], time_us, report))
            first = middle + 1;
        else
            last = middle;
    }
    cursor.index = first;
    return cursor;
}

struct cursor series_after(const struct series *series, int64_t time_us)
{
    if (time_us == INT64_MAX)
        return (struct cursor){.chunk = series->chunk_count};
    return lower_bound(series, time_us + 1, 0);
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

const struct mark *series_last_in(const struct series *series, uint32_t area)
{
    struct cursor cursor = {.chunk = series->chunk_count};
    const struct mark *mark;
    while ((mark = series_back(series, &cursor)) != NULL) {
        if (area == UINT32_MAX || mark->area == area)
            return mark;
    }
    return NULL;
}

/* ---- changing ---- */

static void add_chunk(struct series *series, size_t at, struct chunk chunk)
{
    if (series->chunk_count == series->chunk_capacity) {
        size_t capacity = series->chunk_capacity ? series->chunk_capacity * 2 : 4;
        series->chunks = allocated(realloc(series->chunks, capacity * sizeof *series->chunks));
        series->chunk_capacity = capacity;
    }
    memmove(series->chunks + at + 1, series->chunks + at,
            (series->chunk_count - at) * sizeof *series->chunks);
    series->chunks[at] = chunk;
    series->chunk_count++;
}

static void make_room(struct chunk *chunk)
{
    if (chunk->count < chunk->capacity)
        return;
    uint32_t capacity = chunk->capacity ? chunk->capacity * 2 : MARKS_FIRST;
    chunk->marks = allocated(realloc(chunk->marks, capacity * sizeof *chunk->marks));
    chunk->capacity = capacity;
}

/* Moves the upper half of a full chunk to a new one behind it. */
static void split(struct series *series, size_t at)
{
    enum { HALF = MARKS_MAX / 2 };
    struct chunk upper = {allocated(malloc(MARKS_MAX * sizeof *upper.marks)), HALF, MARKS_MAX};
    struct chunk *chunk = &series->chunks[at];
    memcpy(upper.marks, chunk->marks + HALF, HALF * sizeof *upper.marks);
    chunk->count = HALF;
    add_chunk(series, at + 1, upper);
}

/* Where to put it: at the end of the last chunk, or where it belongs in a chunk with room. */
static struct cursor room_for(struct series *series, const struct mark *mark)
{
    struct cursor cursor = lower_bound(series, mark->time_us, mark->report);
    bool at_end = cursor.chunk == series->chunk_count;
    if (at_end && (cursor.chunk == 0 || series->chunks[cursor.chunk - 1].count == MARKS_MAX)) {
        add_chunk(series, cursor.chunk, (struct chunk){0});
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

void series_insert(struct series *series, const struct mark *mark)
{
    struct cursor cursor = room_for(series, mark);
    struct chunk *chunk = &series->chunks[cursor.chunk];
    make_room(chunk);
    memmove(chunk->marks + cursor.index + 1, chunk->marks + cursor.index,
            (chunk->count - cursor.index) * sizeof *chunk->marks);
    chunk->marks[cursor.index] = *mark;
    chunk->count++;
    series->count++;
}

static void drop_chunk(struct series *series, size_t at)
{
    free(series->chunks[at].marks);
    series->chunk_count--;
    memmove(series->chunks + at, series->chunks + at + 1,
            (series->chunk_count - at) * sizeof *series->chunks);
}

bool series_remove(struct series *series, int64_t time_us, uint64_t report, struct mark *mark)
{
    struct cursor cursor = lower_bound(series, time_us, report);
    const struct mark *found = series_at(series, cursor);
    if (!found || found->time_us != time_us || found->report != report)
        return false;
    *mark = *found;
    struct chunk *chunk = &series->chunks[cursor.chunk];
    chunk->count--;
    series->count--;
    memmove(chunk->marks + cursor.index, chunk->marks + cursor.index + 1,
            (chunk->count - cursor.index) * sizeof *chunk->marks);
    if (chunk->count == 0)
        drop_chunk(series, cursor.chunk);
    return true;
}

void series_free(struct series *series)
{
    for (size_t i = 0; i < series->chunk_count; i++)
        free(series->chunks[i].marks);
    free(series->chunks);
    *series = (struct series){0};
}

static void visit_mark(struct mark *mark, struct sv_codec *codec)
{
    uint64_t area = mark->area, place = mark->place;
    sv_code_i64(codec, &mark->time_us);
    sv_code_u64(codec, &mark->report);
    sv_code_double(codec, &mark->value);
    sv_code_u64(codec, &area);
    sv_code_u64(codec, &place);
    mark->area = (uint32_t)area;
    mark->place = (uint32_t)place;
}

void series_visit(struct series *series, struct sv_codec *codec)
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
        visit_mark(&mark, codec);
        if (sv_codec_loading(codec) && !sv_codec_failed(codec))
            series_insert(series, &mark);
    }
}
