/*
 * A series: marks in order of time (then of report), in chunks, so that appending is cheap, as is
 * putting in a late one, however many there are.
 *
 * With each mark go up to three figures (what a window that ends there adds up to). Raising a
 * figure over a stretch of time and asking for its greatest value there touch chunks, not marks.
 * Zero-initialise and set figure_count to begin.
 */
#ifndef GRADING_SERIES_H
#define GRADING_SERIES_H

#include "common/core.h"

enum { SERIES_FIGURES = 3 };

struct mark {
    int64_t time_us; /* onset */
    uint64_t report; /* sequence of the report */
    union {
        double value;
        struct { /* of a row of readings */
            uint32_t first, count;
        };
    };
    uint32_t area, place;
};
struct chunk {
    int64_t last_us; /* time and report of the last mark: for finding, without a look at marks */
    uint64_t last_report;
    struct mark *marks;
    double *figures[SERIES_FIGURES]; /* by mark, without what is owed */
    double owed[SERIES_FIGURES];     /* to be added to each */
    double most[SERIES_FIGURES];     /* greatest of figures, without what is owed */
    uint32_t count, capacity;
};
struct series {
    struct chunk *chunks; /* none is empty */
    size_t chunk_count, chunk_capacity, count;
    unsigned figure_count;
};

/* A place between marks: the mark at it, NULL at the end. */
struct cursor {
    size_t chunk, index;
};

void series_insert(struct series *series, const struct mark *mark, const double *figures);
/* Takes out the mark of this report at this time into *mark; false if there is none. */
bool series_remove(struct series *series, int64_t time_us, uint64_t report, struct mark *mark);
void series_free(struct series *series);

/* Before the first mark later than time; before the first mark not before (time, report). */
struct cursor series_after(const struct series *series, int64_t time_us);
struct cursor series_from(const struct series *series, int64_t time_us, uint64_t report);
const struct mark *series_at(const struct series *series, struct cursor cursor);
void series_next(const struct series *series, struct cursor *cursor);
/* Steps back and returns the mark there; NULL at the beginning. */
const struct mark *series_back(const struct series *series, struct cursor *cursor);
/* The last mark; NULL if there is none. */
const struct mark *series_last(const struct series *series);

/* A figure of the mark at the cursor. */
double series_figure(const struct series *series, struct cursor cursor, unsigned figure);
/* Adds to a figure of all marks in [from, to). */
void series_raise(struct series *series, int64_t from_us, int64_t to_us, unsigned figure,
                  double by);
/* If a figure is greater than *most at a mark in [from, to), sets *most and *at to the greatest
 * and the first time of it. */
void series_most(const struct series *series, int64_t from_us, int64_t to_us, unsigned figure,
                 double *most, int64_t *at_us);

/* Of a mark: when, which report, area and place. */
void series_visit_place(struct mark *mark, struct sv_codec *codec);
/* The marks without their figures: add is called for each one loaded. */
void series_visit(struct series *series, struct sv_codec *codec,
                  void (*add)(const struct mark *mark, void *data), void *data);

#endif
