/* STATUS: what the router knows about itself, as JSON (docs/protocol.md lists the fields). */
#include "figures.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

enum { STATUS_FILTERS = 8 }; /* of each stream; there may be many streams */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *hex(const uint8_t *bytes, size_t size)
{
    char text[2 * EVLOG_ID_SIZE + 1];
    assert(size <= EVLOG_ID_SIZE);
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return json_string(text);
}

static json_t *hex64(uint64_t value)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, value);
    return json_string(text);
}

/* All figures of a section (NULL: those at the top). */
static void put_section(json_t *json, const struct figures *figures, const char *section)
{
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        if (section ? !figure->section || strcmp(figure->section, section) != 0
                    : figure->section != NULL)
            continue;
        json_object_set_new(json, figure->field,
                            figure->unit == FIGURE_FLAG ? json_boolean(figure->value)
                                                        : number(figure->value));
    }
}

static json_t *section_json(const struct figures *figures, const char *section)
{
    json_t *json = json_object();
    put_section(json, figures, section);
    return json;
}

static json_t *log_json(const struct router *router, const struct figures *figures)
{
    json_t *log = section_json(figures, "log");
    json_object_set_new(log, "directory", json_string(router->directory));
    json_object_set_new(log, "id", hex(evlog_id(router->log), EVLOG_ID_SIZE));
    return log;
}

/* ---- streams, sessions, queues ---- */

static json_t *filters_json(const struct filter_set *set)
{
    json_t *filters = json_array();
    for (size_t i = 0; i < set->count && i < STATUS_FILTERS; i++)
        json_array_append_new(filters, json_stringn(set->filters[i].text, set->filters[i].size));
    return filters;
}

static json_t *stream_json(const struct stream_figures *figures)
{
    const struct stream *stream = figures->stream;
    json_t *json = json_object();
    json_object_set_new(json, "identity", json_string(stream->session->identity));
    json_object_set_new(json, "session", number(stream->session->number));
    json_object_set_new(json, "id", number(stream->id));
    json_object_set_new(json, "filters", filters_json(stream->filters));
    json_object_set_new(json, "filter_count", number(stream->filters->count));
    json_object_set_new(json, "state", json_string(FIGURES_STREAM_STATES[stream->state]));
    json_object_set_new(json, "position", number(figures->position));
    json_object_set_new(json, "lag", number(figures->lag_events));
    json_object_set_new(json, "lag_us", json_integer(figures->lag_us));
    json_object_set_new(json, "outstanding_bytes", json_integer(figures->outstanding_bytes));
    json_object_set_new(json, "credit_bytes", json_integer(stream->credit_bytes));
    json_object_set_new(json, "sent_bytes", number(stream->events_bytes));
    json_object_set_new(json, "sent_events", number(stream->events_sent));
    return json;
}

static json_t *streams_json(const struct figures *figures)
{
    json_t *streams = json_array();
    for (size_t i = 0; i < figures->stream_count; i++)
        json_array_append_new(streams, stream_json(&figures->streams[i]));
    return streams;
}

static json_t *other_streams_json(const struct figures *figures)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "count", (json_int_t)figures->others_count, "lag",
                     (json_int_t)figures->others.lag_events, "lag_us",
                     (json_int_t)figures->others.lag_us, "sent_bytes",
                     (json_int_t)figures->others_bytes, "sent_events",
                     (json_int_t)figures->others_events);
}

static json_t *session_json(const struct router *router, const struct session *session)
{
    int64_t silent_us = ld_monotonic_us(router->context) - session->heard_us;
    json_t *json = json_object();
    json_object_set_new(json, "identity", json_string(session->identity));
    json_object_set_new(json, "session", number(session->number));
    json_object_set_new(json, "streams", number(HASH_COUNT(session->streams)));
    json_object_set_new(json, "producers", number(HASH_COUNT(session->claims)));
    json_object_set_new(json, "events_published", number(session->events_published));
    json_object_set_new(json, "events_refused", number(session->events_refused));
    json_object_set_new(json, "outbox", number(session->outbox_count));
    json_object_set_new(json, "silent_ms", json_integer(silent_us / 1000));
    return json;
}

static json_t *sessions_json(const struct router *router)
{
    json_t *sessions = json_array();
    for (const struct session *session = router->sessions; session; session = session->hh.next)
        json_array_append_new(sessions, session_json(router, session));
    return sessions;
}

static json_t *queues_json(const struct figures *figures)
{
    json_t *queues = json_object();
    for (size_t i = 0; i < FIGURES_QUEUES; i++) {
        const struct queue_figures *queue = &figures->queues[i];
        json_t *json = json_object();
        json_object_set_new(json, "length", number(queue->length));
        json_object_set_new(json, "length_limit", number(queue->length_limit));
        json_object_set_new(json, "bytes", number(queue->bytes));
        json_object_set_new(json, "bytes_limit", number(queue->bytes_limit));
        json_object_set_new(json, "dropped", number(queue->dropped));
        json_object_set_new(queues, queue->name, json);
    }
    return queues;
}

/* ---- counters ---- */

static json_t *codes_json(const uint64_t counts[ROUTER_CODES])
{
    json_t *codes = json_object();
    for (int code = 0; code < ROUTER_CODES; code++)
        if (counts[code] > 0)
            json_object_set_new(codes, ld_code_name(code), number(counts[code]));
    return codes;
}

static json_t *received_json(const struct router_counters *counters)
{
    json_t *received = json_object();
    json_object_set_new(received, "garbage", number(counters->received[0]));
    for (int operation = WIRE_HELLO; operation <= WIRE_LAST; operation++)
        if (counters->received[operation] > 0)
            json_object_set_new(received, wire_operation_name((enum wire_operation)operation),
                                number(counters->received[operation]));
    return received;
}

static json_t *counters_json(const struct router *router, const struct figures *figures)
{
    const struct router_counters *counters = &router->counters;
    json_t *json = section_json(figures, "counters");
    json_object_set_new(json, "received", received_json(counters));
    json_object_set_new(json, "records", codes_json(counters->records));
    json_object_set_new(json, "errors", codes_json(counters->errors));
    json_object_set_new(json, "socket", section_json(figures, "socket"));
    if (router->tap)
        json_object_set_new(json, "tap_socket", section_json(figures, "tap_socket"));
    return json;
}

/* ---- producers and families ---- */

static json_t *tally_json(const struct router *router, const struct producer_tally *tally)
{
    const struct producer *producer = tally->producer;
    int64_t now_us = ld_monotonic_us(router->context);
    json_t *json = json_object();
    json_object_set_new(json, "name", json_string(producer ? producer->name : TALLY_OTHER));
    json_object_set_new(json, "open", json_boolean(tally->claims > 0));
    if (producer)
        json_object_set_new(json, "sequence", number(evlog_producer(router->log, producer->id)));
    json_object_set_new(json, "silent_ms", json_integer((now_us - tally->seen_us) / 1000));
    json_object_set_new(json, "bytes", number(tally->bytes));
    json_object_set_new(json, "outcomes", codes_json(tally->outcomes));
    return json;
}

static json_t *publishers_json(const struct router *router)
{
    json_t *publishers = json_array();
    for (size_t i = 0; i <= TALLY_PRODUCERS; i++)
        if (tally_is_used(&router->producer_tallies[i]))
            json_array_append_new(publishers, tally_json(router, &router->producer_tallies[i]));
    return publishers;
}

static json_t *families_json(const struct router *router)
{
    json_t *families = json_object();
    for (size_t i = 0; i <= router->family_count; i++) {
        const struct family_tally *family = &router->family_tallies[i];
        if (family->events > 0)
            json_object_set_new(families, i == 0 ? TALLY_OTHER : family->name,
                                json_pack("{s:I,s:I}", "events", (json_int_t)family->events,
                                          "bytes", (json_int_t)family->bytes));
    }
    return families;
}

static json_t *status_json(struct router *router)
{
    struct figures figures;
    figures_take(router, &figures);
    json_t *json = json_object();
    json_object_set_new(json, "incarnation", hex64(router->incarnation));
    put_section(json, &figures, NULL);
    json_object_set_new(json, "loop", section_json(&figures, "loop"));
    json_object_set_new(json, "process", section_json(&figures, "process"));
    json_object_set_new(json, "log", log_json(router, &figures));
    json_object_set_new(json, "sessions", sessions_json(router));
    json_object_set_new(json, "streams", streams_json(&figures));
    json_object_set_new(json, "other_streams", other_streams_json(&figures));
    json_object_set_new(json, "publishers", publishers_json(router));
    json_object_set_new(json, "families", families_json(router));
    json_object_set_new(json, "queues", queues_json(&figures));
    json_object_set_new(json, "counters", counters_json(router, &figures));
    return json;
}

/* ---- asking ---- */

enum { STATUS_SHARE = 10, STATUS_WINDOW_US = 1000000 };

/*
 * What is to be said grows with sessions and streams, and anybody may ask at any rate. So it is
 * put together outside of the handling of messages, once for all that have asked until then, and
 * in a tenth of the router's time, whoever asks. What is not used of that is kept for a second:
 * who asks now and then, or a hundred times in a row like one who waits for an exercise's step to
 * end, does not wait.
 */
int64_t status_next_us(int64_t next_us, int64_t begin_us, int64_t end_us)
{
    int64_t kept_us = begin_us - STATUS_WINDOW_US;
    return (next_us > kept_us ? next_us : kept_us) + STATUS_SHARE * (end_us - begin_us);
}

struct status_request {
    struct status_request *next;
    struct session *session;
    uint64_t id;
};

static int64_t status_wait_us(const struct router *router)
{
    int64_t wait_us = router->status_next_us - ld_monotonic_us(router->context);
    return wait_us > 0 ? wait_us : 0;
}

void status_ask(struct session *session, const struct wire_head *head)
{
    struct router *router = session->router;
    if (session->status_count >= STATUS_WAITING) {
        send_error(session, head->id, LD_BUSY, "wait for the answers to your earlier STATUS");
        return;
    }
    struct status_request *request = calloc(1, sizeof *request);
    if (!request)
        abort();
    request->session = session_retain(session);
    request->id = head->id;
    session->status_count++;
    LL_APPEND(router->status_requests, request);
    if (!uv_is_active((uv_handle_t *)&router->asked))
        uv_timer_start(&router->asked, status_due, (uint64_t)(status_wait_us(router) + 999) / 1000,
                       0);
}

static struct session *status_pop(struct router *router, uint64_t *id)
{
    struct status_request *request = router->status_requests;
    struct session *session = request->session;
    *id = request->id;
    router->status_requests = request->next;
    session->status_count--;
    free(request);
    return session;
}

void status_drop_all(struct router *router)
{
    uint64_t id;
    uv_timer_stop(&router->asked);
    while (router->status_requests)
        session_release(status_pop(router, &id));
}

void status_due(uv_timer_t *timer)
{
    struct router *router = timer->data;
    int64_t begin_us = ld_monotonic_us(router->context);
    json_t *json = status_json(router);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    while (router->status_requests) {
        uint64_t id;
        struct session *session = status_pop(router, &id);
        struct wire_head answer = {WIRE_STATUS_OK, id, 0, evlog_durable(router->log)};
        if (text)
            send_answer(session, &answer, text, strlen(text));
        else
            send_error(session, id, LD_NOMEM, "no memory for the answer");
        session_release(session);
    }
    free(text);
    router->status_next_us =
        status_next_us(router->status_next_us, begin_us, ld_monotonic_us(router->context));
}
