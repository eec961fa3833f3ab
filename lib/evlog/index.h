/*
 * The index of a sealed segment (docs/log-format.md, 10): which of its blocks have events of which
 * topics, where each block begins, and the segment's hash. Derived from the segment and nothing
 * else, so the same segment always gives the same bytes. Private to evlog; keeps no state.
 */
#ifndef LD_EVLOG_INDEX_H
#define LD_EVLOG_INDEX_H

#include "topics.h"
#include "walk.h"

#define INDEX_MAGIC     0x3158444cu /* "LDX1" */
#define INDEX_VERSION   1u
#define INDEX_SUFFIX    ".ldidx"
#define INDEX_BYTES_MAX (UINT64_C(2) << 20)
#define BLOCK_BYTES_MIN UINT64_C(65536)

struct index_block {
    struct position at;
    int64_t time_us; /* of its first event */
};

/* What the log knows of a sealed segment, and so its index must say. */
struct index_of {
    uint8_t id[EVLOG_ID_SIZE];
    uint64_t number, base, last;
};

struct segment_index {
    struct index_of of;
    struct position tail;                   /* the last event */
    uint64_t end;                           /* behind it */
    uint32_t first_checksum, last_checksum; /* of the first and the last event's header */
    int64_t last_time_us;
    uint8_t hash[EVLOG_HASH_SIZE]; /* of bytes [0, end) */
    uint32_t block_count, topic_count;
    uint8_t *bytes; /* the file; owned */
    size_t size;
};

/* The path of a segment's index. */
void index_path(char path[SEGMENT_PATH_SIZE], const char *directory, uint64_t number);
bool index_is_name(const char *name); /* of an index, or of one that is being made */

/* Walks a sealed segment and makes its index; checks every byte on the way. LD_CORRUPT when the
 * segment is not what of says, LD_CANCELLED when stop says so, LD_NOMEM, LD_IO. */
int index_make(const struct ld_context *context, const char *directory, const struct index_of *of,
               segment_stop_fn *stop, void *data, struct segment_index *index,
               struct ld_error *error) LD_MUST_USE;
/* Puts it beside the segment. Not synced: an index that a power cut damages is made again. */
int index_write(const struct ld_context *context, const char *directory,
                const struct segment_index *index, struct ld_error *error) LD_MUST_USE;
/* Reads and checks it against the segment's own first and last event. LD_NOTFOUND: there is none;
 * LD_CORRUPT: it is damaged or of another segment, which is no damage to the log; LD_NOMEM, LD_IO.
 */
int index_read(const struct ld_context *context, const char *directory, const struct index_of *of,
               struct segment_index *index, struct ld_error *error) LD_MUST_USE;
void index_discard(struct segment_index *index);

struct index_block index_get_block(const struct segment_index *index, uint32_t i);
/* The block that has sequence (base <= sequence <= last). */
uint32_t index_block_of(const struct segment_index *index, uint64_t sequence);
/* The last block that begins before time_us, 0 if none does. */
uint32_t index_block_before(const struct segment_index *index, int64_t time_us);
/* Joins into blocks the bits of those that may have what the filter matches. */
void index_select(const struct segment_index *index, const char *filter, size_t filter_size,
                  uint8_t blocks[BLOCK_BITMAP_BYTES]);

#endif
