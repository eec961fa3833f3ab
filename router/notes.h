/* Lines for the operator (notes.c). */
#ifndef ROUTER_NOTES_H
#define ROUTER_NOTES_H

#include <liandong/error.h>
#include <stdint.h>

struct router;

/* Kinds of lines that a peer can cause: each at most once a second. */
enum note_kind {
    NOTE_GARBAGE,
    NOTE_REFUSED,
    NOTE_SESSION,
    NOTE_STREAM,
    NOTE_SPACE,
    NOTE_CONNECTION,
    NOTE_STALL,
    NOTE_KEYS,
    NOTE_KINDS
};
struct note_limit {
    int64_t last_us;
    uint64_t suppressed;
};
void note(struct router *router, const char *format, ...) LD_PRINTF(2, 3);
void note_left_out(struct router *router); /* once a heartbeat */
void note_limited(struct router *router, enum note_kind kind, const char *format, ...)
    LD_PRINTF(3, 4);

#endif
