/*
 * The whole router under hostile peers: the input, behind a byte that says whether
 * it is a drill, is a list of messages from four peers, whole or
 * garbage, with turns of the loop between them, sockets that are full or gone, and time that
 * passes. Heads are put right (magic, version) but for those that are not to be; records get their
 * checksums. What holds: nothing is asserted, nothing leaks, every PUBLISH is answered at most
 * once, and the log can be opened afterwards.
 */
#include "fuzz.h"

#include <stdio.h>
#include "bytes.h"
#include "evlog/evlog.h"
#include "router.h"
#include "storage.h"
#include "wire/wire.h"
#include "zuv_memory.h"

enum { MESSAGES_MAX = 64, PEERS = 4, TURNS_MAX = 10000, SEGMENT_BYTES = 65536 };
#define FOLDER "/log"

static struct storage *bases[2]; /* with an empty log, actual and a drill's */

static struct fuzzing {
    int send_code;                                      /* what the sockets say */
    uint64_t published[PEERS + 1], answered[PEERS + 1]; /* PUBLISH and RESULT messages of each */
    bool stopped;
    int64_t monotonic_us;
} fuzzing;

static int64_t monotonic(void *self)
{
    (void)self;
    return fuzzing.monotonic_us += 10;
}

static int sent(struct zuv_message *message, void *data)
{
    (void)data;
    fuzz_check(message->count >= 2 && zuv_frame_size(&message->frames[0]) == 1);
    uint8_t peer = *zuv_frame_data(&message->frames[0]);
    struct wire_head head;
    fuzz_check(wire_head_decode(zuv_frame_data(&message->frames[1]),
                                zuv_frame_size(&message->frames[1]), &head, NULL) == LD_OK);
    if (fuzzing.send_code == LD_OK && head.operation == WIRE_RESULT)
        fuzz_check(++fuzzing.answered[peer] <= fuzzing.published[peer]);
    return fuzzing.send_code;
}

static void stopped(int code, const char *reason, void *data)
{
    (void)reason, (void)data;
    fuzz_check(code == LD_OK);
    fuzzing.stopped = true;
}

static struct router_options make_options(const char *const *endpoints)
{
    struct router_options options;
    router_options_init(&options);
    options.directory = FOLDER;
    options.endpoints = endpoints;
    options.endpoint_count = 1;
    options.segment_bytes = SEGMENT_BYTES;
    options.buffer_bytes = 2 * SEGMENT_BYTES;
    options.stopped = stopped;
    options.limits.outbox_messages = 8;
    options.limits.sessions = 3;
    options.limits.advance_ticks = 100;
    return options;
}

static struct storage *make_base(bool drill)
{
    struct evlog_options options;
    struct evlog_recovery recovery;
    struct evlog *log;
    evlog_options_init(&options);
    options.segment_bytes = SEGMENT_BYTES;
    options.buffer_bytes = 2 * SEGMENT_BYTES;
    options.writer_thread = false;
    options.drill = drill;
    struct storage *base = storage_new(1);
    fuzz_check(evlog_open(storage_context(base), FOLDER, &options, &log, &recovery, NULL) == LD_OK);
    evlog_close(log);
    return base;
}

/* Magic and version are put right unless the fourth byte is 0xff; records get their checksums. */
static void put_right(uint8_t *head, size_t head_size, uint8_t *body, size_t body_size)
{
    if (head_size != WIRE_HEAD_SIZE || head[3] == 0xff)
        return;
    ld_put_u32(head, 0x3157444cu);
    head[4] = 1;
    if (head[5] == WIRE_PUBLISH)
        fuzz_fix_records(body, body_size);
}

static void message(struct fuzz_input *input)
{
    uint8_t peer = (uint8_t)(1 + fuzz_number(input, 1) % PEERS);
    size_t count = (size_t)(fuzz_number(input, 1) % ZUV_FRAMES_MAX), head_size, body_size;
    const uint8_t *head = fuzz_bytes(input, &head_size), *body = fuzz_bytes(input, &body_size);
    uint8_t *copies[2] = {fuzz_copy(head, head_size), fuzz_copy(body, body_size)};
    put_right(copies[0], head_size, copies[1], body_size);
    struct zuv_memory_frame frames[ZUV_FRAMES_MAX] = {
        {&peer, 1}, {copies[0], head_size}, {copies[1], body_size}, {copies[1], body_size}};
    fuzzing.published[peer] += head_size == WIRE_HEAD_SIZE && copies[0][5] == WIRE_PUBLISH;
    zuv_memory_deliver(ZUV_ROUTER, frames, count + 1);
    free(copies[0]);
    free(copies[1]);
}

static void step(struct fuzz_input *input, uv_loop_t *loop)
{
    static const int codes[] = {LD_OK, LD_BUSY, LD_UNREACHABLE, LD_OK};
    switch (fuzz_number(input, 1) % 8) {
    case 0:
        uv_run(loop, UV_RUN_NOWAIT);
        break;
    case 1:
        fuzzing.send_code = codes[fuzz_number(input, 1) % 4];
        break;
    case 2:
        zuv_memory_writable(ZUV_ROUTER);
        break;
    case 3:
        fuzzing.monotonic_us += (int64_t)fuzz_number(input, 2) * 1000;
        break;
    default:
        message(input);
    }
}

static void play(struct fuzz_input *input, const struct ld_context *context, bool drill)
{
    uv_loop_t loop;
    const char *endpoint = "inproc://router";
    struct router_options options = make_options(&endpoint);
    struct router *router;
    struct ld_error error;
    options.drill = drill;
    fuzz_check(uv_loop_init(&loop) == 0);
    fuzz_check(router_open(context, &loop, &options, &router, &error) == LD_OK);
    for (size_t i = 0; i < MESSAGES_MAX && input->left > 0; i++)
        step(input, &loop);
    fuzzing.send_code = LD_OK;
    router_stop(router);
    for (int i = 0; i < TURNS_MAX && !fuzzing.stopped; i++)
        uv_run(&loop, UV_RUN_ONCE);
    fuzz_check(fuzzing.stopped);
    uv_run(&loop, UV_RUN_DEFAULT);
    fuzz_check(uv_loop_close(&loop) == 0);
}

static void found(const char *segment, uint64_t sequence, const char *text, void *data)
{
    (void)segment, (void)sequence, (void)data;
    fuzz_failed(__FILE__, __LINE__, text);
}

static void open_again(const struct ld_context *context)
{
    struct evlog_options options;
    struct evlog_recovery recovery;
    struct evlog *log;
    evlog_options_init(&options);
    options.segment_bytes = SEGMENT_BYTES;
    options.read_only = true;
    fuzz_check(evlog_open(context, FOLDER, &options, &log, &recovery, NULL) == LD_OK);
    evlog_close(log);
    fuzz_check(evlog_verify(context, FOLDER, found, NULL, NULL, NULL) == LD_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    bool drill = fuzz_number(&input, 1) % 2 == 1;
    if (bases[drill] == NULL)
        bases[drill] = make_base(drill);
    struct storage *storage = storage_kill(bases[drill]);
    struct ld_context context = *storage_context(storage);
    context.monotonic_us = monotonic;
    fuzzing = (struct fuzzing){.send_code = LD_OK};
    zuv_memory_on_sent(sent, NULL);
    storage_set_time(storage, INT64_C(1700000000000000));
    play(&input, &context, drill);
    open_again(&context);
    storage_free(storage);
    return 0;
}
