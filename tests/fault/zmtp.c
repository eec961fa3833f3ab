/* A peer by hand: see zmtp.h. */
#include "zmtp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "bytes.h"

enum { WAIT_MS = 1000, NARROW_BYTES = 4096 };

static int connect_with(const char *endpoint, int receive_bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *colon = strrchr(endpoint, ':');
    const struct timeval patience = {.tv_usec = 50000}; /* it may be kept out for a while */
    int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    if (peer < 0 || !colon)
        return peer;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (receive_bytes > 0)
        setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(peer, (struct sockaddr *)&address, sizeof address) != 0) {
        close(peer);
        return -1;
    }
    fcntl(peer, F_SETFL, O_NONBLOCK);
    return peer;
}

int zmtp_connect(const char *endpoint)
{
    return connect_with(endpoint, 0);
}

int zmtp_connect_narrow(const char *endpoint)
{
    return connect_with(endpoint, NARROW_BYTES);
}

bool zmtp_write(int peer, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = send(peer, at, size, MSG_NOSIGNAL);
        struct pollfd room = {.fd = peer, .events = POLLOUT};
        if (sent < 0 && errno == EAGAIN && poll(&room, 1, WAIT_MS) == 1)
            continue;
        if (sent < 0)
            return false;
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool zmtp_drain(int peer)
{
    static _Thread_local uint8_t scratch[65536];
    ssize_t received;
    do
        received = recv(peer, scratch, sizeof scratch, 0);
    while (received > 0);
    return received < 0 && errno == EAGAIN;
}

bool zmtp_frame(int peer, unsigned flags, const void *body, size_t size)
{
    uint8_t head[9] = {(uint8_t)flags, (uint8_t)size};
    size_t head_size = 2;
    if (size > 255) {
        head[0] |= ZMTP_LONG;
        for (int i = 0; i < 8; i++)
            head[1 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        head_size = 9;
    }
    return zmtp_write(peer, head, head_size) && (size == 0 || zmtp_write(peer, body, size));
}

static size_t property(uint8_t *at, const char *name, const char *value)
{
    size_t name_size = strlen(name), value_size = strlen(value);
    at[0] = (uint8_t)name_size;
    memcpy(at + 1, name, name_size);
    memset(at + 1 + name_size, 0, 3);
    at[4 + name_size] = (uint8_t)value_size;
    memcpy(at + 5 + name_size, value, value_size);
    return 5 + name_size + value_size;
}

/* Whatever comes before its READY has come to its end, ZeroMQ takes for a part of the handshake. */
static bool read_ready(int peer)
{
    uint8_t bytes[ZMTP_GREETING_SIZE + 2 + 255];
    size_t size = 0, wanted = ZMTP_GREETING_SIZE + 2;
    while (size < wanted) {
        struct pollfd more = {.fd = peer, .events = POLLIN};
        if (poll(&more, 1, WAIT_MS) != 1)
            return false;
        ssize_t received = recv(peer, bytes + size, wanted - size, 0);
        if (received <= 0)
            return false;
        size += (size_t)received;
        if (size == ZMTP_GREETING_SIZE + 2)
            wanted += bytes[ZMTP_GREETING_SIZE + 1];
    }
    return true;
}

int zmtp_greet(int peer, const char *type)
{
    uint8_t greeting[ZMTP_GREETING_SIZE] = {[0] = 0xff, [9] = 0x7f, [10] = 3};
    uint8_t ready[64] = "\005READY";
    size_t size = 6;
    memcpy(greeting + 12, "NULL", 4);
    size += property(ready + size, "Socket-Type", type);
    return zmtp_write(peer, greeting, sizeof greeting) &&
                   zmtp_frame(peer, ZMTP_COMMAND, ready, size) && read_ready(peer)
               ? 0
               : -1;
}

bool zmtp_say(int peer, enum wire_operation operation, uint64_t id, uint64_t a, uint64_t b,
              const void *body, size_t size)
{
    uint8_t raw[WIRE_HEAD_SIZE];
    struct wire_head head = {operation, id, a, b};
    wire_head_encode(raw, &head);
    return zmtp_frame(peer, body ? ZMTP_MORE : 0, raw, sizeof raw) &&
           (!body || zmtp_frame(peer, 0, body, size));
}

int zmtp_session(const char *endpoint, const char *identity)
{
    int peer = zmtp_connect(endpoint);
    if (peer >= 0 && zmtp_greet(peer, "DEALER") == 0 &&
        zmtp_say(peer, WIRE_HELLO, 1, 0, 0, identity, strlen(identity)))
        return peer;
    if (peer >= 0)
        close(peer);
    return -1;
}
