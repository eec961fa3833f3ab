/*
 * Topics and filters (rules in topic.h): checked once when they come in, matched often.
 *
 * Matching walks both texts segment by segment and allocates nothing.
 */
#include <liandong/topic.h>

#include <string.h>

static bool is_topic_byte(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' ||
           byte == '-' || byte == '_';
}

static size_t segment_end(const char *text, size_t size, size_t start)
{
    const char *slash = memchr(text + start, '/', size - start);
    return slash ? (size_t)(slash - text) : size;
}

static int bad_byte(const char *what, const char *text, size_t at, unsigned segment,
                    struct ld_error *error)
{
    unsigned char byte = (unsigned char)text[at];
    if (byte > ' ' && byte < 0x7f)
        return ld_fail(error, LD_INVALID,
                       "'%c' at position %zu in segment %u of the %s; allowed are a-z 0-9 . - _",
                       byte, at + 1, segment, what);
    return ld_fail(error, LD_INVALID,
                   "byte 0x%02x at position %zu in segment %u of the %s; allowed are a-z 0-9 . - _",
                   byte, at + 1, segment, what);
}

/* A segment of a filter may end in '*', the last one may be '>'. */
static bool is_wildcard(const char *text, size_t size, size_t start, size_t end, size_t at)
{
    if (text[at] == '*')
        return at + 1 == end;
    return text[at] == '>' && at == start && at + 1 == end && end == size;
}

static int check_segment(const char *what, bool wildcards, const char *text, size_t size,
                         size_t start, size_t end, unsigned segment, struct ld_error *error)
{
    if (start == end)
        return ld_fail(error, LD_INVALID, "segment %u of the %s is empty", segment, what);
    for (size_t at = start; at < end; at++) {
        if (is_topic_byte((unsigned char)text[at]))
            continue;
        if (!wildcards || !is_wildcard(text, size, start, end, at))
            return bad_byte(what, text, at, segment, error);
    }
    return LD_OK;
}

static int check(const char *what, bool wildcards, const char *text, size_t size,
                 struct ld_error *error)
{
    if (size == 0)
        return ld_fail(error, LD_INVALID, "the %s is empty", what);
    if (size > 255)
        return ld_fail(error, LD_INVALID, "the %s has %zu bytes, at most 255", what, size);
    unsigned segment = 1;
    for (size_t start = 0;; segment++) {
        if (segment > LD_TOPIC_SEGMENTS_MAX)
            return ld_fail(error, LD_INVALID, "the %s has more than %u segments", what,
                           LD_TOPIC_SEGMENTS_MAX);
        size_t end = segment_end(text, size, start);
        int code = check_segment(what, wildcards, text, size, start, end, segment, error);
        if (code != LD_OK || end == size)
            return code;
        start = end + 1;
    }
}

int ld_topic_check(const char *topic, size_t size, struct ld_error *error)
{
    return check("topic", false, topic, size, error);
}

int ld_filter_check(const char *filter, size_t size, struct ld_error *error)
{
    return check("filter", true, filter, size, error);
}

static bool segment_matches(const char *filter, size_t filter_size, const char *topic,
                            size_t topic_size)
{
    if (filter[filter_size - 1] == '*')
        return topic_size >= filter_size - 1 && memcmp(filter, topic, filter_size - 1) == 0;
    return filter_size == topic_size && memcmp(filter, topic, topic_size) == 0;
}

bool ld_filter_matches(const char *filter, size_t filter_size, const char *topic, size_t topic_size)
{
    size_t filter_at = 0, topic_at = 0;
    for (;;) {
        if (filter[filter_at] == '>')
            return true;
        size_t filter_end = segment_end(filter, filter_size, filter_at);
        size_t topic_end = segment_end(topic, topic_size, topic_at);
        if (!segment_matches(filter + filter_at, filter_end - filter_at, topic + topic_at,
                             topic_end - topic_at))
            return false;
        if (filter_end == filter_size || topic_end == topic_size)
            return filter_end == filter_size && topic_end == topic_size;
        filter_at = filter_end + 1;
        topic_at = topic_end + 1;
    }
}
