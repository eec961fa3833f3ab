/*
 * A unit's answer to its order (reply/…): checked, refused with the reason or taken; one receipt
 * either way. Only the unit itself answers.
 */
#include "duty.h"

#include <stdio.h>
#include <string.h>

enum { REASON_BYTES_MAX = 4000, FOUND_BYTES_MAX = 400 };

/* An answer while it is judged. */
struct answer {
    struct work *work;
    const DutyReply *reply;
    const char *id; /* the order's number */
    struct order *order;
    enum order_input input;
    const char *found;
};

struct action {
    enum order_input input;
    struct plan_text name;
};

static const struct action actions[] = {
    [LIANDONG__V1__DUTY_REPLY__ACTION__ACKNOWLEDGE] = {ON_ACKNOWLEDGE, {"已阅", "acknowledge"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__ACCEPT] = {ON_ACCEPT, {"接受", "accept"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__DECLINE] = {ON_DECLINE, {"谢绝", "decline"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__PROGRESS] = {ON_PROGRESS, {"进展", "progress"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__DONE] = {ON_DONE, {"完成", "done"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__ASK_HELP] = {ON_HELP, {"求助", "ask help"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__PROBLEM] = {ON_PROBLEM, {"反映问题", "raise a problem"}},
    [LIANDONG__V1__DUTY_REPLY__ACTION__DELIVERED] = {ON_DELIVER, {"送达", "delivered"}},
};
enum { ACTION_COUNT = sizeof actions / sizeof *actions };

/* ---- checks, in this order ---- */

typedef enum refusal check_fn(struct answer *answer);

static enum refusal check_message(struct answer *answer)
{
    answer->found = answer->work->event->fault;
    return answer->reply ? ALLOWED : REFUSED_MALFORMED;
}

static enum refusal check_topic(struct answer *answer)
{
    const struct sv_event *event = answer->work->event;
    answer->found = event->topic;
    if (event->segment_count != 5)
        return REFUSED_WRONG_TOPIC;
    answer->id =
        ld_arena_format(sv_arena(answer->work->out), "%s/%s", event->segment[3], event->segment[4]);
    const char *order = answer->reply->order;
    return *order && strcmp(order, answer->id) != 0 ? REFUSED_WRONG_TOPIC : ALLOWED;
}

static enum refusal check_author(struct answer *answer)
{
    const Liandong__V1__Context *context = answer->reply->context;
    answer->found = context ? context->author : "";
    return strcmp(answer->found, answer->work->core->unit) == 0 ? ALLOWED : REFUSED_WRONG_AUTHOR;
}

static enum refusal check_order(struct answer *answer)
{
    answer->found = answer->id;
    answer->order = duty_order_find(answer->work->core, answer->id);
    return answer->order ? ALLOWED : REFUSED_UNKNOWN_ORDER;
}

static enum refusal check_action(struct answer *answer)
{
    int action = (int)answer->reply->action;
    answer->found = ld_arena_format(sv_arena(answer->work->out), "%d", action);
    if (action <= 0 || action >= ACTION_COUNT)
        return REFUSED_UNKNOWN_ACTION;
    answer->input = actions[action].input;
    return ALLOWED;
}

static enum refusal check_reason(struct answer *answer)
{
    size_t size = strlen(answer->reply->reason);
    bool needed =
        answer->input == ON_DECLINE || answer->input == ON_HELP || answer->input == ON_PROBLEM;
    if (needed && size == 0)
        return REFUSED_REASON_MISSING;
    answer->found = ld_arena_format(sv_arena(answer->work->out), "%zu", size);
    return size > REASON_BYTES_MAX ? REFUSED_REASON_TOO_LONG : ALLOWED;
}

static enum refusal check_help(struct answer *answer)
{
    const struct plan *plan = answer->order->incident->plan;
    const char *helper = answer->reply->help_from;
    if (answer->input != ON_HELP)
        return ALLOWED;
    answer->found = answer->id;
    if (answer->order->asker)
        return REFUSED_HELP_ON_HELP;
    answer->found = helper;
    if (plan_find_unit(plan, helper) < 0)
        return REFUSED_HELP_UNKNOWN;
    if (strcmp(helper, answer->work->core->unit) == 0)
        return REFUSED_HELP_SELF;
    return plan_find_member(plan, helper) < 0 ? REFUSED_HELP_NOT_MEMBER : ALLOWED;
}

static enum refusal check_state(struct answer *answer)
{
    answer->found = answer->id;
    return duty_order_judge(answer->order, answer->input);
}

/* ---- refusing ---- */

static const char *replaced(struct ld_arena *arena, const char *text, const char *found)
{
    const char *mark = strstr(text, "{}");
    if (!mark)
        return text;
    return ld_arena_format(arena, "%.*s%s%s", (int)(mark - text), text, found, mark + 2);
}

/* What was found comes from outside and may be of any size: its first bytes, whole characters. */
static const char *cut(struct ld_arena *arena, const char *found)
{
    size_t size = found ? strlen(found) : 0;
    if (size <= FOUND_BYTES_MAX)
        return found ? found : "";
    size = FOUND_BYTES_MAX;
    while (size > 0 && ((unsigned char)found[size] & 0xc0) == 0x80)
        size--;
    return ld_arena_format(arena, "%.*s…", (int)size, found);
}

static void refuse(const struct answer *answer, enum refusal refusal)
{
    static const struct {
        const char *code;
        struct plan_text text;
    } texts[REFUSAL_COUNT] = {
#define REFUSAL_TEXT(name, code, zh, en) [REFUSED_##name] = {code, {zh, en}},
        REFUSALS(REFUSAL_TEXT)
#undef REFUSAL_TEXT
    };
    struct ld_arena *arena = sv_arena(answer->work->out);
    const char *section = answer->order ? answer->order->incident->plan->orders.section : "";
    struct plan_text found = {cut(arena, answer->found), cut(arena, answer->found)};
    if (refusal == REFUSED_REASON_MISSING)
        found = actions[answer->reply->action].name;
    sv_refuse(answer->work->out, answer->work->event, texts[refusal].code, section ? section : "",
              replaced(arena, texts[refusal].text.zh, found.zh),
              replaced(arena, texts[refusal].text.en, found.en));
}

static enum refusal judge(struct answer *answer)
{
    static check_fn *const checks[] = {check_message, check_topic,  check_author, check_order,
                                       check_action,  check_reason, check_help,   check_state};
    enum refusal refusal = ALLOWED;
    for (size_t i = 0; i < sizeof checks / sizeof *checks && !refusal; i++)
        refusal = checks[i](answer);
    return refusal;
}

void duty_on_reply(struct work *work)
{
    struct answer answer = {.work = work, .reply = (const DutyReply *)work->event->message};
    enum refusal refusal = judge(&answer);
    if (refusal) {
        refuse(&answer, refusal);
        return;
    }
    const struct incident *incident = answer.order->incident;
    sv_accept(work->out, work->event, incident->id, incident->plan);
    struct remark remark = {.reason = answer.reply->reason};
    if (answer.input == ON_HELP)
        remark.help_from = answer.reply->help_from;
    duty_order_move(work, answer.order, answer.input, &remark);
}
