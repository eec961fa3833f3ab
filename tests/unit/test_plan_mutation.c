/*
 * Breaks every plan of plans/ in many ways; the linter must find each break where it was made, or
 * the break must be harmless.
 *
 * A break is made at one node of the plan's tree: a key renamed, left out, or there twice; a word
 * changed; a text emptied; a list emptied; bounds that exclude each other; a count's bound turned
 * round where nothing else must hold too; a line moved by a space.
 *
 * Found: a finding in the plan's own file at the line of the break or at most two beside it (what
 * is no YAML any more is noticed where the
 * entry or one around it ends), at a map or list that the node
 * stands in, or one that names the word that was changed (where what refers to it is reported).
 * Harmless: the tree is the same but for texts that only people read (FREE below): what is said in
 * both languages, readings, citations, and names that nothing in the plan refers to.
 *
 * Keys that the format lets a plan leave out (OPTIONAL) are not left out here: that makes another
 * plan, not a broken one. LIANDONG_SEED, LIANDONG_TESTS=full: more breaks.
 */
#include "plan_sample.h"

#include <glob.h>
#include <stdio.h>
#include "plan/tree.h"

enum { NODES_MAX = 40000, BREAKS = 90, BREAKS_FULL = 1000, NEARBY = 2, AROUND = 3, TRIES = 2000 };

enum kind {
    RENAME,
    LEAVE_OUT,
    TWICE,
    CHANGE,
    EMPTY_TEXT,
    EMPTY_LIST,
    EXCLUDE,
    REVERSE,
    INDENT,
    KINDS
};
static const char *const KIND_NAMES[KINDS] = {"renamed",        "left out",       "twice",
                                              "word changed",   "text emptied",   "list emptied",
                                              "bounds exclude", "bound reversed", "line moved"};

static const char FREE[] = " zh en reading section title document issued id plan to commander ";
static const char OPTIONAL[] =
    " reading over levels hazards classes within round merge county issue each warn_before "
    "deadline repeat signs from until areas leads press assessment map meeting daily_report "
    "commander "
    "office follows follows_city requisition must_follow direct groups aftercare general clocks "
    "warnings row defers group at_least at_most more_than less_than ";

struct place {
    const struct node *node;
    const struct place *parent; /* NULL: the root */
};
static struct place places[NODES_MAX];
static size_t place_count;
static unsigned random_state;

static unsigned chance(unsigned of)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % of;
}

static bool is_among(const char *words, const char *word)
{
    char spaced[96];
    snprintf(spaced, sizeof spaced, " %s ", word);
    return strstr(words, spaced) != NULL;
}

static void collect(const struct node *node, const struct place *parent)
{
    assert_true(place_count < NODES_MAX);
    struct place *place = &places[place_count++];
    *place = (struct place){node, parent};
    for (const struct node *child = node->first; child; child = child->next)
        collect(child, place);
}

/* ---- places in the text ---- */

/* Columns count characters, not bytes. */
static const char *at(const char *text, int line, int column)
{
    while (--line > 0)
        text = strchr(text, '\n') + 1;
    while (--column > 0)
        while (((unsigned char)*++text & 0xc0) == 0x80)
            ;
    return text;
}

/* Behind the value of a text on one line; NULL if it is written in another way. */
static const char *end_of(const char *value, const struct node *node)
{
    bool quoted = *value == '"';
    size_t size = strlen(node->text);
    if (strncmp(value + quoted, node->text, size) != 0 || (quoted && value[size + 1] != '"'))
        return NULL;
    return value + size + (quoted ? 2 : 0);
}

static char *spliced(const char *text, const char *from, const char *to, const char *with)
{
    struct ld_buffer out = {0};
    ld_buffer_append(&out, text, (size_t)(from - text));
    ld_buffer_text(&out, with);
    ld_buffer_text(&out, to);
    (void)ld_buffer_string(&out);
    return (char *)out.data;
}

/* ---- breaks: each gives the broken text, or NULL where it does not apply ---- */

static char *rename_key(const char *text, const struct node *node)
{
    const char *behind = at(text, node->key_line, node->key_column) + strlen(node->key);
    return spliced(text, behind, behind, "x");
}

static bool may_be_left_out(const struct place *place)
{
    const struct place *map = place->parent, *list = map->parent;
    bool of_duty = list && list->node->key && strcmp(list->node->key, "duties") == 0 &&
                   !tree_get(map->node, "units");
    return is_among(OPTIONAL, place->node->key) ||
           (of_duty && strcmp(place->node->key, "section") == 0) ||
           (map->node->key && strcmp(map->node->key, "leads") == 0);
}

static char *leave_out(const char *text, const struct place *place)
{
    const struct node *node = place->node, *next = node->next;
    const char *from = at(text, node->key_line, node->key_column);
    if (may_be_left_out(place))
        return NULL;
    if (next)
        return spliced(text, from, at(text, next->key_line, next->key_column), "");
    const char *end =
        node->kind == NODE_TEXT ? end_of(at(text, node->line, node->column), node) : NULL;
    return end ? spliced(text, from, end, "") : NULL;
}

static char *write_twice(const char *text, const struct place *place)
{
    const struct node *node = place->node, *map = place->parent->node;
    const char *from = at(text, node->key_line, node->key_column);
    const char *end =
        node->kind == NODE_TEXT ? end_of(at(text, node->line, node->column), node) : NULL;
    if (!end)
        return NULL;
    struct ld_buffer again = {0};
    ld_buffer_append(&again, from, (size_t)(end - from));
    if (*at(text, map->line, map->column) == '{')
        ld_buffer_text(&again, ", ");
    else
        ld_buffer_format(&again, "\n%*s", node->key_column - 1, "");
    char *broken = spliced(text, from, from, ld_buffer_string(&again));
    ld_buffer_free(&again);
    return broken;
}

static char *set_text(const char *text, const struct node *node, const char *value)
{
    const char *from = at(text, node->line, node->column);
    const char *end = node->kind == NODE_TEXT ? end_of(from, node) : NULL;
    return end ? spliced(text, from, end, value) : NULL;
}

static char *change_word(const char *text, const struct node *node)
{
    char value[512];
    if (node->kind != NODE_TEXT || strlen(node->text) > sizeof value - 8)
        return NULL;
    snprintf(value, sizeof value, "\"%sx\"", node->text);
    return strchr(node->text, '"') ? NULL : set_text(text, node, value);
}

static char *empty_list(const char *text, const struct node *node)
{
    const char *from = at(text, node->line, node->column);
    if (node->kind != NODE_LIST || *from != '[')
        return NULL;
    int depth = 0;
    const char *end = from;
    do {
        depth += (*end == '[') - (*end == ']');
        end++;
    } while (depth > 0);
    return spliced(text, from, end, "[]");
}

static char *exclude(const char *text, const struct node *node)
{
    static const char *const PAIRS[][2] = {{"at_least", "less_than"},
                                           {"more_than", "at_most"},
                                           {"at_most", "more_than"},
                                           {"less_than", "at_least"}};
    char bound[96];
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(node->key, PAIRS[i][0]) != 0)
            continue;
        const char *from = at(text, node->key_line, node->key_column);
        snprintf(bound, sizeof bound, "%s: %s, ", PAIRS[i][1], node->text);
        return spliced(text, from, from, bound);
    }
    return NULL;
}

/* In a count of cases, counties or places that decides by itself: at least becomes at most. */
static char *reverse(const char *text, const struct place *place)
{
    const struct node *node = place->node;
    const char *kind = place->parent->node->key;
    bool counts = kind && is_among(" count areas places ", kind);
    bool alone =
        counts && strcmp(node->key, "at_least") == 0 && !tree_get(place->parent->node, "at_most");
    for (const struct place *up = place->parent; alone && up; up = up->parent)
        alone = !up->node->key ||
                (strcmp(up->node->key, "all") != 0 && strcmp(up->node->key, "not") != 0);
    if (!alone)
        return NULL;
    const char *from = at(text, node->key_line, node->key_column);
    return spliced(text, from, from + strlen("at_least"), "at_most");
}

static char *move_line(const char *text, const struct node *node)
{
    const char *line = at(text, node->line, 1);
    bool in = chance(2);
    return in ? spliced(text, line, line, " ")
              : (*line == ' ' ? spliced(text, line, line + 1, "") : NULL);
}

static char *break_at(const char *text, const struct place *place, enum kind kind)
{
    const struct node *node = place->node;
    if (!node->key && kind != CHANGE && kind != EMPTY_TEXT && kind != EMPTY_LIST && kind != INDENT)
        return NULL;
    switch (kind) {
    case RENAME:
        return rename_key(text, node);
    case LEAVE_OUT:
        return leave_out(text, place);
    case TWICE:
        return write_twice(text, place);
    case CHANGE:
        return change_word(text, node);
    case EMPTY_TEXT:
        return set_text(text, node, "\"\"");
    case EMPTY_LIST:
        return empty_list(text, node);
    case EXCLUDE:
        return exclude(text, node);
    case REVERSE:
        return reverse(text, place);
    default:
        return move_line(text, node);
    }
}

/* ---- judging ---- */

static bool same_tree(const struct node *a, const struct node *b)
{
    bool same_key = !a->key == !b->key && (!a->key || strcmp(a->key, b->key) == 0);
    if (a->kind != b->kind || a->count != b->count || !same_key)
        return false;
    if (a->kind == NODE_TEXT)
        return (a->key && is_among(FREE, a->key)) || strcmp(a->text, b->text) == 0;
    const struct node *other = b->first;
    for (const struct node *child = a->first; child; child = child->next, other = other->next) {
        if (!same_tree(child, other))
            return false;
    }
    return true;
}

static bool is_harmless(const struct node *root, const char *name, const char *broken)
{
    struct ld_arena arena = {0};
    struct plan_findings findings = {0};
    const struct node *tree = tree_read(&arena, name, broken, strlen(broken), &findings);
    bool same = tree && findings.count == 0 && same_tree(root, tree);
    ld_arena_free(&arena);
    plan_findings_free(&findings);
    return same;
}

/* Where the entry, or one of those around it, ends. */
static int end_line(const struct place *place)
{
    int line = place->node->line;
    for (int up = 0; up <= AROUND && place; up++, place = place->parent) {
        const struct node *next = place->node->next;
        line = next && next->line > line ? next->line : line;
    }
    return line;
}

static bool is_near(const struct plan_finding *finding, const struct place *place, const char *name)
{
    const struct node *node = place->node;
    if (node->kind == NODE_TEXT && *node->text && strstr(finding->text, node->text))
        return true;
    if (strcmp(finding->file, name) != 0)
        return false;
    int line = node->key ? node->key_line : node->line;
    if (abs(finding->line - line) <= NEARBY || abs(finding->line - node->line) <= NEARBY)
        return true;
    if (strstr(finding->text, "not valid YAML") && finding->line >= line &&
        finding->line <= end_line(place))
        return true;
    for (const struct place *up = place->parent; up; up = up->parent) {
        if (finding->line == up->node->line ||
            (up->node->key && finding->line == up->node->key_line))
            return true;
    }
    return false;
}

static bool is_found(const struct plan_findings *findings, const struct place *place,
                     const char *name)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (is_near(&findings->all[i], place, name))
            return true;
    }
    return false;
}

static void complain(const struct place *place, enum kind kind, const char *name,
                     const struct plan_findings *findings)
{
    const struct node *node = place->node;
    const struct plan_finding *first = findings->count ? &findings->all[0] : NULL;
    print_error("%s:%d: %s %s (%s): %s:%d: %s\n", name, node->line, KIND_NAMES[kind],
                node->key ? node->key : "entry", node->kind == NODE_TEXT ? node->text : "…",
                first ? first->file : "", first ? first->line : 0,
                first ? first->text : "nothing is found");
}

struct tallies {
    int found, harmless, bad;
};

static void judge(struct plan_bundle *bundle, const struct node *root, const struct place *place,
                  enum kind kind, char *broken, struct tallies *tallies)
{
    struct plan_file *own = &bundle->files[bundle->count - 1], before = *own;
    struct plan_findings findings = {0};
    struct plan *plan = NULL;
    own->content = broken;
    own->size = strlen(broken);
    int code = plan_load(bundle->files, bundle->count, &plan, &findings, NULL);
    *own = before;
    if (code == LD_OK && is_harmless(root, before.name, broken))
        tallies->harmless++;
    else if (code == LD_INVALID && is_found(&findings, place, before.name))
        tallies->found++;
    else {
        complain(place, kind, before.name, &findings);
        tallies->bad++;
    }
    plan_free(plan);
    plan_findings_free(&findings);
    free(broken);
}

static struct tallies break_plan(const char *path, int breaks)
{
    struct plan_bundle bundle = sample_read(path);
    struct plan_file *own = &bundle.files[bundle.count - 1];
    struct plan_findings findings = {0};
    struct ld_arena arena = {0};
    char *text = spliced(own->content, own->content, own->content, "");
    const struct node *root = tree_read(&arena, own->name, text, strlen(text), &findings);
    assert_non_null(root);
    place_count = 0;
    collect(root, NULL);
    struct tallies tallies = {0};
    for (int turn = 0; turn < breaks; turn++) {
        enum kind kind = (enum kind)(turn % KINDS);
        const struct place *place = NULL;
        char *broken = NULL;
        for (int tries = 0; !broken && tries < TRIES; tries++) {
            place = &places[1 + chance((unsigned)place_count - 1)];
            broken = break_at(text, place, kind);
        }
        if (broken) /* not every plan has a place for every kind */
            judge(&bundle, root, place, kind, broken, &tallies);
    }
    free(text);
    ld_arena_free(&arena);
    plan_findings_free(&findings);
    plan_bundle_free(&bundle);
    return tallies;
}

static void test_every_plan(void **state)
{
    (void)state;
    const char *seed = getenv("LIANDONG_SEED"), *length = getenv("LIANDONG_TESTS");
    bool full = length && strcmp(length, "full") == 0;
    unsigned first = seed ? (unsigned)strtoul(seed, NULL, 10) : 1;
    glob_t found;
    assert_int_equal(glob(LIANDONG_SOURCE_DIR "/plans/*.yaml", 0, NULL, &found), 0);
    struct tallies all = {0};
    for (size_t i = 0; i < found.gl_pathc; i++) {
        random_state = first + (unsigned)i;
        struct tallies one = break_plan(found.gl_pathv[i], full ? BREAKS_FULL : BREAKS);
        print_message("%s: %d found, %d harmless\n", strrchr(found.gl_pathv[i], '/') + 1, one.found,
                      one.harmless);
        all.found += one.found;
        all.harmless += one.harmless;
        all.bad += one.bad;
    }
    globfree(&found);
    print_message("all: %d found, %d harmless\n", all.found, all.harmless);
    if (all.bad > 0)
        fail_msg("%d breaks neither found nor harmless (LIANDONG_SEED=%u)", all.bad, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_plan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
