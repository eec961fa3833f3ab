/* Inside notification: what is kept per incident and area, and the parts that write notices. */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "common/core.h"
#include "common/names.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include <uthash.h>

/* What a report added, so that a correction can replace it. */
struct counted {
    double cases, deaths;
};

struct incident {
    char *id;
    const struct plan *plan;
    struct sv_names reports; /* "reporter\0id" */
    struct counted *counted; /* what each added, by number */
    size_t counted_capacity;
    double cases, deaths;
    int grade;
    UT_hash_handle hh;
};

/* Who is told of a change, as bits. */
enum {
    TO_MEMBERS = 1,    /* units that the plan gives duties */
    TO_OTHERS = 2,     /* a county's other units */
    TO_NEIGHBOURS = 4, /* units of neighbouring areas */
    TO_PUBLIC = 8
};

struct sent {
    int64_t at_us;
    unsigned to;
};

/* One response's or warning's notices: each change adds one to every audience that is told, so
 * their number, the times they were sent at and to whom are all that references need. A response
 * that ended may be started again: its notices are counted on, as identifiers are never used
 * twice. */
struct series {
    char *key;      /* "<area> <incident>", of a warning with " warning" behind it */
    uint64_t ended; /* notices up to the last end */
    struct sent *sent;
    size_t count; /* since then */
    unsigned to;  /* everybody who was told since then */
    UT_hash_handle hh;
};

struct sv_core {
    const struct sv_plans *plans;
    struct incident *incidents;
    struct series *series;
};

/* Everything that one change of a response says, the same for each audience. */
struct announcement {
    const struct sv_event *event;
    const Liandong__V1__Response *response; /* of a warning: what it says in a response's words */
    const Liandong__V1__Warning *warning;   /* NULL: about a response */
    const struct incident *incident;
    const struct series *series;
    Liandong__V1__Notice__Kind kind; /* to who was told before; ALERT to others */
    const char *section;
    struct plan_text headline, body, public_body, neighbour_body, signer, area_name;
    int level; /* that the words are about: in force, or that which ended */
};

struct audience {
    const char *id;   /* unit id, or "public" */
    const char *slug; /* third segment of the topic */
    const char *area; /* second segment of the topic */
    unsigned as;      /* TO_…: what it is told as */
};

/* audience.c: calls each for every audience of a response in its area, the public last. */
typedef void audience_fn(const struct audience *audience, void *data);
void audience_each(const struct plan *plan, const char *area, unsigned to, audience_fn *each,
                   void *data);

/* template.c: fills the placeholders of docs/plan-format.md ("Notices and supplies"). */
struct plan_text template_fill(struct ld_arena *arena, const struct plan *plan,
                               const struct incident *incident,
                               const Liandong__V1__Response *response, int level,
                               struct plan_text pattern);

/* cap.c: identifier of the n-th notice since the last end (from 0) for an audience, in the arena.
 */
char *cap_identifier(struct ld_arena *arena, const struct announcement *announcement, size_t n,
                     const char *audience);
/* The notice as a CAP 1.2 message (OASIS CAP-v1.2), XML, in the arena. */
char *cap_write(struct ld_arena *arena, const struct announcement *announcement,
                const struct audience *audience, const Liandong__V1__Notice *notice);

#endif
