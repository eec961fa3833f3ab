/*
 * Reads a CAP message from outside bytes into a tree, bounded.
 *
 * Happy path: libxml2 parses the bytes; each element that begins is counted, and the tree is kept.
 *
 * What fails: bytes beyond CAP_BYTES_MAX before anything is parsed; a DOCTYPE at its first word, so
 * that no entity is ever declared (no file is read, nothing grows); nesting and number of elements
 * beyond their bounds while parsing, at once; anything that is not well-formed XML. The network is
 * never asked. cap_free frees the tree and every text handed out.
 */
#include "inside.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    size_t depth, elements;
    const char *stopped; /* why, NULL: not */
    int code, line;
};

static void stop(xmlParserCtxtPtr parser, int code, const char *why)
{
    struct reading *reading = parser->_private;
    if (reading->stopped == NULL) {
        reading->stopped = why;
        reading->code = code;
        reading->line = xmlSAX2GetLineNumber(parser);
    }
    xmlStopParser(parser);
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *external,
                       const xmlChar *system)
{
    (void)name, (void)external, (void)system;
    stop(data, LD_INVALID, "expected no DOCTYPE, found one: CAP has none; take it out");
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                     int spaces, const xmlChar **namespaces, int attributes, int defaulted,
                     const xmlChar **all)
{
    xmlParserCtxtPtr parser = data;
    struct reading *reading = parser->_private;
    if (++reading->depth > CAP_DEPTH_MAX) {
        stop(parser, LD_TOOBIG, "expected elements at most 16 deep, found more");
        return;
    }
    if (++reading->elements > CAP_ELEMENTS_MAX) {
        stop(parser, LD_TOOBIG, "expected at most 20000 elements, found more");
        return;
    }
    xmlSAX2StartElementNs(data, name, prefix, uri, spaces, namespaces, attributes, defaulted, all);
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    xmlParserCtxtPtr parser = data;
    struct reading *reading = parser->_private;
    reading->depth--;
    xmlSAX2EndElementNs(data, name, prefix, uri);
}

/* libxml2 prints some errors (of encodings) wherever it is told nothing else. */
static void say_nothing(void *data, xmlErrorPtr error)
{
    (void)data, (void)error;
}

/* The parser's own words end with a line feed. */
static int explain(const xmlParserCtxtPtr parser, struct ld_error *error)
{
    const struct reading *reading = parser->_private;
    const xmlError *last = &parser->lastError;
    if (reading->stopped != NULL)
        return ld_fail(error, reading->code, "line %d: %s", reading->line, reading->stopped);
    const char *words = last->message != NULL ? last->message : "no element";
    return ld_fail(error, LD_INVALID, "line %d: expected well-formed XML, found: %.*s", last->line,
                   (int)strcspn(words, "\n"), words);
}

static int parse(xmlParserCtxtPtr parser, xmlDocPtr *document, struct ld_error *error)
{
    struct reading reading = {0};
    parser->_private = &reading;
    parser->sax->internalSubset = on_doctype;
    parser->sax->startElementNs = on_start;
    parser->sax->endElementNs = on_end;
    (void)xmlCtxtUseOptions(parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                        XML_PARSE_BIG_LINES);
    xmlStructuredErrorFunc before = xmlStructuredError;
    void *before_data = xmlStructuredErrorContext;
    xmlSetStructuredErrorFunc(NULL, say_nothing);
    (void)xmlParseDocument(parser);
    xmlSetStructuredErrorFunc(before_data, before);
    *document = parser->myDoc;
    parser->myDoc = NULL;
    bool good = parser->wellFormed && reading.stopped == NULL && *document != NULL &&
                xmlDocGetRootElement(*document) != NULL;
    int code = good ? LD_OK : explain(parser, error);
    if (!good) {
        xmlFreeDoc(*document);
        *document = NULL;
    }
    return code;
}

int cap_read(const void *bytes, size_t size, struct cap **out, struct ld_error *error)
{
    *out = NULL;
    if (size > CAP_BYTES_MAX)
        return ld_fail(error, LD_TOOBIG, "expected at most %d bytes, found %zu", CAP_BYTES_MAX,
                       size);
    if (size == 0)
        return ld_fail(error, LD_INVALID, "line 1: expected a CAP message, found nothing");
    xmlParserCtxtPtr parser = xmlCreateMemoryParserCtxt(bytes, (int)size);
    xmlDocPtr document = NULL;
    if (parser == NULL)
        return ld_fail(error, LD_INVALID, "line 1: expected XML, found something else");
    int code = parse(parser, &document, error);
    xmlFreeParserCtxt(parser);
    if (code != LD_OK)
        return code;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        abort();
    (*out)->document = document;
    return LD_OK;
}

void cap_free(struct cap *cap)
{
    if (cap == NULL)
        return;
    xmlFreeDoc(cap->document);
    ld_arena_free(&cap->arena);
    free(cap);
}

/* ---- the tree ---- */

xmlNodePtr cap_alert(const struct cap *cap)
{
    return xmlDocGetRootElement(cap->document);
}

bool cap_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns != NULL && node->ns->href != NULL &&
           strcmp((const char *)node->ns->href, CAP_NAMESPACE) == 0 &&
           strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr first_from(xmlNodePtr node, const char *name)
{
    while (node != NULL && !cap_is(node, name))
        node = node->next;
    return node;
}

xmlNodePtr cap_child(const xmlNode *parent, const char *name)
{
    return parent == NULL ? NULL : first_from(parent->children, name);
}

xmlNodePtr cap_next(const xmlNode *node, const char *name)
{
    return first_from(node->next, name);
}

char *cap_content(struct ld_arena *arena, const xmlNode *node)
{
    xmlChar *text = node == NULL ? NULL : xmlNodeGetContent(node);
    const char *plain = text == NULL ? "" : (const char *)text;
    char *copy = ld_arena_string(arena, plain, strlen(plain));
    xmlFree(text);
    return copy;
}

char *cap_trimmed(struct ld_arena *arena, const xmlNode *node)
{
    static const char BLANKS[] = " \t\r\n";
    char *text = cap_content(arena, node);
    text += strspn(text, BLANKS);
    size_t size = strlen(text);
    while (size > 0 && strchr(BLANKS, text[size - 1]) != NULL)
        size--;
    text[size] = '\0';
    return text;
}

/* ---- what a message says ---- */

/* Texts are kept in the message's arena: reading it changes nothing that anybody sees. */
static const char *text_of(const struct cap *cap, const xmlNode *node)
{
    union {
        const struct cap *constant;
        struct cap *plain;
    } either = {cap};
    return node == NULL ? "" : cap_trimmed(&either.plain->arena, node);
}

static xmlNodePtr nth(const xmlNode *parent, const char *name, size_t ordinal)
{
    xmlNodePtr node = cap_child(parent, name);
    while (node != NULL && ordinal-- > 0)
        node = cap_next(node, name);
    return node;
}

const char *cap_text(const struct cap *cap, const char *name)
{
    return text_of(cap, cap_child(cap_alert(cap), name));
}

size_t cap_info_count(const struct cap *cap)
{
    size_t count = 0;
    for (xmlNodePtr at = cap_child(cap_alert(cap), "info"); at != NULL; at = cap_next(at, "info"))
        count++;
    return count;
}

const char *cap_info_text(const struct cap *cap, size_t info, const char *name)
{
    return text_of(cap, cap_child(nth(cap_alert(cap), "info", info), name));
}

const char *cap_info_area(const struct cap *cap, size_t info, size_t ordinal)
{
    return text_of(cap,
                   cap_child(nth(nth(cap_alert(cap), "info", info), "area", ordinal), "areaDesc"));
}

/* The ordinal-th pair of that name among the parent's; counts *ordinal down past the others. */
static const char *pair_in(const struct cap *cap, const xmlNode *parent, const char *kind,
                           const char *value_name, size_t *ordinal)
{
    for (xmlNodePtr at = cap_child(parent, kind); at != NULL; at = cap_next(at, kind)) {
        if (strcmp(text_of(cap, cap_child(at, "valueName")), value_name) == 0 && (*ordinal)-- == 0)
            return text_of(cap, cap_child(at, "value"));
    }
    return NULL;
}

const char *cap_info_any(const struct cap *cap, size_t info, const char *kind, size_t ordinal)
{
    return text_of(cap, cap_child(nth(nth(cap_alert(cap), "info", info), kind, ordinal), "value"));
}

const char *cap_info_value(const struct cap *cap, size_t info, const char *kind,
                           const char *value_name, size_t ordinal)
{
    const xmlNode *parent = nth(cap_alert(cap), "info", info);
    const char *value = NULL;
    if (strcmp(kind, "geocode") != 0) {
        value = pair_in(cap, parent, kind, value_name, &ordinal);
        return value == NULL ? "" : value;
    }
    for (xmlNodePtr area = cap_child(parent, "area"); area != NULL && value == NULL;
         area = cap_next(area, "area"))
        value = pair_in(cap, area, kind, value_name, &ordinal);
    return value == NULL ? "" : value;
}
