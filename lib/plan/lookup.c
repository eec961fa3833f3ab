/* Asking a loaded plan: indexes for ids, patterns for units. Nothing here allocates. */
#include "loading.h"

#include <stdlib.h>
#include <string.h>

static const struct plan_store *store_of(const struct plan *plan)
{
    return plan->owner;
}

int plan_find_area(const struct plan *plan, const char *code)
{
    return index_find(&store_of(plan)->areas, code);
}

int plan_find_unit(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->units, id);
}

int plan_find_hazard(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->hazards, id);
}

int plan_find_measure(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->measures, id);
}

int plan_find_sign(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->signs, id);
}

int plan_find_channel(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->channels, id);
}

int plan_find_item(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->items, id);
}

int plan_find_member(const struct plan *plan, const char *unit_id)
{
    return index_find(&store_of(plan)->members, unit_id);
}

int plan_find_group(const struct plan *plan, const char *id)
{
    return index_find(&store_of(plan)->groups, id);
}

/* ---- patterns ---- */

struct span {
    const char *text;
    size_t size;
};

static struct span area_of(const char *unit_id)
{
    return (struct span){unit_id, strcspn(unit_id, ".")};
}

static bool spans_equal(struct span a, struct span b)
{
    return a.size == b.size && memcmp(a.text, b.text, a.size) == 0;
}

/* One half of a pattern: the same, "*", or a prefix and "*". */
static bool half_matches(struct span pattern, struct span value)
{
    if (pattern.size == 0 || pattern.text[pattern.size - 1] != '*') {
        return spans_equal(pattern, value);
    }
    size_t prefix = pattern.size - 1;
    return value.size >= prefix && memcmp(pattern.text, value.text, prefix) == 0;
}

/* Is the area this county; or, if county is NULL, any county of the plan's area? */
static bool is_county(const struct plan *plan, struct span area, const char *county)
{
    if (county) {
        return spans_equal(area, (struct span){county, strlen(county)});
    }
    char code[16];
    if (area.size >= sizeof code) {
        return false;
    }
    memcpy(code, area.text, area.size);
    code[area.size] = 0;
    int found = plan_find_area(plan, code);
    return found >= 0 && plan->areas[found].level == PLAN_COUNTY &&
           strncmp(code, plan->area, strlen(plan->area)) == 0;
}

static bool unit_matches(const struct plan *plan, const char *unit_id, const char *pattern,
                         const char *county)
{
    struct span area = area_of(unit_id), wanted = area_of(pattern);
    if (unit_id[area.size] == 0 || pattern[wanted.size] == 0) {
        return strcmp(unit_id, pattern) == 0;
    }
    struct span slug = {unit_id + area.size + 1, strlen(unit_id + area.size + 1)};
    struct span slug_wanted = {pattern + wanted.size + 1, strlen(pattern + wanted.size + 1)};
    if (!half_matches(slug_wanted, slug)) {
        return false;
    }
    static const struct span COUNTY = {"{county}", sizeof "{county}" - 1};
    return spans_equal(wanted, COUNTY) ? is_county(plan, area, county) : half_matches(wanted, area);
}

bool plan_unit_in(const struct plan *plan, const char *unit_id, const char *const *patterns,
                  size_t pattern_count, const char *county)
{
    for (size_t i = 0; i < pattern_count; i++) {
        if (unit_matches(plan, unit_id, patterns[i], county)) {
            return true;
        }
    }
    return false;
}

/* ---- rules, criteria, names ---- */

const struct plan_rule *plan_rule_for(const struct plan_rule *rules, size_t count, int level)
{
    for (size_t i = 0; i < count; i++) {
        if (level >= PLAN_NONE && level < PLAN_LEVELS && (rules[i].levels & level_bit(level))) {
            return &rules[i];
        }
    }
    return NULL;
}

static int by_index(const void *a, const void *b)
{
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    return left < right ? -1 : left > right;
}

/* Hazard lists are in ascending order (refer.c). */
static bool lists_hazard(const struct plan_criterion *criterion, size_t hazard)
{
    return criterion->hazard_count == 0 ||
           bsearch(&hazard, criterion->hazards, criterion->hazard_count, sizeof hazard, by_index);
}

bool plan_criterion_covers(const struct plan *plan, const struct plan_criterion *criterion,
                           size_t hazard)
{
    if (hazard >= plan->hazard_count || !plan->in_scope[hazard]) {
        return false;
    }
    char class_code = plan->hazards[hazard].class_code;
    bool class_fits = criterion->classes[0] == 0 ||
                      (class_code != 0 && strchr(criterion->classes, class_code) != NULL);
    return class_fits && lists_hazard(criterion, hazard);
}

struct plan_text plan_unit_name(const struct plan *plan, const char *unit_id)
{
    int unit = plan_find_unit(plan, unit_id);
    return unit < 0 ? (struct plan_text){unit_id, unit_id} : plan->units[unit].name;
}

struct plan_text plan_area_name(const struct plan *plan, const char *code)
{
    int area = plan_find_area(plan, code);
    return area < 0 ? (struct plan_text){code, code} : plan->areas[area].name;
}
