/*
 * Archiving and restoring, with the power cut at every step and with every step failing: every
 * event is in the log or can be brought back, bit for bit, and the log always opens.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "evlog/archived.h"
#include "evlog/holds.h"
#include "evlog/pack.h"
#include "rig.h"

#define ARCHIVE "/archive"
enum { SEGMENTS = 4, EVENTS_MAX = 2000, STEPS_MAX = 4000 };

/* The log as it was before anything was archived. */
struct original {
    struct storage *storage;
    struct evlog_options options;
    uint64_t head;
    uint32_t checksums[EVENTS_MAX]; /* of each event's bytes */
};

static struct evlog_options live_options; /* as the original's */

static struct evlog *open_log(const struct original *original, struct storage *storage)
{
    struct evlog *log;
    assert_ok(evlog_open(storage_context(storage), LOG_DIRECTORY, &original->options, &log, NULL,
                         &test_error));
    return log;
}

static uint32_t checksum_at(struct evlog *log, uint64_t sequence)
{
    struct evlog_span span;
    assert_ok(evlog_read(log, sequence, 1, &span, &test_error));
    assert_int_equal(span.last, sequence);
    uint32_t checksum = ld_crc32c(0, span.data, span.size);
    evlog_span_release(&span);
    return checksum;
}

static int setup(void **state)
{
    struct rig *rig;
    struct original *original = calloc(1, sizeof *original);
    rig_setup((void **)&rig);
    rig_open(rig);
    rig_grow(rig, 3, SEGMENTS);
    original->head = rig_append(rig, 4, 20);
    assert_true(original->head < EVENTS_MAX);
    for (uint64_t sequence = 1; sequence <= original->head; sequence++)
        original->checksums[sequence] = checksum_at(rig->log, sequence);
    rig_close(rig);
    original->storage = storage_cut(rig->storage, STORAGE_NOTHING, 1);
    original->options = live_options = rig->options;
    rig_teardown((void **)&rig);
    *state = original;
    return 0;
}

static int teardown(void **state)
{
    struct original *original = *state;
    storage_free(original->storage);
    free(original);
    return 0;
}

static int archive(struct storage *storage, uint64_t keep)
{
    struct evlog_archive_rule rule = {.keep = keep, .before_us = INT64_MAX};
    struct evlog_archive_report report;
    return evlog_archive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, &rule, &report,
                         &test_error);
}

static int restore(struct storage *storage, uint64_t from)
{
    struct evlog_archive_report report;
    return evlog_unarchive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, from, &report,
                           &test_error);
}

typedef int act_fn(struct storage *storage);

static int archive_all(struct storage *storage)
{
    return archive(storage, 0);
}

static int restore_all(struct storage *storage)
{
    return restore(storage, 0);
}

/* ---- beside whoever has the log open ---- */

struct live {
    struct storage *storage;
    struct evlog *log;
};

static int take_away(const struct evlog_link *link, void *data, struct ld_error *error)
{
    const struct live *live = data;
    struct evlog_link found;
    int code = evlog_retire_check(live->log, link->last, &found, error);
    if (code != LD_OK)
        return code;
    assert_memory_equal(&found, link, sizeof found);
    evlog_retire(live->log);
    assert_int_equal(evlog_first(live->log), link->last + 1);
    return evlog_retire_remove(storage_context(live->storage), LOG_DIRECTORY, link->number, error);
}

static int archive_live(struct storage *storage)
{
    struct live live = {.storage = storage};
    struct evlog_archive_rule rule = {.before_us = INT64_MAX, .retire = take_away, .data = &live};
    struct evlog_archive_report report;
    int code = evlog_open(storage_context(storage), LOG_DIRECTORY, &live_options, &live.log, NULL,
                          &test_error);
    if (code == LD_OK)
        code = evlog_archive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, &rule, &report,
                             &test_error);
    evlog_close(live.log);
    return code;
}

/* Opens it and compares every event; returns the oldest that is there. */
static uint64_t check_log(const struct original *original, struct storage *storage)
{
    struct evlog *log = open_log(original, storage);
    uint64_t first = evlog_first(log);
    assert_int_equal(evlog_durable(log), original->head);
    for (uint64_t sequence = first; sequence <= original->head; sequence++)
        assert_int_equal(checksum_at(log, sequence), original->checksums[sequence]);
    evlog_close(log);
    return first;
}

/* It opens; done again, archiving and restoring both end well. */
static void check_all(const struct original *original, struct storage *storage)
{
    struct storage *copy = storage_kill(storage);
    (void)check_log(original, copy);
    assert_ok(restore(copy, 0));
    assert_int_equal(check_log(original, copy), 1);
    storage_free(copy);
    copy = storage_kill(storage);
    assert_ok(archive(copy, 0));
    assert_true(check_log(original, copy) > original->head / 2);
    assert_ok(restore(copy, 0));
    assert_int_equal(check_log(original, copy), 1);
    storage_free(copy);
}

/* ---- power cuts ---- */

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

/* Runs one of the two on a copy of base and checks what a cut at each step leaves. */
static void cut_everywhere(const struct original *original, struct storage *base, act_fn *act)
{
    uint64_t cuts = 0;
    for (unsigned survival = 0; survival < STORAGE_SURVIVALS; survival++) {
        struct cutting cutting = {.survival = survival};
        do {
            struct storage *storage = storage_kill(base);
            cutting.step = 0;
            cutting.image = NULL;
            storage_on_step(storage, on_step, &cutting);
            assert_ok(act(storage));
            storage_on_step(storage, NULL, NULL);
            storage_free(storage);
            if (cutting.image)
                check_all(original, cutting.image);
            storage_free(cutting.image);
            cutting.at++;
            cuts++;
        } while (cutting.image);
    }
    print_message("%" PRIu64 " cuts\n", cuts);
    assert_true(cuts > 100);
}

static void test_cut_while_archiving(void **state)
{
    struct original *original = *state;
    cut_everywhere(original, original->storage, archive_all);
}

static void test_cut_while_archiving_live(void **state)
{
    struct original *original = *state;
    cut_everywhere(original, original->storage, archive_live);
}

static void test_cut_while_restoring(void **state)
{
    struct original *original = *state;
    struct storage *base = storage_kill(original->storage);
    assert_ok(archive(base, 0));
    cut_everywhere(original, base, restore_all);
    storage_free(base);
}

/* ---- failing steps ---- */

static void fail_everywhere(const struct original *original, struct storage *base, act_fn *act,
                            int code)
{
    uint64_t failures = 0;
    for (uint64_t n = 0; n < STEPS_MAX; n++) {
        struct storage *storage = storage_kill(base);
        storage_fail(storage, STORAGE_ANY & ~(unsigned)STORAGE_REMOVE, n, code);
        int result = act(storage);
        uint64_t failed = storage_failed(storage);
        storage_fail(storage, 0, 0, LD_OK);
        failures += result != LD_OK;
        if (failed > 0 && n % 5 == 0)
            check_all(original, storage);
        storage_free(storage);
        if (failed == 0)
            break;
    }
    assert_true(failures > 20);
}

static void test_failing_steps(void **state)
{
    struct original *original = *state;
    struct storage *base = storage_kill(original->storage);
    fail_everywhere(original, base, archive_all, LD_IO);
    fail_everywhere(original, base, archive_all, LD_NOSPACE);
    fail_everywhere(original, base, archive_live, LD_IO);
    assert_ok(archive(base, 0));
    fail_everywhere(original, base, restore_all, LD_IO);
    fail_everywhere(original, base, restore_all, LD_NOSPACE);
    storage_free(base);
}

/* ---- in order ---- */

static void test_there_and_back(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    assert_ok(archive(storage, 1));
    uint64_t first = check_log(original, storage);
    assert_true(first > 1);
    assert_ok(archive(storage, 1)); /* nothing more */
    assert_int_equal(check_log(original, storage), first);
    assert_ok(archive(storage, 0));
    assert_true(check_log(original, storage) > first);
    assert_ok(restore(storage, first));
    assert_int_equal(check_log(original, storage), first);
    assert_ok(restore(storage, 0));
    assert_int_equal(check_log(original, storage), 1);
    for (uint64_t number = 1; number <= SEGMENTS; number++) { /* bit for bit */
        char path[STORAGE_PATH_SIZE];
        uint64_t size, original_size;
        snprintf(path, sizeof path, LOG_DIRECTORY "/%016" PRIu64 ".ldlog", number);
        const uint8_t *bytes = storage_peek(original->storage, path, &original_size);
        const uint8_t *found = storage_peek(storage, path, &size);
        assert_non_null(bytes);
        assert_non_null(found);
        assert_int_equal(size, original_size);
        assert_memory_equal(found, bytes, size);
    }
    storage_free(storage);
}

static void test_goes_on(void **state)
{
    struct original *original = *state;
    struct rig rig = {.options = original->options, .storage = storage_kill(original->storage)};
    struct evlog_stats stats;
    uint64_t sequence;
    uint8_t raw[256];
    assert_ok(archive(rig.storage, 0));
    struct evlog *log = open_log(original, rig.storage);
    assert_true(evlog_producer(log, 3) > 0); /* positions are in the checkpoint */
    struct ld_record record = {.topic = "a/b",
                               .topic_size = 3,
                               .producer = 3,
                               .producer_sequence = evlog_producer(log, 3) + 1};
    ld_record_encode(raw, &record);
    do {
        assert_ok(evlog_stage(log, raw, 0, 0, &sequence, &test_error));
        assert_ok(evlog_commit(log, &test_error));
        evlog_get_stats(log, &stats);
    } while (stats.segments < 3);
    evlog_close(log);
    assert_ok(archive(rig.storage, 0));
    assert_ok(restore(rig.storage, 0));
    log = open_log(original, rig.storage);
    assert_int_equal(evlog_first(log), 1);
    assert_int_equal(evlog_durable(log), sequence);
    for (uint64_t i = 1; i <= original->head; i++)
        assert_int_equal(checksum_at(log, i), original->checksums[i]);
    evlog_close(log);
    storage_free(rig.storage);
}

static void test_rule(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    struct evlog_archive_rule rule = {.keep = 0, .before_us = 1};
    struct evlog_archive_report report;
    assert_ok(evlog_archive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, &rule, &report,
                            &test_error));
    assert_int_equal(report.segments, 0);
    assert_int_equal(check_log(original, storage), 1);
    struct evlog *log = open_log(original, storage);
    assert_int_equal(archive(storage, 0), LD_LOCKED);
    assert_int_equal(restore(storage, 0), LD_LOCKED);
    evlog_close(log);
    storage_free(storage);
}

static void check_refused(const struct evlog *log, uint64_t last, int code, const char *why)
{
    struct evlog_link link;
    assert_int_equal(evlog_retire_check(log, last, &link, &test_error), code);
    assert_non_null(strstr(test_error.text, why));
}

/* What goes is read on by whoever has it. */
static void test_live(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    struct live live = {.storage = storage, .log = open_log(original, storage)};
    struct evlog_archive_rule rule = {
        .keep = 0, .before_us = INT64_MAX, .retire = take_away, .data = &live};
    struct evlog_archive_report report;
    struct evlog_span span;
    assert_ok(evlog_read(live.log, 1, 1, &span, &test_error));
    assert_ok(evlog_archive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, &rule, &report,
                            &test_error));
    uint64_t first = evlog_first(live.log);
    assert_int_equal(report.segments, SEGMENTS - 1);
    assert_int_equal(report.first, first);
    assert_int_equal(ld_crc32c(0, span.data, span.size), original->checksums[1]);
    evlog_span_release(&span);
    assert_int_equal(evlog_read(live.log, first - 1, 1, &span, &test_error), LD_NOTFOUND);
    for (uint64_t sequence = first; sequence <= original->head; sequence++)
        assert_int_equal(checksum_at(live.log, sequence), original->checksums[sequence]);
    evlog_close(live.log);
    assert_int_equal(check_log(original, storage), first);
    assert_ok(restore(storage, 0));
    assert_int_equal(check_log(original, storage), 1);
    storage_free(storage);
}

static int refuse(const struct evlog_link *link, void *data, struct ld_error *error)
{
    *(uint64_t *)data = link->last;
    return ld_fail(error, LD_BUSY, "not now");
}

static void test_live_refusals(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    struct evlog *log = open_log(original, storage);
    uint64_t last = 0;
    struct evlog_archive_rule rule = {.before_us = INT64_MAX, .retire = refuse, .data = &last};
    struct evlog_archive_report report;
    struct evlog_hold hold = {
        .to = 1, .from_us = INT64_MIN, .to_us = INT64_MAX, .by = "court", .reason = "case 1"};
    struct evlog_link link;
    assert_int_equal(evlog_archive(storage_context(storage), LOG_DIRECTORY, ARCHIVE, &rule, &report,
                                   &test_error),
                     LD_BUSY);
    assert_int_equal(report.segments, 0); /* listed, and here */
    assert_ok(evlog_retire_check(log, last, &link, &test_error));
    check_refused(log, last - 1, LD_INVALID, "not the last of the oldest segment");
    assert_ok(evlog_hold_place(storage_context(storage), LOG_DIRECTORY, &hold, &test_error));
    check_refused(log, last, LD_REFUSED, "legal hold 1");
    evlog_close(log);
    storage_free(storage);
    storage = storage_kill(original->storage);
    log = open_log(original, storage);
    check_refused(log, last, LD_REFUSED, "not listed");
    evlog_close(log);
    storage_free(storage);
}

/* ---- damage ---- */

static int try_open(const struct original *original, struct storage *storage)
{
    struct evlog *log = NULL;
    int code = evlog_open(storage_context(storage), LOG_DIRECTORY, &original->options, &log, NULL,
                          &test_error);
    evlog_close(log);
    return code;
}

static void test_missing_is_not_archived(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    storage_remove(storage, LOG_DIRECTORY "/0000000000000001.ldlog");
    assert_int_equal(try_open(original, storage), LD_CORRUPT);
    assert_int_equal(restore(storage, 0), LD_NOTFOUND);
    storage_free(storage);
    storage = storage_kill(original->storage);
    assert_ok(archive(storage, 1));
    storage_remove(storage, LOG_DIRECTORY "/0000000000000003.ldlog");
    assert_int_equal(try_open(original, storage), LD_CORRUPT);
    storage_free(storage);
    storage = storage_kill(original->storage); /* all gone but the list: no new log */
    assert_ok(archive(storage, 0));
    storage_remove(storage, LOG_DIRECTORY "/0000000000000004.ldlog");
    storage_remove(storage, LOG_DIRECTORY "/0000000000000005.ldlog");
    assert_int_equal(try_open(original, storage), LD_CORRUPT);
    storage_free(storage);
}

/* All that is not archived is set aside: what is archived comes back, and is a log. */
static void test_all_set_aside(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    struct evlog_repair_report report;
    assert_ok(archive(storage, 0));
    uint64_t first = check_log(original, storage);
    storage_flip(storage, LOG_DIRECTORY "/0000000000000004.ldlog", 8 * 20);
    assert_int_equal(try_open(original, storage), LD_CORRUPT);
    assert_ok(evlog_repair(storage_context(storage), LOG_DIRECTORY, NULL, &report, &test_error));
    assert_true(report.folder[0] != 0);
    assert_int_equal(try_open(original, storage), LD_CORRUPT); /* no new log */
    assert_ok(restore(storage, 0));
    struct evlog *log = open_log(original, storage);
    assert_int_equal(evlog_first(log), 1);
    assert_int_equal(evlog_durable(log), first - 1);
    for (uint64_t sequence = 1; sequence < first; sequence++)
        assert_int_equal(checksum_at(log, sequence), original->checksums[sequence]);
    evlog_close(log);
    storage_free(storage);
}

static void test_damaged_list(void **state)
{
    struct original *original = *state;
    struct storage *base = storage_kill(original->storage);
    uint64_t size;
    assert_ok(archive(base, 0));
    assert_non_null(storage_peek(base, LOG_DIRECTORY "/archived", &size));
    for (uint64_t byte = 0; byte < size; byte++) {
        struct storage *storage = storage_kill(base);
        storage_flip(storage, LOG_DIRECTORY "/archived", 8 * byte + byte % 8);
        assert_int_equal(try_open(original, storage), LD_CORRUPT);
        if (byte % 40 == 0) {
            assert_ok(restore(storage, 0)); /* by the copy in the archive */
            assert_int_equal(check_log(original, storage), 1);
        }
        storage_free(storage);
    }
    storage_free(base);
}

static void test_damaged_archive(void **state)
{
    struct original *original = *state;
    struct storage *base = storage_kill(original->storage);
    const char *path = ARCHIVE "/0000000000000002.ldlog.zst";
    uint64_t size;
    assert_ok(archive(base, 0));
    assert_non_null(storage_peek(base, path, &size));
    for (uint64_t byte = 0; byte < size; byte += size / 150) {
        struct storage *storage = storage_kill(base);
        storage_flip(storage, path, 8 * byte + byte % 8);
        int code = restore(storage, 0);
        assert_true(code == LD_CORRUPT || code == LD_OK); /* zstd has bits that mean nothing */
        uint64_t first = check_log(original, storage);
        assert_true(code == LD_OK ? first == 1 : first > 1);
        storage_free(storage);
    }
    storage_remove(base, path);
    assert_int_equal(restore(base, 0), LD_NOTFOUND);
    (void)check_log(original, base);
    storage_free(base);
}

/* ---- heads ---- */

static void test_heads(void **state)
{
    struct original *original = *state;
    struct storage *storage = storage_kill(original->storage);
    const struct ld_context *context = storage_context(storage);
    struct evlog_head end, middle, again;
    assert_ok(evlog_head(context, LOG_DIRECTORY, 0, &end, &test_error));
    assert_ok(evlog_head(context, LOG_DIRECTORY, end.links[1].base + 5, &middle, &test_error));
    assert_ok(archive(storage, 0));
    assert_ok(evlog_head(context, LOG_DIRECTORY, 0, &again, &test_error));
    assert_memory_equal(again.chain, end.chain, EVLOG_HASH_SIZE);
    const struct evlog_head *heads[] = {&end, &middle};
    for (int i = 0; i < 2; i++) {
        assert_ok(
            evlog_head_compare(context, LOG_DIRECTORY, ARCHIVE, heads[i], NULL, NULL, &test_error));
        assert_int_equal(
            evlog_head_compare(context, LOG_DIRECTORY, NULL, heads[i], NULL, NULL, &test_error),
            LD_CORRUPT);
    }
    assert_ok(restore(storage, 0));
    assert_ok(evlog_head_compare(context, LOG_DIRECTORY, NULL, &end, NULL, NULL, &test_error));
    evlog_head_free(&end);
    evlog_head_free(&middle);
    evlog_head_free(&again);
    storage_free(storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_rule),
        cmocka_unit_test(test_missing_is_not_archived),
        cmocka_unit_test(test_all_set_aside),
        cmocka_unit_test(test_damaged_list),
        cmocka_unit_test(test_damaged_archive),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_live_refusals),
        cmocka_unit_test(test_cut_while_archiving),
        cmocka_unit_test(test_cut_while_archiving_live),
        cmocka_unit_test(test_cut_while_restoring),
        cmocka_unit_test(test_failing_steps),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
