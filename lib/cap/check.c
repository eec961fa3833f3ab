/*
 * Checks a message against the schema of CAP 1.2, as tables: which elements, in which order, how
 * many, with what in them. rules.c goes on with what the standard says in words.
 *
 * Happy path: the children of each element are walked beside its table; nothing is said. Otherwise
 * each deviation is said once, where it is, and the walk goes on behind it.
 */
#include "inside.h"

#include <libxml/uri.h>
#include <string.h>
#include "timefmt.h"

enum content {
    TEXT,
    TOKEN, /* identifier, sender */
    TIME,
    WORD, /* one of words */
    LANGUAGE,
    URI,
    INTEGER,
    DECIMAL,
    PARTS /* elements of their own */
};
struct slot {
    const char *name;
    enum content content;
    bool needed, many;
    const char *words; /* joined by blanks */
    const struct slot *parts;
};

static const struct slot PAIR[] = {
    {.name = "valueName", .needed = true}, {.name = "value", .needed = true}, {.name = NULL}};
static const struct slot RESOURCE[] = {{.name = "resourceDesc", .needed = true},
                                       {.name = "mimeType", .needed = true},
                                       {.name = "size", .content = INTEGER},
                                       {.name = "uri", .content = URI},
                                       {.name = "derefUri"},
                                       {.name = "digest"},
                                       {.name = NULL}};
static const struct slot AREA[] = {
    {.name = "areaDesc", .needed = true},
    {.name = "polygon", .many = true},
    {.name = "circle", .many = true},
    {.name = "geocode", .content = PARTS, .many = true, .parts = PAIR},
    {.name = "altitude", .content = DECIMAL},
    {.name = "ceiling", .content = DECIMAL},
    {.name = NULL}};
static const struct slot INFO[] = {
    {.name = "language", .content = LANGUAGE},
    {.name = "category",
     .content = WORD,
     .needed = true,
     .many = true,
     .words = "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other"},
    {.name = "event", .needed = true},
    {.name = "responseType",
     .content = WORD,
     .many = true,
     .words = "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None"},
    {.name = "urgency",
     .content = WORD,
     .needed = true,
     .words = "Immediate Expected Future Past Unknown"},
    {.name = "severity",
     .content = WORD,
     .needed = true,
     .words = "Extreme Severe Moderate Minor Unknown"},
    {.name = "certainty",
     .content = WORD,
     .needed = true,
     .words = "Observed Likely Possible Unlikely Unknown"},
    {.name = "audience"},
    {.name = "eventCode", .content = PARTS, .many = true, .parts = PAIR},
    {.name = "effective", .content = TIME},
    {.name = "onset", .content = TIME},
    {.name = "expires", .content = TIME},
    {.name = "senderName"},
    {.name = "headline"},
    {.name = "description"},
    {.name = "instruction"},
    {.name = "web", .content = URI},
    {.name = "contact"},
    {.name = "parameter", .content = PARTS, .many = true, .parts = PAIR},
    {.name = "resource", .content = PARTS, .many = true, .parts = RESOURCE},
    {.name = "area", .content = PARTS, .many = true, .parts = AREA},
    {.name = NULL}};
static const struct slot ALERT[] = {
    {.name = "identifier", .content = TOKEN, .needed = true},
    {.name = "sender", .content = TOKEN, .needed = true},
    {.name = "sent", .content = TIME, .needed = true},
    {.name = "status",
     .content = WORD,
     .needed = true,
     .words = "Actual Exercise System Test Draft"},
    {.name = "msgType", .content = WORD, .needed = true, .words = "Alert Update Cancel Ack Error"},
    {.name = "source"},
    {.name = "scope", .content = WORD, .needed = true, .words = "Public Restricted Private"},
    {.name = "restriction"},
    {.name = "addresses"},
    {.name = "code", .many = true},
    {.name = "note"},
    {.name = "references"},
    {.name = "incidents"},
    {.name = "info", .content = PARTS, .many = true, .parts = INFO},
    {.name = NULL}};

/* ---- texts ---- */

static bool digits(const char *text, const char *form)
{
    size_t i = 0;
    for (; form[i] != '\0'; i++) {
        bool fits = form[i] == '9'   ? text[i] >= '0' && text[i] <= '9'
                    : form[i] == '+' ? text[i] == '+' || text[i] == '-'
                                     : text[i] == form[i];
        if (!fits)
            return false;
    }
    return text[i] == '\0';
}

/* Hour 24 is the midnight that ends the day; no place is more than 14 hours from UTC. */
bool cap_time(const char *text, int64_t *time_us)
{
    char plain[sizeof "2026-11-22T10:00:00+08:00"];
    if (!digits(text, "9999-99-99T99:99:99+99:99"))
        return false;
    memcpy(plain, text, sizeof plain);
    if (strcmp(plain + 20, "14:00") > 0 || memcmp(plain, "0000", 4) == 0)
        return false;
    bool midnight = memcmp(plain + 11, "24:00:00", 8) == 0;
    if (midnight)
        memcpy(plain + 11, "00", 2);
    if (ld_time_parse(plain, 0, time_us, NULL) != LD_OK)
        return false;
    *time_us += midnight ? LD_US_DAY : 0;
    return true;
}

static bool one_of(const char *text, const char *words)
{
    size_t size = strlen(text);
    for (const char *at = words; size > 0 && at != NULL; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, text, size) == 0 && (at[size] == ' ' || at[size] == '\0'))
            return true;
    }
    return false;
}

static bool is_number(const char *text, bool decimal)
{
    text += *text == '+' || *text == '-';
    size_t whole = strspn(text, "0123456789"), fraction = 0;
    text += whole;
    if (decimal && *text == '.') {
        fraction = strspn(text + 1, "0123456789");
        text += 1 + fraction;
    }
    return whole + fraction > 0 && *text == '\0';
}

static bool is_alphanumeric(char c, bool letters_only)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (!letters_only && c >= '0' && c <= '9');
}

/* Parts of one to eight letters, from the second on digits too, joined by "-". */
static bool is_language(const char *text)
{
    for (bool first = true;; first = false) {
        size_t size = 0;
        while (is_alphanumeric(text[size], first))
            size++;
        if (size < 1 || size > 8)
            return false;
        if (text[size] == '\0')
            return true;
        if (text[size] != '-')
            return false;
        text += size + 1;
    }
}

/* As XML schema reads it: what a URI may not hold counts as if it were escaped. */
static bool is_uri(struct ld_arena *arena, const char *text)
{
    char *plain = ld_arena_string(arena, text, strlen(text));
    for (char *at = plain; *at != '\0'; at++) {
        if ((unsigned char)*at > 127 || strchr(" <>\"{}|\\^`", *at) != NULL)
            *at = '_';
    }
    xmlURIPtr uri = *plain == '\0' ? NULL : xmlParseURI(plain);
    bool good = *plain == '\0' || uri != NULL;
    xmlFreeURI(uri);
    return good;
}

static void check_time(const xmlNode *node, const char *text, struct cap_findings *findings)
{
    int64_t time_us;
    size_t size = strlen(text);
    if (!cap_time(text, &time_us))
        cap_say(findings, node, SAY_TIME, text, NULL);
    else if (strcmp(text + size - 6, "+00:00") == 0)
        cap_say(findings, node, SAY_UTC, text, NULL);
}

static void check_text(const struct slot *slot, const xmlNode *node, struct cap_findings *findings)
{
    struct ld_arena *arena = &findings->arena;
    const char *whole = cap_content(arena, node), *text = cap_trimmed(arena, node);
    if (*text == '\0' &&
        (slot->content == TEXT || slot->content == TOKEN || slot->content == URI)) {
        cap_say(findings, node, SAY_EMPTY, NULL, NULL);
        return;
    }
    switch (slot->content) {
    case TOKEN:
        if (strpbrk(whole, " \t\r\n,<&") != NULL)
            cap_say(findings, node, SAY_TOKEN, whole, NULL);
        break;
    case TIME:
        check_time(node, text, findings);
        break;
    case WORD:
        if (!one_of(whole, slot->words))
            cap_say(findings, node, SAY_VALUE, whole, slot->words);
        break;
    case LANGUAGE: /* empty: the default, en-US */
        if (*whole != '\0' && !is_language(text))
            cap_say(findings, node, SAY_NUMBER, text, "zh-CN");
        break;
    case URI:
        if (!is_uri(arena, text))
            cap_say(findings, node, SAY_NUMBER, text, "https://example.org/a");
        break;
    case INTEGER:
    case DECIMAL:
        if (!is_number(text, slot->content == DECIMAL))
            cap_say(findings, node, SAY_NUMBER, text, slot->content == DECIMAL ? "1.5" : "15");
        break;
    case TEXT:
    case PARTS:
        break;
    }
}

/* ---- elements ---- */

static void check_attributes(const xmlNode *node, struct cap_findings *findings)
{
    for (const xmlAttr *at = node->properties; at != NULL; at = at->next) {
        bool hint =
            at->ns != NULL &&
            strcmp((const char *)at->ns->href, "http://www.w3.org/2001/XMLSchema-instance") == 0 &&
            strstr((const char *)at->name, "chemaLocation") != NULL;
        if (!hint)
            cap_say(findings, node, SAY_ATTRIBUTE, (const char *)at->name, NULL);
    }
}

static void check_simple(const struct slot *slot, const xmlNode *node,
                         struct cap_findings *findings)
{
    for (const xmlNode *at = node->children; at != NULL; at = at->next) {
        if (at->type == XML_ELEMENT_NODE) {
            cap_say(findings, at, SAY_CHILDREN, (const char *)at->name, NULL);
            return;
        }
    }
    check_text(slot, node, findings);
}

/* A signature may stand at the end of an alert, whatever is in it. */
static bool is_signature(const xmlNode *node)
{
    return node->ns != NULL && node->ns->href != NULL &&
           strcmp((const char *)node->ns->href, "http://www.w3.org/2000/09/xmldsig#") == 0;
}

static size_t slot_of(const struct slot *slots, const xmlNode *node)
{
    size_t i = 0;
    while (slots[i].name != NULL && !cap_is(node, slots[i].name))
        i++;
    return i;
}

static void check_parts(const struct slot *slots, const xmlNode *node,
                        struct cap_findings *findings);

/* A child of the slot numbered index; *at is how far the table has been walked. */
static void check_child(const struct slot *slots, size_t index, size_t *at, size_t *seen,
                        const xmlNode *node, struct cap_findings *findings)
{
    const struct slot *slot = &slots[index];
    check_attributes(node, findings);
    if (index < *at)
        cap_say(findings, node, SAY_ORDER, slot->name, slots[*at].name);
    else if (seen[index] == 1 && !slot->many)
        cap_say(findings, node, SAY_TWICE, slot->name, NULL);
    seen[index]++;
    *at = index > *at ? index : *at;
    if (slot->content == PARTS)
        check_parts(slot->parts, node, findings);
    else
        check_simple(slot, node, findings);
}

/* Two slots that differ in no more than their order are said out of order, not missing. */
static void check_parts(const struct slot *slots, const xmlNode *node,
                        struct cap_findings *findings)
{
    enum { SLOTS_MAX = 24 };
    size_t at = 0, seen[SLOTS_MAX] = {0};
    bool signature = false;
    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
            if (!xmlIsBlankNode(child))
                cap_say(findings, child->parent, SAY_CONTENT, (const char *)child->content, NULL);
            continue;
        }
        if (child->type != XML_ELEMENT_NODE)
            continue;
        size_t index = slot_of(slots, child);
        if (slots == ALERT && is_signature(child))
            signature = true;
        else if (slots[index].name == NULL)
            cap_say(findings, child, SAY_UNKNOWN, (const char *)child->name, NULL);
        else if (signature)
            cap_say(findings, child, SAY_ORDER, slots[index].name, "Signature");
        else
            check_child(slots, index, &at, seen, child, findings);
    }
    for (size_t i = 0; slots[i].name != NULL; i++) {
        if (slots[i].needed && seen[i] == 0)
            cap_say(findings, node, SAY_MISSING, NULL, slots[i].name);
    }
}

void cap_check(const struct cap *cap, struct cap_findings *findings)
{
    const xmlNode *alert = cap_alert(cap);
    if (!cap_is(alert, "alert")) {
        const char *space = alert->ns != NULL ? (const char *)alert->ns->href : "-";
        cap_say(findings, alert, SAY_ROOT,
                ld_arena_format(&findings->arena, "%s (%s)", (const char *)alert->name, space),
                NULL);
        return;
    }
    check_attributes(alert, findings);
    check_parts(ALERT, alert, findings);
    cap_check_rules(cap, findings);
}
