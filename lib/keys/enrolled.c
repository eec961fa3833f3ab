/*
 * The list of keys that a router lets in: one file, "enrolled", one line a key:
 *
 *   liandong-enrolled 1
 *   NAME BUS SIGN FROM UNTIL REVOKED REASON…
 *
 * BUS and SIGN are 64 hex digits, times as 2026-11-22T10:00:00+08:00, "-" for none. Lines are only
 * added and ended, never removed, so the list also says who had which key when.
 *
 * Changing it: its lock, read, change, write under another name, put in place. A router that is
 * reading meanwhile has the old one or the new one. It fails whole when a line makes no sense: a
 * list of which half is known lets in whom somebody has revoked.
 */
#include "keys.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "buffer.h"
#include "file.h"
#include "timefmt.h"

enum { LIST_BYTES_MAX = 32 << 20, LINE_PARTS = 6, HEX_DIGITS = 2 * KEYS_BYTES };
#define FORMAT "liandong-enrolled 1"

/* ---- standing ---- */

enum keys_standing keys_standing(const struct keys_enrolled *key, int64_t now_us)
{
    if (key->revoked_us != 0)
        return KEYS_REVOKED;
    if (now_us < key->open.made_us)
        return KEYS_NOT_YET;
    return key->until_us != 0 && now_us >= key->until_us ? KEYS_EXPIRED : KEYS_VALID;
}

const char *keys_standing_text(const struct keys_enrolled *key, int64_t now_us, char *text,
                               size_t size)
{
    char time[LD_TIME_TEXT_SIZE];
    switch (keys_standing(key, now_us)) {
    case KEYS_REVOKED:
        snprintf(text, size, "revoked on %s: %s",
                 ld_time_format(time, key->revoked_us, LD_CHINA_OFFSET_MINUTES), key->reason);
        break;
    case KEYS_NOT_YET:
        snprintf(text, size, "valid from %s on",
                 ld_time_format(time, key->open.made_us, LD_CHINA_OFFSET_MINUTES));
        break;
    case KEYS_EXPIRED:
        snprintf(text, size, "expired on %s",
                 ld_time_format(time, key->until_us, LD_CHINA_OFFSET_MINUTES));
        break;
    case KEYS_VALID:
        if (key->until_us == 0)
            snprintf(text, size, "valid");
        else
            snprintf(text, size, "valid until %s",
                     ld_time_format(time, key->until_us, LD_CHINA_OFFSET_MINUTES));
        break;
    }
    return text;
}

/* ---- reading ---- */

static bool parse_hex(const char *text, uint8_t bytes[KEYS_BYTES])
{
    size_t size = 0;
    return strlen(text) == HEX_DIGITS &&
           sodium_hex2bin(bytes, KEYS_BYTES, text, HEX_DIGITS, NULL, &size, NULL) == 0 &&
           size == KEYS_BYTES;
}

static bool parse_time(const char *text, int64_t *time_us)
{
    *time_us = 0;
    return strcmp(text, "-") == 0 ||
           ld_time_parse(text, LD_CHINA_OFFSET_MINUTES, time_us, NULL) == LD_OK;
}

/* Cuts line into its parts; what is left is the reason. */
static char *cut(char *line, char *parts[LINE_PARTS])
{
    for (size_t i = 0; i < LINE_PARTS; i++) {
        parts[i] = line;
        line = strchr(line, ' ');
        if (!line)
            return NULL;
        *line++ = '\0';
    }
    return line;
}

static bool parse_key(char *line, struct keys_enrolled *key)
{
    char *parts[LINE_PARTS];
    char *reason = cut(line, parts);
    *key = (struct keys_enrolled){0};
    if (!reason || strlen(reason) > KEYS_REASON_MAX || keys_check_name(parts[0], NULL) != LD_OK ||
        !parse_hex(parts[1], key->open.bus) || !parse_hex(parts[2], key->open.sign) ||
        !parse_time(parts[3], &key->open.made_us) || !parse_time(parts[4], &key->until_us) ||
        !parse_time(parts[5], &key->revoked_us))
        return false;
    memcpy(key->open.name, parts[0], strlen(parts[0]) + 1);
    memcpy(key->reason, reason, strlen(reason) + 1);
    keys_fingerprint(key->fingerprint, key->open.bus);
    return true;
}

static int add(struct keys_list *list, const struct keys_enrolled *key, struct ld_error *error)
{
    if (list->count == KEYS_ENROLLED_MAX)
        return ld_fail(error, LD_TOOBIG, "%d keys are enrolled, that is all", KEYS_ENROLLED_MAX);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        struct keys_enrolled *grown = realloc(list->all, capacity * sizeof *grown);
        if (!grown)
            return ld_fail(error, LD_NOMEM, "no memory for %zu keys", capacity);
        list->all = grown;
        list->capacity = capacity;
    }
    list->all[list->count++] = *key;
    return LD_OK;
}

static int parse_list(char *text, const char *path, struct keys_list *list, struct ld_error *error)
{
    size_t number = 0;
    for (char *line = text, *end; *line; line = end + 1) {
        struct keys_enrolled key;
        end = strchr(line, '\n');
        number++;
        if (end)
            *end = '\0';
        bool good = end && (number == 1 ? strcmp(line, FORMAT) == 0 : parse_key(line, &key));
        if (!good)
            return ld_fail(
                error, LD_INVALID, "%s, line %zu: expected %s; put it right, or put a copy back",
                path, number, number == 1 ? FORMAT : "NAME BUS SIGN FROM UNTIL REVOKED REASON");
        int code = number == 1 ? LD_OK : add(list, &key, error);
        if (code != LD_OK)
            return code;
    }
    return number > 0 ? LD_OK : ld_fail(error, LD_INVALID, "%s is empty: put a copy back", path);
}

static int list_path(char path[KEYS_PATH_SIZE], const char *directory, const char *end,
                     struct ld_error *error)
{
    if (snprintf(path, KEYS_PATH_SIZE - 8, "%s/enrolled%s", directory, end) >= KEYS_PATH_SIZE - 8)
        return ld_fail(error, LD_INVALID, "the path of the keys is too long");
    return LD_OK;
}

int keys_list_load(const char *directory, struct keys_list *list, struct ld_error *error)
{
    char path[KEYS_PATH_SIZE], *text;
    struct stat status;
    *list = (struct keys_list){0};
    int code = list_path(path, directory, "", error);
    if (code == LD_OK)
        code = file_read(path, LIST_BYTES_MAX, &text, &status, error);
    if (code == LD_NOTFOUND)
        return LD_OK;
    if (code != LD_OK)
        return code;
    if (status.st_mode & 022)
        code = ld_fail(error, LD_DENIED,
                       "%s may be written by others (mode %04o): look through "
                       "it, then chmod 644 it",
                       path, status.st_mode & 07777);
    else
        code = parse_list(text, path, list, error);
    free(text);
    if (code != LD_OK)
        keys_list_free(list);
    return code;
}

int keys_list_stamp(const char *directory, struct keys_stamp *stamp, struct ld_error *error)
{
    char path[KEYS_PATH_SIZE];
    struct stat status;
    memset(stamp, 0, sizeof *stamp);
    int code = list_path(path, directory, "", error);
    if (code != LD_OK)
        return code;
    if (stat(path, &status) != 0)
        return errno == ENOENT
                   ? LD_OK
                   : ld_fail(error, LD_IO, "cannot look at %s: %s", path, strerror(errno));
    stamp->device = status.st_dev;
    stamp->number = status.st_ino;
    stamp->size = (uint64_t)status.st_size;
    stamp->seconds = status.st_mtim.tv_sec;
    stamp->nanoseconds = status.st_mtim.tv_nsec;
    return LD_OK;
}

void keys_list_free(struct keys_list *list)
{
    free(list->all);
    *list = (struct keys_list){0};
}

const struct keys_enrolled *keys_list_find(const struct keys_list *list,
                                           const uint8_t bus[KEYS_BYTES])
{
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->all[i].open.bus, bus, KEYS_BYTES) == 0)
            return &list->all[i];
    return NULL;
}

/* ---- changing ---- */

static const char *time_or_none(char text[LD_TIME_TEXT_SIZE], int64_t time_us)
{
    return time_us == 0 ? "-" : ld_time_format(text, time_us, LD_CHINA_OFFSET_MINUTES);
}

static void print_key(struct ld_buffer *buffer, const struct keys_enrolled *key)
{
    char bus[HEX_DIGITS + 1], sign[HEX_DIGITS + 1];
    char from[LD_TIME_TEXT_SIZE], until[LD_TIME_TEXT_SIZE], revoked[LD_TIME_TEXT_SIZE];
    ld_buffer_format(buffer, "%s %s %s %s %s %s %s\n", key->open.name,
                     sodium_bin2hex(bus, sizeof bus, key->open.bus, KEYS_BYTES),
                     sodium_bin2hex(sign, sizeof sign, key->open.sign, KEYS_BYTES),
                     time_or_none(from, key->open.made_us), time_or_none(until, key->until_us),
                     time_or_none(revoked, key->revoked_us), key->reason);
}

static int save(const char *directory, const struct keys_list *list, struct ld_error *error)
{
    char path[KEYS_PATH_SIZE];
    struct ld_buffer buffer = {0};
    int code = list_path(path, directory, "", error);
    if (code != LD_OK)
        return code;
    ld_buffer_text(&buffer, FORMAT "\n");
    for (size_t i = 0; i < list->count; i++)
        print_key(&buffer, &list->all[i]);
    code = file_write(path, 0644, (const char *)buffer.data, buffer.size, true, error);
    ld_buffer_free(&buffer);
    return code;
}

struct change {
    const struct keys_public *open; /* to enrol */
    const char *name, *fingerprint, *reason;
    int64_t now_us, until_us, overlap_us;
    size_t count;
};
typedef int change_fn(struct keys_list *list, struct change *change, struct ld_error *error);

static int change_list(const char *directory, change_fn *apply, struct change *change,
                       struct ld_error *error)
{
    char path[KEYS_PATH_SIZE];
    struct keys_list list;
    int lock;
    int code = list_path(path, directory, ".lock", error);
    if (code == LD_OK)
        code = file_make_directory(directory, error);
    if (code == LD_OK)
        code = file_lock(path, &lock, error);
    if (code != LD_OK)
        return code;
    code = keys_list_load(directory, &list, error);
    if (code == LD_OK) {
        code = apply(&list, change, error);
        if (code == LD_OK)
            code = save(directory, &list, error);
        keys_list_free(&list);
    }
    close(lock);
    return code;
}

/* ---- enrolling ---- */

static void end_others(struct keys_list *list, const struct change *change)
{
    int64_t end_us = change->now_us + change->overlap_us;
    for (size_t i = 0; i < list->count; i++) {
        struct keys_enrolled *key = &list->all[i];
        bool valid = key->revoked_us == 0 && (key->until_us == 0 || key->until_us > end_us);
        if (valid && strcmp(key->open.name, change->open->name) == 0)
            key->until_us = end_us;
    }
}

static int apply_enrol(struct keys_list *list, struct change *change, struct ld_error *error)
{
    const struct keys_enrolled *there = keys_list_find(list, change->open->bus);
    char standing[KEYS_REASON_MAX + 64];
    if (there)
        return ld_fail(error, LD_REFUSED, "this key is enrolled already, for %s: %s",
                       there->open.name,
                       keys_standing_text(there, change->now_us, standing, sizeof standing));
    struct keys_enrolled key = {.open = *change->open, .until_us = change->until_us};
    key.open.made_us = change->now_us;
    if (change->overlap_us >= 0)
        end_others(list, change);
    return add(list, &key, error);
}

static int64_t whole_seconds(int64_t time_us)
{
    return time_us - time_us % LD_US_SECOND;
}

int keys_enrol(const char *directory, const struct keys_public *open, int64_t now_us,
               int64_t until_us, int64_t overlap_us, struct ld_error *error)
{
    struct change change = {.open = open,
                            .now_us = whole_seconds(now_us),
                            .until_us = whole_seconds(until_us),
                            .overlap_us = overlap_us};
    int code = keys_check_name(open->name, error);
    if (code == LD_OK && strcmp(open->name, KEYS_ROUTER) == 0)
        code =
            ld_fail(error, LD_REFUSED,
                    "the router's own key is not enrolled: give router.pub to those who connect");
    return code == LD_OK ? change_list(directory, apply_enrol, &change, error) : code;
}

/* ---- revoking ---- */

static int apply_revoke(struct keys_list *list, struct change *change, struct ld_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        struct keys_enrolled *key = &list->all[i];
        if (key->revoked_us != 0 || strcmp(key->open.name, change->name) != 0 ||
            (change->fingerprint && strcmp(key->fingerprint, change->fingerprint) != 0))
            continue;
        key->revoked_us = change->now_us;
        memcpy(key->reason, change->reason, strlen(change->reason) + 1);
        change->count++;
    }
    if (change->count > 0)
        return LD_OK;
    return ld_fail(error, LD_NOTFOUND,
                   "no key of %s%s%s is left to be revoked: see liandong keys "
                   "list",
                   change->name, change->fingerprint ? " with fingerprint " : "",
                   change->fingerprint ? change->fingerprint : "");
}

int keys_revoke(const char *directory, const char *name, const char *fingerprint,
                const char *reason, int64_t now_us, size_t *count, struct ld_error *error)
{
    struct change change = {.name = name,
                            .fingerprint = fingerprint,
                            .reason = reason,
                            .now_us = whole_seconds(now_us)};
    if (reason[0] == '\0' || strlen(reason) > KEYS_REASON_MAX || strchr(reason, '\n'))
        return ld_fail(error, LD_INVALID, "expected a reason of one line, 1 to %d bytes",
                       KEYS_REASON_MAX);
    int code = change_list(directory, apply_revoke, &change, error);
    if (count)
        *count = change.count;
    return code;
}
