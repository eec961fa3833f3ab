/*
 * A tree of topic beginnings as one hash. A node is a beginning ("duty/", "duty/3303/") or a whole
 * topic; leaves carry the bitmap. Happy path: the same topic as before, one bit set; else the
 * beginnings are looked up from the shortest on until a leaf.
 * A node that gets too many children, or the one with the most when the table is full, is
 * closed: its leaves' bits are joined in it, and it is a leaf from then on.
 */
#include "topics.h"

#include <liandong/topic.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { ENTRIES_AFTER_CLOSING = TOPIC_ENTRIES_MAX * 3 / 4 };

struct topic_node {
    UT_hash_handle hh; /* by text */
    struct topic_node *parent;
    unsigned children; /* direct */
    uint8_t *bitmap;   /* of a leaf, else NULL */
    size_t size;
    char text[];
};

/* ---- nodes ---- */

static struct topic_node *find(const struct topics *topics, const char *text, size_t size)
{
    struct topic_node *node;
    HASH_FIND(hh, topics->nodes, text, size, node);
    return node;
}

static struct topic_node *add(struct topics *topics, struct topic_node *parent, const char *text,
                              size_t size)
{
    struct topic_node *node = calloc(1, sizeof *node + size + 1);
    if (!node)
        return NULL;
    if (size > 0)
        memcpy(node->text, text, size);
    node->size = size;
    node->parent = parent;
    HASH_ADD_KEYPTR(hh, topics->nodes, node->text, node->size, node);
    if (!node->hh.tbl) { /* uthash found no memory and left it out */
        free(node);
        return NULL;
    }
    if (parent)
        parent->children++;
    return node;
}

static bool make_leaf(struct topics *topics, struct topic_node *node)
{
    node->bitmap = calloc(1, BLOCK_BITMAP_BYTES);
    topics->entries += node->bitmap != NULL;
    return node->bitmap != NULL;
}

static void remove_node(struct topics *topics, struct topic_node *node)
{
    HASH_DEL(topics->nodes, node);
    topics->entries -= node->bitmap != NULL;
    free(node->bitmap);
    free(node);
}

/* ---- closing ---- */

static bool is_below(const struct topic_node *node, const struct topic_node *above)
{
    while (node && node != above)
        node = node->parent;
    return node == above;
}

/* From here on one entry stands for everything below; false: no memory. */
static bool close_node(struct topics *topics, struct topic_node *closed)
{
    struct topic_node *node, *next;
    if (!make_leaf(topics, closed))
        return false;
    topics->latest = NULL;
    HASH_ITER(hh, topics->nodes, node, next)
    {
        if (node == closed || !is_below(node, closed))
            continue;
        for (size_t i = 0; node->bitmap && i < BLOCK_BITMAP_BYTES; i++)
            closed->bitmap[i] |= node->bitmap[i];
    }
    /* Children come behind their parents, so that from the end on none is asked after it is gone.
     */
    node = topics->nodes ? ELMT_FROM_HH(topics->nodes->hh.tbl, topics->nodes->hh.tbl->tail) : NULL;
    for (; node; node = next) {
        next = node->hh.prev;
        if (node != closed && is_below(node, closed))
            remove_node(topics, node);
    }
    closed->children = 0;
    return true;
}

/* The node with the most children, the latest of these. */
static struct topic_node *largest(const struct topics *topics)
{
    struct topic_node *best = topics->nodes;
    for (struct topic_node *node = topics->nodes; node; node = node->hh.next)
        if (node->children >= best->children)
            best = node;
    return best;
}

static bool make_room(struct topics *topics)
{
    if (topics->entries < TOPIC_ENTRIES_MAX)
        return true;
    while (topics->entries > ENTRIES_AFTER_CLOSING) {
        if (!close_node(topics, largest(topics)))
            return false;
    }
    return true;
}

/* ---- setting ---- */

/* Bytes of the topic's beginning that ends behind its n-th slash; 0: it has fewer. */
static size_t beginning(const char *topic, size_t size, unsigned n)
{
    const char *at = topic;
    for (; n > 0; n--) {
        const char *slash = memchr(at, '/', size - (size_t)(at - topic));
        if (!slash)
            return 0;
        at = slash + 1;
    }
    return (size_t)(at - topic);
}

/* Goes down from the root, making what is missing; NULL: no memory. */
static struct topic_node *leaf_of(struct topics *topics, const char *topic, size_t size)
{
    struct topic_node *node = find(topics, "", 0);
    if (!node)
        node = add(topics, NULL, "", 0);
    for (unsigned depth = 1; node && !node->bitmap; depth++) {
        size_t begin = beginning(topic, size, depth);
        size_t end = begin > 0 ? begin : size;
        struct topic_node *child = find(topics, topic, end);
        if (!child && node->children >= TOPIC_CHILDREN_MAX)
            return close_node(topics, node) ? node : NULL;
        if (!child)
            child = add(topics, node, topic, end);
        node = child;
        bool last = begin == 0 || depth == TOPIC_DEPTH;
        if (node && last && !node->bitmap && !make_leaf(topics, node))
            return NULL;
    }
    return node;
}

static bool covers(const struct topic_node *node, const char *topic, size_t size)
{
    bool whole = node->size > 0 && node->text[node->size - 1] != '/';
    return (whole ? size == node->size : size > node->size) &&
           memcmp(node->text, topic, node->size) == 0;
}

bool topics_set(struct topics *topics, const char *topic, size_t size, unsigned block)
{
    if (!topics->latest || !covers(topics->latest, topic, size)) {
        topics->latest = NULL;
        if (!make_room(topics))
            return false;
        topics->latest = leaf_of(topics, topic, size);
    }
    if (!topics->latest)
        return false;
    topics->latest->bitmap[block / 8] |= (uint8_t)(1u << block % 8);
    return true;
}

void topics_each(const struct topics *topics, topics_each_fn *each, void *data)
{
    for (const struct topic_node *node = topics->nodes; node; node = node->hh.next)
        if (node->bitmap)
            each(node->text, node->size, node->bitmap, data);
}

void topics_free(struct topics *topics)
{
    struct topic_node *node, *next;
    HASH_ITER(hh, topics->nodes, node, next)
    remove_node(topics, node);
    *topics = (struct topics){0};
}

/* ---- filters ---- */

static unsigned slashes(const char *text, size_t size)
{
    unsigned count = 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == '/';
    return count;
}

bool topics_filter_reaches(const char *filter, size_t filter_size, const char *entry,
                           size_t entry_size)
{
    if (entry_size == 0)
        return true;
    if (entry[entry_size - 1] != '/')
        return ld_filter_matches(filter, filter_size, entry, entry_size);
    size_t begin = beginning(filter, filter_size, slashes(entry, entry_size));
    if (begin > 0) /* the filter goes on below */
        return ld_filter_matches(filter, begin - 1, entry, entry_size - 1);
    return filter[filter_size - 1] == '>' &&
           ld_filter_matches(filter, filter_size, entry, entry_size - 1);
}
