/*
 * Two versions of an event, field by field: every value of either has a row with its path
 * ("message.holding[0].section") and what each version says, in the order of the first.
 */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct field {
    char *path;
    char *left, *right; /* as JSON; NULL: this version does not have it */
    bool same;
};
struct fields {
    struct field *all;
    size_t count, capacity;
};

/* left, right: borrowed; JSON null for a version that is not there at all. */
void fields_compare(struct fields *fields, json_t *left, json_t *right);
void fields_free(struct fields *fields);
/* The rows that differ: {"field", "logged", "derived"}, null where a version does not have it. */
json_t *fields_differing(const struct fields *fields);

#endif
