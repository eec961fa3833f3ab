/*
 * The general plan behind a special one: which of its sections are taken, and from which file a
 * section is read. What is taken is read as if it stood in the plan's own file, but for three
 * things: citations name the other plan, mistakes name the other file, and what the general plan
 * says about levels or hazards that this plan does not have falls out silently.
 */
#include "walk.h"

#include <string.h>

static const char TAKEABLE[] =
    "warnings reporting organisation groups duties orders notices supplies aftercare";
enum { TAKEABLE_COUNT = 9 };

bool is_taken(const struct loading *loading, const struct node *node)
{
    return loading->general && node && node->file == loading->general->file;
}

/* The position of a section among those that may be taken, -1: none of them. */
static int position_of(const char *section)
{
    const char *names = TAKEABLE;
    size_t size = strlen(section);
    for (int position = 0; position < TAKEABLE_COUNT; position++) {
        size_t length = strcspn(names, " ");
        if (length == size && memcmp(names, section, size) == 0) {
            return position;
        }
        names += length + (names[length] == ' ');
    }
    return -1;
}

bool takes_section(const struct loading *loading, const char *section)
{
    int position = position_of(section);
    return position >= 0 && (loading->taken & 1u << position);
}

const struct node *home_of(const struct loading *loading, const char *section)
{
    return takes_section(loading, section) ? loading->general : loading->root;
}

const char *general_file(struct ld_arena *arena, const struct node *root)
{
    const struct node *plan = tree_get(tree_get(root, "general"), "plan");
    bool named = plan && plan->kind == NODE_TEXT && walk_is_id(plan->text);
    return named ? ld_arena_format(arena, "%s.yaml", plan->text) : NULL;
}

/* ---- loading ---- */

/* Duties may stand in both: this plan's are then measures beside the rows that it takes. */
static bool may_be_both(const char *section)
{
    return strcmp(section, "duties") == 0;
}

/* One section that is taken: it stands in the general plan, and not in this one too. */
static void take(struct loading *loading, const struct node *node)
{
    int position = walk_choice_of(loading, node, "sections", TAKEABLE);
    if (position < 0) {
        return;
    }
    const struct node *own = tree_get(loading->root, node->text);
    if (own && !may_be_both(node->text)) {
        walk_report(loading, own, "%s: given here, but also taken from the general plan; keep one",
                    node->text);
    } else if (loading->taken & 1u << position) {
        walk_report(loading, node, "sections: \"%s\" stands twice", node->text);
    } else if (loading->general && !tree_get(loading->general, node->text)) {
        walk_report(loading, node, "sections: the general plan has no section \"%s\"", node->text);
    }
    loading->taken |= 1u << position;
}

/* What the other file must be so that its sections can stand here. */
static void check_other(struct loading *loading)
{
    const struct node *other = loading->general;
    const struct node *id = tree_get(other, "plan"), *area = tree_get(other, "area");
    const struct node *own_area = tree_get(loading->root, "area");
    bool same_id = id && id->kind == NODE_TEXT && strcmp(id->text, loading->plan->general) == 0;
    bool same_area = area && area->kind == NODE_TEXT && own_area && own_area->kind == NODE_TEXT &&
                     strcmp(area->text, own_area->text) == 0;
    if (!same_id) {
        walk_report(loading, id ? id : other, "plan: expected \"%s\", as the file is named",
                    loading->plan->general);
    }
    if (!same_area && own_area) {
        walk_report(loading, area ? area : other,
                    "area: a general plan is of the same area as the plan that takes from it");
    }
    if (tree_get(other, "general")) {
        walk_report(loading, tree_get(other, "general"),
                    "general: a general plan has no general plan itself");
    }
}

void load_general(struct loading *loading)
{
    struct plan *plan = loading->plan;
    const struct node *general = tree_get(loading->root, "general");
    if (!walk_keys(loading, general, "plan section sections reading?")) {
        return;
    }
    plan->general = walk_id(loading, general, "plan");
    plan->general_section = walk_string(loading, general, "section");
    if (loading->general) {
        check_other(loading);
    }
    const struct node *list = walk_list(loading, general, "sections", TAKEABLE_COUNT);
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        take(loading, node);
    }
}
