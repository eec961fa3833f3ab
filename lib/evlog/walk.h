/*
 * Walking a segment file from its beginning, record by record, with both checksums, and hashing the
 * bytes on the way: for work beside the log (indexes, the chain, archives). Reads in pieces, so
 * that a segment never counts as the process's memory. Private to evlog; keeps no state beside its
 * own.
 */
#ifndef LD_EVLOG_WALK_H
#define LD_EVLOG_WALK_H

#include <sodium.h>
#include "extent.h"
#include "pack.h"

struct segment_walk {
    struct segment_header header;
    struct position next; /* of the record that follows */
    /* private */
    const struct ld_context *context;
    int fd; /* -1 when it is packed */
    struct unpacker unpacker;
    uint8_t *buffer;
    uint64_t buffer_offset; /* of its first byte in the file */
    size_t fill, hashed;    /* bytes read into it, and of these hashed */
    crypto_generichash_state hash;
};

/* Opens segment number and reads its header. LD_CORRUPT also if it is not in use, LD_VERSION,
 * LD_NOTFOUND, LD_NOMEM, LD_IO. Nothing to close when it fails. */
int walk_open(struct segment_walk *walk, const struct ld_context *context, const char *directory,
              uint64_t number, struct ld_error *error) LD_MUST_USE;
/* The same for a packed segment of an archive. */
int walk_open_packed(struct segment_walk *walk, const struct ld_context *context,
                     const char *archive, uint64_t number, struct ld_error *error) LD_MUST_USE;
void walk_close(struct segment_walk *walk);

/* The next record, checked; borrowed until the next call. LD_CORRUPT if it is not the one due. */
int walk_next(struct segment_walk *walk, struct ld_record *record,
              struct ld_error *error) LD_MUST_USE;

/* Hash of the file's bytes from its beginning up to the last record walked. Call it once. */
void walk_hash(struct segment_walk *walk, uint8_t hash[EVLOG_HASH_SIZE]);

#endif
