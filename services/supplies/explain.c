/* Why a request is short: the pool that the level opens, what each source has, and for whom it is
 * set aside instead. */
#include "allocation.h"

enum { SHOWN_MAX = 64 };

#define SOURCE(name) LIANDONG__V1__SUPPLY_SOURCE__REASON__##name
#define RIVAL(name)  LIANDONG__V1__SUPPLY_RIVAL__REASON__##name

static Liandong__V1__SupplySource__Reason source_reason(const struct ranked *ranked,
                                                        const struct source *source)
{
    const struct holding *holding = source->holding;
    const struct allocation *allocation = ledger_allocation(ranked->request, holding->holder);
    if (allocation != NULL && allocation->declined) {
        return SOURCE(DECLINED);
    }
    if (allocation != NULL && allocation->quantity > 0) {
        return SOURCE(GIVES);
    }
    if (holding->on_hand == 0) {
        return SOURCE(EMPTY);
    }
    if (!source->is_open) {
        return SOURCE(NOT_OPEN);
    }
    if (source->needs) {
        return SOURCE(NEEDS);
    }
    return ledger_free_quantity(holding) == 0 ? SOURCE(SET_ASIDE) : SOURCE(EXPIRES);
}

static void put_sources(const struct handling *handling, const struct ranked *ranked,
                        const struct source *sources, size_t source_count,
                        struct movement *movement)
{
    struct ld_arena *arena = sv_arena(handling->out);
    movement->sources = ld_arena_alloc(arena, SHOWN_MAX * sizeof(void *));
    for (size_t i = 0; i < source_count && movement->source_count < SHOWN_MAX; i++) {
        const struct holding *holding = sources[i].holding;
        const struct allocation *allocation = ledger_allocation(ranked->request, holding->holder);
        Liandong__V1__SupplySource *source = ld_arena_alloc(arena, sizeof *source);
        liandong__v1__supply_source__init(source);
        source->holder = sv_borrow(holding->holder);
        source->reason = source_reason(ranked, &sources[i]);
        source->on_hand = holding->on_hand;
        source->free = ledger_free_quantity(holding);
        source->gives = allocation != NULL ? allocation->quantity : 0;
        source->travel_minutes = sources[i].minutes;
        movement->sources[movement->source_count++] = source;
    }
}

/* ---- rivals ---- */

/* What is set aside for the other where this one may draw; since when, and whether promised. */
static int64_t held_against(const struct source *sources, size_t source_count,
                            const struct request *other, uint64_t *since, bool *promised)
{
    int64_t quantity = 0;
    *since = UINT64_MAX;
    *promised = other->requisition;
    for (size_t i = 0; i < source_count; i++) {
        const struct allocation *allocation =
            sources[i].is_open ? ledger_allocation(other, sources[i].holding->holder) : NULL;
        if (allocation == NULL || allocation->quantity == 0) {
            continue;
        }
        quantity += allocation->quantity;
        *promised |= allocation->committed > 0;
        *since = allocation->since < *since ? allocation->since : *since;
    }
    return quantity;
}

static Liandong__V1__SupplyRival__Reason
rival_reason(const struct ranked *own, const struct ranked *other, uint64_t since, bool promised)
{
    if (other->grade != own->grade && plan_level_reaches(other->grade, own->grade)) {
        return RIVAL(GRADE);
    }
    if (promised) {
        return RIVAL(PROMISED);
    }
    if (since < own->request->sequence) {
        return RIVAL(BEFORE);
    }
    if (other->lasts_until_us != own->lasts_until_us) {
        return other->lasts_until_us < own->lasts_until_us ? RIVAL(NEED) : RIVAL(BEFORE);
    }
    bool sooner = other->request->needed_by_us != own->request->needed_by_us;
    return sooner ? RIVAL(TIME) : RIVAL(ORDER);
}

static void put_rivals(const struct handling *handling, const struct ranked *own,
                       const struct source *sources, size_t source_count, struct movement *movement)
{
    struct ld_arena *arena = sv_arena(handling->out);
    const struct stock *stock = own->request->stock;
    movement->rivals = ld_arena_alloc(arena, SHOWN_MAX * sizeof(void *));
    for (size_t i = 0; i < stock->open_count && movement->rival_count < SHOWN_MAX; i++) {
        struct ranked other = allocation_rank(handling, stock->open[i]);
        uint64_t since;
        bool promised;
        int64_t quantity = held_against(sources, source_count, other.request, &since, &promised);
        if (other.request == own->request || quantity == 0) {
            continue;
        }
        Liandong__V1__SupplyRival *rival = ld_arena_alloc(arena, sizeof *rival);
        liandong__v1__supply_rival__init(rival);
        rival->requester = sv_borrow(other.request->author);
        rival->request = sv_borrow(other.request->id);
        rival->area = sv_borrow(other.request->area);
        rival->grade = (Liandong__V1__Level)other.grade;
        rival->quantity = quantity;
        rival->reason = rival_reason(own, &other, since, promised);
        movement->rivals[movement->rival_count++] = rival;
    }
}

void explain_unmet(const struct handling *handling, const struct ranked *ranked)
{
    struct ld_arena *arena = sv_arena(handling->out);
    const struct request *request = ranked->request;
    const char *pool = allocation_pool_name(ranked);
    long long left = (long long)(request->quantity - request->covered);
    size_t source_count;
    struct source *sources = allocation_sources(handling, ranked, &source_count);
    struct movement movement = {
        .kind = KIND(UNMET),
        .item = request->stock->item,
        .to = request->to,
        .request = request->id,
        .requester = request->author,
        .pool = pool,
        .area = request->area,
        .quantity = left,
        .asked = request->quantity,
        .covered = request->covered,
        .level = ranked->level,
        .grade = ranked->grade,
        .reason = {
            ld_arena_format(arena,
                            "可调用范围（%s）内尚缺 %lld；有新库存或响应级别提高时自动再分配", pool,
                            left),
            ld_arena_format(arena,
                            "%lld short within the pool that is open (%s); allocated by itself "
                            "when stock comes in or the level is raised",
                            left, pool)}};
    put_sources(handling, ranked, sources, source_count, &movement);
    put_rivals(handling, ranked, sources, source_count, &movement);
    movement_put_out(handling, &movement);
}
