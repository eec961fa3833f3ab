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

static struct owner *owner_of(struct sv_core *core, const char *holder)
{
    struct owner *owner = NULL;
    HASH_FIND_STR(core->owners, holder, owner);
    if (owner == NULL) {
        owner = memory_zeroed(sizeof *owner);
        owner->key = memory_copy(holder);
        owner->area = memory_copy(holder);
        owner->area[strcspn(owner->area, ".")] = '\0';
        HASH_ADD_KEYPTR(hh, core->owners, owner->key, strlen(owner->key), owner);
    }
    return owner;
}

char **ledger_told(struct owner *owner, const char *rule)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        if (strcmp(owner->told[i].rule, rule) == 0) {
            return &owner->told[i].signature;
        }
    }
    owner->told = memory_room(owner->told, owner->told_count, sizeof *owner->told);
    struct told *added = &owner->told[owner->told_count++];
    *added = (struct told){memory_copy(rule), memory_copy("")};
    return &added->signature;
}

static void has_changed(struct sv_core *core, struct holding *holding)
{
    holding->owner->changed = true;
    core->owner_changed = true;
}

void ledger_link_holding(struct sv_core *core, struct holding *holding, struct stock *stock)
{
    holding->owner = owner_of(core, holding->holder);
    holding->stock = stock;
    holding->area = memory_copy(holding->holder);
    holding->area[strcspn(holding->area, ".")] = '\0';
    stock->holdings = memory_room(stock->holdings, stock->holding_count, sizeof *stock->holdings);
    stock->holdings[stock->holding_count++] = holding;
}

struct holding *ledger_find_holding(const struct sv_core *core, const char *holder,
                                    const char *item)
{
    char key[KEY_SIZE];
    struct holding *holding = NULL;
    HASH_FIND_STR(core->holdings, key_of(key, holder, item), holding);
    return holding;
}

struct holding *ledger_holding(struct sv_core *core, const char *holder, const char *item)
{
    char key[KEY_SIZE];
    struct holding *holding = ledger_find_holding(core, holder, item);
    if (holding == NULL) {
        holding = memory_zeroed(sizeof *holding);
        holding->key = memory_copy(key_of(key, holder, item));
        holding->holder = memory_copy(holder);
        ledger_link_holding(core, holding, ledger_stock(core, item));
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
    request->needed_by_us = act->needed_by_us;
    request->told_pool = -1;
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
    shipment->debt = memory_copy("");
    shipment->stock = ledger_stock(core, act->item);
    HASH_ADD_KEYPTR(hh, core->shipments, shipment->key, strlen(shipment->key), shipment);
    return shipment;
}

struct debt *ledger_debt_by_key(struct sv_core *core, const char *key)
{
    struct debt *debt = NULL;
    HASH_FIND_STR(core->debts, key, debt);
    return debt;
}

struct debt *ledger_debt(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                         const char *opener, const char *id, const char *debtor)
{
    char key[KEY_SIZE];
    struct debt *debt = ledger_debt_by_key(core, key_of(key, opener, id));
    if (debt == NULL) {
        debt = memory_zeroed(sizeof *debt);
        debt->key = memory_copy(key);
        debt->opener = memory_copy(opener);
        debt->id = memory_copy(id);
        debt->creditor = memory_copy(act->from);
        debt->debtor = memory_copy(debtor);
        debt->stock = ledger_stock(core, act->item);
        debt->loan = act->verb == LIANDONG__V1__SUPPLY_ACT__VERB__LEND;
        HASH_ADD_KEYPTR(hh, core->debts, debt->key, strlen(debt->key), debt);
    }
    return debt;
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
    has_changed(core, holding);
    assert(holding->on_hand == batches_total(&holding->batches));
}

void ledger_withdrawn(struct sv_core *core, struct holding *holding, enum account to,
                      const struct batches *goods)
{
    int64_t quantity = batches_total(goods);
    ledger_post(holding->stock, HELD, to, quantity);
    holding->on_hand -= quantity;
    has_changed(core, holding);
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

void ledger_reserve(struct request *request, struct holding *holding, int64_t quantity,
                    uint64_t since)
{
    assert(request->open && quantity > 0 && quantity <= ledger_free_quantity(holding));
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    if (allocation == NULL) {
        allocation = ledger_add_allocation(request, memory_copy(holding->holder));
    }
    allocation->since = allocation->quantity == 0 ? since : allocation->since;
    allocation->quantity += quantity;
    holding->reserved += quantity;
    request->covered += quantity;
    assert(request->covered <= request->quantity);
}

static struct allocation *unreserve(struct request *request, struct holding *holding,
                                    int64_t quantity)
{
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    assert(allocation != NULL && quantity <= allocation->quantity);
    allocation->quantity -= quantity;
    holding->reserved -= quantity;
    assert(holding->reserved >= 0);
    return allocation;
}

void ledger_release(struct request *request, struct holding *holding, int64_t quantity)
{
    struct allocation *allocation = unreserve(request, holding, quantity);
    if (allocation->committed > allocation->quantity) {
        allocation->committed = allocation->quantity;
    }
    request->covered -= quantity;
    assert(request->covered >= request->arrived);
}

void ledger_fetch(struct request *request, struct holding *holding, int64_t quantity)
{
    struct allocation *allocation = unreserve(request, holding, quantity);
    allocation->committed = allocation->committed > quantity ? allocation->committed - quantity : 0;
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

int ledger_level(const struct sv_core *core, const char *area, const struct plan **plan)
{
    const struct level_in_force *gravest = NULL;
    for (const struct level_in_force *one = core->levels; one != NULL; one = one->hh.next) {
        bool above = strncmp(area, one->area, strlen(one->area)) == 0;
        if (above && one->level != PLAN_NONE && one->plan != NULL &&
            (gravest == NULL || plan_level_reaches(one->level, gravest->level))) {
            gravest = one;
        }
    }
    if (plan != NULL) {
        *plan = gravest != NULL ? gravest->plan : sv_plans_any(core->plans, area);
    }
    return gravest != NULL ? gravest->level : PLAN_NONE;
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
    level->plan = sv_plans_pinned(core->plans, response->context->plan_hash);
}

/* ---- grades ---- */

static bool reaches(const struct grade_of *grade, const char *area)
{
    size_t size = strlen(area);
    for (const char *at = grade->areas; *at != '\0'; at += strcspn(at, " ") + 1) {
        if (strncmp(at, area, size) == 0 && at[size] == ' ') {
            return true;
        }
    }
    return false;
}

int ledger_grade(const struct sv_core *core, const char *area)
{
    int gravest = PLAN_NONE;
    for (const struct grade_of *one = core->grades; one != NULL; one = one->hh.next) {
        if (reaches(one, area)) {
            gravest = plan_level_graver(gravest, one->level);
        }
    }
    return gravest;
}

/* "3303 330302 " */
static char *areas_text(const char *city, char *const *counties, size_t county_count)
{
    size_t size = strlen(city) + 2;
    for (size_t i = 0; i < county_count; i++) {
        size += strlen(counties[i]) + 1;
    }
    char *text = memory_zeroed(size), *at = text;
    at += snprintf(at, size, "%s ", city);
    for (size_t i = 0; i < county_count; i++) {
        at += snprintf(at, size - (size_t)(at - text), "%s ", counties[i]);
    }
    return text;
}

static bool forget_grade(struct sv_core *core, struct grade_of *grade)
{
    if (grade != NULL) {
        HASH_DEL(core->grades, grade);
        ledger_free_grade(grade);
    }
    return grade != NULL;
}

bool ledger_set_grade(struct sv_core *core, const char *incident, int level, const char *city,
                      char *const *counties, size_t county_count)
{
    struct grade_of *grade = NULL;
    HASH_FIND_STR(core->grades, incident, grade);
    if (level == PLAN_NONE) {
        return forget_grade(core, grade);
    }
    if (grade == NULL) {
        grade = memory_zeroed(sizeof *grade);
        grade->key = memory_copy(incident);
        grade->areas = memory_copy("");
        HASH_ADD_KEYPTR(hh, core->grades, grade->key, strlen(grade->key), grade);
    }
    char *areas = areas_text(city, counties, county_count);
    bool changed = grade->level != level || strcmp(grade->areas, areas) != 0;
    free(grade->areas);
    grade->areas = areas;
    grade->level = level;
    return changed;
}
