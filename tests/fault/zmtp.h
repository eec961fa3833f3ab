/*
 * A peer that speaks ZMTP 3 by hand (RFC 23), over plain TCP: as much of it, as wrong, and as slow
 * as a test wants. Nothing here fails a test: what a hostile peer cannot do, it does not.
 */
#ifndef TESTS_FAULT_ZMTP_H
#define TESTS_FAULT_ZMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "wire/wire.h"

enum { ZMTP_MORE = 1, ZMTP_LONG = 2, ZMTP_COMMAND = 4, ZMTP_GREETING_SIZE = 64 };

/* A connected socket, not blocking, or -1. endpoint: tcp://127.0.0.1:PORT. */
int zmtp_connect(const char *endpoint);
/* The same with a small buffer for what it receives: whoever does not read is soon full. */
int zmtp_connect_narrow(const char *endpoint);
/* Greets as a socket of that type ("DEALER") and waits for the answer, at most a second; 0 or -1.
 */
int zmtp_greet(int peer, const char *type);

/* Writes all of it, waiting at most a second for room; false: the other end is gone or full. */
bool zmtp_write(int peer, const void *bytes, size_t size);
/* Reads and forgets what there is; false: the other end is gone. */
bool zmtp_drain(int peer);
bool zmtp_frame(int peer, unsigned flags, const void *body, size_t size);

/* A message of ours: head and, unless NULL, body. */
bool zmtp_say(int peer, enum wire_operation operation, uint64_t id, uint64_t a, uint64_t b,
              const void *body, size_t size);
/* Connects, greets as DEALER, says HELLO. */
int zmtp_session(const char *endpoint, const char *identity);

#endif
