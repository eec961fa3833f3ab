/* The outbox on a file system that is really full, and gets room again. */
#include "outbox_world.h"

#include "../fault/disk.h"

enum { DISK_BYTES = 1 << 20 };

static char disk[64];

static int setup_disk(void **state)
{
    (void)state;
    snprintf(disk, sizeof disk, "/tmp/liandong-outbox-disk-%d", (int)getpid());
    disk_mount(disk, DISK_BYTES); /* before there are threads: mounts are each one's own */
    return 0;
}

static int teardown_disk(void **state)
{
    (void)state;
    disk_unmount(disk);
    return 0;
}

static int setup_small(void **state)
{
    setup_box(state);
    struct outbox_world *box = *state;
    snprintf(box->path, sizeof box->path, "%s/box", disk);
    return 0;
}

/* Puts one and waits for what is said of it; one that is not kept is put again later. */
static int put_one(struct outbox_world *box)
{
    uint64_t kept = box->kept_codes[LD_OK], refused = box->kept_codes[LD_NOSPACE];
    assert_int_equal(put_event(box, "a/b", 0), LD_OK);
    until(box, all_kept);
    if (box->kept_codes[LD_OK] > kept)
        return LD_OK;
    assert_int_equal(box->kept_codes[LD_NOSPACE], refused + 1);
    box->put--;
    box->kept--;
    return LD_NOSPACE;
}

/* What was kept goes to the log meanwhile; what was not is said so, and only that is missing. */
static void test_a_full_disk_loses_nothing(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, all_kept);
    disk_fill(disk, 0);
    while (put_one(box) == LD_OK) /* some may find room inside the file */
        assert_true(box->put < 10000);
    assert_non_null(strstr(box->kept_reason, "full"));
    assert_int_equal(box->held, LD_OK); /* it may pass */
    uint32_t kept = box->put;
    fake_open_again(&box->world.fake);
    until_settled(box, kept);
    expect_log(box, kept);
    for (int i = 0; i < 3; i++) /* taking events out of the file may make room in it */
        (void)put_one(box);
    disk_empty(disk);
    for (int i = 0; i < 10; i++)
        assert_int_equal(put_one(box), LD_OK);
    until_settled(box, box->put);
    expect_log(box, box->put);
    assert_int_equal(box->settled_codes[LD_OK], box->put);
    close_box(box);
    expect_file(box, 0, 0, &listed);
}

/* A program that ends while the disk is full loses nothing of what was kept. */
static void test_ending_on_a_full_disk_loses_nothing(void **state)
{
    struct outbox_world *box = *state;
    struct listed listed;
    stop_fake(&box->world);
    open_box(box);
    put_many(box, "a/b", 10);
    until(box, all_kept);
    disk_fill(disk, 0);
    close_box(box);
    disk_empty(disk);
    expect_file(box, 10, 0, &listed);
    fake_open_again(&box->world.fake);
    open_box(box);
    until_settled(box, 10);
    expect_log(box, 10);
    close_box(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_full_disk_loses_nothing, setup_small, teardown_box),
        cmocka_unit_test_setup_teardown(test_ending_on_a_full_disk_loses_nothing, setup_small,
                                        teardown_box),
    };
    return cmocka_run_group_tests_name("unit.client_outbox_space", tests, setup_disk,
                                       teardown_disk);
}
