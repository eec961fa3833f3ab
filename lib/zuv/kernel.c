/* The only file with <linux/tcp.h>, which cannot be together with what <uv.h> includes. */
#include "kernel.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t kernel_received(int descriptor, uint64_t at_least)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    int unread = 0;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) == 0)
        return info.tcpi_bytes_received;
    if (ioctl(descriptor, SIOCINQ, &unread) != 0)
        return at_least;
    return at_least + (uint64_t)unread;
}

size_t kernel_memory(int statm)
{
#ifdef LIANDONG_SANITIZED
    return statm < 0; /* what sanitizers take says nothing */
#else
    char text[128];
    unsigned long long pages, resident, shared;
    ssize_t size = pread(statm, text, sizeof text - 1, 0);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    if (sscanf(text, "%llu %llu %llu", &pages, &resident, &shared) != 3 || shared > resident)
        return 0;
    return (size_t)(resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
#endif
}
