/*
 * Bulletins: checking what a unit lets the others know, and answering it with one receipt.
 *
 * One function a rule, in the order in which the unit would want to know; the first rule broken
 * answers with a stable code (docs/events.md). A bulletin that is taken meets clocks; it opens and
 * closes nothing.
 */
#include "reporting.h"

#include <string.h>
#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/common.pb-c.h"

enum { TEXT_MAX_BYTES = 16384, LINK_MAX_BYTES = 2000, ENTRY_MAX_BYTES = 100 };

#define SAY(...) ld_arena_format(sv_arena(notice->out), __VA_ARGS__)

static bool no(const struct notice *notice, const char *code, const char *section, const char *zh,
               const char *en)
{
    sv_refuse(notice->out, notice->event, code, section, zh, en);
    return false;
}

static const char *shown(const struct notice *notice, const char *text)
{
    return reporting_shown(notice->out, text);
}

/* ---- the envelope ---- */

static bool check_envelope(struct notice *notice)
{
    const struct sv_event *event = notice->event;
    if (!event->message)
        return no(notice, "malformed", NULL, SAY("报文无法解析：%s", event->fault),
                  SAY("cannot be decoded: %s", event->fault));
    if (event->segment_count != 4)
        return no(notice, "bad-topic", NULL,
                  SAY("主题是 %s，应为 bulletin/<区划>/<事件>/<单位>", event->topic),
                  SAY("topic is %s, expected bulletin/<area>/<incident>/<unit>", event->topic));
    notice->area = event->segment[1];
    notice->unit = event->segment[3];
    return true;
}

static bool check_names(struct notice *notice)
{
    const Liandong__V1__Context *context = notice->bulletin->context;
    const char *author = context ? context->author : "",
               *incident = context ? context->incident : "";
    const char *named = notice->event->segment[2];
    if (strcmp(author, notice->unit) != 0)
        return no(notice, "wrong-author", NULL,
                  SAY("信息署名 %s，但主题中的单位是 %s，二者须一致", shown(notice, author),
                      notice->unit),
                  SAY("author is '%s', but the topic names %s: they must be the same",
                      shown(notice, author), notice->unit));
    if (strcmp(incident, named) != 0)
        return no(notice, "topic-mismatch", NULL,
                  SAY("信息内容关于事件 %s，主题为 %s，二者须一致", shown(notice, incident), named),
                  SAY("it is about incident '%s', its topic about %s: they must be the same",
                      shown(notice, incident), named));
    return true;
}

/* ---- what it says ---- */

static const char *zh_of(const Liandong__V1__Bulletin *bulletin)
{
    return bulletin->text ? bulletin->text->zh : "";
}

static const char *en_of(const Liandong__V1__Bulletin *bulletin)
{
    return bulletin->text ? bulletin->text->en : "";
}

static bool check_sizes(struct notice *notice)
{
    const Liandong__V1__Bulletin *bulletin = notice->bulletin;
    const struct {
        const char *field, *text;
        size_t limit;
    } texts[] = {{"text.zh", zh_of(bulletin), TEXT_MAX_BYTES},
                 {"text.en", en_of(bulletin), TEXT_MAX_BYTES},
                 {"link", bulletin->link, LINK_MAX_BYTES},
                 {"entry", bulletin->entry, ENTRY_MAX_BYTES}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t size = strlen(texts[i].text);
        if (size > texts[i].limit)
            return no(
                notice, "too-long", NULL,
                SAY("字段 %s 有 %zu 字节，最多 %zu", texts[i].field, size, texts[i].limit),
                SAY("field %s has %zu bytes, at most %zu", texts[i].field, size, texts[i].limit));
    }
    return true;
}

static bool is_link(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static bool check_content(struct notice *notice)
{
    const Liandong__V1__Bulletin *bulletin = notice->bulletin;
    if (bulletin->kind < LIANDONG__V1__BULLETIN__KIND__ASSESSMENT ||
        bulletin->kind > LIANDONG__V1__BULLETIN__KIND__DAILY)
        return no(notice, "bad-kind", NULL, SAY("信息种类 %d 未知", (int)bulletin->kind),
                  SAY("kind %d is unknown: assessment, map, press, summary, evaluation, meeting, "
                      "notice or daily",
                      (int)bulletin->kind));
    if (!*zh_of(bulletin) && !*en_of(bulletin) && !*bulletin->link)
        return no(notice, "empty", NULL, "既无文字又无链接，请至少填写一项",
                  "neither text nor link: give at least one of them");
    if (*bulletin->link && !is_link(bulletin->link))
        return no(
            notice, "bad-link", NULL,
            SAY("链接 %s 应以 https:// 或 http:// 开头", shown(notice, bulletin->link)),
            SAY("link '%s' must begin with https:// or http://", shown(notice, bulletin->link)));
    if (bulletin->from_us < 0 || bulletin->to_us < bulletin->from_us)
        return no(notice, "bad-period", NULL, "所述时段无效：结束不得早于开始",
                  "the period is no valid one: it must not end before it begins");
    return true;
}

/* ---- which incident, and who may speak of it ---- */

static bool outlasts(Liandong__V1__Bulletin__Kind kind)
{
    return kind == LIANDONG__V1__BULLETIN__KIND__SUMMARY ||
           kind == LIANDONG__V1__BULLETIN__KIND__EVALUATION;
}

static bool check_incident(struct notice *notice)
{
    const char *id = notice->event->segment[2];
    size_t number = incident_number(notice->core, id);
    if (number == NOTHING)
        return no(notice, "unknown-incident", NULL, SAY("没有事件 %s；请核对编号", id),
                  SAY("there is no incident '%s': check its name", id));
    const struct incident *incident = &notice->core->incidents[number];
    if (!incident->open && !outlasts(notice->bulletin->kind))
        return no(notice, "incident-closed", NULL, SAY("事件 %s 已结案，只收总结和评估", id),
                  SAY("incident %s is closed: only a summary or evaluation is taken", id));
    notice->incident = number;
    notice->plan = incident->plan;
    return true;
}

static bool begins(const char *text, const char *head, size_t head_size)
{
    return strncmp(text, head, head_size) == 0;
}

/* Does the unit's own area contain the area? The nation contains all. */
static bool speaks_for(const char *unit, const char *area)
{
    size_t size = strcspn(unit, ".");
    return begins(area, unit, size) || (size == 2 && begins(unit, "cn", size));
}

static bool check_place(struct notice *notice)
{
    const struct plan *plan = notice->plan;
    const char *unit = notice->unit, *area = notice->area;
    if (plan_find_unit(plan, unit) < 0)
        return no(notice, "unknown-unit", NULL, SAY("单位 %s 不在词汇表中", unit),
                  SAY("unit %s is not in the vocabulary", unit));
    if (plan_find_area(plan, area) < 0 || !begins(area, plan->area, strlen(plan->area)))
        return no(notice, "unknown-area", NULL,
                  SAY("区划 %s 不是 %s 或其所辖县（市、区）", area, plan->area),
                  SAY("area %s is neither %s nor one of its counties", area, plan->area));
    if (!speaks_for(unit, area))
        return no(
            notice, "other-area", NULL,
            SAY("%s 不能代表区划 %s 发布信息；只能就本区划发布", unit, area),
            SAY("%s does not speak for area %s: only for its own or a part of it", unit, area));
    return true;
}

/* ---- who owes it ---- */

static const struct plan_rhythm *rhythm_of(const struct plan_organisation *level,
                                           Liandong__V1__Bulletin__Kind kind)
{
    switch (kind) {
    case LIANDONG__V1__BULLETIN__KIND__PRESS:
        return &level->press;
    case LIANDONG__V1__BULLETIN__KIND__ASSESSMENT:
        return &level->assessment;
    case LIANDONG__V1__BULLETIN__KIND__MAP:
        return &level->map;
    case LIANDONG__V1__BULLETIN__KIND__MEETING:
        return &level->meeting;
    default:
        return NULL;
    }
}

/* About the whole city, what the plan leaves to a unit comes from that unit, at whatever level. */
static bool check_rhythm(struct notice *notice)
{
    const struct plan *plan = notice->plan;
    const struct plan_rhythm *named = NULL;
    if (strcmp(notice->area, plan->area) != 0)
        return true;
    for (int level = PLAN_IV; level >= PLAN_I; level--) {
        const struct plan_rhythm *rhythm =
            rhythm_of(&plan->organisation[level], notice->bulletin->kind);
        if (!rhythm || rhythm->every_us == 0)
            continue;
        if (strcmp(rhythm->by, notice->unit) == 0)
            return true;
        named = named ? named : rhythm;
    }
    if (!named)
        return true;
    struct plan_text name = plan_unit_name(plan, named->by);
    return no(notice, "not-responsible", named->section,
              SAY("按预案，全市的此类信息由%s发布", name.zh),
              SAY("by the plan, %s (%s) does this for the city", name.en, named->by));
}

struct entry { /* of the plan, that a bulletin may answer */
    const char *section;
    const char *const *by;
    size_t by_count;
};

static bool find_entry(const struct plan *plan, const char *id, struct entry *entry)
{
    for (size_t i = 0; i < plan->aftercare_count; i++) {
        const struct plan_aftercare *at = &plan->aftercare[i];
        *entry = (struct entry){at->section, at->by, at->by_count};
        if (strcmp(at->id, id) == 0)
            return true;
    }
    for (size_t i = 0; i < plan->clock_count; i++) {
        const struct plan_clock *at = &plan->clocks[i];
        *entry = (struct entry){at->section, at->by, at->by_count};
        if (at->starts == PLAN_FROM_END && strcmp(at->id, id) == 0)
            return true;
    }
    return false;
}

static bool check_entry(struct notice *notice)
{
    const Liandong__V1__Bulletin *bulletin = notice->bulletin;
    struct entry entry;
    if (!*bulletin->entry)
        return true;
    if (!outlasts(bulletin->kind))
        return no(notice, "no-entry", NULL, "只有总结和评估可以指明对应的善后事项（entry）",
                  "only a summary or evaluation names an entry");
    if (!find_entry(notice->plan, bulletin->entry, &entry))
        return no(notice, "unknown-entry", NULL,
                  SAY("预案没有善后事项 %s；请核对", shown(notice, bulletin->entry)),
                  SAY("the plan has no entry '%s' for after the end: check its name",
                      shown(notice, bulletin->entry)));
    if (plan_unit_in(notice->plan, notice->unit, entry.by, entry.by_count, NULL))
        return true;
    return no(notice, "not-responsible", entry.section,
              SAY("善后事项 %s 不由 %s 承担", bulletin->entry, notice->unit),
              SAY("entry %s is not owed by %s", bulletin->entry, notice->unit));
}

void take_bulletin(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    static bool (*const rules[])(struct notice *) = {check_envelope, check_names,    check_sizes,
                                                     check_content,  check_incident, check_place,
                                                     check_rhythm,   check_entry};
    struct notice notice = {
        .core = core, .event = event, .out = out, .bulletin = (const void *)event->message};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (!rules[i](&notice))
            return;
    }
    sv_accept(out, event, core->incidents[notice.incident].id, notice.plan);
    clocks_bulletin(&notice);
}
