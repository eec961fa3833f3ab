/*
 * Acts made ahead: on record with their author until their time comes.
 *
 * Happy path: the act is judged when it is made, as any other, and SCHEDULED is said; with the
 * first tick at or after its time it is judged once more, as things are then, and takes effect.
 * Until then its author may amend it (another act that names it takes its place) or withdraw it;
 * CANCELLED is said of what is gone, with the reason, also where it is not allowed any more when
 * its time comes, and when its incident is closed.
 * Time is that of the log: a restart or a replay changes nothing.
 */
#include "command.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the record ---- */

static void ahead_free(struct ahead *ahead)
{
    free(ahead->incident);
    free(ahead->area);
    free(ahead->author);
    free(ahead->filed_with);
    free(ahead->person);
    free(ahead);
}

void command_ahead_free(struct sv_core *core)
{
    for (struct ahead *ahead = core->aheads, *next; ahead; ahead = next) {
        next = ahead->next;
        ahead_free(ahead);
    }
    core->aheads = NULL;
}

/* Sequences only grow, so that what was made later comes behind on a tie. */
static void ahead_link(struct sv_core *core, struct ahead *ahead)
{
    struct ahead **place = &core->aheads;
    while (*place && (*place)->due_us <= ahead->due_us)
        place = &(*place)->next;
    ahead->next = *place;
    *place = ahead;
}

static void ahead_unlink(struct sv_core *core, const struct ahead *ahead)
{
    struct ahead **place = &core->aheads;
    while (*place != ahead)
        place = &(*place)->next;
    *place = ahead->next;
}

static struct ahead *ahead_new(void)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        abort();
    return ahead;
}

/* ---- making, amending, withdrawing ---- */

bool command_is_ahead(const struct inquiry *inquiry)
{
    return inquiry->act != ACT_WITHDRAW &&
           inquiry->decision->effective_at_us > inquiry->event->record->time_us;
}

static const struct ahead *amended(const struct inquiry *inquiry)
{
    const struct ahead *ahead = inquiry->core->aheads;
    while (ahead && (ahead->sequence != inquiry->decision->amends ||
                     ahead->of_warning != inquiry->of_warning ||
                     strcmp(ahead->incident, inquiry->incident->id) != 0 ||
                     strcmp(ahead->area, inquiry->area) != 0))
        ahead = ahead->next;
    return ahead;
}

/* What a unit has on record is bounded; what is amended makes room for what takes its place. */
static enum refusal judge_count(struct inquiry *inquiry)
{
    size_t count = 0;
    for (const struct ahead *ahead = inquiry->core->aheads; ahead; ahead = ahead->next)
        count += ahead != inquiry->ahead && strcmp(ahead->author, inquiry->author) == 0;
    if (!command_is_ahead(inquiry) || count < COMMAND_AHEAD_MAX)
        return ALLOWED;
    inquiry->found = ld_arena_format(sv_arena(inquiry->out), "%zu", count);
    return REFUSED_TOO_MANY_AHEAD;
}

enum refusal command_judge_ahead(struct inquiry *inquiry)
{
    if (inquiry->act == PLAN_DESIGNATE && inquiry->decision->effective_at_us != 0)
        return REFUSED_NOT_AHEAD;
    if (inquiry->decision->amends == 0 && inquiry->act != ACT_WITHDRAW)
        return judge_count(inquiry);
    inquiry->found = ld_arena_format(sv_arena(inquiry->out), "%" PRIu64, inquiry->decision->amends);
    inquiry->ahead = amended(inquiry);
    if (!inquiry->ahead)
        return REFUSED_NOTHING_AHEAD;
    command_inquiry_who_one(inquiry, inquiry->ahead->author);
    return strcmp(inquiry->ahead->author, inquiry->author) == 0 ? judge_count(inquiry)
                                                                : REFUSED_OTHER_AUTHOR;
}

/* Says of the act made ahead that it is on record or off it. */
static void announce(struct inquiry *inquiry, bool on_record)
{
    command_find_response(inquiry, true);
    inquiry->level = inquiry->ahead->level;
    if (inquiry->of_warning)
        command_announce_warning(inquiry,
                                 on_record ? LIANDONG__V1__WARNING__STATE__SCHEDULED
                                           : LIANDONG__V1__WARNING__STATE__CANCELLED,
                                 inquiry->response->in_force);
    else
        command_announce_step(inquiry, on_record ? LIANDONG__V1__RESPONSE__STATE__SCHEDULED
                                                 : LIANDONG__V1__RESPONSE__STATE__CANCELLED);
}

/* Why it is gone: by its author's word. */
static struct plan_text word_of_author(const struct inquiry *inquiry)
{
    if (inquiry->act == ACT_WITHDRAW)
        return (struct plan_text){"由作出者撤回", "Withdrawn by who made it"};
    struct ld_arena *arena = sv_arena(inquiry->out);
    uint64_t sequence = inquiry->event->record->sequence;
    return (struct plan_text){
        ld_arena_format(arena, "由作出者变更，见第 %" PRIu64 " 号", sequence),
        ld_arena_format(arena, "Amended by who made it: act number %" PRIu64, sequence)};
}

void command_ahead_drop(struct inquiry *inquiry)
{
    struct inquiry old = *inquiry;
    old.reason = word_of_author(inquiry);
    struct ahead *ahead = inquiry->core->aheads;
    while (ahead != inquiry->ahead)
        ahead = ahead->next;
    ahead_unlink(inquiry->core, ahead);
    announce(&old, false);
    inquiry->ahead = NULL;
    ahead_free(ahead);
}

void command_ahead_keep(struct inquiry *inquiry)
{
    const Decision *decision = inquiry->decision;
    struct ahead *ahead = ahead_new();
    ahead->sequence = inquiry->event->record->sequence;
    ahead->due_us = decision->effective_at_us;
    command_text_set(&ahead->incident, inquiry->incident->id);
    command_text_set(&ahead->area, inquiry->area);
    command_text_set(&ahead->author, inquiry->author);
    command_text_set(&ahead->filed_with, decision->filed_with);
    command_text_set(&ahead->person, decision->person);
    ahead->act = inquiry->act;
    ahead->level = inquiry->level;
    ahead->of_warning = inquiry->of_warning;
    ahead->in_favour = decision->in_favour;
    ahead_link(inquiry->core, ahead);
    inquiry->ahead = ahead;
    announce(inquiry, true);
}

/* ---- taking effect ---- */

/* The act as it is put once more. Borrowed from ahead. */
static struct inquiry inquiry_of(struct sv_core *core, const struct sv_event *event,
                                 struct sv_outputs *out, const struct ahead *ahead)
{
    struct inquiry inquiry = {.core = core,
                              .event = event,
                              .out = out,
                              .incident = command_incident_find(core, ahead->incident),
                              .area = ahead->area,
                              .author = ahead->author,
                              .act = ahead->act,
                              .level = ahead->level,
                              .of_warning = ahead->of_warning,
                              .ahead = ahead};
    inquiry.of_county = strcmp(inquiry.area, inquiry.incident->area) != 0;
    command_find_response(&inquiry, false);
    return inquiry;
}

static void cancel(struct inquiry *inquiry, enum refusal refusal)
{
    inquiry->reason = command_refusal_text(inquiry, refusal);
    announce(inquiry, false);
}

static void take_effect(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                        const struct ahead *ahead)
{
    Decision decision = LIANDONG__V1__DECISION__INIT;
    decision.in_favour = ahead->in_favour;
    decision.filed_with = ahead->filed_with;
    decision.person = ahead->person;
    struct inquiry inquiry = inquiry_of(core, event, out, ahead);
    inquiry.decision = &decision;
    enum refusal refusal = command_judge_plan(&inquiry);
    if (refusal)
        cancel(&inquiry, refusal);
    else
        command_carry_out(&inquiry);
}

void command_ahead_close(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out,
                         const struct incident *incident)
{
    for (struct ahead **place = &core->aheads; *place;) {
        struct ahead *ahead = *place;
        if (strcmp(ahead->incident, incident->id) != 0) {
            place = &ahead->next;
            continue;
        }
        *place = ahead->next;
        struct inquiry inquiry = inquiry_of(core, event, out, ahead);
        inquiry.found = incident->id;
        cancel(&inquiry, REFUSED_INCIDENT_CLOSED);
        ahead_free(ahead);
    }
}

void command_ahead_due(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    while (core->aheads && core->aheads->due_us <= event->record->time_us) {
        struct ahead *ahead = core->aheads;
        core->aheads = ahead->next;
        take_effect(core, event, out, ahead);
        ahead_free(ahead);
    }
}

/* ---- saving and loading ---- */

static void ahead_visit(struct ahead *ahead, struct sv_codec *codec)
{
    sv_code_u64(codec, &ahead->sequence);
    sv_code_i64(codec, &ahead->due_us);
    sv_code_string(codec, &ahead->incident);
    sv_code_string(codec, &ahead->area);
    sv_code_string(codec, &ahead->author);
    sv_code_string(codec, &ahead->filed_with);
    sv_code_string(codec, &ahead->person);
    sv_code_int(codec, &ahead->act);
    sv_code_int(codec, &ahead->level);
    sv_code_bool(codec, &ahead->of_warning);
    sv_code_bool(codec, &ahead->in_favour);
}

/* One that makes no sense (a damaged snapshot) fails the loading. */
static bool makes_sense(const struct sv_core *core, const struct ahead *ahead)
{
    return ahead->incident && ahead->area && ahead->author && ahead->filed_with && ahead->person &&
           command_incident_find(core, ahead->incident) && ahead->act >= PLAN_PROPOSE &&
           ahead->act <= PLAN_INFORM && ahead->level >= PLAN_NONE && ahead->level <= PLAN_IV;
}

void command_ahead_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = 0;
    for (const struct ahead *ahead = core->aheads; ahead; ahead = ahead->next)
        count++;
    sv_code_count(codec, &count);
    struct ahead *ahead = core->aheads;
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        bool loading = sv_codec_loading(codec);
        if (loading)
            ahead = ahead_new();
        ahead_visit(ahead, codec);
        if (loading && !sv_codec_failed(codec) && makes_sense(core, ahead)) {
            ahead_link(core, ahead);
        } else if (loading) {
            ahead_free(ahead);
            sv_codec_fail(codec);
        } else {
            ahead = ahead->next;
        }
    }
}
