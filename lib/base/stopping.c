#include "stopping.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int ld_stopping_open(void)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTERM);
    sigaddset(&both, SIGINT);
    pthread_sigmask(SIG_BLOCK, &both, NULL);
    return signalfd(-1, &both, SFD_NONBLOCK | SFD_CLOEXEC);
}

bool ld_stopping_read(int descriptor)
{
    struct signalfd_siginfo info;
    bool any = false;
    while (read(descriptor, &info, sizeof info) == (ssize_t)sizeof info) {
        any = true;
    }
    return any;
}
