/* Images of a storage, taken before each step. */
#include "watch.h"

#include "storage_private.h"

#include <assert.h>
#include <stdlib.h>

static void add(struct watch *watch, struct storage *storage, enum storage_step kind)
{
    assert(watch->count < IMAGES_MAX);
    watch->images[watch->count++] =
        (struct image){.storage = storage_kill(storage),
                       .acknowledged = atomic_load(&watch->acknowledged),
                       .step = watch->steps,
                       .kind = kind};
}

static void before_step(struct storage *storage, enum storage_step step, void *data)
{
    struct watch *watch = data;
    watch->steps++;
    add(watch, storage, step);
}

void watch_begin(struct watch *watch, struct storage *storage)
{
    if (!watch->images)
        watch->images = calloc(IMAGES_MAX, sizeof *watch->images);
    assert(watch->images);
    storage_on_step(storage, before_step, watch);
}

void watch_now(struct watch *watch, struct storage *storage)
{
    storage_lock(); /* against the log's threads */
    add(watch, storage, 0);
    storage_unlock();
}

void watch_clear(struct watch *watch)
{
    for (size_t i = 0; i < watch->count; i++)
        storage_free(watch->images[i].storage);
    watch->count = 0;
}

void watch_end(struct watch *watch, struct storage *storage)
{
    if (storage)
        storage_on_step(storage, NULL, NULL);
    watch_clear(watch);
    free(watch->images);
    watch->images = NULL;
}

const char *step_name(enum storage_step step)
{
    switch (step) {
    case STORAGE_OPEN:
        return "create";
    case STORAGE_READ:
        return "read";
    case STORAGE_WRITE:
        return "write";
    case STORAGE_SYNC:
        return "sync";
    case STORAGE_RESIZE:
        return "resize";
    case STORAGE_RENAME:
        return "rename";
    case STORAGE_REMOVE:
        return "remove";
    case STORAGE_MAKE_DIRECTORY:
        return "make directory";
    case STORAGE_SYNC_DIRECTORY:
        return "sync directory";
    case STORAGE_LIST:
        return "list";
    case STORAGE_CHANGES:
    case STORAGE_ANY:
        break;
    }
    return "at rest";
}
