/*
 * Happy path: each record goes to the picture and the story; by its family it then makes an item or
 * adds to one. Items are found again by a key made of what they are, never of where they stand.
 */
#include "course.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "picture/enum_name.h"
#include "picture/keep.h"

#define ADDED (UINT64_C(1) << 63) /* places beyond any log's: inputs that it does not have */

static void keep_line(const struct story_line *line, void *data)
{
    struct course *course = data;
    course->lines =
        keep_room(course->lines, course->line_count, &course->line_capacity, sizeof *course->lines);
    course->lines[course->line_count++] =
        (struct course_line){.time_us = line->time_us,
                             .level = line->level,
                             .alarming = line->alarming,
                             .zh = keep_format("%s", line->text.zh),
                             .en = keep_format("%s", line->text.en)};
}

void course_open(struct course *course)
{
    *course = (struct course){0};
    picture_init(&course->picture);
    course->story = story_open((STORY_USUAL | STORY_BIT(STORY_REPORT)) & ~STORY_BIT(STORY_REFUSED),
                               NULL, keep_line, course);
}

static void free_item(struct course_item *item)
{
    char *texts[] = {item->key,  item->incident, item->who, item->what,   item->section, item->by,
                     item->code, item->zh,       item->en,  item->say_zh, item->say_en};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    free(item);
}

void course_close(struct course *course)
{
    struct course_item *item, *next;
    HASH_ITER(hh, course->items, item, next)
    {
        HASH_DEL(course->items, item);
        free_item(item);
    }
    for (size_t i = 0; i < course->span_count; i++)
        free(course->spans[i].incident);
    for (size_t i = 0; i < course->line_count; i++) {
        free(course->lines[i].zh);
        free(course->lines[i].en);
    }
    free(course->spans);
    free(course->lines);
    free(course->places);
    story_close(course->story);
    picture_free(&course->picture);
}

const struct plan *course_names(const struct course *course)
{
    return story_names(course->story);
}

/* ---- items ---- */

static void set(char **slot, const char *text)
{
    free(*slot);
    *slot = keep_format("%s", text != NULL ? text : "");
}

static void set_text(struct course_item *item, const Liandong__V1__Text *text)
{
    set(&item->zh, text != NULL ? text->zh : "");
    set(&item->en, text != NULL ? text->en : "");
}

/* The item of the key, which it takes over; made when there is none: *made says so. */
static struct course_item *item_of(struct course *course, char *key, enum course_kind kind,
                                   bool *made)
{
    struct course_item *item;
    HASH_FIND_STR(course->items, key, item);
    *made = item == NULL;
    if (item != NULL) {
        free(key);
        return item;
    }
    item = keep_zeroed(sizeof *item);
    item->key = key;
    item->kind = kind;
    char **texts[] = {&item->incident, &item->who, &item->what, &item->section, &item->by,
                      &item->code,     &item->zh,  &item->en,   &item->say_zh,  &item->say_en};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        set(texts[i], "");
    HASH_ADD_KEYPTR(hh, course->items, item->key, strlen(item->key), item);
    return item;
}

static const char *incident_id(const Liandong__V1__Context *context)
{
    return context != NULL ? context->incident : "";
}

/* A moment: kept when it comes for the first time. */
static struct course_item *moment(struct course *course, const struct ld_record *record,
                                  enum course_kind kind, const Liandong__V1__Context *context,
                                  const char *who, int level)
{
    bool made;
    const char *incident = incident_id(context);
    struct course_item *item =
        item_of(course, keep_format("%d %s %s %d", (int)kind, incident, who, level), kind, &made);
    if (!made)
        return NULL;
    item->level = level;
    item->time_us = record->time_us;
    set(&item->incident, incident);
    set(&item->who, who);
    return item;
}

/* ---- spans ---- */

static void span(struct course *course, const char *incident, bool response, int level,
                 int64_t time_us)
{
    for (size_t i = course->span_count; i > 0; i--) {
        struct course_span *at = &course->spans[i - 1];
        if (at->response != response || at->until_us != 0 || strcmp(at->incident, incident) != 0)
            continue;
        if (at->level == level)
            return;
        at->until_us = time_us;
        break;
    }
    if (level == PLAN_NONE)
        return;
    course->spans =
        keep_room(course->spans, course->span_count, &course->span_capacity, sizeof *course->spans);
    course->spans[course->span_count++] =
        (struct course_span){keep_format("%s", incident), response, level, time_us, 0};
}

/* ---- grades, warnings, responses ---- */

static void take_incident(struct course *course, const struct ld_record *record,
                          const ProtobufCMessage *message)
{
    const Liandong__V1__Incident *incident = (const void *)message;
    bool closed = incident->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED;
    struct course_item *item = moment(course, record, closed ? COURSE_CLOSED : COURSE_OPENED,
                                      incident->context, "", PLAN_NONE);
    if (item == NULL || incident->context == NULL || closed)
        return;
    set(&item->what, incident->context->plan);
    set(&item->by, incident->context->plan_hash);
}

/* The sections of the criteria of that level that hold. */
static void set_sections(struct course_item *item, Liandong__V1__Criterion *const *holding,
                         size_t count, int level)
{
    struct ld_buffer sections = {0};
    for (size_t i = 0; i < count; i++)
        if ((int)holding[i]->level == level)
            ld_buffer_format(&sections, "%s%s", sections.size > 0 ? "; " : "", holding[i]->section);
    set(&item->section, ld_buffer_string(&sections));
    ld_buffer_free(&sections);
}

static void take_grade(struct course *course, const struct ld_record *record,
                       const ProtobufCMessage *message)
{
    const Liandong__V1__Grade *grade = (const void *)message;
    int level = (int)grade->level;
    span(course, incident_id(grade->context), false, level, record->time_us);
    struct course_item *item =
        level == PLAN_NONE ? NULL : moment(course, record, COURSE_GRADE, grade->context, "", level);
    if (item != NULL)
        set_sections(item, grade->holding, grade->n_holding, level);
}

static void take_warning(struct course *course, const struct ld_record *record,
                         const ProtobufCMessage *message)
{
    const Liandong__V1__Warning *warning = (const void *)message;
    bool suggested = warning->state == LIANDONG__V1__WARNING__STATE__SUGGESTED;
    int level = (int)warning->level;
    if (level == PLAN_NONE || warning->state == LIANDONG__V1__WARNING__STATE__LIFTED)
        return;
    struct course_item *item = moment(course, record, suggested ? COURSE_SUGGESTED : COURSE_ISSUED,
                                      warning->context, suggested ? "" : warning->area, level);
    if (item == NULL)
        return;
    set_sections(item, warning->holding, warning->n_holding, level);
    if (item->section[0] == '\0')
        set(&item->section, warning->section);
}

/* The response of the incident's own area, or of the county that it begins in. */
static bool is_main_area(const struct course *course, const Liandong__V1__Response *response)
{
    const struct picture_incident *incident =
        picture_select(&course->picture, incident_id(response->context));
    return incident == NULL || incident->last == NULL ||
           strcmp(incident->last->area, response->area) == 0;
}

static void take_response(struct course *course, const struct ld_record *record,
                          const ProtobufCMessage *message)
{
    const Liandong__V1__Response *response = (const void *)message;
    int level = (int)response->in_force;
    bool ended = response->state == LIANDONG__V1__RESPONSE__STATE__TERMINATED;
    if (is_main_area(course, response))
        span(course, incident_id(response->context), true, level, record->time_us);
    if (level == PLAN_NONE && !ended)
        return;
    struct course_item *item = moment(course, record, ended ? COURSE_ENDED : COURSE_RESPONSE,
                                      response->context, response->area, level);
    if (item == NULL)
        return;
    set(&item->section, response->section);
    set(&item->by, response->by);
}

/* ---- orders, clocks, notices ---- */

static void take_order(struct course *course, const struct ld_record *record,
                       const ProtobufCMessage *message)
{
    const DutyOrder *order = (const void *)message;
    bool made, issued = order->state == LIANDONG__V1__DUTY_ORDER__STATE__ISSUED;
    (void)record;
    if (order->reminder || (!issued && order->state != LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE))
        return;
    struct course_item *item = item_of(
        course,
        keep_format("order %s %s %s", incident_id(order->context), order->unit, order->duty),
        COURSE_ORDERS, &made);
    item->count[issued ? COURSE_ISSUES : COURSE_LATE]++;
    if (!made)
        return;
    set(&item->incident, incident_id(order->context));
    set(&item->who, order->unit);
    set(&item->what, order->duty);
    set(&item->section, order->section);
    set_text(item, order->text);
}

static void take_clock(struct course *course, const struct ld_record *record,
                       const ProtobufCMessage *message)
{
    const Liandong__V1__Clock *clock = (const void *)message;
    bool made;
    (void)record;
    struct course_item *item = item_of(course,
                                       keep_format("clock %s %s %s", incident_id(clock->context),
                                                   clock->responsible, clock->clock),
                                       COURSE_CLOCK, &made);
    bool met = clock->state == LIANDONG__V1__CLOCK__STATE__MET;
    item->count[COURSE_RUNNING] += clock->state == LIANDONG__V1__CLOCK__STATE__STARTED;
    item->count[COURSE_MET] += met && clock->late_us == 0;
    item->count[COURSE_MET_LATE] += met && clock->late_us > 0;
    item->count[COURSE_MISSED] += clock->state == LIANDONG__V1__CLOCK__STATE__MISSED;
    if (!made)
        return;
    set(&item->incident, incident_id(clock->context));
    set(&item->who, clock->responsible);
    set(&item->what, clock->clock);
    set(&item->section, clock->section);
    set_text(item, clock->text);
}

static void take_notice(struct course *course, const struct ld_record *record,
                        const ProtobufCMessage *message)
{
    const Liandong__V1__Notice *notice = (const void *)message;
    const char *audience = strcmp(notice->audience, "public") == 0 ? "public" : "units";
    char kind[ENUM_WORD_SIZE];
    bool made;
    enum_word(kind, &liandong__v1__notice__kind__descriptor, (int)notice->kind);
    struct course_item *item =
        item_of(course,
                keep_format("notice %s %s %d %s", incident_id(notice->context), kind,
                            (int)notice->level, audience),
                COURSE_NOTICE, &made);
    item->count[COURSE_ISSUES]++;
    if (!made)
        return;
    item->level = (int)notice->level;
    item->time_us = record->time_us;
    set(&item->incident, incident_id(notice->context));
    set(&item->who, audience);
    set(&item->what, kind);
    set(&item->section, notice->section);
    set_text(item, notice->headline);
}

/* ---- events from outside and their answers ---- */

void course_input(struct course *course, uint64_t in_log)
{
    course->next_in_log = in_log;
}

void course_added(struct course *course)
{
    course->next_in_log = ADDED | ++course->added;
}

static void say(struct course_item *item, const struct picture_event *event)
{
    char word[ENUM_WORD_SIZE] = "";
    const void *message = event->message;
    if (message == NULL)
        return;
    if (event->family == SV_DECISION) {
        const Liandong__V1__Decision *decision = message;
        enum_word(word, &liandong__v1__decision__act__descriptor, (int)decision->act);
        item->level = (int)decision->level;
        set(&item->incident, incident_id(decision->context));
    } else if (event->family == SV_REPLY) {
        const Liandong__V1__DutyReply *reply = message;
        enum_word(word, &liandong__v1__duty_reply__action__descriptor, (int)reply->action);
        set(&item->incident, incident_id(reply->context));
        set(&item->what, strchr(reply->order, '/') != NULL ? strchr(reply->order, '/') + 1 : "");
    } else if (event->family == SV_REPORT) {
        const Liandong__V1__Report *report = message;
        enum_word(word, &liandong__v1__report__kind__descriptor, (int)report->kind);
        set(&item->what, report->hazard);
    } else if (event->family == SV_NEED) {
        const Liandong__V1__SupplyAct *act = message;
        enum_word(word, &liandong__v1__supply_act__verb__descriptor, (int)act->verb);
        set(&item->what, act->item);
    }
    set(&item->say_en, word);
}

static void take_input(struct course *course, const struct ld_record *record,
                       const struct picture_event *event)
{
    struct course_place place = {record->sequence, course->next_in_log};
    bool made;
    course->next_in_log = 0;
    if (event->family == SV_TICK)
        return;
    course->places = keep_room(course->places, course->place_count, &course->place_capacity,
                               sizeof *course->places);
    course->places[course->place_count++] = place;
    struct course_item *item = item_of(
        course, keep_format("input %llu", (unsigned long long)place.in_log), COURSE_ANSWER, &made);
    const char *end = record->topic + record->topic_size, *author = end;
    while (author > record->topic && author[-1] != '/')
        author--;
    item->sequence = (place.in_log & ADDED) != 0 ? 0 : place.in_log;
    item->time_us = record->time_us;
    item->family = event->family;
    free(item->who);
    item->who = keep_format("%.*s", (int)(end - author), author);
    say(item, event);
}

static uint64_t place_in_log(const struct course *course, uint64_t in_run)
{
    size_t low = 0, high = course->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (course->places[middle].in_run < in_run)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < course->place_count && course->places[low].in_run == in_run;
    return found ? course->places[low].in_log : 0;
}

static void add_refused(struct course *course, int64_t time_us, char *zh, char *en, size_t refused)
{
    course->lines =
        keep_room(course->lines, course->line_count, &course->line_capacity, sizeof *course->lines);
    course->lines[course->line_count++] = (struct course_line){
        .time_us = time_us, .alarming = true, .refused = refused, .zh = zh, .en = en};
}

/* Replies are many and refused alike: one line for all of a moment. */
static void tell_replies(struct course *course, const struct ld_record *record, const char *code)
{
    struct course_line *last =
        course->line_count > 0 ? &course->lines[course->line_count - 1] : NULL;
    bool more = last != NULL && last->refused > 0 && last->time_us == record->time_us;
    size_t count = more ? last->refused + 1 : 1;
    char *zh = keep_format("拒收任务回复 %zu 个（%s）", count, code);
    char *en = keep_format("%zu replies to orders refused (%s)", count, code);
    if (!more) {
        add_refused(course, record->time_us, zh, en, 1);
        return;
    }
    free(last->zh);
    free(last->en);
    last->refused = count;
    last->zh = zh;
    last->en = en;
}

static void tell_refused(struct course *course, const struct ld_record *record,
                         const struct course_item *item, const Liandong__V1__Receipt *receipt)
{
    const char *between = item->section[0] != '\0' ? ", " : "";
    story_flush(course->story);
    if (item->family == SV_REPLY)
        tell_replies(course, record, item->code);
    else
        add_refused(course, record->time_us,
                    keep_format("拒收 %s（%s%s%s）：%s", receipt->subject, item->code, between,
                                item->section, item->zh),
                    keep_format("refused %s (%s%s%s): %s", receipt->subject, item->code, between,
                                item->section, item->en),
                    0);
}

static void take_receipt(struct course *course, const struct ld_record *record,
                         const ProtobufCMessage *message)
{
    const Liandong__V1__Receipt *receipt = (const void *)message;
    uint64_t in_log =
        receipt->context != NULL ? place_in_log(course, receipt->context->causation) : 0;
    bool made;
    if (in_log == 0)
        return;
    struct course_item *item = item_of(
        course, keep_format("input %llu", (unsigned long long)in_log), COURSE_ANSWER, &made);
    const char *author = record->topic + record->topic_size;
    while (author[-1] != '/')
        author--;
    free(item->who); /* a reply's topic ends with the duty */
    item->who = keep_format("%.*s", (int)(record->topic + record->topic_size - author), author);
    item->answered = true;
    item->accepted = receipt->accepted;
    set(&item->code, receipt->code);
    set(&item->section, receipt->section);
    set_text(item, receipt->reason);
    if (!receipt->accepted)
        tell_refused(course, record, item, receipt);
}

/* ---- the whole ---- */

typedef void take_fn(struct course *course, const struct ld_record *record,
                     const ProtobufCMessage *message);
static take_fn *const TAKERS[SV_FAMILY_COUNT] = {
    [SV_INCIDENT] = take_incident, [SV_GRADE] = take_grade,    [SV_WARNING] = take_warning,
    [SV_RESPONSE] = take_response, [SV_DUTY] = take_order,     [SV_CLOCK] = take_clock,
    [SV_NOTICE] = take_notice,     [SV_RECEIPT] = take_receipt};

void course_take(struct course *course, const struct ld_record *record)
{
    struct picture_event event;
    picture_apply(&course->picture, record, &event);
    story_take(course->story, record, &event);
    if (course->first_us == 0)
        course->first_us = record->time_us;
    course->last_us = record->time_us;
    if (course->next_in_log != 0)
        take_input(course, record, &event);
    else if (event.message != NULL && TAKERS[event.family] != NULL)
        TAKERS[event.family](course, record, event.message);
}

void course_end(struct course *course)
{
    story_flush(course->story);
}
