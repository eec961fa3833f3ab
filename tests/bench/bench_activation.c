/*
 * T7: from a decision to the last order of the last unit, durable and delivered, with the router
 * and all services as separate processes. Connects to a running drill (tests/bench/run starts one),
 * opens one incident per round (an occupational poisoning counts by itself), takes it through
 * proposal and assessment, and times the city government's decision to the last order.
 *
 *     bench_activation ENDPOINT PLAN.yaml ROUNDS DIRECTORY FORM
 *
 * DIRECTORY: on the log's disk, for the bare figure beside it; FORM: how duty runs, to be printed.
 */
#include <liandong.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include "acting.h"
#include "bench.h"
#include "liandong/v1/command.pb-c.h"
#include "liandong/v1/report.pb-c.h"

#define CITY   "3303"
#define COUNTY "330302"

enum { ACTORS = 4, ROUNDS_MAX = 1000, BARE_ROUNDS = 300, HOPS = 3 };
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

static void on_ready(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    (void)producer, (void)last;
    struct bench *bench = data;
    if (code != LD_OK) {
        bench_die("producer", ld_code_text(code));
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
            bench_die("open", error.text);
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
        bench_die("stream", error.text);
    }
    while (bench->ready < ACTORS) {
        uv_run(&bench->loop, UV_RUN_ONCE);
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

static void report(struct bench *bench, int round)
{
    char id[48];
    snprintf(id, sizeof id, "bench-%d-%lld", round, (long long)bench->time_us);
    struct acting_report report = {.unit = ACTOR[0],
                                   .county = COUNTY,
                                   .id = id,
                                   .measure = "cases",
                                   .value = 60,
                                   .time_us = bench->time_us};
    acting_report(bench->producer[0], &report);
}

static void decide(struct bench *bench, int actor, int act)
{
    acting_decide(bench->producer[actor], ACTOR[actor], CITY, bench->incident, act);
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
    int64_t start_ns = bench_now_ns();
    decide(bench, 3, PLAN_DECIDE);
    while (bench->orders < bench->orders_expected) {
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
    return bench_now_ns() - start_ns;
}

/* The limit: decision, response and orders are each synced and cross libzmq there and back. */
static double bare_us(const char *directory)
{
    return HOPS * (bare_sync(directory, BARE_ROUNDS).p50_us + bare_round_trip(BARE_ROUNDS).p50_us);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    static int64_t taken_ns[ROUNDS_MAX];
    if (argc != 6)
        bench_die("usage", "bench_activation ENDPOINT PLAN.yaml ROUNDS DIRECTORY FORM");
    struct plan *plan = acting_plan(argv[2]);
    int rounds = (int)strtol(argv[3], NULL, 10);
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    bench.orders_expected = acting_orders(plan, COUNTY);
    uv_loop_init(&bench.loop);
    open_all(&bench, argv[1]);
    struct ld_client_state state;
    ld_client_get_state(bench.client[0], &state);
    bench.time_us = state.router_time_us;
    for (int round = -1; round < rounds; round++) /* the first is a warm-up */
        taken_ns[round < 0 ? 0 : round] = one_round(&bench, round);
    struct latency taken = bench_latency(taken_ns, (size_t)rounds);
    double bare = bare_us(argv[4]);
    printf("T7  activation to all %zu orders of %zu units, %s, %d rounds: p50 %.2f ms, p99 %.2f ms "
           "(target p99 10 ms); bare %.2f ms, %.1f x\n",
           bench.orders_expected, plan->member_count, argv[5], rounds, taken.p50_us / 1e3,
           taken.p99_us / 1e3, bare / 1e3, taken.p50_us / bare);
    plan_free(plan);
    return 0;
}
