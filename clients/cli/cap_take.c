/*
 * A foreign CAP message as a report. The first rule whose sender, code and event fit says what it
 * is here; the message's own id is "sender,identifier", so that taking it twice is refused by the
 * service, and what an Update or Cancel refers to is the report that it replaces.
 */
#include "cap_take.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan/tree.h"
#include "timefmt.h"

enum { RULES_BYTES_MAX = 1 << 16, EVENT_MAX_BYTES = 500, NARRATIVE_MAX_BYTES = 8000 };

struct cap_rules {
    struct ld_arena arena;
    const struct node *root;
};

/* ---- the rules ---- */

static int complain(const struct node *node, const char *path, const char *what,
                    struct ld_error *error)
{
    return ld_fail(error, LD_INVALID, "%s:%d: %s", path, node != NULL ? node->line : 1, what);
}

static bool is_known(const char *key)
{
    static const char *const KEYS[] = {"sender",  "code",     "event", "hazard",
                                       "channel", "measures", "signs"};
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0]; i++)
        if (strcmp(KEYS[i], key) == 0)
            return true;
    return false;
}

static int check_rule(const struct node *rule, const char *path, struct ld_error *error)
{
    static const char *const TEXTS[] = {"sender", "hazard"};
    const struct node *measures = tree_get(rule, "measures"), *signs = tree_get(rule, "signs");
    if (rule->kind != NODE_MAP)
        return complain(rule, path, "expected a rule: sender, code, event, hazard, …", error);
    for (const struct node *at = rule->first; at != NULL; at = at->next)
        if (!is_known(at->key))
            return complain(at, path,
                            "unknown key: sender, code, event, hazard, channel, "
                            "measures and signs are known",
                            error);
    for (size_t i = 0; i < 2; i++) {
        const struct node *text = tree_get(rule, TEXTS[i]);
        if (text == NULL || text->kind != NODE_TEXT)
            return complain(rule, path, "expected sender and hazard, each a text", error);
    }
    if (measures != NULL && measures->kind != NODE_MAP)
        return complain(measures, path, "measures: expected a map MEASURE: PARAMETER", error);
    if (signs != NULL && signs->kind != NODE_LIST)
        return complain(signs, path, "signs: expected a list", error);
    return LD_OK;
}

static int check_rules(const struct node *root, const char *path, struct ld_error *error)
{
    const struct node *intake = tree_get(root, "intake");
    const struct node *geocodes = tree_get(root, "geocodes");
    if (intake == NULL || intake->kind != NODE_LIST || geocodes == NULL ||
        geocodes->kind != NODE_LIST)
        return complain(root, path, "expected geocodes: and intake:, each a list", error);
    for (const struct node *rule = intake->first; rule != NULL; rule = rule->next)
        if (check_rule(rule, path, error) != LD_OK)
            return error->code;
    return LD_OK;
}

static int parse(struct cap_rules *rules, const char *path, const char *text, size_t size,
                 struct ld_error *error)
{
    struct plan_findings findings = {0};
    rules->root = tree_read(&rules->arena, path, text, size, &findings);
    int code = rules->root == NULL ? ld_fail(error, LD_INVALID, "%s:%d: %s", path,
                                             findings.count > 0 ? findings.all[0].line : 1,
                                             findings.count > 0 ? findings.all[0].text : "no YAML")
                                   : check_rules(rules->root, path, error);
    plan_findings_free(&findings);
    return code;
}

int cap_rules_open(const char *path, struct cap_rules **out, struct ld_error *error)
{
    FILE *file = fopen(path, "rb");
    *out = NULL;
    if (file == NULL)
        return ld_fail(error, LD_NOTFOUND, "%s: %s", path, strerror(errno));
    char *text = malloc(RULES_BYTES_MAX + 1);
    struct cap_rules *rules = calloc(1, sizeof *rules);
    if (text == NULL || rules == NULL)
        abort();
    size_t size = fread(text, 1, RULES_BYTES_MAX + 1, file);
    fclose(file);
    int code = size > RULES_BYTES_MAX ? ld_fail(error, LD_INVALID, "%s: expected at most %d bytes",
                                                path, RULES_BYTES_MAX)
                                      : parse(rules, path, text, size, error);
    free(text);
    if (code == LD_OK)
        *out = rules;
    else
        cap_rules_free(rules);
    return code;
}

void cap_rules_free(struct cap_rules *rules)
{
    if (rules == NULL)
        return;
    ld_arena_free(&rules->arena);
    free(rules);
}

/* ---- which rule ---- */

static const char *text_at(const struct node *map, const char *key)
{
    const struct node *node = tree_get(map, key);
    return node == NULL || node->kind != NODE_TEXT ? "" : node->text;
}

static bool fits(const char *pattern, const char *text)
{
    return *pattern == '\0' || (strlen(text) <= EVENT_MAX_BYTES && fnmatch(pattern, text, 0) == 0);
}

/* An eventCode with this value in any info, whatever the scheme's name. */
static bool has_code(const struct cap *cap, const char *code)
{
    for (size_t info = 0; *code != '\0' && info < cap_info_count(cap); info++)
        for (size_t i = 0; *cap_info_any(cap, info, "eventCode", i) != '\0'; i++)
            if (strcmp(cap_info_any(cap, info, "eventCode", i), code) == 0)
                return true;
    return *code == '\0';
}

static bool has_event(const struct cap *cap, const char *pattern)
{
    for (size_t info = 0; info < cap_info_count(cap); info++)
        if (fits(pattern, cap_info_text(cap, info, "event")))
            return true;
    return *pattern == '\0';
}

static const struct node *rule_for(const struct cap_rules *rules, const struct cap *cap)
{
    const char *sender = cap_text(cap, "sender");
    for (const struct node *rule = tree_get(rules->root, "intake")->first; rule != NULL;
         rule = rule->next)
        if (fits(text_at(rule, "sender"), sender) && has_code(cap, text_at(rule, "code")) &&
            has_event(cap, text_at(rule, "event")))
            return rule;
    return NULL;
}

/* ---- where ---- */

/* 330302000000, 330300 and 3303 as 330302, 3303 and 3303; "" if it is no code. */
static const char *trimmed(struct ld_arena *arena, const char *code)
{
    size_t size = strlen(code);
    if (size < 2 || size > 12 || size % 2 != 0 || strspn(code, "0123456789") != size)
        return "";
    size = size > 6 ? 6 : size;
    while (size > 2 && code[size - 1] == '0' && code[size - 2] == '0')
        size -= 2;
    return ld_arena_string(arena, code, size);
}

/* The area that holds both: their common beginning, in whole pairs of digits. */
static const char *joined(struct ld_arena *arena, const char *one, const char *other)
{
    if (*one == '\0')
        return other;
    size_t size = 0;
    while (one[size] != '\0' && one[size] == other[size])
        size++;
    return ld_arena_string(arena, one, size - size % 2);
}

static const char *area_of(const struct cap_rules *rules, const struct cap *cap,
                           struct ld_arena *arena)
{
    const char *area = "";
    for (const struct node *name = tree_get(rules->root, "geocodes")->first; name != NULL;
         name = name->next)
        for (size_t i = 0; name->kind == NODE_TEXT; i++) {
            const char *value = cap_info_value(cap, 0, "geocode", name->text, i);
            if (*value == '\0')
                break;
            const char *code = trimmed(arena, value);
            area = *code == '\0' ? area : joined(arena, area, code);
        }
    return area;
}

/* ---- what ---- */

/* "sender,identifier" of the latest message that it refers to, "" if there is none. */
static const char *replaced(const struct cap *cap, struct ld_arena *arena)
{
    const char *all = cap_text(cap, "references"), *latest = "";
    int64_t latest_us = INT64_MIN;
    for (const char *at = all; *at != '\0'; at += strspn(at, " \t\r\n")) {
        size_t size = strcspn(at, " \t\r\n");
        char *reference = ld_arena_string(arena, at, size), *sent = strrchr(reference, ',');
        int64_t sent_us;
        at += size;
        if (sent == NULL || ld_time_parse(sent + 1, 0, &sent_us, NULL) != LD_OK)
            continue;
        *sent = '\0';
        if (sent_us >= latest_us) {
            latest = reference;
            latest_us = sent_us;
        }
    }
    return latest;
}

static char *plain(const char *text)
{
    return (char *)(uintptr_t)text; /* packing only reads it */
}

/* The report outlives the rules and the message that it was made of. */
static char *kept(const char *text, struct ld_arena *arena)
{
    return ld_arena_string(arena, text, strlen(text));
}

static int fill_measures(const struct node *rule, const struct cap *cap, struct ld_arena *arena,
                         Liandong__V1__Report *report, struct ld_error *error)
{
    const struct node *measures = tree_get(rule, "measures");
    report->measures = ld_arena_alloc(arena, ((measures != NULL ? measures->count : 0) + 1) *
                                                 sizeof *report->measures);
    for (const struct node *at = measures != NULL ? measures->first : NULL; at != NULL;
         at = at->next) {
        const char *value =
            at->kind == NODE_TEXT ? cap_info_value(cap, 0, "parameter", at->text, 0) : "";
        char *end;
        double number = strtod(value, &end);
        if (*value == '\0' || *end != '\0')
            return ld_fail(error, LD_INVALID,
                           "expected a parameter %s with a number for %s, found \"%.40s\"",
                           at->kind == NODE_TEXT ? at->text : "", at->key, value);
        Liandong__V1__Measure *measure = ld_arena_alloc(arena, sizeof *measure);
        liandong__v1__measure__init(measure);
        measure->measure = kept(at->key, arena);
        measure->value = number;
        report->measures[report->n_measures++] = measure;
    }
    return LD_OK;
}

static char **signs_of(const struct node *rule, struct ld_arena *arena, size_t *count)
{
    const struct node *signs = tree_get(rule, "signs");
    char **all = ld_arena_alloc(arena, ((signs != NULL ? signs->count : 0) + 1) * sizeof *all);
    for (const struct node *at = signs != NULL ? signs->first : NULL; at != NULL; at = at->next)
        if (at->kind == NODE_TEXT)
            all[(*count)++] = kept(at->text, arena);
    return all;
}

static const char *narrative_of(const struct cap *cap, struct ld_arena *arena)
{
    char *text = ld_arena_format(arena, "%s\n%s\nCAP %s,%s", cap_info_text(cap, 0, "headline"),
                                 cap_info_text(cap, 0, "description"), cap_text(cap, "sender"),
                                 cap_text(cap, "identifier"));
    size_t size = strlen(text);
    if (size > NARRATIVE_MAX_BYTES) {
        size = NARRATIVE_MAX_BYTES;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
        text[size] = '\0';
    }
    return text;
}

static int check_kind(const struct cap *cap, struct ld_error *error)
{
    const char *type = cap_text(cap, "msgType"), *status = cap_text(cap, "status");
    if (strcmp(status, "Actual") != 0 && strcmp(status, "Exercise") != 0)
        return ld_fail(error, LD_INVALID,
                       "expected status Actual or Exercise, found %.20s: nothing to act on",
                       status);
    if (strcmp(type, "Alert") != 0 && strcmp(type, "Update") != 0 && strcmp(type, "Cancel") != 0)
        return ld_fail(error, LD_INVALID, "expected Alert, Update or Cancel, found %.20s", type);
    return LD_OK;
}

int cap_take(const struct cap_rules *rules, const struct cap *cap, const char *area,
             struct ld_arena *arena, Liandong__V1__Report *report, struct ld_error *error)
{
    const struct node *rule = rule_for(rules, cap);
    bool cancels = strcmp(cap_text(cap, "msgType"), "Cancel") == 0;
    liandong__v1__report__init(report);
    if (check_kind(cap, error) != LD_OK)
        return error->code;
    if (rule == NULL)
        return ld_fail(error, LD_INVALID,
                       "no rule fits sender %.80s, event %.80s: add one to the rules",
                       cap_text(cap, "sender"), cap_info_text(cap, 0, "event"));
    area = area != NULL ? area : area_of(rules, cap, arena);
    if (*area == '\0')
        return ld_fail(error, LD_INVALID,
                       "expected a geocode that the rules know; say where with --area");
    report->kind = strcmp(cap_text(cap, "msgType"), "Alert") == 0
                       ? LIANDONG__V1__REPORT__KIND__INITIAL
                       : LIANDONG__V1__REPORT__KIND__PROGRESS;
    report->means = LIANDONG__V1__REPORT__MEANS__NETWORK;
    report->id =
        ld_arena_format(arena, "%s,%s", cap_text(cap, "sender"), cap_text(cap, "identifier"));
    report->revises = plain(replaced(cap, arena));
    report->area = kept(area, arena);
    report->hazard = kept(text_at(rule, "hazard"), arena);
    report->channel = kept(text_at(rule, "channel"), arena);
    report->narrative = plain(narrative_of(cap, arena));
    if (ld_time_parse(cap_text(cap, "sent"), 0, &report->occurred_at_us, error) != LD_OK)
        return error->code;
    if (cancels) {
        report->signs_lifted = signs_of(rule, arena, &report->n_signs_lifted);
        return LD_OK;
    }
    report->signs = signs_of(rule, arena, &report->n_signs);
    return fill_measures(rule, cap, arena, report, error);
}
