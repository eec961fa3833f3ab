/*
 * Batches: a quantity of one item as parts that expire together, first expiry first, what does not
 * expire last. No part is empty; parts that are alike are one.
 */
#ifndef SUPPLIES_BATCHES_H
#define SUPPLIES_BATCHES_H

#include "common/core.h"

enum { BATCHES_MAX = 1000 }; /* so that a movement of them all is still a message */

struct batch {
    int64_t expires_at_us; /* 0: never */
    char *lot, *donation;  /* owned; "" where there is none */
    int64_t quantity;
};

struct batches {
    struct batch *all;
    size_t count;
};

int64_t batches_total(const struct batches *batches);
/* What of it may still be used at this time. */
int64_t batches_good_at(const struct batches *batches, int64_t time_us);
/* The earliest expiry; INT64_MAX: nothing expires. */
int64_t batches_first_expiry(const struct batches *batches);

/* Adds one that is like this (lot and donation are copied); quantity 0 adds nothing. */
void batches_add(struct batches *batches, const struct batch *like);
void batches_add_all(struct batches *batches, const struct batches *more);
/* Takes quantity (no more than there is) out, first expiry first; what will have expired at
 * arrival_us only when nothing else is left. The caller's. */
struct batches batches_take(struct batches *batches, int64_t quantity, int64_t arrival_us);
/* Takes exactly these out, or nothing if one of them is not there (false). */
bool batches_take_these(struct batches *batches, const struct batches *these,
                        struct batches *taken);
/* Takes out what has expired by now. The caller's. */
struct batches batches_take_expired(struct batches *batches, int64_t now_us);

/* What of batches is more than in others, part by part. The caller's. */
struct batches batches_beyond(const struct batches *batches, const struct batches *others);

void batches_free(struct batches *batches);
void batches_visit(struct batches *batches, struct sv_codec *codec);

#endif
