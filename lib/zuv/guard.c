/*
 * What ZeroMQ does not bound by itself, for a socket that strangers may connect to:
 *
 *   connections   it accepts as many as there are descriptors, and keeps those that say nothing;
 *   one message   it takes frame after frame of a message that never ends: its high-water marks
 *                 count whole messages.
 *
 * ZeroMQ's monitor tells of every connection that comes and goes, with its descriptor:
 *
 *                accepted           keep: the user knows it
 *   (nobody) ───────────> stranger ───────────────────────> kept
 *       ^                    │  ^                             │
 *       │ disconnected       │  └──────────── leave ──────────┘
 *       └──── cut off <──────┴── too many, stranger for too long, unfinished message too big
 *
 * Cutting off is shutdown() of the descriptor; ZeroMQ's thread sees the end and cleans up. The
 * descriptor may be another connection's by now. That cannot go wrong: ZeroMQ tells that a
 * connection has ended before it closes the descriptor. So a copy of the descriptor is made, then
 * the monitor is read to its end, and if the connection is still there the copy is of it.
 *
 * Whoever is cut off for what it did, or as one too many, would be back at once: nobody from its
 * address can connect for a second (doors.c).
 *
 * Unfinished messages. How many bytes a connection has sent is asked of the kernel (TCP; for ipc
 * what is not read yet). An honest one has sent the messages that were heard of it, those that
 * still wait for the user, and the one that is coming in. That is looked at once a second, and
 * every tick while the process has more memory of its own than memory_bytes; then those with much
 * unfinished are cut off, too, as many as explain what is too much.
 *
 * The monitor's queue has no mark: ZeroMQ's thread would block on it. What comes in it is bounded
 * by the rate of connections and emptied each tick.
 */
#include "guard.h"
#include "doors.h"
#include "kernel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum {
    TICK_MS = 20,
    SWEEP_MS = 1000,
    COMMAND_BYTES = 64,             /* a second, for ZeroMQ's own heartbeats */
    WORTH_CUTTING_BYTES = 64 << 10, /* less than that does not explain the memory */
    TRIM_MS = 1000,
    KEPT_OUT_MS = 1000, /* who was cut off for what it did */
    EVENT_SIZE = 6,     /* of the first frame: event and value */
};

struct connection {
    struct connection *prev, *next; /* strangers, oldest first */
    int descriptor;
    uint64_t serial;
    bool kept;
    uint64_t since_ms; /* stranger since */
    uint64_t heard;    /* messages, */
    uint64_t heard_bytes;
    uint64_t explained; /* bytes it has sent that these account for */
};

struct guard {
    void *watched;
    void *monitor;
    uv_loop_t *loop;
    uv_timer_t tick;
    struct zuv_options options;
    struct zuv_guard_stats stats;
    struct connection **table; /* by descriptor */
    size_t table_size;
    struct connection *strangers;
    struct doors doors;
    uint64_t serial;
    uint64_t swept_ms, trimmed_ms;
    int statm; /* /proc/self/statm */
    int copy;  /* of the descriptor that is being cut off; else of statm */
    void (*closed)(void *data);
    void *closed_data;
};

/* ---- the table ---- */

static struct connection *connection_at(const struct guard *guard, int descriptor)
{
    if (descriptor < 0 || (size_t)descriptor >= guard->table_size)
        return NULL;
    return guard->table[descriptor];
}

static struct connection *connection_of(const struct guard *guard, struct zuv_link link)
{
    struct connection *connection = connection_at(guard, link.descriptor);
    return connection && connection->serial == link.serial ? connection : NULL;
}

static void forget(struct guard *guard, struct connection *connection)
{
    if (!connection)
        return;
    if (connection->kept)
        guard->stats.kept--;
    else
        DL_DELETE(guard->strangers, connection);
    guard->table[connection->descriptor] = NULL;
    guard->stats.connections--;
    free(connection);
}

static void table_reserve(struct guard *guard, int descriptor)
{
    size_t size = guard->table_size ? guard->table_size : 64;
    while (size <= (size_t)descriptor)
        size *= 2;
    if (size == guard->table_size)
        return;
    struct connection **grown = realloc(guard->table, size * sizeof *grown);
    if (!grown)
        abort(); /* out of memory: bounded by the number of descriptors */
    memset(grown + guard->table_size, 0, (size - guard->table_size) * sizeof *grown);
    guard->table = grown;
    guard->table_size = size;
}

static void accepted(struct guard *guard, int descriptor)
{
    table_reserve(guard, descriptor);
    forget(guard, guard->table[descriptor]);
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort(); /* out of memory: bounded by the number of descriptors */
    connection->descriptor = descriptor;
    connection->serial = ++guard->serial;
    connection->since_ms = uv_now(guard->loop);
    guard->table[descriptor] = connection;
    DL_APPEND(guard->strangers, connection);
    guard->stats.accepted++;
    guard->stats.connections++;
}

/* Whoever goes without a message may have failed the handshake; ZeroMQ does not always say so. */
static void disconnected(struct guard *guard, struct connection *connection)
{
    if (connection && !connection->kept && connection->heard == 0)
        guard->stats.unheard++;
    forget(guard, connection);
}

/* ---- the monitor ---- */

static int receive_part(void *monitor, uint8_t *bytes, size_t size)
{
    int received;
    do
        received = zmq_recv(monitor, bytes, size, ZMQ_DONTWAIT);
    while (received < 0 && errno == EINTR);
    return received;
}

static void monitor_event(struct guard *guard, uint16_t event, int value)
{
    switch (event) {
    case ZMQ_EVENT_ACCEPTED:
        accepted(guard, value);
        break;
    case ZMQ_EVENT_LISTENING:
        doors_add(&guard->doors, value);
        break;
    case ZMQ_EVENT_DISCONNECTED:
        disconnected(guard, connection_at(guard, value));
        break;
    case ZMQ_EVENT_ACCEPT_FAILED:
        guard->stats.accept_failed++;
        break;
    default:
        break;
    }
}

static void monitor_read(struct guard *guard)
{
    uint8_t raw[EVENT_SIZE], endpoint[1];
    while (receive_part(guard->monitor, raw, sizeof raw) == EVENT_SIZE) {
        uint16_t event;
        uint32_t value;
        memcpy(&event, raw, sizeof event);
        memcpy(&value, raw + sizeof event, sizeof value);
        receive_part(guard->monitor, endpoint, sizeof endpoint);
        monitor_event(guard, event, (int)value);
    }
}

/* ---- cutting off ---- */

static bool cut(struct guard *guard, struct zuv_link link)
{
    /* Onto a descriptor that is kept for this: there may be no other left. */
    bool copied = dup3(link.descriptor, guard->copy, O_CLOEXEC) >= 0;
    monitor_read(guard);
    struct connection *connection = connection_of(guard, link);
    bool there = connection && copied && shutdown(guard->copy, SHUT_RDWR) == 0;
    dup3(guard->statm, guard->copy, O_CLOEXEC);
    forget(guard, connection); /* ZeroMQ will say it once more */
    return there;
}

static struct zuv_link link_of(const struct connection *connection)
{
    return (struct zuv_link){connection->descriptor, connection->serial};
}

/* The same for what it did: nobody from there comes back at once. */
static bool cut_guilty(struct guard *guard, struct zuv_link link)
{
    if (connection_of(guard, link) &&
        doors_keep_out(&guard->doors, link.descriptor, uv_now(guard->loop) + KEPT_OUT_MS))
        guard->stats.kept_out++;
    return cut(guard, link);
}

static void cut_excess(struct guard *guard)
{
    while (guard->strangers && guard->stats.connections > guard->options.connections_max)
        if (cut_guilty(guard, link_of(guard->strangers)))
            guard->stats.cut_excess++;
}

static void cut_strangers(struct guard *guard)
{
    uint64_t limit_ms = (uint64_t)guard->options.stranger_ms;
    uint64_t now_ms = uv_now(guard->loop);
    while (limit_ms && guard->strangers && now_ms - guard->strangers->since_ms >= limit_ms)
        if (cut(guard, link_of(guard->strangers)))
            guard->stats.cut_stranger++;
}

/* ---- unfinished messages ---- */

/* What it has sent and no message of it that was heard explains: unfinished, or waiting. */
static uint64_t unexplained(struct connection *connection, bool second)
{
    uint64_t bytes = kernel_received(connection->descriptor, connection->explained);
    if (second)
        connection->explained += COMMAND_BYTES;
    if (connection->explained > bytes)
        connection->explained = bytes; /* an estimate, nothing to be saved up */
    return bytes - connection->explained;
}

/* Cuts off who has more unfinished than line, until so many bytes are free. */
static uint64_t sweep(struct guard *guard, bool second, uint64_t line, uint64_t wanted)
{
    uint64_t freed = 0;
    for (size_t i = 0; i < guard->table_size; i++) {
        struct connection *connection = guard->table[i];
        if (!connection)
            continue;
        uint64_t size = unexplained(connection, second);
        if (size <= line || freed >= wanted)
            continue;
        freed += size;
        guard->stats.cut_unfinished += cut_guilty(guard, link_of(connection));
    }
    return freed;
}

static void cut_unfinished(struct guard *guard)
{
    size_t limit = guard->options.memory_bytes, largest = guard->options.max_message_bytes;
    size_t used = limit ? kernel_memory(guard->statm) : 0;
    uint64_t now_ms = uv_now(guard->loop);
    bool scarce = used > limit;
    bool second = now_ms - guard->swept_ms >= SWEEP_MS;
    if (!scarce && !second)
        return;
    if (second)
        guard->swept_ms = now_ms;
    uint64_t line = largest * ((uint64_t)guard->options.receive_messages + 1);
    uint64_t freed = sweep(guard, second, line, UINT64_MAX);
    if (scarce && freed < used - limit)
        freed += sweep(guard, false, largest / 4, used - limit - freed);
    if (scarce && freed < used - limit)
        sweep(guard, false, WORTH_CUTTING_BYTES, used - limit - freed);
    if (scarce && now_ms - guard->trimmed_ms >= TRIM_MS) {
        guard->trimmed_ms = now_ms;
        malloc_trim(0);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct guard *guard = timer->data;
    monitor_read(guard);
    doors_tick(&guard->doors, uv_now(guard->loop));
    cut_excess(guard);
    cut_strangers(guard);
    cut_unfinished(guard);
}

/* ---- what the user says ---- */

struct zuv_link guard_find(struct guard *guard, int descriptor)
{
    monitor_read(guard); /* it may be that new, or another than a moment ago */
    const struct connection *connection = connection_at(guard, descriptor);
    return connection ? link_of(connection) : (struct zuv_link){.descriptor = -1};
}

bool guard_has(const struct guard *guard, struct zuv_link link)
{
    return connection_of(guard, link) != NULL;
}

void guard_heard(struct guard *guard, struct zuv_link link, size_t bytes)
{
    struct connection *connection = connection_of(guard, link);
    size_t messages_max = guard->options.messages_max, bytes_max = guard->options.bytes_max;
    if (!connection)
        return;
    connection->heard++;
    connection->heard_bytes += bytes;
    connection->explained += bytes;
    if ((messages_max && connection->heard > messages_max) ||
        (bytes_max && connection->heard_bytes > bytes_max))
        guard->stats.cut_talker += cut_guilty(guard, link);
}

void guard_keep(struct guard *guard, struct zuv_link link)
{
    struct connection *connection = connection_of(guard, link);
    if (!connection || connection->kept)
        return;
    connection->kept = true;
    guard->stats.kept++;
    DL_DELETE(guard->strangers, connection);
}

void guard_leave(struct guard *guard, struct zuv_link link)
{
    struct connection *connection = connection_of(guard, link);
    if (!connection || !connection->kept)
        return;
    connection->kept = false;
    guard->stats.kept--;
    connection->since_ms = uv_now(guard->loop);
    DL_APPEND(guard->strangers, connection);
}

void guard_cut(struct guard *guard, struct zuv_link link)
{
    if (connection_of(guard, link))
        guard->stats.cut_asked += cut_guilty(guard, link);
}

void guard_get_stats(const struct guard *guard, struct zuv_guard_stats *stats)
{
    *stats = guard->stats;
}

/* ---- opening and closing ---- */

static void close_files(const struct guard *guard)
{
    if (guard->statm >= 0)
        close(guard->statm);
    if (guard->copy >= 0)
        close(guard->copy);
}

static int monitor_open(struct zuv *zuv, struct guard *guard, struct ld_error *error)
{
    char name[64];
    int none = 0;
    const int events =
        ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPT_FAILED;
    snprintf(name, sizeof name, "inproc://guard-%p", guard->watched);
    guard->monitor = zmq_socket(zuv->context, ZMQ_PAIR);
    if (!guard->monitor)
        return ld_fail(error, LD_IO, "cannot open a monitor: %s", zmq_strerror(errno));
    zmq_setsockopt(guard->monitor, ZMQ_RCVHWM, &none, sizeof none);
    zmq_setsockopt(guard->monitor, ZMQ_LINGER, &none, sizeof none);
    if (zmq_socket_monitor(guard->watched, name, events) == 0 &&
        zmq_connect(guard->monitor, name) == 0)
        return LD_OK;
    int code = ld_fail(error, LD_IO, "cannot monitor a socket: %s", zmq_strerror(errno));
    zmq_socket_monitor(guard->watched, NULL, 0);
    zmq_close(guard->monitor);
    return code;
}

int guard_open(struct zuv *zuv, void *watched, const struct zuv_options *options,
               struct guard **out, struct ld_error *error)
{
    struct guard *guard = calloc(1, sizeof *guard);
    if (!guard)
        return ld_fail(error, LD_NOMEM, "cannot allocate a guard");
    guard->watched = watched;
    guard->options = *options;
    guard->loop = zuv->loop;
    int code = LD_OK;
    guard->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    guard->copy = fcntl(guard->statm, F_DUPFD_CLOEXEC, 0);
    if (guard->copy < 0)
        code = ld_fail(error, LD_IO, "cannot open /proc/self/statm: %s", strerror(errno));
    if (code == LD_OK)
        code = monitor_open(zuv, guard, error);
    if (code != LD_OK) {
        close_files(guard);
        free(guard);
        return code;
    }
    guard->tick.data = guard;
    uv_timer_init(zuv->loop, &guard->tick);
    uv_timer_start(&guard->tick, on_tick, TICK_MS, TICK_MS);
    *out = guard;
    return LD_OK;
}

static void on_closed(uv_handle_t *handle)
{
    struct guard *guard = handle->data;
    void (*closed)(void *) = guard->closed;
    void *data = guard->closed_data;
    free(guard);
    if (closed)
        closed(data);
}

void guard_close(struct guard *guard, void (*closed)(void *data), void *data)
{
    guard->closed = closed;
    guard->closed_data = data;
    zmq_socket_monitor(guard->watched, NULL, 0);
    zmq_close(guard->monitor);
    for (size_t i = 0; i < guard->table_size; i++)
        forget(guard, guard->table[i]);
    free(guard->table);
    close_files(guard);
    uv_close((uv_handle_t *)&guard->tick, on_closed);
}
