/* The test's side of the shared memory; see shim.h. */
#include "shim.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../unit/test.h"

struct shim *shim_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, sizeof(struct shim)), 0);
    void *shared = mmap(NULL, sizeof(struct shim), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(shared != MAP_FAILED);
    close(fd);
    return shared;
}
