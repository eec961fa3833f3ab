/*
 * Happy path: both bundles become trees; the plan's own file and what it takes from its general
 * plan become one map each; then maps are compared key by key and lists item by item, and what
 * differs is noted with its path. Whether it acts follows from the keys on the way.
 *
 * Fails only where a file is no YAML. Everything lives in the difference's arena.
 */
#include "diff.h"

#include <assert.h>
#include <buffer.h>
#include <stdlib.h>
#include <string.h>
#include <timefmt.h>

#include "items.h"
#include "loading.h"

struct differ {
    struct ld_arena arena;
    struct plan_diff *out;
    size_t capacity;
    const char *section;
};

/* Where the comparison is. */
struct place {
    const char *path, *cite;
    bool said;   /* only what is said differs from here on */
    bool person; /* a text names who acts */
};

/* ---- noting ---- */

static bool plain(const char *text)
{
    return *text && strcspn(text, ",[]{}:#\"'\n") == strlen(text);
}

static void render(struct ld_buffer *buffer, const struct node *node)
{
    const char *between = "";
    if (node->kind == NODE_TEXT) {
        ld_buffer_format(buffer, plain(node->text) ? "%s" : "\"%s\"", node->text);
        return;
    }
    ld_buffer_text(buffer, node->kind == NODE_LIST ? "[" : "{");
    for (const struct node *child = node->first; child; child = child->next, between = ", ") {
        ld_buffer_text(buffer, between);
        if (node->kind == NODE_MAP)
            ld_buffer_format(buffer, "%s: ", child->key);
        render(buffer, child);
    }
    ld_buffer_text(buffer, node->kind == NODE_LIST ? "]" : "}");
}

static const char *rendered(struct differ *differ, const struct node *node)
{
    struct ld_buffer buffer = {0};
    if (!node)
        return "";
    render(&buffer, node);
    const char *text = ld_arena_string(&differ->arena, ld_buffer_string(&buffer), buffer.size);
    ld_buffer_free(&buffer);
    return text;
}

static void note(struct differ *differ, const struct place *place, const struct node *old,
                 const struct node *new)
{
    struct plan_diff *out = differ->out;
    if (out->count == differ->capacity) {
        differ->capacity = differ->capacity ? differ->capacity * 2 : 64;
        out->all = realloc(out->all, differ->capacity * sizeof *out->all);
        assert(out->all);
    }
    out->all[out->count++] = (struct plan_change){
        .kind = !old   ? PLAN_ADDED
                : !new ? PLAN_REMOVED
                       : PLAN_CHANGED,
        .section = differ->section,
        .path = place->path,
        .cite = place->cite,
        .old_text = rendered(differ, old),
        .new_text = rendered(differ, new),
        .acts = !place->said,
    };
    out->acting += !place->said;
}

/* ---- going down ---- */

static bool is_one_of(const char *key, const char *const *keys)
{
    for (; *keys; keys++) {
        if (strcmp(key, *keys) == 0)
            return true;
    }
    return false;
}

static struct place into(struct differ *differ, const struct place *place, const char *step)
{
    struct place inner = *place;
    inner.path = *place->path ? ld_arena_format(&differ->arena, "%s %s", place->path, step) : step;
    return inner;
}

/* Into the value of a key. Texts are only said, but for those that name who commands or signs. */
static struct place into_key(struct differ *differ, const struct place *place, const char *key)
{
    static const char *const SAID[] = {"reading", "section", "title",   "document",
                                       "issued",  "as_of",   "general", NULL};
    static const char *const PERSONS[] = {"commander", "office", "leads", "signer", NULL};
    static const char *const TEXTS[] = {"zh", "en", NULL};
    struct place inner = into(differ, place, key);
    inner.person = place->person || is_one_of(key, PERSONS);
    inner.said = place->said || is_one_of(key, SAID) || (is_one_of(key, TEXTS) && !inner.person);
    return inner;
}

/* The citation of an entry, or that of what it stands in. */
static const char *cite_of(const struct place *place, const struct node *old,
                           const struct node *new)
{
    const struct node *section = tree_get(new ? new : old, "section");
    return section && section->kind == NODE_TEXT ? section->text : place->cite;
}

static void compare(struct differ *differ, const struct place *place, const struct node *old,
                    const struct node *new);

static bool same_text(const char *a, const char *b)
{
    int64_t a_us, b_us;
    if (strcmp(a, b) == 0)
        return true;
    return ld_duration_parse(a, &a_us, NULL) == LD_OK &&
           ld_duration_parse(b, &b_us, NULL) == LD_OK && a_us == b_us;
}

static void compare_maps(struct differ *differ, const struct place *place, const struct node *old,
                         const struct node *new)
{
    for (const struct node *child = old->first; child; child = child->next) {
        struct place inner = into_key(differ, place, child->key);
        compare(differ, &inner, child, tree_get(new, child->key));
    }
    for (const struct node *child = new->first; child; child = child->next) {
        struct place inner = into_key(differ, place, child->key);
        if (!tree_get(old, child->key))
            compare(differ, &inner, NULL, child);
    }
}

/* ---- lists ---- */

static const struct item *item_of(const struct items *items, const char *key)
{
    for (size_t i = 0; i < items->count; i++) {
        if (strcmp(items->all[i].key, key) == 0)
            return &items->all[i];
    }
    return NULL;
}

/* A condition's kind stands in its key already. */
static const struct node *inside(const struct node *node)
{
    return node->kind == NODE_MAP && node->count == 1 ? node->first : NULL;
}

static void compare_item(struct differ *differ, const struct place *place, const struct item *old,
                         const struct item *new)
{
    const struct item *either = old ? old : new;
    bool word = either->node->kind == NODE_TEXT; /* the value is the key */
    struct place inner = word ? *place : into(differ, place, either->key);
    if (old && new &&inside(old->node) && inside(new->node) &&
        strcmp(old->node->first->key, new->node->first->key) == 0)
        compare(differ, &inner, old->node->first, new->node->first);
    else
        compare(differ, &inner, old ? old->node : NULL, new ? new->node : NULL);
}

/* Steps are taken in their order: if those that are in both stand in another, that acts. */
static void compare_order(struct differ *differ, const struct place *place, const struct node *old,
                          const struct node *new, const struct items *before,
                          const struct items *after)
{
    size_t next = 0;
    for (size_t i = 0; i < before->count; i++) {
        const struct item *there = item_of(after, before->all[i].key);
        if (!there)
            continue;
        size_t position = (size_t)(there - after->all);
        if (position < next) {
            note(differ, place, old, new);
            return;
        }
        next = position;
    }
}

static void compare_lists(struct differ *differ, const struct place *place, const struct node *old,
                          const struct node *new)
{
    struct items before = items_make(&differ->arena, old), after = items_make(&differ->arena, new);
    items_pair(&differ->arena, &before, &after);
    for (size_t i = 0; i < before.count; i++)
        compare_item(differ, place, &before.all[i], item_of(&after, before.all[i].key));
    for (size_t i = 0; i < after.count; i++) {
        if (!item_of(&before, after.all[i].key))
            compare_item(differ, place, NULL, &after.all[i]);
    }
    if (old->key && strcmp(old->key, "steps") == 0)
        compare_order(differ, place, old, new, &before, &after);
}

/* Either may be NULL: then the other was added or removed, whole. */
static void compare(struct differ *differ, const struct place *place, const struct node *old,
                    const struct node *new)
{
    struct place here = *place;
    here.cite = cite_of(place, old, new);
    if (!old || !new || old->kind != new->kind)
        note(differ, &here, old, new);
    else if (old->kind == NODE_MAP)
        compare_maps(differ, &here, old, new);
    else if (old->kind == NODE_LIST)
        compare_lists(differ, &here, old, new);
    else if (!same_text(old->text, new->text))
        note(differ, &here, old, new);
}

/* ---- bundles ---- */

static int read_file(struct differ *differ, const struct plan_file *file, const struct node **root,
                     struct ld_error *error)
{
    struct plan_findings findings = {0};
    *root = tree_read(&differ->arena, file->name, file->content, file->size, &findings);
    int code = *root ? LD_OK
                     : ld_fail(error, LD_INVALID, "%s: %s", file->name,
                               findings.count > 0 ? findings.all[0].text : "no YAML");
    plan_findings_free(&findings);
    return code;
}

static const struct node *root_of(const struct node *const *roots, const struct plan_file *files,
                                  size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(files[i].name, name) == 0)
            return roots[i];
    }
    return NULL;
}

static int read_bundle(struct differ *differ, const struct plan_file *files, size_t count,
                       const struct node ***roots, struct ld_error *error)
{
    *roots = ld_arena_alloc(&differ->arena, (count + 1) * sizeof **roots);
    for (size_t i = 0; i < count; i++) {
        int code = read_file(differ, &files[i], &(*roots)[i], error);
        if (code != LD_OK)
            return code;
    }
    return count > 0 ? LD_OK : ld_fail(error, LD_INVALID, "a bundle without files");
}

/* The plan's own file with what it takes from its general plan. */
static const struct node *whole_plan(struct differ *differ, const struct node *const *roots,
                                     const struct plan_file *files, size_t count)
{
    const struct node *own = roots[count - 1];
    const char *name = general_file(&differ->arena, own);
    return items_merge(&differ->arena, own, name ? root_of(roots, files, count, name) : NULL);
}

static void compare_section(struct differ *differ, const char *section, const struct node *old,
                            const struct node *new)
{
    struct place top = {"", "", false, false};
    struct place place = into_key(differ, &top, section);
    place.path = "";
    differ->section = section;
    if (old || new)
        compare(differ, &place, old, new);
}

static void compare_plans(struct differ *differ, const struct node *old, const struct node *new)
{
    for (const struct node *child = old->first; child; child = child->next)
        compare_section(differ, child->key, child, tree_get(new, child->key));
    for (const struct node *child = new->first; child; child = child->next) {
        if (!tree_get(old, child->key))
            compare_section(differ, child->key, NULL, child);
    }
}

static const struct node *vocabulary_list(const struct node *root, const char *name)
{
    size_t head = strlen("vocabulary/"), size = strlen(name);
    char key[64];
    if (size <= head + strlen(".yaml") || size - head - strlen(".yaml") >= sizeof key)
        return NULL;
    memcpy(key, name + head, size - head - strlen(".yaml"));
    key[size - head - strlen(".yaml")] = 0;
    return tree_get(root, key);
}

static void compare_vocabulary(struct differ *differ, const struct plan_file *files, size_t count,
                               const struct node *const *old_roots,
                               const struct node *const *new_roots,
                               const struct plan_file *new_files, size_t new_count)
{
    for (size_t i = 0; i < count; i++) {
        const char *name = files[i].name;
        if (strncmp(name, "vocabulary/", strlen("vocabulary/")) != 0)
            continue;
        const struct node *new = root_of(new_roots, new_files, new_count, name);
        compare_section(
            differ, ld_arena_string(&differ->arena, name, strlen(name) - strlen(".yaml")),
            vocabulary_list(old_roots[i], name), new ? vocabulary_list(new, name) : NULL);
        compare_section(differ, "vocabulary/travel", tree_get(old_roots[i], "travel"),
                        tree_get(new, "travel"));
    }
}

int plan_diff_make(const struct plan_file *old_files, size_t old_count,
                   const struct plan_file *new_files, size_t new_count, struct plan_diff *diff,
                   struct ld_error *error)
{
    struct differ *differ = calloc(1, sizeof *differ);
    const struct node **old_roots, **new_roots;
    assert(differ);
    *diff = (struct plan_diff){.owner = differ};
    differ->out = diff;
    int code = read_bundle(differ, old_files, old_count, &old_roots, error);
    if (code == LD_OK)
        code = read_bundle(differ, new_files, new_count, &new_roots, error);
    if (code != LD_OK) {
        plan_diff_free(diff);
        return code;
    }
    compare_plans(differ, whole_plan(differ, old_roots, old_files, old_count),
                  whole_plan(differ, new_roots, new_files, new_count));
    compare_vocabulary(differ, old_files, old_count, old_roots, new_roots, new_files, new_count);
    return LD_OK;
}

void plan_diff_free(struct plan_diff *diff)
{
    struct differ *differ = diff->owner;
    free(diff->all);
    if (differ)
        ld_arena_free(&differ->arena);
    free(differ);
    *diff = (struct plan_diff){0};
}
