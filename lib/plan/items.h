/* What plans are compared by: the items of a list, each with a key that is its own. */
#ifndef LD_PLAN_ITEMS_H
#define LD_PLAN_ITEMS_H

#include "tree.h"

struct item {
    const char *key;
    const struct node *node;
};
struct items {
    struct item *all;
    size_t count;
};

/* By id where entries have one; a text is its own key; a rule stands once for each of its levels; a
 * condition is known by its kind and what it counts. Keys may repeat until they are paired. */
struct items items_make(struct ld_arena *arena, const struct node *list);
/* Numbers the keys that repeat, so that equal items of both lists get the same one first. */
void items_pair(struct ld_arena *arena, struct items *before, struct items *after);

/* The plan's own map with the sections that it takes from the general plan (NULL: none): sections
 * given in both are one list. */
const struct node *items_merge(struct ld_arena *arena, const struct node *own,
                               const struct node *general);

#endif
