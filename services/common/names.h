/*
 * Names: a table that gives each string (any bytes) a number, counted from 0 in order of arrival,
 * for ever. Finding and adding cost the same however many there are. Zero-initialise to begin.
 */
#ifndef SV_NAMES_H
#define SV_NAMES_H

#include "core.h"

#define SV_NO_NAME SIZE_MAX

enum { SV_PAIR_SIZE = 512 };
/* Two texts as one name, "first\0second", each cut to less than half; its size. */
size_t sv_names_pair(char pair[SV_PAIR_SIZE], const char *first, const char *second);

struct sv_name;
struct sv_names {
    struct sv_name *all;
    size_t count, capacity;
    uint8_t *pool; /* the bytes, each name followed by a zero */
    size_t pool_size, pool_capacity;
    uint64_t *slots; /* open addressing: hash << 32 | number + 1, 0 is free */
    size_t slot_count;
};

/* The number of a name; SV_NO_NAME if it is not there. */
size_t sv_names_find(const struct sv_names *names, const char *text, size_t size);
/* The same, added if it is not there (then its number is the count before). */
size_t sv_names_add(struct sv_names *names, const char *text, size_t size);
/* Soon this name is to be found or added: its place in the table is fetched meanwhile. */
void sv_names_ahead(const struct sv_names *names, const char *text, size_t size);
/* Borrowed until the next add; zero-terminated. */
const char *sv_names_text(const struct sv_names *names, size_t number);
void sv_names_free(struct sv_names *names);
void sv_names_visit(struct sv_names *names, struct sv_codec *codec);

#endif
