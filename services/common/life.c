/*
 * One life of a service on the bus.
 *
 *   link up ──> restore snapshot ──> stream from there ──> apply each event, publish what follows,
 *   confirm it when that is durable ──> (asked to leave) publish the rest, keep the state, close
 *
 * A snapshot is an image of the state after some event; it is written only when all that follows
 * from the events up to there is durable. So a crash at any moment is made good by reading on from
 * the last one.
 *
 * Ways it fails: the stream is refused or damaged, an output is refused, the router serves another
 * log than before: the reason is said and the program ends. No space at the router: the life ends
 * and another begins.
 */
#include "life.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CREDIT_BYTES = 1 << 20 };

/* "grading", "duty#3303.health" */
static void set_name(struct life *life)
{
    const char *unit = life->options->unit;
    snprintf(life->name, sizeof life->name, "%s%s%s", life->class->name, unit ? "#" : "",
             unit ? unit : "");
}

void life_say(const struct life *life, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s\n", life->name, line);
}

/* ---- ending ---- */

/* After the client is closed and no snapshot is being written. */
static void bury(struct life *life)
{
    if (life->client || life->keep.writing)
        return;
    outbox_close(&life->outbox);
    ld_buffer_free(&life->keep.image);
    sv_host_close(life->host);
    life->host = NULL;
    life->ended(life);
}

static void on_closed(void *data)
{
    struct life *life = data;
    life->client = NULL;
    bury(life);
}

void life_finish(struct life *life, enum life_end end)
{
    if (life->closing)
        return;
    life->closing = true;
    life->end = end;
    life->stream = NULL; /* goes with the client */
    ld_client_close(life->client, on_closed, life);
}

static void on_left(void *data)
{
    struct life *life = data;
    if (life->closing)
        bury(life);
    else
        life_finish(life, LIFE_STOPPED);
}

/* Everything is durable: keeps the state if a file is wanted and there is news, then closes. */
static void leave(struct life *life)
{
    if (life->keep.writing || life->closing)
        return;
    if (!life->keep.path || !life->host || life->keep.events == 0) {
        life_finish(life, LIFE_STOPPED);
        return;
    }
    keep_take(&life->keep, life->host);
    keep_write(&life->keep, life->loop, on_left, life);
}

void life_leave(struct life *life)
{
    if (life->closing)
        return;
    if (life->leaving) { /* asked twice: at once */
        life_finish(life, LIFE_STOPPED);
        return;
    }
    life->leaving = true;
    if (outbox_empty(&life->outbox))
        leave(life);
}

/* ---- confirming and keeping ---- */

static void on_kept(void *data)
{
    struct life *life = data;
    if (life->closing)
        bury(life);
    else if (life->leaving && outbox_empty(&life->outbox))
        leave(life);
}

static void keep_when_due(struct life *life)
{
    struct keep *keep = &life->keep;
    if (!keep->path || keep->writing)
        return;
    if (keep->image.size == 0 && keep_due(keep, life->options->snapshot_events))
        keep_take(keep, life->host);
    if (keep->image.size > 0 && keep->image_position <= life->confirmed)
        keep_write(keep, life->loop, on_kept, life);
}

void life_confirm(struct life *life, uint64_t sequence)
{
    life->confirmed = sequence;
    if (life->stream)
        ld_stream_confirm(life->stream, sequence);
    keep_when_due(life);
    if (life->leaving && outbox_empty(&life->outbox))
        leave(life);
}

/* ---- the stream ---- */

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct life *life = data;
    struct ld_error error = {0};
    (void)stream;
    if (life->leaving || life->closing)
        return;
    int64_t begin_us = ld_monotonic_us(life->keep.context);
    int code = sv_host_apply(life->host, record, &error);
    ld_histogram_add(&life->applies, ld_monotonic_us(life->keep.context) - begin_us);
    if (code != LD_OK) {
        life_say(life, "%s", error.text);
        life_finish(life, LIFE_FAILED);
        return;
    }
    keep_applied(&life->keep, record->size);
    outbox_take(life, record->sequence);
}

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct life *life = data;
    (void)stream;
    (void)head;
    if (life->announced)
        return;
    life->announced = true;
    printf("ready %s from %llu\n", life->name, (unsigned long long)from);
    fflush(stdout);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct life *life = data;
    (void)stream;
    life_say(life, "stream failed: %s", error->text);
    life_finish(life, LIFE_FAILED);
}

static size_t count_of(const char *const *filters)
{
    size_t count = 0;
    while (filters[count])
        count++;
    return count;
}

static void open_stream(struct life *life)
{
    struct ld_stream_options options;
    struct ld_error error = {0};
    ld_stream_options_init(&options);
    options.from = sv_host_position(life->host) + 1;
    options.filters = sv_host_filters(life->host);
    options.filter_count = count_of(options.filters);
    options.credit_bytes = CREDIT_BYTES;
    options.confirm_by_hand = true;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = life;
    if (ld_stream_open(life->client, &options, &life->stream, &error) == LD_OK)
        return;
    life_say(life, "cannot open the stream: %s", error.text);
    life_finish(life, LIFE_FAILED);
}

/* ---- the link ---- */

static void on_first_link(struct life *life, const struct ld_client_state *state)
{
    memcpy(life->keep.log_id, state->log_id, sizeof life->keep.log_id);
    life->host = sv_host_open();
    sv_host_add(life->host, life->class, life->options->unit);
    keep_restore(&life->keep, life->host, state->head);
    life->confirmed = sv_host_position(life->host);
    open_stream(life);
}

static void on_link(struct ld_client *client, enum ld_link link, const char *reason, void *data)
{
    struct life *life = data;
    struct ld_client_state state;
    if (life->closing || link == LD_LINK_CLOSED)
        return;
    if (link != LD_LINK_UP) {
        life_say(life, "no link to %s: %s", life->options->endpoint, reason);
        return;
    }
    ld_client_get_state(client, &state);
    if (!life->host)
        on_first_link(life, &state);
    else if (memcmp(life->keep.log_id, state.log_id, sizeof state.log_id) != 0) {
        life_say(life, "the router now serves another log; start again to follow that one");
        life_finish(life, LIFE_FAILED);
    }
}

bool life_begin(struct life *life)
{
    struct ld_client_options options;
    struct ld_error error = {0};
    ld_client_options_init(&options);
    options.endpoint = life->options->endpoint;
    options.identity = life->class->name;
    options.loop = life->loop;
    options.link_changed = on_link;
    options.data = life;
    set_name(life);
    outbox_open(&life->outbox);
    life->end = LIFE_RUNNING;
    life->closing = false;
    life->confirmed = 0;
    life->keep = (struct keep){.context = ld_context_system(), .path = life->options->snapshot};
    if (ld_client_open(&options, &life->client, &error) == LD_OK)
        return true;
    life_say(life, "%s", error.text);
    return false;
}
