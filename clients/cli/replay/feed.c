/*
 * Happy path: read the log's inputs; read the inputs of the router's log, which must be a beginning
 * of them (none, when fresh); then for each that is missing: let time pass, publish it, let all
 * that follows settle. Ticks from which something follows on the log are stopped at, so that what
 * the services derive has the same times.
 *
 * Ways it fails: the router is not in a drill, its log has other inputs, or its clock is past the
 * next one (refused, with what to do); the bus is lost or does not settle. Asked to stop, it ends
 * after the event under way.
 */
#include "feed.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"
#include "live.h"
#include "timefmt.h"

struct feeding {
    const struct cli *cli;
    const struct feed_options *options;
    struct log_inputs inputs;
    struct scenario_bus *bus;
    size_t there, done;           /* events that the router's log had; that it has now */
    int64_t clock_us;             /* the drill's */
    int64_t began_us, began_real; /* the drill's time and the monotonic time when it began */
    int64_t until_real;           /* waiting for this */
    bool ended;                   /* standard input, with step */
    bool told;                    /* a progress line stands */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

bool feed_speed(const char *text, struct feed_options *options)
{
    char *end = NULL;
    options->pace = strcmp(text, "original") == 0 ? 1 : 0;
    options->step = strcmp(text, "step") == 0;
    if (options->step || options->pace > 0 || strcmp(text, "max") == 0)
        return true;
    options->pace = text[0] == 'x' ? strtod(text + 1, &end) : 0;
    return end != NULL && *end == '\0' && options->pace >= 1e-3 && options->pace <= 1e9;
}

bool feed_world(const char *text, enum log_world *world)
{
    *world = strcmp(text, "actual") == 0     ? LOG_WORLD_ACTUAL
             : strcmp(text, "exercise") == 0 ? LOG_WORLD_EXERCISE
                                             : LOG_WORLD_ANY;
    return *world != LOG_WORLD_ANY;
}

/* ---- is this a router to feed? ---- */

static const struct log_input *event_behind(const struct log_inputs *inputs, size_t *at)
{
    while (*at < inputs->count && inputs->all[*at].tick)
        ++*at;
    return *at < inputs->count ? &inputs->all[(*at)++] : NULL;
}

static bool same_event(const struct ld_record *a, const struct ld_record *b)
{
    return a->producer == b->producer && a->producer_sequence == b->producer_sequence &&
           a->topic_size == b->topic_size && a->payload_size == b->payload_size &&
           memcmp(a->topic, b->topic, a->topic_size) == 0 &&
           (a->payload_size == 0 || memcmp(a->payload, b->payload, a->payload_size) == 0);
}

/* The router's inputs are the first of ours, or none. */
static int compare_there(struct feeding *feeding, const struct log_inputs *there,
                         struct ld_error *error)
{
    const struct log_input *theirs;
    for (size_t at = 0, own = 0; (theirs = event_behind(there, &at)) != NULL;) {
        const struct log_input *ours = event_behind(&feeding->inputs, &own);
        if (ours == NULL || !same_event(&ours->record, &theirs->record))
            return ld_fail(error, LD_REFUSED,
                           "the log at %s holds events that are not this log's: its event %llu, "
                           "%.*s; feed a fresh router, started with --drill",
                           feeding->cli->endpoint, (unsigned long long)theirs->record.sequence,
                           (int)theirs->record.topic_size, theirs->record.topic);
        feeding->there++;
    }
    feeding->done = feeding->there;
    return LD_OK;
}

static int read_there(struct feeding *feeding, struct ld_client *client, struct ld_error *error)
{
    struct log_inputs there;
    log_inputs_open(&there);
    struct bus_read read = {.each = log_inputs_take, .data = &there};
    int code = bus_read(feeding->cli, client, &read, error);
    if (code == LD_OK)
        code = log_inputs_end(&there, LOG_WORLD_ANY, error);
    if (code == LD_OK)
        code = compare_there(feeding, &there, error);
    log_inputs_free(&there);
    return code;
}

/* The event after the first count; NULL: there are no more. */
static const struct log_input *event_after(const struct log_inputs *inputs, size_t count)
{
    size_t at = 0;
    const struct log_input *found = event_behind(inputs, &at);
    while (found != NULL && count-- > 0)
        found = event_behind(inputs, &at);
    return found;
}

static int check_clock(const struct feeding *feeding, struct ld_error *error)
{
    const struct log_input *next = event_after(&feeding->inputs, feeding->there);
    char now[LD_TIME_TEXT_SIZE], then[LD_TIME_TEXT_SIZE];
    if (next == NULL || next->record.time_us >= feeding->clock_us)
        return LD_OK;
    ld_time_format(now, feeding->clock_us, LD_CHINA_OFFSET_MINUTES);
    ld_time_format(then, next->record.time_us, LD_CHINA_OFFSET_MINUTES);
    return ld_fail(error, LD_REFUSED,
                   "the drill's clock at %s is at %s, past the next event of the log at %s: feed a "
                   "fresh router, started with --drill %.10s",
                   feeding->cli->endpoint, now, then, then);
}

static int check_router(struct feeding *feeding, struct ld_error *error)
{
    struct ld_client *client = NULL;
    struct ld_client_state state;
    int code = bus_open(feeding->cli, &client, error);
    if (code != LD_OK)
        return code;
    ld_client_get_state(client, &state);
    feeding->clock_us = bus_now(client);
    if (!state.drill)
        code = ld_fail(error, LD_REFUSED,
                       "the router at %s is not in a drill; a log is fed only to one that was "
                       "started with --drill",
                       feeding->cli->endpoint);
    if (code == LD_OK)
        code = read_there(feeding, client, error);
    bus_close(client);
    return code == LD_OK ? check_clock(feeding, error) : code;
}

/* ---- going on ---- */

static void show_progress(struct feeding *feeding, const struct log_input *input)
{
    const struct cli *cli = feeding->cli;
    char time[CLI_TIME_SIZE];
    bool step = feeding->options->step && !input->tick;
    if (cli->json || (!cli->terminal && !step))
        return;
    printf("%s[%zu/%zu] %s %.*s%s", cli->terminal ? "\r\033[K" : "", feeding->done + !input->tick,
           feeding->inputs.events, cli_time(time, input->record.time_us),
           (int)input->record.topic_size, input->record.topic, cli->terminal ? "" : "\n");
    fflush(stdout);
    feeding->told = cli->terminal;
}

static void end_progress(struct feeding *feeding)
{
    if (feeding->told)
        fputs("\r\033[K", stdout);
    feeding->told = false;
}

static bool time_has_come(void *data)
{
    const struct feeding *feeding = data;
    return interrupted || ld_monotonic_us(feeding->cli->context) >= feeding->until_real;
}

static int wait_for_time(struct feeding *feeding, int64_t time_us, struct ld_error *error)
{
    if (feeding->options->pace <= 0)
        return LD_OK;
    double passed_us = (double)(time_us - feeding->began_us) / feeding->options->pace;
    feeding->until_real = feeding->began_real + (int64_t)passed_us;
    return live_until(feeding->bus, time_has_come, feeding, error);
}

/* A line of standard input, or its end. Read byte by byte: what is behind it is the next one. */
static bool line_has_come(void *data)
{
    struct feeding *feeding = data;
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte = 0;
    while (!interrupted && !feeding->ended && poll(&in, 1, 0) > 0) {
        feeding->ended = read(STDIN_FILENO, &byte, 1) != 1;
        if (byte == '\n')
            return true;
    }
    return interrupted || feeding->ended;
}

static bool stopped(const struct feeding *feeding)
{
    return interrupted || feeding->ended;
}

static int advance(struct feeding *feeding, int64_t time_us, struct ld_error *error)
{
    if (time_us <= feeding->clock_us)
        return LD_OK;
    int code = wait_for_time(feeding, time_us, error);
    if (code != LD_OK || stopped(feeding))
        return code;
    feeding->clock_us = time_us;
    return feeding->bus->advance(feeding->bus->self, time_us, error);
}

static int put(struct feeding *feeding, const struct log_input *input, struct ld_error *error)
{
    struct scenario_bus *bus = feeding->bus;
    int code = advance(feeding, input->record.time_us, error);
    show_progress(feeding, input);
    if (code == LD_OK && feeding->options->step)
        code = live_until(bus, line_has_come, feeding, error);
    if (code != LD_OK || stopped(feeding))
        return code;
    if (input->producer == NULL)
        return ld_fail(error, LD_INVALID, "the log does not name the producer of its event %llu",
                       (unsigned long long)input->record.sequence);
    code = live_put(bus, input->producer, &input->record, error);
    feeding->done += code == LD_OK;
    return code == LD_OK ? bus->settle(bus->self, error) : code;
}

static int put_all(struct feeding *feeding, struct ld_error *error)
{
    const struct log_inputs *inputs = &feeding->inputs;
    bool paced = feeding->options->pace > 0;
    size_t events = 0;
    int code = LD_OK;
    for (size_t i = 0; code == LD_OK && i < inputs->count && !stopped(feeding); i++) {
        const struct log_input *input = &inputs->all[i];
        if (!input->tick && events++ >= feeding->there)
            code = put(feeding, input, error);
        else if (input->tick && (input->answered || paced))
            code = advance(feeding, input->record.time_us, error);
    }
    return code == LD_OK && !stopped(feeding) ? advance(feeding, inputs->last_us, error) : code;
}

static void ignore(const struct ld_record *record, void *data)
{
    (void)record;
    (void)data;
}

static int feed(struct feeding *feeding, struct ld_error *error)
{
    struct scenario_bus *bus = feeding->bus;
    int64_t start_us = feeding->clock_us;
    if (feeding->there == 0 && feeding->inputs.first_us > start_us)
        start_us = feeding->inputs.first_us;
    live_services_optional(bus);
    int code = bus->start(bus->self, &start_us, false, ignore, feeding, error);
    feeding->clock_us = feeding->began_us = start_us;
    feeding->began_real = ld_monotonic_us(feeding->cli->context);
    if (code == LD_OK && !live_has_services(bus))
        cli_complain(feeding->cli, "那里没有业务服务在线：只送入外来事件",
                     "no service listens there: only what came from outside goes in");
    return code == LD_OK ? put_all(feeding, error) : code;
}

/* ---- the end ---- */

static void tell(struct feeding *feeding)
{
    const struct cli *cli = feeding->cli;
    char time[LD_TIME_TEXT_SIZE];
    bool whole = feeding->done == feeding->inputs.events && !stopped(feeding);
    ld_time_format(time, feeding->clock_us, LD_CHINA_OFFSET_MINUTES);
    end_progress(feeding);
    if (cli->json) {
        cli_print_json(json_pack("{s:s,s:b,s:I,s:I,s:I,s:s}", "kind", "fed", "whole", whole,
                                 "events", (json_int_t)feeding->inputs.events, "there_before",
                                 (json_int_t)feeding->there, "fed",
                                 (json_int_t)(feeding->done - feeding->there), "clock", time));
        return;
    }
    printf(cli_say(cli, "%s%s%s：外来事件 %zu 个，已在 %zu 个，送入 %zu 个；演练时钟 %s%s\n",
                   "%s%s%s: %zu events from outside, %zu were there, %zu fed; the drill's clock "
                   "is at %s%s\n"),
           cli_on(cli, whole ? CLI_GREEN : CLI_YELLOW),
           whole ? cli_say(cli, "已全部送入", "the whole log was fed")
                 : cli_say(cli, "已停止", "stopped"),
           cli_off(cli), feeding->inputs.events, feeding->there, feeding->done - feeding->there,
           time, whole ? "" : cli_say(cli, "；再次运行会接着送", "; run it again to go on"));
}

int feed_run(const struct cli *cli, const struct feed_options *options)
{
    struct feeding feeding = {.cli = cli, .options = options};
    struct sigaction action = {.sa_handler = on_signal};
    struct ld_error error;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    log_inputs_open(&feeding.inputs);
    struct bus_read read = {.each = log_inputs_take, .data = &feeding.inputs};
    int code = bus_source(cli, options->directory, &read, &error);
    if (code == LD_OK)
        code = log_inputs_end(&feeding.inputs, options->world, &error);
    if (code == LD_OK)
        code = check_router(&feeding, &error);
    feeding.bus = live_open(cli);
    if (code == LD_OK)
        code = feed(&feeding, &error);
    live_close(feeding.bus);
    if (code == LD_OK)
        tell(&feeding);
    end_progress(&feeding);
    bool whole = feeding.done == feeding.inputs.events && !stopped(&feeding);
    log_inputs_free(&feeding.inputs);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    return whole ? CLI_OK : CLI_FAILED;
}
