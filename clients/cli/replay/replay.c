/*
 * One queue per service producer of what has been derived and not yet been met in the log. Happy
 * path: a record of a service is the head of its producer's queue, byte for byte. Services publish
 * in order, so an older entry that is still queued when a newer one is logged is missing. What is
 * queued at the end is what the services had not yet published when the log ended.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "uthash.h"

struct derived {
    struct derived *next;
    struct ld_record record;
    uint8_t raw[];
};

struct producer {
    uint64_t id;
    char *name;
    struct derived *first, **last;
    uint64_t queued;
    UT_hash_handle hh;
};

struct replay {
    struct sv_host *host;
    replay_difference_fn *difference;
    void *data;
    struct producer *producers; /* of services only */
    struct replay_counts counts;
};

static void *or_abort(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

static struct producer *find_producer(struct replay *replay, uint64_t id)
{
    struct producer *found;
    HASH_FIND(hh, replay->producers, &id, sizeof id, found);
    return found;
}

static struct producer *add_producer(struct replay *replay, uint64_t id, const char *name,
                                     size_t name_size)
{
    struct producer *made = find_producer(replay, id);
    if (made != NULL)
        return made;
    made = or_abort(calloc(1, sizeof *made));
    made->id = id;
    made->name = or_abort(strndup(name, name_size));
    made->last = &made->first;
    HASH_ADD(hh, replay->producers, id, sizeof made->id, made);
    return made;
}

/* ---- who is a service ---- */

const char *const replay_services[] = {"reporting",    "grading",  "command", "duty",
                                       "notification", "supplies", NULL};

bool replay_is_service(const char *name, size_t size)
{
    for (size_t i = 0; replay_services[i] != NULL; i++) {
        size_t length = strlen(replay_services[i]);
        if (size >= length && memcmp(name, replay_services[i], length) == 0 &&
            (size == length || name[length] == '#'))
            return true;
    }
    return false;
}

/* The router notes each producer's name when it is first seen. */
static void note_name(struct replay *replay, const struct ld_record *record)
{
    static const char PREFIX[] = "sys/producer/";
    const char *name = (const char *)record->payload;
    size_t size = record->payload_size, head = sizeof PREFIX - 1;
    if (record->topic_size > head && memcmp(record->topic, PREFIX, head) == 0 &&
        replay_is_service(name, size))
        (void)add_producer(replay, ld_producer_id(name, size), name, size);
}

/* ---- the queues ---- */

static void queue_output(struct replay *replay, const struct sv_output *output)
{
    struct ld_record record = {.producer = output->producer_id,
                               .producer_sequence = output->producer_sequence,
                               .topic = output->topic,
                               .topic_size = (uint16_t)strlen(output->topic),
                               .payload = output->payload,
                               .payload_size = (uint32_t)output->payload_size,
                               .flags = output->flags};
    size_t size = ld_record_size(record.topic_size, record.payload_size);
    struct derived *made = or_abort(malloc(sizeof *made + size));
    struct producer *producer =
        add_producer(replay, output->producer_id, output->producer, strlen(output->producer));
    made->next = NULL;
    ld_record_encode(made->raw, &record);
    record.topic = (const char *)made->raw + LD_RECORD_HEADER_SIZE;
    record.payload = made->raw + LD_RECORD_HEADER_SIZE + record.topic_size;
    made->record = record;
    *producer->last = made;
    producer->last = &made->next;
    producer->queued++;
}

static void drop_first(struct producer *producer)
{
    struct derived *first = producer->first;
    producer->first = first->next;
    if (producer->first == NULL)
        producer->last = &producer->first;
    producer->queued--;
    free(first);
}

static void tell(struct replay *replay, enum replay_difference_kind kind,
                 const struct producer *producer, const struct ld_record *logged,
                 const struct ld_record *derived)
{
    struct replay_difference difference = {kind, producer->name, logged, derived};
    uint64_t *const COUNTS[] = {&replay->counts.different, &replay->counts.missing,
                                &replay->counts.unknown};
    ++*COUNTS[kind];
    if (replay->difference != NULL)
        replay->difference(&difference, replay->data);
}

static bool equal(const struct ld_record *a, const struct ld_record *b)
{
    return a->topic_size == b->topic_size && a->payload_size == b->payload_size &&
           a->flags == b->flags && memcmp(a->topic, b->topic, a->topic_size) == 0 &&
           (a->payload_size == 0 || memcmp(a->payload, b->payload, a->payload_size) == 0);
}

static void compare(struct replay *replay, struct producer *producer,
                    const struct ld_record *logged)
{
    while (producer->first != NULL &&
           producer->first->record.producer_sequence < logged->producer_sequence) {
        tell(replay, REPLAY_MISSING, producer, NULL, &producer->first->record);
        drop_first(producer);
    }
    const struct derived *first = producer->first;
    if (first == NULL || first->record.producer_sequence != logged->producer_sequence) {
        tell(replay, REPLAY_UNKNOWN, producer, logged, NULL);
        return;
    }
    if (equal(&first->record, logged))
        replay->counts.same++;
    else
        tell(replay, REPLAY_DIFFERENT, producer, logged, &first->record);
    drop_first(producer);
}

/* ---- the whole ---- */

struct replay *replay_open(struct sv_host *host, replay_difference_fn *difference, void *data)
{
    struct replay *replay = or_abort(calloc(1, sizeof *replay));
    *replay = (struct replay){.host = host, .difference = difference, .data = data};
    for (size_t i = 0; replay_services[i] != NULL; i++) {
        const char *name = replay_services[i];
        (void)add_producer(replay, ld_producer_id(name, strlen(name)), name, strlen(name));
    }
    return replay;
}

void replay_close(struct replay *replay)
{
    struct producer *producer, *next;
    if (replay == NULL)
        return;
    HASH_ITER(hh, replay->producers, producer, next)
    {
        HASH_DEL(replay->producers, producer);
        while (producer->first != NULL)
            drop_first(producer);
        free(producer->name);
        free(producer);
    }
    free(replay);
}

int replay_take(struct replay *replay, const struct ld_record *record, struct ld_error *error)
{
    struct producer *producer = find_producer(replay, record->producer);
    replay->counts.records++;
    note_name(replay, record);
    if (producer != NULL)
        compare(replay, producer, record);
    else
        replay->counts.inputs++;
    int code = sv_host_apply(replay->host, record, error);
    for (size_t i = 0; code == LD_OK && i < sv_host_output_count(replay->host); i++)
        queue_output(replay, sv_host_output(replay->host, i));
    return code;
}

void replay_end(struct replay *replay)
{
    for (struct producer *at = replay->producers; at != NULL; at = at->hh.next) {
        while (at->first != NULL) {
            tell(replay, REPLAY_MISSING, at, NULL, &at->first->record);
            drop_first(at);
        }
    }
}

const struct ld_record *replay_first_pending(const struct replay *replay, const char **producer)
{
    const struct ld_record *first = NULL;
    for (const struct producer *at = replay->producers; at != NULL; at = at->hh.next) {
        if (at->first == NULL ||
            (first != NULL && first->producer_sequence <= at->first->record.producer_sequence))
            continue;
        first = &at->first->record;
        *producer = at->name;
    }
    return first;
}

void replay_get_counts(const struct replay *replay, struct replay_counts *counts)
{
    *counts = replay->counts;
    counts->pending = 0;
    for (const struct producer *at = replay->producers; at != NULL; at = at->hh.next)
        counts->pending += at->queued;
}
