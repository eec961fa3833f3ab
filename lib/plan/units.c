/*
 * units.yaml: single units, and one unit for each county of a city, in the order of the file and
 * of the areas. The id says the area; the slug is what topics use.
 */
#include "walk.h"

#include <assert.h>
#include <string.h>

enum { NAME_SIZE_MAX = 256 };

struct unit_list {
    struct plan_unit *all;
    size_t capacity;
};

static const char *load_kind(struct loading *loading, const struct node *node)
{
    const char *kind = walk_string(loading, node, "kind");
    (void)walk_choice(loading, node, "kind", UNIT_KINDS);
    return kind;
}

static void add_unit(struct loading *loading, const struct node *node, struct unit_list *units,
                     const struct plan_unit *unit)
{
    struct plan *plan = loading->plan;
    assert(plan->unit_count < units->capacity);
    units->all[plan->unit_count] = *unit;
    plan->unit_count +=
        walk_unique(loading, node, &loading->store->units, unit->id, plan->unit_count, "unit");
}

static void load_single(struct loading *loading, const struct node *node, struct unit_list *units)
{
    if (!walk_keys(loading, node, "id kind zh en")) {
        return;
    }
    struct plan_unit unit = {.id = walk_id(loading, node, "id"),
                             .kind = load_kind(loading, node),
                             .name = walk_name(loading, node)};
    const char *dot = strchr(unit.id, '.');
    if (*unit.id && (!dot || dot[1] == 0 || strchr(dot + 1, '.'))) {
        walk_report(loading, node, "id: \"%s\" is no unit; expected area.slug, such as 3303.health",
                    unit.id);
        return;
    }
    if (!dot) {
        return;
    }
    unit.slug = dot + 1;
    unit.area = ld_arena_string(loading->arena, unit.id, (size_t)(dot - unit.id));
    int area = plan_find_area(loading->plan, unit.area);
    if (area < 0) {
        walk_report(loading, node, "unknown area \"%s\"; vocabulary/areas.yaml lists what there is",
                    unit.area);
        return;
    }
    unit.area = loading->plan->areas[area].code;
    add_unit(loading, node, units, &unit);
}

/* ---- one for each county ---- */

static const char *fill_in(struct loading *loading, const char *template, const char *placeholder,
                           const char *value)
{
    const char *found = strstr(template, placeholder);
    if (!found) {
        return template;
    }
    return ld_arena_format(loading->arena, "%.*s%s%s", (int)(found - template), template, value,
                           found + strlen(placeholder));
}

static bool is_county_of(const struct plan_area *area, const char *prefix)
{
    return area->level == PLAN_COUNTY && strncmp(area->code, prefix, strlen(prefix)) == 0;
}

/* A template that has mistakes makes no units. */
static bool check_template(struct loading *loading, const struct node *node,
                           const struct plan_unit *template)
{
    bool named = strstr(template->name.zh, "{zh}") && strstr(template->name.en, "{en}");
    bool short_name =
        strlen(template->name.zh) <= NAME_SIZE_MAX && strlen(template->name.en) <= NAME_SIZE_MAX;
    bool plain_slug = !strchr(template->slug, '.');
    if (!named) {
        walk_report(loading, node,
                    "zh needs {zh} and en needs {en}, where the county's name is to stand");
    }
    if (!short_name) {
        walk_report(loading, node, "a unit's name has at most %d bytes", NAME_SIZE_MAX);
    }
    if (!plain_slug) {
        walk_report(loading, node, "slug: \"%s\" has a dot, which separates area and slug",
                    template->slug);
    }
    return named && short_name && plain_slug && *template->slug;
}

static void load_each(struct loading *loading, const struct node *node, struct unit_list *units)
{
    if (!walk_keys(loading, node, "each of slug kind zh en") ||
        walk_choice(loading, node, "each", "county") < 0) {
        return;
    }
    const struct plan *plan = loading->plan;
    int of = walk_reference(loading, tree_get(node, "of"), &loading->store->areas, "area",
                            "vocabulary/areas.yaml");
    struct plan_unit unit = {.slug = walk_id(loading, node, "slug"),
                             .kind = load_kind(loading, node),
                             .name = walk_name(loading, node)};
    struct plan_text template = unit.name;
    bool good = check_template(loading, node, &unit);
    for (size_t i = 0; good && of >= 0 && i < plan->area_count; i++) {
        const struct plan_area *area = &plan->areas[i];
        if (!is_county_of(area, plan->areas[of].code)) {
            continue;
        }
        unit.area = area->code;
        unit.id = ld_arena_format(loading->arena, "%s.%s", area->code, unit.slug);
        unit.name.zh = fill_in(loading, template.zh, "{zh}", area->name.zh);
        unit.name.en = fill_in(loading, template.en, "{en}", area->name.en);
        add_unit(loading, node, units, &unit);
    }
}

static size_t count_counties(const struct plan *plan, const struct node *of)
{
    size_t count = 0;
    for (size_t i = 0; of && of->kind == NODE_TEXT && i < plan->area_count; i++) {
        count += is_county_of(&plan->areas[i], of->text);
    }
    return count;
}

/* How many units the list makes at most, so that they fit into one array. */
static size_t count_units(const struct plan *plan, const struct node *list)
{
    size_t count = 0;
    for (const struct node *node = list->first; node; node = node->next) {
        count += tree_get(node, "each") ? count_counties(plan, tree_get(node, "of")) : 1;
    }
    return count;
}

void load_units(struct loading *loading, const struct node *root)
{
    struct plan *plan = loading->plan;
    const struct node *list = vocabulary_entries(loading, root, "units", PLAN_UNITS_MAX);
    if (!list) {
        return;
    }
    size_t possible = count_units(plan, list);
    if (possible > PLAN_UNITS_MAX) {
        walk_report(loading, list, "units: %zu units, at most %d are possible", possible,
                    PLAN_UNITS_MAX);
        return;
    }
    struct unit_list units = {ld_arena_alloc(loading->arena, possible * sizeof *units.all),
                              possible};
    plan->units = units.all;
    for (const struct node *node = list->first; node; node = node->next) {
        if (tree_get(node, "each")) {
            load_each(loading, node, &units);
        } else {
            load_single(loading, node, &units);
        }
    }
}
