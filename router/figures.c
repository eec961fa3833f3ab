/*
 * Taking the figures. Bounded work whatever peers do: the oldest 256 streams are looked at one by
 * one, the age of what they lag behind is read from the log's headers; of the rest only sums.
 */
#include "figures.h"

const char *const FIGURES_STREAM_STATES[STREAM_STATES] = {"ready", "at-head", "no-credit", "busy"};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void add(struct figures *figures, const struct figure *rows, size_t count)
{
    assert(figures->count + count <= FIGURES_MAX);
    memcpy(figures->all + figures->count, rows, count * sizeof *rows);
    figures->count += count;
}

/* ---- one value each ---- */

static void take_top(const struct router *router, struct figures *figures)
{
    const struct figure ROWS[] = {
        {NULL, "head", "liandong_log_durable_sequence", METRICS_GAUGE, FIGURE_NUMBER,
         "Sequence of the last durable event", evlog_durable(router->log)},
        {NULL, "time_us", "liandong_clock_seconds", METRICS_GAUGE, FIGURE_US,
         "The router's clock; in a drill its own", (uint64_t)clock_now_us(router)},
        {NULL, "drill", "liandong_drill", METRICS_GAUGE, FIGURE_FLAG, "1 in a drill",
         router->options.drill},
        {NULL, "producers", "liandong_producers_known", METRICS_GAUGE, FIGURE_NUMBER,
         "Names of producers in the log", HASH_COUNT(router->producers)},
        {NULL, "session_count", "liandong_sessions", METRICS_GAUGE, FIGURE_NUMBER,
         "Sessions that are open", HASH_COUNT(router->sessions)},
        {NULL, "stream_count", NULL, METRICS_GAUGE, FIGURE_NUMBER, "", router->stream_count},
        {NULL, "waiting_bytes", NULL, METRICS_GAUGE, FIGURE_NUMBER, "", router->requests_bytes},
        {NULL, "waiting_answers", NULL, METRICS_GAUGE, FIGURE_NUMBER, "", router->answer_count},
        {NULL, "copied_bytes", NULL, METRICS_GAUGE, FIGURE_NUMBER, "",
         atomic_load(&router->copied_bytes)},
    };
    add(figures, ROWS, COUNT(ROWS));
}

static void take_loop(const struct router *router, struct figures *figures)
{
    const struct ld_histogram *turns = &router->turns;
    int64_t recent_us = router->turn_us_recent > router->turn_us_before ? router->turn_us_recent
                                                                        : router->turn_us_before;
    const struct figure ROWS[] = {
        {NULL, "turn_us_max", "liandong_loop_turn_max_seconds", METRICS_GAUGE, FIGURE_US,
         "Longest turn of the loop since the start", (uint64_t)turns->max_us},
        {"loop", "turns", NULL, METRICS_COUNTER, FIGURE_NUMBER, "", ld_histogram_count(turns)},
        {"loop", "turn_us_recent", "liandong_loop_turn_recent_seconds", METRICS_GAUGE, FIGURE_US,
         "Longest turn of the loop in the last 15 to 30 seconds", (uint64_t)recent_us},
        {"loop", "stalls", "liandong_loop_stalls_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Turns of the loop longer than 100 ms", ld_histogram_above(turns, LD_HISTOGRAM_100_MS)},
    };
    add(figures, ROWS, COUNT(ROWS));
}

static uint64_t free_bytes(const struct router *router)
{
    const struct ld_files *files = &router->context->files;
    uint64_t bytes = 0;
    return files->free_space(router->context->self, router->directory, &bytes, NULL) == LD_OK
               ? bytes
               : 0;
}

static void take_log_state(const struct router *router, struct figures *figures)
{
    const struct evlog_stats *log = &figures->log;
    const struct figure ROWS[] = {
        {"log", "first", "liandong_log_first_sequence", METRICS_GAUGE, FIGURE_NUMBER,
         "Sequence of the oldest event that can be read", evlog_first(router->log)},
        {"log", "staged", "liandong_log_staged_sequence", METRICS_GAUGE, FIGURE_NUMBER,
         "Sequence of the last event that has its place", evlog_staged(router->log)},
        {"log", "last_time_us", "liandong_log_last_event_timestamp_seconds", METRICS_GAUGE,
         FIGURE_US, "Time of the last event", (uint64_t)evlog_last_time_us(router->log)},
        {"log", "segments", "liandong_log_segments", METRICS_GAUGE, FIGURE_NUMBER,
         "Segment files in use", log->segments},
        {"log", "bytes_on_disk", "liandong_log_disk_bytes", METRICS_GAUGE, FIGURE_NUMBER,
         "Size of the segment files in use", log->bytes_on_disk},
        {"log", "free_bytes", "liandong_log_free_bytes", METRICS_GAUGE, FIGURE_NUMBER,
         "Free space where the log is; 0: full, or it cannot be told", free_bytes(router)},
        {"log", "failed", "liandong_log_failed", METRICS_GAUGE, FIGURE_FLAG,
         "1 once a write or a sync has failed", log->failed},
    };
    add(figures, ROWS, COUNT(ROWS));
}

static void take_log_work(struct figures *figures)
{
    const struct evlog_stats *log = &figures->log;
    const struct figure ROWS[] = {
        {"log", "events_staged", "liandong_log_events_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Events appended, the log's own included", log->events_staged},
        {"log", "bytes_staged", "liandong_log_bytes_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Bytes of events appended", log->bytes_staged},
        {"log", "commits", "liandong_log_commits_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Groups of events made durable together", log->commits},
        {"log", "commits_here", "liandong_log_commits_here_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Of these groups, those written by the router's own thread", log->commits_here},
        {"log", "syncs", NULL, METRICS_COUNTER, FIGURE_NUMBER, "", ld_histogram_count(&log->syncs)},
        {"log", "segments_created", "liandong_log_segments_created_total", METRICS_COUNTER,
         FIGURE_NUMBER, "Segment files begun", log->segments_created},
        {"log", "refused_nospace", "liandong_log_nospace_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Times that an event had no place because the disk was full", log->refused_nospace},
        {"log", "refused_busy", "liandong_log_buffer_full_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Times that an event waited because the log's buffer was full", log->refused_busy},
        {"log", "sync_us_last", "liandong_log_sync_last_seconds", METRICS_GAUGE, FIGURE_US,
         "How long the last sync took", (uint64_t)log->sync_us_last},
        {"log", "sync_us_max", "liandong_log_sync_max_seconds", METRICS_GAUGE, FIGURE_US,
         "How long the longest sync took", (uint64_t)log->syncs.max_us},
    };
    add(figures, ROWS, COUNT(ROWS));
}

static uint64_t keys_refused(const struct router *router)
{
    struct admission_stats stats = {0};
    if (router->admission)
        admission_get_stats(router->admission, &stats);
    return stats.unknown + stats.ended + router->counters.impostors;
}

static void take_counters(const struct router *router, const struct tap_stats *tap,
                          struct figures *figures)
{
    const struct router_counters *counters = &router->counters;
#define COUNTER(field, metric, help)                                                               \
    {                                                                                              \
        "counters", #field, metric, METRICS_COUNTER, FIGURE_NUMBER, help, counters->field          \
    }
    const struct figure ROWS[] = {
        COUNTER(sessions_opened, "liandong_sessions_opened_total", "Sessions opened"),
        COUNTER(sessions_silent, "liandong_sessions_silent_total",
                "Sessions dropped because they had gone silent"),
        COUNTER(sessions_overflowed, "liandong_sessions_overflowed_total",
                "Sessions dropped because they did not read their answers"),
        COUNTER(streams_opened, "liandong_streams_opened_total", "Streams opened"),
        COUNTER(requests_waited, "liandong_requests_waited_total",
                "Requests that had to wait for their turn"),
        COUNTER(requests_refused, NULL, ""),
        COUNTER(requests_held, "liandong_requests_held_total",
                "Requests that had to wait for the allowance"),
        COUNTER(cut_askers, "liandong_connections_cut_askers_total",
                "Connections closed because they asked for too much"),
        COUNTER(requests_dropped, "liandong_requests_dropped_total",
                "Requests dropped with their session"),
        COUNTER(chunks_sent, "liandong_chunks_sent_total", "Messages with events sent to streams"),
        COUNTER(chunks_shared, "liandong_chunks_shared_total",
                "Such messages that had been made for another stream already"),
        COUNTER(chunk_bytes, "liandong_delivered_bytes_total", "Bytes of events sent to streams"),
        COUNTER(chunk_events, "liandong_delivered_events_total", "Events sent to streams"),
        {"counters", "tap_sent", "liandong_tap_sent_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Events sent to the tap", tap->socket.sent},
        {"counters", "tap_skipped", "liandong_tap_skipped_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Events that the tap left out because it was too far behind", tap->skipped},
        {"counters", "keys_refused", "liandong_keys_refused_total", METRICS_COUNTER, FIGURE_NUMBER,
         "Connections and sessions refused for their key", keys_refused(router)},
        COUNTER(ticks, "liandong_ticks_total", "Ticks appended"),
    };
#undef COUNTER
    add(figures, ROWS, COUNT(ROWS));
}

static void take_socket(const struct zuv_stats *stats, const struct zuv_guard_stats *guard,
                        const char *section, struct figures *figures)
{
#define SOCKET(of, field, metric, kind, help)                                                      \
    {                                                                                              \
        section, #field, "liandong_socket_" metric, kind, FIGURE_NUMBER, help, of->field           \
    }
#define COUNTED(of, field, help) SOCKET(of, field, #field "_total", METRICS_COUNTER, help)
    const struct figure ROWS[] = {
        COUNTED(stats, received, "Messages received"),
        COUNTED(stats, received_bytes, "Bytes received"),
        COUNTED(stats, sent, "Messages sent"),
        COUNTED(stats, sent_bytes, "Bytes sent"),
        COUNTED(stats, busy, "Times that a message had to wait because a queue was full"),
        COUNTED(stats, unreachable, "Messages to peers that were gone"),
        COUNTED(stats, malformed, "Messages of too many parts, dropped"),
        SOCKET(guard, connections, "connections", METRICS_GAUGE, "Connections now"),
        COUNTED(guard, accepted, "Connections accepted"),
        COUNTED(guard, accept_failed, "Connections that could not be accepted"),
        COUNTED(guard, unheard, "Connections that ended without a message"),
        COUNTED(guard, cut_excess, "Connections closed because there were too many"),
        COUNTED(guard, cut_stranger, "Connections closed because they never said HELLO"),
        COUNTED(guard, cut_unfinished, "Connections closed amid a message without end"),
        COUNTED(guard, cut_talker, "Connections closed because they said too much"),
        COUNTED(guard, cut_asked, "Connections closed with their session"),
        COUNTED(guard, kept_out, "Times that an address could not connect for a second"),
    };
#undef COUNTED
#undef SOCKET
    add(figures, ROWS, COUNT(ROWS));
}

static void take_process(const struct router *router, struct figures *figures)
{
    uint64_t descriptors = 0;
    size_t resident = 0;
    int fd;
    uv_rusage_t usage = {0};
    const struct ld_context *context = router->context;
    if (context->files.open(context->self, "/proc/self/fd", LD_OPEN_READ, &fd, NULL) == LD_OK) {
        (void)context->files.size(context->self, fd, &descriptors, NULL);
        context->files.close(context->self, fd);
    }
    (void)uv_resident_set_memory(&resident);
    (void)uv_getrusage(&usage);
    int64_t cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    const struct figure ROWS[] = {
        {"process", "resident_bytes", "process_resident_memory_bytes", METRICS_GAUGE, FIGURE_NUMBER,
         "Memory of the process", resident},
        {"process", "descriptors", "process_open_fds", METRICS_GAUGE, FIGURE_NUMBER,
         "Open descriptors of the process", descriptors > 0 ? descriptors - 1 : 0},
        {"process", "cpu_us", "process_cpu_seconds_total", METRICS_COUNTER, FIGURE_US,
         "Processor time that the process has used", (uint64_t)cpu_us},
        {"process", "started_us", "process_start_time_seconds", METRICS_GAUGE, FIGURE_US,
         "When the router was opened", (uint64_t)router->started_us},
    };
    add(figures, ROWS, COUNT(ROWS));
}

static void take_front(const struct router *router, struct figures *figures)
{
    struct zuv_stats stats;
    struct zuv_guard_stats guard;
    zuv_get_stats(router->front, &stats);
    zuv_get_guard_stats(router->front, &guard);
    take_socket(&stats, &guard, FIGURES_SOCKET, figures);
}

/* ---- queues ---- */

static void take_queues(const struct router *router, const struct tap_stats *tap,
                        struct figures *figures)
{
    const struct router_limits *limits = &router->options.limits;
    const struct router_counters *counters = &router->counters;
    uint64_t staged = evlog_staged(router->log) - evlog_durable(router->log);
    const struct queue_figures QUEUES[FIGURES_QUEUES] = {
        {"requests", router->request_count, 0, router->requests_bytes, limits->waiting_bytes,
         counters->requests_refused},
        {"commit", staged, 0, figures->log.bytes_waiting, figures->log.bytes_waiting_max,
         figures->log.refused_nospace},
        {"answers", router->answer_count, limits->answers, router->answer_bytes, 0, 0},
        {"outbox", router->outbox_count, limits->sessions * limits->outbox_messages,
         router->outbox_bytes, 0, counters->sessions_overflowed},
        {"busy", router->busy_count, limits->sessions, 0, 0, 0},
        {"streams", router->streams_by_state[STREAM_READY], 0, 0, 0, 0},
        {"chunks", 0, 0, atomic_load(&router->copied_bytes), 0, 0},
        {"advances", router->advance_count, limits->advances, 0, 0, 0},
        {"held", router->held_count, 0, router->held_bytes, limits->held_bytes,
         counters->cut_askers},
        {"finds", router->find_count, limits->sessions * limits->finds_per_session, 0, 0, 0},
        {"tap", tap->waiting, tap->waiting_max, 0, 0, tap->skipped},
    };
    memcpy(figures->queues, QUEUES, sizeof QUEUES);
}

/* ---- streams ---- */

static int64_t age_us(struct router *router, uint64_t sequence)
{
    int64_t time_us;
    if (evlog_time_near(router->log, sequence, &time_us, NULL) != LD_OK)
        return 0;
    int64_t age = clock_now_us(router) - time_us;
    return age > 0 ? age : 0;
}

static struct stream_figures take_stream(const struct router *router, const struct stream *stream)
{
    uint64_t position = stream_position(stream);
    return (struct stream_figures){
        .stream = stream,
        .position = position,
        .lag_events = evlog_durable(router->log) - position,
        .outstanding_bytes = stream->window_bytes - stream->credit_bytes,
    };
}

static void add_to_others(struct figures *figures, const struct stream_figures *stream)
{
    figures->others_count++;
    figures->others_events += stream->stream->events_sent;
    figures->others_bytes += stream->stream->events_bytes;
    if (figures->others_count == 1 || stream->lag_events > figures->others.lag_events)
        figures->others = *stream;
}

static void take_streams(struct router *router, struct figures *figures)
{
    for (const struct session *session = router->sessions; session; session = session->hh.next)
        for (const struct stream *stream = session->streams; stream; stream = stream->hh.next) {
            struct stream_figures taken = take_stream(router, stream);
            if (figures->stream_count < FIGURES_STREAMS)
                figures->streams[figures->stream_count++] = taken;
            else
                add_to_others(figures, &taken);
        }
    for (size_t i = 0; i < figures->stream_count; i++)
        if (figures->streams[i].lag_events > 0)
            figures->streams[i].lag_us = age_us(router, figures->streams[i].position + 1);
    if (figures->others.lag_events > 0)
        figures->others.lag_us = age_us(router, figures->others.position + 1);
}

void figures_take(struct router *router, struct figures *figures)
{
    *figures = (struct figures){.wall_offset_us =
                                    ld_wall_us(router->context) - ld_monotonic_us(router->context)};
    struct tap_stats tap;
    evlog_get_stats(router->log, &figures->log);
    tap_get_stats(router->tap, &tap);
    take_top(router, figures);
    take_loop(router, figures);
    take_log_state(router, figures);
    take_log_work(figures);
    take_counters(router, &tap, figures);
    take_front(router, figures);
    if (router->tap)
        take_socket(&tap.socket, &tap.guard, FIGURES_TAP_SOCKET, figures);
    take_process(router, figures);
    take_queues(router, &tap, figures);
    take_streams(router, figures);
}
