/* What slow_sync tells and is told while it runs: a page that both sides map from one file. */
#ifndef LIANDONG_SLOW_SYNC_H
#define LIANDONG_SLOW_SYNC_H

#include <stdatomic.h>
#include <stdint.h>

enum slow_sync_kind {
    SLOW_SYNC_FSYNC,
    SLOW_SYNC_FDATASYNC,
    SLOW_SYNC_RANGE, /* sync_file_range that waits */
    SLOW_SYNC_MSYNC, /* msync(MS_SYNC) */
    SLOW_SYNC_ALL,   /* sync, syncfs */
    SLOW_SYNC_WRITE, /* pwritev2(RWF_DSYNC) */
    /* Counted, not slowed: from here on not every sync of the program is a call that can be seen.
     */
    SLOW_SYNC_OPEN,  /* a file opened with O_DSYNC or O_SYNC */
    SLOW_SYNC_URING, /* io_uring_setup */
    SLOW_SYNC_KINDS,
    SLOW_SYNC_BLIND = SLOW_SYNC_OPEN
};

struct slow_sync_page {
    _Atomic uint64_t delay_us; /* added to each sync from now on */
    _Atomic uint64_t calls[SLOW_SYNC_KINDS];
};

#endif
