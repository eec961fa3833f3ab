/*
 * Batches: records end to end and who waits for each. The bytes are shared with ZeroMQ by
 * reference, so a batch lives until the queue and every frame have let go of it; its counter is
 * the only thing that another thread touches.
 */
#include "client.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void batch_free(struct ldc_batch *batch)
{
    free(batch->bytes);
    free(batch->entries);
    free(batch);
}

static struct ldc_batch *batch_make(size_t first_bytes)
{
    struct ldc_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return NULL;
    batch->capacity = first_bytes > LDC_BATCH_FIRST ? first_bytes : LDC_BATCH_FIRST;
    batch->entry_capacity = 16;
    batch->bytes = malloc(batch->capacity);
    batch->entries = malloc(batch->entry_capacity * sizeof *batch->entries);
    if (batch->bytes != NULL && batch->entries != NULL)
        return batch;
    batch_free(batch);
    return NULL;
}

struct ldc_batch *ldc_batch_new(struct ldc_spares *spares, size_t first_bytes)
{
    struct ldc_batch *batch = spares->list;
    if (batch != NULL) {
        spares->list = batch->next;
        spares->bytes -= batch->capacity;
    } else {
        batch = batch_make(first_bytes);
    }
    if (batch == NULL)
        return NULL;
    *batch = (struct ldc_batch){.bytes = batch->bytes,
                                .capacity = batch->capacity,
                                .entries = batch->entries,
                                .entry_capacity = batch->entry_capacity};
    atomic_init(&batch->references, 1);
    return batch;
}

/* True: that was the last reference. */
static bool let_go(struct ldc_batch *batch)
{
    return atomic_fetch_sub(&batch->references, 1) == 1;
}

void ldc_batch_drop(struct ldc_spares *spares, struct ldc_batch *batch)
{
    if (!let_go(batch))
        return;
    if (spares->bytes + batch->capacity > spares->max_bytes) {
        batch_free(batch);
        return;
    }
    batch->next = spares->list;
    spares->list = batch;
    spares->bytes += batch->capacity;
}

void ldc_spares_free(struct ldc_spares *spares)
{
    while (spares->list != NULL) {
        struct ldc_batch *batch = spares->list;
        spares->list = batch->next;
        batch_free(batch);
    }
}

static bool grow_entries(struct ldc_batch *batch)
{
    if (batch->count < batch->entry_capacity)
        return true;
    size_t capacity = batch->entry_capacity * 2;
    struct ldc_entry *entries = realloc(batch->entries, capacity * sizeof *entries);
    if (entries == NULL)
        return false;
    batch->entries = entries;
    batch->entry_capacity = capacity;
    return true;
}

static bool grow_bytes(struct ldc_batch *batch, size_t size)
{
    size_t capacity = batch->capacity;
    while (capacity - batch->size < size)
        capacity *= 2;
    if (capacity == batch->capacity)
        return true;
    uint8_t *bytes = realloc(batch->bytes, capacity);
    if (bytes == NULL)
        return false;
    batch->bytes = bytes;
    batch->capacity = capacity;
    return true;
}

uint8_t *ldc_batch_reserve(struct ldc_batch *batch, size_t size)
{
    assert(!batch->sealed);
    if (!grow_entries(batch) || !grow_bytes(batch, size))
        return NULL;
    return batch->bytes + batch->size;
}

void ldc_batch_add(struct ldc_batch *batch, const struct ldc_entry *entry)
{
    assert(batch->count < batch->entry_capacity && batch->capacity - batch->size >= entry->size);
    batch->entries[batch->count++] = *entry;
    batch->size += entry->size;
}

static void release_frame(void *data, void *hint)
{
    (void)data;
    if (let_go(hint))
        batch_free(hint);
}

void ldc_batch_frame(struct ldc_batch *batch, struct zuv_frame *frame)
{
    assert(batch->sealed && batch->done < batch->count);
    atomic_fetch_add(&batch->references, 1);
    zuv_frame_share(frame, batch->bytes + batch->done_bytes, batch->size - batch->done_bytes,
                    release_frame, batch);
}
