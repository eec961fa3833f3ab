/*
 * Help: a unit that asks another for help on its order says so in the order's event (help_from),
 * and says the same once more to the unit that it asks: help/<area>/<slug of who is told>/<order
 * that helps>. That unit's own instance issues an order of its own, numbered after the one it helps
 * and the unit that asked. When that one is done, withdrawn or begins a new round, each unit that
 * was asked is told, the help is no longer needed and is withdrawn. Help is not passed on a second
 * time. Once the helping unit has accepted, it tells the unit that asked in the same way, which
 * takes what it asked as answered. An instance reads what is told to its unit, nobody's orders.
 */
#include "duty.h"

#include <liandong/topic.h>
#include <string.h>

#define HELP_MARK "-for-" /* between the order that is helped and the unit that asked */

static const char *help_order_id(struct ld_arena *arena, const char *order, const char *asker)
{
    return ld_arena_format(arena, "%s" HELP_MARK "%s", order, asker);
}

static bool is_open(const struct order *order)
{
    return order->applies && order->state != ORDER_DONE && order->state != ORDER_DECLINED;
}

static void help_begin(struct work *work, const DutyOrder *asked)
{
    struct sv_core *core = work->core;
    const char *incident_id = asked->context ? asked->context->incident : "";
    struct incident *incident = duty_incident_find(core, incident_id);
    if (!incident || !duty_order_is_of(asked->order, incident))
        return;
    const struct plan *plan = incident->plan;
    const char *id = help_order_id(sv_arena(work->out), asked->order, asked->unit);
    struct order *order = duty_order_find(core, id);
    size_t duty = 0;
    while (duty < plan->duty_count && strcmp(plan->duties[duty].id, asked->duty) != 0)
        duty++;
    if (duty == plan->duty_count || (!order && !duty_order_fits(core, id)))
        return;
    if (order && is_open(order))
        return; /* asked again, and still at it */
    if (!order)
        order = duty_order_add(incident, id, (int)duty, asked->unit);
    order->done_by_us = asked->done_by_us > work->event->record->time_us ? asked->done_by_us : 0;
    struct remark remark = {.reason = asked->reason};
    duty_order_move(work, order, order->state == ORDER_DECLINED ? ON_REPEAT : ON_ISSUE, &remark);
}

/* In this state an order needs no help any more. */
static bool help_ends(const DutyOrder *asked)
{
    return asked->state == LIANDONG__V1__DUTY_ORDER__STATE__DONE ||
           asked->state == LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN ||
           asked->state == LIANDONG__V1__DUTY_ORDER__STATE__SUPERSEDED ||
           (asked->state == LIANDONG__V1__DUTY_ORDER__STATE__ISSUED && !asked->reminder &&
            asked->before != LIANDONG__V1__DUTY_ORDER__STATE__STATE_UNSPECIFIED);
}

static void help_end(struct work *work, const DutyOrder *asked)
{
    const char *id = help_order_id(sv_arena(work->out), asked->order, asked->unit);
    struct order *order = duty_order_find(work->core, id);
    if (order && order->applies)
        duty_order_withdraw(work, order,
                            "请求方已不需要协助 / the unit that asked needs the help no longer");
}

static bool takes_up(const DutyOrder *help)
{
    return help->state == LIANDONG__V1__DUTY_ORDER__STATE__ACCEPTED ||
           help->state == LIANDONG__V1__DUTY_ORDER__STATE__IN_PROGRESS ||
           help->state == LIANDONG__V1__DUTY_ORDER__STATE__DONE;
}

/* "<order>-for-<this unit>": another unit's help for the order. */
static void help_taken_up(struct work *work, const DutyOrder *help)
{
    struct ld_arena *arena = sv_arena(work->out);
    const char *ending = ld_arena_format(arena, HELP_MARK "%s", work->core->unit);
    size_t size = strlen(help->order), ending_size = strlen(ending);
    if (size <= ending_size || strcmp(help->order + size - ending_size, ending) != 0)
        return;
    const char *id = ld_arena_format(arena, "%.*s", (int)(size - ending_size), help->order);
    struct order *order = duty_order_find(work->core, id);
    if (!order || !order->applies || order->problem_by_us == 0)
        return;
    const char *reason =
        ld_arena_format(arena, "%s 已接手协助 / %s has taken up the help", help->unit, help->unit);
    duty_order_move(work, order, ON_SETTLED, &(struct remark){.reason = reason});
}

void duty_on_help(struct work *work)
{
    const DutyOrder *asked = (const DutyOrder *)work->event->message;
    if (!asked)
        return;
    if (*asked->help_from && strcmp(asked->help_from, work->core->unit) == 0)
        help_begin(work, asked);
    else if (takes_up(asked) && !asked->reminder)
        help_taken_up(work, asked);
    if (help_ends(asked))
        help_end(work, asked);
}

/* ---- telling ---- */

/* As an order's own topic (duty_order_fits), one that cannot be formed is left unsaid. */
static void tell(struct work *work, const char *unit, const char *help_id,
                 const DutyOrder *announced)
{
    const char *dot = strchr(unit, '.');
    if (!dot)
        return;
    const char *topic = ld_arena_format(sv_arena(work->out), "help/%.*s/%s/%s", (int)(dot - unit),
                                        unit, dot + 1, help_id);
    if (ld_topic_check(topic, strlen(topic), NULL) == LD_OK)
        sv_emit(work->out, &announced->base, "%s", topic);
}

void duty_help_tell(struct work *work, struct order *order, const DutyOrder *announced)
{
    if (order->asker) {
        if (takes_up(announced) && !announced->reminder)
            tell(work, order->asker, order->id, announced);
        return;
    }
    bool ends = help_ends(announced), asks = *announced->help_from != '\0';
    if (asks)
        duty_helper_add(order, announced->help_from);
    if (!ends && !asks)
        return;
    const char *id = help_order_id(sv_arena(work->out), order->id, work->core->unit);
    for (size_t i = 0; i < order->helper_count && ends; i++)
        tell(work, order->helpers[i], id, announced);
    if (ends)
        duty_helpers_forget(order);
    else
        tell(work, announced->help_from, id, announced);
}
