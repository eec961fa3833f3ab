/*
 * Producer positions in a hash table, and checkpoints.
 *
 * A checkpoint is the table as one or more ordinary records with topic sys/checkpoint, at the
 * beginning of each segment but the first, so that recovery reads the last segment only. Ids are
 * hashes already, so the table takes them as they are. When memory ends nothing changes and the
 * event is refused.
 */
#include "producers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

#define HASH_NONFATAL_OOM                    1
#define HASH_FUNCTION(key, size, hash_value) ((hash_value) = fold_id(key))
static unsigned fold_id(const void *key);
#include <uthash.h>

struct producer {
    uint64_t id;
    struct evlog_position position;
    UT_hash_handle hh;
};

/* Of a checkpoint's entries. */
enum { ENTRY_SIZE_1 = 16, ENTRY_CHECKSUM_KNOWN = 1 };

static unsigned fold_id(const void *key)
{
    uint64_t id;
    memcpy(&id, key, sizeof id);
    return (unsigned)(id ^ (id >> 32));
}

static struct producer *find(const struct producers *producers, uint64_t id)
{
    struct producer *found;
    if (producers->latest && producers->latest->id == id)
        return producers->latest;
    HASH_FIND(hh, producers->table, &id, sizeof id, found);
    return found;
}

struct evlog_position producers_get(const struct producers *producers, uint64_t id)
{
    const struct producer *found = find(producers, id);
    return found ? found->position : (struct evlog_position){0};
}

size_t producers_count(const struct producers *producers)
{
    return HASH_COUNT(producers->table);
}

static struct producer *add(struct producers *producers, uint64_t id)
{
    struct producer *added = calloc(1, sizeof *added);
    if (!added)
        return NULL;
    added->id = id;
    HASH_ADD(hh, producers->table, id, sizeof added->id, added);
    if (!added->hh.tbl) { /* uthash found no memory and left it out */
        free(added);
        return NULL;
    }
    return added;
}

bool producers_raise(struct producers *producers, uint64_t id, struct evlog_position position)
{
    if (id == 0)
        return true;
    struct producer *found = find(producers, id);
    if (!found)
        found = add(producers, id);
    if (!found)
        return false;
    if (position.sequence > found->position.sequence)
        found->position = position;
    producers->latest = found;
    return true;
}

void producers_free(struct producers *producers)
{
    struct producer *each, *next;
    HASH_ITER(hh, producers->table, each, next)
    {
        HASH_DEL(producers->table, each);
        free(each);
    }
    *producers = (struct producers){0};
}

void producers_each(const struct producers *producers, producers_each_fn *each, void *data)
{
    for (const struct producer *at = producers->table; at; at = at->hh.next)
        each(at->id, at->position.sequence, data);
}

/* ---- checkpoints ---- */

static const char TOPIC[] = EVLOG_TOPIC_CHECKPOINT;
enum { TOPIC_SIZE = sizeof TOPIC - 1 };

static size_t record_size_of(size_t entries)
{
    return ld_record_size(TOPIC_SIZE, CHECKPOINT_HEAD_SIZE + entries * CHECKPOINT_ENTRY_SIZE);
}

static size_t next_part(size_t remaining)
{
    return remaining < CHECKPOINT_ENTRIES_MAX ? remaining : CHECKPOINT_ENTRIES_MAX;
}

size_t checkpoint_size(size_t entries)
{
    size_t full = entries / CHECKPOINT_ENTRIES_MAX;
    size_t rest = entries % CHECKPOINT_ENTRIES_MAX;
    size_t size = full * record_size_of(CHECKPOINT_ENTRIES_MAX);
    return rest > 0 || full == 0 ? size + record_size_of(rest) : size;
}

/* Writes one part's payload in place, behind where header and topic will be; returns the entry
 * that the next part begins with. */
static const struct producer *put_entries(uint8_t *payload, size_t count, size_t remaining,
                                          const struct producer *from)
{
    ld_put_u32(payload, CHECKPOINT_VERSION);
    ld_put_u32(payload + 4, (uint32_t)count);
    ld_put_u64(payload + 8, remaining);
    uint8_t *entry = payload + CHECKPOINT_HEAD_SIZE;
    for (size_t i = 0; i < count; i++, entry += CHECKPOINT_ENTRY_SIZE, from = from->hh.next) {
        ld_put_u64(entry, from->id);
        ld_put_u64(entry + 8, from->position.sequence);
        ld_put_u32(entry + 16, from->position.checksum);
        ld_put_u32(entry + 20, from->position.checksum_known ? ENTRY_CHECKSUM_KNOWN : 0);
    }
    return from;
}

/* ld_record_encode with the payload already in place (copying it onto itself is not allowed). */
static void encode_around(uint8_t *raw, size_t entries)
{
    uint8_t *body = raw + LD_RECORD_HEADER_SIZE;
    size_t payload_size = CHECKPOINT_HEAD_SIZE + entries * CHECKPOINT_ENTRY_SIZE;
    size_t size = record_size_of(entries);
    memset(raw, 0, LD_RECORD_HEADER_SIZE);
    memcpy(body, TOPIC, TOPIC_SIZE);
    memset(body + TOPIC_SIZE + payload_size, 0,
           size - LD_RECORD_HEADER_SIZE - TOPIC_SIZE - payload_size);
    ld_put_u32(raw, LD_RECORD_MAGIC);
    ld_put_u32(raw + 8, ld_crc32c(0, body, TOPIC_SIZE + payload_size));
    ld_put_u32(raw + 12, (uint32_t)size);
    ld_put_u32(raw + 16, (uint32_t)payload_size);
    ld_put_u16(raw + 20, TOPIC_SIZE);
}

void checkpoint_encode(const struct producers *producers, uint8_t *raw, checkpoint_record_fn *each,
                       void *data)
{
    size_t remaining = producers_count(producers);
    const struct producer *from = producers->table;
    do {
        size_t count = next_part(remaining);
        remaining -= count;
        from = put_entries(raw + LD_RECORD_HEADER_SIZE + TOPIC_SIZE, count, remaining, from);
        encode_around(raw, count);
        each(raw, record_size_of(count), data);
        raw += record_size_of(count);
    } while (remaining > 0);
}

bool checkpoint_is(const struct ld_record *record)
{
    return record->producer == 0 && record->topic_size == TOPIC_SIZE &&
           memcmp(record->topic, TOPIC, TOPIC_SIZE) == 0;
}

static int read_head(const struct ld_record *record, struct checkpoint_part *part,
                     size_t *entry_size, struct ld_error *error)
{
    if (record->payload_size < CHECKPOINT_HEAD_SIZE)
        return ld_fail(error, LD_CORRUPT, "checkpoint of %u bytes is too short",
                       record->payload_size);
    uint32_t version = ld_get_u32(record->payload);
    if (version < 1 || version > CHECKPOINT_VERSION)
        return ld_fail(error, LD_VERSION, "checkpoint version %u, this program knows 1 to %u",
                       version, CHECKPOINT_VERSION);
    if (version == 1)
        *entry_size = ENTRY_SIZE_1;
    part->entries = ld_get_u32(record->payload + 4);
    part->remaining = ld_get_u64(record->payload + 8);
    uint64_t expected = CHECKPOINT_HEAD_SIZE + (uint64_t)part->entries * *entry_size;
    if (record->payload_size != expected)
        return ld_fail(error, LD_CORRUPT, "checkpoint of %u entries in %u bytes, needs %" PRIu64,
                       part->entries, record->payload_size, expected);
    return LD_OK;
}

static struct evlog_position read_position(const uint8_t *entry, size_t entry_size)
{
    struct evlog_position position = {.sequence = ld_get_u64(entry + 8)};
    if (entry_size == ENTRY_SIZE_1)
        return position;
    position.checksum = ld_get_u32(entry + 16);
    position.checksum_known = ld_get_u32(entry + 20) == ENTRY_CHECKSUM_KNOWN;
    return position;
}

int checkpoint_apply(const struct ld_record *record, struct producers *producers,
                     struct checkpoint_part *part, struct ld_error *error)
{
    size_t entry_size = CHECKPOINT_ENTRY_SIZE;
    int code = read_head(record, part, &entry_size, error);
    if (code != LD_OK)
        return code;
    const uint8_t *entry = record->payload + CHECKPOINT_HEAD_SIZE;
    for (uint32_t i = 0; i < part->entries; i++, entry += entry_size) {
        if (!producers_raise(producers, ld_get_u64(entry), read_position(entry, entry_size)))
            return ld_fail(error, LD_NOMEM, "no memory for %zu producers",
                           producers_count(producers));
    }
    return LD_OK;
}
