/*
 * The catalog: the segment files of a directory and what their headers say. Private to evlog;
 * used by recovery and by the offline tools.
 */
#ifndef LD_EVLOG_CATALOG_H
#define LD_EVLOG_CATALOG_H

#include "archived.h"
#include "decide.h"
#include "mark.h"
#include "segment.h"

struct catalog_entry {
    uint64_t number; /* as in the file's name */
    uint64_t file_bytes;
    enum header_state state;
    struct segment_header header; /* unless BAD */
    int code;                     /* LD_VERSION, LD_CORRUPT; LD_OK unless BAD */
    char reason[160];             /* why it is BAD */
};

struct catalog {
    struct catalog_entry *entries; /* by number */
    size_t count, capacity;
    struct mark mark;
    struct archived archived;
    struct ld_error archived_why; /* why nothing is archived, if nothing is */
    size_t temporary_count;       /* left by a crash while a segment was being made */
    bool out_of_memory;
};

/* Lists directory, reads every header and the mark. Free with catalog_free also when it fails. */
int catalog_read(const struct ld_context *context, const char *directory, struct catalog *catalog,
                 struct ld_error *error) LD_MUST_USE;
void catalog_free(struct catalog *catalog);

/* The mark as it bears on entry i: on the end of the last one in use, or, if the segment above that
 * has a bad header, on that one; 0 on all others. */
uint64_t catalog_mark_at(const struct catalog *catalog, size_t i);
/* How many entries there are up to and including the last one in use. */
size_t catalog_used(const struct catalog *catalog);
/* The base of the segment in use that follows entry i, 0 if it is missing, bad, or there is none.
 */
uint64_t catalog_next_base(const struct catalog *catalog, size_t i);
/* What is wrong with entry i beside its predecessor, in the part that is in use; the first is
 * segment 1, or all before it are archived. LD_OK, LD_VERSION or LD_CORRUPT with the reason. */
int catalog_check(const struct catalog *catalog, size_t i, struct ld_error *error) LD_MUST_USE;
/* The same for an entry above the last one in use; before is NULL if none is in use. */
int catalog_check_spare(const struct catalog_entry *entry, const struct catalog_entry *before,
                        struct ld_error *error) LD_MUST_USE;

#endif
