/* Hostile and slow peers: see hostile.h. Nothing of what they do is checked here. */
#include "hostile.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bytes.h"
#include "chance.h"
#include "zmtp.h"

enum {
    SCRATCH_BYTES = 3 << 20,
    SILENT_CONNECTIONS = 10000,
    PROGRESS_PER_STEP = 64, /* requests of a flooder */
    READER_WAIT_MS = 20,
};

/* ---- consumers that do not read ---- */

static const char NAME[] = "bad";

static int open_stuck(struct hostile *hostile, size_t index)
{
    (void)index;
    int peer = zmtp_connect_narrow(hostile->endpoint);
    if (peer < 0)
        return peer;
    zmtp_greet(peer, "DEALER");
    zmtp_say(peer, WIRE_HELLO, 1, 0, 0, NAME, sizeof NAME - 1);
    zmtp_say(peer, WIRE_OPEN, 2, WIRE_FROM_FIRST, UINT64_MAX, NULL, 0);
    return peer;
}

/* From somewhere in the log, with filters of its own: the router has to keep copies for it. */
static int open_picky(struct hostile *hostile, size_t index)
{
    char filters[128];
    int peer = zmtp_connect_narrow(hostile->endpoint);
    if (peer < 0)
        return peer;
    zmtp_greet(peer, "DEALER");
    zmtp_say(peer, WIRE_HELLO, 1, 0, 0, NAME, sizeof NAME - 1);
    for (uint64_t stream = 2; stream < 66; stream++) {
        int size = snprintf(filters, sizeof filters, "*/>\nno/%zu/%llu", index,
                            (unsigned long long)stream);
        zmtp_say(peer, WIRE_OPEN, stream, WIRE_FROM_FIRST, UINT64_MAX, filters, (size_t)size);
    }
    return peer;
}

static bool step_ping(struct hostile *hostile, size_t index)
{
    return zmtp_say(hostile->peers[index], WIRE_PING, ++hostile->ids[index], 0, 0, NULL, 0);
}

static bool step_drip(struct hostile *hostile, size_t index)
{
    uint8_t byte;
    ssize_t received = recv(hostile->peers[index], &byte, 1, 0);
    if (received == 0 || (received < 0 && errno != EAGAIN))
        return false;
    return step_ping(hostile, index);
}

/* ---- floods of requests; the answers are read ---- */

static int open_session(struct hostile *hostile, size_t index)
{
    (void)index;
    return zmtp_session(hostile->endpoint, NAME);
}

static bool flood(struct hostile *hostile, size_t index, enum wire_operation operation, uint64_t a,
                  uint64_t b, const void *body, size_t size)
{
    for (int i = 0; i < PROGRESS_PER_STEP; i++)
        if (!zmtp_say(hostile->peers[index], operation, ++hostile->ids[index], a, b, body, size))
            return false;
    return zmtp_drain(hostile->peers[index]);
}

static bool step_status(struct hostile *hostile, size_t index)
{
    return flood(hostile, index, WIRE_STATUS, 0, 0, NULL, 0);
}

static bool step_pings(struct hostile *hostile, size_t index)
{
    return flood(hostile, index, WIRE_PING, 0, 0, NULL, 0);
}

static bool step_hello(struct hostile *hostile, size_t index)
{
    return flood(hostile, index, WIRE_HELLO, 0, 0, NAME, sizeof NAME - 1);
}

static bool step_producer(struct hostile *hostile, size_t index)
{
    static const char OTHER[] = "somebody.else\nliandong-router: all is well";
    return flood(hostile, index, WIRE_PRODUCER, 0, 0, OTHER, sizeof OTHER - 1);
}

static bool step_credit(struct hostile *hostile, size_t index)
{
    int peer = hostile->peers[index];
    if (hostile->ids[index] == 0)
        zmtp_say(peer, WIRE_OPEN, ++hostile->ids[index], WIRE_FROM_NOW, 1, NULL, 0);
    for (int i = 0; i < PROGRESS_PER_STEP; i++)
        if (!zmtp_say(peer, WIRE_CREDIT, 1, i % 2 ? UINT64_MAX : 1, UINT64_MAX - (uint64_t)i, NULL,
                      0))
            return false;
    return zmtp_drain(peer);
}

static bool step_open_close(struct hostile *hostile, size_t index)
{
    static const char FILTERS[] = "*/*/*/*/*/*/*/*/*\nno*/such*/>\nreport/*/x*/y*/z*/>";
    int peer = hostile->peers[index];
    for (int i = 0; i < PROGRESS_PER_STEP; i++) {
        uint64_t id = ++hostile->ids[index];
        if (!zmtp_say(peer, WIRE_OPEN, id, WIRE_FROM_FIRST, 1, FILTERS, sizeof FILTERS - 1) ||
            !zmtp_say(peer, WIRE_CLOSE, id, 0, 0, NULL, 0))
            return false;
    }
    return zmtp_drain(peer);
}

static bool step_find(struct hostile *hostile, size_t index)
{
    return flood(hostile, index, WIRE_FIND, hostile->ids[index] % 1000, 0, NULL, 0);
}

/* ---- a consumer that reads all that there is, as fast as it comes, again and again ---- */

enum { READER_CREDIT = 512 << 10 };

static int open_reader(struct hostile *hostile, size_t index)
{
    int peer = open_session(hostile, index);
    if (peer >= 0)
        zmtp_say(peer, WIRE_OPEN, 2, WIRE_FROM_FIRST, READER_CREDIT, NULL, 0);
    return peer;
}

/* ids: what it has read and not given back. */
static bool step_reader(struct hostile *hostile, size_t index)
{
    struct pollfd more = {.fd = hostile->peers[index], .events = POLLIN};
    if (poll(&more, 1, READER_WAIT_MS) == 0)
        return false; /* all is read: once more */
    ssize_t received = recv(more.fd, hostile->scratch, SCRATCH_BYTES, 0);
    if (received <= 0)
        return received < 0 && errno == EAGAIN;
    hostile->ids[index] += (uint64_t)received;
    if (hostile->ids[index] < READER_CREDIT / 4)
        return true;
    uint64_t credit = hostile->ids[index];
    hostile->ids[index] = 0;
    return zmtp_say(more.fd, WIRE_CREDIT, 2, credit, 0, NULL, 0);
}

/* The largest batch of the smallest records, each refused for a reason of its own. */
static bool step_refused(struct hostile *hostile, size_t index)
{
    enum { RECORD_BYTES = 72, RECORDS = (2 << 20) / RECORD_BYTES };
    uint8_t *at = hostile->scratch;
    for (size_t i = 0; i < RECORDS; i++, at += RECORD_BYTES) {
        struct ld_record record = {.producer = i + 1,
                                   .producer_sequence = 1,
                                   .topic = "a",
                                   .topic_size = 1,
                                   .payload = (const uint8_t *)"",
                                   .flags = i % 2};
        ld_record_encode(at, &record);
    }
    return zmtp_say(hostile->peers[index], WIRE_PUBLISH, ++hostile->ids[index], RECORDS, 0,
                    hostile->scratch, (size_t)RECORDS * RECORD_BYTES) &&
           zmtp_drain(hostile->peers[index]);
}

/* ---- garbage ---- */

static void fill(struct hostile *hostile, size_t size)
{
    for (size_t i = 0; i + 8 <= size; i += 8)
        ld_put_u64(hostile->scratch + i, chance_next(&hostile->seed));
}

/* Well-framed messages of random frames; some heads are nearly right. */
static bool step_fuzz(struct hostile *hostile, size_t index)
{
    int peer = hostile->peers[index];
    for (int i = 0; i < PROGRESS_PER_STEP; i++) {
        uint64_t frames = 1 + chance_below(&hostile->seed, 6);
        for (uint64_t f = 1; f <= frames; f++) {
            size_t size = chance_below(&hostile->seed, f == 1 ? 40 : 300);
            fill(hostile, 304);
            if (f == 1 && chance_below(&hostile->seed, 2)) {
                struct wire_head head = {
                    (enum wire_operation)(1 + chance_below(&hostile->seed, 20)),
                    chance_next(&hostile->seed), chance_next(&hostile->seed),
                    chance_next(&hostile->seed)};
                size = WIRE_HEAD_SIZE;
                wire_head_encode(hostile->scratch, &head);
            }
            if (!zmtp_frame(peer, f < frames ? ZMTP_MORE : 0, hostile->scratch, size))
                return false;
        }
    }
    return zmtp_drain(peer);
}

static int open_silent(struct hostile *hostile, size_t index)
{
    (void)index;
    return zmtp_connect(hostile->endpoint);
}

static bool step_nothing(struct hostile *hostile, size_t index)
{
    return zmtp_drain(hostile->peers[index]);
}

/* Random bytes from the first on: no handshake. */
static bool step_noise(struct hostile *hostile, size_t index)
{
    fill(hostile, 1024);
    return zmtp_write(hostile->peers[index], hostile->scratch, 1024) &&
           zmtp_drain(hostile->peers[index]);
}

/* A good greeting, a byte at a time. */
static bool step_slowloris(struct hostile *hostile, size_t index)
{
    uint8_t greeting[ZMTP_GREETING_SIZE] = {[0] = 0xff, [9] = 0x7f, [10] = 3, [12] = 'N'};
    size_t at = (size_t)hostile->ids[index]++;
    return at >= sizeof greeting || zmtp_write(hostile->peers[index], greeting + at, 1);
}

static int open_greeted(struct hostile *hostile, size_t index)
{
    static const char *const TYPES[] = {"DEALER", "REQ",  "ROUTER",  "PUB",
                                        "SUB",    "PULL", "nonsense"};
    int peer = zmtp_connect(hostile->endpoint);
    if (peer >= 0)
        zmtp_greet(peer, hostile->kind->peers > 1 ? TYPES[index % 7] : "DEALER");
    return peer;
}

static bool step_frames(struct hostile *hostile, size_t index)
{
    uint8_t frame[3] = "x";
    return zmtp_frame(hostile->peers[index], 0, frame, sizeof frame) &&
           zmtp_drain(hostile->peers[index]);
}

/* Frames that always have one more behind them. */
static bool step_endless(struct hostile *hostile, size_t index)
{
    return zmtp_frame(hostile->peers[index], ZMTP_MORE, hostile->scratch, 1 << 20);
}

/* The same with frames of nothing: two bytes on the wire, many in memory. */
static bool step_endless_empty(struct hostile *hostile, size_t index)
{
    memset(hostile->scratch, 0, 1 << 18);
    for (size_t i = 0; i < 1 << 18; i += 2)
        hostile->scratch[i] = ZMTP_MORE;
    return zmtp_write(hostile->peers[index], hostile->scratch, 1 << 18);
}

/* A whole message of five thousand frames. */
static bool step_many_frames(struct hostile *hostile, size_t index)
{
    memset(hostile->scratch, 0, 10000);
    for (size_t i = 0; i < 10000 - 2; i += 2)
        hostile->scratch[i] = ZMTP_MORE;
    return zmtp_write(hostile->peers[index], hostile->scratch, 10000) &&
           zmtp_drain(hostile->peers[index]);
}

static bool step_oversized(struct hostile *hostile, size_t index)
{
    return zmtp_frame(hostile->peers[index], 0, hostile->scratch, SCRATCH_BYTES) &&
           zmtp_drain(hostile->peers[index]);
}

/* The first half of the largest message, and then nothing. */
static int open_half(struct hostile *hostile, size_t index)
{
    static const uint8_t HEAD[9] = {ZMTP_LONG, 0, 0, 0, 0, 0, 0x20, 0, 0};
    int peer = open_session(hostile, index);
    if (peer >= 0)
        zmtp_write(peer, HEAD, sizeof HEAD);
    if (peer >= 0)
        zmtp_write(peer, hostile->scratch, 0x1fffff);
    return peer;
}

/* ---- listeners at the tap ---- */

static int open_listener(struct hostile *hostile, size_t index)
{
    (void)index;
    int peer = zmtp_connect_narrow(hostile->endpoint);
    if (peer >= 0)
        zmtp_greet(peer, "SUB");
    if (peer >= 0)
        zmtp_frame(peer, 0, "\001", 1);
    return peer;
}

static bool step_subscribe(struct hostile *hostile, size_t index)
{
    for (int i = 0; i < PROGRESS_PER_STEP; i++) {
        fill(hostile, 256);
        hostile->scratch[0] = 1;
        if (!zmtp_frame(hostile->peers[index], 0, hostile->scratch, 250))
            return false;
    }
    return zmtp_drain(hostile->peers[index]);
}

/* The same prefixes again and again, each given up at once. */
static bool step_unsubscribe(struct hostile *hostile, size_t index)
{
    for (int i = 0; i < PROGRESS_PER_STEP; i++)
        if (!zmtp_frame(hostile->peers[index], 0, i % 2 ? "\000report/33" : "\001report/33", 10))
            return false;
    return zmtp_drain(hostile->peers[index]);
}

static bool step_long_subscription(struct hostile *hostile, size_t index)
{
    hostile->scratch[0] = 1;
    return zmtp_frame(hostile->peers[index], 0, hostile->scratch, 3 << 20) &&
           zmtp_drain(hostile->peers[index]);
}

/* ---- running ---- */

const struct hostile_kind HOSTILE_KINDS[] = {
    {"stuck", "62 consumers that stop reading", 62, false, open_stuck, step_ping, 500},
    {"picky", "62 that stop reading 64 filtered streams each", 62, false, open_picky, step_ping,
     500},
    {"drip", "a consumer that reads a byte a second", 1, false, open_stuck, step_drip, 1000},
    {"history", "a consumer that reads all from the first event on", 1, false, open_reader,
     step_reader, 0},
    {"status", "flood of STATUS", 1, false, open_session, step_status, 0},
    {"open", "flood of OPEN and CLOSE", 1, false, open_session, step_open_close, 0},
    {"producer", "flood of PRODUCER, refused", 1, false, open_session, step_producer, 0},
    {"refused", "flood of PUBLISH, refused", 1, false, open_session, step_refused, 0},
    {"find", "flood of FIND", 1, false, open_session, step_find, 0},
    {"credit", "flood of CREDIT", 1, false, open_session, step_credit, 0},
    {"ping", "flood of PING", 1, false, open_session, step_pings, 0},
    {"hello", "flood of HELLO", 1, false, open_session, step_hello, 0},
    {"fuzz", "random frames", 1, false, open_session, step_fuzz, 0},
    {"noise", "random bytes instead of a handshake", 8, false, open_silent, step_noise, 1},
    {"slowloris", "half a handshake, a byte at a time", 100, false, open_silent, step_slowloris,
     100},
    {"types", "sockets of the wrong types", 7, false, open_greeted, step_frames, 1},
    {"endless", "a message without end, 1 MiB frames", 1, false, open_greeted, step_endless, 0},
    {"empty", "a message without end, empty frames", 1, false, open_greeted, step_endless_empty, 0},
    {"frames", "messages of 5,000 frames", 1, false, open_greeted, step_many_frames, 0},
    {"oversized", "messages of 3 MiB", 1, false, open_greeted, step_oversized, 0},
    {"half", "200 half messages of 2 MiB", 200, false, open_half, step_nothing, 100},
    {"silent", "10,000 connections that never speak", SILENT_CONNECTIONS, false, open_silent,
     step_nothing, 100},
    {"sessions", "2,000 sessions of one peer", 2000, false, open_session, step_ping, 500},
    {"deaf", "62 listeners at the tap that stop reading", 62, true, open_listener, step_nothing,
     100},
    {"subscribe", "flood of subscriptions at the tap", 1, true, open_listener, step_subscribe, 0},
    {"unsubscribe", "the same, each given up at once", 1, true, open_listener, step_unsubscribe, 0},
    {"prefix", "subscriptions to 3 MiB at the tap", 1, true, open_listener, step_long_subscription,
     0},
};
const size_t HOSTILE_KIND_COUNT = sizeof HOSTILE_KINDS / sizeof HOSTILE_KINDS[0];

const struct hostile_kind *hostile_kind(const char *name)
{
    for (size_t i = 0; i < HOSTILE_KIND_COUNT; i++)
        if (strcmp(HOSTILE_KINDS[i].name, name) == 0)
            return &HOSTILE_KINDS[i];
    return NULL;
}

static void one_step(struct hostile *hostile, size_t index)
{
    int *peer = &hostile->peers[index];
    if (*peer < 0) {
        hostile->ids[index] = 0;
        *peer = hostile->kind->open(hostile, index);
        hostile->failures += *peer < 0;
        hostile->open += *peer >= 0;
        return;
    }
    if (hostile->kind->step(hostile, index)) {
        hostile->steps++;
        return;
    }
    close(*peer);
    *peer = -1;
    hostile->open--;
    hostile->failures++;
}

static void *run(void *data)
{
    struct hostile *hostile = data;
    struct pollfd wake = {.fd = hostile->wake[0], .events = POLLIN};
    while (!hostile->stop) {
        for (size_t i = 0; i < hostile->kind->peers && !hostile->stop; i++)
            one_step(hostile, i);
        if (hostile->kind->pause_ms > 0)
            poll(&wake, 1, hostile->kind->pause_ms);
    }
    return NULL;
}

void hostile_start(struct hostile *hostile, const struct hostile_kind *kind, const char *endpoint,
                   uint64_t seed)
{
    *hostile = (struct hostile){.kind = kind, .endpoint = endpoint, .seed = seed};
    hostile->peers = malloc(kind->peers * sizeof *hostile->peers);
    hostile->ids = calloc(kind->peers, sizeof *hostile->ids);
    hostile->scratch = calloc(1, SCRATCH_BYTES + 8);
    if (!hostile->peers || !hostile->ids || !hostile->scratch || pipe(hostile->wake) != 0)
        abort();
    for (size_t i = 0; i < kind->peers; i++)
        hostile->peers[i] = -1;
    if (pthread_create(&hostile->thread, NULL, run, hostile) != 0)
        abort();
}

void hostile_stop(struct hostile *hostile)
{
    hostile->stop = true;
    (void)!write(hostile->wake[1], "", 1);
    pthread_join(hostile->thread, NULL);
    for (size_t i = 0; i < hostile->kind->peers; i++)
        if (hostile->peers[i] >= 0)
            close(hostile->peers[i]);
    close(hostile->wake[0]);
    close(hostile->wake[1]);
    free(hostile->peers);
    free(hostile->ids);
    free(hostile->scratch);
}
