/* Notices: to whom, what they refer to, and that each is a good CAP 1.2 message, by our own schema
 * and, where it is at hand, by the official one. */
#include "world.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/report.pb-c.h"

#define INCIDENT "3303-cholera-20260101-1"
#define OFFICIAL LIANDONG_SOURCE "/../shared/data/CAP-v1.2.xsd"

typedef Liandong__V1__Notice notice;

static char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant};
    return either.plain;
}

static Liandong__V1__Context context_of(struct world *world)
{
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe");
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.incident = text(INCIDENT);
    context.plan = text(plan->id);
    context.plan_hash = text(plan->hash);
    return context;
}

static void report_cases(struct world *world, const char *id, const char *revises, double cases,
                         uint16_t flags)
{
    Liandong__V1__Context context = context_of(world);
    Liandong__V1__Measure measure = LIANDONG__V1__MEASURE__INIT, *measures[] = {&measure};
    Liandong__V1__Report report = LIANDONG__V1__REPORT__INIT;
    Liandong__V1__Incident incident = LIANDONG__V1__INCIDENT__INIT;
    measure.measure = text("cases");
    measure.value = cases;
    report.id = text(id);
    report.revises = text(revises);
    report.n_measures = 1;
    report.measures = measures;
    incident.context = &context;
    incident.action = LIANDONG__V1__INCIDENT__ACTION__JOINED;
    incident.reporter = text("330302.health");
    incident.report = &report;
    world_publish(world, "reporting", "incident/3303/" INCIDENT, &incident.base, flags);
}

static size_t respond_as(struct world *world, const char *area, int state, int level, int previous,
                         bool follows, uint16_t flags)
{
    Liandong__V1__Context context = context_of(world);
    Liandong__V1__Response response = LIANDONG__V1__RESPONSE__INIT;
    char *counties[] = {text("330302")};
    char topic[128];
    response.context = &context;
    response.area = text(area);
    response.state = (Liandong__V1__Response__State)state;
    response.in_force = (Liandong__V1__Level)level;
    response.previous = (Liandong__V1__Level)previous;
    response.by = text("3303.gov");
    response.hazard = text("cholera");
    response.counties = counties;
    response.n_counties = 1;
    response.follows_city = follows;
    snprintf(topic, sizeof topic, "response/%s/%s", area, INCIDENT);
    return world_publish(world, "command", topic, &response.base, flags);
}

static size_t respond(struct world *world, const char *area, int state, int level, int previous,
                      uint16_t flags)
{
    return respond_as(world, area, state, level, previous, false, flags);
}

#define STATE(name) LIANDONG__V1__RESPONSE__STATE__##name
#define KIND(name)  LIANDONG__V1__NOTICE__KIND__##name

static const notice *to_whom(const struct world *world, size_t index, const char *audience)
{
    const notice *found;
    for (size_t n = 0; (found = (const void *)world_after(world, index, SV_NOTICE, n)) != NULL;
         n++) {
        if (strcmp(found->audience, audience) == 0) {
            return found;
        }
    }
    fail_msg("no notice to %s", audience);
    return NULL;
}

/* ---- CAP ---- */

static void ignore(void *data, const char *format, ...)
{
    (void)data, (void)format;
}

static bool valid_by_our_schema(const char *xml)
{
    xmlSetGenericErrorFunc(NULL, ignore);
    xmlRelaxNGParserCtxtPtr parser =
        xmlRelaxNGNewParserCtxt(LIANDONG_SOURCE "/tests/unit/data/cap-1.2.rng");
    xmlRelaxNGPtr schema = xmlRelaxNGParse(parser);
    assert_non_null(schema);
    xmlRelaxNGValidCtxtPtr validator = xmlRelaxNGNewValidCtxt(schema);
    xmlDocPtr document = xmlReadMemory(xml, (int)strlen(xml), "notice", "UTF-8",
                                       XML_PARSE_NONET | XML_PARSE_NOERROR);
    bool valid = document != NULL && xmlRelaxNGValidateDoc(validator, document) == 0;
    xmlFreeDoc(document);
    xmlRelaxNGFreeValidCtxt(validator);
    xmlRelaxNGFree(schema);
    xmlRelaxNGFreeParserCtxt(parser);
    return valid;
}

static bool valid_by_official_schema(const char *xml)
{
    if (access(OFFICIAL, R_OK) != 0) {
        return true;
    }
    xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(OFFICIAL);
    xmlSchemaPtr schema = xmlSchemaParse(parser);
    assert_non_null(schema);
    xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(schema);
    xmlDocPtr document = xmlReadMemory(xml, (int)strlen(xml), "notice", "UTF-8", XML_PARSE_NONET);
    bool valid = document != NULL && xmlSchemaValidateDoc(validator, document) == 0;
    xmlFreeDoc(document);
    xmlSchemaFreeValidCtxt(validator);
    xmlSchemaFree(schema);
    xmlSchemaFreeParserCtxt(parser);
    return valid;
}

/* Identifiers are never used twice in a log. */
static void expect_distinct_identifiers(const struct world *world)
{
    const notice *one, *other;
    for (size_t n = 0; (one = (const void *)world_after(world, 0, SV_NOTICE, n)) != NULL; n += 13) {
        for (size_t m = n + 1; (other = (const void *)world_after(world, 0, SV_NOTICE, m)) != NULL;
             m++) {
            assert_string_not_equal(one->identifier, other->identifier);
        }
    }
}

static void expect_good_cap(const struct world *world, size_t index)
{
    const notice *one;
    for (size_t n = 0; (one = (const void *)world_after(world, index, SV_NOTICE, n)) != NULL; n++) {
        if (!valid_by_our_schema(one->cap) || !valid_by_official_schema(one->cap)) {
            fail_msg("not valid:\n%s", one->cap);
        }
        assert_non_null(strstr(one->cap, one->identifier));
    }
    expect_distinct_identifiers(world);
}

static void our_schema_refuses_what_the_standard_refuses(void **state)
{
    (void)state;
#define ALERT(sent, rest)                                                                          \
    "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>a</identifier>"               \
    "<sender>b</sender><sent>" sent "</sent><status>Exercise</status>" rest "</alert>"
#define NOW "2026-01-01T00:00:00+08:00"
    assert_true(valid_by_our_schema(ALERT(NOW, "<msgType>Alert</msgType><scope>Public</scope>")));
    assert_false(valid_by_our_schema(
        ALERT("2026-01-01T00:00:00Z", "<msgType>Alert</msgType><scope>Public</scope>")));
    assert_false(valid_by_our_schema(
        ALERT("2026-01-01T00:00:00.5+08:00", "<msgType>Alert</msgType><scope>Public</scope>")));
    assert_false(valid_by_our_schema(ALERT(NOW, "<scope>Public</scope><msgType>Alert</msgType>")));
    assert_false(valid_by_our_schema(ALERT(NOW, "<msgType>Alert</msgType><scope>Private</scope>")));
    assert_false(valid_by_our_schema(ALERT(NOW, "<msgType>Update</msgType><scope>Public</scope>")));
    assert_false(valid_by_our_schema(
        ALERT(NOW, "<msgType>Update</msgType><scope>Public</scope><references>a,b</references>")));
    assert_true(valid_by_our_schema(
        ALERT(NOW, "<msgType>Update</msgType><scope>Public</scope><references>b,a," NOW
                   "</references>")));
}

/* ---- who is told what ---- */

static void activation_tells_every_unit_and_the_public(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 60, 0);
    report_cases(&world, "2", "", 10, 0);
    report_cases(&world, "3", "2", 8, 0); /* corrects 10 to 8 */
    size_t index = respond(&world, "3303", STATE(ACTIVE), PLAN_II, PLAN_NONE, 0);
    const struct plan *plan =
        sv_plans_current(sv_host_plans(sv_sim_host(world.sim), false), "wenzhou-phe");
    assert_true(plan->member_count >= 65);
    enum { NEIGHBOURS = 6 }; /* government and health commission of three cities */
    assert_int_equal(world_count_after(&world, index, SV_NOTICE),
                     plan->member_count + NEIGHBOURS + 1);
    const notice *health = to_whom(&world, index, "3303.health");
    assert_int_equal(health->kind, KIND(ALERT));
    assert_int_equal(health->scope, LIANDONG__V1__NOTICE__SCOPE__PRIVATE);
    assert_non_null(strstr(health->body->en, "68"));
    assert_non_null(strstr(health->cap, "<status>Actual</status>"));
    assert_int_equal(to_whom(&world, index, "public")->scope, LIANDONG__V1__NOTICE__SCOPE__PUBLIC);
    expect_good_cap(&world, index);
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void updates_and_the_end_refer_to_all_before(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 60, LD_RECORD_EXERCISE);
    size_t first = respond(&world, "3303", STATE(ACTIVE), PLAN_III, PLAN_NONE, LD_RECORD_EXERCISE);
    size_t second = respond(&world, "3303", STATE(ADJUSTED), PLAN_II, PLAN_III, LD_RECORD_EXERCISE);
    size_t last =
        respond(&world, "3303", STATE(TERMINATED), PLAN_NONE, PLAN_II, LD_RECORD_EXERCISE);
    const notice *alert = to_whom(&world, first, "3303.health");
    const notice *update = to_whom(&world, second, "3303.health");
    const notice *cancel = to_whom(&world, last, "3303.health");
    assert_int_equal(update->kind, KIND(UPDATE));
    assert_int_equal(update->n_references, 1);
    assert_string_equal(update->references[0], alert->identifier);
    assert_int_equal(cancel->kind, KIND(CANCEL));
    assert_int_equal(cancel->n_references, 2);
    assert_string_equal(cancel->references[1], update->identifier);
    assert_non_null(strstr(cancel->cap, "<status>Exercise</status>"));
    expect_good_cap(&world, first);
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void a_response_that_is_started_again_is_told_anew(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    size_t first = world.count;
    report_cases(&world, "1", "", 60, LD_RECORD_EXERCISE);
    report_cases(&world, "1", "", 60, 0);
    respond(&world, "3303", STATE(ACTIVE), PLAN_III, PLAN_NONE, LD_RECORD_EXERCISE);
    respond(&world, "3303", STATE(ACTIVE), PLAN_III, PLAN_NONE, 0);
    respond(&world, "3303", STATE(TERMINATED), PLAN_NONE, PLAN_III, 0);
    size_t again = respond(&world, "3303", STATE(ACTIVE), PLAN_III, PLAN_NONE, 0);
    size_t last = respond(&world, "3303", STATE(ADJUSTED), PLAN_II, PLAN_III, 0);
    const notice *alert = to_whom(&world, again, "3303.health");
    const notice *update = to_whom(&world, last, "3303.health");
    assert_int_equal(alert->kind, KIND(ALERT));
    assert_int_equal(alert->n_references, 0);
    assert_string_equal(alert->identifier, "liandong." INCIDENT ".3303.3.3303.health");
    assert_int_equal(update->n_references, 1);
    assert_string_equal(update->references[0], alert->identifier);
    expect_good_cap(&world, first);
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

static void steps_that_change_nothing_in_force_are_not_told(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 60, 0);
    size_t index = respond(&world, "3303", STATE(PROPOSED), PLAN_NONE, PLAN_NONE, 0);
    respond(&world, "3303", STATE(ASSESSED), PLAN_NONE, PLAN_NONE, 0);
    assert_int_equal(world_count_after(&world, index, SV_NOTICE), 0);
    /* An exercise of the same name does not know the actual incident. */
    respond(&world, "3303", STATE(ACTIVE), PLAN_II, PLAN_NONE, LD_RECORD_EXERCISE);
    assert_int_equal(world_count_after(&world, index, SV_NOTICE), 0);
    world_close(&world);
}

static void a_county_hears_of_its_own_response(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 60, 0);
    size_t index = respond(&world, "330302", STATE(ACTIVE), PLAN_IV, PLAN_NONE, 0);
    to_whom(&world, index, "330302.gov");
    to_whom(&world, index, "public");
    assert_true(world_count_after(&world, index, SV_NOTICE) < 20);
    expect_good_cap(&world, index);
    world_close(&world);
}

/* ---- neighbours, and counties that follow ---- */

static const notice *found_to(const struct world *world, size_t index, const char *audience)
{
    const notice *message;
    for (size_t i = 0; (message = (const void *)world_after(world, index, SV_NOTICE, i)); i++)
        if (strcmp(message->audience, audience) == 0)
            return message;
    return NULL;
}

/* From the level that the plan says, and of all that comes after; in words of their own. */
static void neighbours_are_told(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 3, 0);
    size_t index = respond(&world, "3303", STATE(ACTIVE), PLAN_IV, PLAN_NONE, 0);
    assert_null(found_to(&world, index, "3310.gov"));
    index = respond(&world, "3303", STATE(ADJUSTED), PLAN_III, PLAN_IV, 0);
    const notice *told = to_whom(&world, index, "3310.gov");
    assert_int_equal(told->kind, KIND(ALERT)); /* the first that they hear */
    assert_int_equal(told->n_references, 0);
    assert_string_equal(told->section, "4.1.2(3), 4.2.2(1)");
    assert_string_equal(told->body->zh,
                        "毗邻通报：温州市霍乱事件（" INCIDENT
                        "）定为未定级，现执行III级（黄色）应急响应，范围：鹿城区。请关注本地情况，"
                        "做好防范，互通信息。");
    assert_null(strstr(told->cap, "<references>"));
    assert_int_equal(to_whom(&world, index, "3303.health")->kind, KIND(UPDATE));
    assert_non_null(to_whom(&world, index, "3509.health"));
    assert_null(found_to(&world, index, "3304.gov")); /* no neighbour */
    index = respond(&world, "3303", STATE(ADJUSTED), PLAN_IV, PLAN_III, 0);
    told = to_whom(&world, index, "3310.gov");
    assert_int_equal(told->kind, KIND(UPDATE));
    assert_int_equal(told->n_references, 1);
    assert_string_equal(told->references[0], "liandong." INCIDENT ".3303.2.3310.gov");
    index = respond(&world, "3303", STATE(TERMINATED), PLAN_NONE, PLAN_IV, 0);
    assert_int_equal(to_whom(&world, index, "3310.gov")->n_references, 2);
    assert_int_equal(to_whom(&world, index, "3303.health")->n_references, 3);
    expect_good_cap(&world, index);
    index = respond(&world, "330302", STATE(ACTIVE), PLAN_III, PLAN_NONE, 0);
    assert_non_null(to_whom(&world, index, "330324.gov")); /* a county's own: its neighbours */
    assert_non_null(to_whom(&world, index, "3311.health"));
    assert_null(found_to(&world, index, "3310.gov"));
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

/* What the city's notices say is not said again; once the county goes its own way, it is. */
static void a_county_that_follows(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 3, 0);
    size_t index = respond_as(&world, "330302", STATE(ACTIVE), PLAN_III, PLAN_NONE, true, 0);
    assert_null(found_to(&world, index, "public"));
    assert_null(found_to(&world, index, "330324.gov")); /* a neighbour */
    assert_null(found_to(&world, index, "330302.gov")); /* a member: the city's tell it */
    assert_int_equal(to_whom(&world, index, "330302.cdc")->kind, KIND(ALERT));
    index = respond(&world, "330302", STATE(ADJUSTED), PLAN_II, PLAN_III, 0);
    assert_int_equal(to_whom(&world, index, "public")->kind, KIND(ALERT));
    assert_int_equal(to_whom(&world, index, "330302.gov")->n_references, 0);
    assert_int_equal(to_whom(&world, index, "330302.cdc")->kind, KIND(UPDATE));
    assert_int_equal(to_whom(&world, index, "330302.cdc")->n_references, 1);
    index = respond_as(&world, "330302", STATE(TERMINATED), PLAN_NONE, PLAN_II, true, 0);
    assert_int_equal(to_whom(&world, index, "public")->kind, KIND(CANCEL));
    expect_good_cap(&world, index);
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

/* ---- warnings ---- */

static size_t warn_merged(struct world *world, int state, int level, int previous, int merged)
{
    Liandong__V1__Context context = context_of(world);
    Liandong__V1__Warning warning = LIANDONG__V1__WARNING__INIT;
    warning.context = &context;
    warning.area = text("3303");
    warning.state = (Liandong__V1__Warning__State)state;
    warning.level = warning.in_force = (Liandong__V1__Level)level;
    warning.previous = (Liandong__V1__Level)previous;
    warning.merged = (Liandong__V1__Level)merged;
    warning.by = warning.issued_by = text("3303.health");
    warning.hazard = text("cholera");
    warning.section = text("5.4.4");
    return world_publish(world, "command", "warning/3303/" INCIDENT, &warning.base, 0);
}

static size_t warn(struct world *world, int state, int level, int previous)
{
    return warn_merged(world, state, level, previous, PLAN_NONE);
}

/* What is issued as one is told at the colour of all, and again when that changes; not when others
 * come and go beneath it. */
static void warnings_issued_as_one(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 3, 0);
    size_t index = warn_merged(&world, LIANDONG__V1__WARNING__STATE__ISSUED, 4, 0, 2);
    assert_int_equal(to_whom(&world, index, "public")->level, 2);
    assert_string_equal(to_whom(&world, index, "public")->headline->en,
                        "Wenzhou: orange warning (level II), Cholera");
    index = warn_merged(&world, LIANDONG__V1__WARNING__STATE__MERGED, 4, 2, 2);
    assert_int_equal(world_count_after(&world, index, SV_NOTICE), 0);
    index = warn_merged(&world, LIANDONG__V1__WARNING__STATE__MERGED, 4, 2, 4);
    assert_int_equal(to_whom(&world, index, "public")->kind, KIND(UPDATE));
    assert_int_equal(to_whom(&world, index, "public")->level, 4);
    index = warn(&world, LIANDONG__V1__WARNING__STATE__LAPSED, 0, 4);
    assert_int_equal(to_whom(&world, index, "public")->kind, KIND(CANCEL));
    world_close(&world);
}

static void test_warnings(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 3, 0);
    size_t index = warn(&world, LIANDONG__V1__WARNING__STATE__SIGNED, 3, 0);
    assert_int_equal(world_count_after(&world, index, SV_NOTICE), 0);
    index = warn(&world, LIANDONG__V1__WARNING__STATE__SUGGESTED, 3, 0);
    assert_int_equal(world_count_after(&world, index, SV_NOTICE), 0);
    index = warn(&world, LIANDONG__V1__WARNING__STATE__ISSUED, 3, 0);
    const notice *told = to_whom(&world, index, "public");
    assert_int_equal(told->kind, KIND(ALERT));
    assert_int_equal(told->level, 3);
    assert_true(told->of_warning);
    assert_string_equal(told->section, "5.4.4");
    assert_string_equal(told->identifier, "liandong.warning." INCIDENT ".3303.1.public");
    assert_string_equal(told->signer->en, "Wenzhou Health Commission");
    assert_string_equal(told->headline->zh, "温州市霍乱黄色预警（III级）");
    assert_string_equal(told->headline->en, "Wenzhou: yellow warning (level III), Cholera");
    assert_string_equal(told->body->zh,
                        "温州市发布霍乱黄色预警（III级）。请留意政府发布的信息和防护建议。");
    assert_non_null(strstr(told->cap, "<responseType>Prepare</responseType>"));
    assert_true(valid_by_our_schema(told->cap) && valid_by_official_schema(told->cap));
    told = to_whom(&world, index, "3303.education");
    assert_string_equal(told->body->zh,
                        "温州市发布霍乱黄色预警（III级）。请各成员单位按职责做好应对准备。");
    /* a response has notices of its own beside it */
    index = respond(&world, "3303", STATE(ACTIVE), 3, 0, 0);
    told = to_whom(&world, index, "public");
    assert_int_equal(told->kind, KIND(ALERT));
    assert_false(told->of_warning);
    assert_string_equal(told->identifier, "liandong." INCIDENT ".3303.1.public");
    index = warn(&world, LIANDONG__V1__WARNING__STATE__ADJUSTED, 2, 3);
    assert_int_equal(to_whom(&world, index, "public")->kind, KIND(UPDATE));
    assert_string_equal(to_whom(&world, index, "public")->references[0],
                        "liandong.warning." INCIDENT ".3303.1.public");
    index = warn(&world, LIANDONG__V1__WARNING__STATE__LIFTED, 0, 2);
    told = to_whom(&world, index, "public");
    assert_int_equal(told->kind, KIND(CANCEL));
    assert_string_equal(told->headline->en, "Wenzhou: the warning is lifted, Cholera");
    world_survives_snapshots(&world, &notification_class);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(warnings_issued_as_one),
        cmocka_unit_test(neighbours_are_told),
        cmocka_unit_test(a_county_that_follows),
        cmocka_unit_test(our_schema_refuses_what_the_standard_refuses),
        cmocka_unit_test(activation_tells_every_unit_and_the_public),
        cmocka_unit_test(updates_and_the_end_refer_to_all_before),
        cmocka_unit_test(a_response_that_is_started_again_is_told_anew),
        cmocka_unit_test(steps_that_change_nothing_in_force_are_not_told),
        cmocka_unit_test(a_county_hears_of_its_own_response),
    };
    return cmocka_run_group_tests_name("notification", tests, NULL, NULL);
}
