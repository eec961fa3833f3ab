/* Files as a reader of the folder sees them: whole or not at all. */
#include "place.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

bool place_is_name(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
    return size > 0 && size <= 200 && text[size] == '\0' && *text != '.';
}

static int write_new(const struct ld_context *context, const char *path, const char *text,
                     struct ld_error *error)
{
    const struct ld_files *files = &context->files;
    int fd;
    (void)files->remove(context->self, path, NULL); /* of an attempt that was cut off */
    int code = files->open(context->self, path, LD_OPEN_CREATE, &fd, error);
    if (code != LD_OK)
        return code;
    code = files->write(context->self, fd, 0, text, strlen(text), error);
    if (code == LD_OK)
        code = files->sync(context->self, fd, error);
    if (files->close(context->self, fd) != LD_OK && code == LD_OK)
        code = ld_fail(error, LD_IO, "cannot close %s", path);
    return code;
}

int place_file(const struct ld_context *context, const char *folder, const char *name,
               const char *text, struct ld_error *error)
{
    const struct ld_files *files = &context->files;
    char path[PATH_MAX], fresh[PATH_MAX + 8];
    int size = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (size < 0 || (size_t)size + 5 > sizeof path)
        return ld_fail(error, LD_INVALID, "%s: the path is too long", folder);
    snprintf(fresh, sizeof fresh, "%s/.%s.new", folder, name);
    int code = files->make_directory(context->self, folder, error);
    if (code == LD_OK)
        code = write_new(context, fresh, text, error);
    if (code == LD_OK)
        code = files->rename(context->self, fresh, path, error);
    return code == LD_OK ? files->sync_directory(context->self, folder, error) : code;
}
