/* What a raw ZeroMQ socket is told before it is used: its kind, bounds, liveness, keys. */
#include "socket.h"

#include <assert.h>
#include <string.h>

enum {
    BACKLOG = 4096, /* a full one makes connections take seconds */
    KEEPALIVE_IDLE_S = 10,
    KEEPALIVE_INTERVAL_S = 5,
    KEEPALIVE_COUNT = 3
};

static int zmq_kind(enum zuv_kind kind)
{
    switch (kind) {
    case ZUV_ROUTER:
        return ZMQ_ROUTER;
    case ZUV_DEALER:
        return ZMQ_DEALER;
    case ZUV_XPUB:
        return ZMQ_XPUB;
    case ZUV_SUB:
        return ZMQ_SUB;
    }
    assert(false);
    return -1;
}

void *configure_open(void *context, enum zuv_kind kind)
{
    return zmq_socket(context, zmq_kind(kind));
}

void configure_int(void *raw, int option, int value)
{
    int set = zmq_setsockopt(raw, option, &value, sizeof value);
    assert(set == 0); /* values are our own */
}

/* No heartbeats of ZeroMQ's: one that is due on a connection that broke while its queue was full
 * ends the process, as ZeroMQ asserts (stream_engine_base.cpp, out_event); whoever does not read
 * for a while and then loses its peer gets there. Our protocol has its own, and TCP's probes find
 * connections that are dead. */
static void set_liveness(void *raw)
{
    configure_int(raw, ZMQ_BACKLOG, BACKLOG);
    configure_int(raw, ZMQ_TCP_KEEPALIVE, 1);
    configure_int(raw, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_IDLE_S);
    configure_int(raw, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_INTERVAL_S);
    configure_int(raw, ZMQ_TCP_KEEPALIVE_CNT, KEEPALIVE_COUNT);
}

/* Peers that speak a protocol from before ZeroMQ 4 (2013) are turned away: their first message
 * reaches a socket that is being closed by a way on which ZeroMQ asserts (zmtp_engine.cpp,
 * process_routing_id_msg), and random bytes look like theirs. A ZAP domain is how to say so; where
 * there is no admission ZeroMQ asks nobody. */
static void set_domain(void *raw, const char *domain)
{
    int set = zmq_setsockopt(raw, ZMQ_ZAP_DOMAIN, domain, strlen(domain));
    assert(set == 0); /* the value is our own */
}

static void set_key(void *raw, int option, const uint8_t *key)
{
    int set = zmq_setsockopt(raw, option, key, ZUV_KEY_BYTES);
    assert(set == 0); /* it was asked whether it has CURVE */
}

static void set_keys(void *raw, const struct zuv_options *options)
{
    if (options->server_secret) {
        configure_int(raw, ZMQ_CURVE_SERVER, 1);
        set_key(raw, ZMQ_CURVE_SECRETKEY, options->server_secret);
    }
    if (options->server_key) {
        set_key(raw, ZMQ_CURVE_SERVERKEY, options->server_key);
        set_key(raw, ZMQ_CURVE_PUBLICKEY, options->own_key);
        set_key(raw, ZMQ_CURVE_SECRETKEY, options->own_secret);
    }
}

/* ROUTER: mandatory, to hear of peers that are gone. Handover stays off: identities are made by
 * ZeroMQ, and a stranger must not take over a live one by naming it. XPUB: only what its owner has
 * judged takes effect (xpub.c). */
void configure_set(void *raw, enum zuv_kind kind, const struct zuv_options *options)
{
    int64_t max_message_bytes = (int64_t)options->max_message_bytes;
    zmq_setsockopt(raw, ZMQ_MAXMSGSIZE, &max_message_bytes, sizeof max_message_bytes);
    configure_int(raw, ZMQ_SNDHWM, options->send_messages);
    configure_int(raw, ZMQ_RCVHWM, options->receive_messages);
    configure_int(raw, ZMQ_LINGER, options->linger_ms);
    configure_int(raw, ZMQ_HANDSHAKE_IVL, options->handshake_ms);
    configure_int(raw, ZMQ_RECONNECT_IVL, options->reconnect_ms);
    configure_int(raw, ZMQ_RECONNECT_IVL_MAX, options->reconnect_max_ms);
    set_liveness(raw);
    set_domain(raw, options->domain);
    set_keys(raw, options);
    if (kind == ZUV_ROUTER)
        configure_int(raw, ZMQ_ROUTER_MANDATORY, 1);
    if (kind == ZUV_XPUB)
        configure_int(raw, ZMQ_XPUB_MANUAL, 1);
}
