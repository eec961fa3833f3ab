/*
 * T7: from a decision to the last order of the last unit, durable and delivered, with the router
 * and all services as separate processes. Connects to a running drill (tests/bench/run starts one),
 * opens one incident per round (an occupational poisoning counts by itself), takes it through
 * proposal and assessment, and times the city government's decision to the last order.
 *
 *     bench_activation ENDPOINT PLAN.yaml ROUNDS
 */
#include <liandong.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>
#include "context.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/duty.pb-c.h"
#include "liandong/v1/report.pb-c.h"
#include "plan/plan.h"

#define HAZARD "poisoning.occupational"
#define COUNTY "330302"

enum { ACTORS = 4, ROUNDS_MAX = 1000 };
static const char *const ACTOR[ACTORS] = {"330302.health", "3303.health", "3303.health-experts",
                                          "3303.gov"};

struct bench {
    uv_loop_t loop;
    struct ld_client *client[ACTORS];
    struct ld_producer *producer[ACTORS];
    int ready;
    char incident[128];
    size_t orders, orders_expected;
    int waits_for; /* response state */
    bool arrived;
    int64_t time_us;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_activation: %s: %s\n", what, why);
    exit(1);
}

static int64_t now_ns(void)
{
    return (int64_t)uv_hrtime();
}

static void on_ready(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    (void)producer, (void)last;
    struct bench *bench = data;
    if (code != LD_OK) {
        die("producer", ld_code_text(code));
    }
    bench->ready++;
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    (void)stream;
    struct bench *bench = data;
    bench->time_us = record->time_us;
    if (memcmp(record->topic, "incident/", 9) == 0) {
        Liandong__V1__Incident *incident =
            liandong__v1__incident__unpack(NULL, record->payload_size, record->payload);
        if (incident != NULL && incident->action == LIANDONG__V1__INCIDENT__ACTION__OPENED) {
            snprintf(bench->incident, sizeof bench->incident, "%s", incident->context->incident);
        }
        liandong__v1__incident__free_unpacked(incident, NULL);
    } else if (memcmp(record->topic, "grade/", 6) == 0) {
        bench->arrived = bench->arrived || bench->waits_for == 0;
    } else if (memcmp(record->topic, "response/", 9) == 0) {
        Liandong__V1__Response *response =
            liandong__v1__response__unpack(NULL, record->payload_size, record->payload);
        if (response != NULL && (int)response->state == bench->waits_for) {
            bench->arrived = true;
        }
        liandong__v1__response__free_unpacked(response, NULL);
    } else if (memcmp(record->topic, "duty/", 5) == 0) {
        bench->orders++;
    }
}

static void on_published(const struct ld_published *published, void *data)
{
    (void)data;
    if (published->code != LD_OK && published->code != LD_DUPLICATE) {
        die("publish", published->reason);
    }
}

static void open_all(struct bench *bench, const char *endpoint)
{
    static const char *const FILTERS[] = {"incident/>", "grade/>", "response/>", "duty/>"};
    struct ld_error error;
    struct ld_stream *stream;
    for (int i = 0; i < ACTORS; i++) {
        struct ld_client_options options;
        ld_client_options_init(&options);
        options.endpoint = endpoint;
        options.identity = ACTOR[i];
        options.loop = &bench->loop;
        if (ld_client_open(&options, &bench->client[i], &error) != LD_OK ||
            ld_producer_open(bench->client[i], ACTOR[i], on_ready, bench, &bench->producer[i],
                             &error) != LD_OK) {
            die("open", error.text);
        }
    }
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.from = LD_FROM_NOW;
    options.filters = FILTERS;
    options.filter_count = sizeof FILTERS / sizeof *FILTERS;
    options.event = on_event;
    options.data = bench;
    if (ld_stream_open(bench->client[0], &options, &stream, &error) != LD_OK) {
        die("stream", error.text);
    }
    while (bench->ready < ACTORS) {
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
}

static void publish(struct bench *bench, int actor, const char *topic,
                    const ProtobufCMessage *message)
{
    uint8_t payload[1024];
    struct ld_error error;
    struct ld_event event = {.topic = topic,
                             .payload = payload,
                             .payload_size = protobuf_c_message_pack(message, payload)};
    if (ld_publish(bench->producer[actor], &event, on_published, NULL, &error) != LD_OK) {
        die(topic, error.text);
    }
}

static void wait_for(struct bench *bench, int state)
{
    bench->waits_for = state;
    bench->arrived = false;
    while (!bench->arrived) {
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
}

static char *text(const char *constant)
{
    union {
        const char *constant;
        char *plain;
    } either = {constant};
    return either.plain;
}

static void report(struct bench *bench, int round)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Report message = LIANDONG__V1__REPORT__INIT;
    Liandong__V1__Measure cases = LIANDONG__V1__MEASURE__INIT, *measures[] = {&cases};
    char id[32];
    snprintf(id, sizeof id, "bench-%d-%lld", round, (long long)bench->time_us);
    context.author = text(ACTOR[0]);
    message.context = &context;
    message.id = id;
    message.kind = LIANDONG__V1__REPORT__KIND__INITIAL;
    message.means = LIANDONG__V1__REPORT__MEANS__WRITTEN;
    message.area = text(COUNTY);
    message.hazard = text(HAZARD);
    message.occurred_at_us = message.received_at_us = bench->time_us;
    cases.measure = text("cases");
    cases.value = 60;
    message.measures = measures;
    message.n_measures = 1;
    publish(bench, 0, "report/" COUNTY "/" HAZARD "/330302.health", &message.base);
}

static void decide(struct bench *bench, int actor, int act)
{
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__Decision message = LIANDONG__V1__DECISION__INIT;
    char topic[256];
    context.author = text(ACTOR[actor]);
    context.incident = bench->incident;
    message.context = &context;
    message.act = (Liandong__V1__Decision__Act)act;
    message.level = LIANDONG__V1__LEVEL__LEVEL_II;
    message.area = text("3303");
    message.in_favour = true;
    snprintf(topic, sizeof topic, "decision/3303/%s/%s", bench->incident, ACTOR[actor]);
    publish(bench, actor, topic, &message.base);
}

/* Nanoseconds from the decision to the last order. */
static int64_t one_round(struct bench *bench, int round)
{
    report(bench, round);
    wait_for(bench, 0);
    decide(bench, 1, PLAN_PROPOSE);
    wait_for(bench, LIANDONG__V1__RESPONSE__STATE__PROPOSED);
    decide(bench, 2, PLAN_ASSESS);
    wait_for(bench, LIANDONG__V1__RESPONSE__STATE__ASSESSED);
    bench->orders = 0;
    int64_t start_ns = now_ns();
    decide(bench, 3, PLAN_DECIDE);
    while (bench->orders < bench->orders_expected) {
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
    return now_ns() - start_ns;
}

static bool applies(const struct plan *plan, const struct plan_member *member,
                    const struct plan_duty *duty, size_t hazard)
{
    bool affected = strcmp(plan->units[member->unit].area, COUNTY) == 0;
    if (duty->areas != PLAN_AREAS_ALL && (duty->areas == PLAN_AREAS_AFFECTED) != affected) {
        return false;
    }
    bool concerns = duty->hazard_count == 0;
    for (size_t i = 0; i < duty->hazard_count; i++) {
        concerns = concerns || duty->hazards[i] == hazard;
    }
    return concerns && duty->sign_count == 0 && plan_level_reaches(PLAN_II, (int)duty->from);
}

static size_t expected_orders(const char *path, size_t *units)
{
    struct plan_bundle bundle;
    struct plan *plan;
    struct ld_error error;
    size_t orders = 0;
    if (plan_bundle_read(ld_context_system(), path, &bundle, &error) != LD_OK ||
        plan_load(bundle.files, bundle.count, &plan, NULL, &error) != LD_OK) {
        die(path, error.text);
    }
    size_t hazard = (size_t)plan_find_hazard(plan, HAZARD);
    for (size_t m = 0; m < plan->member_count; m++) {
        for (size_t d = 0; d < plan->members[m].duty_count; d++) {
            orders +=
                applies(plan, &plan->members[m], &plan->duties[plan->members[m].duties[d]], hazard);
        }
    }
    *units = plan->member_count;
    plan_free(plan);
    plan_bundle_free(&bundle);
    return orders;
}

static int by_size(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static int64_t taken_ns[ROUNDS_MAX];
    if (argc != 4) {
        die("usage", "bench_activation ENDPOINT PLAN.yaml ROUNDS");
    }
    size_t units;
    int rounds = (int)strtol(argv[3], NULL, 10);
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    bench.orders_expected = expected_orders(argv[2], &units);
    uv_loop_init(&bench.loop);
    open_all(&bench, argv[1]);
    struct ld_client_state state;
    ld_client_get_state(bench.client[0], &state);
    bench.time_us = state.router_time_us;
    for (int round = -1; round < rounds; round++) { /* the first is a warm-up */
        taken_ns[round < 0 ? 0 : round] = one_round(&bench, round);
    }
    qsort(taken_ns, (size_t)rounds, sizeof *taken_ns, by_size);
    printf("T7  activation to all orders durable: %zu units, %zu orders, %d rounds: "
           "p50 %.2f ms, p99 %.2f ms, max %.2f ms (target p99 10 ms)\n",
           units, bench.orders_expected, rounds, (double)taken_ns[rounds / 2] / 1e6,
           (double)taken_ns[rounds * 99 / 100] / 1e6, (double)taken_ns[rounds - 1] / 1e6);
    return 0;
}
