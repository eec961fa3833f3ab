/*
 * Indexes of sealed segments: whatever is asked, the answers with them, without them and with
 * damaged ones are those of reading everything.
 */
#include "evlog_world.h"

#include <liandong/topic.h>
#include "evlog/index.h"

enum { SEGMENTS = 6, EVENTS = 6000, BYTE_STEP = 3, SEGMENT_BYTES = 4 * WORLD_SEGMENT_BYTES };

/* ---- a log of many topics ---- */

static const char *const TOPICS[] = {
    "report/330302/cholera/330302.health",
    "report/330304/cholera/330304.health",
    "grade/3303/c1",
    "grade/330302/c1",
    "duty/3303/health/1",
    "duty/3303/health/1/step",
    "duty/3303/traffic/2",
    "duty/33030/health/1",
    "sys/tick",
    "notice/3303",
};

static const char *const FILTERS[] = {
    ">",
    "sys/tick",
    "sys/*",
    "duty/3303/health/>",
    "duty/3303/*/>",
    "duty/33*/>",
    "grade/33*/>",
    "grade/3303/>",
    "rare/3303/unit/>",
    "rare/>",
    "notice/3303",
    "notice/3303/>",
    "report/*/cholera/330304.*",
    "nobody/*",
    "duty/3303/health",
    "duty/3303/health/1",
};

static void stage_topic(struct world *world, const char *topic, size_t payload_size)
{
    static uint64_t producer_sequence;
    static uint8_t payload[1024];
    uint8_t raw[EVENT_SIZE_MAX];
    uint64_t sequence;
    struct ld_record record = {.topic = topic,
                               .topic_size = (uint16_t)strlen(topic),
                               .payload = payload,
                               .payload_size = (uint32_t)payload_size,
                               .producer = 9,
                               .producer_sequence = ++producer_sequence};
    ld_record_encode(raw, &record);
    atomic_fetch_add(&world->now_us, 1000);
    assert_ok(evlog_stage(world->log, raw, world_now(world), 0, &sequence, &test_error));
}

/* Topics in runs and mixed, a rare one in two places. */
static void fill(struct world *world)
{
    for (size_t i = 0; i < EVENTS; i++) {
        size_t run = i / 1200 % 2 == 0 ? i / 250 : i;
        stage_topic(world, TOPICS[run % (sizeof TOPICS / sizeof TOPICS[0])], 100 + i % 300);
        if (i == 1600 || i == 4400)
            stage_topic(world, "rare/3303/unit/a", 40);
        if (i % 50 == 0)
            assert_ok(evlog_commit(world->log, &test_error));
    }
    assert_ok(evlog_commit(world->log, &test_error));
}

/* ---- answers ---- */

struct answer {
    uint64_t events, sum, bytes; /* matching; a sum over their sequences; bytes read for it */
};

static void add_span(struct answer *answer, const struct evlog_span *span, const char *filter)
{
    struct ld_record record;
    answer->bytes += span->size;
    for (size_t at = 0; at < span->size; at += record.size) {
        assert_ok(ld_record_decode(span->data + at, span->size - at, &record, &test_error));
        if (!ld_filter_matches(filter, strlen(filter), record.topic, record.topic_size))
            continue;
        answer->events++;
        answer->sum = answer->sum * 1000003 + record.sequence;
    }
}

static struct answer ask(struct world *world, const char *filter, uint64_t from, bool seek)
{
    struct evlog_filter filters[] = {{filter, strlen(filter)}};
    struct evlog_selection selection = {.filters = filters, .count = 1};
    struct answer answer = {0};
    uint64_t next = from;
    while (next <= evlog_durable(world->log)) {
        struct evlog_span span;
        size_t step_bytes = SIZE_MAX;
        if (seek)
            next = evlog_seek(world->log, &selection, next, &step_bytes);
        if (step_bytes == 0)
            continue;
        assert_ok(evlog_read(world->log, next, step_bytes, &span, &test_error));
        if (span.size == 0)
            break;
        add_span(&answer, &span, filter);
        next = span.last + 1;
        evlog_span_release(&span);
    }
    return answer;
}

static void assert_same(struct answer left, struct answer right)
{
    assert_int_equal(left.events, right.events);
    assert_int_equal(left.sum, right.sum);
}

static void check_answers(struct world *world)
{
    for (size_t i = 0; i < sizeof FILTERS / sizeof FILTERS[0]; i++)
        for (uint64_t from = 1; from <= evlog_durable(world->log); from += 1237)
            assert_same(ask(world, FILTERS[i], from, true), ask(world, FILTERS[i], from, false));
}

/* By reading all of it. */
static uint64_t find_by_reading(struct world *world, int64_t time_us)
{
    uint64_t next = 1;
    struct evlog_span span;
    struct ld_record record;
    for (; next <= evlog_durable(world->log); next++) {
        assert_ok(evlog_read(world->log, next, 1, &span, &test_error));
        assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
        evlog_span_release(&span);
        if (record.time_us >= time_us)
            break;
    }
    return next;
}

static void check_times(struct world *world)
{
    int64_t now_us = world_now(world);
    for (int64_t back_us = -1000; back_us < EVENTS * 1000 + 5000; back_us += 407500) {
        uint64_t found;
        int64_t time_us = now_us - back_us;
        assert_ok(evlog_find_time(world->log, time_us, UINT64_MAX, &found, &test_error));
        assert_int_equal(found, find_by_reading(world, time_us));
    }
}

/* ---- waiting for the indexer ---- */

static bool all_looked(void *data)
{
    struct evlog_stats stats;
    evlog_get_stats(((struct world *)data)->log, &stats);
    return stats.indexes_looked + 1 >= stats.bytes_on_disk / SEGMENT_BYTES;
}

static struct evlog_stats open_indexed(struct world *world)
{
    struct evlog_stats stats;
    world_close(world);
    world->options.index = true;
    world_open(world);
    wait_until(all_looked, world);
    evlog_get_stats(world->log, &stats);
    return stats;
}

static void index_name(char name[32], uint64_t number)
{
    snprintf(name, 32, "%016llu.ldidx", (unsigned long long)number);
}

static void remove_index(struct world *world, uint64_t number)
{
    char name[32], path[2 * WORLD_PATH_SIZE];
    index_name(name, number);
    world_path(world, path, name);
    assert_int_equal(unlink(path), 0);
}

static struct index_of index_expected(struct world *world, uint64_t number)
{
    struct segment_header header, next;
    assert_ok(segment_read_header(&world->context, world->directory, number, &header, &test_error));
    assert_ok(
        segment_read_header(&world->context, world->directory, number + 1, &next, &test_error));
    struct index_of of = {.number = number, .base = header.base, .last = next.base - 1};
    memcpy(of.id, header.id, EVLOG_ID_SIZE);
    return of;
}

/* ---- tests ---- */

static void test_answers(void **state)
{
    struct world *world = *state;
    world_open(world);
    fill(world);
    struct evlog_stats stats = open_indexed(world);
    assert_true(stats.indexes_made >= SEGMENTS);
    assert_int_equal(stats.indexes_failed, 0);
    check_answers(world);
    check_times(world);
    for (uint64_t number = 1; number <= stats.indexes_made; number++)
        remove_index(world, number);
    check_answers(world); /* some are kept, the others are missed */
    world->options.index = false;
    world_close(world);
    world_open(world);
    check_answers(world);
    check_times(world);
}

static void test_skips(void **state)
{
    struct world *world = *state;
    world_open(world);
    fill(world);
    (void)open_indexed(world);
    struct answer all = ask(world, "rare/>", 1, false), some = ask(world, "rare/>", 1, true);
    struct answer none = ask(world, "nobody/*", 1, true);
    assert_same(some, all);
    assert_int_equal(some.events, 2);
    /* Two blocks of the sealed segments, and the last segment, which has no index. */
    assert_true(some.bytes - none.bytes <= 3 * BLOCK_BYTES_MIN);
    assert_true(none.bytes <= SEGMENT_BYTES);
    assert_true(all.bytes > SEGMENTS * (SEGMENT_BYTES - 2 * WORLD_HEADER_BYTES));
}

/* An index that was asked for topics knows no times of first events: these are read when needed. */
static void test_times_after_skipping(void **state)
{
    struct world *world = *state;
    world_open(world);
    fill(world);
    (void)open_indexed(world);
    (void)ask(world, "nobody/*", 1, true);
    check_times(world);
}

/* Without an index file: a bounded piece of the segment a call, then found. */
static void test_find_time_in_pieces(void **state)
{
    enum { PIECE_BYTES = 40000 };
    struct world *world = *state;
    uint64_t sequence = 0, calls = 1;
    int64_t begin_us = world_now(world);
    world->options.segment_bytes = 1u << 20;
    world_open(world);
    for (int64_t i = 0; i < 3000; i++) {
        atomic_store(&world->now_us, begin_us + i * 1000);
        world_stage(world, 1, 1);
    }
    assert_ok(evlog_commit(world->log, &test_error));
    world_close(world);
    world_open(world);
    int64_t time_us = begin_us + 2000 * 1000;
    int code;
    while ((code = evlog_find_time(world->log, time_us, PIECE_BYTES, &sequence, &test_error)) ==
           LD_BUSY)
        calls++;
    assert_ok(code);
    assert_int_equal(sequence, 2001);
    assert_true(calls >= 3000 * LD_RECORD_HEADER_SIZE / PIECE_BYTES / 2);
    assert_ok(evlog_find_time(world->log, time_us + 1, 0, &sequence, &test_error));
    assert_int_equal(sequence, 2002);
}

/* Made as segments are sealed, in any case found by the next open, which makes none. */
static void test_made_when_sealed(void **state)
{
    struct world *world = *state;
    world->options.index = true;
    world_open(world);
    fill(world);
    wait_until(all_looked, world);
    check_answers(world);
    struct evlog_stats stats = open_indexed(world);
    assert_int_equal(stats.indexes_made, 0);
    assert_int_equal(stats.indexes_failed, 0);
    assert_true(stats.indexes_looked >= SEGMENTS);
}

static void test_every_byte_flipped(void **state)
{
    struct world *world = *state;
    char name[32], path[2 * WORLD_PATH_SIZE];
    struct segment_index index;
    world_open(world);
    fill(world);
    (void)open_indexed(world);
    struct index_of of = index_expected(world, 2);
    assert_ok(index_read(&world->context, world->directory, &of, &index, &test_error));
    index_name(name, 2);
    world_path(world, path, name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    for (size_t i = 0; i < index.size; i++) {
        struct segment_index damaged;
        fseek(file, (long)i, SEEK_SET);
        fputc(index.bytes[i] ^ 0x10, file);
        fflush(file);
        int code = index_read(&world->context, world->directory, &of, &damaged, &test_error);
        assert_int_equal(code, LD_CORRUPT);
        fseek(file, (long)i, SEEK_SET);
        fputc(index.bytes[i], file);
        fflush(file);
    }
    fseek(file, (long)index.size / 2, SEEK_SET);
    fputc(index.bytes[index.size / 2] ^ 1, file);
    fclose(file);
    index_discard(&index);
    world->options.index = false;
    world_close(world);
    world_open(world);
    check_answers(world);
    check_times(world);
    struct evlog_stats stats = open_indexed(world); /* and it is made anew */
    assert_int_equal(stats.indexes_made, 1);
}

/* Damage that the checksum does not show does no harm but to answers: no read outside. */
static void test_flipped_under_good_checksum(void **state)
{
    struct world *world = *state;
    char name[32], path[2 * WORLD_PATH_SIZE];
    struct segment_index index;
    world_open(world);
    fill(world);
    (void)open_indexed(world);
    struct index_of of = index_expected(world, 2);
    assert_ok(index_read(&world->context, world->directory, &of, &index, &test_error));
    index_name(name, 2);
    world_path(world, path, name);
    for (size_t i = 8; i < index.size; i += BYTE_STEP) {
        struct segment_index damaged;
        uint8_t blocks[BLOCK_BITMAP_BYTES] = {0}, before = index.bytes[i];
        index.bytes[i] = (uint8_t)(before ^ (1u << i % 8));
        ld_put_u32(index.bytes + 4, ld_crc32c(0, index.bytes + 8, index.size - 8));
        assert_ok(index_write(&world->context, world->directory, &index, &test_error));
        if (index_read(&world->context, world->directory, &of, &damaged, &test_error) == LD_OK) {
            index_select(&damaged, "duty/3303/*/>", 13, blocks);
            (void)index_block_of(&damaged, of.last);
            (void)index_block_before(&damaged, world_now(world));
            index_discard(&damaged);
        }
        index.bytes[i] = before;
    }
    index_discard(&index);
}

/* An index with wrong places, all else right, is found out by the events themselves. */
static void test_wrong_places(void **state)
{
    struct world *world = *state;
    struct segment_index index;
    world_open(world);
    fill(world);
    (void)open_indexed(world);
    struct index_of of = index_expected(world, 2);
    assert_ok(index_read(&world->context, world->directory, &of, &index, &test_error));
    world_close(world);
    for (uint32_t i = 0; i < index.block_count; i++) {
        uint8_t *block = index.bytes + 128 + 24 * i;
        ld_put_u64(block + 8, ld_get_u64(block + 8) + (i > 0 ? 8 : 0));
    }
    ld_put_u32(index.bytes + 4, ld_crc32c(0, index.bytes + 8, index.size - 8));
    assert_ok(index_write(&world->context, world->directory, &index, &test_error));
    index_discard(&index);
    world->options.index = false;
    world_open(world);
    for (uint64_t from = of.last; from >= of.base; from -= 7) {
        struct evlog_span span;
        assert_ok(evlog_read(world->log, from, 1, &span, &test_error));
        assert_int_equal(span.first, from);
        evlog_span_release(&span);
    }
    check_times(world);
}

/* The same log, the same segment and base, other events: as after a repair. */
static void test_of_another_history(void **state)
{
    struct world *world = *state;
    struct segment_index index, none;
    world_open(world);
    fill(world);
    (void)open_indexed(world);
    struct index_of of = index_expected(world, 2);
    assert_ok(index_read(&world->context, world->directory, &of, &index, &test_error));
    for (int i = 0; i < 2; i++) { /* the first event's checksum, then the last one's */
        uint32_t before = ld_get_u32(index.bytes + 72 + 4 * i);
        ld_put_u32(index.bytes + 72 + 4 * i, before + 1);
        ld_put_u32(index.bytes + 4, ld_crc32c(0, index.bytes + 8, index.size - 8));
        assert_ok(index_write(&world->context, world->directory, &index, &test_error));
        assert_int_equal(index_read(&world->context, world->directory, &of, &none, &test_error),
                         LD_CORRUPT);
        ld_put_u32(index.bytes + 72 + 4 * i, before);
    }
    index_discard(&index);
}

static atomic_int writes_until_full;

static int full_write(void *self, int fd, uint64_t offset, const void *data, size_t size,
                      struct ld_error *error)
{
    const struct ld_context *real = ((struct world *)self)->real;
    if (atomic_fetch_sub(&writes_until_full, 1) == 0)
        return ld_fail(error, LD_NOSPACE, "full as told");
    return real->files.write(real->self, fd, offset, data, size, error);
}

static void test_disk_fails(void **state)
{
    struct world *world = *state;
    world_open(world);
    fill(world);
    struct evlog_stats stats = open_indexed(world);
    uint64_t sealed = stats.indexes_looked;
    for (uint64_t number = 1; number <= sealed; number++)
        remove_index(world, number);
    world_close(world);
    atomic_store(&writes_until_full, 1);
    world->context.files.write = full_write;
    world_open(world);
    wait_until(all_looked, world);
    evlog_get_stats(world->log, &stats);
    assert_int_equal(stats.indexes_failed, 1);
    assert_int_equal(stats.indexes_made, sealed - 1);
    assert_false(stats.failed);
    check_answers(world);
    assert_false(world_has_file(world, "0000000000000002.ldidx.tmp"));
}

/* ---- topics ---- */

struct covering {
    const char *topic, *filter;
    unsigned block;
    bool found;
};

static void look(const char *text, size_t size, const uint8_t *bitmap, void *data)
{
    struct covering *covering = data;
    if (bitmap[covering->block / 8] >> covering->block % 8 & 1)
        covering->found |=
            topics_filter_reaches(covering->filter, strlen(covering->filter), text, size);
}

static void random_text(char text[64], unsigned *seed, bool filter)
{
    static const char *const PARTS[] = {"a", "b", "ab", "a.b", "abc", "c"};
    unsigned segments = 1 + (unsigned)rand_r(seed) % 5;
    size_t size = 0;
    for (unsigned i = 0; i < segments; i++) {
        const char *part = PARTS[(unsigned)rand_r(seed) % 6];
        unsigned kind = filter ? (unsigned)rand_r(seed) % 6 : 9;
        if (kind == 0 && i + 1 == segments)
            part = ">";
        size += (size_t)snprintf(text + size, 64 - size, "%s%s%s", i > 0 ? "/" : "",
                                 kind == 1 ? "" : part, kind <= 2 && *part != '>' ? "*" : "");
    }
}

/* No filter that matches a topic is ever told that the block has none. */
static void test_topics_random(void **state)
{
    (void)state;
    const char *given = getenv("LIANDONG_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 0) : 1;
    print_message("LIANDONG_SEED=%u\n", seed);
    for (int round = 0; round < 300; round++) {
        char topic[64], filter[64];
        struct topics topics = {0};
        for (unsigned i = 0; i < 40; i++) {
            random_text(topic, &seed, false);
            assert_true(topics_set(&topics, topic, strlen(topic), i));
            for (unsigned j = 0; j < 20; j++) {
                random_text(filter, &seed, true);
                struct covering covering = {topic, filter, i, false};
                topics_each(&topics, look, &covering);
                if (ld_filter_matches(filter, strlen(filter), topic, strlen(topic)))
                    assert_true(covering.found);
            }
        }
        topics_free(&topics);
    }
}

static bool reaches(const struct topics *topics, const char *filter, unsigned block)
{
    struct covering covering = {"", filter, block, false};
    topics_each(topics, look, &covering);
    return covering.found;
}

static void test_topics_bounded(void **state)
{
    (void)state;
    struct topics topics = {0};
    char topic[64];
    assert_true(topics_set(&topics, "duty/3303/health/1", 18, 7));
    assert_true(topics_set(&topics, "sys/producer/first", 18, 9));
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(topic, sizeof topic, "sys/producer/%08x", i * 2654435761u);
        assert_true(topics_set(&topics, topic, strlen(topic), 3));
        assert_true(topics.entries <= TOPIC_CHILDREN_MAX + 1);
    }
    assert_int_equal(topics.entries, 2);
    assert_true(reaches(&topics, "sys/producer/x", 3)); /* not known any more */
    assert_true(reaches(&topics, "sys/producer/first", 9));
    assert_false(reaches(&topics, "sys/producer/x", 7));
    assert_false(reaches(&topics, "sys/tick", 3));
    assert_true(reaches(&topics, "duty/3303/health/>", 7));
    assert_false(reaches(&topics, "duty/3303/health/>", 3));
    assert_false(reaches(&topics, "duty/3303/health", 7));
    assert_false(reaches(&topics, "duty/3303/>", 3));
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(topic, sizeof topic, "f%u/%u/%u", i % 20, i / 20 % 200, i);
        assert_true(topics_set(&topics, topic, strlen(topic), i % BLOCKS_MAX));
        assert_true(topics.entries <= TOPIC_ENTRIES_MAX);
        assert_true(reaches(&topics, topic, i % BLOCKS_MAX) || i % 100 != 0);
    }
    assert_true(reaches(&topics, "duty/3303/health/>", 7));
    topics_free(&topics);
}

static int setup(void **state)
{
    world_setup(state);
    struct world *world = *state;
    world->options.segment_bytes = SEGMENT_BYTES;
    world->options.buffer_bytes = 2 * SEGMENT_BYTES;
    return 0;
}

#define INDEXED(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEXED(test_answers),
        INDEXED(test_skips),
        INDEXED(test_times_after_skipping),
        INDEXED(test_find_time_in_pieces),
        INDEXED(test_made_when_sealed),
        INDEXED(test_every_byte_flipped),
        INDEXED(test_flipped_under_good_checksum),
        INDEXED(test_wrong_places),
        INDEXED(test_of_another_history),
        INDEXED(test_disk_fails),
        cmocka_unit_test(test_topics_random),
        cmocka_unit_test(test_topics_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
