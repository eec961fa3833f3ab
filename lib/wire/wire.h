/*
 * The messages between clients and the router (docs/protocol.md), as both sides encode and decode
 * them. A message is one 32-byte head frame and, for some operations, one body frame.
 *
 *   offset size field     little-endian
 *   0      4    magic     "LDW1"
 *   4      1    version   1
 *   5      1    operation
 *   6      2    reserved  0
 *   8      8    id        of the request (chosen by the client, echoed in its answer) or stream
 *   16     8    a         meaning by operation
 *   24     8    b         meaning by operation
 */
#ifndef LD_WIRE_H
#define LD_WIRE_H

#include <liandong/record.h>

enum { WIRE_VERSION = 1, WIRE_HEAD_SIZE = 32, WIRE_NAME_SIZE_MAX = 120, WIRE_FILTERS_MAX = 64 };

/* X(name, value, direction, id, a, b, body) */
#define WIRE_OPERATIONS(X)                                                                          \
    X(HELLO, 1, "client", "request", "0", "0", "identity, e.g. 3303.health")                      \
    X(WELCOME, 2, "router", "request", "incarnation", "durable head", "struct wire_welcome")       \
    X(PRODUCER, 3, "client", "request", "0", "0", "producer name")                                 \
    X(PRODUCER_OK, 4, "router", "request", "producer id", "last producer sequence", "its checksum") \
    X(PUBLISH, 5, "client", "request", "count of records", "last answer seen", "records, end to end") \
    X(RESULT, 6, "router", "request", "durable head", "count of runs", "wire_run…, reason text")   \
    X(OPEN, 7, "client", "stream", "from sequence", "credit in bytes", "filters, one a line")      \
    X(OPENED, 8, "router", "stream", "first sequence S", "durable head H", "-")                    \
    X(CREDIT, 9, "client", "stream", "bytes to add", "processed up to", "-")                       \
    X(CLOSE, 10, "client", "stream", "0", "0", "-")                                                \
    X(CLOSED, 11, "router", "stream", "0", "0", "-")                                               \
    X(CHUNK, 12, "router", "stream", "covers from", "covers up to", "matching records, end to end") \
    X(PING, 13, "client", "request", "0", "0", "-")                                                \
    X(PONG, 14, "router", "request, 0 unasked", "incarnation", "durable head", "-")                \
    X(STATUS, 15, "client", "request", "0", "0", "-")                                              \
    X(STATUS_OK, 16, "router", "request", "0", "durable head", "JSON")                             \
    X(ADVANCE, 17, "client", "request", "drill time in us", "0", "-")                              \
    X(ADVANCED, 18, "router", "request", "drill time in us", "durable head", "-")                  \
    X(ERROR, 19, "router", "request or stream", "code", "0", "reason text")                        \
    X(GOODBYE, 20, "client, router", "0", "0", "0", "-")                                           \
    X(FIND, 21, "client", "request", "time in us", "0", "-")                                       \
    X(FOUND, 22, "router", "request", "sequence", "durable head", "-")                              \
    X(RETIRE, 23, "client", "request", "last sequence of the segment", "0", "the archive's name") \
    X(RETIRED, 24, "router", "request", "oldest sequence now", "durable head", "-")

enum wire_operation {
#define WIRE_OPERATION_ENUM(name, value, direction, id, a, b, body) WIRE_##name = value,
    WIRE_OPERATIONS(WIRE_OPERATION_ENUM)
#undef WIRE_OPERATION_ENUM
    WIRE_LAST = WIRE_RETIRED
};

/* Request ids rise within a session. PUBLISH.b is the id of the last RESULT, PRODUCER_OK or ERROR
 * that answered a PUBLISH or PRODUCER and that the client has seen (0: it does not say): an event
 * sent in ignorance of an earlier one's refusal is refused too, so that none is overtaken. */

/* RETIRE's body: where the segment was archived, for the event that says so. */
enum { WIRE_ARCHIVE_SIZE_MAX = 512 };

/* PRODUCER_OK's body: the checksum of topic and payload of the producer's last event, as in its
 * record, if the log knows it. */
enum { WIRE_CHECKSUM_SIZE = 4 };

/* Sequences with a meaning of their own in OPEN.a. */
#define WIRE_FROM_FIRST UINT64_C(0)   /* the oldest event there is */
#define WIRE_FROM_NOW   UINT64_MAX    /* only what comes after the head */

struct wire_head {
    enum wire_operation operation;
    uint64_t id, a, b;
};
void wire_head_encode(uint8_t raw[WIRE_HEAD_SIZE], const struct wire_head *head);
/* LD_PROTOCOL (size, magic, operation) or LD_VERSION, each with what was found. */
int wire_head_decode(const uint8_t *raw, size_t size, struct wire_head *head,
                     struct ld_error *error) LD_MUST_USE;
const char *wire_operation_name(enum wire_operation operation);

/* WELCOME's body: 56 bytes. */
struct wire_welcome {
    uint8_t log_id[16];
    uint64_t first_sequence;   /* oldest event that can be read */
    uint32_t record_size_max;  /* bytes */
    uint32_t batch_size_max;   /* bytes of a PUBLISH body */
    uint32_t credit_max;       /* bytes a stream may have outstanding */
    uint32_t chunk_size_max;   /* bytes of a CHUNK body, but for a single larger record */
    uint32_t heartbeat_ms;     /* the router sends PONG unasked this often; silence of 3 is death */
    uint32_t flags;            /* WIRE_DRILL */
    int64_t time_us;           /* the router's clock (a drill's own clock in a drill) */
};
enum { WIRE_WELCOME_SIZE = 56, WIRE_DRILL = 1 };
void wire_welcome_encode(uint8_t raw[WIRE_WELCOME_SIZE], const struct wire_welcome *welcome);
int wire_welcome_decode(const uint8_t *raw, size_t size, struct wire_welcome *welcome,
                        struct ld_error *error) LD_MUST_USE;

/* One run of a RESULT's body, 16 bytes: count records with the same outcome. OK: they have the
 * sequences first … first + count - 1 and are durable. DUPLICATE: already there, durable. Any
 * other code: refused, not in the log; the first refusal's reason follows the last run as text. */
struct wire_run {
    uint32_t count;
    uint32_t code;
    uint64_t first;
};
enum { WIRE_RUN_SIZE = 16 };
void wire_run_encode(uint8_t raw[WIRE_RUN_SIZE], const struct wire_run *run);
void wire_run_decode(const uint8_t raw[WIRE_RUN_SIZE], struct wire_run *run);

#endif
