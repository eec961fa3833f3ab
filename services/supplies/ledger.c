/* Items, holdings, requests, shipments and levels; see ledger.h for what always holds. */
#include "ledger.h"

#include <assert.h>
#include <stdio.h>

#include "memory.h"

enum { KEY_SIZE = 512 };

const char *ledger_account_name(enum account account)
{
    static const char *const NAMES[ACCOUNTS] = {"held", "transit", "world",  "donated",
                                                "used", "lost",    "expired"};
    return NAMES[account];
}

static const char *key_of(char key[KEY_SIZE], const char *first, const char *second)
{
    snprintf(key, KEY_SIZE, "%s %s", first, second);
    return key;
}

/* ---- finding and making ---- */

struct stock *ledger_stock(struct sv_core *core, const char *item)
{
    struct stock *stock = NULL;
    HASH_FIND_STR(core->stocks, item, stock);
    if (stock == NULL) {
        stock = memory_zeroed(sizeof *stock);
        stock->item = memory_copy(item);
        HASH_ADD_KEYPTR(hh, core->stocks, stock->item, strlen(stock->item), stock);
    }
    return stock;
}

void ledger_link_holding(struct holding *holding, struct stock *stock)
{
    holding->stock = stock;
    holding->area = memory_copy(holding->holder);
    holding->area[strcspn(holding->area, ".")] = '\0';
    stock->holdings = memory_room(stock->holdings, stock->holding_count, sizeof *stock->holdings);
    stock->holdings[stock->holding_count++] = holding;
}

struct holding *ledger_holding(struct sv_core *core, const char *holder, const char *item)
{
    char key[KEY_SIZE];
    struct holding *holding = NULL;
    HASH_FIND_STR(core->holdings, key_of(key, holder, item), holding);
    if (holding == NULL) {
        holding = memory_zeroed(sizeof *holding);
        holding->key = memory_copy(key);
        holding->holder = memory_copy(holder);
        ledger_link_holding(holding, ledger_stock(core, item));
        HASH_ADD_KEYPTR(hh, core->holdings, holding->key, strlen(holding->key), holding);
    }
    return holding;
}

struct request *ledger_request_by_key(struct sv_core *core, const char *key)
{
    struct request *request = NULL;
    HASH_FIND_STR(core->requests, key, request);
    return request;
}

struct request *ledger_request(struct sv_core *core, const char *author, const char *id)
{
    char key[KEY_SIZE];
    return ledger_request_by_key(core, key_of(key, author, id));
}

struct shipment *ledger_shipment(struct sv_core *core, const char *from, const char *id)
{
    char key[KEY_SIZE];
    struct shipment *shipment = NULL;
    HASH_FIND_STR(core->shipments, key_of(key, from, id), shipment);
    return shipment;
}

void ledger_link_request(struct request *request, struct stock *stock)
{
    request->stock = stock;
    if (request->open) {
        stock->open = memory_room(stock->open, stock->open_count, sizeof *stock->open);
        stock->open[stock->open_count++] = request;
    }
}

struct request *ledger_add_request(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                                   const char *to)
{
    char key[KEY_SIZE];
    struct request *request = memory_zeroed(sizeof *request);
    request->key = memory_copy(key_of(key, act->context->author, act->id));
    request->author = memory_copy(act->context->author);
    request->id = memory_copy(act->id);
    request->area = memory_copy(act->area);
    request->to = memory_copy(to);
    request->quantity = act->quantity;
    request->open = true;
    ledger_link_request(request, ledger_stock(core, act->item));
    HASH_ADD_KEYPTR(hh, core->requests, request->key, strlen(request->key), request);
    return request;
}

struct shipment *ledger_add_shipment(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                                     const struct request *request)
{
    char key[KEY_SIZE];
    struct shipment *shipment = memory_zeroed(sizeof *shipment);
    shipment->key = memory_copy(key_of(key, act->from, act->id));
    shipment->from = memory_copy(act->from);
    shipment->id = memory_copy(act->id);
    shipment->to = memory_copy(act->to);
    shipment->request = memory_copy(request != NULL ? request->key : "");
    shipment->stock = ledger_stock(core, act->item);
    HASH_ADD_KEYPTR(hh, core->shipments, shipment->key, strlen(shipment->key), shipment);
    return shipment;
}

/* ---- numbers ---- */

static const char *number_key(char key[KEY_SIZE], const Liandong__V1__SupplyAct *act)
{
    snprintf(key, KEY_SIZE, "%s %d %s", act->context->author, (int)act->verb, act->id);
    return key;
}

bool ledger_number_is_used(struct sv_core *core, const Liandong__V1__SupplyAct *act)
{
    char key[KEY_SIZE];
    struct used_number *number = NULL;
    HASH_FIND_STR(core->numbers, number_key(key, act), number);
    return number != NULL;
}

void ledger_use_number(struct sv_core *core, const Liandong__V1__SupplyAct *act)
{
    char key[KEY_SIZE];
    struct used_number *number = memory_zeroed(sizeof *number);
    number->key = memory_copy(number_key(key, act));
    HASH_ADD_KEYPTR(hh, core->numbers, number->key, strlen(number->key), number);
}

/* ---- entries ---- */

void ledger_post(struct stock *stock, enum account from, enum account to, int64_t quantity)
{
    int64_t sum = 0;
    assert(quantity >= 0 && quantity <= HELD_MAX);
    stock->balance[from] -= quantity;
    stock->balance[to] += quantity;
    for (int i = 0; i < ACCOUNTS; i++) {
        sum += stock->balance[i];
    }
    assert(sum == 0);
    assert(stock->balance[HELD] >= 0 && stock->balance[TRANSIT] >= 0);
}

void ledger_deposit(struct sv_core *core, struct holding *holding, enum account from,
                    const struct batches *goods)
{
    int64_t quantity = batches_total(goods), expiry = batches_first_expiry(goods);
    ledger_post(holding->stock, from, HELD, quantity);
    batches_add_all(&holding->batches, goods);
    holding->on_hand += quantity;
    core->next_expiry_us = expiry < core->next_expiry_us ? expiry : core->next_expiry_us;
    assert(holding->on_hand == batches_total(&holding->batches));
}

void ledger_withdrawn(struct holding *holding, enum account to, const struct batches *goods)
{
    int64_t quantity = batches_total(goods);
    ledger_post(holding->stock, HELD, to, quantity);
    holding->on_hand -= quantity;
    assert(holding->on_hand >= 0 && holding->on_hand == batches_total(&holding->batches));
}

/* ---- setting aside ---- */

struct allocation *ledger_allocation(const struct request *request, const char *holder)
{
    for (size_t i = 0; i < request->allocation_count; i++) {
        if (strcmp(request->allocations[i].holder, holder) == 0) {
            return &request->allocations[i];
        }
    }
    return NULL;
}

struct allocation *ledger_add_allocation(struct request *request, char *holder)
{
    request->allocations =
        memory_room(request->allocations, request->allocation_count, sizeof *request->allocations);
    struct allocation *added = &request->allocations[request->allocation_count++];
    *added = (struct allocation){.holder = holder};
    return added;
}

void ledger_reserve(struct request *request, struct holding *holding, int64_t quantity)
{
    assert(request->open && quantity > 0 && quantity <= ledger_free_quantity(holding));
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    if (allocation == NULL) {
        allocation = ledger_add_allocation(request, memory_copy(holding->holder));
    }
    allocation->quantity += quantity;
    holding->reserved += quantity;
    request->covered += quantity;
    assert(request->covered <= request->quantity);
}

static void unreserve(struct request *request, struct holding *holding, int64_t quantity)
{
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    assert(allocation != NULL && quantity <= allocation->quantity);
    allocation->quantity -= quantity;
    holding->reserved -= quantity;
    assert(holding->reserved >= 0);
}

void ledger_release(struct request *request, struct holding *holding, int64_t quantity)
{
    unreserve(request, holding, quantity);
    request->covered -= quantity;
    assert(request->covered >= request->arrived);
}

void ledger_fetch(struct request *request, struct holding *holding, int64_t quantity)
{
    unreserve(request, holding, quantity);
}

void ledger_close_request(struct request *request)
{
    struct stock *stock = request->stock;
    size_t kept = 0;
    for (size_t i = 0; i < request->allocation_count; i++) {
        assert(request->allocations[i].quantity == 0);
    }
    for (size_t i = 0; i < stock->open_count; i++) {
        if (stock->open[i] != request) {
            stock->open[kept++] = stock->open[i];
        }
    }
    stock->open_count = kept;
    request->open = false;
}

/* ---- levels ---- */

int ledger_level(const struct sv_core *core, const char *area)
{
    int gravest = PLAN_NONE;
    for (const struct level_in_force *one = core->levels; one != NULL; one = one->hh.next) {
        bool above = strncmp(area, one->area, strlen(one->area)) == 0;
        if (above && plan_level_reaches(one->level, gravest)) {
            gravest = one->level;
        }
    }
    return gravest;
}

void ledger_set_level(struct sv_core *core, const Liandong__V1__Response *response)
{
    char key[KEY_SIZE];
    struct level_in_force *level = NULL;
    HASH_FIND_STR(core->levels, key_of(key, response->area, response->context->incident), level);
    if (level == NULL) {
        level = memory_zeroed(sizeof *level);
        level->key = memory_copy(key);
        level->area = memory_copy(response->area);
        HASH_ADD_KEYPTR(hh, core->levels, level->key, strlen(level->key), level);
    }
    level->level = (int)response->in_force;
}
