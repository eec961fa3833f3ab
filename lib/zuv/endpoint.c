/* Endpoints: what is wrong with one, in words; and what ZeroMQ does not check by itself. */
#include "socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int endpoint_failed(const char *verb, const char *endpoint, int reason, struct ld_error *error)
{
    switch (reason) {
    case EADDRINUSE:
        return ld_fail(error, LD_ADDRINUSE,
                       "cannot %s %s: in use by another program; stop that one or choose another "
                       "endpoint",
                       verb, endpoint);
    case EACCES:
    case EPERM:
        return ld_fail(error, LD_DENIED, "cannot %s %s: no permission", verb, endpoint);
    case ENOENT:
    case ENOTDIR:
        return ld_fail(error, LD_NOTFOUND, "cannot %s %s: no such directory", verb, endpoint);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return ld_fail(error, LD_IO, "cannot %s %s: %s", verb, endpoint, zmq_strerror(reason));
    default:
        return ld_fail(error, LD_INVALID,
                       "cannot %s %s: %s; expected tcp://address:port or ipc:///path", verb,
                       endpoint, zmq_strerror(reason));
    }
}

/* ZeroMQ removes a socket file that is there before it binds, even one in use: ask who listens. */
bool endpoint_in_use(const char *endpoint)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = endpoint + strlen("ipc://");
    if (strncmp(endpoint, "ipc://", 6) != 0 || strlen(path) >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';
        size--;
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return false;
    /* EAGAIN: somebody listens, with a full backlog. */
    bool in_use = connect(descriptor, (struct sockaddr *)&address, size) == 0 || errno == EAGAIN;
    close(descriptor);
    return in_use;
}

/* ZeroMQ takes any number for a port and uses its lower 16 bits. */
bool endpoint_port_is_valid(const char *endpoint, bool to_bind)
{
    const char *colon = strrchr(endpoint, ':');
    if (strncmp(endpoint, "tcp://", 6) != 0 || colon == NULL)
        return true; /* left to ZeroMQ */
    if (to_bind && strcmp(colon, ":*") == 0)
        return true;
    long port = strtol(colon + 1, NULL, 10);
    return port >= (to_bind ? 0 : 1) && port <= 65535;
}
