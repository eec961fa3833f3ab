/*
 * The YAML side of reader.h. Happy path: scan the events once for what is refused (anchors,
 * aliases, tags, depth, several documents), then load the document. Without aliases it is a tree,
 * so that walking it ends. libyaml's own errors become findings with their line.
 */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void add_finding(struct reader *reader, int line, const char *text)
{
    if (reader->finding_count++ == 0)
        (void)ld_fail(reader->error, LD_INVALID, "%s:%d: %s", reader->file, line, text);
    if (reader->findings != NULL && reader->finding_count <= SCENARIO_FINDINGS_MAX)
        ld_buffer_format(reader->findings, "%s:%d: %s\n", reader->file, line, text);
}

int reader_line(const yaml_node_t *node)
{
    return node != NULL ? (int)node->start_mark.line + 1 : 1;
}

void reader_mistake(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
    char text[LD_ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add_finding(reader, reader_line(node), text);
}

/* ---- the scan ---- */

static const char *refused(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases are not allowed here: write it out";
    case YAML_SCALAR_EVENT:
        if (event->data.scalar.anchor != NULL)
            return "anchors are not allowed here";
        return event->data.scalar.tag != NULL ? "tags are not allowed here" : NULL;
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor != NULL)
            return "anchors are not allowed here";
        return event->data.sequence_start.tag != NULL ? "tags are not allowed here" : NULL;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor != NULL)
            return "anchors are not allowed here";
        return event->data.mapping_start.tag != NULL ? "tags are not allowed here" : NULL;
    default:
        return NULL;
    }
}

static void parser_error(struct reader *reader, const yaml_parser_t *parser)
{
    char text[LD_ERROR_TEXT_SIZE];
    snprintf(text, sizeof text, "not YAML: %s%s%s",
             parser->problem != NULL ? parser->problem : "cannot be read",
             parser->context != NULL ? ", " : "", parser->context != NULL ? parser->context : "");
    add_finding(reader, (int)parser->problem_mark.line + 1, text);
}

static int depth_change(yaml_event_type_t type)
{
    if (type == YAML_SEQUENCE_START_EVENT || type == YAML_MAPPING_START_EVENT)
        return 1;
    return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT ? -1 : 0;
}

/* One event of the scan: false at the end or after a mistake. */
static bool scan_event(struct reader *reader, yaml_parser_t *parser, int *depth, int *documents)
{
    yaml_event_t event;
    if (!yaml_parser_parse(parser, &event)) {
        parser_error(reader, parser);
        return false;
    }
    const char *why = refused(&event);
    *depth += depth_change(event.type);
    *documents += event.type == YAML_DOCUMENT_START_EVENT;
    if (why == NULL && *depth > READER_DEPTH_MAX)
        why = "nested too deep";
    if (why == NULL && *documents > 1)
        why = "one document is expected, a second one begins here";
    if (why != NULL)
        add_finding(reader, (int)event.start_mark.line + 1, why);
    bool more = why == NULL && event.type != YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    return more;
}

static void scan(struct reader *reader, const char *text, size_t size)
{
    yaml_parser_t parser;
    int depth = 0, documents = 0;
    if (!yaml_parser_initialize(&parser)) {
        add_finding(reader, 1, "out of memory");
        return;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    while (scan_event(reader, &parser, &depth, &documents))
        ;
    yaml_parser_delete(&parser);
}

static void load(struct reader *reader, const char *text, size_t size)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        add_finding(reader, 1, "out of memory");
        return;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    if (yaml_parser_load(&parser, &reader->document))
        reader->loaded = true;
    else
        parser_error(reader, &parser);
    yaml_parser_delete(&parser);
}

int reader_open(struct reader *reader, const char *text, size_t size)
{
    scan(reader, text, size);
    if (reader->finding_count == 0)
        load(reader, text, size);
    if (reader->finding_count == 0 && reader_root(reader) == NULL)
        add_finding(reader, 1, "the file is empty");
    return reader->finding_count == 0 ? LD_OK : LD_INVALID;
}

yaml_node_t *reader_root(struct reader *reader)
{
    return yaml_document_get_root_node(&reader->document);
}

void reader_close(struct reader *reader)
{
    if (reader->loaded)
        yaml_document_delete(&reader->document);
    reader->loaded = false;
}

/* ---- nodes ---- */

bool reader_is_scalar(const yaml_node_t *node)
{
    return node != NULL && node->type == YAML_SCALAR_NODE;
}

bool reader_is_map(struct reader *reader, yaml_node_t *node, const char *what)
{
    if (node != NULL && node->type == YAML_MAPPING_NODE)
        return true;
    reader_mistake(reader, node, "%s: expected keys and values, found %s", what,
                   node == NULL             ? "nothing"
                   : reader_is_scalar(node) ? "a text"
                                            : "a list");
    return false;
}

bool reader_is_list(struct reader *reader, yaml_node_t *node, const char *what)
{
    if (node != NULL && node->type == YAML_SEQUENCE_NODE)
        return true;
    reader_mistake(reader, node, "%s: expected a list, found %s", what,
                   node == NULL             ? "nothing"
                   : reader_is_scalar(node) ? "a text"
                                            : "keys and values");
    return false;
}

size_t reader_pairs(yaml_node_t *map)
{
    if (map == NULL || map->type != YAML_MAPPING_NODE)
        return 0;
    return (size_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

struct reader_pair reader_pair_at(struct reader *reader, yaml_node_t *map, size_t index)
{
    const yaml_node_pair_t *pair = map->data.mapping.pairs.start + index;
    return (struct reader_pair){.key = yaml_document_get_node(&reader->document, pair->key),
                                .value = yaml_document_get_node(&reader->document, pair->value)};
}

size_t reader_items(yaml_node_t *list)
{
    if (list == NULL || list->type != YAML_SEQUENCE_NODE)
        return 0;
    return (size_t)(list->data.sequence.items.top - list->data.sequence.items.start);
}

yaml_node_t *reader_item(struct reader *reader, yaml_node_t *list, size_t index)
{
    return yaml_document_get_node(&reader->document, list->data.sequence.items.start[index]);
}

static bool key_is(const yaml_node_t *key, const char *text)
{
    return reader_is_scalar(key) && strcmp((const char *)key->data.scalar.value, text) == 0;
}

yaml_node_t *reader_get(struct reader *reader, yaml_node_t *map, const char *key)
{
    for (size_t i = 0; i < reader_pairs(map); i++) {
        struct reader_pair pair = reader_pair_at(reader, map, i);
        if (key_is(pair.key, key))
            return pair.value;
    }
    return NULL;
}

yaml_node_t *reader_need(struct reader *reader, yaml_node_t *map, const char *key)
{
    yaml_node_t *value = reader_get(reader, map, key);
    if (value == NULL)
        reader_mistake(reader, map, "\"%s\" is missing", key);
    return value;
}

static bool among(const yaml_node_t *key, const char *const *keys)
{
    for (size_t i = 0; keys[i] != NULL; i++)
        if (key_is(key, keys[i]))
            return true;
    return false;
}

static void unknown_key(struct reader *reader, const yaml_node_t *key, const char *const *keys)
{
    struct ld_buffer allowed = {0};
    for (size_t i = 0; keys[i] != NULL; i++)
        ld_buffer_format(&allowed, "%s%s", i > 0 ? ", " : "", keys[i]);
    reader_mistake(reader, key, "unknown key \"%.60s\"; expected one of: %s",
                   reader_is_scalar(key) ? (const char *)key->data.scalar.value : "?",
                   ld_buffer_string(&allowed));
    ld_buffer_free(&allowed);
}

static bool repeated(struct reader *reader, yaml_node_t *map, size_t index)
{
    const yaml_node_t *key = reader_pair_at(reader, map, index).key;
    for (size_t i = 0; i < index && reader_is_scalar(key); i++)
        if (key_is(reader_pair_at(reader, map, i).key, (const char *)key->data.scalar.value))
            return true;
    return false;
}

void reader_only(struct reader *reader, yaml_node_t *map, const char *const *keys)
{
    for (size_t i = 0; i < reader_pairs(map); i++) {
        const yaml_node_t *key = reader_pair_at(reader, map, i).key;
        if (!among(key, keys))
            unknown_key(reader, key, keys);
        else if (repeated(reader, map, i))
            reader_mistake(reader, key, "\"%s\" is given twice",
                           (const char *)key->data.scalar.value);
    }
}
