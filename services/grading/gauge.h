/*
 * A gauge: the readings of one measure, and which is the latest of each area and of each place.
 * Readings come in any order and may be taken back; asking costs the same however many there are.
 */
#ifndef GRADING_GAUGE_H
#define GRADING_GAUGE_H

#include "series.h"

struct gauge { /* zero-initialised to begin */
    struct series readings;
    struct mark *by_area, *by_place; /* latest; report 0: none */
    size_t area_count, place_count;  /* that ever had one */
    bool places;                     /* is asked for places; set before the first reading */
};

void gauge_free(struct gauge *gauge);
void gauge_add(struct gauge *gauge, const struct mark *mark);
/* The reading of this report at this time goes out again, if there is one. */
void gauge_take_back(struct gauge *gauge, int64_t time_us, uint64_t report);
/* The latest reading; NULL: none. Borrowed until the gauge changes. */
const struct mark *gauge_in_area(const struct gauge *gauge, size_t area);
const struct mark *gauge_at_place(const struct gauge *gauge, size_t place);

#endif
