/* Heads: what anybody who holds an old one can show. */
#include "evlog_world.h"

#include "evlog/segment.h"

enum { SEGMENTS = 5, EVENTS = 800 };

struct findings {
    uint64_t count, sequence;
    char segment[64], text[300];
};

static void note(const char *segment, uint64_t sequence, const char *text, void *data)
{
    struct findings *findings = data;
    if (findings->count++ > 0)
        return;
    findings->sequence = sequence;
    snprintf(findings->segment, sizeof findings->segment, "%s", segment);
    snprintf(findings->text, sizeof findings->text, "%.290s", text);
}

static int compare(struct world *world, const struct evlog_head *head, struct findings *findings)
{
    *findings = (struct findings){0};
    return evlog_head_compare(&world->context, world->directory, NULL, head, note, findings,
                              &test_error);
}

static struct evlog_head head_at(struct world *world, uint64_t sequence)
{
    struct evlog_head head;
    assert_ok(evlog_head(&world->context, world->directory, sequence, &head, &test_error));
    return head;
}

static uint64_t fill(struct world *world)
{
    world_open(world);
    uint64_t last = 0;
    for (int i = 0; i < EVENTS / 40; i++)
        last = world_append(world, 5, 40);
    struct evlog_stats stats;
    evlog_get_stats(world->log, &stats);
    assert_true(stats.bytes_on_disk >= SEGMENTS * WORLD_SEGMENT_BYTES);
    return last;
}

/* Every head there can be holds as long as nothing is changed, whatever is appended. */
static void test_holds(void **state)
{
    struct world *world = *state;
    struct findings findings;
    uint64_t last = fill(world);
    world_close(world);
    struct evlog_head early = head_at(world, 0), *heads = calloc(last + 1, sizeof *heads);
    assert_int_equal(early.sequence, last);
    for (uint64_t sequence = 1; sequence <= last; sequence += 37)
        heads[sequence] = head_at(world, sequence);
    world_open(world);
    world_append(world, 6, 300);
    world_close(world);
    assert_ok(compare(world, &early, &findings));
    for (uint64_t sequence = 1; sequence <= last; sequence += 37) {
        struct evlog_head again = head_at(world, sequence);
        assert_memory_equal(again.chain, heads[sequence].chain, EVLOG_HASH_SIZE);
        assert_int_equal(again.time_us, heads[sequence].time_us);
        assert_ok(compare(world, &heads[sequence], &findings));
        evlog_head_free(&again);
        evlog_head_free(&heads[sequence]);
    }
    free(heads);
    evlog_head_free(&early);
}

/* The hashes that the indexes keep are those of the segments. */
static bool all_looked(void *data)
{
    struct evlog_stats stats;
    evlog_get_stats(((struct world *)data)->log, &stats);
    return stats.indexes_looked + 1 >= stats.segments;
}

static void test_same_by_indexes(void **state)
{
    struct world *world = *state;
    (void)fill(world);
    world_close(world);
    struct evlog_head walked = head_at(world, 0);
    world->options.index = true;
    world_open(world);
    wait_until(all_looked, world);
    world_close(world);
    struct evlog_head indexed = head_at(world, 0);
    assert_int_equal(walked.count, indexed.count);
    assert_memory_equal(walked.links, indexed.links, walked.count * sizeof *walked.links);
    assert_memory_equal(walked.chain, indexed.chain, EVLOG_HASH_SIZE);
    evlog_head_free(&walked);
    evlog_head_free(&indexed);
}

/* Changes a byte of the n-th record's payload in a segment file and makes all checksums right. */
static void forge(struct world *world, uint64_t number, unsigned n, bool checksums)
{
    char name[32], path[2 * WORLD_PATH_SIZE];
    static uint8_t bytes[WORLD_SEGMENT_BYTES];
    segment_file(name, number);
    world_path(world, path, name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    size_t at = WORLD_HEADER_BYTES;
    for (; n > 0; n--)
        at += ld_get_u32(bytes + at + 12);
    size_t body = ld_get_u16(bytes + at + 20) + ld_get_u32(bytes + at + 16);
    bytes[at + 64 + body - 1] ^= 1;
    if (checksums) {
        ld_put_u32(bytes + at + 8, ld_crc32c(0, bytes + at + 64, body));
        ld_put_u32(bytes + at + 4, ld_crc32c(0, bytes + at + 8, 56));
    }
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    assert_int_equal(fclose(file), 0);
}

static void test_names_a_forged_segment(void **state)
{
    struct world *world = *state;
    struct findings findings;
    (void)fill(world);
    world_close(world);
    struct evlog_head head = head_at(world, 0);
    for (uint64_t number = 1; number <= head.count; number++) {
        char name[32];
        unsigned n = (unsigned)(head.links[number - 1].last - head.links[number - 1].base) / 2;
        segment_file(name, number);
        forge(world, number, n, true);
        assert_ok(evlog_verify(&world->context, world->directory, NULL, NULL, NULL, &test_error));
        assert_int_equal(compare(world, &head, &findings), LD_CORRUPT);
        assert_int_equal(findings.count, 1);
        assert_string_equal(findings.segment, name);
        assert_int_equal(findings.sequence, head.links[number - 1].base);
        forge(world, number, n, true);
        assert_ok(compare(world, &head, &findings));
        forge(world, number, n, false);
        assert_int_equal(compare(world, &head, &findings), LD_CORRUPT);
        assert_string_equal(findings.segment, name);
        forge(world, number, n, false);
    }
    assert_ok(compare(world, &head, &findings));
    evlog_head_free(&head);
}

/* What is behind a head's sequence is none of its business. */
static void test_only_its_own_history(void **state)
{
    struct world *world = *state;
    struct findings findings;
    uint64_t last = fill(world);
    world_close(world);
    struct evlog_head head = head_at(world, last / 2);
    struct evlog_head end = head_at(world, 0);
    forge(world, end.count, 1, true);
    assert_ok(compare(world, &head, &findings));
    assert_int_equal(compare(world, &end, &findings), LD_CORRUPT);
    evlog_head_free(&head);
    evlog_head_free(&end);
}

static void test_missing_segment(void **state)
{
    struct world *world = *state;
    struct findings findings;
    char path[2 * WORLD_PATH_SIZE];
    (void)fill(world);
    world_close(world);
    struct evlog_head head = head_at(world, 0);
    world_path(world, path, "0000000000000002.ldlog");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(compare(world, &head, &findings), LD_CORRUPT);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.text, "the segment is not here, nor in the archive");
    evlog_head_free(&head);
}

static void test_changed_head(void **state)
{
    struct world *world = *state;
    struct findings findings;
    (void)fill(world);
    world_close(world);
    struct evlog_head head = head_at(world, 0);
    head.links[1].hash[3] ^= 1;
    assert_int_equal(compare(world, &head, &findings), LD_INVALID);
    head.links[1].hash[3] ^= 1;
    head.links[1].last++;
    assert_int_equal(compare(world, &head, &findings), LD_INVALID);
    head.links[1].last--;
    head.sequence++;
    assert_int_equal(compare(world, &head, &findings), LD_INVALID);
    head.sequence--;
    assert_ok(compare(world, &head, &findings));
    world_empty_directory(world);
    world_open(world);
    world_append(world, 5, 3);
    world_close(world);
    assert_int_equal(compare(world, &head, &findings), LD_INVALID); /* another log */
    evlog_head_free(&head);
}

/* While a router writes, a head does not speak of what may be lost with the power. */
static void test_beside_a_writer(void **state)
{
    struct world *world = *state;
    world_open(world);
    world_append(world, 5, 3);
    world_append(world, 5, 2);
    struct evlog_head head = head_at(world, 0);
    assert_int_equal(head.sequence, 3);
    evlog_head_free(&head);
    assert_int_equal(evlog_head(&world->context, world->directory, 4, &head, &test_error),
                     LD_NOTFOUND);
    world_close(world);
    head = head_at(world, 0);
    assert_int_equal(head.sequence, 5);
    evlog_head_free(&head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INLINE(test_holds),
        INLINE(test_same_by_indexes),
        INLINE(test_names_a_forged_segment),
        INLINE(test_only_its_own_history),
        INLINE(test_missing_segment),
        INLINE(test_changed_head),
        INLINE(test_beside_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
