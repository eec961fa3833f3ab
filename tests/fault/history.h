/*
 * What was told to a log and what it answered: the truth that a log is held against after a power
 * cut, a kill or damage.
 */
#ifndef LIANDONG_HISTORY_H
#define LIANDONG_HISTORY_H

#include "storage.h"
#include "evlog/evlog.h"

#define PRODUCERS_MAX 12u

struct told {
    uint64_t producer; /* 0: a checkpoint of the log's own */
    uint64_t producer_sequence;
    int64_t time_us;
    uint16_t flags;
};

struct history {
    struct told *events; /* by sequence, from 1 */
    uint64_t count, capacity;
    uint64_t positions[PRODUCERS_MAX + 1]; /* what each producer has sent and not lost */
};

/* Where a test is, for the message of a failure: "seed 7, step 31 (sync), cut 3 (sectors)". Also
 * printed when the program is aborted. */
void place_set(const char *format, ...) LD_PRINTF(1, 2);
const char *place(void);
/* Fails the test with its place unless the condition holds. */
#define expect(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            expect_failed(__FILE__, __LINE__, #condition, __VA_ARGS__);                            \
    } while (0)
void expect_failed(const char *file, int line, const char *condition, const char *format, ...)
    LD_PRINTF(4, 5);

void history_free(struct history *history);
/* A copy of what is told up to sequence head; of the same if SIZE_MAX. */
void history_copy(struct history *to, const struct history *from, uint64_t head);
/* Only what is up to head has happened. */
void history_cut(struct history *history, uint64_t head);

/* Stages the next event of a producer (its content follows from both), notes where it went. */
int history_stage(struct history *history, struct evlog *log, uint64_t producer, int64_t now_us,
                  struct ld_error *error) LD_MUST_USE;

/* The log holds what was told, from 1 to its durable head, in order, bit for bit, nothing behind;
 * the head is in [least, told]; producers are where their last events in it say. */
void history_check(const struct history *history, struct evlog *log, uint64_t least);
/* The same of a log that may be damaged: what can be read is the truth, what cannot is LD_CORRUPT.
 * Returns how many events cannot. */
uint64_t history_check_damaged(const struct history *history, struct evlog *log);

#endif
