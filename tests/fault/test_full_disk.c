/*
 * A disk that really is full, and really has space again. Authors, listeners and a tap are at work
 * on a router whose log is on a small file system of its own. Whatever the moment at which the
 * space ends, publishing is refused with the reason, everything that reads goes on, and when there
 * is space again publishing goes on by itself, with nothing lost and nothing doubled.
 */
#include "world.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>
#include "chance.h"
#include "disk.h"

enum { MEBIBYTE = 1 << 20, DISK_BYTES = 128 * MEBIBYTE, WINDOW = 8, PACE_MS = 5, SOME = 100 };

struct small_disk {
    struct world world;
    char mount[96];
    char tap[96];
};

static uint64_t seed;

static void small_disk_open(struct small_disk *disk, uint64_t bytes)
{
    memset(disk, 0, sizeof *disk);
    world_open(&disk->world, seed);
    struct harness *harness = &disk->world.harness;
    snprintf(disk->mount, sizeof disk->mount, "%s/disk", harness->folder);
    snprintf(disk->tap, sizeof disk->tap, "ipc://%s/tap", harness->folder);
    snprintf(harness->data, sizeof harness->data, "%s/disk/log", harness->folder);
    disk_mount(disk->mount, bytes);
}

static void small_disk_start(struct small_disk *disk)
{
    const char *options[] = {"--segment-bytes", "262144", "--tap", disk->tap, NULL};
    world_start_router(&disk->world, options);
    world_start_author(&disk->world, WINDOW, PACE_MS);
    world_start_author(&disk->world, 1, PACE_MS);
    world_start_listeners(&disk->world, 1);
    world_start_tap(&disk->world, disk->tap);
    world_await_answers_each(&disk->world, SOME);
}

static void small_disk_close(struct small_disk *disk)
{
    struct ledger_totals totals;
    world_settle(&disk->world, &totals);
    assert_true(totals.tapped > 0);
    print_message("%" PRIu64 " events, %" PRIu64 " answered, %" PRIu64 " seen, %" PRIu64
                  " on the tap\n",
                  totals.events, totals.answered, totals.seen, totals.tapped);
    disk_unmount(disk->mount);
    world_close(&disk->world);
}

static void fill(struct small_disk *disk)
{
    disk_fill(disk->mount, 0);
    world_await_refusals(&disk->world);
}

/* Without a restart. */
static void make_space(struct small_disk *disk)
{
    disk_empty(disk->mount);
    world_await_answers_each(&disk->world, SOME);
}

static void expect_said(struct world *world, const char *needle)
{
    char *said = harness_messages(&world->harness);
    if (strstr(said, needle) == NULL) {
        harness_show_messages(&world->harness);
        fail_msg("expected \"%s\" to be said", needle);
    }
    free(said);
}

/* ---- full while it runs ---- */

static void expect_cli_works(struct world *world)
{
    struct harness *harness = &world->harness;
    char *text = NULL;
    assert_int_equal(harness_run(harness, NULL, "liandong", "tail", "--from", "first",
                                 "--until-head", "--json", "-e", harness->endpoint, NULL),
                     0);
    assert_int_equal(harness_run(harness, NULL, "liandong", "log", "verify", harness->data, NULL),
                     0);
    harness_run(harness, &text, "liandong", "status", "--json", "-e", harness->endpoint, NULL);
    assert_non_null(strstr(text, "\"head\""));
    free(text);
}

static void a_full_disk_refuses_and_heals(void **state)
{
    struct small_disk disk;
    struct ledger_totals totals;
    (void)state;
    small_disk_open(&disk, DISK_BYTES);
    small_disk_start(&disk);
    fill(&disk);
    expect_said(&disk.world, "make space, no restart needed");
    ledger_check(&disk.world.ledger, &totals); /* all authors are refused: nothing is appended */
    expect_cli_works(&disk.world);
    world_start_listeners(&disk.world, 1); /* reads history from a full disk */
    world_await_seen(&disk.world, totals.events);
    world_start_author(&disk.world, WINDOW,
                       PACE_MS); /* a name never heard: it waits for its place */
    make_space(&disk);
    for (unsigned round = world_rounds(50, 3, 1); round > 0; round--) {
        fill(&disk);
        make_space(&disk);
        world_await_answers(&disk.world, chance_below(&disk.world.chance, SOME));
    }
    small_disk_close(&disk);
}

/* ---- full while it starts ---- */

static void restart_router(struct small_disk *disk, int signal)
{
    harness_signal(disk->world.router, signal);
    harness_restart(&disk->world.harness, disk->world.router);
}

static void remove_lock(const struct small_disk *disk)
{
    char path[128];
    snprintf(path, sizeof path, "%s/lock", disk->world.harness.data);
    assert_int_equal(unlink(path), 0);
    disk_fill(disk->mount, 0);
}

static void a_router_starts_on_a_full_disk(void **state)
{
    struct small_disk disk;
    (void)state;
    small_disk_open(&disk, DISK_BYTES);
    small_disk_start(&disk);
    fill(&disk);
    restart_router(&disk, SIGKILL);
    world_await_refusals(&disk.world);
    restart_router(&disk, SIGTERM);
    world_await_refusals(&disk.world);
    harness_signal(disk.world.router, SIGKILL);
    remove_lock(&disk); /* the mark in it is never needed, and cannot be written */
    harness_restart(&disk.world.harness, disk.world.router);
    world_await_refusals(&disk.world);
    expect_cli_works(&disk.world);
    make_space(&disk);
    small_disk_close(&disk);
}

/* Nothing is left behind that a later start would take for a log. */
static void a_new_log_says_that_there_is_no_space(void **state)
{
    struct small_disk disk;
    (void)state;
    small_disk_open(&disk, DISK_BYTES);
    disk_fill(disk.mount, 4 * MEBIBYTE);
    struct harness *harness = &disk.world.harness;
    assert_int_equal(harness_run(harness, NULL, "liandong-router", "--data", harness->data,
                                 "--endpoint", harness->endpoint, NULL),
                     1);
    expect_said(&disk.world, "a new log segment needs 65536 KiB");
    disk_empty(disk.mount);
    small_disk_start(&disk);
    small_disk_close(&disk);
}

/* ---- full while a segment is made ---- */

enum { LARGE_SEGMENT = 32 * MEBIBYTE, LARGE_DISK = 256 * MEBIBYTE, RESERVE = 16 * MEBIBYTE };

/* Waits for the next change in the log's folder; true: of a file that is being made. */
static bool next_is_temporary(int changes, uint32_t *mask)
{
    static const char SUFFIX[] = ".ldlog.tmp";
    char buffer[sizeof(struct inotify_event) + 256] __attribute__((aligned(8)));
    struct pollfd wait = {.fd = changes, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 60000), 1);
    assert_true(read(changes, buffer, sizeof buffer) > 0);
    const struct inotify_event *event = (const void *)buffer;
    size_t size = strlen(event->name);
    *mask = event->mask;
    return size > strlen(SUFFIX) && strcmp(event->name + size - strlen(SUFFIX), SUFFIX) == 0;
}

/* Takes the space away while the next segment is made; true: it was not finished. */
static bool fill_while_made(struct small_disk *disk)
{
    uint32_t mask = 0;
    int changes = inotify_init1(IN_CLOEXEC);
    assert_true(inotify_add_watch(changes, disk->world.harness.data,
                                  IN_CREATE | IN_DELETE | IN_MOVED_FROM) >= 0);
    disk_fill(disk->mount, LARGE_SEGMENT + RESERVE);
    while (!next_is_temporary(changes, &mask) || mask != IN_CREATE)
        continue;
    disk_fill(disk->mount, 0);
    while (!next_is_temporary(changes, &mask))
        continue;
    close(changes);
    return mask == IN_DELETE;
}

static void the_space_ends_while_a_segment_is_made(void **state)
{
    struct small_disk disk;
    (void)state;
    small_disk_open(&disk, LARGE_DISK);
    static const char *const OPTIONS[] = {"--segment-bytes", "33554432", NULL};
    world_start_router(&disk.world, OPTIONS);
    world_start_author(&disk.world, 100, 0);
    world_start_listeners(&disk.world, 1);
    while (!fill_while_made(&disk))
        disk_empty(disk.mount);
    world_await_refusals(&disk.world);
    make_space(&disk);
    struct ledger_totals totals;
    world_settle(&disk.world, &totals);
    disk_unmount(disk.mount);
    world_close(&disk.world);
}

int main(void)
{
    seed = world_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_and_heals),
        cmocka_unit_test(a_router_starts_on_a_full_disk),
        cmocka_unit_test(a_new_log_says_that_there_is_no_space),
        cmocka_unit_test(the_space_ends_while_a_segment_is_made),
    };
    return cmocka_run_group_tests_name("fault.full_disk", tests, NULL, NULL);
}
