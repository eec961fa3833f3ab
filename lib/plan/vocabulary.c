/*
 * The vocabulary but for units: areas, hazards, measures, signs, channels, items, reserves. Each
 * file is one list of maps with an id; an entry with a mistake is reported, and kept if its id can
 * be used, so that what refers to it is not reported again.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>

/* The list of a vocabulary file: its only key but a date, which areas need, and their travel. */
const struct node *vocabulary_entries(struct loading *loading, const struct node *root,
                                      const char *key, size_t max)
{
    char keys[64];
    bool dated = strcmp(key, "areas") == 0;
    snprintf(keys, sizeof keys, "%s %s", dated ? "as_of travel?" : "as_of?", key);
    if (!walk_keys(loading, root, keys)) {
        return NULL;
    }
    (void)walk_date(loading, root, "as_of");
    return walk_list(loading, root, key, max);
}

/* ---- areas ---- */

/* A code has the length of its level: cn, 33, 3303, 330302. */
static void check_code(struct loading *loading, const struct node *node,
                       const struct plan_area *area)
{
    static const size_t SIZES[] = {2, 2, 4, 6};
    if (*area->code && strlen(area->code) != SIZES[area->level]) {
        walk_report(loading, node, "code: \"%s\" has %zu characters, its level needs %zu",
                    area->code, strlen(area->code), SIZES[area->level]);
    }
    if (strchr(area->code, '.')) {
        walk_report(loading, node, "code: \"%s\" has a dot, which only separates unit from area",
                    area->code);
    }
}

/* A county belongs to a listed city, a city to a listed province. */
static void check_parent(struct loading *loading, const struct node *node,
                         const struct plan_area *area)
{
    size_t size = strlen(area->code);
    if (area->level < PLAN_CITY || size < 4) {
        return;
    }
    char parent[16];
    snprintf(parent, sizeof parent, "%.*s", (int)(size - 2), area->code);
    if (plan_find_area(loading->plan, parent) < 0) {
        walk_report(loading, node, "area \"%s\" belongs to \"%s\", which is not listed", area->code,
                    parent);
    }
}

static bool load_area(struct loading *loading, const struct node *node, struct plan_area *area)
{
    if (!walk_keys(loading, node, "code level zh en neighbours?")) {
        return false;
    }
    area->code = walk_id(loading, node, "code");
    int level = walk_choice(loading, node, "level", "nation province city county");
    area->level = level < 0 ? PLAN_NATION : (enum plan_area_level)level;
    area->name = walk_name(loading, node);
    if (level >= 0) {
        check_code(loading, node, area);
    }
    return true;
}

void load_areas(struct loading *loading, const struct node *root)
{
    struct plan *plan = loading->plan;
    const struct node *list = vocabulary_entries(loading, root, "areas", PLAN_AREAS_MAX);
    if (!list) {
        return;
    }
    struct plan_area *areas = ld_arena_alloc(loading->arena, list->count * sizeof *areas);
    plan->areas = areas;
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_area *area = &areas[plan->area_count];
        if (load_area(loading, node, area) && walk_unique(loading, node, &loading->store->areas,
                                                          area->code, plan->area_count, "area")) {
            plan->area_count++;
        }
    }
    for (const struct node *node = list->first; node; node = node->next) {
        const struct node *code = tree_get(node, "code");
        int area = code && code->kind == NODE_TEXT ? plan_find_area(plan, code->text) : -1;
        if (area >= 0) {
            check_parent(loading, node, &areas[area]);
        }
    }
    load_neighbours(loading, list, areas);
    load_travel(loading, root);
}

/* ---- hazards ---- */

static char load_class(struct loading *loading, const struct node *node)
{
    int class_code = walk_choice(loading, node, "class", "none A B C");
    return class_code <= 0 ? 0 : (char)('A' + class_code - 1);
}

static void load_hazard(struct loading *loading, const struct node *node,
                        struct plan_hazard *hazard)
{
    hazard->id = walk_id(loading, node, "id");
    int kind = walk_choice(loading, node, "kind", "epidemic accident");
    hazard->kind = kind == 1 ? PLAN_ACCIDENT : PLAN_EPIDEMIC;
    hazard->class_code = load_class(loading, node);
    hazard->incubation_us = walk_duration(loading, node, "incubation");
    hazard->name = walk_name(loading, node);
}

void load_hazards(struct loading *loading, const struct node *root)
{
    struct plan *plan = loading->plan;
    const struct node *list = vocabulary_entries(loading, root, "hazards", PLAN_HAZARDS_MAX);
    if (!list) {
        return;
    }
    struct plan_hazard *hazards = ld_arena_alloc(loading->arena, list->count * sizeof *hazards);
    plan->hazards = hazards;
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_hazard *hazard = &hazards[plan->hazard_count];
        if (!walk_keys(loading, node, "id kind class? incubation? zh en")) {
            continue;
        }
        load_hazard(loading, node, hazard);
        plan->hazard_count += walk_unique(loading, node, &loading->store->hazards, hazard->id,
                                          plan->hazard_count, "hazard");
    }
}

/* ---- measures ---- */

void load_measures(struct loading *loading, const struct node *root)
{
    struct plan *plan = loading->plan;
    const struct node *list = vocabulary_entries(loading, root, "measures", PLAN_WORDS_MAX);
    if (!list) {
        return;
    }
    struct plan_measure *measures = ld_arena_alloc(loading->arena, list->count * sizeof *measures);
    plan->measures = measures;
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_measure *measure = &measures[plan->measure_count];
        if (!walk_keys(loading, node, "id kind unit zh en")) {
            continue;
        }
        int kind = walk_choice(loading, node, "kind", "count gauge");
        *measure = (struct plan_measure){
            .id = walk_id(loading, node, "id"),
            .kind = kind == 1 ? PLAN_GAUGE_MEASURE : PLAN_COUNT_MEASURE,
            .unit = walk_text(loading, node, "unit"),
            .name = walk_name(loading, node),
        };
        plan->measure_count += walk_unique(loading, node, &loading->store->measures, measure->id,
                                           plan->measure_count, "measure");
    }
}

/* ---- signs and channels ---- */

/* keys: which may stand there. */
static const struct plan_word *load_words(struct loading *loading, const struct node *list,
                                          struct index *index, const char *what, const char *keys,
                                          size_t *count)
{
    if (!list) {
        return NULL;
    }
    struct plan_word *words = ld_arena_alloc(loading->arena, list->count * sizeof *words);
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_word *word = &words[*count];
        if (!walk_keys(loading, node, keys)) {
            continue;
        }
        word->id = walk_id(loading, node, "id");
        word->section = walk_section(loading, node);
        word->by = walk_patterns(loading, node, "by", &word->by_count);
        word->name = walk_name(loading, node);
        *count += walk_unique(loading, node, index, word->id, *count, what);
    }
    return words;
}

void load_signs(struct loading *loading, const struct node *root)
{
    loading->plan->signs =
        load_words(loading, vocabulary_entries(loading, root, "signs", PLAN_WORDS_MAX),
                   &loading->store->signs, "sign", "id section? zh en", &loading->plan->sign_count);
}

void load_channels(struct loading *loading, const struct node *root)
{
    loading->plan->channels =
        load_words(loading, vocabulary_entries(loading, root, "channels", PLAN_WORDS_MAX),
                   &loading->store->channels, "channel", "id section? by? zh en",
                   &loading->plan->channel_count);
}

/* ---- items ---- */

void load_items(struct loading *loading, const struct node *root)
{
    struct plan *plan = loading->plan;
    const struct node *list = vocabulary_entries(loading, root, "items", PLAN_WORDS_MAX);
    if (!list) {
        return;
    }
    struct plan_item *items = ld_arena_alloc(loading->arena, list->count * sizeof *items);
    plan->items = items;
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_item *item = &items[plan->item_count];
        if (!walk_keys(loading, node, "id category section? unit shelf_life? zh en")) {
            continue;
        }
        *item = (struct plan_item){
            .id = walk_id(loading, node, "id"),
            .category = walk_id(loading, node, "category"),
            .section = walk_section(loading, node),
            .shelf_life_us = walk_duration(loading, node, "shelf_life"),
            .unit = walk_text(loading, node, "unit"),
            .name = walk_name(loading, node),
        };
        plan->item_count +=
            walk_unique(loading, node, &loading->store->items, item->id, plan->item_count, "item");
    }
}

/* ---- reserves ---- */

/* Is there an item of the category? */
static bool has_category(const struct plan *plan, const char *category)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        if (strcmp(plan->items[i].category, category) == 0) {
            return true;
        }
    }
    return false;
}

static const char *const *load_kinds(struct loading *loading, const struct node *map, size_t *count)
{
    const struct node *list = walk_list(loading, map, "of", PLAN_CONDITION_CHILDREN_MAX);
    if (!list) {
        return NULL;
    }
    const char **kinds = ld_arena_alloc(loading->arena, list->count * sizeof *kinds);
    for (const struct node *node = list->first; node; node = node->next) {
        if (walk_choice_of(loading, node, "of", UNIT_KINDS) >= 0) {
            kinds[(*count)++] = ld_arena_string(loading->arena, node->text, strlen(node->text));
        }
    }
    return kinds;
}

static void load_season(struct loading *loading, const struct node *node,
                        struct plan_reserve *reserve)
{
    if (!walk_keys(loading, node, "from to days")) {
        return;
    }
    reserve->season_from = walk_integer(loading, node, "from", 1, 12);
    reserve->season_to = walk_integer(loading, node, "to", 1, 12);
    reserve->season_days = walk_integer(loading, node, "days", 1, 3660);
    if (reserve->days == 0) {
        walk_report(loading, node, "season: has no meaning without days for the rest of the year");
    }
}

static void load_reserve(struct loading *loading, const struct node *node,
                         struct plan_reserve *reserve)
{
    reserve->id = walk_id(loading, node, "id");
    reserve->section = walk_section(loading, node);
    reserve->of = load_kinds(loading, node, &reserve->of_count);
    reserve->category = walk_id(loading, node, "category");
    reserve->kinds_percent = walk_integer(loading, node, "kinds_percent", 1, 100);
    reserve->days = walk_integer(loading, node, "days", 1, 3660);
    reserve->act = walk_patterns(loading, node, "act", &reserve->act_count);
    reserve->text = walk_text(loading, node, "text");
    load_season(loading, tree_get(node, "season"), reserve);
    if (*reserve->category && !has_category(loading->plan, reserve->category)) {
        walk_report(loading, tree_get(node, "category"),
                    "category: no item of vocabulary/items.yaml is of \"%s\"", reserve->category);
    }
    if (!tree_get(node, "kinds_percent") && !tree_get(node, "days")) {
        walk_report(loading, node, "nothing to keep: expected kinds_percent, days or both");
    }
}

void load_reserves(struct loading *loading, const struct node *root)
{
    struct plan *plan = loading->plan;
    const struct node *list = vocabulary_entries(loading, root, "reserves", PLAN_WORDS_MAX);
    if (!list) {
        return;
    }
    struct plan_reserve *reserves = ld_arena_alloc(loading->arena, list->count * sizeof *reserves);
    plan->reserves = reserves;
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_reserve *reserve = &reserves[plan->reserve_count];
        if (!walk_keys(loading, node,
                       "id section of category kinds_percent? days? season? act text reading?")) {
            continue;
        }
        load_reserve(loading, node, reserve);
        plan->reserve_count += walk_unique(loading, node, &loading->store->reserves, reserve->id,
                                           plan->reserve_count, "reserve");
    }
}
