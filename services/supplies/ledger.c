/* Holdings, requests, shipments and levels; see ledger.h for what always holds. */
#include "ledger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 512 };

static void *zeroed(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static char *copy(const char *text)
{
    char *copied = strdup(text);
    if (copied == NULL) {
        abort();
    }
    return copied;
}

static const char *key_of(char key[KEY_SIZE], const char *first, const char *second)
{
    snprintf(key, KEY_SIZE, "%s %s", first, second);
    return key;
}

struct holding *ledger_holding(struct sv_core *core, const char *holder, const char *item)
{
    char key[KEY_SIZE];
    struct holding *holding = NULL;
    HASH_FIND_STR(core->holdings, key_of(key, holder, item), holding);
    if (holding == NULL) {
        holding = zeroed(sizeof *holding);
        holding->key = copy(key);
        holding->holder = copy(holder);
        holding->item = copy(item);
        HASH_ADD_KEYPTR(hh, core->holdings, holding->key, strlen(holding->key), holding);
    }
    return holding;
}

struct request *ledger_request(struct sv_core *core, const char *author, const char *id)
{
    char key[KEY_SIZE];
    struct request *request = NULL;
    HASH_FIND_STR(core->requests, key_of(key, author, id), request);
    return request;
}

struct shipment *ledger_shipment(struct sv_core *core, const char *from, const char *id)
{
    char key[KEY_SIZE];
    struct shipment *shipment = NULL;
    HASH_FIND_STR(core->shipments, key_of(key, from, id), shipment);
    return shipment;
}

struct request *ledger_add_request(struct sv_core *core, const Liandong__V1__SupplyAct *act,
                                   const char *to)
{
    char key[KEY_SIZE];
    struct request *request = zeroed(sizeof *request);
    request->key = copy(key_of(key, act->context->author, act->id));
    request->author = copy(act->context->author);
    request->id = copy(act->id);
    request->item = copy(act->item);
    request->area = copy(act->area);
    request->to = copy(to);
    request->quantity = act->quantity;
    HASH_ADD_KEYPTR(hh, core->requests, request->key, strlen(request->key), request);
    return request;
}

struct shipment *ledger_add_shipment(struct sv_core *core, const Liandong__V1__SupplyAct *act)
{
    char key[KEY_SIZE];
    struct shipment *shipment = zeroed(sizeof *shipment);
    shipment->key = copy(key_of(key, act->from, act->id));
    shipment->from = copy(act->from);
    shipment->to = copy(act->to);
    shipment->item = copy(act->item);
    shipment->request = copy(act->request);
    shipment->quantity = act->quantity;
    HASH_ADD_KEYPTR(hh, core->shipments, shipment->key, strlen(shipment->key), shipment);
    return shipment;
}

struct allocation *ledger_allocation(struct request *request, const char *holder)
{
    for (size_t i = 0; i < request->allocation_count; i++) {
        if (strcmp(request->allocations[i].holder, holder) == 0) {
            return &request->allocations[i];
        }
    }
    return NULL;
}

static struct allocation *add_allocation(struct request *request, char *holder)
{
    size_t count = request->allocation_count + 1;
    struct allocation *grown = realloc(request->allocations, count * sizeof *grown);
    if (grown == NULL) {
        abort();
    }
    request->allocations = grown;
    request->allocation_count = count;
    grown[count - 1] = (struct allocation){.holder = holder};
    return &grown[count - 1];
}

void ledger_reserve(struct request *request, struct holding *holding, int64_t quantity)
{
    assert(quantity > 0 && quantity <= ledger_free_quantity(holding));
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    if (allocation == NULL) {
        allocation = add_allocation(request, copy(holding->holder));
    }
    allocation->quantity += quantity;
    holding->reserved += quantity;
    request->covered += quantity;
    assert(request->covered <= request->quantity);
}

void ledger_release(struct request *request, struct holding *holding, int64_t quantity)
{
    struct allocation *allocation = ledger_allocation(request, holding->holder);
    assert(allocation != NULL && quantity <= allocation->quantity);
    allocation->quantity -= quantity;
    holding->reserved -= quantity;
    request->covered -= quantity;
    assert(holding->reserved >= 0 && request->covered >= 0);
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
        level = zeroed(sizeof *level);
        level->key = copy(key);
        level->area = copy(response->area);
        HASH_ADD_KEYPTR(hh, core->levels, level->key, strlen(level->key), level);
    }
    level->level = (int)response->in_force;
}

/* ---- freeing ---- */

static void free_request(struct request *request)
{
    for (size_t i = 0; i < request->allocation_count; i++) {
        free(request->allocations[i].holder);
    }
    free(request->allocations);
    free(request->key);
    free(request->author);
    free(request->id);
    free(request->item);
    free(request->area);
    free(request->to);
    free(request);
}

static void free_shipment(struct shipment *shipment)
{
    free(shipment->key);
    free(shipment->from);
    free(shipment->to);
    free(shipment->item);
    free(shipment->request);
    free(shipment);
}

static void free_holding(struct holding *holding)
{
    free(holding->key);
    free(holding->holder);
    free(holding->item);
    free(holding);
}

static void free_level(struct level_in_force *level)
{
    free(level->key);
    free(level->area);
    free(level);
}

void ledger_free(struct sv_core *core)
{
    struct holding *holding, *next_holding;
    HASH_ITER(hh, core->holdings, holding, next_holding)
    {
        HASH_DEL(core->holdings, holding);
        free_holding(holding);
    }
    struct request *request, *next_request;
    HASH_ITER(hh, core->requests, request, next_request)
    {
        HASH_DEL(core->requests, request);
        free_request(request);
    }
    struct shipment *shipment, *next_shipment;
    HASH_ITER(hh, core->shipments, shipment, next_shipment)
    {
        HASH_DEL(core->shipments, shipment);
        free_shipment(shipment);
    }
    struct level_in_force *level, *next_level;
    HASH_ITER(hh, core->levels, level, next_level)
    {
        HASH_DEL(core->levels, level);
        free_level(level);
    }
}

/* ---- snapshots: each list is a count and then its members, oldest first ---- */

/* Walks a table while saving, makes and adds members while loading; visit_one codes a member and
 * says whether it can be kept. */
#define VISIT_TABLE(codec, table, type, visit_one, free_one)                                       \
    do {                                                                                           \
        size_t left = HASH_COUNT(table);                                                           \
        sv_code_count(codec, &left);                                                               \
        type *member = table;                                                                      \
        for (; left > 0 && !sv_codec_failed(codec); left--) {                                      \
            if (!sv_codec_loading(codec)) {                                                        \
                visit_one(member, codec);                                                          \
                member = member->hh.next;                                                          \
                continue;                                                                          \
            }                                                                                      \
            member = zeroed(sizeof *member);                                                       \
            visit_one(member, codec);                                                              \
            if (sv_codec_failed(codec) || member->key == NULL) {                                   \
                free_one(member);                                                                  \
                break;                                                                             \
            }                                                                                      \
            HASH_ADD_KEYPTR(hh, table, member->key, strlen(member->key), member);                  \
        }                                                                                          \
    } while (0)

static void visit_holding(struct holding *holding, struct sv_codec *codec)
{
    sv_code_string(codec, &holding->key);
    sv_code_string(codec, &holding->holder);
    sv_code_string(codec, &holding->item);
    sv_code_i64(codec, &holding->on_hand);
    sv_code_i64(codec, &holding->reserved);
}

static void visit_allocations(struct request *request, struct sv_codec *codec)
{
    size_t count = request->allocation_count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        struct allocation *allocation =
            sv_codec_loading(codec) ? add_allocation(request, NULL) : &request->allocations[i];
        sv_code_string(codec, &allocation->holder);
        sv_code_i64(codec, &allocation->quantity);
        sv_code_bool(codec, &allocation->declined);
    }
}

static void visit_request(struct request *request, struct sv_codec *codec)
{
    sv_code_string(codec, &request->key);
    sv_code_string(codec, &request->author);
    sv_code_string(codec, &request->id);
    sv_code_string(codec, &request->item);
    sv_code_string(codec, &request->area);
    sv_code_string(codec, &request->to);
    sv_code_i64(codec, &request->quantity);
    sv_code_i64(codec, &request->covered);
    sv_code_bool(codec, &request->requisition);
    visit_allocations(request, codec);
}

static void visit_shipment(struct shipment *shipment, struct sv_codec *codec)
{
    sv_code_string(codec, &shipment->key);
    sv_code_string(codec, &shipment->from);
    sv_code_string(codec, &shipment->to);
    sv_code_string(codec, &shipment->item);
    sv_code_string(codec, &shipment->request);
    sv_code_i64(codec, &shipment->quantity);
}

static void visit_level(struct level_in_force *level, struct sv_codec *codec)
{
    sv_code_string(codec, &level->key);
    sv_code_string(codec, &level->area);
    sv_code_int(codec, &level->level);
}

void ledger_visit(struct sv_core *core, struct sv_codec *codec)
{
    VISIT_TABLE(codec, core->holdings, struct holding, visit_holding, free_holding);
    VISIT_TABLE(codec, core->requests, struct request, visit_request, free_request);
    VISIT_TABLE(codec, core->shipments, struct shipment, visit_shipment, free_shipment);
    VISIT_TABLE(codec, core->levels, struct level_in_force, visit_level, free_level);
}
