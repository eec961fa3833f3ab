/*
 * Who may draw on whose stock depends on the level in force (plan: supplies.pools):
 *     own     the requester itself and the depots of its own area
 *     county  every holder of the requester's area
 *     city    every holder in the city, the requester's own area first
 * A requisition (level I) has its holder named by the act and does not come here.
 */
#include "supplies.h"

#include <string.h>

static const char *const POOL_NAMES[] = {"own", "county", "city"};

static bool same_area(const struct plan *plan, const char *holder, const char *area)
{
    int unit = plan_find_unit(plan, holder);
    return unit >= 0 && strcmp(plan->units[unit].area, area) == 0;
}

static bool is_depot(const struct plan *plan, const char *holder)
{
    int unit = plan_find_unit(plan, holder);
    return unit >= 0 && strcmp(plan->units[unit].kind, "depot") == 0;
}

static bool may_draw(const struct plan *plan, enum plan_pool pool, const struct request *request,
                     const char *holder)
{
    if (strcmp(holder, request->to) == 0) {
        return false; /* what it holds itself needs no request */
    }
    if (pool == PLAN_POOL_CITY) {
        return true;
    }
    return same_area(plan, holder, request->area) &&
           (pool == PLAN_POOL_COUNTY || is_depot(plan, holder));
}

static void take(const struct handling *handling, struct request *request, struct holding *holding,
                 enum plan_pool pool)
{
    int64_t missing = request->quantity - request->covered;
    int64_t available = ledger_free_quantity(holding);
    int64_t quantity = available < missing ? available : missing;
    struct allocation *before = ledger_allocation(request, holding->holder);
    if (quantity <= 0 || (before != NULL && before->declined)) {
        return;
    }
    ledger_reserve(request, holding, quantity);
    struct movement movement = {.kind = KIND(ALLOCATED),
                                .item = request->stock->item,
                                .from = holding->holder,
                                .to = request->to,
                                .request = request->id,
                                .pool = POOL_NAMES[pool],
                                .area = request->area,
                                .quantity = quantity,
                                .from_balance = ledger_free_quantity(holding)};
    movement_put_out(handling, &movement);
}

static void take_where(const struct handling *handling, struct request *request,
                       enum plan_pool pool, bool own_area)
{
    for (size_t i = 0; i < request->stock->holding_count; i++) {
        struct holding *holding = request->stock->holdings[i];
        if (same_area(handling->plan, holding->holder, request->area) == own_area &&
            may_draw(handling->plan, pool, request, holding->holder)) {
            take(handling, request, holding, pool);
        }
    }
}

static void say_unmet(const struct handling *handling, const struct request *request, int level)
{
    struct ld_arena *arena = sv_arena(handling->out);
    const char *pool = POOL_NAMES[handling->plan->supplies.pool[level]];
    long long missing = (long long)(request->quantity - request->covered);
    struct movement movement = {
        .kind = KIND(UNMET),
        .item = request->stock->item,
        .to = request->to,
        .request = request->id,
        .pool = pool,
        .area = request->area,
        .quantity = request->quantity - request->covered,
        .reason = {
            ld_arena_format(arena,
                            "可调用范围（%s）内尚缺 %lld；有新库存或响应级别提高时自动再分配", pool,
                            missing),
            ld_arena_format(arena,
                            "%lld short within the pool that is open (%s); allocated by itself "
                            "when stock comes in or the level is raised",
                            missing, pool)}};
    movement_put_out(handling, &movement);
}

void allocation_try(const struct handling *handling, struct request *request)
{
    int64_t before = request->covered;
    int level = ledger_level(handling->core, request->area);
    enum plan_pool pool = handling->plan->supplies.pool[level];
    take_where(handling, request, pool, true);
    if (pool == PLAN_POOL_CITY) {
        take_where(handling, request, pool, false);
    }
    if (request->covered < request->quantity && (before == 0 || request->covered > before)) {
        say_unmet(handling, request, level);
    }
}

static void retry_stock(const struct handling *handling, const struct stock *stock)
{
    for (size_t i = 0; i < stock->open_count; i++) {
        struct request *request = stock->open[i];
        if (request->covered < request->quantity && !request->requisition) {
            allocation_try(handling, request);
        }
    }
}

void allocation_retry(const struct handling *handling, const char *item)
{
    if (item != NULL) {
        retry_stock(handling, ledger_stock(handling->core, item));
        return;
    }
    for (const struct stock *stock = handling->core->stocks; stock != NULL;
         stock = stock->hh.next) {
        retry_stock(handling, stock);
    }
}

/* Gives back what of a request is set aside at the holding beyond what it has. */
static void shed_from(const struct handling *handling, struct request *request,
                      struct holding *holding)
{
    const struct allocation *allocation = ledger_allocation(request, holding->holder);
    int64_t beyond = holding->reserved - holding->on_hand;
    int64_t there = allocation != NULL ? allocation->quantity : 0;
    int64_t quantity = beyond < there ? beyond : there;
    if (quantity <= 0) {
        return;
    }
    ledger_release(request, holding, quantity);
    movement_put_out(
        handling,
        &(struct movement){.kind = KIND(RELEASED),
                           .item = request->stock->item,
                           .from = holding->holder,
                           .to = request->to,
                           .request = request->id,
                           .area = request->area,
                           .quantity = quantity,
                           .from_balance = ledger_free_quantity(holding),
                           .reason = {"持有单位的存量已不足以预留",
                                      "the holder has not as much any more as was set aside"}});
}

void allocation_shed(const struct handling *handling, struct holding *holding)
{
    const struct stock *stock = holding->stock;
    for (size_t i = stock->open_count; i > 0; i--) {
        shed_from(handling, stock->open[i - 1], holding);
    }
    for (size_t i = 0; i < stock->open_count; i++) {
        if (!stock->open[i]->requisition && stock->open[i]->covered < stock->open[i]->quantity) {
            allocation_try(handling, stock->open[i]);
        }
    }
}
