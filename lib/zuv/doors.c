/*
 * Who was cut off for what it did comes back at once, and brings as much as it can send before it
 * is cut off again: what was read of it by then still has to be taken out of ZeroMQ, frame by
 * frame. So nobody from its address may connect for a moment. The kernel sees to that, where it
 * costs nothing: a filter on the listening socket drops the first segment (SYN without ACK) of new
 * connections from there, and TCP tries again after a second. Connections that stand are not
 * touched, and sockets of the machine itself (ipc) have no addresses.
 *
 *   keep out ──> in the filter ──(its time is over)──> out of it
 *
 * With more than DOORS_OUT_MAX addresses the one whose time is over first makes room. Where the
 * kernel takes no filter, all can connect as ever.
 */
#include "doors.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum { TCP_FLAGS = 13, TCP_SYN = 0x02, TCP_SYN_ACK = 0x12, IP_SOURCE = 12, HEAD = 4 };

static void put_filter(const struct doors *doors, int descriptor)
{
    struct sock_filter code[HEAD + DOORS_OUT_MAX + 2];
    const uint8_t n = (uint8_t)doors->out_count;
    const struct sock_filter head[HEAD] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TCP_FLAGS),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TCP_SYN_ACK),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TCP_SYN, 0, (uint8_t)(n + 1)),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + IP_SOURCE),
    };
    for (size_t i = 0; i < HEAD; i++)
        code[i] = head[i];
    for (uint8_t i = 0; i < n; i++)
        code[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                      doors->out[i].address, (uint8_t)(n - i), 0);
    code[HEAD + n] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
    code[HEAD + n + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog program = {(uint16_t)(HEAD + n + 2), code};
    (void)setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static void mind(const struct doors *doors)
{
    const int none = 0;
    for (size_t i = 0; i < doors->count; i++)
        if (doors->out_count > 0)
            put_filter(doors, doors->descriptors[i]);
        else
            (void)setsockopt(doors->descriptors[i], SOL_SOCKET, SO_DETACH_FILTER, &none,
                             sizeof none);
}

void doors_add(struct doors *doors, int descriptor)
{
    if (doors->count < DOORS_MAX)
        doors->descriptors[doors->count++] = descriptor;
}

/* Its place, or a new one, or that of whoever is let in again first. */
static size_t place_of(struct doors *doors, uint32_t address)
{
    size_t first = 0;
    for (size_t i = 0; i < doors->out_count; i++) {
        if (doors->out[i].address == address)
            return i;
        if (doors->out[i].until_ms < doors->out[first].until_ms)
            first = i;
    }
    return doors->out_count < DOORS_OUT_MAX ? doors->out_count++ : first;
}

bool doors_keep_out(struct doors *doors, int connection, uint64_t until_ms)
{
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    if (getpeername(connection, (struct sockaddr *)&peer, &size) != 0 || size != sizeof peer ||
        peer.sin_family != AF_INET)
        return false;
    uint32_t address = ntohl(peer.sin_addr.s_addr);
    size_t before = doors->out_count, place = place_of(doors, address);
    bool known = place < before && doors->out[place].address == address;
    doors->out[place].address = address;
    doors->out[place].until_ms = until_ms;
    if (!known)
        mind(doors);
    return true;
}

void doors_tick(struct doors *doors, uint64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < doors->out_count; i++)
        if (doors->out[i].until_ms > now_ms)
            doors->out[kept++] = doors->out[i];
    if (kept == doors->out_count)
        return;
    doors->out_count = kept;
    mind(doors);
}
