/* From a name to its position: what lookups and checks for repeated ids share. */
#ifndef LD_PLAN_INDEX_H
#define LD_PLAN_INDEX_H

#include <arena.h>
#include <stdbool.h>

struct index_entry;
struct index { /* {.arena = where entries come from}; freed by index_free, before the arena */
    struct index_entry *head;
    struct ld_arena *arena;
};

/* False if the key is there already. The key is borrowed and must live as long as the index. */
bool index_add(struct index *index, const char *key, size_t position);
int index_find(const struct index *index, const char *key); /* -1: not there */
void index_free(struct index *index);

#endif
