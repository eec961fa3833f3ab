/* A stock-take from a CSV file: read whole, every bad line told, or one act with all of them. */
#ifndef CLI_SUPPLY_COUNT_H
#define CLI_SUPPLY_COUNT_H

#include "arena.h"
#include "liandong/v1/supply.pb-c.h"
#include "plan/plan.h"

enum { COUNT_LINES_MAX = 2000, COUNT_BYTES_MAX = 240 << 10 };

/* What is wrong in a line. */
struct count_finding {
    int line; /* from 1; 0: the whole file */
    struct plan_text text;
};
struct count {
    Liandong__V1__SupplyBatch **batches; /* in the arena */
    size_t batch_count;
    struct count_finding *findings; /* likewise; in order of lines */
    size_t finding_count;
};

/* Reads the text (size bytes): a line with the names of the columns (item, quantity, expires, lot;
 * the last two may be left out), then a line for each batch. plan: whose catalogue items are of;
 * NULL: they are not looked up. */
void count_read(struct ld_arena *arena, const char *text, size_t size, const struct plan *plan,
                struct count *count);

#endif
