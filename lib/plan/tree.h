/*
 * A YAML file as a tree of texts, lists and maps, each with its place in the file. Only what plans
 * need: one document, no anchors, aliases or tags, keys are texts and stand once in their map.
 */
#ifndef LD_PLAN_TREE_H
#define LD_PLAN_TREE_H

#include <arena.h>
#include "findings.h"

/* Bounds of what one file may hold; nesting counts lists and maps. */
enum { TREE_DEPTH_MAX = 32, TREE_KEYS_MAX = 64, TREE_NODES_MAX = 100000 };

enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    int line, column; /* from 1 */
    const char *file;
    const char *key; /* in the map it belongs to, else NULL */
    int key_line, key_column;
    const char *text;   /* of a NODE_TEXT */
    size_t count;       /* of children */
    struct node *first; /* child */
    struct node *last;
    struct node *next; /* sibling */
};

/* The root of the file's tree in arena (file and text are copied), or NULL with one finding added:
 * what is no YAML, or beyond what plans may use. */
struct node *tree_read(struct ld_arena *arena, const char *file, const char *content, size_t size,
                       struct plan_findings *findings);

/* The value of a key; NULL if it is not there, or if the node is no map or NULL. */
const struct node *tree_get(const struct node *map, const char *key);

#endif
