/* Requests and what holders answer; requisitions. */
#include "supplies.h"

static bool request_is_new(const struct handling *handling)
{
    const supply_act *act = handling->act;
    if (ledger_request(handling->core, act->context->author, act->id) == NULL) {
        return true;
    }
    REFUSE(handling, "duplicate", "%s 已有编号为 %s 的请求", "%s already has a request with id %s",
           act->context->author, act->id);
    return false;
}

void act_request(const struct handling *handling)
{
    const supply_act *act = handling->act;
    if (!request_is_new(handling)) {
        return;
    }
    check_accept(handling);
    const char *to = *act->to != '\0' ? act->to : act->context->author;
    struct request *request = ledger_add_request(handling->core, act, to);
    movement_put_out(handling, &(struct movement){.kind = KIND(REQUESTED),
                                                  .item = act->item,
                                                  .to = to,
                                                  .request = act->id,
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .reason = movement_own_reason(handling)});
    allocation_try(handling, request);
}

void act_requisition(const struct handling *handling)
{
    const supply_act *act = handling->act;
    int level = ledger_level(handling->core, act->area);
    if (!handling->plan->supplies.requisition[level]) {
        REFUSE(handling, "level-too-low", "征用须在预案允许的响应级别下进行，%s 现为 %s",
               "requisition needs a level at which the plan allows it; in %s it is %s now",
               act->area, plan_level_name(level));
        return;
    }
    struct holding *holding = ledger_holding(handling->core, act->from, act->item);
    if (!request_is_new(handling) ||
        !check_enough(handling, act->quantity, ledger_free_quantity(holding))) {
        return;
    }
    check_accept(handling);
    struct request *request = ledger_add_request(handling->core, act, act->to);
    request->requisition = true;
    ledger_reserve(request, holding, act->quantity);
    movement_put_out(handling, &(struct movement){.kind = KIND(REQUISITIONED),
                                                  .item = act->item,
                                                  .from = act->from,
                                                  .to = act->to,
                                                  .request = act->id,
                                                  .pool = "city+requisition",
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .from_balance = ledger_free_quantity(holding),
                                                  .reason = movement_own_reason(handling)});
}

struct request *asking_answered(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const struct stock *stock = ledger_stock(handling->core, act->item);
    for (size_t i = 0; i < stock->open_count; i++) {
        struct request *request = stock->open[i];
        const struct allocation *allocation = ledger_allocation(request, act->context->author);
        if (strcmp(request->id, act->request) == 0 && allocation != NULL &&
            allocation->quantity > 0) {
            return request;
        }
    }
    REFUSE(handling, "unknown-request", "请求 %s 没有在 %s 预留物资",
           "request %s has nothing set aside at %s", act->request, act->context->author);
    return NULL;
}

void act_commit(const struct handling *handling)
{
    if (asking_answered(handling) != NULL) {
        check_accept(handling);
    }
}

void act_decline(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct request *request = asking_answered(handling);
    if (request == NULL) {
        return;
    }
    check_accept(handling);
    struct holding *holding = ledger_holding(handling->core, act->context->author, act->item);
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    int64_t quantity = allocation->quantity;
    ledger_release(request, holding, quantity);
    allocation->declined = true;
    movement_put_out(handling, &(struct movement){.kind = KIND(RELEASED),
                                                  .item = act->item,
                                                  .from = holding->holder,
                                                  .to = request->to,
                                                  .request = request->id,
                                                  .area = request->area,
                                                  .quantity = quantity,
                                                  .from_balance = ledger_free_quantity(holding),
                                                  .reason = movement_own_reason(handling)});
    if (!request->requisition) {
        allocation_try(handling, request);
    }
    allocation_retry(handling, act->item);
}
