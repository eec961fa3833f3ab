/* The rig of the router's tests: see router_rig.h. */
#include "router_rig.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>
#include "bytes.h"
#include "context.h"

/* ---- a disk and a clock that can be meddled with; used by the log's threads too ---- */

/* libzmq loses 440 bytes when a socket that has just sent is closed while a message of several
 * frames is coming in; a plain DEALER and ROUTER do it as well. */
#ifdef LIANDONG_SANITIZED
LD_EXPORT const char *__lsan_default_suppressions(void);
LD_EXPORT const char *__lsan_default_suppressions(void)
{
    return "leak:libzmq";
}
#endif

enum { RIG_DEADLINE_MS = 60000 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool held; /* syncs wait */
    unsigned waiting;
    int sync_code; /* syncs fail */
    int write_code;
    int64_t clock_us; /* added to both clocks */
    int64_t wall_us;  /* and to the machine's */
    int64_t slow_us;  /* passes while free space is looked at */
    bool stopped;     /* both clocks, at: */
    int64_t stopped_wall_us, stopped_monotonic_us;
} rig_disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int rig_sync(void *self, int fd, struct ld_error *error)
{
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.waiting++;
    pthread_cond_broadcast(&rig_disk.changed);
    while (rig_disk.held)
        pthread_cond_wait(&rig_disk.changed, &rig_disk.mutex);
    rig_disk.waiting--;
    int code = rig_disk.sync_code;
    pthread_mutex_unlock(&rig_disk.mutex);
    if (code != LD_OK)
        return ld_fail(error, code, "the disk says no");
    return ld_context_system()->files.sync(self, fd, error);
}

static int rig_write(void *self, int fd, uint64_t offset, const void *data, size_t size,
                     struct ld_error *error)
{
    pthread_mutex_lock(&rig_disk.mutex);
    int code = rig_disk.write_code;
    pthread_mutex_unlock(&rig_disk.mutex);
    if (code != LD_OK)
        return ld_fail(error, code, "the disk is full");
    return ld_context_system()->files.write(self, fd, offset, data, size, error);
}

static int rig_free_space(void *self, const char *path, uint64_t *bytes, struct ld_error *error)
{
    int code = ld_context_system()->files.free_space(self, path, bytes, error);
    pthread_mutex_lock(&rig_disk.mutex);
    if (rig_disk.write_code == LD_NOSPACE)
        *bytes = 0;
    rig_disk.clock_us += rig_disk.slow_us;
    pthread_mutex_unlock(&rig_disk.mutex);
    return code;
}

static int64_t rig_offset_us(void)
{
    pthread_mutex_lock(&rig_disk.mutex);
    int64_t offset_us = rig_disk.clock_us;
    pthread_mutex_unlock(&rig_disk.mutex);
    return offset_us;
}

static int64_t rig_wall_us(void *self)
{
    pthread_mutex_lock(&rig_disk.mutex);
    int64_t set_us = rig_disk.wall_us;
    int64_t now_us =
        rig_disk.stopped ? rig_disk.stopped_wall_us : ld_context_system()->wall_us(self);
    pthread_mutex_unlock(&rig_disk.mutex);
    return now_us + rig_offset_us() + set_us;
}

static int64_t rig_monotonic_us(void *self)
{
    pthread_mutex_lock(&rig_disk.mutex);
    int64_t now_us =
        rig_disk.stopped ? rig_disk.stopped_monotonic_us : ld_context_system()->monotonic_us(self);
    pthread_mutex_unlock(&rig_disk.mutex);
    return now_us + rig_offset_us();
}

void rig_stop_clock(void)
{
    const struct ld_context *system = ld_context_system();
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.stopped = true;
    rig_disk.stopped_wall_us = system->wall_us(system->self);
    rig_disk.stopped_monotonic_us = system->monotonic_us(system->self);
    pthread_mutex_unlock(&rig_disk.mutex);
}

void rig_set_held(bool held)
{
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.held = held;
    pthread_cond_broadcast(&rig_disk.changed);
    pthread_mutex_unlock(&rig_disk.mutex);
}

void rig_set_codes(int write_code, int sync_code)
{
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.write_code = write_code;
    rig_disk.sync_code = sync_code;
    pthread_mutex_unlock(&rig_disk.mutex);
}

void rig_move_clock(int64_t by_us)
{
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.clock_us += by_us;
    pthread_mutex_unlock(&rig_disk.mutex);
}

void rig_set_slow_us(int64_t slow_us)
{
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.slow_us = slow_us;
    pthread_mutex_unlock(&rig_disk.mutex);
}

void rig_set_wall(int64_t by_us)
{
    pthread_mutex_lock(&rig_disk.mutex);
    rig_disk.wall_us = by_us;
    pthread_mutex_unlock(&rig_disk.mutex);
}

const struct ld_context *rig_context(void)
{
    static struct ld_context context;
    context = *ld_context_system();
    context.wall_us = rig_wall_us;
    context.monotonic_us = rig_monotonic_us;
    context.files.sync = rig_sync;
    context.files.write = rig_write;
    context.files.free_space = rig_free_space;
    return &context;
}

static void rig_expired(uv_timer_t *timer)
{
    ((struct rig *)timer->data)->expired = true;
}

void rig_wait(struct rig *rig, rig_condition *condition, void *data)
{
    rig->expired = false;
    uv_timer_start(&rig->deadline, rig_expired, RIG_DEADLINE_MS, 0);
    while (!condition(data) && !rig->expired)
        uv_run(&rig->loop, UV_RUN_ONCE);
    uv_timer_stop(&rig->deadline);
    if (rig->expired)
        fail_msg("waited too long; the router said: %s", ld_buffer_string(&rig->notes));
}

static void rig_note(const char *line, void *data)
{
    ld_buffer_format(&((struct rig *)data)->notes, "%s\n", line);
}

static void rig_stopped(int code, const char *reason, void *data)
{
    struct rig *rig = data;
    (void)reason;
    rig->stopped++;
    rig->stop_code = code;
    rig->router = NULL;
}

bool rig_is_stopped(void *data)
{
    return ((struct rig *)data)->router == NULL;
}

int rig_open_router(struct rig *rig)
{
    return router_open(rig_context(), &rig->loop, &rig->options, &rig->router, &test_error);
}

void rig_start_router(struct rig *rig)
{
    assert_ok(rig_open_router(rig));
    assert_non_null(router_endpoint(rig->router, 0));
}

void rig_stop_router(struct rig *rig)
{
    if (rig->router)
        router_stop(rig->router);
    rig_wait(rig, rig_is_stopped, rig);
}

int rig_setup(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    snprintf(rig->directory, sizeof rig->directory, "/tmp/router-XXXXXX");
    if (!mkdtemp(rig->directory) || uv_loop_init(&rig->loop) != 0)
        return -1;
    rig_disk.clock_us = rig_disk.wall_us = rig_disk.slow_us = 0;
    rig_disk.stopped = false;
    rig_set_codes(LD_OK, LD_OK);
    rig_set_held(false);
    uv_timer_init(&rig->loop, &rig->deadline);
    rig->deadline.data = rig;
    rig->endpoint = "tcp://127.0.0.1:*";
    router_options_init(&rig->options);
    rig->options.directory = rig->directory;
    rig->options.endpoints = &rig->endpoint;
    rig->options.endpoint_count = 1;
    rig->options.tick_us = LD_US_DAY; /* no ticks but where they are tested */
    rig->options.heartbeat_ms = 20;
    rig->options.silence_heartbeats = 5000;
    rig->options.commit_here = false; /* else a held disk holds the test */
    rig->options.segment_bytes = 4 << 20;
    rig->options.note = rig_note;
    rig->options.stopped = rig_stopped;
    rig->options.data = rig;
    *state = rig;
    return zuv_open(&rig->loop, &rig->zuv, &test_error);
}

static int rig_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void heard_free(struct heard *heard)
{
    if (heard)
        free(heard->body);
    free(heard);
}

static struct zuv_socket **rig_socket(struct rig *rig, const struct zuv_socket *socket)
{
    size_t i = 0;
    while (rig->sockets[i] != socket)
        assert_true(++i < COUNT(rig->sockets));
    return &rig->sockets[i];
}

void rig_own_socket(struct rig *rig, struct zuv_socket *socket)
{
    *rig_socket(rig, NULL) = socket;
}

static void peer_closed(void *data)
{
    ((struct rig *)data)->closed++;
}

struct closed_wait {
    const struct rig *rig;
    unsigned target;
};

static bool peer_is_closed(void *data)
{
    const struct closed_wait *wait = data;
    return wait->rig->closed >= wait->target;
}

void rig_close_socket(struct rig *rig, struct zuv_socket *socket)
{
    struct closed_wait wait = {rig, rig->closed + 1};
    *rig_socket(rig, socket) = NULL;
    zuv_socket_close(socket, peer_closed, rig);
    rig_wait(rig, peer_is_closed, &wait);
}

int rig_teardown(void **state)
{
    struct rig *rig = *state;
    rig_set_codes(LD_OK, LD_OK);
    rig_set_held(false);
    for (size_t i = 0; i < COUNT(rig->sockets); i++) /* left open by a test that failed */
        if (rig->sockets[i])
            rig_close_socket(rig, rig->sockets[i]);
    rig_stop_router(rig);
    zuv_close(rig->zuv);
    uv_close((uv_handle_t *)&rig->deadline, NULL);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    nftw(rig->directory, rig_remove, 8, FTW_DEPTH | FTW_PHYS);
    heard_free(rig->last);
    ld_buffer_free(&rig->notes);
    free(rig);
    return 0;
}

static void peer_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    (void)socket;
    struct peer *peer = data;
    struct wire_head head;
    assert_ok(wire_head_decode(zuv_frame_data(&message->frames[0]),
                               zuv_frame_size(&message->frames[0]), &head, &test_error));
    if (head.operation == WIRE_PONG && head.id == 0) {
        peer->pongs++;
        peer->head = head.b;
        return;
    }
    struct heard *heard = calloc(1, sizeof *heard);
    heard->head = head;
    if (message->count > 1) {
        heard->size = zuv_frame_size(&message->frames[1]);
        heard->body = calloc(1, heard->size + 1);
        memcpy(heard->body, zuv_frame_data(&message->frames[1]), heard->size);
    }
    LL_APPEND(peer->inbox, heard);
}

void peer_open_with(struct rig *rig, struct peer *peer, struct zuv *zuv,
                    const struct zuv_options *keys)
{
    *peer = (struct peer){.rig = rig, .next_id = 1};
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = peer_message;
    options.data = peer;
    options.max_message_bytes = 64 << 20;
    if (keys) {
        options.own_key = keys->own_key;
        options.own_secret = keys->own_secret;
        options.server_key = keys->server_key;
    }
    assert_ok(zuv_socket_open(zuv, ZUV_DEALER, &options, &peer->socket, &test_error));
    rig_own_socket(rig, peer->socket);
    assert_ok(zuv_connect(peer->socket, router_endpoint(rig->router, 0), &test_error));
}

void peer_open_on(struct rig *rig, struct peer *peer, struct zuv *zuv)
{
    peer_open_with(rig, peer, zuv, NULL);
}

void peer_open(struct rig *rig, struct peer *peer)
{
    peer_open_on(rig, peer, rig->zuv);
}

void peer_close(struct peer *peer)
{
    rig_close_socket(peer->rig, peer->socket);
    while (peer->inbox) {
        struct heard *heard = peer->inbox;
        peer->inbox = heard->next;
        heard_free(heard);
    }
}

void peer_send(struct peer *peer, struct zuv_message *message)
{
    int code = zuv_send(peer->socket, message);
    while (code == LD_BUSY) {
        uv_run(&peer->rig->loop, UV_RUN_ONCE);
        code = zuv_send(peer->socket, message);
    }
    assert_int_equal(code, LD_OK);
}

void peer_say_head(struct peer *peer, const struct wire_head *head, const void *body, size_t size)
{
    struct zuv_message message = {.count = 1};
    wire_head_encode(zuv_frame_alloc(&message.frames[0], WIRE_HEAD_SIZE), head);
    if (body)
        zuv_frame_copy(&message.frames[message.count++], body, size);
    peer_send(peer, &message);
}

uint64_t peer_say(struct peer *peer, enum wire_operation operation, uint64_t a, uint64_t b,
                  const char *body)
{
    struct wire_head head = {operation, peer->next_id++, a, b};
    peer_say_head(peer, &head, body, body ? strlen(body) : 0);
    return head.id;
}

static bool peer_has_heard(void *data)
{
    return ((struct peer *)data)->inbox != NULL;
}

struct heard *peer_expect(struct peer *peer, enum wire_operation operation)
{
    struct rig *rig = peer->rig;
    rig_wait(rig, peer_has_heard, peer);
    heard_free(rig->last);
    rig->last = peer->inbox;
    peer->inbox = rig->last->next;
    if (rig->last->head.operation != operation)
        fail_msg("expected %s, heard %s a=%llu b=%llu %s", wire_operation_name(operation),
                 wire_operation_name(rig->last->head.operation),
                 (unsigned long long)rig->last->head.a, (unsigned long long)rig->last->head.b,
                 rig->last->body ? (const char *)rig->last->body : "");
    return rig->last;
}

void peer_expect_error(struct peer *peer, uint64_t id, int code)
{
    const struct heard *heard = peer_expect(peer, WIRE_ERROR);
    assert_int_equal(heard->head.id, id);
    if (heard->head.a != (uint64_t)code)
        fail_msg("expected ERROR %s, heard %s: %s", ld_code_name(code),
                 ld_code_name((int)heard->head.a), (const char *)heard->body);
    assert_true(heard->size > 0);
}

void peer_sync(struct peer *peer, struct peer *through)
{
    (void)peer;
    uint64_t id = peer_say(through, WIRE_PING, 0, 0, NULL);
    assert_int_equal(peer_expect(through, WIRE_PONG)->head.id, id);
}

void peer_hello(struct rig *rig, struct peer *peer, const char *identity)
{
    peer_open(rig, peer);
    uint64_t id = peer_say(peer, WIRE_HELLO, 0, 0, identity);
    assert_int_equal(peer_expect(peer, WIRE_WELCOME)->head.id, id);
}

uint64_t peer_producer(struct peer *peer, const char *name)
{
    uint64_t id = peer_say(peer, WIRE_PRODUCER, 0, 0, name);
    const struct heard *heard = peer_expect(peer, WIRE_PRODUCER_OK);
    assert_int_equal(heard->head.id, id);
    assert_true(heard->head.a == ld_producer_id(name, strlen(name)));
    return heard->head.b;
}

uint8_t *batch_add_record(struct batch *batch, const struct ld_record *record)
{
    size_t size = ld_record_size(record->topic_size, record->payload_size);
    uint8_t *raw = ld_buffer_reserve(&batch->bytes, size);
    ld_record_encode(raw, record);
    batch->bytes.size += size;
    batch->count++;
    return raw;
}

uint8_t *batch_add(struct batch *batch, const char *producer, uint64_t sequence, const char *topic,
                   const char *payload)
{
    struct ld_record record = {
        .producer = ld_producer_id(producer, strlen(producer)),
        .producer_sequence = sequence,
        .topic = topic,
        .topic_size = (uint16_t)strlen(topic),
        .payload = (const uint8_t *)payload,
        .payload_size = (uint32_t)strlen(payload),
    };
    return batch_add_record(batch, &record);
}

uint64_t batch_send_seen(struct peer *peer, struct batch *batch, uint64_t seen)
{
    struct wire_head head = {WIRE_PUBLISH, peer->next_id++, batch->count, seen};
    peer_say_head(peer, &head, batch->bytes.data, batch->bytes.size);
    ld_buffer_free(&batch->bytes);
    batch->count = 0;
    return head.id;
}

uint64_t batch_send(struct peer *peer, struct batch *batch)
{
    return batch_send_seen(peer, batch, 0);
}

struct wire_run run_of(const struct heard *heard, uint64_t index)
{
    assert_true(index < heard->head.b && heard->head.b * WIRE_RUN_SIZE <= heard->size);
    struct wire_run run;
    wire_run_decode(heard->body + index * WIRE_RUN_SIZE, &run);
    return run;
}

const char *reason_of(const struct heard *heard)
{
    return (const char *)heard->body + heard->head.b * WIRE_RUN_SIZE;
}

uint64_t expect_run(struct peer *peer, uint64_t id, uint64_t count, int code)
{
    const struct heard *heard = peer_expect(peer, WIRE_RESULT);
    assert_int_equal(heard->head.id, id);
    assert_int_equal(heard->head.b, 1);
    struct wire_run run = run_of(heard, 0);
    if (run.code != (uint32_t)code || run.count != count)
        fail_msg("expected %llu %s, heard %u %s: %s", (unsigned long long)count, ld_code_name(code),
                 run.count, ld_code_name((int)run.code), reason_of(heard));
    assert_true(code != LD_OK || heard->head.a >= run.first + run.count - 1);
    return run.first;
}

uint64_t publish_one(struct peer *peer, const char *producer, uint64_t sequence, const char *topic,
                     const char *payload)
{
    struct batch batch = {0};
    batch_add(&batch, producer, sequence, topic, payload);
    return expect_run(peer, batch_send(peer, &batch), 1, LD_OK);
}

uint64_t stream_begin(struct peer *peer, uint64_t from, uint64_t credit, const char *filters)
{
    uint64_t id = peer_say(peer, WIRE_OPEN, from, credit, filters);
    assert_int_equal(peer_expect(peer, WIRE_OPENED)->head.id, id);
    return id;
}

void read_events(struct peer *peer, uint64_t from, uint64_t to, const char *filters, event_fn *each,
                 void *data)
{
    uint64_t id = stream_begin(peer, from, 100000, filters);
    for (uint64_t next = from; next <= to;) {
        const struct heard *chunk = peer_expect(peer, WIRE_CHUNK);
        assert_int_equal(chunk->head.id, id);
        assert_int_equal(chunk->head.a, next);
        struct ld_record record = {.size = 0};
        assert_true(chunk->size <= peer->rig->options.limits.chunk_bytes ||
                    ld_get_u32(chunk->body + 12) == chunk->size); /* or a single record */
        for (size_t offset = 0; offset < chunk->size; offset += record.size) {
            assert_ok(
                ld_record_decode(chunk->body + offset, chunk->size - offset, &record, &test_error));
            assert_ok(ld_record_check(&record, &test_error));
            assert_true(record.sequence >= next && record.sequence <= chunk->head.b);
            next = record.sequence + 1;
            if (record.sequence <= to)
                each(&record, data);
        }
        next = chunk->head.b + 1;
        struct wire_head credit = {WIRE_CREDIT, id, chunk->size, chunk->head.b};
        peer_say_head(peer, &credit, NULL, 0);
    }
    struct wire_head close = {WIRE_CLOSE, id, 0, 0};
    peer_say_head(peer, &close, NULL, 0);
    while (peer->inbox == NULL || peer->inbox->head.operation == WIRE_CHUNK) {
        rig_wait(peer->rig, peer_has_heard, peer);
        if (peer->inbox->head.operation == WIRE_CHUNK)
            peer_expect(peer, WIRE_CHUNK);
    }
    assert_int_equal(peer_expect(peer, WIRE_CLOSED)->head.id, id);
}
