/*
 * What channels, recipients and publishers say about a notice (docs/notices.md), answered with one
 * receipt each. One function a rule; the first rule broken answers with a stable code and changes
 * nothing.
 */
#include "notification.h"

#include <string.h>

#define SAY(...)  ld_arena_format(sv_arena(taking->out), __VA_ARGS__)
#define ACT(name) LIANDONG__V1__NOTICE_ACT__ACT__##name

struct taking {
    struct sv_core *core;
    const struct sv_event *event;
    struct sv_outputs *out;
    const Liandong__V1__NoticeAct *act;
    struct dispatch *dispatch;
    const char *author;
};

static bool no(const struct taking *taking, const char *code, const char *zh, const char *en)
{
    sv_refuse(taking->out, taking->event, code, NULL, zh, en);
    return false;
}

static bool check_envelope(struct taking *taking)
{
    const struct sv_event *event = taking->event;
    const Liandong__V1__NoticeAct *act = (const void *)event->message;
    taking->act = act;
    if (act == NULL) {
        return no(taking, "malformed", SAY("报文无法解析：%s", event->fault),
                  SAY("cannot be decoded: %s", event->fault));
    }
    if (event->segment_count != 5) {
        return no(taking, "bad-topic",
                  SAY("主题是 %s，应为 notify/<区划>/<对象>/<事件>/<署名>", event->topic),
                  SAY("topic is %s, expected notify/<area>/<audience>/<incident>/<author>",
                      event->topic));
    }
    taking->author = event->segment[4];
    if (act->context == NULL || strcmp(act->context->author, taking->author) != 0) {
        return no(taking, "wrong-author", SAY("署名与主题中的 %s 不一致", taking->author),
                  SAY("author and topic differ: expected %s", taking->author));
    }
    if (act->act <= ACT(ACT_UNSPECIFIED) || act->act > ACT(CORRECT)) {
        return no(taking, "bad-act", "应为 SENT 至 CORRECT 之一",
                  "expected an act from SENT to CORRECT");
    }
    return true;
}

static bool check_notice(struct taking *taking)
{
    const struct sv_event *event = taking->event;
    struct dispatch *dispatch = dispatch_find(taking->core, taking->act->identifier);
    if (dispatch == NULL) {
        return no(taking, "unknown-notice",
                  "没有这份通知，或它没有联系人，或已被后来的通知取代；请核对标识",
                  "there is no such notice on its way: it has no contacts, or a later one has "
                  "taken its place; check the identifier");
    }
    taking->dispatch = dispatch;
    if (strcmp(dispatch->area, event->segment[1]) != 0 ||
        strcmp(dispatch->slug, event->segment[2]) != 0) {
        return no(taking, "topic-mismatch",
                  SAY("该通知的对象是 %s/%s，主题须一致", dispatch->area, dispatch->slug),
                  SAY("the notice is to %s/%s, the topic must say the same", dispatch->area,
                      dispatch->slug));
    }
    return true;
}

static bool is_channel(const char *author)
{
    return strncmp(author, "channel-", 8) == 0;
}

/* The unit told, or that which supervises it. */
static bool is_recipient(const struct taking *taking)
{
    const char *key = SAY("%s.%s", taking->dispatch->area, taking->dispatch->slug);
    const struct contacts *contacts = contacts_find(taking->core, key);
    return strcmp(taking->author, key) == 0 ||
           (contacts != NULL && strcmp(taking->author, contacts->supervisor) == 0);
}

/* Who may publish for an area: units of the area, or of one that contains it. */
static bool is_publisher(const struct taking *taking)
{
    const char *dot = strchr(taking->author, '.');
    size_t size = dot == NULL ? 0 : (size_t)(dot - taking->author);
    return size > 0 && strncmp(taking->dispatch->area, taking->author, size) == 0;
}

static bool check_right(struct taking *taking)
{
    bool allowed;
    switch (taking->act->act) {
    case ACT(SEEN):
    case ACT(ACKNOWLEDGED):
        allowed = is_channel(taking->author) || is_recipient(taking);
        break;
    case ACT(REPEAT):
    case ACT(CORRECT):
        allowed = is_publisher(taking);
        break;
    default:
        allowed = is_channel(taking->author);
        break;
    }
    return allowed ||
           no(taking, "not-responsible",
              SAY("%s 不能这样做：渠道程序（channel-…）报告送达情况，接收单位或其督导单位签收，"
                  "本区划或上级的单位重发、更正",
                  taking->author),
              SAY("%s may not do that: channels (channel-…) say what became of a delivery, the "
                  "unit told or its supervisor sees and acknowledges, units of the area or above "
                  "repeat and correct",
                  taking->author));
}

/* ---- what follows ---- */

static bool is_of_round(const struct taking *taking)
{
    const char *prefix = SAY("%s.r%d.", taking->dispatch->identifier, taking->dispatch->round);
    return strncmp(taking->act->delivery, prefix, strlen(prefix)) == 0;
}

static void repeat(const struct taking *taking)
{
    if (dispatch_repeat(taking->core, taking->event, taking->dispatch, taking->out)) {
        sv_accept(taking->out, taking->event, NULL, NULL);
        return;
    }
    no(taking, "no-contact", "此对象没有联系人；请先登记联系方式",
       "this audience has no contacts; give it some first");
}

static void take_correction(const struct taking *taking)
{
    const Liandong__V1__Text *text = taking->act->text;
    struct plan_text words = {text == NULL ? "" : text->zh, text == NULL ? "" : text->en};
    const char *key = strchr(taking->dispatch->place, ' ') + 1;
    struct series *series = NULL;
    HASH_FIND_STR(taking->core->series, key, series);
    if (series != NULL &&
        notification_correct(taking->core, taking->event, series, words, taking->out)) {
        sv_accept(taking->out, taking->event, NULL, NULL);
        return;
    }
    no(taking, "ended", "该预警或响应已结束，没有可更正的通知",
       "the warning or response has ended: nothing is in force to be corrected");
}

void act_take(struct sv_core *core, const struct sv_event *event, struct sv_outputs *out)
{
    struct taking taking = {.core = core, .event = event, .out = out};
    if (!check_envelope(&taking) || !check_notice(&taking) || !check_right(&taking)) {
        return;
    }
    switch (taking.act->act) {
    case ACT(REPEAT):
        repeat(&taking);
        return;
    case ACT(CORRECT):
        take_correction(&taking);
        return;
    case ACT(GIVEN_UP):
        if (is_of_round(&taking)) {
            dispatch_failed(core, event, taking.dispatch, out);
        }
        break;
    case ACT(ACKNOWLEDGED):
        dispatch_acknowledged(core, event, taking.dispatch, taking.author, out);
        break;
    default:
        break;
    }
    sv_accept(out, event, NULL, NULL);
}
