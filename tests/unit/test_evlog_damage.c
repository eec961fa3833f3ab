/*
 * Damage that is no torn tail, on real files: in sealed segments, segment headers, whole files. The
 * log opens and names it when it is read, or refuses to open; the offline check names all of it.
 */
#include "evlog_picture.h"

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

static void check_every_header_byte(struct world *world, struct picture *picture)
{
    for (uint64_t number = 1; number <= 3; number++) {
        struct file *file = picture_segment(picture, number);
        for (size_t i = 0; i < SECTOR; i += i < 64 ? 1 : 29) {
            flip(file, i);
            picture_put(world, picture);
            expect_refuses(world, LD_CORRUPT, number, "segment header");
            flip(file, i);
        }
    }
}

static void test_every_header_byte(void **state)
{
    struct world *world = *state;
    for (int crashed = 0; crashed < 2; crashed++) {
        struct picture *picture = grown_log(world, crashed);
        check_every_header_byte(world, picture);
        picture_free(picture);
    }
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

/* ---- the offline check ---- */

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

/* ---- repair ---- */

static bool set_aside_has(const struct world *world, const struct evlog_repair_report *report,
                          const struct file *file)
{
    char path[4 * WORLD_PATH_SIZE];
    struct file found;
    snprintf(path, sizeof path, "%s/%s/%s", world->directory, report->folder, file->name);
    if (access(path, F_OK) != 0)
        return false;
    read_file(&found, path);
    bool same = found.size == file->size && memcmp(found.bytes, file->bytes, file->size) == 0;
    free(found.bytes);
    return same;
}

/* Repairs what is there; the log ends before sequence, opens and goes on. */
static void expect_repairs(struct world *world, uint64_t segment, uint64_t sequence, uint64_t moved,
                           struct evlog_repair_report *report)
{
    atomic_fetch_add(&world->now_us, 2000000); /* another folder each time */
    assert_ok(evlog_repair(&world->context, world->directory, NULL, report, &test_error));
    assert_true(report->damaged);
    assert_true(strlen(report->reason) > 0);
    assert_int_equal(report->segment, segment);
    assert_int_equal(report->sequence, sequence);
    assert_int_equal(report->head, sequence - 1);
    assert_int_equal(report->segments_moved, moved);
    assert_ok(evlog_verify(&world->context, world->directory, NULL, NULL, NULL, &test_error));
    expect_opens(world, sequence - 1, false);
    struct evlog_repair_report again;
    assert_ok(evlog_repair(&world->context, world->directory, NULL, &again, &test_error));
    assert_false(again.damaged);
}

static void test_repair_of_a_record(void **state)
{
    struct world *world = *state;
    struct evlog_repair_report report;
    struct picture *picture = grown_log(world, false);
    for (uint64_t number = 1; number <= 3; number++) {
        struct file *file = picture_segment(picture, number);
        uint64_t base = ld_get_u64(file->bytes + WORLD_HEADER_BYTES + 24);
        size_t size, offset = record_at(file, base + 7, &size);
        flip(file, offset + size / 2);
        picture_put(world, picture);
        expect_repairs(world, number, base + 7, 3 - number, &report);
        picture_put(world, picture);
        expect_repairs(world, number, base + 7, 3 - number, &report);
        for (uint64_t aside = number; aside <= 3; aside++)
            assert_true(set_aside_has(world, &report, picture_segment(picture, aside)));
        flip(file, offset + size / 2);
    }
    picture_free(picture);
}

static void test_repair_of_whole_segments(void **state)
{
    struct world *world = *state;
    struct evlog_repair_report report;
    struct picture *picture = grown_log(world, false);
    uint64_t base[4] = {0};
    for (uint64_t number = 1; number <= 3; number++)
        base[number] =
            ld_get_u64(picture_segment(picture, number)->bytes + WORLD_HEADER_BYTES + 24);
    for (uint64_t number = 2; number <= 3; number++) {
        struct file *file = picture_segment(picture, number);
        flip(file, 20);
        picture_put(world, picture);
        expect_repairs(world, number, base[number], 4 - number, &report);
        flip(file, 20);
    }
    flip(picture_segment(picture, 3), WORLD_HEADER_BYTES + 70); /* its checkpoint */
    picture_put(world, picture);
    expect_repairs(world, 3, base[3], 1, &report);
    flip(picture_segment(picture, 3), WORLD_HEADER_BYTES + 70);
    picture_put(world, picture);
    remove_segment(world, 2);
    expect_repairs(world, 3, base[2], 1, &report);
    picture_put(world, picture);
    remove_segment(world, 3);
    expect_repairs(world, 2, base[3], 0, &report);
    flip(picture_segment(picture, 1), 20); /* nothing can be kept: a new log begins */
    picture_put(world, picture);
    assert_ok(evlog_repair(&world->context, world->directory, NULL, &report, &test_error));
    assert_int_equal(report.segments_moved, 3);
    assert_int_equal(report.head, 0);
    world_open(world);
    assert_true(world->recovery.created);
    world_close(world);
    picture_free(picture);
}

static void test_repair_leaves_a_good_log_alone(void **state)
{
    struct world *world = *state;
    struct evlog_repair_report report;
    struct picture *picture = grown_log(world, false);
    picture_put(world, picture);
    assert_ok(evlog_repair(&world->context, world->directory, NULL, &report, &test_error));
    assert_false(report.damaged);
    expect_unchanged(world, picture);
    world_open(world);
    assert_int_equal(evlog_repair(&world->context, world->directory, NULL, &report, &test_error),
                     LD_LOCKED);
    world_close(world);
    world_empty_directory(world);
    assert_int_equal(evlog_repair(&world->context, world->directory, NULL, &report, &test_error),
                     LD_NOTFOUND);
    picture_free(picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INLINE(test_sealed_header_of_a_record_damaged),
        INLINE(test_sealed_payload_damaged),
        INLINE(test_sealed_segment_cut_short),
        INLINE(test_every_header_byte),
        INLINE(test_headers_that_do_not_fit),
        INLINE(test_newer_version),
        INLINE(test_missing_segments),
        INLINE(test_files_of_wrong_size),
        INLINE(test_duplicate_and_foreign_segments),
        INLINE(test_verify_names_broken_chains),
        INLINE(test_verify_finds_repeated_producer_sequences),
        INLINE(test_repair_of_a_record),
        INLINE(test_repair_of_whole_segments),
        INLINE(test_repair_leaves_a_good_log_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
