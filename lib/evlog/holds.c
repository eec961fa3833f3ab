/*
 * The holds as one small file, always replaced whole: a power cut leaves the one before or the one
 * after, and nobody was told of the one after before it was durable.
 *
 * Placing: take the lock, read the file, append, write. Releasing: the same, and the entry gets
 * who, when and why. A file that cannot be believed, or is of another log, refuses everything: what
 * it held must not be moved because of it.
 */
#include "holds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bytes.h"
#include "catalog.h"
#include "whole.h"

#define HOLDS_MAGIC   0x3148444cu /* "LDH1" */
#define HOLDS_VERSION 1u

enum {
    AT_MAGIC = 0,
    AT_CHECKSUM = 4,
    AT_VERSION = 8,
    AT_COUNT = 12,
    AT_ID = 16,
    HEAD_SIZE = 64,
    AT_NUMBER = 0,
    AT_FROM = 8,
    AT_TO = 16,
    AT_FROM_TIME = 24,
    AT_TO_TIME = 32,
    AT_PLACED = 40,
    AT_RELEASED = 48,
    AT_BY = 64,
    AT_REASON = AT_BY + EVLOG_HOLD_NAME_SIZE,
    AT_RELEASED_BY = AT_REASON + EVLOG_HOLD_REASON_SIZE,
    AT_RELEASE_REASON = AT_RELEASED_BY + EVLOG_HOLD_NAME_SIZE,
    ENTRY_SIZE = AT_RELEASE_REASON + EVLOG_HOLD_REASON_SIZE
};

void evlog_holds_free(struct evlog_holds *holds)
{
    free(holds->all);
    *holds = (struct evlog_holds){0};
}

int holds_read_own(const struct ld_context *context, const char *directory,
                   const uint8_t id[EVLOG_ID_SIZE], struct evlog_holds *holds,
                   struct ld_error *error)
{
    int code = evlog_holds_read(context, directory, holds, error);
    if (code == LD_OK && holds->all && memcmp(holds->id, id, EVLOG_ID_SIZE) != 0)
        return ld_fail(error, LD_INVALID,
                       "the list of legal holds (" HOLDS_FILE_NAME
                       ") in %s is of another log: put the log's own there, or move it away",
                       directory);
    return code;
}

int holds_lock(const struct ld_context *context, const char *directory, int *fd,
               struct ld_error *error)
{
    char path[SEGMENT_PATH_SIZE];
    snprintf(path, sizeof path, "%s/" HOLDS_LOCK_NAME, directory);
    int code = disk_open(context, path, LD_OPEN_LOCK, fd, error);
    if (code == LD_LOCKED)
        return ld_fail(error, code,
                       "the log in %s is being archived, or somebody else is placing a hold: "
                       "wait for it or interrupt it (archiving can be), then try again",
                       directory);
    return code;
}

const struct evlog_hold *evlog_holds_on(const struct evlog_holds *holds, uint64_t first,
                                        uint64_t last, int64_t first_us, int64_t last_us)
{
    for (size_t i = 0; i < holds->count; i++) {
        const struct evlog_hold *hold = &holds->all[i];
        if (hold->released_us == 0 && hold->from <= last && hold->to >= first &&
            hold->from_us <= last_us && hold->to_us >= first_us)
            return hold;
    }
    return NULL;
}

/* ---- reading ---- */

static int damaged(struct ld_error *error, const char *what)
{
    return ld_fail(error, LD_CORRUPT,
                   "the list of legal holds (" HOLDS_FILE_NAME
                   ") is damaged (%s), so nothing may be moved: put a good copy back, or, if there "
                   "is none, move the file aside and place its holds again",
                   what);
}

static bool decode_text(const uint8_t *bytes, size_t size, char *text)
{
    memcpy(text, bytes, size);
    return text[size - 1] == 0;
}

static bool decode_entry(const uint8_t *bytes, struct evlog_hold *hold)
{
    *hold = (struct evlog_hold){
        .number = ld_get_u64(bytes + AT_NUMBER),
        .from = ld_get_u64(bytes + AT_FROM),
        .to = ld_get_u64(bytes + AT_TO),
        .from_us = (int64_t)ld_get_u64(bytes + AT_FROM_TIME),
        .to_us = (int64_t)ld_get_u64(bytes + AT_TO_TIME),
        .placed_us = (int64_t)ld_get_u64(bytes + AT_PLACED),
        .released_us = (int64_t)ld_get_u64(bytes + AT_RELEASED),
    };
    return decode_text(bytes + AT_BY, sizeof hold->by, hold->by) &&
           decode_text(bytes + AT_REASON, sizeof hold->reason, hold->reason) &&
           decode_text(bytes + AT_RELEASED_BY, sizeof hold->released_by, hold->released_by) &&
           decode_text(bytes + AT_RELEASE_REASON, sizeof hold->release_reason,
                       hold->release_reason);
}

static int decode(const uint8_t *bytes, size_t size, struct evlog_holds *holds,
                  struct ld_error *error)
{
    if (size < HEAD_SIZE || ld_get_u32(bytes + AT_MAGIC) != HOLDS_MAGIC ||
        ld_get_u32(bytes + AT_CHECKSUM) != ld_crc32c(0, bytes + AT_VERSION, size - AT_VERSION))
        return damaged(error, "its checksum");
    if (ld_get_u32(bytes + AT_VERSION) != HOLDS_VERSION)
        return ld_fail(error, LD_VERSION, "the list of legal holds is of version %u, expected %u",
                       ld_get_u32(bytes + AT_VERSION), HOLDS_VERSION);
    size_t count = ld_get_u32(bytes + AT_COUNT);
    if (count > EVLOG_HOLDS_MAX || size != HEAD_SIZE + count * ENTRY_SIZE)
        return damaged(error, "its size");
    memcpy(holds->id, bytes + AT_ID, EVLOG_ID_SIZE);
    holds->all = calloc(count + 1, sizeof *holds->all); /* room to place one more */
    if (!holds->all)
        return ld_fail(error, LD_NOMEM, "no memory for the list of legal holds");
    for (size_t i = 0; i < count; i++) {
        if (!decode_entry(bytes + HEAD_SIZE + i * ENTRY_SIZE, &holds->all[i]) ||
            holds->all[i].number != i + 1)
            return damaged(error, "an entry of it");
        holds->count++;
    }
    return LD_OK;
}

int evlog_holds_read(const struct ld_context *context, const char *directory,
                     struct evlog_holds *holds, struct ld_error *error)
{
    const uint64_t size_max = HEAD_SIZE + (uint64_t)EVLOG_HOLDS_MAX * ENTRY_SIZE;
    uint8_t *bytes;
    size_t size;
    *holds = (struct evlog_holds){0};
    int code = whole_read(context, directory, HOLDS_FILE_NAME, size_max, &bytes, &size, error);
    if (code == LD_NOTFOUND)
        return LD_OK;
    if (code == LD_OK)
        code = decode(bytes, size, holds, error);
    if (code != LD_OK)
        evlog_holds_free(holds);
    free(bytes);
    return code;
}

/* ---- writing ---- */

static void encode_entry(uint8_t *bytes, const struct evlog_hold *hold)
{
    ld_put_u64(bytes + AT_NUMBER, hold->number);
    ld_put_u64(bytes + AT_FROM, hold->from);
    ld_put_u64(bytes + AT_TO, hold->to);
    ld_put_u64(bytes + AT_FROM_TIME, (uint64_t)hold->from_us);
    ld_put_u64(bytes + AT_TO_TIME, (uint64_t)hold->to_us);
    ld_put_u64(bytes + AT_PLACED, (uint64_t)hold->placed_us);
    ld_put_u64(bytes + AT_RELEASED, (uint64_t)hold->released_us);
    memcpy(bytes + AT_BY, hold->by, sizeof hold->by);
    memcpy(bytes + AT_REASON, hold->reason, sizeof hold->reason);
    memcpy(bytes + AT_RELEASED_BY, hold->released_by, sizeof hold->released_by);
    memcpy(bytes + AT_RELEASE_REASON, hold->release_reason, sizeof hold->release_reason);
}

static int write_holds(const struct ld_context *context, const char *directory,
                       const struct evlog_holds *holds, struct ld_error *error)
{
    size_t size = HEAD_SIZE + holds->count * ENTRY_SIZE;
    uint8_t *bytes = calloc(1, size);
    if (!bytes)
        return ld_fail(error, LD_NOMEM, "no memory for the list of legal holds");
    ld_put_u32(bytes + AT_MAGIC, HOLDS_MAGIC);
    ld_put_u32(bytes + AT_VERSION, HOLDS_VERSION);
    ld_put_u32(bytes + AT_COUNT, (uint32_t)holds->count);
    memcpy(bytes + AT_ID, holds->id, EVLOG_ID_SIZE);
    for (size_t i = 0; i < holds->count; i++)
        encode_entry(bytes + HEAD_SIZE + i * ENTRY_SIZE, &holds->all[i]);
    ld_put_u32(bytes + AT_CHECKSUM, ld_crc32c(0, bytes + AT_VERSION, size - AT_VERSION));
    int code = whole_write(context, directory, HOLDS_FILE_NAME, bytes, size, error);
    free(bytes);
    return code;
}

/* ---- placing and releasing ---- */

static int check_text(const char *text, size_t size, const char *what, struct ld_error *error)
{
    if (!text || *text == 0)
        return ld_fail(error, LD_INVALID, "%s is missing", what);
    size_t length = strlen(text);
    if (length >= size)
        return ld_fail(error, LD_INVALID, "%s has %zu bytes, at most %zu are kept", what, length,
                       size - 1);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return ld_fail(error, LD_INVALID, "%s has a control character", what);
    return LD_OK;
}

static int check_hold(const struct evlog_hold *hold, struct ld_error *error)
{
    if (hold->from > hold->to || hold->from_us > hold->to_us)
        return ld_fail(error, LD_INVALID, "the hold ends before it begins");
    int code = check_text(hold->by, sizeof hold->by, "the name of who places the hold", error);
    return code == LD_OK
               ? check_text(hold->reason, sizeof hold->reason, "the reason of the hold", error)
               : code;
}

/* The id of the log in directory, from the first header that can be read. */
static int read_id(const struct ld_context *context, const char *directory,
                   uint8_t id[EVLOG_ID_SIZE], struct ld_error *error)
{
    struct catalog catalog;
    int code = catalog_read(context, directory, &catalog, error);
    bool found = false;
    for (size_t i = 0; code == LD_OK && i < catalog.count && !found; i++) {
        found = catalog.entries[i].state != HEADER_BAD;
        if (found)
            memcpy(id, catalog.entries[i].header.id, EVLOG_ID_SIZE);
    }
    catalog_free(&catalog);
    if (code == LD_OK && !found)
        return ld_fail(error, LD_NOTFOUND, "there is no log in %s", directory);
    return code;
}

/* Reads the holds to change them; they are of this log. */
static int read_own(const struct ld_context *context, const char *directory,
                    struct evlog_holds *holds, struct ld_error *error)
{
    uint8_t id[EVLOG_ID_SIZE] = {0};
    int code = evlog_holds_read(context, directory, holds, error);
    if (code == LD_OK)
        code = read_id(context, directory, id, error);
    if (code != LD_OK)
        return code;
    if (!holds->all)
        memcpy(holds->id, id, sizeof id);
    if (memcmp(holds->id, id, sizeof id) != 0)
        return ld_fail(error, LD_INVALID,
                       "the list of legal holds (" HOLDS_FILE_NAME ") in %s is of another log",
                       directory);
    if (!holds->all)
        holds->all = calloc(1, sizeof *holds->all);
    return holds->all ? LD_OK : ld_fail(error, LD_NOMEM, "no memory for the list of legal holds");
}

static int place(const struct ld_context *context, const char *directory, struct evlog_holds *holds,
                 struct evlog_hold *hold, struct ld_error *error)
{
    int code = read_own(context, directory, holds, error);
    if (code == LD_OK && holds->count == EVLOG_HOLDS_MAX)
        code = ld_fail(error, LD_TOOBIG, "there are %d holds already", EVLOG_HOLDS_MAX);
    if (code != LD_OK)
        return code;
    hold->number = holds->count + 1;
    hold->placed_us = ld_wall_us(context);
    hold->released_us = 0;
    memset(hold->released_by, 0, sizeof hold->released_by);
    memset(hold->release_reason, 0, sizeof hold->release_reason);
    holds->all[holds->count++] = *hold;
    return write_holds(context, directory, holds, error);
}

int evlog_hold_place(const struct ld_context *context, const char *directory,
                     struct evlog_hold *hold, struct ld_error *error)
{
    struct evlog_holds holds = {0};
    int fd;
    int code = check_hold(hold, error);
    if (code == LD_OK)
        code = holds_lock(context, directory, &fd, error);
    if (code != LD_OK)
        return code;
    code = place(context, directory, &holds, hold, error);
    evlog_holds_free(&holds);
    disk_close(context, fd);
    return code;
}

static int release(const struct ld_context *context, const char *directory,
                   struct evlog_holds *holds, uint64_t number, const char *by, const char *reason,
                   struct ld_error *error)
{
    int code = read_own(context, directory, holds, error);
    if (code != LD_OK)
        return code;
    if (number < 1 || number > holds->count || holds->all[number - 1].released_us != 0)
        return ld_fail(error, LD_NOTFOUND, "there is no hold %" PRIu64 " in force in %s", number,
                       directory);
    struct evlog_hold *hold = &holds->all[number - 1];
    int64_t now_us = ld_wall_us(context);
    hold->released_us = now_us != 0 ? now_us : 1;
    snprintf(hold->released_by, sizeof hold->released_by, "%s", by);
    snprintf(hold->release_reason, sizeof hold->release_reason, "%s", reason);
    return write_holds(context, directory, holds, error);
}

int evlog_hold_release(const struct ld_context *context, const char *directory, uint64_t number,
                       const char *by, const char *reason, struct ld_error *error)
{
    struct evlog_holds holds = {0};
    int fd;
    int code = check_text(by, EVLOG_HOLD_NAME_SIZE, "the name of who releases the hold", error);
    if (code == LD_OK)
        code = check_text(reason, EVLOG_HOLD_REASON_SIZE, "the reason of the release", error);
    if (code == LD_OK)
        code = holds_lock(context, directory, &fd, error);
    if (code != LD_OK)
        return code;
    code = release(context, directory, &holds, number, by, reason, error);
    evlog_holds_free(&holds);
    disk_close(context, fd);
    return code;
}
