/*
 * grading against a slow second implementation, which counts everything anew for every event: for
 * random streams of reports (late, corrected, from four counties and the city), signs and
 * designations, both must say the same after each event.
 */
#include "grading_rig.h"

#include <math.h>

enum { STEPS = 60, STREAMS = 60, TOLD_MAX = STEPS + 1 };

struct slow {
    const struct plan *plan;
    int hazard;
    struct telling told[TOLD_MAX];
    bool replaced[TOLD_MAX];
    size_t count;
    int64_t as_of_us;
    struct {
        const char *unit;
        int level;
    } designations[STEPS];
    size_t designation_count;
    int level;
};

static double value_of(const struct slow *slow, const struct telling *telling, size_t measure)
{
    const char *id = slow->plan->measures[measure].id;
    return strcmp(id, "cases") == 0    ? telling->cases
           : strcmp(id, "deaths") == 0 ? telling->deaths
                                       : 0;
}

static int64_t window_us(const struct slow *slow, const struct plan_condition *condition)
{
    if (condition->window == PLAN_WINDOW_FIXED)
        return condition->window_us;
    if (condition->window == PLAN_WINDOW_INCUBATION)
        return slow->plan->hazards[slow->hazard].incubation_us;
    return INT64_MAX;
}

/* Sum in (to - window, to] over reports in the county (-2: all) and at the place of report p (or
 * any, if p is NULL). */
static double sum(const struct slow *slow, const struct plan_condition *condition, int64_t to_us,
                  int county, const struct telling *p)
{
    double total = 0;
    int64_t window = window_us(slow, condition);
    for (size_t i = 0; i < slow->count; i++) {
        const struct telling *telling = &slow->told[i];
        bool inside = telling->onset_us <= to_us &&
                      (window == INT64_MAX || telling->onset_us > to_us - window);
        bool here = (county == -2 || telling->county == county) &&
                    (!p || (telling->county == p->county && strcmp(telling->place, p->place) == 0));
        if (!slow->replaced[i] && inside && here)
            total += value_of(slow, telling, condition->measure);
    }
    return total;
}

static double distinct(const struct slow *slow, const struct plan_condition *condition,
                       int64_t to_us)
{
    double count = 0;
    for (int county = 0; condition->kind == PLAN_AREAS && county < 4; county++)
        count += sum(slow, condition, to_us, county, NULL) >= 1;
    for (size_t i = 0; condition->kind == PLAN_PLACES && i < slow->count; i++) {
        bool first = true;
        for (size_t k = 0; k < i; k++)
            first = first && (slow->told[k].county != slow->told[i].county ||
                              strcmp(slow->told[k].place, slow->told[i].place) != 0);
        count += first && sum(slow, condition, to_us, -2, &slow->told[i]) >= 1;
    }
    return count;
}

static bool affected(const struct slow *slow, int county)
{
    for (size_t i = 0; i < slow->count; i++) {
        if (slow->told[i].county == county)
            return true;
    }
    return false;
}

/* A figure at one window's end; county: which one counts for conditions over a county. */
static double figure(const struct slow *slow, const struct plan_condition *condition, int64_t to_us,
                     int county)
{
    if (condition->kind != PLAN_COUNT)
        return distinct(slow, condition, to_us);
    return sum(slow, condition, to_us, condition->over != PLAN_OVER_COUNTY ? -2 : county, NULL);
}

static bool count_holds(const struct slow *slow, const struct plan_condition *condition,
                        const struct telling *late)
{
    if (!late && condition->kind == PLAN_COUNT && condition->over == PLAN_OVER_COUNTY) {
        for (int county = 0; county < 4; county++) {
            if (affected(slow, county) &&
                plan_bounds_hold(&condition->bounds,
                                 sum(slow, condition, slow->as_of_us, county, NULL)))
                return true;
        }
        return false;
    }
    if (!late)
        return plan_bounds_hold(&condition->bounds, figure(slow, condition, slow->as_of_us, 0));
    if (condition->kind == PLAN_COUNT && condition->over == PLAN_OVER_COUNTY && late->county < 0)
        return false;
    int64_t window = window_us(slow, condition);
    double most = figure(slow, condition, late->onset_us, late->county);
    for (size_t i = 0; i < slow->count; i++) {
        int64_t to_us = slow->told[i].onset_us;
        if (to_us <= late->onset_us || (window != INT64_MAX && to_us - window >= late->onset_us))
            continue;
        most = fmax(most, figure(slow, condition, to_us, late->county));
    }
    return plan_bounds_hold(&condition->bounds, most);
}

/* Is there a later reading that this one gives way to: of the same county, or county and place? */
static bool overtaken(const struct slow *slow, size_t index, bool same_place)
{
    const struct telling *telling = &slow->told[index];
    for (size_t i = 0; i < slow->count; i++) {
        const struct telling *other = &slow->told[i];
        bool later = other->onset_us > telling->onset_us ||
                     (other->onset_us == telling->onset_us && i > index);
        if (!slow->replaced[i] && other->gauge && other->county == telling->county && later &&
            (!same_place || strcmp(other->place, telling->place) == 0))
            return true;
    }
    return false;
}

static bool gauge_holds(const struct slow *slow, const struct plan_condition *condition)
{
    bool mean = condition->over == PLAN_OVER_MEAN, any = false;
    double sum_of_places = 0, places = 0;
    for (size_t i = 0; i < slow->count; i++) {
        const struct telling *telling = &slow->told[i];
        bool old = condition->window == PLAN_WINDOW_FIXED &&
                   telling->onset_us <= slow->as_of_us - condition->window_us;
        bool wanted = mean || condition->over == PLAN_OVER_ANY ||
                      (condition->over == PLAN_OVER_CITY) == (telling->county < 0);
        if (slow->replaced[i] || !telling->gauge || old || !wanted || overtaken(slow, i, mean))
            continue;
        double reading = condition->round_up ? ceil(telling->reading) : telling->reading;
        any = any || plan_bounds_hold(&condition->bounds, reading);
        sum_of_places += telling->reading;
        places++;
    }
    if (!mean || places == 0)
        return !mean && any;
    double of_all = sum_of_places / places;
    return plan_bounds_hold(&condition->bounds, condition->round_up ? ceil(of_all) : of_all);
}

static bool sign_stands(const struct slow *slow, const char *sign)
{
    bool stands[5] = {false};
    for (size_t i = 0; i < slow->count; i++) {
        const struct telling *telling = &slow->told[i];
        if (telling->sign && strcmp(telling->sign, sign) == 0)
            stands[telling->county + 1] = true;
        if (telling->lifted && strcmp(telling->lifted, sign) == 0)
            stands[telling->county + 1] = false;
    }
    return stands[0] || stands[1] || stands[2] || stands[3] || stands[4];
}

static bool designated(const struct slow *slow, const struct plan_condition *condition, int level)
{
    for (size_t i = 0; i < slow->designation_count; i++) {
        int unit = plan_find_unit(slow->plan, slow->designations[i].unit);
        for (size_t k = 0; k < condition->unit_count; k++) {
            if (slow->designations[i].level == level && (size_t)unit == condition->units[k])
                return true;
        }
    }
    return false;
}

static bool slow_holds(const struct slow *slow, const struct plan_condition *condition, int level,
                       const struct telling *late)
{
    bool all = true, any = false;
    for (size_t i = 0; i < condition->child_count; i++) {
        bool child = slow_holds(slow, &condition->children[i], level, late);
        all = all && child;
        any = any || child;
    }
    switch (condition->kind) {
    case PLAN_ALL:
        return all;
    case PLAN_ANY:
        return any;
    case PLAN_NOT:
        return !any;
    case PLAN_GAUGE:
        return gauge_holds(slow, condition);
    case PLAN_SIGN:
        return sign_stands(slow, slow->plan->signs[condition->sign].id);
    case PLAN_DESIGNATED:
        return designated(slow, condition, level);
    default:
        return count_holds(slow, condition, late);
    }
}

static bool concerns(const struct slow *slow, const struct plan_criterion *criterion)
{
    char class_code = slow->plan->hazards[slow->hazard].class_code;
    for (size_t i = 0; i < criterion->hazard_count; i++) {
        if (criterion->hazards[i] == (size_t)slow->hazard)
            return true;
    }
    return criterion->hazard_count == 0 &&
           (!*criterion->classes || (class_code && strchr(criterion->classes, class_code)));
}

static bool asks(const struct slow *slow, const struct plan_condition *condition,
                 const char *measure)
{
    bool counts = condition->kind == PLAN_COUNT || condition->kind == PLAN_AREAS ||
                  condition->kind == PLAN_PLACES;
    if (counts && strcmp(slow->plan->measures[condition->measure].id, measure) == 0)
        return true;
    for (size_t i = 0; i < condition->child_count; i++) {
        if (asks(slow, &condition->children[i], measure))
            return true;
    }
    return false;
}

/* Does any criterion for the hazard count this measure? */
static bool counted(const struct slow *slow, const char *measure)
{
    for (size_t i = 0; i < slow->plan->criterion_count; i++) {
        const struct plan_criterion *criterion = &slow->plan->criteria[i];
        if (concerns(slow, criterion) && asks(slow, &criterion->when, measure))
            return true;
    }
    return false;
}

static void assert_like_slow(struct slow *slow, const Liandong__V1__Grade *grade,
                             const struct telling *late, unsigned seed, size_t step)
{
    int suggested = PLAN_NONE;
    size_t held = 0;
    for (size_t i = 0; i < slow->plan->criterion_count; i++) {
        const struct plan_criterion *criterion = &slow->plan->criteria[i];
        if (!concerns(slow, criterion))
            continue;
        bool now = slow_holds(slow, &criterion->when, criterion->level, NULL);
        bool past = late && slow_holds(slow, &criterion->when, criterion->level, late);
        if (now && plan_level_reaches(criterion->level, suggested))
            suggested = criterion->level;
        if ((now || past) && plan_level_reaches(criterion->level, slow->level))
            slow->level = criterion->level;
        if (!now && !past)
            continue;
        if (held >= grade->n_holding || strcmp(grade->holding[held]->id, criterion->id) != 0)
            fail_msg("seed %u step %zu: %s should hold", seed, step, criterion->id);
        held++;
    }
    if (held != grade->n_holding || (int)grade->level != slow->level ||
        (int)grade->suggested != suggested)
        fail_msg("seed %u step %zu: %zu hold, level %d, suggested %d; expected %zu, %d, %d", seed,
                 step, grade->n_holding, (int)grade->level, (int)grade->suggested, held,
                 slow->level, suggested);
}

static unsigned chance(unsigned *random, unsigned of)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 12) % of;
}

static struct telling random_telling(unsigned *random, const struct slow *slow, char *id)
{
    static const char *const places[] = {"", "", "market", "quay", "school"};
    static const char *const signs[] = {"spreading", "imported", "endangers-city",
                                        "epidemic-elsewhere"};
    struct telling telling = {.county = (int)chance(random, 5) - 1,
                              .onset_us = (int64_t)chance(random, 80) * 6 * LD_US_HOUR,
                              .place = places[chance(random, 5)],
                              .id = id};
    if (chance(random, 4))
        telling.onset_us = slow->as_of_us / 2 + telling.onset_us / 2;
    if (chance(random, 5))
        telling.cases = (double)(chance(random, 3) ? chance(random, 4) : chance(random, 25));
    if (!chance(random, 6))
        telling.deaths = (double)chance(random, 4);
    if (!chance(random, 3)) {
        telling.gauge = "excess-over-5y-mean";
        telling.reading = (double)chance(random, 30) / 10;
    }
    if (!chance(random, 6))
        telling.sign = signs[chance(random, 4)];
    else if (!chance(random, 4))
        telling.lifted = signs[chance(random, 4)];
    return telling;
}

/* One in eight replaces an earlier report that still stands. */
static void random_revision(unsigned *random, struct slow *slow, struct telling *telling)
{
    if (slow->count == 0 || chance(random, 8))
        return;
    size_t old = chance(random, (unsigned)slow->count);
    if (slow->replaced[old])
        return;
    slow->replaced[old] = true;
    telling->revises = slow->told[old].id;
}

#define READS(id, over)                                                                            \
    "  - {id: " id                                                                                 \
    ", level: I, section: \"0\", hazards: [measles], text: {zh: 测, en: measured}, "              \
    "when: {gauge: {measure: excess-over-5y-mean, " over "}}}\n"

/* Every form of a reading, as a criterion of its own. */
static void adopt_with_gauges(struct rig *rig)
{
    static const struct world_edit edits[] = {
        {"\nwarnings:\n",
         "\n" READS("x-county", "over: county, within: 3d, at_least: 2.5")
             READS("x-city", "over: city, at_least: 1.5")
                 READS("x-city-new", "over: city, within: 1d, less_than: 0.5")
                     READS("x-any", "over: any, within: 2d, at_least: 2.9")
                         READS("x-round", "over: any, round: up, less_than: 1")
                             READS("x-mean", "over: mean, at_least: 1.5, at_most: 1.6") READS(
                                 "x-mean-new",
                                 "over: mean, within: 4d, round: up, at_least: 2") "warnings:\n"},
    };
    rig_adopt(rig, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", edits, 1, "wenzhou-phe");
}

static void random_stream(const char *hazard, unsigned seed)
{
    static char ids[TOLD_MAX][8];
    static const char *const units[] = {"3303.gov", "33.gov", "cn.gov", "3303.health",
                                        "3303.education"};
    struct rig rig;
    char incident[64];
    snprintf(incident, sizeof incident, "3303-%s-20260101-1", hazard);
    rig_open(&rig, incident, hazard);
    if (strcmp(hazard, "measles") == 0)
        adopt_with_gauges(&rig);
    struct slow slow = {.plan = rig.plan, .hazard = plan_find_hazard(rig.plan, hazard)};
    unsigned random = seed;
    for (size_t step = 0; step < STEPS; step++) {
        if (slow.count > 0 && !chance(&random, 25)) {
            size_t n = slow.designation_count++;
            slow.designations[n].unit = units[chance(&random, 5)];
            slow.designations[n].level = 1 + (int)chance(&random, 4);
            designate(&rig, slow.designations[n].unit, slow.designations[n].level);
            assert_like_slow(&slow, grade_now(&rig), NULL, seed, step);
            continue;
        }
        snprintf(ids[slow.count], sizeof ids[0], "r%zu", slow.count);
        struct telling telling = random_telling(&random, &slow, ids[slow.count]);
        random_revision(&random, &slow, &telling);
        bool counts = (telling.cases > 0 && counted(&slow, "cases")) ||
                      (telling.deaths > 0 && counted(&slow, "deaths"));
        bool late = slow.count > 0 && telling.onset_us < slow.as_of_us && counts;
        slow.told[slow.count++] = telling;
        if (telling.onset_us > slow.as_of_us)
            slow.as_of_us = telling.onset_us;
        tell(&rig, telling);
        assert_like_slow(&slow, grade_now(&rig), late ? &telling : NULL, seed, step);
    }
    if (seed % 12 == 0)
        rig_close(&rig);
    else
        world_close(&rig.world);
}

static void like_the_slow_one(void **state)
{
    static const char *const hazards[] = {"cholera", "plague.bubonic", "measles", "unknown-illness",
                                          "poisoning"};
    (void)state;
    for (unsigned seed = 1; seed <= STREAMS; seed++)
        random_stream(hazards[seed % 5], seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(like_the_slow_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
