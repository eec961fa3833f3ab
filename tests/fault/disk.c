/* A small tmpfs in a mount namespace of the test's own; see disk.h. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "../unit/test.h"

enum { PATH_SIZE = 256 };

static void write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        fail_msg("%s: %s", path, strerror(errno));
    close(fd);
}

/* Without root: a user namespace in which this user is root. */
static bool become_root(void)
{
    char line[64];
    unsigned user = getuid(), group = getgid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    write_text("/proc/self/setgroups", "deny");
    snprintf(line, sizeof line, "0 %u 1", user);
    write_text("/proc/self/uid_map", line);
    snprintf(line, sizeof line, "0 %u 1", group);
    write_text("/proc/self/gid_map", line);
    return true;
}

static void leave_mounts(void)
{
    static bool left;
    if (left)
        return;
    if (unshare(CLONE_NEWNS) != 0 && !become_root())
        fail_msg("this test mounts a small file system: run it as root, or allow user namespaces "
                 "(unshare: %s)",
                 strerror(errno));
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        fail_msg("cannot keep mounts to this test: %s", strerror(errno));
    left = true;
}

void disk_mount(const char *folder, uint64_t size_bytes)
{
    char options[64];
    leave_mounts();
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(options, sizeof options, "size=%llu,mode=0700", (unsigned long long)size_bytes);
    if (mount("tmpfs", folder, "tmpfs", 0, options) != 0)
        fail_msg("cannot mount a tmpfs on %s: %s", folder, strerror(errno));
}

void disk_unmount(const char *folder)
{
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
    assert_int_equal(rmdir(folder), 0);
}

uint64_t disk_free_bytes(const char *folder)
{
    struct statvfs status;
    assert_int_equal(statvfs(folder, &status), 0);
    return (uint64_t)status.f_bavail * status.f_frsize;
}

static void ballast_path(char path[PATH_SIZE], const char *folder)
{
    snprintf(path, PATH_SIZE, "%s/ballast", folder);
}

/* Others may take and give back space at the same time. */
void disk_fill(const char *folder, uint64_t leave_bytes)
{
    char path[PATH_SIZE];
    struct stat status;
    ballast_path(path, folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    for (uint64_t left; (left = disk_free_bytes(folder)) > leave_bytes;) {
        assert_int_equal(fstat(fd, &status), 0);
        if (fallocate(fd, 0, status.st_size, (off_t)(left - leave_bytes)) != 0)
            assert_int_equal(errno, ENOSPC);
    }
    close(fd);
}

void disk_empty(const char *folder)
{
    char path[PATH_SIZE];
    ballast_path(path, folder);
    assert_int_equal(unlink(path), 0);
}
