/*
 * A tally: what one measure adds up to in the window (as of - window, as of], over the city, in
 * each area, and in how many counties and places; kept up as the window slides.
 *
 * as_of is the incident's: the latest onset that any report told of. For a late report the tally
 * also looks at every window that contains it, (t - window, t] for t from its onset on, and keeps
 * the greatest of each figure with the t where it was found.
 */
#ifndef GRADING_TALLY_H
#define GRADING_TALLY_H

#include "rules.h"
#include "series.h"

struct figure {
    double value;
    int64_t to_us; /* end of its window */
};
struct figures { /* greatest over the windows that contain a late report */
    struct figure total, area, areas, places;
};
struct tally {
    int64_t window_us;
    bool count_places;
    int64_t oldest_us; /* no mark in the window is older */
    double total;
    double *by_area, *by_place;
    size_t area_capacity, place_capacity;
    size_t areas, places; /* with a sum of at least 1; areas: counties only */
    struct figures late;
    uint32_t late_area; /* of the late report */
};

/* The places of an incident, for areas that are counties. */
struct ground {
    const bool *is_county; /* by area */
    size_t area_count, place_count;
};

/* Start of the window that ends at to: marks after it are inside. */
int64_t tally_from(const struct tally *tally, int64_t to_us);
/* The window's end moves from was to to. */
void tally_advance(struct tally *tally, const struct series *series, const struct ground *ground,
                   int64_t was_us, int64_t to_us);
/* A mark came into the series (direction 1) or went out (-1). */
void tally_count(struct tally *tally, const struct ground *ground, const struct mark *mark,
                 int direction, int64_t as_of_us);
/* Fills in late for a report at onset in area. */
void tally_look_back(struct tally *tally, const struct series *series, const struct ground *ground,
                     int64_t onset_us, uint32_t area);
/* Counts anew from the series, after loading. */
void tally_rebuild(struct tally *tally, const struct series *series, const struct ground *ground,
                   int64_t as_of_us);
void tally_free(struct tally *tally);

#endif
