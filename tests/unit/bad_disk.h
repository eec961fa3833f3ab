/*
 * SQLite's files on a disk that can be full or broken: a VFS of its own that passes everything on
 * to the real one but fails when told to. bad_disk_install makes it SQLite's default.
 */
#ifndef LD_TEST_BAD_DISK_H
#define LD_TEST_BAD_DISK_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum bad_disk { DISK_GOOD, DISK_FULL, DISK_SYNC_FAILS, DISK_WRITE_FAILS };
static atomic_int bad_disk;
static atomic_uint bad_disk_syncs; /* of any file */

struct bad_file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file *real;
};

static sqlite3_file *bad_real(sqlite3_file *file)
{
    return ((struct bad_file *)file)->real;
}

static int bad_close(sqlite3_file *file)
{
    struct bad_file *bad = (struct bad_file *)file;
    int status = bad->real->pMethods->xClose(bad->real);
    free(bad->real);
    return status;
}

static int bad_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    return bad_real(file)->pMethods->xRead(bad_real(file), data, size, offset);
}

static int bad_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    switch (bad_disk) {
    case DISK_FULL:
        return SQLITE_FULL;
    case DISK_WRITE_FAILS:
        return SQLITE_IOERR_WRITE;
    default:
        return bad_real(file)->pMethods->xWrite(bad_real(file), data, size, offset);
    }
}

static int bad_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return bad_real(file)->pMethods->xTruncate(bad_real(file), size);
}

static int bad_sync(sqlite3_file *file, int flags)
{
    if (bad_disk == DISK_SYNC_FAILS)
        return SQLITE_IOERR_FSYNC;
    bad_disk_syncs++;
    return bad_real(file)->pMethods->xSync(bad_real(file), flags);
}

static int bad_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return bad_real(file)->pMethods->xFileSize(bad_real(file), size);
}

static int bad_lock(sqlite3_file *file, int level)
{
    return bad_real(file)->pMethods->xLock(bad_real(file), level);
}

static int bad_unlock(sqlite3_file *file, int level)
{
    return bad_real(file)->pMethods->xUnlock(bad_real(file), level);
}

static int bad_reserved(sqlite3_file *file, int *reserved)
{
    return bad_real(file)->pMethods->xCheckReservedLock(bad_real(file), reserved);
}

static int bad_control(sqlite3_file *file, int operation, void *argument)
{
    return bad_real(file)->pMethods->xFileControl(bad_real(file), operation, argument);
}

static int bad_sector(sqlite3_file *file)
{
    return bad_real(file)->pMethods->xSectorSize(bad_real(file));
}

static int bad_kind(sqlite3_file *file)
{
    return bad_real(file)->pMethods->xDeviceCharacteristics(bad_real(file));
}

static int bad_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
    return bad_real(file)->pMethods->xShmMap(bad_real(file), page, size, extend, out);
}

static int bad_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return bad_real(file)->pMethods->xShmLock(bad_real(file), offset, count, flags);
}

static void bad_shm_barrier(sqlite3_file *file)
{
    bad_real(file)->pMethods->xShmBarrier(bad_real(file));
}

static int bad_shm_unmap(sqlite3_file *file, int remove)
{
    return bad_real(file)->pMethods->xShmUnmap(bad_real(file), remove);
}

static const sqlite3_io_methods bad_methods = {
    2,        bad_close,   bad_read,     bad_write,       bad_truncate,  bad_sync,
    bad_size, bad_lock,    bad_unlock,   bad_reserved,    bad_control,   bad_sector,
    bad_kind, bad_shm_map, bad_shm_lock, bad_shm_barrier, bad_shm_unmap, NULL,
    NULL};

static int bad_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    sqlite3_vfs *real = vfs->pAppData;
    struct bad_file *bad = (struct bad_file *)file;
    *bad = (struct bad_file){.real = calloc(1, (size_t)real->szOsFile)};
    int status = real->xOpen(real, name, bad->real, flags, out);
    if (status != SQLITE_OK) {
        free(bad->real);
        return status;
    }
    bad->base.pMethods = &bad_methods;
    return SQLITE_OK;
}

static void bad_disk_install(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.zName = "bad-disk";
    vfs.szOsFile = (int)sizeof(struct bad_file);
    vfs.pAppData = real;
    vfs.xOpen = bad_open;
    sqlite3_vfs_register(&vfs, 1);
}

#endif
