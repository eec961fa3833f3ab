/*
 * Watches the steps of a log on a storage: an image of the storage before each of them, with what
 * had been acknowledged by then, to be cut and recovered later.
 */
#ifndef LIANDONG_WATCH_H
#define LIANDONG_WATCH_H

#include <stdatomic.h>
#include "history.h"

#define IMAGES_MAX 2048u

struct image {
    struct storage *storage; /* as a killed process leaves it: with all that is not synced */
    uint64_t acknowledged;
    uint64_t step;
    enum storage_step kind;
};

struct watch {
    struct image *images;
    size_t count;
    uint64_t steps;             /* seen since the watch began */
    atomic_ullong acknowledged; /* kept up to date by who drives the log */
};

void watch_begin(struct watch *watch, struct storage *storage);
/* One more image, of now. */
void watch_now(struct watch *watch, struct storage *storage);
/* Frees the images. */
void watch_clear(struct watch *watch);
void watch_end(struct watch *watch, struct storage *storage);

const char *step_name(enum storage_step step);

#endif
