/*
 * A world for log tests: a temporary directory, a clock that only moves when told, and the real
 * files with two switches (the disk is full, a sync waits at a gate). The log's threads call in
 * here too, so the switches are atomic. Faults of all kinds: tests/fault/storage.h.
 */
#ifndef LIANDONG_EVLOG_WORLD_H
#define LIANDONG_EVLOG_WORLD_H

#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "bytes.h"
#include "context.h"
#include "evlog/evlog.h"
#include "evlog_event.h"

#define WORLD_SEGMENT_BYTES 65536u
#define WORLD_HEADER_BYTES  4096u
#define WORLD_PATH_SIZE     512u

struct world {
    struct ld_context context;
    const struct ld_context *real;
    char directory[WORLD_PATH_SIZE];
    struct evlog_options options;
    struct evlog *log;
    struct evlog_recovery recovery;
    atomic_llong now_us;
    atomic_ullong free_bytes;
    atomic_uint waiting;
    pthread_mutex_t gate;
    atomic_bool gated; /* a sync waits for the gate */
};

/* ---- the context ---- */

static int64_t world_now(void *self)
{
    return atomic_load(&((struct world *)self)->now_us);
}

static int64_t world_monotonic(void *self)
{
    struct world *world = self;
    return ld_monotonic_us(world->real);
}

static void world_random(void *self, void *bytes, size_t size)
{
    struct world *world = self;
    world->real->random(world->real->self, bytes, size);
}

static int world_sync(void *self, int fd, struct ld_error *error)
{
    struct world *world = self;
    if (atomic_load(&world->gated)) {
        atomic_fetch_add(&world->waiting, 1);
        pthread_mutex_lock(&world->gate);
        pthread_mutex_unlock(&world->gate);
    }
    return world->real->files.sync(world->real->self, fd, error);
}

static int world_free_space(void *self, const char *path, uint64_t *bytes, struct ld_error *error)
{
    (void)path, (void)error;
    *bytes = atomic_load(&((struct world *)self)->free_bytes);
    return LD_OK;
}

/* ---- files from outside ---- */

static inline void world_path(const struct world *world, char path[2 * WORLD_PATH_SIZE],
                              const char *name)
{
    snprintf(path, 2 * WORLD_PATH_SIZE, "%s/%s", world->directory, name);
}

static inline void segment_file(char name[32], uint64_t number)
{
    snprintf(name, 32, "%016llu.ldlog", (unsigned long long)number);
}

static inline bool world_has_file(const struct world *world, const char *name)
{
    char path[2 * WORLD_PATH_SIZE];
    world_path(world, path, name);
    return access(path, F_OK) == 0;
}

static inline void remove_folder(const char *folder)
{
    char path[4 * WORLD_PATH_SIZE];
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            unlink(path);
    }
    closedir(directory);
    assert_int_equal(rmdir(folder), 0);
}

static inline void world_empty_directory(const struct world *world)
{
    char path[2 * WORLD_PATH_SIZE];
    DIR *directory = opendir(world->directory);
    if (!directory)
        return;
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        world_path(world, path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path) != 0)
            remove_folder(path);
    }
    closedir(directory);
}

/* ---- beginning and end ---- */

static inline void world_init(struct world *world)
{
    const struct ld_context *real = ld_context_system();
    memset(world, 0, sizeof *world);
    world->real = real;
    world->context = *real;
    world->context.self = world;
    world->context.wall_us = world_now;
    world->context.monotonic_us = world_monotonic;
    world->context.random = world_random;
    world->context.files.sync = world_sync;
    world->context.files.free_space = world_free_space;
    atomic_store(&world->free_bytes, UINT64_C(1) << 40);
    atomic_store(&world->now_us, INT64_C(1700000000000000));
    pthread_mutex_init(&world->gate, NULL);
    const char *parent = getenv("TMPDIR");
    snprintf(world->directory, sizeof world->directory, "%s/liandong-evlog-XXXXXX",
             parent ? parent : "/tmp");
    assert_non_null(mkdtemp(world->directory));
    evlog_options_init(&world->options);
    world->options.segment_bytes = WORLD_SEGMENT_BYTES;
    world->options.buffer_bytes = 262144;
    world->options.reserve_bytes = 65536;
    world->options.index = false; /* files and writes of its own; who tests it turns it on */
}

static inline int world_try_open(struct world *world)
{
    return evlog_open(&world->context, world->directory, &world->options, &world->log,
                      &world->recovery, &test_error);
}

static inline void world_open(struct world *world)
{
    assert_ok(world_try_open(world));
}

static inline void world_close(struct world *world)
{
    evlog_close(world->log);
    world->log = NULL;
}

static inline void world_free(struct world *world)
{
    world_close(world);
    world_empty_directory(world);
    rmdir(world->directory);
    pthread_mutex_destroy(&world->gate);
}

/* ---- events ---- */

static inline int world_try_stage(struct world *world, uint64_t producer, uint64_t *sequence)
{
    struct event event;
    event_make(&event, producer, evlog_producer(world->log, producer) + 1);
    return evlog_stage(world->log, event.raw, world_now(world), 0, sequence, &test_error);
}

/* Stages count events of a producer, with its next sequences; returns the last one's place. */
static inline uint64_t world_stage(struct world *world, uint64_t producer, size_t count)
{
    uint64_t sequence = 0;
    for (size_t i = 0; i < count; i++) {
        int code = world_try_stage(world, producer, &sequence);
        if (code == LD_BUSY) {
            assert_ok(evlog_commit(world->log, &test_error));
            code = world_try_stage(world, producer, &sequence);
        }
        assert_ok(code);
    }
    return sequence;
}

static inline uint64_t world_append(struct world *world, uint64_t producer, size_t count)
{
    uint64_t sequence = world_stage(world, producer, count);
    assert_ok(evlog_commit(world->log, &test_error));
    return sequence;
}

/* Reads [from, durable] in spans of at most span_bytes; returns the number of events. */
static inline uint64_t world_read_all(struct world *world, uint64_t from, size_t span_bytes)
{
    uint64_t next = from;
    for (;;) {
        struct evlog_span span;
        assert_ok(evlog_read(world->log, next, span_bytes, &span, &test_error));
        if (span.size == 0)
            break;
        assert_int_equal(span.first, next);
        span_check(&span);
        next = span.last + 1;
        evlog_span_release(&span);
    }
    assert_int_equal(next, evlog_durable(world->log) + 1);
    return next - from;
}

/* Waits until condition(data) holds, with a deadline. */
static inline void wait_until(bool (*condition)(void *data), void *data)
{
    const struct ld_context *real = ld_context_system();
    int64_t deadline_us = ld_monotonic_us(real) + 30 * INT64_C(1000000);
    while (!condition(data)) {
        assert_true(ld_monotonic_us(real) < deadline_us);
        sched_yield();
    }
}

/* ---- cmocka ---- */

static inline int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    world_init(world);
    *state = world;
    return 0;
}

static inline int world_setup_inline(void **state)
{
    world_setup(state);
    ((struct world *)*state)->options.writer_thread = false;
    return 0;
}

static inline int world_teardown(void **state)
{
    world_free(*state);
    free(*state);
    return 0;
}

#define BOTH(test)                                                                                 \
    cmocka_unit_test_setup_teardown(test, world_setup, world_teardown),                            \
        cmocka_unit_test_setup_teardown(test, world_setup_inline, world_teardown)
#define THREADED(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
#define INLINE(test)   cmocka_unit_test_setup_teardown(test, world_setup_inline, world_teardown)

#endif
