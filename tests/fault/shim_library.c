/* Preloaded into a process under test: clock and sync as the test wants them; see shim.h. */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

typedef int clock_gettime_fn(clockid_t clock, struct timespec *now);
typedef int fdatasync_fn(int fd);

static struct shim *shim;
static clock_gettime_fn *real_clock_gettime;
static fdatasync_fn *real_fdatasync;

static void find(void)
{
    if (real_fdatasync != NULL)
        return;
    real_clock_gettime = (clock_gettime_fn *)dlsym(RTLD_NEXT, "clock_gettime");
    real_fdatasync = (fdatasync_fn *)dlsym(RTLD_NEXT, "fdatasync");
}

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv(SHIM_VARIABLE);
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    find();
    if (fd < 0)
        abort(); /* a test that shows nothing */
    void *shared = mmap(NULL, sizeof *shim, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared == MAP_FAILED)
        abort();
    shim = shared;
}

EXPORTED int clock_gettime(clockid_t clock, struct timespec *now)
{
    find();
    int result = real_clock_gettime(clock, now);
    if (result == 0 && clock == CLOCK_REALTIME && shim != NULL) {
        int64_t wall_us = atomic_load(&shim->wall_us) + now->tv_nsec / 1000;
        int64_t rest_us = wall_us % 1000000;
        rest_us += rest_us < 0 ? 1000000 : 0;
        now->tv_sec += (wall_us - rest_us) / 1000000;
        now->tv_nsec = rest_us * 1000 + now->tv_nsec % 1000;
    }
    return result;
}

EXPORTED int fdatasync(int fd)
{
    find();
    int failure = shim != NULL ? atomic_load(&shim->sync_errno) : 0;
    if (failure == 0)
        return real_fdatasync(fd);
    errno = failure;
    return -1;
}
