/*
 * Setting stock aside for requests (docs/supplies.md, section 4).
 *
 * Happy path: allocation_settle goes through the open requests of an item as they rank (grade of
 * the area, how soon its stock runs out, when it is needed, order of asking). Each takes what is
 * free where the level in force lets it draw, the nearest first; if that is not enough, what is set
 * aside and not promised for requests of less grave areas. Who is still short is told once, with
 * reasons.
 *
 * A request that loses what it had comes later in the same round, because it ranks lower: it is
 * served elsewhere or told. What is promised (COMMIT, requisition) nobody takes away.
 */
#include "allocation.h"

#include "forecast.h"
#include "timefmt.h"

/* ---- where ---- */

static bool is_depot(const struct plan *plan, const char *holder)
{
    int unit = plan_find_unit(plan, holder);
    return unit >= 0 && strcmp(plan->units[unit].kind, "depot") == 0;
}

static bool may_draw(const struct ranked *ranked, const struct holding *holding)
{
    const struct plan *plan = ranked->plan;
    enum plan_pool pool = plan->supplies.pool[ranked->level];
    const char *area = ranked->request->area;
    if (pool == PLAN_POOL_CITY) {
        return strncmp(holding->area, area, 4) == 0;
    }
    return strcmp(holding->area, area) == 0 &&
           (pool == PLAN_POOL_COUNTY || is_depot(plan, holding->holder));
}

const char *allocation_pool_name(const struct ranked *ranked)
{
    static const char *const NAMES[] = {"own", "county", "city"};
    return NAMES[ranked->plan->supplies.pool[ranked->level]];
}

/* Who asks for an item is not asked for it. */
static bool needs(const struct holding *holding)
{
    const struct stock *stock = holding->stock;
    for (size_t i = 0; i < stock->open_count; i++) {
        const struct request *request = stock->open[i];
        if (!request->requisition && !request->given_up &&
            strcmp(request->to, holding->holder) == 0) {
            return true;
        }
    }
    return false;
}

static bool nearer(const struct source *a, const struct source *b)
{
    if (a->minutes != b->minutes) {
        return a->minutes >= 0 && (b->minutes < 0 || a->minutes < b->minutes);
    }
    return a->expiry_us < b->expiry_us;
}

/* Keeps the order of what is equally near. */
static void insert_source(struct source *sources, size_t count, struct source source)
{
    size_t at = count;
    for (; at > 0 && nearer(&source, &sources[at - 1]); at--) {
        sources[at] = sources[at - 1];
    }
    sources[at] = source;
}

struct source *allocation_sources(const struct handling *handling, const struct ranked *ranked,
                                  size_t *count)
{
    const struct request *request = ranked->request;
    const struct stock *stock = request->stock;
    struct source *sources =
        ld_arena_alloc(sv_arena(handling->out), (stock->holding_count + 1) * sizeof *sources);
    *count = 0;
    for (size_t i = 0; i < stock->holding_count; i++) {
        struct holding *holding = stock->holdings[i];
        if (strcmp(holding->holder, request->to) == 0) {
            continue; /* what it holds itself needs no request */
        }
        struct source source = {
            holding, plan_travel_minutes(ranked->plan, holding->area, request->area),
            batches_first_expiry(&holding->batches), may_draw(ranked, holding), needs(holding)};
        insert_source(sources, (*count)++, source);
    }
    return sources;
}

int64_t allocation_available(const struct handling *handling, const struct ranked *ranked,
                             const struct source *source)
{
    const struct holding *holding = source->holding;
    const struct allocation *before = ledger_allocation(ranked->request, holding->holder);
    if (!source->is_open || source->needs || (before != NULL && before->declined)) {
        return 0;
    }
    int64_t minutes = source->minutes < 0 ? 0 : source->minutes;
    int64_t arrival_us = handling_now(handling) + minutes * LD_US_MINUTE;
    int64_t good = batches_good_at(&holding->batches, arrival_us) - holding->reserved;
    int64_t free_quantity = ledger_free_quantity(holding);
    int64_t available = good < free_quantity ? good : free_quantity;
    return available < 0 ? 0 : available;
}

/* ---- who ---- */

struct ranked allocation_rank(const struct handling *handling, struct request *request)
{
    const struct sv_core *core = handling->core;
    const struct holding *own = ledger_find_holding(core, request->to, request->stock->item);
    struct ranked ranked = {.request = request, .grade = ledger_grade(core, request->area)};
    ranked.level = ledger_level(core, request->area, &ranked.plan);
    ranked.lasts_until_us = own == NULL ? 0 : forecast_lasts_until(own, handling_now(handling));
    return ranked;
}

static int64_t needed_by(const struct request *request)
{
    return request->needed_by_us == 0 ? INT64_MAX : request->needed_by_us;
}

bool allocation_before(const struct ranked *a, const struct ranked *b)
{
    if (a->grade != b->grade) {
        return plan_level_reaches(a->grade, b->grade);
    }
    if (a->lasts_until_us != b->lasts_until_us) {
        return a->lasts_until_us < b->lasts_until_us;
    }
    if (needed_by(a->request) != needed_by(b->request)) {
        return needed_by(a->request) < needed_by(b->request);
    }
    return a->request->sequence < b->request->sequence;
}

/* The open requests that stock is to be found for, as they rank. In the arena of outputs. */
static struct ranked *rank_all(const struct handling *handling, const struct stock *stock,
                               size_t *count)
{
    struct ranked *all =
        ld_arena_alloc(sv_arena(handling->out), (stock->open_count + 1) * sizeof *all);
    *count = 0;
    for (size_t i = 0; i < stock->open_count; i++) {
        if (stock->open[i]->requisition) {
            continue;
        }
        struct ranked one = allocation_rank(handling, stock->open[i]);
        size_t at = (*count)++;
        for (; at > 0 && allocation_before(&one, &all[at - 1]); at--) {
            all[at] = all[at - 1];
        }
        all[at] = one;
    }
    return all;
}

/* ---- taking and giving back ---- */

static int64_t missing(const struct ranked *ranked)
{
    return ranked->request->quantity - ranked->request->covered;
}

static void take(const struct handling *handling, const struct ranked *ranked,
                 const struct source *source, int64_t quantity)
{
    struct request *request = ranked->request;
    struct holding *holding = source->holding;
    if (quantity <= 0) {
        return;
    }
    ledger_reserve(request, holding, quantity, handling->event->record->sequence);
    movement_put_out(handling, &(struct movement){.kind = KIND(ALLOCATED),
                                                  .item = request->stock->item,
                                                  .from = holding->holder,
                                                  .to = request->to,
                                                  .request = request->id,
                                                  .requester = request->author,
                                                  .pool = allocation_pool_name(ranked),
                                                  .area = request->area,
                                                  .quantity = quantity,
                                                  .from_balance = ledger_free_quantity(holding),
                                                  .level = ranked->level,
                                                  .grade = ranked->grade,
                                                  .travel_minutes = source->minutes});
}

void allocation_give_back(const struct handling *handling, struct request *request,
                          struct holding *holding, int64_t quantity, struct plan_text reason)
{
    if (quantity <= 0) {
        return;
    }
    ledger_release(request, holding, quantity);
    movement_put_out(handling, &(struct movement){.kind = KIND(RELEASED),
                                                  .item = request->stock->item,
                                                  .from = holding->holder,
                                                  .to = request->to,
                                                  .request = request->id,
                                                  .requester = request->author,
                                                  .area = request->area,
                                                  .quantity = quantity,
                                                  .from_balance = ledger_free_quantity(holding),
                                                  .reason = reason});
}

/* What of a request's allocation may be taken away again. */
static int64_t movable(const struct request *request, const struct holding *holding)
{
    const struct allocation *allocation = ledger_allocation(request, holding->holder);
    return allocation == NULL ? 0 : allocation->quantity - allocation->committed;
}

/* Gives back what the level in force does not open any more. */
static void close_sources(const struct handling *handling, const struct ranked *ranked)
{
    const struct stock *stock = ranked->request->stock;
    for (size_t i = 0; i < stock->holding_count; i++) {
        struct holding *holding = stock->holdings[i];
        if (!may_draw(ranked, holding)) {
            allocation_give_back(
                handling, ranked->request, holding, movable(ranked->request, holding),
                (struct plan_text){"现行响应级别不再允许调用此处",
                                   "the level in force does not open this stock any more"});
        }
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void take_free(const struct handling *handling, const struct ranked *ranked,
                      const struct source *sources, size_t source_count)
{
    for (size_t i = 0; i < source_count && missing(ranked) > 0; i++) {
        take(handling, ranked, &sources[i],
             least(missing(ranked), allocation_available(handling, ranked, &sources[i])));
    }
}

/* Makes room at a source at the cost of less grave areas, the lowest rank first. */
static void displace(const struct handling *handling, const struct ranked *ranked,
                     const struct source *source, const struct ranked *all, size_t count)
{
    struct ld_arena *arena = sv_arena(handling->out);
    const struct plan *plan = ranked->plan;
    for (size_t i = count; i > 0 && missing(ranked) > 0; i--) {
        const struct ranked *other = &all[i - 1];
        if (other->grade == ranked->grade || !plan_level_reaches(ranked->grade, other->grade)) {
            return; /* those above rank no lower */
        }
        struct plan_text area = plan_area_name(plan, ranked->request->area);
        allocation_give_back(
            handling, other->request, source->holding,
            least(movable(other->request, source->holding), missing(ranked)),
            (struct plan_text){ld_arena_format(arena, "让给事件分级更高的%s（%s级）", area.zh,
                                               plan_level_name(ranked->grade)),
                               ld_arena_format(arena, "gives way to %s, whose grade is %s", area.en,
                                               plan_level_name(ranked->grade))});
        take(handling, ranked, source,
             least(missing(ranked), allocation_available(handling, ranked, source)));
    }
}

static void serve(const struct handling *handling, const struct ranked *ranked,
                  const struct ranked *all, size_t count)
{
    size_t source_count;
    if (missing(ranked) == 0) {
        return;
    }
    struct source *sources = allocation_sources(handling, ranked, &source_count);
    take_free(handling, ranked, sources, source_count);
    for (size_t i = 0; i < source_count && missing(ranked) > 0; i++) {
        const struct allocation *before =
            ledger_allocation(ranked->request, sources[i].holding->holder);
        if (sources[i].is_open && !sources[i].needs && (before == NULL || !before->declined)) {
            displace(handling, ranked, &sources[i], all, count);
        }
    }
}

/* Says what is short when that, or where it may be drawn from, is new. */
static void tell(const struct handling *handling, const struct ranked *ranked)
{
    struct request *request = ranked->request;
    int pool = (int)ranked->plan->supplies.pool[ranked->level];
    int64_t left = missing(ranked);
    bool told = request->told_short == left && request->told_pool == pool;
    request->told_short = left;
    request->told_pool = pool;
    if (left > 0 && !told) {
        explain_unmet(handling, ranked);
    }
}

/* What is put out for a request is under its own plan. */
static struct handling under(const struct handling *handling, const struct ranked *ranked)
{
    struct handling own = *handling;
    own.plan = ranked->plan;
    return own;
}

static void settle(const struct handling *handling, const struct stock *stock)
{
    size_t count;
    struct ranked *all = rank_all(handling, stock, &count);
    for (size_t i = 0; i < count; i++) {
        struct handling own = under(handling, &all[i]);
        close_sources(&own, &all[i]);
    }
    for (size_t i = 0; i < count; i++) {
        struct handling own = under(handling, &all[i]);
        serve(&own, &all[i], all, count);
    }
    for (size_t i = 0; i < count; i++) {
        struct handling own = under(handling, &all[i]);
        tell(&own, &all[i]);
    }
}

void allocation_settle(const struct handling *handling, const char *item)
{
    if (item != NULL) {
        settle(handling, ledger_stock(handling->core, item));
        return;
    }
    for (const struct stock *stock = handling->core->stocks; stock != NULL;
         stock = stock->hh.next) {
        settle(handling, stock);
    }
}

/* ---- when a holder has less than is set aside there ---- */

static int64_t beyond(const struct holding *holding)
{
    int64_t quantity = holding->reserved - holding->on_hand;
    return quantity < 0 ? 0 : quantity;
}

/* First what is not promised, then what is; what was asked for last first. */
void allocation_shed(const struct handling *handling, struct holding *holding)
{
    static const struct plan_text REASON = {"持有单位的存量已不足以预留",
                                            "the holder has not as much any more as was set aside"};
    const struct stock *stock = holding->stock;
    for (int promised = 0; promised < 2; promised++) {
        for (size_t i = stock->open_count; i > 0; i--) {
            struct request *request = stock->open[i - 1];
            const struct allocation *allocation = ledger_allocation(request, holding->holder);
            int64_t there = promised == 0        ? movable(request, holding)
                            : allocation != NULL ? allocation->quantity
                                                 : 0;
            allocation_give_back(handling, request, holding, least(beyond(holding), there), REASON);
        }
    }
}
