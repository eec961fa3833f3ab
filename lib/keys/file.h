/* Small files with exact modes, whole or not at all. Private to lib/keys. */
#ifndef LD_KEYS_FILE_H
#define LD_KEYS_FILE_H

#include <sys/stat.h>
#include "keys.h"

/* All of it, malloc'ed and ended by a zero. status may be NULL. LD_NOTFOUND, LD_TOOBIG (more than
 * size_max bytes), LD_INVALID (no regular file, or a zero byte in it), LD_IO. */
int file_read(const char *path, size_t size_max, char **text, struct stat *status,
              struct ld_error *error) LD_MUST_USE;
/* Under another name, synced, then put in place; the directory synced. replace false: LD_REFUSED if
 * there is one. */
int file_write(const char *path, mode_t mode, const char *text, size_t size, bool replace,
               struct ld_error *error) LD_MUST_USE;
int file_make_directory(const char *path, struct ld_error *error) LD_MUST_USE; /* 0700 */
int file_sync_directory_of(const char *path, struct ld_error *error) LD_MUST_USE;
/* Waits for its turn; closing the descriptor lets the next one in. */
int file_lock(const char *path, int *fd, struct ld_error *error) LD_MUST_USE;

#endif
