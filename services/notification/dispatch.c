/*
 * Dispatches: a notice on its way to the contacts of its audience, until somebody acknowledges it.
 *
 *   told (rank 0) ─> not acknowledged in time ─> told again ─> still not ─> next rank ─> …
 *                                                 ─> the supervisor's contacts ─> UNREACHED
 *   every channel of a round gives up ─> next rank at once
 *   acknowledged, or replaced by a later notice ─> STOPPED at once
 *
 * Time is that of events and ticks. Where no acknowledgement is asked for (the public), only a
 * round of which every channel gives up leads on. One dispatch is kept for each place, which is an
 * audience in a series; what is over goes when its incident closes.
 */
#include "notification.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY(name)   LIANDONG__V1__DELIVERY__WHY__##name
#define STATE(name) LIANDONG__V1__DELIVERY__STATE__##name

struct dispatch *dispatch_find(const struct sv_core *core, const char *identifier)
{
    struct dispatch *dispatch = NULL;
    HASH_FIND_STR(core->dispatches, identifier, dispatch);
    return dispatch;
}

static void dispatch_remove(struct sv_core *core, struct dispatch *dispatch)
{
    HASH_DEL(core->dispatches, dispatch);
    HASH_DELETE(hh_place, core->places, dispatch);
    free(dispatch->identifier);
    free(dispatch->place);
    free(dispatch->area);
    free(dispatch->slug);
    free(dispatch->notice);
    free(dispatch);
}

void dispatch_free(struct sv_core *core)
{
    struct dispatch *dispatch, *next;
    HASH_ITER(hh, core->dispatches, dispatch, next)
    {
        dispatch_remove(core, dispatch);
    }
    sv_timers_free(&core->timers);
}

static void dispatch_add(struct sv_core *core, struct dispatch *dispatch)
{
    HASH_ADD_KEYPTR(hh, core->dispatches, dispatch->identifier, strlen(dispatch->identifier),
                    dispatch);
    HASH_ADD_KEYPTR(hh_place, core->places, dispatch->place, strlen(dispatch->place), dispatch);
}

/* ---- saying ---- */

static Liandong__V1__Notice *notice_of(const struct dispatch *dispatch)
{
    return liandong__v1__notice__unpack(NULL, dispatch->notice_size, dispatch->notice);
}

static void say(const struct sv_event *event, const struct dispatch *dispatch,
                Liandong__V1__Delivery *delivery, const Liandong__V1__Notice *notice,
                struct sv_outputs *out)
{
    const Liandong__V1__Context *context = notice->context;
    delivery->context = sv_context(out, event, context->incident, NULL);
    delivery->context->plan = context->plan;
    delivery->context->plan_hash = context->plan_hash;
    delivery->identifier = dispatch->identifier;
    delivery->audience = notice->audience;
    delivery->round = (uint32_t)dispatch->round;
    sv_emit(out, &delivery->base, "delivery/%s/%s/%s", dispatch->area, dispatch->slug,
            context->incident);
}

/* STOPPED or UNREACHED. */
static void say_end(const struct sv_event *event, struct dispatch *dispatch, int state, int why,
                    const char *by, struct sv_outputs *out)
{
    Liandong__V1__Notice *notice = notice_of(dispatch);
    Liandong__V1__Delivery delivery = LIANDONG__V1__DELIVERY__INIT;
    delivery.state = (Liandong__V1__Delivery__State)state;
    delivery.why = (Liandong__V1__Delivery__Why)why;
    delivery.by = sv_borrow(by);
    say(event, dispatch, &delivery, notice, out);
    liandong__v1__notice__free_unpacked(notice, NULL);
    dispatch->open = false;
}

static void say_due(const struct sv_event *event, struct dispatch *dispatch,
                    const struct contact *contact, Liandong__V1__Delivery *delivery,
                    const Liandong__V1__Notice *notice, struct sv_outputs *out)
{
    Liandong__V1__Contact to = LIANDONG__V1__CONTACT__INIT;
    to.name = contact->name;
    to.channel = contact->channel;
    to.address = contact->address;
    to.rank = (uint32_t)contact->rank;
    dispatch->told++;
    delivery->contact = &to;
    delivery->id = ld_arena_format(sv_arena(out), "%s.r%d.%d", dispatch->identifier,
                                   dispatch->round, dispatch->told);
    say(event, dispatch, delivery, notice, out);
}

/* ---- rounds ---- */

static const char *audience_key(const struct dispatch *dispatch, struct sv_outputs *out)
{
    return ld_arena_format(sv_arena(out), "%s.%s", dispatch->area, dispatch->slug);
}

/* Whose contacts the rank means: the audience's, or its supervisor's; NULL: nobody's. */
static const struct contacts *contacts_at(const struct sv_core *core,
                                          const struct dispatch *dispatch, int rank,
                                          struct sv_outputs *out)
{
    const struct contacts *own = contacts_find(core, audience_key(dispatch, out));
    if (own == NULL || rank < DISPATCH_SUPERVISOR) {
        return own;
    }
    return contacts_find(core, own->supervisor);
}

static bool is_meant(const struct contact *contact, int rank)
{
    return contact->rank == (rank == DISPATCH_SUPERVISOR ? 0 : rank);
}

static bool anybody(const struct sv_core *core, const struct dispatch *dispatch, int rank,
                    struct sv_outputs *out)
{
    const struct contacts *contacts = contacts_at(core, dispatch, rank, out);
    for (size_t i = 0; contacts != NULL && i < contacts->count; i++) {
        if (is_meant(&contacts->all[i], rank)) {
            return true;
        }
    }
    return false;
}

/* Tells all contacts of the dispatch's rank. */
static void tell_round(struct sv_core *core, const struct sv_event *event,
                       struct dispatch *dispatch, int why, struct sv_outputs *out)
{
    const struct contacts *contacts = contacts_at(core, dispatch, dispatch->rank, out);
    Liandong__V1__Notice *notice = notice_of(dispatch);
    Liandong__V1__Delivery delivery = LIANDONG__V1__DELIVERY__INIT;
    int64_t within_us = dispatch->acknowledge_within_us;
    int64_t due_us = within_us == 0 ? 0 : event->record->time_us + within_us;
    dispatch->round++;
    dispatch->told = dispatch->failed = 0;
    dispatch->open = true;
    delivery.state = STATE(DUE);
    delivery.why = (Liandong__V1__Delivery__Why)why;
    delivery.acknowledge_by_us = due_us;
    delivery.notice = notice;
    delivery.by = sv_borrow(dispatch->rank == DISPATCH_SUPERVISOR ? contacts->key : NULL);
    for (size_t i = 0; contacts != NULL && i < contacts->count; i++) {
        if (is_meant(&contacts->all[i], dispatch->rank)) {
            say_due(event, dispatch, &contacts->all[i], &delivery, notice, out);
        }
    }
    liandong__v1__notice__free_unpacked(notice, NULL);
    if (due_us != 0) {
        sv_timers_set(&core->timers, due_us, dispatch->identifier, dispatch->round);
    }
}

/* To the next rank that there is, or the end. */
static void go_on(struct sv_core *core, const struct sv_event *event, struct dispatch *dispatch,
                  bool failed, struct sv_outputs *out)
{
    int rank = dispatch->rank + 1;
    while (rank <= DISPATCH_SUPERVISOR && !anybody(core, dispatch, rank, out)) {
        rank++;
    }
    if (rank > DISPATCH_SUPERVISOR) {
        say_end(event, dispatch, STATE(UNREACHED), failed ? WHY(FAILED) : WHY(UNANSWERED), NULL,
                out);
        return;
    }
    dispatch->rank = rank;
    dispatch->again = false;
    tell_round(core, event, dispatch,
               rank == DISPATCH_SUPERVISOR ? WHY(SUPERVISOR) : WHY(NEXT_CONTACT), out);
}

/* ---- what happens to it ---- */

static struct dispatch *dispatch_make(const struct audience *audience, const char *place,
                                      const Liandong__V1__Notice *notice)
{
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (dispatch == NULL) {
        abort();
    }
    dispatch->identifier = strdup(notice->identifier);
    dispatch->place = strdup(place);
    dispatch->area = strdup(audience->area);
    dispatch->slug = strdup(audience->slug);
    dispatch->notice = malloc(liandong__v1__notice__get_packed_size(notice) + 1);
    if (dispatch->identifier == NULL || dispatch->place == NULL || dispatch->area == NULL ||
        dispatch->slug == NULL || dispatch->notice == NULL) {
        abort();
    }
    dispatch->notice_size = liandong__v1__notice__pack(notice, dispatch->notice);
    return dispatch;
}

void dispatch_begin(struct sv_core *core, const struct sv_event *event,
                    const struct audience *audience, const struct series *series,
                    const Liandong__V1__Notice *notice, int64_t acknowledge_within_us,
                    struct sv_outputs *out)
{
    const char *key = ld_arena_format(sv_arena(out), "%s.%s", audience->area, audience->slug);
    const char *place = ld_arena_format(sv_arena(out), "%s %s", key, series->key);
    struct dispatch *before = NULL;
    HASH_FIND(hh_place, core->places, place, strlen(place), before);
    if (before != NULL) {
        if (before->open) {
            say_end(event, before, STATE(STOPPED), WHY(REPLACED), NULL, out);
        }
        dispatch_remove(core, before);
    }
    const struct contacts *contacts = contacts_find(core, key);
    bool reachable = contacts != NULL && contacts->count > 0;
    if (!reachable && notice->scope != LIANDONG__V1__NOTICE__SCOPE__PUBLIC) {
        return;
    }
    struct dispatch *dispatch = dispatch_make(audience, place, notice);
    dispatch->acknowledge_within_us = acknowledge_within_us;
    dispatch_add(core, dispatch);
    if (!reachable) {
        return;
    }
    if (anybody(core, dispatch, 0, out)) {
        tell_round(core, event, dispatch, WHY(FIRST), out);
    } else {
        go_on(core, event, dispatch, false, out);
    }
}

/* A round that nobody has acknowledged in time: once more, then the next rank. */
static void on_late(struct sv_core *core, const struct sv_event *event, struct dispatch *dispatch,
                    struct sv_outputs *out)
{
    if (dispatch->again || !anybody(core, dispatch, dispatch->rank, out)) {
        go_on(core, event, dispatch, false, out);
        return;
    }
    dispatch->again = true;
    tell_round(core, event, dispatch, WHY(REPEATED), out);
}

void dispatch_due(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct sv_timer timer;
    while (sv_timers_pop(&core->timers, event->record->time_us, &timer)) {
        struct dispatch *dispatch = dispatch_find(core, timer.key);
        if (dispatch != NULL && dispatch->open && dispatch->round == timer.what) {
            on_late(core, event, dispatch, out);
        }
        free(timer.key);
    }
}

void dispatch_failed(struct sv_core *core, const struct sv_event *event, struct dispatch *dispatch,
                     struct sv_outputs *out)
{
    dispatch->failed++;
    if (dispatch->open && dispatch->failed == dispatch->told) {
        go_on(core, event, dispatch, true, out);
    }
}

void dispatch_acknowledged(struct sv_core *core, const struct sv_event *event,
                           struct dispatch *dispatch, const char *by, struct sv_outputs *out)
{
    (void)core;
    if (dispatch->open) {
        say_end(event, dispatch, STATE(STOPPED), WHY(ACKNOWLEDGED), by, out);
    }
}

bool dispatch_repeat(struct sv_core *core, const struct sv_event *event, struct dispatch *dispatch,
                     struct sv_outputs *out)
{
    int rank = dispatch->rank;
    while (rank <= DISPATCH_SUPERVISOR && !anybody(core, dispatch, rank, out)) {
        rank++;
    }
    if (rank > DISPATCH_SUPERVISOR) {
        return false;
    }
    dispatch->rank = rank;
    dispatch->again = true;
    tell_round(core, event, dispatch, WHY(BY_HAND), out);
    return true;
}

static bool belongs_to(const struct dispatch *dispatch, const char *incident)
{
    const char *series = strchr(dispatch->place, ' ') + 1;
    const char *named = strchr(series, ' ') + 1;
    size_t size = strlen(incident);
    return strncmp(named, incident, size) == 0 && (named[size] == '\0' || named[size] == ' ');
}

void dispatch_close(struct sv_core *core, const char *incident)
{
    struct dispatch *dispatch, *next;
    HASH_ITER(hh, core->dispatches, dispatch, next)
    {
        if (!dispatch->open && belongs_to(dispatch, incident)) {
            dispatch_remove(core, dispatch);
        }
    }
}

/* ---- snapshots ---- */

static void visit_one(struct dispatch *dispatch, struct sv_codec *codec)
{
    sv_code_string(codec, &dispatch->place);
    sv_code_string(codec, &dispatch->area);
    sv_code_string(codec, &dispatch->slug);
    sv_code_bytes(codec, &dispatch->notice, &dispatch->notice_size);
    sv_code_i64(codec, &dispatch->acknowledge_within_us);
    sv_code_int(codec, &dispatch->round);
    sv_code_int(codec, &dispatch->rank);
    sv_code_int(codec, &dispatch->told);
    sv_code_int(codec, &dispatch->failed);
    sv_code_bool(codec, &dispatch->again);
    sv_code_bool(codec, &dispatch->open);
}

/* Does what was loaded make sense? */
static bool is_whole(const struct dispatch *dispatch)
{
    if (dispatch->place == NULL || dispatch->area == NULL || dispatch->slug == NULL ||
        dispatch->rank < 0 || dispatch->rank > DISPATCH_SUPERVISOR) {
        return false;
    }
    const char *series = strchr(dispatch->place, ' ');
    Liandong__V1__Notice *notice = notice_of(dispatch);
    bool whole = series != NULL && strchr(series + 1, ' ') != NULL && notice != NULL &&
                 notice->context != NULL;
    if (notice != NULL) {
        liandong__v1__notice__free_unpacked(notice, NULL);
    }
    return whole;
}

static void load_one(struct sv_core *core, struct sv_codec *codec)
{
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    if (dispatch == NULL) {
        abort();
    }
    sv_code_string(codec, &dispatch->identifier);
    visit_one(dispatch, codec);
    if (!sv_codec_failed(codec) && dispatch->identifier != NULL && is_whole(dispatch)) {
        dispatch_add(core, dispatch);
        return;
    }
    sv_codec_fail(codec);
    free(dispatch->identifier);
    free(dispatch->place);
    free(dispatch->area);
    free(dispatch->slug);
    free(dispatch->notice);
    free(dispatch);
}

void dispatch_visit(struct sv_core *core, struct sv_codec *codec)
{
    size_t count = HASH_COUNT(core->dispatches);
    sv_code_count(codec, &count);
    struct dispatch *dispatch = core->dispatches;
    for (size_t i = 0; i < count && !sv_codec_failed(codec); i++) {
        if (sv_codec_loading(codec)) {
            load_one(core, codec);
            continue;
        }
        sv_code_string(codec, &dispatch->identifier);
        visit_one(dispatch, codec);
        dispatch = dispatch->hh.next;
    }
    sv_timers_visit(&core->timers, codec);
}
