/*
 * The recovery decision table over all its inputs. The statement that the code is held against is
 * docs/log-format.md itself: its tables are read from the page. First the pure functions, over the
 * full product; then opening, on files built for every combination of what the last segment, the
 * one before it, the one above it, their headers and the mark can be.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "bytes.h"
#include "evlog/decide.h"
#include "evlog/mark.h"
#include "evlog/segment.h"
#include "rig.h"

/* ---- the page ---- */

enum { ROWS = 6, COLUMNS = 3 };

struct table {
    char cells[ROWS][COLUMNS][16]; /* the first word of each */
    size_t rows;
};

static void read_row(struct table *table, const char *line)
{
    size_t column = 0;
    line = strchr(line + 1, '|');
    for (; line && line[1] != '\n' && column < COLUMNS; line = strchr(line + 1, '|'), column++) {
        const char *word = line + 1 + strspn(line + 1, " `");
        size_t size = 0;
        while (isalpha((unsigned char)word[size]) && size < 15)
            size++;
        memcpy(table->cells[table->rows][column], word, size);
    }
    table->rows++;
}

/* The first table behind the line that begins with title. */
static struct table read_table(const char *title)
{
    struct table table = {0};
    char line[1024];
    bool here = false;
    FILE *page = fopen(LIANDONG_SOURCE_DIR "/docs/log-format.md", "r");
    assert_non_null(page);
    for (unsigned lines = 0; fgets(line, sizeof line, page) && table.rows < ROWS;) {
        here |= strncmp(line, title, strlen(title)) == 0;
        if (here && line[0] == '|' && ++lines > 2)
            read_row(&table, line);
        else if (table.rows > 0)
            break;
    }
    fclose(page);
    assert_true(table.rows > 0);
    return table;
}

static enum recovery_action action_of(const struct table *table, size_t row, size_t column)
{
    static const char *const WORDS[] = {"use", "cut", "drop", "REFUSE"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(table->cells[row][column], WORDS[i]) == 0)
            return (enum recovery_action)i;
    }
    fail_msg("row %zu, column %zu says \"%s\"", row, column, table->cells[row][column]);
    return RECOVERY_REFUSE;
}

static void test_functions(void **state)
{
    (void)state;
    struct table a = read_table("A. "), b = read_table("B. "), c = read_table("C. ");
    struct table dropped = read_table("The first commit into a segment");
    for (size_t header = 0; header <= HEADER_BAD; header++)
        assert_int_equal(decide_header((enum header_state)header), action_of(&a, header, 0));
    for (size_t rest = 0; rest <= BODY_PROVEN; rest++) {
        enum body_state body = (enum body_state)rest;
        for (size_t row = 0; row < 2; row++) {
            assert_int_equal(decide_tail(row == 0, body), action_of(&b, row, rest));
            assert_int_equal(decide_sealed(row == 0, body), action_of(&dropped, row, rest));
        }
        assert_int_equal(decide_spare(HEADER_PREPARED, body), action_of(&c, 0, rest));
        assert_int_equal(decide_spare(HEADER_BAD, body), action_of(&c, 1, rest));
        assert_int_equal(decide_spare(HEADER_IN_USE, body), RECOVERY_REFUSE);
    }
}

/* ---- files ---- */

/* Segments 1 and 2 are complete, 3 is the last in use, 4 above it. */
enum earlier {
    EARLIER_GOOD,
    EARLIER_PREPARED,
    EARLIER_BAD,
    EARLIER_VERSION,
    EARLIER_FOREIGN,
    EARLIER_DRILL,
    EARLIER_BASE,
    EARLIER_MISSING,
    EARLIERS
};
enum before { BEFORE_WHOLE, BEFORE_BYTES, BEFORE_SHORT, BEFORES };
enum mark_says { MARK_NOTHING, MARK_TRUE, MARK_MORE, MARKS };

struct combination {
    enum earlier earlier; /* header of 2 */
    enum before before;   /* end of 2 */
    bool begun;           /* 3 has its checkpoint */
    enum body_state rest; /* behind the last good record of 3 */
    enum mark_says mark;
    bool above; /* there is a 4 */
    enum header_state above_header;
    enum body_state above_body;
};

struct base {
    struct storage *storage; /* killed: nothing marks the end */
    uint64_t base, head;     /* of 3 */
    uint64_t end, damaged;   /* offsets in 3: behind the last record; a record that others prove */
    uint64_t end_before;     /* offset in 2 behind the last record */
    uint64_t last_before;    /* offset of the last record of 2 */
    uint8_t id[EVLOG_ID_SIZE];
};

struct file {
    char path[STORAGE_PATH_SIZE];
    uint8_t *bytes;
};

static struct file take(struct storage *storage, uint64_t number)
{
    struct file file;
    uint64_t size;
    snprintf(file.path, sizeof file.path, LOG_DIRECTORY "/%016" PRIu64 ".ldlog", number);
    file.bytes = calloc(1, SEGMENT_BYTES);
    const uint8_t *data = storage_peek(storage, file.path, &size);
    if (data)
        memcpy(file.bytes, data, SEGMENT_BYTES);
    return file;
}

static void give(struct storage *storage, struct file *file)
{
    storage_put(storage, file->path, file->bytes, SEGMENT_BYTES);
    free(file->bytes);
}

/* Offset of the record `back` before the last one (0: the last); *end: behind the last. */
static uint64_t find_record(const struct file *file, unsigned back, uint64_t *end)
{
    uint64_t offsets[8] = {0}, count = 0;
    struct ld_record record;
    *end = SEGMENT_HEADER_SIZE;
    while (ld_record_decode(file->bytes + *end, SEGMENT_BYTES - *end, &record, NULL) == LD_OK) {
        offsets[count++ % 8] = *end;
        *end += record.size;
    }
    assert_true(count > back);
    return offsets[(count - 1 - back) % 8];
}

static struct base make_base(void)
{
    struct base base;
    void *state;
    rig_setup(&state);
    struct rig *rig = state;
    rig_open(rig);
    rig_grow(rig, 1, 3);
    base.base = evlog_durable(rig->log) - 1; /* a checkpoint and one event are in it */
    for (size_t i = 0; i < 9; i++)
        rig_append(rig, 1, 1);
    base.head = evlog_durable(rig->log);
    memcpy(base.id, evlog_id(rig->log), sizeof base.id);
    base.storage = storage_kill(rig->storage);
    rig_teardown(&state);
    struct file two = take(base.storage, 2), three = take(base.storage, 3);
    base.last_before = find_record(&two, 0, &base.end_before);
    base.damaged = find_record(&three, 4, &base.end);
    free(two.bytes);
    free(three.bytes);
    return base;
}

static void edit_earlier(struct file *two, const struct combination *combination)
{
    struct segment_header header;
    assert_ok(segment_header_decode(two->bytes, &header, &test_error));
    header.base = combination->earlier == EARLIER_PREPARED ? 0 : header.base;
    header.base = combination->earlier == EARLIER_BASE ? 1 : header.base;
    header.id[0] ^= combination->earlier == EARLIER_FOREIGN;
    header.drill ^= combination->earlier == EARLIER_DRILL;
    segment_header_encode(two->bytes, &header);
    two->bytes[100] ^= combination->earlier == EARLIER_BAD;
    if (combination->earlier == EARLIER_VERSION) {
        ld_put_u32(two->bytes + 8, SEGMENT_VERSION + 1);
        ld_put_u32(two->bytes + 4, ld_crc32c(0, two->bytes + 8, SEGMENT_CHECKED_SIZE - 8));
    }
}

static void edit_before(const struct base *base, struct file *two, enum before before)
{
    if (before == BEFORE_BYTES)
        memset(two->bytes + base->end_before, 0x33, SEGMENT_BYTES - base->end_before);
    if (before == BEFORE_SHORT)
        memset(two->bytes + base->last_before, 0, base->end_before - base->last_before);
}

/* Behind its header 3 has a checkpoint with one event, and nine more; each was a commit. */
static void edit_last(const struct base *base, struct file *three, const struct combination *one)
{
    uint8_t *body = three->bytes + SEGMENT_HEADER_SIZE;
    if (!one->begun)
        body[40] ^= 1; /* the checkpoint */
    if (!one->begun && one->rest != BODY_PROVEN)
        memset(body + (one->rest == BODY_ZERO ? 0 : 64), 0,
               SEGMENT_BYTES - SEGMENT_HEADER_SIZE - 64);
    if (!one->begun && one->rest == BODY_ZERO)
        memset(body, 0, SEGMENT_BYTES - SEGMENT_HEADER_SIZE);
    if (one->begun && one->rest == BODY_UNPROVEN)
        memset(three->bytes + base->end + 8, 0x44, 50);
    if (one->begun && one->rest == BODY_PROVEN)
        three->bytes[base->damaged + 30] ^= 1;
}

/* The sequence that the log goes on with when nothing refuses. */
static uint64_t next_of(const struct base *base, const struct combination *one)
{
    return one->begun ? base->head + 1 : base->base;
}

/* A record behind the beginning of 4 that proves that `next` was durable. */
static void put_proof(struct file *four, uint64_t next)
{
    struct event event;
    event_make(&event, 9, 1);
    ld_put_u64(event.raw + 56, next + 1);
    ld_record_stamp(event.raw, next + 2, INT64_C(1800000000000000), 0);
    memcpy(four->bytes + 8192, event.raw, event.size);
}

static void make_above(const struct base *base, struct storage *storage,
                       const struct combination *one)
{
    struct file four = take(storage, 4), three = take(storage, 3);
    struct segment_header header;
    assert_ok(segment_header_decode(three.bytes, &header, &test_error));
    header.number = 4;
    header.base = 0;
    memset(four.bytes, 0, SEGMENT_BYTES);
    segment_header_encode(four.bytes, &header);
    four.bytes[100] ^= one->above_header == HEADER_BAD;
    if (one->above_body == BODY_UNPROVEN)
        memset(four.bytes + 9000, 0x55, 70);
    if (one->above_body == BODY_PROVEN)
        put_proof(&four, next_of(base, one));
    give(storage, &four);
    free(three.bytes);
}

static void put_mark(const struct base *base, struct storage *storage,
                     const struct combination *one)
{
    const struct ld_context *context = storage_context(storage);
    uint64_t durable = next_of(base, one) - (one->mark == MARK_TRUE ? 1 : 0);
    int fd;
    storage_put(storage, LOG_DIRECTORY "/lock", "", 0);
    if (one->mark == MARK_NOTHING)
        return;
    assert_ok(context->files.open(storage, LOG_DIRECTORY "/lock", LD_OPEN_WRITE, &fd, &test_error));
    assert_ok(mark_write(context, fd, base->id, durable, &test_error));
    assert_int_equal(context->files.close(storage, fd), LD_OK);
}

static struct storage *build(const struct base *base, const struct combination *one)
{
    struct storage *storage = storage_kill(base->storage);
    struct file two = take(storage, 2), three = take(storage, 3);
    edit_earlier(&two, one);
    edit_before(base, &two, one->before);
    edit_last(base, &three, one);
    give(storage, &two);
    give(storage, &three);
    if (one->earlier == EARLIER_MISSING)
        storage_remove(storage, two.path);
    storage_remove(storage, LOG_DIRECTORY "/0000000000000004.ldlog"); /* made ahead */
    if (one->above)
        make_above(base, storage, one);
    put_mark(base, storage, one);
    return storage;
}

/* ---- what the page says about a combination ---- */

struct expected {
    int code;
    uint64_t segment; /* named, when refused */
    bool dropped, above_kept, torn;
};

static int refused(struct expected *expected, int code, uint64_t segment)
{
    expected->segment = segment;
    return code;
}

/* Row of table A. */
static size_t row_of(enum earlier earlier)
{
    static const size_t ROW[EARLIERS] = {0, 1, 2, 3, 4, 4, 4, 4};
    return ROW[earlier];
}

static int expect_last(const struct combination *one, struct expected *expected)
{
    static struct table last, before;
    if (last.rows == 0) {
        last = read_table("B. ");
        before = read_table("The first commit into a segment");
    }
    bool mark_bears = one->mark == MARK_MORE && !(one->above && one->above_header == HEADER_BAD);
    enum body_state rest = mark_bears ? BODY_PROVEN : one->rest;
    enum recovery_action action = action_of(&last, one->begun ? 0 : 1, rest);
    if (action == RECOVERY_REFUSE)
        return refused(expected, LD_CORRUPT, 3);
    expected->dropped = action == RECOVERY_DROP;
    expected->torn = one->rest == BODY_UNPROVEN;
    if (!expected->dropped)
        return LD_OK;
    enum body_state end = one->before == BEFORE_BYTES ? BODY_UNPROVEN : BODY_ZERO;
    if (action_of(&before, one->before == BEFORE_SHORT ? 1 : 0, end) != RECOVERY_USE)
        return refused(expected, LD_CORRUPT, 2);
    return LD_OK;
}

static int expect_above(const struct combination *one, struct expected *expected)
{
    static struct table above;
    if (above.rows == 0)
        above = read_table("C. ");
    enum body_state body = one->mark == MARK_MORE ? BODY_PROVEN : one->above_body;
    enum recovery_action action =
        action_of(&above, one->above_header == HEADER_PREPARED ? 0 : 1, body);
    if (action == RECOVERY_REFUSE)
        return refused(expected, LD_CORRUPT, 4);
    expected->above_kept = action == RECOVERY_USE && !expected->dropped;
    expected->torn |= action == RECOVERY_DROP && body == BODY_UNPROVEN;
    return LD_OK;
}

static struct expected expect_of(const struct combination *one)
{
    static struct table headers;
    struct expected expected = {0};
    if (headers.rows == 0)
        headers = read_table("A. ");
    const char *word = headers.cells[row_of(one->earlier)][0];
    if (strcmp(word, "use") != 0) {
        uint64_t named = one->earlier == EARLIER_MISSING ? 3 : 2;
        int code = strcmp(word, "VERSION") == 0 ? LD_VERSION : LD_CORRUPT;
        expected.code = refused(&expected, code, named);
        return expected;
    }
    expected.code = expect_last(one, &expected);
    if (expected.code == LD_OK && one->above)
        expected.code = expect_above(one, &expected);
    return expected;
}

/* ---- opening ---- */

static void check_unchanged(struct storage *storage, struct storage *before)
{
    for (uint64_t number = 1; number <= 4; number++) {
        char path[STORAGE_PATH_SIZE];
        uint64_t size, size_before;
        snprintf(path, sizeof path, LOG_DIRECTORY "/%016" PRIu64 ".ldlog", number);
        const uint8_t *data = storage_peek(storage, path, &size);
        const uint8_t *data_before = storage_peek(before, path, &size_before);
        expect(size == size_before && !data == !data_before &&
                   (!data || memcmp(data, data_before, size) == 0),
               "segment %" PRIu64 " was changed", number);
    }
}

static void check_refused(const struct expected *expected, int code, const char *text)
{
    char name[32];
    snprintf(name, sizeof name, "%016" PRIu64 ".ldlog", expected->segment);
    expect(code == expected->code, "%s: %s", ld_code_name(code), text);
    expect(strstr(text, name), "%s is not in: %s", name, text);
    expect(code != LD_CORRUPT || (strstr(text, "run `liandong log verify /log`") &&
                                  strstr(text, "liandong log repair")),
           "no tool in: %s", text);
}

static void check_combination(const struct base *base, const struct combination *one,
                              const struct expected *expected)
{
    struct rig rig = {.storage = build(base, one)};
    struct storage *before = storage_kill(rig.storage);
    rig_options(&rig.options);
    int code = rig_try_open(&rig);
    if (expected->code != LD_OK) {
        check_refused(expected, code, rig.error.text);
        check_unchanged(rig.storage, before);
    } else {
        expect(code == LD_OK, "%s: %s", ld_code_name(code), rig.error.text);
        uint64_t head = expected->dropped ? base->base - 1 : base->head;
        expect(evlog_durable(rig.log) == head, "the log ends with %" PRIu64, head);
        expect((rig.recovery.torn_bytes > 0) == expected->torn, "%" PRIu64 " torn",
               rig.recovery.torn_bytes);
        expect(storage_has(rig.storage, LOG_DIRECTORY "/0000000000000003.ldlog") !=
                   expected->dropped,
               "segment 3");
        expect(storage_has(rig.storage, LOG_DIRECTORY "/0000000000000004.ldlog") ==
                   expected->above_kept,
               "segment 4");
    }
    rig_close(&rig);
    storage_free(before);
    storage_free(rig.storage);
}

static struct combination nth(unsigned number)
{
    struct combination one = {0};
    one.earlier = (enum earlier)(number % EARLIERS), number /= EARLIERS;
    one.before = (enum before)(number % BEFORES), number /= BEFORES;
    one.begun = number % 2, number /= 2;
    one.rest = (enum body_state)(number % 3), number /= 3;
    one.mark = (enum mark_says)(number % MARKS), number /= MARKS;
    unsigned above = number % 7;
    one.above = above > 0;
    one.above_header = above > 3 ? HEADER_BAD : HEADER_PREPARED;
    one.above_body = (enum body_state)((above + 2) % 3);
    return one;
}

static void test_every_combination(void **state)
{
    const unsigned all = EARLIERS * BEFORES * 2 * 3 * MARKS * 7;
    unsigned opened = 0;
    struct base base = make_base();
    (void)state;
    for (unsigned i = 0; i < all; i++) {
        struct combination one = nth(i);
        struct expected expected = expect_of(&one);
        place_set("combination %u (2: header %d, end %d; 3: %s, rest %d; mark %d; 4: %d, header "
                  "%d, body %d)",
                  i, (int)one.earlier, (int)one.before, one.begun ? "begun" : "not begun",
                  (int)one.rest, (int)one.mark, one.above, (int)one.above_header,
                  (int)one.above_body);
        check_combination(&base, &one, &expected);
        opened += expected.code == LD_OK;
    }
    print_message("%u combinations, %u of them open\n", all, opened);
    assert_in_range(opened, 20, all - 20);
    storage_free(base.storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_every_combination),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
