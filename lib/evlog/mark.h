/*
 * The mark, in the lock file: everything up to a sequence was durable when it was written, at open
 * and at close (docs/log-format.md, 6). A lower bound, which makes damage at the end of the log
 * provable; without it recovery only proves less. Private to evlog.
 */
#ifndef LD_EVLOG_MARK_H
#define LD_EVLOG_MARK_H

#include "disk.h"
#include "evlog.h"

#define MARK_FILE_NAME "lock"

/* The path of the lock file, which is the mark's. */
void mark_path(char *path, size_t size, const char *directory);
/* Writes the mark through the handle of the lock file, and syncs it. */
int mark_write(const struct ld_context *context, int fd, const uint8_t id[EVLOG_ID_SIZE],
               uint64_t durable, struct ld_error *error) LD_MUST_USE;

struct mark {
    uint64_t durable; /* 0 if there is no (undamaged) mark */
    uint8_t id[EVLOG_ID_SIZE];
};
/* Reads the mark of the log in directory; a missing or damaged one is no failure. */
int mark_read(const struct ld_context *context, const char *directory, struct mark *mark,
              struct ld_error *error) LD_MUST_USE;

#endif
