/*
 * The client library under a hostile router: the input is a list of messages from it, with answers
 * to what the client has asked (the right id) or to nothing, chunks whose records have their
 * checksums, turns of the loop, a full socket, and what the program does meanwhile. What holds:
 * every event published is completed exactly once, a stream never goes back.
 */
#include "fuzz.h"

#include <liandong.h>
#include "bytes.h"
#include "wire/wire.h"
#include "zuv_memory.h"

enum { STEPS_MAX = 200, OPERATIONS = WIRE_LAST + 16 };

static struct fuzzing {
    int send_code;
    uint64_t ids[OPERATIONS]; /* of the last message of each operation */
    struct ld_client *client;
    struct ld_producer *producer;
    struct ld_stream *stream;
    uint64_t published, completed, last_event;
    bool closed;
} fuzzing;

/* ---- the program ---- */

static void on_published(const struct ld_published *published, void *data)
{
    (void)data;
    fuzz_check(published->reason != NULL && !fuzzing.closed);
    fuzzing.completed++;
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    (void)data;
    fuzz_check(stream == fuzzing.stream && record->sequence > fuzzing.last_event);
    fuzzing.last_event = record->sequence;
}

static void on_status(int code, const char *json, void *data)
{
    (void)data;
    fuzz_check((code == LD_OK) == (json != NULL));
}

static void on_found(int code, uint64_t sequence, uint64_t head, const char *reason, void *data)
{
    (void)data;
    fuzz_check(reason != NULL && (code == LD_OK || (sequence == 0 && head == 0)));
}

static void on_closed(void *data)
{
    (void)data;
    fuzzing.closed = true;
}

static void open_stream(bool by_hand)
{
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.event = on_event;
    options.from = 1;
    options.credit_bytes = 4096;
    options.confirm_by_hand = by_hand;
    fuzz_check(ld_stream_open(fuzzing.client, &options, &fuzzing.stream, NULL) == LD_OK);
}

static void open_client(uv_loop_t *loop, bool by_hand)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = "inproc://router";
    options.identity = "a";
    options.loop = loop;
    fuzz_check(ld_client_open(&options, &fuzzing.client, NULL) == LD_OK);
    fuzz_check(ld_producer_open(fuzzing.client, "a", NULL, NULL, &fuzzing.producer, NULL) == LD_OK);
    open_stream(by_hand);
}

static void publish(uint64_t size)
{
    static const uint8_t payload[4096];
    struct ld_event event = {.topic = "t/1", .payload = payload, .payload_size = size % 4096};
    if (ld_publish(fuzzing.producer, &event, on_published, NULL, NULL) == LD_OK)
        fuzzing.published++;
}

/* ---- the router ---- */

static int sent(struct zuv_message *message, void *data)
{
    (void)data;
    struct wire_head head;
    fuzz_check(message->count >= 1);
    fuzz_check(wire_head_decode(zuv_frame_data(&message->frames[0]),
                                zuv_frame_size(&message->frames[0]), &head, NULL) == LD_OK);
    if (fuzzing.send_code == LD_OK)
        fuzzing.ids[head.operation] = head.id;
    return fuzzing.send_code;
}

/* What an operation of the router's answers. */
static enum wire_operation answers(unsigned operation, uint64_t which)
{
    static const enum wire_operation any[] = {WIRE_HELLO, WIRE_PRODUCER, WIRE_PUBLISH, WIRE_OPEN};
    switch (operation) {
    case WIRE_WELCOME:
        return WIRE_HELLO;
    case WIRE_PRODUCER_OK:
        return WIRE_PRODUCER;
    case WIRE_RESULT:
        return WIRE_PUBLISH;
    case WIRE_STATUS_OK:
        return WIRE_STATUS;
    case WIRE_FOUND:
        return WIRE_FIND;
    case WIRE_ERROR:
        return any[which % 4];
    default:
        return WIRE_OPEN;
    }
}

static void put_welcome(struct fuzz_input *input, uint8_t raw[WIRE_WELCOME_SIZE])
{
    struct wire_welcome welcome = {
        .first_sequence = 1,
        .record_size_max = LD_RECORD_SIZE_MAX,
        .batch_size_max = (uint32_t)fuzz_number(input, 3),
        .credit_max = (uint32_t)fuzz_number(input, 3),
        .chunk_size_max = 65536,
        .heartbeat_ms = (uint32_t)fuzz_number(input, 4),
    };
    welcome.log_id[0] = (uint8_t)fuzz_number(input, 1);
    wire_welcome_encode(raw, &welcome);
}

static void deliver(const uint8_t *head, const uint8_t *body, size_t body_size, uint64_t count)
{
    struct zuv_memory_frame frames[ZUV_FRAMES_MAX] = {
        {head, WIRE_HEAD_SIZE}, {body, body_size}, {body, body_size}, {body, body_size}};
    zuv_memory_deliver(ZUV_DEALER, frames, (size_t)(1 + count % ZUV_FRAMES_MAX));
}

static void answer(struct fuzz_input *input)
{
    unsigned operation = (unsigned)(1 + fuzz_number(input, 1) % WIRE_LAST);
    uint64_t how = fuzz_number(input, 1);
    uint8_t head[WIRE_HEAD_SIZE], welcome[WIRE_WELCOME_SIZE];
    struct wire_head answer = {.operation = (enum wire_operation)operation,
                               .id = fuzzing.ids[answers(operation, how >> 4)],
                               .a = fuzz_number(input, how % 2 ? 8 : 1),
                               .b = fuzz_number(input, how % 2 ? 8 : 1)};
    if (operation == WIRE_PRODUCER_OK && how % 4 < 3)
        answer.a = ld_producer_id("a", 1);
    if (how % 16 == 15)
        answer.id = fuzz_number(input, 8);
    wire_head_encode(head, &answer);
    if (operation == WIRE_WELCOME && how % 8 < 7) {
        put_welcome(input, welcome);
        deliver(head, welcome, sizeof welcome, 1);
        return;
    }
    size_t size;
    const uint8_t *bytes = fuzz_bytes(input, &size);
    uint8_t *body = fuzz_copy(bytes, size);
    if (operation == WIRE_CHUNK)
        fuzz_fix_records(body, size);
    deliver(head, body, size, how % 32 < 30 ? size > 0 : how);
    free(body);
}

static void garbage(struct fuzz_input *input)
{
    size_t size;
    const uint8_t *bytes = fuzz_bytes(input, &size);
    zuv_memory_deliver(ZUV_DEALER, &(struct zuv_memory_frame){bytes, size}, 1);
}

static void step(struct fuzz_input *input, uv_loop_t *loop)
{
    switch (fuzz_number(input, 1) % 12) {
    case 0:
    case 1:
        uv_run(loop, UV_RUN_NOWAIT);
        break;
    case 2:
        fuzzing.send_code = fuzzing.send_code == LD_OK ? LD_BUSY : LD_OK;
        zuv_memory_writable(ZUV_DEALER);
        break;
    case 3:
        publish(fuzz_number(input, 2));
        break;
    case 4:
        ld_stream_confirm(fuzzing.stream, fuzz_number(input, 2));
        break;
    case 5:
        (void)!ld_client_status(fuzzing.client, on_status, NULL, NULL);
        break;
    case 6:
        garbage(input);
        break;
    case 11:
        (void)!ld_client_find_time(fuzzing.client, 1, on_found, NULL, NULL);
        break;
    default:
        answer(input);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    uv_loop_t loop;
    fuzzing = (struct fuzzing){.send_code = LD_OK};
    zuv_memory_on_sent(sent, NULL);
    fuzz_check(uv_loop_init(&loop) == 0);
    open_client(&loop, fuzz_number(&input, 1) % 2);
    for (size_t i = 0; i < STEPS_MAX && input.left > 0; i++)
        step(&input, &loop);
    fuzzing.send_code = LD_OK;
    ld_client_close(fuzzing.client, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    fuzz_check(fuzzing.closed);
    fuzz_check(fuzzing.completed == fuzzing.published);
    fuzz_check(uv_loop_close(&loop) == 0);
    return 0;
}
