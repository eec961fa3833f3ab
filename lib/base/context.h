/*
 * The context: clock, randomness and files, from one struct, so that tests replace them. No other
 * module calls time(), open() or their kin; lib/zuv owns sockets the same way.
 *
 * File functions return LD_OK or a code (LD_NOSPACE for a full disk or quota, LD_NOTFOUND,
 * LD_LOCKED, LD_IO for the rest) and put errno's text into error. A handle is small and opaque.
 */
#ifndef LD_BASE_CONTEXT_H
#define LD_BASE_CONTEXT_H

#include <liandong/error.h>
#include <stdint.h>

enum ld_open_mode {
    LD_OPEN_READ,   /* must exist */
    LD_OPEN_WRITE,  /* read and write, must exist */
    LD_OPEN_CREATE, /* read and write, must not exist (O_EXCL) */
    LD_OPEN_LOCK    /* read and write, created if absent, locked for this process: LD_LOCKED */
};

typedef int ld_list_fn(const char *name, void *data);

struct ld_files {
    int (*open)(void *self, const char *path, enum ld_open_mode mode, int *fd,
                struct ld_error *error);
    int (*close)(void *self, int fd);
    /* Whole reads and writes only: a short read at end of file gives *size_read < size. */
    int (*read)(void *self, int fd, uint64_t offset, void *data, size_t size, size_t *size_read,
                struct ld_error *error);
    int (*write)(void *self, int fd, uint64_t offset, const void *data, size_t size,
                 struct ld_error *error);
    int (*sync)(void *self, int fd,
                struct ld_error *error); /* data and what is needed to read it */
    /* A hint: all of it is synced and nobody is expected to read it soon; it need not stay in
     * memory. */
    void (*uncache)(void *self, int fd);
    int (*size)(void *self, int fd, uint64_t *size, struct ld_error *error);
    /* Makes an empty file size bytes long, with room on the disk for all of them; they read as
     * zeros. LD_REFUSED: this file system cannot, write zeros instead. */
    int (*allocate)(void *self, int fd, uint64_t size, struct ld_error *error);
    int (*truncate)(void *self, int fd, uint64_t size, struct ld_error *error);
    /* Read-only shared view of [0, size); valid after close; LD_OK or LD_IO. */
    int (*map)(void *self, int fd, size_t size, const uint8_t **view, struct ld_error *error);
    void (*unmap)(void *self, const uint8_t *view, size_t size);
    int (*rename)(void *self, const char *from, const char *to, struct ld_error *error);
    int (*remove)(void *self, const char *path, struct ld_error *error);
    int (*make_directory)(void *self, const char *path, struct ld_error *error); /* ok if there */
    int (*sync_directory)(void *self, const char *path, struct ld_error *error);
    /* Calls each with every name in the directory but "." and ".."; stops when it returns non-0. */
    int (*list)(void *self, const char *path, ld_list_fn *each, void *data, struct ld_error *error);
    int (*free_space)(void *self, const char *path, uint64_t *bytes, struct ld_error *error);
};

struct ld_context {
    void *self;                          /* handed to every function below */
    int64_t (*wall_us)(void *self);      /* microseconds since 1970 UTC */
    int64_t (*monotonic_us)(void *self); /* microseconds, never set back */
    void (*random)(void *self, void *bytes, size_t size);
    struct ld_files files;
};

/* The real thing: the machine's clock, randomness and files. Static, never freed. */
const struct ld_context *ld_context_system(void);

static inline int64_t ld_wall_us(const struct ld_context *context)
{
    return context->wall_us(context->self);
}

static inline int64_t ld_monotonic_us(const struct ld_context *context)
{
    return context->monotonic_us(context->self);
}

#endif
