/*
 * The findings of one load. They own their texts (an arena behind owner), so that they outlive
 * files and plan; the first finding allocates the whole bounded array.
 */
#include "findings.h"

#include <arena.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FINDING_TEXT_SIZE = 1024 };

struct plan_findings_owner {
    struct ld_arena arena;
    struct plan_finding all[PLAN_FINDINGS_MAX];
};

static struct plan_findings_owner *owner_of(struct plan_findings *findings)
{
    if (!findings->owner) {
        struct plan_findings_owner *owner = calloc(1, sizeof *owner);
        assert(owner);
        findings->owner = owner;
        findings->all = owner->all;
    }
    return findings->owner;
}

/* One line of whole characters: control characters become spaces, and where the text did not fit,
 * what is left of the last character goes. */
static void tidy_text(char *text, bool cut)
{
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++) {
        text[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    }
    while (cut && size > 0 && ((unsigned char)text[size - 1] & 0xc0) == 0x80) {
        text[--size] = 0;
    }
    if (cut && size > 0 && (unsigned char)text[size - 1] >= 0xc0) {
        text[size - 1] = 0;
    }
}

void findings_add_list(struct plan_findings *findings, const char *file, int line, int column,
                       const char *format, va_list arguments)
{
    if (findings->count == PLAN_FINDINGS_MAX) {
        findings->more = true;
        return;
    }
    struct plan_findings_owner *owner = owner_of(findings);
    char text[FINDING_TEXT_SIZE];
    int size = vsnprintf(text, sizeof text, format, arguments);
    tidy_text(text, size >= FINDING_TEXT_SIZE);
    owner->all[findings->count++] = (struct plan_finding){
        .file = ld_arena_string(&owner->arena, file, strlen(file)),
        .line = line,
        .column = column,
        .text = ld_arena_string(&owner->arena, text, strlen(text)),
    };
}

void findings_add(struct plan_findings *findings, const char *file, int line, int column,
                  const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    findings_add_list(findings, file, line, column, format, arguments);
    va_end(arguments);
}

static size_t file_rank(const char *name, const struct plan_file *files, size_t file_count)
{
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i].name, name) == 0) {
            return i;
        }
    }
    return file_count; /* a file that is missing: behind all that are there */
}

static bool comes_before(const struct plan_finding *a, const struct plan_finding *b,
                         const struct plan_file *files, size_t file_count)
{
    size_t rank_a = file_rank(a->file, files, file_count);
    size_t rank_b = file_rank(b->file, files, file_count);
    if (rank_a != rank_b) {
        return rank_a < rank_b;
    }
    return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion: stable, and there are at most PLAN_FINDINGS_MAX. */
void findings_sort(struct plan_findings *findings, const struct plan_file *files, size_t file_count)
{
    for (size_t i = 1; i < findings->count; i++) {
        struct plan_finding moving = findings->all[i];
        size_t place = i;
        while (place > 0 && comes_before(&moving, &findings->all[place - 1], files, file_count)) {
            findings->all[place] = findings->all[place - 1];
            place--;
        }
        findings->all[place] = moving;
    }
}

void plan_findings_free(struct plan_findings *findings)
{
    struct plan_findings_owner *owner = findings->owner;
    if (owner) {
        ld_arena_free(&owner->arena);
        free(owner);
    }
    *findings = (struct plan_findings){0};
}
