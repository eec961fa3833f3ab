/*
 * The reason in a grade, whole: what holds since when, how its conditions belong together, what the
 * next grade lacks, and when it lapses; and that what it says about lapsing comes true, over random
 * streams of reports.
 */
#include "grading_rig.h"

#include "grading/grading.h"

/* What is known of the incident now, whether it was said or not. */
struct answer {
    struct ld_arena arena;
    Liandong__V1__Grade grade;
    Liandong__V1__Warning warning;
};

static void ask(const struct rig *rig, struct answer *answer)
{
    struct sv_host *host = sv_sim_host(rig->world.sim);
    *answer = (struct answer){.arena = {0}};
    assert_true(grading_explain(sv_host_core(host, &grading_class, false), rig->incident,
                                &answer->arena, &answer->grade, &answer->warning));
}

static const Liandong__V1__Criterion *criterion(Liandong__V1__Criterion **all, size_t count,
                                                const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i]->id, id) == 0)
            return all[i];
    fail_msg("no criterion %s", id);
    return NULL;
}
#define HOLDING(answer, id) criterion((answer).grade.holding, (answer).grade.n_holding, id)
#define MISSING(answer, id) criterion((answer).grade.missing, (answer).grade.n_missing, id)

/* A criterion's condition as text: "any(F+ F-)", + where it holds. */
static const char *shape(const Liandong__V1__Criterion *criterion)
{
    static char text[200];
    static const char *const kinds[] = {"?", "F", "all", "any", "not"};
    size_t open[9], depth = 0, used = 0;
    for (size_t i = 0; i < criterion->n_parts; i++) {
        const Liandong__V1__Part *part = criterion->parts[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%c", used > 0 ? " " : "",
                                 kinds[part->kind], part->holds ? '+' : '-');
        if (part->parts > 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "(");
            open[depth++] = part->parts;
            continue;
        }
        while (depth > 0 && --open[depth - 1] == 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, ")");
            depth--;
        }
    }
    return text;
}

static void conditions_belong_together(void **state)
{
    struct rig rig;
    struct answer answer;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.county = LUCHENG, .cases = 12});
    ask(&rig, &answer);
    const Liandong__V1__Criterion *week = HOLDING(answer, "cholera-week-10");
    assert_string_equal(shape(week), "any+( F+ F-)");
    assert_int_equal(week->n_counts, 2);
    assert_true(week->counts[0]->holds && week->counts[0]->lacks == 0);
    const Liandong__V1__Count *areas = week->counts[1];
    assert_string_equal(areas->measure, "areas");
    assert_string_equal(areas->counted, "cases");
    assert_true(areas->value == 1 && areas->at_least == 2 && areas->lacks == 1);
    const Liandong__V1__Count *city = MISSING(answer, "cholera-week-30")->counts[0];
    assert_string_equal(city->area, "3303");
    assert_true(city->value == 12 && city->lacks == 18 && !city->holds && city->lapses_us == 0);
    ld_arena_free(&answer.arena);
    rig_close(&rig);
}

static void since_when(void **state)
{
    struct rig rig;
    struct answer answer;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.cases = 1});
    size_t index = tell(&rig, (struct telling){.onset_us = LD_US_DAY, .cases = 9});
    const struct ld_record *raised = &rig.world.all[index].record;
    tell(&rig, (struct telling){.onset_us = 2 * LD_US_DAY, .cases = 3});
    ask(&rig, &answer);
    const Liandong__V1__Criterion *week = HOLDING(answer, "cholera-week-10");
    assert_int_equal(week->since_event, raised->sequence);
    assert_int_equal(week->since_us, raised->time_us);
    assert_int_equal(answer.grade.since_event, raised->sequence);
    assert_int_equal(answer.grade.since_us, raised->time_us);
    assert_int_equal(answer.warning.since_event, raised->sequence);
    assert_int_equal(answer.warning.level, 3);
    assert_string_equal(answer.warning.missing[0]->id, "cholera-week-30");
    assert_true(week->counts[0]->value == 13); /* newer than what was said */
    ld_arena_free(&answer.arena);
    /* it lapses and comes again: since then */
    tell(&rig, (struct telling){.onset_us = 30 * LD_US_DAY});
    index = tell(&rig, (struct telling){.onset_us = 30 * LD_US_DAY, .cases = 10});
    ask(&rig, &answer);
    assert_int_equal(HOLDING(answer, "cholera-week-10")->since_event,
                     rig.world.all[index].record.sequence);
    assert_int_equal(answer.grade.since_event, raised->sequence); /* the grade never fell */
    ld_arena_free(&answer.arena);
    rig_close(&rig);
}

static void lapses(void **state)
{
    struct rig rig;
    struct answer answer;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.onset_us = 0, .cases = 4});
    tell(&rig, (struct telling){.onset_us = 1 * LD_US_DAY, .cases = 4});
    tell(&rig, (struct telling){.onset_us = 2 * LD_US_DAY, .cases = 5});
    ask(&rig, &answer);
    /* 13: without the first 9, which is below 10 */
    const Liandong__V1__Criterion *week = HOLDING(answer, "cholera-week-10");
    assert_int_equal(week->counts[0]->lapses_us, rig.start_us + 7 * LD_US_DAY);
    assert_int_equal(week->lapses_us, rig.start_us + 7 * LD_US_DAY);
    assert_int_equal(answer.grade.lapses_us, rig.start_us + 7 * LD_US_DAY);
    ld_arena_free(&answer.arena);
    /* two counties hold it up longer: until the older of their latest cases is gone */
    tell(&rig, (struct telling){.county = OUHAI, .onset_us = 3 * LD_US_DAY, .cases = 1});
    ask(&rig, &answer);
    week = HOLDING(answer, "cholera-week-10");
    assert_int_equal(week->counts[0]->lapses_us, rig.start_us + 7 * LD_US_DAY);
    assert_int_equal(week->counts[1]->lapses_us, rig.start_us + 9 * LD_US_DAY);
    assert_int_equal(answer.grade.lapses_us, rig.start_us + 9 * LD_US_DAY);
    ld_arena_free(&answer.arena);
    rig_close(&rig);
}

static void facts_do_not_lapse(void **state)
{
    struct rig rig;
    struct answer answer;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.cases = 1});
    designate(&rig, "3303.gov", 3);
    ask(&rig, &answer);
    assert_int_equal(HOLDING(answer, "designated-fairly-grave")->lapses_us, 0);
    assert_int_equal(answer.grade.lapses_us, 0);
    ld_arena_free(&answer.arena);
    rig_close(&rig);
}

static void past_windows_are_named(void **state)
{
    struct rig rig;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    tell(&rig, (struct telling){.onset_us = 0, .cases = 9});
    tell(&rig, (struct telling){.onset_us = 30 * LD_US_DAY, .cases = 1});
    size_t index = tell(&rig, (struct telling){.onset_us = LD_US_DAY, .cases = 1});
    const Liandong__V1__Grade *grade = grade_after(&rig, index);
    assert_string_equal(grade->holding[0]->id, "cholera-week-10");
    assert_true(grade->holding[0]->past);
    assert_int_equal(grade->holding[0]->lapses_us, 0);
    assert_false(grade->holding[1]->past);
    assert_int_equal(grade->lapses_us, rig.start_us + 37 * LD_US_DAY); /* of IV, suggested */
    rig_close(&rig);
}

static void unknown_incidents_are_not_explained(void **state)
{
    struct rig rig;
    struct ld_arena arena = {0};
    Liandong__V1__Grade grade;
    Liandong__V1__Warning warning;
    (void)state;
    rig_open(&rig, INCIDENT, "cholera");
    struct sv_host *host = sv_sim_host(rig.world.sim);
    assert_false(grading_explain(sv_host_core(host, &grading_class, false), INCIDENT, &arena,
                                 &grade, &warning));
    tell(&rig, (struct telling){.cases = 1});
    assert_false(grading_explain(sv_host_core(host, &grading_class, true), INCIDENT, &arena, &grade,
                                 &warning)); /* not in the other world */
    ld_arena_free(&arena);
    rig_close(&rig);
}

/* ---- what is said about lapsing comes true ---- */

static unsigned chance(unsigned *random, unsigned of)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 12) % of;
}

static void random_stream(struct rig *rig, unsigned seed)
{
    static const char *const places[] = {"", "quay", "school"};
    unsigned random = seed;
    for (unsigned i = 0; i < 5 + seed % 40; i++)
        tell(rig, (struct telling){.county = (int)chance(&random, 5) - 1,
                                   .onset_us = (int64_t)chance(&random, 60) * 6 * LD_US_HOUR,
                                   .place = places[chance(&random, 3)],
                                   .cases = chance(&random, chance(&random, 4) ? 4 : 20)});
}

/* With nothing but zero reports: just before, all is as it was; then a lower grade is suggested. */
static void check_lapse(struct rig *rig, unsigned seed)
{
    struct answer before, after;
    ask(rig, &before);
    int64_t lapses_us = before.grade.lapses_us, start_us = rig->start_us;
    int64_t until_us = lapses_us ? lapses_us : before.grade.as_of_us + 1000 * LD_US_DAY;
    int suggested = (int)before.grade.suggested;
    ld_arena_free(&before.arena);
    tell(rig, (struct telling){.onset_us = until_us - start_us - 1});
    ask(rig, &after);
    if ((int)after.grade.suggested != suggested)
        fail_msg("seed %u: fell from %d to %d too early", seed, suggested,
                 (int)after.grade.suggested);
    ld_arena_free(&after.arena);
    if (!lapses_us)
        return;
    tell(rig, (struct telling){.onset_us = until_us - start_us});
    ask(rig, &after);
    if (plan_level_reaches((int)after.grade.suggested, suggested))
        fail_msg("seed %u: %d did not lapse", seed, suggested);
    ld_arena_free(&after.arena);
}

static void lapsing_comes_true(void **state)
{
    static const char *const hazards[] = {"cholera", "plague.bubonic", "poisoning"};
    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct rig rig;
        char incident[64];
        const char *hazard = hazards[seed % 3];
        snprintf(incident, sizeof incident, "3303-%s-20260101-1", hazard);
        rig_open(&rig, incident, hazard);
        random_stream(&rig, seed);
        check_lapse(&rig, seed);
        world_close(&rig.world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_belong_together),
        cmocka_unit_test(since_when),
        cmocka_unit_test(lapses),
        cmocka_unit_test(facts_do_not_lapse),
        cmocka_unit_test(past_windows_are_named),
        cmocka_unit_test(unknown_incidents_are_not_explained),
        cmocka_unit_test(lapsing_comes_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
