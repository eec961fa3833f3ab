#include "items.h"

#include <string.h>

/* ---- keys ---- */

static const char *text_at(const struct node *map, const char *key)
{
    const struct node *node = tree_get(map, key);
    return node && node->kind == NODE_TEXT ? node->text : NULL;
}

/* "count(cases)": the kind of a condition and what it is about. */
static const char *condition_key(struct ld_arena *arena, const struct node *map)
{
    const struct node *kind = map->first;
    const char *about = kind->kind == NODE_TEXT ? kind->text : text_at(kind, "measure");
    return about ? ld_arena_format(arena, "%s(%s)", kind->key, about) : kind->key;
}

/* A measure of a level has no row: it is known by its first duty. */
static const char *first_duty(const struct node *map)
{
    const struct node *duties = tree_get(map, "duties");
    return duties && duties->kind == NODE_LIST ? text_at(duties->first, "id") : NULL;
}

static const char *map_key(struct ld_arena *arena, const struct node *map)
{
    static const char *const NAMES[] = {"id", "code", "act", "level", "to"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (text_at(map, NAMES[i]))
            return text_at(map, NAMES[i]);
    }
    if (text_at(map, "row"))
        return ld_arena_format(arena, "row %s", text_at(map, "row"));
    if (text_at(map, "each") && text_at(map, "slug"))
        return ld_arena_format(arena, "each %s of %s: %s", text_at(map, "each"),
                               text_at(map, "of") ? text_at(map, "of") : "?", text_at(map, "slug"));
    if (first_duty(map))
        return ld_arena_format(arena, "measures %s", first_duty(map));
    return map->count == 1 ? condition_key(arena, map) : "entry";
}

/* ---- lists ---- */

static void add(struct items *items, const char *key, const struct node *node)
{
    items->all[items->count++] = (struct item){key, node};
}

static struct node *copy_of(struct ld_arena *arena, const struct node *node)
{
    struct node *copy = ld_arena_alloc(arena, sizeof *copy);
    *copy = *node;
    copy->next = NULL;
    return copy;
}

static void hang(struct node *parent, struct node *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static struct node *empty_like(struct ld_arena *arena, const struct node *node)
{
    struct node *copy = copy_of(arena, node);
    copy->first = copy->last = NULL;
    copy->count = 0;
    return copy;
}

static const struct node *without(struct ld_arena *arena, const struct node *map, const char *key)
{
    struct node *copy = empty_like(arena, map);
    for (const struct node *child = map->first; child; child = child->next) {
        if (strcmp(child->key, key) != 0)
            hang(copy, copy_of(arena, child));
    }
    return copy;
}

/* The levels of a rule; NULL if the map is none. */
static const struct node *levels_of(const struct node *map)
{
    const struct node *levels = tree_get(map, "levels");
    return levels && levels->kind == NODE_LIST && !tree_get(map, "id") ? levels : NULL;
}

static size_t room_for(const struct node *list)
{
    size_t room = 1;
    for (const struct node *child = list->first; child; child = child->next)
        room += 1 + (levels_of(child) ? levels_of(child)->count : 0);
    return room;
}

static void add_rule(struct ld_arena *arena, struct items *items, const struct node *rule)
{
    const struct node *rest = without(arena, rule, "levels");
    for (const struct node *level = levels_of(rule)->first; level; level = level->next) {
        if (level->kind == NODE_TEXT)
            add(items, level->text, rest);
    }
}

struct items items_make(struct ld_arena *arena, const struct node *list)
{
    struct items items = {.all = ld_arena_alloc(arena, room_for(list) * sizeof *items.all)};
    for (const struct node *child = list->first; child; child = child->next) {
        if (child->kind == NODE_TEXT)
            add(&items, child->text, child);
        else if (child->kind == NODE_MAP && levels_of(child))
            add_rule(arena, &items, child);
        else
            add(&items, child->kind == NODE_MAP ? map_key(arena, child) : "entry", child);
    }
    return items;
}

/* ---- keys that repeat ---- */

static bool equal(const struct node *a, const struct node *b)
{
    if (a->kind != b->kind || a->count != b->count || (a->key != NULL) != (b->key != NULL) ||
        (a->key && strcmp(a->key, b->key) != 0))
        return false;
    if (a->kind == NODE_TEXT)
        return strcmp(a->text, b->text) == 0;
    const struct node *right = b->first;
    for (const struct node *left = a->first; left; left = left->next, right = right->next) {
        if (!equal(left, right))
            return false;
    }
    return true;
}

static bool repeats(const struct items *items, const char *key)
{
    size_t count = 0;
    for (size_t i = 0; i < items->count; i++)
        count += strcmp(items->all[i].key, key) == 0;
    return count > 1;
}

/* Gives before[i] and, where there is one, its like among after the same number. */
static void number(struct ld_arena *arena, struct items *before, size_t i, struct items *after,
                   bool only_equal, size_t *next)
{
    const char *key = before->all[i].key;
    for (size_t k = 0; k < after->count; k++) {
        struct item *other = &after->all[k];
        if (strcmp(other->key, key) != 0 ||
            (only_equal && !equal(before->all[i].node, other->node)))
            continue;
        before->all[i].key = other->key = ld_arena_format(arena, "%s #%zu", key, ++*next);
        return;
    }
}

static void number_rest(struct ld_arena *arena, struct items *items, const char *key, size_t *next)
{
    for (size_t i = 0; i < items->count; i++) {
        if (strcmp(items->all[i].key, key) == 0)
            items->all[i].key = ld_arena_format(arena, "%s #%zu", key, ++*next);
    }
}

static void pair_key(struct ld_arena *arena, struct items *before, struct items *after,
                     const char *key)
{
    size_t next = 0;
    for (int only_equal = 1; only_equal >= 0; only_equal--) {
        for (size_t i = 0; i < before->count; i++) {
            if (strcmp(before->all[i].key, key) == 0)
                number(arena, before, i, after, only_equal == 1, &next);
        }
    }
    number_rest(arena, before, key, &next);
    number_rest(arena, after, key, &next);
}

static void pair_repeated(struct ld_arena *arena, struct items *before, struct items *after,
                          const struct items *which)
{
    for (size_t i = 0; i < which->count; i++) {
        const char *key = which->all[i].key;
        if (repeats(which, key))
            pair_key(arena, before, after, key);
    }
}

void items_pair(struct ld_arena *arena, struct items *before, struct items *after)
{
    pair_repeated(arena, before, after, before);
    pair_repeated(arena, before, after, after);
}

/* ---- sections from two files ---- */

static bool taken(const struct node *own, const char *section)
{
    const struct node *sections = tree_get(tree_get(own, "general"), "sections");
    for (const struct node *child = sections ? sections->first : NULL; child; child = child->next) {
        if (child->kind == NODE_TEXT && strcmp(child->text, section) == 0)
            return true;
    }
    return false;
}

static struct node *joined(struct ld_arena *arena, const struct node *first,
                           const struct node *second)
{
    struct node *list = empty_like(arena, first);
    for (const struct node *child = first->first; child; child = child->next)
        hang(list, copy_of(arena, child));
    for (const struct node *child = second->first; child; child = child->next)
        hang(list, copy_of(arena, child));
    return list;
}

const struct node *items_merge(struct ld_arena *arena, const struct node *own,
                               const struct node *general)
{
    struct node *whole = empty_like(arena, own);
    if (!general || own->kind != NODE_MAP || general->kind != NODE_MAP)
        return own;
    for (const struct node *child = own->first; child; child = child->next) {
        const struct node *other = taken(own, child->key) ? tree_get(general, child->key) : NULL;
        bool both = other && other->kind == NODE_LIST && child->kind == NODE_LIST;
        hang(whole, both ? joined(arena, other, child) : copy_of(arena, child));
    }
    for (const struct node *child = general->first; child; child = child->next) {
        if (taken(own, child->key) && !tree_get(own, child->key))
            hang(whole, copy_of(arena, child));
    }
    return whole;
}
