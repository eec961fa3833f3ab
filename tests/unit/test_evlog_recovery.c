/*
 * Recovery on real files: what a power cut can leave of a commit, damage at
 * the end of the log, segments that are not in use yet, killed writers.
 */
#include "evlog_picture.h"

#include <signal.h>
#include <sys/wait.h>

#define PAGE 4096u

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

/* ---- segments that are not in use yet ---- */

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        INLINE(test_cut_after_every_byte),
        INLINE(test_cut_with_any_sectors),
        INLINE(test_cut_with_any_pages),
        INLINE(test_cut_while_rolling_over),
        INLINE(test_last_record_damaged_after_crash),
        INLINE(test_last_record_damaged_after_close),
        INLINE(test_earlier_record_damaged),
        INLINE(test_garbage_behind_the_end),
        INLINE(test_record_in_a_torn_payload),
        INLINE(test_half_prepared_segments),
        INLINE(test_prepared_segments),
        INLINE(test_only_a_prepared_segment),
        INLINE(test_damaged_checkpoint),
        INLINE(test_mark_is_only_a_bound),
        INLINE(test_read_only_changes_nothing),
        INLINE(test_killed_writer_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
