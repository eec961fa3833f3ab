/* What the files of lib/cap share with each other and with nobody else. */
#ifndef LD_CAP_INSIDE_H
#define LD_CAP_INSIDE_H

#include <libxml/tree.h>
#include "cap.h"

struct cap {
    xmlDocPtr document;
    struct ld_arena arena; /* texts handed out */
};

/* ---- read.c ---- */
xmlNodePtr cap_alert(const struct cap *cap);
bool cap_is(const xmlNode *node, const char *name); /* an element of CAP 1.2 of that name */
/* The first child element, or next one behind a node, of that name; NULL: none. */
xmlNodePtr cap_child(const xmlNode *parent, const char *name);
xmlNodePtr cap_next(const xmlNode *node, const char *name);
/* Its text, with or without the white space around it; in the arena. */
char *cap_content(struct ld_arena *arena, const xmlNode *node);
char *cap_trimmed(struct ld_arena *arena, const xmlNode *node);

/* ---- findings.c: X(NAME, weight, zh, en); {found} and {expected} are filled in. ---- */
#define CAP_SAYINGS(X)                                                                             \
    X(ROOT, SCHEMA,                                                                                \
      "应为 CAP 1.2 的 alert（命名空间 " CAP_NAMESPACE "），实为 {found}；请按 CAP 1.2 编写",      \
      "expected alert of CAP 1.2 (namespace " CAP_NAMESPACE                                        \
      "), found {found}; write it as CAP 1.2")                                                     \
    X(UNKNOWN, SCHEMA, "此处没有元素 {found}；请删去，补充信息放入 parameter",                     \
      "there is no element {found} here; take it out, further facts go into parameter")            \
    X(ORDER, SCHEMA, "{found} 位置不对：应在 {expected} 之前",                                     \
      "{found} is out of order: put it before {expected}")                                         \
    X(TWICE, SCHEMA, "{found} 只许一个；请只留一个", "{found} may stand once only; keep one")      \
    X(MISSING, SCHEMA, "缺少 {expected}；请补上", "expected {expected}, which is missing; add it") \
    X(VALUE, SCHEMA, "应为 {expected} 之一（区分大小写，不带空格），实为“{found}”",                \
      "expected one of {expected} (as written, no space around), found \"{found}\"")               \
    X(TIME, SCHEMA, "应为整秒带数字时区的时间，如 2026-11-22T10:00:00+08:00，实为“{found}”",       \
      "expected whole seconds with a numeric offset, such as 2026-11-22T10:00:00+08:00 (never Z "  \
      "or fractions), found \"{found}\"")                                                          \
    X(NUMBER, SCHEMA, "应形如 {expected}，实为“{found}”",                                          \
      "expected a value such as {expected}, found \"{found}\"")                                    \
    X(CONTENT, SCHEMA, "应只含子元素，实有文字“{found}”；请删去",                                  \
      "expected elements only, found the text \"{found}\"; take it out")                           \
    X(CHILDREN, SCHEMA, "应只含文字，实有元素 {found}；请删去",                                    \
      "expected text only, found the element {found}; take it out")                                \
    X(ATTRIBUTE, SCHEMA, "CAP 没有属性 {found}；请删去",                                           \
      "CAP has no attribute {found}; take it out")                                                 \
    X(EMPTY, RULE, "不应为空；请填写，或删去此元素",                                               \
      "expected a text, found nothing; fill it in or leave it out")                                \
    X(TOKEN, RULE, "不得含空格、逗号、< 或 &，实为“{found}”；请换成 - 或 .",                       \
      "expected no space, comma, < or &, found \"{found}\"; write - or . instead")                 \
    X(UTC, ADVICE, "世界时应写作 -00:00，实为“{found}”",                                           \
      "expected -00:00 for UTC, found \"{found}\"")                                                \
    X(REFERENCES_MISSING, RULE,                                                                    \
      "{found} 必须有 references：sender,identifier,sent；请列出所指的报文",                       \
      "{found} needs references, as sender,identifier,sent; name the messages it is about")        \
    X(REFERENCE, RULE,                                                                             \
      "应为 sender,identifier,sent，实为“{found}”；请用三项、以逗号相连、以空格分隔",              \
      "expected sender,identifier,sent, found \"{found}\"; three parts joined by commas, blanks "  \
      "between references")                                                                        \
    X(REFERENCE_SELF, RULE, "不能引用自身“{found}”；每份报文都要用新的标识",                       \
      "it refers to itself, \"{found}\"; every message has an identifier of its own")              \
    X(REFERENCE_TWICE, RULE, "重复引用“{found}”；请只留一次",                                      \
      "it refers to \"{found}\" twice; once is enough")                                            \
    X(REFERENCE_LATER, RULE, "所引“{found}”的时间晚于本报文；请核对时间",                          \
      "\"{found}\" was sent later than this message; correct one of the times")                    \
    X(RESTRICTION_MISSING, RULE, "scope 为 Restricted 时须有 restriction；请写明何人可看",         \
      "expected restriction with scope Restricted; say who may see it")                            \
    X(RESTRICTION_EXTRA, RULE, "scope 为 {found} 时不得有 restriction；请删去或改用 Restricted",   \
      "expected no restriction with scope {found}; take it out, or make the scope Restricted")     \
    X(ADDRESSES_MISSING, RULE, "scope 为 Private 时须有 addresses；请列出收件人",                  \
      "expected addresses with scope Private; name who gets it")                                   \
    X(SPAN, RULE, "应不早于 {expected}，实为“{found}”；请核对",                                    \
      "expected no time before {expected}, found \"{found}\"; correct one")                        \
    X(POLYGON, RULE, "应为至少四个“纬度,经度”，首尾相同，实为“{found}”",                           \
      "expected four or more pairs latitude,longitude, the last as the first, found \"{found}\"")  \
    X(CIRCLE, RULE, "应为“纬度,经度 半径（千米）”，实为“{found}”",                                 \
      "expected latitude,longitude and a radius in km, such as 28.0,120.7 5, found \"{found}\"")   \
    X(CEILING, RULE, "有 ceiling 须有 altitude，且不低于它；请补上或删去",                         \
      "expected an altitude no higher than the ceiling; add it, or leave the ceiling out")         \
    X(DIGEST, RULE, "应为 SHA-1（40 位十六进制），实为“{found}”",                                  \
      "expected SHA-1 in 40 hex digits, found \"{found}\"")                                        \
    X(MIME, RULE, "应为 MIME 类型，如 image/png，实为“{found}”",                                   \
      "expected a MIME type such as image/png, found \"{found}\"")                                 \
    X(NO_INFO, ADVICE, "{found} 没有 info，收者看不到内容；请补上",                                \
      "{found} has no info, so nobody can read what it says; add one")                             \
    X(NO_EXPIRES, ADVICE, "没有 expires，许多系统会自定时限；请写明",                              \
      "no expires: many systems make up one of their own; say until when it holds")                \
    X(PAST, ADVICE, "发出时已过期（expires “{found}”）；多数系统会丢弃",                           \
      "it had expired when it was sent (\"{found}\"); most systems drop it")                       \
    X(AREA_WORDS, ADVICE, "area 只有文字；没有 polygon、circle 或 geocode，机器无法对应",          \
      "the area is words only; without polygon, circle or geocode no machine can match it")        \
    X(NO_AREA, ADVICE, "info 没有 area；请写明范围", "info has no area; say where it holds")       \
    X(LONG_HEADLINE, ADVICE, "headline 超过 160 个字符，手机会截断；请缩短",                       \
      "the headline has more than 160 characters, which phones cut; shorten it")                   \
    X(DRILL_UNSAID, ADVICE, "status 为 {found}，但 headline 没有写明“演练”或“测试”；请写明",       \
      "the status is {found}, but the headline does not say exercise or test; say so, for those "  \
      "who see only that")                                                                         \
    X(DRILL_SAID, ADVICE, "status 为 Actual，但 headline 写着“{found}”；若是演练请改 status",      \
      "the status is Actual, but the headline says \"{found}\"; if it is a drill, make the "       \
      "status Exercise")                                                                           \
    X(NOTE_MISSING, ADVICE, "{found} 宜有 note 说明；请补上",                                      \
      "{found} should have a note that explains it; add one")                                      \
    X(LANGUAGE_TWICE, ADVICE, "同一事件有两个 info 用同一语言“{found}”；请分清",                   \
      "two info blocks about one event are in the same language, \"{found}\"; tell them apart")

enum cap_saying {
#define CAP_SAYING_ENUM(name, weight, zh, en) SAY_##name,
    CAP_SAYINGS(CAP_SAYING_ENUM)
#undef CAP_SAYING_ENUM
};
/* found and expected may be NULL where the saying does without. */
void cap_say(struct cap_findings *findings, const xmlNode *node, enum cap_saying saying,
             const char *found, const char *expected);

/* ---- check.c: a time's form and calendar (xs:dateTime with the pattern of the schema) ---- */
bool cap_time(const char *text, int64_t *time_us);
/* ---- rules.c, area.c ---- */
void cap_check_rules(const struct cap *cap, struct cap_findings *findings);
void cap_check_area(const xmlNode *area, struct cap_findings *findings);

#endif
