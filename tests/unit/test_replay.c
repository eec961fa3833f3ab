/*
 * Replay over a real log on disk: the cores' outputs as they are, and with one byte changed, one
 * event left out, one too many, and the tail not yet written.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "evlog/evlog.h"
#include "plan/plan.h"
#include "replay/replay.h"
#include "timefmt.h"

#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/plan.pb-c.h"
#include "liandong/v1/report.pb-c.h"

/* What the services of this log do wrong; 0: nothing. Outputs are counted from 1. */
struct fault {
    unsigned change, leave_out, stop_after;
    const char *extra_producer;
};

struct world {
    char directory[40];
    struct evlog *log;
    struct sv_host *host;
    struct fault fault;
    unsigned outputs;
    int64_t now_us;
    uint64_t input_sequence;
};

static const struct ld_context *context(void)
{
    return ld_context_system();
}

/* ---- writing a log as router and services would ---- */

static void stage(struct world *world, const struct ld_record *record)
{
    uint8_t *raw = malloc(ld_record_size(record->topic_size, record->payload_size));
    uint64_t sequence;
    assert_non_null(raw);
    ld_record_encode(raw, record);
    assert_ok(evlog_stage(world->log, raw, world->now_us, record->flags, &sequence, &test_error));
    free(raw);
}

static void stage_output(struct world *world, const struct sv_output *output)
{
    uint8_t *payload = malloc(output->payload_size + 1);
    assert_non_null(payload);
    memcpy(payload, output->payload, output->payload_size);
    struct ld_record record = {.producer = output->producer_id,
                               .producer_sequence = output->producer_sequence,
                               .topic = output->topic,
                               .topic_size = (uint16_t)strlen(output->topic),
                               .payload = payload,
                               .payload_size = (uint32_t)output->payload_size,
                               .flags = output->flags};
    unsigned number = ++world->outputs;
    if (number == world->fault.change)
        payload[output->payload_size / 2] ^= 1;
    bool stopped = world->fault.stop_after > 0 && number > world->fault.stop_after;
    if (number != world->fault.leave_out && !stopped)
        stage(world, &record);
    free(payload);
}

/* Everything logged is applied, and what follows is logged, until nothing is left. */
static void follow(struct world *world)
{
    for (;;) {
        struct evlog_span span;
        struct ld_record record;
        assert_ok(evlog_commit(world->log, &test_error));
        uint64_t next = sv_host_position(world->host) + 1;
        if (next > evlog_durable(world->log))
            return;
        assert_ok(evlog_read(world->log, next, 1, &span, &test_error));
        assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
        assert_ok(sv_host_apply(world->host, &record, &test_error));
        for (size_t i = 0; i < sv_host_output_count(world->host); i++)
            stage_output(world, sv_host_output(world->host, i));
        evlog_span_release(&span);
    }
}

static void publish(struct world *world, const char *producer, const char *topic,
                    const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    uint8_t *payload = malloc(size + 1);
    assert_non_null(payload);
    protobuf_c_message_pack(message, payload);
    struct ld_record record = {.producer = ld_producer_id(producer, strlen(producer)),
                               .producer_sequence = ++world->input_sequence,
                               .topic = topic,
                               .topic_size = (uint16_t)strlen(topic),
                               .payload = payload,
                               .payload_size = (uint32_t)size,
                               .flags = LD_RECORD_EXERCISE};
    stage(world, &record);
    free(payload);
    follow(world);
}

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

static void adopt(struct world *world)
{
    struct plan_bundle bundle = {0};
    struct plan *plan = NULL;
    assert_ok(plan_bundle_read(context(), LIANDONG_SOURCE_DIR "/plans/wenzhou-phe.yaml", &bundle,
                               &test_error));
    assert_ok(plan_load(bundle.files, bundle.count, &plan, NULL, &test_error));
    Liandong__V1__Context about = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__PlanAdoption adoption = LIANDONG__V1__PLAN_ADOPTION__INIT;
    Liandong__V1__PlanAdoption__File *files = calloc(bundle.count, sizeof *files);
    Liandong__V1__PlanAdoption__File **list = calloc(bundle.count, sizeof *list);
    assert_true(files != NULL && list != NULL);
    for (size_t i = 0; i < bundle.count; i++) {
        liandong__v1__plan_adoption__file__init(&files[i]);
        files[i].name = text(bundle.files[i].name);
        files[i].content.data = (uint8_t *)text(bundle.files[i].content);
        files[i].content.len = bundle.files[i].size;
        list[i] = &files[i];
    }
    about.author = text("operator");
    about.plan = text(plan->id);
    about.plan_hash = plan->hash;
    adoption.context = &about;
    adoption.files = list;
    adoption.n_files = bundle.count;
    publish(world, "operator", "plan/wenzhou-phe", &adoption.base);
    free(list);
    free(files);
    plan_free(plan);
    plan_bundle_free(&bundle);
}

static void report(struct world *world, const char *id, double cases)
{
    Liandong__V1__Context about = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Measure measure = LIANDONG__V1__MEASURE__INIT, *measures[] = {&measure};
    Liandong__V1__Report message = LIANDONG__V1__REPORT__INIT;
    about.author = text("330302.health");
    measure.measure = text("cases");
    measure.value = cases;
    message.context = &about;
    message.id = text(id);
    message.kind = LIANDONG__V1__REPORT__KIND__INITIAL;
    message.means = LIANDONG__V1__REPORT__MEANS__TELEPHONE;
    message.area = text("330302");
    message.hazard = text("cholera");
    message.occurred_at_us = message.received_at_us = world->now_us;
    message.measures = measures;
    message.n_measures = 1;
    publish(world, "330302.health", "report/330302/cholera/330302.health", &message.base);
}

static void write_log(struct world *world, struct fault fault)
{
    struct evlog_options options;
    *world = (struct world){.directory = "/tmp/liandong-replay-XXXXXX", .fault = fault};
    world->now_us = 1772420400 * LD_US_SECOND;
    assert_non_null(mkdtemp(world->directory));
    evlog_options_init(&options);
    options.drill = true;
    options.writer_thread = false;
    options.segment_bytes = 4 << 20;
    assert_ok(evlog_open(context(), world->directory, &options, &world->log, NULL, &test_error));
    world->host = sv_host_open();
    sv_host_add_all(world->host);
    adopt(world);
    report(world, "one", 12);
    world->now_us += LD_US_HOUR;
    if (fault.extra_producer != NULL) {
        struct ld_record extra = {
            .producer = ld_producer_id(fault.extra_producer, strlen(fault.extra_producer)),
            .producer_sequence = evlog_staged(world->log) << 16 | 0x8001,
            .topic = "grade/3303/invented",
            .topic_size = 19,
            .flags = LD_RECORD_EXERCISE};
        stage(world, &extra);
        follow(world);
    }
    report(world, "two", 40);
    sv_host_close(world->host);
    evlog_close(world->log);
}

static int remove_one(const char *name, void *data)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", (const char *)data, name);
    return context()->files.remove(context()->self, path, &test_error);
}

static void clean(struct world *world)
{
    (void)context()->files.list(context()->self, world->directory, remove_one, world->directory,
                                &test_error);
    (void)rmdir(world->directory);
}

/* ---- replaying it ---- */

struct seen {
    int kinds[3];
    char producer[40], topic[120];
    bool both;
};

static void see(const struct replay_difference *difference, void *data)
{
    struct seen *seen = data;
    const struct ld_record *record =
        difference->logged != NULL ? difference->logged : difference->derived;
    seen->kinds[difference->kind]++;
    seen->both = difference->logged != NULL && difference->derived != NULL;
    snprintf(seen->producer, sizeof seen->producer, "%s", difference->producer);
    snprintf(seen->topic, sizeof seen->topic, "%.*s", (int)record->topic_size, record->topic);
}

static struct replay_counts replay_log(struct world *world, struct seen *seen)
{
    struct evlog_options options;
    struct evlog *log = NULL;
    struct replay_counts counts;
    struct sv_host *host = sv_host_open();
    sv_host_add_all(host);
    *seen = (struct seen){0};
    struct replay *replay = replay_open(host, see, seen);
    evlog_options_init(&options);
    options.read_only = true;
    options.writer_thread = false;
    assert_ok(evlog_open(context(), world->directory, &options, &log, NULL, &test_error));
    for (uint64_t next = evlog_first(log); next <= evlog_durable(log); next++) {
        struct evlog_span span;
        struct ld_record record;
        assert_ok(evlog_read(log, next, 1, &span, &test_error));
        assert_ok(ld_record_decode(span.data, span.size, &record, &test_error));
        assert_ok(replay_take(replay, &record, &test_error));
        evlog_span_release(&span);
    }
    replay_get_counts(replay, &counts);
    evlog_close(log);
    replay_close(replay);
    sv_host_close(host);
    clean(world);
    return counts;
}

static struct replay_counts written_and_replayed(struct fault fault, struct seen *seen)
{
    struct world world;
    write_log(&world, fault);
    return replay_log(&world, seen);
}

static void test_as_logged(void **state)
{
    struct seen seen;
    (void)state;
    struct replay_counts counts = written_and_replayed((struct fault){0}, &seen);
    assert_true(counts.same > 8);
    assert_int_equal(counts.different + counts.missing + counts.unknown + counts.pending, 0);
    assert_int_equal(counts.records, counts.inputs + counts.same);
}

static void test_one_byte_changed(void **state)
{
    struct seen seen;
    (void)state;
    /* The last one: a change further up would change what follows, too. */
    struct replay_counts good = written_and_replayed((struct fault){0}, &seen);
    struct replay_counts counts =
        written_and_replayed((struct fault){.change = (unsigned)good.same}, &seen);
    assert_int_equal(counts.different, 1);
    assert_int_equal(counts.same, good.same - 1);
    assert_int_equal(counts.missing + counts.unknown + counts.pending, 0);
    assert_true(seen.both);
}

static void test_one_left_out(void **state)
{
    struct seen seen;
    (void)state;
    struct replay_counts counts = written_and_replayed((struct fault){.leave_out = 2}, &seen);
    assert_int_equal(counts.missing, 1); /* a receipt: later ones of its service are there */
    assert_int_equal(seen.kinds[REPLAY_MISSING], 1);
    assert_int_equal(counts.different + counts.unknown, 0);
}

static void test_one_too_many(void **state)
{
    struct seen seen;
    (void)state;
    struct replay_counts counts =
        written_and_replayed((struct fault){.extra_producer = "grading"}, &seen);
    assert_int_equal(counts.unknown, 1);
    assert_string_equal(seen.producer, "grading");
    assert_string_equal(seen.topic, "grade/3303/invented");
    assert_int_equal(counts.different + counts.missing, 0);
    counts = written_and_replayed((struct fault){.extra_producer = "3303.health"}, &seen);
    assert_int_equal(counts.unknown, 0); /* not a service: an input like any other */
}

static void test_tail_not_yet_logged(void **state)
{
    struct seen seen;
    (void)state;
    struct replay_counts good = written_and_replayed((struct fault){0}, &seen);
    struct replay_counts counts =
        written_and_replayed((struct fault){.stop_after = (unsigned)good.same - 2}, &seen);
    assert_true(counts.pending > 0);
    assert_int_equal(counts.different + counts.missing + counts.unknown, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_logged),           cmocka_unit_test(test_one_byte_changed),
        cmocka_unit_test(test_one_left_out),        cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_tail_not_yet_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
