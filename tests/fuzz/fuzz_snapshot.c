/*
 * Snapshots of the services' state: that of a town in the middle of an incident, with anything
 * changed (place, bytes, …) and its checksum made right. Loading refuses it or takes it, and a
 * state that was taken works on.
 */
#include "fuzz.h"

#include "buffer.h"
#include "bytes.h"
#include "town.h"

enum { HEADER_SIZE = 12, AT_CRC = 8, EVENTS_MAX = 400 };

/* A town in which something has happened, once. */
static struct ld_buffer base;
static struct ld_record *last;
static size_t last_count;

static void keep(const struct ld_record *record, void *data)
{
    (void)data;
    if (last_count == EVENTS_MAX || record->payload_size > 4096)
        return;
    uint8_t *raw = malloc(record->size);
    fuzz_check(raw != NULL);
    ld_record_encode(raw, record);
    fuzz_check(ld_record_decode(raw, record->size, &last[last_count++], NULL) == LD_OK);
}

static void make_base(void)
{
    size_t size;
    char *log = fuzz_source("tests/fuzz/corpus/services/poisoning", &size);
    last = calloc(EVENTS_MAX, sizeof *last);
    fuzz_check(last != NULL);
    struct fuzz_input input = {(const uint8_t *)log, size};
    struct sv_sim *sim = town_open(keep, NULL);
    town_play(sim, &input);
    sv_host_save(sv_sim_host(sim), &base);
    sv_sim_close(sim);
    free(log);
}

static void work_on(struct sv_host *host)
{
    for (size_t i = 0; i < last_count; i++) {
        struct ld_record record = last[i];
        record.sequence += (uint64_t)1 << 40;
        if (sv_host_apply(host, &record, NULL) != LD_OK)
            return; /* the position it says is beyond that */
    }
}

static void patch(struct fuzz_input *input, uint8_t *bytes, size_t size)
{
    while (input->left > 0) {
        size_t place = (size_t)fuzz_number(input, 3) % size, count;
        const uint8_t *with = fuzz_bytes(input, &count);
        if (count > size - place)
            count = size - place;
        if (count > 0)
            memcpy(bytes + place, with, count);
    }
    ld_put_u32(bytes + AT_CRC, ld_crc32c(0, bytes + HEADER_SIZE, size - HEADER_SIZE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (base.size == 0)
        make_base();
    struct fuzz_input input = {data, size};
    uint8_t *bytes = fuzz_copy(base.data, base.size);
    struct sv_host *host = sv_host_open();
    sv_host_add_all(host);
    patch(&input, bytes, base.size);
    if (sv_host_load(host, bytes, base.size, NULL) == LD_OK)
        work_on(host);
    sv_host_close(host);
    free(bytes);
    return 0;
}
