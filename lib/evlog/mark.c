/* The mark: one sector in the lock file, written whole and checked by its own checksum. */
#include "mark.h"

#include <stdio.h>
#include <string.h>
#include "bytes.h"
#include "segment.h"

#define MARK_MAGIC 0x314d444cu /* "LDM1" */
#define MARK_SIZE  512u

enum mark_offset { AT_MAGIC = 0, AT_CHECKSUM = 4, AT_DURABLE = 8, AT_ID = 16 };

static uint32_t checksum(const uint8_t sector[MARK_SIZE])
{
    return ld_crc32c(0, sector + AT_DURABLE, MARK_SIZE - AT_DURABLE);
}

void mark_path(char *path, size_t size, const char *directory)
{
    snprintf(path, size, "%s/%s", directory, MARK_FILE_NAME);
}

int mark_write(const struct ld_context *context, int fd, const uint8_t id[EVLOG_ID_SIZE],
               uint64_t durable, struct ld_error *error)
{
    uint8_t sector[MARK_SIZE] = {0};
    ld_put_u32(sector + AT_MAGIC, MARK_MAGIC);
    ld_put_u64(sector + AT_DURABLE, durable);
    memcpy(sector + AT_ID, id, EVLOG_ID_SIZE);
    ld_put_u32(sector + AT_CHECKSUM, checksum(sector));
    int code = disk_write(context, fd, 0, sector, sizeof sector, error);
    return code == LD_OK ? disk_sync(context, fd, error) : code;
}

static void decode(const uint8_t sector[MARK_SIZE], struct mark *mark)
{
    if (ld_get_u32(sector + AT_MAGIC) != MARK_MAGIC ||
        ld_get_u32(sector + AT_CHECKSUM) != checksum(sector))
        return;
    mark->durable = ld_get_u64(sector + AT_DURABLE);
    memcpy(mark->id, sector + AT_ID, EVLOG_ID_SIZE);
}

int mark_read(const struct ld_context *context, const char *directory, struct mark *mark,
              struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    uint8_t sector[MARK_SIZE] = {0};
    size_t size_read = 0;
    int fd;
    *mark = (struct mark){0};
    mark_path(path, sizeof path, directory);
    int code = disk_open(context, path, LD_OPEN_READ, &fd, error);
    if (code == LD_NOTFOUND)
        return LD_OK;
    if (code != LD_OK)
        return code;
    code = disk_read(context, fd, 0, sector, sizeof sector, &size_read, error);
    disk_close(context, fd);
    if (code == LD_OK && size_read == sizeof sector)
        decode(sector, mark);
    return code;
}
