/*
 * The producers' positions (R3), and the checkpoint records that carry them from segment to
 * segment (docs/log-format.md, 5). Private to evlog; used by the loop thread only.
 */
#ifndef LD_EVLOG_PRODUCERS_H
#define LD_EVLOG_PRODUCERS_H

#include "evlog.h"

#define CHECKPOINT_VERSION     2u
#define CHECKPOINT_HEAD_SIZE   16u
#define CHECKPOINT_ENTRY_SIZE  24u
#define CHECKPOINT_ENTRIES_MAX 32768u /* in one record; more go into further records */

struct producer;

/* Zero-initialise to begin; producers_free ends. */
struct producers {
    struct producer *table;
    struct producer *latest; /* found last: events of one producer come in runs */
};

struct checkpoint_part {
    uint32_t entries;
    uint64_t remaining; /* entries in the checkpoint records that follow */
};

/* Sequence 0: it has none. */
struct evlog_position producers_get(const struct producers *producers, uint64_t id);
size_t producers_count(const struct producers *producers);
/* Raises the producer's position (never lowers it); id 0 is nobody. False: no memory, nothing
 * changed. */
bool producers_raise(struct producers *producers, uint64_t id, struct evlog_position position);
void producers_free(struct producers *producers);
typedef void producers_each_fn(uint64_t id, uint64_t sequence, void *data);
void producers_each(const struct producers *producers, producers_each_fn *each, void *data);

/* Bytes that the checkpoint takes as records, at least one record. */
size_t checkpoint_size(size_t entries);

/* Called with one encoded record after another, each to be stamped by the callee. */
typedef void checkpoint_record_fn(uint8_t *raw, size_t size, void *data);
/* Writes the checkpoint's records one after another to raw (checkpoint_size() bytes). */
void checkpoint_encode(const struct producers *producers, uint8_t *raw, checkpoint_record_fn *each,
                       void *data);

bool checkpoint_is(const struct ld_record *record);
/* Raises producers by what the checkpoint record says. LD_OK, LD_CORRUPT, LD_VERSION, LD_NOMEM. */
int checkpoint_apply(const struct ld_record *record, struct producers *producers,
                     struct checkpoint_part *part, struct ld_error *error) LD_MUST_USE;

#endif
