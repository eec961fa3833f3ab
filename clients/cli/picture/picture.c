/*
 * The reducer behind picture.h. Happy path: decode by family, find or make the incident, keep a
 * copy of the message where the newest one counts. A malformed payload is counted and passed on as
 * such; a message without the fields it needs is kept as far as it goes. Memory that ends aborts,
 * as everything kept has been bounded by the record's size.
 */
#include "picture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keep.h"

typedef void apply_fn(struct picture *picture, const struct ld_record *record,
                      struct picture_event *event);

static const Liandong__V1__Context *context_of(const ProtobufCMessage *message)
{
    /* Every message of the pipeline begins with its context. */
    struct first_field {
        ProtobufCMessage base;
        Liandong__V1__Context *context;
    };
    return ((const struct first_field *)message)->context;
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static bool is_exercise(const struct ld_record *record)
{
    return (record->flags & LD_RECORD_EXERCISE) != 0;
}

/* ---- incidents ---- */

static struct picture_incident *find_key(const struct picture *picture, const char *key)
{
    struct picture_incident *found;
    HASH_FIND_STR(picture->incidents, key, found);
    return found;
}

static char *world_key(bool exercise, const char *rest)
{
    return keep_format("%c %s", exercise ? 'x' : 'a', rest);
}

struct picture_incident *picture_find(const struct picture *picture, bool exercise, const char *id)
{
    char *key = world_key(exercise, id);
    struct picture_incident *found = find_key(picture, key);
    free(key);
    return found;
}

struct picture_incident *picture_select(const struct picture *picture, const char *id)
{
    if (id != NULL) {
        struct picture_incident *actual = picture_find(picture, false, id);
        return actual != NULL ? actual : picture_find(picture, true, id);
    }
    struct picture_incident *newest = picture->incidents;
    for (struct picture_incident *at = newest; at != NULL; at = at->hh.next)
        newest = at;
    return newest;
}

static struct picture_incident *incident_of(struct picture *picture, const struct ld_record *record,
                                            const char *id)
{
    if (id == NULL || id[0] == '\0')
        return NULL;
    char *key = world_key(is_exercise(record), id);
    struct picture_incident *found = find_key(picture, key);
    if (found != NULL) {
        free(key);
        return found;
    }
    struct picture_incident *made = keep_zeroed(sizeof *made);
    made->key = key;
    made->id = key + 2;
    made->exercise = is_exercise(record);
    made->opened_sequence = record->sequence;
    HASH_ADD_KEYPTR(hh, picture->incidents, made->key, strlen(made->key), made);
    return made;
}

static void keep_report(struct picture_incident *incident, const Liandong__V1__Incident *message)
{
    const Liandong__V1__Report *report = message->report;
    if (report == NULL)
        return;
    struct picture_report *made = keep_zeroed(sizeof *made), *old;
    const char *reporter = or_empty(message->reporter);
    if (report->revises != NULL && report->revises[0] != '\0') {
        char *revised = keep_format("%s %s", reporter, report->revises);
        HASH_FIND_STR(incident->reports, revised, old);
        free(revised);
        if (old != NULL)
            KEEP_DROP(old->report);
    }
    made->key = keep_format("%s %s %llu", reporter, or_empty(report->id),
                            (unsigned long long)message->report_sequence);
    made->report = keep_copy(&report->base);
    char *plain = keep_format("%s %s", reporter, or_empty(report->id));
    HASH_FIND_STR(incident->reports, plain, old);
    if (old == NULL) { /* the id is free: later revisions find the report by it */
        free(made->key);
        made->key = plain;
    } else {
        free(plain);
    }
    HASH_ADD_KEYPTR(hh, incident->reports, made->key, strlen(made->key), made);
}

static void apply_incident(struct picture *picture, const struct ld_record *record,
                           struct picture_event *event)
{
    const Liandong__V1__Incident *message = (const void *)event->message;
    struct picture_incident *incident = event->incident;
    (void)picture;
    if (incident == NULL)
        return;
    KEEP_REPLACE(incident->last, event->message);
    incident->closed = message->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    incident->closed_at_us = incident->closed ? record->time_us : 0;
    keep_report(incident, message);
}

static void apply_grade(struct picture *picture, const struct ld_record *record,
                        struct picture_event *event)
{
    (void)picture;
    (void)record;
    if (event->incident != NULL)
        KEEP_REPLACE(event->incident->grade, event->message);
}

static void apply_warning(struct picture *picture, const struct ld_record *record,
                          struct picture_event *event)
{
    (void)picture;
    (void)record;
    const Liandong__V1__Warning *message = (const void *)event->message;
    struct picture_incident *incident = event->incident;
    if (incident == NULL)
        return;
    if (message->state == LIANDONG__V1__WARNING__STATE__SUGGESTED)
        KEEP_REPLACE(incident->warning, event->message);
    else if (incident->last == NULL || strcmp(message->area, incident->last->area) == 0)
        KEEP_REPLACE(incident->warning_step, event->message);
}

static void apply_response(struct picture *picture, const struct ld_record *record,
                           struct picture_event *event)
{
    const Liandong__V1__Response *message = (const void *)event->message;
    struct picture_incident *incident = event->incident;
    (void)picture;
    (void)record;
    if (incident == NULL)
        return;
    const char *area = or_empty(message->area);
    struct picture_response *response;
    HASH_FIND_STR(incident->responses, area, response);
    if (response == NULL) {
        response = keep_zeroed(sizeof *response);
        response->area = keep_format("%s", area);
        HASH_ADD_KEYPTR(hh, incident->responses, response->area, strlen(response->area), response);
    }
    KEEP_REPLACE(response->last, event->message);
}

/* ---- orders, clocks, notices ---- */

static void note_state(struct picture_order *order, const struct ld_record *record)
{
    const DutyOrder *last = order->last;
    if (last->reminder)
        return;
    order->changed_at_us = record->time_us;
    switch (last->state) {
    case LIANDONG__V1__DUTY_ORDER__STATE__ISSUED:
        order->issues++;
        order->issued_at_us = record->time_us; /* a repeated duty is to be seen anew */
        order->acknowledged_at_us = order->done_at_us = 0;
        order->cause = last->context != NULL ? last->context->causation : 0;
        break;
    case LIANDONG__V1__DUTY_ORDER__STATE__ACKNOWLEDGED:
    case LIANDONG__V1__DUTY_ORDER__STATE__ACCEPTED:
    case LIANDONG__V1__DUTY_ORDER__STATE__DECLINED:
    case LIANDONG__V1__DUTY_ORDER__STATE__IN_PROGRESS:
    case LIANDONG__V1__DUTY_ORDER__STATE__DONE:
        if (order->acknowledged_at_us == 0)
            order->acknowledged_at_us = record->time_us;
        if (last->state == LIANDONG__V1__DUTY_ORDER__STATE__DONE)
            order->done_at_us = record->time_us;
        break;
    case LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE:
        order->overdue = true;
        break;
    case LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED:
        order->escalated = true;
        break;
    default:
        break;
    }
}

static void apply_duty(struct picture *picture, const struct ld_record *record,
                       struct picture_event *event)
{
    const DutyOrder *message = (const void *)event->message;
    struct picture_incident *incident = event->incident;
    (void)picture;
    if (incident == NULL)
        return;
    char *key = keep_format("%s %s", or_empty(message->unit), or_empty(message->order));
    struct picture_order *order;
    HASH_FIND_STR(incident->orders, key, order);
    if (order == NULL) {
        order = keep_zeroed(sizeof *order);
        order->key = key;
        HASH_ADD_KEYPTR(hh, incident->orders, order->key, strlen(order->key), order);
    } else {
        free(key);
    }
    KEEP_REPLACE(order->last, event->message);
    note_state(order, record);
    event->order = order;
}

/* What was missed stays so when it is no longer asked for. */
static bool stays_missed(const struct picture_clock *clock, const Liandong__V1__Clock *message)
{
    return clock->last != NULL && clock->last->state == LIANDONG__V1__CLOCK__STATE__MISSED &&
           message->state == LIANDONG__V1__CLOCK__STATE__CANCELLED;
}

static void apply_clock(struct picture *picture, const struct ld_record *record,
                        struct picture_event *event)
{
    const Liandong__V1__Clock *message = (const void *)event->message;
    struct picture_incident *incident = event->incident;
    char area[LD_TOPIC_SIZE_MAX + 1];
    (void)picture;
    if (incident == NULL)
        return;
    sv_topic_area(record->topic, record->topic_size, area);
    char *key = keep_format("%s %s %s %lld", or_empty(message->clock), area,
                            or_empty(message->responsible), (long long)message->started_at_us);
    struct picture_clock *clock;
    HASH_FIND_STR(incident->clocks, key, clock);
    if (clock == NULL) {
        clock = keep_zeroed(sizeof *clock);
        clock->key = key;
        HASH_ADD_KEYPTR(hh, incident->clocks, clock->key, strlen(clock->key), clock);
    } else {
        free(key);
    }
    if (!stays_missed(clock, message))
        KEEP_REPLACE(clock->last, event->message);
}

static void apply_notice(struct picture *picture, const struct ld_record *record,
                         struct picture_event *event)
{
    struct picture_incident *incident = event->incident;
    (void)picture;
    if (incident == NULL)
        return;
    incident->notices = keep_room(incident->notices, incident->notice_count,
                                  &incident->notice_capacity, sizeof *incident->notices);
    incident->notices[incident->notice_count++] =
        (struct picture_notice){.notice = keep_copy(event->message), .sequence = record->sequence};
}

/* ---- what belongs to no incident ---- */

static void apply_bulletin(struct picture *picture, const struct ld_record *record,
                           struct picture_event *event)
{
    struct picture_bulletin *made = keep_zeroed(sizeof *made);
    made->sequence = record->sequence;
    made->bulletin = keep_copy(event->message);
    HASH_ADD(hh, picture->bulletins, sequence, sizeof made->sequence, made);
}

/* The bulletin that a receipt answers is forgotten; a taken one lives as long as the event. */
static void answer_bulletin(struct picture *picture, uint64_t sequence, struct picture_event *event)
{
    const Liandong__V1__Receipt *receipt = (const void *)event->message;
    struct picture_bulletin *found;
    HASH_FIND(hh, picture->bulletins, &sequence, sizeof sequence, found);
    if (found == NULL)
        return;
    HASH_DEL(picture->bulletins, found);
    KEEP_DROP(picture->answered);
    picture->answered = found->bulletin;
    free(found);
    event->taken = receipt->accepted ? picture->answered : NULL;
}

static void apply_receipt(struct picture *picture, const struct ld_record *record,
                          struct picture_event *event)
{
    const Liandong__V1__Receipt *message = (const void *)event->message;
    (void)record;
    uint64_t causation = message->context != NULL ? message->context->causation : 0;
    struct picture_receipt *receipt;
    HASH_FIND(hh, picture->receipts, &causation, sizeof causation, receipt);
    if (receipt == NULL) {
        receipt = keep_zeroed(sizeof *receipt);
        receipt->causation = causation;
        HASH_ADD(hh, picture->receipts, causation, sizeof receipt->causation, receipt);
    }
    receipt->count++;
    picture->refused += !message->accepted;
    answer_bulletin(picture, causation, event);
    KEEP_REPLACE(receipt->last, event->message);
}

static void set_balance(struct picture *picture, bool exercise, const char *item,
                        const char *holder, int64_t quantity)
{
    if (holder[0] == '\0')
        return;
    char *key = keep_format("%c %s %s", exercise ? 'x' : 'a', item, holder);
    struct picture_balance *balance;
    HASH_FIND_STR(picture->balances, key, balance);
    if (balance == NULL) {
        balance = keep_zeroed(sizeof *balance);
        balance->key = key;
        balance->holder = key + 2 + strlen(item) + 1;
        balance->item = keep_format("%s", item);
        balance->exercise = exercise;
        HASH_ADD_KEYPTR(hh, picture->balances, balance->key, strlen(balance->key), balance);
    } else {
        free(key);
    }
    balance->quantity = quantity;
}

static void apply_supply(struct picture *picture, const struct ld_record *record,
                         struct picture_event *event)
{
    const Liandong__V1__SupplyMovement *message = (const void *)event->message;
    picture->movements = keep_room(picture->movements, picture->movement_count,
                                   &picture->movement_capacity, sizeof *picture->movements);
    picture->movements[picture->movement_count++] =
        (struct picture_movement){.movement = keep_copy(event->message),
                                  .sequence = record->sequence,
                                  .time_us = record->time_us,
                                  .exercise = is_exercise(record)};
    if (!message->entry)
        return;
    const char *item = or_empty(message->item);
    set_balance(picture, is_exercise(record), item, or_empty(message->from), message->from_balance);
    set_balance(picture, is_exercise(record), item, or_empty(message->to), message->to_balance);
}

static void apply_plan(struct picture *picture, const struct ld_record *record,
                       struct picture_event *event)
{
    const Liandong__V1__Context *context = context_of(event->message);
    if (context == NULL)
        return;
    char *key = world_key(is_exercise(record), or_empty(context->plan));
    struct picture_plan *plan;
    HASH_FIND_STR(picture->plans, key, plan);
    if (plan == NULL) {
        plan = keep_zeroed(sizeof *plan);
        plan->key = key;
        plan->plan = key + 2;
        plan->exercise = is_exercise(record);
        HASH_ADD_KEYPTR(hh, picture->plans, plan->key, strlen(plan->key), plan);
    } else {
        free(key);
    }
    free(plan->hash);
    plan->hash = keep_format("%s", or_empty(context->plan_hash));
    plan->sequence = record->sequence;
}

static const char PRODUCER_TOPIC[] = "sys/producer/";

static void note_producer(struct picture *picture, const struct ld_record *record)
{
    size_t head = sizeof PRODUCER_TOPIC - 1;
    if (record->topic_size <= head || memcmp(record->topic, PRODUCER_TOPIC, head) != 0)
        return;
    uint64_t id = ld_producer_id((const char *)record->payload, record->payload_size);
    if (picture_producer_name(picture, id) != NULL)
        return;
    struct picture_producer *made = keep_zeroed(sizeof *made);
    made->id = id;
    made->name = keep_format("%.*s", (int)record->payload_size, (const char *)record->payload);
    HASH_ADD(hh, picture->producers, id, sizeof made->id, made);
}

/* ---- the whole ---- */

static apply_fn *const APPLY[SV_FAMILY_COUNT] = {
    [SV_RECEIPT] = apply_receipt,   [SV_INCIDENT] = apply_incident, [SV_CLOCK] = apply_clock,
    [SV_GRADE] = apply_grade,       [SV_WARNING] = apply_warning,   [SV_DUTY] = apply_duty,
    [SV_RESPONSE] = apply_response, [SV_NOTICE] = apply_notice,     [SV_SUPPLY] = apply_supply,
    [SV_PLAN] = apply_plan,         [SV_BULLETIN] = apply_bulletin,
};

/* Only what a service derives makes or changes an incident; an input may name anything. */
static bool derived(enum sv_family family)
{
    return family == SV_INCIDENT || family == SV_CLOCK || family == SV_GRADE ||
           family == SV_WARNING || family == SV_RESPONSE || family == SV_DUTY ||
           family == SV_NOTICE;
}

/* The incident that a refused input's topic names. */
static struct picture_incident *incident_named(const struct picture *picture,
                                               const struct ld_record *record, const char *topic)
{
    char segment[LD_TOPIC_SIZE_MAX + 1];
    for (const char *at = topic; *at != '\0'; at += *at == '/') {
        size_t size = strcspn(at, "/");
        snprintf(segment, sizeof segment, "%.*s", (int)size, at);
        struct picture_incident *found = picture_find(picture, is_exercise(record), segment);
        if (found != NULL)
            return found;
        at += size;
    }
    return NULL;
}

static void find_incident(struct picture *picture, const struct ld_record *record,
                          struct picture_event *event)
{
    const Liandong__V1__Context *context = context_of(event->message);
    if (context == NULL || context->incident == NULL)
        return;
    if (derived(event->family))
        event->incident = incident_of(picture, record, context->incident);
    else if (context->incident[0] != '\0')
        event->incident = picture_find(picture, is_exercise(record), context->incident);
    else if (event->family == SV_RECEIPT)
        event->incident = incident_named(
            picture, record,
            or_empty(((const Liandong__V1__Receipt *)(const void *)event->message)->subject));
}

void picture_init(struct picture *picture)
{
    memset(picture, 0, sizeof *picture);
}

void picture_apply(struct picture *picture, const struct ld_record *record,
                   struct picture_event *event)
{
    struct ld_error error;
    ProtobufCMessage *message = NULL;
    *event = (struct picture_event){.family = sv_family_of(record->topic, record->topic_size)};
    picture->sequence = record->sequence;
    picture->time_us = record->time_us;
    picture->events++;
    if (sv_family_descriptor(event->family) == NULL) {
        note_producer(picture, record);
        return;
    }
    ld_arena_reset(&picture->arena);
    if (sv_decode(event->family, record->payload, record->payload_size, &picture->arena, &message,
                  &error) != LD_OK) {
        picture->malformed++;
        event->fault = ld_arena_string(&picture->arena, error.text, strlen(error.text));
        return;
    }
    event->message = message;
    find_incident(picture, record, event);
    if (APPLY[event->family] != NULL)
        APPLY[event->family](picture, record, event);
}
