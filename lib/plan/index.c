/* A hash table (uthash) from borrowed strings to positions; entries come from the owner's arena. */
#include "index.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#define HASH_FUNCTION(key, size, hash) (hash) = (unsigned)XXH3_64bits(key, size)
#include <uthash.h>

struct index_entry {
    const char *key;
    int position;
    UT_hash_handle hh;
};

static struct index_entry *find(const struct index *index, const char *key)
{
    struct index_entry *entry = NULL;
    HASH_FIND_STR(index->head, key, entry);
    return entry;
}

bool index_add(struct index *index, const char *key, size_t position)
{
    if (find(index, key)) {
        return false;
    }
    struct index_entry *entry = ld_arena_alloc(index->arena, sizeof *entry);
    entry->key = key;
    entry->position = (int)position;
    HASH_ADD_KEYPTR(hh, index->head, entry->key, strlen(entry->key), entry);
    return true;
}

int index_find(const struct index *index, const char *key)
{
    const struct index_entry *entry = find(index, key);
    return entry ? entry->position : -1;
}

void index_free(struct index *index)
{
    HASH_CLEAR(hh, index->head);
}
