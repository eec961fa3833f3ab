/*
 * What is to be given back or paid for: what was lent (LEND) and what was requisitioned.
 *
 * What is sent is owed; what is lost on the way is the loss of who asked for it. A RETURN that
 * names the loan or requisition gives back what arrives of it; COMPENSATE pays for the rest.
 */
#include "supplies.h"

#include <assert.h>

static bool is_meant(const struct debt *debt, const supply_act *act)
{
    return strcmp(debt->id, act->request) == 0 && strcmp(debt->stock->item, act->item) == 0 &&
           (*act->requester == '\0' || strcmp(debt->opener, act->requester) == 0);
}

struct debt *debts_named(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct debt *found = NULL;
    for (struct debt *debt = handling->core->debts; debt != NULL; debt = debt->hh.next) {
        if (!is_meant(debt, act)) {
            continue;
        }
        if (found != NULL) {
            REFUSE(handling, "ambiguous", "有不止一项编号为 %s 的借用或征用，请用 requester 指明%s",
                   "there is more than one loan or requisition %s: name whose, as requester%s",
                   act->request, "");
            return NULL;
        }
        found = debt;
    }
    if (found == NULL) {
        REFUSE(handling, "unknown-debt", "没有编号为 %s 的 %s 借用或征用",
               "there is no loan or requisition %s of %s", act->request, act->item);
    }
    return found;
}

static void say(const struct handling *handling, const struct debt *debt,
                Liandong__V1__SupplyMovement__Kind kind, int64_t quantity)
{
    movement_put_out(
        handling,
        &(struct movement){.kind = kind,
                           .item = debt->stock->item,
                           .from = debt->creditor,
                           .to = debt->debtor,
                           .request = debt->id,
                           .requester = debt->opener,
                           .area = handling->act->area,
                           .quantity = quantity,
                           .outstanding = debt_outstanding(debt),
                           .loan = debt->loan,
                           .amount_fen = kind == KIND(COMPENSATED) ? handling->act->amount_fen : 0,
                           .reason = movement_own_reason(handling)});
}

void debts_owe(const struct handling *handling, struct debt *debt)
{
    debt->owed += handling->act->quantity;
    say(handling, debt, KIND(OWED), handling->act->quantity);
}

void debts_give_back(const struct handling *handling, struct debt *debt, int64_t quantity)
{
    int64_t outstanding = debt_outstanding(debt);
    int64_t counted = quantity < outstanding ? quantity : outstanding;
    debt->given_back += counted;
    assert(debt_outstanding(debt) >= 0);
    if (counted > 0) {
        say(handling, debt, KIND(GIVEN_BACK), counted);
    }
}

void act_compensate(const struct handling *handling)
{
    const supply_act *act = handling->act;
    struct debt *debt = debts_named(handling);
    if (debt == NULL) {
        return;
    }
    if (strcmp(debt->debtor, act->context->author) != 0) {
        REFUSE(handling, "wrong-unit", "应由 %s 补偿，而作者是 %s",
               "%s owes this, the author is %s", debt->debtor, act->context->author);
        return;
    }
    if (ledger_number_is_used(handling->core, act)) {
        REFUSE(handling, "duplicate", "%s 已用过编号 %s", "%s has used the number %s already",
               act->context->author, act->id);
        return;
    }
    if (act->amount_fen < 0 || act->amount_fen > HELD_MAX - debt->amount_fen) {
        REFUSE(handling, "bad-quantity", "金额应为 0 … 10^15 分%s%s",
               "an amount has to be 0 … 10^15 fen%s%s", "", "");
        return;
    }
    if (check_enough(handling, act->quantity, debt_outstanding(debt))) {
        check_accept(handling);
        ledger_use_number(handling->core, act);
        debt->compensated += act->quantity;
        debt->amount_fen += act->amount_fen;
        say(handling, debt, KIND(COMPENSATED), act->quantity);
    }
}
