/* One incident as grading sees it: what was reported, counted, and what followed. */
#ifndef GRADING_INCIDENT_H
#define GRADING_INCIDENT_H

#include "common/names.h"
#include "readings.h"
#include "rules.h"
#include "tally.h"
#include "watch.h"
#include "liandong/v1/report.pb-c.h"

enum { LISTED = 16 }; /* places in a report's list of measures that are remembered */

struct heard {      /* a measure */
    const char *id; /* the plan's; NULL: none that it knows */
    int slot;       /* of rules.measures; -1: not asked for */
    bool is_gauge;
};
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
    bool now;            /* in the latest window */
    bool late;           /* only for a late report */
    struct moment since; /* it holds without a break */
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
    size_t is_county_capacity, county_count;
    struct readings readings; /* slots: of rules.measures */
    struct tally *tallies;    /* by rules.tallies */
    struct extent *extents;   /* by rules.inputs, now and for the late report; watch.c finds them */
    struct watch watch;
    int64_t late_us; /* onset and area of the report told last */
    uint32_t late_area;
    uint64_t version;           /* another one with every report, from 1 */
    struct heard heard[LISTED]; /* what stood there in the list of the report before */
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

#endif
