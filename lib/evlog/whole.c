/* Whole files: read at once; written under another name, synced, renamed, directory synced. */
#include "whole.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "segment.h"

static int load(const struct ld_context *context, int fd, uint64_t size_max, uint8_t **bytes,
                size_t *size, struct ld_error *error)
{
    uint64_t file_bytes;
    int code = disk_size(context, fd, &file_bytes, error);
    if (code != LD_OK)
        return code;
    if (file_bytes > size_max)
        file_bytes = 0; /* none of ours */
    *bytes = malloc((size_t)file_bytes + 1);
    if (!*bytes)
        return ld_fail(error, LD_NOMEM, "no memory for %" PRIu64 " bytes", file_bytes);
    code = disk_read(context, fd, 0, *bytes, (size_t)file_bytes, size, error);
    if (code != LD_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return code;
}

int whole_read(const struct ld_context *context, const char *directory, const char *name,
               uint64_t size_max, uint8_t **bytes, size_t *size, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    int fd;
    *bytes = NULL;
    *size = 0;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    code = load(context, fd, size_max, bytes, size, error);
    disk_close(context, fd);
    return code;
}

static int write_file(const struct ld_context *context, const char *path, const uint8_t *bytes,
                      size_t size, struct ld_error *error)
{
    int fd;
    (void)disk_remove(context, path, NULL); /* of an attempt that was cut off */
    int code = disk_open(context, path, LD_OPEN_CREATE, &fd, error);
    if (code != LD_OK)
        return code;
    code = disk_write(context, fd, 0, bytes, size, error);
    if (code == LD_OK)
        code = disk_sync(context, fd, error);
    disk_close(context, fd);
    return code;
}

int whole_write(const struct ld_context *context, const char *directory, const char *name,
                const uint8_t *bytes, size_t size, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE], temporary[SEGMENT_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(temporary, sizeof temporary, "%s/%s.tmp", directory, name);
    int code = write_file(context, temporary, bytes, size, error);
    if (code == LD_OK)
        code = disk_rename(context, temporary, path, error);
    return code == LD_OK ? disk_sync_directory(context, directory, error) : code;
}
