/* See fake_router.h. What comes in is the client under test: it is asserted. */
#include "fake_router.h"

#include <assert.h>
#include <liandong/topic.h>
#include <stdlib.h>
#include <string.h>

static void send_to(struct fake *fake, size_t peer, const struct wire_head *head, const void *body,
                    size_t size)
{
    struct zuv_message message = {.count = 0};
    zuv_frame_copy(&message.frames[message.count++], fake->peers[peer].identity,
                   fake->peers[peer].size);
    wire_head_encode(zuv_frame_alloc(&message.frames[message.count++], WIRE_HEAD_SIZE), head);
    if (body != NULL)
        zuv_frame_copy(&message.frames[message.count++], body, size);
    if (zuv_send(fake->socket, &message) != LD_OK)
        zuv_message_drop(&message);
}

static void send_error(struct fake *fake, size_t peer, uint64_t id, int code)
{
    struct wire_head head = {WIRE_ERROR, id, (uint64_t)code, 0};
    send_to(fake, peer, &head, "because", 7);
}

void fake_send_raw(struct fake *fake, const void *data, size_t size)
{
    struct zuv_message message = {.count = 0};
    const struct fake_peer *peer = &fake->peers[fake->last_peer];
    zuv_frame_copy(&message.frames[message.count++], peer->identity, peer->size);
    zuv_frame_copy(&message.frames[message.count++], data, size);
    if (zuv_send(fake->socket, &message) != LD_OK)
        zuv_message_drop(&message);
}

/* ---- the log ---- */

void fake_record(const struct fake *fake, uint64_t sequence, struct ld_record *record)
{
    assert(sequence > 0 && sequence <= fake->head);
    const size_t offset = fake->offsets[sequence - 1];
    int code = ld_record_decode(fake->log.data + offset, fake->log.size - offset, record, NULL);
    assert(code == LD_OK);
}

static void append_raw(struct fake *fake, const uint8_t *raw, size_t size)
{
    assert(fake->head < FAKE_RECORDS_MAX);
    fake->offsets[fake->head++] = fake->log.size;
    ld_buffer_append(&fake->log, raw, size);
    struct ld_record record;
    int code = ld_record_decode(raw, size, &record, NULL);
    assert(code == LD_OK);
    ld_record_stamp(fake->log.data + fake->log.size - size, fake->head, 1000, record.flags);
}

static bool matches(const struct fake_stream *stream, const struct ld_record *record)
{
    const char *line = stream->filters;
    while (*line != '\0') {
        size_t size = strcspn(line, "\n");
        if (ld_filter_matches(line, size, record->topic, record->topic_size))
            return true;
        line += size + (line[size] == '\n');
    }
    return false;
}

static void spoil(struct fake *fake, struct wire_head *head, struct ld_buffer *body, size_t first)
{
    switch (fake->chunk) {
    case FAKE_CHUNK_GOOD:
        return;
    case FAKE_CHUNK_PAYLOAD:
        body->data[LD_RECORD_HEADER_SIZE + 3] ^= 1;
        break;
    case FAKE_CHUNK_HEADER:
        body->data[25] ^= 1;
        break;
    case FAKE_CHUNK_GAP:
        head->a++;
        head->b++;
        break;
    case FAKE_CHUNK_CUT:
        body->size -= 8;
        break;
    case FAKE_CHUNK_ORDER: {
        assert(body->size == 2 * first);
        uint8_t *copy = malloc(first);
        memcpy(copy, body->data, first);
        memcpy(body->data, body->data + first, first);
        memcpy(body->data + first, copy, first);
        free(copy);
        break;
    }
    }
    fake->chunk = FAKE_CHUNK_GOOD;
}

/* One chunk; false when there is nothing to send. */
static bool serve_chunk(struct fake *fake, struct fake_stream *stream)
{
    struct ld_buffer body = {0};
    struct wire_head head = {WIRE_CHUNK, stream->id, stream->next, stream->next - 1};
    size_t count = 0, first = 0;
    while (stream->next <= fake->head && body.size < stream->credit &&
           count < fake->chunk_records) {
        struct ld_record record;
        fake_record(fake, stream->next, &record);
        if (matches(stream, &record)) {
            ld_buffer_append(&body, fake->log.data + fake->offsets[stream->next - 1], record.size);
            first = first ? first : record.size;
            count++;
        }
        head.b = stream->next++;
    }
    bool any = head.b >= head.a;
    if (any) {
        stream->credit -= body.size < stream->credit ? body.size : stream->credit;
        if (body.size > 0)
            spoil(fake, &head, &body, first);
        send_to(fake, stream->peer, &head, body.size ? (const void *)body.data : "", body.size);
    }
    ld_buffer_free(&body);
    return any;
}

static void serve(struct fake *fake)
{
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
        while (fake->streams[i].open && serve_chunk(fake, &fake->streams[i]))
            continue;
    }
}

void fake_append(struct fake *fake, const char *topic, const char *payload)
{
    uint8_t raw[2048];
    struct ld_record record = {
        .topic = topic,
        .topic_size = (uint16_t)strlen(topic),
        .payload = (const uint8_t *)payload,
        .payload_size = (uint32_t)strlen(payload),
        .producer = 1,
        .producer_sequence = fake->head + 1,
    };
    ld_record_encode(raw, &record);
    append_raw(fake, raw, ld_record_size(record.topic_size, record.payload_size));
    serve(fake);
}

/* ---- sessions ---- */

static size_t find_peer(const struct fake *fake, const struct zuv_frame *identity)
{
    size_t size = zuv_frame_size(identity);
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
        if (fake->peers[i].size == size &&
            memcmp(fake->peers[i].identity, zuv_frame_data(identity), size) == 0)
            return i;
    }
    return FAKE_MEMBERS_MAX;
}

static size_t add_peer(struct fake *fake, const struct zuv_frame *identity)
{
    size_t peer = find_peer(fake, identity);
    for (size_t i = 0; peer == FAKE_MEMBERS_MAX && i < FAKE_MEMBERS_MAX; i++) {
        if (fake->peers[i].size == 0)
            peer = i;
    }
    assert(peer < FAKE_MEMBERS_MAX);
    fake->peers[peer].size = zuv_frame_size(identity);
    assert(fake->peers[peer].size <= sizeof fake->peers[peer].identity);
    memcpy(fake->peers[peer].identity, zuv_frame_data(identity), fake->peers[peer].size);
    return peer;
}

static void forget_peer(struct fake *fake, size_t peer)
{
    fake->peers[peer].size = 0;
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
        if (fake->streams[i].peer == peer)
            fake->streams[i].open = false;
    }
}

void fake_forget_sessions(struct fake *fake)
{
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++)
        forget_peer(fake, i);
}

static void hello(struct fake *fake, const struct zuv_frame *identity, const struct wire_head *head,
                  const uint8_t *body, size_t size)
{
    size_t peer = add_peer(fake, identity);
    fake->hellos++;
    if (fake->refuse_hello != LD_OK) {
        send_error(fake, peer, head->id, fake->refuse_hello);
        forget_peer(fake, peer);
        return;
    }
    assert(size > 0 && size <= 100);
    memcpy(fake->peers[peer].name, body, size);
    fake->peers[peer].name[size] = '\0';
    struct wire_welcome welcome = {
        .first_sequence = 1,
        .record_size_max = LD_RECORD_SIZE_MAX,
        .batch_size_max = fake->batch_size_max,
        .credit_max = 1 << 20,
        .chunk_size_max = 1 << 16,
        .heartbeat_ms = fake->heartbeat_ms,
        .time_us = 1234567,
    };
    memset(welcome.log_id, fake->log_byte, sizeof welcome.log_id);
    uint8_t raw[WIRE_WELCOME_SIZE];
    wire_welcome_encode(raw, &welcome);
    struct wire_head answer = {WIRE_WELCOME, head->id, fake->incarnation, fake->head};
    send_to(fake, peer, &answer, raw, sizeof raw);
    fake->last_peer = peer;
}

/* ---- producers ---- */

static struct fake_producer *find_producer(struct fake *fake, uint64_t id)
{
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
        if (fake->producers[i].id == id || fake->producers[i].id == 0)
            return &fake->producers[i];
    }
    assert(false);
    return NULL;
}

static void open_producer(struct fake *fake, size_t peer, const struct wire_head *head,
                          const uint8_t *body, size_t size)
{
    uint64_t id = ld_producer_id((const char *)body, size);
    if (fake->refuse_producer != LD_OK) {
        send_error(fake, peer, head->id, fake->refuse_producer);
        return;
    }
    struct fake_producer *producer = find_producer(fake, id);
    producer->id = id;
    producer->claimant = head->a;
    producer->round = head->b;
    memcpy(producer->name, body, size);
    struct wire_head answer = {WIRE_PRODUCER_OK, head->id, id, producer->last};
    send_to(fake, peer, &answer, NULL, 0);
}

static int judge(struct fake *fake, const struct ld_record *record)
{
    struct fake_producer *producer = find_producer(fake, record->producer);
    assert(producer->id == record->producer);
    if (fake->publish == FAKE_REFUSE)
        return fake->refuse_code;
    if (fake->publish == FAKE_REFUSE_BAD && record->topic_size > 4 &&
        memcmp(record->topic, "bad/", 4) == 0)
        return fake->refuse_code != LD_OK ? fake->refuse_code : LD_REFUSED;
    if (record->producer_sequence <= producer->last)
        return LD_DUPLICATE;
    producer->last = record->producer_sequence;
    return LD_OK;
}

static void put_run(struct ld_buffer *runs, uint64_t *count, const struct wire_run *run)
{
    if (run->count == 0)
        return;
    wire_run_encode(ld_buffer_reserve(runs, WIRE_RUN_SIZE), run);
    runs->size += WIRE_RUN_SIZE;
    (*count)++;
}

static void take_records(struct fake *fake, const uint8_t *body, size_t size,
                         struct ld_buffer *runs, uint64_t *run_count)
{
    struct wire_run run = {0};
    for (size_t offset = 0; offset < size;) {
        struct ld_record record;
        int code = ld_record_decode(body + offset, size - offset, &record, NULL);
        assert(code == LD_OK);
        code = ld_record_check(&record, NULL);
        assert(code == LD_OK);
        code = judge(fake, &record);
        if (code == LD_OK)
            append_raw(fake, body + offset, record.size);
        if (run.count == 0 || run.code != (uint32_t)code) {
            put_run(runs, run_count, &run);
            run = (struct wire_run){.code = (uint32_t)code, .first = fake->head};
        }
        run.count++;
        offset += record.size;
        fake->records++;
    }
    if (fake->publish == FAKE_SHORT_RESULT)
        run.count--;
    put_run(runs, run_count, &run);
}

/* What the client sent behind the refusal without having seen it. b = 0 says nothing: accepted. */
static bool is_held(struct fake *fake, const struct wire_head *head)
{
    if (fake->publish == FAKE_BUSY_ONCE) {
        fake->publish = FAKE_ACCEPT;
        fake->held = head->id;
        return true;
    }
    bool held = fake->held != 0 && head->b != 0 && head->b < fake->held;
    if (held)
        fake->held = head->id;
    return held;
}

static void publish(struct fake *fake, size_t peer, const struct wire_head *head,
                    const uint8_t *body, size_t size)
{
    struct ld_buffer runs = {0};
    uint64_t run_count = 0;
    fake->publishes++;
    if (fake->publish == FAKE_HOLD)
        return;
    if (fake->publish == FAKE_GARBAGE) {
        fake_send_raw(fake, "what?", 5);
        return;
    }
    if (is_held(fake, head)) {
        struct wire_run run = {.count = (uint32_t)head->a, .code = LD_BUSY};
        if (fake->refuse_code != LD_OK)
            run.code = (uint32_t)fake->refuse_code;
        put_run(&runs, &run_count, &run);
    } else {
        take_records(fake, body, size, &runs, &run_count);
    }
    ld_buffer_text(&runs, "because");
    struct wire_head answer = {WIRE_RESULT, head->id, fake->head, run_count};
    if (fake->publish != FAKE_KEEP_SILENT)
        send_to(fake, peer, &answer, runs.data, runs.size);
    ld_buffer_free(&runs);
    if (fake->cut_after != 0 && fake->records >= fake->cut_after) {
        fake->cut_after = 0;
        fake_forget_sessions(fake);
    }
    serve(fake);
}

/* ---- streams ---- */

static void open_stream(struct fake *fake, size_t peer, const struct wire_head *head,
                        const uint8_t *body, size_t size)
{
    struct fake_stream *stream = fake->streams;
    fake->opens++;
    if (fake->refuse_open != LD_OK) {
        send_error(fake, peer, head->id, fake->refuse_open);
        return;
    }
    while (stream->open)
        stream++;
    assert(stream < fake->streams + FAKE_MEMBERS_MAX && size < sizeof stream->filters);
    *stream = (struct fake_stream){.open = true, .peer = peer, .id = head->id, .credit = head->b};
    memcpy(stream->filters, body, size);
    stream->next = head->a == WIRE_FROM_NOW ? fake->head + 1 : head->a == 0 ? 1 : head->a;
    struct wire_head opened = {WIRE_OPENED, head->id, stream->next, fake->head};
    send_to(fake, peer, &opened, NULL, 0);
    serve(fake);
}

static void with_stream(struct fake *fake, size_t peer, const struct wire_head *head)
{
    for (size_t i = 0; i < FAKE_MEMBERS_MAX; i++) {
        struct fake_stream *stream = &fake->streams[i];
        if (!stream->open || stream->peer != peer || stream->id != head->id)
            continue;
        if (head->operation == WIRE_CLOSE) {
            fake->closes++;
            stream->open = false;
        } else {
            fake->credits++;
            stream->credit += head->a;
            stream->processed = head->b;
        }
    }
    serve(fake);
}

/* ---- messages ---- */

static void dispatch(struct fake *fake, size_t peer, const struct wire_head *head,
                     const uint8_t *body, size_t size)
{
    struct wire_head answer = {WIRE_PONG, head->id, fake->incarnation, fake->head};
    switch (head->operation) {
    case WIRE_PRODUCER:
        open_producer(fake, peer, head, body, size);
        return;
    case WIRE_PUBLISH:
        publish(fake, peer, head, body, size);
        return;
    case WIRE_OPEN:
        open_stream(fake, peer, head, body, size);
        return;
    case WIRE_CREDIT:
    case WIRE_CLOSE:
        with_stream(fake, peer, head);
        return;
    case WIRE_PING:
        fake->pings++;
        send_to(fake, peer, &answer, NULL, 0);
        return;
    case WIRE_STATUS:
        fake->status++;
        answer = (struct wire_head){WIRE_STATUS_OK, head->id, 0, fake->head};
        send_to(fake, peer, &answer, "{\"head\":1}", 10);
        return;
    case WIRE_ADVANCE:
        fake->advances++;
        if (head->a < 1000) {
            send_error(fake, peer, head->id, LD_REFUSED);
            return;
        }
        answer = (struct wire_head){WIRE_ADVANCED, head->id, head->a, fake->head};
        send_to(fake, peer, &answer, NULL, 0);
        return;
    case WIRE_FIND:
        if (fake->old) {
            send_error(fake, peer, head->id, LD_PROTOCOL);
            return;
        }
        answer = (struct wire_head){WIRE_FOUND, head->id, head->a + 1, fake->head};
        send_to(fake, peer, &answer, NULL, 0);
        return;
    case WIRE_GOODBYE:
        fake->goodbyes++;
        forget_peer(fake, peer);
        return;
    default:
        assert(false);
    }
}

static void on_message(struct zuv_socket *socket, struct zuv_message *message, void *data)
{
    struct fake *fake = data;
    struct wire_head head;
    (void)socket;
    assert(message->count == 2 || message->count == 3);
    int code = wire_head_decode(zuv_frame_data(&message->frames[1]),
                                zuv_frame_size(&message->frames[1]), &head, NULL);
    assert(code == LD_OK);
    const uint8_t *body = message->count == 3 ? zuv_frame_data(&message->frames[2]) : NULL;
    size_t size = message->count == 3 ? zuv_frame_size(&message->frames[2]) : 0;
    if (fake->mute)
        return;
    if (head.operation == WIRE_HELLO) {
        hello(fake, &message->frames[0], &head, body, size);
        return;
    }
    size_t peer = find_peer(fake, &message->frames[0]);
    if (peer < FAKE_MEMBERS_MAX) {
        fake->last_peer = peer;
        dispatch(fake, peer, &head, body, size);
        return;
    }
    fake->nosessions++;
    peer = add_peer(fake, &message->frames[0]);
    send_error(fake, peer, head.id, LD_NOSESSION);
    forget_peer(fake, peer);
}

static void on_beat(uv_timer_t *timer)
{
    struct fake *fake = timer->data;
    struct wire_head pong = {WIRE_PONG, 0, fake->incarnation, fake->head};
    for (size_t i = 0; i < FAKE_MEMBERS_MAX && !fake->mute; i++) {
        if (fake->peers[i].size > 0)
            send_to(fake, i, &pong, NULL, 0);
    }
}

/* ---- life ---- */

static void start(struct fake *fake, const char *endpoint)
{
    struct zuv_options options;
    zuv_options_init(&options);
    options.message = on_message;
    options.send_messages = 100000;
    options.data = fake;
    int code = zuv_open(fake->loop, &fake->zuv, NULL);
    assert(code == LD_OK);
    code = zuv_socket_open(fake->zuv, ZUV_ROUTER, &options, &fake->socket, NULL);
    assert(code == LD_OK);
    code = zuv_bind(fake->socket, endpoint, NULL);
    assert(code == LD_OK);
    strncpy(fake->endpoint, zuv_endpoint(fake->socket), sizeof fake->endpoint - 1);
    uv_timer_init(fake->loop, &fake->beat);
    fake->beat.data = fake;
    uv_timer_start(&fake->beat, on_beat, fake->heartbeat_ms, fake->heartbeat_ms);
    fake->closed = false;
    fake->incarnation++;
}

void fake_open(struct fake *fake, uv_loop_t *loop, const char *endpoint)
{
    memset(fake, 0, sizeof *fake);
    fake->loop = loop;
    fake->heartbeat_ms = 100;
    fake->batch_size_max = 1 << 20;
    fake->chunk_records = 100;
    fake->log_byte = 7;
    start(fake, endpoint);
}

static void on_socket_closed(void *data)
{
    struct fake *fake = data;
    zuv_close(fake->zuv);
    fake->closed = true;
}

void fake_close(struct fake *fake)
{
    fake_forget_sessions(fake);
    uv_close((uv_handle_t *)&fake->beat, NULL);
    zuv_socket_close(fake->socket, on_socket_closed, fake);
}

void fake_open_again(struct fake *fake)
{
    char endpoint[128];
    memcpy(endpoint, fake->endpoint, sizeof endpoint);
    start(fake, endpoint);
}

void fake_free(struct fake *fake)
{
    ld_buffer_free(&fake->log);
}
