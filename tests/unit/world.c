/* A world for testing one core; see world.h. */
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include "context.h"
#include "liandong/v1/plan.pb-c.h"
#include "timefmt.h"

enum { SNAPSHOTS_MAX = 100 };

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

/* The content with the edits made, in the arena. */
static const char *edited(struct ld_arena *arena, const char *content,
                          const struct world_edit *edits, size_t edit_count)
{
    for (size_t i = 0; i < edit_count; i++) {
        const char *place = strstr(content, edits[i].find);
        if (!place || strstr(place + 1, edits[i].find)) {
            fail_msg("stands %s: %s", place ? "more than once" : "nowhere", edits[i].find);
            return content;
        }
        content = ld_arena_format(arena, "%.*s%s%s", (int)(place - content), content,
                                  edits[i].replace, place + strlen(edits[i].find));
    }
    return content;
}

static void publish_plan(struct world *world, const struct plan *plan,
                         const struct plan_bundle *bundle, struct ld_arena *arena)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    context.plan = sv_borrow(plan->id);
    context.plan_hash = sv_borrow(plan->hash);
    context.author = sv_borrow(ld_arena_format(arena, "%s.gov", plan->area));
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    adoption.context = &context;
    adoption.files = ld_arena_alloc(arena, bundle->count * sizeof *adoption.files);
    for (size_t i = 0; i < bundle->count; i++) {
        Liandong__V1__PlanAdoption__File *file = ld_arena_alloc(arena, sizeof *file);
        liandong__v1__plan_adoption__file__init(file);
        file->name = sv_borrow(bundle->files[i].name);
        file->content.len = bundle->files[i].size;
        file->content.data = (uint8_t *)sv_borrow(bundle->files[i].content);
        adoption.files[adoption.n_files++] = file;
    }
    world_publish(world, context.author, ld_arena_format(arena, "plan/%s", plan->id),
                  &adoption.base, 0);
}

void world_adopt(struct world *world, const char *path, const struct world_edit *edits,
                 size_t edit_count)
{
    struct plan_bundle bundle;
    struct ld_error error = {0};
    struct ld_arena arena = {0};
    if (plan_bundle_read(ld_context_system(), path, &bundle, &error) != LD_OK) {
        fail_msg("%s", error.text);
    }
    struct plan_file *own = &bundle.files[bundle.count - 1];
    own->content = edited(&arena, own->content, edits, edit_count);
    own->size = strlen(own->content);
    struct plan *plan = NULL;
    if (plan_load(bundle.files, bundle.count, &plan, NULL, &error) != LD_OK) {
        fail_msg("%s", error.text);
    }
    publish_plan(world, plan, &bundle, &arena);
    const struct sv_plans *plans = sv_host_plans(sv_sim_host(world->sim), false);
    assert_string_equal(sv_plans_current(plans, plan->id)->hash, plan->hash);
    plan_free(plan);
    plan_bundle_free(&bundle);
    ld_arena_free(&arena);
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
    world_adopt(world, LIANDONG_SOURCE "/plans/wenzhou-phe.yaml", NULL, 0);
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

/* Inputs from outside count from 1; what cores put out is numbered after its input. */
static bool is_derived(const struct ld_record *record)
{
    return record->producer_sequence >= 1u << 16;
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

/* A snapshot after the record at first, and after every one that many records on (ticks not
 * counted). */
static void survives(const struct world *world, const struct sv_class *class, size_t first,
                     size_t every)
{
    struct sv_host *host = sv_host_open();
    size_t derived = 0, told = 0, events = 0;
    add(host, class);
    for (size_t i = 0; i < world->count; i++) {
        derived += world->all[i].family != SV_TICK && is_derived(&world->all[i].record);
        assert_int_equal(sv_host_apply(host, &world->all[i].record, NULL), LD_OK);
        for (size_t k = 0; k < sv_host_output_count(host); k++) {
            const struct sv_output *output = sv_host_output(host, k);
            const struct ld_record *record = logged(world, output, i);
            assert_non_null(record);
            assert_int_equal(record->payload_size, output->payload_size);
            assert_memory_equal(record->payload, output->payload, output->payload_size);
            told++;
        }
        bool counts = i >= first && world->all[i].family != SV_TICK;
        if (counts && events++ % every == 0) {
            host = reborn(host, class);
        }
    }
    assert_int_equal(told, derived); /* none is missing */
    sv_host_close(host);
}

void world_survives_snapshots(const struct world *world, const struct sv_class *class)
{
    size_t events = world->count - world_count_after(world, 0, SV_TICK);
    survives(world, class, 0, 1 + events / SNAPSHOTS_MAX);
}

void world_survives_snapshot_at(const struct world *world, const struct sv_class *class,
                                size_t index)
{
    survives(world, class, index, world->count);
}
