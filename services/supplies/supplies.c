/*
 * supplies: the ledger of what every holder has, asks for, sends and receives.
 *
 * Happy path: stock-takes and donations fill the ledger; a request is answered by ALLOCATED
 * movements out of the pool that the response level opens (allocation.c); holders dispatch,
 * receivers confirm. Every act gets one receipt; every change is one SupplyMovement with the
 * balances after it.
 *
 * A response that starts, moves or ends changes the pool: requests still short are tried again. A
 * tick takes out what has expired (expiry.c). Who does not keep its reserves is told of
 * (reserve.c). Bad acts are refused and change nothing. An area under no plan has no rules and is
 * refused.
 */
#include "supplies.h"

#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "memory.h"
#include "reserve.h"

static struct sv_core *create(const struct sv_setup *setup)
{
    struct sv_core *core = memory_zeroed(sizeof *core);
    core->plans = setup->plans;
    core->next_expiry_us = INT64_MAX;
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
    int before = ledger_level(core, response->area, NULL);
    ledger_set_level(core, response);
    if (handling.plan != NULL && ledger_level(core, response->area, NULL) != before) {
        allocation_settle(&handling, NULL);
    }
}

/* Who is affected more comes first. */
static void on_grade(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    const Liandong__V1__Grade *grade = (const Liandong__V1__Grade *)event->message;
    struct handling handling = {.core = core,
                                .event = event,
                                .plan = sv_plans_pinned(core->plans, grade->context->plan_hash),
                                .out = out};
    if (ledger_set_grade(core, grade->context->incident, (int)grade->level, grade->area,
                         grade->counties, grade->n_counties) &&
        handling.plan != NULL) {
        allocation_settle(&handling, NULL);
    }
}

static void on_incident(struct sv_core *core, const struct sv_event *event)
{
    const Liandong__V1__Incident *incident = (const Liandong__V1__Incident *)event->message;
    if (incident->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED) {
        (void)ledger_set_grade(core, incident->context->incident, PLAN_NONE, "", NULL, 0);
    }
}

static void apply(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct handling handling = {.core = core, .event = event, .out = out};
    if (event->family == SV_NEED) {
        on_need(core, event, out);
    } else if (event->family == SV_RESPONSE && event->message != NULL) {
        on_response(core, event, out);
    } else if (event->family == SV_GRADE && event->message != NULL) {
        on_grade(core, event, out);
    } else if (event->family == SV_INCIDENT && event->message != NULL) {
        on_incident(core, event);
    } else if (event->family == SV_TICK) {
        expiry_tick(&handling);
    }
    reserve_check(&handling);
}

static const char *const FILTERS[] = {"need/>", "response/>", "grade/>", "incident/>",
                                      "plan/>", "sys/tick",   NULL};

const struct sv_class supplies_class = {
    .name = "supplies",
    .families = SV_BIT(SV_NEED) | SV_BIT(SV_RESPONSE) | SV_BIT(SV_GRADE) | SV_BIT(SV_INCIDENT) |
                SV_BIT(SV_PLAN) | SV_BIT(SV_TICK),
    .filters = FILTERS,
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .visit = ledger_visit,
    .state_version = 1,
};
