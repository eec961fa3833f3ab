/*
 * An index as bytes: written whole, read whole, believed only when every part of it fits.
 *
 * Happy path of reading: size, checksum, the segment it speaks of, then each table inside the file,
 * then the segment's own first and last header, which no two histories of a log share. Whatever
 * fails is LD_CORRUPT, and the caller goes on without an index.
 */
#include "index.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

enum {
    AT_MAGIC = 0,
    AT_CHECKSUM = 4,
    AT_VERSION = 8,
    AT_BLOCKS = 12,
    AT_ID = 16,
    AT_NUMBER = 32,
    AT_BASE = 40,
    AT_LAST = 48,
    AT_TAIL = 56,
    AT_END = 64,
    AT_FIRST_CHECKSUM = 72,
    AT_LAST_CHECKSUM = 76,
    AT_LAST_TIME = 80,
    AT_TOPICS = 88,
    AT_TEXT_BYTES = 92,
    AT_HASH = 96,
    HEAD_SIZE = 128,
    BLOCK_SIZE = 24,
    TOPIC_SIZE = 8,
    RECORD_CHECKSUM_AT = 4
};

void index_path(char path[SEGMENT_PATH_SIZE], const char *directory, uint64_t number)
{
    int size = snprintf(path, SEGMENT_PATH_SIZE, "%s/%016" PRIu64 INDEX_SUFFIX, directory, number);
    assert(size > 0 && (size_t)size < SEGMENT_PATH_SIZE);
    (void)size;
}

void index_discard(struct segment_index *index)
{
    free(index->bytes);
    *index = (struct segment_index){0};
}

/* ---- the layout ---- */

static size_t bitmap_bytes(uint32_t blocks)
{
    return (blocks + 7) / 8;
}

static size_t file_size(uint32_t blocks, uint32_t topics, uint32_t text_bytes)
{
    return HEAD_SIZE + (size_t)blocks * BLOCK_SIZE +
           (size_t)topics * (TOPIC_SIZE + bitmap_bytes(blocks)) + text_bytes;
}

static const uint8_t *topics_at(const struct segment_index *index)
{
    return index->bytes + HEAD_SIZE + (size_t)index->block_count * BLOCK_SIZE;
}

static const uint8_t *bitmaps_at(const struct segment_index *index)
{
    return topics_at(index) + (size_t)index->topic_count * TOPIC_SIZE;
}

static const char *texts_at(const struct segment_index *index)
{
    return (const char *)bitmaps_at(index) +
           (size_t)index->topic_count * bitmap_bytes(index->block_count);
}

static uint32_t checksum(const struct segment_index *index)
{
    return ld_crc32c(0, index->bytes + AT_VERSION, index->size - AT_VERSION);
}

/* ---- making ---- */

struct making {
    struct segment_index *index;
    struct topics topics;
    struct index_block blocks[BLOCKS_MAX];
    uint64_t block_bytes;
    size_t text_bytes, texts_done;
    uint32_t topics_done;
};

static void note_record(struct making *making, struct position at, const struct ld_record *record)
{
    struct segment_index *index = making->index;
    uint32_t count = index->block_count;
    uint32_t header_checksum =
        ld_get_u32((const uint8_t *)record->topic - LD_RECORD_HEADER_SIZE + RECORD_CHECKSUM_AT);
    if (count == 0)
        index->first_checksum = header_checksum;
    if (count == 0 || at.offset >= making->blocks[count - 1].at.offset + making->block_bytes) {
        assert(count < BLOCKS_MAX);
        making->blocks[count] = (struct index_block){.at = at, .time_us = record->time_us};
        index->block_count++;
    }
    index->last_checksum = header_checksum;
    index->last_time_us = record->time_us;
    index->tail = at;
}

static int walk_all(struct making *making, struct segment_walk *walk, segment_stop_fn *stop,
                    void *data, struct ld_error *error)
{
    const struct index_of *of = &making->index->of;
    uint64_t asked_at = walk->next.offset;
    while (walk->next.sequence <= of->last) {
        struct position at = walk->next;
        struct ld_record record;
        int code = walk_next(walk, &record, error);
        if (code != LD_OK)
            return code;
        note_record(making, at, &record);
        if (!topics_set(&making->topics, record.topic, record.topic_size,
                        making->index->block_count - 1))
            return ld_fail(error, LD_NOMEM, "no memory for a segment's topics");
        if (at.offset - asked_at < BLOCK_BYTES_MIN)
            continue;
        asked_at = at.offset;
        if (stop && stop(data))
            return ld_fail(error, LD_CANCELLED, "closing");
    }
    making->index->end = walk->next.offset;
    walk_hash(walk, making->index->hash);
    return LD_OK;
}

static void count_topic(const char *text, size_t size, const uint8_t *bitmap, void *data)
{
    struct making *making = data;
    (void)text, (void)bitmap;
    making->text_bytes += size;
    making->index->topic_count++;
}

static void put_topic(const char *text, size_t size, const uint8_t *bitmap, void *data)
{
    struct making *making = data;
    struct segment_index *index = making->index;
    uint8_t *bytes = index->bytes;
    size_t map_bytes = bitmap_bytes(index->block_count);
    size_t entry = (size_t)(topics_at(index) - bytes) + making->topics_done * TOPIC_SIZE;
    size_t map = (size_t)(bitmaps_at(index) - bytes) + making->topics_done * map_bytes;
    size_t texts = (size_t)((const uint8_t *)texts_at(index) - bytes);
    ld_put_u32(bytes + entry, (uint32_t)making->texts_done);
    ld_put_u32(bytes + entry + 4, (uint32_t)size);
    memcpy(bytes + map, bitmap, map_bytes);
    if (size > 0)
        memcpy(bytes + texts + making->texts_done, text, size);
    making->texts_done += size;
    making->topics_done++;
}

static void put_head(const struct making *making)
{
    const struct segment_index *index = making->index;
    uint8_t *bytes = index->bytes;
    ld_put_u32(bytes + AT_MAGIC, INDEX_MAGIC);
    ld_put_u32(bytes + AT_VERSION, INDEX_VERSION);
    ld_put_u32(bytes + AT_BLOCKS, index->block_count);
    memcpy(bytes + AT_ID, index->of.id, EVLOG_ID_SIZE);
    ld_put_u64(bytes + AT_NUMBER, index->of.number);
    ld_put_u64(bytes + AT_BASE, index->of.base);
    ld_put_u64(bytes + AT_LAST, index->of.last);
    ld_put_u64(bytes + AT_TAIL, index->tail.offset);
    ld_put_u64(bytes + AT_END, index->end);
    ld_put_u32(bytes + AT_FIRST_CHECKSUM, index->first_checksum);
    ld_put_u32(bytes + AT_LAST_CHECKSUM, index->last_checksum);
    ld_put_u64(bytes + AT_LAST_TIME, (uint64_t)index->last_time_us);
    ld_put_u32(bytes + AT_TOPICS, index->topic_count);
    ld_put_u32(bytes + AT_TEXT_BYTES, (uint32_t)making->text_bytes);
    memcpy(bytes + AT_HASH, index->hash, EVLOG_HASH_SIZE);
}

static int encode(struct making *making, struct ld_error *error)
{
    struct segment_index *index = making->index;
    topics_each(&making->topics, count_topic, making);
    index->size = file_size(index->block_count, index->topic_count, (uint32_t)making->text_bytes);
    index->bytes = calloc(1, index->size);
    if (!index->bytes)
        return ld_fail(error, LD_NOMEM, "no memory for a segment's index");
    put_head(making);
    for (uint32_t i = 0; i < index->block_count; i++) {
        uint8_t *block = index->bytes + HEAD_SIZE + (size_t)i * BLOCK_SIZE;
        ld_put_u64(block, making->blocks[i].at.sequence);
        ld_put_u64(block + 8, making->blocks[i].at.offset);
        ld_put_u64(block + 16, (uint64_t)making->blocks[i].time_us);
    }
    topics_each(&making->topics, put_topic, making);
    ld_put_u32(index->bytes + AT_CHECKSUM, checksum(index));
    return LD_OK;
}

static int make_from(struct making *making, struct segment_walk *walk, segment_stop_fn *stop,
                     void *data, struct ld_error *error)
{
    const struct index_of *of = &making->index->of;
    if (memcmp(walk->header.id, of->id, EVLOG_ID_SIZE) != 0 || walk->header.base != of->base)
        return ld_fail(error, LD_CORRUPT, "the segment is not the one that is known");
    uint64_t step = walk->header.size_bytes / BLOCKS_MAX + LD_RECORD_ALIGN;
    making->block_bytes = step > BLOCK_BYTES_MIN ? step : BLOCK_BYTES_MIN;
    int code = walk_all(making, walk, stop, data, error);
    return code == LD_OK ? encode(making, error) : code;
}

int index_make(const struct ld_context *context, const char *directory, const struct index_of *of,
               segment_stop_fn *stop, void *data, struct segment_index *index,
               struct ld_error *error)
{
    struct segment_walk walk;
    *index = (struct segment_index){.of = *of};
    struct making *making = calloc(1, sizeof *making);
    if (!making)
        return ld_fail(error, LD_NOMEM, "no memory for a segment's index");
    making->index = index;
    int code = walk_open(&walk, context, directory, of->number, error);
    if (code != LD_OK)
        goto free_making;
    code = make_from(making, &walk, stop, data, error);
    walk_close(&walk);
    topics_free(&making->topics);
free_making:
    free(making);
    if (code != LD_OK)
        index_discard(index);
    return code;
}

int index_write(const struct ld_context *context, const char *directory,
                const struct segment_index *index, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE], temporary[SEGMENT_PATH_SIZE + sizeof ".tmp"];
    int fd;
    index_path(path, directory, index->of.number);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    (void)disk_remove(context, temporary, NULL); /* of an attempt that could not clean up */
    int code = disk_open(context, temporary, LD_OPEN_CREATE, &fd, error);
    if (code != LD_OK)
        return code;
    code = disk_write(context, fd, 0, index->bytes, index->size, error);
    disk_close(context, fd);
    if (code == LD_OK)
        code = disk_rename(context, temporary, path, error);
    if (code != LD_OK)
        (void)disk_remove(context, temporary, NULL);
    return code;
}

/* ---- reading ---- */

static int wrong(struct ld_error *error, const char *what)
{
    return ld_fail(error, LD_CORRUPT, "not this segment's index: %s", what);
}

static int read_file(const struct ld_context *context, const char *path,
                     struct segment_index *index, struct ld_error *error)
{
    uint64_t size;
    size_t size_read = 0;
    int fd;
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    code = disk_size(context, fd, &size, error);
    if (code == LD_OK && (size < HEAD_SIZE || size > INDEX_BYTES_MAX))
        code = wrong(error, "its size");
    if (code == LD_OK && !(index->bytes = malloc((size_t)size)))
        code = ld_fail(error, LD_NOMEM, "no memory for a segment's index");
    if (code == LD_OK)
        code = disk_read(context, fd, 0, index->bytes, (size_t)size, &size_read, error);
    if (code == LD_OK && size_read != size)
        code = wrong(error, "its size");
    index->size = size_read;
    disk_close(context, fd);
    return code;
}

static int decode_head(struct segment_index *index, struct ld_error *error)
{
    const uint8_t *bytes = index->bytes;
    if (ld_get_u32(bytes + AT_MAGIC) != INDEX_MAGIC ||
        ld_get_u32(bytes + AT_CHECKSUM) != checksum(index))
        return wrong(error, "its checksum");
    if (ld_get_u32(bytes + AT_VERSION) != INDEX_VERSION)
        return wrong(error, "its version");
    if (memcmp(bytes + AT_ID, index->of.id, EVLOG_ID_SIZE) != 0 ||
        ld_get_u64(bytes + AT_NUMBER) != index->of.number ||
        ld_get_u64(bytes + AT_BASE) != index->of.base ||
        ld_get_u64(bytes + AT_LAST) != index->of.last)
        return wrong(error, "of another segment");
    index->tail.sequence = index->of.last;
    index->tail.offset = ld_get_u64(bytes + AT_TAIL);
    index->end = ld_get_u64(bytes + AT_END);
    index->first_checksum = ld_get_u32(bytes + AT_FIRST_CHECKSUM);
    index->last_checksum = ld_get_u32(bytes + AT_LAST_CHECKSUM);
    index->last_time_us = (int64_t)ld_get_u64(bytes + AT_LAST_TIME);
    index->block_count = ld_get_u32(bytes + AT_BLOCKS);
    index->topic_count = ld_get_u32(bytes + AT_TOPICS);
    memcpy(index->hash, bytes + AT_HASH, EVLOG_HASH_SIZE);
    return LD_OK;
}

static int check_blocks(const struct segment_index *index, struct ld_error *error)
{
    struct index_block before = index_get_block(index, 0);
    if (before.at.sequence != index->of.base || before.at.offset != SEGMENT_HEADER_SIZE)
        return wrong(error, "its first block");
    for (uint32_t i = 1; i < index->block_count; i++) {
        struct index_block block = index_get_block(index, i);
        if (block.at.sequence <= before.at.sequence || block.at.offset <= before.at.offset ||
            block.time_us < before.time_us)
            return wrong(error, "the order of its blocks");
        before = block;
    }
    if (before.at.sequence > index->of.last || before.at.offset > index->tail.offset ||
        index->end <= index->tail.offset)
        return wrong(error, "its last block");
    return LD_OK;
}

static int check_topics(const struct segment_index *index, uint32_t text_bytes,
                        struct ld_error *error)
{
    for (uint32_t i = 0; i < index->topic_count; i++) {
        uint32_t at = ld_get_u32(topics_at(index) + (size_t)i * TOPIC_SIZE);
        uint32_t size = ld_get_u32(topics_at(index) + (size_t)i * TOPIC_SIZE + 4);
        if (size > LD_TOPIC_SIZE_MAX || at > text_bytes || size > text_bytes - at)
            return wrong(error, "its topics");
    }
    return LD_OK;
}

static int check_tables(const struct segment_index *index, struct ld_error *error)
{
    uint32_t text_bytes = ld_get_u32(index->bytes + AT_TEXT_BYTES);
    if (index->block_count < 1 || index->block_count > BLOCKS_MAX ||
        index->topic_count > TOPIC_ENTRIES_MAX || text_bytes > INDEX_BYTES_MAX ||
        file_size(index->block_count, index->topic_count, text_bytes) != index->size)
        return wrong(error, "its tables");
    int code = check_blocks(index, error);
    return code == LD_OK ? check_topics(index, text_bytes, error) : code;
}

/* Is the header at that place the one that the index was made from? */
static int check_event(const struct ld_context *context, int fd, struct position at,
                       uint32_t expected, struct ld_error *error)
{
    uint8_t raw[LD_RECORD_HEADER_SIZE] = {0};
    size_t size_read;
    int code = disk_read(context, fd, at.offset, raw, sizeof raw, &size_read, error);
    if (code != LD_OK)
        return code;
    if (size_read < sizeof raw || ld_get_u32(raw) != LD_RECORD_MAGIC ||
        ld_get_u32(raw + RECORD_CHECKSUM_AT) != expected)
        return wrong(error, "the segment's events are others");
    return LD_OK;
}

static int check_segment(const struct ld_context *context, const char *directory,
                         const struct segment_index *index, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    int fd;
    segment_path(path, directory, index->of.number);
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code != LD_OK)
        return code;
    struct position first = {.sequence = index->of.base, .offset = SEGMENT_HEADER_SIZE};
    code = check_event(context, fd, first, index->first_checksum, error);
    if (code == LD_OK)
        code = check_event(context, fd, index->tail, index->last_checksum, error);
    disk_close(context, fd);
    return code;
}

int index_read(const struct ld_context *context, const char *directory, const struct index_of *of,
               struct segment_index *index, struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    *index = (struct segment_index){.of = *of};
    index_path(path, directory, of->number);
    int code = read_file(context, path, index, error);
    if (code == LD_OK)
        code = decode_head(index, error);
    if (code == LD_OK)
        code = check_tables(index, error);
    if (code == LD_OK)
        code = check_segment(context, directory, index, error);
    if (code != LD_OK)
        index_discard(index);
    return code;
}

/* ---- asking ---- */

struct index_block index_get_block(const struct segment_index *index, uint32_t i)
{
    const uint8_t *block = index->bytes + HEAD_SIZE + (size_t)i * BLOCK_SIZE;
    return (struct index_block){
        .at = {.sequence = ld_get_u64(block), .offset = ld_get_u64(block + 8)},
        .time_us = (int64_t)ld_get_u64(block + 16)};
}

uint32_t index_block_of(const struct segment_index *index, uint64_t sequence)
{
    uint32_t low = 0, high = index->block_count; /* blocks before low begin at or before it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index_get_block(index, middle).at.sequence <= sequence)
            low = middle + 1;
        else
            high = middle;
    }
    assert(low > 0);
    return low - 1;
}

uint32_t index_block_before(const struct segment_index *index, int64_t time_us)
{
    uint32_t low = 0, high = index->block_count; /* blocks before low begin before it */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index_get_block(index, middle).time_us < time_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? low - 1 : 0;
}

void index_select(const struct segment_index *index, const char *filter, size_t filter_size,
                  uint8_t blocks[BLOCK_BITMAP_BYTES])
{
    size_t map_bytes = bitmap_bytes(index->block_count);
    for (uint32_t i = 0; i < index->topic_count; i++) {
        const uint8_t *topic = topics_at(index) + (size_t)i * TOPIC_SIZE;
        const char *text = texts_at(index) + ld_get_u32(topic);
        if (!topics_filter_reaches(filter, filter_size, text, ld_get_u32(topic + 4)))
            continue;
        for (size_t byte = 0; byte < map_bytes; byte++)
            blocks[byte] |= bitmaps_at(index)[(size_t)i * map_bytes + byte];
    }
}
