/*
 * Announcing: duty/<area>/<slug>/<incident>/<duty>, the order whole with its state and the state
 * before, so that each event says by itself who must do what by when.
 */
#include "duty.h"

#include <liandong/topic.h>
#include <stdio.h>
#include <string.h>

bool duty_order_fits(const struct sv_core *core, const char *id)
{
    char topic[LD_TOPIC_SIZE_MAX + 1];
    int size = snprintf(topic, sizeof topic, "duty/%s/%s/%s", core->area, core->slug, id);
    return size > 0 && (size_t)size < sizeof topic &&
           ld_topic_check(topic, (size_t)size, NULL) == LD_OK;
}

/* The unit or group that is told when the order is overdue. */
static const char *supervisor_of(const struct plan *plan, int level)
{
    const struct plan_orders *orders = &plan->orders;
    if (orders->supervisor_group >= 0 && plan_level_reaches(level, (int)orders->supervisor_from))
        return plan->groups[orders->supervisor_group].id;
    return orders->supervisor_else;
}

static const char *late_text(enum order_late late)
{
    static const char *const texts[] = {"", "acknowledge", "done", "problem"};
    return texts[late];
}

static void fill_duty(DutyOrder *message, struct work *work, const struct order *order)
{
    const struct plan *plan = order->incident->plan;
    const struct plan_duty *duty = &plan->duties[order->duty];
    message->order = order->id;
    message->unit = work->core->unit;
    message->unit_name = sv_text_of(work->out, plan_unit_name(plan, work->core->unit));
    message->duty = sv_borrow(duty->id);
    message->section = sv_borrow(duty->section);
    message->text = sv_text_of(work->out, duty->text);
    message->group = sv_borrow(duty->group >= 0 ? plan->groups[duty->group].id : NULL);
}

void duty_order_announce(struct work *work, struct order *order, enum order_state before,
                         const struct remark *remark)
{
    const struct incident *incident = order->incident;
    const struct plan *plan = incident->plan;
    DutyOrder message = LIANDONG__V1__DUTY_ORDER__INIT;
    message.context = sv_context(work->out, work->event, incident->id, plan);
    fill_duty(&message, work, order);
    int level = duty_level(incident, &plan->duties[order->duty]);
    message.level = (Liandong__V1__Level)level;
    message.state = (Liandong__V1__DutyOrder__State)order->state;
    message.before = (Liandong__V1__DutyOrder__State)before;
    message.issued_at_us = order->issued_at_us;
    message.problem_by_us = order->problem_by_us;
    message.delivered_at_us = order->delivered_at_us;
    message.acknowledge_by_us = order->acknowledge_by_us;
    message.done_by_us = order->done_by_us;
    message.reason = sv_borrow(remark ? remark->reason : NULL);
    message.help_from = sv_borrow(remark ? remark->help_from : NULL);
    message.reminder = remark && remark->reminder;
    message.late_for = sv_borrow(late_text(order->late));
    message.escalated_to =
        sv_borrow(order->state == ORDER_ESCALATED ? plan->orders.escalate_to : NULL);
    message.supervisor = sv_borrow(supervisor_of(plan, level));
    sv_emit(work->out, &message.base, "duty/%s/%s/%s", work->core->area, work->core->slug,
            order->id);
    duty_help_tell(work, order, &message);
}
