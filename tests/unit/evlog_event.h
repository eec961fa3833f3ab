/* Events for log tests: what is in one follows from its producer and producer sequence. */
#ifndef LIANDONG_EVLOG_EVENT_H
#define LIANDONG_EVLOG_EVENT_H

#include "test.h"

#include <liandong/record.h>
#include "evlog/evlog.h"

#define EVENT_SIZE_MAX 2048u

struct event {
    uint8_t raw[EVENT_SIZE_MAX];
    size_t size;
};

static inline void event_make(struct event *event, uint64_t producer, uint64_t sequence)
{
    static const char topic[] = "report/330302/cholera";
    uint8_t payload[1024];
    size_t payload_size = 100 + (size_t)((producer * 7 + sequence * 131) % 400);
    for (size_t i = 0; i < payload_size; i++)
        payload[i] = (uint8_t)(1 + (i * 31 + producer * 17 + sequence * 13) % 255);
    struct ld_record record = {.topic = topic,
                               .topic_size = sizeof topic - 1,
                               .payload = payload,
                               .payload_size = (uint32_t)payload_size,
                               .producer = producer,
                               .producer_sequence = sequence};
    event->size = ld_record_size(record.topic_size, payload_size);
    assert_true(event->size <= sizeof event->raw);
    ld_record_encode(event->raw, &record);
}

static inline bool is_checkpoint(const struct ld_record *record)
{
    return record->producer == 0 && record->topic_size == strlen(EVLOG_TOPIC_CHECKPOINT) &&
           memcmp(record->topic, EVLOG_TOPIC_CHECKPOINT, record->topic_size) == 0;
}

/* An event that was read is, byte for byte behind its place, the one that was staged. */
static inline void event_check(const struct ld_record *record)
{
    struct event event;
    assert_ok(ld_record_check(record, &test_error));
    if (is_checkpoint(record))
        return;
    event_make(&event, record->producer, record->producer_sequence);
    assert_int_equal(record->size, event.size);
    assert_memory_equal(record->topic, event.raw + LD_RECORD_HEADER_SIZE,
                        event.size - LD_RECORD_HEADER_SIZE);
}

/* Checks a span's records; returns how many. */
static inline uint64_t span_check(const struct evlog_span *span)
{
    size_t offset = 0;
    uint64_t sequence = span->first;
    while (offset < span->size) {
        struct ld_record record;
        assert_ok(ld_record_decode(span->data + offset, span->size - offset, &record, &test_error));
        assert_int_equal(record.sequence, sequence);
        event_check(&record);
        offset += record.size;
        sequence++;
    }
    assert_int_equal(offset, span->size);
    assert_int_equal(sequence, span->last + 1);
    return sequence - span->first;
}

#endif
