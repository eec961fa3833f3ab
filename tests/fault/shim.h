/*
 * What a preloaded library (shim_library.c) makes of the system under a real process, at once and
 * at will: the machine's clock is wrong, a sync fails. Shared memory between test and process.
 */
#ifndef TESTS_FAULT_SHIM_H
#define TESTS_FAULT_SHIM_H

#include <stdatomic.h>
#include <stdint.h>

#define SHIM_VARIABLE "LIANDONG_FAULT_SHIM" /* environment: path of the shared file */

struct shim {
    _Atomic int64_t wall_us; /* added to CLOCK_REALTIME */
    _Atomic int sync_errno;  /* fdatasync fails with it; 0: it works */
};

/* Makes the file at path; the mapping stays until the test ends. */
struct shim *shim_open(const char *path);

#endif
