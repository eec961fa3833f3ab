/*
 * What the authors of the fault tests write. An author's n-th event is a pure function of seed,
 * author and n: an author who was killed writes the same again, and whoever reads the log knows
 * what must be there, bit for bit.
 *
 * Files keep what authors and listeners were told; each entry is written as soon as it is known, so
 * that a SIGKILL loses none.
 */
#ifndef TESTS_FAULT_CONTENT_H
#define TESTS_FAULT_CONTENT_H

#include <stddef.h>
#include <stdint.h>
#include <liandong/record.h>

enum {
    CONTENT_PAYLOAD_MAX = 20000,
    CONTENT_TOPIC_SIZE = 48,
    CONTENT_NAME_SIZE = 24,
    CONTENT_PATH_SIZE = 256
};

struct content {
    char topic[CONTENT_TOPIC_SIZE];
    uint8_t payload[CONTENT_PAYLOAD_MAX]; /* begins with the event's number */
    size_t payload_size;
    uint16_t flags;
};
/* number counts from 1. */
void content_make(struct content *content, uint64_t seed, unsigned author, uint64_t number);
/* The author's identity, which is the name of its producer too. */
void content_author(char name[CONTENT_NAME_SIZE], unsigned author);

/* folder/answers-<author>: one for each event that was answered OK or DUPLICATE, in order. */
struct answer_entry {
    uint64_t number;
    uint64_t producer_sequence;
    uint64_t sequence; /* 0: the answer did not say it */
};
void content_answers_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned author);

/* folder/refusals-<author>: the number of each event that was refused because space was lacking. */
void content_refusals_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned author);

/* folder/stale: a byte for each time that one of them found its link dead; folder/cuts: one for
 * each connection that the proxy broke. */
void content_stale_path(char path[CONTENT_PATH_SIZE], const char *folder);
void content_cuts_path(char path[CONTENT_PATH_SIZE], const char *folder);

/* folder/seen-<listener>, folder/tapped-<tap>: one for each event that was streamed, in order. */
struct seen_entry {
    uint64_t sequence;
    int64_t time_us;
    uint64_t producer, producer_sequence;
    uint32_t payload_crc, payload_size;
    uint32_t size;
    uint16_t topic_size, flags;
};
void content_seen_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned listener);
void content_tapped_path(char path[CONTENT_PATH_SIZE], const char *folder, unsigned tap);
void content_seen(struct seen_entry *entry, const struct ld_record *record);

#endif
