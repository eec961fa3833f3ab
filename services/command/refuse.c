/*
 * Refusing: the texts of command.h with their placeholders filled in, in both languages. A
 * placeholder is a word in braces that the list below knows; one that it does not know is our own
 * mistake and asserted.
 */
#include "command.h"

#include <assert.h>
#include <string.h>

struct refusal_text {
    const char *code;
    struct plan_text text;
};

static const struct refusal_text refusals[REFUSAL_COUNT] = {
#define REFUSAL_TEXT(name, code, zh, en) [REFUSED_##name] = {code, {zh, en}},
    REFUSALS(REFUSAL_TEXT)
#undef REFUSAL_TEXT
};

void command_inquiry_who(struct inquiry *inquiry, const char *const *units, size_t count)
{
    inquiry->who = units;
    inquiry->who_count = count;
}

void command_inquiry_who_one(struct inquiry *inquiry, const char *unit)
{
    inquiry->one = unit;
    command_inquiry_who(inquiry, &inquiry->one, 1);
}

/* ---- what the placeholders stand for ---- */

static struct plan_text act_text(int act)
{
    static const struct plan_text texts[ACT_WITHDRAW + 1] = {
        {"", ""},
        {"提出", "propose"},
        {"评估", "assess"},
        {"决定", "decide"},
        {"批准", "approve"},
        {"报备", "file"},
        {"命令启动", "order"},
        {"认定", "designate"},
        {"建议", "suggest"},
        {"核实", "verify"},
        {"签发", "sign"},
        {"发布", "issue"},
        {"报告", "inform"},
        {"撤回", "withdraw"},
    };
    assert(act >= 0 && act <= ACT_WITHDRAW);
    return texts[act];
}

/* The response or the warning that an act is about. */
static struct plan_text matter_text(const struct inquiry *inquiry, int level)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
    const char *name = plan_level_name(level);
    if (inquiry->of_warning && level == PLAN_NONE)
        return (struct plan_text){"解除预警", "the lifting of the warning"};
    if (inquiry->of_warning) {
        struct plan_text colour = plan_level_colour(level);
        return (struct plan_text){ld_arena_format(arena, "%s预警（%s级）", colour.zh, name),
                                  ld_arena_format(arena, "the %s warning (%s)", colour.en, name)};
    }
    if (level == PLAN_NONE)
        return (struct plan_text){"终止响应", "the end of the response"};
    return (struct plan_text){ld_arena_format(arena, "%s级响应", name),
                              ld_arena_format(arena, "level %s", name)};
}

static struct plan_text level_text(struct ld_arena *arena, int level)
{
    if (level == PLAN_NONE)
        return (struct plan_text){"终止", "the end of the response"};
    return (struct plan_text){ld_arena_format(arena, "%s级", plan_level_name(level)),
                              ld_arena_format(arena, "level %s", plan_level_name(level))};
}

static struct plan_text grade_text(struct ld_arena *arena, int grade)
{
    if (grade == PLAN_NONE)
        return (struct plan_text){"未定级", "as none"};
    struct plan_text name = plan_level_grade(grade);
    return (struct plan_text){ld_arena_format(arena, "%s（%s级）", name.zh, plan_level_name(grade)),
                              ld_arena_format(arena, "%s (%s)", name.en, plan_level_name(grade))};
}

static struct plan_text colour_text(struct ld_arena *arena, int colour)
{
    if (colour == PLAN_NONE)
        return (struct plan_text){"未达到任何级别", "of no level"};
    struct plan_text name = plan_level_colour(colour);
    return (struct plan_text){
        ld_arena_format(arena, "%s（%s级）", name.zh, plan_level_name(colour)),
        ld_arena_format(arena, "%s (%s)", name.en, plan_level_name(colour))};
}

static const struct plan *plan_for_names(const struct inquiry *inquiry)
{
    if (inquiry->incident)
        return inquiry->incident->plan;
    return inquiry->area ? sv_plans_any(inquiry->core->plans, inquiry->area) : NULL;
}

static struct plan_text unit_text(const struct inquiry *inquiry, const char *unit)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
    const struct plan *plan = plan_for_names(inquiry);
    if (!plan || plan_find_unit(plan, unit) < 0)
        return (struct plan_text){unit, unit};
    struct plan_text name = plan_unit_name(plan, unit);
    return (struct plan_text){ld_arena_format(arena, "%s（%s）", name.zh, unit),
                              ld_arena_format(arena, "%s (%s)", name.en, unit)};
}

static struct plan_text area_text(const struct inquiry *inquiry, const char *area)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
    const struct plan *plan = plan_for_names(inquiry);
    if (!plan || plan_find_area(plan, area) < 0)
        return (struct plan_text){area, area};
    struct plan_text name = plan_area_name(plan, area);
    return (struct plan_text){ld_arena_format(arena, "%s（%s）", name.zh, area),
                              ld_arena_format(arena, "%s (%s)", name.en, area)};
}

static struct plan_text join(struct ld_arena *arena, struct plan_text list, struct plan_text item)
{
    if (!list.zh)
        return item;
    return (struct plan_text){ld_arena_format(arena, "%s、%s", list.zh, item.zh),
                              ld_arena_format(arena, "%s, %s", list.en, item.en)};
}

static struct plan_text who_text(const struct inquiry *inquiry)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
    size_t count = 0;
    char **units = command_units_expand(arena, inquiry->incident, inquiry->area, inquiry->who,
                                        inquiry->who_count, &count);
    struct plan_text list = {NULL, NULL};
    for (size_t i = 0; i < count; i++)
        list = join(arena, list, unit_text(inquiry, units[i]));
    return list.zh ? list : (struct plan_text){"无", "nobody"};
}

static struct plan_text steps_text(const struct inquiry *inquiry)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
    if (inquiry->of_county)
        return act_text(inquiry->of_warning ? PLAN_ISSUE : PLAN_DECIDE);
    struct plan_text list = {NULL, NULL};
    for (size_t i = 0; inquiry->rule && i < inquiry->rule->step_count; i++)
        list = join(arena, list, act_text((int)inquiry->rule->steps[i].act));
    return list.zh ? list : (struct plan_text){"无", "none"};
}

static int pending_level(const struct inquiry *inquiry)
{
    return inquiry->response ? inquiry->response->pending.level : PLAN_NONE;
}

static int demanded_level(const struct inquiry *inquiry)
{
    return inquiry->response ? inquiry->response->demanded : PLAN_NONE;
}

/* In the words of the plan, which are in one language. */
static struct plan_text issuer_text(const struct inquiry *inquiry)
{
    if (inquiry->found)
        return (struct plan_text){inquiry->found, inquiry->found};
    return (struct plan_text){"预案未规定由谁发布", "it names nobody who does"};
}

static struct plan_text same_text(const char *text)
{
    return (struct plan_text){text, text};
}

/* What was found comes from outside and may be of any size: its first bytes, whole characters. */
static const char *found_text(struct ld_arena *arena, const char *found)
{
    enum { FOUND_BYTES_MAX = 400 };
    size_t size = found ? strlen(found) : 0;
    if (size <= FOUND_BYTES_MAX)
        return found ? found : "";
    size = FOUND_BYTES_MAX;
    while (size > 0 && ((unsigned char)found[size] & 0xc0) == 0x80)
        size--;
    return ld_arena_format(arena, "%.*s…", (int)size, found);
}

static const char *topic_unit(const struct inquiry *inquiry)
{
    const struct sv_event *event = inquiry->event;
    return event->segment_count > 0 ? event->segment[event->segment_count - 1] : "";
}

/* X(placeholder, what it stands for) */
#define PLACEHOLDERS(X)                                                                            \
    X(found, same_text(found_text(arena, inquiry->found)))                                         \
    X(topic, same_text(inquiry->event->topic))                                                     \
    X(topic_unit, same_text(topic_unit(inquiry)))                                                  \
    X(unit, unit_text(inquiry, inquiry->author))                                                   \
    X(area, area_text(inquiry, inquiry->area))                                                     \
    X(city, area_text(inquiry, inquiry->incident->area))                                           \
    X(act, act_text(inquiry->act))                                                                 \
    X(filed, same_text(inquiry->act == PLAN_INFORM ? "told to" : "filed with"))                    \
    X(needs, act_text(inquiry->needs))                                                             \
    X(level, level_text(arena, inquiry->level))                                                    \
    X(matter, matter_text(inquiry, inquiry->level))                                                \
    X(pending, matter_text(inquiry, pending_level(inquiry)))                                       \
    X(demanded, level_text(arena, demanded_level(inquiry)))                                        \
    X(grade, grade_text(arena, inquiry->incident->grade))                                          \
    X(colour, colour_text(arena, command_colour_in_force(inquiry->core, inquiry->incident)))       \
    X(colour_suggested, colour_text(arena, inquiry->incident->colour))                             \
    X(colour_meant, colour_text(arena, inquiry->level))                                            \
    X(colour_of_city, colour_text(arena, command_city_colour(inquiry->incident)))                  \
    X(issuer, issuer_text(inquiry))                                                                \
    X(grade_meant, grade_text(arena, inquiry->level))                                              \
    X(who, who_text(inquiry))                                                                      \
    X(steps, steps_text(inquiry))

static struct plan_text placeholder(const struct inquiry *inquiry, const char *name, size_t size)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
#define PLACEHOLDER_TEXT(word, text)                                                               \
    if (size == sizeof #word - 1 && memcmp(name, #word, size) == 0)                                \
        return text;
    PLACEHOLDERS(PLACEHOLDER_TEXT)
#undef PLACEHOLDER_TEXT
    assert(!"a placeholder that refuse.c does not know");
    return same_text("");
}

/* ---- filling in ---- */

static const char *fill(const struct inquiry *inquiry, const char *text, bool chinese)
{
    struct ld_arena *arena = sv_arena(inquiry->out);
    const char *filled = "";
    for (const char *open = strchr(text, '{'); open; open = strchr(text, '{')) {
        const char *close = strchr(open, '}');
        assert(close);
        struct plan_text value = placeholder(inquiry, open + 1, (size_t)(close - open - 1));
        filled = ld_arena_format(arena, "%s%.*s%s", filled, (int)(open - text), text,
                                 chinese ? value.zh : value.en);
        text = close + 1;
    }
    return ld_arena_format(arena, "%s%s", filled, text);
}

struct plan_text command_refusal_text(const struct inquiry *inquiry, enum refusal refusal)
{
    assert(refusal > ALLOWED && refusal < REFUSAL_COUNT);
    const struct plan_text *text = &refusals[refusal].text;
    return (struct plan_text){fill(inquiry, text->zh, true), fill(inquiry, text->en, false)};
}

void command_refuse(struct inquiry *inquiry, enum refusal refusal)
{
    struct plan_text text = command_refusal_text(inquiry, refusal);
    sv_refuse(inquiry->out, inquiry->event, refusals[refusal].code,
              inquiry->section ? inquiry->section : "", text.zh, text.en);
}
