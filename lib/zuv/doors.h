/*
 * The listening sockets of a guarded socket, and which addresses may not connect for a while.
 * See doors.c; used by guard.c only.
 */
#ifndef LD_ZUV_DOORS_H
#define LD_ZUV_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOORS_MAX = 8, DOORS_OUT_MAX = 16 };

/* Zero-initialise. */
struct doors {
    int descriptors[DOORS_MAX];
    size_t count;
    struct {
        uint32_t address; /* IPv4, as numbers are here */
        uint64_t until_ms;
    } out[DOORS_OUT_MAX];
    size_t out_count;
};

void doors_add(struct doors *doors, int descriptor);
/* Nobody from where this connection comes may connect until then. False: it is none of IPv4. */
bool doors_keep_out(struct doors *doors, int connection, uint64_t until_ms);
void doors_tick(struct doors *doors, uint64_t now_ms); /* lets in again whose time is over */

#endif
