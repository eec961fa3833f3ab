/*
 * Shows metrics over HTTP, on the caller's loop, without threads. GET or HEAD of /metrics.
 *
 * Bounded, so that whoever is on the other side costs the loop next to nothing: 16 connections of
 * at most 5 s each, one request per connection, 16 KiB of request, one piece of work every 10 ms,
 * the text made at most once a second and shared by all who read it. When all connections are
 * taken, the oldest goes once it is a quarter of a second old.
 *
 * There is no authentication: listen on the loopback interface or a socket file.
 */
#ifndef LD_METRICS_HTTP_H
#define LD_METRICS_HTTP_H

#include <uv.h>
#include "buffer.h"

struct metrics_http;

/* Appends the text; called on the loop. */
typedef void metrics_render_fn(struct ld_buffer *text, void *data);

/* address: "unix:/path", "ADDRESS:PORT" (numeric; "[::1]:9750"), "PORT" (of 127.0.0.1); port 0:
 * any. A socket file that nobody listens on is replaced. LD_INVALID (not an address, names what
 * was expected), LD_ADDRINUSE, LD_DENIED, LD_IO. */
int metrics_http_open(uv_loop_t *loop, const char *address, metrics_render_fn *render, void *data,
                      struct metrics_http **out, struct ld_error *error) LD_MUST_USE;
/* As bound: "127.0.0.1:9750", "unix:/path". Borrowed. */
const char *metrics_http_address(const struct metrics_http *http);
/* Can anybody but this machine reach it? */
bool metrics_http_is_public(const struct metrics_http *http);
/* Drops all connections, removes a socket file; closed is called once, later. */
void metrics_http_close(struct metrics_http *http, void (*closed)(void *data), void *data);

#endif
