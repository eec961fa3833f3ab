/*
 * Keeping: the snapshot file (kept.h). Written aside and renamed, so that the file is always whole:
 * the old state or the new. A file that is missing, damaged, of another log or of other services is
 * said to be so, and the service reads from the start: deleting it changes nothing but time.
 *
 * An image costs about as much as reading events of as many bytes, so there is one when so much has
 * been read since the last: the larger the state, the rarer. All images together then cost no more
 * than the reading does, and a start reads at most as much of the log as of the snapshot.
 */
#include "life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "kept.h"

enum { PATH_BYTES = 4096 };

/* ---- reading ---- */

static int load(struct keep *keep, struct sv_host *host, struct ld_error *error)
{
    struct ld_buffer buffer = {0};
    int code = kept_read(keep->context, keep->path, keep->log_id, &buffer, error);
    keep->image_bytes = buffer.size;
    if (code == LD_OK)
        code = sv_host_load(host, buffer.data + KEPT_HEADER_BYTES, buffer.size - KEPT_HEADER_BYTES,
                            error);
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
    if (code != LD_OK)
        keep->image_bytes = 0;
    if (code != LD_OK && code != LD_NOTFOUND)
        fprintf(stderr, "snapshot %s is not used: %s; reading from the start\n", keep->path,
                error.text);
}

/* ---- when ---- */

void keep_applied(struct keep *keep, uint64_t event_bytes)
{
    keep->events++;
    keep->events_bytes += event_bytes;
}

bool keep_due(const struct keep *keep, uint64_t events_min)
{
    return keep->events >= events_min && keep->events_bytes >= keep->image_bytes;
}

/* ---- writing ---- */

void keep_take(struct keep *keep, const struct sv_host *host)
{
    ld_buffer_clear(&keep->image);
    uint8_t *header = ld_buffer_reserve(&keep->image, KEPT_HEADER_BYTES);
    memset(header, 0, KEPT_HEADER_BYTES);
    memcpy(header, kept_magic, sizeof kept_magic);
    ld_put_u32(header + KEPT_AT_VERSION, KEPT_VERSION);
    memcpy(header + KEPT_AT_LOG_ID, keep->log_id, sizeof keep->log_id);
    keep->image.size = KEPT_HEADER_BYTES;
    keep->image_position = sv_host_position(host);
    sv_host_save(host, &keep->image);
    keep->image_bytes = keep->image.size;
    keep->events = keep->events_bytes = 0;
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
