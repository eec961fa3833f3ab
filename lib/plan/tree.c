/*
 * YAML to tree, over libyaml's events.
 *
 * Happy path: one pass; each event becomes a node that is hung under the innermost open list or
 * map; a text inside a map is in turn the key and the value. Events are used rather than libyaml's
 * documents because those resolve aliases unseen, which is how a small file becomes a huge one.
 * Failures: the first one in a file ends its reading (a repeated key does not: it is reported and
 * the first value stays); libyaml's problem and place become the finding. Everything is in the
 * caller's arena, and bounded by the bounds in the header.
 */
#include "tree.h"

#include <assert.h>
#include <string.h>
#include <yaml.h>

struct reader {
    struct ld_arena *arena;
    struct plan_findings *findings;
    const char *file;
    const char *content;
    struct node *root;
    struct node *open[TREE_DEPTH_MAX];    /* lists and maps being read, outermost first */
    const char *key[TREE_DEPTH_MAX];      /* of a map: the key whose value comes next */
    yaml_mark_t key_mark[TREE_DEPTH_MAX]; /* where that key stands */
    int depth;
    size_t node_count;
    int document_count;
};

static bool refuse(struct reader *reader, const yaml_mark_t *mark, const char *text)
{
    findings_add(reader->findings, reader->file, (int)mark->line + 1, (int)mark->column + 1, "%s",
                 text);
    return false;
}

const struct node *tree_get(const struct node *map, const char *key)
{
    if (!map || map->kind != NODE_MAP) {
        return NULL;
    }
    for (const struct node *child = map->first; child; child = child->next) {
        if (strcmp(child->key, key) == 0) {
            return child;
        }
    }
    return NULL;
}

static void hang(struct node *parent, struct node *child)
{
    if (parent->last) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
    parent->count++;
}

/* Puts the node where it belongs: as the root, into the open list, or under the pending key. */
static bool place(struct reader *reader, struct node *node)
{
    if (reader->depth == 0) {
        reader->root = node;
        return true;
    }
    int top = reader->depth - 1;
    struct node *parent = reader->open[top];
    if (parent->kind == NODE_LIST) {
        hang(parent, node);
        return true;
    }
    node->key = reader->key[top];
    node->key_line = (int)reader->key_mark[top].line + 1;
    node->key_column = (int)reader->key_mark[top].column + 1;
    reader->key[top] = NULL;
    if (tree_get(parent, node->key)) {
        findings_add(reader->findings, reader->file, node->key_line, node->key_column,
                     "key \"%s\" stands twice in one map; remove one of them", node->key);
        return true; /* the second value is left out of the tree */
    }
    if (parent->count == TREE_KEYS_MAX) {
        return refuse(reader, &reader->key_mark[top], "more than 64 keys in one map");
    }
    hang(parent, node);
    return true;
}

static struct node *new_node(struct reader *reader, enum node_kind kind, const yaml_event_t *event)
{
    struct node *node = ld_arena_alloc(reader->arena, sizeof *node);
    node->kind = kind;
    node->file = reader->file;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    return node;
}

static bool key_expected(const struct reader *reader)
{
    return reader->depth > 0 && reader->open[reader->depth - 1]->kind == NODE_MAP &&
           !reader->key[reader->depth - 1];
}

static bool check_marks(struct reader *reader, const yaml_event_t *event, const yaml_char_t *anchor,
                        const yaml_char_t *tag)
{
    if (anchor) {
        return refuse(reader, &event->start_mark,
                      "anchors (&name) are not allowed; write the value out");
    }
    if (tag) {
        return refuse(reader, &event->start_mark, "tags (!name) are not allowed; leave it out");
    }
    if (++reader->node_count > TREE_NODES_MAX) {
        return refuse(reader, &event->start_mark, "more than 100000 values in one file");
    }
    return true;
}

static bool on_text(struct reader *reader, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (!check_marks(reader, event, event->data.scalar.anchor, event->data.scalar.tag)) {
        return false;
    }
    if (memchr(text, 0, size)) {
        return refuse(reader, &event->start_mark, "a text must not contain a zero byte");
    }
    const char *copy = ld_arena_string(reader->arena, text, size);
    if (key_expected(reader)) {
        reader->key[reader->depth - 1] = copy;
        reader->key_mark[reader->depth - 1] = event->start_mark;
        return true;
    }
    struct node *node = new_node(reader, NODE_TEXT, event);
    node->text = copy;
    return place(reader, node);
}

static bool on_open(struct reader *reader, const yaml_event_t *event, enum node_kind kind)
{
    bool list = kind == NODE_LIST;
    if (!check_marks(reader, event,
                     list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
                     list ? event->data.sequence_start.tag : event->data.mapping_start.tag)) {
        return false;
    }
    if (key_expected(reader)) {
        return refuse(reader, &event->start_mark, "a key must be a word, not a list or a map");
    }
    if (reader->depth == TREE_DEPTH_MAX) {
        return refuse(reader, &event->start_mark, "lists and maps nest deeper than 32");
    }
    struct node *node = new_node(reader, kind, event);
    if (!place(reader, node)) {
        return false;
    }
    reader->key[reader->depth] = NULL;
    reader->open[reader->depth++] = node;
    return true;
}

static bool on_document(struct reader *reader, const yaml_event_t *event)
{
    if (++reader->document_count > 1) {
        return refuse(reader, &event->start_mark, "a second document (---); one file holds one");
    }
    return true;
}

static bool on_event(struct reader *reader, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_text(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(reader, event, NODE_LIST);
    case YAML_MAPPING_START_EVENT:
        return on_open(reader, event, NODE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        assert(reader->depth > 0);
        reader->depth--;
        return true;
    case YAML_ALIAS_EVENT:
        return refuse(reader, &event->start_mark,
                      "aliases (*name) are not allowed; write the value out");
    case YAML_DOCUMENT_START_EVENT:
        return on_document(reader, event);
    default:
        return true;
    }
}

/* Bytes that are no UTF-8 come with an offset, everything else with a line. */
static void on_problem(struct reader *reader, const yaml_parser_t *parser)
{
    int line = (int)parser->problem_mark.line + 1;
    int column = (int)parser->problem_mark.column + 1;
    const char *problem = parser->problem ? parser->problem : "out of memory";
    if (parser->error != YAML_READER_ERROR) {
        findings_add(reader->findings, reader->file, line, column, "not valid YAML: %s%s%s",
                     problem, parser->context ? " " : "", parser->context ? parser->context : "");
        return;
    }
    line = 1;
    column = 1;
    for (size_t i = 0; i < parser->problem_offset; i++) {
        unsigned char byte = (unsigned char)reader->content[i];
        line += byte == '\n';
        column = byte == '\n' ? 1 : column + ((byte & 0xc0) != 0x80);
    }
    findings_add(reader->findings, reader->file, line, column,
                 "not valid UTF-8 text: %s; save the file as UTF-8", problem);
}

static bool read_events(struct reader *reader, yaml_parser_t *parser)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            on_problem(reader, parser);
            return false;
        }
        bool last = event.type == YAML_STREAM_END_EVENT;
        bool good = on_event(reader, &event);
        yaml_event_delete(&event);
        if (!good || last) {
            return good;
        }
    }
}

struct node *tree_read(struct ld_arena *arena, const char *file, const char *content, size_t size,
                       struct plan_findings *findings)
{
    struct reader reader = {.arena = arena,
                            .findings = findings,
                            .file = ld_arena_string(arena, file, strlen(file)),
                            .content = content};
    yaml_parser_t parser;
    int ready = yaml_parser_initialize(&parser);
    assert(ready);
    (void)ready;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)content, size);
    bool good = read_events(&reader, &parser);
    yaml_parser_delete(&parser);
    if (good && !reader.root) {
        findings_add(findings, file, 1, 1, "the file is empty");
    }
    return good ? reader.root : NULL;
}
