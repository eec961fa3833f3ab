/*
 * Blocking use of libliandong. Happy path of a publish: open a stream of one's own receipts from
 * now on, wait until it is answered, open the producer, publish, run until every event has its
 * result and its receipt. A link that is lost meanwhile is made good by the library; only the
 * timeout ends a wait.
 */
#include "bus.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evlog/evlog.h"
#include "liandong/v1/common.pb-c.h"
#include "timefmt.h"

enum { RUN_SLICE_US = 20000, AWAY_US = 1000000 };

int bus_open(const struct cli *cli, struct ld_client **client, struct ld_error *error)
{
    struct ld_client_options options;
    ld_client_options_init(&options);
    options.endpoint = cli->endpoint;
    options.identity = cli->identity;
    options.keys = cli->keys;
    int code = ld_client_open(&options, client, error);
    if (code != LD_OK)
        return code;
    bool may_wait = cli->outbox != NULL; /* then nothing is lost by the router being away */
    int64_t timeout_us = may_wait && cli->timeout_us > AWAY_US ? (int64_t)AWAY_US : cli->timeout_us;
    code = ld_client_wait_up(*client, timeout_us, error);
    if (code == LD_OK || (code == LD_TIMEOUT && may_wait))
        return LD_OK;
    bus_close(*client);
    *client = NULL;
    if (code == LD_TIMEOUT)
        (void)ld_fail(error, LD_UNREACHABLE,
                      "no router answers at %s; is it running? (--endpoint, LIANDONG_ENDPOINT)",
                      cli->endpoint);
    return error->code;
}

void bus_close(struct ld_client *client)
{
    ld_client_close(client, NULL, NULL);
}

int64_t bus_now(const struct ld_client *client)
{
    struct ld_client_state state;
    ld_client_get_state(client, &state);
    return state.router_time_us != 0 ? state.router_time_us : ld_wall_us(ld_context_system());
}

uint16_t bus_flags(const struct cli *cli, const struct ld_client *client)
{
    struct ld_client_state state;
    ld_client_get_state(client, &state);
    return cli->exercise || state.drill ? LD_RECORD_EXERCISE : 0;
}

/* ---- waiting ---- */

struct patience {
    const struct cli *cli;
    int64_t since_us;
};

static struct patience patience_begin(const struct cli *cli)
{
    return (struct patience){.cli = cli, .since_us = ld_monotonic_us(cli->context)};
}

static bool patience_ends(const struct patience *patience)
{
    return ld_monotonic_us(patience->cli->context) - patience->since_us > patience->cli->timeout_us;
}

/* ---- reading ---- */

struct reading {
    const struct bus_read *read;
    struct ld_client *client;
    bool opened, failed;
    uint64_t head, seen;
    struct ld_error error;
};

static void on_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct reading *reading = data;
    (void)stream;
    (void)from;
    if (!reading->opened)
        reading->head = head;
    reading->opened = true;
    ld_client_stop(reading->client);
}

static bool stopped(const struct reading *reading)
{
    return (reading->read->stop != NULL && *reading->read->stop) ||
           (reading->read->interrupted != NULL && *reading->read->interrupted != 0);
}

static void on_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    struct reading *reading = data;
    (void)stream;
    if (!reading->read->follow && reading->opened && record->sequence > reading->head)
        return;
    if (!stopped(reading))
        reading->read->each(record, reading->read->data);
    reading->seen = record->sequence;
    if (reading->seen >= reading->head || stopped(reading))
        ld_client_stop(reading->client);
}

static void on_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct reading *reading = data;
    (void)stream;
    reading->failed = true;
    reading->error = *error;
    ld_client_stop(reading->client);
}

static bool complete(const struct reading *reading, const struct ld_stream *stream)
{
    if (reading->read->follow || !reading->opened)
        return false;
    return reading->head == 0 || reading->read->from == LD_FROM_NOW ||
           (reading->read->from > reading->head) || ld_stream_position(stream) >= reading->head;
}

static int run_reading(const struct cli *cli, struct reading *reading, struct ld_stream *stream,
                       struct ld_error *error)
{
    struct patience patience = patience_begin(cli);
    uint64_t position = 0;
    while (!complete(reading, stream) && !stopped(reading) && !reading->failed) {
        (void)ld_client_run(reading->client, RUN_SLICE_US);
        uint64_t now = ld_stream_position(stream) + reading->seen + reading->opened;
        if (now != position)
            patience = patience_begin(cli);
        position = now;
        if (!(reading->read->follow && reading->opened) && patience_ends(&patience))
            return ld_fail(error, LD_TIMEOUT, "the router at %s sent nothing for too long",
                           cli->endpoint);
    }
    if (reading->failed)
        *error = reading->error;
    return reading->failed ? reading->error.code : LD_OK;
}

int bus_read(const struct cli *cli, struct ld_client *client, const struct bus_read *read,
             struct ld_error *error)
{
    struct reading reading = {.read = read, .client = client};
    struct ld_stream_options options;
    struct ld_stream *stream = NULL;
    ld_stream_options_init(&options);
    options.from = read->from;
    options.filters = read->filters;
    options.filter_count = read->filter_count;
    options.opened = on_opened;
    options.event = on_event;
    options.failed = on_failed;
    options.data = &reading;
    int code = ld_stream_open(client, &options, &stream, error);
    if (code != LD_OK)
        return code;
    code = run_reading(cli, &reading, stream, error);
    ld_stream_close(stream);
    return code;
}

/* ---- publishing ---- */

struct publishing {
    const struct cli *cli;
    struct ld_client *client;
    struct bus_event *events;
    size_t count, results, receipts;
    struct slot **slots; /* of each event, NULL once it has its result */
    bool listening, failed, ready;
    int code;
    struct ld_error error;
};

struct slot { /* what a publish's completion needs; publishing is NULL when nobody waits any more */
    struct publishing *publishing;
    size_t index;
};

static void receipts_opened(struct ld_stream *stream, uint64_t from, uint64_t head, void *data)
{
    struct publishing *publishing = data;
    (void)stream;
    (void)from;
    (void)head;
    publishing->listening = true;
    ld_client_stop(publishing->client);
}

static void receipts_failed(struct ld_stream *stream, const struct ld_error *error, void *data)
{
    struct publishing *publishing = data;
    (void)stream;
    publishing->failed = true;
    publishing->error = *error;
    ld_client_stop(publishing->client);
}

static struct bus_event *event_at(struct publishing *publishing, uint64_t sequence)
{
    for (size_t i = 0; i < publishing->count; i++)
        if (publishing->events[i].sequence == sequence && !publishing->events[i].answered)
            return &publishing->events[i];
    return NULL;
}

static void take_receipt(struct publishing *publishing, const Liandong__V1__Receipt *receipt)
{
    struct bus_event *event =
        receipt->context != NULL ? event_at(publishing, receipt->context->causation) : NULL;
    if (event == NULL)
        return;
    event->answered = true;
    event->accepted = receipt->accepted;
    snprintf(event->answer, sizeof event->answer, "%s", receipt->code);
    snprintf(event->section, sizeof event->section, "%s", receipt->section);
    if (receipt->reason != NULL)
        snprintf(event->reason, sizeof event->reason, "%s",
                 publishing->cli->zh ? receipt->reason->zh : receipt->reason->en);
    publishing->receipts++;
    ld_client_stop(publishing->client);
}

static void receipt_event(struct ld_stream *stream, const struct ld_record *record, void *data)
{
    Liandong__V1__Receipt *receipt =
        liandong__v1__receipt__unpack(NULL, record->payload_size, record->payload);
    (void)stream;
    if (receipt == NULL)
        return;
    take_receipt(data, receipt);
    liandong__v1__receipt__free_unpacked(receipt, NULL);
}

static void producer_ready(struct ld_producer *producer, int code, uint64_t last_sequence,
                           void *data)
{
    struct publishing *publishing = data;
    (void)producer;
    (void)last_sequence;
    publishing->ready = true;
    publishing->code = code;
    ld_client_stop(publishing->client);
}

static void take_result(struct publishing *publishing, size_t index,
                        const struct ld_published *published)
{
    struct bus_event *event = &publishing->events[index];
    event->code = published->code == LD_DUPLICATE ? LD_OK : published->code;
    event->sequence = published->sequence;
    if (event->code != LD_OK)
        snprintf(event->reason, sizeof event->reason, "%s",
                 published->reason[0] != '\0' ? published->reason : ld_code_text(published->code));
    publishing->slots[index] = NULL;
    publishing->results++;
    ld_client_stop(publishing->client);
}

static void on_published(const struct ld_published *published, void *data)
{
    struct slot *slot = data;
    if (slot->publishing != NULL)
        take_result(slot->publishing, slot->index, published);
    free(slot);
}

static int open_receipts(struct publishing *publishing, struct ld_stream **stream,
                         struct ld_error *error)
{
    char filter[LD_TOPIC_SIZE_MAX];
    const char *filters[] = {filter};
    snprintf(filter, sizeof filter, "receipt/*/%s", publishing->cli->identity);
    struct ld_stream_options options;
    ld_stream_options_init(&options);
    options.from = LD_FROM_NOW;
    options.filters = filters;
    options.filter_count = 1;
    options.opened = receipts_opened;
    options.event = receipt_event;
    options.failed = receipts_failed;
    options.data = publishing;
    return ld_stream_open(publishing->client, &options, stream, error);
}

/* Also notices that the router does not let us in any more. */
static void run_slice(struct publishing *publishing)
{
    struct ld_error error;
    (void)ld_client_run(publishing->client, RUN_SLICE_US);
    if (ld_client_wait_up(publishing->client, 0, &error) != LD_DENIED)
        return;
    publishing->failed = true;
    publishing->error = error;
}

/* Runs until *done reaches goal; LD_TIMEOUT after too long without a step forward. */
static int run_until(struct publishing *publishing, const size_t *done, size_t goal,
                     const char *what, struct ld_error *error)
{
    struct patience patience = patience_begin(publishing->cli);
    size_t before = *done;
    while (*done < goal && !publishing->failed) {
        run_slice(publishing);
        if (*done != before)
            patience = patience_begin(publishing->cli);
        before = *done;
        if (patience_ends(&patience))
            return ld_fail(error, LD_TIMEOUT, "no answer: %s", what);
    }
    if (publishing->failed)
        *error = publishing->error;
    return publishing->failed ? publishing->error.code : LD_OK;
}

/* The same for something that is or is not yet so. */
static int run_until_set(struct publishing *publishing, const bool *set, const char *what,
                         struct ld_error *error)
{
    struct patience patience = patience_begin(publishing->cli);
    while (!*set && !publishing->failed) {
        run_slice(publishing);
        if (patience_ends(&patience))
            return ld_fail(error, LD_TIMEOUT, "no answer: %s", what);
    }
    if (publishing->failed)
        *error = publishing->error;
    return publishing->failed ? publishing->error.code : LD_OK;
}

static int send_one(struct publishing *publishing, struct ld_producer *producer, size_t index,
                    struct ld_error *error)
{
    const struct bus_event *event = &publishing->events[index];
    size_t size = protobuf_c_message_get_packed_size(event->message);
    uint8_t *payload = malloc(size + 1);
    struct slot *slot = malloc(sizeof *slot);
    if (payload == NULL || slot == NULL)
        abort();
    *slot = (struct slot){publishing, index};
    protobuf_c_message_pack(event->message, payload);
    struct ld_event sent = {
        .topic = event->topic, .payload = payload, .payload_size = size, .flags = event->flags};
    int code = ld_publish(producer, &sent, on_published, slot, error);
    if (code == LD_OK)
        publishing->slots[index] = slot;
    else
        free(slot);
    free(payload);
    return code;
}

static int first_refusal(const struct publishing *publishing, struct ld_error *error)
{
    for (size_t i = 0; i < publishing->count; i++)
        if (publishing->events[i].code != LD_OK)
            return ld_fail(error, publishing->events[i].code, "%s: %s", publishing->events[i].topic,
                           publishing->events[i].reason);
    return LD_OK;
}

/* Commands that run at once must not take each other's producer; and a producer is remembered for
 * ever, so there may not be one a command. Processes at one time have different numbers. */
static void producer_name(const struct publishing *publishing, char *name, size_t size)
{
    snprintf(name, size, "%s#cli-%u", publishing->cli->identity, (unsigned)getpid() % 1024);
}

static int publish_all(struct publishing *publishing, struct ld_error *error)
{
    char name[128];
    struct ld_producer *producer = NULL;
    producer_name(publishing, name, sizeof name);
    int code =
        ld_producer_open(publishing->client, name, producer_ready, publishing, &producer, error);
    if (code == LD_OK)
        code = run_until_set(publishing, &publishing->ready, "the producer was not opened", error);
    if (code == LD_OK && publishing->code != LD_OK)
        code = ld_fail(error, publishing->code, "producer %s: %s", name,
                       ld_code_text(publishing->code));
    for (size_t i = 0; i < publishing->count && code == LD_OK; i++)
        code = send_one(publishing, producer, i, error);
    if (code == LD_OK)
        code = run_until(publishing, &publishing->results, publishing->count,
                         "the router has not made it durable", error);
    if (code == LD_OK)
        code = first_refusal(publishing, error);
    if (code == LD_OK)
        code = run_until(publishing, &publishing->receipts, publishing->count,
                         "it is durable, but no service has answered; are the services running?",
                         error);
    return code;
}

/* Results that still come find nobody waiting. */
static void let_go(struct publishing *publishing)
{
    for (size_t i = 0; i < publishing->count; i++)
        if (publishing->slots[i] != NULL)
            publishing->slots[i]->publishing = NULL;
    free(publishing->slots);
}

int bus_publish(const struct cli *cli, struct ld_client *client, struct bus_event *events,
                size_t count, struct ld_error *error)
{
    struct publishing publishing = {.cli = cli,
                                    .client = client,
                                    .events = events,
                                    .count = count,
                                    .slots = calloc(count + 1, sizeof *publishing.slots)};
    struct ld_stream *stream = NULL;
    if (publishing.slots == NULL)
        abort();
    int code = open_receipts(&publishing, &stream, error);
    if (code == LD_OK)
        code =
            run_until_set(&publishing, &publishing.listening, "the stream was not opened", error);
    if (code == LD_OK)
        code = publish_all(&publishing, error);
    if (stream != NULL)
        ld_stream_close(stream);
    let_go(&publishing);
    return code;
}

/* ---- telling ---- */

static void tell_event(const struct cli *cli, const struct bus_event *event)
{
    if (cli->json) {
        cli_print_json(json_pack("{s:s,s:I,s:b,s:s,s:s,s:s}", "topic", event->topic, "sequence",
                                 (json_int_t)event->sequence, "accepted", event->accepted, "code",
                                 event->answer, "section", event->section, "reason",
                                 event->reason));
        return;
    }
    if (event->accepted) {
        printf(cli_say(cli, "已受理 %s（第 %llu 号）\n", "accepted: %s (sequence %llu)\n"),
               event->topic, (unsigned long long)event->sequence);
        return;
    }
    fflush(stdout);
    fprintf(stderr,
            cli_say(cli, "拒收 %s（第 %llu 号）：%s%s%s：%s\n",
                    "refused: %s (sequence %llu): %s%s%s: %s\n"),
            event->topic, (unsigned long long)event->sequence, event->answer,
            event->section[0] != '\0' ? cli_say(cli, "，见 ", ", section ") : "", event->section,
            event->reason);
}

int bus_tell(const struct cli *cli, const struct bus_event *events, size_t count)
{
    bool refused = false;
    for (size_t i = 0; i < count; i++) {
        if (events[i].answered)
            tell_event(cli, &events[i]);
        refused |= events[i].answered && !events[i].accepted;
    }
    return refused ? CLI_REFUSED : CLI_OK;
}

int bus_publish_and_tell(const struct cli *cli, struct ld_client *client, struct bus_event *events,
                         size_t count)
{
    struct ld_error error;
    int code = bus_publish(cli, client, events, count, &error);
    int status = bus_tell(cli, events, count);
    return code != LD_OK ? cli_fail(cli, &error) : status;
}

/* ---- a log folder ---- */

static bool matches(const struct bus_read *read, const struct ld_record *record)
{
    for (size_t i = 0; i < read->filter_count; i++)
        if (ld_filter_matches(read->filters[i], strlen(read->filters[i]), record->topic,
                              record->topic_size))
            return true;
    return read->filter_count == 0;
}

static int give_span(const struct bus_read *read, const struct evlog_span *span,
                     struct ld_error *error)
{
    size_t at = 0;
    while (at < span->size) {
        struct ld_record record;
        int code = ld_record_decode(span->data + at, span->size - at, &record, error);
        if (code == LD_OK)
            code = ld_record_check(&record, error);
        if (code != LD_OK)
            return ld_wrap(error, code, "event %llu", (unsigned long long)(span->first));
        if (matches(read, &record))
            read->each(&record, read->data);
        at += record.size;
    }
    return LD_OK;
}

/* Reads on from next, past what the log's indexes rule out. */
static int give_from(const struct bus_read *read, struct evlog *log,
                     struct evlog_selection *selection, uint64_t *next, struct ld_error *error)
{
    enum { SPAN_BYTES = 1 << 20 };
    struct evlog_span span;
    size_t step_bytes = SIZE_MAX;
    if (selection->count > 0)
        *next = evlog_seek(log, selection, *next, &step_bytes);
    if (step_bytes == 0)
        return LD_OK;
    if (step_bytes > SPAN_BYTES)
        step_bytes = SPAN_BYTES;
    int code = evlog_read(log, *next, step_bytes, &span, error);
    if (code != LD_OK || span.size == 0)
        return code;
    code = give_span(read, &span, error);
    *next = span.last + 1;
    evlog_span_release(&span);
    return code;
}

static int check_filters(const struct bus_read *read, struct ld_error *error)
{
    for (size_t i = 0; i < read->filter_count; i++) {
        int code = ld_filter_check(read->filters[i], strlen(read->filters[i]), error);
        if (code != LD_OK)
            return ld_wrap(error, code, "filter %zu", i + 1);
    }
    return LD_OK;
}

static int read_folder(const struct cli *cli, const char *directory, const struct bus_read *read,
                       struct ld_error *error)
{
    struct evlog_options options;
    struct evlog *log = NULL;
    evlog_options_init(&options);
    options.read_only = true;
    options.writer_thread = false;
    int code = check_filters(read, error);
    if (code == LD_OK)
        code = evlog_open(cli->context, directory, &options, &log, NULL, error);
    if (code != LD_OK)
        return code;
    struct evlog_filter *filters = calloc(read->filter_count + 1, sizeof *filters);
    if (filters == NULL)
        abort();
    for (size_t i = 0; i < read->filter_count; i++)
        filters[i] = (struct evlog_filter){read->filters[i], strlen(read->filters[i])};
    struct evlog_selection selection = {.filters = filters, .count = read->filter_count};
    uint64_t next = read->from > evlog_first(log) ? read->from : evlog_first(log);
    while (code == LD_OK && next <= evlog_durable(log))
        code = give_from(read, log, &selection, &next, error);
    free(filters);
    evlog_close(log);
    return code;
}

int bus_source(const struct cli *cli, const char *directory, const struct bus_read *read,
               struct ld_error *error)
{
    struct ld_client *client = NULL;
    if (directory != NULL)
        return read_folder(cli, directory, read, error);
    int code = bus_open(cli, &client, error);
    if (code != LD_OK)
        return code;
    code = bus_read(cli, client, read, error);
    bus_close(client);
    return code;
}
