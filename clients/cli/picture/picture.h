/*
 * The picture: what a log says is going on, as the newest message of each kind per incident. Fed
 * with every record in order (from the bus, a simulation or a log file), it is what status, story,
 * duty list and the scenarios' expectations are read from. It decides nothing.
 *
 * Everything inside is owned by the picture and valid until picture_free; messages are replaced as
 * newer ones come. Exercise and actual are kept apart: they are part of every key.
 */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <liandong/record.h>
#include <uthash.h>

#include "arena.h"
#include "services/common/core.h"

#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

typedef Liandong__V1__DutyOrder DutyOrder;

struct picture_order {
    char *key; /* "<unit> <order>" */
    DutyOrder *last;
    int64_t issued_at_us, acknowledged_at_us, done_at_us, changed_at_us; /* 0: not yet */
    uint64_t cause;          /* sequence of the response that issued it */
    unsigned issues;         /* how often: more than once for a duty that repeats */
    bool overdue, escalated; /* ever */
    UT_hash_handle hh;
};

struct picture_clock {
    char *key; /* "<clock> <area> <responsible> <started at>" */
    Liandong__V1__Clock *last;
    UT_hash_handle hh;
};

struct picture_response {
    char *area;
    Liandong__V1__Response *last;
    UT_hash_handle hh;
};

struct picture_report {
    char *key; /* "<reporter> <id>" */
    Liandong__V1__Report *report;
    UT_hash_handle hh;
};

struct picture_notice {
    Liandong__V1__Notice *notice;
    uint64_t sequence;
};

struct picture_incident {
    char *key;      /* "<world> <id>" */
    const char *id; /* in key */
    bool exercise, closed;
    uint64_t opened_sequence;
    int64_t closed_at_us; /* 0: open */
    Liandong__V1__Incident *last;
    Liandong__V1__Grade *grade;          /* NULL until there is one */
    Liandong__V1__Warning *warning;      /* likewise: the colour that the figures suggest */
    Liandong__V1__Warning *warning_step; /* of the city: the last step of its procedure */
    struct picture_response *responses;  /* by area */
    struct picture_order *orders;
    struct picture_clock *clocks;
    struct picture_report *reports;
    struct picture_notice *notices;
    size_t notice_count, notice_capacity;
    UT_hash_handle hh;
};

struct picture_receipt {
    uint64_t causation;
    unsigned count; /* how many answers the event got: 1 is right */
    Liandong__V1__Receipt *last;
    UT_hash_handle hh;
};

struct picture_bulletin { /* not answered yet */
    uint64_t sequence;
    Liandong__V1__Bulletin *bulletin;
    UT_hash_handle hh;
};

struct picture_balance {
    char *key;          /* "<world> <item> <holder>" */
    const char *holder; /* in key */
    char *item;
    bool exercise;
    int64_t quantity;
    UT_hash_handle hh;
};

struct picture_movement {
    Liandong__V1__SupplyMovement *movement;
    uint64_t sequence;
    int64_t time_us;
    bool exercise;
};

struct picture_producer {
    uint64_t id;
    char *name;
    UT_hash_handle hh;
};

struct picture_plan {
    char *key;        /* "<world> <plan>" */
    const char *plan; /* in key */
    char *hash;
    uint64_t sequence;
    bool exercise;
    UT_hash_handle hh;
};

struct picture {
    struct picture_incident *incidents; /* in order of opening */
    struct picture_receipt *receipts;
    struct picture_bulletin *bulletins;
    Liandong__V1__Bulletin *answered; /* the last one */
    struct picture_balance *balances;
    struct picture_movement *movements;
    size_t movement_count, movement_capacity;
    struct picture_producer *producers;
    struct picture_plan *plans;
    uint64_t sequence; /* of the last record */
    int64_t time_us;   /* of the last record */
    uint64_t events, refused, malformed;
    struct ld_arena arena; /* of the last record's message */
};

/* What a record turned out to be. The message is borrowed until the next picture_apply. */
struct picture_event {
    enum sv_family family;
    const ProtobufCMessage *message;     /* NULL: none, or malformed */
    const char *fault;                   /* why it is malformed; NULL if it is not */
    struct picture_incident *incident;   /* that it belongs to; NULL if none */
    const struct picture_order *order;   /* that it is about; NULL if none */
    const Liandong__V1__Bulletin *taken; /* a receipt: the bulletin that it takes; NULL if none */
};

void picture_init(struct picture *picture);
void picture_free(struct picture *picture);
void picture_apply(struct picture *picture, const struct ld_record *record,
                   struct picture_event *event);

/* ---- asking ---- */
struct picture_incident *picture_find(const struct picture *picture, bool exercise, const char *id);
/* By id in either world, an exercise's only if there is no actual one; NULL id: the newest. */
struct picture_incident *picture_select(const struct picture *picture, const char *id);
const struct picture_receipt *picture_receipt_of(const struct picture *picture, uint64_t sequence);
const char *picture_producer_name(const struct picture *picture, uint64_t id); /* NULL: unknown */
/* The response of the incident's own area (its city); NULL if none. */
const Liandong__V1__Response *picture_response_of(const struct picture_incident *incident,
                                                  const char *area);
/* The colour of the city's warning that is issued; 0: none. */
int picture_warning_in_force(const struct picture_incident *incident);
/* The sum of a count measure over all reports that no later one has replaced. */
double picture_total(const struct picture_incident *incident, const char *measure);

/* How many orders and units an incident has. unit: only its orders; NULL: all. */
enum { PICTURE_STATES = 12 };
struct picture_matrix {
    size_t units, orders;
    size_t states[PICTURE_STATES];         /* by DutyOrder.State */
    size_t open;                           /* neither done nor superseded nor withdrawn */
    size_t late;                           /* open, and a time of theirs is up */
    size_t overdue_units, escalated_units; /* with an order that ever was */
    size_t acknowledged_units;             /* all of whose orders have been seen */
};
void picture_count(const struct picture_incident *incident, const char *unit,
                   struct picture_matrix *matrix);
bool picture_order_open(const DutyOrder *order);

#endif
