/* Goods on their way: dispatched on a request or pushed, returned, received with what is missing.
 */
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

static void send_off(const struct handling *handling, struct holding *holding,
                     const struct request *request)
{
    const supply_act *act = handling->act;
    check_accept(handling);
    struct shipment *shipment = ledger_add_shipment(handling->core, act, request);
    shipment->goods = counting_take(handling, holding, act->quantity, handling_now(handling));
    ledger_withdrawn(holding, TRANSIT, &shipment->goods);
    bool back = act->verb == VERB(RETURN);
    movement_put_out(handling, &(struct movement){.kind = back ? KIND(RETURNED) : KIND(DISPATCHED),
                                                  .item = act->item,
                                                  .from = act->from,
                                                  .to = ledger_account_name(TRANSIT),
                                                  .request = act->request,
                                                  .shipment = act->id,
                                                  .area = act->area,
                                                  .quantity = act->quantity,
                                                  .from_balance = holding->on_hand,
                                                  .to_balance = holding->stock->balance[TRANSIT],
                                                  .goods = &shipment->goods,
                                                  .reason = movement_own_reason(handling)});
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
        send_off(handling, holding, request);
    }
}

void act_dispatch(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct holding *holding = ledger_holding(handling->core, act->from, act->item);
    if (!shipment_is_new(handling)) {
        return;
    }
    if (*act->request != '\0' && act->verb == VERB(DISPATCH)) {
        dispatch_on_request(handling, holding);
    } else if (check_enough(handling, act->quantity, ledger_free_quantity(holding)) &&
               check_named(handling, &holding->batches)) {
        send_off(handling, holding, NULL);
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
                                        .shipment = act->id,
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
    if (request->requisition) {
        request->quantity -= missing;
    }
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
    batches_free(&arrived);
    batches_free(&missing);
    allocation_retry(handling, act->item);
}
