/*
 * Bundles as they must not be: malformed, hostile, damaged. Every one of them is answered with
 * findings or a code, never with a crash; the mutation tests are meant to run under sanitizers too.
 */
#include "plan_sample.h"

#include <stdio.h>

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

/* The plan's own file replaced by this; all findings compared. */
static void check_content(const char *content, size_t size, const char *expected)
{
    assert_int_equal(sample_check_with(&bundle, "sample.yaml", content, size, &found), LD_INVALID);
    assert_string_equal(ld_buffer_string(&found), expected);
}

static void check_text(const char *content, const char *expected)
{
    check_content(content, strlen(content), expected);
}

static void test_malformed(void **state)
{
    (void)state;
    check_text("", "sample.yaml:1:1: the file is empty\n");
    check_text("# only a comment\n", "sample.yaml:1:1: the file is empty\n");
    check_text("plan: {a: 1\n", "sample.yaml:2:1: not valid YAML: did not find expected ',' or '}' "
                                "while parsing a flow mapping\n");
    check_text("plan: a\n\ttitle: b\n",
               "sample.yaml:2:1: not valid YAML: found a tab character that violates indentation "
               "while scanning a plain scalar\n");
    check_text("plan: a\n---\nplan: b\n",
               "sample.yaml:2:1: a second document (---); one file holds one\n");
    check_text("[plan]: a\n", "sample.yaml:1:1: a key must be a word, not a list or a map\n");
    check_text("just a text\n", "sample.yaml:1:1: expected a map, found a text\n");
    check_text("- a list\n", "sample.yaml:1:1: expected a map, found a list\n");
    check_text("plan: \"a\\0b\"\n", "sample.yaml:1:7: a text must not contain a zero byte\n");
}

static void test_not_utf8(void **state)
{
    (void)state;
    check_text("plan: a\ntitle: \xff\n",
               "sample.yaml:2:8: not valid UTF-8 text: invalid leading UTF-8 octet; save the file "
               "as UTF-8\n");
    check_text("plan: 预\xe9\xa2",
               "sample.yaml:1:8: not valid UTF-8 text: incomplete UTF-8 octet sequence; save the "
               "file as UTF-8\n");
    check_content("plan: \0\n", 8,
                  "sample.yaml:1:7: not valid UTF-8 text: control characters are not allowed; save "
                  "the file as UTF-8\n");
}

static void test_anchors_and_tags(void **state)
{
    (void)state;
    check_text("plan: &name a\n",
               "sample.yaml:1:7: anchors (&name) are not allowed; write the value out\n");
    check_text("plan: *name\n",
               "sample.yaml:1:7: aliases (*name) are not allowed; write the value out\n");
    check_text("plan: !!binary a\n",
               "sample.yaml:1:7: tags (!name) are not allowed; leave it out\n");
    check_text("plan: &list [a]\n",
               "sample.yaml:1:7: anchors (&name) are not allowed; write the value out\n");
    check_text("plan: !map {a: b}\n",
               "sample.yaml:1:7: tags (!name) are not allowed; leave it out\n");
}

/* The first value of a repeated key counts, so that nothing else is reported. */
static void test_duplicate_key(void **state)
{
    (void)state;
    const char *content = sample_file(&bundle, "sample.yaml")->content;
    char *edited =
        sample_replace(content, "issued: 2026-01-31\n", "issued: 2026-01-31\nissued: never\n");
    check_text(edited,
               "sample.yaml:6:1: key \"issued\" stands twice in one map; remove one of them\n");
    free(edited);
}

static char *repeated(const char *head, const char *unit, size_t count)
{
    struct ld_buffer text = {0};
    ld_buffer_text(&text, head);
    for (size_t i = 0; i < count; i++) {
        ld_buffer_text(&text, unit);
    }
    (void)ld_buffer_string(&text);
    return (char *)text.data;
}

static void test_deep(void **state)
{
    (void)state;
    char *deep = repeated("plan: ", "[", 32);
    check_text(deep, "sample.yaml:1:38: lists and maps nest deeper than 32\n");
    free(deep);
    deep = repeated("plan: ", "[", 500000);
    check_text(deep, "sample.yaml:1:38: lists and maps nest deeper than 32\n");
    free(deep);
    deep = repeated("plan: ", "{a: ", 100000);
    check_text(deep, "sample.yaml:1:131: lists and maps nest deeper than 32\n");
    free(deep);
}

static void test_many(void **state)
{
    (void)state;
    char *many = repeated("plan: [", "a,", 200000);
    check_text(many, "sample.yaml:1:200002: more than 100000 values in one file\n");
    free(many);
    struct ld_buffer keys = {0};
    for (int i = 0; i < 65; i++) {
        ld_buffer_format(&keys, "key%d: a\n", i);
    }
    check_text(ld_buffer_string(&keys), "sample.yaml:65:1: more than 64 keys in one map\n");
    ld_buffer_free(&keys);
    char *long_text = repeated("plan: sample\ndocument: ", "a", 9000);
    assert_int_equal(
        sample_check_with(&bundle, "sample.yaml", long_text, strlen(long_text), &found),
        LD_INVALID);
    assert_non_null(strstr(ld_buffer_string(&found),
                           "sample.yaml:2:11: a text of 9000 bytes; at most 8192 are possible\n"));
    free(long_text);
}

/* More mistakes than are kept: the first ones, and that there are more. */
static void test_findings_are_bounded(void **state)
{
    (void)state;
    char *content = repeated("signs:\n", "  - [a]\n", 150);
    struct plan_file *file = sample_file(&bundle, "vocabulary/signs.yaml"), before = *file;
    file->content = content;
    file->size = strlen(content);
    struct plan *plan = NULL;
    struct plan_findings findings = {0};
    assert_int_equal(plan_load(bundle.files, bundle.count, &plan, &findings, &test_error),
                     LD_INVALID);
    assert_int_equal(findings.count, PLAN_FINDINGS_MAX);
    assert_true(findings.more);
    assert_string_equal(test_error.text, "vocabulary/signs.yaml:2:5: expected a map, found a list "
                                         "(and 99 or more)");
    plan_findings_free(&findings);
    plan_findings_free(&findings); /* again is legal */
    assert_int_equal(plan_load(bundle.files, bundle.count, &plan, NULL, &test_error), LD_INVALID);
    *file = before;
    free(content);
}

/* ---- bundles ---- */

static void test_bundle_sizes(void **state)
{
    (void)state;
    struct plan *plan = NULL;
    assert_int_equal(plan_load(NULL, 0, &plan, NULL, &test_error), LD_INVALID);
    assert_string_equal(test_error.text, "a bundle without files; expected vocabulary and plan");
    struct plan_file many[PLAN_BUNDLE_MAX_FILES + 1];
    for (size_t i = 0; i < PLAN_BUNDLE_MAX_FILES + 1; i++) {
        many[i] = (struct plan_file){"a", "", 0};
    }
    assert_int_equal(plan_load(many, PLAN_BUNDLE_MAX_FILES + 1, &plan, NULL, &test_error),
                     LD_TOOBIG);
    char *huge = repeated("#", "#", PLAN_BUNDLE_MAX_BYTES);
    assert_int_equal(sample_check_with(&bundle, "sample.yaml", huge, strlen(huge), &found),
                     LD_TOOBIG);
    assert_string_equal(test_error.text, "sample.yaml: 1040385 bytes; plan and vocabulary together "
                                         "have at most 1040384");
    free(huge);
    assert_null(plan);
}

static void test_bundle_files(void **state)
{
    (void)state;
    struct plan_file files[16];
    size_t count = 0;
    for (size_t i = 0; i < bundle.count; i++) {
        if (strcmp(bundle.files[i].name, "vocabulary/items.yaml") != 0) {
            files[count++] = bundle.files[i];
        }
    }
    assert_int_equal(sample_check(files, count, &found), LD_INVALID);
    assert_string_equal(ld_buffer_string(&found), "vocabulary/items.yaml:1:1: the file is missing; "
                                                  "the vocabulary is not complete without it\n");
    memcpy(files, bundle.files, bundle.count * sizeof *files);
    files[bundle.count] = files[bundle.count - 1];
    files[bundle.count - 1] = files[0];
    assert_int_equal(sample_check(files, bundle.count + 1, &found), LD_INVALID);
    assert_string_equal(ld_buffer_string(&found),
                        "vocabulary/areas.yaml:1:1: the file is in the bundle twice\n");
    files[bundle.count - 1].name = "vocabulary/zones.yaml";
    assert_int_equal(sample_check(files, bundle.count + 1, &found), LD_INVALID);
    assert_string_equal(ld_buffer_string(&found),
                        "vocabulary/zones.yaml:1:1: no file of the vocabulary; expected areas, "
                        "channels, hazards, items, measures, reserves, signs, units (.yaml), "
                        "or the general plan's\n");
}

static void test_bundle_read(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "vocabulary/areas.yaml", "vocabulary/channels.yaml", "vocabulary/hazards.yaml",
        "vocabulary/items.yaml", "vocabulary/measures.yaml", "vocabulary/reserves.yaml",
        "vocabulary/signs.yaml", "vocabulary/units.yaml",    "sample.yaml"};
    assert_int_equal(bundle.count, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_string_equal(bundle.files[i].name, NAMES[i]);
        assert_int_equal(strlen(bundle.files[i].content), bundle.files[i].size);
    }
    struct plan_bundle none = {0};
    assert_int_equal(
        plan_bundle_read(ld_context_system(), SAMPLE_FOLDER "absent.yaml", &none, &test_error),
        LD_NOTFOUND);
    assert_non_null(strstr(test_error.text, "absent.yaml"));
    assert_int_equal(
        plan_bundle_read(ld_context_system(), "/nowhere/plan.yaml", &none, &test_error),
        LD_NOTFOUND);
    assert_non_null(strstr(test_error.text, "/nowhere/vocabulary"));
    assert_int_equal(plan_bundle_read(ld_context_system(), SAMPLE_FOLDER, &none, &test_error),
                     LD_IO);
    plan_bundle_free(&none); /* untouched, and legal */
}

/* A context whose files have a size of our choosing, and whose reads can fail. */
struct faulty {
    uint64_t size_bytes;
    bool read_fails;
    int open_count;
};

static int faulty_open(void *self, const char *path, enum ld_open_mode mode, int *fd,
                       struct ld_error *error)
{
    (void)path;
    (void)mode;
    (void)error;
    ((struct faulty *)self)->open_count++;
    *fd = 1;
    return LD_OK;
}

static int faulty_close(void *self, int fd)
{
    (void)fd;
    ((struct faulty *)self)->open_count--;
    return LD_OK;
}

static int faulty_size(void *self, int fd, uint64_t *size, struct ld_error *error)
{
    (void)fd;
    (void)error;
    *size = ((struct faulty *)self)->size_bytes;
    return LD_OK;
}

static int faulty_read(void *self, int fd, uint64_t offset, void *data, size_t size,
                       size_t *size_read, struct ld_error *error)
{
    (void)fd;
    (void)offset;
    memset(data, '#', size);
    *size_read = size;
    return ((struct faulty *)self)->read_fails ? ld_fail(error, LD_IO, "cannot read") : LD_OK;
}

static int faulty_list(void *self, const char *path, ld_list_fn *each, void *data,
                       struct ld_error *error)
{
    (void)self;
    (void)path;
    (void)error;
    (void)(each("b.yaml", data) || each(".b.yaml.swp", data) || each("README.md", data) ||
           each("a.yaml", data) || each(".yaml", data));
    return LD_OK;
}

static int faulty_list_many(void *self, const char *path, ld_list_fn *each, void *data,
                            struct ld_error *error)
{
    (void)self;
    (void)path;
    (void)error;
    for (int i = 0; i < PLAN_BUNDLE_MAX_FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.yaml", i);
        if (each(name, data) != 0) {
            return LD_OK;
        }
    }
    return LD_OK;
}

static void test_bundle_read_faults(void **state)
{
    (void)state;
    struct faulty faulty = {.size_bytes = 10};
    struct ld_context context = {.self = &faulty,
                                 .files = {.open = faulty_open,
                                           .close = faulty_close,
                                           .size = faulty_size,
                                           .read = faulty_read,
                                           .list = faulty_list}};
    struct plan_bundle read = {0};
    assert_ok(plan_bundle_read(&context, "p.yaml", &read, &test_error));
    assert_int_equal(read.count, 3);
    assert_string_equal(read.files[0].name, "vocabulary/a.yaml");
    assert_string_equal(read.files[1].name, "vocabulary/b.yaml");
    assert_string_equal(read.files[2].name, "p.yaml");
    plan_bundle_free(&read);
    faulty.size_bytes = PLAN_BUNDLE_MAX_BYTES / 3 + 1;
    assert_int_equal(plan_bundle_read(&context, "p.yaml", &read, &test_error), LD_TOOBIG);
    faulty.size_bytes = UINT64_MAX;
    assert_int_equal(plan_bundle_read(&context, "p.yaml", &read, &test_error), LD_TOOBIG);
    faulty = (struct faulty){.size_bytes = 10, .read_fails = true};
    assert_int_equal(plan_bundle_read(&context, "d/p.yaml", &read, &test_error), LD_IO);
    assert_string_equal(test_error.text, "d/vocabulary/a.yaml: cannot read");
    context.files.list = faulty_list_many;
    assert_int_equal(plan_bundle_read(&context, "p.yaml", &read, &test_error), LD_TOOBIG);
    assert_int_equal(faulty.open_count, 0);
    assert_null(read.owner);
}

/* ---- mutations ---- */

static size_t line_size(const char *line)
{
    return strcspn(line, "\n") + 1;
}

/* Lines that may be deleted say so; so do comments. Every other line is needed. */
static bool may_go(const char *line)
{
    struct ld_buffer text = {0};
    ld_buffer_append(&text, line, line_size(line));
    const char *copy = ld_buffer_string(&text);
    bool marked = strstr(copy, "# may go\n") || copy[0] == '#';
    ld_buffer_free(&text);
    return marked;
}

static void delete_each_line(const struct plan_file *file)
{
    const char *end = file->content + file->size;
    int number = 1;
    for (const char *line = file->content; line < end; line += line_size(line), number++) {
        struct ld_buffer without = {0};
        ld_buffer_append(&without, file->content, (size_t)(line - file->content));
        ld_buffer_text(&without, line + line_size(line));
        int code = sample_check_with(&bundle, file->name, ld_buffer_string(&without), without.size,
                                     &found);
        if ((code == LD_OK) != may_go(line)) {
            fail_msg("%s:%d deleted: %s", file->name, number,
                     code == LD_OK ? "nothing is found" : ld_buffer_string(&found));
        }
        ld_buffer_free(&without);
    }
}

static void test_each_line_deleted(void **state)
{
    (void)state;
    for (size_t i = 0; i < bundle.count; i++) {
        delete_each_line(&bundle.files[i]);
    }
}

/* One change to every line in turn: a finding with a place, or no harm. */
static void change_each_line(const struct plan_file *file, const char *from, const char *to)
{
    const char *end = file->content + file->size;
    for (const char *line = file->content; line < end; line += line_size(line)) {
        const char *place = strstr(line, from);
        if (!place || place >= line + line_size(line)) {
            continue;
        }
        struct ld_buffer changed = {0};
        ld_buffer_append(&changed, file->content, (size_t)(place - file->content));
        ld_buffer_text(&changed, to);
        ld_buffer_text(&changed, place + strlen(from));
        (void)sample_check_with(&bundle, file->name, ld_buffer_string(&changed), changed.size,
                                &found);
        ld_buffer_free(&changed);
    }
}

static void test_each_line_changed(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } CHANGES[] = {{":", ";"},
                   {": ", ":\n"},
                   {"{", "["},
                   {"}", ""},
                   {"  ", " "},
                   {"- ", "  "},
                   {"[", "[[["},
                   {"]", ", [x]]"},
                   {",", ", ,"},
                   {"\"", "'"},
                   {": ", ": ~"},
                   {"id: ", "id: - "},
                   {"zh: ", "zh: {zh: 一, en: "},
                   {"\n", " x\n"}};
    for (size_t i = 0; i < bundle.count; i++) {
        for (size_t j = 0; j < sizeof CHANGES / sizeof *CHANGES; j++) {
            change_each_line(&bundle.files[i], CHANGES[j].from, CHANGES[j].to);
        }
    }
}

/* A fixed sequence (xorshift), so that a failure can be repeated. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void test_random_bytes(void **state)
{
    (void)state;
    enum { ROUNDS = 2000, CHANGES_MAX = 4 };
    static const char BYTES[] = "{}[]:,-#&*!|>'\"%@\n\t ~?0aI\xe4\xff";
    uint64_t seed = 20211109;
    for (int round = 0; round < ROUNDS; round++) {
        const struct plan_file *file = &bundle.files[next_random(&seed) % bundle.count];
        char *content = malloc(file->size + 1);
        assert_non_null(content);
        memcpy(content, file->content, file->size + 1);
        size_t changes = 1 + next_random(&seed) % CHANGES_MAX;
        for (size_t i = 0; i < changes; i++) {
            content[next_random(&seed) % file->size] =
                BYTES[next_random(&seed) % (sizeof BYTES - 1)];
        }
        (void)sample_check_with(&bundle, file->name, content, file->size, &found);
        free(content);
    }
}

/* A file cut off at every byte of its last lines, and at every line. */
static void test_cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < bundle.count; i++) {
        const struct plan_file *file = &bundle.files[i];
        for (size_t size = 0; size < file->size; size++) {
            if (size + 200 > file->size || file->content[size] == '\n') {
                (void)sample_check_with(&bundle, file->name, file->content, size, &found);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_not_utf8),
        cmocka_unit_test(test_anchors_and_tags),
        cmocka_unit_test(test_duplicate_key),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_findings_are_bounded),
        cmocka_unit_test(test_bundle_sizes),
        cmocka_unit_test(test_bundle_files),
        cmocka_unit_test(test_bundle_read),
        cmocka_unit_test(test_bundle_read_faults),
        cmocka_unit_test(test_each_line_deleted),
        cmocka_unit_test(test_each_line_changed),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_cut_off),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
