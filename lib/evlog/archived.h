/*
 * What was archived: the file `archived` of a log's directory, with a copy in the archive. It makes
 * the difference between a segment that was moved away and one that is missing
 * (docs/log-format.md, 12). Private to evlog; keeps no state.
 */
#ifndef LD_EVLOG_ARCHIVED_H
#define LD_EVLOG_ARCHIVED_H

#include "segment.h"

#define ARCHIVED_FILE_NAME   "archived"
#define ARCHIVED_ENTRIES_MAX (1u << 20)

struct archived_entry {
    struct evlog_link link;
    uint64_t size_bytes;   /* of the segment file */
    uint64_t end;          /* behind its last event; the rest is zeros */
    uint64_t packed_bytes; /* of the compressed file */
    int64_t first_time_us, last_time_us;
};

/* Zero-initialise; archived_free ends. Entries: segments 1, 2, 3, … */
struct archived {
    uint8_t id[EVLOG_ID_SIZE];
    struct archived_entry *entries;
    size_t count, capacity;
};

/* LD_OK also when there is no file, or a damaged one: then no entries, and *why (may be NULL) says
 * so. LD_NOMEM, LD_IO. */
int archived_read(const struct ld_context *context, const char *directory,
                  struct archived *archived, struct ld_error *why,
                  struct ld_error *error) LD_MUST_USE;
/* Replaces the file: temporary name, sync, rename, directory sync. */
int archived_write(const struct ld_context *context, const char *directory,
                   const struct archived *archived, struct ld_error *error) LD_MUST_USE;
void archived_free(struct archived *archived);

/* False: no memory. */
bool archived_add(struct archived *archived, const struct archived_entry *entry);
/* NULL if that segment is not among them. */
const struct archived_entry *archived_find(const struct archived *archived, uint64_t number);

#endif
