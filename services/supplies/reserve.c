/*
 * Standing reserves (vocabulary/reserves.yaml; docs/supplies.md, section 7).
 *
 * Happy path: a holder whose kind a rule names keeps enough kinds of the category, and enough of
 * what it uses for so many days, more in the season. When what is missing changes, that is said
 * once, with the units that have to produce, buy or move; when nothing is missing any more, that
 * too.
 *
 * A holder is held to the rules from the midnight after its stock was first known, so that it can
 * count all it has before anybody is told.
 */
#include "reserve.h"

#include <stdio.h>

#include "buffer.h"
#include "forecast.h"
#include "memory.h"
#include "timefmt.h"

/* One rule for one holder, now. */
struct look {
    const struct plan *plan;
    const struct plan_reserve *rule;
    struct owner *owner;
    int64_t now_us;
    int days; /* to be kept now; 0: not said */
    size_t kinds_held, kinds;
    Liandong__V1__SupplyReserve__Item **lacking;
    size_t lacking_count;
};

/* ---- what is to be kept ---- */

static bool is_season(const struct plan_reserve *rule, int64_t now_us)
{
    char date[LD_TIME_TEXT_SIZE];
    ld_date_format(date, now_us, LD_CHINA_OFFSET_MINUTES);
    int month = (date[5] - '0') * 10 + date[6] - '0';
    if (rule->season_from == 0) {
        return false;
    }
    return rule->season_from <= rule->season_to
               ? month >= rule->season_from && month <= rule->season_to
               : month >= rule->season_from || month <= rule->season_to;
}

static bool rule_covers(const struct plan *plan, const struct plan_reserve *rule,
                        const char *holder)
{
    int unit = plan_find_unit(plan, holder);
    for (size_t i = 0; i < rule->of_count && unit >= 0; i++) {
        if (strcmp(rule->of[i], plan->units[unit].kind) == 0) {
            return true;
        }
    }
    return false;
}

static void add_lacking(struct ld_arena *arena, struct look *look, const struct holding *holding)
{
    int64_t until_us = forecast_lasts_until(holding, look->now_us);
    if (look->days == 0 || !forecast_is_used(holding, look->now_us) ||
        until_us >= look->now_us + look->days * LD_US_DAY) {
        return;
    }
    Liandong__V1__SupplyReserve__Item *item = ld_arena_alloc(arena, sizeof *item);
    liandong__v1__supply_reserve__item__init(item);
    item->item = sv_borrow(holding->stock->item);
    item->on_hand = holding->on_hand;
    item->lasts_until_us = until_us;
    item->days_left = until_us > look->now_us ? (until_us - look->now_us) / LD_US_DAY : 0;
    look->lacking[look->lacking_count++] = item;
}

static void look_at(struct sv_core *core, struct ld_arena *arena, struct look *look)
{
    const struct plan *plan = look->plan;
    look->days = is_season(look->rule, look->now_us) ? look->rule->season_days : look->rule->days;
    look->lacking = ld_arena_alloc(arena, (plan->item_count + 1) * sizeof *look->lacking);
    for (size_t i = 0; i < plan->item_count; i++) {
        if (strcmp(plan->items[i].category, look->rule->category) != 0) {
            continue;
        }
        const struct holding *holding =
            ledger_find_holding(core, look->owner->key, plan->items[i].id);
        look->kinds++;
        if (holding != NULL) {
            look->kinds_held += holding->on_hand > 0;
            add_lacking(arena, look, holding);
        }
    }
}

static bool too_few_kinds(const struct look *look)
{
    return look->kinds_held * 100 < look->kinds * (size_t)look->rule->kinds_percent;
}

/* ---- saying it ---- */

/* What is missing, in short: compared with what was told last. */
static char *signature_of(struct ld_arena *arena, const struct look *look)
{
    struct ld_buffer buffer = {0};
    if (too_few_kinds(look)) {
        ld_buffer_text(&buffer, "kinds ");
    }
    for (size_t i = 0; i < look->lacking_count; i++) {
        ld_buffer_format(&buffer, "%s ", look->lacking[i]->item);
    }
    char *text = ld_arena_string(arena, ld_buffer_string(&buffer), buffer.size);
    ld_buffer_free(&buffer);
    return text;
}

/* Those under `act` that are of the holder's city. */
static void put_act(struct ld_arena *arena, const struct look *look,
                    Liandong__V1__SupplyReserve *message)
{
    const struct plan *plan = look->plan;
    const struct plan_reserve *rule = look->rule;
    message->act = ld_arena_alloc(arena, (plan->unit_count + 1) * sizeof *message->act);
    for (size_t i = 0; i < plan->unit_count; i++) {
        const struct plan_unit *unit = &plan->units[i];
        if (strncmp(unit->area, look->owner->area, 4) == 0 &&
            plan_unit_in(plan, unit->id, rule->act, rule->act_count, look->owner->area)) {
            message->act[message->n_act++] = sv_borrow(unit->id);
        }
    }
}

static void say(const struct handling *handling, const struct look *look)
{
    struct sv_outputs *out = handling->out;
    Liandong__V1__SupplyReserve message = LIANDONG__V1__SUPPLY_RESERVE__INIT;
    message.context = sv_context(out, handling->event, "", look->plan);
    message.holder = sv_borrow(look->owner->key);
    message.area = sv_borrow(look->owner->area);
    message.rule = sv_borrow(look->rule->id);
    message.section = sv_borrow(look->rule->section);
    message.category = sv_borrow(look->rule->category);
    message.text = sv_text_of(out, look->rule->text);
    message.below = too_few_kinds(look) || look->lacking_count > 0;
    message.kinds_held = (int64_t)look->kinds_held;
    message.kinds = (int64_t)look->kinds;
    message.kinds_percent = look->rule->kinds_percent;
    message.days = look->days;
    message.lacking = look->lacking;
    message.n_lacking = look->lacking_count;
    put_act(sv_arena(out), look, &message);
    const char *slug = strchr(look->owner->key, '.');
    sv_emit(out, &message.base, "reserve/%s/%s/%s", look->owner->area,
            slug != NULL ? slug + 1 : look->owner->key, look->rule->id);
}

static void check_rule(const struct handling *handling, struct look *look)
{
    struct ld_arena *arena = sv_arena(handling->out);
    look_at(handling->core, arena, look);
    const char *signature = signature_of(arena, look);
    char **told = ledger_told(look->owner, look->rule->id);
    if (strcmp(*told, signature) != 0) {
        free(*told);
        *told = memory_copy(signature);
        say(handling, look);
    }
}

static void check_owner(const struct handling *handling, struct owner *owner)
{
    int64_t now_us = handling_now(handling);
    const struct plan *plan = sv_plans_any(handling->core->plans, owner->area);
    owner->changed = false;
    for (size_t i = 0; plan != NULL && now_us >= owner->held_from_us && i < plan->reserve_count;
         i++) {
        struct look look = {
            .plan = plan, .rule = &plan->reserves[i], .owner = owner, .now_us = now_us};
        if (rule_covers(plan, look.rule, owner->key)) {
            check_rule(handling, &look);
        }
    }
}

void reserve_check(struct handling *handling)
{
    struct sv_core *core = handling->core;
    int64_t now_us = handling_now(handling);
    bool all = now_us >= core->next_day_us;
    if (all) {
        core->next_day_us = ld_china_midnight(now_us) + LD_US_DAY;
    }
    if (!all && !core->owner_changed) {
        return;
    }
    core->owner_changed = false;
    for (struct owner *owner = core->owners; owner != NULL; owner = owner->hh.next) {
        if (owner->held_from_us == 0) {
            owner->held_from_us = ld_china_midnight(now_us) + LD_US_DAY;
        }
        if (all || owner->changed) {
            check_owner(handling, owner);
        }
    }
}
