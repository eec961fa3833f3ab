/* What the files of reporting share: its state, and the parts of taking a report. */
#ifndef REPORTING_H
#define REPORTING_H

#include "common/names.h"
#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/report.pb-c.h"

#define NOTHING SIZE_MAX

struct filed { /* an accepted report; its number is that of its name */
    uint64_t sequence;
    int64_t time_us; /* when it came in */
    int64_t occurred_us, received_us;
    size_t incident;       /* NOTHING: a zero report outside any incident */
    size_t area, reporter; /* words */
    size_t revised_by;     /* number of the report that replaced it, NOTHING */
    int means, kind;
};

enum run_state { RUN_WAITING, RUN_RUNNING, RUN_MET, RUN_MISSED, RUN_CANCELLED };
struct run {                /* one clock of the plan, for one incident, area and, maybe, unit */
    size_t incident, clock; /* clock: of the incident's plan */
    size_t area;            /* word */
    size_t unit;            /* word: who owes it for itself; NOTHING: one of several does */
    enum run_state state;
    int64_t started_us, due_us;
    int64_t next_us;  /* daily: when the next day begins; missed rhythm: when the next round ends */
    int64_t heard_us; /* when last something came that is right for it */
    int missed;       /* in a row */
};

struct in_force {
    size_t area; /* word */
    int level;
};

struct incident {
    char *id, *hazard;
    const struct plan *plan; /* pinned; its area is the city */
    bool open;
    bool final; /* a final report was accepted and nothing new since */
    uint64_t final_sequence;
    int64_t opened_us;
    int level;        /* of the event: its grade, or its warning where the response follows that */
    size_t *counties; /* words, in order of appearance */
    size_t county_count;
    struct in_force *responses; /* by area; level none: over */
    size_t response_count;
    size_t *runs; /* numbers */
    size_t run_count;
};

struct sv_core {
    const struct sv_plans *plans;
    struct sv_names words;   /* areas, units */
    struct sv_names reports; /* "reporter\0id" */
    struct filed *filed;     /* by number of report */
    size_t filed_capacity;
    struct sv_names ids; /* of incidents */
    struct incident *incidents;
    size_t incident_capacity;
    struct sv_names subjects; /* "city\0hazard" of epidemics */
    size_t *open_by_subject;  /* incident or NOTHING */
    size_t subject_capacity;
    struct sv_names days; /* "city-hazard-date" */
    size_t *ordinals;     /* incidents opened of that day */
    size_t day_capacity;
    struct run *runs;
    size_t run_count, run_capacity;
    struct sv_timers timers;
};

/* One report on its way in. */
struct intake {
    struct sv_core *core;
    const struct sv_event *event;
    struct sv_outputs *out;
    const Liandong__V1__Report *report;
    const struct plan *plan; /* that governs it: the incident's own if it joins one */
    size_t incident;         /* that it joins; NOTHING: opens one, or is a zero report for none */
    size_t revised;          /* number of the report that it replaces; NOTHING */
};

/* One bulletin on its way in. */
struct notice {
    struct sv_core *core;
    const struct sv_event *event;
    struct sv_outputs *out;
    const Liandong__V1__Bulletin *bulletin;
    const char *area, *unit; /* of its topic */
    size_t incident;
    const struct plan *plan; /* the incident's */
};

/* bulletin.c: checks it and answers it. */
void take_bulletin(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);

/* check.c: a stranger's text as it may be shown: cut at a character, marked if cut. */
const char *reporting_shown(struct sv_outputs *out, const char *text);
/* check.c: false, with the receipt put out, if the report must be refused; fills in intake. */
bool check_report(struct intake *intake);

/* join.c */
void join_report(struct intake *intake);
/* Closes the incident if its final report is there and no response is in force. */
void join_close(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                size_t incident);
size_t report_number(const struct sv_core *core, const char *reporter, const char *id);
/* Soon its number is asked for: where that stands is fetched meanwhile. */
void report_ahead(const struct sv_core *core, const char *reporter, const char *id);
size_t incident_number(const struct sv_core *core, const char *id);
size_t open_incident_for(const struct sv_core *core, const char *city, const char *hazard);

/* clocks.c: all that follows for the plan's clocks. number: of the report. */
void clocks_report(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                   size_t number);
void clocks_level(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  size_t incident, size_t number);
/* Every clock of the response that the level in force asks for runs, the others do not. */
void clocks_response(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                     size_t incident);
int clocks_response_level(const struct incident *incident); /* the gravest in force in any area */
/* The response has ended in every area; before was the gravest in force. */
void clocks_ended(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  size_t incident, int before);
/* Does a clock that outlives the incident wait for a final report of this unit about this area? */
bool clocks_wait_for(struct sv_core *core, size_t incident, const char *unit, const char *area);
/* A report for a closed incident can only meet such a clock. */
void clocks_afterwards(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                       size_t number);
/* A bulletin that was taken. */
void clocks_bulletin(const struct notice *notice);
void clocks_close(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                  size_t incident);
void clocks_fire(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);

/* state.c */
void *reporting_room(void *array, size_t *capacity, size_t needed, size_t element_size);
void reporting_visit(struct sv_core *core, struct sv_codec *codec);
void reporting_clear(struct sv_core *core);
size_t word_of(struct sv_core *core, const char *text);
const char *word_text(const struct sv_core *core, size_t word);

#endif
