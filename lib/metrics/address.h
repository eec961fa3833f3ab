/* Where metrics are shown: addresses as text, and the sockets that listen there. */
#ifndef LD_METRICS_ADDRESS_H
#define LD_METRICS_ADDRESS_H

#include <liandong/error.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { ADDRESS_TEXT_SIZE = 128 };

struct address {
    struct sockaddr_storage storage;
    socklen_t size;
};
int address_parse(const char *text, struct address *address, struct ld_error *error) LD_MUST_USE;
/* Opens a listening socket there, not blocking; address becomes what was bound. */
int address_listen(struct address *address, int *fd, struct ld_error *error) LD_MUST_USE;
void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);
bool address_is_public(const struct address *address);
const char *address_path(const struct address *address); /* of a socket file, else NULL */

#endif
