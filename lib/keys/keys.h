/*
 * Who is who: key pairs of persons, units, services and the router, the files they are kept in, and
 * the list of those that a router lets in (docs/security.md, 2).
 *
 * A pair is two pairs: one for the connection (CURVE, X25519), one for signatures (Ed25519).
 * Secrets are only ever in a file of mode 0600 and in a struct keys_pair; whoever holds one of
 * those ends it with keys_forget. No function here prints or logs one, and no error text has one.
 *
 * Unlike the rest, this touches files without the context: modes and owners are what it is about.
 * Keeps no state. Any thread.
 */
#ifndef LD_KEYS_H
#define LD_KEYS_H

#include <liandong/error.h>
#include <stdint.h>

enum {
    KEYS_BYTES = 32,
    KEYS_SIGN_SECRET_BYTES = 64,
    KEYS_NAME_MAX = 100,
    KEYS_FINGERPRINT_SIZE = 33, /* 32 hex digits and a zero */
    KEYS_REASON_MAX = 200,
    KEYS_PATH_SIZE = 4096,
    KEYS_ENROLLED_MAX = 65536 /* keys in a list */
};
#define KEYS_ROUTER "router" /* the name of the router's own pair */

struct keys_public {
    char name[KEYS_NAME_MAX + 1];
    uint8_t bus[KEYS_BYTES];  /* CURVE */
    uint8_t sign[KEYS_BYTES]; /* Ed25519 */
    int64_t made_us;          /* since 1970 UTC, whole seconds */
};
struct keys_pair {
    struct keys_public open;
    uint8_t bus_secret[KEYS_BYTES];
    uint8_t sign_secret[KEYS_SIGN_SECRET_BYTES]; /* libsodium's form: seed and public half */
};

/* LD_OK, or LD_INVALID with why it is no name: 1 to 100 bytes of a-z 0-9 . - _, not beginning with
 * a dot, as it becomes a file's name. */
int keys_check_name(const char *name, struct ld_error *error) LD_MUST_USE;

/* A new pair. LD_INVALID (name), LD_IO (libsodium cannot be used). */
int keys_make(const char *name, int64_t now_us, struct keys_pair *pair,
              struct ld_error *error) LD_MUST_USE;
void keys_forget(struct keys_pair *pair);
/* Of the connection's public key: the first 16 bytes of its BLAKE2b hash, in hex. Returns text. */
const char *keys_fingerprint(char text[KEYS_FINGERPRINT_SIZE], const uint8_t bus[KEYS_BYTES]);

/* ---- files ---- */

enum keys_file {
    KEYS_SECRET,      /* NAME.key, mode 0600 */
    KEYS_PUBLIC,      /* NAME.pub, to give away */
    KEYS_SECRET_NEXT, /* NAME.key.next, NAME.pub.next: made by a rotation, not in use yet */
    KEYS_PUBLIC_NEXT
};
/* LD_INVALID if it would be too long. */
int keys_path(char path[KEYS_PATH_SIZE], const char *directory, const char *name,
              enum keys_file file, struct ld_error *error) LD_MUST_USE;

/* Writes NAME.key and NAME.pub (or the next ones) into the directory, which is made (mode 0700) if
 * absent. Durable when it returns. LD_REFUSED: there is one already; nothing was changed. */
int keys_save(const char *directory, const struct keys_pair *pair, bool next,
              struct ld_error *error) LD_MUST_USE;
/* NAME.key, checked: LD_DENIED (others may read it, or it is another user's), LD_NOTFOUND,
 * LD_INVALID (no key file, of another name, halves that do not belong together). */
int keys_load(const char *directory, const char *name, struct keys_pair *pair,
              struct ld_error *error) LD_MUST_USE;
int keys_load_file(const char *path, struct keys_pair *pair, struct ld_error *error) LD_MUST_USE;
/* A public file, or what is public of a secret one. LD_NOTFOUND, LD_INVALID. */
int keys_load_public(const char *path, struct keys_public *open,
                     struct ld_error *error) LD_MUST_USE;
/* NAME.key.next takes the place of NAME.key, and so does the public one. LD_NOTFOUND. */
int keys_switch(const char *directory, const char *name, struct ld_error *error) LD_MUST_USE;

/* ---- the list of keys that a router lets in: the file "enrolled" of its directory ---- */

struct keys_enrolled {
    struct keys_public open; /* made_us: when it was enrolled, and valid from then on */
    int64_t until_us;        /* valid before; 0: without end */
    int64_t revoked_us;      /* 0: not revoked */
    char reason[KEYS_REASON_MAX + 1];
    char fingerprint[KEYS_FINGERPRINT_SIZE];
};
struct keys_list {
    struct keys_enrolled *all; /* oldest first */
    size_t count, capacity;
};

enum keys_standing { KEYS_VALID, KEYS_NOT_YET, KEYS_EXPIRED, KEYS_REVOKED };
enum keys_standing keys_standing(const struct keys_enrolled *key, int64_t now_us);
/* "revoked on 2026-11-22T10:00:00+08:00: lost" and the like. Returns text. */
const char *keys_standing_text(const struct keys_enrolled *key, int64_t now_us, char *text,
                               size_t size);

/* An absent file is an empty list. LD_DENIED (others may write it), LD_INVALID (names the line),
 * LD_TOOBIG, LD_IO. */
int keys_list_load(const char *directory, struct keys_list *list,
                   struct ld_error *error) LD_MUST_USE;
void keys_list_free(struct keys_list *list);
const struct keys_enrolled *keys_list_find(const struct keys_list *list,
                                           const uint8_t bus[KEYS_BYTES]);

/* What tells whether the file is another one than it was; all zeros: there is none. LD_IO. */
struct keys_stamp {
    uint64_t device, number, size;
    int64_t seconds, nanoseconds;
};
int keys_list_stamp(const char *directory, struct keys_stamp *stamp,
                    struct ld_error *error) LD_MUST_USE;

/* The two below change the list that is on disk, one after the other if several programs do, and
 * whole or not at all. A router that runs sees it within a heartbeat. */

/* Adds a key. overlap_us ≥ 0: the name's valid ones end then; below 0: they stay. until_us: 0 for
 * no end. LD_REFUSED: that key is enrolled already, or was revoked, or is another's. */
int keys_enrol(const char *directory, const struct keys_public *open, int64_t now_us,
               int64_t until_us, int64_t overlap_us, struct ld_error *error) LD_MUST_USE;
/* All keys of a name that are not revoked yet, or the one with that fingerprint (NULL: all).
 * *count (may be NULL): how many. LD_NOTFOUND: none. LD_INVALID: reason. */
int keys_revoke(const char *directory, const char *name, const char *fingerprint,
                const char *reason, int64_t now_us, size_t *count,
                struct ld_error *error) LD_MUST_USE;

#endif
