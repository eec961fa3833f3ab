/* Memory of the ledger: a core that has none left cannot go on and keep its word. */
#ifndef SUPPLIES_MEMORY_H
#define SUPPLIES_MEMORY_H

#include <stdlib.h>
#include <string.h>

static inline void *memory_zeroed(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static inline char *memory_copy(const char *text)
{
    char *copied = strdup(text != NULL ? text : "");
    if (copied == NULL) {
        abort();
    }
    return copied;
}

/* An array with room for one more than count; grows by doubling. */
static inline void *memory_room(void *array, size_t count, size_t item_size)
{
    if ((count & (count - 1)) != 0) {
        return array; /* between powers of two there is room */
    }
    void *grown = realloc(array, (count == 0 ? 1 : count * 2) * item_size);
    if (grown == NULL) {
        abort();
    }
    return grown;
}

#endif
