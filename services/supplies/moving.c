/* Goods on their way: dispatched on a request or pushed, returned, received with what is missing.
 */
#include "memory.h"
#include "supplies.h"

static bool shipment_is_new(const struct handling *handling)
{
    const supply_act *act = handling->act;
    if (ledger_shipment(handling->core, act->from, act->id) == NULL) {
        return true;
    }
    REFUSE(handling, "duplicate", "%s 已有编号为 %s 的发运", "%s already has a shipment with id %s",
           act->from, act->id);
    return false;
}

static struct shipment *send_off(const struct handling *handling, struct holding *holding,
                                 const struct request *request)
{
    const supply_act *act = handling->act;
    check_accept(handling);
    struct shipment *shipment = ledger_add_shipment(handling->core, act, request);
    shipment->goods = counting_take(handling, holding, act->quantity, handling_now(handling));
    ledger_withdrawn(handling->core, holding, TRANSIT, &shipment->goods);
    bool back = act->verb == VERB(RETURN);
    movement_put_out(handling, &(struct movement){.kind = back ? KIND(RETURNED) : KIND(DISPATCHED),
                                                  .item = act->item,
                                                  .from = act->from,
                                                  .to = ledger_account_name(TRANSIT),
                                                  .request = act->request,
                                                  .requester = request != NULL ? request->author
                                                                               : act->requester,
                                                  .shipment = act->id,
                                                  .sender = act->from,
                                                  .receiver = act->to,
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .from_balance = holding->on_hand,
                                                  .to_balance = holding->stock->balance[TRANSIT],
                                                  .goods = &shipment->goods,
                                                  .reason = movement_own_reason(handling)});
    return shipment;
}

/* Of goods that come back: the debt that they are of. Refuses and says false if it is none. */
static bool is_given_back(const struct handling *handling, const struct debt **debt)
{
    const supply_act *act = handling->act;
    *debt = NULL;
    if (act->verb != VERB(RETURN) || *act->request == '\0') {
        return true;
    }
    *debt = debts_named(handling);
    if (*debt != NULL && strcmp((*debt)->creditor, act->to) != 0) {
        REFUSE(handling, "wrong-unit", "%s 应归还 %s", "%s has to be given back to %s",
               act->request, (*debt)->creditor);
        *debt = NULL;
    }
    return *debt != NULL;
}

static void dispatch_on_request(const struct handling *handling, struct holding *holding)
{
    const supply_act *act = handling->act;
    struct request *request = asking_answered(handling);
    if (request == NULL) {
        return;
    }
    const struct allocation *allocation = ledger_allocation(request, holding->holder);
    if (check_enough(handling, act->quantity, allocation->quantity) &&
        check_named(handling, &holding->batches)) {
        ledger_fetch(request, holding, act->quantity);
        (void)send_off(handling, holding, request);
        if (request->requisition) {
            debts_owe(handling, ledger_debt(handling->core, act, request->author, request->id,
                                            request->author));
        }
    }
}

static bool debt_is_new(const struct handling *handling)
{
    const supply_act *act = handling->act;
    for (const struct debt *debt = handling->core->debts; debt != NULL; debt = debt->hh.next) {
        if (strcmp(debt->opener, act->from) == 0 && strcmp(debt->id, act->id) == 0) {
            REFUSE(handling, "duplicate", "%s 已有编号为 %s 的借用或征用",
                   "%s already has a loan or requisition with id %s", act->from, act->id);
            return false;
        }
    }
    return true;
}

/* Not on a request: pushed, lent or given back. */
static void send_pushed(const struct handling *handling, struct holding *holding,
                        const struct debt *given_back)
{
    const supply_act *act = handling->act;
    struct shipment *shipment = send_off(handling, holding, NULL);
    if (given_back != NULL) {
        free(shipment->debt);
        shipment->debt = memory_copy(given_back->key);
    }
    if (act->verb == VERB(LEND)) {
        debts_owe(handling, ledger_debt(handling->core, act, act->from, act->id, act->to));
    }
}

void act_dispatch(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct holding *holding = ledger_holding(handling->core, act->from, act->item);
    const struct debt *debt;
    if (!shipment_is_new(handling)) {
        return;
    }
    if (*act->request != '\0' && act->verb == VERB(DISPATCH)) {
        dispatch_on_request(handling, holding);
    } else if (is_given_back(handling, &debt) &&
               check_enough(handling, act->quantity, ledger_free_quantity(holding)) &&
               check_named(handling, &holding->batches) &&
               (act->verb != VERB(LEND) || debt_is_new(handling))) {
        send_pushed(handling, holding, debt);
    }
}

/* ---- receiving ---- */

/* Under way to the author as the act says; NULL after refusing. */
static struct shipment *expected(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct shipment *shipment = ledger_shipment(handling->core, act->from, act->id);
    if (shipment != NULL && shipment->goods.count > 0 && strcmp(shipment->to, act->to) == 0 &&
        strcmp(shipment->stock->item, act->item) == 0) {
        return shipment;
    }
    REFUSE(handling, "unknown-shipment", "没有从 %s 发给本单位、编号 %s 的在途物资",
           "nothing is under way to this unit from %s with id %s", act->from, act->id);
    return NULL;
}

static void say_arrival(const struct handling *handling, const struct shipment *shipment,
                        const struct batches *goods, const struct holding *holding)
{
    const supply_act *act = handling->act;
    const int64_t *balance = shipment->stock->balance;
    const struct request *request = ledger_request_by_key(handling->core, shipment->request);
    bool lost = holding == NULL;
    movement_put_out(handling,
                     &(struct movement){.kind = lost ? KIND(SHORTFALL) : KIND(RECEIVED),
                                        .item = act->item,
                                        .from = ledger_account_name(TRANSIT),
                                        .to = lost ? ledger_account_name(LOST) : holding->holder,
                                        .request = request != NULL ? request->id : "",
                                        .requester = request != NULL ? request->author : "",
                                        .shipment = act->id,
                                        .sender = act->from,
                                        .receiver = act->to,
                                        .area = act->area,
                                        .quantity = batches_total(goods),
                                        .from_balance = balance[TRANSIT],
                                        .to_balance = lost ? balance[LOST] : holding->on_hand,
                                        .goods = goods,
                                        .proof = act->proof,
                                        .reason = movement_own_reason(handling)});
}

/* What has arrived counts for the request; what has not is to be sought again. */
static void settle_request(struct request *request, int64_t arrived, int64_t missing)
{
    if (request == NULL || !request->open) {
        return;
    }
    request->arrived += arrived;
    request->covered -= missing;
    request->quantity -= request->requisition || request->given_up ? missing : 0;
    if (request->arrived == request->quantity) {
        ledger_close_request(request);
    }
}

void act_receive(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct shipment *shipment = expected(handling);
    struct holding *holding = ledger_holding(handling->core, act->to, act->item);
    if (shipment == NULL ||
        !check_enough(handling, act->quantity, batches_total(&shipment->goods)) ||
        !check_named(handling, &shipment->goods) ||
        !check_room(handling, holding, 0, shipment->goods.count)) {
        return;
    }
    check_accept(handling);
    struct batches arrived = {0}, missing = shipment->goods;
    shipment->goods = (struct batches){0};
    if (handling->named.count == 0) {
        arrived = batches_take(&missing, act->quantity, 0);
    } else if (!batches_take_these(&missing, &handling->named, &arrived)) {
        abort(); /* check_named comes before */
    }
    ledger_deposit(handling->core, holding, TRANSIT, &arrived);
    say_arrival(handling, shipment, &arrived, holding);
    if (missing.count > 0) {
        ledger_post(shipment->stock, TRANSIT, LOST, batches_total(&missing));
        say_arrival(handling, shipment, &missing, NULL);
    }
    settle_request(ledger_request_by_key(handling->core, shipment->request),
                   batches_total(&arrived), batches_total(&missing));
    struct debt *debt = ledger_debt_by_key(handling->core, shipment->debt);
    if (debt != NULL) {
        debts_give_back(handling, debt, batches_total(&arrived));
    }
    batches_free(&arrived);
    batches_free(&missing);
    allocation_settle(handling, act->item);
}
