/* A world for testing one core; see world.h. */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include "context.h"
#include "liandong/v1/plan.pb-c.h"
#include "timefmt.h"

enum { SNAPSHOTS_MAX = 400 };

void (*world_add_all)(struct sv_host *host);

static void keep(const struct ld_record *record, void *data)
{
    struct world *world = data;
    if (world->count == world->capacity) {
        world->capacity = world->capacity == 0 ? 256 : world->capacity * 2;
        world->all = realloc(world->all, world->capacity * sizeof *world->all);
        assert_non_null(world->all);
    }
    struct world_record *kept = &world->all[world->count++];
    memset(kept, 0, sizeof *kept);
    kept->raw = malloc(record->size);
    assert_non_null(kept->raw);
    ld_record_encode(kept->raw, record);
    assert_int_equal(ld_record_decode(kept->raw, record->size, &kept->record, NULL), LD_OK);
    kept->family = sv_family_of(record->topic, record->topic_size);
    if (sv_family_descriptor(kept->family) != NULL) {
        int code = sv_decode(kept->family, kept->record.payload, kept->record.payload_size,
                             &kept->arena, &kept->message, NULL);
        if (code != LD_OK) {
            kept->message = NULL;
        }
    }
}

size_t world_publish(struct world *world, const char *producer, const char *topic,
                     const ProtobufCMessage *message, uint16_t flags)
{
    size_t index = world->count;
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *payload = malloc(size + 1);
    assert_non_null(payload);
    protobuf_c_message_pack(message, payload);
    struct ld_error error = {0};
    int code = sv_sim_publish(world->sim, producer, topic, payload, size, flags, NULL, &error);
    free(payload);
    if (code != LD_OK) {
        fail_msg("%s: %s", topic, error.text);
    }
    return index;
}

static char *text_of(const char *text)
{
    char *copied = strdup(text);
    assert_non_null(copied);
    return copied;
}

static void adopt(struct world *world, const char *path)
{
    struct plan_bundle bundle;
    struct ld_error error = {0};
    if (plan_bundle_read(ld_context_system(), path, &bundle, &error) != LD_OK) {
        fail_msg("%s", error.text);
    }
    struct plan *plan = NULL;
    if (plan_load(bundle.files, bundle.count, &plan, NULL, &error) != LD_OK) {
        fail_msg("%s", error.text);
    }
    plan_free(plan);
    char hash[PLAN_HASH_HEX + 1];
    plan_hash(bundle.files, bundle.count, hash);
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    char *id = text_of("wenzhou-phe"), *author = text_of("3303.gov");
    context.plan = id;
    context.plan_hash = hash;
    context.author = author;
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    adoption.context = &context;
    Liandong__V1__PlanAdoption__File *file = calloc(bundle.count, sizeof *file);
    Liandong__V1__PlanAdoption__File **files = calloc(bundle.count, sizeof *files);
    assert_true(file != NULL && files != NULL);
    for (size_t i = 0; i < bundle.count; i++) {
        liandong__v1__plan_adoption__file__init(&file[i]);
        file[i].name = text_of(bundle.files[i].name);
        file[i].content.len = bundle.files[i].size;
        file[i].content.data = malloc(bundle.files[i].size);
        memcpy(file[i].content.data, bundle.files[i].content, bundle.files[i].size);
        files[i] = &file[i];
    }
    adoption.files = files;
    adoption.n_files = bundle.count;
    world_publish(world, "3303.gov", "plan/wenzhou-phe", &adoption.base, 0);
    for (size_t i = 0; i < bundle.count; i++) {
        free(file[i].name);
        free(file[i].content.data);
    }
    free(file);
    free(files);
    free(id);
    free(author);
    plan_bundle_free(&bundle);
    assert_non_null(sv_plans_current(sv_host_plans(sv_sim_host(world->sim), false), "wenzhou-phe"));
}

static void add(struct sv_host *host, const struct sv_class *class)
{
    if (class != NULL) {
        sv_host_add(host, class, NULL);
    } else {
        world_add_all(host);
    }
}

void world_open(struct world *world, const struct sv_class *class)
{
    memset(world, 0, sizeof *world);
    int64_t start_us = 0;
    assert_int_equal(ld_time_parse("2026-01-01T00:00:00Z", 0, &start_us, NULL), LD_OK);
    world->sim = sv_sim_open(start_us, keep, world);
    add(sv_sim_host(world->sim), class);
    adopt(world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml");
}

void world_close(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        free(world->all[i].raw);
        ld_arena_free(&world->all[i].arena);
    }
    free(world->all);
    sv_sim_close(world->sim);
}

const ProtobufCMessage *world_after(const struct world *world, size_t index, enum sv_family family,
                                    size_t n)
{
    for (size_t i = index + 1; i < world->count; i++) {
        if (world->all[i].family == family && n-- == 0) {
            return world->all[i].message;
        }
    }
    return NULL;
}

size_t world_count_after(const struct world *world, size_t index, enum sv_family family)
{
    size_t count = 0;
    for (size_t i = index + 1; i < world->count; i++) {
        count += world->all[i].family == family;
    }
    return count;
}

/* The logged record that an output must be equal to. */
static const struct ld_record *logged(const struct world *world, const struct sv_output *output,
                                      size_t from)
{
    for (size_t i = from; i < world->count; i++) {
        const struct ld_record *record = &world->all[i].record;
        if (record->producer == output->producer_id &&
            record->producer_sequence == output->producer_sequence) {
            return record;
        }
    }
    return NULL;
}

static struct sv_host *reborn(struct sv_host *host, const struct sv_class *class)
{
    struct ld_buffer state = {0};
    sv_host_save(host, &state);
    sv_host_close(host);
    struct sv_host *fresh = sv_host_open();
    add(fresh, class);
    struct ld_error error = {0};
    if (sv_host_load(fresh, state.data, state.size, &error) != LD_OK) {
        fail_msg("%s", error.text);
    }
    ld_buffer_free(&state);
    return fresh;
}

void world_survives_snapshots(const struct world *world, const struct sv_class *class)
{
    struct sv_host *host = sv_host_open();
    add(host, class);
    for (size_t i = 0; i < world->count; i++) {
        assert_int_equal(sv_host_apply(host, &world->all[i].record, NULL), LD_OK);
        for (size_t k = 0; k < sv_host_output_count(host); k++) {
            const struct sv_output *output = sv_host_output(host, k);
            const struct ld_record *record = logged(world, output, i);
            assert_non_null(record);
            assert_int_equal(record->payload_size, output->payload_size);
            assert_memory_equal(record->payload, output->payload, output->payload_size);
        }
        if (i % (1 + world->count / SNAPSHOTS_MAX) == 0) {
            host = reborn(host, class);
        }
    }
    sv_host_close(host);
}
