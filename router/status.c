/* STATUS: what the router knows about itself, as JSON (docs/protocol.md lists the fields). */
#include "internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

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

static json_t *log_json(const struct router *router)
{
    struct evlog_stats stats;
    evlog_get_stats(router->log, &stats);
    json_t *log = json_object();
    json_object_set_new(log, "directory", json_string(router->directory));
    json_object_set_new(log, "id", hex(evlog_id(router->log), EVLOG_ID_SIZE));
    json_object_set_new(log, "first", number(evlog_first(router->log)));
    json_object_set_new(log, "staged", number(evlog_staged(router->log)));
    json_object_set_new(log, "last_time_us", json_integer(evlog_last_time_us(router->log)));
    json_object_set_new(log, "bytes_on_disk", number(stats.bytes_on_disk));
    json_object_set_new(log, "events_staged", number(stats.events_staged));
    json_object_set_new(log, "bytes_staged", number(stats.bytes_staged));
    json_object_set_new(log, "commits", number(stats.commits));
    json_object_set_new(log, "syncs", number(ld_histogram_count(&stats.syncs)));
    json_object_set_new(log, "segments_created", number(stats.segments_created));
    json_object_set_new(log, "refused_nospace", number(stats.refused_nospace));
    json_object_set_new(log, "refused_busy", number(stats.refused_busy));
    json_object_set_new(log, "sync_us_last", json_integer(stats.sync_us_last));
    json_object_set_new(log, "sync_us_max", json_integer(stats.syncs.max_us));
    json_object_set_new(log, "failed", json_boolean(stats.failed));
    return log;
}

static json_t *filters_json(const struct filter_set *set)
{
    json_t *filters = json_array();
    for (size_t i = 0; i < set->count; i++)
        json_array_append_new(filters, json_stringn(set->filters[i].text, set->filters[i].size));
    return filters;
}

static json_t *stream_json(const struct router *router, const struct stream *stream)
{
    static const char *const STATES[] = {"ready", "at-head", "no-credit", "busy"};
    uint64_t position = stream_position(stream);
    int64_t outstanding = stream->window_bytes - stream->credit_bytes;
    json_t *json = json_object();
    json_object_set_new(json, "identity", json_string(stream->session->identity));
    json_object_set_new(json, "id", number(stream->id));
    json_object_set_new(json, "filters", filters_json(stream->filters));
    json_object_set_new(json, "state", json_string(STATES[stream->state]));
    json_object_set_new(json, "position", number(position));
    json_object_set_new(json, "lag", number(evlog_durable(router->log) - position));
    json_object_set_new(json, "outstanding_bytes", json_integer(outstanding));
    json_object_set_new(json, "sent_bytes", number(stream->events_bytes));
    return json;
}

static json_t *session_json(const struct router *router, const struct session *session)
{
    int64_t silent_us = ld_monotonic_us(router->context) - session->heard_us;
    json_t *json = json_object();
    json_object_set_new(json, "identity", json_string(session->identity));
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

static json_t *streams_json(const struct router *router)
{
    json_t *streams = json_array();
    for (const struct session *session = router->sessions; session; session = session->hh.next)
        for (const struct stream *stream = session->streams; stream; stream = stream->hh.next)
            json_array_append_new(streams, stream_json(router, stream));
    return streams;
}

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
    for (int operation = WIRE_HELLO; operation <= WIRE_GOODBYE; operation++)
        if (counters->received[operation] > 0)
            json_object_set_new(received, wire_operation_name((enum wire_operation)operation),
                                number(counters->received[operation]));
    return received;
}

static json_t *socket_json(const struct zuv_socket *socket)
{
    struct zuv_stats stats;
    zuv_get_stats(socket, &stats);
    json_t *json = json_object();
    json_object_set_new(json, "received", number(stats.received));
    json_object_set_new(json, "received_bytes", number(stats.received_bytes));
    json_object_set_new(json, "sent", number(stats.sent));
    json_object_set_new(json, "sent_bytes", number(stats.sent_bytes));
    json_object_set_new(json, "busy", number(stats.busy));
    json_object_set_new(json, "unreachable", number(stats.unreachable));
    json_object_set_new(json, "malformed", number(stats.malformed));
    struct zuv_guard_stats guard;
    zuv_get_guard_stats(socket, &guard);
    json_object_set_new(json, "connections", number(guard.connections));
    json_object_set_new(json, "accepted", number(guard.accepted));
    json_object_set_new(json, "accept_failed", number(guard.accept_failed));
    json_object_set_new(json, "unheard", number(guard.unheard));
    json_object_set_new(json, "cut_excess", number(guard.cut_excess));
    json_object_set_new(json, "cut_stranger", number(guard.cut_stranger));
    json_object_set_new(json, "cut_unfinished", number(guard.cut_unfinished));
    json_object_set_new(json, "cut_asked", number(guard.cut_asked));
    return json;
}

static json_t *counters_json(const struct router *router)
{
    const struct router_counters *counters = &router->counters;
    const struct {
        const char *name;
        uint64_t value;
    } FIELDS[] = {
        {"sessions_opened", counters->sessions_opened},
        {"sessions_silent", counters->sessions_silent},
        {"sessions_overflowed", counters->sessions_overflowed},
        {"streams_opened", counters->streams_opened},
        {"requests_waited", counters->requests_waited},
        {"requests_dropped", counters->requests_dropped},
        {"chunks_sent", counters->chunks_sent},
        {"chunks_shared", counters->chunks_shared},
        {"chunk_bytes", counters->chunk_bytes},
        {"tap_sent", counters->tap_sent},
        {"tap_skipped", counters->tap_skipped},
        {"ticks", counters->ticks},
    };
    json_t *json = json_object();
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++)
        json_object_set_new(json, FIELDS[i].name, number(FIELDS[i].value));
    json_object_set_new(json, "received", received_json(counters));
    json_object_set_new(json, "records", codes_json(counters->records));
    json_object_set_new(json, "errors", codes_json(counters->errors));
    json_object_set_new(json, "socket", socket_json(router->front));
    if (router->tap)
        json_object_set_new(json, "tap_socket", socket_json(router->tap));
    return json;
}

static json_t *status_json(const struct router *router)
{
    json_t *json = json_object();
    json_object_set_new(json, "incarnation", hex64(router->incarnation));
    json_object_set_new(json, "head", number(evlog_durable(router->log)));
    json_object_set_new(json, "time_us", json_integer(clock_now_us(router)));
    json_object_set_new(json, "drill", json_boolean(router->options.drill));
    json_object_set_new(json, "producers", number(HASH_COUNT(router->producers)));
    json_object_set_new(json, "waiting_bytes", number(router->requests_bytes));
    json_object_set_new(json, "waiting_answers", number(router->answer_count));
    json_object_set_new(json, "copied_bytes", number(atomic_load(&router->copied_bytes)));
    json_object_set_new(json, "turn_us_max", json_integer(router->counters.turn_us_max));
    json_object_set_new(json, "log", log_json(router));
    json_object_set_new(json, "sessions", sessions_json(router));
    json_object_set_new(json, "streams", streams_json(router));
    json_object_set_new(json, "counters", counters_json(router));
    return json;
}

void status_answer(struct session *session, const struct wire_head *head)
{
    struct router *router = session->router;
    json_t *json = status_json(router);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (!text) {
        send_error(session, head->id, LD_NOMEM, "no memory for the answer");
        return;
    }
    struct wire_head answer = {WIRE_STATUS_OK, head->id, 0, evlog_durable(router->log)};
    send_answer(session, &answer, text, strlen(text));
    free(text);
}
