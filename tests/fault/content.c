/* What the authors of the fault tests write; see content.h. */
#include "content.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "bytes.h"
#include "chance.h"

enum { SMALL_PAYLOAD = 400, ONE_LARGE_IN = 32, TOPICS = 7 };

/* Mostly small, now and then large enough to be alone in its commit. */
static size_t payload_size(uint64_t *state)
{
    bool large = chance_below(state, ONE_LARGE_IN) == 0;
    uint64_t most = large ? CONTENT_PAYLOAD_MAX : SMALL_PAYLOAD;
    return sizeof(uint64_t) + (size_t)chance_below(state, most - sizeof(uint64_t));
}

void content_make(struct content *content, uint64_t seed, unsigned author, uint64_t number)
{
    uint64_t state = seed ^ ((uint64_t)author << 48) ^ number;
    content->payload_size = payload_size(&state);
    content->flags = chance_below(&state, 4) == 0 ? LD_RECORD_EXERCISE : 0;
    snprintf(content->topic, sizeof content->topic, "fault/%u/%" PRIu64, author,
             chance_below(&state, TOPICS));
    ld_put_u64(content->payload, number);
    for (size_t at = sizeof number; at < content->payload_size; at += sizeof state) {
        uint64_t bytes = chance_next(&state);
        size_t left = content->payload_size - at;
        memcpy(content->payload + at, &bytes, left < sizeof bytes ? left : sizeof bytes);
    }
}

void content_author(char name[CONTENT_NAME_SIZE], unsigned author)
{
    snprintf(name, CONTENT_NAME_SIZE, "3303.author-%u", author);
}

void content_answers_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned author)
{
    snprintf(path, CONTENT_PATH_SIZE, "%s/answers-%u", folder, author);
}

void content_refusals_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned author)
{
    snprintf(path, CONTENT_PATH_SIZE, "%s/refusals-%u", folder, author);
}

void content_stale_path(char path[CONTENT_PATH_SIZE], const char *folder)
{
    snprintf(path, CONTENT_PATH_SIZE, "%s/stale", folder);
}

void content_cuts_path(char path[CONTENT_PATH_SIZE], const char *folder)
{
    snprintf(path, CONTENT_PATH_SIZE, "%s/cuts", folder);
}

void content_tapped_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned tap)
{
    snprintf(path, CONTENT_PATH_SIZE, "%s/tapped-%u", folder, tap);
}

void content_seen_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned listener)
{
    snprintf(path, CONTENT_PATH_SIZE, "%s/seen-%u", folder, listener);
}

void content_seen(struct seen_entry *entry, const struct ld_record *record)
{
    *entry = (struct seen_entry){
        .sequence = record->sequence,
        .time_us = record->time_us,
        .producer = record->producer,
        .producer_sequence = record->producer_sequence,
        .payload_crc = record->payload_crc,
        .payload_size = record->payload_size,
        .size = record->size,
        .topic_size = record->topic_size,
        .flags = record->flags,
    };
}
