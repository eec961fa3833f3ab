/*
 * A walk reads the file through one buffer of two largest records: what is left of the last piece
 * goes to its beginning, the next piece behind it. What has been walked over is hashed before it
 * leaves the buffer.
 */
#include "walk.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (2 * (size_t)LD_RECORD_SIZE_MAX)

static size_t at(const struct segment_walk *walk)
{
    return (size_t)(walk->next.offset - walk->buffer_offset);
}

static void hash_walked(struct segment_walk *walk)
{
    crypto_generichash_update(&walk->hash, walk->buffer + walk->hashed, at(walk) - walk->hashed);
    walk->hashed = at(walk);
}

/* The file's bytes from offset on, which is where the last read ended. */
static int read_on(struct segment_walk *walk, uint64_t offset, uint8_t *data, size_t size,
                   size_t *size_read, struct ld_error *error)
{
    if (walk->fd >= 0)
        return disk_read(walk->context, walk->fd, offset, data, size, size_read, error);
    return unpack_read(&walk->unpacker, data, size, size_read, error);
}

/* Makes the whole next record available, if the file has it. */
static int fill(struct segment_walk *walk, struct ld_error *error)
{
    size_t walked = at(walk), size_read;
    if (walk->fill - walked >= LD_RECORD_SIZE_MAX)
        return LD_OK;
    hash_walked(walk);
    walk->fill -= walked;
    memmove(walk->buffer, walk->buffer + walked, walk->fill);
    walk->buffer_offset += walked;
    walk->hashed = 0;
    int code = read_on(walk, walk->buffer_offset + walk->fill, walk->buffer + walk->fill,
                       BUFFER_BYTES - walk->fill, &size_read, error);
    walk->fill += code == LD_OK ? size_read : 0;
    return code;
}

/* The source is open: the buffer, the hash, the header. */
static int begin(struct segment_walk *walk, uint64_t number, struct ld_error *error)
{
    walk->buffer = malloc(BUFFER_BYTES);
    if (!walk->buffer)
        return ld_fail(error, LD_NOMEM, "no memory to read a segment");
    crypto_generichash_init(&walk->hash, NULL, 0, EVLOG_HASH_SIZE);
    int code = read_on(walk, 0, walk->buffer, BUFFER_BYTES, &walk->fill, error);
    if (code == LD_OK && walk->fill < SEGMENT_HEADER_SIZE)
        return ld_fail(error, LD_CORRUPT, "the file is shorter than a segment header");
    if (code == LD_OK)
        code = segment_header_in_use(walk->buffer, number, &walk->header, error);
    walk->next = (struct position){.sequence = walk->header.base, .offset = SEGMENT_HEADER_SIZE};
    return code;
}

int walk_open(struct segment_walk *walk, const struct ld_context *context, const char *directory,
              uint64_t number, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    *walk = (struct segment_walk){.context = context};
    segment_path(path, directory, number);
    int code = disk_open(context, path, LD_OPEN_READ, &walk->fd, error);
    if (code != LD_OK)
        return code;
    code = begin(walk, number, error);
    if (code != LD_OK)
        walk_close(walk);
    return code;
}

int walk_open_packed(struct segment_walk *walk, const struct ld_context *context,
                     const char *archive, uint64_t number, struct ld_error *error)
{
    *walk = (struct segment_walk){.context = context, .fd = -1};
    int code = unpack_open(&walk->unpacker, context, archive, number, error);
    if (code != LD_OK)
        return code;
    code = begin(walk, number, error);
    if (code != LD_OK)
        walk_close(walk);
    return code;
}

void walk_close(struct segment_walk *walk)
{
    if (walk->fd >= 0)
        disk_close(walk->context, walk->fd);
    else
        unpack_close(&walk->unpacker);
    free(walk->buffer);
}

int walk_next(struct segment_walk *walk, struct ld_record *record, struct ld_error *error)
{
    int code = fill(walk, error);
    if (code != LD_OK)
        return code;
    size_t left = walk->fill - at(walk);
    if (left < LD_RECORD_HEADER_SIZE)
        return ld_fail(error, LD_CORRUPT, "the segment ends at offset %" PRIu64, walk->next.offset);
    code = ld_record_decode(walk->buffer + at(walk), left, record, error);
    if (code == LD_OK)
        code = ld_record_check(record, error);
    if (code != LD_OK)
        return ld_wrap(error, LD_CORRUPT, "offset %" PRIu64, walk->next.offset);
    if (record->sequence != walk->next.sequence)
        return ld_fail(error, LD_CORRUPT, "offset %" PRIu64 " has sequence %" PRIu64,
                       walk->next.offset, record->sequence);
    walk->next.sequence++;
    walk->next.offset += record->size;
    return LD_OK;
}

void walk_hash(struct segment_walk *walk, uint8_t hash[EVLOG_HASH_SIZE])
{
    hash_walked(walk);
    crypto_generichash_final(&walk->hash, hash, EVLOG_HASH_SIZE);
}
