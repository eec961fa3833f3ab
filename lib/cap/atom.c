/*
 * An Atom feed (RFC 4287) of CAP messages, as text: section 4.1.1 and 4.1.2 say what a feed and an
 * entry must have. Every time has an offset, every id is a tag: URI (RFC 4151) or the feed's own
 * address, and no two entries have the same, as no two messages have the same identifier.
 */
#include "inside.h"

#include <assert.h>
#include <libxml/xmlwriter.h>
#include <stdio.h>

#define ATOM_NAMESPACE "http://www.w3.org/2005/Atom"
#define TEXT(string)   ((const xmlChar *)(string))

static void start(xmlTextWriterPtr xml, const char *name)
{
    int written = xmlTextWriterStartElement(xml, TEXT(name));
    assert(written >= 0); /* memory only: nothing outside can make it fail */
    (void)written;
}

static void attribute(xmlTextWriterPtr xml, const char *name, const char *value)
{
    xmlTextWriterWriteAttribute(xml, TEXT(name), TEXT(value));
}

static void element(xmlTextWriterPtr xml, const char *name, const char *text)
{
    xmlTextWriterWriteElement(xml, TEXT(name), TEXT(text));
}

static void write_author(xmlTextWriterPtr xml, const char *name)
{
    start(xml, "author");
    element(xml, "name", name);
    xmlTextWriterEndElement(xml);
}

static void write_link(xmlTextWriterPtr xml, const char *relation, const char *type,
                       const char *address)
{
    start(xml, "link");
    attribute(xml, "rel", relation);
    attribute(xml, "type", type);
    attribute(xml, "href", address);
    xmlTextWriterEndElement(xml);
}

/* scheme: which element of CAP the word is of. */
static void write_category(xmlTextWriterPtr xml, const char *scheme, const char *term)
{
    char address[sizeof CAP_NAMESPACE + 32];
    snprintf(address, sizeof address, "%s:%s", CAP_NAMESPACE, scheme);
    start(xml, "category");
    attribute(xml, "term", term);
    attribute(xml, "scheme", address);
    xmlTextWriterEndElement(xml);
}

static void write_entry(xmlTextWriterPtr xml, const struct cap_feed *feed,
                        const struct cap_entry *entry, struct ld_arena *arena)
{
    start(xml, "entry");
    element(xml, "id",
            ld_arena_format(arena, "tag:%s,%.10s:%s", feed->host, entry->sent, entry->identifier));
    element(xml, "title", entry->title);
    element(xml, "updated", entry->sent);
    write_author(xml, entry->author);
    element(xml, "summary", entry->summary);
    write_category(xml, "msgType", entry->type);
    write_category(xml, "status", entry->status);
    write_link(xml, "alternate", "application/cap+xml",
               ld_arena_format(arena, "%s%s.xml", feed->folder_url, entry->identifier));
    xmlTextWriterEndElement(xml);
}

static void write_head(xmlTextWriterPtr xml, const struct cap_feed *feed, struct ld_arena *arena)
{
    const char *address = ld_arena_format(arena, "%sfeed.atom", feed->folder_url);
    start(xml, "feed");
    attribute(xml, "xmlns", ATOM_NAMESPACE);
    element(xml, "id", address);
    element(xml, "title",
            feed->exercise ? "【演练】现行警报 / EXERCISE: current alerts"
                           : "现行警报 / Current alerts");
    if (feed->left_out > 0)
        element(xml, "subtitle",
                ld_arena_format(arena, "另有 %zu 条有效警报未列出 / %zu more in force, not listed",
                                feed->left_out, feed->left_out));
    element(xml, "updated", feed->updated);
    write_author(xml, "liandong");
    write_link(xml, "self", "application/atom+xml", address);
}

void cap_feed(const struct cap_feed *feed, struct ld_buffer *text)
{
    struct ld_arena arena = {0};
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlTextWriterPtr xml = buffer == NULL ? NULL : xmlNewTextWriterMemory(buffer, 0);
    assert(xml != NULL);
    xmlTextWriterStartDocument(xml, NULL, "UTF-8", NULL);
    write_head(xml, feed, &arena);
    for (size_t i = 0; i < feed->count; i++)
        write_entry(xml, feed, feed->entries[i], &arena);
    xmlTextWriterEndElement(xml);
    xmlTextWriterEndDocument(xml);
    xmlFreeTextWriter(xml);
    ld_buffer_append(text, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
    xmlBufferFree(buffer);
    ld_arena_free(&arena);
}

/* The texts of all infos, joined; in the order of the message. */
static const char *joined(const struct cap *cap, const char *name, const char *between,
                          struct ld_arena *arena)
{
    const char *all = "";
    for (size_t i = 0; i < cap_info_count(cap); i++) {
        const char *text = cap_info_text(cap, i, name);
        if (*text != '\0')
            all = ld_arena_format(arena, "%s%s%s", all, *all == '\0' ? "" : between, text);
    }
    return all;
}

void cap_entry_of(const struct cap *cap, struct ld_arena *arena, struct cap_entry *entry)
{
#define COPY(name) ld_arena_format(arena, "%s", cap_text(cap, name))
    entry->identifier = COPY("identifier");
    entry->sent = COPY("sent");
    entry->type = COPY("msgType");
    entry->status = COPY("status");
    entry->title = joined(cap, "headline", " / ", arena);
    entry->summary = joined(cap, "description", "\n\n", arena);
    entry->author = joined(cap, "senderName", " / ", arena);
    if (*entry->title == '\0')
        entry->title = entry->identifier;
    if (*entry->author == '\0')
        entry->author = COPY("sender");
#undef COPY
}
