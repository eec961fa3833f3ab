/*
 * The storage model's state: contents and names in two versions (cache and disk), what lies between
 * them, and what a power cut keeps of that.
 *
 * Happy path: the file functions (storage_files.c) change the cache and note a change; a sync
 * applies a file's changes to its disk version, sync_directory those of a directory's names. A cut
 * makes a new storage from the disk version and a choice among the changes. Contents are shared
 * between storages until one of them writes, so that a cut costs little.
 * It is a tool of tests: when memory ends or a test misuses it, it stops the test.
 */
#include "storage_private.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock;
static pthread_once_t lock_once = PTHREAD_ONCE_INIT;

static void make_lock(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

void storage_lock(void)
{
    pthread_once(&lock_once, make_lock);
    pthread_mutex_lock(&lock);
}

void storage_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

static void *must(void *memory)
{
    assert(memory);
    return memory;
}

/* ---- contents ---- */

struct bytes *bytes_new(uint64_t size)
{
    struct bytes *bytes = must(calloc(1, sizeof *bytes + size));
    bytes->owners = 1;
    bytes->size = size;
    return bytes;
}

void bytes_drop(struct bytes *bytes)
{
    if (bytes && --bytes->owners == 0 && bytes->maps == 0)
        free(bytes);
}

/* One that is mapped is written in place, so it cannot be shared with another storage. */
struct bytes *bytes_share(struct bytes *bytes)
{
    if (bytes->maps > 0) {
        struct bytes *copy = bytes_new(bytes->size);
        memcpy(copy->data, bytes->data, bytes->size);
        return copy;
    }
    bytes->owners++;
    return bytes;
}

void bytes_resize(struct bytes **bytes, uint64_t size)
{
    struct bytes *old = *bytes;
    if (old->owners == 1 && old->size == size)
        return;
    struct bytes *own = bytes_new(size);
    memcpy(own->data, old->data, size < old->size ? size : old->size);
    bytes_drop(old);
    *bytes = own;
}

void bytes_own(struct bytes **bytes)
{
    bytes_resize(bytes, (*bytes)->size);
}

/* ---- names ---- */

struct entry *names_find(struct names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->entries[i].path, path) == 0)
            return &names->entries[i];
    }
    return NULL;
}

void names_set(struct names *names, const char *path, unsigned inode)
{
    struct entry *entry = names_find(names, path);
    if (!entry) {
        assert(names->count < ENTRIES_MAX && strlen(path) < STORAGE_PATH_SIZE);
        entry = &names->entries[names->count++];
        snprintf(entry->path, sizeof entry->path, "%s", path);
    }
    entry->inode = inode;
}

void names_unset(struct names *names, const char *path)
{
    struct entry *entry = names_find(names, path);
    if (entry)
        *entry = names->entries[--names->count];
}

bool is_in(const char *path, const char *directory)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash == path ? 1 : (size_t)(slash - path);
    return path[1] != 0 && strlen(directory) == size && memcmp(path, directory, size) == 0;
}

static void parent_of(char parent[STORAGE_PATH_SIZE], const char *path)
{
    snprintf(parent, STORAGE_PATH_SIZE, "%s", path);
    char *slash = strrchr(parent, '/');
    slash[slash == parent ? 1 : 0] = 0;
}

void note_names(struct storage *storage, const char *removed, const char *added, unsigned inode)
{
    if (storage->name_change_count == storage->name_change_capacity) {
        storage->name_change_capacity += 32;
        storage->name_changes = must(realloc(
            storage->name_changes, storage->name_change_capacity * sizeof(struct name_change)));
    }
    struct name_change *change = &storage->name_changes[storage->name_change_count++];
    *change = (struct name_change){.serial = storage->serial++, .inode = inode};
    snprintf(change->removed, sizeof change->removed, "%s", removed);
    snprintf(change->added, sizeof change->added, "%s", added);
    if (removed[0])
        names_unset(&storage->cached, removed);
    if (added[0])
        names_set(&storage->cached, added, inode);
}

static void apply_names(struct names *names, const struct name_change *change)
{
    if (change->removed[0])
        names_unset(names, change->removed);
    if (change->added[0])
        names_set(names, change->added, change->inode);
}

static bool touches(const struct name_change *change, const char *path)
{
    return path[0] && (strcmp(change->removed, path) == 0 || strcmp(change->added, path) == 0);
}

/* Is a change of the same names made durable later on? Then this one is, before it. */
static bool is_needed(const struct storage *storage, size_t i, const bool *chosen)
{
    const struct name_change *change = &storage->name_changes[i];
    for (size_t k = i + 1; k < storage->name_change_count; k++) {
        if (chosen[k] && (touches(&storage->name_changes[k], change->removed) ||
                          touches(&storage->name_changes[k], change->added)))
            return true;
    }
    return false;
}

void flush_names(struct storage *storage, const char *directory)
{
    bool *chosen = must(calloc(storage->name_change_count + 1, 1));
    size_t kept = 0;
    for (size_t i = storage->name_change_count; i-- > 0;) {
        const struct name_change *change = &storage->name_changes[i];
        chosen[i] = (change->removed[0] && is_in(change->removed, directory)) ||
                    (change->added[0] && is_in(change->added, directory)) ||
                    is_needed(storage, i, chosen);
    }
    for (size_t i = 0; i < storage->name_change_count; i++) {
        if (chosen[i])
            apply_names(&storage->durable, &storage->name_changes[i]);
        else
            storage->name_changes[kept++] = storage->name_changes[i];
    }
    storage->name_change_count = kept;
    free(chosen);
}

/* ---- files ---- */

unsigned inode_new(struct storage *storage, bool directory)
{
    unsigned number = 0;
    while (number < INODES_MAX && storage->inodes[number].there)
        number++;
    assert(number < INODES_MAX);
    storage->inodes[number] = (struct inode){.there = true, .directory = directory};
    storage->inodes[number].cached = bytes_new(0);
    storage->inodes[number].durable = bytes_share(storage->inodes[number].cached);
    return number;
}

struct inode *inode_at(struct storage *storage, const char *path)
{
    struct entry *entry = names_find(&storage->cached, path);
    return entry ? &storage->inodes[entry->inode] : NULL;
}

static void change_drop(struct change *change)
{
    if (--change->owners == 0)
        free(change);
}

void inode_forget_changes(struct inode *inode)
{
    for (size_t i = 0; i < inode->change_count; i++)
        change_drop(inode->changes[i]);
    inode->change_count = 0;
}

static void inode_free(struct inode *inode)
{
    inode_forget_changes(inode);
    free(inode->changes);
    bytes_drop(inode->cached);
    bytes_drop(inode->durable);
    *inode = (struct inode){0};
}

static void add_change(struct inode *inode, struct change *change)
{
    if (inode->change_count == inode->change_capacity) {
        inode->change_capacity += 16;
        inode->changes =
            must(realloc(inode->changes, inode->change_capacity * sizeof(struct change *)));
    }
    inode->changes[inode->change_count++] = change;
}

void inode_note(struct storage *storage, struct inode *inode, uint64_t offset, size_t size,
                bool resizes)
{
    uint64_t begin = offset / STORAGE_PAGE * STORAGE_PAGE;
    uint64_t end = (offset + size + STORAGE_PAGE - 1) / STORAGE_PAGE * STORAGE_PAGE;
    end = size == 0 ? begin : (end < inode->cached->size ? end : inode->cached->size);
    struct change *change = must(calloc(1, sizeof *change + (size_t)(end - begin)));
    *change = (struct change){.owners = 1,
                              .serial = storage->serial++,
                              .resizes = resizes,
                              .file_bytes = inode->cached->size,
                              .offset = begin,
                              .size = (size_t)(end - begin)};
    memcpy(change->data, inode->cached->data + begin, change->size);
    add_change(inode, change);
}

/* ---- what survives ---- */

struct choice {
    enum storage_survival survival;
    uint64_t random;
    uint64_t limit; /* ORDERED: the first serial that is not whole */
    unsigned eighths;
};

static bool survives(struct choice *choice, uint64_t serial)
{
    switch (choice->survival) {
    case STORAGE_NOTHING:
        return false;
    case STORAGE_ALL:
        return true;
    case STORAGE_ORDERED:
        if (serial != choice->limit)
            return serial < choice->limit;
        break;
    case STORAGE_SECTORS:
    case STORAGE_PAGES:
    case STORAGE_SURVIVALS:
        break;
    }
    return chance_below(&choice->random, 8) < choice->eighths;
}

static void apply_change(struct bytes **bytes, const struct change *change, struct choice *choice)
{
    size_t block = choice->survival == STORAGE_PAGES ? STORAGE_PAGE : STORAGE_SECTOR;
    if (change->resizes && survives(choice, change->serial))
        bytes_resize(bytes, change->file_bytes);
    for (size_t at = 0; at < change->size; at += block) {
        uint64_t begin = change->offset + at;
        if (!survives(choice, change->serial) || begin >= (*bytes)->size)
            continue;
        size_t size = change->size - at < block ? change->size - at : block;
        if (size > (*bytes)->size - begin)
            size = (size_t)((*bytes)->size - begin);
        bytes_own(bytes);
        memcpy((*bytes)->data + begin, change->data + at, size);
    }
}

static void apply_changes(struct inode *inode, struct bytes **bytes, struct choice *choice)
{
    for (size_t i = 0; i < inode->change_count; i++)
        apply_change(bytes, inode->changes[i], choice);
}

void inode_flush(struct storage *storage, struct inode *inode, bool fails)
{
    struct choice choice = {.survival = fails ? STORAGE_SECTORS : STORAGE_ALL,
                            .random = chance_next(&storage->random),
                            .eighths = 4};
    apply_changes(inode, &inode->durable, &choice);
    inode_forget_changes(inode);
}

/* ---- beginning and end ---- */

static struct storage *new_storage(uint64_t seed)
{
    struct storage *storage = must(calloc(1, sizeof *storage));
    storage->random = seed;
    storage->capacity_bytes = UINT64_C(1) << 40;
    storage_fill_context(storage);
    return storage;
}

struct storage *storage_new(uint64_t seed)
{
    struct storage *storage = new_storage(seed);
    storage_lock();
    unsigned root = inode_new(storage, true);
    names_set(&storage->cached, "/", root);
    names_set(&storage->durable, "/", root);
    storage_unlock();
    atomic_store(&storage->wall_us, INT64_C(1700000000000000));
    return storage;
}

void storage_free(struct storage *storage)
{
    if (!storage)
        return;
    storage_lock();
    for (size_t i = 0; i < INODES_MAX; i++) {
        if (storage->inodes[i].there)
            inode_free(&storage->inodes[i]);
    }
    storage_unlock();
    free(storage->name_changes);
    free(storage);
}

static struct storage *new_like(const struct storage *storage, uint64_t seed)
{
    struct storage *other = new_storage(seed);
    other->serial = storage->serial;
    other->capacity_bytes = storage->capacity_bytes;
    atomic_store(&other->wall_us, atomic_load(&storage->wall_us));
    return other;
}

static void copy_inode(struct inode *to, const struct inode *from)
{
    *to = (struct inode){.there = true, .directory = from->directory};
    to->cached = bytes_share(from->cached);
    to->durable = bytes_share(from->durable);
    for (size_t i = 0; i < from->change_count; i++) {
        from->changes[i]->owners++;
        add_change(to, from->changes[i]);
    }
}

struct storage *storage_kill(struct storage *storage)
{
    storage_lock();
    struct storage *other = new_like(storage, storage->random);
    for (size_t i = 0; i < INODES_MAX; i++) {
        if (storage->inodes[i].there)
            copy_inode(&other->inodes[i], &storage->inodes[i]);
    }
    other->cached = storage->cached;
    other->durable = storage->durable;
    size_t bytes = storage->name_change_count * sizeof(struct name_change);
    if (bytes > 0) {
        other->name_changes = must(malloc(bytes));
        memcpy(other->name_changes, storage->name_changes, bytes);
        other->name_change_count = other->name_change_capacity = storage->name_change_count;
    }
    storage_unlock();
    return other;
}

static void drop_orphans(struct names *names)
{
    char parent[STORAGE_PATH_SIZE];
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < names->count; i++) {
            parent_of(parent, names->entries[i].path);
            if (names_find(names, parent))
                continue;
            names->entries[i--] = names->entries[--names->count];
            again = true;
        }
    }
}

static void cut_inode(struct inode *to, struct inode *from, struct choice *choice)
{
    *to = (struct inode){.there = true, .directory = from->directory};
    to->durable = bytes_share(from->durable);
    apply_changes(from, &to->durable, choice);
    to->cached = bytes_share(to->durable);
}

/* Limit: a random one of the serials of what is not on the disk yet. */
static uint64_t any_pending(const struct storage *storage, uint64_t *random)
{
    uint64_t found = UINT64_MAX, seen = 0;
    for (size_t i = 0; i < storage->name_change_count; i++) {
        if (chance_next(random) % ++seen == 0)
            found = storage->name_changes[i].serial;
    }
    for (size_t i = 0; i < INODES_MAX; i++) {
        for (size_t k = 0; k < storage->inodes[i].change_count; k++) {
            if (chance_next(random) % ++seen == 0)
                found = storage->inodes[i].changes[k]->serial;
        }
    }
    return found;
}

struct storage *storage_cut(struct storage *storage, enum storage_survival survival, uint64_t seed)
{
    struct choice choice = {.survival = survival, .random = seed};
    choice.eighths = 1 + (unsigned)chance_below(&choice.random, 7);
    storage_lock();
    struct storage *other = new_like(storage, seed);
    choice.limit = any_pending(storage, &choice.random);
    other->durable = storage->durable;
    for (size_t i = 0; i < storage->name_change_count; i++) {
        if (survives(&choice, storage->name_changes[i].serial))
            apply_names(&other->durable, &storage->name_changes[i]);
    }
    drop_orphans(&other->durable);
    other->cached = other->durable;
    for (size_t i = 0; i < other->durable.count; i++) {
        unsigned number = other->durable.entries[i].inode;
        if (!other->inodes[number].there)
            cut_inode(&other->inodes[number], &storage->inodes[number], &choice);
    }
    storage_unlock();
    return other;
}

/* ---- from outside ---- */

bool storage_has(struct storage *storage, const char *path)
{
    storage_lock();
    bool has = inode_at(storage, path) != NULL;
    storage_unlock();
    return has;
}

const uint8_t *storage_peek(struct storage *storage, const char *path, uint64_t *size)
{
    storage_lock();
    const struct inode *inode = inode_at(storage, path);
    *size = inode ? inode->cached->size : 0;
    const uint8_t *data = inode ? inode->cached->data : NULL;
    storage_unlock();
    return data;
}

void storage_put(struct storage *storage, const char *path, const void *data, uint64_t size)
{
    storage_lock();
    if (!inode_at(storage, path))
        note_names(storage, "", path, inode_new(storage, false));
    names_set(&storage->durable, path, names_find(&storage->cached, path)->inode);
    struct inode *inode = inode_at(storage, path);
    inode_forget_changes(inode);
    bytes_resize(&inode->cached, size);
    if (size > 0)
        memcpy(inode->cached->data, data, size);
    bytes_drop(inode->durable);
    inode->durable = bytes_share(inode->cached);
    storage_unlock();
}

void storage_flip(struct storage *storage, const char *path, uint64_t bit)
{
    storage_lock();
    struct inode *inode = inode_at(storage, path);
    assert(inode && bit / 8 < inode->durable->size && bit / 8 < inode->cached->size);
    bytes_own(&inode->cached);
    bytes_own(&inode->durable);
    inode->cached->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    inode->durable->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    storage_unlock();
}

void storage_remove(struct storage *storage, const char *path)
{
    storage_lock();
    names_unset(&storage->cached, path);
    names_unset(&storage->durable, path);
    storage_unlock();
}

static bool write_file(const char *path, const struct bytes *bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool whole = fwrite(bytes->data, 1, bytes->size, file) == bytes->size;
    return fclose(file) == 0 && whole;
}

bool storage_export(struct storage *storage, const char *path, const char *folder)
{
    bool good = true;
    storage_lock();
    for (size_t i = 0; i < storage->cached.count; i++) {
        const struct entry *entry = &storage->cached.entries[i];
        char target[STORAGE_PATH_SIZE + 256];
        if (!is_in(entry->path, path) || storage->inodes[entry->inode].directory)
            continue;
        snprintf(target, sizeof target, "%s%s", folder, strrchr(entry->path, '/'));
        good &= write_file(target, storage->inodes[entry->inode].cached);
    }
    storage_unlock();
    return good;
}
