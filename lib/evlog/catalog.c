/*
 * The catalog of segment files.
 *
 * Happy path: list, sort by number, read each header block. A header that cannot be used is an
 * entry in state BAD with its reason, not a failure: what follows from it is decided by the caller.
 * Failures are those of the disk and of memory.
 */
#include "catalog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct catalog *catalog)
{
    if (catalog->count < catalog->capacity)
        return true;
    size_t capacity = catalog->capacity ? 2 * catalog->capacity : 64;
    struct catalog_entry *grown = realloc(catalog->entries, capacity * sizeof *grown);
    if (!grown)
        return false;
    catalog->entries = grown;
    catalog->capacity = capacity;
    return true;
}

static int add_name(const char *name, void *data)
{
    struct catalog *catalog = data;
    uint64_t number = segment_number_of(name);
    catalog->temporary_count += segment_is_temporary(name);
    if (number == 0)
        return 0;
    catalog->out_of_memory = !reserve(catalog);
    if (catalog->out_of_memory)
        return 1;
    catalog->entries[catalog->count++] = (struct catalog_entry){.number = number};
    return 0;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = ((const struct catalog_entry *)left)->number;
    uint64_t b = ((const struct catalog_entry *)right)->number;
    return (a > b) - (a < b);
}

static void mark_bad(struct catalog_entry *entry, int code, const char *reason)
{
    entry->state = HEADER_BAD;
    entry->code = code;
    snprintf(entry->reason, sizeof entry->reason, "%.150s", reason);
}

static void judge_header(struct catalog_entry *entry, const uint8_t *block)
{
    struct ld_error why = {0};
    int code = segment_header_decode(block, &entry->header, &why);
    if (code == LD_OK && entry->header.number != entry->number)
        code = ld_fail(&why, LD_CORRUPT, "the file holds segment %" PRIu64, entry->header.number);
    if (code == LD_OK && entry->header.size_bytes != entry->file_bytes)
        code = ld_fail(&why, LD_CORRUPT, "the file has %" PRIu64 " bytes, its header says %" PRIu64,
                       entry->file_bytes, entry->header.size_bytes);
    if (code != LD_OK)
        mark_bad(entry, code, why.text);
    else
        entry->state = entry->header.base > 0 ? HEADER_IN_USE : HEADER_PREPARED;
}

static int read_header(const struct ld_context *context, int fd, struct catalog_entry *entry,
                       struct ld_error *error)
{
    uint8_t block[SEGMENT_HEADER_SIZE] = {0};
    size_t size_read = 0;
    int code = disk_size(context, fd, &entry->file_bytes, error);
    if (code == LD_OK)
        code = disk_read(context, fd, 0, block, sizeof block, &size_read, error);
    if (code != LD_OK)
        return code;
    if (size_read < sizeof block)
        mark_bad(entry, LD_CORRUPT, "the file is shorter than a segment header");
    else
        judge_header(entry, block);
    return LD_OK;
}

static int read_entry(const struct ld_context *context, const char *directory,
                      struct catalog_entry *entry, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    int fd;
    segment_path(path, directory, entry->number);
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    code = read_header(context, fd, entry, error);
    disk_close(context, fd);
    return code == LD_OK ? code : ld_wrap(error, code, "%s", path);
}

int catalog_read(const struct ld_context *context, const char *directory, struct catalog *catalog,
                 struct ld_error *error)
{
    *catalog = (struct catalog){0};
    int code = disk_list(context, directory, add_name, catalog, error);
    if (code == LD_OK && catalog->out_of_memory)
        code = ld_fail(error, LD_NOMEM, "no memory for the list of log segments");
    if (code != LD_OK)
        return code;
    if (catalog->count > 0)
        qsort(catalog->entries, catalog->count, sizeof *catalog->entries, by_number);
    for (size_t i = 0; i < catalog->count && code == LD_OK; i++)
        code = read_entry(context, directory, &catalog->entries[i], error);
    if (code == LD_OK)
        code = archived_read(context, directory, &catalog->archived, &catalog->archived_why, error);
    return code == LD_OK ? mark_read(context, directory, &catalog->mark, error) : code;
}

/* The mark's sequence if it belongs to the log that the first entry belongs to, else 0. */
static uint64_t mark_of(const struct catalog *catalog)
{
    const struct catalog_entry *first = catalog->entries;
    bool ours = catalog->count > 0 && first->state != HEADER_BAD &&
                memcmp(first->header.id, catalog->mark.id, EVLOG_ID_SIZE) == 0;
    return ours ? catalog->mark.durable : 0;
}

void catalog_free(struct catalog *catalog)
{
    free(catalog->entries);
    archived_free(&catalog->archived);
    *catalog = (struct catalog){0};
}

size_t catalog_used(const struct catalog *catalog)
{
    size_t count = catalog->count;
    while (count > 0 && catalog->entries[count - 1].state != HEADER_IN_USE)
        count--;
    return count;
}

uint64_t catalog_mark_at(const struct catalog *catalog, size_t i)
{
    size_t used = catalog_used(catalog);
    bool bad_above = used < catalog->count && catalog->entries[used].state == HEADER_BAD;
    return i + 1 == (bad_above ? used + 1 : used) ? mark_of(catalog) : 0;
}

uint64_t catalog_next_base(const struct catalog *catalog, size_t i)
{
    const struct catalog_entry *entry = &catalog->entries[i];
    bool known = i + 1 < catalog->count && entry[1].state == HEADER_IN_USE &&
                 entry[1].number == entry->number + 1;
    return known ? entry[1].header.base : 0;
}

static int check_chain(const struct catalog_entry *entry, const struct catalog_entry *before,
                       struct ld_error *error)
{
    const struct segment_header *header = &entry->header;
    if (memcmp(header->id, before->header.id, EVLOG_ID_SIZE) != 0)
        return ld_fail(error, LD_CORRUPT, "the file belongs to another log");
    if (header->drill != before->header.drill)
        return ld_fail(error, LD_CORRUPT, "a drill's segment in an actual log, or the reverse");
    if (header->base <= before->header.base)
        return ld_fail(error, LD_CORRUPT,
                       "base sequence %" PRIu64 " after %" PRIu64 " in the segment before",
                       header->base, before->header.base);
    return LD_OK;
}

/* The first one that is here: are all before it archived, and of this log? */
static int check_first(const struct catalog *catalog, struct ld_error *error)
{
    const struct catalog_entry *first = &catalog->entries[0];
    const struct archived *archived = &catalog->archived;
    if (first->number > 1) {
        const struct archived_entry *before = archived_find(archived, first->number - 1);
        if (!before)
            return ld_fail(error, LD_CORRUPT, "segment %" PRIu64 " is missing: %.200s",
                           first->number - 1,
                           archived->count > 0 ? "it is not among those archived"
                                               : catalog->archived_why.text);
        if (first->state == HEADER_IN_USE &&
            (memcmp(first->header.id, archived->id, EVLOG_ID_SIZE) != 0 ||
             first->header.base != before->link.last + 1))
            return ld_fail(error, LD_CORRUPT,
                           "begins with sequence %" PRIu64 ", but what is archived before it ends "
                           "with %" PRIu64 ", or is of another log",
                           first->header.base, before->link.last);
    }
    if (first->number == 1 && first->state == HEADER_IN_USE && first->header.base != 1)
        return ld_fail(error, LD_CORRUPT, "the first segment begins with sequence %" PRIu64,
                       first->header.base);
    return LD_OK;
}

int catalog_check(const struct catalog *catalog, size_t i, struct ld_error *error)
{
    const struct catalog_entry *entry = &catalog->entries[i];
    const struct catalog_entry *before = i > 0 ? entry - 1 : NULL;
    if (before && entry->number != before->number + 1)
        return ld_fail(error, LD_CORRUPT, "segment %" PRIu64 " is missing", before->number + 1);
    if (!before) {
        int code = check_first(catalog, error);
        if (code != LD_OK)
            return code;
    }
    if (entry->state == HEADER_BAD)
        return ld_fail(error, entry->code, "%s", entry->reason);
    if (decide_header(entry->state) != RECOVERY_USE)
        return ld_fail(error, LD_CORRUPT, "marked as not in use, but a later segment is in use");
    if (!before ||
        before->state == HEADER_BAD) /* beside one that cannot be read nothing is known */
        return LD_OK;
    return check_chain(entry, before, error);
}

int catalog_check_spare(const struct catalog_entry *entry, const struct catalog_entry *before,
                        struct ld_error *error)
{
    if (!before || before->code == LD_VERSION)
        return ld_fail(error, LD_CORRUPT, "no segment before it is in use");
    if (entry->number != before->number + 1)
        return ld_fail(error, LD_CORRUPT, "segment %" PRIu64 " is missing", before->number + 1);
    if (entry->state == HEADER_BAD)
        return entry->code == LD_VERSION ? ld_fail(error, LD_VERSION, "%s", entry->reason) : LD_OK;
    if (before->state != HEADER_BAD &&
        memcmp(entry->header.id, before->header.id, EVLOG_ID_SIZE) != 0)
        return ld_fail(error, LD_CORRUPT, "the file belongs to another log");
    return LD_OK;
}
