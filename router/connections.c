/*
 * Descriptors and connections: how many there may be, and what the operator hears of those that
 * were refused or cut off (lib/zuv/guard.c does it).
 *
 * A router without descriptors could not begin the next file of its log. So there are enough for
 * all connections, for those that are accepted before the guard looks again, and for the rest of
 * the router; else it does not start, and says what to raise.
 */
#include "internal.h"

#include <inttypes.h>
#include <sys/resource.h>

enum { DESCRIPTORS_BETWEEN_LOOKS = 512, DESCRIPTORS_OWN = 256 };

int connections_reserve(const struct router_limits *limits, struct ld_error *error)
{
    struct rlimit files;
    rlim_t needed =
        limits->connections + limits->tap_connections + DESCRIPTORS_BETWEEN_LOOKS + DESCRIPTORS_OWN;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur >= needed)
        return LD_OK;
    if (files.rlim_max < needed)
        return ld_fail(error, LD_INVALID,
                       "%" PRIu64 " open files are needed for %zu connections, %" PRIu64
                       " are allowed: raise the limit (ulimit -Hn, LimitNOFILE=)",
                       (uint64_t)needed, limits->connections + limits->tap_connections,
                       (uint64_t)files.rlim_max);
    files.rlim_cur = needed;
    return setrlimit(RLIMIT_NOFILE, &files) == 0
               ? LD_OK
               : ld_fail(error, LD_INVALID, "cannot raise the limit of open files to %" PRIu64,
                         (uint64_t)needed);
}

void connections_limit(const struct router *router, size_t count, struct zuv_options *socket)
{
    socket->connections_max = count;
    socket->memory_bytes = router->options.limits.memory_bytes;
}

static void add_stats(const struct zuv_guard_stats *stats, struct zuv_guard_stats *sum)
{
    sum->accept_failed += stats->accept_failed;
    sum->unheard += stats->unheard;
    sum->cut_excess += stats->cut_excess;
    sum->cut_stranger += stats->cut_stranger;
    sum->cut_unfinished += stats->cut_unfinished;
    sum->cut_talker += stats->cut_talker;
}

void connections_note(struct router *router)
{
    struct zuv_guard_stats front, now = {0}, *noted = &router->noted;
    struct tap_stats tap;
    zuv_get_guard_stats(router->front, &front);
    tap_get_stats(router->tap, &tap);
    add_stats(&front, &now);
    add_stats(&tap.guard, &now);
    if (memcmp(&now, noted, sizeof now) == 0)
        return;
    note_limited(router, NOTE_CONNECTION,
                 "connections: %" PRIu64 " ended without a message, %" PRIu64
                 " cut off as too many, %" PRIu64 " as nobody's, %" PRIu64
                 " for messages without end, %" PRIu64 " for too many; %" PRIu64 " not accepted",
                 now.unheard - noted->unheard, now.cut_excess - noted->cut_excess,
                 now.cut_stranger - noted->cut_stranger, now.cut_unfinished - noted->cut_unfinished,
                 now.cut_talker - noted->cut_talker, now.accept_failed - noted->accept_failed);
    *noted = now;
}
