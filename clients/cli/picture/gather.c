/*
 * Groups by incident and what happened (a state of orders, or a notice), each with its distinct
 * units. Groups are told in the order in which they began.
 */
#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_name.h"
#include "keep.h"
#include "kinds.h"
#include "timefmt.h"

struct gathered_unit {
    char *id;
    UT_hash_handle hh;
};

struct gathered {
    char *key;
    char *incident;
    bool exercise, notice, repeat;
    int state; /* DutyOrder.State, or Notice.Kind */
    int level;
    bool to_public;
    uint64_t sequence; /* of the first */
    size_t count;      /* orders or notices */
    struct gathered_unit *units;
    UT_hash_handle hh;
};

/* How many units are named one by one in a line; beside the states: a reminder. */
enum { UNITS_NAMED_MAX = 4, REMINDED = LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN + 1 };

static struct gathered *group(struct story *story, const struct ld_record *record,
                              const struct picture_event *event, bool notice, int state,
                              bool repeat)
{
    const char *incident = event->incident != NULL ? event->incident->id : "";
    char *key = keep_format("%s %d %d %d", incident, notice, state, repeat);
    struct gathered *found;
    HASH_FIND_STR(story->gathered, key, found);
    if (found != NULL) {
        free(key);
        return found;
    }
    found = keep_zeroed(sizeof *found);
    *found = (struct gathered){.key = key,
                               .incident = keep_format("%s", incident),
                               .exercise = (record->flags & LD_RECORD_EXERCISE) != 0,
                               .notice = notice,
                               .repeat = repeat,
                               .state = state,
                               .sequence = record->sequence};
    HASH_ADD_KEYPTR(hh, story->gathered, found->key, strlen(found->key), found);
    return found;
}

static void add_unit(struct gathered *group, const char *id)
{
    struct gathered_unit *unit;
    HASH_FIND_STR(group->units, id, unit);
    if (unit != NULL)
        return;
    unit = keep_zeroed(sizeof *unit);
    unit->id = keep_format("%s", id);
    HASH_ADD_KEYPTR(hh, group->units, unit->id, strlen(unit->id), unit);
}

/* A duty that comes again and again, and is on its way. */
static bool repeats(const struct picture_order *order)
{
    if (order == NULL)
        return false;
    int state = (int)order->last->state;
    bool well = state != LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE &&
                state != LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED &&
                state != LIANDONG__V1__DUTY_ORDER__STATE__DECLINED &&
                state != LIANDONG__V1__DUTY_ORDER__STATE__WITHDRAWN;
    return well && (order->issues > 1 || state == LIANDONG__V1__DUTY_ORDER__STATE__SUPERSEDED);
}

void gather(struct story *story, const struct ld_record *record, const struct picture_event *event)
{
    struct gathered *into;
    if (event->family == SV_DUTY) {
        const DutyOrder *order = (const void *)event->message;
        int state = order->reminder ? REMINDED : (int)order->state;
        into = group(story, record, event, false, state, repeats(event->order));
        into->level = (int)order->level;
        add_unit(into, order->unit);
    } else {
        const Liandong__V1__Notice *notice = (const void *)event->message;
        into = group(story, record, event, true, (int)notice->kind, false);
        into->level = (int)notice->level;
        if (strcmp(notice->audience, "public") == 0)
            into->to_public = true;
        else
            add_unit(into, notice->audience);
    }
    into->count++;
}

/* ---- telling ---- */

static const struct plan_text STATE_WORDS[] = {
    {"", ""},
    {"下达", "issued to"},
    {"送达", "delivered to"},
    {"已确认", "acknowledged by"},
    {"已接受", "accepted by"},
    {"被拒绝", "declined by"},
    {"办理中", "in progress at"},
    {"已办结", "done by"},
    {"逾期未办", "overdue at"},
    {"已上报督办", "escalated, of"},
    {"已替换", "superseded, of"},
    {"已撤销", "withdrawn from"},
    {"临近期限", "nearly due at"},
};

static bool alarming(const struct gathered *group)
{
    return !group->notice && (group->state == LIANDONG__V1__DUTY_ORDER__STATE__OVERDUE ||
                              group->state == LIANDONG__V1__DUTY_ORDER__STATE__ESCALATED ||
                              group->state == LIANDONG__V1__DUTY_ORDER__STATE__DECLINED);
}

static void put_units(struct ld_buffer *buffer, const struct story *story,
                      const struct gathered *group, bool zh)
{
    unsigned count = HASH_COUNT(group->units);
    if (count == 0 || count > UNITS_NAMED_MAX)
        return;
    const struct gathered_unit *first = group->units;
    for (const struct gathered_unit *at = first; at != NULL; at = at->hh.next) {
        struct plan_text name = tell_unit(story, at->id);
        ld_buffer_format(buffer, "%s%s",
                         at == first ? zh ? "：" : ": "
                         : zh        ? "、"
                                     : ", ",
                         zh ? name.zh : name.en);
    }
}

static json_t *details_of(const struct gathered *group)
{
    char word[ENUM_WORD_SIZE];
    const ProtobufCEnumDescriptor *states = group->notice
                                                ? &liandong__v1__notice__kind__descriptor
                                                : &liandong__v1__duty_order__state__descriptor;
    json_t *units = json_array();
    for (const struct gathered_unit *at = group->units; at != NULL; at = at->hh.next)
        json_array_append_new(units, json_string(at->id));
    json_t *details = json_object();
    json_object_set_new(details, group->notice ? "kind" : "state",
                        json_string(!group->notice && group->state == REMINDED
                                        ? "reminded"
                                        : enum_word(word, states, group->state)));
    json_object_set_new(details, group->notice ? "notices" : "orders",
                        json_integer((json_int_t)group->count));
    if (group->notice)
        json_object_set_new(details, "public", json_boolean(group->to_public));
    json_object_set_new(details, "level", json_string(plan_level_name(group->level)));
    json_object_set_new(details, "units", units);
    return details;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void put_notices(const struct gathered *group, struct ld_buffer *zh, struct ld_buffer *en)
{
    struct plan_text kind = kind_of_notice(group->state);
    ld_buffer_format(zh, "通知（%s）：%u 个单位%s", kind.zh, HASH_COUNT(group->units),
                     group->to_public ? "和公众" : "");
    unsigned units = HASH_COUNT(group->units);
    ld_buffer_format(en, "notices (%s): %u unit%s%s", kind.en, units, plural(units),
                     group->to_public ? " and the public" : "");
}

static void put_orders(const struct story *story, const struct gathered *group,
                       struct ld_buffer *zh, struct ld_buffer *en)
{
    enum { WORDS = sizeof STATE_WORDS / sizeof STATE_WORDS[0] };
    bool known = group->state >= 0 && group->state < WORDS;
    struct plan_text word = known ? STATE_WORDS[group->state] : (struct plan_text){"?", "?"};
    unsigned units = HASH_COUNT(group->units);
    ld_buffer_format(zh, "%zu 项任务%s（%u 个单位）", group->count, word.zh, units);
    ld_buffer_format(en, "%zu order%s %s %u unit%s", group->count, plural(group->count), word.en,
                     units, plural(units));
    put_units(zh, story, group, true);
    put_units(en, story, group, false);
}

static void tell_group(struct story *story, const struct gathered *group)
{
    struct ld_buffer zh = {0}, en = {0};
    enum story_kind kind = group->notice   ? STORY_NOTICE
                           : group->repeat ? STORY_REPEAT
                                           : STORY_ORDERS;
    struct story_line line = {.kind = kind,
                              .time_us = story->gathered_us,
                              .sequence = group->sequence,
                              .exercise = group->exercise,
                              .alarming = alarming(group),
                              .incident = group->incident,
                              .details = details_of(group)};
    if (group->notice)
        put_notices(group, &zh, &en);
    else
        put_orders(story, group, &zh, &en);
    tell(story, &line, ld_buffer_string(&zh), ld_buffer_string(&en));
    ld_buffer_free(&zh);
    ld_buffer_free(&en);
}

static void drop(struct story *story, struct gathered *group)
{
    struct gathered_unit *unit, *next;
    HASH_ITER(hh, group->units, unit, next)
    {
        HASH_DEL(group->units, unit);
        free(unit->id);
        free(unit);
    }
    HASH_DEL(story->gathered, group);
    free(group->key);
    free(group->incident);
    free(group);
}

void gather_clear(struct story *story)
{
    struct gathered *group, *next;
    HASH_ITER(hh, story->gathered, group, next)
    drop(story, group);
}

void gather_flush(struct story *story)
{
    for (const struct gathered *at = story->gathered; at != NULL; at = at->hh.next)
        tell_group(story, at);
    gather_clear(story);
}
