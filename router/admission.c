/*
 * Who may connect.
 *
 *   key ──> in the list, valid ─────────────────────────> let in as NAME
 *      └──> unknown, revoked, expired ──> there is patience left ──> let in as nobody, to be told
 *                                   │                                why (its HELLO is DENIED)
 *                                   └──> turned away in the handshake
 *
 * ZeroMQ has no words for a refused client, so one that has proven to have its key gets a
 * connection on which it can do nothing but be told. Patience is PATIENCE_MAX of these at once and
 * PATIENCE_PER_S a second; beyond it strangers are turned away unheard, so that they cannot use up
 * the connections. The tap tells nobody.
 *
 * The list is looked at each heartbeat and for each connection: read again if the file is another
 * one. If it cannot be read, the one before stays in force, and
 * the operator hears it.
 *
 * What comes with each message of a connection is "<fingerprint> <name>", or "!<reason>".
 */
#include "admission.h"

#include <assert.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { LOOK_MS = 1000, PATIENCE_MAX = 32, PATIENCE_PER_S = 8 };

struct known {
    UT_hash_handle hh; /* by fingerprint */
    const struct keys_enrolled *key;
};

struct admission {
    struct admission_options options;
    char *directory;
    struct zuv_admission *asked;
    uv_timer_t look;
    int open_count;
    void (*closed)(void *data);
    void *closed_data;
    uint8_t secret[KEYS_BYTES];
    struct keys_list list;
    struct keys_stamp stamp; /* of the list's file when it was looked at last */
    bool again;              /* that failed: another try with the next heartbeat */
    struct known *known;     /* hash; points into places */
    struct known *places;
    uint64_t patience; /* strangers that may be told */
    struct admission_stats stats;
};

static void note(const struct admission *admission, const char *line)
{
    if (admission->options.note)
        admission->options.note(line, admission->options.data);
}

/* ---- the list ---- */

static void forget_list(struct admission *admission)
{
    HASH_CLEAR(hh, admission->known);
    free(admission->places);
    admission->places = NULL;
    keys_list_free(&admission->list);
}

static void take_list(struct admission *admission, const struct keys_list *list)
{
    forget_list(admission);
    admission->list = *list;
    admission->places = calloc(list->count + 1, sizeof *admission->places);
    if (!admission->places)
        abort();
    for (size_t i = 0; i < list->count; i++) {
        struct known *known = &admission->places[i];
        known->key = &admission->list.all[i];
        HASH_ADD_KEYPTR(hh, admission->known, known->key->fingerprint, KEYS_FINGERPRINT_SIZE - 1,
                        known);
    }
}

static const struct keys_enrolled *find(const struct admission *admission, const char *fingerprint)
{
    const struct known *known;
    HASH_FIND(hh, admission->known, fingerprint, KEYS_FINGERPRINT_SIZE - 1, known);
    return known ? known->key : NULL;
}

/* The list as it is now, if it is another one. */
static int look(struct admission *admission, struct ld_error *error)
{
    struct keys_stamp stamp;
    struct keys_list list;
    int code = keys_list_stamp(admission->directory, &stamp, error);
    if (code != LD_OK || memcmp(&stamp, &admission->stamp, sizeof stamp) == 0)
        return code;
    admission->stamp = stamp;
    code = keys_list_load(admission->directory, &list, error);
    if (code != LD_OK)
        return code;
    take_list(admission, &list);
    if (admission->options.changed)
        admission->options.changed(admission->options.data);
    return LD_OK;
}

static void look_again(struct admission *admission)
{
    char line[LD_ERROR_TEXT_SIZE + 64];
    struct ld_error error;
    if (look(admission, &error) == LD_OK)
        return;
    admission->stats.reloads_failed++;
    admission->again = true;
    snprintf(line, sizeof line, "the keys let in stay those of before: %s", error.text);
    note(admission, line);
}

static void on_look(uv_timer_t *timer)
{
    struct admission *admission = timer->data;
    admission->patience += PATIENCE_PER_S;
    if (admission->patience > PATIENCE_MAX)
        admission->patience = PATIENCE_MAX;
    if (admission->again)
        memset(&admission->stamp, 0xff, sizeof admission->stamp);
    admission->again = false;
    look_again(admission);
    if (admission->options.changed) /* time passes: some may have expired */
        admission->options.changed(admission->options.data);
}

/* ---- asked ---- */

static int judge(const struct keys_enrolled *key, const char *fingerprint, int64_t now_us,
                 char *reason, size_t size)
{
    char standing[KEYS_REASON_MAX + 64];
    if (key && keys_standing(key, now_us) == KEYS_VALID)
        return LD_OK;
    if (key)
        snprintf(reason, size, "the key of %s with fingerprint %s is %s%s", key->open.name,
                 fingerprint, keys_standing(key, now_us) == KEYS_NOT_YET ? "only " : "",
                 keys_standing_text(key, now_us, standing, sizeof standing));
    else
        snprintf(reason, size,
                 "unknown key with fingerprint %s: have it enrolled where the router is (liandong "
                 "keys enrol)",
                 fingerprint);
    return LD_DENIED;
}

static bool tell(struct admission *admission)
{
    if (!admission->options.tells || admission->patience == 0) {
        admission->stats.untold++;
        return false;
    }
    admission->patience--;
    return true;
}

static bool refuse(struct admission *admission, const struct zuv_applicant *applicant,
                   const struct keys_enrolled *key, const char *reason, char user[ZUV_USER_SIZE])
{
    char line[512];
    uint64_t *count = key ? &admission->stats.ended : &admission->stats.unknown;
    ++*count;
    snprintf(line, sizeof line, "not let in from %s: %s",
             *applicant->address ? applicant->address : "this machine", reason);
    note(admission, line);
    snprintf(user, ZUV_USER_SIZE, "!%s", reason);
    return tell(admission);
}

static bool admit(const struct zuv_applicant *applicant, char user[ZUV_USER_SIZE], void *data)
{
    struct admission *admission = data;
    char fingerprint[KEYS_FINGERPRINT_SIZE], reason[ZUV_USER_SIZE - 1];
    keys_fingerprint(fingerprint, applicant->key);
    look_again(admission); /* it may just have been enrolled, or revoked */
    const struct keys_enrolled *key = find(admission, fingerprint);
    if (key && sodium_memcmp(key->open.bus, applicant->key, KEYS_BYTES) != 0)
        key = NULL;
    int64_t now_us = ld_wall_us(admission->options.context);
    if (judge(key, fingerprint, now_us, reason, sizeof reason) != LD_OK)
        return refuse(admission, applicant, key, reason, user);
    admission->stats.admitted++;
    snprintf(user, ZUV_USER_SIZE, "%s %s", fingerprint, key->open.name);
    return true;
}

int admission_who(const struct zuv_message *message, char *name,
                  char fingerprint[KEYS_FINGERPRINT_SIZE], struct ld_error *error)
{
    const char *user = zuv_message_user(message);
    if (!user || *user == '!')
        return ld_fail(error, LD_DENIED, "%s", user ? user + 1 : "no key was asked for");
    size_t size = strlen(user);
    assert(size > KEYS_FINGERPRINT_SIZE && size - KEYS_FINGERPRINT_SIZE <= KEYS_NAME_MAX);
    memcpy(fingerprint, user, KEYS_FINGERPRINT_SIZE - 1);
    fingerprint[KEYS_FINGERPRINT_SIZE - 1] = '\0';
    memcpy(name, user + KEYS_FINGERPRINT_SIZE, size - KEYS_FINGERPRINT_SIZE + 1);
    return LD_OK;
}

bool admission_is_valid(const struct admission *admission, const char *fingerprint, char *reason,
                        size_t reason_size)
{
    return judge(find(admission, fingerprint), fingerprint, ld_wall_us(admission->options.context),
                 reason, reason_size) == LD_OK;
}

void admission_get_stats(const struct admission *admission, struct admission_stats *stats)
{
    *stats = admission->stats;
}

/* ---- opening and closing ---- */

static void free_all(struct admission *admission)
{
    forget_list(admission);
    sodium_memzero(admission->secret, sizeof admission->secret);
    free(admission->directory);
    free(admission);
}

static int load(struct admission *admission, struct ld_error *error)
{
    struct keys_pair pair;
    int code = keys_load(admission->directory, KEYS_ROUTER, &pair, error);
    if (code != LD_OK)
        return ld_wrap(error, code, "the router's key (made by liandong keys new router)");
    memcpy(admission->secret, pair.bus_secret, sizeof admission->secret);
    keys_forget(&pair);
    code = keys_list_stamp(admission->directory, &admission->stamp, error);
    struct keys_list list;
    if (code == LD_OK)
        code = keys_list_load(admission->directory, &list, error);
    if (code == LD_OK)
        take_list(admission, &list);
    return code;
}

int admission_open(struct zuv *zuv, uv_loop_t *loop, const struct admission_options *options,
                   struct admission **out, struct ld_error *error)
{
    struct admission *admission = calloc(1, sizeof *admission);
    if (!admission)
        abort();
    admission->options = *options;
    admission->patience = PATIENCE_MAX;
    admission->directory = strdup(options->directory);
    if (!admission->directory)
        abort();
    int code = load(admission, error);
    if (code == LD_OK)
        code = zuv_admission_open(zuv, admit, admission, &admission->asked, error);
    if (code != LD_OK) {
        free_all(admission);
        return code;
    }
    uv_timer_init(loop, &admission->look);
    admission->look.data = admission;
    uv_timer_start(&admission->look, on_look, LOOK_MS, LOOK_MS);
    admission->open_count = 2;
    *out = admission;
    return LD_OK;
}

const uint8_t *admission_secret(const struct admission *admission)
{
    return admission->secret;
}

void admission_bound(struct admission *admission)
{
    sodium_memzero(admission->secret, sizeof admission->secret);
}

static void part_closed(void *data)
{
    struct admission *admission = data;
    if (--admission->open_count > 0)
        return;
    void (*closed)(void *) = admission->closed;
    void *closed_data = admission->closed_data;
    free_all(admission);
    if (closed)
        closed(closed_data);
}

static void look_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void admission_close(struct admission *admission, void (*closed)(void *data), void *data)
{
    admission->closed = closed;
    admission->closed_data = data;
    uv_close((uv_handle_t *)&admission->look, look_closed);
    zuv_admission_close(admission->asked, part_closed, admission);
}
