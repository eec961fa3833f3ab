/*
 * Topics and filters.
 *
 * A topic is a path of 1 to 16 segments of [a-z0-9.-_] joined by '/', at most 255 bytes:
 * "duty/3303/health/330302-cholera-1.12". A filter is a topic in which a segment may be "*" or
 * end in "*" (matches one whole segment by prefix) and the last segment may be ">" (matches one
 * or more remaining segments). "duty/33*" + "/>" is every duty in the province. "duty/3303" never
 * matches "duty/33030".
 */
#ifndef LIANDONG_TOPIC_H
#define LIANDONG_TOPIC_H

#include <liandong/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LD_TOPIC_SEGMENTS_MAX 16u

/* LD_OK, or LD_INVALID with the reason (which character, which segment). */
LD_EXPORT int ld_topic_check(const char *topic, size_t size, struct ld_error *error) LD_MUST_USE;
LD_EXPORT int ld_filter_check(const char *filter, size_t size, struct ld_error *error) LD_MUST_USE;

/* Does the (checked) filter match the (checked) topic? Allocates nothing. */
LD_EXPORT bool ld_filter_matches(const char *filter, size_t filter_size, const char *topic,
                                 size_t topic_size);

#ifdef __cplusplus
}
#endif
#endif
