/*
 * Readings: what the reports of an incident say of measures that are read and not counted, and
 * which is the latest of each measure in each area and at each place. Reports come in any order and
 * may be taken back; asking costs the same however many there are. A report's readings stand
 * together.
 */
#ifndef GRADING_READINGS_H
#define GRADING_READINGS_H

#include "series.h"

struct readings {
    size_t measure_count; /* they have slots from 0 */
    bool places;          /* is asked for places */
    struct series rows;   /* a mark for each report: where its readings are */
    double *values;       /* of all rows, end to end; those of rows taken back stay, unused */
    uint16_t *slots;
    size_t size, capacity;
    size_t row;                      /* where the readings begin that were put since the last row */
    struct mark *by_area, *by_place; /* latest, by area (place) and slot; report 0: none */
    size_t area_count, place_count;  /* that ever had one */
};

void readings_open(struct readings *readings, size_t measure_count, bool places);
void readings_free(struct readings *readings);
void readings_grow(struct readings *readings); /* room for more */
/* A reading of the report that is added next. */
static inline void readings_put(struct readings *readings, size_t slot, double value)
{
    if (readings->size == readings->capacity)
        readings_grow(readings);
    readings->slots[readings->size] = (uint16_t)slot;
    readings->values[readings->size++] = value;
}
/* The report whose readings were put, if any were. */
void readings_add(struct readings *readings, const struct mark *report);
/* The readings of this report at this time go out again, if there are any. */
void readings_take_back(struct readings *readings, int64_t time_us, uint64_t report);
/* The latest reading; NULL: none. Borrowed until readings change. */
static inline const struct mark *readings_latest(const struct readings *readings,
                                                 const struct mark *latest, size_t count,
                                                 size_t slot, size_t index)
{
    const struct mark *mark = latest + index * readings->measure_count + slot;
    return index < count && mark->report != 0 ? mark : NULL;
}

static inline const struct mark *readings_in_area(const struct readings *readings, size_t slot,
                                                  size_t area)
{
    return readings_latest(readings, readings->by_area, readings->area_count, slot, area);
}

static inline const struct mark *readings_at_place(const struct readings *readings, size_t slot,
                                                   size_t place)
{
    return readings_latest(readings, readings->by_place, readings->place_count, slot, place);
}
/* Loading fails where is_sound says no of a report. */
void readings_visit(struct readings *readings, struct sv_codec *codec,
                    bool (*is_sound)(const struct mark *report, const void *data),
                    const void *data);

#endif
