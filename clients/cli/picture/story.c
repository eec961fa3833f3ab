/*
 * One teller per family. Happy path: flush what was gathered if time has moved on, then tell or
 * gather. A malformed or unknown record tells nothing. Names of units, areas and hazards come from
 * the plan on the log; before one is there, or if it cannot be loaded, ids are shown.
 */
#include "story.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enum_name.h"
#include "event_json.h"
#include "gather.h"
#include "keep.h"
#include "kinds.h"
#include "tell.h"
#include "timefmt.h"

static const char *const KIND_NAMES[STORY_KINDS] = {
    "plan",  "report",   "incident", "grade",  "warning", "response", "orders",
    "clock", "bulletin", "notice",   "supply", "refused", "repeat"};

const char *story_kind_name(enum story_kind kind)
{
    return KIND_NAMES[kind];
}

/* ---- names ---- */

const struct plan *story_names(const struct story *story)
{
    return story->names;
}

static void load_names(struct story *story, const Liandong__V1__PlanAdoption *adoption)
{
    struct ld_error error;
    struct plan *plan = NULL;
    const char *hash = adoption->context != NULL ? adoption->context->plan_hash : "";
    if (story->names != NULL && strcmp(story->names->hash, hash) == 0)
        return;
    struct plan_file *files = keep_zeroed((adoption->n_files + 1) * sizeof *files);
    for (size_t i = 0; i < adoption->n_files; i++)
        files[i] = (struct plan_file){.name = adoption->files[i]->name,
                                      .content = (const char *)adoption->files[i]->content.data,
                                      .size = adoption->files[i]->content.len};
    if (plan_load(files, adoption->n_files, &plan, NULL, &error) == LD_OK) {
        plan_free(story->names);
        story->names = plan;
    }
    free(files);
}

struct plan_text tell_unit(const struct story *story, const char *id)
{
    return story->names != NULL ? plan_unit_name(story->names, id) : (struct plan_text){id, id};
}

struct plan_text tell_area(const struct story *story, const char *code)
{
    return story->names != NULL ? plan_area_name(story->names, code)
                                : (struct plan_text){code, code};
}

static struct plan_text measure_name(const struct plan *names, const char *id)
{
    int index = names != NULL ? plan_find_measure(names, id) : -1;
    return index >= 0 ? names->measures[index].name : (struct plan_text){id, id};
}

/* NULL: no sign of this name. */
static const struct plan_text *sign_name(const struct plan *names, const char *id)
{
    int index = names != NULL ? plan_find_sign(names, id) : -1;
    return index >= 0 ? &names->signs[index].name : NULL;
}

struct plan_text tell_hazard(const struct story *story, const char *id)
{
    int index = story->names != NULL ? plan_find_hazard(story->names, id) : -1;
    return index >= 0 ? story->names->hazards[index].name : (struct plan_text){id, id};
}

/* ---- emitting ---- */

void tell(struct story *story, struct story_line *line, const char *zh, const char *en)
{
    json_t *details = line->details != NULL ? line->details : json_object();
    bool wanted = (story->kinds & STORY_BIT(line->kind)) != 0 &&
                  (story->incident == NULL || strcmp(story->incident, line->incident) == 0);
    line->text = (struct plan_text){zh, en};
    line->details = details;
    if (wanted)
        story->emit(line, story->data);
    json_decref(details);
    line->details = NULL;
}

/* A line about the record under way. */
static struct story_line line_of(const struct ld_record *record, const struct picture_event *event,
                                 enum story_kind kind)
{
    return (struct story_line){.kind = kind,
                               .time_us = record->time_us,
                               .sequence = record->sequence,
                               .exercise = (record->flags & LD_RECORD_EXERCISE) != 0,
                               .incident = event->incident != NULL ? event->incident->id : "",
                               .details = event_json_message(event->message)};
}

/* ---- plans, reports, incidents ---- */

static void tell_plan(struct story *story, struct story_line *line, const ProtobufCMessage *message)
{
    enum { HASH_SHOWN = 12 };
    const Liandong__V1__PlanAdoption *adoption = (const void *)message;
    load_names(story, adoption);
    const char *plan = adoption->context != NULL ? adoption->context->plan : "";
    const char *hash = adoption->context != NULL ? adoption->context->plan_hash : "";
    struct plan_text title = {plan, plan};
    if (story->names != NULL && strcmp(story->names->hash, hash) == 0)
        title = story->names->title;
    json_object_del(line->details, "files"); /* the plan itself is no part of its story */
    tell(story, line,
         ld_arena_format(&story->arena, "采用预案《%s》（%s，%.*s）", title.zh, plan, HASH_SHOWN,
                         hash),
         ld_arena_format(&story->arena, "plan adopted: %s (%s, %.*s)", title.en, plan, HASH_SHOWN,
                         hash));
}

static void put_signs(struct ld_buffer *buffer, char *const *signs, size_t count,
                      const struct plan *names, bool zh)
{
    for (size_t i = 0; i < count; i++) {
        const struct plan_text *name = sign_name(names, signs[i]);
        const char *text = name == NULL ? signs[i] : zh ? name->zh : name->en;
        ld_buffer_format(buffer, "%s%s", i > 0 ? zh ? "，" : ", " : "", text);
    }
}

/* What the report says: figures, then facts, then facts that are no longer so. */
static void put_content(struct ld_buffer *buffer, const Liandong__V1__Report *report,
                        const struct plan *names, bool zh)
{
    const char *comma = zh ? "，" : ", ", *semicolon = zh ? "；" : "; ";
    for (size_t i = 0; i < report->n_measures; i++) {
        const Liandong__V1__Measure *measure = report->measures[i];
        struct plan_text name = measure_name(names, measure->measure);
        ld_buffer_format(buffer, "%s%s %g", i > 0 ? comma : "", zh ? name.zh : name.en,
                         measure->value);
    }
    size_t said = report->n_measures;
    if (report->n_signs > 0)
        ld_buffer_text(buffer, said > 0 ? semicolon : "");
    put_signs(buffer, report->signs, report->n_signs, names, zh);
    said += report->n_signs;
    if (report->n_signs_lifted > 0)
        ld_buffer_format(buffer, "%s%s", said > 0 ? semicolon : "", zh ? "不再：" : "no longer: ");
    put_signs(buffer, report->signs_lifted, report->n_signs_lifted, names, zh);
    if (said + report->n_signs_lifted == 0)
        ld_buffer_text(buffer, zh ? "无数字" : "no figures");
}

static void tell_report(struct story *story, struct story_line *line,
                        const Liandong__V1__Incident *incident)
{
    char word[ENUM_WORD_SIZE];
    const Liandong__V1__Report *report = incident->report;
    if (report == NULL)
        return;
    struct ld_buffer zh = {0}, en = {0};
    struct plan_text by = tell_unit(story, incident->reporter);
    struct plan_text area = tell_area(story, report->area);
    static const char *const KINDS_ZH[] = {"报告", "首报", "续报", "结案报告", "零报告"};
    int kind = (int)report->kind >= 0 && (int)report->kind <= 4 ? (int)report->kind : 0;
    enum_word(word, &liandong__v1__report__kind__descriptor, kind);
    ld_buffer_format(&zh, "%s%s（%s）：", by.zh, KINDS_ZH[kind], area.zh);
    ld_buffer_format(&en, "%s: %s report, %s: ", by.en, word, area.en);
    put_content(&zh, report, story->names, true);
    put_content(&en, report, story->names, false);
    line->kind = STORY_REPORT;
    line->details = event_json_message(&report->base);
    tell(story, line, ld_buffer_string(&zh), ld_buffer_string(&en));
    ld_buffer_free(&zh);
    ld_buffer_free(&en);
}

static void tell_incident(struct story *story, struct story_line *line,
                          const ProtobufCMessage *message)
{
    const Liandong__V1__Incident *incident = (const void *)message;
    struct plan_text hazard = tell_hazard(story, incident->hazard);
    struct plan_text area = tell_area(story, incident->area);
    if (incident->action == LIANDONG__V1__INCIDENT__ACTION__CLOSED) {
        tell(story, line, ld_arena_format(&story->arena, "事件 %s 结案", line->incident),
             ld_arena_format(&story->arena, "incident %s closed", line->incident));
        return;
    }
    if (incident->action == LIANDONG__V1__INCIDENT__ACTION__OPENED) {
        tell(story, line,
             ld_arena_format(&story->arena, "立案 %s：%s%s", line->incident, area.zh, hazard.zh),
             ld_arena_format(&story->arena, "incident %s opened: %s, %s", line->incident, hazard.en,
                             area.en));
    } else {
        json_decref(line->details);
        line->details = NULL;
    }
    tell_report(story, line, incident);
}

/* ---- grade ---- */

static void put_count(struct ld_buffer *buffer, const struct story *story,
                      const Liandong__V1__Count *count, bool zh)
{
    struct plan_text area = tell_area(story, count->area);
    struct plan_text measure = measure_name(story->names, count->measure);
    const struct plan_text *sign = sign_name(story->names, count->measure);
    if (sign != NULL) {
        ld_buffer_format(buffer, zh ? "；%s %s" : "; %s %s", zh ? area.zh : area.en,
                         zh ? sign->zh : sign->en);
        return;
    }
    char window[LD_TIME_TEXT_SIZE] = "";
    if (count->to_us > count->from_us && count->from_us != 0)
        ld_duration_format(window, count->to_us - count->from_us);
    ld_buffer_format(buffer, "%s%s%s%s %s %g", zh ? "；" : "; ", zh ? area.zh : area.en,
                     window[0] != '\0' ? " " : "", window, zh ? measure.zh : measure.en,
                     count->value);
    if (count->has_at_least)
        ld_buffer_format(buffer, " (%s %g)", count->more_than ? ">" : "≥", count->at_least);
}

static void put_criterion(struct ld_buffer *buffer, const struct story *story,
                          const Liandong__V1__Criterion *criterion, bool zh)
{
    const Liandong__V1__Text *text = criterion->text;
    ld_buffer_format(buffer, zh ? "（%s）%s" : " (%s) %s", criterion->section,
                     text == NULL ? ""
                     : zh         ? text->zh
                                  : text->en);
    for (size_t i = 0; i < criterion->n_counts; i++)
        if (criterion->counts[i]->holds)
            put_count(buffer, story, criterion->counts[i], zh);
}

static void tell_grade(struct story *story, struct story_line *line,
                       const ProtobufCMessage *message)
{
    const Liandong__V1__Grade *grade = (const void *)message;
    struct plan_text name = plan_level_grade((int)grade->level);
    const char *level = plan_level_name((int)grade->level);
    struct ld_buffer zh = {0}, en = {0};
    line->level = (int)grade->level;
    if (grade->level != grade->previous) {
        ld_buffer_format(&zh, "分级 %s级（%s）", level, name.zh);
        ld_buffer_format(&en, "grade %s (%s)", level, name.en);
    } else if (grade->suggested != grade->level) {
        const char *lower = plan_level_name((int)grade->suggested);
        ld_buffer_format(&zh, "分级仍为%s级，按数字建议降为 %s", level, lower);
        ld_buffer_format(&en, "grade stays %s; by the figures %s is suggested", level, lower);
    }
    for (size_t i = 0; i < grade->n_holding && i < 1 && zh.size > 0; i++) {
        put_criterion(&zh, story, grade->holding[i], true);
        put_criterion(&en, story, grade->holding[i], false);
    }
    if (zh.size > 0 &&
        (grade->level != grade->previous || story->suggested != (int)grade->suggested))
        tell(story, line, ld_buffer_string(&zh), ld_buffer_string(&en));
    json_decref(line->details);
    line->details = NULL;
    story->suggested = (int)grade->suggested;
    ld_buffer_free(&zh);
    ld_buffer_free(&en);
}

/* ---- clocks, supplies, refusals ---- */

/* What goes well is told once for each clock: its being met the first time. */
static bool first_time(struct story *story, const Liandong__V1__Clock *clock)
{
    struct told_clock *told;
    if (clock->state != LIANDONG__V1__CLOCK__STATE__MET)
        return false;
    HASH_FIND_STR(story->clocks, clock->clock, told);
    if (told != NULL)
        return false;
    told = keep_zeroed(sizeof *told);
    told->clock = keep_format("%s", clock->clock);
    HASH_ADD_KEYPTR(hh, story->clocks, told->clock, strlen(told->clock), told);
    return true;
}

/* From the second miss in a row: which it is, and for how long nothing has been heard. */
static struct plan_text silence_of(struct story *story, const Liandong__V1__Clock *clock)
{
    char silent[LD_TIME_TEXT_SIZE];
    if (clock->missed_in_a_row < 2)
        return (struct plan_text){"", ""};
    ld_duration_format(silent, clock->due_at_us - clock->silent_since_us);
    return (struct plan_text){ld_arena_format(&story->arena, "，连续第 %u 次，已 %s 无消息",
                                              clock->missed_in_a_row, silent),
                              ld_arena_format(&story->arena, ", %u in a row, silent for %s",
                                              clock->missed_in_a_row, silent)};
}

static void tell_clock(struct story *story, struct story_line *line,
                       const ProtobufCMessage *message)
{
    static const struct plan_text WORDS[] = {
        {"", ""},          {"起算", "started"}, {"将到期", "about to end"},
        {"已满足", "met"}, {"超时", "missed"},  {"取消", "cancelled"}};
    const Liandong__V1__Clock *clock = (const void *)message;
    char late[LD_TIME_TEXT_SIZE] = "";
    int state = (int)clock->state >= 0 && (int)clock->state <= 5 ? (int)clock->state : 0;
    struct plan_text unit = tell_unit(story, clock->responsible);
    const Liandong__V1__Text *text = clock->text;
    if (clock->late_us > 0)
        ld_duration_format(late, clock->late_us);
    line->alarming = clock->state == LIANDONG__V1__CLOCK__STATE__MISSED || clock->late_us > 0;
    if (!line->alarming && !first_time(story, clock)) {
        json_decref(line->details);
        line->details = NULL;
        return;
    }
    struct plan_text silence = silence_of(story, clock);
    tell(story, line,
         ld_arena_format(&story->arena, "时限%s%s%s%s：%s（%s，%s）%s", WORDS[state].zh,
                         late[0] != '\0' ? "，迟 " : "", late, silence.zh, unit.zh, clock->clock,
                         clock->section, text != NULL ? text->zh : ""),
         ld_arena_format(&story->arena, "clock %s%s%s%s: %s (%s, %s) %s", WORDS[state].en,
                         late[0] != '\0' ? ", late by " : "", late, silence.en, unit.en,
                         clock->clock, clock->section, text != NULL ? text->en : ""));
}

/* " (entry) text link", what there is of it. */
static const char *content_of(struct story *story, const Liandong__V1__Bulletin *bulletin,
                              const char *text, const char *other)
{
    const char *entry = bulletin->entry, *link = bulletin->link;
    const char *said = text[0] != '\0' ? text : other;
    return ld_arena_format(&story->arena, "%s%s%s%s%s%s%s", entry[0] != '\0' ? " (" : "", entry,
                           entry[0] != '\0' ? ")" : "", said[0] != '\0' ? " " : "", said,
                           link[0] != '\0' ? " " : "", link);
}

/* A bulletin is told when it is taken. */
static void tell_bulletin(struct story *story, struct story_line *line,
                          const Liandong__V1__Bulletin *bulletin)
{
    struct plan_text kind = kind_of_bulletin((int)bulletin->kind);
    struct plan_text unit = tell_unit(story, bulletin->context->author);
    const Liandong__V1__Text *text = bulletin->text;
    const char *zh = text != NULL ? text->zh : "", *en = text != NULL ? text->en : "";
    line->kind = STORY_BULLETIN;
    json_decref(line->details);
    line->details = event_json_message(&bulletin->base);
    tell(story, line,
         ld_arena_format(&story->arena, "%s：%s%s", unit.zh, kind.zh,
                         content_of(story, bulletin, zh, en)),
         ld_arena_format(&story->arena, "%s: %s%s", unit.en, kind.en,
                         content_of(story, bulletin, en, zh)));
}

static void tell_supply(struct story *story, struct story_line *line,
                        const ProtobufCMessage *message)
{
    const Liandong__V1__SupplyMovement *movement = (const void *)message;
    struct plan_text kind = kind_of_movement((int)movement->kind);
    int index = story->names != NULL ? plan_find_item(story->names, movement->item) : -1;
    struct plan_text item = index >= 0 ? story->names->items[index].name
                                       : (struct plan_text){movement->item, movement->item};
    const char *text = ld_arena_format(&story->arena, "%lld, %s → %s",
                                       (long long)movement->quantity, movement->from, movement->to);
    tell(story, line, ld_arena_format(&story->arena, "物资 %s：%s %s", kind.zh, item.zh, text),
         ld_arena_format(&story->arena, "supply %s: %s %s", kind.en, item.en, text));
}

static void tell_receipt(struct story *story, struct story_line *line,
                         const ProtobufCMessage *message)
{
    const Liandong__V1__Receipt *receipt = (const void *)message;
    const Liandong__V1__Text *reason = receipt->reason;
    if (receipt->accepted) {
        json_decref(line->details);
        line->details = NULL;
        return;
    }
    line->alarming = true;
    tell(story, line,
         ld_arena_format(&story->arena, "拒收 %s（%s%s%s）：%s", receipt->subject, receipt->code,
                         receipt->section[0] != '\0' ? "，" : "", receipt->section,
                         reason != NULL ? reason->zh : ""),
         ld_arena_format(&story->arena, "refused %s (%s%s%s): %s", receipt->subject, receipt->code,
                         receipt->section[0] != '\0' ? ", " : "", receipt->section,
                         reason != NULL ? reason->en : ""));
}

/* ---- the whole ---- */

typedef void tell_fn(struct story *story, struct story_line *line, const ProtobufCMessage *message);
static const struct {
    tell_fn *tell;
    enum story_kind kind;
} TELLERS[SV_FAMILY_COUNT] = {
    [SV_PLAN] = {tell_plan, STORY_PLAN},
    [SV_INCIDENT] = {tell_incident, STORY_INCIDENT},
    [SV_GRADE] = {tell_grade, STORY_GRADE},
    [SV_WARNING] = {tell_warning, STORY_WARNING},
    [SV_RESPONSE] = {tell_response, STORY_RESPONSE},
    [SV_CLOCK] = {tell_clock, STORY_CLOCK},
    [SV_SUPPLY] = {tell_supply, STORY_SUPPLY},
    [SV_RECEIPT] = {tell_receipt, STORY_REFUSED},
};

struct story *story_open(unsigned kinds, const char *incident, story_line_fn *emit, void *data)
{
    struct story *story = keep_zeroed(sizeof *story);
    *story = (struct story){.kinds = kinds, .incident = incident, .emit = emit, .data = data};
    return story;
}

static void forget_clocks(struct story *story)
{
    struct told_clock *told, *next;
    HASH_ITER(hh, story->clocks, told, next)
    {
        HASH_DEL(story->clocks, told);
        free(told->clock);
        free(told);
    }
}

void story_close(struct story *story)
{
    if (story == NULL)
        return;
    gather_clear(story);
    forget_clocks(story);
    plan_free(story->names);
    ld_arena_free(&story->arena);
    free(story);
}

void story_flush(struct story *story)
{
    gather_flush(story);
    ld_arena_reset(&story->arena);
}

void story_take(struct story *story, const struct ld_record *record,
                const struct picture_event *event)
{
    if (event->message == NULL)
        return;
    if (story->gathered_us != record->time_us || event->family == SV_RESPONSE)
        story_flush(story);
    story->gathered_us = record->time_us;
    if (event->family == SV_DUTY || event->family == SV_NOTICE) {
        gather(story, record, event);
        return;
    }
    if (TELLERS[event->family].tell == NULL)
        return;
    struct story_line line = line_of(record, event, TELLERS[event->family].kind);
    if (event->taken != NULL)
        tell_bulletin(story, &line, event->taken);
    else
        TELLERS[event->family].tell(story, &line, event->message);
    ld_arena_reset(&story->arena);
}
