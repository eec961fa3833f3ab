/*
 * The list of archived segments as one small file, always written whole under another name first:
 * a power cut leaves the one before or the one after. Read, it is believed when its checksum holds
 * and its segments follow each other from 1 on.
 */
#include "archived.h"

#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "whole.h"

#define ARCHIVED_MAGIC   0x3141444cu /* "LDA1" */
#define ARCHIVED_VERSION 1u

enum {
    AT_MAGIC = 0,
    AT_CHECKSUM = 4,
    AT_VERSION = 8,
    AT_COUNT = 12,
    AT_ID = 16,
    HEAD_SIZE = 64,
    ENTRY_SIZE = 128,
    AT_NUMBER = 0,
    AT_BASE = 8,
    AT_LAST = 16,
    AT_SIZE = 24,
    AT_END = 32,
    AT_PACKED = 40,
    AT_FIRST_TIME = 48,
    AT_LAST_TIME = 56,
    AT_HASH = 64
};

void archived_free(struct archived *archived)
{
    free(archived->entries);
    *archived = (struct archived){0};
}

bool archived_add(struct archived *archived, const struct archived_entry *entry)
{
    if (archived->count == archived->capacity) {
        size_t capacity = archived->capacity ? 2 * archived->capacity : 16;
        struct archived_entry *grown = realloc(archived->entries, capacity * sizeof *grown);
        if (!grown)
            return false;
        archived->entries = grown;
        archived->capacity = capacity;
    }
    archived->entries[archived->count++] = *entry;
    return true;
}

const struct archived_entry *archived_find(const struct archived *archived, uint64_t number)
{
    return number >= 1 && number <= archived->count ? &archived->entries[number - 1] : NULL;
}

/* ---- reading ---- */

static int damaged(struct ld_error *why, const char *what)
{
    return ld_fail(why, LD_CORRUPT, "the list of archived segments (%s) is damaged: %s",
                   ARCHIVED_FILE_NAME, what);
}

static void decode_entry(const uint8_t *bytes, struct archived_entry *entry)
{
    *entry = (struct archived_entry){
        .link = {.number = ld_get_u64(bytes + AT_NUMBER),
                 .base = ld_get_u64(bytes + AT_BASE),
                 .last = ld_get_u64(bytes + AT_LAST)},
        .size_bytes = ld_get_u64(bytes + AT_SIZE),
        .end = ld_get_u64(bytes + AT_END),
        .packed_bytes = ld_get_u64(bytes + AT_PACKED),
        .first_time_us = (int64_t)ld_get_u64(bytes + AT_FIRST_TIME),
        .last_time_us = (int64_t)ld_get_u64(bytes + AT_LAST_TIME),
    };
    memcpy(entry->link.hash, bytes + AT_HASH, EVLOG_HASH_SIZE);
}

static bool follows(const struct archived *archived, const struct archived_entry *entry)
{
    uint64_t base = archived->count > 0 ? archived->entries[archived->count - 1].link.last + 1 : 1;
    return entry->link.number == archived->count + 1 && entry->link.base == base &&
           entry->link.last >= base && entry->size_bytes >= SEGMENT_BYTES_MIN &&
           entry->size_bytes <= SEGMENT_BYTES_MAX && entry->end > SEGMENT_HEADER_SIZE &&
           entry->end <= entry->size_bytes;
}

static int decode(const uint8_t *bytes, size_t size, struct archived *archived,
                  struct ld_error *why)
{
    if (size < HEAD_SIZE || ld_get_u32(bytes + AT_MAGIC) != ARCHIVED_MAGIC ||
        ld_get_u32(bytes + AT_CHECKSUM) != ld_crc32c(0, bytes + AT_VERSION, size - AT_VERSION))
        return damaged(why, "its checksum");
    if (ld_get_u32(bytes + AT_VERSION) != ARCHIVED_VERSION)
        return damaged(why, "its version");
    uint32_t count = ld_get_u32(bytes + AT_COUNT);
    if (size != HEAD_SIZE + (size_t)count * ENTRY_SIZE)
        return damaged(why, "its size");
    memcpy(archived->id, bytes + AT_ID, EVLOG_ID_SIZE);
    for (uint32_t i = 0; i < count; i++) {
        struct archived_entry entry;
        decode_entry(bytes + HEAD_SIZE + (size_t)i * ENTRY_SIZE, &entry);
        if (!follows(archived, &entry))
            return damaged(why, "the order of its segments");
        if (!archived_add(archived, &entry))
            return LD_NOMEM;
    }
    return LD_OK;
}

int archived_read(const struct ld_context *context, const char *directory,
                  struct archived *archived, struct ld_error *why, struct ld_error *error)
{
    const uint64_t size_max = HEAD_SIZE + (uint64_t)ARCHIVED_ENTRIES_MAX * ENTRY_SIZE;
    uint8_t *bytes;
    size_t size;
    *archived = (struct archived){0};
    int code = whole_read(context, directory, ARCHIVED_FILE_NAME, size_max, &bytes, &size, error);
    if (code == LD_NOTFOUND) {
        (void)ld_fail(why, LD_NOTFOUND, "nothing says that it was archived");
        return LD_OK;
    }
    if (code == LD_OK && decode(bytes, size, archived, why) != LD_OK)
        archived_free(archived);
    free(bytes);
    return code;
}

/* ---- writing ---- */

static void encode_entry(uint8_t *bytes, const struct archived_entry *entry)
{
    ld_put_u64(bytes + AT_NUMBER, entry->link.number);
    ld_put_u64(bytes + AT_BASE, entry->link.base);
    ld_put_u64(bytes + AT_LAST, entry->link.last);
    ld_put_u64(bytes + AT_SIZE, entry->size_bytes);
    ld_put_u64(bytes + AT_END, entry->end);
    ld_put_u64(bytes + AT_PACKED, entry->packed_bytes);
    ld_put_u64(bytes + AT_FIRST_TIME, (uint64_t)entry->first_time_us);
    ld_put_u64(bytes + AT_LAST_TIME, (uint64_t)entry->last_time_us);
    memcpy(bytes + AT_HASH, entry->link.hash, EVLOG_HASH_SIZE);
}

static uint8_t *encode(const struct archived *archived, size_t *size)
{
    *size = HEAD_SIZE + archived->count * ENTRY_SIZE;
    uint8_t *bytes = calloc(1, *size);
    if (!bytes)
        return NULL;
    ld_put_u32(bytes + AT_MAGIC, ARCHIVED_MAGIC);
    ld_put_u32(bytes + AT_VERSION, ARCHIVED_VERSION);
    ld_put_u32(bytes + AT_COUNT, (uint32_t)archived->count);
    memcpy(bytes + AT_ID, archived->id, EVLOG_ID_SIZE);
    for (size_t i = 0; i < archived->count; i++)
        encode_entry(bytes + HEAD_SIZE + i * ENTRY_SIZE, &archived->entries[i]);
    ld_put_u32(bytes + AT_CHECKSUM, ld_crc32c(0, bytes + AT_VERSION, *size - AT_VERSION));
    return bytes;
}

int archived_write(const struct ld_context *context, const char *directory,
                   const struct archived *archived, struct ld_error *error)
{
    size_t size;
    uint8_t *bytes = encode(archived, &size);
    if (!bytes)
        return ld_fail(error, LD_NOMEM, "no memory for the list of archived segments");
    int code = whole_write(context, directory, ARCHIVED_FILE_NAME, bytes, size, error);
    free(bytes);
    return code;
}
