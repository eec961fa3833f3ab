/* Inside notification: what is kept per incident and area, and the parts that write notices. */
#ifndef NOTIFICATION_H
#define NOTIFICATION_H

#include "common/core.h"
#include "common/names.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include <uthash.h>

/* What a report added, so that a correction can replace it. */
struct counted {
    double cases, deaths;
};

enum { CONTACTS_MAX = 32, RANK_MAX = 9, DISPATCH_SUPERVISOR = RANK_MAX + 1 };

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
    bool of_warning;
    uint8_t *about; /* the Response or Warning last told of, packed: what a correction is about */
    size_t about_size;
    UT_hash_handle hh;
};

/* ---- whom to reach ---- */
struct contact {
    char *name, *channel, *address;
    int rank;
};
struct contacts {
    char *key; /* "<area>.<slug>": of a unit, its id */
    struct contact *all;
    size_t count;
    char *supervisor; /* unit, may be "" */
    UT_hash_handle hh;
};

/* ---- notices on their way: the last one of a series to an audience that has contacts, or that is
 * the public ---- */
struct dispatch {
    char *identifier;  /* of the notice */
    char *place;       /* "<audience key> <series key>": the next one there replaces it */
    char *area, *slug; /* of its topics */
    uint8_t *notice;   /* packed */
    size_t notice_size;
    int64_t acknowledge_within_us; /* 0: not asked for */
    int round, rank;               /* last told; rank DISPATCH_SUPERVISOR: that unit's contacts */
    int told, failed;              /* in this round */
    bool again;                    /* this rank was told twice */
    bool open;                     /* somebody is still to be told or to acknowledge */
    UT_hash_handle hh, hh_place;
};

struct sv_core {
    const struct sv_plans *plans;
    struct incident *incidents;
    struct series *series;
    struct contacts *contacts;
    struct dispatch *dispatches; /* by identifier */
    struct dispatch *places;     /* the same by place */
    struct sv_timers timers;     /* key: identifier; what: the round that was not acknowledged */
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
    struct plan_text correction; /* prepared words, filled */
    bool corrects;               /* takes back what was told before */
    int level;                   /* that the words are about: in force, or that which ended */
};

struct audience {
    const char *id;   /* unit id, or "public" */
    const char *slug; /* third segment of the topic */
    const char *area; /* second segment of the topic */
    unsigned as;      /* TO_…: what it is told as */
};

/* ---- incident.c ---- */
struct incident *incident_find(struct sv_core *core, const char *id);
void incident_take(struct sv_core *core, const Liandong__V1__Incident *message);
void incidents_free(struct sv_core *core);
void incidents_visit(struct sv_core *core, struct sv_codec *codec);

/* ---- series.c ---- */
struct series *series_of(struct sv_core *core, const char *area, const char *incident,
                         bool of_warning);
void series_note(struct series *series, struct sent sent);
void series_end(struct series *series);
/* Keeps the Response or Warning that is told of. */
void series_about(struct series *series, const ProtobufCMessage *message);
void series_all_free(struct sv_core *core);
void series_all_visit(struct sv_core *core, struct sv_codec *codec);

/* ---- contact.c ---- */
void contacts_take(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);
const struct contacts *contacts_find(const struct sv_core *core, const char *key);
void contacts_free(struct sv_core *core);
void contacts_visit(struct sv_core *core, struct sv_codec *codec);

/* ---- dispatch.c ---- */
/* A notice has been told to an audience: sends it to whom its contacts name. */
void dispatch_begin(struct sv_core *core, const struct sv_event *event,
                    const struct audience *audience, const struct series *series,
                    const Liandong__V1__Notice *notice, int64_t acknowledge_within_us,
                    struct sv_outputs *out);
struct dispatch *dispatch_find(const struct sv_core *core, const char *identifier);
/* Time has passed. */
void dispatch_due(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);
/* A channel has given up on one delivery of the round. */
void dispatch_failed(struct sv_core *core, const struct sv_event *event, struct dispatch *dispatch,
                     struct sv_outputs *out);
void dispatch_acknowledged(struct sv_core *core, const struct sv_event *event,
                           struct dispatch *dispatch, const char *by, struct sv_outputs *out);
/* Sends it again to whom it went last. False: there is nobody. */
bool dispatch_repeat(struct sv_core *core, const struct sv_event *event, struct dispatch *dispatch,
                     struct sv_outputs *out);
/* The incident is closed: forgets what is over. */
void dispatch_close(struct sv_core *core, const char *incident);
void dispatch_free(struct sv_core *core);
void dispatch_visit(struct sv_core *core, struct sv_codec *codec);

/* ---- act.c: what channels, recipients and publishers say ---- */
void act_take(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out);

/* ---- notification.c ---- */
/* Tells everybody who was told of the series that it was wrong, in these words or the prepared
 * ones ("" in either language: the prepared). False: nothing is in force any more. */
bool notification_correct(struct sv_core *core, const struct sv_event *event, struct series *series,
                          struct plan_text words, struct sv_outputs *out);

/* audience.c: calls each for every audience of a response in its area, the public last. */
typedef void audience_fn(const struct audience *audience, void *data);
void audience_each(const struct plan *plan, const char *area, unsigned to, audience_fn *each,
                   void *data);

/* template.c: fills the placeholders of docs/plan-format.md ("Notices and supplies"). */
struct plan_text template_fill(struct ld_arena *arena, const struct plan *plan,
                               const struct incident *incident,
                               const Liandong__V1__Response *response, int level,
                               struct plan_text pattern);

/* words.c: fills headline, bodies, correction, signer, section and the area's name. correction:
 * NULL, or the words of one. */
void words_fill(struct ld_arena *arena, struct announcement *announcement,
                const struct plan_text *correction);

/* cap.c: identifier of the n-th notice since the last end (from 0) for an audience, in the arena.
 */
char *cap_identifier(struct ld_arena *arena, const struct announcement *announcement, size_t n,
                     const char *audience);
/* The notice as a CAP 1.2 message (OASIS CAP-v1.2), XML, in the arena. */
char *cap_write(struct ld_arena *arena, const struct announcement *announcement,
                const struct audience *audience, const Liandong__V1__Notice *notice);

#endif
