/*
 * Legal holds, with the power cut at every step and with every step failing: a hold that was placed
 * is there, whole; what it covers is never moved away; a list that is damaged lets nothing go.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "evlog/holds.h"
#include "rig.h"

#define ARCHIVE "/archive"
#define HOLDS   LOG_DIRECTORY "/holds"
enum { SEGMENTS = 4, STEPS_MAX = 200 };

struct held {
    struct storage *storage; /* a log of SEGMENTS + 1 segments */
    struct evlog_options options;
    uint64_t bases[SEGMENTS + 2]; /* of segment 1, 2, … */
    int64_t last_us;              /* of the last event; the clock stands still */
};

static int setup(void **state)
{
    struct held *held = calloc(1, sizeof *held);
    struct rig *rig;
    rig_setup((void **)&rig);
    rig_open(rig);
    for (uint64_t number = 1; number <= SEGMENTS + 1; number++) {
        rig_grow(rig, 3, number);
        held->bases[number] = number == 1 ? 1 : evlog_durable(rig->log) - 1;
    }
    held->last_us = evlog_last_time_us(rig->log);
    rig_close(rig);
    held->storage = storage_cut(rig->storage, STORAGE_NOTHING, 1);
    held->options = rig->options;
    rig_teardown((void **)&rig);
    *state = held;
    return 0;
}

static int teardown(void **state)
{
    struct held *held = *state;
    storage_free(held->storage);
    free(held);
    return 0;
}

/* ---- doing ---- */

static struct evlog_hold hold_of(uint64_t from, uint64_t to)
{
    return (struct evlog_hold){.from = from,
                               .to = to,
                               .from_us = INT64_MIN,
                               .to_us = INT64_MAX,
                               .by = "张检察官",
                               .reason = "案件 2026-17"};
}

static int place_hold(struct storage *storage, uint64_t from, uint64_t to)
{
    struct evlog_hold hold = hold_of(from, to);
    return evlog_hold_place(storage_context(storage), LOG_DIRECTORY, &hold, &test_error);
}

static int release_hold(struct storage *storage, uint64_t number)
{
    return evlog_hold_release(storage_context(storage), LOG_DIRECTORY, number, "李检察官", "结案",
                              &test_error);
}

static int archive_keeping(struct storage *storage, uint64_t needed_from, uint64_t keep,
                           struct evlog_archive_report *report)
{
    struct evlog_archive_rule rule = {
        .keep = keep, .before_us = INT64_MAX, .needed_from = needed_from};
    return evlog_archive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, &rule, report,
                         &test_error);
}

static int archive(struct storage *storage, uint64_t needed_from,
                   struct evlog_archive_report *report)
{
    return archive_keeping(storage, needed_from, 0, report);
}

static bool has_segment(struct storage *storage, uint64_t number)
{
    char path[STORAGE_PATH_SIZE];
    snprintf(path, sizeof path, LOG_DIRECTORY "/%016" PRIu64 ".ldlog", number);
    return storage_has(storage, path);
}

/* How many segments archiving moves, keeping some, and which hold it stops at. */
static void expect_archive(struct storage *storage, uint64_t segments, uint64_t held_by,
                           uint64_t keep)
{
    struct evlog_archive_report report;
    assert_ok(archive_keeping(storage, 0, keep, &report));
    assert_int_equal(report.segments, segments);
    assert_int_equal(report.held_by, held_by);
}

static void expect_holds(struct storage *storage, size_t count, size_t in_force)
{
    struct evlog_holds holds;
    size_t found = 0;
    assert_ok(evlog_holds_read(storage_context(storage), LOG_DIRECTORY, &holds, &test_error));
    for (size_t i = 0; i < holds.count; i++)
        found += holds.all[i].released_us == 0;
    assert_int_equal(holds.count, count);
    assert_int_equal(found, in_force);
    evlog_holds_free(&holds);
}

/* ---- in order ---- */

static void test_kept_whole(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    struct evlog_holds holds;
    expect_holds(storage, 0, 0);
    storage_set_time(storage, 1000);
    assert_ok(place_hold(storage, 5, 9));
    assert_ok(place_hold(storage, 7, UINT64_MAX));
    storage_set_time(storage, 2000);
    assert_ok(release_hold(storage, 1));
    assert_ok(evlog_holds_read(storage_context(storage), LOG_DIRECTORY, &holds, &test_error));
    struct evlog_hold first = hold_of(5, 9), second = hold_of(7, UINT64_MAX);
    first.number = 1;
    second.number = 2;
    first.placed_us = holds.all[0].placed_us;
    second.placed_us = holds.all[1].placed_us;
    first.released_us = holds.all[0].released_us;
    assert_true(first.placed_us >= 1000 && first.placed_us < 2000);
    assert_true(first.released_us >= 2000);
    snprintf(first.released_by, sizeof first.released_by, "李检察官");
    snprintf(first.release_reason, sizeof first.release_reason, "结案");
    assert_int_equal(holds.count, 2);
    assert_memory_equal(&holds.all[0], &first, sizeof first);
    assert_memory_equal(&holds.all[1], &second, sizeof second);
    evlog_holds_free(&holds);
    storage_free(storage);
}

static void test_archive_stops(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    assert_ok(
        place_hold(storage, held->bases[3] - 1, held->bases[3] - 1)); /* the last of segment 2 */
    expect_archive(storage, 1, 1, 0);
    assert_false(has_segment(storage, 1));
    assert_true(has_segment(storage, 2));
    assert_ok(place_hold(storage, held->bases[4], held->bases[4]));
    assert_ok(release_hold(storage, 1));
    expect_archive(storage, 2, 2, 0);
    assert_true(has_segment(storage, 4));
    assert_ok(release_hold(storage, 2));
    expect_archive(storage, 1, 0, 0);
    assert_false(has_segment(storage, 4));
    storage_free(storage);
}

static bool covers(const struct evlog_hold *hold, int64_t first_us, int64_t last_us)
{
    struct evlog_hold copy = *hold;
    const struct evlog_holds holds = {.all = &copy, .count = 1};
    return evlog_holds_on(&holds, 5, 9, first_us, last_us) != NULL;
}

static void test_by_time(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    struct evlog_hold hold = hold_of(9, UINT64_MAX);
    hold.from_us = 100;
    hold.to_us = 200;
    assert_true(covers(&hold, 200, 300));
    assert_false(covers(&hold, 201, 300));
    assert_true(covers(&hold, 50, 100));
    assert_false(covers(&hold, 50, 99));
    assert_true(covers(&hold, 50, 300));
    hold.from = 10;
    assert_false(covers(&hold, 50, 300));
    hold = hold_of(0, UINT64_MAX);
    hold.from_us = held->last_us + 1; /* nothing yet */
    assert_ok(evlog_hold_place(storage_context(storage), LOG_DIRECTORY, &hold, &test_error));
    expect_archive(storage, 2, 0, 2);
    hold.from_us = held->last_us;
    assert_ok(evlog_hold_place(storage_context(storage), LOG_DIRECTORY, &hold, &test_error));
    expect_archive(storage, 0, 2, 0);
    storage_free(storage);
}

static void test_needed(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    struct evlog_archive_report report;
    assert_ok(archive(storage, held->bases[3], &report)); /* 1 and 2 are done with */
    assert_int_equal(report.segments, 2);
    assert_true(report.needed);
    assert_int_equal(report.held_by, 0);
    assert_ok(archive(storage, held->bases[4] - 1, &report)); /* the last of segment 3 */
    assert_int_equal(report.segments, 0);
    assert_true(has_segment(storage, 3));
    storage_free(storage);
}

/* Beside an open log, and not beside archiving; repair does not touch the file. */
static void test_beside(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    struct evlog_repair_report report;
    struct evlog *log;
    uint64_t size, size_after;
    int fd;
    assert_ok(evlog_open(storage_context(storage), LOG_DIRECTORY, &held->options, &log, NULL,
                         &test_error));
    assert_ok(place_hold(storage, 1, 5));
    evlog_close(log);
    assert_ok(holds_lock(storage_context(storage), LOG_DIRECTORY, &fd, &test_error));
    assert_int_equal(place_hold(storage, 1, 5), LD_LOCKED);
    assert_int_equal(release_hold(storage, 1), LD_LOCKED);
    struct evlog_archive_report archived;
    assert_int_equal(archive(storage, 0, &archived), LD_LOCKED);
    assert_ok(storage_context(storage)->files.close(storage_context(storage)->self, fd));
    const uint8_t *bytes = storage_peek(storage, HOLDS, &size);
    uint32_t checksum = ld_crc32c(0, bytes, size);
    storage_flip(storage, LOG_DIRECTORY "/0000000000000004.ldlog", UINT64_C(8) * 5000);
    assert_ok(evlog_repair(storage_context(storage), LOG_DIRECTORY, NULL, &report, &test_error));
    assert_true(report.folder[0] != 0);
    bytes = storage_peek(storage, HOLDS, &size_after);
    assert_int_equal(size_after, size);
    assert_int_equal(ld_crc32c(0, bytes, size), checksum);
    expect_archive(storage, 0, 1, 0);
    storage_free(storage);
}

static void test_refused(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    struct evlog_hold hold = hold_of(9, 5);
    const struct ld_context *context = storage_context(storage);
    assert_int_equal(evlog_hold_place(context, LOG_DIRECTORY, &hold, &test_error), LD_INVALID);
    hold = hold_of(5, 9);
    hold.by[0] = 0;
    assert_int_equal(evlog_hold_place(context, LOG_DIRECTORY, &hold, &test_error), LD_INVALID);
    hold = hold_of(5, 9);
    snprintf(hold.reason, sizeof hold.reason, "a\nb");
    assert_int_equal(evlog_hold_place(context, LOG_DIRECTORY, &hold, &test_error), LD_INVALID);
    assert_int_equal(release_hold(storage, 1), LD_NOTFOUND);
    assert_ok(place_hold(storage, 5, 9));
    assert_ok(release_hold(storage, 1));
    assert_int_equal(release_hold(storage, 1), LD_NOTFOUND);
    assert_int_equal(release_hold(storage, 0), LD_NOTFOUND);
    expect_holds(storage, 1, 0);
    storage_free(storage);
}

/* ---- damage ---- */

static void test_damaged(void **state)
{
    struct held *held = *state;
    struct storage *base = storage_kill(held->storage);
    struct evlog_archive_report report;
    uint64_t size;
    assert_ok(place_hold(base, 1, 5));
    assert_ok(release_hold(base, 1)); /* even one that holds nothing */
    assert_non_null(storage_peek(base, HOLDS, &size));
    for (uint64_t byte = 0; byte < size; byte += 7) {
        struct storage *storage = storage_kill(base);
        storage_flip(storage, HOLDS, 8 * byte + byte % 8);
        assert_int_equal(archive(storage, 0, &report), LD_CORRUPT);
        assert_non_null(strstr(test_error.text, "put a good copy back"));
        assert_true(has_segment(storage, 1));
        assert_int_equal(place_hold(storage, 1, 5), LD_CORRUPT);
        storage_free(storage);
    }
    storage_put(base, HOLDS, "", 0);
    assert_int_equal(archive(base, 0, &report), LD_CORRUPT);
    storage_free(base);
}

static void test_of_another_log(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage), *other = storage_new(77);
    struct evlog_archive_report report;
    struct evlog *log;
    uint64_t size;
    assert_ok(
        evlog_open(storage_context(other), LOG_DIRECTORY, &held->options, &log, NULL, &test_error));
    evlog_close(log);
    assert_ok(place_hold(other, 1, 5));
    const uint8_t *bytes = storage_peek(other, HOLDS, &size);
    storage_put(storage, HOLDS, bytes, size);
    assert_int_equal(archive(storage, 0, &report), LD_INVALID);
    assert_int_equal(place_hold(storage, 1, 5), LD_INVALID);
    assert_true(has_segment(storage, 1));
    storage_free(other);
    storage_free(storage);
}

/* ---- power cuts and failing steps ---- */

struct cutting {
    uint64_t step, at; /* the image is taken at this step */
    unsigned survival;
    struct storage *image;
};

static void on_step(struct storage *storage, enum storage_step step, void *data)
{
    struct cutting *cutting = data;
    (void)step;
    if (cutting->step++ == cutting->at)
        cutting->image = storage_cut(storage, cutting->survival, cutting->at);
}

static void work(struct storage *storage)
{
    struct evlog_archive_report report;
    assert_ok(place_hold(storage, 6, 8));
    assert_ok(release_hold(storage, 2));
    assert_ok(archive(storage, 0, &report));
}

/* Hold 1 was there before; hold 2 comes and goes. */
static void check(struct storage *storage)
{
    struct evlog_holds holds;
    struct evlog_archive_report report;
    assert_ok(evlog_holds_read(storage_context(storage), LOG_DIRECTORY, &holds, &test_error));
    assert_in_range(holds.count, 1, 2);
    assert_int_equal(holds.all[0].released_us, 0);
    bool second = holds.count == 2 && holds.all[1].released_us == 0;
    evlog_holds_free(&holds);
    assert_ok(archive(storage, 0, &report));
    assert_int_equal(report.held_by, second ? 2 : 1);
    assert_true(has_segment(storage, 3));
    assert_int_equal(has_segment(storage, 1), second);
}

static void test_cuts(void **state)
{
    struct held *held = *state;
    struct storage *base = storage_kill(held->storage);
    uint64_t cuts = 0;
    assert_ok(place_hold(base, held->bases[3], held->bases[3]));
    for (unsigned survival = 0; survival < STORAGE_SURVIVALS; survival++) {
        struct cutting cutting = {.survival = survival};
        do {
            struct storage *storage = storage_kill(base);
            cutting.step = 0;
            cutting.image = NULL;
            storage_on_step(storage, on_step, &cutting);
            work(storage);
            storage_on_step(storage, NULL, NULL);
            storage_free(storage);
            if (cutting.image)
                check(cutting.image);
            storage_free(cutting.image);
            cutting.at++;
            cuts++;
        } while (cutting.image);
    }
    print_message("%" PRIu64 " cuts\n", cuts);
    assert_true(cuts > 100);
    storage_free(base);
}

/* Whoever was told that it is placed can rely on it, though power goes right after. */
static void test_durable(void **state)
{
    struct held *held = *state;
    struct storage *storage = storage_kill(held->storage);
    assert_ok(place_hold(storage, 1, 5));
    for (unsigned survival = 0; survival < STORAGE_SURVIVALS; survival++) {
        struct storage *cut = storage_cut(storage, survival, survival);
        expect_holds(cut, 1, 1);
        expect_archive(cut, 0, 1, 0);
        storage_free(cut);
    }
    storage_free(storage);
}

static void test_failing_steps(void **state)
{
    struct held *held = *state;
    struct storage *base = storage_kill(held->storage);
    uint64_t failures = 0;
    assert_ok(place_hold(base, held->bases[2], held->bases[2]));
    for (uint64_t n = 0; n < STEPS_MAX; n++) {
        struct storage *storage = storage_kill(base);
        storage_fail(storage, STORAGE_ANY & ~(unsigned)STORAGE_REMOVE, n, LD_IO);
        int code = place_hold(storage, held->bases[1], held->bases[1]);
        uint64_t failed = storage_failed(storage);
        storage_fail(storage, 0, 0, LD_OK);
        failures += code != LD_OK;
        struct evlog_archive_report report;
        assert_ok(archive(storage, 0, &report));
        assert_true(report.held_by == 1 || report.held_by == 2);
        if (code == LD_OK)
            assert_int_equal(report.held_by, 2);
        assert_true(has_segment(storage, 2));
        storage_free(storage);
        if (failed == 0)
            break;
    }
    assert_true(failures > 5);
    storage_free(base);
}

/* A disk that fails to say what is held lets nothing go. */
static void test_unreadable(void **state)
{
    struct held *held = *state;
    struct storage *base = storage_kill(held->storage);
    assert_ok(place_hold(base, 1, 1));
    for (uint64_t n = 0; n < STEPS_MAX; n++) {
        struct evlog_archive_report report;
        struct storage *storage = storage_kill(base);
        storage_fail(storage, STORAGE_READ | STORAGE_OPEN, n, LD_IO);
        int code = archive(storage, 0, &report);
        uint64_t failed = storage_failed(storage);
        assert_true(has_segment(storage, 1));
        assert_true(code != LD_OK || report.held_by == 1);
        storage_free(storage);
        if (failed == 0)
            break;
    }
    storage_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_whole),    cmocka_unit_test(test_archive_stops),
        cmocka_unit_test(test_by_time),       cmocka_unit_test(test_needed),
        cmocka_unit_test(test_beside),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged),       cmocka_unit_test(test_of_another_log),
        cmocka_unit_test(test_cuts),          cmocka_unit_test(test_durable),
        cmocka_unit_test(test_failing_steps), cmocka_unit_test(test_unreadable),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
