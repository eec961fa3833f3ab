/* Waiting on a folder by inotify; see await.h. */
#include "await.h"

#include <inttypes.h>
#include <poll.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>
#include "../unit/test.h"

enum { STILL_MS = 60000, LOOK_MS = 1000 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Or until it is time to look whether all processes are still there. */
static void wait_for_change(int changes)
{
    char events[4096];
    struct pollfd wait = {.fd = changes, .events = POLLIN};
    if (poll(&wait, 1, LOOK_MS) > 0)
        (void)!read(changes, events, sizeof events);
}

void await_folder(struct harness *harness, const char *folder, await_fn *left, void *data,
                  const char *what)
{
    int changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    assert_true(changes >= 0);
    assert_true(inotify_add_watch(changes, folder, IN_MODIFY | IN_CREATE) >= 0);
    uint64_t least = UINT64_MAX, now_left;
    int64_t deadline_ms = 0;
    while ((now_left = left(data)) > 0) {
        if (now_left < least) {
            least = now_left;
            deadline_ms = now_ms() + STILL_MS;
        } else if (now_ms() > deadline_ms) {
            harness_show_messages(harness);
            fail_msg("%s: %" PRIu64 " to come, and no progress for %d s", what, now_left,
                     STILL_MS / 1000);
        }
        harness_expect_running(harness);
        wait_for_change(changes);
    }
    close(changes);
}
