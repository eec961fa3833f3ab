/* The small bundle of tests/unit/data/plan: read, edited in one place, loaded, its findings told.
 */
#ifndef LIANDONG_TEST_PLAN_SAMPLE_H
#define LIANDONG_TEST_PLAN_SAMPLE_H

#include "test.h"

#include <buffer.h>
#include <context.h>
#include <stdlib.h>
#include "plan/plan.h"

#define SAMPLE_FOLDER LIANDONG_SOURCE_DIR "/tests/unit/data/plan/"

static inline struct plan_bundle sample_read(const char *path)
{
    struct plan_bundle bundle = {0};
    assert_ok(plan_bundle_read(ld_context_system(), path, &bundle, &test_error));
    return bundle;
}

static inline struct plan_file *sample_file(const struct plan_bundle *bundle, const char *name)
{
    for (size_t i = 0; i < bundle->count; i++) {
        if (strcmp(bundle->files[i].name, name) == 0) {
            return &bundle->files[i];
        }
    }
    fail_msg("no file %s in the bundle", name);
    return NULL;
}

static inline void sample_add_findings(struct ld_buffer *out, const struct plan_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct plan_finding *finding = &findings->all[i];
        ld_buffer_format(out, "%s:%d:%d: %s\n", finding->file, finding->line, finding->column,
                         finding->text);
    }
}

/* Loads and forgets the plan. All findings, one a line, in out (emptied before). */
static inline int sample_check(const struct plan_file *files, size_t count, struct ld_buffer *out)
{
    struct plan *plan = NULL;
    struct plan_findings findings = {0};
    int code = plan_load(files, count, &plan, &findings, &test_error);
    ld_buffer_clear(out);
    sample_add_findings(out, &findings);
    assert_true((code == LD_OK) == (plan != NULL));
    assert_true((code == LD_INVALID) == (findings.count > 0));
    plan_findings_free(&findings);
    plan_free(plan);
    return code;
}

/* The content with the one place where find stands replaced; freed by the caller. */
static inline char *sample_replace(const char *content, const char *find, const char *replace)
{
    const char *place = strstr(content, find);
    if (!place || strstr(place + 1, find)) {
        fail_msg("stands %s: \"%s\"", place ? "more than once" : "nowhere", find);
        return NULL;
    }
    struct ld_buffer edited = {0};
    ld_buffer_append(&edited, content, (size_t)(place - content));
    ld_buffer_text(&edited, replace);
    ld_buffer_text(&edited, place + strlen(find));
    (void)ld_buffer_string(&edited);
    return (char *)edited.data;
}

/* sample_check of the bundle with one file's content replaced for the time. */
static inline int sample_check_with(const struct plan_bundle *bundle, const char *name,
                                    const void *content, size_t size, struct ld_buffer *out)
{
    struct plan_file *file = sample_file(bundle, name), before = *file;
    file->content = content;
    file->size = size;
    int code = sample_check(bundle->files, bundle->count, out);
    *file = before;
    return code;
}

#endif
