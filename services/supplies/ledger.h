/*
 * The ledger of supplies: what each holder has, what is set aside for requests, what is under way.
 *
 * Invariants, asserted after every change: 0 <= reserved <= on_hand for every holding; the reserved
 * of a holding is the sum of its open allocations; nothing appears or vanishes but against "world"
 * (stock-takes) and "lost" (shortfalls), so that on hand + under way = taken in - lost per item.
 */
#ifndef SUPPLIES_LEDGER_H
#define SUPPLIES_LEDGER_H

#include "common/core.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/supply.pb-c.h"
#include <uthash.h>

struct holding {
    char *key; /* "<holder> <item>" */
    char *holder, *item;
    int64_t on_hand, reserved;
    UT_hash_handle hh;
};

/* Set aside at a holder for a request. A declined one stays, with quantity 0, so that the same
 * holder is not asked again. */
struct allocation {
    char *holder;
    int64_t quantity;
    bool declined;
};

struct request {
    char *key; /* "<author> <id>" */
    char *author, *id, *item, *area, *to;
    int64_t quantity; /* asked for */
    int64_t covered;  /* set aside so far, dispatched included */
    bool requisition;
    struct allocation *allocations;
    size_t allocation_count;
    UT_hash_handle hh;
};

struct shipment {
    char *key; /* "<from> <id>" */
    char *from, *to, *item, *request;
    int64_t quantity; /* under way; 0: arrived */
    UT_hash_handle hh;
};

/* A response in force. */
struct level_in_force {
    char *key; /* "<area> <incident>" */
    char *area;
    int level;
    UT_hash_handle hh;
};

struct sv_core {
    const struct sv_plans *plans;
    struct holding *holdings;
    struct request *requests;
    struct shipment *shipments;
    struct level_in_force *levels;
};

/* Found, or made empty. */
struct holding *ledger_holding(struct sv_core *core, const char *holder, const char *item);
/* Found, or NULL. */
struct request *ledger_request(struct sv_core *core, const char *author, const char *id);
struct shipment *ledger_shipment(struct sv_core *core, const char *from, const char *id);
/* Made; the key must be new. */
struct request *ledger_add_request(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                                   const char *to);
struct shipment *ledger_add_shipment(struct sv_core *core, const Liandong__V1__SupplyAct *act);

/* The allocation of a request at a holder; NULL if none. */
struct allocation *ledger_allocation(struct request *request, const char *holder);
/* Sets quantity more aside at the holding for the request. */
void ledger_reserve(struct request *request, struct holding *holding, int64_t quantity);
/* Gives quantity of it back; the request is covered that much less. */
void ledger_release(struct request *request, struct holding *holding, int64_t quantity);
static inline int64_t ledger_free_quantity(const struct holding *holding)
{
    return holding->on_hand - holding->reserved;
}

/* Level in force that an area's requests go by: the gravest of its own and those above it. */
int ledger_level(const struct sv_core *core, const char *area);
void ledger_set_level(struct sv_core *core, const Liandong__V1__Response *response);

void ledger_free(struct sv_core *core);
void ledger_visit(struct sv_core *core, struct sv_codec *codec);

#endif
