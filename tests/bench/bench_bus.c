/*
 * T1 to T4: the bus as a client sees it, through the router as a process of its own, beside the
 * bare disk and libzmq in the same run. Rounds are interleaved (ours, bare, ours, bare, …); the
 * table shows medians.
 *
 *     bench_bus [--router PROGRAM] [--directory DIR] [--rounds N] [--events N] [--json]
 */
#include <liandong.h>

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>
#include "bench.h"

enum {
    ROUNDS_MAX = 50,
    SINGLE_EVENTS = 2000,
    PACED_EVENTS = 1000,
    PATH_SIZE = 4096,
    PHASE_SECONDS = 120
};
#define WAIT_US 60000000

struct router {
    pid_t pid;
    FILE *output;
    char endpoint[128];
    char directory[PATH_SIZE];
};

struct publisher {
    struct ld_client *client;
    struct ld_producer *producer;
    size_t answered, target;
    int failures;
};

struct round {
    double t1, t1_syncs, t1_bare, t3, t3_bare, t3_apart, t4;
    struct latency t2, t2_sync, t2_trip, t3_paced, t3_paced_bare, t3_paced_apart;
};

struct bench {
    const char *program, *directory;
    size_t rounds, events;
    bool json;
    struct router router;
    struct round results[ROUNDS_MAX];
};

/* ---- the router ---- */

static void exec_router(const struct bench *bench, const struct router *router,
                        const int pipe_fd[2])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipe_fd[1], STDOUT_FILENO);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    execl(bench->program, bench->program, "--data", router->directory, "--endpoint",
          "tcp://127.0.0.1:*", (char *)NULL);
    bench_die(bench->program, strerror(errno));
}

static void router_start(const struct bench *bench, struct router *router)
{
    int pipe_fd[2];
    char line[PATH_SIZE];
    snprintf(router->directory, sizeof router->directory, "%s/bench-bus-XXXXXX", bench->directory);
    if (!mkdtemp(router->directory) || pipe(pipe_fd) != 0)
        bench_die(router->directory, strerror(errno));
    router->pid = fork();
    if (router->pid == 0)
        exec_router(bench, router, pipe_fd);
    close(pipe_fd[1]);
    router->output = fdopen(pipe_fd[0], "r");
    if (!router->output || !fgets(line, sizeof line, router->output) ||
        sscanf(line, "ready %127s", router->endpoint) != 1)
        bench_die(bench->program, "did not get ready");
}

static void router_stop(struct router *router)
{
    char command[PATH_SIZE + 16];
    kill(router->pid, SIGTERM);
    waitpid(router->pid, NULL, 0);
    fclose(router->output);
    snprintf(command, sizeof command, "rm -rf '%s'", router->directory);
    if (system(command) != 0)
        fprintf(stderr, "bench_bus: %s is left behind\n", router->directory);
}

/* ---- publishing ---- */

static void on_published(const struct ld_published *published, void *data)
{
    struct publisher *publisher = data;
    if (published->code != LD_OK && publisher->failures++ == 0)
        fprintf(stderr, "bench_bus: refused: %s\n", published->reason);
    if (++publisher->answered >= publisher->target)
        ld_client_stop(publisher->client);
}

static void on_producer(struct ld_producer *producer, int code, uint64_t last, void *data)
{
    (void)producer;
    (void)last;
    struct publisher *publisher = data;
    if (code != LD_OK)
        bench_die("producer", ld_code_text(code));
    ld_client_stop(publisher->client);
}

static void publisher_open(struct publisher *publisher, const char *endpoint)
{
    struct ld_client_options options;
    struct ld_error error;
    *publisher = (struct publisher){.answered = 0};
    ld_client_options_init(&options);
    options.endpoint = endpoint;
    options.identity = "bench";
    if (ld_client_open(&options, &publisher->client, &error) != LD_OK ||
        ld_client_wait_up(publisher->client, WAIT_US, &error) != LD_OK ||
        ld_producer_open(publisher->client, "bench", on_producer, publisher, &publisher->producer,
                         &error) != LD_OK)
        bench_die(endpoint, error.text);
    if (ld_client_run(publisher->client, WAIT_US) != LD_OK)
        bench_die(endpoint, "the producer was not answered");
}

/* Runs until so many are answered. */
static void publisher_wait(struct publisher *publisher, size_t target)
{
    publisher->target = target;
    while (publisher->answered < target)
        if (ld_client_run(publisher->client, WAIT_US) != LD_OK)
            bench_die("publish", "no answer");
}

/* LD_OK or LD_BUSY. The payload begins with the time. */
static int publish(struct publisher *publisher)
{
    struct ld_error error;
    char payload[BENCH_PAYLOAD_BYTES] = {0};
    int64_t now_ns = bench_now_ns();
    memcpy(payload, &now_ns, sizeof now_ns);
    struct ld_event event = {
        .topic = "bench/3303/x", .payload = payload, .payload_size = sizeof payload};
    int code = ld_publish(publisher->producer, &event, on_published, publisher, &error);
    if (code != LD_OK && code != LD_BUSY)
        bench_die("publish", error.text);
    return code;
}

static void publish_pipelined(struct publisher *publisher, size_t count)
{
    size_t start = publisher->answered, sent = 0;
    while (sent < count) {
        if (publish(publisher) == LD_OK)
            sent++;
        else
            publisher_wait(publisher, start + (publisher->answered - start + sent) / 2);
        if (sent % 1024 == 0)
            ld_client_run(publisher->client, 0);
    }
    publisher_wait(publisher, start + count);
}

struct question {
    struct ld_client *client;
    double syncs;
};

static void on_status(int code, const char *json, void *data)
{
    struct question *question = data;
    const char *at = code == LD_OK ? strstr(json, "\"syncs\":") : NULL;
    if (at)
        question->syncs = strtod(at + strlen("\"syncs\":"), NULL);
    ld_client_stop(question->client);
}

static double ask_syncs(struct publisher *publisher)
{
    struct question question = {publisher->client, -1};
    struct ld_error error;
    if (ld_client_status(publisher->client, on_status, &question, &error) != LD_OK ||
        ld_client_run(publisher->client, WAIT_US) != LD_OK || question.syncs < 0)
        bench_die("status", "no answer");
    return question.syncs;
}

static void measure_t1(const struct bench *bench, struct publisher *publisher, struct round *round)
{
    double syncs = ask_syncs(publisher);
    int64_t start_ns = bench_now_ns();
    publish_pipelined(publisher, bench->events);
    round->t1 = (double)bench->events / ((double)(bench_now_ns() - start_ns) / 1e9);
    round->t1_syncs = (ask_syncs(publisher) - syncs) / (double)bench->events;
}

static void measure_t2(struct publisher *publisher, struct round *round)
{
    static int64_t times_ns[SINGLE_EVENTS];
    for (size_t i = 0; i < SINGLE_EVENTS; i++) {
        int64_t start_ns = bench_now_ns();
        if (publish(publisher) != LD_OK)
            bench_die("publish", "busy");
        publisher_wait(publisher, publisher->answered + 1);
        times_ns[i] = bench_now_ns() - start_ns;
    }
    round->t2 = bench_latency(times_ns, SINGLE_EVENTS);
}

/* ---- consuming: clients on one loop in a thread of their own ---- */

struct consumers {
    const char *endpoint;
    size_t count;
    uint64_t from;
    size_t events; /* each */
    int64_t *times_ns;
    struct ld_client *clients[BENCH_CONSUMERS];
    size_t heard, opened;
    int64_t done_ns;
    uv_loop_t loop;
    pthread_t thread;
    pthread_barrier_t ready;
};

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    (void)stream;
    (void)from;
    (void)head;
    struct consumers *consumers = data;
    if (++consumers->opened == consumers->count)
        pthread_barrier_wait(&consumers->ready);
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    (void)stream;
    struct consumers *consumers = data;
    int64_t sent_ns;
    if (record->payload_size != BENCH_PAYLOAD_BYTES)
        return; /* the router's and the log's own */
    memcpy(&sent_ns, record->payload, sizeof sent_ns);
    if (consumers->times_ns)
        consumers->times_ns[consumers->heard] = bench_now_ns() - sent_ns;
    if (++consumers->heard < consumers->count * consumers->events)
        return;
    consumers->done_ns = bench_now_ns();
    for (size_t i = 0; i < consumers->count; i++)
        ld_client_close(consumers->clients[i], NULL, NULL);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    (void)data;
    bench_die("stream", error->text);
}

static void consumer_open(struct consumers *consumers, size_t index)
{
    struct ld_client_options client;
    struct ld_stream_options stream;
    struct ld_stream *opened;
    struct ld_error error;
    ld_client_options_init(&client);
    client.endpoint = consumers->endpoint;
    client.identity = "consumer";
    client.loop = &consumers->loop;
    ld_stream_options_init(&stream);
    stream.from = consumers->from;
    stream.opened = on_opened;
    stream.event = on_event;
    stream.failed = on_failed;
    stream.data = consumers;
    if (ld_client_open(&client, &consumers->clients[index], &error) != LD_OK ||
        ld_stream_open(consumers->clients[index], &stream, &opened, &error) != LD_OK)
        bench_die("consumer", error.text);
}

static void *consume(void *data)
{
    struct consumers *consumers = data;
    uv_loop_init(&consumers->loop);
    for (size_t i = 0; i < consumers->count; i++)
        consumer_open(consumers, i);
    uv_run(&consumers->loop, UV_RUN_DEFAULT);
    uv_loop_close(&consumers->loop);
    return NULL;
}

static void consumers_start(struct consumers *consumers)
{
    pthread_barrier_init(&consumers->ready, NULL, 2);
    pthread_create(&consumers->thread, NULL, consume, consumers);
    pthread_barrier_wait(&consumers->ready);
}

static void consumers_finish(struct consumers *consumers)
{
    pthread_join(consumers->thread, NULL);
    pthread_barrier_destroy(&consumers->ready);
}

static void measure_t3(const struct bench *bench, struct publisher *publisher, struct round *round)
{
    size_t events = bench->events / 5;
    struct consumers consumers = {.endpoint = bench->router.endpoint,
                                  .count = BENCH_CONSUMERS,
                                  .from = LD_FROM_NOW,
                                  .events = events};
    consumers_start(&consumers);
    int64_t start_ns = bench_now_ns();
    publish_pipelined(publisher, events);
    consumers_finish(&consumers);
    double seconds = (double)(consumers.done_ns - start_ns) / 1e9;
    round->t3 = (double)(events * BENCH_CONSUMERS) / seconds;
}

static void publish_paced(struct publisher *publisher, size_t count)
{
    size_t start = publisher->answered;
    int64_t next_ns = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        next_ns += 1000000;
        const struct timespec until = {next_ns / 1000000000, next_ns % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        if (publish(publisher) != LD_OK)
            bench_die("publish", "busy");
        ld_client_run(publisher->client, 0);
    }
    publisher_wait(publisher, start + count);
}

static void measure_t3_paced(const struct bench *bench, struct publisher *publisher,
                             struct round *round)
{
    size_t count = (size_t)PACED_EVENTS * BENCH_CONSUMERS;
    int64_t *times_ns = calloc(count, sizeof *times_ns);
    if (!times_ns)
        bench_die("memory", strerror(errno));
    struct consumers consumers = {.endpoint = bench->router.endpoint,
                                  .count = BENCH_CONSUMERS,
                                  .from = LD_FROM_NOW,
                                  .events = PACED_EVENTS,
                                  .times_ns = times_ns};
    consumers_start(&consumers);
    publish_paced(publisher, PACED_EVENTS);
    consumers_finish(&consumers);
    round->t3_paced = bench_latency(times_ns, count);
    free(times_ns);
}

/* All that this round and those before it have published. */
static void measure_t4(const struct bench *bench, const struct publisher *publisher,
                       struct round *round)
{
    struct consumers consumers = {.endpoint = bench->router.endpoint,
                                  .count = 1,
                                  .from = LD_FROM_FIRST,
                                  .events = publisher->answered};
    consumers_start(&consumers);
    int64_t start_ns = bench_now_ns();
    consumers_finish(&consumers);
    round->t4 = (double)consumers.heard / ((double)(consumers.done_ns - start_ns) / 1e9);
}

/* ---- rounds and the table ---- */

static const char *volatile phase_now;

static void on_alarm(int number)
{
    static const char BEHIND[] = ": no end in sight, given up\n";
    (void)number;
    bool told = write(STDERR_FILENO, phase_now, strlen(phase_now)) > 0 &&
                write(STDERR_FILENO, BEHIND, sizeof BEHIND - 1) > 0;
    _exit(told ? 1 : 2);
}

/* What is being measured. Whatever takes longer than PHASE_SECONDS is stuck, and named. */
static void phase(const char *name)
{
    phase_now = name;
    alarm(PHASE_SECONDS);
}

static void run_round(struct bench *bench, struct publisher *publisher, struct round *round)
{
    phase("T1");
    measure_t1(bench, publisher, round);
    phase("T1, bare libzmq");
    round->t1_bare = bare_acked(bench->events);
    phase("T2");
    measure_t2(publisher, round);
    phase("T2, the bare disk");
    round->t2_sync = bare_sync(bench->directory, SINGLE_EVENTS);
    phase("T2, bare libzmq");
    round->t2_trip = bare_round_trip(SINGLE_EVENTS);
    phase("T3");
    measure_t3(bench, publisher, round);
    phase("T3, bare libzmq");
    round->t3_bare = bare_fan_out(bench->events / 20, false);
    round->t3_apart = bare_fan_out(bench->events / 20, true);
    phase("T3 paced");
    measure_t3_paced(bench, publisher, round);
    phase("T3 paced, bare libzmq");
    round->t3_paced_bare = bare_fan_out_paced(PACED_EVENTS, false);
    round->t3_paced_apart = bare_fan_out_paced(PACED_EVENTS, true);
    phase("T4");
    measure_t4(bench, publisher, round);
}

static double median_of(const struct bench *bench, size_t offset)
{
    double values[ROUNDS_MAX];
    for (size_t i = 0; i < bench->rounds; i++)
        memcpy(&values[i], (const char *)&bench->results[i] + offset, sizeof values[i]);
    return bench_median(values, bench->rounds);
}

struct row {
    const char *what, *unit;
    double ours, bare;
    const char *bare_what, *target;
};

static void print_row(const struct bench *bench, const struct row *row)
{
    if (bench->json)
        printf("{\"what\":\"%s\",\"unit\":\"%s\",\"ours\":%.6g,\"bare\":%.6g,\"bare_what\":\"%s\","
               "\"target\":\"%s\"}\n",
               row->what, row->unit, row->ours, row->bare, row->bare_what, row->target);
    else
        printf("%-42s %12.5g %-7s %12.5g %-34s %s\n", row->what, row->ours, row->unit, row->bare,
               row->bare_what, row->target);
}

#define MEDIAN(field) median_of(bench, offsetof(struct round, field))

static void print_table(const struct bench *bench)
{
    double limit_us = MEDIAN(t2_sync.p50_us) + MEDIAN(t2_trip.p50_us);
    const struct row ROWS[] = {
        {"T1 durable publish, pipelined", "M/s", MEDIAN(t1) / 1e6, MEDIAN(t1_bare) / 1e6,
         "DEALER to ROUTER, acked", ">= 2 M/s"},
        {"   syncs per event", "", MEDIAN(t1_syncs), 0, "", "far below 1"},
        {"T2 one at a time, p50", "us", MEDIAN(t2.p50_us), limit_us, "sync + round trip",
         "<= 1.5 x sync + round trip"},
        {"   p99", "us", MEDIAN(t2.p99_us), MEDIAN(t2.p50_us), "p50 of ours", "<= 2 x p50"},
        {"   of which sync into a written file", "us", MEDIAN(t2_sync.p50_us),
         MEDIAN(t2_sync.p99_us), "p99", ""},
        {"   of which DEALER-ROUTER round trip", "us", MEDIAN(t2_trip.p50_us),
         MEDIAN(t2_trip.p99_us), "p99", ""},
        {"T3 1 to 62 stream consumers, delivered", "M/s", MEDIAN(t3) / 1e6, MEDIAN(t3_bare) / 1e6,
         "PUB to 62 SUB, one context", ">= 7 M/s"},
        {"", "", MEDIAN(t3) / 1e6, MEDIAN(t3_apart) / 1e6, "PUB to 62 SUB, 62 contexts", ""},
        {"   at 1,000/s, p50", "us", MEDIAN(t3_paced.p50_us), MEDIAN(t3_paced_bare.p50_us),
         "PUB to 62 SUB, one context", "<= 400 us"},
        {"", "us", MEDIAN(t3_paced.p50_us), MEDIAN(t3_paced_apart.p50_us),
         "PUB to 62 SUB, 62 contexts", ""},
        {"   at 1,000/s, p99", "us", MEDIAN(t3_paced.p99_us), MEDIAN(t3_paced_bare.p99_us),
         "PUB to 62 SUB, one context", "<= 1000 us"},
        {"", "us", MEDIAN(t3_paced.p99_us), MEDIAN(t3_paced_apart.p99_us),
         "PUB to 62 SUB, 62 contexts", ""},
        {"T4 one consumer reads history", "M/s", MEDIAN(t4) / 1e6, MEDIAN(t1_bare) / 1e6,
         "DEALER to ROUTER, acked", ">= 5 M/s"},
    };
    if (!bench->json)
        printf("%-42s %12s %-7s %12s %-34s %s\n", "medians, 256-byte payloads", "ours", "", "bare",
               "", "target");
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++)
        print_row(bench, &ROWS[i]);
}

static size_t count_option(const char *text, size_t max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || value < 1 || value > max)
        bench_die(text, "not a number in range");
    return value;
}

static void parse(struct bench *bench, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"router", required_argument, NULL, 'r'}, {"directory", required_argument, NULL, 'd'},
        {"rounds", required_argument, NULL, 'n'}, {"events", required_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},         {0}};
    *bench = (struct bench){
        .program = LIANDONG_ROUTER, .directory = "/var/tmp", .rounds = 3, .events = 500000};
    for (int option; (option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1;) {
        if (option == 'r')
            bench->program = optarg;
        else if (option == 'd')
            bench->directory = optarg;
        else if (option == 'n')
            bench->rounds = count_option(optarg, ROUNDS_MAX);
        else if (option == 'e')
            bench->events = count_option(optarg, 100000000);
        else if (option == 'j')
            bench->json = true;
        else
            exit(2);
    }
}

int main(int argc, char **argv)
{
    struct bench bench;
    struct publisher publisher;
    parse(&bench, argc, argv);
    signal(SIGALRM, on_alarm);
    router_start(&bench, &bench.router);
    publisher_open(&publisher, bench.router.endpoint);
    for (size_t i = 0; i < bench.rounds; i++)
        run_round(&bench, &publisher, &bench.results[i]);
    ld_client_close(publisher.client, NULL, NULL);
    router_stop(&bench.router);
    print_table(&bench);
    return publisher.failures ? 1 : 0;
}
