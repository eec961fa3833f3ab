/* Inside supplies: the acts, allocation, and how movements are put out. */
#ifndef SUPPLIES_H
#define SUPPLIES_H

#include "ledger.h"

typedef Liandong__V1__SupplyAct supply_act;
#define VERB(name) LIANDONG__V1__SUPPLY_ACT__VERB__##name
#define KIND(name) LIANDONG__V1__SUPPLY_MOVEMENT__KIND__##name

/* One event being handled. */
struct handling {
    struct sv_core *core;
    const struct sv_event *event;
    const supply_act *act; /* NULL while no act is handled */
    const struct plan *plan;
    struct sv_outputs *out;
    struct batches named; /* the batches that the act names, if it is of one item */
};
static inline int64_t handling_now(const struct handling *handling)
{
    return handling->event->record->time_us;
}

/* ---- movement.c ---- */

/* A movement to put out; what is not set is empty. */
struct movement {
    Liandong__V1__SupplyMovement__Kind kind;
    const char *item, *from, *to, *request, *requester, *shipment, *pool, *area;
    const char *donor, *donation, *proof, *sender, *receiver;
    int64_t quantity, from_balance, to_balance;
    int level, grade;
    int64_t travel_minutes, asked, covered, amount_fen, outstanding;
    bool loan;
    Liandong__V1__SupplySource **sources;
    size_t source_count;
    Liandong__V1__SupplyRival **rivals;
    size_t rival_count;
    const struct batches *goods; /* what moves; NULL: nothing does */
    struct plan_text reason;
};
void movement_put_out(const struct handling *handling, const struct movement *movement);
/* The reason that the act gives, if any. */
struct plan_text movement_own_reason(const struct handling *handling);

/* ---- check.c: what can be wrong with any act; refuses and says false ---- */
/* Refuses with the same facts in both languages: each format takes the two strings in order. */
#define REFUSE(handling, code, zh, en, first, second)                                              \
    sv_refuse((handling)->out, (handling)->event, code, (handling)->plan->supplies.section,        \
              ld_arena_format(sv_arena((handling)->out), zh, first, second),                       \
              ld_arena_format(sv_arena((handling)->out), en, first, second))

/* In form, by who may, of what there is; reads the batches named into handling->named. */
bool check_act(struct handling *handling);
/* Is there as much as wanted? */
bool check_enough(const struct handling *handling, int64_t wanted, int64_t there);
/* May this much more of an item, in so many batches, come in to the holding? */
bool check_room(const struct handling *handling, const struct holding *holding, int64_t quantity,
                size_t batch_count);
/* Are the batches that the act names all there? */
bool check_named(const struct handling *handling, const struct batches *there);
/* Adds a batch that the act names; goods that come in without an expiry get the usual one. */
void check_add_named(const struct handling *handling, const char *item,
                     const Liandong__V1__SupplyBatch *from, struct batches *named);
/* When an item that comes in today and whose expiry is not said expires; 0: never. */
int64_t check_default_expiry(const struct handling *handling, const char *item);
void check_accept(const struct handling *handling);

/* acts.c: does the act or refuses it; exactly one receipt. */
void supplies_act(struct handling *handling);

/* ---- counting.c, moving.c, asking.c: the verbs ---- */
void act_stock_take(const struct handling *handling);
void act_use_or_lose(const struct handling *handling);
void act_donate(const struct handling *handling);
void act_dispatch(const struct handling *handling);
void act_receive(const struct handling *handling);
void act_request(const struct handling *handling);
void act_commit(const struct handling *handling);
void act_decline(const struct handling *handling);
void act_requisition(const struct handling *handling);
void act_cancel(const struct handling *handling);
void act_compensate(const struct handling *handling);
/* The open request that the act answers: any requester's with that id that has something set aside
 * at the author. NULL after refusing. */
struct request *asking_answered(const struct handling *handling);

/* Takes what the act moves out of the holding: the batches named, or first expiry first. The
 * caller's. */
struct batches counting_take(const struct handling *handling, struct holding *holding,
                             int64_t quantity, int64_t arrival_us);

/* ---- debts.c ---- */
/* The debt that the act names, with the item; NULL after refusing. */
struct debt *debts_named(const struct handling *handling);
/* The act has sent off its quantity: so much more is owed. */
void debts_owe(const struct handling *handling, struct debt *debt);
/* Quantity of it has come back; no more is counted than is owed. */
void debts_give_back(const struct handling *handling, struct debt *debt, int64_t quantity);

/* ---- expiry.c ---- */
void expiry_tick(struct handling *handling);

/* ---- allocation.c ---- */
/* Sets stock of the item (NULL: of any) aside for the open requests, as far as it goes and the
 * levels in force allow. */
void allocation_settle(const struct handling *handling, const char *item);
/* Gives back quantity (0: nothing) of what is set aside for the request at the holding. */
void allocation_give_back(const struct handling *handling, struct request *request,
                          struct holding *holding, int64_t quantity, struct plan_text reason);
/* Gives back, last first, what is set aside at the holding beyond what it has. */
void allocation_shed(const struct handling *handling, struct holding *holding);

#endif
