/*
 * Snapshot files of services: "LDSK", version, log id (16 bytes), then the host's snapshot
 * (snapshot.c), which has its own checksum. Written by keep.c; read there, and by who wants to know
 * how far a service has come.
 */
#ifndef SV_KEPT_H
#define SV_KEPT_H

#include "buffer.h"
#include "context.h"

enum { KEPT_VERSION = 1, KEPT_AT_VERSION = 4, KEPT_AT_LOG_ID = 8, KEPT_HEADER_BYTES = 24 };
extern const uint8_t kept_magic[4];

/* Reads the file at path whole into an empty buffer and checks its header: LD_NOTFOUND, LD_CORRUPT
 * (none of ours), LD_VERSION, LD_INVALID (of another log), LD_IO. Free the buffer in any case. */
int kept_read(const struct ld_context *context, const char *path, const uint8_t log_id[16],
              struct ld_buffer *buffer, struct ld_error *error) LD_MUST_USE;

/* The last event that the oldest of the snapshots in a folder has in it: its service reads on from
 * the one behind. Files that end with ".new" were not finished and do not count. LD_NOTFOUND (no
 * folder, or no snapshot in it); LD_CORRUPT, LD_VERSION, LD_INVALID (names the first file there
 * that is no whole snapshot for this log); LD_IO. */
int kept_oldest(const struct ld_context *context, const char *folder, const uint8_t log_id[16],
                uint64_t *position, struct ld_error *error) LD_MUST_USE;

#endif
