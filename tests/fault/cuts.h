/*
 * Recovers from images of a storage: cuts the power or kills the process there, opens the log,
 * holds it against its history, goes on, and cuts again at each step of the recovery itself.
 */
#ifndef LIANDONG_CUTS_H
#define LIANDONG_CUTS_H

#include "watch.h"

#define LOG_DIRECTORY "/log"
#define SEGMENT_BYTES UINT64_C(65536)

/* What is left of an image: one of the survivals of a power cut, or a killed process. */
enum { ENDING_KILL = STORAGE_SURVIVALS, ENDINGS };
const char *ending_name(unsigned ending);
struct storage *storage_after(struct storage *storage, unsigned ending, uint64_t seed);

struct cuts {
    uint64_t seed;
    struct evlog_options options;
    const struct history *history;
    uint64_t random;
    uint64_t cuts, nested, kills; /* done so far; nested: in the recovery from another */
};

/* One image, so many endings of it, of which the first is "nothing survives". */
void cuts_check(struct cuts *cuts, const struct image *image, unsigned endings);

#endif
