/*
 * files: a notice as a CAP file, <root>/<address>/<identifier>.xml. Written beside and renamed,
 * file and folder synced: who reads the folder sees whole files only. The same identifier is the
 * same message: a repeat writes the same bytes.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "channel.h"

static int prepare(const struct channel_options *options, struct ld_error *error)
{
    return options->root != NULL
               ? LD_OK
               : ld_fail(error, LD_INVALID, "--root FOLDER is missing: where the files go");
}

/* A name of letters, digits, - _ . that is no hidden file and leads nowhere else. */
static bool is_name(const char *text)
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

static int put(const struct ld_context *context, const char *folder, const char *identifier,
               const char *text, struct ld_error *error)
{
    const struct ld_files *files = &context->files;
    char path[PATH_MAX], fresh[PATH_MAX + 8];
    int size = snprintf(path, sizeof path, "%s/%s.xml", folder, identifier);
    if (size < 0 || (size_t)size + 5 > sizeof path)
        return ld_fail(error, LD_INVALID, "%s: the path is too long", folder);
    snprintf(fresh, sizeof fresh, "%s/.%s.new", folder, identifier);
    int code = files->make_directory(context->self, folder, error);
    if (code == LD_OK)
        code = write_new(context, fresh, text, error);
    if (code == LD_OK)
        code = files->rename(context->self, fresh, path, error);
    return code == LD_OK ? files->sync_directory(context->self, folder, error) : code;
}

static void bring(const struct channel_options *options, const Liandong__V1__Delivery *delivery,
                  bool exercise, struct outcome *outcome)
{
    const char *address = delivery->contact->address;
    char folder[PATH_MAX];
    struct ld_error error = {0};
    (void)exercise; /* the message says so */
    if (!is_name(address) || !is_name(delivery->identifier)) {
        outcome_set(outcome, OUTCOME_REFUSED,
                    "expected a folder's plain name as the address, found \"%s\"", address);
        return;
    }
    int size = snprintf(folder, sizeof folder, "%s/%s", options->root, address);
    int code =
        size < 0 || (size_t)size >= sizeof folder
            ? ld_fail(&error, LD_INVALID, "the path is too long")
            : put(ld_context_system(), folder, delivery->identifier, delivery->notice->cap, &error);
    if (code == LD_OK)
        outcome_set(outcome, OUTCOME_DELIVERED, "written");
    else
        outcome_set(outcome, OUTCOME_FAILED, "%s", error.text);
}

const struct channel_way files_way = {"files", prepare, bring};
