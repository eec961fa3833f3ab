/*
 * The live bus. One libuv loop carries a watcher (the stream of everything, status, the clock) and
 * a client per acting producer, opened when it first acts.
 *
 * Settled means: in one answer of the router no stream lags, all services that were there at the
 * beginning listen, and the head is what the watcher has seen. A service confirms an event only
 * when all that follows from it is durable, so nothing can be under way then; one that was killed
 * is waited for until it is back. As long as nothing is published it stays so, without asking.
 *
 * Ways it fails: the router is not in a drill (REFUSED), it is lost or says nothing for longer
 * than the timeout (UNREACHABLE, TIMEOUT), a client is fenced or its event refused (that code).
 * Closing closes all clients and runs the loop until nothing is left.
 */
#include "live.h"

#include <liandong.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <uv.h>

#include "health.h"
#include "timefmt.h"

enum { POLL_MS = 4, WAIT_MS = 50 }; /* services say soon how far they are */

struct actor { /* a producer of a unit that acts */
    char *name;
    struct live *live;
    struct ld_client *client;
    struct ld_producer *producer;
    bool ready;
    int code;
    UT_hash_handle hh;
};

struct live {
    struct scenario_bus bus;
    const struct cli *cli;
    uv_loop_t loop;
    uv_timer_t pace;
    struct ld_client *watcher;
    struct ld_stream *stream;
    struct actor *actors;
    scenario_record_fn *each;
    void *data;
    uint64_t seen; /* sequence covered by the watcher's stream */
    bool opened, failed;
    bool rested; /* the pace timer has fired */
    struct ld_error error;
    /* one question at a time: */
    bool answered;
    int code;
    uint64_t head;
    uint64_t lag;        /* in the last answer: all streams together, the watcher's left out */
    const char *missing; /* in the last answer: a service that is not there; NULL: all are */
    size_t services[HEALTH_SERVICES]; /* sessions of each at the start */
    bool counted, optional;           /* optional: without any service it settles, too */
    size_t alive;                     /* sessions of services at the start */
    bool settled;                     /* and nothing was done since */
    int64_t time_us;
    uint64_t sequence; /* of the last publish */
    char reason[LD_ERROR_TEXT_SIZE];
    size_t closing;
};

/* ---- running the loop ---- */

static void on_pace(uv_timer_t *timer)
{
    struct live *live = timer->data;
    live->rested = true;
}

static int64_t now_us(const struct live *live)
{
    return ld_monotonic_us(live->cli->context);
}

/* Runs until *set; the pace timer wakes the loop so that the deadline is seen. */
static int run_until(struct live *live, const bool *set, const char *what, struct ld_error *error)
{
    int64_t deadline_us = now_us(live) + live->cli->timeout_us;
    while (!*set && !live->failed) {
        uv_run(&live->loop, UV_RUN_ONCE);
        if (!*set && now_us(live) > deadline_us)
            return ld_fail(error, LD_TIMEOUT, "no answer from %s: %s", live->cli->endpoint, what);
    }
    if (live->failed)
        *error = live->error;
    return live->failed ? live->error.code : LD_OK;
}

/* ---- the watcher ---- */

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct live *live = data;
    (void)stream;
    (void)from;
    (void)head;
    live->opened = true;
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct live *live = data;
    (void)stream;
    live->seen = record->sequence;
    live->settled = false;
    live->each(record, live->data);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct live *live = data;
    (void)stream;
    live->failed = true;
    live->error = *error;
}

static int open_client(struct live *live, const char *identity, struct ld_client **client,
                       struct ld_error *error)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = live->cli->endpoint;
    options.identity = identity;
    options.keys = live->cli->keys;
    options.loop = &live->loop;
    return ld_client_open(&options, client, error);
}

static int open_watcher(struct live *live, struct ld_error *error)
{
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.from = LD_FROM_NOW;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = live;
    int code = open_client(live, live->cli->identity, &live->watcher, error);
    if (code == LD_OK)
        code = ld_stream_open(live->watcher, &options, &live->stream, error);
    if (code == LD_OK)
        code = run_until(live, &live->opened, "is the router running?", error);
    if (code == LD_TIMEOUT)
        code = error->code = LD_UNREACHABLE;
    return code;
}

/* ---- status and settling ---- */

/* Our own stream is settled when it has shown the head; the router hears of that only later. */
static uint64_t total_lag(const struct live *live, json_t *status)
{
    size_t index;
    json_t *stream;
    uint64_t total = 0;
    json_array_foreach(json_object_get(status, "streams"), index, stream)
    {
        const char *identity = json_string_value(json_object_get(stream, "identity"));
        if (identity == NULL || strcmp(identity, live->cli->identity) != 0)
            total += (uint64_t)json_integer_value(json_object_get(stream, "lag"));
    }
    return total;
}

/* A service of which fewer are there than at the start, or none; NULL: all are there. */
static const char *missing_service(struct live *live, json_t *status)
{
    if (live->optional && live->alive == 0)
        return NULL;
    for (int i = 0; i < HEALTH_SERVICES; i++) {
        struct health health;
        health_of(status, HEALTH_NAMES[i], &health);
        if (health.alive < live->services[i] || health.streams < live->services[i] ||
            health.alive == 0)
            return HEALTH_NAMES[i];
    }
    return NULL;
}

/* Once: a service that is started again is seen twice for a while. */
static void count_services(struct live *live, json_t *status)
{
    if (live->counted)
        return;
    live->counted = true;
    for (int i = 0; i < HEALTH_SERVICES; i++) {
        struct health health;
        health_of(status, HEALTH_NAMES[i], &health);
        live->services[i] = health.alive;
        live->alive += health.alive;
    }
}

static void on_status(int code, const char *json, void *data)
{
    struct live *live = data;
    json_t *status = json != NULL ? json_loads(json, 0, NULL) : NULL;
    live->answered = true;
    live->code = code;
    if (status == NULL)
        return;
    live->head = (uint64_t)json_integer_value(json_object_get(status, "head"));
    live->time_us = json_integer_value(json_object_get(status, "time_us"));
    live->lag = total_lag(live, status);
    count_services(live, status);
    live->missing = missing_service(live, status);
    json_decref(status);
}

static int ask_status(struct live *live, struct ld_error *error)
{
    live->answered = false;
    int code = ld_client_status(live->watcher, on_status, live, error);
    if (code == LD_OK)
        code = run_until(live, &live->answered, "its status", error);
    if (code == LD_OK && live->code != LD_OK)
        code = ld_fail(error, live->code, "the router's status: %s", ld_code_text(live->code));
    return code;
}

/* Until nothing more has come for a moment: there is no use in asking before. */
static void rest(struct live *live)
{
    uint64_t seen;
    do {
        seen = live->seen;
        live->rested = false;
        uv_timer_start(&live->pace, on_pace, POLL_MS, POLL_MS);
        while (!live->rested)
            uv_run(&live->loop, UV_RUN_ONCE);
    } while (live->seen != seen && !live->failed);
}

static int unsettled(const struct live *live, struct ld_error *error)
{
    if (live->missing != NULL)
        return ld_fail(error, LD_UNREACHABLE, "the service %s is not on the bus; start it",
                       live->missing);
    return ld_fail(error, LD_TIMEOUT,
                   "the bus does not settle: a stream stays behind the head %llu; "
                   "`liandong status` shows which service",
                   (unsigned long long)live->head);
}

static int live_settle(void *self, struct ld_error *error)
{
    struct live *live = self;
    int64_t deadline_us = now_us(live) + live->cli->timeout_us;
    uint64_t head = 0, seen = 0, lag = 0;
    while (!live->settled) {
        int code = ask_status(live, error);
        if (code != LD_OK)
            return code;
        live->settled = live->lag == 0 && live->missing == NULL && live->seen >= live->head;
        if (live->head != head || live->seen != seen || live->lag != lag)
            deadline_us = now_us(live) + live->cli->timeout_us;
        head = live->head;
        seen = live->seen;
        lag = live->lag;
        if (!live->settled && now_us(live) > deadline_us)
            return unsettled(live, error);
        if (!live->settled)
            rest(live);
    }
    return LD_OK;
}

/* ---- beginning ---- */

static int live_advance(void *self, int64_t time_us, struct ld_error *error);

static int live_start(void *self, int64_t *start_us, bool may_move, scenario_record_fn *each,
                      void *data, struct ld_error *error)
{
    struct live *live = self;
    struct ld_client_state state;
    char text[LD_TIME_TEXT_SIZE];
    live->each = each;
    live->data = data;
    int code = open_watcher(live, error);
    if (code != LD_OK)
        return code;
    ld_client_get_state(live->watcher, &state);
    if (!state.drill)
        return ld_fail(error, LD_REFUSED,
                       "the router at %s is not in a drill; a scenario is played only on one that "
                       "was started with --drill",
                       live->cli->endpoint);
    live->seen = state.head;
    code = ask_status(live, error);
    if (code != LD_OK)
        return code;
    if (live->time_us > *start_us && !may_move)
        return ld_fail(error, LD_REFUSED, "the drill's clock is at %s, past the start",
                       ld_time_format(text, live->time_us, LD_CHINA_OFFSET_MINUTES));
    if (live->time_us > *start_us)
        *start_us = ld_china_midnight(live->time_us) + LD_US_DAY;
    return live_advance(live, *start_us, error);
}

/* ---- actors ---- */

static void on_producer(struct ld_producer *producer, int code, uint64_t last_sequence, void *data)
{
    struct actor *actor = data;
    (void)producer;
    (void)last_sequence;
    actor->ready = true;
    actor->code = code;
}

static int open_actor(struct live *live, const char *name, struct actor **out,
                      struct ld_error *error)
{
    struct actor *actor = calloc(1, sizeof *actor);
    char *identity = strndup(name, strcspn(name, "#"));
    if (actor == NULL || identity == NULL)
        abort();
    actor->live = live;
    actor->name = strdup(name);
    if (actor->name == NULL)
        abort();
    HASH_ADD_KEYPTR(hh, live->actors, actor->name, strlen(actor->name), actor);
    int code = open_client(live, identity, &actor->client, error);
    if (code == LD_OK)
        code = ld_producer_open(actor->client, name, on_producer, actor, &actor->producer, error);
    if (code == LD_OK)
        code = run_until(live, &actor->ready, "a producer was not opened", error);
    if (code == LD_OK && actor->code != LD_OK)
        code = ld_fail(error, actor->code, "producer %s: %s", name, ld_code_text(actor->code));
    free(identity);
    *out = actor;
    return code;
}

static int actor_of(struct live *live, const char *name, struct actor **out, struct ld_error *error)
{
    HASH_FIND_STR(live->actors, name, *out);
    return *out != NULL ? LD_OK : open_actor(live, name, out, error);
}

static void on_published(const struct ld_published *published, void *data)
{
    struct live *live = data;
    live->answered = true;
    live->code = published->code;
    live->sequence = published->sequence;
    snprintf(live->reason, sizeof live->reason, "%s", published->reason);
}

static int publish(struct live *live, const char *name, const struct ld_event *event,
                   struct ld_error *error)
{
    struct actor *actor = NULL;
    int code = actor_of(live, name, &actor, error);
    live->answered = live->settled = false;
    if (code == LD_OK)
        code = ld_publish(actor->producer, event, on_published, live, error);
    if (code == LD_OK)
        code = run_until(live, &live->answered, "an event was not made durable", error);
    if (code == LD_OK && live->code != LD_OK)
        code = ld_fail(error, live->code, "%s: %s", name, live->reason);
    return code;
}

static int live_publish(void *self, const char *author, const char *topic, const void *payload,
                        size_t payload_size, uint64_t *sequence, struct ld_error *error)
{
    struct live *live = self;
    char name[128];
    struct ld_event event = {.topic = topic,
                             .payload = payload,
                             .payload_size = payload_size,
                             .flags = LD_RECORD_EXERCISE};
    snprintf(name, sizeof name, "%s#scenario", author);
    int code = publish(live, name, &event, error);
    *sequence = live->sequence;
    return code;
}

int live_put(struct scenario_bus *bus, const char *producer, const struct ld_record *record,
             struct ld_error *error)
{
    struct live *live = bus->self;
    char topic[LD_TOPIC_SIZE_MAX + 1];
    struct ld_event event = {.topic = topic,
                             .payload = record->payload,
                             .payload_size = record->payload_size,
                             .flags = LD_RECORD_EXERCISE,
                             .producer_sequence = record->producer_sequence};
    snprintf(topic, sizeof topic, "%.*s", (int)record->topic_size, record->topic);
    int code = publish(live, producer, &event, error);
    return code == LD_DUPLICATE ? LD_OK : code;
}

/* ---- time ---- */

static void on_advanced(int code, int64_t time_us, uint64_t head, const char *reason, void *data)
{
    struct live *live = data;
    (void)head;
    live->answered = true;
    live->code = code;
    live->time_us = time_us;
    snprintf(live->reason, sizeof live->reason, "%s", reason != NULL ? reason : "");
}

static int live_advance(void *self, int64_t time_us, struct ld_error *error)
{
    struct live *live = self;
    int code = live_settle(live, error);
    live->answered = live->settled = false;
    if (code == LD_OK)
        code = ld_client_advance(live->watcher, time_us, on_advanced, live, error);
    if (code == LD_OK)
        code = run_until(live, &live->answered, "the clock was not moved", error);
    if (code == LD_OK && live->code != LD_OK)
        code = ld_fail(error, live->code, "moving the clock: %s", live->reason);
    return code == LD_OK ? live_settle(live, error) : code;
}

static int live_wait(void *self, bool (*done)(void *data), void *data, const char *what,
                     struct ld_error *error)
{
    struct live *live = self;
    uint64_t seen = live->seen;
    int64_t deadline_us = now_us(live) + live->cli->timeout_us;
    live->settled = false; /* others publish */
    while (!done(data)) {
        rest(live);
        if (live->seen != seen)
            deadline_us = now_us(live) + live->cli->timeout_us;
        seen = live->seen;
        if (live->failed) {
            *error = live->error;
            return live->error.code;
        }
        if (now_us(live) > deadline_us)
            return ld_fail(error, LD_TIMEOUT, "nothing happens any more while waiting for %s",
                           what);
    }
    return LD_OK;
}

int live_until(struct scenario_bus *bus, bool (*done)(void *data), void *data,
               struct ld_error *error)
{
    struct live *live = bus->self;
    uv_timer_start(&live->pace, on_pace, WAIT_MS, WAIT_MS);
    while (!done(data) && !live->failed)
        uv_run(&live->loop, UV_RUN_ONCE);
    uv_timer_start(&live->pace, on_pace, POLL_MS, POLL_MS);
    if (live->failed)
        *error = live->error;
    return live->failed ? live->error.code : LD_OK;
}

void live_services_optional(struct scenario_bus *bus)
{
    struct live *live = bus->self;
    live->optional = true;
}

bool live_has_services(const struct scenario_bus *bus)
{
    const struct live *live = bus->self;
    return live->alive > 0;
}

/* ---- opening and closing ---- */

struct scenario_bus *live_open(const struct cli *cli)
{
    struct live *live = calloc(1, sizeof *live);
    if (live == NULL || uv_loop_init(&live->loop) != 0)
        abort();
    live->cli = cli;
    uv_timer_init(&live->loop, &live->pace);
    live->pace.data = live;
    uv_timer_start(&live->pace, on_pace, POLL_MS, POLL_MS);
    live->bus = (struct scenario_bus){.self = live,
                                      .start = live_start,
                                      .publish = live_publish,
                                      .settle = live_settle,
                                      .advance = live_advance,
                                      .wait = live_wait};
    return &live->bus;
}

static void on_closed(void *data)
{
    struct live *live = data;
    live->closing--;
}

static void close_client(struct live *live, struct ld_client *client)
{
    if (client == NULL)
        return;
    live->closing++;
    ld_client_close(client, on_closed, live);
}

void live_close(struct scenario_bus *bus)
{
    if (bus == NULL)
        return;
    struct live *live = bus->self;
    struct actor *actor, *next;
    for (actor = live->actors; actor != NULL; actor = actor->hh.next)
        close_client(live, actor->client);
    close_client(live, live->watcher);
    while (live->closing > 0)
        uv_run(&live->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&live->pace, NULL);
    uv_run(&live->loop, UV_RUN_DEFAULT);
    uv_loop_close(&live->loop);
    HASH_ITER(hh, live->actors, actor, next)
    {
        HASH_DEL(live->actors, actor);
        free(actor->name);
        free(actor);
    }
    free(live);
}
