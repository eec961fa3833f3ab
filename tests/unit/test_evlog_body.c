/* How new segments get their zeros, and that sealed ones leave the page cache. */
#include "evlog_world.h"

enum { BODY_SEGMENT_BYTES = 1 << 20, EVENTS_FOR_TWO_SEGMENTS = 24000, LARGE_COMMIT_EVENTS = 2400 };

struct body_world {
    struct world world;
    atomic_uint allocated, uncached;
    atomic_int allocate_code;
};

/* The context's self is the world, which comes first. */
static int body_allocate(void *self, int fd, uint64_t size, struct ld_error *error)
{
    struct body_world *body = self;
    atomic_fetch_add(&body->allocated, 1);
    if (atomic_load(&body->allocate_code) != LD_OK)
        return ld_fail(error, atomic_load(&body->allocate_code), "cannot, as told");
    const struct ld_context *real = body->world.real;
    return real->files.allocate(real->self, fd, size, error);
}

static void body_uncache(void *self, int fd)
{
    struct body_world *body = self;
    const struct ld_context *real = body->world.real;
    atomic_fetch_add(&body->uncached, 1);
    real->files.uncache(real->self, fd);
}

static int setup(void **state)
{
    struct body_world *body = calloc(1, sizeof *body);
    world_init(&body->world);
    body->world.context.files.allocate = body_allocate;
    body->world.context.files.uncache = body_uncache;
    body->world.options.segment_bytes = BODY_SEGMENT_BYTES;
    body->world.options.buffer_bytes = 4 * BODY_SEGMENT_BYTES;
    *state = body;
    return 0;
}

static int teardown(void **state)
{
    struct body_world *body = *state;
    world_free(&body->world);
    free(body);
    return 0;
}

/* Fills more than two segments in commits of so many events, and reads all of it. */
static void fill(struct body_world *body, size_t commit_events)
{
    struct world *world = &body->world;
    world_open(world);
    for (size_t i = 0; i < EVENTS_FOR_TWO_SEGMENTS; i += commit_events)
        world_append(world, 7, commit_events);
    struct evlog_stats stats;
    evlog_get_stats(world->log, &stats);
    assert_true(stats.segments_created >= 2);
    assert_true(world_read_all(world, 1, 100000) > EVENTS_FOR_TWO_SEGMENTS);
}

static void test_small_commits_have_zeros_written(void **state)
{
    struct body_world *body = *state;
    fill(body, 20);
    assert_int_equal(atomic_load(&body->allocated), 0);
}

static void test_large_commits_have_space_allocated(void **state)
{
    struct body_world *body = *state;
    fill(body, LARGE_COMMIT_EVENTS);
    assert_true(atomic_load(&body->allocated) >= 1);
}

static void test_cannot_allocate(void **state)
{
    static const int CODES[] = {LD_REFUSED, LD_NOSPACE, LD_IO};
    struct body_world *body = *state;
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        atomic_store(&body->allocate_code, CODES[i]);
        fill(body, LARGE_COMMIT_EVENTS);
        world_close(&body->world);
        world_empty_directory(&body->world);
    }
    assert_true(atomic_load(&body->allocated) >= 3);
}

/* All but the last sealed segment. */
static void test_sealed_segments_leave_the_cache(void **state)
{
    struct body_world *body = *state;
    fill(body, LARGE_COMMIT_EVENTS);
    struct evlog_stats stats;
    evlog_get_stats(body->world.log, &stats);
    assert_int_equal(atomic_load(&body->uncached), stats.segments_created - 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_small_commits_have_zeros_written), TEST(test_large_commits_have_space_allocated),
        TEST(test_cannot_allocate), TEST(test_sealed_segments_leave_the_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
