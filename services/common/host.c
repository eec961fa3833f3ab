/*
 * The host: which instance of which core sees which event, and what comes out.
 *
 * Happy path: a record comes in, its topic is split, its payload decoded once; a plan adoption is
 * taken into the plans of its worlds; then each instance whose class wants the family applies it,
 * in the order in which they were made, actual world first; but all instances of a class are passed
 * over where it says that the event concerns none of them. Outputs pile up in sv_outputs until the
 * next record.
 *
 * Ways it fails: only a record out of order. Bytes that make no message become event->fault.
 * On close: every instance is destroyed, then the plans that they pointed to.
 */
#include "instances.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "liandong/v1/common.pb-c.h"
#include "liandong/v1/plan.pb-c.h"

static void *longer(void *array, size_t count, size_t element_size)
{
    void *more = realloc(array, (count + 1) * element_size);
    if (!more)
        abort();
    return more;
}

/* ---- instances ---- */

static char *copy_of(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

/* "grading", "duty#3303.health" */
static char *producer_name(const struct sv_class *class, const char *unit)
{
    struct ld_buffer name = {0};
    ld_buffer_format(&name, "%s%s%s", class->name, unit ? "#" : "", unit ? unit : "");
    char *copy = copy_of(ld_buffer_string(&name));
    ld_buffer_free(&name);
    return copy;
}

static bool has_instance(const struct sv_world *world, const struct sv_class *class,
                         const char *unit)
{
    for (size_t i = 0; i < world->count; i++) {
        const struct sv_instance *instance = &world->instances[i];
        if (instance->class != class)
            continue;
        if (!unit || strcmp(instance->unit, unit) == 0)
            return true;
    }
    return false;
}

/* The instance made last belongs to the group before it if that is of its class. It may have to be
 * called at once: what it has loaded is not known here. */
static void add_to_group(struct sv_world *world, const struct sv_class *class)
{
    struct sv_group *last = world->group_count == 0 ? NULL : &world->groups[world->group_count - 1];
    if (last == NULL || last->class != class) {
        world->groups = longer(world->groups, world->group_count, sizeof *world->groups);
        last = &world->groups[world->group_count++];
        *last = (struct sv_group){.class = class, .from = world->count - 1};
    }
    last->to = world->count;
    last->due_us = INT64_MIN;
}

void sv_world_add(struct sv_world *world, const struct sv_class *class, const char *unit)
{
    if (has_instance(world, class, unit))
        return;
    world->instances = longer(world->instances, world->count, sizeof *world->instances);
    struct sv_instance *instance = &world->instances[world->count++];
    *instance = (struct sv_instance){.class = class, .producer = producer_name(class, unit)};
    instance->unit = unit ? copy_of(unit) : NULL;
    instance->producer_id = ld_producer_id(instance->producer, strlen(instance->producer));
    struct sv_setup setup = {.plans = &world->plans, .unit = instance->unit};
    instance->core = class->create(&setup);
    assert(instance->core);
    add_to_group(world, class);
}

void sv_world_clear(struct sv_world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        world->instances[i].class->destroy(world->instances[i].core);
        free(world->instances[i].producer);
        free(world->instances[i].unit);
    }
    for (size_t i = 0; i < world->group_count; i++)
        sv_names_free(&world->groups[i].known);
    free(world->instances);
    free(world->groups);
    world->instances = NULL;
    world->groups = NULL;
    world->count = world->group_count = 0;
    sv_plans_clear(&world->plans);
}

/* A class for all units gets an instance for each member unit that has none yet. */
static void add_members(struct sv_host *host, struct sv_world *world, const struct plan *plan)
{
    for (size_t i = 0; i < host->added_count; i++) {
        const struct sv_added *added = &host->added[i];
        if (!added->class->per_unit || added->unit)
            continue;
        for (size_t k = 0; k < plan->member_count; k++)
            sv_world_add(world, added->class, plan->units[plan->members[k].unit].id);
    }
}

/* ---- opening and closing ---- */

struct sv_host *sv_host_open(void)
{
    struct sv_host *host = calloc(1, sizeof *host);
    if (!host)
        abort();
    host->families = SV_BIT(SV_PLAN);
    return host;
}

void sv_host_empty(struct sv_host *host)
{
    for (size_t w = 0; w < SV_WORLDS; w++)
        sv_world_clear(&host->worlds[w]);
    sv_store_clear(&host->store);
    sv_outputs_begin(&host->outputs);
    host->position = 0;
}

void sv_host_populate(struct sv_host *host)
{
    for (size_t i = 0; i < host->added_count; i++) {
        const struct sv_added *added = &host->added[i];
        if (added->class->per_unit && !added->unit)
            continue;
        for (size_t w = 0; w < SV_WORLDS; w++)
            sv_world_add(&host->worlds[w], added->class, added->unit);
    }
}

void sv_host_close(struct sv_host *host)
{
    if (!host)
        return;
    sv_host_empty(host);
    for (size_t i = 0; i < host->added_count; i++)
        free(host->added[i].unit);
    free(host->added);
    for (size_t i = 0; i < host->filter_count; i++)
        free(host->filters[i]);
    free(host->filters);
    sv_outputs_free(&host->outputs);
    ld_arena_free(&host->decoded);
    free(host);
}

static void add_filter(struct sv_host *host, const char *filter)
{
    for (size_t i = 0; i < host->filter_count; i++) {
        if (strcmp(host->filters[i], filter) == 0)
            return;
    }
    host->filters = longer(host->filters, host->filter_count + 1, sizeof *host->filters);
    host->filters[host->filter_count++] = copy_of(filter);
    host->filters[host->filter_count] = NULL;
}

/* What of the family is for the unit; NULL: for any. */
static void add_own_filters(struct sv_host *host, const char *family, const char *unit)
{
    struct ld_buffer filter = {0};
    ld_buffer_format(&filter, "%s", family);
    if (unit) {
        const char *slug = strchr(unit, '.');
        int area_size = slug ? (int)(slug - unit) : (int)strlen(unit);
        ld_buffer_format(&filter, "/%.*s/%s", area_size, unit, slug ? slug + 1 : "*");
        add_filter(host, ld_buffer_string(&filter));
    }
    ld_buffer_format(&filter, "/>");
    add_filter(host, ld_buffer_string(&filter));
    ld_buffer_free(&filter);
}

void sv_host_add(struct sv_host *host, const struct sv_class *class, const char *unit)
{
    host->added = longer(host->added, host->added_count, sizeof *host->added);
    host->added[host->added_count++] =
        (struct sv_added){.class = class, .unit = unit ? copy_of(unit) : NULL};
    host->families |= class->families;
    add_filter(host, "plan/>");
    for (size_t i = 0; class->filters[i]; i++)
        add_filter(host, class->filters[i]);
    for (size_t i = 0; class->own && class->own[i]; i++)
        add_own_filters(host, class->own[i], unit);
    sv_host_populate(host);
}

/* ---- one event ---- */

static void split_topic(struct sv_host *host, const struct ld_record *record,
                        struct sv_event *event)
{
    size_t size = record->topic_size;
    memcpy(host->topic, record->topic, size);
    memcpy(host->split, record->topic, size);
    host->topic[size] = host->split[size] = 0;
    event->topic = host->topic;
    event->segment[event->segment_count++] = host->split;
    for (char *at = host->split; (at = strchr(at, '/')) != NULL;) {
        *at++ = 0;
        if (event->segment_count == SV_SEGMENTS_MAX)
            return;
        event->segment[event->segment_count++] = at;
    }
}

/* Cores may rely on a context being there; one left out is an empty one. */
static void complete(struct sv_host *host, ProtobufCMessage *message)
{
    const ProtobufCFieldDescriptor *field = &message->descriptor->fields[0]; /* in all of ours */
    assert(field->descriptor == &liandong__v1__context__descriptor);
    Liandong__V1__Context **context = (void *)((char *)message + field->offset);
    if (*context)
        return;
    *context = ld_arena_alloc(&host->decoded, sizeof **context);
    liandong__v1__context__init(*context);
}

static void decode(struct sv_host *host, struct sv_event *event)
{
    if (!sv_family_descriptor(event->family))
        return;
    ProtobufCMessage *message = NULL;
    const struct ld_record *record = event->record;
    ld_arena_reset(&host->decoded);
    if (sv_decode(event->family, record->payload, record->payload_size, &host->decoded, &message,
                  &host->error) != LD_OK)
        event->fault = host->error.text;
    if (message)
        complete(host, message);
    event->message = message;
}

static const struct plan *take_bundle(struct sv_host *host, const struct sv_event *event)
{
    const Liandong__V1__PlanAdoption *adoption = (const void *)event->message;
    struct plan_file *files =
        ld_arena_alloc(&host->decoded, (adoption->n_files + 1) * sizeof *files);
    for (size_t i = 0; i < adoption->n_files; i++) {
        const Liandong__V1__PlanAdoption__File *file = adoption->files[i];
        files[i] =
            (struct plan_file){file->name, (const char *)file->content.data, file->content.len};
        if (!files[i].content)
            files[i].content = "";
    }
    return sv_store_take(&host->store, files, adoption->n_files, &host->error);
}

/* What an adoption promises (topic, hash) and what it holds must be one. */
static void check_adoption(struct sv_host *host, struct sv_event *event, const struct plan *plan)
{
    const Liandong__V1__PlanAdoption *adoption = (const void *)event->message;
    const char *claimed = adoption->context ? adoption->context->plan_hash : "";
    if (event->segment_count != 2 || strcmp(event->segment[1], plan->id) != 0)
        ld_fail(&host->error, LD_INVALID, "topic is %s, but the bundle holds plan %s", event->topic,
                plan->id);
    else if (*claimed && strcmp(claimed, plan->hash) != 0)
        ld_fail(&host->error, LD_INVALID, "hash given is %.70s, but the bundle's is %s", claimed,
                plan->hash);
    else
        event->plan = plan;
}

static void adopt(struct sv_host *host, struct sv_event *event)
{
    if (!event->message)
        return;
    const struct plan *plan = take_bundle(host, event);
    if (plan)
        check_adoption(host, event, plan);
    if (!event->plan)
        event->fault = host->error.text;
}

static bool concerns(struct sv_group *group, const struct sv_event *event)
{
    const struct sv_class *class = group->class;
    if (!(class->families & SV_BIT(event->family)))
        return false;
    bool said = !class->concerns || class->concerns(&group->known, event);
    return said || group->due_us <= event->record->time_us;
}

static void note_due(struct sv_group *group, const struct sv_instance *instances)
{
    group->due_us = INT64_MAX;
    for (size_t i = group->from; i < group->to && group->class->due_us; i++) {
        int64_t due_us = group->class->due_us(instances[i].core);
        group->due_us = due_us < group->due_us ? due_us : group->due_us;
    }
}

static void apply_group(struct sv_host *host, const struct sv_world *world, struct sv_group *group,
                        const struct sv_event *event)
{
    struct sv_outputs *out = &host->outputs;
    for (size_t i = group->from; i < group->to; i++) {
        const struct sv_instance *instance = &world->instances[i];
        out->service = group->class->name;
        out->producer = instance->producer;
        out->producer_id = instance->producer_id;
        out->index = 0;
        group->class->apply(instance->core, event, out);
    }
    note_due(group, world->instances);
}

static void apply_in(struct sv_host *host, struct sv_world *world, const struct sv_event *event)
{
    for (size_t i = 0; i < world->group_count; i++) {
        struct sv_group *group = &world->groups[i];
        if (event->plan)
            sv_names_free(&group->known);
        if (concerns(group, event))
            apply_group(host, world, group, event);
    }
}

static void apply_worlds(struct sv_host *host, struct sv_event *event)
{
    bool both = event->family == SV_TICK || (event->family == SV_PLAN && !event->exercise);
    for (size_t w = 0; w < SV_WORLDS; w++) {
        if (!both && event->exercise != (w == SV_DRILL))
            continue;
        struct sv_world *world = &host->worlds[w];
        if (event->plan) {
            event->plan_is_new = sv_plans_adopt(&world->plans, event->plan);
            add_members(host, world, event->plan);
        }
        host->outputs.exercise = w == SV_DRILL;
        apply_in(host, world, event);
    }
}

int sv_host_apply(struct sv_host *host, const struct ld_record *record, struct ld_error *error)
{
    if (record->sequence <= host->position)
        return ld_fail(error, LD_INVALID, "event %llu comes after event %llu was applied",
                       (unsigned long long)record->sequence, (unsigned long long)host->position);
    host->position = record->sequence;
    sv_outputs_begin(&host->outputs);
    host->outputs.input = record->sequence;
    struct sv_event event = {.record = record,
                             .family = sv_family_of(record->topic, record->topic_size),
                             .exercise = (record->flags & LD_RECORD_EXERCISE) != 0};
    if (!(host->families & SV_BIT(event.family)))
        return LD_OK;
    split_topic(host, record, &event);
    decode(host, &event);
    if (event.family == SV_PLAN)
        adopt(host, &event);
    apply_worlds(host, &event);
    return LD_OK;
}

/* ---- asking ---- */

size_t sv_host_output_count(const struct sv_host *host)
{
    return host->outputs.count;
}

const struct sv_output *sv_host_output(const struct sv_host *host, size_t index)
{
    assert(index < host->outputs.count);
    return &host->outputs.all[index];
}

uint64_t sv_host_position(const struct sv_host *host)
{
    return host->position;
}

const struct sv_plans *sv_host_plans(const struct sv_host *host, bool exercise)
{
    return &host->worlds[exercise ? SV_DRILL : SV_ACTUAL].plans;
}

const struct sv_core *sv_host_core(const struct sv_host *host, const struct sv_class *class,
                                   bool exercise)
{
    const struct sv_world *world = &host->worlds[exercise ? SV_DRILL : SV_ACTUAL];
    for (size_t i = 0; i < world->count; i++) {
        if (world->instances[i].class == class)
            return world->instances[i].core;
    }
    return NULL;
}

const char *const *sv_host_filters(const struct sv_host *host)
{
    return (const char *const *)host->filters;
}
