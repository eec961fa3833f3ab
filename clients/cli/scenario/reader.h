/*
 * Reading YAML with line numbers and findings: bounded, no anchors, no tags. Every mistake becomes
 * a finding and reading goes on with a default, so that one run shows them all.
 */
#ifndef SCENARIO_READER_H
#define SCENARIO_READER_H

#include <yaml.h>

#include "scenario.h"

enum { READER_DEPTH_MAX = 16 };

struct reader {
    const char *file;
    struct ld_arena *arena; /* strings and structures go here */
    struct ld_buffer *findings;
    size_t finding_count;
    struct ld_error *error; /* the first finding */
    yaml_document_t document;
    bool loaded;
};

/* LD_OK with the document's root, or LD_INVALID with findings. Ends with reader_close. */
int reader_open(struct reader *reader, const char *text, size_t size) LD_MUST_USE;
yaml_node_t *reader_root(struct reader *reader);
void reader_close(struct reader *reader);

/* A finding at a node's line (node may be NULL: line 1). */
void reader_mistake(struct reader *reader, const yaml_node_t *node, const char *format, ...)
    LD_PRINTF(3, 4);
int reader_line(const yaml_node_t *node);

/* ---- mappings: NULL or a default when the key is not there ---- */
bool reader_is_map(struct reader *reader, yaml_node_t *node, const char *what);
yaml_node_t *reader_get(struct reader *reader, yaml_node_t *map, const char *key);
/* A finding for each key not among keys (NULL-terminated), naming those that are allowed. */
void reader_only(struct reader *reader, yaml_node_t *map, const char *const *keys);
yaml_node_t *reader_need(struct reader *reader, yaml_node_t *map, const char *key);

struct reader_pair {
    yaml_node_t *key, *value;
};
size_t reader_pairs(yaml_node_t *map);
struct reader_pair reader_pair_at(struct reader *reader, yaml_node_t *map, size_t index);

/* ---- sequences ---- */
bool reader_is_list(struct reader *reader, yaml_node_t *node, const char *what);
size_t reader_items(yaml_node_t *list);
yaml_node_t *reader_item(struct reader *reader, yaml_node_t *list, size_t index);

/* ---- scalars: node NULL gives the default ---- */
bool reader_is_scalar(const yaml_node_t *node);
const char *reader_text(struct reader *reader, yaml_node_t *node, const char *missing);
double reader_number(struct reader *reader, yaml_node_t *node, double missing);
/* A whole number in [low, high], which a double holds exactly; else a mistake, and missing. */
int64_t reader_whole(struct reader *reader, yaml_node_t *node, int64_t low, int64_t high,
                     int64_t missing);
bool reader_bool(struct reader *reader, yaml_node_t *node, bool missing);
int reader_enum(struct reader *reader, yaml_node_t *node, const ProtobufCEnumDescriptor *descriptor,
                int missing);
struct plan_text reader_both(struct reader *reader, yaml_node_t *node); /* {zh, en} or one text */
/* One text or a list of texts. */
struct scenario_strings reader_strings(struct reader *reader, yaml_node_t *node);
/* 3, ">= 3", "<= 3". */
struct scenario_number reader_expected(struct reader *reader, yaml_node_t *node);
int64_t reader_duration(struct reader *reader, yaml_node_t *node, int64_t missing);
/* "day 3 08:00", "+30m" and "-2h" (from previous_us), or an absolute time. */
struct scenario_time reader_time(struct reader *reader, yaml_node_t *node, int64_t previous_us);

#endif
