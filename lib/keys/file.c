/*
 * Small files with exact modes: read whole and bounded; written under another name, synced, put in
 * place, the directory synced. What cannot be finished leaves at most PATH.tmp behind, which the
 * next attempt removes.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int fail_path(struct ld_error *error, const char *what, const char *path)
{
    int number = errno;
    int code = number == ENOENT ? LD_NOTFOUND : number == ENOSPC ? LD_NOSPACE : LD_IO;
    if (number == EACCES || number == EPERM)
        code = LD_DENIED;
    return ld_fail(error, code, "cannot %s %s: %s", what, path, strerror(number));
}

/* ---- reading ---- */

static int read_all(int fd, const char *path, char *text, size_t size, struct ld_error *error)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, text + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_path(error, "read", path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    text[done] = '\0';
    if (strlen(text) != done || done != size)
        return ld_fail(error, LD_INVALID, "%s is no text, or was changed meanwhile", path);
    return LD_OK;
}

static int read_open(int fd, const char *path, size_t size_max, char **text, struct stat *status,
                     struct ld_error *error)
{
    if (fstat(fd, status) != 0)
        return fail_path(error, "look at", path);
    if (!S_ISREG(status->st_mode))
        return ld_fail(error, LD_INVALID, "%s is no ordinary file", path);
    if ((uint64_t)status->st_size > size_max)
        return ld_fail(error, LD_TOOBIG, "%s has %lld bytes, expected %zu at most", path,
                       (long long)status->st_size, size_max);
    size_t size = (size_t)status->st_size;
    *text = malloc(size + 1);
    if (!*text)
        return ld_fail(error, LD_NOMEM, "no memory for %s", path);
    int code = read_all(fd, path, *text, size, error);
    if (code == LD_OK)
        return code;
    sodium_memzero(*text, size);
    free(*text);
    *text = NULL;
    return code;
}

int file_read(const char *path, size_t size_max, char **text, struct stat *status,
              struct ld_error *error)
{
    struct stat own;
    *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold us up */
    if (fd < 0)
        return fail_path(error, "open", path);
    int code = read_open(fd, path, size_max, text, status ? status : &own, error);
    close(fd);
    return code;
}

/* ---- writing ---- */

static int write_all(int fd, const char *path, const char *text, size_t size,
                     struct ld_error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t written = write(fd, text + done, size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail_path(error, "write", path);
        done += (size_t)written;
    }
    return fsync(fd) == 0 ? LD_OK : fail_path(error, "sync", path);
}

static int write_temporary(const char *path, mode_t mode, const char *text, size_t size,
                           struct ld_error *error)
{
    (void)unlink(path); /* of an attempt that was cut off */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail_path(error, "make", path);
    int code = write_all(fd, path, text, size, error);
    if (code == LD_OK && fchmod(fd, mode) != 0)
        code = fail_path(error, "set the mode of", path);
    if (close(fd) != 0 && code == LD_OK)
        code = fail_path(error, "close", path);
    return code;
}

static int put_in_place(const char *temporary, const char *path, bool replace,
                        struct ld_error *error)
{
    if (replace)
        return rename(temporary, path) == 0 ? LD_OK : fail_path(error, "replace", path);
    if (link(temporary, path) == 0) {
        (void)unlink(temporary);
        return LD_OK;
    }
    if (errno == EEXIST)
        return ld_fail(error, LD_REFUSED, "%s is there already", path);
    return fail_path(error, "make", path);
}

int file_sync_directory_of(const char *path, struct ld_error *error)
{
    char directory[KEYS_PATH_SIZE];
    const char *end = strrchr(path, '/');
    if (!end)
        snprintf(directory, sizeof directory, ".");
    else
        snprintf(directory, sizeof directory, "%.*s", (int)(end - path), path);
    int fd = open(*directory ? directory : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail_path(error, "open", directory);
    int code = fsync(fd) == 0 ? LD_OK : fail_path(error, "sync", directory);
    close(fd);
    return code;
}

int file_write(const char *path, mode_t mode, const char *text, size_t size, bool replace,
               struct ld_error *error)
{
    char temporary[KEYS_PATH_SIZE];
    if (snprintf(temporary, sizeof temporary, "%s.tmp", path) >= (int)sizeof temporary)
        return ld_fail(error, LD_INVALID, "the path %.60s… is too long", path);
    int code = write_temporary(temporary, mode, text, size, error);
    if (code == LD_OK)
        code = put_in_place(temporary, path, replace, error);
    if (code != LD_OK) {
        (void)unlink(temporary);
        return code;
    }
    return file_sync_directory_of(path, error);
}

int file_make_directory(const char *path, struct ld_error *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return LD_OK;
    return fail_path(error, "make the directory", path);
}

int file_lock(const char *path, int *fd, struct ld_error *error)
{
    int failed;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return fail_path(error, "open", path);
    do
        failed = flock(*fd, LOCK_EX);
    while (failed != 0 && errno == EINTR);
    if (failed == 0)
        return LD_OK;
    int code = fail_path(error, "lock", path);
    close(*fd);
    return code;
}
