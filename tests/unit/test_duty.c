/*
 * duty: which orders a response brings to whom; what stays, comes and goes when it moves; signs;
 * help from one unit to another; drills; and that one process for all units, one process for each,
 * and a core that is saved and loaded at every event all say the same.
 */
#include "duty_world.h"

/* ---- issuing, against a reading of the plan of our own ---- */

static bool wanted(const struct plan *plan, size_t index, int level)
{
    const struct plan_duty *duty = &plan->duties[index];
    int cholera = plan_find_hazard(plan, "cholera");
    bool hazard = duty->hazard_count == 0;
    for (size_t i = 0; i < duty->hazard_count; i++)
        hazard = hazard || (int)duty->hazards[i] == cholera;
    return hazard && duty->sign_count == 0 && level != PLAN_NONE && level <= (int)duty->from &&
           level >= (int)duty->until;
}

/* Each member's orders that begin or end between two levels, in the plan's order; then nothing. */
static void expect_move(size_t index, int from, int to)
{
    const struct plan *plan = plan_now();
    size_t at = 0;
    for (size_t m = 0; m < plan->member_count; m++) {
        const struct plan_member *member = &plan->members[m];
        for (size_t i = 0; i < member->duty_count; i++) {
            bool before = wanted(plan, member->duties[i], from);
            bool after = wanted(plan, member->duties[i], to);
            if (before == after)
                continue;
            const duty_order *order = (const void *)world_after(&world, index, SV_DUTY, at++);
            assert_non_null(order);
            assert_string_equal(order->unit, plan->units[member->unit].id);
            assert_string_equal(order->duty, plan->duties[member->duties[i]].id);
            assert_string_equal(state_name((int)order->state), after ? "ISSUED" : "WITHDRAWN");
            assert_int_equal(order->level, to);
            expect_of_plan(order);
        }
    }
    assert_int_equal(world_count_after(&world, index, SV_DUTY), at);
}

static void test_levels(void **state)
{
    (void)state;
    static const int levels[] = {PLAN_NONE, PLAN_IV, PLAN_II,   PLAN_III, PLAN_I,
                                 PLAN_IV,   PLAN_I,  PLAN_NONE, PLAN_II,  PLAN_NONE};
    const char *incident = new_incident();
    for (size_t i = 1; i < sizeof levels / sizeof *levels; i++) {
        expect_move(respond(incident, levels[i - 1], levels[i]), levels[i - 1], levels[i]);
        time_passes(1);
    }
}

/* Every named unit of annex 1 has at least one order at level II. */
static void test_everyone_has_orders(void **state)
{
    (void)state;
    const struct plan *plan = plan_now();
    size_t index = respond(new_incident(), PLAN_NONE, PLAN_II), units = 0;
    for (size_t m = 0; m < plan->member_count; m++) {
        const char *unit = plan->units[plan->members[m].unit].id;
        size_t orders = 0;
        const duty_order *order;
        for (size_t i = 0; (order = (const void *)world_after(&world, index, SV_DUTY, i)); i++)
            orders += strcmp(order->unit, unit) == 0;
        if (plan->members[m].named && orders == 0)
            fail_msg("%s has no order", unit);
        units += plan->members[m].named;
    }
    assert_int_equal(units, 65);
}

#define ISSUED    LIANDONG__V1__DUTY_ORDER__STATE__ISSUED
#define WITHDRAWN LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN

static size_t count_state(size_t index, const char *unit, int wanted_state)
{
    size_t count = 0;
    const duty_order *order;
    for (size_t i = 0; (order = (const void *)world_after(&world, index, SV_DUTY, i)); i++)
        count += strcmp(order->unit, unit) == 0 && (int)order->state == wanted_state;
    return count;
}

/* ---- counties ---- */

#define COUNTY "330302.gov"
#define OTHER  "330303.gov"

/* Duties of two kinds for every county, and one for all. */
static const struct world_edit COUNTY_ROWS[] = {
    {"orders:\n  section: \"4.4.1(4)\"",
     "  - section: \"6.3.5\"\n"
     "    from: III\n"
     "    units: [\"{county}.gov\"]\n"
     "    areas: unaffected\n"
     "    duties:\n"
     "      - {id: c.1, text: {zh: 备战, en: Prepare}}\n"
     "      - {id: c.2, areas: affected, text: {zh: 出动, en: Deploy}}\n"
     "\n"
     "orders:\n  section: \"4.4.1(4)\""},
    /* the plan's own, out of the way */
    {"- section: \"6.3.5\"\n    from: IV", "- section: \"6.3.5\"\n    from: I"}};

static void adopt_county_rows(void)
{
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", COUNTY_ROWS, 2);
}

static const char *state_of(size_t index, const char *unit, const char *duty)
{
    const duty_order *order;
    const char *found = "";
    for (size_t i = 0; (order = (const void *)world_after(&world, index, SV_DUTY, i)); i++)
        if (strcmp(order->unit, unit) == 0 && strcmp(order->duty, duty) == 0)
            found = state_name((int)order->state);
    return found;
}

static size_t reach_county(const char *incident, const char *county)
{
    Liandong__V1__Context context = context_of(incident, "reporting");
    Liandong__V1__Incident message = LIANDONG__V1__INCIDENT__INIT;
    char topic[256], *counties[] = {sv_borrow(county)};
    message.context = &context;
    message.action = LIANDONG__V1__INCIDENT__ACTION__JOINED;
    message.area = sv_borrow("3303");
    message.hazard = sv_borrow("cholera");
    message.counties = counties;
    message.n_counties = 1;
    snprintf(topic, sizeof topic, "incident/3303/%s", incident);
    return world_publish(&world, "reporting", topic, &message.base, 0);
}

/* Unaffected counties prepare; one that becomes affected stops preparing and acts. */
static void test_county_becomes_affected(void **state)
{
    (void)state;
    adopt_county_rows();
    const char *incident = new_incident();
    size_t index = reach_county(incident, "330302");
    assert_int_equal(world.count, index + 1); /* nothing in force yet */
    index = respond(incident, PLAN_NONE, PLAN_III);
    assert_string_equal(state_of(index, COUNTY, "c.1"), "");
    assert_string_equal(state_of(index, COUNTY, "c.2"), "ISSUED");
    assert_string_equal(state_of(index, OTHER, "c.1"), "ISSUED");
    assert_string_equal(state_of(index, OTHER, "c.2"), "");
    index = reach_county(incident, "330303");
    EXPECT(index, NULL,
           OTHER " c.1: WITHDRAWN < ISSUED, level III, seen +60 done -, "
                 "本地已受波及，改按事发地任务办理 / the event has reached this county, which now "
                 "has the duties of affected areas; supervision",
           OTHER " c.2: ISSUED < none, level III, seen +60 done -; supervision");
    index = reach_county(incident, "330303");
    assert_int_equal(world.count, index + 1);
    index = respond(incident, PLAN_III, PLAN_IV);
    assert_string_equal(state_of(index, COUNTY, "c.2"), "WITHDRAWN");
    assert_string_equal(state_of(index, OTHER, "c.2"), "WITHDRAWN");
}

/* A county's own response: its own units' orders, and nobody else's; the graver one counts. */
static void test_county_alone_and_graver(void **state)
{
    (void)state;
    adopt_county_rows();
    const char *incident = new_incident();
    size_t index = respond_for(incident, "330302", PLAN_NONE, PLAN_III, 0);
    size_t issued = count_state(index, COUNTY, ISSUED);
    assert_true(issued > 0);
    assert_int_equal(world_count_after(&world, index, SV_DUTY), issued);
    index = respond(incident, PLAN_NONE, PLAN_IV);
    assert_int_equal(count_state(index, COUNTY, ISSUED), 0);
    assert_string_equal(state_of(index, OTHER, "c.1"), "");
    index = respond(incident, PLAN_IV, PLAN_NONE); /* the city's ends, the county's does not */
    assert_int_equal(count_state(index, COUNTY, WITHDRAWN), 0);
    index = respond_for(incident, "330302", PLAN_III, PLAN_NONE, 0);
    assert_int_equal(count_state(index, COUNTY, WITHDRAWN), issued);
    index = respond_for(incident, "330304", PLAN_NONE, PLAN_I, 0);
    assert_int_equal(count_state(index, COUNTY, ISSUED), 0);
    assert_string_equal(state_of(index, "330304.gov", "c.1"), "ISSUED");
}

/* ---- keeping and withdrawing ---- */

static void test_keep(void **state)
{
    (void)state;
    const char *incident = new_incident();
    EXPECT(respond(incident, PLAN_NONE, PLAN_IV), LEAGUE,
           LEAGUE " a1.43.1: ISSUED < none, level IV, seen +120 done +180; 3303.health",
           LEAGUE " a1.43.2: ISSUED < none, level IV, seen +120 done -; 3303.health");
    struct answer done = {incident, "a1.43.1", LEAGUE, ACTION(DONE), .order = NULL};
    EXPECT(reply(done), LEAGUE,
           LEAGUE " a1.43.1: DONE < ISSUED, level IV, seen +120 done +180; 3303.health");
    time_passes(10);
    expect_orders(respond(incident, PLAN_IV, PLAN_II), LEAGUE, (const char *const[]){NULL});
    struct answer seen = {incident, "a1.43.2", LEAGUE, ACTION(ACKNOWLEDGE), .order = NULL};
    EXPECT(reply(seen), LEAGUE,
           LEAGUE " a1.43.2: ACKNOWLEDGED < ISSUED, level II, seen +120 done -; supervision");
    /* what is done stays done; the rest is withdrawn */
    EXPECT(respond(incident, PLAN_II, PLAN_NONE), LEAGUE,
           LEAGUE " a1.43.2: WITHDRAWN < ACKNOWLEDGED, level none, seen +120 done -, "
                  "响应已终止 / the response has ended; 3303.health");
    EXPECT(respond(incident, PLAN_NONE, PLAN_III), LEAGUE,
           LEAGUE " a1.43.1: ISSUED < DONE, level III, seen +60 done +180; supervision",
           LEAGUE " a1.43.2: ISSUED < WITHDRAWN, level III, seen +60 done -; supervision");
}

static void test_lowered(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_III);
    size_t index = respond(incident, PLAN_III, PLAN_IV);
    const duty_order *order = (const void *)world_after(&world, index, SV_DUTY, 0);
    assert_non_null(order);
    assert_string_equal(order->reason,
                        "响应调整为IV级，本职责不再适用 / the response is now at level "
                        "IV, at which this duty does not apply");
}

/* A closed incident is forgotten: what was open is withdrawn, answers find nothing. */
static void test_closed(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    report(incident, LIANDONG__V1__INCIDENT__ACTION__JOINED, NULL, false);
    size_t index = report(incident, LIANDONG__V1__INCIDENT__ACTION__CLOSED, NULL, false);
    EXPECT(index, LEAGUE,
           LEAGUE " a1.43.1: WITHDRAWN < ISSUED, level IV, seen +120 done +180, "
                  "事件已结案 / the incident is closed; 3303.health",
           LEAGUE " a1.43.2: WITHDRAWN < ISSUED, level IV, seen +120 done -, "
                  "事件已结案 / the incident is closed; 3303.health");
    struct answer done = {incident, "a1.43.1", LEAGUE, ACTION(DONE), .order = NULL};
    assert_string_equal(receipt_after(reply(done))->code, "unknown-order");
    index = world.count;
    time_passes(24 * 60); /* and its timers mean nothing any more */
    expect_orders(index, LEAGUE, (const char *const[]){NULL});
}

/* ---- signs ---- */

#define AGRICULTURE "3303.agriculture"

/* How many of the unit's duties hang on this sign, by the plan. */
static size_t duties_by_sign(const char *unit, const char *sign)
{
    const struct plan *plan = plan_now();
    const struct plan_member *member = &plan->members[plan_find_member(plan, unit)];
    size_t count = 0;
    for (size_t i = 0; i < member->duty_count; i++) {
        const struct plan_duty *duty = &plan->duties[member->duties[i]];
        count += duty->sign_count == 1 && (int)duty->signs[0] == plan_find_sign(plan, sign);
    }
    return count;
}

static void test_signs(void **state)
{
    (void)state;
    enum { JOINED = LIANDONG__V1__INCIDENT__ACTION__JOINED };
    const char *incident = new_incident();
    size_t expected = duties_by_sign(AGRICULTURE, "livestock-involved");
    assert_true(expected > 0);
    size_t index = report(incident, JOINED, "livestock-involved", false);
    assert_int_equal(world.count, index + 1); /* nothing in force yet */
    index = respond(incident, PLAN_NONE, PLAN_IV);
    size_t with_sign = count_state(index, AGRICULTURE, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED);
    index = report(incident, JOINED, "livestock-involved", true);
    assert_int_equal(count_state(index, AGRICULTURE, LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN),
                     expected);
    index = report(incident, JOINED, "livestock-involved", false);
    assert_int_equal(count_state(index, AGRICULTURE, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED),
                     expected);
    index = report(incident, JOINED, "livestock-involved", false);
    assert_int_equal(world.count, index + 1);
    const char *other = new_incident();
    index = respond(other, PLAN_NONE, PLAN_IV);
    assert_int_equal(count_state(index, AGRICULTURE, LIANDONG__V1__DUTY_ORDER__STATE__ISSUED),
                     with_sign - expected);
}

/* ---- help ---- */

#define RED_CROSS "3303.red-cross"
#define HEALTH    "3303.health"
#define HELPED    "a1.43.1-for-" LEAGUE

static struct answer ask(const char *incident, const char *duty, const char *helper)
{
    return (struct answer){
        incident, duty, LEAGUE, ACTION(ASK_HELP), "人手不足 / short of hands", .help_from = helper};
}

static void test_help(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    time_passes(60);
    size_t index = reply(ask(incident, "a1.43.1", RED_CROSS));
    EXPECT(index, NULL,
           LEAGUE " a1.43.1: IN_PROGRESS < ISSUED, level IV, seen +120 done +180, settle +960, "
                  "help " RED_CROSS ", 人手不足 / short of hands; 3303.health",
           RED_CROSS " a1.43.1: ISSUED < none, level IV, seen +120 done +120, "
                     "人手不足 / short of hands; 3303.health");
    const duty_order *order = (const void *)world_after(&world, index, SV_DUTY, 1);
    char number[256];
    snprintf(number, sizeof number, "%s/" HELPED, incident);
    assert_string_equal(order->order, number);
    struct answer declined = {incident,        HELPED,        RED_CROSS,
                              ACTION(DECLINE), "no one free", .order = NULL};
    EXPECT(reply(declined), NULL,
           RED_CROSS " a1.43.1: DECLINED < ISSUED, level IV, seen +120 done +120, no one free; "
                     "3303.health");
    EXPECT(reply(ask(incident, "a1.43.1", RED_CROSS)), RED_CROSS,
           RED_CROSS " a1.43.1: ISSUED < DECLINED, level IV, seen +120 done +120, "
                     "人手不足 / short of hands; 3303.health");
    expect_orders(reply(ask(incident, "a1.43.1", RED_CROSS)), RED_CROSS,
                  (const char *const[]){NULL});
    struct answer pass_on = {incident,         HELPED,        RED_CROSS,
                             ACTION(ASK_HELP), "no one free", .help_from = LEAGUE};
    assert_string_equal(receipt_after(reply(pass_on))->code, "help-on-help");
    struct answer done = {incident, "a1.43.1", LEAGUE, ACTION(DONE), .order = NULL};
    EXPECT(reply(done), NULL,
           LEAGUE " a1.43.1: DONE < IN_PROGRESS, level IV, seen +120 done +180; 3303.health",
           RED_CROSS
           " a1.43.1: WITHDRAWN < ISSUED, level IV, seen +120 done +120, "
           "请求方已不需要协助 / the unit that asked needs the help no longer; 3303.health");
}

/* What was told about help after index: "<unit told>: <unit that says so> <state of its order>". */
static void expect_told(size_t index, const char *incident, const char *const *expected)
{
    char start[256], topic[LD_TOPIC_SIZE_MAX + 1], line[512];
    size_t found = 0;
    for (size_t i = index; i < world.count; i++) {
        if (world.all[i].family != SV_HELP)
            continue;
        const duty_order *order = (const void *)world.all[i].message;
        const struct ld_record *record = &world.all[i].record;
        snprintf(topic, sizeof topic, "%.*s", (int)record->topic_size, record->topic);
        const char *slug = topic + strlen("help/3303/"), *end = strchr(slug, '/');
        snprintf(start, sizeof start, "/%s/" HELPED, incident);
        assert_non_null(end);
        assert_string_equal(end, start);
        snprintf(line, sizeof line, "%.*s: %s %s", (int)(end - slug), slug, order->unit,
                 state_name((int)order->state));
        if (!expected[found])
            fail_msg("not expected: %s", line);
        assert_string_equal(line, expected[found++]);
    }
    assert_null(expected[found]);
}
#define EXPECT_TOLD(index, incident, ...)                                                          \
    expect_told(index, incident, (const char *const[]){__VA_ARGS__, NULL})

/* Only units asked for help are told of it, each once, and only who asked hears of its being given.
 */
static void test_help_is_told_to_whom_it_concerns(void **state)
{
    (void)state;
    const char *incident = new_incident();
    EXPECT_TOLD(respond(incident, PLAN_NONE, PLAN_IV), incident, NULL);
    EXPECT_TOLD(reply(ask(incident, "a1.43.1", RED_CROSS)), incident,
                "red-cross: " LEAGUE " IN_PROGRESS");
    EXPECT_TOLD(reply(ask(incident, "a1.43.1", HEALTH)), incident,
                "health: " LEAGUE " IN_PROGRESS");
    EXPECT_TOLD(reply(ask(incident, "a1.43.1", RED_CROSS)), incident,
                "red-cross: " LEAGUE " IN_PROGRESS");
    struct answer accept = {incident, HELPED, RED_CROSS, ACTION(ACCEPT), .order = NULL};
    EXPECT_TOLD(reply(accept), incident, "youth-league: " RED_CROSS " ACCEPTED");
    EXPECT_TOLD(reply(answer(incident, "a1.43.2", ACTION(DONE))), incident, NULL);
    EXPECT_TOLD(reply(answer(incident, "a1.43.1", ACTION(DONE))), incident,
                "red-cross: " LEAGUE " DONE", "health: " LEAGUE " DONE");
    EXPECT_TOLD(respond(incident, PLAN_IV, PLAN_NONE), incident, NULL);
}

/* ---- drills, snapshots, one process or many ---- */

static void test_drill_beside_actual(void **state)
{
    (void)state;
    const char *incident = new_incident();
    size_t index = respond_for(incident, "3303", PLAN_NONE, PLAN_IV, LD_RECORD_EXERCISE);
    size_t drill_orders = world_count_after(&world, index, SV_DUTY);
    for (size_t i = index; i < world.count; i++)
        assert_int_equal(world.all[i].record.flags, LD_RECORD_EXERCISE);
    struct answer seen = {incident, "a1.43.1", LEAGUE, ACTION(ACKNOWLEDGE), .order = NULL};
    assert_string_equal(receipt_after(reply(seen))->code, "unknown-order");
    assert_int_equal(world_count_after(&world, respond(incident, PLAN_NONE, PLAN_IV), SV_DUTY),
                     drill_orders);
    seen.flags = LD_RECORD_EXERCISE;
    assert_true(receipt_after(reply(seen))->accepted);
    index = world.count;
    time_passes(120); /* acknowledged in the drill, overdue in earnest */
    for (size_t i = index; i < world.count; i++) {
        const duty_order *order = (const void *)world.all[i].message;
        if (world.all[i].family != SV_DUTY || strcmp(order->unit, LEAGUE) != 0)
            continue;
        if (strcmp(order->duty, "a1.43.1") == 0)
            assert_int_equal(world.all[i].record.flags, 0);
    }
}

/* A bit of everything: levels, answers, help, signs, late and repeated, a drill, a closed one. */
static void play_everything(void)
{
    enum { JOINED = LIANDONG__V1__INCIDENT__ACTION__JOINED };
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply((struct answer){incident, "a1.43.1", LEAGUE, ACTION(ACCEPT), .order = NULL});
    time_passes(100);
    respond(incident, PLAN_IV, PLAN_II);
    report(incident, JOINED, "livestock-involved", false);
    reply(ask(incident, "a1.43.1", RED_CROSS));
    time_passes(100);
    respond_for(incident, "3303", PLAN_NONE, PLAN_III, LD_RECORD_EXERCISE);
    reply((struct answer){incident, "a1.43.1", LEAGUE, ACTION(ACCEPT), .order = NULL});
    reply((struct answer){incident, "a1.43.1", LEAGUE, ACTION(DONE), .order = NULL});
    time_passes(25);
    report(incident, JOINED, "livestock-involved", true);
    respond(incident, PLAN_II, PLAN_III);
    respond(incident, PLAN_III, PLAN_NONE);
    respond(incident, PLAN_NONE, PLAN_IV);
    report(incident, LIANDONG__V1__INCIDENT__ACTION__CLOSED, NULL, false);
    reply((struct answer){incident, "a1.43.2", LEAGUE, ACTION(DONE), .order = NULL});
    respond(new_incident(), PLAN_NONE, PLAN_IV);
    time_passes(25 * 60);
}

static void test_snapshots(void **state)
{
    (void)state;
    play_everything();
    rerun_with_snapshots(&world, &duty_class, 101);
}

/* Every event of a smaller story, so that no state goes unsaved. */
static void test_snapshot_at_every_event(void **state)
{
    (void)state;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(ask(incident, "a1.43.1", RED_CROSS));
    reply((struct answer){incident, "a1.43.2", LEAGUE, ACTION(DECLINE), "no", .order = NULL});
    sv_sim_advance(world.sim, sv_sim_now(world.sim) + LD_US_MINUTE);
    respond(incident, PLAN_IV, PLAN_NONE);
    rerun_with_snapshots(&world, &duty_class, 1);
}

/* One host for each member unit says what one host for all of them says, event for event. */
static void test_one_process_or_many(void **state)
{
    (void)state;
    play_everything();
    const struct plan *plan = plan_now();
    struct sv_host **hosts = calloc(plan->member_count, sizeof(struct sv_host *));
    const char **units = calloc(plan->member_count, sizeof(char *));
    assert_true(hosts && units);
    for (size_t i = 0; i < plan->member_count; i++) {
        units[i] = plan->units[plan->members[i].unit].id;
        hosts[i] = sv_host_open();
        sv_host_add(hosts[i], &duty_class, units[i]);
    }
    rerun(&world, &duty_class, hosts, units, plan->member_count, 0);
    for (size_t i = 0; i < plan->member_count; i++)
        sv_host_close(hosts[i]);
    free(hosts);
    free(units);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_everyone_has_orders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_county_becomes_affected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_county_alone_and_graver, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keep, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lowered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_is_told_to_whom_it_concerns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drill_beside_actual, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_snapshot_at_every_event, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_process_or_many, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
