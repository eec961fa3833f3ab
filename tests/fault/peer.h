/* fault_peer: one process that publishes or streams for a fault test, until SIGTERM. It can be
 * killed at any moment and started again with the same arguments: its file says where it stood. */
#ifndef TESTS_FAULT_PEER_H
#define TESTS_FAULT_PEER_H

#include <liandong.h>
#include <uv.h>
#include "content.h"

struct peer {
    uv_loop_t loop;
    uv_poll_t asked; /* to stop */
    int stop_signals;
    int stale_file;
    const struct peer_role *role;
};

struct peer_role {
    const char *name;
    const char *usage;
    int argument_count;
    void (*start)(struct peer *peer, char **arguments);
    void (*stop)(void); /* asked once; the role closes its clients when it is done */
};
extern const struct peer_role peer_publishing, peer_streaming, peer_tapping, peer_proxying;

/* Says why on stderr and ends the process with status 1. */
void peer_die(const char *format, ...) LD_PRINTF(1, 2) __attribute__((noreturn));
/* folder: where a byte is added to the file "stale" whenever the link is found to be dead. */
struct ld_client *peer_connect(struct peer *peer, const char *endpoint, const char *identity,
                               const char *folder);
uint64_t peer_number(const char *text);

/* Opens a file of entries of entry_size bytes, makes it if absent, and cuts off half an entry at
 * its end. The last whole one goes into last (all zeros without one); returns how many there are.
 */
uint64_t peer_open_file(const char *path, int *fd, void *last, size_t entry_size);
void peer_append(int fd, const void *entry, size_t entry_size);

#endif
