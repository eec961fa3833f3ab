/*
 * Recovery on real files: what a power cut can leave of a commit, and damage of every kind at every
 * interesting place. A case is a set of files made from one or two pictures of a log's directory;
 * after each, the log opens with exactly what it must have, or refuses with the right words.
 */
#include "evlog_world.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include "evlog/decide.h"
#include "evlog/segment.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define FILES_MAX    16u
#define SECTOR       512u
#define PAGE         4096u

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

static void read_file(struct file *file, const char *path)
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

static struct picture *picture_take(const struct world *world)
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

static void picture_free(struct picture *picture)
{
    for (size_t i = 0; i < picture->count; i++)
        free(picture->files[i].bytes);
    free(picture);
}

static void write_file(const struct world *world, const char *name, const uint8_t *bytes,
                       size_t size)
{
    char path[2 * WORLD_PATH_SIZE];
    world_path(world, path, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    assert_int_equal(fclose(stream), 0);
}

static void picture_put(const struct world *world, const struct picture *picture)
{
    world_empty_directory(world);
    for (size_t i = 0; i < picture->count; i++)
        write_file(world, picture->files[i].name, picture->files[i].bytes, picture->files[i].size);
}

static struct file *picture_segment(struct picture *picture, uint64_t number)
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
static size_t record_at(const struct file *file, uint64_t sequence, size_t *size)
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
static void expect_opens(struct world *world, uint64_t head, bool torn)
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

static void expect_unchanged(const struct world *world, const struct picture *before)
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
static void expect_refuses(struct world *world, int code, uint64_t segment, const char *word)
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

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world_init(world);
    world->options.writer_thread = false;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    free(*state);
    return 0;
}

/* Three segments in use, one commit per event, closed cleanly unless crashed. */
static struct picture *grown_log(struct world *world, bool crashed)
{
    struct picture *picture = NULL;
    struct evlog_stats stats = {0};
    world_empty_directory(world);
    world_open(world);
    while (stats.segments_created < 2 || evlog_staged(world->log) % 10 != 0) {
        world_append(world, 1, 1);
        evlog_get_stats(world->log, &stats);
    }
    if (crashed)
        picture = picture_take(world);
    world_close(world);
    return picture ? picture : picture_take(world);
}

static uint64_t head_of(struct world *world, const struct picture *picture)
{
    picture_put(world, picture);
    world_open(world);
    uint64_t head = evlog_durable(world->log);
    world_close(world);
    return head;
}

/* ---- the tables ---- */

static void test_decision_tables(void **state)
{
    (void)state;
    assert_int_equal(decide_header(HEADER_IN_USE), RECOVERY_USE);
    assert_int_equal(decide_header(HEADER_PREPARED), RECOVERY_REFUSE);
    assert_int_equal(decide_header(HEADER_BAD), RECOVERY_REFUSE);
    for (int body = BODY_ZERO; body <= BODY_PROVEN; body++) {
        bool zero = body == BODY_ZERO, proven = body == BODY_PROVEN;
        enum body_state state_of_body = (enum body_state)body;
        assert_int_equal(decide_tail(true, state_of_body),
                         proven ? RECOVERY_REFUSE : (zero ? RECOVERY_USE : RECOVERY_CUT));
        assert_int_equal(decide_tail(false, state_of_body),
                         proven ? RECOVERY_REFUSE : RECOVERY_DROP);
        assert_int_equal(decide_sealed(true, state_of_body), zero ? RECOVERY_USE : RECOVERY_REFUSE);
        assert_int_equal(decide_sealed(false, state_of_body), RECOVERY_REFUSE);
        assert_int_equal(decide_spare(HEADER_PREPARED, state_of_body),
                         proven ? RECOVERY_REFUSE : (zero ? RECOVERY_USE : RECOVERY_DROP));
        assert_int_equal(decide_spare(HEADER_BAD, state_of_body),
                         zero ? RECOVERY_DROP : RECOVERY_REFUSE);
        assert_int_equal(decide_spare(HEADER_IN_USE, state_of_body), RECOVERY_REFUSE);
    }
}

/* ---- power cuts: parts of one commit reached the disk ---- */

struct cut {
    struct picture *before, *after;
    uint64_t durable, head; /* before and after the commit */
};

/* A log of `events` events, and a commit of `more`. */
static void cut_init(struct cut *cut, struct world *world, size_t events, size_t more)
{
    world_open(world);
    for (size_t i = 0; i < events; i++)
        world_append(world, 1, 1);
    cut->durable = evlog_durable(world->log);
    cut->before = picture_take(world);
    cut->head = world_append(world, 1, more);
    cut->after = picture_take(world);
    world_close(world);
}

static void cut_free(struct cut *cut)
{
    picture_free(cut->before);
    picture_free(cut->after);
}

/* The picture before with [begin, end) of a segment as after. */
static void persist(struct cut *cut, uint64_t segment, size_t begin, size_t end)
{
    memcpy(picture_segment(cut->before, segment)->bytes + begin,
           picture_segment(cut->after, segment)->bytes + begin, end - begin);
}

static void test_cut_after_every_byte(void **state)
{
    struct world *world = *state;
    struct cut cut;
    size_t size;
    cut_init(&cut, world, 5, 3);
    const struct file *file = picture_segment(cut.after, 1);
    size_t begin = record_at(file, cut.durable + 1, &size);
    size_t end = record_at(file, cut.head + 1, &size);
    uint64_t whole = cut.durable;
    for (size_t at = begin; at <= end; at++) {
        persist(&cut, 1, begin, at);
        if (at == end || (whole < cut.head && at == record_at(file, whole + 2, &size)))
            whole += whole < cut.head;
        picture_put(world, cut.before);
        world_open(world);
        /* padding may be cut away without loss */
        assert_in_range(evlog_durable(world->log), whole, whole + 1);
        uint64_t head = evlog_durable(world->log);
        world_close(world);
        if (at % 16 == 0 || at == end) {
            picture_put(world, cut.before);
            world_open(world);
            bool torn = world->recovery.torn_bytes > 0;
            world_close(world);
            picture_put(world, cut.before);
            expect_opens(world, head, torn);
        }
    }
    assert_int_equal(whole, cut.head);
    cut_free(&cut);
}

/* Any subset of the blocks that a commit wrote may have reached the disk. */
static void check_subsets(struct world *world, struct cut *cut, uint64_t segment, size_t begin,
                          size_t block_bytes, size_t blocks)
{
    struct file *file = picture_segment(cut->before, segment);
    uint8_t *original = malloc(file->size);
    memcpy(original, file->bytes, file->size);
    assert_true(blocks <= 8);
    for (unsigned subset = 0; subset < 1u << blocks; subset++) {
        memcpy(file->bytes, original, file->size);
        for (size_t i = 0; i < blocks; i++) {
            if (subset & (1u << i))
                persist(cut, segment, begin + i * block_bytes, begin + (i + 1) * block_bytes);
        }
        picture_put(world, cut->before);
        world_open(world);
        uint64_t head = evlog_durable(world->log);
        bool torn = world->recovery.torn_bytes > 0;
        assert_in_range(head, cut->durable, cut->head);
        assert_true(subset != (1u << blocks) - 1 || head == cut->head);
        world_close(world);
        picture_put(world, cut->before);
        expect_opens(world, head, torn);
    }
    memcpy(file->bytes, original, file->size);
    free(original);
}

static void test_cut_with_any_sectors(void **state)
{
    struct world *world = *state;
    struct cut cut;
    size_t size;
    cut_init(&cut, world, 5, 7);
    const struct file *file = picture_segment(cut.after, 1);
    size_t begin = record_at(file, cut.durable + 1, &size) / SECTOR * SECTOR;
    size_t end = record_at(file, cut.head + 1, &size);
    size_t blocks = (end - begin + SECTOR - 1) / SECTOR;
    check_subsets(world, &cut, 1, begin, SECTOR, blocks < 8 ? blocks : 8);
    cut_free(&cut);
}

static void test_cut_with_any_pages(void **state)
{
    struct world *world = *state;
    struct cut cut;
    size_t size;
    cut_init(&cut, world, 9, 60);
    const struct file *file = picture_segment(cut.after, 1);
    size_t begin = record_at(file, cut.durable + 1, &size) / PAGE * PAGE;
    size_t end = record_at(file, cut.head + 1, &size);
    check_subsets(world, &cut, 1, begin, PAGE, (end - begin + PAGE - 1) / PAGE);
    cut_free(&cut);
}

/* Appends until the next event needs a new segment; the commit of `more` begins with that. */
static void cut_init_at_roll(struct cut *cut, struct world *world, size_t more)
{
    uint64_t sequence;
    world_open(world);
    atomic_store(&world->free_bytes, 0); /* an event that needs a new segment is refused */
    while (world_try_stage(world, 1, &sequence) == LD_OK)
        assert_ok(evlog_commit(world->log, &test_error));
    atomic_store(&world->free_bytes, UINT64_C(1) << 30);
    cut->durable = evlog_durable(world->log);
    cut->head = world_append(world, 1, more);
    cut->after = picture_take(world);
    world_close(world);
    cut->before = picture_take(world); /* to be made what it was: the next segment prepared */
    struct segment_header header;
    struct file *next = picture_segment(cut->before, 2);
    assert_ok(segment_header_decode(next->bytes, &header, &test_error));
    header.base = 0;
    memset(next->bytes, 0, next->size);
    segment_header_encode(next->bytes, &header);
    for (size_t i = 0; i < cut->before->count; i++) {
        if (strcmp(cut->before->files[i].name, "lock") == 0)
            cut->before->files[i].size = 0; /* no mark after a crash */
    }
}

static void test_cut_while_rolling_over(void **state)
{
    struct world *world = *state;
    struct cut cut;
    size_t size;
    cut_init_at_roll(&cut, world, 5);
    const struct file *file = picture_segment(cut.after, 2);
    size_t end = record_at(file, cut.head + 1, &size);
    struct file *next = picture_segment(cut.before, 2);
    /* 0: the header's sector; the others: those of checkpoint and events */
    size_t sectors = (end - WORLD_HEADER_BYTES + SECTOR - 1) / SECTOR;
    uint8_t *original = malloc(next->size);
    memcpy(original, next->bytes, next->size);
    assert_in_range(sectors, 3, 7);
    for (unsigned subset = 0; subset < 2u << sectors; subset++) {
        memcpy(next->bytes, original, next->size);
        if (subset & 1)
            persist(&cut, 2, 0, SECTOR);
        for (size_t i = 0; i < sectors; i++) {
            size_t begin = WORLD_HEADER_BYTES + i * SECTOR;
            if (subset & (2u << i))
                persist(&cut, 2, begin, begin + SECTOR);
        }
        picture_put(world, cut.before);
        world_open(world);
        uint64_t head = evlog_durable(world->log);
        bool torn = world->recovery.torn_bytes > 0;
        assert_in_range(head, cut.durable, cut.head);
        assert_int_equal(evlog_producer(world->log, 1), head <= cut.durable ? head : head - 1);
        world_close(world);
        picture_put(world, cut.before);
        expect_opens(world, head, torn);
    }
    free(original);
    cut_free(&cut);
}

/* ---- damage at the end ---- */

static void flip(struct file *file, size_t offset)
{
    file->bytes[offset] ^= 0x10;
}

/* Bytes behind the payload up to the record's size are covered by no checksum and mean nothing. */
static size_t record_used(const struct file *file, size_t offset)
{
    return LD_RECORD_HEADER_SIZE + ld_get_u16(file->bytes + offset + 20) +
           ld_get_u32(file->bytes + offset + 16);
}

static void test_last_record_damaged_after_crash(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    uint64_t head = head_of(world, picture);
    struct file *file = picture_segment(picture, 3);
    size_t size, offset = record_at(file, head, &size);
    size_t used = record_used(file, offset);
    for (size_t i = 0; i < used; i++) {
        flip(file, offset + i);
        picture_put(world, picture);
        world_open(world); /* nothing proves that it was acknowledged */
        assert_int_equal(evlog_durable(world->log), head - 1);
        assert_int_equal(world->recovery.torn_bytes, used);
        world_close(world);
        flip(file, offset + i);
    }
    picture_free(picture);
}

static void test_last_record_damaged_after_close(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, false);
    uint64_t head = head_of(world, picture);
    struct file *file = picture_segment(picture, 3);
    size_t size, offset = record_at(file, head, &size);
    size_t used = record_used(file, offset);
    for (size_t i = 0; i < used; i++) {
        flip(file, offset + i);
        picture_put(world, picture);
        expect_refuses(world, LD_CORRUPT, 3, "proves it was durable");
        flip(file, offset + i);
    }
    memset(file->bytes + offset, 0, size); /* lost without a trace, but for the mark */
    picture_put(world, picture);
    expect_refuses(world, LD_CORRUPT, 3, "proves it was durable");
    picture_free(picture);
}

/* Each event was a commit of its own, so every later one proves the earlier ones durable. */
static void test_earlier_record_damaged(void **state)
{
    struct world *world = *state;
    char word[32];
    struct picture *picture = grown_log(world, true);
    uint64_t head = head_of(world, picture);
    struct file *file = picture_segment(picture, 3);
    for (uint64_t sequence = head - 1; sequence > head - 4; sequence--) {
        size_t size, offset = record_at(file, sequence, &size);
        size_t used = record_used(file, offset);
        for (size_t i = 0; i < used; i += 3) {
            flip(file, offset + i);
            picture_put(world, picture);
            snprintf(word, sizeof word, "sequence %llu:", (unsigned long long)sequence);
            expect_refuses(world, LD_CORRUPT, 3, word);
            flip(file, offset + i);
        }
    }
    size_t size, offset = record_at(file, head - 2, &size); /* a lost block */
    memset(file->bytes + offset, 0, size);
    picture_put(world, picture);
    expect_refuses(world, LD_CORRUPT, 3, "proves it was durable");
    picture_free(picture);
}

static void test_garbage_behind_the_end(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, false);
    uint64_t head = head_of(world, picture);
    struct file *file = picture_segment(picture, 3);
    size_t size, end = record_at(file, head + 1, &size);
    static const size_t DISTANCES[] = {0, 1, 8, 63, 64, 512, 4096, 20000};
    for (size_t i = 0; i < COUNT(DISTANCES); i++) {
        for (size_t k = 0; k < 40; k++)
            file->bytes[end + DISTANCES[i] + k] = (uint8_t)(k * 37 + 1);
        picture_put(world, picture);
        expect_opens(world, head, true);
        memset(file->bytes + end + DISTANCES[i], 0, 40);
    }
    memcpy(file->bytes + end, file->bytes + end - size, size); /* the last record again */
    picture_put(world, picture);
    expect_opens(world, head, true);
    picture_free(picture);
}

/* A record inside of an event's payload proves nothing. */
static void test_record_in_a_torn_payload(void **state)
{
    struct world *world = *state;
    struct event inner;
    uint8_t raw[EVENT_SIZE_MAX * 2];
    uint64_t sequence;
    world_open(world);
    world_append(world, 1, 3);
    event_make(&inner, 9, 1);
    ld_put_u64(inner.raw + 56, 3); /* a floor as the next commit's */
    ld_record_stamp(inner.raw, 5, world_now(world), 0);
    struct ld_record outer = {.topic = "t",
                              .topic_size = 1,
                              .payload = inner.raw,
                              .payload_size = (uint32_t)inner.size,
                              .producer = 8,
                              .producer_sequence = 1};
    assert_true(ld_record_size(1, inner.size) <= sizeof raw);
    ld_record_encode(raw, &outer);
    assert_ok(evlog_stage(world->log, raw, 0, 0, &sequence, &test_error));
    assert_ok(evlog_commit(world->log, &test_error));
    struct picture *picture = picture_take(world);
    world_close(world);
    struct file *file = picture_segment(picture, 1);
    size_t size, offset = record_at(file, 4, &size);
    flip(file, offset + size - 16);
    picture_put(world, picture);
    expect_opens(world, 3, true);
    picture_free(picture);
}

/* ---- damage in sealed segments ---- */

struct findings {
    char segment[64];
    uint64_t sequence;
    size_t count;
};

static void note_finding(const char *segment, uint64_t sequence, const char *text, void *data)
{
    struct findings *findings = data;
    assert_true(strlen(text) > 0);
    if (findings->count++ == 0) {
        snprintf(findings->segment, sizeof findings->segment, "%s", segment);
        findings->sequence = sequence;
    }
}

static void expect_findings(struct world *world, size_t count, uint64_t segment, uint64_t sequence)
{
    struct findings findings = {0};
    char name[32];
    int code =
        evlog_verify(&world->context, world->directory, note_finding, &findings, NULL, &test_error);
    assert_int_equal(code, LD_CORRUPT);
    segment_file(name, segment);
    assert_int_equal(findings.count, count);
    assert_string_equal(findings.segment, name);
    assert_int_equal(findings.sequence, sequence);
}

static void test_sealed_header_of_a_record_damaged(void **state)
{
    struct world *world = *state;
    char word[32], name[32];
    struct evlog_span span;
    struct picture *picture = grown_log(world, false);
    struct file *file = picture_segment(picture, 2);
    uint64_t base = ld_get_u64(file->bytes + WORLD_HEADER_BYTES + 24);
    size_t size, offset = record_at(file, base + 20, &size);
    for (size_t i = 0; i < LD_RECORD_HEADER_SIZE; i++) {
        flip(file, offset + i);
        picture_put(world, picture);
        world_open(world); /* sealed segments are read when they are needed */
        assert_ok(evlog_read(world->log, base, SIZE_MAX, &span, &test_error));
        assert_int_equal(span.last, base + 19); /* up to the damage */
        span_check(&span);
        evlog_span_release(&span);
        assert_int_equal(evlog_read(world->log, base + 20, 1, &span, &test_error), LD_CORRUPT);
        snprintf(word, sizeof word, "sequence %llu:", (unsigned long long)base + 20);
        segment_file(name, 2);
        assert_non_null(strstr(test_error.text, word));
        assert_non_null(strstr(test_error.text, name));
        assert_int_equal(evlog_read(world->log, base + 25, 1, &span, &test_error), LD_CORRUPT);
        world_append(world, 1, 1);
        world_close(world);
        expect_findings(world, 1, 2, base + 20);
        flip(file, offset + i);
    }
    picture_free(picture);
}

static void test_sealed_payload_damaged(void **state)
{
    struct world *world = *state;
    struct evlog_span span;
    struct ld_record record;
    struct picture *picture = grown_log(world, false);
    struct file *file = picture_segment(picture, 2);
    uint64_t base = ld_get_u64(file->bytes + WORLD_HEADER_BYTES + 24);
    size_t size, offset = record_at(file, base + 5, &size);
    flip(file, offset + LD_RECORD_HEADER_SIZE + 30);
    flip(file, record_at(file, base + 40, &size) + LD_RECORD_HEADER_SIZE);
    picture_put(world, picture);
    expect_findings(world, 2, 2, base + 5);
    world_open(world);
    assert_ok(evlog_read(world->log, base + 5, 1, &span, &test_error));
    assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
    assert_int_equal(ld_record_check(&record, &test_error), LD_CORRUPT); /* end to end */
    evlog_span_release(&span);
    world_close(world);
    picture_free(picture);
}

static void test_sealed_segment_cut_short(void **state)
{
    struct world *world = *state;
    struct evlog_span span;
    struct picture *picture = grown_log(world, false);
    struct file *file = picture_segment(picture, 2);
    uint64_t base = ld_get_u64(file->bytes + WORLD_HEADER_BYTES + 24);
    uint64_t next = ld_get_u64(picture_segment(picture, 3)->bytes + WORLD_HEADER_BYTES + 24);
    size_t size, offset = record_at(file, next - 1, &size);
    memset(file->bytes + offset, 0, size); /* the last event of a sealed segment */
    picture_put(world, picture);
    expect_findings(world, 1, 2, next - 1);
    world_open(world);
    assert_ok(evlog_read(world->log, base, SIZE_MAX, &span, &test_error));
    assert_int_equal(span.last, next - 2);
    evlog_span_release(&span);
    assert_int_equal(evlog_read(world->log, next - 1, 1, &span, &test_error), LD_CORRUPT);
    world_close(world);
    picture_free(picture);
}

/* ---- segment headers and files ---- */

static void test_every_header_byte(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    for (uint64_t number = 1; number <= 3; number++) {
        struct file *file = picture_segment(picture, number);
        for (size_t i = 0; i < SECTOR; i += i < 64 ? 1 : 29) {
            flip(file, i);
            picture_put(world, picture);
            expect_refuses(world, LD_CORRUPT, number, "segment");
            flip(file, i);
        }
    }
    picture_free(picture);
}

static void edit_header(struct file *file, void (*edit)(struct segment_header *header))
{
    struct segment_header header;
    assert_ok(segment_header_decode(file->bytes, &header, &test_error));
    edit(&header);
    segment_header_encode(file->bytes, &header);
}

static void edit_id(struct segment_header *header)
{
    header->id[3] ^= 1;
}

static void edit_drill(struct segment_header *header)
{
    header->drill = !header->drill;
}

static void edit_number(struct segment_header *header)
{
    header->number++;
}

static void edit_base_back(struct segment_header *header)
{
    header->base = 1;
}

static void edit_prepared(struct segment_header *header)
{
    header->base = 0;
}

static void edit_size(struct segment_header *header)
{
    header->size_bytes *= 2;
}

static void test_headers_that_do_not_fit(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    static const struct {
        uint64_t segment, named;
        void (*edit)(struct segment_header *header);
        const char *word;
    } CASES[] = {
        {2, 2, edit_id, "another log"},
        {3, 3, edit_id, "another log"},
        {1, 2, edit_id, "another log"},
        {2, 2, edit_drill, "drill"},
        {2, 2, edit_number, "holds segment 3"},
        {3, 3, edit_number, "holds segment 4"},
        {2, 2, edit_base_back, "base sequence"},
        {3, 3, edit_base_back, "base sequence"},
        {2, 2, edit_prepared, "not in use"},
        {3, 3, edit_prepared, "not in use"},
        {1, 1, edit_prepared, "not in use"},
        {2, 2, edit_size, "bytes"},
        {3, 3, edit_size, "bytes"},
    };
    for (size_t i = 0; i < COUNT(CASES); i++) {
        struct file *file = picture_segment(picture, CASES[i].segment);
        uint8_t header[SECTOR];
        memcpy(header, file->bytes, sizeof header);
        edit_header(file, CASES[i].edit);
        picture_put(world, picture);
        expect_refuses(world, LD_CORRUPT, CASES[i].named, CASES[i].word);
        memcpy(file->bytes, header, sizeof header);
    }
    picture_free(picture);
}

static void test_newer_version(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, false);
    for (uint64_t number = 1; number <= 3; number++) {
        struct file *file = picture_segment(picture, number);
        uint8_t header[SECTOR];
        memcpy(header, file->bytes, sizeof header);
        ld_put_u32(file->bytes + 8, 2);
        ld_put_u32(file->bytes + 4, ld_crc32c(0, file->bytes + 8, SECTOR - 8));
        picture_put(world, picture);
        expect_refuses(world, LD_VERSION, number, "version 2");
        memcpy(file->bytes, header, sizeof header);
    }
    picture_free(picture);
}

static void remove_segment(const struct world *world, uint64_t number)
{
    char path[2 * WORLD_PATH_SIZE], name[32];
    segment_file(name, number);
    world_path(world, path, name);
    assert_int_equal(unlink(path), 0);
}

static void test_missing_segments(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, false);
    picture_put(world, picture);
    remove_segment(world, 1);
    expect_refuses(world, LD_CORRUPT, 2, "segment 1 is missing");
    picture_put(world, picture);
    remove_segment(world, 2);
    expect_refuses(world, LD_CORRUPT, 3, "segment 2 is missing");
    picture_put(world, picture);
    remove_segment(world, 3); /* only the mark knows */
    expect_refuses(world, LD_CORRUPT, 2, "proves it was durable");
    picture_free(picture);
}

static void test_files_of_wrong_size(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    static const size_t SIZES[] = {0, 1, 511, 512, 4095, 4096, 4097, 30000, 65535, 65537, 70000};
    for (uint64_t number = 1; number <= 3; number++) {
        struct file *file = picture_segment(picture, number);
        uint8_t *grown = calloc(1, 70000);
        memcpy(grown, file->bytes, file->size);
        for (size_t i = 0; i < COUNT(SIZES); i++) {
            picture_put(world, picture);
            write_file(world, file->name, grown, SIZES[i]);
            expect_refuses(world, LD_CORRUPT, number, "file");
        }
        free(grown);
    }
    picture_free(picture);
}

static void test_duplicate_and_foreign_segments(void **state)
{
    struct world *world = *state;
    struct picture *other = grown_log(world, false);
    struct picture *picture = grown_log(world, false);
    struct file *file = picture_segment(picture, 2);
    picture_put(world, picture);
    write_file(world, "0000000000000004.ldlog", file->bytes, file->size);
    expect_refuses(world, LD_CORRUPT, 4, "holds segment 2");
    picture_put(world, picture);
    write_file(world, "0000000000000009.ldlog", file->bytes, file->size);
    expect_refuses(world, LD_CORRUPT, 9, "missing");
    for (uint64_t number = 1; number <= 3; number++) {
        file = picture_segment(other, number);
        picture_put(world, picture);
        write_file(world, file->name, file->bytes, file->size);
        expect_refuses(world, LD_CORRUPT, number == 1 ? 2 : number, "another log");
    }
    picture_put(world, picture);
    write_file(world, "readme.txt", file->bytes, 10); /* nobody's business */
    write_file(world, "12.ldlog", file->bytes, 10);
    world_open(world);
    world_close(world);
    picture_free(picture);
    picture_free(other);
}

/* ---- segments that are not in use yet ---- */

static struct file prepared_segment(struct picture *picture, uint64_t number)
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

static void test_half_prepared_segments(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    uint64_t head = head_of(world, picture);
    static const size_t SIZES[] = {0, 100, 4096, 30000, WORLD_SEGMENT_BYTES};
    struct file file = prepared_segment(picture, 4);
    for (size_t i = 0; i < COUNT(SIZES); i++) {
        picture_put(world, picture);
        write_file(world, "0000000000000004.ldlog.tmp", file.bytes, SIZES[i]);
        world_open(world);
        assert_false(world_has_file(world, "0000000000000004.ldlog.tmp"));
        world_close(world);
        picture_put(world, picture);
        write_file(world, "0000000000000004.ldlog.tmp", file.bytes, SIZES[i]);
        expect_opens(world, head, false);
    }
    free(file.bytes);
    picture_free(picture);
}

static void test_prepared_segments(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    uint64_t head = head_of(world, picture);
    struct file four = prepared_segment(picture, 4), five = prepared_segment(picture, 5);
    picture_put(world, picture);
    write_file(world, four.name, four.bytes, four.size);
    expect_opens(world, head, false);
    assert_true(world_has_file(world, four.name)); /* reused */
    picture_put(world, picture);
    write_file(world, four.name, four.bytes, four.size);
    write_file(world, five.name, five.bytes, five.size);
    expect_opens(world, head, false);
    assert_false(world_has_file(world, five.name));
    picture_put(world, picture);
    write_file(world, five.name, five.bytes, five.size);
    expect_refuses(world, LD_CORRUPT, 5, "segment 4 is missing");
    four.bytes[9000] = 1; /* of a first commit whose header did not reach the disk */
    picture_put(world, picture);
    write_file(world, four.name, four.bytes, four.size);
    expect_opens(world, head, true);
    four.bytes[9000] = 0;
    flip(&four, 100);
    picture_put(world, picture);
    write_file(world, four.name, four.bytes, four.size);
    expect_opens(world, head, false);
    four.bytes[9000] = 1;
    picture_put(world, picture);
    write_file(world, four.name, four.bytes, four.size);
    expect_refuses(world, LD_CORRUPT, 4, "not empty");
    free(four.bytes);
    free(five.bytes);
    picture_free(picture);
}

static void test_only_a_prepared_segment(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    struct file one = prepared_segment(picture, 1);
    world_empty_directory(world);
    write_file(world, one.name, one.bytes, one.size);
    write_file(world, "lock", one.bytes, 0);
    expect_refuses(world, LD_CORRUPT, 1, "in use");
    free(one.bytes);
    picture_free(picture);
}

static void test_damaged_checkpoint(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    struct file *file = picture_segment(picture, 3);
    static const size_t OFFSETS[] = {0, 5, 30, 64, 80, 100};
    for (size_t i = 0; i < COUNT(OFFSETS); i++) {
        flip(file, WORLD_HEADER_BYTES + OFFSETS[i]);
        picture_put(world, picture);
        expect_refuses(world, LD_CORRUPT, 3, "proves it was durable");
        flip(file, WORLD_HEADER_BYTES + OFFSETS[i]);
    }
    picture_free(picture);
}

/* ---- the mark ---- */

static void test_mark_is_only_a_bound(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, false);
    uint64_t head = head_of(world, picture);
    static const uint8_t garbage[600] = {1, 2, 3};
    picture_put(world, picture);
    write_file(world, "lock", garbage, 0);
    expect_opens(world, head, false);
    picture_put(world, picture);
    write_file(world, "lock", garbage, sizeof garbage);
    expect_opens(world, head, false);
    picture_free(picture);
}

/* ---- read-only and verify ---- */

static void test_read_only_changes_nothing(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, true);
    uint64_t head = head_of(world, picture);
    struct file *file = picture_segment(picture, 3);
    struct file four = prepared_segment(picture, 4);
    size_t size, end = record_at(file, head + 1, &size);
    memset(file->bytes + end, 0x55, 300);
    four.bytes[9000] = 1;
    picture_put(world, picture);
    write_file(world, four.name, four.bytes, four.size);
    write_file(world, "0000000000000005.ldlog.tmp", four.bytes, 100);
    struct picture *before = picture_take(world);
    world->options.read_only = true;
    world_open(world);
    assert_int_equal(evlog_durable(world->log), head);
    assert_true(world->recovery.torn_bytes >= 300);
    world_read_all(world, 1, 5000);
    world_close(world);
    expect_unchanged(world, before);
    struct evlog_verify_counts counts;
    assert_ok(evlog_verify(&world->context, world->directory, NULL, NULL, &counts, &test_error));
    assert_int_equal(counts.events, head);
    assert_int_equal(counts.segments, 3);
    assert_int_equal(counts.findings, 0);
    assert_int_equal(counts.torn_bytes, 300);
    expect_unchanged(world, before);
    free(four.bytes);
    picture_free(before);
    picture_free(picture);
}

static void test_verify_names_broken_chains(void **state)
{
    struct world *world = *state;
    struct picture *picture = grown_log(world, false);
    picture_put(world, picture);
    remove_segment(world, 2);
    expect_findings(world, 1, 3, 0);
    picture_put(world, picture);
    flip(picture_segment(picture, 2), 20);
    picture_put(world, picture);
    assert_int_equal(evlog_verify(&world->context, world->directory, NULL, NULL, NULL, &test_error),
                     LD_CORRUPT);
    world_empty_directory(world);
    assert_int_equal(evlog_verify(&world->context, world->directory, NULL, NULL, NULL, &test_error),
                     LD_NOTFOUND);
    picture_free(picture);
}

static void test_verify_finds_repeated_producer_sequences(void **state)
{
    struct world *world = *state;
    struct event event;
    uint64_t sequence;
    world_open(world);
    world_append(world, 1, 3);
    event_make(&event, 1, 2);
    assert_ok(evlog_stage(world->log, event.raw, 0, 0, &sequence, &test_error));
    world_close(world);
    expect_findings(world, 1, 1, 4);
}

/* ---- a killed process ---- */

/* Appends for ever, telling each durable head; ends by being killed. */
static void child_appends(struct world *world, int pipe_fd)
{
    world->options.writer_thread = true;
    if (world_try_open(world) != LD_OK)
        _exit(3);
    for (;;) {
        uint64_t sequence;
        for (size_t i = 0; i < 7; i++) {
            if (world_try_stage(world, 1, &sequence) != LD_OK)
                _exit(4);
        }
        if (evlog_commit(world->log, NULL) != LD_OK)
            _exit(5);
        sequence = evlog_durable(world->log);
        if (write(pipe_fd, &sequence, sizeof sequence) != sizeof sequence)
            _exit(6);
    }
}

static void test_killed_writer_loses_nothing_acknowledged(void **state)
{
    struct world *world = *state;
    for (unsigned round = 0; round < 8; round++) {
        int pipe_fds[2], status;
        uint64_t acknowledged = 0, told;
        assert_int_equal(pipe(pipe_fds), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            child_appends(world, pipe_fds[1]);
        close(pipe_fds[1]);
        for (unsigned i = 0; i < 3 + round * 13; i++) {
            assert_int_equal(read(pipe_fds[0], &told, sizeof told), sizeof told);
            acknowledged = told;
        }
        kill(child, SIGKILL);
        while (read(pipe_fds[0], &told, sizeof told) == sizeof told)
            acknowledged = told;
        close(pipe_fds[0]);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        world_open(world);
        assert_true(evlog_durable(world->log) >= acknowledged);
        world_read_all(world, 1, 65536);
        world_close(world);
        assert_ok(evlog_verify(&world->context, world->directory, NULL, NULL, NULL, &test_error));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_decision_tables),
        TEST(test_cut_after_every_byte),
        TEST(test_cut_with_any_sectors),
        TEST(test_cut_with_any_pages),
        TEST(test_cut_while_rolling_over),
        TEST(test_last_record_damaged_after_crash),
        TEST(test_last_record_damaged_after_close),
        TEST(test_earlier_record_damaged),
        TEST(test_garbage_behind_the_end),
        TEST(test_record_in_a_torn_payload),
        TEST(test_sealed_header_of_a_record_damaged),
        TEST(test_sealed_payload_damaged),
        TEST(test_sealed_segment_cut_short),
        TEST(test_every_header_byte),
        TEST(test_headers_that_do_not_fit),
        TEST(test_newer_version),
        TEST(test_missing_segments),
        TEST(test_files_of_wrong_size),
        TEST(test_duplicate_and_foreign_segments),
        TEST(test_half_prepared_segments),
        TEST(test_prepared_segments),
        TEST(test_only_a_prepared_segment),
        TEST(test_damaged_checkpoint),
        TEST(test_mark_is_only_a_bound),
        TEST(test_read_only_changes_nothing),
        TEST(test_verify_names_broken_chains),
        TEST(test_verify_finds_repeated_producer_sequences),
        TEST(test_killed_writer_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
