/*
 * fault_peer proxy: a TCP port in front of a router's ipc socket that loses connections.
 *
 * Each connection gets, in each direction, a random number of bytes that may pass, as likely below
 * 100 as around 100,000. Then it is
 * reset, closed, half closed, or it stalls: nothing more passes in that direction, and nobody is
 * told. What is cut off lies anywhere: in the handshake, in a frame, behind an answer. Each fault
 * adds a byte to the file "cuts"; after the last one all that is asked for passes. An end that
 * comes from one side is passed on to the other.
 */
#include "peer.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "chance.h"

enum { FEW_BYTES = 64, DOUBLINGS = 12, ONE_STALL_IN = 24 };

enum fault { FAULT_RESET, FAULT_CLOSE, FAULT_HALF, FAULT_KINDS, FAULT_STALL = FAULT_KINDS };

struct tunnel;

struct direction {
    struct tunnel *tunnel;
    uv_stream_t *from, *to;
    uint64_t left; /* bytes that may pass */
};

struct tunnel {
    uv_tcp_t client;
    uv_pipe_t router;
    uv_connect_t connect;
    struct direction up, down;
    int open_handles;
};

struct portion {
    uv_write_t write;
    char bytes[];
};

static struct {
    struct peer *peer;
    uv_tcp_t listener;
    const char *router_path;
    uint64_t chance, cuts_left;
    int file;
} self;

/* ---- ends ---- */

static void on_closed(uv_handle_t *handle)
{
    struct tunnel *tunnel = handle->data;
    if (--tunnel->open_handles == 0)
        free(tunnel);
}

static void close_end(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void tunnel_close(struct tunnel *tunnel)
{
    close_end((uv_handle_t *)&tunnel->client);
    close_end((uv_handle_t *)&tunnel->router);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    free(shutdown);
}

static void half_close(struct direction *direction)
{
    uv_shutdown_t *shutdown = malloc(sizeof *shutdown);
    if (shutdown == NULL || uv_shutdown(shutdown, direction->to, on_shut) != 0)
        free(shutdown);
}

static void break_off(struct direction *direction)
{
    struct tunnel *tunnel = direction->tunnel;
    bool stall = chance_below(&self.chance, ONE_STALL_IN) == 0;
    self.cuts_left--;
    peer_append(self.file, "", 1);
    uv_read_stop(direction->from);
    if (stall)
        return;
    switch ((enum fault)chance_below(&self.chance, FAULT_KINDS)) {
    case FAULT_RESET:
        if (!uv_is_closing((uv_handle_t *)&tunnel->client))
            uv_tcp_close_reset(&tunnel->client, on_closed);
        tunnel_close(tunnel);
        break;
    case FAULT_HALF:
        half_close(direction);
        break;
    default:
        tunnel_close(tunnel);
    }
}

/* ---- bytes ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char bytes[65536];
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(bytes, sizeof bytes);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
}

static void pass(struct direction *direction, const char *bytes, size_t size)
{
    struct portion *portion = malloc(sizeof *portion + size);
    if (portion == NULL)
        peer_die("no memory");
    memcpy(portion->bytes, bytes, size);
    portion->write.data = portion;
    uv_buf_t buffer = uv_buf_init(portion->bytes, (unsigned)size);
    if (uv_write(&portion->write, direction->to, &buffer, 1, on_written) != 0)
        free(portion);
}

static void on_bytes(uv_stream_t *from, ssize_t count, const uv_buf_t *buffer)
{
    struct tunnel *tunnel = from->data;
    struct direction *direction =
        from == (uv_stream_t *)&tunnel->client ? &tunnel->up : &tunnel->down;
    if (count < 0) {
        tunnel_close(tunnel);
        return;
    }
    size_t size = (size_t)count;
    if (self.cuts_left > 0 && size > direction->left)
        size = direction->left;
    pass(direction, buffer->base, size);
    direction->left -= size < direction->left ? size : direction->left;
    if (direction->left == 0 && self.cuts_left > 0)
        break_off(direction);
}

/* ---- connections ---- */

static void direction_begin(struct direction *direction, struct tunnel *tunnel, uv_stream_t *from,
                            uv_stream_t *to)
{
    uint64_t most = (uint64_t)FEW_BYTES << chance_below(&self.chance, DOUBLINGS);
    *direction = (struct direction){tunnel, from, to, 1 + chance_below(&self.chance, most)};
    uv_read_start(from, on_alloc, on_bytes);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct tunnel *tunnel = connect->data;
    uv_stream_t *client = (uv_stream_t *)&tunnel->client, *router = (uv_stream_t *)&tunnel->router;
    if (status != 0) {
        tunnel_close(tunnel);
        return;
    }
    direction_begin(&tunnel->up, tunnel, client, router);
    direction_begin(&tunnel->down, tunnel, router, client);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct tunnel *tunnel = calloc(1, sizeof *tunnel);
    if (tunnel == NULL || status != 0)
        peer_die("cannot take a connection");
    uv_tcp_init(&self.peer->loop, &tunnel->client);
    uv_pipe_init(&self.peer->loop, &tunnel->router, 0);
    tunnel->client.data = tunnel->router.data = tunnel->connect.data = tunnel;
    tunnel->open_handles = 2;
    if (uv_accept(listener, (uv_stream_t *)&tunnel->client) != 0)
        peer_die("cannot accept a connection");
    uv_pipe_connect(&tunnel->connect, &tunnel->router, self.router_path, on_connected);
}

static void proxying_start(struct peer *peer, char **arguments)
{
    char path[CONTENT_PATH_SIZE];
    uint8_t last;
    struct sockaddr_in address;
    int size = sizeof address;
    signal(SIGPIPE, SIG_IGN); /* both ends come and go */
    self.peer = peer;
    self.router_path = arguments[0];
    self.chance = peer_number(arguments[2]);
    self.cuts_left = peer_number(arguments[3]);
    content_cuts_path(path, arguments[1]);
    peer_open_file(path, &self.file, &last, sizeof last);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(&peer->loop, &self.listener);
    if (uv_tcp_bind(&self.listener, (const struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&self.listener, 64, on_connection) != 0 ||
        uv_tcp_getsockname(&self.listener, (struct sockaddr *)&address, &size) != 0)
        peer_die("cannot listen");
    printf("tcp://127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void close_any(uv_handle_t *handle, void *data)
{
    (void)data;
    if (handle == (uv_handle_t *)&self.listener)
        uv_close(handle, NULL);
    else
        close_end(handle);
}

static void proxying_stop(void)
{
    uv_walk(&self.peer->loop, close_any, NULL);
}

const struct peer_role peer_proxying = {
    .name = "proxy",
    .usage = "ROUTER_SOCKET FOLDER SEED CUTS",
    .argument_count = 4,
    .start = proxying_start,
    .stop = proxying_stop,
};
