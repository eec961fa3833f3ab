/* The ledger saved, loaded and freed: each table is a count and then its members, oldest first. */
#include <assert.h>

#include "ledger.h"
#include "memory.h"

/* ---- freeing ---- */

void ledger_free_stock(struct stock *stock)
{
    free(stock->item);
    free(stock->holdings);
    free(stock->open);
    free(stock);
}

void ledger_free_holding(struct holding *holding)
{
    free(holding->key);
    free(holding->holder);
    free(holding->area);
    batches_free(&holding->batches);
    free(holding);
}

void ledger_free_request(struct request *request)
{
    for (size_t i = 0; i < request->allocation_count; i++) {
        free(request->allocations[i].holder);
    }
    free(request->allocations);
    free(request->key);
    free(request->author);
    free(request->id);
    free(request->area);
    free(request->to);
    free(request);
}

void ledger_free_shipment(struct shipment *shipment)
{
    free(shipment->key);
    free(shipment->from);
    free(shipment->id);
    free(shipment->to);
    free(shipment->request);
    free(shipment->debt);
    batches_free(&shipment->goods);
    free(shipment);
}

void ledger_free_number(struct used_number *number)
{
    free(number->key);
    free(number);
}

void ledger_free_level(struct level_in_force *level)
{
    free(level->key);
    free(level->area);
    free(level);
}

void ledger_free_owner(struct owner *owner)
{
    for (size_t i = 0; i < owner->told_count; i++) {
        free(owner->told[i].rule);
        free(owner->told[i].signature);
    }
    free(owner->told);
    free(owner->key);
    free(owner->area);
    free(owner);
}

void ledger_free_grade(struct grade_of *grade)
{
    free(grade->key);
    free(grade->areas);
    free(grade);
}

void ledger_free_debt(struct debt *debt)
{
    free(debt->key);
    free(debt->opener);
    free(debt->id);
    free(debt->creditor);
    free(debt->debtor);
    free(debt);
}

#define FREE_TABLE(table, type, free_one)                                                          \
    do {                                                                                           \
        struct type *member, *next;                                                                \
        HASH_ITER(hh, table, member, next)                                                         \
        {                                                                                          \
            HASH_DEL(table, member);                                                               \
            free_one(member);                                                                      \
        }                                                                                          \
    } while (0)

void ledger_free(struct sv_core *core)
{
    FREE_TABLE(core->holdings, holding, ledger_free_holding);
    FREE_TABLE(core->requests, request, ledger_free_request);
    FREE_TABLE(core->shipments, shipment, ledger_free_shipment);
    FREE_TABLE(core->numbers, used_number, ledger_free_number);
    FREE_TABLE(core->levels, level_in_force, ledger_free_level);
    FREE_TABLE(core->grades, grade_of, ledger_free_grade);
    FREE_TABLE(core->debts, debt, ledger_free_debt);
    FREE_TABLE(core->owners, owner, ledger_free_owner);
    FREE_TABLE(core->stocks, stock, ledger_free_stock);
}

/* ---- snapshots ---- */

/* Walks a table while saving, makes and adds members while loading. code_one codes a member and
 * says whether it can be kept. */
#define VISIT_TABLE(core, codec, table, key_field, type, code_one, free_one)                       \
    do {                                                                                           \
        size_t left = HASH_COUNT(table);                                                           \
        sv_code_count(codec, &left);                                                               \
        struct type *member = table;                                                               \
        for (; left > 0 && !sv_codec_failed(codec); left--) {                                      \
            if (!sv_codec_loading(codec)) {                                                        \
                (void)code_one(core, member, codec);                                               \
                member = member->hh.next;                                                          \
                continue;                                                                          \
            }                                                                                      \
            member = memory_zeroed(sizeof *member);                                                \
            if (!code_one(core, member, codec)) {                                                  \
                sv_codec_fail(codec);                                                              \
                free_one(member);                                                                  \
                break;                                                                             \
            }                                                                                      \
            HASH_ADD_KEYPTR(hh, table, member->key_field, strlen(member->key_field), member);      \
        }                                                                                          \
    } while (0)

static bool code_stock(struct sv_core *core, struct stock *stock, struct sv_codec *codec)
{
    struct stock *twin = NULL;
    sv_code_string(codec, &stock->item);
    for (int i = 0; i < ACCOUNTS; i++) {
        sv_code_i64(codec, &stock->balance[i]);
    }
    if (stock->item == NULL) {
        return false;
    }
    HASH_FIND_STR(core->stocks, stock->item, twin);
    return twin == NULL || twin == stock;
}

/* The stock that a member is of; NULL if there is none. */
static struct stock *code_of_stock(struct sv_core *core, struct stock *stock,
                                   struct sv_codec *codec)
{
    char *item = stock != NULL ? stock->item : NULL;
    struct stock *found = stock;
    sv_code_string(codec, &item);
    if (sv_codec_loading(codec)) {
        if (item != NULL) {
            HASH_FIND_STR(core->stocks, item, found);
        }
        free(item);
    }
    return found;
}

static bool code_holding(struct sv_core *core, struct holding *holding, struct sv_codec *codec)
{
    struct stock *stock = code_of_stock(core, holding->stock, codec);
    sv_code_string(codec, &holding->key);
    sv_code_string(codec, &holding->holder);
    batches_visit(&holding->batches, codec);
    sv_code_i64(codec, &holding->reserved);
    sv_code_i64(codec, &holding->use.first_day_us);
    sv_code_i64(codec, &holding->use.day_us);
    for (int i = 0; i < USE_DAYS; i++) {
        sv_code_i64(codec, &holding->use.used[i]);
    }
    if (sv_codec_failed(codec) || stock == NULL || holding->key == NULL ||
        holding->holder == NULL) {
        return false;
    }
    if (sv_codec_loading(codec)) {
        int64_t expiry = batches_first_expiry(&holding->batches);
        holding->on_hand = batches_total(&holding->batches);
        core->next_expiry_us = expiry < core->next_expiry_us ? expiry : core->next_expiry_us;
        ledger_link_holding(core, holding, stock);
    }
    return true;
}

static void code_allocations(struct request *request, struct sv_codec *codec)
{
    size_t count = request->allocation_count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct allocation *allocation = sv_codec_loading(codec)
                                            ? ledger_add_allocation(request, NULL)
                                            : &request->allocations[i];
        sv_code_string(codec, &allocation->holder);
        sv_code_i64(codec, &allocation->quantity);
        sv_code_i64(codec, &allocation->committed);
        sv_code_u64(codec, &allocation->since);
        sv_code_bool(codec, &allocation->declined);
        if (allocation->holder == NULL) {
            sv_codec_fail(codec);
        }
    }
}

static bool code_request(struct sv_core *core, struct request *request, struct sv_codec *codec)
{
    struct stock *stock = code_of_stock(core, request->stock, codec);
    sv_code_string(codec, &request->key);
    sv_code_string(codec, &request->author);
    sv_code_string(codec, &request->id);
    sv_code_string(codec, &request->area);
    sv_code_string(codec, &request->to);
    sv_code_i64(codec, &request->quantity);
    sv_code_i64(codec, &request->covered);
    sv_code_i64(codec, &request->arrived);
    sv_code_i64(codec, &request->needed_by_us);
    sv_code_u64(codec, &request->sequence);
    sv_code_i64(codec, &request->told_short);
    sv_code_int(codec, &request->told_pool);
    sv_code_bool(codec, &request->requisition);
    sv_code_bool(codec, &request->open);
    sv_code_bool(codec, &request->given_up);
    code_allocations(request, codec);
    if (sv_codec_failed(codec) || stock == NULL || request->key == NULL ||
        request->author == NULL || request->id == NULL || request->area == NULL ||
        request->to == NULL) {
        return false;
    }
    if (sv_codec_loading(codec)) {
        ledger_link_request(request, stock);
    }
    return true;
}

static bool code_shipment(struct sv_core *core, struct shipment *shipment, struct sv_codec *codec)
{
    shipment->stock = code_of_stock(core, shipment->stock, codec);
    sv_code_string(codec, &shipment->key);
    sv_code_string(codec, &shipment->from);
    sv_code_string(codec, &shipment->id);
    sv_code_string(codec, &shipment->to);
    sv_code_string(codec, &shipment->request);
    sv_code_string(codec, &shipment->debt);
    batches_visit(&shipment->goods, codec);
    return !sv_codec_failed(codec) && shipment->stock != NULL && shipment->key != NULL &&
           shipment->from != NULL && shipment->id != NULL && shipment->to != NULL &&
           shipment->request != NULL && shipment->debt != NULL;
}

static bool code_number(struct sv_core *core, struct used_number *number, struct sv_codec *codec)
{
    (void)core;
    sv_code_string(codec, &number->key);
    return !sv_codec_failed(codec) && number->key != NULL;
}

static bool code_level(struct sv_core *core, struct level_in_force *level, struct sv_codec *codec)
{
    (void)core;
    sv_code_string(codec, &level->key);
    sv_code_string(codec, &level->area);
    sv_code_int(codec, &level->level);
    sv_code_plan(codec, &level->plan);
    return !sv_codec_failed(codec) && level->key != NULL && level->area != NULL;
}

static bool code_told(struct owner *owner, struct sv_codec *codec)
{
    size_t count = owner->told_count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct told told = sv_codec_loading(codec) ? (struct told){NULL, NULL} : owner->told[i];
        sv_code_string(codec, &told.rule);
        sv_code_string(codec, &told.signature);
        if (!sv_codec_loading(codec)) {
            continue;
        }
        if (told.rule != NULL && told.signature != NULL) {
            char **signature = ledger_told(owner, told.rule);
            free(*signature);
            *signature = told.signature;
            told.signature = NULL;
        } else {
            sv_codec_fail(codec);
        }
        free(told.rule);
        free(told.signature);
    }
    return !sv_codec_failed(codec);
}

static bool code_owner(struct sv_core *core, struct owner *owner, struct sv_codec *codec)
{
    (void)core;
    sv_code_string(codec, &owner->key);
    sv_code_string(codec, &owner->area);
    sv_code_i64(codec, &owner->held_from_us);
    return code_told(owner, codec) && owner->key != NULL && owner->area != NULL;
}

static bool code_grade(struct sv_core *core, struct grade_of *grade, struct sv_codec *codec)
{
    (void)core;
    sv_code_string(codec, &grade->key);
    sv_code_string(codec, &grade->areas);
    sv_code_int(codec, &grade->level);
    return !sv_codec_failed(codec) && grade->key != NULL && grade->areas != NULL;
}

static bool code_debt(struct sv_core *core, struct debt *debt, struct sv_codec *codec)
{
    debt->stock = code_of_stock(core, debt->stock, codec);
    sv_code_string(codec, &debt->key);
    sv_code_string(codec, &debt->opener);
    sv_code_string(codec, &debt->id);
    sv_code_string(codec, &debt->creditor);
    sv_code_string(codec, &debt->debtor);
    sv_code_i64(codec, &debt->owed);
    sv_code_i64(codec, &debt->given_back);
    sv_code_i64(codec, &debt->compensated);
    sv_code_i64(codec, &debt->amount_fen);
    sv_code_bool(codec, &debt->loan);
    return !sv_codec_failed(codec) && debt->stock != NULL && debt->key != NULL &&
           debt->opener != NULL && debt->id != NULL && debt->creditor != NULL &&
           debt->debtor != NULL && debt->given_back >= 0 && debt->compensated >= 0 &&
           debt_outstanding(debt) >= 0;
}

/* ---- is what was loaded a ledger? ---- */

static int64_t set_aside_at(const struct stock *stock, const struct holding *holding)
{
    int64_t quantity = 0;
    for (size_t i = 0; i < stock->open_count; i++) {
        const struct allocation *allocation = ledger_allocation(stock->open[i], holding->holder);
        quantity += allocation != NULL ? allocation->quantity : 0;
    }
    return quantity;
}

static bool stock_is_consistent(const struct sv_core *core, const struct stock *stock)
{
    int64_t sum = 0, held = 0, under_way = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        sum += stock->balance[i];
    }
    for (size_t i = 0; i < stock->holding_count; i++) {
        const struct holding *holding = stock->holdings[i];
        held += holding->on_hand;
        if (holding->reserved < 0 || holding->reserved > holding->on_hand ||
            holding->reserved != set_aside_at(stock, holding)) {
            return false;
        }
    }
    for (const struct shipment *shipment = core->shipments; shipment != NULL;
         shipment = shipment->hh.next) {
        under_way += shipment->stock == stock ? batches_total(&shipment->goods) : 0;
    }
    return sum == 0 && held == stock->balance[HELD] && under_way == stock->balance[TRANSIT];
}

static bool request_is_consistent(const struct request *request)
{
    int64_t set_aside = 0;
    for (size_t i = 0; i < request->allocation_count; i++) {
        const struct allocation *allocation = &request->allocations[i];
        if (allocation->committed < 0 || allocation->committed > allocation->quantity) {
            return false;
        }
        set_aside += allocation->quantity;
    }
    return request->arrived >= 0 && request->arrived <= request->covered &&
           request->covered <= request->quantity && set_aside <= request->covered &&
           (request->open || set_aside == 0);
}

bool ledger_is_consistent(const struct sv_core *core)
{
    for (const struct stock *stock = core->stocks; stock != NULL; stock = stock->hh.next) {
        if (!stock_is_consistent(core, stock)) {
            return false;
        }
    }
    for (const struct request *request = core->requests; request != NULL;
         request = request->hh.next) {
        if (!request_is_consistent(request)) {
            return false;
        }
    }
    return true;
}

void ledger_visit(struct sv_core *core, struct sv_codec *codec)
{
    sv_code_i64(codec, &core->next_day_us);
    VISIT_TABLE(core, codec, core->stocks, item, stock, code_stock, ledger_free_stock);
    VISIT_TABLE(core, codec, core->owners, key, owner, code_owner, ledger_free_owner);
    VISIT_TABLE(core, codec, core->holdings, key, holding, code_holding, ledger_free_holding);
    VISIT_TABLE(core, codec, core->requests, key, request, code_request, ledger_free_request);
    VISIT_TABLE(core, codec, core->shipments, key, shipment, code_shipment, ledger_free_shipment);
    VISIT_TABLE(core, codec, core->numbers, key, used_number, code_number, ledger_free_number);
    VISIT_TABLE(core, codec, core->levels, key, level_in_force, code_level, ledger_free_level);
    VISIT_TABLE(core, codec, core->grades, key, grade_of, code_grade, ledger_free_grade);
    VISIT_TABLE(core, codec, core->debts, key, debt, code_debt, ledger_free_debt);
    if (sv_codec_loading(codec) && !sv_codec_failed(codec) && !ledger_is_consistent(core)) {
        sv_codec_fail(codec);
    }
}
