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
    request->sequence = handling->event->record->sequence;
    movement_put_out(handling, &(struct movement){.kind = KIND(REQUESTED),
                                                  .item = act->item,
                                                  .to = to,
                                                  .request = act->id,
                                                  .requester = act->context->author,
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .reason = movement_own_reason(handling)});
    allocation_settle(handling, act->item);
}

/* Governments and the commands that they set up, for what lies in their area. A unit of the city
 * may lie in any county of it. */
static bool may_requisition(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const struct plan *plan = handling->plan;
    int unit = plan_find_unit(plan, act->context->author);
    const char *kind = unit >= 0 ? plan->units[unit].kind : "";
    const char *area = unit >= 0 ? plan->units[unit].area : "-";
    size_t own = strlen(area), other = strcspn(act->from, ".");
    if ((strcmp(kind, "government") == 0 || strcmp(kind, "group") == 0) &&
        strncmp(act->from, area, own < other ? own : other) == 0) {
        return true;
    }
    REFUSE(handling, "wrong-unit", "征用应由当地政府或其指挥部作出，%s 不能征用 %s 的物资",
           "a government or its command requisitions, in its own area: %s cannot from %s",
           act->context->author, act->from);
    return false;
}

void act_requisition(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const struct plan *plan;
    int level = ledger_level(handling->core, act->area, &plan);
    if (!may_requisition(handling)) {
        return;
    }
    if (!plan->supplies.requisition[level]) {
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
    request->sequence = handling->event->record->sequence;
    ledger_reserve(request, holding, act->quantity, request->sequence);
    ledger_allocation(request, act->from)->committed = act->quantity;
    movement_put_out(handling, &(struct movement){.kind = KIND(REQUISITIONED),
                                                  .item = act->item,
                                                  .from = act->from,
                                                  .to = act->to,
                                                  .request = act->id,
                                                  .requester = act->context->author,
                                                  .pool = "city+requisition",
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .from_balance = ledger_free_quantity(holding),
                                                  .reason = movement_own_reason(handling)});
}

/* ---- answers ---- */

static bool is_meant(const struct request *request, const supply_act *act)
{
    const struct allocation *allocation = ledger_allocation(request, act->context->author);
    return strcmp(request->id, act->request) == 0 && allocation != NULL &&
           allocation->quantity > 0 &&
           (*act->requester == '\0' || strcmp(request->author, act->requester) == 0);
}

struct request *asking_answered(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const struct stock *stock = ledger_stock(handling->core, act->item);
    struct request *found = NULL;
    for (size_t i = 0; i < stock->open_count; i++) {
        if (!is_meant(stock->open[i], act)) {
            continue;
        }
        if (found != NULL) {
            REFUSE(handling, "ambiguous", "%s 和 %s 的请求编号相同，请用 requester 指明",
                   "%s and %s have requests with this id: name whose, as requester", found->author,
                   stock->open[i]->author);
            return NULL;
        }
        found = stock->open[i];
    }
    if (found == NULL) {
        REFUSE(handling, "unknown-request", "请求 %s 没有在 %s 预留物资",
               "request %s has nothing set aside at %s", act->request, act->context->author);
    }
    return found;
}

void act_commit(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct request *request = asking_answered(handling);
    if (request == NULL) {
        return;
    }
    check_accept(handling);
    struct allocation *allocation = ledger_allocation(request, act->context->author);
    allocation->committed = allocation->quantity;
    movement_put_out(handling, &(struct movement){.kind = KIND(COMMITTED),
                                                  .item = act->item,
                                                  .from = allocation->holder,
                                                  .to = request->to,
                                                  .request = request->id,
                                                  .requester = request->author,
                                                  .area = request->area,
                                                  .quantity = allocation->quantity,
                                                  .reason = movement_own_reason(handling)});
}

/* Nothing more is sought for the request. */
static void end_at_what_is_sent(struct request *request)
{
    request->given_up = true;
    request->quantity = request->covered;
    if (request->arrived == request->quantity) {
        ledger_close_request(request);
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
    allocation->declined = true;
    allocation_give_back(handling, request, holding, allocation->quantity,
                         movement_own_reason(handling));
    if (request->requisition) {
        end_at_what_is_sent(request);
    }
    allocation_settle(handling, act->item);
}

/* ---- giving up ---- */

static void give_up(const struct handling *handling, struct request *request)
{
    const supply_act *act = handling->act;
    int64_t before = request->quantity;
    check_accept(handling);
    for (size_t i = 0; i < request->allocation_count; i++) {
        const struct allocation *allocation = &request->allocations[i];
        struct holding *holding = ledger_holding(handling->core, allocation->holder, act->item);
        allocation_give_back(handling, request, holding, allocation->quantity,
                             movement_own_reason(handling));
    }
    end_at_what_is_sent(request);
    movement_put_out(handling, &(struct movement){.kind = KIND(CANCELLED),
                                                  .item = act->item,
                                                  .to = request->to,
                                                  .request = request->id,
                                                  .requester = request->author,
                                                  .area = request->area,
                                                  .quantity = before - request->quantity,
                                                  .reason = movement_own_reason(handling)});
    allocation_settle(handling, act->item);
}

void act_cancel(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct request *request = ledger_request(handling->core, act->context->author, act->request);
    if (request == NULL || !request->open || strcmp(request->stock->item, act->item) != 0) {
        REFUSE(handling, "unknown-request", "%s 没有编号为 %s 的未了请求",
               "%s has no open request with id %s", act->context->author, act->request);
        return;
    }
    give_up(handling, request);
}
