/* The story of procedures: each step of a warning and of a response, and what comes next. */
#include <stdio.h>
#include <string.h>

#include "picture.h"
#include "steps.h"
#include "tell.h"

/* ---- what comes next ---- */

const char *steps_act_zh(const char *act)
{
    static const struct plan_text ACTS[] = {
        {"建议", "propose"}, {"评估", "assess"},    {"决定", "decide"},  {"批准", "approve"},
        {"报备", "file"},    {"命令启动", "order"}, {"建议", "suggest"}, {"核实", "verify"},
        {"签发", "sign"},    {"发布", "issue"},     {"报告", "inform"}};
    for (size_t i = 0; i < sizeof ACTS / sizeof ACTS[0]; i++)
        if (strcmp(ACTS[i].en, act) == 0)
            return ACTS[i].zh;
    return act;
}

/* What a procedure waits for. */
struct next_step {
    const char *act;
    char **by;
    size_t by_count;
};

static void put_next(struct ld_buffer *buffer, const struct story *story, struct next_step next,
                     bool zh)
{
    if (next.act[0] == '\0')
        return;
    ld_buffer_format(buffer, zh ? "；下一步：%s" : "; next: %s",
                     zh ? steps_act_zh(next.act) : next.act);
    for (size_t i = 0; i < next.by_count; i++) {
        struct plan_text name = tell_unit(story, next.by[i]);
        ld_buffer_format(buffer, "%s%s",
                         i > 0 ? zh ? "、" : ", "
                         : zh  ? " "
                               : " by ",
                         zh ? name.zh : name.en);
    }
}

/* Why it came to this. */
static void put_reason(struct ld_buffer *buffer, const Liandong__V1__Text *reason, bool zh)
{
    if (reason != NULL)
        ld_buffer_format(buffer, zh ? "：%s" : ": %s", zh ? reason->zh : reason->en);
}

/* ---- warning ---- */

static const struct plan_text WARNING_WORDS[] = {
    {"", ""},
    {"建议发布", "suggested"},
    {"发布", "issued"},
    {"调整", "adjusted"},
    {"解除", "lifted"},
    {"核实", "verified"},
    {"专家评估", "assessed"},
    {"同意", "approved"},
    {"签发", "signed"},
    {"报备", "filed"},
    {"报告", "told"},
    {"提出建议", "proposed"},
    {"不予发布", "not issued"},
    {"预先作出，届时生效：", "made ahead"},
    {"预先作出的行为已取消：", "no more made ahead"},
    {"随结案失效", "lapsed"},
    {"仍在实施：", "as it was"},
};
enum { WARNING_WORD_COUNT = sizeof WARNING_WORDS / sizeof WARNING_WORDS[0] };

struct plan_text steps_warning_word(int state)
{
    return WARNING_WORDS[state >= 0 && state < (int)WARNING_WORD_COUNT ? state : 0];
}

/* By whom, by which section, and what comes next: of a step of the procedure. */
static void put_warning_step(struct ld_buffer *buffer, const struct story *story,
                             const Liandong__V1__Warning *warning, bool zh)
{
    if (warning->state == LIANDONG__V1__WARNING__STATE__SUGGESTED)
        return;
    struct plan_text by = tell_unit(story, warning->by), area = tell_area(story, warning->area);
    struct next_step next = {warning->next, warning->next_by, warning->n_next_by};
    if (warning->by[0] == '\0')
        ld_buffer_format(buffer, zh ? "（%s，%s）" : ", %s (%s)", zh ? area.zh : area.en,
                         warning->section);
    else
        ld_buffer_format(buffer, zh ? "（%s，%s，%s）" : ", %s, by %s (%s)", zh ? area.zh : area.en,
                         zh ? by.zh : by.en, warning->section);
    put_reason(buffer, warning->reason, zh);
    put_next(buffer, story, next, zh);
}

static void put_merged(struct ld_buffer *buffer, const Liandong__V1__Warning *warning, bool zh)
{
    struct plan_text merged = plan_level_colour((int)warning->merged);
    if (warning->n_merged_with == 0)
        return;
    ld_buffer_format(buffer, zh ? "；与其他 %zu 起合并为%s" : "; with %zu others merged into %s",
                     warning->n_merged_with, zh ? merged.zh : merged.en);
}

void tell_warning(struct story *story, struct story_line *line, const ProtobufCMessage *message)
{
    const Liandong__V1__Warning *warning = (const void *)message;
    struct plan_text colour = plan_level_colour((int)warning->level);
    const char *level = plan_level_name((int)warning->level);
    size_t state = (size_t)warning->state < WARNING_WORD_COUNT ? (size_t)warning->state : 0;
    bool lifting = state != LIANDONG__V1__WARNING__STATE__SUGGESTED &&
                   warning->level == LIANDONG__V1__LEVEL__LEVEL_NONE;
    struct ld_buffer zh = {0}, en = {0};
    line->level = (int)warning->level;
    if (lifting) {
        ld_buffer_format(&zh, "解除预警：%s", WARNING_WORDS[state].zh);
        ld_buffer_format(&en, "lifting of the warning: %s", WARNING_WORDS[state].en);
    } else {
        ld_buffer_format(&zh, "%s%s预警（%s级）", WARNING_WORDS[state].zh, colour.zh, level);
        ld_buffer_format(&en, "warning %s: %s (level %s)", WARNING_WORDS[state].en, colour.en,
                         level);
    }
    put_warning_step(&zh, story, warning, true);
    put_warning_step(&en, story, warning, false);
    put_merged(&zh, warning, true);
    put_merged(&en, warning, false);
    tell(story, line, ld_buffer_string(&zh), ld_buffer_string(&en));
    ld_buffer_free(&zh);
    ld_buffer_free(&en);
}

/* ---- response ---- */

static const struct plan_text RESPONSE_WORDS[] = {
    {"", ""},
    {"建议 ", "proposed"},
    {"专家评估 ", "assessed by experts"},
    {"决定 ", "decided"},
    {"批准 ", "approved"},
    {"报备 ", "filed"},
    {"响应生效 ", "in force"},
    {"响应调整为 ", "in force (adjusted)"},
    {"响应已终止", "in force no more"},
    {"未启动 ", "not started"},
    {"预先决定，届时生效 ", "made ahead"},
    {"预先作出的决定已取消 ", "no more made ahead"},
};
enum { RESPONSE_WORD_COUNT = sizeof RESPONSE_WORDS / sizeof RESPONSE_WORDS[0] };

void tell_response(struct story *story, struct story_line *line, const ProtobufCMessage *message)
{
    const Liandong__V1__Response *response = (const void *)message;
    int state = (int)response->state;
    bool known = state >= 0 && state < RESPONSE_WORD_COUNT;
    struct plan_text word = known ? RESPONSE_WORDS[state] : (struct plan_text){"?", "?"};
    struct plan_text by = tell_unit(story, response->by);
    struct plan_text area = tell_area(story, response->area);
    const char *level = plan_level_name((int)response->level);
    const Liandong__V1__Text *commander = response->commander;
    struct ld_buffer zh = {0}, en = {0};
    line->level = (int)response->in_force;
    bool ending = response->level == LIANDONG__V1__LEVEL__LEVEL_NONE;
    ld_buffer_format(&zh, "%s %s%s%s（%s，%s", area.zh, word.zh, ending ? "（终止响应）" : level,
                     ending ? "" : "级", by.zh, response->section);
    ld_buffer_format(&en, "%s, %s%s: %s, by %s (%s", area.en,
                     ending ? "end of the response" : "level ", ending ? "" : level, word.en, by.en,
                     response->section);
    bool in_force = response->state == LIANDONG__V1__RESPONSE__STATE__ACTIVE ||
                    response->state == LIANDONG__V1__RESPONSE__STATE__ADJUSTED;
    if (in_force && commander != NULL && commander->zh[0] != '\0') {
        ld_buffer_format(&zh, "；总指挥 %s", commander->zh);
        ld_buffer_format(&en, "; commander: %s", commander->en);
    }
    ld_buffer_text(&zh, "）");
    ld_buffer_text(&en, ")");
    struct next_step next = {response->next, response->next_by, response->n_next_by};
    put_reason(&zh, response->reason, true);
    put_reason(&en, response->reason, false);
    put_next(&zh, story, next, true);
    put_next(&en, story, next, false);
    tell(story, line, ld_buffer_string(&zh), ld_buffer_string(&en));
    ld_buffer_free(&zh);
    ld_buffer_free(&en);
}
