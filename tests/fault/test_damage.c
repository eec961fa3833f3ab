/*
 * One flipped bit, anywhere in a log's files: verifying, opening and reading each give the truth or
 * LD_CORRUPT with the right segment and sequence, never a wrong event. What is to be found follows
 * from where the bit is (docs/log-format.md, 2, 4, 6, 7); the log was closed or its process killed.
 *
 * LIANDONG_TESTS=full flips every bit of every file; else a part of them, other ones for each
 * LIANDONG_SEED.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include "bytes.h"
#include "evlog/segment.h"
#include "rig.h"

enum { FILES = 3, RECORDS_MAX = 600, STRIDE = 41 };

/* Segment 1 is sealed, 2 the last in use, 3 prepared. */
struct record_place {
    uint64_t offset, used, end, sequence;
    bool last_commit;
};

struct base {
    struct storage *storage;
    struct evlog_options options;
    bool closed;
    uint64_t head, second_base;
    struct record_place records[FILES + 1][RECORDS_MAX];
    size_t counts[FILES + 1];
    uint8_t *bytes[FILES + 1]; /* of each segment, undamaged */
};

/* What a flipped bit means. */
enum damage {
    HARMLESS,      /* nobody looks there */
    HEADER_IN_USE, /* refuse */
    HEADER_SPARE,  /* the file goes */
    RECORD_HEADER, /* found when it is read, refused in the last segment when it is proven */
    RECORD_BODY,   /* the same, but a reader checks it himself */
    ZEROS_SEALED,  /* found by verifying only */
    ZEROS_LAST,    /* cut */
    ZEROS_SPARE    /* the file goes */
};

struct flipped {
    enum damage damage;
    uint64_t segment, sequence, byte;
    const struct record_place *record;
};

/* ---- the base ---- */

static const char *path_of(uint64_t number)
{
    static char path[STORAGE_PATH_SIZE];
    snprintf(path, sizeof path, LOG_DIRECTORY "/%016" PRIu64 ".ldlog", number);
    return path;
}

static void find_records(struct base *base, uint64_t number)
{
    uint64_t size, offset = SEGMENT_HEADER_SIZE;
    struct ld_record record;
    const uint8_t *data = storage_peek(base->storage, path_of(number), &size);
    assert_int_equal(size, SEGMENT_BYTES);
    base->bytes[number] = malloc(SEGMENT_BYTES);
    memcpy(base->bytes[number], data, SEGMENT_BYTES);
    while (ld_record_decode(data + offset, size - offset, &record, NULL) == LD_OK) {
        assert_true(base->counts[number] < RECORDS_MAX);
        uint64_t used = LD_RECORD_HEADER_SIZE + record.topic_size + record.payload_size;
        base->records[number][base->counts[number]++] =
            (struct record_place){.offset = offset,
                                  .used = offset + used,
                                  .end = offset + record.size,
                                  .sequence = record.sequence,
                                  .last_commit = ld_get_u64(data + offset + 56) >= base->head - 2};
        offset += record.size;
    }
}

/* The last commit has two events, each other one has one. */
static struct base *make_base(bool closed)
{
    struct base *base = calloc(1, sizeof *base);
    void *state;
    rig_setup(&state);
    struct rig *rig = state;
    rig_open(rig);
    rig_grow(rig, 1, 2);
    base->second_base = evlog_durable(rig->log) - 1;
    rig_append(rig, 2, 60); /* the next segment is made */
    for (uint64_t i = 0; i < 9; i++)
        rig_append(rig, 1 + i % 3, 1);
    base->head = rig_append(rig, 2, 2);
    base->closed = closed;
    base->options = rig->options;
    if (closed)
        rig_close(rig);
    base->storage = storage_kill(rig->storage);
    rig_teardown(&state);
    for (uint64_t number = 1; number <= FILES; number++)
        find_records(base, number);
    assert_int_equal(base->records[2][0].sequence, base->second_base);
    assert_int_equal(base->counts[3], 0);
    return base;
}

static void free_base(struct base *base)
{
    for (size_t i = 1; i <= FILES; i++)
        free(base->bytes[i]);
    storage_free(base->storage);
    free(base);
}

/* ---- what a bit means ---- */

static const struct record_place *record_at(const struct base *base, uint64_t number, uint64_t byte)
{
    for (size_t i = 0; i < base->counts[number]; i++) {
        if (byte < base->records[number][i].end)
            return &base->records[number][i];
    }
    return NULL;
}

static struct flipped classify(const struct base *base, uint64_t number, uint64_t byte)
{
    struct flipped flipped = {.segment = number, .byte = byte};
    const struct record_place *record =
        byte < SEGMENT_HEADER_SIZE ? NULL : record_at(base, number, byte);
    if (byte < SEGMENT_CHECKED_SIZE) {
        flipped.damage = number == FILES ? HEADER_SPARE : HEADER_IN_USE;
        flipped.sequence = number == 2 ? base->second_base : 0;
    } else if (byte < SEGMENT_HEADER_SIZE || (record && byte >= record->used)) {
        flipped.damage = HARMLESS;
    } else if (record) {
        bool header = byte < record->offset + LD_RECORD_HEADER_SIZE;
        flipped.damage = header ? RECORD_HEADER : RECORD_BODY;
        flipped.sequence = record->sequence;
        flipped.record = record;
    } else {
        static const enum damage ZEROS[] = {ZEROS_SEALED, ZEROS_LAST, ZEROS_SPARE};
        flipped.damage = ZEROS[number - 1];
        flipped.sequence = number == 1 ? base->second_base : 0;
    }
    return flipped;
}

/* ---- verifying ---- */

struct findings {
    uint64_t segment, sequence, count;
};

static void note(const char *segment, uint64_t sequence, const char *text, void *data)
{
    struct findings *findings = data;
    expect(text[0] != 0, "a finding without words");
    if (findings->count++ == 0) {
        findings->segment = segment_number_of(segment);
        findings->sequence = sequence;
    }
}

/* Damage that is proven to be some; the last commit after a crash is not. */
static bool is_proven(const struct base *base, const struct flipped *flipped)
{
    switch (flipped->damage) {
    case HEADER_IN_USE:
    case ZEROS_SEALED:
        return true;
    case RECORD_HEADER:
    case RECORD_BODY:
        return flipped->segment == 1 || base->closed || !flipped->record->last_commit;
    case HARMLESS:
    case HEADER_SPARE:
    case ZEROS_LAST:
    case ZEROS_SPARE:
        break;
    }
    return false;
}

static void check_verify(const struct base *base, struct storage *storage,
                         const struct flipped *flipped)
{
    struct findings findings = {0};
    struct evlog_verify_counts counts;
    bool proven = is_proven(base, flipped);
    int code = evlog_verify(storage_context(storage), LOG_DIRECTORY, note, &findings, &counts,
                            &test_error);
    expect(code == (proven ? LD_CORRUPT : LD_OK), "%s: %s", ld_code_name(code), test_error.text);
    expect(findings.count == counts.findings && findings.count == proven, "%" PRIu64 " findings",
           findings.count);
    expect(!proven ||
               (findings.segment == flipped->segment && findings.sequence == flipped->sequence),
           "found in segment %" PRIu64 ", sequence %" PRIu64 ", but it is in %" PRIu64,
           findings.segment, findings.sequence, flipped->sequence);
}

/* ---- reading ---- */

static void expect_named(const struct flipped *flipped, uint64_t sequence)
{
    char words[80];
    snprintf(words, sizeof words, "segment %016" PRIu64 ".ldlog, sequence %" PRIu64 ":",
             flipped->segment, sequence);
    expect(strncmp(test_error.text, words, strlen(words)) == 0, "\"%s\" does not begin with \"%s\"",
           test_error.text, words);
}

/* The span has the bytes that were written, but for the damaged record's. */
static void check_span(const struct base *base, const struct evlog_span *span,
                       const struct flipped *flipped)
{
    uint64_t number = span->first < base->second_base ? 1 : 2;
    size_t index = (size_t)(span->first - base->records[number][0].sequence);
    for (size_t at = 0; at < span->size; index++) {
        const struct record_place *record = &base->records[number][index];
        struct ld_record decoded;
        int code = ld_record_decode(span->data + at, span->size - at, &decoded, &test_error);
        expect(code == LD_OK && decoded.size == record->end - record->offset, "event %" PRIu64,
               record->sequence);
        bool same = memcmp(span->data + at, base->bytes[number] + record->offset,
                           record->used - record->offset) == 0;
        bool damaged = flipped->damage == RECORD_BODY && record == flipped->record;
        expect(same == !damaged, "event %" PRIu64 " differs", record->sequence);
        expect(!damaged || ld_record_check(&decoded, NULL) == LD_CORRUPT,
               "event %" PRIu64 " passes its check", record->sequence);
        at += decoded.size;
    }
}

static void check_reads(const struct base *base, struct evlog *log, const struct flipped *flipped)
{
    struct evlog_span span;
    for (uint64_t next = 1; next <= evlog_durable(log);) {
        int code = evlog_read(log, next, SIZE_MAX, &span, &test_error);
        if (code == LD_OK) {
            expect(span.first == next, "span of %" PRIu64, span.first);
            check_span(base, &span, flipped);
            next = span.last + 1;
            evlog_span_release(&span);
            continue;
        }
        expect(code == LD_CORRUPT && flipped->damage == RECORD_HEADER && flipped->segment == 1 &&
                   next == flipped->sequence,
               "%" PRIu64 " is not read: %s", next, test_error.text);
        expect_named(flipped, flipped->sequence);
        next = base->second_base;
    }
}

/* ---- opening ---- */

static uint64_t head_after(const struct base *base, const struct flipped *flipped)
{
    bool cut = flipped->segment == 2 &&
               (flipped->damage == RECORD_HEADER || flipped->damage == RECORD_BODY);
    return cut ? flipped->sequence - 1 : base->head;
}

static void check_open(const struct base *base, struct storage *storage,
                       const struct flipped *flipped)
{
    struct evlog *log = NULL;
    struct evlog_recovery recovery;
    int code = evlog_open(storage_context(storage), LOG_DIRECTORY, &base->options, &log, &recovery,
                          &test_error);
    bool sealed = flipped->segment == 1 && flipped->damage != HEADER_IN_USE;
    if (is_proven(base, flipped) && !sealed) {
        uint64_t sequence = flipped->sequence;
        expect(code == LD_CORRUPT, "%s: %s", ld_code_name(code), test_error.text);
        if (flipped->damage == HEADER_IN_USE)
            expect(strstr(test_error.text, strrchr(path_of(flipped->segment), '/') + 1), "%s",
                   test_error.text);
        else
            expect_named(flipped, sequence);
        return;
    }
    expect(code == LD_OK, "%s: %s", ld_code_name(code), test_error.text);
    expect(evlog_durable(log) == head_after(base, flipped), "ends with %" PRIu64,
           evlog_durable(log));
    check_reads(base, log, flipped);
    evlog_close(log);
}

/* ---- every bit ---- */

static void check_bit(const struct base *base, const char *path, const struct flipped *flipped,
                      unsigned bit)
{
    struct storage *storage = storage_kill(base->storage);
    place_set("%s log, %s, byte %" PRIu64 ", bit %u (kind %d)", base->closed ? "closed" : "killed",
              path, flipped->byte, bit, (int)flipped->damage);
    storage_flip(storage, path, flipped->byte * 8 + bit);
    check_verify(base, storage, flipped);
    check_open(base, storage, flipped);
    storage_free(storage);
}

static bool is_full(void)
{
    const char *mode = getenv("LIANDONG_TESTS");
    return mode && strcmp(mode, "full") == 0;
}

static uint64_t flip_bits(const struct base *base, const char *path, const struct flipped *flipped,
                          uint64_t *random)
{
    unsigned one = (unsigned)chance_below(random, 8);
    for (unsigned bit = 0; bit < 8; bit++) {
        if (is_full() || bit == one)
            check_bit(base, path, flipped, bit);
    }
    return is_full() ? 8 : 1;
}

/* In the part that CI takes: all headers' first bytes, and one byte in STRIDE. */
static bool is_taken(const struct flipped *flipped, uint64_t *random)
{
    bool header = flipped->damage != HARMLESS && flipped->byte < 64;
    return is_full() || header || chance_below(random, STRIDE) == 0;
}

static uint64_t flip_all(const struct base *base, uint64_t *random)
{
    uint64_t flips = 0;
    for (uint64_t number = 1; number <= FILES; number++) {
        for (uint64_t byte = 0; byte < SEGMENT_BYTES; byte++) {
            struct flipped flipped = classify(base, number, byte);
            if (is_taken(&flipped, random))
                flips += flip_bits(base, path_of(number), &flipped, random);
        }
    }
    uint64_t mark_bytes; /* the mark proves less then, no more */
    (void)storage_peek(base->storage, LOG_DIRECTORY "/lock", &mark_bytes);
    for (uint64_t byte = 0; byte < mark_bytes; byte++) {
        struct flipped flipped = {.damage = HARMLESS, .byte = byte};
        if (is_taken(&flipped, random))
            flips += flip_bits(base, LOG_DIRECTORY "/lock", &flipped, random);
    }
    return flips;
}

static void test_every_bit(void **state)
{
    const char *one = getenv("LIANDONG_SEED");
    uint64_t random = one ? strtoull(one, NULL, 10) : 1, flips = 0;
    (void)state;
    for (unsigned closed = 0; closed < 2; closed++) {
        struct base *base = make_base(closed);
        flips += flip_all(base, &random);
        free_base(base);
    }
    print_message("%" PRIu64 " bits flipped\n", flips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_bit)};
    mallopt(M_MMAP_THRESHOLD, 1 << 28);
    mallopt(M_TRIM_THRESHOLD, 1 << 28);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
