/*
 * supplies: the ledger of what every holder has, asks for, sends and receives.
 *
 * Happy path: stock-takes fill the ledger; a request is answered by ALLOCATED movements out of the
 * pool that the response level opens (allocation.c); holders dispatch, receivers confirm. Every
 * act gets one receipt; every change is one SupplyMovement with the balances after it.
 *
 * A response that starts, moves or ends changes the pool: requests still short are tried again.
 * Bad acts are refused and change nothing. An area under no plan has no rules and is refused.
 */
#include "supplies.h"

#include <stdlib.h>
#include <string.h>

static char *arena_copy(struct ld_arena *arena, const char *text)
{
    return text == NULL ? arena_copy(arena, "") : ld_arena_string(arena, text, strlen(text));
}

void supplies_put_out(const struct handling *handling, const struct movement *movement)
{
    struct sv_outputs *out = handling->out;
    struct ld_arena *arena = sv_arena(out);
    const char *incident = handling->act != NULL ? handling->act->context->incident : "";
    Liandong__V1__SupplyMovement message = LIANDONG__V1__SUPPLY_MOVEMENT__INIT;
    message.context = sv_context(out, handling->event, incident, handling->plan);
    message.kind = movement->kind;
    message.item = arena_copy(arena, movement->item);
    message.quantity = movement->quantity;
    message.from = arena_copy(arena, movement->from);
    message.to = arena_copy(arena, movement->to);
    message.from_balance = movement->from_balance;
    message.to_balance = movement->to_balance;
    message.request = arena_copy(arena, movement->request);
    message.shipment = arena_copy(arena, movement->shipment);
    message.pool = arena_copy(arena, movement->pool);
    message.section = arena_copy(arena, handling->plan->supplies.section);
    message.area = arena_copy(arena, movement->area);
    if (movement->reason.zh != NULL) {
        message.reason = sv_text_of(out, movement->reason);
    }
    sv_emit(out, &message.base, "supply/%s/%s", movement->area, movement->item);
}

static struct sv_core *create(const struct sv_setup *setup)
{
    struct sv_core *core = calloc(1, sizeof *core);
    if (core == NULL) {
        abort();
    }
    core->plans = setup->plans;
    return core;
}

static void destroy(struct sv_core *core)
{
    ledger_free(core);
    free(core);
}

static void on_need(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const char *area = event->segment_count > 1 ? event->segment[1] : "";
    struct handling handling = {.core = core,
                                .event = event,
                                .act = (const Liandong__V1__SupplyAct *)event->message,
                                .plan = sv_plans_any(core->plans, area),
                                .out = out};
    if (handling.act == NULL) {
        sv_refuse(out, event, "malformed", "",
                  ld_arena_format(sv_arena(out), "消息无法解析：%s", event->fault),
                  ld_arena_format(sv_arena(out), "the message cannot be read: %s", event->fault));
        return;
    }
    if (handling.plan == NULL) {
        sv_refuse(
            out, event, "unknown-area", "",
            ld_arena_format(sv_arena(out), "没有覆盖 %s 的预案，请核对区划代码或先启用预案", area),
            ld_arena_format(sv_arena(out),
                            "no plan in force covers %s; check the area code or adopt a plan",
                            area));
        return;
    }
    supplies_act(&handling);
}

static void on_response(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const Liandong__V1__Response *response = (const Liandong__V1__Response *)event->message;
    struct handling handling = {.core = core,
                                .event = event,
                                .plan = sv_plans_pinned(core->plans, response->context->plan_hash),
                                .out = out};
    int before = ledger_level(core, response->area);
    ledger_set_level(core, response);
    if (handling.plan != NULL && ledger_level(core, response->area) != before) {
        allocation_retry(&handling, NULL);
    }
}

static void apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    if (event->family == SV_NEED) {
        on_need(core, event, out);
    } else if (event->family == SV_RESPONSE && event->message != NULL) {
        on_response(core, event, out);
    }
}

static const char *const FILTERS[] = {"need/>", "response/>", "plan/>", NULL};

const struct sv_class supplies_class = {
    .name = "supplies",
    .families = SV_BIT(SV_NEED) | SV_BIT(SV_RESPONSE) | SV_BIT(SV_PLAN),
    .filters = FILTERS,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .visit = ledger_visit,
};
