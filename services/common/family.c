/*
 * Families: which message travels under which first segment of a topic (docs/events.md). One
 * table, from the list in core.h.
 */
#include "core.h"

#include <assert.h>
#include <string.h>
#include "liandong/v1/bulletin.pb-c.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/grade.pb-c.h"
#include "liandong/v1/notice.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "liandong/v1/supply.pb-c.h"

struct family {
    const char *segment;
    size_t size;
    const ProtobufCMessageDescriptor *descriptor;
};

static const struct family families[] = {
#define FAMILY_ROW(name, segment, message)                                                         \
    {segment, sizeof segment - 1, &liandong__v1__##message##__descriptor},
    SV_FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
};
enum { FAMILIES = sizeof families / sizeof families[0] };

enum sv_family sv_family_of(const char *topic, size_t topic_size)
{
    const char *slash = memchr(topic, '/', topic_size);
    size_t size = slash ? (size_t)(slash - topic) : topic_size;
    for (size_t i = 0; i < FAMILIES; i++) {
        if (families[i].size == size && memcmp(families[i].segment, topic, size) == 0)
            return (enum sv_family)i;
    }
    if (topic_size == 8 && memcmp(topic, "sys/tick", 8) == 0)
        return SV_TICK;
    return SV_OTHER;
}

void sv_topic_area(const char *topic, size_t topic_size, char area[LD_TOPIC_SIZE_MAX + 1])
{
    const char *end = topic + topic_size, *slash = memchr(topic, '/', topic_size);
    const char *from = slash ? slash + 1 : end;
    const char *next = memchr(from, '/', (size_t)(end - from));
    size_t size = (size_t)((next ? next : end) - from);
    assert(size <= LD_TOPIC_SIZE_MAX);
    memcpy(area, from, size);
    area[size] = '\0';
}

const ProtobufCMessageDescriptor *sv_family_descriptor(enum sv_family family)
{
    return (size_t)family < FAMILIES ? families[family].descriptor : NULL;
}

const char *sv_family_name(enum sv_family family)
{
    if ((size_t)family < FAMILIES)
        return families[family].segment;
    return family == SV_TICK ? "tick" : "other";
}

bool sv_family_is_input(enum sv_family family)
{
    return family == SV_REPORT || family == SV_DECISION || family == SV_REPLY ||
           family == SV_NEED || family == SV_PLAN || family == SV_BULLETIN ||
           family == SV_CONTACT || family == SV_NOTIFY;
}
