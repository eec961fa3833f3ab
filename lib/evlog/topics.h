/*
 * Topics: which blocks of a segment have events of which topics, in bounded memory. Private to
 * evlog; used while an index is built.
 *
 * An entry stands for the topics that it covers: a whole topic ("sys/tick"), or a beginning that
 * ends in '/' ("duty/3303/health/": everything below), or "" (everything). Topics are kept by their
 * first TOPIC_DEPTH segments; where there are too many different ones below a segment, they become
 * one entry with that beginning. So the memory is bounded, and what is told is never too little.
 */
#ifndef LD_EVLOG_TOPICS_H
#define LD_EVLOG_TOPICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_MAX         1024u /* of a segment */
#define BLOCK_BITMAP_BYTES (BLOCKS_MAX / 8u)
#define TOPIC_DEPTH        3u
#define TOPIC_CHILDREN_MAX 256u  /* below one beginning, then they become one */
#define TOPIC_ENTRIES_MAX  2048u /* then the largest beginning becomes one */

struct topic_node;

/* Zero-initialise to begin; topics_free ends. */
struct topics {
    struct topic_node *nodes;  /* hash by text, in order of arrival */
    struct topic_node *latest; /* set last: events of one topic come in runs */
    size_t entries;            /* nodes that are entries */
};

/* The block has an event of the topic. False: no memory, nothing changed that would be wrong. */
bool topics_set(struct topics *topics, const char *topic, size_t size, unsigned block);
void topics_free(struct topics *topics);

typedef void topics_each_fn(const char *text, size_t size, const uint8_t *bitmap, void *data);
/* Every entry, in an order that follows from the calls of topics_set alone. */
void topics_each(const struct topics *topics, topics_each_fn *each, void *data);

/* Can a (checked) filter match a topic that the entry covers? */
bool topics_filter_reaches(const char *filter, size_t filter_size, const char *entry,
                           size_t entry_size);

#endif
