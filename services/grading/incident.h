/* One incident as grading sees it: what was reported, counted, and what followed. */
#ifndef GRADING_INCIDENT_H
#define GRADING_INCIDENT_H

#include "common/names.h"
#include "gauge.h"
#include "rules.h"
#include "tally.h"
#include "liandong/v1/report.pb-c.h"

enum { LISTED = 16 }; /* measures of a report whose places in its list are remembered */

struct told { /* where a report's numbers are, for when it is revised */
    int64_t onset_us;
    uint64_t report;
};
struct standing { /* a sign that stands in an area */
    size_t sign;  /* of plan.signs */
    uint32_t area;
    uint64_t report;
};
struct designation {
    size_t unit; /* of plan.units */
    int level;
    uint64_t decision; /* sequence */
};
struct moment { /* an event */
    int64_t time_us;
    uint64_t sequence;
};
struct verdict {         /* of one rule */
    bool holds;          /* now or for a late report */
    bool late;           /* only for a late report */
    struct moment since; /* it holds without a break */
};

struct extent {         /* of what an input's conditions compare */
    double least, most; /* one number, or those of all areas that count; NaN: none */
    uint64_t version;   /* of the incident, when it was found */
};

struct incident {
    char *id, *city, *hazard;
    const struct plan *plan;
    const struct rules *rules; /* borrowed from the core */
    int level, suggested, colour;
    int merged; /* colour of all warnings of the city that are issued as one, as last said */
    struct moment level_since, colour_since; /* when they last changed */
    int64_t as_of_us;                        /* latest onset told of */
    struct sv_names reports;                 /* "reporter\0id", numbered as told */
    struct told *told;
    size_t told_capacity;
    struct sv_names areas, places;
    bool *is_county; /* by area */
    size_t is_county_capacity;
    struct gauge *gauges;   /* by rules.measures */
    struct tally *tallies;  /* by rules.tallies */
    struct extent *extents; /* by rules.inputs, now and for the late report; judge.c finds them */
    int64_t late_us;        /* onset and area of the report told last */
    uint32_t late_area;
    uint64_t version;  /* another one with every report, from 1 */
    int heard[LISTED]; /* the measure (of plan.measures) that stood there in a report's list */
    struct standing *standing;
    size_t standing_count;
    struct designation *designations;
    size_t designation_count;
    struct verdict *verdicts; /* by rules.all: what the last grade event said */
    size_t counties_told;     /* counties that it named; SIZE_MAX before the first */
};

struct incident *incident_new(const char *id, const char *city, const char *hazard,
                              const struct plan *plan, const struct rules *rules);
void incident_free(struct incident *incident);
/* Without id, plan and rules, which the core visits itself. */
void incident_visit(struct incident *incident, struct sv_codec *codec);

/* Counts a report. True if it is late, so that windows of the past may hold what the latest does
 * not (incident_late). */
bool incident_count(struct incident *incident, const Liandong__V1__Report *report,
                    const char *reporter, uint64_t sequence);
/* What the windows that hold the late report just counted add up to, by rules.tallies: found when
 * first asked for. */
const struct figures *incident_late(const struct incident *incident, size_t tally);
struct ground incident_ground(const struct incident *incident);
size_t incident_counties(const struct incident *incident);

#endif
