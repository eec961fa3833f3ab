/*
 * Happy path: each record whose producer is no service and whose topic is not the router's own is
 * copied. A service is known by its name: the six, an instance for each member unit of every plan
 * adopted so far, and what the router noted when it first saw a producer.
 *
 * Not found out: the name of a producer that the log neither names nor shows; it keeps its id, and
 * who has to publish for it says so.
 */
#include "inputs.h"

#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "replay.h"

struct log_name {
    uint64_t id;
    char *name;
    bool service;
    UT_hash_handle hh;
};

static void add_name(struct log_inputs *inputs, const char *name, size_t size)
{
    struct log_name *found;
    uint64_t id = ld_producer_id(name, size);
    HASH_FIND(hh, inputs->names, &id, sizeof id, found);
    if (found != NULL)
        return;
    found = keep_zeroed(sizeof *found);
    found->id = id;
    found->name = keep_format("%.*s", (int)size, name);
    found->service = replay_is_service(name, size);
    HASH_ADD(hh, inputs->names, id, sizeof found->id, found);
}

void log_inputs_open(struct log_inputs *inputs)
{
    *inputs = (struct log_inputs){.plans = sv_host_open()};
    for (size_t i = 0; replay_services[i] != NULL; i++)
        add_name(inputs, replay_services[i], strlen(replay_services[i]));
}

void log_inputs_free(struct log_inputs *inputs)
{
    struct log_name *name, *next;
    for (size_t i = 0; i < inputs->count; i++)
        free(inputs->all[i].bytes);
    HASH_ITER(hh, inputs->names, name, next)
    {
        HASH_DEL(inputs->names, name);
        free(name->name);
        free(name);
    }
    free(inputs->all);
    sv_host_close(inputs->plans);
    *inputs = (struct log_inputs){0};
}

/* ---- who is a service ---- */

static void note_name(struct log_inputs *inputs, const struct ld_record *record)
{
    static const char PREFIX[] = "sys/producer/";
    size_t head = sizeof PREFIX - 1;
    if (record->topic_size > head && memcmp(record->topic, PREFIX, head) == 0)
        add_name(inputs, (const char *)record->payload, record->payload_size);
}

static void note_plan(struct log_inputs *inputs, const struct ld_record *record)
{
    struct ld_error error;
    char *topic = keep_format("%.*s", (int)record->topic_size, record->topic);
    bool exercise = (record->flags & LD_RECORD_EXERCISE) != 0;
    const struct plan *plan = NULL;
    if (sv_host_apply(inputs->plans, record, &error) == LD_OK && strchr(topic, '/') != NULL)
        plan = sv_plans_current(sv_host_plans(inputs->plans, exercise), strchr(topic, '/') + 1);
    for (size_t i = 0; plan != NULL && i < plan->member_count; i++) {
        char *name = keep_format("duty#%s", plan->units[plan->members[i].unit].id);
        add_name(inputs, name, strlen(name));
        free(name);
    }
    free(topic);
}

/* A log that no router wrote (sim --log) names no producers, but each is the author's own: the unit
 * that the topic names, or an operator, as itself or as a scenario's. */
static void guess_name(struct log_inputs *inputs, const struct ld_record *record)
{
    char *topic = keep_format("%.*s", (int)record->topic_size, record->topic);
    char *rest = topic, *area = NULL, *slug = NULL, *last = topic;
    for (char *segment; (segment = strsep(&rest, "/")) != NULL; last = segment) {
        slug = area != NULL && slug == NULL ? segment : slug;
        area = segment != topic && area == NULL ? segment : area;
    }
    char *units[] = {keep_format("%s", last),
                     keep_format("%s.%s", area != NULL ? area : "", slug != NULL ? slug : ""),
                     keep_format("operator")};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        char *name = keep_format("%s#scenario", units[i]);
        if (ld_producer_id(name, strlen(name)) == record->producer)
            add_name(inputs, name, strlen(name));
        if (ld_producer_id(units[i], strlen(units[i])) == record->producer)
            add_name(inputs, units[i], strlen(units[i]));
        free(name);
        free(units[i]);
    }
    free(topic);
}

/* ---- taking ---- */

static bool is_own(const struct ld_record *record)
{
    return record->topic_size >= 4 && memcmp(record->topic, "sys/", 4) == 0;
}

static void keep_input(struct log_inputs *inputs, const struct ld_record *record,
                       const struct log_name *name, bool tick)
{
    inputs->all = keep_room(inputs->all, inputs->count, &inputs->capacity, sizeof *inputs->all);
    struct log_input *made = &inputs->all[inputs->count++];
    *made = (struct log_input){
        .record = *record,
        .bytes = keep_zeroed((size_t)record->topic_size + record->payload_size + 1),
        .producer = name != NULL ? name->name : NULL,
        .tick = tick,
        .actual = (record->flags & LD_RECORD_EXERCISE) == 0};
    memcpy(made->bytes, record->topic, record->topic_size);
    if (record->payload_size > 0)
        memcpy(made->bytes + record->topic_size, record->payload, record->payload_size);
    made->record.topic = made->bytes;
    made->record.payload = (const uint8_t *)made->bytes + record->topic_size;
    made->record.flags = LD_RECORD_EXERCISE;
}

/* The input of that sequence has consequences on the log. */
static void note_answer(struct log_inputs *inputs, uint64_t sequence)
{
    size_t low = 0, high = inputs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (inputs->all[middle].record.sequence < sequence)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < inputs->count && inputs->all[low].record.sequence == sequence)
        inputs->all[low].answered = true;
}

void log_inputs_take(const struct ld_record *record, void *data)
{
    struct log_inputs *inputs = data;
    struct log_name *name;
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    if (inputs->first_sequence == 0) {
        inputs->first_sequence = record->sequence;
        inputs->first_us = record->time_us;
    }
    inputs->last_us = record->time_us;
    note_name(inputs, record);
    HASH_FIND(hh, inputs->names, &record->producer, sizeof record->producer, name);
    if (name == NULL && !is_own(record)) {
        guess_name(inputs, record);
        HASH_FIND(hh, inputs->names, &record->producer, sizeof record->producer, name);
    }
    if (name != NULL && name->service)
        note_answer(inputs, record->producer_sequence >> 16);
    else if (family == SV_TICK || !is_own(record))
        keep_input(inputs, record, name, family == SV_TICK);
    if (family == SV_PLAN)
        note_plan(inputs, record);
}

/* ---- the end ---- */

/* Adopting a plan is not enough to make a world: an actual adoption counts in both. */
static bool makes_world(const struct log_input *input)
{
    return !input->tick && sv_family_of(input->record.topic, input->record.topic_size) != SV_PLAN;
}

static bool belongs(const struct log_input *input, enum log_world world)
{
    if (input->tick || world == LOG_WORLD_ANY)
        return true;
    if (world == LOG_WORLD_EXERCISE)
        return !input->actual || !makes_world(input);
    return input->actual;
}

static void keep_world(struct log_inputs *inputs, enum log_world world)
{
    size_t kept = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        if (belongs(&inputs->all[i], world)) {
            inputs->all[kept++] = inputs->all[i];
            inputs->events += !inputs->all[i].tick;
        } else {
            free(inputs->all[i].bytes);
        }
    }
    inputs->count = kept;
}

int log_inputs_end(struct log_inputs *inputs, enum log_world world, struct ld_error *error)
{
    size_t actual = 0, exercise = 0;
    if (inputs->first_sequence > 1)
        return ld_fail(error, LD_INVALID,
                       "the log begins with event %llu, and what follows depends on those before: "
                       "liandong log restore brings them back",
                       (unsigned long long)inputs->first_sequence);
    for (size_t i = 0; i < inputs->count; i++) {
        actual += makes_world(&inputs->all[i]) && inputs->all[i].actual;
        exercise += makes_world(&inputs->all[i]) && !inputs->all[i].actual;
    }
    if (world == LOG_WORLD_ANY && actual > 0 && exercise > 0)
        return ld_fail(error, LD_INVALID,
                       "the log holds %zu actual events from outside and %zu of an exercise, which "
                       "never mix: choose with --world actual or --world exercise",
                       actual, exercise);
    keep_world(inputs, world);
    return LD_OK;
}
