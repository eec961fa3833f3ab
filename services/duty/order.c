/*
 * The states of an order. An order's number stays the same through all of them.
 *
 *                deliver       acknowledge      accept          progress, help        done
 *     (none) ──> ISSUED ─> DELIVERED ─> ACKNOWLEDGED ──> ACCEPTED ──> IN_PROGRESS ──> DONE
 *        issue      │ any later step may come first; declining may come at each of them
 *                   └──> DECLINED (and may be taken up after all)
 *
 *     each of these ── time is up ──> OVERDUE ── still late ──> ESCALATED
 *     OVERDUE and ESCALATED are left by the unit's answer, judged by what it had reached before.
 *     each but DONE ── no longer applies ──> WITHDRAWN ── applies again ──> ISSUED
 *     next round: an open one becomes SUPERSEDED, then ISSUED; a closed one ISSUED
 *
 *                   iss. ack. acc. dec. prog help done del. prob setl unsn undn unst esc. rep. wit.
 *     (none)        ISS  ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·    ·
 *     ISSUED        ·    ACK  ACC  DEC  PRO  PRO  DON  DEL  PRO  ·    OVE  OVE  ·    ESC  SUP  WIT
 *     DELIVERED     ·    ACK  ACC  DEC  PRO  PRO  DON  a    PRO  ·    OVE  OVE  ·    ESC  SUP  WIT
 *     ACKNOWLEDGED  ·    a    ACC  DEC  PRO  PRO  DON  a    PRO  ·    ·    OVE  ·    ESC  SUP  WIT
 *     ACCEPTED      ·    a    a    DEC  PRO  PRO  DON  a    PRO  ·    ·    OVE  ·    ESC  SUP  WIT
 *     DECLINED      ·    a    ACC  a    PRO  PRO  DON  a    PRO  ·    ·    ·    ·    ·    ISS  WIT
 *     IN_PROGRESS   ·    a    a    DEC  PRO  PRO  DON  a    PRO  PRO  ·    OVE  OVE  ESC  SUP  WIT
 *     DONE          ISS  f    f    f    f    f    f    f    f    ·    ·    ·    ·    ·    ISS  ·
 *     OVERDUE       ·    =    =    =    =    =    =    =    =    =    ·    OVE  OVE  ESC  SUP  WIT
 *     ESCALATED     ·    =    =    =    =    =    =    =    =    =    ·    OVE  OVE  ·    SUP  WIT
 *     SUPERSEDED    ISS  g    g    g    g    g    g    g    g    ·    ·    ·    ·    ·    ·    WIT
 *     WITHDRAWN     ISS  g    g    g    g    g    g    g    g    ·    ·    ·    ·    ·    ·    ·
 *
 *     · means nothing now   = by the row of what was reached   refused: a already there or beyond,
 *     f finished, g withdrawn
 *
 * Delivered is not seen: it is said by a program, and ends no lateness: what was overdue unseen is
 * still escalated when its time comes. Seen is not done: acknowledging ends being late for
 * "acknowledge" and with it the escalation; being late for "done" ends only with done or declined.
 * Where the plan says so (orders.same_day), a problem raised, or help asked for, is to be settled
 * on the same local day: by the unit's own next word on the order, or by the unit asked, once it
 * takes the help up. What is not goes up as overdue for "problem", unless the order is overdue for
 * "done" already. Before the time to be done is up, what is still open is said once more as it is
 * (a reminder). Timers are never taken out of the heap: one whose time is no longer the order's own
 * means nothing.
 */
#include "duty.h"

#include <assert.h>
#include <stdlib.h>
#include "timefmt.h"

/* Cells beyond the states. */
enum { CELL_NOTHING = 0, CELL_REACHED = 32, CELL_ALREADY, CELL_FINISHED, CELL_GONE };

/* The table above, cell by cell. */
enum {
    o = CELL_NOTHING,
    q = CELL_REACHED,
    a = CELL_ALREADY,
    f = CELL_FINISHED,
    g = CELL_GONE,
    ISS = ORDER_ISSUED,
    ACK = ORDER_ACKNOWLEDGED,
    ACC = ORDER_ACCEPTED,
    DEC = ORDER_DECLINED,
    PRO = ORDER_IN_PROGRESS,
    DON = ORDER_DONE,
    DEL = ORDER_DELIVERED,
    OVE = ORDER_OVERDUE,
    ESC = ORDER_ESCALATED,
    SUP = ORDER_SUPERSEDED,
    WIT = ORDER_WITHDRAWN,
};
/* clang-format off */
static const unsigned char moves[ORDER_STATES][ORDER_INPUTS] = {
    [ORDER_NONE]           = {ISS},
    [ORDER_ISSUED]         = {o,   ACK, ACC, DEC, PRO, PRO, DON, DEL, PRO, o,   OVE, OVE, o,   ESC, SUP, WIT},
    [ORDER_DELIVERED]      = {o,   ACK, ACC, DEC, PRO, PRO, DON, a,   PRO, o,   OVE, OVE, o,   ESC, SUP, WIT},
    [ORDER_ACKNOWLEDGED]   = {o,   a,   ACC, DEC, PRO, PRO, DON, a,   PRO, o,   o,   OVE, o,   ESC, SUP, WIT},
    [ORDER_ACCEPTED]       = {o,   a,   a,   DEC, PRO, PRO, DON, a,   PRO, o,   o,   OVE, o,   ESC, SUP, WIT},
    [ORDER_DECLINED]       = {o,   a,   ACC, a,   PRO, PRO, DON, a,   PRO, o,   o,   o,   o,   o,   ISS, WIT},
    [ORDER_IN_PROGRESS]    = {o,   a,   a,   DEC, PRO, PRO, DON, a,   PRO, PRO, o,   OVE, OVE, ESC, SUP, WIT},
    [ORDER_DONE]           = {ISS, f,   f,   f,   f,   f,   f,   f,   f,   o,   o,   o,   o,   o,   ISS, o},
    [ORDER_OVERDUE]        = {o,   q,   q,   q,   q,   q,   q,   q,   q,   q,   o,   OVE, OVE, ESC, SUP, WIT},
    [ORDER_ESCALATED]      = {o,   q,   q,   q,   q,   q,   q,   q,   q,   q,   o,   OVE, OVE, o,   SUP, WIT},
    [ORDER_SUPERSEDED]     = {ISS, g,   g,   g,   g,   g,   g,   g,   g,   o,   o,   o,   o,   o,   o,   WIT},
    [ORDER_WITHDRAWN]      = {ISS, g,   g,   g,   g,   g,   g,   g,   g,   o,   o,   o,   o,   o,   o,   o},
};
/* clang-format on */

static unsigned cell_of(const struct order *order, enum order_input input)
{
    unsigned cell = moves[order->state][input];
    if (cell != CELL_REACHED)
        return cell;
    cell = moves[order->reached][input];
    assert(cell != CELL_REACHED);
    return cell;
}

enum refusal duty_order_judge(const struct order *order, enum order_input input)
{
    switch (cell_of(order, input)) {
    case CELL_ALREADY:
        return REFUSED_ALREADY;
    case CELL_FINISHED:
        return REFUSED_FINISHED;
    case CELL_GONE:
        return REFUSED_GONE;
    default:
        return ALLOWED;
    }
}

/* ---- what a new state brings with it ---- */

static void set_timer(struct work *work, const struct order *order, int64_t due_us,
                      enum order_input what)
{
    if (due_us > 0)
        sv_timers_set(&work->core->timers, due_us, order->id, (int)what);
}

static int64_t after(int64_t now_us, int64_t span_us)
{
    return span_us > 0 && span_us <= INT64_MAX - now_us ? now_us + span_us : 0;
}

/* When a quarter of the time to be done is left, at most a day; 0: it has none. */
static int64_t remind_us(const struct order *order)
{
    int64_t left_us = (order->done_by_us - order->issued_at_us) / 4;
    if (order->done_by_us == 0 || left_us <= 0)
        return 0;
    return order->done_by_us - (left_us < LD_US_DAY ? left_us : LD_US_DAY);
}

/* A new round: times count from now. A help order's own deadline is set by who asked (help.c). */
static void begin_round(struct work *work, struct order *order)
{
    const struct plan *plan = order->incident->plan;
    const struct plan_duty *duty = &plan->duties[order->duty];
    int64_t now_us = work->event->record->time_us;
    order->applies = true;
    order->late = NOT_LATE;
    order->reminded = false;
    order->issued_at_us = now_us;
    order->delivered_at_us = order->problem_by_us = 0;
    order->escalate_at_us = 0;
    order->acknowledge_by_us =
        after(now_us, plan->orders.acknowledge_within_us[duty_level(order->incident, duty)]);
    if (!order->asker) {
        order->done_by_us = after(now_us, duty->deadline_us);
        order->repeat_at_us = after(now_us, duty->repeat_us);
    }
    set_timer(work, order, order->acknowledge_by_us, ON_UNSEEN);
    set_timer(work, order, remind_us(order), TIMER_REMIND);
    set_timer(work, order, order->done_by_us, ON_UNDONE);
    set_timer(work, order, order->repeat_at_us, ON_REPEAT);
}

/* The order's own time for the input: a timer set for another means nothing any more. */
static int64_t time_for(const struct order *order, enum order_input input)
{
    switch (input) {
    case ON_UNSEEN:
        return order->acknowledge_by_us;
    case ON_UNDONE:
        return order->late == LATE_DONE ? 0 : order->done_by_us;
    case ON_UNSETTLED:
        return order->late == LATE_DONE || order->late == LATE_PROBLEM ? 0 : order->problem_by_us;
    case ON_ESCALATE:
        return order->late == NOT_LATE ? 0 : order->escalate_at_us;
    case ON_REPEAT:
        return order->repeat_at_us;
    default:
        return 0;
    }
}

static const enum order_late late_by[ORDER_INPUTS] = {
    [ON_UNSEEN] = LATE_ACKNOWLEDGE, [ON_UNDONE] = LATE_DONE, [ON_UNSETTLED] = LATE_PROBLEM};

static void become_late(struct work *work, struct order *order, enum order_input input)
{
    const struct plan_orders *orders = &order->incident->plan->orders;
    int64_t due_us = time_for(order, input);
    order->late = late_by[input];
    order->escalate_at_us = 0;
    if (orders->escalate_to && *orders->escalate_to)
        order->escalate_at_us = after(due_us, orders->escalate_after_us);
    set_timer(work, order, order->escalate_at_us, ON_ESCALATE);
}

/* One that stands already keeps its time; where the plan knows no such rule it has none. */
static void raise_problem(struct work *work, struct order *order)
{
    if (order->problem_by_us == 0 && *order->incident->plan->orders.same_day_section) {
        order->problem_by_us = ld_china_midnight(work->event->record->time_us) + LD_US_DAY;
        set_timer(work, order, order->problem_by_us, ON_UNSETTLED);
    }
}

static void be_answered(struct work *work, struct order *order, enum order_state before,
                        enum order_input input)
{
    bool problem = input == ON_HELP || input == ON_PROBLEM;
    order->reached = order->state;
    if (order->late == LATE_ACKNOWLEDGE || order->state == ORDER_DONE ||
        order->state == ORDER_DECLINED || (order->late == LATE_PROBLEM && !problem))
        order->late = NOT_LATE;
    if (problem)
        raise_problem(work, order);
    else
        order->problem_by_us = 0;
    if (before == ORDER_DECLINED) /* taken up after all: its deadline counts again */
        set_timer(work, order, order->done_by_us, ON_UNDONE);
}

static void settle(struct work *work, struct order *order, enum order_state before,
                   enum order_input input)
{
    switch (order->state) {
    case ORDER_ISSUED:
        order->reached = ORDER_ISSUED;
        begin_round(work, order);
        break;
    case ORDER_OVERDUE:
        become_late(work, order, input);
        break;
    case ORDER_ESCALATED:
        break;
    case ORDER_DELIVERED:
        order->reached = ORDER_DELIVERED;
        order->delivered_at_us = work->event->record->time_us;
        break;
    case ORDER_SUPERSEDED:
    case ORDER_WITHDRAWN:
        order->reached = order->state;
        order->late = NOT_LATE;
        order->problem_by_us = 0;
        break;
    default:
        be_answered(work, order, before, input);
        break;
    }
}

bool duty_order_move(struct work *work, struct order *order, enum order_input input,
                     const struct remark *remark)
{
    unsigned cell = cell_of(order, input);
    if (cell == CELL_NOTHING || cell >= ORDER_STATES)
        return false;
    enum order_state before = order->state;
    order->state = (enum order_state)cell;
    settle(work, order, before, input);
    duty_order_announce(work, order, before, remark);
    return true;
}

/* ---- time ---- */

/* Once, and only of what the end of its time would make overdue. An order that was withdrawn and
 * issued again within one moment has two timers. */
static void remind(struct work *work, struct order *order)
{
    if (order->reminded)
        return;
    order->reminded = true;
    if (order->late != LATE_DONE && moves[order->state][ON_UNDONE] == OVE)
        duty_order_announce(work, order, order->state, &(struct remark){.reminder = true});
}

static void order_fire(struct work *work, const struct sv_timer *timer)
{
    struct order *order = duty_order_find(work->core, timer->key);
    enum order_input input = (enum order_input)timer->what;
    if (input == TIMER_REMIND) {
        if (order && order->applies && remind_us(order) == timer->due_us)
            remind(work, order);
        return;
    }
    if (!order || !order->applies || time_for(order, input) != timer->due_us)
        return;
    bool moved = duty_order_move(work, order, input, NULL);
    if (moved && order->state == ORDER_SUPERSEDED)
        duty_order_move(work, order, ON_ISSUE, NULL);
}

void duty_orders_tick(struct work *work)
{
    enum { TIMERS_PER_EVENT_MAX = 8192 }; /* the rest with the next event */
    struct sv_timers *timers = &work->core->timers;
    struct sv_timer timer;
    for (int i = 0; i < TIMERS_PER_EVENT_MAX; i++) {
        if (!sv_timers_pop(timers, work->event->record->time_us, &timer))
            return;
        order_fire(work, &timer);
        free(timer.key);
    }
}
