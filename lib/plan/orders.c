/* Orders, after-care, notices and supplies: small tables, most of them by level. */
#include "walk.h"

#include <string.h>

/* ---- orders ---- */

static void load_acknowledge(struct loading *loading, const struct node *map,
                             struct plan_orders *orders)
{
    if (map && map->kind != NODE_MAP) {
        walk_report(loading, map, "acknowledge_within: expected a map of levels, such as {I: 30m}");
        return;
    }
    unsigned found = 0;
    for (const struct node *node = map ? map->first : NULL; node; node = node->next) {
        int level = walk_level_key(loading, node);
        if (level > PLAN_NONE) {
            orders->acknowledge_within_us[level] = walk_duration_of(loading, node);
            found |= level_bit(level);
        }
    }
    for (int level = PLAN_I; map && level < PLAN_LEVELS; level++) {
        if (loading->plan->levels & ~found & level_bit(level)) {
            walk_report(loading, map, "acknowledge_within: nothing for level %s",
                        plan_level_name(level));
        }
    }
}

static void load_supervisor(struct loading *loading, const struct node *node,
                            struct plan_orders *orders)
{
    if (!walk_keys(loading, node, "group? from? else")) {
        return;
    }
    orders->supervisor_else = walk_unit(loading, node, "else");
    const struct node *group = tree_get(node, "group");
    if (!group) {
        if (tree_get(node, "from")) {
            walk_report(loading, tree_get(node, "from"), "from: has no meaning without group");
        }
        return;
    }
    orders->supervisor_group =
        walk_reference(loading, group, &loading->store->groups, "group", "groups:");
    if (tree_get(node, "from")) {
        orders->supervisor_from = walk_level(loading, node, "from");
    } else if (orders->supervisor_group >= 0) {
        orders->supervisor_from = loading->plan->groups[orders->supervisor_group].from;
    }
}

/* A problem raised is settled on the day (当日问题当日协调). */
static void load_same_day(struct loading *loading, const struct node *node,
                          struct plan_orders *orders)
{
    if (walk_keys(loading, node, "section reading?")) {
        orders->same_day_section = walk_section(loading, node);
    }
}

void load_orders(struct loading *loading, const struct node *node)
{
    struct plan_orders *orders = &loading->plan->orders;
    *orders = (struct plan_orders){.section = walk_section(loading, node),
                                   .reading = walk_reading(loading, node),
                                   .supervisor_group = -1,
                                   .supervisor_else = "",
                                   .escalate_to = "",
                                   .same_day_section = ""};
    if (!walk_keys(loading, node,
                   "acknowledge_within escalate_after supervisor escalate_to same_day? section "
                   "reading?")) {
        return;
    }
    load_acknowledge(loading, tree_get(node, "acknowledge_within"), orders);
    load_supervisor(loading, tree_get(node, "supervisor"), orders);
    orders->escalate_after_us = walk_duration(loading, node, "escalate_after");
    orders->escalate_to = walk_unit(loading, node, "escalate_to");
    load_same_day(loading, tree_get(node, "same_day"), orders);
}

/* ---- after-care ---- */

static bool is_clock(const struct plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->clock_count; i++) {
        if (strcmp(plan->clocks[i].id, id) == 0) {
            return true;
        }
    }
    return rhythm_is(id);
}

void load_aftercare(struct loading *loading)
{
    struct plan *plan = loading->plan;
    const struct node *list =
        walk_list(loading, home_of(loading, "aftercare"), "aftercare", PLAN_WORDS_MAX);
    if (!list) {
        return;
    }
    struct index ids = {.arena = loading->scratch};
    struct plan_aftercare *all = ld_arena_alloc(loading->arena, list->count * sizeof *all);
    plan->aftercare = all;
    for (const struct node *node = list->first; node; node = node->next) {
        struct plan_aftercare *next = &all[plan->aftercare_count];
        if (!walk_keys(loading, node, "id section by within? text reading?")) {
            continue;
        }
        next->id = walk_id(loading, node, "id");
        if (is_clock(plan, next->id)) {
            walk_report(loading, tree_get(node, "id"), "id: \"%s\" is a clock; take another",
                        next->id);
        }
        next->section = walk_section(loading, node);
        next->by = walk_patterns(loading, node, "by", &next->by_count);
        next->within_us = walk_duration(loading, node, "within");
        next->text = walk_text(loading, node, "text");
        plan->aftercare_count +=
            walk_unique(loading, node, &ids, next->id, plan->aftercare_count, "aftercare");
    }
    index_free(&ids);
}

/* ---- notices ---- */

static const char *const PLACEHOLDERS[] = {"hazard", "level",  "colour",    "area",  "counties",
                                           "cases",  "deaths", "commander", "grade", "incident"};

static bool is_placeholder(const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof PLACEHOLDERS / sizeof *PLACEHOLDERS; i++) {
        if (strlen(PLACEHOLDERS[i]) == size && memcmp(PLACEHOLDERS[i], name, size) == 0) {
            return true;
        }
    }
    return false;
}

static void check_placeholders(struct loading *loading, const struct node *node, const char *text)
{
    for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
        size_t size = strcspn(open + 1, "{}");
        if (open[1 + size] != '}' || !is_placeholder(open + 1, size)) {
            walk_report(loading, node,
                        "unknown placeholder {%.*s}; expected one of: {hazard} {level} {colour} "
                        "{area} {counties} {cases} {deaths} {commander} {grade} {incident}",
                        (int)(size < 40 ? size : 40), open + 1);
        }
    }
}

static struct plan_text load_template(struct loading *loading, const struct node *map,
                                      const char *key)
{
    struct plan_text text = walk_text(loading, map, key);
    const struct node *node = tree_get(map, key);
    check_placeholders(loading, tree_get(node, "zh"), text.zh);
    check_placeholders(loading, tree_get(node, "en"), text.en);
    return text;
}

/* One text for all levels, or a map with one for each. */
static void load_signer(struct loading *loading, const struct node *node,
                        struct plan_text signer[PLAN_LEVELS])
{
    if (!node || node->kind != NODE_MAP || tree_get(node, "zh") || tree_get(node, "en")) {
        struct plan_text text = walk_text_of(loading, node);
        for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
            signer[level] = text;
        }
        return;
    }
    unsigned found = 0;
    for (const struct node *child = node->first; child; child = child->next) {
        int level = walk_level_key(loading, child);
        if (level > PLAN_NONE) {
            signer[level] = walk_text_of(loading, child);
            found |= level_bit(level);
        }
    }
    for (int level = PLAN_I; level < PLAN_LEVELS; level++) {
        if (loading->plan->levels & ~found & level_bit(level)) {
            walk_report(loading, node, "signer: nothing for level %s", plan_level_name(level));
        }
    }
}

/* CAP 1.2, section 3.2.2, info.category. */
#define CATEGORIES "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other"

void load_notices(struct loading *loading, const struct node *node)
{
    struct plan_notices *notices = &loading->plan->notices;
    static const struct plan_text NONE = {"", ""};
    *notices = (struct plan_notices){.section = walk_section(loading, node),
                                     .signer = {NONE, NONE, NONE, NONE, NONE},
                                     .headline = NONE,
                                     .body = NONE,
                                     .public_body = NONE,
                                     .ended_headline = NONE,
                                     .ended_body = NONE,
                                     .category = ""};
    if (!walk_keys(loading, node,
                   "section category signer public response ended neighbours? reading?")) {
        return;
    }
    load_signer(loading, tree_get(node, "signer"), notices->signer);
    const struct node *public_notice = tree_get(node, "public");
    if (walk_keys(loading, public_notice, "from")) {
        notices->public_from = walk_level(loading, public_notice, "from");
    }
    const struct node *response = tree_get(node, "response");
    if (walk_keys(loading, response, "headline body public")) {
        notices->headline = load_template(loading, response, "headline");
        notices->body = load_template(loading, response, "body");
        notices->public_body = load_template(loading, response, "public");
    }
    const struct node *ended = tree_get(node, "ended");
    if (walk_keys(loading, ended, "headline body")) {
        notices->ended_headline = load_template(loading, ended, "headline");
        notices->ended_body = load_template(loading, ended, "body");
    }
    const struct node *neighbours = tree_get(node, "neighbours");
    load_told_neighbours(loading, neighbours);
    if (neighbours) {
        notices->neighbours.text = load_template(loading, neighbours, "text");
    }
    if (walk_choice(loading, node, "category", CATEGORIES) >= 0) {
        notices->category = walk_string(loading, node, "category");
    }
}

/* ---- supplies ---- */

static unsigned load_pool(struct loading *loading, const struct node *node,
                          struct plan_supplies *supplies)
{
    if (!walk_keys(loading, node, "levels pool requisition? reading?")) {
        return 0;
    }
    unsigned levels = walk_levels(loading, node, "levels", true);
    int pool = walk_choice(loading, node, "pool", "own county city");
    bool requisition = walk_flag(loading, node, "requisition");
    for (int level = PLAN_NONE; level < PLAN_LEVELS; level++) {
        if (levels & level_bit(level)) {
            supplies->pool[level] = pool < 0 ? PLAN_POOL_OWN : (enum plan_pool)pool;
            supplies->requisition[level] = requisition;
        }
    }
    return levels;
}

void load_supplies(struct loading *loading, const struct node *node)
{
    struct plan_supplies *supplies = &loading->plan->supplies;
    *supplies = (struct plan_supplies){.section = walk_section(loading, node),
                                       .reading = walk_reading(loading, node)};
    if (!walk_keys(loading, node, "section pools reading?")) {
        return;
    }
    const struct node *list = walk_list(loading, node, "pools", PLAN_LEVELS);
    unsigned needed = loading->plan->levels | level_bit(PLAN_NONE), found = 0;
    for (const struct node *pool = list ? list->first : NULL; pool; pool = pool->next) {
        unsigned levels = load_pool(loading, pool, supplies);
        for (int level = PLAN_NONE; level < PLAN_LEVELS; level++) {
            if (levels & found & level_bit(level)) {
                walk_report(loading, pool, "level %s has a pool already", plan_level_name(level));
            }
        }
        found |= levels;
    }
    for (int level = PLAN_NONE; list && level < PLAN_LEVELS; level++) {
        if (needed & ~found & level_bit(level)) {
            walk_report(loading, list, "pools: nothing for level %s", plan_level_name(level));
        }
    }
}
