/* Metrics: histograms, the text, addresses, and HTTP peers that misbehave. */
#include "http_get.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "histogram.h"
#include "metrics/http.h"
#include "metrics/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- histogram and text ---- */

static void test_histogram(void **state)
{
    (void)state;
    struct ld_histogram histogram = {0};
    static const int64_t VALUES_US[] = {0, 100, 101, 100000, 100001, 5000000, 5000001, 90000000};
    for (size_t i = 0; i < COUNT(VALUES_US); i++)
        ld_histogram_add(&histogram, VALUES_US[i]);
    static const struct ld_histogram EXPECTED = {
        .counts = {2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 2},
        .sum_us = 100200203,
        .max_us = 90000000};
    assert_memory_equal(&histogram, &EXPECTED, sizeof EXPECTED);
    assert_int_equal(ld_histogram_count(&histogram), COUNT(VALUES_US));
    assert_int_equal(LD_HISTOGRAM_US[LD_HISTOGRAM_100_MS], 100000);
    assert_int_equal(ld_histogram_above(&histogram, LD_HISTOGRAM_100_MS), 4);
}

static void test_text(void **state)
{
    (void)state;
    struct metrics_text text = {0};
    struct ld_histogram histogram = {0};
    char long_value[METRICS_LABEL_SIZE + 2];
    memset(long_value, 'x', sizeof long_value);
    memcpy(long_value + METRICS_LABEL_SIZE - 1, "\xe6\xb8\xa9", 3); /* begins at the last byte */
    long_value[METRICS_LABEL_SIZE + 1] = '\0';
    ld_histogram_add(&histogram, 150);
    ld_histogram_add(&histogram, 7000001);
    metrics_family(&text, "a_total", METRICS_COUNTER, "What a is");
    metrics_number(&text, NULL, UINT64_MAX);
    metrics_family(&text, "b_seconds", METRICS_GAUGE, "What b is");
    metrics_seconds(&text, METRICS_LABELS({"unit", "3303.health"}, {"text", "a\"\\\n温"}), 1500000);
    metrics_seconds(&text, METRICS_LABELS({"unit", ""}), -1);
    metrics_number(&text, METRICS_LABELS({"unit", long_value}), 0);
    metrics_family(&text, "c_seconds", METRICS_HISTOGRAM, "What c is");
    metrics_histogram(&text, &histogram);
    char expected[4096];
    snprintf(expected, sizeof expected,
             "# HELP a_total What a is\n"
             "# TYPE a_total counter\n"
             "a_total 18446744073709551615\n"
             "# HELP b_seconds What b is\n"
             "# TYPE b_seconds gauge\n"
             "b_seconds{unit=\"3303.health\",text=\"a\\\"\\\\\\n温\"} 1.500000\n"
             "b_seconds{unit=\"\"} -0.000001\n"
             "b_seconds{unit=\"%.*s…\"} 0\n"
             "# HELP c_seconds What c is\n"
             "# TYPE c_seconds histogram\n"
             "c_seconds_bucket{le=\"0.0001\"} 0\n"
             "c_seconds_bucket{le=\"0.0002\"} 1\n"
             "c_seconds_bucket{le=\"0.0005\"} 1\n"
             "c_seconds_bucket{le=\"0.001\"} 1\n"
             "c_seconds_bucket{le=\"0.002\"} 1\n"
             "c_seconds_bucket{le=\"0.005\"} 1\n"
             "c_seconds_bucket{le=\"0.01\"} 1\n"
             "c_seconds_bucket{le=\"0.02\"} 1\n"
             "c_seconds_bucket{le=\"0.05\"} 1\n"
             "c_seconds_bucket{le=\"0.1\"} 1\n"
             "c_seconds_bucket{le=\"0.2\"} 1\n"
             "c_seconds_bucket{le=\"0.5\"} 1\n"
             "c_seconds_bucket{le=\"1\"} 1\n"
             "c_seconds_bucket{le=\"2\"} 1\n"
             "c_seconds_bucket{le=\"5\"} 1\n"
             "c_seconds_bucket{le=\"+Inf\"} 2\n"
             "c_seconds_sum 7.000151\n"
             "c_seconds_count 2\n",
             METRICS_LABEL_SIZE - 1, long_value);
    assert_string_equal(ld_buffer_string(&text.buffer), expected);
    ld_buffer_free(&text.buffer);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *formatted;
        bool public;
    } GOOD[] = {
        {"9750", "127.0.0.1:9750", false},        {"127.9.9.9:1", "127.9.9.9:1", false},
        {"0.0.0.0:65535", "0.0.0.0:65535", true}, {"192.168.1.1:80", "192.168.1.1:80", true},
        {"[::1]:9750", "[::1]:9750", false},      {"[::]:9750", "[::]:9750", true},
        {"unix:/tmp/x", "unix:/tmp/x", false},
    };
    static const char *const BAD[] = {
        "",
        "x",
        ":",
        ":0",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "1:2:3",
        "[::1]",
        "[::1:9750",
        "localhost:1",
        "127.0.0.1:9750 ",
        "256.1:1",
        "127.0.0.1:-1",
        "unix:",
    };
    struct address address;
    char text[ADDRESS_TEXT_SIZE], path[300] = "unix:";
    memset(path + 5, 'x', sizeof path - 6);
    path[sizeof path - 1] = '\0';
    assert_int_equal(address_parse(path, &address, &test_error), LD_INVALID);
    for (size_t i = 0; i < COUNT(BAD); i++)
        if (address_parse(BAD[i], &address, &test_error) != LD_INVALID)
            fail_msg("'%s' was taken", BAD[i]);
    for (size_t i = 0; i < COUNT(GOOD); i++) {
        assert_ok(address_parse(GOOD[i].text, &address, &test_error));
        address_format(&address, text);
        assert_string_equal(text, GOOD[i].formatted);
        assert_int_equal(address_is_public(&address), GOOD[i].public);
    }
}

/* ---- HTTP ---- */

enum { PEERS_MAX = 1000, DEADLINE_MS = 60000, FILLER_LINES = 500 };

struct web {
    uv_loop_t loop;
    uv_timer_t deadline, pace; /* the peers' sockets do not wake the loop */
    bool expired, closed;
    struct metrics_http *http;
    unsigned renders;
    char directory[32], path[64];
    int peers[PEERS_MAX];
    size_t chatter; /* so many of the peers say a byte a turn */
};

static void render(struct ld_buffer *text, void *data)
{
    struct web *web = data;
    ld_buffer_format(text, "renders %u\n", ++web->renders);
    for (size_t i = 0; i < FILLER_LINES; i++)
        ld_buffer_text(text, "# filler, so that the text does not go out at once ............\n");
}

static void expire(uv_timer_t *timer)
{
    ((struct web *)timer->data)->expired = true;
}

static void on_pace(uv_timer_t *timer)
{
    (void)timer;
}

static void on_closed(void *data)
{
    ((struct web *)data)->closed = true;
}

static void web_open(struct web *web, const char *address)
{
    assert_ok(metrics_http_open(&web->loop, address, render, web, &web->http, &test_error));
}

/* Says what goes without waiting, to one that may have hung up. */
static void say(int fd, const char *text, size_t size)
{
    ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
    (void)sent;
}

static void web_turn(struct web *web)
{
    for (size_t i = 0; i < web->chatter; i++)
        say(web->peers[i], "x", 1);
    uv_run(&web->loop, UV_RUN_ONCE);
    if (web->expired)
        fail_msg("waited too long");
}

static void web_close(struct web *web)
{
    if (!web->http)
        return;
    web->closed = false;
    metrics_http_close(web->http, on_closed, web);
    web->http = NULL;
    while (!web->closed)
        web_turn(web);
}

static int web_setup(void **state)
{
    struct web *web = calloc(1, sizeof *web);
    snprintf(web->directory, sizeof web->directory, "/tmp/metrics-XXXXXX");
    if (!mkdtemp(web->directory) || uv_loop_init(&web->loop) != 0)
        return -1;
    snprintf(web->path, sizeof web->path, "unix:%s/socket", web->directory);
    uv_timer_init(&web->loop, &web->deadline);
    web->deadline.data = web;
    uv_timer_start(&web->deadline, expire, DEADLINE_MS, 0);
    uv_timer_init(&web->loop, &web->pace);
    uv_timer_start(&web->pace, on_pace, 1, 1);
    for (size_t i = 0; i < PEERS_MAX; i++)
        web->peers[i] = -1;
    *state = web;
    return 0;
}

static int web_teardown(void **state)
{
    struct web *web = *state;
    web_close(web);
    for (size_t i = 0; i < PEERS_MAX; i++)
        if (web->peers[i] >= 0)
            close(web->peers[i]);
    uv_close((uv_handle_t *)&web->deadline, NULL);
    uv_close((uv_handle_t *)&web->pace, NULL);
    uv_run(&web->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&web->loop), 0);
    rmdir(web->directory); /* the socket file is gone with the listener */
    assert_int_equal(access(web->directory, F_OK), -1);
    free(web);
    return 0;
}

static int dial(struct web *web)
{
    int fd;
    while ((fd = http_try_to_dial(metrics_http_address(web->http))) < 0)
        web_turn(web);
    return fd;
}

/* Sends the request, reads to the end. Returns the answer, which may be empty; malloc'ed. */
static char *ask(struct web *web, const char *request)
{
    struct http_asking asking;
    http_begin(&asking, dial(web), request);
    while (!http_step(&asking))
        web_turn(web);
    return http_end(&asking);
}

static void expect_status(struct web *web, const char *request, const char *status)
{
    char *answer = ask(web, request);
    if (strncmp(answer, status, strlen(status)) != 0)
        fail_msg("expected %s, found %.60s", status, answer);
    free(answer);
}

static void test_http_answers(void **state)
{
    struct web *web = *state;
    web_open(web, "127.0.0.1:0");
    assert_false(metrics_http_is_public(web->http));
    char *answer = ask(web, HTTP_GET), *body = strstr(answer, "\r\n\r\n");
    assert_non_null(body);
    struct ld_buffer expected = {0};
    render(&expected, &(struct web){0});
    assert_string_equal(body + 4, ld_buffer_string(&expected));
    assert_non_null(strstr(answer, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    ld_buffer_free(&expected);
    free(answer);
    expect_status(web, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404");
    expect_status(web, "HEAD /metrics HTTP/1.0\r\n\r\n", "HTTP/1.");
    expect_status(web, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
                  "HTTP/1.1 405");
    expect_status(web, "\r\n\x01\x02 nonsense\r\n\r\n", "");
    assert_int_equal(web->renders, 1); /* the text is made once a second */
}

static void test_socket_file(void **state)
{
    struct web *web = *state;
    struct metrics_http *second = NULL;
    web_open(web, web->path);
    assert_string_equal(metrics_http_address(web->http), web->path);
    expect_status(web, HTTP_GET, "HTTP/1.1 200");
    assert_int_equal(metrics_http_open(&web->loop, web->path, render, web, &second, &test_error),
                     LD_ADDRINUSE);
    assert_non_null(strstr(test_error.text, web->path));
    /* What a killed process leaves is replaced. */
    web_close(web);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct address address;
    assert_ok(address_parse(web->path, &address, &test_error));
    assert_int_equal(bind(fd, (struct sockaddr *)&address.storage, address.size), 0);
    close(fd);
    web_open(web, web->path);
    expect_status(web, HTTP_GET, "HTTP/1.1 200");
    web_close(web);
    /* A file that is none of ours is not. */
    fd = open(address_path(&address), O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    assert_int_equal(metrics_http_open(&web->loop, web->path, render, web, &second, &test_error),
                     LD_ADDRINUSE);
    assert_int_equal(unlink(address_path(&address)), 0);
    assert_int_equal(
        metrics_http_open(&web->loop, "unix:/nowhere/x", render, web, &second, &test_error), LD_IO);
}

/* A header of a megabyte is refused, and what is kept of it is bounded. */
static void test_large_request(void **state)
{
    struct web *web = *state;
    web_open(web, "127.0.0.1:0");
    struct ld_buffer request = {0};
    ld_buffer_text(&request, "GET /metrics HTTP/1.1\r\nHost: x\r\nX: ");
    memset(ld_buffer_reserve(&request, 1 << 20), 'a', 1 << 20);
    request.size += 1 << 20;
    ld_buffer_text(&request, "\r\n\r\n");
    char *answer = ask(web, ld_buffer_string(&request));
    if (answer[0] != '\0' && strncmp(answer, "HTTP/1.1 431", 12) != 0)
        fail_msg("answered with %.60s", answer); /* or the connection was reset before it */
    free(answer);
    ld_buffer_free(&request);
    expect_status(web, HTTP_GET, "HTTP/1.1 200");
}

/* A thousand connections with half a request each that go on saying a byte now and then:
 * who asks properly is answered. */
static void test_many_halves(void **state)
{
    struct web *web = *state;
    web_open(web, web->path);
    size_t open = 0;
    for (size_t i = 0; i < PEERS_MAX; i++) {
        int fd = http_try_to_dial(web->path);
        if (fd < 0)
            continue;
        web->peers[open++] = fd;
        say(fd, HTTP_GET, 20);
    }
    assert_true(open > 64); /* the rest did not even get in */
    web->chatter = open;
    expect_status(web, HTTP_GET, "HTTP/1.1 200");
}

/* One that never reads its answer is dropped, others get theirs. */
static void test_who_does_not_read(void **state)
{
    struct web *web = *state;
    web_open(web, web->path);
    for (size_t i = 0; i < 32; i++) {
        web->peers[i] = dial(web);
        say(web->peers[i], HTTP_GET, strlen(HTTP_GET));
    }
    expect_status(web, HTTP_GET, "HTTP/1.1 200");
    assert_true(web->renders < 20);
}

int main(void)
{
#define WEB(test) cmocka_unit_test_setup_teardown(test, web_setup, web_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_addresses),
        WEB(test_http_answers),
        WEB(test_socket_file),
        WEB(test_large_request),
        WEB(test_many_halves),
        WEB(test_who_does_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
