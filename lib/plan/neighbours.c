/*
 * Neighbours: which areas border on which (areas.yaml), and whom of them a plan tells of a response
 * (notices.neighbours). A border has two sides: an area that names another is named by it too, so
 * each pair stands once in the file.
 *
 * Fails on areas that are not there, on areas of which one lies in the other, on a pair that stands
 * twice, and on a slug that no neighbour of the plan's area or of its counties has.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>

enum { NEIGHBOURS_MAX = 64, BORDERS_MAX = 4096, TOLD_MAX = 16 };

/* ---- borders ---- */

struct border {
    size_t one, other;
};

struct borders {
    struct border *all;
    size_t count;
};

static bool contains(const struct plan_area *area, const struct plan_area *part)
{
    return area->level == PLAN_NATION || strncmp(area->code, part->code, strlen(area->code)) == 0;
}

static bool has_sides(const struct border *border, size_t one, size_t other)
{
    return (border->one == one && border->other == other) ||
           (border->one == other && border->other == one);
}

static bool stands_already(const struct borders *borders, size_t one, size_t other)
{
    for (size_t i = 0; i < borders->count; i++) {
        if (has_sides(&borders->all[i], one, other)) {
            return true;
        }
    }
    return false;
}

static void add_border(struct loading *loading, const struct node *node, struct borders *borders,
                       size_t one)
{
    int other = walk_reference(loading, node, &loading->store->areas, "area", "areas:");
    if (other < 0) {
        return;
    }
    const struct plan_area *areas = loading->plan->areas;
    if (contains(&areas[one], &areas[other]) || contains(&areas[other], &areas[one])) {
        walk_report(loading, node,
                    "neighbours: \"%s\" is no neighbour of \"%s\": one has the other",
                    areas[other].code, areas[one].code);
    } else if (stands_already(borders, one, (size_t)other)) {
        walk_report(loading, node,
                    "neighbours: \"%s\" and \"%s\" stand already; once is enough for both",
                    areas[one].code, areas[other].code);
    } else if (borders->count == BORDERS_MAX) {
        walk_report(loading, node, "neighbours: more than %d pairs", BORDERS_MAX);
    } else {
        borders->all[borders->count++] = (struct border){one, (size_t)other};
    }
}

static void add_borders(struct loading *loading, const struct node *area, struct borders *borders)
{
    const struct node *code = tree_get(area, "code");
    const struct node *list = walk_list(loading, area, "neighbours", NEIGHBOURS_MAX);
    int one = code && code->kind == NODE_TEXT ? plan_find_area(loading->plan, code->text) : -1;
    if (!list || one < 0) {
        return;
    }
    for (const struct node *node = list->first; node; node = node->next) {
        add_border(loading, node, borders, (size_t)one);
    }
}

/* The other sides of an area's borders, in the order of the file; neighbours NULL: counted only. */
static size_t other_sides(const struct borders *borders, size_t area, size_t *neighbours)
{
    size_t count = 0;
    for (size_t i = 0; i < borders->count; i++) {
        const struct border *border = &borders->all[i];
        if (border->one != area && border->other != area) {
            continue;
        }
        if (neighbours) {
            neighbours[count] = border->one == area ? border->other : border->one;
        }
        count++;
    }
    return count;
}

void load_neighbours(struct loading *loading, const struct node *list, struct plan_area *areas)
{
    struct borders borders = {ld_arena_alloc(loading->scratch, BORDERS_MAX * sizeof *borders.all),
                              0};
    for (const struct node *node = list->first; node; node = node->next) {
        add_borders(loading, node, &borders);
    }
    for (size_t i = 0; i < loading->plan->area_count; i++) {
        size_t count = other_sides(&borders, i, NULL);
        size_t *neighbours = ld_arena_alloc(loading->arena, (count + 1) * sizeof *neighbours);
        areas[i].neighbour_count = other_sides(&borders, i, neighbours);
        areas[i].neighbours = neighbours;
    }
}

/* ---- whom a plan tells ---- */

int plan_neighbour_unit(const struct plan *plan, size_t neighbour, const char *slug)
{
    char id[256];
    int size = snprintf(id, sizeof id, "%s.%s", plan->areas[neighbour].code, slug);
    return size > 0 && (size_t)size < sizeof id ? plan_find_unit(plan, id) : -1;
}

static bool has_unit(const struct plan *plan, const struct plan_area *area, const char *slug)
{
    for (size_t i = 0; i < area->neighbour_count; i++) {
        if (plan_neighbour_unit(plan, area->neighbours[i], slug) >= 0) {
            return true;
        }
    }
    return false;
}

/* Is there anybody of that name beside the plan's area, or beside a county of it? */
static bool anybody(const struct plan *plan, const char *slug)
{
    for (size_t i = 0; i < plan->area_count; i++) {
        const struct plan_area *area = &plan->areas[i];
        if (strncmp(area->code, plan->area, strlen(plan->area)) == 0 &&
            has_unit(plan, area, slug)) {
            return true;
        }
    }
    return false;
}

static const char *told_slug(struct loading *loading, const struct node *node)
{
    if (node->kind != NODE_TEXT || !walk_is_id(node->text) || strchr(node->text, '.')) {
        walk_report(loading, node,
                    "tell: expected the name of a unit without its area, such as gov");
        return "";
    }
    if (*loading->plan->area && !anybody(loading->plan, node->text)) {
        walk_report(loading, node, "tell: no neighbour of \"%s\" or its counties has a unit \"%s\"",
                    loading->plan->area, node->text);
    }
    return ld_arena_string(loading->arena, node->text, strlen(node->text));
}

void load_told_neighbours(struct loading *loading, const struct node *node)
{
    struct plan_told *told = &loading->plan->notices.neighbours;
    *told = (struct plan_told){.section = "", .text = {"", ""}};
    if (!walk_keys(loading, node, "section from tell text reading?")) {
        return;
    }
    told->section = walk_section(loading, node);
    told->from = walk_level(loading, node, "from");
    const struct node *list = walk_list(loading, node, "tell", TOLD_MAX);
    const char **slugs = ld_arena_alloc(loading->arena, TOLD_MAX * sizeof *slugs);
    struct index names = {.arena = loading->scratch};
    for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
        slugs[told->count] = told_slug(loading, item);
        told->count += walk_unique(loading, item, &names, slugs[told->count], 0, "name");
    }
    index_free(&names);
    told->slugs = slugs;
}
