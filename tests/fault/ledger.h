/*
 * What must be true of a log, beside what authors and listeners were told (content.h):
 *   - each author's events are in it in the author's order, each once, bit for bit as written;
 *   - each answered event is there, at the place that its answer named;
 *   - each listener has seen a beginning of the log, gapless and identical, nothing else;
 *   - what a tap has heard is in the log, identical and in its order.
 * Reads the log's files itself, beside a router or after its death.
 */
#ifndef TESTS_FAULT_LEDGER_H
#define TESTS_FAULT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LEDGER_AUTHORS_MAX = 16 };

struct ledger {
    const char *log;    /* its folder */
    const char *folder; /* of what was told */
    uint64_t seed;
    unsigned authors, listeners, taps; /* numbered from 0 */
};

/* What was found; valid after a check. */
struct ledger_totals {
    uint64_t events;   /* of the log */
    uint64_t written;  /* of them by authors */
    uint64_t answered; /* entries of all authors */
    uint64_t seen;     /* entries of all listeners */
    uint64_t tapped;   /* entries of all taps */
};

/* Fails the test with the first thing that is not so. */
void ledger_check(const struct ledger *ledger, struct ledger_totals *totals);
/* How many answers and refusals there are now. */
uint64_t ledger_answers(const struct ledger *ledger);
uint64_t ledger_answers_of(const struct ledger *ledger, unsigned author);
uint64_t ledger_refusals_of(const struct ledger *ledger, unsigned author);
uint64_t ledger_stale_links(const struct ledger *ledger);
uint64_t ledger_cuts(const struct ledger *ledger);
/* Of so many events, how many the listeners have not seen, all together. */
uint64_t ledger_unseen(const struct ledger *ledger, uint64_t events);

#endif
