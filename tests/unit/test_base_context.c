/* The system context: clocks, randomness and files as the machine has them. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "context.h"

struct place {
    const struct ld_context *context;
    const struct ld_files *files;
    char directory[256];
    char path[300];
};

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    const char *parent = getenv("TMPDIR");
    place->context = ld_context_system();
    place->files = &place->context->files;
    snprintf(place->directory, sizeof place->directory, "%.200s/liandong-context-XXXXXX",
             parent ? parent : "/tmp");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/file", place->directory);
    *state = place;
    return 0;
}

static int remove_name(const char *name, void *data)
{
    struct place *place = data;
    char path[600];
    snprintf(path, sizeof path, "%s/%s", place->directory, name);
    remove(path);
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    assert_ok(place->files->list(place->context->self, place->directory, remove_name, place,
                                 &test_error));
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

static int open_file(struct place *place, enum ld_open_mode mode, int *fd)
{
    return place->files->open(place->context->self, place->path, mode, fd, &test_error);
}

static void close_file(struct place *place, int fd)
{
    assert_ok(place->files->close(place->context->self, fd));
}

static void test_clocks(void **state)
{
    struct place *place = *state;
    int64_t wall_us = ld_wall_us(place->context);
    assert_true(wall_us > INT64_C(1600000000) * 1000000); /* 2020: microseconds, not seconds */
    assert_true(wall_us < INT64_C(7000000000) * 1000000);
    int64_t before_us = ld_monotonic_us(place->context);
    for (int i = 0; i < 1000; i++) {
        int64_t now_us = ld_monotonic_us(place->context);
        assert_true(now_us >= before_us);
        before_us = now_us;
    }
}

static void test_randomness(void **state)
{
    struct place *place = *state;
    uint8_t first[4096] = {0}, second[4096] = {0};
    uint8_t seen = 0;
    place->context->random(place->context->self, first, sizeof first);
    place->context->random(place->context->self, second, sizeof second);
    assert_memory_not_equal(first, second, sizeof first);
    for (size_t i = sizeof first - 64; i < sizeof first; i++)
        seen |= first[i];
    assert_int_not_equal(seen, 0); /* filled to the end */
    place->context->random(place->context->self, first, 0);
}

static void test_open_modes(void **state)
{
    struct place *place = *state;
    int fd = -1;
    assert_int_equal(open_file(place, LD_OPEN_READ, &fd), LD_NOTFOUND);
    assert_non_null(strstr(test_error.text, place->path));
    assert_int_equal(open_file(place, LD_OPEN_WRITE, &fd), LD_NOTFOUND);
    assert_int_equal(fd, -1);
    assert_ok(open_file(place, LD_OPEN_CREATE, &fd));
    close_file(place, fd);
    assert_int_equal(open_file(place, LD_OPEN_CREATE, &fd), LD_IO);
    assert_ok(open_file(place, LD_OPEN_READ, &fd));
    assert_int_equal(place->files->write(place->context->self, fd, 0, "x", 1, &test_error), LD_IO);
    close_file(place, fd);
    assert_ok(open_file(place, LD_OPEN_WRITE, &fd));
    assert_ok(place->files->write(place->context->self, fd, 0, "x", 1, &test_error));
    close_file(place, fd);
    struct stat status;
    assert_int_equal(stat(place->path, &status), 0);
    assert_int_equal(status.st_mode & 0007, 0); /* nothing for strangers */
}

static void test_reads_and_writes(void **state)
{
    struct place *place = *state;
    const struct ld_files *files = place->files;
    void *self = place->context->self;
    char text[16] = {0};
    size_t size_read = 99;
    uint64_t size = 0;
    int fd;
    assert_ok(open_file(place, LD_OPEN_CREATE, &fd));
    assert_ok(files->read(self, fd, 0, text, sizeof text, &size_read, &test_error));
    assert_int_equal(size_read, 0);
    assert_ok(files->write(self, fd, 5, "world", 5, &test_error));
    assert_ok(files->write(self, fd, 0, "hello", 5, &test_error));
    assert_ok(files->sync(self, fd, &test_error));
    assert_ok(files->size(self, fd, &size, &test_error));
    assert_int_equal(size, 10);
    assert_ok(files->read(self, fd, 3, text, sizeof text, &size_read, &test_error));
    assert_int_equal(size_read, 7); /* short at the end only */
    assert_memory_equal(text, "loworld", 7);
    assert_ok(files->truncate(self, fd, 4, &test_error));
    assert_ok(files->size(self, fd, &size, &test_error));
    assert_int_equal(size, 4);
    close_file(place, fd);
    assert_int_equal(files->sync(self, fd, &test_error), LD_IO);
    assert_int_equal(files->size(self, fd, &size, &test_error), LD_IO);
    assert_int_equal(files->truncate(self, fd, 0, &test_error), LD_IO);
    assert_int_equal(files->read(self, fd, 0, text, 1, &size_read, &test_error), LD_IO);
    assert_int_equal(files->close(self, fd), LD_IO);
}

static void test_maps(void **state)
{
    struct place *place = *state;
    const struct ld_files *files = place->files;
    void *self = place->context->self;
    const uint8_t *view = NULL;
    int fd;
    assert_ok(open_file(place, LD_OPEN_CREATE, &fd));
    assert_ok(files->truncate(self, fd, 8192, &test_error));
    assert_ok(files->write(self, fd, 4090, "before", 6, &test_error));
    assert_ok(files->map(self, fd, 8192, &view, &test_error));
    assert_memory_equal(view + 4090, "before", 6);
    assert_ok(files->write(self, fd, 4090, "after!", 6, &test_error));
    close_file(place, fd);
    assert_memory_equal(view + 4090, "after!", 6); /* shared, and good after close */
    files->unmap(self, view, 8192);
    assert_int_equal(files->map(self, fd, 8192, &view, &test_error), LD_IO);
}

static void test_locks(void **state)
{
    struct place *place = *state;
    int first, second = -1;
    assert_ok(open_file(place, LD_OPEN_LOCK, &first));
    assert_int_equal(open_file(place, LD_OPEN_LOCK, &second), LD_LOCKED);
    assert_non_null(strstr(test_error.text, "locked by another process"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(open_file(place, LD_OPEN_LOCK, &second) == LD_LOCKED ? 0 : 1);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close_file(place, first);
    assert_ok(open_file(place, LD_OPEN_LOCK, &second));
    close_file(place, second);
}

/* A file system may refuse; else the file has its size and reads as zeros. */
static void test_allocating(void **state)
{
    struct place *place = *state;
    uint8_t bytes[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t ZEROS[8] = {0};
    uint64_t size;
    size_t size_read;
    int fd;
    assert_ok(open_file(place, LD_OPEN_CREATE, &fd));
    int code = place->files->allocate(place->context->self, fd, 1 << 20, &test_error);
    assert_true(code == LD_OK || code == LD_REFUSED);
    if (code == LD_OK) {
        assert_ok(place->files->size(place->context->self, fd, &size, &test_error));
        assert_int_equal(size, 1 << 20);
        assert_ok(place->files->read(place->context->self, fd, (1 << 20) - 8, bytes, sizeof bytes,
                                     &size_read, &test_error));
        assert_int_equal(size_read, sizeof bytes);
        assert_memory_equal(bytes, ZEROS, sizeof bytes);
    }
    assert_int_equal(
        place->files->allocate(place->context->self, fd, UINT64_C(1) << 50, &test_error) == LD_OK,
        false);
    close_file(place, fd);
}

struct names {
    char joined[64];
    size_t count, stop_after;
};

static int note_name(const char *name, void *data)
{
    struct names *names = data;
    strncat(names->joined, name, sizeof names->joined - strlen(names->joined) - 1);
    return ++names->count == names->stop_after;
}

static void test_directories(void **state)
{
    struct place *place = *state;
    const struct ld_files *files = place->files;
    void *self = place->context->self;
    char other[600];
    struct names names = {.stop_after = 9};
    int fd;
    snprintf(other, sizeof other, "%s/other", place->directory);
    assert_ok(open_file(place, LD_OPEN_CREATE, &fd));
    close_file(place, fd);
    assert_int_equal(files->make_directory(self, place->path, &test_error), LD_IO);
    assert_ok(files->rename(self, place->path, other, &test_error));
    assert_ok(files->sync_directory(self, place->directory, &test_error));
    assert_ok(files->list(self, place->directory, note_name, &names, &test_error));
    assert_string_equal(names.joined, "other");
    assert_ok(files->make_directory(self, place->path, &test_error));
    assert_ok(files->make_directory(self, place->path, &test_error)); /* is there */
    names = (struct names){.stop_after = 1};
    assert_ok(files->list(self, place->directory, note_name, &names, &test_error));
    assert_int_equal(names.count, 1);
    assert_ok(files->remove(self, other, &test_error));
    assert_int_equal(files->remove(self, other, &test_error), LD_NOTFOUND);
    assert_int_equal(files->rename(self, other, place->path, &test_error), LD_NOTFOUND);
    assert_int_equal(files->list(self, other, note_name, &names, &test_error), LD_NOTFOUND);
    assert_int_equal(files->sync_directory(self, other, &test_error), LD_NOTFOUND);
}

static void test_space(void **state)
{
    struct place *place = *state;
    const struct ld_files *files = place->files;
    void *self = place->context->self;
    uint64_t bytes = 0;
    assert_ok(files->free_space(self, place->directory, &bytes, &test_error));
    assert_true(bytes > 0);
    assert_int_equal(files->free_space(self, place->path, &bytes, &test_error), LD_NOTFOUND);
    int fd;
    if (files->open(self, "/dev/full", LD_OPEN_WRITE, &fd, &test_error) == LD_OK) {
        assert_int_equal(files->write(self, fd, 0, "x", 1, &test_error), LD_NOSPACE);
        close_file(place, fd);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_clocks),           TEST(test_randomness),  TEST(test_open_modes),
        TEST(test_reads_and_writes), TEST(test_maps),        TEST(test_locks),
        TEST(test_allocating),       TEST(test_directories), TEST(test_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
