/*
 * The life of a plan, through all cores at once: a version and its hash on the log; the same
 * version again, without effect; a new version for new incidents only, while an open epidemic and
 * an open accident stay with theirs until they are closed; an old version again; a version for
 * exercises.
 */
#include "reporting_rig.h"

#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "common/host.h"

#define PLAN     LIANDONG_SOURCE "/plans/wenzhou-phe.yaml"
#define ACCIDENT "poisoning.occupational"

/* The second version grades cholera earlier and names one duty anew. */
static const struct world_edit SECOND[] = {
    {"over: county, at_least: 10, at_most: 29", "over: county, at_least: 5, at_most: 29"},
    {"{id: a1.34.1, from: IV", "{id: a1.34.renamed, from: IV"},
};

struct life {
    struct world world;
    char first[PLAN_HASH_HEX + 1], second[PLAN_HASH_HEX + 1];
};

static const char *in_force(const struct world *world, bool exercise)
{
    return sv_plans_current(sv_host_plans(sv_sim_host(world->sim), exercise), "wenzhou-phe")->hash;
}

static void open_life(struct life *life)
{
    world_open(&life->world, NULL);
    snprintf(life->first, sizeof life->first, "%s", in_force(&life->world, false));
    life->second[0] = '\0';
}

static size_t adopt_second(struct life *life)
{
    size_t index = life->world.count;
    world_adopt(&life->world, PLAN, SECOND, sizeof SECOND / sizeof SECOND[0]);
    snprintf(life->second, sizeof life->second, "%s", in_force(&life->world, false));
    assert_string_not_equal(life->first, life->second);
    return index;
}

/* The very adoption that is on the log at this place, once more. */
static size_t adopt_logged(struct world *world, size_t place, uint16_t flags)
{
    const struct ld_record record = world->all[place].record;
    size_t index = world->count;
    assert_int_equal(sv_sim_publish(world->sim, "3303.gov", "plan/wenzhou-phe", record.payload,
                                    record.payload_size, flags, NULL, NULL),
                     LD_OK);
    return index;
}

static void assert_receipt(const struct world *world, size_t index, const char *code)
{
    const Liandong__V1__Receipt *receipt = (const void *)world_after(world, index, SV_RECEIPT, 0);
    assert_non_null(receipt);
    assert_true(receipt->accepted);
    assert_string_equal(receipt->code, code);
}

static const Liandong__V1__Incident *report(struct world *world, const char *hazard, double cases,
                                            uint16_t flags)
{
    struct filing one = filing();
    one.hazard = hazard;
    one.value = cases;
    one.flags = flags;
    size_t index = file(world, one);
    const Liandong__V1__Incident *incident =
        (const void *)world_after(world, index, SV_INCIDENT, 0);
    assert_non_null(incident);
    return incident;
}

static void assert_pinned(const Liandong__V1__Incident *incident, int action, const char *hash)
{
    assert_int_equal(incident->action, action);
    assert_string_equal(incident->context->plan_hash, hash);
}
enum {
    OPENED = LIANDONG__V1__INCIDENT__ACTION__OPENED,
    JOINED = LIANDONG__V1__INCIDENT__ACTION__JOINED
};

/* The incident's grade as last said, and that it was said under this version. */
static int grade_of(const struct world *world, const char *incident, const char *hash)
{
    int level = -1;
    for (size_t i = 0; i < world->count; i++) {
        const Liandong__V1__Grade *grade = (const void *)world->all[i].message;
        if (world->all[i].family != SV_GRADE || strcmp(grade->context->incident, incident) != 0)
            continue;
        assert_string_equal(grade->context->plan_hash, hash);
        level = (int)grade->level;
    }
    return level;
}

static void decide(struct world *world, const char *incident, const char *unit, int act, int level)
{
    char topic[160];
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = sv_borrow(incident);
    context.author = sv_borrow(unit);
    Liandong__V1__Decision decision = LIANDONG__V1__DECISION__INIT;
    decision.context = &context;
    decision.act = (Liandong__V1__Decision__Act)act;
    decision.level = (Liandong__V1__Level)level;
    decision.area = sv_borrow("3303");
    decision.in_favour = true;
    snprintf(topic, sizeof topic, "decision/3303/%s/%s", incident, unit);
    size_t index = world_publish(world, unit, topic, &decision.base, 0);
    assert_receipt(world, index, "accepted");
}

static void respond(struct world *world, const char *incident)
{
    decide(world, incident, "3303.health-experts", LIANDONG__V1__DECISION__ACT__ASSESS, 4);
    decide(world, incident, "3303.health", LIANDONG__V1__DECISION__ACT__DECIDE, 4);
    decide(world, incident, "3303.gov", LIANDONG__V1__DECISION__ACT__APPROVE, 4);
}

/* How many orders of this duty the incident has, each issued under this version. */
static size_t orders(const struct world *world, const char *incident, const char *duty,
                     const char *hash)
{
    size_t count = 0;
    for (size_t i = 0; i < world->count; i++) {
        const Liandong__V1__DutyOrder *order = (const void *)world->all[i].message;
        if (world->all[i].family != SV_DUTY || strcmp(order->context->incident, incident) != 0 ||
            order->state != LIANDONG__V1__DUTY_ORDER__STATE__ISSUED)
            continue;
        assert_string_equal(order->context->plan_hash, hash);
        count += strcmp(order->duty, duty) == 0;
    }
    return count;
}

/* ---- the tests ---- */

static void version_and_hash_are_on_the_log(void **state)
{
    struct life life;
    struct plan_file files[PLAN_BUNDLE_MAX_FILES];
    char hash[PLAN_HASH_HEX + 1];
    (void)state;
    open_life(&life);
    size_t index = adopt_second(&life);
    assert_receipt(&life.world, index, "accepted");
    const Liandong__V1__PlanAdoption *adoption = (const void *)life.world.all[index].message;
    for (size_t i = 0; i < adoption->n_files; i++)
        files[i] = (struct plan_file){adoption->files[i]->name,
                                      (const char *)adoption->files[i]->content.data,
                                      adoption->files[i]->content.len};
    plan_hash(files, adoption->n_files, hash); /* of the bytes on the log, nothing else */
    assert_string_equal(hash, life.second);
    assert_string_equal(adoption->context->plan_hash, life.second);
    assert_int_equal(life.world.count, index + 2); /* the adoption and its receipt: no more */
    world_close(&life.world);
}

/* Topic and time of all that follows, but for an adoption and its receipt. */
static char *course(const struct world *world, size_t from)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    for (size_t i = from; i < world->count; i++) {
        const struct ld_record *record = &world->all[i].record;
        if (world->all[i].family != SV_PLAN && world->all[i].family != SV_RECEIPT)
            fprintf(stream, "%lld %.*s\n", (long long)record->time_us, (int)record->topic_size,
                    record->topic);
    }
    fclose(stream);
    return text;
}

static char *course_of_two_days(bool adopted_again)
{
    struct life life;
    open_life(&life);
    char incident[64];
    snprintf(incident, sizeof incident, "%s",
             report(&life.world, "cholera", 1, 0)->context->incident);
    respond(&life.world, incident);
    size_t from = life.world.count;
    sv_sim_advance(life.world.sim, sv_sim_now(life.world.sim) + 40 * LD_US_MINUTE);
    if (adopted_again) {
        size_t index = adopt_logged(&life.world, 0, 0);
        assert_receipt(&life.world, index, "no-change");
        assert_int_equal(life.world.count, index + 2);
    }
    sv_sim_advance(life.world.sim, sv_sim_now(life.world.sim) + 2 * LD_US_DAY);
    assert_string_equal(report(&life.world, "cholera", 1, 0)->context->incident, incident);
    char *text = course(&life.world, from);
    world_close(&life.world);
    return text;
}

/* No order comes again, no clock starts anew, nothing is late at another time. */
static void the_same_version_again_changes_nothing(void **state)
{
    (void)state;
    char *once = course_of_two_days(false), *again = course_of_two_days(true);
    assert_string_equal(once, again);
    assert_non_null(strstr(once, "duty/3303/"));
    free(once);
    free(again);
}

static void open_incidents_stay_with_their_version(void **state)
{
    struct life life;
    (void)state;
    open_life(&life);
    struct world *world = &life.world;
    char epidemic[64], accident[64];
    snprintf(epidemic, sizeof epidemic, "%s", report(world, "cholera", 1, 0)->context->incident);
    snprintf(accident, sizeof accident, "%s", report(world, ACCIDENT, 3, 0)->context->incident);
    size_t adopted = adopt_second(&life);
    /* the epidemic adds up and keeps its rules: 6 would be III by the second */
    const Liandong__V1__Incident *joined = report(world, "cholera", 5, 0);
    assert_pinned(joined, JOINED, life.first);
    assert_string_equal(joined->context->incident, epidemic);
    assert_int_equal(grade_of(world, epidemic, life.first), 4);
    joined = report(world, "cholera", 4, 0);
    assert_pinned(joined, JOINED, life.first);
    assert_int_equal(grade_of(world, epidemic, life.first), 3); /* 10 */
    /* so do its response and its orders */
    respond(world, accident);
    assert_int_equal(orders(world, accident, "a1.34.1", life.first), 1);
    assert_int_equal(orders(world, accident, "a1.34.renamed", life.first), 0);
    /* an accident counts by itself: the next one goes by the new version */
    const Liandong__V1__Incident *next = report(world, ACCIDENT, 2, 0);
    assert_pinned(next, OPENED, life.second);
    assert_string_not_equal(next->context->incident, accident);
    char second_accident[64];
    snprintf(second_accident, sizeof second_accident, "%s", next->context->incident);
    respond(world, second_accident);
    assert_int_equal(orders(world, second_accident, "a1.34.renamed", life.second), 1);
    assert_int_equal(orders(world, second_accident, "a1.34.1", life.second), 0);
    world_survives_snapshot_at(world, NULL, adopted); /* both versions are in it */
    world_close(world);
}

static void closing_lets_go_of_the_version(void **state)
{
    struct life life;
    (void)state;
    open_life(&life);
    struct world *world = &life.world;
    const Liandong__V1__Incident *opened = report(world, "cholera", 1, 0);
    assert_pinned(opened, OPENED, life.first);
    char epidemic[64];
    snprintf(epidemic, sizeof epidemic, "%s", opened->context->incident);
    adopt_second(&life);
    struct filing final = filing();
    final.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    final.measure = NULL;
    final.incident = epidemic;
    file(world, final);
    sv_sim_advance(world->sim, sv_sim_now(world->sim) + LD_US_DAY);
    opened = report(world, "cholera", 6, 0);
    assert_pinned(opened, OPENED, life.second);
    assert_string_not_equal(opened->context->incident, epidemic);
    assert_int_equal(grade_of(world, opened->context->incident, life.second), 3);
    assert_int_equal(grade_of(world, epidemic, life.first), 4);
    world_close(world);
}

static void an_old_version_can_come_back(void **state)
{
    struct life life;
    (void)state;
    open_life(&life);
    adopt_second(&life);
    assert_pinned(report(&life.world, ACCIDENT, 1, 0), OPENED, life.second);
    size_t index = adopt_logged(&life.world, 0, 0);
    assert_receipt(&life.world, index, "accepted");
    assert_string_equal(in_force(&life.world, false), life.first);
    assert_pinned(report(&life.world, ACCIDENT, 1, 0), OPENED, life.first);
    world_close(&life.world);
}

static void an_exercise_adopts_for_itself(void **state)
{
    struct life life;
    (void)state;
    open_life(&life);
    struct world *world = &life.world;
    size_t second = adopt_second(&life);
    adopt_logged(world, 0, 0); /* the first is in force, in both worlds */
    size_t index = adopt_logged(world, second, LD_RECORD_EXERCISE);
    assert_receipt(world, index, "accepted");
    assert_string_equal(in_force(world, false), life.first);
    assert_string_equal(in_force(world, true), life.second);
    assert_pinned(report(world, ACCIDENT, 1, 0), OPENED, life.first);
    assert_pinned(report(world, ACCIDENT, 1, LD_RECORD_EXERCISE), OPENED, life.second);
    world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_and_hash_are_on_the_log),
        cmocka_unit_test(the_same_version_again_changes_nothing),
        cmocka_unit_test(open_incidents_stay_with_their_version),
        cmocka_unit_test(closing_lets_go_of_the_version),
        cmocka_unit_test(an_old_version_can_come_back),
        cmocka_unit_test(an_exercise_adopts_for_itself),
    };
    world_add_all = sv_host_add_all;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
