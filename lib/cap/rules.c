/*
 * What CAP 1.2 says in words (OASIS CAP-v1.2, section 3.2) and what is known to mislead: scope,
 * references, times, exercises. What the schema has refused already is passed over here.
 */
#include "inside.h"

#include <string.h>
#include "timefmt.h"

struct checking {
    const struct cap *cap;
    const xmlNode *alert;
    struct cap_findings *findings;
    const char *type, *status, *sender, *identifier;
    int64_t sent_us;
    bool has_sent; /* else sent_us means nothing */
};

static bool has_text(const xmlNode *parent, const char *name, struct cap_findings *findings)
{
    xmlNodePtr node = cap_child(parent, name);
    return node != NULL && *cap_trimmed(&findings->arena, node) != '\0';
}

static void check_scope(const struct checking *checking)
{
    struct cap_findings *findings = checking->findings;
    const char *scope = cap_text(checking->cap, "scope");
    bool restricted = strcmp(scope, "Restricted") == 0;
    const xmlNode *restriction = cap_child(checking->alert, "restriction");
    if (restricted && restriction == NULL)
        cap_say(findings, checking->alert, SAY_RESTRICTION_MISSING, NULL, NULL);
    if (!restricted && restriction != NULL)
        cap_say(findings, restriction, SAY_RESTRICTION_EXTRA, scope, NULL);
    if (strcmp(scope, "Private") == 0 && !has_text(checking->alert, "addresses", findings))
        cap_say(findings, checking->alert, SAY_ADDRESSES_MISSING, NULL, NULL);
}

/* ---- references ---- */

/* "sender,identifier,sent": cuts it at the commas. */
static bool split(char *reference, char **sender, char **identifier, int64_t *sent_us)
{
    *sender = reference;
    char *comma = strchr(reference, ',');
    *identifier = comma == NULL ? NULL : comma + 1;
    char *second = comma == NULL ? NULL : strchr(*identifier, ',');
    if (second == NULL || comma == reference || second == *identifier)
        return false;
    *comma = *second = '\0';
    return strpbrk(reference, "<&") == NULL && strpbrk(*identifier, "<&") == NULL &&
           cap_time(second + 1, sent_us);
}

static void check_reference(const struct checking *checking, const xmlNode *node,
                            const char *reference)
{
    struct cap_findings *findings = checking->findings;
    char *copy = ld_arena_string(&findings->arena, reference, strlen(reference));
    char *sender, *identifier;
    int64_t referred_us;
    if (!split(copy, &sender, &identifier, &referred_us)) {
        cap_say(findings, node, SAY_REFERENCE, reference, NULL);
        return;
    }
    if (strcmp(sender, checking->sender) == 0 && strcmp(identifier, checking->identifier) == 0)
        cap_say(findings, node, SAY_REFERENCE_SELF, reference, NULL);
    else if (checking->has_sent && referred_us > checking->sent_us)
        cap_say(findings, node, SAY_REFERENCE_LATER, reference, NULL);
}

/* Is the word at there already, as a whole word, between begin and at? */
static bool said_before(const char *begin, const char *at, size_t size)
{
    for (const char *earlier = begin; earlier < at;) {
        size_t length = strcspn(earlier, " ");
        if (length == size && memcmp(earlier, at, size) == 0)
            return true;
        earlier += length + 1;
    }
    return false;
}

static void check_references(const struct checking *checking)
{
    enum { COMPARED_MAX = 500 }; /* as each is compared with all before */
    struct cap_findings *findings = checking->findings;
    const xmlNode *node = cap_child(checking->alert, "references");
    char *all = node == NULL ? NULL : cap_trimmed(&findings->arena, node);
    if (all == NULL || *all == '\0') {
        if (*checking->type != '\0' && strcmp(checking->type, "Alert") != 0)
            cap_say(findings, checking->alert, SAY_REFERENCES_MISSING, checking->type, NULL);
        return;
    }
    for (char *at = all; *at != '\0'; at++)
        *at = strchr("\t\r\n", *at) != NULL ? ' ' : *at;
    size_t count = 0;
    for (const char *at = all; *at != '\0'; count++) {
        at += strspn(at, " ");
        size_t size = strcspn(at, " ");
        const char *reference = ld_arena_string(&findings->arena, at, size);
        if (count < COMPARED_MAX && said_before(all, at, size))
            cap_say(findings, node, SAY_REFERENCE_TWICE, reference, NULL);
        check_reference(checking, node, reference);
        at += size;
    }
}

/* ---- info ---- */

static bool time_in(const struct checking *checking, const xmlNode *parent, const char *name,
                    const xmlNode **node, const char **text, int64_t *time_us)
{
    *node = cap_child(parent, name);
    *text = *node == NULL ? "" : cap_trimmed(&checking->findings->arena, *node);
    return cap_time(*text, time_us);
}

static void check_span(const struct checking *checking, const xmlNode *info)
{
    struct cap_findings *findings = checking->findings;
    const xmlNode *node, *other;
    const char *expires, *text;
    int64_t expires_us, time_us;
    if (!time_in(checking, info, "expires", &node, &expires, &expires_us)) {
        if (node == NULL && strcmp(checking->type, "Cancel") != 0)
            cap_say(findings, info, SAY_NO_EXPIRES, NULL, NULL);
        return;
    }
    static const char *const BEGINNINGS[] = {"effective", "onset"};
    for (size_t i = 0; i < 2; i++) {
        if (time_in(checking, info, BEGINNINGS[i], &other, &text, &time_us) && expires_us < time_us)
            cap_say(findings, node, SAY_SPAN, expires, BEGINNINGS[i]);
    }
    if (checking->has_sent && expires_us <= checking->sent_us)
        cap_say(findings, node, SAY_PAST, expires, NULL);
}

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

/* The word by which a headline says that it is a drill; NULL: it does not. */
static const char *drill_word(const char *headline)
{
    static const char *const WORDS[] = {"演练", "演习", "测试", "exercise", "drill", "test"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (strcasestr(headline, WORDS[i]) != NULL)
            return WORDS[i];
    }
    return NULL;
}

static void check_headline(const struct checking *checking, const xmlNode *info)
{
    struct cap_findings *findings = checking->findings;
    const xmlNode *node = cap_child(info, "headline");
    const char *headline = node == NULL ? "" : cap_trimmed(&findings->arena, node);
    const char *word = drill_word(headline);
    bool drill = strcmp(checking->status, "Exercise") == 0 || strcmp(checking->status, "Test") == 0;
    if (characters(headline) > 160)
        cap_say(findings, node, SAY_LONG_HEADLINE, NULL, NULL);
    if (drill && word == NULL)
        cap_say(findings, node != NULL ? node : info, SAY_DRILL_UNSAID, checking->status, NULL);
    if (strcmp(checking->status, "Actual") == 0 && word != NULL)
        cap_say(findings, node, SAY_DRILL_SAID, word, NULL);
}

static void check_resource(const xmlNode *resource, struct cap_findings *findings)
{
    const xmlNode *mime = cap_child(resource, "mimeType"), *digest = cap_child(resource, "digest");
    const char *type = mime == NULL ? "" : cap_trimmed(&findings->arena, mime);
    const char *slash = strchr(type, '/');
    if (*type != '\0' && (slash == NULL || slash == type || slash[1] == '\0'))
        cap_say(findings, mime, SAY_MIME, type, NULL);
    const char *hash = digest == NULL ? "" : cap_trimmed(&findings->arena, digest);
    if (*hash != '\0' && (strlen(hash) != 40 || strspn(hash, "0123456789abcdefABCDEF") != 40))
        cap_say(findings, digest, SAY_DIGEST, hash, NULL);
}

static const char *word_of(struct cap_findings *findings, const xmlNode *info, const char *name,
                           const char *missing)
{
    const xmlNode *node = cap_child(info, name);
    return node == NULL ? missing : cap_trimmed(&findings->arena, node);
}

static void check_language(const xmlNode *info, struct cap_findings *findings)
{
    const xmlNode *next = cap_next(info, "info");
    if (next == NULL)
        return;
    const char *language = word_of(findings, info, "language", "en-US");
    if (strcmp(language, word_of(findings, next, "language", "en-US")) == 0 &&
        strcmp(word_of(findings, info, "event", ""), word_of(findings, next, "event", "")) == 0 &&
        cap_child(next, "area") == NULL)
        cap_say(findings, next, SAY_LANGUAGE_TWICE, language, NULL);
}

static void check_info(const struct checking *checking, const xmlNode *info)
{
    struct cap_findings *findings = checking->findings;
    check_span(checking, info);
    check_headline(checking, info);
    check_language(info, findings);
    for (xmlNodePtr at = cap_child(info, "resource"); at != NULL; at = cap_next(at, "resource"))
        check_resource(at, findings);
    if (cap_child(info, "area") == NULL)
        cap_say(findings, info, SAY_NO_AREA, NULL, NULL);
    for (xmlNodePtr at = cap_child(info, "area"); at != NULL; at = cap_next(at, "area"))
        cap_check_area(at, findings);
}

void cap_check_rules(const struct cap *cap, struct cap_findings *findings)
{
    struct checking checking = {.cap = cap,
                                .alert = cap_alert(cap),
                                .findings = findings,
                                .type = cap_text(cap, "msgType"),
                                .status = cap_text(cap, "status"),
                                .sender = cap_text(cap, "sender"),
                                .identifier = cap_text(cap, "identifier")};
    checking.has_sent = cap_time(cap_text(cap, "sent"), &checking.sent_us);
    bool about_another = strcmp(checking.type, "Ack") == 0 || strcmp(checking.type, "Error") == 0;
    bool cancels = strcmp(checking.type, "Cancel") == 0;
    bool note = has_text(checking.alert, "note", findings);
    check_scope(&checking);
    check_references(&checking);
    if (cap_info_count(cap) == 0 && !about_another && !(cancels && note))
        cap_say(findings, checking.alert, SAY_NO_INFO, checking.type, NULL);
    if (!note && (strcmp(checking.type, "Error") == 0 || strcmp(checking.status, "Exercise") == 0))
        cap_say(findings, checking.alert, SAY_NOTE_MISSING,
                strcmp(checking.type, "Error") == 0 ? "Error" : "Exercise", NULL);
    for (xmlNodePtr at = cap_child(checking.alert, "info"); at != NULL; at = cap_next(at, "info"))
        check_info(&checking, at);
}
