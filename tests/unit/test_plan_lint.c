/* The linter: each mistake of data/plan/mistakes.txt, made alone, gets just the findings told
 * there. */
#include "plan_sample.h"

#include <stdio.h>

enum { CASES_MIN = 130 }; /* so that a file cut short is noticed */

struct mistake {
    struct ld_buffer file, find, replace, expected;
};

static void mistake_clear(struct mistake *mistake)
{
    ld_buffer_clear(&mistake->file);
    ld_buffer_clear(&mistake->find);
    ld_buffer_clear(&mistake->replace);
    ld_buffer_clear(&mistake->expected);
}

static void check_mistake(const struct plan_bundle *bundle, struct mistake *mistake)
{
    struct ld_buffer found = {0};
    const char *name = ld_buffer_string(&mistake->file);
    const char *content = sample_file(bundle, name)->content;
    char *edited = sample_replace(content, ld_buffer_string(&mistake->find),
                                  ld_buffer_string(&mistake->replace));
    int code = sample_check_with(bundle, name, edited, strlen(edited), &found);
    assert_string_equal(ld_buffer_string(&found), ld_buffer_string(&mistake->expected));
    assert_int_equal(code, LD_INVALID);
    free(edited);
    ld_buffer_free(&found);
}

static void add_line(struct ld_buffer *text, bool joined, const char *line)
{
    if (joined) {
        ld_buffer_text(text, "\n");
    }
    ld_buffer_text(text, line);
}

/* One line of the file; mark says which kind the line before was. */
static void take_line(struct mistake *mistake, char before, char *line)
{
    const char *rest = line[0] && line[1] ? line + 2 : "";
    switch (line[0]) {
    case '@':
        ld_buffer_text(&mistake->file, rest);
        break;
    case '-':
        add_line(&mistake->find, before == '-', rest);
        break;
    case '+':
        add_line(&mistake->replace, before == '+', rest);
        break;
    case '=':
        ld_buffer_format(&mistake->expected, "%s\n", rest);
        break;
    default:
        assert_int_equal(line[0], '#');
    }
}

static void test_each_mistake(void **state)
{
    (void)state;
    struct plan_bundle bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct mistake mistake = {0};
    FILE *file = fopen(SAMPLE_FOLDER "mistakes.txt", "r");
    assert_non_null(file);
    char line[1024], before = 0;
    int checked = 0;
    for (bool more = true; more; before = line[0]) {
        more = fgets(line, sizeof line, file) != NULL;
        line[more ? strcspn(line, "\n") : 0] = 0;
        if (line[0]) {
            take_line(&mistake, before, line);
        } else if (mistake.file.size > 0) {
            check_mistake(&bundle, &mistake);
            mistake_clear(&mistake);
            checked++;
        }
    }
    assert_true(checked >= CASES_MIN);
    fclose(file);
    ld_buffer_free(&mistake.file);
    ld_buffer_free(&mistake.find);
    ld_buffer_free(&mistake.replace);
    ld_buffer_free(&mistake.expected);
    plan_bundle_free(&bundle);
}

/* ---- what must not be refused ---- */

static void check_sound(const char *find, const char *replace)
{
    struct plan_bundle bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct ld_buffer found = {0};
    char *edited = sample_replace(sample_file(&bundle, "sample.yaml")->content, find, replace);
    int code = sample_check_with(&bundle, "sample.yaml", edited, strlen(edited), &found);
    assert_string_equal(ld_buffer_string(&found), "");
    assert_int_equal(code, LD_OK);
    free(edited);
    ld_buffer_free(&found);
    plan_bundle_free(&bundle);
}

/* Criteria of a less grave level that overlap a graver one, but are not always hidden by it. */
static void test_overlap_is_no_mistake(void **state)
{
    (void)state;
    static const char WHEN[] = "over: county, at_least: 1, at_most: 9";
    check_sound(WHEN, "over: county, at_least: 1");
    check_sound(WHEN, "over: county, at_least: 5, at_most: 15");
    check_sound(WHEN, "over: city, at_least: 10, at_most: 29");
    check_sound("count: {measure: cases, within: 7d, over: county, at_least: 1, at_most: 9}",
                "count: {measure: deaths, within: 7d, over: county, at_least: 10, at_most: 29}");
    check_sound("count: {measure: cases, within: 7d, over: county, at_least: 1, at_most: 9}",
                "count: {measure: cases, within: 6d, over: county, at_least: 10, at_most: 29}");
    check_sound("count: {measure: cases, within: 7d, over: county, at_least: 1, at_most: 9}",
                "any: [{areas: {measure: cases, within: 7d, at_least: 2}}, {sign: imported}]");
}

/* Two counties may each meet one of two bounds that exclude each other in one. */
static void test_counties_do_not_exclude(void **state)
{
    (void)state;
    check_sound("- not: {sign: imported}",
                "- count: {measure: cases, within: incubation, over: county, at_most: 3}\n"
                "        - count: {measure: cases, within: incubation, over: county, at_least: 9}");
}

/* With hazards left out, and in the forms that the format leaves open. */
static void test_open_forms(void **state)
{
    (void)state;
    check_sound("hazards: [cholera, plague, measles, mumps, poisoning]", "hazards: all");
    check_sound("I: {zh: 省政府, en: Province}\n"
                "    II: {zh: 市政府, en: City}\n"
                "    III: {zh: 市政府, en: City}\n"
                "    IV: {zh: 市卫健委, en: Health commission}\n",
                "zh: 市政府\n    en: City\n");
    check_sound("[IV, NONE]", "[none, IV]");
    check_sound("from_grade: true", "criteria: [{id: w, level: IV, section: \"5\", text: {zh: 是, "
                                    "en: is}, when: {sign: imported}}]");
    check_sound("reading: small, but complete", "levels: [IV, III, II, I]");
}

/* ---- what conditions say about each other ---- */

static const char GRAVER_WHEN[] =
    "any:\n"
    "        - count: {measure: cases, within: 7d, over: county, at_least: 10, at_most: 29}  # may "
    "go\n"
    "        - areas: {measure: cases, within: 7d, at_least: 2}  # may go\n";
static const char WEAKER_WHEN[] =
    "count: {measure: cases, within: 7d, over: county, at_least: 1, at_most: 9}";

/* The plan with these conditions for its criteria of levels III and IV. */
static int check_pair(const char *graver, const char *weaker, struct ld_buffer *found)
{
    struct plan_bundle bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct ld_buffer line = {0};
    ld_buffer_format(&line, "%s\n", graver);
    const char *content = sample_file(&bundle, "sample.yaml")->content;
    char *half = sample_replace(content, GRAVER_WHEN, ld_buffer_string(&line));
    char *edited = sample_replace(half, WEAKER_WHEN, weaker);
    int code = sample_check_with(&bundle, "sample.yaml", edited, strlen(edited), found);
    free(half);
    free(edited);
    ld_buffer_free(&line);
    plan_bundle_free(&bundle);
    return code;
}

#define CASES_7D "measure: cases, within: 7d, "

static void test_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *graver, *weaker;
        bool hidden;
    } PAIRS[] = {
        {"gauge: {measure: excess, at_least: 2}", "gauge: {measure: excess, more_than: 2}", true},
        {"gauge: {measure: excess, more_than: 2}", "gauge: {measure: excess, at_least: 2}", false},
        {"gauge: {measure: excess, at_most: 5}", "gauge: {measure: excess, less_than: 5}", true},
        {"gauge: {measure: excess, less_than: 5}", "gauge: {measure: excess, at_most: 5}", false},
        {"gauge: {measure: excess, at_most: 5}", "gauge: {measure: excess, at_most: 4}", true},
        {"gauge: {measure: excess, at_most: 4}", "gauge: {measure: excess, at_most: 5}", false},
        {"gauge: {measure: excess, over: city, at_least: 2}",
         "gauge: {measure: excess, at_least: 2}", false},
        {"count: {" CASES_7D "over: city, at_least: 10}",
         "count: {" CASES_7D "over: county, at_least: 10}", true},
        {"count: {" CASES_7D "over: county, at_least: 10}",
         "count: {" CASES_7D "over: city, at_least: 10}", false},
        {"count: {measure: cases, within: 14d, at_least: 10}", "count: {" CASES_7D "at_least: 10}",
         true},
        {"count: {measure: cases, within: 6d, at_least: 10}", "count: {" CASES_7D "at_least: 10}",
         false},
        {"count: {measure: cases, within: incubation, at_least: 1}",
         "count: {" CASES_7D "at_least: 10}", false},
        {"count: {measure: cases, within: incident, at_least: 1}",
         "count: {" CASES_7D "at_least: 10}", false},
        {"count: {measure: cases, within: incident, over: city, at_least: 1}",
         "count: {measure: cases, within: incident, over: county, at_least: 1}", true},
        {"count: {" CASES_7D "at_least: 1, at_most: 9}",
         "count: {" CASES_7D "at_least: 1, at_most: 5}", true},
        {"count: {measure: cases, within: 14d, at_least: 1, at_most: 9}",
         "count: {" CASES_7D "at_least: 1, at_most: 5}", false},
        {"count: {" CASES_7D "at_least: 10}", "count: {" CASES_7D "more_than: 9}", true},
        {"count: {" CASES_7D "more_than: 9}", "count: {" CASES_7D "at_least: 10}", true},
        {"count: {" CASES_7D "more_than: 9}", "count: {" CASES_7D "at_least: 9}", false},
        {"count: {" CASES_7D "at_least: 1}", "count: {measure: deaths, within: 7d, at_least: 1}",
         false},
        {"places: {" CASES_7D "at_least: 2}", "places: {" CASES_7D "at_least: 3}", true},
        {"places: {" CASES_7D "at_least: 2}", "areas: {" CASES_7D "at_least: 3}", false},
        {"sign: imported", "sign: imported", true},
        {"sign: imported", "sign: spreading", false},
        {"sign: imported", "all: [{sign: spreading}, {sign: imported}]", true},
        {"sign: imported", "any: [{sign: imported}, {sign: spreading}]", false},
        {"any: [{sign: spreading}, {sign: imported}]", "any: [{sign: imported}, {sign: spreading}]",
         true},
        {"all: [{sign: spreading}, {sign: imported}]", "all: [{sign: imported}, {sign: spreading}]",
         true},
        {"all: [{sign: spreading}, {sign: imported}]", "sign: imported", false},
        {"not: {all: [{sign: spreading}, {sign: imported}]}", "not: {sign: imported}", true},
        {"not: {sign: imported}", "not: {all: [{sign: spreading}, {sign: imported}]}", false},
        {"sign: imported", "not: {sign: imported}", false},
        {"designated: [33.gov]", "designated: [33.gov]", false},
    };
    struct ld_buffer found = {0};
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        int code = check_pair(PAIRS[i].graver, PAIRS[i].weaker, &found);
        bool told = strstr(ld_buffer_string(&found), "criterion \"cholera-1\" never decides");
        if (told != PAIRS[i].hidden || (code == LD_OK) == PAIRS[i].hidden) {
            fail_msg("%s hides %s: %d: %s", PAIRS[i].graver, PAIRS[i].weaker, told,
                     ld_buffer_string(&found));
        }
    }
    ld_buffer_free(&found);
}

static void test_excluding(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        bool excluding;
    } PAIRS[] = {
        {"areas: {" CASES_7D "at_least: 3}", "areas: {" CASES_7D "at_most: 2}", true},
        {"places: {" CASES_7D "at_most: 2}", "places: {" CASES_7D "at_least: 3}", true},
        {"places: {" CASES_7D "at_most: 2}", "places: {" CASES_7D "at_least: 2}", false},
        {"places: {" CASES_7D "at_most: 2}", "areas: {" CASES_7D "at_least: 3}", false},
        {"areas: {" CASES_7D "at_least: 3}", "areas: {measure: cases, within: 14d, at_most: 2}",
         false},
        {"count: {" CASES_7D "more_than: 2}", "count: {" CASES_7D "less_than: 3}", true},
        {"count: {" CASES_7D "more_than: 2}", "count: {" CASES_7D "less_than: 4}", false},
        {"count: {" CASES_7D "over: county, at_least: 5}",
         "count: {" CASES_7D "over: county, at_most: 4}", false},
        {"gauge: {measure: excess, at_least: 5}", "gauge: {measure: excess, at_most: 4}", false},
        {"not: {sign: imported}", "sign: imported", true},
        {"sign: imported", "not: {sign: imported}", true},
        {"sign: imported", "not: {sign: spreading}", false},
        {"sign: imported", "sign: spreading", false},
    };
    struct ld_buffer found = {0}, all = {0};
    for (size_t i = 0; i < sizeof PAIRS / sizeof *PAIRS; i++) {
        ld_buffer_clear(&all);
        ld_buffer_format(&all, "all: [{%s}, {%s}]", PAIRS[i].first, PAIRS[i].second);
        int code = check_pair("designated: [33.gov]", ld_buffer_string(&all), &found);
        bool told = strstr(ld_buffer_string(&found), "conditions 1 and 2 exclude each other");
        if (told != PAIRS[i].excluding || (code == LD_OK) == PAIRS[i].excluding) {
            fail_msg("%s: %d: %s", ld_buffer_string(&all), told, ld_buffer_string(&found));
        }
    }
    ld_buffer_free(&found);
    ld_buffer_free(&all);
}

/* Two criteria of one level that say the same are no mistake: neither is graver. */
static void test_equal_levels(void **state)
{
    (void)state;
    check_sound(
        "warnings:\n",
        "  - {id: again, level: IV, section: \"3.4(2)\", hazards: [cholera], "
        "text: {zh: 同, en: same}, when: {count: {measure: cases, within: 7d, over: county, "
        "at_least: 1, at_most: 9}}}\nwarnings:\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake),
        cmocka_unit_test(test_overlap_is_no_mistake),
        cmocka_unit_test(test_counties_do_not_exclude),
        cmocka_unit_test(test_open_forms),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_excluding),
        cmocka_unit_test(test_equal_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
