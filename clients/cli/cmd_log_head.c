/*
 * liandong log key, log head, and comparing a log with a head (docs/log-format.md, 11).
 *
 * A key file is one line, "liandong-secret-1 " or "liandong-public-1 " and 64 hex digits: the seed
 * of an Ed25519 key, or its public half. A head file is one JSON object.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd_log.h"
#include "picture/event_json.h"

#define HEAD_FORMAT   "liandong head 1"
#define SECRET_PREFIX "liandong-secret-1 "
#define PUBLIC_PREFIX "liandong-public-1 "

enum { LINE_SIZE = 128, HEX_SIZE = 2 * crypto_sign_BYTES + 1, HEAD_BYTES_MAX = 256 << 20 };

/* ---- key files ---- */

static int write_line(const char *path, mode_t mode, const char *prefix, const uint8_t *bytes,
                      struct ld_error *error)
{
    char hex[HEX_SIZE], line[LINE_SIZE];
    sodium_bin2hex(hex, sizeof hex, bytes, crypto_sign_SEEDBYTES);
    int size = snprintf(line, sizeof line, "%s%s\n", prefix, hex);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return ld_fail(error, errno == EEXIST ? LD_INVALID : LD_IO, "cannot make %s: %s", path,
                       strerror(errno));
    bool written = write(fd, line, (size_t)size) == size && fsync(fd) == 0;
    written &= close(fd) == 0;
    sodium_memzero(line, sizeof line);
    sodium_memzero(hex, sizeof hex);
    return written ? LD_OK : ld_fail(error, LD_IO, "cannot write %s", path);
}

static int read_line(const char *path, const char *prefix, uint8_t *bytes, struct ld_error *error)
{
    char line[LINE_SIZE] = "";
    size_t size = 0, prefix_size = strlen(prefix);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ld_fail(error, LD_NOTFOUND, "cannot open %s: %s", path, strerror(errno));
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    if (!read || strncmp(line, prefix, prefix_size) != 0 ||
        sodium_hex2bin(bytes, crypto_sign_SEEDBYTES, line + prefix_size, strlen(line) - prefix_size,
                       "\n", &size, NULL) != 0 ||
        size != crypto_sign_SEEDBYTES)
        return ld_fail(error, LD_INVALID,
                       "%s is not a key: expected a line \"%s\" and 64 hex digits", path, prefix);
    return LD_OK;
}

/* Only its owner may read a secret key. */
static int check_mode(const char *path, struct ld_error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & 077) != 0)
        return ld_fail(error, LD_DENIED, "%s can be read by others: chmod 600 it", path);
    return LD_OK;
}

static int make_key(const char *path, struct ld_error *error)
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
    uint8_t seed[crypto_sign_SEEDBYTES];
    char public_path[4096];
    if (snprintf(public_path, sizeof public_path, "%s.pub", path) >= (int)sizeof public_path)
        return ld_fail(error, LD_INVALID, "the path of the key is too long");
    randombytes_buf(seed, sizeof seed);
    crypto_sign_seed_keypair(public_key, secret_key, seed);
    int code = write_line(path, 0600, SECRET_PREFIX, seed, error);
    if (code == LD_OK)
        code = write_line(public_path, 0644, PUBLIC_PREFIX, public_key, error);
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(secret_key, sizeof secret_key);
    return code;
}

int log_key(struct cli *cli, int argc, char **argv)
{
    const struct cli_usage usage = {
        "log key [OPTION]… FILE",
        {"生成签署日志头用的密钥：FILE（只有本人可读）和 FILE.pub（交给核对的人）。",
         "Makes a key for signing heads: FILE, for its owner only, and FILE.pub, to give away."},
        NULL,
        "  liandong log key /etc/liandong/head.key\n"};
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    if (make_key(argv[0], &error) != LD_OK)
        return cli_fail(cli, &error);
    if (cli->json)
        cli_print_json(json_pack("{s:s,s:s+}", "secret", argv[0], "public", argv[0], ".pub"));
    else
        printf(cli_say(cli, "已生成 %s 和 %s.pub\n", "made %s and %s.pub\n"), argv[0], argv[0]);
    return CLI_OK;
}

/* ---- a head as JSON ---- */

static json_t *hex_json(const uint8_t *bytes, size_t size)
{
    char hex[HEX_SIZE];
    return json_string(sodium_bin2hex(hex, sizeof hex, bytes, size));
}

static json_t *head_json(const struct evlog_head *head)
{
    char time[EVENT_TIME_SIZE];
    json_t *segments = json_array();
    for (size_t i = 0; i < head->count; i++) {
        const struct evlog_link *link = &head->links[i];
        json_array_append_new(
            segments, json_pack("{s:I,s:I,s:I,s:o}", "number", (json_int_t)link->number, "base",
                                (json_int_t)link->base, "last", (json_int_t)link->last, "hash",
                                hex_json(link->hash, sizeof link->hash)));
    }
    return json_pack("{s:s,s:o,s:I,s:s,s:I,s:o,s:o}", "format", HEAD_FORMAT, "log",
                     hex_json(head->id, sizeof head->id), "sequence", (json_int_t)head->sequence,
                     "time", event_time(time, head->time_us), "time_us", (json_int_t)head->time_us,
                     "hash", hex_json(head->chain, sizeof head->chain), "segments", segments);
}

static bool take_hex(const json_t *object, const char *name, uint8_t *bytes, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    size_t found = 0;
    return text != NULL &&
           sodium_hex2bin(bytes, size, text, strlen(text), NULL, &found, NULL) == 0 &&
           found == size;
}

static bool take_number(const json_t *object, const char *name, uint64_t *value)
{
    const json_t *number = json_object_get(object, name);
    *value = (uint64_t)json_integer_value(number);
    return json_is_integer(number) && json_integer_value(number) >= 0;
}

static bool take_segments(const json_t *segments, struct evlog_head *head)
{
    size_t i;
    json_t *segment;
    head->links = calloc(json_array_size(segments) + 1, sizeof *head->links);
    if (head->links == NULL)
        abort();
    json_array_foreach(segments, i, segment)
    {
        struct evlog_link *link = &head->links[head->count++];
        if (!take_number(segment, "number", &link->number) ||
            !take_number(segment, "base", &link->base) ||
            !take_number(segment, "last", &link->last) ||
            !take_hex(segment, "hash", link->hash, sizeof link->hash))
            return false;
    }
    return head->count > 0;
}

static int load_json(const char *path, json_t **json, struct ld_error *error)
{
    struct stat status;
    json_error_t reason;
    if (stat(path, &status) != 0)
        return ld_fail(error, LD_NOTFOUND, "cannot open %s: %s", path, strerror(errno));
    if (status.st_size > HEAD_BYTES_MAX)
        return ld_fail(error, LD_INVALID, "%s is too large for a head", path);
    *json = json_load_file(path, JSON_REJECT_DUPLICATES, &reason);
    if (*json == NULL)
        return ld_fail(error, LD_INVALID, "%s is not JSON: line %d: %s", path, reason.line,
                       reason.text);
    return LD_OK;
}

static int take_head(const char *path, const json_t *json, struct evlog_head *head,
                     struct ld_error *error)
{
    const char *format = json_string_value(json_object_get(json, "format"));
    uint64_t time_us = 0;
    bool good = format != NULL && strcmp(format, HEAD_FORMAT) == 0 &&
                take_hex(json, "log", head->id, sizeof head->id) &&
                take_hex(json, "hash", head->chain, sizeof head->chain) &&
                take_number(json, "sequence", &head->sequence) &&
                take_number(json, "time_us", &time_us) &&
                take_segments(json_object_get(json, "segments"), head);
    head->time_us = (int64_t)time_us;
    return good ? LD_OK
                : ld_fail(error, LD_INVALID, "%s is not what `liandong log head` writes", path);
}

/* ---- signatures ---- */

static int sign(const char *key_path, const struct evlog_head *head, json_t *json,
                struct ld_error *error)
{
    uint8_t seed[crypto_sign_SEEDBYTES], public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t secret_key[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
    uint8_t message[EVLOG_HEAD_MESSAGE_SIZE];
    int code = check_mode(key_path, error);
    if (code == LD_OK)
        code = read_line(key_path, SECRET_PREFIX, seed, error);
    if (code != LD_OK)
        return code;
    crypto_sign_seed_keypair(public_key, secret_key, seed);
    evlog_head_message(head, message);
    crypto_sign_detached(signature, NULL, message, sizeof message, secret_key);
    json_object_set_new(json, "key", hex_json(public_key, sizeof public_key));
    json_object_set_new(json, "signature", hex_json(signature, sizeof signature));
    sodium_memzero(seed, sizeof seed);
    sodium_memzero(secret_key, sizeof secret_key);
    return LD_OK;
}

static int check_signature(const char *key_path, const struct evlog_head *head, const json_t *json,
                           struct ld_error *error)
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
    uint8_t message[EVLOG_HEAD_MESSAGE_SIZE];
    int code = read_line(key_path, PUBLIC_PREFIX, public_key, error);
    if (code != LD_OK)
        return code;
    if (!take_hex(json, "signature", signature, sizeof signature))
        return ld_fail(error, LD_INVALID, "the head is not signed, and %s was to check it",
                       key_path);
    evlog_head_message(head, message);
    if (crypto_sign_verify_detached(signature, message, sizeof message, public_key) != 0)
        return ld_fail(error, LD_CORRUPT,
                       "the head was not signed with the key of %s, or was "
                       "changed since",
                       key_path);
    return LD_OK;
}

/* ---- the commands ---- */

int log_head(struct cli *cli, int argc, char **argv)
{
    const char *key = NULL;
    int64_t at = 0;
    const struct cli_option options[] = {
        {"key", 'k', CLI_TEXT, &key, "FILE", {"用这一密钥签署", "sign it with this key"}},
        {"at",
         'a',
         CLI_NUMBER,
         &at,
         "SEQ",
         {"到这一序号为止（默认最后一条）", "up to this sequence (default: the last)"}},
        {.name = NULL}};
    const struct cli_usage usage = {
        "log head [OPTION]… DIR",
        {"日志头（JSON）：一个哈希，涵盖到某一序号为止的每个字节。请交他人保管，日后用\n"
         "log verify --head 证明日志未被改动。路由器运行时也可用。",
         "The head of a log as JSON: one hash over every byte up to a sequence. Give it to "
         "somebody\n"
         "else; log verify --head shows later that nothing was changed. Works beside a router."},
        options,
        "  liandong log head --key head.key run/data/log > head-$(date +%F).json\n"};
    struct evlog_head head;
    struct ld_error error;
    int count;
    int status = cli_parse(cli, &usage, argc, argv, 1, 1, &count);
    if (status >= 0)
        return status;
    int code = evlog_head(cli->context, argv[0], at > 0 ? (uint64_t)at : 0, &head, &error);
    if (code != LD_OK)
        return cli_fail(cli, &error);
    json_t *json = head_json(&head);
    if (key != NULL)
        code = sign(key, &head, json, &error);
    evlog_head_free(&head);
    if (code != LD_OK) {
        json_decref(json);
        return cli_fail(cli, &error);
    }
    cli_print_json(json);
    return CLI_OK;
}

static void print_unchanged(const struct cli *cli, const struct evlog_head *head, bool is_signed)
{
    char time[CLI_TIME_SIZE];
    if (cli->json)
        cli_print_json(json_pack("{s:b,s:I,s:b}", "unchanged", true, "sequence",
                                 (json_int_t)head->sequence, "signed", is_signed));
    else
        printf(cli_say(cli, "到第 %llu 号（%s）为止，每个字节都与日志头一致%s\n",
                       "up to %llu (%s) every byte is what it was when the head was made%s\n"),
               (unsigned long long)head->sequence, cli_time(time, head->time_us),
               is_signed ? cli_say(cli, "，签名有效", "; the signature is good") : "");
}

int log_compare_head(struct cli *cli, const char *directory, const char *archive,
                     const char *head_path, const char *key_path)
{
    char default_archive[4096];
    struct evlog_head head = {0};
    struct ld_error error;
    json_t *json = NULL;
    snprintf(default_archive, sizeof default_archive, "%s/archive", directory);
    if (archive == NULL)
        archive = default_archive;
    int code = load_json(head_path, &json, &error);
    if (code == LD_OK)
        code = take_head(head_path, json, &head, &error);
    if (code == LD_OK && key_path != NULL)
        code = check_signature(key_path, &head, json, &error);
    if (code == LD_OK)
        code = evlog_head_compare(cli->context, directory, archive, &head, log_print_finding, cli,
                                  &error);
    if (code == LD_OK)
        print_unchanged(cli, &head, key_path != NULL);
    evlog_head_free(&head);
    json_decref(json);
    return code == LD_OK ? CLI_OK : cli_fail(cli, &error);
}
