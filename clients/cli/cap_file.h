/* CAP messages in files. */
#ifndef CLI_CAP_FILE_H
#define CLI_CAP_FILE_H

#include "cap/cap.h"

/* Reads the file ("-": standard input), at most as much as a message may have. LD_NOTFOUND (cannot
 * be read); else as cap_read. */
int cap_file_read(const char *path, struct cap **out, struct ld_error *error) LD_MUST_USE;

#endif
