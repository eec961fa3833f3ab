/*
 * Typed reading of a tree, with every mistake reported where it stands: first say which keys a map
 * may have (walk_keys), then take them one by one. A key that is absent gives the empty value
 * without another finding: "" for texts, 0 for numbers, -1 for choices and references.
 */
#ifndef LD_PLAN_WALK_H
#define LD_PLAN_WALK_H

#include "loading.h"

/* Reports at a node; node NULL: at the top of the plan's own file. */
void walk_report(struct loading *loading, const struct node *node, const char *format, ...)
    LD_PRINTF(3, 4);

/* Is node a map with these keys? keys: names separated by spaces, a name that ends in "?" may be
 * left out. Reports unknown and missing keys. False only if it is no map (or NULL: silently). */
bool walk_keys(struct loading *loading, const struct node *node, const char *keys);
/* The list under key (reported if it is none, is empty, or has more than max entries); NULL then,
 * or if absent. Iterate over first and next. */
const struct node *walk_list(struct loading *loading, const struct node *map, const char *key,
                             size_t max);

/* Texts. Copied into the plan's memory. A reading is checked by walk_keys already. */
const char *walk_reading(struct loading *loading, const struct node *map);
const char *walk_string(struct loading *loading, const struct node *map, const char *key);
/* The citation under `section`; from the general plan with that plan's id before it. */
const char *walk_section(struct loading *loading, const struct node *map);
/* [a-z0-9] then [a-z0-9.-_], at most 64: fit for a segment of a topic. */
const char *walk_id(struct loading *loading, const struct node *map, const char *key);
bool walk_is_id(const char *text);
struct plan_text walk_text(struct loading *loading, const struct node *map, const char *key);
struct plan_text walk_text_of(struct loading *loading, const struct node *node);
/* zh and en of a map that has more keys (already checked to be there). */
struct plan_text walk_name(struct loading *loading, const struct node *map);

const char *walk_date(struct loading *loading, const struct node *map, const char *key);

/* Numbers. */
int64_t walk_duration(struct loading *loading, const struct node *map, const char *key);
int64_t walk_duration_of(struct loading *loading, const struct node *node);
bool walk_number(struct loading *loading, const struct node *map, const char *key, double *value);
/* 0 if it is wrong; low is at least 1. */
int walk_integer(struct loading *loading, const struct node *map, const char *key, int low,
                 int high);
bool walk_flag(struct loading *loading, const struct node *map, const char *key);
int walk_minute(struct loading *loading, const struct node *map, const char *key); /* "17:00" */
/* Position of the value among names (separated by spaces), -1 if it is none of them. */
int walk_choice(struct loading *loading, const struct node *map, const char *key,
                const char *names);
int walk_choice_of(struct loading *loading, const struct node *node, const char *what,
                   const char *names);

/* Levels that the plan has (in what is taken from the general plan: any); PLAN_NONE if absent or
 * wrong. */
enum plan_level walk_level(struct loading *loading, const struct node *map, const char *key);
enum plan_level walk_level_of(struct loading *loading, const struct node *node);
/* Bits of a list of levels; 0 if absent or wrong. with_none: "none" is one of them. */
unsigned walk_levels(struct loading *loading, const struct node *map, const char *key,
                     bool with_none);
/* The level that the key of a child in a map by level names; -1 (reported) if it is none. */
int walk_level_key(struct loading *loading, const struct node *child);

/* References into the vocabulary: index, or -1. */
int walk_unit_of(struct loading *loading, const struct node *node);
const char *walk_unit(struct loading *loading, const struct node *map, const char *key);
int walk_reference(struct loading *loading, const struct node *node, const struct index *index,
                   const char *what, const char *where);
const size_t *walk_units(struct loading *loading, const struct node *map, const char *key,
                         size_t *count);
/* The same; "{county}.slug" stands for that unit of every county of the plan's area. */
const size_t *walk_county_units(struct loading *loading, const struct node *map, const char *key,
                                size_t *count);
/* A list of unit ids and patterns, each of which must mean at least one unit. */
const char *const *walk_patterns(struct loading *loading, const struct node *map, const char *key,
                                 size_t *count);
/* A list of hazards, expanded to all that they cover and that are in scope, each once. In what is
 * taken from the general plan there may be none left. */
const size_t *walk_hazards(struct loading *loading, const struct node *map, const char *key,
                           size_t *count);
/* Marks the hazards that a reference covers; false (reported) if there is none such. */
bool walk_cover(struct loading *loading, const struct node *node, bool *marks);

/* Adds an id; reports it if it is there already. */
bool walk_unique(struct loading *loading, const struct node *node, struct index *index,
                 const char *id, size_t position, const char *what);

#endif
