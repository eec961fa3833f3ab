/* The acts of holders and requesters (docs/supplies.md, section 3): each is checked whole before
 * anything changes, then done, and answered by exactly one receipt. */
#include "supplies.h"

static void do_act(const struct handling *handling)
{
    static void (*const VERBS[])(const struct handling *) = {
        [VERB(STOCK_TAKE)] = act_stock_take, [VERB(REQUEST)] = act_request,
        [VERB(COMMIT)] = act_commit,         [VERB(DECLINE)] = act_decline,
        [VERB(DISPATCH)] = act_dispatch,     [VERB(RECEIVE)] = act_receive,
        [VERB(RETURN)] = act_dispatch,       [VERB(REQUISITION)] = act_requisition,
        [VERB(USE)] = act_use_or_lose,       [VERB(LOSS)] = act_use_or_lose,
        [VERB(DONATE)] = act_donate,         [VERB(LEND)] = act_dispatch,
        [VERB(CANCEL)] = act_cancel,         [VERB(COMPENSATE)] = act_compensate,
    };
    size_t verb = (size_t)handling->act->verb;
    if (verb == 0 || verb >= sizeof VERBS / sizeof *VERBS) {
        REFUSE(handling, "unknown-verb", "不认识的操作%s%s", "no such verb%s%s", "", "");
        return;
    }
    VERBS[verb](handling);
}

void supplies_act(struct handling *handling)
{
    if (check_act(handling)) {
        do_act(handling);
    }
    batches_free(&handling->named);
}
