/* Records as they come from a peer or a disk: decoded, checked, and written again the same. */
#include "fuzz.h"

#include <liandong/record.h>
#include <liandong/topic.h>

static void write_again(const uint8_t *raw, const struct ld_record *record)
{
    if (record->topic_size == 0)
        return;
    fuzz_check(record->size == ld_record_size(record->topic_size, record->payload_size));
    uint8_t *copy = malloc(record->size);
    fuzz_check(copy != NULL);
    struct ld_record again;
    ld_record_encode(copy, record);
    fuzz_check(ld_record_decode(copy, record->size, &again, NULL) == LD_OK);
    fuzz_check(ld_record_check(&again, NULL) == LD_OK);
    size_t content_size = (size_t)record->topic_size + record->payload_size;
    fuzz_check(memcmp(raw + LD_RECORD_HEADER_SIZE, copy + LD_RECORD_HEADER_SIZE, content_size) ==
               0);
    fuzz_check(again.producer_sequence == record->producer_sequence);
    free(copy);
}

static void decode(const uint8_t *raw, size_t size)
{
    struct ld_record record;
    struct ld_error error;
    if (ld_record_decode(raw, size, &record, &error) != LD_OK)
        return;
    fuzz_check(record.size <= size && record.size <= LD_RECORD_SIZE_MAX);
    fuzz_check(record.payload_size <= LD_PAYLOAD_SIZE_MAX);
    if (ld_record_check(&record, &error) == LD_OK)
        write_again(raw, &record);
    (void)!ld_topic_check(record.topic, record.topic_size, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *raw = fuzz_copy(data, size);
    decode(raw, size);
    fuzz_fix_records(raw, size);
    decode(raw, size);
    free(raw);
    return 0;
}
