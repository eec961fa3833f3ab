/*
 * The guard of a bound socket: who is connected, and who must go. See guard.c; zuv.h has what
 * users of a socket see of it.
 */
#ifndef LD_ZUV_GUARD_H
#define LD_ZUV_GUARD_H

#include "socket.h"

struct guard;

/* Watches a raw ZeroMQ socket from before it is bound. */
int guard_open(struct zuv *zuv, void *watched, const struct zuv_options *options,
               struct guard **out, struct ld_error *error) LD_MUST_USE;
/* Before the watched socket is closed. closed(data), unless NULL, is called when it is gone. */
void guard_close(struct guard *guard, void (*closed)(void *data), void *data);

struct zuv_link guard_find(struct guard *guard, int descriptor);
bool guard_has(const struct guard *guard, struct zuv_link link);
void guard_heard(struct guard *guard, struct zuv_link link, size_t bytes);
void guard_keep(struct guard *guard, struct zuv_link link);
void guard_leave(struct guard *guard, struct zuv_link link);
void guard_cut(struct guard *guard, struct zuv_link link);
void guard_get_stats(const struct guard *guard, struct zuv_guard_stats *stats);

#endif
