/*
 * The story: a log told in lines for people. Fed with every record and what the picture made of
 * it, it emits one line for each thing that matters; what happens to many units at once (orders,
 * acknowledgements, notices) becomes one line with its counts, told when something else happens or
 * time moves on.
 */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include <jansson.h>

#include "picture.h"

enum story_kind {
    STORY_PLAN,
    STORY_REPORT,
    STORY_INCIDENT,
    STORY_GRADE,
    STORY_WARNING,
    STORY_RESPONSE,
    STORY_ORDERS,
    STORY_CLOCK,
    STORY_BULLETIN,
    STORY_NOTICE,
    STORY_SUPPLY,
    STORY_REFUSED,
    STORY_REPEAT, /* what repeats day by day and goes well */
    STORY_KINDS
};
#define STORY_BIT(kind) (1u << (kind))
#define STORY_ALL       ((1u << STORY_KINDS) - 1)
/* What an account tells unless asked for more. */
#define STORY_USUAL (STORY_ALL & ~STORY_BIT(STORY_REPORT) & ~STORY_BIT(STORY_REPEAT))
const char *story_kind_name(enum story_kind kind); /* "grade" … */

struct story_line {
    enum story_kind kind;
    int64_t time_us;
    uint64_t sequence;
    bool exercise, alarming; /* alarming: overdue, missed, refused */
    int level;               /* for colour; 0: none */
    const char *incident;    /* "" if none */
    struct plan_text text;   /* borrowed for the call */
    json_t *details;         /* borrowed; never NULL */
};
typedef void story_line_fn(const struct story_line *line, void *data);

struct story;
/* kinds: STORY_BITs. incident: only this one; NULL: all. */
struct story *story_open(unsigned kinds, const char *incident, story_line_fn *emit, void *data);
void story_close(struct story *story);
/* After picture_apply of the same record. */
void story_take(struct story *story, const struct ld_record *record,
                const struct picture_event *event);
/* Tells what has been gathered so far. */
void story_flush(struct story *story);
/* Names come from the newest plan on the log; NULL before. Owned by the story. */
const struct plan *story_names(const struct story *story);

#endif
