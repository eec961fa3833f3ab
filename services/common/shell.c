/*
 * The shell: the program around a core. Reads its options, runs lives of the service on the bus
 * until it is told to stop or something fails for good, and answers with the exit status: 0 stopped
 * when asked, 1 failed (the reason is on standard error), 2 wrong options.
 *
 * SIGTERM and SIGINT: what is left is published, the state kept, then it ends; whatever happens,
 * after five seconds; a second signal ends it at once.
 */
#include "shell.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "life.h"
#include "metrics/http.h"
#include "stopping.h"

enum { LEAVE_MS = 5000, AGAIN_MS = 1000, SNAPSHOT_EVENTS = 10000 };

struct shell {
    struct shell_options options;
    uv_loop_t loop;
    int stop_signals; /* descriptor, see stopping.h */
    uv_poll_t asked;  /* to stop */
    uv_timer_t timer;
    struct life life;
    struct metrics_http *metrics; /* NULL: none */
    bool stopping;
    bool pausing; /* between two lives */
    int status;
};

/* ---- options ---- */

static void print_help(FILE *file, const struct sv_class *class)
{
    fprintf(file,
            "Usage: liandong-%s [options]\n"
            "%s on the bus: reads the log, publishes what follows from it.\n\n"
            "  --endpoint ENDPOINT    the router: tcp://host:port or ipc:///path\n"
            "                         (default: $LIANDONG_ENDPOINT or tcp://127.0.0.1:7501)\n"
            "  --snapshot FILE        keep the state there, for a fast start; may be deleted\n"
            "  --snapshot-events N    least events between two snapshots (default: %d)\n",
            class->name, class->name, SNAPSHOT_EVENTS);
    if (class->per_unit)
        fprintf(file, "  --unit UNIT            only for this unit, e.g. 3303.health (default: all "
                      "of every plan)\n");
    fprintf(
        file,
        "  --metrics ADDRESS      show figures to Prometheus there: 127.0.0.1:PORT or unix:/path\n"
        "  --help                 this text\n\n"
        "$LIANDONG_KEYS is the directory with its key and the router's (liandong keys).\n"
        "Prints \"ready NAME from SEQUENCE\" when its stream is open. SIGTERM and SIGINT\n"
        "end it cleanly. Exit status: 0 asked to stop, 1 failed, 2 wrong options.\n");
}

static int usage_error(const struct sv_class *class, const char *what, const char *value)
{
    fprintf(stderr, "liandong-%s: %s%s%s; --help lists the options\n", class->name, what,
            value ? ": " : "", value ? value : "");
    return 2;
}

static bool parse_count(const char *text, uint64_t *count)
{
    char *end;
    *count = strtoull(text, &end, 10);
    return *text >= '1' && *text <= '9' && *end == 0;
}

static void set_defaults(struct shell_options *options)
{
    const char *endpoint = getenv("LIANDONG_ENDPOINT");
    *options = (struct shell_options){.endpoint =
                                          endpoint && *endpoint ? endpoint : "tcp://127.0.0.1:7501",
                                      .snapshot_events = SNAPSHOT_EVENTS};
}

/* -1: go on; otherwise the exit status. */
static int parse_options(int argc, char **argv, const struct sv_class *class,
                         struct shell_options *options)
{
    static const struct option known[] = {{"endpoint", required_argument, NULL, 'e'},
                                          {"snapshot", required_argument, NULL, 's'},
                                          {"snapshot-events", required_argument, NULL, 'n'},
                                          {"unit", required_argument, NULL, 'u'},
                                          {"metrics", required_argument, NULL, 'm'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    set_defaults(options);
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'e')
            options->endpoint = optarg;
        else if (option == 's')
            options->snapshot = optarg;
        else if (option == 'm')
            options->metrics = optarg;
        else if (option == 'u' && class->per_unit)
            options->unit = optarg;
        else if (option == 'n' && parse_count(optarg, &options->snapshot_events))
            continue;
        else if (option == 'n')
            return usage_error(class, "--snapshot-events is not a number from 1", optarg);
        else if (option == 'h') {
            print_help(stdout, class);
            return 0;
        } else
            return usage_error(class, "unknown option", NULL);
    }
    return optind == argc ? -1 : usage_error(class, "unexpected argument", argv[optind]);
}

/* ---- running ---- */

static void close_handles(struct shell *shell)
{
    if (shell->metrics)
        metrics_http_close(shell->metrics, NULL, NULL);
    uv_close((uv_handle_t *)&shell->asked, NULL);
    uv_close((uv_handle_t *)&shell->timer, NULL);
}

static void on_again(uv_timer_t *timer)
{
    struct shell *shell = timer->data;
    shell->pausing = false;
    if (!life_begin(&shell->life)) {
        shell->status = 1;
        close_handles(shell);
    }
}

static void on_ended(struct life *life)
{
    struct shell *shell = life->data;
    if (life->end == LIFE_AGAIN && !shell->stopping) {
        shell->pausing = true;
        uv_timer_start(&shell->timer, on_again, AGAIN_MS, 0);
        return;
    }
    shell->status = life->end == LIFE_FAILED;
    close_handles(shell);
}

static void on_too_late(uv_timer_t *timer)
{
    struct shell *shell = timer->data;
    life_say(&shell->life, "not everything could be published in time; the rest follows at the "
                           "next start");
    life_finish(&shell->life, LIFE_STOPPED);
}

static void on_asked(uv_poll_t *handle, int status, int events)
{
    struct shell *shell = handle->data;
    (void)status, (void)events;
    if (!ld_stopping_read(shell->stop_signals))
        return;
    if (shell->pausing) {
        shell->pausing = false;
        close_handles(shell);
        return;
    }
    if (!shell->stopping)
        uv_timer_start(&shell->timer, on_too_late, LEAVE_MS, 0);
    shell->stopping = true;
    life_leave(&shell->life);
}

static void open_handles(struct shell *shell)
{
    shell->stop_signals = ld_stopping_open();
    bool opened = shell->stop_signals >= 0 && uv_loop_init(&shell->loop) == 0 &&
                  uv_poll_init(&shell->loop, &shell->asked, shell->stop_signals) == 0 &&
                  uv_timer_init(&shell->loop, &shell->timer) == 0;
    if (!opened)
        abort(); /* no memory or descriptors at the very start */
    shell->asked.data = shell->timer.data = shell;
    uv_poll_start(&shell->asked, UV_READABLE, on_asked);
}

/* False, with the reason said, if nobody could read them. */
static bool show_figures(struct shell *shell)
{
    struct ld_error error;
    const char *address = shell->options.metrics;
    if (!address || metrics_http_open(&shell->loop, address, life_figures, &shell->life,
                                      &shell->metrics, &error) == LD_OK)
        return true;
    fprintf(stderr, "liandong-%s: %s\n", shell->life.class->name, error.text);
    return false;
}

int sv_shell_main(int argc, char **argv, const struct sv_class *class)
{
    static struct shell shell;
    int status = parse_options(argc, argv, class, &shell.options);
    if (status >= 0)
        return status;
    open_handles(&shell);
    shell.life = (struct life){.loop = &shell.loop,
                               .options = &shell.options,
                               .class = class,
                               .ended = on_ended,
                               .data = &shell};
    if (!show_figures(&shell) || !life_begin(&shell.life)) {
        shell.status = 1;
        close_handles(&shell);
    }
    uv_run(&shell.loop, UV_RUN_DEFAULT);
    uv_loop_close(&shell.loop);
    return shell.status;
}
