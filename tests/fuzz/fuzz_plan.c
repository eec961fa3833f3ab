/*
 * Plans and vocabulary: the first byte says which file of the bundle the rest replaces. Loaded and
 * linted; what is taken has a plan that can be asked, what is not has findings.
 */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include "plan/diff.h"

static const char *const PATHS[] = {
    "vocabulary/areas.yaml", "vocabulary/channels.yaml", "vocabulary/hazards.yaml",
    "vocabulary/items.yaml", "vocabulary/measures.yaml", "vocabulary/reserves.yaml",
    "vocabulary/signs.yaml", "vocabulary/units.yaml",    "sample.yaml",
};
enum { FILES = sizeof PATHS / sizeof PATHS[0] };

/* The small bundle of the unit tests. */
static struct plan_file files[FILES];

static void read_bundle(void)
{
    for (size_t i = 0; i < FILES; i++) {
        char path[128];
        snprintf(path, sizeof path, "tests/unit/data/plan/%s", PATHS[i]);
        files[i].name = PATHS[i];
        files[i].content = fuzz_source(path, &files[i].size);
    }
}

static void ask(const struct plan *plan)
{
    fuzz_check(plan_find_area(plan, "3303") >= -1);
    for (size_t i = 0; i < plan->member_count; i++)
        fuzz_check(plan_find_member(plan, plan->units[plan->members[i].unit].id) == (int)i);
}

/* A version differs from itself in nothing, and from the sample as much there as back. */
static void compare(const struct plan_file *before, size_t which)
{
    struct plan_file sample[FILES];
    struct plan_diff same, there, back;
    struct ld_error error;
    memcpy(sample, files, sizeof sample);
    sample[which] = *before;
    fuzz_check(plan_diff_make(files, FILES, files, FILES, &same, &error) == LD_OK);
    fuzz_check(plan_diff_make(sample, FILES, files, FILES, &there, &error) == LD_OK);
    fuzz_check(plan_diff_make(files, FILES, sample, FILES, &back, &error) == LD_OK);
    fuzz_check(same.count == 0 && there.count == back.count && there.acting == back.acting);
    plan_diff_free(&same);
    plan_diff_free(&there);
    plan_diff_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (files[0].name == NULL)
        read_bundle();
    if (size == 0)
        return 0;
    size_t which = data[0] % FILES;
    struct plan_file before = files[which];
    uint8_t *content = fuzz_copy(data + 1, size - 1);
    files[which].content = (const char *)content;
    files[which].size = size - 1;
    struct plan *plan = NULL;
    struct plan_findings findings = {0};
    struct ld_error error;
    int code = plan_load(files, FILES, &plan, &findings, &error);
    fuzz_check((code == LD_OK) == (plan != NULL));
    fuzz_check(code != LD_INVALID || (findings.count > 0 && findings.count <= PLAN_FINDINGS_MAX));
    if (plan != NULL) {
        ask(plan);
        compare(&before, which);
    }
    plan_findings_free(&findings);
    plan_free(plan);
    files[which] = before;
    free(content);
    return 0;
}
