/* Reads a CAP message from a file or standard input, bounded. */
#include "cap_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cap_file_read(const char *path, struct cap **out, struct ld_error *error)
{
    enum { ROOM = CAP_BYTES_MAX + 1 }; /* one more tells that there is more */
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rb");
    *out = NULL;
    if (file == NULL)
        return ld_fail(error, LD_NOTFOUND, "%s: %s", path, strerror(errno));
    char *bytes = malloc(ROOM);
    if (bytes == NULL)
        abort();
    size_t size = fread(bytes, 1, ROOM, file);
    int code = ferror(file) ? ld_fail(error, LD_NOTFOUND, "%s: %s", path, strerror(errno))
                            : cap_read(bytes, size, out, error);
    free(bytes);
    if (!standard)
        fclose(file);
    return code;
}
