/*
 * Following the bus: one stream of everything from behind the position, on one libuv loop.
 *
 *   link up ──> is the file of this log? ──> stream ──> take each event ──> commit, confirm
 *
 * What comes together is committed together: after a turn of the loop in which nothing came, when
 * the head is reached, after BATCH_EVENTS, or when a turn ends a second after the first of them was
 * taken. As long as something is uncommitted the loop does not block, so this needs no timer.
 * Events are confirmed when they are committed: the router's figures say how far the file is.
 *
 * Ways it fails: the file (full disk, damage), the stream is refused or damaged, the router serves
 * another log: the reason is said and the program ends. A lost link is made again by the client.
 *
 * When asked to stop it commits what it has, says goodbye and ends.
 */
#include "follow.h"

#include <liandong.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "context.h"
#include "stopping.h"

enum { BATCH_EVENTS = 10000, BATCH_US = 1000000, CREDIT_BYTES = 4 << 20 };

struct follower {
    struct projection *projection;
    const struct ld_context *context;
    const char *endpoint;
    uv_loop_t loop;
    int stop_signals;      /* descriptor, see stopping.h */
    uv_poll_t asked;       /* to stop */
    uv_prepare_t turn;     /* at the end of each turn */
    uv_idle_t uncommitted; /* keeps the loop from blocking */
    struct ld_client *client;
    struct ld_stream *stream;
    uint8_t log_id[16];
    int64_t since_us; /* the first uncommitted event was taken */
    bool came;        /* something in this turn */
    bool bound, announced, closing, failed;
};

/* ---- ending ---- */

static void on_closed(void *data)
{
    struct follower *follower = data;
    uv_close((uv_handle_t *)&follower->asked, NULL);
    uv_close((uv_handle_t *)&follower->turn, NULL);
    uv_close((uv_handle_t *)&follower->uncommitted, NULL);
}

static void finish(struct follower *follower)
{
    if (follower->closing)
        return;
    follower->closing = true;
    follower->stream = NULL; /* goes with the client */
    uv_idle_stop(&follower->uncommitted);
    uv_poll_stop(&follower->asked);
    ld_client_close(follower->client, on_closed, follower);
}

static void fail(struct follower *follower, const char *text)
{
    fprintf(stderr, "projection: %s\n", text);
    follower->failed = true;
    finish(follower);
}

/* ---- committing ---- */

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void commit(struct follower *follower)
{
    struct ld_error error = {0};
    if (projection_commit(follower->projection, &error) != LD_OK) {
        fail(follower, error.text);
        return;
    }
    uv_idle_stop(&follower->uncommitted);
    if (follower->stream != NULL)
        ld_stream_confirm(follower->stream, projection_position(follower->projection));
}

static bool is_due(const struct follower *follower)
{
    struct ld_client_state state;
    ld_client_get_state(follower->client, &state);
    return !follower->came || projection_position(follower->projection) >= state.head ||
           projection_pending(follower->projection) >= BATCH_EVENTS ||
           ld_monotonic_us(follower->context) - follower->since_us >= BATCH_US;
}

static void on_turn(uv_prepare_t *turn)
{
    struct follower *follower = turn->data;
    bool due =
        !follower->closing && projection_pending(follower->projection) > 0 && is_due(follower);
    follower->came = false;
    if (due)
        commit(follower);
}

static void on_asked(uv_poll_t *handle, int status, int events)
{
    struct follower *follower = handle->data;
    (void)status, (void)events;
    if (!ld_stopping_read(follower->stop_signals) || follower->closing)
        return;
    commit(follower);
    finish(follower);
}

/* ---- the stream ---- */

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct follower *follower = data;
    struct ld_error error = {0};
    (void)stream;
    if (follower->closing)
        return;
    if (projection_pending(follower->projection) == 0) {
        follower->since_us = ld_monotonic_us(follower->context);
        uv_idle_start(&follower->uncommitted, on_idle);
    }
    follower->came = true;
    if (projection_take(follower->projection, record, &error) != LD_OK)
        fail(follower, error.text);
}

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct follower *follower = data;
    (void)stream, (void)head;
    if (follower->announced)
        return;
    follower->announced = true;
    printf("ready projection from %llu\n", (unsigned long long)from);
    fflush(stdout);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    fail(data, error->text);
}

static void open_stream(struct follower *follower)
{
    struct ld_stream_options options;
    struct ld_error error = {0};
    ld_stream_options_init(&options);
    options.from = projection_position(follower->projection) + 1;
    options.credit_bytes = CREDIT_BYTES;
    options.confirm_by_hand = true;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = follower;
    if (ld_stream_open(follower->client, &options, &follower->stream, &error) != LD_OK)
        fail(follower, error.text);
}

/* ---- the link ---- */

static void on_first_link(struct follower *follower, const struct ld_client_state *state)
{
    struct ld_error error = {0};
    memcpy(follower->log_id, state->log_id, sizeof follower->log_id);
    follower->bound = true;
    if (projection_bind(follower->projection, state->log_id, state->head, &error) == LD_OK)
        open_stream(follower);
    else
        fail(follower, error.text);
}

static void on_link(struct ld_client *client, enum ld_link link, const char *reason, void *data)
{
    struct follower *follower = data;
    struct ld_client_state state;
    if (follower->closing || link == LD_LINK_CLOSED)
        return;
    if (link != LD_LINK_UP) {
        fprintf(stderr, "projection: no link to %s: %s\n", follower->endpoint, reason);
        return;
    }
    ld_client_get_state(client, &state);
    if (!follower->bound)
        on_first_link(follower, &state);
    else if (memcmp(follower->log_id, state.log_id, sizeof state.log_id) != 0)
        fail(follower, "the router now serves another log; start again to follow that one");
}

static void open_handles(struct follower *follower)
{
    follower->stop_signals = ld_stopping_open();
    bool opened = follower->stop_signals >= 0 && uv_loop_init(&follower->loop) == 0 &&
                  uv_poll_init(&follower->loop, &follower->asked, follower->stop_signals) == 0 &&
                  uv_prepare_init(&follower->loop, &follower->turn) == 0 &&
                  uv_idle_init(&follower->loop, &follower->uncommitted) == 0;
    if (!opened)
        abort(); /* no memory or descriptors at the very start */
    follower->asked.data = follower->turn.data = follower;
    uv_poll_start(&follower->asked, UV_READABLE, on_asked);
    uv_prepare_start(&follower->turn, on_turn);
}

bool follow(const char *endpoint, struct projection *projection)
{
    struct follower follower = {
        .projection = projection, .context = ld_context_system(), .endpoint = endpoint};
    struct ld_client_options options;
    struct ld_error error = {0};
    open_handles(&follower);
    ld_client_options_init(&options);
    options.endpoint = endpoint;
    options.identity = "projection";
    options.loop = &follower.loop;
    options.link_changed = on_link;
    options.data = &follower;
    if (ld_client_open(&options, &follower.client, &error) != LD_OK) {
        fprintf(stderr, "projection: %s\n", error.text);
        follower.failed = true;
        on_closed(&follower);
    }
    uv_run(&follower.loop, UV_RUN_DEFAULT);
    uv_loop_close(&follower.loop);
    close(follower.stop_signals);
    return !follower.failed;
}
