/*
 * The acts of holders and requesters: each is checked whole before anything changes, then done, and
 * answered by exactly one receipt.
 *
 *     STOCK_TAKE  the author counts what it has: the difference goes to or comes from "world"
 *     REQUEST     stock is set aside where the level in force allows; the rest waits
 *     COMMIT      a holder confirms what is set aside at it
 *     DECLINE     a holder cannot: what is set aside at it is given back and sought elsewhere
 *     DISPATCH    on a request (from what is set aside) or pushed (from what is free): to "transit"
 *     RETURN      like a pushed dispatch
 *     RECEIVE     the receiver confirms a shipment; what is missing of it goes to "lost"
 *     REQUISITION where the plan allows it: sets aside at a named holder, compensation is owed
 */
#include "supplies.h"

#include <stdio.h>
#include <string.h>

typedef Liandong__V1__SupplyAct supply_act;
#define VERB(name) LIANDONG__V1__SUPPLY_ACT__VERB__##name
#define KIND(name) LIANDONG__V1__SUPPLY_MOVEMENT__KIND__##name

enum { ID_SIZE_MAX = 100 };
static const int64_t QUANTITY_MAX = INT64_C(1000000000000);

/* Refuses with the same facts in both languages: each format takes the two strings in order. */
#define REFUSE(handling, code, zh, en, first, second)                                              \
    sv_refuse((handling)->out, (handling)->event, code, (handling)->plan->supplies.section,        \
              ld_arena_format(sv_arena((handling)->out), zh, first, second),                       \
              ld_arena_format(sv_arena((handling)->out), en, first, second))

static bool known_unit(const struct handling *handling, const char *field, const char *id)
{
    if (plan_find_unit(handling->plan, id) >= 0) {
        return true;
    }
    REFUSE(handling, "unknown-unit", "%s：没有单位 %s，请用词汇表里的单位代码",
           "%s: no unit %s; use a unit id of the vocabulary", field, id);
    return false;
}

/* from and to as the verb needs them; the author must be the one who acts. */
static bool parties_are_right(const struct handling *handling)
{
    const supply_act *act = handling->act;
    bool moves = act->verb == VERB(DISPATCH) || act->verb == VERB(RETURN) ||
                 act->verb == VERB(RECEIVE) || act->verb == VERB(REQUISITION);
    if (moves &&
        (!known_unit(handling, "from", act->from) || !known_unit(handling, "to", act->to))) {
        return false;
    }
    const char *actor = act->verb == VERB(RECEIVE) ? act->to : act->from;
    if (moves && act->verb != VERB(REQUISITION) && strcmp(actor, act->context->author) != 0) {
        REFUSE(handling, "wrong-unit", "应由 %s 操作，而作者是 %s",
               "%s has to do this, the author is %s", actor, act->context->author);
        return false;
    }
    if (*act->to != '\0' && !moves && !known_unit(handling, "to", act->to)) {
        return false;
    }
    return true;
}

static bool quantity_is_right(const struct handling *handling)
{
    const supply_act *act = handling->act;
    bool may_be_zero = act->verb == VERB(STOCK_TAKE) || act->verb == VERB(RECEIVE) ||
                       act->verb == VERB(COMMIT) || act->verb == VERB(DECLINE);
    if (act->quantity < (may_be_zero ? 0 : 1) || act->quantity > QUANTITY_MAX) {
        char found[32];
        snprintf(found, sizeof found, "%lld", (long long)act->quantity);
        REFUSE(handling, "bad-quantity", "数量应为%s的整数，实为 %s", "expected %s, found %s",
               may_be_zero ? "0 … 10^12" : "1 … 10^12", found);
        return false;
    }
    return true;
}

/* The topic says it too: need/<area>/<item>/<author>. */
static bool topic_agrees(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const struct sv_event *event = handling->event;
    const char *author = act->context != NULL ? act->context->author : "";
    if (event->segment_count == 4 && strcmp(event->segment[2], act->item) == 0 &&
        strcmp(event->segment[1], act->area) == 0 && strcmp(event->segment[3], author) == 0) {
        return true;
    }
    REFUSE(handling, "topic-differs",
           "主题应为 need/<区划>/<物资>/<作者>，与内容一致；主题 %s，作者 %s",
           "the topic must be need/<area>/<item>/<author> as in the message; topic %s, author %s",
           event->topic, author);
    return false;
}

static bool act_is_sound(const struct handling *handling)
{
    const supply_act *act = handling->act;
    if (!topic_agrees(handling) || !known_unit(handling, "author", act->context->author)) {
        return false;
    }
    if (plan_find_item(handling->plan, act->item) < 0) {
        REFUSE(handling, "unknown-item", "没有物资 %s%s，请用词汇表里的物资代码",
               "no item %s%s; use an item id of the vocabulary", act->item, "");
        return false;
    }
    if (*act->id == '\0' || strlen(act->id) > ID_SIZE_MAX) {
        REFUSE(handling, "bad-id", "编号应为 1 至 100 字节%s%s",
               "the id must have 1 to 100 bytes%s%s", "", "");
        return false;
    }
    return quantity_is_right(handling) && parties_are_right(handling);
}

static void accept(const struct handling *handling)
{
    sv_accept(handling->out, handling->event, handling->act->context->incident, handling->plan);
}

static bool enough(const struct handling *handling, int64_t wanted, int64_t there)
{
    if (wanted <= there) {
        return true;
    }
    char numbers[2][32];
    snprintf(numbers[0], sizeof numbers[0], "%lld", (long long)wanted);
    snprintf(numbers[1], sizeof numbers[1], "%lld", (long long)there);
    REFUSE(handling, "not-enough", "要 %s，可用只有 %s", "%s wanted, only %s available", numbers[0],
           numbers[1]);
    return false;
}

/* ---- the verbs ---- */

static void stock_take(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct holding *holding = ledger_holding(handling->core, act->context->author, act->item);
    int64_t difference = act->quantity - holding->on_hand;
    if (!enough(handling, holding->reserved, act->quantity)) {
        return; /* what is set aside has to be declined first */
    }
    accept(handling);
    holding->on_hand = act->quantity;
    bool more = difference >= 0;
    struct movement movement = {.kind = KIND(STOCK_SET),
                                .item = act->item,
                                .from = more ? "world" : holding->holder,
                                .to = more ? holding->holder : "world",
                                .area = act->area,
                                .quantity = more ? difference : -difference,
                                .from_balance = more ? 0 : holding->on_hand,
                                .to_balance = more ? holding->on_hand : 0};
    supplies_put_out(handling, &movement);
    if (more) {
        allocation_retry(handling, act->item);
    }
}

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

static void ask(const struct handling *handling)
{
    const supply_act *act = handling->act;
    if (!request_is_new(handling)) {
        return;
    }
    accept(handling);
    const char *to = *act->to != '\0' ? act->to : act->context->author;
    struct request *request = ledger_add_request(handling->core, act, to);
    struct movement movement = {.kind = KIND(REQUESTED),
                                .item = act->item,
                                .to = to,
                                .request = act->id,
                                .area = act->area,
                                .quantity = act->quantity};
    supplies_put_out(handling, &movement);
    allocation_try(handling, request);
}

static void requisition(const struct handling *handling)
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
        !enough(handling, act->quantity, ledger_free_quantity(holding))) {
        return;
    }
    accept(handling);
    struct request *request = ledger_add_request(handling->core, act, act->to);
    request->requisition = true;
    ledger_reserve(request, holding, act->quantity);
    struct movement movement = {.kind = KIND(REQUISITIONED),
                                .item = act->item,
                                .from = act->from,
                                .to = act->to,
                                .request = act->id,
                                .pool = "city+requisition",
                                .area = act->area,
                                .quantity = act->quantity,
                                .from_balance = ledger_free_quantity(holding)};
    supplies_put_out(handling, &movement);
}

/* The request that the act answers: any requester's with that id that has something set aside at
 * the author. NULL after refusing. */
static struct request *request_answered(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct request *request, *next;
    HASH_ITER(hh, handling->core->requests, request, next)
    {
        struct allocation *allocation = ledger_allocation(request, act->context->author);
        if (strcmp(request->id, act->request) == 0 && strcmp(request->item, act->item) == 0 &&
            allocation != NULL && allocation->quantity > 0) {
            return request;
        }
    }
    REFUSE(handling, "unknown-request", "请求 %s 没有在 %s 预留物资",
           "request %s has nothing set aside at %s", act->request, act->context->author);
    return NULL;
}

static void decline(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct request *request = request_answered(handling);
    if (request == NULL) {
        return;
    }
    accept(handling);
    struct holding *holding = ledger_holding(handling->core, act->context->author, act->item);
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    int64_t quantity = allocation->quantity;
    ledger_release(request, holding, quantity);
    allocation->declined = true;
    struct movement movement = {.kind = KIND(RELEASED),
                                .item = act->item,
                                .from = holding->holder,
                                .to = request->to,
                                .request = request->id,
                                .area = request->area,
                                .quantity = quantity,
                                .from_balance = ledger_free_quantity(holding),
                                .reason = {act->reason, act->reason}};
    supplies_put_out(handling, &movement);
    if (!request->requisition) {
        allocation_try(handling, request);
    }
    allocation_retry(handling, act->item);
}

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

static void send_off(const struct handling *handling, struct holding *holding)
{
    const supply_act *act = handling->act;
    accept(handling);
    holding->on_hand -= act->quantity;
    struct shipment *shipment = ledger_add_shipment(handling->core, act);
    struct movement movement = {.kind =
                                    act->verb == VERB(RETURN) ? KIND(RETURNED) : KIND(DISPATCHED),
                                .item = act->item,
                                .from = act->from,
                                .to = "transit",
                                .request = act->request,
                                .shipment = act->id,
                                .area = act->area,
                                .quantity = act->quantity,
                                .from_balance = holding->on_hand,
                                .to_balance = shipment->quantity};
    supplies_put_out(handling, &movement);
}

static void dispatch(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct holding *holding = ledger_holding(handling->core, act->from, act->item);
    if (!shipment_is_new(handling)) {
        return;
    }
    if (*act->request == '\0' || act->verb == VERB(RETURN)) {
        if (enough(handling, act->quantity, ledger_free_quantity(holding))) {
            send_off(handling, holding);
        }
        return;
    }
    struct request *request = request_answered(handling);
    struct allocation *allocation =
        request == NULL ? NULL : ledger_allocation(request, holding->holder);
    if (allocation == NULL || !enough(handling, act->quantity, allocation->quantity)) {
        return;
    }
    allocation->quantity -= act->quantity; /* stays covered: it is on its way */
    holding->reserved -= act->quantity;
    send_off(handling, holding);
}

static void lose(const struct handling *handling, const struct shipment *shipment, int64_t quantity)
{
    const supply_act *act = handling->act;
    struct movement movement = {.kind = KIND(SHORTFALL),
                                .item = act->item,
                                .from = "transit",
                                .to = "lost",
                                .request = shipment->request,
                                .shipment = act->id,
                                .area = act->area,
                                .quantity = quantity,
                                .reason = {act->reason, act->reason}};
    supplies_put_out(handling, &movement);
}

static void receive(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct shipment *shipment = ledger_shipment(handling->core, act->from, act->id);
    if (shipment == NULL || shipment->quantity == 0 || strcmp(shipment->item, act->item) != 0 ||
        strcmp(shipment->to, act->to) != 0) {
        REFUSE(handling, "unknown-shipment", "没有从 %s 发给本单位、编号 %s 的在途物资",
               "nothing is under way to this unit from %s with id %s", act->from, act->id);
        return;
    }
    if (!enough(handling, act->quantity, shipment->quantity)) {
        return;
    }
    accept(handling);
    struct holding *holding = ledger_holding(handling->core, act->to, act->item);
    int64_t missing = shipment->quantity - act->quantity;
    shipment->quantity = 0;
    holding->on_hand += act->quantity;
    struct movement movement = {.kind = KIND(RECEIVED),
                                .item = act->item,
                                .from = "transit",
                                .to = act->to,
                                .request = shipment->request,
                                .shipment = act->id,
                                .area = act->area,
                                .quantity = act->quantity,
                                .to_balance = holding->on_hand};
    supplies_put_out(handling, &movement);
    if (missing > 0) {
        lose(handling, shipment, missing);
    }
    allocation_retry(handling, act->item);
}

void supplies_act(struct handling *handling)
{
    if (!act_is_sound(handling)) {
        return;
    }
    switch (handling->act->verb) {
    case VERB(STOCK_TAKE):
        stock_take(handling);
        break;
    case VERB(REQUEST):
        ask(handling);
        break;
    case VERB(COMMIT):
        if (request_answered(handling) != NULL) {
            accept(handling);
        }
        break;
    case VERB(DECLINE):
        decline(handling);
        break;
    case VERB(DISPATCH):
    case VERB(RETURN):
        dispatch(handling);
        break;
    case VERB(RECEIVE):
        receive(handling);
        break;
    case VERB(REQUISITION):
        requisition(handling);
        break;
    default:
        REFUSE(handling, "unknown-verb", "不认识的操作%s%s", "no such verb%s%s", "", "");
    }
}
