/* A filter and a topic, a zero between them: what matches follows the rules of protocol.md 2.2. */
#include "fuzz.h"

#include <liandong/topic.h>

/* The rules once more, as plainly as possible. */
static bool segment_matches(const char *filter, size_t filter_size, const char *topic,
                            size_t topic_size)
{
    if (filter_size > 0 && filter[filter_size - 1] == '*')
        return topic_size >= filter_size - 1 && memcmp(filter, topic, filter_size - 1) == 0;
    return filter_size == topic_size && memcmp(filter, topic, filter_size) == 0;
}

static size_t segment_size(const char *text, size_t size)
{
    const char *slash = memchr(text, '/', size);
    return slash != NULL ? (size_t)(slash - text) : size;
}

static bool matches(const char *filter, size_t filter_size, const char *topic, size_t topic_size)
{
    for (;;) {
        size_t one = segment_size(filter, filter_size), other = segment_size(topic, topic_size);
        if (one == 1 && filter[0] == '>' && one == filter_size)
            return true;
        if (!segment_matches(filter, one, topic, other))
            return false;
        if (one == filter_size || other == topic_size)
            return one == filter_size && other == topic_size;
        filter += one + 1, filter_size -= one + 1;
        topic += other + 1, topic_size -= other + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    if (zero == NULL)
        return 0;
    size_t filter_size = (size_t)(zero - data), topic_size = size - filter_size - 1;
    char *filter = (char *)fuzz_copy(data, filter_size);
    char *topic = (char *)fuzz_copy(zero + 1, topic_size);
    struct ld_error error;
    bool good_filter = ld_filter_check(filter, filter_size, &error) == LD_OK;
    bool good_topic = ld_topic_check(topic, topic_size, &error) == LD_OK;
    if (good_filter && good_topic)
        fuzz_check(ld_filter_matches(filter, filter_size, topic, topic_size) ==
                   matches(filter, filter_size, topic, topic_size));
    if (good_topic) /* a topic is a filter for itself */
        fuzz_check(ld_filter_check(topic, topic_size, &error) == LD_OK &&
                   ld_filter_matches(topic, topic_size, topic, topic_size));
    free(filter);
    free(topic);
    return 0;
}
