/*
 * duty: random responses, levels, signs, counties, answers and time, for all units of the plan at
 * once, beside a second model that is slow and plain (slow_duty.c). After each event both must have
 * said the same, and answered the same. LIANDONG_SEED=n runs one seed alone.
 */
#include "slow_duty.h"

#include <stdio.h>
#include <stdlib.h>

enum { STEPS = 300, SEEDS = 4, SEEDS_FULL = 60, INCIDENTS = 2 };

static struct slow slow;
static uint64_t seed, dice;

/* xorshift64* */
static size_t below(size_t bound)
{
    dice ^= dice >> 12;
    dice ^= dice << 25;
    dice ^= dice >> 27;
    return (size_t)((dice * 2685821657736338717ULL) >> 33) % bound;
}

static bool chance(size_t percent)
{
    return below(100) < percent;
}

/* ---- comparing ---- */

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The lines of what duty said after index, sorted: units speak in no order that counts. */
static void compare(size_t index)
{
    static char *found[SLOW_ORDERS_MAX];
    const duty_order *order;
    size_t count = 0;
    for (size_t i = index; i < world.count; i++) {
        char line[2048];
        if (world.all[i].family != SV_DUTY)
            continue;
        order = (const void *)world.all[i].message;
        slow_line(line, sizeof line, order);
        assert_true(count < SLOW_ORDERS_MAX);
        found[count++] = strdup(line);
    }
    qsort(found, count, sizeof *found, by_text);
    qsort(slow.lines, slow.line_count, sizeof *slow.lines, by_text);
    for (size_t i = 0; i < count || i < slow.line_count; i++) {
        const char *one = i < count ? found[i] : "nothing";
        const char *other = i < slow.line_count ? slow.lines[i] : "nothing";
        if (strcmp(one, other) != 0)
            fail_msg(
                "LIANDONG_SEED=%llu, %zu events and %zu lines: duty said\n  %s\nexpected\n  %s",
                (unsigned long long)seed, count, slow.line_count, one, other);
    }
    for (size_t i = 0; i < count; i++)
        free(found[i]);
}

/* ---- what happens ---- */

static char incidents[INCIDENTS][64];
static int levels[INCIDENTS][2]; /* in force: the city's, the county's */
static int incidents_opened;

static void open_incident(size_t which)
{
    snprintf(incidents[which], sizeof incidents[which], "3303-cholera-20260101-%d",
             ++incidents_opened);
    levels[which][0] = levels[which][1] = PLAN_NONE;
}

static int64_t now_us(void)
{
    return sv_sim_now(world.sim);
}

static void pass(size_t minutes)
{
    for (size_t i = 0; i < minutes; i++) {
        size_t index = world.count;
        sv_sim_advance(world.sim, now_us() + LD_US_MINUTE);
        slow_begin(&slow, now_us());
        compare(index);
    }
}

static void change_response(size_t which)
{
    bool county = chance(25);
    int *in_force = &levels[which][county], to = (int)below(5);
    if (to == *in_force)
        return;
    slow_begin(&slow, now_us());
    slow_response(&slow, incidents[which], county, to);
    compare(respond_for(incidents[which], county ? "330302" : "3303", *in_force, to, 0));
    *in_force = to;
}

static void change_sign(size_t which)
{
    static const char *const SIGNS[] = {"at-sea", "livestock-involved", "food-related"};
    const char *sign = SIGNS[below(3)];
    bool lifted = chance(50);
    slow_begin(&slow, now_us());
    slow_sign(&slow, incidents[which], sign, !lifted);
    compare(report(incidents[which], LIANDONG__V1__INCIDENT__ACTION__JOINED, sign, lifted));
}

static void reach_county(size_t which)
{
    static const char *const COUNTIES[] = {"330302", "330303", "330326"};
    char *county = sv_borrow(COUNTIES[below(3)]), topic[128];
    Liandong__V1__Context context = context_of(incidents[which], "reporting");
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    message.context = &context;
    message.action = LIANDONG__V1__INCIDENT__ACTION__JOINED;
    message.area = sv_borrow("3303");
    message.hazard = sv_borrow("cholera");
    message.counties = &county;
    message.n_counties = 1;
    snprintf(topic, sizeof topic, "incident/3303/%s", incidents[which]);
    slow_begin(&slow, now_us());
    slow_affected(&slow, incidents[which], county);
    compare(world_publish(&world, "reporting", topic, &message.base, 0));
}

static void close_incident(size_t which)
{
    slow_begin(&slow, now_us());
    slow_closed(&slow, incidents[which]);
    compare(report(incidents[which], LIANDONG__V1__INCIDENT__ACTION__CLOSED, NULL, false));
    open_incident(which);
}

/* Mostly one of the league's orders or of those who help it: few, so that each comes far. */
static const struct slow_order *any_order(void)
{
    bool few = chance(85);
    for (size_t tries = 0; tries < 20000; tries++) {
        const struct slow_order *order = &slow.orders[below(slow.order_count)];
        const char *unit = slow.plan->units[slow.plan->members[order->member].unit].id;
        bool open = !order->in->closed && (order->applies || chance(5));
        if (open && strncmp(unit, "3303.", 5) == 0 &&
            (!few || order->asker >= 0 || strcmp(unit, LEAGUE) == 0))
            return order;
    }
    return NULL;
}

static void answer_one(void)
{
    static const char *const HELPERS[] = {LEAGUE, "3303.red-cross", "3303.health"};
    const struct slow_order *order = slow.order_count > 0 ? any_order() : NULL;
    if (!order)
        return;
    const char *unit = slow.plan->units[slow.plan->members[order->member].unit].id;
    struct answer one = {order->in->id, strchr(order->id, '/') + 1, unit, (int)(1 + below(8)),
                         .order = NULL};
    if (one.action == ACTION(DECLINE) || one.action == ACTION(ASK_HELP) ||
        one.action == ACTION(PROBLEM))
        one.reason = "why";
    if (one.action == ACTION(ASK_HELP))
        one.help_from = HELPERS[below(3)];
    slow_begin(&slow, now_us());
    const char *expected = slow_answer(&slow, &one);
    size_t index = reply(one);
    assert_string_equal(receipt_after(index)->code, expected);
    compare(index);
}

static void step(void)
{
    size_t which = below(INCIDENTS), what = below(100);
    if (what < 4)
        change_response(which);
    else if (what < 6)
        change_sign(which);
    else if (what < 7)
        reach_county(which);
    else if (what < 8 && chance(40))
        close_incident(which);
    else if (what < 75)
        answer_one();
    else
        pass(1 + below(chance(10) ? 1500 : 60));
}

static void play(void)
{
    dice = seed * 0x9e3779b97f4a7c15ULL + 1;
    memset(&slow, 0, sizeof slow);
    slow.plan = plan_now();
    incidents_opened = 0;
    for (size_t i = 0; i < INCIDENTS; i++)
        open_incident(i);
    for (int i = 0; i < STEPS; i++)
        step();
    slow_free(&slow);
}

static void duty_and_the_slow_model_agree(void **state)
{
    const char *given = getenv("LIANDONG_SEED"), *tests = getenv("LIANDONG_TESTS");
    size_t seeds = given ? 1 : tests && strcmp(tests, "full") == 0 ? SEEDS_FULL : SEEDS;
    seed = given ? strtoull(given, NULL, 10) : 1;
    for (size_t i = 0; i < seeds; i++, seed++) {
        setup(state);
        play();
        if (i == 0)
            world_survives_snapshots(&world, &duty_class);
        teardown(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(duty_and_the_slow_model_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
