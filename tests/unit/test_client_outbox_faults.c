/* The outbox's file when the disk is full or broken, damaged, foreign, locked; and plain programs.
 */
#include "outbox_world.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include "bad_disk.h"

static int teardown_good(void **state)
{
    bad_disk = DISK_GOOD;
    return teardown_box(state);
}

/* ---- disks ---- */

static void test_a_full_disk_refuses_and_recovers(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, all_kept);
    bad_disk = DISK_FULL;
    uint32_t before = box->put;
    put_many(box, "a/b", 5);
    until(box, all_kept);
    assert_int_equal(box->kept_codes[LD_OK], 10);
    assert_int_equal(box->kept_codes[LD_NOSPACE], 5);
    assert_non_null(strstr(box->kept_reason, "full"));
    assert_int_equal(box->held, LD_OK); /* it may pass */
    bad_disk = DISK_GOOD;
    box->put = before; /* the same again */
    box->kept = before;
    put_many(box, "a/b", 5);
    until(box, all_kept);
    assert_int_equal(box->kept_codes[LD_OK], 15);
    expect_file(box, 15, 0, &listed);
    fake_open_again(&box->world.fake);
    until_settled(box, 15);
    expect_log(box, 15);
}

static bool has_ticked(struct world *world)
{
    const struct outbox_world *box = (const struct outbox_world *)world;
    struct ld_outbox_state now;
    ld_outbox_get_state(box->outbox, &now);
    return now.oldest_us == 0;
}

/* What is in the log cannot be taken out of the file at present: later, and nothing doubles. */
static void test_a_full_disk_does_not_stop_publishing(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, all_kept);
    fake_open_again(&box->world.fake);
    until(box, is_up);
    bad_disk = DISK_FULL; /* before the answers are here */
    until_settled(box, 10);
    expect_log(box, 10);
    expect_file(box, 10, 0, &listed);
    put_many(box, "a/b", 1);
    until(box, all_kept);
    assert_int_equal(box->kept_codes[LD_NOSPACE], 1);
    bad_disk = DISK_GOOD;
    until(box, has_ticked);
    close_box(box);
    expect_log(box, 10); /* what was not kept was not published */
    expect_file(box, 0, 0, &listed);
}

static void expect_final(struct outbox_world *box, enum bad_disk how)
{
    struct listed listed;
    struct ld_error error;
    uint32_t number = 0;
    struct ld_event event = {.topic = "a/b", .payload = &number, .payload_size = sizeof number};
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, all_kept);
    bad_disk = (int)how;
    put_many(box, "a/b", 5);
    until(box, all_kept);
    assert_int_equal(box->kept_codes[LD_IO], 5);
    assert_int_equal(box->held, LD_IO);
    assert_int_equal(ld_outbox_put(box->outbox, &event, NULL, NULL, &error), LD_IO);
    bad_disk = DISK_GOOD;
    assert_int_equal(ld_outbox_put(box->outbox, &event, NULL, NULL, &error), LD_IO); /* final */
    fake_open_again(&box->world.fake); /* what is in memory still goes */
    close_box(box);
    box->put = box->kept = 10;
    open_box(box);
    until_settled(box, 10);
    expect_log(box, 10);
    close_box(box);
    expect_file(box, 0, 0, &listed);
}

static void test_a_failed_sync_is_final(void **state)
{
    expect_final(*state, DISK_SYNC_FAILS);
}

static void test_a_failed_write_is_final(void **state)
{
    expect_final(*state, DISK_WRITE_FAILS);
}

static void test_many_puts_cost_few_syncs(void **state)
{
    struct outbox_world *box = *state;
    stop_fake(&box->world);
    open_box(box);
    unsigned before = bad_disk_syncs;
    put_many(box, "a/b", 1000);
    until(box, all_kept);
    assert_in_range(bad_disk_syncs - before, 1, 6); /* a checkpoint among them */
    for (int i = 0; i < 10; i++) {
        before = bad_disk_syncs;
        put_many(box, "a/b", 1);
        until(box, all_kept);
        assert_true(bad_disk_syncs > before); /* kept is said after a sync, each time */
    }
}

/* ---- files ---- */

static void expect_refused(struct outbox_world *box, int code, const char *text)
{
    struct ld_error error = {.text = ""};
    assert_int_equal(try_open(box, &error), code);
    if (strstr(error.text, text) == NULL)
        fail_msg("expected \"%s\" in: %s", text, error.text);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_box(struct outbox_world *box, int events)
{
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", events);
    close_box(box);
    fake_open_again(&box->world.fake);
}

static void test_foreign_files_are_refused(void **state)
{
    struct outbox_world *box = *state;
    struct ld_error error;
    open_client(&box->world);
    write_file(box->path,
               "a letter, and a long one: longer than the header of a database is, so that "
               "nobody takes it for one that was only begun");
    expect_refused(box, LD_INVALID, "is no outbox");
    assert_int_equal(ld_outbox_list(box->path, NULL, NULL, NULL, &error), LD_INVALID);
    unlink(box->path);
    execute_sql(box, "CREATE TABLE letters(text)");
    expect_refused(box, LD_INVALID, "a database, but no outbox");
    unlink(box->path);
    assert_int_equal(ld_outbox_list(box->path, NULL, NULL, NULL, &error), LD_NOTFOUND);
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_DROP, 0, NULL, &error), LD_NOTFOUND);
    box->options.path = "";
    expect_refused(box, LD_INVALID, "expected the path");
    box->options.path = "/tmp/there/is/no/such/folder";
    expect_refused(box, LD_NOTFOUND, "No such file");
}

static void test_a_newer_format_is_refused(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    make_box(box, 5);
    execute_sql(box, "PRAGMA user_version = 2");
    open_client(&box->world);
    expect_refused(box, LD_VERSION, "format 2");
    execute_sql(box, "PRAGMA user_version = 1");
    expect_file(box, 5, 0, &listed);
}

static void test_another_identity_is_refused(void **state)
{
    struct outbox_world *box = *state;
    struct ld_client_options options;
    make_box(box, 1);
    client_options(&box->world, &options);
    options.identity = "3303.heal";
    assert_int_equal(ld_client_open(&options, &box->world.client, NULL), LD_OK);
    box->world.closed = false;
    expect_refused(box, LD_REFUSED, "belongs to 3303.health, not to 3303.heal");
}

static void test_one_process_at_a_time(void **state)
{
    struct outbox_world *box = *state;
    struct ld_outbox *second;
    struct ld_error error;
    struct listed listed = {.waiting = 0};
    open_box(box);
    put_many(box, "a/b", 3);
    until_settled(box, 3);
    assert_int_equal(ld_outbox_open(box->world.client, &box->options, &second, &error), LD_LOCKED);
    assert_non_null(strstr(error.text, "another process"));
    assert_int_equal(ld_outbox_amend(box->path, LD_OUTBOX_RETRY, 0, NULL, &error), LD_LOCKED);
    assert_int_equal(ld_outbox_list(box->path, box_listed, &listed, NULL, &error), LD_OK);
    put_many(box, "a/b", 3); /* having looked has not disturbed it */
    until_settled(box, 6);
    expect_log(box, 6);
}

/* Zeros over a page in the middle of the tree. */
static void test_a_damaged_file_is_refused_and_left(void **state)
{
    struct outbox_world *box = *state;
    struct stat before, after;
    static const char zeros[4096];
    make_box(box, 500);
    int file = open(box->path, O_WRONLY);
    assert_int_equal(pwrite(file, zeros, sizeof zeros, 5 * 4096), sizeof zeros);
    close(file);
    assert_int_equal(stat(box->path, &before), 0);
    open_client(&box->world);
    expect_refused(box, LD_CORRUPT, "keep the file");
    assert_int_equal(stat(box->path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
}

/* One bit of one record: SQLite does not see it, the record's checksum does. */
static void test_a_damaged_record_is_set_aside(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    make_box(box, 10);
    execute_sql(box, "UPDATE event SET record = CAST(substr(record, 1, 66) || x'ff' || "
                     "substr(record, 68) AS BLOB) WHERE sequence = "
                     "(SELECT sequence FROM event LIMIT 1 OFFSET 4)");
    open_box(box);
    until_settled(box, 10);
    assert_int_equal(box->settled_codes[LD_OK], 9);
    assert_int_equal(box->settled_codes[LD_CORRUPT], 1);
    assert_int_equal(box->world.fake.head, 9);
    assert_int_equal(number_at(box, 5), 6);
    close_box(box);
    expect_file(box, 0, 1, &listed);
    assert_int_equal(listed.code, LD_CORRUPT);
}

/* This program again, as another user than root, whom permissions do not stop. */
static int open_as_nobody(const char *path)
{
    struct ld_client_options options;
    struct ld_outbox_options box;
    struct ld_client *client;
    struct ld_outbox *outbox;
    struct ld_error error = {.text = ""};
    ld_client_options_init(&options);
    options.endpoint = "tcp://127.0.0.1:1";
    options.identity = "3303.health";
    ld_outbox_options_init(&box);
    box.path = path;
    if (setegid(65534) != 0 || seteuid(65534) != 0)
        return 99;
    if (ld_client_open(&options, &client, &error) != LD_OK)
        return 98;
    int code = ld_outbox_open(client, &box, &outbox, &error);
    ssize_t written = write(STDOUT_FILENO, error.text, strlen(error.text));
    ld_client_close(client, NULL, NULL);
    return written > 0 ? code : 97;
}

static int try_as_nobody(struct outbox_world *box, char *text, size_t size)
{
    int pipe_ends[2], status;
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipe_ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "nobody", box->path, NULL);
        _exit(96);
    }
    close(pipe_ends[1]);
    ssize_t got = read(pipe_ends[0], text, size - 1);
    close(pipe_ends[0]);
    text[got > 0 ? got : 0] = '\0';
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void test_a_read_only_file_is_refused(void **state)
{
    struct outbox_world *box = *state;
    char text[512], lock[128];
    if (geteuid() != 0)
        return; /* then the folder is one's own and cannot be taken away by a chmod alone */
    make_box(box, 1);
    snprintf(lock, sizeof lock, "%s-lock", box->path);
    assert_int_equal(chmod(box->folder, 0755), 0);
    assert_int_equal(chmod(box->path, 0444), 0);
    assert_int_equal(try_as_nobody(box, text, sizeof text), LD_IO);
    assert_non_null(strstr(text, "Permission denied"));
    assert_int_equal(chmod(lock, 0666), 0);
    assert_int_equal(try_as_nobody(box, text, sizeof text), LD_IO);
    assert_non_null(strstr(text, "cannot be written"));
}

static void test_files_are_not_for_everybody(void **state)
{
    struct outbox_world *box = *state;
    struct stat status;
    char beside[128];
    open_box(box);
    put_many(box, "a/b", 1);
    until(box, all_kept);
    const char *const ends[] = {"", "-wal", "-shm", "-lock"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(beside, sizeof beside, "%s%s", box->path, ends[i]);
        assert_int_equal(stat(beside, &status), 0);
        assert_int_equal(status.st_mode & 07, 0);
    }
}

/* ---- plain programs ---- */

static void test_a_plain_program_waits_until_it_is_kept(void **state)
{
    struct outbox_world *box = *state;
    struct ld_client_options options;
    struct ld_error error;
    struct listed listed;
    ld_client_options_init(&options);
    options.endpoint = "tcp://127.0.0.1:1"; /* nobody is there */
    options.identity = "3303.health";
    assert_int_equal(ld_client_open(&options, &box->world.client, NULL), LD_OK);
    assert_int_equal(try_open(box, &error), LD_OK);
    assert_int_equal(ld_outbox_wait_kept(box->outbox, 60000000, &error), LD_OK); /* nothing put */
    put_many(box, "a/b", 100);
    assert_int_equal(ld_outbox_wait_kept(box->outbox, 60000000, &error), LD_OK);
    assert_int_equal(box->kept_codes[LD_OK], 100);
    expect_file(box, 100, 0, &listed);
    bad_disk = DISK_FULL;
    put_many(box, "a/b", 1);
    assert_int_equal(ld_outbox_wait_kept(box->outbox, 60000000, &error), LD_NOSPACE);
    bad_disk = DISK_GOOD;
    put_many(box, "a/b", 1);
    assert_int_equal(ld_outbox_wait_kept(box->outbox, 60000000, &error), LD_OK); /* said once */
    put_many(box, "a/b", 1);
    ld_client_close(box->world.client, on_closed, box);
    assert_int_equal(box->kept, box->put);
    expect_file(box, 102, 0, &listed);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_box, teardown_good)
        TEST(test_a_full_disk_refuses_and_recovers),
        TEST(test_a_full_disk_does_not_stop_publishing),
        TEST(test_a_failed_sync_is_final),
        TEST(test_a_failed_write_is_final),
        TEST(test_many_puts_cost_few_syncs),
        TEST(test_foreign_files_are_refused),
        TEST(test_a_newer_format_is_refused),
        TEST(test_another_identity_is_refused),
        TEST(test_one_process_at_a_time),
        TEST(test_a_damaged_file_is_refused_and_left),
        TEST(test_a_damaged_record_is_set_aside),
        TEST(test_a_read_only_file_is_refused),
        TEST(test_files_are_not_for_everybody),
        TEST(test_a_plain_program_waits_until_it_is_kept),
    };
    if (argc > 1)
        _exit(open_as_nobody(argv[1])); /* LeakSanitizer needs the rights given up */
    bad_disk_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
