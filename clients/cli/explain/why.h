/*
 * Why: what grading knows of one incident at one moment of a log, and the reports behind it. Fed
 * with the records of that incident and the plans, it runs grading itself over them: a Grade event
 * is only said when something changes, so this is newer, and it is also there when grading has not
 * yet said it. What was said is kept beside it.
 */
#ifndef CLI_WHY_H
#define CLI_WHY_H

#include <jansson.h>
#include <liandong/record.h>
#include <uthash.h>

#include "arena.h"
#include "services/common/host.h"

#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"

struct why_input { /* a report that counts, a designation, or an act on the warning */
    uint64_t sequence;
    Liandong__V1__Incident *incident; /* NULL: a decision */
    Liandong__V1__Decision *decision; /* NULL: a report */
    UT_hash_handle hh;
};

struct why_said {               /* a Grade, derived or logged */
    Liandong__V1__Grade *grade; /* NULL: none yet */
    uint64_t sequence;
    int64_t time_us;
};

struct why_step { /* of a warning's procedure, as command said it */
    Liandong__V1__Warning *warning;
    Liandong__V1__Warning *figures; /* what grading had last suggested; NULL: nothing */
    uint64_t sequence;
    int64_t time_us;
};

struct why_world {
    struct why_input *inputs; /* by sequence */
    struct why_said raised;   /* what grading said when the grade last rose */
    struct why_said said;     /* the last Grade on the log */
    struct why_step *steps;   /* of the city's and of counties' warnings, in order */
    size_t step_count, step_capacity;
    Liandong__V1__Warning *suggested; /* the last on the log; NULL: none yet */
    bool opened;
    int64_t closed_at_us; /* 0: open */
};

struct why_limit { /* records behind it do not count */
    uint64_t sequence;
    int64_t time_us; /* both: the largest number for no limit */
};

struct why {
    const char *id; /* borrowed */
    struct why_limit limit;
    struct sv_host *host;
    struct why_world worlds[2]; /* actual, exercise */
    uint64_t sequence;          /* of the last record within the limit */
    int64_t time_us;
    bool beyond; /* a record behind the limit has come: there is nothing more to read */
    struct ld_arena arena;
    /* set by why_ask: */
    bool exercise;
    const struct why_world *world;
    const struct plan *plan; /* that the incident is pinned to */
    Liandong__V1__Grade grade;
    Liandong__V1__Warning warning;
};

void why_open(struct why *why, const char *incident, struct why_limit limit);
void why_close(struct why *why);
/* A bus_record_fn; data is the why. */
void why_take(const struct ld_record *record, void *data);
/* What is known now: of the actual incident, or, if there is none, of the exercise's. LD_OK, or
 * LD_INVALID if there is no such incident. Borrowed from why. */
int why_ask(struct why *why, struct ld_error *error) LD_MUST_USE;
const struct why_input *why_input_of(const struct why *why, uint64_t sequence); /* NULL: unknown */
/* The act that a step follows from; NULL: none, or not on this log. */
const Liandong__V1__Decision *why_act_of(const struct why *why, const struct why_step *step);
/* The step with which the area's warning took the colour that is in force; NULL: none is. */
const struct why_step *why_issued(const struct why *why, const char *area);

/* why_warning.c: what is issued and how it came about, for each area, on standard output. */
struct cli;
void why_print_warnings(const struct cli *cli, const struct why *why);
/* As one JSON object. */
json_t *why_json(const struct why *why);
/* As text on standard output. */
void why_print(const struct cli *cli, const struct why *why);

#endif
