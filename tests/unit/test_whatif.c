/*
 * What if: a drill of two cities run again under other rules, without some of its events, with one
 * more. Whole results are compared.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "replay/inputs.h"
#include "scenario/run.h"
#include "whatif/whatif.h"

#define SCENARIO LIANDONG_SOURCE_DIR "/tests/scenarios/two-cities.yaml"
#define PLAN     LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml"

static struct log_inputs inputs;
static struct ld_arena arena;

static void take(const struct ld_record *record, const struct picture_event *event,
                 const struct picture *picture, void *data)
{
    (void)event;
    (void)picture;
    log_inputs_take(record, data);
}

static int play(void **state)
{
    struct scenario *scenario = NULL;
    struct scenario_result result;
    struct scenario_bus *bus = scenario_memory_open();
    struct scenario_options options = {
        .context = ld_context_system(), .bus = bus, .record = take, .data = &inputs};
    (void)state;
    log_inputs_open(&inputs);
    assert_ok(scenario_read(ld_context_system(), SCENARIO, &scenario, NULL, &test_error));
    assert_ok(scenario_run(scenario, &options, &result, &test_error));
    assert_ok(log_inputs_end(&inputs, LOG_WORLD_ANY, &test_error));
    scenario_free(scenario);
    scenario_memory_close(bus);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    log_inputs_free(&inputs);
    ld_arena_free(&arena);
    return 0;
}

/* ---- a plan with something changed ---- */

static void load_edited(struct whatif_plan *plan, const char *find, const char *replace)
{
    *plan = (struct whatif_plan){.path = "edited.yaml"};
    assert_ok(plan_bundle_read(ld_context_system(), PLAN, &plan->bundle, &test_error));
    struct plan_file *own = &plan->bundle.files[plan->bundle.count - 1];
    const char *place = strstr(own->content, find);
    assert_non_null(place);
    own->content = ld_arena_format(&arena, "%.*s%s%s", (int)(place - own->content), own->content,
                                   replace, place + strlen(find));
    own->size = strlen(own->content);
    assert_ok(plan_load(plan->bundle.files, plan->bundle.count, &plan->plan, NULL, &test_error));
}

static void free_plan(struct whatif_plan *plan)
{
    plan_free(plan->plan);
    plan_bundle_free(&plan->bundle);
}

/* ---- comparing ---- */

static const struct cli_list no_drops;
static const struct whatif_changes unchanged;

static void run(struct whatif *whatif, struct whatif_changes *changes)
{
    *whatif = (struct whatif){.log = "log", .changes = changes, .drops = &no_drops};
    course_open(&whatif->was);
    course_open(&whatif->now);
    assert_ok(whatif_run(ld_context_system(), &inputs, NULL, &whatif->was, &test_error));
    assert_ok(whatif_run(ld_context_system(), &inputs, changes, &whatif->now, &test_error));
    whatif_compare(whatif);
}

/* A part of the result, one row a line, without texts, sequences and versions of plans. */
static void expect_part(const struct whatif *whatif, const char *part, const char *expected)
{
    struct ld_buffer text = {0};
    size_t index;
    json_t *row, *json = whatif_json(whatif);
    json_array_foreach(json_object_get(json, part), index, row)
    {
        json_object_del(row, "text");
        json_object_del(row, "sequence");
        json_object_del(json_object_get(row, "was"), "reason");
        json_object_del(json_object_get(row, "if"), "reason");
        json_object_del(json_object_get(row, "was"), "plan_hash");
        json_object_del(json_object_get(row, "if"), "plan_hash");
        char *line = json_dumps(row, JSON_COMPACT);
        ld_buffer_format(&text, "%s\n", line);
        free(line);
    }
    assert_string_equal(text.size > 0 ? ld_buffer_string(&text) : "", expected);
    ld_buffer_free(&text);
    json_decref(json);
}

static size_t rows_in_all(const struct whatif *whatif)
{
    size_t count = 0;
    for (int kind = COURSE_CLOSED; kind < COURSE_KINDS; kind++)
        count += whatif->rows[kind].count;
    return count;
}

/* The n-th event from outside, counted from 1. */
static uint64_t sequence_of(size_t n)
{
    for (size_t i = 0; i < inputs.count; i++)
        if (!inputs.all[i].tick && --n == 0)
            return inputs.all[i].record.sequence;
    fail_msg("there are fewer events");
    return 0;
}

/* ---- the tests ---- */

static void nothing_changed_is_nothing_different(void **state)
{
    struct whatif whatif;
    struct whatif_changes changes = {.until = UINT64_MAX};
    struct whatif_plan same = {0};
    (void)state;
    load_edited(&same, "at_least: 30", "at_least: 30");
    run(&whatif, &changes);
    assert_false(whatif_differs(&whatif));
    assert_int_equal(rows_in_all(&whatif), 0);
    whatif_free(&whatif);
    changes = (struct whatif_changes){.plans = &same, .plan_count = 1};
    run(&whatif, &changes);
    assert_true(same.replaces);
    assert_false(whatif_differs(&whatif));
    whatif_free(&whatif);
    free_plan(&same);
}

static void another_threshold(void **state)
{
    struct whatif whatif;
    struct whatif_plan plan;
    struct whatif_changes changes = {.plans = &plan, .plan_count = 1};
    (void)state;
    load_edited(&plan, "over: city, at_least: 30", "over: city, at_least: 31");
    run(&whatif, &changes);
    expect_part(
        &whatif, "course",
        "{\"what\":\"grade\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\",\"was\":{"
        "\"time\":\"2026-03-02T09:30:00+08:00\",\"section\":\"3.2(2)\",\"by\":\"\"},\"if\":null}\n"
        "{\"what\":\"warning-suggested\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\","
        "\"was\":{\"time\":\"2026-03-02T09:30:00+08:00\",\"section\":\"3.2(2)\",\"by\":\"\"},"
        "\"if\":null}\n"
        "{\"what\":\"response\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\",\"area\":"
        "\"3303\",\"was\":{\"time\":\"2026-03-02T10:00:00+08:00\",\"section\":\"6.1, "
        "6.1.2\",\"by\":\"3303.gov\"},\"if\":null}\n"
        "{\"what\":\"response-ended\",\"incident\":\"3303-cholera-20260302-1\",\"area\":\"3303\","
        "\"was\":{\"time\":\"2026-03-02T20:00:00+08:00\",\"section\":\"6.4.2, "
        "6.4.3(2)\",\"by\":\"3303.gov\"},\"if\":null}\n");
    expect_part(
        &whatif, "answers",
        "{\"what\":\"answer\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\",\"author\":"
        "\"3303.health\",\"event\":\"decision\",\"act\":\"propose\",\"was\":{\"answered\":true,"
        "\"accepted\":true,\"code\":\"accepted\",\"section\":\"\"},\"if\":{\"answered\":true,"
        "\"accepted\":false,\"code\":\"grade-not-reached\",\"section\":\"6.1, 6.1.2\"}}\n"
        "{\"what\":\"answer\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\",\"author\":"
        "\"3303.health-experts\",\"event\":\"decision\",\"act\":\"assess\",\"was\":{\"answered\":"
        "true,\"accepted\":true,\"code\":\"accepted\",\"section\":\"\"},\"if\":{\"answered\":true,"
        "\"accepted\":false,\"code\":\"grade-not-reached\",\"section\":\"6.1, 6.1.2\"}}\n"
        "{\"what\":\"answer\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\",\"author\":"
        "\"3303.gov\",\"event\":\"decision\",\"act\":\"decide\",\"was\":{\"answered\":true,"
        "\"accepted\":true,\"code\":\"accepted\",\"section\":\"\"},\"if\":{\"answered\":true,"
        "\"accepted\":false,\"code\":\"grade-not-reached\",\"section\":\"6.1, 6.1.2\"}}\n"
        "{\"what\":\"answer\",\"incident\":\"3303-cholera-20260302-1\",\"author\":\"3303.health\","
        "\"event\":\"decision\",\"act\":\"propose\",\"was\":{\"answered\":true,\"accepted\":true,"
        "\"code\":\"accepted\",\"section\":\"\"},\"if\":{\"answered\":true,\"accepted\":false,"
        "\"code\":\"not-in-force\",\"section\":\"\"}}\n"
        "{\"what\":\"answer\",\"incident\":\"3303-cholera-20260302-1\",\"author\":\"3303.health-"
        "experts\",\"event\":\"decision\",\"act\":\"assess\",\"was\":{\"answered\":true,"
        "\"accepted\":true,\"code\":\"accepted\",\"section\":\"\"},\"if\":{\"answered\":true,"
        "\"accepted\":false,\"code\":\"not-in-force\",\"section\":\"\"}}\n"
        "{\"what\":\"answer\",\"incident\":\"3303-cholera-20260302-1\",\"author\":\"3303.gov\","
        "\"event\":\"decision\",\"act\":\"decide\",\"was\":{\"answered\":true,\"accepted\":true,"
        "\"code\":\"accepted\",\"section\":\"\"},\"if\":{\"answered\":true,\"accepted\":false,"
        "\"code\":\"not-in-force\",\"section\":\"\"}}\n");
    const struct whatif_row *proposal = &whatif.rows[COURSE_ANSWER].all[0];
    assert_int_equal(proposal->was->sequence, sequence_of(6));
    assert_int_equal(proposal->now->sequence, sequence_of(6));
    assert_string_equal(proposal->now->en,
                        "The event is graded general (IV) and does not meet the criteria of grave "
                        "(II); nobody may propose level II before it does");
    whatif_free(&whatif);
    free_plan(&plan);
}

static void another_plan_governs_from_the_start(void **state)
{
    struct whatif whatif;
    struct whatif_plan plan;
    struct whatif_changes changes = {.plans = &plan, .plan_count = 1};
    (void)state;
    load_edited(&plan, "wenzhou-phe", "wenzhou-new");
    run(&whatif, &changes);
    assert_false(plan.replaces);
    expect_part(&whatif, "incidents",
                "{\"what\":\"opened\",\"incident\":\"3303-cholera-20260302-1\",\"was\":{\"time\":"
                "\"2026-03-02T09:00:00+08:00\",\"plan\":\"wenzhou-phe\"},\"if\":{\"time\":\"2026-"
                "03-02T09:00:00+08:00\",\"plan\":\"wenzhou-new\"}}\n"
                "{\"what\":\"opened\",\"incident\":\"3304-cholera-20260302-1\",\"was\":{\"time\":"
                "\"2026-03-02T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"},\"if\":{\"time\":\"2026-"
                "03-02T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"}}\n"
                "{\"what\":\"opened\",\"incident\":\"3304-vaccination-reaction-20260303-1\","
                "\"was\":{\"time\":\"2026-03-03T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"},\"if\":{"
                "\"time\":\"2026-03-03T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"}}\n"
                "{\"what\":\"opened\",\"incident\":\"3303-vaccination-reaction-20260303-1\","
                "\"was\":{\"time\":\"2026-03-03T10:00:00+08:00\",\"plan\":\"wenzhou-phe\"},\"if\":{"
                "\"time\":\"2026-03-03T10:00:00+08:00\",\"plan\":\"wenzhou-new\"}}\n");
    whatif_free(&whatif);
    free_plan(&plan);
}

static void without_an_event(void **state)
{
    struct whatif whatif;
    uint64_t sequence = sequence_of(3);
    const struct whatif_range range = {sequence, sequence};
    struct whatif_changes changes = {.drops = &range, .drop_count = 1};
    (void)state;
    run(&whatif, &changes);
    expect_part(&whatif, "incidents",
                "{\"what\":\"opened\",\"incident\":\"3303-cholera-20260302-1\",\"was\":{\"time\":"
                "\"2026-03-02T09:00:00+08:00\",\"plan\":\"wenzhou-phe\"},\"if\":{\"time\":\"2026-"
                "03-02T09:30:00+08:00\",\"plan\":\"wenzhou-phe\"}}\n"
                "{\"what\":\"opened\",\"incident\":\"3304-cholera-20260302-1\",\"was\":{\"time\":"
                "\"2026-03-02T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"},\"if\":{\"time\":\"2026-"
                "03-02T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"}}\n"
                "{\"what\":\"opened\",\"incident\":\"3304-vaccination-reaction-20260303-1\","
                "\"was\":{\"time\":\"2026-03-03T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"},\"if\":{"
                "\"time\":\"2026-03-03T09:00:00+08:00\",\"plan\":\"jiaxing-phe\"}}\n"
                "{\"what\":\"opened\",\"incident\":\"3303-vaccination-reaction-20260303-1\","
                "\"was\":{\"time\":\"2026-03-03T10:00:00+08:00\",\"plan\":\"wenzhou-phe\"},\"if\":{"
                "\"time\":\"2026-03-03T10:00:00+08:00\",\"plan\":\"wenzhou-phe\"}}\n");
    whatif_free(&whatif);
}

static void nothing_more_from_outside(void **state)
{
    struct whatif whatif;
    struct whatif_changes changes = {.until = sequence_of(4)};
    (void)state;
    run(&whatif, &changes);
    assert_int_equal(whatif.now.place_count, 4);
    assert_int_equal(whatif.now.last_us, whatif.was.last_us);
    assert_int_equal(whatif.rows[COURSE_ANSWER].count, inputs.events - 4);
    for (size_t i = 0; i < whatif.rows[COURSE_ANSWER].count; i++)
        assert_true(whatif.rows[COURSE_ANSWER].all[i].now == NULL &&
                    whatif.rows[COURSE_ANSWER].all[i].was != NULL);
    whatif_free(&whatif);
}

static void run_with_two_more(struct whatif *whatif)
{
    static const char STEPS[] =
        "area: \"330302\"\n"
        "hazard: cholera\n"
        "reporter: 330302.health\n"
        "steps:\n"
        "  - at: day 1 09:15\n"
        "    report: {kind: progress, means: written, measures: {cases: 40}}\n"
        "  - at: day 1 09:20\n"
        "    report: {kind: progress, means: written, measures: {cases: 1}}\n";
    struct whatif_changes changes = {0};
    struct scenario *scenario = NULL;
    char path[] = "/tmp/liandong-whatif-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, STEPS, sizeof STEPS - 1) == sizeof STEPS - 1);
    close(fd);
    assert_ok(scenario_read_part(ld_context_system(), path, &scenario, NULL, &test_error));
    unlink(path);
    changes.add = scenario;
    run(whatif, &changes);
    whatif->changes = &unchanged; /* changes goes */
    scenario_free(scenario);
}

static void with_two_more_reports(void **state)
{
    struct whatif whatif;
    (void)state;
    run_with_two_more(&whatif);
    expect_part(
        &whatif, "course",
        "{\"what\":\"grade\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\",\"was\":{"
        "\"time\":\"2026-03-02T09:30:00+08:00\",\"section\":\"3.2(2)\",\"by\":\"\"},\"if\":{"
        "\"time\":\"2026-03-02T09:15:00+08:00\",\"section\":\"3.2(2)\",\"by\":\"\"}}\n"
        "{\"what\":\"warning-suggested\",\"incident\":\"3303-cholera-20260302-1\",\"level\":\"II\","
        "\"was\":{\"time\":\"2026-03-02T09:30:00+08:00\",\"section\":\"3.2(2)\",\"by\":\"\"},"
        "\"if\":{\"time\":\"2026-03-02T09:15:00+08:00\",\"section\":\"3.2(2)\",\"by\":\"\"}}\n");
    expect_part(&whatif, "answers",
                "{\"what\":\"answer\",\"author\":\"330302.health\",\"about\":\"cholera\",\"event\":"
                "\"report\",\"act\":\"progress\",\"was\":null,\"if\":{\"answered\":true,"
                "\"accepted\":true,\"code\":\"accepted\",\"section\":\"\"}}\n"
                "{\"what\":\"answer\",\"author\":\"330302.health\",\"about\":\"cholera\",\"event\":"
                "\"report\",\"act\":\"progress\",\"was\":null,\"if\":{\"answered\":true,"
                "\"accepted\":true,\"code\":\"accepted\",\"section\":\"\"}}\n");
    whatif_free(&whatif);
}

static void tell(const struct course_line *was, const struct course_line *now, void *data)
{
    struct ld_buffer *text = data;
    bool same = was != NULL && now != NULL && strcmp(was->en, now->en) == 0;
    if (!same)
        ld_buffer_format(text, "%.40s | %.40s\n", was != NULL ? was->en : "",
                         now != NULL ? now->en : "");
}

static void stories_stand_side_by_side(void **state)
{
    struct whatif whatif;
    struct ld_buffer text = {0};
    (void)state;
    run_with_two_more(&whatif);
    whatif_lines(&whatif, tell, &text);
    assert_string_equal(ld_buffer_string(&text), " | Lucheng District Health Bureau: progress\n"
                                                 " | grade II (grave) (3.2(2)) 30 or more cas\n"
                                                 " | warning suggested: orange (level II)\n"
                                                 " | clock met: Lucheng District Health Burea\n"
                                                 " | clock met: Lucheng District Health Burea\n"
                                                 " | Lucheng District Health Bureau: progress\n"
                                                 "grade II (grave) (3.2(2)) 30 or more cas | \n"
                                                 "warning suggested: orange (level II) | \n"
                                                 "clock met: Lucheng District Health Burea | \n"
                                                 "clock met: Lucheng District Health Burea | \n"
                                                 " | clock missed: Lucheng District People's \n"
                                                 "clock missed: Lucheng District People's  | \n"
                                                 " | clock missed: Lucheng District People's \n"
                                                 "clock missed: Lucheng District People's  | \n");
    ld_buffer_free(&text);
    whatif_free(&whatif);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changed_is_nothing_different),
        cmocka_unit_test(another_threshold),
        cmocka_unit_test(another_plan_governs_from_the_start),
        cmocka_unit_test(without_an_event),
        cmocka_unit_test(nothing_more_from_outside),
        cmocka_unit_test(with_two_more_reports),
        cmocka_unit_test(stories_stand_side_by_side),
    };
    return cmocka_run_group_tests(tests, play, drop);
}
