/*
 * scenario: an outbreak as a file, played through all cores in one process or on a live bus, with
 * what is expected of it (docs/scenario.md).
 *
 * A scenario is immutable once loaded and owns all that is in it. Times of steps are relative to
 * its start, which is fixed only when it is run. Loading reports every mistake it finds, with file
 * and line, and never aborts on bad input; a file is at most SCENARIO_FILE_MAX_BYTES.
 */
#ifndef SCENARIO_H
#define SCENARIO_H

#include <liandong/record.h>
#include <liandong/topic.h>

#include "arena.h"
#include "buffer.h"
#include "context.h"
#include "plan/plan.h"

#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

enum { SCENARIO_FILE_MAX_BYTES = 1 << 20, SCENARIO_STEPS_MAX = 20000, SCENARIO_FINDINGS_MAX = 50 };

/* A number that is expected: exactly, at least or at most. set false: nothing is expected. */
struct scenario_number {
    bool set;
    char relation; /* '=', '>' (at least), '<' (at most) */
    double value;
};
bool scenario_number_holds(const struct scenario_number *number, double found);

struct scenario_strings {
    const char **all;
    size_t count;
};

struct scenario_count {         /* a figure of a criterion that holds */
    const char *measure, *area; /* area NULL: any */
    struct scenario_number value;
};

struct scenario_state { /* orders in a state; "open" is any that still asks for something */
    int state;          /* DutyOrder.State; SCENARIO_OPEN */
    struct scenario_number count;
};
enum { SCENARIO_OPEN = -1, SCENARIO_STATES_MAX = 16, SCENARIO_ANY = -1 };

/* One thing expected. Of the fields only those count that the kind names; a word that is NULL, an
 * enum that is SCENARIO_ANY and a number that is not set expect nothing. */
enum scenario_kind {
    SCENARIO_GRADE,     /* level, suggested, sections, criteria, counts */
    SCENARIO_WARNING,   /* level, state, sections, merged, names: exactly these others */
    SCENARIO_RESPONSE,  /* level, state, area, by, section, next, groups */
    SCENARIO_ORDERS,    /* unit or each of names, duty, count, units, states */
    SCENARIO_REFUSED,   /* code, section: every event of the step */
    SCENARIO_RECEIPTS,  /* accepted, refused */
    SCENARIO_CLOCK,     /* id, state, unit, late, count */
    SCENARIO_OVERDUE,   /* count or names: units with an order that ever was */
    SCENARIO_ESCALATED, /* likewise */
    SCENARIO_NOTICES,   /* audience, notice_kind, level, count */
    SCENARIO_INCIDENT,  /* state: open, closed, none; count of reports; totals */
    SCENARIO_BALANCE,   /* id (item), unit (holder), count */
    SCENARIO_MOVEMENTS  /* id (item), state (kind), unit (to), count */
};
enum { SCENARIO_NO_INCIDENT = 0, SCENARIO_IS_OPEN = 1, SCENARIO_IS_CLOSED = 2 };

struct scenario_expectation {
    enum scenario_kind kind;
    int line;
    const char *incident;                                   /* NULL: the newest of the run */
    int level, suggested, merged, state, notice_kind, late; /* late: 0, 1 or SCENARIO_ANY */
    const char *area, *unit, *duty, *by, *section, *next, *code, *id, *audience;
    struct scenario_strings sections, criteria, names, groups;
    struct scenario_count *counts;
    size_t count_count;
    struct scenario_state states[SCENARIO_STATES_MAX];
    size_t state_count;
    struct scenario_number count, units, accepted, refused;
};

enum scenario_action {
    SCENARIO_WAIT, /* time passes, nobody says anything */
    SCENARIO_REPORT,
    SCENARIO_BULLETIN,
    SCENARIO_DECISION,
    SCENARIO_REPLY,
    SCENARIO_SUPPLY,
    SCENARIO_ADOPT,
    SCENARIO_RAW
};

struct scenario_reply {
    bool all; /* every unit with an order that the action fits */
    struct scenario_strings units, except, duties; /* duties none: all of a unit's */
    Liandong__V1__DutyReply__Action action;
    const char *reason, *help_from, *person;
    const char *order; /* exactly this order's id, known or not; NULL: all that fit */
    bool external;     /* may be left to the units' own clients */
};

struct scenario_raw { /* any bytes on any topic: to see them refused */
    const char *topic;
    const uint8_t *payload;
    size_t payload_size;
};

/* A time: relative to the scenario's start, or (absolute) since 1970. */
struct scenario_time {
    bool set, absolute;
    int64_t us;
};

struct scenario_step {
    int line;
    int64_t at_us; /* since the start */
    enum scenario_action action;
    struct plan_text note;                   /* for people; "" if there is none */
    const char *author;                      /* unit that acts */
    Liandong__V1__Report *report;            /* by action; times still to be filled in */
    struct scenario_time occurred, received; /* of a decision made ahead: occurred is when it takes
                                              * effect */
    const char *id, *amends; /* of a decision; and of the one that it replaces. NULL: none */
    Liandong__V1__Bulletin *bulletin;
    const char *area; /* of the bulletin's topic */
    Liandong__V1__Decision *decision;
    Liandong__V1__SupplyAct *supply;
    struct scenario_reply *reply;
    struct scenario_raw *raw;
    const char *plan;   /* SCENARIO_ADOPT: path of a plan */
    bool plan_from_run; /* SCENARIO_ADOPT: the scenario's own plan again */
    struct scenario_expectation *expect;
    size_t expect_count;
};

struct scenario {
    const char *path, *name, *area;
    struct plan_text title;
    const char *plan;            /* path, joined to the scenario's folder; NULL: only a part */
    bool start_is_relative;      /* "today -42d": may be moved later */
    int64_t start_us;            /* absolute, or relative to midnight today (local) */
    struct scenario_step *steps; /* in order of time, ties in order of the file */
    size_t step_count;
    struct ld_arena arena;
};

/* Reads a scenario from a file or from text. findings (may be NULL) gets one line per mistake,
 * "file:line: …"; error gets the first. LD_OK, LD_INVALID, LD_TOOBIG, LD_NOTFOUND, LD_IO. */
int scenario_read(const struct ld_context *context, const char *path, struct scenario **out,
                  struct ld_buffer *findings, struct ld_error *error) LD_MUST_USE;
int scenario_parse(const char *path, const char *text, size_t size, struct scenario **out,
                   struct ld_buffer *findings, struct ld_error *error) LD_MUST_USE;
/* The same for steps to be added to another run: name and plan may be left out, and no plan is
 * adopted. */
int scenario_read_part(const struct ld_context *context, const char *path, struct scenario **out,
                       struct ld_buffer *findings, struct ld_error *error) LD_MUST_USE;
void scenario_free(struct scenario *scenario); /* NULL is legal */

#endif
