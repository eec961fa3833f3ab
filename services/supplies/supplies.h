/* Inside supplies: the acts, allocation, and how movements are put out. */
#ifndef SUPPLIES_H
#define SUPPLIES_H

#include "ledger.h"

/* One act being handled. */
struct handling {
    struct sv_core *core;
    const struct sv_event *event;
    const Liandong__V1__SupplyAct *act; /* NULL while a response change is handled */
    const struct plan *plan;
    struct sv_outputs *out;
};

/* A movement to put out; what is not set is empty. */
struct movement {
    Liandong__V1__SupplyMovement__Kind kind;
    const char *item, *from, *to, *request, *shipment, *pool, *area;
    int64_t quantity, from_balance, to_balance;
    struct plan_text reason;
};
void supplies_put_out(const struct handling *handling, const struct movement *movement);

/* acts.c: checks the act, then does it or refuses it; exactly one receipt. */
void supplies_act(struct handling *handling);

/* allocation.c: sets stock aside for a request as far as the pool of the level in force allows. */
void allocation_try(const struct handling *handling, struct request *request);
/* The same for every request that is still short of the item (NULL: of any), oldest first. */
void allocation_retry(const struct handling *handling, const char *item);

#endif
