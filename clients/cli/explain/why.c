/*
 * Happy path: each record goes through grading alone; reports and designations are kept by the
 * sequence that criteria name them by, and each Grade that grading puts out and that raises the
 * level. An incident that is closed is not told to grading, which would forget it: what is
 * explained is how it ended.
 *
 * Ways it fails: only that the incident is not there. What cannot be decoded is passed over, as
 * grading does.
 */
#include "why.h"

#include <stdlib.h>
#include <string.h>

#include "picture/keep.h"
#include "services/grading/grading.h"

void why_open(struct why *why, const char *incident, struct why_limit limit)
{
    *why = (struct why){.id = incident, .limit = limit, .host = sv_host_open()};
    sv_host_add(why->host, &grading_class, NULL);
}

static void close_world(struct why_world *world)
{
    struct why_input *input, *next;
    HASH_ITER(hh, world->inputs, input, next)
    {
        HASH_DEL(world->inputs, input);
        KEEP_DROP(input->incident);
        KEEP_DROP(input->decision);
        free(input);
    }
    for (size_t i = 0; i < world->step_count; i++) {
        KEEP_DROP(world->steps[i].warning);
        KEEP_DROP(world->steps[i].figures);
    }
    free(world->steps);
    KEEP_DROP(world->suggested);
    KEEP_DROP(world->raised.grade);
    KEEP_DROP(world->said.grade);
}

void why_close(struct why *why)
{
    close_world(&why->worlds[0]);
    close_world(&why->worlds[1]);
    sv_host_close(why->host);
    ld_arena_free(&why->arena);
}

/* ---- what comes in ---- */

static struct why_input *add_input(struct why_world *world, uint64_t sequence)
{
    struct why_input *input;
    HASH_FIND(hh, world->inputs, &sequence, sizeof sequence, input);
    if (input != NULL)
        return input;
    input = keep_zeroed(sizeof *input);
    input->sequence = sequence;
    HASH_ADD(hh, world->inputs, sequence, sizeof input->sequence, input);
    return input;
}

static void note_incident(struct why_world *world, const Liandong__V1__Incident *message)
{
    world->opened = true;
    if (message->report == NULL)
        return;
    struct why_input *input = add_input(world, message->report_sequence);
    KEEP_REPLACE(input->incident, &message->base);
}

static void note_decision(struct why_world *world, const struct ld_record *record,
                          const Liandong__V1__Decision *message)
{
    if (message->act != LIANDONG__V1__DECISION__ACT__DESIGNATE &&
        message->subject != LIANDONG__V1__DECISION__SUBJECT__WARNING)
        return;
    struct why_input *input = add_input(world, record->sequence);
    KEEP_REPLACE(input->decision, &message->base);
}

static void note_said(struct why_world *world, const struct ld_record *record,
                      const ProtobufCMessage *message)
{
    KEEP_REPLACE(world->said.grade, message);
    world->said.sequence = record->sequence;
    world->said.time_us = record->time_us;
}

static void note_warning(struct why_world *world, const struct ld_record *record,
                         const Liandong__V1__Warning *message)
{
    if (message->state == LIANDONG__V1__WARNING__STATE__SUGGESTED) {
        KEEP_REPLACE(world->suggested, &message->base);
        return;
    }
    world->steps =
        keep_room(world->steps, world->step_count, &world->step_capacity, sizeof *world->steps);
    world->steps[world->step_count++] = (struct why_step){
        .warning = keep_copy(&message->base),
        .figures = world->suggested != NULL ? keep_copy(&world->suggested->base) : NULL,
        .sequence = record->sequence,
        .time_us = record->time_us,
    };
}

/* True if grading is to hear of it. */
static bool note(struct why *why, const struct ld_record *record)
{
    struct why_world *world = &why->worlds[(record->flags & LD_RECORD_EXERCISE) != 0];
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    ProtobufCMessage *message = NULL;
    if (family == SV_PLAN)
        return true;
    if (family != SV_INCIDENT && family != SV_DECISION && family != SV_GRADE &&
        family != SV_WARNING)
        return false;
    ld_arena_reset(&why->arena);
    if (sv_decode(family, record->payload, record->payload_size, &why->arena, &message, NULL) !=
        LD_OK)
        return false;
    if (family == SV_GRADE) {
        note_said(world, record, message);
        return false;
    }
    if (family == SV_WARNING) {
        note_warning(world, record, (const void *)message);
        return false;
    }
    if (family == SV_DECISION) {
        note_decision(world, record, (const void *)message);
        return true;
    }
    const Liandong__V1__Incident *incident = (const void *)message;
    bool closes = incident->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    if (closes)
        world->closed_at_us = record->time_us;
    else
        note_incident(world, incident);
    return !closes;
}

/* ---- what grading makes of it ---- */

static void note_output(struct why *why, const struct ld_record *record,
                        const struct sv_output *output)
{
    struct why_world *world = &why->worlds[(output->flags & LD_RECORD_EXERCISE) != 0];
    if (sv_family_of(output->topic, strlen(output->topic)) != SV_GRADE)
        return;
    Liandong__V1__Grade *grade =
        liandong__v1__grade__unpack(NULL, output->payload_size, output->payload);
    if (grade == NULL || grade->level == grade->previous) {
        KEEP_DROP(grade);
        return;
    }
    KEEP_DROP(world->raised.grade);
    world->raised = (struct why_said){grade, record->sequence, record->time_us};
}

void why_take(const struct ld_record *record, void *data)
{
    struct why *why = data;
    struct ld_error error;
    if (record->sequence > why->limit.sequence || record->time_us > why->limit.time_us) {
        why->beyond = true;
        return;
    }
    why->sequence = record->sequence;
    why->time_us = record->time_us;
    if (!note(why, record) || sv_host_apply(why->host, record, &error) != LD_OK)
        return;
    for (size_t i = 0; i < sv_host_output_count(why->host); i++)
        note_output(why, record, sv_host_output(why->host, i));
}

/* ---- asking ---- */

static bool ask_in(struct why *why, bool exercise)
{
    const struct sv_core *core = sv_host_core(why->host, &grading_class, exercise);
    if (core == NULL || !grading_explain(core, why->id, &why->arena, &why->grade, &why->warning))
        return false;
    why->exercise = exercise;
    why->world = &why->worlds[exercise];
    why->plan = sv_plans_pinned(sv_host_plans(why->host, exercise), why->grade.context->plan_hash);
    return why->plan != NULL;
}

int why_ask(struct why *why, struct ld_error *error)
{
    ld_arena_reset(&why->arena);
    if (ask_in(why, false) || ask_in(why, true))
        return LD_OK;
    if (why->worlds[0].opened || why->worlds[1].opened)
        return ld_fail(error, LD_INVALID,
                       "incident %s is there, but its plan was not adopted before it on this log: "
                       "it cannot be graded",
                       why->id);
    return ld_fail(error, LD_INVALID,
                   "no incident %s there yet: liandong status names those that are open", why->id);
}

const struct why_input *why_input_of(const struct why *why, uint64_t sequence)
{
    struct why_input *input;
    HASH_FIND(hh, why->world->inputs, &sequence, sizeof sequence, input);
    return input;
}

const Liandong__V1__Decision *why_act_of(const struct why *why, const struct why_step *step)
{
    const Liandong__V1__Warning *warning = step->warning;
    uint64_t cause = warning->context != NULL ? warning->context->causation : 0;
    const struct why_input *input =
        why_input_of(why, warning->scheduled_act != 0 ? warning->scheduled_act : cause);
    return input != NULL ? input->decision : NULL;
}

const struct why_step *why_issued(const struct why *why, const char *area)
{
    const struct why_step *issued = NULL;
    for (size_t i = 0; i < why->world->step_count; i++) {
        const struct why_step *step = &why->world->steps[i];
        const Liandong__V1__Warning *warning = step->warning;
        if (strcmp(warning->area, area) != 0)
            continue;
        if (warning->in_force == LIANDONG__V1__LEVEL__LEVEL_NONE)
            issued = NULL;
        else if (warning->state == LIANDONG__V1__WARNING__STATE__ISSUED ||
                 warning->state == LIANDONG__V1__WARNING__STATE__ADJUSTED)
            issued = step;
    }
    return issued;
}
