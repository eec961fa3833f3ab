/*
 * A course: what came of a run, kept so that two runs can be laid side by side: when which grade,
 * warning and response; each answer to an event from outside; the orders of each unit; the clocks;
 * the notices; and the story as lines. Fed with every record of the run in order. An event from
 * outside is known by its place in the log that is run again, as its place in the run may differ.
 */
#ifndef CLI_COURSE_H
#define CLI_COURSE_H

#include "picture/picture.h"
#include "picture/story.h"

enum course_kind {
    COURSE_OPENED,    /* an incident; what: its plan, version: the plan's hash */
    COURSE_CLOSED,    /* it */
    COURSE_GRADE,     /* a level, when first reached */
    COURSE_SUGGESTED, /* a warning's colour, when first suggested */
    COURSE_ISSUED,    /* a warning's colour, when first issued */
    COURSE_RESPONSE,  /* a level of response in an area, when first in force */
    COURSE_ENDED,     /* a response in an area, when first ended */
    COURSE_ANSWER,    /* to an event from outside */
    COURSE_ORDERS,    /* of a duty to a unit: COURSE_ISSUES, COURSE_LATE */
    COURSE_CLOCK,     /* of a unit: COURSE_MET … COURSE_RUNNING */
    COURSE_NOTICE,    /* of a kind and level, to units or to the public: COURSE_ISSUES */
    COURSE_KINDS
};
enum { COURSE_ISSUES, COURSE_LATE }; /* orders: issued; ever overdue */
enum { COURSE_MET, COURSE_MET_LATE, COURSE_MISSED, COURSE_RUNNING };
enum { COURSE_COUNTS = 4 };

struct course_item {
    char *key; /* what it is: the same in both runs */
    enum course_kind kind;
    int level;
    int64_t time_us; /* when first; 0 where that does not matter */
    char *incident;
    char *who;               /* unit, area or author; "" if none */
    char *what;              /* duty, clock, plan */
    char *section, *by;      /* "" if none */
    char *code, *zh, *en;    /* an answer's code and reason; an order's or clock's text */
    char *say_zh, *say_en;   /* what an event from outside was: "decide II" */
    enum sv_family family;   /* of an event from outside */
    uint64_t sequence;       /* its place in the log; 0: added */
    bool answered, accepted; /* an answer */
    size_t count[COURSE_COUNTS];
    UT_hash_handle hh;
};

struct course_span { /* a grade or a response for some time */
    char *incident;
    bool response;
    int level;
    int64_t from_us, until_us; /* until_us 0: to the end */
};

struct course_line { /* of the story */
    int64_t time_us;
    int level;
    bool alarming;
    size_t refused; /* replies that it is about: refused at once, with the same code; 0: no such */
    char *zh, *en;
};

struct course_place { /* where an event from outside stands */
    uint64_t in_run, in_log;
};

struct course {
    struct picture picture;
    struct story *story;
    struct course_item *items; /* in order of appearance */
    struct course_span *spans;
    size_t span_count, span_capacity;
    struct course_line *lines;
    size_t line_count, line_capacity;
    struct course_place *places;
    size_t place_count, place_capacity;
    uint64_t next_in_log; /* place of the input whose record comes next; 0: none */
    uint64_t added;       /* inputs that the log does not have, so far */
    int64_t first_us, last_us;
};

void course_open(struct course *course);
void course_close(struct course *course);
/* The next record is the input that stands there in the log. */
void course_input(struct course *course, uint64_t in_log);
void course_added(struct course *course); /* … is one that the log does not have */
void course_take(struct course *course, const struct ld_record *record);
void course_end(struct course *course); /* tells what the story has gathered */
/* Names: of the newest plan of the run; NULL if it has none. */
const struct plan *course_names(const struct course *course);

#endif
