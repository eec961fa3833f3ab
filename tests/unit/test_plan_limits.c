/* The limits of a plan: each is told when it is passed by one, and harmless when just reached. */
#include "plan_sample.h"

static struct plan_bundle bundle;
static struct ld_buffer found;

static int set_up(void **state)
{
    (void)state;
    bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    plan_bundle_free(&bundle);
    ld_buffer_free(&found);
    return 0;
}

/* Replaces find in the file by text for the time of one load; text is freed. */
static int check_edit(const char *name, const char *find, struct ld_buffer *text)
{
    char *edited =
        sample_replace(sample_file(&bundle, name)->content, find, ld_buffer_string(text));
    int code = sample_check_with(&bundle, name, edited, strlen(edited), &found);
    free(edited);
    ld_buffer_free(text);
    return code;
}

static void check_refused(const char *name, const char *find, struct ld_buffer *text,
                          const char *expected)
{
    assert_int_equal(check_edit(name, find, text), LD_INVALID);
    if (!strstr(ld_buffer_string(&found), expected)) {
        fail_msg("expected %sfound %s", expected, ld_buffer_string(&found));
    }
}

static struct ld_buffer repeated(const char *head, const char *unit, int count, const char *tail)
{
    struct ld_buffer text = {0};
    ld_buffer_text(&text, head);
    for (int i = 0; i < count; i++) {
        ld_buffer_format(&text, unit, i);
    }
    ld_buffer_text(&text, tail);
    return text;
}

#define UNITS_OPEN "units: [\"*.gov\", \"{county}.health\", \"3303.*\""

static void test_entries_of_a_list(void **state)
{
    (void)state;
    struct ld_buffer text = repeated(UNITS_OPEN, ", 3303.gov", 1021, "]");
    assert_int_equal(check_edit("sample.yaml", UNITS_OPEN "]", &text), LD_OK);
    text = repeated(UNITS_OPEN, ", 3303.gov", 1022, "]");
    check_refused("sample.yaml", UNITS_OPEN "]", &text,
                  "sample.yaml:72:10: units: 1025 entries, at most 1024 are possible\n");
}

static void test_patterns(void **state)
{
    (void)state;
    /* Four patterns stand before, four behind: 1016 more are just possible. */
    struct ld_buffer text = repeated(UNITS_OPEN, ", \"*.gov\"", 1013, "]");
    assert_int_equal(check_edit("sample.yaml", UNITS_OPEN "]", &text), LD_OK);
    text = repeated(UNITS_OPEN, ", \"*.gov\"", 1014, "]");
    check_refused("sample.yaml", UNITS_OPEN "]", &text, "more than 1024 unit patterns\n");
}

/* With two counties more the city has four: 4093 units for each, and twelve others, just fit. What
 * other cities have is not counted. */
static void test_units(void **state)
{
    (void)state;
    static const char COMMENT[] = "  # may go", LAST_AREA[] = "en: Nanhu District}\n";
    static const char EACH[] = "\n  - {each: county, of: \"3303\", slug: s%d, kind: office, "
                               "zh: \"{zh}\", en: \"{en}\"}";
    struct plan_file *file = sample_file(&bundle, "vocabulary/areas.yaml"), before = *file;
    char *areas =
        sample_replace(before.content, LAST_AREA,
                       "en: Nanhu District}\n"
                       "  - {code: \"330304\", level: county, zh: 瓯海区, en: Ouhai}\n"
                       "  - {code: \"330305\", level: county, zh: 洞头区, en: Dongtou}\n");
    *file = (struct plan_file){before.name, areas, strlen(areas)};
    struct ld_buffer text = repeated("", EACH, 4091, "");
    assert_int_equal(check_edit("vocabulary/units.yaml", COMMENT, &text), LD_OK);
    text = repeated("", EACH, 4092, "");
    check_refused("vocabulary/units.yaml", COMMENT, &text,
                  "vocabulary/units.yaml:2:3: units: 16388 units, at most 16384 are possible\n");
    *file = before;
    free(areas);
}

static void test_unit_names(void **state)
{
    (void)state;
    static const char COMMENT[] = "  # may go";
    struct ld_buffer text =
        repeated("\n  - {each: county, of: \"3303\", slug: long, kind: office, zh: \"{zh}", "%01d",
                 254, "\", en: \"{en}\"}");
    check_refused("vocabulary/units.yaml", COMMENT, &text,
                  "vocabulary/units.yaml:16:5: a unit's name has at most 256 bytes\n");
}

static void test_duties(void **state)
{
    (void)state;
    static const char LAST[] = "      - {id: a.3.1, from: IV, text: {zh: 配合, en: Help}}\n";
    static const char DUTY[] = "      - {id: d%d, from: IV, text: {zh: 配合, en: Help}}\n";
    struct ld_buffer text = repeated("", DUTY, 4086, ""); /* ten more stand elsewhere */
    assert_int_equal(check_edit("sample.yaml", LAST, &text), LD_OK);
    text = repeated("", DUTY, 4087, "");
    check_refused("sample.yaml", LAST, &text, "4097 duties, at most 4096 are possible\n");
}

/* ---- members ---- */

/* So many units more than the seven members of the sample. */
static char *more_units(int count)
{
    struct ld_buffer text =
        repeated("", "\n  - {id: 3303.x%d, kind: office, zh: 处, en: Office}", count, "");
    char *edited = sample_replace(sample_file(&bundle, "vocabulary/units.yaml")->content,
                                  "  # may go", ld_buffer_string(&text));
    ld_buffer_free(&text);
    return edited;
}

static int check_members(int count, const char *find, const char *head, const char *tail)
{
    struct plan_file *file = sample_file(&bundle, "vocabulary/units.yaml"), before = *file;
    char *units = more_units(count);
    *file = (struct plan_file){before.name, units, strlen(units)};
    struct ld_buffer text = repeated(head, "3303.x%d,", count, tail);
    int code = check_edit("sample.yaml", find, &text);
    *file = before;
    free(units);
    return code;
}

static void test_members_of_rows(void **state)
{
    (void)state;
    static const char ROW[] = "units: [3303.daily, 3303.television]";
    /* The row of health before, television by a measure, police and port by their group behind. */
    assert_int_equal(check_members(1018, ROW, "units: [", "]"), LD_OK);
    assert_int_equal(check_members(1024, ROW, "units: [", "]"), LD_INVALID);
    assert_non_null(strstr(ld_buffer_string(&found), "sample.yaml:154:5: more than 1024 member "
                                                     "units\n"));
}

static void test_members_of_groups(void **state)
{
    (void)state;
    static const char GROUP[] = "members: [3303.police, 3303.health, 3303.port]";
    assert_int_equal(check_members(1019, GROUP, "members: [", "]"), LD_OK);
    assert_int_equal(check_members(1020, GROUP, "members: [", "]"), LD_INVALID);
    assert_string_equal(ld_buffer_string(&found),
                        "sample.yaml:136:5: more than 1024 member units\n");
}

/* ---- findings ---- */

/* What was found is told in one line of whole characters, however it looks. */
static void test_findings_are_lines(void **state)
{
    (void)state;
    struct ld_buffer text = repeated("area: \"33\\n\\e03", "", 0, "\"");
    check_refused("sample.yaml", "area: \"3303\"", &text,
                  "sample.yaml:6:7: unknown area \"33  03\"; vocabulary/areas.yaml lists what "
                  "there is\n");
    /* Three places at which a character of three bytes can be cut. */
    static const char *const HEADS[] = {"area: \"", "area: \"a", "area: \"ab"};
    for (size_t i = 0; i < 3; i++) {
        text = repeated(HEADS[i], "温", 600, "\"");
        assert_int_equal(check_edit("sample.yaml", "area: \"3303\"", &text), LD_INVALID);
        const char *end = strchr(ld_buffer_string(&found), '\n');
        assert_memory_equal(end - 3, "温", 3);
    }
}

/* 60 conditions in a list, so that each comparison of two criteria takes thousands of steps. */
static void add_criterion(struct ld_buffer *text, int number, const char *level, const char *kind,
                          const char *child)
{
    ld_buffer_format(text,
                     "  - {id: c%d, level: %s, section: \"1\", text: {zh: 一, en: one}, "
                     "when: {%s: [",
                     number, level, kind);
    for (int i = 0; i < 60; i++) {
        ld_buffer_format(text, "{%s}, ", child);
    }
    ld_buffer_text(text, "]}}\n");
}

/* The comparison of criteria gives up after so many steps: what comes last is hidden, but is not
 * looked at any more. Alone it is found. */
static void test_comparison_is_bounded(void **state)
{
    (void)state;
    static const char GRAVER[] = "all: [{sign: imported}, {sign: imported}]";
    static const char WEAKER[] = "any: [{sign: spreading}, {sign: spreading}]";
    for (int count = 1; count <= 60; count += 59) {
        struct ld_buffer text = {0};
        for (int i = 0; i < count; i++) {
            add_criterion(&text, 2 * i, "III", "any", GRAVER);
            add_criterion(&text, 2 * i + 1, "IV", "all", WEAKER);
        }
        add_criterion(&text, 1000, "IV", "any", GRAVER);
        ld_buffer_text(&text, "warnings:\n");
        int code = check_edit("sample.yaml", "warnings:\n", &text);
        assert_int_equal(code, count == 1 ? LD_INVALID : LD_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entries_of_a_list),
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_unit_names),
        cmocka_unit_test(test_duties),
        cmocka_unit_test(test_members_of_rows),
        cmocka_unit_test(test_members_of_groups),
        cmocka_unit_test(test_findings_are_lines),
        cmocka_unit_test(test_comparison_is_bounded),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
