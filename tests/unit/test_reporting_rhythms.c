/* reporting: what is asked for again and again (wenzhou-ari 6.2), after the end, and since when
 * nothing was heard. */
#include "bulletin_rig.h"
#include "forge.h"

#define INCIDENT   "3303-respiratory.covid-19-20260101-1"
#define PRESS      LIANDONG__V1__BULLETIN__KIND__PRESS
#define ASSESSMENT LIANDONG__V1__BULLETIN__KIND__ASSESSMENT
#define MEETING    LIANDONG__V1__BULLETIN__KIND__MEETING
#define EVALUATION LIANDONG__V1__BULLETIN__KIND__EVALUATION

static const struct world_edit WITH_LIMITS[] = {
    {"  - id: evaluation\n", "  - id: evaluation\n    within: 15d\n"},
    {"  - id: compensation\n    section: \"7.3\"\n    by: [3303.gov]\n",
     "  - id: compensation\n    section: \"7.3\"\n    within: 9d\n"
     "    by: [3303.gov, \"{county}.gov\"]\n"},
    {"  - id: recovery\n", "  - id: recovery\n    within: 8d\n"}};

static struct filing covid(const char *unit)
{
    struct filing f = filing();
    f.hazard = "respiratory.covid-19";
    f.unit = unit;
    f.area = "330302";
    return f;
}

static int setup(void **state)
{
    static struct world world;
    world_open(&world, &reporting_class);
    world_adopt(&world, LIANDONG_SOURCE "/plans/wenzhou-ari.yaml", WITH_LIMITS, 3);
    file(&world, covid("330302.health"));
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_survives_snapshots(*state, &reporting_class);
    world_close(*state);
    return 0;
}

static void wait(struct world *world, int64_t us)
{
    sv_sim_advance(world->sim, sv_sim_now(world->sim) + us);
}

static size_t said_by(struct world *world, const char *unit, int kind)
{
    struct issue issue = {
        .unit = unit, .area = "3303", .incident = INCIDENT, .zh = "信息", .kind = kind};
    size_t index = bulletin(world, issue);
    assert_string_equal(receipt_after(world, index)->code, "accepted");
    return index;
}

static void put_time(char *text, size_t size, const char *word, int64_t us)
{
    if (us != 0)
        snprintf(text + strlen(text), size - strlen(text), " %s%gh", word,
                 (double)us / (double)LD_US_HOUR);
}

/* What the clock said after index, one a line: state, unit, due after the world's start, how late,
 * since when silent after the start, how many in a row. */
static const char *said(const struct world *world, size_t index, const char *id)
{
    static const char *const STATES[] = {"?", "started", "warned", "met", "missed", "cancelled"};
    static char text[4096];
    int64_t zero_us = world->all[0].record.time_us;
    text[0] = 0;
    for (size_t i = index + 1; i < world->count; i++) {
        const Liandong__V1__Clock *clock = (const void *)world->all[i].message;
        if (world->all[i].family != SV_CLOCK || strcmp(clock->clock, id) != 0)
            continue;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %s", STATES[clock->state],
                 clock->responsible);
        put_time(text, sizeof text, "due ", clock->due_at_us - zero_us);
        put_time(text, sizeof text, "late ", clock->late_us);
        if (clock->silent_since_us != 0)
            snprintf(text + strlen(text), sizeof text - strlen(text), " silent since %gh, %u",
                     (double)(clock->silent_since_us - zero_us) / (double)LD_US_HOUR,
                     clock->missed_in_a_row);
        snprintf(text + strlen(text), sizeof text - strlen(text), "\n");
    }
    return text;
}

static void rounds_met(void **state)
{
    struct world *world = *state;
    size_t begin = responded(world, INCIDENT, 2);
    assert_string_equal(said(world, begin, "meeting"), "started 3303.gov-office due 24h\n");
    wait(world, LD_US_HOUR);
    size_t first = said_by(world, "3303.gov-office", MEETING);
    assert_string_equal(said(world, first, "meeting"), "met 3303.gov-office due 24h\n");
    size_t again = said_by(world, "3303.gov-office", MEETING); /* once is enough */
    assert_string_equal(said(world, again, "meeting"), "");
    wait(world, 23 * LD_US_HOUR);
    assert_string_equal(said(world, again, "meeting"), "started 3303.gov-office due 48h\n");
    said_by(world, "3303.publicity", PRESS); /* of another kind */
    assert_string_equal(said(world, again, "meeting"), "started 3303.gov-office due 48h\n");
}

static void round_missed_and_made_good(void **state)
{
    struct world *world = *state;
    size_t begin = responded(world, INCIDENT, 2);
    wait(world, 25 * LD_US_HOUR);
    assert_string_equal(said(world, begin, "meeting"),
                        "started 3303.gov-office due 24h\n"
                        "warned 3303.gov-office due 24h\n"
                        "missed 3303.gov-office due 24h silent since 0h, 1\n");
    size_t late = said_by(world, "3303.gov-office", MEETING);
    assert_string_equal(said(world, late, "meeting"), "met 3303.gov-office due 24h late 1h\n"
                                                      "started 3303.gov-office due 48h\n");
    wait(world, 71 * LD_US_HOUR); /* at 96 h, two more have been missed */
    assert_string_equal(said(world, late, "meeting"),
                        "met 3303.gov-office due 24h late 1h\n"
                        "started 3303.gov-office due 48h\n"
                        "warned 3303.gov-office due 48h\n"
                        "missed 3303.gov-office due 48h silent since 25h, 1\n"
                        "missed 3303.gov-office due 72h silent since 25h, 2\n"
                        "missed 3303.gov-office due 96h silent since 25h, 3\n");
    size_t at_last = said_by(world, "3303.gov-office", MEETING);
    assert_string_equal(said(world, at_last, "meeting"), "met 3303.gov-office due 96h\n"
                                                         "started 3303.gov-office due 120h\n");
}

/* III and II assess at their own rhythm, II and I at the same; a change of rhythm begins anew. */
static void levels(void **state)
{
    struct world *world = *state;
    size_t third = responded(world, INCIDENT, 3);
    assert_string_equal(said(world, third, "assessment"), "started 3303.health due 168h\n");
    wait(world, 2 * LD_US_HOUR);
    size_t report = file(world, covid("3303.health")); /* no assessment */
    assert_string_equal(said(world, report, "assessment"), "");
    said_by(world, "3303.health", ASSESSMENT);
    wait(world, LD_US_HOUR);
    size_t second = responded(world, INCIDENT, 2);
    assert_string_equal(said(world, second, "assessment"), "started 3303.health due 27h\n");
    size_t first = responded(world, INCIDENT, 1);
    assert_string_equal(said(world, first, "assessment"), "");
    assert_string_equal(said(world, first, "press"), "cancelled 3303.publicity due 27h\n"
                                                     "started 3303.publicity due 15h\n");
    wait(world, 24 * LD_US_HOUR); /* heard at another level */
    assert_string_equal(said(world, first, "assessment"),
                        "warned 3303.health due 27h\n"
                        "missed 3303.health due 27h silent since 2h, 1\n");
    size_t end = responded(world, INCIDENT, 0);
    assert_string_equal(said(world, end, "assessment"), "cancelled 3303.health due 27h\n");
    wait(world, 48 * LD_US_HOUR);
    assert_string_equal(said(world, end, "assessment"), "cancelled 3303.health due 27h\n");
}

/* ---- after the end ---- */

static void aftercare(void **state)
{
    struct world *world = *state;
    responded(world, INCIDENT, 3);
    wait(world, LD_US_HOUR);
    struct filing final = covid("330302.gov"); /* before the end: no word on what comes after */
    final.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    final.measure = NULL;
    final.incident = INCIDENT;
    file(world, final);
    size_t end = responded(world, INCIDENT, 0); /* which closes it */
    assert_string_equal(said(world, end, "evaluation"), "started 3303.gov due 361h\n");
    assert_string_equal(said(world, end, "recovery"), "started 330302.gov due 193h\n");
    wait(world, 8 * LD_US_DAY);
    assert_string_equal(said(world, end, "recovery"), "started 330302.gov due 193h\n"
                                                      "warned 330302.gov due 193h\n"
                                                      "missed 330302.gov due 193h\n");
    wait(world, LD_US_HOUR);
    size_t unnamed = said_by(world, "3303.gov", EVALUATION);
    assert_string_equal(said(world, unnamed, "evaluation"), "");
    struct issue issue = {.unit = "3303.gov",
                          .area = "3303",
                          .incident = INCIDENT,
                          .zh = "评估",
                          .entry = "evaluation",
                          .kind = EVALUATION};
    size_t named = bulletin(world, issue);
    assert_string_equal(said(world, named, "evaluation"), "met 3303.gov due 361h\n");
    assert_string_equal(said(world, named, "recovery"), "");
    issue.entry = "compensation"; /* of the city, and so of its county */
    size_t other = bulletin(world, issue);
    assert_string_equal(said(world, other, "compensation"), "met 330302.gov due 217h\n");
    final = covid("330302.gov"); /* a final report after the end does as well */
    final.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    final.measure = NULL;
    final.incident = INCIDENT;
    size_t late = file(world, final);
    assert_string_equal(receipt_after(world, late)->code, "accepted");
    assert_string_equal(said(world, late, "recovery"), "met 330302.gov due 193h late 1h\n");
}

/* ---- silence ---- */

/* The day begins at 16:00 UTC and the report is due 17:00 local, 9 h after the world's start. */
static void silent_county(void **state)
{
    struct world *world = *state;
    size_t begin = responded(world, INCIDENT, 3);
    wait(world, 57 * LD_US_HOUR);
    assert_string_equal(said(world, begin, "daily-report"),
                        "started 330302.gov due 9h\n"
                        "warned 330302.gov due 9h\n"
                        "missed 330302.gov due 9h silent since 0h, 1\n"
                        "started 330302.gov due 33h\n"
                        "warned 330302.gov due 33h\n"
                        "missed 330302.gov due 33h silent since 0h, 2\n"
                        "started 330302.gov due 57h\n"
                        "warned 330302.gov due 57h\n"
                        "missed 330302.gov due 57h silent since 0h, 3\n");
    wait(world, LD_US_HOUR);
    struct filing zero = covid("330302.gov");
    zero.kind = LIANDONG__V1__REPORT__KIND__ZERO;
    zero.measure = NULL;
    zero.no_onset = true;
    size_t late = file(world, zero);
    assert_string_equal(said(world, late, "daily-report"), "met 330302.gov due 57h late 1h\n");
    wait(world, 23 * LD_US_HOUR);
    assert_string_equal(said(world, late, "daily-report"),
                        "met 330302.gov due 57h late 1h\n"
                        "started 330302.gov due 81h\n"
                        "warned 330302.gov due 81h\n"
                        "missed 330302.gov due 81h silent since 58h, 1\n");
}

static size_t daily(struct world *world, const char *unit, const char *area)
{
    struct issue issue = {.unit = unit,
                          .area = area,
                          .incident = INCIDENT,
                          .zh = "无新情况",
                          .kind = LIANDONG__V1__BULLETIN__KIND__DAILY};
    size_t index = bulletin(world, issue);
    assert_string_equal(receipt_after(world, index)->code, "accepted");
    return index;
}

/* By who owes it, about the county; the city's word for all its counties is not theirs. */
static void daily_bulletins(void **state)
{
    struct world *world = *state;
    responded(world, INCIDENT, 3);
    wait(world, LD_US_HOUR);
    assert_string_equal(said(world, daily(world, "3303.health", "3303"), "daily-report"), "");
    assert_string_equal(said(world, daily(world, "330303.health", "330303"), "daily-report"), "");
    assert_string_equal(said(world, said_by(world, "3303.publicity", PRESS), "daily-report"), "");
    size_t met = daily(world, "330302.health", "330302");
    assert_string_equal(said(world, met, "daily-report"), "met 330302.gov due 9h\n");
    wait(world, 33 * LD_US_HOUR);
    size_t late = daily(world, "330302.gov", "330302");
    assert_string_equal(said(world, met, "daily-report"),
                        "met 330302.gov due 9h\n"
                        "started 330302.gov due 33h\n"
                        "warned 330302.gov due 33h\n"
                        "missed 330302.gov due 33h silent since 1h, 1\n"
                        "met 330302.gov due 33h late 1h\n");
    assert_string_equal(said(world, late, "daily-report"), "met 330302.gov due 33h late 1h\n");
}

/* When the level does not ask for it any more, nobody is silent. */
static void silence_ends_with_the_level(void **state)
{
    struct world *world = *state;
    responded(world, INCIDENT, 3);
    wait(world, 10 * LD_US_HOUR);
    size_t fourth = responded(world, INCIDENT, 4);
    assert_string_equal(said(world, fourth, "daily-report"), "cancelled 330302.gov due 9h\n");
    wait(world, 24 * LD_US_HOUR);
    assert_string_equal(said(world, fourth, "daily-report"), "cancelled 330302.gov due 9h\n");
}

/* ---- killed ---- */

static bool is_tick(const struct world *world, size_t index)
{
    return index >= world->count || world->all[index].family == SV_TICK;
}

/* Clocks follow from the log alone: killed after any event and started again from there, reporting
 * says the same. Ticks that nothing follows from are left out; but for LIANDONG_TESTS=full it is
 * killed after every twelfth of the others. */
static void killed_after_any_event(void **state)
{
    struct world *world = *state;
    responded(world, INCIDENT, 3);
    wait(world, 10 * LD_US_HOUR); /* a day missed */
    daily(world, "330302.gov", "330302");
    responded(world, INCIDENT, 1);
    said_by(world, "3303.gov-office", MEETING);
    wait(world, 30 * LD_US_HOUR); /* rounds missed, and a day */
    said_by(world, "3303.health", ASSESSMENT);
    responded(world, INCIDENT, 4); /* nobody is silent any more */
    wait(world, LD_US_HOUR);
    responded(world, INCIDENT, 0);
    wait(world, 25 * LD_US_HOUR);
    const char *tests = getenv("LIANDONG_TESTS");
    size_t places = 0, every = tests && strcmp(tests, "full") == 0 ? 1 : 12;
    for (size_t i = 0; i < world->count; i++) {
        if ((!is_tick(world, i) || !is_tick(world, i + 1)) && places++ % every == 0)
            world_survives_snapshot_at(world, &reporting_class, i);
    }
    assert_true(places > 50);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(rounds_met),
        TEST(round_missed_and_made_good),
        TEST(levels),
        TEST(aftercare),
        TEST(silent_county),
        TEST(daily_bulletins),
        TEST(silence_ends_with_the_level),
        TEST(killed_after_any_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
