/*
 * Segment files: their names, the header block, and making one.
 *
 * Happy path of making: check the free space, create under a temporary name, write zeros in
 * steps with a sync after each (so that no huge flush delays a commit that runs at the same time)
 * or let the file system allocate, write the header, sync, rename, sync the directory. A file under
 * its final name therefore always has its full size and a valid header, whenever the power goes. On
 * failure or when asked to stop, the temporary file is removed; one that is left by a crash is
 * removed at the next open.
 */
#include "segment.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "bytes.h"

#define CHUNK_BYTES (UINT64_C(1) << 20)
#define SYNC_BYTES  (UINT64_C(8) << 20) /* written between two syncs */

static const char SUFFIX[] = ".ldlog";
static const char TEMPORARY_SUFFIX[] = ".ldlog.tmp";
enum { NAME_DIGITS = 16 };

enum header_offset {
    AT_MAGIC = 0,
    AT_CHECKSUM = 4,
    AT_VERSION = 8,
    AT_FLAGS = 12,
    AT_ID = 16,
    AT_NUMBER = 32,
    AT_BASE = 40,
    AT_SIZE = 48
};

void segment_header_encode(uint8_t block[SEGMENT_HEADER_SIZE], const struct segment_header *header)
{
    memset(block, 0, SEGMENT_HEADER_SIZE);
    ld_put_u32(block + AT_MAGIC, SEGMENT_MAGIC);
    ld_put_u32(block + AT_VERSION, SEGMENT_VERSION);
    ld_put_u32(block + AT_FLAGS, header->drill ? SEGMENT_FLAG_DRILL : 0);
    memcpy(block + AT_ID, header->id, EVLOG_ID_SIZE);
    ld_put_u64(block + AT_NUMBER, header->number);
    ld_put_u64(block + AT_BASE, header->base);
    ld_put_u64(block + AT_SIZE, header->size_bytes);
    ld_put_u32(block + AT_CHECKSUM,
               ld_crc32c(0, block + AT_VERSION, SEGMENT_CHECKED_SIZE - AT_VERSION));
}

int segment_header_decode(const uint8_t *block, struct segment_header *header,
                          struct ld_error *error)
{
    uint32_t magic = ld_get_u32(block + AT_MAGIC);
    if (magic != SEGMENT_MAGIC)
        return ld_fail(error, LD_CORRUPT, "no segment header: magic is %08x, expected %08x", magic,
                       SEGMENT_MAGIC);
    uint32_t expected = ld_crc32c(0, block + AT_VERSION, SEGMENT_CHECKED_SIZE - AT_VERSION);
    uint32_t found = ld_get_u32(block + AT_CHECKSUM);
    if (found != expected)
        return ld_fail(error, LD_CORRUPT, "segment header checksum is %08x, expected %08x", found,
                       expected);
    uint32_t version = ld_get_u32(block + AT_VERSION);
    if (version != SEGMENT_VERSION)
        return ld_fail(error, LD_VERSION, "log format version %u, this program knows %u", version,
                       SEGMENT_VERSION);
    header->drill = (ld_get_u32(block + AT_FLAGS) & SEGMENT_FLAG_DRILL) != 0;
    memcpy(header->id, block + AT_ID, EVLOG_ID_SIZE);
    header->number = ld_get_u64(block + AT_NUMBER);
    header->base = ld_get_u64(block + AT_BASE);
    header->size_bytes = ld_get_u64(block + AT_SIZE);
    return LD_OK;
}

void segment_name(char name[SEGMENT_NAME_SIZE], uint64_t number)
{
    snprintf(name, SEGMENT_NAME_SIZE, "%0*" PRIu64 "%s", NAME_DIGITS, number, SUFFIX);
}

void segment_path(char path[SEGMENT_PATH_SIZE], const char *directory, uint64_t number)
{
    char name[SEGMENT_NAME_SIZE];
    segment_name(name, number);
    int size = snprintf(path, SEGMENT_PATH_SIZE, "%s/%s", directory, name);
    assert(size > 0 && (size_t)size < SEGMENT_PATH_SIZE);
    (void)size;
}

uint64_t segment_number_of(const char *name)
{
    uint64_t number = 0;
    for (size_t i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(name[i] - '0');
    }
    return strcmp(name + NAME_DIGITS, SUFFIX) == 0 ? number : 0;
}

bool segment_is_temporary(const char *name)
{
    size_t size = strlen(name);
    size_t suffix_size = sizeof TEMPORARY_SUFFIX - 1;
    return size > suffix_size && strcmp(name + size - suffix_size, TEMPORARY_SUFFIX) == 0;
}

int segment_header_in_use(const uint8_t *block, uint64_t number, struct segment_header *header,
                          struct ld_error *error)
{
    int code = segment_header_decode(block, header, error);
    if (code == LD_OK && (header->number != number || header->base == 0))
        return ld_fail(error, LD_CORRUPT, "the file holds segment %" PRIu64 " with base %" PRIu64,
                       header->number, header->base);
    return code;
}

int segment_read_header(const struct ld_context *context, const char *directory, uint64_t number,
                        struct segment_header *header, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    uint8_t block[SEGMENT_CHECKED_SIZE];
    size_t size_read = 0;
    int fd;
    segment_path(path, directory, number);
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    code = disk_read(context, fd, 0, block, sizeof block, &size_read, error);
    disk_close(context, fd);
    if (code == LD_OK && size_read < sizeof block)
        code = ld_fail(error, LD_CORRUPT, "the file is shorter than a segment header");
    return code == LD_OK ? segment_header_in_use(block, number, header, error) : code;
}

int segment_space(const struct ld_context *context, const char *directory, uint64_t size_bytes,
                  uint64_t reserve_bytes, struct ld_error *error)
{
    uint64_t free_bytes;
    int code = disk_free_space(context, directory, &free_bytes, error);
    if (code != LD_OK)
        return code;
    if (free_bytes >= size_bytes && free_bytes - size_bytes >= reserve_bytes)
        return LD_OK;
    return ld_fail(error, LD_NOSPACE,
                   "%" PRIu64 " MiB free in %s, a new log segment needs %" PRIu64
                   " KiB and %" PRIu64 " MiB are kept in reserve: make space, no restart needed",
                   free_bytes >> 20, directory, size_bytes >> 10, reserve_bytes >> 20);
}

int segment_zero(const struct ld_context *context, int fd, uint64_t begin, uint64_t end,
                 struct ld_error *error)
{
    static const uint8_t zeros[CHUNK_BYTES];
    int code = LD_OK;
    while (begin < end && code == LD_OK) {
        uint64_t rest = end - begin;
        size_t part = (size_t)(rest < CHUNK_BYTES ? rest : CHUNK_BYTES);
        code = disk_write(context, fd, begin, zeros, part, error);
        begin += part;
    }
    return code;
}

static int zero_in_steps(const struct ld_context *context, int fd, uint64_t size_bytes,
                         segment_stop_fn *stop, void *data, struct ld_error *error)
{
    int code = LD_OK;
    for (uint64_t begin = 0; begin < size_bytes && code == LD_OK; begin += SYNC_BYTES) {
        uint64_t end = begin + SYNC_BYTES < size_bytes ? begin + SYNC_BYTES : size_bytes;
        if (stop && stop(data))
            return ld_fail(error, LD_CANCELLED, "closing");
        code = segment_zero(context, fd, begin, end, error);
        if (code == LD_OK)
            code = disk_sync(context, fd, error);
    }
    return code;
}

static int make_body(const struct ld_context *context, int fd, uint64_t size_bytes,
                     enum segment_body body, segment_stop_fn *stop, void *data,
                     struct ld_error *error)
{
    int code = LD_REFUSED;
    if (body == SEGMENT_ALLOCATED)
        code = disk_allocate(context, fd, size_bytes, NULL);
    if (code != LD_OK) /* whatever the reason is: writing finds out */
        code = zero_in_steps(context, fd, size_bytes, stop, data, error);
    return code;
}

static int fill_segment(const struct ld_context *context, int fd,
                        const struct segment_header *header, enum segment_body body,
                        segment_stop_fn *stop, void *data, struct ld_error *error)
{
    uint8_t block[SEGMENT_HEADER_SIZE];
    int code = make_body(context, fd, header->size_bytes, body, stop, data, error);
    if (code != LD_OK)
        return code;
    segment_header_encode(block, header);
    code = disk_write(context, fd, 0, block, sizeof block, error);
    return code == LD_OK ? disk_sync(context, fd, error) : code;
}

int segment_make(const struct ld_context *context, const char *directory,
                 const struct segment_header *header, enum segment_body body,
                 uint64_t reserve_bytes, segment_stop_fn *stop, void *data, int *out,
                 struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE], temporary[SEGMENT_PATH_SIZE + sizeof ".tmp"];
    segment_path(path, directory, header->number);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    int fd;
    int code = segment_space(context, directory, header->size_bytes, reserve_bytes, error);
    if (code != LD_OK)
        return code;
    (void)disk_remove(context, temporary, NULL); /* of an attempt that could not clean up */
    code = disk_open(context, temporary, LD_OPEN_CREATE, &fd, error);
    if (code != LD_OK)
        return code;
    code = fill_segment(context, fd, header, body, stop, data, error);
    if (code != LD_OK)
        goto remove_temporary;
    code = disk_rename(context, temporary, path, error);
    if (code != LD_OK)
        goto remove_temporary;
    code = disk_sync_directory(context, directory, error);
    if (code != LD_OK)
        goto close_file;
    *out = fd;
    return LD_OK;

remove_temporary:
    (void)disk_remove(context, temporary, NULL);
close_file:
    disk_close(context, fd);
    return code;
}

int segment_sync_parent(const struct ld_context *context, const char *directory,
                        struct ld_error *error)
{
    char parent[SEGMENT_PATH_SIZE];
    snprintf(parent, sizeof parent, "%s", directory);
    size_t size = strlen(parent);
    while (size > 1 && parent[size - 1] == '/')
        parent[--size] = 0;
    char *slash = strrchr(parent, '/');
    if (!slash)
        snprintf(parent, sizeof parent, ".");
    else
        slash[slash == parent ? 1 : 0] = 0;
    return disk_sync_directory(context, parent, error);
}
