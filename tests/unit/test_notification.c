/* Notices: to whom, what they refer to, and that each is a good CAP 1.2 message, by our own checker
 * and, where it is at hand, by the official one. */
#include "notification_rig.h"

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cap/cap.h"

#define OFFICIAL LIANDONG_SOURCE "/../shared/data/CAP-v1.2.xsd"

/* ---- CAP ---- */

/* All that our own checker says but advice. */
static bool valid_by_our_checker(const char *xml)
{
    struct cap *cap;
    struct ld_error error;
    struct cap_findings findings = {0};
    if (cap_read(xml, strlen(xml), &cap, &error) != LD_OK)
        fail_msg("%s", error.text);
    cap_check(cap, &findings);
    bool valid = findings.of_weight[CAP_SCHEMA] + findings.of_weight[CAP_RULE] == 0;
    for (size_t i = 0; i < findings.count; i++) /* nobody knows until when a response holds */
        valid = valid && (findings.all[i].weight != CAP_ADVICE ||
                          strncmp(findings.all[i].en, "no expires:", 11) == 0);
    if (!valid)
        print_error("%d %s: %s\n", findings.all[0].line, findings.all[0].element,
                    findings.all[0].en);
    cap_findings_free(&findings);
    cap_free(cap);
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
        if (!valid_by_our_checker(one->cap) || !valid_by_official_schema(one->cap)) {
            fail_msg("not valid:\n%s", one->cap);
        }
        assert_non_null(strstr(one->cap, one->identifier));
    }
    expect_distinct_identifiers(world);
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

/* From the level that the plan says, and of all that comes after; in words of their own. */
static void neighbours_are_told(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, &notification_class);
    report_cases(&world, "1", "", 3, 0);
    size_t index = respond(&world, "3303", STATE(ACTIVE), PLAN_IV, PLAN_NONE, 0);
    assert_null(find_notice(&world, index, "3310.gov"));
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
    assert_null(find_notice(&world, index, "3304.gov")); /* no neighbour */
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
    assert_null(find_notice(&world, index, "3310.gov"));
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
    assert_null(find_notice(&world, index, "public"));
    assert_null(find_notice(&world, index, "330324.gov")); /* a neighbour */
    assert_null(find_notice(&world, index, "330302.gov")); /* a member: the city's tell it */
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
    assert_true(valid_by_our_checker(told->cap) && valid_by_official_schema(told->cap));
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
        cmocka_unit_test(activation_tells_every_unit_and_the_public),
        cmocka_unit_test(updates_and_the_end_refer_to_all_before),
        cmocka_unit_test(a_response_that_is_started_again_is_told_anew),
        cmocka_unit_test(steps_that_change_nothing_in_force_are_not_told),
        cmocka_unit_test(a_county_hears_of_its_own_response),
    };
    return cmocka_run_group_tests_name("notification", tests, NULL, NULL);
}
