/* Movements as messages. */
#include "supplies.h"

#include "forecast.h"

static char *arena_copy(struct ld_arena *arena, const char *text)
{
    return ld_arena_string(arena, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void put_batches(struct ld_arena *arena, const struct batches *goods,
                        Liandong__V1__SupplyMovement *message)
{
    message->n_batches = goods->count;
    message->batches = ld_arena_alloc(arena, (goods->count + 1) * sizeof(void *));
    for (size_t i = 0; i < goods->count; i++) {
        Liandong__V1__SupplyBatch *batch = ld_arena_alloc(arena, sizeof *batch);
        liandong__v1__supply_batch__init(batch);
        batch->lot = arena_copy(arena, goods->all[i].lot);
        batch->donation = arena_copy(arena, goods->all[i].donation);
        batch->expires_at_us = goods->all[i].expires_at_us;
        batch->quantity = goods->all[i].quantity;
        message->batches[i] = batch;
    }
}

struct plan_text movement_own_reason(const struct handling *handling)
{
    const char *reason = handling->act->reason;
    return *reason != '\0' ? (struct plan_text){reason, reason} : (struct plan_text){NULL, NULL};
}

/* Until when what the holder has then lasts; 0: it is no holder, or uses none. */
static int64_t lasts_until(const struct handling *handling, const char *holder, const char *item)
{
    const struct holding *holding = ledger_find_holding(handling->core, holder, item);
    int64_t now_us = handling_now(handling);
    return holding != NULL && forecast_is_used(holding, now_us)
               ? forecast_lasts_until(holding, now_us)
               : 0;
}

void movement_put_out(const struct handling *handling, const struct movement *movement)
{
    struct sv_outputs *out = handling->out;
    struct ld_arena *arena = sv_arena(out);
    const char *incident = handling->act != NULL ? handling->act->context->incident : "";
    Liandong__V1__SupplyMovement message = LIANDONG__V1__SUPPLY_MOVEMENT__INIT;
    message.context = sv_context(out, handling->event, incident, handling->plan);
    message.kind = movement->kind;
    message.item = arena_copy(arena, movement->item);
    message.quantity = movement->quantity;
    message.from = arena_copy(arena, movement->from);
    message.to = arena_copy(arena, movement->to);
    message.from_balance = movement->from_balance;
    message.to_balance = movement->to_balance;
    message.request = arena_copy(arena, movement->request);
    message.shipment = arena_copy(arena, movement->shipment);
    message.pool = arena_copy(arena, movement->pool);
    message.section = arena_copy(arena, handling->plan->supplies.section);
    message.area = arena_copy(arena, movement->area);
    message.donor = arena_copy(arena, movement->donor);
    message.donation = arena_copy(arena, movement->donation);
    message.proof = arena_copy(arena, movement->proof);
    message.sender = arena_copy(arena, movement->sender);
    message.receiver = arena_copy(arena, movement->receiver);
    message.requester = arena_copy(arena, movement->requester);
    message.level = (Liandong__V1__Level)movement->level;
    message.grade = (Liandong__V1__Level)movement->grade;
    message.travel_minutes = movement->travel_minutes;
    message.asked = movement->asked;
    message.covered = movement->covered;
    message.amount_fen = movement->amount_fen;
    message.outstanding = movement->outstanding;
    message.loan = movement->loan;
    message.sources = movement->sources;
    message.n_sources = movement->source_count;
    message.rivals = movement->rivals;
    message.n_rivals = movement->rival_count;
    if (movement->goods != NULL) {
        message.entry = true;
        message.from_lasts_until_us = lasts_until(handling, movement->from, movement->item);
        message.to_lasts_until_us = lasts_until(handling, movement->to, movement->item);
        put_batches(arena, movement->goods, &message);
    }
    if (movement->reason.zh != NULL) {
        message.reason = sv_text_of(out, movement->reason);
    }
    sv_emit(out, &message.base, "supply/%s/%s", movement->area, movement->item);
}
