/*
 * Travel: how long it takes by road from area to area. The vocabulary gives the minutes between
 * neighbours; what lies further is the sum along the shortest way (Floyd 1962). Areas that no entry
 * names are nowhere.
 */
#include "walk.h"

#include <string.h>

enum { NOT_THERE = -1, MINUTES_MAX = 10080 };

/* Both ways take the same time; of two entries the shorter holds. */
static void link(struct plan_travel *travel, int from, int to, int minutes)
{
    int *there = &travel->minutes[(size_t)from * travel->count + (size_t)to];
    int *back = &travel->minutes[(size_t)to * travel->count + (size_t)from];
    if (*there == NOT_THERE || minutes < *there) {
        *there = *back = minutes;
    }
}

static int place_of(struct loading *loading, struct plan_travel *travel, const struct node *node,
                    const char *key)
{
    const char *code = walk_id(loading, node, key);
    int area = plan_find_area(loading->plan, code);
    if (area < 0) {
        if (*code != '\0') {
            walk_report(loading, tree_get(node, key), "travel: no area \"%s\"", code);
        }
        return NOT_THERE;
    }
    for (size_t i = 0; i < travel->count; i++) {
        if (travel->areas[i] == (size_t)area) {
            return (int)i;
        }
    }
    if (travel->count == PLAN_TRAVEL_MAX) {
        walk_report(loading, node, "travel: more than %d areas", PLAN_TRAVEL_MAX);
        return NOT_THERE;
    }
    travel->areas[travel->count] = (size_t)area;
    return (int)travel->count++;
}

static void through(struct plan_travel *travel, size_t middle)
{
    size_t count = travel->count;
    for (size_t from = 0; from < count; from++) {
        int first = travel->minutes[from * count + middle];
        for (size_t to = 0; to < count && first != NOT_THERE; to++) {
            int second = travel->minutes[middle * count + to];
            int *direct = &travel->minutes[from * count + to];
            if (second != NOT_THERE && (*direct == NOT_THERE || first + second < *direct)) {
                *direct = first + second;
            }
        }
    }
}

struct entry {
    int from, to, minutes;
};

static void fill(struct loading *loading, struct plan_travel *travel, const struct entry *entries,
                 size_t entry_count)
{
    size_t cells = travel->count * travel->count;
    travel->minutes = ld_arena_alloc(loading->arena, (cells + 1) * sizeof *travel->minutes);
    for (size_t i = 0; i < cells; i++) {
        travel->minutes[i] = i % (travel->count + 1) == 0 ? 0 : NOT_THERE;
    }
    for (size_t i = 0; i < entry_count; i++) {
        link(travel, entries[i].from, entries[i].to, entries[i].minutes);
    }
    for (size_t middle = 0; middle < travel->count; middle++) {
        through(travel, middle);
    }
}

void load_travel(struct loading *loading, const struct node *root)
{
    struct plan_travel *travel = &loading->plan->travel;
    const struct node *list =
        tree_get(root, "travel") ? walk_list(loading, root, "travel", PLAN_WORDS_MAX) : NULL;
    if (!list) {
        return;
    }
    struct entry *entries = ld_arena_alloc(loading->scratch, list->count * sizeof *entries);
    size_t entry_count = 0;
    travel->areas = ld_arena_alloc(loading->arena, PLAN_TRAVEL_MAX * sizeof *travel->areas);
    for (const struct node *node = list->first; node; node = node->next) {
        struct entry entry;
        if (!walk_keys(loading, node, "from to minutes")) {
            continue;
        }
        entry.from = place_of(loading, travel, node, "from");
        entry.to = place_of(loading, travel, node, "to");
        entry.minutes = walk_integer(loading, node, "minutes", 1, MINUTES_MAX);
        if (entry.from >= 0 && entry.to >= 0 && entry.minutes > 0) {
            entries[entry_count++] = entry;
        }
    }
    fill(loading, travel, entries, entry_count);
}

static int place_in(const struct plan *plan, const char *code)
{
    int area = plan_find_area(plan, code);
    for (size_t i = 0; i < plan->travel.count && area >= 0; i++) {
        if (plan->travel.areas[i] == (size_t)area) {
            return (int)i;
        }
    }
    return NOT_THERE;
}

int plan_travel_minutes(const struct plan *plan, const char *from, const char *to)
{
    if (strcmp(from, to) == 0) {
        return 0;
    }
    int first = place_in(plan, from), second = place_in(plan, to);
    return first < 0 || second < 0
               ? NOT_THERE
               : plan->travel.minutes[(size_t)first * plan->travel.count + (size_t)second];
}
