/*
 * Keeping: the snapshot file.
 *
 *   "LDSK", version, log id (16 bytes), then the host's snapshot (snapshot.c), which has its own
 *   checksum
 *
 * Written aside and renamed, so that the file is always whole: the old state or the new. A file
 * that is missing, damaged, of another log or of other services is said to be so, and the service
 * reads from the start: deleting it changes nothing but time.
 */
#include "life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

enum { VERSION = 1, AT_VERSION = 4, AT_LOG_ID = 8, HEADER_BYTES = 24, PATH_BYTES = 4096 };
static const uint64_t SIZE_MAX_BYTES = UINT64_C(4) << 30;
static const uint8_t magic[4] = {'L', 'D', 'S', 'K'};

/* ---- reading ---- */

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

static int read_file(const struct keep *keep, struct ld_buffer *buffer, struct ld_error *error)
{
    const struct ld_context *context = keep->context;
    int fd = -1;
    int code = context->files.open(context->self, keep->path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    code = read_whole(context, fd, buffer, error);
    if (context->files.close(context->self, fd) != LD_OK && code == LD_OK)
        code = ld_fail(error, LD_IO, "cannot close it");
    return code;
}

static int check_header(const struct keep *keep, const struct ld_buffer *buffer,
                        struct ld_error *error)
{
    if (buffer->size < HEADER_BYTES || memcmp(buffer->data, magic, sizeof magic) != 0)
        return ld_fail(error, LD_CORRUPT, "it is no snapshot file");
    if (ld_get_u32(buffer->data + AT_VERSION) != VERSION)
        return ld_fail(error, LD_VERSION, "it is of version %u, expected %d",
                       ld_get_u32(buffer->data + AT_VERSION), VERSION);
    if (memcmp(buffer->data + AT_LOG_ID, keep->log_id, sizeof keep->log_id) != 0)
        return ld_fail(error, LD_INVALID, "it belongs to another log");
    return LD_OK;
}

static int load(struct keep *keep, struct sv_host *host, struct ld_error *error)
{
    struct ld_buffer buffer = {0};
    int code = read_file(keep, &buffer, error);
    if (code == LD_OK)
        code = check_header(keep, &buffer, error);
    if (code == LD_OK)
        code = sv_host_load(host, buffer.data + HEADER_BYTES, buffer.size - HEADER_BYTES, error);
    ld_buffer_free(&buffer);
    return code;
}

static int nothing(struct sv_host *host)
{
    uint8_t empty[1] = {0};
    return sv_host_load(host, empty, 0, NULL); /* fails, and leaves the host as new */
}

void keep_restore(struct keep *keep, struct sv_host *host, uint64_t head)
{
    struct ld_error error = {0};
    if (!keep->path)
        return;
    int code = load(keep, host, &error);
    if (code == LD_OK && sv_host_position(host) > head) {
        code = ld_fail(&error, LD_INVALID, "it is of event %llu, but the log ends at %llu",
                       (unsigned long long)sv_host_position(host), (unsigned long long)head);
        if (nothing(host) == LD_OK)
            abort(); /* an empty snapshot is none */
    }
    if (code != LD_OK && code != LD_NOTFOUND)
        fprintf(stderr, "snapshot %s is not used: %s; reading from the start\n", keep->path,
                error.text);
}

/* ---- writing ---- */

void keep_take(struct keep *keep, const struct sv_host *host)
{
    ld_buffer_clear(&keep->image);
    uint8_t *header = ld_buffer_reserve(&keep->image, HEADER_BYTES);
    memset(header, 0, HEADER_BYTES);
    memcpy(header, magic, sizeof magic);
    ld_put_u32(header + AT_VERSION, VERSION);
    memcpy(header + AT_LOG_ID, keep->log_id, sizeof keep->log_id);
    keep->image.size = HEADER_BYTES;
    keep->image_position = sv_host_position(host);
    sv_host_save(host, &keep->image);
}

static int write_whole(const struct keep *keep, const char *path, struct ld_error *error)
{
    const struct ld_context *context = keep->context;
    int fd = -1;
    int code = context->files.remove(context->self, path, error);
    if (code == LD_OK || code == LD_NOTFOUND)
        code = context->files.open(context->self, path, LD_OPEN_CREATE, &fd, error);
    if (code != LD_OK)
        return code;
    code = context->files.write(context->self, fd, 0, keep->image.data, keep->image.size, error);
    if (code == LD_OK)
        code = context->files.sync(context->self, fd, error);
    if (context->files.close(context->self, fd) != LD_OK && code == LD_OK)
        code = ld_fail(error, LD_IO, "cannot close %s", path);
    return code;
}

static int put_in_place(const struct keep *keep, const char *from, struct ld_error *error)
{
    const struct ld_context *context = keep->context;
    char folder[PATH_BYTES];
    int code = context->files.rename(context->self, from, keep->path, error);
    if (code != LD_OK)
        return code;
    snprintf(folder, sizeof folder, "%s", keep->path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder] = 0;
    return context->files.sync_directory(context->self, folder, error);
}

static void on_work(uv_work_t *work)
{
    struct keep *keep = work->data;
    char aside[PATH_BYTES];
    snprintf(aside, sizeof aside, "%s.new", keep->path);
    keep->code = write_whole(keep, aside, &keep->error);
    if (keep->code == LD_OK)
        keep->code = put_in_place(keep, aside, &keep->error);
}

static void after_work(uv_work_t *work, int status)
{
    struct keep *keep = work->data;
    (void)status; /* never cancelled */
    keep->writing = false;
    if (keep->code != LD_OK)
        fprintf(stderr, "snapshot %s was not written: %s\n", keep->path, keep->error.text);
    ld_buffer_free(&keep->image);
    keep->done(keep->data);
}

void keep_write(struct keep *keep, uv_loop_t *loop, void (*done)(void *data), void *data)
{
    keep->done = done;
    keep->data = data;
    keep->work.data = keep;
    keep->writing = true;
    if (uv_queue_work(loop, &keep->work, on_work, after_work) != 0)
        abort(); /* only a missing callback makes it fail */
}
