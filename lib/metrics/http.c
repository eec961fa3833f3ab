/*
 * The HTTP listener: libmicrohttpd on the caller's loop. The only file that includes
 * <microhttpd.h>.
 *
 * libmicrohttpd has its sockets in an epoll set of its own, whose descriptor the loop polls:
 *
 *   LISTENING ──(readable, or the time of the next time-out)──> a piece of work ──> PAUSING
 *       ^                                                                             │
 *       └──────────────(10 ms; a piece first if more is known to wait)────────────────┘
 *
 * Ways it fails: whatever a peer does wrong ends its connection, here or in libmicrohttpd, without
 * a word. When the text cannot be handed over for want of memory the peer gets nothing.
 * On close connections are dropped at once and the socket file goes; then closed() is called.
 */
#include "http.h"

#include <assert.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "address.h"

enum {
    CONNECTIONS_MAX = 16,
    CONNECTION_MEMORY_BYTES = 16 << 10,
    LIFE_MS = 5000,     /* of a connection */
    YIELD_MS = 250,     /* the same when all connections are taken */
    PAUSE_MS = 10,      /* between two pieces of work */
    TEXT_AGE_MS = 1000, /* the text is made anew after that */
    WAIT_MS_MAX = 1000
};

#define CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct connection {
    int fd; /* -1: free */
    uint64_t since_ms;
};

struct metrics_http {
    uv_loop_t *loop;
    uv_poll_t poll;
    uv_timer_t timer;
    bool pausing;
    struct MHD_Daemon *daemon;
    struct MHD_Response *text, *elsewhere, *refusal; /* the answers; text NULL: not made yet */
    uint64_t text_ms;
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct address address;
    char address_text[ADDRESS_TEXT_SIZE];
    metrics_render_fn *render;
    void *data;
    unsigned handles_open;
    void (*closed)(void *data);
    void *closed_data;
};

/* ---- answers ---- */

static struct MHD_Response *make_response(const void *text, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        abort();
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_TYPE);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    return response;
}

static struct MHD_Response *current_text(struct metrics_http *http)
{
    uint64_t now_ms = uv_now(http->loop);
    if (http->text && now_ms - http->text_ms < TEXT_AGE_MS)
        return http->text;
    if (http->text)
        MHD_destroy_response(http->text); /* lives on for those who still read it */
    struct ld_buffer buffer = {0};
    http->render(&buffer, http->data);
    http->text = make_response(ld_buffer_string(&buffer), buffer.size);
    http->text_ms = now_ms;
    ld_buffer_free(&buffer);
    return http->text;
}

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **request)
{
    struct metrics_http *http = data;
    (void)version, (void)upload, (void)upload_size, (void)request;
    bool reads =
        strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    if (!reads)
        return MHD_queue_response(connection, MHD_HTTP_METHOD_NOT_ALLOWED, http->refusal);
    if (strcmp(url, "/metrics") != 0)
        return MHD_queue_response(connection, MHD_HTTP_NOT_FOUND, http->elsewhere);
    return MHD_queue_response(connection, MHD_HTTP_OK, current_text(http));
}

/* ---- connections ---- */

static struct connection *free_place(struct metrics_http *http)
{
    size_t i = 0;
    while (http->connections[i].fd >= 0)
        i++;
    assert(i < CONNECTIONS_MAX);
    return &http->connections[i];
}

static void on_connection(void *data, struct MHD_Connection *connection, void **place,
                          enum MHD_ConnectionNotificationCode code)
{
    struct metrics_http *http = data;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct connection *begun = free_place(http);
        begun->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        begun->since_ms = uv_now(http->loop);
        http->connection_count++;
        *place = begun;
    } else {
        ((struct connection *)*place)->fd = -1;
        http->connection_count--;
    }
}

/* libmicrohttpd's own time-out begins anew with every byte; this one does not. It finds a socket
 * that was shut down at its end and closes it. */
static void end_old_connections(struct metrics_http *http)
{
    uint64_t life_ms = http->connection_count == CONNECTIONS_MAX ? YIELD_MS : LIFE_MS;
    uint64_t now_ms = uv_now(http->loop);
    struct connection *oldest = NULL;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &http->connections[i];
        if (connection->fd >= 0 && (!oldest || connection->since_ms < oldest->since_ms))
            oldest = connection;
    }
    if (oldest && now_ms - oldest->since_ms >= life_ms)
        shutdown(oldest->fd, SHUT_RDWR);
}

/* ---- turns ---- */

static void on_timer(uv_timer_t *timer);

static void work(struct metrics_http *http)
{
    MHD_run(http->daemon);
    end_old_connections(http);
    uv_poll_stop(&http->poll);
    http->pausing = true;
    uv_timer_start(&http->timer, on_timer, PAUSE_MS, 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    work(poll->data);
}

static void on_timer(uv_timer_t *timer)
{
    struct metrics_http *http = timer->data;
    MHD_UNSIGNED_LONG_LONG wait_ms = WAIT_MS_MAX;
    bool waits = MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES;
    if (!http->pausing || (waits && wait_ms == 0)) {
        work(http);
        return;
    }
    http->pausing = false;
    uv_poll_start(&http->poll, UV_READABLE, on_readable);
    if (http->connection_count > 0)
        uv_timer_start(&http->timer, on_timer, wait_ms < WAIT_MS_MAX ? wait_ms : WAIT_MS_MAX, 0);
}

/* ---- opening and closing ---- */

static int start_daemon(struct metrics_http *http, int fd, struct ld_error *error)
{
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, answer, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)LIFE_MS / 1000,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_END);
    if (http->daemon)
        return LD_OK;
    close(fd);
    return ld_fail(error, LD_IO, "cannot start the listener for metrics on %s", http->address_text);
}

static void start_turns(struct metrics_http *http)
{
    int epoll_fd = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    uv_timer_init(http->loop, &http->timer);
    int failed = uv_poll_init(http->loop, &http->poll, epoll_fd);
    assert(failed == 0); /* an epoll set can always be polled */
    (void)failed;
    http->handles_open = 2;
    http->timer.data = http->poll.data = http;
    uv_poll_start(&http->poll, UV_READABLE, on_readable);
}

int metrics_http_open(uv_loop_t *loop, const char *address, metrics_render_fn *render, void *data,
                      struct metrics_http **out, struct ld_error *error)
{
    static const char ELSEWHERE[] = "Metrics are at /metrics.\n";
    static const char REFUSAL[] = "Only GET and HEAD are answered here.\n";
    int fd;
    struct metrics_http *http = calloc(1, sizeof *http);
    if (!http)
        abort();
    http->loop = loop;
    http->render = render;
    http->data = data;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        http->connections[i].fd = -1;
    int code = address_parse(address, &http->address, error);
    if (code == LD_OK)
        code = address_listen(&http->address, &fd, error);
    if (code != LD_OK)
        goto fail;
    address_format(&http->address, http->address_text);
    code = start_daemon(http, fd, error);
    if (code != LD_OK)
        goto fail;
    http->elsewhere = make_response(ELSEWHERE, strlen(ELSEWHERE));
    http->refusal = make_response(REFUSAL, strlen(REFUSAL));
    start_turns(http);
    *out = http;
    return LD_OK;

fail:
    free(http);
    return code;
}

const char *metrics_http_address(const struct metrics_http *http)
{
    return http->address_text;
}

bool metrics_http_is_public(const struct metrics_http *http)
{
    return address_is_public(&http->address);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct metrics_http *http = handle->data;
    if (--http->handles_open > 0)
        return;
    void (*closed)(void *data) = http->closed;
    void *data = http->closed_data;
    free(http);
    if (closed)
        closed(data);
}

void metrics_http_close(struct metrics_http *http, void (*closed)(void *data), void *data)
{
    http->closed = closed;
    http->closed_data = data;
    uv_close((uv_handle_t *)&http->poll, on_handle_closed);
    uv_close((uv_handle_t *)&http->timer, on_handle_closed);
    MHD_stop_daemon(http->daemon);
    if (http->text)
        MHD_destroy_response(http->text);
    MHD_destroy_response(http->elsewhere);
    MHD_destroy_response(http->refusal);
    if (address_path(&http->address))
        unlink(address_path(&http->address));
}
