/*
 * A storage model: the file functions of struct ld_context in memory, with everything that a real
 * disk may do wrong. Deterministic: what happens follows from the calls and the seed.
 *
 * What it keeps apart is what processes see (the cache) and what is on the disk. A write, a change
 * of size, a new, renamed or removed name reaches the disk only by sync (file) or sync_directory
 * (names); until then a power cut keeps any part of it: any subset of the sectors or pages written,
 * any subset of the sizes and names, in any order. A rename is one change: whole or not at all.
 * Syncing a file does not make its name durable.
 *
 * Threads: all functions may be called from any thread; one lock orders them. A storage is owned by
 * who made it and freed with storage_free, also while views are mapped or handles open (they die
 * with it).
 */
#ifndef LIANDONG_STORAGE_H
#define LIANDONG_STORAGE_H

#include "context.h"

#define STORAGE_SECTOR    512u
#define STORAGE_PAGE      4096u
#define STORAGE_PATH_SIZE 96u

struct storage;

/* Empty but for the root directory "/", with lots of space. */
struct storage *storage_new(uint64_t seed);
void storage_free(struct storage *storage); /* NULL is legal */
const struct ld_context *storage_context(struct storage *storage);
void storage_set_time(struct storage *storage, int64_t wall_us);

/* ---- ends of a process, ends of power ---- */

/* What a killed process leaves: all it did is there, unsynced; handles and locks are gone. The
 * storage itself is not changed. */
struct storage *storage_kill(struct storage *storage);

/* What of the unsynced survives a power cut. */
enum storage_survival {
    STORAGE_NOTHING, /* only what was synced */
    STORAGE_ALL,     /* everything: the disk was just in time */
    STORAGE_ORDERED, /* everything up to a random change, which is torn; nothing behind */
    STORAGE_SECTORS, /* any subset, torn at 512 bytes */
    STORAGE_PAGES,   /* any subset, torn at 4096 bytes */
    STORAGE_SURVIVALS
};
/* What is there after a power cut, as a new storage; which parts survive follows from seed. */
struct storage *storage_cut(struct storage *storage, enum storage_survival survival, uint64_t seed);

/* ---- steps and faults ---- */

enum storage_step {
    STORAGE_OPEN = 1 << 0,
    STORAGE_READ = 1 << 1, /* also map and size */
    STORAGE_WRITE = 1 << 2,
    STORAGE_SYNC = 1 << 3,
    STORAGE_RESIZE = 1 << 4, /* truncate, allocate */
    STORAGE_RENAME = 1 << 5,
    STORAGE_REMOVE = 1 << 6,
    STORAGE_MAKE_DIRECTORY = 1 << 7,
    STORAGE_SYNC_DIRECTORY = 1 << 8,
    STORAGE_LIST = 1 << 9, /* also free space */
    STORAGE_CHANGES = STORAGE_WRITE | STORAGE_SYNC | STORAGE_RESIZE | STORAGE_RENAME |
                      STORAGE_REMOVE | STORAGE_MAKE_DIRECTORY | STORAGE_SYNC_DIRECTORY,
    STORAGE_ANY = (1 << 10) - 1
};

/* Called before each step that changes something, with the lock held by the calling thread (which
 * may use the storage). NULL: nobody. Steps that create a file count as STORAGE_OPEN. */
typedef void storage_step_fn(struct storage *storage, enum storage_step step, void *data);
void storage_on_step(struct storage *storage, storage_step_fn *each, void *data);

/* The n-th step (0: the next) of these kinds answers code. A write that fails leaves a random
 * beginning of its data; a sync that fails leaves a random part on the disk and forgets the rest:
 * it is still seen in the cache, and never written unless it is written again (Linux does so).
 * One fault is armed at a time; steps 0 disarms. */
void storage_fail(struct storage *storage, unsigned steps, uint64_t n, int code);
uint64_t storage_failed(struct storage *storage); /* how many faults have happened */

/* Files may have so many bytes together; what is more finds the disk full. */
void storage_capacity(struct storage *storage, uint64_t bytes);
uint64_t storage_used(struct storage *storage);

/* The n-th write from now on goes, on the disk, to the file at path (NULL: the same) at shift_bytes
 * (whole sectors) from where it should; processes see it where they wrote it until power is cut. */
void storage_misdirect(struct storage *storage, uint64_t n, const char *path, int64_t shift_bytes);

/* ---- from outside ---- */

bool storage_has(struct storage *storage, const char *path);
/* A file's bytes, borrowed until the next change; NULL if it is not there. */
const uint8_t *storage_peek(struct storage *storage, const char *path, uint64_t *size);
/* Changes or makes a file (cache and disk, name too); the directory must exist. */
void storage_put(struct storage *storage, const char *path, const void *data, uint64_t size);
void storage_flip(struct storage *storage, const char *path, uint64_t bit);
void storage_remove(struct storage *storage, const char *path);
/* Writes the files of a directory to one of the machine; false: could not. */
bool storage_export(struct storage *storage, const char *path, const char *folder);

#endif
