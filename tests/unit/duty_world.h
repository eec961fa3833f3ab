/*
 * What the tests of duty share: the plan with a deadline and a repetition put in, responses and
 * reports as others would say them, answers, and orders as lines that hold the whole message.
 */
#ifndef TESTS_DUTY_WORLD_H
#define TESTS_DUTY_WORLD_H

#include "rerun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/report.pb-c.h"

typedef Liandong__V1__DutyOrder duty_order;
typedef Liandong__V1__Receipt receipt;

#define ACTION(name) LIANDONG__V1__DUTY_REPLY__ACTION__##name
#define LEAGUE       "3303.youth-league" /* two duties of its own, in no group */

static struct world world;
static int incidents_made;
/* Do expected lines tell of reminders? Where they are not what is tested they are passed over. */
static bool reminders_expected;

/* The plan, amended: a1.43.1 is due in 3 h, a1.43.2 comes back each day, a1.44.1 is for plague
 * only, a1.45.1 is not meant for levels above III. */
static const struct world_edit AMENDMENTS[] = {
    {"{id: a1.43.1, from: IV,", "{id: a1.43.1, from: IV, deadline: 3h,"},
    {"{id: a1.43.2, from: IV,", "{id: a1.43.2, from: IV, repeat: 1d,"},
    {"{id: a1.44.1, from: IV,", "{id: a1.44.1, from: IV, hazards: [plague],"},
    {"{id: a1.45.1, from: IV,", "{id: a1.45.1, from: IV, until: III,"},
};

static inline const struct plan *plan_now(void)
{
    return sv_plans_current(sv_host_plans(sv_sim_host(world.sim), false), "wenzhou-phe");
}

static inline int setup(void **state)
{
    (void)state;
    incidents_made = 0;
    reminders_expected = false;
    world_open(&world, &duty_class);
    const struct plan *before = plan_now();
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", AMENDMENTS,
                sizeof AMENDMENTS / sizeof *AMENDMENTS);
    assert_ptr_not_equal(plan_now(), before);
    return 0;
}

/* Whatever was tested: no unit missed what it was kept from. */
static inline int teardown(void **state)
{
    (void)state;
    rerun_spared(&world, &duty_class);
    world_close(&world);
    return 0;
}

/* ---- what comes from elsewhere ---- */

static inline const char *new_incident(void)
{
    static char id[64];
    snprintf(id, sizeof id, "3303-cholera-20260101-%d", ++incidents_made);
    return id;
}

static inline Liandong__V1__Context context_of(const char *incident, const char *author)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    context.plan = sv_borrow(plan_now()->id);
    context.plan_hash = sv_borrow(plan_now()->hash);
    context.author = sv_borrow(author);
    return context;
}

static inline size_t respond_for(const char *incident, const char *area, int from, int to,
                                 uint16_t flags)
{
    Liandong__V1__Context context = context_of(incident, "command");
    Liandong__V1__Response message = LIANDONG__V1__RESPONSE__INIT;
    char topic[256];
    message.context = &context;
    message.area = sv_borrow(area);
    message.hazard = sv_borrow("cholera");
    message.level = message.in_force = (Liandong__V1__Level)to;
    message.previous = (Liandong__V1__Level)from;
    message.state = LIANDONG__V1__RESPONSE__STATE__ADJUSTED;
    if (from == PLAN_NONE)
        message.state = LIANDONG__V1__RESPONSE__STATE__ACTIVE;
    if (to == PLAN_NONE)
        message.state = LIANDONG__V1__RESPONSE__STATE__TERMINATED;
    snprintf(topic, sizeof topic, "response/%s/%s", area, incident);
    return world_publish(&world, "command", topic, &message.base, flags);
}

/* The city's response goes from one level to another. */
static inline size_t respond(const char *incident, int from, int to)
{
    return respond_for(incident, "3303", from, to, 0);
}

/* A report with one sign stated or lifted joins the incident; action CLOSED: it is closed. */
static inline size_t report(const char *incident, int action, const char *sign, bool lifted)
{
    Liandong__V1__Context context = context_of(incident, "reporting");
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    Liandong__V1__Report told = LIANDONG__V1__REPORT__INIT;
    char *signs[] = {sv_borrow(sign)}, topic[256];
    told.area = sv_borrow("330302");
    if (lifted)
        told.signs_lifted = signs, told.n_signs_lifted = 1;
    else if (sign)
        told.signs = signs, told.n_signs = 1;
    message.context = &context;
    message.action = (Liandong__V1__Incident__Action)action;
    message.area = sv_borrow("3303");
    message.hazard = sv_borrow("cholera");
    message.report = &told;
    snprintf(topic, sizeof topic, "incident/3303/%s", incident);
    return world_publish(&world, "reporting", topic, &message.base, 0);
}

struct answer {
    const char *incident, *duty, *unit; /* unit: 3303.… */
    int action;
    const char *reason, *help_from, *signed_by, *order;
    uint16_t flags;
};

static inline size_t reply(struct answer answer)
{
    const char *author = answer.signed_by ? answer.signed_by : answer.unit;
    Liandong__V1__Context context = context_of(answer.incident, author);
    Liandong__V1__DutyReply message = LIANDONG__V1__DUTY_REPLY__INIT;
    char topic[512], order[256];
    snprintf(order, sizeof order, "%s/%s", answer.incident, answer.duty);
    snprintf(topic, sizeof topic, "reply/3303/%s/%s", strchr(answer.unit, '.') + 1, order);
    message.context = &context;
    message.order = sv_borrow(answer.order ? answer.order : order);
    message.action = (Liandong__V1__DutyReply__Action)answer.action;
    message.reason = sv_borrow(answer.reason);
    message.help_from = sv_borrow(answer.help_from);
    return world_publish(&world, answer.unit, topic, &message.base, answer.flags);
}

/* The league's answer, with a reason where one is needed. */
static inline struct answer answer(const char *incident, const char *duty, int action)
{
    struct answer answer = {incident, duty, LEAGUE, action, .order = NULL};
    if (action == ACTION(DECLINE) || action == ACTION(ASK_HELP) || action == ACTION(PROBLEM))
        answer.reason = "why";
    if (action == ACTION(ASK_HELP))
        answer.help_from = "3303.red-cross";
    return answer;
}

#define LATE(duty, what) LEAGUE " " duty ": " what

static inline const receipt *receipt_after(size_t index)
{
    const receipt *found = (const void *)world_after(&world, index, SV_RECEIPT, 0);
    assert_non_null(found);
    assert_int_equal(world_count_after(&world, index, SV_RECEIPT), 1);
    return found;
}

static inline void time_passes(int minutes)
{
    sv_sim_advance(world.sim, sv_sim_now(world.sim) + minutes * LD_US_MINUTE);
}

/* ---- orders as lines ---- */

static inline const char *state_name(int state)
{
    static const char *const names[] = {"none",     "ISSUED",    "DELIVERED",   "ACKNOWLEDGED",
                                        "ACCEPTED", "DECLINED",  "IN_PROGRESS", "DONE",
                                        "OVERDUE",  "ESCALATED", "SUPERSEDED",  "WITHDRAWN"};
    assert_true(state >= 0 && state < (int)(sizeof names / sizeof *names));
    return names[state];
}

/* Minutes from one time to another as text; "-" if there is no such time. */
static inline const char *minutes(char text[16], int64_t from_us, int64_t to_us)
{
    snprintf(text, 16, to_us ? "%+lld" : "-", (long long)((to_us - from_us) / LD_US_MINUTE));
    return text;
}

/* The whole message but for incident, text and section, which are the plan's: see expect_duty. */
static inline void line_of_order(char *line, size_t size, const duty_order *order)
{
    char seen[16], done[16], there[16], settle[16];
    snprintf(
        line, size, "%s %s: %s%s < %s, level %s, seen %s done %s%s%s%s%s%s%s%s%s%s%s%s%s; %s",
        order->unit, order->duty, order->reminder ? "still " : "", state_name((int)order->state),
        state_name((int)order->before), plan_level_name((int)order->level),
        minutes(seen, order->issued_at_us, order->acknowledge_by_us),
        minutes(done, order->issued_at_us, order->done_by_us),
        order->delivered_at_us ? ", there " : "",
        order->delivered_at_us ? minutes(there, order->issued_at_us, order->delivered_at_us) : "",
        order->problem_by_us ? ", settle " : "",
        order->problem_by_us ? minutes(settle, order->issued_at_us, order->problem_by_us) : "",
        *order->late_for ? ", late " : "", order->late_for, *order->escalated_to ? ", to " : "",
        order->escalated_to, *order->help_from ? ", help " : "", order->help_from,
        *order->reason ? ", " : "", order->reason, order->supervisor);
}

/* What the message takes from the plan, and its number. */
static inline void expect_of_plan(const duty_order *order)
{
    const struct plan *plan = plan_now();
    size_t i = 0;
    while (strcmp(plan->duties[i].id, order->duty) != 0)
        assert_true(++i < plan->duty_count);
    const struct plan_duty *duty = &plan->duties[i];
    char number[256];
    snprintf(number, sizeof number, "%s/%s", order->context->incident, duty->id);
    assert_int_equal(strncmp(order->order, number, strlen(number)), 0);
    assert_string_equal(order->section, duty->section);
    assert_string_equal(order->text->zh, duty->text.zh);
    assert_string_equal(order->text->en, duty->text.en);
    assert_string_equal(order->group, duty->group < 0 ? "" : plan->groups[duty->group].id);
    assert_string_equal(order->unit_name->en, plan_unit_name(plan, order->unit).en);
    assert_string_equal(order->context->plan_hash, plan->hash);
    assert_string_equal(order->context->author, "duty");
}

/* The duty events of a unit (NULL: any) after index are these lines, no more and no less. */
static inline void expect_orders(size_t index, const char *unit, const char *const *expected)
{
    const duty_order *order;
    size_t found = 0;
    for (size_t i = 0; (order = (const void *)world_after(&world, index, SV_DUTY, i)); i++) {
        char line[1024];
        if ((unit && strcmp(order->unit, unit) != 0) || (order->reminder && !reminders_expected))
            continue;
        line_of_order(line, sizeof line, order);
        expect_of_plan(order);
        if (!expected[found])
            fail_msg("not expected: %s", line);
        assert_string_equal(line, expected[found++]);
    }
    if (expected[found])
        fail_msg("did not come: %s", expected[found]);
}
#define EXPECT(index, unit, ...)                                                                   \
    expect_orders(index, unit, (const char *const[]){__VA_ARGS__, NULL})

#endif
