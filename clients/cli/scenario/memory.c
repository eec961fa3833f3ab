/* The bus in memory: the simulator, all cores in this process, in no time. */
#include <stdio.h>
#include <stdlib.h>

#include "run.h"
#include "services/common/sim.h"

struct memory {
    struct scenario_bus bus;
    struct sv_sim *sim;
};

static int memory_start(void *self, int64_t *start_us, bool may_move, scenario_record_fn *each,
                        void *data, struct ld_error *error)
{
    struct memory *memory = self;
    (void)may_move;
    (void)error;
    memory->sim = sv_sim_open(*start_us, each, data);
    sv_host_add_all(sv_sim_host(memory->sim));
    return LD_OK;
}

static int memory_publish(void *self, const char *author, const char *topic, const void *payload,
                          size_t payload_size, uint64_t *sequence, struct ld_error *error)
{
    struct memory *memory = self;
    char producer[128];
    snprintf(producer, sizeof producer, "%s#scenario", author);
    return sv_sim_publish(memory->sim, producer, topic, payload, payload_size, LD_RECORD_EXERCISE,
                          sequence, error);
}

/* Publishing has let everything follow already. */
static int memory_settle(void *self, struct ld_error *error)
{
    (void)self;
    (void)error;
    return LD_OK;
}

static int memory_advance(void *self, int64_t time_us, struct ld_error *error)
{
    struct memory *memory = self;
    (void)error;
    sv_sim_advance(memory->sim, time_us);
    return LD_OK;
}

struct scenario_bus *scenario_memory_open(void)
{
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        abort();
    memory->bus = (struct scenario_bus){.self = memory,
                                        .start = memory_start,
                                        .publish = memory_publish,
                                        .settle = memory_settle,
                                        .advance = memory_advance};
    return &memory->bus;
}

void scenario_memory_close(struct scenario_bus *bus)
{
    if (bus == NULL)
        return;
    struct memory *memory = bus->self;
    sv_sim_close(memory->sim);
    free(memory);
}
