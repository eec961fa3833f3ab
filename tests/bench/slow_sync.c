/*
 * Runs a command whose syncs take longer by a given time, and counts them: what a program does on
 * a slow disk, and how many syncs it pays for its events.
 *
 *     slow_sync [--delay-us N] [--page FILE] COMMAND [ARGUMENT…]
 *     slow_sync --check DIRECTORY       what being watched costs a sync; and whether it works here
 *
 * How it goes: the command runs under a seccomp filter that hands fsync, fdatasync, msync(MS_SYNC),
 * a sync_file_range that waits, sync, syncfs and pwritev2(RWF_DSYNC) to a supervisor, which counts
 * them, keeps each waiting for the delay and then lets the kernel do it. So it holds for every
 * thread and child that the command ever starts, and for programs without libc (Go). Syncs of
 * several threads wait side by side, as in the queue of a disk. The command keeps the process id:
 * signals, exit status and memory are its own; the supervisor is a process apart that ends when the
 * last process under the filter has.
 *
 * The page (slow_sync.h) holds the counters and the delay, which may be changed at any time.
 *
 * Fails when the kernel is older than 5.8 or forbids filters (some containers). A supervisor that
 * dies takes the command's syncs with it: they answer ENOSYS.
 */
#include "slow_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

enum { WAITING_MAX = 4096, CHECK_SYNCS = 2000, CHECK_DELAY_US = 1000 };

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "slow_sync knows x86-64 and 64-bit ARM only"
#endif

/* ---- the filter ---- */

#define LOAD(field)      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(action)   BPF_STMT(BPF_RET | BPF_K, action)
#define UNLESS(what, by) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, what, 0, by)
/* Both leave the system call's number loaded when they pass it on. */
#define WATCH(call) UNLESS(call, 1), ANSWER(SECCOMP_RET_USER_NOTIF)
#define WATCH_FLAG(call, index, bits)                                                              \
    UNLESS(call, 4), LOAD(args[index]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),          \
        ANSWER(SECCOMP_RET_USER_NOTIF), ANSWER(SECCOMP_RET_ALLOW)

enum {
    MSYNC_WAITS = MS_SYNC,
    RANGE_WAITS = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER,
    WRITE_WAITS = RWF_DSYNC | RWF_SYNC,
    OPEN_WAITS = O_DSYNC /* O_SYNC has this bit too */
};

static struct sock_filter FILTER[] = {
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
    ANSWER(SECCOMP_RET_ALLOW),
    LOAD(nr),
    WATCH(SYS_fsync),
    WATCH(SYS_fdatasync),
    WATCH(SYS_sync),
    WATCH(SYS_syncfs),
    WATCH(SYS_io_uring_setup),
    WATCH_FLAG(SYS_msync, 2, MSYNC_WAITS),
    WATCH_FLAG(SYS_sync_file_range, 3, RANGE_WAITS),
    WATCH_FLAG(SYS_pwritev2, 5, WRITE_WAITS),
    WATCH_FLAG(SYS_openat, 2, OPEN_WAITS),
#ifdef SYS_open
    WATCH_FLAG(SYS_open, 1, OPEN_WAITS),
#endif
    ANSWER(SECCOMP_RET_ALLOW),
};

static enum slow_sync_kind kind_of(long call)
{
    switch (call) {
    case SYS_fsync:
        return SLOW_SYNC_FSYNC;
    case SYS_fdatasync:
        return SLOW_SYNC_FDATASYNC;
    case SYS_sync_file_range:
        return SLOW_SYNC_RANGE;
    case SYS_msync:
        return SLOW_SYNC_MSYNC;
    case SYS_pwritev2:
        return SLOW_SYNC_WRITE;
    case SYS_sync:
    case SYS_syncfs:
        return SLOW_SYNC_ALL;
    case SYS_io_uring_setup:
        return SLOW_SYNC_URING;
    default:
        return SLOW_SYNC_OPEN;
    }
}

/* The listener's descriptor. A signal that does not kill (Go sends itself many) must not interrupt
 * a sync that waits, or it would be counted again. */
static int filter_install(void)
{
    const struct sock_fprog program = {sizeof FILTER / sizeof FILTER[0], FILTER};
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        bench_die("no new privileges", strerror(errno));
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    if (listener < 0)
        bench_die("seccomp filter (needs Linux 5.19 and to be allowed)", strerror(errno));
    return listener;
}

/* ---- the supervisor ---- */

struct waiting {
    uint64_t id;
    int64_t due_ns;
};

struct supervisor {
    int listener;
    struct slow_sync_page *page;
    struct waiting waiting[WAITING_MAX]; /* in order of arrival */
    size_t count;
};

static void let_go(const struct supervisor *supervisor, uint64_t id)
{
    struct seccomp_notif_resp response = {.id = id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    /* ENOENT: the thread was killed meanwhile. */
    if (ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_SEND, &response) != 0 && errno != ENOENT)
        bench_die("answering a system call", strerror(errno));
}

static void take(struct supervisor *supervisor)
{
    struct seccomp_notif notice = {0};
    if (ioctl(supervisor->listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) != 0)
        return; /* it was killed before it was heard */
    enum slow_sync_kind kind = kind_of(notice.data.nr);
    int64_t delay_ns = (int64_t)supervisor->page->delay_us * 1000;
    supervisor->page->calls[kind]++;
    if (delay_ns == 0 || kind >= SLOW_SYNC_BLIND || supervisor->count == WAITING_MAX)
        let_go(supervisor, notice.id);
    else
        supervisor->waiting[supervisor->count++] =
            (struct waiting){notice.id, bench_now_ns() + delay_ns};
}

/* Lets go whose time has come; nanoseconds to the next, -1: none waits. */
static int64_t let_go_due(struct supervisor *supervisor)
{
    int64_t next_ns = -1, now_ns = bench_now_ns();
    size_t kept = 0;
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct waiting waiting = supervisor->waiting[i];
        int64_t left_ns = waiting.due_ns - now_ns;
        if (left_ns <= 0) {
            let_go(supervisor, waiting.id);
            continue;
        }
        supervisor->waiting[kept++] = waiting;
        next_ns = next_ns < 0 || left_ns < next_ns ? left_ns : next_ns;
    }
    supervisor->count = kept;
    return next_ns;
}

static void supervise(int listener, struct slow_sync_page *page)
{
    static struct supervisor supervisor;
    const struct sched_param first = {.sched_priority = 1};
    supervisor.listener = listener;
    supervisor.page = page;
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
        fprintf(stderr, "slow_sync: no real-time priority: waits are less exact\n");
    for (;;) {
        int64_t wait_ns = let_go_due(&supervisor);
        struct timespec timeout = {wait_ns / 1000000000, wait_ns % 1000000000};
        struct pollfd poll = {.fd = listener, .events = POLLIN};
        int ready = ppoll(&poll, 1, wait_ns < 0 ? NULL : &timeout, NULL);
        if (ready > 0 && poll.revents & POLLIN)
            take(&supervisor);
        else if (ready > 0) /* no process is left under the filter */
            _exit(0);
    }
}

static void descriptor_send(int channel, int descriptor)
{
    char control[CMSG_SPACE(sizeof descriptor)] = {0}, byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    if (sendmsg(channel, &message, 0) != 1)
        bench_die("handing over the listener", strerror(errno));
}

static int descriptor_receive(int channel)
{
    int descriptor;
    char control[CMSG_SPACE(sizeof descriptor)], byte;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (recvmsg(channel, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
        _exit(1); /* whom it was to supervise has failed, and said why */
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
}

/* A grandchild, so that the command does not find a child that it did not start. */
static void supervisor_start(int channel[2], struct slow_sync_page *page)
{
    pid_t child = fork();
    if (child < 0)
        bench_die("fork", strerror(errno));
    if (child > 0) {
        waitpid(child, NULL, 0);
        return;
    }
    if (fork() != 0)
        _exit(0);
    setsid();
    close(channel[0]);
    int listener = descriptor_receive(channel[1]);
    close(channel[1]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
        _exit(1);
    supervise(listener, page);
}

/* From here on this process, and all that it starts, is watched. */
static void watch(struct slow_sync_page *page)
{
    int channel[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0)
        bench_die("socketpair", strerror(errno));
    supervisor_start(channel, page);
    close(channel[1]);
    int listener = filter_install();
    descriptor_send(channel[0], listener);
    close(listener);
    close(channel[0]);
}

/* ---- what it costs, and whether it works ---- */

static struct slow_sync_page *page_open(const char *path)
{
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (path && (fd < 0 || ftruncate(fd, sizeof(struct slow_sync_page)) != 0))
        bench_die(path, strerror(errno));
    void *page = mmap(NULL, sizeof(struct slow_sync_page), PROT_READ | PROT_WRITE,
                      MAP_SHARED | (path ? 0 : MAP_ANONYMOUS), fd, 0);
    if (page == MAP_FAILED)
        bench_die(path ? path : "page", strerror(errno));
    if (path)
        close(fd);
    return page;
}

static void *sync_late(void *data)
{
    return bare_sync(data, CHECK_SYNCS / 10).p50_us >= CHECK_DELAY_US ? data : NULL;
}

static int check(char *directory)
{
    struct slow_sync_page *page = page_open(NULL);
    pthread_t thread;
    void *slowed;
    double bare_us = bare_sync(directory, CHECK_SYNCS).p50_us;
    watch(page);
    double watched_us = bare_sync(directory, CHECK_SYNCS).p50_us;
    uint64_t counted = page->calls[SLOW_SYNC_FDATASYNC];
    page->delay_us = CHECK_DELAY_US;
    if (pthread_create(&thread, NULL, sync_late, directory) != 0)
        bench_die("thread", "cannot start");
    pthread_join(thread, &slowed);
    printf("sync of 4 KiB, p50: %.1f us bare, %.1f us watched\n", bare_us, watched_us);
    if (counted != CHECK_SYNCS || !slowed)
        bench_die("check", "expected every sync counted, and slowed in a thread started later");
    return 0;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    uint64_t delay_us = 0;
    int at = 1;
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return check(argv[2]);
    for (; at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "--delay-us") == 0)
            delay_us = strtoul(argv[at + 1], NULL, 10);
        else if (strcmp(argv[at], "--page") == 0)
            path = argv[at + 1];
        else
            bench_die(argv[at], "expected --delay-us N or --page FILE");
    }
    if (at >= argc)
        bench_die("usage", "slow_sync [--delay-us N] [--page FILE] COMMAND [ARGUMENT...]");
    struct slow_sync_page *page = page_open(path);
    page->delay_us = delay_us;
    watch(page);
    execvp(argv[at], &argv[at]);
    bench_die(argv[at], strerror(errno));
}
