/*
 * liandong-router: the router as a program. Options, signals, one line when it is ready.
 *
 * Exit status: 0 stopped by a signal; 1 it could not start or go on (the reason is on stderr);
 * 2 the command line is wrong.
 */
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "router.h"
#include "stopping.h"
#include "timefmt.h"

enum {
    ENDPOINTS_MAX = 8,
    PATH_SIZE = 4096,
    EXIT_USAGE = 2,
    KEPT_BATCH_BYTES = 4 << 20, /* larger pieces are mapped and given back one by one */
    KEPT_FREE_BYTES = 16 << 20
};

static const char USAGE[] =
    "Usage: liandong-router [options]\n"
    "The router of liandong: orders events, makes them durable, streams them to those who ask.\n"
    "\n"
    "  --data DIR            the log's directory, made if absent (/var/lib/liandong)\n"
    "  --endpoint ENDPOINT   where clients connect; may be given up to 8 times\n"
    "                        (ipc://DIR/bus and tcp://127.0.0.1:7501)\n"
    "  --keys DIR            the router's key and the list of those let in, made by liandong keys\n"
    "                        ($LIANDONG_KEYS); needed\n"
    "  --no-keys             instead of it: let everybody in and believe who they say they are;\n"
    "                        for tests on one machine only\n"
    "  --tap ENDPOINT        where plain SUB sockets may listen (none)\n"
    "  --metrics ADDRESS     where Prometheus may ask for figures: 127.0.0.1:9750, [::1]:9750,\n"
    "                        a port of 127.0.0.1, or unix:/path (none)\n"
    "  --tick-seconds N      how often time passing is an event (60)\n"
    "  --drill START         a drill: the clock starts at START (2026-11-22T10:00:00+08:00; "
    "without\n"
    "                        an offset +08:00 holds), moves only when a client advances it, and\n"
    "                        every event is an exercise; the log is a drill's log for ever\n"
    "  --segment-bytes N     size of a log file (67108864)\n"
    "  --help                this text\n"
    "\n"
    "Prints one line \"ready ...\" on stdout once clients can connect. SIGTERM or SIGINT stop it\n"
    "after what is under way is durable and answered.\n";

struct program {
    uv_loop_t loop;
    int stop_signals; /* descriptor, see stopping.h */
    uv_poll_t asked;  /* to stop */
    struct router *router;
    struct router_options options;
    const char *endpoints[ENDPOINTS_MAX];
    char default_ipc[PATH_SIZE];
    bool no_keys; /* everybody is let in */
    int status;
};

static void note_line(const char *line, void *data)
{
    (void)data;
    fprintf(stderr, "liandong-router: %s\n", line);
}

static int parse_number(const char *name, const char *text, uint64_t max, uint64_t *value,
                        struct ld_error *error)
{
    char *end = NULL;
    if (*text >= '0' && *text <= '9')
        *value = strtoull(text, &end, 10);
    if (!end || *end || *value < 1 || *value > max)
        return ld_fail(error, LD_INVALID, "--%s '%.60s': expected a number from 1 to %" PRIu64,
                       name, text, max);
    return LD_OK;
}

static int add_endpoint(struct program *program, const char *endpoint, struct ld_error *error)
{
    if (program->options.endpoint_count == ENDPOINTS_MAX)
        return ld_fail(error, LD_INVALID, "more than %d endpoints", ENDPOINTS_MAX);
    program->endpoints[program->options.endpoint_count++] = endpoint;
    return LD_OK;
}

static int set_ticks(struct program *program, const char *text, struct ld_error *error)
{
    uint64_t seconds = 0;
    int code = parse_number("tick-seconds", text, 86400, &seconds, error);
    if (code == LD_OK)
        program->options.tick_us = (int64_t)seconds * LD_US_SECOND;
    return code;
}

static int set_drill(struct program *program, const char *text, struct ld_error *error)
{
    program->options.drill = true;
    int code =
        ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, &program->options.drill_start_us, error);
    return code == LD_OK ? code : ld_wrap(error, code, "--drill");
}

enum option_value {
    OPTION_DATA = 1,
    OPTION_ENDPOINT,
    OPTION_KEYS,
    OPTION_NO_KEYS,
    OPTION_TAP,
    OPTION_METRICS,
    OPTION_TICK,
    OPTION_DRILL,
    OPTION_SEGMENT,
    OPTION_HELP
};

static const struct option LONG_OPTIONS[] = {
    {"data", required_argument, NULL, OPTION_DATA},
    {"endpoint", required_argument, NULL, OPTION_ENDPOINT},
    {"keys", required_argument, NULL, OPTION_KEYS},
    {"no-keys", no_argument, NULL, OPTION_NO_KEYS},
    {"tap", required_argument, NULL, OPTION_TAP},
    {"metrics", required_argument, NULL, OPTION_METRICS},
    {"tick-seconds", required_argument, NULL, OPTION_TICK},
    {"drill", required_argument, NULL, OPTION_DRILL},
    {"segment-bytes", required_argument, NULL, OPTION_SEGMENT},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static int take_option(struct program *program, int option, const char *value,
                       struct ld_error *error)
{
    switch (option) {
    case OPTION_DATA:
        program->options.directory = value;
        return LD_OK;
    case OPTION_ENDPOINT:
        return add_endpoint(program, value, error);
    case OPTION_KEYS:
        program->options.keys = value;
        return LD_OK;
    case OPTION_NO_KEYS:
        program->no_keys = true;
        return LD_OK;
    case OPTION_TAP:
        program->options.tap = value;
        return LD_OK;
    case OPTION_METRICS:
        program->options.metrics = value;
        return LD_OK;
    case OPTION_TICK:
        return set_ticks(program, value, error);
    case OPTION_DRILL:
        return set_drill(program, value, error);
    case OPTION_SEGMENT:
        return parse_number("segment-bytes", value, UINT64_C(1) << 40,
                            &program->options.segment_bytes, error);
    case OPTION_HELP:
        fputs(USAGE, stdout);
        exit(EXIT_SUCCESS);
    default: /* getopt has said what is wrong */
        return ld_fail(error, LD_INVALID, "%s", "");
    }
}

static void set_defaults(struct program *program)
{
    struct router_options *options = &program->options;
    options->endpoints = program->endpoints;
    if (options->endpoint_count > 0)
        return;
    snprintf(program->default_ipc, sizeof program->default_ipc, "ipc://%s/bus", options->directory);
    program->endpoints[options->endpoint_count++] = program->default_ipc;
    program->endpoints[options->endpoint_count++] = "tcp://127.0.0.1:7501";
}

static int set_keys(struct program *program, struct ld_error *error)
{
    struct router_options *options = &program->options;
    const char *environment = getenv("LIANDONG_KEYS");
    if (!options->keys && !program->no_keys && environment && *environment)
        options->keys = environment;
    if (options->keys && program->no_keys)
        return ld_fail(error, LD_INVALID, "--keys and --no-keys: expected one of them");
    if (!options->keys && !program->no_keys)
        return ld_fail(
            error, LD_INVALID,
            "no keys: --keys DIR or LIANDONG_KEYS says where they are (liandong keys new "
            "router makes the first one); --no-keys lets everybody in");
    return LD_OK;
}

static int parse_options(struct program *program, int argc, char **argv, struct ld_error *error)
{
    int option;
    router_options_init(&program->options);
    program->options.directory = "/var/lib/liandong";
    while ((option = getopt_long(argc, argv, "", LONG_OPTIONS, NULL)) != -1) {
        int code = take_option(program, option, optarg, error);
        if (code != LD_OK)
            return code;
    }
    if (optind < argc)
        return ld_fail(error, LD_INVALID, "'%.60s': this program takes options only", argv[optind]);
    set_defaults(program);
    return set_keys(program, error);
}

/* ---- running ---- */

static void on_asked(uv_poll_t *handle, int status, int events)
{
    struct program *program = handle->data;
    (void)status, (void)events;
    if (ld_stopping_read(program->stop_signals))
        router_stop(program->router);
}

static void on_stopped(int code, const char *reason, void *data)
{
    struct program *program = data;
    program->status = code == LD_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    if (code != LD_OK)
        note_line(reason, NULL);
    uv_close((uv_handle_t *)&program->asked, NULL);
}

static void watch_signals(struct program *program)
{
    program->asked.data = program;
    uv_poll_init(&program->loop, &program->asked, program->stop_signals);
    uv_poll_start(&program->asked, UV_READABLE, on_asked);
}

static void print_ready(const struct program *program)
{
    printf("ready");
    for (size_t i = 0; i < program->options.endpoint_count; i++)
        printf(" %s", router_endpoint(program->router, i));
    if (program->options.tap)
        printf(" tap %s", router_tap_endpoint(program->router));
    if (program->options.metrics)
        printf(" metrics %s", router_metrics_address(program->router));
    printf(" log %s head %" PRIu64 "%s\n", program->options.directory,
           router_durable(program->router), program->options.drill ? " drill" : "");
    fflush(stdout);
}

static int run(struct program *program)
{
    struct ld_error error;
    program->options.note = note_line;
    program->options.stopped = on_stopped;
    program->options.data = program;
    int code = router_open(ld_context_system(), &program->loop, &program->options, &program->router,
                           &error);
    if (code == LD_OK) {
        watch_signals(program);
        print_ready(program);
    } else {
        note_line(error.text, NULL);
        program->status = EXIT_FAILURE;
    }
    uv_run(&program->loop, UV_RUN_DEFAULT);
    return program->status;
}

/* Batches come and go by the hundred a second, each in a piece of memory of its own size. What was
 * freed stays for the next one: taking fresh pages from the machine for each costs more than
 * reading it does. */
static void keep_freed_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEPT_BATCH_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
}

int main(int argc, char **argv)
{
    static struct program program;
    struct ld_error error;
    int code = parse_options(&program, argc, argv, &error);
    if (code != LD_OK) {
        if (*error.text)
            note_line(error.text, NULL);
        fprintf(stderr, "Try liandong-router --help\n");
        return EXIT_USAGE;
    }
    program.stop_signals = ld_stopping_open();
    if (program.stop_signals < 0) {
        note_line("no descriptors left: raise the limit of open files", NULL);
        return EXIT_FAILURE;
    }
    if (program.no_keys)
        note_line("NO KEYS: everybody who reaches it is let in and believed; for tests only", NULL);
    keep_freed_memory();
    uv_loop_init(&program.loop);
    int status = run(&program);
    uv_loop_close(&program.loop);
    return status;
}
