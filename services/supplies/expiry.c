/* Time is up for a batch: with the first tick at or after its expiry it goes to "expired". What is
 * under way is looked at when it has arrived. */
#include "supplies.h"

static void expire(struct handling *handling, struct holding *holding, struct batches *goods)
{
    const struct stock *stock = holding->stock;
    ledger_withdrawn(handling->core, holding, EXPIRED, goods);
    movement_put_out(handling, &(struct movement){.kind = KIND(EXPIRED),
                                                  .item = stock->item,
                                                  .from = holding->holder,
                                                  .to = ledger_account_name(EXPIRED),
                                                  .area = holding->area,
                                                  .quantity = batches_total(goods),
                                                  .from_balance = holding->on_hand,
                                                  .to_balance = stock->balance[EXPIRED],
                                                  .goods = goods});
    allocation_shed(handling, holding);
    allocation_settle(handling, stock->item);
}

void expiry_tick(struct handling *handling)
{
    struct sv_core *core = handling->core;
    int64_t now_us = handling_now(handling);
    if (now_us < core->next_expiry_us) {
        return;
    }
    core->next_expiry_us = INT64_MAX;
    for (struct holding *holding = core->holdings; holding != NULL; holding = holding->hh.next) {
        struct batches goods = batches_take_expired(&holding->batches, now_us);
        handling->plan = sv_plans_any(core->plans, holding->area);
        if (goods.count > 0) {
            expire(handling, holding, &goods);
        }
        batches_free(&goods);
        int64_t expiry = batches_first_expiry(&holding->batches);
        core->next_expiry_us = expiry < core->next_expiry_us ? expiry : core->next_expiry_us;
    }
}
