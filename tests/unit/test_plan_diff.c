/*
 * Differences between versions of a plan: that nothing is missed, whichever character of the plan
 * or its vocabulary is another; that there and back say the same; general plans; who has which
 * duty. What is printed of them, whole: data/printed/plan-diff.txt.
 */
#include "plan_sample.h"

#include <stdio.h>
#include "plan/diff.h"
#include "plan/tree.h"
#include "timefmt.h"

static bool all_of_it(void)
{
    const char *mode = getenv("LIANDONG_TESTS");
    return mode && strcmp(mode, "full") == 0;
}

/* ---- nothing is missed ---- */

static void dump(struct ld_buffer *out, const struct node *node)
{
    ld_buffer_format(out, "%s<%d %s", node->key ? node->key : "", (int)node->kind,
                     node->text ? node->text : "");
    for (const struct node *child = node->first; child; child = child->next)
        dump(out, child);
    ld_buffer_text(out, ">");
}

/* What the file says, without what only dates a vocabulary; "" if it is no YAML. */
static void tree_text(struct ld_buffer *out, const struct plan_file *file)
{
    struct ld_arena arena = {0};
    struct plan_findings findings = {0};
    const struct node *root = tree_read(&arena, file->name, file->content, file->size, &findings);
    ld_buffer_clear(out);
    if (root && findings.count == 0) {
        for (const struct node *child = root->first; child; child = child->next)
            if (child->kind != NODE_TEXT || strchr(file->name, '/') == NULL)
                dump(out, child);
    }
    plan_findings_free(&findings);
    ld_arena_free(&arena);
}

static size_t differences(const struct plan_bundle *old, const struct plan_bundle *new)
{
    struct plan_diff diff;
    assert_ok(plan_diff_make(old->files, old->count, new->files, new->count, &diff, &test_error));
    size_t count = diff.count;
    plan_diff_free(&diff);
    return count;
}

static void check_character(const struct plan_bundle *bundle, struct plan_bundle *other,
                            struct plan_file *file, size_t at, const char *was)
{
    struct ld_buffer now = {0};
    char *content = (char *)(uintptr_t)file->content, before = content[at];
    content[at] = before == '1'                    ? '2'
                  : before == 'x'                  ? 'y'
                  : before >= '0' && before <= '9' ? '1'
                                                   : 'x';
    tree_text(&now, file);
    const char *text = ld_buffer_string(&now);
    if (text[0] && strcmp(text, was) != 0 && differences(bundle, other) == 0)
        fail_msg("%s, byte %zu: %.20s… is missed", file->name, at, content + at);
    content[at] = before;
    ld_buffer_free(&now);
}

static void every_character_counts(void **state)
{
    struct plan_bundle bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct plan_bundle other = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct ld_buffer was = {0};
    size_t step = all_of_it() ? 1 : 17, checked = 0;
    (void)state;
    for (size_t i = 0; i < other.count; i++) {
        struct plan_file *file = &other.files[i];
        tree_text(&was, file);
        for (size_t at = i % step; at < file->size; at += step) {
            bool word = (file->content[at] >= 'a' && file->content[at] <= 'z') ||
                        (file->content[at] >= '0' && file->content[at] <= '9');
            checked += word;
            if (word)
                check_character(&bundle, &other, file, at, ld_buffer_string(&was));
        }
    }
    print_message("%zu characters\n", checked);
    assert_true(checked > 200);
    ld_buffer_free(&was);
    plan_bundle_free(&other);
    plan_bundle_free(&bundle);
}

/* ---- there and back ---- */

static const char *summary(const struct plan_change *change, bool back)
{
    static char text[4096];
    static const char *const KINDS[] = {"+", "-", "~"};
    enum plan_change_kind kind = change->kind;
    if (back && kind != PLAN_CHANGED)
        kind = kind == PLAN_ADDED ? PLAN_REMOVED : PLAN_ADDED;
    snprintf(text, sizeof text, "%s %s %s %d %s → %s", KINDS[kind], change->section, change->path,
             change->acts, back ? change->new_text : change->old_text,
             back ? change->old_text : change->new_text);
    return text;
}

static bool has(const struct plan_diff *diff, const char *wanted)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", wanted);
    for (size_t i = 0; i < diff->count; i++) {
        if (strcmp(summary(&diff->all[i], true), copy) == 0)
            return true;
    }
    return false;
}

/* Contents put in, until the test is over. */
static char *replaced[8];
static size_t replaced_count;

static void forget_replaced(void)
{
    while (replaced_count > 0)
        free(replaced[--replaced_count]);
}

static void replace(struct plan_bundle *bundle, const char *name, const char *find,
                    const char *with)
{
    struct plan_file *file = sample_file(bundle, name);
    replaced[replaced_count] = sample_replace(file->content, find, with);
    file->content = replaced[replaced_count++];
    file->size = strlen(file->content);
}

static void there_and_back(void **state)
{
    struct plan_bundle old = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct plan_bundle new = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct plan_diff there, back;
    (void)state;
    replace(&new, "sample.yaml", "at_least: 10, at_most: 29", "more_than: 9");
    replace(&new, "sample.yaml", "members: [3303.police, 3303.health, 3303.port]",
            "members: [3303.port, 3303.cdc]");
    replace(&new, "vocabulary/hazards.yaml", "incubation: 2d", "incubation: 47h");
    assert_ok(plan_diff_make(old.files, old.count, new.files, new.count, &there, &test_error));
    assert_ok(plan_diff_make(new.files, new.count, old.files, old.count, &back, &test_error));
    assert_int_equal(there.count, 7); /* three bounds, three members, one incubation period */
    assert_int_equal(there.acting, 7);
    assert_int_equal(back.count, there.count);
    for (size_t i = 0; i < there.count; i++) {
        if (!has(&back, summary(&there.all[i], false)))
            fail_msg("not on the way back: %s", summary(&there.all[i], false));
    }
    plan_diff_free(&there);
    plan_diff_free(&back);
    plan_bundle_free(&old);
    plan_bundle_free(&new);
    forget_replaced();
}

/* ---- general plans ---- */

static const char GENERAL[] = "plan: big\norders: {within: 1h}\nduties:\n"
                              "  - {row: 1, section: a, duties: [{id: d.1}]}\nnotices: {to: x}\n";
static const char SPECIAL[] =
    "plan: own\ngeneral: {plan: big, section: s, sections: [orders, duties]}"
    "\nduties:\n  - {section: b, duties: [{id: m.1}]}\n";
static const char WHOLE[] = "plan: own\ngeneral: {plan: big, section: s, sections: []}\n"
                            "orders: {within: 60m}\nduties:\n"
                            "  - {section: b, duties: [{id: m.1}]}\n"
                            "  - {row: 1, section: a, duties: [{id: d.1}]}\n";

static struct plan_file file_of(const char *name, const char *content)
{
    return (struct plan_file){name, content, strlen(content)};
}

/* Taken or written out: what is done is the same; what is not taken does not count. */
static void taken_sections_count_as_own(void **state)
{
    char other[sizeof GENERAL];
    struct plan_diff diff;
    (void)state;
    const struct plan_file old[] = {file_of("big.yaml", GENERAL), file_of("own.yaml", SPECIAL)};
    const struct plan_file whole[] = {file_of("big.yaml", GENERAL), file_of("own.yaml", WHOLE)};
    assert_ok(plan_diff_make(old, 2, whole, 2, &diff, &test_error));
    assert_int_equal(diff.acting, 0);
    assert_int_equal(diff.count, 2); /* the names of the sections taken */
    plan_diff_free(&diff);
    snprintf(other, sizeof other, "%s", GENERAL);
    *strstr(other, "1h") = '2';
    *strstr(other, "to: x") = 'n';
    const struct plan_file new[] = {file_of("big.yaml", other), file_of("own.yaml", SPECIAL)};
    assert_ok(plan_diff_make(old, 2, new, 2, &diff, &test_error));
    assert_int_equal(diff.count, 1);
    assert_string_equal(diff.all[0].section, "orders");
    assert_string_equal(diff.all[0].path, "within");
    assert_string_equal(diff.all[0].old_text, "1h");
    assert_string_equal(diff.all[0].new_text, "2h");
    plan_diff_free(&diff);
}

static void what_is_no_yaml_is_named(void **state)
{
    struct plan_diff diff;
    (void)state;
    const struct plan_file good[] = {file_of("own.yaml", SPECIAL)};
    const struct plan_file bad[] = {file_of("bad.yaml", "a: [1")};
    assert_int_equal(plan_diff_make(good, 1, bad, 1, &diff, &test_error), LD_INVALID);
    assert_non_null(strstr(test_error.text, "bad.yaml"));
    assert_int_equal(plan_diff_make(good, 1, good, 0, &diff, &test_error), LD_INVALID);
}

/* ---- who has which duty ---- */

static struct plan *load(const struct plan_bundle *bundle)
{
    struct plan *plan = NULL;
    assert_ok(plan_load(bundle->files, bundle->count, &plan, NULL, &test_error));
    return plan;
}

static void members_gain_and_lose(void **state)
{
    struct plan_bundle bundle = sample_read(SAMPLE_FOLDER "sample.yaml");
    struct plan_member_changes changes;
    (void)state;
    struct plan *old = load(&bundle);
    replace(&bundle, "sample.yaml", "members: [3303.police, 3303.health, 3303.port]",
            "members: [3303.police, 3303.health, 3303.cdc]");
    struct plan *new = load(&bundle);
    plan_diff_members(old, new, &changes);
    assert_int_equal(changes.count, 2);
    assert_string_equal(changes.all[0].unit, "3303.port");
    assert_true(changes.all[0].left && !changes.all[0].joined);
    assert_string_equal(changes.all[0].lost, "a.3.1 g.control.1 g.control.2");
    assert_string_equal(changes.all[0].gained, "");
    assert_string_equal(changes.all[1].unit, "3303.cdc");
    assert_true(changes.all[1].joined && !changes.all[1].left);
    assert_string_equal(changes.all[1].gained, "a.3.1 g.control.1 g.control.2");
    assert_int_equal(changes.all[1].gained_count, 3);
    plan_diff_members_free(&changes);
    plan_diff_members(new, new, &changes);
    assert_int_equal(changes.count, 0);
    plan_diff_members_free(&changes);
    plan_free(old);
    plan_free(new);
    plan_bundle_free(&bundle);
    forget_replaced();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_counts),      cmocka_unit_test(there_and_back),
        cmocka_unit_test(taken_sections_count_as_own), cmocka_unit_test(what_is_no_yaml_is_named),
        cmocka_unit_test(members_gain_and_lose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
