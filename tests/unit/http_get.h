/* One HTTP request to a listener on a loop of this thread, step by step. */
#ifndef LIANDONG_HTTP_GET_H
#define LIANDONG_HTTP_GET_H

#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "buffer.h"
#include "metrics/address.h"

#define HTTP_GET "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

/* -1: no room among those who wait to be let in. */
static inline int http_try_to_dial(const char *text)
{
    struct address address;
    assert_ok(address_parse(text, &address, &test_error));
    int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address.storage, address.size) == 0 || errno == EINPROGRESS)
        return fd;
    assert_int_equal(errno, EAGAIN);
    close(fd);
    return -1;
}

struct http_asking {
    int fd;
    const char *request;
    size_t size, sent;
    struct ld_buffer answer;
};

static inline void http_begin(struct http_asking *asking, int fd, const char *request)
{
    *asking = (struct http_asking){.fd = fd, .request = request, .size = strlen(request)};
}

/* Goes on; true at the end, whatever that was. The loop has to turn between steps. */
static inline bool http_step(struct http_asking *asking)
{
    char piece[4096];
    size_t left = asking->size - asking->sent;
    ssize_t sent =
        left > 0 ? send(asking->fd, asking->request + asking->sent, left, MSG_NOSIGNAL) : 0;
    asking->sent += sent > 0 ? (size_t)sent : 0;
    ssize_t count = recv(asking->fd, piece, sizeof piece, 0);
    if (count > 0)
        ld_buffer_append(&asking->answer, piece, (size_t)count);
    return count == 0 || (count < 0 && errno != EAGAIN && errno != ENOTCONN);
}

/* The answer, which may be empty; malloc'ed. */
static inline char *http_end(struct http_asking *asking)
{
    char *text = strdup(ld_buffer_string(&asking->answer));
    ld_buffer_free(&asking->answer);
    close(asking->fd);
    return text;
}

#endif
