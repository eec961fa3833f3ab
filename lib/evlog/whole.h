/*
 * Small files of a log's directory that are read whole and replaced whole: a power cut leaves the
 * one before or the one after. Private to evlog; keeps no state.
 */
#ifndef LD_EVLOG_WHOLE_H
#define LD_EVLOG_WHOLE_H

#include <stddef.h>
#include <stdint.h>
#include "disk.h"

/* All bytes of directory/name, malloc'ed; none if it has more than size_max. LD_NOTFOUND (no such
 * file), LD_NOMEM, LD_IO: then *bytes is NULL. */
int whole_read(const struct ld_context *context, const char *directory, const char *name,
               uint64_t size_max, uint8_t **bytes, size_t *size,
               struct ld_error *error) LD_MUST_USE;
/* Replaces directory/name: temporary name, sync, rename, directory sync. */
int whole_write(const struct ld_context *context, const char *directory, const char *name,
                const uint8_t *bytes, size_t size, struct ld_error *error) LD_MUST_USE;

#endif
