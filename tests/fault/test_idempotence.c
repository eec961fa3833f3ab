/*
 * Whatever is published again is taken once, for ever: after connections lost at any byte, in both
 * directions; after an author has forgotten all that it was told; with nothing left of the log but
 * its segments; with the segments' checkpoints gone, so that positions come from events alone.
 */
#include "world.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "buffer.h"
#include "evlog/evlog.h"

enum { SOME = 300, PACE_MS = 50, CUTS_FULL = 1000, CUTS = 30, CUTS_SANITIZED = 15 };

static const char *const OPTIONS[] = {"--segment-bytes", "131072", NULL};
static uint64_t seed;

/* ---- lost connections ---- */

static void lost_connections_lose_and_double_nothing(void **state)
{
    static const unsigned WINDOWS[] = {1, 2, 4, 8, 16};
    struct world world;
    struct ledger_totals totals;
    unsigned cuts = world_rounds(CUTS_FULL, CUTS, CUTS_SANITIZED);
    time_t began = time(NULL);
    (void)state;
    world_open(&world, seed);
    world_start_router(&world, OPTIONS);
    world_start_proxy(&world, cuts);
    for (size_t i = 0; i < sizeof WINDOWS / sizeof *WINDOWS; i++)
        world_start_author(&world, WINDOWS[i], PACE_MS);
    world_start_listeners(&world, 2);
    world_await_cuts(&world, cuts);
    world_await_answers_each(&world, 1);
    world_settle(&world, &totals);
    world_close(&world);
    print_message("%u cuts in %lld s: %" PRIu64 " events, %" PRIu64 " answered, %" PRIu64 " seen\n",
                  cuts, (long long)(time(NULL) - began), totals.events, totals.answered,
                  totals.seen);
}

/* ---- forgotten positions ---- */

static void remove_in(const char *folder, bool (*unwanted)(const char *name))
{
    char path[2 * CONTENT_PATH_SIZE];
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.' || !unwanted(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_int_equal(unlink(path), 0);
    }
    closedir(directory);
}

static bool is_no_segment(const char *name)
{
    size_t size = strlen(name);
    return size < 6 || strcmp(name + size - 6, ".ldlog") != 0;
}

static bool is_answers(const char *name)
{
    return strncmp(name, "answers-", strlen("answers-")) == 0;
}

static void begin(struct world *world)
{
    world_open(world, seed);
    world_start_router(world, OPTIONS);
    world_start_author(world, 1, 0);
    world_start_author(world, 16, 0);
    world_await_answers_each(world, SOME);
}

/* Authors and router are gone; the authors' files too. */
static uint64_t forget_answers(struct world *world)
{
    struct ledger_totals totals;
    for (size_t i = world->harness.process_count; i-- > 0;) /* the router was the first */
        world_stop(world, &world->harness.process[i]);
    world_check(world, &totals);
    remove_in(world->told, is_answers);
    return totals.written;
}

/* The authors publish everything from their first event on, and then go on. */
static void expect_each_once(struct world *world, uint64_t written)
{
    struct ledger_totals totals;
    for (size_t i = 0; i < world->harness.process_count; i++)
        harness_relaunch(&world->harness, &world->harness.process[i]);
    world_await_answers_each(world, written + SOME); /* so that none is still repeating */
    world_settle(world, &totals);
    assert_true(totals.answered >= written + SOME);
    world_close(world);
}

static void who_forgets_everything_doubles_nothing(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    uint64_t written = forget_answers(&world);
    remove_in(world.harness.data, is_no_segment);
    expect_each_once(&world, written);
}

static void copy_events(struct evlog *from, struct evlog *to)
{
    struct evlog_span span;
    struct ld_record record;
    uint64_t sequence;
    for (uint64_t next = 1; next <= evlog_durable(from); next = span.last + 1) {
        assert_ok(evlog_read(from, next, 1 << 20, &span, &test_error));
        for (size_t offset = 0; offset < span.size; offset += record.size) {
            const uint8_t *raw = span.data + offset;
            assert_ok(ld_record_decode(raw, span.size - offset, &record, &test_error));
            if (record.producer != 0) /* a checkpoint has none */
                assert_ok(
                    evlog_stage(to, raw, record.time_us, record.flags, &sequence, &test_error));
        }
        evlog_span_release(&span);
        assert_ok(evlog_commit(to, &test_error));
    }
}

/* The same events in one large segment: the first has no checkpoint. */
static void write_anew_without_checkpoints(struct world *world)
{
    char old[CONTENT_PATH_SIZE];
    struct evlog *from, *to;
    struct evlog_recovery recovery;
    struct evlog_options options;
    evlog_options_init(&options);
    snprintf(old, sizeof old, "%s.old", world->harness.data);
    assert_int_equal(rename(world->harness.data, old), 0);
    assert_ok(evlog_open(ld_context_system(), world->harness.data, &options, &to, &recovery,
                         &test_error));
    options.read_only = true;
    assert_ok(evlog_open(ld_context_system(), old, &options, &from, &recovery, &test_error));
    copy_events(from, to);
    evlog_close(from);
    evlog_close(to);
}

static void positions_come_from_events_alone(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    uint64_t written = forget_answers(&world);
    write_anew_without_checkpoints(&world);
    remove_in(world.harness.data, is_no_segment);
    expect_each_once(&world, written);
}

int main(void)
{
    seed = world_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lost_connections_lose_and_double_nothing),
        cmocka_unit_test(who_forgets_everything_doubles_nothing),
        cmocka_unit_test(positions_come_from_events_alone),
    };
    return cmocka_run_group_tests_name("fault.idempotence", tests, NULL, NULL);
}
