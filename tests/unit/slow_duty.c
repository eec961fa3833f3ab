#include "slow_duty.h"

#define IS(name)   LIANDONG__V1__DUTY_ORDER__STATE__##name
#define OWN_COUNTY "330302"

/* ---- saying ---- */

void slow_line(char *line, size_t size, const duty_order *order)
{
    char rest[1024];
    duty_order copy = *order;
    if (strcmp(order->reason, "why") != 0) /* what duty itself explains is not compared */
        copy.reason = sv_borrow("");
    line_of_order(rest, sizeof rest, &copy);
    snprintf(line, size, "%s %s%s", order->order, order->reminder ? "reminder " : "", rest);
}

static int level_of(const struct slow *slow, const struct slow_order *order)
{
    const char *unit = slow->plan->units[slow->plan->members[order->member].unit].id;
    bool in_county = strncmp(unit, OWN_COUNTY ".", strlen(OWN_COUNTY ".")) == 0;
    int city = order->in->city_level, county = in_county ? order->in->county_level : PLAN_NONE;
    if (city == PLAN_NONE)
        return county;
    return county != PLAN_NONE && county < city ? county : city;
}

static const char *supervisor(const struct slow *slow, int level)
{
    const struct plan_orders *orders = &slow->plan->orders;
    bool group = orders->supervisor_group >= 0 && level != PLAN_NONE &&
                 level <= (int)orders->supervisor_from;
    return group ? slow->plan->groups[orders->supervisor_group].id : orders->supervisor_else;
}

static void say(struct slow *slow, const struct slow_order *order, int before, const char *reason,
                int helper, bool reminder)
{
    const struct plan *plan = slow->plan;
    char line[2048];
    duty_order message = LIANDONG__V1__DUTY_ORDER__INIT;
    message.order = sv_borrow(order->id);
    message.unit = sv_borrow(plan->units[plan->members[order->member].unit].id);
    message.duty = sv_borrow(plan->duties[order->duty].id);
    message.state = (Liandong__V1__DutyOrder__State)order->shown;
    message.before = (Liandong__V1__DutyOrder__State)before;
    message.level = (Liandong__V1__Level)level_of(slow, order);
    message.issued_at_us = order->issued_us;
    message.acknowledge_by_us = order->acknowledge_by_us;
    message.done_by_us = order->done_by_us;
    message.delivered_at_us = order->delivered_us;
    message.problem_by_us = order->problem_by_us;
    message.late_for = sv_borrow(order->late);
    message.escalated_to =
        sv_borrow(order->shown == IS(ESCALATED) ? plan->orders.escalate_to : NULL);
    message.help_from = sv_borrow(helper < 0 ? NULL : plan->units[plan->members[helper].unit].id);
    message.reason = sv_borrow(reason);
    message.supervisor = sv_borrow(supervisor(slow, (int)message.level));
    message.reminder = reminder;
    slow_line(line, sizeof line, &message);
    assert_true(slow->line_count < SLOW_ORDERS_MAX);
    slow->lines[slow->line_count++] = strdup(line);
    if (reminder)
        return;
    struct slow_said *said = &slow->said[slow->said_count++ % SLOW_ORDERS_MAX];
    *said = (struct slow_said){order->member, order->duty, order->in, order->shown, helper, ""};
    snprintf(said->id, sizeof said->id, "%s", order->id);
}

/* ---- what becomes of one order ---- */

static bool is_closed(const struct slow_order *order)
{
    return order->shown == IS(DONE) || order->shown == IS(WITHDRAWN) ||
           order->shown == IS(DECLINED);
}

static void issue(struct slow *slow, struct slow_order *order, const char *reason)
{
    const struct plan_duty *duty = &slow->plan->duties[order->duty];
    int before = order->shown, level = level_of(slow, order);
    int64_t within_us = slow->plan->orders.acknowledge_within_us[level];
    order->applies = true;
    order->shown = order->said = IS(ISSUED);
    order->late = "";
    order->gone_up = order->reminded = false;
    order->issued_us = slow->now_us;
    order->delivered_us = order->problem_by_us = order->up_us = 0;
    order->acknowledge_by_us = within_us > 0 ? slow->now_us + within_us : 0;
    if (order->asker < 0) {
        order->done_by_us = duty->deadline_us > 0 ? slow->now_us + duty->deadline_us : 0;
        order->again_us = duty->repeat_us > 0 ? slow->now_us + duty->repeat_us : 0;
    }
    say(slow, order, before, reason, -1, false);
}

static void withdraw(struct slow *slow, struct slow_order *order)
{
    int before = order->shown;
    order->applies = false;
    if (before == IS(DONE) || before == IS(WITHDRAWN))
        return;
    order->shown = order->said = IS(WITHDRAWN);
    order->late = "";
    order->problem_by_us = 0;
    say(slow, order, before, NULL, -1, false);
}

static struct slow_order *find(struct slow *slow, const char *id, size_t member)
{
    for (size_t i = 0; i < slow->order_count; i++) {
        struct slow_order *order = &slow->orders[i];
        if (order->member == member && !order->in->closed && strcmp(order->id, id) == 0)
            return order;
    }
    return NULL;
}

static struct slow_order *new_order(struct slow *slow, struct slow_incident *in, const char *id,
                                    size_t member, size_t duty, int asker)
{
    assert_true(slow->order_count < SLOW_ORDERS_MAX);
    struct slow_order *order = &slow->orders[slow->order_count++];
    *order = (struct slow_order){
        .in = in, .member = member, .duty = duty, .asker = asker, .late = "", .id = ""};
    snprintf(order->id, sizeof order->id, "%s", id);
    return order;
}

/* ---- which duties a unit has ---- */

static bool listed(const size_t *list, size_t count, size_t wanted)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == wanted)
            return true;
    return false;
}

static bool asks(const struct slow *slow, const struct slow_incident *in, size_t member,
                 size_t index)
{
    const struct plan_duty *duty = &slow->plan->duties[index];
    struct slow_order probe = {.member = member};
    probe.in = (struct slow_incident *)(uintptr_t)in;
    int level = level_of(slow, &probe);
    size_t cholera = (size_t)plan_find_hazard(slow->plan, "cholera");
    if (level == PLAN_NONE || level > (int)duty->from || level < (int)duty->until)
        return false;
    if (duty->group >= 0 && level > (int)slow->plan->groups[duty->group].from)
        return false;
    if (duty->areas == PLAN_AREAS_AFFECTED && !in->affected[member])
        return false;
    if (duty->areas == PLAN_AREAS_UNAFFECTED && in->affected[member])
        return false;
    if (duty->hazard_count > 0 && !listed(duty->hazards, duty->hazard_count, cholera))
        return false;
    for (size_t i = 0; i < duty->sign_count; i++)
        if (!listed(in->signs, in->sign_count, duty->signs[i]))
            return false;
    return true;
}

static void follow_unit(struct slow *slow, struct slow_incident *in, size_t member)
{
    const struct plan_member *unit = &slow->plan->members[member];
    for (size_t i = 0; i < unit->duty_count; i++) {
        char id[160];
        size_t duty = unit->duties[i];
        snprintf(id, sizeof id, "%s/%s", in->id, slow->plan->duties[duty].id);
        struct slow_order *order = find(slow, id, member);
        bool wanted = asks(slow, in, member, duty);
        if (wanted && !order)
            order = new_order(slow, in, id, member, duty, -1);
        if (wanted && !order->applies)
            issue(slow, order, NULL);
        if (!wanted && order && order->applies)
            withdraw(slow, order);
    }
}

static void follow(struct slow *slow, struct slow_incident *in)
{
    for (size_t member = 0; member < slow->plan->member_count; member++)
        follow_unit(slow, in, member);
}

/* ---- help ---- */

static void help_asked(struct slow *slow, const struct slow_said *said)
{
    char id[256];
    const struct plan *plan = slow->plan;
    size_t helper = (size_t)said->helper;
    snprintf(id, sizeof id, "%s-for-%s", said->id,
             plan->units[plan->members[said->member].unit].id);
    struct slow_order *order = find(slow, id, helper), *asked = find(slow, said->id, said->member);
    if (order && order->applies && !is_closed(order))
        return; /* at it already */
    if (!order)
        order = new_order(slow, said->in, id, helper, said->duty, (int)said->member);
    order->done_by_us = asked && asked->done_by_us > slow->now_us ? asked->done_by_us : 0;
    issue(slow, order, "why");
}

/* The helper has taken it up: what stood as a problem is answered. */
static void help_given(struct slow *slow, const struct slow_said *said)
{
    const char *ending = strstr(said->id, "-for-");
    if (!ending)
        return;
    char id[160];
    snprintf(id, sizeof id, "%.*s", (int)(ending - said->id), said->id);
    struct slow_order *order =
        find(slow, id, (size_t)plan_find_member(slow->plan, ending + strlen("-for-")));
    if (!order || !order->applies || order->problem_by_us == 0)
        return;
    int before = order->shown;
    order->shown = order->said = IS(IN_PROGRESS);
    order->problem_by_us = 0;
    if (strcmp(order->late, "done") != 0)
        order->late = "";
    say(slow, order, before, NULL, -1, false);
}

/* Done, withdrawn, or begun anew: those who help with it are done with it, too. */
static void help_over(struct slow *slow, const struct slow_said *said)
{
    char start[256];
    snprintf(start, sizeof start, "%s-for-%s", said->id,
             slow->plan->units[slow->plan->members[said->member].unit].id);
    for (size_t i = 0; i < slow->order_count; i++) {
        struct slow_order *order = &slow->orders[i];
        if (!order->in->closed && order->applies && strcmp(order->id, start) == 0)
            withdraw(slow, order);
    }
}

static void spread(struct slow *slow)
{
    for (; slow->said_done < slow->said_count; slow->said_done++) {
        struct slow_said said = slow->said[slow->said_done % SLOW_ORDERS_MAX];
        if (said.helper >= 0)
            help_asked(slow, &said);
        if (said.state == IS(ACCEPTED) || said.state == IS(IN_PROGRESS) || said.state == IS(DONE))
            help_given(slow, &said);
        if (said.state == IS(DONE) || said.state == IS(WITHDRAWN) || said.state == IS(SUPERSEDED) ||
            said.state == IS(ISSUED))
            help_over(slow, &said);
    }
}

/* ---- time ---- */

static void late(struct slow *slow, struct slow_order *order, const char *what, int64_t due_us)
{
    int before = order->shown;
    order->late = what;
    order->shown = IS(OVERDUE);
    order->gone_up = false;
    order->up_us = due_us + slow->plan->orders.escalate_after_us;
    say(slow, order, before, NULL, -1, false);
}

static bool due(const struct slow *slow, int64_t time_us)
{
    return time_us > 0 && time_us <= slow->now_us;
}

static bool unseen(const struct slow_order *order)
{
    return order->said == IS(ISSUED) || order->said == IS(DELIVERED);
}

static void begin_anew(struct slow *slow, struct slow_order *order)
{
    if (!is_closed(order)) {
        int before = order->shown;
        order->shown = IS(SUPERSEDED);
        order->late = "";
        order->problem_by_us = 0;
        say(slow, order, before, NULL, -1, false);
    }
    issue(slow, order, NULL);
}

static void remind(struct slow *slow, struct slow_order *order)
{
    int64_t left_us = (order->done_by_us - order->issued_us) / 4;
    if (order->done_by_us == 0 || order->reminded || left_us <= 0 ||
        !due(slow, order->done_by_us - (left_us < LD_US_DAY ? left_us : LD_US_DAY)))
        return;
    order->reminded = true;
    if (!is_closed(order) && strcmp(order->late, "done") != 0)
        say(slow, order, order->shown, NULL, -1, true);
}

static void look_at(struct slow *slow, struct slow_order *order)
{
    if (!order->applies)
        return;
    if (due(slow, order->again_us)) {
        begin_anew(slow, order);
        return;
    }
    remind(slow, order);
    if (is_closed(order))
        return;
    if (unseen(order) && order->late[0] == '\0' && due(slow, order->acknowledge_by_us))
        late(slow, order, "acknowledge", order->acknowledge_by_us);
    if (strcmp(order->late, "problem") != 0 && strcmp(order->late, "done") != 0 &&
        due(slow, order->problem_by_us))
        late(slow, order, "problem", order->problem_by_us);
    if (strcmp(order->late, "done") != 0 && due(slow, order->done_by_us))
        late(slow, order, "done", order->done_by_us);
    if (order->late[0] != '\0' && !order->gone_up && due(slow, order->up_us)) {
        int before = order->shown;
        order->gone_up = true;
        order->shown = IS(ESCALATED);
        say(slow, order, before, NULL, -1, false);
    }
}

void slow_begin(struct slow *slow, int64_t now_us)
{
    for (size_t i = 0; i < slow->line_count; i++)
        free(slow->lines[i]);
    slow->line_count = 0;
    slow->now_us = now_us;
    for (size_t i = 0; i < slow->order_count; i++)
        if (!slow->orders[i].in->closed)
            look_at(slow, &slow->orders[i]);
    spread(slow);
}

void slow_free(struct slow *slow)
{
    slow->order_count = 0;
    slow_begin(slow, 0);
}

/* ---- what happens ---- */

struct slow_incident *slow_incident(struct slow *slow, const char *id)
{
    for (size_t i = 0; i < slow->incident_count; i++)
        if (strcmp(slow->incidents[i].id, id) == 0)
            return &slow->incidents[i];
    assert_true(slow->incident_count < SLOW_INCIDENTS_MAX);
    struct slow_incident *in = &slow->incidents[slow->incident_count++];
    *in = (struct slow_incident){.id = ""};
    snprintf(in->id, sizeof in->id, "%s", id);
    return in;
}

void slow_response(struct slow *slow, const char *incident, bool county, int level)
{
    struct slow_incident *in = slow_incident(slow, incident);
    *(county ? &in->county_level : &in->city_level) = level;
    follow(slow, in);
    spread(slow);
}

void slow_sign(struct slow *slow, const char *incident, const char *name, bool stands)
{
    struct slow_incident *in = slow_incident(slow, incident);
    size_t sign = (size_t)plan_find_sign(slow->plan, name), at = 0;
    while (at < in->sign_count && in->signs[at] != sign)
        at++;
    if (stands && at == in->sign_count)
        in->signs[in->sign_count++] = sign;
    else if (!stands && at < in->sign_count)
        in->signs[at] = in->signs[--in->sign_count];
    follow(slow, in);
    spread(slow);
}

void slow_affected(struct slow *slow, const char *incident, const char *county)
{
    struct slow_incident *in = slow_incident(slow, incident);
    for (size_t i = 0; i < slow->plan->member_count; i++) {
        const char *unit = slow->plan->units[slow->plan->members[i].unit].id;
        if (strncmp(unit, county, strlen(county)) == 0 && unit[strlen(county)] == '.')
            in->affected[i] = true;
    }
    follow(slow, in);
    spread(slow);
}

void slow_closed(struct slow *slow, const char *incident)
{
    struct slow_incident *in = slow_incident(slow, incident);
    for (size_t i = 0; i < slow->order_count; i++)
        if (slow->orders[i].in == in && slow->orders[i].applies)
            withdraw(slow, &slow->orders[i]);
    in->closed = true;
    slow->said_done = slow->said_count; /* nobody knows of it any more */
}

/* ---- answers ---- */

static const char *judge(const struct slow_order *order, int action)
{
    bool declined = order->said == IS(DECLINED);
    if (order->said == IS(WITHDRAWN))
        return "withdrawn";
    if (order->said == IS(DONE))
        return "finished";
    if ((action == ACTION(DELIVERED) && order->said != IS(ISSUED)) ||
        (action == ACTION(ACKNOWLEDGE) && !unseen(order)) ||
        (action == ACTION(ACCEPT) && !unseen(order) && !declined &&
         order->said != IS(ACKNOWLEDGED)) ||
        (action == ACTION(DECLINE) && declined))
        return "already-done";
    return "accepted";
}

static void take(struct slow *slow, struct slow_order *order, int action, int helper)
{
    static const int BECOMES[] = {
        0,        IS(ACKNOWLEDGED), IS(ACCEPTED),  IS(DECLINED),   IS(IN_PROGRESS),
        IS(DONE), IS(IN_PROGRESS),  IS(DELIVERED), IS(IN_PROGRESS)};
    bool problem = action == ACTION(ASK_HELP) || action == ACTION(PROBLEM);
    int before = order->shown;
    order->shown = order->said = BECOMES[action];
    if (action == ACTION(DELIVERED)) {
        order->delivered_us = slow->now_us; /* said by a program: nobody has seen it */
        say(slow, order, before, NULL, -1, false);
        return;
    }
    bool stays_late =
        strcmp(order->late, "done") == 0 || (strcmp(order->late, "problem") == 0 && problem);
    if (!stays_late || is_closed(order))
        order->late = "";
    if (!problem)
        order->problem_by_us = 0;
    else if (order->problem_by_us == 0)
        order->problem_by_us = ld_china_midnight(slow->now_us) + LD_US_DAY;
    say(slow, order, before, problem || action == ACTION(DECLINE) ? "why" : NULL, helper, false);
}

const char *slow_answer(struct slow *slow, const struct answer *answer)
{
    char id[160];
    int member = plan_find_member(slow->plan, answer->unit), helper = -1;
    snprintf(id, sizeof id, "%s/%s", answer->incident, answer->duty);
    struct slow_order *order = find(slow, id, (size_t)member);
    if (!order)
        return "unknown-order";
    if (answer->action == ACTION(ASK_HELP)) {
        helper = plan_find_member(slow->plan, answer->help_from);
        if (order->asker >= 0)
            return "help-on-help";
        if (helper == member)
            return "help-from-self";
    }
    const char *code = judge(order, answer->action);
    if (strcmp(code, "accepted") == 0) {
        take(slow, order, answer->action, helper);
        spread(slow);
        look_at(slow, order); /* taken up after its time was up */
        spread(slow);
    }
    return code;
}
