/*
 * The router's figures as Prometheus text (docs/metrics.md lists them). What STATUS says and what
 * this says come from the same figures (figures.c).
 *
 * The number of series is bounded: at most 256 producers, 256 streams and 64 topic families by
 * name, the rest of each as one called "other".
 */
#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include "metrics/http.h"

enum { NUMBER_SIZE = 24, FILTERS_SIZE = METRICS_LABEL_SIZE + 8 };

struct writing {
    const struct router *router;
    const struct figures *figures;
    struct metrics_text text;
};

static bool is_in(const struct figure *figure, const char *section)
{
    return figure->section && strcmp(figure->section, section) == 0;
}

static void write_single(struct writing *writing)
{
    for (size_t i = 0; i < writing->figures->count; i++) {
        const struct figure *figure = &writing->figures->all[i];
        if (!figure->metric || is_in(figure, FIGURES_SOCKET) || is_in(figure, FIGURES_TAP_SOCKET))
            continue;
        metrics_family(&writing->text, figure->metric, figure->kind, figure->help);
        if (figure->unit == FIGURE_US)
            metrics_seconds(&writing->text, NULL, (int64_t)figure->value);
        else
            metrics_number(&writing->text, NULL, figure->value);
    }
}

/* One family for both sockets. */
static void write_sockets(struct writing *writing)
{
    const struct figure *all = writing->figures->all;
    size_t count = writing->figures->count;
    for (size_t i = 0; i < count; i++) {
        if (!is_in(&all[i], FIGURES_SOCKET))
            continue;
        metrics_family(&writing->text, all[i].metric, all[i].kind, all[i].help);
        metrics_number(&writing->text, METRICS_LABELS({"socket", "clients"}), all[i].value);
        for (size_t k = 0; k < count; k++)
            if (is_in(&all[k], FIGURES_TAP_SOCKET) && strcmp(all[k].field, all[i].field) == 0)
                metrics_number(&writing->text, METRICS_LABELS({"socket", "tap"}), all[k].value);
    }
}

static void write_histograms(struct writing *writing)
{
    metrics_family(&writing->text, "liandong_log_sync_seconds", METRICS_HISTOGRAM,
                   "How long syncs of the log took");
    metrics_histogram(&writing->text, &writing->figures->log.syncs);
    metrics_family(&writing->text, "liandong_loop_turn_seconds", METRICS_HISTOGRAM,
                   "How long turns of the loop took, without waiting");
    metrics_histogram(&writing->text, &writing->router->turns);
}

static void write_build(struct writing *writing)
{
    metrics_family(&writing->text, "liandong_build_info", METRICS_GAUGE,
                   "Always 1; which program this is");
    metrics_number(&writing->text,
                   METRICS_LABELS({"program", "router"}, {"version", LIANDONG_VERSION}), 1);
}

/* ---- by code and operation ---- */

static void write_codes(struct writing *writing, const char *name, const char *help,
                        const uint64_t counts[ROUTER_CODES])
{
    metrics_family(&writing->text, name, METRICS_COUNTER, help);
    for (int code = 0; code < ROUTER_CODES; code++)
        if (counts[code] > 0)
            metrics_number(&writing->text, METRICS_LABELS({"code", ld_code_name(code)}),
                           counts[code]);
}

static void write_operations(struct writing *writing)
{
    const uint64_t *received = writing->router->counters.received;
    metrics_family(&writing->text, "liandong_received_total", METRICS_COUNTER,
                   "Messages from clients by operation; garbage: none of ours");
    metrics_number(&writing->text, METRICS_LABELS({"operation", "garbage"}), received[0]);
    for (int operation = WIRE_HELLO; operation <= WIRE_LAST; operation++)
        if (received[operation] > 0)
            metrics_number(
                &writing->text,
                METRICS_LABELS({"operation", wire_operation_name((enum wire_operation)operation)}),
                received[operation]);
}

static void write_by_code(struct writing *writing)
{
    write_codes(writing, "liandong_records_total", "Events that clients published, by outcome",
                writing->router->counters.records);
    write_codes(writing, "liandong_errors_total", "Errors answered to clients, by code",
                writing->router->counters.errors);
    write_operations(writing);
}

/* ---- producers ---- */

enum producer_column {
    PRODUCER_EVENTS,
    PRODUCER_BYTES,
    PRODUCER_DUPLICATES,
    PRODUCER_REFUSED,
    PRODUCER_SEQUENCE,
    PRODUCER_SEEN,
    PRODUCER_OPEN,
    PRODUCER_COLUMNS
};

static void write_refused(struct writing *writing, const char *name,
                          const struct producer_tally *tally)
{
    for (int code = 0; code < ROUTER_CODES; code++)
        if (code != LD_OK && code != LD_DUPLICATE && tally->outcomes[code] > 0)
            metrics_number(&writing->text,
                           METRICS_LABELS({"producer", name}, {"code", ld_code_name(code)}),
                           tally->outcomes[code]);
}

static void write_producer(struct writing *writing, enum producer_column column,
                           const struct producer_tally *tally)
{
    const struct producer *producer = tally->producer;
    const char *name = producer ? producer->name : TALLY_OTHER;
    metrics_labels labels = METRICS_LABELS({"producer", name});
    if (column == PRODUCER_EVENTS)
        metrics_number(&writing->text, labels, tally->outcomes[LD_OK]);
    else if (column == PRODUCER_BYTES)
        metrics_number(&writing->text, labels, tally->bytes);
    else if (column == PRODUCER_DUPLICATES)
        metrics_number(&writing->text, labels, tally->outcomes[LD_DUPLICATE]);
    else if (column == PRODUCER_REFUSED)
        write_refused(writing, name, tally);
    else if (column == PRODUCER_OPEN)
        metrics_number(&writing->text, labels, tally->claims);
    else if (column == PRODUCER_SEEN)
        metrics_seconds(&writing->text, labels, figures_seen_us(writing->figures, tally));
    else if (producer)
        metrics_number(&writing->text, labels, evlog_producer(writing->router->log, producer->id));
}

static void write_producers(struct writing *writing)
{
    static const struct {
        const char *name;
        enum metrics_kind kind;
        const char *help;
    } COLUMNS[PRODUCER_COLUMNS] = {
        {"liandong_producer_events_total", METRICS_COUNTER, "Events taken from the producer"},
        {"liandong_producer_bytes_total", METRICS_COUNTER, "Bytes of events taken"},
        {"liandong_producer_duplicates_total", METRICS_COUNTER, "Events that were there already"},
        {"liandong_producer_refused_total", METRICS_COUNTER, "Events refused, by code"},
        {"liandong_producer_sequence", METRICS_GAUGE, "Its last sequence in the log"},
        {"liandong_producer_last_seen_timestamp_seconds", METRICS_GAUGE,
         "When something was last heard from it"},
        {"liandong_producer_open", METRICS_GAUGE, "Sessions that have it open"},
    };
    const struct producer_tally *tallies = writing->router->producer_tallies;
    for (int column = 0; column < PRODUCER_COLUMNS; column++) {
        metrics_family(&writing->text, COLUMNS[column].name, COLUMNS[column].kind,
                       COLUMNS[column].help);
        for (size_t i = 0; i <= TALLY_PRODUCERS; i++)
            if (tally_is_used(&tallies[i]))
                write_producer(writing, (enum producer_column)column, &tallies[i]);
    }
}

/* ---- topic families ---- */

static void write_families(struct writing *writing)
{
    const struct router *router = writing->router;
    for (int bytes = 0; bytes < 2; bytes++) {
        metrics_family(&writing->text,
                       bytes ? "liandong_topic_bytes_total" : "liandong_topic_events_total",
                       METRICS_COUNTER,
                       bytes ? "Bytes of events appended, by first segment of the topic"
                             : "Events appended, by first segment of the topic");
        for (size_t i = 0; i <= router->family_count; i++) {
            const struct family_tally *family = &router->family_tallies[i];
            if (family->events > 0)
                metrics_number(&writing->text,
                               METRICS_LABELS({"family", i == 0 ? TALLY_OTHER : family->name}),
                               bytes ? family->bytes : family->events);
        }
    }
}

/* ---- queues ---- */

static void write_queues(struct writing *writing)
{
    static const struct {
        const char *name;
        enum metrics_kind kind;
        const char *help;
        size_t offset;
        bool limit; /* only shown where there is one */
    } COLUMNS[] = {
        {"liandong_queue_length", METRICS_GAUGE, "What waits in the queue",
         offsetof(struct queue_figures, length), false},
        {"liandong_queue_length_limit", METRICS_GAUGE, "How many may wait, where that is bounded",
         offsetof(struct queue_figures, length_limit), true},
        {"liandong_queue_bytes", METRICS_GAUGE, "Bytes that wait in the queue",
         offsetof(struct queue_figures, bytes), false},
        {"liandong_queue_bytes_limit", METRICS_GAUGE,
         "How many bytes may wait, where they are bounded",
         offsetof(struct queue_figures, bytes_limit), true},
        {"liandong_queue_dropped_total", METRICS_COUNTER,
         "Refused or dropped because the queue was full", offsetof(struct queue_figures, dropped),
         false},
    };
    for (size_t column = 0; column < sizeof COLUMNS / sizeof COLUMNS[0]; column++) {
        metrics_family(&writing->text, COLUMNS[column].name, COLUMNS[column].kind,
                       COLUMNS[column].help);
        for (size_t i = 0; i < FIGURES_QUEUES; i++) {
            const struct queue_figures *queue = &writing->figures->queues[i];
            uint64_t value;
            memcpy(&value, (const char *)queue + COLUMNS[column].offset, sizeof value);
            if (value > 0 || !COLUMNS[column].limit)
                metrics_number(&writing->text, METRICS_LABELS({"queue", queue->name}), value);
        }
    }
}

/* ---- streams ---- */

enum stream_column {
    STREAM_POSITION,
    STREAM_LAG_EVENTS,
    STREAM_LAG_SECONDS,
    STREAM_CREDIT_BYTES,
    STREAM_OUTSTANDING_BYTES,
    STREAM_SENT_EVENTS,
    STREAM_SENT_BYTES,
    STREAM_STATE,
    STREAM_INFO,
    STREAM_COLUMNS
};

static const char *filters_text(const struct filter_set *set, char text[FILTERS_SIZE])
{
    snprintf(text, FILTERS_SIZE, "%.*s", (int)set->text_size, set->text);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == '\n' ? ' ' : *at;
    return set->everything ? ">" : text;
}

static void write_stream(struct writing *writing, enum stream_column column,
                         const struct stream_figures *figures)
{
    const struct stream *stream = figures->stream;
    char session[NUMBER_SIZE], id[NUMBER_SIZE], filters[FILTERS_SIZE];
    snprintf(session, sizeof session, "%" PRIu64, stream->session->number);
    snprintf(id, sizeof id, "%" PRIu64, stream->id);
    struct metrics_label labels[5] = {
        {"identity", stream->session->identity}, {"session", session}, {"stream", id}};
    const uint64_t VALUES[STREAM_COLUMNS] = {
        [STREAM_POSITION] = figures->position,
        [STREAM_LAG_EVENTS] = figures->lag_events,
        [STREAM_CREDIT_BYTES] = stream->credit_bytes > 0 ? (uint64_t)stream->credit_bytes : 0,
        [STREAM_OUTSTANDING_BYTES] = (uint64_t)figures->outstanding_bytes,
        [STREAM_SENT_EVENTS] = stream->events_sent,
        [STREAM_SENT_BYTES] = stream->events_bytes,
        [STREAM_STATE] = 1,
        [STREAM_INFO] = 1,
    };
    if (column == STREAM_STATE)
        labels[3] = (struct metrics_label){"state", FIGURES_STREAM_STATES[stream->state]};
    if (column == STREAM_INFO)
        labels[3] = (struct metrics_label){"filters", filters_text(stream->filters, filters)};
    if (column == STREAM_LAG_SECONDS)
        metrics_seconds(&writing->text, labels, figures->lag_us);
    else
        metrics_number(&writing->text, labels, VALUES[column]);
}

static void write_other_streams(struct writing *writing, enum stream_column column)
{
    const struct figures *figures = writing->figures;
    metrics_labels labels =
        METRICS_LABELS({"identity", TALLY_OTHER}, {"session", ""}, {"stream", ""});
    if (figures->others_count == 0)
        return;
    if (column == STREAM_LAG_EVENTS)
        metrics_number(&writing->text, labels, figures->others.lag_events);
    else if (column == STREAM_LAG_SECONDS)
        metrics_seconds(&writing->text, labels, figures->others.lag_us);
    else if (column == STREAM_SENT_EVENTS)
        metrics_number(&writing->text, labels, figures->others_events);
    else if (column == STREAM_SENT_BYTES)
        metrics_number(&writing->text, labels, figures->others_bytes);
}

static void write_streams(struct writing *writing)
{
    static const struct {
        const char *name;
        enum metrics_kind kind;
        const char *help;
    } COLUMNS[STREAM_COLUMNS] = {
        {"liandong_stream_position", METRICS_GAUGE, "Up to here the consumer has processed"},
        {"liandong_stream_lag_events", METRICS_GAUGE, "Durable events behind its position"},
        {"liandong_stream_lag_seconds", METRICS_GAUGE,
         "Age of the first event that it has not processed"},
        {"liandong_stream_credit_bytes", METRICS_GAUGE, "What may still be sent to it"},
        {"liandong_stream_outstanding_bytes", METRICS_GAUGE, "What was sent and not given back"},
        {"liandong_stream_sent_events_total", METRICS_COUNTER, "Events sent to it"},
        {"liandong_stream_sent_bytes_total", METRICS_COUNTER, "Bytes of events sent to it"},
        {"liandong_stream_state", METRICS_GAUGE, "1 for the state it is in"},
        {"liandong_stream_info", METRICS_GAUGE, "Always 1; its filters"},
    };
    const struct figures *figures = writing->figures;
    for (int column = 0; column < STREAM_COLUMNS; column++) {
        metrics_family(&writing->text, COLUMNS[column].name, COLUMNS[column].kind,
                       COLUMNS[column].help);
        for (size_t i = 0; i < figures->stream_count; i++)
            write_stream(writing, (enum stream_column)column, &figures->streams[i]);
        write_other_streams(writing, (enum stream_column)column);
    }
}

static void write_stream_totals(struct writing *writing)
{
    metrics_family(&writing->text, "liandong_streams", METRICS_GAUGE,
                   "Streams that are open, by state");
    for (int state = 0; state < STREAM_STATES; state++)
        metrics_number(&writing->text, METRICS_LABELS({"state", FIGURES_STREAM_STATES[state]}),
                       writing->router->streams_by_state[state]);
}

/* ---- all of it ---- */

static void render(struct ld_buffer *text, void *data)
{
    struct router *router = data;
    struct figures figures;
    figures_take(router, &figures);
    struct writing writing = {.router = router, .figures = &figures};
    write_build(&writing);
    write_single(&writing);
    write_sockets(&writing);
    write_histograms(&writing);
    write_by_code(&writing);
    write_queues(&writing);
    write_stream_totals(&writing);
    write_streams(&writing);
    write_producers(&writing);
    write_families(&writing);
    ld_buffer_append(text, writing.text.buffer.data, writing.text.buffer.size);
    ld_buffer_free(&writing.text.buffer);
}

int metrics_open(struct router *router, const char *address, struct ld_error *error)
{
    int code = metrics_http_open(router->loop, address, render, router, &router->metrics, error);
    if (code != LD_OK)
        return code;
    router->sockets_open++;
    if (metrics_http_is_public(router->metrics))
        note(router, "the metrics at %s can be read by whoever reaches that address",
             metrics_http_address(router->metrics));
    return LD_OK;
}
