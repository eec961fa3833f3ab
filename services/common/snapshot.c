/*
 * Snapshots: all state of a host as bytes and back.
 *
 *   "LDSN", version, CRC32C of the rest; then, as the codec writes it: the classes added, position,
 *   the plan bundles, and for each world its plans and instances (class, unit, state).
 *
 * Loading works on an empty host and leaves an empty one when anything is wrong: LD_CORRUPT for
 * damage, LD_VERSION for a snapshot of other classes, another layout or other plans' software.
 */
#include "instances.h"

#include <stdlib.h>
#include <string.h>
#include "bytes.h"

enum { VERSION = 1, HEADER_BYTES = 12, AT_VERSION = 4, AT_CRC = 8 };
static const uint8_t magic[4] = {'L', 'D', 'S', 'N'};

/* A string that must be the same on both sides. */
static bool same_string(struct sv_codec *codec, const char *expected)
{
    char *text = NULL;
    if (!sv_codec_loading(codec) && expected)
        text = strdup(expected);
    sv_code_string(codec, &text);
    bool same = (!text && !expected) || (text && expected && strcmp(text, expected) == 0);
    free(text);
    return same;
}

static bool same_classes(const struct sv_host *host, struct sv_codec *codec)
{
    uint64_t count = host->added_count;
    sv_code_u64(codec, &count);
    bool same = count == host->added_count;
    for (size_t i = 0; same && i < host->added_count; i++) {
        uint64_t version = host->added[i].class->state_version;
        same = same_string(codec, host->added[i].class->name) &&
               same_string(codec, host->added[i].unit);
        sv_code_u64(codec, &version);
        same = same && version == host->added[i].class->state_version;
    }
    return same;
}

static const struct sv_class *class_named(const struct sv_host *host, const char *name)
{
    for (size_t i = 0; name && i < host->added_count; i++) {
        if (strcmp(host->added[i].class->name, name) == 0)
            return host->added[i].class;
    }
    return NULL;
}

static struct sv_instance *load_instance(const struct sv_host *host, struct sv_world *world,
                                         struct sv_codec *codec)
{
    char *name = NULL, *unit = NULL;
    sv_code_string(codec, &name);
    sv_code_string(codec, &unit);
    const struct sv_class *class = class_named(host, name);
    size_t before = world->count;
    if (class && class->per_unit == (unit != NULL))
        sv_world_add(world, class, unit);
    free(name);
    free(unit);
    if (world->count == before)
        codec->failed = true;
    return codec->failed ? NULL : &world->instances[world->count - 1];
}

static void save_state(const struct sv_instance *instance, struct sv_codec *codec)
{
    struct ld_buffer state = {0};
    struct sv_codec inner = {.into = &state, .plans = codec->plans};
    instance->class->visit(instance->core, &inner);
    sv_code_bytes(codec, &state.data, &state.size);
    ld_buffer_free(&state);
}

/* A core must consume its state to the last byte. */
static void load_state(const struct sv_instance *instance, struct sv_codec *codec)
{
    size_t size = 0;
    sv_code_count(codec, &size);
    struct sv_codec inner = {.from = codec->from + codec->at,
                             .size = size,
                             .failed = codec->failed,
                             .plans = codec->plans};
    instance->class->visit(instance->core, &inner);
    codec->at += size;
    if (inner.failed || inner.at != size)
        codec->failed = true;
}

static void save_instances(const struct sv_world *world, struct sv_codec *codec)
{
    size_t count = world->count;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count; i++) {
        struct sv_instance *instance = &world->instances[i];
        union {
            const char *constant;
            char *plain; /* only read while saving */
        } name = {instance->class->name};
        sv_code_string(codec, &name.plain);
        sv_code_string(codec, &instance->unit);
        save_state(instance, codec);
    }
}

static void load_instances(const struct sv_host *host, struct sv_world *world,
                           struct sv_codec *codec)
{
    size_t count = 0;
    sv_code_count(codec, &count);
    for (size_t i = 0; i < count && !codec->failed; i++) {
        const struct sv_instance *instance = load_instance(host, world, codec);
        if (instance)
            load_state(instance, codec);
    }
}

static void visit_worlds(struct sv_host *host, struct sv_codec *codec)
{
    sv_code_u64(codec, &host->position);
    sv_store_visit(&host->store, codec);
    for (size_t w = 0; w < SV_WORLDS && !codec->failed; w++) {
        struct sv_world *world = &host->worlds[w];
        sv_plans_visit(&world->plans, &host->store, codec);
        codec->plans = &world->plans;
        if (sv_codec_loading(codec))
            load_instances(host, world, codec);
        else
            save_instances(world, codec);
    }
}

void sv_host_save(const struct sv_host *host, struct ld_buffer *buffer)
{
    size_t start = buffer->size;
    memset(ld_buffer_reserve(buffer, HEADER_BYTES), 0, HEADER_BYTES);
    buffer->size += HEADER_BYTES;
    struct sv_codec codec = {.into = buffer};
    union {
        const struct sv_host *constant;
        struct sv_host *plain; /* one code for both ways; saving changes nothing */
    } both = {host};
    same_classes(host, &codec);
    visit_worlds(both.plain, &codec);
    uint8_t *header = buffer->data + start;
    memcpy(header, magic, sizeof magic);
    ld_put_u32(header + AT_VERSION, VERSION);
    ld_put_u32(header + AT_CRC,
               ld_crc32c(0, header + HEADER_BYTES, buffer->size - start - HEADER_BYTES));
}

static int check_header(const uint8_t *data, size_t size, struct ld_error *error)
{
    if (size < HEADER_BYTES || memcmp(data, magic, sizeof magic) != 0)
        return ld_fail(error, LD_CORRUPT, "no snapshot: expected LDSN at its start");
    if (ld_get_u32(data + AT_VERSION) != VERSION)
        return ld_fail(error, LD_VERSION, "snapshot of version %u, expected %d",
                       ld_get_u32(data + AT_VERSION), VERSION);
    if (ld_get_u32(data + AT_CRC) != ld_crc32c(0, data + HEADER_BYTES, size - HEADER_BYTES))
        return ld_fail(error, LD_CORRUPT, "snapshot is damaged: its checksum does not match");
    return LD_OK;
}

static int load_body(struct sv_host *host, struct sv_codec *codec, struct ld_error *error)
{
    if (!same_classes(host, codec))
        return ld_fail(error, LD_VERSION, "snapshot of other services or of another release");
    visit_worlds(host, codec);
    if (codec->failed || codec->at != codec->size)
        return ld_fail(error, LD_CORRUPT, "snapshot is damaged at byte %zu", codec->at);
    return LD_OK;
}

int sv_host_load(struct sv_host *host, const uint8_t *data, size_t size, struct ld_error *error)
{
    sv_host_empty(host);
    int code = check_header(data, size, error);
    if (code == LD_OK) {
        struct sv_codec codec = {.from = data + HEADER_BYTES, .size = size - HEADER_BYTES};
        code = load_body(host, &codec, error);
    }
    if (code != LD_OK)
        sv_host_empty(host);
    sv_host_populate(host);
    return code;
}

int sv_snapshot_position(const uint8_t *data, size_t size, uint64_t *position,
                         struct ld_error *error)
{
    uint64_t count = 0, version;
    int code = check_header(data, size, error);
    if (code != LD_OK)
        return code;
    struct sv_codec codec = {.from = data + HEADER_BYTES, .size = size - HEADER_BYTES};
    sv_code_u64(&codec, &count);
    for (uint64_t i = 0; i < count && !codec.failed; i++) {
        char *name = NULL, *unit = NULL;
        sv_code_string(&codec, &name);
        sv_code_string(&codec, &unit);
        sv_code_u64(&codec, &version);
        free(name);
        free(unit);
    }
    sv_code_u64(&codec, position);
    if (codec.failed)
        return ld_fail(error, LD_CORRUPT, "snapshot is damaged at byte %zu", codec.at);
    return LD_OK;
}
