/*
 * zuv: ZeroMQ sockets on a libuv loop. The only module that includes <zmq.h>.
 *
 * Everything runs on the loop's thread. A socket delivers whole messages by callback, at most
 * turn_messages per loop turn and socket, so that one flooding peer cannot starve the rest.
 *
 * From any callback all of these are legal: send, close (also of the same socket), open, connect.
 * zuv_socket_close is asynchronous: after it no callback of that socket is made but the close
 * callback, once. zuv_close needs all sockets closed first.
 *
 * writable() is exact for a DEALER. A ROUTER has a queue per peer and ZeroMQ does not say whose has
 * room again, so there it is a hint (some queue may have room; at most one call per turn): try the
 * peer that was busy; LD_BUSY asks for the next hint. An XPUB is never busy: it drops for a
 * subscriber whose queue is full.
 *
 * Nothing from a peer is asserted: messages of too many frames or beyond max_message_bytes are
 * dropped (the latter by ZeroMQ, with the connection) and counted. One of too many frames ends the
 * turn, and where connections are watched (connections_max) the connection.
 */
#ifndef LD_ZUV_H
#define LD_ZUV_H

#include <liandong/error.h>
#include <stdint.h>
#include <uv.h>

struct zuv; /* a ZeroMQ context bound to a loop */
struct zuv_socket;

enum zuv_kind { ZUV_ROUTER, ZUV_DEALER, ZUV_XPUB, ZUV_SUB };

enum { ZUV_FRAMES_MAX = 4, ZUV_KEY_BYTES = 32, ZUV_USER_SIZE = 256 };

/* One frame. Owned by whoever holds it until sent or dropped. */
struct zuv_frame {
    _Alignas(8) unsigned char opaque[64];
};
void zuv_frame_copy(struct zuv_frame *frame, const void *data, size_t size); /* aborts on NOMEM */
uint8_t *zuv_frame_alloc(struct zuv_frame *frame, size_t size); /* uninitialised bytes to fill */
/* Bytes of the caller's; release(data, hint) is called once, from any thread, when done. */
void zuv_frame_share(struct zuv_frame *frame, const void *data, size_t size,
                     void (*release)(void *data, void *hint), void *hint);
const uint8_t *zuv_frame_data(const struct zuv_frame *frame);
size_t zuv_frame_size(const struct zuv_frame *frame);
void zuv_frame_drop(struct zuv_frame *frame);

struct zuv_message {
    struct zuv_frame frames[ZUV_FRAMES_MAX];
    size_t count;
};
void zuv_message_drop(struct zuv_message *message); /* all frames; count becomes 0 */

struct zuv_options {
    size_t max_message_bytes; /* ZMQ_MAXMSGSIZE; default 4 MiB */
    int send_messages;        /* high-water marks in messages; default 1000 each */
    int receive_messages;
    int linger_ms;     /* what close waits for unsent messages; default 0 */
    int turn_messages; /* delivered per loop turn; default 256 */
    int handshake_ms;  /* a connection that has not become one of ZeroMQ's by then is closed; 10000
                        */
    int reconnect_ms, reconnect_max_ms; /* default 20, 1000 */
    /* CURVE: keys of ZUV_KEY_BYTES, copied; NULL: none, everything in clear and from anybody. One
     * that binds has server_secret, and whoever connects is asked for (zuv_admission_open); one
     * that connects has all three others. */
    const uint8_t *server_secret;
    const uint8_t *server_key, *own_key, *own_secret;
    const char *domain; /* what the admission is told of it; default "liandong" */
    bool tells_joining; /* zuv_joined can be asked */
    /* Of a socket that strangers may connect to (guard.c says how); 0: not limited. */
    size_t connections_max; /* at once. One above it, and the oldest that is not kept is cut off;
                             * as many as the socket has kept are never cut off for that */
    size_t messages_max;    /* one that has sent more is cut off; */
    size_t bytes_max;       /* or more than that */
    int stranger_ms;        /* one that is not kept for so long is cut off */
    size_t memory_bytes;    /* while the process has more of its own, unfinished messages are cut */
    /* All optional. message: frames are the socket's until the callback returns; a frame that is
     * to be kept is moved out with zuv_frame_take. A ROUTER's frame 0 is the peer's identity; an
     * XPUB gives one frame, 0x01 or 0x00 and the prefix: see zuv_subscription_apply. writable:
     * after LD_BUSY, when sending is possible again. */
    void (*message)(struct zuv_socket *socket, struct zuv_message *message, void *data);
    void (*writable)(struct zuv_socket *socket, void *data);
    void *data;
};
void zuv_options_init(struct zuv_options *options);
void zuv_frame_take(struct zuv_frame *to, struct zuv_frame *from); /* from becomes empty */

/* A connection to a socket with options.connections_max, by descriptor. One that is gone is no
 * longer found, and then nothing happens. */
struct zuv_link {
    int descriptor; /* -1: not known */
    uint64_t serial;
};
struct zuv_link zuv_link_of(struct zuv_socket *socket, const struct zuv_message *message);
bool zuv_link_is_there(struct zuv_socket *socket, struct zuv_link link);
/* Of each message, before its frames are taken. */
void zuv_link_heard(struct zuv_socket *socket, struct zuv_link link,
                    const struct zuv_message *message);
void zuv_link_keep(struct zuv_socket *socket, struct zuv_link link);
void zuv_link_leave(struct zuv_socket *socket, struct zuv_link link); /* a stranger again */
void zuv_link_cut(struct zuv_socket *socket, struct zuv_link link);   /* ends the connection */

/* ---- who may connect ---- */

/* Somebody who has proven to have the secret half of a key. Borrowed for the call. */
struct zuv_applicant {
    const char *domain;  /* of the socket, */
    const char *address; /* where it comes from: an IP address, or empty */
    const uint8_t *key;  /* ZUV_KEY_BYTES */
};
/* True: let in; user, text of the callee's, comes with each of its messages. */
typedef bool zuv_admit_fn(const struct zuv_applicant *applicant, char user[ZUV_USER_SIZE],
                          void *data);
struct zuv_admission;
/* Once for a zuv that is not shared, before its first socket is bound; one without a server key
 * lets nobody in from then on. It counts as a socket of it: closed before zuv_close, and after
 * those sockets. */
int zuv_admission_open(struct zuv *zuv, zuv_admit_fn *admit, void *data, struct zuv_admission **out,
                       struct ld_error *error) LD_MUST_USE;
void zuv_admission_close(struct zuv_admission *admission, void (*closed)(void *data), void *data);
/* What admit said of who sent it; NULL: nobody was asked, trust nothing of it. Borrowed. */
const char *zuv_message_user(const struct zuv_message *message);

/* How far a socket got with options.tells_joining that connects to one place. */
enum zuv_joined {
    ZUV_NOWHERE,     /* nobody is there */
    ZUV_REACHED,     /* somebody is; the handshake is under way */
    ZUV_TURNED_AWAY, /* they ended it: no or another key, not a ZeroMQ socket, or not let in */
    ZUV_JOINED
};
enum zuv_joined zuv_joined(struct zuv_socket *socket);

struct zuv_guard_stats {
    uint64_t connections, kept; /* now */
    uint64_t accepted, accept_failed;
    uint64_t unheard; /* ended by themselves without a message: no handshake, as a rule */
    uint64_t cut_excess, cut_stranger, cut_unfinished, cut_talker, cut_asked;
    uint64_t kept_out; /* times that nobody from an address could connect for a while */
};
void zuv_get_guard_stats(const struct zuv_socket *socket, struct zuv_guard_stats *stats);

struct zuv_stats {
    uint64_t received, sent, busy, unreachable, malformed; /* messages */
    uint64_t received_bytes, sent_bytes;
    int64_t turn_us_max; /* longest time spent in message callbacks in one turn */
};

/* With an I/O thread of its own: once it is closed, ZeroMQ holds nothing of the caller's any more.
 */
int zuv_open(uv_loop_t *loop, struct zuv **out, struct ld_error *error) LD_MUST_USE;
/* With the I/O thread that all who open it like this in one process share, from any thread. Frames
 * that were given to ZeroMQ may be let go of after zuv_close. A child process gets one anew. */
int zuv_open_shared(uv_loop_t *loop, struct zuv **out, struct ld_error *error) LD_MUST_USE;
/* Waits for the unsent messages of closed sockets, each at most its linger time; where the thread
 * is shared, only the last one waits. NULL is legal. */
void zuv_close(struct zuv *zuv);

int zuv_socket_open(struct zuv *zuv, enum zuv_kind kind, const struct zuv_options *options,
                    struct zuv_socket **out, struct ld_error *error) LD_MUST_USE;
/* Errors: LD_ADDRINUSE (names the endpoint), LD_INVALID (not an endpoint), LD_DENIED. "tcp://…:*"
 * and "ipc://…" are fine; zuv_endpoint gives the resolved last one (borrowed). */
int zuv_bind(struct zuv_socket *socket, const char *endpoint, struct ld_error *error) LD_MUST_USE;
int zuv_connect(struct zuv_socket *socket, const char *endpoint,
                struct ld_error *error) LD_MUST_USE;
const char *zuv_endpoint(const struct zuv_socket *socket);
/* A SUB receives nothing until it has subscribed to a prefix (size 0: everything). */
int zuv_subscribe(struct zuv_socket *socket, const void *prefix, size_t size,
                  struct ld_error *error) LD_MUST_USE;
/* An XPUB's message callback says so of the message it was given, if its sender is to hear what
 * begins with that prefix (0x01), or no longer (0x00). What is not applied has no effect. */
void zuv_subscription_apply(struct zuv_socket *socket, const struct zuv_message *message);
/* Changes what close waits for unsent messages (options.linger_ms). */
void zuv_set_linger(struct zuv_socket *socket, int linger_ms);

/* Sends all frames or none. LD_OK: frames are gone (count 0). LD_BUSY: would block, frames still
 * the caller's, writable() will follow. LD_UNREACHABLE: a ROUTER does not know that peer (any
 * more), frames still the caller's. */
int zuv_send(struct zuv_socket *socket, struct zuv_message *message) LD_MUST_USE;

void zuv_socket_close(struct zuv_socket *socket, void (*closed)(void *data), void *data);
void zuv_get_stats(const struct zuv_socket *socket, struct zuv_stats *stats);

#endif
