/*
 * A series: marks in order of time (then of report), in chunks, so that appending is cheap, as is
 * putting in a late one, however many there are. Zero-initialise to begin.
 */
#ifndef GRADING_SERIES_H
#define GRADING_SERIES_H

#include "common/core.h"

struct mark {
    int64_t time_us; /* onset */
    uint64_t report; /* sequence of the report */
    double value;
    uint32_t area, place;
};
struct chunk {
    struct mark *marks;
    uint32_t count, capacity;
};
struct series {
    struct chunk *chunks; /* none is empty */
    size_t chunk_count, chunk_capacity, count;
};

/* A place between marks: the mark at it, NULL at the end. */
struct cursor {
    size_t chunk, index;
};

void series_insert(struct series *series, const struct mark *mark);
/* Takes out the mark of this report at this time into *mark; false if there is none. */
bool series_remove(struct series *series, int64_t time_us, uint64_t report, struct mark *mark);
/* Before the first mark later than time. */
struct cursor series_after(const struct series *series, int64_t time_us);
const struct mark *series_at(const struct series *series, struct cursor cursor);
void series_next(const struct series *series, struct cursor *cursor);
/* Steps back and returns the mark there; NULL at the beginning. */
const struct mark *series_back(const struct series *series, struct cursor *cursor);
/* The latest mark in an area, or of all (area UINT32_MAX); NULL if there is none. */
const struct mark *series_last_in(const struct series *series, uint32_t area);
void series_free(struct series *series);
void series_visit(struct series *series, struct sv_codec *codec);

#endif
