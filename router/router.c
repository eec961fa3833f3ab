/*
 * The router as a whole: what is opened in which order, what one turn of the loop does, and how it
 * ends.
 *
 * A turn (before the loop waits): names, requests that wait, drill ticks, then a commit of all
 * that was staged is begun, and while it is written and synced by the log's thread, streams are
 * served and the tap's thread gets what is new. The commit's end wakes the loop: the next commit is
 * begun at once, then what became durable is answered and shown.
 *
 * Where the disk is quick and there is nothing else to do, the loop's own thread commits, and what
 * follows from it is done in the same turn.
 *
 *   OPEN ──router_stop──> STOPPING ──(all staged is durable)──> CLOSING ──> freed, stopped(OK)
 *     └──first failed write or sync: who waits hears it ──────────^          stopped(IO)
 *
 * Closing: goodbye to every session, sockets, ZeroMQ (waits for unsent messages, at most its
 * linger), log, handles, memory. The same way is gone when opening fails half way; what had been
 * opened then closes in the loop's next turns.
 */
#include "internal.h"

#include "metrics/http.h"

#include <inttypes.h>

enum {
    LINGER_MS = 1000,
    SEND_MESSAGES = 256,   /* each peer's queue in ZeroMQ: what is sent to it, */
    RECEIVE_MESSAGES = 16, /* what came from it, */
    TURN_MESSAGES = 64,    /* and what is taken of all of them in one turn */
    MESSAGE_BYTES_EXTRA = 64 << 10
};
enum { TURN_WINDOW_US = 15000000, STALL_US = 100000 };

/* ---- closing ---- */

static void router_free(struct router *router)
{
    producer_free_all(router);
    identity_free_all(router);
    for (size_t i = 0; i < ROUTER_ENDPOINTS_MAX; i++)
        free(router->endpoints[i]);
    free(router->directory);
    free(router);
}

void router_part_ended(struct router *router)
{
    assert(router->handles_open > 0);
    if (--router->handles_open > 0)
        return;
    struct router_options options = router->options;
    int code = router->stop_code;
    struct ld_error reason = router->stop_reason;
    router_free(router);
    if (options.stopped)
        options.stopped(code, reason.text, options.data);
}

static void handle_closed(uv_handle_t *handle)
{
    router_part_ended(handle->data);
}

static void close_handles(struct router *router)
{
    uv_close((uv_handle_t *)&router->prepare, handle_closed);
    uv_close((uv_handle_t *)&router->idle, handle_closed);
    uv_close((uv_handle_t *)&router->heartbeat, handle_closed);
    uv_close((uv_handle_t *)&router->ticker, handle_closed);
    uv_close((uv_handle_t *)&router->asked, handle_closed);
    uv_close((uv_handle_t *)&router->allowed, handle_closed);
    uv_close((uv_handle_t *)&router->committed, handle_closed);
}

static void close_rest(struct router *router)
{
    zuv_close(router->zuv); /* hands back what ZeroMQ still held of the log */
    evlog_close(router->log);
    close_handles(router);
}

static void socket_closed(void *data)
{
    struct router *router = data;
    assert(router->sockets_open > 0);
    if (--router->sockets_open == 0)
        close_rest(router);
}

static void close_all(struct router *router)
{
    assert(router->phase != ROUTER_CLOSING);
    router->phase = ROUTER_CLOSING;
    uv_prepare_stop(&router->prepare);
    uv_idle_stop(&router->idle);
    uv_timer_stop(&router->heartbeat);
    uv_timer_stop(&router->ticker);
    waiting_drop_all(router);
    request_drop_all(router);
    answer_drop_all(router);
    status_drop_all(router);
    clock_drop_advances(router);
    find_drop_all(router);
    retire_drop(router);
    session_drop_all(router);
    if (router->sockets_open == 0) {
        close_rest(router);
        return;
    }
    if (router->metrics)
        metrics_http_close(router->metrics, socket_closed, router);
    if (router->front)
        zuv_socket_close(router->front, socket_closed, router);
    if (router->tap)
        tap_close(router->tap, socket_closed, router);
    if (router->admission)
        admission_close(router->admission, socket_closed, router);
}

static void router_fail(struct router *router, const struct ld_error *error)
{
    note(router, "the log failed, the router stops: %s", error->text);
    router->failed = true;
    router->stop_code = error->code;
    router->stop_reason = *error;
    answer_fail_all(router, error->text);
    request_fail_all(router, error->text);
    session_goodbye_all(router, error->code, error->text);
    close_all(router);
}

static void finish_stopping(struct router *router)
{
    note(router, "stopped at event %" PRIu64, evlog_durable(router->log));
    session_goodbye_all(router, LD_OK, "");
    close_all(router);
}

static void nothing(uv_idle_t *idle)
{
    (void)idle;
}

void router_stop(struct router *router)
{
    if (router->phase != ROUTER_OPEN)
        return;
    router->phase = ROUTER_STOPPING;
    request_drop_all(router);
    clock_drop_advances(router);
    uv_idle_start(&router->idle, nothing); /* for a turn to come at once */
}

/* ---- commits ---- */

/* False when the router has failed. */
static bool commit_succeeded(struct router *router, int code, const struct ld_error *error)
{
    if (code == LD_NOSPACE) {
        note_limited(router, NOTE_SPACE, "no space: events wait to be written: %s", error->text);
        router->commit_paused = true;
    } else if (code != LD_OK) {
        router_fail(router, error);
        return false;
    }
    return true;
}

/* False when the router has failed. */
static bool commit_in_thread(struct router *router)
{
    if (router->committing || router->commit_paused)
        return true;
    struct ld_error error;
    int code = evlog_commit_begin(router->log, &router->committing, &error);
    if (code == LD_OK)
        return true;
    router_fail(router, &error);
    return false;
}

static void commit_ended(struct router *router)
{
    router->advance_blocked = false;
    answer_durable(router);
    stream_committed(router);
    retire_turn(router);
}

/* Nothing that could be done while the disk is waited for. */
static bool is_quiet(const struct router *router)
{
    return !stream_work_left(router) && !router->working && router->names_known;
}

/* False when the router has failed. */
static bool commit_begin(struct router *router)
{
    bool done = false;
    if (router->committing || router->commit_paused)
        return true;
    if (!router->options.commit_here || !is_quiet(router))
        return commit_in_thread(router);
    struct ld_error error;
    int code = evlog_commit_here(router->log, &done, &error);
    if (!done && code == LD_OK)
        return commit_in_thread(router);
    if (!commit_succeeded(router, code, &error))
        return false;
    commit_ended(router);
    return true;
}

/* On the log's thread. */
static void wake(void *data)
{
    struct router *router = data;
    uv_async_send(&router->committed);
}

static void commit_done(uv_async_t *async)
{
    struct router *router = async->data;
    if (!router->committing || router->phase == ROUTER_CLOSING)
        return;
    struct ld_error error;
    router->committing = false;
    int code = evlog_commit_finish(router->log, &error);
    if (commit_succeeded(router, code, &error) && commit_in_thread(router))
        commit_ended(router);
}

/* ---- turns ---- */

static void count_turn(struct router *router, int64_t now_us, int64_t turn_us)
{
    ld_histogram_add(&router->turns, turn_us);
    if (now_us - router->turn_window_us >= TURN_WINDOW_US) {
        router->turn_us_before = router->turn_us_recent;
        router->turn_us_recent = 0;
        router->turn_window_us = now_us;
    }
    if (turn_us > router->turn_us_recent)
        router->turn_us_recent = turn_us;
    if (turn_us > STALL_US)
        note_limited(router, NOTE_STALL,
                     "a turn of the loop took %" PRId64 " ms: nobody was served", turn_us / 1000);
}

static void measure_turn(struct router *router)
{
    int64_t now_us = ld_monotonic_us(router->context);
    uint64_t idle_ns = uv_metrics_idle_time(router->loop);
    int64_t turn_us =
        now_us - router->turn_end_us - (int64_t)((idle_ns - router->turn_idle_ns) / 1000);
    if (router->turn_end_us != 0)
        count_turn(router, now_us, turn_us);
    router->turn_end_us = now_us;
    router->turn_idle_ns = idle_ns;
}

static bool work_left(struct router *router)
{
    bool allowed = allowance_work_left(router); /* asked in any case: it sets a timer */
    return allowed || stream_work_left(router) ||
           (router->working && !router->requests_blocked && !router->requests_poor) ||
           !router->names_known || (router->advances && !router->advance_blocked);
}

/* Those that share the allowance, each first in its turn. */
static void requests_turn(struct router *router)
{
    static void (*const WORK[])(struct router *) = {request_turn, waiting_turn, find_turn};
    size_t count = sizeof WORK / sizeof WORK[0], first = router->turn_first++ % count;
    allowance_begin_turn(router);
    for (size_t i = 0; i < count; i++)
        WORK[(first + i) % count](router);
}

static void turn(uv_prepare_t *prepare)
{
    struct router *router = prepare->data;
    producer_scan_turn(router);
    requests_turn(router);
    clock_advance_turn(router);
    if (!commit_begin(router))
        return;
    stream_serve_turn(router);
    tap_turn(router->tap);
    if (router->phase == ROUTER_STOPPING && !router->committing) {
        finish_stopping(router);
        return;
    }
    if (work_left(router))
        uv_idle_start(&router->idle, nothing);
    else
        uv_idle_stop(&router->idle);
    measure_turn(router);
}

static void heartbeat(uv_timer_t *timer)
{
    struct router *router = timer->data;
    router->commit_paused = false;
    session_heartbeat_all(router);
    connections_note(router);
    note_left_out(router);
    filter_forget_chunks(router);
    send_retry_busy(router);
}

static void tick_due(uv_timer_t *timer)
{
    struct router *router = timer->data;
    struct ld_error error;
    if (router->phase != ROUTER_OPEN)
        return;
    int code = clock_stage_due(router, clock_take_us(router), &error);
    if (code != LD_OK && code != LD_BUSY)
        note_limited(router, NOTE_SPACE, "the tick has to wait: %s", error.text);
}

static void writable(struct zuv_socket *socket, void *data)
{
    (void)socket;
    send_retry_busy(data);
}

/* ---- opening ---- */

static int check_options(const struct router_options *options, struct ld_error *error)
{
    if (options->endpoint_count < 1 || options->endpoint_count > ROUTER_ENDPOINTS_MAX)
        return ld_fail(error, LD_INVALID, "%zu endpoints, expected 1 to %d",
                       options->endpoint_count, ROUTER_ENDPOINTS_MAX);
    if (options->tick_us < 1000 || options->heartbeat_ms < 1 || options->silence_heartbeats < 1)
        return ld_fail(error, LD_INVALID, "tick and heartbeat must be at least a millisecond");
    return LD_OK;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static struct router *router_new(const struct ld_context *context, uv_loop_t *loop,
                                 const struct router_options *options)
{
    struct router *router = calloc(1, sizeof *router);
    if (!router)
        abort();
    router->context = context;
    router->loop = loop;
    router->options = *options;
    router->options.endpoints = NULL;
    router->directory = copy_text(options->directory);
    router->started_us = ld_wall_us(context);
    router->own_id = ld_producer_id("router", strlen("router"));
    context->random(context->self, &router->incarnation, sizeof router->incarnation);
    return router;
}

static int open_handles(struct router *router, struct ld_error *error)
{
    int failed = uv_async_init(router->loop, &router->committed, commit_done);
    if (failed)
        return ld_fail(error, LD_IO, "cannot make a wake-up: %s", uv_strerror(failed));
    uv_prepare_init(router->loop, &router->prepare);
    uv_idle_init(router->loop, &router->idle);
    uv_timer_init(router->loop, &router->heartbeat);
    uv_timer_init(router->loop, &router->ticker);
    uv_timer_init(router->loop, &router->asked);
    uv_timer_init(router->loop, &router->allowed);
    router->handles_open = 7;
    router->committed.data = router->prepare.data = router->idle.data = router;
    router->heartbeat.data = router->ticker.data = router;
    router->asked.data = router->allowed.data = router;
    return LD_OK;
}

static int open_log(struct router *router, struct ld_error *error)
{
    struct evlog_options options;
    evlog_options_init(&options);
    if (router->options.segment_bytes)
        options.segment_bytes = router->options.segment_bytes;
    if (router->options.buffer_bytes)
        options.buffer_bytes = router->options.buffer_bytes;
    options.drill = router->options.drill;
    options.writer_thread = true;
    struct evlog_recovery recovery;
    int code =
        evlog_open(router->context, router->directory, &options, &router->log, &recovery, error);
    if (code != LD_OK)
        return code;
    if (recovery.torn_bytes > 0)
        note(router, "cut %" PRIu64 " bytes of a write that was never acknowledged",
             recovery.torn_bytes);
    evlog_on_committed(router->log, wake, router);
    router->names_next = evlog_first(router->log);
    router->names_end = evlog_durable(router->log);
    return LD_OK;
}

static void keys_changed(void *data)
{
    struct router *router = data;
    if (router->phase == ROUTER_OPEN)
        session_check_keys(router);
}

static void keys_note(const char *line, void *data)
{
    note_limited(data, NOTE_KEYS, "%s", line);
}

static int open_admission(struct router *router, const char *directory, struct ld_error *error)
{
    struct admission_options options = {.context = router->context,
                                        .directory = directory,
                                        .tells = true,
                                        .changed = keys_changed,
                                        .note = keys_note,
                                        .data = router};
    int code = admission_open(router->zuv, router->loop, &options, &router->admission, error);
    router->sockets_open += code == LD_OK;
    return code;
}

static int open_front(struct router *router, const struct router_options *options,
                      struct ld_error *error)
{
    struct zuv_options socket;
    zuv_options_init(&socket);
    socket.max_message_bytes = options->limits.batch_bytes + MESSAGE_BYTES_EXTRA;
    socket.send_messages = SEND_MESSAGES;
    socket.receive_messages = RECEIVE_MESSAGES;
    socket.turn_messages = TURN_MESSAGES;
    socket.linger_ms = LINGER_MS;
    connections_limit(router, options->limits.connections, &socket);
    socket.stranger_ms = (int)(options->heartbeat_ms * options->silence_heartbeats);
    socket.server_secret = router->admission ? admission_secret(router->admission) : NULL;
    socket.message = dispatch;
    socket.writable = writable;
    socket.data = router;
    int code = zuv_socket_open(router->zuv, ZUV_ROUTER, &socket, &router->front, error);
    if (code != LD_OK)
        return code;
    router->sockets_open++;
    for (size_t i = 0; code == LD_OK && i < options->endpoint_count; i++) {
        code = zuv_bind(router->front, options->endpoints[i], error);
        if (code == LD_OK)
            router->endpoints[i] = copy_text(zuv_endpoint(router->front));
    }
    return code;
}

static int open_sockets(struct router *router, const struct router_options *options,
                        struct ld_error *error)
{
    int code = zuv_open(router->loop, &router->zuv, error);
    if (code == LD_OK && options->keys)
        code = open_admission(router, options->keys, error);
    if (code == LD_OK)
        code = open_front(router, options, error);
    if (code == LD_OK && router->admission)
        admission_bound(router->admission);
    if (code == LD_OK && options->tap)
        code = tap_open(router, options, &router->tap, error);
    router->sockets_open += router->tap != NULL;
    if (code == LD_OK && options->metrics)
        code = metrics_open(router, options->metrics, error);
    router->options.tap = router->options.metrics = router->options.keys = NULL;
    return code;
}

static void start(struct router *router)
{
    uint64_t tick_ms = (uint64_t)(router->options.tick_us / 1000);
    uint64_t tick_poll_ms = tick_ms < 1000 ? tick_ms : 1000;
    clock_open(router);
    allowance_open(router);
    uv_loop_configure(router->loop, UV_METRICS_IDLE_TIME); /* for the length of turns */
    uv_prepare_start(&router->prepare, turn);
    uv_timer_start(&router->heartbeat, heartbeat, router->options.heartbeat_ms,
                   router->options.heartbeat_ms);
    if (!router->options.drill)
        uv_timer_start(&router->ticker, tick_due, tick_poll_ms, tick_poll_ms);
}

int router_open(const struct ld_context *context, uv_loop_t *loop,
                const struct router_options *options, struct router **out, struct ld_error *error)
{
    int code = check_options(options, error);
    if (code == LD_OK)
        code = connections_reserve(&options->limits, error);
    if (code != LD_OK)
        return code;
    struct router *router = router_new(context, loop, options);
    code = open_handles(router, error);
    if (code != LD_OK)
        goto fail_memory;
    code = open_log(router, error);
    if (code != LD_OK)
        goto fail_handles;
    code = open_sockets(router, options, error);
    if (code != LD_OK)
        goto fail_handles;
    start(router);
    *out = router;
    return LD_OK;

fail_handles:
    router->options.stopped = NULL;
    close_all(router);
    return code;
fail_memory:
    router_free(router);
    return code;
}

const char *router_endpoint(const struct router *router, size_t index)
{
    return index < ROUTER_ENDPOINTS_MAX ? router->endpoints[index] : NULL;
}

const char *router_tap_endpoint(const struct router *router)
{
    return tap_endpoint(router->tap);
}

const char *router_metrics_address(const struct router *router)
{
    return router->metrics ? metrics_http_address(router->metrics) : NULL;
}

uint64_t router_durable(const struct router *router)
{
    return evlog_durable(router->log);
}
