/*
 * What a holder does with its own stock: it counts it, uses it, loses it, is given more.
 *
 * A stock-take is what is there, so it always wins: what is set aside beyond it is given back. One
 * of several items is checked whole before the first of them changes.
 */
#include <stdio.h>

#include "forecast.h"
#include "memory.h"
#include "supplies.h"

struct batches counting_take(const struct handling *handling, struct holding *holding,
                             int64_t quantity, int64_t arrival_us)
{
    struct batches taken = {0};
    if (handling->named.count == 0) {
        return batches_take(&holding->batches, quantity, arrival_us);
    }
    if (!batches_take_these(&holding->batches, &handling->named, &taken)) {
        abort(); /* check_named comes before */
    }
    return taken;
}

static struct holding *own_holding(const struct handling *handling, const char *item)
{
    return ledger_holding(handling->core, handling->act->context->author, item);
}

/* ---- stock-takes ---- */

/* A batch as counted: of what is there with its lot and expiry, each with the donation that it came
 * with, then what is more. */
static void add_counted(struct batches *target, const struct batches *there,
                        const struct batch *counted)
{
    struct batch left = *counted;
    for (size_t i = 0; i < there->count && *counted->donation == '\0'; i++) {
        struct batch part = there->all[i];
        if (part.expires_at_us == counted->expires_at_us && strcmp(part.lot, counted->lot) == 0) {
            part.quantity = part.quantity < left.quantity ? part.quantity : left.quantity;
            left.quantity -= part.quantity;
            batches_add(target, &part);
        }
    }
    batches_add(target, &left);
}

/* What is there after a count of the quantity alone: first expiry has gone first, more is new. */
static struct batches counted_in_all(const struct handling *handling, const struct holding *holding)
{
    int64_t more = handling->act->quantity - holding->on_hand;
    struct batches copy = {0};
    batches_add_all(&copy, &holding->batches);
    if (more < 0) {
        struct batches gone = batches_take(&copy, -more, 0);
        batches_free(&gone);
    }
    char none[1] = "";
    int64_t expiry = check_default_expiry(handling, holding->stock->item);
    batches_add(&copy, &(struct batch){expiry, none, none, more > 0 ? more : 0});
    return copy;
}

/* What is there after the count of an item. The caller's. */
static struct batches target_of(const struct handling *handling, const struct holding *holding)
{
    const supply_act *act = handling->act;
    bool several = *act->item == '\0';
    if (!several && act->n_batches == 0) {
        return counted_in_all(handling, holding);
    }
    struct batches named = {0}, target = {0};
    for (size_t i = 0; i < act->n_batches; i++) {
        if (!several || strcmp(act->batches[i]->item, holding->stock->item) == 0) {
            check_add_named(handling, holding->stock->item, act->batches[i], &named);
        }
    }
    for (size_t i = 0; i < named.count; i++) {
        add_counted(&target, &holding->batches, &named.all[i]);
    }
    batches_free(&named);
    return target;
}

static bool count_fits(const struct handling *handling, const struct holding *holding)
{
    struct batches target = target_of(handling, holding);
    struct batches found = batches_beyond(&target, &holding->batches);
    size_t more = target.count > holding->batches.count ? target.count - holding->batches.count : 0;
    bool fits = check_room(handling, holding, batches_total(&found), more);
    batches_free(&found);
    batches_free(&target);
    return fits;
}

static void say_set(const struct handling *handling, const struct holding *holding, bool more,
                    const struct batches *goods)
{
    const struct stock *stock = holding->stock;
    const char *world = ledger_account_name(WORLD);
    movement_put_out(handling, &(struct movement){
                                   .kind = KIND(STOCK_SET),
                                   .item = stock->item,
                                   .from = more ? world : holding->holder,
                                   .to = more ? holding->holder : world,
                                   .area = handling->act->area,
                                   .quantity = batches_total(goods),
                                   .from_balance = more ? stock->balance[WORLD] : holding->on_hand,
                                   .to_balance = more ? holding->on_hand : stock->balance[WORLD],
                                   .goods = goods,
                                   .reason = movement_own_reason(handling)});
}

static void count(const struct handling *handling, struct holding *holding)
{
    struct batches target = target_of(handling, holding), none = {0};
    struct batches found = batches_beyond(&target, &holding->batches);
    struct batches missed = batches_beyond(&holding->batches, &target);
    if (missed.count > 0) {
        if (!batches_take_these(&holding->batches, &missed, &none)) {
            abort(); /* they are parts of it */
        }
        ledger_withdrawn(handling->core, holding, WORLD, &missed);
        say_set(handling, holding, false, &missed);
    }
    ledger_deposit(handling->core, holding, WORLD, &found);
    if (found.count > 0 || missed.count == 0) {
        say_set(handling, holding, true, &found);
    }
    batches_free(&none);
    batches_free(&found);
    batches_free(&missed);
    batches_free(&target);
}

/* Calls each for the act's items, each once; until one says false. */
static bool for_items(const struct handling *handling,
                      bool (*each)(const struct handling *, const char *))
{
    const supply_act *act = handling->act;
    if (*act->item != '\0') {
        return each(handling, act->item);
    }
    for (size_t i = 0; i < act->n_batches; i++) {
        size_t first = 0;
        while (strcmp(act->batches[first]->item, act->batches[i]->item) != 0) {
            first++;
        }
        if (first == i && !each(handling, act->batches[i]->item)) {
            return false;
        }
    }
    return true;
}

static bool fits(const struct handling *handling, const char *item)
{
    return count_fits(handling, own_holding(handling, item));
}

static bool count_item(const struct handling *handling, const char *item)
{
    struct holding *holding = own_holding(handling, item);
    count(handling, holding);
    allocation_shed(handling, holding);
    allocation_settle(handling, item);
    return true;
}

void act_stock_take(const struct handling *handling)
{
    if (for_items(handling, fits)) {
        check_accept(handling);
        (void)for_items(handling, count_item);
    }
}

/* ---- using, losing, being given ---- */

void act_use_or_lose(const struct handling *handling)
{
    const supply_act *act = handling->act;
    enum account to = act->verb == VERB(USE) ? USED : LOST;
    struct holding *holding = own_holding(handling, act->item);
    if (ledger_number_is_used(handling->core, act)) {
        REFUSE(handling, "duplicate", "%s 已用过编号 %s", "%s has used the number %s already",
               act->context->author, act->id);
        return;
    }
    if (!check_enough(handling, act->quantity, holding->on_hand) ||
        !check_named(handling, &holding->batches)) {
        return;
    }
    check_accept(handling);
    ledger_use_number(handling->core, act);
    struct batches goods = counting_take(handling, holding, act->quantity, handling_now(handling));
    if (to == USED) {
        forecast_used(holding, act->quantity, handling_now(handling));
    }
    ledger_withdrawn(handling->core, holding, to, &goods);
    movement_put_out(handling, &(struct movement){.kind = to == USED ? KIND(USED) : KIND(LOST),
                                                  .item = act->item,
                                                  .from = holding->holder,
                                                  .to = ledger_account_name(to),
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .from_balance = holding->on_hand,
                                                  .to_balance = holding->stock->balance[to],
                                                  .goods = &goods,
                                                  .reason = movement_own_reason(handling)});
    batches_free(&goods);
    allocation_shed(handling, holding);
    allocation_settle(handling, act->item);
}

/* The goods of a donation, marked with it. The caller's. */
static struct batches donated_goods(const struct handling *handling, char *donation)
{
    const supply_act *act = handling->act;
    struct batches goods = {0};
    char none[1] = "";
    for (size_t i = 0; i < handling->named.count; i++) {
        struct batch batch = handling->named.all[i];
        batch.donation = donation;
        batches_add(&goods, &batch);
    }
    if (handling->named.count == 0) {
        int64_t expiry = check_default_expiry(handling, act->item);
        batches_add(&goods, &(struct batch){expiry, none, donation, act->quantity});
    }
    return goods;
}

void act_donate(const struct handling *handling)
{
    const supply_act *act = handling->act;
    char donation[256];
    snprintf(donation, sizeof donation, "%s/%s", act->context->author, act->id);
    struct holding *holding = own_holding(handling, act->item);
    if (ledger_number_is_used(handling->core, act)) {
        REFUSE(handling, "duplicate", "%s 已有编号为 %s 的捐赠",
               "%s already has a donation with id %s", act->context->author, act->id);
        return;
    }
    struct batches goods = donated_goods(handling, donation);
    if (check_room(handling, holding, act->quantity, goods.count)) {
        check_accept(handling);
        ledger_use_number(handling->core, act);
        ledger_deposit(handling->core, holding, DONATED, &goods);
        movement_put_out(handling,
                         &(struct movement){.kind = KIND(DONATED),
                                            .item = act->item,
                                            .from = ledger_account_name(DONATED),
                                            .to = holding->holder,
                                            .area = act->area,
                                            .quantity = act->quantity,
                                            .from_balance = holding->stock->balance[DONATED],
                                            .to_balance = holding->on_hand,
                                            .goods = &goods,
                                            .donor = act->donor,
                                            .donation = donation,
                                            .reason = movement_own_reason(handling)});
        allocation_settle(handling, act->item);
    }
    batches_free(&goods);
}
