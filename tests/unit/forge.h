/* Snapshots forged so that their checksum is right: each byte of the state changed in turn.
 * Whatever the damage says, loading must refuse it or take it, and a state that was taken must work
 * on. */
#ifndef TESTS_FORGE_H
#define TESTS_FORGE_H

#include "world.h"

#include <string.h>

enum { FORGE_TRIES = 400 };

/* The last records of the log are applied to each state that was taken. */
static inline void forge_try(const struct world *world, const struct sv_class *class,
                             struct ld_buffer *state)
{
    uint32_t crc = ld_crc32c(0, state->data + 12, state->size - 12);
    for (unsigned i = 0; i < 4; i++)
        state->data[8 + i] = (uint8_t)(crc >> (8 * i));
    struct sv_host *host = sv_host_open();
    sv_host_add(host, class, NULL);
    if (sv_host_load(host, state->data, state->size, NULL) == LD_OK) {
        for (size_t i = world->count > 40 ? world->count - 40 : 0; i < world->count; i++) {
            struct ld_record record = world->all[i].record;
            record.sequence += (uint64_t)1 << 40; /* as if it came later */
            if (sv_host_apply(host, &record, NULL) != LD_OK)
                break;
        }
    }
    sv_host_close(host);
}

/* Changes the last bytes of the snapshot: the plans stand before them. */
static inline void survives_forgery(const struct world *world, const struct sv_class *class)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    struct ld_buffer state = {0};
    sv_host_save(sv_sim_host(world->sim), &state);
    size_t bytes = state.size > 2000 ? 2000 : state.size - 12;
    size_t step = bytes * 3 / FORGE_TRIES + 1;
    for (size_t i = 0; i < bytes * 3; i += step) {
        uint8_t *byte = &state.data[state.size - 1 - i / 3];
        *byte ^= changes[i % 3];
        forge_try(world, class, &state);
        *byte ^= changes[i % 3];
    }
    ld_buffer_free(&state);
}

#endif
