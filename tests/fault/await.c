/* Waiting on a folder by inotify; see await.h. */
#include "await.h"

#include <poll.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>
#include "../unit/test.h"

enum { AWAIT_SECONDS = 180 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void wait_for_change(int changes, int64_t deadline_ms, const char *what)
{
    char events[4096];
    struct pollfd wait = {.fd = changes, .events = POLLIN};
    int64_t left_ms = deadline_ms - now_ms();
    if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0)
        fail_msg("%s: not within %d s", what, AWAIT_SECONDS);
    (void)!read(changes, events, sizeof events);
}

void await_folder(const char *folder, await_fn *is_so, void *data, const char *what)
{
    int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(changes >= 0);
    assert_true(inotify_add_watch(changes, folder, IN_MODIFY | IN_CREATE) >= 0);
    int64_t deadline_ms = now_ms() + AWAIT_SECONDS * 1000;
    while (!is_so(data))
        wait_for_change(changes, deadline_ms, what);
    close(changes);
}
