/*
 * The hash chain over segments (docs/log-format.md, 11). Private to evlog.
 */
#ifndef LD_EVLOG_CHAIN_H
#define LD_EVLOG_CHAIN_H

#include "walk.h"

/* The chain before the first segment of the log with that id. */
void chain_begin(const uint8_t id[EVLOG_ID_SIZE], uint8_t chain[EVLOG_HASH_SIZE]);
/* Goes on by one segment. */
void chain_add(uint8_t chain[EVLOG_HASH_SIZE], const struct evlog_link *link);

/* Walks a segment of directory, or packed of an archive (the other is NULL), up to sequence last,
 * with every checksum: its base and hash. What is wrong with it is LD_CORRUPT. */
int chain_walk(const struct ld_context *context, const char *directory, const char *archive,
               uint64_t number, uint64_t last, struct evlog_link *link, int64_t *last_time_us,
               struct ld_error *error) LD_MUST_USE;

#endif
