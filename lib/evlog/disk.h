/* The context's file functions without repeating self at each call. Private to evlog. */
#ifndef LD_EVLOG_DISK_H
#define LD_EVLOG_DISK_H

#include "context.h"

static inline int disk_open(const struct ld_context *context, const char *path,
                            enum ld_open_mode mode, int *fd, struct ld_error *error)
{
    return context->files.open(context->self, path, mode, fd, error);
}

static inline void disk_close(const struct ld_context *context, int fd)
{
    if (fd >= 0)
        (void)context->files.close(context->self, fd);
}

static inline int disk_read(const struct ld_context *context, int fd, uint64_t offset, void *data,
                            size_t size, size_t *size_read, struct ld_error *error)
{
    return context->files.read(context->self, fd, offset, data, size, size_read, error);
}

static inline int disk_write(const struct ld_context *context, int fd, uint64_t offset,
                             const void *data, size_t size, struct ld_error *error)
{
    return context->files.write(context->self, fd, offset, data, size, error);
}

static inline int disk_sync(const struct ld_context *context, int fd, struct ld_error *error)
{
    return context->files.sync(context->self, fd, error);
}

static inline void disk_uncache(const struct ld_context *context, int fd)
{
    if (fd >= 0)
        context->files.uncache(context->self, fd);
}

static inline int disk_size(const struct ld_context *context, int fd, uint64_t *size,
                            struct ld_error *error)
{
    return context->files.size(context->self, fd, size, error);
}

static inline int disk_allocate(const struct ld_context *context, int fd, uint64_t size,
                                struct ld_error *error)
{
    return context->files.allocate(context->self, fd, size, error);
}

static inline int disk_map(const struct ld_context *context, int fd, size_t size,
                           const uint8_t **view, struct ld_error *error)
{
    return context->files.map(context->self, fd, size, view, error);
}

static inline void disk_unmap(const struct ld_context *context, const uint8_t *view, size_t size)
{
    context->files.unmap(context->self, view, size);
}

static inline int disk_rename(const struct ld_context *context, const char *from, const char *to,
                              struct ld_error *error)
{
    return context->files.rename(context->self, from, to, error);
}

static inline int disk_remove(const struct ld_context *context, const char *path,
                              struct ld_error *error)
{
    return context->files.remove(context->self, path, error);
}

static inline int disk_make_directory(const struct ld_context *context, const char *path,
                                      struct ld_error *error)
{
    return context->files.make_directory(context->self, path, error);
}

static inline int disk_sync_directory(const struct ld_context *context, const char *path,
                                      struct ld_error *error)
{
    return context->files.sync_directory(context->self, path, error);
}

static inline int disk_list(const struct ld_context *context, const char *path, ld_list_fn *each,
                            void *data, struct ld_error *error)
{
    return context->files.list(context->self, path, each, data, error);
}

static inline int disk_free_space(const struct ld_context *context, const char *path,
                                  uint64_t *bytes, struct ld_error *error)
{
    return context->files.free_space(context->self, path, bytes, error);
}

#endif
