/*
 * Following the bus: deliveries that are due for this kind of channel, and what was said about them
 * before; publishing what becomes of them.
 *
 *   link up ──> stream from the first event ──> up to the head: what is due, less what was done
 *           └─> producer                   ──> then attempts begin, and follow what comes
 *
 * All state is in the log: a restart reads it again. What was sent but not yet said when the
 * program died is sent again under the same id, by which the other side can tell.
 *
 * Ways it fails: stream or publish refused, the router serves another log: the reason is said and
 * the program ends with 1. A lost link is made again by the client. When asked to stop it begins
 * nothing more, waits for what is under way, says it, and ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "stopping.h"

enum { STOPPING_MS = 30000 };
#define ACT(name) LIANDONG__V1__NOTICE_ACT__ACT__##name

/* ---- ending ---- */

static void on_closed(void *data)
{
    struct channel *channel = data;
    uv_close((uv_handle_t *)&channel->asked, NULL);
    uv_close((uv_handle_t *)&channel->timer, NULL);
}

static void finish(struct channel *channel)
{
    if (channel->closing)
        return;
    channel->closing = true;
    channel->stream = NULL; /* goes with the client, as does the producer */
    uv_poll_stop(&channel->asked);
    uv_timer_stop(&channel->timer);
    if (channel->client != NULL)
        ld_client_close(channel->client, on_closed, channel);
    else
        on_closed(channel);
}

void channel_leave_if_done(struct channel *channel)
{
    if (channel->stopping && channel->busy == 0 && channel->unsaid == 0)
        finish(channel);
}

static void on_patience_over(uv_timer_t *timer)
{
    finish(timer->data);
}

static void fail(struct channel *channel, const char *text)
{
    if (!channel->closing)
        fprintf(stderr, "%s: %s\n", channel->identity, text);
    channel->failed = true;
    finish(channel);
}

/* ---- publishing ---- */

static void on_published(const struct ld_published *published, void *data)
{
    struct channel *channel = data;
    channel->unsaid--;
    if (published->code == LD_OK || published->code == LD_DUPLICATE ||
        published->code == LD_CANCELLED) {
        channel_leave_if_done(channel);
        return;
    }
    char text[LD_ERROR_TEXT_SIZE];
    snprintf(text, sizeof text, "cannot say what became of a notice: %s: %s",
             ld_code_text(published->code), published->reason);
    fail(channel, text);
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text; /* packing only reads it */
}

static const char *slug_of(const Liandong__V1__Delivery *delivery)
{
    const char *dot = strchr(delivery->audience, '.');
    return dot != NULL ? dot + 1 : delivery->audience;
}

/* The audience's area; that of the notice for those that are no unit. */
static int area_size(const Liandong__V1__Delivery *delivery, const char **area)
{
    const char *dot = strchr(delivery->audience, '.');
    *area = dot != NULL ? delivery->audience : delivery->notice->area;
    return (int)(dot != NULL ? (size_t)(dot - delivery->audience) : strlen(*area));
}

void channel_say(struct channel *channel, const struct pending *pending,
                 Liandong__V1__NoticeAct__Act act, const char *detail, int64_t next_at_us)
{
    const Liandong__V1__Delivery *delivery = pending->delivery;
    Liandong__V1__Context context = LIANDONG__V1__CONTEXT__INIT;
    Liandong__V1__NoticeAct message = LIANDONG__V1__NOTICE_ACT__INIT;
    char topic[LD_TOPIC_SIZE_MAX + 1];
    const char *area;
    int size = area_size(delivery, &area);
    context.author = channel->identity;
    context.incident = delivery->context->incident;
    message.context = &context;
    message.act = act;
    message.identifier = delivery->identifier;
    message.delivery = delivery->id;
    message.attempt = pending->attempts;
    message.detail = borrow(detail);
    message.next_at_us = next_at_us;
    snprintf(topic, sizeof topic, "notify/%.*s/%s/%s/%s", size, area, slug_of(delivery),
             context.incident, channel->identity);
    size_t packed = liandong__v1__notice_act__get_packed_size(&message);
    uint8_t *payload = malloc(packed + 1);
    if (payload == NULL)
        abort();
    liandong__v1__notice_act__pack(&message, payload);
    struct ld_event event = {.topic = topic,
                             .payload = payload,
                             .payload_size = packed,
                             .flags = pending->exercise ? LD_RECORD_EXERCISE : 0};
    struct ld_error error = {0};
    int code = channel->closing
                   ? LD_CANCELLED
                   : ld_publish(channel->producer, &event, on_published, channel, &error);
    channel->unsaid += code == LD_OK;
    if (code != LD_OK && code != LD_CANCELLED)
        fail(channel, error.text);
    free(payload);
}

/* ---- what comes ---- */

static bool is_whole(const Liandong__V1__Delivery *delivery)
{
    return delivery->contact != NULL && delivery->notice != NULL && delivery->context != NULL &&
           delivery->notice->headline != NULL && delivery->notice->body != NULL &&
           delivery->notice->signer != NULL && *delivery->id != '\0';
}

static void on_delivery(struct channel *channel, const struct ld_record *record)
{
    Liandong__V1__Delivery *delivery =
        liandong__v1__delivery__unpack(NULL, record->payload_size, record->payload);
    if (delivery == NULL)
        return;
    if (delivery->state != LIANDONG__V1__DELIVERY__STATE__DUE) {
        pending_drop_notice(channel, delivery->identifier);
    } else if (is_whole(delivery) && strcmp(delivery->contact->channel, channel->way->kind) == 0) {
        pending_add(channel, delivery, (record->flags & LD_RECORD_EXERCISE) != 0);
        return;
    }
    liandong__v1__delivery__free_unpacked(delivery, NULL);
}

/* What this channel said in an earlier life; what it says now comes back too, and changes nothing
 * any more. */
static void on_said(struct channel *channel, const struct ld_record *record)
{
    Liandong__V1__NoticeAct *act =
        liandong__v1__notice_act__unpack(NULL, record->payload_size, record->payload);
    struct pending *pending = act == NULL ? NULL : pending_find(channel, act->delivery);
    bool own =
        act != NULL && act->context != NULL && strcmp(act->context->author, channel->identity) == 0;
    if (pending != NULL && own && !pending->busy) {
        if (act->act == ACT(SENT) || act->act == ACT(DELIVERED) || act->act == ACT(GIVEN_UP)) {
            pending_drop(channel, pending);
        } else if (act->act == ACT(FAILED) && act->attempt > pending->attempts) {
            pending->attempts = act->attempt;
            pending->next_at_us = act->next_at_us;
        }
    }
    if (act != NULL)
        liandong__v1__notice_act__free_unpacked(act, NULL);
}

static void go_on(struct channel *channel)
{
    if (channel->way->take == NULL)
        attempts_go_on(channel);
    else if (channel->ready && !channel->stopping && !channel->closing)
        channel->way->show(channel);
}

static void begin_if_ready(struct channel *channel)
{
    if (channel->ready || !channel->producing || channel->stream == NULL ||
        channel->head == UINT64_MAX || ld_stream_position(channel->stream) < channel->head)
        return;
    channel->ready = true;
    printf("ready %s\n", channel->identity);
    fflush(stdout);
    go_on(channel);
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct channel *channel = data;
    (void)stream;
    if (channel->closing)
        return;
    if (channel->way->take != NULL)
        channel->way->take(channel, record);
    else if (record->topic_size > 9 && memcmp(record->topic, "delivery/", 9) == 0)
        on_delivery(channel, record);
    else
        on_said(channel, record);
    begin_if_ready(channel);
    go_on(channel);
}

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct channel *channel = data;
    (void)stream, (void)from;
    if (channel->head == UINT64_MAX)
        channel->head = head;
    begin_if_ready(channel);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    (void)stream;
    fail(data, error->text);
}

static void on_producer(struct ld_producer *producer, int code, uint64_t last_sequence, void *data)
{
    struct channel *channel = data;
    (void)producer, (void)last_sequence;
    if (code != LD_OK && code != LD_CANCELLED) {
        fail(channel, ld_code_text(code));
        return;
    }
    channel->producing = code == LD_OK;
    begin_if_ready(channel);
}

/* ---- the loop ---- */

static void on_tick(uv_timer_t *timer)
{
    struct channel *channel = timer->data;
    begin_if_ready(channel);
    if (!channel->ready && !channel->stopping)
        uv_timer_start(timer, on_tick, 50, 0);
}

static void on_asked(uv_poll_t *handle, int status, int events)
{
    struct channel *channel = handle->data;
    (void)status, (void)events;
    if (!ld_stopping_read(channel->stop_signals) || channel->stopping)
        return;
    channel->stopping = true; /* what is under way is said, unless the router is away for long */
    uv_timer_start(&channel->timer, on_patience_over, STOPPING_MS, 0);
    channel_leave_if_done(channel);
}

static int open_bus(struct channel *channel, struct ld_error *error)
{
    static const char *const DUE[] = {"delivery/>", "notify/>"};
    static const char *const PUBLIC[] = {"notice/*/public/*"};
    bool shows = channel->way->take != NULL;
    struct ld_client_options options;
    struct ld_stream_options listen;
    ld_client_options_init(&options);
    options.endpoint = channel->options->endpoint;
    options.identity = channel->identity;
    options.loop = &channel->loop;
    ld_stream_options_init(&listen);
    listen.filters = shows ? PUBLIC : DUE;
    listen.filter_count = shows ? 1 : 2;
    listen.opened = on_opened;
    listen.event = on_event;
    listen.failed = on_failed;
    listen.data = channel;
    int code = ld_client_open(&options, &channel->client, error);
    if (code == LD_OK)
        code = ld_stream_open(channel->client, &listen, &channel->stream, error);
    channel->producing = shows; /* nothing will be published */
    if (code == LD_OK && !shows)
        code = ld_producer_open(channel->client, channel->identity, on_producer, channel,
                                &channel->producer, error);
    return code;
}

static void open_handles(struct channel *channel)
{
    channel->stop_signals = ld_stopping_open();
    if (channel->stop_signals < 0 || uv_loop_init(&channel->loop) != 0 ||
        uv_poll_init(&channel->loop, &channel->asked, channel->stop_signals) != 0 ||
        uv_timer_init(&channel->loop, &channel->timer) != 0)
        abort(); /* no memory or descriptors at the very start */
    channel->asked.data = channel->timer.data = channel;
    uv_poll_start(&channel->asked, UV_READABLE, on_asked);
    uv_timer_start(&channel->timer, on_tick, 50, 0);
}

bool channel_run(const struct channel_options *options, const struct channel_way *way)
{
    struct channel channel = {
        .options = options, .way = way, .context = ld_context_system(), .head = UINT64_MAX};
    struct ld_error error = {0};
    snprintf(channel.identity, sizeof channel.identity, "channel-%s%s", way->kind,
             options->exercise ? "-exercise" : "");
    open_handles(&channel);
    if (open_bus(&channel, &error) != LD_OK)
        fail(&channel, error.text);
    uv_run(&channel.loop, UV_RUN_DEFAULT);
    pending_free(&channel);
    if (way->end != NULL)
        way->end();
    uv_loop_close(&channel.loop);
    close(channel.stop_signals);
    return !channel.failed;
}
