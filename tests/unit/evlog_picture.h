/*
 * Pictures of a log's directory, to be changed and put back, and what a log opened on one must do.
 */
#ifndef LIANDONG_EVLOG_PICTURE_H
#define LIANDONG_EVLOG_PICTURE_H

#include "evlog_world.h"
#include "evlog/segment.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define FILES_MAX    16u
#define SECTOR       512u

/* ---- pictures of a directory ---- */

struct file {
    char name[64];
    uint8_t *bytes;
    size_t size;
};

struct picture {
    struct file files[FILES_MAX];
    size_t count;
};

static inline void read_file(struct file *file, const char *path)
{
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    fseek(stream, 0, SEEK_END);
    file->size = (size_t)ftell(stream);
    rewind(stream);
    file->bytes = malloc(file->size + 1);
    assert_int_equal(fread(file->bytes, 1, file->size, stream), file->size);
    fclose(stream);
}

static inline struct picture *picture_take(const struct world *world)
{
    char path[2 * WORLD_PATH_SIZE];
    struct picture *picture = calloc(1, sizeof *picture);
    DIR *directory = opendir(world->directory);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        if (entry->d_name[0] == '.')
            continue;
        assert_true(picture->count < FILES_MAX);
        struct file *file = &picture->files[picture->count++];
        snprintf(file->name, sizeof file->name, "%.63s", entry->d_name);
        world_path(world, path, file->name);
        read_file(file, path);
    }
    closedir(directory);
    return picture;
}

static inline void picture_free(struct picture *picture)
{
    for (size_t i = 0; i < picture->count; i++)
        free(picture->files[i].bytes);
    free(picture);
}

static inline void write_file(const struct world *world, const char *name, const uint8_t *bytes,
                              size_t size)
{
    char path[2 * WORLD_PATH_SIZE];
    world_path(world, path, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

static inline void picture_put(const struct world *world, const struct picture *picture)
{
    world_empty_directory(world);
    for (size_t i = 0; i < picture->count; i++)
        write_file(world, picture->files[i].name, picture->files[i].bytes, picture->files[i].size);
}

static inline struct file *picture_segment(struct picture *picture, uint64_t number)
{
    char name[32];
    segment_file(name, number);
    for (size_t i = 0; i < picture->count; i++) {
        if (strcmp(picture->files[i].name, name) == 0)
            return &picture->files[i];
    }
    fail_msg("no %s", name);
    return NULL;
}

/* Where the record with a sequence begins, and its size; sequence behind the last: the end. */
static inline size_t record_at(const struct file *file, uint64_t sequence, size_t *size)
{
    size_t offset = WORLD_HEADER_BYTES;
    struct ld_record record;
    *size = 0;
    while (ld_record_decode(file->bytes + offset, file->size - offset, &record, NULL) == LD_OK) {
        *size = record.size;
        if (record.sequence == sequence)
            break;
        offset += record.size;
    }
    return offset;
}

/* ---- expectations ---- */

/* The log opens, has all up to head, goes on, and opens again. */
static inline void expect_opens(struct world *world, uint64_t head, bool torn)
{
    world_open(world);
    assert_int_equal(evlog_durable(world->log), head);
    if (torn)
        assert_true(world->recovery.torn_bytes > 0);
    else
        assert_int_equal(world->recovery.torn_bytes, 0);
    world_read_all(world, 1, 30000);
    world_append(world, 77, 3);
    uint64_t grown = evlog_durable(world->log);
    world_close(world);
    world_open(world);
    assert_int_equal(world->recovery.torn_bytes, 0);
    assert_int_equal(evlog_durable(world->log), grown);
    world_read_all(world, 1, 30000);
    world_close(world);
    assert_ok(evlog_verify(&world->context, world->directory, NULL, NULL, NULL, &test_error));
}

static inline void expect_unchanged(const struct world *world, const struct picture *before)
{
    struct picture *after = picture_take(world);
    assert_int_equal(after->count, before->count);
    for (size_t i = 0; i < after->count; i++) {
        const struct file *left = &after->files[i];
        size_t k = 0;
        while (k < before->count && strcmp(before->files[k].name, left->name) != 0)
            k++;
        assert_true(k < before->count);
        assert_int_equal(left->size, before->files[k].size);
        assert_memory_equal(left->bytes, before->files[k].bytes, left->size);
    }
    picture_free(after);
}

/* The log refuses, changes nothing, and the text has all of segment, word and tool. */
static inline void expect_refuses(struct world *world, int code, uint64_t segment, const char *word)
{
    char name[32];
    struct picture *before = picture_take(world);
    int found = world_try_open(world);
    if (found == LD_OK)
        world_close(world);
    assert_int_equal(found, code);
    segment_file(name, segment);
    if (!strstr(test_error.text, name) || !strstr(test_error.text, word))
        fail_msg("expected %s and \"%s\" in: %s", name, word, test_error.text);
    if (code == LD_CORRUPT) {
        assert_non_null(strstr(test_error.text, "liandong log verify"));
        assert_non_null(strstr(test_error.text, "liandong log repair"));
    }
    expect_unchanged(world, before);
    picture_free(before);
}

/* ---- the world ---- */

/* Three segments in use, one commit per event, closed cleanly unless crashed. */
static inline struct picture *grown_log(struct world *world, bool crashed)
{
    struct picture *picture = NULL;
    struct evlog_stats stats = {0};
    world_empty_directory(world);
    world_open(world);
    while (stats.segments_created < 2) {
        world_append(world, 1, 1);
        evlog_get_stats(world->log, &stats);
    }
    for (size_t i = 0; i < 10; i++)
        world_append(world, 1, 1);
    if (crashed)
        picture = picture_take(world);
    world_close(world);
    return picture ? picture : picture_take(world);
}

static inline uint64_t head_of(struct world *world, const struct picture *picture)
{
    picture_put(world, picture);
    world_open(world);
    uint64_t head = evlog_durable(world->log);
    world_close(world);
    return head;
}

static inline void flip(struct file *file, size_t offset)
{
    file->bytes[offset] ^= 0x10;
}

static inline struct file prepared_segment(struct picture *picture, uint64_t number)
{
    struct segment_header header;
    struct file file = {.size = WORLD_SEGMENT_BYTES};
    assert_ok(segment_header_decode(picture_segment(picture, 1)->bytes, &header, &test_error));
    header.number = number;
    header.base = 0;
    file.bytes = calloc(1, file.size);
    segment_header_encode(file.bytes, &header);
    segment_file(file.name, number);
    return file;
}

static inline void remove_segment(const struct world *world, uint64_t number)
{
    char path[2 * WORLD_PATH_SIZE], name[32];
    segment_file(name, number);
    world_path(world, path, name);
    assert_int_equal(unlink(path), 0);
}

#endif
