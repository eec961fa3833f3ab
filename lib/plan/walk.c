/*
 * The walk over plain values: maps and their keys, lists, texts, numbers, levels. (References into
 * the vocabulary: refer.c.) Nothing here can fail but by reporting a finding.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>
#include <timefmt.h>

enum { ID_SIZE_MAX = 64, TEXT_SIZE_MAX = 8192, DIGITS_MAX = 15, SHOWN_SIZE = 512 };

static const char *const KIND_NAMES[] = {"a text", "a list", "a map"};

void walk_report(struct loading *loading, const struct node *node, const char *format, ...)
{
    if (!node) {
        node = loading->root;
    }
    va_list arguments;
    va_start(arguments, format);
    findings_add_list(loading->findings, node->file, node->line, node->column, format, arguments);
    va_end(arguments);
}

static bool is_kind(struct loading *loading, const struct node *node, enum node_kind kind)
{
    if (node->kind == kind) {
        return true;
    }
    walk_report(loading, node, "%s%sexpected %s, found %s", node->key ? node->key : "",
                node->key ? ": " : "", KIND_NAMES[kind], KIND_NAMES[node->kind]);
    return false;
}

/* The text of a node, NULL (reported) if it is none or empty. Borrowed from the tree. */
static const char *text_of(struct loading *loading, const struct node *node)
{
    if (!node || !is_kind(loading, node, NODE_TEXT)) {
        return NULL;
    }
    if (node->text[strspn(node->text, " \t\r\n")] == 0) {
        walk_report(loading, node, "%s%sthe text is empty", node->key ? node->key : "",
                    node->key ? ": " : "");
        return NULL;
    }
    if (strlen(node->text) > TEXT_SIZE_MAX) {
        walk_report(loading, node, "a text of %zu bytes; at most %d are possible",
                    strlen(node->text), TEXT_SIZE_MAX);
        return NULL;
    }
    return node->text;
}

/* ---- keys ---- */

/* Takes the next name of a list of names separated by spaces; false at its end. */
static bool next_name(const char **names, const char **name, size_t *size)
{
    *names += strspn(*names, " ");
    *name = *names;
    *size = strcspn(*names, " ");
    *names += *size;
    return *size > 0;
}

static bool names_key(const char *keys, const char *key)
{
    const char *name;
    size_t size;
    while (next_name(&keys, &name, &size)) {
        size -= name[size - 1] == '?';
        if (strlen(key) == size && memcmp(name, key, size) == 0) {
            return true;
        }
    }
    return false;
}

/* The names with commas between them, for people. */
static const char *show_names(const char *names, char *shown, size_t shown_size)
{
    size_t used = 0;
    const char *name;
    size_t size;
    shown[0] = 0;
    while (next_name(&names, &name, &size) && used + size + 3 < shown_size) {
        int visible = (int)(size - (name[size - 1] == '?'));
        used += (size_t)snprintf(shown + used, shown_size - used, "%s%.*s", used ? ", " : "",
                                 visible, name);
    }
    return shown;
}

/* A stand-in for the key of a child, to report there. */
static struct node key_of(const struct node *child)
{
    return (struct node){.file = child->file, .line = child->key_line, .column = child->key_column};
}

static void check_key(struct loading *loading, const struct node *child, const char *keys)
{
    char shown[SHOWN_SIZE];
    struct node key = key_of(child);
    if (!names_key(keys, child->key)) {
        walk_report(loading, &key, "unknown key \"%s\"; expected one of: %s", child->key,
                    show_names(keys, shown, sizeof shown));
    } else if (strcmp(child->key, "reading") == 0) {
        (void)text_of(loading, child);
    }
}

bool walk_keys(struct loading *loading, const struct node *node, const char *keys)
{
    if (!node || !is_kind(loading, node, NODE_MAP)) {
        return false;
    }
    for (const struct node *child = node->first; child; child = child->next) {
        check_key(loading, child, keys);
    }
    const char *rest = keys, *name;
    size_t size;
    while (next_name(&rest, &name, &size)) {
        char key[ID_SIZE_MAX];
        snprintf(key, sizeof key, "%.*s", (int)size, name);
        if (key[size - 1] != '?' && !tree_get(node, key)) {
            walk_report(loading, node, "missing key \"%s\"", key);
        }
    }
    return true;
}

const struct node *walk_list(struct loading *loading, const struct node *map, const char *key,
                             size_t max)
{
    const struct node *list = tree_get(map, key);
    if (!list || !is_kind(loading, list, NODE_LIST)) {
        return NULL;
    }
    if (list->count == 0) {
        walk_report(loading, list, "%s: the list is empty", key);
        return NULL;
    }
    if (list->count > max) {
        walk_report(loading, list, "%s: %zu entries, at most %zu are possible", key, list->count,
                    max);
        return NULL;
    }
    return list;
}

/* ---- texts ---- */

static const char *keep(struct loading *loading, const char *text)
{
    return text ? ld_arena_string(loading->arena, text, strlen(text)) : "";
}

const char *walk_string(struct loading *loading, const struct node *map, const char *key)
{
    return keep(loading, text_of(loading, tree_get(map, key)));
}

const char *walk_section(struct loading *loading, const struct node *map)
{
    const char *section = text_of(loading, tree_get(map, "section"));
    if (!section || !is_taken(loading, map)) {
        return keep(loading, section);
    }
    return ld_arena_format(loading->arena, "%s %s", loading->plan->general, section);
}

const char *walk_reading(struct loading *loading, const struct node *map)
{
    const struct node *node = tree_get(map, "reading");
    return keep(loading, node && node->kind == NODE_TEXT ? node->text : NULL);
}

bool walk_is_id(const char *text)
{
    static const char FIRST[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char MORE[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    return strspn(text, FIRST) > 0 && text[strspn(text, MORE)] == 0 && strlen(text) <= ID_SIZE_MAX;
}

const char *walk_id(struct loading *loading, const struct node *map, const char *key)
{
    const struct node *node = tree_get(map, key);
    const char *text = text_of(loading, node);
    if (text && !walk_is_id(text)) {
        walk_report(loading, node,
                    "%s: \"%s\" is no id; expected at most 64 of a-z, 0-9, '.', '-' and '_'", key,
                    text);
        return "";
    }
    return keep(loading, text);
}

const char *walk_date(struct loading *loading, const struct node *map, const char *key)
{
    const struct node *node = tree_get(map, key);
    const char *text = text_of(loading, node);
    int64_t time_us;
    if (text && (strlen(text) != 10 || ld_time_parse(text, 0, &time_us, NULL) != LD_OK)) {
        walk_report(loading, node, "%s: \"%s\" is no date; expected such as 2021-03-09", key, text);
    }
    return keep(loading, text);
}

/* Any character of U+3400 to U+9FFF; the text is UTF-8. */
static bool has_han(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if ((*at == 0xe3 && at[1] >= 0x90) || (*at >= 0xe4 && *at <= 0xe9)) {
            return true;
        }
    }
    return false;
}

struct plan_text walk_name(struct loading *loading, const struct node *map)
{
    struct plan_text text = {walk_string(loading, map, "zh"), walk_string(loading, map, "en")};
    if (has_han(text.en)) {
        walk_report(loading, tree_get(map, "en"), "en: Chinese characters in the English text");
    }
    return text;
}

struct plan_text walk_text_of(struct loading *loading, const struct node *node)
{
    if (node && node->kind == NODE_TEXT) {
        walk_report(loading, node,
                    "%s%sexpected a text in both languages {zh: …, en: …}, found a plain text",
                    node->key ? node->key : "", node->key ? ": " : "");
        return (struct plan_text){"", ""};
    }
    if (!walk_keys(loading, node, "zh en")) {
        return (struct plan_text){"", ""};
    }
    return walk_name(loading, node);
}

struct plan_text walk_text(struct loading *loading, const struct node *map, const char *key)
{
    return walk_text_of(loading, tree_get(map, key));
}

/* ---- numbers ---- */

int64_t walk_duration_of(struct loading *loading, const struct node *node)
{
    const char *text = text_of(loading, node);
    if (!text) {
        return 0;
    }
    int64_t duration_us = 0;
    struct ld_error error;
    if (ld_duration_parse(text, &duration_us, &error) != LD_OK || duration_us <= 0) {
        walk_report(loading, node,
                    "%s%s\"%s\" is no duration; expected a number and a unit, such as 30m, 2h, 7d",
                    node->key ? node->key : "", node->key ? ": " : "", text);
        return 0;
    }
    return duration_us;
}

int64_t walk_duration(struct loading *loading, const struct node *map, const char *key)
{
    return walk_duration_of(loading, tree_get(map, key));
}

/* Decimal digits with at most one point; exact, and the same in every locale. */
static bool parse_number(const char *text, double *value)
{
    bool negative = *text == '-';
    text += negative;
    double whole = 0, scale = 1;
    int digits = 0;
    bool fraction = false;
    for (; *text; text++) {
        if (*text == '.' && !fraction && digits > 0 && text[1]) {
            fraction = true;
            continue;
        }
        if (*text < '0' || *text > '9' || ++digits > DIGITS_MAX) {
            return false;
        }
        whole = whole * 10 + (*text - '0');
        scale *= fraction ? 10 : 1;
    }
    *value = (negative ? -whole : whole) / scale;
    return digits > 0;
}

bool walk_number(struct loading *loading, const struct node *map, const char *key, double *value)
{
    const struct node *node = tree_get(map, key);
    const char *text = text_of(loading, node);
    if (text && !parse_number(text, value)) {
        walk_report(loading, node, "%s: \"%s\" is no number", key, text);
        return false;
    }
    return text != NULL;
}

int walk_integer(struct loading *loading, const struct node *map, const char *key, int low,
                 int high)
{
    double value;
    if (!walk_number(loading, map, key, &value)) {
        return 0;
    }
    if (value < low || value > high || value != (double)(int)value) {
        walk_report(loading, tree_get(map, key), "%s: expected a whole number from %d to %d", key,
                    low, high);
        return 0;
    }
    return (int)value;
}

int walk_choice_of(struct loading *loading, const struct node *node, const char *what,
                   const char *names)
{
    const char *text = text_of(loading, node);
    if (!text) {
        return -1;
    }
    const char *rest = names, *name;
    size_t size;
    for (int position = 0; next_name(&rest, &name, &size); position++) {
        if (strlen(text) == size && memcmp(name, text, size) == 0) {
            return position;
        }
    }
    char shown[SHOWN_SIZE];
    walk_report(loading, node, "%s: found \"%s\"; expected one of: %s", what, text,
                show_names(names, shown, sizeof shown));
    return -1;
}

int walk_choice(struct loading *loading, const struct node *map, const char *key, const char *names)
{
    return walk_choice_of(loading, tree_get(map, key), key, names);
}

bool walk_flag(struct loading *loading, const struct node *map, const char *key)
{
    return walk_choice(loading, map, key, "false true") == 1;
}

int walk_minute(struct loading *loading, const struct node *map, const char *key)
{
    const struct node *node = tree_get(map, key);
    const char *text = text_of(loading, node);
    if (!text) {
        return 0;
    }
    static const char DIGITS[] = "0123456789";
    bool shaped = strlen(text) == 5 && strspn(text, DIGITS) == 2 && text[2] == ':' &&
                  strspn(text + 3, DIGITS) == 2;
    int hour = shaped ? (text[0] - '0') * 10 + text[1] - '0' : 24;
    int minute = shaped ? (text[3] - '0') * 10 + text[4] - '0' : 60;
    if (hour > 23 || minute > 59) {
        walk_report(loading, node, "%s: \"%s\" is no time of day; expected such as \"17:00\"", key,
                    text);
        return 0;
    }
    return hour * 60 + minute;
}

/* ---- levels ---- */

/* -1 (reported) unless it is a level of the plan, or none where that is possible. */
static int check_level(struct loading *loading, const struct node *node, const char *text,
                       bool with_none)
{
    int level = plan_level_parse(text);
    if (level < 0 || (level == PLAN_NONE && !with_none)) {
        walk_report(loading, node, "\"%s\" is no level; expected I, II, III or IV%s", text,
                    with_none ? ", or none" : "");
        return -1;
    }
    bool had = level == PLAN_NONE || (loading->plan->levels & level_bit(level));
    if (!had && !is_taken(loading, node)) {
        walk_report(loading, node, "the plan has no level %s (see levels at its top)", text);
        return -1;
    }
    return level;
}

enum plan_level walk_level_of(struct loading *loading, const struct node *node)
{
    const char *text = text_of(loading, node);
    int level = text ? check_level(loading, node, text, false) : -1;
    return level < 0 ? PLAN_NONE : (enum plan_level)level;
}

enum plan_level walk_level(struct loading *loading, const struct node *map, const char *key)
{
    return walk_level_of(loading, tree_get(map, key));
}

unsigned walk_levels(struct loading *loading, const struct node *map, const char *key,
                     bool with_none)
{
    const struct node *list = walk_list(loading, map, key, PLAN_LEVELS);
    unsigned levels = 0;
    for (const struct node *node = list ? list->first : NULL; node; node = node->next) {
        const char *text = text_of(loading, node);
        int level = text ? check_level(loading, node, text, with_none) : -1;
        if (level >= 0 && (levels & level_bit(level))) {
            walk_report(loading, node, "%s: level %s stands twice", key, text);
        }
        levels |= level < 0 ? 0 : level_bit(level);
    }
    return levels;
}

int walk_level_key(struct loading *loading, const struct node *child)
{
    struct node key = key_of(child);
    return check_level(loading, &key, child->key, false);
}
