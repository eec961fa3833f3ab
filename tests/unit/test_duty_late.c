/*
 * duty: what goes up, exactly when and to whom: unseen, undone, and problems not settled on the
 * day.
 */
#include "duty_world.h"

/* ---- problems ---- */

/* Midnight is so many minutes off, by the clock that people there read. */
static int minutes_left_today(void)
{
    int64_t local_us = sv_sim_now(world.sim) + LD_CHINA_OFFSET_MINUTES * LD_US_MINUTE;
    return (int)((LD_US_DAY - local_us % LD_US_DAY) / LD_US_MINUTE);
}

/* An order without a deadline, issued when the day has minutes left. */
static const char *order_at(int left)
{
    const char *incident = new_incident();
    time_passes((minutes_left_today() + 24 * 60 - left) % (24 * 60));
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.1", ACTION(DONE)));
    return incident;
}

static void test_problem_goes_up_at_midnight(void **state)
{
    (void)state;
    const char *incident = order_at(600);
    EXPECT(reply(answer(incident, "a1.43.2", ACTION(PROBLEM))), LEAGUE,
           LATE("a1.43.2", "IN_PROGRESS < ISSUED, level IV, seen +120 done -, settle +600, why; "
                           "3303.health"));
    time_passes(500);
    EXPECT(reply(answer(incident, "a1.43.2", ACTION(PROBLEM))), LEAGUE, /* moves no time */
           LATE("a1.43.2", "IN_PROGRESS < IN_PROGRESS, level IV, seen +120 done -, settle +600, "
                           "why; 3303.health"));
    size_t index = world.count;
    time_passes(99);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.2", "OVERDUE < IN_PROGRESS, level IV, seen +120 done -, settle +600, late "
                           "problem; 3303.health"));
    index = world.count;
    time_passes(29);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.2", "ESCALATED < OVERDUE, level IV, seen +120 done -, settle +600, late "
                           "problem, to 3303.gov; 3303.health"));
    EXPECT(reply(answer(incident, "a1.43.2", ACTION(PROGRESS))), LEAGUE,
           LATE("a1.43.2", "IN_PROGRESS < ESCALATED, level IV, seen +120 done -; 3303.health"));
    index = world.count;
    time_passes(24 * 60 - 631); /* until the next round */
    EXPECT(index, LEAGUE, NULL);
}

/* Raised, settled and raised again on one day: it goes up once. */
static void test_second_problem_goes_up_once(void **state)
{
    (void)state;
    const char *incident = order_at(600);
    reply(answer(incident, "a1.43.2", ACTION(PROBLEM)));
    reply(answer(incident, "a1.43.2", ACTION(PROGRESS)));
    reply(answer(incident, "a1.43.2", ACTION(PROBLEM)));
    size_t index = world.count;
    time_passes(600);
    EXPECT(index, LEAGUE,
           LATE("a1.43.2", "OVERDUE < IN_PROGRESS, level IV, seen +120 done -, settle +600, late "
                           "problem; 3303.health"));
}

/* Where the plan does not ask for it, a problem stands without a time of its own. */
static void test_problem_without_the_rule(void **state)
{
    (void)state;
    static const struct world_edit edits[] = {{"  same_day: {section: \"4.4.1(4)\"}\n", ""}};
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", edits, 1);
    const char *incident = order_at(600);
    EXPECT(reply(answer(incident, "a1.43.2", ACTION(PROBLEM))), LEAGUE,
           LATE("a1.43.2", "IN_PROGRESS < ISSUED, level IV, seen +120 done -, why; 3303.health"));
    size_t index = world.count;
    time_passes(24 * 60);
    EXPECT(index, LEAGUE, NULL);
}

static void test_problem_settled_the_same_day(void **state)
{
    (void)state;
    static const int settling[] = {ACTION(PROGRESS), ACTION(DECLINE), ACTION(DONE)};
    for (size_t i = 0; i < sizeof settling / sizeof *settling; i++) {
        const char *incident = order_at(600);
        reply(answer(incident, "a1.43.2", ACTION(PROBLEM)));
        time_passes(599);
        reply(answer(incident, "a1.43.2", settling[i]));
        size_t index = world.count;
        time_passes(24 * 60 - 600);
        EXPECT(index, LEAGUE, NULL);
    }
}

/* Help asked for is answered once the unit asked takes it up, and by nothing less. */
static void test_help_is_answered_by_the_unit_asked(void **state)
{
    (void)state;
    const char *incident = order_at(600);
    struct answer helper = {incident, "a1.43.2-for-" LEAGUE, "3303.red-cross", ACTION(ACKNOWLEDGE),
                            .order = NULL};
    reply(answer(incident, "a1.43.2", ACTION(ASK_HELP)));
    EXPECT(reply(helper), LEAGUE, NULL);
    helper.action = ACTION(ACCEPT);
    EXPECT(reply(helper), LEAGUE,
           LATE("a1.43.2", "IN_PROGRESS < IN_PROGRESS, level IV, seen +120 done -, 3303.red-cross "
                           "已接手协助 / 3303.red-cross has taken up the help; 3303.health"));
    helper.action = ACTION(PROGRESS);
    EXPECT(reply(helper), LEAGUE, NULL);
    size_t index = world.count;
    time_passes(24 * 60 - 1);
    EXPECT(index, LEAGUE, NULL);
}

static void test_help_that_comes_late(void **state)
{
    (void)state;
    const char *incident = order_at(60);
    struct answer helper = {incident, "a1.43.2-for-" LEAGUE, "3303.red-cross", ACTION(ACCEPT),
                            .order = NULL};
    reply(answer(incident, "a1.43.2", ACTION(ASK_HELP)));
    size_t index = world.count;
    time_passes(60);
    EXPECT(index, LEAGUE,
           LATE("a1.43.2", "OVERDUE < IN_PROGRESS, level IV, seen +120 done -, settle +60, late "
                           "problem; 3303.health"));
    EXPECT(reply(helper), LEAGUE,
           LATE("a1.43.2", "IN_PROGRESS < OVERDUE, level IV, seen +120 done -, 3303.red-cross "
                           "已接手协助 / 3303.red-cross has taken up the help; 3303.health"));
    index = world.count;
    time_passes(120);
    EXPECT(index, LEAGUE, NULL);
}

/* What is overdue undone has gone up already; what is overdue for a problem goes up anew. */
static void test_problem_and_deadline(void **state)
{
    (void)state;
    const char *incident = new_incident();
    time_passes((minutes_left_today() + 24 * 60 - 170) % (24 * 60));
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    reply(answer(incident, "a1.43.1", ACTION(PROBLEM)));
    size_t index = world.count;
    time_passes(180);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "OVERDUE < IN_PROGRESS, level IV, seen +120 done +180, settle +170, "
                           "late problem; 3303.health"),
           LATE("a1.43.1", "OVERDUE < OVERDUE, level IV, seen +120 done +180, settle +170, late "
                           "done; 3303.health"));
    index = world.count;
    time_passes(29);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "ESCALATED < OVERDUE, level IV, seen +120 done +180, settle +170, late "
                           "done, to 3303.gov; 3303.health"));
}

/* What is late already, and has gone up, does not go up again for a problem. */
static void test_problem_on_what_is_late(void **state)
{
    (void)state;
    const char *incident = new_incident();
    time_passes((minutes_left_today() + 24 * 60 - 600) % (24 * 60));
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    time_passes(211);
    EXPECT(reply(answer(incident, "a1.43.1", ACTION(PROBLEM))), LEAGUE,
           LATE("a1.43.1", "IN_PROGRESS < ESCALATED, level IV, seen +120 done +180, settle +600, "
                           "late done, why; 3303.health"));
    size_t index = world.count;
    time_passes(600);
    EXPECT(index, LEAGUE, NULL);
}

/* ---- exactly when, and to whom ---- */

/* At each level: first who supervises, then the next higher office, and not a minute sooner. */
static void test_to_whom_at_the_minute(void **state)
{
    (void)state;
    static const struct {
        int level, seen;
        const char *supervisor;
    } all[] = {{PLAN_IV, 120, "3303.health"},
               {PLAN_III, 60, "supervision"},
               {PLAN_II, 30, "supervision"},
               {PLAN_I, 30, "supervision"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int undone = 0; undone < 2; undone++) {
            char said[2][256];
            const char *incident = new_incident(), *late = undone ? "done" : "acknowledge";
            const char *was = undone ? "ACCEPTED" : "ISSUED";
            respond(incident, PLAN_NONE, all[i].level);
            reply(answer(incident, "a1.43.2", ACTION(DONE)));
            if (undone)
                reply(answer(incident, "a1.43.1", ACTION(ACCEPT)));
            for (int up = 0; up < 2; up++)
                snprintf(said[up], sizeof said[up],
                         LATE("a1.43.1", "%s < %s, level %s, seen +%d done +180, late %s%s; %s"),
                         up ? "ESCALATED" : "OVERDUE", up ? "OVERDUE" : was,
                         plan_level_name(all[i].level), all[i].seen, late,
                         up ? ", to 3303.gov" : "", all[i].supervisor);
            size_t index = world.count;
            time_passes((undone ? 180 : all[i].seen) - 1);
            EXPECT(index, LEAGUE, NULL);
            time_passes(1);
            EXPECT(index, LEAGUE, said[0]);
            index = world.count;
            time_passes(29);
            EXPECT(index, LEAGUE, NULL);
            time_passes(1);
            EXPECT(index, LEAGUE, said[1]);
            respond(incident, all[i].level, PLAN_NONE);
        }
    }
}

/* ---- before the time is up ---- */

static const char *const STILL_UNSEEN =
    LATE("a1.43.1", "still OVERDUE < OVERDUE, level IV, seen +120 done +180, late acknowledge; "
                    "3303.health");

static void test_reminded_of_what_is_open(void **state)
{
    (void)state;
    reminders_expected = true;
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    time_passes(134);
    size_t index = world.count;
    time_passes(1);
    EXPECT(index, LEAGUE, STILL_UNSEEN);
    respond(incident, PLAN_IV, PLAN_NONE);
    incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    reply(answer(incident, "a1.43.1", ACTION(PROGRESS)));
    index = world.count;
    time_passes(134);
    EXPECT(index, LEAGUE, NULL);
    time_passes(1);
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "still IN_PROGRESS < IN_PROGRESS, level IV, seen +120 done +180; "
                           "3303.health"));
}

/* Withdrawn and issued again within one moment. */
static void test_reminded_once(void **state)
{
    (void)state;
    const char *incident = new_incident();
    reminders_expected = true;
    respond(incident, PLAN_NONE, PLAN_IV);
    respond(incident, PLAN_IV, PLAN_NONE);
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    time_passes(134);
    size_t index = world.count;
    time_passes(1);
    EXPECT(index, LEAGUE, STILL_UNSEEN);
}

static void test_not_reminded_of_what_is_closed(void **state)
{
    (void)state;
    reminders_expected = true;
    static const int closing[] = {ACTION(DONE), ACTION(DECLINE)};
    for (size_t i = 0; i < sizeof closing / sizeof *closing; i++) {
        const char *incident = new_incident();
        respond(incident, PLAN_NONE, PLAN_IV);
        reply(answer(incident, "a1.43.2", ACTION(DONE)));
        reply(answer(incident, "a1.43.1", closing[i]));
        size_t index = world.count;
        time_passes(180);
        EXPECT(index, LEAGUE, NULL);
    }
    const char *incident = new_incident();
    respond(incident, PLAN_NONE, PLAN_IV);
    respond(incident, PLAN_IV, PLAN_NONE);
    size_t index = world.count;
    time_passes(180);
    EXPECT(index, LEAGUE, NULL);
}

/* A reminder of help that goes on settles no problem that the unit has raised since. */
static void test_reminder_of_help_settles_nothing(void **state)
{
    (void)state;
    reminders_expected = true;
    const char *incident = new_incident();
    struct answer helper = {incident, "a1.43.1-for-" LEAGUE, "3303.red-cross", ACTION(ACCEPT),
                            .order = NULL};
    time_passes((minutes_left_today() + 24 * 60 - 600) % (24 * 60));
    respond(incident, PLAN_NONE, PLAN_IV);
    reply(answer(incident, "a1.43.2", ACTION(DONE)));
    reply(answer(incident, "a1.43.1", ACTION(ASK_HELP)));
    reply(helper);
    reply(answer(incident, "a1.43.1", ACTION(PROBLEM)));
    time_passes(134);
    size_t index = world.count;
    time_passes(1);
    EXPECT(index, "3303.red-cross",
           "3303.red-cross a1.43.1: still ACCEPTED < ACCEPTED, level IV, seen +120 done +180; "
           "3303.health");
    EXPECT(index, LEAGUE,
           LATE("a1.43.1", "still IN_PROGRESS < IN_PROGRESS, level IV, seen +120 done +180, "
                           "settle +600; 3303.health"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_problem_goes_up_at_midnight, setup, teardown),
        cmocka_unit_test_setup_teardown(test_problem_without_the_rule, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_problem_goes_up_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_problem_settled_the_same_day, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_is_answered_by_the_unit_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_help_that_comes_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_problem_and_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_problem_on_what_is_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_to_whom_at_the_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reminded_of_what_is_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reminded_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_reminded_of_what_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reminder_of_help_settles_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
