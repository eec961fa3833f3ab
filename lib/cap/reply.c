/* Answers to foreign messages: Ack and Error (OASIS CAP-v1.2, 3.2.1), private to the sender. */
#include "inside.h"

#include <assert.h>
#include <libxml/xmlwriter.h>
#include <string.h>
#include "timefmt.h"

static void element(xmlTextWriterPtr xml, const char *name, const char *text)
{
    int written = xmlTextWriterWriteElement(xml, (const xmlChar *)name, (const xmlChar *)text);
    assert(written >= 0); /* memory only: nothing outside can make it fail */
    (void)written;
}

void cap_reply(const struct cap *about, const struct cap_answer *answer, struct ld_buffer *xml)
{
    char sent[LD_TIME_TEXT_SIZE];
    struct ld_arena arena = {0};
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlTextWriterPtr writer = buffer == NULL ? NULL : xmlNewTextWriterMemory(buffer, 0);
    const char *sender = cap_text(about, "sender");
    assert(writer != NULL);
    xmlTextWriterStartDocument(writer, NULL, "UTF-8", NULL);
    xmlTextWriterStartElement(writer, (const xmlChar *)"alert");
    xmlTextWriterWriteAttribute(writer, (const xmlChar *)"xmlns", (const xmlChar *)CAP_NAMESPACE);
    element(writer, "identifier", answer->identifier);
    element(writer, "sender", answer->sender);
    element(writer, "sent", ld_time_format(sent, answer->sent_at_us, LD_CHINA_OFFSET_MINUTES));
    element(writer, "status", cap_text(about, "status"));
    element(writer, "msgType", answer->refused ? "Error" : "Ack");
    element(writer, "scope", "Private");
    element(writer, "addresses", sender);
    element(writer, "note", answer->note);
    element(writer, "references",
            ld_arena_format(&arena, "%s,%s,%s", sender, cap_text(about, "identifier"),
                            cap_text(about, "sent")));
    xmlTextWriterEndElement(writer);
    xmlTextWriterEndDocument(writer);
    xmlFreeTextWriter(writer);
    ld_buffer_append(xml, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
    xmlBufferFree(buffer);
    ld_arena_free(&arena);
}
