/* What storage's two files share. The lock is held by whoever looks at any of it. */
#ifndef LIANDONG_STORAGE_PRIVATE_H
#define LIANDONG_STORAGE_PRIVATE_H

#include <stdatomic.h>
#include "chance.h"
#include "storage.h"

#define INODES_MAX  128u
#define HANDLES_MAX 64u
#define ENTRIES_MAX 64u

/* A file's contents, shared by the storages that have the same and by the views of one. */
struct bytes {
    unsigned owners, maps;
    uint64_t size;
    uint8_t data[];
};

/* One write or change of size that is not on the disk yet. */
struct change {
    unsigned owners;
    uint64_t serial;
    bool resizes;
    uint64_t file_bytes; /* after it, if it resizes */
    uint64_t offset;     /* of data: whole pages as they were in the cache then */
    size_t size;
    uint8_t data[];
};

struct inode {
    bool there, directory;
    unsigned lock_handle; /* plus 1; 0: not locked */
    struct bytes *cached, *durable;
    struct change **changes;
    size_t change_count, change_capacity;
};

struct entry {
    char path[STORAGE_PATH_SIZE];
    unsigned inode;
};

struct names {
    struct entry entries[ENTRIES_MAX];
    size_t count;
};

/* A change of names that is not on the disk yet. */
struct name_change {
    uint64_t serial;
    char removed[STORAGE_PATH_SIZE]; /* "": none */
    char added[STORAGE_PATH_SIZE];   /* "": none */
    unsigned inode;
};

struct handle {
    bool open, writable;
    unsigned inode;
};

struct storage {
    struct ld_context context;
    struct inode inodes[INODES_MAX];
    struct names cached, durable;
    struct name_change *name_changes;
    size_t name_change_count, name_change_capacity;
    struct handle handles[HANDLES_MAX];
    uint64_t random, serial, steps;
    atomic_llong wall_us;
    uint64_t capacity_bytes;
    storage_step_fn *each_step;
    void *each_step_data;
    unsigned fault_steps;
    uint64_t fault_in, fault_count;
    int fault_code;
    bool misdirected;
    uint64_t misdirect_in;
    unsigned misdirect_inode; /* plus 1; 0: the same */
    int64_t misdirect_bytes;
};

/* One lock for all storages, recursive. */
void storage_lock(void);
void storage_unlock(void);

struct bytes *bytes_new(uint64_t size);
void bytes_drop(struct bytes *bytes);
struct bytes *bytes_share(struct bytes *bytes);
/* Makes *bytes one that may be changed, and of this size. */
void bytes_resize(struct bytes **bytes, uint64_t size);
void bytes_own(struct bytes **bytes);

struct entry *names_find(struct names *names, const char *path);
void names_set(struct names *names, const char *path, unsigned inode);
void names_unset(struct names *names, const char *path);
bool is_in(const char *path, const char *directory); /* directly */

unsigned inode_new(struct storage *storage, bool directory);
/* NULL if there is no such name. */
struct inode *inode_at(struct storage *storage, const char *path);
void inode_forget_changes(struct inode *inode);
/* Notes [offset, offset + size) of the cache as not on the disk; resizes if the size changed. */
void inode_note(struct storage *storage, struct inode *inode, uint64_t offset, size_t size,
                bool resizes);
/* Everything reaches the disk; some of the data if the sync fails. */
void inode_flush(struct storage *storage, struct inode *inode, bool fails);

void note_names(struct storage *storage, const char *removed, const char *added, unsigned inode);
void flush_names(struct storage *storage, const char *directory);

/* The functions (storage_files.c). */
void storage_fill_context(struct storage *storage);

#endif
