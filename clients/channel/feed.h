/* The alerts to the public that are in force, and the last that have ended, from the notices in
 * order of the log. */
#ifndef CHANNEL_FEED_H
#define CHANNEL_FEED_H

#include <uthash.h>

#include "cap/cap.h"
#include "liandong/v1/notice.pb-c.h"

enum { FEED_ENDED_MAX = 10 }; /* how many Cancels stay */

struct feed_entry {
    struct ld_arena arena;
    struct cap_entry says;
    const char *cap; /* the message */
    int64_t sent_at_us;
    uint64_t arrival;
    bool ended;  /* a Cancel */
    bool placed; /* its file is written: kept for whoever writes */
    UT_hash_handle hh;
};
struct feed {                   /* zero-initialise; freed by feed_free */
    struct feed_entry *entries; /* in force first, then ended; the latest first in each */
    int64_t newest_us;          /* the latest of all taken; 0: none */
    uint64_t arrivals;
};
/* Takes a notice: it is listed, what it refers to no more. LD_OK; LD_INVALID (no public CAP message
 * that is good and that its notice names, or of the other sort as to exercise): nothing changes. */
int feed_take(struct feed *feed, const Liandong__V1__Notice *notice, bool exercise,
              struct ld_error *error) LD_MUST_USE;
/* Appends feed.atom with at most entries_max entries: the first of them. */
void feed_write(const struct feed *feed, const char *url, const char *host, bool exercise,
                size_t entries_max, struct ld_buffer *text);
void feed_free(struct feed *feed);

#endif
