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
    check_sound(WHEN, "over: county, at_most: 0");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mistake),
        cmocka_unit_test(test_overlap_is_no_mistake),
        cmocka_unit_test(test_counties_do_not_exclude),
        cmocka_unit_test(test_open_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
