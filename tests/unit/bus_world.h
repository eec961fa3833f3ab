/*
 * The real router in this process, on the test's loop and on a real log in a folder of its own.
 * bus_run_until turns the loop until a condition holds, with a generous deadline.
 */
#ifndef LD_TEST_BUS_WORLD_H
#define LD_TEST_BUS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "router.h"

enum { BUS_DEADLINE_MS = 60000 };

struct bus {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool late;
    char directory[64], endpoint[96];
    struct router *router;
    bool drill;
};

static inline void bus_on_deadline(uv_timer_t *timer)
{
    struct bus *bus = timer->data;
    bus->late = true;
}

static inline void bus_run_until(struct bus *bus, bool (*done)(void *data), void *data)
{
    bus->late = false;
    uv_timer_start(&bus->deadline, bus_on_deadline, BUS_DEADLINE_MS, 0);
    while (!done(data)) {
        uv_run(&bus->loop, UV_RUN_ONCE);
        if (bus->late)
            fail_msg("the condition did not come true within %d ms", BUS_DEADLINE_MS);
    }
    uv_timer_stop(&bus->deadline);
}

static inline void bus_on_stopped(int code, const char *reason, void *data)
{
    struct bus *bus = data;
    if (code != LD_OK)
        fail_msg("the router stopped: %s", reason);
    bus->router = NULL;
}

static inline bool bus_is_stopped(void *data)
{
    const struct bus *bus = data;
    return bus->router == NULL;
}

static inline void bus_start_router(struct bus *bus)
{
    struct router_options options;
    struct ld_error error;
    const char *endpoints[] = {bus->endpoint};
    router_options_init(&options);
    options.directory = bus->directory;
    options.endpoints = endpoints;
    options.endpoint_count = 1;
    options.heartbeat_ms = 100;
    options.segment_bytes = 4 << 20;
    options.drill = bus->drill;
    options.drill_start_us = 1000000;
    options.stopped = bus_on_stopped;
    options.data = bus;
    if (router_open(ld_context_system(), &bus->loop, &options, &bus->router, &error) != LD_OK)
        fail_msg("%s", error.text);
}

static inline void bus_stop_router(struct bus *bus)
{
    router_stop(bus->router);
    bus_run_until(bus, bus_is_stopped, bus);
}

static inline void bus_open(struct bus *bus, bool drill)
{
    snprintf(bus->directory, sizeof bus->directory, "/tmp/liandong-client-XXXXXX");
    assert_non_null(mkdtemp(bus->directory));
    snprintf(bus->endpoint, sizeof bus->endpoint, "ipc://%s.sock", bus->directory);
    assert_int_equal(uv_loop_init(&bus->loop), 0);
    uv_timer_init(&bus->loop, &bus->deadline);
    bus->deadline.data = bus;
    bus->drill = drill;
    bus_start_router(bus);
}

static inline void bus_remove_directory(const char *path)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    assert_non_null(directory);
    while ((entry = readdir(directory)) != NULL) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        unlink(file);
    }
    closedir(directory);
    rmdir(path);
}

/* All clients closed before. */
static inline void bus_close(struct bus *bus)
{
    if (bus->router != NULL)
        bus_stop_router(bus);
    uv_close((uv_handle_t *)&bus->deadline, NULL);
    uv_run(&bus->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bus->loop), 0);
    bus_remove_directory(bus->directory);
    unlink(bus->endpoint + sizeof "ipc://" - 1); /* ZeroMQ leaves it behind */
}

#endif
