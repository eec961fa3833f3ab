/*
 * A plan's files from disk, and their hash. The bundle is the *.yaml of vocabulary/ beside the plan
 * in order of name, the general plan if the plan names one, then the plan itself; all in one arena
 * behind owner. A file that cannot be read or would make the bundle too big ends the reading, and
 * nothing is left behind; a general plan that is not there stays out, which loading will tell.
 */
#include "loading.h"

#include <assert.h>
#include <context.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* ---- hash ---- */

void plan_hash(const struct plan_file *files, size_t file_count, char hash[PLAN_HASH_HEX + 1])
{
    enum { HASH_BYTES = PLAN_HASH_HEX / 2 };
    int ready = sodium_init();
    assert(ready >= 0);
    (void)ready;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, HASH_BYTES);
    for (size_t i = 0; i < file_count; i++) {
        const struct plan_file *file = &files[i];
        unsigned char size[8];
        for (size_t byte = 0; byte < sizeof size; byte++) {
            size[byte] = (unsigned char)((uint64_t)file->size >> (8 * byte));
        }
        crypto_generichash_update(&state, (const unsigned char *)file->name,
                                  strlen(file->name) + 1);
        crypto_generichash_update(&state, size, sizeof size);
        crypto_generichash_update(&state, (const unsigned char *)file->content, file->size);
    }
    unsigned char digest[HASH_BYTES];
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(hash, PLAN_HASH_HEX + 1, digest, sizeof digest);
}

/* ---- reading ---- */

struct reading {
    const struct ld_context *context;
    struct ld_arena *arena;
    struct plan_file files[PLAN_BUNDLE_MAX_FILES];
    size_t count;
    bool too_many;
    size_t size_bytes; /* of all files so far */
};

static bool is_vocabulary_name(const char *name)
{
    static const char SUFFIX[] = ".yaml";
    size_t size = strlen(name);
    return name[0] != '.' && size > sizeof SUFFIX - 1 &&
           strcmp(name + size - (sizeof SUFFIX - 1), SUFFIX) == 0;
}

static int on_name(const char *name, void *data)
{
    struct reading *reading = data;
    if (!is_vocabulary_name(name)) {
        return 0;
    }
    if (reading->count == PLAN_BUNDLE_MAX_FILES - 2) {
        reading->too_many = true;
        return 1;
    }
    reading->files[reading->count++].name = ld_arena_format(reading->arena, "vocabulary/%s", name);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct plan_file *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static int read_open(struct reading *reading, int fd, const char *path, struct plan_file *file,
                     struct ld_error *error)
{
    const struct ld_context *context = reading->context;
    uint64_t size;
    int code = context->files.size(context->self, fd, &size, error);
    if (code != LD_OK) {
        return ld_wrap(error, code, "%s", path);
    }
    if (size > PLAN_BUNDLE_MAX_BYTES - reading->size_bytes) {
        return ld_fail(error, LD_TOOBIG,
                       "%s: %llu bytes; plan and vocabulary together have at most %d", path,
                       (unsigned long long)size, PLAN_BUNDLE_MAX_BYTES);
    }
    char *content = ld_arena_alloc(reading->arena, (size_t)size + 1);
    code = context->files.read(context->self, fd, 0, content, (size_t)size, &file->size, error);
    if (code != LD_OK) {
        return ld_wrap(error, code, "%s", path);
    }
    file->content = content;
    reading->size_bytes += file->size;
    return LD_OK;
}

static int read_file(struct reading *reading, const char *path, struct plan_file *file,
                     struct ld_error *error)
{
    const struct ld_context *context = reading->context;
    int fd;
    int code = context->files.open(context->self, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK) {
        return code;
    }
    code = read_open(reading, fd, path, file, error);
    (void)context->files.close(context->self, fd); /* only read: nothing can be lost */
    return code;
}

static int list_vocabulary(struct reading *reading, const char *folder, struct ld_error *error)
{
    const struct ld_context *context = reading->context;
    int code = context->files.list(context->self, folder, on_name, reading, error);
    if (code != LD_OK) {
        return ld_wrap(error, code, "the vocabulary is looked for beside the plan");
    }
    if (reading->too_many) {
        return ld_fail(error, LD_TOOBIG, "%s: more than %d files", folder,
                       PLAN_BUNDLE_MAX_FILES - 2);
    }
    qsort(reading->files, reading->count, sizeof *reading->files, by_name);
    return LD_OK;
}

/* The general plan that this one names, from the same folder. */
static int read_general(struct reading *reading, const struct plan_file *plan, const char *path,
                        int folder_size, struct ld_error *error)
{
    struct plan_findings findings = {0}; /* of a file that is no YAML: loading tells them */
    struct ld_arena scratch = {0};
    const struct node *root = tree_read(&scratch, plan->name, plan->content, plan->size, &findings);
    const char *name = general_file(reading->arena, root);
    ld_arena_free(&scratch);
    plan_findings_free(&findings);
    if (!name) {
        return LD_OK;
    }
    struct plan_file *general = &reading->files[reading->count];
    general->name = name;
    const char *file_path = ld_arena_format(reading->arena, "%.*s%s", folder_size, path, name);
    int code = read_file(reading, file_path, general, error);
    reading->count += code == LD_OK;
    return code == LD_NOTFOUND ? LD_OK : code;
}

static int read_all(struct reading *reading, const char *path, struct ld_error *error)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    int folder_size = (int)(base - path);
    const char *folder = ld_arena_format(reading->arena, "%.*svocabulary", folder_size, path);
    int code = list_vocabulary(reading, folder, error);
    for (size_t i = 0; code == LD_OK && i < reading->count; i++) {
        const char *file_path =
            ld_arena_format(reading->arena, "%.*s%s", folder_size, path, reading->files[i].name);
        code = read_file(reading, file_path, &reading->files[i], error);
    }
    if (code != LD_OK) {
        return code;
    }
    struct plan_file plan = {.name = ld_arena_string(reading->arena, base, strlen(base))};
    code = read_file(reading, path, &plan, error);
    if (code == LD_OK) {
        code = read_general(reading, &plan, path, folder_size, error);
    }
    reading->files[reading->count++] = plan;
    return code;
}

int plan_bundle_read(const struct ld_context *context, const char *path, struct plan_bundle *bundle,
                     struct ld_error *error)
{
    struct ld_arena *arena = calloc(1, sizeof *arena);
    if (!arena) {
        return ld_fail(error, LD_NOMEM, "no memory to read %s", path);
    }
    struct reading reading = {.context = context, .arena = arena};
    int code = read_all(&reading, path, error);
    if (code != LD_OK) {
        ld_arena_free(arena);
        free(arena);
        return code;
    }
    struct plan_file *files = ld_arena_alloc(arena, reading.count * sizeof *files);
    memcpy(files, reading.files, reading.count * sizeof *files);
    *bundle = (struct plan_bundle){.files = files, .count = reading.count, .owner = arena};
    return LD_OK;
}

void plan_bundle_free(struct plan_bundle *bundle)
{
    if (bundle->owner) {
        ld_arena_free(bundle->owner);
        free(bundle->owner);
    }
    *bundle = (struct plan_bundle){0};
}
