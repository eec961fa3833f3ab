/*
 * reporting: what is refused and why, how incidents open, are joined and close, revisions, and the
 * two worlds. The clocks have a test of their own.
 */
#include "reporting_rig.h"

#include <math.h>

static int setup(void **state)
{
    static struct world world;
    world_open(&world, &reporting_class);
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    world_survives_snapshots(*state, &reporting_class);
    world_close(*state);
    return 0;
}

/* ---- refusals ---- */

static void refuses_by_name(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.author = "330303.health";
    refused(world, f, "wrong-author");
    f = filing();
    f.topic = "report/330303/cholera/330302.health";
    refused(world, f, "topic-mismatch");
    f = filing();
    f.topic = "report/330302/cholera";
    f.unit = "cholera";
    refused(world, f, "bad-topic");
    f = filing();
    f.unit = "330302.nobody";
    refused(world, f, "unknown-unit");
    f = filing();
    f.unit = "3303.sports";
    const Liandong__V1__Receipt *receipt = refused(world, f, "not-a-reporter");
    assert_string_equal(receipt->section, "5.2.2");
    assert_non_null(strstr(receipt->reason->en, "3303.sports"));
}

static void refuses_where_and_what(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.area = "330399";
    const Liandong__V1__Receipt *receipt = refused(world, f, "unknown-area");
    assert_non_null(strstr(receipt->reason->zh, "330399"));
    f = filing();
    f.area = "3304";
    refused(world, f, "unknown-area");
    f = filing();
    f.area = "33";
    refused(world, f, "unknown-area");
    f = filing();
    f.hazard = "meteor";
    refused(world, f, "unknown-hazard");
    f = filing();
    f.hazard = "respiratory.covid-19";
    refused(world, f, "no-plan");
}

static void refuses_ids_and_sizes(void **state)
{
    struct world *world = *state;
    char text[300];
    memset(text, 'i', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct filing f = filing();
    f.id = "";
    refused(world, f, "missing-id");
    f.id = text;
    refused(world, f, "too-long");
    f = filing();
    f.place = text;
    refused(world, f, "too-long");
    f = filing();
    f.narrative_size = 16385;
    refused(world, f, "too-long");
    f.narrative_size = 16384;
    accepted(world, f);
    refused(world, f, "duplicate-id");
    f.unit = "330302.cdc"; /* another unit's numbers are its own */
    accepted(world, f);
}

static void refuses_times(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.occurred_us = 5 * LD_US_MINUTE + 1;
    refused(world, f, "from-the-future");
    f.occurred_us = 0;
    f.received_us = 5 * LD_US_MINUTE + 1;
    refused(world, f, "from-the-future");
    f.received_us = 0;
    f.no_onset = true;
    refused(world, f, "missing-onset");
    f.no_onset = false;
    f.occurred_us = f.received_us = 5 * LD_US_MINUTE;
    accepted(world, f);
}

static void refuses_numbers(void **state)
{
    struct world *world = *state;
    static const struct {
        double value;
        const char *code;
    } counts[] = {{-1, "negative-count"},
                  {1.5, "not-a-count"},
                  {1e10, "not-a-count"},
                  {NAN, "not-a-number"},
                  {INFINITY, "not-a-number"}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct filing f = filing();
        f.value = counts[i].value;
        refused(world, f, counts[i].code);
    }
    struct filing f = filing();
    f.measure = "hopes";
    refused(world, f, "unknown-measure");
    f.measure = f.measure2 = "cases";
    refused(world, f, "repeated-measure");
    f = filing();
    f.kind = LIANDONG__V1__REPORT__KIND__ZERO;
    refused(world, f, "zero-with-numbers");
    f = filing();
    f.measure = "excess-over-5y-mean"; /* a gauge may be any number */
    f.value = -0.5;
    accepted(world, f);
    f = filing();
    f.value = 0;
    accepted(world, f);
}

static void refuses_words(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.sign = "doom";
    refused(world, f, "unknown-sign");
    f.sign = NULL;
    f.lifted = "doom";
    refused(world, f, "unknown-sign");
    f.sign = f.lifted = "spreading";
    refused(world, f, "contradiction");
    f = filing();
    f.channel = "rumour-mill";
    refused(world, f, "unknown-channel");
    f = filing();
    f.kind = 0;
    refused(world, f, "bad-kind");
    f.kind = 77;
    refused(world, f, "bad-kind");
    f = filing();
    f.means = 9;
    refused(world, f, "bad-means");
}

static void refuses_other_incidents(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.incident = "3303-cholera-20260101-1";
    refused(world, f, "unknown-incident");
    f.incident = NULL;
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    f.measure = NULL;
    refused(world, f, "no-open-incident");
    char incident[64];
    snprintf(incident, sizeof incident, "%s", accepted(world, filing()));
    f = filing();
    f.hazard = "measles";
    f.incident = incident;
    refused(world, f, "other-incident");
    f = filing();
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    accepted(world, f);
    f = filing();
    f.incident = incident;
    refused(world, f, "incident-closed");
}

static void malformed_is_answered(void **state)
{
    struct world *world = *state;
    size_t index = world->count;
    assert_int_equal(sv_sim_publish(world->sim, "330302.health",
                                    "report/330302/cholera/330302.health", "\x0a\x05xx", 4, 0, NULL,
                                    NULL),
                     LD_OK);
    const Liandong__V1__Receipt *receipt = receipt_after(world, index);
    assert_string_equal(receipt->code, "malformed");
    const struct ld_record *record = &world->all[index + 1].record;
    assert_memory_equal(record->topic, "receipt/330302/330302.health", record->topic_size);
}

/* ---- incidents ---- */

static void epidemic_adds_up(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.occurred_us = -3 * LD_US_DAY;
    size_t index = file(world, f);
    const Liandong__V1__Receipt *receipt = receipt_after(world, index);
    assert_string_equal(receipt->context->incident, "3303-cholera-20251229-1");
    assert_string_equal(receipt->subject, "report/330302/cholera/330302.health");
    const Liandong__V1__Incident *incident = incident_after(world, index, 0);
    assert_int_equal(incident->action, LIANDONG__V1__INCIDENT__ACTION__OPENED);
    assert_string_equal(incident->area, "3303");
    assert_string_equal(incident->hazard, "cholera");
    assert_string_equal(incident->reporter, "330302.health");
    assert_string_equal(incident->report->id, f.id);
    assert_null(incident->report->context);
    assert_int_equal(incident->report_sequence, world->all[index].record.sequence);
    assert_int_equal(world_count_after(world, index, SV_INCIDENT), 1);
    f = filing();
    f.unit = "330303.health";
    f.area = "330303";
    index = file(world, f);
    incident = incident_after(world, index, 0);
    assert_int_equal(incident->action, LIANDONG__V1__INCIDENT__ACTION__JOINED);
    assert_string_equal(incident->context->incident, "3303-cholera-20251229-1");
    assert_int_equal(incident->n_counties, 2);
    assert_string_equal(incident->counties[0], "330302");
    assert_string_equal(incident->counties[1], "330303");
    f = filing();
    f.hazard = "measles"; /* another hazard, another incident */
    assert_string_equal(accepted(world, f), "3303-measles-20260101-1");
}

static void accidents_stand_alone(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.hazard = "poisoning";
    assert_string_equal(accepted(world, f), "3303-poisoning-20260101-1");
    f.id = "second";
    assert_string_equal(accepted(world, f), "3303-poisoning-20260101-2");
    f.id = "third";
    f.incident = "3303-poisoning-20260101-1";
    assert_string_equal(accepted(world, f), "3303-poisoning-20260101-1");
    f.id = "fourth";
    f.incident = NULL;
    f.revises = "second";
    assert_string_equal(accepted(world, f), "3303-poisoning-20260101-2");
}

static void zero_report_opens_nothing(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.kind = LIANDONG__V1__REPORT__KIND__ZERO;
    f.measure = NULL;
    f.no_onset = true;
    size_t index = file(world, f);
    assert_true(receipt_after(world, index)->accepted);
    assert_int_equal(world_count_after(world, index, SV_INCIDENT), 0);
    accepted(world, filing());
    f.id = "zero-2";
    index = file(world, f);
    const Liandong__V1__Incident *incident = incident_after(world, index, 0);
    assert_int_equal(incident->action, LIANDONG__V1__INCIDENT__ACTION__JOINED);
    assert_int_equal(incident->report->occurred_at_us, sv_sim_now(world->sim));
}

static void revisions(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.revises = "nothing";
    refused(world, f, "unknown-revised");
    f = filing();
    f.id = "one";
    accepted(world, f);
    f.id = "two";
    f.revises = "one";
    accepted(world, f);
    f.id = "three";
    const Liandong__V1__Receipt *receipt = refused(world, f, "already-revised");
    assert_non_null(strstr(receipt->reason->en, "two"));
    f.revises = "two";
    accepted(world, f);
    f.unit = "330302.cdc";
    f.revises = "three"; /* another unit's report */
    refused(world, f, "unknown-revised");
}

static size_t final(struct world *world)
{
    struct filing f = filing();
    f.kind = LIANDONG__V1__REPORT__KIND__FINAL;
    f.measure = NULL;
    return file(world, f);
}

static void final_report_closes(void **state)
{
    struct world *world = *state;
    char first[64];
    snprintf(first, sizeof first, "%s", accepted(world, filing()));
    size_t index = final(world);
    assert_int_equal(world_count_after(world, index, SV_INCIDENT), 2);
    assert_int_equal(incident_after(world, index, 0)->action,
                     LIANDONG__V1__INCIDENT__ACTION__JOINED);
    const Liandong__V1__Incident *closed = incident_after(world, index, 1);
    assert_int_equal(closed->action, LIANDONG__V1__INCIDENT__ACTION__CLOSED);
    assert_int_equal(closed->report_sequence, world->all[index].record.sequence);
    const char *second = accepted(world, filing());
    assert_string_equal(first, "3303-cholera-20260101-1");
    assert_string_equal(second, "3303-cholera-20260101-2");
}

static void final_report_waits_for_the_response(void **state)
{
    struct world *world = *state;
    accepted(world, filing());
    const char *incident = "3303-cholera-20260101-1";
    responded(world, incident, 4);
    size_t index = final(world);
    assert_int_equal(world_count_after(world, index, SV_INCIDENT), 1);
    index = responded(world, incident, 0);
    assert_int_equal(incident_after(world, index, 0)->action,
                     LIANDONG__V1__INCIDENT__ACTION__CLOSED);
}

static void news_takes_the_final_report_back(void **state)
{
    struct world *world = *state;
    accepted(world, filing());
    const char *incident = "3303-cholera-20260101-1";
    responded(world, incident, 4);
    final(world);
    accepted(world, filing());
    size_t index = responded(world, incident, 0);
    assert_int_equal(world_count_after(world, index, SV_INCIDENT), 0);
    final(world);
    index = responded(world, incident, 0);
    assert_int_equal(world_count_after(world, index, SV_INCIDENT), 0); /* closed already */
}

static void pinned_to_its_plan(void **state)
{
    struct world *world = *state;
    size_t index = file(world, filing());
    const Liandong__V1__Incident *incident = incident_after(world, index, 0);
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe");
    assert_string_equal(incident->context->plan, "wenzhou-phe");
    assert_string_equal(incident->context->plan_hash, plan->hash);
}

static void worlds_never_mix(void **state)
{
    struct world *world = *state;
    struct filing f = filing();
    f.flags = LD_RECORD_EXERCISE;
    size_t index = file(world, f);
    assert_true(receipt_after(world, index)->accepted);
    for (size_t i = index + 1; i < world->count; i++) {
        assert_int_equal(world->all[i].record.flags, LD_RECORD_EXERCISE);
        assert_true(world->all[i].record.producer_sequence & 0x8000);
    }
    f.flags = 0; /* the same number is new in the actual world, and opens an incident of its own */
    index = file(world, f);
    assert_true(receipt_after(world, index)->accepted);
    assert_int_equal(incident_after(world, index, 0)->action,
                     LIANDONG__V1__INCIDENT__ACTION__OPENED);
    for (size_t i = index + 1; i < world->count; i++)
        assert_int_equal(world->all[i].record.flags, 0);
}

static void nonsense_is_ignored(void **state)
{
    struct world *world = *state;
    accepted(world, filing());
    size_t index = graded(world, "3303-measles-20260101-1", 1, 7);
    graded(world, "3303-cholera-20260101-1", 1, 77777);
    responded(world, "3303-measles-20260101-1", 1);
    Liandong__V1__Grade grade = LIANDONG__V1__GRADE__INIT;
    world_publish(world, "grading", "grade/3303/x", &grade.base, 0);
    assert_int_equal(world_count_after(world, index, SV_CLOCK), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(refuses_by_name),
        TEST(refuses_where_and_what),
        TEST(refuses_ids_and_sizes),
        TEST(refuses_times),
        TEST(refuses_numbers),
        TEST(refuses_words),
        TEST(refuses_other_incidents),
        TEST(malformed_is_answered),
        TEST(epidemic_adds_up),
        TEST(accidents_stand_alone),
        TEST(zero_report_opens_nothing),
        TEST(revisions),
        TEST(final_report_closes),
        TEST(final_report_waits_for_the_response),
        TEST(news_takes_the_final_report_back),
        TEST(pinned_to_its_plan),
        TEST(worlds_never_mix),
        TEST(nonsense_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
