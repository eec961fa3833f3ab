/* A log on the storage model. */
#include "rig.h"

#include <inttypes.h>
#include <stdlib.h>

void rig_options(struct evlog_options *options)
{
    evlog_options_init(options);
    options->index = false; /* a thread of its own, whose steps come by chance */
    options->segment_bytes = SEGMENT_BYTES;
    options->buffer_bytes = 262144;
    options->reserve_bytes = 65536;
    options->writer_thread = options->index = false;
}

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig_options(&rig->options);
    rig->storage = storage_new(1);
    place_set("seed 1");
    *state = rig;
    return 0;
}

int rig_setup_threaded(void **state)
{
    rig_setup(state);
    struct rig *rig = *state;
    rig->options.writer_thread = rig->options.index = true;
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    storage_free(rig->storage);
    history_free(&rig->history);
    free(rig);
    return 0;
}

int rig_try_open(struct rig *rig)
{
    rig->error.text[0] = 0;
    return evlog_open(storage_context(rig->storage), LOG_DIRECTORY, &rig->options, &rig->log,
                      &rig->recovery, &rig->error);
}

void rig_open(struct rig *rig)
{
    int code = rig_try_open(rig);
    expect(code == LD_OK, "the log does not open: %s: %s", ld_code_name(code), rig->error.text);
    history_check(&rig->history, rig->log, 0);
    history_cut(&rig->history, evlog_durable(rig->log));
}

void rig_close(struct rig *rig)
{
    evlog_close(rig->log);
    rig->log = NULL;
}

void rig_end(struct rig *rig, unsigned ending, uint64_t seed)
{
    struct storage *left = storage_after(rig->storage, ending, seed);
    rig_close(rig);
    storage_free(rig->storage);
    rig->storage = left;
}

void rig_renew(struct rig *rig, uint64_t seed)
{
    rig_close(rig);
    storage_free(rig->storage);
    history_free(&rig->history);
    rig->storage = storage_new(seed);
}

int rig_try_stage(struct rig *rig, uint64_t producer)
{
    int64_t now_us = ld_wall_us(storage_context(rig->storage));
    return history_stage(&rig->history, rig->log, producer, now_us, &rig->error);
}

void rig_stage(struct rig *rig, uint64_t producer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int code = rig_try_stage(rig, producer);
        expect(code == LD_OK, "cannot stage: %s", rig->error.text);
    }
}

uint64_t rig_append(struct rig *rig, uint64_t producer, size_t count)
{
    rig_stage(rig, producer, count);
    int code = evlog_commit(rig->log, &test_error);
    expect(code == LD_OK, "cannot commit: %s", test_error.text);
    return evlog_durable(rig->log);
}

void rig_grow(struct rig *rig, uint64_t producer, uint64_t segments)
{
    struct evlog_stats stats;
    do {
        rig_append(rig, producer, 1);
        evlog_get_stats(rig->log, &stats);
    } while (stats.bytes_on_disk < segments * rig->options.segment_bytes);
}
