/*
 * The storage model's file functions, clock and randomness, and the faults that they meet.
 *
 * Each function takes the lock, counts its step (telling whoever follows, failing if it is the one
 * that was told to fail), changes the cache and notes what is not on the disk yet.
 */
#include "storage_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- steps and faults ---- */

/* Before each step, with the lock held: LD_OK or the code that it fails with. */
static int step(struct storage *storage, enum storage_step kind, bool changes,
                struct ld_error *error)
{
    storage->steps++;
    if (changes && storage->each_step)
        storage->each_step(storage, kind, storage->each_step_data);
    if (!(storage->fault_steps & kind) || storage->fault_in-- > 0)
        return LD_OK;
    storage->fault_steps = 0;
    storage->fault_count++;
    return ld_fail(error, storage->fault_code, "the disk fails as told");
}

static int leave(int code)
{
    storage_unlock();
    return code;
}

static struct inode *inode_of(struct storage *storage, int fd)
{
    assert(fd >= 0 && (unsigned)fd < HANDLES_MAX && storage->handles[fd].open);
    return &storage->inodes[storage->handles[fd].inode];
}

static int not_found(const char *path, struct ld_error *error)
{
    return ld_fail(error, LD_NOTFOUND, "cannot open %s: not there", path);
}

static bool parent_is_there(struct storage *storage, const char *path)
{
    for (size_t i = 0; i < storage->cached.count; i++) {
        const struct entry *entry = &storage->cached.entries[i];
        if (storage->inodes[entry->inode].directory && is_in(path, entry->path))
            return true;
    }
    return false;
}

/* ---- handles ---- */

static int new_handle(struct storage *storage, unsigned inode, bool writable)
{
    int fd = 0;
    while ((unsigned)fd < HANDLES_MAX && storage->handles[fd].open)
        fd++;
    assert((unsigned)fd < HANDLES_MAX);
    storage->handles[fd] = (struct handle){.open = true, .writable = writable, .inode = inode};
    return fd;
}

static int find_or_create(struct storage *storage, const char *path, enum ld_open_mode mode,
                          unsigned *inode, struct ld_error *error)
{
    struct entry *entry = names_find(&storage->cached, path);
    if (entry && mode == LD_OPEN_CREATE)
        return ld_fail(error, LD_IO, "cannot create %s: it exists", path);
    if (entry) {
        *inode = entry->inode;
        return LD_OK;
    }
    if (mode == LD_OPEN_READ || mode == LD_OPEN_WRITE || !parent_is_there(storage, path))
        return not_found(path, error);
    *inode = inode_new(storage, false);
    note_names(storage, "", path, *inode);
    return LD_OK;
}

static int model_open(void *self, const char *path, enum ld_open_mode mode, int *fd,
                      struct ld_error *error)
{
    struct storage *storage = self;
    unsigned number = 0;
    storage_lock();
    bool creates = (mode == LD_OPEN_CREATE || mode == LD_OPEN_LOCK) && !inode_at(storage, path);
    int code = step(storage, STORAGE_OPEN, creates, error);
    if (code == LD_OK)
        code = find_or_create(storage, path, mode, &number, error);
    if (code != LD_OK)
        return leave(code);
    struct inode *inode = &storage->inodes[number];
    if (mode == LD_OPEN_LOCK && inode->lock_handle > 0)
        return leave(ld_fail(error, LD_LOCKED, "%s is locked by another process", path));
    *fd = new_handle(storage, number, mode != LD_OPEN_READ);
    if (mode == LD_OPEN_LOCK)
        inode->lock_handle = (unsigned)*fd + 1;
    return leave(LD_OK);
}

static int model_close(void *self, int fd)
{
    struct storage *storage = self;
    storage_lock();
    struct inode *inode = inode_of(storage, fd);
    if (inode->lock_handle == (unsigned)fd + 1)
        inode->lock_handle = 0;
    storage->handles[fd] = (struct handle){0};
    return leave(LD_OK);
}

/* ---- contents ---- */

static int model_read(void *self, int fd, uint64_t offset, void *data, size_t size,
                      size_t *size_read, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    const struct bytes *bytes = inode_of(storage, fd)->cached;
    int code = step(storage, STORAGE_READ, false, error);
    if (code != LD_OK)
        return leave(code);
    uint64_t there = offset < bytes->size ? bytes->size - offset : 0;
    *size_read = there < size ? (size_t)there : size;
    if (*size_read > 0)
        memcpy(data, bytes->data + offset, *size_read);
    return leave(LD_OK);
}

/* What was just written to the cache goes to the wrong place on the disk. */
static void misdirect(struct storage *storage, struct inode *inode, uint64_t offset, size_t size)
{
    struct inode *other =
        storage->misdirect_inode > 0 ? &storage->inodes[storage->misdirect_inode - 1] : inode;
    const struct bytes *from = inode->cached;
    uint64_t begin = offset / STORAGE_SECTOR * STORAGE_SECTOR;
    uint64_t end = (offset + size + STORAGE_SECTOR - 1) / STORAGE_SECTOR * STORAGE_SECTOR;
    bytes_own(&other->durable);
    for (uint64_t at = begin; at < end && at < from->size; at++) {
        int64_t to = (int64_t)at + storage->misdirect_bytes;
        if (to >= 0 && (uint64_t)to < other->durable->size)
            other->durable->data[to] = from->data[at];
    }
}

static void put(struct storage *storage, struct inode *inode, uint64_t offset, const void *data,
                size_t size)
{
    uint64_t end = offset + size;
    bool grows = end > inode->cached->size;
    if (size == 0)
        return;
    if (grows)
        bytes_resize(&inode->cached, end);
    else
        bytes_own(&inode->cached);
    memmove(inode->cached->data + offset, data, size); /* it may be read through a view */
    if (!storage->misdirected || storage->misdirect_in-- > 0) {
        inode_note(storage, inode, offset, size, grows);
        return;
    }
    storage->misdirected = false;
    misdirect(storage, inode, offset, size);
}

static uint64_t used_bytes(const struct storage *storage)
{
    uint64_t used = 0;
    for (size_t i = 0; i < storage->cached.count; i++)
        used += storage->inodes[storage->cached.entries[i].inode].cached->size;
    return used;
}

/* How much of a write to [offset, offset + size) finds space. */
static size_t size_with_space(const struct storage *storage, const struct inode *inode,
                              uint64_t offset, size_t size)
{
    uint64_t used = used_bytes(storage);
    uint64_t left = used < storage->capacity_bytes ? storage->capacity_bytes - used : 0;
    uint64_t end_max = inode->cached->size + left;
    if (offset + size <= end_max)
        return size;
    return offset < end_max ? (size_t)(end_max - offset) : 0;
}

static int model_write(void *self, int fd, uint64_t offset, const void *data, size_t size,
                       struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    struct inode *inode = inode_of(storage, fd);
    assert(storage->handles[fd].writable);
    int code = step(storage, STORAGE_WRITE, true, error);
    size_t fits = size_with_space(storage, inode, offset, size);
    if (code != LD_OK)
        fits = (size_t)chance_below(&storage->random, fits + 1);
    else if (fits < size)
        code = ld_fail(error, LD_NOSPACE, "the disk is full");
    put(storage, inode, offset, data, fits);
    return leave(code);
}

static int model_sync(void *self, int fd, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    struct inode *inode = inode_of(storage, fd);
    int code = step(storage, STORAGE_SYNC, true, error);
    inode_flush(storage, inode, code != LD_OK);
    return leave(code);
}

static void model_uncache(void *self, int fd)
{
    (void)self, (void)fd; /* nobody can see it */
}

static int model_size(void *self, int fd, uint64_t *size, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    int code = step(storage, STORAGE_READ, false, error);
    *size = inode_of(storage, fd)->cached->size;
    return leave(code);
}

static int model_truncate(void *self, int fd, uint64_t size, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    struct inode *inode = inode_of(storage, fd);
    int code = step(storage, STORAGE_RESIZE, true, error);
    if (code == LD_OK && size > inode->cached->size &&
        size_with_space(storage, inode, 0, size) < size)
        code = ld_fail(error, LD_NOSPACE, "the disk is full");
    if (code != LD_OK)
        return leave(code);
    bytes_resize(&inode->cached, size);
    inode_note(storage, inode, size, 0, true);
    return leave(LD_OK);
}

static int model_map(void *self, int fd, size_t size, const uint8_t **view, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    struct inode *inode = inode_of(storage, fd);
    int code = step(storage, STORAGE_READ, false, error);
    if (code != LD_OK)
        return leave(code);
    assert(size <= inode->cached->size);
    bytes_own(&inode->cached); /* seen through the view: what this storage writes, and only that */
    inode->cached->maps++;
    *view = inode->cached->data;
    return leave(LD_OK);
}

static void model_unmap(void *self, const uint8_t *view, size_t size)
{
    (void)self, (void)size;
    union {
        const uint8_t *view;
        char *plain;
    } at = {view};
    struct bytes *bytes = (void *)(at.plain - offsetof(struct bytes, data));
    storage_lock();
    assert(bytes->maps > 0);
    if (--bytes->maps == 0 && bytes->owners == 0)
        free(bytes);
    storage_unlock();
}

/* ---- names ---- */

static int model_rename(void *self, const char *from, const char *to, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    int code = step(storage, STORAGE_RENAME, true, error);
    const struct entry *entry = names_find(&storage->cached, from);
    if (code == LD_OK && (!entry || !parent_is_there(storage, to)))
        code = not_found(from, error);
    if (code == LD_OK)
        note_names(storage, from, to, entry->inode);
    return leave(code);
}

static int model_remove(void *self, const char *path, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    int code = step(storage, STORAGE_REMOVE, true, error);
    if (code == LD_OK && !inode_at(storage, path))
        code = not_found(path, error);
    if (code == LD_OK)
        note_names(storage, path, "", 0);
    return leave(code);
}

static int model_make_directory(void *self, const char *path, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    const struct inode *there = inode_at(storage, path);
    int code = step(storage, STORAGE_MAKE_DIRECTORY, !there, error);
    if (code == LD_OK && there)
        code = there->directory ? LD_OK : ld_fail(error, LD_IO, "%s is a file", path);
    else if (code == LD_OK && !parent_is_there(storage, path))
        code = not_found(path, error);
    else if (code == LD_OK)
        note_names(storage, "", path, inode_new(storage, true));
    return leave(code);
}

static int model_sync_directory(void *self, const char *path, struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    int code = step(storage, STORAGE_SYNC_DIRECTORY, true, error);
    if (code == LD_OK && !inode_at(storage, path))
        code = not_found(path, error);
    if (code == LD_OK)
        flush_names(storage, path);
    return leave(code);
}

static int model_list(void *self, const char *path, ld_list_fn *each, void *data,
                      struct ld_error *error)
{
    struct storage *storage = self;
    storage_lock();
    int code = step(storage, STORAGE_LIST, false, error);
    if (code == LD_OK && !inode_at(storage, path))
        code = not_found(path, error);
    struct names names = storage->cached; /* each may change the directory */
    storage_unlock();
    for (size_t i = 0; i < names.count && code == LD_OK; i++) {
        const char *name = names.entries[i].path;
        if (is_in(name, path) && each(strrchr(name, '/') + 1, data) != 0)
            break;
    }
    return code;
}

static int model_free_space(void *self, const char *path, uint64_t *bytes, struct ld_error *error)
{
    struct storage *storage = self;
    (void)path;
    storage_lock();
    int code = step(storage, STORAGE_LIST, false, error);
    uint64_t used = used_bytes(storage);
    *bytes = used < storage->capacity_bytes ? storage->capacity_bytes - used : 0;
    return leave(code);
}

/* ---- the context ---- */

static int64_t model_wall_us(void *self)
{
    return atomic_load(&((struct storage *)self)->wall_us);
}

static int64_t model_monotonic_us(void *self)
{
    struct storage *storage = self;
    storage_lock();
    int64_t now_us = (int64_t)storage->steps * 1000;
    storage_unlock();
    return now_us;
}

static void model_random(void *self, void *bytes, size_t size)
{
    struct storage *storage = self;
    uint8_t *byte = bytes;
    storage_lock();
    for (size_t i = 0; i < size; i++)
        byte[i] = (uint8_t)chance_next(&storage->random);
    storage_unlock();
}

void storage_fill_context(struct storage *storage)
{
    storage->context = (struct ld_context){
        .self = storage,
        .wall_us = model_wall_us,
        .monotonic_us = model_monotonic_us,
        .random = model_random,
        .files = {.open = model_open,
                  .close = model_close,
                  .read = model_read,
                  .write = model_write,
                  .sync = model_sync,
                  .uncache = model_uncache,
                  .size = model_size,
                  .allocate = model_truncate, /* both take the space at once */
                  .truncate = model_truncate,
                  .map = model_map,
                  .unmap = model_unmap,
                  .rename = model_rename,
                  .remove = model_remove,
                  .make_directory = model_make_directory,
                  .sync_directory = model_sync_directory,
                  .list = model_list,
                  .free_space = model_free_space},
    };
}

const struct ld_context *storage_context(struct storage *storage)
{
    return &storage->context;
}

void storage_set_time(struct storage *storage, int64_t wall_us)
{
    atomic_store(&storage->wall_us, wall_us);
}

/* ---- what tests switch on ---- */

void storage_on_step(struct storage *storage, storage_step_fn *each, void *data)
{
    storage_lock();
    storage->each_step = each;
    storage->each_step_data = data;
    storage_unlock();
}

void storage_fail(struct storage *storage, unsigned steps, uint64_t n, int code)
{
    storage_lock();
    storage->fault_steps = steps;
    storage->fault_in = n;
    storage->fault_code = code;
    storage_unlock();
}

uint64_t storage_failed(struct storage *storage)
{
    storage_lock();
    uint64_t count = storage->fault_count;
    storage_unlock();
    return count;
}

void storage_capacity(struct storage *storage, uint64_t bytes)
{
    storage_lock();
    storage->capacity_bytes = bytes;
    storage_unlock();
}

uint64_t storage_used(struct storage *storage)
{
    storage_lock();
    uint64_t used = used_bytes(storage);
    storage_unlock();
    return used;
}

void storage_misdirect(struct storage *storage, uint64_t n, const char *path, int64_t shift_bytes)
{
    storage_lock();
    const struct entry *entry = path ? names_find(&storage->cached, path) : NULL;
    storage->misdirected = true;
    storage->misdirect_in = n;
    storage->misdirect_inode = entry ? entry->inode + 1 : 0;
    storage->misdirect_bytes = shift_bytes;
    storage_unlock();
}
