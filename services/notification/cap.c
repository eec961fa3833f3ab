/*
 * CAP 1.2 (OASIS Common Alerting Protocol 1.2, sections 3.2 and 3.3): a notice as an XML message.
 *
 * Rules beyond the schema that hold here: every message has an identifier of its own; identifier
 * and sender have no space, comma, '<' or '&'; times are whole seconds with a numeric offset;
 * references name all live predecessors as sender,identifier,sent; an exercise says so in status
 * and in note; colour never stands alone, the parameters carry Roman numeral and word too.
 * The text comes from the plan's templates only, which the plan loader keeps to printable UTF-8.
 */
#include "notification.h"
#include "timefmt.h"

#include <assert.h>
#include <libxml/xmlwriter.h>
#include <stdio.h>
#include <string.h>

#define CAP_NAMESPACE "urn:oasis:names:tc:emergency:cap:1.2"
#define TEXT(string)  ((const xmlChar *)(string))

static void element(xmlTextWriterPtr xml, const char *name, const char *text)
{
    int written = xmlTextWriterWriteElement(xml, TEXT(name), TEXT(text));
    assert(written >= 0); /* memory only: nothing outside can make it fail */
    (void)written;
}

static void start(xmlTextWriterPtr xml, const char *name)
{
    xmlTextWriterStartElement(xml, TEXT(name));
}

static void end(xmlTextWriterPtr xml)
{
    xmlTextWriterEndElement(xml);
}

char *cap_identifier(struct ld_arena *arena, const struct announcement *announcement, size_t n,
                     const char *audience)
{
    unsigned long long number = announcement->series->ended + n + 1;
    return ld_arena_format(
        arena, "liandong.%s%s%s.%s.%llu.%s", announcement->event->exercise ? "exercise." : "",
        announcement->warning != NULL ? "warning." : "", announcement->incident->id,
        announcement->response->area, number, audience);
}

static const char *message_type(Liandong__V1__Notice__Kind kind)
{
    switch (kind) {
    case LIANDONG__V1__NOTICE__KIND__UPDATE:
        return "Update";
    case LIANDONG__V1__NOTICE__KIND__CANCEL:
        return "Cancel";
    default:
        return "Alert";
    }
}

/* The same sender for all messages of an area, so that references name it rightly for ever. */
static const char *sender_of(struct ld_arena *arena, const struct announcement *announcement)
{
    return ld_arena_format(arena, "%s.command", announcement->response->area);
}

static void write_references(xmlTextWriterPtr xml, const struct announcement *announcement,
                             const char *sender, const struct audience *audience,
                             const Liandong__V1__Notice *notice)
{
    const struct series *series = announcement->series;
    struct ld_buffer all = {0};
    char sent[LD_TIME_TEXT_SIZE];
    size_t reference = 0;
    for (size_t i = 0; i < series->count; i++) {
        if (!(series->sent[i].to & audience->as)) {
            continue;
        }
        ld_time_format(sent, series->sent[i].at_us, LD_CHINA_OFFSET_MINUTES);
        ld_buffer_format(&all, "%s%s,%s,%s", reference == 0 ? "" : " ", sender,
                         notice->references[reference], sent);
        reference++;
    }
    if (all.size > 0) {
        element(xml, "references", ld_buffer_string(&all));
    }
    ld_buffer_free(&all);
}

static void write_head(xmlTextWriterPtr xml, const struct announcement *announcement,
                       const char *sender, const struct audience *audience,
                       const Liandong__V1__Notice *notice)
{
    char sent[LD_TIME_TEXT_SIZE];
    bool exercise = announcement->event->exercise;
    bool everybody = notice->scope == LIANDONG__V1__NOTICE__SCOPE__PUBLIC;
    element(xml, "identifier", notice->identifier);
    element(xml, "sender", sender);
    element(xml, "sent", ld_time_format(sent, notice->sent_at_us, LD_CHINA_OFFSET_MINUTES));
    element(xml, "status", exercise ? "Exercise" : "Actual");
    element(xml, "msgType", message_type(notice->kind));
    element(xml, "scope", everybody ? "Public" : "Private");
    if (!everybody) {
        element(xml, "addresses", audience->id);
    }
    if (exercise) {
        element(xml, "note", "演练，不是真实事件。This is an exercise, not a real event.");
    }
    write_references(xml, announcement, sender, audience, notice);
    element(xml, "incidents", notice->context->incident);
}

static void write_parameter(xmlTextWriterPtr xml, const char *name, const char *value)
{
    start(xml, "parameter");
    element(xml, "valueName", name);
    element(xml, "value", value);
    end(xml);
}

static void write_area(xmlTextWriterPtr xml, const struct announcement *announcement, bool chinese)
{
    const Liandong__V1__Response *response = announcement->response;
    start(xml, "area");
    element(xml, "areaDesc", chinese ? announcement->area_name.zh : announcement->area_name.en);
    start(xml, "geocode");
    element(xml, "valueName", "GB/T 2260");
    element(xml, "value", response->area);
    end(xml);
    end(xml);
}

static const char *severity(int level)
{
    static const char *const SEVERITY[PLAN_LEVELS] = {"Unknown", "Extreme", "Severe", "Moderate",
                                                      "Minor"};
    return SEVERITY[level];
}

/* What was wrong is to be watched, not acted on. */
static void write_urgency(xmlTextWriterPtr xml, const struct announcement *announcement)
{
    bool ended = announcement->kind == LIANDONG__V1__NOTICE__KIND__CANCEL;
    bool warns = announcement->warning != NULL; /* about what may come */
    bool corrects = announcement->corrects;
    element(xml, "responseType",
            ended      ? "AllClear"
            : corrects ? "Monitor"
            : warns    ? "Prepare"
                       : "Execute");
    element(xml, "urgency",
            ended      ? "Past"
            : corrects ? "Unknown"
            : warns    ? "Expected"
                       : "Immediate");
    element(xml, "severity", severity(corrects ? PLAN_NONE : announcement->level));
    element(xml, "certainty", corrects ? "Unknown" : warns ? "Likely" : "Observed");
}

/* One info block per language; text says which. */
static void write_info(xmlTextWriterPtr xml, const struct announcement *announcement,
                       const Liandong__V1__Notice *notice, bool chinese)
{
    const struct plan *plan = announcement->incident->plan;
    int hazard = plan_find_hazard(plan, announcement->response->hazard);
#define PICK(text) (chinese ? (text).zh : (text).en)
    start(xml, "info");
    element(xml, "language", chinese ? "zh-CN" : "en-US");
    element(xml, "category", plan->notices.category);
    element(xml, "event",
            hazard < 0 ? announcement->response->hazard : PICK(plan->hazards[hazard].name));
    write_urgency(xml, announcement);
    element(xml, "senderName", PICK(announcement->signer));
    element(xml, "headline", PICK(*notice->headline));
    element(xml, "description", PICK(*notice->body));
    write_parameter(xml, "level", plan_level_name(announcement->level));
    write_parameter(xml, "grade", PICK(plan_level_grade(announcement->level)));
    write_parameter(xml, "colour", PICK(plan_level_colour(announcement->level)));
    write_area(xml, announcement, chinese);
    end(xml);
#undef PICK
}

char *cap_write(struct ld_arena *arena, const struct announcement *announcement,
                const struct audience *audience, const Liandong__V1__Notice *notice)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlTextWriterPtr xml = buffer == NULL ? NULL : xmlNewTextWriterMemory(buffer, 0);
    assert(xml != NULL);
    xmlTextWriterStartDocument(xml, NULL, "UTF-8", NULL);
    start(xml, "alert");
    xmlTextWriterWriteAttribute(xml, TEXT("xmlns"), TEXT(CAP_NAMESPACE));
    write_head(xml, announcement, sender_of(arena, announcement), audience, notice);
    write_info(xml, announcement, notice, true);
    write_info(xml, announcement, notice, false);
    end(xml);
    xmlTextWriterEndDocument(xml);
    xmlFreeTextWriter(xml);
    char *text = ld_arena_string(arena, (const char *)xmlBufferContent(buffer),
                                 (size_t)xmlBufferLength(buffer));
    xmlBufferFree(buffer);
    return text;
}
