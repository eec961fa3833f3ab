/*
 * R5 as a figure: what one bad peer costs the good ones. 62 listeners hear 1,000 events/s through
 * the router, with and without each kind of bad peer in turns; the table shows medians of the
 * latency, their ratio, and the most memory that the router had meanwhile.
 *
 * A bad peer would have a machine of its own. Here it has the same processors as all others, but
 * only while none of them wants one (SCHED_IDLE): what is measured is what it makes the router do,
 * not that a process which computes without end takes the processor away from those beside it. With
 * --equal it competes like anybody.
 *
 *     bench_hostile [--directory DIR] [--rounds N] [--events N] [--backlog N] [--only KIND]
 *                   [--router PROGRAM] [--equal] [--json]
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <errno.h>
#include "bench.h"
#include "context.h"
#include "evlog/evlog.h"
#include "fault/good.h"
#include "fault/hostile.h"

enum { ROUNDS_MAX = 50, PATH_SIZE = 256, SAMPLE_MS = 20, DEADLINE_S = 60 };

struct bench {
    const char *program, *directory, *only;
    size_t rounds, events, backlog;
    bool equal, json;
    char log[PATH_SIZE];
    int64_t *times_ns;
};

struct router {
    pid_t pid;
    char endpoint[128], tap[128];
};

struct memory {
    size_t anon, file;
};

/* ---- the router ---- */

static void be_router(const struct bench *bench, const int output[2])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(output[1], STDOUT_FILENO);
    execl(bench->program, bench->program, "--data", bench->log, "--endpoint", "tcp://127.0.0.1:*",
          "--tap", "tcp://127.0.0.1:*", "--no-keys", (char *)NULL);
    bench_die(bench->program, strerror(errno));
}

static void router_start(const struct bench *bench, struct router *router)
{
    int output[2];
    char line[1024];
    if (pipe(output) != 0)
        bench_die("pipe", strerror(errno));
    router->pid = fork();
    if (router->pid == 0)
        be_router(bench, output);
    close(output[1]);
    FILE *stream = fdopen(output[0], "r");
    if (!stream || !fgets(line, sizeof line, stream) ||
        sscanf(line, "ready %127s tap %127s", router->endpoint, router->tap) != 2)
        bench_die(bench->program, "did not get ready");
    fclose(stream);
}

static void router_stop(const struct router *router)
{
    int status;
    kill(router->pid, SIGTERM);
    waitpid(router->pid, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        bench_die("the router", "did not end well");
}

static struct memory router_memory(pid_t pid)
{
    char path[64], line[256];
    struct memory memory = {0};
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status)) {
        sscanf(line, "RssAnon: %zu", &memory.anon);
        sscanf(line, "RssFile: %zu", &memory.file);
    }
    if (status)
        fclose(status);
    return memory;
}

/* ---- a bad peer in a process of its own ---- */

struct bad {
    pid_t pid;
    int stop;
};

static void be_bad(const struct bench *bench, const struct hostile_kind *kind,
                   const struct router *router, int stop)
{
    const struct sched_param none = {0};
    struct hostile hostile;
    struct rlimit files;
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!bench->equal && sched_setscheduler(0, SCHED_IDLE, &none) != 0)
        bench_die("SCHED_IDLE", strerror(errno));
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    hostile_start(&hostile, kind, kind->tap ? router->tap : router->endpoint, 1);
    (void)!read(stop, &byte, 1);
    hostile_stop(&hostile);
    _exit(0);
}

static void bad_start(struct bad *bad, const struct bench *bench, const struct hostile_kind *kind,
                      const struct router *router)
{
    int stop[2];
    if (pipe(stop) != 0)
        bench_die("pipe", strerror(errno));
    bad->pid = fork();
    if (bad->pid == 0) {
        close(stop[1]);
        be_bad(bench, kind, router, stop[0]);
    }
    close(stop[0]);
    bad->stop = stop[1];
}

static void bad_stop(const struct bad *bad)
{
    close(bad->stop);
    waitpid(bad->pid, NULL, 0);
}

/* ---- measuring ---- */

struct sampler {
    pid_t pid;
    volatile bool stop;
    struct memory most;
};

static void *sample(void *data)
{
    struct sampler *sampler = data;
    const struct timespec pause = {0, SAMPLE_MS * 1000000};
    while (!sampler->stop) {
        struct memory now = router_memory(sampler->pid);
        if (now.anon + now.file > sampler->most.anon + sampler->most.file)
            sampler->most = now;
        clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    return NULL;
}

static struct latency measure(const struct bench *bench, const struct router *router)
{
    struct good good = {.endpoint = router->endpoint,
                        .listeners = BENCH_CONSUMERS,
                        .events = bench->events,
                        .pace_ms = 1,
                        .times_ns = bench->times_ns,
                        .deadline_s = DEADLINE_S};
    if (!good_run(&good))
        bench_die("the good peers", good.failure);
    return bench_latency(bench->times_ns, bench->events * BENCH_CONSUMERS);
}

struct row {
    double without_p50[ROUNDS_MAX], without_p99[ROUNDS_MAX];
    double with_p50[ROUNDS_MAX], with_p99[ROUNDS_MAX];
    struct memory most;
};

static void run_round(const struct bench *bench, const struct hostile_kind *kind,
                      const struct router *router, struct row *row, size_t round)
{
    struct bad bad;
    pthread_t thread;
    struct sampler sampler = {.pid = router->pid, .most = row->most};
    struct latency without = measure(bench, router);
    pthread_create(&thread, NULL, sample, &sampler);
    bad_start(&bad, bench, kind, router);
    struct latency with = measure(bench, router);
    bad_stop(&bad);
    sampler.stop = true;
    pthread_join(thread, NULL);
    row->without_p50[round] = without.p50_us;
    row->without_p99[round] = without.p99_us;
    row->with_p50[round] = with.p50_us;
    row->with_p99[round] = with.p99_us;
    row->most = sampler.most;
}

static void print_row(const struct bench *bench, const struct hostile_kind *kind, struct row *row)
{
    double p50 = bench_median(row->without_p50, bench->rounds);
    double p99 = bench_median(row->without_p99, bench->rounds);
    double bad50 = bench_median(row->with_p50, bench->rounds);
    double bad99 = bench_median(row->with_p99, bench->rounds);
    if (bench->json)
        printf("{\"kind\":\"%s\",\"p50_us\":%.0f,\"p99_us\":%.0f,\"bad_p50_us\":%.0f,"
               "\"bad_p99_us\":%.0f,\"anon_kib\":%zu,\"file_kib\":%zu}\n",
               kind->name, p50, p99, bad50, bad99, row->most.anon, row->most.file);
    else
        printf("%-46s %6.2f %6.2f %5.2f x  %6.2f %6.2f %5.2f x  %5.1f + %5.1f\n", kind->what,
               p50 / 1000, bad50 / 1000, bad50 / p50, p99 / 1000, bad99 / 1000, bad99 / p99,
               (double)row->most.anon / 1024, (double)row->most.file / 1024);
    fflush(stdout);
}

static void measure_kind(const struct bench *bench, const struct hostile_kind *kind)
{
    struct router router;
    static struct row row;
    memset(&row, 0, sizeof row);
    router_start(bench, &router);
    for (size_t i = 0; i < bench->rounds; i++)
        run_round(bench, kind, &router, &row, i);
    router_stop(&router);
    print_row(bench, kind, &row);
}

/* ---- the log that is there already ---- */

static void fill_log(const struct bench *bench)
{
    static uint8_t raw[512];
    static const uint8_t PAYLOAD[BENCH_PAYLOAD_BYTES];
    struct evlog_options options;
    struct evlog_recovery recovery;
    struct evlog *log;
    struct ld_error error;
    evlog_options_init(&options);
    options.writer_thread = false;
    if (evlog_open(ld_context_system(), bench->log, &options, &log, &recovery, &error) != LD_OK)
        bench_die(bench->log, error.text);
    for (uint64_t i = 1, sequence; i <= bench->backlog; i++) {
        struct ld_record record = {.producer = 1,
                                   .producer_sequence = i,
                                   .topic = "old/3303/x",
                                   .topic_size = 10,
                                   .payload = PAYLOAD,
                                   .payload_size = sizeof PAYLOAD};
        ld_record_encode(raw, &record);
        int code = evlog_stage(log, raw, 1, 0, &sequence, &error);
        if (code == LD_BUSY && evlog_commit(log, &error) == LD_OK)
            code = evlog_stage(log, raw, 1, 0, &sequence, &error);
        if (code != LD_OK)
            bench_die(bench->log, error.text);
    }
    if (evlog_commit(log, &error) != LD_OK)
        bench_die(bench->log, error.text);
    evlog_close(log);
}

static void parse(struct bench *bench, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"directory", required_argument, NULL, 'd'},
        {"rounds", required_argument, NULL, 'r'},
        {"events", required_argument, NULL, 'e'},
        {"backlog", required_argument, NULL, 'b'},
        {"only", required_argument, NULL, 'o'},
        {"router", required_argument, NULL, 'p'},
        {"equal", no_argument, NULL, 'q'},
        {"json", no_argument, NULL, 'j'},
        {0},
    };
    int option;
    *bench = (struct bench){.program = LIANDONG_ROUTER,
                            .directory = "/var/tmp",
                            .rounds = 5,
                            .events = 1000,
                            .backlog = 10000000};
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (option) {
        case 'd':
            bench->directory = optarg;
            break;
        case 'r':
            bench->rounds = strtoul(optarg, NULL, 10);
            break;
        case 'e':
            bench->events = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            bench->backlog = strtoul(optarg, NULL, 10);
            break;
        case 'o':
            bench->only = optarg;
            break;
        case 'p':
            bench->program = optarg;
            break;
        case 'q':
            bench->equal = true;
            break;
        case 'j':
            bench->json = true;
            break;
        default:
            exit(2);
        }
    }
    if (bench->rounds < 1 || bench->rounds > ROUNDS_MAX || bench->events < 1 ||
        (bench->only && !hostile_kind(bench->only)))
        bench_die("options", "1 to 50 rounds, 1 event or more, a kind that there is");
}

int main(int argc, char **argv)
{
    struct bench bench;
    char command[PATH_SIZE + 16];
    parse(&bench, argc, argv);
    snprintf(bench.log, sizeof bench.log, "%.200s/bench-hostile-XXXXXX", bench.directory);
    bench.times_ns = calloc(bench.events * BENCH_CONSUMERS, sizeof *bench.times_ns);
    if (!bench.times_ns || !mkdtemp(bench.log))
        bench_die(bench.log, strerror(errno));
    fill_log(&bench);
    if (!bench.json)
        printf("%-46s %24s %24s %15s\n", "62 listeners at 1,000 events/s, beside …",
               "p50 ms: without, with", "p99 ms: without, with", "MiB anon + file");
    for (size_t i = 0; i < HOSTILE_KIND_COUNT; i++)
        if (!bench.only || hostile_kind(bench.only) == &HOSTILE_KINDS[i])
            measure_kind(&bench, &HOSTILE_KINDS[i]);
    snprintf(command, sizeof command, "rm -rf '%s'", bench.log);
    return system(command) == 0 ? 0 : 1;
}
