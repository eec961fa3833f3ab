/*
 * Key pairs and their files.
 *
 * A file is lines of a word and a value, in this order; a public one has no secrets:
 *
 *   liandong-key 1
 *   name 330302.health
 *   made 2026-11-22T10:00:00+08:00
 *   bus <64 hex digits>            the connection's public key (X25519)
 *   sign <64 hex digits>           the signatures' (Ed25519)
 *   bus-secret <64 hex digits>
 *   sign-seed <64 hex digits>
 *
 * Fails when others may read a secret, or when its public half is another's: a copy that went wrong
 * is said here, where it can be understood, and not as a connection that never comes about.
 */
#include "keys.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "file.h"
#include "timefmt.h"

enum { FILE_BYTES_MAX = 4096, SEED_BYTES = crypto_sign_SEEDBYTES, HEX_SIZE = 2 * KEYS_BYTES + 1 };
#define FORMAT "liandong-key 1"

static bool name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' ||
           byte == '-' || byte == '_';
}

int keys_check_name(const char *name, struct ld_error *error)
{
    size_t size = strlen(name), good = 0;
    while (good < size && name_byte(name[good]))
        good++;
    if (size == 0 || size > KEYS_NAME_MAX || good != size || name[0] == '.')
        return ld_fail(error, LD_INVALID,
                       "'%.110s' is no name for a key: expected 1 to %d of a-z 0-9 . - _, such as "
                       "330302.health",
                       name, KEYS_NAME_MAX);
    return LD_OK;
}

int keys_make(const char *name, int64_t now_us, struct keys_pair *pair, struct ld_error *error)
{
    int code = keys_check_name(name, error);
    if (code != LD_OK)
        return code;
    if (sodium_init() < 0)
        return ld_fail(error, LD_IO, "libsodium cannot be used on this machine");
    *pair = (struct keys_pair){0};
    memcpy(pair->open.name, name, strlen(name) + 1);
    pair->open.made_us = now_us - now_us % LD_US_SECOND;
    crypto_box_keypair(pair->open.bus, pair->bus_secret);
    crypto_sign_keypair(pair->open.sign, pair->sign_secret);
    return LD_OK;
}

void keys_forget(struct keys_pair *pair)
{
    sodium_memzero(pair, sizeof *pair);
}

const char *keys_fingerprint(char text[KEYS_FINGERPRINT_SIZE], const uint8_t bus[KEYS_BYTES])
{
    uint8_t hash[(KEYS_FINGERPRINT_SIZE - 1) / 2];
    crypto_generichash(hash, sizeof hash, bus, KEYS_BYTES, NULL, 0);
    return sodium_bin2hex(text, KEYS_FINGERPRINT_SIZE, hash, sizeof hash);
}

int keys_path(char path[KEYS_PATH_SIZE], const char *directory, const char *name,
              enum keys_file file, struct ld_error *error)
{
    static const char *const ENDS[] = {".key", ".pub", ".key.next", ".pub.next"};
    /* Room for ".tmp", too. */
    if (snprintf(path, KEYS_PATH_SIZE - 8, "%s/%s%s", directory, name, ENDS[file]) >=
        KEYS_PATH_SIZE - 8)
        return ld_fail(error, LD_INVALID, "the path of the keys is too long");
    return LD_OK;
}

/* ---- writing ---- */

static size_t print_public(const struct keys_public *open, char *text, size_t size)
{
    char bus[HEX_SIZE], sign[HEX_SIZE], made[LD_TIME_TEXT_SIZE];
    return (size_t)snprintf(text, size, FORMAT "\nname %s\nmade %s\nbus %s\nsign %s\n", open->name,
                            ld_time_format(made, open->made_us, LD_CHINA_OFFSET_MINUTES),
                            sodium_bin2hex(bus, sizeof bus, open->bus, KEYS_BYTES),
                            sodium_bin2hex(sign, sizeof sign, open->sign, KEYS_BYTES));
}

static size_t print_secret(const struct keys_pair *pair, char *text, size_t size)
{
    char bus[HEX_SIZE], seed[HEX_SIZE];
    size_t used = print_public(&pair->open, text, size);
    sodium_bin2hex(bus, sizeof bus, pair->bus_secret, KEYS_BYTES);
    sodium_bin2hex(seed, sizeof seed, pair->sign_secret, SEED_BYTES);
    used += (size_t)snprintf(text + used, size - used, "bus-secret %s\nsign-seed %s\n", bus, seed);
    sodium_memzero(bus, sizeof bus);
    sodium_memzero(seed, sizeof seed);
    return used;
}

/* The secret first: it is the one that must not be replaced. */
static int save_files(const char *secret, const char *public, const struct keys_pair *pair,
                      struct ld_error *error)
{
    char text[FILE_BYTES_MAX];
    int code = file_write(secret, 0600, text, print_secret(pair, text, sizeof text), false, error);
    if (code == LD_OK)
        code = file_write(public, 0644, text, print_public(&pair->open, text, sizeof text), true,
                          error);
    sodium_memzero(text, sizeof text);
    return code;
}

int keys_save(const char *directory, const struct keys_pair *pair, bool next,
              struct ld_error *error)
{
    char secret[KEYS_PATH_SIZE], public[KEYS_PATH_SIZE];
    const char *name = pair->open.name;
    int code = keys_path(secret, directory, name, next ? KEYS_SECRET_NEXT : KEYS_SECRET, error);
    if (code == LD_OK)
        code = keys_path(public, directory, name, next ? KEYS_PUBLIC_NEXT : KEYS_PUBLIC, error);
    if (code == LD_OK)
        code = file_make_directory(directory, error);
    return code == LD_OK ? save_files(secret, public, pair, error) : code;
}

/* ---- reading ---- */

/* The value of a line that begins with word; *text moves behind it. Of exactly 64 hex digits. */
static bool take_hex(char **text, const char *word, uint8_t bytes[KEYS_BYTES])
{
    size_t size = 0, skip = strlen(word);
    if (strncmp(*text, word, skip) != 0)
        return false;
    char *value = *text + skip;
    size_t length = strcspn(value, "\n");
    if (value[length] != '\n' || length != 2 * KEYS_BYTES ||
        sodium_hex2bin(bytes, KEYS_BYTES, value, length, NULL, &size, NULL) != 0 ||
        size != KEYS_BYTES)
        return false;
    *text = value + length + 1;
    return true;
}

static bool take_text(char **text, const char *word, char *value, size_t size)
{
    size_t skip = strlen(word);
    if (strncmp(*text, word, skip) != 0)
        return false;
    size_t length = strcspn(*text + skip, "\n");
    if ((*text)[skip + length] != '\n' || length >= size)
        return false;
    memcpy(value, *text + skip, length);
    value[length] = '\0';
    *text += skip + length + 1;
    return true;
}

static bool parse_public(char **text, struct keys_public *open)
{
    char made[LD_TIME_TEXT_SIZE], nothing[1];
    return take_text(text, FORMAT, nothing, sizeof nothing) &&
           take_text(text, "name ", open->name, sizeof open->name) &&
           keys_check_name(open->name, NULL) == LD_OK &&
           take_text(text, "made ", made, sizeof made) &&
           ld_time_parse(made, LD_CHINA_OFFSET_MINUTES, &open->made_us, NULL) == LD_OK &&
           take_hex(text, "bus ", open->bus) && take_hex(text, "sign ", open->sign);
}

static bool parse_secret(char *text, struct keys_pair *pair)
{
    uint8_t seed[KEYS_BYTES], public[KEYS_BYTES];
    bool parsed = parse_public(&text, &pair->open) &&
                  take_hex(&text, "bus-secret ", pair->bus_secret) &&
                  take_hex(&text, "sign-seed ", seed) && *text == '\0';
    if (parsed) {
        crypto_sign_seed_keypair(public, pair->sign_secret, seed);
        parsed = memcmp(public, pair->open.sign, KEYS_BYTES) == 0 &&
                 crypto_scalarmult_base(public, pair->bus_secret) == 0 &&
                 memcmp(public, pair->open.bus, KEYS_BYTES) == 0;
    }
    sodium_memzero(seed, sizeof seed);
    return parsed;
}

static int check_private(const char *path, const struct stat *status, struct ld_error *error)
{
    if ((status->st_mode & 077) != 0)
        return ld_fail(error, LD_DENIED,
                       "%s may be read by others (mode %04o): chmod 600 it, and "
                       "make a new key if anybody may have",
                       path, status->st_mode & 07777);
    if (status->st_uid != geteuid() && status->st_uid != 0)
        return ld_fail(error, LD_DENIED, "%s belongs to user %u, expected %u: chown it", path,
                       (unsigned)status->st_uid, (unsigned)geteuid());
    return LD_OK;
}

int keys_load_file(const char *path, struct keys_pair *pair, struct ld_error *error)
{
    char *text;
    struct stat status;
    *pair = (struct keys_pair){0};
    int code = file_read(path, FILE_BYTES_MAX, &text, &status, error);
    if (code != LD_OK)
        return code;
    code = check_private(path, &status, error);
    if (code == LD_OK && !parse_secret(text, pair))
        code = ld_fail(error, LD_INVALID,
                       "%s is no whole key file, or its halves do not belong together: expected "
                       "what \"liandong keys new\" writes",
                       path);
    sodium_memzero(text, strlen(text));
    free(text);
    if (code != LD_OK)
        keys_forget(pair);
    return code;
}

int keys_load(const char *directory, const char *name, struct keys_pair *pair,
              struct ld_error *error)
{
    char path[KEYS_PATH_SIZE];
    int code = keys_check_name(name, error);
    if (code == LD_OK)
        code = keys_path(path, directory, name, KEYS_SECRET, error);
    if (code == LD_OK)
        code = keys_load_file(path, pair, error);
    if (code == LD_OK && strcmp(pair->open.name, name) != 0) {
        code = ld_fail(error, LD_INVALID, "%s is the key of %s, expected that of %s", path,
                       pair->open.name, name);
        keys_forget(pair);
    }
    return code;
}

int keys_load_public(const char *path, struct keys_public *open, struct ld_error *error)
{
    char *text;
    *open = (struct keys_public){0};
    int code = file_read(path, FILE_BYTES_MAX, &text, NULL, error);
    if (code != LD_OK)
        return code;
    char *at = text;
    if (!parse_public(&at, open))
        code = ld_fail(error, LD_INVALID,
                       "%s is no public key: expected what \"liandong keys new\" writes", path);
    sodium_memzero(text, strlen(text));
    free(text);
    return code;
}

/* ---- rotation ---- */

static int move(const char *directory, const char *name, enum keys_file from, enum keys_file to,
                struct ld_error *error)
{
    char source[KEYS_PATH_SIZE], target[KEYS_PATH_SIZE];
    int code = keys_path(source, directory, name, from, error);
    if (code == LD_OK)
        code = keys_path(target, directory, name, to, error);
    if (code == LD_OK && rename(source, target) != 0)
        code = ld_fail(error, LD_NOTFOUND, "there is no %s: \"liandong keys rotate\" makes it",
                       source);
    return code == LD_OK ? file_sync_directory_of(target, error) : code;
}

int keys_switch(const char *directory, const char *name, struct ld_error *error)
{
    int code = keys_check_name(name, error);
    if (code == LD_OK)
        code = move(directory, name, KEYS_SECRET_NEXT, KEYS_SECRET, error);
    return code == LD_OK ? move(directory, name, KEYS_PUBLIC_NEXT, KEYS_PUBLIC, error) : code;
}
