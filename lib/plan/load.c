/*
 * Loading a bundle: every file becomes a tree; the vocabulary is read, then the plan's sections in
 * the order in which they build on each other; then the plan is handed out, or nothing is.
 *
 * Failures: a file that is no YAML, or one of the vocabulary or the general plan's that is missing,
 * ends the loading before the words are looked at, as every word would be unknown. Otherwise all
 * mistakes are collected. The trees live in a scratch arena that is freed at the end; a plan owns
 * copies of its texts.
 */
#include "walk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VOCABULARY_COUNT = 8 };

static const struct {
    const char *name;
    void (*load)(struct loading *loading, const struct node *root);
} VOCABULARY[VOCABULARY_COUNT] = {
    {"vocabulary/areas.yaml", load_areas},     {"vocabulary/units.yaml", load_units},
    {"vocabulary/hazards.yaml", load_hazards}, {"vocabulary/measures.yaml", load_measures},
    {"vocabulary/signs.yaml", load_signs},     {"vocabulary/channels.yaml", load_channels},
    {"vocabulary/items.yaml", load_items},     {"vocabulary/reserves.yaml", load_reserves},
};

/* ---- files ---- */

static int vocabulary_position(const char *name)
{
    for (int i = 0; i < VOCABULARY_COUNT; i++) {
        if (strcmp(VOCABULARY[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* A file before the plan's own: one of the vocabulary, or the general plan's. */
static void read_other(struct loading *loading, const struct plan_file *file, const char *general,
                       const struct node *trees[VOCABULARY_COUNT], bool there[VOCABULARY_COUNT])
{
    int position = vocabulary_position(file->name);
    bool is_general = general && strcmp(file->name, general) == 0;
    if (position < 0 && !general && tree_get(loading->root, "general")) {
        return; /* it may well be: load_general tells that it is not named */
    }
    if (position < 0 && !is_general) {
        findings_add(loading->findings, file->name, 1, 1,
                     "no file of the vocabulary; expected areas, channels, hazards, items, "
                     "measures, reserves, signs, units (.yaml), or the general plan's");
        return;
    }
    if (is_general ? loading->general != NULL : there[position]) {
        findings_add(loading->findings, file->name, 1, 1, "the file is in the bundle twice");
        return;
    }
    const struct node *root =
        tree_read(loading->scratch, file->name, file->content, file->size, loading->findings);
    if (is_general) {
        loading->general = root;
    } else {
        trees[position] = root;
        there[position] = true;
    }
}

/* The trees of all files: the vocabulary's by position, the plans' in loading. */
static void read_trees(struct loading *loading, const struct plan_file *files, size_t file_count,
                       const struct node *trees[VOCABULARY_COUNT])
{
    const struct plan_file *own = &files[file_count - 1];
    bool there[VOCABULARY_COUNT] = {false};
    loading->root =
        tree_read(loading->scratch, own->name, own->content, own->size, loading->findings);
    const char *general = general_file(loading->scratch, loading->root);
    bool general_there = false;
    for (size_t i = 0; i + 1 < file_count; i++) {
        read_other(loading, &files[i], general, trees, there);
        general_there |= general && strcmp(files[i].name, general) == 0;
    }
    for (int i = 0; i < VOCABULARY_COUNT; i++) {
        if (!there[i]) {
            findings_add(loading->findings, VOCABULARY[i].name, 1, 1,
                         "the file is missing; the vocabulary is not complete without it");
        }
    }
    if (general && !general_there) {
        walk_report(loading, tree_get(tree_get(loading->root, "general"), "plan"),
                    "the file \"%s\" of the general plan is missing; it stands beside this one",
                    general);
    }
}

/* ---- the plan's own file ---- */

static void load_plan_levels(struct loading *loading)
{
    static const unsigned ALL = 1u << PLAN_I | 1u << PLAN_II | 1u << PLAN_III | 1u << PLAN_IV;
    struct plan *plan = loading->plan;
    plan->levels = ALL;
    size_t before = loading->findings->count;
    unsigned named = walk_levels(loading, loading->root, "levels", false);
    plan->levels = named && loading->findings->count == before ? named : ALL;
}

static void load_head(struct loading *loading)
{
    struct plan *plan = loading->plan;
    const struct node *root = loading->root;
    plan->id = walk_id(loading, root, "plan");
    plan->title = walk_text(loading, root, "title");
    plan->document = walk_string(loading, root, "document");
    plan->issued = walk_date(loading, root, "issued");
    int area = walk_reference(loading, tree_get(root, "area"), &loading->store->areas, "area",
                              "vocabulary/areas.yaml");
    plan->area = area < 0 ? "" : plan->areas[area].code;
    load_plan_levels(loading);
}

/* Does the response follow the warning? Then there is nothing to grade. */
static bool follows_warning(const struct node *root)
{
    const struct node *follows = tree_get(tree_get(root, "procedure"), "follows");
    return follows && follows->kind == NODE_TEXT && strcmp(follows->text, "warning") == 0;
}

/* Is a plan's file written in a format that is known here? A later one may have any keys, so that
 * nothing else is worth telling. */
static bool check_format(struct loading *loading, const struct node *root)
{
    const struct node *node = tree_get(root, "format");
    if (!node || (node->kind == NODE_TEXT && strcmp(node->text, PLAN_FORMAT) == 0)) {
        return true;
    }
    walk_report(loading, node,
                "format: this program reads format " PLAN_FORMAT
                "; a plan of a later one needs the programs that brought it");
    return false;
}

/* The keys of the plan's own file: what it takes from another may be left out. */
static bool check_top(struct loading *loading)
{
    static const char *const KEYS[] = {
        "format?",  "plan",   "title",   "document",   "issued",    "area",      "levels?",
        "general?", "scope",  "grading", "warnings?",  "reporting", "procedure", "organisation",
        "groups?",  "duties", "orders",  "aftercare?", "notices",   "supplies",  "reading?"};
    char keys[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        bool optional = takes_section(loading, KEYS[i]) ||
                        (strcmp(KEYS[i], "grading") == 0 && follows_warning(loading->root));
        used += (size_t)snprintf(keys + used, sizeof keys - used, "%s%s ", KEYS[i],
                                 optional ? "?" : "");
    }
    return walk_keys(loading, loading->root, keys);
}

static const struct node *section_of(const struct loading *loading, const char *section)
{
    return tree_get(home_of(loading, section), section);
}

static void load_sections(struct loading *loading)
{
    const struct node *root = loading->root;
    load_general(loading);
    if (!check_top(loading)) {
        return;
    }
    load_head(loading);
    load_scope(loading, tree_get(root, "scope"));
    load_procedure(loading, tree_get(root, "procedure"));
    load_grading(loading);
    load_warnings(loading, section_of(loading, "warnings"));
    load_reporting(loading, section_of(loading, "reporting"));
    load_organisation(loading, section_of(loading, "organisation"));
    load_duties(loading, section_of(loading, "groups"), section_of(loading, "duties"));
    load_members(loading);
    load_orders(loading, section_of(loading, "orders"));
    load_aftercare(loading);
    load_rhythms(loading);
    load_notices(loading, section_of(loading, "notices"));
    load_supplies(loading, section_of(loading, "supplies"));
}

/* ---- memory ---- */

static struct plan_store *store_new(void)
{
    struct plan_store *store = calloc(1, sizeof *store);
    assert(store);
    struct index *const indexes[] = {
        &store->areas,    &store->units, &store->hazards, &store->measures, &store->signs,
        &store->channels, &store->items, &store->members, &store->groups,   &store->reserves};
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        indexes[i]->arena = &store->arena;
    }
    store->plan.owner = store;
    store->plan.area = store->plan.general = store->plan.general_section = "";
    return store;
}

void plan_free(struct plan *plan)
{
    if (!plan) {
        return;
    }
    struct plan_store *store = plan->owner;
    index_free(&store->areas);
    index_free(&store->units);
    index_free(&store->hazards);
    index_free(&store->measures);
    index_free(&store->signs);
    index_free(&store->channels);
    index_free(&store->items);
    index_free(&store->reserves);
    index_free(&store->members);
    index_free(&store->groups);
    ld_arena_free(&store->arena);
    free(store);
}

/* ---- loading ---- */

static int check_sizes(const struct plan_file *files, size_t file_count, struct ld_error *error)
{
    if (file_count == 0) {
        return ld_fail(error, LD_INVALID, "a bundle without files; expected vocabulary and plan");
    }
    if (file_count > PLAN_BUNDLE_MAX_FILES) {
        return ld_fail(error, LD_TOOBIG, "a bundle of %zu files; at most %d are possible",
                       file_count, PLAN_BUNDLE_MAX_FILES);
    }
    size_t size_bytes = 0;
    for (size_t i = 0; i < file_count; i++) {
        if (files[i].size > PLAN_BUNDLE_MAX_BYTES - size_bytes) {
            return ld_fail(error, LD_TOOBIG,
                           "%s: %zu bytes; plan and vocabulary together have at most %d",
                           files[i].name, files[i].size, PLAN_BUNDLE_MAX_BYTES);
        }
        size_bytes += files[i].size;
    }
    return LD_OK;
}

static int fail_with(struct plan_findings *findings, const struct plan_file *files,
                     size_t file_count, struct ld_error *error)
{
    findings_sort(findings, files, file_count);
    const struct plan_finding *first = &findings->all[0];
    char rest[48] = "";
    if (findings->count > 1) {
        snprintf(rest, sizeof rest, " (and %zu%s more)", findings->count - 1,
                 findings->more ? " or" : "");
    }
    return ld_fail(error, LD_INVALID, "%s:%d:%d: %s%s", first->file, first->line, first->column,
                   first->text, rest);
}

static void load_bundle(struct loading *loading, const struct plan_file *files, size_t file_count)
{
    const struct node *trees[VOCABULARY_COUNT] = {NULL};
    read_trees(loading, files, file_count, trees);
    if (loading->findings->count > 0 || !check_format(loading, loading->root) ||
        !check_format(loading, loading->general)) {
        return;
    }
    for (int i = 0; i < VOCABULARY_COUNT; i++) {
        VOCABULARY[i].load(loading, trees[i]);
    }
    load_sections(loading);
}

int plan_load(const struct plan_file *files, size_t file_count, struct plan **out,
              struct plan_findings *findings, struct ld_error *error)
{
    int code = check_sizes(files, file_count, error);
    if (code != LD_OK) {
        return code;
    }
    struct plan_findings own = {0};
    struct ld_arena scratch = {0};
    struct plan_store *store = store_new();
    struct loading loading = {.store = store,
                              .plan = &store->plan,
                              .arena = &store->arena,
                              .scratch = &scratch,
                              .findings = findings ? findings : &own};
    load_bundle(&loading, files, file_count);
    if (loading.findings->count > 0) {
        code = fail_with(loading.findings, files, file_count, error);
        plan_free(&store->plan);
    } else {
        plan_hash(files, file_count, store->plan.hash);
        *out = &store->plan;
    }
    ld_arena_free(&scratch);
    plan_findings_free(&own);
    return code;
}
