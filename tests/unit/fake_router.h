/*
 * A small router for the client's tests: keeps a log in memory, answers as docs/protocol.md says,
 * and misbehaves on demand. Runs on the test's own loop and thread.
 */
#ifndef LD_TEST_FAKE_ROUTER_H
#define LD_TEST_FAKE_ROUTER_H

#include "buffer.h"
#include "wire/wire.h"
#include "zuv/zuv.h"

enum { FAKE_RECORDS_MAX = 300000, FAKE_MEMBERS_MAX = 16 };

/* How records are answered. */
enum fake_publish {
    FAKE_ACCEPT,
    FAKE_KEEP_SILENT,  /* appended, but never answered: the answer is lost */
    FAKE_HOLD,         /* neither appended nor answered */
    FAKE_REFUSE,       /* with refuse_code and "because" */
    FAKE_REFUSE_BAD,   /* only topics beginning with "bad/", with refuse_code or REFUSED */
    FAKE_BUSY_ONCE,    /* refuse_code or BUSY for a message, and what is sent in ignorance of it */
    FAKE_SHORT_RESULT, /* an answer for one record too few */
    FAKE_GARBAGE       /* no protocol at all */
};

/* What is wrong with the next chunk. */
enum fake_chunk {
    FAKE_CHUNK_GOOD,
    FAKE_CHUNK_PAYLOAD, /* one bit of the payload flipped */
    FAKE_CHUNK_HEADER,  /* one bit of the header flipped */
    FAKE_CHUNK_GAP,     /* covers-from one too high */
    FAKE_CHUNK_ORDER,   /* the records' order reversed: two records needed */
    FAKE_CHUNK_CUT      /* ends in the middle of a record */
};

struct fake_producer {
    uint64_t id, last;
    uint64_t claimant, round; /* of the last PRODUCER */
    char name[WIRE_NAME_SIZE_MAX + 1];
};

struct fake_peer {
    uint8_t identity[64];
    size_t size; /* 0: free */
    char name[101];
};

struct fake_stream {
    bool open;
    size_t peer;
    uint64_t id, next, credit, processed;
    char filters[512];
};

struct fake {
    uv_loop_t *loop;
    struct zuv *zuv;
    struct zuv_socket *socket;
    uv_timer_t beat;
    char endpoint[128];
    uint64_t incarnation;
    uint32_t heartbeat_ms, batch_size_max;
    uint8_t log_byte; /* the log's id is 16 of it */
    bool closed;
    /* the log */
    struct ld_buffer log;
    size_t offsets[FAKE_RECORDS_MAX];
    uint64_t head;
    struct fake_producer producers[FAKE_MEMBERS_MAX];
    struct fake_peer peers[FAKE_MEMBERS_MAX];
    size_t last_peer; /* that spoke */
    struct fake_stream streams[FAKE_MEMBERS_MAX];
    /* misbehaviour */
    bool mute; /* says nothing at all */
    bool old;  /* protocol 1.0 */
    int refuse_hello, refuse_producer, refuse_open, refuse_code;
    enum fake_publish publish;
    enum fake_chunk chunk;
    size_t chunk_records; /* at most in one chunk */
    uint64_t held;        /* id of the last PUBLISH refused so; 0: none */
    uint64_t cut_after;   /* forget the session once this many records came in; 0: never */
    /* what came in */
    uint64_t hellos, publishes, records, opens, credits, closes, pings, goodbyes, nosessions;
    uint64_t status, advances;
};

/* endpoint "tcp://127.0.0.1:*" as a rule. */
void fake_open(struct fake *fake, uv_loop_t *loop, const char *endpoint);
/* Asynchronous; fake->closed says when. The log stays: fake_open_again continues it. */
void fake_close(struct fake *fake);
void fake_open_again(struct fake *fake); /* a new start on the same endpoint, new incarnation */
void fake_free(struct fake *fake);
void fake_forget_sessions(struct fake *fake);
/* Appends an event and serves the streams. */
void fake_append(struct fake *fake, const char *topic, const char *payload);
/* The raw record, decoded. */
void fake_record(const struct fake *fake, uint64_t sequence, struct ld_record *record);
void fake_send_raw(struct fake *fake, const void *data,
                   size_t size); /* to the last peer that spoke */

#endif
