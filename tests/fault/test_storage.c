/* The storage model itself: what it keeps, forgets, tears and fails. */
#include "test.h"

#include <stdlib.h>
#include "storage.h"

enum { FILE_BYTES = 4 * STORAGE_PAGE };

struct disk {
    struct storage *storage;
    const struct ld_context *context;
    const struct ld_files *files;
    int fd;
};

static int setup(void **state)
{
    struct disk *disk = calloc(1, sizeof *disk);
    disk->storage = storage_new(1);
    disk->context = storage_context(disk->storage);
    disk->files = &disk->context->files;
    *state = disk;
    return 0;
}

static int teardown(void **state)
{
    struct disk *disk = *state;
    storage_free(disk->storage);
    free(disk);
    return 0;
}

static void create(struct disk *disk, const char *path)
{
    assert_ok(disk->files->open(disk->storage, path, LD_OPEN_CREATE, &disk->fd, &test_error));
}

static int put(struct disk *disk, uint64_t offset, uint8_t byte, size_t size)
{
    uint8_t data[FILE_BYTES];
    memset(data, byte, size);
    return disk->files->write(disk->storage, disk->fd, offset, data, size, &test_error);
}

static int sync_file(struct disk *disk)
{
    return disk->files->sync(disk->storage, disk->fd, &test_error);
}

static int sync_names(struct disk *disk, const char *path)
{
    return disk->files->sync_directory(disk->storage, path, &test_error);
}

/* A file of FILE_BYTES times 1, with its name, on the disk. */
static void create_durable(struct disk *disk, const char *path)
{
    create(disk, path);
    assert_ok(put(disk, 0, 1, FILE_BYTES));
    assert_ok(sync_file(disk));
    assert_ok(sync_names(disk, "/"));
}

/* The bytes at offset after a cut; size as found there. */
static uint8_t byte_after(struct disk *disk, enum storage_survival survival, uint64_t offset,
                          uint64_t *size)
{
    struct storage *after = storage_cut(disk->storage, survival, 7);
    const uint8_t *data = storage_peek(after, "/file", size);
    uint8_t byte = data && offset < *size ? data[offset] : 0xff;
    storage_free(after);
    return byte;
}

static void test_unsynced_data_is_lost(void **state)
{
    struct disk *disk = *state;
    uint64_t size;
    create_durable(disk, "/file");
    assert_ok(put(disk, 100, 2, 10));
    assert_int_equal(byte_after(disk, STORAGE_NOTHING, 100, &size), 1);
    assert_int_equal(byte_after(disk, STORAGE_ALL, 100, &size), 2);
    assert_int_equal(storage_peek(disk->storage, "/file", &size)[100], 2);
    assert_ok(sync_file(disk));
    assert_int_equal(byte_after(disk, STORAGE_NOTHING, 100, &size), 2);
    assert_int_equal(byte_after(disk, STORAGE_NOTHING, 110, &size), 1);
}

static void test_unsynced_size_is_lost(void **state)
{
    struct disk *disk = *state;
    uint64_t size;
    create_durable(disk, "/file");
    assert_ok(put(disk, FILE_BYTES, 2, 10));
    byte_after(disk, STORAGE_NOTHING, 0, &size);
    assert_int_equal(size, FILE_BYTES);
    byte_after(disk, STORAGE_ALL, 0, &size);
    assert_int_equal(size, FILE_BYTES + 10);
    assert_ok(disk->files->truncate(disk->storage, disk->fd, 5, &test_error));
    byte_after(disk, STORAGE_NOTHING, 0, &size);
    assert_int_equal(size, FILE_BYTES);
    assert_ok(sync_file(disk));
    byte_after(disk, STORAGE_NOTHING, 0, &size);
    assert_int_equal(size, 5);
}

/* Every sector (or page) is old or new as a whole; all kinds of mixtures come up. */
static void check_tearing(struct disk *disk, enum storage_survival survival, size_t block)
{
    bool mixed = false, later_alone = false;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct storage *after = storage_cut(disk->storage, survival, seed);
        uint64_t size;
        const uint8_t *data = storage_peek(after, "/file", &size);
        assert_int_equal(size, FILE_BYTES);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(data[i], data[i / block * block]);
        for (size_t i = block; i < size; i += block) {
            mixed |= data[i] != data[i - block];
            later_alone |= data[i] == 2 && data[i - block] == 1;
        }
        storage_free(after);
    }
    assert_true(mixed);
    assert_int_equal(later_alone, survival != STORAGE_ORDERED || block == STORAGE_SECTOR);
}

static void test_writes_are_torn(void **state)
{
    struct disk *disk = *state;
    create_durable(disk, "/file");
    assert_ok(put(disk, 0, 2, FILE_BYTES));
    check_tearing(disk, STORAGE_SECTORS, STORAGE_SECTOR);
    check_tearing(disk, STORAGE_PAGES, STORAGE_PAGE);
}

static void test_writes_are_reordered(void **state)
{
    struct disk *disk = *state;
    unsigned seen = 0;
    create_durable(disk, "/file");
    assert_ok(put(disk, 0, 2, 10));
    assert_ok(put(disk, STORAGE_PAGE, 2, 10));
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct storage *after = storage_cut(disk->storage, STORAGE_SECTORS, seed);
        uint64_t size;
        const uint8_t *data = storage_peek(after, "/file", &size);
        seen |= 1u << ((data[0] == 2) + 2 * (data[STORAGE_PAGE] == 2));
        storage_free(after);
    }
    assert_int_equal(seen, 15);
}

static bool has_after(struct disk *disk, enum storage_survival survival, const char *path)
{
    struct storage *after = storage_cut(disk->storage, survival, 7);
    bool has = storage_has(after, path);
    storage_free(after);
    return has;
}

static void test_names_are_lost(void **state)
{
    struct disk *disk = *state;
    create(disk, "/one");
    assert_ok(sync_file(disk)); /* the file's sync says nothing of its name */
    assert_false(has_after(disk, STORAGE_NOTHING, "/one"));
    assert_true(has_after(disk, STORAGE_ALL, "/one"));
    assert_ok(sync_names(disk, "/"));
    assert_true(has_after(disk, STORAGE_NOTHING, "/one"));
    assert_ok(disk->files->rename(disk->storage, "/one", "/two", &test_error));
    assert_true(has_after(disk, STORAGE_NOTHING, "/one"));
    assert_false(has_after(disk, STORAGE_NOTHING, "/two"));
    assert_false(has_after(disk, STORAGE_ALL, "/one"));
    assert_ok(sync_names(disk, "/"));
    assert_true(has_after(disk, STORAGE_NOTHING, "/two"));
    assert_ok(disk->files->remove(disk->storage, "/two", &test_error));
    assert_true(has_after(disk, STORAGE_NOTHING, "/two"));
    assert_ok(sync_names(disk, "/"));
    assert_false(has_after(disk, STORAGE_ALL, "/two"));
}

static void test_directories_are_lost(void **state)
{
    struct disk *disk = *state;
    assert_ok(disk->files->make_directory(disk->storage, "/log", &test_error));
    create(disk, "/log/file");
    assert_ok(sync_names(disk, "/log"));
    assert_false(has_after(disk, STORAGE_NOTHING, "/log/file")); /* the directory is not there */
    assert_ok(sync_names(disk, "/"));
    assert_true(has_after(disk, STORAGE_NOTHING, "/log/file"));
}

static void test_killed_process_leaves_all(void **state)
{
    struct disk *disk = *state;
    uint64_t size;
    int fd;
    assert_ok(disk->files->open(disk->storage, "/file", LD_OPEN_LOCK, &disk->fd, &test_error));
    assert_int_equal(disk->files->open(disk->storage, "/file", LD_OPEN_LOCK, &fd, &test_error),
                     LD_LOCKED);
    assert_ok(put(disk, 0, 3, 10));
    struct storage *after = storage_kill(disk->storage);
    const struct ld_files *files = &storage_context(after)->files;
    assert_ok(files->open(after, "/file", LD_OPEN_LOCK, &fd, &test_error));
    assert_int_equal(storage_peek(after, "/file", &size)[9], 3);
    struct storage *cut = storage_cut(after, STORAGE_NOTHING, 1);
    assert_false(storage_has(cut, "/file"));
    storage_free(cut);
    storage_free(after);
}

static void test_failed_sync_forgets(void **state)
{
    struct disk *disk = *state;
    uint64_t size;
    create_durable(disk, "/file");
    assert_ok(put(disk, 0, 2, FILE_BYTES));
    storage_fail(disk->storage, STORAGE_SYNC, 0, LD_IO);
    assert_int_equal(sync_file(disk), LD_IO);
    assert_ok(sync_file(disk)); /* lies, as Linux does */
    assert_int_equal(storage_failed(disk->storage), 1);
    struct storage *after = storage_cut(disk->storage, STORAGE_ALL, 1);
    unsigned lost = 0;
    for (size_t i = 0; i < FILE_BYTES; i += STORAGE_SECTOR)
        lost += storage_peek(after, "/file", &size)[i] == 1;
    assert_in_range(lost, 1, FILE_BYTES / STORAGE_SECTOR - 1);
    storage_free(after);
}

static void test_full_disk(void **state)
{
    struct disk *disk = *state;
    uint64_t size, bytes;
    create_durable(disk, "/file");
    storage_capacity(disk->storage, FILE_BYTES + 100);
    assert_ok(disk->files->free_space(disk->storage, "/", &bytes, &test_error));
    assert_int_equal(bytes, 100);
    assert_ok(put(disk, 0, 2, FILE_BYTES)); /* has its space */
    assert_int_equal(put(disk, FILE_BYTES, 2, 200), LD_NOSPACE);
    storage_peek(disk->storage, "/file", &size);
    assert_int_equal(size, FILE_BYTES + 100);
    assert_int_equal(storage_used(disk->storage), FILE_BYTES + 100);
}

static void test_nth_step_fails(void **state)
{
    struct disk *disk = *state;
    create_durable(disk, "/file");
    storage_fail(disk->storage, STORAGE_WRITE, 2, LD_NOSPACE);
    assert_ok(put(disk, 0, 2, 10));
    assert_ok(sync_file(disk));
    assert_ok(put(disk, 0, 2, 10));
    assert_int_equal(put(disk, 0, 2, 10), LD_NOSPACE);
    assert_ok(put(disk, 0, 2, 10));
    storage_fail(disk->storage, STORAGE_RENAME | STORAGE_SYNC_DIRECTORY, 0, LD_IO);
    assert_int_equal(sync_names(disk, "/"), LD_IO);
}

static void test_misdirected_write(void **state)
{
    struct disk *disk = *state;
    uint64_t size;
    create_durable(disk, "/file");
    storage_misdirect(disk->storage, 0, NULL, STORAGE_PAGE);
    assert_ok(put(disk, 0, 2, STORAGE_SECTOR));
    assert_ok(sync_file(disk));
    assert_int_equal(storage_peek(disk->storage, "/file", &size)[0], 2);
    assert_int_equal(byte_after(disk, STORAGE_ALL, 0, &size), 1);
    assert_int_equal(byte_after(disk, STORAGE_ALL, STORAGE_PAGE, &size), 2);
    assert_int_equal(byte_after(disk, STORAGE_ALL, STORAGE_PAGE + STORAGE_SECTOR, &size), 1);
}

static void test_flipped_bit(void **state)
{
    struct disk *disk = *state;
    uint64_t size;
    create_durable(disk, "/file");
    storage_flip(disk->storage, "/file", 8 * 100 + 1);
    assert_int_equal(storage_peek(disk->storage, "/file", &size)[100], 3);
    assert_int_equal(byte_after(disk, STORAGE_NOTHING, 100, &size), 3);
}

static void test_views_follow_writes(void **state)
{
    struct disk *disk = *state;
    const uint8_t *view;
    create_durable(disk, "/file");
    struct storage *before = storage_kill(disk->storage);
    assert_ok(disk->files->map(disk->storage, disk->fd, FILE_BYTES, &view, &test_error));
    struct storage *during = storage_kill(disk->storage);
    assert_ok(put(disk, 0, 2, 10));
    uint64_t size;
    assert_int_equal(view[0], 2);
    assert_int_equal(storage_peek(before, "/file", &size)[0], 1);
    assert_int_equal(storage_peek(during, "/file", &size)[0], 1);
    disk->files->unmap(disk->storage, view, FILE_BYTES);
    storage_free(before);
    storage_free(during);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_unsynced_data_is_lost),
        TEST(test_unsynced_size_is_lost),
        TEST(test_writes_are_torn),
        TEST(test_writes_are_reordered),
        TEST(test_names_are_lost),
        TEST(test_directories_are_lost),
        TEST(test_killed_process_leaves_all),
        TEST(test_failed_sync_forgets),
        TEST(test_full_disk),
        TEST(test_nth_step_fails),
        TEST(test_misdirected_write),
        TEST(test_flipped_bit),
        TEST(test_views_follow_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
