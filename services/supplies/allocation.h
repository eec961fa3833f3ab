/* Inside allocation: where a request may draw, and what each source has for it. */
#ifndef SUPPLIES_ALLOCATION_H
#define SUPPLIES_ALLOCATION_H

#include "supplies.h"

/* A holding as a source for one request. */
struct source {
    struct holding *holding;
    int minutes;       /* by road; -1: not known */
    int64_t expiry_us; /* of what expires first there */
    bool is_open;      /* the level in force opens it */
    bool needs;        /* its holder asks for the item itself */
};

/* A request and what it ranks by. */
struct ranked {
    struct request *request;
    const struct plan *plan; /* by which it is served */
    int level, grade;
    int64_t lasts_until_us;
};

/* All holdings of the item but the requester's own, the nearest first. In the arena of outputs. */
struct source *allocation_sources(const struct handling *handling, const struct ranked *ranked,
                                  size_t *count);
/* What the source could set aside for it now, as much as is good on arrival. */
int64_t allocation_available(const struct handling *handling, const struct ranked *ranked,
                             const struct source *source);
struct ranked allocation_rank(const struct handling *handling, struct request *request);
/* Does a come before b? */
bool allocation_before(const struct ranked *a, const struct ranked *b);
const char *allocation_pool_name(const struct ranked *ranked);

/* explain.c: says what is missing, where it is, and for whom it is set aside instead. */
void explain_unmet(const struct handling *handling, const struct ranked *ranked);

#endif
