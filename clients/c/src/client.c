/*
 * Opening and closing a client, and the checks every call begins with.
 *
 * Closing: ld_client_close only notes it and starts the idle handle. On the next turn everything
 * is cancelled, one completion each; the callbacks of that may still call anything (LD_CLOSED
 * comes back). Then the goodbye is said, the socket and all handles are closed, and the last of
 * them to go frees the client and makes the closed callback.
 */
#include "client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- who may call ---- */

static atomic_uint fork_count; /* of this process since its first client */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void count_fork(void)
{
    atomic_fetch_add(&fork_count, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

static bool is_owner(const struct ld_client *client)
{
    return pthread_equal(client->thread, pthread_self()) &&
           client->forks == atomic_load_explicit(&fork_count, memory_order_relaxed);
}

int ldc_check(const struct ld_client *client, struct ld_error *error)
{
    if (!is_owner(client))
        return ld_fail(error, LD_FORKED,
                       "this client belongs to the thread and process that opened it; open "
                       "another one here");
    if (client->closing)
        return ld_fail(error, LD_CLOSED, "the client has been closed");
    return LD_OK;
}

int64_t ldc_now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

/* ---- options ---- */

void ld_client_options_init(struct ld_client_options *options)
{
    *options = (struct ld_client_options){.queue_bytes = (size_t)12 << 20};
}

static int check_options(const struct ld_client_options *options, struct ld_error *error)
{
    if (options->endpoint == NULL)
        return ld_fail(error, LD_INVALID,
                       "no endpoint given; expected tcp://address:port or ipc:///path");
    if (options->identity == NULL || options->identity[0] == '\0')
        return ld_fail(error, LD_INVALID,
                       "no identity given; expected who this is, as 3303.health");
    size_t size = strlen(options->identity);
    if (size > LDC_IDENTITY_MAX)
        return ld_fail(error, LD_INVALID, "identity of %zu bytes, at most %d are allowed", size,
                       LDC_IDENTITY_MAX);
    if (options->queue_bytes < LD_RECORD_HEADER_SIZE)
        return ld_fail(error, LD_INVALID, "queue of %zu bytes holds no event",
                       options->queue_bytes);
    return LD_OK;
}

/* ---- opening ---- */

static void on_prepare(uv_prepare_t *handle)
{
    ldc_outbox_pump(handle->data);
    ldc_output(handle->data);
}

static void on_tick(uv_timer_t *handle)
{
    ldc_link_tick(handle->data);
}

/* ---- how far streams are: told when it has been quiet for a moment, so that lag is known, and
 * now and then in a steady flow, never once an event ---- */

enum { TELL_QUIET_MS = 4, TELL_MOST_MS = 50 };

static void on_tell_soon(uv_timer_t *handle)
{
    struct ld_client *client = handle->data;
    client->tick_credit = true;
    ldc_want_output(client);
}

void ldc_tell_soon(struct ld_client *client)
{
    uint64_t now_ms = uv_now(client->loop);
    if (client->closing)
        return;
    if (!uv_is_active((const uv_handle_t *)&client->tell_soon))
        client->tell_by_ms = now_ms + TELL_MOST_MS;
    uint64_t left_ms = client->tell_by_ms > now_ms ? client->tell_by_ms - now_ms : 0;
    uv_timer_start(&client->tell_soon, on_tell_soon,
                   left_ms < TELL_QUIET_MS ? left_ms : TELL_QUIET_MS, 0);
}

static void start_handles(struct ld_client *client)
{
    uv_prepare_init(client->loop, &client->prepare);
    uv_idle_init(client->loop, &client->idle);
    uv_timer_init(client->loop, &client->tick);
    uv_timer_init(client->loop, &client->retry);
    uv_timer_init(client->loop, &client->tell_soon);
    client->prepare.data = client->idle.data = client;
    client->tick.data = client->retry.data = client->tell_soon.data = client;
    client->open_count += 5;
    uv_prepare_start(&client->prepare, on_prepare);
    uint64_t period_ms = (uint64_t)ldc_heartbeat_ms(client) / 2;
    uv_timer_start(&client->tick, on_tick, period_ms, period_ms);
}

static struct ld_client *allocate(const struct ld_client_options *options)
{
    struct ld_client *client = calloc(1, sizeof *client);
    if (client == NULL)
        return NULL;
    client->options = *options;
    client->spares.max_bytes = options->queue_bytes;
    client->endpoint = strdup(options->endpoint);
    client->identity = strdup(options->identity);
    if (client->endpoint == NULL || client->identity == NULL) {
        ldc_client_free(client);
        return NULL;
    }
    client->options.endpoint = client->endpoint;
    client->options.identity = client->identity;
    client->thread = pthread_self();
    client->forks = atomic_load(&fork_count);
    client->loop = options->loop;
    client->next_id = 1;
    return client;
}

int ld_client_open(const struct ld_client_options *options, struct ld_client **out,
                   struct ld_error *error)
{
    int code = check_options(options, error);
    if (code != LD_OK)
        return code;
    pthread_once(&fork_once, watch_forks);
    struct ld_client *client = allocate(options);
    if (client == NULL)
        return ld_fail(error, LD_NOMEM, "cannot allocate a client");
    code = ldc_keys_load(client, error);
    if (code != LD_OK)
        goto allocated;
    if (client->loop == NULL) {
        code = ldc_run_open(client, error);
        if (code != LD_OK)
            goto allocated;
    }
    code = zuv_open_shared(client->loop, &client->zuv, error);
    if (code != LD_OK)
        goto allocated;
    code = ldc_link_open(client, error);
    if (code != LD_OK)
        goto joined;
    start_handles(client);
    *out = client;
    return LD_OK;
joined:
    if (client->open_count > 0 && client->run == NULL) {
        client->closing = true; /* freed when the caller's loop has let go of the socket */
        return code;
    }
    while (client->open_count > 0)
        uv_run(client->loop, UV_RUN_ONCE);
allocated:
    ldc_client_free(client);
    return code;
}

void ld_client_get_state(const struct ld_client *client, struct ld_client_state *state)
{
    *state = (struct ld_client_state){
        .link = client->link,
        .incarnation = client->incarnation,
        .head = client->head,
        .first_sequence = client->welcome.first_sequence,
        .drill = (client->welcome.flags & WIRE_DRILL) != 0,
        .router_time_us = client->welcome.time_us,
        .reconnects = client->sessions > 0 ? client->sessions - 1 : 0,
        .unanswered = client->unanswered,
    };
    memcpy(state->log_id, client->welcome.log_id, sizeof state->log_id);
}

void ldc_set_link(struct ld_client *client, enum ld_link link, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char reason[LDC_REASON_SIZE];
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    if (client->link == link && strcmp(client->reason, reason) == 0)
        return;
    memcpy(client->reason, reason, sizeof reason);
    client->link = link;
    if (client->options.link_changed != NULL)
        client->options.link_changed(client, link, client->reason, client->options.data);
}

/* ---- closing ---- */

/* The loop must let go of a callback's caller before the client is freed, so ending always comes
 * from a close callback of libuv. */
void ldc_count_closed(void *data)
{
    struct ld_client *client = data;
    if (--client->open_count > 0)
        return;
    if (client->run != NULL) {
        ldc_run_end(client);
        return;
    }
    void (*closed)(void *) = client->closed;
    void *closed_data = client->closed_data;
    ldc_client_free(client);
    if (closed != NULL)
        closed(closed_data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    ldc_count_closed(handle->data);
}

static void cancel_all(struct ld_client *client)
{
    struct ld_producer *producer;
    DL_FOREACH(client->producers, producer)
    ldc_producer_kill(producer, LD_CANCELLED, "");
    ldc_request_cancel_all(client);
    ldc_outbox_close(client);
    ldc_set_link(client, LD_LINK_CLOSED, "closed");
}

static void on_idle_close(uv_idle_t *handle)
{
    struct ld_client *client = handle->data;
    uv_idle_stop(&client->idle);
    cancel_all(client);
    ldc_link_close(client);
    uv_close((uv_handle_t *)&client->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&client->idle, on_handle_closed);
    uv_close((uv_handle_t *)&client->tick, on_handle_closed);
    uv_close((uv_handle_t *)&client->retry, on_handle_closed);
    uv_close((uv_handle_t *)&client->tell_soon, on_handle_closed);
}

void ld_client_close(struct ld_client *client, void (*closed)(void *data), void *data)
{
    if (client == NULL || ldc_check(client, NULL) != LD_OK)
        return;
    client->closing = true;
    client->closed = closed;
    client->closed_data = data;
    uv_idle_start(&client->idle, on_idle_close);
    if (client->run != NULL && !ldc_run_inside(client))
        ldc_run_until_closed(client);
}

static void free_members(struct ld_client *client)
{
    struct ld_producer *producer, *next_producer;
    DL_FOREACH_SAFE(client->producers, producer, next_producer)
    ldc_producer_free(producer);
    struct ld_stream *stream, *next_stream;
    DL_FOREACH_SAFE(client->streams, stream, next_stream)
    ldc_stream_free(stream);
    DL_FOREACH_SAFE(client->closed_streams, stream, next_stream)
    ldc_stream_free(stream);
}

void ldc_client_free(struct ld_client *client)
{
    zuv_close(client->zuv);
    free_members(client);
    ldc_keys_free(client);
    ldc_spares_free(&client->spares);
    ldc_run_free(client->run);
    free(client->endpoint);
    free(client->identity);
    free(client);
}
