/*
 * Error codes and error texts: the one list, used by every part and by every client.
 *
 * A function that can fail returns an enum ld_code as int (LD_OK is 0) and, where it takes a
 * struct ld_error, fills in one line of text: what was expected, what was found, what to do.
 * A function that fails has no side effects unless its own comment says otherwise.
 */
#ifndef LIANDONG_ERROR_H
#define LIANDONG_ERROR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define LD_EXPORT    __attribute__((visibility("default")))
#define LD_MUST_USE  __attribute__((warn_unused_result))
#define LD_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define LD_EXPORT
#define LD_MUST_USE
#define LD_PRINTF(format, first)
#endif

/* What a caller can do about an error. */
enum ld_blame {
    LD_BLAME_NONE,   /* not an error */
    LD_BLAME_CALLER, /* the request itself is wrong: repeating it changes nothing */
    LD_BLAME_RETRY,  /* the same request may succeed later */
    LD_BLAME_FATAL   /* the component cannot go on */
};

/* X(name, value, blame, text). Values are part of the wire protocol (docs/protocol.md): never
 * renumber, only append. */
#define LD_CODES(X)                                                                              \
    X(OK, 0, NONE, "ok")                                                                         \
    X(DUPLICATE, 1, NONE, "already in the log")                                                  \
    X(INVALID, 2, CALLER, "invalid argument")                                                    \
    X(TOOBIG, 3, CALLER, "too big")                                                              \
    X(DENIED, 4, CALLER, "not allowed for this identity")                                        \
    X(REFUSED, 5, CALLER, "refused")                                                             \
    X(NOTFOUND, 6, CALLER, "not found")                                                          \
    X(PROTOCOL, 7, CALLER, "malformed message")                                                  \
    X(VERSION, 8, CALLER, "version not supported")                                               \
    X(FENCED, 9, CALLER, "another client took over this producer")                               \
    X(FORKED, 10, CALLER, "used from another process or thread than the one that opened it")     \
    X(BUSY, 11, RETRY, "queue full, try again")                                                  \
    X(NOSPACE, 12, RETRY, "no space left for the log")                                           \
    X(TIMEOUT, 13, RETRY, "deadline passed")                                                     \
    X(UNKNOWN, 14, RETRY, "outcome unknown: connection lost before the answer, safe to repeat")  \
    X(UNREACHABLE, 15, RETRY, "peer not reachable")                                              \
    X(NOSESSION, 16, RETRY, "no session: say HELLO first")                                       \
    X(LOCKED, 17, CALLER, "in use by another process")                                           \
    X(ADDRINUSE, 18, CALLER, "address already in use")                                           \
    X(CANCELLED, 19, NONE, "cancelled by closing")                                               \
    X(CLOSED, 20, CALLER, "closed")                                                              \
    X(NOMEM, 21, FATAL, "out of memory")                                                         \
    X(IO, 22, FATAL, "input/output error")                                                       \
    X(CORRUPT, 23, FATAL, "damaged data")

enum ld_code {
#define LD_CODE_ENUM(name, value, blame, text) LD_##name = value,
    LD_CODES(LD_CODE_ENUM)
#undef LD_CODE_ENUM
};

#define LD_ERROR_TEXT_SIZE 512

/* One error: its code and one line of text for people. Plain data, no ownership. */
struct ld_error {
    int code;
    char text[LD_ERROR_TEXT_SIZE];
};

/* Name ("NOSPACE") and general text of a code; never NULL, also for unknown codes. */
LD_EXPORT const char *ld_code_name(int code);
LD_EXPORT const char *ld_code_text(int code);
LD_EXPORT enum ld_blame ld_code_blame(int code);

/* Sets error (may be NULL) to code and the formatted text; returns code. */
LD_EXPORT int ld_fail(struct ld_error *error, int code, const char *format, ...) LD_PRINTF(3, 4);

/* Puts "context: " before the text that is there; keeps and returns the code. */
LD_EXPORT int ld_wrap(struct ld_error *error, int code, const char *format, ...) LD_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
