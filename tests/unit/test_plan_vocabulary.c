/* The vocabulary of a plan: every word arrives with its values; lookups and unit patterns. */
#include "plan_sample.h"

#include <timefmt.h>

static struct plan_bundle bundle;
static struct plan *sample;

static int set_up(void **state)
{
    (void)state;
    bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    assert_ok(plan_load(bundle.files, bundle.count, &sample, NULL, &test_error));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plan_free(sample);
    plan_free(NULL);
    plan_bundle_free(&bundle);
    return 0;
}

static void check_text(struct plan_text text, const char *zh, const char *en)
{
    assert_string_equal(text.zh, zh);
    assert_string_equal(text.en, en);
}

static void test_travel(void **state)
{
    (void)state;
    assert_int_equal(plan_travel_minutes(sample, "3303", "3304"), 300);
    assert_int_equal(plan_travel_minutes(sample, "3303", "33"), 310); /* by way of 3304 */
    assert_int_equal(plan_travel_minutes(sample, "33", "3303"), 310);
    assert_int_equal(plan_travel_minutes(sample, "330302", "330302"), 0);
    assert_int_equal(plan_travel_minutes(sample, "330302", "3303"), -1); /* not said */
    assert_int_equal(plan_travel_minutes(sample, "9999", "3303"), -1);
}

static void test_vocabulary(void **state)
{
    (void)state;
    assert_int_equal(sample->area_count, 7);
    const struct plan_area *area = &sample->areas[plan_find_area(sample, "330302")];
    assert_string_equal(area->code, "330302");
    assert_int_equal(area->level, PLAN_COUNTY);
    check_text(area->name, "鹿城区", "Lucheng District");
    assert_int_equal(sample->unit_count, 16);
    const struct plan_unit *unit = &sample->units[plan_find_unit(sample, "330303.gov")];
    assert_string_equal(unit->area, "330303");
    assert_string_equal(unit->slug, "gov");
    assert_string_equal(unit->kind, "government");
    check_text(unit->name, "龙湾区人民政府", "Government of Longwan District");
    /* Named on one side, a border is there on both. */
    size_t wenzhou = (size_t)plan_find_area(sample, "3303");
    size_t jiaxing = (size_t)plan_find_area(sample, "3304");
    assert_int_equal(sample->areas[wenzhou].neighbour_count, 1);
    assert_int_equal(sample->areas[wenzhou].neighbours[0], jiaxing);
    assert_int_equal(sample->areas[jiaxing].neighbour_count, 1);
    assert_int_equal(sample->areas[jiaxing].neighbours[0], wenzhou);
    assert_int_equal(area->neighbour_count, 0);
    assert_int_equal(sample->hazard_count, 9);
    const struct plan_hazard *hazard = &sample->hazards[plan_find_hazard(sample, "plague.bubonic")];
    assert_int_equal(hazard->kind, PLAN_EPIDEMIC);
    assert_int_equal(hazard->class_code, 'A');
    assert_int_equal(hazard->incubation_us, 6 * LD_US_DAY);
    hazard = &sample->hazards[plan_find_hazard(sample, "poisoning")];
    assert_int_equal(hazard->kind, PLAN_ACCIDENT);
    assert_true(hazard->class_code == 0 && hazard->incubation_us == 0);
    const struct plan_measure *measure = &sample->measures[plan_find_measure(sample, "excess")];
    assert_int_equal(measure->kind, PLAN_GAUGE_MEASURE);
    check_text(measure->unit, "倍", "times");
    check_text(sample->signs[plan_find_sign(sample, "imported")].name, "输入性病例",
               "Imported cases");
    check_text(sample->channels[plan_find_channel(sample, "network")].name, "网络直报",
               "Direct network reporting");
    const struct plan_item *item = &sample->items[plan_find_item(sample, "mask.n95")];
    assert_int_equal(item->shelf_life_us, 1095 * LD_US_DAY);
    assert_string_equal(item->category, "protective");
    assert_string_equal(item->section, "sample 6");
    assert_string_equal(sample->items[plan_find_item(sample, "tent")].section, "");
    assert_int_equal(sample->items[plan_find_item(sample, "tent")].shelf_life_us, 0);
}

static void test_sources_and_reserves(void **state)
{
    (void)state;
    const struct plan_word *network = &sample->channels[0], *hospital = &sample->channels[1];
    assert_string_equal(network->section, "");
    assert_int_equal(network->by_count, 0);
    assert_string_equal(hospital->section, "sample 3.2");
    assert_int_equal(hospital->by_count, 1);
    assert_string_equal(hospital->by[0], "*.health");
    assert_string_equal(sample->signs[0].section, "sample 3.2");
    assert_int_equal(sample->reserve_count, 2);
    const struct plan_reserve *masks = &sample->reserves[0], *tents = &sample->reserves[1];
    assert_string_equal(masks->id, "masks");
    assert_string_equal(masks->section, "sample 6");
    assert_int_equal(masks->of_count, 2);
    assert_string_equal(masks->of[1], "hospital");
    assert_string_equal(masks->category, "protective");
    assert_true(masks->kinds_percent == 75 && masks->days == 10 && masks->season_days == 30);
    assert_true(masks->season_from == 9 && masks->season_to == 2);
    assert_int_equal(masks->act_count, 2);
    assert_string_equal(masks->act[1], "{county}.gov");
    check_text(masks->text, "储备口罩", "Keep masks");
    assert_true(tents->kinds_percent == 50 && tents->days == 0 && tents->season_from == 0);
}

static void test_lookups(void **state)
{
    (void)state;
    for (size_t i = 0; i < sample->area_count; i++) {
        assert_int_equal(plan_find_area(sample, sample->areas[i].code), i);
    }
    for (size_t i = 0; i < sample->unit_count; i++) {
        assert_int_equal(plan_find_unit(sample, sample->units[i].id), i);
    }
    for (size_t i = 0; i < sample->hazard_count; i++) {
        assert_int_equal(plan_find_hazard(sample, sample->hazards[i].id), i);
    }
    assert_int_equal(plan_find_area(sample, "3305"), -1);
    assert_int_equal(plan_find_unit(sample, "3303.healt"), -1);
    assert_int_equal(plan_find_unit(sample, ""), -1);
    assert_int_equal(plan_find_hazard(sample, "plague.bubonic.x"), -1);
    assert_int_equal(plan_find_measure(sample, "case"), -1);
    assert_int_equal(plan_find_sign(sample, "cases"), -1);
    assert_int_equal(plan_find_channel(sample, "fax"), -1);
    assert_int_equal(plan_find_item(sample, "mask"), -1);
    assert_int_equal(plan_find_group(sample, "others"), -1);
    check_text(plan_unit_name(sample, "cn.gov"), "国务院", "State Council");
    check_text(plan_unit_name(sample, "3303.gov"), "温州市人民政府", "Wenzhou Government");
    check_text(plan_area_name(sample, "cn"), "中国", "China");
    check_text(plan_unit_name(sample, "9.x"), "9.x", "9.x");
    check_text(plan_area_name(sample, "3303"), "温州市", "Wenzhou");
    check_text(plan_area_name(sample, "99"), "99", "99");
}

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *unit, *pattern, *county;
        bool matches;
    } CASES[] = {
        {"3303.health", "3303.health", NULL, true},
        {"3303.health", "3303.heal", NULL, false},
        {"3303.health", "3303.*", NULL, true},
        {"3303.health", "*.health", NULL, true},
        {"330302.health", "3303.*", NULL, false},
        {"330302.health", "3303*.health", NULL, true},
        {"3303.health", "3303.h*", NULL, true},
        {"3303.gov", "3303.h*", NULL, false},
        {"330302.gov", "{county}.gov", "330302", true},
        {"330303.gov", "{county}.gov", "330302", false},
        {"330303.gov", "{county}.gov", NULL, true},
        {"3303.gov", "{county}.gov", NULL, false},   /* no county */
        {"330402.gov", "{county}.gov", NULL, false}, /* not of the plan's area */
        {"330399.gov", "{county}.gov", NULL, false}, /* no such county */
        {"330302.health", "{county}.gov", "330302", false},
        {"330302.gov", "{county}.*", "330302", true},
        {"gov", "*.gov", NULL, false},
        {"", "3303.gov", NULL, false},
        {"3303.gov", "", NULL, false},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        bool found = plan_unit_in(sample, CASES[i].unit, &CASES[i].pattern, 1, CASES[i].county);
        if (found != CASES[i].matches) {
            fail_msg("%s in %s (county %s): %d", CASES[i].unit, CASES[i].pattern,
                     CASES[i].county ? CASES[i].county : "any", found);
        }
    }
    const char *const several[] = {"33.gov", "{county}.health"};
    assert_true(plan_unit_in(sample, "330302.health", several, 2, "330302"));
    assert_false(plan_unit_in(sample, "330302.health", several, 1, "330302"));
    assert_false(plan_unit_in(sample, "330302.health", several, 0, "330302"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_travel),
        cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_sources_and_reserves),
        cmocka_unit_test(test_lookups),
        cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
