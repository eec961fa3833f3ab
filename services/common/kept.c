/*
 * Reading snapshot files: whole, header checked; and of a folder of them how far the oldest has
 * come. What is in that folder and cannot be believed is an error, never left out: a service may
 * still need what it does not tell.
 */
#include "kept.h"

#include <stdio.h>
#include <string.h>
#include "bytes.h"
#include "host.h"

enum { PATH_BYTES = 4096 };
static const uint64_t SIZE_MAX_BYTES = UINT64_C(4) << 30;
const uint8_t kept_magic[4] = {'L', 'D', 'S', 'K'};

static int read_whole(const struct ld_context *context, int fd, struct ld_buffer *buffer,
                      struct ld_error *error)
{
    const struct ld_files *files = &context->files;
    uint64_t size = 0;
    size_t got = 0;
    int code = files->size(context->self, fd, &size, error);
    if (code == LD_OK && size > SIZE_MAX_BYTES)
        code = ld_fail(error, LD_CORRUPT, "it has %llu bytes", (unsigned long long)size);
    if (code == LD_OK)
        code = files->read(context->self, fd, 0, ld_buffer_reserve(buffer, (size_t)size + 1),
                           (size_t)size, &got, error);
    buffer->size = got;
    return code;
}

static int check_header(const uint8_t log_id[16], const struct ld_buffer *buffer,
                        struct ld_error *error)
{
    if (buffer->size < KEPT_HEADER_BYTES ||
        memcmp(buffer->data, kept_magic, sizeof kept_magic) != 0)
        return ld_fail(error, LD_CORRUPT, "it is no snapshot file");
    if (ld_get_u32(buffer->data + KEPT_AT_VERSION) != KEPT_VERSION)
        return ld_fail(error, LD_VERSION, "it is of version %u, expected %d",
                       ld_get_u32(buffer->data + KEPT_AT_VERSION), KEPT_VERSION);
    if (memcmp(buffer->data + KEPT_AT_LOG_ID, log_id, 16) != 0)
        return ld_fail(error, LD_INVALID, "it belongs to another log");
    return LD_OK;
}

int kept_read(const struct ld_context *context, const char *path, const uint8_t log_id[16],
              struct ld_buffer *buffer, struct ld_error *error)
{
    int fd = -1;
    int code = context->files.open(context->self, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    code = read_whole(context, fd, buffer, error);
    if (context->files.close(context->self, fd) != LD_OK && code == LD_OK)
        code = ld_fail(error, LD_IO, "cannot close it");
    return code == LD_OK ? check_header(log_id, buffer, error) : code;
}

/* ---- a folder of them ---- */

struct looking {
    const struct ld_context *context;
    const char *folder;
    const uint8_t *log_id;
    uint64_t count, oldest;
    struct ld_error *error;
    int code;
};

static bool unfinished(const char *name)
{
    static const char END[] = ".new";
    size_t length = strlen(name);
    return length >= strlen(END) && strcmp(name + length - strlen(END), END) == 0;
}

static int look_at(const char *name, void *data)
{
    struct looking *looking = data;
    struct ld_buffer buffer = {0};
    char path[PATH_BYTES];
    uint64_t position = 0;
    if (unfinished(name))
        return 0;
    snprintf(path, sizeof path, "%s/%s", looking->folder, name);
    int code = kept_read(looking->context, path, looking->log_id, &buffer, looking->error);
    if (code == LD_OK)
        code = sv_snapshot_position(buffer.data + KEPT_HEADER_BYTES,
                                    buffer.size - KEPT_HEADER_BYTES, &position, looking->error);
    ld_buffer_free(&buffer);
    if (code != LD_OK)
        looking->code = ld_wrap(looking->error, code, "%s", path);
    if (looking->count++ == 0 || position < looking->oldest)
        looking->oldest = position;
    return code != LD_OK;
}

int kept_oldest(const struct ld_context *context, const char *folder, const uint8_t log_id[16],
                uint64_t *position, struct ld_error *error)
{
    struct looking looking = {
        .context = context, .folder = folder, .log_id = log_id, .error = error};
    int code = context->files.list(context->self, folder, look_at, &looking, error);
    if (looking.code != LD_OK)
        return looking.code;
    if (code == LD_OK && looking.count == 0)
        code = ld_fail(error, LD_NOTFOUND, "there is no snapshot in %s", folder);
    *position = looking.oldest;
    return code;
}
