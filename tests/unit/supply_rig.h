/* Acts of holders and requesters, short; what follows from them. For tests of supplies. */
#ifndef TESTS_SUPPLY_RIG_H
#define TESTS_SUPPLY_RIG_H

#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

#define VERB(name) LIANDONG__V1__SUPPLY_ACT__VERB__##name
#define KIND(name) LIANDONG__V1__SUPPLY_MOVEMENT__KIND__##name

#define ITEM "mask.n95"

typedef Liandong__V1__SupplyMovement movement;

/* What an act says, short. */
struct act {
    int verb;
    const char *author, *area, *id;
    int64_t quantity;
    const char *from, *to, *request, *item; /* item NULL: ITEM; "": a stock-take of several */
    const char *donor, *proof, *reason, *requester;
    int64_t needed_by_us, amount_fen;
    struct {
        const char *lot;
        int64_t expires_at_us, quantity;
        const char *item;
    } batch[4];
    size_t batch_count;
};

static inline char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant != NULL ? constant : ""};
    return either.plain;
}

static inline void put_batches(struct act what, Liandong__V1__SupplyAct *message,
                               Liandong__V1__SupplyBatch *batches,
                               Liandong__V1__SupplyBatch **pointers)
{
    for (size_t i = 0; i < what.batch_count; i++) {
        liandong__v1__supply_batch__init(&batches[i]);
        batches[i].lot = text(what.batch[i].lot);
        batches[i].item = text(what.batch[i].item);
        batches[i].expires_at_us = what.batch[i].expires_at_us;
        batches[i].quantity = what.batch[i].quantity;
        pointers[i] = &batches[i];
    }
    message->batches = pointers;
    message->n_batches = what.batch_count;
}

static inline size_t act_flagged(struct world *world, struct act act, uint16_t flags)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__SupplyAct message = LIANDONG__V1__SUPPLY_ACT__INIT;
    context.author = text(act.author);
    message.context = &context;
    message.verb = (Liandong__V1__SupplyAct__Verb)act.verb;
    message.area = text(act.area);
    message.id = text(act.id);
    message.quantity = act.quantity;
    message.from = text(act.from);
    message.to = text(act.to);
    message.request = text(act.request);
    message.item = text(act.item != NULL ? act.item : ITEM);
    message.donor = text(act.donor);
    message.proof = text(act.proof);
    message.reason = text(act.reason);
    message.needed_by_us = act.needed_by_us;
    message.requester = text(act.requester);
    message.amount_fen = act.amount_fen;
    Liandong__V1__SupplyBatch batches[4], *pointers[4];
    put_batches(act, &message, batches, pointers);
    char topic[256];
    const char *item = *message.item != '\0' ? message.item : "all";
    snprintf(topic, sizeof topic, "need/%s/%s/%s", act.area, item, act.author);
    return world_publish(world, act.author, topic, &message.base, flags);
}

static inline size_t act(struct world *world, struct act what)
{
    return act_flagged(world, what, 0);
}

static inline void expect_refused(const struct world *world, size_t index, const char *code)
{
    const Liandong__V1__Receipt *receipt = (const void *)world_after(world, index, SV_RECEIPT, 0);
    assert_non_null(receipt);
    assert_false(receipt->accepted);
    assert_string_equal(receipt->code, code);
    assert_true(strlen(receipt->reason->zh) > 0 && strlen(receipt->reason->en) > 0);
    assert_int_equal(world_count_after(world, index, SV_SUPPLY), 0);
}

static inline const movement *expect_moved(const struct world *world, size_t index, size_t n,
                                           int kind, int64_t quantity)
{
    const Liandong__V1__Receipt *receipt = (const void *)world_after(world, index, SV_RECEIPT, 0);
    if (receipt != NULL && !receipt->accepted) {
        fail_msg("refused: %s", receipt->reason->en);
    }
    const movement *moved = (const void *)world_after(world, index, SV_SUPPLY, n);
    assert_non_null(moved);
    assert_int_equal(moved->kind, kind);
    assert_int_equal(moved->quantity, quantity);
    return moved;
}

static inline size_t respond(struct world *world, const char *area, int level)
{
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe");
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    context.incident = text("3303-cholera-20260101-1");
    context.plan = text(plan->id);
    context.plan_hash = text(plan->hash);
    response.context = &context;
    response.area = text(area);
    response.in_force = (Liandong__V1__Level)level;
    response.state = level == PLAN_NONE ? LIANDONG__V1__RESPONSE__STATE__TERMINATED
                                        : LIANDONG__V1__RESPONSE__STATE__ACTIVE;
    return world_publish(world, "command", "response/3303/3303-cholera-20260101-1", &response.base,
                         0);
}

/* The incident at this county has this grade. */
static inline size_t grade(struct world *world, int level, const char *county)
{
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe");
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Grade message = LIANDONG__V1__GRADE__INIT;
    char *counties[] = {text(county)}, topic[128], incident[64];
    snprintf(incident, sizeof incident, "3303-cholera-20260101-%s", county);
    snprintf(topic, sizeof topic, "grade/3303/%s", incident);
    context.incident = incident;
    context.plan_hash = text(plan->hash);
    message.context = &context;
    message.level = (Liandong__V1__Level)level;
    message.area = text("3303");
    message.counties = counties;
    message.n_counties = 1;
    return world_publish(world, "grading", topic, &message.base, 0);
}

static inline void stock(struct world *world, const char *holder, int64_t quantity)
{
    char area[16];
    snprintf(area, sizeof area, "%.*s", (int)strcspn(holder, "."), holder);
    act(world, (struct act){.verb = VERB(STOCK_TAKE),
                            .author = holder,
                            .area = area,
                            .id = "count",
                            .quantity = quantity});
}

#endif
