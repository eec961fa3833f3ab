/*
 * Addresses and listening sockets.
 *
 * A socket file outlives its process when that is killed. One on which nobody listens is removed
 * and made again; one that answers is in use; a file that is no socket is left alone.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
enum { BACKLOG = 64 };

/* ---- text ---- */

static int parse_path(const char *path, struct address *address, struct ld_error *error)
{
    struct sockaddr_un *local = (struct sockaddr_un *)&address->storage;
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof local->sun_path)
        return ld_fail(error, LD_INVALID, "the path of a socket has 1 to %zu bytes, this one %zu",
                       sizeof local->sun_path - 1, size);
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, size + 1);
    address->size = sizeof *local;
    return LD_OK;
}

static bool parse_port(const char *text, in_port_t *port)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long value = strtoul(text, &end, 10);
    *port = htons((in_port_t)value);
    return *end == '\0' && value <= 65535;
}

static bool parse_host(const char *host, in_port_t port, struct address *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->storage;
    size_t size = strlen(host);
    if (size > 2 && host[0] == '[' && host[size - 1] == ']') {
        char inner[INET6_ADDRSTRLEN] = "";
        if (size - 2 < sizeof inner)
            memcpy(inner, host + 1, size - 2);
        six->sin6_family = AF_INET6;
        six->sin6_port = port;
        address->size = sizeof *six;
        return inet_pton(AF_INET6, inner, &six->sin6_addr) == 1;
    }
    four->sin_family = AF_INET;
    four->sin_port = port;
    address->size = sizeof *four;
    return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

int address_parse(const char *text, struct address *address, struct ld_error *error)
{
    char host[ADDRESS_TEXT_SIZE] = "127.0.0.1";
    in_port_t port = 0;
    *address = (struct address){0};
    if (strncmp(text, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0)
        return parse_path(text + strlen(UNIX_PREFIX), address, error);
    const char *colon = strrchr(text, ':');
    if (colon && (size_t)(colon - text) < sizeof host)
        snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (parse_port(colon ? colon + 1 : text, &port) && parse_host(host, port, address))
        return LD_OK;
    return ld_fail(error, LD_INVALID,
                   "'%.60s' is not an address for metrics: expected 127.0.0.1:9750, [::1]:9750, "
                   "a port, or unix:/path",
                   text);
}

const char *address_path(const struct address *address)
{
    return address->storage.ss_family == AF_UNIX
               ? ((const struct sockaddr_un *)&address->storage)->sun_path
               : NULL;
}

void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->storage;
    char host[INET6_ADDRSTRLEN] = "";
    if (address_path(address)) {
        snprintf(text, ADDRESS_TEXT_SIZE, UNIX_PREFIX "%s", address_path(address));
    } else if (address->storage.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", host, ntohs(six->sin6_port));
    } else {
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, ntohs(four->sin_port));
    }
}

bool address_is_public(const struct address *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&address->storage;
    if (address->storage.ss_family == AF_INET6)
        return !IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return address->storage.ss_family == AF_INET && (ntohl(four->sin_addr.s_addr) >> 24) != 127;
}

/* ---- sockets ---- */

/* 0 or errno. */
static int bind_to(int fd, const struct address *address)
{
    return bind(fd, (const struct sockaddr *)&address->storage, address->size) == 0 ? 0 : errno;
}

/* Is it a socket file that a dead process has left? Then it is removed. */
static bool remove_left_over(const struct address *address)
{
    struct stat status;
    if (lstat(address_path(address), &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool nobody = connect(fd, (const struct sockaddr *)&address->storage, address->size) != 0 &&
                  errno == ECONNREFUSED;
    close(fd);
    return nobody && unlink(address_path(address)) == 0;
}

static int listen_failed(const struct address *address, int reason, struct ld_error *error)
{
    char text[ADDRESS_TEXT_SIZE];
    address_format(address, text);
    if (reason == EADDRINUSE)
        return ld_fail(error, LD_ADDRINUSE, "the address %s for metrics is in use", text);
    return ld_fail(error, reason == EACCES ? LD_DENIED : LD_IO, "cannot listen on %s: %s", text,
                   strerror(reason));
}

int address_listen(struct address *address, int *fd, struct ld_error *error)
{
    const int on = 1;
    int family = address->storage.ss_family;
    *fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return listen_failed(address, errno, error);
    if (family != AF_UNIX)
        (void)setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int reason = bind_to(*fd, address);
    if (reason == EADDRINUSE && family == AF_UNIX && remove_left_over(address))
        reason = bind_to(*fd, address);
    if (reason == 0 && listen(*fd, BACKLOG) != 0)
        reason = errno;
    if (reason == 0 && family != AF_UNIX &&
        getsockname(*fd, (struct sockaddr *)&address->storage, &address->size) != 0)
        reason = errno;
    if (reason == 0)
        return LD_OK;
    close(*fd);
    return listen_failed(address, reason, error);
}
