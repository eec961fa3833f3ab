/*
 * The record: one event, the same bytes on disk, on the wire and in memory (docs/log-format.md).
 *
 *   offset size field            all integers little-endian
 *   0      4    magic            "LDR1"
 *   4      4    header checksum  CRC32C of bytes 8..63
 *   8      4    payload checksum CRC32C of topic and payload
 *   12     4    record size      64 + topic + payload, rounded up to 8
 *   16     4    payload size
 *   20     2    topic size
 *   22     2    flags            LD_RECORD_*
 *   24     8    sequence         1, 2, 3, … without gaps; 0 until the router has ordered it
 *   32     8    time             microseconds since 1970 UTC, never running backwards
 *   40     8    producer         id of the producer (hash of its name; ld_producer_id)
 *   48     8    producer sequence strictly increasing per producer, from 1
 *   56     8    floor            set by the log: last sequence that was durable before the commit
 *                                that this record belongs to was written; 0 elsewhere
 *   64     …    topic, payload, zeros up to the record size
 */
#ifndef LIANDONG_RECORD_H
#define LIANDONG_RECORD_H

#include <liandong/error.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LD_RECORD_MAGIC       0x3152444cu
#define LD_RECORD_HEADER_SIZE 64u
#define LD_RECORD_ALIGN       8u
#define LD_TOPIC_SIZE_MAX     255u
#define LD_PAYLOAD_SIZE_MAX   (1u << 20)
#define LD_RECORD_SIZE_MAX    (LD_RECORD_HEADER_SIZE + 256u + LD_PAYLOAD_SIZE_MAX)

enum {
    LD_RECORD_EXERCISE = 1u << 0, /* a drill; inherited by every event derived from it */
    LD_RECORD_FLAGS = LD_RECORD_EXERCISE
};

/* An event, decoded. topic (not zero-terminated) and payload are borrowed from the raw bytes. */
struct ld_record {
    uint64_t sequence;
    int64_t time_us;
    uint64_t producer;
    uint64_t producer_sequence;
    const char *topic;
    const uint8_t *payload;
    uint32_t payload_size;
    uint32_t payload_crc;
    uint32_t size; /* of the whole record in bytes */
    uint16_t topic_size;
    uint16_t flags;
};

/* Bytes that a record with this topic and payload takes. */
LD_EXPORT size_t ld_record_size(size_t topic_size, size_t payload_size);

/* Writes record (topic, payload, flags, producer, producer_sequence, sequence, time_us; the sizes
 * are taken from topic_size and payload_size) to raw, which has ld_record_size() bytes. Computes
 * both checksums. Sizes beyond the maxima are the caller's mistake and asserted. */
LD_EXPORT void ld_record_encode(uint8_t *raw, const struct ld_record *record);

/* Gives an encoded record its place: sets sequence, time and flags and the header checksum anew.
 * Topic, payload and their checksum stay untouched. */
LD_EXPORT void ld_record_stamp(uint8_t *raw, uint64_t sequence, int64_t time_us, uint16_t flags);

/* Decodes the record at raw, of which available bytes may be read. Checks magic, header checksum
 * and every length; not the payload checksum. Errors: LD_PROTOCOL (not a record), LD_TOOBIG
 * (sizes beyond the maxima), LD_CORRUPT (checksum). */
LD_EXPORT int ld_record_decode(const uint8_t *raw, size_t available, struct ld_record *out,
                               struct ld_error *error) LD_MUST_USE;

/* Checks topic and payload against the payload checksum: LD_OK or LD_CORRUPT. */
LD_EXPORT int ld_record_check(const struct ld_record *record, struct ld_error *error) LD_MUST_USE;

/* A producer's id: the first 8 bytes, little-endian, of BLAKE2b-128 of its name (RFC 7693, no key);
 * never 0 (1 in its place). */
LD_EXPORT uint64_t ld_producer_id(const char *name, size_t name_size);

/* CRC32C (Castagnoli), as RFC 3720 defines it; crc is 0 or the result over the bytes before. */
LD_EXPORT uint32_t ld_crc32c(uint32_t crc, const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif
