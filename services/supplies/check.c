/* What can be wrong with an act whatever its verb; each mistake is refused and changes nothing. */
#include <stdio.h>

#include "memory.h"
#include "supplies.h"
#include "timefmt.h"

enum { ID_SIZE_MAX = 100, TEXT_SIZE_MAX = 1000, COUNTED_MAX = 2000 };

#define BIT(verb) (1u << VERB(verb))
static const unsigned MOVES =
    BIT(DISPATCH) | BIT(LEND) | BIT(RETURN) | BIT(RECEIVE) | BIT(REQUISITION);
static const unsigned MAY_BE_ZERO =
    BIT(STOCK_TAKE) | BIT(RECEIVE) | BIT(COMMIT) | BIT(DECLINE) | BIT(CANCEL);

static bool verb_is_in(const struct handling *handling, unsigned verbs)
{
    unsigned verb = (unsigned)handling->act->verb;
    return verb < 32 && (verbs >> verb & 1) != 0;
}

/* ---- who ---- */

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
    bool moves = verb_is_in(handling, MOVES);
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
    return moves || *act->to == '\0' || known_unit(handling, "to", act->to);
}

/* ---- what ---- */

/* A stock-take of several items names none itself. */
static bool is_of_several(const supply_act *act)
{
    return act->verb == VERB(STOCK_TAKE) && *act->item == '\0';
}

/* The topic says it too: need/<area>/<item>/<author>. */
static bool topic_agrees(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const struct sv_event *event = handling->event;
    const char *author = act->context != NULL ? act->context->author : "";
    const char *item = is_of_several(act) ? "all" : act->item;
    if (event->segment_count == 4 && strcmp(event->segment[2], item) == 0 &&
        strcmp(event->segment[1], act->area) == 0 && strcmp(event->segment[3], author) == 0) {
        return true;
    }
    REFUSE(handling, "topic-differs",
           "主题应为 need/<区划>/<物资>/<作者>，与内容一致；主题 %s，作者 %s",
           "the topic must be need/<area>/<item>/<author> as in the message; topic %s, author %s",
           event->topic, author);
    return false;
}

static bool known_item(const struct handling *handling, const char *item)
{
    if (plan_find_item(handling->plan, item) >= 0) {
        return true;
    }
    REFUSE(handling, "unknown-item", "没有物资 %s%s，请用词汇表里的物资代码",
           "no item %s%s; use an item id of the vocabulary", item, "");
    return false;
}

static bool texts_are_right(const struct handling *handling)
{
    const supply_act *act = handling->act;
    const char *const TEXTS[] = {act->request, act->reason, act->donor, act->proof};
    if (*act->id == '\0' || strlen(act->id) > ID_SIZE_MAX) {
        REFUSE(handling, "bad-id", "编号应为 1 至 100 字节%s%s",
               "the id must have 1 to 100 bytes%s%s", "", "");
        return false;
    }
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        if (strlen(TEXTS[i]) > TEXT_SIZE_MAX) {
            REFUSE(handling, "bad-text", "文字应不超过 1000 字节：%.60s…%s",
                   "a text must have 1000 bytes at most: %.60s…%s", TEXTS[i], "");
            return false;
        }
    }
    if (act->verb == VERB(DONATE) && *act->donor == '\0') {
        REFUSE(handling, "no-donor", "捐赠应写明捐赠者，以便公布%s%s",
               "a donation must name its donor, who is to be published%s%s", "", "");
        return false;
    }
    return true;
}

static bool quantity_is_right(const struct handling *handling)
{
    const supply_act *act = handling->act;
    bool may_be_zero = verb_is_in(handling, MAY_BE_ZERO);
    if (act->quantity < (may_be_zero ? 0 : 1) || act->quantity > QUANTITY_MAX) {
        char found[32];
        snprintf(found, sizeof found, "%lld", (long long)act->quantity);
        REFUSE(handling, "bad-quantity", "数量应为%s的整数，实为 %s", "expected %s, found %s",
               may_be_zero ? "0 … 10^12" : "1 … 10^12", found);
        return false;
    }
    return true;
}

/* ---- batches ---- */

static bool bad_batches(const struct handling *handling, const char *zh, const char *en)
{
    sv_refuse(handling->out, handling->event, "bad-batches", handling->plan->supplies.section, zh,
              en);
    return false;
}

static bool batch_is_right(const struct handling *handling, const Liandong__V1__SupplyBatch *batch)
{
    bool several = is_of_several(handling->act);
    if (batch->quantity < (several ? 0 : 1) || batch->quantity > QUANTITY_MAX ||
        batch->expires_at_us < 0) {
        return bad_batches(handling, "批次的数量或有效期不对",
                           "a batch has a quantity or an expiry that cannot be");
    }
    if (strlen(batch->lot) > ID_SIZE_MAX || strlen(batch->donation) > TEXT_SIZE_MAX) {
        return bad_batches(handling, "批号过长", "a lot has over 100 bytes");
    }
    if (several != (*batch->item != '\0')) {
        return bad_batches(handling, "多种物资一次盘点时每批写明物资，否则都不写",
                           "batches name their item in a stock-take of several, and only there");
    }
    return !several || known_item(handling, batch->item);
}

int64_t check_default_expiry(const struct handling *handling, const char *item)
{
    int index = plan_find_item(handling->plan, item);
    int64_t shelf_life_us = index < 0 ? 0 : handling->plan->items[index].shelf_life_us;
    return shelf_life_us == 0 ? 0 : ld_china_midnight(handling_now(handling)) + shelf_life_us;
}

void check_add_named(const struct handling *handling, const char *item,
                     const Liandong__V1__SupplyBatch *from, struct batches *named)
{
    Liandong__V1__SupplyAct__Verb verb = handling->act->verb;
    struct batch batch = {from->expires_at_us, from->lot, from->donation, from->quantity};
    bool comes_in = verb == VERB(STOCK_TAKE) || verb == VERB(DONATE);
    if (comes_in && batch.expires_at_us == 0) {
        batch.expires_at_us = check_default_expiry(handling, item);
    }
    batches_add(named, &batch);
}

static bool batches_are_right(struct handling *handling)
{
    const supply_act *act = handling->act;
    int64_t total = 0;
    if (act->n_batches > (is_of_several(act) ? COUNTED_MAX : BATCHES_MAX)) {
        return bad_batches(handling, "批次应不超过 1000 个，多种物资盘点不超过 2000 个",
                           "1000 batches at most, 2000 in a stock-take of several items");
    }
    for (size_t i = 0; i < act->n_batches; i++) {
        if (!batch_is_right(handling, act->batches[i])) {
            return false;
        }
        total += act->batches[i]->quantity;
    }
    if (is_of_several(act)) {
        return act->n_batches > 0 ||
               bad_batches(handling, "没有物资也没有批次", "neither an item nor batches");
    }
    if (act->n_batches > 0 && total != act->quantity) {
        return bad_batches(handling, "各批次之和不等于数量",
                           "the batches do not add up to the quantity");
    }
    for (size_t i = 0; i < act->n_batches; i++) {
        check_add_named(handling, act->item, act->batches[i], &handling->named);
    }
    return true;
}

/* ---- the whole ---- */

bool check_act(struct handling *handling)
{
    const supply_act *act = handling->act;
    return topic_agrees(handling) && known_unit(handling, "author", act->context->author) &&
           (is_of_several(act) || known_item(handling, act->item)) && texts_are_right(handling) &&
           quantity_is_right(handling) && parties_are_right(handling) &&
           batches_are_right(handling);
}

bool check_enough(const struct handling *handling, int64_t wanted, int64_t there)
{
    if (wanted <= there) {
        return true;
    }
    char numbers[2][32];
    snprintf(numbers[0], sizeof numbers[0], "%lld", (long long)wanted);
    snprintf(numbers[1], sizeof numbers[1], "%lld", (long long)there);
    REFUSE(handling, "not-enough", "要 %s，可用只有 %s；账实不符时请先盘点",
           "%s wanted, only %s available; if the books are wrong, take stock first", numbers[0],
           numbers[1]);
    return false;
}

bool check_room(const struct handling *handling, const struct holding *holding, int64_t quantity,
                size_t batch_count)
{
    const int64_t *balance = holding->stock->balance;
    int64_t come = -(balance[WORLD] + balance[DONATED]), given = -balance[DONATED];
    if (quantity > HELD_MAX - come || quantity > HELD_MAX - given) {
        REFUSE(handling, "too-much", "%s 的累计总量将超过 10^15%s",
               "of %s more than 10^15 would have come in altogether%s", holding->stock->item, "");
        return false;
    }
    if (holding->batches.count + batch_count > BATCHES_MAX) {
        REFUSE(handling, "too-many-batches", "%s 的 %s 将超过 1000 个批次，请先合并或核销",
               "%s would have over 1000 batches of %s; use up or write off some first",
               holding->holder, holding->stock->item);
        return false;
    }
    return true;
}

bool check_named(const struct handling *handling, const struct batches *there)
{
    struct batches missing = batches_beyond(&handling->named, there);
    bool all = missing.count == 0;
    batches_free(&missing);
    if (!all) {
        REFUSE(handling, "no-such-batch", "所列批次不在 %s 的账上，或数量不足%s",
               "a batch that is named is not there, or not as much of it: %s%s",
               handling->act->context->author, "");
    }
    return all;
}

void check_accept(const struct handling *handling)
{
    sv_accept(handling->out, handling->event, handling->act->context->incident, handling->plan);
}
