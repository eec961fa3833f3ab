/*
 * The simulator: a log in memory. Every record is appended, shown to the caller and applied; what
 * follows from it is queued and appended in its turn, first come first served, until nothing is
 * left. Time stands still meanwhile; it moves only by sv_sim_advance, a tick each full minute.
 */
#include "sim.h"

#include <liandong/topic.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "timefmt.h"
#include "uthash.h"

struct queued {
    struct queued *next;
    uint8_t raw[];
};

struct outsider { /* a producer outside, and how far it has counted */
    uint64_t id, sequence;
    UT_hash_handle hh;
};

struct sv_sim {
    struct sv_host *host;
    sv_sim_record_fn *each;
    void *data;
    int64_t now_us;
    uint64_t sequence;
    struct queued *first, **last;
    struct outsider *outsiders;
};

struct sv_sim *sv_sim_open(int64_t start_us, sv_sim_record_fn *each, void *data)
{
    struct sv_sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        abort();
    *sim = (struct sv_sim){.host = sv_host_open(), .each = each, .data = data, .now_us = start_us};
    sim->last = &sim->first;
    return sim;
}

void sv_sim_close(struct sv_sim *sim)
{
    if (!sim)
        return;
    struct outsider *outsider, *next;
    HASH_ITER(hh, sim->outsiders, outsider, next)
    {
        HASH_DEL(sim->outsiders, outsider);
        free(outsider);
    }
    sv_host_close(sim->host);
    free(sim);
}

struct sv_host *sv_sim_host(struct sv_sim *sim)
{
    return sim->host;
}

int64_t sv_sim_now(const struct sv_sim *sim)
{
    return sim->now_us;
}

static void enqueue(struct sv_sim *sim, const struct ld_record *record)
{
    struct queued *queued =
        malloc(sizeof *queued + ld_record_size(record->topic_size, record->payload_size));
    if (!queued)
        abort();
    queued->next = NULL;
    ld_record_encode(queued->raw, record);
    *sim->last = queued;
    sim->last = &queued->next;
}

static struct queued *dequeue(struct sv_sim *sim)
{
    struct queued *queued = sim->first;
    if (!queued)
        return NULL;
    sim->first = queued->next;
    if (!sim->first)
        sim->last = &sim->first;
    return queued;
}

static void enqueue_output(struct sv_sim *sim, const struct sv_output *output)
{
    struct ld_record record = {
        .producer = output->producer_id,
        .producer_sequence = output->producer_sequence,
        .topic = output->topic,
        .topic_size = (uint16_t)strlen(output->topic),
        .payload = output->payload,
        .payload_size = (uint32_t)output->payload_size,
        .flags = output->flags,
        .time_us = sim->now_us,
    };
    enqueue(sim, &record);
}

static void append(struct sv_sim *sim, uint8_t *raw)
{
    struct ld_record record;
    ld_record_stamp(raw, ++sim->sequence, sim->now_us, (uint16_t)(raw[22] | raw[23] << 8));
    int code = ld_record_decode(raw, LD_RECORD_SIZE_MAX, &record, NULL);
    assert(code == LD_OK);
    if (sim->each)
        sim->each(&record, sim->data);
    code = sv_host_apply(sim->host, &record, NULL);
    assert(code == LD_OK);
    for (size_t i = 0; i < sv_host_output_count(sim->host); i++)
        enqueue_output(sim, sv_host_output(sim->host, i));
}

static void run(struct sv_sim *sim)
{
    struct queued *queued;
    while ((queued = dequeue(sim)) != NULL) {
        append(sim, queued->raw);
        free(queued);
    }
}

static uint64_t next_sequence(struct sv_sim *sim, uint64_t producer)
{
    struct outsider *outsider;
    HASH_FIND(hh, sim->outsiders, &producer, sizeof producer, outsider);
    if (!outsider) {
        outsider = calloc(1, sizeof *outsider);
        if (!outsider)
            abort();
        outsider->id = producer;
        HASH_ADD(hh, sim->outsiders, id, sizeof outsider->id, outsider);
    }
    return ++outsider->sequence;
}

int sv_sim_publish(struct sv_sim *sim, const char *producer, const char *topic, const void *payload,
                   size_t payload_size, uint16_t flags, uint64_t *sequence, struct ld_error *error)
{
    size_t topic_size = strlen(topic);
    int code = ld_topic_check(topic, topic_size, error);
    if (code != LD_OK)
        return code;
    if (payload_size > LD_PAYLOAD_SIZE_MAX)
        return ld_fail(error, LD_TOOBIG, "payload of %zu bytes, at most %u", payload_size,
                       LD_PAYLOAD_SIZE_MAX);
    uint64_t id = ld_producer_id(producer, strlen(producer));
    struct ld_record record = {
        .producer = id,
        .producer_sequence = next_sequence(sim, id),
        .topic = topic,
        .topic_size = (uint16_t)topic_size,
        .payload = payload,
        .payload_size = (uint32_t)payload_size,
        .flags = flags & LD_RECORD_FLAGS,
        .time_us = sim->now_us,
    };
    if (sequence)
        *sequence = sim->sequence + 1;
    enqueue(sim, &record);
    run(sim);
    return LD_OK;
}

void sv_sim_append(struct sv_sim *sim, const struct ld_record *record)
{
    if (record->time_us > sim->now_us)
        sim->now_us = record->time_us;
    enqueue(sim, record);
    run(sim);
}

void sv_sim_advance(struct sv_sim *sim, int64_t time_us)
{
    int64_t minute = sim->now_us - sim->now_us % LD_US_MINUTE + LD_US_MINUTE;
    for (; minute <= time_us; minute += LD_US_MINUTE) {
        sim->now_us = minute;
        int code = sv_sim_publish(sim, "router", "sys/tick", "", 0, 0, NULL, NULL);
        assert(code == LD_OK);
    }
    if (time_us > sim->now_us)
        sim->now_us = time_us;
}
