/*
 * The real context: the machine's clocks, getrandom and files.
 *
 * Happy path: each function is one system call, repeated when a signal interrupts it or when the
 * kernel moved fewer bytes than asked. Failures are mapped to a code (a full disk or quota is
 * LD_NOSPACE, a missing file LD_NOTFOUND, a held lock LD_LOCKED, anything else LD_IO) with errno's
 * text. Nothing is kept: all state is in the handles, which are plain file descriptors (closed on
 * exec). A lock belongs to the handle that took it (flock) and goes with it, also when the process
 * dies; two handles in one process exclude each other like two processes do.
 */
#include "context.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MODE = 0640, DIRECTORY_MODE = 0750 };

static int code_of(int number)
{
    switch (number) {
    case ENOSPC:
    case EDQUOT:
        return LD_NOSPACE;
    case ENOENT:
        return LD_NOTFOUND;
    case EWOULDBLOCK:
        return LD_LOCKED;
    case ENOMEM:
        return LD_NOMEM;
    default:
        return LD_IO;
    }
}

/* Both are called right after the failed call, while errno still belongs to it. */
static int fail_path(struct ld_error *error, const char *what, const char *path)
{
    int number = errno;
    return ld_fail(error, code_of(number), "cannot %s %s: %s", what, path, strerror(number));
}

static int fail_at(struct ld_error *error, const char *what, uint64_t offset)
{
    int number = errno;
    return ld_fail(error, code_of(number), "cannot %s at offset %llu: %s", what,
                   (unsigned long long)offset, strerror(number));
}

/* ---- clock and randomness ---- */

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    int result = clock_gettime(clock, &now);
    assert(result == 0);
    (void)result;
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_wall_us(void *self)
{
    (void)self;
    return clock_us(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(void *self)
{
    (void)self;
    return clock_us(CLOCK_MONOTONIC);
}

static void system_random(void *self, void *bytes, size_t size)
{
    (void)self;
    uint8_t *cursor = bytes;
    while (size > 0) {
        ssize_t got = getrandom(cursor, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        assert(got > 0); /* cannot fail with these arguments on a kernel that has it */
        cursor += got;
        size -= (size_t)got;
    }
}

/* ---- files ---- */

static int open_flags(enum ld_open_mode mode)
{
    switch (mode) {
    case LD_OPEN_READ:
        return O_RDONLY | O_CLOEXEC;
    case LD_OPEN_WRITE:
        return O_RDWR | O_CLOEXEC;
    case LD_OPEN_CREATE:
        return O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
    case LD_OPEN_LOCK:
        return O_RDWR | O_CREAT | O_CLOEXEC;
    }
    assert(!"unknown open mode");
    return 0;
}

static int open_retried(const char *path, int flags)
{
    int fd;
    do {
        fd = open(path, flags, FILE_MODE);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static int system_open(void *self, const char *path, enum ld_open_mode mode, int *out,
                       struct ld_error *error)
{
    (void)self;
    int fd = open_retried(path, open_flags(mode));
    if (fd < 0) {
        return fail_path(error, mode == LD_OPEN_CREATE ? "create" : "open", path);
    }
    if (mode == LD_OPEN_LOCK && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int code = errno == EWOULDBLOCK
                       ? ld_fail(error, LD_LOCKED, "%s is locked by another process", path)
                       : fail_path(error, "lock", path);
        close(fd);
        return code;
    }
    *out = fd;
    return LD_OK;
}

static int system_close(void *self, int fd)
{
    (void)self;
    return close(fd) == 0 || errno == EINTR ? LD_OK : LD_IO;
}

static int system_read(void *self, int fd, uint64_t offset, void *data, size_t size,
                       size_t *size_read, struct ld_error *error)
{
    (void)self;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, (uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_at(error, "read", offset + done);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *size_read = done;
    return LD_OK;
}

static int system_write(void *self, int fd, uint64_t offset, const void *data, size_t size,
                        struct ld_error *error)
{
    (void)self;
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(fd, (const uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return fail_at(error, "write", offset + done);
        }
        done += (size_t)put;
    }
    return LD_OK;
}

static int system_sync(void *self, int fd, struct ld_error *error)
{
    (void)self;
    if (fdatasync(fd) == 0) {
        return LD_OK;
    }
    int number = errno;
    return ld_fail(error, code_of(number), "cannot sync: %s", strerror(number));
}

static void system_uncache(void *self, int fd)
{
    (void)self;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

static int system_size(void *self, int fd, uint64_t *size, struct ld_error *error)
{
    (void)self;
    struct stat status;
    if (fstat(fd, &status) != 0) {
        int number = errno;
        return ld_fail(error, code_of(number), "cannot get the size: %s", strerror(number));
    }
    *size = (uint64_t)status.st_size;
    return LD_OK;
}

static int system_allocate(void *self, int fd, uint64_t size, struct ld_error *error)
{
    (void)self;
    int result;
    do {
        result = fallocate(fd, 0, 0, (off_t)size);
    } while (result != 0 && errno == EINTR);
    if (result == 0) {
        return LD_OK;
    }
    int number = errno;
    int code = number == EOPNOTSUPP || number == ENOSYS ? LD_REFUSED : code_of(number);
    return ld_fail(error, code, "cannot allocate %llu bytes: %s", (unsigned long long)size,
                   strerror(number));
}

static int system_truncate(void *self, int fd, uint64_t size, struct ld_error *error)
{
    (void)self;
    int result;
    do {
        result = ftruncate(fd, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? LD_OK : fail_at(error, "truncate", size);
}

static int system_map(void *self, int fd, size_t size, const uint8_t **view, struct ld_error *error)
{
    (void)self;
    void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        int number = errno;
        return ld_fail(error, LD_IO, "cannot map %zu bytes: %s", size, strerror(number));
    }
    *view = mapped;
    return LD_OK;
}

static void system_unmap(void *self, const uint8_t *view, size_t size)
{
    (void)self;
    int result = munmap((void *)(uintptr_t)view, size);
    assert(result == 0);
    (void)result;
}

static int system_rename(void *self, const char *from, const char *to, struct ld_error *error)
{
    (void)self;
    return rename(from, to) == 0 ? LD_OK : fail_path(error, "rename", from);
}

static int system_remove(void *self, const char *path, struct ld_error *error)
{
    (void)self;
    return unlink(path) == 0 ? LD_OK : fail_path(error, "remove", path);
}

static int system_make_directory(void *self, const char *path, struct ld_error *error)
{
    (void)self;
    if (mkdir(path, DIRECTORY_MODE) == 0) {
        return LD_OK;
    }
    struct stat status;
    if (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return LD_OK;
    }
    errno = errno == EEXIST ? ENOTDIR : errno;
    return fail_path(error, "make directory", path);
}

static int system_sync_directory(void *self, const char *path, struct ld_error *error)
{
    (void)self;
    int fd = open_retried(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail_path(error, "open directory", path);
    }
    int code = fsync(fd) == 0 ? LD_OK : fail_path(error, "sync directory", path);
    close(fd);
    return code;
}

static int list_entries(DIR *directory, const char *path, ld_list_fn *each, void *data,
                        struct ld_error *error)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (!entry) {
            return errno == 0 ? LD_OK : fail_path(error, "list", path);
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (each(entry->d_name, data) != 0) {
            return LD_OK;
        }
    }
}

static int system_list(void *self, const char *path, ld_list_fn *each, void *data,
                       struct ld_error *error)
{
    (void)self;
    DIR *directory = opendir(path);
    if (!directory) {
        return fail_path(error, "list", path);
    }
    int code = list_entries(directory, path, each, data, error);
    closedir(directory);
    return code;
}

static int system_free_space(void *self, const char *path, uint64_t *bytes, struct ld_error *error)
{
    (void)self;
    struct statvfs status;
    if (statvfs(path, &status) != 0) {
        return fail_path(error, "get the free space of", path);
    }
    *bytes = (uint64_t)status.f_bavail * status.f_frsize;
    return LD_OK;
}

const struct ld_context *ld_context_system(void)
{
    static const struct ld_context context = {
        .wall_us = system_wall_us,
        .monotonic_us = system_monotonic_us,
        .random = system_random,
        .files = {.open = system_open,
                  .close = system_close,
                  .read = system_read,
                  .write = system_write,
                  .sync = system_sync,
                  .uncache = system_uncache,
                  .size = system_size,
                  .allocate = system_allocate,
                  .truncate = system_truncate,
                  .map = system_map,
                  .unmap = system_unmap,
                  .rename = system_rename,
                  .remove = system_remove,
                  .make_directory = system_make_directory,
                  .sync_directory = system_sync_directory,
                  .list = system_list,
                  .free_space = system_free_space},
    };
    return &context;
}
