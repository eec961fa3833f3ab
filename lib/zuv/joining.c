/*
 * How far a connecting socket got: told by ZeroMQ's monitor, read when somebody asks.
 *
 *   NOWHERE ──connected──> REACHED ──handshake──> JOINED
 *      ^                      │ ended, failed        │
 *      │                      v                      │
 *      │                  TURNED_AWAY                │
 *      └──────────────────────┴──── disconnected ────┘ (TURNED_AWAY stays until it is reached
 * again)
 *
 * ZeroMQ does not say why a peer turns it away: a wrong key looks like a peer that hangs up. But
 * that somebody was there and hung up before the end of the handshake is known, and told.
 */
#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVENT_SIZE = 6 };

struct joining {
    void *watched;
    void *monitor;
    enum zuv_joined state;
};

static void apply(struct joining *joining, uint16_t event)
{
    switch (event) {
    case ZMQ_EVENT_CONNECTED:
        if (joining->state != ZUV_TURNED_AWAY)
            joining->state = ZUV_REACHED;
        break;
    case ZMQ_EVENT_CLOSED: /* of a try that reached nobody */
        joining->state = ZUV_NOWHERE;
        break;
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        joining->state = ZUV_JOINED;
        break;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        joining->state = ZUV_TURNED_AWAY;
        break;
    case ZMQ_EVENT_DISCONNECTED:
        joining->state = joining->state == ZUV_JOINED ? ZUV_NOWHERE : ZUV_TURNED_AWAY;
        break;
    default:
        break;
    }
}

static int receive_part(void *monitor, uint8_t *bytes, size_t size)
{
    int received;
    do
        received = zmq_recv(monitor, bytes, size, ZMQ_DONTWAIT);
    while (received < 0 && errno == EINTR);
    return received;
}

enum zuv_joined joining_state(struct joining *joining)
{
    uint8_t raw[EVENT_SIZE], endpoint[1];
    while (receive_part(joining->monitor, raw, sizeof raw) == EVENT_SIZE) {
        uint16_t event;
        memcpy(&event, raw, sizeof event);
        receive_part(joining->monitor, endpoint, sizeof endpoint);
        apply(joining, event);
    }
    return joining->state;
}

int joining_open(struct zuv *zuv, void *watched, struct joining **out, struct ld_error *error)
{
    static const int EVENTS = ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED |
                              ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                              ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                              ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    char name[64];
    int none = 0;
    struct joining *joining = calloc(1, sizeof *joining);
    if (!joining)
        return ld_fail(error, LD_NOMEM, "cannot allocate a monitor");
    snprintf(name, sizeof name, "inproc://joining-%p", watched);
    joining->watched = watched;
    joining->monitor = zmq_socket(zuv->context, ZMQ_PAIR);
    if (!joining->monitor)
        goto failed;
    zmq_setsockopt(joining->monitor, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(joining->monitor, ZMQ_LINGER, &none, sizeof none);
    if (zmq_socket_monitor(watched, name, EVENTS) != 0 || zmq_connect(joining->monitor, name) != 0)
        goto failed;
    *out = joining;
    return LD_OK;
failed:;
    int code = ld_fail(error, LD_IO, "cannot monitor a socket: %s", zmq_strerror(errno));
    joining_close(joining);
    return code;
}

void joining_close(struct joining *joining)
{
    if (!joining)
        return;
    zmq_socket_monitor(joining->watched, NULL, 0);
    if (joining->monitor)
        zmq_close(joining->monitor);
    free(joining);
}
