/*
 * The ledger of supplies (docs/supplies.md): per item the balances of its accounts, what each
 * holder has by batches, what is set aside for requests, what is under way.
 *
 * Asserted at each entry: the balances of an item's accounts add up to 0; 0 <= reserved <= on_hand
 * of the holding; what a holding has is the sum of its batches. The reserved of a holding is the
 * sum of what open requests have set aside there.
 */
#ifndef SUPPLIES_LEDGER_H
#define SUPPLIES_LEDGER_H

#include <uthash.h>
#include "batches.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

#define QUANTITY_MAX INT64_C(1000000000000)    /* of one act */
#define HELD_MAX     INT64_C(1000000000000000) /* of an item, by all together */

/* HELD: by all units together; each has its own part of it. */
enum account { HELD, TRANSIT, WORLD, DONATED, USED, LOST, EXPIRED, ACCOUNTS };
const char *ledger_account_name(enum account account); /* "transit" … */

struct holding;
struct request;

/* One item. */
struct stock {
    char *item;
    int64_t balance[ACCOUNTS];
    struct holding **holdings; /* borrowed, in order of their making */
    size_t holding_count;
    struct request **open; /* borrowed, in order of asking */
    size_t open_count;
    UT_hash_handle hh;
};

/* What was used lately, by days. */
enum { USE_DAYS = 7 };
struct use {
    int64_t first_day_us, day_us; /* first and last day of use; 0: none */
    int64_t used[USE_DAYS];       /* ring by day */
};

/* A unit that has, or has had, any stock. */
struct told {
    char *rule, *signature; /* what was said last about a rule; "": all is there */
};
struct owner {
    char *key; /* holder */
    char *area;
    int64_t held_from_us; /* from then on it is held to the rules of reserves */
    bool changed;         /* since it was last looked at */
    struct told *told;
    size_t told_count;
    UT_hash_handle hh;
};

struct holding {
    char *key; /* "<holder> <item>" */
    char *holder;
    char *area;          /* of the holder */
    struct stock *stock; /* borrowed */
    struct owner *owner; /* borrowed */
    struct batches batches;
    int64_t on_hand, reserved;
    struct use use;
    UT_hash_handle hh;
};

/* Set aside at a holder for a request. A declined one stays, with quantity 0, so that the same
 * holder is not asked again. */
struct allocation {
    char *holder;
    int64_t quantity;
    int64_t committed; /* of it, promised: taken away for nobody else */
    uint64_t since;    /* sequence of the event that first set it aside */
    bool declined;
};

struct request {
    char *key; /* "<author> <id>" */
    char *author, *id, *area, *to;
    struct stock *stock; /* borrowed */
    int64_t quantity;    /* asked for */
    int64_t covered;     /* set aside, under way or arrived */
    int64_t arrived;
    int64_t needed_by_us; /* 0: not said */
    uint64_t sequence;    /* of the act */
    int64_t told_short;   /* in the last UNMET; 0: none */
    int told_pool;
    bool requisition, open;
    bool given_up;                  /* no more is sought than has been sent */
    struct allocation *allocations; /* in order of setting aside */
    size_t allocation_count;
    UT_hash_handle hh;
};

struct shipment {
    char *key; /* "<from> <id>" */
    char *from, *id, *to;
    char *request; /* key of the request it is for; "" if none */
    char *debt;    /* key of the debt that it gives back; "" if none */
    struct stock *stock;
    struct batches goods; /* none: arrived */
    UT_hash_handle hh;
};

/* A number that an author has used for an act that moves goods and is neither request nor shipment.
 */
struct used_number {
    char *key; /* "<author> <verb> <id>" */
    UT_hash_handle hh;
};

/* Goods to be given back or paid for: lent, or requisitioned. */
struct debt {
    char *key; /* "<opener> <id>" */
    char *opener, *id, *creditor, *debtor;
    struct stock *stock; /* borrowed */
    int64_t owed, given_back, compensated;
    int64_t amount_fen; /* paid */
    bool loan;
    UT_hash_handle hh;
};
static inline int64_t debt_outstanding(const struct debt *debt)
{
    return debt->owed - debt->given_back - debt->compensated;
}

/* The grade of an open incident. */
struct grade_of {
    char *key;   /* incident */
    char *areas; /* the city and the counties that it has reached, each followed by a space */
    int level;
    UT_hash_handle hh;
};

/* A response in force. */
struct level_in_force {
    char *key; /* "<area> <incident>" */
    char *area;
    int level;
    const struct plan *plan; /* that the incident is pinned to; NULL: never adopted */
    UT_hash_handle hh;
};

struct sv_core {
    const struct sv_plans *plans;
    struct stock *stocks;
    struct holding *holdings;
    struct request *requests;
    struct shipment *shipments;
    struct used_number *numbers;
    struct level_in_force *levels;
    struct grade_of *grades;
    struct debt *debts;
    struct owner *owners;
    bool owner_changed;     /* one of them is */
    int64_t next_expiry_us; /* nothing held expires before */
    int64_t next_day_us;    /* reserves are looked at again, all of them */
};

/* Found, or made empty. */
struct stock *ledger_stock(struct sv_core *core, const char *item);
struct holding *ledger_holding(struct sv_core *core, const char *holder, const char *item);
/* Found, or NULL. */
struct holding *ledger_find_holding(const struct sv_core *core, const char *holder,
                                    const char *item);
struct request *ledger_request(struct sv_core *core, const char *author, const char *id);
struct request *ledger_request_by_key(struct sv_core *core, const char *key);
struct shipment *ledger_shipment(struct sv_core *core, const char *from, const char *id);
/* Made; the key must be new. */
struct request *ledger_add_request(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                                   const char *to);
struct shipment *ledger_add_shipment(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                                     const struct request *request);
/* Found by its key or NULL; found or made, owing nothing yet. */
struct debt *ledger_debt_by_key(struct sv_core *core, const char *key);
struct debt *ledger_debt(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                         const char *opener, const char *id, const char *debtor);
/* Has the author used the number for this verb? Remembers it. */
bool ledger_number_is_used(struct sv_core *core, const Liandong__V1__SupplyAct *act);
void ledger_use_number(struct sv_core *core, const Liandong__V1__SupplyAct *act);

/* ---- entries: what holdings have and the balances, together ---- */

/* From an account into the holding. */
void ledger_deposit(struct sv_core *core, struct holding *holding, enum account from,
                    const struct batches *goods);
/* These goods, which have been taken out of the holding's batches, to an account. */
void ledger_withdrawn(struct sv_core *core, struct holding *holding, enum account to,
                      const struct batches *goods);
/* From one account to another that is no holder's. */
void ledger_post(struct stock *stock, enum account from, enum account to, int64_t quantity);

/* ---- setting aside ---- */

/* The allocation of a request at a holder; NULL if none. */
struct allocation *ledger_allocation(const struct request *request, const char *holder);
/* Sets quantity more aside at the holding for the request; since: sequence of the event. */
void ledger_reserve(struct request *request, struct holding *holding, int64_t quantity,
                    uint64_t since);
/* Gives quantity of it back; the request is covered that much less. */
void ledger_release(struct request *request, struct holding *holding, int64_t quantity);
/* Quantity of it leaves: set aside no more, and covered still. */
void ledger_fetch(struct request *request, struct holding *holding, int64_t quantity);
/* Nothing more is to come for it; what is set aside has been given back. */
void ledger_close_request(struct request *request);
static inline int64_t ledger_free_quantity(const struct holding *holding)
{
    return holding->on_hand - holding->reserved;
}

/* ---- levels ---- */

/* Level in force that an area's requests go by: the gravest of its own and those above it. plan
 * (may be NULL) gets the plan that it is under: where nothing is in force any plan of the area. */
int ledger_level(const struct sv_core *core, const char *area, const struct plan **plan);
void ledger_set_level(struct sv_core *core, const Liandong__V1__Response *response);
/* The gravest grade of the open incidents that have reached the area. */
int ledger_grade(const struct sv_core *core, const char *area);
/* level PLAN_NONE: the incident is over. True if anything changed. */
bool ledger_set_grade(struct sv_core *core, const char *incident, int level, const char *city,
                      char *const *counties, size_t county_count);

void ledger_free(struct sv_core *core);
/* visit.c */
void ledger_visit(struct sv_core *core, struct sv_codec *codec);
/* Does all of ledger.h and docs/supplies.md (S1, S2) hold? Looks at everything. */
bool ledger_is_consistent(const struct sv_core *core);
void ledger_link_holding(struct sv_core *core, struct holding *holding, struct stock *stock);
/* What was said last about a rule to the owner: to be replaced. */
char **ledger_told(struct owner *owner, const char *rule);
void ledger_link_request(struct request *request, struct stock *stock);
void ledger_free_holding(struct holding *holding);
void ledger_free_request(struct request *request);
void ledger_free_shipment(struct shipment *shipment);
void ledger_free_stock(struct stock *stock);
void ledger_free_number(struct used_number *number);
void ledger_free_level(struct level_in_force *level);
void ledger_free_owner(struct owner *owner);
void ledger_free_grade(struct grade_of *grade);
void ledger_free_debt(struct debt *debt);
struct allocation *ledger_add_allocation(struct request *request, char *holder);

#endif
