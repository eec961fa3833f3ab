/*
 * A tally: what one measure adds up to in the window (as of - window, as of], over the city, in
 * each area, and in how many counties and places; kept up as the window slides. as_of is the
 * incident's: the latest onset that any report told of.
 *
 * For late reports the tally also keeps, with each mark, what the window that ended there added up
 * to: over the city, distinct counties and places, and in the mark's own area. A late mark raises
 * them over the windows that hold it, [onset, onset + window); distinct counts only where no other
 * mark of that county or place was in the window. So the greatest over those windows is found
 * without counting anew.
 */
#ifndef GRADING_TALLY_H
#define GRADING_TALLY_H

#include "rules.h"
#include "series.h"

struct figure {
    double value;
    int64_t to_us; /* end of its window */
};
struct figures { /* greatest over the windows that hold a late report */
    struct figure total, area, areas, places;
};
struct tally {
    int64_t window_us;
    bool count_places;
    int64_t oldest_us;   /* no mark in the window is older */
    struct series marks; /* figures: total, areas, places; none if the window has no end */
    double total;
    double *by_area, *by_place;        /* sums in the window */
    struct series *in_area, *in_place; /* marks; figure of in_area: its sum */
    size_t area_capacity, place_capacity;
    size_t areas, places; /* with a sum of at least 1; areas: counties only */
    struct figures late;
    uint64_t late_version; /* of the incident, when late was found */
};

/* The places of an incident, for areas that are counties. */
struct ground {
    const bool *is_county; /* by area */
    size_t area_count, place_count;
};

void tally_open(struct tally *tally, int64_t window_us, bool count_places);
void tally_free(struct tally *tally);

/* In an area, in the latest window. */
static inline double tally_sum(const struct tally *tally, size_t area)
{
    return area < tally->area_capacity ? tally->by_area[area] : 0;
}

/* Start of the window that ends at to: marks after it are inside. */
int64_t tally_from(const struct tally *tally, int64_t to_us);
/* The first window's end that no longer holds a mark at this time. */
int64_t tally_gone_at(const struct tally *tally, int64_t time_us);
/* The window's end moves from was to to. */
void tally_advance(struct tally *tally, const struct ground *ground, int64_t was_us, int64_t to_us);
/* A mark of at least 1, with its area and place in the ground, comes in. */
void tally_add(struct tally *tally, const struct ground *ground, const struct mark *mark,
               int64_t as_of_us);
/* The mark of this report at this time goes out again, if there is one. */
void tally_take_back(struct tally *tally, const struct ground *ground, int64_t time_us,
                     uint64_t report, int64_t as_of_us);
/* Fills in late for a report with this onset and area. */
void tally_look_back(struct tally *tally, const struct ground *ground, int64_t onset_us,
                     uint32_t area);

#endif
