/*
 * The router's metrics, asked for over HTTP: the whole text after known traffic, bounds on the
 * number of series, lag, stalls; that the format is kept strictly, and that docs/metrics.md lists
 * what is there.
 */
#include "router_rig.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "http_get.h"

enum { LINE_SIZE = 1024, FAMILIES_MAX = 128, SERIES_MAX = 8192 };

static bool answered(void *data)
{
    return http_step(data);
}

/* The text alone; malloc'ed. The router beats every 20 ms, which wakes the loop. */
static char *metrics_of(struct rig *rig)
{
    struct http_asking asking;
    http_begin(&asking, http_try_to_dial(router_metrics_address(rig->router)), HTTP_GET);
    rig_wait(rig, answered, &asking);
    char *answer = http_end(&asking), *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    body = strdup(body + 4);
    free(answer);
    return body;
}

static void start_router(struct rig *rig)
{
    rig->options.metrics = "127.0.0.1:0";
    rig_start_router(rig);
}

/* ---- the format, strictly ---- */

struct reader {
    char name[LINE_SIZE]; /* of the family; "" before the first */
    char kind[LINE_SIZE];
    char *names[FAMILIES_MAX];
    size_t name_count;
    char *series[SERIES_MAX];
    size_t series_count;
    uint64_t bucket;
    bool infinite;
};

static void reader_free(struct reader *reader)
{
    for (size_t i = 0; i < reader->name_count; i++)
        free(reader->names[i]);
    for (size_t i = 0; i < reader->series_count; i++)
        free(reader->series[i]);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void read_help(struct reader *reader, const char *line)
{
    assert_int_equal(sscanf(line, "# HELP %[a-z0-9_] ", reader->name), 1);
    for (size_t i = 0; i < reader->name_count; i++)
        if (strcmp(reader->names[i], reader->name) == 0)
            fail_msg("the family %s comes twice", reader->name);
    reader->names[reader->name_count++] = strdup(reader->name);
    reader->kind[0] = '\0';
}

static void read_type(struct reader *reader, const char *line)
{
    char name[LINE_SIZE];
    assert_int_equal(sscanf(line, "# TYPE %[a-z0-9_] %s", name, reader->kind), 2);
    assert_string_equal(name, reader->name);
    if (strcmp(reader->kind, "counter") == 0 && !ends_with(name, "_total"))
        fail_msg("the counter %s does not end in _total", name);
    if (strcmp(reader->kind, "gauge") == 0 && ends_with(name, "_total"))
        fail_msg("the gauge %s ends in _total", name);
    reader->bucket = 0;
    reader->infinite = false;
}

/* Labels from '{' on; returns what is behind '}'. */
static const char *read_labels(const char *at)
{
    assert_int_equal(*at++, '{');
    for (;;) {
        while (islower((unsigned char)*at) || *at == '_')
            at++;
        assert_int_equal(*at++, '=');
        assert_int_equal(*at++, '"');
        for (; *at != '"'; at++) {
            assert_true(*at != '\0' && *at != '\n');
            if (*at == '\\')
                assert_non_null(strchr("\\\"n", *++at));
        }
        if (*++at != ',')
            break;
        at++;
    }
    assert_int_equal(*at++, '}');
    return at;
}

static void read_histogram(struct reader *reader, const char *suffix, const char *rest,
                           const char *value)
{
    uint64_t count = strtoull(value, NULL, 10);
    if (strcmp(suffix, "_bucket") == 0) {
        assert_true(count >= reader->bucket);
        reader->bucket = count;
        reader->infinite = strstr(rest, "le=\"+Inf\"") != NULL;
    } else if (strcmp(suffix, "_count") == 0) {
        assert_true(reader->infinite && count == reader->bucket);
    } else {
        assert_string_equal(suffix, "_sum");
    }
}

static void read_sample(struct reader *reader, const char *line)
{
    char name[LINE_SIZE], *end;
    assert_int_equal(sscanf(line, "%[a-z0-9_]", name), 1);
    const char *rest = line + strlen(name), *value = *rest == '{' ? read_labels(rest) : rest;
    assert_int_equal(*value++, ' ');
    strtod(value, &end);
    assert_true(end > value && *end == '\0');
    assert_true(strncmp(name, reader->name, strlen(reader->name)) == 0 && reader->kind[0]);
    const char *suffix = name + strlen(reader->name);
    if (strcmp(reader->kind, "histogram") == 0)
        read_histogram(reader, suffix, rest, value);
    else
        assert_string_equal(suffix, "");
    reader->series[reader->series_count++] = strndup(line, (size_t)(value - 1 - line));
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads all of it; a mistake fails the test with the line. */
static void read_strictly(const char *text, struct reader *reader)
{
    char line[LINE_SIZE];
    *reader = (struct reader){0};
    for (const char *at = text, *end; *at != '\0'; at = end + 1) {
        end = strchr(at, '\n');
        assert_true(end && (size_t)(end - at) < sizeof line);
        snprintf(line, sizeof line, "%.*s", (int)(end - at), at);
        assert_true(reader->name_count < FAMILIES_MAX && reader->series_count < SERIES_MAX);
        if (strncmp(line, "# HELP ", 7) == 0)
            read_help(reader, line);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            read_type(reader, line);
        else
            read_sample(reader, line);
    }
    qsort(reader->series, reader->series_count, sizeof *reader->series, by_text);
    for (size_t i = 1; i < reader->series_count; i++)
        if (strcmp(reader->series[i - 1], reader->series[i]) == 0)
            fail_msg("the series %s comes twice", reader->series[i]);
}

/* The sum of all series whose text begins so; how many there are. */
static double sum_of(const char *text, const char *beginning, size_t *count)
{
    double sum = 0;
    *count = 0;
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        if (strncmp(at, beginning, strlen(beginning)) != 0)
            continue;
        const char *end = strchr(at, '\n');
        while (end[-1] != ' ')
            end--;
        sum += strtod(end, NULL);
        ++*count;
    }
    return sum;
}

static double one_of(const char *text, const char *beginning)
{
    size_t count;
    double value = sum_of(text, beginning, &count);
    if (count != 1)
        fail_msg("%zu series begin with %s", count, beginning);
    return value;
}

/* ---- known traffic, the whole text ---- */

/* What differs from run to run: times, sizes of the machine, beats. */
static bool varies(const char *line)
{
    static const char *const NAMES[] = {"liandong_clock_seconds",
                                        "liandong_log_last_event_timestamp",
                                        "liandong_log_free_bytes",
                                        "liandong_log_sync_",
                                        "liandong_loop_turn",
                                        "liandong_socket_sent",
                                        "liandong_socket_unheard",
                                        "liandong_queue_bytes{queue=\"chunks\"}",
                                        "process_",
                                        "liandong_stream_lag_seconds",
                                        "liandong_loop_stalls_total",
                                        "liandong_producer_last_seen_timestamp"};
    for (size_t i = 0; i < COUNT(NAMES); i++)
        if (strncmp(line, NAMES[i], strlen(NAMES[i])) == 0)
            return true;
    return false;
}

/* Without HELP and TYPE, which the documentation is compared with. */
static char *comparable(const char *text)
{
    struct ld_buffer result = {0};
    for (const char *at = text, *end; *at != '\0'; at = end + 1) {
        end = strchr(at, '\n');
        const char *value = end;
        while (value > at && value[-1] != ' ')
            value--;
        if (*at == '#')
            continue;
        size_t size = (size_t)((varies(at) ? value : end) - at);
        ld_buffer_append(&result, at, size);
        ld_buffer_text(&result, varies(at) ? "*\n" : "\n");
    }
    char *copy = strdup(ld_buffer_string(&result));
    ld_buffer_free(&result);
    return copy;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct ld_buffer text = {0};
    assert_non_null(file);
    for (size_t size = 1; size > 0; text.size += size)
        size = fread(ld_buffer_reserve(&text, 4096), 1, 4096, file);
    fclose(file);
    char *copy = strdup(ld_buffer_string(&text));
    ld_buffer_free(&text);
    return copy;
}

static void test_known_traffic(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct peer writer, reader;
    struct batch batch = {0};
    peer_hello(rig, &writer, "3303.health");
    peer_hello(rig, &reader, "grading");
    peer_producer(&writer, "3303.health");
    uint64_t first = publish_one(&writer, "3303.health", 1, "report/3303/x", "hello");
    publish_one(&writer, "3303.health", 2, "report/3303/y", "hello");
    publish_one(&writer, "3303.health", 3, "reply/3303/y", "");
    batch_add(&batch, "3303.health", 3, "reply/3303/y", "");
    batch_add(&batch, "3303.health", 4, "Report", "");
    batch_add(&batch, "nobody", 4, "report", "");
    peer_expect((batch_send(&writer, &batch), &writer), WIRE_RESULT);
    stream_begin(&reader, first, 1000, "report/>\nreply/*/y");
    peer_expect(&reader, WIRE_CHUNK);
    struct wire_head credit = {WIRE_CREDIT, 2, 200, first + 1};
    peer_say_head(&reader, &credit, NULL, 0);
    peer_say(&reader, WIRE_OPEN, 99, 1000, NULL); /* an event that does not exist yet */
    peer_expect(&reader, WIRE_ERROR);
    char *text = metrics_of(rig), *found = comparable(text);
    char *expected = read_file(LIANDONG_SOURCE_DIR "/tests/unit/data/router_metrics.txt");
    if (strcmp(found, expected) != 0) {
        fputs(found, stderr);
        fail_msg("the metrics are not as in tests/unit/data/router_metrics.txt");
    }
    free(expected);
    free(found);
    free(text);
    peer_close(&reader);
    peer_close(&writer);
}

static void test_text_is_strict_and_documented(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct peer peer;
    peer_hello(rig, &peer, "a");
    peer_producer(&peer, "a");
    publish_one(&peer, "a", 1, "t", "");
    stream_begin(&peer, WIRE_FROM_NOW, 1000, NULL);
    char *text = metrics_of(rig);
    char *documented = read_file(LIANDONG_SOURCE_DIR "/docs/metrics.md");
    char *section = strstr(documented, "\n## Router\n"), *end = strstr(section + 1, "\n## ");
    struct reader reader;
    read_strictly(text, &reader);
    *end = '\0';
    size_t rows = 0;
    for (const char *at = section; (at = strstr(at, "\n| `")) != NULL; at++)
        rows++;
    assert_int_equal(rows, reader.name_count);
    for (size_t i = 0; i < reader.name_count; i++) {
        char row[LINE_SIZE], type[LINE_SIZE], kind[LINE_SIZE];
        snprintf(type, sizeof type, "# TYPE %.200s ", reader.names[i]);
        assert_int_equal(sscanf(strstr(text, type) + strlen(type), "%s", kind), 1);
        snprintf(row, sizeof row, "\n| `%.200s` | %.200s |", reader.names[i], kind);
        if (!strstr(section, row))
            fail_msg("docs/metrics.md has no row %s", row + 1);
    }
    reader_free(&reader);
    free(documented);
    free(text);
    peer_close(&peer);
}

/* ---- bounds ---- */

enum { MANY_PRODUCERS = 400, MANY_FAMILIES = 80, MANY_STREAMS = 300 };

static void publish_as_many(struct rig *rig)
{
    char name[32], topic[32];
    for (unsigned i = 0; i < MANY_PRODUCERS; i++) {
        struct peer peer;
        snprintf(name, sizeof name, "p%u", i);
        snprintf(topic, sizeof topic, "f%u/x", i % MANY_FAMILIES);
        peer_hello(rig, &peer, name);
        peer_producer(&peer, name);
        publish_one(&peer, name, 1, topic, "");
        peer_say(&peer, WIRE_GOODBYE, 0, 0, NULL);
        peer_close(&peer);
    }
}

/* Everything has one series or is in "other"; nothing is lost, and what came last has its own. */
static void test_series_are_bounded(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct peer peers[MANY_STREAMS / 60];
    publish_as_many(rig);
    for (size_t i = 0; i < COUNT(peers); i++) {
        peer_hello(rig, &peers[i], "listener");
        for (size_t stream = 0; stream < 60; stream++)
            stream_begin(&peers[i], WIRE_FROM_NOW, 1000, "nothing");
    }
    char *text = metrics_of(rig);
    struct reader reader;
    size_t count;
    read_strictly(text, &reader);
    assert_int_equal(sum_of(text, "liandong_producer_events_total{", &count), MANY_PRODUCERS);
    assert_int_equal(count, 257);
    assert_int_equal(one_of(text, "liandong_producer_events_total{producer=\"other\"}"),
                     MANY_PRODUCERS - 256);
    assert_int_equal(one_of(text, "liandong_producer_events_total{producer=\"p399\"}"), 1);
    assert_int_equal(one_of(text, "liandong_producer_events_total{producer=\"p144\"}"), 1);
    assert_null(strstr(text, "\"p143\""));
    assert_int_equal(sum_of(text, "liandong_topic_events_total{", &count), 2 * MANY_PRODUCERS);
    assert_int_equal(count, 65); /* sys is one of the 64 */
    assert_int_equal(one_of(text, "liandong_topic_events_total{family=\"other\"}"),
                     MANY_PRODUCERS / MANY_FAMILIES * (MANY_FAMILIES - 63));
    sum_of(text, "liandong_stream_lag_events{", &count);
    assert_int_equal(count, 257);
    sum_of(text, "liandong_stream_state{", &count);
    assert_int_equal(count, 256);
    assert_int_equal(sum_of(text, "liandong_streams{", &count), MANY_STREAMS);
    reader_free(&reader);
    free(text);
    for (size_t i = 0; i < COUNT(peers); i++)
        peer_close(&peers[i]);
}

/* A place is not taken from who has it open. */
static void test_open_producers_keep_their_places(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct peer peer;
    char name[32];
    peer_hello(rig, &peer, "a");
    for (unsigned i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "a#%u", i);
        peer_producer(&peer, name);
    }
    publish_one(&peer, "a#0", 1, "t", "");
    publish_one(&peer, "a#299", 1, "t", "");
    char *text = metrics_of(rig);
    assert_int_equal(one_of(text, "liandong_producer_events_total{producer=\"a#0\"}"), 1);
    assert_int_equal(one_of(text, "liandong_producer_events_total{producer=\"other\"}"), 1);
    assert_int_equal(one_of(text, "liandong_producer_open{producer=\"other\"}"), 300 - 256);
    free(text);
    peer_close(&peer);
}

/* ---- lag, stalls, full disk ---- */

static void test_lag_and_stalls(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct peer peer, reader;
    peer_hello(rig, &peer, "a");
    peer_hello(rig, &reader, "b");
    peer_producer(&peer, "a");
    uint64_t first = publish_one(&peer, "a", 1, "t", "");
    uint64_t id = stream_begin(&reader, first, 100000, "t");
    peer_expect(&reader, WIRE_CHUNK);
    rig_move_clock(90 * LD_US_SECOND); /* a turn of 90 s */
    publish_one(&peer, "a", 2, "t", "");
    uint64_t last = publish_one(&peer, "a", 3, "t", "");
    while (peer_expect(&reader, WIRE_CHUNK)->head.b < last)
        continue;
    char *text = metrics_of(rig);
    double lag = one_of(text, "liandong_stream_lag_seconds{");
    assert_true(lag >= 90 && lag < 150);
    assert_int_equal(one_of(text, "liandong_stream_lag_events{"), last - first + 1);
    assert_int_equal(one_of(text, "liandong_stream_sent_events_total{"), 3);
    assert_int_equal(one_of(text, "liandong_delivered_events_total"), 3);
    assert_true(one_of(text, "liandong_loop_stalls_total") >= 1);
    assert_true(one_of(text, "liandong_loop_turn_recent_seconds") >= 90);
    assert_non_null(strstr(ld_buffer_string(&rig->notes), "nobody was served"));
    free(text);
    /* Processed: STATUS has the same figures. */
    struct wire_head credit = {WIRE_CREDIT, id, 0, last};
    peer_say_head(&reader, &credit, NULL, 0);
    peer_say(&reader, WIRE_STATUS, 0, 0, NULL);
    const struct heard *heard = peer_expect(&reader, WIRE_STATUS_OK);
    json_t *json = json_loadb((const char *)heard->body, heard->size, 0, NULL);
    json_t *stream = json_array_get(json_object_get(json, "streams"), 0);
    assert_int_equal(json_integer_value(json_object_get(stream, "lag")), 0);
    assert_int_equal(json_integer_value(json_object_get(stream, "lag_us")), 0);
    assert_int_equal(json_integer_value(json_object_get(stream, "sent_events")), 3);
    json_decref(json);
    peer_close(&reader);
    peer_close(&peer);
}

static void test_refusals_by_code(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct peer old, new;
    struct batch batch = {0};
    peer_hello(rig, &old, "a");
    peer_producer(&old, "a");
    publish_one(&old, "a", 1, "t", "");
    peer_hello(rig, &new, "a");
    peer_producer(&new, "a");
    batch_add(&batch, "a", 2, "t", "");
    expect_run(&old, batch_send(&old, &batch), 1, LD_FENCED);
    batch_add(&batch, "a", 2, "sys/x", "");
    expect_run(&new, batch_send(&new, &batch), 1, LD_DENIED);
    char *text = metrics_of(rig);
    assert_int_equal(
        one_of(text, "liandong_producer_refused_total{producer=\"a\",code=\"FENCED\"}"), 1);
    assert_int_equal(
        one_of(text, "liandong_producer_refused_total{producer=\"a\",code=\"DENIED\"}"), 1);
    assert_int_equal(one_of(text, "liandong_producer_open{producer=\"a\"}"), 2);
    assert_int_equal(one_of(text, "liandong_producer_sequence{producer=\"a\"}"), 1);
    free(text);
    peer_close(&old);
    peer_close(&new);
}

static void test_address_in_use(void **state)
{
    struct rig *rig = *state;
    start_router(rig);
    struct router *second = NULL;
    struct router_options options = rig->options;
    char directory[96], address[64];
    snprintf(directory, sizeof directory, "%s/second", rig->directory);
    snprintf(address, sizeof address, "%s", router_metrics_address(rig->router));
    options.directory = directory;
    options.metrics = address;
    options.stopped = NULL;
    assert_int_equal(router_open(rig_context(), &rig->loop, &options, &second, &test_error),
                     LD_ADDRINUSE);
    assert_non_null(strstr(test_error.text, address));
    directory[strlen(directory) - 1] = '3'; /* the second closes in later turns */
    options.metrics = "nonsense";
    assert_int_equal(router_open(rig_context(), &rig->loop, &options, &second, &test_error),
                     LD_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_known_traffic),      WITH_RIG(test_text_is_strict_and_documented),
        WITH_RIG(test_series_are_bounded), WITH_RIG(test_open_producers_keep_their_places),
        WITH_RIG(test_lag_and_stalls),     WITH_RIG(test_refusals_by_code),
        WITH_RIG(test_address_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
