/* A world for testing one core: the simulator with that core alone, the real plan adopted, and
 * every record kept and decoded. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "common/sim.h"

struct world_record {
    uint8_t *raw;
    struct ld_record record;
    enum sv_family family;
    ProtobufCMessage *message; /* NULL where the family has none */
    struct ld_arena arena;
};

struct world {
    struct sv_sim *sim;
    struct world_record *all;
    size_t count, capacity;
};

/* The places to change in a plan's text: each stands there once. */
struct world_edit {
    const char *find, *replace;
};
/* Adopts the plan at path, with what the edits say changed in its own file. */
void world_adopt(struct world *world, const char *path, const struct world_edit *edits,
                 size_t edit_count);

/* class NULL: all six cores, by world_add_all, which a test that wants that gives. The plan is
 * plans/wenzhou-phe.yaml; time starts on 2026-01-01 UTC. */
void world_open(struct world *world, const struct sv_class *class);
extern void (*world_add_all)(struct sv_host *host);
void world_close(struct world *world);

/* Publishes as the producer; flags as in the record. Returns the index of the event in all[]: what
 * followed from it comes behind it. */
size_t world_publish(struct world *world, const char *producer, const char *topic,
                     const ProtobufCMessage *message, uint16_t flags);
/* The n-th message of a family after index, NULL if there are fewer. */
const ProtobufCMessage *world_after(const struct world *world, size_t index, enum sv_family family,
                                    size_t n);
size_t world_count_after(const struct world *world, size_t index, enum sv_family family);

/* Everything logged so far is applied again to a new host of the class that is saved and loaded
 * after up to 100 events, spread over those that are no ticks; its outputs must be the same, byte
 * for byte, and none missing. */
void world_survives_snapshots(const struct world *world, const struct sv_class *class);
/* The same with one snapshot, after the event at this index. */
void world_survives_snapshot_at(const struct world *world, const struct sv_class *class,
                                size_t index);

#endif
