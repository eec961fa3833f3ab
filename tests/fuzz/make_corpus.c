/*
 * Makes the seeds of the corpus from real things: what happens in the scenarios, the plans, the
 * messages of a session. Usage: fuzz_make_corpus FOLDER. tests/fuzz/run --corpus adds to them what
 * libFuzzer has found, and keeps the smallest set.
 */
#include "fuzz.h"

#include <liandong/record.h>
#include <stdio.h>
#include <sys/stat.h>
#include "buffer.h"
#include "bytes.h"
#include "common/core.h"
#include "context.h"
#include "scenario/run.h"
#include "wire/wire.h"

static const char *folder;

static void save(const char *target, const char *name, const void *data, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, target);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        fuzz_failed(path, 1, "can be written");
}

static void put_number(struct ld_buffer *buffer, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        ld_buffer_append(buffer, &byte, 1);
    }
}

static void put_bytes(struct ld_buffer *buffer, const void *data, size_t size)
{
    put_number(buffer, size, 2);
    ld_buffer_append(buffer, data, size);
}

/* ---- scenarios: records, messages, a log of inputs ---- */

static struct acting {
    struct scenario_bus bus;    /* the one in memory, watched */
    struct scenario_bus *inner; /* itself */
    struct ld_buffer log;       /* for fuzz_services */
    size_t inputs;
    int64_t now_us;
    unsigned families; /* that have a message saved, as bits */
} acting;

enum { INPUTS_MAX = 40, RECORD_MAX = 4096 };

static int act_start(void *self, int64_t *start_us, bool may_move, scenario_record_fn *each,
                     void *data, struct ld_error *error)
{
    (void)self;
    int code = acting.inner->start(acting.inner->self, start_us, may_move, each, data, error);
    acting.now_us = *start_us;
    return code;
}

static int act_publish(void *self, const char *author, const char *topic, const void *payload,
                       size_t payload_size, uint64_t *sequence, struct ld_error *error)
{
    (void)self;
    if (acting.inputs < INPUTS_MAX && payload_size < RECORD_MAX) {
        acting.inputs++;
        put_number(&acting.log, 0, 1);
        put_bytes(&acting.log, author, strlen(author));
        put_bytes(&acting.log, topic, strlen(topic));
        put_bytes(&acting.log, payload, payload_size);
    }
    return acting.inner->publish(acting.inner->self, author, topic, payload, payload_size, sequence,
                                 error);
}

static int act_settle(void *self, struct ld_error *error)
{
    (void)self;
    return acting.inner->settle(acting.inner->self, error);
}

static int act_advance(void *self, int64_t time_us, struct ld_error *error)
{
    (void)self;
    if (acting.inputs < INPUTS_MAX && time_us > acting.now_us) {
        put_number(&acting.log, 3, 1);
        put_number(&acting.log, (uint64_t)(time_us - acting.now_us) / 60000000, 2);
    }
    acting.now_us = time_us;
    return acting.inner->advance(acting.inner->self, time_us, error);
}

/* The first event of each family. */
static void act_record(const struct ld_record *record, const struct picture_event *event,
                       const struct picture *picture, void *data)
{
    (void)event, (void)picture, (void)data;
    enum sv_family family = sv_family_of(record->topic, record->topic_size);
    if (family >= SV_TICK || (acting.families & SV_BIT(family)) || record->size > RECORD_MAX)
        return;
    acting.families |= SV_BIT(family);
    uint8_t *raw = malloc(record->size);
    fuzz_check(raw != NULL);
    ld_record_encode(raw, record);
    save("record", sv_family_name(family), raw, record->size);
    raw[0] = (uint8_t)family;
    if (record->payload_size > 0)
        memcpy(raw + 1, record->payload, record->payload_size);
    save("message", sv_family_name(family), raw, record->payload_size + 1);
    free(raw);
}

static void play(const char *name)
{
    char path[256];
    struct scenario *scenario;
    struct scenario_result result;
    struct ld_error error;
    snprintf(path, sizeof path, "%s/tests/scenarios/%s.yaml", LIANDONG_SOURCE_DIR, name);
    fuzz_check(scenario_read(ld_context_system(), path, &scenario, NULL, &error) == LD_OK);
    acting.inner = scenario_memory_open();
    acting.bus = (struct scenario_bus){
        .start = act_start, .publish = act_publish, .settle = act_settle, .advance = act_advance};
    acting.inputs = 0;
    ld_buffer_clear(&acting.log);
    struct scenario_options options = {
        .context = ld_context_system(), .bus = &acting.bus, .record = act_record};
    fuzz_check(scenario_run(scenario, &options, &result, &error) == LD_OK);
    save("services", name, acting.log.data, acting.log.size);
    scenario_memory_close(acting.inner);
    scenario_free(scenario);
}

/* ---- plans and scenarios as texts ---- */

static void copy(const char *target, const char *path, int first_byte)
{
    size_t size;
    char *text = fuzz_source(path, &size);
    struct ld_buffer bytes = {0};
    if (first_byte >= 0)
        put_number(&bytes, (uint64_t)first_byte, 1);
    ld_buffer_append(&bytes, text, size);
    save(target, strrchr(path, '/') + 1, bytes.data, bytes.size);
    ld_buffer_free(&bytes);
    free(text);
}

static void make_texts(void)
{
    static const char *const names[] = {"areas",    "channels", "hazards", "items",
                                        "measures", "reserves", "signs",   "units"};
    char path[128];
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof path, "tests/unit/data/plan/vocabulary/%s.yaml", names[i]);
        copy("plan", path, i);
    }
    copy("plan", "tests/unit/data/plan/sample.yaml", 8);
    copy("scenario", "tests/scenarios/supplies.yaml", -1);
    copy("scenario", "tests/scenarios/bad-replies.yaml", -1);
    copy("scenario", "tests/scenarios/bad-events.yaml", -1);
    copy("scenario", "tests/scenarios/poisoning.yaml", -1);
}

/* ---- the wire ---- */

static void say(struct ld_buffer *out, const struct wire_head *head, const void *body, size_t size)
{
    uint8_t raw[WIRE_HEAD_SIZE];
    wire_head_encode(raw, head);
    put_number(out, 4, 1); /* a message */
    put_number(out, 0, 1); /* of the first peer */
    put_number(out, size > 0 ? 2 : 1, 1);
    put_bytes(out, raw, sizeof raw);
    put_bytes(out, body, size);
    put_number(out, 0, 1); /* a turn of the loop */
}

static void publish(struct ld_buffer *out, uint64_t id, uint64_t producer_sequence)
{
    uint8_t raw[128];
    struct ld_record record = {.producer = ld_producer_id("a", 1),
                               .producer_sequence = producer_sequence,
                               .topic = "report/1/x",
                               .topic_size = 10,
                               .payload = (const uint8_t *)"hello",
                               .payload_size = 5};
    ld_record_encode(raw, &record);
    say(out, &(struct wire_head){WIRE_PUBLISH, id, 1, id - 1}, raw, ld_record_size(10, 5));
}

static void make_session(const char *name, uint64_t drill)
{
    struct ld_buffer out = {0};
    put_number(&out, drill, 1);
    say(&out, &(struct wire_head){WIRE_HELLO, 1, 0, 0}, "a", 1);
    say(&out, &(struct wire_head){WIRE_PRODUCER, 2, 7, 0}, "a", 1);
    say(&out, &(struct wire_head){WIRE_OPEN, 3, 0, 65536}, "report/>", 8);
    publish(&out, 4, 1);
    publish(&out, 5, 2);
    if (drill)
        say(&out, &(struct wire_head){WIRE_ADVANCE, 6, 300000000, 0}, NULL, 0);
    say(&out, &(struct wire_head){WIRE_CREDIT, 3, 100, 5}, NULL, 0);
    say(&out, &(struct wire_head){WIRE_STATUS, 7, 0, 0}, NULL, 0);
    say(&out, &(struct wire_head){WIRE_FIND, 8, 300000000, 0}, NULL, 0);
    say(&out, &(struct wire_head){WIRE_PING, 9, 0, 0}, NULL, 0);
    say(&out, &(struct wire_head){WIRE_CLOSE, 3, 0, 0}, NULL, 0);
    say(&out, &(struct wire_head){WIRE_GOODBYE, 10, 0, 0}, NULL, 0);
    save("router", name, out.data, out.size);
    ld_buffer_free(&out);
}

static void make_wire(void)
{
    uint8_t head[WIRE_HEAD_SIZE], welcome[WIRE_WELCOME_SIZE], run[WIRE_RUN_SIZE];
    wire_head_encode(head, &(struct wire_head){WIRE_PUBLISH, 3, 1, 2});
    save("wire", "head", head, sizeof head);
    wire_welcome_encode(welcome, &(struct wire_welcome){.first_sequence = 1, .heartbeat_ms = 1000});
    save("wire", "welcome", welcome, sizeof welcome);
    wire_run_encode(run, &(struct wire_run){.count = 2, .code = LD_OK, .first = 9});
    save("wire", "run", run, sizeof run);
    save("topic", "prefix", "warning/33*/>\0warning/330302/x", 30);
    save("topic", "other", "duty/33*\0duty/4403/x", 20);
    save("topic", "behind", "duty/33*\0duty/4403", 18);
    save("topic", "same", "duty/3303\0duty/33030", 20);
}

/* ---- changes to files ---- */

static void make_changes(void)
{
    static const uint8_t flip[] = {0, 1, 0x40, 0x20, 0, 4, 0, 1, 2, 3, 4},
                         fixed[] = {0, 0, 0x18, 0x10, 0, 1, 0, 9, 5, 0}, cut[] = {1, 1, 0, 0x40, 0},
                         gone[] = {2, 0}, moved[] = {3, 1, 0, 0x20, 0, 0, 0x30, 0, 0, 4},
                         put[] = {4, 9, 0, 4, 0, 'L', 'D', 'S', '1'},
                         state[] = {0x10, 0, 0, 2, 0, 1, 2};
    save("log", "flip", flip, sizeof flip);
    save("log", "fixed", fixed, sizeof fixed);
    save("log", "cut", cut, sizeof cut);
    save("log", "gone", gone, sizeof gone);
    save("log", "moved", moved, sizeof moved);
    save("log", "put", put, sizeof put);
    save("snapshot", "patch", state, sizeof state);
    save("snapshot", "whole", "", 0);
}

static void make_status(void)
{
    static const char status[] =
        "{\"sessions\":[{\"identity\":\"grading\",\"silent_ms\":12}],\"streams\":[{\"identity\":"
        "\"duty#3303.health\",\"lag\":3,\"state\":\"at-head\"}],\"counters\":{},\"head\":9}";
    save("status", "status", status, sizeof status - 1);
}

/* An answer as fuzz_client reads it: to what was asked last. */
static void answer(struct ld_buffer *out, enum wire_operation operation, uint8_t a, uint8_t b,
                   const void *body, size_t size)
{
    put_number(out, 7, 1);
    put_number(out, (uint64_t)operation - 1, 1);
    put_number(out, 0, 1);
    put_number(out, a, 1);
    put_number(out, b, 1);
    if (operation == WIRE_WELCOME)
        ld_buffer_append(out, body, size);
    else
        put_bytes(out, body, size);
    put_number(out, 0, 1); /* a turn of the loop */
}

/* A session in which everything is answered well. */
static void make_answers(void)
{
    static const uint8_t welcome[] = {0, 0, 2, 0, 0, 1, 0xe8, 3, 0, 0, 9};
    struct ld_buffer out = {0};
    uint8_t run[WIRE_RUN_SIZE], raw[128];
    struct ld_record record = {
        .sequence = 2, .producer = 5, .producer_sequence = 1, .topic = "t/1", .topic_size = 3};
    wire_run_encode(run, &(struct wire_run){.count = 1, .code = LD_OK, .first = 4});
    ld_record_encode(raw, &record);
    put_number(&out, 0, 2); /* confirms by itself; a turn */
    answer(&out, WIRE_WELCOME, 7, 3, welcome, sizeof welcome);
    answer(&out, WIRE_PRODUCER_OK, 0, 0, NULL, 0);
    put_number(&out, 3, 3); /* publishes */
    put_number(&out, 0, 1);
    answer(&out, WIRE_RESULT, 4, 1, run, sizeof run);
    answer(&out, WIRE_OPENED, 1, 3, NULL, 0);
    answer(&out, WIRE_CHUNK, 1, 2, raw, ld_record_size(3, 0));
    save("client", "session", out.data, out.size);
    put_number(&out, 3, 3);
    put_number(&out, 0, 1);
    answer(&out, WIRE_RESULT, 5, 16, run, sizeof run); /* says more than it has */
    save("client", "short-result", out.data, out.size);
    ld_buffer_free(&out);
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: fuzz_make_corpus FOLDER\n");
        return 2;
    }
    folder = arguments[1];
    mkdir(folder, 0777);
    play("poisoning");
    play("supplies");
    play("bad-reports");
    play("bad-decisions");
    play("bad-replies");
    make_texts();
    make_session("session", 0);
    make_session("drill", 1);
    make_wire();
    make_changes();
    make_status();
    make_answers();
    return 0;
}
