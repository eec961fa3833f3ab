/*
 * Emitting: what a core puts out becomes a packed payload, topic and producer sequence, kept in
 * the arena until the next event. Building blocks (context, texts) come from the same arena.
 */
#include "inside.h"

#include <assert.h>
#include <liandong/topic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "liandong/v1/plan.pb-c.h"

enum { INDEX_MAX = 0x7fff, WORLD_BIT = 0x8000, SEQUENCE_SHIFT = 16 };

void sv_outputs_begin(struct sv_outputs *out)
{
    ld_arena_reset(&out->arena);
    out->count = 0;
}

void sv_outputs_free(struct sv_outputs *out)
{
    ld_arena_free(&out->arena);
    free(out->all);
    *out = (struct sv_outputs){0};
}

struct ld_arena *sv_arena(struct sv_outputs *out)
{
    return &out->arena;
}

static struct sv_output *add(struct sv_outputs *out)
{
    if (out->count == out->capacity) {
        size_t capacity = out->capacity ? out->capacity * 2 : 16;
        struct sv_output *all = realloc(out->all, capacity * sizeof *all);
        if (!all)
            abort();
        out->all = all;
        out->capacity = capacity;
    }
    return &out->all[out->count++];
}

static void put(struct sv_outputs *out, const ProtobufCMessage *message, const char *topic)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    assert(size <= LD_PAYLOAD_SIZE_MAX);
    assert(out->index < INDEX_MAX);
    uint8_t *payload = ld_arena_alloc(&out->arena, size);
    protobuf_c_message_pack(message, payload);
    uint64_t low = ++out->index | (out->exercise ? WORLD_BIT : 0u);
    *add(out) = (struct sv_output){
        .producer = out->producer,
        .producer_id = out->producer_id,
        .producer_sequence = out->input << SEQUENCE_SHIFT | low,
        .topic = topic,
        .payload = payload,
        .payload_size = size,
        .flags = out->exercise ? LD_RECORD_EXERCISE : 0,
    };
}

void sv_emit(struct sv_outputs *out, const ProtobufCMessage *message, const char *topic_format, ...)
{
    char topic[LD_TOPIC_SIZE_MAX + 1];
    va_list arguments;
    va_start(arguments, topic_format);
    int size = vsnprintf(topic, sizeof topic, topic_format, arguments);
    va_end(arguments);
    assert(size > 0 && (size_t)size < sizeof topic);
    assert(ld_topic_check(topic, (size_t)size, NULL) == LD_OK);
    put(out, message, ld_arena_string(&out->arena, topic, (size_t)size));
}

/* ---- building blocks ---- */

struct Liandong__V1__Context *sv_context(struct sv_outputs *out, const struct sv_event *event,
                                         const char *incident, const struct plan *plan)
{
    Liandong__V1__Context *context = ld_arena_alloc(&out->arena, sizeof *context);
    liandong__v1__context__init(context);
    context->incident = sv_borrow(incident);
    context->plan = sv_borrow(plan ? plan->id : NULL);
    context->plan_hash = sv_borrow(plan ? plan->hash : NULL);
    context->causation = event->record->sequence;
    context->author = sv_borrow(out->service);
    return context;
}

struct Liandong__V1__Text *sv_text(struct sv_outputs *out, const char *zh, const char *en)
{
    Liandong__V1__Text *text = ld_arena_alloc(&out->arena, sizeof *text);
    liandong__v1__text__init(text);
    text->zh = sv_borrow(zh);
    text->en = sv_borrow(en);
    return text;
}

struct Liandong__V1__Text *sv_text_of(struct sv_outputs *out, struct plan_text text)
{
    return sv_text(out, text.zh, text.en);
}

/* ---- receipts ---- */

static bool is_segment(const char *text)
{
    return text && *text && strlen(text) <= 100 && !strchr(text, '/') &&
           ld_topic_check(text, strlen(text), NULL) == LD_OK;
}

static const char *adopter_of(const struct sv_event *event)
{
    const Liandong__V1__PlanAdoption *adoption = (const void *)event->message;
    return adoption && adoption->context ? adoption->context->author : "operator";
}

/* The unit that the input's topic names: docs/events.md. */
static const char *author_of(struct sv_outputs *out, const struct sv_event *event)
{
    size_t last = event->segment_count;
    if (event->family == SV_REPLY && last >= 3)
        return ld_arena_format(&out->arena, "%s.%s", event->segment[1], event->segment[2]);
    if (event->family == SV_PLAN)
        return adopter_of(event);
    return last >= 3 ? event->segment[last - 1] : "unknown";
}

static void put_receipt(struct sv_outputs *out, const struct sv_event *event,
                        Liandong__V1__Receipt *receipt)
{
    if (out->exercise != event->exercise)
        return; /* an actual plan adoption reaches both worlds; its own world answers */
    const char *area = event->segment_count > 1 ? event->segment[1] : NULL;
    const char *author = author_of(out, event);
    if (event->family == SV_PLAN)
        area = event->plan ? event->plan->area : "cn";
    receipt->subject = sv_borrow(event->topic);
    sv_emit(out, &receipt->base, "receipt/%s/%s", is_segment(area) ? area : "unknown",
            is_segment(author) ? author : "unknown");
}

void sv_refuse(struct sv_outputs *out, const struct sv_event *event, const char *code,
               const char *section, const char *zh, const char *en)
{
    Liandong__V1__Receipt answer = LIANDONG__V1__RECEIPT__INIT;
    answer.context = sv_context(out, event, NULL, NULL);
    answer.code = sv_borrow(code);
    answer.section = sv_borrow(section);
    answer.reason = sv_text(out, zh, en);
    put_receipt(out, event, &answer);
}

void sv_accept_as(struct sv_outputs *out, const struct sv_event *event, const char *incident,
                  const struct plan *plan, const char *code, const char *zh, const char *en)
{
    Liandong__V1__Receipt answer = LIANDONG__V1__RECEIPT__INIT;
    answer.context = sv_context(out, event, incident, plan);
    answer.accepted = true;
    answer.code = sv_borrow(code);
    answer.reason = sv_text(out, zh, en);
    put_receipt(out, event, &answer);
}

void sv_accept(struct sv_outputs *out, const struct sv_event *event, const char *incident,
               const struct plan *plan)
{
    sv_accept_as(out, event, incident, plan, "accepted", "已受理", "taken");
}
