/* The plan loader: everything in a sound plan arrives with its value; the hash. */
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

/* Units, hazards, … of a plan by index, as one text of ids. */
static const char *unit_ids(const size_t *units, size_t count)
{
    static struct ld_buffer text;
    ld_buffer_clear(&text);
    for (size_t i = 0; i < count; i++) {
        ld_buffer_format(&text, "%s%s", i ? " " : "", sample->units[units[i]].id);
    }
    return ld_buffer_string(&text);
}

static const char *hazard_ids(const size_t *hazards, size_t count)
{
    static struct ld_buffer text;
    ld_buffer_clear(&text);
    for (size_t i = 0; i < count; i++) {
        ld_buffer_format(&text, "%s%s", i ? " " : "", sample->hazards[hazards[i]].id);
    }
    return ld_buffer_string(&text);
}

static const char *duty_ids(const struct plan_member *member)
{
    static struct ld_buffer text;
    ld_buffer_clear(&text);
    for (size_t i = 0; i < member->duty_count; i++) {
        ld_buffer_format(&text, "%s%s", i ? " " : "", sample->duties[member->duties[i]].id);
    }
    return ld_buffer_string(&text);
}

static void test_levels(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"none", "I", "II", "III", "IV"};
    for (int level = PLAN_NONE; level < PLAN_LEVELS; level++) {
        assert_string_equal(plan_level_name(level), NAMES[level]);
        assert_int_equal(plan_level_parse(NAMES[level]), level);
    }
    assert_int_equal(plan_level_parse("NONE"), PLAN_NONE);
    assert_int_equal(plan_level_parse("V"), -1);
    assert_int_equal(plan_level_parse(""), -1);
    assert_string_equal(plan_level_name(-1), "none");
    assert_string_equal(plan_level_name(5), "none");
    check_text(plan_level_colour(PLAN_I), "红色", "red");
    check_text(plan_level_colour(PLAN_IV), "蓝色", "blue");
    check_text(plan_level_grade(PLAN_II), "重大", "grave");
    assert_string_equal(plan_act_name(PLAN_PROPOSE), "propose");
    assert_string_equal(plan_act_name(PLAN_DESIGNATE), "designate");
    assert_string_equal(plan_act_name(99), "none");
    assert_true(plan_level_reaches(PLAN_I, PLAN_IV));
    assert_true(plan_level_reaches(PLAN_IV, PLAN_NONE));
    assert_false(plan_level_reaches(PLAN_IV, PLAN_III));
    assert_false(plan_level_reaches(PLAN_NONE, PLAN_NONE));
}

static void test_bounds(void **state)
{
    (void)state;
    struct plan_bounds closed = {.has_low = true, .low = 2, .has_high = true, .high = 4};
    struct plan_bounds open = closed, none = {0};
    open.low_open = open.high_open = true;
    assert_false(plan_bounds_hold(&closed, 1.9));
    assert_true(plan_bounds_hold(&closed, 2) && plan_bounds_hold(&closed, 4));
    assert_false(plan_bounds_hold(&closed, 4.1));
    assert_false(plan_bounds_hold(&open, 2) || plan_bounds_hold(&open, 4));
    assert_true(plan_bounds_hold(&open, 3) && plan_bounds_hold(&none, -1e9));
}

static void test_head_and_scope(void **state)
{
    (void)state;
    assert_string_equal(sample->id, "sample");
    check_text(sample->title, "样例预案", "Sample plan");
    assert_string_equal(sample->document, "样政办〔2026〕1号");
    assert_string_equal(sample->issued, "2026-01-31");
    assert_string_equal(sample->area, "3303");
    assert_int_equal(sample->levels, 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4);
    assert_string_equal(sample->scope_section, "1.3");
    static const bool IN_SCOPE[] = {true, true, true, false, true, true, true, false, false};
    assert_memory_equal(sample->in_scope, IN_SCOPE, sizeof IN_SCOPE);
    assert_int_equal(sample->deferral_count, 1);
    const struct plan_deferral *deferral = &sample->deferrals[0];
    assert_string_equal(hazard_ids(deferral->hazards, deferral->hazard_count),
                        "plague.pneumonic respiratory");
    assert_string_equal(deferral->to, "sample-ari");
    assert_string_equal(deferral->section, "1.3");
}

static void test_criteria(void **state)
{
    (void)state;
    static const char *const IDS[] = {"plague-20", "named-1",    "excess-2",
                                      "deaths-1",  "cholera-10", "cholera-1"};
    static const int LINES[] = {24, 43, 34, 49, 14, 56};
    assert_int_equal(sample->criterion_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(sample->criteria[i].id, IDS[i]);
        assert_int_equal(sample->criteria[i].line, LINES[i]);
    }
    const struct plan_criterion *cholera = &sample->criteria[4];
    assert_int_equal(cholera->level, PLAN_III);
    assert_string_equal(cholera->section, "3.3(2)");
    assert_string_equal(cholera->reading, "a case in each county");
    assert_string_equal(sample->criteria[0].reading, "");
    check_text(cholera->text, "一周10至29例，或波及两县",
               "10 to 29 cases in a week, or two counties");
    assert_string_equal(hazard_ids(cholera->hazards, cholera->hazard_count), "cholera");
    assert_string_equal(hazard_ids(sample->criteria[0].hazards, sample->criteria[0].hazard_count),
                        "plague plague.bubonic");
    assert_string_equal(sample->criteria[2].classes, "BC");
    assert_int_equal(sample->criteria[2].hazard_count, 0);
}

static void test_conditions(void **state)
{
    (void)state;
    const struct plan_condition *any = &sample->criteria[4].when;
    assert_true(any->kind == PLAN_ANY && any->child_count == 2);
    const struct plan_condition *count = &any->children[0], *areas = &any->children[1];
    assert_true(count->kind == PLAN_COUNT && count->over == PLAN_OVER_COUNTY);
    assert_string_equal(sample->measures[count->measure].id, "cases");
    assert_true(count->window == PLAN_WINDOW_FIXED && count->window_us == 7 * LD_US_DAY);
    assert_true(count->bounds.has_low && count->bounds.low == 10 && !count->bounds.low_open);
    assert_true(count->bounds.has_high && count->bounds.high == 29 && !count->bounds.high_open);
    assert_true(areas->kind == PLAN_AREAS && areas->bounds.low == 2 && !areas->bounds.has_high);
    const struct plan_condition *all = &sample->criteria[0].when;
    assert_true(all->kind == PLAN_ALL && all->child_count == 3);
    assert_int_equal(all->children[0].over, PLAN_OVER_CITY); /* a count without over: the city */
    assert_int_equal(all->children[0].window, PLAN_WINDOW_INCUBATION);
    assert_true(all->children[1].kind == PLAN_PLACES && all->children[1].bounds.low_open);
    assert_int_equal(all->children[2].kind, PLAN_NOT);
    assert_int_equal(all->children[2].children[0].kind, PLAN_SIGN);
    assert_string_equal(sample->signs[all->children[2].children[0].sign].id, "imported");
    const struct plan_condition *gauge = &sample->criteria[2].when.children[0], *mean = gauge + 1;
    assert_true(gauge->kind == PLAN_GAUGE && gauge->over == PLAN_OVER_ANY && !gauge->round_up);
    assert_int_equal(gauge->window, PLAN_WINDOW_NONE);
    assert_true(mean->over == PLAN_OVER_MEAN && mean->round_up && mean->bounds.low == 3);
    assert_true(mean->window == PLAN_WINDOW_FIXED && mean->window_us == 2 * LD_US_DAY);
    assert_true(gauge->bounds.low == 2.5 && gauge->bounds.low_open && gauge->bounds.high == 100);
    assert_int_equal(sample->criteria[3].when.window, PLAN_WINDOW_INCIDENT);
    const struct plan_condition *named = &sample->criteria[1].when;
    assert_int_equal(named->kind, PLAN_DESIGNATED);
    assert_string_equal(unit_ids(named->units, named->unit_count), "33.gov cn.gov");
}

static void test_covers(void **state)
{
    (void)state;
    const struct plan_criterion *plague = &sample->criteria[0], *classes = &sample->criteria[2];
    const struct plan_criterion *open = &sample->criteria[1];
    static const struct {
        const char *hazard;
        bool plague, classes, open;
    } CASES[] = {{"cholera", false, false, true},       {"plague", true, false, true},
                 {"plague.bubonic", true, false, true}, {"plague.pneumonic", false, false, false},
                 {"measles", false, true, true},        {"mumps", false, true, true},
                 {"poisoning", false, false, true},     {"respiratory", false, false, false},
                 {"plague-like", false, false, false}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        size_t hazard = (size_t)plan_find_hazard(sample, CASES[i].hazard);
        assert_int_equal(plan_criterion_covers(sample, plague, hazard), CASES[i].plague);
        assert_int_equal(plan_criterion_covers(sample, classes, hazard), CASES[i].classes);
        assert_int_equal(plan_criterion_covers(sample, open, hazard), CASES[i].open);
    }
    assert_false(plan_criterion_covers(sample, open, sample->hazard_count));
}

/* Each rhythm of each level, those alike together, then after-care that has a limit. */
static void test_recurring(void **state)
{
    (void)state;
    static const struct {
        const char *id, *section, *by;
        unsigned levels;
        enum plan_clock_start starts;
        enum plan_clock_met met_by;
        int64_t within_us, warn_before_us;
    } EXPECTED[] = {
        {"press", "6.3.1(8)", "3303.daily", 1 << 1 | 1 << 2 | 1 << 3, PLAN_EVERY, PLAN_MET_PRESS,
         7 * LD_US_DAY, LD_US_DAY},
        {"assessment", "6.2.2(2)", "3303.cdc", 1 << 3, PLAN_EVERY, PLAN_MET_ASSESSMENT,
         7 * LD_US_DAY, LD_US_DAY},
        {"assessment", "6.2.3(2)", "3303.cdc", 1 << 1 | 1 << 2, PLAN_EVERY, PLAN_MET_ASSESSMENT,
         LD_US_DAY, 6 * LD_US_HOUR},
        {"map", "6.2.2(3)", "3303.health", 1 << 1 | 1 << 2 | 1 << 3, PLAN_EVERY, PLAN_MET_MAP,
         7 * LD_US_DAY, LD_US_DAY},
        {"meeting", "6.2.3(3)", "3303.gov", 1 << 1 | 1 << 2, PLAN_EVERY, PLAN_MET_MEETING,
         LD_US_DAY, 6 * LD_US_HOUR},
        {"evaluation", "7.1", "3303.health", 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4, PLAN_FROM_END,
         PLAN_MET_AFTERCARE, 15 * LD_US_DAY, LD_US_DAY},
    };
    for (size_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        const struct plan_clock *clock = &sample->clocks[3 + i];
        assert_string_equal(clock->id, EXPECTED[i].id);
        assert_string_equal(clock->section, EXPECTED[i].section);
        assert_string_equal(clock->by[0], EXPECTED[i].by);
        assert_int_equal(clock->levels, EXPECTED[i].levels);
        assert_int_equal(clock->starts, EXPECTED[i].starts);
        assert_int_equal(clock->met_by, EXPECTED[i].met_by);
        assert_int_equal(clock->within_us, EXPECTED[i].within_us);
        assert_int_equal(clock->warn_before_us, EXPECTED[i].warn_before_us);
        assert_true(*clock->text.zh && *clock->text.en && !clock->each);
    }
}

static void test_warnings_and_reporting(void **state)
{
    (void)state;
    assert_string_equal(sample->warning_section, "5.4.1");
    assert_true(sample->warning_from_grade && sample->warning_count == 0);
    assert_string_equal(sample->warning_merge_section, "annex 3");
    assert_string_equal(sample->warning_county_section, "annex 4");
    const struct plan_rule *rule = plan_rule_for(sample->issue, sample->issue_count, PLAN_II);
    static const int ACTS[] = {PLAN_SUGGEST,  PLAN_VERIFY, PLAN_ASSESS, PLAN_APPROVE,
                               PLAN_SIGN_OFF, PLAN_FILE,   PLAN_INFORM, PLAN_ISSUE};
    assert_string_equal(rule->section, "5.4.4");
    assert_int_equal(rule->step_count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(rule->steps[i].act, ACTS[i]);
    }
    assert_string_equal(rule->steps[0].by[0], "3303.cdc");
    assert_string_equal(rule->steps[6].with[0], "{county}.gov");
    rule = plan_rule_for(sample->issue, sample->issue_count, PLAN_III);
    assert_string_equal(rule->steps[0].by[1], "{county}.health");
    assert_null(plan_rule_for(sample->issue, sample->issue_count, PLAN_IV));
    assert_string_equal(sample->reporting_section, "5.2.2");
    assert_int_equal(sample->reporter_count, 3);
    assert_int_equal(sample->clock_count, 9);
    const struct plan_clock *written = &sample->clocks[0], *daily = &sample->clocks[1];
    const struct plan_clock *final = &sample->clocks[2];
    assert_true(final->starts == PLAN_FROM_END && final->met_by == PLAN_MET_FINAL && !final->each);
    assert_true(written->each && !daily->each);
    assert_string_equal(written->id, "written");
    assert_string_equal(written->section, "5.2.3");
    assert_int_equal(written->levels, 1 << 1 | 1 << 2 | 1 << 3);
    assert_true(written->starts == PLAN_FROM_RECEIVED && written->met_by == PLAN_MET_WRITTEN);
    assert_int_equal(written->within_us, 2 * LD_US_HOUR);
    assert_int_equal(written->warn_before_us, 15 * LD_US_MINUTE);
    assert_string_equal(written->by[0], "{county}.gov");
    assert_string_equal(written->by[1], "3303.health");
    check_text(written->text, "两小时内书面报告", "In writing within two hours");
    assert_true(daily->starts == PLAN_DAILY && daily->met_by == PLAN_MET_ZERO);
    assert_int_equal(daily->at_minute, 17 * 60 + 30);
    assert_int_equal(daily->levels, sample->levels); /* levels left out: all */
    assert_int_equal(daily->within_us, 0);
}

static void test_procedure(void **state)
{
    (void)state;
    const struct plan_procedure *procedure = &sample->procedure;
    const struct plan_rule *rule = plan_rule_for(procedure->start, procedure->start_count, PLAN_I);
    assert_string_equal(rule->section, "6.1.1");
    static const int ACTS[] = {PLAN_PROPOSE, PLAN_ASSESS, PLAN_DECIDE, PLAN_FILE};
    assert_int_equal(rule->step_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(rule->steps[i].act, ACTS[i]);
        assert_int_equal(rule->steps[i].by_count, 1);
    }
    assert_string_equal(rule->steps[3].by[0], "3303.gov");
    assert_string_equal(rule->steps[3].with[0], "33.gov");
    assert_int_equal(rule->steps[0].with_count, 0);
    assert_ptr_equal(plan_rule_for(procedure->start, procedure->start_count, PLAN_III),
                     plan_rule_for(procedure->start, procedure->start_count, PLAN_II));
    assert_null(plan_rule_for(procedure->lower, procedure->lower_count, PLAN_IV));
    assert_null(plan_rule_for(procedure->start, procedure->start_count, PLAN_NONE));
    assert_null(plan_rule_for(procedure->start, procedure->start_count, 9));
    assert_non_null(plan_rule_for(procedure->terminate, procedure->terminate_count, PLAN_IV));
    rule = plan_rule_for(procedure->direct, procedure->direct_count, PLAN_I);
    assert_true(rule->step_count == 1 && rule->steps[0].act == PLAN_ORDER);
    assert_string_equal(rule->steps[0].by[0], "cn.gov");
    assert_true(procedure->county_follows_city && !procedure->follows_warning);
    assert_string_equal(procedure->county_section, "6.1.5");
    assert_string_equal(procedure->county_decide[0], "{county}.gov");
    assert_string_equal(procedure->county_must_follow[0], "3303.gov");
}

/* What a level leaves out is that of the level below it. */
static void test_organisation(void **state)
{
    (void)state;
    static const struct {
        const char *section, *commander, *office;
        bool daily;
    } EXPECTED[PLAN_LEVELS] = {{"", "", "", false},
                               {"6.2.4", "Mayor", "Government office", true},
                               {"6.2.3", "Deputy mayor", "Government office", true},
                               {"6.2.2", "Deputy mayor", "Health commission", false},
                               {"6.2.1", "Deputy mayor", "Health commission", false}};
    for (int level = PLAN_NONE; level < PLAN_LEVELS; level++) {
        const struct plan_organisation *found = &sample->organisation[level];
        assert_string_equal(found->section, EXPECTED[level].section);
        assert_string_equal(found->commander.en, EXPECTED[level].commander);
        assert_string_equal(found->office.en, EXPECTED[level].office);
        assert_int_equal(found->daily_report, EXPECTED[level].daily);
    }
}

static void check_rhythm(const struct plan_rhythm *rhythm, int days, const char *by,
                         const char *section)
{
    assert_int_equal(rhythm->every_us, days * LD_US_DAY);
    assert_string_equal(rhythm->by, by);
    assert_string_equal(rhythm->section, section);
}

static void test_rhythms(void **state)
{
    (void)state;
    for (int level = PLAN_NONE; level < PLAN_LEVELS; level++) {
        const struct plan_organisation *found = &sample->organisation[level];
        bool third = level >= PLAN_I && level <= PLAN_III, second = third && level <= PLAN_II;
        check_rhythm(&found->press, third ? 7 : 0, third ? "3303.daily" : "",
                     third ? "6.3.1(8)" : "");
        check_rhythm(&found->map, third ? 7 : 0, third ? "3303.health" : "",
                     third ? "6.2.2(3)" : "");
        check_rhythm(&found->meeting, second ? 1 : 0, second ? "3303.gov" : "",
                     second ? "6.2.3(3)" : "");
        check_rhythm(&found->assessment,
                     second  ? 1
                     : third ? 7
                             : 0,
                     third ? "3303.cdc" : "",
                     second  ? "6.2.3(2)"
                     : third ? "6.2.2(2)"
                             : "");
    }
}

static void test_groups_and_duties(void **state)
{
    (void)state;
    assert_int_equal(sample->group_count, 1);
    const struct plan_group *group = &sample->groups[plan_find_group(sample, "control")];
    assert_true(group->from == PLAN_III && group->member_count == 3);
    check_text(group->name, "管控组", "Control group");
    assert_string_equal(unit_ids(group->members, group->member_count),
                        "3303.police 3303.health 3303.port");
    static const char *const LEADS[] = {"", "Vice mayor", "Director", "Director", ""};
    for (int level = 0; level < PLAN_LEVELS; level++) {
        assert_string_equal(group->leads[level].en, LEADS[level]);
    }
    static const struct {
        const char *id, *section;
        int from, group, row;
    } EXPECTED[] = {
        {"a.1.1", "annex row 1", PLAN_IV, -1, 1},  {"a.1.2", "annex row 1", PLAN_III, -1, 1},
        {"a.2.1", "annex row 2", PLAN_IV, -1, 2},  {"a.2.2", "annex row 2", PLAN_II, -1, 2},
        {"a.3.1", "annex row 3", PLAN_IV, -1, 3},  {"m.1", "6.2.2(4)", PLAN_III, -1, 0},
        {"m.2", "6.2.2(4)", PLAN_III, -1, 0},      {"m.3", "6.3.5", PLAN_III, -1, 0},
        {"m.4", "6.3.5", PLAN_III, -1, 0},         {"g.control.1", "4.2.2(2)", PLAN_III, 0, 0},
        {"g.control.2", "4.2.2(9)", PLAN_II, 0, 0}};
    assert_int_equal(sample->duty_count, 11);
    for (size_t i = 0; i < 11; i++) {
        assert_string_equal(sample->duties[i].id, EXPECTED[i].id);
        assert_string_equal(sample->duties[i].section, EXPECTED[i].section);
        assert_int_equal(sample->duties[i].from, EXPECTED[i].from);
        assert_int_equal(sample->duties[i].group, EXPECTED[i].group);
        assert_int_equal(sample->duties[i].row, EXPECTED[i].row);
        assert_int_equal(sample->duties[i].until, i == 6 ? PLAN_III : PLAN_NONE);
        assert_int_equal(sample->duties[i].in_warning, i == 6);
        assert_int_equal(sample->duties[i].areas, i == 7   ? PLAN_AREAS_UNAFFECTED
                                                  : i == 8 ? PLAN_AREAS_AFFECTED
                                                           : PLAN_AREAS_ALL);
    }
    const struct plan_duty *duty = &sample->duties[1];
    assert_string_equal(hazard_ids(duty->hazards, duty->hazard_count), "plague plague.bubonic");
    assert_int_equal(duty->sign_count, 1);
    assert_true(duty->deadline_us == LD_US_DAY && duty->repeat_us == LD_US_DAY);
    check_text(duty->text, "检疫", "Quarantine");
    assert_int_equal(sample->duties[10].deadline_us, 12 * LD_US_HOUR);
}

static void test_members(void **state)
{
    (void)state;
    static const struct {
        const char *unit, *duties;
        bool named;
    } EXPECTED[] = {{"3303.health", "a.1.1 a.1.2 m.1 m.2 g.control.1 g.control.2", true},
                    {"3303.daily", "a.2.1 a.2.2", true},
                    {"3303.television", "a.2.1 a.2.2 m.1 m.2", true},
                    {"330302.health", "m.3 m.4", false},
                    {"330303.health", "m.3 m.4", false},
                    {"3303.police", "a.3.1 g.control.1 g.control.2", false},
                    {"3303.port", "a.3.1 g.control.1 g.control.2", false}};
    assert_int_equal(sample->member_count, 7);
    for (size_t i = 0; i < 7; i++) {
        const struct plan_member *member = &sample->members[i];
        assert_string_equal(sample->units[member->unit].id, EXPECTED[i].unit);
        assert_string_equal(duty_ids(member), EXPECTED[i].duties);
        assert_int_equal(member->named, EXPECTED[i].named);
        assert_int_equal(plan_find_member(sample, EXPECTED[i].unit), i);
    }
    assert_int_equal(plan_find_member(sample, "3303.gov"), -1);
}

static void test_orders_notices_supplies(void **state)
{
    (void)state;
    const struct plan_orders *orders = &sample->orders;
    static const int64_t WITHIN_US[] = {0, 30 * LD_US_MINUTE, 30 * LD_US_MINUTE, LD_US_HOUR,
                                        2 * LD_US_HOUR};
    assert_memory_equal(orders->acknowledge_within_us, WITHIN_US, sizeof WITHIN_US);
    assert_int_equal(orders->escalate_after_us, 30 * LD_US_MINUTE);
    assert_true(orders->supervisor_group == 0 && orders->supervisor_from == PLAN_II);
    assert_string_equal(orders->supervisor_else, "3303.health");
    assert_string_equal(orders->escalate_to, "3303.gov");
    assert_string_equal(orders->same_day_section, "4.4.1(5)");
    assert_string_equal(orders->section, "4.4.1(4)");
    assert_string_equal(orders->reading, "our own times");
    const struct plan_aftercare *after = sample->aftercare;
    assert_int_equal(sample->aftercare_count, 2);
    assert_string_equal(after[0].id, "evaluation");
    assert_string_equal(after[0].section, "7.1");
    assert_true(after[0].by_count == 2 && after[0].within_us == 15 * LD_US_DAY);
    assert_string_equal(after[0].by[1], "{county}.gov");
    check_text(after[1].text, "奖励", "Reward");
    assert_int_equal(after[1].within_us, 0);
    const struct plan_notices *notices = &sample->notices;
    static const char *const SIGNERS[] = {"", "Province", "City", "City", "Health commission"};
    for (int level = 0; level < PLAN_LEVELS; level++) {
        assert_string_equal(notices->signer[level].en, SIGNERS[level]);
    }
    assert_string_equal(notices->section, "6.1");
    assert_string_equal(notices->category, "Health");
    assert_int_equal(notices->public_from, PLAN_III);
    check_text(notices->headline, "{area}{hazard}{level}级",
               "{hazard} in {area}, level {level} ({colour})");
    check_text(notices->public_body, "{counties}：{grade}", "{counties}: {grade}");
    check_text(notices->ended_headline, "{area}{hazard}终止", "{hazard} in {area} has ended");
    check_text(notices->ended_body, "{level}级响应终止", "The level {level} response has ended");
    const struct plan_supplies *supplies = &sample->supplies;
    static const int POOLS[] = {PLAN_POOL_OWN, PLAN_POOL_CITY, PLAN_POOL_CITY, PLAN_POOL_COUNTY,
                                PLAN_POOL_OWN};
    for (int level = 0; level < PLAN_LEVELS; level++) {
        assert_int_equal(supplies->pool[level], POOLS[level]);
        assert_int_equal(supplies->requisition[level], level == PLAN_I);
    }
    assert_string_equal(supplies->section, "8.3.2");
    assert_string_equal(supplies->reading, "pools are ours");
}

/* ---- hash ---- */

static void test_hash(void **state)
{
    (void)state;
    /* BLAKE2b-256 of "a" 0, 3 as 8 bytes, "xyz"; "b" 0, 0 as 8 bytes, by Python's hashlib. */
    static const char EXPECTED[] =
        "2a679c004e003c89e7ae51793497c73e902ac7253fbaeeb88aef4691175b7011";
    struct plan_file files[] = {{"a", "xyz", 3}, {"b", "", 0}};
    char hash[PLAN_HASH_HEX + 1], other[PLAN_HASH_HEX + 1];
    plan_hash(files, 2, hash);
    assert_string_equal(hash, EXPECTED);
    files[0].content = "xyy";
    plan_hash(files, 2, other);
    assert_string_not_equal(hash, other);
    plan_hash(bundle.files, bundle.count, hash);
    assert_string_equal(hash, sample->hash);
}

/* Loading again gives the same hash, and a space in a comment another one. */
static void test_hash_follows_content(void **state)
{
    (void)state;
    struct plan *again = NULL;
    assert_ok(plan_load(bundle.files, bundle.count, &again, NULL, &test_error));
    assert_string_equal(again->hash, sample->hash);
    plan_free(again);
    struct plan_file *file = sample_file(&bundle, "sample.yaml"), before = *file;
    char *edited = sample_replace(before.content, "# A small plan", "#  A small plan");
    *file = (struct plan_file){before.name, edited, strlen(edited)};
    assert_ok(plan_load(bundle.files, bundle.count, &again, NULL, &test_error));
    assert_string_not_equal(again->hash, sample->hash);
    plan_free(again);
    free(edited);
    *file = before;
}

/* ---- the plans that are delivered ---- */

static void test_wenzhou_phe(void **state)
{
    (void)state;
    struct plan_bundle real = sample_read(LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml");
    struct plan *plan = NULL;
    struct plan_findings findings = {0};
    struct ld_buffer found = {0};
    int code = plan_load(real.files, real.count, &plan, &findings, &test_error);
    sample_add_findings(&found, &findings);
    assert_string_equal(ld_buffer_string(&found), "");
    assert_int_equal(code, LD_OK);
    size_t named = 0, rows = 0;
    for (size_t i = 0; i < plan->member_count; i++) {
        named += plan->members[i].named;
        assert_true(plan->members[i].duty_count > 0);
    }
    for (size_t i = 0; i < plan->duty_count; i++) {
        rows +=
            plan->duties[i].row > 0 && (i == 0 || plan->duties[i].row != plan->duties[i - 1].row);
    }
    assert_int_equal(named, 65); /* 61 rows, of which 47, 58 and 61 name two, three and two */
    assert_int_equal(rows, 62);
    assert_int_equal(plan->group_count, 6);
    plan_free(plan);
    plan_findings_free(&findings);
    plan_bundle_free(&real);
    ld_buffer_free(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),         cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_head_and_scope), cmocka_unit_test(test_criteria),
        cmocka_unit_test(test_conditions),     cmocka_unit_test(test_covers),
        cmocka_unit_test(test_recurring),      cmocka_unit_test(test_warnings_and_reporting),
        cmocka_unit_test(test_procedure),      cmocka_unit_test(test_organisation),
        cmocka_unit_test(test_rhythms),        cmocka_unit_test(test_groups_and_duties),
        cmocka_unit_test(test_members),        cmocka_unit_test(test_orders_notices_supplies),
        cmocka_unit_test(test_hash),           cmocka_unit_test(test_hash_follows_content),
        cmocka_unit_test(test_wenzhou_phe),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
