/*
 * Who may connect (docs/security.md, 3): the keys of a directory, asked for each connection. Used
 * from one loop's thread; the tap, which has a thread of its own, has an admission of its own.
 */
#ifndef ROUTER_ADMISSION_H
#define ROUTER_ADMISSION_H

#include "context.h"
#include "keys/keys.h"
#include "zuv/zuv.h"

struct admission;

struct admission_options {
    const struct ld_context *context;
    const char *directory; /* of the keys; copied */
    bool tells;            /* who is not let in gets a connection on which to be told why */
    /* Optional. changed: whom is_valid is true of may be another. note: a line for the operator. */
    void (*changed)(void *data);
    void (*note)(const char *line, void *data);
    void *data;
};

struct admission_stats {
    uint64_t admitted, unknown,
        ended;       /* ended: keys that were revoked, have expired, are too new */
    uint64_t untold; /* of those not admitted: turned away without a word */
    uint64_t reloads_failed;
};

/* Reads router.key and the list, and answers ZeroMQ from then on. LD_NOTFOUND, LD_DENIED,
 * LD_INVALID as of keys_load and keys_list_load. */
int admission_open(struct zuv *zuv, uv_loop_t *loop, const struct admission_options *options,
                   struct admission **out, struct ld_error *error) LD_MUST_USE;
void admission_close(struct admission *admission, void (*closed)(void *data), void *data);

/* The router's secret key, to be bound with; there until admission_bound. */
const uint8_t *admission_secret(const struct admission *admission);
void admission_bound(struct admission *admission);

/* Who sent it. LD_OK: name (KEYS_NAME_MAX + 1) and fingerprint are filled in. LD_DENIED: not let
 * in, and why. */
int admission_who(const struct zuv_message *message, char *name,
                  char fingerprint[KEYS_FINGERPRINT_SIZE], struct ld_error *error) LD_MUST_USE;
/* May a connection with that key stay? reason: why not. */
bool admission_is_valid(const struct admission *admission, const char *fingerprint, char *reason,
                        size_t reason_size);
void admission_get_stats(const struct admission *admission, struct admission_stats *stats);

#endif
