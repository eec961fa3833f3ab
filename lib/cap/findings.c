/* Findings: what is to be said, in both languages, with what was found and expected filled in. */
#include "inside.h"

#include <stdlib.h>
#include <string.h>
#include "buffer.h"

struct saying {
    enum cap_weight weight;
    const char *zh, *en;
};
static const struct saying SAYINGS[] = {
#define CAP_SAYING_ROW(name, weight, zh, en) {CAP_##weight, zh, en},
    CAP_SAYINGS(CAP_SAYING_ROW)
#undef CAP_SAYING_ROW
};

/* At most 60 bytes of what was found, cut between characters; control characters become blanks. */
static const char *shown(struct ld_arena *arena, const char *text)
{
    enum { SHOWN_MAX = 60 };
    size_t size = strlen(text);
    bool cut = size > SHOWN_MAX;
    if (cut) {
        size = SHOWN_MAX;
        while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
            size--;
    }
    char *copy = ld_arena_format(arena, "%.*s%s", (int)size, text, cut ? "…" : "");
    for (char *at = copy; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
    }
    return copy;
}

static const char *fill(struct ld_arena *arena, const char *pattern, const char *found,
                        const char *expected)
{
    struct ld_buffer filled = {0};
    while (*pattern != '\0') {
        size_t plain = strcspn(pattern, "{");
        ld_buffer_append(&filled, pattern, plain);
        pattern += plain;
        if (*pattern == '\0')
            break;
        ld_buffer_text(&filled, strncmp(pattern, "{found}", 7) == 0 ? found : expected);
        pattern = strchr(pattern, '}') + 1;
    }
    const char *text = ld_arena_string(arena, ld_buffer_string(&filled), filled.size);
    ld_buffer_free(&filled);
    return text;
}

static const char *path_of(struct ld_arena *arena, const xmlNode *node)
{
    const xmlNode *parent = node->parent;
    bool nested = parent != NULL && parent->type == XML_ELEMENT_NODE && parent->parent != NULL &&
                  parent->parent->type == XML_ELEMENT_NODE;
    const char *name = shown(arena, (const char *)node->name);
    return nested ? ld_arena_format(arena, "%s/%s", shown(arena, (const char *)parent->name), name)
                  : name;
}

void cap_say(struct cap_findings *findings, const xmlNode *node, enum cap_saying saying,
             const char *found, const char *expected)
{
    const struct saying *words = &SAYINGS[saying];
    struct ld_arena *arena = &findings->arena;
    findings->of_weight[words->weight]++;
    if (findings->count == CAP_FINDINGS_MAX)
        return;
    if (findings->all == NULL)
        findings->all = ld_arena_alloc(arena, CAP_FINDINGS_MAX * sizeof *findings->all);
    found = found == NULL ? "" : shown(arena, found);
    expected = expected == NULL ? "" : expected;
    findings->all[findings->count++] =
        (struct cap_finding){.line = (int)xmlGetLineNo(node),
                             .weight = words->weight,
                             .element = path_of(arena, node),
                             .zh = fill(arena, words->zh, found, expected),
                             .en = fill(arena, words->en, found, expected)};
}

void cap_findings_free(struct cap_findings *findings)
{
    ld_arena_free(&findings->arena);
    *findings = (struct cap_findings){0};
}
